"""Files: written so that nothing is ever lost, read as if a stranger had sent them.

A file is first written beside its place, under a temporary name, forced to the disk, and only then
given its name. Whoever pulls the plug finds the old file or the new one, never half of one.
"""

import contextlib
import io
import json
import math
import os
import re
import shutil
import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, Literal, TypeAlias

import numpy as np

from minibs4nn._checks import AnyArray
from minibs4nn.errors import FileFormatError

__all__ = ["DAMAGE", "atomic_write", "narrow", "read_npz", "write_json", "write_npz"]

Arrays: TypeAlias = dict[str, AnyArray]

# What zipfile, json, numpy and our own checks raise on hostile bytes; to the user all of it means
# one thing. OSError: a damaged offset makes zipfile seek to where no file has anything.
DAMAGE = (
    ValueError,
    TypeError,
    OverflowError,  # a number that fits no dtype
    RuntimeError,  # also RecursionError and NotImplementedError
    EOFError,
    OSError,
    struct.error,
    zipfile.BadZipFile,
)
_MOST_HEADER = 2**22  # bytes of JSON, which may take 25 times as much memory; thousands of epochs
_MOST_DIRECTORY = 2**20  # bytes of the list of members; thousands of arrays

# How numpy.save begins the files of plain numbers. To read more than that would be to trust more.
_ARRAY = re.compile(
    rb"\x93NUMPY\x01\x00(..)\{'descr': '([<>|][biuf][1248])', 'fortran_order': (False|True), "
    rb"'shape': \(([0-9, ]*)\), \} *\n",
    re.DOTALL,
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
        If the folder does not exist, cannot be written, or the disk is full, or if ``path`` is a
        folder. ``path`` is then as it was before.

    Notes
    -----
    A new file gets the mode that files usually get; one that is replaced keeps its own. Of a
    symbolic link, what it points to is replaced.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.mkdtemp()
    >>> with atomic_write(os.path.join(folder, "note.txt")) as file:
    ...     _ = file.write(b"kept whole")
    >>> os.listdir(folder)
    ['note.txt']
    """
    target = Path(os.path.realpath(path))
    temporary = target.parent / f".{target.name}.{os.urandom(8).hex()}"
    try:
        with open(temporary, "xb") as file:
            with contextlib.suppress(FileNotFoundError):
                shutil.copymode(target, temporary)
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except BaseException as error:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        if isinstance(error, OSError) and str(error.filename) == str(temporary):
            # Of the name that the caller knows.
            raise OSError(error.errno, error.strerror, os.fspath(path)) from error
        raise
    _sync_folder(target.parent)


def _sync_folder(folder: Path) -> None:
    """Make the new name itself survive a power cut, on systems where a folder can be synced.

    Where it cannot, the file is in its place and whole all the same, so that is no error.
    """
    if os.name != "posix":
        return
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def write_json(path: str | os.PathLike[str], record: dict[str, Any]) -> None:
    """Write a record of a run or of a measurement as JSON, atomically.

    Parameters
    ----------
    path : str or path-like
        Its folder is made if it is not there.
    record : dict
        What JSON can hold.

    Raises
    ------
    TypeError, ValueError
        If JSON has no word for something in it, such as NaN.
    OSError
        As :func:`atomic_write`.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "new folder" / "record.json"
    >>> write_json(path, {"seed": 0})
    >>> json.loads(path.read_text())
    {'seed': 0}
    """
    text = json.dumps(record, indent=1, allow_nan=False) + "\n"
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as file:
        file.write(text.encode())


def write_npz(path: str | os.PathLike[str], header: dict[str, Any], arrays: Arrays) -> None:
    """Write named arrays and a JSON header as one ``.npz``, atomically, without pickle.

    The header is the member ``header``, UTF-8 text as uint8; :func:`numpy.load` can read it all.

    Parameters
    ----------
    path : str or path-like
    header : dict
        What JSON can hold, up to 4 MiB of it.
    arrays : dict of str to array
        Of numbers of up to 8 bytes. No array may be called ``header``, or like a path.

    Raises
    ------
    TypeError, ValueError
        If :func:`read_npz` would not read it back.
    OSError
        As :func:`atomic_write`.

    Examples
    --------
    >>> import tempfile
    >>> path = os.path.join(tempfile.mkdtemp(), "net.npz")
    >>> write_npz(path, {"kind": "example"}, {"w": np.ones((2, 3))})
    >>> header, arrays = read_npz(path)
    >>> header["kind"], arrays["w"].shape
    ('example', (2, 3))
    """
    text = json.dumps(header, allow_nan=False).encode()
    if len(text) > _MOST_HEADER:
        raise ValueError(
            f"save: the header has {len(text)} bytes of JSON, but a file takes up to {_MOST_HEADER}"
        )
    for name, array in arrays.items():
        if array.dtype.kind not in "biuf" or array.dtype.itemsize > 8:
            raise TypeError(
                f"save: array {name!r} holds {array.dtype}; files take numbers of up to 8 bytes"
            )
        if _looks_like_a_path(name):
            raise ValueError(f"save: {name!r} looks like a path; name arrays without / and \\")
    members: dict[str, Any] = {"header": np.frombuffer(text, dtype=np.uint8), **arrays}
    with atomic_write(path) as file:
        np.savez(file, **members)


def narrow(array: AnyArray) -> AnyArray:
    """The same numbers in a smaller dtype, if one holds them exactly: signs need no 8 bytes.

    Only for arrays whose dtype is known when they are read back. ``-0.0`` is kept.

    Examples
    --------
    >>> narrow(np.array([1.0, -1.0])).dtype, narrow(np.array([0.5])).dtype
    (dtype('int8'), dtype('float32'))
    """
    for dtype in (np.int8, np.float32):
        if array.dtype.kind == "f" and array.itemsize > np.dtype(dtype).itemsize:
            with np.errstate(invalid="ignore", over="ignore"):
                smaller = array.astype(dtype)
            if np.array_equal(smaller, array) and not np.signbit(array[array == 0]).any():
                return smaller
    return array


def read_npz(path: str | os.PathLike[str]) -> tuple[dict[str, Any], Arrays]:
    """Read what :func:`write_npz` wrote; trust nothing.

    Nothing is allocated that the file does not hold: compressed members are refused, and every
    length that it announces is compared with what is there.

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
    if os.path.exists(name) and not os.path.isfile(name):
        raise FileFormatError(f"load: {name!r} is not a regular file")  # a pipe could make us wait
    with _Cautious(io.FileIO(name)) as file:
        try:
            arrays = _read_members(file)
            text = arrays.pop("header", np.empty(0))
            if text.dtype != np.uint8 or text.ndim != 1 or text.size > _MOST_HEADER:
                raise ValueError(f"it has no header of up to {_MOST_HEADER} bytes")
            header = json.loads(text.tobytes())
            if not isinstance(header, dict):
                raise ValueError("its header is not a JSON object")
        except DAMAGE as error:
            raise FileFormatError(
                f"load: {name!r} is not a network of this library, or is damaged: "
                f"{str(error)[:300]}"
            ) from error
    return header, arrays


class _Cautious(io.BufferedReader):
    """A file that gives no more than ``most`` bytes at once: zipfile asks for any number it reads.

    A list of members is twenty times larger in memory than in the file.
    """

    most = _MOST_DIRECTORY

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > self.most:
            raise ValueError(f"it announces a part of {size} bytes")
        return super().read(size)


def _read_members(file: _Cautious) -> Arrays:
    """Read all arrays of an archive; together they are no larger than the file."""
    arrays: Arrays = {}
    with zipfile.ZipFile(file) as archive:
        members = archive.infolist()
        size = file.most = os.fstat(file.fileno()).st_size
        if sum(member.file_size for member in members) > size:
            raise ValueError("its members are larger than the file")
        for member in members:
            name = member.filename.removesuffix(".npy")
            if member.compress_type != zipfile.ZIP_STORED or member.compress_size != (
                member.file_size
            ):
                raise ValueError(f"its member {member.filename!r} is compressed")
            # 46 bytes are the least an entry of the list takes: a damaged length could hide one.
            if len(member.extra) + len(member.comment) >= 46:
                raise ValueError(f"its member {member.filename!r} comes with more than numbers")
            if name in arrays:
                raise ValueError(f"it has two members {member.filename!r}")
            if _looks_like_a_path(name):
                raise ValueError(f"its member {member.filename!r} looks like a path")
            arrays[name] = _read_array(archive.read(member))
    return arrays


def _looks_like_a_path(name: str) -> bool:
    return "/" in name or "\\" in name


def _read_array(data: bytes) -> AnyArray:
    """Read one array in NumPy's format: numbers only, of exactly the announced length."""
    begin = _ARRAY.match(data)
    if begin is None or int.from_bytes(begin[1], "little") + 10 != begin.end():
        raise ValueError("a member is not an array of numbers in NumPy's format 1.0")
    dtype = np.dtype(begin[2].decode())
    shape = tuple(int(n) for n in begin[4].replace(b",", b" ").split())
    n_bytes = len(data) - begin.end()
    if math.prod(shape) * dtype.itemsize != n_bytes:
        raise ValueError(f"an array of shape {shape} and {dtype} does not have {n_bytes} bytes")
    order: Literal["F", "C"] = "F" if begin[3] == b"True" else "C"
    content = np.frombuffer(data, dtype=dtype, offset=begin.end())
    return content.reshape(shape, order=order).copy(order="K")
