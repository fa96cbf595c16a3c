"""Data sets: the right content, found in the right order, and no harm from files of strangers."""

import dataclasses
import errno
import gc
import gzip
import hashlib
import json
import os
import re
import socket
import struct
import subprocess
import sys
import threading
import tracemalloc
import warnings
import zlib
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import resources
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from minibs4nn import _sources
from minibs4nn.datasets import Dataset, bars, cache_folder, fashion_mnist, mnist, read_idx
from minibs4nn.errors import DataError, FileFormatError

FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
FIRST = FILES[0]


def idx(array: npt.ArrayLike, code: int = 0x08, dtype: str = "u1") -> bytes:
    """Write an IDX file, from the description of the format alone."""
    values = np.asarray(array)
    header = struct.pack(f">HBB{values.ndim}I", 0, code, values.ndim, *values.shape)
    return header + values.astype(dtype).tobytes()


def header(*shape: int, code: int = 0x08) -> bytes:
    return struct.pack(f">HBB{len(shape)}I", 0, code, len(shape), *shape)


SMALL = idx(np.arange(6).reshape(2, 3))


# --- read_idx: files that are right ------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "stored", "dtype"),
    [
        (0x08, "u1", np.uint8),
        (0x09, "i1", np.int8),
        (0x0B, ">i2", np.int16),
        (0x0C, ">i4", np.int32),
        (0x0D, ">f4", np.float32),
        (0x0E, ">f8", np.float64),
    ],
)
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_read_idx_types(
    code: int, stored: str, dtype: npt.DTypeLike, pack: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    expected = np.arange(100, 124, dtype=dtype).reshape(2, 3, 4)
    content = pack(idx(expected, code, stored))
    path = tmp_path / "file"
    path.write_bytes(content)
    for source in (content, path, str(path)):
        found = read_idx(source)
        assert found.dtype == np.dtype(dtype)  # native byte order
        np.testing.assert_array_equal(found, expected, strict=True)
        with pytest.raises(ValueError, match="read-only"):
            found[0] = 0


def test_read_idx_accepts_gzip_in_several_members() -> None:
    content = gzip.compress(SMALL[:7]) + gzip.compress(SMALL[7:])
    assert read_idx(content).tolist() == [[0, 1, 2], [3, 4, 5]]


def test_read_idx_max_bytes_is_the_largest_size_accepted() -> None:
    assert read_idx(SMALL, max_bytes=6).size == 6
    with pytest.raises(FileFormatError, match=r"accepted are 1 to 5 bytes$"):
        read_idx(SMALL, max_bytes=5)


# --- read_idx: files that are wrong ------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not an IDX file: it begins with b'', not with two zero bytes"),
        (b"\0\0\x08", r"not an IDX file: it begins with b'\x00\x00\x08', not with two zero bytes"),
        (b"<html>", "not an IDX file: it begins with b'<htm', not with two zero bytes"),
        (
            header(3, code=0x07) + b"abc",
            "its type code 0x07 is unknown; known are 0x08, 0x09, 0x0b, 0x0c, 0x0d, 0x0e",
        ),
        (header(), "it has 0 dimensions; accepted are 1 to 32"),
        (header(*[1] * 33) + b"a", "it has 33 dimensions; accepted are 1 to 32"),
        (header(2, 3)[:-1], "truncated: it ends within the sizes of its 2 dimensions"),
        (
            header(0, 2**32 - 1, 2**32 - 1),
            "it announces 0 bytes, shape (0, 4294967295, 4294967295) of uint8; "
            "accepted are 1 to 67108864 bytes",
        ),
        (
            header(2**31, 2**31, 4),  # 2**64 elements: 0 in 64-bit arithmetic
            "it announces 18446744073709551616 bytes, shape (2147483648, 2147483648, 4) of uint8; "
            "accepted are 1 to 67108864 bytes",
        ),
        (
            header(2**23, 2, code=0x0E),
            "it announces 134217728 bytes, shape (8388608, 2) of float64; "
            "accepted are 1 to 67108864 bytes",
        ),
        (SMALL[:-2], "truncated: it announces 6 bytes, shape (2, 3) of uint8, and holds 4"),
        (SMALL + b"!", "it goes on after the announced 6 bytes, shape (2, 3) of uint8"),
    ],
)
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_read_idx_says_what_is_wrong(
    content: bytes, message: str, pack: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    content = pack(content)
    path = tmp_path / "file"
    path.write_bytes(content)
    sources: dict[bytes | Path, str] = {content: f"{len(content)} bytes", path: repr(str(path))}
    for source, where in sources.items():
        with pytest.raises(FileFormatError) as caught:
            read_idx(source)
        assert str(caught.value) == f"read_idx: {where}: {message}"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (gzip.compress(SMALL)[:-9], "ended before the end-of-stream marker"),
        (gzip.compress(SMALL)[:-1], "ended before the end-of-stream marker"),
        (gzip.compress(SMALL)[:-8] + b"12345678", "CRC check failed"),
        (gzip.compress(SMALL) + b"more", "Not a gzipped file"),
        (gzip.compress(SMALL)[:10] + b"\xff" * 20, "invalid block type"),
    ],
    ids=["no end", "short checksum", "wrong checksum", "junk behind", "nonsense"],
)
def test_read_idx_reports_damaged_gzip(content: bytes, reason: str) -> None:
    with pytest.raises(FileFormatError, match=rf"truncated or damaged gzip file \(.*{reason}"):
        read_idx(content)


def test_read_idx_never_returns_part_of_a_truncated_file() -> None:
    for whole in (SMALL, gzip.compress(SMALL)):
        for length in range(len(whole)):
            with pytest.raises(FileFormatError):
                read_idx(whole[:length])


def test_read_idx_never_returns_wrong_values_from_gzip_with_a_flipped_bit() -> None:
    whole = gzip.compress(SMALL)
    refused = 0
    for position in range(8 * len(whole)):
        flipped = bytearray(whole)
        flipped[position // 8] ^= 1 << position % 8
        try:
            assert read_idx(bytes(flipped)).tolist() == [[0, 1, 2], [3, 4, 5]]
        except FileFormatError:
            refused += 1
    assert refused > 8 * len(SMALL)  # the rest are the time stamp and suchlike, which say nothing


def bomb(start: bytes) -> bytes:
    """Return about 1 MB of gzip that unpack to ``start`` and then 1 GiB of zeros."""
    deflate = zlib.compressobj(9, wbits=-15)
    first = deflate.compress(start) + deflate.flush(zlib.Z_FULL_FLUSH)
    zeros = deflate.compress(bytes(2**24)) + deflate.flush(zlib.Z_FULL_FLUSH)
    # After a full flush the blocks know nothing of each other, so they can be repeated.
    return b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + first + 64 * zeros


@pytest.mark.parametrize(
    ("start", "message", "limit"),
    [
        (b"", "type code 0x00 is unknown", 2**20),
        (header(10), "it goes on after the announced 10 bytes", 2**20),
        (header(2**30), "it announces 1073741824 bytes", 2**20),
        (header(2**26), "it goes on after the announced 67108864 bytes", 2**27 + 2**22),
    ],
    ids=["no IDX", "announces little", "announces all", "announces what is accepted"],
)
def test_read_idx_does_not_unpack_a_gzip_bomb(
    start: bytes, message: str, limit: int, tmp_path: Path
) -> None:
    path = tmp_path / "bomb.gz"
    path.write_bytes(bomb(start))
    tracemalloc.start()
    try:
        with pytest.raises(FileFormatError, match=message):
            read_idx(path)
        assert tracemalloc.get_traced_memory()[1] < limit
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_read_idx_takes_no_memory_on_credit(pack: Callable[[bytes], bytes], tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(pack(header(2**26) + b"abc"))
    tracemalloc.start()
    try:
        with pytest.raises(FileFormatError, match=r"and holds 3$"):
            read_idx(path)
        assert tracemalloc.get_traced_memory()[1] < 3 * 2**20  # one piece, not 64 MiB
    finally:
        tracemalloc.stop()


IDX_LIKE = st.one_of(
    st.binary(max_size=100),
    st.builds(
        lambda code, shape, body: header(*shape, code=code) + body,
        st.sampled_from([0x08, 0x0B, 0x0E, 0x0A]),
        st.lists(st.integers(0, 4) | st.integers(0, 2**32 - 1), max_size=4),
        st.binary(max_size=64),
    ),
)


@given(content=IDX_LIKE, packed=st.booleans(), cut=st.integers(0, 8), junk=st.binary(max_size=2))
@example(content=SMALL, packed=True, cut=0, junk=b"")
def test_read_idx_lets_only_file_format_errors_escape(
    content: bytes, packed: bool, cut: int, junk: bytes
) -> None:
    source = gzip.compress(content) if packed else content
    source = source[: len(source) - cut] + junk
    try:
        array = read_idx(source)
    except FileFormatError:
        return
    unpacked = gzip.decompress(source) if source[:2] == b"\x1f\x8b" else source
    assert array.astype(array.dtype.newbyteorder(">")).tobytes() == unpacked[4 + 4 * array.ndim :]


@given(st.binary(max_size=200))
def test_read_idx_survives_anything_that_claims_to_be_gzip(tail: bytes) -> None:
    with pytest.raises(FileFormatError):
        read_idx(b"\x1f\x8b" + tail)


def test_read_idx_of_something_that_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match=r"not a regular file$"):
        read_idx(tmp_path)
    with pytest.raises(FileNotFoundError):
        read_idx(tmp_path / "nowhere")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_read_idx_does_not_wait_for_a_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(FileFormatError, match=r"not a regular file$"):
        read_idx(tmp_path / "pipe")


# --- Dataset -----------------------------------------------------------------------------------


@pytest.fixture
def five() -> Dataset:
    images = np.arange(20, dtype=np.uint8).reshape(5, 2, 2)
    return Dataset(images, np.array([0, 1, 0, 2, 1]), "five")


@pytest.mark.parametrize(
    ("which", "expected"),
    [
        (slice(2), [0, 1]),
        (slice(None, None, -2), [4, 2, 0]),
        (slice(3, 3), []),
        ([3, 0, 0], [3, 0, 0]),
        ((1, 2), [1, 2]),
        (range(2), [0, 1]),
        ([], []),
        (np.array([-1]), [4]),
        (np.array([4, 1], dtype=np.uint8), [4, 1]),
        (np.array([True, False, False, True, False]), [0, 3]),
        ([False] * 5, []),
    ],
    ids=str,
)
def test_subset(five: Dataset, which: slice | npt.ArrayLike, expected: list[int]) -> None:
    part = five[which]
    assert len(part) == len(expected)
    assert part.name == "five"
    assert part.images.shape == (len(expected), 2, 2)
    assert part.images.dtype == np.uint8
    assert part.labels.dtype == np.int64
    assert part.images[:, 0, 0].tolist() == [4 * i for i in expected]
    assert part.labels.tolist() == [[0, 1, 0, 2, 1][i] for i in expected]
    assert not part.images.flags.writeable
    assert not part.labels.flags.writeable


@pytest.mark.parametrize("which", [3, np.int64(3), 1.0, [0.5], [[0], [1]], None, "a"])
def test_subset_refuses_what_would_not_give_a_dataset(five: Dataset, which: npt.ArrayLike) -> None:
    with pytest.raises(TypeError) as caught:
        five[which]
    assert str(caught.value) == (
        f"Dataset[...] takes a slice, a list of indices or a mask, got {which!r}; "
        "for one image use dataset.images[3]"
    )


def test_subset_by_rows_of_different_lengths(five: Dataset) -> None:
    which: list[list[int]] = [[0, 1], [2]]
    message = r"Dataset\[\.\.\.\]: indices must be an array; its rows differ in length"
    with pytest.raises(ValueError, match=message):
        five[which]


@pytest.mark.parametrize("which", [[5], [True]])
def test_subset_out_of_range(five: Dataset, which: npt.ArrayLike) -> None:
    with pytest.raises(IndexError):
        five[which]


def test_dataset_cannot_be_changed(five: Dataset) -> None:
    with pytest.raises(ValueError, match="read-only"):
        five.images[0] = 0
    with pytest.raises(ValueError, match="read-only"):
        five.labels[0] = 7
    with pytest.raises(dataclasses.FrozenInstanceError):
        five.name = "six"  # type: ignore[misc]


def test_dataset_leaves_the_arrays_of_the_caller_alone() -> None:
    images, labels = np.zeros((2, 3, 3), dtype=np.uint8), np.zeros(2, dtype=np.int64)
    dataset = Dataset(images, labels, "mine")
    images[0], labels[0] = 9, 9
    assert dataset.images.max() == 0
    assert dataset.labels.max() == 0


def test_dataset_repr(five: Dataset) -> None:
    assert repr(five) == "Dataset('five', 5 images of 2 x 2, labels 0 to 2)"
    assert repr(five[:0]) == "Dataset('five', 0 images of 2 x 2, no labels)"


@pytest.mark.parametrize(
    ("images", "labels", "error", "message"),
    [
        (
            np.zeros((2, 3, 3)),
            [0, 1],
            TypeError,
            "Dataset: images must be uint8 grey levels 0..255, got float64",
        ),
        (
            np.zeros((2, 9), np.uint8),
            [0, 1],
            ValueError,
            "Dataset: images must have shape (n, height, width), got (2, 9)",
        ),
        (
            np.zeros((2, 3, 3), np.uint8),
            [0.0, 1.0],
            TypeError,
            "Dataset: labels must be whole numbers, got float64",
        ),
        (
            np.zeros((2, 3, 3), np.uint8),
            [0, 1, 2],
            ValueError,
            "Dataset: 2 images need labels of shape (2,), got (3,)",
        ),
        (
            [[1, 2], [3]],
            [0, 1],
            ValueError,
            "Dataset: images must be an array; its rows differ in length",
        ),
        (
            np.zeros((2, 3, 3), np.uint8),
            [[0, 1], [2]],
            ValueError,
            "Dataset: labels must be an array; its rows differ in length",
        ),
    ],
)
def test_dataset_says_what_is_wrong(
    images: npt.NDArray[np.uint8],
    labels: npt.ArrayLike,
    error: type[Exception],
    message: str,
) -> None:
    with pytest.raises(error) as caught:
        Dataset(images, labels, "wrong")  # type: ignore[arg-type]
    assert str(caught.value) == message


# --- MNIST -------------------------------------------------------------------------------------

MNIST_SHA256 = {
    "train-images": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}


def test_bundled_files_are_the_published_ones() -> None:
    folder = resources.files("minibs4nn") / "data" / "mnist"
    assert sorted(path.name for path in folder.iterdir()) == sorted(f"{name}.gz" for name in FILES)
    for name in FILES:
        content = gzip.decompress((folder / f"{name}.gz").read_bytes())
        assert hashlib.sha256(content).hexdigest() == MNIST_SHA256[name[:12].rstrip("-")]


def test_mnist() -> None:
    train, test = mnist()
    assert (train.name, test.name) == ("mnist-train", "mnist-test")
    assert train.images.shape == (60_000, 28, 28)
    assert test.images.shape == (10_000, 28, 28)
    assert np.bincount(train.labels).tolist() == [
        5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949,
    ]  # fmt: skip
    assert np.bincount(test.labels).size == 10
    assert round(float(train.images.mean()), 4) == 33.3184
    for part in (train, test):
        assert part.images.dtype == np.uint8
        assert part.labels.dtype == np.int64
        assert not part.images.flags.writeable
        assert not part.labels.flags.writeable
    assert mnist()[0] is train  # read once per process


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "missing"),
        (gzip.compress(SMALL)[:-4], "truncated or damaged gzip file (Compressed file ended"),
        (
            gzip.compress(SMALL),
            f"its SHA-256 is {hashlib.sha256(SMALL).hexdigest()}, expected "
            f"{MNIST_SHA256['train-images']}",
        ),
    ],
    ids=["missing", "truncated", "changed"],
)
def test_mnist_says_when_a_bundled_file_is_unusable(
    content: bytes | None, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "data" / "mnist"
    folder.mkdir(parents=True)
    path = folder / f"{FIRST}.gz"
    if content is not None:
        path.write_bytes(content)
    monkeypatch.setattr(resources, "files", lambda package: tmp_path)
    with pytest.raises(DataError) as caught:
        mnist.__wrapped__()  # not the remembered one
    message = str(caught.value)
    assert message.startswith(f"mnist: {path}, which comes with minibs4nn, is unusable: {reason}")
    assert message.endswith("; install minibs4nn again")


# --- Fashion-MNIST: the search -----------------------------------------------------------------


@dataclasses.dataclass
class World:
    """A computer with nothing on it: folders of the test, tiny files, no network."""

    folder: Path
    contents: dict[str, bytes]

    @property
    def places(self) -> list[Path]:
        """The four folders, in the order of the documentation."""
        own = self.folder / "own"
        return [
            own / "fashion-mnist",
            own,
            self.folder / "cache" / "minibs4nn" / "fashion-mnist",
            self.folder / "debian",
        ]

    def fill(self, place: Path, *, packed: bool = True) -> None:
        """Put the four files into a folder."""
        place.mkdir(parents=True, exist_ok=True)
        for name, content in self.contents.items():
            if packed:
                (place / f"{name}.gz").write_bytes(gzip.compress(content))
            else:
                (place / name).write_bytes(content)

    def check(self, found: tuple[Dataset, Dataset]) -> None:
        """See that the two sets are those of ``contents``."""
        train, test = found
        assert (train.name, test.name) == ("fashion-mnist-train", "fashion-mnist-test")
        arrays: list[npt.NDArray[np.uint8] | npt.NDArray[np.int64]]
        arrays = [train.images, train.labels, test.images, test.labels]
        for array, (name, content) in zip(arrays, self.contents.items(), strict=True):
            assert array.astype(np.uint8).tobytes() == content[16 if "images" in name else 8 :]


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    rng = np.random.default_rng(0)
    shapes = [(3, 28, 28), (3,), (2, 28, 28), (2,)]
    arrays = [rng.integers(256, size=shape) for shape in shapes]
    contents = dict(zip(FILES, map(idx, arrays), strict=True))
    hashes = tuple(hashlib.sha256(content).hexdigest() for content in contents.values())
    monkeypatch.setitem(_sources._HASHES, "fashion-mnist", hashes)
    monkeypatch.setattr(_sources, "_DEBIAN_FOLDER", tmp_path / "debian")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "cache"))  # Windows
    monkeypatch.setenv("MINIBS4NN_DATA", str(tmp_path / "own"))
    monkeypatch.setenv("MINIBS4NN_OFFLINE", "1")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    fashion_mnist.cache_clear()
    yield World(tmp_path, contents)
    fashion_mnist.cache_clear()


@pytest.mark.parametrize("packed", [True, False], ids=["gzip", "plain"])
@pytest.mark.parametrize("good", range(4), ids=["own/fashion-mnist", "own", "cache", "debian"])
def test_places_are_searched_in_order(world: World, good: int, packed: bool) -> None:
    for number, place in enumerate(world.places):
        world.fill(place, packed=packed)
        if number != good:  # places before the good one must be noticed, those after it not
            for path in place.glob("*ubyte*"):
                path.write_bytes(b"broken")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        world.check(fashion_mnist())
    suffix = ".gz" if packed else ""
    assert [str(warning.message) for warning in caught] == [
        f"fashion_mnist: passed over {place / name}{suffix}: "
        "not an IDX file: it begins with b'brok', not with two zero bytes"
        for name in FILES
        for place in world.places[:good]
    ]
    assert {warning.filename for warning in caught} <= {__file__}  # it points to the caller


def test_files_may_come_from_several_places(world: World) -> None:
    for name, place in zip(FILES, world.places, strict=True):
        place.mkdir(parents=True, exist_ok=True)
        (place / name).write_bytes(world.contents[name])
    world.check(fashion_mnist())


def test_a_good_plain_file_beside_a_broken_packed_one(world: World) -> None:
    world.fill(world.places[3], packed=False)
    (world.places[3] / f"{FIRST}.gz").write_bytes(b"broken")
    world.check(fashion_mnist())
    (world.places[3] / f"{FIRST}.gz").write_bytes(gzip.compress(world.contents[FIRST]))
    (world.places[3] / FIRST).write_bytes(b"broken")
    fashion_mnist.cache_clear()
    with pytest.warns(UserWarning, match=rf"passed over .*{FIRST}: not an IDX file"):
        world.check(fashion_mnist())


def test_without_minibs4nn_data(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MINIBS4NN_DATA")
    world.fill(world.places[0])
    with pytest.raises(DataError, match=r"\n  - MINIBS4NN_DATA: not set\n"):
        fashion_mnist()
    world.fill(world.places[3])
    world.check(fashion_mnist())


def test_minibs4nn_data_may_begin_with_a_tilde(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(world.folder))
    monkeypatch.setenv("USERPROFILE", str(world.folder))  # Windows
    monkeypatch.setenv("MINIBS4NN_DATA", "~/own")
    world.fill(world.places[0])
    world.check(fashion_mnist())


def test_mnist_in_the_same_folder_does_not_disturb(world: World) -> None:
    subfolder, own, *_ = world.places
    bundled = Path(str(resources.files("minibs4nn"))) / "data" / "mnist"
    own.mkdir()
    (own / f"{FILES[3]}.gz").write_bytes((bundled / f"{FILES[3]}.gz").read_bytes())
    world.fill(subfolder)
    world.check(fashion_mnist())  # warnings are errors here


def test_mnist_in_the_place_of_fashion_mnist_is_named(world: World) -> None:
    bundled = Path(str(resources.files("minibs4nn"))) / "data" / "mnist" / f"{FILES[3]}.gz"
    world.fill(world.places[3])
    (world.places[3] / f"{FILES[3]}.gz").write_bytes(bundled.read_bytes())
    found, expected = (_sources._HASHES[name][3] for name in ("mnist", "fashion-mnist"))
    with pytest.raises(DataError) as caught:
        fashion_mnist()
    assert f"its SHA-256 is {found} (a file of mnist), expected {expected}" in str(caught.value)


def test_one_error_lists_every_place_and_the_three_ways_out(world: World) -> None:
    subfolder, own, cache, debian = world.places
    own.mkdir()
    cache.mkdir(parents=True)
    (own / f"{FIRST}.gz").write_bytes(world.contents[FIRST][:-1])  # plain in spite of its name
    (cache / FIRST).write_bytes(SMALL)
    (cache / f"{FIRST}.gz").mkdir()
    found = hashlib.sha256(SMALL).hexdigest()
    expected = hashlib.sha256(world.contents[FIRST]).hexdigest()
    with pytest.raises(DataError) as caught:
        fashion_mnist()
    assert str(caught.value) == (
        "fashion_mnist: no good copy of train-images-idx3-ubyte was found. Places tried:\n"
        f"  - {subfolder / FIRST}.gz: missing\n"
        f"  - {own / FIRST}.gz: truncated: it announces 2352 bytes, shape (3, 28, 28) of uint8, "
        "and holds 2351\n"
        f"  - {cache / FIRST}: its SHA-256 is {found}, expected {expected}\n"
        f"  - {cache / FIRST}.gz: not a regular file\n"
        f"  - {debian / FIRST}.gz: missing\n"
        "  - the network: switched off by MINIBS4NN_OFFLINE\n"
        "Each of these helps:\n"
        "  1. on Debian or Ubuntu: sudo apt install dataset-fashion-mnist\n"
        "  2. put train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte, "
        "t10k-labels-idx1-ubyte, each plain or as .gz, into a folder, and set MINIBS4NN_DATA to "
        "that folder\n"
        "  3. connect to the network, pip install pooch, unset MINIBS4NN_OFFLINE, and try again"
    )


def test_a_failure_is_not_remembered_but_a_success_is(world: World) -> None:
    with pytest.raises(DataError):
        fashion_mnist()
    world.fill(world.places[1])
    found = fashion_mnist()
    world.check(found)
    assert fashion_mnist() is found


@pytest.mark.parametrize(
    ("platform", "variables", "expected"),
    [
        ("linux", {"XDG_CACHE_HOME": "/x"}, "/x/minibs4nn"),
        ("linux", {"XDG_CACHE_HOME": ""}, "/home/me/.cache/minibs4nn"),
        ("darwin", {}, "/home/me/Library/Caches/minibs4nn"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local/minibs4nn"),
        ("win32", {}, "/home/me/AppData/Local/minibs4nn"),
    ],
)
def test_cache_folder(
    platform: str, variables: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"HOME": "/home/me", "USERPROFILE": "/home/me", **variables}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "platform", platform)
    assert cache_folder() == Path(expected)


# --- Fashion-MNIST: the download ---------------------------------------------------------------


class Mirrors(ThreadingHTTPServer):
    """Servers on this computer: /right/, /short/, /page/, anything else is not found."""

    daemon_threads = True

    def __init__(self, contents: dict[str, bytes]) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.files = {f"{name}.gz": gzip.compress(content) for name, content in contents.items()}
        self.requests: list[str] = []
        self.meeting: threading.Barrier | None = None

    def urls(self, *kinds: str) -> list[str]:
        """Return the addresses of some of the servers."""
        return [f"http://127.0.0.1:{self.server_address[1]}/{kind}/" for kind in kinds]


class Answer(BaseHTTPRequestHandler):
    """What the mirrors answer to one request."""

    server: Mirrors

    def do_GET(self) -> None:
        """Send a file as it is, or spoiled."""
        self.server.requests.append(self.path)
        _, kind, name = self.path.split("/")
        content = self.server.files[name]
        if kind not in {"right", "short", "cut", "page"}:
            self.send_error(404)
            return
        if self.server.meeting is not None and name == f"{FIRST}.gz":
            self.server.meeting.wait(timeout=60)
        sent = {"short": content[:-20], "cut": content[:-20], "page": b"<html>Log in!</html>"}
        body = sent.get(kind, content)
        self.send_response(200)
        # 'cut' is a connection that breaks; 'short' is a server whose own copy is truncated.
        self.send_header("Content-Length", str(len(content if kind == "cut" else body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


# When a download fails, pooch leaves the connection to the garbage collector.
leaves_sockets = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")


@pytest.fixture
def mirrors(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mirrors]:
    monkeypatch.delenv("MINIBS4NN_OFFLINE")
    with Mirrors(world.contents) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        gc.collect()  # see leaves_sockets
        server.shutdown()
        thread.join()


@leaves_sockets
def test_mirrors_are_tried_in_turn_and_the_cache_is_filled(
    world: World, mirrors: Mirrors, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_sources, "_URLS", mirrors.urls("gone", "short", "right"))
    world.check(fashion_mnist())
    assert mirrors.requests == [
        f"/{kind}/{name}.gz" for name in FILES for kind in ("gone", "short", "right")
    ]
    cache = world.places[2]
    assert {path.name: path.read_bytes() for path in cache.iterdir()} == world.contents

    fashion_mnist.cache_clear()
    monkeypatch.setenv("MINIBS4NN_OFFLINE", "1")
    world.check(fashion_mnist())  # now from the cache


@pytest.mark.parametrize("value", ["", "0"])
def test_offline_may_be_switched_off_by_value(
    world: World, mirrors: Mirrors, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MINIBS4NN_OFFLINE", value)
    monkeypatch.setattr(_sources, "_URLS", mirrors.urls("right"))
    world.check(fashion_mnist())


def test_offline_asks_no_server(
    world: World, mirrors: Mirrors, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MINIBS4NN_OFFLINE", "1")
    monkeypatch.setattr(_sources, "_URLS", mirrors.urls("right"))
    with pytest.raises(DataError, match="switched off by MINIBS4NN_OFFLINE"):
        fashion_mnist()
    assert mirrors.requests == []


@leaves_sockets
def test_what_was_wrong_with_each_mirror_is_told(
    world: World, mirrors: Mirrors, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        dead = f"http://127.0.0.1:{closed.getsockname()[1]}/"
    urls = [*mirrors.urls("gone", "short", "cut", "page"), dead]
    monkeypatch.setattr(_sources, "_URLS", urls)
    with pytest.raises(DataError) as caught:
        fashion_mnist()
    lines = re.findall(r"^  - http://.*", str(caught.value), flags=re.MULTILINE)
    reasons = [
        "404 Client Error: Not Found for url",
        "truncated or damaged gzip file (Compressed file ended before the end-of-stream marker",
        "('Connection broken: IncompleteRead",
        "not an IDX file: it begins with b'<htm', not with two zero bytes",
        "HTTPConnection(host='127.0.0.1'",
    ]
    for line, url, reason in zip(lines, urls, reasons, strict=True):
        assert line.startswith(f"  - {url}{FIRST}.gz: {reason}")
    assert "refused" in lines[-1]
    assert not world.places[2].exists()  # nothing unverified reaches the cache


@leaves_sockets
def test_a_server_cannot_send_without_end(
    world: World, mirrors: Mirrors, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_sources, "_URLS", mirrors.urls("right"))
    monkeypatch.setattr(_sources, "MAX_BYTES", 1000)
    with pytest.raises(DataError, match=r"right/train-images.*: sends more than 1000 bytes"):
        fashion_mnist()


@pytest.mark.parametrize("package", ["pooch", "tqdm.auto"])
def test_download_needs_two_packages(
    world: World, mirrors: Mirrors, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_sources, "_URLS", mirrors.urls("right"))
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(DataError, match=rf"{FIRST}.gz: {package} is not installed\n"):
        fashion_mnist()


def test_a_broken_file_in_the_cache_is_replaced(
    world: World, mirrors: Mirrors, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = world.places[2]
    world.fill(cache, packed=False)
    (cache / FIRST).write_bytes(world.contents[FIRST][:100])
    monkeypatch.setattr(_sources, "_URLS", mirrors.urls("right"))
    with pytest.warns(UserWarning, match=rf"^fashion_mnist: passed over .*{FIRST}: truncated"):
        world.check(fashion_mnist())
    assert mirrors.requests == [f"/right/{FIRST}.gz"]
    assert (cache / FIRST).read_bytes() == world.contents[FIRST]


def test_a_cache_that_cannot_be_written_does_not_lose_the_data(
    world: World, mirrors: Mirrors, monkeypatch: pytest.MonkeyPatch
) -> None:
    (world.folder / "cache").write_text("a file, not a folder")
    monkeypatch.setattr(_sources, "_URLS", mirrors.urls("right"))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        world.check(fashion_mnist())
    messages = [str(warning.message) for warning in caught]
    assert sum("passed over" in message for message in messages) == 4
    assert sum("the download could not be kept: " in message for message in messages) == 4
    assert {warning.filename for warning in caught} == {__file__}


def test_a_disk_that_fills_up_leaves_no_half_file_in_the_cache(
    world: World, mirrors: Mirrors, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(_sources, "_URLS", mirrors.urls("right"))
    monkeypatch.setattr(os, "fsync", full)
    with pytest.warns(UserWarning, match="could not be kept: .*No space left on device"):
        world.check(fashion_mnist())
    assert list(world.places[2].iterdir()) == []


TWO_AT_ONCE = """
import json, sys
from minibs4nn import _sources, datasets
_sources._HASHES["fashion-mnist"], _sources._URLS, folder = json.loads(sys.argv[1])
_sources._DEBIAN_FOLDER = _sources.Path(folder)
train, test = datasets.fashion_mnist()
print(len(train), len(test))
"""


def test_two_processes_may_fill_the_cache_at_once(world: World, mirrors: Mirrors) -> None:
    mirrors.meeting = threading.Barrier(2)  # neither gets its first file before both have asked
    settings = [
        _sources._HASHES["fashion-mnist"],
        mirrors.urls("right"),
        str(world.folder / "debian"),
    ]
    command = [sys.executable, "-W", "error", "-c", TWO_AT_ONCE, json.dumps(settings)]

    def start() -> subprocess.Popen[str]:
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    with start() as one, start() as two:
        for process in (one, two):
            out, errors = process.communicate(timeout=120)
            assert (process.returncode, out) == (0, "3 2\n"), errors
    assert mirrors.requests.count(f"/right/{FIRST}.gz") == 2
    cache = world.places[2]
    assert {path.name: path.read_bytes() for path in cache.iterdir()} == world.contents


# --- Fashion-MNIST: the real one ---------------------------------------------------------------


@pytest.mark.skipif(
    not _sources._DEBIAN_FOLDER.exists() and "CI" not in os.environ,
    reason="Debian's package dataset-fashion-mnist is not installed",
)
def test_fashion_mnist_of_debian(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MINIBS4NN_DATA", raising=False)
    monkeypatch.setenv("MINIBS4NN_OFFLINE", "1")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    train, test = fashion_mnist.__wrapped__()  # not the remembered one
    assert train.images.shape == (60_000, 28, 28)
    assert test.images.shape == (10_000, 28, 28)
    assert np.bincount(train.labels).tolist() == [6000] * 10
    assert np.bincount(test.labels).tolist() == [1000] * 10
    assert round(float(train.images.mean()), 4) == 72.9404


# --- bars --------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 2, 5, 28])
def test_bars_without_noise_are_bars(size: int) -> None:
    for part in bars(60, size=size, noise=0):
        assert part.images.shape == (60, size, size)
        for image, label in zip(part.images, part.labels, strict=True):
            expected = np.zeros((size, size), dtype=np.uint8)
            if label < size:
                expected[label] = 255
            else:
                expected[:, label - size] = 255
            np.testing.assert_array_equal(image, expected, strict=True)


def test_bars_classes_are_equally_frequent() -> None:
    for part in bars(35, size=8):
        counts = np.bincount(part.labels, minlength=16)
        assert sorted(set(counts.tolist())) == [2, 3]
        assert counts.size == 16


def test_bars_are_repeatable_and_differ_between_seeds_and_sets() -> None:
    train, test = bars(50, seed=3)
    again, _ = bars(50, seed=3)
    other, _ = bars(50, seed=4)
    assert (train.name, test.name) == ("bars-train", "bars-test")
    np.testing.assert_array_equal(train.images, again.images)
    np.testing.assert_array_equal(train.labels, again.labels)
    for different in (test, other):
        assert (train.images != different.images).any()
        assert (train.labels != different.labels).any()


def test_bars_noise_is_the_share_of_pixels_replaced() -> None:
    clean, _ = bars(1000, noise=0)
    train, _ = bars(1000, noise=0.25)
    np.testing.assert_array_equal(train.labels, clean.labels)
    # A random grey level is the old one once in 256 times; 64,000 pixels, so 5 sigma is 0.0086.
    assert (train.images != clean.images).mean() == pytest.approx(0.25 * 255 / 256, abs=0.0086)
    assert np.unique(bars(1000, noise=1)[0].images).size == 256


@pytest.mark.parametrize(
    "wrong",
    [
        {"n": 0},
        {"size": 0},
        {"noise": -0.1},
        {"noise": 1.1},
        {"noise": float("nan")},
        {"seed": -1},
        {"n": 1.5},
        {"size": "8"},
        {"seed": None},
    ],
    ids=str,
)
def test_bars_says_what_is_wrong(wrong: dict[str, float]) -> None:
    given_values = {"n": 1000, "size": 8, "noise": 0.1, "seed": 0, **wrong}
    with pytest.raises(ValueError) as caught:
        bars(**given_values)  # type: ignore[arg-type]
    assert str(caught.value) == (
        "bars: n and size must be whole numbers from 1, seed from 0, noise a share, 0 to 1; got "
        "n={n}, size={size}, seed={seed}, noise={noise}".format(**given_values)
    )


def test_bars_with_noise_that_is_no_number() -> None:
    with pytest.raises(TypeError, match=r"^bars: noise must be real numbers, got 'much'$"):
        bars(noise="much")  # type: ignore[arg-type]


# --- the module itself -------------------------------------------------------------------------


def test_importing_datasets_imports_no_more_than_numpy() -> None:
    code = (
        "import sys, minibs4nn.datasets as d; d.mnist(); "
        "print(*{'pooch', 'tqdm', 'requests', 'matplotlib'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
