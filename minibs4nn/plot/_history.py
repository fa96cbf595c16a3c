"""Chapter 06: the epochs of a training."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from minibs4nn._checks import (
    FloatArray,
)
from minibs4nn.plot._style import WIDTH, canvas, label_right, look, style
from minibs4nn.training import History

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["history"]


def history(history: History) -> Figure:
    """Draw what changed from epoch to epoch, in small panels above each other.

    Accuracy; mean decision time; the shares of silent and tied images; and the flips of each layer,
    if there were any. The published counter and these shares are those of the validation set, or,
    without one, of the images learned from.

    Parameters
    ----------
    history : History
        A trained network's ``history_``.

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    TypeError
        If it is not a History.
    ValueError
        If it has no epoch yet.

    Examples
    --------
    >>> records = [{"epoch": 1, "accuracy": 0.5}, {"epoch": 2, "accuracy": 0.75}]
    >>> figure = history(History(records))
    >>> figure.axes[0].lines[0].get_ydata().tolist()
    [50.0, 75.0]
    """
    if not isinstance(history, History):
        raise TypeError(
            f"history: want a History, such as a network's history_, got {type(history).__name__}"
        )
    of = "validation_" if "validation_accuracy" in history else ""
    flipped = "flips" in history and history["flips"].any()
    panels = (
        # the y axis, what to multiply by, and for each column the name of its line
        ("accuracy, %", 100, {
            "accuracy": "training",
            "validation_accuracy": "validation",
            of + "published_accuracy": "published",
        }),
        ("decision\n(time step)", 1, {
            "decision_time": "training",
            "validation_decision_time": "validation",
        }),
        ("images, %", 100, {of + "silent": "silent", of + "tied": "tied"}),
        ("flips", 1, {"flips": "layer"} if flipped else {}),
    )  # fmt: skip
    drawn = [(ylabel, _lines(history, columns, by)) for ylabel, by, columns in panels]
    drawn = [(ylabel, lines) for ylabel, lines in drawn if lines]
    if not drawn:
        raise ValueError("history: no epoch has been recorded yet; call fit() first")
    epochs = history["epoch"]
    with style() as plt:
        figure: Figure = plt.figure(figsize=(WIDTH, 0.5 + 1.4 * len(drawn)))
        grid = figure.subplots(len(drawn), 1, sharex=True, squeeze=False).ravel()
        for ax, (ylabel, lines) in zip(grid, drawn, strict=True):
            canvas(plt, ax, "epoch" if ax is grid[-1] else "", ylabel)
            dot = "o" if len(epochs) <= 30 else ""
            for k, (name, y) in enumerate(lines.items()):
                ax.plot(epochs, y, **look(k), linewidth=2, marker=dot, markersize=4, label=name)
            if ylabel == "flips":
                ax.set_yscale("symlog", linthresh=10)  # layers differ a hundredfold; 0 is possible
            ax.set_xlim(epochs[0] - 0.5, epochs[-1] + 0.5)
            ax.locator_params(axis="x", integer=True, min_n_ticks=1)
            ends = [float(y[np.isfinite(y)][-1]) for y in lines.values()]
            label_right(ax, ends, list(lines), [line.get_color() for line in ax.lines])
        figure.align_ylabels()
    return figure


def _lines(history: History, columns: dict[str, str], factor: float) -> dict[str, FloatArray]:
    """Return what a panel shows, by name; a column with one value per layer is several lines."""
    lines = {}
    for column, name in columns.items():
        values = np.atleast_2d(factor * history[column].T if column in history else np.nan)
        for k, y in enumerate(values, start=1):
            if np.isfinite(y).any():
                lines[name if len(values) == 1 else f"{name} {k}"] = y
    return lines
