"""Answers to the exercises of chapters 11 to 14, as students write them: see ``course_answers``."""

import itertools

import numpy as np
from course_answers import right, wrong

# ruff: noqa: ANN001, ANN201, ANN202, PERF401  (the answers are written as students write them)
# mypy: disable-error-code="no-untyped-def, no-untyped-call, no-any-return"


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
