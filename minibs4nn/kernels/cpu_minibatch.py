"""Mini-batches of the papers' rule, compiled by Numba: another algorithm than online learning.

All images of a batch see the same weights. So what takes one image at a time in ``cpu.py`` is done
here for a batch at once: NumPy judges the batch, and only what would be a loop over synapses is
compiled. Read ``reference.train_minibatches`` first; the numbered steps are the same, and sums are
added in its order, so both give the same bits.
"""

from typing import TYPE_CHECKING

import numba
import numpy as np

from minibs4nn._checks import AnyArray, FloatArray, IntArray, SpikeTimes
from minibs4nn.backward import decay
from minibs4nn.evaluation import Outcomes, judge
from minibs4nn.kernels import OnlineReport, Parameters
from minibs4nn.kernels.reference import SMALLEST_SHRINK, scale_message
from minibs4nn.targets import normalise, relative_targets, time_error

if TYPE_CHECKING:
    from minibs4nn.kernels.cpu import Spikes
    from minibs4nn.rules import RelativeTarget

__all__ = ["train_minibatches"]

_jit = numba.njit(cache=True, nogil=True, boundscheck=False)


@_jit
def _spread(
    start: IntArray, who: AnyArray, when: SpikeTimes, batch: IntArray, times: SpikeTimes
) -> None:
    """Fill in the spike times of the images of a batch, from their sorted spikes."""
    for b in range(batch.size):
        for p in range(start[batch[b]], start[batch[b] + 1]):
            times[b, who[p]] = when[p]


@_jit
def _sum_steps(
    step: AnyArray, times_in: SpikeTimes, times_out: SpikeTimes, end: AnyArray, total: AnyArray
) -> None:
    """Add up ``step_j * [t_i < t_j]`` over the images of a batch; total is (n_in, n_out)."""
    number = total.dtype.type
    nothing = number(0)
    for b in range(len(step)):
        last = 0
        for j in range(end.size):
            end[j] = times_out[b, j]  # a float, so that one instruction compares as many as it adds
            if step[b, j] != 0:
                last = max(last, times_out[b, j])
        for i in range(times_in.shape[1]):
            if times_in[b, i] < last:  # somebody who learns has heard this spike
                t = number(times_in[b, i])
                row = total[i]
                for j in range(end.size):
                    row[j] += step[b, j] if t < end[j] else nothing


@_jit
def _move(latent: AnyArray, signs: AnyArray | None, total: AnyArray) -> int:
    """``w -= total``, and the signs anew; return how many flipped, and leave ``total`` empty."""
    flips = 0
    for i in range(len(latent)):
        for j in range(latent.shape[1]):
            old = latent[i, j]
            new = old - total[i, j]
            total[i, j] = 0
            latent[i, j] = new
            if signs is not None:
                flips += (old < 0) != (new < 0)
                signs[i, j] = -1 if new < 0 else 1
    return flips


@_jit
def _backpropagate(
    delta: FloatArray, latent: AnyArray, times_in: SpikeTimes, times_out: SpikeTimes,
    delta_in: FloatArray,
) -> None:  # fmt: skip
    """``delta_h = sum over k of delta_k * w_kh * [t_h < t_k]``, image by image."""
    delta_in[:] = 0
    for b in range(len(delta)):
        for k in range(delta.shape[1]):
            if delta[b, k] != 0:  # most outputs have no error
                for h in range(delta_in.shape[1]):
                    if times_in[b, h] < times_out[b, k]:
                        delta_in[b, h] += delta[b, k] * latent[h, k]


def train_minibatches(
    prepared: "Spikes",
    labels: IntArray,
    order: IntArray,
    parameters: Parameters,
    rule: "RelativeTarget",
    *,
    t_max: int,
    count_fired: bool = True,
) -> OnlineReport:
    """Learn from ``rule.batch_size`` images at a time; ``parameters`` are changed in place.

    Parameters
    ----------
    prepared : Spikes
        Of all images, as :func:`minibs4nn.kernels.cpu.prepare` returns them.
    labels : int64 array, shape (n,)
    order : int64 array, shape (m,)
        Which images, in which order.
    parameters : Parameters
    rule : RelativeTarget
    t_max : int, time steps
    count_fired : bool
        Whether to count on how many images each neuron fires.

    Returns
    -------
    OnlineReport

    Raises
    ------
    ArithmeticError
        If a scale falls to zero or below.
    """
    p = parameters
    depth = len(p.latent)
    outcomes = Outcomes.of(len(order))
    fired = [np.zeros(len(w), dtype=np.int64) for w in p.latent] if count_fired else []
    flipped = np.zeros(depth, dtype=np.int64)
    updates = 0
    keep = 1.0 - rule.learning_rate * rule.weight_decay
    shrink = 1.0
    totals = [np.zeros_like(w.T) for w in p.latent]
    ends = [np.zeros(len(w), w.dtype) for w in p.latent]

    for start in range(0, len(order), rule.batch_size):
        batch = order[start : start + rule.batch_size]
        # (1) forward, and (2) targets and error, of all images, with the present weights
        inputs = np.full((len(batch), p.latent[0].shape[1]), t_max, dtype=np.int16)
        _spread(prepared.start, prepared.who, prepared.when, batch, inputs)
        heard, potentials, seen = _forward(inputs, labels[batch], p, shrink, t_max)
        for name, values in vars(seen).items():
            getattr(outcomes, name)[start : start + len(batch)] = values
        for count, spikes in zip(fired, heard[1:], strict=count_fired):
            count += (spikes < t_max).sum(axis=0)
        targets = relative_targets(
            heard[-1], labels[batch], gamma=rule.gamma, all_silent=rule.all_silent, t_max=t_max
        )
        delta = time_error(heard[-1], targets, t_max=t_max)

        # From here on only the images with an error: the others change nothing.
        wrong = np.flatnonzero(delta.any(axis=1))
        updates += wrong.size
        delta = delta[wrong]
        for layer in reversed(range(depth if wrong.size else 0)):
            # (3) normalise, (4) update this layer by all images, (5) pass the deltas through it
            delta = normalise(delta)
            latent, signs = p.latent[layer].T, None if p.signs is None else p.signs[layer].T
            times_in, times_out = heard[layer][wrong], heard[layer + 1][wrong]
            rate = rule.learning_rate / shrink / len(batch)
            step = (rate * delta).astype(latent.dtype)
            _sum_steps(step, times_in, times_out, ends[layer], totals[layer])
            flipped[layer] += _move(latent, signs, totals[layer])
            if signs is not None:
                # Sums from the left: over the neurons of an image, then over the images.
                slopes = np.cumsum(delta * potentials[layer][wrong], axis=1)[:, -1] / latent.size
                p.scale[layer] -= rule.scale_learning_rate * (np.cumsum(slopes)[-1] / len(batch))
                if not p.scale[layer] > 0:
                    raise ArithmeticError(scale_message(layer, p.scale))
            if layer > 0:
                before = np.empty(times_in.shape)
                _backpropagate(delta, latent, times_in, times_out, before)
                delta = before

        # (6) weight decay, once per image
        for m in range(start, start + len(batch)):
            shrink *= keep
            if shrink < SMALLEST_SHRINK or (m == len(order) - 1 and shrink != 1.0):
                for weights in p.latent:
                    decay(weights, shrink)
                shrink = 1.0

    return OnlineReport(outcomes, flipped, updates, fired)


def _forward(
    inputs: SpikeTimes, labels: IntArray, p: Parameters, shrink: float, t_max: int
) -> tuple[list[SpikeTimes], list[AnyArray], Outcomes]:
    """Present a batch to weights that are ``shrink`` times what is stored."""
    from minibs4nn.kernels.cpu import layer_spike_times  # which imports this module

    thresholds = p.forward_thresholds
    if p.signs is None:
        thresholds = [theta / shrink for theta in thresholds]
    heard, potentials = [inputs], []
    for weights, threshold in zip(p.weights, thresholds, strict=True):
        spikes, potential = layer_spike_times(heard[-1], weights, threshold, t_max=t_max)
        heard.append(spikes)
        potentials.append(potential)
    # The authors' counter looks at the potentials at t_max - 3 where all outputs are silent.
    nobody = (heard[-1] == t_max).all(axis=1)
    late = np.zeros(heard[-1].shape)
    if nobody.any():
        early = np.where(heard[-2][nobody] <= t_max - 3, heard[-2][nobody], np.int16(t_max))
        never = np.full(len(p.weights[-1]), np.inf)
        _, late[nobody] = layer_spike_times(early, p.weights[-1], never, t_max=t_max)
    seen = judge(heard[-1], potentials[-1], late, labels, threshold=thresholds[-1], t_max=t_max)
    return heard, potentials, seen
