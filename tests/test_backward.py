"""Chapter 05: deltas, updates and decay, and one complete update computed by hand."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import minibs4nn as bs
from minibs4nn.backward import arrived, backpropagate, decay, update_weights

Array = npt.NDArray[Any]
T_MAX = 9
QUARTERS = st.integers(-12, 12).map(lambda quarter: quarter / 4)


@st.composite
def layers(draw: st.DrawFn) -> tuple[Array, Array, Array, Array]:
    """Deltas, weights, and times before and after them; all products are exact."""
    n_in, n_out = draw(st.integers(1, 5)), draw(st.integers(1, 5))
    times = st.integers(0, T_MAX)
    return (
        draw(hnp.arrays(np.float64, n_out, elements=QUARTERS)),
        draw(hnp.arrays(np.float64, (n_out, n_in), elements=QUARTERS)),
        draw(hnp.arrays(np.int16, n_in, elements=times)),
        draw(hnp.arrays(np.int16, n_out, elements=times)),
    )


@given(layers())
def test_arrived_against_loops(layer: tuple[Array, Array, Array, Array]) -> None:
    _, _, times_in, times_out = layer
    heard = arrived(times_in, times_out)
    assert heard.shape == (times_out.size, times_in.size)
    for j, t_out in enumerate(times_out):
        for i, t_in in enumerate(times_in):
            assert heard[j, i] == (t_in < t_out)


@given(layers())
def test_backpropagate_against_loops(layer: tuple[Array, Array, Array, Array]) -> None:
    delta, weights, times_in, times_out = layer
    result = backpropagate(delta, weights, times_in, times_out)
    for h, t_in in enumerate(times_in):
        heard_by = [k for k, t_out in enumerate(times_out) if t_in < t_out]
        assert result[h] == sum(delta[k] * weights[k, h] for k in heard_by)


@given(layers(), st.sampled_from([0.0, 0.25, 1.0]))
def test_update_against_loops(layer: tuple[Array, Array, Array, Array], rate: float) -> None:
    delta, weights, times_in, times_out = layer
    before = weights.copy()
    update_weights(weights, delta, times_in, times_out, learning_rate=rate)
    for j, t_out in enumerate(times_out):
        for i, t_in in enumerate(times_in):
            assert weights[j, i] == before[j, i] - (rate * delta[j] if t_in < t_out else 0)


def test_a_silent_hidden_neuron_has_no_delta_and_a_silent_input_changes_no_weight() -> None:
    silent, times_out = np.array([T_MAX, 0]), np.array([3, T_MAX])
    assert backpropagate([1.0, 1.0], np.ones((2, 2)), silent, times_out).tolist() == [0, 2]
    weights = np.ones((2, 2))
    update_weights(weights, [1.0, 1.0], silent, times_out, learning_rate=0.5)
    assert weights.tolist() == [[1, 0.5], [1, 0.5]]


@pytest.mark.parametrize("precision", [np.float32, np.float64])
def test_weights_keep_their_precision_and_their_place(precision: type[np.floating[Any]]) -> None:
    weights = np.full((2, 3), 0.1, precision, order="F")
    same_array = weights
    update_weights(weights, [0.3, -0.1], [0, 1, 9], [5, 1], learning_rate=0.1)
    decay(weights, 0.999)
    assert same_array.dtype == precision
    steps = (precision(0.1 * 0.3), precision(0.1 * -0.1), precision(0))
    moved = [[0, 0, 2], [1, 2, 2]]  # which step each weight makes
    wanted = np.array([[precision(0.1) - steps[k] for k in row] for row in moved], precision)
    assert same_array.tolist() == (wanted * np.float64(0.999)).astype(precision).tolist()


def test_decay_never_flips_a_sign() -> None:
    for precision in (np.float32, np.float64):
        weights: Array = np.array([[-1.0, 1.0, 0.0, -np.finfo(precision).tiny]], precision)
        for _ in range(5):
            decay(weights, 1e-100)
        assert (weights < 0).tolist() == [[True, False, False, True]]
        assert np.abs(weights).max() <= np.finfo(precision).tiny


# One complete update of a 3-2-2 network, on paper. t_max = 10, thresholds 2.5 and 1.5, gamma = 4,
# eta = 0.5, lambda = 0.2. The inputs fire at 0, 2 and 5.
#
# Forward.   hidden 0, weights (2, 1, 1):  V = 2 at 0, 3 at 2 > 2.5, fires at 3
#            hidden 1, weights (1, 1, 2):  V = 1 at 0, 2 at 2, 4 at 5 > 2.5, fires at 6
#            output 0, weights (2.65, 1):  V = 2.65 at 3 > 1.5, fires at 4
#            output 1, weights (1.2, 1.7): V = 1.2 at 3, 2.9 at 6 > 1.5, fires at 7
# Targets.   The label is 1. First spike 4: target of output 1 is 4, of output 0 min(4 + 4, 10) = 8.
# Error.     ((8 - 4) / 10, (4 - 7) / 10) = (0.4, -0.3); length 0.5; deltas (0.8, -0.6)
# Update.    output 0 heard hidden 0 alone:  2.65 - 0.5 * 0.8 = 2.25, and 1 stays
#            output 1 heard both:            1.2 + 0.5 * 0.6 = 1.5,  1.7 + 0.3 = 2.0
# Back, through the weights just updated:
#            hidden 0 was heard by both:     0.8 * 2.25 - 0.6 * 1.5 = 0.9
#            hidden 1 by output 1 alone:     -0.6 * 2.0 = -1.2
#            length 1.5; deltas (0.6, -0.8)
# Update.    hidden 0 heard inputs 0 and 1:  2 - 0.3 = 1.7, 1 - 0.3 = 0.7, and 1 stays
#            hidden 1 heard all three:       1 + 0.4 = 1.4, 1.4, 2 + 0.4 = 2.4
# Decay.     all weights times 1 - 0.5 * 0.2 = 0.9
HIDDEN = [[2.0, 1.0, 1.0], [1.0, 1.0, 2.0]]
OUTPUT = [[2.65, 1.0], [1.2, 1.7]]
HIDDEN_AFTER = [[0.9 * 1.7, 0.9 * 0.7, 0.9], [0.9 * 1.4, 0.9 * 1.4, 0.9 * 2.4]]
OUTPUT_AFTER = [[0.9 * 2.25, 0.9], [0.9 * 1.5, 0.9 * 2.0]]


@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_one_update_of_an_s4nn_by_hand(backend: str) -> None:
    net = bs.S4NN.from_weights([HIDDEN, OUTPUT], threshold=[2.5, 1.5], t_max=10, backend=backend)
    images = np.array([[0, 2, 5]], np.int16)
    assert [layer.tolist() for layer in net.spike_times(images)] == [[[3, 6]], [[4, 7]]]
    rule = bs.RelativeTarget(learning_rate=0.5, gamma=4, weight_decay=0.2)
    net.fit(images, np.array([1]), epochs=1, rule=rule, progress=False)
    np.testing.assert_allclose(net.weights_[0], HIDDEN_AFTER, rtol=1e-14)
    np.testing.assert_allclose(net.weights_[1], OUTPUT_AFTER, rtol=1e-14)
    record = net.history_[0]
    assert record["updates"] == 1
    assert record["accuracy"] == record["published_accuracy"] == record["tied"] == 0
    assert record["decision_time"] == 4


@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_an_image_without_error_changes_nothing(backend: str) -> None:
    """As above with label 0, whose neuron is first by 3 steps: enough for a gap of 3, not of 4."""
    images, label = np.array([[0, 2, 5]], np.int16), np.array([0])
    for gamma, updates in ((3, 0), (4, 1)):
        net = bs.S4NN.from_weights(
            [HIDDEN, OUTPUT], threshold=[2.5, 1.5], t_max=10, backend=backend
        )
        rule = bs.RelativeTarget(learning_rate=0.5, gamma=gamma)
        net.fit(images, label, epochs=1, rule=rule, progress=False)
        assert net.history_[0]["updates"] == updates
        same = [w.tolist() for w in net.weights_] == [HIDDEN, OUTPUT]
        assert same == (updates == 0)


# --- errors --------------------------------------------------------------------------------------

WEIGHTS = np.ones((2, 3))
ERRORS: list[tuple[Callable[[], object], type[Exception], str]] = [
    (
        lambda: arrived([1, 2], [[3]]),
        ValueError,
        "arrived: times_in and times_out must have shapes (n_in,) and (n_out,), the spike times of "
        "one image, got (2,) and (1, 1)",
    ),
    (
        lambda: arrived([[1, 2]], [3]),
        ValueError,
        "arrived: times_in and times_out must have shapes (n_in,) and (n_out,), the spike times of "
        "one image, got (1, 2) and (1,)",
    ),
    (lambda: arrived([1.0], [3]), TypeError, "arrived: spike times must be whole time steps, got"),
    (lambda: arrived([1], ["3"]), TypeError, "arrived: spike times must be whole time steps, got"),
    (
        lambda: backpropagate([1.0], WEIGHTS, [1, 2, 3], [4, 5]),  # a delta is missing
        ValueError,
        "backpropagate: by times_out and times_in, weights must have shape (n_out, n_in) = (2, 3) "
        "and delta shape (2,), got (2, 3) and (1,)",
    ),
    (
        lambda: backpropagate([1.0, 2.0], WEIGHTS.T, [1, 2, 3], [4, 5]),
        ValueError,
        "backpropagate: by times_out and times_in, weights must have shape (n_out, n_in) = (2, 3) "
        "and delta shape (2,), got (3, 2) and (2,)",
    ),
    (
        lambda: backpropagate([1.0, 2.0], WEIGHTS, [1, 2, 3], [[4, 5]]),
        ValueError,
        "backpropagate: times_in and times_out must have shapes",
    ),
    (
        lambda: backpropagate(["1", "2"], WEIGHTS, [1, 2, 3], [4, 5]),
        TypeError,
        "backpropagate: delta must be real numbers, got ['1', '2']",
    ),
    (
        lambda: backpropagate([1.0, 2.0], [["w"] * 3] * 2, [1, 2, 3], [4, 5]),
        TypeError,
        "backpropagate: weights must be real numbers, got [['w', 'w', 'w'], ['w', 'w', 'w']]",
    ),
    (
        lambda: update_weights([[1.0]], [1.0], [1], [2], learning_rate=0.1),  # type: ignore[arg-type]
        TypeError,
        "update_weights: weights must be a NumPy array of floats, since they are changed in place, "
        "got list",
    ),
    (
        lambda: update_weights(np.ones((1, 1), int), [1.0], [1], [2], learning_rate=0.1),
        TypeError,
        "update_weights: weights must be a NumPy array of floats, since they are changed in place, "
        "got int64",
    ),
    (
        lambda: update_weights(WEIGHTS, [1.0], [1, 2, 3], [4, 5], learning_rate=0.1),
        ValueError,
        "update_weights: by times_out and times_in, weights must have shape (n_out, n_in) = (2, 3) "
        "and delta shape (2,), got (2, 3) and (1,)",
    ),
    (
        lambda: update_weights(WEIGHTS, [1.0, 1.0], [1, 2, 3.5], [4, 5], learning_rate=0.1),
        TypeError,
        "update_weights: spike times must be whole time steps, got float64",
    ),
    (
        lambda: update_weights(WEIGHTS, ["a", "b"], [1, 2, 3], [4, 5], learning_rate=0.1),
        TypeError,
        "update_weights: delta must be real numbers, got ['a', 'b']",
    ),
    (
        lambda: update_weights(
            WEIGHTS,
            [1.0, 1.0],
            [1, 2, 3],
            [4, 5],
            learning_rate="fast",  # type: ignore[arg-type]
        ),
        TypeError,
        "update_weights: learning_rate must be real numbers, got 'fast'",
    ),
    *(
        (
            lambda rate=rate: update_weights(
                WEIGHTS, [1.0, 1.0], [1, 2, 3], [4, 5], learning_rate=rate
            ),
            ValueError,
            f"update_weights: learning_rate must be finite, got {rate!r}",
        )
        for rate in (np.nan, np.inf, -np.inf)
    ),
    (
        lambda: update_weights(WEIGHTS, [1.0, np.nan], [1, 2, 3], [4, 5], learning_rate=0.1),
        ValueError,
        "update_weights: delta must be finite numbers, found NaN or infinity",
    ),
    (
        lambda: backpropagate([1.0, np.inf], WEIGHTS, [1, 2, 3], [4, 5]),
        ValueError,
        "backpropagate: delta must be finite numbers, found NaN or infinity",
    ),
    (
        lambda: decay(bs.S4NN.from_weights([WEIGHTS]).weights_[0], 0.5),
        ValueError,
        "decay: weights are changed in place, but this array is read-only, as weights_ of a "
        "network is; change a copy()",
    ),
    (
        lambda: decay([0.5], 0.5),  # type: ignore[arg-type]
        TypeError,
        "decay: weights must be a NumPy array of floats, since they are changed in place, got list",
    ),
    *(
        (
            lambda share=share: decay(WEIGHTS, share),
            ValueError,
            f"decay: share must lie in 0 to 1, got {share!r}",
        )
        for share in (-0.1, 1.5, np.nan)
    ),
]


@pytest.mark.parametrize(("call", "error", "message"), ERRORS)
def test_errors(call: Callable[[], object], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match="^" + re.escape(message)):
        call()
    assert (WEIGHTS == 1).all()


def test_decay_at_the_ends_of_its_share() -> None:
    for share in (0, 1):
        weights = np.array([[0.5, 2.0]])
        decay(weights, share)
        assert weights.tolist() == [[0.5 * share, 2.0 * share]]
