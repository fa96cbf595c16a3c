"""All questions at once: as text, as JSON, as pictures."""

from __future__ import annotations

import importlib.util
import io
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from minibs4nn._checks import AnyArray, FloatArray, IntArray, check_labels
from minibs4nn.analysis._confusion import confusion_matrix
from minibs4nn.analysis._parameters import WeightHistogram, flip_shares, weight_histograms
from minibs4nn.analysis._response import SingleSpikeNetwork, as_spiking, respond
from minibs4nn.analysis._robustness import (
    FACTORS,
    Curve,
    check_amounts,
    check_factors,
    jitter_curve,
    threshold_sweep,
)
from minibs4nn.analysis._text import lines_of
from minibs4nn.analysis._timing import (
    Anytime,
    anytime,
    decision_time_counts,
    firing_time_matrix,
    spikes_by_decision,
)
from minibs4nn.evaluation import Evaluation
from minibs4nn.files import atomic_write, write_json

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["Analysis", "analyse"]

FIELDS = 20  # receptive fields in one figure


@dataclass(frozen=True, eq=False)
class Analysis:
    """What :func:`analyse` found. ``print`` it, or :meth:`save` it.

    Attributes
    ----------
    network : str
        Such as ``"BS4NN 784-600-10"``.
    layers : tuple of int
    t_max : int, time steps
    evaluation : Evaluation
    firing_times : float64 array, shape (n_classes, n_classes)
        As :func:`firing_time_matrix`.
    confusion : int64 array, shape (n_classes, n_classes)
    spikes_by_decision, spikes_in_window : float64 arrays, shape (n_layers,)
        Mean number per image, the input first.
    decision_times : dict of str to int64 array
        As :func:`decision_time_counts`.
    anytime : Anytime
    thresholds, jitter : Curve
    weights : list of WeightHistogram
    receptive_fields : array, shape (at most 20, height, width), or None
        What the first neurons of the first layer listen to; None for images without a shape.
    flips : float64 array, shape (n_epochs, n_layers), or None
        As :func:`flip_shares`; None where there is no history of flips.
    """

    network: str
    layers: tuple[int, ...]
    t_max: int
    evaluation: Evaluation
    firing_times: FloatArray
    confusion: IntArray
    spikes_by_decision: FloatArray
    spikes_in_window: FloatArray
    decision_times: dict[str, IntArray]
    anytime: Anytime
    thresholds: Curve
    jitter: Curve
    weights: list[WeightHistogram]
    receptive_fields: AnyArray | None
    flips: FloatArray | None

    def __str__(self) -> str:
        return "\n".join(lines_of(self))

    def as_dict(self) -> dict[str, Any]:
        """Return all but the receptive fields, as JSON knows it; a mean over no image is None."""
        return {
            "network": self.network,
            "layers": list(self.layers),
            "t_max": self.t_max,
            "evaluation": self.evaluation.as_dict(),
            "firing_times": _plain(self.firing_times),
            "confusion": _plain(self.confusion),
            "spikes_by_decision": _plain(self.spikes_by_decision),
            "spikes_in_window": _plain(self.spikes_in_window),
            "decision_times": {k: _plain(counts) for k, counts in self.decision_times.items()},
            "anytime": {k: _plain(column) for k, column in vars(self.anytime).items()},
            "thresholds": _curve(self.thresholds),
            "jitter": _curve(self.jitter),
            "weights": [
                {"counts": _plain(layer.counts), "edges": _plain(layer.edges)}
                for layer in self.weights
            ],
            "flips": None if self.flips is None else _plain(self.flips),
        }

    def figures(self) -> Iterator[tuple[str, Figure]]:
        """Draw everything with :mod:`minibs4nn.plot`.

        Yields
        ------
        name : str
        figure : matplotlib Figure
            It is closed when the next one is asked for.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        from matplotlib import pyplot as plt

        from minibs4nn import plot
        from minibs4nn.plot._decisions import confusion_counts

        drawings: dict[str, Callable[[], Axes | Figure]] = {
            "firing_times": lambda: plot.firing_times(self.firing_times),
            "confusion": lambda: confusion_counts(self.confusion),
            "spikes": lambda: plot.spikes_by_layer(
                self.spikes_by_decision, self.spikes_in_window, self.layers
            ),
            "decision_times": lambda: plot.outcome_times(self.decision_times),
            "anytime": lambda: plot.anytime(self.anytime),
            "thresholds": lambda: plot.curve(self.thresholds),
            "jitter": lambda: plot.curve(self.jitter),
            "weights": lambda: plot.weight_histograms(self.weights),
        }
        if (fields := self.receptive_fields) is not None:
            n, height, width = fields.shape
            drawings["receptive_fields"] = lambda: plot.receptive_fields(
                fields.reshape(n, -1), shape=(height, width)
            )
        if (shares := self.flips) is not None:
            drawings["flips"] = lambda: plot.flips(shares)
        for name, draw in drawings.items():
            draw()
            figure = plt.gcf()
            yield name, figure
            plt.close(figure)

    def save(self, folder: str | os.PathLike[str]) -> list[Path]:
        """Write ``analysis.json``, and a PNG for each figure where matplotlib is installed.

        Parameters
        ----------
        folder : str or path-like
            It is made if it does not exist.

        Returns
        -------
        list of pathlib.Path
            What was written.

        Raises
        ------
        OSError
            If the folder cannot be written.
        """
        place = Path(folder)
        written = [place / "analysis.json"]
        write_json(written[0], self.as_dict())
        for name, figure in self.figures() if importlib.util.find_spec("matplotlib") else ():
            image = io.BytesIO()
            figure.savefig(image, format="png", dpi=150)
            written.append(place / f"{name}.png")
            with atomic_write(written[-1]) as file:
                file.write(image.getvalue())
        return written


def analyse(
    net: SingleSpikeNetwork,
    images: npt.ArrayLike,
    labels: npt.ArrayLike,
    *,
    factors: Sequence[float] = FACTORS,
    amounts: Sequence[int] | None = None,
    draws: int = 3,
    seed: int = 0,
) -> Analysis:
    """Ask a trained network everything that this module can ask.

    Parameters
    ----------
    net : S4NN, BS4NN or PackedBS4NN
    images : uint8 array, shape (n, height, width) or (n, pixels); or int16 spike times
    labels : int array, shape (n,)
    factors : sequence of float
        For :func:`threshold_sweep`.
    amounts : sequence of int, time steps, optional
        For :func:`jitter_curve`, as are ``draws`` and ``seed``.

    Returns
    -------
    Analysis

    Raises
    ------
    TypeError, ValueError
        If this is no spiking network, images and labels do not fit, or there is no factor or no
        amount.
    NotTrainedError
        If it has no weights.

    Examples
    --------
    >>> from minibs4nn import S4NN
    >>> net = S4NN.from_weights([[[3, 0], [0, 5]]], threshold=2.0, t_max=8)
    >>> found = analyse(net, np.array([[2, 4], [6, 4]], dtype=np.int16), [0, 1])
    >>> found.evaluation.accuracy, found.firing_times.tolist(), found.flips
    (1.0, [[3.0, 5.0], [7.0, 5.0]], None)
    """
    known = as_spiking("analyse", net)
    factors = check_factors("analyse", factors)
    amounts = check_amounts("analyse", amounts, known.t_max)
    response = respond(known, known._encode("analyse", images))
    spiking, inputs, t_max = response.net, response.spike_times[0], response.t_max
    truth = check_labels("analyse", labels, len(response), spiking.layers[-1])
    evaluation = spiking.evaluate(inputs, truth)
    history = spiking.history_
    shape = np.shape(images)[1:]
    fields = spiking.weights_[0][:FIELDS].reshape(-1, *shape) if len(shape) == 2 else None
    flipped = len(history) > 0 and "flips" in history and spiking.has_signs
    return Analysis(
        network=f"{type(net).__name__} {'-'.join(map(str, net.layers))}",
        layers=spiking.layers,
        t_max=t_max,
        evaluation=evaluation,
        firing_times=firing_time_matrix(response.outputs, truth, t_max=t_max),
        confusion=confusion_matrix(truth, response.decisions, n_classes=spiking.layers[-1]),
        spikes_by_decision=spikes_by_decision(response.spike_times, t_max=t_max).mean(axis=0),
        spikes_in_window=np.array(
            [(times < t_max).sum(axis=1).mean() for times in response.spike_times]
        ),
        decision_times=decision_time_counts(
            response.decision_times, response.decisions == truth, t_max=t_max
        ),
        anytime=anytime(response, truth),
        thresholds=threshold_sweep(spiking, inputs, truth, factors),
        jitter=jitter_curve(spiking, inputs, truth, amounts, draws=draws, seed=seed),
        weights=weight_histograms(spiking),
        receptive_fields=fields,
        flips=flip_shares(history["flips"], spiking.layers) if flipped else None,
    )


def _plain(array: AnyArray) -> Any:
    """The numbers of an array in lists, None for those that are none."""
    if array.dtype.kind == "f":
        array = np.where(np.isnan(array), None, array)  # type: ignore[call-overload]
    return array.tolist()


def _curve(curve: Curve) -> dict[str, Any]:
    """A curve as JSON: what was changed, to what, and every evaluation."""
    return {
        "changed": curve.name,
        "values": list(curve.values),
        "evaluations": [[e.as_dict() for e in draws] for draws in curve.evaluations],
    }
