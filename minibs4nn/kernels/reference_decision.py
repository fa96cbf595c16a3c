"""Learning from the potentials at the moment of decision: the definition, in NumPy.

``cpu_decision.py`` is the compiled twin: same names, same numbered steps, same bits.
"""

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from minibs4nn._checks import AnyArray, FloatArray, IntArray, SpikeTimes
from minibs4nn.binary import flips, sign
from minibs4nn.evaluation import Outcomes, judge
from minibs4nn.forward import layer_spike_times, potential_at
from minibs4nn.kernels.decision import (
    ERROR_STEPS,
    HIDDEN_STEPS,
    LARGEST_HIDDEN,
    PUSH_MARGIN,
    PUSH_OTHERS,
    SMALLEST_MOMENT,
    TABLE_STEPS,
    Batch,
    Gradients,
    TwoLayers,
    exponentials,
)

if TYPE_CHECKING:
    from minibs4nn.rules import DecisionPotential

__all__ = ["adam", "gradients"]


def gradients(
    prepared: SpikeTimes, labels: IntArray, batch: Batch, net: TwoLayers,
    rule: "DecisionPotential", *, t_max: int,
) -> Gradients:  # fmt: skip
    """Slopes of the loss, summed over the images of a batch; nothing is changed.

    Parameters
    ----------
    prepared : int16 array, shape (n, n_in)
        Spike times of all images.
    labels : int64 array, shape (n,)
    batch : Batch
    net : TwoLayers
    rule : DecisionPotential
    t_max : int, time steps

    Returns
    -------
    Gradients
    """
    (weights, out_weights), (theta, out_theta) = net.weights, net.thresholds
    n_out, n_hidden = out_weights.shape
    table = exponentials()
    whole = weights.dtype == np.int8
    hidden_sum: AnyArray = np.zeros(weights.shape, np.int16 if whole else np.int32)
    output_sum = np.zeros(out_weights.shape, np.int32)
    hidden_theta_sum, out_theta_sum = np.zeros(n_hidden, np.int32), np.zeros(n_out, np.int32)
    outcomes = Outcomes.of(len(batch.images))
    missed = learned = 0

    for m, n in enumerate(batch.images):
        # (1) the image as it is seen, (2) forward: firing times of both layers
        times = _seen(prepared[n], batch.views[batch.view[m]], t_max)
        label = labels[n]
        spikes, potential = _layer(times, weights, theta, t_max)
        left_out = np.flatnonzero(batch.dropped[m])
        spikes[left_out] = t_max
        out_spikes, out_potential = _layer(spikes, out_weights, out_theta, t_max)
        early = np.where(spikes <= t_max - 3, spikes, np.int16(t_max))
        late = potential_at(early[None], out_weights, t_max - 1, t_max=t_max)
        outcomes[m] = judge(
            out_spikes[None], out_potential[None], late, labels[n : n + 1],
            threshold=out_theta, t_max=t_max,
        )  # fmt: skip

        # (3) the moment of decision, and the output potentials just before it
        moment = t_max if batch.at_end[m] else int(out_spikes.min())
        heard = spikes < moment
        margin = potential_at(spikes[None], out_weights, moment - 1, t_max=t_max)[0] - out_theta
        missed += int(moment == t_max and margin[label] <= 0)

        # (4) cross-entropy: the error of every output, in whole parts
        distance = np.rint((margin.max() - margin) * (TABLE_STEPS / rule.temperature))
        share = table[np.minimum(distance, table.size - 1).astype(np.int64)]
        error = np.rint(share / np.cumsum(share)[-1] * ERROR_STEPS).astype(np.int32)
        error[label] -= ERROR_STEPS
        if not batch.at_end[m]:
            error[label] -= int(np.rint(rule.early * ERROR_STEPS * moment / t_max))
        if rule.push:
            # Where an output should be: the label's above its threshold in the end, others below.
            short = PUSH_MARGIN + margin / rule.temperature
            short[label] = PUSH_MARGIN - margin[label] / rule.temperature
            strength = np.full(n_out, PUSH_OTHERS)
            strength[label] = -1.0 if moment == t_max else 0.0
            error += np.rint(rule.push * ERROR_STEPS * strength * _logistic(short, table)).astype(
                np.int32
            )
        if np.abs(error).max() < rule.skip * ERROR_STEPS:
            continue
        learned += 1

        # (5) back through the weights, to hidden neurons that were near their threshold
        final = _layer(times, weights, np.full(n_hidden, np.inf), t_max)[1]  # nobody fires
        near = np.abs(np.maximum(final, potential) - theta) < rule.width
        near[left_out] = False
        back: AnyArray = np.zeros(n_hidden, np.int32 if whole else np.float64)
        for e, row in zip(error, out_weights, strict=True):
            back += e * row.astype(back.dtype)
        step = ERROR_STEPS // HIDDEN_STEPS
        part = np.where(near, (back + step // 2) // step, 0)
        if whole:
            part = np.clip(part, -LARGEST_HIDDEN, LARGEST_HIDDEN)
        part = part.astype(hidden_sum.dtype)

        # (6) slopes: along a weight, if its input fired in time to matter
        output_sum += np.outer(error, heard).astype(np.int32)
        in_time = times < np.minimum(spikes, moment - 1)[:, None]
        hidden_sum += part[:, None] * in_time
        hidden_theta_sum -= part
        out_theta_sum -= error

    return Gradients(
        hidden_sum, output_sum, hidden_theta_sum, out_theta_sum, missed, learned, outcomes
    )


def adam(
    weights: AnyArray, signs: AnyArray | None, first: AnyArray, second: AnyArray,
    gradient: AnyArray, *, unit: float, rate: float,
) -> int:  # fmt: skip
    """One step of Adam, in place; return how many signs flipped.

    Parameters
    ----------
    weights : float32 or float64 array
        Real weights; or latent ones, which stay within -1..1.
    signs : int8 array, same shape, or None
        Of latent weights.
    first, second : arrays of the same shape and type as ``weights``
        Moments of the gradient.
    gradient : array of numbers, same shape
    unit : float
        What one step of ``gradient`` is worth.
    rate : float
        Learning rate, the correction of the moments' first steps included.

    Returns
    -------
    int

    References
    ----------
    Kingma & Ba 2015, section 2, last lines; beta 0.9 and 0.999, epsilon 1e-8.
    """
    number = weights.dtype.type
    slope = gradient.astype(weights.dtype) * number(unit)
    first[:] = number(0.9) * first + number(0.1) * slope
    first[np.abs(first) < number(SMALLEST_MOMENT)] = 0
    second[:] = number(0.999) * second + number(0.001) * slope * slope
    weights -= number(rate) * first / (np.sqrt(second) + number(1e-8))
    if signs is None:
        return 0
    np.clip(weights, number(-1), number(1), out=weights)
    new = sign(weights)
    flipped = flips(signs, new)
    signs[:] = new
    return flipped


def _logistic(x: FloatArray, table: FloatArray) -> FloatArray:
    """``1 / (1 + exp(-x))``, from the table."""
    steps = np.minimum(np.rint(np.abs(x) * TABLE_STEPS), table.size - 1).astype(np.int64)
    small: FloatArray = table[steps]
    return np.where(x < 0, small, 1.0) / (1.0 + small)


def _seen(times: SpikeTimes, view: npt.NDArray[np.int32], t_max: int) -> SpikeTimes:
    """The same image with its pixels elsewhere; black comes in from the sides."""
    return np.where(view >= 0, times[view], np.int16(t_max))


def _layer(
    times: SpikeTimes, weights: AnyArray, threshold: FloatArray, t_max: int
) -> tuple[SpikeTimes, AnyArray]:
    """Spike times and potentials of one layer for one image."""
    spikes, potential = layer_spike_times(times[None], weights, threshold, t_max=t_max)
    return spikes[0], potential[0]
