"""One network in four programs: seconds per epoch, and accuracy after equal processor time.

784-600-10 on MNIST, each pixel one spike by the latency code, neurons that do not leak, one thread.
First the speed of everyone is measured, a minute in all, for an idle machine. Then each trains on
as many images as it would learn from in half a minute, and is judged once, on test images.

- *Ours*: integer spike times, one spike per neuron, an image decided by its first output spike; the
  papers' rule and our own, whole epochs, images as they are.
- *snnTorch, Norse, SpikingJelly*: surrogate gradients through time in PyTorch, real weights without
  biases, Adam, batches of 100, each with its own integrate-and-fire neuron as it comes: its
  surrogate, its reset; a neuron fires as often as it likes. The counts of the output spikes go to a
  softmax, and the most spikes decide. Each layer goes through all steps before the next, with one
  matrix product, the fastest form here. They run with as many steps as ours, and with 32, as their
  users might.

Their learning rates, and the factors by which their first weights are larger than PyTorch's, were
chosen with ``--validate``, on training images that were held out, with 32 steps.

    _build/interop/bin/python benchmarks/simulators.py   # in the environment of `make interop`
"""

import argparse
import importlib
import time
from collections.abc import Callable, Iterator
from functools import partial
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from typing import Any

import numba
import numpy as np
import torch
from report import write

import minibs4nn as bs

LAYERS = (784, 600, 10)
T_MAX = 256
BATCH = 100
MEASURED = 300  # images, for the speed of theirs; ours is that of a whole first epoch
Step = Callable[[Any, Any], Any]  # current, state or None at first -> spikes, state
Predict = Callable[[Any], Any]  # images -> classes
Learn = Callable[[bs.datasets.Dataset, int], tuple[Predict, int, float]]


def snntorch_neurons() -> Step:
    """Integrate-and-fire neurons of snnTorch: leaky ones with beta = 1."""
    neurons = importlib.import_module("snntorch").Leaky(beta=1.0)
    return lambda current, v: neurons(current, torch.zeros_like(current) if v is None else v)


def norse_neurons() -> Step:
    """Norse's."""
    step: Step = importlib.import_module("norse.torch.module.iaf").IAFCell()
    return step


def spikingjelly_neurons() -> Step:
    """SpikingJelly's; they keep their potential themselves."""
    neurons = importlib.import_module("spikingjelly.activation_based.neuron").IFNode()
    return lambda current, _: (neurons(current), None)


# How a layer of neurons is made, the learning rate, the factor of the first weights.
SIMULATORS: dict[str, tuple[Callable[[], Step], float, float]] = {
    "snntorch": (snntorch_neurons, 3e-3, 3.0),
    "norse": (norse_neurons, 1e-2, 3.0),
    "spikingjelly": (spikingjelly_neurons, 3e-3, 3.0),
}
OURS: dict[str, tuple[Any, Any]] = {
    "BS4NN, papers' rule": (bs.BS4NN, bs.BS4NN_PUBLISHED),
    "S4NN, papers' rule": (bs.S4NN, bs.S4NN_PUBLISHED),
    "BS4NN, our rule": (bs.BS4NN, bs.DecisionPotential()),
}


def output_spikes(weights: list[Any], make: Callable[[], Step], times: Any, steps: int) -> Any:
    """How often each output neuron fires, from spike times (images, pixels)."""
    at = torch.arange(steps, dtype=torch.int16)[:, None, None]
    spikes = (torch.as_tensor(times) == at).float()
    for w in weights:
        step, state, fired = make(), None, []
        for current in spikes @ w.T:  # to iterate is quicker to learn through than to index
            z, state = step(current, state)
            fired.append(z)
        spikes = torch.stack(fired)
    return spikes.sum(0)


def batches(n: int) -> list[Any]:
    """Indices of ``n`` images in batches."""
    return np.split(np.arange(n), range(BATCH, n, BATCH))


def learn_theirs(
    name: str, steps: int, settings: tuple[float, float], train: bs.datasets.Dataset, images: int
) -> tuple[Predict, int, float]:
    """Train in one simulator on so many images, epoch after epoch in an order drawn anew."""
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    learning_rate, factor = settings
    linear = [torch.nn.Linear(n_in, n_out, bias=False) for n_in, n_out in pairwise(LAYERS)]
    weights = [(factor * part.weight.detach()).requires_grad_() for part in linear]
    optimizer = torch.optim.Adam(weights, lr=learning_rate)
    make = SIMULATORS[name][0]
    start = time.process_time()
    times, labels = bs.latency_code(train.images, t_max=steps), torch.as_tensor(train.labels)
    epochs = -(-images // len(times))
    order = np.concatenate([rng.permutation(len(times)) for _ in range(epochs)])[:images]
    for batch in batches(images):
        optimizer.zero_grad()
        found = output_spikes(weights, make, times[order[batch]], steps)
        torch.nn.functional.cross_entropy(found, labels[order[batch]]).backward()
        optimizer.step()
    seconds = time.process_time() - start

    def predict(images: Any) -> Any:
        with torch.no_grad():
            times = bs.latency_code(images, t_max=steps)
            parts = [output_spikes(weights, make, times[b], steps) for b in batches(len(times))]
            return torch.cat(parts).argmax(1).numpy()

    return predict, images, seconds


def learn_ours(name: str, train: bs.datasets.Dataset, images: int) -> tuple[Predict, int, float]:
    """Train here, for as many whole epochs as that is, at least one."""
    model, rule = OURS[name]
    epochs = max(1, images // len(train.labels))
    net, start = model(LAYERS, seed=0, t_max=T_MAX, backend="numba"), time.process_time()
    net.fit(train.images, train.labels, epochs=epochs, rule=rule, progress=False)
    return net.predict, epochs * len(train.labels), time.process_time() - start


def competitors(options: argparse.Namespace) -> Iterator[tuple[dict[str, Any], Learn]]:
    """Who takes part: what is to be said of it, and how it learns."""
    for name in options.ours:
        said = {"program": "minibs4nn", "version": bs.__version__, "network": name}
        yield said | {"steps": T_MAX}, partial(learn_ours, name)
    for steps in options.steps:
        for name in options.simulators:
            _, rate, factor = SIMULATORS[name]
            settings = options.learning_rate or rate, options.factor or factor
            said = {"program": name, "version": version(name), "network": "real weights"}
            chosen = {"steps": steps, "learning_rate": settings[0], "factor": settings[1]}
            yield said | chosen, partial(learn_theirs, name, steps, settings)


def main() -> None:
    """Measure every speed; then train for as many images as the time would hold, and judge."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=float, default=30, help="of the processor, each")
    parser.add_argument("--steps", type=int, nargs="*", default=[T_MAX, 32], help="theirs")
    parser.add_argument("--ours", nargs="*", choices=OURS, default=list(OURS))
    parser.add_argument("--simulators", nargs="*", choices=SIMULATORS, default=list(SIMULATORS))
    parser.add_argument("--test-images", type=int, default=2_000, help="the first of the test set")
    parser.add_argument("--validate", action="store_true", help="on the last of the training set")
    parser.add_argument("--learning-rate", type=float, help="theirs, instead of what was chosen")
    parser.add_argument("--factor", type=float, help="of their first weights, likewise")
    parser.add_argument("--out", type=Path, help="a JSON file for the numbers")
    options = parser.parse_args()
    numba.set_num_threads(1)
    torch.set_num_threads(1)
    train, test = bs.datasets.mnist()
    if options.validate:
        train, test = train[:-5_000], train[-5_000:]
    test = test[: options.test_images]

    rows = []
    for row, learn in competitors(options):
        learn(train[:BATCH], BATCH)  # compiles, and warms up
        few = train if row["program"] == "minibs4nn" else train[:MEASURED]
        _, images, seconds = learn(few, len(few.labels))
        row["seconds_per_epoch"] = 60_000 * seconds / images
        rows.append((row, learn))
        print(f"{row['seconds_per_epoch']:8.1f} s per epoch: {said(row)}", flush=True)
    print(f"\nafter {options.seconds:g} s of the processor at this speed:")
    for row, learn in rows:
        images = round(options.seconds / row["seconds_per_epoch"] * 60_000)
        predict, row["images"], _ = learn(train, images)
        row["accuracy"] = float((predict(test.images) == test.labels).mean())
        print(f"{row['accuracy']:8.2%}, {row['images']:9,} images: {said(row)}", flush=True)
    settings = vars(options) | {"torch": version("torch"), "layers": LAYERS, "batch": BATCH}
    write(options.out, settings, [row for row, _ in rows])


def said(row: dict[str, Any]) -> str:
    """A competitor in words."""
    return f"{row['program']}, {row['network']}, {row['steps']} steps"


if __name__ == "__main__":
    main()
