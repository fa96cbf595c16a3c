"""The definition, in NumPy: chapters 03 to 07 put together.

:func:`train_online` learns from one image at a time, as published. :func:`train_minibatches` is
another algorithm: the images of a batch all see the same weights.

Nothing here is fast. Everything here is meant to be read beside the paper, and ``cpu.py`` is its
compiled twin: same names, same numbered steps, same additions in the same order, same bits.
"""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from minibs4nn._checks import AnyArray, FloatArray, IntArray, SpikeTimes
from minibs4nn.backward import backpropagate, decay, update_weights
from minibs4nn.binary import flips, scale_gradient, sign
from minibs4nn.evaluation import Outcomes, judge
from minibs4nn.forward import layer_spike_times, potential_at
from minibs4nn.kernels import OnlineReport, Parameters
from minibs4nn.targets import normalise, relative_targets, time_error

if TYPE_CHECKING:
    from minibs4nn.rules import RelativeTarget

__all__ = [
    "SMALLEST_SHRINK",
    "layer_spike_times",
    "prepare",
    "scale_message",
    "train_minibatches",
    "train_online",
]

SMALLEST_SHRINK = 1e-6  # below it the postponed weight decay is multiplied out, lest it underflow


def prepare(times: SpikeTimes, *, t_max: int) -> SpikeTimes:
    """Nothing to prepare: the reference reads spike times as they are."""
    return times


def train_online(
    prepared: SpikeTimes,
    labels: IntArray,
    order: IntArray,
    parameters: Parameters,
    rule: "RelativeTarget",
    *,
    t_max: int,
    count_fired: bool = True,
) -> OnlineReport:
    """Learn from the images ``order``, one at a time; ``parameters`` are changed in place.

    Parameters
    ----------
    prepared : int16 array, shape (n, n_in)
        Spike times of all images.
    labels : int64 array, shape (n,)
    order : int64 array, shape (m,)
        Which images, in which order; an image may come more than once.
    parameters : Parameters
    rule : RelativeTarget
    t_max : int, time steps
    count_fired : bool
        Whether to count on how many images each neuron fires.

    Returns
    -------
    OnlineReport

    Raises
    ------
    ArithmeticError
        If a scale falls to zero or below.

    References
    ----------
    Kheradpisheh & Masquelier 2020; Kheradpisheh, Mirsadeghi & Masquelier 2022. That each layer is
    updated *before* the deltas pass through it is the order of the published code.
    """
    p = parameters
    depth = len(p.latent)
    outcomes = Outcomes.of(len(order))
    fired = [np.zeros(len(w), dtype=np.int64) for w in p.latent] if count_fired else []
    flipped = np.zeros(depth, dtype=np.int64)
    updates = 0
    # Weight decay shrinks every weight after every image. The shrinking is kept in one number
    # instead (weights = shrink * latent) and multiplied out at the end: the same mathematics, and
    # an image need not touch weights that it does not use.
    keep = 1.0 - rule.learning_rate * rule.weight_decay
    shrink = 1.0

    for m, n in enumerate(order):
        # (1) forward: firing times of every layer
        heard, potentials, outcomes[m] = _forward(prepared[n], labels[n], p, shrink, t_max)
        for count, spikes in zip(fired, heard[1:], strict=count_fired):
            count += spikes < t_max

        # (2) targets and error of the output layer
        delta = _error(heard[-1], labels[n], rule, t_max)
        if delta.any():
            updates += 1
            for layer in reversed(range(depth)):
                # (3) normalise, (4) update this layer, (5) pass the deltas through it
                delta = normalise(delta)
                latent, inputs, outputs = p.latent[layer], heard[layer], heard[layer + 1]
                update_weights(
                    latent, delta, inputs, outputs, learning_rate=rule.learning_rate / shrink
                )
                if p.signs is not None:
                    slope = scale_gradient(delta, potentials[layer], len(inputs))
                    flipped[layer] += _renew_scale_and_signs(p, layer, slope, rule)
                if layer > 0:
                    delta = backpropagate(delta, latent, inputs, outputs)

        # (6) weight decay
        shrink *= keep
        if shrink < SMALLEST_SHRINK or (m == len(order) - 1 and shrink != 1.0):
            for latent in p.latent:
                decay(latent, shrink)
            shrink = 1.0

    return OnlineReport(outcomes, flipped, updates, fired)


def train_minibatches(
    prepared: SpikeTimes,
    labels: IntArray,
    order: IntArray,
    parameters: Parameters,
    rule: "RelativeTarget",
    *,
    t_max: int,
    count_fired: bool = True,
) -> OnlineReport:
    """Learn from ``rule.batch_size`` images at a time; ``parameters`` are changed in place.

    Another algorithm than :func:`train_online`: all images of a batch see the same weights, and
    each layer then moves by the mean of the steps that they ask for. The last batch may be smaller.
    With a batch of one image the two are the same, bit for bit.

    Parameters
    ----------
    prepared : int16 array, shape (n, n_in)
        Spike times of all images.
    labels : int64 array, shape (n,)
    order : int64 array, shape (m,)
        Which images, in which order.
    parameters : Parameters
    rule : RelativeTarget
    t_max : int, time steps
    count_fired : bool
        Whether to count on how many images each neuron fires.

    Returns
    -------
    OnlineReport

    Raises
    ------
    ArithmeticError
        If a scale falls to zero or below.

    References
    ----------
    This library's own; the deltas are those of the papers, normalised image by image.
    """
    p = parameters
    depth = len(p.latent)
    outcomes = Outcomes.of(len(order))
    fired = [np.zeros(len(w), dtype=np.int64) for w in p.latent] if count_fired else []
    flipped = np.zeros(depth, dtype=np.int64)
    updates = 0
    keep = 1.0 - rule.learning_rate * rule.weight_decay
    shrink = 1.0

    for start in range(0, len(order), rule.batch_size):
        batch = order[start : start + rule.batch_size]
        # (1) forward, and (2) targets and error, of all images, with the present weights
        seen: list[_Seen] = []
        deltas: list[FloatArray] = []
        for m, n in enumerate(batch, start=start):
            seen.append(_forward(prepared[n], labels[n], p, shrink, t_max))
            heard, _, outcomes[m] = seen[-1]
            for count, spikes in zip(fired, heard[1:], strict=count_fired):
                count += spikes < t_max
            deltas.append(_error(heard[-1], labels[n], rule, t_max))
        updates += sum(bool(delta.any()) for delta in deltas)

        for layer in reversed(range(depth)):
            # (3) normalise, (4) update this layer by all images, (5) pass the deltas through it
            latent = p.latent[layer]
            move = np.zeros_like(latent)
            slope = 0.0
            for b, image in enumerate(seen):
                deltas[b] = normalise(deltas[b])
                inputs, outputs = image.heard[layer : layer + 2]
                rate = rule.learning_rate / shrink / len(batch)
                update_weights(move, deltas[b], inputs, outputs, learning_rate=rate)
                slope += scale_gradient(deltas[b], image.potentials[layer], len(inputs))
            latent += move
            if p.signs is not None:
                flipped[layer] += _renew_scale_and_signs(p, layer, slope / len(batch), rule)
            if layer > 0:
                deltas = [
                    backpropagate(delta, latent, *image.heard[layer : layer + 2])
                    for delta, image in zip(deltas, seen, strict=True)
                ]

        # (6) weight decay, once per image
        for m in range(start, start + len(batch)):
            shrink *= keep
            if shrink < SMALLEST_SHRINK or (m == len(order) - 1 and shrink != 1.0):
                for latent in p.latent:
                    decay(latent, shrink)
                shrink = 1.0

    return OnlineReport(outcomes, flipped, updates, fired)


class _Seen(NamedTuple):
    """What the network made of one image: spike times, input first; potentials; the judgement."""

    heard: list[SpikeTimes]
    potentials: list[AnyArray]
    outcome: Outcomes


def _forward(times: SpikeTimes, label: np.int64, p: Parameters, shrink: float, t_max: int) -> _Seen:
    """Present one image to weights that are ``shrink`` times what is stored."""
    thresholds = p.forward_thresholds
    if p.signs is None:
        thresholds = [theta / shrink for theta in thresholds]
    heard, potentials = [times], []
    for weights, threshold in zip(p.weights, thresholds, strict=True):
        spikes, potential = layer_spike_times(heard[-1][None], weights, threshold, t_max=t_max)
        heard.append(spikes[0])
        potentials.append(potential[0])
    late = np.zeros((1, len(p.weights[-1])))
    if t_max >= 3:  # the authors' counter looks at the potentials at t_max - 3
        late = potential_at(heard[-2][None], p.weights[-1], t_max - 3, t_max=t_max)
    outcome = judge(
        heard[-1][None], potentials[-1][None], late, np.array([label]), threshold=thresholds[-1],
        t_max=t_max,
    )  # fmt: skip
    return _Seen(heard, potentials, outcome)


def _error(times: SpikeTimes, label: np.int64, rule: "RelativeTarget", t_max: int) -> FloatArray:
    """The errors of the output neurons to their targets, for one image."""
    targets = relative_targets(
        times[None], [label], gamma=rule.gamma, all_silent=rule.all_silent, t_max=t_max
    )
    return time_error(times, targets[0], t_max=t_max)


def _renew_scale_and_signs(p: Parameters, layer: int, slope: float, rule: "RelativeTarget") -> int:
    """Move the scale of a layer, and take the signs of its new latent weights; count the flips."""
    assert p.signs is not None
    p.scale[layer] -= rule.scale_learning_rate * slope
    if not p.scale[layer] > 0:
        raise ArithmeticError(scale_message(layer, p.scale))
    new_signs = sign(p.latent[layer])
    flipped = flips(p.signs[layer], new_signs)
    p.signs[layer][:] = new_signs
    return flipped


def scale_message(layer: int, scale: FloatArray) -> str:
    """What to say when learning drives a scale to zero or below."""
    return (
        f"BS4NN.fit: the scale of layer {layer} fell to {scale[layer]:.3g}, but must stay "
        "positive; lower the rule's scale_learning_rate or begin with a larger scale"
    )
