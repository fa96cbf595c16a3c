"""Values that travel: between a student's function and what judges it, as plain data.

An answer is right when its numbers are, however they are packed: a list, a tuple and an array are
the same, and so are 5 and 5.0. The same plain data go through the pipe of the grader as JSON, so
that nothing of a student's process but numbers ever reaches the process that gives the points.

This file imports nothing of the library: the student's process of the grader loads it alone,
without the answers that lie beside it.
"""

import contextlib
import importlib
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

__all__ = [
    "Arguments",
    "Outcome",
    "Plain",
    "call",
    "decode_arguments",
    "encode_arguments",
    "plain",
    "same",
    "show",
    "without",
]

Arguments: TypeAlias = tuple[Any, ...]
Plain: TypeAlias = Any  # None, bool, int, float, str, and lists and dicts of them
DEEPEST = 20  # levels of nesting; a list may contain itself
LARGEST = 100_000  # numbers in one answer
SHOWN = 300  # characters of a value in a message


def plain(value: object) -> Plain:
    """Turn an answer into plain data.

    Parameters
    ----------
    value : object
        A number, a text, an array, or lists, tuples and dicts of these.

    Returns
    -------
    None, bool, int, float or str, or lists and dicts of them

    Raises
    ------
    TypeError
        If there is anything else in it, or if it is nested or large beyond reason.

    Examples
    --------
    >>> plain((np.array([1, 2]), np.float64(0.5), None))
    [[1, 2], 0.5, None]
    """
    return _plain(value, DEEPEST, [LARGEST])


def _plain(value: object, levels: int, left: list[int]) -> Plain:
    left[0] -= value.size if isinstance(value, np.ndarray) else 1
    if levels == 0 or left[0] < 0:
        raise TypeError("an answer that is nested too deeply or too large")
    if isinstance(value, np.ndarray) and value.dtype.kind in "biufU":
        return value.tolist()
    if isinstance(value, np.generic) and value.dtype.kind in "biufU":
        return value.item()
    # A subclass could pretend to be equal to anything; what is built here is not a subclass.
    for kind in (bool, int, float, str):
        if isinstance(value, kind):
            return kind(value) if type(value) is not kind else value
    if value is None:
        return None
    if isinstance(value, (list, tuple)):
        return [_plain(entry, levels - 1, left) for entry in value]
    if isinstance(value, Mapping):
        return {str(key): _plain(entry, levels - 1, left) for key, entry in value.items()}
    raise TypeError(f"a {type(value).__name__}, which is no number, list or array")


def same(expected: Plain, got: Plain) -> bool:
    """Whether two plain values are equal: numbers to 9 digits, texts without regard to case.

    Not a number is the same as itself here: it tells which mistake was made.

    Examples
    --------
    >>> same([5, [1, 2]], [5.0, [1, True + 1]]), same([5], 5), same("a", " A")
    (True, False, True)
    >>> same(float("nan"), float("nan")), same(float("nan"), 1)
    (True, False)
    """
    if isinstance(expected, (int, float)) and isinstance(got, (int, float)):
        if expected == got:  # also the infinities, and whole numbers of any size
            return True
        if expected != expected or got != got:
            return expected != expected and got != got
        try:
            return abs(expected - got) <= 1e-9 * max(1.0, abs(expected))
        except OverflowError:
            return False
    if isinstance(expected, str) and isinstance(got, str):
        return expected.strip().lower() == got.strip().lower()
    if isinstance(expected, list) and isinstance(got, list):
        return len(expected) == len(got) and all(map(same, expected, got))
    if isinstance(expected, dict) and isinstance(got, dict):
        return expected.keys() == got.keys() and all(same(expected[k], got[k]) for k in expected)
    return expected is None and got is None


def encode_arguments(arguments: tuple[object, ...]) -> list[Plain]:
    """Arguments as plain data that say which of them are arrays, and of which kind.

    Examples
    --------
    >>> encode_arguments((np.array([3], dtype=np.uint8), 4))
    [{'array': [3], 'shape': [1], 'dtype': 'uint8'}, 4]
    """
    return [
        {
            "array": value.ravel().tolist(),
            "shape": list(value.shape),
            "dtype": value.dtype.name,
        }
        if isinstance(value, np.ndarray)
        else plain(value)
        for value in arguments
    ]


def decode_arguments(encoded: list[Plain]) -> tuple[object, ...]:
    """The inverse of :func:`encode_arguments`.

    Examples
    --------
    >>> decode_arguments([{"array": [3, 4], "shape": [1, 2], "dtype": "uint8"}, 4])
    (array([[3, 4]], dtype=uint8), 4)
    """
    return tuple(
        np.array(value["array"], dtype=value["dtype"]).reshape(value["shape"])
        if isinstance(value, dict)
        else value
        for value in encoded
    )


def show(value: Plain) -> str:
    """A value as text, cut where it becomes long.

    Examples
    --------
    >>> show([0.5, 2])
    '[0.5, 2]'
    """
    try:
        text = repr(value)
    except ValueError:  # a whole number of more than 4,300 digits
        text = "a very large number"
    return text if len(text) <= SHOWN else text[:SHOWN] + " ..."


@dataclass(frozen=True)
class Outcome:
    """What one call of an answer came to.

    Attributes
    ----------
    value : plain data
        What it returned; None if it raised something.
    error : str
        What it raised, as ``"TypeError: ..."``; empty if it returned.
    """

    value: Plain = None
    error: str = ""

    @property
    def blank(self) -> bool:
        """Whether the answer is still the stub that the notebook came with."""
        return self.error.partition(":")[0] == "NotImplementedError"

    def agrees(self, expected: Plain) -> bool:
        """Whether it returned the expected value."""
        return not self.error and same(expected, self.value)

    def resembles(self, other: "Outcome") -> bool:
        """Whether another call came to the same, be it the same value or the same kind of error."""
        if self.error or other.error:
            return self.error.partition(":")[0] == other.error.partition(":")[0]
        return same(other.value, self.value)


def call(function: Callable[..., object], arguments: Arguments) -> Outcome:
    """Call an answer on copies of the arguments, whatever it does.

    Examples
    --------
    >>> call(lambda a: a + 1, (np.array([1, 2]),))
    Outcome(value=[2, 3], error='')
    >>> call(lambda a: a[5], ([1, 2],))
    Outcome(value=None, error='IndexError: list index out of range')
    """
    copies = [a.copy() if isinstance(a, np.ndarray) else a for a in arguments]
    try:
        with np.errstate(all="ignore"):
            return Outcome(plain(function(*copies)))
    except Exception as error:
        # One line of modest length; the text of an exception may raise one, too.
        try:
            text = " ".join(str(error).split())
        except Exception:
            text = "?"
        return Outcome(error=f"{type(error).__name__}: {text}"[:300])


@contextlib.contextmanager
def without(names: Sequence[str]) -> Iterator[None]:
    """Let the named functions of the library refuse to work, for the time of the block.

    They are the answer to a task, and an answer that calls them shows nothing.

    Examples
    --------
    >>> import minibs4nn as bs
    >>> with without(["decode"]):
    ...     bs.decode([0])
    Traceback (most recent call last):
    RuntimeError: minibs4nn.decode does what this task asks for; write it yourself
    >>> bs.decode([0])
    array([255], dtype=uint8)
    """
    library = sys.modules.get("minibs4nn")
    places = []
    for full_name in names if library is not None else ():
        owner, _, name = full_name.rpartition(".")  # such as targets.relative_targets
        home = importlib.import_module(f"minibs4nn.{owner}") if owner else library
        original = getattr(home, name)
        for module in {library, home, sys.modules.get(original.__module__)}:
            if getattr(module, name, None) is original:
                places.append((module, name, original))
                setattr(module, name, _refuse(full_name))
    try:
        yield
    finally:
        for module, name, original in places:
            setattr(module, name, original)


def _refuse(name: str) -> Callable[..., None]:
    def refuse(*arguments: object, **options: object) -> None:
        raise RuntimeError(f"minibs4nn.{name} does what this task asks for; write it yourself")

    return refuse
