"""Is there a graphics card that really computes? Only a kernel that ran can tell.

CuPy can be imported on a machine without a card, and its kernels can be made from nonsense; the
first use fails. So a card counts as usable when a small kernel was compiled, ran, and returned the
right number.
"""

import importlib
import os
from functools import cache
from typing import Any, NamedTuple

import numpy as np

__all__ = ["OFF", "Found", "usable_gpu"]

OFF = "MINIBS4NN_NO_GPU"  # set to anything, this variable hides the card
_KERNEL = 'extern "C" __global__ void probe(int* x) { x[0] = 41 + __popc(1u); }'


class Found(NamedTuple):
    """What was found.

    Attributes
    ----------
    cupy : module or None
        None: no card can be used.
    detail : str
        The card and the version of CuPy, or what is missing.
    """

    cupy: Any
    detail: str


_instead: Found | None = None  # set by minibs4nn.emulation


def usable_gpu() -> Found:
    """Compile a small kernel, run it, look at the result. Never raises; asked once per process.

    Returns
    -------
    Found

    Examples
    --------
    >>> isinstance(usable_gpu().detail, str)
    True
    """
    if _instead is not None:
        return _instead
    if os.environ.get(OFF):
        return Found(None, f"switched off by the environment variable {OFF}")
    return _look()


@cache
def _look() -> Found:
    try:
        cupy: Any = importlib.import_module("cupy")
    except ModuleNotFoundError as error:
        if error.name != "cupy":
            return Found(None, f"CuPy cannot be imported: {error}")
        return Found(None, "CuPy is not installed (pip install 'minibs4nn[gpu]')")
    except Exception as error:  # a broken installation can raise anything
        return Found(None, f"CuPy cannot be imported: {_short(error)}")
    try:
        if not cupy.cuda.is_available():
            return Found(None, f"CuPy {cupy.__version__} finds no CUDA device; see nvidia-smi")
        x = cupy.zeros(1, dtype=np.int32)
        cupy.RawKernel(_KERNEL, "probe")((1,), (1,), (x,))
        answer = int(x.get()[0])
        if answer != 42:
            return Found(None, f"a test kernel on the CUDA device returned {answer} instead of 42")
        name = cupy.cuda.runtime.getDeviceProperties(cupy.cuda.Device().id)["name"].decode()
    except Exception as error:  # each broken part raises an error of its own
        return Found(None, f"a test kernel could not run on the CUDA device: {_short(error)}")
    return Found(cupy, f"CuPy {cupy.__version__} on {name}")


def _short(error: Exception) -> str:
    """The type of an error and the first line of its message."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
