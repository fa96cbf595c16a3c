"""Give every reader of files bytes that nobody wrote: only the documented errors may come back.

    python tools/fuzz.py                               100,000 inputs for each reader
    python tools/fuzz.py bits idx --inputs 2000        some readers, fewer inputs
    python tools/fuzz.py quiz --engine atheris         guided by coverage (pip install atheris)
    python tools/fuzz.py --record results/reliability/fuzz.json

An input is a good file, damaged at random: bits, bytes, numbers and pieces changed, cut, doubled
or moved; archives are also damaged within a member and then packed again, so that their checksums
hold. An input that gives another error, takes over ten seconds or a gigabyte is kept in
``_build/fuzz/``.
"""

import argparse
import contextlib
import gzip
import hashlib
import io
import json
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
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt
from notebooks import ROOT
from quiz import QuizError, read_quiz

import minibs4nn as bs
from minibs4nn._idx import read_idx
from minibs4nn._npy import read_npy
from minibs4nn.errors import FileFormatError
from minibs4nn.grader.submission import read as read_submission
from minibs4nn.reproduce import circumstances

KEPT = ROOT / "_build" / "fuzz"
INPUTS = 100_000
SECONDS, MEMORY = 10, 2**30
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
    read: Callable[[Path], Any]
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


def _quizzes() -> list[bytes]:
    return [path.read_bytes() for path in sorted((ROOT / "book" / "quizzes").glob("*.yml"))[:3]]


def _submissions() -> list[bytes]:
    return [path.read_bytes() for path in sorted((ROOT / "exercises").glob("*/*.ipynb"))[:2]]


READERS = {
    "idx": Reader(".idx", read_idx, (FileFormatError,), _idx),
    "npy": Reader(".npy", read_npy, (FileFormatError,), _arrays),
    "npz": Reader(".npz", bs.load, (FileFormatError,), _networks),
    "bits": Reader(".bits", bs.load, (FileFormatError,), _packed),
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
        data = self.random.choice(self.good)
        if zipfile.is_zipfile(io.BytesIO(data)) and self.random.random() < 0.7:
            return self._within_a_member(data)
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
    """Allow so much more memory than now, and so many seconds between two calls of `alarm`."""

    def too_long(number: int, frame: object) -> NoReturn:
        raise TimeoutError(f"over {SECONDS} s")

    pages = int(Path("/proc/self/statm").read_text().split()[0])
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + MEMORY, before[1]))
    old = signal.signal(signal.SIGALRM, too_long)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, old)
        resource.setrlimit(resource.RLIMIT_AS, before)


def attempt(reader: Reader, path: Path, data: bytes) -> str:
    """Let a reader read these bytes; return what came of it, or raise what must not come."""
    path.write_bytes(data)
    signal.alarm(SECONDS)
    try:
        reader.read(path)
    except reader.errors as error:
        return type(error).__name__
    finally:
        signal.alarm(0)
    return "read"


def fuzz(name: str, inputs: int, seed: int) -> tuple[Counter[str], list[Path]]:
    """Try so many inputs; return how often what came of them, and the inputs that are findings."""
    reader = READERS[name]
    mutate = Mutator(reader.good(), seed)
    outcomes, findings = Counter[str](), list[Path]()
    with tempfile.TemporaryDirectory() as folder, limits():
        path = Path(folder) / f"input{reader.suffix}"
        for _ in range(inputs):
            data = mutate()
            try:
                outcomes[attempt(reader, path, data)] += 1
            except Exception as error:  # whatever it is, it is what is looked for
                outcomes[f"FOUND {type(error).__name__}"] += 1
                findings.append(keep(name, data, error))
    return outcomes, findings


def keep(name: str, data: bytes, error: Exception) -> Path:
    """Keep an input that is a finding, for a regression test."""
    KEPT.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256(data).hexdigest()[:12]
    path = KEPT / f"{name}-{type(error).__name__}-{digest}{READERS[name].suffix}"
    path.write_bytes(data)
    return path


def with_atheris(name: str, inputs: int, seed: int) -> NoReturn:
    """Let atheris choose the inputs, by what code they reach; it ends the process."""
    import atheris

    reader = READERS[name]
    atheris.instrument_all()
    with tempfile.TemporaryDirectory() as folder:
        corpus = Path(folder) / "corpus"
        corpus.mkdir()
        for number, data in enumerate(reader.good()):
            (corpus / str(number)).write_bytes(data)
        path = Path(folder) / f"input{reader.suffix}"
        options = [f"-runs={inputs}", f"-seed={seed}", "-rss_limit_mb=2048", "-max_len=65536"]
        atheris.Setup([name, *options, str(corpus)], lambda data: attempt(reader, path, data))
        atheris.Fuzz()
    raise SystemExit(0)


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
    names = options.readers or list(READERS)
    if options.engine == "atheris":
        if len(names) != 1:
            parser.error("atheris ends the process: name one reader")
        with_atheris(names[0], options.inputs, options.seed)
    record: dict[str, Any] = circumstances() | {"seed": options.seed, "readers": {}}
    found = 0
    for name in names:
        start = time.perf_counter()
        outcomes, findings = fuzz(name, options.inputs, options.seed)
        seconds = time.perf_counter() - start
        found += len(findings)
        record["readers"][name] = {
            "inputs": options.inputs, "seconds": round(seconds, 1), "outcomes": dict(outcomes),
        }  # fmt: skip
        print(f"{name:<12}{options.inputs:>9,} inputs, {seconds:6.0f} s: {dict(outcomes)}")
        for path in findings[:5]:
            print(f"    kept: {path.relative_to(ROOT)}")
    if options.record:
        options.record.parent.mkdir(parents=True, exist_ok=True)
        options.record.write_text(json.dumps(record, indent=1) + "\n", "utf8")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
