"""Studies: their variants follow from their two ends, and a run goes on where it was stopped."""

import json
import shutil
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

import minibs4nn as bs
from minibs4nn import reproduce, study
from minibs4nn.cli import main
from minibs4nn.datasets import Dataset
from minibs4nn.errors import FileFormatError
from minibs4nn.rules import RelativeTarget
from minibs4nn.study import Study, run_study, studies

SMALL = Study(
    name="small", dataset="bars", layers=[64, 20, 16], epochs=3, seed=0, validation=0.2,
    published={"learning_rate": 0.1, "gamma": 1, "threshold": 20.0},
    best={"learning_rate": 0.4, "gamma": 1, "threshold": 20.0, "schedule": "cosine"},
    ingredients={"rate": ["learning_rate"], "cosine": ["schedule"]},
    extra={"wide gap": {"gamma": 5}},
)  # fmt: skip


def bars() -> tuple[Dataset, Dataset]:
    return bs.datasets.bars(n=100, seed=0)


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(reproduce.DATASETS, "bars", bars)


def test_the_variants_follow_from_the_two_ends() -> None:
    variants = {variant.name: variant.settings for variant in SMALL.variants()}
    assert variants == {
        "published": SMALL.published,
        "best": SMALL.best,
        "published + rate": {"learning_rate": 0.4, "gamma": 1, "threshold": 20.0},
        "published + cosine": {
            "learning_rate": 0.1, "gamma": 1, "threshold": 20.0, "schedule": "cosine"
        },
        "best - rate": {
            "learning_rate": 0.1, "gamma": 1, "threshold": 20.0, "schedule": "cosine"
        },
        "best - cosine": {"learning_rate": 0.4, "gamma": 1, "threshold": 20.0},
        "wide gap": {
            "learning_rate": 0.4, "gamma": 5, "threshold": 20.0, "schedule": "cosine"
        },
    }  # fmt: skip


@pytest.mark.parametrize("name", studies())
def test_the_studies_of_the_library_are_whole(name: str) -> None:
    """One end is the published rule, and the ingredients are all that the ends differ in."""
    known = studies()[name]
    of_the_rule = {field.name for field in fields(RelativeTarget)}
    numbers = {key: x for key, x in known.published.items() if key in of_the_rule}
    assert RelativeTarget(**numbers) == bs.BS4NN_PUBLISHED
    named = {key for keys in known.ingredients.values() for key in keys}
    ends = known.published, known.best
    differ = {
        key for key in ends[0].keys() | ends[1].keys() if ends[0].get(key) != ends[1].get(key)
    }
    assert named == differ
    names = [variant.name for variant in known.variants()]
    assert len(names) == len(set(names))
    for variant in known.variants():  # everything can be made
        bs.BS4NN(
            known.layers, **{k: x for k, x in variant.settings.items() if k not in of_the_rule}
        )
        RelativeTarget(**{k: x for k, x in variant.settings.items() if k in of_the_rule})


def test_a_study_records_every_variant_and_runs_none_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = run_study(SMALL, tmp_path, progress=False)
    assert json.loads(SMALL.path(tmp_path).read_text()) == record
    assert [variant["name"] for variant in record["variants"]] == [
        variant.name for variant in SMALL.variants()
    ]
    first = record["variants"][0]
    net = bs.BS4NN([64, 20, 16], threshold=20.0).fit(
        bars()[0].images, bars()[0].labels, epochs=3, validation=0.2, progress=False,
        rule=RelativeTarget(learning_rate=0.1),
    )  # fmt: skip
    watched = net.history_["validation_accuracy"]
    assert first["validation_accuracy"] == watched.tolist()
    assert first["last"]["accuracy"] == watched[-1]
    assert first["best"]["accuracy"] == watched.max()
    assert watched[first["best"]["epoch"] - 1] == watched.max()

    trained: list[str] = []
    train = study._train

    def counting(some: Study, variant: study.Variant, *rest: Any) -> dict[str, Any]:
        trained.append(variant.name)
        return train(some, variant, *rest)

    monkeypatch.setattr(study, "_train", counting)
    assert run_study(SMALL, tmp_path, progress=False) == record
    assert trained == []
    changed = replace(SMALL, best=SMALL.best | {"gamma": 2})
    run_study(changed, tmp_path, progress=False)
    assert trained == ["best", "best - rate", "best - cosine"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"epochs": 1}, "records a study with epochs 3 instead of 1, and would be lost"),
        ({"seed": 7, "images": 50}, "with seed 0 instead of 7, images None instead of 50, and"),
    ],
)
def test_a_record_of_other_settings_is_not_overwritten(
    change: dict[str, Any], message: str, tmp_path: Path
) -> None:
    run_study(SMALL, tmp_path, progress=False)
    before = SMALL.path(tmp_path).read_bytes()
    with pytest.raises(ValueError, match="give another folder of results") as found:
        run_study(replace(SMALL, **change), tmp_path, progress=False)
    assert message in str(found.value)
    assert SMALL.path(tmp_path).read_bytes() == before
    run_study(replace(SMALL, layers=(64, 20, 16)), tmp_path, progress=False)  # type: ignore[arg-type]


HEAD = '{"name": "small", "dataset": "bars", "layers": [64, 20, 16], "epochs": 3, "seed": 0, '
HEAD += '"validation": 0.2, "images": null, "variants": '


@pytest.mark.parametrize(
    "content",
    [
        *("", "{bad", "[]", "{}", "[" * 99_999, HEAD + "{}}", HEAD + "[1]}"),
        HEAD + '[{"name": "best"}]}',
        HEAD + '[{"name": "best", "settings": {}, "last": {"accuracy": NaN}}]}',
    ],
)
def test_a_damaged_record_is_named_and_stays(content: str, tmp_path: Path) -> None:
    path = SMALL.path(tmp_path)
    path.parent.mkdir()
    path.write_text(content)
    with pytest.raises(FileFormatError) as found:
        run_study(SMALL, tmp_path, progress=False)
    assert f"{str(path)!r} is not the record of a study, or is damaged; mend it" in str(found.value)
    assert path.read_text() == content


@pytest.mark.parametrize("name", studies())
def test_the_studies_of_the_library_are_recorded(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(study, "_train", None)  # nothing is left to train
    known = studies()[name]
    path = known.path(Path(__file__).parent.parent / "results")
    shutil.copytree(path.parent, tmp_path / "studies")
    assert run_study(known, str(tmp_path)) == json.loads(path.read_text("utf8"))


def test_what_is_recorded_survives_a_stop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record = run_study(SMALL, tmp_path, progress=False)

    def stop(*_: object) -> dict[str, Any]:
        raise KeyboardInterrupt

    monkeypatch.setattr(study, "_train", stop)
    changed = replace(SMALL, published=SMALL.published | {"gamma": 3})
    with pytest.raises(KeyboardInterrupt):
        run_study(changed, tmp_path, progress=False)
    assert json.loads(SMALL.path(tmp_path).read_text()) == record


def test_a_variant_may_fail(tmp_path: Path) -> None:
    failing = replace(SMALL, extra={"too fast": {"scale_learning_rate": 1e6}}, ingredients={})
    variants = run_study(failing, tmp_path, progress=False)["variants"]
    assert "fell to" in variants[-1]["failed"]
    assert "last" in variants[0]


def test_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("minibs4nn.cli.studies", lambda: {"small": SMALL})
    assert main(["reproduce", "--study", "small", "--results", str(tmp_path), "--quiet"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.rsplit("  ", 1)[1] for line in lines[1:]] == [v.name for v in SMALL.variants()]
    assert main(["reproduce", "--study", "small", "--results", str(tmp_path), "--quiet"]) == 0
    again = "nothing was left to train; to run it again, give a new folder: --results FOLDER"
    assert capsys.readouterr().out.splitlines() == [*lines, again]
    assert main(["reproduce", "--study", "none"]) == 1
    assert "no study 'none'; there are small" in capsys.readouterr().err
