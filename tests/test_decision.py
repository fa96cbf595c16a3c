"""The rule that learns from the potentials at the moment of decision."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pytest
from agreement import same

import minibs4nn as bs
from minibs4nn.binary import sign
from minibs4nn.errors import BackendError
from minibs4nn.kernels import decision as contract
from minibs4nn.kernels import get_kernels
from minibs4nn.kernels.decision import (
    ERROR_STEPS,
    HIDDEN_STEPS,
    TABLE_STEPS,
    Batch,
    Gradients,
    TwoLayers,
    exponentials,
    get_decision_kernels,
    views,
)
from minibs4nn.training import Epoch

Array = npt.NDArray[Any]
Net: TypeAlias = bs.BS4NN | bs.S4NN
SMALL = bs.DecisionPotential(
    learning_rate=0.01, batch_size=20, temperature=2.0, width=4, hidden_threshold=3.0,
    output_threshold=5.0, missed_first=0.3, missed_last=0.05,
)  # fmt: skip


def gradients(
    backend: str, times: Array, labels: Array, batch: Batch, net: TwoLayers,
    rule: bs.DecisionPotential, t_max: int,
) -> Gradients:  # fmt: skip
    prepared = get_kernels(backend).prepare(times, t_max=t_max)
    kernels = get_decision_kernels(backend)
    return kernels.gradients(prepared, labels, batch, net, rule, t_max=t_max)


def plain(n_in: int, at_end: list[bool], dropped: Array | None = None) -> Batch:
    """The first images, as they are."""
    m = len(at_end)
    nobody = np.zeros((m, 0), np.bool_)
    return Batch(
        np.arange(m), np.array(at_end), nobody if dropped is None else dropped,
        np.zeros(m, np.int64), np.arange(n_in, dtype=np.int32)[None],
    )  # fmt: skip


def random_case(
    seed: int, *, real: bool = False
) -> tuple[Array, Array, Batch, TwoLayers, bs.DecisionPotential, int]:
    """A small network at random, with many ties, silent images and moments at the end."""
    rng = np.random.default_rng(seed)
    t_max = int(rng.choice([1, 2, 4, 9]))
    rows, columns, n_hidden, n_out = (int(k) for k in rng.integers(1, [4, 4, 80, 12]))
    n, m = 5, 9
    times = rng.integers(0, t_max + 1, (n, rows * columns)).astype(np.int16)
    shapes = [(n_hidden, rows * columns), (n_out, n_hidden)]
    weights: list[Array] = [rng.choice(np.array([-1, 1], np.int8), shape) for shape in shapes]
    if real:
        weights = [rng.normal(size=shape) for shape in shapes]
    thresholds = [rng.integers(-2, 4, n_hidden), rng.integers(-2, 4, n_out)]
    seen = views(rows * columns, 7, rng, columns=columns, shift=seed % 3, mirror=bool(seed % 2),
                 warp=seed % 5 / 2)  # fmt: skip
    dropped = rng.random((m, n_hidden if seed % 2 else 0)) < 0.1
    batch = Batch(
        rng.integers(0, n, m), rng.random(m) < 0.3, dropped, rng.integers(0, len(seen), m), seen
    )
    rule = bs.DecisionPotential(
        temperature=float(rng.choice([0.5, 3.0])), width=int(rng.integers(1, 5)),
        skip=float(rng.choice([0.0, 0.01, 0.5])), push=float(rng.choice([0.0, 0.6, 5.0])),
        early=float(rng.choice([0.0, 0.0, 0.0, 0.3, 4.0])),
    )  # fmt: skip
    net = TwoLayers(
        [np.asfortranarray(w) for w in weights], [theta.astype(np.float64) for theta in thresholds]
    )
    return times, rng.integers(0, n_out, n), batch, net, rule, t_max


def check_equal(case: tuple[Any, ...]) -> Gradients:
    reference, fast = (gradients(backend, *case) for backend in ("numpy", "numba"))
    for name in ("hidden", "output", "hidden_threshold", "output_threshold"):
        same(getattr(reference, name), getattr(fast, name))
    assert (reference.missed, reference.learned) == (fast.missed, fast.learned)
    for field in dataclasses.fields(reference.outcomes):
        same(getattr(reference.outcomes, field.name), getattr(fast.outcomes, field.name))
    return reference


# --- reference and Numba -------------------------------------------------------------------------


@pytest.mark.parametrize("real", [False, True], ids=["signs", "real weights"])
def test_reference_and_numba_give_the_same_bits_on_random_networks(real: bool) -> None:
    found = [check_equal(random_case(seed, real=real)) for seed in range(60)]
    # The cases are no empty show: they have silent images, ties, errors and skipped images.
    assert sum(g.missed for g in found) > 20
    assert sum(g.learned for g in found) > 200
    assert sum(g.learned < 9 for g in found) > 5
    assert sum(g.outcomes.tied.sum() for g in found) > 10
    assert sum(g.outcomes.silent.sum() for g in found) > 20
    assert sum(np.count_nonzero(g.hidden) for g in found) > 200


@pytest.mark.parametrize(
    ("times", "at_end"),
    [
        pytest.param([[4, 4]], False, id="nobody hears anything"),
        pytest.param([[0, 0]], False, id="ties"),
        pytest.param([[3, 3]], False, id="the last step"),
        pytest.param([[0, 1]], True, id="the moment is the end"),
    ],
)
@pytest.mark.parametrize("theta", [-10, 0, 1, 10])
def test_edges(times: list[list[int]], at_end: bool, theta: int) -> None:
    signs = [np.ones((1, 2), np.int8, order="F"), np.ones((2, 1), np.int8, order="F")]
    limits = [np.array([max(min(theta, 2), -3.0)]), np.array([max(min(theta, 1), -2.0)] * 2)]
    net = TwoLayers(signs, limits)
    case = np.array(times, np.int16), np.array([1]), plain(2, [at_end]), net, SMALL, 4
    found = check_equal(case)
    assert found.learned == 1  # two outputs that are equal: an error of one half each
    assert abs(found.output).max() in (0, ERROR_STEPS // 2)


@pytest.mark.parametrize("kind", [bs.BS4NN, bs.S4NN])
def test_a_training_gives_the_same_bits_on_both(kind: type[Net]) -> None:
    train, _ = bs.datasets.bars(n=200, seed=0)
    rule = dataclasses.replace(
        SMALL, shift=1, mirror=True, warp=0.7, dropout=0.1, input_dropout=0.1, early=0.2,
        plain_epochs=1,
    )  # fmt: skip
    a, b = (
        kind((64, 37, 16), seed=3, backend=backend).fit(
            train.images, train.labels, epochs=3, rule=rule, progress=False
        )
        for backend in ("numpy", "numba")
    )
    check_same_network(a, b)


def check_same_network(a: Net, b: Net) -> None:
    arrays = [[*net.parameters.latent, *net.weights_, *net.thresholds_] for net in (a, b)]
    for x, y in zip(*arrays, strict=True):
        same(x, y)
    assert a.rule_state_.keys() == b.rule_state_.keys()
    for name, array in a.rule_state_.items():
        same(array, b.rule_state_[name])
    columns = set(a.history_.keys()) - {"seconds"}
    for x, y in zip(a.history_.records, b.history_.records, strict=True):
        assert {name: x[name] for name in columns} == {name: y[name] for name in columns}


# --- what is computed ----------------------------------------------------------------------------


def cross_entropy(weights: Array, heard: Array, theta: Array, label: int, t: float) -> float:
    """The loss of one image at a fixed moment, with real output weights."""
    z = (weights @ heard - theta) / t
    return float(np.log(np.exp(z - z.max()).sum()) + z.max() - z[label])


@pytest.mark.parametrize("at_end", [False, True])
@pytest.mark.parametrize("real", [False, True])
def test_output_gradients_are_the_slopes_of_the_cross_entropy(at_end: bool, real: bool) -> None:
    rng = np.random.default_rng(1)
    n_in, n_hidden, n_out, t_max = 12, 9, 4, 8
    times = rng.integers(0, t_max, (1, n_in)).astype(np.int16)
    weights = [
        np.asfortranarray(
            rng.normal(size=shape) if real else rng.choice(np.array([-1, 1], np.int8), shape)
        )
        for shape in ((n_hidden, n_in), (n_out, n_hidden))
    ]
    thresholds = [np.zeros(n_hidden), np.array([1.0, 2.0, 1.0, 1.0])]
    rule = dataclasses.replace(SMALL, skip=0.0)
    net = TwoLayers(weights, thresholds)
    batch = plain(n_in, [at_end])
    found = gradients("numpy", times, np.array([2]), batch, net, rule, t_max)

    (hidden, outputs), _ = bs.network_spike_times(times, weights, thresholds, t_max=t_max)
    moment = t_max if at_end else outputs.min()
    assert at_end or 0 < moment < t_max
    heard = (hidden[0] < moment).astype(float)
    assert 0 < heard.sum() < n_hidden

    def slope(array: Array, place: tuple[int, ...]) -> float:
        """Central difference along one number of an array that the loss reads."""
        small, before, found = 1e-5, array[place], []
        for way in (small, -small):
            array[place] = before + way
            found.append(cross_entropy(out, heard, theta, 2, rule.temperature))
        array[place] = before
        return (found[0] - found[1]) / (2 * small)

    out, theta = weights[1].astype(float), thresholds[1].copy()
    # The rule leaves out the factor 1 / temperature, which Adam would divide out again. An error is
    # a whole number of parts, of exponentials in whole steps.
    near = 0.51 / ERROR_STEPS + 0.5 / TABLE_STEPS
    for array, sums in ((out, found.output), (theta, found.output_threshold)):
        slopes = np.array([slope(array, place) for place in np.ndindex(*array.shape)])
        np.testing.assert_allclose(sums.ravel() / ERROR_STEPS / rule.temperature, slopes, atol=near)


def test_a_push_asks_outputs_to_be_on_their_side_of_the_threshold() -> None:
    # Nobody fires: all potentials are 0, so the outputs are 3 below their thresholds, half a
    # temperature.
    net = TwoLayers([np.full((2, 3), 1, np.int8, order="F"), np.full((4, 2), 1, np.int8)],
                    [np.full(2, 3.0), np.full(4, 3.0)])  # fmt: skip
    net.weights[1] = np.asfortranarray(net.weights[1])
    rule = dataclasses.replace(SMALL, temperature=6.0, push=0.5)
    case = np.full((1, 3), 8, np.int16), np.array([2]), plain(3, [False]), net
    pushed, without = (
        check_equal((*case, r, 8)).output_threshold / -ERROR_STEPS
        for r in (rule, dataclasses.replace(rule, push=0.0))
    )
    np.testing.assert_allclose(without, [0.25, 0.25, -0.75, 0.25], atol=1e-3)
    logistic = 1 / (1 + np.exp(-2.5)), 1 / (1 + np.exp(-1.5))
    others = 0.5 / 3 * logistic[1]
    wanted = [others, others, -0.5 * logistic[0], others]
    np.testing.assert_allclose(pushed - without, wanted, atol=2e-3)


def test_a_push_asks_the_label_only_at_the_end() -> None:
    # The input fires everyone at once: the moment is that of the outputs, 2.
    net = TwoLayers(
        [np.ones((1, 1), np.int8), np.ones((2, 1), np.int8)], [np.zeros(1), np.zeros(2)]
    )
    rule = dataclasses.replace(SMALL, push=0.5)
    for at_end in (False, True):
        case = np.zeros((1, 1), np.int16), np.array([1]), plain(1, [at_end]), net
        pushed, without = (
            check_equal((*case, r, 8)).output_threshold
            for r in (rule, dataclasses.replace(rule, push=0.0))
        )
        assert (pushed != without).tolist() == [True, at_end]


@pytest.mark.parametrize("at_end", [False, True])
@pytest.mark.parametrize("theta", [2.0, 9.0], ids=["a spike decides", "silent"])
def test_a_reward_for_early_decisions_asks_the_label_up_the_more_the_later_the_moment(
    at_end: bool, theta: float
) -> None:
    rng = np.random.default_rng(3)
    times = rng.integers(0, 9, (40, 12)).astype(np.int16)
    labels = rng.integers(0, 4, 40)
    weights = [rng.choice(np.array([-1, 1], np.int8), shape) for shape in ((9, 12), (4, 9))]
    thresholds = [np.zeros(9), np.full(4, theta)]
    net = TwoLayers([np.asfortranarray(w) for w in weights], thresholds)
    rule = dataclasses.replace(SMALL, early=0.4, skip=0.0)
    case = times, labels, plain(12, [at_end] * 40), net
    rewarded, without = (
        check_equal((*case, r, 8)).output_threshold / -ERROR_STEPS
        for r in (rule, dataclasses.replace(rule, early=0.0))
    )
    # An independent count: 0.4 for each eighth of the window that has passed at the moment.
    (_, outputs), _ = bs.network_spike_times(times, weights, thresholds, t_max=8)
    moments = outputs.min(axis=1)
    assert moments.tolist() == [8] * 40 if theta == 9 else len(np.unique(moments)) > 2
    wanted = np.zeros(4) if at_end else -0.4 * np.bincount(labels, moments / 8, minlength=4)
    np.testing.assert_allclose(rewarded - without, wanted, atol=40 / ERROR_STEPS)


def test_a_reward_teaches_where_the_softmax_has_nothing_to_say() -> None:
    net = TwoLayers(
        [np.ones((1, 1), np.int8), np.array([[1], [-1]], np.int8)], [np.zeros(1), np.full(2, 0.0)]
    )
    rule = dataclasses.replace(SMALL, temperature=0.1, skip=0.05)
    case = np.zeros((1, 1), np.int16), np.array([0]), plain(1, [False]), net
    assert check_equal((*case, rule, 8)).learned == 0
    found = check_equal((*case, dataclasses.replace(rule, early=0.8), 8))
    assert found.learned == 1
    assert found.output.tolist() == [[round(-0.8 * 2 / 8 * ERROR_STEPS)], [0]]  # the moment is 2


def test_the_hidden_gradient_by_hand() -> None:
    # Inputs fire at 0, 1, 2, 5. Neuron 0 crosses 1 at the end of step 1: fires at 2. Neuron 1 ends
    # at 2, below 3. Nothing reaches the outputs' thresholds: the moment is the end, 8.
    times = np.array([[0, 1, 2, 5]], np.int16)
    signs = [
        np.array([[1, 1, 1, 1], [1, -1, 1, 1]], np.int8),
        np.array([[1, 1], [-1, -1]], np.int8),
    ]
    net = TwoLayers([np.asfortranarray(s) for s in signs], [np.array([1.0, 3]), np.array([2.0, 2])])
    rule = dataclasses.replace(SMALL, temperature=1.0, width=4)
    case = times, np.array([0]), plain(4, [False]), net, rule, 8
    found = check_equal(case)
    # V = +1 for output 0, -1 for output 1: p = sigmoid(2)
    error = 1 / (1 + np.exp(2.0))
    step = round(error * ERROR_STEPS)
    assert found.output.tolist() == [[-step, 0], [step, 0]]  # neuron 1 is not heard
    assert found.output_threshold.tolist() == [step, -step]
    # Neuron 0 ends 3 above its threshold, neuron 1 ends 1 below: both are near. Of the inputs of
    # neuron 0, two came before it fired; of the silent neuron 1, all did.
    back = round(-2 * step / ERROR_STEPS * HIDDEN_STEPS)
    assert found.hidden.tolist() == [[back, back, 0, 0], [back] * 4]
    assert found.hidden_threshold.tolist() == [-back] * 2
    assert found.missed == 1
    narrow = gradients("numpy", *case[:4], dataclasses.replace(rule, width=3), 8)
    assert narrow.hidden.tolist() == [[0] * 4, [back] * 4]
    assert narrow.hidden_threshold.tolist() == [0, -back]


def test_a_dropped_neuron_neither_fires_nor_learns() -> None:
    rng = np.random.default_rng(0)
    times, labels = rng.integers(0, 9, (9, 12)).astype(np.int16), rng.integers(0, 4, 9)
    weights = [rng.choice(np.array([-1, 1], np.int8), shape) for shape in ((40, 12), (4, 40))]
    thresholds = [np.full(40, 1.0), np.full(4, 3.0)]
    out = np.arange(40) < 20
    batch = plain(12, [False] * 9, np.tile(out, (9, 1)))
    net = TwoLayers([np.asfortranarray(w) for w in weights], thresholds)
    found = check_equal((times, labels, batch, net, SMALL, 8))
    for sums in (found.hidden, found.output.T, found.hidden_threshold):
        assert sums[~out].any()
        assert not sums[out].any()
    # The rest is the network without them.
    small = TwoLayers([weights[0][~out], weights[1][:, ~out]], [thresholds[0][~out], thresholds[1]])
    alone = gradients("numpy", times, labels, plain(12, [False] * 9), small, SMALL, 8)
    same(found.hidden[~out], alone.hidden)
    same(found.output[:, ~out], alone.output)
    same(found.outcomes.decision_time, alone.outcomes.decision_time)


def test_an_input_too_late_for_the_moment_teaches_nothing() -> None:
    # Hidden neuron 0 fires at 1, and that fires both outputs at 2. Hidden neuron 1 hears the input
    # at 1 and fires at 2: too late by one step.
    times = np.array([[0, 1]], np.int16)
    signs = [np.array([[1, 1], [1, 1]], np.int8), np.array([[1, 1], [1, -1]], np.int8)]
    net = TwoLayers([np.asfortranarray(s) for s in signs], [np.array([0.0, 1]), np.zeros(2)])
    early, late = (
        check_equal((times, np.array([1]), plain(2, [at_end]), net, SMALL, 9))
        for at_end in (False, True)
    )
    assert early.hidden[1, 1] == 0
    assert late.hidden[1, 1] != 0
    assert early.output[0, 1] == 0
    assert late.output[0, 1] != 0


def test_a_skipped_image_changes_nothing() -> None:
    case = random_case(5)
    rule = dataclasses.replace(case[4], temperature=1e3)  # all outputs alike: no error is near 1
    case = *case[:4], rule, case[5]
    found = gradients("numpy", *case[:4], dataclasses.replace(rule, skip=1.0), case[5])
    assert found.learned == 0 < gradients("numpy", *case).learned
    assert not found.hidden.any()
    assert not found.output.any()
    assert found.missed == gradients("numpy", *case).missed


def test_the_table_of_exponentials_ends_where_errors_do() -> None:
    table = exponentials()
    np.testing.assert_allclose(table[::TABLE_STEPS], np.exp(-np.arange(16.0)))
    assert round(table[-1] * ERROR_STEPS) == 0


@pytest.mark.parametrize("backend", ["numpy", "numba"])
@pytest.mark.parametrize("number", [np.float32, np.float64])
def test_adam_is_adam(backend: str, number: type[np.floating[Any]]) -> None:
    rng = np.random.default_rng(0)
    weights = rng.uniform(-1, 1, (3, 2_000)).astype(number)
    signs = None if number is np.float64 else sign(weights)
    wanted, m, v = weights.astype(float), np.zeros(weights.shape), np.zeros(weights.shape)
    first, second = (np.zeros(weights.shape, number) for _ in range(2))
    for step in range(1, 6):
        before = weights.copy()
        g = np.asarray(rng.integers(-50, 50, weights.shape), np.int16)
        rate = 0.05 * np.sqrt(1 - 0.999**step) / (1 - 0.9**step)
        flipped = get_decision_kernels(backend).adam(
            weights, signs, first, second, g, unit=0.1, rate=rate
        )
        m, v = 0.9 * m + 0.1 * (0.1 * g), 0.999 * v + 0.001 * (0.1 * g) ** 2
        corrected = m / (1 - 0.9**step), v / (1 - 0.999**step)  # as the paper first writes it
        wanted = wanted - 0.05 * corrected[0] / (np.sqrt(corrected[1]) + 1e-8)
        if signs is not None:
            wanted = np.clip(wanted, -1, 1)
            same(signs, sign(weights))
            assert flipped == np.count_nonzero((before < 0) != (weights < 0)) > 0
    np.testing.assert_allclose(weights, wanted, atol=1e-4)
    assert (abs(weights).max() <= 1) == (signs is not None)


@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_a_moment_that_fades_ends_at_zero(backend: str) -> None:
    weights, first, second = (np.full((1, 3), x, np.float32) for x in (0.5, 1e-3, 1e-6))
    nothing = np.zeros((1, 3), np.int16)
    for _ in range(700):
        get_decision_kernels(backend).adam(
            weights, None, first, second, nothing, unit=1.0, rate=1e-3
        )
        assert not ((first != 0) & (abs(first) < 1e-30)).any()
    assert not first.any()
    assert second.all()


# --- what is seen of an image --------------------------------------------------------------------


def test_a_view_is_the_image_moved() -> None:
    rng = np.random.default_rng(0)
    image = rng.integers(1, 256, (5, 6))
    seen = views(30, 300, rng, columns=6, shift=1, mirror=True, warp=0.0)
    moved = {tuple(np.where(view >= 0, image.ravel()[view], 0)) for view in seen}
    wanted = set()
    for flipped in (image, image[:, ::-1]):
        framed = np.pad(flipped, 1)
        for down in range(3):
            for right in range(3):
                wanted.add(tuple(framed[down : down + 5, right : right + 6].ravel()))
    assert moved == wanted
    assert len(wanted) == 18


def test_a_warp_moves_nails_and_stretches_what_lies_between() -> None:
    rng = np.random.default_rng(0)
    seen = views(784, 2_000, rng, columns=28, shift=0, mirror=False, warp=2.0)
    inside = seen >= 0
    down, right = (np.where(inside, k, np.nan) for k in np.divmod(seen, 28))
    middle = 14 * 28 + 14  # the middle of a cell: the mean of its four nails
    nail = 9 * 28 + 9
    for way, at in ((down, 14), (right, 14)):
        assert abs(np.nanmean(way[:, middle]) - at) < 0.15
        assert np.nanstd(way[:, middle]) == pytest.approx(2.0 / 2, abs=0.12)
        assert np.nanstd(way[:, nail]) == pytest.approx(2.0, abs=0.15)
        assert abs(np.corrcoef(way[:, nail], way[:, 18 * 28 + 18])[0, 1]) < 0.1
        assert np.corrcoef(way[:, middle], way[:, middle + 1])[0, 1] > 0.8
    assert 0 < (~inside).mean() < 0.1


def test_dropout_of_inputs_blackens_a_share_of_each_view_and_moves_nothing() -> None:
    def draw(dropout: float) -> Array:
        rng = np.random.default_rng(0)
        return views(784, 500, rng, columns=28, shift=0, mirror=False, warp=0.0, dropout=dropout)

    seen, everything = draw(0.2), draw(0.0)
    black = seen < 0
    same(np.where(black, everything, seen), everything)
    assert 0.19 < black.mean() < 0.21
    assert np.ptp(black.mean(axis=0)) < 0.15  # each pixel now and then
    assert 0.16 < black.mean(axis=1).min() < black.mean(axis=1).max() < 0.25  # in each view
    assert (draw(1.0) == -1).all()


def test_dropout_of_inputs_needs_no_image() -> None:
    train, _ = bs.datasets.bars(n=50, seed=0)
    rule = dataclasses.replace(SMALL, input_dropout=0.2)
    net = bs.BS4NN((60, 5, 16), backend="numpy")
    net.fit(train.images.reshape(50, -1)[:, :60], train.labels, epochs=1, rule=rule, progress=False)
    assert net.is_trained


@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_kernels_see_what_the_view_shows(backend: str) -> None:
    times, labels, batch, net, rule, t_max = random_case(8)
    batch = batch._replace(view=np.full(9, 3))
    shown = np.where(batch.views[3] >= 0, times[:, batch.views[3]], t_max).astype(np.int16)
    found = gradients(backend, times, labels, batch, net, rule, t_max)
    straight = batch._replace(view=batch.view * 0, views=plain(times.shape[1], [True]).views)
    assert not np.array_equal(shown, times)
    same(found.hidden, gradients(backend, shown, labels, straight, net, rule, t_max).hidden)


def test_every_image_of_an_epoch_is_seen_once_in_a_way_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[Batch] = []
    kernels = get_decision_kernels("numpy")
    real: Callable[..., Gradients] = kernels.gradients

    def spy(prepared: Any, labels: Array, batch: Batch, *more: Any, **named: Any) -> Gradients:
        seen.append(batch)
        return real(prepared, labels, batch, *more, **named)

    monkeypatch.setattr(kernels, "gradients", spy)
    train, _ = bs.datasets.bars(n=200, seed=0)
    rule = dataclasses.replace(SMALL, warp=1.0, dropout=0.3, input_dropout=0.4, plain_epochs=1)
    net = bs.BS4NN((64, 5, 16), backend="numpy")
    net.fit(train.images, train.labels, epochs=3, rule=rule, progress=False)
    first, second, last = seen[:10], seen[10:20], seen[20:]
    shown = np.concatenate([batch.views[batch.view] for batch in first])
    assert len(np.unique(shown, axis=0)) > 180
    assert not np.array_equal(first[0].views, second[0].views)
    same(last[0].views, np.arange(64, dtype=np.int32)[None])  # plain
    assert sorted(np.concatenate([batch.images for batch in first])) == list(range(200))
    assert 0.35 < np.concatenate([batch.at_end for batch in first]).mean() < 0.65
    assert 0.25 < np.concatenate([batch.dropped for batch in first]).mean() < 0.35
    assert 0.35 < (shown < 0).mean() < 0.65


# --- learning ------------------------------------------------------------------------------------


def test_it_learns_mnist_in_seconds() -> None:
    train, test = bs.datasets.mnist()
    net = bs.BS4NN((784, 200, 10), seed=0)
    rule = bs.DecisionPotential(batch_size=20)
    net.fit(train.images[:2000], train.labels[:2000], epochs=4, rule=rule, progress=False)
    found = net.evaluate(test.images[:1000], test.labels[:1000])
    assert found.accuracy > 0.8
    assert found.silent < 0.3
    assert set(np.unique(net.weights_[0])) == {-1, 1}
    assert all(theta.min() >= 0 for theta in net.thresholds_)
    assert net.thresholds_[0].std() > 0  # learned, each its own
    assert net.thresholds_[1].std() > 0
    assert max(abs(w).max() for w in net.latent_weights_) <= 1
    for latent, signs in zip(net.latent_weights_, net.weights_, strict=True):
        np.testing.assert_array_equal(signs, np.where(latent < 0, -1, 1))


def test_the_learning_rate_falls_along_a_cosine_or_stays() -> None:
    train, _ = bs.datasets.bars(n=100, seed=0)

    def way_of_the_last_epoch(schedule: str) -> float:
        found: list[Array] = []
        net = bs.BS4NN((64, 20, 16), backend="numpy")
        net.fit(
            train.images, train.labels, epochs=20, progress=False,
            rule=dataclasses.replace(SMALL, schedule=schedule),
            callbacks=[lambda net, _: found.append(net.latent_weights_[0].copy())],  # type: ignore[attr-defined]
        )  # fmt: skip
        return float(abs(found[-1] - found[-2]).mean() / abs(found[1] - found[0]).mean())

    assert way_of_the_last_epoch("cosine") < 0.05 < 0.2 < way_of_the_last_epoch("constant")


def test_hidden_thresholds_stay_at_zero_or_above() -> None:
    train, _ = bs.datasets.bars(n=100, seed=0)
    # The first step of Adam is 1 up or down for every threshold; one batch is one epoch.
    rule = dataclasses.replace(SMALL, hidden_threshold=0.5, threshold_speed=100.0, batch_size=100)
    net = bs.BS4NN((64, 20, 16), backend="numpy")
    net.fit(train.images, train.labels, epochs=1, rule=rule, progress=False)
    assert {0.0, 1.5} <= set(net.thresholds_[0].round(3)) <= {0.0, 0.5, 1.5}


def test_the_output_threshold_falls_while_too_many_miss_and_rises_else() -> None:
    train, _ = bs.datasets.bars(n=100, seed=0)
    for target, way in ((0.0, -1), (1.0, 1)):
        rule = dataclasses.replace(
            SMALL, missed_first=target, missed_last=target, feedback=0.1, threshold_speed=0.0
        )
        net = bs.BS4NN((64, 20, 16), backend="numpy")
        net.fit(train.images, train.labels, epochs=1, rule=rule, progress=False)
        assert np.sign(net.thresholds_[1][0] - SMALL.output_threshold) == way


def test_a_run_that_was_saved_and_loaded_goes_on_to_the_same_bits(tmp_path: Path) -> None:
    train, _ = bs.datasets.bars(n=100, seed=0)
    rule = dataclasses.replace(SMALL, shift=1)

    def fit(net: bs.BS4NN, **more: Any) -> None:
        net.fit(train.images, train.labels, epochs=4, progress=False, **more)

    whole = bs.BS4NN((64, 20, 16), seed=1)
    fit(whole, rule=rule)

    def stop(net: object, record: dict[str, Any]) -> None:
        bs.checkpoint(tmp_path / "run.npz")(net, record)  # type: ignore[arg-type]
        if record["epoch"] == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(bs.BS4NN((64, 20, 16), seed=1), rule=rule, callbacks=[stop])
    again = bs.load(tmp_path / "run.npz")
    assert isinstance(again, bs.BS4NN)
    assert again.rule_ == rule
    assert len(again.history_) == 2
    fit(again)
    check_same_network(whole, again)


def test_an_epoch_that_was_broken_off_leaves_no_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    train, _ = bs.datasets.bars(n=100, seed=0)
    whole, broken = (bs.BS4NN((64, 20, 16), seed=1, backend="numpy") for _ in range(2))
    whole.fit(train.images, train.labels, epochs=2, rule=SMALL, progress=False)
    observe = Epoch.observe

    def interrupt(self: Epoch, *arguments: Any, **named: Any) -> None:
        observe(self, *arguments, **named)
        if self._seen >= 60:
            raise KeyboardInterrupt

    monkeypatch.setattr(Epoch, "observe", interrupt)
    with pytest.raises(KeyboardInterrupt):
        broken.fit(train.images, train.labels, epochs=2, rule=SMALL, progress=False)
    monkeypatch.setattr(Epoch, "observe", observe)
    broken.fit(train.images, train.labels, epochs=2, rule=SMALL, progress=False)
    check_same_network(whole, broken)


def test_it_goes_on_with_a_network_of_the_papers_rule() -> None:
    train, test = bs.datasets.bars(n=100, seed=0)
    net = bs.BS4NN((64, 20, 16), threshold=20.0, backend="numpy")
    net.fit(train.images, train.labels, epochs=1, progress=False)
    before = [layer.copy() for layer in net.spike_times(test.images)]
    rule = dataclasses.replace(SMALL, learning_rate=1e-12, feedback=0.0, threshold_speed=0.0)
    net.fit(train.images, train.labels, epochs=2, rule=rule, progress=False)
    assert net.scale_.tolist() == [1, 1]
    for x, y in zip(before, net.spike_times(test.images), strict=True):
        same(x, y)  # other scale, other threshold, the same network


# --- what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"batch_size": 0}, "batch_size must be a whole number from 1 to 127, got 0"),
        ({"batch_size": 128}, "batch_size must be a whole number from 1 to 127, got 128"),
        ({"width": 0}, "width must be a whole number from 1, got 0"),
        ({"shift": -1}, "shift must be a whole number from 0, got -1"),
        ({"shift": 0.5}, "shift must be a whole number from 0, got 0.5"),
        ({"plain_epochs": -1}, "plain_epochs must be a whole number from 0, got -1"),
        ({"columns": 0}, "columns must be a whole number from 1, got 0"),
        ({"at_end": 1.5}, "at_end is a share, 0 to 1, got 1.5"),
        ({"missed_first": -0.1}, "missed_first is a share, 0 to 1, got -0.1"),
        ({"missed_last": float("nan")}, "missed_last is a share, 0 to 1, got nan"),
        ({"skip": 2}, "skip is a share, 0 to 1, got 2"),
        ({"dropout": 1.2}, "dropout is a share, 0 to 1, got 1.2"),
        ({"input_dropout": -1}, "input_dropout is a share, 0 to 1, got -1"),
        ({"push": -0.5}, "push must be 0 or more, got -0.5"),
        ({"early": -0.5}, "early must be 0 or more, got -0.5"),
        ({"warp": -0.5}, "warp must be 0 or more, got -0.5"),
        ({"hidden_threshold": -1}, "hidden_threshold must be 0 or more, got -1"),
        ({"output_threshold": -1}, "output_threshold must be 0 or more, got -1"),
        ({"feedback": float("inf")}, "feedback must be 0 or more, got inf"),
        ({"threshold_speed": -1}, "threshold_speed must be 0 or more, got -1"),
        ({"schedule": "step"}, "schedule must be one of 'constant', 'cosine'; got 'step'"),
        ({"learning_rate": 0}, "learning_rate must be positive, got 0"),
        ({"temperature": 0}, "temperature must be positive, got 0"),
    ],
)
def test_settings_out_of_range_are_named(settings: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError) as caught:
        bs.DecisionPotential(**settings)
    assert str(caught.value) == f"DecisionPotential: {text}"


def test_other_networks_are_refused_and_left_untouched() -> None:
    train, _ = bs.datasets.bars(n=50, seed=0)
    others = [bs.S4NN((64, 16)), bs.BS4NN((64, 5, 5, 16)), bs.BNN((64, 5, 16))]
    for net in others:
        with pytest.raises(ValueError, match="trains an S4NN or BS4NN with one hidden layer, such"):
            net.fit(train.images, train.labels, epochs=1, rule=SMALL, progress=False)
        assert not net.is_trained


def test_images_that_cannot_be_moved_are_refused_and_told_what_to_do() -> None:
    times = np.zeros((4, 12), np.int16)
    labels = np.arange(4)
    net = bs.BS4NN((12, 5, 4), backend="numpy")
    for columns in (None, 5):
        rule = dataclasses.replace(SMALL, shift=1, columns=columns)
        with pytest.raises(ValueError, match=r"Give columns=, a divisor of 12, or shift=0, m"):
            net.fit(times, labels, epochs=1, rule=rule, progress=False)
        assert not net.is_trained
    rule = dataclasses.replace(SMALL, shift=3, columns=4)
    with pytest.raises(ValueError, match="shift=3 would move images of 3 x 4 pixels out of sight"):
        net.fit(times, labels, epochs=1, rule=rule, progress=False)
    assert not net.is_trained
    with pytest.raises(TypeError, match="mirror must be True or False, got 'no'"):
        dataclasses.replace(SMALL, mirror="no")  # type: ignore[arg-type]
    rule = dataclasses.replace(SMALL, shift=1, columns=4)
    net.fit(times, labels, epochs=1, rule=rule, progress=False)


def test_a_state_of_another_shape_is_refused(tmp_path: Path) -> None:
    train, _ = bs.datasets.bars(n=50, seed=0)
    net = bs.BS4NN((64, 5, 16)).fit(train.images, train.labels, epochs=1, rule=SMALL,
                                    progress=False)  # fmt: skip
    net.rule_state_["first_0"] = np.zeros((2, 2), np.float32)
    net.save(tmp_path / "bad.npz")
    with pytest.raises(ValueError, match=r"rule_state_ has 'first_0' of shape \(2, 2\)"):
        bs.load(tmp_path / "bad.npz").fit(train.images, train.labels, epochs=2, progress=False)


def test_a_backend_without_the_rule_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contract, "_MODULES", {})
    with pytest.raises(BackendError, match="backend='numpy' does not have this rule"):
        get_decision_kernels("numpy")


def test_the_rule_can_be_written_as_json() -> None:
    rule = dataclasses.replace(SMALL, columns=8)
    again = json.loads(json.dumps(dataclasses.asdict(rule)))
    assert bs.DecisionPotential(**again) == rule
