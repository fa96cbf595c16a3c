"""Exercises of chapter 09: eight signs in a byte, and sums counted on bits."""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from minibs4nn._bits import sizes_in_bytes
from minibs4nn._checks import AnyArray, IntArray
from minibs4nn.binary import pack_bits, unpack_bits
from minibs4nn.course.judging import Misconception, OpenTask, Task
from minibs4nn.course.values import Arguments

__all__ = ["TASKS", "by_hand", "bytes_of", "counts", "pack", "sums", "unpack"]


def _no_arguments(rng: np.random.Generator) -> Iterator[Arguments]:
    yield ()


# 09.1, packing -----------------------------------------------------------------------------------


def pack(signs: IntArray) -> AnyArray:
    """Signs of a layer in bytes; the right answer of 09.1."""
    return pack_bits(signs)


def _padded_with_ones(signs: IntArray) -> AnyArray:
    bits = (signs.T > 0).ravel()
    return np.packbits(np.append(bits, np.ones(-bits.size % 8, dtype=bool)), bitorder="little")


def _layers_of_signs(rng: np.random.Generator) -> Iterator[Arguments]:
    """Layers whose signs fill their last byte, and layers whose signs do not."""
    for number in range(10_000):
        shape = rng.integers(1, 4 + number // 30, size=2)
        yield (rng.choice([-1, 1], size=shape),)


PACK = Task(
    key="09.1",
    title="Pack a layer",
    function="my_pack",
    points=3,
    stars=2,
    minutes=12,
    reference=pack,
    inputs=_layers_of_signs,
    misconceptions=(
        Misconception(
            lambda signs: np.packbits(signs.ravel() > 0, bitorder="little"),
            "Your bits run neuron by neuron: they run input by input, so that what one spike sends "
            "lies side by side.",
        ),
        Misconception(
            lambda signs: np.packbits(signs.T.ravel() > 0),
            "You begin at the highest bit of a byte: the first sign goes to the lowest, which "
            "counts 1.",
        ),
        Misconception(
            lambda signs: np.packbits(signs.T.ravel() < 0, bitorder="little"),
            "Your bits say the opposite: 1 stands for +1, and 0 for -1.",
        ),
        Misconception(
            lambda signs: np.packbits(signs.T > 0, axis=1, bitorder="little").ravel(),
            "You begin a new byte for each input: the bits follow each other with nothing in "
            "between, and only the last byte is filled up.",
        ),
        Misconception(
            _padded_with_ones,
            "You fill up the last byte with ones: it is filled up with zeros.",
        ),
        Misconception(
            lambda signs: np.packbits(signs.T.ravel() > 0, bitorder="little")[: signs.size // 8],
            "You leave out the signs that do not fill a byte: they have a byte, too, filled up "
            "with zeros.",
        ),
        Misconception(
            lambda signs: (signs.T.ravel() > 0).astype(int),
            "You give one number for each sign: eight of them go into one byte.",
        ),
    ),
    uses=("binary.pack_bits",),
)


# 09.2, unpacking, to repair ----------------------------------------------------------------------


def unpack(data: AnyArray, n_out: int, n_in: int) -> AnyArray:
    """Signs from bytes; the right answer of 09.2."""
    return unpack_bits(data, (n_out, n_in))


def _unpack(
    data: AnyArray,
    n_out: int,
    n_in: int,
    *,
    lowest_first: bool = True,
    cut: bool = True,
    signed: bool = True,
    by_input: bool = True,
    zeros: bool = False,
) -> AnyArray:
    """The signs, with one thing wrong for each argument that is not the default."""
    bits: AnyArray = np.unpackbits(data, bitorder="little" if lowest_first else "big")
    if cut:
        bits = bits[: n_out * n_in]
    if signed:
        bits = bits.astype(np.int64)
    signs = bits if zeros else 2 * bits - 1
    return signs.reshape(n_in, n_out).T if by_input else signs.reshape(n_out, n_in)


def _packed_layers(rng: np.random.Generator) -> Iterator[Arguments]:
    """The bytes of layers, more often than not with room in the last one."""
    for (signs,) in _layers_of_signs(rng):
        yield pack_bits(signs), *signs.shape


UNPACK = Task(
    key="09.2",
    title="Repair an unpacking",
    function="my_unpack",
    points=3,
    stars=2,
    minutes=12,
    reference=unpack,
    inputs=_packed_layers,
    misconceptions=(
        Misconception(
            partial(_unpack, lowest_first=False, cut=False, signed=False, by_input=False),
            "All four faults are still there: unpack the byte 27 as two neurons with three inputs "
            "by hand, and compare.",
        ),
        Misconception(
            partial(_unpack, lowest_first=False),
            "You read each byte from its highest bit: the first sign is in the lowest. NumPy has "
            'the word bitorder="little" for it.',
        ),
        Misconception(
            partial(_unpack, cut=False),
            "The zeros that fill up the last byte are still among your bits, and make them too "
            "many for the shape.",
        ),
        Misconception(
            partial(_unpack, signed=False),
            "Your signs are bytes, which know no -1: 2 * 0 - 1 is 255 in a uint8. Make the bits "
            "integers first.",
        ),
        Misconception(
            partial(_unpack, by_input=False),
            "You read the bits neuron by neuron: they were written input by input.",
        ),
        Misconception(
            partial(_unpack, zeros=True),
            "You give bits: a bit of 0 stands for the sign -1.",
        ),
    ),
    uses=("binary.unpack_bits",),
)


# 09.3, one neuron by hand ------------------------------------------------------------------------

# Weights and spikes of eight inputs, input 0 first.
SIGNS = (1, 1, -1, -1, -1, 1, 1, -1)
FIRED = (1, 0, 1, 1, 0, 1, 0, 1)


def by_hand() -> dict[str, int]:
    """Bytes and sums of one neuron with eight inputs; the right answer of 09.3."""
    agrees = 2 * np.array(FIRED) - 1  # the spikes as XNOR takes them: +1 and -1
    weights, fired = (int(pack_bits(np.array([row]))[0]) for row in (SIGNS, agrees))
    return {
        "weights": weights,
        "fired": fired,
        "and": weights & fired,
        "sum": int(np.dot(SIGNS, FIRED)),
        "xnor": int(np.dot(SIGNS, agrees)),
    }


BY_HAND = Task(
    key="09.3",
    title="Predict an AND",
    function="my_bits",
    points=2,
    stars=1,
    minutes=8,
    reference=by_hand,
    inputs=_no_arguments,
    misconceptions=(
        Misconception(
            lambda: {**by_hand(), "weights": 198, "fired": 181, "and": 132},
            "You begin at the highest bit: input 0 stands on the right and counts 1, input 7 "
            "counts 128.",
        ),
        Misconception(
            lambda: {**by_hand(), "and": 239},
            "Your `and` is an OR: AND has a 1 only where both have one.",
        ),
        Misconception(
            lambda: {**by_hand(), "sum": 2},
            "Your `sum` is the popcount p: the other inputs that fired take 1 away each.",
        ),
        Misconception(
            lambda: {**by_hand(), "sum": -4},
            "In your `sum` n is 8: n counts the inputs that have fired.",
        ),
        Misconception(
            lambda: {**by_hand(), "sum": 1},
            "Your `sum` has the other sign: it is 2p - n.",
        ),
        Misconception(
            lambda: {**by_hand(), "xnor": 3},
            "Your `xnor` counts the bits that agree: in the sum, each that differs takes 1 away.",
        ),
    ),
)


# 09.4, sums from bytes ---------------------------------------------------------------------------


def sums(words: AnyArray, fired: AnyArray) -> AnyArray:
    """Sum of signs of each neuron, from its bits; the right answer of 09.4."""
    return _sums(words, fired)


def _sums(words: AnyArray, fired: AnyArray, *, dtype: npt.DTypeLike = np.int64) -> AnyArray:
    return np.asarray(2 * _ones(words & fired, dtype) - _ones(fired, dtype))


def _ones(words: AnyArray, dtype: npt.DTypeLike = np.int64) -> AnyArray:
    """How many bits are 1 in each row."""
    return np.asarray(np.bitwise_count(words).sum(axis=-1, dtype=dtype))


def _words(rng: np.random.Generator) -> Iterator[Arguments]:
    """Neurons with a few bytes of inputs, of which few or many have fired."""
    for number in range(10_000):
        n_out, n_words = (
            int(rng.integers(1, 3 + number // 60)),
            int(rng.integers(1, 3 + number // 60)),
        )
        share = rng.choice([0.1, 0.3, 0.6])
        words = rng.integers(0, 256, size=(n_out, n_words), dtype=np.uint8)
        yield words, np.packbits(rng.random(8 * n_words) < share, bitorder="little")


SUMS = Task(
    key="09.4",
    title="Sums by counting",
    function="my_sums",
    points=3,
    stars=2,
    minutes=12,
    reference=sums,
    inputs=_words,
    misconceptions=(
        Misconception(
            lambda words, fired: _ones(words & fired),
            "You give p, the spikes through weights of +1: those through weights of -1 take 1 away "
            "each, 2p - n in all.",
        ),
        Misconception(
            lambda words, fired: _ones(fired) - 2 * _ones(words & fired),
            "Your sums have the other sign: 2p - n.",
        ),
        Misconception(
            lambda words, fired: 2 * _ones(~(words ^ fired)) - 8 * fired.size,
            "You use XNOR: it takes an input that has not fired for a spike of -1. Such an input "
            "counts 0, and AND drops it.",
        ),
        Misconception(
            lambda words, fired: 2 * _ones(words & fired) - 8 * fired.size,
            "You take all inputs for n: n counts those that have fired.",
        ),
        Misconception(
            partial(_sums, dtype=np.uint64),
            "Your sums cannot be negative: np.bitwise_count gives uint8, and the sum of these is "
            "unsigned, too. Ask for dtype=int.",
        ),
        Misconception(
            partial(_sums, dtype=np.uint8),
            "Your sums are bytes, which cannot be negative and end at 255: ask for dtype=int.",
        ),
        Misconception(
            lambda words, fired: 2 * _ones(words[:, :1] & fired[:1]) - _ones(fired[:1]),
            "You count the first byte of each neuron alone: the others belong to it, too.",
        ),
    ),
)


# 09.5, a counter to repair -----------------------------------------------------------------------


def counts(words: IntArray, n_neurons: int) -> list[int]:
    """How often the bit of each neuron was set; the right answer of 09.5."""
    return [int((words >> j & 1).sum()) for j in range(n_neurons)]


def _sliced(
    words: IntArray,
    n_neurons: int,
    *,
    planes_for: Callable[[int], int] = int.bit_length,
    carry_first: bool = True,
    from_left: bool = False,
    weighted: bool = True,
) -> list[int]:
    """The counters, with one thing wrong for each argument that is not the default."""
    planes = [0] * planes_for(len(words))
    for bits in map(int, words):
        for p, plane in enumerate(planes):
            planes[p] = plane ^ bits
            bits = bits & (plane if carry_first else planes[p])
    found = [
        sum((plane >> j & 1) << (p if weighted else 0) for p, plane in enumerate(planes))
        for j in range(n_neurons)
    ]
    return found[::-1] if from_left else found


def _streams(rng: np.random.Generator) -> Iterator[Arguments]:
    """Words of some neurons, up to 20 of them, often with a neuron that is in all of them."""
    for number in range(10_000):
        n_neurons, n_words = int(rng.integers(1, 5)), int(rng.integers(1, 4 + number // 18))
        words = rng.integers(0, 2**n_neurons, size=n_words)
        yield words | rng.integers(0, 2**n_neurons), n_neurons


COUNTS = Task(
    key="09.5",
    title="Repair a counter",
    function="my_counts",
    points=3,
    stars=3,
    minutes=15,
    reference=counts,
    inputs=_streams,
    misconceptions=(
        Misconception(
            partial(_sliced, planes_for=lambda n: 3, carry_first=False),
            "Both faults are still there: count the word 1 once by hand, and then eight times.",
        ),
        Misconception(
            partial(_sliced, carry_first=False),
            "Your carry is the AND with the plane after it has changed: it needs the plane as it "
            "was before, so keep both results in one line.",
        ),
        Misconception(
            partial(_sliced, planes_for=lambda n: 3),
            "The carry is right now, but three planes count up to 7 only: an eighth spike turns "
            "the count to 0.",
        ),
        Misconception(
            partial(_sliced, planes_for=lambda n: (n - 1).bit_length()),
            "You have a plane too few where the number of words is a power of two: 2 planes count "
            "up to 3, and not to 4.",
        ),
        Misconception(
            partial(_sliced, from_left=True),
            "You read the neurons from the left: neuron 0 has the lowest bit.",
        ),
        Misconception(
            partial(_sliced, weighted=False),
            "You add up the digits: plane 1 counts twos, plane 2 fours.",
        ),
    ),
)


# 09.6, bytes that explain ------------------------------------------------------------------------


def bytes_of(layers: IntArray) -> dict[str, object]:
    """Bytes of a network in three forms, and a reason; the right answer of 09.6."""
    return _bytes_of(layers)


def _header(layers: IntArray) -> int:
    """Bytes of a file besides the weights, where the neurons of a layer share their threshold."""
    mark, three_numbers, checksum = 8, 3 * 2, 4
    later = len(layers) - 1
    return mark + three_numbers + 4 * len(layers) + later * (1 + 4) + checksum


def _bytes_of(
    layers: IntArray,
    *,
    weights: Callable[[IntArray], int] = lambda layers: sum(sizes_in_bytes(layers.tolist())),
    header: Callable[[IntArray], int] = _header,
    per_sign: int = 8,
    because: str = "b",
) -> dict[str, object]:
    """The bytes, with one thing wrong for each argument that is not the default."""
    packed = weights(layers)
    return {
        "int64": per_sign * _synapses(layers),
        "packed": packed,
        "file": packed + header(layers),
        "because": because,
    }


def _synapses(layers: IntArray) -> int:
    return sum(a * b for a, b in pairwise(layers.tolist()))


def _networks(rng: np.random.Generator) -> Iterator[Arguments]:
    """Small networks, whose layers seldom fill their last byte, and larger ones."""
    for number in range(10_000):
        n_layers = int(rng.integers(2, 3 + number // 80))
        yield (rng.integers(1, 6 + number, size=n_layers),)


BYTES = Task(
    key="09.6",
    title="Explain the bytes",
    function="my_bytes",
    points=3,
    stars=2,
    minutes=12,
    reference=bytes_of,
    inputs=_networks,
    misconceptions=(
        Misconception(
            partial(_bytes_of, weights=lambda layers: -(-_synapses(layers) // 8)),
            "You round up once for the whole network: each layer begins with a byte of its own, "
            "so each is rounded up.",
        ),
        Misconception(
            partial(
                _bytes_of,
                weights=lambda layers: sum(a * b // 8 for a, b in pairwise(layers.tolist())),
            ),
            "You round down: signs that do not fill a byte take one all the same.",
        ),
        Misconception(
            partial(
                _bytes_of,
                weights=lambda layers: sum(a * b // 8 + 1 for a, b in pairwise(layers.tolist())),
            ),
            "You add a byte to each layer: where the signs fill their last byte, there is none to "
            "add.",
        ),
        Misconception(
            partial(_bytes_of, weights=_synapses),
            "You count a byte for each sign: packed, eight signs share one.",
        ),
        Misconception(
            partial(_bytes_of, header=lambda layers: 0),
            "Your file has no header: the table says what else stands in it.",
        ),
        Misconception(
            partial(_bytes_of, header=lambda layers: _header(layers) + 5),
            "You count a threshold for the first layer: these are the inputs, which have none.",
        ),
        Misconception(
            partial(_bytes_of, per_sign=1),
            "You count int8: an int64 has 64 bits, which are 8 bytes.",
        ),
        Misconception(
            partial(_bytes_of, because="a"),
            "The bytes are right, the reason is not: the array holds the signs, and nothing else.",
        ),
        Misconception(
            partial(_bytes_of, because="c"),
            "The bytes are right, the reason is not: an array of nothing but +1 takes as many.",
        ),
    ),
)


TASKS = (
    PACK,
    UNPACK,
    BY_HAND,
    SUMS,
    COUNTS,
    BYTES,
    OpenTask("09.7", "Smaller still", points=4, stars=3, minutes=30),
)
