"""What starts the course elsewhere: Binder, Colab, a container, a browser.

CONTRIBUTING.md says what was tried by hand.
"""

import ast
import json
import re
import sys
import tomllib
from pathlib import Path

import lite
import nbformat
import notebooks
import npm
import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf8"))["project"]
EXERCISES = lite.exercises()


def extras(requirement: str) -> set[str]:
    """Return the extras that are asked for between brackets."""
    asked = re.search(r"\[(.+?)\]", requirement)
    return set(asked[1].split(",")) if asked else set()


# Binder and the container ------------------------------------------------------------------------


def test_binder_has_a_python_that_the_library_takes_and_extras_that_exist() -> None:
    [version] = re.findall(r"^python-(\S+)$", (ROOT / ".binder" / "runtime.txt").read_text(), re.M)
    assert f"Programming Language :: Python :: {version}" in PROJECT["classifiers"]
    lines = (ROOT / ".binder" / "requirements.txt").read_text("utf8").splitlines()
    [library] = [line for line in lines if line.startswith("-e .")]
    assert extras(library) <= set(PROJECT["optional-dependencies"])
    assert "jupyterlab" in lines


def test_the_container_runs_a_command_that_exists() -> None:
    container = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text("utf8"))
    assert set(container) == {"name", "image", "postCreateCommand", "customizations"}
    version = re.search(r"python:(\d\.\d+)-", container["image"])
    assert version
    assert f"Programming Language :: Python :: {version[1]}" in PROJECT["classifiers"]
    program, target = container["postCreateCommand"].split()
    assert (program, target) == ("make", ".venv/installed")
    makefile = (ROOT / "Makefile").read_text("utf8")
    assert "STAMP := $(VENV)/installed" in makefile
    assert "VENV := .venv" in makefile


# Colab -------------------------------------------------------------------------------------------


def test_the_installing_cell_does_nothing_where_the_library_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    commands: list[list[str]] = []
    monkeypatch.setattr("subprocess.run", lambda command, check: commands.append(command))
    cell = notebooks.INSTALL.format(repository="https://example.org/course")
    exec(compile(cell, "cell", "exec"), {})
    assert commands == []


def test_the_installing_cell_installs_the_library_where_it_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    commands: list[list[str]] = []
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setattr("subprocess.run", lambda command, check: commands.append(command))
    cell = notebooks.INSTALL.format(repository="https://example.org/course")
    exec(compile(cell, "cell", "exec"), {})
    [command] = commands
    assert command[:4] == [sys.executable, "-m", "pip", "install"]
    wanted = Requirement(command[-1])
    assert (wanted.name, wanted.url) == ("minibs4nn", "git+https://example.org/course")
    assert wanted.extras <= set(PROJECT["optional-dependencies"])


# In the browser ----------------------------------------------------------------------------------


def test_in_a_browser_the_library_needs_numpy_alone() -> None:
    needed = [Requirement(text) for text in PROJECT["dependencies"]]
    names = [
        one.name
        for one in needed
        if one.marker is None or one.marker.evaluate({"sys_platform": "emscripten"})
    ]
    assert names == ["numpy"]


@pytest.mark.parametrize("source", EXERCISES, ids=lambda path: path.stem)
def test_an_exercise_in_the_browser_is_the_exercise_after_one_cell(source: Path) -> None:
    there, here = lite.notebook(source), nbformat.read(source, as_version=4)
    assert there.cells[1:] == here.cells
    [comment, install] = there.cells[0].source.splitlines()
    assert comment.startswith("#")
    assert install.split()[:2] == ["%pip", "install"]
    assert {"minibs4nn", "matplotlib"} <= set(install.split())
    nbformat.validate(there)


@pytest.mark.parametrize("source", EXERCISES, ids=lambda path: path.stem)
def test_an_exercise_imports_only_what_is_in_the_browser(source: Path) -> None:
    cells = nbformat.read(source, as_version=4).cells
    code = "\n".join(cell.source for cell in cells if cell.cell_type == "code")
    imported = set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            imported |= {alias.name.partition(".")[0] for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            imported.add(str(node.module).partition(".")[0])
    assert imported - set(sys.stdlib_module_names) <= {"matplotlib", "minibs4nn", "numpy"}


def test_the_front_page_lists_every_exercise() -> None:
    page = lite.front_page()
    links = re.findall(r'href="lab/index\.html\?path=([^"]+)">([^<]+)<', page)
    assert links == [(source.name, lite.title(source)) for source in EXERCISES]
    assert all(title and "#" not in title for _, title in links)


def test_the_files_of_pyodide_are_pinned() -> None:
    assert f"pyodide@{lite.PYODIDE}" in npm.INTEGRITY
