"""The same computation, compiled by Numba for one core of a CPU.

Read ``reference.py`` first; the numbered steps are the same. What makes this fast:

- only spikes cost anything: an image is sorted by time once, and silent inputs are never visited;
- what one spike adds to all neurons lies side by side in memory, so that the processor adds 16 or
  32 neurons in one instruction: signs are int8, sums of signs int16;
- an image on which the label alone fires first has no error, and is not learned from;
- nothing is allocated per image.

Sums of real numbers are added in the order of the reference, so both give the same bits.
"""

from typing import TYPE_CHECKING, TypeAlias, TypeVar

import numba
import numpy as np
import numpy.typing as npt

from minibs4nn._checks import AnyArray, FloatArray, IntArray, SpikeTimes
from minibs4nn.kernels import OnlineReport, Parameters
from minibs4nn.kernels.reference import SMALLEST_SHRINK, scale_message

if TYPE_CHECKING:
    from minibs4nn.rules import RelativeTarget

__all__ = ["layer_spike_times", "train_online"]

Array = TypeVar("Array")
Each: TypeAlias = tuple[Array, ...]  # one array per layer after the input

_jit = numba.njit(cache=True, nogil=True, boundscheck=False)


@_jit
def _sort_by_time(arrival: SpikeTimes, t_max: int, order: IntArray, starts: IntArray) -> int:
    """Put the indices of the inputs that fire into ``order``, by time; return how many they are.

    A counting sort: inputs that fire at the same time keep the order of their indices.
    """
    starts[:] = 0
    for t in arrival:
        starts[t + 1] += 1
    for t in range(t_max):
        starts[t + 1] += starts[t]
    n_spikes = int(starts[t_max])
    for i in range(arrival.size):
        t = arrival[i]
        if t < t_max:
            order[starts[t]] = i
            starts[t] += 1
    return n_spikes


@_jit
def _one_image(
    arrival: SpikeTimes, order: IntArray, n_spikes: int, weights: AnyArray, threshold: AnyArray,
    t_max: int,
    v: AnyArray, spike_times: SpikeTimes, potential: AnyArray,
) -> None:  # fmt: skip
    """One layer, one image; weights are (n_in, n_out), one row per input."""
    n_out = v.size
    silent = np.int16(t_max)
    v[:] = 0
    potential[:] = 0
    spike_times[:] = silent
    p = 0
    t = 0
    while True:
        while p < n_spikes and arrival[order[p]] == t:  # (1) integrate: each spike adds its weight
            row = weights[order[p]]
            for j in range(n_out):
                v[j] += row[j]
            p += 1
        stamp = np.int16(t + 1)
        for j in range(n_out):
            # Written with min, and each array read once: so the compiler makes it branch-free.
            so_far, now = spike_times[j], v[j]
            potential[j] = now if so_far == silent else potential[j]
            # (2) compare  (3) at most one spike: the earliest  (4) one step later
            spike_times[j] = min(so_far, stamp if now > threshold[j] else silent)
        if p == n_spikes:
            break
        t = arrival[order[p]]


@_jit
def _batch(times: SpikeTimes, weights: AnyArray, threshold: AnyArray, t_max: int, v: AnyArray,
           one: AnyArray, spike_times: SpikeTimes, potential: AnyArray) -> None:  # fmt: skip
    """One layer, many images; ``v`` and ``one`` are working space of the potential's dtype."""
    order = np.empty(times.shape[1], np.int64)
    starts = np.empty(t_max + 2, np.int64)
    for n in range(times.shape[0]):
        n_spikes = _sort_by_time(times[n], t_max, order, starts)
        _one_image(times[n], order, n_spikes, weights, threshold, t_max, v, spike_times[n], one)
        potential[n] = one


@_jit
def _add_up_to(
    arrival: SpikeTimes, order: IntArray, n_spikes: int, weights: AnyArray, t_last: int,
    out: AnyArray,
) -> None:  # fmt: skip
    """Potential at the end of step ``t_last``."""
    out[:] = 0
    for p in range(n_spikes):
        if arrival[order[p]] <= t_last:
            for j in range(out.size):
                out[j] += weights[order[p], j]


@_jit
def _relative_targets_error(
    times: SpikeTimes, label: int, gamma: int, teach: bool, t_max: int, delta: FloatArray
) -> bool:
    """Fill ``delta`` with the time error of one image; return whether there is any."""
    first = int(times.min())
    wrong = False
    for j in range(times.size):
        target = int(times[j])
        if first == t_max:
            target = t_max - gamma if teach and j == label else t_max
        elif j == label:
            target = first
        elif times[j] - first < gamma:
            target = min(first + gamma, t_max)
        delta[j] = (target - times[j]) / t_max
        wrong |= delta[j] != 0
    return wrong


@_jit
def _normalise(delta: FloatArray) -> None:
    total = 0.0
    for d in delta:
        total += d * d
    length = np.sqrt(total)
    if length > 0:
        for j in range(delta.size):
            delta[j] /= length


@_jit
def _update(
    latent: FloatArray, signs: AnyArray | None, delta: FloatArray, rate: float,
    arrival: SpikeTimes, order: IntArray, n_spikes: int, spike_times: SpikeTimes,
    step: FloatArray, end: FloatArray,
) -> int:  # fmt: skip
    """``w_ji -= eta * delta_j * [t_i < t_j]``, and the signs anew; return how many flipped."""
    n_out = delta.size
    last = 0.0
    for j in range(n_out):
        step[j] = rate * delta[j]
        end[j] = spike_times[j]  # as float64, so that one instruction compares as many as it adds
        last = max(last, end[j] if step[j] != 0 else 0.0)
    flips = 0
    for p in range(n_spikes):
        i = order[p]
        t = float(arrival[i])
        if t >= last:  # nobody who learns has heard this spike, or a later one
            break
        row = latent[i]
        crossed = 0
        for j in range(n_out):
            old = row[j]
            new = old - (step[j] if t < end[j] else 0.0)
            row[j] = new
            crossed += (old < 0) != (new < 0)
        if signs is not None and crossed > 0:
            flips += crossed
            for j in range(n_out):
                signs[i, j] = -1 if row[j] < 0 else 1
    return flips


@_jit
def _backpropagate(
    delta: FloatArray, latent: FloatArray, arrival: SpikeTimes, spike_times: SpikeTimes,
    delta_in: FloatArray,
) -> None:  # fmt: skip
    """``delta_h = sum over k of delta_k * w_kh * [t_h < t_k]``; latent is (n_in, n_out)."""
    for h in range(arrival.size):
        total = 0.0
        for k in range(delta.size):
            total += delta[k] * latent[h, k] if arrival[h] < spike_times[k] else 0.0
        delta_in[h] = total


@_jit
def _train(
    times: SpikeTimes, labels: IntArray, images: IntArray,
    latent: Each[FloatArray], signs: Each[AnyArray] | None, thresholds: Each[FloatArray],
    scale: FloatArray, rate: float, gamma: int, keep: float, scale_rate: float, teach: bool,
    t_max: int, limits: Each[AnyArray], v: Each[AnyArray], potential: Each[AnyArray],
    spikes: Each[SpikeTimes], delta: Each[FloatArray], order: Each[IntArray],
    out_times: SpikeTimes, out_potential: FloatArray, late_potential: FloatArray,
    fired: Each[IntArray], flipped: IntArray,
) -> int:  # fmt: skip
    """The loop over the images. Returns how many had an error, or -1 - layer for a bad scale."""
    depth = len(latent)
    n_spikes = np.zeros(depth, np.int64)
    starts = np.empty(t_max + 2, np.int64)
    updates = 0
    shrink = 1.0
    for layer in range(depth):
        _limit(thresholds[layer], shrink if signs is None else scale[layer], latent[layer].shape[0],
               signs is not None, limits[layer])  # fmt: skip

    for m in range(images.size):
        n = images[m]
        # (1) forward: firing times of every layer
        for layer in range(depth):
            heard = times[n] if layer == 0 else spikes[layer - 1]
            n_spikes[layer] = _sort_by_time(heard, t_max, order[layer], starts)
            if signs is None:
                _one_image(heard, order[layer], n_spikes[layer], latent[layer], limits[layer],
                           t_max, v[layer], spikes[layer], potential[layer])  # fmt: skip
            else:
                _one_image(heard, order[layer], n_spikes[layer], signs[layer], limits[layer],
                           t_max, v[layer], spikes[layer], potential[layer])  # fmt: skip
            for j in range(spikes[layer].size):
                fired[layer][j] += spikes[layer][j] < t_max
        last = depth - 1
        unit = shrink if signs is None else 1.0
        out_times[m] = spikes[last]
        for j in range(spikes[last].size):
            out_potential[m, j] = potential[last][j] * unit
        if spikes[last].min() == t_max:
            heard = times[n] if last == 0 else spikes[last - 1]
            if signs is None:
                _add_up_to(heard, order[last], n_spikes[last], latent[last], t_max - 3, v[last])
            else:
                _add_up_to(heard, order[last], n_spikes[last], signs[last], t_max - 3, v[last])
            for j in range(spikes[last].size):
                late_potential[m, j] = v[last][j] * unit

        # (2) targets and error of the output layer
        if _relative_targets_error(spikes[last], labels[n], gamma, teach, t_max, delta[last]):
            updates += 1
            for layer in range(depth - 1, -1, -1):
                heard = times[n] if layer == 0 else spikes[layer - 1]
                # (3) normalise, (4) update this layer, (5) pass the deltas through it
                _normalise(delta[layer])
                flipped[layer] += _update(
                    latent[layer], None if signs is None else signs[layer], delta[layer],
                    rate / shrink, heard, order[layer], n_spikes[layer], spikes[layer],
                    delta[depth + layer], delta[2 * depth + layer],
                )  # fmt: skip
                if signs is not None:
                    total = 0.0
                    for j in range(delta[layer].size):
                        total += delta[layer][j] * potential[layer][j]
                    scale[layer] -= scale_rate * (total / (delta[layer].size * heard.size))
                    if not scale[layer] > 0:
                        return -1 - layer
                    _limit(thresholds[layer], scale[layer], heard.size, True, limits[layer])
                if layer > 0:
                    _backpropagate(
                        delta[layer], latent[layer], heard, spikes[layer], delta[layer - 1]
                    )

        # (6) weight decay
        if keep != 1.0:
            shrink *= keep
            if shrink < SMALLEST_SHRINK or m == images.size - 1:
                for layer in range(depth):
                    for i in range(latent[layer].shape[0]):
                        for j in range(latent[layer].shape[1]):
                            latent[layer][i, j] *= shrink
                shrink = 1.0
            for layer in range(depth):
                _limit(thresholds[layer], shrink if signs is None else scale[layer],
                       latent[layer].shape[0], signs is not None, limits[layer])  # fmt: skip
    return updates


@_jit
def _limit(threshold: AnyArray, divisor: float, n_in: int, whole: bool, out: AnyArray) -> None:
    """Thresholds in the unit of the potential; for sums of signs they are whole numbers.

    A sum of ``n_in`` signs lies in -n_in..n_in, so a limit beyond that range can be moved to its
    end, or one below it, without changing any comparison; then it fits the dtype of the sums.
    """
    for j in range(threshold.size):
        limit = threshold[j] / divisor
        if whole:
            limit = min(max(np.floor(limit), -n_in - 1.0), n_in)
        out[j] = limit


def _potential_dtype(weights: AnyArray) -> type[np.int16] | type[np.int32] | type[np.float64]:
    """Smallest dtype that holds every sum over the inputs: signs are +1 and -1."""
    if weights.dtype != np.int8:
        return np.float64
    return np.int16 if weights.shape[1] < np.iinfo(np.int16).max else np.int32


def layer_spike_times(
    times: SpikeTimes, weights: AnyArray, threshold: FloatArray, *, t_max: int
) -> tuple[SpikeTimes, AnyArray]:
    """As :func:`minibs4nn.layer_spike_times`, for arguments that are known to be good.

    Parameters
    ----------
    times : int16 array, shape (n, n_in)
    weights : int8 array of +1 and -1, or float64 array, shape (n_out, n_in)
    threshold : float64 array, shape (n_out,)
    t_max : int, time steps

    Returns
    -------
    spike_times : int16 array, shape (n, n_out)
    potential : array, shape (n, n_out); int32 for signs, else float64
    """
    n_out, n_in = weights.shape
    dtype = _potential_dtype(weights)
    whole = weights.dtype == np.int8
    limit, v, one = (np.empty(n_out, dtype) for _ in range(3))
    _limit(threshold, 1.0, n_in, whole, limit)
    spike_times = np.empty((len(times), n_out), np.int16)
    potential = np.empty((len(times), n_out), np.int32 if whole else np.float64)
    # No copies here for column-major weights and for times as the library makes them.
    columns = np.ascontiguousarray(weights.T)
    _batch(_plain(times), columns, limit, t_max, v, one, spike_times, potential)
    return spike_times, potential


def train_online(
    times: SpikeTimes,
    labels: IntArray,
    order: IntArray,
    parameters: Parameters,
    rule: "RelativeTarget",
    *,
    t_max: int,
) -> OnlineReport:
    """Learn from the images ``order``, one at a time; ``parameters`` are changed in place.

    Parameters
    ----------
    times : int16 array, shape (n, n_in)
    labels : int64 array, shape (n,)
    order : int64 array, shape (m,)
        Which images, in which order; an image may come more than once.
    parameters : Parameters
    rule : RelativeTarget
    t_max : int, time steps

    Returns
    -------
    OnlineReport

    Raises
    ------
    ArithmeticError
        If a scale falls to zero or below.
    """
    p = parameters
    sizes = [len(w) for w in p.latent]
    n_in = [w.shape[1] for w in p.latent]
    dtypes = [_potential_dtype(w) for w in p.weights]
    dtype = np.result_type(*dtypes)  # one for all layers: a Numba tuple has one type
    m, n_classes = len(order), sizes[-1]

    def one_each(dtype: npt.DTypeLike, lengths: list[int]) -> tuple[AnyArray, ...]:
        return tuple(np.zeros(length, dtype) for length in lengths)

    spike_times = np.empty((m, n_classes), np.int16)
    potential, late_potential = np.empty((m, n_classes)), np.zeros((m, n_classes))
    fired, flipped = one_each(np.int64, sizes), np.zeros(len(sizes), np.int64)
    updates = _train(
        _plain(times), labels, order,
        tuple(w.T for w in p.latent),
        None if p.signs is None else tuple(s.T for s in p.signs),
        tuple(p.thresholds), p.scale,
        rule.learning_rate, rule.gamma, 1.0 - rule.learning_rate * rule.weight_decay,
        rule.scale_learning_rate, rule.all_silent == "teach", t_max,
        one_each(dtype, sizes), one_each(dtype, sizes), one_each(dtype, sizes),
        one_each(np.int16, sizes), one_each(np.float64, 3 * sizes), one_each(np.int64, n_in),
        spike_times, potential, late_potential, fired, flipped,
    )  # fmt: skip
    if updates < 0:
        raise ArithmeticError(scale_message(-1 - updates, p.scale))
    return OnlineReport(spike_times, potential, late_potential, list(fired), flipped, updates)


def _plain(times: SpikeTimes) -> SpikeTimes:
    """Contiguous and writable, since Numba compiles anew for every other layout."""
    return np.require(times, requirements=["C", "W"])
