"""Chapter 12: which ingredient gave what: ``python -m minibs4nn reproduce --study rule-ablation``.

A study has two ends, ``published`` and ``best``, and names the ingredients in which they differ.
From these follow its variants: each end with every single ingredient taken from the other, and
whatever else the study lists. All are trained alike and judged on the validation set; nobody looks
at the test set.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from minibs4nn._checks import check_finite
from minibs4nn.errors import FileFormatError
from minibs4nn.files import write_json
from minibs4nn.model import BS4NN
from minibs4nn.reproduce import DATASETS, circumstances, settings_in
from minibs4nn.rules import RelativeTarget
from minibs4nn.training import WATCHED, History

__all__ = ["Study", "Variant", "run_study", "studies"]

Settings = dict[str, Any]
OF_THE_RULE = {number.name for number in fields(RelativeTarget)}


@dataclass(frozen=True)
class Variant:
    """One way to train: numbers of a RelativeTarget, and settings of a BS4NN."""

    name: str
    settings: Settings


@dataclass(frozen=True)
class Study:
    """Variants of the papers' rule, to be compared on a validation set.

    Attributes
    ----------
    name : str
        Of the file in ``minibs4nn/studies``.
    dataset : str
    layers : list of int
    epochs, seed : int
    validation : float, 0 to 1
        Share of the training images that are held out.
    published, best : dict
        The two ends: numbers of the rule, and settings of the network. What is not named is as by
        default.
    ingredients : dict of str to list of str
        The names of the settings that belong together, by what to call them.
    extra : dict of str to dict
        More variants: what they change of ``best``.
    images : int or None
        Only the first so many images of the training set; None: all.
    """

    name: str
    dataset: str
    layers: list[int]
    epochs: int
    seed: int
    validation: float
    published: Settings
    best: Settings
    ingredients: dict[str, list[str]]
    extra: dict[str, Settings] = field(default_factory=dict)
    images: int | None = None

    def variants(self) -> Iterator[Variant]:
        """Yield the two ends, then each with one ingredient of the other, then the rest."""
        yield Variant("published", self.published)
        yield Variant("best", self.best)
        for name, keys in self.ingredients.items():
            yield Variant(f"published + {name}", _mixed(self.published, self.best, keys))
        for name, keys in self.ingredients.items():
            yield Variant(f"best - {name}", _mixed(self.best, self.published, keys))
        for name, changes in self.extra.items():
            yield Variant(name, self.best | changes)

    def path(self, results: str | os.PathLike[str]) -> Path:
        """Where the study is recorded."""
        return Path(results) / "studies" / f"{self.name}.json"


def studies() -> dict[str, Study]:
    """Read all studies, by name.

    Returns
    -------
    dict of str to Study

    Examples
    --------
    >>> [variant.name for variant in studies()["rule-ablation"].variants()][:2]
    ['published', 'best']
    """
    return {name: Study(name=name, **settings) for name, settings in settings_in("studies")}


def run_study(
    study: Study, results: str | os.PathLike[str], *, backend: str = "auto", progress: bool = True
) -> dict[str, Any]:
    """Train every variant that is not recorded yet, and write the record after each.

    Parameters
    ----------
    study : Study
    results : str or path-like
        The folder of the records.
    backend : str
    progress : bool

    Returns
    -------
    dict
        What was written to the JSON file: the settings of the study, and under ``"variants"`` the
        settings of each, and what its last epoch and the best one gave on the validation set.

    Raises
    ------
    FileFormatError
        If the file is no record of a study.
    ValueError
        If it is one of other settings: it would be lost.
    OSError
        If the data set or the folder is not to be had.
    """
    path = study.path(results)
    path.parent.mkdir(parents=True, exist_ok=True)  # rather now than after the first training
    common = {
        "name": study.name, "dataset": study.dataset, "layers": list(study.layers),
        "epochs": study.epochs, "seed": study.seed, "validation": study.validation,
        "images": study.images,
    }  # fmt: skip
    done = _recorded(path, common) if path.exists() else []
    found: list[Settings] = []
    for variant in study.variants():
        same = [other for other in done if asdict(variant).items() <= other.items()]
        found.append(
            same[0] if same else asdict(variant) | _train(study, variant, backend, progress)
        )
        # What is recorded of later variants stays, so that a run that is stopped loses nothing.
        later = [other for other in done if other not in found]
        write_json(path, common | {"variants": found + later})
    return common | {"variants": found}


def _recorded(path: Path, common: Settings) -> list[Settings]:
    """The variants in a record, which must be one of these settings."""
    try:
        record = json.loads(path.read_text("utf8"))
        there = {name: record[name] for name in common}
        variants: list[Settings] = record["variants"]
        if not isinstance(variants, list):
            raise TypeError
        for variant in variants:
            _check(variant)
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise FileFormatError(
            f"reproduce: {str(path)!r} is not the record of a study, or is damaged; mend it, or "
            "move it away to run the study again"
        ) from error
    differ = [name for name in common if there[name] != common[name]]
    if differ:
        what = ", ".join(f"{name} {there[name]!r} instead of {common[name]!r}" for name in differ)
        raise ValueError(
            f"reproduce: {str(path)!r} records a study with {what}, and would be lost; give "
            "another folder of results (--results), or move the file away"
        )
    return variants


def _check(variant: Settings) -> None:
    """Refuse what is no record of a variant."""
    if not isinstance(variant["name"], str) or not isinstance(variant["settings"], dict):
        raise TypeError
    if "failed" in variant:
        return
    for which in ("last", "best"):
        for name in WATCHED:
            check_finite(which, name, variant[which][name])


def _train(study: Study, variant: Variant, backend: str, progress: bool) -> dict[str, Any]:
    train, _ = DATASETS[study.dataset]()
    network = {key: x for key, x in variant.settings.items() if key not in OF_THE_RULE}
    net = BS4NN(study.layers, seed=study.seed, backend=backend, **network)
    rule = RelativeTarget(
        **{key: variant.settings[key] for key in variant.settings if key in OF_THE_RULE}
    )
    try:
        net.fit(
            train.images[: study.images], train.labels[: study.images], epochs=study.epochs,
            rule=rule,
            validation=study.validation, progress=progress,
        )  # fmt: skip
    except ArithmeticError as error:  # a scale fell to zero: that, too, is an outcome
        return {"failed": str(error), **circumstances()}
    history = net.history_
    best = int(history["validation_accuracy"].argmax())
    return {
        "last": _epoch(history, len(history) - 1),
        "best": _epoch(history, best),
        "validation_accuracy": history["validation_accuracy"].tolist(),
        "seconds": float(history["seconds"].sum()),
        **circumstances(),
    }


def _epoch(history: History, place: int) -> dict[str, float]:
    """What one epoch gave on the validation set."""
    names = {name: history[place][f"validation_{name}"] for name in WATCHED}
    return {"epoch": place + 1, **names, "training_accuracy": history[place]["accuracy"]}


def _mixed(base: Settings, other: Settings, keys: list[str]) -> Settings:
    """``base``, with the settings of these names as they are in ``other``."""
    kept = {key: value for key, value in base.items() if key not in keys}
    return kept | {key: value for key, value in other.items() if key in keys}
