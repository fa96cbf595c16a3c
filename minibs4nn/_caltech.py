"""The photographs of Caltech-101, read as if every archive came from an enemy.

Nothing is unpacked to the disk. An archive is read once from front to back, no further than any
honest one goes; of its members only the photographs of the wanted categories are looked at, and of
those no more than a photograph needs.
"""

import gzip
import io
import os
import tarfile
import warnings
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path, PurePosixPath
from typing import TypeAlias, cast

import numpy as np
import numpy.typing as npt

from minibs4nn._idx import open_regular
from minibs4nn._sources import cache_folder
from minibs4nn.errors import DataError, FileFormatError
from minibs4nn.files import DAMAGE

__all__ = ["SHAPE", "find_photographs"]

SHAPE = (160, 250)  # height and width of all photographs
Photographs: TypeAlias = npt.NDArray[np.uint8]

ARCHIVE = "101_ObjectCategories.tar.gz"
_NAMES = ("101_ObjectCategories", ARCHIVE, "caltech-101.zip", "caltech101.zip")
# Limits, all of them well above what the published files need. Of their 132 MB almost all is
# JPEG, which gzip makes no smaller.
_MOST_UNPACKED = 2**28  # bytes of an archive
_MOST_MEMBERS = 30_000  # of an archive
_MOST_BYTES = 2**21  # of one photograph, compressed
_MOST_PIXELS = 2**22  # of one photograph
_MOST_PHOTOGRAPHS = 2_000  # of one category


def find_photographs(categories: Sequence[str]) -> list[Photographs]:
    """Load the photographs of some categories, grey and of one size, from the first place found.

    Parameters
    ----------
    categories : sequence of str
        Names of folders of Caltech-101, such as ``"Faces"``.

    Returns
    -------
    list of uint8 arrays, shapes (n, 160, 250)
        One per category, in the order of the file names.

    Raises
    ------
    DataError
        If there is no copy, the one that is there is unusable, or Pillow is not installed.
    """
    place = _place(categories)
    found: dict[str, dict[str, Photographs]] = {category: {} for category in categories}
    try:
        for category, name, content in _files(place, categories):
            photographs = found[category]
            if name in photographs or len(photographs) == _MOST_PHOTOGRAPHS:
                raise FileFormatError(f"it has {category}/{name} twice, or too many of its kind")
            photographs[name] = _grey(f"{category}/{name}", content)
        for category, photographs in found.items():
            if not photographs:
                raise FileFormatError(f"it has no photographs of the category {category}")
    except (*DAMAGE, tarfile.TarError, zlib.error) as error:
        if isinstance(error, DataError):
            raise
        reason = str(error).partition("\n")[0][:300]
        raise DataError(
            f"caltech_face_motorbike: {place} is unusable: {reason}; replace it by the published "
            "one, or remove it"
        ) from error
    return [np.stack([some[name] for name in sorted(some)]) for some in found.values()]


def _place(categories: Sequence[str]) -> Path:
    """The first of the usual places that has the photographs."""
    folders = [cache_folder() / "caltech-101"]
    if given := os.environ.get("MINIBS4NN_DATA"):
        root = Path(given).expanduser()
        folders = [root / "caltech-101", root / "caltech101", root, *folders]
    for folder in folders:
        if all((folder / category).is_dir() for category in categories):
            return folder
        for name in _NAMES:
            if (folder / name).exists():
                return folder / name
    unset = "" if given else "  - MINIBS4NN_DATA: not set\n"
    looked = "\n".join(f"  - {folder}: none of {', '.join(_NAMES)}" for folder in folders)
    raise DataError(
        "caltech_face_motorbike: no copy of Caltech-101 was found. Places tried:\n"
        f"{unset}{looked}\n"
        "It is published at https://data.caltech.edu/records/mzrjq-6wc02 (caltech-101.zip, 137 "
        f"MB, which holds {ARCHIVE}). Put either file, or the unpacked folder, into a folder, "
        "and set MINIBS4NN_DATA to that folder."
    )


def _files(place: Path, categories: Sequence[str]) -> Iterator[tuple[str, str, bytes]]:
    """Yield category, file name and content of each photograph."""
    if place.is_dir():
        for category in categories:
            for path in sorted((place / category).iterdir()):
                if _is_photograph(path.name):
                    with open_regular(path) as photograph:
                        yield category, path.name, photograph.read(_MOST_BYTES + 1)
        return
    with ExitStack() as stack:
        file = stack.enter_context(_Small(open_regular(place).detach()))
        compressed: io.BufferedIOBase = file
        if file.peek(4).startswith(b"PK"):
            outer = stack.enter_context(zipfile.ZipFile(file))
            compressed = cast(io.BufferedIOBase, stack.enter_context(outer.open(_inner(outer))))
        unpacked = _Limited(stack.enter_context(gzip.GzipFile(fileobj=compressed)))
        archive = stack.enter_context(tarfile.open(fileobj=unpacked, mode="r|"))
        for count, member in enumerate(archive):
            if count == _MOST_MEMBERS:
                raise FileFormatError(f"it has more than {_MOST_MEMBERS} members")
            *folders, name = PurePosixPath(member.name).parts or ("",)
            if member.isreg() and folders and folders[-1] in categories and _is_photograph(name):
                content = archive.extractfile(member)
                assert content is not None  # a regular file has one
                yield folders[-1], name, content.read(_MOST_BYTES + 1)


def _inner(archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    """The one member of a zip that is the archive of the photographs."""
    for member in archive.infolist():
        path = PurePosixPath(member.filename)
        if path.name == ARCHIVE and "__MACOSX" not in path.parts:
            return member
    raise FileFormatError(f"it holds no {ARCHIVE}")


def _is_photograph(name: str) -> bool:
    return name.lower().endswith((".jpg", ".jpeg")) and not name.startswith(".")


class _Limited(io.RawIOBase):
    """What comes out of a compressed stream, up to a limit, and never much at once."""

    def __init__(self, stream: io.BufferedIOBase) -> None:
        self.stream, self.left = stream, _MOST_UNPACKED

    def read(self, size: int = -1, /) -> bytes:
        content = self.stream.read(min(size, self.left) if size >= 0 else self.left)
        self.left -= len(content)
        if not self.left:
            raise FileFormatError(f"it unpacks to more than {_MOST_UNPACKED} bytes")
        return content


class _Small(io.BufferedReader):
    """A file that gives no more than 1 MiB at once: the directory of a zip may claim any size."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > 2**20:
            raise FileFormatError(f"it announces a part of {size} bytes")
        return super().read(size)


def _grey(name: str, content: bytes) -> Photographs:
    """Decode a photograph, make it grey and bring it to the one size; the aspect may change."""
    try:
        from PIL import Image
    except ImportError as error:
        raise DataError(
            "caltech_face_motorbike: to read photographs needs Pillow, which is not installed: "
            "pip install 'minibs4nn[images]'"
        ) from error
    if len(content) > _MOST_BYTES:
        raise FileFormatError(f"{name} has more than {_MOST_BYTES} bytes")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # Pillow warns of what is suspiciously large
            with Image.open(io.BytesIO(content), formats=("JPEG",)) as photograph:
                width, height = photograph.size
                if width * height > _MOST_PIXELS:
                    raise ValueError(f"{width} x {height} pixels are too many")
                grey = photograph.convert("L")
                resized = grey.resize(SHAPE[::-1], Image.Resampling.BILINEAR)
        return np.asarray(resized, dtype=np.uint8)
    except Exception as error:  # what a decoder raises on hostile bytes is not written anywhere
        reason = str(error).partition("\n")[0][:200]
        raise FileFormatError(f"{name} is not a photograph that can be read: {reason}") from error
