"""The file of a packed network: a header of some bytes, and one bit per synapse.

All numbers are little-endian. A file holds, with nothing in between:

- ``BS4NNbit``; as 16 bits each the format, ``t_max``, and the number of layers with the input;
- as 32 bits each the sizes of the layers;
- one byte for each layer after the input: how many bytes a threshold takes there, 2 or 4, or 0
  for one of 4 bytes that all its neurons share;
- the thresholds of each layer after the input, then the bits of each;
- the CRC-32 of all that.
"""

import os
import struct
import zlib
from collections.abc import Sequence
from itertools import pairwise
from typing import BinaryIO, NamedTuple

import numpy as np
import numpy.typing as npt

from minibs4nn.errors import FileFormatError
from minibs4nn.files import atomic_write

MAGIC = b"BS4NNbit"
FORMAT = 1
LARGEST = 2**30 - 1  # size or threshold: a sum less a threshold then fits 32 bits

_START = struct.Struct(f"<{len(MAGIC)}s3H")


class BitsFile(NamedTuple):
    """What a file holds: the parts of a :class:`~minibs4nn.PackedBS4NN`."""

    layers: tuple[int, ...]
    t_max: int
    thresholds: list[npt.NDArray[np.int32]]
    bits: list[npt.NDArray[np.uint8]]


def sizes_in_bytes(layers: Sequence[int]) -> list[int]:
    """Bytes that the bits of each layer after the input take."""
    return [-(-n_in * n_out // 8) for n_in, n_out in pairwise(layers)]


def is_packed(path: str | os.PathLike[str]) -> bool:
    """Whether a file begins as a packed network does."""
    if not os.path.isfile(path):
        return False
    with open(path, "rb") as file:
        return file.read(len(MAGIC)) == MAGIC


def write_bits(path: str | os.PathLike[str], content: BitsFile) -> None:
    """Write a file, atomically."""
    layers, t_max, thresholds, bits = content
    widths = [_width(theta) for theta in thresholds]
    parts = [
        _START.pack(MAGIC, FORMAT, t_max, len(layers)),
        struct.pack(f"<{len(layers)}I", *layers),
        bytes(widths),
        *(
            (theta if width else theta[:1]).astype(f"<i{width or 4}").tobytes()
            for theta, width in zip(thresholds, widths, strict=True)
        ),
        *(some.tobytes() for some in bits),
    ]
    with atomic_write(path) as file:
        file.writelines(parts)
        file.write(_checksum(parts))


def read_bits(path: str | os.PathLike[str]) -> BitsFile:
    """Read a file; trust nothing.

    The header says how long the file is. That is compared with what is there before anything else
    is read, so nothing is allocated that the file does not hold.

    Raises
    ------
    FileFormatError
        If the file is truncated, hostile, of a later version or something else.
    OSError
        If it cannot be opened.
    """
    name = os.fspath(path)
    if os.path.exists(name) and not os.path.isfile(name):
        raise FileFormatError(f"load: {name!r} is not a regular file")  # a pipe could make us wait
    with open(name, "rb") as file:
        try:
            return _read(file, os.fstat(file.fileno()).st_size)
        except ValueError as error:
            raise FileFormatError(f"load: {name!r} {error}") from error


def _read(file: BinaryIO, size: int) -> BitsFile:
    """Read a file of ``size`` bytes; ValueError says what is wrong with it."""
    start = file.read(_START.size)
    if len(start) < _START.size or not start.startswith(MAGIC):
        raise ValueError("is not a packed network of this library, or is damaged")
    _, version, t_max, n_layers = _START.unpack(start)
    if version > FORMAT:
        raise ValueError(
            f"has format {version}, this version reads up to {FORMAT}; update minibs4nn"
        )
    if version < 1 or n_layers < 2:
        raise ValueError(f"is damaged: format {version}, {n_layers} layers")
    sizes, widths = file.read(4 * n_layers), file.read(n_layers - 1)
    if len(widths) < n_layers - 1:
        raise ValueError(f"is damaged: it ends within the table of its {n_layers} layers")
    layers = struct.unpack(f"<{n_layers}I", sizes)
    if min(layers) < 1 or max(layers) > LARGEST or not {*widths} <= {0, 2, 4}:
        raise ValueError(
            f"is damaged: layers of {min(layers)} to {max(layers)} neurons, thresholds of "
            f"{min(widths)} to {max(widths)} bytes"
        )
    lengths = [n_out * width or 4 for n_out, width in zip(layers[1:], widths, strict=True)]
    lengths += sizes_in_bytes(layers)
    expected = len(start + sizes + widths) + sum(lengths) + 4
    if size != expected:
        raise ValueError(f"is damaged: it has {size} bytes, its header speaks of {expected}")
    parts = [file.read(length) for length in lengths]
    if file.read() != _checksum([start, sizes, widths, *parts]):
        raise ValueError("is damaged: its checksum does not fit what it holds")
    thresholds = [
        np.broadcast_to(np.frombuffer(part, f"<i{width or 4}").astype(np.int32), n_out)
        for part, width, n_out in zip(parts, widths, layers[1:], strict=False)
    ]
    return BitsFile(
        layers, t_max, thresholds, [np.frombuffer(part, np.uint8) for part in parts[n_layers - 1 :]]
    )


def _width(thresholds: npt.NDArray[np.int32]) -> int:
    """Bytes that a threshold takes in the file; 0 where one stands for all."""
    if (thresholds == thresholds[0]).all():
        return 0
    small = np.iinfo(np.int16)
    return 2 if small.min <= thresholds.min() and thresholds.max() <= small.max else 4


def _checksum(parts: Sequence[bytes]) -> bytes:
    """CRC-32 of some bytes, as the last 4 of a file."""
    found = 0
    for part in parts:
        found = zlib.crc32(part, found)
    return struct.pack("<I", found)
