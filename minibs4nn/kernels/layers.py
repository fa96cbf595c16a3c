"""How the compiled kernels keep a network while it learns: in flat arrays, 64 neurons at a time.

Each layer is filled up to whole groups of 64 neurons with some that hear nothing and never fire. So
no loop of the kernels has a remainder, and no group lies across two layers.
"""

from typing import NamedTuple, Self, TypeAlias

import numpy as np
import numpy.typing as npt

from minibs4nn._checks import AnyArray, FloatArray, IntArray, SpikeTimes
from minibs4nn.kernels import Parameters
from minibs4nn.kernels.lanes import COUNTED, LANES, fill

__all__ = ["Layers", "potential_dtype", "zeros"]

CACHE_LINE = 64  # bytes; 64 signs that begin with one lie in one

Words: TypeAlias = npt.NDArray[np.uint64]


class Layers(NamedTuple):
    """All layers after the input: their parameters, and what they make of the image at hand.

    The numbers of all layers lie one after the other in each array.

    Attributes
    ----------
    shape : int64 array, shape (depth, 6)
        For each layer: its inputs and its neurons; then where it begins: among the neurons, its
        inputs among the neurons, its weights, and its latent weights.
    weights : float64 or uint64 array
        What the forward pass adds: for each layer (n_in, n_out), so a row per input. Signs are kept
        as bits, and their places are those of bits.
    bits : uint64 array
        The last of several layers of signs has no such rows. It is counted, from
        (n_in / 64, n_out): a word per neuron.
    latent : float array
        For each layer (n_in, n_out). But the last of several is (n_out, n_in), since few of its
        neurons have an error. For an S4NN, weights and latent are one array.
    threshold, limit : float64 array, and one of the dtype of the sums
        As given, and in the unit of the weights.
    v, potential, spike_times : arrays
        Of every neuron.
    new : uint64 array
        Who has fired in this step: a bit per neuron.
    late : array
        Potentials of the output neurons at step ``t_max - 3``, if none of them has fired.
    who, when : int32 and int16 arrays
        A list of spikes.
    delta, step, now : float arrays
        Errors of the neurons; what their weights move by; what they move by for one input.
    """

    shape: IntArray
    weights: AnyArray
    bits: Words
    latent: AnyArray
    threshold: FloatArray
    limit: AnyArray
    v: AnyArray
    potential: AnyArray
    spike_times: SpikeTimes
    new: Words
    late: AnyArray
    who: npt.NDArray[np.int32]
    when: SpikeTimes
    delta: FloatArray
    step: AnyArray
    now: AnyArray

    @classmethod
    def of(cls, p: Parameters) -> Self:
        """Lay out a network."""
        depth, signed = len(p.latent), p.signs is not None
        # One dtype for the potentials of all layers.
        dtype = np.result_type(*(potential_dtype(w) for w in p.weights))
        real = p.latent[0].dtype
        shape = np.zeros((depth, 6), np.int64)
        n_lanes = n_weights = n_bits = n_latent = first_in = 0
        for layer, w in enumerate(p.latent):
            n_out, n_in = w.shape
            by_neuron = layer == depth - 1 > 0
            size = n_out * fill(n_in, LANES) if by_neuron else n_in * fill(n_out, LANES)
            shape[layer] = n_in, n_out, n_lanes, first_in, n_weights, n_latent
            if not by_neuron:
                n_weights += size
            elif signed:
                shape[layer, 4] = 0
                n_bits = fill(n_in, LANES) // LANES * fill(n_out, COUNTED)
            else:  # in both orders, one after the other
                n_weights += n_in * fill(n_out, LANES)
                shape[layer, 5] = n_weights
                n_weights += size
            n_latent += size
            first_in, n_lanes = n_lanes, n_lanes + fill(n_out, LANES)
        latent = zeros(n_latent if signed else n_weights, real)
        most = fill(int(shape[:, :2].max()), LANES)
        net = cls(
            shape, zeros(n_weights // LANES, np.uint64) if signed else latent,
            zeros(n_bits, np.uint64),
            latent, zeros(n_lanes, np.float64), zeros(n_lanes, dtype), zeros(n_lanes, dtype),
            zeros(n_lanes, dtype), zeros(n_lanes, np.int16),
            zeros(n_lanes // LANES, np.uint64), zeros(fill(len(p.latent[-1]), LANES), dtype),
            zeros(most, np.int32), zeros(most, np.int16),
            zeros(n_lanes, np.float64), zeros(most, real), zeros(most, real),
        )  # fmt: skip
        net.limit[:] = np.iinfo(dtype).max if signed else np.inf
        for layer, theta in enumerate(p.thresholds):
            net.threshold[net.neurons(layer)] = theta
            net.latent_of(layer)[:] = p.latent[layer]
            if signed and layer == depth - 1 > 0:
                n_in, n_out = shape[layer, :2]
                words = _as_words(p.weights[layer], fill(n_out, COUNTED))
                net.bits[:] = words.T.ravel()
            elif signed:
                words = net._words(layer)
                words[:] = _as_words(p.weights[layer].T, len(words))
            else:
                net._rows(layer)[:] = p.weights[layer].T
        return net

    def write_back(self, p: Parameters) -> None:
        """Write the latent weights and the signs to the parameters that they came from."""
        for layer, latent in enumerate(p.latent):
            latent[:] = self.latent_of(layer)
            if p.signs is not None:
                p.signs[layer][:] = self._signs(layer)

    def neurons(self, layer: int) -> slice:
        """Where the neurons of a layer stand."""
        first = int(self.shape[layer, 2])
        return slice(first, first + int(self.shape[layer, 1]))

    def latent_of(self, layer: int) -> AnyArray:
        """The latent weights of a layer, (n_out, n_in)."""
        n_in, n_out, _, _, _, place = self.shape[layer].tolist()
        if layer == len(self.shape) - 1 > 0:
            return _table(self.latent, place, n_out, n_in)
        return _table(self.latent, place, n_in, n_out).T

    def _rows(self, layer: int) -> AnyArray:
        """What the forward pass of an S4NN adds, (n_in, n_out)."""
        n_in, n_out, _, _, origin, _ = self.shape[layer].tolist()
        return _table(self.weights, origin, n_in, n_out)

    def _words(self, layer: int) -> Words:
        """The same of a BS4NN, (n_in, n_out / 64)."""
        n_in, n_out, _, _, origin, _ = self.shape[layer].tolist()
        width = fill(n_out, LANES) // LANES
        first = origin // LANES
        return self.weights[first : first + n_in * width].reshape(n_in, width)

    def _signs(self, layer: int) -> AnyArray:
        """The signs of a layer, (n_out, n_in)."""
        n_in, n_out = self.shape[layer, :2].tolist()
        if layer < len(self.shape) - 1 or layer == 0:
            return _as_signs(self._words(layer), n_out).T
        return _as_signs(self.bits.reshape(-1, fill(n_out, COUNTED)).T[:n_out], n_in)


def potential_dtype(weights: AnyArray) -> type[np.int16] | type[np.int32] | type[np.float64]:
    """Smallest dtype that holds every sum over the inputs: signs are +1 and -1."""
    if weights.dtype != np.int8:
        return np.float64
    return np.int16 if weights.shape[1] < np.iinfo(np.int16).max else np.int32


def _as_words(signs: AnyArray, rows: int) -> Words:
    """A bit per sign, each row filled up to whole words; and so many rows."""
    ones = np.zeros((rows, fill(signs.shape[1], LANES)), np.bool_)
    ones[: len(signs), : signs.shape[1]] = signs > 0
    return np.packbits(ones, axis=1, bitorder="little").view("<u8").astype(np.uint64)


def _as_signs(words: Words, n: int) -> AnyArray:
    """The first ``n`` signs of each row."""
    content = words.astype("<u8", order="C").view(np.uint8)
    return 2 * np.unpackbits(content, axis=1, bitorder="little")[:, :n].astype(np.int8) - 1


def _table(array: AnyArray, place: int, rows: int, columns: int) -> AnyArray:
    """A part of a flat array as a table, without what fills up its rows."""
    width = fill(columns, LANES)
    return array[place : place + rows * width].reshape(rows, width)[:, :columns]


def zeros(n: int, dtype: npt.DTypeLike) -> AnyArray:
    """Zeros that begin with a cache line: what lies across two takes longer to read and write."""
    n_bytes = n * np.dtype(dtype).itemsize
    some = np.zeros(n_bytes + CACHE_LINE, np.uint8)
    begin = -some.ctypes.data % CACHE_LINE
    return some[begin : begin + n_bytes].view(dtype)
