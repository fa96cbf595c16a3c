"""The few names of CuPy that the GPU path uses, on a card that is only imagined.

It is stricter than the real thing, so that a mistake shows on any machine. An array of the card
lives in memory of its own: NumPy cannot read it, and a kernel does not take an array of the host.
What nobody has written holds garbage. Around every array lies a border, and a kernel that writes
there is found out.
"""

from collections.abc import Callable, Sequence
from itertools import count
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt

from minibs4nn.emulation.compiler import Compiled

__all__ = ["RawModule", "asarray", "empty", "ndarray", "zeros"]

BORDER = 256  # bytes before and behind every array
_garbage = np.random.default_rng(0)
_launches = count()  # every launch runs its threads in another order


class _Memory:
    """A piece of the card's memory: garbage, with a border before and behind it."""

    def __init__(self, n_bytes: int) -> None:
        self.bytes = _garbage.integers(0, 256, n_bytes + 2 * BORDER, dtype=np.uint8)
        self._before = self.bytes[:BORDER].copy()
        self._behind = self.bytes[-BORDER:].copy()

    def is_whole(self) -> bool:
        """Whether nobody wrote to the border."""
        before, behind = self.bytes[:BORDER], self.bytes[-BORDER:]
        return bool((before == self._before).all() and (behind == self._behind).all())


class ndarray:  # noqa: N801 (its name in CuPy)
    """An array of the card. :meth:`get` copies it to the host."""

    def __init__(self, memory: _Memory, values: npt.NDArray[Any]) -> None:
        self._memory, self._values = memory, values

    @property
    def shape(self) -> tuple[int, ...]:
        """Lengths of the axes."""
        return self._values.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the elements."""
        return self._values.dtype

    @property
    def flags(self) -> Any:
        """How the elements lie in memory."""
        return SimpleNamespace(c_contiguous=self._values.flags.c_contiguous)

    def get(self) -> npt.NDArray[Any]:
        """Return a copy for the host."""
        return self._values.copy()

    def __getitem__(self, part: slice) -> "ndarray":
        """A part of the array, in the same memory."""
        return ndarray(self._memory, self._values[part])

    def __array__(self, *_: object, **__: object) -> npt.NDArray[Any]:
        """NumPy cannot look into the card."""
        raise TypeError(
            "Implicit conversion to a NumPy array is not allowed. Please use `.get()` to construct "
            "a NumPy array explicitly."
        )


def empty(shape: int | Sequence[int], dtype: npt.DTypeLike) -> ndarray:
    """Make an array that holds garbage."""
    kind = np.dtype(dtype)
    lengths = (shape,) if isinstance(shape, int) else tuple(shape)
    n = int(np.prod(lengths, dtype=np.int64))
    memory = _Memory(n * kind.itemsize)
    return ndarray(memory, memory.bytes[BORDER:-BORDER].view(kind).reshape(lengths))


def zeros(shape: int | Sequence[int], dtype: npt.DTypeLike) -> ndarray:
    """Make an array of zeros."""
    array = empty(shape, dtype)
    array._values[...] = 0
    return array


def asarray(values: npt.NDArray[Any]) -> ndarray:
    """Copy an array of the host to the card."""
    array = empty(values.shape, values.dtype)
    array._values[...] = values
    return array


class RawModule:
    """Kernels from their text, as in CuPy."""

    def __init__(self, *, code: str, options: Sequence[str] = ()) -> None:
        self._compiled = Compiled(code, options)

    def get_function(self, name: str) -> Callable[..., None]:
        """Return a kernel, to be called with blocks, threads and arguments."""
        function = self._compiled.function(name)

        def launch(blocks: tuple[int, ...], threads: tuple[int, ...], arguments: Any) -> None:
            for value in arguments:
                if not isinstance(value, (ndarray, np.generic)):
                    raise TypeError(f"kernel {name}: unsupported argument {type(value).__name__}")
            addresses = [
                np.uintp(value._values.ctypes.data) if isinstance(value, ndarray) else value
                for value in arguments
            ]
            function(blocks, threads, addresses, next(_launches))
            for value in arguments:
                if isinstance(value, ndarray) and not value._memory.is_whole():
                    raise RuntimeError(f"kernel {name} has written beside one of its arrays")

        return launch
