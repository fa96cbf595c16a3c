"""Values that travel: between a student's function and what judges it, as plain data.

An answer is right when its numbers are, however they are packed: a list, a tuple and an array are
the same, and so are 5 and 5.0. The same plain data go through the pipe of the grader as JSON, so
that nothing of a student's process but numbers ever reaches the process that gives the points.
"""

from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np

__all__ = ["Plain", "decode_arguments", "encode_arguments", "plain", "same", "show"]

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

    Examples
    --------
    >>> same([5, [1, 2]], [5.0, [1, True + 1]]), same([5], 5), same("a", " A")
    (True, False, True)
    """
    if isinstance(expected, (int, float)) and isinstance(got, (int, float)):
        if expected == got:  # also the infinities, and whole numbers of any size
            return True
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
