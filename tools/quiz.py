"""The quizzes at the end of the chapters: how their files are read and checked.

``book/quizzes/NN_name.yml`` holds the five questions of the chapter ``book/NN_name.md``::

    - question: A neuron with threshold 4 holds the potential 4. Does it fire?
      options:
        - text: "Yes"
          feedback: The potential must exceed the threshold.
        - text: "No"
          right: true
          feedback: It waits for one more.
        - text: Only if it is an output neuron
          feedback: All neurons follow the same rule.

The texts are Markdown; ``tools/quiz_directive.py`` shows them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

QUESTIONS = 5


class QuizError(ValueError):
    """A quiz that cannot be shown: where, what is wrong, what is wanted."""


@dataclass(frozen=True)
class Option:
    """One answer to choose: its text, what is said when it is chosen, and whether it is right."""

    text: str
    feedback: str
    right: bool = False


@dataclass(frozen=True)
class Question:
    """A question with three or four options, exactly one of them right."""

    text: str
    options: tuple[Option, ...]


def read_quiz(path: Path) -> list[Question]:
    """Read the five questions of a chapter; a :class:`QuizError` names the first thing wrong."""
    try:
        content = yaml.safe_load(path.read_text("utf8"))
    except (OSError, UnicodeDecodeError, RecursionError, ValueError, yaml.YAMLError) as error:
        raise QuizError(f"{path.name} cannot be read as YAML: {error}") from error
    items = _list(content, path.name)
    if len(items) != QUESTIONS:
        raise QuizError(f"{path.name} has {len(items)} questions; a quiz has {QUESTIONS}")
    questions = [
        _question(item, f"{path.name}, question {number}") for number, item in enumerate(items, 1)
    ]
    places = {[option.right for option in question.options].index(True) for question in questions}
    if len(places) == 1:
        raise QuizError(f"{path.name}: the right option always stands in the same place; mix them")
    return questions


def _question(item: object, where: str) -> Question:
    fields = _fields(item, where, required={"question", "options"})
    items = _list(fields["options"], f"{where}, options")
    if not 3 <= len(items) <= 4:
        raise QuizError(f"{where} has {len(items)} options; 3 or 4 are wanted")
    options = tuple(_option(item, f"{where}, option {n}") for n, item in enumerate(items, 1))
    if sum(option.right for option in options) != 1:
        raise QuizError(f"{where} must have exactly one option with 'right: true'")
    for part in ("text", "feedback"):
        if len({getattr(option, part) for option in options}) != len(options):
            raise QuizError(f"{where}: two options have the same {part}")
    return Question(_text(fields["question"], f"{where}, question"), options)


def _option(item: object, where: str) -> Option:
    fields = _fields(item, where, required={"text", "feedback"}, optional={"right"})
    if fields.get("right", True) is not True:
        raise QuizError(f"{where}: 'right' is {fields['right']!r}; write 'right: true', or nothing")
    return Option(
        _text(fields["text"], f"{where}, text"),
        _text(fields["feedback"], f"{where}, feedback"),
        "right" in fields,
    )


def _list(value: object, where: str) -> list[object]:
    if not isinstance(value, list):
        raise QuizError(f"{where} must be a list, each item with '- ' before it")
    return value


def _fields(
    value: object, where: str, required: set[str], optional: frozenset[str] | set[str] = frozenset()
) -> dict[str, Any]:
    if not isinstance(value, dict) or not required <= set(value) <= required | optional:
        wanted = ", ".join(sorted(required)) + "".join(f" [, {name}]" for name in sorted(optional))
        given = ", ".join(map(str, value)) if isinstance(value, dict) else repr(value)
        raise QuizError(f"{where} must have the fields {wanted}; it has {given}")
    return value


def _text(value: object, where: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise QuizError(f'{where} must be a text, not {value!r}; quote words such as "Yes" or "4"')
    return value.strip()
