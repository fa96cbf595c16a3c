"""Chapter 04: when each output neuron should have fired.

The label's neuron is asked to be the first, at the time at which the first one did fire. The others
are asked to come at least ``gamma`` steps later, unless they already do. Targets are relative to
what the network did: nobody is asked for the impossible.
"""

import numpy as np
import numpy.typing as npt

from minibs4nn._checks import (
    FloatArray,
    IntArray,
    check_choice,
    check_finite,
    check_labels,
    check_spike_times,
    check_t_max,
    is_whole,
)

__all__ = ["ALL_SILENT", "loss", "normalise", "relative_targets", "time_error"]

ALL_SILENT = ("teach", "ignore")


def relative_targets(
    spike_times: npt.ArrayLike,
    labels: npt.ArrayLike,
    *,
    gamma: int,
    all_silent: str = "teach",
    t_max: int = 256,
) -> IntArray:
    """Target firing times of the output neurons, relative to the first spike.

    With ``tau = min_j t_j`` and label i: ``T_i = tau``; ``T_j = min(tau + gamma, t_max)`` for the
    others that came less than ``gamma`` after ``tau``; ``T_j = t_j`` for the rest.

    Parameters
    ----------
    spike_times : int array, shape (n, n_classes), time steps 0 to t_max
        When the output neurons fired.
    labels : int array, shape (n,)
    gamma : int, time steps
        The gap asked for between the label's neuron and every other.
    all_silent : str
        What to ask for when no output neuron fired: ``"teach"`` wants the label's neuron at
        ``t_max - gamma``, as in S4NN; ``"ignore"`` makes every target ``t_max``, so that such an
        image teaches nothing, as in the published code of BS4NN.
    t_max : int, time steps

    Returns
    -------
    int64 array, shape (n, n_classes), time steps 0 to t_max

    Raises
    ------
    TypeError, ValueError
        If shapes do not fit, ``gamma`` is not a whole number in 0..t_max, or ``all_silent`` is not
        one of the two words.

    References
    ----------
    Kheradpisheh & Masquelier 2020, relative target firing times.

    Examples
    --------
    >>> relative_targets([[5, 3, 4, 9], [8, 8, 8, 8]], [0, 2], gamma=3, t_max=8 + 1).tolist()
    [[3, 6, 6, 9], [9, 9, 8, 9]]
    >>> relative_targets([[9, 9]], [1], gamma=3, t_max=9).tolist()
    [[9, 6]]
    """
    where = "relative_targets"
    t_max = check_t_max(where, t_max)
    check_choice(where, "all_silent", all_silent, ALL_SILENT)
    times = check_spike_times(where, spike_times, t_max).astype(np.int64)
    if times.ndim != 2:
        raise ValueError(f"{where}: spike_times must have shape (n, n_classes), got {times.shape}")
    if not is_whole(gamma) or not 0 <= gamma <= t_max:
        raise ValueError(f"{where}: gamma must be a whole number in 0..{t_max}, got {gamma!r}")
    is_label = check_labels(where, labels, *times.shape)[:, None] == np.arange(times.shape[1])
    first = times.min(axis=1, keepdims=True)
    too_close = times - first < gamma
    pushed = np.where(too_close, np.minimum(first + gamma, t_max), times)
    targets: IntArray = np.where(is_label, first, pushed)
    label_when_silent = t_max - gamma if all_silent == "teach" else t_max
    nobody = first == t_max
    return np.where(nobody, np.where(is_label, label_when_silent, t_max), targets)


def time_error(
    spike_times: npt.ArrayLike, targets: npt.ArrayLike, *, t_max: int = 256
) -> FloatArray:
    """How far each neuron fired before its target, as a share of the window.

    Parameters
    ----------
    spike_times, targets : int arrays of one shape, time steps 0 to t_max
    t_max : int, time steps

    Returns
    -------
    float64 array
        ``e_j = (T_j - t_j) / t_max``, -1 to 1: negative where the neuron was late.

    Raises
    ------
    TypeError, ValueError
        If the shapes differ, or a time is not a whole number in 0..t_max.

    References
    ----------
    Kheradpisheh & Masquelier 2020, temporal error.

    Examples
    --------
    >>> time_error([5, 3, 4], [3, 6, 4], t_max=8).tolist()
    [-0.25, 0.375, 0.0]
    """
    t_max = check_t_max("time_error", t_max)
    times = check_spike_times("time_error", spike_times, t_max).astype(np.int64)
    wanted = check_spike_times("time_error", targets, t_max).astype(np.int64)
    if times.shape != wanted.shape:
        raise ValueError(
            f"time_error: spike_times and targets must have one shape, got {times.shape} and "
            f"{wanted.shape}"
        )
    return np.asarray((wanted - times) / t_max, dtype=np.float64)


def loss(error: npt.ArrayLike) -> FloatArray:
    """Half the sum of the squared errors of each image.

    Parameters
    ----------
    error : float array, shape (..., n_classes)

    Returns
    -------
    float64 array, shape (...)
        ``L = 1/2 sum_j e_j ** 2``.

    References
    ----------
    Kheradpisheh & Masquelier 2020, loss.

    Examples
    --------
    >>> float(loss([-0.25, 0.375, 0.0]))
    0.1015625
    """
    e = check_finite("loss", "error", error)
    return np.asarray(0.5 * (e**2).sum(axis=-1))


def normalise(delta: npt.ArrayLike) -> FloatArray:
    """Divide the deltas of a layer by their length, image by image; zeros stay zeros.

    Parameters
    ----------
    delta : float array, shape (..., size)

    Returns
    -------
    float64 array, the shape of ``delta``
        Each row has length 1 (Euclidean norm) or is all zero.

    References
    ----------
    Kheradpisheh & Masquelier 2020, normalisation of the gradients.

    Examples
    --------
    >>> normalise([[3.0, -4.0], [0.0, 0.0]]).tolist()
    [[0.6, -0.8], [0.0, 0.0]]
    """
    d = check_finite("normalise", "delta", delta)
    if d.ndim == 0:
        raise ValueError("normalise: delta must have an axis of neurons, got one number")
    # Added one by one from the left, as the compiled kernels add them: equal to the last bit.
    length = np.sqrt(np.cumsum(d * d, axis=-1)[..., -1:])
    return np.divide(d, length, out=np.zeros_like(d), where=length > 0)
