"""Chapters 03, 06 and 12: what the output neurons decided, and when."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from minibs4nn._checks import IntArray, check_real
from minibs4nn.analysis._confusion import count_pairs
from minibs4nn.plot._style import (
    BLUE,
    GREY,
    INK,
    SMALL,
    VERMILLION,
    canvas,
    style,
    times_of,
    window_shown,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["confusion", "confusion_counts", "decision_times", "firing_times"]


def decision_times(times: npt.ArrayLike, *, t_max: int = 256, ax: Axes | None = None) -> Axes:
    """Draw a histogram of when decisions fell; images without any have a bar of their own.

    Parameters
    ----------
    times : int array, shape (n,), time steps 0 to t_max
        For each image the time of the first output spike, ``spike_times.min(axis=1)``; ``t_max``
        where no output neuron fired.
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
    >>> ax = decision_times([3, 4, 4, 256])
    >>> ax.get_xticklabels()[-1].get_text(), int(ax.patches[-1].get_height())
    ('silent', 1)
    """
    decided = times_of("decision_times", times, t_max, "one per image, as times.min(axis=1)")
    fired = decided[decided < t_max]
    silent = len(decided) - len(fired)
    end = window_shown(int(fired.max(initial=0)), t_max)
    steps = max(1, end // 32)  # in one bar
    edges = np.arange(0, end + steps, steps)
    with style() as plt:
        ax = canvas(plt, ax, "decision time (time step)", "images")
        ax.hist(fired, bins=edges.tolist(), color=BLUE, edgecolor="white", linewidth=0.5)
        place, width = 1.09 * edges[-1], 0.06 * edges[-1]
        ax.bar(place, silent, width, color="white", edgecolor=VERMILLION, hatch="///")
        ax.annotate(
            str(silent),
            (place, silent),
            (0, 3),
            textcoords="offset points",
            ha="center",
            size=SMALL,
        )
        ax.set_xlim(0, place + width)
        ax.margins(y=0.12)
        ax.locator_params(axis="both", integer=True)
        ticks = [int(tick) for tick in ax.get_xticks() if 0 <= tick <= 0.93 * edges[-1]]
        ax.set_xticks([*ticks, place], labels=[*map(str, ticks), "silent"])
    return ax


def confusion(
    labels: npt.ArrayLike,
    predictions: npt.ArrayLike,
    *,
    n_classes: int = 10,
    ax: Axes | None = None,
) -> Axes:
    """Draw how many images of each class (rows) were taken for which (columns).

    The shade is the share of the row; its square root is used, so that rare mistakes can be seen.

    Parameters
    ----------
    labels : int array, shape (n,), classes 0 to n_classes - 1
    predictions : int array, shape (n,), classes 0 to n_classes - 1
        Or -1, no class, which then has a column of its own.
    n_classes : int
    ax : matplotlib Axes, optional
        Where to draw; without it, a new figure.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    TypeError, ValueError
        If the shapes differ, a class is out of range, or ``n_classes`` is no whole number from 1.

    Examples
    --------
    >>> ax = confusion([0, 0, 1], [0, 1, 1], n_classes=2)
    >>> [text.get_text() for text in ax.texts]
    ['1', '1', '0', '1']
    """
    return confusion_counts(count_pairs("confusion", labels, predictions, n_classes), ax=ax)


def confusion_counts(counts: IntArray, *, ax: Axes | None = None) -> Axes:
    """Draw what :func:`minibs4nn.analysis.confusion_matrix` returns, as :func:`confusion` does."""
    n_classes, width = counts.shape
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    with style() as plt:
        ax = canvas(plt, ax, "decision", "label", height=5.6)
        ax.imshow(np.sqrt(share), cmap="Blues", vmin=0, vmax=1)
        for (row, column), count in np.ndenumerate(counts):
            dark = share[row, column] > 0.3
            ax.text(
                column,
                row,
                str(count),
                ha="center",
                va="center",
                color="white" if dark else GREY if count == 0 else INK,
                size=SMALL if n_classes <= 10 else 8,
            )
        names = [str(k) for k in range(n_classes)]
        ax.set_xticks(range(width), labels=[*names, "none"][:width])
        ax.set_yticks(range(n_classes), labels=names)
        ax.tick_params(length=0)
        ax.spines[:].set_visible(False)
    return ax


def firing_times(matrix: npt.ArrayLike, *, ax: Axes | None = None) -> Axes:
    """Draw the mean firing time of each output neuron on each class: the earlier, the darker.

    Parameters
    ----------
    matrix : array, shape (n_classes, n_classes), time steps
        From :func:`minibs4nn.analysis.firing_time_matrix`; NaN for a class without images.
    ax : matplotlib Axes, optional
        Where to draw; without it, a new figure.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    TypeError, ValueError
        If it is no matrix of numbers.

    Examples
    --------
    >>> ax = firing_times([[3.4, 90], [256, np.nan]])
    >>> [text.get_text() for text in ax.texts]
    ['3', '90', '256', '–']
    """
    times = check_real("firing_times", "matrix", matrix)
    if times.ndim != 2 or times.size == 0:
        raise ValueError(f"firing_times: matrix must have two axes, got shape {times.shape}")
    known = times[np.isfinite(times)]
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
    with style() as plt:
        ax = canvas(plt, ax, "output neuron", "label", height=5.6)
        image = ax.imshow(times, cmap="cividis", vmin=low, vmax=max(high, low + 1))
        for (row, column), time in np.ndenumerate(times):
            dark = time < (low + max(high, low + 1)) / 2
            ax.text(
                column,
                row,
                f"{time:.0f}" if np.isfinite(time) else "\N{EN DASH}",
                ha="center",
                va="center",
                color="white" if dark else INK,
                size=SMALL if len(times) <= 10 else 8,
            )
        ax.set_xticks(range(times.shape[1]))
        ax.set_yticks(range(len(times)))
        ax.tick_params(length=0)
        ax.spines[:].set_visible(False)
        ax.set_title("Mean firing time of each output neuron")
        bar = ax.figure.colorbar(image, ax=ax, shrink=0.7)
        bar.set_label("time step", size=SMALL)
        bar.ax.tick_params(labelsize=SMALL)
    return ax
