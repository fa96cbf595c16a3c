"""The front page: draw a digit and watch a trained one-bit network decide, spike by spike."""

import base64
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import traitlets

from minibs4nn.figures.figure import SIDE, Figure, Picture, as_samples, bundle
from minibs4nn.model import BS4NN
from minibs4nn.packed import PackedBS4NN

__all__ = ["NetworkFigure"]


class NetworkFigure(Figure):
    """A packed network at work on a picture that the reader draws, picks or spoils.

    Time runs under a slider. Pixels arrive, hidden neurons light up, ten potentials race to their
    thresholds, and the first to fire is the answer.

    Parameters
    ----------
    network : PackedBS4NN or BS4NN
        784 pixels, one hidden layer, 10 outputs. Its file goes into the page, 1 bit per synapse; so
        a BS4NN is packed first.
    images : uint8 array, shape (n, 28, 28)
        Pictures to pick from; the first is shown at the start.
    labels : sequence of int, length n
    title : str

    Attributes
    ----------
    pixels : list of 784 ints, 0 to 255
        What the network sees, as the reader drew it, picked it or spoilt it. May be set.
    label : int
        Of the picture; -1 if nobody knows, as for a drawing.
    step : int, time steps 0 to t_max - 1
        The moment that is shown. May be set.

    Raises
    ------
    TypeError, ValueError
        If this is no such network, it has other layers, or the images another size.
    NotTrainedError
        If it has no weights.

    Examples
    --------
    >>> import minibs4nn as bs
    >>> _, test = bs.datasets.mnist()
    >>> rng = np.random.default_rng(0)
    >>> weights = [rng.normal(size=shape) for shape in ((20, 784), (10, 20))]
    >>> small = bs.BS4NN.from_weights(weights, scale=1.0, threshold=5.0).pack()
    >>> figure = NetworkFigure(small, test.images[:3], test.labels[:3])
    >>> figure.image = test.images[2]  # the same as if the reader had picked it
    >>> bool(figure.answer == small.predict(test.images[2:3])[0])
    True
    """

    _esm = bundle("network")
    about: ClassVar[str] = "draw a digit and watch a one-bit network decide"

    pixels = Picture().tag(sync=True)
    label = traitlets.Int(-1, min=-1).tag(sync=True)
    step = traitlets.Int(0, min=0).tag(sync=True)
    # Bytes in base64: the file of the network, and the grey levels of the pictures to pick from.
    network = traitlets.Unicode().tag(sync=True)
    samples = traitlets.Unicode().tag(sync=True)
    labels = traitlets.List(traitlets.Int()).tag(sync=True)

    def __init__(
        self,
        network: PackedBS4NN | BS4NN,
        images: npt.ArrayLike,
        labels: Sequence[int] | npt.NDArray[np.integer[Any]],
        *,
        title: str = "Draw a digit, and watch a one-bit network decide",
    ) -> None:
        pictures, samples, names = as_samples("NetworkFigure", images, labels)
        if isinstance(network, BS4NN):
            network = network.pack()
        if not isinstance(network, PackedBS4NN):
            raise TypeError(
                "NetworkFigure: the network must be a PackedBS4NN or a BS4NN, got "
                f"{type(network).__name__}"
            )
        sizes = network.layers
        if len(sizes) != 3 or (sizes[0], sizes[2]) != (SIDE**2, 10):
            raise ValueError(
                f"NetworkFigure: the network must have the layers (784, n, 10), got {sizes}"
            )
        self._packed = network
        super().__init__(
            network=_file_as_text(network),
            samples=samples,
            labels=names,
            pixels=pictures[0].tolist(),
            label=names[0],
            title=title,
        )
        self.step = min(self.decision_time, network.t_max - 1)

    @property
    def image(self) -> npt.NDArray[np.uint8]:
        """What the network sees, uint8 (28, 28). Setting it shows it."""
        return Picture.read(self.pixels)

    @image.setter
    def image(self, image: npt.ArrayLike) -> None:
        with self.hold_trait_notifications():
            self.pixels = Picture.write("NetworkFigure.image", image)
            self.label = -1
            self.step = min(self.decision_time, self._packed.t_max - 1)

    @property
    def answer(self) -> int:
        """The network's class for the picture, as the library decides it."""
        return int(self._packed.predict(self.image[None])[0])

    @property
    def decision_time(self) -> int:
        """When the first output neuron fires on the picture; ``t_max`` if all are silent."""
        return int(self._packed.spike_times(self.image[None])[-1].min())


def _file_as_text(network: PackedBS4NN) -> str:
    """The bytes of the network's file, in base64."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.bits"
        network.save(path)
        return base64.b64encode(path.read_bytes()).decode()
