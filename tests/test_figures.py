"""The interactive figures: their arithmetic under Node equals the library's, number by number."""

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import minibs4nn as bs

pytest.importorskip("anywidget", reason="the figures are an extra: minibs4nn[figures]")

from minibs4nn.figures.figure import Figure, bundle

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "minibs4nn" / "figures"
NODE = shutil.which("node")
CASES = 1000
SECONDS = 600  # a guard, for a busy machine

needs_node = pytest.mark.skipif(NODE is None, reason="Node.js is not installed")


def node(*arguments: object, text: str = "") -> str:
    """Run a program under Node and return what it prints."""
    command = [str(NODE), *map(str, arguments)]
    done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=SECONDS)
    assert done.returncode == 0, done.stderr
    return done.stdout


def call(module: str, calls: Sequence[Sequence[Any]]) -> list[Any]:
    """Call functions of a figure's module, each with its arguments."""

    def plain(value: object) -> object:
        assert isinstance(value, np.ndarray | np.generic)
        return value.tolist()

    work = json.dumps({"module": str(FOLDER / f"{module}.mjs"), "calls": calls}, default=plain)
    results: list[Any] = json.loads(node(ROOT / "tests" / "figures" / "call.mjs", text=work))
    assert len(results) == len(calls)
    return results


def by_input(weights: npt.NDArray[Any]) -> dict[str, Any]:
    """Weights (n_out, n_in) as a figure holds them: typed, input by input."""
    names = {"i1": "Int8Array", "f4": "Float32Array", "f8": "Float64Array"}
    return {names[weights.dtype.str[1:]]: weights.T.ravel()}


# ---- the whole network


@needs_node
@pytest.mark.parametrize("name", ["decision-mnist-seed2", "bs4nn-mnist-tuned-seed0"])
def test_the_page_decides_as_the_library_does(name: str, tmp_path: Path) -> None:
    _, test = bs.datasets.mnist()
    count = 10_000 if name.startswith("decision") else 1_000
    images = test.images[:count]
    images.tofile(tmp_path / "images")
    bits = ROOT / "results" / "mnist" / f"{name}.bits"
    program = ROOT / "tests" / "figures" / "network.mjs"
    node(program, FOLDER, bits, tmp_path / "images", tmp_path / "results")
    results = np.fromfile(tmp_path / "results", dtype="<i2").reshape(count, -1)
    net = bs.load(bits)
    expected = [*net.spike_times(images), net.predict(images)[:, None]]
    np.testing.assert_array_equal(results, np.concatenate(expected, axis=1))


@needs_node
def test_a_damaged_network_is_refused(tmp_path: Path) -> None:
    a_network(6, 3, 2).save(tmp_path / "net.bits")
    file = np.fromfile(tmp_path / "net.bits", dtype=np.uint8)
    read = call("bs4nn", [["readBits", {"Uint8Array": file}]])[0]
    assert read["layers"] == [6, 3, 2]
    assert [len(theta) for theta in read["thresholds"]] == [3, 2]
    file[-6] ^= 1
    with pytest.raises(AssertionError, match="its checksum does not fit"):
        call("bs4nn", [["readBits", {"Uint8Array": file}]])


# ---- what is drawn


def digit(*strokes: Sequence[tuple[float, float]]) -> list[list[tuple[float, float]]]:
    """A drawing, as the pad holds one."""
    return [list(stroke) for stroke in strokes]


DRAWN = {
    0: digit([(14 + 6 * np.cos(a), 14 + 9 * np.sin(a)) for a in np.linspace(0, 2 * np.pi, 40)]),
    1: digit([(14, 4), (14, 24)]),
    4: digit([(8, 4), (8, 14), (20, 14)], [(18, 4), (18, 25)]),
    7: digit([(6, 6), (20, 6), (11, 25)]),
}


@needs_node
def test_drawn_digits_look_like_those_of_mnist_and_are_read() -> None:
    pictures = call("drawing", [["likeMnist", strokes] for strokes in DRAWN.values()])
    centres = call("drawing", [["centreOfMass", picture] for picture in pictures])
    assert np.abs(np.array(centres) - 14).max() < 0.5
    images = np.array(pictures, dtype=np.uint8).reshape(-1, 28, 28)
    for image in images:
        rows, columns = np.nonzero(image > 127)
        assert max(np.ptp(rows), np.ptp(columns)) + 1 == pytest.approx(20, abs=1)
    net = bs.load(ROOT / "results" / "mnist" / "decision-mnist-seed2.bits")
    assert net.predict(images).tolist() == list(DRAWN)


@needs_node
def test_an_empty_drawing_is_black_and_a_dot_is_not() -> None:
    nothing, dot = call("drawing", [["likeMnist", []], ["likeMnist", [[[3.0, 3.0]]]]])
    assert not any(nothing)
    assert 0 < np.count_nonzero(dot) < 30


@needs_node
def test_a_picture_is_spoilt_as_much_as_was_asked_for() -> None:
    white = {"Uint8Array": np.full(784, 255)}
    same, noisy, again, covered = call(
        "drawing",
        [
            ["corrupt", white, 0, 0],
            ["corrupt", white, 0.5, 0],
            ["corrupt", white, 0.5, 0],
            ["corrupt", white, 0, 10],
        ],
    )
    assert same == white["Uint8Array"].tolist()
    assert noisy == again
    assert np.mean(np.array(noisy) != 255) == pytest.approx(0.5, abs=0.06)
    black_rows = (np.array(covered).reshape(28, 28) == 0).all(axis=1)
    assert black_rows.tolist() == [9 <= row < 19 for row in range(28)]


# ---- the figures as objects


def a_network(*layers: int) -> bs.PackedBS4NN:
    """A packed network with random weights."""
    rng = np.random.default_rng(0)
    weights = [rng.normal(size=shape) for shape in zip(layers[1:], layers[:-1], strict=True)]
    return bs.BS4NN.from_weights(weights, scale=1.0, threshold=5.0).pack()


def figures() -> dict[str, Figure]:
    """One of each figure, with small data."""
    _, test = bs.datasets.mnist()
    return {
        "network": bs.figures.NetworkFigure(
            a_network(784, 20, 10), test.images[:2], test.labels[:2]
        ),
    }


def test_there_is_an_example_of_every_figure() -> None:
    made = {type(figure).__name__ for figure in figures().values()}
    assert made == set(bs.figures.__all__)


@needs_node
@pytest.mark.parametrize("name", ["network"])
def test_a_bundle_is_one_module(name: str, tmp_path: Path) -> None:
    text = bundle(name)
    assert "import " not in text.replace(" * ", "")
    assert "</script" not in text
    whole = tmp_path / "bundle.mjs"
    whole.write_text(text, "utf8")
    program = f"const m = await import('{whole.as_uri()}'); console.log(typeof m.default.render)"
    assert node("--input-type=module", "-e", program).strip() == "function"


def test_the_network_figure_answers_as_the_network_does() -> None:
    _, test = bs.datasets.mnist()
    net = bs.load(ROOT / "results" / "mnist" / "decision-mnist-seed2.bits")
    figure = bs.figures.NetworkFigure(net, test.images[:2], test.labels[:2])
    assert (figure.answer, figure.label) == (net.predict(test.images[:1])[0], test.labels[0])
    figure.image = test.images[7]
    np.testing.assert_array_equal(figure.image, test.images[7])
    times = net.spike_times(test.images[7:8])[-1]
    assert figure.step == figure.decision_time == times.min()
    assert (figure.answer, figure.label) == (net.predict(test.images[7:8])[0], -1)


def test_the_network_figure_says_what_it_cannot_show() -> None:
    _, test = bs.datasets.mnist()
    with pytest.raises(ValueError, match=r"the layers \(784, n, 10\), got \(784, 20, 9\)"):
        bs.figures.NetworkFigure(a_network(784, 20, 9), test.images[:1], test.labels[:1])
    with pytest.raises(ValueError, match=r"got \(2, 28, 28\) and 1 labels"):
        bs.figures.NetworkFigure(a_network(784, 20, 10), test.images[:2], test.labels[:1])


WITHOUT = """
import sys
sys.modules["anywidget"] = None
import minibs4nn as bs
try:
    bs.figures.NetworkFigure
except ImportError as error:
    print(error)
"""


def test_without_anywidget_an_error_says_what_to_install() -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT], capture_output=True, text=True, timeout=SECONDS
    )
    assert done.returncode == 0, done.stderr
    assert "pip install 'minibs4nn[figures]'" in done.stdout


def test_the_list_of_figures_is_complete_and_anything_else_is_an_error() -> None:
    assert set(bs.figures.__all__) <= set(dir(bs.figures))
    with pytest.raises(AttributeError, match="has no attribute 'Nothing'"):
        bs.figures.Nothing  # noqa: B018
