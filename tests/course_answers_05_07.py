"""Answers to the exercises of chapters 05 to 07 as students write them; see ``course_answers``."""

import math

import numpy as np
from course_answers import right, wrong

# ruff: noqa: ANN001, ANN002, ANN201, ANN202  (the answers are written as students write them)
# mypy: disable-error-code="no-untyped-def, no-untyped-call, no-any-return"


# 05.1 -----------------------------------------------------------------------


@right("05.1")
def update_with_plain_loops(weights, delta, times_in, times_out, eta):
    new = []
    for j in range(len(weights)):
        row = []
        for i in range(len(weights[j])):
            w = weights[j][i]
            if times_in[i] < times_out[j]:
                w = w - eta * delta[j]
            row.append(w)
        new.append(row)
    return new


@right("05.1")
def update_with_where(weights, delta, times_in, times_out, eta):
    late = np.greater_equal.outer(times_out, times_in + 1)
    return np.where(late, weights - np.outer(eta * delta, np.ones(len(times_in))), weights)


@right("05.1")
def update_in_place(weights, delta, times_in, times_out, eta):
    for row, d, t in zip(weights, delta, times_out, strict=True):
        row[times_in < t] -= eta * d
    return weights


def _moved(weights, delta, times_in, times_out, step, heard):
    new = weights.copy()
    for j, i in np.ndindex(weights.shape):
        if heard(times_in[i], times_out[j]):
            new[j, i] += step(delta[j])
    return new


@wrong("05.1", "Your sign is the other way round")
def update_uphill(weights, delta, times_in, times_out, eta):
    return _moved(weights, delta, times_in, times_out, lambda d: eta * d, lambda a, b: a < b)


@wrong("05.1", "so < and not <=")
def update_of_the_same_step(weights, delta, times_in, times_out, eta):
    return _moved(weights, delta, times_in, times_out, lambda d: -eta * d, lambda a, b: a <= b)


@wrong("05.1", "You move every weight")
def update_of_all(weights, delta, times_in, times_out, eta):
    return weights - eta * delta[:, None]


@wrong("05.1", "turn the comparison round")
def update_of_the_late(weights, delta, times_in, times_out, eta):
    return weights - eta * delta[:, None] * (times_out[:, None] < times_in)


@wrong("05.1", "leave out the learning rate")
def update_without_rate(weights, delta, times_in, times_out, eta):
    return _moved(weights, delta, times_in, times_out, lambda d: -d, lambda a, b: a < b)


# 05.2 -----------------------------------------------------------------------


def _back(delta, weights, hidden, outputs, heard=lambda a, b: a < b):
    result = []
    for h in range(len(hidden)):
        total = 0.0
        for k in range(len(outputs)):
            if heard(hidden[h], outputs[k]):
                total += delta[k] * weights[k][h]
        result.append(total)
    return result


def _of_length_1(back):
    length = sum(b * b for b in back) ** 0.5
    return [b / length for b in back] if length else back


@right("05.2")
def hidden_delta_with_plain_loops(delta, weights, hidden, outputs):
    return _of_length_1(_back(delta, weights, hidden, outputs))


@right("05.2")
def hidden_delta_as_a_product(delta, weights, hidden, outputs):
    back = delta @ (weights * (hidden[None] < outputs[:, None]))
    return back / max(np.linalg.norm(back), 1e-300)


@wrong("05.2", "You do not normalise")
def hidden_delta_of_any_length(delta, weights, hidden, outputs):
    return _back(delta, weights, hidden, outputs)


@wrong("05.2", "the two minus signs of the derivation cancel")
def hidden_delta_turned(delta, weights, hidden, outputs):
    return [-d for d in _of_length_1(_back(delta, weights, hidden, outputs))]


@wrong("05.2", "so < and not <=")
def hidden_delta_of_the_same_step(delta, weights, hidden, outputs):
    return _of_length_1(_back(delta, weights, hidden, outputs, lambda a, b: a <= b))


@wrong("05.2", "You take the blame of every output")
def hidden_delta_without_bracket(delta, weights, hidden, outputs):
    return _of_length_1(weights.T @ delta)


@wrong("05.2", "the sum of the absolute values")
def hidden_delta_by_shares(delta, weights, hidden, outputs):
    back = np.array(_back(delta, weights, hidden, outputs))
    return back / np.abs(back).sum() if back.any() else back


@wrong("05.2", "the sum of the squares: the length is its root")
def hidden_delta_without_root(delta, weights, hidden, outputs):
    back = np.array(_back(delta, weights, hidden, outputs))
    return back / (back @ back) if back.any() else back


@wrong("05.2", "you divide by 0")
def hidden_delta_undefined(delta, weights, hidden, outputs):
    back = np.array(_back(delta, weights, hidden, outputs))
    return back / np.sqrt(np.sum(back**2))


# 05.3 -----------------------------------------------------------------------


def _by_hand(delta_out, w_out, delta_hidden, w_hidden):
    return {
        "outputs": [3, 6],
        "delta_out": delta_out,
        "w_out": w_out,
        "delta_hidden": delta_hidden,
        "w_hidden": w_hidden,
    }


@right("05.3")
def hand_update_in_fractions():
    new = [[13 - 5 * 3 / 5, 2], [7 + 4, 6 + 4], [2, -1]]
    return _by_hand((4 / 5, -3 / 5), [[12, 9, 15], [7, 12, 8]], (3 / 5, -4 / 5, 0), new)


@right("05.3")
def hand_update_as_arrays():
    w_out = np.array([[12.0, 9.0, 15.0], [7.0, 12.0, 8.0]])
    d = np.array([0.6, -0.8, 0.0])
    w_hidden = np.array([[13, 2], [7, 6], [2, -1]]) - 5 * d[:, None] * [[1, 0], [1, 1], [0, 0]]
    return dict(reversed(_by_hand(np.array([0.8, -0.6]), w_out, d, w_hidden).items()))


@wrong("05.3", "through the old output weights")
def hand_update_with_old_weights():
    a, b = 0.8 * 16 - 0.6 * 4, -0.6 * 9
    a, b = a / np.hypot(a, b), b / np.hypot(a, b)
    new = [[13 - 5 * a, 2], [7 - 5 * b, 6 - 5 * b], [2, -1]]
    return _by_hand([0.8, -0.6], [[12, 9, 15], [7, 12, 8]], [a, b, 0], new)


@wrong("05.3", "forgot to divide the deltas")
def hand_update_of_any_length():
    w_out = [[16 - 5 * 0.4, 9, 15], [4 + 5 * 0.3, 9 + 5 * 0.3, 8]]
    a, b = 0.4 * 14 - 0.3 * 5.5, -0.3 * 10.5
    return _by_hand(
        [0.4, -0.3], w_out, [a, b, 0], [[13 - 5 * a, 2], [7 - 5 * b, 6 - 5 * b], [2, -1]]
    )


@wrong("05.3", "Your weights move the wrong way")
def hand_update_uphill():
    a, b = 0.8 * 20 - 0.6 * 1, -0.6 * 6
    a, b = a / np.hypot(a, b), b / np.hypot(a, b)
    new = [[13 + 5 * a, 2], [7 + 5 * b, 6 + 5 * b], [2, -1]]
    return _by_hand([0.8, -0.6], [[20, 9, 15], [1, 6, 8]], [a, b, 0], new)


@wrong("05.3", "as if it had been heard")
def hand_update_of_all():
    w_out = np.array([[12.0, 5, 11], [7, 12, 11]])
    d = np.array([0.8, -0.6]) @ w_out
    d = d / np.linalg.norm(d)
    w_hidden = np.array([[13, 2], [7, 6], [2, -1]]) - 5 * d[:, None]
    return _by_hand([0.8, -0.6], w_out, d, w_hidden)


@wrong("05.3", "The result differs in 'w_out' and 'delta_hidden'.")
def hand_update_slip():
    w_out = [[12, 9, 15], [7, 9, 8]]
    return _by_hand([0.8, -0.6], w_out, [0.7, -0.7, 0], [[10, 2], [11, 10], [2, -1]])


# 05.4 -----------------------------------------------------------------------


def _step(w_hidden, w_out, error, times, hidden, outputs, eta, *, faults=""):
    heard = (lambda a, b: a <= b) if "bracket" in faults else (lambda a, b: a < b)
    sign = 1 if "sign" in faults else -1
    delta = _of_length_1(list(error))
    new_out = _moved(w_out, delta, hidden, outputs, lambda d: sign * eta * d, heard)
    passed = w_out if "order" in faults else new_out
    back = _of_length_1(_back(delta, passed, hidden, outputs, heard))
    return _moved(w_hidden, back, times, hidden, lambda d: sign * eta * d, heard), new_out


right("05.4")(_step)


@right("05.4")
def step_with_arrays(w_hidden, w_out, error, times, hidden, outputs, eta):
    out = error / np.linalg.norm(error)
    mask = np.less.outer(hidden, outputs).T
    w_out -= eta * np.outer(out, np.ones(len(hidden))) * mask
    back = np.einsum("k,kh,kh->h", out, w_out, mask)
    if np.any(back != 0):
        back /= np.linalg.norm(back)
    w_hidden -= np.where(times < hidden[:, None], eta * back[:, None], 0)
    return [w_hidden, w_out]


for given, message in {
    "bracket": "One fault is still there: a spike counts only if",
    "sign": "One fault is still there: a positive delta says",
    "order": "One fault is still there: the deltas pass back",
    "bracket sign": "before the neuron's own, in both layers; a positive delta says",
    "bracket order": "before the neuron's own, in both layers; the deltas pass back",
    "sign order": "Two faults are still there: a positive delta",
    "bracket sign order": "All three faults are still there",
}.items():
    wrong("05.4", message)(lambda *case, faults=given: _step(*case, faults=faults))


# 05.5 -----------------------------------------------------------------------


def _fires(times, weights, threshold, t_max):
    for t in range(t_max):
        if sum(w for w, arrival in zip(weights, times, strict=True) if arrival <= t) > threshold:
            return t + 1
    return t_max


def _slopes(times, weights, threshold, t_max, h, *, because="a"):
    slopes = []
    for i in range(len(weights)):
        both = []
        for change in (h, -h):
            w = [int(x) for x in weights]
            w[i] += change
            both.append(_fires(times, w, threshold, t_max))
        slopes.append((both[0] - both[1]) / (2 * h))
    return {"slopes": slopes, "because": because}


right("05.5")(_slopes)


@right("05.5")
def slopes_with_arrays(times, weights, threshold, t_max, h):
    nudges = h * np.eye(len(weights))
    arrived = times[:, None] <= np.arange(t_max)
    up, down = (weights + s * nudges for s in (1, -1))
    late, early = (
        np.where((v > threshold).any(axis=1), (v > threshold).argmax(axis=1) + 1, t_max)
        for v in (down @ arrived, up @ arrived)
    )
    return {"slopes": (early - late) / h / 2, "because": " A"}


@wrong("05.5", "You nudge a weight up only")
def slopes_upwards(times, weights, threshold, t_max, h):
    start, slopes = _fires(times, weights, threshold, t_max), []
    for i in range(len(weights)):
        w = weights.copy()
        w[i] += h
        slopes.append((_fires(times, w, threshold, t_max) - start) / h)
    return {"slopes": slopes, "because": "a"}


@wrong("05.5", "between w - h and w + h lie 2 h")
def slopes_too_steep(times, weights, threshold, t_max, h):
    s = _slopes(times, weights, threshold, t_max, h)
    return {**s, "slopes": [2 * x for x in s["slopes"]]}


@wrong("05.5", "Your sign is the other way round")
def slopes_turned(times, weights, threshold, t_max, h):
    return {
        **(s := _slopes(times, weights, threshold, t_max, h)),
        "slopes": [-x for x in s["slopes"]],
    }


@wrong("05.5", "You do not put a weight back")
def slopes_of_a_worn_neuron(times, weights, threshold, t_max, h):
    slopes = []
    for i in range(len(weights)):
        weights[i] += h
        up = _fires(times, weights, threshold, t_max)
        weights[i] -= 2 * h
        slopes.append((up - _fires(times, weights, threshold, t_max)) / (2 * h))
    return {"slopes": slopes, "because": "a"}


wrong("05.5", "the potential does fall")(lambda *case: _slopes(*case, because="b"))
wrong("05.5", "what the rule assumes changes nothing")(lambda *case: _slopes(*case, because="c"))


# 05.6 -----------------------------------------------------------------------


def _complaint(t_h, outputs, error):
    return any(t_h < t and e for t, e in zip(outputs, error, strict=True))


def _still(
    times, hidden, outputs, error, t_max, *, moves=_complaint, because="b", late=True, still=True
):
    neurons = weights = 0
    for t_h in hidden:
        moving = moves(t_h, outputs, error)
        neurons += not moving
        for t_i in times:
            if (still and not moving) or (late and t_i >= t_h):
                weights += 1
    return {"neurons": neurons, "weights": weights, "because": because}


right("05.6")(_still)


@right("05.6")
def still_with_arrays(times, hidden, outputs, error, t_max):
    last = outputs[np.flatnonzero(error)].max()  # the last one with something to complain about
    moves = hidden < last
    may_move = (times < hidden[:, None])[moves]
    return {
        "neurons": np.sum(~moves),
        "weights": len(times) * len(hidden) - may_move.sum(),
        "because": "b",
    }


@wrong("05.6", "You count silent hidden neurons only")
def still_if_silent(times, hidden, outputs, error, t_max):
    silent = hidden == t_max
    weights = silent[:, None] | (times[None] >= hidden[:, None])
    return {"neurons": silent.sum(), "weights": weights.sum(), "because": "b"}


@wrong("05.6", "You count every output as a listener")
def still_unless_heard(*case):
    return _still(*case, moves=lambda t_h, outputs, error: t_h < max(outputs))


@wrong("05.6", "to be heard by all outputs")
def still_unless_heard_by_all(*case):
    return _still(*case, moves=lambda t_h, outputs, error: t_h < min(outputs[error != 0]))


wrong("05.6", "a weight whose input came too late")(lambda *c: _still(*c, late=False))
wrong("05.6", "a weight into a neuron with a delta of 0")(lambda *c: _still(*c, still=False))
wrong("05.6", "weights may be large")(lambda *c: _still(*c, because="a"))
wrong("05.6", "nothing to stretch")(lambda *c: _still(*c, because="c"))


# 06.1 -----------------------------------------------------------------------


def _error(outputs, label, gamma, t_max):
    tau = min(outputs)
    error = []
    for j, t in enumerate(outputs):
        if j == label:
            target = t_max - gamma if tau == t_max else tau
        else:
            target = max(t, min(tau + gamma, t_max))
        error.append((target - t) / t_max)
    return error


def _epoch(
    times, labels, weights, threshold, eta, gamma, t_max, *, batch=False, skip=None, unit=True,
    sign=1, late=0,
):  # fmt: skip
    w = weights.tolist()
    for image, label in zip(times, labels, strict=True):
        seen = weights.tolist() if batch else w
        outputs = [_fires(image, row, threshold, t_max) for row in seen]
        if skip and skip(outputs, label):
            continue
        delta = _error(outputs, label, gamma, t_max)
        delta = _of_length_1(delta) if unit else delta
        for j, t_j in enumerate(outputs):
            for i, t_i in enumerate(image):
                if t_i < t_j + late:
                    w[j][i] -= sign * eta * delta[j]
    return w


right("06.1")(_epoch)


@right("06.1")
def epoch_with_arrays(times, labels, weights, threshold, eta, gamma, t_max):
    for t, label in zip(times, labels, strict=True):
        above = weights @ (t[:, None] <= np.arange(t_max)) > threshold
        outputs = np.where(above.any(axis=1), above.argmax(axis=1) + 1, t_max)
        e = np.array(_error(outputs, label, gamma, t_max))
        if e.any():
            weights -= np.outer(eta * e / np.linalg.norm(e), np.ones(t.size)) * (
                t < outputs[:, None]
            )
    return weights


@wrong("06.1", "all images see the weights of the start")
def epoch_of_a_batch(*case):
    return _epoch(*case, batch=True)


@wrong("06.1", "You learn from wrong answers only")
def epoch_of_mistakes(*case):
    return _epoch(*case, skip=lambda outputs, label: outputs.index(min(outputs)) == label)


@wrong("06.1", "the label's neuron is first alone")
def epoch_without_clear_winners(*case):
    return _epoch(
        *case,
        skip=lambda outputs, label: all(
            outputs[label] < t for j, t in enumerate(outputs) if j != label
        ),
    )


@wrong("06.1", "the label's neuron is among the first")
def epoch_without_winners(*case):
    return _epoch(*case, skip=lambda outputs, label: outputs[label] == min(outputs))


@wrong("06.1", "You do not normalise")
def epoch_of_small_steps(*case):
    return _epoch(*case, unit=False)


@wrong("06.1", "Your weights move the wrong way")
def epoch_uphill(*case):
    return _epoch(*case, sign=-1)


@wrong("06.1", "in the step of the neuron's own spike")
def epoch_of_the_same_step(*case):
    return _epoch(*case, late=1)


# 06.2 -----------------------------------------------------------------------


def _trace(weights=((3, 4), (-1, 5)), updates=(3, 2, 0), lost="B"):
    return {"weights": weights, "updates": updates, "lost": lost}


right("06.2")(_trace)
right("06.2")(lambda: _trace(np.array([[3.0, 4.0], [-1.0, 5.0]]), np.array([3, 2, 0]), "b"))
wrong("06.2", "still each image teaches")(lambda: _trace([[3, 5], [1, 7]], [0, 0, 0], ""))
wrong("06.2", "You move the weights by the error itself")(
    lambda: _trace([[3, 4.875], [0.75, 6.75]], [3, 3, 3], "")
)
wrong("06.2", "has to get smaller")(lambda: _trace([[3, 6], [3, 9]], [3, 3, 3], "A"))
wrong("06.2", "One image was lost, but two teach")(lambda: _trace(updates=[3, 1, 0]))
wrong("06.2", "A stays right")(lambda: _trace(lost="A"))
wrong("06.2", "The result differs in 'weights'.")(lambda: _trace([[3, 4], [0, 6]]))


# 06.3 -----------------------------------------------------------------------


def _report(accuracy, spread, p, n):
    return {"accuracy": accuracy, "spread": spread, "error": (p * (1 - p) / n) ** 0.5}


def _accuracies(correct):
    return [sum(row) / len(row) for row in correct.tolist()]


@right("06.3")
def report_with_plain_loops(correct):
    each = _accuracies(correct)
    p = sum(each) / len(each)
    return _report(p, max(each) - min(each), p, len(correct[0]))


@right("06.3")
def report_with_arrays(correct):
    each = np.sort(np.mean(correct, axis=1))
    p = correct.mean()
    error = np.sqrt(p - p**2) / np.sqrt(correct.shape[1])
    return {"error": error, "spread": each[-1] - each[0], "accuracy": p}


@wrong("06.3", "You report the best seed")
def report_of_the_best(correct):
    each = _accuracies(correct)
    return _report(max(each), max(each) - min(each), max(each), len(correct[0]))


@wrong("06.3", "Your spread is a standard deviation")
def report_of_deviations(correct):
    each = correct.mean(axis=1)
    return _report(each.mean(), np.std(each), each.mean(), correct.shape[1])


@wrong("06.3", "You forgot the root")
def report_of_a_variance(correct):
    r = report_with_plain_loops(correct)
    return {**r, "error": r["error"] ** 2}


@wrong("06.3", "more seeds do not make more images")
def report_of_all_answers(correct):
    each = correct.mean(axis=1)
    return _report(each.mean(), np.ptp(each), each.mean(), correct.size)


@wrong("06.3", "Your standard error comes from the seeds")
def report_of_seeds(correct):
    return {**report_with_plain_loops(correct), "error": correct.mean(axis=1).std()}


# 06.4 -----------------------------------------------------------------------


def _choose(k, test, *, accuracy=None, flattery=None, first=1):
    accuracy = test[k] if accuracy is None else accuracy
    flattery = max(test) - test[k] if flattery is None else flattery
    return {"epoch": k + first, "accuracy": accuracy, "flattery": flattery}


@right("06.4")
def choice_with_plain_loops(validation, test):
    best = 0
    for k in range(len(validation)):
        if validation[k] > validation[best]:
            best = k
    return _choose(best, test)


right("06.4")(lambda v, t: _choose(list(v).index(max(v)), t))
wrong("06.4", "You still choose on the test set")(lambda v, t: _choose(np.argmax(t), t))


@wrong("06.4", "it is flattered by the")
def choice_reported_where_made(validation, test):
    k = validation.argmax()
    return _choose(k, test, accuracy=validation[k])


wrong("06.4", "You count epochs from 0")(lambda v, t: _choose(v.argmax(), t, first=0))
wrong("06.4", "You take the last epoch")(lambda v, t: _choose(len(v) - 1, t))


@wrong("06.4", "you take the later one")
def choice_of_the_later(validation, test):
    best = 0
    for k in range(len(validation)):
        if validation[k] >= validation[best]:
            best = k
    return _choose(best, test)


@wrong("06.4", "compares validation with test")
def choice_with_a_gap(validation, test):
    k = validation.argmax()
    return _choose(k, test, flattery=validation[k] - test[k])


# 06.5 -----------------------------------------------------------------------


def _taught(
    spike_times, labels, gamma, t_max, *, because="c", ties_lose=False, gap=0, numbers=False
):
    beaten = teach = 0
    for times, label in zip(spike_times.tolist(), labels, strict=True):
        others = [t for j, t in enumerate(times) if j != label]
        own, tau = times[label], min(times)
        beaten += min(others) <= own if ties_lose else min(others) < own
        teach += own > tau or any(t < min(tau + gamma + gap, t_max) for t in others)
    n = 1 if numbers else len(labels)
    return {"beaten": beaten / n, "teach": teach / n, "because": because}


right("06.5")(_taught)


@right("06.5")
def taught_with_arrays(spike_times, labels, gamma, t_max):
    own = np.take_along_axis(spike_times, labels[:, None], axis=1)
    rest = spike_times.copy()
    np.put_along_axis(rest, labels[:, None], t_max, axis=1)
    rival = rest.min(axis=1)
    ahead = np.minimum(own[:, 0] + gamma, t_max) <= rival
    return {"beaten": np.mean(rival < own[:, 0]), "teach": 1 - ahead.mean(), "because": "C"}


@wrong("06.5", "You count a tie as beaten")
def taught_with_lost_ties(*case):
    return _taught(*case, ties_lose=True)


@wrong("06.5", "exactly gamma steps behind the first")
def taught_at_the_gap(*case):
    return _taught(*case, gap=1)


@wrong("06.5", "You miss some that teach")
def taught_below_the_gap(*case):
    return _taught(*case, gap=-1)


@wrong("06.5", "You count neurons")
def taught_neurons(spike_times, labels, gamma, t_max):
    missed = [_error(t, y, gamma, t_max) for t, y in zip(spike_times, labels, strict=True)]
    shares = _taught(spike_times, labels, gamma, t_max)
    return {**shares, "teach": np.mean(np.array(missed) != 0)}


@wrong("06.5", "You give numbers of images")
def taught_numbers(*case):
    return _taught(*case, numbers=True)


wrong("06.5", "weight decay moves weights on every image")(lambda *c: _taught(*c, because="a"))
wrong("06.5", "looked at with one set of weights")(lambda *c: _taught(*c, because="b"))


# 06.6 -----------------------------------------------------------------------

right("06.6")(lambda: {"A": "c", "B": "a", "C": "b"})
right("06.6")(lambda: {"C": "B", "B": "A", "A": "C"})
wrong("06.6", "nothing was learned by heart there")(lambda: {"A": "c", "B": "d", "C": "b"})
wrong("06.6", "You have A and B exchanged")(lambda: {"A": "a", "B": "c", "C": "b"})
wrong("06.6", "look at how many hidden neurons fire")(lambda: {"A": "b", "B": "a", "C": "c"})
wrong("06.6", "in A they get worse")(lambda: {"A": "d", "B": "a", "C": "b"})


# 07.1 -----------------------------------------------------------------------


def _bits(latent, threshold, scale, *, sign=lambda w: 1 if w >= 0 else -1, limit=math.floor):
    signs = [[sign(w) for w in row] for row in latent]
    return {"signs": signs, "limit": limit(threshold / scale)}


right("07.1")(_bits)


@right("07.1")
def bits_by_search(latent, threshold, scale):
    limit = -100
    while scale * (limit + 1) <= threshold:
        limit += 1
    return {"limit": limit, "signs": 2 * (latent >= 0) - 1}


right("07.1")(lambda latent, theta, a: _bits(latent, theta, a, limit=lambda x: theta // a))
wrong("07.1", "The sign of 0 is 0")(lambda *c: _bits(*c, sign=lambda w: (w > 0) - int(w < 0)))
wrong("07.1", "The sign of 0 is -1")(lambda *c: _bits(*c, sign=lambda w: 1 if w > 0 else -1))
wrong("07.1", "to the nearest whole number")(lambda *c: _bits(*c, limit=np.round))
wrong("07.1", "You round the limit up")(lambda *c: _bits(*c, limit=np.ceil))
wrong("07.1", "the smallest sum that is enough")(lambda *c: _bits(*c, limit=lambda x: x // 1 + 1))
wrong("07.1", "You cut off the digits")(lambda *c: _bits(*c, limit=np.trunc))
wrong("07.1", "has digits after the point")(lambda *c: _bits(*c, limit=float))


# 07.2 -----------------------------------------------------------------------


def _patience(latent, push, *, flipped=lambda a, b: (a < 0) != (b < 0), most=30, never=-1, less=0):
    result = []
    for start, p in zip(latent, push, strict=True):
        w, count = start, 0
        while not flipped(start, w) and count < most:
            w -= p
            count += 1
        result.append(count - less if flipped(start, w) else never)
    return result


right("07.2")(_patience)


@right("07.2")
def patience_in_closed_form(latent, push):
    falls = np.floor(latent / np.where(push > 0, push, 1)) + 1
    rises = np.ceil(latent / np.where(push < 0, push, 1))
    return np.where(
        (latent >= 0) & (push > 0), falls, np.where((latent < 0) & (push < 0), rises, -1)
    )


@wrong("07.2", "the signs around zero the wrong way")
def patience_at_zero(latent, push):
    return _patience(latent, push, flipped=lambda a, b: (a > 0) != (b > 0))


@wrong("07.2", "You count zero as a third sign")
def patience_of_three(latent, push):
    return _patience(latent, push, flipped=lambda a, b: np.sign(a) != np.sign(b))


@wrong("07.2", "the one that flips the sign counts, too")
def patience_before(latent, push):
    return _patience(latent, push, less=1)


@wrong("07.2", "You look at the size of the push only")
def patience_for_any_push(latent, push):
    return _patience(latent, np.where(latent < 0, -np.abs(push), np.abs(push)))


@wrong("07.2", "you mark it with 0")
def patience_of_zero(latent, push):
    return _patience(latent, push, never=0)


# 07.3 -----------------------------------------------------------------------


def _presented(latent=(0.25, 0, -0.25, 0.5), scale=1.7, moved=2, fires=(6, 8)):
    return {"latent": latent, "scale": scale, "moved": moved, "fires": fires}


right("07.3")(_presented)
right("07.3")(lambda: _presented(np.array([0.25, 0, -0.25, 0.5]), 2 - 2 * 0.4 * 3 / 8, 2.0, [6, 8]))
wrong("07.3", "its sign is still +1")(lambda: _presented([0.5, 0.25, 0, 0.5], 1.85, 1, [6, 8]))
wrong("07.3", "You move the scale by the sum")(
    lambda: _presented([0.5, 0.25, 0, 0.5], 2 - 0.4 * 3, 1, [8, 8])
)
wrong("07.3", "You move the weight of D")(lambda: _presented([0.25, 0, -0.25, 0]))
wrong("07.3", "You go on learning after the flip")(
    lambda: _presented([0, -0.25, -0.5, 0.5], 1.65, 3, [6, 8])
)
wrong("07.3", "The result differs in 'fires'.")(lambda: _presented(fires=[6, 7]))


# 07.4 -----------------------------------------------------------------------


def _bit_step(
    latent, scale, delta, times_in, times_out, eta, mu, *, forget=False, n=None, use="sign"
):
    new, total, heard = [], 0, 0
    for j, row in enumerate(latent):
        moved = []
        for i, w in enumerate(row):
            s = 1 if w >= 0 else -1
            took_part = times_in[i] < times_out[j]
            moved.append((s if forget else w) - (eta * delta[j] if took_part else 0))
            if took_part:
                factor = {"sign": s, "latent": w, "new": 1 if moved[-1] >= 0 else -1}[use]
                total += delta[j] * factor
                heard += 1
        new.append(moved)
    count = {None: latent.size, "sum": 1, "neurons": len(latent), "heard": max(heard, 1)}[n]
    return new, scale - mu * total / count


right("07.4")(_bit_step)


@right("07.4")
def bit_step_with_arrays(latent, scale, delta, times_in, times_out, eta, mu):
    arrived = np.less.outer(times_in, times_out).T
    scale -= mu * np.average(np.copysign(1, latent + 0.0) * arrived * delta[:, None])
    latent -= eta * np.einsum("j,ji->ji", delta, arrived)
    return [latent, scale]


wrong("07.4", "Both faults are still there")(lambda *c: _bit_step(*c, forget=True, n="sum"))
wrong("07.4", "You still step from the signs")(lambda *c: _bit_step(*c, forget=True))
wrong("07.4", "The scale still moves by the sum")(lambda *c: _bit_step(*c, n="sum"))
wrong("07.4", "the number of neurons")(lambda *c: _bit_step(*c, n="neurons"))
wrong("07.4", "spikes that took part")(lambda *c: _bit_step(*c, n="heard"))
wrong("07.4", "latent weights into the slope")(lambda *c: _bit_step(*c, use="latent"))
wrong("07.4", "the signs after the update")(lambda *c: _bit_step(*c, use="new"))


# 07.5 -----------------------------------------------------------------------


def _bit(x):
    return 1 if x >= 0 else -1


def _flips(latent, pushes, *, because="a", bit=_bit, net=False, keep=False, idle=False):
    counts = {"latent": 0, "rounded": 0, "hasty": 0}
    for i in range(len(latent)):
        w, s, h = latent[i], bit(latent[i]), bit(latent[i])
        flips = {"latent": 0, "rounded": 0, "hasty": 0}
        for push in pushes[:, i]:
            flips["latent"] += bit(w - push) != bit(w)
            w = w - push
            flips["rounded"] += bit(s - push) != bit(s)
            s = s - push if keep else bit(s - push)
            if h * push > 0 or (idle and push == 0):
                h = -h
                flips["hasty"] += 1
        for way, number in flips.items():
            counts[way] += number % 2 if net else number
    return {**counts, "because": because}


right("07.5")(_flips)


@right("07.5")
def flips_with_arrays(latent, pushes):
    path = np.vstack([latent, latent - np.cumsum(pushes, axis=0)]) >= 0
    s, h = np.where(latent < 0, -1, 1), latent >= 0
    rounded = hasty = 0
    for p in pushes:
        s, old = np.where(s < p, -1, 1), s
        rounded += int(np.count_nonzero(s != old))
        against = np.where(h, p > 0, p < 0)
        h, hasty = h ^ against, hasty + int(np.count_nonzero(against))
    latent_flips = np.count_nonzero(path[1:] != path[:-1])
    return {"because": "A", "latent": latent_flips, "rounded": rounded, "hasty": hasty}


wrong("07.5", "flips and flips back has flipped twice")(lambda *c: _flips(*c, net=True))
wrong("07.5", "keep what a push has left")(lambda *c: _flips(*c, keep=True))
wrong("07.5", "0 is heard as +1, and rounded")(
    lambda *c: _flips(*c, bit=lambda x: 1 if x > 0 else -1)
)
wrong("07.5", "flip on a push of 0")(lambda *c: _flips(*c, idle=True))
wrong("07.5", "the network hears signs")(lambda *c: _flips(*c, because="b"))
wrong("07.5", "the pushes are the same")(lambda *c: _flips(*c, because="c"))
