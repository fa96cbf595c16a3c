"""What gives DecisionPotential its accuracy, and what an early decision costs.

``python tools/decision_study.py ablation`` trains short runs, each without one ingredient of a
claim, or with one that it does without, and judges them on the validation set. ``... curve`` lowers
and raises the output thresholds of the trained networks of a claim; points are chosen on the
validation set, and only these are then judged on the test set. Both write JSON into
``results/studies``.
"""

import argparse
import json
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from minibs4nn import BS4NN, DecisionPotential, Evaluation, load
from minibs4nn._checks import AnyArray, IntArray
from minibs4nn.binary import flips, sign
from minibs4nn.files import write_json
from minibs4nn.kernels.decision import DecisionKernels, Gradients
from minibs4nn.model import SpikingNetwork
from minibs4nn.reproduce import DATASETS, Claim, circumstances, claims
from minibs4nn.training import WATCHED, split

EPOCHS, PLAIN = 10, 2  # of a run of the ablation; at its end come the plain epochs
SEED = 0

# What each variant changes in the rule of the claim. No ingredient: the setting that undoes it.
# "optimiser" is no setting of the rule: see PlainDescent.
MNIST: dict[str, dict[str, Any]] = {
    "all ingredients": {},
    "no warp": {"warp": 0.0},
    "no warp, no shift": {"warp": 0.0, "shift": 0, "plain_epochs": 0},
    "no plain epochs": {"plain_epochs": 0},
    "never read at the end": {"at_end": 0.0},
    "always read at the end": {"at_end": 1.0},
    "output threshold fixed": {"feedback": 0.0},
    "thresholds learn nothing from errors": {"threshold_speed": 0.0},
    "every image teaches": {"skip": 0.0},
    "twice the learning rate": {"learning_rate": 0.0024},
    "half the learning rate": {"learning_rate": 0.0006},
    "learning rate constant": {"schedule": "constant"},
    "plain descent in place of Adam": {"optimiser": "plain", "learning_rate": 1.0},
    "half the temperature": {"temperature": 2.5},
    "twice the temperature": {"temperature": 10.0},
    "surrogate half as wide": {"width": 5},
    "surrogate twice as wide": {"width": 20},
    "every hidden neuron learns": {"width": 2_000},
    "dropout of 5 % of the hidden neurons": {"dropout": 0.05},
    "dropout of 10 % of the inputs": {"input_dropout": 0.1},
    "reward for early decisions": {"early": 0.05},
    "with a push": {"push": 0.6},
}
FASHION: dict[str, dict[str, Any]] = {
    "all ingredients": {},
    "no push": {"push": 0.0},
    "no mirror": {"mirror": False, "plain_epochs": 0},
}
VARIANTS = {"mnist": MNIST, "fashion-mnist": FASHION}

NEVER = 10_000  # no sum of signs comes near: an output threshold raised so far silences everybody

# A point of the curve: the best validation accuracy with silence and time within limits.
LIMITS = {
    "silent on at most 4.5 %": (0.045, 256.0),
    "silent on at most 1.8 %, decided in under 40 steps": (0.018, 39.5),
    "decided in under 30 steps": (1.0, 29.5),
    "decided in under 20 steps": (1.0, 19.5),
}


class PlainDescent(DecisionPotential):
    """The same rule without Adam: every weight moves by its mean slope times the learning rate."""

    def _step(
        self, net: SpikingNetwork, kernels: DecisionKernels, found: Gradients, n: int,
        progress: float,
    ) -> IntArray:  # fmt: skip
        return super()._step(net, Descent(kernels), found, n, progress)


class Descent:
    """Kernels of a backend, but for Adam."""

    def __init__(self, kernels: DecisionKernels) -> None:
        self.gradients = kernels.gradients

    def adam(
        self, weights: AnyArray, signs: AnyArray | None, _first: AnyArray, _second: AnyArray,
        gradient: AnyArray, *, unit: float, rate: float,
    ) -> int:  # fmt: skip
        """One step along the slope, in place; return how many signs flipped."""
        weights -= (rate * unit * gradient).astype(weights.dtype)
        if signs is None:
            return 0
        np.clip(weights, -1, 1, out=weights)
        new = sign(weights)
        flipped = flips(signs, new)
        signs[:] = new
        return flipped


def rule_with(settings: dict[str, Any]) -> DecisionPotential:
    """The rule of a variant."""
    kind = PlainDescent if settings.get("optimiser") == "plain" else DecisionPotential
    return kind(**{f.name: settings[f.name] for f in fields(kind) if f.name in settings})


def ablation(claim: Claim, results: Path) -> None:
    """Train every variant that is not recorded yet, and write the record after each."""
    path = _path(claim, results, "ablation")
    common = {
        "claim": claim.name, "dataset": claim.dataset, "layers": claim.layers, "epochs": EPOCHS,
        "seed": SEED, "validation": claim.validation,
    }  # fmt: skip
    old = json.loads(path.read_text()) if path.exists() else {}
    done = (
        {other["name"]: other for other in old["variants"]} if old.items() >= common.items() else {}
    )
    found = []
    train, _ = DATASETS[claim.dataset]()
    for name, changes in VARIANTS[claim.dataset].items():
        rule = claim.rule | {"plain_epochs": PLAIN} | changes
        if name not in done or done[name]["rule"] != rule:
            net = BS4NN(claim.layers, seed=SEED)
            net.fit(
                train.images, train.labels, epochs=EPOCHS, rule=rule_with(rule),
                validation=claim.validation, progress=False,
            )  # fmt: skip
            last = net.history_[-1]
            done[name] = {
                "name": name, "changes": changes, "rule": rule,
                "training_accuracy": last["accuracy"],
                **{f"validation_{key}": last[f"validation_{key}"] for key in WATCHED},
                "seconds_per_epoch": float(np.median(net.history_["seconds"])),
                **circumstances(),
            }  # fmt: skip
        found.append(done[name])
        write_json(path, common | {"variants": found})
        print(_line(name, found[-1]["validation_accuracy"], found[-1]["validation_silent"],
                    found[-1]["validation_decision_time"]), flush=True)  # fmt: skip


def curve(claim: Claim, results: Path) -> None:
    """Move all output thresholds of each recorded network up and down by the same steps."""
    train, test = DATASETS[claim.dataset]()
    networks = []
    for seed in claim.seeds:
        file = claim.path(results, seed, ".bits")
        net = load(file).unpack()
        learned, held_out = split(len(train.labels), claim.validation, seed)
        images, labels = train.images[held_out], train.labels[held_out]
        found = {step: _moved(net, step).evaluate(images, labels) for step in range(-20, 16)}
        chosen = {}
        for name, (silent, time) in LIMITS.items():
            allowed = {
                step: point
                for step, point in found.items()
                if point.silent <= silent and point.decision_time <= time
            }
            if allowed:
                step = max(allowed, key=lambda step: allowed[step].accuracy)
                point = _moved(net, step).evaluate(test.images, test.labels)
                chosen[name] = {"step": step, **_facts(point)}
                print(_line(name, point.accuracy, point.silent, point.decision_time), flush=True)
        waiting = _moved(net, NEVER).evaluate(images, labels)
        networks.append({
            "file": file.name, "seed": seed,
            "training": _facts(net.evaluate(train.images[learned], train.labels[learned])),
            "validation": [{"step": step, **_facts(point)} for step, point in found.items()],
            "validation_at_the_end": _facts(waiting), "test": chosen,
        })  # fmt: skip
    record = {
        "claim": claim.name, "dataset": claim.dataset, "networks": networks, **circumstances()
    }  # fmt: skip
    write_json(_path(claim, results, "curve"), record)


def _path(claim: Claim, results: Path, study: str) -> Path:
    suffix = "" if claim.dataset == "mnist" else f"-{claim.dataset}"
    return results / "studies" / f"decision-{study}{suffix}.json"


def _moved(net: BS4NN, step: int) -> BS4NN:
    """The same network with its output thresholds moved."""
    hidden, output = net.thresholds_
    thresholds = [hidden, np.maximum(output + step, 0)]
    return BS4NN.from_weights(net.weights_, scale=net.scale_, threshold=thresholds, t_max=net.t_max)


def _facts(point: Evaluation) -> dict[str, float]:
    names = ("accuracy", "published_accuracy", "tied", "silent", "decision_time", "spikes")
    return {name: getattr(point, name) for name in names}


def _line(name: str, accuracy: float, silent: float, time: float) -> str:
    return f"{accuracy:7.2%}  silent {silent:6.2%}  {time:5.1f} steps  {name}"


STUDIES: dict[str, Callable[[Claim, Path], None]] = {"ablation": ablation, "curve": curve}


def main() -> None:
    """Run one study."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("study", choices=STUDIES)
    parser.add_argument("--claim", default="decision-mnist")
    parser.add_argument("--results", type=Path, default=Path("results"))
    options = parser.parse_args()
    STUDIES[options.study](claims()[options.claim], options.results)


if __name__ == "__main__":
    main()
