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
    check_labels,
    check_spike_times,
    check_t_max,
    check_weights,
)
from minibs4nn.neuron import Trace
from minibs4nn.training import History

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "confusion",
    "decision_times",
    "history",
    "potential",
    "race",
    "raster",
    "receptive_fields",
]

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


def _look(k: int) -> dict[str, Any]:
    """Return colour and line style of the k-th line; they come back together after 35 lines."""
    return {
        "color": _COLOURS[k % len(_COLOURS)],
        "linestyle": _LINE_STYLES[k % len(_LINE_STYLES)],
    }


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


def _label_right(
    ax: Axes, heights: Sequence[float], texts: Sequence[str], colours: Sequence[str]
) -> None:
    """Write labels right of the axes, each at its line's height, moved apart where they collide."""
    to_axes = ax.transData + ax.transAxes.inverted()
    wanted = to_axes.transform([(ax.get_xlim()[1], height) for height in heights])[:, 1]
    points = ax.get_window_extent().height * 72 / ax.figure.dpi
    placed = _spread(wanted, 1.35 * _SMALL / points)
    for height, place, text, colour in zip(wanted, placed, texts, colours, strict=True):
        ax.annotate(
            text,
            xy=(1, height),
            xytext=(1.04, place),
            xycoords="axes fraction",
            textcoords="axes fraction",
            size=_SMALL,  # dark, as all text; the short line to it has the colour
            va="center",
            arrowprops={
                "arrowstyle": "-",
                "color": colour,
                "linewidth": 1.5,
                "relpos": (0, 0.5),  # from the middle of the text's left side
                "shrinkB": 0,
            },
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
        colours = [_look(j)["color"] for j in range(n_out)]
        for j, won in enumerate(winners):
            look = {**_look(j), "linewidth": 1.4}
            if won:
                look |= {"linestyle": "-", "linewidth": 3.5, "zorder": 3}
            ax.plot(*_stairs(v[j]), drawstyle="steps-post", label=names[j], **look)
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


def receptive_fields(
    weights: npt.ArrayLike, *, shape: tuple[int, int] = (28, 28), columns: int = 10
) -> Figure:
    """Draw the weights of each neuron as an image, in the places of the pixels they listen to.

    Real weights share one colour scale, symmetric around zero. Weights of +1 and -1 alone are drawn
    in two tones.

    Parameters
    ----------
    weights : array, shape (n, height * width)
        One neuron per row; choose some with ``weights[:20]``.
    shape : (height, width)
        The image the neurons see.
    columns : int
        How many images side by side.

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    ValueError
        If the rows do not have ``height * width`` weights, or there is nothing to draw.

    Examples
    --------
    >>> figure = receptive_fields([[1, -1, 1, -1], [1, 1, -1, -1]], shape=(2, 2))
    >>> figure.axes[1].images[0].get_array().tolist()
    [[1, 1], [-1, -1]]
    """
    w = check_weights("receptive_fields", weights)
    height, width = shape
    if w.shape[1] != height * width:
        raise ValueError(
            f"receptive_fields: each neuron has {w.shape[1]} weights, but shape={shape} has "
            f"{height * width} pixels; give the shape of the image that this layer sees"
        )
    if len(w) == 0 or columns < 1:
        raise ValueError(
            "receptive_fields: at least one neuron and one column, got "
            f"{len(w)} and columns={columns}"
        )
    two_tone = bool((np.abs(w) == 1).all())
    limit = float(np.abs(w).max()) or 1.0
    columns = min(columns, len(w))
    rows = -(-len(w) // columns)
    tile = min(1.4, _WIDTH / columns)  # inches
    with _style() as plt:
        size = (max(2.4, tile * columns), (tile * height / width + 0.22) * rows + 0.7)
        figure: Figure = plt.figure(figsize=size)
        grid = figure.subplots(rows, columns, squeeze=False).ravel()
        for ax in grid:
            ax.set_axis_off()
        for index, (ax, row) in enumerate(zip(grid, w, strict=False)):
            image = ax.imshow(
                row.reshape(shape),
                cmap=plt.get_cmap("cividis", 2) if two_tone else "RdBu_r",
                vmin=-limit,
                vmax=limit,
                interpolation="nearest",
            )
            ax.set_title(str(index), size=_SMALL, pad=2)
        bar = figure.colorbar(
            image, ax=grid, location="bottom", shrink=min(1.0, 2.4 / size[0]), aspect=20, pad=0.02
        )
        bar.set_label("weight", size=_SMALL)
        if two_tone:
            bar.set_ticks([-0.5, 0.5], labels=["\N{MINUS SIGN}1", "+1"])  # the middle of each tone
        bar.ax.tick_params(labelsize=_SMALL, length=0 if two_tone else 3.5)
    return figure


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
    decided = _times_of("decision_times", times, t_max, "one per image, as times.min(axis=1)")
    fired = decided[decided < t_max]
    silent = len(decided) - len(fired)
    end = _window_shown(int(fired.max(initial=0)), t_max)
    steps = max(1, end // 32)  # in one bar
    edges = np.arange(0, end + steps, steps)
    with _style() as plt:
        ax = _canvas(plt, ax, "decision time (time step)", "images")
        ax.hist(fired, bins=edges.tolist(), color=_BLUE, edgecolor="white", linewidth=0.5)
        place, width = 1.09 * edges[-1], 0.06 * edges[-1]
        ax.bar(place, silent, width, color="white", edgecolor=_VERMILLION, hatch="///")
        ax.annotate(
            str(silent),
            (place, silent),
            (0, 3),
            textcoords="offset points",
            ha="center",
            size=_SMALL,
        )
        ax.set_xlim(0, place + width)
        ax.margins(y=0.12)
        ax.locator_params(axis="both", integer=True)
        ticks = [int(tick) for tick in ax.get_xticks() if 0 <= tick <= 0.93 * edges[-1]]
        ax.set_xticks([*ticks, place], labels=[*map(str, ticks), "silent"])
    return ax


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
    with _style() as plt:
        figure: Figure = plt.figure(figsize=(_WIDTH, 0.5 + 1.4 * len(drawn)))
        grid = figure.subplots(len(drawn), 1, sharex=True, squeeze=False).ravel()
        for ax, (ylabel, lines) in zip(grid, drawn, strict=True):
            _canvas(plt, ax, "epoch" if ax is grid[-1] else "", ylabel)
            dot = "o" if len(epochs) <= 30 else ""
            for k, (name, y) in enumerate(lines.items()):
                ax.plot(epochs, y, **_look(k), linewidth=2, marker=dot, markersize=4, label=name)
            if ylabel == "flips":
                ax.set_yscale("symlog", linthresh=10)  # layers differ a hundredfold; 0 is possible
            ax.set_xlim(epochs[0] - 0.5, epochs[-1] + 0.5)
            ax.locator_params(axis="x", integer=True, min_n_ticks=1)
            ends = [float(y[np.isfinite(y)][-1]) for y in lines.values()]
            _label_right(ax, ends, list(lines), [line.get_color() for line in ax.lines])
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
        If the shapes differ, or a class is out of range.

    Examples
    --------
    >>> ax = confusion([0, 0, 1], [0, 1, 1], n_classes=2)
    >>> [text.get_text() for text in ax.texts]
    ['1', '1', '0', '1']
    """
    truth = np.atleast_1d(labels)
    truth = check_labels("confusion", truth, len(truth), n_classes)
    guess = np.asarray(predictions)
    if guess.shape != truth.shape:
        raise ValueError(
            f"confusion: {len(truth)} labels need {len(truth)} predictions, got predictions of "
            f"shape {guess.shape}"
        )
    if guess.dtype.kind not in "iu":
        raise TypeError(f"confusion: predictions must be whole numbers, got {guess.dtype}")
    if guess.size and (guess.min() < -1 or guess.max() >= n_classes):
        raise ValueError(
            f"confusion: predictions must lie in -1..{n_classes - 1} (-1 = no class), got "
            f"{guess.min()} to {guess.max()}"
        )
    width = n_classes + int((guess == -1).any())
    counts = np.zeros((n_classes, width), dtype=np.int64)
    np.add.at(counts, (truth, guess), 1)  # -1 is the last column
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    with _style() as plt:
        ax = _canvas(plt, ax, "decision", "label", height=5.6)
        ax.imshow(np.sqrt(share), cmap="Blues", vmin=0, vmax=1)
        for (row, column), count in np.ndenumerate(counts):
            dark = share[row, column] > 0.3
            ax.text(
                column,
                row,
                str(count),
                ha="center",
                va="center",
                color="white" if dark else _GREY if count == 0 else _INK,
                size=_SMALL if n_classes <= 10 else 8,
            )
        names = [str(k) for k in range(n_classes)]
        ax.set_xticks(range(width), labels=[*names, "none"][:width])
        ax.set_yticks(range(n_classes), labels=names)
        ax.tick_params(length=0)
        ax.spines[:].set_visible(False)
    return ax
