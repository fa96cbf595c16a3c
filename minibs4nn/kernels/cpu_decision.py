"""The same computation, compiled by Numba for one core of a CPU.

Read ``reference_decision.py`` first; the numbered steps are the same. As in ``cpu.py``, only spikes
cost anything, and what one spike changes lies side by side. An image is moved by renaming its
inputs: the spikes stay sorted by time.
"""

from typing import TYPE_CHECKING

import numba
import numpy as np
import numpy.typing as npt

from minibs4nn._checks import AnyArray, BoolArray, FloatArray, IntArray, SpikeTimes
from minibs4nn.evaluation import Outcomes
from minibs4nn.kernels.cpu import (
    LANES,
    Spikes,
    _judge,
    _one_image,
    _potential_at,
    _sort_by_time,
)
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

STEP = ERROR_STEPS // HIDDEN_STEPS
PIECE = 4_096  # weights that Adam takes at a time, so that they stay in the cache between loops

# Divisions as NumPy does them, without a check for zero: only so are they vectorised.
_jit = numba.njit(cache=True, nogil=True, boundscheck=False, error_model="numpy")


@_jit
def _move(
    who: AnyArray, when: SpikeTimes, where: AnyArray, moved_who: AnyArray, moved_when: SpikeTimes
) -> int:
    """Rename the inputs; return how many spikes stay inside the image."""
    k = 0
    for p in range(who.size):
        i = where[who[p]]
        if i >= 0:
            moved_who[k] = i
            moved_when[k] = when[p]
            k += 1
    return k


@_jit
def _error(
    potential: AnyArray, threshold: FloatArray, label: int, table: FloatArray, share: FloatArray,
    error: AnyArray,
) -> int:  # fmt: skip
    """Fill in the errors of the outputs, in whole parts; return the largest."""
    most = potential[0] - threshold[0]
    for o in range(error.size):
        most = max(most, potential[o] - threshold[o])
    total = 0.0
    for o in range(error.size):
        share[o] = table[int(most - (potential[o] - threshold[o]))]
        total += share[o]
    largest = 0
    for o in range(error.size):
        error[o] = int(np.rint(share[o] / total * ERROR_STEPS)) - (o == label) * ERROR_STEPS
        largest = max(largest, abs(error[o]))
    return largest


@_jit
def _add_times(row: AnyArray, factor: int, out: AnyArray) -> None:
    """``out += factor * row``, all int32."""
    f = np.int32(factor)
    for h in range(out.size):
        out[h] += f * row[h]


@_jit
def _keep_near(
    back: AnyArray, final: AnyArray, potential: AnyArray, limit: AnyArray, width: int,
    near: SpikeTimes,
) -> None:  # fmt: skip
    """Errors of the hidden neurons, in their own parts; 0 for those far from their threshold."""
    for h in range(near.size):
        distance = max(final[h], potential[h]) - limit[h]
        part = (back[h] + STEP // 2) // STEP
        near[h] = part if -width < distance < width else 0


@_jit
def _add_where_in_time(row: SpikeTimes, back: SpikeTimes, end: SpikeTimes, t: int) -> None:
    """Add the errors of the neurons for which an input at ``t`` came in time; all int16."""
    stamp, nothing = np.int16(t), np.int16(0)
    for h in range(row.size):
        row[h] += back[h] if stamp < end[h] else nothing


@_jit
def _gradients(
    start: IntArray, who: AnyArray, when: SpikeTimes, labels: IntArray, images: IntArray,
    at_end: BoolArray, move: IntArray, moves: AnyArray, signs: AnyArray, out_signs: AnyArray,
    out_rows: AnyArray, limit: AnyArray, out_limit: AnyArray, out_theta: FloatArray,
    table: FloatArray, width: int, skip: float, t_max: int, hidden_sum: AnyArray,
    output_sum: AnyArray, threshold_sum: AnyArray, correct: BoolArray, published: BoolArray,
    tied: BoolArray, silent: BoolArray, decision_time: SpikeTimes,
) -> tuple[int, int]:  # fmt: skip
    n_in, lanes = signs.shape
    n_hidden, out_lanes = out_signs.shape
    n_out = out_theta.size
    v, potential = np.empty_like(limit), np.empty_like(limit)
    out_v, out_potential = np.empty_like(out_limit), np.empty_like(out_limit)
    spikes, out_spikes = np.empty(lanes, np.int16), np.empty(out_lanes, np.int16)
    in_who, in_when = np.empty(n_in, np.int32), np.empty(n_in, np.int16)
    hidden_who, hidden_when = np.empty(n_hidden, np.int32), np.empty(n_hidden, np.int16)
    share, error = np.empty(n_out, np.float64), np.empty(n_out, np.int32)
    back, heard = np.empty(lanes, np.int32), np.empty(lanes, np.int32)
    near, end = np.empty(lanes, np.int16), np.empty(lanes, np.int16)
    missed = learned = 0

    for m in range(images.size):
        n = images[m]
        label = labels[n]
        # (1) move the image, (2) forward: firing times of both layers
        mine = slice(start[n], start[n + 1])
        k = _move(who[mine], when[mine], moves[move[m]], in_who, in_when)
        w, t = in_who[:k], in_when[:k]
        _one_image(w, t, 0, signs, limit, t_max, t_max, v, spikes, potential)
        k = _sort_by_time(spikes[:n_hidden], t_max, hidden_who, hidden_when)
        hidden_w, hidden_t = hidden_who[:k], hidden_when[:k]
        _one_image(hidden_w, hidden_t, 0, out_signs, out_limit, t_max, t_max, out_v, out_spikes,
                   out_potential)  # fmt: skip
        first = t_max
        for o in range(n_out):
            first = min(first, out_spikes[o])
        if first == t_max:
            _potential_at(hidden_w, hidden_t, out_signs, t_max - 3, out_v)
        _judge(out_spikes[:n_out], out_potential, out_v, out_theta, 1.0, True, label, t_max, m,
               correct, published, tied, silent, decision_time)  # fmt: skip

        # (3) the moment of decision, and the output potentials just before it
        moment = t_max if at_end[m] else first
        _potential_at(hidden_w, hidden_t, out_signs, moment - 1, out_v)
        missed += moment == t_max and out_v[label] <= out_theta[label]

        # (4) cross-entropy: the error of every output, in whole parts
        if _error(out_v, out_theta, label, table, share, error) < skip * ERROR_STEPS:
            continue
        learned += 1

        # (5) back through the signs, to hidden neurons that were near their threshold
        back[:] = 0
        for o in range(n_out):
            if error[o] != 0:
                _add_times(out_rows[o], error[o], back)
        _keep_near(back, v, potential, limit, width, near)

        # (6) slopes: along a sign, if its input fired in time to matter
        for h in range(lanes):
            heard[h] = spikes[h] < moment
            end[h] = min(spikes[h], moment - 1)
            threshold_sum[h] -= near[h]
        for o in range(n_out):
            if error[o] != 0:
                _add_times(heard, error[o], output_sum[o])
        for p in range(w.size):
            if t[p] >= moment - 1:
                break
            _add_where_in_time(hidden_sum[w[p]], near, end, t[p])
    return missed, learned


def gradients(
    prepared: Spikes, labels: IntArray, batch: Batch, net: BinaryLayers,
    rule: "DecisionPotential", *, t_max: int,
) -> Gradients:  # fmt: skip
    """Slopes of the loss, summed over the images of a batch; nothing is changed.

    Parameters
    ----------
    prepared : Spikes
        Of all images, as :func:`minibs4nn.kernels.cpu.prepare` returns them.
    labels : int64 array, shape (n,)
    batch : Batch
    net : BinaryLayers
    rule : DecisionPotential
    t_max : int, time steps

    Returns
    -------
    Gradients
    """
    n_hidden, n_in = net.signs[0].shape
    n_out = len(net.signs[1])
    # Potentials and thresholds are at most n_in each; their distance must fit as well.
    dtype = np.int16 if 4 * max(n_in, n_hidden) < np.iinfo(np.int16).max else np.int32
    signs, out_signs = _padded(net.signs[0].T, np.int8), _padded(net.signs[1].T, np.int8)
    limit, out_limit = (_limits(theta, dtype) for theta in net.thresholds)
    lanes = len(limit)
    hidden_sum = np.zeros((n_in, lanes), np.int16)
    output_sum, threshold_sum = np.zeros((n_out, lanes), np.int32), np.zeros(lanes, np.int32)
    outcomes = Outcomes.of(len(batch.images))
    missed, learned = _gradients(
        prepared.start, prepared.who, prepared.when, labels, batch.images, batch.at_end, batch.move,
        batch.moves, signs, out_signs, _padded(net.signs[1], np.int32), limit, out_limit,
        net.thresholds[1].astype(np.float64), exponentials(rule.temperature, n_hidden),
        rule.width, rule.skip, t_max, hidden_sum, output_sum, threshold_sum,
        outcomes.correct, outcomes.published, outcomes.tied, outcomes.silent,
        outcomes.decision_time,
    )  # fmt: skip
    return Gradients(
        hidden_sum[:, :n_hidden].T, output_sum[:, :n_hidden], threshold_sum[:n_hidden],
        missed, learned, outcomes,
    )  # fmt: skip


@_jit
def _add_moments(first: Floats, second: Floats, gradient: Floats) -> None:
    one = np.float32
    for i in range(gradient.size):
        g = gradient[i]
        first[i] = one(0.9) * first[i] + one(0.1) * g
        second[i] = one(0.999) * second[i] + one(0.001) * g * g


@_jit
def _move_weights(latent: Floats, first: Floats, second: Floats, rate: np.float32) -> None:
    one = np.float32
    for i in range(latent.size):
        latent[i] -= rate * first[i] / (np.sqrt(second[i]) + one(1e-8))


@_jit
def _clip(latent: Floats) -> None:
    one = np.float32
    for i in range(latent.size):
        latent[i] = max(min(latent[i], one(1)), one(-1))


@_jit
def _adam(
    latent: Floats, first: Floats, second: Floats, gradient: Floats, rate: np.float32
) -> None:
    for start in range(0, latent.size, PIECE):
        piece = slice(start, start + PIECE)
        _add_moments(first[piece], second[piece], gradient[piece])
        _move_weights(latent[piece], first[piece], second[piece], rate)
        _clip(latent[piece])


def adam(latent: Floats, first: Floats, second: Floats, gradient: Floats, *, rate: float) -> None:
    """One step of Adam, in place; the latent weights stay within -1..1.

    Parameters
    ----------
    latent, first, second, gradient : float32 arrays of one shape, C-contiguous
        As for :func:`minibs4nn.kernels.reference_decision.adam`.
    rate : float
    """
    _adam(
        latent.reshape(-1), first.reshape(-1), second.reshape(-1), gradient.reshape(-1),
        np.float32(rate),
    )  # fmt: skip


def _padded(array: AnyArray, dtype: npt.DTypeLike) -> AnyArray:
    """A copy with its rows rounded up to whole turns of the inner loops, filled with zeros."""
    rows, n = array.shape
    padded = np.zeros((rows, -(-n // LANES) * LANES), dtype)
    padded[:, :n] = array
    return padded


def _limits(threshold: IntArray, dtype: npt.DTypeLike) -> AnyArray:
    """Thresholds in the dtype of the potential; the neurons that only pad never fire."""
    limit = np.full(-(-threshold.size // LANES) * LANES, np.iinfo(dtype).max, dtype)
    limit[: threshold.size] = threshold
    return limit
