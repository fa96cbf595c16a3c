"""The same computation, compiled by Numba for one core of a CPU.

Read ``reference.py`` first; the numbered steps are the same. What makes this fast:

- only spikes cost anything: the spikes of every image are sorted by time, once per training, and
  silent inputs are never visited;
- what one spike adds to all neurons lies side by side in memory, so that the processor adds 16 or
  32 neurons in one instruction: signs are bits, sums of signs int16;
- all layers go through time together, and stop once the errors of the output layer are known.
  Most decisions fall early;
- neurons are taken 64 at a time (``lanes.py``), and who of them fires comes back as one word. So
  nothing needs to be sorted, and the last layer of a BS4NN counts bits;
- an image without an error teaches nothing, and nothing is allocated.

Sums of real numbers are added in the order of the reference, so both give the same bits.
"""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from minibs4nn._checks import AnyArray, BoolArray, FloatArray, IntArray, SpikeTimes
from minibs4nn.evaluation import Outcomes
from minibs4nn.kernels import OnlineReport, Parameters
from minibs4nn.kernels.cpu_minibatch import train_minibatches
from minibs4nn.kernels.lanes import (
    COUNTED,
    LANES,
    add,
    count,
    count_ones,
    fill,
    fire,
    jit,
    lowest_bit,
    subtract,
)
from minibs4nn.kernels.layers import Layers, potential_dtype
from minibs4nn.kernels.reference import SMALLEST_SHRINK, scale_message

if TYPE_CHECKING:
    from minibs4nn.rules import RelativeTarget

__all__ = ["LANES", "Spikes", "layer_spike_times", "prepare", "train_minibatches", "train_online"]

_jit = jit


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
def _sort_by_time(
    times: SpikeTimes, t_max: int, who: AnyArray, when: SpikeTimes, place: AnyArray
) -> int:
    """List the inputs that fire, by time, and return how many they are: a counting sort.

    Many neurons fire together, and to raise one counter twice in a row the processor has to wait.
    So the first and the second half of the inputs are counted apart, and in turns; ``place`` is
    working space for two counters per time step.
    """
    half = times.size // 2
    place[:] = 0
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
    times: SpikeTimes, t_max: int, start: IntArray, who: AnyArray, when: SpikeTimes,
    place: AnyArray,
) -> None:  # fmt: skip
    for n in range(len(times)):
        begin, end = start[n], start[n + 1]
        _sort_by_time(times[n], t_max, who[begin:end], when[begin:end], place)


@_jit
def _one_image(
    who: AnyArray, when: SpikeTimes, weights: AnyArray, threshold: AnyArray, t_max: int,
    v: AnyArray, spike_times: SpikeTimes, potential: AnyArray,
) -> None:  # fmt: skip
    """One layer, one image; weights are (n_in, n_out), a row per input."""
    n_out = v.size
    silent = np.int16(t_max)
    v[:] = 0
    potential[:] = 0
    spike_times[:] = silent
    p = 0
    t = 0
    while t < t_max:
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


@_jit
def _batch(
    times: SpikeTimes, weights: AnyArray, threshold: AnyArray, t_max: int, v: AnyArray,
    one: AnyArray, who: AnyArray, when: SpikeTimes, place: AnyArray, spike_times: SpikeTimes,
    potential: AnyArray,
) -> None:  # fmt: skip
    """One layer, many images; ``v`` and ``one`` are working space of the potential's dtype."""
    for n in range(len(times)):
        k = _sort_by_time(times[n], t_max, who, when, place)
        _one_image(who[:k], when[:k], weights, threshold, t_max, v, spike_times[n], one)
        for j in range(one.size):
            potential[n, j] = one[j]


@_jit
def _earliest(times: SpikeTimes) -> int:
    first = int(times[0])
    for t in times:
        first = min(first, int(t))
    return first


@_jit
def _judge(
    times: SpikeTimes, potential: AnyArray, late: AnyArray, threshold: FloatArray, divisor: float,
    whole: bool, label: int, t_max: int, m: int, correct: BoolArray, published: BoolArray,
    tied: BoolArray, silent: BoolArray, decision_time: SpikeTimes,
) -> None:  # fmt: skip
    """As :func:`minibs4nn.evaluation.judge`, for one image, entered at place ``m``."""
    first = _earliest(times)
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
    first = _earliest(times)
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
def _hear(
    v: AnyArray, first: int, lanes: int, weights: AnyArray, origin: int, who: AnyArray
) -> None:
    """(1) Integrate: each spike adds its weights.

    Four at a time, so that the sums are read and written a fourth as often.
    """
    p = 0
    while p + 4 <= who.size:
        a, b = origin + who[p] * lanes, origin + who[p + 1] * lanes
        c, d = origin + who[p + 2] * lanes, origin + who[p + 3] * lanes
        for j in range(0, lanes, LANES):
            add(v, first + j, weights, (a + j, b + j, c + j, d + j))
        p += 4
    while p < who.size:
        a = origin + who[p] * lanes
        for j in range(0, lanes, LANES):
            add(v, first + j, weights, (a + j,))
        p += 1


@_jit
def _list(new: AnyArray, begin: int, end: int, who: AnyArray) -> int:
    """List those whose bit is set in some words, and return how many they are."""
    k = 0
    for word in range(begin, end):
        bits = new[word]
        while bits != 0:
            who[k] = LANES * (word - begin) + lowest_bit(bits)
            bits &= bits - np.uint64(1)
            k += 1
    return k


@_jit
def _hear_layer_before(net: Layers, layer: int, signed: bool) -> bool:
    """(1) Integrate the spikes of the last step; return whether there were any."""
    at, before, origin = net.shape[layer, 2], net.shape[layer, 3], net.shape[layer, 4]
    n_out = net.shape[layer, 1]
    begin, end = before // LANES, at // LANES
    if not (signed and layer == len(net.shape) - 1):
        k = _list(net.new, begin, end, net.who)
        _hear(net.v, at, fill(n_out, LANES), net.weights, origin, net.who[:k])
        return k > 0
    width = fill(n_out, COUNTED)
    for k in range(0, width, COUNTED):
        count(net.v, at + k, net.bits, origin + k, width, net.new, begin, end)
    heard = np.uint64(0)
    for word in range(begin, end):
        heard |= net.new[word]
    return int(heard) != 0


@_jit
def _forward(
    net: Layers, who: AnyArray, when: SpikeTimes, label: int, gamma: int, to_the_end: bool,
    signed: bool, t_max: int,
) -> None:  # fmt: skip
    """All layers, one image, step by step; unless ``to_the_end``, no more steps than it takes.

    To know all errors takes the spike of the label, and all spikes that come less than ``gamma``
    steps after the first.
    """
    shape, weights, v, limit = net.shape, net.weights, net.v, net.limit
    new, spike_times, potential = net.new, net.spike_times, net.potential
    last = len(shape) - 1
    out = shape[last, 2]
    v[:] = 0
    spike_times[:] = t_max
    new[:] = 0
    first = t_max  # spike of the output layer
    stirred, late = False, False
    p = 0
    t = 0
    while t < t_max:
        # All spikes up to t are known.
        if first + gamma <= t + 1 and spike_times[out + label] < t_max and not to_the_end:
            break
        if t > t_max - 3 and not late:
            for j in range(net.late.size):
                net.late[j] = v[out + j]
            late = True
        heard, stirred = stirred, False
        # The last layer first, since it hears what the one before it fired in the last step.
        for layer in range(last, -1, -1):
            moved = t == 0  # a limit may be negative
            if layer > 0 and heard:
                moved |= _hear_layer_before(net, layer, signed)
            elif layer == 0:
                k = p
                while k < who.size and when[k] == t:
                    k += 1
                _hear(v, 0, fill(shape[0, 1], LANES), weights, shape[0, 4], who[p:k])
                moved |= k > p
                p = k
            at = shape[layer, 2]
            for j in range(at, at + fill(shape[layer, 1], LANES), LANES):
                fired = np.uint64(0)
                if moved:
                    # (2) compare  (3) at most one spike: the earliest  (4) one step later
                    fired = fire(
                        v, limit, j, np.int16(t + 1), np.int16(t_max), spike_times, potential
                    )
                new[j // LANES] = fired
                if fired != 0:
                    stirred = True
                    first = min(first, t + 1) if layer == last else first
        if stirred:
            t += 1
        elif p < who.size:
            t = int(when[p])
        else:
            break
    if not late:
        for j in range(net.late.size):
            net.late[j] = v[out + j]
    for j in range(out, v.size):
        if spike_times[j] == t_max:
            potential[j] = v[j]


@_jit
def _update(
    shape: IntArray, latent: AnyArray, signs: AnyArray | None, delta: FloatArray, rate: float,
    who: AnyArray, when: SpikeTimes, spike_times: SpikeTimes, step: AnyArray, now: AnyArray,
) -> int:  # fmt: skip
    """``w_ji -= eta * delta_j * [t_i < t_j]``, and the signs anew; return how many flipped."""
    number = latent.dtype.type
    nothing = number(0)
    lanes, origin, place = fill(shape[1], LANES), shape[4], shape[5]
    last = 0
    for j in range(delta.size):
        step[j] = rate * delta[j]
        last = max(last, spike_times[j] if step[j] != 0 else 0)
    now[delta.size : lanes] = 0
    flips = 0
    p = 0
    while p < who.size and when[p] < last:
        t = when[p]
        for j in range(delta.size):
            now[j] = step[j] if t < spike_times[j] else nothing
        while p < who.size and when[p] == t:
            row = who[p] * lanes
            for j in range(0, lanes, LANES):
                flipped = subtract(latent, place + row + j, now, j)
                if signs is not None and flipped != 0:
                    signs[(origin + row + j) // LANES] ^= flipped
                    flips += count_ones(flipped)
            p += 1
    return flips


@_jit
def _update_last(
    shape: IntArray, latent: AnyArray, weights: AnyArray, bits: AnyArray, signed: bool,
    delta: FloatArray, rate: float, times_in: SpikeTimes, spike_times: SpikeTimes, now: AnyArray,
) -> int:  # fmt: skip
    """The same for the last of several layers, one neuron after the other."""
    number = latent.dtype.type
    nothing = number(0)
    n_in, origin, place = shape[0], shape[4], shape[5]
    lanes, lanes_in = fill(shape[1], LANES), fill(n_in, LANES)
    width = fill(shape[1], COUNTED)
    now[n_in:lanes_in] = 0
    flips = 0
    for k in range(delta.size):
        step = number(rate * delta[k])
        if step == 0:
            continue
        end = spike_times[k]
        for i in range(times_in.size):
            now[i] = step if times_in[i] < end else nothing
        row = place + k * lanes_in
        for i in range(0, lanes_in, LANES):
            flipped = subtract(latent, row + i, now, i)
            if signed and flipped != 0:
                bits[origin + i // LANES * width + k] ^= flipped
                flips += count_ones(flipped)
        if not signed:
            for i in range(n_in):
                weights[origin + i * lanes + k] = latent[row + i]
    return flips


@_jit
def _backpropagate(
    shape: IntArray, is_last: bool, latent: AnyArray, delta: FloatArray, times_in: SpikeTimes,
    spike_times: SpikeTimes, delta_in: FloatArray,
) -> None:  # fmt: skip
    """``delta_h = sum over k of delta_k * w_kh * [t_h < t_k]``."""
    n_in, place = shape[0], shape[5]
    lanes, lanes_in = fill(shape[1], LANES), fill(n_in, LANES)
    delta_in[:] = 0
    for k in range(delta.size):
        delta_k, end = delta[k], spike_times[k]
        if delta_k == 0:  # as of most outputs
            continue
        if is_last:
            row = latent[place + k * lanes_in : place + k * lanes_in + n_in]
            for h in range(delta_in.size):
                delta_in[h] += delta_k * row[h] if times_in[h] < end else 0.0
        else:
            for h in range(delta_in.size):
                delta_in[h] += delta_k * latent[place + h * lanes + k] if times_in[h] < end else 0.0


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
def _decay(latent: AnyArray, i: int, shrink: float) -> None:
    """As :func:`minibs4nn.backward.decay`, for one weight."""
    number = latent.dtype.type
    old = latent[i]
    new = number(np.float64(old) * shrink)
    latent[i] = -np.finfo(number).tiny if old < 0 and new == 0 else new


@_jit
def _train(
    start: IntArray, in_who: AnyArray, in_when: SpikeTimes, labels: IntArray, images: IntArray,
    net: Layers, signs: AnyArray | None, scale: FloatArray, rate: float, gamma: int,
    keep: float, scale_rate: float, teach: bool, t_max: int, correct: BoolArray,
    published: BoolArray, tied: BoolArray, silent: BoolArray, decision_time: SpikeTimes,
    count_fired: bool, fired: IntArray, flipped: IntArray, place: AnyArray,
) -> int:  # fmt: skip
    """Learn from the images; return how many had an error, or -1 - layer for a bad scale."""
    shape, weights, latent, limit = net.shape, net.weights, net.latent, net.limit
    threshold, potential = net.threshold, net.potential
    spike_times, delta = net.spike_times, net.delta
    depth = len(shape)
    last = depth - 1
    out, n_out = shape[last, 2], shape[last, 1]
    end_out = out + n_out
    out_times, out_delta = spike_times[out:end_out], delta[out:end_out]
    out_potential, out_threshold = potential[out:end_out], threshold[out:end_out]
    signed = signs is not None
    updates = 0
    shrink = 1.0
    for layer in range(depth):
        divisor = scale[layer] if signed else shrink
        these = slice(shape[layer, 2], shape[layer, 2] + shape[layer, 1])
        _limit(threshold[these], divisor, shape[layer, 0], signed, limit[these])

    for m in range(images.size):
        n = images[m]
        label = labels[n]
        begin, end = start[n], start[n + 1]

        # (1) forward: firing times of every layer
        w, h = in_who[begin:end], in_when[begin:end]
        _forward(net, w, h, label, gamma, count_fired, signed, t_max)
        divisor = scale[last] if signed else shrink
        _judge(out_times, out_potential, net.late, out_threshold, divisor, signed, label, t_max, m,
               correct, published, tied, silent, decision_time)  # fmt: skip
        if count_fired:
            for j in range(fired.size):
                fired[j] += spike_times[j] < t_max

        # (2) targets and error of the output layer
        if _time_error(out_times, label, gamma, teach, t_max, out_delta):
            updates += 1
            for layer in range(depth - 1, -1, -1):
                n_in, n_out, first, first_in = (
                    shape[layer, 0], shape[layer, 1], shape[layer, 2], shape[layer, 3],
                )  # fmt: skip
                these, before = slice(first, first + n_out), slice(first_in, first_in + n_in)
                errors, times = delta[these], spike_times[these]
                # (3) normalise, (4) update this layer, (5) pass the deltas through it
                _normalise(errors)
                if layer > 0 and layer == last:
                    flipped[layer] += _update_last(
                        shape[layer], latent, weights, net.bits, signed, errors, rate / shrink,
                        spike_times[before], times, net.now,
                    )  # fmt: skip
                else:
                    w, h = in_who[begin:end], in_when[begin:end]
                    if layer > 0:
                        k = _sort_by_time(spike_times[before], t_max, net.who, net.when, place)
                        w, h = net.who[:k], net.when[:k]
                    flipped[layer] += _update(
                        shape[layer], latent, signs, errors, rate / shrink, w, h, times,
                        net.step, net.now,
                    )  # fmt: skip
                if signed:
                    total = 0.0
                    for j in range(n_out):
                        total += errors[j] * potential[first + j]
                    scale[layer] -= scale_rate * (total / (n_out * n_in))
                    if not scale[layer] > 0:
                        return -1 - layer
                    _limit(threshold[these], scale[layer], n_in, True, limit[these])
                if layer > 0:
                    _backpropagate(shape[layer], layer == last, latent, errors, spike_times[before],
                                   times, delta[before])  # fmt: skip

        # (6) weight decay
        if keep != 1.0:
            shrink *= keep
            if shrink < SMALLEST_SHRINK or m == images.size - 1:
                for i in range(latent.size):
                    _decay(latent, i, shrink)
                shrink = 1.0
            if not signed:
                for layer in range(depth):
                    these = slice(shape[layer, 2], shape[layer, 2] + shape[layer, 1])
                    _limit(threshold[these], shrink, 0, False, limit[these])
    return updates


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
    dtype = potential_dtype(weights)
    whole = weights.dtype == np.int8
    limit, v, one = (np.empty(n_out, dtype) for _ in range(3))
    _limit(threshold, 1.0, n_in, whole, limit)
    who, when = np.empty(n_in, np.int32), np.empty(n_in, np.int16)
    spike_times = np.empty((len(times), n_out), np.int16)
    potential = np.empty((len(times), n_out), np.int32 if whole else np.float64)
    columns = np.ascontiguousarray(weights.T)  # no copy for column-major weights
    _batch(
        _plain(times), columns, limit, t_max, v, one, who, when, _counters(t_max), spike_times,
        potential,
    )  # fmt: skip
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
    _sort_all(_plain(times), t_max, start, who, when, _counters(t_max))
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
    net = Layers.of(p)
    outcomes = Outcomes.of(len(order))
    fired, flipped = np.zeros(net.v.size, np.int64), np.zeros(len(p.latent), np.int64)
    updates = _train(
        prepared.start, prepared.who, prepared.when, labels, order, net,
        None if p.signs is None else net.weights, p.scale,
        rule.learning_rate, rule.gamma, 1.0 - rule.learning_rate * rule.weight_decay,
        rule.scale_learning_rate, rule.all_silent == "teach", t_max,
        outcomes.correct, outcomes.published, outcomes.tied, outcomes.silent,
        outcomes.decision_time, count_fired, fired, flipped, _counters(t_max),
    )  # fmt: skip
    net.write_back(p)
    if updates < 0:
        raise ArithmeticError(scale_message(-1 - updates, p.scale))
    layers = range(len(p.latent) if count_fired else 0)
    return OnlineReport(outcomes, flipped, updates, [fired[net.neurons(k)] for k in layers])


def _counters(t_max: int) -> AnyArray:
    """Working space to sort spikes in."""
    return np.empty(2 * t_max + 2, np.int32)


def _plain(times: SpikeTimes) -> SpikeTimes:
    """Contiguous and writable, since Numba compiles anew for every other layout."""
    return np.require(times, requirements=["C", "W"])
