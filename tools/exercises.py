"""Release the exercises: from solutions/ to exercises/, without what students must not see.

The source is ``solutions/NN_name/NN_name.md``. Its notebook, beside it, is written as those of the
book are. From it nbgrader's own converter makes ``exercises/NN_name/NN_name.ipynb``: it takes out
the solutions, the hidden tests and all outputs.

    python tools/exercises.py                         write all notebooks and releases
    python tools/exercises.py solutions/01_neuron     one of them
    python tools/exercises.py --check                 write nothing, name every file that differs
"""

import argparse
import logging
import os
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import notebooks
from nbgrader.apps import NbGraderAPI
from notebooks import ROOT
from traitlets.config import Config

# What a release must not contain; nbgrader's markers go with what stands between them.
SECRET = re.compile(r"(?:BEGIN|END) (?:SOLUTION|HIDDEN TESTS)|\brequire\(")


def sources(folder: Path = ROOT / "solutions") -> list[Path]:
    """Return the folders that hold the source of an assignment."""
    return [page.parent for page in sorted(folder.glob("*/*.md")) if page.stem == page.parent.name]


def settings() -> Config:
    """Read ``nbgrader_config.py``, as nbgrader does."""
    config = Config()
    path = ROOT / "nbgrader_config.py"
    exec(compile(path.read_text("utf8"), str(path), "exec"), {"get_config": lambda: config})
    return config


def api(course: Path, **directories: Path) -> Any:
    """Return nbgrader's interface for a course folder, with a gradebook of its own.

    Directories that are not named, such as ``submitted_directory``, lie in the course folder.
    """
    # nbgrader calls the program alembic, which is installed beside Python.
    beside = str(Path(sys.executable).parent)
    if beside not in os.environ["PATH"].split(os.pathsep):
        os.environ["PATH"] = beside + os.pathsep + os.environ["PATH"]
    config = settings()
    config.CourseDirectory.root = str(course)
    config.CourseDirectory.db_url = f"sqlite:///{course / 'gradebook.db'}"
    for name, path in directories.items():
        setattr(config.CourseDirectory, name, str(path))
    return NbGraderAPI(config=config)


def release(folders: Sequence[Path]) -> dict[Path, str]:
    """Convert assignments, and return the text of each release under the path where it belongs.

    Raises
    ------
    RuntimeError
        If nbgrader refuses a source, with what it said.
    """
    texts = {}
    with tempfile.TemporaryDirectory() as temporary:
        course = Path(temporary)
        nbgrader = api(course, source_directory=folders[0].parent)
        for folder in folders:
            logging.disable(logging.WARNING)  # nbgrader tells what it does, at length
            try:
                done = nbgrader.generate_assignment(folder.name, force=True)
            finally:
                logging.disable(logging.NOTSET)
            if not done["success"]:
                raise RuntimeError(f"nbgrader on {folder.name}: {done.get('error')}\n{done['log']}")
            for path in sorted((course / "exercises" / folder.name).iterdir()):
                target = folder.parent.parent / "exercises" / folder.name / path.name
                texts[target] = path.read_text("utf8")
    return texts


def leaks(text: str) -> list[str]:
    """Return what stands in a release and should not: markers, hidden tests, outputs."""
    found = [match[0] for match in SECRET.finditer(text)]
    if re.search(r'"outputs": \[\s*[^\]\s]', text):
        found.append("an output")
    return found


def problems(folders: Sequence[Path]) -> Iterator[str]:
    """Say what is not as the sources give it; nothing is written."""
    for folder in folders:
        if problem := notebooks.problem(folder / f"{folder.name}.md"):
            yield problem.replace("tools/notebooks.py", "tools/exercises.py")
    expected = release(folders)
    for target, text in expected.items():
        name = target.relative_to(folders[0].parent.parent)
        remedy = f"run: python tools/exercises.py solutions/{target.parent.name}"
        if not target.exists():
            yield f"{name} is missing; {remedy}"
        elif target.read_text("utf8") != text:
            yield f"{name} is not what its source gives; {remedy}"
        for leak in leaks(text):
            yield f"{name} would show {leak}"
    for folder in {target.parent for target in expected}:
        for path in folder.iterdir() if folder.exists() else ():
            if path not in expected and path.name != ".ipynb_checkpoints":
                yield f"{path.relative_to(folders[0].parent.parent)} has no source; remove it"


def write(folders: Sequence[Path]) -> Iterator[Path]:
    """Run the sources, and write their notebooks and releases."""
    for folder in folders:
        yield notebooks.write(folder / f"{folder.name}.md")
    for target, text in release(folders).items():
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, "utf8")
        yield target


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the result is the exit status."""
    parser = argparse.ArgumentParser(description="Release the exercises, or check the releases.")
    parser.add_argument("folders", nargs="*", type=Path, help="sources (default: all)")
    parser.add_argument("--check", action="store_true", help="write nothing, report differences")
    options = parser.parse_args(arguments)
    # The source or its folder: both name an assignment.
    given = [path.resolve() for path in options.folders]
    folders = [path.parent if path.suffix == ".md" else path for path in given] or sources()
    for folder in folders:
        if not (folder / f"{folder.name}.md").exists():
            parser.error(f"{folder} is no assignment: it has no {folder.name}.md")
    if not options.check:
        for path in write(folders):
            print(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path)
        return 0
    found = list(problems(folders))
    print(*found, f"{len(folders)} assignments, {len(found)} files to write again", sep="\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
