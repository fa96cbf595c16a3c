"""The text of the GPU's kernels, and what each of them takes.

A kernel believes what it is given: a float64 array behind a ``float*`` is read as garbage, and a
Python float is passed as eight bytes where a kernel may expect four. So every launch is checked
against the signature, which is read from the text of the kernel itself.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

__all__ = ["TEXT", "Parameter", "check_arguments", "kernel_text", "options", "signatures"]

TEXT = Path(__file__).with_name("kernels.cu").read_text("utf8")

_TYPES = {
    "short": np.int16,
    "int": np.int32,
    "unsigned": np.uint32,
    "unsigned long long": np.uint64,
    "float": np.float32,
    "double": np.float64,
}
_KERNEL = re.compile(r'^extern "C" __global__ void (\w+)\((.*?)\)\s*\{', re.M | re.S)


class Parameter(NamedTuple):
    """One parameter of a kernel.

    Attributes
    ----------
    name : str
    dtype : dtype
    is_array : bool
        Whether it is a pointer into the memory of the card, or a number.
    """

    name: str
    dtype: np.dtype[Any]
    is_array: bool


def options(*, one_bit: bool) -> tuple[str, ...]:
    """What the compiler is told, for BS4NN (``one_bit``) or for S4NN.

    ``fmad=false``: a product that is fused with a sum is rounded once instead of twice, and the
    results would no longer be those of the reference.

    Examples
    --------
    >>> options(one_bit=True)
    ('-fmad=false', '-DONE_BIT')
    """
    return ("-fmad=false", "-DONE_BIT") if one_bit else ("-fmad=false",)


def signatures(text: str, *, one_bit: bool) -> Mapping[str, tuple[Parameter, ...]]:
    """Read from the text what each kernel takes.

    Parameters
    ----------
    text : str
        As :data:`TEXT`.
    one_bit : bool
        Types such as ``Number`` are not the same for BS4NN and S4NN.

    Returns
    -------
    mapping of str to tuple of Parameter

    Raises
    ------
    ValueError
        If a type is unknown.

    Examples
    --------
    >>> [(name, str(dtype)) for name, dtype, _ in signatures(TEXT, one_bit=True)["decay"]]
    [('latent', 'float32'), ('n', 'uint32'), ('shrink', 'float64')]
    """
    chosen = _branches(text)[0 if one_bit else 1]
    aliases = re.findall(r"^typedef ([\w ]+) (\w+);", chosen, re.M)
    types = _TYPES | {name: _TYPES[meaning] for meaning, name in aliases}
    return MappingProxyType(
        {
            name: tuple(_parameter(name, text, types) for text in parameters.split(","))
            for name, parameters in _KERNEL.findall(text)
        }
    )


def kernel_text(name: str) -> str:
    """One kernel of :data:`TEXT`, with the comment above it.

    Parameters
    ----------
    name : str

    Returns
    -------
    str

    Raises
    ------
    ValueError
        If there is no kernel of that name.

    Examples
    --------
    >>> print(kernel_text("decay").splitlines()[0])
    // (6) weight decay: w *= shrink. A negative weight stays negative, however small it gets.
    """
    found = re.search(
        rf'(^//[^\n]*\n)*^extern "C" __global__ void {re.escape(name)}\(.*?^}}\n', TEXT, re.M | re.S
    )
    if not found:
        known = ", ".join(signatures(TEXT, one_bit=True))
        raise ValueError(f"kernel_text: no kernel {name!r}; there are {known}")
    return found[0]


def check_arguments(
    kernel: str, parameters: Sequence[Parameter], arguments: Sequence[Any], array_type: type[Any]
) -> None:
    """Compare the arguments of a launch with the signature of the kernel.

    Parameters
    ----------
    kernel : str
    parameters : sequence of Parameter
    arguments : sequence
        Arrays on the card, and NumPy scalars of exactly the kernel's types.
    array_type : type
        What arrays on the card are: ``cupy.ndarray``.

    Raises
    ------
    TypeError
        If there are too many or too few, or one is of another type; the message names it.

    Examples
    --------
    >>> wanted, latent = signatures(TEXT, one_bit=True)["decay"], np.zeros(3, np.float32)
    >>> check_arguments("decay", wanted, (latent, np.uint32(3), 0.5), np.ndarray)
    Traceback (most recent call last):
        ...
    TypeError: kernel decay: shrink must be a NumPy scalar of float64, got float
    """
    if len(arguments) != len(parameters):
        raise TypeError(
            f"kernel {kernel}: {len(parameters)} arguments are wanted, got {len(arguments)}"
        )
    for (name, dtype, is_array), value in zip(parameters, arguments, strict=True):
        if is_array:
            if not isinstance(value, array_type) or value.dtype != dtype:
                wanted = f"a {dtype} array on the card"
                raise TypeError(f"kernel {kernel}: {name} must be {wanted}, got {_describe(value)}")
            if not value.flags.c_contiguous:
                raise TypeError(f"kernel {kernel}: {name} must be contiguous")
        elif not isinstance(value, np.generic) or value.dtype != dtype:
            raise TypeError(
                f"kernel {kernel}: {name} must be a NumPy scalar of {dtype}, got {_describe(value)}"
            )


def _branches(text: str) -> tuple[str, str]:
    """What holds if ONE_BIT is defined, and what if not: the first of these places."""
    found = re.search(r"^#ifdef ONE_BIT\n(.*?)^#else\n(.*?)^#endif", text, re.M | re.S)
    return (found[1], found[2]) if found else ("", "")


def _parameter(kernel: str, text: str, types: Mapping[str, type[np.generic]]) -> Parameter:
    words = text.replace("*", " * ").split()
    name, is_array = words[-1], "*" in words
    meaning = " ".join(word for word in words[:-1] if word not in ("const", "*"))
    if meaning not in types:
        raise ValueError(f"kernel {kernel}: type {meaning!r} of {name} is not known here")
    return Parameter(name, np.dtype(types[meaning]), is_array)


def _describe(value: object) -> str:
    dtype = getattr(value, "dtype", None)
    if isinstance(value, np.generic) or dtype is None:
        return type(value).__name__
    return f"{dtype} array" + (" of the host" if isinstance(value, np.ndarray) else "")
