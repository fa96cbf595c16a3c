"""Cells of the book run again exactly if something that they depend on has changed."""

import json
import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import book_cells
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

CONFIG = """
title: A book
only_build_toc_files: true
execute: {execute_notebooks: inline, eval_regex: "^.+$"}
sphinx:
  local_extensions: {book_cells: TOOLS}
  config: {nb_merge_streams: true}
"""

PAGE = """---
jupytext: {text_representation: {extension: .md, format_name: myst}}
kernelspec: {display_name: Python 3, language: python, name: python3}
---

# A page

```{code-cell} ipython3
from pathlib import Path
with Path("ran").open("a") as file:
    file.write("x")
a = 6
```

Six is {eval}`f"<{a}>"`.

```{code-cell} ipython3
a *= 7
for n in range(3):
    print(f"printed {a + n}", flush=True)  # each in a message of its own
```

And then {eval}`f"<{a}>"`.
"""


class Book:
    """A book of one page in a folder of its own, which counts how often the page ran."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("minibs4nn", "results", "tools", "book"):
            (folder / name).mkdir()
        for name, text in (
            ("_config.yml", CONFIG.replace("TOOLS", str(folder / "tools"))),
            ("_toc.yml", "format: jb-book\nroot: book/page\n"),
            ("minibs4nn/sum.py", "total = 1\n"),
            ("results/one.json", "1"),
            ("tools/book_cells.py", Path(book_cells.__file__).read_text("utf8")),
            ("book/page.md", PAGE),
        ):
            (folder / name).write_text(text, "utf8")

    def change(self, name: str, old: str, new: str) -> None:
        """Replace a text in a file."""
        text = (self.folder / name).read_text("utf8")
        assert old in text
        (self.folder / name).write_text(text.replace(old, new), "utf8")

    def build(self, **environment: str) -> str:
        """Build the book; return the page."""
        command = [str(Path(sys.executable).parent / "jupyter-book"), "build", str(self.folder)]
        outside = {name: value for name, value in os.environ.items() if name != "CI"}
        done = subprocess.run(
            [*command, "-W", "-n", "--keep-going"],
            env=outside | environment,
            capture_output=True,
            text=True,
            timeout=600,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return (self.folder / "_build" / "html" / "book" / "page.html").read_text("utf8")

    def runs(self) -> int:
        """Return how often the page ran so far."""
        return len((self.folder / "book" / "ran").read_text("utf8"))


def test_cells_run_again_only_if_they_may_give_something_else(tmp_path: Path) -> None:
    book = Book(tmp_path)
    shown = ("&lt;6&gt;", "printed 42\nprinted 43\nprinted 44\n", "printed 44", "&lt;42&gt;")
    page = book.build()
    assert [page.count(text) for text in shown] == [1, 1, 1, 1]
    assert book.runs() == 1

    book.change("book/page.md", "And then", "And in the end")
    page = book.build()
    assert "And in the end" in page
    assert [page.count(text) for text in shown] == [1, 1, 1, 1]
    assert book.runs() == 1

    book.change("minibs4nn/sum.py", "1", "2")
    book.build()
    assert book.runs() == 2

    book.build(CI="true")
    assert book.runs() == 3


@pytest.fixture
def page() -> NotebookNode:
    """Return a page with a cell, a text that quotes a value, and another cell."""
    cells = [new_code_cell("a = 1"), new_markdown_cell("One: {eval}`a`."), new_code_cell("a = 2")]
    notebook: NotebookNode = new_notebook(cells=cells)
    return notebook


def test_the_key_leaves_text_aside(page: NotebookNode) -> None:
    before = book_cells.key(page)
    page.cells[1].source = "Now *one* is {eval}`a`, as was said."
    page.cells[0].metadata["tags"] = ["hide-input"]
    page.cells.append(new_markdown_cell("The end."))
    assert book_cells.key(page) == before


@pytest.mark.parametrize(
    "change",
    [
        lambda cells: cells[0].update(source="a = 3"),
        lambda cells: cells[1].update(source="One: {eval}`a + 0`."),
        lambda cells: cells[1].update(source="One."),
        lambda cells: cells.reverse(),
        lambda cells: cells.pop(),
    ],
    ids=["code", "expression", "no expression", "order", "fewer"],
)
def test_the_key_sees_what_a_page_runs(page: NotebookNode, change: object) -> None:
    before = book_cells.key(page)
    change(page.cells)  # type: ignore[operator]
    assert book_cells.key(page) != before


@pytest.mark.parametrize("source", ["minibs4nn", "results", "tools/book_cells.py"])
def test_the_key_sees_the_library_and_the_results(
    source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(book_cells, "ROOT", tmp_path)
    for name in ("minibs4nn/a/b.h", "results/c.npz", "tools/book_cells.py", "tools/other.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"1")

    def surroundings() -> str:
        return book_cells.surroundings.__wrapped__()

    before = surroundings()
    (tmp_path / "tools" / "other.py").write_bytes(b"2")
    (tmp_path / "minibs4nn" / "__pycache__").mkdir()
    (tmp_path / "minibs4nn" / "__pycache__" / "b.pyc").write_bytes(b"3")
    assert surroundings() == before
    (file,) = (path for path in book_cells.files(tmp_path / source))
    file.write_bytes(b"2")
    assert surroundings() != before
    file.write_bytes(b"1")
    assert surroundings() == before
    file.rename(file.with_suffix(".new"))
    assert surroundings() != before


def test_the_key_sees_the_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    before = book_cells.surroundings.__wrapped__()
    monkeypatch.setattr(metadata, "distributions", list)
    assert book_cells.surroundings.__wrapped__() != before


def test_the_report_names_the_slowest_cells_and_those_over_the_limit(tmp_path: Path) -> None:
    for page, seconds in (("01_one", [0.5, 61.0]), ("02_two", [2.0] * 12)):
        content = {"seconds": seconds, "lines": [f"cell_{s}()" for s in seconds]}
        (tmp_path / f"{page}.json").write_text(json.dumps(content), "utf8")
    lines = book_cells.report(book_cells.cells(tmp_path))
    assert lines[0].startswith("14 cells on 2 pages took 86 s")
    assert lines[1].split() == ["61.0", "s", "01_one", "cell", "2", "cell_61.0()"]
    assert len(lines) == 1 + book_cells.SLOWEST + 1
    assert "01_one: cell 2 took more than 60 s" in lines[-1]


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ("%config a = 1\nimport numpy as np\n\nx = 1\ny = 2", "x = 1"),
        ("import numpy as np", "import numpy as np"),
        ("", ""),
    ],
)
def test_a_cell_is_shown_by_its_first_line_of_work(source: str, line: str) -> None:
    assert book_cells.first_line(source) == line
