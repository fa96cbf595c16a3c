"""The JupyterLite edition in Chromium: its kernel boots, installs the library, judges and plays.

The site is the one that readers get. The one thing that differs is who answers when it asks
Pyodide's public address for Python and NumPy: the same files, kept on this machine.
"""

import contextlib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lite
import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell
from playwright.sync_api import Browser, BrowserContext, Route

import minibs4nn
from minibs4nn.course import find, play

from .conftest import PICTURES, ROOT, Faults, served
from .pyodide_files import MissingError, fill

EXERCISE = ROOT / "exercises" / "01_neuron" / "01_neuron.ipynb"
KINDS = {".js": "text/javascript", ".wasm": "application/wasm", ".json": "application/json"}
PATIENCE = 900_000  # milliseconds: compiling Python for the browser is hard work for a busy machine
OFTEN = 1000  # milliseconds between two looks; in between the page has the processor to itself
NOTEBOOK = "window.jupyterapp?.shell.currentWidget"
READY = f"{NOTEBOOK}?.sessionContext?.session?.kernel?.status === 'idle'"
DONE = f"""() => {{
    const cells = {NOTEBOOK}.content.model.toJSON().cells.filter((cell) => cell.outputs);
    const failed = cells.some((cell) => cell.outputs.some((one) => one.output_type === "error"));
    return failed || cells.every((cell) => cell.execution_count !== null);
}}"""

ANSWER = """\
def right(times, weights, threshold, t_max):
    for t in range(t_max):
        if weights[times <= t].sum() > threshold:
            return t + 1
    return t_max

_ = check("01.1", right)"""
BACKEND = """\
print(bs.backends()["numba"].detail)"""
# Whole numbers only, so that what is printed can be compared as it stands.
PREDICTION = """\
train, test = bs.datasets.bars(n=60, seed=0)
net = bs.BS4NN((64, 10, 16), threshold=10.0, seed=0)
net.fit(train.images, train.labels, epochs=1, progress=False)
hidden, outputs = net.spike_times(test.images)
print(net.predict(test.images).tolist(), hidden.tolist(), outputs.tolist())
digits, _ = bs.datasets.mnist()
print(digits.images.shape, digits.images.sum())"""
PLAY = """\
play("01.1", right)"""


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    """Serve the site; return its address."""
    if not (lite.TARGET / "index.html").exists():
        pytest.exit(f"{lite.TARGET.relative_to(ROOT)} is missing; run: make lite", returncode=2)
    PICTURES.mkdir(exist_ok=True)
    with served(lite.TARGET) as address:
        yield address


@pytest.fixture(scope="module")
def pyodide() -> Path:
    """Return the folder with Pyodide's files."""
    folder = ROOT / "_build" / f"pyodide-{lite.PYODIDE}"
    try:
        fill(folder)
    except MissingError as error:
        pytest.skip(f"NumPy for the browser is not to be had here: {error}")
    return folder


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """Open a window."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(PATIENCE)
    yield context
    context.close()


def answer(route: Route, folder: Path) -> None:
    """Answer in place of Pyodide's public address."""
    path = folder / route.request.url.removeprefix(lite.PYODIDE_FILES)
    kind = KINDS.get(path.suffix, "application/octet-stream")
    if path.exists():
        headers = {"access-control-allow-origin": "*", "content-type": kind}
        route.fulfill(path=path, headers=headers)
    else:
        route.fulfill(status=404)


def tried(exercise: Path) -> NotebookNode:
    """Return an exercise as the site has it, with cells that try it."""
    notebook = lite.notebook(exercise)
    notebook.cells += [new_code_cell(source) for source in (ANSWER, BACKEND, PREDICTION, PLAY)]
    return notebook


def text(cell: Any) -> str:
    """Return what a cell printed, or the error that it ended with."""
    return "".join(
        output["text"] if output["output_type"] == "stream" else output.get("evalue", "")
        for output in cell["outputs"]
    )


def here(source: str) -> str:
    """Return what a cell prints on this machine, with NumPy as the backend."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(source, {"bs": minibs4nn})
    return printed.getvalue()


def test_the_front_page_leads_to_every_exercise(context: BrowserContext, site: str) -> None:
    page = context.new_page()
    page.goto(f"{site}/index.html")
    links = page.get_by_role("listitem").get_by_role("link")
    found = [link.get_attribute("href") for link in links.all()]
    assert found == [f"lab/index.html?path={path.name}" for path in lite.exercises()]
    for path in lite.exercises():
        shown = context.request.get(f"{site}/files/{path.name}").text()
        assert nbformat.reads(shown, as_version=4) == lite.notebook(path)


def test_the_kernel_boots_installs_the_library_judges_predicts_and_plays(
    context: BrowserContext, site: str, pyodide: Path
) -> None:
    page, faults = context.new_page(), Faults()
    page.on("pageerror", lambda error: faults.found.append(f"error: {error}"))
    context.on("requestfailed", lambda one: faults.found.append(f"failed: {one.url} {one.failure}"))
    asked: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    context.route(f"{lite.PYODIDE_FILES}**", lambda route: answer(route, pyodide))
    changed = nbformat.writes(tried(EXERCISE))
    context.route(f"**/files/{EXERCISE.name}", lambda route: route.fulfill(body=changed))
    page.goto(f"{site}/lab/index.html?path={EXERCISE.name}")
    page.wait_for_function(READY, polling=OFTEN)
    page.evaluate("window.jupyterapp.commands.execute('notebook:run-all-cells')")
    page.wait_for_function(DONE, polling=OFTEN)

    cells = page.evaluate(f"{NOTEBOOK}.content.model.toJSON().cells")
    printed = [text(cell) for cell in cells if cell["cell_type"] == "code"]
    assert all(cell["execution_count"] for cell in cells if cell["cell_type"] == "code"), (
        printed,
        faults.found,
    )
    checks = [said for said in printed if said.startswith("01.")]
    assert all("is not right yet" in said for said in checks[:-1]), printed
    assert checks[-1] == "01.1 is right, on all 300 inputs that were tried.\n"
    assert printed[-3].startswith("Numba cannot be imported")
    assert printed[-2] == here(PREDICTION)

    # A slider is moved, and the reader's function, in the page's Python, gives what it gives here.
    played = page.locator(".jp-CodeCell").last
    slider = played.locator(".widget-slider").filter(has_text="threshold")
    neuron = play("01.1", find("01.1").reference)
    assert neuron is not None
    for place in (0.2, 0.8):
        before = neuron.says
        track = slider.locator(".slider")
        box = track.bounding_box()
        assert box is not None
        track.click(position={"x": place * box["width"], "y": box["height"] / 2})
        neuron.controls["threshold"].value = int(slider.locator(".widget-readout").inner_text())
        assert neuron.says != before
        played.get_by_role("status").filter(has_text=neuron.says).wait_for()
    page.screenshot(path=PICTURES / "lite.png")
    assert faults.found == []
    # No one else is asked, so that what runs here is what runs for readers.
    others = [
        url for url in asked if not url.startswith((site, lite.PYODIDE_FILES, "blob:", "data:"))
    ]
    assert others == []
