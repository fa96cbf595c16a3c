"""Pictures of spikes, potentials, weights and training.

Every function draws one thing and returns what it drew on, so that a caller can go on: set a title,
add an arrow, save. Colours are those of Okabe and Ito, which colour-blind readers can tell apart;
line styles and markers say the same once more for who reads in grey. Matplotlib is imported on the
first call, and its global settings are left as they were.
"""

from minibs4nn.plot._analysis import anytime, curve, outcome_times, spikes_by_layer
from minibs4nn.plot._decisions import confusion, decision_times, firing_times
from minibs4nn.plot._history import history
from minibs4nn.plot._spikes import potential, race, raster
from minibs4nn.plot._weights import flips, receptive_fields, weight_histograms

__all__ = [
    "anytime",
    "confusion",
    "curve",
    "decision_times",
    "firing_times",
    "flips",
    "history",
    "outcome_times",
    "potential",
    "race",
    "raster",
    "receptive_fields",
    "spikes_by_layer",
    "weight_histograms",
]
