"""Reading a notebook that somebody handed in, whatever has been done to it."""

import ast
import json
import re
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from minibs4nn.errors import FileFormatError

__all__ = ["Submission", "find_submissions", "read"]

LARGEST = 20_000_000  # bytes of a notebook
MOST_CELLS = 2_000
# Not wrong, but an instructor may want to look: what an answer to these exercises has no use for.
UNUSUAL = {"builtins", "ctypes", "gc", "importlib", "inspect", "multiprocessing", "os", "pickle",
           "shutil", "signal", "socket", "subprocess", "sys", "threading", "urllib"}  # fmt: skip


@dataclass(frozen=True)
class Submission:
    """One student's notebook.

    Attributes
    ----------
    name : str
        The student, as far as the path tells.
    path : Path
    cells : tuple of str
        The code, in the order of the notebook, without magics.
    texts : dict of str to str
        What was written for open tasks, by their key.
    notes : tuple of str
        What a person may want to look at.
    problem : str
        Why it could not be read; empty if it could.
    """

    name: str
    path: Path
    cells: tuple[str, ...] = ()
    texts: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    problem: str = ""


def find_submissions(paths: Sequence[Path]) -> Iterator[tuple[str, Path]]:
    """Names and paths of all notebooks in files and folders; each name is given once.

    In a folder, ``alice.ipynb``, ``alice/any.ipynb`` and nbgrader's ``alice/03_x/03_x.ipynb`` are
    Alice's. Links are not followed.

    Raises
    ------
    FileNotFoundError
        If a path does not exist, or a folder holds no notebook.
    """
    taken: set[str] = set()
    for path in paths:
        if not path.exists():
            raise FileNotFoundError(f"grade: there is no {path}")
        found = [path] if path.is_file() else sorted(_notebooks(path))
        if not found:
            raise FileNotFoundError(f"grade: no notebook (.ipynb) in {path}")
        for notebook in found:
            parts = notebook.relative_to(path).parts if path.is_dir() else (notebook.name,)
            first = parts[0] if len(parts) > 1 else notebook.stem
            name, number = first, 2
            while name in taken:
                name, number = f"{first} ({number})", number + 1
            taken.add(name)
            yield name, notebook


def _notebooks(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*.ipynb"):
        below = path.relative_to(folder)
        hidden = any(part.startswith(".") for part in below.parts)
        linked = any((folder / parent).is_symlink() for parent in (below, *below.parents))
        if not hidden and not linked:
            yield path


def read(name: str, path: Path, functions: Sequence[str], open_keys: Sequence[str]) -> Submission:
    """Read one notebook; a file that is none is a submission with a problem, and no error.

    Parameters
    ----------
    name : str
    path : Path
    functions : sequence of str
        Names of the answers; a text cell that defines one was a code cell once.
    open_keys : sequence of str
        Open tasks, such as ``"03.6"``.

    Returns
    -------
    Submission
    """
    try:
        cells = list(_cells(path))
    except (FileFormatError, OSError) as error:
        return Submission(name, path, problem=str(error))
    code, texts = [], dict[str, str]()
    for kind, source, grade_id in cells:
        if kind == "code":
            code.append(_plain_python(source))
        elif _defines(source, functions):
            code.append(source)  # a code cell that was made a text cell
        for key in open_keys:
            if grade_id == f"answer-{key.replace('.', '_')}":
                texts[key] = source[:20_000]
    return Submission(name, path, tuple(code), texts, tuple(_notes(code)))


def _cells(path: Path) -> Iterator[tuple[str, str, str]]:
    """Kind, source and nbgrader's name of each cell."""
    status = path.lstat()
    if not stat.S_ISREG(status.st_mode):
        raise FileFormatError("this is no ordinary file")
    if status.st_size > LARGEST:
        raise FileFormatError(f"the file has {status.st_size:,} bytes; {LARGEST:,} are allowed")
    try:
        notebook = json.loads(path.read_bytes().decode("utf8", errors="replace"))
    except (ValueError, RecursionError):
        raise FileFormatError("this is not a notebook: it is not JSON") from None
    cells = notebook.get("cells") if isinstance(notebook, dict) else None
    if not isinstance(cells, list):
        raise FileFormatError("this is not a notebook of format 4: it has no list of cells")
    if len(cells) > MOST_CELLS:
        raise FileFormatError(f"the notebook has {len(cells):,} cells; {MOST_CELLS:,} are allowed")
    for cell in cells:
        if not isinstance(cell, dict):
            continue
        source = cell.get("source", "")
        if isinstance(source, list):
            source = "".join(line for line in source if isinstance(line, str))
        if isinstance(source, str):
            yield str(cell.get("cell_type")), source, _grade_id(cell)


def _grade_id(cell: dict[str, Any]) -> str:
    metadata = cell.get("metadata")
    nbgrader = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    return str(nbgrader.get("grade_id", "")) if isinstance(nbgrader, dict) else ""


def _plain_python(source: str) -> str:
    """Make comments of magics; everything else stays."""
    return re.sub(r"^(\s*)([%!?].*|.*\?\s*)$", _commented, source, flags=re.M)


def _commented(match: re.Match[str]) -> str:
    line = match[2]
    # A line within a text may well begin with % or end with ?, so only the plain cases count.
    if line[0] in "%!?" or re.fullmatch(r"[\w.]+\?{1,2}\s*", line):
        return f"{match[1]}pass  # {line}"
    return match[0]


def _defines(source: str, functions: Sequence[str]) -> bool:
    if not any(name in source for name in functions):
        return False
    tree = _parse(source)
    return tree is not None and any(
        isinstance(node, ast.FunctionDef) and node.name in functions for node in tree.body
    )


def _parse(source: str) -> ast.Module | None:
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _notes(cells: Sequence[str]) -> Iterator[str]:
    """What is unusual in the code; a person judges what it means."""
    for number, source in enumerate(cells):
        tree = _parse(source)
        for node in ast.walk(tree) if tree is not None else ():
            modules = []
            if isinstance(node, ast.Import):
                modules = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                modules = [f"{node.module}.{alias.name}" for alias in node.names]
            for module in modules:
                inner = module.startswith("minibs4nn.course") and module not in (
                    "minibs4nn.course",
                    "minibs4nn.course.check",
                    "minibs4nn.course.play",
                )
                if module.partition(".")[0] in UNUSUAL or inner:
                    yield f"code cell {number + 1} imports {module}"
