"""Answers to the exercises as students write them: right ones, and the typical wrong ones.

They are written on their own, not with the functions behind the messages in ``minibs4nn.course``:
only so do they show that a message is given to whoever makes the mistake, however it is written.
Beside each wrong answer stands what its message has to say.

This file holds those to chapters 01 to 04; ``course_answers_*.py`` add the others.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

Answer = Callable[..., Any]

RIGHT: dict[str, list[Answer]] = {}
WRONG: dict[str, list[tuple[str, Answer]]] = {}


def right(key: str) -> Callable[[Answer], Answer]:
    """Enter a right answer."""

    def enter(answer: Answer) -> Answer:
        RIGHT.setdefault(key, []).append(answer)
        return answer

    return enter


def wrong(key: str, message: str) -> Callable[[Answer], Answer]:
    """Enter a wrong answer with a part of its message."""

    def enter(answer: Answer) -> Answer:
        WRONG.setdefault(key, []).append((message, answer))
        return answer

    return enter


# ruff: noqa: ANN001, ANN201, ANN202, PERF401  (the answers are written as students write them)
# mypy: disable-error-code="no-untyped-def, no-untyped-call, no-any-return"


# 01.1 -----------------------------------------------------------------------


@right("01.1")
def neuron_with_plain_loops(times, weights, threshold, t_max):
    v = 0
    for t in range(t_max):
        for i in range(len(times)):
            if times[i] == t:
                v = v + weights[i]
        if v > threshold:
            return t + 1
    return t_max


@right("01.1")
def neuron_with_arrays(times, weights, threshold, t_max):
    above = (np.asarray(times)[:, None] <= np.arange(t_max)).T @ weights > threshold
    return float(above.argmax() + 1) if above.any() else t_max


@right("01.1")
def neuron_by_events(times, weights, threshold, t_max):
    events = sorted({0, *(int(t) for t in times if t < t_max)})
    return next((t + 1 for t in events if sum(weights[times <= t]) > threshold), t_max)


@wrong("01.1", "You compare with >=")
def neuron_reaches(times, weights, threshold, t_max):
    for t in range(t_max):
        if weights[times <= t].sum() >= threshold:
            return t + 1
    return t_max


@wrong("01.1", "stamped one step later")
def neuron_at_once(times, weights, threshold, t_max):
    return next((t for t in range(t_max) if weights[times <= t].sum() > threshold), t_max)


@wrong("01.1", "after every single spike")
def neuron_hasty(times, weights, threshold, t_max):
    v = 0
    for i in np.argsort(times, kind="stable"):
        if times[i] < t_max:
            v += weights[i]
            if v > threshold:
                return times[i] + 1
    return t_max


@wrong("01.1", "let a silent input pass on a spike at t_max")
def neuron_hears_silence(times, weights, threshold, t_max):
    for t in range(t_max + 1):
        if np.dot(weights, times <= t) > threshold:
            return t + 1
    return t_max


@wrong("01.1", "at the end")
def neuron_of_the_last_day(times, weights, threshold, t_max):
    early = [t for t in times if t < t_max]
    total = sum(w for t, w in zip(times, weights, strict=True) if t < t_max)
    return max([0, *early]) + 1 if total > threshold else t_max


@wrong("01.1", "mark silence with -1")
def neuron_minus_one(times, weights, threshold, t_max):
    for t in range(t_max):
        if weights[times <= t].sum() > threshold:
            return t + 1
    return -1


@wrong("01.1", "mark silence with 0")
def neuron_zero(times, weights, threshold, t_max):
    fires = [t + 1 for t in range(t_max) if weights[times <= t].sum() > threshold]
    return fires[0] if fires else 0


@wrong("01.1", "potential forgets")
def neuron_forgetful(times, weights, threshold, t_max):
    for t in range(t_max):
        if weights[times == t].sum() > threshold:
            return t + 1
    return t_max


@wrong("01.1", "returns nothing")
def neuron_without_return(times, weights, threshold, t_max):
    for t in range(t_max):
        if weights[times <= t].sum() > threshold:
            break


@wrong("01.1", "stops with an error")
def neuron_out_of_bounds(times, weights, threshold, t_max):
    return [][t_max]


@wrong("01.1", "wants the form number")
def neuron_in_a_list(times, weights, threshold, t_max):
    return [neuron_with_plain_loops(times, weights, threshold, t_max)]


# 01.2 -----------------------------------------------------------------------

right("01.2")(lambda: (7, 10, 10, 5))
right("01.2")(lambda: np.array([7, 10, 10, 5]))
wrong("01.2", "has to exceed 4")(lambda: [4, 6, 5, 4])
wrong("01.2", "steps of the crossings")(lambda: [6, 10, 9, 4])
wrong("01.2", "neuron B two spikes")(lambda: [7, 6, 10, 5])
wrong("01.2", "neuron D the -6")(lambda: [7, 10, 10, 10])
wrong("01.2", "The result differs")(lambda: [1, 2, 3, 4])


# 01.3 -----------------------------------------------------------------------


@right("01.3")
def leak_with_plain_loops(times, weights, threshold, beta, t_max):
    v = 0.0
    for t in range(t_max):
        v *= beta
        for i in range(len(times)):
            if times[i] == t:
                v += weights[i]
        if v > threshold:
            return t + 1
    return t_max


@right("01.3")
def leak_in_closed_form(times, weights, threshold, beta, t_max):
    for t in range(t_max):
        heard = times <= t
        if (weights[heard] * beta ** (t - times[heard])).sum() > threshold:
            return t + 1
    return t_max


@wrong("01.3", "Both faults are still there")
def leak_unchanged(times, weights, threshold, beta, t_max):
    potential = 0.0
    for t in range(t_max):
        potential = beta * (potential + weights[times == t].sum())
        if potential > threshold:
            return t + 1
        potential = max(potential, 0.0)
    return t_max


@wrong("01.3", "a spike leaks in the very step in which it arrives")
def leak_too_late(times, weights, threshold, beta, t_max):
    v = 0.0
    for t in range(t_max):
        v = (v + weights[times == t].sum()) * beta
        if v > threshold:
            return t + 1
    return t_max


@wrong("01.3", "cannot stay below 0")
def leak_clipped(times, weights, threshold, beta, t_max):
    v = 0.0
    for t in range(t_max):
        v = max(0.0, v) * beta + weights[times == t].sum()
        if v > threshold:
            return t + 1
    return t_max


@wrong("01.3", "only in steps in which a spike arrives")
def leak_by_events(times, weights, threshold, beta, t_max):
    v = 0.0
    for t in np.unique(times[times < t_max]):
        v = beta * v + weights[times == t].sum()
        if v > threshold:
            return t + 1
    return t_max


# 01.4 -----------------------------------------------------------------------


def _drift(p, at_least=11, only_fired=True, because="b"):
    rng = np.random.default_rng(seed=1)
    fired = sank = 0
    for row in rng.choice([-1, 1], size=(1000, 100), p=[1 - p, p]):
        v, above = 0, False
        for w in row:
            v += w
            above = above or v >= at_least
        fired += above
        sank += v < at_least and (above or not only_fired)
    return {"fired": fired, "sank": sank, "because": because}


right("01.4")(lambda: _drift(0.6))
right("01.4")(lambda: dict(_drift(0.6), because="B"))
wrong("01.4", "when it reaches 10")(lambda: _drift(0.6, at_least=10))
wrong("01.4", "Only one that had fired")(lambda: _drift(0.6, only_fired=False))
wrong("01.4", "the first number belongs to -1")(lambda: _drift(0.4))
wrong("01.4", "Thresholds were the same")(lambda: _drift(0.6, because="a"))
wrong("01.4", "Nothing leaks")(lambda: _drift(0.6, because="c"))
wrong("01.4", "wants the form dict")(lambda: [1, 2, "b"])


# 02.1 -----------------------------------------------------------------------


@right("02.1")
def latency_with_plain_loops(image, t_max):
    times = []
    for p in image:
        times.append((255 - int(p)) * t_max // 255)
    return times


@right("02.1")
def latency_with_floor(image, t_max):
    return np.floor((255 - image.astype(np.int64)) * t_max / np.int64(255))


@wrong("02.1", "bright pixels fire late")
def latency_of_light(image, t_max):
    return [int(p) * t_max // 255 for p in image]


@wrong("02.1", "Your numbers overflow")
def latency_in_bytes(image, t_max):
    return (255 - image) * t_max // 255


@wrong("02.1", "You round to the nearest step")
def latency_rounded(image, t_max):
    return [round((255 - int(p)) * t_max / 255) for p in image]


@wrong("02.1", "You round up")
def latency_up(image, t_max):
    return [-(-(255 - int(p)) * t_max // 255) for p in image]


@wrong("02.1", "not whole numbers")
def latency_in_fractions(image, t_max):
    return t_max * (255 - image.astype(float)) / 255


@wrong("02.1", "black fires in the last step")
def latency_of_black(image, t_max):
    return [min((255 - int(p)) * t_max // 255, t_max - 1) for p in image]


@wrong("02.1", "You divide by 256")
def latency_by_256(image, t_max):
    return [(255 - int(p)) * t_max // 256 for p in image]


# 02.2 -----------------------------------------------------------------------

right("02.2")(lambda: [255.0, 178.0, 76.0, 0.0])
right("02.2")(lambda: np.array([255, 178, 76, 0], dtype=np.uint8))
wrong("02.2", "round the darkness down")(lambda: [255, 179, 77, 0])
wrong("02.2", "You give the darkness")(lambda: [0, 77, 179, 255])
wrong("02.2", "as if the window had 256")(lambda: [255, 252, 248, 245])
wrong("02.2", "You give the darkest")(lambda: [230, 154, 52, 0])


# 02.3 -----------------------------------------------------------------------


@right("02.3")
def ranks_with_plain_loops(image, t_max):
    times = []
    for p in image:
        if p == 0:
            times.append(t_max)
            continue
        brighter = []
        for q in image:
            if q > p and q not in brighter:
                brighter.append(q)
        times.append(min(len(brighter), t_max))
    return times


@right("02.3")
def ranks_with_unique(image, t_max):
    times = np.full(image.size, t_max)
    lit = image > 0
    found = np.unique(255 - image[lit], return_inverse=True)[1]
    times[lit] = np.minimum(found, t_max)
    return times


@wrong("02.3", "darkest pixel fires first")
def ranks_upside_down(image, t_max):
    levels = np.unique(image[image > 0])
    return [min(int((levels < p).sum()), t_max) if p else t_max for p in image]


@wrong("02.3", "equal pixels different ranks")
def ranks_by_argsort(image, t_max):
    order = np.argsort(-image.astype(int), kind="stable")
    times = np.empty(image.size, dtype=int)
    times[order] = np.arange(image.size)
    return np.where(image > 0, np.minimum(times, t_max), t_max)


@wrong("02.3", "gaps after equal pixels")
def ranks_of_sports(image, t_max):
    return [min(int((image > p).sum()), t_max) if p else t_max for p in image]


@wrong("02.3", "black pixels have a rank")
def ranks_of_black(image, t_max):
    levels = np.unique(image)[::-1]
    return [min(int(np.flatnonzero(levels == p)[0]), t_max) for p in image]


@wrong("02.3", "Your ranks begin at 1")
def ranks_from_one(image, t_max):
    levels = sorted(set(image[image > 0].tolist()), reverse=True)
    return [min(levels.index(p) + 1, t_max) if p else t_max for p in image.tolist()]


@wrong("02.3", "outside the window")
def ranks_unlimited(image, t_max):
    levels = sorted(set(image[image > 0].tolist()), reverse=True)
    return [levels.index(p) if p else t_max for p in image.tolist()]


# 02.4 -----------------------------------------------------------------------


@right("02.4")
def jitter_with_plain_loops(times, shift, t_max):
    result = []
    for t, s in zip(times, shift, strict=True):
        result.append(t_max if t == t_max else min(max(t + s, 0), t_max - 1))
    return result


@right("02.4")
def jitter_by_mask(times, shift, t_max):
    fires = times != t_max
    times[fires] = np.minimum(np.maximum(times[fires] + shift[fires], 0), t_max - 1)
    return times


@wrong("02.4", "Both faults are still there")
def jitter_unchanged(times, shift, t_max):
    return [min(max(t + s, 0), t_max) for t, s in zip(times, shift, strict=True)]


@wrong("02.4", "silent pixels fire")
def jitter_of_silence(times, shift, t_max):
    return (times + shift).clip(0, t_max - 1)


@wrong("02.4", "a late spike can be lost")
def jitter_over_the_edge(times, shift, t_max):
    return [
        t if t == t_max else min(max(t + s, 0), t_max) for t, s in zip(times, shift, strict=True)
    ]


@wrong("02.4", "comes back at its other end")
def jitter_in_a_circle(times, shift, t_max):
    return [t if t == t_max else (t + s) % t_max for t, s in zip(times, shift, strict=True)]


# 02.5 -----------------------------------------------------------------------


def _costs(spikes, additions, image, n_out, because="c"):
    dense = len(image) * n_out
    return {"spikes": spikes, "additions": additions, "dense": dense, "because": because}


@right("02.5")
def costs_with_plain_loops(image, n_out):
    spikes = 0
    for p in image:
        if p > 0:
            spikes += 1
    return _costs(spikes, spikes * n_out, image, n_out)


@right("02.5")
def costs_with_arrays(image, n_out):
    lit = (image > 0).sum()
    return _costs(lit, n_out * lit, image, n_out, "C")


@wrong("02.5", "black pixels send none")
def costs_of_black(image, n_out):
    return _costs(image.size, image.size * n_out, image, n_out)


@wrong("02.5", "as a rate code has them")
def costs_of_a_rate_code(image, n_out):
    spikes = sum(int(p) for p in image)
    return _costs(spikes, spikes * n_out, image, n_out)


@wrong("02.5", "one addition for each spike")
def costs_of_one_listener(image, n_out):
    spikes = int((image > 0).sum())
    return _costs(spikes, spikes, image, n_out)


@wrong("02.5", "a window of any length")
def costs_and_the_window(image, n_out):
    return dict(costs_with_plain_loops(image, n_out), because="a")


@wrong("02.5", "makes an addition cheaper")
def costs_and_the_bit(image, n_out):
    return dict(costs_with_plain_loops(image, n_out), because="b")


# 03.1 -----------------------------------------------------------------------


@right("03.1")
def layer_with_plain_loops(times, weights, threshold, t_max):
    result = []
    for row in weights:
        v = 0
        fires_at = t_max
        for t in range(t_max):
            for i in range(len(times)):
                if times[i] == t:
                    v += row[i]
            if v > threshold:
                fires_at = t + 1
                break
        result.append(fires_at)
    return result


@right("03.1")
def layer_as_a_product(times, weights, threshold, t_max):
    above = weights @ (times[:, None] <= np.arange(t_max)) > threshold
    return np.where(above.any(axis=1), above.argmax(axis=1) + 1, t_max)


@wrong("03.1", "You compare with >=")
def layer_reaches(times, weights, threshold, t_max):
    above = weights @ (times[:, None] <= np.arange(t_max)) >= threshold
    return np.where(above.any(axis=1), above.argmax(axis=1) + 1, t_max)


@wrong("03.1", "stamped one step later")
def layer_at_once(times, weights, threshold, t_max):
    above = weights @ (times[:, None] <= np.arange(t_max)) > threshold
    return np.where(above.any(axis=1), above.argmax(axis=1), t_max)


@wrong("03.1", "let a silent neuron pass on a spike at t_max")
def layer_hears_silence(times, weights, threshold, t_max):
    above = weights @ (times[:, None] <= np.arange(t_max + 1)) > threshold
    return np.where(above.any(axis=1), above.argmax(axis=1) + 1, t_max)


@wrong("03.1", "Your loop goes on to step t_max")
def layer_one_step_too_many(times, weights, threshold, t_max):
    v = np.zeros(len(weights))
    result = np.full(len(weights), t_max)
    for t in range(t_max + 1):
        v += weights[:, times == t].sum(axis=1)
        result[(v > threshold) & (result == t_max)] = t + 1
    return result


@wrong("03.1", "Your neurons fire again")
def layer_fires_again(times, weights, threshold, t_max):
    v = np.zeros(len(weights))
    result = np.full(len(weights), t_max)
    for t in range(t_max):
        v += weights[:, times == t].sum(axis=1)
        result[v > threshold] = t + 1
    return result


@wrong("03.1", "only look at steps in which a spike arrives")
def layer_by_events(times, weights, threshold, t_max):
    v = np.zeros(len(weights))
    result = np.full(len(weights), t_max)
    for t in np.unique(times[times < t_max]):
        v += weights[:, times == t].sum(axis=1)
        result[(v > threshold) & (result == t_max)] = t + 1
    return result


@wrong("03.1", "at the end")
def layer_of_the_last_day(times, weights, threshold, t_max):
    heard = times < t_max
    last = max([0, *times[heard]]) + 1
    return np.where((weights * heard).sum(axis=1) > threshold, last, t_max)


@wrong("03.1", "after every single spike")
def layer_hasty(times, weights, threshold, t_max):
    result = []
    for row in weights:
        v, stamp = 0, t_max
        for t in range(t_max):
            for w in row[times == t]:
                v += w
                if v > threshold:
                    stamp = min(stamp, t + 1)
            if v > threshold:
                stamp = min(stamp, t + 1)
        result.append(stamp)
    return result


@wrong("03.1", "wants the form list of")
def layer_of_one(times, weights, threshold, t_max):
    return layer_with_plain_loops(times, weights, threshold, t_max)[0]


# 03.2 -----------------------------------------------------------------------


@right("03.2")
def decision_with_plain_loops(spike_times, potential, t_max):
    best = 0
    for j in range(1, len(spike_times)):
        earlier = spike_times[j] < spike_times[best]
        tied = spike_times[j] == spike_times[best]
        if earlier or (tied and potential[j] > potential[best]):
            best = j
    return best


@right("03.2")
def decision_by_sorting(spike_times, potential, t_max):
    return np.lexsort((np.arange(len(potential)), -potential, spike_times))[0]


@wrong("03.2", "the largest potential, not the earliest spike")
def decision_by_potential(spike_times, potential, t_max):
    return max(range(len(potential)), key=lambda j: potential[j])


@wrong("03.2", "break a tie by the lower index")
def decision_by_index(spike_times, potential, t_max):
    if min(spike_times) == t_max:
        return np.argmax(potential)
    return np.argmin(spike_times)


@wrong("03.2", "You use argmin alone")
def decision_by_argmin(spike_times, potential, t_max):
    return list(spike_times).index(min(spike_times))


@wrong("03.2", "all outputs are silent you say class 0")
def decision_silent_zero(spike_times, potential, t_max):
    if all(t == t_max for t in spike_times):
        return 0
    return decision_with_plain_loops(spike_times, potential, t_max)


@wrong("03.2", "you give no class")
def decision_silent_none(spike_times, potential, t_max):
    if all(t == t_max for t in spike_times):
        return -1
    return decision_with_plain_loops(spike_times, potential, t_max)


@wrong("03.2", "the one with the smallest potential")
def decision_by_smallest(spike_times, potential, t_max):
    return np.lexsort((potential, spike_times))[0]


@wrong("03.2", "you take the last neuron")
def decision_last(spike_times, potential, t_max):
    best = 0
    for j in range(1, len(spike_times)):
        if (spike_times[j], -potential[j]) <= (spike_times[best], -potential[best]):
            best = j
    return best


@wrong("03.2", "You took the latest spike")
def decision_latest(spike_times, potential, t_max):
    return np.argmax(spike_times)


# 03.3 -----------------------------------------------------------------------


def _rules(first, lowest, unique, potential):
    names = ("first-spike", "lowest-index", "unique", "potential")
    return dict(zip(names, (first, lowest, unique, potential), strict=True))


right("03.3")(lambda: _rules(2, 1, -1, 0))
right("03.3")(lambda: dict(reversed(_rules(2.0, np.int16(1), -1, 0).items())))
wrong("03.3", "by their potentials, not by their numbers")(lambda: _rules(1, 1, -1, 0))
wrong("03.3", "gives no answer when two neurons are first")(lambda: _rules(2, 1, 2, 0))
wrong("03.3", "ignores the times altogether")(lambda: _rules(2, 1, -1, 2))
wrong("03.3", "only among the earliest")(lambda: _rules(2, 0, -1, 0))


# 03.4 -----------------------------------------------------------------------


@right("03.4")
def potential_with_plain_loops(times, weights, spike_times, t_max):
    result = []
    for j in range(len(weights)):
        v = 0
        for i in range(len(times)):
            if times[i] < spike_times[j]:
                v += weights[j][i]
        result.append(v)
    return result


@right("03.4")
def potential_with_einsum(times, weights, spike_times, t_max):
    return np.einsum("ji,ji->j", weights, (times[None] < spike_times[:, None]).astype(int))


@wrong("03.4", "so < and not <=")
def potential_unchanged(times, weights, spike_times, t_max):
    return [w[times <= t].sum() for w, t in zip(weights, spike_times, strict=True)]


@wrong("03.4", "Silent inputs are out now")
def potential_half_repaired(times, weights, spike_times, t_max):
    return [
        w[(times <= t) & (times != t_max)].sum() for w, t in zip(weights, spike_times, strict=True)
    ]


@wrong("03.4", "leave out the spikes of the step of the crossing")
def potential_before(times, weights, spike_times, t_max):
    return [w[times < t - 1].sum() for w, t in zip(weights, spike_times, strict=True)]


@wrong("03.4", "silent neurons a potential of 0")
def potential_of_silence(times, weights, spike_times, t_max):
    both = zip(weights, spike_times, strict=True)
    return [w[times < t].sum() if t < t_max else 0 for w, t in both]


@wrong("03.4", "all spikes of the window")
def potential_at_the_end(times, weights, spike_times, t_max):
    return weights @ (times != t_max)


# 03.5 -----------------------------------------------------------------------


def _count(spike_times, labels, because="a"):
    alone = among = 0
    for row, label in zip(spike_times, labels, strict=True):
        first = [j for j, t in enumerate(row) if t == min(row)]
        among += label in first
        alone += first == [label]
    n = len(labels)
    return {"unique": alone / n, "published": among / n, "because": because}


@right("03.5")
def counts_with_plain_loops(spike_times, labels, t_max):
    return _count(spike_times, labels)


@right("03.5")
def counts_with_arrays(spike_times, labels, t_max):
    ours = np.take_along_axis(spike_times, labels[:, None], axis=1)
    rivals = (spike_times <= ours).sum(axis=1)
    beaten = (spike_times < ours).any(axis=1)
    return {"unique": np.mean(rivals == 1), "published": np.mean(~beaten), "because": "A"}


@wrong("03.5", "you give a tie to the lower index")
def counts_by_argmin(spike_times, labels, t_max):
    by_index = float((spike_times.argmin(axis=1) == labels).mean())
    return dict(_count(spike_times, labels), unique=by_index)


@wrong("03.5", "You have the two exchanged")
def counts_exchanged(spike_times, labels, t_max):
    c = _count(spike_times, labels)
    return dict(c, unique=c["published"], published=c["unique"])


@wrong("03.5", "You give numbers of images")
def counts_not_shares(spike_times, labels, t_max):
    c = _count(spike_times, labels)
    n = len(labels)
    return dict(c, unique=round(n * c["unique"]), published=round(n * c["published"]))


@wrong("03.5", "silent images do not occur")
def counts_and_silence(spike_times, labels, t_max):
    return _count(spike_times, labels, "b")


@wrong("03.5", "both read the same spike times")
def counts_and_potentials(spike_times, labels, t_max):
    return _count(spike_times, labels, "c")


# 04.1 -----------------------------------------------------------------------


@right("04.1")
def targets_with_plain_loops(spike_times, label, gamma, t_max):
    first = min(spike_times)
    result = []
    for j in range(len(spike_times)):
        if first == t_max:
            result.append(t_max - gamma if j == label else t_max)
        elif j == label:
            result.append(first)
        elif spike_times[j] < first + gamma:
            result.append(min(first + gamma, t_max))
        else:
            result.append(spike_times[j])
    return result


@right("04.1")
def targets_with_arrays(spike_times, label, gamma, t_max):
    first = spike_times.min()
    result = np.minimum(np.maximum(spike_times, first + gamma), t_max)
    result[label] = first if first < t_max else t_max - gamma
    return result


def _ruled(spike_times, label, gamma, t_max, push=None, first=None):
    first = min(spike_times) if first is None else first
    if min(spike_times) == t_max:
        return [t_max - gamma if j == label else t_max for j in range(len(spike_times))]
    push = push or (lambda t: max(t, first + gamma))
    return [first if j == label else min(push(t), t_max) for j, t in enumerate(spike_times)]


@wrong("04.1", "You push every other neuron to tau + gamma")
def targets_all_pushed(spike_times, label, gamma, t_max):
    tau = min(spike_times)
    return _ruled(spike_times, label, gamma, t_max, push=lambda t: tau + gamma)


@wrong("04.1", "You measure from the label's neuron")
def targets_from_the_label(spike_times, label, gamma, t_max):
    return _ruled(spike_times, label, gamma, t_max, first=spike_times[label])


@wrong("04.1", "gamma steps behind its own time")
def targets_of_their_own(spike_times, label, gamma, t_max):
    tau = min(spike_times)
    return _ruled(
        spike_times, label, gamma, t_max, push=lambda t: t + gamma if t - tau < gamma else t
    )


@wrong("04.1", "behind the end of the window")
def targets_outside(spike_times, label, gamma, t_max):
    first = spike_times.min()
    if first == t_max:
        return targets_with_arrays(spike_times, label, gamma, t_max)
    result = np.maximum(spike_times, first + gamma)
    result[label] = first
    return result


@wrong("04.1", "Where nobody fires, tau is t_max")
def targets_of_silence(spike_times, label, gamma, t_max):
    result = np.minimum(np.maximum(spike_times, spike_times.min() + gamma), t_max)
    result[label] = spike_times.min()
    return result


@wrong("04.1", "You leave the label's neuron where it is")
def targets_without_the_label(spike_times, label, gamma, t_max):
    result = targets_with_arrays(spike_times, label, gamma, t_max)
    if spike_times.min() < t_max:
        result[label] = spike_times[label]
    return result


# 04.2 -----------------------------------------------------------------------

right("04.2")(lambda: (3, 6, 6, 9))
right("04.2")(lambda: np.array([3.0, 6.0, 6.0, 9.0]))
wrong("04.2", "nothing is asked of it")(lambda: [3, 6, 6, 6])
wrong("04.2", "The first spike came at 3")(lambda: [5, 8, 8, 9])
wrong("04.2", "gamma is measured from the first spike")(lambda: [3, 6, 7, 9])


# 04.3 -----------------------------------------------------------------------


@right("04.3")
def error_with_plain_loops(spike_times, targets, t_max):
    return [(targets[j] - spike_times[j]) / t_max for j in range(len(targets))]


@right("04.3")
def error_in_two_parts(spike_times, targets, t_max):
    return targets / t_max - spike_times / t_max


@wrong("04.3", "Both faults are still there")
def error_unchanged(spike_times, targets, t_max):
    return [(t - w) // t_max for t, w in zip(spike_times, targets, strict=True)]


@wrong("04.3", "Your sign is the other way round")
def error_turned(spike_times, targets, t_max):
    return [(t - w) / t_max for t, w in zip(spike_times, targets, strict=True)]


@wrong("04.3", "You round the error down")
def error_rounded(spike_times, targets, t_max):
    return [(w - t) // t_max for t, w in zip(spike_times, targets, strict=True)]


@wrong("04.3", "Your error is in steps")
def error_in_steps(spike_times, targets, t_max):
    return [w - t for t, w in zip(spike_times, targets, strict=True)]


# 04.4 -----------------------------------------------------------------------


def _moves(spike_times, labels, gamma, t_max, because="b", images=False, late_only=False):
    moves = 0
    for row, label in zip(spike_times, labels, strict=True):
        tau = min(row)
        late = [j == label and t > tau for j, t in enumerate(row)]
        early = [j != label and t < min(tau + gamma, t_max) for j, t in enumerate(row)]
        asked = late if late_only else [a or b for a, b in zip(late, early, strict=True)]
        moves += any(asked) if images else sum(asked)
    return {"moves": moves, "because": because}


right("04.4")(lambda s, y, g, t: _moves(s, y, g, t))


@right("04.4")
def moves_with_arrays(spike_times, labels, gamma, t_max):
    first = spike_times.min(axis=1, keepdims=True)
    is_label = labels[:, None] == np.arange(spike_times.shape[1])
    wanted = np.where(is_label, first, np.clip(spike_times, first + gamma, None).clip(max=t_max))
    return {"moves": np.count_nonzero(wanted != spike_times), "because": "B"}


wrong("04.4", "You count images")(lambda s, y, g, t: _moves(s, y, g, t, images=True))
wrong("04.4", "asked to come earlier")(lambda s, y, g, t: _moves(s, y, g, t, late_only=True))
wrong("04.4", "for any gamma")(lambda s, y, g, t: _moves(s, y, g, t, because="a"))
wrong("04.4", "how long its window is")(lambda s, y, g, t: _moves(s, y, g, t, because="c"))
