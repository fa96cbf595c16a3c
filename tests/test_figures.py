"""The interactive figures: their arithmetic under Node equals the library's, number by number."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import minibs4nn as bs

pytest.importorskip("anywidget", reason="the figures are an extra: minibs4nn[figures]")
import traitlets

from minibs4nn.binary import pack_bits, sign, sign_threshold
from minibs4nn.figures.figure import Figure, bundle
from minibs4nn.forward import DECISION_RULES as RULES
from minibs4nn.targets import loss as bs_loss
from minibs4nn.targets import normalise, relative_targets, time_error

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "minibs4nn" / "figures"
NODE = shutil.which("node")
CASES = 1000
MODULES = [name.removesuffix("Figure").lower() for name in bs.figures.__all__]
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


def check_the_page(bits: Path, count: int, folder: Path) -> None:
    """The page computes from a file what the library does, for the first images of MNIST."""
    _, test = bs.datasets.mnist()
    images = test.images[:count]
    images.tofile(folder / "images")
    program = ROOT / "tests" / "figures" / "network.mjs"
    node(program, FOLDER, bits, folder / "images", folder / "results")
    results = np.fromfile(folder / "results", dtype="<i2").reshape(count, -1)
    net = bs.load(bits)
    expected = [*net.spike_times(images), net.predict(images)[:, None]]
    np.testing.assert_array_equal(results, np.concatenate(expected, axis=1))


@needs_node
@pytest.mark.parametrize("name", ["decision-mnist-seed2", "bs4nn-mnist-tuned-seed0"])
def test_the_page_decides_as_the_library_does(name: str, tmp_path: Path) -> None:
    count = 10_000 if name.startswith("decision") else 1_000
    check_the_page(ROOT / "results" / "mnist" / f"{name}.bits", count, tmp_path)


@needs_node
@pytest.mark.parametrize("t_max", [16, 300])
def test_the_page_decides_in_a_window_of_any_length(t_max: int, tmp_path: Path) -> None:
    a_network(784, 20, 10, t_max=t_max).save(tmp_path / "net.bits")
    check_the_page(tmp_path / "net.bits", 200, tmp_path)


@needs_node
def test_the_axis_of_time_ends_with_the_window() -> None:
    marks = call("network", [["marksOf", t_max] for t_max in (256, 100, 300, 1)])
    assert marks == [
        [0, 4, 16, 64, 144, 256], [0, 2, 6, 25, 56, 100], [0, 5, 19, 75, 169, 300], [0, 1]
    ]  # fmt: skip


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


# ---- piece by piece, each on random cases


def spikes(rng: np.random.Generator, n: int, t_max: int) -> npt.NDArray[np.int64]:
    """Spike times, some of them silent, some of them together."""
    return np.where(rng.random(n) < 0.2, t_max, rng.integers(0, t_max, n))


def layers() -> Iterator[tuple[npt.NDArray[np.int64], npt.NDArray[Any], npt.NDArray[Any], int]]:
    """Random layers, with weights +-1, whole or real: times, weights, thresholds, t_max."""
    rng = np.random.default_rng(0)
    for case in range(CASES):
        n_in, n_out, t_max = (int(n) for n in rng.integers([1, 1, 3], [30, 8, 40]))
        shape = (n_out, n_in)
        kinds: list[npt.NDArray[Any]] = [
            rng.choice([-1, 1], shape).astype(np.int8),
            rng.integers(-6, 7, shape).astype(np.int8),
            rng.normal(size=shape),
        ]
        thresholds = rng.integers(-2, 6, n_out) if case % 2 else np.full(n_out, 2)
        yield spikes(rng, n_in, t_max), kinds[case % 3], thresholds, t_max


@needs_node
def test_neurons_are_the_library_s() -> None:
    cases = [(times, w[0], float(theta[0]), t_max) for times, w, theta, t_max in layers()]
    results = call("bs4nn", [["simulateNeuron", *case] for case in cases])
    for result, (times, weights, threshold, t_max) in zip(results, cases, strict=True):
        trace = bs.simulate_neuron(times, weights, threshold=threshold, t_max=t_max)
        assert result == {"potential": trace.potential.tolist(), "spikeTime": trace.spike_time}


@needs_node
def test_codes_are_the_library_s() -> None:
    rng = np.random.default_rng(0)
    cases = [
        (rng.integers(0, 256, 50, dtype=np.uint8), int(rng.integers(1, 400))) for _ in range(CASES)
    ]
    times = call("bs4nn", [["latencyCode", *case] for case in cases])
    back = call("bs4nn", [["decode", t, end] for t, (_, end) in zip(times, cases, strict=True)])
    for time, grey, (pixels, t_max) in zip(times, back, cases, strict=True):
        expected = bs.latency_code(pixels[None], t_max=t_max)[0]
        assert time == expected.tolist()
        assert grey == bs.decode(expected, t_max=t_max).tolist()


@needs_node
def test_layers_and_decisions_are_the_library_s() -> None:
    cases = list(layers())
    results = call(
        "bs4nn",
        [["layerSpikeTimes", times, by_input(w), theta, end] for times, w, theta, end in cases],
    )
    decisions, counted = [], []
    for result, (times, weights, theta, t_max) in zip(results, cases, strict=True):
        expected = bs.layer_spike_times([times], weights, theta, t_max=t_max)
        assert result["spikeTimes"] == expected[0][0].tolist()
        assert result["potential"] == expected[1][0].tolist()
        late = bs.potential_at([times], weights, t_max - 3, t_max=t_max)[0]
        end = ("spikeTimes", "potential")
        decisions += [["decide", *map(result.get, end), theta, rule, t_max] for rule in RULES]
        counted.append(["publishedCorrect", result["spikeTimes"], late, len(theta) // 2, t_max])
    for answer, (_, times, potential, theta, rule, t_max) in zip(
        call("bs4nn", decisions), decisions, strict=True
    ):
        expected_class = bs.decide([times], [potential], threshold=theta, rule=rule, t_max=t_max)
        assert answer == expected_class[0]
    for answer, (_, times, late, label, t_max) in zip(call("bs4nn", counted), counted, strict=True):
        assert answer == bs.published_correct([times], late[None], [label], t_max=t_max)[0]


@needs_node
def test_potentials_over_time_are_the_library_s() -> None:
    cases = list(layers())
    results = call(
        "bs4nn",
        [["potentialsOverTime", t, by_input(w), len(w), end] for t, w, _, end in cases],
    )
    rng = np.random.default_rng(1)
    for result, (times, weights, _, t_max) in zip(results, cases, strict=True):
        t = int(rng.integers(t_max))
        expected = bs.potential_at([times], weights, t, t_max=t_max)[0]
        assert [own[t] for own in result] == expected.tolist()


@needs_node
def test_targets_errors_and_losses_are_the_library_s() -> None:
    rng = np.random.default_rng(0)
    cases = []
    for case in range(CASES):
        n, t_max = int(rng.integers(1, 8)), int(rng.integers(1, 40))
        times = np.full(n, t_max) if case % 10 == 0 else spikes(rng, n, t_max)
        word = ["teach", "ignore"][case % 2]
        cases.append((times, int(rng.integers(n)), int(rng.integers(0, t_max + 1)), word, t_max))
    targets = call("bs4nn", [["relativeTargets", *case] for case in cases])
    errors = call(
        "bs4nn",
        [["timeError", c[0], goal, c[-1]] for c, goal in zip(cases, targets, strict=True)],
    )
    losses = call("bs4nn", [["loss", error] for error in errors])
    lengths = call("bs4nn", [["normalise", error] for error in errors])
    for result, error, loss, unit, (times, label, gamma, word, t_max) in zip(
        targets, errors, losses, lengths, cases, strict=True
    ):
        expected = relative_targets([times], [label], gamma=gamma, all_silent=word, t_max=t_max)
        assert result == expected[0].tolist()
        expected_error = time_error(times, expected[0], t_max=t_max)
        assert error == expected_error.tolist()
        assert loss == bs_loss(expected_error)
        assert unit == normalise(expected_error).tolist()


@needs_node
def test_learning_steps_are_the_library_s() -> None:
    rng = np.random.default_rng(0)
    calls: list[list[Any]] = []
    expected: list[bs.BS4NN] = []
    for _ in range(CASES):
        n_in, n_out, t_max = (int(n) for n in rng.integers([1, 2, 6], [8, 4, 20]))
        latent = rng.normal(scale=0.2, size=(n_out, n_in)).astype(np.float32)
        times = spikes(rng, n_in, t_max)
        gamma, eta, mu = int(rng.integers(1, 4)), float(rng.random()), float(rng.random())
        theta, scale, label = float(rng.integers(0, 4)), 1 + float(rng.random()), 0
        calls.append(
            [
                "learningStep",
                {"latent": by_input(latent), "scale": scale},
                times,
                label,
                {
                    "threshold": theta,
                    "gamma": gamma,
                    "learningRate": eta,
                    "scaleLearningRate": mu,
                    "tMax": t_max,
                },
            ]
        )
        rule = bs.RelativeTarget(
            learning_rate=eta, gamma=gamma, scale_learning_rate=mu, order="file"
        )
        net = bs.BS4NN.from_weights(
            [latent], threshold=theta, scale=scale, t_max=t_max, backend="numpy"
        )
        net.fit(times[None].astype(np.int16), [label], epochs=1, rule=rule, progress=False)
        expected.append(net)
    moved = 0
    for result, work, net in zip(call("bs4nn", calls), calls, expected, strict=True):
        state = result["state"]
        assert state["latent"] == net.latent_weights_[0].T.ravel().tolist()
        assert state["scale"] == net.scale_[0]
        moved += state["scale"] != work[1]["scale"]
    assert moved > CASES / 4  # many of these images have something to teach


@needs_node
def test_bits_are_the_library_s() -> None:
    rng = np.random.default_rng(0)
    signs = [
        rng.choice([-1, 1], (int(rng.integers(1, 5)), int(rng.integers(1, 20))))
        for _ in range(CASES)
    ]
    packed = call("bs4nn", [["packBits", by_input(s.astype(np.int8))] for s in signs])
    back = call(
        "bs4nn",
        [
            ["unpackBits", {"Uint8Array": np.array(p)}, s.size]
            for p, s in zip(packed, signs, strict=True)
        ],
    )
    heard = [rng.random(s.shape[1]) < 0.5 for s in signs]
    sums = call(
        "bs4nn",
        [
            ["sumOfBits", *(np.packbits(b, bitorder="little") for b in (s[0] > 0, h))]
            for s, h in zip(signs, heard, strict=True)
        ],
    )
    for bits, unpacked, total, s, h in zip(packed, back, sums, signs, heard, strict=True):
        assert bits == pack_bits(s).tolist()
        assert unpacked == s.T.ravel().tolist()
        assert total == {"p": np.sum((s[0] > 0) & h), "n": np.sum(h), "sum": s[0] @ h}


@needs_node
def test_limits_and_signs_are_the_library_s() -> None:
    rng = np.random.default_rng(0)
    pairs = rng.uniform(0.01, 120, (CASES, 2))
    limits = call("bs4nn", [["signThreshold", theta, alpha] for theta, alpha in pairs])
    assert limits == [float(sign_threshold(theta, alpha)) for theta, alpha in pairs]
    latent = np.concatenate([rng.normal(size=CASES), [0.0, -0.0, -1e-45]])
    assert call("bs4nn", [["sign", w] for w in latent]) == sign(latent).tolist()


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


def a_network(*layers: int, t_max: int = 256) -> bs.PackedBS4NN:
    """A packed network with random weights."""
    rng = np.random.default_rng(0)
    weights = [rng.normal(size=shape) for shape in zip(layers[1:], layers[:-1], strict=True)]
    return bs.BS4NN.from_weights(weights, scale=1.0, threshold=5.0, t_max=t_max).pack()


def figures() -> dict[str, Figure]:
    """One of each figure, with small data."""
    _, test = bs.datasets.mnist()
    return {
        "latency": bs.figures.LatencyFigure(test.images[:2], test.labels[:2]),
        "latent": bs.figures.LatentFigure(),
        "network": bs.figures.NetworkFigure(
            a_network(784, 20, 10), test.images[:2], test.labels[:2]
        ),
        "neuron": bs.figures.NeuronFigure(),
        "packing": bs.figures.PackingFigure(),
        "race": bs.figures.RaceFigure(),
        "targets": bs.figures.TargetsFigure(),
    }


def test_there_is_an_example_of_every_figure() -> None:
    assert list(figures()) == MODULES


@needs_node
@pytest.mark.parametrize("name", MODULES)
def test_a_bundle_is_one_module(name: str, tmp_path: Path) -> None:
    text = bundle(name)
    assert "import " not in text.replace(" * ", "")
    assert "</script" not in text
    whole = tmp_path / "bundle.mjs"
    whole.write_text(text, "utf8")
    program = f"const m = await import('{whole.as_uri()}'); console.log(typeof m.default.render)"
    assert node("--input-type=module", "-e", program).strip() == "function"


def test_figures_say_in_a_text_what_they_are() -> None:
    for figure in figures().values():
        shown = figure._repr_mimebundle_()
        assert shown is not None
        text = shown[0]["text/plain"]
        assert text.startswith(f"{type(figure).__name__}: ")
        assert "interactive in HTML and in Jupyter" in text


def test_figures_compute_from_what_the_reader_did() -> None:
    _, test = bs.datasets.mnist()
    neuron = bs.figures.NeuronFigure()
    assert neuron.trace.spike_time == 7
    neuron.weights = [3, 2, -3]
    assert not neuron.trace.fired
    latency = bs.figures.LatencyFigure(test.images[:1], test.labels[:1], t_max=16)
    latency.image = test.images[1]
    np.testing.assert_array_equal(latency.image, test.images[1])
    expected = bs.latency_code(test.images[1:2], t_max=16)[0]
    np.testing.assert_array_equal(latency.spike_times, expected)
    race = bs.figures.RaceFigure(label=2)
    assert not race.counted_right
    race.times = [8, 8, 8]
    assert race.spike_times.tolist() == [8, 8, 8]
    assert race.decisions["unique"] == -1
    targets = bs.figures.TargetsFigure([16, 16], all_silent="ignore")
    assert not targets.error.any()
    targets.all_silent = "teach"
    assert targets.targets.tolist() == [13, 16]
    packing = bs.figures.PackingFigure()
    packing.signs = [1] * 8
    assert (packing.byte, packing.sum) == (255, 5)


def test_figures_say_what_does_not_fit() -> None:
    with pytest.raises(ValueError, match="one entry per input"):
        bs.figures.NeuronFigure([1, 2], [1, 2, 3])
    with pytest.raises(ValueError, match=r"labels must lie in 0\.\.2"):
        bs.figures.RaceFigure(label=3)
    with pytest.raises(ValueError, match=r"must have two rows, got shape \(3, 1\)"):
        bs.figures.LatentFigure([[0.1], [0.2], [0.3]], [1])
    with pytest.raises(TypeError, match="LatentFigure: latent must be real numbers"):
        bs.figures.LatentFigure([[0.1], [0.2, 0.3]], [1])
    with pytest.raises(traitlets.TraitError, match="'fired' trait"):
        bs.figures.PackingFigure(fired=[True])
    with pytest.raises(traitlets.TraitError, match="'all_silent' trait"):
        bs.figures.TargetsFigure(all_silent="whisper")


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


@pytest.mark.parametrize("t_max", [16, 300])
def test_the_network_figure_keeps_the_window_of_the_network(t_max: int) -> None:
    _, test = bs.datasets.mnist()
    net = a_network(784, 20, 10, t_max=t_max)
    figure = bs.figures.NetworkFigure(net, test.images[:1], test.labels[:1])
    for image in test.images[:20]:
        figure.image = image
        assert figure.decision_time == net.spike_times(image[None])[-1].min()
        assert figure.step == min(figure.decision_time, t_max - 1)


def test_the_network_figure_packs_what_is_not_packed() -> None:
    _, test = bs.datasets.mnist()
    small = a_network(784, 20, 10)
    shown, expected = (
        bs.figures.NetworkFigure(net, test.images[:1], test.labels[:1])
        for net in (small.unpack(), small)
    )
    assert shown.network == expected.network
    assert shown.answer == expected.answer


RAGGED: Any = [[1, 2], [3]]


@pytest.mark.parametrize("kind", ["LatencyFigure", "NetworkFigure"])
def test_pictures_to_pick_from_say_what_does_not_fit(kind: str) -> None:
    _, test = bs.datasets.mnist()
    images = test.images[:2]

    def make(images: Any, labels: Any) -> Any:
        network = [a_network(784, 20, 10)] if kind == "NetworkFigure" else []
        return getattr(bs.figures, kind)(*network, images, labels)

    with pytest.raises(ValueError, match=f"^{kind}: images must be an array; its rows differ"):
        make(RAGGED, [1, 2])
    with pytest.raises(ValueError, match=f"^{kind}: labels must be an array; its rows differ"):
        make(images, RAGGED)
    with pytest.raises(ValueError, match=rf"^{kind}: .* and labels of shape \(\)$"):
        make(images, 5)
    with pytest.raises(TypeError, match=f"^{kind}: labels must be whole numbers, got object"):
        make(images, [None, None])
    with pytest.raises(ValueError, match=rf"^{kind}\.image: image must be an array; its rows"):
        make(images, [1, 2]).image = RAGGED


def test_the_network_figure_says_what_it_cannot_show() -> None:
    _, test = bs.datasets.mnist()
    with pytest.raises(ValueError, match=r"the layers \(784, n, 10\), got \(784, 20, 9\)"):
        bs.figures.NetworkFigure(a_network(784, 20, 9), test.images[:1], test.labels[:1])
    with pytest.raises(ValueError, match=r"got \(2, 28, 28\) and labels of shape \(1,\)"):
        bs.figures.NetworkFigure(a_network(784, 20, 10), test.images[:2], test.labels[:1])
    other: Any = bs.S4NN((784, 20, 10))
    with pytest.raises(TypeError, match="must be a PackedBS4NN or a BS4NN, got S4NN"):
        bs.figures.NetworkFigure(other, test.images[:1], test.labels[:1])


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
