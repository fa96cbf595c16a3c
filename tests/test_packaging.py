"""The package as others get it: what is in it, that it runs elsewhere, what it leaves."""

import importlib.metadata
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

import minibs4nn as bs

ROOT = Path(__file__).resolve().parent.parent


def run(*command: str | Path, folder: Path, seconds: float = 900) -> str:
    """Run a program to its end, and return what it printed."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=seconds)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def tracked() -> set[str]:
    """The files of the package that are under version control."""
    command = ["git", "ls-files", "-z", "minibs4nn"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        pytest.skip("this is not a git checkout")
    return {name for name in done.stdout.split("\0") if name and (ROOT / name).exists()}


@pytest.fixture(scope="module")
def built(tracked: set[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the sdist, built from what is under version control."""
    source = tmp_path_factory.mktemp("source")
    for name in (*tracked, "pyproject.toml", "README.md", "LICENSE", "NOTICE"):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, source / name)
    run(sys.executable, "-m", "build", "--no-isolation", ".", folder=source)
    return source / "dist"


def test_the_wheel_has_every_file_of_the_package_and_no_other(
    tracked: set[str], built: Path
) -> None:
    [wheel] = built.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    info = {name for name in names if ".dist-info/" in name}
    assert names - info == tracked
    assert {name.partition("/")[2] for name in info} >= {"METADATA", "licenses/NOTICE", "RECORD"}
    for kind in (".py", "py.typed", ".cu", ".h", ".toml", ".gz", ".mjs"):
        assert any(name.endswith(kind) for name in names), kind


def test_the_source_distribution_has_them_too(tracked: set[str], built: Path) -> None:
    [sdist] = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert tracked <= names
    top = {name.partition("/")[0] for name in names}
    assert top - {"", "minibs4nn", "minibs4nn.egg-info", "setup.cfg"} == {
        "LICENSE", "NOTICE", "PKG-INFO", "README.md", "pyproject.toml"
    }  # fmt: skip


def needed(name: str) -> set[str]:
    """A distribution that is installed here, and all that it cannot do without."""
    found = {name}
    for requirement in importlib.metadata.requires(name) or []:
        other = re.match(r"[\w.-]+", requirement)
        assert other
        if "extra ==" in requirement or other[0] in found:
            continue
        try:
            found |= needed(other[0])
        except importlib.metadata.PackageNotFoundError:  # for another system or Python
            continue
    return found


def test_it_runs_in_an_environment_with_its_dependencies_alone(built: Path, tmp_path: Path) -> None:
    run(sys.executable, "-m", "venv", "--without-pip", "env", folder=tmp_path)
    [site] = (tmp_path / "env").glob("lib/python*/site-packages")
    [wheel] = built.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(site)
    for name in needed("minibs4nn") - {"minibs4nn"}:
        distribution = importlib.metadata.distribution(name)
        for first in {file.parts[0] for file in distribution.files or []} - {"..", "__pycache__"}:
            (site / first).symlink_to(Path(str(distribution.locate_file(first))))
    python = tmp_path / "env" / "bin" / "python"
    report = run(python, "-I", "-m", "minibs4nn", "doctor", folder=tmp_path)
    assert re.search(r"ok +MNIST", report)
    assert re.search(r"absent +matplotlib", report)
    readme = (ROOT / "README.md").read_text("utf8")
    example = re.search(r"^```python\n(.*?)^```$", readme, re.M | re.S)
    assert example
    assert "accuracy" in run(python, "-I", "-c", example[1], folder=tmp_path)


def test_what_training_leaves_behind_keeps_its_names() -> None:
    train, test = bs.datasets.bars(n=60, seed=0)
    net = bs.BS4NN((64, 10, 16), threshold=10.0, backend="numpy")
    net.fit(train.images, train.labels, epochs=1, progress=False)
    for name in ("weights_", "latent_weights_", "scale_", "thresholds_", "history_"):
        assert getattr(net, name) is not None
    found = net.evaluate(test.images, test.labels)
    for name in (
        "accuracy", "published_accuracy", "tied", "silent", "decision_time", "spikes",
        "synaptic_operations",
    ):  # fmt: skip
        assert isinstance(getattr(found, name), float)
    assert isinstance(net.pack().nbytes, int)
