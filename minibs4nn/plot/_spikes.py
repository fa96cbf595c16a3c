"""Chapters 01 to 03: a potential, the spikes of a layer, and the race of the outputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from minibs4nn._checks import check_finite, check_number
from minibs4nn.neuron import Trace
from minibs4nn.plot._style import (
    BLUE,
    GREY,
    INK,
    VERMILLION,
    canvas,
    label_right,
    look,
    staircases,
    stairs,
    style,
    times_of,
    window_shown,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["potential", "race", "raster"]


def potential(trace: Trace, *, ax: Axes | None = None) -> Axes:
    """Draw the potential of one neuron as a staircase, its threshold and its spike.

    If most of a long window is empty, the time axis ends soon after the last event. A threshold of
    infinity, which no potential exceeds, is not drawn.

    Parameters
    ----------
    trace : Trace
        From :func:`minibs4nn.simulate_neuron`.
    ax : matplotlib Axes, optional
        Where to draw; without it, a new figure.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    TypeError
        If ``trace`` is not a Trace.
    ImportError
        If matplotlib is not installed; so do all functions of this module.

    Examples
    --------
    >>> from minibs4nn.neuron import simulate_neuron
    >>> ax = potential(simulate_neuron([2, 5, 5], [3, -2, 4], threshold=4, t_max=8))
    >>> ax.texts[0].get_text()
    'spike at 6'
    """
    if not isinstance(trace, Trace):
        raise TypeError(
            "potential: trace must be the Trace that simulate_neuron() returns, got "
            f"{type(trace).__name__}"
        )
    steps_with_a_change = np.flatnonzero(np.diff(trace.potential)) + 1
    last = int(steps_with_a_change.max(initial=trace.spike_time if trace.fired else 0))
    with style() as plt:
        ax = canvas(plt, ax, "time step", "potential")
        end = window_shown(last, trace.t_max)
        staircases(ax, trace.potential[None], trace.threshold, end)
        x, y = stairs(trace.potential)
        ax.plot(x, y, drawstyle="steps-post", color=BLUE, linewidth=2.5, label="potential")
        if trace.fired:
            v = trace.potential[trace.spike_time - 1]
            ax.axvline(trace.spike_time, color=VERMILLION, linewidth=1.5, linestyle=":")
            ax.plot(trace.spike_time, v, "o", color=VERMILLION, markersize=9, label="spike")
        ax.text(
            trace.spike_time if trace.fired else end,
            1.02,
            f"spike at {trace.spike_time}" if trace.fired else "no spike",
            transform=ax.get_xaxis_transform(),
            ha="center" if trace.fired else "right",
        )
        if np.isfinite(trace.threshold):
            label_right(ax, [trace.threshold], [f"threshold\n{trace.threshold:g}"], [GREY])
    return ax


def raster(times: npt.ArrayLike, *, t_max: int = 256, ax: Axes | None = None) -> Axes:
    """Draw a dot for each spike: when, and by which neuron. Silent neurons are counted beside it.

    Parameters
    ----------
    times : int array, shape (n,), time steps 0 to t_max
        One spike time per neuron; ``t_max`` means silent.
    t_max : int, time steps
        Length of the window.
    ax : matplotlib Axes, optional
        Where to draw; without it, a new figure.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    TypeError, ValueError
        If times are not whole numbers in 0..t_max, or not of shape (n,).

    Examples
    --------
    >>> ax = raster([3, 256, 0])
    >>> ax.texts[0].get_text()
    '1 of 3 silent'
    """
    spikes = times_of("raster", times, t_max, "one spike time per neuron")
    neurons = np.flatnonzero(spikes < t_max)
    with style() as plt:
        ax = canvas(plt, ax, "time step", "neuron")
        dot = 40 if len(spikes) <= 30 else 6
        ax.scatter(spikes[neurons], neurons, s=dot, color=BLUE, linewidths=0, clip_on=False)
        ax.set_xlim(0, t_max)
        ax.set_ylim(-0.5, max(len(spikes), 1) - 0.5)
        ax.locator_params(axis="both", integer=True)
        # The right end of the window is t_max, and t_max means silent.
        ax.text(
            1.02,
            0.5,
            f"{len(spikes) - len(neurons)} of {len(spikes)} silent",
            transform=ax.transAxes,
            rotation=270,
            va="center",
        )
    return ax


def race(
    potentials: npt.ArrayLike,
    threshold: float,
    spike_times: npt.ArrayLike,
    *,
    labels: Sequence[object] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the potentials of the output neurons, the threshold, and who gets there first.

    The earliest neuron is drawn thick and its spike marked with a star; after a tie, each of the
    earliest is. Later spikes have small open circles. If most of a long window is empty, the time
    axis ends soon after the last spike.

    Parameters
    ----------
    potentials : array, shape (n_out, t_max)
        The potential of each output neuron at the end of each time step.
    threshold : float
        The one threshold of the layer.
    spike_times : int array, shape (n_out,), time steps 0 to t_max
        When each fired; ``t_max``, the width of ``potentials``, means silent.
    labels : sequence of n_out names, optional
        What to write at the ends of the lines; without it, the index of the neuron.
    ax : matplotlib Axes, optional
        Where to draw; without it, a new figure.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    TypeError, ValueError
        If the shapes do not fit, or times are not whole numbers in 0..t_max.

    Examples
    --------
    >>> ax = race([[0, 2, 5, 5], [1, 1, 1, 3]], 2, [3, 4], labels=["cat", "dog"])
    >>> [text.get_text() for text in ax.texts]
    ['cat', 'dog', 'threshold 2']
    """
    v = check_finite("race", "potentials", potentials)
    theta = check_number("race", "threshold", threshold)
    check_finite("race", "threshold", theta)
    if v.ndim != 2 or v.size == 0:
        raise ValueError(f"race: potentials must have shape (n_out, t_max), got {v.shape}")
    n_out, t_max = v.shape
    spikes = times_of("race", spike_times, t_max, "one spike time per neuron")
    names = [str(name) for name in (range(n_out) if labels is None else labels)]
    if len(spikes) != n_out or len(names) != n_out:
        raise ValueError(
            f"race: {n_out} potentials need {n_out} spike times and {n_out} labels, got "
            f"{len(spikes)} and {len(names)}"
        )
    fired = spikes < t_max
    winners = fired & (spikes == spikes.min())
    last = int(spikes[fired].max(initial=0))
    height_at_spike = v[np.arange(n_out), np.maximum(spikes, 1) - 1]
    with style() as plt:
        ax = canvas(plt, ax, "time step", "potential", height=4.0)
        end = window_shown(last, t_max)
        staircases(ax, v, theta, end)
        colours = [look(j)["color"] for j in range(n_out)]
        for j, won in enumerate(winners):
            line = {**look(j), "linewidth": 1.4}
            if won:
                line |= {"linestyle": "-", "linewidth": 3.5, "zorder": 3}
            ax.plot(*stairs(v[j]), drawstyle="steps-post", label=names[j], **line)
            if fired[j]:
                # Winners at the same height share one place: the stars are drawn large to small.
                above = winners[j + 1 :] & (height_at_spike[j + 1 :] == height_at_spike[j])
                ax.plot(
                    spikes[j],
                    height_at_spike[j],
                    marker="*" if won else "o",
                    markersize=17 + 9 * above.sum() if won else 6,
                    color=colours[j] if won else "white",
                    markeredgecolor=INK if won else colours[j],
                    zorder=4,
                )
        ends = [*v[:, end - 1].tolist(), theta]
        label_right(ax, ends, [*names, f"threshold {theta:g}"], [*colours, GREY])
    return ax
