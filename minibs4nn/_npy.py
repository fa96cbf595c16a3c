"""Weights as other programs save them: one array in a ``.npy`` file, read with distrust."""

import io
import math
import os

import numpy as np

from minibs4nn._checks import AnyArray
from minibs4nn._idx import open_regular
from minibs4nn.errors import FileFormatError

__all__ = ["MAX_BYTES", "read_npy"]

MAX_BYTES = 2**28  # 256 MiB: 40 times the weights of 784-1000-10 in double precision
_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


def read_npy(path: str | os.PathLike[str], *, max_bytes: int = MAX_BYTES) -> AnyArray:
    """Read one array of numbers from a ``.npy`` file; pickled objects are refused.

    Parameters
    ----------
    path : str or path-like
    max_bytes : int
        The largest file to accept.

    Returns
    -------
    array

    Raises
    ------
    FileFormatError
        If the file is no array of numbers, truncated, longer than its header says, or too large.
    OSError
        If it cannot be opened.

    Examples
    --------
    >>> import os, tempfile
    >>> path = os.path.join(tempfile.mkdtemp(), "w.npy")
    >>> np.save(path, [[0.5, -1.0]])
    >>> read_npy(path).tolist()
    [[0.5, -1.0]]
    """
    name = repr(os.fspath(path))
    try:
        opened = open_regular(path)
    except FileFormatError as error:
        raise FileFormatError(f"{name} is {error}") from error
    with opened as file:
        size = os.fstat(file.fileno()).st_size
        if size > max_bytes:
            raise FileFormatError(f"{name} has {size} bytes; accepted are up to {max_bytes}")
        content = io.BytesIO(file.read(size))
    try:
        version = np.lib.format.read_magic(content)
        if version not in _HEADERS:
            raise ValueError(f"its format is {version}; accepted are {list(_HEADERS)}")
        shape, _, dtype = _HEADERS[version](content)
    except Exception as error:  # hostile bytes make NumPy's parser raise many kinds
        reason = str(error).partition("\n")[0][:200]
        raise FileFormatError(f"{name} is not a .npy file of NumPy: {reason}") from error
    if dtype.hasobject:
        raise FileFormatError(
            f"{name} holds pickled objects, which could run any program when read. If you trust "
            "it, save its arrays one by one: for k, w in enumerate(np.load(name, "
            'allow_pickle=True)): np.save(f"w{k}.npy", np.asarray(w, dtype=float))'
        )
    announced, held = math.prod(shape) * dtype.itemsize, size - content.tell()
    if dtype.kind not in "biuf" or announced != held or min(shape, default=0) < 0:
        raise FileFormatError(
            f"{name} announces numbers of type {dtype} in shape {shape}, {announced} bytes, and "
            f"holds {held}; wanted are whole or real numbers, and no more or less than announced"
        )
    content.seek(0)
    array: AnyArray = np.load(content, allow_pickle=False)
    return array
