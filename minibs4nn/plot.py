"""Pictures of spikes, potentials, weights and training.

Every function draws one thing and returns what it drew on, so that a caller can go on: set a title,
add an arrow, save. Colours are those of Okabe and Ito, which colour-blind readers can tell apart;
line styles and markers say the same once more for who reads in grey. Matplotlib is imported on the
first call, and its global settings are left as they were.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from minibs4nn._checks import (
    FloatArray,
    SpikeTimes,
    check_finite,
    check_spike_times,
    check_t_max,
)
from minibs4nn.neuron import Trace

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["potential", "race", "raster"]

# Okabe and Ito's palette, without its yellow, which is lost on white.
_BLUE, _VERMILLION, _GREEN, _ORANGE = "#0072B2", "#D55E00", "#009E73", "#E69F00"
_PURPLE, _SKY, _INK, _GREY = "#CC79A7", "#56B4E9", "#222222", "#666666"
_COLOURS = (_BLUE, _VERMILLION, _GREEN, _PURPLE, _INK, _ORANGE, _SKY)
# Dashes are kept for the threshold.
_LINE_STYLES = ("-", ":", "-.", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 3)))

_WIDTH = 6.0  # inches; on a page of 420 pixels 12 points are then still legible
_SIZE, _SMALL = 12.0, 11.0  # points
_RC: dict[Any, Any] = {
    "font.size": _SMALL,
    "axes.labelsize": _SIZE,
    "axes.titlesize": _SIZE,
    "axes.facecolor": "white",
    "figure.facecolor": "white",  # so that dark text reads on a dark page too
    "figure.constrained_layout.use": True,
    "text.color": _INK,
    "axes.edgecolor": _INK,
    "axes.labelcolor": _INK,
}


@contextmanager
def _style() -> Iterator[ModuleType]:
    """Lend ``matplotlib.pyplot``, with this module's settings in force until the block ends."""
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(
            "minibs4nn.plot needs matplotlib, which is not installed: pip install 'minibs4nn[plot]'"
        ) from error
    with plt.rc_context(_RC):
        yield plt


def _canvas(
    plt: ModuleType, ax: Axes | None, xlabel: str, ylabel: str, *, height: float = 3.4
) -> Axes:
    """Return the axes to draw on, a new figure's if there are none, with labels and style."""
    axes: Axes = plt.figure(figsize=(_WIDTH, height)).add_subplot() if ax is None else ax
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=_SMALL, colors=_INK)  # ticks are made late, outside the block
    axes.set_xlabel(xlabel, size=_SIZE)
    axes.set_ylabel(ylabel, size=_SIZE)
    return axes


def _times_of(where: str, times: npt.ArrayLike, t_max: int, one_each: str) -> SpikeTimes:
    """Return spike times of shape (n,), one for each of what ``one_each`` names."""
    array = check_spike_times(where, times, check_t_max(where, t_max))
    if array.ndim != 1:
        raise ValueError(f"{where}: times must have shape (n,), {one_each}, got {array.shape}")
    return array


def _window_shown(last_event: int, t_max: int) -> int:
    """Where the time axis ends: soon after the last event, if most of the window is empty."""
    if last_event == 0 or last_event > 0.6 * t_max:
        return t_max
    return min(t_max, last_event + max(2, last_event // 4))


def _spread(heights: FloatArray, gap: float) -> FloatArray:
    """Move heights as little as possible until all are ``gap`` apart; shape and order stay.

    With ``k * gap`` taken from the k-th lowest, 'apart' becomes 'not decreasing'; the nearest such
    sequence (least squares) is the largest of the smallest means of the runs around each place.
    """
    n = len(heights)
    order = np.argsort(heights, kind="stable")
    wanted = heights[order] - gap * np.arange(n)
    placed = np.empty(n)
    for k in range(n):
        means = [[wanted[i : j + 1].mean() for j in range(k, n)] for i in range(k + 1)]
        placed[order[k]] = max(min(row) for row in means) + gap * k
    return placed


def _staircases(ax: Axes, potentials: FloatArray, threshold: float, end: int) -> None:
    """Frame the steps 0 to ``end`` of some potentials (n, t_max), and draw their threshold."""
    shown = np.append(potentials[:, :end], [0.0, threshold])
    margin = 0.08 * (np.ptp(shown) or 1.0)
    ax.set_xlim(0, end)
    ax.locator_params(axis="x", integer=True)
    ax.set_ylim(shown.min() - margin, shown.max() + margin)
    ax.axhline(threshold, color=_GREY, linestyle="--", linewidth=1.5, label="threshold")


def _stairs(potential: FloatArray) -> tuple[npt.NDArray[np.int64], FloatArray]:
    """Return x and y of one staircase, with the last step drawn to its end."""
    return np.arange(len(potential) + 1), np.append(potential, potential[-1])


def _label_right(ax: Axes, heights: list[float], texts: list[str], colours: list[str]) -> None:
    """Write labels right of the axes, each at its line's height, moved apart where they collide."""
    low, high = ax.get_ylim()
    points = ax.get_window_extent().height * 72 / ax.figure.dpi
    placed = _spread(np.array(heights, dtype=float), 1.35 * _SMALL * (high - low) / points)
    for height, place, text, colour in zip(heights, placed, texts, colours, strict=True):
        ax.annotate(
            text,
            xy=(1, height),
            xytext=(1.04, place),
            xycoords=ax.get_yaxis_transform(),
            textcoords=ax.get_yaxis_transform(),
            color=colour,
            size=_SMALL,
            va="center",
            arrowprops={
                "arrowstyle": "-",
                "color": colour,
                "linewidth": 0.8,
                "relpos": (0, 0.5),  # from the middle of the text's left side
                "shrinkB": 0,
            },
            annotation_clip=False,
        )


def potential(trace: Trace, *, ax: Axes | None = None) -> Axes:
    """Draw the potential of one neuron as a staircase, its threshold and its spike.

    If most of the window is empty, the time axis ends soon after the last event.

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
    with _style() as plt:
        ax = _canvas(plt, ax, "time step", "potential")
        end = _window_shown(last, trace.t_max)
        _staircases(ax, trace.potential[None], trace.threshold, end)
        x, y = _stairs(trace.potential)
        ax.plot(x, y, drawstyle="steps-post", color=_BLUE, linewidth=2.5, label="potential")
        if trace.fired:
            v = trace.potential[trace.spike_time - 1]
            ax.axvline(trace.spike_time, color=_VERMILLION, linewidth=1.5, linestyle=":")
            ax.plot(trace.spike_time, v, "o", color=_VERMILLION, markersize=9, label="spike")
        ax.text(
            trace.spike_time if trace.fired else end,
            1.02,
            f"spike at {trace.spike_time}" if trace.fired else "no spike",
            transform=ax.get_xaxis_transform(),
            color=_VERMILLION,
            ha="center" if trace.fired else "right",
        )
        _label_right(ax, [trace.threshold], [f"threshold\n{trace.threshold:g}"], [_GREY])
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
    spikes = _times_of("raster", times, t_max, "one spike time per neuron")
    neurons = np.flatnonzero(spikes < t_max)
    with _style() as plt:
        ax = _canvas(plt, ax, "time step", "neuron")
        dot = 40 if len(spikes) <= 30 else 6
        ax.scatter(spikes[neurons], neurons, s=dot, color=_BLUE, linewidths=0, clip_on=False)
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
            color=_VERMILLION,
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
    earliest is. Later spikes have small open circles. The time axis ends soon after the last spike.

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
    theta = float(check_finite("race", "threshold", threshold))
    if v.ndim != 2 or v.size == 0:
        raise ValueError(f"race: potentials must have shape (n_out, t_max), got {v.shape}")
    n_out, t_max = v.shape
    spikes = _times_of("race", spike_times, t_max, "one spike time per neuron")
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
    with _style() as plt:
        ax = _canvas(plt, ax, "time step", "potential", height=4.0)
        end = _window_shown(last, t_max)
        _staircases(ax, v, theta, end)
        colours = [_COLOURS[j % len(_COLOURS)] for j in range(n_out)]
        for j in range(n_out):
            won = winners[j]
            ax.plot(
                *_stairs(v[j]),
                drawstyle="steps-post",
                color=colours[j],
                linewidth=3.5 if won else 1.4,
                linestyle="-" if won else _LINE_STYLES[j % len(_LINE_STYLES)],
                zorder=3 if won else 2,
                label=names[j],
            )
            if fired[j]:
                # Winners at the same height share one place: the stars are drawn large to small.
                above = winners[j + 1 :] & (height_at_spike[j + 1 :] == height_at_spike[j])
                ax.plot(
                    spikes[j],
                    height_at_spike[j],
                    marker="*" if won else "o",
                    markersize=17 + 9 * above.sum() if won else 6,
                    color=colours[j] if won else "white",
                    markeredgecolor=_INK if won else colours[j],
                    zorder=4,
                )
        ends = [*v[:, end - 1].tolist(), theta]
        _label_right(ax, ends, [*names, f"threshold {theta:g}"], [*colours, _GREY])
    return ax
