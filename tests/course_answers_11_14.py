"""Answers to the exercises of chapters 11 to 14, as students write them: see ``course_answers``."""

import itertools

import numpy as np
from course_answers import right, wrong

# ruff: noqa: ANN001, ANN201, ANN202, PERF401  (the answers are written as students write them)
# mypy: disable-error-code="no-untyped-def, no-untyped-call, no-any-return, var-annotated"


# 11.1 -----------------------------------------------------------------------


@right("11.1")
def sign_by_one_long_number(block, thread, tile, i, words, n_out):
    j = block * tile + thread
    if j > n_out - 1:
        return 0
    everything = 0
    for k, word in enumerate(words):
        everything += int(word) << (32 * k)
    return 2 * (everything >> (i * n_out + j) & 1) - 1


@right("11.1")
def sign_by_unpacking(block, thread, tile, i, words, n_out):
    bits = np.unpackbits(words.view(np.uint8), bitorder="little")
    row = bits[i * n_out : (i + 1) * n_out]
    j = thread + tile * block
    return 0 if j >= n_out else 1 if row[j] == 1 else -1


def _bit(words, place, highest_first=False):
    text = f"{int(words[place // 32]):032b}"
    return int(text[place % 32] if highest_first else text[::-1][place % 32])


@wrong("11.1", "You leave out the block")
def sign_without_the_block(block, thread, tile, i, words, n_out):
    return 0 if thread >= n_out else 2 * _bit(words, i * n_out + thread) - 1


@wrong("11.1", "threads without a neuron read on")
def sign_of_nobody(block, thread, tile, i, words, n_out):
    return 2 * _bit(words, i * n_out + block * tile + thread) - 1


@wrong("11.1", "lets one thread too many pass")
def sign_one_too_many(block, thread, tile, i, words, n_out):
    j = block * tile + thread
    if j > n_out:
        return 0
    return 2 * _bit(words, i * n_out + j) - 1


@wrong("11.1", "begin with a new word")
def sign_in_padded_rows(block, thread, tile, i, words, n_out):
    j = block * tile + thread
    if j >= n_out:
        return 0
    words_per_row = (n_out + 31) // 32
    return 2 * _bit(words[i * words_per_row :], j) - 1


@wrong("11.1", "from the other end")
def sign_from_the_other_end(block, thread, tile, i, words, n_out):
    j = block * tile + thread
    return 0 if j >= n_out else 2 * _bit(words, i * n_out + j, highest_first=True) - 1


@wrong("11.1", "the bit and not the sign")
def sign_as_a_bit(block, thread, tile, i, words, n_out):
    j = block * tile + thread
    return 0 if j >= n_out else _bit(words, i * n_out + j)


# 11.2 -----------------------------------------------------------------------


def _card(launches=12, waits=4, blocks=60, idle=1680):
    return {"launches": launches, "waits": waits, "blocks": blocks, "idle": idle}


right("11.2")(_card)
right("11.2")(lambda: {"idle": 60 * 128 - 20 * 300, "blocks": 60, "waits": 4.0, "launches": 12})
wrong("11.2", "another view of the same numbers")(lambda: _card(launches=13))
wrong("11.2", "You leave out a comparison")(lambda: _card(launches=9))
wrong("11.2", "You count the loop once")(lambda: _card(launches=6, waits=2))
wrong("11.2", "`if` needs a number, too")(lambda: _card(waits=1))
wrong("11.2", "their results stay on the card")(lambda: _card(waits=8))
wrong("11.2", "neurons of two images into one block")(
    lambda: _card(blocks=-(-20 * 300 // 128), idle=-(20 * 300) % 128)
)
wrong("11.2", "idle threads of one image")(lambda: _card(idle=3 * 128 - 300))
wrong("11.2", "The result differs")(lambda: _card(launches=100))


# 11.3 -----------------------------------------------------------------------


@right("11.3")
def places_with_plain_loops(fired, order):
    shared = list(fired)
    step = 1
    while step < len(shared):
        read = {}
        for k in order:
            read[k] = shared[k - step] if k >= step else 0
        for k in order:
            shared[k] = shared[k] + read[k]
        step *= 2
    return shared


@right("11.3")
def places_in_two_arrays(fired, order):
    old, step = fired, 1
    while step < len(fired):
        new = old.copy()
        for k in order[order >= step]:
            new[k] = old[k] + old[k - step]
        old, step = new, 2 * step
    return old


@right("11.3")
def places_by_counting(fired, order):
    return [sum(fired[: k + 1]) for k in range(len(fired))]


@wrong("11.3", "The race is still there: thread k reads")
def places_unchanged(fired, order):
    shared = list(fired)
    step = 1
    while step < len(shared):
        for k in order:
            if k - step >= 0:
                shared[k] = shared[k] + shared[k - step]
        step += step
    return shared


@wrong("11.3", "in an order of your own")
def places_in_their_own_order(fired, order):
    step = 1
    while step < len(fired):
        for k in sorted(order):
            if k >= step:
                fired[k] += fired[k - step]
        step *= 2
    return fired


@wrong("11.3", "the numbers of the beginning")
def places_copied_once(fired, order):
    shared, old = fired.copy(), fired.copy()
    step = 1
    while step < len(shared):
        for k in order:
            if k >= step:
                shared[k] += old[k - step]
        step *= 2
    return shared


@wrong("11.3", "read from the other end")
def places_around_the_corner(fired, order):
    shared, step = fired, 1
    while step < len(fired):
        shared = shared + np.roll(shared, step)
        step *= 2
    return shared


@wrong("11.3", "Your step grows by 1")
def places_step_by_step(fired, order):
    shared = fired
    for step in range(1, len(fired)):
        shared = shared + np.concatenate([np.zeros(step, dtype=int), shared[:-step]])
    return shared


@wrong("11.3", "neuron k itself is counted, too")
def places_before(fired, order):
    return [sum(fired[:k]) for k in range(len(fired))]


# 11.4 -----------------------------------------------------------------------


@right("11.4")
def rounds_with_plain_loops(wrong, ahead):
    n = len(wrong)
    k = rounds = version = 0
    updates = []
    while k < n:
        rounds += 1
        for _ in range(ahead):
            if k == n:
                break
            k += 1
            if wrong[k - 1][version]:
                updates.append(k - 1)
                version += 1
                break
    return {"rounds": rounds, "updates": updates}


@right("11.4")
def rounds_from_online_learning(wrong, ahead):
    updates = []
    for k, row in enumerate(wrong):
        if row[len(updates)] == 1:
            updates.append(k)
    ends = [-1, *updates, len(wrong)]
    # Between two updates every full look is a round, and so is the one that finds the next error.
    gaps = [b - a for a, b in itertools.pairwise(ends)]
    rounds = sum(-(-gap // ahead) for gap in gaps[:-1]) + -(-(gaps[-1] - 1) // ahead)
    return {"rounds": rounds, "updates": np.array(updates, dtype=int)}


@wrong("11.4", "that is a mini-batch")
def rounds_of_a_batch(wrong, ahead):
    updates, rounds = [], 0
    for began in range(0, len(wrong), ahead):
        version = len(updates)
        for k in range(began, min(began + ahead, len(wrong))):
            if wrong[k, version]:
                updates.append(k)
        rounds += 1
    return {"rounds": rounds, "updates": updates}


@wrong("11.4", "begins behind all images of this one")
def rounds_that_skip(wrong, ahead):
    updates, rounds = [], 0
    for began in range(0, len(wrong), ahead):
        look = list(wrong[began : began + ahead, len(updates)])
        if 1 in look:
            updates.append(began + look.index(1))
        rounds += 1
    return {"rounds": rounds, "updates": updates}


@wrong("11.4", "the image that was just learned from")
def rounds_that_repeat(wrong, ahead):
    began, rounds, updates = 0, 0, []
    while began < len(wrong):
        rounds += 1
        look = list(wrong[began : began + ahead, len(updates)])
        if 1 in look:
            began += look.index(1)
            updates.append(began)
        else:
            began += len(look)
    return {"rounds": rounds, "updates": updates}


@wrong("11.4", "with the weights of the beginning")
def rounds_with_old_weights(wrong, ahead):
    return rounds_with_plain_loops(np.repeat(wrong[:, :1], len(wrong) + 1, axis=1), ahead)


@wrong("11.4", "only the rounds with an error")
def rounds_with_an_error(wrong, ahead):
    updates = rounds_with_plain_loops(wrong, ahead)["updates"]
    return {"rounds": len(updates), "updates": updates}


# 11.5 -----------------------------------------------------------------------


def _online(weight, limits, rate):
    for limit in limits:
        if weight > limit:
            weight -= rate
    return weight


def _ways(online, batch, because="b"):
    return {"online": online, "batch": batch, "because": because}


@right("11.5")
def ways_with_plain_loops(weight, limits, rate):
    steps = 0
    for limit in limits:
        if weight > limit:
            steps = steps + rate
    return _ways(_online(weight, limits, rate), weight - steps / len(limits))


@right("11.5")
def ways_with_arrays(weight, limits, rate):
    step = np.where(limits < weight, rate, 0.0).mean()
    return _ways(_online(weight, limits, rate), weight - step, "B")


@wrong("11.5", "by the sum of the steps")
def ways_by_the_sum(weight, limits, rate):
    return _ways(_online(weight, limits, rate), weight - rate * sum(weight > limits))


@wrong("11.5", "the number of images with an error")
def ways_among_the_wrong(weight, limits, rate):
    batch = weight - rate if (weight > limits).any() else weight
    return _ways(_online(weight, limits, rate), batch)


@wrong("11.5", "you show every image the first weight")
def ways_without_online(weight, limits, rate):
    errors = (weight > limits).sum()
    return _ways(weight - rate * errors, weight - rate * errors / len(limits))


@wrong("11.5", "You compare with >=")
def ways_that_reach(weight, limits, rate):
    online = weight
    for limit in limits:
        online -= rate if online >= limit else 0
    return _ways(online, weight - rate * np.mean(weight >= limits))


@wrong("11.5", "here all sums are exact")
def ways_and_rounding(weight, limits, rate):
    return dict(ways_with_arrays(weight, limits, rate), because="a")


@wrong("11.5", "both see each image once")
def ways_and_repetition(weight, limits, rate):
    return dict(ways_with_arrays(weight, limits, rate), because="c")


# 12.1 -----------------------------------------------------------------------


def _times_of(spike_times, labels, c, j):
    return [row[j] for row, label in zip(spike_times, labels, strict=True) if label == c]


def _table(spike_times, labels, entry, empty=np.nan):
    classes = range(len(spike_times[0]))
    return [
        [entry(_times_of(spike_times, labels, c, j)) if c in labels else empty for j in classes]
        for c in classes
    ]


@right("12.1")
def matrix_with_plain_loops(spike_times, labels, t_max):
    n, n_classes = spike_times.shape
    result = []
    for c in range(n_classes):
        row = []
        for j in range(n_classes):
            total = images = 0
            for k in range(n):
                if labels[k] == c:
                    total += spike_times[k][j]
                    images += 1
            row.append(total / images if images else float("nan"))
        result.append(row)
    return result


@right("12.1")
def matrix_as_a_product(spike_times, labels, t_max):
    shows = np.arange(spike_times.shape[1])[:, None] == labels
    n = shows.sum(axis=1, keepdims=True)
    return np.where(n > 0, shows @ spike_times / np.maximum(n, 1), np.nan)


@wrong("12.1", "Your matrix lies on its side")
def matrix_on_its_side(spike_times, labels, t_max):
    return np.transpose(matrix_as_a_product(spike_times, labels, t_max))


@wrong("12.1", "You leave silent neurons out of the mean")
def matrix_without_silence(spike_times, labels, t_max):
    def entry(times):
        fired = [t for t in times if t < t_max]
        return sum(fired) / len(fired) if fired else t_max

    return _table(spike_times, labels, entry)


@wrong("12.1", "the number of all images")
def matrix_of_all_images(spike_times, labels, t_max):
    return _table(spike_times, labels, lambda times: sum(times) / len(spike_times))


@wrong("12.1", "You take the median")
def matrix_of_medians(spike_times, labels, t_max):
    return _table(spike_times, labels, np.median)


@wrong("12.1", "You round the mean down")
def matrix_of_whole_numbers(spike_times, labels, t_max):
    return np.floor(matrix_as_a_product(spike_times, labels, t_max))


@wrong("12.1", "the neurons that fired first")
def matrix_of_decisions(spike_times, labels, t_max):
    return matrix_as_a_product(spike_times, np.argmin(spike_times, axis=1), t_max)


@wrong("12.1", "0 is a time")
def matrix_with_zeros(spike_times, labels, t_max):
    return _table(spike_times, labels, np.mean, empty=0)


@wrong("12.1", "wants the form list of")
def matrix_without_empty_rows(spike_times, labels, t_max):
    return [spike_times[labels == c].mean(axis=0) for c in sorted(set(labels))][:-1]


# 12.2 -----------------------------------------------------------------------


def _count_spikes(hidden, outputs, counts):
    both = zip(hidden, outputs, strict=True)
    return [[sum(counts(t, min(o)) for t in layer) for layer in (h, o)] for h, o in both]


@right("12.2")
def spikes_with_plain_loops(hidden, outputs, t_max):
    result = []
    for h, o in zip(hidden, outputs, strict=True):
        first = min(o)
        row = [0, 0]
        for layer, times in enumerate((h, o)):
            for t in times:
                if t <= first and t != t_max:
                    row[layer] += 1
        result.append(row)
    return result


@right("12.2")
def spikes_up_to_the_last_step(hidden, outputs, t_max):
    last = np.minimum(outputs.min(axis=1), t_max - 1)[:, None]
    return np.column_stack([(hidden <= last).sum(axis=1), (outputs <= last).sum(axis=1)])


@wrong("12.2", "Both faults are still there")
def spikes_unchanged(hidden, outputs, t_max):
    first = np.min(outputs)
    return np.transpose([np.sum(hidden <= first, axis=1), np.sum(outputs <= first, axis=1)])


@wrong("12.2", "you still count silent neurons")
def spikes_of_the_silent(hidden, outputs, t_max):
    return _count_spikes(hidden, outputs, lambda t, first: t <= first)


@wrong("12.2", "still share the earliest decision")
def spikes_up_to_one_decision(hidden, outputs, t_max):
    first = outputs.min()
    return _count_spikes(hidden, outputs, lambda t, own: t <= first and t < t_max)


@wrong("12.2", "You stop before the step of the decision")
def spikes_before_the_step(hidden, outputs, t_max):
    return _count_spikes(hidden, outputs, lambda t, first: t < first)


@wrong("12.2", "you count nothing")
def spikes_of_the_decided(hidden, outputs, t_max):
    return _count_spikes(hidden, outputs, lambda t, first: first < t_max and t <= first)


# 12.3 -----------------------------------------------------------------------


def _thresholds(strict=(0, 2, 1), published=(2, 2, 1), tied=(2, 1, 0), silent=(0, 0, 2)):
    return {"strict": strict, "published": published, "tied": tied, "silent": silent}


right("12.3")(_thresholds)
right("12.3")(lambda: {k: np.array(v) for k, v in _thresholds().items()})
wrong("12.3", "You let both counters say the same")(lambda: _thresholds(published=[0, 2, 1]))
wrong("12.3", "You credit ties strictly")(lambda: _thresholds(strict=[2, 2, 1]))
wrong("12.3", "break every tie by the lower number")(lambda: _thresholds(strict=[0, 1, 1]))
wrong("12.3", "it has to exceed it")(lambda: _thresholds(tied=[2, 2, 0]))
wrong("12.3", "You count silence as a tie")(lambda: _thresholds(tied=[2, 1, 2]))
wrong("12.3", "You call every silent image wrong")(
    lambda: _thresholds(strict=[0, 2, 0], published=[2, 2, 0])
)


# 12.4 -----------------------------------------------------------------------


def _says(mean, half, claimed, letters="abc"):
    above, within, below = letters
    letter = above if claimed > mean + half else below if claimed < mean - half else within
    return {"mean": mean, "low": mean - half, "high": mean + half, "says": letter}


def _spread(accuracies, divisor):
    mean = sum(accuracies) / len(accuracies)
    return (sum((a - mean) ** 2 for a in accuracies) / divisor) ** 0.5


@right("12.4")
def interval_with_plain_loops(accuracies, claimed, t):
    n = 0
    total = 0.0
    for a in accuracies:
        total += a
        n += 1
    mean = total / n
    squares = 0.0
    for a in accuracies:
        squares += (a - mean) ** 2
    return _says(mean, t * (squares / (n - 1) / n) ** 0.5, claimed)


@right("12.4")
def interval_with_variance(accuracies, claimed, t):
    half = t * np.sqrt(accuracies.var(ddof=1) / accuracies.size)
    return _says(accuracies.mean(), half, claimed, "ABC")


@wrong("12.4", "NumPy calls ddof=1")
def interval_by_n(accuracies, claimed, t):
    n = len(accuracies)
    return _says(np.mean(accuracies), t * np.std(accuracies) / n**0.5, claimed)


@wrong("12.4", "You leave out the root of n")
def interval_of_single_seeds(accuracies, claimed, t):
    return _says(np.mean(accuracies), t * _spread(accuracies, len(accuracies) - 1), claimed)


@wrong("12.4", "You divide by n")
def interval_without_the_root(accuracies, claimed, t):
    n = len(accuracies)
    return _says(np.mean(accuracies), t * _spread(accuracies, n - 1) / n, claimed)


@wrong("12.4", "You leave out t")
def interval_of_one_error(accuracies, claimed, t):
    n = len(accuracies)
    return _says(np.mean(accuracies), _spread(accuracies, n - 1) / n**0.5, claimed)


@wrong("12.4", "the lowest and the highest seed")
def interval_of_what_was_seen(accuracies, claimed, t):
    low, high = min(accuracies), max(accuracies)
    letter = "a" if claimed > high else "c" if claimed < low else "b"
    return {"mean": np.mean(accuracies), "low": low, "high": high, "says": letter}


@wrong("12.4", "above the interval was not reached")
def interval_turned(accuracies, claimed, t):
    found = interval_with_plain_loops(accuracies, claimed, t)
    return dict(found, says={"a": "c", "b": "b", "c": "a"}[found["says"]])


@wrong("12.4", "below the interval is exceeded")
def interval_that_misses(accuracies, claimed, t):
    found = interval_with_plain_loops(accuracies, claimed, t)
    inside = found["low"] <= claimed <= found["high"]
    return dict(found, says="b" if inside else "a")


# 12.5 -----------------------------------------------------------------------


def _pairs(times, shaken, t_max, keeps=lambda a, b: a < b, silent=False, because="c"):
    ordered = kept = together = 0
    for j in range(len(times)):
        for i in range(j):
            if max(times[i], times[j]) == t_max and not silent:
                continue
            first, last = (i, j) if times[i] < times[j] else (j, i)
            if times[i] == times[j]:
                together += 1
            else:
                ordered += 1
                kept += bool(keeps(shaken[first], shaken[last]))
    return {"ordered": ordered, "kept": kept, "together": together, "because": because}


@right("12.5")
def shaking_with_plain_loops(times, shaken, t_max):
    return _pairs(times, shaken, t_max)


@right("12.5")
def shaking_with_signs(times, shaken, t_max):
    i, j = np.triu_indices((times < t_max).sum(), k=1)
    before, after = times[times < t_max], shaken[times < t_max]
    was, now = np.sign(before[i] - before[j]), np.sign(after[i] - after[j])
    kept = ((was == now) & (was != 0)).sum()
    return {"ordered": (was != 0).sum(), "kept": kept, "together": (was == 0).sum(), "because": "C"}


@wrong("12.5", "You count each pair twice")
def shaking_from_both_sides(times, shaken, t_max):
    found = _pairs(times, shaken, t_max)
    return {k: v if k == "because" else 2 * v for k, v in found.items()}


@wrong("12.5", "its order is lost")
def shaking_with_ties(times, shaken, t_max):
    return _pairs(times, shaken, t_max, keeps=lambda a, b: a <= b)


@wrong("12.5", "pairs with a silent input")
def shaking_of_silence(times, shaken, t_max):
    return _pairs(times, shaken, t_max, silent=True)


@wrong("12.5", "no network, however trained")
def shaking_and_training(times, shaken, t_max):
    return _pairs(times, shaken, t_max, because="a")


@wrong("12.5", "only spikes near the ends")
def shaking_and_the_window(times, shaken, t_max):
    return _pairs(times, shaken, t_max, because="b")


# 13.1 -----------------------------------------------------------------------


def _moment(hidden, signs, thresholds, t_max):
    for t in range(t_max):
        if any((signs * (hidden <= t)).sum(axis=1) > thresholds):
            return t + 1
    return t_max


def _softmax_error(z, label):
    shares = np.exp(z) / np.exp(z).sum()
    shares[label] -= 1
    return shares


@right("13.1")
def errors_with_plain_loops(hidden, signs, thresholds, label, temperature, t_max):
    n_out = len(signs)
    moment = t_max
    v = [0] * n_out
    for t in range(t_max):
        for k in range(n_out):
            for h in range(len(hidden)):
                if hidden[h] == t:
                    v[k] += int(signs[k][h])
        if any(v[k] > thresholds[k] for k in range(n_out)):
            moment = t + 1
            break
    powers = [2.718281828459045 ** ((v[k] - thresholds[k]) / temperature) for k in range(n_out)]
    errors = [power / sum(powers) for power in powers]
    errors[label] -= 1
    return {"moment": moment, "errors": errors}


@right("13.1")
def errors_with_arrays(hidden, signs, thresholds, label, temperature, t_max):
    potential = signs @ (hidden[:, None] <= np.arange(t_max))
    above = (potential > thresholds[:, None]).any(axis=0)
    moment = above.argmax() + 1 if above.any() else t_max
    z = (potential[:, moment - 1] - thresholds) / temperature
    shares = np.exp(z - np.log(np.exp(z).sum()))
    return {"errors": shares - (np.arange(len(z)) == label), "moment": moment}


@wrong("13.1", "Your moment is the step of the crossing")
def errors_at_the_crossing(hidden, signs, thresholds, label, temperature, t_max):
    moment = t_max
    for t in range(t_max - 1):
        if (signs @ (hidden <= t) > thresholds).any():
            moment = t
            break
    z = (signs @ (hidden < moment) - thresholds) / temperature
    return {"moment": moment, "errors": _softmax_error(z, label)}


@wrong("13.1", "the spikes of the moment itself")
def errors_of_the_moment_itself(hidden, signs, thresholds, label, temperature, t_max):
    moment = _moment(hidden, signs, thresholds, t_max)
    heard = (hidden <= moment) & (hidden < t_max)
    z = (signs @ heard - thresholds) / temperature
    return {"moment": moment, "errors": _softmax_error(z, label)}


@wrong("13.1", "the potentials at the end of the window")
def errors_at_the_end(hidden, signs, thresholds, label, temperature, t_max):
    z = (signs @ (hidden < t_max) - thresholds) / temperature
    moment = _moment(hidden, signs, thresholds, t_max)
    return {"moment": moment, "errors": _softmax_error(z, label)}


@wrong("13.1", "You leave out the thresholds")
def errors_without_thresholds(hidden, signs, thresholds, label, temperature, t_max):
    moment = _moment(hidden, signs, thresholds, t_max)
    z = signs @ (hidden < moment) / temperature
    return {"moment": moment, "errors": _softmax_error(z, label)}


@wrong("13.1", "You leave out the temperature")
def errors_without_temperature(hidden, signs, thresholds, label, temperature, t_max):
    moment = _moment(hidden, signs, thresholds, t_max)
    z = signs @ (hidden < moment) - thresholds
    return {"moment": moment, "errors": _softmax_error(z.astype(float), label)}


@wrong("13.1", "Your signs are turned")
def errors_turned(hidden, signs, thresholds, label, temperature, t_max):
    found = errors_with_arrays(hidden, signs, thresholds, label, temperature, t_max)
    return {"moment": found["moment"], "errors": [-e for e in found["errors"]]}


@wrong("13.1", "the shares p themselves")
def errors_as_shares(hidden, signs, thresholds, label, temperature, t_max):
    found = errors_with_arrays(hidden, signs, thresholds, label, temperature, t_max)
    found["errors"][label] += 1
    return found


# 13.2 -----------------------------------------------------------------------


def _slopes(moment=2, errors=(0.75, -0.75), synapses=(0.75, 0, 0), hidden=(1.5, -1.5, 0)):
    return {"moment": moment, "errors": errors, "synapses": synapses, "hidden": hidden}


right("13.2")(_slopes)
right("13.2")(lambda: {k: np.array(v) for k, v in _slopes().items()})
wrong("13.2", "the spike is stamped one step later")(lambda: _slopes(moment=1))
wrong("13.2", "Your errors are turned")(lambda: _slopes(errors=[-0.75, 0.75]))
wrong("13.2", "from that of the label 1 is taken")(lambda: _slopes(errors=[0.75, 0.25]))
wrong("13.2", "signs that had no say")(lambda: _slopes(synapses=[0.75] * 3))
wrong("13.2", "it should have come earlier")(lambda: _slopes(hidden=[1.5, 0, 0]))
wrong("13.2", "6 away from its threshold")(lambda: _slopes(hidden=[1.5, -1.5, 1.5]))
wrong("13.2", "The result differs in 'synapses' and 'hidden'")(
    lambda: _slopes(synapses=[0, 0, 0], hidden=[0, 0, 0])
)


# 13.3 -----------------------------------------------------------------------


def _tell(errors, signs, highest, thresholds, rule):
    both = zip(highest, thresholds, strict=True)
    return [float(errors @ signs[:, h]) * rule(v - theta) for h, (v, theta) in enumerate(both)]


@right("13.3")
def hidden_with_plain_loops(errors, signs, highest, thresholds, width):
    result = []
    for h in range(len(highest)):
        total = 0.0
        if -width < highest[h] - thresholds[h] < width:
            for k in range(len(errors)):
                total += errors[k] * signs[k][h]
        result.append(total)
    return result


@right("13.3")
def hidden_with_where(errors, signs, highest, thresholds, width):
    told = (errors[:, None] * signs).sum(axis=0)
    far = (highest <= thresholds - width) | (highest >= thresholds + width)
    return np.where(far, 0.0, told)


@wrong("13.3", "Only neurons that fired learn from you")
def hidden_unchanged(errors, signs, highest, thresholds, width):
    return _tell(errors, signs, highest, thresholds, lambda u: u < width and u > 0)


@wrong("13.3", "Only neurons that fired learn from you")
def hidden_half_repaired(errors, signs, highest, thresholds, width):
    near, fired = abs(highest - thresholds) < width, highest > thresholds
    return signs.T @ errors * near * fired


@wrong("13.3", "those far below their threshold learn as well")
def hidden_far_below(errors, signs, highest, thresholds, width):
    return _tell(errors, signs, highest, thresholds, lambda u: u < width)


@wrong("13.3", "distance is just the width")
def hidden_at_the_width(errors, signs, highest, thresholds, width):
    return _tell(errors, signs, highest, thresholds, lambda u: -width <= u <= width)


@wrong("13.3", "Your surrogate is a triangle")
def hidden_by_a_triangle(errors, signs, highest, thresholds, width):
    return _tell(errors, signs, highest, thresholds, lambda u: max(width - abs(u), 0) / width)


@wrong("13.3", "All neurons learn from you")
def hidden_without_surrogate(errors, signs, highest, thresholds, width):
    return signs.T @ errors


@wrong("13.3", "Your sign is turned")
def hidden_turned(errors, signs, highest, thresholds, width):
    return _tell(errors, signs, highest, thresholds, lambda u: -1 if abs(u) < width else 0)


# 13.4 -----------------------------------------------------------------------


def _judged(potential, labels, threshold, because="a", reach=0, delay=1, at_end=False):
    """Right, silent and decision time of each image, and the reason."""
    found = []
    t_max = potential.shape[2]
    for image, label in zip(potential.tolist(), labels, strict=True):
        steps = [max(column) for column in zip(*image, strict=True)]
        crossings = [t for t, v in enumerate(steps) if v > threshold - reach]
        c = t_max - 1 if at_end or not crossings else crossings[0]
        at_once = [row[c] for row in image]
        said = at_once.index(max(at_once))
        time = crossings[0] + delay if crossings else t_max
        found.append((said == label, not crossings, time))
    right, silent, time = np.array(found).T
    return {"accuracy": right.mean(), "silent": silent.mean(), "time": time.mean(),
            "because": because}  # fmt: skip


@right("13.4")
def price_with_plain_loops(potential, labels, threshold):
    n, n_classes, t_max = potential.shape
    right = silent = total = 0
    for k in range(n):
        step = None
        for t in range(t_max):
            for j in range(n_classes):
                if potential[k, j, t] > threshold and step is None:
                    step = t
        if step is None:
            silent += 1
            total += t_max
            step = t_max - 1
        else:
            total += step + 1
        best = 0
        for j in range(1, n_classes):
            if potential[k, j, step] > potential[k, best, step]:
                best = j
        right += best == labels[k]
    return {"accuracy": right / n, "silent": silent / n, "time": total / n, "because": "a"}


@right("13.4")
def price_with_arrays(potential, labels, threshold):
    above = potential.max(axis=1) > threshold
    fires = above.any(axis=1)
    step = np.where(fires, above.argmax(axis=1), potential.shape[2] - 1)
    at = np.take_along_axis(potential, step[:, None, None], axis=2)[:, :, 0]
    return {
        "because": "A",
        "time": (step + 1).mean(),
        "silent": np.mean(~fires),
        "accuracy": np.mean(at.argmax(axis=1) == labels),
    }


@wrong("13.4", "You let the potentials of the end decide")
def price_of_the_end(potential, labels, threshold):
    return _judged(potential, labels, threshold, at_end=True)


def _of_those_that_fired(potential, labels, threshold, name):
    fires = (potential > threshold).any(axis=(1, 2))
    found = _judged(potential, labels, threshold)
    few = _judged(potential[fires], labels[fires], threshold) if fires.any() else {name: 0}
    return dict(found, **{name: few[name]})


@wrong("13.4", "Your accuracy leaves out silent images")
def price_of_the_decided(potential, labels, threshold):
    return _of_those_that_fired(potential, labels, threshold, "accuracy")


@wrong("13.4", "Your mean time leaves out silent images")
def price_in_time_of_the_decided(potential, labels, threshold):
    return _of_those_that_fired(potential, labels, threshold, "time")


@wrong("13.4", "Your time is that of the crossing")
def price_at_once(potential, labels, threshold):
    return _judged(potential, labels, threshold, delay=0)


@wrong("13.4", "You compare with >=")
def price_that_reaches(potential, labels, threshold):
    return _judged(potential, labels, threshold, reach=1)


@wrong("13.4", "nothing is learned")
def price_and_learning(potential, labels, threshold):
    return _judged(potential, labels, threshold, because="b")


@wrong("13.4", "no tie is counted as right")
def price_and_ties(potential, labels, threshold):
    return _judged(potential, labels, threshold, because="c")


# 13.5 -----------------------------------------------------------------------


def _words(accuracy, silent, limit, clear):
    words = []
    for k in range(1, len(accuracy)):
        difference = accuracy[k] - accuracy[0]
        if abs(difference) <= clear(k):
            words.append("unclear")
        elif difference < 0:
            words.append("worse")
        else:
            words.append("paid" if silent[k] > limit else "better")
    return words


@right("13.5")
def reading_with_plain_loops(accuracy, silent, n, limit):
    words = []
    for k in range(len(accuracy)):
        if k == 0:
            continue
        square = 0.0
        for a in (accuracy[0], accuracy[k]):
            square += a * (1 - a) / n
        gain = accuracy[k] - accuracy[0]
        word = "unclear"
        if gain < 0 and gain**2 > 4 * square:
            word = "worse"
        if gain > 0 and gain**2 > 4 * square:
            word = "better"
            if silent[k] > limit:
                word = "paid"
        words.append(word)
    return words


@right("13.5")
def reading_with_arrays(accuracy, silent, n, limit):
    square = accuracy * (1 - accuracy) / n
    z = (accuracy - accuracy[0]) / np.sqrt(square + square[0])
    good = np.where(silent > limit, "Paid", "Better")
    return np.select([z > 2, z < -2], [good, "Worse"], "Unclear")[1:]


@wrong("13.5", "from one standard error on")
def reading_of_one_error(accuracy, silent, n, limit):
    square = accuracy * (1 - accuracy) / n
    return _words(accuracy, silent, limit, lambda k: (square[0] + square[k]) ** 0.5)


@wrong("13.5", "the standard error of the variant alone")
def reading_of_the_variant(accuracy, silent, n, limit):
    sigma = np.sqrt(accuracy * (1 - accuracy) / n)
    return _words(accuracy, silent, limit, lambda k: 2 * sigma[k])


@wrong("13.5", "You add the two standard errors")
def reading_of_a_sum(accuracy, silent, n, limit):
    sigma = np.sqrt(accuracy * (1 - accuracy) / n)
    return _words(accuracy, silent, limit, lambda k: 2 * (sigma[0] + sigma[k]))


@wrong("13.5", "You forget the root")
def reading_without_the_root(accuracy, silent, n, limit):
    square = accuracy * (1 - accuracy) / n
    return _words(accuracy, silent, limit, lambda k: 2 * np.hypot(square[0], square[k]))


@wrong("13.5", "You read the accuracy alone")
def reading_of_accuracy(accuracy, silent, n, limit):
    return reading_with_plain_loops(accuracy, 0 * silent, n, limit)


@wrong("13.5", "You have better and worse exchanged")
def reading_turned(accuracy, silent, n, limit):
    square = accuracy * (1 - accuracy) / n
    words = []
    for k in range(1, len(accuracy)):
        z = (accuracy[0] - accuracy[k]) / (square[0] + square[k]) ** 0.5
        good = "paid" if silent[k] > limit else "better"
        words.append(good if z > 2 else "worse" if z < -2 else "unclear")
    return words


# 14.1 -----------------------------------------------------------------------


def _fields(rows, low, high, fields, t_max, step=None, hold=True, reach=None):
    """Go through a table, value by value, with the ranges given."""
    step = step or (lambda far: int(min(far, 1) * t_max))
    reach = reach or min(1, 2 / (fields - 1))
    result = []
    for row in rows:
        times = []
        for v, a, b in zip(row, low, high, strict=True):
            x = (v - a) / (b - a)
            if hold:
                x = min(max(x, 0), 1)
            times.extend(step(abs(x - k / (fields - 1)) / reach) for k in range(fields))
        result.append(times)
    return result


@right("14.1")
def table_with_plain_loops(training, rows, fields, t_max):
    result = []
    for row in rows:
        times = []
        for c in range(len(row)):
            low = high = training[0][c]
            for other in training:
                if other[c] < low:
                    low = other[c]
                if other[c] > high:
                    high = other[c]
            place = (row[c] - low) / (high - low)
            if place < 0:
                place = 0.0
            if place > 1:
                place = 1.0
            for field in range(fields):
                far = abs(place - field / (fields - 1)) / min(1, 2 / (fields - 1))
                times.append(t_max if far >= 1 else far * t_max // 1)
        result.append(times)
    return result


@right("14.1")
def table_with_arrays(training, rows, fields, t_max):
    low, high = training.min(axis=0), training.max(axis=0)
    x = (rows.clip(low, high) - low) / (high - low)
    values = np.repeat(x, fields, axis=1)
    prefers = np.tile(np.arange(fields) / (fields - 1), rows.shape[1])
    far = abs(values - prefers) * max(1, (fields - 1) / 2)
    return np.minimum(far * t_max, t_max).astype(int)


@wrong("14.1", "the new rows have helped to scale themselves")
def table_of_all_rows(training, rows, fields, t_max):
    seen = np.vstack([training, rows])
    return _fields(rows, seen.min(axis=0), seen.max(axis=0), fields, t_max)


@wrong("14.1", "You take the ranges from the new rows")
def table_of_new_rows(training, rows, fields, t_max):
    return table_with_arrays(rows, rows, fields, t_max)


@wrong("14.1", "one range for the whole table")
def table_of_one_range(training, rows, fields, t_max):
    n = rows.shape[1]
    return _fields(rows, [training.min()] * n, [training.max()] * n, fields, t_max)


@wrong("14.1", "A value beyond the training rows is taken as it is")
def table_not_held(training, rows, fields, t_max):
    low, high = training.min(axis=0), training.max(axis=0)
    return _fields(rows, low, high, fields, t_max, hold=False)


@wrong("14.1", "You leave out the reach")
def table_without_reach(training, rows, fields, t_max):
    low, high = training.min(axis=0), training.max(axis=0)
    return _fields(rows, low, high, fields, t_max, reach=1)


@wrong("14.1", "behind the window")
def table_beyond_the_window(training, rows, fields, t_max):
    low, high = training.min(axis=0), training.max(axis=0)
    return _fields(rows, low, high, fields, t_max, lambda far: far * t_max // 1)


@wrong("14.1", "fire late when the value is near")
def table_upside_down(training, rows, fields, t_max):
    low, high = training.min(axis=0), training.max(axis=0)
    return _fields(
        rows, low, high, fields, t_max, lambda far: (1 - far) * t_max // 1 if far < 1 else 0
    )


@wrong("14.1", "You round to the nearest step")
def table_rounded(training, rows, fields, t_max):
    low, high = training.min(axis=0), training.max(axis=0)
    return _fields(rows, low, high, fields, t_max, lambda far: round(min(far, 1) * t_max))


@wrong("14.1", "You put the first fields of all columns first")
def table_field_by_field(training, rows, fields, t_max):
    times = table_with_arrays(training, rows, fields, t_max)
    return np.concatenate([times[:, k::fields] for k in range(fields)], axis=1)


# 14.2 -----------------------------------------------------------------------


@right("14.2")
def scaled_with_plain_loops(table, fold):
    result = []
    for k in range(len(table)):
        row = []
        for c in range(len(table[k])):
            others = []
            for j in range(len(table)):
                if fold[j] != fold[k]:
                    others.append(table[j][c])
            low, high = min(others), max(others)
            row.append(min(max((table[k][c] - low) / (high - low), 0.0), 1.0))
        result.append(row)
    return result


@right("14.2")
def scaled_with_masks(table, fold):
    others = np.ma.masked_array(
        np.broadcast_to(table, (len(table), *table.shape)),
        np.broadcast_to((fold[:, None] == fold)[..., None], (len(table), *table.shape)),
    )
    low, high = others.min(axis=1).data, others.max(axis=1).data
    return (np.clip(table, low, high) - low) / (high - low)


def _scaled(row, seen):
    low, high = np.min(seen, axis=0), np.max(seen, axis=0)
    return (row - low) / (high - low)


@wrong("14.2", "The leak is still there")
def scaled_unchanged(table, fold):
    return [_scaled(row, table) for row in table]


@wrong("14.2", "You scale each fold by its own rows")
def scaled_of_the_fold(table, fold):
    return [_scaled(row, table[fold == k]) for row, k in zip(table, fold, strict=True)]


@wrong("14.2", "your places can lie outside 0 to 1 now")
def scaled_without_clipping(table, fold):
    return [_scaled(row, table[fold != k]) for row, k in zip(table, fold, strict=True)]


@wrong("14.2", "one fold's training rows for all folds")
def scaled_of_one_fold(table, fold):
    return np.clip([_scaled(row, table[fold > 0]) for row in table], 0, 1)


# 14.3 -----------------------------------------------------------------------


def _found(chosen, reported, trainings, because="c"):
    return {"chosen": chosen, "reported": reported, "trainings": trainings, "because": because}


@right("14.3")
def search_with_plain_loops(validation, test):
    best, chosen, trainings = -1.0, 0, 0
    for k, scores in enumerate(validation):
        total = 0.0
        for score in scores:
            total += score
            trainings += 1
        if total / len(scores) > best:
            best, chosen = total / len(scores), k
    return _found(chosen, test[chosen], trainings + 1)


@right("14.3")
def search_with_arrays(validation, test):
    chosen = np.argmax(validation.sum(axis=1))
    n_settings, n_folds = validation.shape
    return _found(chosen, test[chosen], n_settings * n_folds + 1, "C")


@wrong("14.3", "You choose by the test set")
def search_on_the_test_set(validation, test):
    return _found(np.argmax(test), max(test), validation.size + 1)


@wrong("14.3", "You choose by the best single fold")
def search_by_luck(validation, test):
    chosen = np.unravel_index(validation.argmax(), validation.shape)[0]
    return _found(chosen, test[chosen], validation.size + 1)


@wrong("14.3", "the accuracy by which you have chosen")
def search_that_reports_itself(validation, test):
    means = validation.mean(axis=1)
    return _found(means.argmax(), means.max(), validation.size + 1)


@wrong("14.3", "You leave out the last training")
def search_without_the_last(validation, test):
    return dict(search_with_arrays(validation, test), trainings=validation.size)


@wrong("14.3", "You count one training for each setting")
def search_without_folds(validation, test):
    return dict(search_with_arrays(validation, test), trainings=len(validation) + 1)


@wrong("14.3", "has not been trained on")
def search_and_training_rows(validation, test):
    return dict(search_with_arrays(validation, test), because="a")


@wrong("14.3", "which makes them worse and not better")
def search_and_fewer_rows(validation, test):
    return dict(search_with_arrays(validation, test), because="b")


# 14.4 -----------------------------------------------------------------------


def _two_limits(thresholds, scale, fires):
    """The largest sum that does not fire, and the smallest that does, by trying."""
    lowest = [next(n for n in range(-200, 200) if fires(n, theta)) for theta in thresholds]
    return {"exceed": [n - 1 for n in lowest], "reach": lowest}


@right("14.4")
def limits_with_plain_loops(thresholds, scale):
    exceed, reach = [], []
    for theta in thresholds:
        n = -1000
        while not scale * n > theta:
            n += 1
        reach.append(n)
        exceed.append(n - 1)
    return {"exceed": exceed, "reach": reach}


@right("14.4")
def limits_by_floor_division(thresholds, scale):
    return {"reach": thresholds // scale + 1, "exceed": thresholds // scale}


@wrong("14.4", "You multiply by the scale")
def limits_multiplied(thresholds, scale):
    return limits_by_floor_division(thresholds * scale, 1)


@wrong("14.4", "You leave out the scale")
def limits_without_scale(thresholds, scale):
    return _two_limits(thresholds, scale, lambda n, theta: n > theta)


@wrong("14.4", "You do not round")
def limits_as_ratios(thresholds, scale):
    return {"exceed": thresholds / scale, "reach": thresholds / scale + 1}


@wrong("14.4", "Your limit to exceed is rounded up")
def limits_rounded_up(thresholds, scale):
    found = limits_by_floor_division(thresholds, scale)
    return dict(found, exceed=-(-thresholds // scale))


@wrong("14.4", "Your limit to reach is too low")
def limits_that_are_reached(thresholds, scale):
    found = limits_by_floor_division(thresholds, scale)
    return dict(found, reach=[int(np.ceil(theta / scale)) for theta in thresholds])


@wrong("14.4", "You give the same limit twice")
def limits_alike(thresholds, scale):
    return dict.fromkeys(["exceed", "reach"], np.floor(thresholds / scale))


@wrong("14.4", "You cut off the digits")
def limits_cut_off(thresholds, scale):
    exceed = [int(theta / scale) for theta in thresholds]
    return {"exceed": exceed, "reach": [n + 1 for n in exceed]}


# 14.5 -----------------------------------------------------------------------


def _there(hidden=(2, 4, 16), outputs=(6, 9), spikes=(2, 5), far=(2,)):
    return {"hidden": hidden, "outputs": outputs, "spikes": spikes, "far": far}


right("14.5")(_there)
right("14.5")(lambda: {k: [float(t) for t in v] for k, v in reversed(_there().items())})
wrong("14.5", "so it is one step for each layer")(lambda: _there(outputs=[7, 10]))
wrong("14.5", "You leave all times as they are")(lambda: _there(hidden=[3, 5, 16], outputs=[8, 11]))
wrong("14.5", "You move a silent neuron")(lambda: _there(hidden=[2, 4, 15]))
wrong("14.5", "from 0 it can climb again")(lambda: _there(spikes=[2]))
wrong("14.5", "stay above the threshold")(lambda: _there(spikes=[2, 3, 4, 5, 6, 7]))
wrong("14.5", "it has to exceed 2")(lambda: _there(spikes=[1, 3, 5, 7], far=[1]))
wrong("14.5", "You take the first spike away, too")(lambda: _there(far=[]))
