"""Chapter 12: what a trained network does, beyond its accuracy.

When does each output neuron fire, and for whom? How many spikes does a decision take? What is left
when a threshold is off by a factor, when the clock shakes, when time runs out? Everything here is
counted, on images of your choice; nothing is estimated. :func:`analyse` asks all of it at once,
``python -m minibs4nn analyse`` prints the answers, and :mod:`minibs4nn.plot` draws them.
"""

from minibs4nn.analysis._confusion import confusion_matrix
from minibs4nn.analysis._parameters import WeightHistogram, flip_shares, weight_histograms
from minibs4nn.analysis._report import Analysis, analyse
from minibs4nn.analysis._response import Response, respond
from minibs4nn.analysis._robustness import Curve, jitter, jitter_curve, threshold_sweep
from minibs4nn.analysis._timing import (
    Anytime,
    anytime,
    decision_time_counts,
    firing_time_matrix,
    spikes_by_decision,
)

__all__ = [
    "Analysis",
    "Anytime",
    "Curve",
    "Response",
    "WeightHistogram",
    "analyse",
    "anytime",
    "confusion_matrix",
    "decision_time_counts",
    "firing_time_matrix",
    "flip_shares",
    "jitter",
    "jitter_curve",
    "respond",
    "spikes_by_decision",
    "threshold_sweep",
    "weight_histograms",
]
