"""Build the JupyterLite edition: _build/lite/, where the exercises run in the reader's browser.

The site holds JupyterLab, the exercises and the library's wheel. The browser fetches Python itself,
NumPy and Matplotlib from Pyodide's public address, so readers need the internet, and no
installation. `make lite` makes the environment that this runs in, from tools/lite-requirements.txt.
"""

import html
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "_build" / "lite"
# Python 3.12 and NumPy 2.0; jupyterlite-pyodide-kernel 0.6.1 is made for 0.27.
PYODIDE = "0.27.7"
PYODIDE_FILES = f"https://cdn.jsdelivr.net/pyodide/v{PYODIDE}/full/"
# The kernel needs the first, the sliders of `play` the others, and Pyodide has none: they lie
# beside the library's wheel. What draws the sliders comes from tools/lite-requirements.txt.
BESIDE = ("comm==0.2.3", "ipywidgets==8.1.7", "jupyterlab_widgets==3.0.15")

# Not minibs4nn[plot], which asks for a newer Matplotlib than the one that comes with Pyodide.
INSTALL = """\
# The library, from beside this page; NumPy and Matplotlib come with Python for the browser.
%pip install --quiet minibs4nn matplotlib ipywidgets"""

SETTINGS = {
    "jupyter-lite-schema-version": 0,
    "jupyter-config-data": {
        "appName": "Spikes and Bits",
        "exposeAppInBrowser": True,  # the tests read what a notebook gave
        "litePluginSettings": {
            "@jupyterlite/pyodide-kernel-extension:kernel": {
                "pyodideUrl": PYODIDE_FILES + "pyodide.js"
            }
        },
    },
}

PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Spikes and Bits: exercises in the browser</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 1.1rem/1.5 system-ui, sans-serif; max-width: 40rem; margin: 2rem auto; }}
body {{ padding: 0 1rem; }}
</style>
<!-- JupyterLab looks here for settings, and learns that the site ends with this page. -->
<script id="jupyter-config-data" type="application/json" data-jupyter-lite-root=".">{{}}</script>
</head>
<body>
<main>
<h1>Spikes and Bits: exercises in the browser</h1>
<p>Python runs in this page. Nothing is installed, and nothing leaves your computer. The first cell
of a notebook fetches the library, which takes a moment. Then write your answers; each is checked at
once.</p>
<ol>
{notebooks}
</ol>
<p>Your work is kept in this browser alone: to keep a copy, choose <em>File</em>, <em>Download</em>.
There is no Numba in a browser, so a cell that trains a network takes longer than on your own
machine, up to some minutes, and gives the same result.</p>
</main>
</body>
</html>
"""


def exercises() -> list[Path]:
    """Return the exercises, as students get them."""
    return sorted((ROOT / "exercises").glob("*/*.ipynb"))


def notebook(source: Path) -> NotebookNode:
    """Read an exercise; put a cell first that installs the library, and name the site's kernel."""
    found: NotebookNode = nbformat.read(source, as_version=4)
    found.cells.insert(0, new_code_cell(INSTALL, id="install"))
    found.metadata.kernelspec = {
        "display_name": "Python (Pyodide)",
        "language": "python",
        "name": "python",
    }
    return found


def title(source: Path) -> str:
    """Return what stands in an exercise's heading, without the word that all of them begin with."""
    heading = nbformat.read(source, as_version=4).cells[0].source.splitlines()[0]
    return str(heading).removeprefix("# Exercises: ")


def front_page() -> str:
    """Return the page that lists the notebooks."""
    items = [
        f'<li><a href="lab/index.html?path={source.name}">{html.escape(title(source))}</a></li>'
        for source in exercises()
    ]
    return PAGE.format(notebooks="\n".join(items))


def wheels(folder: Path) -> None:
    """Build the library's wheel into a folder, and fetch those that lie beside it."""
    with tempfile.TemporaryDirectory() as source:  # setuptools leaves a folder build/ behind
        for name in ("pyproject.toml", "README.md", "LICENSE", "NOTICE"):
            shutil.copy(ROOT / name, source)
        unwanted = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / "minibs4nn", Path(source, "minibs4nn"), ignore=unwanted)
        _python("build", "--wheel", "--no-isolation", "--outdir", folder, source)
    _python("pip", "download", "--quiet", "--no-deps", "--dest", folder, *BESIDE)


def build(target: Path) -> None:
    """Build the site."""
    shutil.rmtree(target, ignore_errors=True)
    with tempfile.TemporaryDirectory() as temporary:
        site = Path(temporary)
        (site / "jupyter-lite.json").write_text(json.dumps(SETTINGS), "utf8")
        (site / "contents").mkdir()
        for source in exercises():
            nbformat.write(notebook(source), site / "contents" / source.name)
        wheels(site / "wheels")
        beside = [f"--piplite-wheels={wheel}" for wheel in (site / "wheels").iterdir()]
        _python(
            "jupyterlite_core", "build", "--lite-dir", site, "--contents", site / "contents",
            "--apps", "lab", "--no-sourcemaps", "--no-unused-shared-packages", "--no-libarchive",
            *beside, "--output-dir", target, folder=site,  # where it keeps a list of what it did
        )  # fmt: skip
    (target / "index.html").write_text(front_page(), "utf8")


def _python(module: str, *arguments: str | Path, folder: Path = ROOT) -> None:
    """Run a module; show what it said only if it fails."""
    command = [sys.executable, "-m", module, *map(str, arguments)]
    done = subprocess.run(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    if done.returncode != 0:
        sys.exit(f"{done.stdout}\n{module} failed")


if __name__ == "__main__":
    build(TARGET)
    print("The exercises for the browser. Put this folder on a web server:", TARGET, sep="\n")
