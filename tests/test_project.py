"""The project as a whole: public names, a light import, the README, nothing of one machine."""

import importlib
import inspect
import pkgutil
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import numpy
import pytest

import minibs4nn

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf8"))["project"]
MODULES = ["minibs4nn"] + [
    module.name
    for module in pkgutil.walk_packages(minibs4nn.__path__, "minibs4nn.")
    if not module.name.rpartition(".")[2].startswith("_")
]

# What an import of the package may not bring along, since it is slow or not there.
HEAVY = {"anywidget", "cupy", "ipywidgets", "llvmlite", "matplotlib", "numba", "pooch", "tqdm"}

# A user's program on a machine that has Python and NumPy and nothing else.
ONLY_NUMPY = """
import importlib.util
import numpy as np
import minibs4nn as bs

images = np.random.default_rng(0).integers(0, 256, (20, 3, 3), dtype=np.uint8)
labels = np.arange(20) % 2
net = bs.BS4NN((9, 6, 2), threshold=20.0, seed=0).fit(images, labels, epochs=2, progress=False)
print(importlib.util.find_spec("numba"), net.predict(images).shape)
"""

IMPORT_TIME = """
import time
start = time.process_time()  # not the clock on the wall: other programs may be running
import numpy
between = time.process_time()
import minibs4nn
print((time.process_time() - between) / (between - start))
"""


def python(code: str, *options: str, folder: Path | None = None, seconds: float = 120) -> str:
    """Run a program in a fresh interpreter in which every warning is an error."""
    command = [sys.executable, *options, "-W", "error", "-c", code]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=seconds)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def tracked_files() -> list[Path]:
    """Return the files under version control; without it, there is nothing to check."""
    command = ["git", "ls-files", "-z", "--cached"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        pytest.skip("this is not a git checkout")
    names = [ROOT / name for name in done.stdout.split("\0") if name]
    return [path for path in names if path.exists()]


@pytest.mark.parametrize("name", MODULES)
def test_all_is_complete(name: str) -> None:
    module = importlib.import_module(name)
    listed = list(module.__all__)
    assert len(set(listed)) == len(listed)
    assert all(getattr(module, public) is not None for public in listed)
    assert public_definitions(module) <= set(listed)


def public_definitions(module: ModuleType) -> set[str]:
    """Return the functions and classes that a module defines under a public name."""
    return {
        name
        for name, value in vars(module).items()
        if (inspect.isfunction(value) or inspect.isclass(value))
        and value.__module__ == module.__name__
        and not name.startswith("_")
    }


def test_all_is_sorted() -> None:
    command = [sys.executable, "-m", "ruff", "check", "--select", "RUF022", "minibs4nn"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("name", MODULES)
def test_public_names_are_documented(name: str) -> None:
    module = importlib.import_module(name)
    assert module.__doc__
    for public in module.__all__:
        value = getattr(module, public)
        if inspect.isroutine(value) or inspect.isclass(value):
            assert inspect.getdoc(value), f"{name}.{public}"


def test_the_api_page_has_every_name_of_the_package() -> None:
    page = (ROOT / "book" / "api.md").read_text("utf8")
    named = set(re.findall(r"^\.\. (?:auto|py:)\w+:: (\S+)", page, re.M))
    assert {f"minibs4nn.{name}" for name in minibs4nn.__all__} <= named


def test_importing_the_package_is_light() -> None:
    loaded = python("import sys, minibs4nn; print(*sys.modules)").split()
    assert "minibs4nn" in loaded
    assert not {name.partition(".")[0] for name in loaded} & HEAVY


def test_importing_the_package_is_quick() -> None:
    # NumPy is the ruler: 0.2 s on a good machine, but a busy one may give half its speed.
    best = min(float(python(IMPORT_TIME)) for _ in range(5))
    assert best < 1.0, f"import minibs4nn takes {best:.2f} times as long as import numpy"


def test_the_package_works_with_numpy_alone(tmp_path: Path) -> None:
    for package in (numpy, minibs4nn):
        folder = Path(package.__path__[0])
        for part in (folder, folder.with_name(f"{folder.name}.libs")):
            (tmp_path / part.name).symlink_to(part)
    only = f"import sys; sys.path.append({str(tmp_path)!r})"  # -S: no site-packages
    assert python(f"{only}\n{ONLY_NUMPY}", "-I", "-S") == "None (20,)"


def test_the_example_of_the_readme_runs(tmp_path: Path) -> None:
    readme = (ROOT / "README.md").read_text("utf8")
    example = re.search(r"^```python\n(.*?)^```$", readme, re.M | re.S)
    assert example, "README.md has no block ```python"
    assert python(example[1], folder=tmp_path, seconds=300)


def test_the_version_is_the_same_everywhere() -> None:
    version = PROJECT["version"]
    assert minibs4nn.__version__ == version
    assert f"\nversion: {version}\n" in (ROOT / "CITATION.cff").read_text("utf8")
    assert f"\n## {version}" in (ROOT / "CHANGELOG.md").read_text("utf8")


def test_requirements_are_pinned_and_without_a_gpu() -> None:
    lines = (ROOT / "requirements.txt").read_text("utf8").splitlines()
    wanted = [line.partition("#")[0].strip() for line in lines]
    pins = [line for line in wanted if line and not line.startswith("-e")]
    assert pins
    assert all(re.fullmatch(r"[\w-]+==[\w.]+(; .+)?", pin) for pin in pins)
    assert not any("cupy" in pin for pin in pins)
    assert "-e ." in wanted


def test_every_dependency_of_the_package_is_in_the_requirements() -> None:
    text = (ROOT / "requirements.txt").read_text("utf8")
    extras = PROJECT["optional-dependencies"]
    for wanted in [*PROJECT["dependencies"], *extras["plot"]]:
        name = re.match(r"[\w-]+", wanted)
        assert name
        assert re.search(rf"^{name[0]}==", text, re.M), wanted


def test_the_oldest_versions_are_those_that_the_package_allows() -> None:
    # `make oldest` runs the tests with these, so that the lower bounds are true.
    extras = PROJECT["optional-dependencies"]
    groups = [PROJECT["dependencies"], *(extras[e] for e in extras if not e.startswith("gpu"))]
    bounds = {re.match(r"([\w-]+)>=([\d.]+)", wanted) for group in groups for wanted in group}
    lines = (ROOT / "tests" / "oldest.txt").read_text("utf8").splitlines()
    pins = dict(line.split("==") for line in lines if not line.startswith("#"))
    assert {m[1]: m[2] for m in bounds if m} == {
        name: re.sub(r"(\.0)+$", "", version) for name, version in pins.items()
    }


def test_no_file_speaks_of_one_machine() -> None:
    folders = "|".join(["work", "farm", r"home(?!/me\b)", "root", "Users", "private", "tmp"])
    hosts = r"python[h]osted|registry[.]npmjs|deb[.]debian|pypi[.]org/simple"
    pattern = re.compile(rf"(?<![\w.~}}*])/(?:{folders})/[a-z]|{hosts}")
    found = []
    for path in tracked_files():
        data = path.read_bytes()
        if b"\0" not in data:
            lines = data.decode("utf8").splitlines()
            found += [f"{path}: {line}" for line in lines if pattern.search(line)]
    assert not found


def test_no_large_file_but_the_data() -> None:
    data = ROOT / "minibs4nn" / "data"
    large = [path for path in tracked_files() if path.stat().st_size > 2_000_000]
    assert [path for path in large if not path.is_relative_to(data)] == []
