"""Faces and motorbikes: from an archive to the accuracy, on stand-ins made here.

The stand-ins are two kinds of drawings, not photographs: what a network makes of them says nothing
about Caltech-101. Nothing here is published as a result.
"""

import io
import re
import struct
import sys
import tarfile
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import minibs4nn as bs
from minibs4nn import _caltech, datasets, reproduce
from minibs4nn.cli import main
from minibs4nn.datasets import caltech_face_motorbike
from minibs4nn.errors import DataError
from minibs4nn.reproduce import claims, run

INNER = "101_ObjectCategories.tar.gz"
Members = Mapping[str, bytes]


def jpeg(rng: np.random.Generator, *, motorbike: bool, size: tuple[int, int] = (40, 24)) -> bytes:
    """A drawing: one dark disc for a face, two on a bright ground for a motorbike."""
    width, height = size
    y, x = np.mgrid[:height, :width]
    grey = rng.integers(150, 256, (height, width))
    for centre in (0.25, 0.75) if motorbike else (0.5,):
        radius = height * (0.25 if motorbike else 0.45)
        disc = (x - centre * width) ** 2 + (y - 0.5 * height) ** 2 < radius**2
        grey[disc] = rng.integers(0, 80, np.count_nonzero(disc))
    file = io.BytesIO()
    Image.fromarray(grey.astype(np.uint8)).convert("RGB").save(file, "JPEG", quality=95)
    return file.getvalue()


def drawings(faces: int, motorbikes: int, folder: str = "Faces") -> dict[str, bytes]:
    """Members as in the published archive, with some that are none of our business."""
    rng = np.random.default_rng(0)
    found = {
        f"101_ObjectCategories/{name}/image_{k:04}.jpg": jpeg(rng, motorbike=name == "Motorbikes")
        for name, n in ((folder, faces), ("Motorbikes", motorbikes))
        for k in range(1, n + 1)
    }
    found["101_ObjectCategories/Faces/._image_0001.jpg"] = b"not a photograph"
    found["101_ObjectCategories/Faces/tmp"] = b"nor this"
    found["101_ObjectCategories/accordion/image_0001.jpg"] = b"nor this"
    return found


def tar(members: Members) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz", compresslevel=1) as archive:
        for name, content in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return file.getvalue()


def zipped(members: Members) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


FEW = drawings(5, 6)
TAR = tar(FEW)


@pytest.fixture(autouse=True)
def _world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A computer that has nothing yet."""
    monkeypatch.setenv("MINIBS4NN_DATA", str(tmp_path / "own"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "cache"))  # Windows
    (tmp_path / "own").mkdir()
    caltech_face_motorbike.cache_clear()
    yield
    caltech_face_motorbike.cache_clear()


def put(tmp_path: Path, content: bytes, name: str = INNER) -> None:
    path = tmp_path / name if "/" in name else tmp_path / "own" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def unpack(folder: Path) -> None:
    for name, content in FEW.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def unpack_categories(folder: Path) -> None:
    unpack(folder)
    (folder / "own").rmdir()
    (folder / "101_ObjectCategories").rename(folder / "own")


def expected() -> list[np.ndarray[Any, Any]]:
    """The definition, in plain words: decode, grey, resize; in the order of the names."""
    images = []
    for category in ("Faces", "Motorbikes"):
        some = []
        for name in sorted(FEW):
            if f"/{category}/image" in name:
                with Image.open(io.BytesIO(FEW[name])) as photograph:
                    grey = photograph.convert("L").resize((250, 160), Image.Resampling.BILINEAR)
                some.append(np.asarray(grey))
        images.append(np.stack(some))
    return images


# --- where they are, and what is read ------------------------------------------------------------

PLACES: dict[str, Callable[[Path], object]] = {
    "tar.gz": lambda folder: put(folder, TAR),
    "zip": lambda folder: put(folder, zipped({f"caltech-101/{INNER}": TAR}), "caltech-101.zip"),
    "zip of a Macintosh": lambda folder: put(
        folder,
        zipped({f"__MACOSX/caltech-101/{INNER}": b"x", f"caltech-101/{INNER}": TAR}),
        "caltech101.zip",
    ),
    "subfolder": lambda folder: put(folder, TAR, f"own/caltech-101/{INNER}"),
    "cache": lambda folder: put(folder, TAR, f"cache/minibs4nn/caltech-101/{INNER}"),
    "folder": lambda folder: unpack(folder / "own"),
    "folder of torchvision": lambda folder: unpack(folder / "own" / "caltech101"),
    "folders of the categories": unpack_categories,
}


@pytest.mark.parametrize("place", PLACES)
def test_the_photographs_are_found_and_are_the_same_from_everywhere(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if place == "cache" and sys.platform == "darwin":
        monkeypatch.setenv("HOME", str(tmp_path))
    PLACES[place](tmp_path)
    found = _caltech.find_photographs(("Faces", "Motorbikes"))
    for ours, theirs in zip(found, expected(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert found[0].shape == (5, 160, 250)
    assert found[0].dtype == np.uint8


def test_the_order_of_an_archive_does_not_matter(tmp_path: Path) -> None:
    put(tmp_path, tar(dict(reversed(FEW.items()))))
    for ours, theirs in zip(
        _caltech.find_photographs(("Faces", "Motorbikes")), expected(), strict=True
    ):
        np.testing.assert_array_equal(ours, theirs)


def test_the_split_takes_so_many_of_each_and_loses_none(tmp_path: Path) -> None:
    put(tmp_path, TAR)
    train, test = caltech_face_motorbike(per_class=3)
    assert repr(train) == (
        "Dataset('caltech-face-motorbike-train', 6 images of 160 x 250, labels 0 to 1)"
    )
    assert np.bincount(train.labels).tolist() == [3, 3]
    assert np.bincount(test.labels).tolist() == [2, 3]
    for label, images in enumerate(expected()):
        both = [part.images[part.labels == label] for part in (train, test)]
        found = sorted(image.tobytes() for part in both for image in part)
        assert found == sorted(image.tobytes() for image in images)


def test_the_split_is_a_function_of_the_seed(tmp_path: Path) -> None:
    put(tmp_path, TAR)
    first = caltech_face_motorbike(per_class=2, seed=0)
    caltech_face_motorbike.cache_clear()
    again = caltech_face_motorbike(per_class=2, seed=0)
    other = caltech_face_motorbike(per_class=2, seed=1)
    for ours, theirs in zip(first, again, strict=True):
        np.testing.assert_array_equal(ours.images, theirs.images)
        np.testing.assert_array_equal(ours.labels, theirs.labels)
    assert any((a.images != b.images).any() for a, b in zip(first, other, strict=True))


def test_the_training_set_is_mixed(tmp_path: Path) -> None:
    put(tmp_path, tar(drawings(12, 12)))
    train, _ = caltech_face_motorbike(per_class=10)
    assert (np.diff(train.labels) != 0).sum() > 3  # not all faces first


def test_the_other_faces(tmp_path: Path) -> None:
    put(tmp_path, tar(drawings(4, 4, "Faces_easy")))
    train, _ = caltech_face_motorbike(per_class=2, faces="Faces_easy")
    assert len(train) == 4


# --- the whole path ------------------------------------------------------------------------------


def test_from_an_archive_to_the_accuracy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    put(tmp_path, zipped({f"caltech-101/{INNER}": tar(drawings(205, 210))}), "caltech-101.zip")
    claim = replace(claims()["s4nn-caltech"], epochs=1)
    record = run(claim, 0, tmp_path, backend="auto", progress=False)
    _, test = reproduce.DATASETS["caltech-face-motorbike"]()
    assert len(test) == 5 + 10
    assert record["best"]["n"] == 15
    saved = tmp_path / "caltech-face-motorbike" / record["file"]
    assert main(["evaluate", str(saved), "--dataset", "caltech-face-motorbike"]) == 0
    net = bs.load(saved)
    assert capsys.readouterr().out == f"{net.evaluate(test.images, test.labels)}\n"
    # One disc or two: a network that learns at all tells these drawings apart.
    assert record["best"]["accuracy"] > 0.8


def test_no_result_is_recorded_and_none_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    results = Path(__file__).parent.parent / "results"
    if not list(results.glob("caltech-face-motorbike/*.json")):
        assert main(["reproduce", "--list", "--results", str(results)]) == 0
        printed = capsys.readouterr().out
        assert "not run yet" in printed.partition("s4nn-caltech")[2].partition("\ns4nn-")[0]


# --- what can be wrong ---------------------------------------------------------------------------


def test_without_photographs_the_error_says_where_to_get_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(DataError) as caught:
        caltech_face_motorbike()
    message = str(caught.value)
    for part in ("own", "cache", "https://data.caltech.edu/records/mzrjq-6wc02", INNER):
        assert part in message
    assert "not set" not in message
    monkeypatch.delenv("MINIBS4NN_DATA")
    with pytest.raises(DataError, match="MINIBS4NN_DATA: not set"):
        caltech_face_motorbike()


def test_the_command_line_says_it_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["reproduce", "s4nn-caltech", "--seed", "0"]) == 1
    assert "no copy of Caltech-101 was found" in capsys.readouterr().err


def test_without_pillow_the_error_says_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, TAR)
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(DataError, match=r"pip install 'minibs4nn\[images\]'"):
        caltech_face_motorbike()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"per_class": 5}, "Faces has 5 photographs; with per_class=5 none is left for the test"),
        ({"per_class": 0}, "per_class must be 1 or more and seed 0 or more, got per_class=0"),
        ({"seed": -1}, "seed=-1"),
        ({"faces": "Airplanes"}, "faces must be one of 'Faces', 'Faces_easy'; got 'Airplanes'"),
    ],
)
def test_arguments_out_of_range(arguments: dict[str, Any], message: str, tmp_path: Path) -> None:
    put(tmp_path, TAR)
    with pytest.raises(ValueError, match=message):
        caltech_face_motorbike(**arguments)


def bomb(name: str) -> bytes:
    """A tar with one member of 64 MB of zeros, in 64 kB."""
    entry = tarfile.TarInfo(name)
    entry.size = 2**26
    packed = zlib.compressobj(9, wbits=31)
    zeros = bytes(2**20)
    pieces = [packed.compress(entry.tobuf()), *(packed.compress(zeros) for _ in range(64))]
    return b"".join([*pieces, packed.flush()])


def huge_photograph() -> bytes:
    """A JPEG whose header announces 60,000 x 60,000 pixels."""
    content = jpeg(np.random.default_rng(0), motorbike=False)
    place = content.index(b"\xff\xc0")
    return content[: place + 5] + struct.pack(">HH", 60_000, 60_000) + content[place + 9 :]


def with_face(content: bytes) -> bytes:
    return tar({**FEW, "101_ObjectCategories/Faces/image_0009.jpg": content})


def png() -> bytes:
    file = io.BytesIO()
    Image.new("L", (9, 9)).save(file, "PNG")
    return file.getvalue()


HOSTILE: dict[str, tuple[str, Callable[[], bytes], str]] = {
    "empty": (INNER, lambda: b"", "unusable"),
    "no archive": (INNER, lambda: b"photographs" * 99, "unusable"),
    "cut": (INNER, lambda: TAR[: len(TAR) // 2], "unusable"),
    "no motorbikes": (
        INNER, lambda: tar(drawings(3, 0)), "no photographs of the category Motorbikes"
    ),
    "no photographs": (INNER, lambda: tar({}), "no photographs of the category Faces"),
    "not a JPEG": (INNER, lambda: with_face(b"GIF89a"), "image_0009.jpg is not a photograph"),
    "a PNG": (INNER, lambda: with_face(png()), "image_0009.jpg is not a photograph"),
    "cut photograph": (
        INNER, lambda: with_face(jpeg(np.random.default_rng(0), motorbike=False)[:300]),
        "image_0009.jpg is not a photograph",
    ),
    "announced pixels": (INNER, lambda: with_face(huge_photograph()), "is not a photograph"),
    "long photograph": (INNER, lambda: with_face(bytes(2**21 + 1)), "more than 2097152 bytes"),
    "zip without it": ("caltech-101.zip", lambda: zipped({"readme": b"x"}), f"holds no {INNER}"),
    "zip, cut": ("caltech-101.zip", lambda: zipped({INNER: TAR})[:-30], "unusable"),
    "zip that is none": ("caltech-101.zip", lambda: b"PK\x03\x04" + bytes(99), "unusable"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_archives_are_refused(name: str, tmp_path: Path) -> None:
    file, content, message = HOSTILE[name]
    put(tmp_path, content(), file)
    with pytest.raises(DataError, match=message) as caught:
        caltech_face_motorbike(per_class=2)
    assert str(caught.value).startswith("caltech_face_motorbike: ")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 800


@pytest.mark.parametrize("wrap", [False, True])
@pytest.mark.parametrize(
    ("member", "message"),
    [
        ("101_ObjectCategories/Faces/image_0001.jpg", "image_0001.jpg has more than 2097152 bytes"),
        ("101_ObjectCategories/accordion/image_0001.jpg", "it unpacks to more than 16777216 bytes"),
    ],
)
def test_a_bomb_takes_no_memory(
    wrap: bool, member: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_caltech, "_MOST_UNPACKED", 2**24)
    content = bomb(member)
    name = "caltech-101.zip" if wrap else INNER
    put(tmp_path, zipped({INNER: content}) if wrap else content, name)
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match=re.escape(message)):
            caltech_face_motorbike()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 10_000_000


def test_an_archive_of_too_many_members_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_caltech, "_MOST_MEMBERS", len(FEW) - 1)
    put(tmp_path, TAR)
    with pytest.raises(DataError, match=f"more than {len(FEW) - 1} members"):
        caltech_face_motorbike()
    monkeypatch.setattr(_caltech, "_MOST_MEMBERS", len(FEW))
    caltech_face_motorbike(per_class=2)


def test_links_and_paths_lead_nowhere(tmp_path: Path) -> None:
    """Nothing is written, and a link out of the archive is no photograph."""
    secret = tmp_path / "secret.jpg"
    secret.write_bytes(jpeg(np.random.default_rng(1), motorbike=False))
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        link = tarfile.TarInfo("101_ObjectCategories/Faces/image_0001.jpg")
        link.type, link.linkname = tarfile.SYMTYPE, str(secret)
        archive.addfile(link)
        for name in ("../../Faces/image_0002.jpg", "Motorbikes/image_0001.jpg"):
            entry = tarfile.TarInfo(name)
            entry.size = secret.stat().st_size
            archive.addfile(entry, io.BytesIO(secret.read_bytes()))
    put(tmp_path, file.getvalue())
    before = sorted(tmp_path.rglob("*"))
    faces, motorbikes = _caltech.find_photographs(("Faces", "Motorbikes"))
    assert (len(faces), len(motorbikes)) == (1, 1)  # image_0002, by its name and folder alone
    assert sorted(tmp_path.rglob("*")) == before


def test_a_photograph_that_comes_twice_is_refused(tmp_path: Path) -> None:
    file = io.BytesIO()
    content = jpeg(np.random.default_rng(0), motorbike=False)
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        for _ in range(2):
            entry = tarfile.TarInfo("Faces/image_0001.jpg")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    put(tmp_path, file.getvalue())
    with pytest.raises(DataError, match=r"it has Faces/image_0001\.jpg twice"):
        caltech_face_motorbike()


def test_it_is_a_data_set_of_the_module() -> None:
    assert datasets.caltech_face_motorbike is reproduce.DATASETS["caltech-face-motorbike"]
