"""Chapter 04: target times, errors, loss and normalisation."""

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

from minibs4nn.targets import ALL_SILENT, loss, normalise, relative_targets, time_error

Array = npt.NDArray[Any]
T_MAX = 9
GAPS = st.integers(0, T_MAX)
NUMBERS = st.floats(-1, 1, allow_subnormal=False)
# Their squares are normal numbers, too: below that a length has fewer digits.
SQUARABLE = st.just(0.0) | st.floats(1e-150, 1) | st.floats(-1, -1e-150)


@st.composite
def outputs(draw: st.DrawFn) -> tuple[Array, Array]:
    """Times of the output neurons, and labels."""
    size = draw(st.integers(1, 4))
    n = draw(st.integers(0, 3))
    times = draw(hnp.arrays(np.int16, (n, size), elements=st.integers(0, T_MAX)))
    return times, draw(hnp.arrays(np.int64, n, elements=st.integers(0, size - 1)))


@pytest.mark.parametrize("all_silent", ALL_SILENT)
@given(outputs(), GAPS)
def test_targets_against_the_dense_form(
    all_silent: str, output: tuple[Array, Array], gamma: int
) -> None:
    times, labels = output
    targets = relative_targets(times, labels, gamma=gamma, all_silent=all_silent, t_max=T_MAX)
    assert targets.dtype == np.int64
    assert targets.shape == times.shape
    for n, label in enumerate(labels):
        wanted = dense.targets(times[n], label, gamma, all_silent == "teach", T_MAX)
        assert targets[n].tolist() == wanted.tolist()


@given(outputs(), GAPS)
def test_targets_are_times_of_the_window(output: tuple[Array, Array], gamma: int) -> None:
    targets = relative_targets(*output, gamma=gamma, t_max=T_MAX)
    assert ((targets >= 0) & (targets <= T_MAX)).all()
    assert np.abs(time_error(output[0], targets, t_max=T_MAX)).max(initial=0) <= 1


def test_by_hand() -> None:
    # The first fires at 3, gamma is 4, so all but the label have to wait until 7. With label 0:
    # neuron 1 (3 -> 7), neuron 2 (5 -> 7), neuron 3 (7 stays), neuron 4 (silent stays).
    times = [[6, 3, 5, 7, 9]]
    assert relative_targets(times, [0], gamma=4, t_max=9).tolist() == [[3, 7, 7, 7, 9]]
    # The label itself is first: nothing is asked of it.
    assert relative_targets(times, [1], gamma=4, t_max=9).tolist() == [[7, 3, 7, 7, 9]]
    # The gap ends with the window.
    assert relative_targets([[8, 8]], [0], gamma=4, t_max=9).tolist() == [[8, 9]]


def test_all_silent_in_the_two_papers() -> None:
    silent = [[9, 9, 9]]
    assert relative_targets(silent, [1], gamma=4, t_max=9).tolist() == [[9, 5, 9]]
    ignored = relative_targets(silent, [1], gamma=4, all_silent="ignore", t_max=9)
    assert ignored.tolist() == silent
    # One that fired, however late, is not silence.
    assert relative_targets([[9, 8, 9]], [0], gamma=4, t_max=9).tolist() == [[8, 9, 9]]


def test_an_error_is_a_share_of_the_window() -> None:
    error = time_error([6, 3, 5, 7, 9], [3, 7, 7, 7, 9], t_max=9)
    assert error.tolist() == [-3 / 9, 4 / 9, 2 / 9, 0, 0]
    assert error.dtype == np.float64


def test_a_window_has_256_steps_unless_told() -> None:
    assert relative_targets([[256, 256]], [0], gamma=6).tolist() == [[250, 256]]
    assert time_error([0], [256]).tolist() == [1.0]


def test_an_error_of_unsigned_times_does_not_wrap() -> None:
    assert time_error(np.array([6], np.uint8), np.array([3], np.uint8), t_max=8).tolist() == [
        -3 / 8
    ]


@given(hnp.arrays(np.float64, (3, 4), elements=NUMBERS))
def test_loss_is_half_the_sum_of_squares(error: Array) -> None:
    wanted = [sum(e * e for e in row) / 2 for row in error]
    np.testing.assert_allclose(loss(error), wanted, rtol=1e-12, atol=1e-300)


@given(hnp.arrays(np.float64, (3, 4), elements=SQUARABLE))
def test_normalised_rows_have_length_one_or_are_zero(delta: Array) -> None:
    before = delta.copy()
    result = normalise(delta)
    np.testing.assert_array_equal(delta, before)
    for row, given_row in zip(result, delta, strict=True):
        length = np.sqrt((given_row**2).sum())
        if length > 0:
            np.testing.assert_allclose(row * length, given_row, rtol=1e-12)
            np.testing.assert_allclose((row**2).sum(), 1, rtol=1e-12)
        else:
            assert row.tolist() == [0, 0, 0, 0]


def test_normalise_by_hand() -> None:
    assert normalise([3.0, -4.0]).tolist() == [0.6, -0.8]
    assert normalise([-0.25]).tolist() == [-1.0]
    assert normalise(np.zeros((0, 3))).shape == (0, 3)
    assert normalise(np.zeros((2, 0))).shape == (2, 0)


HERE = "relative_targets: "
ERRORS: list[tuple[Callable[[], object], type[Exception], str]] = [
    (
        lambda: normalise(3.0),
        ValueError,
        "normalise: delta must have an axis of neurons, got one number",
    ),
    (
        lambda: relative_targets([[1]], [0], gamma=-1),
        ValueError,
        HERE + "gamma must be a whole number in 0..256, got -1",
    ),
    (
        lambda: relative_targets([[1]], [0], gamma=10, t_max=9),
        ValueError,
        HERE + "gamma must be a whole number in 0..9, got 10",
    ),
    (
        lambda: relative_targets([[1]], [0], gamma=1.5),  # type: ignore[arg-type]
        ValueError,
        HERE + "gamma must be a whole number in 0..256, got 1.5",
    ),
    (
        lambda: relative_targets([[1]], [0], gamma=1, all_silent="skip"),
        ValueError,
        HERE + "all_silent must be one of 'teach', 'ignore'; got 'skip'",
    ),
    (
        lambda: relative_targets([1], [0], gamma=1),
        ValueError,
        HERE + "spike_times must have shape (n, n_classes), got (1,)",
    ),
    (
        lambda: relative_targets([[1, 2]], [2], gamma=1),
        ValueError,
        HERE + "labels must lie in 0..1",
    ),
    (
        lambda: relative_targets([[1, 2]], [0, 1], gamma=1),
        ValueError,
        HERE + "1 images need 1 labels, got labels of shape (2,)",
    ),
    (
        lambda: relative_targets([[1, 2]], [0.0], gamma=1),
        TypeError,
        HERE + "labels must be whole numbers, got float64",
    ),
    (
        lambda: relative_targets([[257]], [0], gamma=1),
        ValueError,
        HERE + "spike times must lie in 0..256 (256 = silent), got 257 to 257",
    ),
    (
        lambda: time_error([1], [10], t_max=9),
        ValueError,
        "time_error: spike times must lie in 0..9 (9 = silent), got 10 to 10",
    ),
    (
        lambda: time_error([1, 2], [1]),
        ValueError,
        "time_error: spike_times and targets must have one shape, got (2,) and (1,)",
    ),
    (
        lambda: loss([np.nan]),
        ValueError,
        "loss: error must be finite numbers, found NaN or infinity",
    ),
    (
        lambda: normalise([np.inf]),
        ValueError,
        "normalise: delta must be finite numbers, found NaN or infinity",
    ),
]


@pytest.mark.parametrize(("call", "error", "message"), ERRORS)
def test_errors(call: Callable[[], object], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match="^" + re.escape(message)):
        call()
