"""What the tasks look like that can be played with, each in the numbers of its chapter."""

from collections.abc import Mapping
from functools import cache
from itertools import chain
from types import MappingProxyType
from typing import Any

import ipywidgets as widgets
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

from minibs4nn import datasets, plot
from minibs4nn._checks import FloatArray
from minibs4nn.course.playground import Scene
from minibs4nn.course.values import Arguments, Plain
from minibs4nn.neuron import simulate_neuron

__all__ = ["SCENES"]

BLUE, VERMILLION, INK = "#0072B2", "#D55E00", "#222222"


def _slider(name: str, value: float, least: float, most: float, step: float = 1) -> Any:
    """A slider that reports once it has come to rest."""
    kind = widgets.IntSlider if step == 1 else widgets.FloatSlider
    options: dict[str, Any] = {"continuous_update": False, "style": {"description_width": "7em"}}
    return kind(value, description=name, min=least, max=most, step=step, **options)


def _yours(ax: Axes, library: npt.ArrayLike, own: npt.ArrayLike | None) -> None:
    """Put diamonds where the reader's results lie, and bars to those of the library they miss.

    Both have shape (n, 2): x and y.
    """
    if own is not None:
        bar: dict[str, Any] = {"color": INK, "linewidth": 4, "clip_on": False, "zorder": 4}
        for right, got in zip(np.array(library), np.array(own), strict=True):
            if (right != got).any():
                ax.plot(*np.transpose([right, got]), **bar)
        style: dict[str, Any] = {
            "facecolors": "none",
            "edgecolors": INK,
            "linewidths": 2,
            "clip_on": False,
        }
        x, y = np.transpose(own)
        ax.scatter(x, y, 170, marker="D", zorder=5, label="yours; a bar where it differs", **style)
    ax.figure.legend(handles=ax.collections, loc="outside lower center", ncols=3)


def _near(value: Plain, least: float, most: float) -> FloatArray:
    """Numbers, brought to the border of the picture if they lie outside."""
    return np.clip(np.array(value, dtype=np.float64), least - 1, most + 1)


def _yours_in_time(ax: Axes, potentials: FloatArray, library: Plain, own: Plain) -> None:
    """The same for spikes: those of the library lie on the staircases, of shape (n, t_max)."""
    t_max = potentials.shape[1]
    height = potentials[np.arange(len(library)), np.maximum(library, 1) - 1]
    times = None if own is None else np.stack([_near(own, 0, t_max), height], axis=1)
    _yours(ax, np.stack([library, height], axis=1), times)


# 01.1: the neuron of the chapter, and three inputs to move ---------------------------------------


def _neuron() -> list[Any]:
    inputs = [("A", 3, 3), ("B", 6, 4), ("C", 9, -3)]
    pairs = [
        (_slider(f"{name} arrives", t, 0, 12), _slider(f"weight {name}", w, -6, 6))
        for name, t, w in inputs
    ]
    return [*chain(*pairs), _slider("threshold", 5, 0, 12)]


def _draw_neuron(ax: Axes, arguments: Arguments, expected: Plain, got: Plain) -> None:
    times, weights, threshold, t_max = arguments
    trace = simulate_neuron(times, weights, threshold=threshold, t_max=t_max)
    plot.potential(trace, ax=ax)
    _yours_in_time(ax, trace.potential[None], [expected], None if got is None else [got])


# 02.1 and 02.3: ten digits, and windows from short to long ---------------------------------------


@cache
def _digits() -> npt.NDArray[np.uint8]:
    """One picture of each digit, as a row of pixels."""
    _, test = datasets.mnist()
    first = [int((test.labels == digit).argmax()) for digit in range(10)]
    pixels: npt.NDArray[np.uint8] = test.images[first].reshape(10, -1)
    return pixels


def _picture() -> list[Any]:
    window = widgets.SelectionSlider(
        options=[4, 16, 64, 256], value=16, description="window", continuous_update=False
    )
    return [_slider("digit", 3, 0, 9), window]


def _draw_picture(ax: Axes, arguments: Arguments, expected: Plain, got: Plain) -> None:
    """Times as grey levels, early ones bright: the reader's left, the library's right."""
    image, t_max = arguments
    side = round(image.size**0.5)
    right = np.reshape(expected, (side, side))
    left = np.full_like(right, t_max) if got is None else np.reshape(got, (side, side))
    both = np.hstack([left, np.full((side, 2), t_max / 2), right])
    ax.imshow(both, cmap="gray_r", vmin=0, vmax=t_max)
    if got is not None and (wrong := left != right).any():
        y, x = np.nonzero(wrong)
        ax.scatter(x, y, marker="x", s=12, color=VERMILLION, label="differs")
        ax.figure.legend(loc="outside lower center")
    ax.set_xticks([side / 2, 1.5 * side + 2], ["yours", "the library's"])
    ax.set_yticks([])


# 03.1 and 03.2: the three neurons of the chapter -------------------------------------------------

WEIGHTS = np.array([[3, 1, -2], [-1, 6, 1], [1, -2, 2]])


def _layer() -> list[Any]:
    arrivals = [_slider(f"input {i} arrives", t, 0, 8) for i, t in enumerate((1, 4, 6))]
    return [*arrivals, _slider("threshold", 3, 0, 8)]


def _draw_layer(ax: Axes, arguments: Arguments, expected: Plain, got: Plain) -> None:
    times, weights, threshold, t_max = arguments
    potentials = weights @ (times[:, None] <= np.arange(t_max)).astype(float)
    names = [f"neuron {j}" for j in range(len(weights))]
    plot.race(potentials, threshold, expected, labels=names, ax=ax)
    _yours_in_time(ax, potentials, expected, got)


def _race() -> list[Any]:
    pairs = [
        (_slider(f"neuron {j} fires", t, 0, 8), _slider(f"potential {j}", v, 0, 9))
        for j, (t, v) in enumerate([(5, 4), (5, 5), (8, 1)])
    ]
    return [*chain(*pairs)]


def _draw_race(ax: Axes, arguments: Arguments, expected: Plain, got: Plain) -> None:
    times, potential, t_max = arguments
    places = np.stack([times, potential], axis=1)
    ax.scatter(times, potential, color=INK, label="neuron")
    for j, place in enumerate(places):
        ax.annotate(str(j), place, xytext=(10 + 9 * j, 6), textcoords="offset points")
    x, y = places[expected]
    ax.scatter(x, y, marker="*", s=300, color=BLUE, label="the library's choice")
    ax.set(xlim=(-0.5, t_max + 0.5), ylim=(-0.8, 9.8), xlabel="spike time", ylabel="potential")
    ax.set_xticks(range(t_max + 1), [*map(str, range(t_max)), "silent"])
    named = got in range(len(places))
    _yours(ax, places[[expected]], places[[int(got)]] if named else None)


# 04.1: four output neurons -----------------------------------------------------------------------


def _outputs() -> list[Any]:
    fires = [_slider(f"neuron {j} fires", t, 0, 16) for j, t in enumerate((9, 5, 6, 12))]
    return [*fires, _slider("label", 0, 0, 3), _slider("gamma", 3, 1, 8)]


def _draw_targets(ax: Axes, arguments: Arguments, expected: Plain, got: Plain) -> None:
    times, label, _, t_max = arguments
    neurons = np.arange(len(times))
    ax.scatter(times, neurons, color=INK, label="fired", clip_on=False)
    ax.scatter(expected, neurons, marker="*", s=200, color=BLUE, label="target", clip_on=False)
    names = [f"neuron {j}, label" if j == label else f"neuron {j}" for j in neurons]
    ax.set_yticks(neurons, names)
    ax.set(xlim=(0, t_max), ylim=(len(times) - 0.5, -0.5), xlabel="time step")
    own = None if got is None else np.stack([_near(got, 0, t_max), neurons], axis=1)
    _yours(ax, np.stack([expected, neurons], axis=1), own)


# 07.1: a neuron of five latent weights -----------------------------------------------------------


def _latent() -> list[Any]:
    start = (0.9, 0.2, 0.0, -0.1, -0.7)
    return [
        *(_slider(f"weight {i}", w, -1.0, 1.0, 0.1) for i, w in enumerate(start)),
        _slider("threshold", 3, -9, 9),
        _slider("scale", 2.0, 0.5, 4.0, 0.5),
    ]


def _draw_signs(ax: Axes, arguments: Arguments, expected: Plain, got: Plain) -> None:
    [latent], _, _ = arguments
    inputs = np.arange(len(latent))
    ax.bar(inputs, latent, color=BLUE, alpha=0.4)
    ax.axhline(0, color=INK, linewidth=1)
    [signs] = expected["signs"]
    ax.scatter(inputs, signs, marker="*", s=200, color=BLUE, label="sign")
    ax.set(ylim=(-1.4, 1.4), xlabel="input", ylabel="latent weight", xticks=inputs)
    own = None if got is None else np.stack([inputs, _near(got["signs"][0], -1, 1)], axis=1)
    _yours(ax, np.stack([inputs, signs], axis=1), own)


SCENES: Mapping[str, Scene] = MappingProxyType(
    {
        "01.1": Scene(
            _neuron, lambda v: (np.array(v[:6:2]), np.array(v[1:6:2]), v[6], 12), _draw_neuron
        ),
        "02.1": Scene(_picture, lambda v: (_digits()[v[0]], v[1]), _draw_picture),
        "02.3": Scene(_picture, lambda v: (_digits()[v[0]], v[1]), _draw_picture),
        "03.1": Scene(_layer, lambda v: (np.array(v[:3]), WEIGHTS, v[3], 8), _draw_layer),
        "03.2": Scene(_race, lambda v: (np.array(v[::2]), np.array(v[1::2]), 8), _draw_race),
        "04.1": Scene(_outputs, lambda v: (np.array(v[:4]), v[4], v[5], 16), _draw_targets),
        "07.1": Scene(_latent, lambda v: (np.round([v[:5]], 1), v[5], v[6]), _draw_signs),
    }
)
