"""Write the page that leads from each equation to its code and its test, or check that it is fresh.

``book/paper_map.toml`` holds one entry for each labelled equation of the book. An equation without
an entry, a function that does not exist, a test that is not there: each is an error.

    python tools/paper_map.py             write book/paper_map.md
    python tools/paper_map.py --check     write nothing, say what is wrong
"""

import argparse
import importlib
import re
import sys
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
MAP = ROOT / "book" / "paper_map.toml"
PAGE = MAP.with_suffix(".md")
HEAD = """# From paper to code

Every numbered equation of this course, the place in the papers that it comes from, the function
that computes it, and the test that holds the function to it. This page is written by
`tools/paper_map.py`; a check fails when an equation has no line here, or when a function or a test
that is named does not exist. *S4NN* is {cite:t}`kheradpisheh2020`, *BS4NN* is
{cite:t}`kheradpisheh2022`.
"""


def equations() -> dict[str, Path]:
    """Return the label of every equation in the chapters, in order, and its page."""
    found = {}
    for page in sorted((ROOT / "book").glob("[0-9][0-9]_*.md")):
        for label in re.findall(r"^\$\$ \((eq-[\w-]+)\)$", page.read_text("utf8"), re.M):
            found[label] = page
    return found


def problems(entries: dict[str, dict[str, str]]) -> Iterator[str]:
    """Say what is wrong with the map, one sentence each."""
    labels = equations()
    yield from (
        f"{page.name}: {label} has no entry in {MAP.name}"
        for label, page in labels.items()
        if label not in entries
    )
    for label, entry in entries.items():
        if label not in labels:
            yield f"{MAP.name}: there is no equation {label}"
        if entry.keys() != {"says", "source", "function", "test"}:
            yield f"{MAP.name}: {label} wants says, source, function and test"
            continue
        if entry["function"] and _object(entry["function"]) is None:
            yield f"{MAP.name}: {label} names {entry['function']}, which does not exist"
        if not _test_exists(entry["test"]):
            yield f"{MAP.name}: {label} names the test {entry['test']}, which does not exist"
        if not entry["function"] and not entry["test"].endswith(".ipynb"):
            yield f"{MAP.name}: {label} has no function, so its test must be a notebook"


def page(entries: dict[str, dict[str, str]]) -> str:
    """Return the page: a table for each chapter."""
    documented = set(
        re.findall(r"auto(?:function|class|data):: (\S+)", (PAGE.parent / "api.md").read_text())
    )
    lines, chapter = [HEAD], None
    for label, source in equations().items():
        if source != chapter:
            chapter = source
            lines += [
                f"\n## {{doc}}`{source.stem}`\n",
                "| equation | says | source | function | test |",
                "|---|---|---|---|---|",
            ]
        entry = entries[label]
        name = entry["function"]
        function = f"{{py:obj}}`{name}`" if name in documented else f"`{name}`" if name else "–"
        file, _, test = entry["test"].partition("::")
        where = f"`{file}`" + (f", `{test}`" if test else "")
        lines.append(
            f"| {{eq}}`{label}` | {entry['says']} | {entry['source']} | {function} | {where} |"
        )
    return "\n".join(lines) + "\n"


def _object(name: str) -> Any:
    """What a dotted name stands for, or None."""
    module, _, attribute = name.rpartition(".")
    try:
        return getattr(importlib.import_module(module), attribute, None)
    except ImportError:
        return None


def _test_exists(name: str) -> bool:
    path, _, function = name.partition("::")
    file = ROOT / path
    if not file.is_file():
        return False
    return not function or f"def {function}(" in file.read_text("utf8")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the result is the exit status."""
    parser = argparse.ArgumentParser(description="Write or check the page from paper to code.")
    parser.add_argument("--check", action="store_true", help="write nothing, say what is wrong")
    options = parser.parse_args(arguments)
    entries = tomllib.loads(MAP.read_text("utf8"))
    found = list(problems(entries))
    if not found:
        text = page(entries)
        if options.check and (not PAGE.exists() or PAGE.read_text("utf8") != text):
            found.append(f"{PAGE.name} is not what {MAP.name} gives: run python tools/paper_map.py")
        elif not options.check:
            PAGE.write_text(text, "utf8")
    print(*found, f"{len(found)} problems", sep="\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
