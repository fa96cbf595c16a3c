"""Chapter 07: signs, scales and bits, and one complete update computed by hand."""

import re
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import minibs4nn as bs
from minibs4nn.binary import (
    as_latent,
    flips,
    pack_bits,
    scale_gradient,
    sign,
    sign_threshold,
    unpack_bits,
)

Array = npt.NDArray[Any]
FINITE = st.floats(allow_nan=False, allow_infinity=False)
SIGN_ARRAYS = hnp.arrays(
    np.int8,
    hnp.array_shapes(min_dims=2, max_dims=2, min_side=0, max_side=20),
    elements=st.sampled_from([-1, 1]),
)


# --- signs and latent weights --------------------------------------------------------------------


@given(hnp.arrays(np.float64, 5, elements=FINITE | st.sampled_from([0.0, -0.0])))
def test_sign_is_minus_one_below_zero_and_plus_one_elsewhere(latent: Array) -> None:
    signs = sign(latent)
    assert signs.dtype == np.int8
    assert signs.tolist() == [-1 if w < 0 else 1 for w in latent]


@given(hnp.arrays(np.float64, 5, elements=FINITE))
def test_single_precision_keeps_every_sign(latent: Array) -> None:
    single = as_latent(latent)
    assert single.dtype == np.float32
    assert np.isfinite(single).all()
    assert sign(single).tolist() == sign(latent).tolist()
    ordinary = (np.abs(latent) < 3e38) & (np.abs(latent) > 1e-37)
    np.testing.assert_allclose(single[ordinary], latent[ordinary], rtol=1e-7)


def test_memory_order_is_kept() -> None:
    columns = np.asfortranarray(np.arange(6.0).reshape(2, 3) - 2)
    assert sign(columns).flags.f_contiguous
    assert as_latent(columns).flags.f_contiguous


# --- thresholds of signs -------------------------------------------------------------------------


@given(
    st.integers(-400, 400).map(lambda quarter: quarter / 4),
    st.sampled_from([0.25, 0.5, 1.0, 2.0, 4.0, 8.0]),
    st.integers(-600, 600),
)
@example(100.0, 4.0, 25)
@example(100.0, 4.0, 26)
def test_the_whole_number_test_is_the_scaled_test(theta: float, scale: float, total: int) -> None:
    exact = Fraction(scale) * total > Fraction(theta)
    limit = sign_threshold(theta, scale)
    assert limit == np.floor(limit)
    assert (total > limit) == exact
    assert (total >= np.floor(theta / scale) + 1) == exact


def test_thresholds_of_the_published_network() -> None:
    # 100 / 4.03707844 = 24.77 and 100 / 9.06516109 = 11.03: it takes 25 and 12 more + than -.
    assert sign_threshold(100.0, 4.03707844) == 24
    assert sign_threshold([100.0, -1.0], 9.06516109).tolist() == [11, -1]


@pytest.mark.parametrize("scale", [0.0, -1.0, np.nan, np.inf])
def test_scales_that_are_not_positive(scale: float) -> None:
    message = f"sign_threshold: scale must be a positive number, got {scale!r}"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        sign_threshold(100.0, scale)


# --- the gradient of the scale -------------------------------------------------------------------


@given(st.integers(1, 4), st.integers(1, 5), st.randoms(use_true_random=False))
def test_scale_gradient_is_the_mean_over_all_synapses(n_out: int, n_in: int, random: Any) -> None:
    delta = [random.randint(-8, 8) / 8 for _ in range(n_out)]
    times_in = [random.randint(0, 9) for _ in range(n_in)]
    times_out = [random.randint(0, 9) for _ in range(n_out)]
    signs = [[random.choice([-1, 1]) for _ in range(n_in)] for _ in range(n_out)]
    synapses = [
        delta[j] * (times_in[i] < times_out[j]) * signs[j][i]
        for j in range(n_out)
        for i in range(n_in)
    ]
    potential = [
        sum(signs[j][i] for i in range(n_in) if times_in[i] < times_out[j]) for j in range(n_out)
    ]
    wanted = sum(synapses) / len(synapses)
    np.testing.assert_allclose(scale_gradient(delta, potential, n_in), wanted, rtol=1e-12)


# --- bits ----------------------------------------------------------------------------------------


@given(SIGN_ARRAYS)
def test_packing_and_unpacking(signs: Array) -> None:
    bits = pack_bits(signs)
    assert bits.dtype == np.uint8
    assert bits.shape == (-(-signs.size // 8),)
    back = unpack_bits(bits, signs.shape)
    assert back.dtype == np.int8
    np.testing.assert_array_equal(back, signs)


@given(SIGN_ARRAYS)
def test_the_bits_run_input_by_input(signs: Array) -> None:
    n_out, n_in = signs.shape
    number = int.from_bytes(pack_bits(signs).tobytes(), "little")
    wanted = sum(1 << i * n_out + j for i in range(n_in) for j in range(n_out) if signs[j, i] > 0)
    assert number == wanted  # and so all bits after the last sign are 0


def test_the_published_size() -> None:
    bits = [pack_bits(np.ones(shape, np.int8)) for shape in ((600, 784), (10, 600))]
    assert sum(b.size for b in bits) == 59_550


def test_flips() -> None:
    assert flips([1, -1, 1], [1, 1, -1]) == 2
    assert flips(np.ones((2, 3)), np.ones((2, 3))) == 0
    assert type(flips([1], [-1])) is int


# --- one update by hand --------------------------------------------------------------------------
#
# A 3-2-2 network on paper. t_max = 10, gamma = 4, eta = 0.5, mu = 0.5, scales 2 and 4; thresholds
# (3, 1) and (2, 6). Divided by the scales: sums of signs have to reach (2, 1) and (1, 2).
# The inputs fire at 0, 2 and 5.
#
# Forward.   hidden 0, signs + + -:  sum 1 at 0, 2 at 2, fires at 3 on 2
#            hidden 1, signs - + +:  sum -1 at 0, 0 at 2, 1 at 5, fires at 6 on 1
#            output 0, signs + -:    sum 1 at 3, fires at 4 on 1
#            output 1, signs + +:    sum 1 at 3, 2 at 6, fires at 7 on 2
# Targets.   The label is 1: targets (min(4 + 4, 10), 4) = (8, 4).
# Error.     (0.4, -0.3); length 0.5; deltas (0.8, -0.6)
# Update.    output 0 heard hidden 0:  0.1 - 0.5 * 0.8 = -0.3, a flip, and -0.2 stays
#            output 1 heard both:      0.8 + 0.5 * 0.6 = 1.1, 1.7 + 0.3 = 2.0
# Scale.     mean of delta * [heard] * sign over 4 synapses: (0.8 * 1 - 0.6 * (1 + 1)) / 4 = -0.1
#            4 + 0.5 * 0.1 = 4.05
# Back, through the latent weights just updated:
#            hidden 0:  0.8 * -0.3 - 0.6 * 1.1 = -0.9
#            hidden 1:  -0.6 * 2.0 = -1.2
#            length 1.5; deltas (-0.6, -0.8)
# Update.    hidden 0 heard inputs 0 and 1:  0.2 + 0.3 = 0.5, 0.1 + 0.3 = 0.4, and -0.3 stays
#            hidden 1 heard all three:       -0.1 + 0.4 = 0.3, a flip, 0.3 + 0.4 = 0.7, 0.2 + 0.4
# Scale.     mean over 6 synapses: (-0.6 * (1 + 1) - 0.8 * (-1 + 1 + 1)) / 6 = -2.0 / 6
#            2 + 0.5 / 3
HIDDEN = [[0.2, 0.1, -0.3], [-0.1, 0.3, 0.2]]
OUTPUT = [[0.1, -0.2], [0.8, 1.7]]


@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_one_update_of_a_bs4nn_by_hand(backend: str) -> None:
    net = bs.BS4NN.from_weights(
        [HIDDEN, OUTPUT], scale=[2.0, 4.0], threshold=[[3.0, 1.0], [2.0, 6.0]], t_max=10,
        backend=backend,
    )  # fmt: skip
    images = np.array([[0, 2, 5]], np.int16)
    assert [layer.tolist() for layer in net.spike_times(images)] == [[[3, 6]], [[4, 7]]]
    rule = bs.RelativeTarget(learning_rate=0.5, gamma=4, scale_learning_rate=0.5)
    net.fit(images, np.array([1]), epochs=1, rule=rule, progress=False)
    hidden, output = net.latent_weights_
    np.testing.assert_allclose(hidden, [[0.5, 0.4, -0.3], [0.3, 0.7, 0.6]], rtol=1e-6)
    np.testing.assert_allclose(output, [[-0.3, -0.2], [1.1, 2.0]], rtol=1e-6)
    assert [w.tolist() for w in net.weights_] == [[[1, 1, -1], [1, 1, 1]], [[-1, -1], [1, 1]]]
    np.testing.assert_allclose(net.scale_, [2 + 0.5 / 3, 4.05], rtol=1e-6)
    record = net.history_[0]
    assert record["flips"] == [1, 1]
    assert record["scale"] == net.scale_.tolist()
    assert (record["updates"], record["accuracy"], record["decision_time"]) == (1, 0, 4)


def test_one_number_is_an_array_too() -> None:
    assert sign(0.3) == sign(as_latent(0.3)) == 1
    assert sign(as_latent(-1e-300)) == -1
    assert sign_threshold(np.inf, 2.0) == np.inf  # never fires


# --- errors --------------------------------------------------------------------------------------

ERRORS: list[tuple[Callable[[], object], type[Exception], str]] = [
    (
        lambda: sign([np.nan]),
        ValueError,
        "sign: latent weights must be finite numbers, found NaN or infinity",
    ),
    (lambda: sign(["+"]), TypeError, "sign: latent weights must be real numbers, got ['+']"),
    (
        lambda: as_latent([np.inf]),
        ValueError,
        "as_latent: latent weights must be finite numbers, found NaN or infinity",
    ),
    (
        lambda: pack_bits([[1, 0]]),
        ValueError,
        "pack_bits: signs must be +1 and -1 in an array of shape (n_out, n_in), got shape (1, 2) "
        "with values such as [0, 1]",
    ),
    (
        lambda: pack_bits([1, -1]),
        ValueError,
        "pack_bits: signs must be +1 and -1 in an array of shape (n_out, n_in), got shape (2,) "
        "with values such as [-1, 1]",
    ),
    (
        lambda: unpack_bits(np.zeros(2, np.uint8), (2, 9)),
        ValueError,
        "unpack_bits: 2 x 9 signs need a uint8 array of shape (3,), got uint8 of shape (2,)",
    ),
    (
        lambda: unpack_bits(np.zeros((3, 1), np.uint8), (2, 9)),
        ValueError,
        "unpack_bits: 2 x 9 signs need a uint8 array of shape (3,), got uint8 of shape (3, 1)",
    ),
    (
        lambda: unpack_bits(np.zeros(3, np.int8), (2, 9)),
        ValueError,
        "unpack_bits: 2 x 9 signs need a uint8 array of shape (3,), got int8 of shape (3,)",
    ),
    (
        lambda: unpack_bits(np.array([0, 0, 4], np.uint8), (2, 9)),
        ValueError,
        "unpack_bits: the bits after the last of 2 x 9 signs must be 0; these are the bits of "
        "another shape, or damaged",
    ),
    (
        lambda: unpack_bits([255], (2, 4)),  # type: ignore[arg-type]
        ValueError,
        "unpack_bits: 2 x 4 signs need a uint8 array of shape (1,), got int64 of shape (1,)",
    ),
    *(
        (
            lambda shape=shape: unpack_bits(np.zeros(1, np.uint8), shape),
            error,
            f"unpack_bits: shape must be (n_out, n_in), got {shape!r}",
        )
        for shape, error in (
            (6, TypeError),
            ((2.0, 3.0), TypeError),
            ((1, 2, 3), TypeError),
            ((-2, -3), ValueError),
            ((-1, 3), ValueError),
        )
    ),
    (
        lambda: pack_bits([[None]]),  # type: ignore[arg-type]
        TypeError,
        "pack_bits: signs must be real numbers, got array([[None]], dtype=object)",
    ),
    (
        lambda: sign([True, False]),
        TypeError,
        "sign: latent weights must be numbers; True and False have no sign",
    ),
    (
        lambda: as_latent([True]),
        TypeError,
        "as_latent: latent weights must be numbers; True and False have no sign",
    ),
    (
        lambda: flips([0.3, -0.2], [0.31, -0.19]),
        ValueError,
        "flips: before and after must be +1 and -1; of latent weights take sign()",
    ),
    (
        lambda: flips([1, -1], [1, 0]),
        ValueError,
        "flips: before and after must be +1 and -1; of latent weights take sign()",
    ),
    (
        lambda: sign_threshold([1.0, np.nan], 2.0),
        ValueError,
        "sign_threshold: threshold must be a number, or infinity; found NaN",
    ),
    (
        lambda: scale_gradient([np.inf], [3], 4),
        ValueError,
        "scale_gradient: delta must be finite numbers, found NaN or infinity",
    ),
    (
        lambda: sign_threshold("5", 2.0),
        TypeError,
        "sign_threshold: threshold must be real numbers, got '5'",
    ),
    (
        lambda: sign_threshold(5.0, [2.0, 3.0]),  # type: ignore[arg-type]
        TypeError,
        "sign_threshold: scale must be one number, got [2.0, 3.0]",
    ),
    (
        lambda: scale_gradient([0.5, 1.0], [3], 4),
        ValueError,
        "scale_gradient: delta and potential must both have shape (n_out,), got (2,) and (1,)",
    ),
    (
        lambda: scale_gradient([], [], 4),
        ValueError,
        "scale_gradient: delta and potential must both have shape (n_out,), got (0,) and (0,)",
    ),
    (
        lambda: scale_gradient([[0.5]], [[3]], 4),
        ValueError,
        "scale_gradient: delta and potential must both have shape (n_out,), got (1, 1) and (1, 1)",
    ),
    *(
        (
            lambda n_in=n_in: scale_gradient([0.5], [3], n_in),
            ValueError,
            f"scale_gradient: n_in must be a whole number, 1 or more, got {n_in!r}",
        )
        for n_in in (0, 2.5, True)
    ),
    (
        lambda: flips([1, -1], [1]),
        ValueError,
        "flips: before and after must have the same shape, got (2,) and (1,)",
    ),
]


@pytest.mark.parametrize(("call", "error", "message"), ERRORS)
def test_errors(call: Callable[[], object], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        call()
