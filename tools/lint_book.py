"""Check that pages have the parts that the course promises, and that notebooks test what they say.

A chapter has a title, a box of aims, a warm-up, a quiz, a summary, and so on.
``tests/test_book.py`` shows a small one with every part.

    python tools/lint_book.py                       all pages of the book
    python tools/lint_book.py book/01_neuron.md     some pages
    python tools/lint_book.py --html _build/html    built pages: pictures and links
"""

import argparse
import functools
import itertools
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import book_html
import book_text
import jupytext
import nbformat
from nbformat import NotebookNode
from notebooks import KEEP, ROOT, pages
from quiz import QuizError, read_quiz

CHECK = "nbval-check-output"
MAGICS = ("%config InlineBackend.figure_format = 'retina'",)
VERBS = (  # what a reader does and somebody else can check; nobody can check who understands
    *("build", "compare", "compute", "debug", "derive", "diagnose", "explain", "implement"),
    *("judge", "measure", "predict", "run", "state", "trace"),
)
VOICE = ("simply", "obviously")
SECTIONS = ("What can go wrong", "Answer to the warm-up", "Quiz", "Summary", "Further reading")
SUMMARY_HEADER = ["symbol", "meaning", "name in the code"]


def lint(page: Path) -> list[str]:
    """Return everything that is wrong with a page and its notebook, one sentence each."""
    cells = jupytext.read(page, fmt="md:myst").cells
    text = page.read_text("utf8")
    found = [*code_problems(cells), *book_text.unknown_terms(text, notation()[1])]
    if is_chapter(page):
        found += chapter_problems(cells)
        found += quiz_problems(page)
        found += notation_problems(text)
        found += exercise_problems(page, cells)
    notebook = page.with_suffix(".ipynb")
    if notebook.exists():
        found += stored_output_problems(nbformat.read(notebook, as_version=4).cells)
    return [f"{page.name}: {problem}" for problem in found]


@functools.cache
def notation() -> tuple[set[str], list[list[str]]]:
    """Return the symbols of the page Notation, and its glossary: entries, each with its words."""
    text = (ROOT / "book" / "notation.md").read_text("utf8")
    return book_text.symbols(_section(text, "Symbols")), book_text.glossary(text)


def is_chapter(page: Path) -> bool:
    """Tell a chapter, ``NN_name.md``, from the other pages."""
    return re.match(r"\d\d_", page.name) is not None


def chapter_problems(cells: Sequence[NotebookNode]) -> Iterator[str]:
    """Check the parts of a chapter's template."""
    text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    prose = _without_code(text)
    headings = [(len(m[1]), m[2]) for m in re.finditer(r"^(#+) +(.+?) *$", prose, re.M)]
    yield from _heading_problems(headings)
    yield from _at_a_glance_problems(_directives(text, "at-a-glance"))
    if len(_directives(text, "warm-up")) != 1:
        yield "wants one warm-up question, an admonition of class warm-up"
    names = [name for level, name in headings if level == 2]
    yield from (f"wants a section '## {name}'" for name in SECTIONS if name not in names)
    yield from _summary_problems(_section(text, "Summary"))
    yield from _reading_problems(_section(text, "Further reading"))
    if not any(CHECK in cell.metadata.get("tags", []) for cell in cells):
        yield f"wants a cell tagged {CHECK}: the ten lines and the library agree"
    for word in VOICE:
        if re.search(rf"\b{word}\b", prose, re.I):
            yield f"says '{word}': what is simple for the writer may not be for the reader"


def quiz_problems(page: Path) -> Iterator[str]:
    """Check that the section Quiz shows the chapter's quiz, and that its file can be read."""
    wanted = f"```{{quiz}} {page.stem}\n```"
    if wanted not in _section(page.read_text("utf8"), "Quiz"):
        yield f"the section Quiz wants its questions: {wanted!r}"
    try:
        read_quiz(page.parent / "quizzes" / f"{page.stem}.yml")
    except QuizError as error:
        yield str(error)


def notation_problems(text: str) -> Iterator[str]:
    """Check that a chapter links the words of the glossary, and that its symbols are explained."""
    symbols, glossary = notation()
    yield from book_text.unlinked(text, glossary)
    for symbol in sorted(book_text.symbols(_section(text, "Summary")) - symbols):
        yield f"the symbol ${symbol}$ of the summary is not on the page Notation"


def exercise_problems(page: Path, cells: Sequence[NotebookNode]) -> Iterator[str]:
    """Check that a chapter leads to its exercises, and that the times it declares are fair."""
    text = page.read_text("utf8")
    link = f"../exercises/{page.stem}/{page.stem}.ipynb"
    exercises = (page.parent / link).resolve()
    if not exercises.exists():
        yield f"has no exercises: {link} is missing"
        return
    if f"<{link}>`" not in _section(text, "Exercises"):
        yield f"wants a section '## Exercises' with {{download}}`... <{link}>`"
    declared = {what: int(n) for n, what in re.findall(r"(\d+) minutes of (\w+)", text)}
    yield from book_text.time_problems(cells, declared, exercises.read_text("utf8"))


def code_problems(cells: Sequence[NotebookNode]) -> Iterator[str]:
    """Check code cells: no magics, a text for every picture, tags that belong together."""
    for number, cell in enumerate(cells):
        if cell.cell_type != "code":
            yield from (
                f"cell {number}: the picture {image[0]} has no text in its place"
                for image in re.finditer(r"!\[ *\]\([^)]*\)", cell.source)
            )
            continue
        tags = cell.metadata.get("tags", [])
        for line in map(str.strip, cell.source.splitlines()):
            if line.startswith(("%", "!")) and line not in MAGICS:
                yield f"cell {number}: '{line}' is not plain Python; a wrong magic passes unseen"
        if (CHECK in tags) != (KEEP in tags):
            yield f"cell {number}: the tags {CHECK} and {KEEP} go together"
        if _draws(cell.source):
            mystnb = cell.metadata.get("mystnb", {})
            alt = mystnb.get("image", {}).get("alt", "").strip()
            caption = mystnb.get("figure", {}).get("caption", "").strip()
            if len(alt) < 20 or alt == caption:
                yield f"cell {number}: draws a figure and wants an alt text of its own"


def stored_output_problems(cells: Sequence[NotebookNode]) -> Iterator[str]:
    """Check that every cell that is to be compared has text to be compared with."""
    for number, cell in enumerate(cells):
        if cell.cell_type == "code" and CHECK in cell.metadata.get("tags", []):
            kept = [
                out.get("text") or out.get("data", {}).get("text/plain") for out in cell.outputs
            ]
            if cell.execution_count is None or not any(kept):
                yield f"cell {number}: is tagged {CHECK} but stores no text, so nothing is compared"


def _heading_problems(headings: list[tuple[int, str]]) -> Iterator[str]:
    levels = [level for level, _ in headings]
    if levels.count(1) != 1 or levels[0] != 1:
        yield f"wants one title '# ...', as its first heading; has {levels.count(1)}"
    for (before, _), (level, name) in itertools.pairwise(headings):
        if level > before + 1:
            yield f"heading '{name}' skips from level {before} to {level}"


def _at_a_glance_problems(boxes: list[str]) -> Iterator[str]:
    if len(boxes) != 1:
        yield f"wants one box of class at-a-glance, has {len(boxes)}"
        return
    box = boxes[0]
    for part in ("You will", "You will be able to", "You need", "Time"):
        if f"**{part}**" not in box:
            yield f"the box At a glance wants '**{part}**'"
    verbs = re.findall(r"^- (.+)", box, re.M)
    if not 3 <= len(verbs) <= 5:
        yield f"the box At a glance wants 3 to 5 abilities, has {len(verbs)}"
    for verb in verbs:
        if verb.split()[0] not in VERBS:
            yield f"'{verb}' cannot be measured; begin with {', '.join(VERBS)}"
    for what in ("reading", "exercises"):
        if not re.search(rf"\d+ minutes of {what}", box):
            yield f"the box At a glance wants a time, 'N minutes of {what}'"
    if "{doc}`execution`" not in box:
        yield "the box At a glance wants {doc}`execution`, where the cells' measured time stands"


def _summary_problems(section: str) -> Iterator[str]:
    rows = re.findall(r"^\|(.*)\|$", section, re.M)
    if len(rows) < 4 or [name.strip() for name in rows[0].lower().split("|")] != SUMMARY_HEADER:
        yield f"the summary wants a table {' | '.join(SUMMARY_HEADER)} with two rows or more"


def _reading_problems(section: str) -> Iterator[str]:
    entries = re.findall(r"^[-*] (.+(?:\n  .+)*)", section, re.M)
    if len(entries) < 2:
        yield f"further reading wants two entries or more, has {len(entries)}"
    for entry in entries:
        if "{cite" not in entry and "](" not in entry and "{doc}" not in entry:
            yield f"further reading: '{entry[:40]}...' cites nothing"


def _draws(source: str) -> bool:
    drawing = r"\bplt\.(show|subplots|figure)\b|\.plot\.\w+\(|\.imshow\("
    return re.search(drawing, source) is not None


def _without_code(text: str) -> str:
    return re.sub(r"^(`{3,}|~{3,}).*?^\1", "", text, flags=re.M | re.S)


def _section(text: str, name: str) -> str:
    """Return what stands under ``## name``, up to the next heading of that level."""
    match = re.search(rf"^## {re.escape(name)} *$(.*?)(?=^## |\Z)", text, re.M | re.S)
    return match[1] if match else ""


def _directives(text: str, kind: str) -> list[str]:
    """Return the bodies of the colon-fenced directives of a class."""
    pattern = rf"^(:{{3,}})\{{\w+\}}[^\n]*\n:class: [^\n]*\b{kind}(?![\w-])[^\n]*\n(.*?)^\1[ ]*$"
    return [match[2] for match in re.finditer(pattern, text, re.M | re.S)]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the result is the exit status."""
    parser = argparse.ArgumentParser(description="Check the parts of the book's pages.")
    parser.add_argument("pages", nargs="*", type=Path, help="pages (default: all of book/)")
    parser.add_argument("--html", type=Path, help="check a built book instead")
    options = parser.parse_args(arguments)
    if options.html:
        found = book_html.problems(options.html)
    else:
        found = [text for page in options.pages or pages(ROOT / "book") for text in lint(page)]
    print(*found, f"{len(found)} problems", sep="\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
