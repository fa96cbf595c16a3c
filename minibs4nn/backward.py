"""Chapter 05: backpropagation through spike times, for one image.

How should a neuron's firing time change? The output neurons know it from their targets: their
*delta* is their time error. A hidden neuron collects it from the neurons that heard it. And a
weight moves only if its spike had arrived before the neuron fired: what came later had no part in
it.

The derivation takes ``dV_j/dw_ji = [t_i < t_j]``, which is exact, and two approximations:
``dt/dV = -1`` (raise the potential by one and the neuron fires one step earlier), and
``dV_k/dt_h = -w_kh [t_h < t_k]``.
"""

import numpy as np
import numpy.typing as npt

from minibs4nn._checks import (
    AnyArray,
    BoolArray,
    FloatArray,
    check_changeable,
    check_finite,
    check_layer,
    check_number,
    check_one_image,
)

__all__ = ["arrived", "backpropagate", "decay", "update_weights"]


def arrived(times_in: npt.ArrayLike, times_out: npt.ArrayLike) -> BoolArray:
    """Which input spikes had arrived when a neuron crossed its threshold.

    Because a spike is stamped one step after the crossing, "strictly before the neuron's own spike"
    selects exactly the spikes that were in its potential.

    Parameters
    ----------
    times_in : int array, shape (n_in,), time steps
    times_out : int array, shape (n_out,), time steps

    Returns
    -------
    bool array, shape (n_out, n_in)
        ``[t_i < t_j]``.

    Raises
    ------
    TypeError, ValueError
        If times are not whole numbers, or not of one image.

    Examples
    --------
    >>> arrived([2, 5, 8], [6, 8]).astype(int).tolist()
    [[1, 1, 0], [1, 1, 0]]
    """
    t_in, t_out = check_one_image("arrived", times_in, times_out)
    before: BoolArray = t_in < t_out[:, None]
    return before


def backpropagate(
    delta: npt.ArrayLike, weights: npt.ArrayLike, times_in: npt.ArrayLike, times_out: npt.ArrayLike
) -> FloatArray:
    """The deltas of a layer, from those of the layer that heard it.

    ``delta_h = sum over k of delta_k * w_kh * [t_h < t_k]``. A silent neuron was heard by nobody:
    its delta is 0, and it learns nothing.

    Parameters
    ----------
    delta : float array, shape (n_out,)
        Of the later layer.
    weights : float array, shape (n_out, n_in)
        From the earlier layer to the later one; the latent weights where there are two sets.
    times_in : int array, shape (n_in,), time steps
        Of the earlier layer.
    times_out : int array, shape (n_out,), time steps
        Of the later layer.

    Returns
    -------
    float64 array, shape (n_in,)

    Raises
    ------
    TypeError, ValueError
        If shapes do not fit, or something is not a number.

    References
    ----------
    Kheradpisheh & Masquelier 2020, backward path.

    Examples
    --------
    >>> backpropagate([1.0, -0.5], [[2.0, 3.0], [4.0, 1.0]], [1, 7], [5, 9]).tolist()
    [0.0, -0.5]
    """
    where = "backpropagate"
    w, d = check_finite(where, "weights", weights), check_finite(where, "delta", delta)
    t_in, t_out = check_one_image(where, times_in, times_out)
    check_layer(where, w, d, (t_out.size, t_in.size))
    was_heard = arrived(t_in, t_out)
    delta_in = np.zeros(w.shape[1])
    for k, delta_k in enumerate(d):  # in this order in all kernels
        delta_in += np.where(was_heard[k], delta_k * w[k], 0.0)
    return delta_in


def update_weights(
    weights: AnyArray,
    delta: npt.ArrayLike,
    times_in: npt.ArrayLike,
    times_out: npt.ArrayLike,
    *,
    learning_rate: float,
) -> None:
    """Move the weights of a layer, in place: ``w_ji -= eta * delta_j * [t_i < t_j]``.

    Parameters
    ----------
    weights : float64 or float32 array, shape (n_out, n_in)
        Changed in place, in its own precision.
    delta : float array, shape (n_out,)
    times_in : int array, shape (n_in,), time steps
    times_out : int array, shape (n_out,), time steps
    learning_rate : float

    Raises
    ------
    TypeError, ValueError
        If the weights are no array of floats, shapes do not fit, or something is not a number.

    References
    ----------
    Kheradpisheh & Masquelier 2020, weight update.

    Examples
    --------
    >>> w = np.zeros((2, 3))
    >>> update_weights(w, [1.0, -0.5], [2, 5, 8], [6, 3], learning_rate=0.2)
    >>> w.tolist()
    [[-0.2, -0.2, 0.0], [0.1, 0.0, 0.0]]
    """
    where = "update_weights"
    check_changeable(where, weights)
    d = check_finite(where, "delta", delta)
    rate = check_number(where, "learning_rate", learning_rate)
    if not np.isfinite(rate):
        raise ValueError(f"{where}: learning_rate must be finite, got {learning_rate!r}")
    t_in, t_out = check_one_image(where, times_in, times_out)
    check_layer(where, weights, d, (t_out.size, t_in.size))
    step = (rate * d).astype(weights.dtype)
    weights -= np.where(arrived(t_in, t_out), step[:, None], weights.dtype.type(0))


def decay(weights: AnyArray, share: float) -> None:
    """Shrink the weights of a layer, in place: ``w *= share``, computed in double precision.

    A negative weight stays negative, however small it gets: decay never flips a sign.

    Parameters
    ----------
    weights : float64 or float32 array, shape (n_out, n_in)
        Changed in place.
    share : float, 0 to 1
        What is left of each weight, ``1 - eta * lambda`` for one image.

    Raises
    ------
    TypeError, ValueError
        If the weights are no array of floats, or the share is not in 0 to 1.

    References
    ----------
    Kheradpisheh & Masquelier 2020, weight decay.

    Examples
    --------
    >>> w = np.array([[0.5, -0.25]])
    >>> decay(w, 0.5)
    >>> w.tolist()
    [[0.25, -0.125]]
    """
    check_changeable("decay", weights)
    left = check_number("decay", "share", share)
    if not 0 <= left <= 1:
        raise ValueError(f"decay: share must lie in 0 to 1, got {share!r}")
    negative = weights < 0
    weights[:] = weights * np.float64(left)
    weights[negative & (weights == 0)] = -np.finfo(weights.dtype).tiny
