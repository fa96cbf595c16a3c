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

from minibs4nn._checks import FloatArray, check_choice, check_number, is_whole, make_plain
from minibs4nn.kernels.decision import (
    ERROR_STEPS,
    HIDDEN_STEPS,
    LARGEST_BATCH,
    Batch,
    DecisionKernels,
    Gradients,
    TwoLayers,
    get_decision_kernels,
    views,
)

if TYPE_CHECKING:
    from minibs4nn.model import SpikingNetwork
    from minibs4nn.training import Epoch

__all__ = ["SCHEDULES", "DecisionPotential"]

SCHEDULES = ("constant", "cosine")
LATENT_WEIGHTS = (-0.1, 0.1)  # at the start: small, so that signs change easily
REAL_WEIGHTS = (-(3**0.5), 3**0.5)  # at the start: their standard deviation is that of signs, 1
VIEWS = 2_000  # drawn anew for every epoch
FALL = 0.6  # share of the run over which the target of missed images falls


@dataclass(frozen=True)
class DecisionPotential:
    """Cross-entropy of the output potentials at the moment of decision.

    For every image, with z the output potentials less their thresholds:

    1. The moment is the first output spike, or the end of the window if there is none; and for a
       random share of the images the end of the window in any case.
    2. ``p = softmax(z / temperature)`` at that moment; the error of an output is ``p - 1`` for the
       label, ``p`` for the others.
    3. A hidden neuron gets the errors back through the weights, if its potential came within
       ``width`` of its threshold: elsewhere a small change would not change its spike.
    4. A weight gets the error of its neuron, if its input fired before its neuron did, and in time
       for the moment.

    The means over a batch go to Adam, which moves weights and thresholds against the errors: the
    latent weights of a :class:`~minibs4nn.BS4NN`, the weights themselves of an
    :class:`~minibs4nn.S4NN`. Errors alone cannot tell how early the outputs should fire. So the
    output thresholds also follow a target, all alike: they fall while too many images end without
    a spike of the label's neuron, and rise else.

    A fresh network starts with scales of 1, the thresholds given here, and weights of its own:
    latent ones between -0.1 and 0.1, real ones with the spread of signs. The network's
    ``initial_weights``, ``scale`` and ``threshold`` are for the papers' rule.

    Attributes
    ----------
    learning_rate : float
        Of Adam; at the start, if the schedule changes it.
    batch_size : int, images
        1 to 127.
    temperature : float
        Of the softmax, in potentials: how far ahead the label is asked to be.
    push : float
        Strength of a second error, beside that of the softmax: the label's potential is asked to be
        above its threshold at the end of the window, that of every other output below at any
        moment. For images that the softmax alone decides well in the end, but too early by the
        first spike.
    early : float
        Reward for an early decision: to the loss of an image comes ``early * M / t_max``, with M
        the moment, if that was its own and not the end by chance. An earlier moment takes a higher
        potential of the label, so ``early * M / t_max`` is taken off the label's error.
    width : int
        How near to its threshold a hidden neuron must have come to learn.
    hidden_threshold, output_threshold : float
        At the start, in sums of signs.
    threshold_speed : float
        Thresholds learn with so many times the learning rate.
    at_end : float, 0 to 1
        Share of the images that are read at the end of the window.
    missed_first, missed_last : float, 0 to 1
        Share of images that may miss: those read at the end of the window with the label's
        potential not above its threshold. The target goes from the first to the last in a straight
        line over 60 % of the run. The lower it is, the earlier and the less silent the outputs.
    feedback : float
        The output thresholds change by so much times the distance from that target, each batch.
    skip : float, 0 to 1
        An image with no error as large as this teaches nothing.
    dropout : float, 0 to 1
        Share of the hidden neurons that are left out, drawn anew for every image.
    input_dropout : float, 0 to 1
        Share of the pixels that are black, whatever they were, so that their spikes are missing.
    shift : int, pixels
        Every time an image is shown, it is moved at random by at most so much each way.
    mirror : bool
        Whether it is also mirrored, left to right, every other time.
    warp : float, pixels
        Whether it is also bent, and how far: see :func:`minibs4nn.kernels.decision.views`.
    plain_epochs : int
        At the end of the run, epochs in which the images are shown as they are, all pixels
        included.
    schedule : str
        ``"cosine"``: from batch to batch the learning rate falls along half a cosine, to nearly 0
        in the last one of the run. ``"constant"``: it stays.
    columns : int or None
        Pixels of one row of an image, needed only to change images. None: images are square.

    Raises
    ------
    TypeError, ValueError
        If a number is out of its range; the message names it.

    References
    ----------
    This library's own. Its parts: the straight-through estimator (Bengio, Léonard & Courville
    2013), latent weights (Courbariaux et al. 2016), Adam (Kingma & Ba 2015), the cosine (Loshchilov
    & Hutter 2017), dropout (Srivastava et al. 2014), bent images (Simard, Steinkraus & Platt 2003).

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
    push: float = 0.0
    early: float = 0.0
    width: int = 10
    hidden_threshold: float = 15.0
    output_threshold: float = 35.0
    threshold_speed: float = 2.0
    at_end: float = 0.5
    missed_first: float = 0.09
    missed_last: float = 0.05
    feedback: float = 0.1
    skip: float = 0.01
    dropout: float = 0.0
    input_dropout: float = 0.0
    shift: int = 0
    mirror: bool = False
    warp: float = 0.0
    plain_epochs: int = 0
    schedule: str = "cosine"
    columns: int | None = None

    def __post_init__(self) -> None:
        make_plain(self)
        if not isinstance(self.mirror, bool):
            raise TypeError(f"DecisionPotential: mirror must be True or False, got {self.mirror!r}")
        check_choice("DecisionPotential", "schedule", self.schedule, SCHEDULES)
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
        for name in (
            "at_end", "missed_first", "missed_last", "skip", "dropout", "input_dropout"
        ):  # fmt: skip
            value = getattr(self, name)
            if not 0 <= check_number("DecisionPotential", name, value) <= 1:
                raise ValueError(f"DecisionPotential: {name} is a share, 0 to 1, got {value!r}")
        for name in (
            "hidden_threshold", "output_threshold", "threshold_speed", "feedback", "warp", "push",
            "early",
        ):  # fmt: skip
            value = getattr(self, name)
            if not 0 <= check_number("DecisionPotential", name, value) < np.inf:
                raise ValueError(f"DecisionPotential: {name} must be 0 or more, got {value!r}")
        for name in ("learning_rate", "temperature"):
            value = getattr(self, name)
            if not 0 < check_number("DecisionPotential", name, value) < np.inf:
                raise ValueError(f"DecisionPotential: {name} must be positive, got {value!r}")

    def begin(self, net: "SpikingNetwork") -> None:
        """Give a fresh network its first weights, thresholds and scales."""
        self._check(net)
        weights = LATENT_WEIGHTS if net.has_signs else REAL_WEIGHTS
        net.initialise([weights, weights])
        net.parameters.scale[:] = 1
        net.parameters.thresholds[0][:] = self.hidden_threshold
        net.parameters.thresholds[1][:] = self.output_threshold

    def train_epoch(self, net: "SpikingNetwork", epoch: "Epoch") -> None:
        """Learn from every image of one epoch once, in an order drawn anew, and report to it.

        Parameters
        ----------
        net : BS4NN or S4NN
            Its parameters are changed in place.
        epoch : Epoch
            Gives the images, the labels and the random numbers; takes what was observed.

        Raises
        ------
        ValueError
            If the network does not have one hidden layer, or its images cannot be changed.
        """
        self._check(net)
        _in_sums_of_signs(net)
        _ready_state(net)
        kernels = get_decision_kernels(net.backend)
        rng, n_hidden = epoch.rng, net.layers[1]
        seen = self._views(net.layers[0], rng, plain=epoch.number > epoch.last - self.plain_epochs)
        order = rng.permutation(epoch.images)
        for start in range(0, order.size, self.batch_size):
            images = order[start : start + self.batch_size]
            n = images.size
            batch = Batch(
                images,
                at_end=rng.random(n) < self.at_end,
                dropped=rng.random((n, n_hidden if self.dropout else 0)) < self.dropout,
                view=rng.integers(len(seen), size=n),
                views=seen,
            )
            found = kernels.gradients(
                epoch.inputs, epoch.labels, batch, _as_it_runs(net), self, t_max=net.t_max
            )
            progress = (epoch.number - 1 + start / order.size) / epoch.last
            flipped = self._step(net, kernels, found, n, progress)
            means = found.outcomes.means() | {"updates": found.learned / n}
            epoch.observe(n, means, flips=flipped)

    def _step(
        self, net: "SpikingNetwork", kernels: DecisionKernels, found: Gradients, n: int,
        progress: float,
    ) -> npt.NDArray[np.int64]:  # fmt: skip
        """Change weights and thresholds after a batch of ``n``; return how many signs flipped."""
        p, state = net.parameters, net.rule_state_
        step = state["step"]
        step += 1
        learning_rate = self.learning_rate
        if self.schedule == "cosine":
            learning_rate = learning_rate * (1 + np.cos(np.pi * progress)) / 2
        rate = float(learning_rate * np.sqrt(1 - 0.999 ** step[0]) / (1 - 0.9 ** step[0]))

        flipped = np.zeros(2, dtype=np.int64)
        slopes = [(found.hidden, HIDDEN_STEPS), (found.output, ERROR_STEPS)]
        theta_slopes = [
            (found.hidden_threshold, HIDDEN_STEPS), (found.output_threshold, ERROR_STEPS)
        ]  # fmt: skip
        for layer in range(2):
            # Transposed: in memory, what one input sends to all neurons lies side by side.
            slope, parts = slopes[layer]
            flipped[layer] = kernels.adam(
                p.latent[layer].T, None if p.signs is None else p.signs[layer].T,
                state[f"first_{layer}"], state[f"second_{layer}"], slope.T,
                unit=1 / (parts * n), rate=rate,
            )  # fmt: skip
            slope, parts = theta_slopes[layer]
            kernels.adam(
                p.thresholds[layer], None,
                state[f"first_threshold_{layer}"], state[f"second_threshold_{layer}"], slope,
                unit=1 / (parts * n), rate=self.threshold_speed * rate,
            )  # fmt: skip
        part = min(1.0, progress / FALL)
        target = self.missed_first + part * (self.missed_last - self.missed_first)
        p.thresholds[1] += self.feedback * (target - found.missed / n)
        for theta in p.thresholds:
            np.maximum(theta, 0, out=theta)
        return flipped

    def _check(self, net: "SpikingNetwork") -> None:
        """Refuse what this rule cannot train."""
        if not hasattr(net, "has_signs") or len(net.layers) != 3:
            raise ValueError(
                "DecisionPotential: this rule trains an S4NN or BS4NN with one hidden layer, such "
                f"as BS4NN((784, 600, 10)); got {type(net).__name__}({net.layers})"
            )
        self._columns(net.layers[0])

    def _columns(self, n_in: int) -> int:
        """Pixels in a row of an image; all of them where images are not changed."""
        if not (self.shift or self.mirror or self.warp):
            return n_in
        columns = self.columns or round(n_in**0.5)
        if n_in % columns or (self.columns is None and columns**2 != n_in):
            raise ValueError(
                f"DecisionPotential: to shift, mirror or warp images of {n_in} pixels it must know "
                f"how many stand in a row; got columns={self.columns!r}. Give columns=, a divisor "
                f"of {n_in}, or shift=0, mirror=False and warp=0"
            )
        if self.shift >= min(columns, n_in // columns):
            raise ValueError(
                f"DecisionPotential: shift={self.shift} would move images of {n_in // columns} x "
                f"{columns} pixels out of sight"
            )
        return columns

    def _views(
        self, n_in: int, rng: np.random.Generator, *, plain: bool
    ) -> npt.NDArray[np.int32]:  # fmt: skip
        """Draw the ways to see an image; each image of an epoch is shown in one of them."""
        if plain or not (self.shift or self.mirror or self.warp or self.input_dropout):
            return np.arange(n_in, dtype=np.int32)[None]
        return views(
            n_in, VIEWS, rng, columns=self._columns(n_in), shift=self.shift, mirror=self.mirror,
            warp=self.warp, dropout=self.input_dropout,
        )  # fmt: skip


def _in_sums_of_signs(net: "SpikingNetwork") -> None:
    """Scales of 1, and thresholds that mean the same: at the start, and after another rule."""
    p = net.parameters
    if (p.scale != 1).any():
        p.thresholds[:] = p.forward_thresholds
        p.scale[:] = 1


def _as_it_runs(net: "SpikingNetwork") -> TwoLayers:
    """The network as the kernels read it. No sum of signs is beyond the number of inputs."""
    p = net.parameters
    limits: list[FloatArray] = p.forward_thresholds
    if p.signs is not None:
        limits = [
            np.clip(theta, -signs.shape[1] - 1, signs.shape[1])
            for theta, signs in zip(limits, p.signs, strict=True)
        ]
    return TwoLayers(p.weights, limits)


def _ready_state(net: "SpikingNetwork") -> None:
    """Make room for what the rule remembers: steps so far, and the moments of Adam.

    What is there already may come from a file, so its shapes and types are checked: the kernels
    trust them.
    """
    n_in, n_hidden, n_out = net.layers
    number = net.parameters.latent[0].dtype
    wanted: dict[str, tuple[tuple[int, ...], npt.DTypeLike]] = {"step": ((1,), np.dtype(np.int64))}
    for moment in ("first", "second"):
        wanted[f"{moment}_0"] = ((n_in, n_hidden), number)
        wanted[f"{moment}_1"] = ((n_hidden, n_out), number)
        wanted[f"{moment}_threshold_0"] = ((n_hidden,), np.dtype(np.float64))
        wanted[f"{moment}_threshold_1"] = ((n_out,), np.dtype(np.float64))
    for name, (shape, dtype) in wanted.items():
        array = net.rule_state_.get(name, np.zeros(shape, dtype))
        if array.shape != shape or array.dtype != dtype:
            raise ValueError(
                f"DecisionPotential: the network's rule_state_ has {name!r} of shape {array.shape} "
                f"and {array.dtype}, not {shape} and {dtype}; it is not of this rule"
            )
        net.rule_state_[name] = np.require(array, requirements=["C", "W"])
