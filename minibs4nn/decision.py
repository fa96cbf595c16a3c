"""Chapter 13: learning from the potentials at the moment of decision.

The papers' rule moves firing *times*. This one asks a simpler question: when the first output
neuron fires, or at the end of the window if none does, is the label's potential the largest? The
potentials of that moment go through a softmax, and the loss is the cross-entropy, as in any other
network. What is left of spikes is which of them came in time to matter.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from minibs4nn._checks import AnyArray, is_whole
from minibs4nn.binary import flips
from minibs4nn.kernels.decision import (
    ERROR_STEPS,
    HIDDEN_STEPS,
    LARGEST_BATCH,
    Batch,
    BinaryLayers,
    DecisionKernels,
    Gradients,
    get_decision_kernels,
    moves,
)

if TYPE_CHECKING:
    from minibs4nn.model import SpikingNetwork
    from minibs4nn.training import Epoch

__all__ = ["DecisionPotential"]

INITIAL_WEIGHTS = (-0.1, 0.1)  # latent weights at the start: small, so that signs change easily
FALL = 0.6  # share of the run over which the target of missed images falls


@dataclass(frozen=True)
class DecisionPotential:
    """Cross-entropy of the output potentials at the moment of decision, for one-bit weights.

    For every image, with z the output potentials less their thresholds:

    1. The moment is the first output spike, or the end of the window if there is none; and for a
       random share of the images the end of the window in any case.
    2. ``p = softmax(z / temperature)`` at that moment; the error of an output is ``p - 1`` for the
       label, ``p`` for the others.
    3. A hidden neuron gets the errors back through the signs, if its potential came within
       ``width`` of its threshold: elsewhere a small change would not change its spike.
    4. A sign gets the error of its neuron, if its input fired before its neuron did, and in time
       for the moment.

    The means over a batch go to Adam, which moves the latent weights, and the hidden thresholds
    against the errors. The output threshold, one for all outputs, follows a target instead: it
    falls while too many images end without a spike of the label's neuron, and rises else.

    A fresh network starts with latent weights between -0.1 and 0.1, scales of 1, and the thresholds
    given here; its own ``initial_weights``, ``scale`` and ``threshold`` are for the papers' rule.

    Attributes
    ----------
    learning_rate : float
        Of Adam, at the start; it falls to 0 along a cosine.
    batch_size : int, images
        1 to 127.
    temperature : float
        Of the softmax, in potentials: how far ahead the label is asked to be.
    width : int
        How near to its threshold a hidden neuron must have come to learn.
    hidden_threshold, output_threshold : float
        At the start, in sums of signs.
    threshold_speed : float
        Hidden thresholds learn with so many times the learning rate.
    at_end : float, 0 to 1
        Share of the images that are read at the end of the window.
    missed_first, missed_last : float, 0 to 1
        Share of images that may miss: those read at the end of the window with the label's
        potential not above its threshold. The target goes from the first to the last in a straight
        line over 60 % of the run.
    feedback : float
        The output threshold changes by so much times the distance from that target, each batch.
    skip : float, 0 to 1
        An image with no error as large as this teaches nothing.
    shift : int, pixels
        Every time an image is shown, it is moved at random by at most so much each way.
    mirror : bool
        Whether it is also mirrored, left to right, every other time.
    plain_epochs : int
        At the end of the run, epochs in which the images are neither shifted nor mirrored.
    columns : int or None
        Pixels of one row of an image, needed only to move images. None: images are square.

    Raises
    ------
    ValueError
        If a number is out of its range; the message names it.

    References
    ----------
    This library's own. Its parts: the straight-through estimator (Bengio, Léonard & Courville
    2013), latent weights (Courbariaux et al. 2016), Adam (Kingma & Ba 2015), the cosine (Loshchilov
    & Hutter 2017).

    Examples
    --------
    >>> from minibs4nn import BS4NN, datasets
    >>> train, test = datasets.bars(n=200, seed=0)
    >>> rule = DecisionPotential(hidden_threshold=3, output_threshold=5, feedback=0.5)
    >>> net = BS4NN((64, 30, 16), backend="numpy")
    >>> _ = net.fit(train.images, train.labels, epochs=1, rule=rule, progress=False)
    >>> net.scale_.tolist()
    [1.0, 1.0]
    """

    learning_rate: float = 2.5e-3
    batch_size: int = 100
    temperature: float = 5.0
    width: int = 10
    hidden_threshold: float = 15.0
    output_threshold: float = 35.0
    threshold_speed: float = 2.0
    at_end: float = 0.5
    missed_first: float = 0.09
    missed_last: float = 0.05
    feedback: float = 0.1
    skip: float = 0.01
    shift: int = 0
    mirror: bool = False
    plain_epochs: int = 0
    columns: int | None = None

    def __post_init__(self) -> None:
        for name, low, high in (
            ("batch_size", 1, LARGEST_BATCH),
            ("width", 1, np.inf),
            ("shift", 0, np.inf),
            ("plain_epochs", 0, np.inf),
            ("columns", 1, np.inf),
        ):
            value = getattr(self, name)
            if name == "columns" and value is None:
                continue
            if not is_whole(value) or not low <= value <= high:
                limits = f"from {low}" if high == np.inf else f"from {low} to {high}"
                raise ValueError(
                    f"DecisionPotential: {name} must be a whole number {limits}, got {value!r}"
                )
        for name in ("at_end", "missed_first", "missed_last", "skip"):
            value = getattr(self, name)
            if not 0 <= value <= 1:
                raise ValueError(f"DecisionPotential: {name} is a share, 0 to 1, got {value!r}")
        for name in ("hidden_threshold", "output_threshold", "threshold_speed", "feedback"):
            value = getattr(self, name)
            if not 0 <= value < np.inf:
                raise ValueError(f"DecisionPotential: {name} must be 0 or more, got {value!r}")
        for name in ("learning_rate", "temperature"):
            value = getattr(self, name)
            if not 0 < value < np.inf:
                raise ValueError(f"DecisionPotential: {name} must be positive, got {value!r}")

    def begin(self, net: "SpikingNetwork") -> None:
        """Give a fresh network its first weights, thresholds and scales."""
        self._check(net)
        net.initialise([INITIAL_WEIGHTS, INITIAL_WEIGHTS])
        net.parameters.scale[:] = 1
        net.parameters.thresholds[0][:] = self.hidden_threshold
        net.parameters.thresholds[1][:] = self.output_threshold

    def train_epoch(self, net: "SpikingNetwork", epoch: "Epoch") -> None:
        """Learn from every image of one epoch once, in an order drawn anew, and report to it.

        Parameters
        ----------
        net : BS4NN
            Its parameters are changed in place.
        epoch : Epoch
            Gives the images, the labels and the random numbers; takes what was observed.

        Raises
        ------
        ValueError
            If the network is not a BS4NN with one hidden layer, or its images cannot be moved.
        """
        self._check(net)
        self._in_sums_of_signs(net)
        _ready_state(net)
        kernels = get_decision_kernels(net.backend)
        plain = epoch.number > epoch.last - self.plain_epochs
        table = self._moves(net.layers[0], plain=plain)
        order = epoch.rng.permutation(epoch.images)
        at_end = epoch.rng.random(order.size) < self.at_end
        move = epoch.rng.integers(len(table), size=order.size)
        for start in range(0, order.size, self.batch_size):
            some = slice(start, start + self.batch_size)
            batch = Batch(order[some], at_end[some], move[some], table)
            found = kernels.gradients(
                epoch.inputs, epoch.labels, batch, _whole(net), self, t_max=net.t_max
            )
            progress = (epoch.number - 1 + start / order.size) / epoch.last
            flipped = self._step(net, kernels, found, batch.images.size, progress)
            means = found.outcomes.means() | {"updates": found.learned / batch.images.size}
            epoch.observe(batch.images.size, means, flips=flipped)

    def _step(
        self, net: "SpikingNetwork", kernels: DecisionKernels, found: Gradients, n: int,
        progress: float,
    ) -> npt.NDArray[np.int64]:  # fmt: skip
        """Change weights and thresholds after a batch of ``n``; return how many signs flipped."""
        p, state = net.parameters, net.rule_state_
        assert p.signs is not None
        step = state["step"]
        step += 1
        learning_rate = self.learning_rate * (1 + np.cos(np.pi * progress)) / 2
        rate = float(learning_rate * np.sqrt(1 - 0.999 ** step[0]) / (1 - 0.9 ** step[0]))

        flipped = np.zeros(2, dtype=np.int64)
        sums: list[AnyArray] = [found.hidden, found.output]
        parts = [HIDDEN_STEPS, ERROR_STEPS]
        for layer in range(2):
            # Transposed: in memory, what one input sends to all neurons lies side by side.
            gradient = np.ascontiguousarray(sums[layer].T, dtype=np.float32)
            gradient *= np.float32(1 / (parts[layer] * n))
            latent = p.latent[layer].T
            kernels.adam(
                latent, state[f"first_{layer}"], state[f"second_{layer}"], gradient, rate=rate
            )
            signs = _signs(latent)
            flipped[layer] = flips(p.signs[layer].T, signs)
            p.signs[layer].T[:] = signs

        slope = found.threshold / (HIDDEN_STEPS * n)
        first, second = state["first_threshold"], state["second_threshold"]
        first += 0.1 * (slope - first)
        second += 0.001 * (slope**2 - second)
        p.thresholds[0] -= self.threshold_speed * rate * first / (np.sqrt(second) + 1e-8)
        part = min(1.0, progress / FALL)
        target = self.missed_first + part * (self.missed_last - self.missed_first)
        p.thresholds[1] += self.feedback * (target - found.missed / n)
        for theta in p.thresholds:
            np.maximum(theta, 0, out=theta)
        return flipped

    def _check(self, net: "SpikingNetwork") -> None:
        """Refuse what this rule cannot train."""
        if not getattr(net, "has_signs", False) or len(net.layers) != 3:
            raise ValueError(
                "DecisionPotential: this rule trains a BS4NN with one hidden layer, such as "
                f"BS4NN((784, 600, 10)); got {type(net).__name__}({net.layers})"
            )
        self._moves(net.layers[0], plain=False)

    def _moves(self, n_in: int, *, plain: bool) -> npt.NDArray[np.int32]:
        """Where the pixels of a moved image go; one row per way to move it."""
        if plain or not (self.shift or self.mirror):
            return moves(n_in, columns=n_in, shift=0, mirror=False)
        columns = self.columns or round(n_in**0.5)
        if n_in % columns or (self.columns is None and columns**2 != n_in):
            raise ValueError(
                f"DecisionPotential: to shift or mirror images of {n_in} pixels it must know how "
                f"many stand in a row; got columns={self.columns!r}. Give columns=, a divisor of "
                f"{n_in}, or shift=0 and mirror=False"
            )
        return moves(n_in, columns=columns, shift=self.shift, mirror=self.mirror)

    def _in_sums_of_signs(self, net: "SpikingNetwork") -> None:
        """Scales of 1, and thresholds that mean the same: at the start, and after another rule."""
        p = net.parameters
        if (p.scale != 1).any():
            p.thresholds[:] = p.forward_thresholds
            p.scale[:] = 1


def _whole(net: "SpikingNetwork") -> BinaryLayers:
    """The network as the kernels read it. No sum of signs is beyond the number of inputs."""
    p = net.parameters
    assert p.signs is not None
    limits = [
        np.clip(theta, -signs.shape[1] - 1, signs.shape[1]).astype(np.int64)
        for theta, signs in zip(p.forward_thresholds, p.signs, strict=True)
    ]
    return BinaryLayers(list(p.signs), limits)


def _ready_state(net: "SpikingNetwork") -> None:
    """Make room for what the rule remembers: steps so far, and the moments of Adam.

    What is there already may come from a file, so its shapes and types are checked: the kernels
    trust them.
    """
    n_in, n_hidden, n_out = net.layers
    wanted: dict[str, tuple[tuple[int, ...], type[np.generic]]] = {"step": ((1,), np.int64)}
    for moment in ("first", "second"):
        wanted[f"{moment}_0"] = ((n_in, n_hidden), np.float32)
        wanted[f"{moment}_1"] = ((n_hidden, n_out), np.float32)
        wanted[f"{moment}_threshold"] = ((n_hidden,), np.float64)
    for name, (shape, dtype) in wanted.items():
        array = net.rule_state_.get(name, np.zeros(shape, dtype))
        if array.shape != shape or array.dtype != dtype:
            raise ValueError(
                f"DecisionPotential: the network's rule_state_ has {name!r} of shape {array.shape} "
                f"and {array.dtype}, not {shape} and {np.dtype(dtype)}; it is not of this rule"
            )
        net.rule_state_[name] = np.require(array, requirements=["C", "W"])


def _signs(latent: AnyArray) -> npt.NDArray[np.int8]:
    """As :func:`~minibs4nn.binary.sign`, for weights known to be finite: -1 where below 0."""
    below: npt.NDArray[np.int8] = (latent < 0).view(np.int8)
    return np.int8(1) - np.int8(2) * below
