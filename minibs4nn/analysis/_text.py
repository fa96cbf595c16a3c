"""An analysis in words and numbers, as the command prints it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from minibs4nn._checks import FloatArray, IntArray

if TYPE_CHECKING:
    from minibs4nn.analysis._report import Analysis

__all__ = ["lines_of"]

COUNTERS = ("accuracy", "published_accuracy", "tied", "silent", "decision_time")


def lines_of(found: Analysis) -> Iterator[str]:
    """Say in lines of text what an analysis found."""
    yield found.network
    yield str(found.evaluation)
    yield "decision times, quarter / half / three quarters decided by step:"
    for name, counts in found.decision_times.items():
        if total := counts.sum():
            reached = np.searchsorted(counts.cumsum(), total * np.array([0.25, 0.5, 0.75]))
            steps = " / ".join("never" if t == found.t_max else str(t) for t in reached)
            yield f"    {name}, {total} images: {steps}"
    yield "neurons that have fired when the decision falls, of those that do in the window:"
    for k, (by, all_, size) in enumerate(
        zip(found.spikes_by_decision, found.spikes_in_window, found.layers, strict=True)
    ):
        name = "input" if k == 0 else f"layer {k}"
        yield f"    {name}: {by:.1f} of {all_:.1f}, {by / size:.1%} of all {size}"
    yield "accuracy by a deadline (images on which an output neuron has fired by then):"
    for t in _shown(found.anytime.deadlines, found.anytime.accuracy):
        accuracy, fired = found.anytime.accuracy[t], found.anytime.fired[t]
        yield f"    step {found.anytime.deadlines[t]}: {accuracy:.2%} ({fired:.1%})"
    for curve in (found.thresholds, found.jitter):
        yield f"{curve.name}: accuracy, published counter, tied, silent, decision time"
        for k, value in enumerate(curve.values):
            means = [curve.mean(counter)[k] for counter in COUNTERS]
            shares = ", ".join(f"{share:.2%}" for share in means[:-1])
            low, high = curve.lowest("accuracy")[k], curve.highest("accuracy")[k]
            draws = len(curve.evaluations[k])
            spread = f"; accuracy {low:.2%} to {high:.2%} in {draws} draws"
            yield f"    {value:g}: {shares}, {means[-1]:.1f}{spread if draws > 1 else ''}"


def _shown(deadlines: IntArray, accuracy: FloatArray) -> list[int]:
    """The deadlines worth a line: a few over the window, the last one included."""
    step = max(1, (len(deadlines) - 1) // 8)
    return [*range(0, len(accuracy) - 1, step), len(accuracy) - 1]
