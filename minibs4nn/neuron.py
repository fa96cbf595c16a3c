"""Chapter 01: one integrate-and-fire neuron.

Spikes arrive, and each adds its weight to the potential. Nothing leaks: what has been added stays.
The neuron fires once, one step after its potential has gone above the threshold, and then never
again.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from minibs4nn._checks import (
    FloatArray,
    check_finite,
    check_real,
    check_spike_times,
    check_t_max,
)

__all__ = ["Trace", "simulate_neuron"]


@dataclass(frozen=True)
class Trace:
    """What one neuron did during one window.

    Attributes
    ----------
    potential : float64 array, shape (t_max,)
        The potential at the end of each time step. It goes on after the spike: the neuron has no
        reset and needs none, since it cannot fire again.
    spike_time : int, time steps
        When the neuron fired; ``t_max`` if it stayed silent.
    threshold : float
        What the potential had to exceed.
    """

    potential: FloatArray
    spike_time: int
    threshold: float

    @property
    def t_max(self) -> int:
        """Length of the window in time steps, and the spike time that means silent."""
        return len(self.potential)

    @property
    def fired(self) -> bool:
        """Whether the neuron fired within the window."""
        return self.spike_time < self.t_max


def simulate_neuron(
    times: npt.ArrayLike, weights: npt.ArrayLike, *, threshold: float, t_max: int = 256
) -> Trace:
    """Follow the potential of one non-leaky integrate-and-fire neuron, step by step.

    ``V(t) = sum of w_i over the inputs with t_i <= t``. The neuron fires at the first ``t`` with
    ``V(t) > threshold``, and its spike is stamped ``t + 1``: crossing the threshold and being heard
    by the next layer are one step apart.

    Parameters
    ----------
    times : int array, shape (n_in,), time steps 0 to t_max
        When each input fires; ``t_max`` means never.
    weights : array, shape (n_in,)
        What each spike adds to the potential.
    threshold : float
        The neuron fires when the potential *exceeds* it; to reach it is not enough. Infinity: it
        never fires.
    t_max : int, time steps
        Length of the window.

    Returns
    -------
    Trace
        With ``.potential`` for every time step and ``.spike_time``.

    Raises
    ------
    TypeError, ValueError
        If times and weights differ in shape, times are not whole numbers in 0..t_max, a weight is
        not finite, or the threshold is not a number.

    References
    ----------
    Kheradpisheh & Masquelier 2020, neuron model.

    Examples
    --------
    >>> trace = simulate_neuron([2, 5, 5], [3, -2, 4], threshold=4, t_max=8)
    >>> trace.potential.tolist()
    [0.0, 0.0, 3.0, 3.0, 3.0, 5.0, 5.0, 5.0]
    >>> trace.spike_time
    6
    """
    t_max = check_t_max("simulate_neuron", t_max)
    arrivals = check_spike_times("simulate_neuron", times, t_max)
    w = check_finite("simulate_neuron", "weights", weights)
    theta = check_real("simulate_neuron", "threshold", threshold)
    if theta.ndim or np.isnan(theta):
        raise ValueError(f"simulate_neuron: threshold must be one number, got {threshold!r}")
    if arrivals.ndim != 1 or w.shape != arrivals.shape:
        raise ValueError(
            "simulate_neuron: times and weights must have one entry per input, got shapes "
            f"{arrivals.shape} and {w.shape}"
        )
    potential = np.zeros(t_max)
    v = 0.0
    spike_time = t_max
    for t in range(t_max):
        for i in np.flatnonzero(arrivals == t):  # (1) integrate: each spike adds its weight
            v += w[i]
        potential[t] = v
        if v > theta and spike_time == t_max:  # (2) compare  (3) at most one spike
            spike_time = t + 1  # (4) one step later; t_max is silent
    return Trace(potential, spike_time, float(theta))
