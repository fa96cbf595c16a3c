"""The command gpu-check: with no card, and as far as it goes on an imagined one."""

import json
from pathlib import Path

import numpy as np
import pytest
from agreement import REFERENCE
from gpu_checks import emulated, needs_compiler

import minibs4nn as bs
from minibs4nn import gpu_check
from minibs4nn.cli import main
from minibs4nn.kernels import gpu_probe
from minibs4nn.kernels.gpu import Device

SMALL = gpu_check.Sizes(hidden=12, exact=8, train=10, test=9, dense=3, batch=4)


def test_without_a_card_it_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv(gpu_probe.OFF, "1")
    assert main(["gpu-check", "--out", str(tmp_path)]) == 1
    said = capsys.readouterr().err
    assert "no usable GPU here: switched off by the environment variable MINIBS4NN_NO_GPU" in said
    assert "pip install 'minibs4nn[gpu]'" in said
    assert "numba: Numba" in said
    assert not list(tmp_path.iterdir())


def test_a_number_of_images_below_one_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["gpu-check", "--images", "0"]) == 1
    assert "--images must be 1 or more, got 0" in capsys.readouterr().err


@needs_compiler
def test_all_that_it_does_on_an_imagined_card(tmp_path: Path) -> None:
    said: list[str] = []
    record = gpu_check.examine(SMALL, card=emulated(), xp=np, say=said.append)
    assert record["device"] == "a device that the caller chose"
    assert len(record["exact"]) == 11
    assert all(record["exact"].values())
    ways = ["online", "speculative", "mini-batches", "CPU"]
    assert list(record["seconds_per_epoch"]) == [
        f"{n} {w}" for n in ("BS4NN", "S4NN") for w in ways
    ]
    for n in ("BS4NN", "S4NN"):
        wrong = [record["images_with_an_error"][f"{n} {way}"] for way in ways]
        assert wrong[0] == wrong[1] == wrong[3]
    assert record["images_per_second"] > 0
    assert len(record["ratios"]) == 2
    assert len(said) == 3
    page = gpu_check.write(record, tmp_path / "gpu")
    text = page.read_text("utf8")
    assert "| BS4NN speculative | yes |" in text
    assert "**no**" not in text
    assert json.loads(page.with_suffix(".json").read_text("utf8")) == json.loads(json.dumps(record))


def test_the_folder_may_be_a_text(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(gpu_check, "markdown", lambda record: "a page")
    page = gpu_check.write({"date": "2026-01-02T03:04:05"}, str(tmp_path / "gpu"))
    assert page == tmp_path / "gpu" / "gpu-2026-01-02T030405.md"
    assert page.read_text() == "a page"


@needs_compiler
def test_a_card_that_computes_wrongly_is_found(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = emulated_text_with("fired = t + 1;", "fired = t + 2;")
    card = Device(emulated()._cupy, text=text)
    monkeypatch.setattr(gpu_check, "device", lambda: card)
    monkeypatch.setattr(gpu_check, "Sizes", lambda train: SMALL)
    found = gpu_probe.Found(np, "an imagined card")
    for module in (gpu_check, gpu_probe):
        monkeypatch.setattr(module, "usable_gpu", lambda: found)
    assert main(["gpu-check", "--out", str(tmp_path)]) == 1
    assert "| BS4NN firing times of the hidden layer | **no** |" in capsys.readouterr().out
    assert len(list(tmp_path.iterdir())) == 2


def emulated_text_with(old: str, new: str) -> str:
    from minibs4nn.kernels.cuda_source import TEXT

    assert TEXT.count(old) == 1
    return TEXT.replace(old, new)


def test_the_dense_form_learns_the_signs_of_the_reference() -> None:
    train, _ = bs.datasets.mnist()
    times, labels = bs.latency_code(train.images[:25]), train.labels[:25].astype(np.int64)
    net = bs.BS4NN((784, 30, 10), threshold=30.0, backend="numpy")
    net.initialise([(-0.4, 1.0), (-0.4, 1.0)])
    dense = gpu_check.DenseBS4NN(np, net.parameters, bs.BS4NN_PUBLISHED)
    p = net.parameters.copy()
    report = REFERENCE.train_online(
        times, labels, np.arange(25), p, bs.BS4NN_PUBLISHED, t_max=256, count_fired=False
    )
    for row, label in zip(times, labels, strict=True):
        dense.train(row.astype(np.int64), int(label))
    assert report.flips.min() > 0
    assert p.signs is not None
    for ours, theirs in zip(p.signs, dense.signs, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_allclose(p.scale, dense.scale, rtol=1e-6)
