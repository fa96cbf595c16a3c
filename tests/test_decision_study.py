"""The study of DecisionPotential, on a data set that a test can afford."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import decision_study as study
import numpy as np
import pytest

from minibs4nn import BS4NN, DecisionPotential, datasets
from minibs4nn.kernels.decision import get_decision_kernels
from minibs4nn.reproduce import Claim
from minibs4nn.training import split

RULE = {
    "name": "DecisionPotential", "hidden_threshold": 3.0, "output_threshold": 5.0, "shift": 1,
    "warp": 0.5, "plain_epochs": 1,
}  # fmt: skip
CLAIM = Claim(
    name="small", claim="", source="", model="BS4NN", dataset="bars", layers=[64, 20, 16],
    epochs=1, seeds=[0], validation=0.25, rule=RULE,
)  # fmt: skip


@pytest.fixture(autouse=True)
def bars(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(study, "DATASETS", {"bars": lambda: datasets.bars(n=200, seed=0)})
    monkeypatch.setattr(study, "EPOCHS", 1)


def read(folder: Path, name: str) -> Any:
    return json.loads((folder / "studies" / f"decision-{name}-bars.json").read_text())


def test_every_variant_undoes_something_that_the_rule_knows() -> None:
    names = {field.name for field in dataclasses.fields(DecisionPotential)}
    for variants in study.VARIANTS.values():
        for changes in variants.values():
            assert set(changes) - {"optimiser"} <= names
            study.rule_with(changes)
        assert list(variants.values()).count({}) == 1


def test_an_ablation_records_every_variant_and_repeats_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    variants = {"bars": {"all": {}, "no warp": {"warp": 0.0}}}
    monkeypatch.setattr(study, "VARIANTS", variants)
    study.ablation(CLAIM, tmp_path)
    record = read(tmp_path, "ablation")
    assert [variant["name"] for variant in record["variants"]] == ["all", "no warp"]
    assert [variant["rule"]["warp"] for variant in record["variants"]] == [0.5, 0.0]
    assert "no warp" in capsys.readouterr().out

    monkeypatch.setattr(BS4NN, "fit", lambda *_, **__: pytest.fail("trained again"))
    study.ablation(CLAIM, tmp_path)
    assert read(tmp_path, "ablation") == record


def test_plain_descent_moves_every_weight_along_its_slope() -> None:
    rule = study.rule_with(RULE | {"optimiser": "plain", "learning_rate": 0.5})
    assert isinstance(rule, study.PlainDescent)
    assert (rule.learning_rate, rule.warp) == (0.5, 0.5)
    train, _ = datasets.bars(n=200, seed=0)
    net = BS4NN((64, 20, 16), seed=0)
    net.fit(train.images, train.labels, epochs=1, rule=rule, progress=False)
    assert net.history_[-1]["flips"]
    assert not any(array.any() for name, array in net.rule_state_.items() if name != "step")

    weights, signs = np.array([0.4, -0.1, 0.9]), np.array([1, -1, 1], np.int8)
    slopes = np.array([2, -1, -1])
    descent = study.Descent(get_decision_kernels("numpy"))
    flipped = descent.adam(weights, signs, weights, weights, slopes, unit=0.5, rate=0.5)
    np.testing.assert_allclose(weights, [-0.1, 0.15, 1])
    assert signs.tolist() == [-1, 1, 1]
    assert flipped == 2


def test_a_curve_chooses_on_validation_and_tests_only_what_was_chosen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train, test = datasets.bars(n=200, seed=0)
    rule = DecisionPotential(**{key: RULE[key] for key in RULE if key != "name"})  # type: ignore[arg-type]
    net = BS4NN(CLAIM.layers, seed=0)
    net.fit(train.images, train.labels, epochs=3, rule=rule, progress=False)
    CLAIM.path(tmp_path, 0, ".bits").parent.mkdir()
    net.pack().save(CLAIM.path(tmp_path, 0, ".bits"))
    monkeypatch.setattr(study, "LIMITS", {"any": (1.0, 256.0), "impossible": (-1.0, 0.0)})
    study.curve(CLAIM, tmp_path)

    (record,) = read(tmp_path, "curve")["networks"]
    points = {point["step"]: point for point in record["validation"]}
    assert list(points) == list(range(-20, 16))
    assert points[-20]["decision_time"] < points[15]["decision_time"]
    assert points[-20]["silent"] < points[15]["silent"]
    assert list(record["test"]) == ["any"]
    assert record["validation_at_the_end"]["silent"] == 1
    learned, _ = split(len(train.labels), 0.25, 0)
    seen = net.evaluate(train.images[learned], train.labels[learned])
    assert record["training"]["accuracy"] == seen.accuracy
    step = record["test"]["any"]["step"]
    assert points[step]["accuracy"] == max(point["accuracy"] for point in points.values())

    _, held_out = split(len(train.labels), 0.25, 0)
    as_trained = net.evaluate(train.images[held_out], train.labels[held_out])
    assert points[0]["accuracy"] == as_trained.accuracy
    assert points[0]["decision_time"] == as_trained.decision_time
    output = np.maximum(np.floor(net.thresholds_[1]) + step, 0)
    moved = BS4NN.from_weights(
        net.weights_, scale=1.0, threshold=[np.floor(net.thresholds_[0]), output]
    )
    assert record["test"]["any"]["accuracy"] == moved.evaluate(test.images, test.labels).accuracy
