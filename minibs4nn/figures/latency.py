"""Chapter 02: draw or pick a digit and watch it arrive, as spikes."""

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import traitlets

from minibs4nn._checks import SpikeTimes
from minibs4nn.coding import latency_code
from minibs4nn.figures.figure import Figure, Picture, as_samples, bundle

__all__ = ["LatencyFigure"]


class LatencyFigure(Figure):
    """A picture as spikes: what has arrived, the raster, and what can be read back.

    Parameters
    ----------
    images : uint8 array, shape (n, 28, 28)
        Pictures to pick from; the first is shown at the start.
    labels : sequence of int, length n
    step : int, time steps 0 to t_max - 1
        The moment that is shown. May be read and set later, as may the next.
    t_max : int, time steps
        Length of the window.
    title : str

    Raises
    ------
    TypeError, ValueError, TraitError
        If the images have another size, or the labels are not one whole number for each.

    Examples
    --------
    >>> import minibs4nn as bs
    >>> _, test = bs.datasets.mnist()
    >>> figure = LatencyFigure(test.images[:3], test.labels[:3])
    >>> figure.image = test.images[5]
    >>> bool((figure.spike_times == bs.latency_code(test.images[5:6])[0]).all())
    True
    """

    _esm = bundle("latency")
    about: ClassVar[str] = "draw a digit and watch it arrive as spikes"

    pixels = Picture().tag(sync=True)
    step = traitlets.Int(0, min=0).tag(sync=True)
    t_max = traitlets.Int(256, min=1).tag(sync=True)
    samples = traitlets.Unicode().tag(sync=True)
    labels = traitlets.List(traitlets.Int()).tag(sync=True)

    def __init__(
        self,
        images: npt.ArrayLike,
        labels: Sequence[int] | npt.NDArray[np.integer[Any]],
        *,
        step: int = 2,
        t_max: int = 256,
        title: str = "A picture arrives: draw a digit, and move through time",
    ) -> None:
        pictures, samples, names = as_samples("LatencyFigure", images, labels)
        super().__init__(
            pixels=pictures[0].tolist(),
            samples=samples,
            labels=names,
            step=step,
            t_max=t_max,
            title=title,
        )

    @property
    def image(self) -> npt.NDArray[np.uint8]:
        """What is shown, uint8 (28, 28), as the reader drew or picked it. Setting it shows it."""
        return Picture.read(self.pixels)

    @image.setter
    def image(self, image: npt.ArrayLike) -> None:
        self.pixels = Picture.write("LatencyFigure.image", image)

    @property
    def spike_times(self) -> SpikeTimes:
        """Its spike times, int16 (784,), as :func:`minibs4nn.latency_code` gives them."""
        times: SpikeTimes = latency_code(self.image[None], t_max=self.t_max)[0]
        return times
