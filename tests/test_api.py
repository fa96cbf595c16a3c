"""What others build on stays: names, arguments and defaults of the public functions.

``tests/api.json`` lists them. New functions may come, and new arguments that need not be given;
what is in the list stays as it is. To add what is new, or to change something on purpose:

    python tests/test_api.py
"""

import functools
import inspect
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import minibs4nn.sklearn

TABLE = Path(__file__).with_name("api.json")
PROMISED: dict[str, list[str]] = json.loads(TABLE.read_text("utf8")) if TABLE.exists() else {}


def arguments(function: Any) -> list[str]:
    """Each argument as one writes it, with a star if it can only be given by its name."""
    if inspect.isclass(function) and issubclass(function, Exception):
        return []
    found = []
    for parameter in inspect.signature(function).parameters.values():
        star = "* " if parameter.kind is parameter.KEYWORD_ONLY else ""
        found.append(star + str(parameter.replace(annotation=parameter.empty)))
    return found


def public(holder: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every function, class and method of ours below a module or a class, without the pictures."""
    names = getattr(holder, "__all__", None) or [n for n in dir(holder) if not n.startswith("_")]
    for name in set(names) - {"figures"}:
        value = getattr(holder, name)
        ours = getattr(value, "__module__", "").startswith("minibs4nn")
        if ours and (inspect.isclass(value) or inspect.isroutine(value)):
            yield prefix + name, value
        if inspect.ismodule(value) or (ours and inspect.isclass(value)):
            yield from public(value, f"{prefix}{name}.")


@functools.cache
def signatures() -> dict[str, list[str]]:
    """The arguments of everything public."""
    found = [*public(minibs4nn), *public(minibs4nn.sklearn, "sklearn.")]
    return {name: arguments(value) for name, value in sorted(found, key=str)}


@pytest.mark.parametrize("name", PROMISED)
def test_a_public_function_keeps_its_arguments(name: str) -> None:
    now, promised = signatures().get(name), PROMISED[name]
    assert now is not None, f"minibs4nn.{name} is gone"
    gone = [argument for argument in promised if argument not in now]
    assert not gone, f"minibs4nn.{name}: {gone} are gone or changed; now {now}"
    needed, were = ([a for a in these if "=" not in a] for these in (now, promised))
    assert needed == were, f"minibs4nn.{name}: asks for {needed}, and callers of old give {were}"


def test_the_list_is_complete() -> None:
    new = sorted(signatures().keys() - PROMISED.keys())
    assert not new, f"{new} are not in tests/api.json; run: python tests/test_api.py"


if __name__ == "__main__":
    rows = [f"{json.dumps(name)}: {json.dumps(given)}" for name, given in signatures().items()]
    TABLE.write_text("{\n" + ",\n".join(rows) + "\n}\n", "utf8")
