"""What a network does with some images, computed once."""

import copy
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from minibs4nn._checks import AnyArray, IntArray, SpikeTimes, check_array, is_whole
from minibs4nn.forward import decide
from minibs4nn.model import SpikingNetwork
from minibs4nn.packed import PackedBS4NN
from minibs4nn.training import History

__all__ = [
    "Response",
    "SingleSpikeNetwork",
    "as_it_is_now",
    "as_spiking",
    "check_steps",
    "respond",
]

SingleSpikeNetwork: TypeAlias = SpikingNetwork | PackedBS4NN


@dataclass(frozen=True, eq=False)
class Response:
    """What a network does with n images: spike times of all layers, potentials of the output.

    Attributes
    ----------
    net : S4NN or BS4NN
        From :func:`respond`, a copy: what the network learns later does not change it.
    spike_times : list of int16 arrays, shapes (n, size), time steps 0 to t_max
        Of every layer, the input first.
    potential : array, shape (n, n_classes)
        Of the output neurons, as :func:`minibs4nn.layer_spike_times` gives it.
    """

    net: SpikingNetwork
    spike_times: list[SpikeTimes]
    potential: AnyArray

    def __len__(self) -> int:
        return len(self.potential)

    @property
    def t_max(self) -> int:
        """Length of the window in time steps, and the spike time that means silent."""
        return self.net.t_max

    @property
    def outputs(self) -> SpikeTimes:
        """Spike times of the output neurons, int16 (n, n_classes)."""
        return self.spike_times[-1]

    @property
    def decision_times(self) -> SpikeTimes:
        """The first output spike of each image, int16 (n,); ``t_max`` if there was none."""
        times: SpikeTimes = self.outputs.min(axis=1)
        return times

    @property
    def decisions(self) -> IntArray:
        """The class of each image, int64 (n,), by the rule ``"first-spike"``."""
        threshold = self.net.parameters.forward_thresholds[-1]
        return decide(self.outputs, self.potential, threshold=threshold, t_max=self.t_max)

    def potential_at(self, t: int, images: npt.ArrayLike | slice = slice(None)) -> AnyArray:
        """The potential of the output neurons at time step ``t``, whether they fired or not.

        Parameters
        ----------
        t : int, time steps 0 to t_max - 1
        images : indices or mask, optional
            For some of the images only.

        Returns
        -------
        array, shape (n, n_classes)
            The numbers of :func:`minibs4nn.potential_at`, by the kernels of the network.

        Raises
        ------
        ValueError, IndexError
            If ``t`` is not in the window, or there is no such image.
        """
        if not is_whole(t) or not 0 <= t < self.t_max:
            raise ValueError(
                f"Response.potential_at: t must be a time step of the window, 0 to "
                f"{self.t_max - 1}, got {t!r}"
            )
        index = (
            images
            if isinstance(images, slice)
            else check_array("Response.potential_at", "images", images)
        )
        heard = self.spike_times[-2][index]
        arrived = np.where(heard <= t, heard, np.int16(self.t_max))
        _, potential = self.net.kernels.layer_spike_times(
            arrived,
            self.net.parameters.weights[-1],
            np.full(self.net.layers[-1], np.inf),  # nobody fires, so that V(t) is left at the end
            t_max=self.t_max,
        )
        return potential


def respond(net: SingleSpikeNetwork, images: npt.ArrayLike) -> Response:
    """Let a network see some images, and keep what happens.

    Parameters
    ----------
    net : S4NN, BS4NN or PackedBS4NN
        A packed network is expanded: inference from the bits stops at the first output spike.
    images : uint8 array, shape (n, height, width) or (n, pixels); or int16 spike times

    Returns
    -------
    Response

    Raises
    ------
    TypeError, ValueError
        If this is no spiking network, these are no images, or they do not fit its first layer.
    NotTrainedError
        If the network has no weights.

    Examples
    --------
    >>> from minibs4nn import S4NN
    >>> net = S4NN.from_weights([[[3, -2, 4], [1, 1, 1]]], threshold=4.0, t_max=8)
    >>> response = respond(net, np.array([[2, 5, 5]], dtype=np.int16))
    >>> response.outputs.tolist(), response.decisions.tolist(), response.potential_at(4).tolist()
    ([[6, 8]], [0], [[3.0, 1.0]])
    """
    spiking = as_it_is_now(as_spiking("respond", net))
    times = spiking._encode("respond", images)
    heard = [times, *spiking.spike_times(times)]
    _, potential = spiking.kernels.layer_spike_times(
        heard[-2],
        spiking.parameters.weights[-1],
        spiking.parameters.forward_thresholds[-1],
        t_max=spiking.t_max,
    )
    return Response(spiking, heard, potential)


def as_spiking(where: str, net: object) -> SpikingNetwork:
    """Return the network that computes the same and shows all its spikes."""
    if isinstance(net, PackedBS4NN):
        return net.unpack()
    if not isinstance(net, SpikingNetwork):
        raise TypeError(f"{where}: wants an S4NN, BS4NN or PackedBS4NN, got {type(net).__name__}")
    return net


def as_it_is_now(net: SpikingNetwork) -> SpikingNetwork:
    """Return a copy of a network, which stays as it is while the network goes on learning."""
    other = copy.copy(net)
    other.restore(net.snapshot())
    other.history_ = History(net.history_.records)
    return other


def check_steps(where: str, name: str, steps: Iterable[int], t_max: int) -> list[int]:
    """Return time steps 0..t_max, one or more, as ints; an iterator is read once."""
    given = list(steps) if np.iterable(steps) else steps
    if not (
        isinstance(given, list) and given and all(is_whole(t) and 0 <= t <= t_max for t in given)
    ):
        raise ValueError(
            f"{where}: {name} must be a list of one or more whole time steps 0..{t_max}, got "
            f"{given!r}"
        )
    return [int(t) for t in given]
