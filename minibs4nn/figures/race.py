"""Chapter 03: three neurons hear the same spikes and race; four rules say who has won."""

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import traitlets

from minibs4nn._checks import SpikeTimes
from minibs4nn.figures.figure import Figure, bundle
from minibs4nn.forward import (
    DECISION_RULES,
    decide,
    layer_spike_times,
    potential_at,
    published_correct,
)

__all__ = ["RaceFigure"]


class RaceFigure(Figure):
    """A layer that races: potentials, spikes, ties, and the class by every rule.

    Parameters
    ----------
    times : sequence of int, time steps 0 to t_max
        When the inputs arrive. May be read and set later, as may the next three.
    weights : sequence of sequences of int, one row per neuron
    threshold : int
    label : int
        The neuron that should win.
    t_max : int, time steps, at least 3
    title : str

    Raises
    ------
    TypeError, ValueError, TraitError
        If times and weights do not belong together, or the label is no neuron.

    Examples
    --------
    >>> figure = RaceFigure()
    >>> figure.spike_times.tolist()  # a tie, and a silent neuron
    [5, 5, 8]
    >>> figure.decisions
    {'first-spike': 1, 'lowest-index': 0, 'unique': -1, 'potential': 1}
    """

    _esm = bundle("race")
    about: ClassVar[str] = "three neurons race, and four rules judge"

    times = traitlets.List(traitlets.Int(min=0)).tag(sync=True)
    weights = traitlets.List(traitlets.List(traitlets.Int())).tag(sync=True)
    threshold = traitlets.Int(3).tag(sync=True)
    label = traitlets.Int(0, min=0).tag(sync=True)
    t_max = traitlets.Int(8, min=3).tag(sync=True)

    def __init__(
        self,
        times: Sequence[int] = (1, 4, 6),
        weights: Sequence[Sequence[int]] = ((3, 1, -2), (-1, 6, 1), (1, -2, 2)),
        *,
        threshold: int = 3,
        label: int = 0,
        t_max: int = 8,
        title: str = "Three neurons race: who has won?",
    ) -> None:
        super().__init__(
            times=list(times),
            weights=[list(row) for row in weights],
            threshold=threshold,
            label=label,
            t_max=t_max,
            title=title,
        )
        _ = self.counted_right  # says what does not fit

    @property
    def spike_times(self) -> SpikeTimes:
        """When each neuron fires, int16 (n_out,)."""
        times: SpikeTimes = self._layer()[0][0]
        return times

    @property
    def decisions(self) -> dict[str, int]:
        """The class by each rule of :func:`minibs4nn.decide`."""
        times, potential = self._layer()
        return {
            rule: int(
                decide(times, potential, threshold=self.threshold, rule=rule, t_max=self.t_max)[0]
            )
            for rule in DECISION_RULES
        }

    @property
    def counted_right(self) -> bool:
        """Whether the published counter credits the race; see :func:`published_correct`."""
        times, _ = self._layer()
        late = potential_at([self.times], self.weights, self.t_max - 3, t_max=self.t_max)
        return bool(published_correct(times, late, [self.label], t_max=self.t_max)[0])

    def _layer(self) -> tuple[SpikeTimes, np.ndarray]:
        return layer_spike_times([self.times], self.weights, self.threshold, t_max=self.t_max)
