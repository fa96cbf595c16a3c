"""Learning from the potentials at the moment of decision: the definition, in NumPy.

``cpu_decision.py`` is the compiled twin: same names, same numbered steps, same bits.
"""

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from minibs4nn._checks import AnyArray, IntArray, SpikeTimes
from minibs4nn.evaluation import Outcomes, judge
from minibs4nn.forward import layer_spike_times, potential_at
from minibs4nn.kernels.decision import (
    ERROR_STEPS,
    HIDDEN_STEPS,
    Batch,
    BinaryLayers,
    Floats,
    Gradients,
    exponentials,
)

if TYPE_CHECKING:
    from minibs4nn.rules import DecisionPotential

__all__ = ["adam", "gradients"]


def gradients(
    prepared: SpikeTimes, labels: IntArray, batch: Batch, net: BinaryLayers,
    rule: "DecisionPotential", *, t_max: int,
) -> Gradients:  # fmt: skip
    """Slopes of the loss, summed over the images of a batch; nothing is changed.

    Parameters
    ----------
    prepared : int16 array, shape (n, n_in)
        Spike times of all images.
    labels : int64 array, shape (n,)
    batch : Batch
    net : BinaryLayers
    rule : DecisionPotential
    t_max : int, time steps

    Returns
    -------
    Gradients
    """
    (signs, out_signs), (theta, out_theta) = net.signs, net.thresholds
    n_hidden, n_in = signs.shape
    table = exponentials(rule.temperature, n_hidden)
    hidden_sum = np.zeros((n_hidden, n_in), np.int16)
    output_sum = np.zeros(out_signs.shape, np.int32)
    threshold_sum = np.zeros(n_hidden, np.int32)
    outcomes = Outcomes.of(len(batch.images))
    missed = learned = 0

    for m, n in enumerate(batch.images):
        # (1) move the image, (2) forward: firing times of both layers
        times = _moved(prepared[n], batch.moves[batch.move[m]], t_max)
        label = labels[n]
        spikes, potential = _layer(times, signs, theta, t_max)
        out_spikes, out_potential = _layer(spikes, out_signs, out_theta, t_max)
        late = potential_at(spikes[None], out_signs, t_max - 3, t_max=t_max)
        outcomes[m] = judge(
            out_spikes[None], out_potential[None], late, labels[n : n + 1],
            threshold=out_theta.astype(np.float64), t_max=t_max,
        )  # fmt: skip

        # (3) the moment of decision, and the output potentials just before it
        moment = t_max if batch.at_end[m] else int(out_spikes.min())
        heard = spikes < moment
        margin = out_signs[:, heard].sum(axis=1, dtype=np.int64) - out_theta
        missed += int(moment == t_max and margin[label] <= 0)

        # (4) cross-entropy: the error of every output, in whole parts
        share = table[margin.max() - margin]
        error = np.rint(share / np.cumsum(share)[-1] * ERROR_STEPS).astype(np.int32)
        error[label] -= ERROR_STEPS
        if np.abs(error).max() < rule.skip * ERROR_STEPS:
            continue
        learned += 1

        # (5) back through the signs, to hidden neurons that were near their threshold
        final = _layer(times, signs, np.full(n_hidden, n_in), t_max)[1]  # nobody fires: V at end
        near = np.abs(np.maximum(final, potential) - theta) < rule.width
        back = error @ out_signs.astype(np.int32)
        step = ERROR_STEPS // HIDDEN_STEPS
        back = np.where(near, (back + step // 2) // step, 0).astype(np.int16)

        # (6) slopes: along a sign, if its input fired in time to matter
        output_sum += np.outer(error, heard).astype(np.int32)
        in_time = times < np.minimum(spikes, moment - 1)[:, None]
        hidden_sum += back[:, None] * in_time
        threshold_sum -= back

    return Gradients(hidden_sum, output_sum, threshold_sum, missed, learned, outcomes)


def adam(latent: Floats, first: Floats, second: Floats, gradient: Floats, *, rate: float) -> None:
    """One step of Adam, in place; the latent weights stay within -1..1.

    Parameters
    ----------
    latent : float32 array
    first, second : float32 arrays, same shape
        Moments of the gradient.
    gradient : float32 array, same shape
    rate : float
        Learning rate, the correction of the moments' first steps included.

    References
    ----------
    Kingma & Ba 2015, section 2, last lines; beta 0.9 and 0.999, epsilon 1e-8.
    """
    one = np.float32
    first[:] = one(0.9) * first + one(0.1) * gradient
    second[:] = one(0.999) * second + one(0.001) * gradient * gradient
    step = one(rate) * first / (np.sqrt(second) + one(1e-8))
    latent[:] = np.clip(latent - step, one(-1), one(1))


def _moved(times: SpikeTimes, where: npt.NDArray[np.int32], t_max: int) -> SpikeTimes:
    """The same image with its pixels elsewhere; black comes in from the sides."""
    moved = np.full_like(times, t_max)
    stays = where >= 0
    moved[where[stays]] = times[stays]
    return moved


def _layer(
    times: SpikeTimes, signs: AnyArray, threshold: IntArray, t_max: int
) -> tuple[SpikeTimes, AnyArray]:
    """Spike times and potentials of one layer for one image."""
    spikes, potential = layer_spike_times(
        times[None], signs, threshold.astype(np.float64), t_max=t_max
    )
    return spikes[0], potential[0]
