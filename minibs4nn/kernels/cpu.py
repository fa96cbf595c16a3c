"""The same computation, compiled by Numba for one core of a CPU.

Read ``reference.py`` first; the numbered steps are the same. What makes this fast:

- only spikes cost anything: the spikes of every image are sorted by time, once per training, and
  silent inputs are never visited;
- what one spike adds to all neurons lies side by side in memory, so that the processor adds 16 or
  32 neurons in one instruction: signs are int8, sums of signs int16;
- an image on which the label alone fires first has no error and teaches nothing. Most decisions
  fall early; so the first part of the window is looked at first, and the rest only if need be;
- nothing is allocated per image.

Sums of real numbers are added in the order of the reference, so both give the same bits.
"""

from typing import TYPE_CHECKING, NamedTuple, TypeAlias, TypeVar

import numba
import numpy as np
import numpy.typing as npt

from minibs4nn._checks import AnyArray, BoolArray, FloatArray, IntArray, SpikeTimes
from minibs4nn.evaluation import Outcomes
from minibs4nn.kernels import OnlineReport, Parameters
from minibs4nn.kernels.cpu_minibatch import train_minibatches
from minibs4nn.kernels.reference import SMALLEST_SHRINK, scale_message

if TYPE_CHECKING:
    from minibs4nn.rules import RelativeTarget

__all__ = ["Spikes", "layer_spike_times", "prepare", "train_minibatches", "train_online"]

Array = TypeVar("Array")
Each: TypeAlias = tuple[Array, ...]  # one array per layer after the input

LANES = 64  # neurons that the compiled inner loop takes in one turn

_jit = numba.njit(cache=True, nogil=True, boundscheck=False)


class Spikes(NamedTuple):
    """The spikes of all images, sorted by time: those of image n are [start[n]:start[n + 1]].

    Attributes
    ----------
    start : int64 array, shape (n + 1,)
    who : int32 array, shape (n_spikes,)
        Which input fires. Of those that fire together, the lower index comes first.
    when : int16 array, shape (n_spikes,), time steps
    """

    start: IntArray
    who: npt.NDArray[np.int32]
    when: SpikeTimes


@_jit
def _sort_by_time(times: SpikeTimes, t_max: int, who: AnyArray, when: SpikeTimes) -> int:
    """List the inputs that fire, by time, and return how many they are: a counting sort.

    Many neurons fire together, and to raise one counter twice in a row the processor has to wait.
    So the first and the second half of the inputs are counted apart, and in turns.
    """
    half = times.size // 2
    place = np.zeros(2 * t_max + 2, np.int32)  # two counters per time step
    for i in range(half):
        place[np.uint64(2 * times[i])] += 1  # unsigned: no check for negative indices
        place[np.uint64(2 * times[half + i] + 1)] += 1
    if times.size % 2:
        place[np.uint64(2 * times[-1] + 1)] += 1
    n_spikes = np.int32(0)
    for t in range(2 * t_max):
        count = place[t]
        place[t] = n_spikes
        n_spikes += count
    for i in range(half):
        t = times[i]
        if t < t_max:
            k = place[np.uint64(2 * t)]
            who[np.uint64(k)], when[np.uint64(k)] = i, t
            place[np.uint64(2 * t)] = k + 1
        t = times[half + i]
        if t < t_max:
            k = place[np.uint64(2 * t + 1)]
            who[np.uint64(k)], when[np.uint64(k)] = half + i, t
            place[np.uint64(2 * t + 1)] = k + 1
    if times.size % 2 and times[-1] < t_max:
        k = place[np.uint64(2 * times[-1] + 1)]
        who[np.uint64(k)], when[np.uint64(k)] = times.size - 1, times[-1]
    return int(n_spikes)


@_jit
def _sort_all(
    times: SpikeTimes, t_max: int, start: IntArray, who: AnyArray, when: SpikeTimes
) -> None:
    for n in range(len(times)):
        spikes = slice(start[n], start[n + 1])
        _sort_by_time(times[n], t_max, who[spikes], when[spikes])


@_jit
def _one_image(
    who: AnyArray, when: SpikeTimes, done: int, weights: AnyArray, threshold: AnyArray,
    horizon: int, t_max: int, v: AnyArray, spike_times: SpikeTimes, potential: AnyArray,
) -> int:  # fmt: skip
    """One layer, one image, up to step ``horizon``; weights are (n_in, n_out), a row per input.

    Returns how many spikes were heard. Called again with that as ``done``, it goes on from there.
    """
    n_out = v.size
    silent = np.int16(t_max)
    p = done
    t = 0
    if p == 0:
        v[:] = 0
        potential[:] = 0
        spike_times[:] = silent
    elif p == who.size:  # all was heard before
        return p
    else:
        t = when[p]
    while t <= horizon:
        while p < who.size and when[p] == t:  # (1) integrate: each spike adds its weight
            row = weights[who[p]]
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
        if p == who.size:
            break
        t = when[p]
    return p


@_jit
def _batch(
    times: SpikeTimes, weights: AnyArray, threshold: AnyArray, t_max: int, v: AnyArray,
    one: AnyArray, spike_times: SpikeTimes, potential: AnyArray,
) -> None:  # fmt: skip
    """One layer, many images; ``v`` and ``one`` are working space of the potential's dtype."""
    who = np.empty(times.shape[1], np.int32)
    when = np.empty(times.shape[1], np.int16)
    for n in range(len(times)):
        k = _sort_by_time(times[n], t_max, who, when)
        _one_image(who[:k], when[:k], 0, weights, threshold, t_max, t_max, v, spike_times[n], one)
        potential[n] = one


@_jit
def _potential_at(
    who: AnyArray, when: SpikeTimes, weights: AnyArray, t_last: int, out: AnyArray
) -> None:
    """Potential of every neuron at the end of step ``t_last``."""
    out[:] = 0
    for p in range(who.size):
        if when[p] <= t_last:
            for j in range(out.size):
                out[j] += weights[who[p], j]


@_jit
def _settled(times: SpikeTimes, label: int, gamma: int, horizon: int, t_max: int) -> bool:
    """Whether steps 0 to ``horizon`` show that this image has no error.

    All spikes stamped up to ``horizon + 1`` are known. The label must be among the first, and all
    others at least ``gamma`` later: those that are known, and those that are not.
    """
    first = times.min()
    if times[label] != first or first == t_max or first + gamma > horizon + 2:
        return False
    near = 0
    for j in range(times.size):
        near += j != label and times[j] - first < gamma
    return near == 0


@_jit
def _judge(
    times: SpikeTimes, potential: AnyArray, late: AnyArray, threshold: FloatArray, divisor: float,
    whole: bool, label: int, t_max: int, m: int, correct: BoolArray, published: BoolArray,
    tied: BoolArray, silent: BoolArray, decision_time: SpikeTimes,
) -> None:  # fmt: skip
    """As :func:`minibs4nn.evaluation.judge`, for one image, entered at place ``m``."""
    first = times.min()
    n_first, best, best_late, most = 0, -1, 0, 0.0
    for j in range(threshold.size):
        if times[j] == first:
            n_first += 1
            limit = threshold[j] / divisor
            excess = potential[j] - (np.floor(limit) if whole else limit)
            if best < 0 or excess > most:
                best, most = j, excess
        if late[j] > late[best_late]:
            best_late = j
    silent[m] = first == t_max
    tied[m] = n_first > 1 and first < t_max
    correct[m] = best == label
    published[m] = best_late == label if first == t_max else times[label] == first
    decision_time[m] = first


@_jit
def _time_error(
    times: SpikeTimes, label: int, gamma: int, teach: bool, t_max: int, delta: FloatArray
) -> bool:
    """Fill ``delta`` with the errors of one image to its targets; return whether there is any."""
    first = int(times.min())
    wrong = False
    for j in range(delta.size):
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
def _update_one(
    latent: AnyArray, signs: AnyArray | None, j: int, step: float, who: AnyArray,
    when: SpikeTimes, end: int,
) -> int:  # fmt: skip
    """Update the input weights of neuron j alone; return how many signs flipped."""
    flips = 0
    for p in range(who.size):
        if when[p] >= end:
            break
        i = who[p]
        old = latent[i, j]
        new = old - step
        latent[i, j] = new
        if signs is not None and (old < 0) != (new < 0):
            flips += 1
            signs[i, j] = -1 if new < 0 else 1
    return flips


@_jit
def _update(
    latent: AnyArray, signs: AnyArray | None, delta: FloatArray, rate: float,
    who: AnyArray, when: SpikeTimes, spike_times: SpikeTimes, step: AnyArray, end: AnyArray,
) -> int:  # fmt: skip
    """``w_ji -= eta * delta_j * [t_i < t_j]``, and the signs anew; return how many flipped."""
    n_out = delta.size
    number = latent.dtype.type
    nothing = number(0)
    last = 0.0
    learners = 0
    for j in range(n_out):
        step[j] = rate * delta[j]
        end[j] = spike_times[j]  # a float, so that one instruction compares as many as it adds
        last = max(last, end[j] if step[j] != 0 else 0.0)
        learners += step[j] != 0
    flips = 0
    if 4 * learners < n_out:  # few neurons learn, as in most output layers: one after the other
        for j in range(n_out):
            if step[j] != 0:
                flips += _update_one(latent, signs, j, step[j], who, when, spike_times[j])
        return flips
    for p in range(who.size):
        t = number(when[p])
        if t >= last:  # nobody who learns has heard this spike, or a later one
            break
        i = who[p]
        row = latent[i]
        crossed = False  # not a count: that would be of another width, and half as fast
        for j in range(n_out):
            old = row[j]
            new = old - (step[j] if t < end[j] else nothing)
            row[j] = new
            crossed |= (old < 0) != (new < 0)
        if signs is not None and crossed:
            for j in range(n_out):
                bit = -1 if row[j] < 0 else 1
                flips += bit != signs[i, j]
                signs[i, j] = bit
    return flips


@_jit
def _backpropagate(
    delta: FloatArray, latent: AnyArray, times_in: SpikeTimes, times_out: SpikeTimes,
    delta_in: FloatArray,
) -> None:  # fmt: skip
    """``delta_h = sum over k of delta_k * w_kh * [t_h < t_k]``; latent is (n_in, n_out)."""
    delta_in[:] = 0
    for k in range(delta.size):
        if delta[k] != 0:  # most outputs have no error
            for h in range(delta_in.size):
                delta_in[h] += delta[k] * latent[h, k] if times_in[h] < times_out[k] else 0.0


@_jit
def _limit(threshold: FloatArray, divisor: float, n_in: int, whole: bool, out: AnyArray) -> None:
    """Thresholds in the unit of the potential; for sums of signs they are whole numbers.

    A sum of ``n_in`` signs lies in -n_in..n_in, so a limit beyond that range can be moved to its
    end, or one below it, without changing any comparison; then it fits the dtype of the sums.
    """
    for j in range(threshold.size):
        limit = threshold[j] / divisor
        if whole:
            limit = min(max(np.floor(limit), -n_in - 1.0), n_in)
        out[j] = limit


@_jit
def _decay(latent: AnyArray, i: int, j: int, shrink: float) -> None:
    """As :func:`minibs4nn.backward.decay`, for one weight."""
    number = latent.dtype.type
    old = latent[i, j]
    new = number(old * shrink)
    latent[i, j] = -np.finfo(number).tiny if old < 0 and new == 0 else new


@_jit
def _train(
    start: IntArray, who: AnyArray, when: SpikeTimes, labels: IntArray, images: IntArray,
    latent: Each[AnyArray], signs: Each[AnyArray] | None, thresholds: Each[FloatArray],
    scale: FloatArray, rate: float, gamma: int, keep: float, scale_rate: float, teach: bool,
    t_max: int, limits: Each[AnyArray], v: Each[AnyArray], potential: Each[AnyArray],
    spikes: Each[SpikeTimes], delta: Each[FloatArray], step: Each[AnyArray],
    end: Each[AnyArray], layer_who: Each[AnyArray], layer_when: Each[SpikeTimes],
    correct: BoolArray, published: BoolArray, tied: BoolArray, silent: BoolArray,
    decision_time: SpikeTimes, count_fired: bool, fired: Each[IntArray], flipped: IntArray,
) -> int:  # fmt: skip
    """Learn from the images; return how many had an error, or -1 - layer for a bad scale."""
    depth = len(latent)
    last = depth - 1
    whole = signs is not None
    n_spikes, heard = np.zeros(depth, np.int64), np.zeros(depth, np.int64)
    updates = 0
    shrink = 1.0
    usual = float(t_max)  # when decisions usually fall; it steers the speed, never the result
    for layer in range(depth):
        divisor = scale[layer] if whole else shrink
        _limit(thresholds[layer], divisor, len(latent[layer]), whole, limits[layer])

    for m in range(images.size):
        n = images[m]
        label = labels[n]
        in_who, in_when = who[start[n] : start[n + 1]], when[start[n] : start[n + 1]]

        # (1) forward: firing times of every layer, in the first part of the window or in all of it
        horizon = t_max if count_fired else min(t_max, int(1.5 * usual) + 2)
        heard[:] = 0
        while True:
            for layer in range(depth):
                w, h, k = in_who, in_when, heard[layer]
                if layer > 0:
                    before = spikes[layer - 1][: len(latent[layer])]
                    n_spikes[layer] = _sort_by_time(
                        before, t_max, layer_who[layer], layer_when[layer]
                    )
                    w = layer_who[layer][: n_spikes[layer]]
                    h = layer_when[layer][: n_spikes[layer]]
                if signs is None:
                    k = _one_image(w, h, k, latent[layer], limits[layer], horizon, t_max, v[layer],
                                   spikes[layer], potential[layer])  # fmt: skip
                else:
                    k = _one_image(w, h, k, signs[layer], limits[layer], horizon, t_max, v[layer],
                                   spikes[layer], potential[layer])  # fmt: skip
                heard[layer] = k
            settled = _settled(spikes[last], label, gamma, horizon, t_max)
            if settled or horizon == t_max:
                break
            horizon = t_max
        out, late = spikes[last], v[last]
        if out.min() == t_max:
            k = n_spikes[last]
            w, h = in_who, in_when
            if last > 0:
                w, h = layer_who[last][:k], layer_when[last][:k]
            if signs is None:
                _potential_at(w, h, latent[last], t_max - 3, late)
            else:
                _potential_at(w, h, signs[last], t_max - 3, late)
        divisor = scale[last] if whole else shrink
        _judge(out, potential[last], late, thresholds[last], divisor, whole, label, t_max, m,
               correct, published, tied, silent, decision_time)  # fmt: skip
        usual += 0.02 * (decision_time[m] - usual)
        if count_fired:
            for layer in range(depth):
                for j in range(fired[layer].size):
                    fired[layer][j] += spikes[layer][j] < t_max

        # (2) targets and error of the output layer
        if not settled and _time_error(out, label, gamma, teach, t_max, delta[last]):
            updates += 1
            for layer in range(depth - 1, -1, -1):
                k = n_spikes[layer]
                w, h = (
                    (layer_who[layer][:k], layer_when[layer][:k])
                    if layer > 0
                    else (in_who, in_when)
                )
                # (3) normalise, (4) update this layer, (5) pass the deltas through it
                _normalise(delta[layer])
                flipped[layer] += _update(
                    latent[layer], None if signs is None else signs[layer], delta[layer],
                    rate / shrink, w, h, spikes[layer], step[layer], end[layer],
                )  # fmt: skip
                if whole:
                    n_in = len(latent[layer])
                    total = 0.0
                    for j in range(delta[layer].size):
                        total += delta[layer][j] * potential[layer][j]
                    scale[layer] -= scale_rate * (total / (delta[layer].size * n_in))
                    if not scale[layer] > 0:
                        return -1 - layer
                    _limit(thresholds[layer], scale[layer], n_in, True, limits[layer])
                if layer > 0:
                    _backpropagate(delta[layer], latent[layer], spikes[layer - 1], spikes[layer],
                                   delta[layer - 1])  # fmt: skip

        # (6) weight decay
        if keep != 1.0:
            shrink *= keep
            if shrink < SMALLEST_SHRINK or m == images.size - 1:
                for layer in range(depth):
                    for i in range(len(latent[layer])):
                        for j in range(latent[layer].shape[1]):
                            _decay(latent[layer], i, j, shrink)
                shrink = 1.0
            if not whole:
                for layer in range(depth):
                    _limit(thresholds[layer], shrink, 0, False, limits[layer])
    return updates


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
    columns = np.ascontiguousarray(weights.T)  # no copy for column-major weights
    _batch(_plain(times), columns, limit, t_max, v, one, spike_times, potential)
    return spike_times, potential


def prepare(times: SpikeTimes, *, t_max: int) -> Spikes:
    """Sort the spikes of every image by time.

    Parameters
    ----------
    times : int16 array, shape (n, n_in)
    t_max : int, time steps

    Returns
    -------
    Spikes
    """
    start = np.concatenate([[0], np.cumsum((times < t_max).sum(axis=1))]).astype(np.int64)
    who, when = np.empty(start[-1], np.int32), np.empty(start[-1], np.int16)
    _sort_all(_plain(times), t_max, start, who, when)
    return Spikes(start, who, when)


def train_online(
    prepared: Spikes,
    labels: IntArray,
    order: IntArray,
    parameters: Parameters,
    rule: "RelativeTarget",
    *,
    t_max: int,
    count_fired: bool = True,
) -> OnlineReport:
    """Learn from the images ``order``, one at a time; ``parameters`` are changed in place.

    Parameters
    ----------
    prepared : Spikes
        Of all images, as :func:`prepare` returns them.
    labels : int64 array, shape (n,)
    order : int64 array, shape (m,)
        Which images, in which order; an image may come more than once.
    parameters : Parameters
    rule : RelativeTarget
    t_max : int, time steps
    count_fired : bool
        Whether to count on how many images each neuron fires. It takes a look at the whole window
        of every image.

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
    signs, lanes = None, sizes
    if p.signs is not None:
        # Rounded up to whole vector instructions with neurons that hear nothing and never fire.
        lanes = [-(-size // LANES) * LANES for size in sizes]
        signs = tuple(np.zeros(shape, np.int8) for shape in zip(n_in, lanes, strict=True))
        for padded, given, size in zip(signs, p.signs, sizes, strict=True):
            padded[:, :size] = given.T
    # One dtype for the potentials of all layers, since a Numba tuple has one type.
    dtype = np.result_type(*(_potential_dtype(w) for w in p.weights))

    def one_each(dtype: npt.DTypeLike, lengths: list[int]) -> tuple[AnyArray, ...]:
        return tuple(np.zeros(length, dtype) for length in lengths)

    real = p.latent[0].dtype
    limits = one_each(dtype, lanes)
    for limit in limits:
        limit[:] = np.iinfo(dtype).max if np.dtype(dtype).kind == "i" else np.inf
    outcomes = Outcomes.of(len(order))
    fired, flipped = one_each(np.int64, sizes), np.zeros(len(sizes), np.int64)
    updates = _train(
        prepared.start, prepared.who, prepared.when, labels, order,
        tuple(w.T for w in p.latent),
        signs,
        tuple(p.thresholds), p.scale,
        rule.learning_rate, rule.gamma, 1.0 - rule.learning_rate * rule.weight_decay,
        rule.scale_learning_rate, rule.all_silent == "teach", t_max,
        limits, one_each(dtype, lanes), one_each(dtype, lanes),
        one_each(np.int16, lanes), one_each(np.float64, sizes), one_each(real, sizes),
        one_each(real, sizes), one_each(np.int32, n_in), one_each(np.int16, n_in),
        outcomes.correct, outcomes.published, outcomes.tied, outcomes.silent,
        outcomes.decision_time, count_fired, fired, flipped,
    )  # fmt: skip
    for padded, given, size in zip(signs or (), p.signs or (), sizes, strict=False):
        given[:] = padded[:, :size].T
    if updates < 0:
        raise ArithmeticError(scale_message(-1 - updates, p.scale))
    return OnlineReport(outcomes, flipped, updates, list(fired) if count_fired else [])


def _plain(times: SpikeTimes) -> SpikeTimes:
    """Contiguous and writable, since Numba compiles anew for every other layout."""
    return np.require(times, requirements=["C", "W"])
