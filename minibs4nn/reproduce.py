"""Chapters 12 and 13: claims, run again: ``python -m minibs4nn reproduce``.

Each claim, of the papers or our own, is one small file in ``minibs4nn/claims``. Each run trains on
the training set less a validation set, looks at the validation set after every epoch, and at the
test set once, at the end: with the network of the last epoch, and with the one that was best on the
validation set. What was found goes into ``results/<dataset>/<claim>-seed<k>.json``, and the network
beside it: one-bit weights as ``.bits``, real ones as ``.npz``, these of the first seed only.
"""

import datetime
import importlib.metadata
import json
import os
import platform
import sys
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

import minibs4nn
from minibs4nn import datasets
from minibs4nn._checks import check_finite
from minibs4nn.baselines import BNN
from minibs4nn.datasets import Dataset
from minibs4nn.errors import FileFormatError
from minibs4nn.files import write_json
from minibs4nn.model import BS4NN, S4NN
from minibs4nn.network import Network
from minibs4nn.packed import PackedBS4NN
from minibs4nn.storage import load, rule_of
from minibs4nn.training import Callback, History, LearningRule, Record, checkpoint

__all__ = [
    "DATASETS",
    "Claim",
    "circumstances",
    "claims",
    "recorded",
    "run",
    "settings_in",
    "summary",
]

DATASETS: dict[str, Callable[[], tuple[Dataset, Dataset]]] = {
    "mnist": datasets.mnist,
    "fashion-mnist": datasets.fashion_mnist,
    "caltech-face-motorbike": datasets.caltech_face_motorbike,
}
MODELS: dict[str, type[Network]] = {"BNN": BNN, "BS4NN": BS4NN, "S4NN": S4NN}


@dataclass(frozen=True)
class Claim:
    """One claim, and the settings to test it with.

    Attributes
    ----------
    name : str
        Of the file in ``minibs4nn/claims``.
    claim, source : str
        In words, and where it stands.
    model, dataset : str
    layers, seeds : lists of int
    epochs : int
    validation : float, 0 to 1
        Share of the training images that are held out.
    rule : dict
        Name and numbers of the learning rule.
    settings : dict
        Of the network, other than layers and seed.
    claimed : float, 0 to 1, or None
        None where nobody has published a figure.
    silent_at_most : float, 0 to 1
        Epochs after which more validation images than this are silent are not chosen, as long as
        there are others.
    """

    name: str
    claim: str
    source: str
    model: str
    dataset: str
    layers: list[int]
    epochs: int
    seeds: list[int]
    validation: float
    rule: dict[str, Any]
    settings: dict[str, Any] = field(default_factory=dict)
    claimed: float | None = None
    silent_at_most: float = 1.0

    def path(self, results: str | os.PathLike[str], seed: int, suffix: str) -> Path:
        """Where a run of this claim is recorded."""
        return Path(results) / self.dataset / f"{self.name}-seed{seed}{suffix}"


def claims() -> dict[str, Claim]:
    """Read all claims, by name.

    Returns
    -------
    dict of str to Claim

    Examples
    --------
    >>> claims()["bs4nn-mnist"].claimed
    0.97
    """
    return {name: Claim(name=name, **settings) for name, settings in settings_in("claims")}


def settings_in(folder: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Read the TOML files of a folder of the package, by name."""
    for file in sorted((files("minibs4nn") / folder).iterdir(), key=lambda file: file.name):
        yield file.name.removesuffix(".toml"), tomllib.loads(file.read_text())


def run(
    claim: Claim, seed: int, results: str | os.PathLike[str], *, backend: str, progress: bool
) -> dict[str, Any]:
    """Train once for a claim, judge the network, write the record; go on where a run was stopped.

    Parameters
    ----------
    claim : Claim
    seed : int
    results : str or path-like
        The folder of the records.
    backend : str
    progress : bool

    Returns
    -------
    dict
        What was written to the JSON file.

    Raises
    ------
    OSError
        If the data set or the folder is not to be had.
    """
    train, test = DATASETS[claim.dataset]()
    last, best = (claim.path(results, seed, suffix) for suffix in (".part.npz", ".best.npz"))
    last.parent.mkdir(parents=True, exist_ok=True)
    net = load(last, backend=backend) if last.exists() else _new(claim, seed, backend)
    rule: LearningRule | None = rule_of(claim.rule)
    net.fit(
        train.images, train.labels, epochs=claim.epochs, rule=rule, validation=claim.validation,
        callbacks=[_keep_best(best, claim), checkpoint(last, every=5)], progress=progress,
    )  # fmt: skip

    columns = net.history_.keys()
    epoch = _best_epoch(net.history_, claim)
    chosen = _deployable(load(best, backend=backend))
    small = claim.model != "S4NN"  # megabytes of real weights are kept once
    keep = small or seed == claim.seeds[0]
    model = claim.path(results, seed, ".bits" if claim.model == "BS4NN" else ".npz")
    if keep:
        chosen.save(model)
    record = {
        "name": claim.name, "claim": claim.claim, "claimed": claim.claimed, "source": claim.source,
        "model": claim.model, "dataset": claim.dataset, "layers": claim.layers, "seed": seed,
        "rule": claim.rule, "settings": claim.settings, "epochs": claim.epochs,
        "validation": claim.validation, "silent_at_most": claim.silent_at_most,
        "file": model.name if keep else None,
        "last": net.evaluate(test.images, test.labels).as_dict(),
        "best": {
            "epoch": epoch,
            "validation_accuracy": net.history_[epoch - 1]["validation_accuracy"],
            **chosen.evaluate(test.images, test.labels).as_dict(),
        },
        "history": {name: net.history_[name].tolist() for name in columns},
        "seconds": float(net.history_["seconds"].sum()),
        **circumstances(),
    }  # fmt: skip
    write_json(claim.path(results, seed, ".json"), record)
    for temporary in (last, best):
        temporary.unlink(missing_ok=True)
    return record


def recorded(claim: Claim, results: str | os.PathLike[str]) -> Iterator[dict[str, Any]]:
    """Read the records of a claim, one per seed that has been run.

    Raises
    ------
    FileFormatError
        If a file is no record of this claim.
    OSError
        If it cannot be opened.
    """
    for seed in claim.seeds:
        path = claim.path(results, seed, ".json")
        if path.exists():
            try:
                record = json.loads(path.read_text("utf8"))
                for which in ("last", "best"):
                    for name in ("accuracy", "published_accuracy"):
                        check_finite(which, name, record[which][name])
            except (ValueError, TypeError, KeyError, RecursionError) as error:
                raise FileFormatError(
                    f"reproduce: {str(path)!r} is not the record of a run, or is damaged; remove "
                    "it to run this seed again"
                ) from error
            yield record


def summary(claim: Claim, records: list[dict[str, Any]]) -> str:
    """Say in a few lines what is claimed, what was found, and how the two compare.

    Parameters
    ----------
    claim : Claim
    records : list of dict
        As :func:`recorded` gives them.

    Returns
    -------
    str
        The mean over the seeds and, in brackets, the lowest and the highest, on the test set.
    """
    lines = [f"{claim.name}: {claim.claim} ({claim.source})"]
    for which, title in (("last", "last epoch"), ("best", "best on validation")):
        if records:
            strict, published = (
                _spread([record[which][name] for record in records])
                for name in ("accuracy", "published_accuracy")
            )
            lines.append(f"{title}: strict {strict}, published counter {published}")
    lines.append(_state(claim, records))
    return "\n    ".join(lines)


def _spread(shares: list[float]) -> str:
    """The mean, and from where to where, in percent."""
    percent = [100 * share for share in shares]
    return f"{np.mean(percent):.2f} % [{min(percent):.2f} to {max(percent):.2f}]"


def _state(claim: Claim, records: list[dict[str, Any]]) -> str:
    """Where the runs of a claim stand. Judged are the means over all seeds, best on validation."""
    if not records:
        return "not run yet"
    done = f"{len(records)} of {len(claim.seeds)} seeds"
    if claim.claimed is None:
        return f"{done}; ours, nothing was claimed"
    strict, published = (
        np.mean([record["best"][name] for record in records])
        for name in ("accuracy", "published_accuracy")
    )
    verdict = "not reached"
    if strict >= claim.claimed:
        verdict = "reached"
    elif published >= claim.claimed:
        verdict = "reached by the published counter only"
    return f"{done}; claimed {claim.claimed:.1%}: {verdict}"


def _new(claim: Claim, seed: int, backend: str) -> Network:
    """A fresh network with the settings of the claim."""
    spiking = {} if claim.model == "BNN" else {"backend": backend}
    return MODELS[claim.model](claim.layers, seed=seed, **spiking, **claim.settings)


def _best_epoch(history: History, claim: Claim) -> int:
    """The epoch, from 1, that the validation set chooses; the first of several as good."""
    accuracies = history["validation_accuracy"]
    allowed = history["validation_silent"] <= claim.silent_at_most
    return int(np.where(allowed | ~allowed.any(), accuracies, -1).argmax()) + 1


def _keep_best(path: Path, claim: Claim) -> Callback:
    """Save the network whenever the validation set chooses it over all before."""

    def save(net: Network, record: Record) -> None:
        if _best_epoch(net.history_, claim) == record["epoch"]:
            net.save(path)

    return save


def _deployable(net: Network) -> Network | PackedBS4NN:
    """The network as it is used, without what only training needs: bits, or single precision."""
    if isinstance(net, BS4NN):
        return net.pack()
    if isinstance(net, S4NN):
        single = [w.astype(np.float32) for w in net.weights_]
        slim: Network = S4NN.from_weights(single, threshold=net.thresholds_, t_max=net.t_max)
    else:
        assert isinstance(net, BNN)
        slim = BNN(net.layers, seed=net.seed)
        slim.latent = [w.astype(np.float32) for w in net.weights_]
    return slim


def circumstances() -> dict[str, Any]:
    """When, and with what, a run was made, and the most memory that it took."""
    return {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "versions": {
            "minibs4nn": minibs4nn.__version__,
            "python": platform.python_version(),
            "numpy": np.__version__,
            "numba": _version("numba"),
        },
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, {platform.system()}",
        "peak_memory_mb": _peak_memory_mb(),
    }


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _peak_memory_mb() -> float | None:
    """Megabytes that this process has taken at most so far; None where Python cannot tell."""
    if sys.platform == "win32":
        return None
    import resource

    unit = 1 if sys.platform == "darwin" else 1024  # bytes there, kilobytes elsewhere
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6, 1)
