"""What all pictures have in common: colours, letters, axes, and labels beside lines."""

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
    check_spike_times,
    check_t_max,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes


# Okabe and Ito's palette, without its yellow, which is lost on white.
BLUE, VERMILLION, GREEN, ORANGE = "#0072B2", "#D55E00", "#009E73", "#E69F00"
PURPLE, SKY, INK, GREY = "#CC79A7", "#56B4E9", "#222222", "#666666"
COLOURS = (BLUE, VERMILLION, GREEN, PURPLE, INK, ORANGE, SKY)
# Dashes are kept for the threshold.
LINE_STYLES = ("-", ":", "-.", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 3)))

WIDTH = 6.0  # inches; on a page of 420 pixels 12 points are then still legible
SIZE, SMALL = 12.0, 11.0  # points
RC: dict[Any, Any] = {
    "font.size": SMALL,
    "axes.labelsize": SIZE,
    "axes.titlesize": SIZE,
    "axes.facecolor": "white",
    "figure.facecolor": "white",  # so that dark text reads on a dark page too
    "figure.constrained_layout.use": True,
    "text.color": INK,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
}


@contextmanager
def style() -> Iterator[ModuleType]:
    """Lend ``matplotlib.pyplot``, with this module's settings in force until the block ends."""
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(
            "minibs4nn.plot needs matplotlib, which is not installed: pip install 'minibs4nn[plot]'"
        ) from error
    with plt.rc_context(RC):
        yield plt


def canvas(
    plt: ModuleType, ax: Axes | None, xlabel: str, ylabel: str, *, height: float = 3.4
) -> Axes:
    """Return the axes to draw on, a new figure's if there are none, with labels and style."""
    axes: Axes = plt.figure(figsize=(WIDTH, height)).add_subplot() if ax is None else ax
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=SMALL, colors=INK)  # ticks are made late, outside the block
    axes.set_xlabel(xlabel, size=SIZE)
    axes.set_ylabel(ylabel, size=SIZE)
    return axes


def look(k: int) -> dict[str, Any]:
    """Return colour and line style of the k-th line; they come back together after 35 lines."""
    return {
        "color": COLOURS[k % len(COLOURS)],
        "linestyle": LINE_STYLES[k % len(LINE_STYLES)],
    }


def times_of(where: str, times: npt.ArrayLike, t_max: int, one_each: str) -> SpikeTimes:
    """Return spike times of shape (n,), one for each of what ``one_each`` names."""
    array = check_spike_times(where, times, check_t_max(where, t_max))
    if array.ndim != 1:
        raise ValueError(f"{where}: times must have shape (n,), {one_each}, got {array.shape}")
    return array


SHORT = 32  # time steps; a window of so few is shown whole


def window_shown(last_event: int, t_max: int) -> int:
    """Where the time axis ends: soon after the last event, if most of a long window is empty."""
    if t_max <= SHORT or last_event == 0 or last_event > 0.6 * t_max:
        return t_max
    return min(t_max, last_event + max(2, last_event // 4))


def spread(heights: FloatArray, gap: float) -> FloatArray:
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


def staircases(ax: Axes, potentials: FloatArray, threshold: float, end: int) -> None:
    """Frame the steps 0 to ``end`` of potentials (n, t_max), with their threshold if finite."""
    shown = np.append(potentials[:, :end], 0.0)
    if np.isfinite(threshold):
        shown = np.append(shown, threshold)
        ax.axhline(threshold, color=GREY, linestyle="--", linewidth=1.5, label="threshold")
    margin = 0.08 * (np.ptp(shown) or 1.0)
    ax.set_xlim(0, end)
    ax.locator_params(axis="x", integer=True)
    ax.set_ylim(shown.min() - margin, shown.max() + margin)


def stairs(potential: FloatArray) -> tuple[npt.NDArray[np.int64], FloatArray]:
    """Return x and y of one staircase, with the last step drawn to its end."""
    return np.arange(len(potential) + 1), np.append(potential, potential[-1])


def label_right(
    ax: Axes, heights: Sequence[float], texts: Sequence[str], colours: Sequence[str]
) -> None:
    """Write labels right of the axes, each at its line's height, moved apart where they collide."""
    to_axes = ax.transData + ax.transAxes.inverted()
    wanted = to_axes.transform([(ax.get_xlim()[1], height) for height in heights])[:, 1]
    points = ax.get_window_extent().height * 72 / ax.figure.dpi
    placed = spread(wanted, 1.35 * SMALL / points)
    for height, place, text, colour in zip(wanted, placed, texts, colours, strict=True):
        ax.annotate(
            text,
            xy=(1, height),
            xytext=(1.04, place),
            xycoords="axes fraction",
            textcoords="axes fraction",
            size=SMALL,  # dark, as all text; the short line to it has the colour
            va="center",
            arrowprops={
                "arrowstyle": "-",
                "color": colour,
                "linewidth": 1.5,
                "relpos": (0, 0.5),  # from the middle of the text's left side
                "shrinkB": 0,
            },
        )
