"""Deciding on packed weights, compiled by Numba: no weight is ever unpacked.

A neuron fires when its sum of signs exceeds a whole number, its limit. What is kept for each neuron
is a counter, the *distance* of its sum from its limit, halved:

    counter = floor((sum - limit - 1) / 2), negative until the neuron fires.

Two spikes move it by +1 where both weights are +1, by -1 where both are -1, and not at all where
they differ; so spikes are heard in pairs. One that is left over at the end of a time step is paired
with an imagined one, +1 where the distance is even and -1 where it is odd: that is the rounding.

The counters are *bit-sliced*. Bit p of 64 counters makes up one word of *plane* p, and the weights
of 64 neurons from one input lie in one word, as they come from the file. So three logical
operations per plane count for 64 neurons, and the processor does four words at a time. The top
plane holds the signs: who fires has a 0 there, and nothing needs to be compared.

The first output neuron to fire ends an image. Nothing is allocated per image.
"""

from typing import NamedTuple, Self, TypeAlias

import numpy as np
import numpy.typing as npt

from minibs4nn._checks import AnyArray, BoolArray, IntArray, SpikeTimes
from minibs4nn.kernels.lanes import LANES, jit, jit_inlined, lowest_bit, nonzero
from minibs4nn.kernels.layers import zeros

__all__ = ["Circuit", "Desk", "decide_all"]

Words: TypeAlias = npt.NDArray[np.uint64]
Length: TypeAlias = tuple[int, ...]  # of which only the length counts: the compiler knows it

FEWEST_PLANES = 11  # enough for 1,023 inputs; the kernel is compiled anew for each other number
STRIDE = 16  # words of a plane come in multiples of this, for the same reason

_word = np.uint64
_ONE, _LAST_BIT = np.uint64(1), np.uint64(63)
_NOBODY = np.int64(-1)


class Circuit(NamedTuple):
    """A packed network as the kernel reads it; shared by all threads.

    Attributes
    ----------
    bits : uint64 array
        The weights of all layers, one after the other, and at least one word more.
    layers : int64 array, shape (depth, 4)
        For each layer: its neurons, the place of its first bit, and its words in a plane: the
        first, and the one after the last.
    start, even : uint64 arrays, shapes (n_planes, n_words) and (n_words + 1,)
        Before any spike: the counters, and whether the distance is even.
    slack : int64 array, shape (n_classes,)
        Limit minus threshold; not 0 only where the threshold lies beyond what a sum can reach.
    """

    bits: Words
    layers: IntArray
    start: Words
    even: Words
    slack: IntArray

    @classmethod
    def of(
        cls,
        bits: Words,
        first_bits: list[int],
        sizes: tuple[int, ...],
        thresholds: list[npt.NDArray[np.int32]],
    ) -> Self:
        """Lay out a network.

        Parameters
        ----------
        bits : uint64 array
        first_bits : list of int
            Where each layer begins.
        sizes : tuple of int
            Of all layers, input first.
        thresholds : list of int32 arrays, shapes (n_out,)
        """
        n_planes = max(FEWEST_PLANES, max(sizes[:-1]).bit_length() + 1)
        layers, limits, word = [], [], 0
        for first_bit, n_in, n_out, theta in zip(
            first_bits, sizes[:-1], sizes[1:], thresholds, strict=True
        ):
            end = word + -(-n_out // 64)
            layers.append((n_out, first_bit, word, end))
            # What fills up the last word are neurons that can never fire.
            limit = np.full((end - word) * 64, n_in)
            limit[:n_out] = np.clip(theta, -n_in - 1, n_in)
            limits.append(limit)
            word = end
        distance = -np.concatenate(limits)
        counter = (distance - 1) // 2
        return cls(
            bits,
            np.array(layers, dtype=np.int64),
            np.stack([_pack(counter >> plane & 1) for plane in range(n_planes)]),
            np.append(_pack(distance % 2 == 0), _word(0)),
            limits[-1][: sizes[-1]] - thresholds[-1].astype(np.int64),
        )


class Desk(NamedTuple):
    """What one thread writes on: the state of one image, wiped for the next.

    Attributes
    ----------
    planes : uint64 array, shape (n_planes * stride,)
        The counters.
    fired : uint64 array, shape (n_words,)
        Which neurons have fired.
    first : unsigned array, shape (t_max + 1,)
        One of the inputs that fire at each time step; the number of inputs stands for nobody.
    after : unsigned array, shape (n_in,)
        The next input that fires at the same step.
    heard : int64 array, shape (depth,)
        How many spikes each layer has heard.
    moved : bool array, shape (depth,)
        Whether its counters have moved in the last time step.
    """

    planes: Words
    fired: Words
    first: AnyArray
    after: AnyArray
    heard: IntArray
    moved: BoolArray

    @classmethod
    def of(cls, circuit: Circuit, n_in: int, t_max: int) -> Self:
        """Make room for one image of ``n_in`` inputs."""
        n_planes, n_words = circuit.start.shape
        stride = -(-n_words // STRIDE) * STRIDE
        depth = len(circuit.layers)
        index = np.uint16 if n_in <= np.iinfo(np.uint16).max else np.uint32
        return cls(
            zeros(n_planes * stride, np.uint64), np.empty(n_words, np.uint64),
            np.empty(t_max + 1, index), np.empty(n_in, index),
            np.empty(depth, np.int64), np.empty(depth, np.bool_),
        )  # fmt: skip


def _pack(bits: AnyArray) -> Words:
    """Pack 0 and 1, a multiple of 64 of them, into words, lowest bit first."""
    packed = np.packbits(bits.astype(np.bool_), bitorder="little")
    return packed.view("<u8").astype(np.uint64)


@jit_inlined
def _hear(
    bits: Words, place: int, others: Words, other: int, flip: np.uint64, planes: Words, begin: int,
    end: int, n_planes: Length, stride: Length,
) -> None:  # fmt: skip
    """Move the counters of a layer by two spikes, whose weights begin at two places."""
    height, width = len(n_planes), len(stride)
    shift, other_shift = _word(place) & _LAST_BIT, _word(other) & _LAST_BIT
    rest, other_rest = _LAST_BIT - shift, _LAST_BIT - other_shift
    p, q, w = _word(place >> 6), _word(other >> 6), _word(begin)
    for n in range(end - begin):
        k = _word(n)  # unsigned, for Numba looks whether an index may be negative
        # Weights begin at any bit: the rest of one word, and the start of the next.
        a = bits[p + k] >> shift | (bits[p + k + _ONE] << _ONE) << rest
        b = others[q + k] >> other_shift | (others[q + k + _ONE] << _ONE) << other_rest
        move = ~(a ^ b ^ flip)  # up where both are 1, down where both are 0
        down = ~a
        for plane in range(height):
            at = _word(plane * width) + w + k
            old = planes[at]
            planes[at] = old ^ move
            move &= old ^ down  # carry 1 + 1, borrow 0 - 1


@jit
def _list_by_time(values: AnyArray, time_of: SpikeTimes, first: AnyArray, after: AnyArray) -> None:
    """Chain the inputs that fire at the same step: first[t], after[first[t]], and so on.

    Most pixels of an image are black, and are skipped 64 at a time.
    """
    first[:] = values.size
    whole = values.size // LANES * LANES
    for begin in range(0, whole, LANES):
        some = nonzero(values, begin)
        while some != 0:
            i = _word(begin + lowest_bit(some))
            some &= some - _ONE
            t = _word(time_of[values[i]])
            after[i] = first[t]
            first[t] = i
    for n in range(whole, values.size):
        t = _word(time_of[values[n]])
        after[n] = first[t]
        first[t] = n


@jit
def _farthest(circuit: Circuit, desk: Desk, n_planes: Length, stride: Length) -> int:
    """The output neuron farthest above its threshold; of several, the lower index.

    If any neuron fires, this is one that does: the others are not above theirs.
    """
    n_out, begin = circuit.layers[-1, 0], circuit.layers[-1, 2]
    sign = len(n_planes) - 1
    best, most = -1, 0
    for j in range(n_out):
        word, bit = begin + j // 64, _word(j % 64)
        counter = np.int64(0)
        for plane in range(len(n_planes)):
            counter |= np.int64(desk.planes[plane * len(stride) + word] >> bit & _ONE) << plane
        counter -= (counter >> sign) << (sign + 1)
        even = np.int64(circuit.even[word] >> bit & _ONE) ^ (desk.heard[-1] & 1)
        excess = 2 * counter + 1 + even + circuit.slack[j]
        if best < 0 or excess > most:
            best, most = j, excess
    return best


@jit
def _decide(circuit: Circuit, desk: Desk, n_planes: Length, stride: Length) -> int:
    """The class of the image whose inputs are on the desk, listed by time."""
    bits, layers, start, even = circuit.bits, circuit.layers, circuit.start, circuit.even
    planes, fired, first, after = desk.planes, desk.fired, desk.first, desk.after
    heard, moved = desk.heard, desk.moved
    depth, t_max, nobody = len(layers), first.size - 1, after.size
    signs = (len(n_planes) - 1) * len(stride)
    for plane in range(start.shape[0]):
        for word in range(start.shape[1]):
            planes[plane * len(stride) + word] = start[plane, word]
    fired[:] = 0
    heard[:] = 0
    moved[:] = False

    stirred = True  # step 0 counts even without a spike: a limit may be negative
    for t in range(t_max):
        if first[t] == nobody and not stirred:
            continue
        stirred = False
        # The last layer first, since it hears what the one before it fired in the last step.
        for layer in range(depth - 1, -1, -1):
            n_out, origin = layers[layer, 0], layers[layer, 1]
            begin, end = layers[layer, 2], layers[layer, 3]
            count = heard[layer]
            lone = _NOBODY  # a spike that waits for another
            # (1) integrate: each spike adds its weights
            if layer == 0:
                i = np.int64(first[t])
                while i != nobody:
                    if lone < 0:
                        lone = i
                    else:
                        _hear(bits, origin + lone * n_out, bits, origin + i * n_out, _word(0),
                              planes, begin, end, n_planes, stride)  # fmt: skip
                        lone = _NOBODY
                    count += 1
                    i = np.int64(after[i])
            elif moved[layer - 1]:
                # (2) compare  (3) at most one spike  (4) one step later
                for word in range(layers[layer - 1, 2], begin):
                    new = ~(planes[signs + word] | fired[word])
                    if new != 0:
                        fired[word] |= new
                    while new != 0:
                        i = 64 * (word - layers[layer - 1, 2]) + lowest_bit(new)
                        new &= new - _ONE
                        if lone < 0:
                            lone = i
                        else:
                            _hear(bits, origin + lone * n_out, bits, origin + i * n_out, _word(0),
                                  planes, begin, end, n_planes, stride)  # fmt: skip
                            lone = _NOBODY
                        count += 1
            if lone >= 0:
                flip = _word(0) - _word((count - 1) & 1)  # each spike turns even into odd
                _hear(bits, origin + lone * n_out, even, 64 * begin, flip,
                      planes, begin, end, n_planes, stride)  # fmt: skip
            moved[layer] = t == 0 or count > heard[layer]
            stirred |= moved[layer]
            heard[layer] = count
        # The first output neuron to cross ends the image. One that crosses in the last step would
        # fire after it, which is silence: then the farthest wins too.
        if moved[depth - 1]:
            for word in range(layers[depth - 1, 2], layers[depth - 1, 3]):
                if ~planes[signs + word] != 0:
                    return _farthest(circuit, desk, n_planes, stride)
    return _farthest(circuit, desk, n_planes, stride)


@jit
def _decide_all(
    values: AnyArray, time_of: SpikeTimes, circuit: Circuit, desk: Desk, n_planes: Length,
    stride: Length, out: IntArray,
) -> None:  # fmt: skip
    for n in range(len(values)):
        _list_by_time(values[n], time_of, desk.first, desk.after)
        out[n] = _decide(circuit, desk, n_planes, stride)


def decide_all(
    values: AnyArray, time_of: SpikeTimes, circuit: Circuit, desk: Desk, out: IntArray
) -> None:
    """Write the class of every image to ``out``. It releases Python's lock while it works.

    Parameters
    ----------
    values : uint8 or int16 array, shape (n, n_in)
        Grey levels, or other whole numbers that stand for a spike time; 0 for silence.
    time_of : int16 array, time steps
        The spike time that each value means.
    circuit : Circuit
    desk : Desk
        Of this thread alone.
    out : int64 array, shape (n,)
    """
    height = len(circuit.start)
    _decide_all(
        values, time_of, circuit, desk, (0,) * height, (0,) * (desk.planes.size // height), out
    )
