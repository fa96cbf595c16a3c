"""Run the cells of a page only if something that they depend on has changed; say which are slow.

Rendering a page of the book runs its cells, which is nearly all the time that ``make book`` takes.
This extension of Sphinx keeps what they gave in ``_build/cells/``, with a hash of all that decides
it: the library's files, the recorded results, Python and its packages, and what the page runs,
its cells and its ``{eval}`` expressions. If the hash is the same again, the page is rendered with
what was kept. So a change of text alone takes seconds. Where the environment variable CI is set,
nothing that was kept is used and every cell runs.

(The cache that Jupyter Book offers sees neither the library nor ``{eval}``.)

    python tools/book_cells.py        print the slowest cells of the last build
"""

import copy
import functools
import hashlib
import json
import os
import re
import sys
import time
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

import nbformat
from myst_nb.core import execute
from myst_nb.core.execute.base import NotebookClientBase
from myst_nb.core.execute.inline import NotebookClientInline
from nbformat import NotebookNode
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

ROOT = Path(__file__).resolve().parent.parent
KEPT = ROOT / "_build" / "cells"
SOURCES = ("minibs4nn", "results", "tools/book_cells.py")
GIVEN = ("language_info", "widgets")  # what running a notebook adds to its metadata
SLOWEST = 10
LIMIT = 60.0  # seconds that a cell may take on an idle machine with two cores


class Cell(NamedTuple):
    """A code cell as it ran: its page, its number from 1, its seconds, its first line."""

    page: str
    number: int
    seconds: float
    line: str


@functools.cache
def surroundings() -> str:
    """Hash what every page depends on: the library, the results, Python and its packages."""
    digest = hashlib.sha256(sys.version.encode())
    digest.update(repr(sorted(f"{p.name} {p.version}" for p in metadata.distributions())).encode())
    for path in (path for source in SOURCES for path in files(ROOT / source)):
        digest.update(str(path.relative_to(ROOT)).encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def files(source: Path) -> list[Path]:
    """Return a file, or those of a folder in a fixed order, without what was compiled."""
    found = sorted(source.rglob("*")) if source.is_dir() else [source]
    return [path for path in found if path.is_file() and "__pycache__" not in path.parts]


def key(notebook: NotebookNode) -> str:
    """Hash what the outputs of a page depend on."""
    return hashlib.sha256(repr([surroundings(), *runs(notebook)]).encode()).hexdigest()


def runs(notebook: NotebookNode) -> Iterator[str]:
    """Go through what a page runs, in order: the code of its cells, and quoted expressions."""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            yield cell.source
        else:
            yield from re.findall(r"\{eval\}`+.+?`", cell.source, re.S)


def code(notebook: NotebookNode) -> list[NotebookNode]:
    """Return the code cells of a page."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def first_line(source: str) -> str:
    """Return the first line of a cell that does more than to import."""
    lines = [line for line in source.splitlines() if line.strip()]
    said = (line for line in lines if not line.startswith(("%", "#", "import ", "from ")))
    return next(said, lines[0] if lines else "")


def kept(page: Path, wanted: str) -> NotebookNode | None:
    """Return what the cells of a page gave, if it was kept under the wanted key."""
    record = KEPT / f"{page.stem}.json"
    if "CI" in os.environ or not record.exists():
        return None
    content = nbformat.from_dict(json.loads(record.read_text("utf8")))
    return content if content.key == wanted else None


class Recording(NotebookClientInline):  # type: ignore[misc]
    """Run a page's cells while the page is rendered, and keep what they give."""

    def start_client(self) -> None:
        """Start the kernel."""
        self._key = key(self.notebook)
        self._seconds: list[float] = []
        self._outputs: list[list[NotebookNode]] = []
        self._quoted: dict[str, list[NotebookNode]] = {}
        super().start_client()

    def code_cell_outputs(self, cell_index: int) -> tuple[int | None, list[NotebookNode]]:
        """Run the next cell; return its count and what it gave."""
        start = time.perf_counter()
        result: tuple[int | None, list[NotebookNode]] = super().code_cell_outputs(cell_index)
        self._seconds.append(time.perf_counter() - start)
        self._outputs.append(copy.deepcopy(result[1]))  # rendering changes them
        return result

    def eval_variable(self, name: str) -> list[NotebookNode]:
        """Evaluate a quoted expression after the cells above it."""
        outputs: list[NotebookNode] = super().eval_variable(name)
        self._quoted[f"{len(self._seconds)} {name}"] = outputs
        return outputs

    def close_client(self, *exception: Any) -> None:
        """Stop the kernel; keep what the page gave, unless something failed."""
        super().close_client(*exception)
        if exception[0] is None and self.exec_metadata["succeeded"]:
            cells = code(self.notebook)
            content = {
                "key": self._key,
                "execution": self.exec_metadata,
                "metadata": {
                    name: value for name, value in self.notebook.metadata.items() if name in GIVEN
                },
                "counts": [cell.execution_count for cell in cells],
                "outputs": self._outputs,
                "seconds": self._seconds,
                "lines": [first_line(cell.source) for cell in cells],
                "quoted": self._quoted,
            }
            KEPT.mkdir(parents=True, exist_ok=True)
            (KEPT / f"{self.path.stem}.json").write_text(json.dumps(content), "utf8")


class Replaying(NotebookClientBase):  # type: ignore[misc]
    """Render a page with what its cells gave when they last ran."""

    def __init__(self, kept: NotebookNode, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._kept, self._shown = kept, 0

    def start_client(self) -> None:
        """Put into the cells what they gave."""
        for cell, count, outputs in zip(
            code(self.notebook), self._kept.counts, self._kept.outputs, strict=True
        ):
            cell.execution_count, cell.outputs = count, outputs
        self.notebook.metadata.update(self._kept.metadata)
        self.exec_metadata = dict(self._kept.execution)

    def code_cell_outputs(self, cell_index: int) -> tuple[int | None, list[NotebookNode]]:
        """Return the count of a cell and what it gave."""
        self._shown += 1
        result: tuple[int | None, list[NotebookNode]] = super().code_cell_outputs(cell_index)
        return result

    def eval_variable(self, name: str) -> list[NotebookNode]:
        """Return what a quoted expression gave after the cells above it."""
        outputs: list[NotebookNode] = self._kept.quoted[f"{self._shown} {name}"]
        return outputs


def client(notebook: NotebookNode, path: Path, *args: Any, **options: Any) -> NotebookClientBase:
    """Choose how a page gets its outputs; MyST-NB asks it for each page."""
    record = kept(path, key(notebook))
    if record is None:
        return Recording(notebook, path, *args, **options)
    return Replaying(record, notebook, path, *args, **options)


def outdated(app: Sphinx, env: BuildEnvironment, *pages: set[str]) -> list[str]:
    """Name the pages to render again though their text is the same: all, or none."""
    before = getattr(env, "surroundings", None)
    env.surroundings = surroundings()  # type: ignore[attr-defined]
    return [] if before == surroundings() and "CI" not in os.environ else sorted(env.found_docs)


def setup(app: Sphinx) -> dict[str, bool]:
    """Make MyST-NB use this module where it would run the cells of a page."""
    execute.NotebookClientInline = client
    app.connect("env-get-outdated", outdated)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def cells(folder: Path = KEPT) -> list[Cell]:
    """Return all cells of the last build, the slowest first."""
    found = []
    for record in sorted(folder.glob("*.json")):
        content = json.loads(record.read_text("utf8"))
        ran = zip(content["seconds"], content["lines"], strict=True)
        found += [Cell(record.stem, number, *cell) for number, cell in enumerate(ran, 1)]
    return sorted(found, key=lambda cell: -cell.seconds)


def report(ran: list[Cell]) -> list[str]:
    """Say in lines how long the cells took, which were the slowest, and which are too slow."""
    pages = len({cell.page for cell in ran})
    seconds = sum(cell.seconds for cell in ran)
    return [
        f"{len(ran)} cells on {pages} pages took {seconds:.0f} s when they last ran. The slowest:",
        *(
            f"{cell.seconds:6.1f} s  {cell.page:<16} cell {cell.number:<3} {cell.line}"
            for cell in ran[:SLOWEST]
        ),
        *(
            f"{cell.page}: cell {cell.number} took more than {LIMIT:.0f} s; take less data, or "
            "read it from results/ (no error: the machine may have been busy)"
            for cell in ran
            if cell.seconds > LIMIT
        ),
    ]


if __name__ == "__main__":
    print(*report(cells()), sep="\n")
