"""What is in a network: the distribution of its weights, and how often they changed sign."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from minibs4nn._checks import FloatArray, IntArray, check_finite, check_layers, is_whole
from minibs4nn.analysis._response import SingleSpikeNetwork, as_spiking
from minibs4nn.model import BS4NN

__all__ = ["WeightHistogram", "flip_shares", "weight_histograms"]


@dataclass(frozen=True, eq=False)
class WeightHistogram:
    """How many weights of a layer lie where.

    Attributes
    ----------
    counts : int64 array, shape (bins,)
    edges : float64 array, shape (bins + 1,)
        Symmetric around zero, which is the middle one. A weight on an edge belongs to the bin on
        its right, so that zero counts as positive, as it does for its sign.
    """

    counts: IntArray
    edges: FloatArray

    @property
    def positive(self) -> float:
        """Share of the weights whose sign is +1."""
        half = len(self.counts) // 2
        return float(self.counts[half:].sum() / self.counts.sum())


def weight_histograms(net: SingleSpikeNetwork, *, bins: int = 50) -> list[WeightHistogram]:
    """Count the weights of each layer: real ones of an S4NN, latent ones of a BS4NN.

    Parameters
    ----------
    net : S4NN, BS4NN or PackedBS4NN
        A packed network, and one that was saved for use only, has no latent weights left: all of
        them are +1 or -1.
    bins : int
        An even number, so that zero falls between two bins.

    Returns
    -------
    list of WeightHistogram
        One per layer after the input.

    Raises
    ------
    TypeError
        If this is no spiking network.
    ValueError
        If ``bins`` is not an even number from 2.

    Examples
    --------
    >>> from minibs4nn import BS4NN
    >>> net = BS4NN.from_weights([[[0.5, -0.25, 0.0, 1.0]]], scale=1.0)
    >>> histogram = weight_histograms(net, bins=4)[0]
    >>> histogram.edges.tolist(), histogram.counts.tolist(), histogram.positive
    ([-1.0, -0.5, 0.0, 0.5, 1.0], [0, 1, 1, 2], 0.75)
    """
    spiking = as_spiking("weight_histograms", net)
    if not is_whole(bins) or bins < 2 or bins % 2:
        raise ValueError(f"weight_histograms: bins must be an even number from 2, got {bins!r}")
    layers = spiking.latent_weights_ if isinstance(spiking, BS4NN) else spiking.weights_
    found = []
    for weights in layers:
        w = weights.astype(np.float64)
        limit = float(np.abs(w).max()) or 1.0
        right = np.linspace(0.0, limit, bins // 2 + 1)
        counts, edges = np.histogram(w, bins=np.concatenate([-right[:0:-1], right]))
        found.append(WeightHistogram(counts.astype(np.int64), edges))
    return found


def flip_shares(flips: npt.ArrayLike, layers: Sequence[int]) -> FloatArray:
    """Which share of the signs of each layer changed in each epoch of training.

    A sign that changes and changes back within an epoch counts twice, so a share can exceed 1.

    Parameters
    ----------
    flips : int array, shape (n_epochs, n_layers)
        ``net.history_["flips"]``, or what a record in ``results/`` has under that name.
    layers : sequence of int
        Sizes of the layers, input first: ``net.layers``.

    Returns
    -------
    float64 array, shape (n_epochs, n_layers)
        Flips, divided by the number of synapses of the layer.

    Raises
    ------
    TypeError, ValueError
        If there is no epoch, the shape does not fit the layers, or a number is negative.

    Examples
    --------
    >>> flip_shares([[10, 1], [4, 0]], (4, 5, 2)).tolist()
    [[0.5, 0.1], [0.2, 0.0]]
    """
    sizes = check_layers("flip_shares", layers)
    counts = check_finite("flip_shares", "flips", flips)
    if counts.ndim != 2 or counts.shape[1] != len(sizes) - 1 or not len(counts):
        raise ValueError(
            f"flip_shares: flips must have shape (n_epochs, {len(sizes) - 1}), one column for each "
            f"layer after the input, got {counts.shape}"
        )
    if (counts < 0).any():
        raise ValueError(f"flip_shares: flips must be 0 or more, got {counts.min():g}")
    synapses = np.array([n_in * n_out for n_in, n_out in pairwise(sizes)], dtype=np.float64)
    shares: FloatArray = counts / synapses
    return shares
