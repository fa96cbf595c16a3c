"""Chapters 06, 07 and 12: what a neuron listens to, and how that changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from minibs4nn._checks import check_finite, check_weights, is_whole
from minibs4nn.analysis import WeightHistogram
from minibs4nn.plot._style import BLUE, SMALL, VERMILLION, WIDTH, canvas, label_right, look, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["flips", "receptive_fields", "weight_histograms"]


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
    TypeError, ValueError
        If the rows do not have ``height * width`` weights, there is nothing to draw, or ``shape``
        or ``columns`` are no whole numbers from 1.

    Examples
    --------
    >>> figure = receptive_fields([[1, -1, 1, -1], [1, 1, -1, -1]], shape=(2, 2))
    >>> figure.axes[1].images[0].get_array().tolist()
    [[1, 1], [-1, -1]]
    """
    w = check_weights("receptive_fields", weights)
    sides = list(shape) if np.iterable(shape) else []
    if len(sides) != 2 or not all(is_whole(side) and side >= 1 for side in sides):
        raise ValueError(
            "receptive_fields: shape must be (height, width), two whole numbers from 1, got "
            f"{shape!r}"
        )
    if not is_whole(columns) or columns < 1:
        raise ValueError(
            f"receptive_fields: columns must be a whole number from 1, got {columns!r}"
        )
    height, width = map(int, sides)
    if w.shape[1] != height * width:
        raise ValueError(
            f"receptive_fields: each neuron has {w.shape[1]} weights, but shape={shape} has "
            f"{height * width} pixels; give the shape of the image that this layer sees"
        )
    if len(w) == 0:
        raise ValueError("receptive_fields: there is no neuron to draw")
    two_tone = bool((np.abs(w) == 1).all())
    limit = float(np.abs(w).max()) or 1.0
    columns = min(int(columns), len(w))
    rows = -(-len(w) // columns)
    tile = min(1.4, WIDTH / columns)  # inches
    with style() as plt:
        size = (max(2.4, tile * columns), (tile * height / width + 0.22) * rows + 0.7)
        figure: Figure = plt.figure(figsize=size)
        grid = figure.subplots(rows, columns, squeeze=False).ravel()
        for ax in grid:
            ax.set_axis_off()
        for index, (ax, row) in enumerate(zip(grid, w, strict=False)):
            image = ax.imshow(
                row.reshape(height, width),
                cmap=plt.get_cmap("cividis", 2) if two_tone else "RdBu_r",
                vmin=-limit,
                vmax=limit,
                interpolation="nearest",
            )
            ax.set_title(str(index), size=SMALL, pad=2)
        bar = figure.colorbar(
            image, ax=grid, location="bottom", shrink=min(1.0, 2.4 / size[0]), aspect=20, pad=0.02
        )
        bar.set_label("weight", size=SMALL)
        if two_tone:
            bar.set_ticks([-0.5, 0.5], labels=["\N{MINUS SIGN}1", "+1"])  # the middle of each tone
        bar.ax.tick_params(labelsize=SMALL, length=0 if two_tone else 3.5)
    return figure


def weight_histograms(histograms: Sequence[WeightHistogram]) -> Figure:
    """Draw the weights of each layer as a histogram, the negative ones hatched.

    The axis of counts is logarithmic: a few large weights matter, and would not be seen.

    Parameters
    ----------
    histograms : sequence of WeightHistogram
        From :func:`minibs4nn.analysis.weight_histograms`.

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    TypeError, ValueError
        If these are no histograms, or there is none.

    Examples
    --------
    >>> import numpy as np
    >>> one = WeightHistogram(np.array([1, 3]), np.array([-1.0, 0.0, 1.0]))
    >>> figure = weight_histograms([one])
    >>> figure.axes[0].get_title()
    'layer 1: 75.0 % of the weights are positive'
    """
    layers = list(histograms) if np.iterable(histograms) else [histograms]
    if not all(isinstance(layer, WeightHistogram) for layer in layers):
        raise TypeError(
            "weight_histograms: wants what analysis.weight_histograms() returns, got "
            f"{type(histograms).__name__}"
        )
    if not layers:
        raise ValueError("weight_histograms: there is no layer to draw")
    with style() as plt:
        figure: Figure = plt.figure(figsize=(WIDTH, 0.4 + 2.2 * len(layers)))
        grid = figure.subplots(len(layers), 1, squeeze=False).ravel()
        for k, (ax, layer) in enumerate(zip(grid, layers, strict=True), start=1):
            canvas(plt, ax, "weight" if ax is grid[-1] else "", "synapses")
            left, right = layer.edges[:-1], layer.edges[1:]
            for which, colour, hatch in ((left < 0, VERMILLION, "///"), (left >= 0, BLUE, "")):
                ax.bar(
                    left[which], layer.counts[which], (right - left)[which], align="edge",
                    color=colour if not hatch else "white", edgecolor=colour, hatch=hatch,
                )  # fmt: skip
            ax.set_yscale("symlog", linthresh=1)
            ax.set_ylim(bottom=0)
            ax.set_title(f"layer {k}: {100 * layer.positive:.1f} % of the weights are positive")
    return figure


def flips(shares: npt.ArrayLike, *, ax: Axes | None = None) -> Axes:
    """Draw which share of the signs of each layer changed in each epoch.

    Parameters
    ----------
    shares : array, shape (n_epochs, n_layers), 0 or more
        From :func:`minibs4nn.analysis.flip_shares`.
    ax : matplotlib Axes, optional
        Where to draw; without it, a new figure.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    TypeError, ValueError
        If there is no epoch, or the shape is another.

    Examples
    --------
    >>> ax = flips([[0.5, 0.1], [0.2, 0.0]])
    >>> [line.get_ydata().tolist() for line in ax.lines]
    [[50.0, 20.0], [10.0, 0.0]]
    """
    percent = 100 * check_finite("flips", "shares", shares)
    if percent.ndim != 2 or percent.size == 0:
        raise ValueError(f"flips: shares must have shape (n_epochs, n_layers), got {percent.shape}")
    epochs = np.arange(1, len(percent) + 1)
    with style() as plt:
        ax = canvas(plt, ax, "epoch", "flipped signs, %")
        dot = "o" if len(epochs) <= 30 else ""
        for k, y in enumerate(percent.T):
            ax.plot(epochs, y, **look(k), linewidth=2, marker=dot, markersize=4)
        # Layers differ a hundredfold, and 0 is possible: below the least share the axis is linear.
        ax.set_yscale("symlog", linthresh=percent[percent > 0].min(initial=1.0))
        ax.set_ylim(bottom=0)
        ax.set_xlim(0.5, len(epochs) + 0.5)
        ax.locator_params(axis="x", integer=True, min_n_ticks=1)
        ax.set_title("Signs that changed in an epoch")
        names = [f"layer {k}" for k in range(1, percent.shape[1] + 1)]
        label_right(ax, percent[-1].tolist(), names, [look(k)["color"] for k in range(len(names))])
    return ax
