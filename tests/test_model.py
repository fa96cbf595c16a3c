"""S4NN and BS4NN from the outside: settings, predictions, evaluation, and every message."""

import re
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import minibs4nn as bs
from minibs4nn.errors import BackendError, NotTrainedError
from minibs4nn.kernels import gpu_probe

Array = npt.NDArray[Any]
Net = bs.S4NN | bs.BS4NN
TRAIN, TEST = bs.datasets.bars(300, size=4, noise=0.3, seed=1)
KINDS = pytest.mark.parametrize("cls", [bs.S4NN, bs.BS4NN])
BACKENDS = pytest.mark.parametrize("backend", ["numpy", "numba"])


def network(cls: type[Net], layers: tuple[int, ...] = (16, 12, 8), **settings: Any) -> Net:
    """A network with weights at random: many ties, some silence, some right answers."""
    rng = np.random.default_rng(3)
    sizes = zip(layers[1:], layers[:-1], strict=True)
    weights = [rng.uniform(-0.4, 1, shape).round(1) for shape in sizes]
    settings = {"threshold": 0.9 if cls is bs.S4NN else 1.0} | settings
    if cls is bs.BS4NN:
        settings = {"scale": 1.0} | settings
    return cls.from_weights(weights, **settings)


# --- evaluation ----------------------------------------------------------------------------------


@pytest.mark.parametrize("batch", [2000, 7])
@pytest.mark.parametrize("layers", [(16, 8), (16, 12, 8), (16, 12, 10, 8)])
@BACKENDS
@KINDS
def test_an_evaluation_against_loops(
    cls: type[Net], backend: str, layers: tuple[int, ...], batch: int, monkeypatch: Any
) -> None:
    monkeypatch.setattr("minibs4nn.model.BATCH", batch)
    net = network(cls, layers, backend=backend)
    images, labels = TEST.images[:100], TEST.labels[:100]
    got = net.evaluate(images, labels)
    times = bs.latency_code(images)
    heard = [times, *net.spike_times(images)]
    weights, thresholds = net.weights_, net.parameters.forward_thresholds
    right = published = tied = silent = decided = spikes = operations = 0
    for n, label in enumerate(labels):
        out = heard[-1][n]
        before = heard[-2][n : n + 1]
        first = out.min()
        earliest = np.flatnonzero(out == first)
        late = bs.potential_at(before, weights[-1], 253)[0]
        _, potential = bs.layer_spike_times(before, weights[-1], thresholds[-1])
        excess = (potential[0] - thresholds[-1]).tolist()
        best = max(earliest, key=lambda j: (excess[j], -j))
        right += best == label
        published += late.argmax() == label if first == 256 else label in earliest
        tied += first < 256 and earliest.size > 1
        silent += first == 256
        decided += int(first)
        for k, layer in enumerate(heard):
            fired = bs.to_raster(layer[n]).sum()
            spikes += fired
            operations += fired * layers[k + 1] if k + 1 < len(layers) else 0
    assert got.n == 100
    assert got.accuracy == right / 100
    assert got.published_accuracy == published / 100
    assert got.tied == tied / 100
    assert got.silent == silent / 100
    assert got.decision_time == decided / 100
    assert got.spikes == spikes / 100
    assert got.synaptic_operations == operations / 100
    assert got.tied > 0


@BACKENDS
@KINDS
def test_strict_accuracy_is_the_share_of_right_predictions(cls: type[Net], backend: str) -> None:
    for threshold in (0.5, 2.0, 5.0, 100.0):  # from many ties to nothing but silence
        net = network(cls, threshold=threshold, backend=backend)
        got = net.evaluate(TEST.images, TEST.labels)
        assert got.accuracy == (net.predict(TEST.images) == TEST.labels).mean()
        assert got.accuracy <= got.published_accuracy or got.silent > 0
    assert got.silent == 1.0
    assert got.decision_time == 256


def test_the_two_counters_differ_where_outputs_tie() -> None:
    net = bs.S4NN.from_weights([np.ones((8, 16))], threshold=0.5)
    got = net.evaluate(TEST.images, TEST.labels)
    assert got.published_accuracy == 1.0  # all fire together, and the label is among them
    assert got.accuracy == (TEST.labels == 0).mean()
    assert got.tied == 1.0


def test_silence_is_decided_by_the_potential_above_threshold() -> None:
    net = bs.S4NN.from_weights([[[1.0], [2.0], [3.0]]], threshold=[[10.0, 10.0, 12.0]])
    # Potentials 1, 2, 3 are below their thresholds by 9, 8, 9.
    white = np.full((1, 1), 255, np.uint8)
    assert net.predict(white).tolist() == [1]
    assert net.evaluate(white, [1]).silent == 1.0
    # The authors' counter takes the largest potential, thresholds or not.
    assert net.evaluate(white, [1]).published_accuracy == 0.0
    assert net.evaluate(white, [2]).published_accuracy == 1.0


def test_the_published_counter_looks_at_the_potential_three_steps_before_the_end() -> None:
    """A spike at step 254 is too late to be counted, one at 253 is not."""
    net = bs.S4NN.from_weights([[[1.0, 0.0], [0.0, 2.0]]], threshold=10.0)
    for late, right in ((253, 1.0), (254, 0.0)):
        times = np.array([[5, late]], np.int16)
        assert net.evaluate(times, [1]).published_accuracy == right
        assert net.evaluate(times, [1]).accuracy == 1.0


def test_an_evaluation_reads_as_a_sentence_and_as_a_dictionary() -> None:
    got = network(bs.S4NN).evaluate(TEST.images, TEST.labels)
    sentence = str(got)
    assert sentence.startswith(f"accuracy {got.accuracy:.2%} (published counter ")
    assert f"{got.published_accuracy:.2%}), tied {got.tied:.2%}, silent" in sentence
    assert sentence.endswith("(300 images)")
    assert bs.Evaluation(**got.as_dict()) == got  # type: ignore[arg-type]


# --- predictions ---------------------------------------------------------------------------------


@BACKENDS
@KINDS
def test_nothing_in_nothing_out(cls: type[Net], backend: str) -> None:
    net = network(cls, backend=backend)
    nothing = np.empty((0, 4, 4), np.uint8)
    assert net.predict(nothing).shape == (0,)
    assert net.predict(nothing).dtype == np.int64
    assert [layer.shape for layer in net.spike_times(nothing)] == [(0, 12), (0, 8)]
    assert all(layer.dtype == np.int16 for layer in net.spike_times(nothing))


@KINDS
def test_images_and_their_spike_times_are_the_same_to_a_network(cls: type[Net]) -> None:
    net = network(cls)
    times = bs.latency_code(TEST.images)
    assert np.array_equal(net.predict(times), net.predict(TEST.images))
    assert np.array_equal(net.predict(TEST.images.reshape(300, 16)), net.predict(TEST.images))
    assert net.evaluate(times, TEST.labels) == net.evaluate(TEST.images, TEST.labels)


@KINDS
def test_spike_times_are_those_of_the_functions(cls: type[Net]) -> None:
    net = network(cls)
    wanted, _ = bs.network_spike_times(
        bs.latency_code(TEST.images), net.weights_, net.parameters.forward_thresholds
    )
    for layer, other in zip(net.spike_times(TEST.images), wanted, strict=True):
        assert np.array_equal(layer, other)


@KINDS
def test_what_is_given_stays_as_it_was(cls: type[Net]) -> None:
    weights = [np.full((3, 4), 0.5), np.full((2, 3), -0.5)]
    scale: dict[str, Any] = {"scale": np.ones(2)} if cls is bs.BS4NN else {}
    thresholds = [np.ones(3), np.ones(2)]
    net = cls.from_weights(weights, threshold=thresholds, **scale)
    images = np.arange(40, dtype=np.uint8).reshape(10, 4)
    labels = np.arange(10) % 2
    images.flags.writeable = labels.flags.writeable = False
    rule = bs.RelativeTarget(weight_decay=0.1, reset_dead=0.5)
    net.fit(images, labels, epochs=2, rule=rule, progress=False)
    assert all((w == v).all() for w, v in zip(weights, (0.5, -0.5), strict=True))
    assert all((theta == 1).all() for theta in thresholds)
    assert all((value == 1).all() for value in scale.values())


# --- weights -------------------------------------------------------------------------------------


def test_weights_in_every_form_they_come_in() -> None:
    matrix = [[0.5, -0.5], [0.25, 1.0], [0.0, -1.0]]
    for form in (
        matrix,
        np.array(matrix),
        np.array(matrix)[:, :, None],
        np.array(matrix, np.float32),
    ):
        s4nn = bs.S4NN.from_weights([form], threshold=1.0)
        assert s4nn.layers == (2, 3)
        assert s4nn.weights_[0].dtype == np.float64
        assert s4nn.weights_[0].tolist() == matrix
        bs4nn = bs.BS4NN.from_weights([form], threshold=1.0, scale=2.0)
        assert bs4nn.weights_[0].dtype == np.int8
        assert bs4nn.weights_[0].tolist() == [[1, -1], [1, 1], [1, -1]]
        assert bs4nn.latent_weights_[0].tolist() == matrix
    signs = np.array([[1, -1], [-1, 1]], np.int8)
    assert bs.BS4NN.from_weights([signs], scale=1.0).weights_[0].tolist() == signs.tolist()


def test_thresholds_and_scales_in_every_form_they_come_in() -> None:
    for threshold in (3, 3.0, np.float32(3), np.array(3.0), [3.0, [3.0] * 8], np.array([3.0, 3.0])):
        net = bs.S4NN((16, 12, 8), threshold=threshold, seed=0)  # type: ignore[arg-type]
        net.fit(TRAIN.images, TRAIN.labels, epochs=0, progress=False)
        assert [theta.tolist() for theta in net.thresholds_] == [[3.0] * 12, [3.0] * 8]
    for scale in (5, np.float64(5), [5, 5.0], np.array([5, 5])):
        bs4nn = bs.BS4NN((16, 12, 8), scale=scale)
        bs4nn.fit(TRAIN.images, TRAIN.labels, epochs=0, progress=False)
        assert bs4nn.scale_.tolist() == [5, 5]


@KINDS
def test_what_is_learned_is_read_only_and_does_not_change_later(cls: type[Net]) -> None:
    net = network(cls)
    names = ["weights_", "thresholds_"] + ["latent_weights_"] * (cls is bs.BS4NN)
    kept = {name: (getattr(net, name), [a.copy() for a in getattr(net, name)]) for name in names}
    if cls is bs.BS4NN:
        kept["scale_"] = ([net.scale_], [net.scale_.copy()])  # type: ignore[union-attr]
    net.fit(TRAIN.images, TRAIN.labels, epochs=1, progress=False)
    for given, copies in kept.values():
        for array, before in zip(given, copies, strict=True):
            assert np.array_equal(array, before)
            with pytest.raises(ValueError, match="read-only"):
                array[0] = 0


def test_initial_weights_are_drawn_from_their_range() -> None:
    net = bs.S4NN((16, 12, 8), initial_weights=[(1, 2), (-4, -3)], seed=4)
    net.fit(TRAIN.images, TRAIN.labels, epochs=0, progress=False)
    hidden, output = net.weights_
    assert 1 <= hidden.min() < 1.1 < 1.9 < hidden.max() <= 2
    assert -4 <= output.min() < -3.9 < -3.1 < output.max() <= -3
    published = bs.BS4NN((16, 12, 8), seed=4)
    published.fit(TRAIN.images, TRAIN.labels, epochs=0, progress=False)
    hidden, output = published.latent_weights_
    assert 0 <= hidden.min() < 4.5 < hidden.max() <= 5
    assert 0 <= output.min() < 40 < output.max() <= 48
    assert published.scale_.tolist() == [5, 5]
    assert {float(theta) for layer in published.thresholds_ for theta in layer} == {100.0}


# --- backends ------------------------------------------------------------------------------------


def test_backends_say_what_is_usable() -> None:
    found = bs.backends()
    assert list(found) == ["numpy", "numba", "cupy"]
    assert found["numpy"] == (True, f"NumPy {np.__version__}, the reference")
    assert found["numba"].usable
    assert "compiled for the CPU" in found["numba"].detail


def test_auto_falls_back_to_numpy_where_numba_is_not_installed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    net = network(bs.S4NN)
    assert net.kernels.__name__ == "minibs4nn.kernels.cpu"  # type: ignore[attr-defined]
    compiled = net.predict(TEST.images)
    monkeypatch.setitem(sys.modules, "numba", None)
    assert net.kernels.__name__ == "minibs4nn.kernels.reference"  # type: ignore[attr-defined]
    assert np.array_equal(net.predict(TEST.images), compiled)
    message = "backend='numba' needs Numba: Numba cannot be imported: "
    with pytest.raises(BackendError, match=f"^{re.escape(message)}") as error:
        network(bs.S4NN, backend="numba").predict(TEST.images)
    assert str(error.value).endswith("(pip install numba). Available here: numpy")


@KINDS
def test_cupy_is_an_error_where_it_cannot_be_had(
    cls: type[Net], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = gpu_probe.Found(None, "CuPy is not installed (pip install 'minibs4nn[gpu]')")
    monkeypatch.setattr(gpu_probe, "usable_gpu", lambda: found)
    message = (
        "backend='cupy' needs CuPy and a CUDA device: CuPy is not installed (pip install "
        "'minibs4nn[gpu]'). Available here: numpy, numba"
    )
    net = network(cls, backend="cupy")
    calls: list[Callable[[], object]] = [
        lambda: net.predict(TEST.images),
        lambda: net.evaluate(TEST.images, TEST.labels),
        lambda: net.spike_times(TEST.images),
        lambda: net.fit(TRAIN.images, TRAIN.labels, epochs=1, progress=False),
    ]
    for call in calls:
        with pytest.raises(BackendError, match=f"^{re.escape(message)}$"):
            call()


# --- errors --------------------------------------------------------------------------------------


@KINDS
@pytest.mark.parametrize(
    "method",
    ["predict", "evaluate", "spike_times", "save", "weights_", "thresholds_", "parameters"],
)
def test_a_network_that_was_never_trained(cls: type[Net], method: str, tmp_path: Any) -> None:
    net = cls((16, 12, 8))
    arguments: dict[str, tuple[Any, ...]] = {
        "predict": (TEST.images,),
        "evaluate": (TEST.images, TEST.labels),
        "spike_times": (TEST.images,),
        "save": (tmp_path / "net.npz",),
    }
    message = (
        f"{cls.__name__}.{method}: this network has not been trained; call fit() or "
        "minibs4nn.load()"
    )
    with pytest.raises(NotTrainedError, match=f"^{re.escape(message)}$"):
        getattr(net, method)(*arguments[method])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["latent_weights_", "scale_"])
def test_a_bs4nn_that_was_never_trained(name: str) -> None:
    message = f"BS4NN.{name}: this network has not been trained; call fit() or minibs4nn.load()"
    with pytest.raises(NotTrainedError, match=f"^{re.escape(message)}$"):
        getattr(bs.BS4NN((16, 8)), name)


ONE: list[Any] = [[[1.0, 2.0]]]
LAYERS = "layers must be two or more sizes, input first, such as (784, 600, 10), got "
ERRORS: list[tuple[Callable[[], object], type[Exception], str]] = [
    (lambda: bs.S4NN((784,)), ValueError, f"S4NN: {LAYERS}(784,)"),
    (lambda: bs.BS4NN(784), ValueError, f"BS4NN: {LAYERS}784"),  # type: ignore[arg-type]
    (lambda: bs.S4NN((784, 0, 10)), ValueError, f"S4NN: {LAYERS}(784, 0, 10)"),
    (lambda: bs.S4NN((784, 10.0)), ValueError, f"S4NN: {LAYERS}(784, 10.0)"),  # type: ignore[arg-type]
    (lambda: bs.S4NN((784, True)), ValueError, f"S4NN: {LAYERS}(784, True)"),
    (lambda: bs.S4NN("ab"), ValueError, f"S4NN: {LAYERS}'ab'"),  # type: ignore[arg-type]
    (
        lambda: bs.S4NN((4, 2), seed=-1),
        ValueError,
        "S4NN: seed must be a whole number from 0, got -1",
    ),
    (
        lambda: bs.BS4NN((4, 2), seed=0.5),  # type: ignore[arg-type]
        ValueError,
        "BS4NN: seed must be a whole number from 0, got 0.5",
    ),
    (
        lambda: bs.BS4NN((4, 2), t_max=0),
        ValueError,
        "BS4NN: t_max must be a whole number of time steps from 1 to 32767, got 0",
    ),
    (
        lambda: bs.BS4NN((4, 2), backend="gpu"),
        ValueError,
        "BS4NN: backend must be one of 'auto', 'numpy', 'numba', 'cupy'; got 'gpu'",
    ),
    (
        lambda: bs.S4NN((4, 3, 2), threshold=[1.0]),
        ValueError,
        "S4NN: threshold must be one number, or one entry for each of the 2 layers after the "
        "input, got 1 entries",
    ),
    (
        lambda: bs.S4NN((4, 3, 2), threshold=[[1.0, 2.0], 1.0]),
        ValueError,
        "S4NN: threshold must be one number, or one for each of the 3 neurons, got array([1., 2.])",
    ),
    (
        lambda: bs.S4NN((4, 2), threshold=np.inf),
        ValueError,
        "S4NN: threshold must be finite numbers, found NaN or infinity",
    ),
    (
        lambda: bs.S4NN((4, 2), threshold="5"),
        TypeError,
        "S4NN: threshold must be real numbers, got ",
    ),
    (
        lambda: bs.S4NN((4, 2), threshold=None),  # type: ignore[arg-type]
        TypeError,
        "S4NN: threshold must be real numbers, got ",
    ),
    (
        lambda: bs.S4NN((4, 3, 2), initial_weights=[(0, 1)]),
        ValueError,
        "S4NN: initial_weights must be 2 pairs (low, high), one per layer after the input, got "
        "[(0, 1)]",
    ),
    (
        lambda: bs.S4NN((4, 2), initial_weights=[(1, 0)]),
        ValueError,
        "S4NN: initial_weights must be 1 pairs (low, high), one per layer after the input, got "
        "[(1, 0)]",
    ),
    (
        lambda: bs.S4NN((4, 2), initial_weights=[(0, 10**400)]),
        TypeError,
        "S4NN: initial_weights must be real numbers, got ",
    ),
    (
        lambda: bs.BS4NN((4, 2), scale=0),
        ValueError,
        "BS4NN: scale must be a positive number, or one for each of the 1 layers after the input, "
        "got 0",
    ),
    (
        lambda: bs.BS4NN((4, 3, 2), scale=[1, 2, 3]),
        ValueError,
        "BS4NN: scale must be a positive number, or one for each of the 2 layers after the input, "
        "got [1, 2, 3]",
    ),
    (
        lambda: bs.BS4NN((4, 2), scale=np.nan),
        ValueError,
        "BS4NN: scale must be finite numbers, found NaN or infinity",
    ),
    (
        lambda: bs.BS4NN((4, 2), scale="5"),
        TypeError,
        "BS4NN: scale must be real numbers, got '5'",
    ),
    (
        lambda: bs.S4NN.from_weights([]),
        ValueError,
        "S4NN.from_weights: weights must be a list of matrices, one per layer",
    ),
    (
        lambda: bs.S4NN.from_weights(None),  # type: ignore[arg-type]
        ValueError,
        "S4NN.from_weights: weights must be a list of matrices, one per layer",
    ),
    (
        lambda: bs.S4NN.from_weights([[[1.0], [1.0, 2.0]]]),
        ValueError,
        "S4NN.from_weights: weights must be an array; its rows differ in length",
    ),
    (
        lambda: bs.S4NN.from_weights([[1.0, 2.0]]),
        ValueError,
        "S4NN.from_weights: weights must have shape (n_out, n_in), got (2,)",
    ),
    (
        lambda: bs.S4NN.from_weights([[[np.nan, 2.0]]]),
        ValueError,
        "S4NN.from_weights: weights must be finite numbers, found NaN or infinity",
    ),
    (
        lambda: bs.S4NN.from_weights([[["1", "2"]]]),
        TypeError,
        "S4NN.from_weights: weights must be real numbers, got ",
    ),
    (
        lambda: bs.S4NN.from_weights([ONE[0], [[1.0, 2.0]]]),
        ValueError,
        "S4NN.from_weights: a layer of 1 neurons is followed by weights of shape (1, 2); its "
        "second axis must be 1",
    ),
    (
        lambda: bs.BS4NN.from_weights(ONE, scale=-1.0),
        ValueError,
        "BS4NN.from_weights: scale must be a positive number, or one for each of the 1 layers",
    ),
    (
        lambda: bs.BS4NN.from_weights([np.array([[True, False]])], scale=1.0),
        TypeError,
        "BS4NN.from_weights: weights must be numbers, such as +1 and -1, not True and False",
    ),
    (
        lambda: bs.BS4NN.from_weights([[[1, 0], [0, 1]]], scale=1.0),
        ValueError,
        "BS4NN.from_weights: these weights are whole numbers 0 and 1; a sign is +1 or -1, and a 0 "
        "would be heard as +1: use 2 * w - 1",
    ),
    (
        lambda: bs.S4NN.from_weights(ONE).evaluate_inputs(
            np.zeros((1, 8), np.int16), np.zeros(1, np.int64)
        ),
        ValueError,
        "S4NN.evaluate_inputs: images have 8 pixels, but layers[0] is 2",
    ),
    (
        lambda: bs.S4NN.from_weights([np.ones((1, 6))]).predict(np.zeros((2, 3), np.uint8)),
        ValueError,
        "S4NN.predict: images have 3 pixels, but layers[0] is 6; for one image use image[None]",
    ),
    (
        lambda: bs.S4NN.from_weights(ONE, backend="fast"),
        ValueError,
        "S4NN: backend must be one of 'auto', 'numpy', 'numba', 'cupy'; got 'fast'",
    ),
    (
        lambda: bs.S4NN.from_weights(ONE).predict(np.zeros((3, 5), np.uint8)),
        ValueError,
        "S4NN.predict: images have 5 pixels, but layers[0] is 2",
    ),
    (
        lambda: bs.S4NN.from_weights(ONE).predict(np.zeros((3, 2))),
        TypeError,
        "S4NN.predict: images must be uint8 grey levels 0..255, got float64; for floats in [0, 1] "
        "use (255 * x).astype('uint8')",
    ),
    (
        lambda: bs.S4NN.from_weights(ONE).predict(np.zeros(2, np.uint8)),
        ValueError,
        "S4NN.predict: images must have shape (n, height, width) or (n, pixels), got (2,); for "
        "one image use image[None]",
    ),
    (
        lambda: bs.S4NN.from_weights(ONE).predict(np.full((1, 2), 257, np.int16)),
        ValueError,
        "S4NN.predict: spike times must lie in 0..256 (256 = silent), got 257 to 257",
    ),
    (
        lambda: bs.S4NN.from_weights(ONE).predict(np.zeros(2, np.int16)),
        ValueError,
        "S4NN.predict: spike times must have shape (n, 2), got (2,)",
    ),
    (
        lambda: bs.S4NN.from_weights(ONE).predict(np.zeros((), np.int16)),
        ValueError,
        "S4NN.predict: spike times must have shape (n, 2), got ()",
    ),
    (
        lambda: bs.S4NN.from_weights(ONE).predict(np.zeros((1, 2, 1), np.int16)),
        ValueError,
        "S4NN.predict: spike times must have shape (n, 2), got (1, 2, 1)",
    ),
    (
        lambda: bs.S4NN.from_weights(ONE).predict([[1, 2], [3]]),
        ValueError,
        "S4NN.predict: images must be an array; its rows differ in length",
    ),
    (
        lambda: bs.BS4NN.from_weights(ONE, scale=1.0).evaluate(np.zeros((3, 2), np.uint8), [0, 0]),
        ValueError,
        "BS4NN.evaluate: 3 images need 3 labels, got labels of shape (2,)",
    ),
    (
        lambda: bs.BS4NN.from_weights(ONE, scale=1.0).evaluate(np.zeros((1, 2), np.uint8), [1]),
        ValueError,
        "BS4NN.evaluate: labels must lie in 0..0 (the network has 1 output neurons), got 1 to 1",
    ),
    (
        lambda: bs.S4NN.from_weights(ONE).evaluate(np.zeros((0, 2), np.uint8), np.zeros(0, int)),
        ValueError,
        "S4NN.evaluate: there are no images to judge by",
    ),
]


@pytest.mark.parametrize(("call", "error", "message"), ERRORS)
def test_errors(call: Callable[[], object], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=f"^{re.escape(message)}"):
        call()


def test_from_weights_keeps_scale_and_seed() -> None:
    net = bs.BS4NN.from_weights([np.eye(3)], scale=2.5, threshold=1.0, seed=7)
    assert (net.seed, net.scale.tolist()) == (7, [2.5])
    assert bs.S4NN.from_weights([np.eye(3)], seed=8).seed == 8
