"""Chapter 02: grey levels as firing times, and back."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from minibs4nn import decode, latency_code, rank_order_code, to_raster

Coding = Callable[..., npt.NDArray[Any]]
ALL_GREYS = np.arange(256, dtype=np.uint8)[None]
WINDOWS = st.sampled_from([1, 2, 3, 16, 254, 255, 256, 257, 32767]) | st.integers(1, 32767)
IMAGES = hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=3, min_side=0, max_side=5))


@given(WINDOWS)
def test_latency_code_is_the_equation(t_max: int) -> None:
    times = latency_code(ALL_GREYS, t_max=t_max)
    assert times.dtype == np.int16
    assert times[0].tolist() == [(255 - p) * t_max // 255 for p in range(256)]


def test_latency_code_by_hand() -> None:
    # (255 - 200) * 256 / 255 = 55.2; (255 - 1) * 256 / 255 = 254.996; (255 - 254) * ... = 1.004
    assert latency_code(np.array([[255, 254, 200, 1, 0]], np.uint8)).tolist() == [
        [0, 1, 55, 254, 256]
    ]


@given(WINDOWS)
def test_black_is_silent_and_nothing_else_is(t_max: int) -> None:
    times = latency_code(ALL_GREYS, t_max=t_max)[0]
    assert times[0] == t_max
    assert (times[1:] < t_max).all()
    assert times[255] == 0


@pytest.mark.parametrize("code", [latency_code, rank_order_code])
@given(images=IMAGES)
def test_shape_and_type(code: Coding, images: npt.NDArray[np.uint8]) -> None:
    before = images.copy()
    times = code(images)
    assert times.dtype == np.int16
    assert times.shape == (len(images), int(np.prod(images.shape[1:])))
    assert np.array_equal(images, before)


@given(IMAGES, WINDOWS)
def test_rank_order_against_sorting(images: npt.NDArray[np.uint8], t_max: int) -> None:
    for image, times in zip(
        images.reshape(len(images), int(np.prod(images.shape[1:]))),
        rank_order_code(images, t_max=t_max),
        strict=True,
    ):
        brighter = sorted({int(p) for p in image if p > 0}, reverse=True)
        wanted = [min(brighter.index(p), t_max) if p else t_max for p in image]
        assert times.tolist() == wanted


def test_rank_order_keeps_only_the_order() -> None:
    one = rank_order_code(np.array([[10, 20, 30]], np.uint8))
    other = rank_order_code(np.array([[1, 200, 255]], np.uint8))
    assert one.tolist() == other.tolist() == [[2, 1, 0]]


@given(st.integers(255, 32767))
def test_decode_is_exact_in_a_window_of_255_steps_or_more(t_max: int) -> None:
    times = latency_code(ALL_GREYS, t_max=t_max)
    assert np.array_equal(decode(times, t_max=t_max), ALL_GREYS)


@given(st.integers(1, 254))
def test_decode_gives_the_brightest_of_the_greys_with_that_time(t_max: int) -> None:
    times = latency_code(ALL_GREYS, t_max=t_max)[0]
    for t in np.unique(times):
        assert decode(t, t_max=t_max) == np.flatnonzero(times == t).max()


@given(
    st.integers(1, 12).flatmap(
        lambda t_max: st.tuples(
            hnp.arrays(np.int16, hnp.array_shapes(min_side=0), elements=st.integers(0, t_max)),
            st.just(t_max),
        )
    )
)
def test_raster_against_loops(times_and_window: tuple[npt.NDArray[np.int16], int]) -> None:
    times, t_max = times_and_window
    raster = to_raster(times, t_max=t_max)
    assert raster.dtype == np.bool_
    assert raster.shape == (*times.shape, t_max)
    for place in np.ndindex(times.shape):
        wanted = [step == times[place] for step in range(t_max)]
        assert raster[place].tolist() == wanted
        assert sum(wanted) == (times[place] < t_max)


# --- errors --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (
            np.zeros((1, 4)),
            r"images must be uint8 grey levels 0\.\.255, got float64; for floats in \[0, 1\] use "
            r"\(255 \* x\)\.astype\('uint8'\)$",
        ),
        (
            np.zeros((1, 4), np.int64),
            r"images must be uint8 grey levels 0\.\.255, got int64; for whole numbers 0\.\.255 use "
            r"x\.astype\('uint8'\)$",
        ),
        (np.zeros((1, 4), bool), r"images must be uint8 grey levels 0\.\.255, got bool$"),
        ([["a"]], r"images must be uint8 grey levels 0\.\.255, got <U1$"),
    ],
)
def test_images_of_a_wrong_type(images: npt.ArrayLike, message: str) -> None:
    with pytest.raises(TypeError, match="^latency_code: " + message):
        latency_code(images)
    with pytest.raises(TypeError, match="^rank_order_code: " + message):
        rank_order_code(images)


def test_images_of_zeros_and_ones_are_told_of() -> None:
    bits = np.tile([0, 1], (8, 4)).astype(np.uint8)
    with pytest.warns(UserWarning, match="^latency_code: no pixel is brighter than 1 of 255"):
        assert latency_code(bits).tolist() == [[256, 254] * 4] * 8
    latency_code(0 * bits)  # an image may be black
    latency_code(2 * bits)
    latency_code(bits[:7])  # a few pixels say nothing


@pytest.mark.parametrize("shape", [(), (784,)])
def test_a_single_image_needs_an_axis(shape: tuple[int, ...]) -> None:
    message = (
        f"latency_code: images must have shape (n, height, width) or (n, pixels), got {shape}; "
        "for one image use image[None]"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        latency_code(np.zeros(shape, np.uint8))


@pytest.mark.parametrize("t_max", [0, -1, 32768, 2.5, "256", True, None, np.nan])
def test_windows_that_cannot_be(t_max: int) -> None:
    message = f"t_max must be a whole number of time steps from 1 to 32767, got {t_max!r}$"
    with pytest.raises(ValueError, match="^latency_code: " + message):
        latency_code(ALL_GREYS, t_max=t_max)
    with pytest.raises(ValueError, match="^rank_order_code: " + message):
        rank_order_code(ALL_GREYS, t_max=t_max)
    with pytest.raises(ValueError, match="^to_raster: " + message):
        to_raster([0], t_max=t_max)
    with pytest.raises(ValueError, match="^decode: " + message):
        decode([0], t_max=t_max)


@pytest.mark.parametrize("function", [to_raster, decode])
def test_times_outside_the_window(function: Coding) -> None:
    for times, found in (([0, 9], "0 to 9"), ([-1, 3], "-1 to 3"), ([2**40], f"{2**40} to")):
        with pytest.raises(
            ValueError, match=rf"spike times must lie in 0\.\.8 \(8 = silent\), got {found}"
        ):
            function(times, t_max=8)
    with pytest.raises(TypeError, match=r"whole time steps 0\.\.8, got float64; latency_code\(\)"):
        function([0.5], t_max=8)


@pytest.mark.parametrize("whole", [np.int8, np.uint8, np.int32, np.uint64])
def test_whole_numbers_of_any_width_are_taken(whole: type[np.integer]) -> None:
    assert to_raster(np.array([1, 2], whole), t_max=2).tolist() == [[False, True], [False, False]]
    assert decode(np.array([0, 2], whole), t_max=2).tolist() == [255, 0]
