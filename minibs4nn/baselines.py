"""Chapter 07: a plain binarized network, to compare with.

The same sizes of layers and the same one-bit weights, but no spikes and no time: a hidden neuron
says the sign of what it sums. The sign has no useful slope, so learning goes *straight through* it:
backwards, the sign is taken for the identity where its argument lies within -1..1.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from minibs4nn._checks import (
    AnyArray,
    IntArray,
    check_grey_levels,
    check_number,
    is_whole,
    make_plain,
    warn_of_bits,
)
from minibs4nn.evaluation import Evaluation
from minibs4nn.network import Network
from minibs4nn.training import Epoch, generator

__all__ = ["BNN", "StraightThrough"]

Floats = npt.NDArray[np.float32]
PIECE = 65_536  # weights that Adam takes at a time, so that they stay in the cache between steps


@dataclass(frozen=True)
class StraightThrough:
    """Cross-entropy, the straight-through estimator, and Adam on mini-batches.

    Attributes
    ----------
    learning_rate : float
    batch_size : int, images

    Raises
    ------
    TypeError, ValueError
        If a number is out of its range.

    References
    ----------
    Bengio, Léonard & Courville 2013 (straight-through); Courbariaux et al. 2016 (binarized
    networks, clipping of the latent weights to -1..1); Kingma & Ba 2015 (Adam).

    Examples
    --------
    >>> StraightThrough(batch_size=50)
    StraightThrough(learning_rate=0.001, batch_size=50)
    """

    learning_rate: float = 1e-3
    batch_size: int = 100

    def __post_init__(self) -> None:
        make_plain(self)
        if not 0 < check_number("StraightThrough", "learning_rate", self.learning_rate) < np.inf:
            raise ValueError(
                f"StraightThrough: learning_rate must be positive, got {self.learning_rate!r}"
            )
        if not is_whole(self.batch_size) or self.batch_size < 1:
            raise ValueError(
                "StraightThrough: batch_size must be a whole number of images from 1, got "
                f"{self.batch_size!r}"
            )

    def begin(self, net: "BNN") -> None:
        """Give a fresh network its weights."""
        self._check(net)
        net.initialise()

    def train_epoch(self, net: "BNN", epoch: Epoch) -> None:
        """Learn from every image once, in an order drawn anew."""
        self._check(net)
        order = epoch.rng.permutation(epoch.images)
        signs = [_sign(w) for w in net.latent]
        for start in range(0, order.size, self.batch_size):
            batch = order[start : start + self.batch_size]
            labels = epoch.labels[batch]
            sums, activations = _forward(epoch.inputs[batch], signs)
            for layer, gradient in enumerate(_gradients(sums, activations, signs, labels)):
                self._adam(net, layer, gradient)
            before, signs = signs, [_sign(w) for w in net.latent]
            flips = [np.count_nonzero(a != b) for a, b in zip(before, signs, strict=True)]
            means = _outcomes(sums[-1], labels)
            epoch.observe(batch.size, means, flips=np.array(flips, dtype=np.int64))

    def _check(self, net: "BNN") -> None:
        """Refuse what this rule cannot train."""
        if not isinstance(net, BNN):
            raise ValueError(
                "StraightThrough: this rule trains a BNN, such as BNN((784, 600, 10)); got "
                f"{type(net).__name__}({net.layers})"
            )

    def _adam(self, net: "BNN", layer: int, gradient: Floats) -> None:
        """One step of Adam, in place; the latent weights stay within -1..1."""
        state = net.rule_state_
        first = state.setdefault(f"first_{layer}", np.zeros_like(gradient))
        second = state.setdefault(f"second_{layer}", np.zeros_like(gradient))
        step = state.setdefault(f"step_{layer}", np.zeros(1, dtype=np.int64))
        step += 1
        rate = self.learning_rate * np.sqrt(1 - 0.999 ** step[0]) / (1 - 0.9 ** step[0])
        rows = max(1, PIECE // gradient.shape[1])
        for start in range(0, len(gradient), rows):
            some = slice(start, start + rows)
            g, m, v, w = gradient[some], first[some], second[some], net.latent[layer][some]
            m += np.float32(0.1) * (g - m)
            v += np.float32(0.001) * (g**2 - v)
            w -= np.float32(rate) * m / (np.sqrt(v) + np.float32(1e-8))
            np.clip(w, -1, 1, out=w)


class BNN(Network):
    """A network with one-bit weights and sign activations: the baseline without spikes.

    Grey levels 0..255 become inputs -1..1. A neuron sums its inputs, each with +1 or -1, and
    divides by the square root of their number; a hidden neuron passes on the sign of that (+1 for
    0), and of the output neurons the largest sum wins, the lower index of several.

    Parameters
    ----------
    layers : sequence of int
        Sizes of the layers, input first.
    seed : int

    Attributes
    ----------
    weights_ : list of int8 arrays of +1 and -1, shapes (n_out, n_in)
    latent_weights_ : list of float32 arrays, shapes (n_out, n_in), in -1..1
    history_ : History

    Notes
    -----
    In its :class:`Evaluation`, ``tied`` means that two sums were the largest together,
    ``published_accuracy`` credits those ties as the authors' counter does for spikes, and
    ``decision_time`` and ``spikes`` are 0: it has neither. ``synaptic_operations`` counts every
    synapse, since every input takes part. The papers do not say how their BNN was set up; this one
    is the textbook's.

    What a network predicts is exact and the same everywhere, as long as 255 times its inputs is
    below 2**24. Training is not: slopes are real numbers, and their sums depend on how many threads
    BLAS adds them with. For the same bits again, use as many (``OMP_NUM_THREADS=1``).

    Examples
    --------
    >>> from minibs4nn import datasets
    >>> train, test = datasets.bars(n=200, seed=0)
    >>> n_pixels, n_classes = train.images[0].size, int(train.labels.max()) + 1
    >>> net = BNN((n_pixels, 20, n_classes))
    >>> _ = net.fit(train.images, train.labels, epochs=2, progress=False)
    >>> np.unique(net.weights_[0]).tolist()
    [-1, 1]
    """

    def __init__(self, layers: Sequence[int], *, seed: int = 0) -> None:
        super().__init__(layers, seed=seed)
        self.latent: list[Floats] = []

    @property
    def is_trained(self) -> bool:
        """Whether the network has weights."""
        return bool(self.latent)

    @property
    def weights_(self) -> list[npt.NDArray[np.int8]]:
        """The signs that the network runs on."""
        self._need_weights("weights_")
        return [_sign(w).astype(np.int8) for w in self.latent]

    @property
    def latent_weights_(self) -> list[Floats]:
        """The real weights behind the signs, as a copy."""
        self._need_weights("latent_weights_")
        return [w.copy() for w in self.latent]

    def forward(self, pixels: npt.NDArray[np.uint8]) -> tuple[list[Floats], list[Floats]]:
        """Sums of every layer after the input, and what each layer passes on, input first.

        Parameters
        ----------
        pixels : uint8 array, shape (n, layers[0])

        Returns
        -------
        sums : list of float32 arrays, shapes (n, size), one per layer after the input
        activations : list of float32 arrays, one per layer but the last

        Raises
        ------
        NotTrainedError
            If the network has no weights yet.
        TypeError, ValueError
            If the pixels are not uint8, or as many as the input layer has.
        """
        self._need_weights("forward")
        return self._forward(self._encode("BNN.forward", pixels))

    def _forward(self, pixels: npt.NDArray[np.uint8]) -> tuple[list[Floats], list[Floats]]:
        return _forward(pixels, [_sign(w) for w in self.latent])

    def evaluate_inputs(self, inputs: AnyArray, labels: IntArray) -> Evaluation:
        """As :meth:`evaluate`, for checked images and labels."""
        sums, _ = self._forward(inputs)
        synapses = sum(w.size for w in self.latent)
        means = _outcomes(sums[-1], labels)
        return Evaluation(len(inputs), **means, spikes=0.0, synaptic_operations=float(synapses))

    def snapshot(self) -> tuple[list[Floats], dict[str, AnyArray]]:
        """Return a copy of all that training changes, for :meth:`restore`."""
        state = {name: array.copy() for name, array in self.rule_state_.items()}
        return [w.copy() for w in self.latent], state

    def restore(self, snapshot: tuple[list[Floats], dict[str, AnyArray]]) -> None:
        """Put back what :meth:`snapshot` returned."""
        self.latent, self.rule_state_ = snapshot

    def _encode(self, where: str, images: npt.ArrayLike) -> AnyArray:
        pixels = check_grey_levels(where, images)
        warn_of_bits(where, pixels)
        self._check_width(where, pixels)
        return pixels

    def initialise(self) -> None:
        """Draw the first weights."""
        rng = generator(self.seed, "weights")
        shapes = zip(self.layers[1:], self.layers[:-1], strict=True)
        self.latent = [rng.uniform(-0.1, 0.1, shape).astype(np.float32) for shape in shapes]

    def _predict_inputs(self, inputs: AnyArray) -> IntArray:
        sums, _ = self._forward(inputs)
        return np.asarray(sums[-1].argmax(axis=1))

    def _default_rule(self) -> StraightThrough:
        return StraightThrough()

    def _settings(self) -> dict[str, Any]:
        return {"layers": list(self.layers), "seed": self.seed}

    def _arrays(self) -> dict[str, AnyArray]:
        return {f"weights_{layer}": w for layer, w in enumerate(self.latent)}

    @classmethod
    def _from_file(cls, settings: dict[str, Any], arrays: dict[str, AnyArray]) -> Self:
        net = cls(**settings)
        shapes = zip(net.layers[1:], net.layers[:-1], strict=True)
        names = ((f"weights_{layer}", shape) for layer, shape in enumerate(shapes))
        net.latent = net._take(arrays, names, np.float32)
        return net


def _sign(x: Floats) -> Floats:
    """+1 where x is 0 or more, else -1, as float32 for the matrix products."""
    sign = (x < 0).astype(np.float32)
    sign *= np.float32(-2)
    sign += np.float32(1)
    return sign


def _forward(
    pixels: npt.NDArray[np.uint8], signs: list[Floats]
) -> tuple[list[Floats], list[Floats]]:
    """As :meth:`BNN.forward`, with the signs at hand."""
    # Products of whole numbers: their sums are exact, in whatever order BLAS adds them.
    whole: Floats = pixels.astype(np.float32) * np.float32(2) - np.float32(255)
    unit = np.float32(255)
    activations = [whole / unit]
    sums: list[Floats] = []
    for sign in signs:
        total = whole @ sign.T
        total = (total / (unit * np.float32(np.sqrt(sign.shape[1])))).astype(np.float32, copy=False)
        sums.append(total)
        whole, unit = _sign(total), np.float32(1)
        activations.append(whole)
    return sums, activations[:-1]


def _gradients(
    sums: list[Floats], activations: list[Floats], signs: list[Floats], labels: IntArray
) -> list[Floats]:
    """Slope of the mean cross-entropy along each layer's signs, straight through all of them."""
    exponent = np.exp(sums[-1] - sums[-1].max(axis=1, keepdims=True))
    error = exponent / exponent.sum(axis=1, keepdims=True)
    error[np.arange(len(labels)), labels] -= 1
    error /= np.float32(len(labels))
    gradients: list[Floats] = []
    for layer in reversed(range(len(signs))):
        error = error / np.float32(np.sqrt(signs[layer].shape[1]))
        gradients.insert(0, error.T @ activations[layer])
        if layer > 0:
            error = (error @ signs[layer]) * (np.abs(sums[layer - 1]) <= 1)
    return gradients


def _outcomes(sums: Floats, labels: IntArray) -> dict[str, float]:
    """Counts under the names of :class:`Evaluation`."""
    largest = sums == sums.max(axis=1, keepdims=True)
    return {
        "accuracy": float((sums.argmax(axis=1) == labels).mean()),
        "published_accuracy": float(largest[np.arange(len(labels)), labels].mean()),
        "tied": float((largest.sum(axis=1) > 1).mean()),
        "silent": 0.0,
        "decision_time": 0.0,
    }
