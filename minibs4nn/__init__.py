"""minibs4nn: binarized single-spike networks, small enough to read.

The modules follow the chapters of the course *Spikes and Bits*; each uses only those before it.

- Time: :mod:`~minibs4nn.neuron` (one integrate-and-fire neuron), :mod:`~minibs4nn.coding` (images
  as spike times), :mod:`~minibs4nn.forward` (layers, and who fires first),
  :mod:`~minibs4nn.evaluation` (how good is it, counted honestly).
- Learning: :mod:`~minibs4nn.targets`, :mod:`~minibs4nn.backward`, :mod:`~minibs4nn.rules`,
  :mod:`~minibs4nn.training`.
- One bit: :mod:`~minibs4nn.binary`, :mod:`~minibs4nn.model` (S4NN, BS4NN),
  :mod:`~minibs4nn.baselines` (a plain BNN), :mod:`~minibs4nn.packed` (one bit per synapse),
  :mod:`~minibs4nn.export` and :mod:`~minibs4nn.nir` (for other programs).
- Speed: :mod:`~minibs4nn.kernels`, the same computation in NumPy and compiled.
- Around them: :mod:`~minibs4nn.datasets`, :mod:`~minibs4nn.plot`, ``python -m minibs4nn``.

>>> import minibs4nn as bs
>>> train, test = bs.datasets.bars(n=100)
>>> times = bs.latency_code(test.images)
"""

from minibs4nn import analysis, datasets, errors, figures, plot
from minibs4nn.baselines import BNN, StraightThrough
from minibs4nn.coding import decode, latency_code, rank_order_code, to_raster
from minibs4nn.evaluation import Evaluation
from minibs4nn.export import to_c_header
from minibs4nn.forward import (
    decide,
    layer_spike_times,
    network_spike_times,
    potential_at,
    published_correct,
    silent,
)
from minibs4nn.kernels import backends
from minibs4nn.model import BS4NN, S4NN
from minibs4nn.neuron import Trace, simulate_neuron
from minibs4nn.nir import from_nir, to_nir
from minibs4nn.packed import PackedBS4NN
from minibs4nn.rules import BS4NN_PUBLISHED, S4NN_PUBLISHED, DecisionPotential, RelativeTarget
from minibs4nn.storage import load
from minibs4nn.training import History, checkpoint

__version__ = "0.1.0"

__all__ = [
    "BNN",
    "BS4NN",
    "BS4NN_PUBLISHED",
    "S4NN",
    "S4NN_PUBLISHED",
    "DecisionPotential",
    "Evaluation",
    "History",
    "PackedBS4NN",
    "RelativeTarget",
    "StraightThrough",
    "Trace",
    "analysis",
    "backends",
    "checkpoint",
    "datasets",
    "decide",
    "decode",
    "errors",
    "figures",
    "from_nir",
    "latency_code",
    "layer_spike_times",
    "load",
    "network_spike_times",
    "plot",
    "potential_at",
    "published_correct",
    "rank_order_code",
    "silent",
    "simulate_neuron",
    "to_c_header",
    "to_nir",
    "to_raster",
]
