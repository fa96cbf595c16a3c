"""Write the notebook beside each page of the book, or check that it is what the page gives.

The page, ``book/NN_name.md``, is the source. The notebook, ``book/NN_name.ipynb``, has the same
cells. It is run once when it is written, and the outputs of the cells tagged ``keep_output`` are
kept: these are the numbers that the tests compare with a new run for ever after.

    python tools/notebooks.py                       write all notebooks
    python tools/notebooks.py book/01_neuron.md     write one
    python tools/notebooks.py --check               write nothing, name every notebook that differs

Once ``_config.yml`` names the course's repository, each notebook begins with a cell that installs
the library where it is missing, as in Colab.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import jupytext
import nbformat
import yaml
from nbclient import NotebookClient
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

ROOT = Path(__file__).resolve().parent.parent
SECONDS_PER_CELL = 300
KEEP = "keep_output"


INSTALL = """\
# Where the library is not installed, as in Colab, this installs it.
import importlib.util
import subprocess
import sys

if importlib.util.find_spec("minibs4nn") is None:
    library = "minibs4nn[plot,figures] @ git+{repository}"
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", library], check=True)
"""


def repository() -> str:
    """Return the address that ``_config.yml`` gives the course's repository, or nothing."""
    settings = yaml.safe_load((ROOT / "_config.yml").read_text("utf8"))
    return str(settings["repository"]["url"])


def pages(folder: Path = ROOT / "book") -> list[Path]:
    """Return the pages of a folder that have code to run."""
    return [page for page in sorted(folder.glob("*.md")) if is_notebook(page.read_text("utf8"))]


def is_notebook(text: str) -> bool:
    """Tell whether a page's head names a kernel, which makes it a notebook."""
    parts = text.split("---\n", 2)
    return len(parts) == 3 and parts[0] == "" and "kernelspec:" in parts[1]


def from_page(page: Path) -> NotebookNode:
    """Read a page as a notebook without outputs, the same one each time it is read."""
    notebook: NotebookNode = jupytext.read(page, fmt="md:myst")
    if address := repository():
        install = new_code_cell(INSTALL.format(repository=address).rstrip("\n"))
        install.metadata["tags"] = ["remove-cell"]
        notebook.cells.insert(0, install)
    for number, cell in enumerate(notebook.cells):
        cell["id"] = str(number)  # as nbstripout numbers them; jupytext makes ids up at random
        if cell.cell_type == "code":
            cell["outputs"], cell["execution_count"] = [], None
    return notebook


def with_outputs(notebook: NotebookNode, run: NotebookNode) -> NotebookNode:
    """Copy from a run of the same cells what is kept: the counts, and the outputs marked so."""
    if [cell.cell_type for cell in notebook.cells] != [cell.cell_type for cell in run.cells]:
        raise ValueError("these are not the same cells")
    for cell, done in zip(notebook.cells, run.cells, strict=True):
        if cell.cell_type == "code":
            cell["execution_count"] = done.execution_count
            cell["outputs"] = done.outputs if KEEP in cell.metadata.get("tags", []) else []
    return notebook


def as_text(notebook: NotebookNode) -> str:
    """Return the file's content."""
    return str(jupytext.writes(notebook, fmt="ipynb")).rstrip("\n") + "\n"


def write(page: Path) -> Path:
    """Run a page and write its notebook beside it."""
    run = from_page(page)
    NotebookClient(
        run,
        timeout=SECONDS_PER_CELL,
        kernel_name="python3",
        resources={"metadata": {"path": str(page.parent)}},
        record_timing=False,
    ).execute()
    target = page.with_suffix(".ipynb")
    target.write_text(as_text(with_outputs(from_page(page), run)), "utf8")
    return target


def problem(page: Path) -> str | None:
    """Say what is wrong with a page's notebook, or None; nothing is run."""
    target = page.with_suffix(".ipynb")
    remedy = f"run: python tools/notebooks.py {_shown(page)}"
    if not target.exists():
        return f"{_shown(target)} is missing; {remedy}"
    text = target.read_text("utf8")
    try:
        expected = as_text(with_outputs(from_page(page), nbformat.reads(text, as_version=4)))
    except ValueError:
        return f"{_shown(target)} does not have the cells of {_shown(page)}; {remedy}"
    if expected != text:
        return f"{_shown(target)} is not what {_shown(page)} gives; {remedy}"
    return None


def _shown(path: Path) -> str:
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the result is the exit status."""
    summary = "Write the notebook beside each page of the book, or check it."
    parser = argparse.ArgumentParser(description=summary)
    parser.add_argument("pages", nargs="*", type=Path, help="pages (default: all of book/)")
    parser.add_argument("--check", action="store_true", help="write nothing, report differences")
    options = parser.parse_args(arguments)
    chosen = [page.resolve() for page in options.pages] or pages()
    if not options.check:
        for page in chosen:
            print(_shown(write(page)))
        return 0
    problems = [text for page in chosen if (text := problem(page))]
    print(*problems, f"{len(chosen)} pages, {len(problems)} notebooks to write again", sep="\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
