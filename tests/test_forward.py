"""Chapter 03: layers, stacks of layers, and who decides. The equality of backends is elsewhere."""

import re
from collections.abc import Callable
from typing import Any

import dense
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from minibs4nn import (
    decide,
    layer_spike_times,
    network_spike_times,
    potential_at,
    published_correct,
    silent,
)
from minibs4nn.forward import DECISION_RULES

Array = npt.NDArray[Any]
T_MAX = 9


def times_of(n: int, size: int) -> st.SearchStrategy[Array]:
    return hnp.arrays(np.int16, (n, size), elements=st.integers(0, T_MAX))


def weights_of(n_out: int, n_in: int) -> st.SearchStrategy[Array]:
    return hnp.arrays(np.int64, (n_out, n_in), elements=st.integers(-3, 5))


# --- layers --------------------------------------------------------------------------------------


def test_a_layer_by_hand() -> None:
    # Inputs at 2, 5, 5. Neuron 0: V = 3 from step 2, 3 - 2 + 4 = 5 from step 5: above 4 at 5.
    # Neuron 1: 1, then 3: never above 4. Neuron 2: 6 from step 2 on: above 4 at 2.
    spikes, potential = layer_spike_times(
        [[2, 5, 5]], [[3, -2, 4], [1, 1, 1], [6, 6, 6]], 4, t_max=8
    )
    assert spikes.tolist() == [[6, 8, 3]]
    assert potential.tolist() == [[5, 3, 6]]
    assert spikes.dtype == np.int16
    assert potential.dtype == np.int32


@given(times_of(3, 4), weights_of(2, 4), st.integers(-3, 8))
def test_whole_numbers_and_floats_agree(times: Array, weights: Array, threshold: int) -> None:
    whole = layer_spike_times(times, weights, threshold, t_max=T_MAX)
    real = layer_spike_times(times, weights.astype(float), threshold, t_max=T_MAX)
    assert whole[1].dtype == np.int32
    assert real[1].dtype == np.float64
    np.testing.assert_array_equal(whole[0], real[0])
    np.testing.assert_array_equal(whole[1], real[1])


def test_an_infinite_threshold_never_fires() -> None:
    spikes, potential = layer_spike_times([[0, 1]], [[9, 9], [9, 9]], [np.inf, 0], t_max=4)
    assert spikes.tolist() == [[4, 1]]
    assert potential.tolist() == [[18, 9]]


def test_the_trailing_axis_of_the_published_files() -> None:
    weights = np.ones((2, 3, 1))
    spikes, _ = layer_spike_times([[0, 1, 2]], weights, 2.5, t_max=4)
    assert spikes.tolist() == [[3, 3]]


@given(times_of(2, 3), weights_of(4, 3))
def test_one_threshold_for_all_or_one_for_each(times: Array, weights: Array) -> None:
    one = layer_spike_times(times, weights, 1.5, t_max=T_MAX)
    each = layer_spike_times(times, weights, [1.5] * 4, t_max=T_MAX)
    np.testing.assert_array_equal(one, each)


@given(times_of(2, 3), weights_of(2, 3), st.integers(0, T_MAX - 1))
def test_potential_at_is_the_running_sum(times: Array, weights: Array, t: int) -> None:
    potential = potential_at(times, weights, t, t_max=T_MAX)
    for n, arrivals in enumerate(times):
        wanted = weights @ dense.heard_by_then(arrivals, T_MAX)[:, t]
        assert potential[n].tolist() == wanted.tolist()


def test_the_arguments_stay_as_they_were() -> None:
    times, weights = np.array([[0, 3, 9]], np.int16), np.array([[1.0, -2.0, 3.0]])
    before = times.copy(), weights.copy()
    layer_spike_times(times, weights, 0.5, t_max=9)
    potential_at(times, weights, 1, t_max=9)
    np.testing.assert_array_equal(times, before[0])
    np.testing.assert_array_equal(weights, before[1])


@given(times_of(2, 3), weights_of(4, 3), weights_of(2, 4))
def test_a_stack_is_layer_after_layer(times: Array, first: Array, second: Array) -> None:
    layers, potential = network_spike_times(times, [first, second], [2, [1, 3]], t_max=T_MAX)
    hidden, _ = layer_spike_times(times, first, 2, t_max=T_MAX)
    output, wanted = layer_spike_times(hidden, second, [1, 3], t_max=T_MAX)
    assert len(layers) == 2
    np.testing.assert_array_equal(layers[0], hidden)
    np.testing.assert_array_equal(layers[1], output)
    np.testing.assert_array_equal(potential, wanted)


def test_each_layer_takes_a_step() -> None:
    """A spike at 0 reaches the fourth layer at 4, and the window of 4 is over."""
    one = [[[1.0]]] * 4
    layers, _ = network_spike_times([[0]], one, [0.0] * 4, t_max=4)
    assert [int(layer[0, 0]) for layer in layers] == [1, 2, 3, 4]


@given(times_of(3, 2))
def test_silent(times: Array) -> None:
    assert silent(times, t_max=T_MAX).tolist() == [[t == T_MAX for t in row] for row in times]


# --- decisions -----------------------------------------------------------------------------------


def decided_in_words(rule: str, times: list[int], excess: list[float]) -> int:
    """The documentation of ``decide``, word by word."""
    classes = range(len(times))
    fired = [j for j in classes if times[j] < T_MAX]
    earliest = [j for j in classes if times[j] == min(times)]
    largest = [j for j in earliest if excess[j] == max(excess[k] for k in earliest)]
    if rule == "first-spike":
        return largest[0]
    if rule == "lowest-index":
        return earliest[0] if fired else largest[0]
    if rule == "unique":
        return earliest[0] if fired and len(earliest) == 1 else -1
    return excess.index(max(excess))


@pytest.mark.parametrize("rule", DECISION_RULES)
@given(
    st.integers(1, 4).flatmap(
        lambda size: st.tuples(
            times_of(3, size),
            hnp.arrays(np.int64, (3, size), elements=st.integers(-2, 2)),
            hnp.arrays(np.float64, size, elements=st.sampled_from([0.0, 0.5, 1.0])),
        )
    )
)
def test_every_rule_of_decision(rule: str, outputs: tuple[Array, Array, Array]) -> None:
    times, potential, threshold = outputs
    decisions = decide(times, potential, threshold=threshold, rule=rule, t_max=T_MAX)
    assert decisions.dtype == np.int64
    wanted = [
        decided_in_words(rule, list(t), list(v - threshold))
        for t, v in zip(times, potential, strict=True)
    ]
    assert decisions.tolist() == wanted


def test_the_rules_differ_where_they_should() -> None:
    times = [[9, 4, 4, 4], [9, 9, 9, 9], [2, 3, 9, 9]]
    potential = [[7, 5, 6, 6], [2, 3, 3, 1], [1, 9, 9, 9]]
    got = {rule: decide(times, potential, rule=rule, t_max=9).tolist() for rule in DECISION_RULES}
    assert got == {
        "first-spike": [2, 1, 0],
        "lowest-index": [1, 1, 0],
        "unique": [-1, -1, 0],
        "potential": [0, 1, 1],
    }


def test_no_images_no_decisions() -> None:
    nothing = np.empty((0, 3), np.int16)
    for rule in DECISION_RULES:
        decisions = decide(nothing, nothing.astype(float), rule=rule)
        assert decisions.shape == (0,)
        assert decisions.dtype == np.int64
    assert published_correct(nothing, nothing, np.empty(0, np.int64)).shape == (0,)


@given(
    times_of(3, 3),
    hnp.arrays(np.int64, (3, 3), elements=st.integers(-2, 2)),
    hnp.arrays(np.int64, 3, elements=st.integers(0, 2)),
)
def test_the_published_counter_against_a_loop(times: Array, late: Array, labels: Array) -> None:
    counted = published_correct(times, late, labels, t_max=T_MAX)
    for n in range(3):
        if times[n].min() == T_MAX:
            right = late[n].tolist().index(late[n].max()) == labels[n]
        else:
            right = times[n, labels[n]] == times[n].min()
        assert counted[n] == right


def test_the_published_counter_credits_a_tie_whatever_the_label() -> None:
    times, late = np.full((3, 3), 4), np.zeros((3, 3))
    assert published_correct(times, late, [0, 1, 2]).tolist() == [True, True, True]
    assert decide(times, late).tolist() == [0, 0, 0]


def test_the_published_counter_with_one_class() -> None:
    assert published_correct([[4], [256]], [[0.0], [0.0]], [0, 0]).tolist() == [True, True]


# --- errors --------------------------------------------------------------------------------------

HERE = "layer_spike_times: "
ERRORS: list[tuple[Callable[[], object], type[Exception], str]] = [
    (
        lambda: layer_spike_times([[1, 2]], [[1.0]], 0.0),
        ValueError,
        HERE
        + "times must have shape (n, n_in) with n_in = 1, the width of the weights, got (1, 2)",
    ),
    (
        lambda: layer_spike_times([1], [[1.0]], 0.0),
        ValueError,
        HERE + "times must have shape (n, n_in) with n_in = 1, the width of the weights, got (1,)",
    ),
    (
        lambda: layer_spike_times([[1]], [1.0], 0.0),
        ValueError,
        HERE + "weights must have shape (n_out, n_in), got (1,)",
    ),
    (
        lambda: layer_spike_times([[1]], [[np.inf]], 0.0),
        ValueError,
        HERE + "weights must be finite numbers, found NaN or infinity",
    ),
    (
        lambda: layer_spike_times([[1]], [["one"]], 0.0),
        TypeError,
        HERE + "weights must be real numbers, got ",
    ),
    (
        lambda: layer_spike_times([[1]], [[1.0]], [0.0, 1.0]),
        ValueError,
        HERE + "threshold must be one number, or one for each of the 1 neurons, got [0.0, 1.0]",
    ),
    (
        lambda: layer_spike_times([[1]], [[1.0]], np.nan),
        ValueError,
        HERE + "threshold must be one number, or one for each of the 1 neurons, got nan",
    ),
    (
        lambda: layer_spike_times([[257]], [[1.0]], 0.0),
        ValueError,
        HERE + "spike times must lie in 0..256 (256 = silent), got 257 to 257",
    ),
    (
        lambda: layer_spike_times([[0.5]], [[1.0]], 0.0),
        TypeError,
        HERE + "spike times must be whole time steps 0..256, got float64; latency_code() makes",
    ),
    (
        lambda: potential_at([[1]], [[1.0]], 3, t_max=0),
        ValueError,
        "potential_at: t_max must be a whole number of time steps from 1 to 32767, got 0",
    ),
    *(
        (
            lambda t=t: potential_at([[1]], [[1.0]], t, t_max=8),
            ValueError,
            f"potential_at: t must be a time step of the window, 0 to 7, got {t!r}",
        )
        for t in (-1, 8, 2.5, True)
    ),
    (
        lambda: decide([[1, 1]], [[3.0, np.nan]]),
        ValueError,
        "decide: potential must be numbers that can be compared with the threshold, found NaN",
    ),
    (
        lambda: decide([[8, 8]], [[0.0, np.inf]], threshold=np.inf, t_max=8),
        ValueError,
        "decide: potential must be numbers that can be compared with the threshold, found NaN",
    ),
    (
        lambda: network_spike_times([[1]], [[[1.0]]], [1.0, 2.0]),
        ValueError,
        "network_spike_times: one threshold per layer of weights, got 1 layers and 2 thresholds",
    ),
    (
        lambda: network_spike_times([[1]], [], []),
        ValueError,
        "network_spike_times: one threshold per layer of weights, got 0 layers and 0 thresholds",
    ),
    (
        lambda: network_spike_times([[1]], [[[1.0]]], 4.0),  # type: ignore[arg-type]
        TypeError,
        "network_spike_times: weights and thresholds must be sequences with an entry for each "
        "layer after the input, got list and float",
    ),
    (
        lambda: network_spike_times([[1, 2], [3]], [[[1.0]]], [1.0]),
        ValueError,
        "network_spike_times: times must be an array; its rows differ in length",
    ),
    (
        lambda: layer_spike_times([[1]], [[True]], 1.0),
        TypeError,
        "layer_spike_times: weights must be numbers, such as +1 and -1, not True and False",
    ),
    (
        lambda: published_correct([[8, 8]], [[1.0, np.nan]], [1], t_max=8),
        ValueError,
        "published_correct: late_potential must be numbers, found NaN",
    ),
    (
        lambda: decide([[1, 2]], [["3", "4"]]),
        TypeError,
        "decide: potential must be real numbers, got [['3', '4']]",
    ),
    (
        lambda: published_correct([[1, 2]], [["3", "4"]], [0]),
        TypeError,
        "published_correct: late_potential must be real numbers, got [['3', '4']]",
    ),
    (
        lambda: decide([[1, 2]], [[1]]),
        ValueError,
        "decide: spike_times and potential must both have shape (n, n_classes), got (1, 2) and",
    ),
    (
        lambda: decide([1, 2], [1, 2]),
        ValueError,
        "decide: spike_times and potential must both have shape (n, n_classes), got (2,) and (2,)",
    ),
    (
        lambda: decide(np.empty((2, 0), np.int16), np.empty((2, 0))),
        ValueError,
        "decide: spike_times and potential must both have shape (n, n_classes), got (2, 0) and",
    ),
    (
        lambda: decide([[1]], [[1]], rule="first"),
        ValueError,
        "decide: rule must be one of 'first-spike', 'lowest-index', 'unique', 'potential'; got "
        "'first'",
    ),
    (
        lambda: published_correct([[1, 2]], [[1, 2]], [0, 0]),
        ValueError,
        "published_correct: 1 images need 1 labels, got labels of shape (2,)",
    ),
    (
        lambda: published_correct([[1, 2]], [[1]], [0]),
        ValueError,
        "published_correct: spike_times and late_potential must both have shape (n, n_classes), "
        "got (1, 2) and (1, 1)",
    ),
    (
        lambda: published_correct([1, 2], [1, 2], [0]),
        ValueError,
        "published_correct: spike_times and late_potential must both have shape (n, n_classes), "
        "got (2,) and (2,)",
    ),
    (
        lambda: published_correct(np.empty((2, 0), np.int16), np.empty((2, 0)), [0, 0]),
        ValueError,
        "published_correct: spike_times and late_potential must both have shape (n, n_classes), "
        "got (2, 0) and (2, 0)",
    ),
    (
        lambda: published_correct([[1, 2]], [[1, 2]], [2]),
        ValueError,
        "published_correct: labels must lie in 0..1 (the network has 2 output neurons), got",
    ),
    (
        lambda: published_correct([[1, 2]], [[1, 2]], [-1]),
        ValueError,
        "published_correct: labels must lie in 0..1 (the network has 2 output neurons), got",
    ),
    (
        lambda: published_correct([[1, 2]], [[1, 2]], [1.0]),
        TypeError,
        "published_correct: labels must be whole numbers, got float64",
    ),
    (
        lambda: silent([300]),
        ValueError,
        "silent: spike times must lie in 0..256 (256 = silent), got 300 to 300",
    ),
]


@pytest.mark.parametrize(("call", "error", "message"), ERRORS)
def test_errors(call: Callable[[], object], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match="^" + re.escape(message)):
        call()


def test_whole_number_weights_that_cannot_be_added_exactly_are_refused() -> None:
    """The sums of whole numbers are int32; a wrong sum would be worse than an error."""
    for weights in ([[2**31 - 1, 1]], [[2**40, 0]], [[-(2**31), 0]], [[2**62, -(2**62)]]):
        with pytest.raises(ValueError, match="weights of whole numbers are too large"):
            layer_spike_times([[0, 0]], weights, 0, t_max=4)
    _, potential = layer_spike_times([[0, 0]], [[2**31 - 2, 1], [-(2**30), -(2**30) + 1]], 0)
    assert potential.tolist() == [[2**31 - 1, -(2**31) + 1]]
    many = np.full((1, 70_000), 2**15 - 1, np.int16)
    with pytest.raises(ValueError, match="weights of whole numbers are too large"):
        layer_spike_times(np.zeros(many.shape, np.int16), many, 0)


def test_real_weights_may_be_as_large_as_they_like() -> None:
    spikes, potential = layer_spike_times([[0, 1]], [[1e12, -2e12]], 0.0)
    assert (spikes.tolist(), potential.tolist()) == ([[1]], [[1e12]])


def test_a_negative_threshold_needs_no_input() -> None:
    spikes, potential = layer_spike_times([[8]], [[1.0], [1.0]], [-0.5, 0.0], t_max=8)
    assert (spikes.tolist(), potential.tolist()) == ([[1, 8]], [[0, 0]])
