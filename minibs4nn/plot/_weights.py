"""Chapters 06 and 07: what a neuron listens to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from minibs4nn._checks import (
    check_weights,
)
from minibs4nn.plot._style import SMALL, WIDTH, style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["receptive_fields"]


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
    tile = min(1.4, WIDTH / columns)  # inches
    with style() as plt:
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
            ax.set_title(str(index), size=SMALL, pad=2)
        bar = figure.colorbar(
            image, ax=grid, location="bottom", shrink=min(1.0, 2.4 / size[0]), aspect=20, pad=0.02
        )
        bar.set_label("weight", size=SMALL)
        if two_tone:
            bar.set_ticks([-0.5, 0.5], labels=["\N{MINUS SIGN}1", "+1"])  # the middle of each tone
        bar.ax.tick_params(labelsize=SMALL, length=0 if two_tone else 3.5)
    return figure
