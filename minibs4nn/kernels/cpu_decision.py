"""The same computation, compiled by Numba for one core of a CPU.

Read ``reference_decision.py`` first; the numbered steps are the same. As in ``cpu.py``, only spikes
cost anything, and what one spike changes lies side by side. Every inner loop is a function of its
own, over a few arrays of as few widths as possible: so it becomes vector instructions.
"""

from typing import TYPE_CHECKING, Any

import numba
import numpy as np
import numpy.typing as npt

from minibs4nn._checks import AnyArray, BoolArray, FloatArray, IntArray, SpikeTimes
from minibs4nn.evaluation import Outcomes
from minibs4nn.kernels.cpu import LANES, Spikes, _judge, _one_image, _sort_by_time
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

STEP = ERROR_STEPS // HIDDEN_STEPS
PIECE = 4_096  # weights that Adam takes at a time, so that they stay in the cache between loops

# Divisions as NumPy does them, without a check for zero: only so are they vectorised.
_jit = numba.njit(cache=True, nogil=True, boundscheck=False, error_model="numpy")


@_jit
def _see(who: AnyArray, when: SpikeTimes, view: AnyArray, times: SpikeTimes, t_max: int) -> None:
    """Spike times of all inputs, each with what it sees in this view."""
    plain = np.full(view.size + 1, t_max, np.int16)  # the last for -1: black
    for p in range(who.size):
        plain[who[p]] = when[p]
    for i in range(view.size):
        times[i] = plain[view[i]]


@_jit
def _add(row: AnyArray, out: AnyArray) -> None:
    for j in range(out.size):
        out[j] += row[j]


@_jit
def _potential_before(
    who: AnyArray, when: SpikeTimes, weights: AnyArray, moment: int, out: AnyArray
) -> None:
    """Potential of every neuron just before a moment: what was heard until then."""
    out[:] = 0
    for p in range(who.size):
        if when[p] >= moment:
            break
        _add(weights[who[p]], out)


@_jit
def _logistic(x: float, table: FloatArray) -> float:
    """``1 / (1 + exp(-x))``, from the table."""
    small: float = table[int(min(np.rint(abs(x) * TABLE_STEPS), table.size - 1.0))]
    return (small if x < 0 else 1.0) / (1.0 + small)


@_jit
def _error(
    potential: AnyArray, threshold: FloatArray, label: int, temperature: float, push: float,
    reward: int, is_end: bool, table: FloatArray, share: FloatArray, error: AnyArray,
) -> int:  # fmt: skip
    """Fill in the errors of the outputs, in whole parts; return the largest."""
    most = potential[0] - threshold[0]
    for o in range(error.size):
        most = max(most, potential[o] - threshold[o])
    total = 0.0
    for o in range(error.size):
        distance = (most - (potential[o] - threshold[o])) * (TABLE_STEPS / temperature)
        share[o] = table[int(min(np.rint(distance), table.size - 1.0))]
        total += share[o]
    largest = 0
    for o in range(error.size):
        error[o] = int(np.rint(share[o] / total * ERROR_STEPS))
        if o == label:
            error[o] -= ERROR_STEPS + reward
        if push > 0:
            # Where an output should be: the label's above its threshold in the end, others below.
            margin = (potential[o] - threshold[o]) / temperature
            short = PUSH_MARGIN - margin if o == label else PUSH_MARGIN + margin
            strength = PUSH_OTHERS
            if o == label:
                strength = -1.0 if is_end else 0.0
            error[o] += int(np.rint(push * ERROR_STEPS * strength * _logistic(short, table)))
        largest = max(largest, abs(error[o]))
    return largest


@_jit
def _add_times(row: AnyArray, factor: int, out: AnyArray) -> None:
    """``out += factor * row``, all of one type."""
    f = out.dtype.type(factor)
    for h in range(out.size):
        out[h] += f * row[h]


@_jit
def _keep_near(
    back: AnyArray, final: AnyArray, potential: AnyArray, limit: AnyArray, width: int,
    largest: int, near: AnyArray,
) -> None:  # fmt: skip
    """Errors of the hidden neurons, in their own parts; 0 for those far from their threshold."""
    for h in range(near.size):
        distance = max(final[h], potential[h]) - limit[h]
        part = min(max((back[h] + STEP // 2) // STEP, -largest), largest)
        near[h] = part if -width < distance < width else 0


@_jit
def _add_where_in_time(row: AnyArray, back: AnyArray, end: SpikeTimes, t: int) -> None:
    """Add the errors of the neurons for which an input at ``t`` came in time."""
    stamp, nothing = np.int16(t), row.dtype.type(0)
    for h in range(row.size):
        row[h] += back[h] if stamp < end[h] else nothing


@_jit
def _gradients(
    start: IntArray, who: AnyArray, when: SpikeTimes, labels: IntArray, images: IntArray,
    at_end: BoolArray, dropped: BoolArray, view: IntArray, views: AnyArray, weights: AnyArray,
    out_weights: AnyArray, out_rows: AnyArray, limit: AnyArray, out_limit: AnyArray,
    out_theta: FloatArray, whole: bool, temperature: float, push: float, early: float,
    table: FloatArray, width: int, skip: float, t_max: int, hidden_sum: AnyArray,
    output_sum: AnyArray, hidden_theta_sum: AnyArray, out_theta_sum: AnyArray, correct: BoolArray,
    published: BoolArray, tied: BoolArray, silent: BoolArray, decision_time: SpikeTimes,
) -> tuple[int, int]:  # fmt: skip
    n_in, lanes = weights.shape
    n_hidden, out_lanes = out_weights.shape
    n_out = out_theta.size
    v, potential = np.empty_like(limit), np.empty_like(limit)
    out_v, out_potential = np.empty_like(out_limit), np.empty_like(out_limit)
    spikes, out_spikes = np.empty(lanes, np.int16), np.empty(out_lanes, np.int16)
    times = np.empty(n_in, np.int16)
    in_who, in_when = np.empty(n_in, np.int32), np.empty(n_in, np.int16)
    hidden_who, hidden_when = np.empty(n_hidden, np.int32), np.empty(n_hidden, np.int16)
    place = np.empty(2 * t_max + 2, np.int32)
    share, error = np.empty(n_out, np.float64), np.empty(n_out, np.int32)
    back, heard = np.empty(lanes, out_rows.dtype), np.empty(lanes, np.int32)
    near, end = np.empty(lanes, hidden_sum.dtype), np.empty(lanes, np.int16)
    largest_hidden = LARGEST_HIDDEN if whole else 2**30
    missed = learned = 0

    for m in range(images.size):
        n = images[m]
        label = labels[n]
        # (1) the image as it is seen, (2) forward: firing times of both layers
        mine = slice(start[n], start[n + 1])
        _see(who[mine], when[mine], views[view[m]], times, t_max)
        k = _sort_by_time(times, t_max, in_who, in_when, place)
        w, t = in_who[:k], in_when[:k]
        _one_image(w, t, weights, limit, t_max, v, spikes, potential)
        for h in range(dropped.shape[1]):
            if dropped[m, h]:
                spikes[h] = t_max
        k = _sort_by_time(spikes[:n_hidden], t_max, hidden_who, hidden_when, place)
        hidden_w, hidden_t = hidden_who[:k], hidden_when[:k]
        _one_image(
            hidden_w, hidden_t, out_weights, out_limit, t_max, out_v, out_spikes, out_potential
        )
        first = t_max
        for o in range(n_out):
            first = min(first, out_spikes[o])
        if first == t_max:
            _potential_before(hidden_w, hidden_t, out_weights, t_max - 2, out_v)
        _judge(out_spikes[:n_out], out_potential, out_v, out_theta, 1.0, whole, label, t_max, m,
               correct, published, tied, silent, decision_time)  # fmt: skip

        # (3) the moment of decision, and the output potentials just before it
        moment = t_max if at_end[m] else first
        _potential_before(hidden_w, hidden_t, out_weights, moment, out_v)
        missed += moment == t_max and out_v[label] <= out_theta[label]

        # (4) cross-entropy: the error of every output, in whole parts
        reward = 0 if at_end[m] else int(np.rint(early * ERROR_STEPS * moment / t_max))
        largest = _error(out_v, out_theta, label, temperature, push, reward, moment == t_max, table,
                         share, error)  # fmt: skip
        if largest < skip * ERROR_STEPS:
            continue
        learned += 1

        # (5) back through the weights, to hidden neurons that were near their threshold
        back[:] = 0
        for o in range(n_out):
            if error[o] != 0:
                _add_times(out_rows[o], error[o], back)
        _keep_near(back, v, potential, limit, width, largest_hidden, near)
        for h in range(dropped.shape[1]):
            if dropped[m, h]:
                near[h] = 0

        # (6) slopes: along a weight, if its input fired in time to matter
        for h in range(lanes):
            heard[h] = spikes[h] < moment
            end[h] = min(spikes[h], moment - 1)
            hidden_theta_sum[h] -= near[h]
        for o in range(n_out):
            out_theta_sum[o] -= error[o]
            if error[o] != 0:
                _add_times(heard, error[o], output_sum[o])
        for p in range(w.size):
            if t[p] >= moment - 1:
                break
            _add_where_in_time(hidden_sum[w[p]], near, end, t[p])
    return missed, learned


def gradients(
    prepared: Spikes, labels: IntArray, batch: Batch, net: TwoLayers,
    rule: "DecisionPotential", *, t_max: int,
) -> Gradients:  # fmt: skip
    """Slopes of the loss, summed over the images of a batch; nothing is changed.

    Parameters
    ----------
    prepared : Spikes
        Of all images, as :func:`minibs4nn.kernels.cpu.prepare` returns them.
    labels : int64 array, shape (n,)
    batch : Batch
    net : TwoLayers
    rule : DecisionPotential
    t_max : int, time steps

    Returns
    -------
    Gradients
    """
    n_hidden, n_in = net.weights[0].shape
    n_out = len(net.weights[1])
    whole = net.weights[0].dtype == np.int8
    # Of potentials, of errors of the hidden neurons, and of sums on the way to these.
    number, narrow, wide = (np.dtype(name) for name in ("float64", "int32", "float64"))
    if whole:
        # Sums of signs and thresholds are at most n_in each; their distance must fit as well.
        small = 4 * max(n_in, n_hidden) < np.iinfo(np.int16).max
        number, narrow, wide = (
            np.dtype(name) for name in ("int16" if small else "int32", "int16", "int32")
        )
    weights, out_weights = (_padded(w.T, w.dtype) for w in net.weights)
    limit, out_limit = (_limits(theta, number) for theta in net.thresholds)
    lanes = len(limit)
    hidden_sum, output_sum = np.zeros((n_in, lanes), narrow), np.zeros((n_out, lanes), np.int32)
    hidden_theta_sum, out_theta_sum = np.zeros(lanes, np.int32), np.zeros(n_out, np.int32)
    outcomes = Outcomes.of(len(batch.images))
    missed, learned = _gradients(
        prepared.start, prepared.who, prepared.when, labels, batch.images, batch.at_end,
        batch.dropped, batch.view, batch.views, weights, out_weights,
        _padded(net.weights[1], wide), limit, out_limit, net.thresholds[1], whole,
        rule.temperature, rule.push, rule.early, exponentials(), rule.width, rule.skip, t_max,
        hidden_sum, output_sum, hidden_theta_sum, out_theta_sum, outcomes.correct,
        outcomes.published, outcomes.tied, outcomes.silent, outcomes.decision_time,
    )  # fmt: skip
    return Gradients(
        hidden_sum[:, :n_hidden].T, output_sum[:, :n_hidden], hidden_theta_sum[:n_hidden],
        out_theta_sum, missed, learned, outcomes,
    )  # fmt: skip


@_jit
def _slopes(gradient: AnyArray, unit: float, slope: AnyArray) -> None:
    u = slope.dtype.type(unit)
    for i in range(gradient.size):
        slope[i] = gradient[i] * u


@_jit
def _add_moments(first: AnyArray, second: AnyArray, slope: AnyArray) -> None:
    number = slope.dtype.type
    for i in range(slope.size):
        g = slope[i]
        m = number(0.9) * first[i] + number(0.1) * g
        first[i] = number(0) if abs(m) < number(SMALLEST_MOMENT) else m
        second[i] = number(0.999) * second[i] + number(0.001) * g * g


@_jit
def _move_weights(weights: AnyArray, first: AnyArray, second: AnyArray, rate: float) -> None:
    number = weights.dtype.type
    r = number(rate)
    for i in range(weights.size):
        weights[i] -= r * first[i] / (np.sqrt(second[i]) + number(1e-8))


@_jit
def _clip(weights: AnyArray) -> None:
    number = weights.dtype.type
    for i in range(weights.size):
        weights[i] = max(min(weights[i], number(1)), number(-1))


@_jit
def _sign(weights: AnyArray, signs: AnyArray) -> int:
    flipped = 0
    for i in range(weights.size):
        new = np.int8(-1) if weights[i] < 0 else np.int8(1)
        flipped += new != signs[i]
        signs[i] = new
    return flipped


@_jit
def _adam(
    weights: AnyArray, signs: AnyArray | None, first: AnyArray, second: AnyArray,
    gradient: AnyArray, unit: float, rate: float,
) -> int:  # fmt: skip
    slope = np.empty(PIECE, weights.dtype)
    flipped = 0
    for start in range(0, weights.size, PIECE):
        piece = slice(start, start + PIECE)
        g = slope[: weights[piece].size]
        _slopes(gradient[piece], unit, g)
        _add_moments(first[piece], second[piece], g)
        _move_weights(weights[piece], first[piece], second[piece], rate)
        if signs is not None:
            _clip(weights[piece])
            flipped += _sign(weights[piece], signs[piece])
    return flipped


def adam(
    weights: AnyArray, signs: AnyArray | None, first: AnyArray, second: AnyArray,
    gradient: AnyArray, *, unit: float, rate: float,
) -> int:  # fmt: skip
    """One step of Adam, in place; return how many signs flipped.

    Parameters
    ----------
    weights, signs, first, second, gradient : arrays of one shape, C-contiguous
        As for :func:`minibs4nn.kernels.reference_decision.adam`.
    unit, rate : float

    Returns
    -------
    int
    """
    flat = None if signs is None else signs.reshape(-1)
    flipped = _adam(
        weights.reshape(-1), flat, first.reshape(-1), second.reshape(-1),
        np.ascontiguousarray(gradient).reshape(-1), unit, rate,
    )  # fmt: skip
    return int(flipped)


def _padded(array: AnyArray, dtype: npt.DTypeLike) -> AnyArray:
    """A copy with its rows rounded up to whole turns of the inner loops, filled with zeros."""
    rows, n = array.shape
    padded = np.zeros((rows, -(-n // LANES) * LANES), dtype)
    padded[:, :n] = array
    return padded


def _limits(threshold: FloatArray, dtype: "np.dtype[Any]") -> AnyArray:
    """Thresholds in the dtype of the potential; the neurons that only pad never fire."""
    never = np.iinfo(dtype).max if dtype.kind == "i" else np.inf
    limit = np.full(-(-threshold.size // LANES) * LANES, never, dtype)
    limit[: threshold.size] = threshold
    return limit
