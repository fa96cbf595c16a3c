"""Chapter 01: drag spikes, weights and the threshold of one neuron, and see when it fires."""

from collections.abc import Sequence
from typing import ClassVar

import traitlets

from minibs4nn.figures.figure import Figure, bundle
from minibs4nn.neuron import Trace, simulate_neuron

__all__ = ["NeuronFigure"]


class NeuronFigure(Figure):
    """One integrate-and-fire neuron: the staircase of its potential, its threshold, its spike.

    Parameters
    ----------
    times : sequence of int, time steps 0 to t_max
        When the inputs A, B, C, ... arrive; ``t_max`` for never. May be read and set later, as may
        the next two.
    weights : sequence of int, as many
    threshold : int
    t_max : int, time steps
    title : str

    Raises
    ------
    TypeError, ValueError, TraitError
        If times and weights do not belong together.

    Examples
    --------
    >>> figure = NeuronFigure([3, 6, 9], [3, 4, -3])
    >>> figure.times = [3, 9, 6]  # the same as if the reader had dragged B and C
    >>> figure.trace.fired
    False
    """

    _esm = bundle("neuron")
    about: ClassVar[str] = "drag the spikes, weights and threshold of a neuron"

    times = traitlets.List(traitlets.Int(min=0)).tag(sync=True)
    weights = traitlets.List(traitlets.Int()).tag(sync=True)
    threshold = traitlets.Int(5).tag(sync=True)
    t_max = traitlets.Int(12, min=1).tag(sync=True)

    def __init__(
        self,
        times: Sequence[int] = (3, 6, 9),
        weights: Sequence[int] = (3, 4, -3),
        *,
        threshold: int = 5,
        t_max: int = 12,
        title: str = "One neuron: drag its spikes, its weights, its threshold",
    ) -> None:
        super().__init__(
            times=list(times), weights=list(weights), threshold=threshold, t_max=t_max, title=title
        )
        _ = self.trace  # says what does not fit

    @property
    def trace(self) -> Trace:
        """What the neuron does, as :func:`minibs4nn.simulate_neuron` computes it."""
        return simulate_neuron(self.times, self.weights, threshold=self.threshold, t_max=self.t_max)
