"""Chapters 05 and 13: learning rules.

A rule is a small frozen object: its numbers, and how one epoch of training is done with them.
:class:`RelativeTarget` is the rule of the papers, :class:`DecisionPotential` is ours.
"""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from minibs4nn._checks import IntArray, check_choice, check_number, is_whole, make_plain
from minibs4nn.decision import SCHEDULES, DecisionPotential
from minibs4nn.targets import ALL_SILENT

if TYPE_CHECKING:
    from minibs4nn.model import SpikingNetwork
    from minibs4nn.training import Epoch

__all__ = [
    "BS4NN_PUBLISHED",
    "ORDERS",
    "S4NN_PUBLISHED",
    "SCHEDULES",
    "DecisionPotential",
    "RelativeTarget",
]

ORDERS = ("file", "shuffle", "replacement")


@dataclass(frozen=True)
class RelativeTarget:
    """The rule of the papers: relative targets, normalised deltas, one image at a time.

    As published by default. ``schedule`` and ``batch_size`` are ours: with them, the same deltas
    make another algorithm.

    Attributes
    ----------
    learning_rate : float
        eta, of the weights; at the start, if the schedule changes it.
    gamma : int, time steps
        The gap asked for between the label's neuron and every other.
    weight_decay : float
        lambda: after every image, ``w -= eta * lambda * w``.
    scale_learning_rate : float
        mu, of the scales of a BS4NN; an S4NN has none.
    all_silent : str
        What an image teaches on which no output fired: see
        :func:`~minibs4nn.targets.relative_targets`.
    order : str
        ``"file"``: as the images come, each once. ``"shuffle"``: each once, in an order drawn anew
        for every epoch. ``"replacement"``: as many draws as there are images, with replacement.
    reset_dead : float
        After each epoch, hidden neurons that fired on less than this share of the images get new
        input weights, drawn as at the start: a silent neuron cannot learn its way back. 0 for
        never.
    schedule : str
        ``"constant"``, as published, or ``"cosine"``: from epoch to epoch the learning rate falls
        along half a cosine, to nearly 0 in the last one of the run.
    batch_size : int, images
        1 is learning online, as published. More: all images of a batch see the same weights, which
        then move by the mean of their steps.

    Raises
    ------
    TypeError, ValueError
        If a number is out of its range; the message names it.

    References
    ----------
    Kheradpisheh & Masquelier 2020; Kheradpisheh, Mirsadeghi & Masquelier 2022.

    Examples
    --------
    >>> import dataclasses
    >>> dataclasses.replace(BS4NN_PUBLISHED, learning_rate=0.05).gamma
    1
    """

    learning_rate: float = 0.1
    gamma: int = 1
    weight_decay: float = 0.0
    scale_learning_rate: float = 0.01
    all_silent: str = "ignore"
    order: str = "shuffle"
    reset_dead: float = 0.0
    schedule: str = "constant"
    batch_size: int = 1

    def __post_init__(self) -> None:
        make_plain(self)
        check_choice("RelativeTarget", "all_silent", self.all_silent, ALL_SILENT)
        check_choice("RelativeTarget", "order", self.order, ORDERS)
        check_choice("RelativeTarget", "schedule", self.schedule, SCHEDULES)
        if not is_whole(self.gamma) or self.gamma < 0:
            raise ValueError(
                f"RelativeTarget: gamma must be a whole number of time steps, got {self.gamma!r}"
            )
        if not is_whole(self.batch_size) or self.batch_size < 1:
            raise ValueError(
                f"RelativeTarget: batch_size must be a whole number of images from 1, "
                f"got {self.batch_size!r}"
            )
        for name in ("learning_rate", "weight_decay", "scale_learning_rate", "reset_dead"):
            value = getattr(self, name)
            if not 0 <= check_number("RelativeTarget", name, value) < np.inf:
                raise ValueError(f"RelativeTarget: {name} must be 0 or more, got {value!r}")
        if self.learning_rate * self.weight_decay >= 1 or self.reset_dead > 1:
            raise ValueError(
                "RelativeTarget: learning_rate * weight_decay must stay below 1 and reset_dead is "
                f"a share, 0 to 1; got {self}"
            )

    def image_order(self, images: IntArray, rng: np.random.Generator) -> IntArray:
        """Return which of ``images`` (their indices) one epoch learns from, in order."""
        if self.order == "shuffle":
            return rng.permutation(images)
        if self.order == "replacement":
            return rng.choice(images, size=images.size)
        return images

    def learning_rate_in(self, epoch: int, last: int) -> float:
        """Return the learning rate of an epoch, from 1, of a run of ``last`` epochs.

        Examples
        --------
        >>> rule = RelativeTarget(learning_rate=0.1, schedule="cosine")
        >>> [round(rule.learning_rate_in(epoch, 4), 3) for epoch in (1, 2, 3, 4)]
        [0.1, 0.085, 0.05, 0.015]
        """
        if self.schedule == "constant":
            return self.learning_rate
        return float(self.learning_rate * (1 + np.cos(np.pi * (epoch - 1) / last)) / 2)

    def begin(self, net: "SpikingNetwork") -> None:
        """Give a fresh network the weights that its own settings ask for."""
        self._check(net)
        net.initialise()

    def train_epoch(self, net: "SpikingNetwork", epoch: "Epoch") -> None:
        """Learn from every image of one epoch, and report to it.

        Parameters
        ----------
        net : S4NN or BS4NN
            Its parameters are changed in place.
        epoch : Epoch
            Gives the images, the labels and the random numbers; takes what was observed.

        Raises
        ------
        ValueError
            If the network has no spikes, or a window shorter than ``gamma``.
        """
        self._check(net)
        images = self.image_order(epoch.images, epoch.rng)
        # To know who never fires takes a look at the whole window of every image, which the
        # compiled kernels otherwise spare themselves.
        count_fired = self.reset_dead > 0 or epoch.number == 1
        now = replace(self, learning_rate=self.learning_rate_in(epoch.number, epoch.last))
        online = self.batch_size == 1
        learn = net.kernels.train_online if online else net.kernels.train_minibatches
        for part in epoch.parts(images, self.batch_size):
            report = learn(
                epoch.inputs, epoch.labels, part, net.parameters, now,
                t_max=net.t_max, count_fired=count_fired,
            )  # fmt: skip
            means = report.outcomes.means() | {"updates": report.updates / part.size}
            epoch.observe(part.size, means, flips=report.flips, fired=report.fired)
        if self.reset_dead:
            for layer, fired in enumerate(epoch.fired[:-1]):  # output neurons can always learn
                dead = np.flatnonzero(fired < self.reset_dead * images.size)
                net.redraw(layer, dead, epoch.rng)

    def _check(self, net: "SpikingNetwork") -> None:
        """Refuse what this rule cannot train."""
        if not hasattr(net, "has_signs"):
            raise ValueError(
                "RelativeTarget: this rule trains an S4NN or BS4NN, such as BS4NN((784, 600, 10)); "
                f"got {type(net).__name__}({net.layers})"
            )
        if self.gamma > net.t_max:
            raise ValueError(
                f"RelativeTarget: gamma must be at most the window of {net.t_max} time steps, "
                f"got {self.gamma}"
            )


# What the published code trains with on MNIST. The papers' accuracies are for these settings.
S4NN_PUBLISHED = RelativeTarget(
    learning_rate=0.2,
    gamma=3,
    weight_decay=1e-6,
    scale_learning_rate=0.0,
    all_silent="teach",
    order="file",
    reset_dead=0.001,
)
BS4NN_PUBLISHED = RelativeTarget(
    learning_rate=0.1,
    gamma=1,
    weight_decay=0.0,
    scale_learning_rate=0.01,
    all_silent="ignore",
    order="replacement",
    reset_dead=0.0,
)
