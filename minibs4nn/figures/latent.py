"""Chapter 07: one image again and again; latent weights move, and now and then a sign flips."""

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import traitlets

from minibs4nn._checks import SpikeTimes, check_real
from minibs4nn.binary import sign, sign_threshold
from minibs4nn.figures.figure import Figure, bundle
from minibs4nn.forward import layer_spike_times

__all__ = ["LatentFigure"]


class LatentFigure(Figure):
    """Two neurons with one-bit weights learn one image; the first stands for its label.

    Parameters
    ----------
    latent : sequence of two sequences of float
        The latent weights of the label's neuron and of the other, from the inputs A, B, C, ...
    times : sequence of int, time steps 0 to t_max
        When the inputs fire.
    scale : float
        alpha. May be read and set later, as may the two learning rates.
    threshold : float
        theta; the limit of a sum of signs is ``floor(theta / alpha)``.
    learning_rate, scale_learning_rate : float
        eta, of the latent weights, and mu, of the scale.
    gamma, t_max : int, time steps
    title : str

    Attributes
    ----------
    latent : list of float
        Input by input, and for each input first the label's neuron. May be read and set.

    Raises
    ------
    TypeError, ValueError, TraitError
        If the latent weights do not belong to the times, or the scale is not positive.

    Examples
    --------
    >>> figure = LatentFigure()
    >>> figure.limit, figure.spike_times.tolist()  # a tie
    (1, [4, 4])
    >>> figure.latent = [0.9, 0.15, 0.8, -0.05, 0.7, 0.12]
    >>> figure.signs.tolist(), figure.spike_times.tolist()
    ([[1, 1, 1], [1, -1, 1]], [4, 8])
    """

    _esm = bundle("latent")
    about: ClassVar[str] = "watch latent weights cross zero, update by update"

    latent = traitlets.List(traitlets.Float()).tag(sync=True)
    times = traitlets.List(traitlets.Int(min=0)).tag(sync=True)
    scale = traitlets.Float(2.0).tag(sync=True)
    threshold = traitlets.Float(3.0).tag(sync=True)
    learning_rate = traitlets.Float(0.1, min=0.0).tag(sync=True)
    scale_learning_rate = traitlets.Float(0.3, min=0.0).tag(sync=True)
    gamma = traitlets.Int(1, min=0).tag(sync=True)
    t_max = traitlets.Int(8, min=1).tag(sync=True)

    def __init__(
        self,
        latent: Sequence[Sequence[float]] = ((0.9, 0.8, 0.7), (0.45, 0.25, 0.12)),
        times: Sequence[int] = (1, 3, 5),
        *,
        scale: float = 2.0,
        threshold: float = 3.0,
        learning_rate: float = 0.1,
        scale_learning_rate: float = 0.3,
        gamma: int = 1,
        t_max: int = 8,
        title: str = "Latent weights: show the image again and again",
    ) -> None:
        rows = check_real("LatentFigure", "latent", latent)
        super().__init__(
            latent=rows.astype(np.float32).T.ravel().tolist(),
            times=list(times),
            scale=scale,
            threshold=threshold,
            learning_rate=learning_rate,
            scale_learning_rate=scale_learning_rate,
            gamma=gamma,
            t_max=t_max,
            title=title,
        )
        if rows.ndim != 2 or len(rows) != 2:
            raise ValueError(f"LatentFigure: latent must have two rows, got shape {rows.shape}")
        _ = self.spike_times  # says what does not fit

    @property
    def signs(self) -> npt.NDArray[np.int8]:
        """What the network runs on, int8 (2, n_in)."""
        signs: npt.NDArray[np.int8] = sign(self.latent).reshape(-1, 2).T
        return signs

    @property
    def limit(self) -> int:
        """What a sum of signs must exceed: :func:`minibs4nn.binary.sign_threshold`."""
        return int(sign_threshold(self.threshold, self.scale))

    @property
    def spike_times(self) -> SpikeTimes:
        """When the two neurons fire, int16 (2,)."""
        times: SpikeTimes = layer_spike_times(
            [self.times], self.signs, self.limit, t_max=self.t_max
        )[0][0]
        return times
