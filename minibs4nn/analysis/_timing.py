"""When neurons fire, when the network decides, and what it would say if it had to say it now."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from minibs4nn._checks import (
    FloatArray,
    IntArray,
    check_array,
    check_labels,
    check_spike_times,
    check_t_max,
)
from minibs4nn.analysis._response import Response, check_steps

__all__ = [
    "Anytime",
    "anytime",
    "decision_time_counts",
    "firing_time_matrix",
    "spikes_by_decision",
]


def firing_time_matrix(
    spike_times: npt.ArrayLike, labels: npt.ArrayLike, *, t_max: int = 256
) -> FloatArray:
    """Mean firing time of each output neuron (column) on the images of each class (row).

    In a network that has learned, the diagonal is early and the rest is late.

    Parameters
    ----------
    spike_times : int array, shape (n, n_classes), time steps 0 to t_max
        Of the output neurons. Silence counts as ``t_max``, as in the mean decision time.
    labels : int array, shape (n,)
    t_max : int, time steps

    Returns
    -------
    float64 array, shape (n_classes, n_classes), time steps
        NaN in the row of a class without images.

    Raises
    ------
    TypeError, ValueError
        If shapes do not fit, times are not whole numbers in 0..t_max, or a label is no class.

    Examples
    --------
    >>> firing_time_matrix([[3, 9], [5, 256], [8, 4]], [0, 0, 1]).tolist()
    [[4.0, 132.5], [8.0, 4.0]]
    """
    where = "firing_time_matrix"
    times = check_spike_times(where, spike_times, check_t_max(where, t_max))
    if times.ndim != 2 or times.shape[1] == 0:
        raise ValueError(f"{where}: spike_times must have shape (n, n_classes), got {times.shape}")
    n_classes = times.shape[1]
    truth = check_labels(where, labels, len(times), n_classes)
    sums = np.zeros((n_classes, n_classes), dtype=np.int64)
    np.add.at(sums, truth, times)
    images = np.bincount(truth, minlength=n_classes)[:, None]
    return np.where(images > 0, sums / np.maximum(images, 1), np.nan)


def spikes_by_decision(layers: Sequence[npt.ArrayLike], *, t_max: int = 256) -> IntArray:
    """How many neurons of each layer have fired when the decision falls.

    A spike counts if it comes no later than the first spike of the last layer. So the output counts
    once, or more after a tie. Where no output neuron fires, the network waits to the end of the
    window, and every spike counts.

    Parameters
    ----------
    layers : sequence of int arrays, shapes (n, size), time steps 0 to t_max
        Spike times of one layer after the other, the output last: ``response.spike_times``.
    t_max : int, time steps

    Returns
    -------
    int64 array, shape (n, n_layers)
        Divided by the sizes of the layers, the share of neurons that had fired.

    Raises
    ------
    TypeError, ValueError
        If there is no layer, the layers differ in ``n``, or times are not in 0..t_max.

    References
    ----------
    Kheradpisheh & Masquelier 2020 count the spikes before the decision; whether the deciding spike
    itself is among them is this library's choice.

    Examples
    --------
    >>> spikes_by_decision([[[0, 2, 7]], [[3, 8]], [[4, 6]]], t_max=8).tolist()
    [[2, 1, 1]]
    """
    where = "spikes_by_decision"
    t_max = check_t_max(where, t_max)
    given = layers if np.iterable(layers) else ()
    checked = [check_spike_times(where, times, t_max) for times in given]
    shapes = [times.shape for times in checked]
    if not checked or any(len(s) != 2 or s[0] != shapes[0][0] for s in shapes) or not shapes[-1][1]:
        raise ValueError(
            f"{where}: layers must be arrays of shape (n, size), with one n and an output layer "
            f"that is not empty, got shapes {shapes}"
        )
    decision = checked[-1].min(axis=1, keepdims=True)
    counts = [((times <= decision) & (times < t_max)).sum(axis=1) for times in checked]
    return np.stack(counts, axis=1).astype(np.int64)


def decision_time_counts(
    times: npt.ArrayLike, correct: npt.ArrayLike, *, t_max: int = 256
) -> dict[str, IntArray]:
    """How many images were decided at each time step: all, those it got right, and the others.

    Parameters
    ----------
    times : int array, shape (n,), time steps 0 to t_max
        The first output spike of each image: ``response.decision_times``.
    correct : bool array, shape (n,)
        Whether the decision was right.
    t_max : int, time steps

    Returns
    -------
    dict of str to int64 array, shape (t_max + 1,)
        ``"all"``, ``"right"`` and ``"wrong"``. The last entry counts the images on which no output
        neuron fired.

    Raises
    ------
    TypeError, ValueError
        If the shapes differ, ``correct`` is not boolean, or times are not in 0..t_max.

    Examples
    --------
    >>> counts = decision_time_counts([1, 1, 3], [True, False, True], t_max=3)
    >>> {name: count.tolist() for name, count in counts.items()}
    {'all': [0, 2, 0, 1], 'right': [0, 1, 0, 1], 'wrong': [0, 1, 0, 0]}
    """
    where = "decision_time_counts"
    t_max = check_t_max(where, t_max)
    decided = check_spike_times(where, times, t_max)
    right = check_array(where, "correct", correct)
    if decided.ndim != 1 or right.shape != decided.shape:
        raise ValueError(
            f"{where}: times and correct must have shape (n,), got {decided.shape} and "
            f"{right.shape}"
        )
    if right.dtype != np.bool_:
        raise TypeError(f"{where}: correct must be True or False, got {right.dtype}")
    return {
        name: np.bincount(decided[which], minlength=t_max + 1)
        for name, which in (("all", slice(None)), ("right", right), ("wrong", ~right))
    }


@dataclass(frozen=True, eq=False)
class Anytime:
    """What a network is worth when it must answer by a deadline.

    Attributes
    ----------
    deadlines : int64 array, shape (m,), time steps
    accuracy : float64 array, shape (m,), 0 to 1
    fired : float64 array, shape (m,), 0 to 1
        Share of the images on which an output neuron had fired by then.
    """

    deadlines: IntArray
    accuracy: FloatArray
    fired: FloatArray


def anytime(
    response: Response, labels: npt.ArrayLike, deadlines: Sequence[int] | None = None
) -> Anytime:
    """Accuracy as a function of a deadline: decide at time T, by the first spike if there was one.

    By T the first spike decides, as always. On images without one it is the largest potential above
    threshold at T, from what has arrived. At the end of the window this is the ordinary decision.

    Parameters
    ----------
    response : Response
    labels : int array, shape (n,)
    deadlines : sequence of int, time steps 0 to t_max, optional
        None: every 32nd part of the window, and its end.

    Returns
    -------
    Anytime

    Raises
    ------
    TypeError, ValueError
        If this is no Response, a deadline lies outside the window, there is none, the labels do not
        fit, or there are no images.

    Examples
    --------
    >>> from minibs4nn import S4NN
    >>> from minibs4nn.analysis import respond
    >>> net = S4NN.from_weights([[[3, 0], [0, 5]]], threshold=2.0, t_max=8)
    >>> response = respond(net, np.array([[2, 4], [6, 4]], dtype=np.int16))
    >>> early = anytime(response, [0, 1], deadlines=[1, 3, 8])
    >>> early.accuracy.tolist(), early.fired.tolist()
    ([0.5, 0.5, 1.0], [0.0, 0.5, 1.0])
    """
    if not isinstance(response, Response):
        raise TypeError(
            f"anytime: wants what analysis.respond() returns, got {type(response).__name__}"
        )
    t_max, n_classes = response.t_max, response.outputs.shape[1]
    truth = check_labels("anytime", labels, len(response), n_classes)
    if len(response) == 0:
        raise ValueError("anytime: there are no images to judge by")
    if deadlines is None:
        deadlines = [*range(0, t_max, max(1, t_max // 32)), t_max]
    checked = check_steps("anytime", "deadlines", deadlines, t_max)
    threshold = response.net.parameters.forward_thresholds[-1]
    first, by_spike = response.decision_times, response.decisions
    accuracy, fired = [], []
    for deadline in checked:
        decided = (first <= deadline) & (first < t_max)
        answers = by_spike.copy()
        so_far = response.potential_at(min(deadline, t_max - 1), ~decided)
        answers[~decided] = (so_far - threshold).argmax(axis=1)
        accuracy.append((answers == truth).mean())
        fired.append(decided.mean())
    return Anytime(
        np.array(checked, dtype=np.int64),
        np.array(accuracy, dtype=np.float64),
        np.array(fired, dtype=np.float64),
    )
