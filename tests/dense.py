"""The third definition: the same networks in the dense form, written from the equations alone.

A spike train is a row of zeros with a single one, a potential is a matrix product with the running
sum of those rows, and the firing time is the place of the first True. Learning is a handful of
matrix expressions. Slow, short, and without a line of the library: if it agrees with the library,
both follow the equations.
"""

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[Any]
Floats: TypeAlias = npt.NDArray[np.float64]


def heard_by_then(times: Array, t_max: int) -> Floats:
    """Which inputs have fired by the end of each step: the running sum of one-hot spikes.

    Column ``t_max`` takes the silent ones in. Shape (n_in, t_max + 1).
    """
    one_hot = np.zeros((times.size, t_max + 1))
    one_hot[np.arange(times.size), times] = 1
    return np.cumsum(one_hot, axis=1)


def layer(times: Array, weights: Array, threshold: Array, t_max: int) -> tuple[Array, Floats]:
    """Firing times of a layer for one image, and the potential at the crossing or at the end."""
    potential = weights.astype(np.float64) @ heard_by_then(times, t_max)
    crossed = potential[:, :t_max] > threshold[:, None]
    crossing = np.where(crossed.any(axis=1), crossed.argmax(axis=1), t_max)
    spike_times = np.minimum(crossing + 1, t_max)
    looked_at = np.where(spike_times < t_max, crossing, t_max - 1)
    return spike_times, potential[np.arange(len(weights)), looked_at]


@dataclass
class Net:
    """Weights (n_out, n_in) and thresholds of each layer; with a scale, a BS4NN on their signs."""

    weights: list[Array]  # kept in the precision that they come in
    thresholds: list[Floats]
    scale: list[float] | None

    def forward(self, times: Array, t_max: int) -> tuple[list[Array], list[Floats]]:
        """Times of all layers, the input first, and the potentials of the layers after it."""
        heard, potentials = [times], []
        for k in range(len(self.weights)):
            spikes, potential = layer(heard[-1], self.used(k), self.limit(k), t_max)
            heard.append(spikes)
            potentials.append(potential)
        return heard, potentials

    def used(self, k: int) -> Floats:
        """The weights of a layer that its neurons add up."""
        return self.weights[k] if self.scale is None else np.where(self.weights[k] >= 0, 1.0, -1.0)

    def limit(self, k: int) -> Floats:
        """What their sum has to exceed."""
        return self.thresholds[k] if self.scale is None else self.thresholds[k] / self.scale[k]


def targets(times: Array, label: int, gamma: int, teach: bool, t_max: int) -> Array:
    """When each output neuron should have fired."""
    tau = min(times)
    wanted = []
    for j, t in enumerate(times):
        if tau == t_max:
            wanted.append(t_max - gamma if teach and j == label else t_max)
        elif j == label:
            wanted.append(tau)
        elif t - tau < gamma:
            wanted.append(min(tau + gamma, t_max))
        else:
            wanted.append(t)
    return np.array(wanted)


def train_step(
    net: Net, times: Array, label: int, *, learning_rate: float, gamma: int, weight_decay: float,
    scale_learning_rate: float, teach: bool, t_max: int,
) -> list[Array]:  # fmt: skip
    """Learn from one image; return the firing times of all layers before that, input first."""
    heard, _ = net.forward(times, t_max)
    delta = (targets(heard[-1], label, gamma, teach, t_max) - heard[-1]) / t_max
    for k in reversed(range(len(net.weights))):
        # Firing is one step after the crossing: what counted is what was heard a step before.
        counted = heard_by_then(heard[k], t_max)[:, heard[k + 1] - 1].T
        length = np.linalg.norm(delta)
        if length > 0:
            delta = delta / length
        per_synapse = delta[:, None] * counted
        weights, signs = net.weights[k], net.used(k)
        net.weights[k] = weights - (learning_rate * per_synapse).astype(weights.dtype)
        if net.scale is not None:
            net.scale[k] -= scale_learning_rate * float(np.mean(per_synapse * signs))
        delta = (per_synapse * net.weights[k]).sum(axis=0)  # through the weights just updated
    for k, weights in enumerate(net.weights):
        kept = (1 - learning_rate * weight_decay) * weights.astype(np.float64)
        net.weights[k] = kept.astype(weights.dtype)
        gone = (weights < 0) & (net.weights[k] == 0)  # a negative weight stays negative
        net.weights[k][gone] = -np.finfo(weights.dtype).tiny
    return heard


def first_spike(times: Array, excess: Array) -> int:
    """The earliest neuron; of several the furthest above threshold; of several of those the first.

    If all are silent, all are equally early.
    """
    best = 0
    for j in range(1, len(times)):
        if (times[j], -excess[j]) < (times[best], -excess[best]):
            best = j
    return best


def published_count(times: Array, late_potential: Array, label: int, t_max: int) -> bool:
    """Whether the authors' counter takes an image as right."""
    if min(times) == t_max:
        return max(late_potential) not in late_potential[:label] and late_potential[label] == max(
            late_potential
        )
    return bool(times[label] == min(times))
