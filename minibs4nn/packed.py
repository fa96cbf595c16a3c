"""Chapter 09: a trained BS4NN as it is used, with one bit per synapse on disk and in memory.

Training needs a real number behind every sign, and most programs store a sign in a byte or more.
Here the signs become bits, the scale disappears into the threshold, and what is left is all there
is: 784-600-10 takes 59,550 bytes of weights. The network decides on the bits as they are; see
:mod:`minibs4nn.kernels.packed_cpu`.
"""

import math
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import numpy as np
import numpy.typing as npt

from minibs4nn._bits import LARGEST, BitsFile, read_bits, sizes_in_bytes, write_bits
from minibs4nn._checks import (
    AnyArray,
    FloatArray,
    IntArray,
    SpikeTimes,
    check_array,
    check_choice,
    check_grey_levels,
    check_labels,
    check_layers,
    check_spike_times,
    check_t_max,
    is_whole,
    warn_of_bits,
)
from minibs4nn.binary import pack_bits, unpack_bits
from minibs4nn.coding import latency_code
from minibs4nn.errors import FileFormatError
from minibs4nn.evaluation import Evaluation
from minibs4nn.kernels import BACKENDS, get_kernels

if TYPE_CHECKING:
    from minibs4nn.model import BS4NN

__all__ = ["PackedBS4NN", "pack", "read_packed"]

PER_TASK = 500  # images that a thread takes at a time; with fewer, taking them costs too much

Bits: TypeAlias = npt.NDArray[np.uint8]
Thresholds: TypeAlias = npt.NDArray[np.int32]


class PackedBS4NN:
    """A BS4NN that is ready for use: bits, thresholds, and nothing else. It cannot be trained.

    :meth:`minibs4nn.BS4NN.pack` makes one, :func:`minibs4nn.load` reads one.

    Parameters
    ----------
    layers : sequence of int
        Sizes of the layers, input first.
    bits : sequence of uint8 arrays, one per layer after the input
        As :func:`~minibs4nn.binary.pack_bits` makes them.
    thresholds : sequence of int arrays, shapes (n_out,)
        What a sum of signs must exceed.
    t_max : int, time steps
        Length of the window, and the spike time that means silent.
    backend : str
        ``"auto"``, ``"numba"`` or ``"cupy"``: the packed weights are used as they are. ``"numpy"``
        expands them.

    Attributes
    ----------
    bits : list of uint8 arrays, shapes (ceil(n_out * n_in / 8),), read-only
    thresholds : list of int32 arrays, shapes (n_out,), read-only
        Where all neurons of a layer have the same, it takes the memory of one.

    Raises
    ------
    TypeError, ValueError
        If the parts do not fit together; the message says which.

    Examples
    --------
    >>> signs = [[1, -1, 1], [1, 1, -1], [-1, 1, 1]]
    >>> net = PackedBS4NN((3, 3), [pack_bits(signs)], [[0, 0, 1]])
    >>> net
    PackedBS4NN(3-3, t_max=256, 2 bytes of weights)
    >>> net.predict(np.array([[255, 0, 99], [0, 255, 9]], dtype=np.uint8)).tolist()
    [0, 1]
    """

    def __init__(
        self,
        layers: Sequence[int],
        bits: Sequence[Bits],
        thresholds: Sequence[npt.ArrayLike],
        *,
        t_max: int = 256,
        backend: str = "auto",
    ) -> None:
        where = "PackedBS4NN"
        self.layers = check_layers(where, layers)
        self.t_max = check_t_max(where, t_max)
        self.backend = check_choice(where, "backend", backend, BACKENDS)
        if max(self.layers) > LARGEST:
            raise ValueError(f"{where}: a layer may have up to {LARGEST} neurons, got {layers!r}")
        for name, parts in (("bits", bits), ("thresholds", thresholds)):
            if not np.iterable(parts):
                raise TypeError(
                    f"{where}: {name} must be a list of arrays, one for each layer after the "
                    f"input, got {parts!r}"
                )
        bits, thresholds = list(bits), list(thresholds)
        depth = len(self.layers) - 1
        if len(bits) != depth or len(thresholds) != depth:
            raise ValueError(
                f"{where}: {depth} layers after the input need as many arrays of bits and of "
                f"thresholds, got {len(bits)} and {len(thresholds)}"
            )
        self._thresholds = [
            _check_thresholds(where, theta, n)
            for theta, n in zip(thresholds, self.layers[1:], strict=True)
        ]
        # All layers in one piece, as in the file; in words, and one more, as the kernel reads them.
        ends = np.cumsum([0, *sizes_in_bytes(self.layers)])
        self._places = [slice(start, end) for start, end in pairwise(ends.tolist())]
        words = np.zeros(-(-ends[-1] // 8) + 1, dtype="<u8")
        for place, some, shape in zip(self._places, bits, pairwise(self.layers), strict=True):
            words.view(np.uint8)[place] = _check_bits(where, some, math.prod(shape))
        self._words: npt.NDArray[np.uint64] = words.astype(np.uint64, copy=False)

    @property
    def bits(self) -> list[Bits]:
        """The weights of each layer, as :func:`~minibs4nn.binary.pack_bits` makes them."""
        content = self._words.astype("<u8", copy=False).view(np.uint8)
        content.flags.writeable = False
        return [content[place] for place in self._places]

    @property
    def thresholds(self) -> list[Thresholds]:
        """What the sum of signs of each neuron must exceed, one array per layer."""
        return list(self._thresholds)

    @property
    def nbytes(self) -> int:
        """Bytes of the weights."""
        return sum(sizes_in_bytes(self.layers))

    def __repr__(self) -> str:
        sizes = "-".join(map(str, self.layers))
        return f"PackedBS4NN({sizes}, t_max={self.t_max}, {self.nbytes} bytes of weights)"

    def predict(self, images: npt.ArrayLike, *, threads: int | None = None) -> IntArray:
        """The class of each image, by the rule ``"first-spike"`` of :func:`minibs4nn.decide`.

        Parameters
        ----------
        images : uint8 array, shape (n, height, width) or (n, pixels); or int16 spike times
        threads : int, optional
            Among how many the images are divided; None: as many as there are cores for this
            process. The classes do not depend on it.

        Returns
        -------
        int64 array, shape (n,)

        Raises
        ------
        TypeError, ValueError
            If these are no images, or of another size than the first layer.
        BackendError
            If the backend cannot run here.
        """
        values, time_of = self._values("PackedBS4NN.predict", images)
        if threads is None:
            threads = _cores()
        elif not is_whole(threads) or threads < 1:
            raise ValueError(
                f"PackedBS4NN.predict: threads must be a whole number from 1, got {threads!r}"
            )
        kernels: Any = get_kernels(self.backend)
        if kernels.__name__ == "minibs4nn.kernels.gpu":
            return cast(
                IntArray,
                kernels.decide_packed(
                    time_of[values], self.bits, self.thresholds, t_max=self.t_max
                ),
            )
        if kernels.__name__ != "minibs4nn.kernels.cpu":
            return self.unpack().predict(images)
        from minibs4nn.kernels.packed_cpu import Circuit, Desk, decide_all  # needs numba

        first_bits = [8 * place.start for place in self._places]
        circuit = Circuit.of(self._words, first_bits, self.layers, self._thresholds)
        classes = np.empty(len(values), dtype=np.int64)

        def work(part: slice) -> None:
            desk = Desk.of(circuit, self.layers[0], self.t_max)
            decide_all(values[part], time_of, circuit, desk, classes[part])

        parts = [slice(start, start + PER_TASK) for start in range(0, len(values), PER_TASK)]
        if min(threads, len(parts)) < 2:
            work(slice(None))
        else:
            with ThreadPoolExecutor(threads) as pool:
                list(pool.map(work, parts))
        return classes

    def evaluate(self, images: npt.ArrayLike, labels: npt.ArrayLike) -> Evaluation:
        """Compare what the network says with the labels, as :meth:`minibs4nn.BS4NN.evaluate` does.

        An :class:`~minibs4nn.Evaluation` counts all spikes in the window, and :meth:`predict` stops
        at the first of the output; so this runs on the expanded network.

        Raises
        ------
        TypeError, ValueError
            If images, labels and layers do not fit together, or there are no images.
        """
        where = "PackedBS4NN.evaluate"
        values, time_of = self._values(where, images)
        truth = check_labels(where, labels, len(values), self.layers[-1])
        if len(values) == 0:
            raise ValueError(f"{where}: there are no images to judge by")
        return self.unpack().evaluate_inputs(time_of[values], truth)

    def spike_times(self, images: npt.ArrayLike) -> list[SpikeTimes]:
        """When every neuron fires, as :meth:`minibs4nn.BS4NN.spike_times` says it.

        As :meth:`evaluate`, this runs on the expanded network.

        Raises
        ------
        TypeError, ValueError
            If these are no images, or of another size than the first layer.
        """
        values, time_of = self._values("PackedBS4NN.spike_times", images)
        return self.unpack().spike_times(time_of[values])

    def unpack(self) -> "BS4NN":
        """Expand the bits into a network that computes the same, with a scale of 1.

        Returns
        -------
        BS4NN
            Its latent weights are +1 and -1: what was behind the signs is lost.
        """
        from minibs4nn.model import BS4NN

        shapes = [(n_out, n_in) for n_in, n_out in pairwise(self.layers)]
        return BS4NN.from_weights(
            [unpack_bits(some, shape) for some, shape in zip(self.bits, shapes, strict=True)],
            scale=1.0, threshold=self.thresholds, backend=self.backend, t_max=self.t_max,
        )  # fmt: skip

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the network to a file, atomically; :func:`minibs4nn.load` reads it back.

        The bits, and some 40 bytes more where the neurons of a layer share their threshold.
        """
        write_bits(path, BitsFile(self.layers, self.t_max, self._thresholds, self.bits))

    def _values(self, where: str, images: npt.ArrayLike) -> tuple[AnyArray, SpikeTimes]:
        """The images as a read-only array (n, n_in), and the spike time of each of its values.

        Whatever the images are, 0 stands for silence.
        """
        array = check_array(where, "images", images)
        if array.dtype == np.int16:
            values: AnyArray = check_spike_times(where, array, self.t_max)
            if values.ndim != 2:
                raise ValueError(
                    f"{where}: spike times must have shape (n, {self.layers[0]}), got "
                    f"{values.shape}"
                )
            values = np.int16(self.t_max) - values
            time_of = np.arange(self.t_max, -1, -1, dtype=np.int16)
        else:
            values = check_grey_levels(where, array)
            warn_of_bits(where, values)
            levels = np.arange(256, dtype=np.uint8)
            time_of = latency_code(levels[None], t_max=self.t_max)[0]
        if values.shape[1] != self.layers[0]:
            raise ValueError(
                f"{where}: images have {values.shape[-1]} pixels, but layers[0] is {self.layers[0]}"
            )
        values = np.ascontiguousarray(values).view()
        values.flags.writeable = False  # Numba would compile anew for writable ones
        return values, time_of


def pack(net: "BS4NN") -> PackedBS4NN:
    """Keep of a network what it needs to decide. :meth:`minibs4nn.BS4NN.pack` calls it.

    ``alpha * sum > theta`` is ``sum > floor(theta / alpha)``: a whole number per neuron.

    Parameters
    ----------
    net : BS4NN

    Returns
    -------
    PackedBS4NN
        With the same spike times and the same decisions.

    Raises
    ------
    TypeError
        If this is no BS4NN; no other network has weights of one bit.
    NotTrainedError
        If it has no weights.
    ValueError
        If thresholds of output neurons are so large that ties could not be decided exactly.

    Examples
    --------
    >>> from minibs4nn import BS4NN
    >>> net = pack(BS4NN.from_weights([[[0.3, -0.2, 0.4]]], scale=4.0, threshold=5.0))
    >>> net.thresholds[0].tolist(), net.unpack().weights_[0].tolist()
    ([1], [[1, -1, 1]])
    """
    from minibs4nn.model import BS4NN

    if not isinstance(net, BS4NN):
        raise TypeError(f"pack: wants a BS4NN, got {type(net).__name__}")
    limits = net.parameters.forward_thresholds
    last = len(limits) - 1
    thresholds = [
        _within_reach(theta, n_in, is_output=layer == last)
        for layer, (theta, n_in) in enumerate(zip(limits, net.layers[:-1], strict=True))
    ]
    bits = [pack_bits(signs) for signs in net.weights_]
    return PackedBS4NN(net.layers, bits, thresholds, t_max=net.t_max, backend=net.backend)


def _within_reach(limits: FloatArray, n_in: int, *, is_output: bool) -> Thresholds:
    """Move limits that no sum of ``n_in`` signs can reach to the end of the range.

    That changes no firing time. But ties of output neurons go to the potential farthest above its
    threshold: there, unequal thresholds must stay as they are.
    """
    uneven = is_output and bool((limits != limits[0]).any())
    most = LARGEST if uneven else 2**52  # up to which float64 can tell one sum from the next
    if is_output and np.abs(limits).max() > most:
        raise ValueError(
            f"BS4NN.pack: thresholds of output neurons, divided by the scale, must lie within "
            f"+-{most}, got {np.abs(limits).max():.4g}; a sum of signs goes up to {n_in} only"
        )
    clipped = limits if uneven else np.clip(limits, -n_in - 1, n_in)
    return clipped.astype(np.int32)


def _check_bits(where: str, bits: Bits, n: int) -> Bits:
    """Return ``bits`` if they are ``n``, and those that fill up the last byte are 0."""
    array = check_array(where, "bits", bits)
    if array.dtype != np.uint8 or array.shape != (-(-n // 8),):
        raise ValueError(
            f"{where}: {n} signs need a uint8 array of shape ({-(-n // 8)},), got {array.dtype} of "
            f"shape {array.shape}"
        )
    if n % 8 and array[-1] >> n % 8:
        raise ValueError(f"{where}: the bits after the last of {n} signs must be 0")
    return array


def _check_thresholds(where: str, thresholds: npt.ArrayLike, n_out: int) -> Thresholds:
    """Return one threshold per neuron, read-only; equal ones share their memory."""
    array = check_array(where, "thresholds", thresholds)
    if array.shape != (n_out,) or array.dtype.kind not in "iu":
        raise ValueError(
            f"{where}: thresholds must be whole numbers, one for each of the {n_out} neurons, got "
            f"{array.dtype} of shape {array.shape}"
        )
    if array.min() < -LARGEST or array.max() > LARGEST:
        raise ValueError(
            f"{where}: thresholds must lie within +-{LARGEST}, got {array.min()} to {array.max()}"
        )
    if (array == array[0]).all():
        return np.broadcast_to(np.int32(array[0]), n_out)
    copy = array.astype(np.int32)
    copy.flags.writeable = False
    return copy


def _cores() -> int:
    """How many processor cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def read_packed(path: str | os.PathLike[str], *, backend: str = "auto") -> PackedBS4NN:
    """Read what :meth:`PackedBS4NN.save` wrote; trust nothing. :func:`~minibs4nn.load` calls it.

    Parameters
    ----------
    path : str or path-like
    backend : str

    Returns
    -------
    PackedBS4NN

    Raises
    ------
    FileFormatError
        If the file is truncated, hostile, of a later version or something else.
    OSError
        If it cannot be opened.
    """
    content = read_bits(path)
    try:
        return PackedBS4NN(
            content.layers, content.bits, content.thresholds, t_max=content.t_max, backend=backend
        )
    except (TypeError, ValueError) as error:
        raise FileFormatError(f"load: {os.fspath(path)!r} is damaged: {error}") from error
