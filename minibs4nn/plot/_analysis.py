"""Chapter 12: what :mod:`minibs4nn.analysis` counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from minibs4nn._checks import check_finite
from minibs4nn.analysis import Anytime, Curve
from minibs4nn.plot._style import (
    BLUE,
    GREY,
    SKY,
    SMALL,
    VERMILLION,
    WIDTH,
    canvas,
    label_right,
    look,
    style,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["anytime", "curve", "outcome_times", "spikes_by_layer"]


def outcome_times(counts: Mapping[str, npt.ArrayLike], *, ax: Axes | None = None) -> Axes:
    """Draw how many right and wrong decisions have fallen by each time step.

    Each curve ends short of 100 % by the images on which no output neuron fired.

    Parameters
    ----------
    counts : mapping of str to int array, shape (t_max + 1,)
        From :func:`minibs4nn.analysis.decision_time_counts`.
    ax : matplotlib Axes, optional
        Where to draw; without it, a new figure.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    TypeError, ValueError
        If this is no mapping, ``"right"`` or ``"wrong"`` is missing, or they differ in length.

    Examples
    --------
    >>> ax = outcome_times({"right": [0, 3, 0, 1], "wrong": [0, 0, 1, 1]})
    >>> [text.get_text() for text in ax.texts]
    ['right (4)', 'wrong (2)']
    """
    where = "outcome_times"
    if not isinstance(counts, Mapping):
        raise TypeError(
            f"{where}: wants what analysis.decision_time_counts() returns, got "
            f"{type(counts).__name__}"
        )
    if not {"right", "wrong"} <= set(counts):
        raise ValueError(f"{where}: counts must have 'right' and 'wrong', got {sorted(counts)}")
    right, wrong = (check_finite(where, name, counts[name]) for name in ("right", "wrong"))
    if right.ndim != 1 or right.shape != wrong.shape or len(right) < 2:
        raise ValueError(
            f"{where}: counts must have shape (t_max + 1,), got {right.shape} and {wrong.shape}"
        )
    t_max = len(right) - 1
    names = [f"right ({right.sum():.0f})", f"wrong ({wrong.sum():.0f})"]
    with style() as plt:
        ax = canvas(plt, ax, "time step", "decided by a spike, %")
        ends = []
        for k, column in enumerate((right, wrong)):
            share = 100 * column[:-1].cumsum() / max(column.sum(), 1)
            ax.plot(np.arange(t_max), share, **look(k), linewidth=2, drawstyle="steps-post")
            ends.append(float(share[-1]))
        ax.set_xlim(0, t_max)
        ax.set_ylim(0, 105)
        ax.set_title("When decisions fall")
        label_right(ax, ends, names, [look(k)["color"] for k in range(len(ax.lines))])
    return ax


def anytime(found: Anytime, *, ax: Axes | None = None) -> Axes:
    """Draw the accuracy of a network that must answer by a deadline.

    Beside it stands the share of the images on which an output neuron has fired by then.

    Parameters
    ----------
    found : Anytime
        From :func:`minibs4nn.analysis.anytime`.
    ax : matplotlib Axes, optional
        Where to draw; without it, a new figure.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    TypeError
        If it is no Anytime.

    Examples
    --------
    >>> found = Anytime(np.array([0, 8]), np.array([0.1, 0.9]), np.array([0.0, 0.5]))
    >>> [line.get_ydata().tolist() for line in anytime(found).lines]
    [[10.0, 90.0], [0.0, 50.0]]
    """
    if not isinstance(found, Anytime):
        raise TypeError(
            f"anytime: wants what analysis.anytime() returns, got {type(found).__name__}"
        )
    with style() as plt:
        ax = canvas(plt, ax, "deadline (time step)", "images, %")
        columns = {"right": found.accuracy, "fired": found.fired}
        for k, share in enumerate(columns.values()):
            ax.plot(
                found.deadlines, 100 * share, **look(k), linewidth=2, marker="os"[k], markersize=4
            )
        ax.set_ylim(0, 105)
        ax.set_title("Decisions by a deadline")
        ends = [100 * float(share[-1]) for share in columns.values()]
        label_right(ax, ends, list(columns), [look(k)["color"] for k in range(len(ax.lines))])
    return ax


def spikes_by_layer(
    by_decision: npt.ArrayLike,
    in_window: npt.ArrayLike,
    layers: Sequence[int],
    *,
    ax: Axes | None = None,
) -> Axes:
    """Draw which share of the neurons of each layer has fired when the decision falls.

    Parameters
    ----------
    by_decision : array, shape (n_layers,)
        Mean number per image, the input first: the mean of
        :func:`minibs4nn.analysis.spikes_by_decision` over the images.
    in_window : array, shape (n_layers,)
        Mean number in the whole window.
    layers : sequence of n_layers int
        Sizes of the layers, input first.
    ax : matplotlib Axes, optional
        Where to draw; without it, a new figure.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    TypeError, ValueError
        If the three do not have the same length.

    Examples
    --------
    >>> ax = spikes_by_layer([80.5, 12, 1], [100, 30, 4], (784, 100, 10))
    >>> [text.get_text() for text in ax.texts]
    ['80.5', '12.0', '1.0', '100.0', '30.0', '4.0']
    """
    where = "spikes_by_layer"
    pair = [check_finite(where, "spikes", spikes) for spikes in (by_decision, in_window)]
    sizes = check_finite(where, "layers", layers)
    if sizes.ndim != 1 or not sizes.size or any(spikes.shape != sizes.shape for spikes in pair):
        raise ValueError(
            f"{where}: one number for each layer, got shapes {pair[0].shape}, {pair[1].shape} and, "
            f"of layers, {sizes.shape}"
        )
    places = np.arange(len(sizes))
    names = ["input", *(f"layer {k}" for k in range(1, len(sizes)))]
    looks: tuple[dict[str, Any], ...] = (
        {"label": "by the decision", "color": BLUE, "edgecolor": BLUE},
        {"label": "in the window", "color": "white", "edgecolor": GREY, "hatch": "///"},
    )
    with style() as plt:
        ax = canvas(plt, ax, "", "neurons that fired, %")
        for k, (spikes, bar) in enumerate(zip(pair, looks, strict=True)):
            drawn = ax.bar(places + 0.4 * k - 0.2, 100 * spikes / sizes, 0.38, **bar)
            ax.bar_label(drawn, labels=[f"{n:.1f}" for n in spikes], padding=2, size=SMALL)
        labels = [f"{name}\n{size:.0f}" for name, size in zip(names, sizes, strict=True)]
        ax.set_xticks(places, labels=labels)
        ax.margins(y=0.15)
        ax.set_title("Spikes per image")
        ax.legend(frameon=False, fontsize=SMALL)
    return ax


def curve(found: Curve) -> Figure:
    """Draw how a network fares while one thing changes, in small panels above each other.

    Accuracy, strict and by the published counter; the shares of silent and tied images; the mean
    decision time. Where a value was drawn several times, the line is the mean, and a band goes from
    the lowest to the highest.

    Parameters
    ----------
    found : Curve
        From :func:`minibs4nn.analysis.threshold_sweep` or
        :func:`minibs4nn.analysis.jitter_curve`.

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    TypeError
        If it is no Curve.
    ValueError
        If it has no point.

    Examples
    --------
    >>> from minibs4nn import Evaluation
    >>> one = Evaluation(100, 0.5, 0.6, 0.1, 0.0, 30.0, 400.0, 90000.0)
    >>> figure = curve(Curve("jitter (time steps)", (0, 10), ((one,), (one, one))))
    >>> figure.axes[0].lines[0].get_ydata().tolist(), figure.axes[-1].get_xlabel()
    ([50.0, 50.0], 'jitter (time steps)')
    """
    if not isinstance(found, Curve):
        raise TypeError(
            "curve: wants what threshold_sweep() or jitter_curve() returns, got "
            f"{type(found).__name__}"
        )
    if not found.values:
        raise ValueError("curve: there is no point to draw")
    panels = (
        ("accuracy, %", 100, {"accuracy": "strict", "published_accuracy": "published"}),
        ("images, %", 100, {"silent": "silent", "tied": "tied"}),
        ("decision\n(time step)", 1, {"decision_time": "mean"}),
    )
    with style() as plt:
        figure: Figure = plt.figure(figsize=(WIDTH, 0.7 + 1.6 * len(panels)))
        grid = figure.subplots(len(panels), 1, sharex=True, squeeze=False).ravel()
        for ax, (ylabel, factor, counters) in zip(grid, panels, strict=True):
            canvas(plt, ax, found.name if ax is grid[-1] else "", ylabel)
            for k, counter in enumerate(counters):
                mean, low, high = (
                    factor * column(counter) for column in (found.mean, found.lowest, found.highest)
                )
                ax.plot(found.values, mean, **look(k), linewidth=2, marker="os"[k], markersize=4)
                ax.fill_between(found.values, low, high, color=(SKY, VERMILLION)[k], alpha=0.3)
            ends = [factor * float(found.mean(counter)[-1]) for counter in counters]
            colours = [look(k)["color"] for k in range(len(counters))]
            label_right(ax, ends, list(counters.values()), colours)
        figure.suptitle(f"The same network, another {found.name.partition(' (')[0]}", size=12)
        figure.align_ylabels()
    return figure
