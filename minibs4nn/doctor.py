"""What works on this machine, what is missing, and the line that installs it."""

import importlib.metadata
import importlib.util
import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterator
from typing import NamedTuple

from minibs4nn import datasets
from minibs4nn.errors import DataError
from minibs4nn.kernels import backends

__all__ = ["Finding", "examine", "report"]

ROOM = 2 * 1024**3  # bytes free on the disk, enough for the environment of the book


class Finding(NamedTuple):
    """One line of the report.

    Attributes
    ----------
    what : str
    good : bool
    detail : str
        The version or place if good, else what is missing and how to get it.
    needed : bool
        Whether the library itself cannot do without it.
    """

    what: str
    good: bool
    detail: str
    needed: bool = False


PACKAGES = (
    ("numpy", "everything", "pip install numpy", True),
    ("numba", "speed", "pip install numba", False),
    ("tqdm", "progress bars", "pip install tqdm", False),
    ("pooch", "downloading data sets", "pip install pooch", False),
    ("matplotlib", "figures", "pip install 'minibs4nn[plot]'", False),
    ("anywidget", "interactive figures", "pip install 'minibs4nn[figures]'", False),
    ("scikit-learn", "classifiers of tables", "pip install 'minibs4nn[sklearn]'", False),
    ("nir", "graphs for other simulators", "pip install 'minibs4nn[nir]'", False),
    ("pillow", "photographs, Caltech-101", "pip install 'minibs4nn[images]'", False),
    ("jupyter-book", "building the book", "make book", False),
    ("nbval", "testing the notebooks", "make test", False),
)


def examine() -> Iterator[Finding]:
    """Look at Python, the packages, the backends, the data sets and the disk.

    Yields
    ------
    Finding

    Examples
    --------
    >>> next(examine()).what
    'Python'
    """
    good_python = (3, 11) <= sys.version_info[:2] <= (3, 13)
    advice = "" if good_python else "; this library is tested with 3.11 to 3.13"
    yield Finding("Python", good_python, platform.python_version() + advice, needed=True)
    for name, purpose, how, needed in PACKAGES:
        try:
            yield Finding(name, True, importlib.metadata.version(name), needed)
        except importlib.metadata.PackageNotFoundError:
            yield Finding(name, False, f"not installed; needed for {purpose}: {how}", needed)
    for name, backend in backends().items():
        yield Finding(f"backend {name}", backend.usable, backend.detail)
    yield _data("MNIST", datasets.mnist, needed=True)
    yield _data("Fashion-MNIST", datasets.fashion_mnist, needed=False)
    free = shutil.disk_usage(os.curdir).free
    detail = f"{free / 1024**3:.1f} GiB free here"
    enough = free >= ROOM
    yield Finding(
        "disk", enough, detail if enough else f"{detail}; the book needs 2 GiB: make room"
    )


def _data(name: str, loader: Callable[[], object], *, needed: bool) -> Finding:
    """Whether a data set is on this machine already; the doctor downloads nothing."""
    before = os.environ.get("MINIBS4NN_OFFLINE")
    os.environ["MINIBS4NN_OFFLINE"] = "1"
    try:
        loader()
    except DataError as error:
        return Finding(name, False, str(error), needed)
    finally:
        if before is None:
            del os.environ["MINIBS4NN_OFFLINE"]
        else:
            os.environ["MINIBS4NN_OFFLINE"] = before
    return Finding(name, True, "found, and every file is what it should be", needed)


def report() -> int:
    """Print one line per finding.

    Returns
    -------
    int
        How many things are missing that the library cannot do without.
    """
    findings = list(examine())
    width = max(len(finding.what) for finding in findings)
    for finding in findings:
        mark = "ok     " if finding.good else ("MISSING" if finding.needed else "absent ")
        indented = finding.detail.replace("\n", "\n" + " " * (width + 10))
        print(f"{mark}  {finding.what:{width}}  {indented}")
    return sum(finding.needed and not finding.good for finding in findings)
