"""Give every reader of files bytes that nobody wrote: only the documented errors may come back.

    python tools/fuzz.py                               100,000 inputs for each reader
    python tools/fuzz.py bits idx --inputs 2000        some readers, fewer inputs
    python tools/fuzz.py quiz --engine atheris         guided by coverage (pip install atheris)
    python tools/fuzz.py --record results/reliability/fuzz.json

An input is a good file, damaged at random: bits, bytes, numbers and pieces changed, cut, doubled
or moved; archives are also damaged within a member and then packed again, so that their checksums
hold. Under atheris the same damage is done to inputs that reached new code before. An input that
gives another error, takes over ten seconds of computing or a gigabyte is kept in ``_build/fuzz/``.

The inputs are drawn in parts, part k from ``--seed`` + k, and a record is written after each: a run
that was cut short goes on from its record. A loop outside of Python cannot be interrupted: it ends
the process, and under atheris its part, of which only what was reported before is counted.
"""

import argparse
import contextlib
import gc
import gzip
import hashlib
import io
import json
import multiprocessing
import os
import random
import resource
import signal
import struct
import sys
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from types import FunctionType
from typing import Any, NoReturn

import h5py
import nir
import numpy as np
import numpy.typing as npt
from notebooks import ROOT
from quiz import QuizError, read_quiz

import minibs4nn as bs
from minibs4nn._idx import read_idx
from minibs4nn._npy import read_npy
from minibs4nn.errors import FileFormatError
from minibs4nn.files import write_json
from minibs4nn.grader.submission import read as read_submission
from minibs4nn.reproduce import circumstances

KEPT = ROOT / "_build" / "fuzz"
INPUTS = 100_000
WATCHED = ("minibs4nn", "quiz", "gzip", "json", "nir", "zipfile")  # by atheris; YAML: too slow
PART = {"random": 1000, "atheris": 5000}  # atheris begins each part anew, which takes a while
REPORT = 100  # inputs between two reports of atheris
SECONDS, MEMORY = 10, 2**30
HDF5 = b"\x89HDF\r\n\x1a\n"
NUMBERS = (0, 1, -1, 127, 128, 255, 256, 2**15, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1)
WORDS = tuple(
    word.encode()
    for word in ("null", "true", "-1", "1e999", "NaN", "[]", "{}", '""', "- ", ": ", "&a ", "*a",
                 "!!python/name:os.system", "\x00", "\ud7ff", "'", '"', "\n", "  ", "[" * 3000)
)  # fmt: skip


@dataclass(frozen=True)
class Reader:
    """A function that reads files, the errors that it documents, and good files to begin with."""

    suffix: str
    read: Callable[[Path], object]
    errors: tuple[type[Exception], ...]
    good: Callable[[], list[bytes]]


def _saved(suffix: str, save: Callable[[Path], Any]) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"file{suffix}"
        save(path)
        return path.read_bytes()


def _networks() -> list[bytes]:
    train, _ = bs.datasets.bars(n=20, seed=0)
    nets = [kind((64, 5, 16), seed=1) for kind in (bs.S4NN, bs.BS4NN, bs.BNN)]
    for net in nets:
        net.fit(train.images, train.labels, epochs=1, progress=False)
    return [_saved(".npz", net.save) for net in nets]


def _packed() -> list[bytes]:
    nets = [bs.BS4NN(layers, seed=2) for layers in ((16, 9, 3), (5, 2))]
    for net in nets:
        net.initialise()
    return [_saved(".bits", net.pack().save) for net in nets]


def _idx() -> list[bytes]:
    images = struct.pack(">4B3I", 0, 0, 8, 3, 2, 3, 2) + bytes(range(12))
    floats = struct.pack(">4BI", 0, 0, 13, 1, 2) + struct.pack(">2f", 1.5, -2)
    return [images, floats, gzip.compress(images, mtime=0)]


def npy(array: npt.ArrayLike) -> bytes:
    """Return what NumPy writes for an array."""
    file = io.BytesIO()
    np.save(file, np.asarray(array))
    return file.getvalue()


def _arrays() -> list[bytes]:
    arrays = (np.arange(6.0).reshape(2, 3), np.array([1, -1], np.int8), np.zeros((0, 2)))
    return [npy(array) for array in arrays]


class NotNirError(Exception):
    """The package nir, or HDF5 below it, does not read the file; that is no code of ours."""


def _read_nir(path: Path) -> None:
    try:
        graph = nir.read(path, type_check=False)  # what nir lets through comes to us
    except (MemoryError, TimeoutError):
        raise
    except Exception as error:
        raise NotNirError from error
    bs.from_nir(graph)


def _graphs() -> list[bytes]:
    real = bs.S4NN.from_weights([[[0.5, -0.2], [1.0, 2.0]], [[1.0, -3.0]]], threshold=1.0)
    signs = bs.BS4NN.from_weights([[[0.5, -0.2, 1.0]]], scale=1.0, threshold=1.0)
    graphs = [bs.to_nir(net) for net in (real, signs)]
    return [_saved(".nir", partial(nir.write, graph=graph)) for graph in graphs]


def _quizzes() -> list[bytes]:
    return [path.read_bytes() for path in sorted((ROOT / "book" / "quizzes").glob("*.yml"))[:3]]


def _submissions() -> list[bytes]:
    return [path.read_bytes() for path in sorted((ROOT / "exercises").glob("*/*.ipynb"))[:2]]


READERS = {
    "idx": Reader(".idx", read_idx, (FileFormatError,), _idx),
    "npy": Reader(".npy", read_npy, (FileFormatError,), _arrays),
    "npz": Reader(".npz", bs.load, (FileFormatError,), _networks),
    "bits": Reader(".bits", bs.load, (FileFormatError,), _packed),
    "nir": Reader(".nir", _read_nir, (NotNirError, TypeError, ValueError), _graphs),
    "quiz": Reader(".yml", read_quiz, (QuizError,), _quizzes),
    # A file that is no notebook is a submission with a problem: nothing is ever raised.
    "submission": Reader(
        ".ipynb",
        lambda path: read_submission("student", path, ["fires"], ["01.6"]),
        (),
        _submissions,
    ),
}


class Mutator:
    """Damages good files, the same way for the same seed."""

    def __init__(self, good: Sequence[bytes], seed: int) -> None:
        self.good = list(good)
        self.random = random.Random(seed)

    def __call__(self) -> bytes:
        """Return the next input."""
        return self.damage(self.random.choice(self.good))

    def damage(self, data: bytes) -> bytes:
        """Damage a file, or what is packed in it."""
        if self.random.random() < 0.7:
            # What was damaged before may be an archive that cannot be opened any more.
            with contextlib.suppress(Exception):
                if zipfile.is_zipfile(io.BytesIO(data)):
                    return self._within_a_member(data)
                if data.startswith(HDF5):
                    return self._within_a_graph(data)
        return self._damage(data)

    def _damage(self, data: bytes) -> bytes:
        for _ in range(self.random.choice((1, 1, 2, 4, 8))):
            data = self.random.choice(self._ways)(self, bytearray(data), self._place(data))
        return data

    def _within_a_member(self, data: bytes) -> bytes:
        packed = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(packed, "w") as new:
            names = old.namelist()
            chosen = self.random.choice(names)
            for name in names:
                content = old.read(name)
                new.writestr(name, self._damage(content) if name == chosen else content)
        return packed.getvalue()

    def _within_a_graph(self, data: bytes) -> bytes:
        packed, names = io.BytesIO(data), list[str]()
        with h5py.File(packed, "r+") as file:
            file.visit(names.append)
            for _ in range(self.random.choice((1, 1, 2))):
                name, other = self.random.choices(names, k=2)
                if name not in file:  # gone already, with all of its group
                    continue
                # The odd thing first: a group cannot be copied into itself.
                odd = self._odd(file[name]) if self.random.random() < 0.7 else file.get(other)
                if odd is None or isinstance(odd, h5py.Group):
                    file.move(name, f"{name} moved")
                else:
                    del file[name]
                    file[name] = odd[()] if isinstance(odd, h5py.Dataset) else odd
        return packed.getvalue()

    def _odd(self, was: h5py.Dataset | h5py.Group) -> npt.NDArray[Any] | str:
        """Make something to stand where a node, or an array of one, was."""
        if self.random.random() < 0.2:
            return self.random.choice(("", "Linear", "IF", "Conv2d", "NIRGraph", "\ud7ff"))
        shape = self.random.choice((getattr(was, "shape", ()), (), (0,), (1,), (2,), (3, 2)))
        value = self.random.choice((0, 1, -1, 0.5, 1e308, -1e308, 5e-324, np.nan, np.inf, 2**63))
        dtype = self.random.choice(("f8", "f4", "f2", "i8", "i1", "u8", "?", "c16", "S3"))
        with np.errstate(all="ignore"):
            return np.full(shape, value).astype(dtype)

    def _place(self, data: bytes) -> int:
        """Choose a place, often near the start, where headers are."""
        end = len(data) if self.random.random() < 0.5 else min(len(data), 128)
        return self.random.randint(0, end)

    def _flip(self, data: bytearray, at: int) -> bytes:
        if at < len(data):
            data[at] ^= 1 << self.random.randrange(8)
        return bytes(data)

    def _number(self, data: bytearray, at: int) -> bytes:
        order, code = self.random.choice("<>"), self.random.choice("BHIQ")
        size = struct.calcsize(code)
        number = self.random.choice(NUMBERS) % 2 ** (8 * size)
        data[at : at + size] = struct.pack(order + code, number)
        return bytes(data)

    def _cut(self, data: bytearray, at: int) -> bytes:
        return bytes(data[:at])

    def _remove(self, data: bytearray, at: int) -> bytes:
        del data[at : at + self.random.choice((1, 2, 4, 16, 200))]
        return bytes(data)

    def _double(self, data: bytearray, at: int) -> bytes:
        data[at:at] = data[at : at + self.random.choice((1, 4, 16, 200))]
        return bytes(data)

    def _insert(self, data: bytearray, at: int) -> bytes:
        data[at:at] = self.random.randbytes(self.random.choice((1, 2, 4, 16)))
        return bytes(data)

    def _word(self, data: bytearray, at: int) -> bytes:
        word = self.random.choice(WORDS)
        data[at : at + self.random.choice((0, len(word)))] = word
        return bytes(data)

    def _splice(self, data: bytearray, at: int) -> bytes:
        other = self.random.choice(self.good)
        return bytes(data[:at]) + other[self._place(other) :]

    _ways = (_flip, _number, _cut, _remove, _double, _insert, _word, _splice)


@contextlib.contextmanager
def limits() -> Iterator[None]:
    """Allow so much more memory than now; say so if the time for one input is over."""

    def too_long(number: int, frame: object) -> NoReturn:
        raise TimeoutError(f"over {SECONDS} s")

    pages = int(Path("/proc/self/statm").read_text().split()[0])
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + MEMORY, before[1]))
    old = signal.signal(signal.SIGPROF, too_long)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, old)
        resource.setrlimit(resource.RLIMIT_AS, before)


def attempt(reader: Reader, path: Path, data: bytes) -> str:
    """Let a reader read these bytes; return what came of it, or raise what must not come."""
    path.unlink(missing_ok=True)  # to write over a file is to wait for the disk
    path.write_bytes(data)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)  # its own: the machine may be busy
    signal.setitimer(signal.ITIMER_VIRTUAL, 3 * SECONDS)  # the end, where Python has no say
    try:
        reader.read(path)
    except reader.errors as error:
        return type(error).__name__
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    return "read"


@dataclass
class Tally:
    """What came of the inputs of one reader."""

    name: str
    path: Path
    outcomes: Counter[str] = field(default_factory=Counter)
    findings: list[Path] = field(default_factory=list)

    def count(self, data: bytes) -> None:
        """Try one input."""
        try:
            self.outcomes[attempt(READERS[self.name], self.path, data)] += 1
        except Exception as error:  # whatever it is, it is what is looked for
            self.outcomes[f"FOUND {type(error).__name__}"] += 1
            self.findings.append(keep(self.name, data, error))


def fuzz(
    name: str, inputs: int, seed: int, engine: str = "random"
) -> tuple[Counter[str], list[Path]]:
    """Try so many inputs; return how often what came of them, and the inputs that are findings."""
    mutator = Mutator(READERS[name].good(), seed)
    with tempfile.TemporaryDirectory() as folder, limits():
        tally = Tally(name, Path(folder) / f"input{READERS[name].suffix}")
        if engine == "random":
            for _ in range(inputs):
                tally.count(mutator())
            return tally.outcomes, tally.findings
        here, there = multiprocessing.Pipe(duplex=False)
        fork = multiprocessing.get_context("fork")  # atheris never comes back, so elsewhere
        process = fork.Process(target=with_atheris, args=(tally, mutator, inputs, seed, there))
        process.start()
        there.close()
        outcomes, findings = tally.outcomes, tally.findings
        with contextlib.suppress(EOFError):  # sent when it has ended
            while True:
                outcomes, findings = here.recv()
        process.join()
        if process.exitcode == -signal.SIGVTALRM:
            outcomes["FOUND endless loop"] += 1
            error = TimeoutError(f"over {3 * SECONDS} s outside of Python")
            findings.append(keep(name, tally.path.read_bytes(), error))
        elif process.exitcode:
            raise RuntimeError(f"{name}: atheris ended with status {process.exitcode}")
        return outcomes, findings


def with_atheris(
    tally: Tally, mutator: Mutator, inputs: int, seed: int, result: Connection
) -> NoReturn:
    """Let atheris choose which inputs to change, by what code they reach; it ends the process."""
    import atheris

    def one(data: bytes) -> None:
        tally.count(data)
        done = tally.outcomes.total()
        if done % REPORT == 0 or done == inputs:
            result.send((tally.outcomes, tally.findings))
        if done == inputs:
            os._exit(0)

    def change(data: bytes, most: int, seed: int) -> bytes:
        mutator.random.seed(seed)
        plain = mutator.random.random() < 0.5
        return (atheris.Mutate(data, most) if plain else mutator.damage(data))[:most]

    for function in gc.get_objects():  # of the readers and of what they are built on, all the code
        if isinstance(function, FunctionType) and str(function.__module__).split(".")[0] in WATCHED:
            atheris.instrument_func(function)
    corpus = tally.path.with_name("corpus")
    corpus.mkdir()
    for number, data in enumerate(mutator.good):
        (corpus / str(number)).write_bytes(data)
    # Its own limits would end the process, for a second that others took: those of attempt() hold.
    own = ["-timeout=3600", "-rss_limit_mb=0", f"-artifact_prefix={KEPT}/"]
    options = [f"-seed={seed + 1}", "-max_len=65536", "-verbosity=0", *own]
    atheris.Setup([tally.name, *options, str(corpus)], one, custom_mutator=change)
    atheris.Fuzz()
    raise SystemExit(1)


def keep(name: str, data: bytes, error: Exception) -> Path:
    """Keep an input that is a finding, for a regression test."""
    KEPT.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256(data).hexdigest()[:12]
    path = KEPT / f"{name}-{type(error).__name__}-{digest}{READERS[name].suffix}"
    path.write_bytes(data)
    return path


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the result is the exit status."""
    parser = argparse.ArgumentParser(description="Give every reader of files damaged files.")
    parser.add_argument("readers", nargs="*", help=f"of {', '.join(READERS)} (default: all)")
    parser.add_argument("--inputs", type=int, default=INPUTS, help="for each reader")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--engine", choices=("random", "atheris"), default="random")
    parser.add_argument("--record", type=Path, help="write what came of it to this JSON file")
    options = parser.parse_args(arguments)
    unknown = sorted(set(options.readers) - set(READERS))
    if unknown:
        parser.error(f"there is no reader {', '.join(unknown)}; choose from {', '.join(READERS)}")
    found = 0
    for name in options.readers or READERS:
        entry = run(name, options)
        inputs, seconds, outcomes = entry["inputs"], entry["seconds"], entry["outcomes"]
        found += sum(count for what, count in outcomes.items() if what.startswith("FOUND"))
        print(f"{name:<12}{inputs:>9,} inputs, {seconds:6.0f} s: {outcomes}")
    return 1 if found else 0


def run(name: str, options: argparse.Namespace) -> dict[str, Any]:
    """Try the parts that are missing; return the entry of this reader and engine in the record."""
    record: dict[str, dict[str, dict[str, Any]]] = {}
    if options.record and options.record.exists():
        record = json.loads(options.record.read_text("utf8"))
    begun = {"seed": options.seed, "parts": 0, "inputs": 0, "seconds": 0, "outcomes": {}}
    entry = record.setdefault(name, {}).setdefault(options.engine, begun)
    while entry["inputs"] < options.inputs:
        start, size = time.perf_counter(), PART[options.engine]
        inputs = min(size, options.inputs - entry["inputs"])
        seed = entry["seed"] + entry["parts"]
        outcomes, findings = fuzz(name, inputs, seed, options.engine)
        for path in findings[:5]:
            print(f"    kept: {path}")
        entry["parts"] += 1
        entry["inputs"] += outcomes.total()
        outcomes.update(entry["outcomes"])
        entry["seconds"] = round(entry["seconds"] + time.perf_counter() - start, 1)
        entry["outcomes"] = dict(sorted(outcomes.items()))
        record[name][options.engine] = entry = entry | circumstances()
        if options.record:
            write_json(options.record, record)
    return entry


if __name__ == "__main__":
    sys.exit(main())
