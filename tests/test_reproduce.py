"""The claims can be read, and a run records what the saved network really does."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import minibs4nn as bs
from minibs4nn import cli, reproduce
from minibs4nn.cli import main
from minibs4nn.datasets import Dataset
from minibs4nn.reproduce import Claim, claims, recorded, run, summary
from minibs4nn.storage import rule_of

RESULTS = Path(__file__).parent.parent / "results"


def bars() -> tuple[Dataset, Dataset]:
    return bs.datasets.bars(n=300, seed=0)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Claim]:
    """A claim on the bars, for each kind of network."""
    monkeypatch.setitem(reproduce.DATASETS, "bars", bars)
    train, _ = bars()
    layers = [train.images[0].size, 20, int(train.labels.max()) + 1]

    def make(model: str) -> Claim:
        base = claims()[f"{model.lower()}-mnist"]
        settings = {} if model == "BNN" else {"threshold": 20.0}
        return replace(
            base, name=f"{model}-bars", dataset="bars", layers=layers, epochs=6, settings=settings
        )

    return make


def test_the_published_claims_have_the_published_settings() -> None:
    known = claims()
    assert rule_of(known["s4nn-mnist"].rule) == bs.S4NN_PUBLISHED
    assert rule_of(known["bs4nn-mnist"].rule) == bs.BS4NN_PUBLISHED
    assert rule_of(known["bnn-mnist"].rule) == bs.StraightThrough()
    assert {claim.validation for claim in known.values()} == {0.1}  # never the test set
    assert all(len(claim.seeds) >= 3 for claim in known.values())


@pytest.mark.parametrize("model", ["BNN", "BS4NN", "S4NN"])
def test_a_run_records_what_its_network_does(
    small: Callable[[str], Claim], model: str, tmp_path: Path
) -> None:
    claim = small(model)
    record = run(claim, 0, tmp_path, backend="auto", progress=False)
    assert list(recorded(claim, tmp_path)) == [record]
    _, test = bars()
    net = bs.load(tmp_path / "bars" / record["file"])
    again = net.evaluate(test.images, test.labels).as_dict()
    assert {name: record["best"][name] for name in again} == again
    watched = record["history"]["validation_accuracy"]
    assert record["best"]["validation_accuracy"] == max(watched)
    assert watched[record["best"]["epoch"] - 1] == max(watched)
    assert record["file"].endswith(".bits" if model == "BS4NN" else ".npz")
    assert record["seconds"] == sum(record["history"]["seconds"])
    assert 50 < record["peak_memory_mb"] < 10_000
    names = {path.name for path in (tmp_path / "bars").iterdir()}
    assert names == {f"{claim.name}-seed0.json", record["file"]}  # the checkpoints are gone


def test_the_folder_may_be_a_text(small: Callable[[str], Claim], tmp_path: Path) -> None:
    claim = replace(small("BNN"), epochs=1)
    record = run(claim, 0, str(tmp_path), backend="auto", progress=False)
    assert list(recorded(claim, str(tmp_path))) == [record]


def test_real_weights_are_kept_of_the_first_seed_only(
    small: Callable[[str], Claim], tmp_path: Path
) -> None:
    claim = replace(small("S4NN"), epochs=1)
    record = run(claim, 1, tmp_path, backend="auto", progress=False)
    assert record["file"] is None
    assert [path.name for path in (tmp_path / "bars").iterdir()] == ["S4NN-bars-seed1.json"]


def test_a_run_that_was_stopped_ends_with_the_same_record(
    small: Callable[[str], Claim], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim = small("BS4NN")
    whole = run(claim, 0, tmp_path / "whole", backend="auto", progress=False)
    stop_after = 5
    keep_best = reproduce._keep_best

    def interrupting(path: Path, claim: Claim) -> Callable[[object, dict[str, int]], object]:
        keep = keep_best(path, claim)

        def callback(net: object, record: dict[str, int]) -> None:
            keep(net, record)  # type: ignore[arg-type]
            if record["epoch"] > stop_after:
                raise KeyboardInterrupt

        return callback

    monkeypatch.setattr(reproduce, "_keep_best", interrupting)
    with pytest.raises(KeyboardInterrupt):
        run(claim, 0, tmp_path / "parts", backend="auto", progress=False)
    monkeypatch.setattr(reproduce, "_keep_best", keep_best)
    parts = run(claim, 0, tmp_path / "parts", backend="auto", progress=False)
    for record in (whole, parts):
        del record["history"]["seconds"], record["seconds"], record["peak_memory_mb"]
    assert parts == whole


def test_list_and_unknown_claims(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["reproduce", "--list", "--results", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert out.count("not run yet") == len(claims())
    assert main(["reproduce", "nonsense"]) == 1
    assert "no claim 'nonsense'; there are" in capsys.readouterr().err


def test_a_recorded_seed_is_not_run_again_even_if_the_claim_does_not_ask_for_it(
    small: Callable[[str], Claim],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    claim = small("BNN")
    monkeypatch.setattr(cli, "claims", lambda: {claim.name: claim})
    command = ["reproduce", claim.name, "--seed", "77", "--results", str(tmp_path), "--quiet"]
    assert main(command) == 0
    assert "seed 77, last epoch" in capsys.readouterr().out
    assert main(command) == 0
    assert capsys.readouterr().out == (
        f"{claim.name}, seed 77: recorded already\n"
        "nothing was left to train; to run it again, give a new folder: --results FOLDER\n"
    )


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"last": {"accuracy": "a"}}', "[" * 99_999])
def test_a_damaged_record_is_named(
    content: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = claims()["bnn-mnist"].path(tmp_path, 0, ".json")
    path.parent.mkdir()
    path.write_text(content)
    assert main(["reproduce", "--list", "--results", str(tmp_path)]) == 1
    error = capsys.readouterr().err
    assert f"{str(path)!r} is not the record of a run, or is damaged; remove it" in error


def test_list_says_where_each_claim_stands() -> None:
    claim = replace(claims()["bs4nn-mnist"], claimed=0.97)

    def record(seed: int, strict: float, published: float) -> dict[str, Any]:
        found = {"accuracy": strict, "published_accuracy": published}
        return {"seed": seed, "last": found, "best": found}

    low, high = record(0, 0.95, 0.96), record(1, 0.98, 0.99)
    assert summary(claim, [low]).splitlines()[1:] == [
        "    last epoch: strict 95.00 % [95.00 to 95.00], "
        "published counter 96.00 % [96.00 to 96.00]",
        "    best on validation: strict 95.00 % [95.00 to 95.00], "
        "published counter 96.00 % [96.00 to 96.00]",
        "    1 of 3 seeds; claimed 97.0%: not reached",
    ]
    both = summary(claim, [low, high])
    assert "strict 96.50 % [95.00 to 98.00]" in both
    assert both.endswith("2 of 3 seeds; claimed 97.0%: reached by the published counter only")
    assert summary(claim, [high]).endswith("1 of 3 seeds; claimed 97.0%: reached")
    ours = replace(claim, claimed=None)
    assert summary(ours, [high]).endswith("1 of 3 seeds; ours, nothing was claimed")


def kept() -> list[Path]:
    """The records beside which a network is kept."""
    runs = RESULTS.glob("*/*-seed*.json")
    return sorted(path for path in runs if json.loads(path.read_text())["file"])


@pytest.mark.parametrize("path", kept(), ids=lambda path: path.stem)
def test_every_recorded_network_gives_its_recorded_accuracy(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record = json.loads(path.read_text())
    model = str(path.parent / record["file"])
    assert main(["evaluate", model, "--dataset", record["dataset"], "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found == {name: record["best"][name] for name in found}
