"""Third-party JavaScript: fetched from npm when it is needed, its version and content pinned here.

Nothing of it is committed. A package whose content is not the one below is refused.
"""

import base64
import hashlib
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

# As npm writes it: sha512 of the .tgz file, in base64.
INTEGRITY = {
    "mathjax@3.2.2": (
        "Bt+SSVU8eBG27zChVewOicYs7Xsdt40qm4+UpHyX7k0/O9NliPc+x77k1/FEsPsjKPZGJvtRZM1vO+geW0OhGw=="
    ),
    "axe-core@4.14.1": (
        "FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ=="
    ),
    "pyodide@0.27.7": (
        "RUSVJlhQdfWfgO9hVHCiXoG+nVZQRS5D9FzgpLJ/VcgGBLSAKoPL8kTiOikxbHQm1kRISeWUBdulEgO26qpSRA=="
    ),
}


class PackageError(RuntimeError):
    """A package that could not be fetched, or is not what it should be."""


@contextmanager
def package(name: str) -> Iterator[Path]:
    """Fetch one of the packages above; give the folder with its files while the block runs."""
    if shutil.which("npm") is None:
        raise PackageError(f"{name} is fetched with npm: install Node.js, then run it again")
    with tempfile.TemporaryDirectory() as folder:
        command = ["npm", "pack", "--silent", name]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
        if done.returncode != 0:
            raise PackageError(f"npm could not fetch {name}: {done.stderr.strip()}")
        archive = Path(folder) / done.stdout.split()[-1]
        check(archive, name)
        # The first releases of Python 3.11 have no filter; what is unpacked has been checked.
        safely: dict[str, Any] = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
        shutil.unpack_archive(archive, folder, **safely)
        yield Path(folder) / "package"


def check(archive: Path, name: str) -> None:
    """Refuse an archive whose content is not the one that was looked at when it was chosen."""
    found = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    if found != INTEGRITY[name]:
        raise PackageError(f"{name} has the sha512 {found}; {INTEGRITY[name]} is expected")
