"""Files: written so that nothing is ever lost, read as if a stranger had sent them.

A file is first written beside its place, under a temporary name, forced to the disk, and only then
given its name. Whoever pulls the plug finds the old file or the new one, never half of one.
"""

import contextlib
import io
import json
import math
import os
import struct
import tempfile
import tokenize
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, Literal, TypeAlias

import numpy as np

from minibs4nn._checks import AnyArray
from minibs4nn.errors import FileFormatError

__all__ = ["atomic_write", "read_npz", "write_npz"]

Arrays: TypeAlias = dict[str, AnyArray]

# What zipfile, json and numpy raise on hostile bytes; to the user all of it means one thing.
_DAMAGE = (
    zipfile.BadZipFile,
    ValueError,
    KeyError,
    EOFError,
    NotImplementedError,
    RuntimeError,
    TypeError,
    SyntaxError,
    struct.error,
    tokenize.TokenError,
)


@contextlib.contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Open a file for writing that replaces ``path`` only when the block ends without an error.

    Parameters
    ----------
    path : str or path-like
        Where the file shall stand. Its folder must exist.

    Yields
    ------
    binary file object
        What is written to it becomes the file.

    Raises
    ------
    OSError
        If the folder does not exist, cannot be written, or the disk is full. ``path`` is then as
        it was before.

    Examples
    --------
    >>> folder = tempfile.mkdtemp()
    >>> with atomic_write(os.path.join(folder, "note.txt")) as file:
    ...     _ = file.write(b"kept whole")
    >>> os.listdir(folder)
    ['note.txt']
    """
    target = Path(path)
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, _usual_mode(target))
        os.replace(temporary, target)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise
    _sync_folder(target.parent)


def _usual_mode(target: Path) -> int:
    """Mode of the file that is replaced, or what a new file would get (mkstemp gives 0600)."""
    if target.exists():
        return target.stat().st_mode & 0o777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


def _sync_folder(folder: Path) -> None:
    """Make the new name itself survive a power cut, on systems where a folder can be synced."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_npz(path: str | os.PathLike[str], header: dict[str, Any], arrays: Arrays) -> None:
    """Write named arrays and a JSON header as one ``.npz``, atomically, without pickle.

    The header is the member ``header``, UTF-8 text as uint8; :func:`numpy.load` can read it all.

    Parameters
    ----------
    path : str or path-like
    header : dict
        What JSON can hold.
    arrays : dict of str to array
        Of numbers; no array may be called ``header``.

    Raises
    ------
    OSError
        As :func:`atomic_write`.

    Examples
    --------
    >>> path = os.path.join(tempfile.mkdtemp(), "net.npz")
    >>> write_npz(path, {"kind": "example"}, {"w": np.ones((2, 3))})
    >>> header, arrays = read_npz(path)
    >>> header["kind"], arrays["w"].shape
    ('example', (2, 3))
    """
    text = json.dumps(header, allow_nan=False).encode()
    members = {name: _narrow(array) for name, array in arrays.items()}
    with atomic_write(path) as file:
        np.savez(file, allow_pickle=False, header=np.frombuffer(text, dtype=np.uint8), **members)


def _narrow(array: AnyArray) -> AnyArray:
    """The same numbers in a smaller dtype, if one holds them exactly: signs need no 8 bytes."""
    for dtype in (np.int8, np.float32):
        if array.dtype.kind == "f" and array.itemsize > np.dtype(dtype).itemsize:
            with np.errstate(invalid="ignore", over="ignore"):
                smaller = array.astype(dtype)
            if np.array_equal(smaller, array) and not np.signbit(array[array == 0]).any():
                return smaller
    return array


def read_npz(path: str | os.PathLike[str]) -> tuple[dict[str, Any], Arrays]:
    """Read what :func:`write_npz` wrote; trust nothing.

    Nothing is allocated that the file does not hold: compressed members are refused, and the shape
    that a member announces is compared with its length before it is read.

    Parameters
    ----------
    path : str or path-like

    Returns
    -------
    header : dict
    arrays : dict of str to array

    Raises
    ------
    FileFormatError
        If the file is truncated, hostile or something else.
    OSError
        If it cannot be opened.
    """
    name = os.fspath(path)
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        try:
            with zipfile.ZipFile(file) as archive:
                members = archive.infolist()
                if sum(member.file_size for member in members) > size:
                    raise ValueError("its members are larger than the file")
                arrays = {}
                for member in members:
                    if member.compress_type != zipfile.ZIP_STORED:
                        raise ValueError(f"its member {member.filename!r} is compressed")
                    arrays[member.filename.removesuffix(".npy")] = _read_npy(archive.read(member))
            header = json.loads(arrays.pop("header").astype(np.uint8).tobytes())
        except _DAMAGE as error:
            raise FileFormatError(
                f"load: {name!r} is not a network of this library, or is damaged: {error}"
            ) from error
    if not isinstance(header, dict):
        raise FileFormatError(f"load: {name!r} is damaged: its header is not a JSON object")
    return header, arrays


def _read_npy(data: bytes) -> AnyArray:
    """Read one array in NumPy's format: numbers only, of exactly the announced length."""
    stream = io.BytesIO(data)
    version = np.lib.format.read_magic(stream)
    readers = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    if version not in readers:
        raise ValueError(f"array format {version} is not known")
    shape, column_major, dtype = readers[version](stream)
    if dtype.kind not in "biuf":
        raise ValueError(f"an array holds {dtype}, not numbers")
    content = stream.read()
    if math.prod(shape) * dtype.itemsize != len(content):
        raise ValueError(
            f"an array of shape {shape} and {dtype} does not have {len(content)} bytes"
        )
    order: Literal["F", "C"] = "F" if column_major else "C"
    return np.frombuffer(content, dtype=dtype).reshape(shape, order=order).copy(order="K")
