"""Files: written whole or not at all, and read as if a stranger had sent them."""

import io
import json
import os
import stat
import struct
import threading
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from minibs4nn.errors import FileFormatError
from minibs4nn.files import atomic_write, narrow, read_npz, write_npz

Array = npt.NDArray[Any]
posix = pytest.mark.skipif(os.name != "posix", reason="modes and links are those of POSIX")


# --- writing -------------------------------------------------------------------------------------


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_appears_when_the_block_ends(tmp_path: Path) -> None:
    path = tmp_path / "net.npz"
    with atomic_write(path) as file:
        file.write(b"new")
        file.flush()
        assert not path.exists()
    assert path.read_bytes() == b"new"
    with atomic_write(str(path)) as file:
        file.write(b"newer")
        file.flush()
        assert path.read_bytes() == b"new"
    assert path.read_bytes() == b"newer"
    assert names(tmp_path) == ["net.npz"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit, OSError])
@pytest.mark.parametrize("existed", [True, False])
def test_a_failure_leaves_what_was_there_and_no_rubbish(
    error: type[BaseException], existed: bool, tmp_path: Path
) -> None:
    path = tmp_path / "net.npz"
    if existed:
        path.write_bytes(b"old")
    with pytest.raises(error, match=r"^stop$"), atomic_write(path) as file:  # noqa: PT012
        file.write(b"half of it")
        raise error("stop")
    assert names(tmp_path) == ["net.npz"] * existed
    if existed:
        assert path.read_bytes() == b"old"


@pytest.mark.parametrize("call", ["replace", "fsync"])
def test_a_failure_at_the_end_leaves_what_was_there(
    call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "net.npz"
    path.write_bytes(b"old")

    def fails(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, call, fails)
    with pytest.raises(OSError, match="No space left on device"), atomic_write(path) as file:
        file.write(b"new")
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["net.npz"]


def test_content_is_on_the_disk_before_it_gets_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []

    def noting(call: str) -> Callable[..., None]:
        original = getattr(os, call)

        def noted(*arguments: object) -> None:
            done.append(call)
            original(*arguments)

        return noted

    for call in ("fsync", "replace"):
        monkeypatch.setattr(os, call, noting(call))
    with atomic_write(tmp_path / "net.npz") as file:
        file.write(b"new")
    assert done[:2] == ["fsync", "replace"]
    assert "fsync" in done[2:] or os.name != "posix"  # of the folder


def test_folders_that_cannot_take_a_file(tmp_path: Path) -> None:
    for path in (tmp_path / "no" / "net.npz", tmp_path):
        before = names(tmp_path)
        with pytest.raises(OSError), atomic_write(path) as file:
            file.write(b"new")
        assert names(tmp_path) == before
        assert names(tmp_path.parent).count(tmp_path.name) == 1


@posix
@pytest.mark.skipif(
    os.name == "posix" and os.geteuid() == 0, reason="root may write where nobody may"
)
def test_a_folder_that_is_read_only(tmp_path: Path) -> None:
    path = tmp_path / "net.npz"
    path.write_bytes(b"old")
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(PermissionError), atomic_write(path) as file:
            file.write(b"new")
        assert path.read_bytes() == b"old"
    finally:
        tmp_path.chmod(0o700)
    assert names(tmp_path) == ["net.npz"]


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


@posix
@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
def test_a_new_file_has_the_usual_mode_and_an_old_one_keeps_its_own(
    mask: int, tmp_path: Path
) -> None:
    path = tmp_path / "net.npz"
    with umask(mask):
        for wanted in (0o666 & ~mask, 0o640, 0o600):
            if path.exists():
                path.chmod(wanted)
            with atomic_write(path) as file:
                file.write(b"new")
            assert stat.S_IMODE(path.stat().st_mode) == wanted


@posix
def test_what_a_link_points_to_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "real.npz").write_bytes(b"old")
    (tmp_path / "link.npz").symlink_to("real.npz")
    with atomic_write(tmp_path / "link.npz") as file:
        file.write(b"new")
    assert (tmp_path / "link.npz").is_symlink()
    assert (tmp_path / "real.npz").read_bytes() == b"new"


def test_a_reader_never_sees_half_a_file(tmp_path: Path) -> None:
    path = tmp_path / "net.npz"
    whole = [bytes([k]) * 50_000 for k in range(4)]
    path.write_bytes(whole[0])
    running = True
    seen: list[bytes] = []

    def read() -> None:
        while running:
            seen.append(path.read_bytes())

    def write(content: bytes) -> None:
        for _ in range(10):
            with atomic_write(path) as file:
                for start in range(0, len(content), 1000):
                    file.write(content[start : start + 1000])

    reader = threading.Thread(target=read)
    writers = [threading.Thread(target=write, args=(content,)) for content in whole]
    reader.start()
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    running = False
    reader.join()
    assert set(seen) <= set(whole)
    assert names(tmp_path) == ["net.npz"]


# --- round trips ---------------------------------------------------------------------------------

NUMBERS = st.sampled_from(["?", "i1", "u1", "<i2", ">i2", "<i8", "<u8", "<f2", "<f4", ">f8", "<f8"])
ARRAYS = NUMBERS.flatmap(
    lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0))
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return one folder for all examples of hypothesis."""
    return tmp_path_factory.mktemp("files")


@given(
    header=st.dictionaries(st.text(), JSON, max_size=4),
    arrays=st.dictionaries(st.sampled_from(["w", "scale", "rule.m"]), ARRAYS),
)
def test_what_was_written_is_read(
    folder: Path, header: dict[str, Any], arrays: dict[str, Array]
) -> None:
    path = folder / "round.npz"
    write_npz(path, header, arrays)
    read, back = read_npz(path)
    assert read == header
    assert back.keys() == arrays.keys()
    for name, array in arrays.items():
        assert back[name].dtype == array.dtype
        assert back[name].shape == array.shape
        assert back[name].tobytes() == array.tobytes()
        assert back[name].flags.writeable


def test_numpy_reads_it_too(tmp_path: Path) -> None:
    columns = np.asfortranarray(np.arange(6.0).reshape(2, 3))
    write_npz(tmp_path / "x.npz", {"a": 1}, {"w": columns})
    with np.load(tmp_path / "x.npz", allow_pickle=False) as file:
        assert json.loads(file["header"].tobytes()) == {"a": 1}
        assert file["w"].tolist() == columns.tolist()
    assert read_npz(tmp_path / "x.npz")[1]["w"].flags.f_contiguous


@given(hnp.arrays(st.sampled_from([np.float32, np.float64]), 4))
def test_narrow_loses_nothing(array: Array) -> None:
    same = narrow(array)
    back = same.astype(array.dtype)
    nan = np.isnan(array)
    assert np.array_equal(nan, np.isnan(back))
    assert back[~nan].tobytes() == array[~nan].tobytes()
    assert same.itemsize <= array.itemsize


@pytest.mark.parametrize(
    ("header", "arrays", "message"),
    [
        ({}, {"w": np.array([None])}, "save: array 'w' holds object"),
        ({}, {"w": np.array(["a"])}, "save: array 'w' holds <U1"),
        ({}, {"w": np.array([1j])}, "save: array 'w' holds complex128"),
        ({}, {"../w": np.ones(1)}, "save: '../w' looks like a path"),
        ({"a": "x" * 5_000_000}, {}, "save: the header has 5000009 bytes of JSON"),
        ({"a": np.nan}, {}, "Out of range float values are not JSON compliant"),
        ({"a": {1, 2}}, {}, "Object of type set is not JSON serializable"),
    ],
)
def test_what_could_not_be_read_is_not_written(
    header: dict[str, Any], arrays: dict[str, Array], message: str, tmp_path: Path
) -> None:
    with pytest.raises((TypeError, ValueError), match="^" + message):
        write_npz(tmp_path / "x.npz", header, arrays)
    assert names(tmp_path) == []


# --- files of strangers --------------------------------------------------------------------------


def npy(array: npt.ArrayLike) -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array(stream, np.asarray(array), allow_pickle=True)
    return stream.getvalue()


def raw_npy(head: str, content: bytes = b"", version: bytes = b"\x01\x00") -> bytes:
    text = head.encode()
    length = struct.pack("<H" if version == b"\x01\x00" else "<I", len(text))
    return b"\x93NUMPY" + version + length + text + content


def shaped(shape: str, descr: str = "<f8", content: bytes = b"", end: str = "\n") -> bytes:
    head = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}{end}"
    return raw_npy(head, content)


HEADER = npy(np.frombuffer(b'{"a": 1}', np.uint8))


def archive(members: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return stream.getvalue()


def twice(name: str) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as file:
        file.writestr("header.npy", HEADER)
        file.writestr(name, npy([1.0]))
        with pytest.warns(UserWarning, match="Duplicate name"):
            file.writestr(name, npy([2.0]))
    return stream.getvalue()


def with_array(content: bytes) -> bytes:
    return archive({"header.npy": HEADER, "w.npy": content})


def with_header(text: bytes) -> bytes:
    return archive({"header.npy": npy(np.frombuffer(text, np.uint8))})


def announcing(field: int, value: int) -> bytes:
    """A good archive whose list of members lies about the first one."""
    data = bytearray(archive({"header.npy": HEADER}))
    at = data.index(b"PK\x01\x02") + field
    data[at : at + 4] = struct.pack("<I", value)
    return bytes(data)


SPILT = np.random.default_rng(0).bytes(3000)
BOMB = archive({"header.npy": HEADER, "w.npy": npy(np.zeros(10**6))}, zipfile.ZIP_DEFLATED)

HOSTILE = {
    "nothing": b"",
    "one byte": b"P",
    "noise": SPILT,
    "noise that begins like a zip": b"PK\x03\x04" + SPILT,
    "noise that ends like a zip": SPILT + b"PK\x05\x06" + bytes(18),
    "a text": b"weights = [1, 2, 3]\n" * 100,
    "a single array": npy(np.ones(3)),
    "a pickle": npy(np.array([{}], dtype=object)),
    "no member": archive({}),
    "no header": archive({"w.npy": npy(np.ones(3))}),
    "compressed": BOMB,
    "an array of objects": with_array(npy(np.array([{"a": 1}], dtype=object))),
    "an array of texts": with_array(npy(np.array(["a"]))),
    "an array of records": with_array(npy(np.zeros(2, [("a", "<f8")]))),
    "an array of dates": with_array(npy(np.zeros(2, "<M8[s]"))),
    "an array of complex numbers": with_array(npy(np.zeros(2, complex))),
    "an array of wider numbers": with_array(shaped("(1,)", "<f16", bytes(16))),
    "an array in format 2.0": with_array(
        raw_npy("{'descr': '<f8', 'fortran_order': False, 'shape': (), }\n", bytes(8), b"\x02\x00")
    ),
    "no array": with_array(b"not an array"),
    "an empty member": with_array(b""),
    "an array without content": with_array(shaped("(3,)")),
    "an array with too much content": with_array(shaped("(3,)", content=bytes(25))),
    "more numbers than bytes in the world": with_array(shaped("(99999999, 99999999, 99999999)")),
    "a shape of nothing": with_array(shaped("(-1,)")),
    "a shape of nothing times much": with_array(shaped(f"({10**30}, 0)")),
    "a shape that is no number": with_array(shaped("(True,)", content=bytes(8))),
    "a shape in an old spelling": with_array(shaped("(1L,)", content=bytes(8))),
    "a shape that is a program": with_array(shaped("(__import__('os').getpid(),)")),
    "a shape with many dimensions": with_array(shaped("(" + "1, " * 100 + ")", content=bytes(8))),
    "a shape with deep brackets": with_array(shaped("(" * 5000)),
    "a shape with many signs": with_array(shaped("(" + "-" * 5000 + "1,)")),
    "a header of numbers": archive({"header.npy": npy(np.array([np.nan]))}),
    "a header in two dimensions": archive({"header.npy": npy(np.zeros((2, 2), np.uint8))}),
    "a header that is no JSON": with_header(b"{'a': 1}"),
    "a header that is no object": with_header(b"[1, 2]"),
    "a header that is a number": with_header(b"1"),
    "a header that is no text": with_header(b"\xff\xfe\xfd"),
    "a header of nothing": with_header(b""),
    "a header that is cut off": with_header(b'{"a": [1, 2'),
    "a deep header": with_header(b"[" * 100_000),
    "a deep header that ends": with_header(b'{"a": ' + b"[" * 50_000 + b"]" * 50_000 + b"}"),
    "a header with a number of 10,000 digits": with_header(b'{"a": ' + b"1" * 10_000 + b"}"),
    "a large header": with_header(b'{"a": "' + b"x" * 5_000_000 + b'"}'),
    "two arrays of one name": twice("w.npy"),
    "an array outside": archive({"header.npy": HEADER, "../w.npy": npy([1.0])}),
    "an array at the root": archive({"header.npy": HEADER, "/etc/w.npy": npy([1.0])}),
    "a member announced too large": announcing(20, 2**31),
    "a member announced larger than stored": announcing(24, 2**31),
    "a member that begins elsewhere": announcing(42, 2**31),
    "a member with a wrong checksum": announcing(16, 12345),
    "a member with another method": announcing(8, 99),
    "an encrypted member": announcing(8, 0x0001_0000),
}  # fmt: skip


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_files_give_one_error_and_take_no_memory(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "w.npz"
    path.write_bytes(HOSTILE[kind])
    tracemalloc.start()
    try:
        with pytest.raises(FileFormatError, match=r"^load: '.*w\.npz' is ") as error:
            read_npz(path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 3 * len(HOSTILE[kind]) + 2_000_000
    assert len(str(error.value)) < 700


GOOD = archive({"header.npy": HEADER, "w.npy": npy(np.arange(500.0)), "s.npy": npy(np.ones(3))})


def outcome(path: Path, data: bytes) -> tuple[dict[str, Any], dict[str, bytes]] | None:
    """What a file holds, or None if it is refused; every other exception is a failure."""
    path.write_bytes(data)
    try:
        header, arrays = read_npz(path)
    except FileFormatError:
        return None
    return header, {name: array.tobytes() for name, array in arrays.items()}


def test_a_file_that_is_cut_off_anywhere_is_refused(folder: Path) -> None:
    assert outcome(folder / "cut.npz", GOOD) is not None
    for length in range(0, len(GOOD), 7):
        assert outcome(folder / "cut.npz", GOOD[:length]) is None


def test_a_flipped_bit_is_noticed_or_meant_nothing(folder: Path) -> None:
    good = outcome(folder / "flip.npz", GOOD)
    refused = 0
    for at in range(len(GOOD)):
        data = bytearray(GOOD)
        data[at] ^= 1 << at % 8
        result = outcome(folder / "flip.npz", bytes(data))
        assert result in (None, good), f"byte {at}"
        refused += result is None
    assert refused > 0.9 * len(GOOD)  # dates, versions and attributes of members mean nothing


@given(st.data())
def test_mutated_files_are_refused_or_hold_the_same(folder: Path, data: st.DataObject) -> None:
    mutated = bytearray(GOOD)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(mutated) - 1))
        what = data.draw(st.sampled_from(["set", "cut", "repeat", "insert"]))
        size = data.draw(st.integers(1, 40))
        if what == "set":
            mutated[at] = data.draw(st.integers(0, 255))
        elif what == "cut":
            del mutated[at : at + size]
        elif what == "repeat":
            mutated[at:at] = mutated[at : at + size]
        else:
            mutated[at:at] = data.draw(st.binary(max_size=40))
        if not mutated:
            break
    result = outcome(folder / "mutated.npz", bytes(mutated))
    if result is not None:
        good = outcome(folder / "mutated.npz", GOOD)
        assert good is not None
        assert result[1].items() <= good[1].items()


@given(st.binary(max_size=200))
def test_any_bytes_as_an_array_are_refused_or_are_one(folder: Path, content: bytes) -> None:
    for member in (content, npy([1.0])[:60] + content):
        result = outcome(folder / "any.npz", with_array(member))
        assert result is None or result[1].keys() == {"w"}


def test_what_is_no_regular_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_npz(tmp_path / "none.npz")
    with pytest.raises(FileFormatError, match=r"is not a regular file$"):
        read_npz(tmp_path)


@posix
def test_a_pipe_does_not_make_us_wait(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.npz")
    with pytest.raises(FileFormatError, match=r"is not a regular file$"):
        read_npz(tmp_path / "pipe.npz")
