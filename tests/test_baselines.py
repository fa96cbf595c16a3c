"""The plain binarized network: its arithmetic, its gradient, its learning, its files."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

import minibs4nn as bs
from minibs4nn.baselines import _gradients, _sign
from minibs4nn.errors import NotTrainedError

train, test = bs.datasets.bars(n=400, seed=0)
LAYERS = (train.images[0].size, 32, int(train.labels.max()) + 1)


def learned(labels: npt.NDArray[np.int64]) -> bs.BNN:
    rule = bs.StraightThrough(learning_rate=0.01, batch_size=10)
    return bs.BNN(LAYERS, seed=0).fit(train.images, labels, epochs=10, rule=rule, progress=False)


@pytest.fixture(scope="module")
def net() -> bs.BNN:
    return learned(train.labels)


def test_forward_is_the_plain_definition(net: bs.BNN) -> None:
    x = test.images.reshape(len(test.images), -1) / 127.5 - 1
    w0, w1 = net.weights_
    hidden = np.where(x @ w0.T / np.sqrt(w0.shape[1]) < 0, -1, 1)
    sums = hidden @ w1.T
    assert (net.predict(test.images) == sums.argmax(axis=1)).all()


def test_forward_refuses_what_it_cannot_read(net: bs.BNN) -> None:
    with pytest.raises(NotTrainedError, match=r"^BNN\.forward: this network has not been trained"):
        bs.BNN(LAYERS).forward(test.images)
    with pytest.raises(
        TypeError, match=r"^BNN\.forward: images must be uint8 grey levels 0\.\.255"
    ):
        net.forward(test.images / 255)  # type: ignore[arg-type]
    with pytest.warns(UserWarning, match=r"^BNN\.forward: no pixel is brighter than 1 of 255"):
        net.forward(test.images // 255)
    sums, activations = net.forward(test.images)
    assert (sums[-1].argmax(axis=1) == net.predict(test.images)).all()
    assert len(activations) == 2


def test_layers_may_come_from_a_generator() -> None:
    assert bs.BNN(map(int, "643")).layers == (6, 4, 3)  # type: ignore[arg-type]


def test_weights_are_signs_and_zero_is_plus_one(net: bs.BNN) -> None:
    for signs, latent in zip(net.weights_, net.latent_weights_, strict=True):
        assert signs.dtype == np.int8
        assert (signs == np.where(latent < 0, -1, 1)).all()
        assert np.abs(latent).max() <= 1
    assert _sign(np.array([0.0, -0.0, -1e-30], np.float32)).tolist() == [1, 1, -1]


def test_gradient_of_the_output_layer_against_finite_differences() -> None:
    rng = np.random.default_rng(0)
    signs = [rng.choice([-1.0, 1.0], (3, 5)).astype(np.float32)]
    x = rng.normal(size=(4, 5)).astype(np.float32)
    labels = np.array([0, 2, 1, 2])

    def loss(w: npt.NDArray[np.float64]) -> float:
        sums = x.astype(np.float64) @ w.T / np.sqrt(5)
        sums -= sums.max(axis=1, keepdims=True)
        log = sums - np.log(np.exp(sums).sum(axis=1, keepdims=True))
        return float(-log[np.arange(4), labels].mean())

    sums = [(x @ signs[0].T / np.sqrt(5)).astype(np.float32)]
    (found,) = _gradients(sums, [x], signs, labels)
    w = signs[0].astype(np.float64)
    for index in np.ndindex(3, 5):
        step = np.zeros((3, 5))
        step[index] = 1e-5
        slope = (loss(w + step) - loss(w - step)) / 2e-5
        assert found[index] == pytest.approx(slope, abs=1e-5)


def test_the_hidden_gradient_stops_where_the_sign_is_saturated() -> None:
    signs = [np.ones((2, 4), np.float32), np.array([[1, -1], [-1, 1]], np.float32)]
    x = np.array([[1, 1, 1, 0.5]], np.float32)  # both hidden sums are 1.75: outside of -1..1
    hidden = np.full((1, 2), 1.75, np.float32)
    sums = [hidden, np.zeros((1, 2), np.float32)]
    first, last = _gradients(sums, [x, np.ones((1, 2), np.float32)], signs, np.array([0]))
    assert not first.any()
    assert last.any()
    sums[0] = np.full((1, 2), 0.9, np.float32)
    first, _ = _gradients(sums, [x, np.ones((1, 2), np.float32)], signs, np.array([0]))
    assert first.any()


def test_it_learns_and_shuffled_labels_teach_nothing(net: bs.BNN) -> None:
    assert net.evaluate(test.images, test.labels).accuracy > 0.85
    fooled = learned(np.random.default_rng(0).permutation(train.labels))
    assert fooled.evaluate(test.images, test.labels).accuracy < 0.3


def test_evaluation_counts_ties_and_has_no_spikes(net: bs.BNN) -> None:
    e = net.evaluate(test.images, test.labels)
    sums, _ = net.forward(test.images.reshape(len(test.images), -1))
    largest = sums[-1] == sums[-1].max(axis=1, keepdims=True)
    assert e.tied == np.mean(largest.sum(axis=1) > 1)
    assert e.published_accuracy == np.mean(largest[np.arange(len(largest)), test.labels])
    assert e.accuracy == np.mean(net.predict(test.images) == test.labels) <= e.published_accuracy
    assert (e.silent, e.decision_time, e.spikes) == (0, 0, 0)
    assert e.synaptic_operations == LAYERS[0] * LAYERS[1] + LAYERS[1] * LAYERS[2]


def test_resuming_gives_the_same_bits(tmp_path: Path) -> None:
    whole = bs.BNN(LAYERS, seed=3).fit(train.images, train.labels, epochs=4, progress=False)
    half = bs.BNN(LAYERS, seed=3).fit(train.images, train.labels, epochs=2, progress=False)
    half.save(tmp_path / "half.npz")
    again = bs.load(tmp_path / "half.npz").fit(train.images, train.labels, epochs=4, progress=False)
    assert isinstance(again, bs.BNN)
    for ours, theirs in zip(whole.latent_weights_, again.latent_weights_, strict=True):
        assert (ours == theirs).all()
    assert again.history_["accuracy"].tolist() == whole.history_["accuracy"].tolist()


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ({"learning_rate": 0.0}, "learning_rate must be positive, got 0.0"),
        ({"batch_size": 0}, "batch_size must be a whole number of images from 1, got 0"),
        ({"batch_size": 2.5}, "batch_size must be a whole number of images from 1, got 2.5"),
    ],
)
def test_bad_settings_are_named(numbers: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        bs.StraightThrough(**numbers)  # type: ignore[arg-type]


def test_untrained_and_wrong_images() -> None:
    fresh = bs.BNN(LAYERS)
    with pytest.raises(bs.errors.NotTrainedError, match=r"BNN\.predict: this network has not been"):
        fresh.predict(test.images)
    assert not hasattr(fresh, "weights_")
    with pytest.raises(ValueError, match=r"images have 784 pixels, but layers\[0\] is 64"):
        fresh.fit(np.zeros((2, 28, 28), np.uint8), np.zeros(2, int), epochs=1)


def test_predictions_are_sums_of_whole_numbers_exact_in_any_order() -> None:
    rng = np.random.default_rng(0)
    net = bs.BNN((784, 30, 10), seed=1)
    net.initialise()
    pixels = rng.integers(0, 256, (20, 784), dtype=np.uint8)
    sums, _ = net.forward(pixels)
    first = (2 * pixels.astype(np.int64) - 255) @ net.weights_[0].astype(np.int64).T
    np.testing.assert_array_equal(sums[0], first.astype(np.float32) / np.float32(255 * 28))
    hidden = np.where(first < 0, -1, 1)
    exact = hidden @ net.weights_[1].astype(np.int64).T
    assert (net.predict(pixels) == exact.argmax(axis=1)).all()
