"""Chapter 02: from grey levels to firing times, and back.

A neuron of the input layer stands for one pixel and fires at most once. When it fires says how
bright the pixel is: white at once, dark late, black never. Time is a whole number of steps from 0
to ``t_max``, and ``t_max`` itself means *silent*: the neuron does not fire.
"""

import numpy as np
import numpy.typing as npt

from minibs4nn._checks import (
    BoolArray,
    SpikeTimes,
    check_grey_levels,
    check_spike_times,
    check_t_max,
    warn_of_bits,
)

__all__ = ["decode", "latency_code", "rank_order_code", "to_raster"]


def latency_code(images: npt.ArrayLike, *, t_max: int = 256) -> SpikeTimes:
    """Turn grey levels into firing times: bright pixels fire early.

    ``t = floor((255 - pixel) * t_max / 255)``; black never fires (``t_max``).

    Parameters
    ----------
    images : uint8 array, shape (n, height, width) or (n, pixels)
        Grey levels, 0 black to 255 white.
    t_max : int, time steps
        Length of the window, and the value that means silent.

    Returns
    -------
    int16 array, shape (n, pixels), time steps 0 to t_max

    Raises
    ------
    TypeError
        If the images are not uint8; floats in [0, 1] are asked for as
        ``(255 * x).astype('uint8')``.
    ValueError
        If there is no axis for the images, or ``t_max`` is not in 1..32767.

    References
    ----------
    Kheradpisheh & Masquelier 2020, input coding.

    Examples
    --------
    >>> latency_code(np.array([[255, 128, 0]], dtype=np.uint8)).tolist()
    [[0, 127, 256]]
    """
    t_max = check_t_max("latency_code", t_max)
    pixels = check_grey_levels("latency_code", images)
    warn_of_bits("latency_code", pixels)
    time_of_grey = (255 - np.arange(256)) * t_max // 255  # one entry per grey level
    return time_of_grey.astype(np.int16)[pixels]


def rank_order_code(images: npt.ArrayLike, *, t_max: int = 256) -> SpikeTimes:
    """Turn grey levels into firing times by their rank alone: the brightest fires at step 0.

    The grey levels that occur in an image are sorted, brightest first; a pixel fires at the step
    equal to the rank of its level. Equal pixels fire together, black never fires. What is kept is
    the order; how much brighter one pixel is than the next is lost.

    Parameters
    ----------
    images : uint8 array, shape (n, height, width) or (n, pixels)
        Grey levels, 0 black to 255 white.
    t_max : int, time steps
        Length of the window, and the value that means silent. An image has at most 255 ranks; with
        a shorter window the ranks from ``t_max`` on stay silent.

    Returns
    -------
    int16 array, shape (n, pixels), time steps 0 to t_max

    Raises
    ------
    TypeError, ValueError
        As :func:`latency_code`.

    References
    ----------
    Thorpe & Gautrais 1998, rank order coding.

    Examples
    --------
    >>> rank_order_code(np.array([[10, 200, 0, 200, 90]], dtype=np.uint8)).tolist()
    [[2, 0, 256, 0, 1]]
    """
    t_max = check_t_max("rank_order_code", t_max)
    pixels = check_grey_levels("rank_order_code", images)
    times = np.full(pixels.shape, t_max, dtype=np.int16)
    for image, out in zip(pixels, times, strict=True):
        levels = np.unique(image[image > 0])[::-1]  # brightest first
        rank_of_grey = np.full(256, t_max)
        rank_of_grey[levels] = np.minimum(np.arange(levels.size), t_max)
        out[:] = rank_of_grey[image]
    return times


def to_raster(times: npt.ArrayLike, *, t_max: int = 256) -> BoolArray:
    """Spread firing times over time: one row per neuron, with a single True where it fires.

    Parameters
    ----------
    times : int array, shape (..., size), time steps 0 to t_max
    t_max : int, time steps

    Returns
    -------
    bool array, shape (..., size, t_max)
        The row of a silent neuron is all False.

    Raises
    ------
    TypeError, ValueError
        If the times are not whole numbers in 0..t_max.

    Examples
    --------
    >>> to_raster([0, 2, 3], t_max=3).astype(int).tolist()
    [[1, 0, 0], [0, 0, 1], [0, 0, 0]]
    """
    t_max = check_t_max("to_raster", t_max)
    checked = check_spike_times("to_raster", times, t_max)
    raster: BoolArray = checked[..., None] == np.arange(t_max)
    return raster


def decode(times: npt.ArrayLike, *, t_max: int = 256) -> npt.NDArray[np.uint8]:
    """Turn firing times back into grey levels: the inverse of :func:`latency_code`.

    With 255 or more time steps every grey level has a time of its own and comes back exactly. With
    fewer, levels share a time, and the brightest of them is returned.

    Parameters
    ----------
    times : int array, any shape, time steps 0 to t_max
    t_max : int, time steps

    Returns
    -------
    uint8 array, the shape of ``times``
        ``255 - ceil(t * 255 / t_max)``; silent gives 0, black.

    Raises
    ------
    TypeError, ValueError
        If the times are not whole numbers in 0..t_max.

    Examples
    --------
    >>> decode([0, 127, 256]).tolist()
    [255, 128, 0]
    """
    t_max = check_t_max("decode", t_max)
    checked = check_spike_times("decode", times, t_max).astype(np.int64)
    darkness = -(-checked * 255 // t_max)  # the division rounded up
    return (255 - darkness).astype(np.uint8)
