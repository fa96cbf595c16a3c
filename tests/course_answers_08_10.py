"""Answers to the exercises of chapters 08 to 10 as students write them."""

from itertools import pairwise

import numpy as np
from course_answers import right, wrong

import minibs4nn as bs
from minibs4nn.backward import arrived
from minibs4nn.binary import sign
from minibs4nn.targets import normalise, relative_targets, time_error

# ruff: noqa: ANN001, ANN002, ANN003, ANN201, ANN202  (the answers are written as students write them)
# mypy: disable-error-code="no-untyped-def, no-untyped-call, no-any-return"


# 08.1 -----------------------------------------------------------------------


@right("08.1")
def step_with_plain_loops(times, label, latent, scale, threshold, t_max):
    n_out, n_in = latent.shape
    spikes, sums = [], []
    for j in range(n_out):
        s, stamp = 0, t_max
        for t in range(t_max):
            for i in range(n_in):
                if times[i] == t:
                    s += 1 if latent[j, i] >= 0 else -1
            if scale * s > threshold:
                stamp = t + 1
                break
        spikes.append(stamp)
        sums.append(s)
    first = min(spikes)
    if first == t_max:
        return {"latent": latent, "scale": scale}
    errors = []
    for j in range(n_out):
        target = first if j == label else max(spikes[j], first + 1)
        errors.append((target - spikes[j]) / t_max)
    length = sum(e * e for e in errors) ** 0.5
    slope = 0.0
    for j in range(n_out):
        delta = errors[j] / length if length else 0.0
        slope += delta * sums[j]
        for i in range(n_in):
            if times[i] < spikes[j]:
                latent[j, i] -= 0.1 * delta
    return {"latent": latent, "scale": scale - 0.01 * slope / (n_out * n_in)}


def _step(times, label, latent, scale, threshold, t_max, **wrong):
    signs = wrong.get("signs", sign)(latent)
    limit = wrong.get("limit", threshold // scale)
    spikes, _ = bs.layer_spike_times(times[None], signs, limit, t_max=t_max)
    silent = wrong.get("silent", "ignore")
    targets = relative_targets(spikes, [label], gamma=1, t_max=t_max, all_silent=silent)
    delta = wrong.get("normalise", normalise)(time_error(spikes, targets, t_max=t_max))[0]
    heard = arrived(times, spikes[0])
    had_part = np.ones_like(heard) if wrong.get("all_inputs") else heard
    start = signs if wrong.get("from_signs") else latent
    new = start - wrong.get("rate", 0.1) * delta[:, None] * had_part
    slope = wrong.get("mean", np.mean)(delta[:, None] * heard * signs)
    return {"latent": new, "scale": scale - wrong.get("mu", 0.01) * slope}


right("08.1")(lambda *image: _step(*image))
wrong("08.1", "on its latent weights, as S4NN would")(lambda *x: _step(*x, signs=lambda w: w))
wrong("08.1", "np.sign says 0")(lambda *image: _step(*image, signs=np.sign))
wrong("08.1", "with the threshold itself")(lambda *image: _step(*image, limit=image[4]))
wrong("08.1", "An image on which no output fires")(lambda *image: _step(*image, silent="teach"))
wrong("08.1", "You use the errors as they are")(lambda *x: _step(*x, normalise=lambda e: e))
wrong("08.1", "Your weights go the wrong way")(lambda *image: _step(*image, rate=-0.1))
wrong("08.1", "the weights of all inputs")(lambda *image: _step(*image, all_inputs=True))
wrong("08.1", "You move the signs")(lambda *image: _step(*image, from_signs=True))
wrong("08.1", "by the sum over its synapses")(lambda *image: _step(*image, mean=np.sum))
wrong("08.1", "Your scale goes the wrong way")(lambda *image: _step(*image, mu=-0.01))


# 08.2 -----------------------------------------------------------------------


def _scale(limit, needs, steps):
    return lambda: {"limit": limit, "needs": needs, "steps": steps}


right("08.2")(_scale(6, 7, 2001))
right("08.2")(lambda: dict(reversed(_scale(6.0, np.int8(7), 2001)().items())))
wrong("08.2", "4 * 5 is 20")(_scale(6, 7, 2000))
wrong("08.2", "the neuron has a sum of 5")(_scale(6, 7, 667))
wrong("08.2", "not by 0.05")(_scale(6, 7, 21))
wrong("08.2", "you rounded it to 7")(_scale(7, 8, 2001))
wrong("08.2", "not to reach it")(_scale(6, 6, 2001))


# 08.3 -----------------------------------------------------------------------


@right("08.3")
def report_with_plain_loops(validation, test):
    chosen = []
    for seed in range(len(validation)):
        best = 0
        for epoch in range(len(validation[seed])):
            if validation[seed][epoch] > validation[seed][best]:
                best = epoch
        chosen.append(test[seed][best])
    return {"accuracy": sum(chosen) / len(chosen), "spread": max(chosen) - min(chosen)}


def _told(chosen, accuracy=np.mean, spread=np.ptp):
    return {"accuracy": accuracy(chosen), "spread": spread(chosen)}


def _at_best(validation, test):
    return np.take_along_axis(test, validation.argmax(axis=1)[:, None], axis=1)[:, 0]


right("08.3")(lambda validation, test: _told(_at_best(validation, test)))


@wrong("08.3", "All three faults are still there")
def report_unchanged(validation, test):
    best = [max(row) for row in test]
    return {"accuracy": max(best), "spread": np.std(best)}


wrong("08.3", "choose the epoch on the test set")(lambda v, test: _told([max(x) for x in test]))
wrong("08.3", "You report the best seed")(lambda v, t: _told(_at_best(v, t), accuracy=np.max))
wrong("08.3", "is the standard deviation")(lambda v, t: _told(_at_best(v, t), spread=np.std))
wrong("08.3", "You take the last epoch")(lambda v, test: _told([row[-1] for row in test]))
wrong("08.3", "the validation accuracy: it chose")(lambda v, t: _told([max(row) for row in v]))


@wrong("08.3", "you take the last of them")
def report_of_the_last_best(validation, test):
    chosen = []
    for seen, shown in zip(validation, test, strict=True):
        chosen.append([t for v, t in zip(seen, shown, strict=True) if v == max(seen)][-1])
    return _told(chosen)


@wrong("08.3", "You choose one epoch for all seeds")
def report_of_one_epoch(validation, test):
    return _told(test[:, np.argmax(validation.sum(axis=0) / len(validation))])


# 08.4 -----------------------------------------------------------------------


def _winner(times, potential, t_max):
    return max(range(len(times)), key=lambda j: (-times[j], potential[j], -j))


def _table(spike_times, potential, labels, t_max, said=_winner):
    n = spike_times.shape[1]
    table = [[0] * n for _ in range(n)]
    for times, v, label in zip(spike_times, potential, labels, strict=True):
        table[label][said(times, v, t_max)] += 1
    return table


@right("08.4")
def confusion_with_plain_loops(spike_times, potential, labels, t_max):
    return _table(spike_times, potential, labels, t_max)


@right("08.4")
def confusion_with_bincount(spike_times, potential, labels, t_max):
    n = spike_times.shape[1]
    said = bs.decide(spike_times, potential, t_max=t_max)
    return np.bincount(n * labels + said, minlength=n * n).reshape(n, n)


@wrong("08.4", "Rows and columns are exchanged")
def confusion_turned(spike_times, potential, labels, t_max):
    return np.transpose(_table(spike_times, potential, labels, t_max))


@wrong("08.4", "by the smallest time alone")
def confusion_by_argmin(spike_times, potential, labels, t_max):
    return _table(spike_times, potential, labels, t_max, said=lambda t, v, end: np.argmin(t))


@wrong("08.4", "You break a tie by the lower index")
def confusion_by_index(spike_times, potential, labels, t_max):
    def said(times, v, t_max):
        return np.argmax(v) if min(times) == t_max else np.argmin(times)

    return _table(spike_times, potential, labels, t_max, said)


@wrong("08.4", "You decide by the largest potential")
def confusion_by_potential(spike_times, potential, labels, t_max):
    return _table(spike_times, potential, labels, t_max, said=lambda t, v, end: np.argmax(v))


@wrong("08.4", "once for each neuron that is first")
def confusion_of_every_tie(spike_times, potential, labels, t_max):
    first = spike_times == spike_times.min(axis=1, keepdims=True)
    return [first[labels == label].sum(axis=0) for label in range(spike_times.shape[1])]


@wrong("08.4", "You leave out images")
def confusion_without_silence(spike_times, potential, labels, t_max):
    fired = spike_times.min(axis=1) < t_max
    return _table(spike_times[fired], potential[fired], labels[fired], t_max)


@wrong("08.4", "shares of each row")
def confusion_in_shares(spike_times, potential, labels, t_max):
    table = _table(spike_times, potential, labels, t_max)
    return [[x / sum(row) if sum(row) else 0 for x in row] for row in table]


# 08.5 -----------------------------------------------------------------------


def _right_by(spike_times, potential, labels, t_max, tie):
    """How many images are right, where a tie that the label is in is settled by ``tie``."""
    n_right = 0
    for times, v, label in zip(spike_times, potential, labels, strict=True):
        first = [j for j in range(len(times)) if times[j] == min(times)]
        n_right += label in first and (len(first) == 1 or tie(first, v, label))
    return n_right


def _gaps(spike_times, potential, sums, labels, t_max, *, because="c", tie=None):
    tie = tie or (lambda first, v, label: max(first, key=lambda j: (v[j], -j)) == label)
    plain = sum(int(np.argmax(row)) == label for row, label in zip(sums, labels, strict=True))
    strict = _right_by(spike_times, potential, labels, t_max, tie)
    lenient = _right_by(spike_times, potential, labels, t_max, lambda *_: True)
    n = len(labels)
    return {"strict": (plain - strict) / n, "published": (plain - lenient) / n, "because": because}


right("08.5")(lambda *networks: _gaps(*networks))


@right("08.5")
def gap_with_arrays(spike_times, potential, sums, labels, t_max):
    plain = np.mean(np.argmax(sums, axis=1) == labels)
    best = np.where(spike_times == spike_times.min(axis=1)[:, None], potential, -np.inf)
    ours = np.take_along_axis(spike_times, labels[:, None], axis=1)
    return {
        "strict": plain - np.mean(best.argmax(axis=1) == labels),
        "published": plain - np.mean((spike_times >= ours).all(axis=1)),
        "because": "C",
    }


@wrong("08.5", "have the other sign")
def gap_turned(*networks):
    gaps = _gaps(*networks)
    return dict(gaps, strict=-gaps["strict"], published=-gaps["published"])


@wrong("08.5", "You have the two exchanged")
def gap_exchanged(*networks):
    gaps = _gaps(*networks)
    return dict(gaps, strict=gaps["published"], published=gaps["strict"])


@wrong("08.5", "You give numbers of images")
def gap_in_images(*networks):
    gaps, n = _gaps(*networks), len(networks[3])
    return dict(gaps, strict=gaps["strict"] * n, published=gaps["published"] * n)


wrong("08.5", "a tie goes to the lower index")(
    lambda *networks: _gaps(*networks, tie=lambda first, v, label: label == first[0])
)
wrong("08.5", "a tie is no answer")(lambda *networks: _gaps(*networks, tie=lambda *_: False))
wrong("08.5", "the times are the same")(lambda *networks: _gaps(*networks, because="a"))
wrong("08.5", "some output fires")(lambda *networks: _gaps(*networks, because="b"))


# 09.1 -----------------------------------------------------------------------


def _in_bytes(bits, filler=0):
    """The bytes of a list of bits, the lowest first."""
    data = []
    for k, bit in enumerate(bits):
        if k % 8 == 0:
            data.append(0)
        data[-1] += int(bit) << k % 8
    for k in range(len(bits), 8 * len(data)):
        data[-1] += filler << k % 8
    return data


def _by_input(signs):
    n_out, n_in = signs.shape
    return [signs[j, i] > 0 for i in range(n_in) for j in range(n_out)]


@right("09.1")
def pack_with_plain_loops(signs):
    return _in_bytes(_by_input(signs))


@right("09.1")
def pack_with_numpy(signs):
    return np.packbits(np.ravel(signs, order="F") == 1, bitorder="little")


@right("09.1")
def pack_as_one_number(signs):
    number = sum(2**k * int(bit) for k, bit in enumerate(_by_input(signs)))
    return list(number.to_bytes(-(-signs.size // 8), "little"))


wrong("09.1", "Your bits run neuron by neuron")(lambda signs: _in_bytes(signs.ravel() > 0))
wrong("09.1", "You begin at the highest bit")(lambda signs: np.packbits(_by_input(signs)))
wrong("09.1", "Your bits say the opposite")(lambda signs: _in_bytes(_by_input(-signs)))
wrong("09.1", "a new byte for each input")(
    lambda signs: [byte for column in signs.T for byte in _in_bytes(column > 0)]
)
wrong("09.1", "the last byte with ones")(lambda signs: _in_bytes(_by_input(signs), filler=1))
wrong("09.1", "that do not fill a byte")(
    lambda signs: _in_bytes(_by_input(signs))[: signs.size // 8]
)
wrong("09.1", "one number for each sign")(lambda signs: list(map(int, _by_input(signs))))


# 09.2 -----------------------------------------------------------------------


@right("09.2")
def unpack_with_plain_loops(data, n_out, n_in):
    signs = [[0] * n_in for _ in range(n_out)]
    for i in range(n_in):
        for j in range(n_out):
            place = i * n_out + j
            bit = int(data[place // 8]) >> (place % 8) & 1
            signs[j][i] = 1 if bit == 1 else -1
    return signs


@right("09.2")
def unpack_with_where(data, n_out, n_in):
    bits = np.unpackbits(data, count=n_out * n_in, bitorder="little")
    return np.where(bits.reshape((n_out, n_in), order="F"), 1, -1)


@wrong("09.2", "All four faults are still there")
def unpack_unchanged(data, n_out, n_in):
    return (np.unpackbits(data) * 2 - 1).reshape((n_out, n_in))


@wrong("09.2", "from its highest bit")
def unpack_from_the_highest(data, n_out, n_in):
    bits = np.unpackbits(data)[: n_out * n_in]
    return np.where(bits.reshape(n_in, n_out).T, 1, -1)


@wrong("09.2", "The zeros that fill up the last byte")
def unpack_with_filler(data, n_out, n_in):
    bits = np.unpackbits(data, bitorder="little")
    return np.where(bits.reshape(n_in, n_out).T, 1, -1)


@wrong("09.2", "Your signs are bytes")
def unpack_unsigned(data, n_out, n_in):
    bits = np.unpackbits(data, count=n_out * n_in, bitorder="little")
    return (bits + bits - np.uint8(1)).reshape(n_in, n_out).T


@wrong("09.2", "You read the bits neuron by neuron")
def unpack_by_neuron(data, n_out, n_in):
    bits = np.unpackbits(data, count=n_out * n_in, bitorder="little")
    return np.where(bits.reshape(n_out, n_in), 1, -1)


@wrong("09.2", "You give bits")
def unpack_to_bits(data, n_out, n_in):
    bits = np.unpackbits(data, count=n_out * n_in, bitorder="little")
    return bits.reshape(n_in, n_out).T


# 09.3 -----------------------------------------------------------------------


def _neuron(**other):
    values = {"weights": 0b01100011, "fired": 0b10101101, "and": 0b00100001, "sum": -1, "xnor": -2}
    return lambda: {**values, **other}


right("09.3")(_neuron())
right("09.3")(lambda: {name: float(value) for name, value in _neuron()().items()})
wrong("09.3", "You begin at the highest bit")(
    _neuron(**{"weights": 0b11000110, "fired": 0b10110101, "and": 0b10000100})
)
wrong("09.3", "is an OR")(_neuron(**{"and": 0b01100011 | 0b10101101}))
wrong("09.3", "is the popcount p")(_neuron(sum=2))
wrong("09.3", "n is 8")(_neuron(sum=2 * 2 - 8))
wrong("09.3", "has the other sign")(_neuron(sum=1))
wrong("09.3", "counts the bits that agree")(_neuron(xnor=3))


# 09.4 -----------------------------------------------------------------------


@right("09.4")
def sums_with_plain_loops(words, fired):
    result = []
    for row in words:
        total = 0
        for word, now in zip(row, fired, strict=True):
            for k in range(8):
                if now >> k & 1:
                    total += 1 if word >> k & 1 else -1
        result.append(total)
    return result


@right("09.4")
def sums_with_texts_of_bits(words, fired):
    n = sum(f"{now:b}".count("1") for now in fired)
    return [2 * sum(f"{both:b}".count("1") for both in row & fired) - n for row in words]


@right("09.4")
def sums_unpacked(words, fired):
    signs = 2 * np.unpackbits(words, axis=1).astype(int) - 1
    return signs @ np.unpackbits(fired)


def _plus(words, fired):
    return np.array([[int(w & f).bit_count() for w, f in zip(row, fired, strict=True)]
                     for row in words]).sum(axis=1)  # fmt: skip


def _n(fired):
    return sum(int(f).bit_count() for f in fired)


wrong("09.4", "You give p")(lambda words, fired: _plus(words, fired))
wrong("09.4", "have the other sign")(lambda words, fired: _n(fired) - 2 * _plus(words, fired))
wrong("09.4", "You use XNOR")(
    lambda words, fired: 2 * _plus(~(words ^ fired), np.full_like(fired, 255)) - 8 * len(fired)
)
wrong("09.4", "all inputs for n")(lambda words, fired: 2 * _plus(words, fired) - 8 * len(fired))
wrong("09.4", "the sum of these is unsigned")(
    lambda words, fired: 2 * np.bitwise_count(words & fired).sum(1) - np.bitwise_count(fired).sum()
)
wrong("09.4", "Your sums are bytes")(
    lambda words, fired: (2 * _plus(words, fired) - _n(fired)).astype(np.uint8)
)
wrong("09.4", "the first byte of each neuron")(
    lambda words, fired: sums_with_plain_loops(words[:, :1], fired[:1])
)


# 09.5 -----------------------------------------------------------------------


@right("09.5")
def counts_with_plain_loops(words, n_neurons):
    result = [0] * n_neurons
    for word in words:
        for j in range(n_neurons):
            if word & 2**j:
                result[j] += 1
    return result


@right("09.5")
def counts_with_ten_planes(words, n_neurons):
    planes = [0] * 10
    for word in words:
        carry = word
        for p in range(10):
            both = planes[p] & carry
            planes[p], carry = planes[p] ^ carry, both
    return [sum(2**p * (planes[p] >> j & 1) for p in range(10)) for j in range(n_neurons)]


def _read(planes, n_neurons):
    return [sum((x >> j & 1) << p for p, x in enumerate(planes)) for j in range(n_neurons)]


def _add_up(words, n_planes):
    planes = [0] * n_planes
    for bits in map(int, words):
        for p in range(n_planes):
            planes[p], bits = planes[p] ^ bits, planes[p] & bits
    return planes


def _add_up_in_two_lines(words, n_planes):
    planes = [0] * n_planes
    for bits in map(int, words):
        for p in range(n_planes):
            planes[p] ^= bits
            bits &= planes[p]
    return planes


wrong("09.5", "Both faults are still there")(lambda w, n: _read(_add_up_in_two_lines(w, 3), n))
wrong("09.5", "Your carry is the AND")(
    lambda words, n: _read(_add_up_in_two_lines(words, len(words).bit_length()), n)
)
wrong("09.5", "three planes count up to 7")(lambda words, n: _read(_add_up(words, 3), n))
wrong("09.5", "You have a plane too few")(
    lambda words, n: _read(_add_up(words, int(np.ceil(np.log2(len(words))))), n)
)
wrong("09.5", "You read the neurons from the left")(
    lambda words, n: counts_with_plain_loops(words, n)[::-1]
)
wrong("09.5", "You add up the digits")(
    lambda words, n: [count.bit_count() for count in counts_with_plain_loops(words, n)]
)


# 09.6 -----------------------------------------------------------------------


@right("09.6")
def bytes_with_plain_loops(layers):
    signs, packed, header = 0, 0, 8 + 3 * 2 + 4 * len(layers) + 4
    for k in range(1, len(layers)):
        n = int(layers[k - 1] * layers[k])
        signs += n
        packed += n // 8 + (1 if n % 8 else 0)
        header += 1 + 4
    return {"int64": 8 * signs, "packed": packed, "file": packed + header, "because": "b"}


@right("09.6")
def bytes_with_arrays(layers):
    n = layers[:-1] * layers[1:]
    packed = np.ceil(n / 8).sum()
    return {
        "int64": n.astype(np.int64).sum() * 64 / 8,
        "packed": packed,
        "file": packed + 13 + 9 * len(layers),
        "because": "B",
    }


def _sized(layers, packed, header=None, width=8, because="b"):
    header = 13 + 9 * len(layers) if header is None else header
    signs = sum(int(a * b) for a, b in pairwise(layers))
    return {
        "int64": width * signs,
        "packed": packed(layers, signs),
        "file": packed(layers, signs) + header,
        "because": because,
    }


def _each(layers, signs):
    return sum(-int(-a * b // 8) for a, b in pairwise(layers))


def _cut(layers, signs):
    return sum(int(a * b) // 8 for a, b in pairwise(layers))


wrong("09.6", "once for the whole network")(lambda x: _sized(x, lambda _, n: -(-n // 8)))
wrong("09.6", "You round down")(lambda layers: _sized(layers, _cut))
wrong("09.6", "You add a byte to each layer")(
    lambda layers: _sized(layers, lambda x, n: _cut(x, n) + len(x) - 1)
)
wrong("09.6", "a byte for each sign")(lambda layers: _sized(layers, lambda _, signs: signs))
wrong("09.6", "Your file has no header")(lambda layers: _sized(layers, _each, header=0))
wrong("09.6", "a threshold for the first layer")(
    lambda layers: _sized(layers, _each, header=18 + 9 * len(layers))
)
wrong("09.6", "You count int8")(lambda layers: _sized(layers, _each, width=1))
wrong("09.6", "the array holds the signs")(lambda layers: _sized(layers, _each, because="a"))
wrong("09.6", "an array of nothing but +1")(lambda layers: _sized(layers, _each, because="c"))


# 10.1 -----------------------------------------------------------------------


@right("10.1")
def events_with_plain_loops(times, columns, limit, t_max):
    n_in, n_out = columns.shape
    v, stamps = [0] * n_out, [t_max] * n_out
    visited = additions = 0
    for t in range(t_max):
        heard = False
        for i in range(n_in):
            if times[i] == t:
                heard = True
                for j in range(n_out):
                    v[j] += columns[i][j]
                    additions += 1
        if heard:
            visited += 1
            for j in range(n_out):
                if v[j] > limit and stamps[j] == t_max:
                    stamps[j] = t + 1
    return {"spike_times": stamps, "visited": visited, "additions": additions}


def _race(times, columns, limit, t_max, **wrong):
    """All at once: the potential after each step that is visited."""
    steps = np.unique(times[times < t_max + wrong.get("late", 0)])
    v = np.array([columns[times <= t].sum(axis=0) for t in steps]).reshape(
        len(steps), columns.shape[1]
    )
    above = v >= limit if wrong.get("reaches") else v > limit
    stamps = []
    for j in range(columns.shape[1]):
        when = [int(t) for t, a in zip(steps, above, strict=True) if a[j]]
        at = wrong.get("which", 0)
        stamps.append(when[at] + wrong.get("delay", 1) if when else t_max)
    heard = int((times < t_max + wrong.get("late", 0)).sum())
    return {
        "spike_times": stamps,
        "visited": wrong.get("visited", len(steps)),
        "additions": wrong.get("additions", heard * columns.shape[1]),
    }


right("10.1")(lambda *layer: _race(*layer))


@wrong("10.1", "is stamped again")
def events_of_silence(times, columns, limit, t_max):
    result = _race(times, columns, limit, t_max, late=1)
    v, stamps = np.zeros(columns.shape[1]), np.full(columns.shape[1], t_max)
    for t in np.unique(times):
        v += columns[times == t].sum(axis=0)
        stamps[(v > limit) & (stamps == t_max)] = t + 1
    return {**result, "spike_times": stamps}


@wrong("10.1", "after every single spike")
def events_hasty(times, columns, limit, t_max):
    result = _race(times, columns, limit, t_max)
    v, stamps = np.zeros(columns.shape[1]), np.full(columns.shape[1], t_max)
    for i in np.argsort(times, kind="stable"):
        if times[i] < t_max:
            v += columns[i]
            stamps[(v > limit) & (stamps == t_max)] = times[i] + 1
    return {**result, "spike_times": stamps}


wrong("10.1", "You compare with >=")(lambda *layer: _race(*layer, reaches=True))
wrong("10.1", "stamped one step later")(lambda *layer: _race(*layer, delay=0))
wrong("10.1", "You visit step t_max:")(lambda *layer: _race(*layer, late=1))
wrong("10.1", "Your neurons fire again")(lambda *layer: _race(*layer, which=-1))
wrong("10.1", "an addition for every synapse")(
    lambda *layer: _race(*layer, additions=layer[1].size)
)
wrong("10.1", "one addition for each spike")(
    lambda *layer: _race(*layer, additions=sum(layer[0] < layer[3]))
)
wrong("10.1", "a visit for each spike")(
    lambda *layer: _race(*layer, visited=sum(layer[0] < layer[3]))
)
wrong("10.1", "You visit every step")(lambda *layer: _race(*layer, visited=layer[3]))


# 10.2 -----------------------------------------------------------------------


def _epochs(first=50, last=23, at_most_first=2.5, at_most_last=1.15):
    return lambda: {
        "first": first,
        "last": last,
        "at_most_first": at_most_first,
        "at_most_last": at_most_last,
    }


right("10.2")(_epochs())
right("10.2")(_epochs(80 / 2 + 20 / 2, 0.05 * 80 + 0.95 * 20, 50 / 20, 23 / 20))
wrong("10.2", "to images with an error only")(_epochs(first=40, last=4))
wrong("10.2", "no image without an error")(_epochs(first=80, last=80))
wrong("10.2", "what an image with an error gains")(_epochs(at_most_first=4, at_most_last=4))
wrong("10.2", "by the share of images")(_epochs(at_most_first=2, at_most_last=20))
wrong("10.2", "of the time that is left")(_epochs(at_most_first=0.4, at_most_last=20 / 23))


# 10.3 -----------------------------------------------------------------------


@right("10.3")
def potentials_with_plain_loops(plus, minus):
    v, result = 0, []
    for t in range(len(plus)):
        v += int(plus[t]) - int(minus[t])
        result.append(v)
    return result


@right("10.3")
def potentials_of_two_sums(plus, minus):
    return np.cumsum(plus, dtype=int) - np.cumsum(minus, dtype=int)


wrong("10.3", "Your sum has 8 bits")(lambda p, m: np.cumsum(p - m, dtype=np.int8))
wrong("10.3", "the difference is not")(lambda p, m: np.cumsum(p - m, dtype=np.int16))
wrong("10.3", "Your sums have no sign")(lambda p, m: np.cumsum(p) - np.cumsum(m))
wrong("10.3", "stop at the ends of 8 bits")(
    lambda p, m: np.minimum(np.maximum(potentials_with_plain_loops(p, m), -128), 127)
)
wrong("10.3", "what each step adds")(
    lambda plus, minus: [int(p) - int(m) for p, m in zip(plus, minus, strict=True)]
)


# 10.4 -----------------------------------------------------------------------


@right("10.4")
def counted_with_plain_loops(times, hidden, outputs, delta, t_max):
    first = min(outputs)
    whole = stopped = update = 0
    for layer, listeners in ((times, len(hidden)), (hidden, len(outputs))):
        for t in layer:
            if t < t_max:
                whole += listeners
            if t < first:
                stopped += listeners
    for j in range(len(outputs)):
        for t in hidden:
            if delta[j] != 0 and t < outputs[j]:
                update += 1
    return {"whole": whole, "stopped": stopped, "update": update}


def _heard(times, hidden, outputs, end):
    return sum(times < end) * len(hidden) + sum(hidden < end) * len(outputs)


def _moved(hidden, outputs, delta):
    return sum(sum(hidden < t) for t, d in zip(outputs, delta, strict=True) if d)


def _left_out(times, hidden, outputs, delta, t_max, **other):
    counted = {
        "whole": _heard(times, hidden, outputs, t_max),
        "stopped": _heard(times, hidden, outputs, min(outputs)),
        "update": _moved(hidden, outputs, delta),
    }
    return {**counted, **other}


right("10.4")(lambda *image: _left_out(*image))
wrong("10.4", "through the step of the first output spike")(
    lambda t, h, o, d, end: _left_out(t, h, o, d, end, stopped=_heard(t, h, o, min(o) + 1))
)
wrong("10.4", "You stop a step too soon")(
    lambda t, h, o, d, end: _left_out(t, h, o, d, end, stopped=_heard(t, h, o, min(o) - 1))
)
wrong("10.4", "silent neurons send spikes at t_max")(
    lambda t, h, o, d, end: _left_out(t, h, o, d, end, whole=_heard(t, h, o, end + 1))
)
wrong("10.4", "additions of the hidden layer alone")(
    lambda t, h, o, d, end: _left_out(
        t, h, o, d, end, whole=sum(t < end) * len(h), stopped=sum(t < min(o)) * len(h)
    )
)
wrong("10.4", "outputs whose delta is 0")(
    lambda t, h, o, d, end: _left_out(t, h, o, d, end, update=_moved(h, o, d * 0 + 1))
)
wrong("10.4", "all hidden neurons that fire")(
    lambda t, h, o, d, end: _left_out(t, h, o, d, end, update=_moved(h, o * 0 + end, d))
)
wrong("10.4", "in the very step of the output's own spike")(
    lambda t, h, o, d, end: _left_out(t, h, o, d, end, update=_moved(h, o + 1, d))
)


# 10.5 -----------------------------------------------------------------------


@right("10.5")
def width_with_plain_questions(n_in):
    if n_in <= 127:
        return {"bits": 8, "lanes": 32, "because": "a"}
    if n_in <= 32767:
        return {"bits": 16, "lanes": 16, "because": "a"}
    return {"bits": 32, "lanes": 8, "because": "a"}


@right("10.5")
def width_of_numpy(n_in):
    bits = 8 * np.min_scalar_type(-n_in - 1).itemsize
    return {"bits": bits, "lanes": 256 / bits, "because": "A"}


def _wide(bits, register=256, because="a"):
    return {"bits": bits, "lanes": register // bits, "because": because}


def _narrowest(n_in):
    return 8 if n_in < 128 else 16 if n_in < 32768 else 32


wrong("10.5", "You use all bits")(lambda n: _wide(8 if n < 256 else 16 if n < 65536 else 32))
wrong("10.5", "128 in 8 bits reads -128")(
    lambda n: _wide(8 if n < 129 else 16 if n < 32769 else 32)
)
wrong("10.5", "You never use 8 bits")(lambda n: _wide(16 if n < 32768 else 32))
wrong("10.5", "You always use 8 bits")(lambda n: _wide(8))
wrong("10.5", "too few by a factor of 8")(lambda n: _wide(_narrowest(n), register=32))
wrong("10.5", "a real weight may be as small")(lambda n: _wide(_narrowest(n), because="b"))
wrong("10.5", "a neuron may hear all its inputs")(lambda n: _wide(_narrowest(n), because="c"))


# 10.6 -----------------------------------------------------------------------


@right("10.6")
def comparison_with_plain_loops(expected, fast):
    times = decisions = 0
    for one, other in zip(expected.tolist(), fast.tolist(), strict=True):
        for a, b in zip(one, other, strict=True):
            if a != b:
                times += 1
        if one.index(min(one)) != other.index(min(other)):
            decisions += 1
    return {"times": times, "decisions": decisions, "because": "c"}


def _compared(expected, fast, *, because="c", **other):
    winners = [np.argmin(times, axis=1) for times in (expected, fast)]
    counted = {
        "times": np.count_nonzero(expected - fast),
        "decisions": sum(winners[0] != winners[1]),
        "because": because,
    }
    return {**counted, **other}


right("10.6")(lambda *kernels: _compared(*kernels, because="C"))
wrong("10.6", "off by one step")(lambda a, b: _compared(a, b, times=np.sum(abs(a - b) > 1)))
wrong("10.6", "cancel each other")(lambda a, b: _compared(a, b, times=abs(a.sum() - b.sum())))
wrong("10.6", "You count images for `times`")(
    lambda a, b: _compared(a, b, times=sum(list(x) != list(y) for x, y in zip(a, b, strict=True)))
)
wrong("10.6", "the times of the first spikes")(
    lambda a, b: _compared(a, b, decisions=sum(min(x) != min(y) for x, y in zip(a, b, strict=True)))
)


@wrong("10.6", "you take the last of them")
def comparison_of_the_last(expected, fast):
    def last(times):
        return max(j for j in range(len(times)) if times[j] == min(times))

    both = zip(expected, fast, strict=True)
    return _compared(expected, fast, decisions=sum(last(x) != last(y) for x, y in both))


wrong("10.6", "neither takes long to compare")(lambda a, b: _compared(a, b, because="a"))
wrong("10.6", "comes from a spike time")(lambda a, b: _compared(a, b, because="b"))
