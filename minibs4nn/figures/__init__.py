"""Figures to drive: the ideas of the chapters, to be touched.

Each figure is one Python class and one small JavaScript module beside it. In the pages of the book
it runs alone, without a kernel. In Jupyter the same object is live: what the reader does can be
read from its traits in the next cell, and what a cell sets is shown.

The arithmetic is that of the library, written a second time in ``bs4nn.mjs``; the tests hold it to
the first, number by number.

The classes need anywidget: ``pip install 'minibs4nn[figures]'``. It is imported with the first of
them that is asked for, and not with this package.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from minibs4nn.figures.latency import LatencyFigure
    from minibs4nn.figures.latent import LatentFigure
    from minibs4nn.figures.network import NetworkFigure
    from minibs4nn.figures.neuron import NeuronFigure
    from minibs4nn.figures.packing import PackingFigure
    from minibs4nn.figures.race import RaceFigure
    from minibs4nn.figures.targets import TargetsFigure

__all__ = [
    "LatencyFigure",
    "LatentFigure",
    "NetworkFigure",
    "NeuronFigure",
    "PackingFigure",
    "RaceFigure",
    "TargetsFigure",
]


def __getattr__(name: str) -> Any:
    """Import the class of a figure when it is first asked for."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        module = import_module(f"{__name__}.{name.removesuffix('Figure').lower()}")
    except ModuleNotFoundError as error:
        if error.name not in {"anywidget", "ipywidgets", "traitlets"}:
            raise
        raise ImportError(
            f"minibs4nn.figures.{name} needs anywidget, which is not installed: "
            "pip install 'minibs4nn[figures]'"
        ) from error
    return getattr(module, name)


def __dir__() -> list[str]:
    """List the figures, although none is imported yet."""
    return [*globals(), *__all__]
