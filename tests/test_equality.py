"""One computation, three definitions: NumPy reference, Numba kernels, and the dense form.

Random networks, edge cases, and real images. What exactly is compared is told in ``agreement.py``;
that the comparison can fail is shown in ``test_planted_faults.py``.
"""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import dense
import numpy as np
import numpy.typing as npt
import pytest
from agreement import (
    EDGES,
    NUMBA,
    REFERENCE,
    ROUNDED,
    Case,
    by_hand,
    check_decisions,
    check_epoch,
    check_forward,
    check_outcome,
    check_run,
    check_step,
    close,
    learn,
    random_case,
    run,
    same,
    sign,
)
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import minibs4nn as bs
from minibs4nn import forward
from minibs4nn.kernels import Kernels, OnlineReport
from minibs4nn.rules import RelativeTarget

Array = npt.NDArray[Any]

WINDOWS = st.sampled_from([1, 2, 3, 4, 9, 256])
SIZES = st.integers(1, 6)
QUARTERS = st.integers(-12, 12).map(lambda quarter: quarter / 4)
ALL_NEGATIVE = st.just(-1.0)
# Exact in single precision; and 0.0 for -0.0, which a step of 0 may or may not turn into it.
FLOATS = st.floats(-4, 4, width=32, allow_subnormal=False).map(lambda x: x + 0.0)
RATES = st.sampled_from([0.0, 0.1, 0.25, 1.0])


def spike_times(t_max: int) -> st.SearchStrategy[int]:
    """Firing times, the edges of the window as likely as all the rest."""
    edges = st.sampled_from(sorted({0, max(t_max - 1, 0), t_max}))
    return edges | st.integers(0, t_max)


@st.composite
def cases(
    draw: st.DrawFn, *, exact: bool, depths: tuple[int, ...] = (1, 2, 3), max_images: int = 6
) -> Case:
    """Networks of 1 to 3 layers of weights; ``exact``: all sums can be had without rounding."""
    t_max = draw(WINDOWS)
    sizes = [draw(SIZES) for _ in range(draw(st.sampled_from(depths)) + 1)]
    number = draw(st.sampled_from([QUARTERS, ALL_NEGATIVE] if exact else [QUARTERS, FLOATS]))
    n = draw(st.integers(0, max_images))
    depth = len(sizes) - 1
    order = draw(hnp.arrays(np.int64, 2 * n, elements=st.integers(0, max(n - 1, 0))))
    latent = [
        draw(hnp.arrays(np.float64, (n_out, n_in), elements=number))
        for n_in, n_out in pairwise(sizes)
    ]
    scales = st.sampled_from([0.5, 1.0, 2.0]) if exact else st.floats(0.01, 8)
    return Case(
        times=draw(hnp.arrays(np.int16, (n, sizes[0]), elements=spike_times(t_max))),
        labels=draw(hnp.arrays(np.int64, n, elements=st.integers(0, sizes[-1] - 1))),
        # Only in a long run do the compiled kernels learn how early decisions fall.
        order=np.tile(order, draw(st.sampled_from([1, 1, 1, 30]))),
        latent=tuple(latent),
        thresholds=tuple(
            draw(hnp.arrays(np.float64, size, elements=QUARTERS if exact else FLOATS | QUARTERS))
            for size in sizes[1:]
        ),
        scale=draw(st.none() | st.tuples(*[scales] * depth)),
        rule=RelativeTarget(
            learning_rate=draw(RATES),
            gamma=draw(st.integers(0, min(t_max, 5))),
            weight_decay=draw(st.sampled_from([0.0, 1e-6, 0.125, 0.9])),
            scale_learning_rate=draw(st.sampled_from([0.0, 0.01, 0.5])),
            all_silent=draw(st.sampled_from(["teach", "ignore"])),
        ),
        t_max=t_max,
    )


# --- random networks and edge cases --------------------------------------------------------------


@pytest.mark.parametrize("name", EDGES)
@pytest.mark.parametrize("kernels", [REFERENCE, NUMBA], ids=["numpy", "numba"])
def test_edge_cases(name: str, kernels: Kernels) -> None:
    case = EDGES[name]
    check_forward(case, kernels, exact=True)
    check_epoch(case, kernels)
    check_step(case, kernels)
    check_decisions(case, forward)


def test_inputs_are_heard_in_the_order_of_their_indices() -> None:
    for kernels in (REFERENCE, NUMBA):
        check_forward(ROUNDED, kernels, exact=False)
        check_epoch(ROUNDED, kernels)
        p, theta = ROUNDED.parameters(), ROUNDED.thresholds[0]
        spikes, _ = kernels.layer_spike_times(ROUNDED.times, p.weights[0], theta, t_max=9)
        assert spikes.tolist() == [[4, 9] * 3]


def test_the_longest_window() -> None:
    times = [[0, 32766, 5], [32765, 32767, 20000], [32767, 32767, 32767]]
    for kernels in (REFERENCE, NUMBA):
        case = by_hand(times, [[1, 1, 1], [1, 0, 0], [0, 1, 0]], [1, 0, 0], 32767)
        check_forward(case, kernels, exact=True)
        check_epoch(case, kernels)
        check_step(case, kernels)
        late = [[6, 1, 32767], [32766, 32766, 32767], [32767] * 3]
        p = case.parameters()
        spikes, _ = kernels.layer_spike_times(
            case.times, p.weights[0], p.thresholds[0], t_max=32767
        )
        assert spikes.tolist() == late


@given(cases(exact=True, depths=(1, 2, 3, 4)))
def test_forward_three_ways(case: Case) -> None:
    check_forward(case, REFERENCE, exact=True)


@given(cases(exact=False, depths=(1, 2)))
def test_forward_bit_for_bit_with_real_numbers(case: Case) -> None:
    check_forward(case, REFERENCE, exact=False)


@given(cases(exact=False, max_images=8), st.booleans())
def test_a_whole_epoch_bit_for_bit(case: Case, count_fired: bool) -> None:
    check_epoch(case, REFERENCE, count_fired=(count_fired,))


@given(cases(exact=True, max_images=2))
def test_one_training_step_three_ways(case: Case) -> None:
    check_step(case, REFERENCE)
    check_step(case, NUMBA)


@given(cases(exact=True, max_images=4))
def test_a_run_of_training_in_the_dense_form(case: Case) -> None:
    check_run(case, NUMBA)


@given(cases(exact=True, depths=(1, 2), max_images=3))
def test_decisions_against_loops(case: Case) -> None:
    check_decisions(case, forward)


def test_the_public_function_and_the_kernels_take_the_same_numbers() -> None:
    rng = np.random.default_rng(0)
    times = rng.integers(0, 10, (30, 7)).astype(np.int16)
    signs = sign(rng.normal(size=(4, 7)))
    for weights in (signs, rng.normal(size=(4, 7))):
        for kernels in (REFERENCE, NUMBA):
            wanted = bs.layer_spike_times(times, weights, 1.0, t_max=9 + 1)
            got = kernels.layer_spike_times(times, weights, np.ones(4), t_max=10)
            same(got[0], wanted[0])
            same(got[1], wanted[1])


@pytest.mark.parametrize("strided", ["columns", "rows", "read-only", "row-major weights"])
def test_the_memory_layout_does_not_matter(strided: str) -> None:
    rng = np.random.default_rng(1)
    times = rng.integers(0, 10, (8, 6)).astype(np.int16)
    weights, theta = rng.normal(size=(3, 6)), np.full(3, 0.5)
    odd = {
        "columns": np.repeat(times, 2, axis=1)[:, ::2],
        "rows": np.repeat(times, 2, axis=0)[::2],
        "read-only": times.copy(),
        "row-major weights": times,
    }[strided]
    odd.flags.writeable = strided != "read-only"
    layout = np.ascontiguousarray if strided == "row-major weights" else np.asfortranarray
    for kernels in (REFERENCE, NUMBA):
        spikes, potential = kernels.layer_spike_times(odd, layout(weights), theta, t_max=9)
        wanted = REFERENCE.layer_spike_times(times, weights, theta, t_max=9)
        same(spikes, wanted[0])
        same(potential, wanted[1])


@pytest.mark.parametrize("n_in", [32765, 32766, 32767, 32768])
def test_sums_of_many_signs_do_not_overflow(n_in: int) -> None:
    """Numba adds signs as int16 as long as they fit, which depends on the number of inputs."""
    times = np.zeros((1, n_in), np.int16)
    for signs, threshold in ((1, n_in - 1.0), (1, float(n_in)), (-1, -n_in - 1.0), (-1, -1.0)):
        weights = np.full((2, n_in), signs, np.int8)
        for kernels in (REFERENCE, NUMBA):
            spikes, potential = kernels.layer_spike_times(
                times, weights, np.full(2, threshold), t_max=4
            )
            fires = signs * n_in > threshold
            assert spikes.tolist() == [[1 if fires else 4] * 2]
            assert potential.tolist() == [[signs * n_in] * 2]


@pytest.mark.parametrize("scale", [None, (1.0, 1.0, 1.0)], ids=["S4NN", "BS4NN"])
def test_layers_of_more_neurons_than_are_taken_at_once(scale: tuple[float, ...] | None) -> None:
    """Numba takes 64 neurons at a time, and 16 of the last layer."""
    rng = np.random.default_rng(2)
    sizes = (9, 70, 130, 20)
    case = Case(
        times=rng.integers(0, 7, (8, 9)).astype(np.int16), labels=rng.integers(0, 20, 8),
        order=np.arange(8), latent=tuple(
            rng.integers(-4, 6, (n_out, n_in)) / 4 for n_in, n_out in pairwise(sizes)
        ),
        thresholds=tuple(np.full(n, 1.5) for n in sizes[1:]), scale=scale,
        rule=RelativeTarget(learning_rate=0.25, gamma=2, weight_decay=0.125), t_max=16,
    )  # fmt: skip
    check_forward(case, REFERENCE, exact=True)
    check_epoch(case, REFERENCE)
    _, report = run(case, NUMBA)
    assert isinstance(report, OnlineReport)
    assert report.updates > 4


@pytest.mark.parametrize("seed", range(8))
def test_steps_of_exactly_one(seed: int) -> None:
    """Without a gap only the label can be wrong, so that its delta is -1; and so is its step."""
    case = random_case(seed)
    rule = replace(case.rule, learning_rate=1.0, gamma=0)
    check_epoch(replace(case, rule=rule), REFERENCE)


@pytest.mark.parametrize("scale", [None, (1.0, 1.0)], ids=["S4NN", "BS4NN"])
def test_steps_of_exactly_plus_one(scale: tuple[float, ...] | None) -> None:
    """Two outputs tie: the other one is too early, and its delta is +1; so is the hidden one's."""
    case = Case(
        times=np.array([[0]], np.int16), labels=np.array([0]), order=np.array([0, 0]),
        latent=(np.array([[4.0]]), np.array([[4.0], [4.0]])),
        thresholds=(np.zeros(1), np.zeros(2)), scale=scale,
        rule=RelativeTarget(learning_rate=1.0, gamma=3), t_max=9,
    )  # fmt: skip
    check_epoch(case, REFERENCE)
    p, _ = run(replace(case, order=np.array([0])), NUMBA)
    assert [latent.tolist() for latent in p.latent] == [[[3.0]], [[4.0], [3.0]]]


def test_a_step_of_exactly_minus_one() -> None:
    """The label alone is too late; input 1, which came after the other output, had a part in it."""
    case = Case(
        times=np.array([[0, 4]], np.int16), labels=np.array([0]), order=np.array([0]),
        latent=(np.array([[1.0, 2.0], [3.0, 0.0]]),), thresholds=(np.full(2, 2.0),), scale=None,
        rule=RelativeTarget(learning_rate=1.0, gamma=0), t_max=9,
    )  # fmt: skip
    check_epoch(case, REFERENCE)
    p, _ = run(case, NUMBA)
    assert p.latent[0].tolist() == [[2.0, 3.0], [3.0, 0.0]]


@pytest.mark.parametrize("sizes", [(5, 64), (5, 64, 8), (5, 128, 64)])
@pytest.mark.parametrize("signed", [False, True], ids=["S4NN", "BS4NN"])
def test_layers_that_fill_the_words(sizes: tuple[int, ...], signed: bool) -> None:
    """Where nothing fills up the last word there is no room for a mistake about where it ends."""
    rng = np.random.default_rng(5)
    case = Case(
        times=rng.integers(0, 7, (40, 5)).astype(np.int16), labels=rng.integers(0, sizes[-1], 40),
        order=np.arange(40), latent=tuple(
            rng.integers(-4, 6, (n_out, n_in)) / 4 for n_in, n_out in pairwise(sizes)
        ),
        thresholds=tuple(np.full(n, 1.5) for n in sizes[1:]),
        scale=(1.0,) * (len(sizes) - 1) if signed else None,
        rule=RelativeTarget(learning_rate=0.25, gamma=2, weight_decay=0.5), t_max=9,
    )  # fmt: skip
    check_epoch(case, REFERENCE)


@pytest.mark.parametrize("layer", [0, 1])
def test_a_scale_that_falls_to_zero_is_named(layer: int) -> None:
    rng = np.random.default_rng(0)
    scale = [100.0, 100.0]
    scale[layer] = 1e-6  # one step down is enough; with thresholds of 0 a scale does nothing else
    case = Case(
        times=rng.integers(0, 9, (40, 5)).astype(np.int16), labels=rng.integers(0, 3, 40),
        order=np.arange(40), latent=(rng.normal(size=(4, 5)), rng.normal(size=(3, 4))),
        thresholds=(np.zeros(4), np.zeros(3)), scale=(scale[0], scale[1]),
        rule=RelativeTarget(learning_rate=0.1, gamma=2, scale_learning_rate=0.01), t_max=9,
    )  # fmt: skip
    for kernels in (REFERENCE, NUMBA):
        _, report = run(case, kernels)
        assert isinstance(report, str)
        assert f"layer {layer} fell to" in report


# --- the same through fit: order, reset of dead neurons, parts -----------------------------------


@pytest.mark.parametrize("order", ["file", "shuffle", "replacement"])
@pytest.mark.parametrize("cls", [bs.S4NN, bs.BS4NN])
def test_fit_gives_the_same_bits_on_both_backends(
    cls: type[bs.S4NN] | type[bs.BS4NN], order: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("minibs4nn.training.PART", 37)  # parts of an epoch that do not fit evenly
    train, test = bs.datasets.bars(100, size=4, noise=0.2, seed=3)
    rule = RelativeTarget(
        learning_rate=0.2, gamma=2, weight_decay=1e-3, all_silent="teach", order=order,
        reset_dead=0.3,
    )  # fmt: skip
    nets = [
        cls((16, 12, 8), threshold=6.0, seed=5, backend=backend).fit(
            train.images, train.labels, epochs=3, rule=rule, validation=0.2, progress=False
        )
        for backend in ("numpy", "numba")
    ]
    one, other = nets
    for a, b in zip(one.parameters.latent, other.parameters.latent, strict=True):
        same(a, b)
    same(one.parameters.scale, other.parameters.scale)
    for name in set(one.history_.keys()) - {"seconds"}:
        same(one.history_[name], other.history_[name])
    assert one.evaluate(test.images, test.labels) == other.evaluate(test.images, test.labels)


# --- real images ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def mnist() -> tuple[Array, Array]:
    """Return spike times and labels of the first 200 images of MNIST."""
    train, _ = bs.datasets.mnist()
    return bs.latency_code(train.images[:200]), train.labels[:200].copy()


def mnist_case(mnist: tuple[Array, Array], binary: bool, n: int) -> Case:
    rng = np.random.default_rng(7)
    latent = (rng.uniform(0, 5, (600, 784)), rng.uniform(0, 48, (10, 600)))
    if binary:  # after 200 images the published start still has few negative signs
        latent = (rng.uniform(-0.4, 1, (600, 784)), rng.uniform(-0.4, 1, (10, 600)))
    return Case(
        mnist[0][:n], mnist[1][:n], np.arange(n), latent,
        (np.full(600, 100.0), np.full(10, 100.0)), (5.0, 5.0) if binary else None,
        bs.BS4NN_PUBLISHED if binary else bs.S4NN_PUBLISHED, 256,
    )  # fmt: skip


@pytest.mark.parametrize("binary", [False, True], ids=["S4NN", "BS4NN"])
def test_an_epoch_of_mnist_bit_for_bit(mnist: tuple[Array, Array], binary: bool) -> None:
    case = mnist_case(mnist, binary, 200)
    check_forward(replace(case, times=case.times[:20]), REFERENCE, exact=False)
    check_epoch(case, REFERENCE)


@pytest.mark.parametrize("binary", [False, True], ids=["S4NN", "BS4NN"])
def test_an_epoch_of_mnist_in_the_dense_form(mnist: tuple[Array, Array], binary: bool) -> None:
    """Fifty images in a row, nothing put right in between."""
    case = mnist_case(mnist, binary, 50)
    p, report = run(case, NUMBA)
    assert isinstance(report, OnlineReport)
    net = case.dense()
    for n in case.order:
        before = dense.Net(list(net.weights), net.thresholds, net.scale and list(net.scale))
        learn(net, case, n)
        check_outcome(case, before, n, report.outcomes, n)
    assert report.updates > 25
    for k, theirs in enumerate(net.weights):
        close(p.latent[k], theirs, 1000)
        assert np.count_nonzero(theirs != case.dense().weights[k]) > 1000
    if p.signs is not None and net.scale is not None:
        close(p.scale, np.array(net.scale), 1000)
        for k, signs in enumerate(p.signs):
            np.testing.assert_array_equal(signs, net.used(k))
