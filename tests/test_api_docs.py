"""The corrections of the API in the book: tools/api_docs.py."""

from typing import Any, NamedTuple

import api_docs


class Point(NamedTuple):
    """A field that is described with the class, and a method of its own."""

    x: int

    def size(self) -> int:
        """Its distance from zero."""
        return abs(self.x)


def left_out(name: str) -> bool:
    unused: Any = None
    return api_docs.skip(unused, "class", name, getattr(Point, name), False, unused)


def test_fields_of_named_tuples_are_not_listed() -> None:
    assert left_out("x")
    assert not left_out("size")


def test_names_that_are_described_together_stay_together() -> None:
    unused: Any = None
    lines = [
        ":ivar low_, high_: Between these, both included, it lies.",
        ":vartype low_, high_: float arrays, shape (n, m)",
        ":ivar n: One, two: many.",
        "Plain text, with a colon: here.",
    ]
    api_docs.together(unused, "class", "name", unused, unused, lines)
    assert lines == [
        ":ivar low_,high_: Between these, both included, it lies.",
        ":vartype low_,high_: float arrays, shape (n, m)",
        ":ivar n: One, two: many.",
        "Plain text, with a colon: here.",
    ]
