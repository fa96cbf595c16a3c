"""The rule that learns from the potentials at the moment of decision."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from agreement import same

import minibs4nn as bs
from minibs4nn.errors import BackendError
from minibs4nn.kernels import decision as contract
from minibs4nn.kernels import get_kernels
from minibs4nn.kernels.decision import (
    ERROR_STEPS,
    HIDDEN_STEPS,
    Batch,
    BinaryLayers,
    Gradients,
    exponentials,
    get_decision_kernels,
    moves,
)
from minibs4nn.training import Epoch

Array = npt.NDArray[Any]
SMALL = bs.DecisionPotential(
    learning_rate=0.01, batch_size=20, temperature=2.0, width=4, hidden_threshold=3.0,
    output_threshold=5.0, missed_first=0.3, missed_last=0.05,
)  # fmt: skip


def gradients(
    backend: str, times: Array, labels: Array, batch: Batch, net: BinaryLayers,
    rule: bs.DecisionPotential, t_max: int,
) -> Gradients:  # fmt: skip
    prepared = get_kernels(backend).prepare(times, t_max=t_max)
    kernels = get_decision_kernels(backend)
    return kernels.gradients(prepared, labels, batch, net, rule, t_max=t_max)


def one(at_end: bool, table: Array) -> Batch:
    """The first image alone, where it is."""
    return Batch(np.array([0]), np.array([at_end]), np.array([0]), table)


def random_case(seed: int) -> tuple[Array, Array, Batch, BinaryLayers, bs.DecisionPotential, int]:
    """A small network at random, with many ties, silent images and moments at the end."""
    rng = np.random.default_rng(seed)
    t_max = int(rng.choice([1, 2, 4, 9]))
    rows, columns, n_hidden, n_out = (int(k) for k in rng.integers(1, [4, 4, 80, 12]))
    n, m = 5, 9
    times = rng.integers(0, t_max + 1, (n, rows * columns)).astype(np.int16)
    signs = [
        np.asfortranarray(rng.choice(np.array([-1, 1], np.int8), shape))
        for shape in ((n_hidden, rows * columns), (n_out, n_hidden))
    ]
    thresholds = [rng.integers(-2, 4, n_hidden), rng.integers(-2, 4, n_out)]
    table = moves(rows * columns, columns=columns, shift=seed % 3, mirror=bool(seed % 2))
    batch = Batch(
        rng.integers(0, n, m), rng.random(m) < 0.3, rng.integers(0, len(table), m), table
    )  # fmt: skip
    rule = bs.DecisionPotential(
        temperature=float(rng.choice([0.5, 3.0])), width=int(rng.integers(1, 5)),
        skip=float(rng.choice([0.0, 0.01, 0.3])),
    )  # fmt: skip
    net = BinaryLayers(signs, [theta.astype(np.int64) for theta in thresholds])
    return times, rng.integers(0, n_out, n), batch, net, rule, t_max


def check_equal(case: tuple[Any, ...]) -> Gradients:
    reference, fast = (gradients(backend, *case) for backend in ("numpy", "numba"))
    for name in ("hidden", "output", "threshold"):
        same(getattr(reference, name), getattr(fast, name))
    assert (reference.missed, reference.learned) == (fast.missed, fast.learned)
    for field in dataclasses.fields(reference.outcomes):
        same(getattr(reference.outcomes, field.name), getattr(fast.outcomes, field.name))
    return reference


# --- reference and Numba -------------------------------------------------------------------------


def test_reference_and_numba_give_the_same_bits_on_random_networks() -> None:
    found = [check_equal(random_case(seed)) for seed in range(60)]
    # The cases are no empty show: they have silent images, ties, errors and skipped images.
    assert sum(g.missed for g in found) > 20
    assert sum(g.learned for g in found) > 200
    assert sum(g.learned < 9 for g in found) > 10
    assert sum(g.outcomes.tied.sum() for g in found) > 20
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
    limits = [np.array([max(min(theta, 2), -3)]), np.array([max(min(theta, 1), -2)] * 2)]
    batch = one(at_end, moves(2, columns=2, shift=0, mirror=False))
    case = np.array(times, np.int16), np.array([1]), batch, BinaryLayers(signs, limits), SMALL, 4
    found = check_equal(case)
    assert found.learned == 1  # two outputs that are equal: an error of one half each
    assert abs(found.output).max() in (0, ERROR_STEPS // 2)


def test_a_training_gives_the_same_bits_on_both() -> None:
    train, _ = bs.datasets.bars(n=200, seed=0)
    rule = dataclasses.replace(SMALL, shift=1, mirror=True, plain_epochs=1)
    a, b = (
        bs.BS4NN((64, 37, 16), seed=3, backend=backend).fit(
            train.images, train.labels, epochs=3, rule=rule, progress=False
        )
        for backend in ("numpy", "numba")
    )
    check_same_network(a, b)


def check_same_network(a: bs.BS4NN, b: bs.BS4NN) -> None:
    arrays = [[*net.latent_weights_, *net.weights_, *net.thresholds_, net.scale_] for net in (a, b)]
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
def test_the_output_gradient_is_the_slope_of_the_cross_entropy(at_end: bool) -> None:
    rng = np.random.default_rng(1)
    n_in, n_hidden, n_out, t_max = 12, 9, 4, 8
    times = rng.integers(0, t_max, (1, n_in)).astype(np.int16)
    signs = [
        np.asfortranarray(rng.choice(np.array([-1, 1], np.int8), shape))
        for shape in ((n_hidden, n_in), (n_out, n_hidden))
    ]
    thresholds = [np.zeros(n_hidden, np.int64), np.full(n_out, 1)]
    rule = dataclasses.replace(SMALL, skip=0.0)
    batch = one(at_end, moves(n_in, columns=n_in, shift=0, mirror=False))
    net = BinaryLayers(signs, thresholds)
    found = gradients("numpy", times, np.array([2]), batch, net, rule, t_max)

    (hidden, outputs), _ = bs.network_spike_times(times, signs, thresholds, t_max=t_max)
    moment = t_max if at_end else outputs.min()
    assert at_end or 0 < moment < t_max
    heard = (hidden[0] < moment).astype(float)
    assert 0 < heard.sum() < n_hidden
    small = 1e-5
    slopes = np.zeros((n_out, n_hidden))
    for place in np.ndindex(*slopes.shape):
        step = np.zeros_like(slopes)
        step[place] = small
        up, down = (
            cross_entropy(signs[1] + way * step, heard, thresholds[1], 2, rule.temperature)
            for way in (1, -1)
        )
        slopes[place] = (up - down) / (2 * small)
    # The rule leaves out the factor 1 / temperature, which Adam would divide out again.
    np.testing.assert_allclose(
        found.output / ERROR_STEPS / rule.temperature, slopes, atol=0.51 / ERROR_STEPS
    )


def test_the_hidden_gradient_by_hand() -> None:
    # Inputs fire at 0, 1, 2, 5. Neuron 0 crosses 1 at the end of step 1: fires at 2. Neuron 1 ends
    # at 2, below 3. Nothing reaches the outputs' thresholds: the moment is the end, 8.
    times = np.array([[0, 1, 2, 5]], np.int16)
    signs = [
        np.array([[1, 1, 1, 1], [1, -1, 1, 1]], np.int8),
        np.array([[1, 1], [-1, -1]], np.int8),
    ]
    net = BinaryLayers([np.asfortranarray(s) for s in signs], [np.array([1, 3]), np.array([2, 2])])
    batch = one(False, moves(4, columns=4, shift=0, mirror=False))
    rule = dataclasses.replace(SMALL, temperature=1.0, width=4)
    case = times, np.array([0]), batch, net, rule, 8
    found = check_equal(case)
    # V = +1 for output 0, -1 for output 1: p = sigmoid(2)
    error = 1 / (1 + np.exp(2.0))
    step = round(error * ERROR_STEPS)
    assert found.output.tolist() == [[-step, 0], [step, 0]]  # neuron 1 is not heard
    # Neuron 0 ends 3 above its threshold, neuron 1 ends 1 below: both are near. Of the inputs of
    # neuron 0, two came before it fired; of the silent neuron 1, all did.
    back = -2 * step / ERROR_STEPS * HIDDEN_STEPS
    assert found.hidden.tolist() == [[round(back), round(back), 0, 0], [round(back)] * 4]
    assert found.threshold.tolist() == [-round(back)] * 2
    assert found.missed == 1
    narrow = gradients("numpy", *case[:4], dataclasses.replace(rule, width=3), 8)
    assert narrow.hidden.tolist() == [[0] * 4, [round(back)] * 4]
    assert narrow.threshold.tolist() == [0, -round(back)]


def test_an_input_too_late_for_the_moment_teaches_nothing() -> None:
    # Hidden neuron 0 fires at 1, and that fires both outputs at 2. Hidden neuron 1 hears the input
    # at 1 and fires at 2: too late by one step.
    times = np.array([[0, 1]], np.int16)
    signs = [np.array([[1, 1], [1, 1]], np.int8), np.array([[1, 1], [1, -1]], np.int8)]
    net = BinaryLayers([np.asfortranarray(s) for s in signs], [np.array([0, 1]), np.array([0, 0])])
    stay = moves(2, columns=2, shift=0, mirror=False)
    early, late = (
        check_equal((times, np.array([1]), one(at_end, stay), net, SMALL, 9))
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


def test_the_table_holds_every_distance_of_two_potentials() -> None:
    # Potentials within -3..3, thresholds within -4..3: distances 0 to 13.
    assert len(exponentials(1.0, 3)) == 14


def test_adam_is_adam() -> None:
    rng = np.random.default_rng(0)
    latent = rng.uniform(-1, 1, (3, 4)).astype(np.float32)
    wanted, m, v = latent.astype(float), np.zeros((3, 4)), np.zeros((3, 4))
    first, second = (np.zeros((3, 4), np.float32) for _ in range(2))
    for step in range(1, 6):
        g = rng.normal(size=(3, 4)).astype(np.float32)
        rate = 0.05 * np.sqrt(1 - 0.999**step) / (1 - 0.9**step)
        get_decision_kernels("numpy").adam(latent, first, second, g, rate=rate)
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
        corrected = m / (1 - 0.9**step), v / (1 - 0.999**step)  # as the paper first writes it
        wanted = np.clip(wanted - 0.05 * corrected[0] / (np.sqrt(corrected[1]) + 1e-8), -1, 1)
    np.testing.assert_allclose(latent, wanted, atol=1e-4)
    assert abs(latent).max() <= 1


# --- moving images -------------------------------------------------------------------------------


@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_a_moved_image_is_the_image_moved(backend: str) -> None:
    """What the kernels make of a moved image is what they make of np.roll with black margins."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (4, 5, 6), dtype=np.uint8)
    table = moves(30, columns=6, shift=1, mirror=True)
    assert len(table) == 18
    signs = [
        np.asfortranarray(rng.choice(np.array([-1, 1], np.int8), shape))
        for shape in ((20, 30), (3, 20))
    ]
    net = BinaryLayers(signs, [np.full(20, 2), np.full(3, 1)])
    labels = np.array([0, 1, 2, 0])
    stay = moves(30, columns=30, shift=0, mirror=False)
    shown = []
    for mirrored in (False, True):
        for down in (-1, 0, 1):
            for right in (-1, 0, 1):
                flipped = images[:, :, ::-1] if mirrored else images
                framed = np.pad(flipped, ((0, 0), (1, 1), (1, 1)))
                shown.append(framed[:, 1 - down : 6 - down, 1 - right : 7 - right])
    times = bs.latency_code(images)
    for k, moved in enumerate(shown):
        at_end, zero = np.zeros(4, np.bool_), np.zeros(4, np.int64)
        a = gradients(backend, times, labels, Batch(np.arange(4), at_end, zero + k, table), net,
                      SMALL, 256)  # fmt: skip
        b = gradients(backend, bs.latency_code(moved), labels,
                      Batch(np.arange(4), at_end, zero, stay), net, SMALL, 256)  # fmt: skip
        same(a.outcomes.decision_time, b.outcomes.decision_time)
        same(a.output, b.output)
        if k != 4:  # the move that leaves everything in place
            assert not np.array_equal(table[k], np.arange(30))
    same(table[4], np.arange(30, dtype=np.int32))


def test_images_of_one_epoch_are_moved_each_in_its_own_way(
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
    rule = dataclasses.replace(SMALL, shift=1, plain_epochs=1)
    net = bs.BS4NN((64, 5, 16), backend="numpy")
    net.fit(train.images, train.labels, epochs=2, rule=rule, progress=False)
    first, last = seen[:10], seen[10:]
    moved = np.concatenate([batch.move for batch in first])
    assert np.bincount(moved, minlength=9).min() > 5  # 200 images, nine ways, 22 each
    assert {len(batch.moves) for batch in last} == {1}  # plain
    assert sorted(np.concatenate([batch.images for batch in first])) == list(range(200))
    share = np.concatenate([batch.at_end for batch in first]).mean()
    assert 0.35 < share < 0.65


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
    assert len(np.unique(net.thresholds_[1])) == 1
    assert max(abs(w).max() for w in net.latent_weights_) <= 1
    for latent, signs in zip(net.latent_weights_, net.weights_, strict=True):
        np.testing.assert_array_equal(signs, np.where(latent < 0, -1, 1))


def test_hidden_thresholds_stay_at_zero_or_above() -> None:
    train, _ = bs.datasets.bars(n=100, seed=0)
    # The first step of Adam is 1 up or down for every threshold; one batch is one epoch.
    rule = dataclasses.replace(SMALL, hidden_threshold=0.5, threshold_speed=100.0, batch_size=100)
    net = bs.BS4NN((64, 20, 16), backend="numpy")
    net.fit(train.images, train.labels, epochs=1, rule=rule, progress=False)
    assert set(net.thresholds_[0].round(3)) == {0.0, 1.5}


def test_the_output_threshold_falls_while_too_many_miss_and_rises_else() -> None:
    train, _ = bs.datasets.bars(n=100, seed=0)
    for target, way in ((0.0, -1), (1.0, 1)):
        rule = dataclasses.replace(SMALL, missed_first=target, missed_last=target, feedback=0.1)
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
        ({"hidden_threshold": -1}, "hidden_threshold must be 0 or more, got -1"),
        ({"output_threshold": -1}, "output_threshold must be 0 or more, got -1"),
        ({"feedback": float("inf")}, "feedback must be 0 or more, got inf"),
        ({"threshold_speed": -1}, "threshold_speed must be 0 or more, got -1"),
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
    others = [bs.S4NN((64, 5, 16)), bs.BS4NN((64, 16)), bs.BS4NN((64, 5, 5, 16)), bs.BNN((64, 16))]
    for net in others:
        with pytest.raises(ValueError, match="trains a BS4NN with one hidden layer, such as"):
            net.fit(train.images, train.labels, epochs=1, rule=SMALL, progress=False)
        assert not net.is_trained


def test_images_that_cannot_be_moved_are_refused_and_told_what_to_do() -> None:
    times = np.zeros((4, 12), np.int16)
    labels = np.arange(4)
    net = bs.BS4NN((12, 5, 4), backend="numpy")
    for columns in (None, 5):
        rule = dataclasses.replace(SMALL, shift=1, columns=columns)
        with pytest.raises(ValueError, match=r"Give columns=, a divisor of 12, or shift=0"):
            net.fit(times, labels, epochs=1, rule=rule, progress=False)
        assert not net.is_trained
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
