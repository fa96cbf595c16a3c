"""The right answers of chapters 05 to 07 are what ``fit`` does to a network."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import minibs4nn as bs
from minibs4nn.course import find
from minibs4nn.targets import normalise, relative_targets, time_error

pytestmark = pytest.mark.filterwarnings("ignore:.*of the hidden neurons never fired")


def fitted(net: Any, times: Any, labels: Any, rule: bs.RelativeTarget, epochs: int = 1) -> Any:
    """Return the network after some epochs, image by image, in the order of the file."""
    images = np.asarray(times, dtype=np.int16)
    return net.fit(images, labels, epochs=epochs, rule=replace(rule, order="file"), progress=False)


@pytest.mark.parametrize("seed", range(5))
def test_the_epoch_of_06_is_that_of_fit(seed: int) -> None:
    for case in find("06.1").cases(seed)[::5]:
        times, labels, weights, threshold, eta, gamma, t_max = case
        net = bs.S4NN.from_weights([weights], threshold=threshold, t_max=t_max, backend="numpy")
        rule = bs.RelativeTarget(learning_rate=eta, gamma=gamma, all_silent="teach")
        ours = find("06.1").reference(*case)
        np.testing.assert_array_equal(fitted(net, times, labels, rule).weights_[0], ours)


def test_the_update_of_05_is_that_of_fit() -> None:
    ours = find("05.3").reference()
    start = [np.array([[13.0, 2], [7, 6], [2, -1]]), np.array([[16.0, 9, 15], [4, 9, 8]])]
    net = bs.S4NN.from_weights(start, threshold=10.0, t_max=10, backend="numpy")
    fitted(net, [[1, 4]], [1], bs.RelativeTarget(learning_rate=5.0, gamma=4))
    np.testing.assert_allclose(net.weights_[0], ours["w_hidden"])
    np.testing.assert_allclose(net.weights_[1], ours["w_out"])


@pytest.mark.parametrize("seed", range(20))
def test_the_step_of_05_is_that_of_fit(seed: int) -> None:
    rng, error = np.random.default_rng(seed), np.zeros(3)
    while not error.any():
        start = [rng.uniform(-2, 6, (6, 5)), rng.uniform(-2, 6, (3, 6))]
        times = rng.integers(0, 9, size=(1, 5))
        (hidden, outputs), _ = bs.network_spike_times(times, start, [4, 4], t_max=8)
        target = relative_targets(outputs, [2], gamma=3, t_max=8)
        error = time_error(outputs, target, t_max=8)[0]
    ours = find("05.4").reference(*start, error, times[0], hidden[0], outputs[0], 0.37)
    net = bs.S4NN.from_weights(start, threshold=4.0, t_max=8, backend="numpy")
    rule = bs.RelativeTarget(learning_rate=0.37, gamma=3, all_silent="teach")
    fitted(net, times, [2], rule)
    for mine, theirs in zip(ours, net.weights_, strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_the_presentations_of_07_are_those_of_fit() -> None:
    ours = find("07.3").reference()
    start = np.array([[1, 1, 1, 1], [0.75, 0.5, 0.25, 0.5]])
    net = bs.BS4NN.from_weights([start], threshold=5.0, scale=2.0, t_max=8, backend="numpy")
    rule = replace(bs.BS4NN_PUBLISHED, learning_rate=0.25, scale_learning_rate=0.4)
    fitted(net, [[1, 2, 5, 8]], [0], rule, epochs=3)
    assert net.latent_weights_[0][1].tolist() == ours["latent"].tolist()
    assert net.scale_[0] == ours["scale"]
    assert net.history_["updates"].sum() == ours["moved"]


@pytest.mark.parametrize("seed", range(20))
def test_the_step_of_07_is_that_of_fit(seed: int) -> None:
    rng, error = np.random.default_rng(seed), np.zeros(3)
    while not error.any():
        start = rng.uniform(-2, 2, (3, 6)).astype(np.float32)
        times = rng.integers(0, 9, size=(1, 6))
        limit = bs.binary.sign_threshold(2.0, 1.5)
        outputs, _ = bs.layer_spike_times(times, bs.binary.sign(start), limit, t_max=8)
        target = relative_targets(outputs, [0], gamma=2, all_silent="ignore", t_max=8)
        error = time_error(outputs, target, t_max=8)[0]
    ours = find("07.4").reference(start, 1.5, normalise(error), times[0], outputs[0], 0.5, 0.25)
    net = bs.BS4NN.from_weights([start], threshold=2.0, scale=1.5, t_max=8, backend="numpy")
    rule = replace(bs.BS4NN_PUBLISHED, learning_rate=0.5, scale_learning_rate=0.25, gamma=2)
    fitted(net, times, [0], rule)
    np.testing.assert_array_equal(net.latent_weights_[0], ours[0])
    assert net.scale_[0] == ours[1]


def test_the_share_that_teaches_is_counted_by_fit() -> None:
    train, _ = bs.datasets.bars(60)
    net = bs.S4NN((64, 16), threshold=60.0, initial_weights=[(0, 20)], backend="numpy")
    frozen = bs.RelativeTarget(learning_rate=1e-300, gamma=3, order="file")
    net.fit(train.images, train.labels, epochs=1, rule=frozen, progress=False)
    outputs = net.spike_times(train.images)[-1].astype(int)
    counted = find("06.5").reference(outputs, train.labels, 3, 256)
    assert net.history_[-1]["updates"] == pytest.approx(counted["teach"])
    assert 0 < counted["beaten"] < counted["teach"] <= 1
