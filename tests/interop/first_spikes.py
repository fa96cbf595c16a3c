"""Run networks of this library in other simulators, from NIR files, and compare every first spike.

Each simulator computes with its own neurons, step by step, in PyTorch. What they do not share:

- *Threshold*: snnTorch and Norse fire at ``v > threshold``, SpikingJelly at ``>=``. The exported
  thresholds of one-bit networks end in one half, so that it makes no difference.
- *Reset*: Norse and SpikingJelly set the potential to ``v_reset``, as NIR says (SpikingJelly to one
  value per layer, the lowest here). snnTorch can subtract the threshold or set to 0; a neuron that
  fires once needs the line of ours that sets ``v_reset``.
- *Steps*: all three hear a spike within the step, this library one step later. So neurons of layer
  k, from 1 after the input, fire k steps earlier there, and k is added before comparing.
- *Numbers*: theirs are float32. Sums of signs are exact in it. Sums of real weights are not: there
  a crossing could move, and such spikes would be counted.

``make interop`` makes an environment of its own and runs this file.
"""

import argparse
import importlib
import json
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import nir
import numpy as np
import torch

import minibs4nn as bs

ROOT = Path(__file__).resolve().parent.parent.parent
NETWORKS = ("bs4nn-mnist-seed0.bits", "decision-mnist-seed0.bits", "decision-mnist-real-seed0.npz")
Step = Callable[[Any, Any], Any]


def snntorch_step(node: Any) -> Step:
    """One layer of snnTorch's neurons: current and potential in, spikes and potential out."""
    import snntorch

    threshold, reset = tensor(node.v_threshold), tensor(node.v_reset)
    neurons = snntorch.Leaky(beta=1.0, threshold=threshold, reset_mechanism="none")

    def step(current: Any, v: Any) -> Any:
        spikes, v = neurons(current, v)
        return spikes, torch.where(spikes > 0, reset, v)

    return step


def norse_step(node: Any) -> Step:
    """The same, of Norse's."""
    iaf = importlib.import_module("norse.torch.functional.iaf")
    parameters = iaf.IAFParameters(tensor(node.v_threshold), tensor(node.v_reset))

    def step(current: Any, v: Any) -> Any:
        spikes, state = iaf.iaf_feed_forward_step(
            current, iaf.IAFFeedForwardState(v=v), p=parameters
        )
        return spikes, state.v

    return step


def spikingjelly_step(node: Any) -> Step:
    """The same, of SpikingJelly's: thresholds that differ are taken off the potentials instead."""
    neuron = importlib.import_module("spikingjelly.activation_based.neuron")
    offset = tensor(node.v_threshold) - 1
    neurons = neuron.IFNode(v_threshold=1.0, v_reset=float((tensor(node.v_reset) - offset).min()))

    def step(current: Any, v: Any) -> Any:
        neurons.v = v - offset
        spikes = neurons(current)
        return spikes, neurons.v + offset

    return step


SIMULATORS = {"snntorch": snntorch_step, "norse": norse_step, "spikingjelly": spikingjelly_step}


def tensor(array: Any) -> Any:
    """Return an array in the precision of the simulators."""
    return torch.as_tensor(np.asarray(array), dtype=torch.float32)


def first_spikes(graph: nir.NIRGraph, make: Callable[[Any], Step], times: Any, t_max: int) -> Any:
    """The step of the first spike of every neuron, ``t_max`` for none; and the most spikes of one.

    The graph is the chain that ``to_nir`` writes.
    """
    names = ["input"]
    after = dict(graph.edges)
    while names[-1] in after:
        names.append(after[names[-1]])
    nodes = [graph.nodes[name] for name in names[1:-1]]
    weights = [tensor(node.weight).T.contiguous() for node in nodes[::2]]
    steps = [make(node) for node in nodes[1::2]]
    potentials = [torch.zeros(len(times), w.shape[1]) for w in weights]
    first = [torch.full(v.shape, t_max) for v in potentials]
    counts = [torch.zeros(v.shape) for v in potentials]
    with torch.no_grad():
        for t in range(t_max):
            heard = torch.as_tensor(times == t).float()
            for k, (w, step) in enumerate(zip(weights, steps, strict=True)):
                heard, potentials[k] = step(heard @ w, potentials[k])
                first[k] = torch.where((heard > 0) & (counts[k] == 0), t, first[k])
                counts[k] += heard
    return [f.numpy() for f in first], max(int(c.max()) for c in counts)


def compare(name: str, simulator: str, images: Any, folder: Path) -> dict[str, Any]:
    """Run one network in one simulator, and count the spikes that differ from ours."""
    net = bs.load(ROOT / "results" / "mnist" / name)
    path = folder / "net.nir"
    nir.write(path, bs.to_nir(net))
    times = bs.latency_code(images)
    theirs, most = first_spikes(nir.read(path), SIMULATORS[simulator], times, net.t_max)
    ours = net.spike_times(images)
    shifted = [np.minimum(t + k, net.t_max) for k, t in enumerate(theirs, start=1)]
    different = [int((a != b).sum()) for a, b in zip(shifted, ours, strict=True)]
    return {
        "network": name, "simulator": simulator, "version": version(simulator),
        "images": len(images), "neurons": [t.shape[1] for t in ours], "different": different,
        "most_spikes_of_a_neuron": most,
    }  # fmt: skip


def main() -> int:
    """Compare all networks in all simulators that are installed; at least two must be."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--images", type=int, default=200, help="of MNIST's test set")
    parser.add_argument("--networks", nargs="+", default=NETWORKS, help="in results/mnist")
    parser.add_argument("--simulators", nargs="+", choices=SIMULATORS, default=list(SIMULATORS))
    parser.add_argument("--out", type=Path, help="a JSON file for the counts")
    options = parser.parse_args()
    images = bs.datasets.mnist()[1].images[: options.images]
    rows, missing = [], {}
    with tempfile.TemporaryDirectory() as folder:
        for simulator in options.simulators:
            for name in options.networks:
                try:
                    row = compare(name, simulator, images, Path(folder))
                except ImportError as error:
                    missing[simulator] = str(error)
                    break
                rows.append(row)
                print(
                    f"{simulator:13} {row['version']:7} {name:30} different first spikes: hidden "
                    f"{row['different'][0]}, output {row['different'][-1]}, of "
                    f"{[n * len(images) for n in row['neurons']]}",
                    flush=True,
                )
    for simulator, why in missing.items():
        print(f"{simulator}: cannot be imported: {why}")
    if options.out is not None:
        content = {
            "date": datetime.now(UTC).strftime("%Y-%m-%d"),
            "versions": {"minibs4nn": bs.__version__}
            | {name: version(name) for name in ("nir", "torch", "numpy")},
            "rows": rows,
        }
        options.out.write_text(json.dumps(content, indent=1) + "\n")
    exact = all(not any(row["different"]) for row in rows if row["network"].endswith(".bits"))
    once = all(row["most_spikes_of_a_neuron"] <= 1 for row in rows)
    enough = len({row["simulator"] for row in rows}) >= 2
    return 0 if exact and once and enough else 1


if __name__ == "__main__":
    sys.exit(main())
