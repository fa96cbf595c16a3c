"""Files: all or nothing when they are written, no trust when they are read."""

import errno
import io
import json
import os
import stat
import struct
import subprocess
import sys
import threading
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import archives
import numpy as np
import numpy.typing as npt
import pytest
from archives import Verdict, npy, pack, raw_npy, with_end, with_entry, with_header, with_members
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import minibs4nn as bs
from minibs4nn import files
from minibs4nn.errors import FileFormatError
from minibs4nn.files import atomic_write, narrow, read_npz, write_json, write_npz

Array = npt.NDArray[Any]
as_root = pytest.mark.skipif(os.geteuid() == 0, reason="root may write and read everything")


def same_bits(a: Array, b: Array) -> bool:
    return (a.dtype, a.shape, a.tobytes()) == (b.dtype, b.shape, b.tobytes())


# --- what is written can be read -----------------------------------------------------------------

NUMBERS = st.sampled_from(["?", "i1", "u1", "<i2", ">u2", "<i4", "<u8", "<i8", "<f2", ">f4", "<f8"])
ARRAYS = NUMBERS.flatmap(
    lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0))
)
NAMES = st.text(st.characters(exclude_characters="/\\\0", exclude_categories=["Cs"]), min_size=1)
FEWER = settings(max_examples=40)  # each example writes a file, and waits for the disk
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)  # fmt: skip


@FEWER
@given(
    header=st.dictionaries(st.text(), JSON),
    arrays=st.dictionaries(NAMES.map(lambda name: f"a{name}"), ARRAYS, max_size=4),
    transposed=st.booleans(),
)
def test_round_trip(
    tmp_path_factory: pytest.TempPathFactory,
    header: dict[str, Any],
    arrays: dict[str, Array],
    transposed: bool,
) -> None:
    path = tmp_path_factory.getbasetemp() / "round.npz"
    if transposed:
        arrays = {name: array.T for name, array in arrays.items()}
    write_npz(path, header, arrays)
    again, read = read_npz(path)
    assert again == header
    assert read.keys() == arrays.keys()
    for name, array in arrays.items():
        assert same_bits(read[name], array)
        read[name].flags.writeable = True  # a copy of its own, not a window into the file
    with np.load(path, allow_pickle=False) as plain:  # and NumPy reads it, header and all
        assert json.loads(plain["header"].tobytes()) == header


def test_memory_order_is_kept(tmp_path: Path) -> None:
    columns = np.asfortranarray(np.arange(6.0).reshape(2, 3))
    write_npz(tmp_path / "a.npz", {}, {"columns": columns, "rows": columns.copy(order="C")})
    _, read = read_npz(tmp_path / "a.npz")
    assert read["columns"].flags.f_contiguous
    assert read["rows"].flags.c_contiguous


@given(hnp.arrays(np.float64, st.integers(0, 5), elements=st.floats() | st.floats(width=16)))
def test_narrow_loses_nothing(array: Array) -> None:
    smaller = narrow(array)
    assert smaller.dtype in (np.int8, np.float32, np.float64)
    assert same_bits(smaller.astype(np.float64), array)


@pytest.mark.parametrize(
    ("numbers", "dtype"),
    [
        ([1, -1, 127, -128, 0.0], "int8"),
        ([1, 128], "float32"),
        ([0.5, -2.25], "float32"),
        ([1, -0.0], "float64"),  # an integer has no -0
        ([0.1], "float64"),
        ([1e300], "float64"),
        ([np.inf, 1], "float32"),
        ([np.nan, 1], "float64"),
    ],
)
def test_narrow_takes_the_smallest_that_is_exact(numbers: list[float], dtype: str) -> None:
    assert narrow(np.array(numbers, np.float64)).dtype == dtype


def test_narrow_leaves_other_kinds_alone() -> None:
    for array in (np.zeros(2, np.int64), np.zeros(2, bool), np.array([0.5], np.float32)):
        assert narrow(array) is array


@pytest.mark.parametrize(
    ("header", "arrays", "error", "message"),
    [
        ({}, {"x": np.array([{}])}, TypeError, "array 'x' holds object; files take numbers"),
        ({}, {"x": np.array(["a"])}, TypeError, "array 'x' holds <U1"),
        ({}, {"x": np.array([1j])}, TypeError, "array 'x' holds complex128"),
        ({}, {"x": np.array(0, "M8[s]")}, TypeError, r"array 'x' holds datetime64\[s\]"),
        ({}, {"a/b": np.zeros(1)}, ValueError, "'a/b' looks like a path"),
        ({}, {"..\\b": np.zeros(1)}, ValueError, r"'\.\..*' looks like a path"),
        ({"x": float("nan")}, {}, ValueError, "not JSON compliant"),
        ({"x": {1, 2}}, {}, TypeError, "not JSON serializable"),
        ({"x": "." * 2**22}, {}, ValueError, "the header has 4194313 bytes of JSON"),
    ],
)
def test_what_could_not_be_read_is_not_written(
    header: dict[str, Any], arrays: dict[str, Array], error: type[Exception], message: str,
    tmp_path: Path,
) -> None:  # fmt: skip
    path = tmp_path / "a.npz"
    path.write_bytes(b"old")
    with pytest.raises(error, match=message):
        write_npz(path, header, arrays)
    assert only_file(path) == b"old"


@pytest.mark.skipif(np.dtype(np.longdouble).itemsize == 8, reason="longdouble is float64 here")
def test_numbers_that_another_machine_could_not_read_are_not_written(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="files take numbers of up to 8 bytes"):
        write_npz(tmp_path / "a.npz", {}, {"x": np.zeros(1, np.longdouble)})


def test_the_longest_header_can_be_read(tmp_path: Path) -> None:
    header = {"x": "." * (2**22 - len('{"x": ""}'))}
    write_npz(tmp_path / "a.npz", header, {})
    assert read_npz(tmp_path / "a.npz")[0] == header


# --- files of strangers --------------------------------------------------------------------------


def network_file(folder: Path) -> bytes:
    archives.trained("BS4NN").save(folder / "made.npz")
    return (folder / "made.npz").read_bytes()


def dictionary(descr: str = "'<f8'", shape: str = "(2,)", rest: str = "") -> str:
    return f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, {rest}}}"


def twice(good: bytes) -> bytes:
    """Two members of one name, and of one content."""
    file = io.BytesIO(good)
    with zipfile.ZipFile(file, "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr("scale.npy", archives.members_of(good)["scale.npy"])
    return file.getvalue()


def overlapping(good: bytes) -> bytes:
    """The first member, header.npy, reaches 40 bytes into the second; its checksum is right."""
    size = len(archives.members_of(good)["header.npy"]) + 40
    start = good.index(b"\x93NUMPY")
    crc = zlib.crc32(good[start : start + size])
    return with_entry(good, 0, size=size, compressed=size, crc=crc)


def beyond_32_bits(size: int, offset: int) -> bytes:
    """One member whose sizes and whose place are written with 64 bits."""
    extra = struct.pack("<HHQQQ", 1, 24, size, size, offset)
    most, name = 2**32 - 1, b"header.npy"
    entry = archives.ENTRY.pack(
        b"PK\1\2", 45, 45, 0, 0, 0, 0, 0, most, most, len(name), len(extra), 0, 0, 0, 0, most
    )
    directory = entry + name + extra
    return directory + archives.END.pack(b"PK\5\6", 0, 0, 1, 1, len(directory), 0, 0)


def crowded(good: bytes) -> bytes:
    """A directory of 200,000 entries without names, as a list of them takes the least room."""
    start = archives.END.unpack_from(good, len(good) - archives.END.size)[6]
    values = list(archives.ENTRY.unpack_from(good, start))
    values[8:13] = [0] * 5
    directory = archives.ENTRY.pack(*values) * 200_000
    end = archives.END.pack(b"PK\5\6", 0, 0, 65535, 65535, len(directory), len(good), 0)
    return good + directory + end


def member(name: str, data: bytes) -> Callable[[bytes], bytes]:
    return lambda good: with_members(good, {name: data})


EVIL = np.array([os.system], dtype=object)  # pickled by name

# Name, how it is made from a good file, and what the message says.
ARCHIVES: list[tuple[str, Callable[[bytes], bytes], str]] = [
    ("empty file", lambda good: b"", "File is not a zip file"),
    ("text", lambda good: b"weights = [1, 2, 3]\n" * 1000, "File is not a zip file"),
    ("zeros", lambda good: bytes(100_000), "File is not a zip file"),
    ("one array", lambda good: npy(np.zeros(3)), "File is not a zip file"),
    ("empty zip", lambda good: pack({}), "it has no header"),
    ("zip of something else", lambda good: pack({"a.txt": b"hello"}), "not an array of numbers"),
    ("npz of something else", lambda good: pack({"a.npy": npy([1])}), "it has no header"),
    ("second half", lambda good: good[len(good) // 2 :], "not a network of this library"),
    ("compressed", lambda good: pack(archives.members_of(good), zipfile.ZIP_DEFLATED),
     "its members are larger than the file"),
    ("bomb", lambda good: pack({"header.npy": bytes(3 * 10**8)}, zipfile.ZIP_DEFLATED),
     "its members are larger than the file"),
    ("compressed, but larger", lambda good: pack({"x": os.urandom(99)}, zipfile.ZIP_DEFLATED),
     "is compressed"),
    ("unknown compression", lambda good: with_entry(good, 0, compression=99), "is compressed"),
    ("encrypted", lambda good: with_entry(good, 0, flags=1), "is encrypted"),
    ("strongly encrypted", lambda good: with_entry(good, 0, flags=0x41), "strong encryption"),
    ("patched", lambda good: with_entry(good, 0, flags=0x20), "compressed patched data"),
    ("later zip", lambda good: with_entry(good, 0, needed=99), "zip file version 9.9"),
    ("wrong checksum", lambda good: with_entry(good, 1, crc=1), "Bad CRC-32"),
    ("size of 4 GiB", lambda good: with_entry(good, 1, size=2**32 - 2),
     "its members are larger than the file"),
    ("size of 2 GiB in the file", lambda good: with_entry(good, 1, compressed=2**31 - 5),
     "is compressed"),
    ("twice", twice, "two members 'scale.npy'"),
    ("overlapping", overlapping, ""),
    ("one place for two", lambda good: with_entry(good, 1, offset=0), "differ"),
    ("sizes of 64 bits", lambda good: beyond_32_bits(2**63 + 1, 0),
     "its members are larger than the file"),
    ("offset of 64 bits", lambda good: beyond_32_bits(0, 2**63 + 1), ""),
    ("offset of 63 bits", lambda good: beyond_32_bits(0, 2**63 - 1), ""),
    ("directory within itself", lambda good: with_entry(good, 0, offset=len(good) - 60),
     "Bad magic number"),
    ("member beyond the end", lambda good: with_entry(good, 0, offset=2**32 - 2), ""),
    ("directory begins later", lambda good: with_end(good, offset=1), ""),
    ("directory begins earlier", lambda good: with_end(good, offset=-1), "Bad magic number"),
    ("directory too long", lambda good: with_end(good, size=10**6), ""),
    ("directory of 2 GiB", lambda good: with_end(good, size=2**31), ""),
    ("crowded directory", crowded, "announces a part of 9200000 bytes"),
    ("path up", member("../scale", npy([1.0])), "looks like a path"),
    ("absolute path", member("/scale", npy([1.0])), "looks like a path"),
    ("path down", member("rule./a/b", npy([1.0])), "looks like a path"),
    ("path of Windows", member("rule.C:\\a", npy([1.0])), "looks like a path"),
    ("pickle", member("scale", npy(EVIL)), "not an array of numbers"),
    ("pickle in the header", member("header", npy(EVIL)), "not an array of numbers"),
    ("text array", member("scale", npy(["a", "b"])), "not an array of numbers"),
    ("complex array", member("scale", npy([1j, 1])), "not an array of numbers"),
    ("dates", member("scale", npy(np.array([0, 1], "M8[s]"))), "not an array of numbers"),
    ("records", member("scale", npy(np.zeros(2, "f4,f4"))), "not an array of numbers"),
    ("16 bytes a number", member("scale", raw_npy(dictionary("'<f16'"), bytes(32))),
     "not an array of numbers"),
    ("no such dtype", member("scale", raw_npy(dictionary("'<f1'"), bytes(2))), "f1"),
    ("format 2", member("scale", raw_npy(dictionary(), bytes(16), (2, 0))),
     "not an array of numbers"),
    ("format 9", member("scale", raw_npy(dictionary(), bytes(16), (9, 0))),
     "not an array of numbers"),
    ("no array", member("scale", b"hello"), "not an array of numbers"),
    ("nothing", member("scale", b""), "not an array of numbers"),
    ("magic only", member("scale", b"\x93NUMPY\1\0"), "not an array of numbers"),
    ("header without an end", member("scale", raw_npy("{'descr': '<f8', ")),
     "not an array of numbers"),
    ("header too short", member("scale", b"\x93NUMPY\1\0\5\0" + npy([1.0])[10:]),
     "not an array of numbers"),
    ("stack of the parser", member("scale", raw_npy("-" * 9000 + "1")), "not an array of numbers"),
    ("brackets", member("scale", raw_npy("[" * 9000)), "not an array of numbers"),
    ("code", member("scale", raw_npy("__import__('os')._exit(9)")), "not an array of numbers"),
    ("Python 2", member("scale", raw_npy(dictionary(shape="(2L,)"), bytes(16))),
     "not an array of numbers"),
    ("another key", member("scale", raw_npy(dictionary(rest="'x': 1, "), bytes(16))),
     "not an array of numbers"),
    ("huge shape", member("scale", raw_npy(dictionary(shape="(1000000000000,)"), bytes(16))),
     "does not have 16 bytes"),
    ("huge shape of small numbers",
     member("scale", raw_npy(dictionary(shape=f"({'9' * 4000},)"), bytes(16))),
     "an array of shape (999"),
    ("number beyond reading", member("scale", raw_npy(dictionary(shape=f"({'9' * 9000},)"))),
     "integer string conversion"),
    ("shape overflows to fit", member("scale", raw_npy(dictionary(shape=f"({2**63}, 2)"))),
     "does not have 0 bytes"),
    ("negative shape", member("scale", raw_npy(dictionary(shape="(-2, -1)"), bytes(16))),
     "not an array of numbers"),
    ("unknown shape", member("scale", raw_npy(dictionary(shape="(-1,)"), bytes(16))),
     "not an array of numbers"),
    ("empty but huge", member("scale", raw_npy(dictionary(shape=f"(0, {10**30})"))), ""),
    ("empty but large", member("scale", raw_npy(dictionary(shape=f"(0, {10**18})"))), ""),
    ("100 dimensions", member("scale", raw_npy(dictionary(shape=f"({'1, ' * 100})"), bytes(8))),
     "dimension"),
    ("too short", member("scale", npy([1.0, 2.0])[:-1]), "does not have 15 bytes"),
    ("too long", member("scale", npy([1.0, 2.0]) + b"\0"), "does not have 17 bytes"),
    ("no header", lambda good: with_members(good, {"header": None}), "it has no header"),
    ("header of floats", member("header", npy(np.full(9, np.nan))), "it has no header"),
    ("header of two dimensions", member("header", npy(np.zeros((2, 2), np.uint8))),
     "it has no header"),
    ("header is empty", lambda good: with_header(good, b""), "Expecting value"),
    ("header is no JSON", lambda good: with_header(good, b"{'a': 1}"), "Expecting property name"),
    ("header is no text", lambda good: with_header(good, b"\xff\xfe\xfd"), "codec can't decode"),
    ("header is cut", lambda good: with_header(good, b'{"format": 1, "kind'), "Unterminated"),
    ("header is a list", lambda good: with_header(good, [1]), "is not a JSON object"),
    ("deep JSON", lambda good: with_header(good, b"[" * 2_000_000), "recursion"),
    ("deep JSON, closed", lambda good: with_header(good, b'{"a":' * 10**5 + b"1" + b"}" * 10**5),
     "recursion"),
    ("large JSON", lambda good: with_header(good, b"[" + b"{}," * 1_398_000 + b"{}]"),
     "is not a JSON object"),
    ("too large JSON", lambda good: with_header(good, b"[" + b"{}," * 9_000_000 + b"{}]"),
     "it has no header of up to 4194304 bytes"),
    ("number of 5000 digits", lambda good: with_header(good, b'{"format": ' + b"9" * 5000 + b"}"),
     "integer string conversion"),
]  # fmt: skip


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Verdict]:
    good = network_file(tmp_path_factory.mktemp("good"))
    made = {name: make(good) for name, make, _ in ARCHIVES}
    return archives.judge(made, good, tmp_path_factory.mktemp("hostile"))


@pytest.mark.parametrize(("name", "reason"), [(name, reason) for name, _, reason in ARCHIVES])
def test_hostile_archives_are_refused(verdicts: dict[str, Verdict], name: str, reason: str) -> None:
    archives.check_refused(verdicts, name, reason)


def test_the_judge_lets_a_good_file_pass(verdicts: dict[str, Verdict]) -> None:
    assert verdicts["valid"].outcome == "loaded"


def test_the_judge_sees_other_exceptions_and_what_they_cost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wasteful = archives.JUDGE.replace("bs.load(path)", "bytearray(3 * 10**8); {}['x']")
    monkeypatch.setattr(archives, "JUDGE", wasteful)
    verdict = archives.judge({}, network_file(tmp_path), tmp_path)["valid"]
    assert verdict.outcome == "KeyError"
    assert verdict.peak > archives.MEMORY
    with pytest.raises(AssertionError, match="KeyError"):
        archives.check_refused({"x": verdict}, "x", "")


def holds(path: Path, data: bytes) -> tuple[dict[str, Any], dict[str, bytes]] | None:
    """What a file with this content holds, or None if it is refused."""
    path.write_bytes(data)
    try:
        header, arrays = read_npz(path)
    except FileFormatError:
        return None
    return header, {name: array.tobytes() for name, array in arrays.items()}


def test_a_change_of_any_byte_is_found_or_harmless(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    write_npz(path, {"a": 1}, {"x": np.arange(30.0), "y": np.ones(3), "z": np.zeros(2)})
    data = path.read_bytes()
    whole = holds(path, data)
    assert whole is not None
    results = []
    for place in range(len(data)):
        changed = bytearray(data)
        changed[place] ^= 1 << place % 8
        results.append(holds(path, bytes(changed)))
        assert results[-1] in (None, whole), f"byte {place}"
    assert results.count(None) > 0.75 * len(data)  # dates and file modes mean nothing here


@given(content=st.binary(max_size=200), begun=st.booleans())
def test_any_bytes_as_a_member(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, begun: bool
) -> None:
    header = npy(np.frombuffer(b"{}", np.uint8))
    data = npy(np.zeros(2))[:60] + content if begun else content
    archive = pack({"header.npy": header, "x.npy": data})
    found = holds(tmp_path_factory.getbasetemp() / "any.npz", archive)
    assert found is None or found[1].keys() == {"x"}


def test_a_large_file_with_holes_costs_nothing(tmp_path: Path) -> None:
    path = tmp_path / "holes.npz"
    with path.open("wb") as file:
        file.truncate(2**36)  # 64 GiB, none of which is on the disk
    with pytest.raises(FileFormatError, match="not a zip file"):
        read_npz(path)


def test_what_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match=r"load: '.+' is not a regular file"):
        read_npz(tmp_path)
    with pytest.raises(FileFormatError, match=r"load: '/dev/zero' is not a regular file"):
        read_npz("/dev/zero")
    with pytest.raises(FileNotFoundError, match=r"No such file or directory: '.+missing\.npz'"):
        read_npz(tmp_path / "missing.npz")


def test_a_pipe_does_not_make_us_wait(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    code = "import sys; from minibs4nn.files import read_npz; read_npz(sys.argv[1])"
    done = subprocess.run(
        [sys.executable, "-c", code, str(pipe)], capture_output=True, text=True, timeout=60
    )
    assert done.stderr.endswith("pipe' is not a regular file\n")


@as_root
def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    path.touch(mode=0)
    with pytest.raises(PermissionError):
        read_npz(path)


# --- all or nothing ------------------------------------------------------------------------------


def only_file(path: Path) -> bytes:
    """The content of a file that is alone in its folder: no temporary was left."""
    assert os.listdir(path.parent) == [path.name]
    return path.read_bytes()


def full(*_: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


class FullDisk(io.FileIO):
    """A file on a disk that has room for 1000 more bytes."""

    def write(self, data: Any, /) -> int:
        """Write all or nothing."""
        if self.tell() + len(data) > 1000:
            full()
        return super().write(data) or 0


def on_a_full_disk(path: Path, mode: str) -> io.BufferedWriter:
    return io.BufferedWriter(FullDisk(path, mode.replace("b", "")))


@pytest.fixture(params=["new", "old"])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A path at which there is no file yet, or one that must survive."""
    path = tmp_path / "net.npz"
    if request.param == "old":
        path.write_bytes(b"old")
    return path


def test_a_file_appears_when_the_block_ends(tmp_path: Path) -> None:
    path = tmp_path / "a"
    with atomic_write(path) as file:
        file.write(b"first")
        file.flush()
        assert not path.exists()
    with atomic_write(str(path)) as file:
        file.write(b"second")
        file.flush()
        assert path.read_bytes() == b"first"
    assert only_file(path) == b"second"


def untouched(path: Path) -> bool:
    """Whether there is the old file, or still none, and no temporary."""
    return os.listdir(path.parent) == [] or only_file(path) == b"old"


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit, GeneratorExit])
def test_an_error_in_the_block_changes_nothing(target: Path, error: type[BaseException]) -> None:
    with pytest.raises(error), atomic_write(target) as file:  # noqa: PT012
        file.write(b"half")
        file.flush()
        raise error
    assert untouched(target)


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_failing_step_changes_nothing(
    target: Path, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, step, full)
    with pytest.raises(OSError, match="No space left"), atomic_write(target) as file:
        file.write(b"new")
    monkeypatch.undo()
    assert untouched(target)


def test_a_disk_that_fills_up_changes_nothing(
    target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "open", on_a_full_disk, raising=False)
    with atomic_write(target) as file:
        file.write(bytes(1000))
    assert only_file(target) == bytes(1000)
    target.write_bytes(b"old")
    with pytest.raises(OSError, match="No space left"), atomic_write(target) as file:
        file.write(bytes(1001))
    assert only_file(target) == b"old"
    with pytest.raises(OSError, match="No space left"):
        write_npz(target, {}, {"x": np.zeros(10_000)})
    assert only_file(target) == b"old"


def test_the_bytes_are_on_the_disk_before_the_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "net.npz"
    target.write_bytes(b"old")
    steps: list[object] = []
    fsync, replace = os.fsync, os.replace

    def watched_fsync(descriptor: int) -> None:
        is_folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        steps.append("folder" if is_folder else os.fstat(descriptor).st_size)
        steps.append(target.read_bytes())
        fsync(descriptor)

    def watched_replace(source: Path, destination: Path) -> None:
        steps.append("replace")
        assert source.parent == destination.parent  # a rename within one folder is one step
        replace(source, destination)

    monkeypatch.setattr(os, "fsync", watched_fsync)
    monkeypatch.setattr(os, "replace", watched_replace)
    with atomic_write(target) as file:
        file.write(b"brand new")
    assert steps == [9, b"old", "replace", "folder", b"brand new"]


def test_a_folder_that_cannot_be_synced_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fsync = os.fsync

    def files_only(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", files_only)
    with atomic_write(tmp_path / "a") as file:
        file.write(b"new")
    assert only_file(tmp_path / "a") == b"new"


CRASH = """
import os, sys
from minibs4nn.files import atomic_write

target, step = sys.argv[1:]
if step != "block":
    setattr(os, step, lambda *_: os._exit(9))
with atomic_write(target) as file:
    file.write(b"new" * 10_000)
    if step == "block":
        os._exit(9)
"""


@pytest.mark.parametrize("step", ["block", "fsync", "replace"])
def test_a_crash_at_any_step_leaves_the_old_file(step: str, tmp_path: Path) -> None:
    target = tmp_path / "net.npz"
    target.write_bytes(b"old")
    done = subprocess.run([sys.executable, "-c", CRASH, str(target), step], check=False)
    assert done.returncode == 9
    assert target.read_bytes() == b"old"


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("missing/net.npz", FileNotFoundError),
        ("file/net.npz", NotADirectoryError),
        ("folder", IsADirectoryError),
        ("", IsADirectoryError),
        ("x" * 300, OSError),
    ],
)
def test_places_where_no_file_can_be(
    path: str, error: type[OSError], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    inside = tmp_path / "folder" if path == "" else tmp_path
    monkeypatch.chdir(inside)
    with pytest.raises(error) as found, atomic_write(path) as file:
        file.write(b"new")
    assert str(found.value).endswith(f": {path!r}")  # not the name of the temporary file
    assert sorted(os.listdir(tmp_path)) == ["file", "folder"]
    assert os.listdir(tmp_path / "folder") == []


def test_a_record_is_readable_json_in_a_folder_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "new" / "record.json"
    write_json(path, {"seed": 3, "curve": [0.5, 1.0]})
    assert path.read_bytes() == b'{\n "seed": 3,\n "curve": [\n  0.5,\n  1.0\n ]\n}\n'
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(path, {"seed": float("nan")})
    assert json.loads(path.read_bytes())["seed"] == 3


@as_root
def test_a_folder_that_may_not_be_written(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(PermissionError), atomic_write(tmp_path / "a") as file:
            file.write(b"new")
    finally:
        tmp_path.chmod(0o700)
    assert os.listdir(tmp_path) == []


@pytest.fixture
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    """The mask of the process while a test runs."""
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


@pytest.mark.parametrize("umask", [0o022, 0o077, 0o002], indirect=True)
def test_a_new_file_has_the_usual_mode(umask: int, tmp_path: Path) -> None:
    with atomic_write(tmp_path / "a"):
        pass
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o666 & ~umask


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664, 0o444])
@pytest.mark.parametrize("umask", [0o022], indirect=True)
def test_a_replaced_file_keeps_its_mode(umask: int, mode: int, tmp_path: Path) -> None:
    target = tmp_path / "a"
    target.touch()
    target.chmod(mode)
    with atomic_write(target) as file:
        temporary = next(path for path in tmp_path.iterdir() if path != target)
        # Nobody can read before the end what nobody may read at the end.
        assert stat.S_IMODE(temporary.stat().st_mode) == mode
        file.write(b"new")
    assert only_file(target) == b"new"
    assert stat.S_IMODE(target.stat().st_mode) == mode


def test_the_mask_of_the_process_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # It belongs to all threads: two that change it and put it back can lose it.
    monkeypatch.setattr(os, "umask", full)
    with atomic_write(tmp_path / "a") as file:
        file.write(b"new")


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    disk, here = tmp_path / "disk", tmp_path / "here"
    disk.mkdir()
    here.mkdir()
    (here / "net.npz").symlink_to(disk / "net.npz")
    for content in (b"first", b"second"):  # the first to where there is nothing yet
        with atomic_write(here / "net.npz") as file:
            file.write(content)
        assert (here / "net.npz").is_symlink()
        assert only_file(disk / "net.npz") == content
    assert os.listdir(here) == ["net.npz"]


def test_of_two_writers_at_once_the_last_to_end_wins_whole(tmp_path: Path) -> None:
    target = tmp_path / "a"
    first, second = atomic_write(target), atomic_write(target)
    with first as one:
        one.write(b"one, ")
        with second as two:
            two.write(b"two, ")
            one.write(b"one, ")
            one.flush()
            two.write(b"two")
        assert target.read_bytes() == b"two, two"
        one.write(b"one")
    assert only_file(target) == b"one, one, one"


def test_many_writers_and_a_reader(tmp_path: Path) -> None:
    target = tmp_path / "a"
    whole = {bytes([k]) * (50_000 + k) for k in range(4)}
    seen: set[bytes] = set()
    failed: list[BaseException] = []
    target.write_bytes(next(iter(whole)))

    def write(content: bytes) -> None:
        try:
            for _ in range(10):
                with atomic_write(target) as file:
                    for start in range(0, len(content), 1000):
                        file.write(content[start : start + 1000])
        except BaseException as error:
            failed.append(error)

    writers = [threading.Thread(target=write, args=(content,)) for content in whole]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        seen.add(target.read_bytes())
    assert not failed
    assert seen <= whole
    assert only_file(target) in whole


def test_saving_goes_through_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "net.npz"
    bs.S4NN.from_weights([[[1.0, 2.0]]]).save(path)
    before = path.read_bytes()
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        bs.S4NN.from_weights([[[3.0, 4.0]]]).save(path)
    assert only_file(path) == before
