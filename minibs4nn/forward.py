"""Chapter 03: a layer that races, and who wins.

All neurons of a layer hear the same spikes; each adds them up with weights of its own, and fires
when its potential exceeds its threshold. Layers stand in a row. The first output neuron to fire
gives the class.

This file is the definition: plain NumPy, one spike after the other. The compiled kernels must
return the same numbers, and tests hold them to it.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from minibs4nn._checks import (
    AnyArray,
    BoolArray,
    FloatArray,
    IntArray,
    SpikeTimes,
    check_array,
    check_choice,
    check_labels,
    check_real,
    check_spike_times,
    check_t_max,
    check_thresholds,
    check_weights,
    is_whole,
)

__all__ = [
    "DECISION_RULES",
    "decide",
    "layer_spike_times",
    "network_spike_times",
    "potential_at",
    "published_correct",
    "silent",
]

DECISION_RULES = ("first-spike", "lowest-index", "unique", "potential")


def layer_spike_times(
    times: npt.ArrayLike, weights: npt.ArrayLike, threshold: npt.ArrayLike, *, t_max: int = 256
) -> tuple[SpikeTimes, AnyArray]:
    """When each neuron of a layer fires, and on what potential.

    ``V_j(t) = sum of w_ji over the inputs with t_i <= t``. Neuron j fires at the first ``t`` with
    ``V_j(t) > threshold``, plus one step. A crossing in the last step would be stamped ``t_max``,
    which is silent.

    Parameters
    ----------
    times : int array, shape (n, n_in), time steps 0 to t_max
        Firing times of the inputs, one row per image.
    weights : array, shape (n_out, n_in)
        Whole numbers are added as whole numbers, and the result is exact on every machine.
    threshold : float, or array of shape (n_out,)
        What a potential has to exceed. Infinity: never fires.
    t_max : int, time steps
        Length of the window.

    Returns
    -------
    spike_times : int16 array, shape (n, n_out), time steps 0 to t_max
    potential : array, shape (n, n_out); int32 for whole-number weights, else float64
        For a neuron that fired, the potential that made it fire: the sum over the spikes before
        its own. For a silent one, the potential at the end of the window.

    Raises
    ------
    TypeError, ValueError
        If shapes do not fit, times are not whole numbers in 0..t_max, or whole-number weights are
        so large that a sum could leave int32.

    References
    ----------
    Kheradpisheh & Masquelier 2020, forward path.

    Examples
    --------
    >>> times, potential = layer_spike_times([[2, 5, 5]], [[3, -2, 4], [1, 1, 1]], 4, t_max=8)
    >>> times.tolist(), potential.tolist()
    ([[6, 8]], [[5, 3]])
    """
    where = "layer_spike_times"
    t_max = check_t_max(where, t_max)
    arrivals = check_spike_times(where, times, t_max)
    w = check_weights(where, weights)
    theta = check_thresholds(where, threshold, len(w))
    if arrivals.ndim != 2 or arrivals.shape[1] != w.shape[1]:
        raise ValueError(
            f"{where}: times must have shape (n, n_in) with n_in = {w.shape[1]}, the width of the "
            f"weights, got {arrivals.shape}"
        )
    exact = np.int32 if w.dtype.kind in "iu" else np.float64
    # One byte per weight is always fine: it would take 16 million inputs to leave int32.
    if w.dtype.kind in "iu" and w.dtype.itemsize > 1:
        largest = np.abs(w.astype(np.float64)).sum(axis=1).max(initial=0)
        if largest > np.iinfo(np.int32).max:
            raise ValueError(
                f"{where}: weights of whole numbers are too large: their sum must stay within "
                f"int32, but can reach {largest:.4g}; give them as float64"
            )
    spike_times = np.empty((len(arrivals), len(w)), dtype=np.int16)
    potential = np.empty((len(arrivals), len(w)), dtype=exact)
    for n, arrival in enumerate(arrivals):
        spike_times[n], potential[n] = _one_image(
            arrival, w.astype(exact, copy=False), theta, t_max
        )
    return spike_times, potential


def _one_image(
    arrival: SpikeTimes, weights: AnyArray, threshold: FloatArray, t_max: int
) -> tuple[SpikeTimes, AnyArray]:
    """One image: times (n_in,), weights (n_out, n_in) and threshold (n_out,) give two (n_out,)."""
    v = np.zeros(len(weights), dtype=weights.dtype)
    v_at_spike = v.copy()
    spike_times = np.full(len(weights), t_max, dtype=np.int16)
    # Between two spikes nothing changes, so only steps with a spike are visited. Step 0 always is:
    # a neuron with a negative threshold needs no input at all.
    steps = np.unique(np.append(arrival[arrival < t_max], 0))
    for t in steps:
        for i in np.flatnonzero(arrival == t):  # (1) integrate: each spike adds its weight
            v += weights[:, i]
        fires = (v > threshold) & (spike_times == t_max)  # (2) compare  (3) at most one spike
        spike_times[fires] = t + 1  # (4) one step later
        v_at_spike[fires] = v[fires]
    return spike_times, np.where(spike_times < t_max, v_at_spike, v)


def potential_at(
    times: npt.ArrayLike, weights: npt.ArrayLike, t: int, *, t_max: int = 256
) -> AnyArray:
    """The potential of each neuron of a layer at time step ``t``, whether it fired or not.

    Parameters
    ----------
    times : int array, shape (n, n_in), time steps 0 to t_max
    weights : array, shape (n_out, n_in)
    t : int, time steps 0 to t_max - 1
    t_max : int, time steps

    Returns
    -------
    array, shape (n, n_out); int32 for whole-number weights, else float64
        ``V_j(t) = sum of w_ji over the inputs with t_i <= t``.

    Raises
    ------
    TypeError, ValueError
        If ``t`` is not a time step of the window, or as :func:`layer_spike_times`.

    Examples
    --------
    >>> potential_at([[2, 5, 5]], [[3, -2, 4]], 4, t_max=8).tolist()
    [[3]]
    """
    t_max = check_t_max("potential_at", t_max)
    if not is_whole(t) or not 0 <= t < t_max:
        raise ValueError(
            f"potential_at: t must be a time step of the window, 0 to {t_max - 1}, got {t!r}"
        )
    arrivals = check_spike_times("potential_at", times, t_max)
    # Remove what comes after t, and let nobody fire: what is left at the end is V(t).
    _, potential = layer_spike_times(
        np.where(arrivals <= t, arrivals, t_max), weights, np.inf, t_max=t_max
    )
    return potential


def network_spike_times(
    times: npt.ArrayLike,
    weights: Sequence[npt.ArrayLike],
    thresholds: Sequence[npt.ArrayLike],
    *,
    t_max: int = 256,
) -> tuple[list[SpikeTimes], AnyArray]:
    """Firing times of every layer of a stack, each layer hearing the one before.

    Parameters
    ----------
    times : int array, shape (n, n_in), time steps 0 to t_max
        Firing times of the input layer.
    weights : sequence of arrays, shapes (n_1, n_in), (n_2, n_1), ...
    thresholds : sequence of floats or arrays, one per layer after the input
    t_max : int, time steps

    Returns
    -------
    spike_times : list of int16 arrays, shapes (n, n_1), (n, n_2), ...
    potential : array, shape (n, n_last)
        Of the last layer, as :func:`layer_spike_times` gives it.

    Raises
    ------
    TypeError, ValueError
        If there is not a threshold for each layer of weights, or as :func:`layer_spike_times`.

    Examples
    --------
    >>> layers, _ = network_spike_times([[0, 3]], [[[2, 2]], [[1]]], [3, 0], t_max=8)
    >>> [layer.tolist() for layer in layers]
    [[[4]], [[5]]]
    """
    try:
        n_layers, n_thresholds = len(weights), len(thresholds)
    except TypeError as error:
        raise TypeError(
            "network_spike_times: weights and thresholds must be sequences with an entry for each "
            f"layer after the input, got {type(weights).__name__} and {type(thresholds).__name__}"
        ) from error
    if n_layers == 0 or n_layers != n_thresholds:
        raise ValueError(
            "network_spike_times: one threshold per layer of weights, got "
            f"{n_layers} layers and {n_thresholds} thresholds"
        )
    layers: list[SpikeTimes] = []
    heard = check_array("network_spike_times", "times", times)
    for w, theta in zip(weights, thresholds, strict=True):
        heard, potential = layer_spike_times(heard, w, theta, t_max=t_max)
        layers.append(heard)
    return layers, potential


def silent(spike_times: npt.ArrayLike, *, t_max: int = 256) -> BoolArray:
    """Which neurons did not fire.

    Parameters
    ----------
    spike_times : int array, any shape, time steps 0 to t_max
    t_max : int, time steps

    Returns
    -------
    bool array, the shape of ``spike_times``

    Raises
    ------
    TypeError, ValueError
        If the times are not whole numbers in 0..t_max.

    Examples
    --------
    >>> silent([[3, 256], [256, 256]]).all(axis=1).tolist()  # images on which nobody fired
    [False, True]
    """
    t_max = check_t_max("silent", t_max)
    did_not_fire: BoolArray = check_spike_times("silent", spike_times, t_max) == t_max
    return did_not_fire


def decide(
    spike_times: npt.ArrayLike,
    potential: npt.ArrayLike,
    *,
    threshold: npt.ArrayLike = 0.0,
    rule: str = "first-spike",
    t_max: int = 256,
) -> IntArray:
    """The class of each image, from the output neurons.

    Parameters
    ----------
    spike_times : int array, shape (n, n_classes), time steps 0 to t_max
    potential : array, shape (n, n_classes)
        As :func:`layer_spike_times` returns it.
    threshold : float, or array of shape (n_classes,)
        Needed only where the output neurons have different thresholds: what counts is how far a
        potential is above its own.
    rule : str
        - ``"first-spike"``: the earliest; of several, the one with the largest potential above
          threshold, then the lower index. If all are silent, the largest potential above threshold
          (which is then below it) at the end of the window. Always gives a class.
        - ``"lowest-index"``: the earliest, and of several the lower index. If all are silent, as
          above.
        - ``"unique"``: the earliest if it is alone, otherwise -1, which is never right.
        - ``"potential"``: the largest potential above threshold, whoever was first.
    t_max : int, time steps

    Returns
    -------
    int64 array, shape (n,)

    Raises
    ------
    TypeError, ValueError
        If the shapes differ, a potential is NaN or no number, or the rule is none of the above.

    References
    ----------
    Kheradpisheh & Masquelier 2020, decision by the first spike; the tie rules are this library's.

    Examples
    --------
    >>> spike_times, potential = [[9, 4, 4], [256, 256, 256]], [[7, 5, 6], [2, 3, 1]]
    >>> for rule in DECISION_RULES:
    ...     print(rule, decide(spike_times, potential, rule=rule).tolist())
    first-spike [2, 1]
    lowest-index [1, 1]
    unique [-1, -1]
    potential [0, 1]
    """
    t_max = check_t_max("decide", t_max)
    check_choice("decide", "rule", rule, DECISION_RULES)
    times = check_spike_times("decide", spike_times, t_max)
    v = check_real("decide", "potential", potential)
    if times.ndim != 2 or times.shape[1] == 0 or v.shape != times.shape:
        raise ValueError(
            "decide: spike_times and potential must both have shape (n, n_classes), got "
            f"{times.shape} and {v.shape}"
        )
    with np.errstate(invalid="ignore"):  # infinity less infinity is NaN, which is refused
        excess = v - check_thresholds("decide", threshold, times.shape[1])
    if np.isnan(excess).any():  # which argmax would take for the largest
        raise ValueError(
            "decide: potential must be numbers that can be compared with the threshold, found NaN"
        )
    earliest = times == times.min(axis=1, keepdims=True)  # all of them, where all are silent
    all_silent = (times == t_max).all(axis=1)
    # Among equals, argmin and argmax take the lower index.
    by_index = times.argmin(axis=1)
    by_potential = np.where(earliest, excess, -np.inf).argmax(axis=1)
    alone = (earliest.sum(axis=1) == 1) & ~all_silent
    decisions: dict[str, IntArray] = {
        "first-spike": by_potential,
        "lowest-index": np.where(all_silent, by_potential, by_index),
        "unique": np.where(alone, by_index, -1),
        "potential": excess.argmax(axis=1),
    }
    return decisions[rule]


def published_correct(
    spike_times: npt.ArrayLike,
    late_potential: npt.ArrayLike,
    labels: npt.ArrayLike,
    *,
    t_max: int = 256,
) -> BoolArray:
    """Which images the authors' published counter calls right.

    An image counts as right if the label's neuron is *among* the earliest, so a tie with the label
    is credited. If all outputs are silent, the largest potential at step ``t_max - 3`` decides. It
    needs the label: it is a way of counting, never a prediction.

    Parameters
    ----------
    spike_times : int array, shape (n, n_classes), time steps 0 to t_max
    late_potential : array, shape (n, n_classes)
        :func:`potential_at` step ``t_max - 3`` (253); used only where all outputs are silent.
    labels : int array, shape (n,)
    t_max : int, time steps

    Returns
    -------
    bool array, shape (n,)

    Raises
    ------
    TypeError, ValueError
        If shapes do not fit, a potential is no number, or a label is no class.

    References
    ----------
    Read in the authors' published code; not described in the papers.

    Examples
    --------
    >>> published_correct([[9, 4, 4], [256, 256, 256]], [[7, 5, 6], [2, 3, 1]], [1, 1]).tolist()
    [True, True]
    """
    t_max = check_t_max("published_correct", t_max)
    times = check_spike_times("published_correct", spike_times, t_max)
    v = check_real("published_correct", "late_potential", late_potential)
    if np.isnan(v).any():  # which argmax would take for the largest
        raise ValueError("published_correct: late_potential must be numbers, found NaN")
    if times.ndim != 2 or times.shape[1] == 0 or v.shape != times.shape:
        raise ValueError(
            "published_correct: spike_times and late_potential must both have shape "
            f"(n, n_classes), got {times.shape} and {v.shape}"
        )
    truth = check_labels("published_correct", labels, *times.shape)
    first = times.min(axis=1)
    among_the_earliest = times[np.arange(len(times)), truth] == first
    correct: BoolArray = np.where(first == t_max, v.argmax(axis=1) == truth, among_the_earliest)
    return correct
