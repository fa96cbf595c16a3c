"""IDX, the file format of MNIST, read as if every file came from an enemy.

Two zero bytes, a type code, the number of dimensions, each dimension as four bytes, and then the
elements, row by row; the most significant byte comes first. What the header announces is checked
before memory is given to it, and a compressed file is unpacked no further than was announced.
"""

import gzip
import io
import math
import os
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from minibs4nn._checks import AnyArray
from minibs4nn.errors import FileFormatError

__all__ = ["MAX_BYTES", "decode", "open_regular", "read_idx"]

MAX_BYTES = 2**26  # 64 MiB; the largest file of our data sets, 60,000 images of 28 x 28, has 45 MiB
_TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_MAX_DIMENSIONS = 32  # as many as every version of NumPy can hold
_PIECE = 2**20  # bytes read at a time


def read_idx(source: str | os.PathLike[str] | bytes, *, max_bytes: int = MAX_BYTES) -> AnyArray:
    r"""Read an IDX file, the format of MNIST, plain or compressed with gzip.

    Parameters
    ----------
    source : str or path-like, or bytes
        The file's path, or its content.
    max_bytes : int
        The largest array to accept; it bounds the memory that a hostile file can take.

    Returns
    -------
    array, read-only, native byte order
        uint8, int8, int16, int32, float32 or float64, of the shape that the file announces.

    Raises
    ------
    FileFormatError
        If the file is no IDX file, is truncated or damaged, goes on after its last element, or
        announces an array with no elements or of more than ``max_bytes``.
    OSError
        If the file cannot be opened.

    References
    ----------
    LeCun, Cortes & Burges, The MNIST database, section on the IDX file format.

    Examples
    --------
    >>> read_idx(b"\0\0\x08\1" + b"\0\0\0\3" + b"abc")
    array([97, 98, 99], dtype=uint8)
    """
    where = f"{len(source)} bytes" if isinstance(source, bytes) else repr(os.fspath(source))
    try:
        with io.BytesIO(source) if isinstance(source, bytes) else open_regular(source) as file:
            return decode(file, max_bytes)[1]
    except FileFormatError as error:
        raise FileFormatError(f"read_idx: {where}: {error}") from error


def open_regular(path: str | os.PathLike[str]) -> io.BufferedReader:
    """Open a regular file for reading; a pipe or a device could keep us waiting for ever."""
    if os.path.exists(path) and not os.path.isfile(path):
        raise FileFormatError("not a regular file")
    return Path(path).open("rb")


def decode(file: io.BufferedIOBase, max_bytes: int) -> tuple[bytes, AnyArray]:
    """Return the uncompressed content of an IDX file, and the array that it describes.

    The FileFormatError that it raises says what is wrong; the caller adds where.
    """
    compressed = file.read(2) == b"\x1f\x8b"
    file.seek(0)
    stream = gzip.GzipFile(fileobj=file) if compressed else file
    try:
        header, dtype, shape = _read_header(stream)
        content = header + _read_elements(stream, dtype, shape, max_bytes)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise FileFormatError(f"truncated or damaged gzip file ({error})") from error
    array = np.frombuffer(content, dtype, offset=len(header)).reshape(shape)
    array = array.astype(dtype.newbyteorder("="), copy=False)
    array.setflags(write=False)
    return content, array


def _read_header(stream: io.BufferedIOBase) -> tuple[bytes, np.dtype[Any], tuple[int, ...]]:
    """Return the bytes of the header, and the type and the shape that they announce."""
    magic = stream.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0":
        raise FileFormatError(f"not an IDX file: it begins with {magic!r}, not with two zero bytes")
    code, n_dimensions = magic[2:]
    if code not in _TYPES:
        known = ", ".join(f"0x{known:02x}" for known in _TYPES)
        raise FileFormatError(f"its type code 0x{code:02x} is unknown; known are {known}")
    if not 1 <= n_dimensions <= _MAX_DIMENSIONS:
        raise FileFormatError(
            f"it has {n_dimensions} dimensions; accepted are 1 to {_MAX_DIMENSIONS}"
        )
    sizes = stream.read(4 * n_dimensions)
    if len(sizes) < 4 * n_dimensions:
        raise FileFormatError(
            f"truncated: it ends within the sizes of its {n_dimensions} dimensions"
        )
    return magic + sizes, np.dtype(_TYPES[code]), struct.unpack(f">{n_dimensions}I", sizes)


def _read_elements(
    stream: io.BufferedIOBase, dtype: np.dtype[Any], shape: tuple[int, ...], max_bytes: int
) -> bytes:
    """Return exactly the bytes that ``shape`` announces; no more are ever unpacked."""
    size = math.prod(shape) * dtype.itemsize  # Python integers do not overflow
    announced = f"{size} bytes, shape {shape} of {dtype.name}"
    if not 0 < size <= max_bytes:
        raise FileFormatError(f"it announces {announced}; accepted are 1 to {max_bytes} bytes")
    # Piece by piece: memory is taken for what is there, not for what is announced.
    pieces, missing = [], size
    while missing and (piece := stream.read(min(missing, _PIECE))):
        pieces.append(piece)
        missing -= len(piece)
    if missing:
        raise FileFormatError(f"truncated: it announces {announced}, and holds {size - missing}")
    if stream.read(1):  # at the end of a gzip file, this also compares the checksum
        raise FileFormatError(f"it goes on after the announced {announced}")
    return b"".join(pieces)
