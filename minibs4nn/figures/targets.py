"""Chapter 04: when each output neuron fired, when it should have, and the error between."""

from collections.abc import Sequence
from typing import ClassVar

import traitlets

from minibs4nn._checks import FloatArray, IntArray
from minibs4nn.figures.figure import Figure, bundle
from minibs4nn.targets import ALL_SILENT, relative_targets, time_error

__all__ = ["TargetsFigure"]


class TargetsFigure(Figure):
    """Relative targets: drag the spikes, and see what each neuron is asked for.

    Parameters
    ----------
    times : sequence of int, time steps 0 to t_max
        When the output neurons fired. May be read and set later, as may the next three.
    label : int
    gamma : int, time steps
    all_silent : str, "teach" or "ignore"
    t_max : int, time steps
    title : str

    Raises
    ------
    TypeError, ValueError, TraitError
        If the label is no neuron, or a time lies outside the window.

    Examples
    --------
    >>> figure = TargetsFigure([9, 5, 6], label=0)
    >>> figure.targets.tolist(), figure.error.tolist()
    ([5, 8, 8], [-0.25, 0.1875, 0.125])
    """

    _esm = bundle("targets")
    about: ClassVar[str] = "drag output spikes and see targets and errors"

    times = traitlets.List(traitlets.Int(min=0)).tag(sync=True)
    label = traitlets.Int(0, min=0).tag(sync=True)
    gamma = traitlets.Int(3, min=0).tag(sync=True)
    all_silent = traitlets.Enum(ALL_SILENT, "teach").tag(sync=True)
    t_max = traitlets.Int(16, min=1).tag(sync=True)

    def __init__(
        self,
        times: Sequence[int] = (9, 5, 6, 12),
        *,
        label: int = 0,
        gamma: int = 3,
        all_silent: str = "teach",
        t_max: int = 16,
        title: str = "Targets in time: drag the spikes of four output neurons",
    ) -> None:
        super().__init__(
            times=list(times),
            label=label,
            gamma=gamma,
            all_silent=all_silent,
            t_max=t_max,
            title=title,
        )
        _ = self.targets  # says what does not fit

    @property
    def targets(self) -> IntArray:
        """When they should have fired: :func:`minibs4nn.targets.relative_targets`, (n,)."""
        targets: IntArray = relative_targets(
            [self.times],
            [self.label],
            gamma=self.gamma,
            all_silent=self.all_silent,
            t_max=self.t_max,
        )[0]
        return targets

    @property
    def error(self) -> FloatArray:
        """How far each fired before its target: :func:`minibs4nn.targets.time_error`, (n,)."""
        return time_error(self.times, self.targets, t_max=self.t_max)
