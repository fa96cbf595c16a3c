"""The command line, called as a user calls it: in a process of its own, or through ``main``."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import minibs4nn as bs
from minibs4nn import cli, doctor, reproduce
from minibs4nn.cli import main
from minibs4nn.datasets import Dataset


@pytest.fixture(autouse=True)
def small_mnist(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first images of MNIST, so that a training takes a moment."""
    train, test = bs.datasets.mnist()
    monkeypatch.setitem(reproduce.DATASETS, "mnist", lambda: (train[:600], test[:200]))
    monkeypatch.setitem(reproduce.DATASETS, "fashion-mnist", lambda: (train[600:1200], test[:200]))
    monkeypatch.setenv("MINIBS4NN_NO_GPU", "1")  # the same errors on every machine


def train(out: Path, *more: str) -> int:
    return main(["train", "--out", str(out), "--hidden", "30", "--quiet", *more])


@pytest.mark.parametrize("model", ["s4nn", "bs4nn", "bnn"])
def test_train_prints_both_accuracies_of_the_test_set_and_saves(
    model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run.npz"
    assert train(out, "--model", model, "--epochs", "2") == 0
    net = bs.load(out)
    _, test = reproduce.DATASETS["mnist"]()
    e = net.evaluate(test.images, test.labels)
    printed = capsys.readouterr().out
    assert f"accuracy {e.accuracy:.2%} (published counter {e.published_accuracy:.2%})" in printed
    assert f"{model.upper()} 784-30-10, 2 epochs" in printed
    assert "s per epoch" in printed
    assert len(net.history_) == 2


def test_the_same_command_again_goes_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole, parts = tmp_path / "whole.npz", tmp_path / "parts.npz"
    assert train(whole, "--epochs", "3") == 0
    assert train(parts, "--epochs", "1") == 0
    capsys.readouterr()
    assert train(parts, "--epochs", "3") == 0
    assert "holds 1 epochs of this run; going on from there" in capsys.readouterr().out
    a, b = bs.load(whole), bs.load(parts)
    assert isinstance(a, bs.BS4NN)
    assert isinstance(b, bs.BS4NN)
    for ours, theirs in zip(a.latent_weights_, b.latent_weights_, strict=True):
        assert (ours == theirs).all()


def test_another_run_in_the_file_is_not_lost(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run.npz"
    assert train(out, "--epochs", "1") == 0
    before = out.read_bytes()
    assert train(out, "--epochs", "1", "--model", "s4nn") == 1
    assert "holds another run (BS4NN (784, 30, 10), seed 0); give another --out" in (
        capsys.readouterr().err
    )
    assert out.read_bytes() == before
    for option, value in (
        ("--threshold", "99"), ("--validation", "0.3"), ("--gamma", "2"),
        ("--learning-rate", "0.2"), ("--dataset", "fashion-mnist"),
    ):  # fmt: skip
        assert train(out, "--epochs", "2", option, value) == 1
        said = capsys.readouterr().err
        assert f"{out} holds a run with other settings: {option}" in said
        assert "give the same, another --out, or --overwrite to lose it" in said
    assert out.read_bytes() == before
    assert train(out, "--epochs", "1", "--model", "s4nn", "--overwrite") == 0
    assert isinstance(bs.load(out), bs.S4NN)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "--out", "no/such/folder/run.npz"], "no/such/folder/run.npz does not exist"),
        (["train", "--out", "x.npz", "--backend", "cupy"], "backend='cupy' needs CuPy"),
        (["train", "--out", "x.npz", "--model", "bnn", "--gamma", "2"], "belong to s4nn and bs4nn"),
        (
            ["train", "--out", "x.npz", "--model", "bnn", "--threshold", "2"],
            "--threshold belongs to",
        ),
        (["train", "--out", "x.npz", "--validation", "2"], "validation must be a fraction"),
        (["train", "--out", "x.npz", "--learning-rate", "-1"], "learning_rate must be 0 or more"),
        (["evaluate", "missing.npz"], "No such file or directory: 'missing.npz'"),
        (["evaluate", "garbage.npz"], "'garbage.npz' is not a network of this library"),
        (["train", "--out", "x.npz", "--epochs", "0"], "--epochs must be 1 or more, got 0"),
        (["train", "--out", "folder", "--overwrite"], "--out folder is a folder; give the name"),
        (["train", "--out", "x.npz", "--hidden", "9" * 14], "not enough memory: "),
        (["pack", "net.npz", "--out", "net.npz"], "--out must name new files, and not net.npz"),
        (["pack", "net.npz", "--out", "a", "--c-header", "a"], "--out and --c-header must name"),
        (["pack", "net.npz", "--out", "no/net.bits"], "folder of --out no/net.bits does not exist"),
        (["analyse", "net.npz", "--out", "garbage.npz"], "--out garbage.npz is a file; give a"),
        (["grade", "03", "x", "--out", "garbage.npz"], "--out garbage.npz is a file; give a"),
        (["grade", "03", "x", "--seconds", "nan"], "--seconds above 0 and up to 86400"),
        (["grade", "03", "x", "--seconds", "inf"], "--seconds above 0 and up to 86400"),
        (["grade", "03", "x", "--memory", "9" * 20], "--memory 256 or more and up to 1048576"),
        (["grade", "03", "x", "--seed", "-1"], "grade: --seed must be 0 or more, got -1"),
        (["reproduce", "--list", "--results", "garbage.npz"], "--results garbage.npz is a file"),
        (["bench", "speed"], "bench: no benchmark 'speed'; there are training_step, inference"),
    ],
)
def test_bad_input_gives_one_line_and_exit_code_1(
    arguments: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("garbage.npz").write_bytes(b"not a network")
    Path("folder").mkdir()
    bs.BS4NN.from_weights([np.ones((10, 784))], scale=1.0).save("net.npz")
    before = Path("net.npz").read_bytes()
    assert main(arguments) == 1
    error = capsys.readouterr().err
    assert error.startswith("minibs4nn: ")
    assert message in error
    assert error.count("\n") == 1
    assert Path("net.npz").read_bytes() == before


def test_a_folder_that_cannot_be_written_to_is_told_before_the_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: (path, mode) != (tmp_path, os.W_OK))
    monkeypatch.setattr(bs.BS4NN, "fit", None)
    assert train(tmp_path / "run.npz") == 1
    assert "run.npz cannot be written to" in capsys.readouterr().err


@pytest.mark.parametrize("buffered", ["", "1"], ids=["buffered", "unbuffered"])
def test_a_reader_that_has_seen_enough_is_no_error_to_speak_of(buffered: str) -> None:
    """What ``| head -1`` does: the output is closed before all is written."""
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "minibs4nn", "reproduce", "--list", "--results", "none"],
        stdout=write,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": buffered},
        check=False,
    )
    os.close(write)
    assert (done.returncode, done.stderr) == (1, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_an_output_that_cannot_be_written_is_told_in_one_line() -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "minibs4nn", "reproduce", "--list", "--results", "none"],
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr == b"minibs4nn: [Errno 28] No space left on device\n"


def test_bench_runs_the_scripts_of_the_repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert all((cli.SCRIPTS / f"{name}.py").is_file() for name in cli.BENCHMARKS)
    script = "import sys; open(sys.argv[2], 'w').write('{}'); sys.exit(int('NAME' == 'memory'))"
    for name in cli.BENCHMARKS:
        (tmp_path / f"{name}.py").write_text(script.replace("NAME", name))
    monkeypatch.setattr(cli, "SCRIPTS", tmp_path)
    assert main(["bench", "inference", "--out", str(tmp_path)]) == 0
    assert [path.name for path in tmp_path.glob("*.json")] == ["inference.json"]
    assert main(["bench", "--out", str(tmp_path)]) == 1
    assert len(list(tmp_path.glob("*.json"))) == len(cli.BENCHMARKS)
    monkeypatch.setattr(cli, "SCRIPTS", tmp_path / "none")
    assert main(["bench"]) == 1
    assert "get a copy of it" in capsys.readouterr().err


def test_evaluate_prints_what_the_library_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run.npz"
    assert train(out, "--epochs", "1", "--validation", "0.2", "--gamma", "2") == 0
    assert bs.load(out).history_["validation_accuracy"].shape == (1,)
    train_set, test = reproduce.DATASETS["mnist"]()
    for part, images in (("test", test), ("train", train_set)):
        capsys.readouterr()
        assert main(["evaluate", str(out), "--part", part, "--json"]) == 0
        expected = bs.load(out).evaluate(images.images, images.labels).as_dict()
        assert json.loads(capsys.readouterr().out) == expected
    assert main(["evaluate", str(out)]) == 0
    assert capsys.readouterr().out == f"{bs.load(out).evaluate(test.images, test.labels)}\n"


def test_ctrl_c_keeps_the_finished_epochs(tmp_path: Path) -> None:
    out = tmp_path / "run.npz"
    command = [sys.executable, "-m", "minibs4nn", "train", "--out", str(out), "--hidden", "20",
               "--epochs", "1000", "--quiet"]  # fmt: skip
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 300
    while not out.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=120)
    assert process.returncode == 130, error
    kept = len(bs.load(out).history_)
    assert kept >= 1
    assert f"{kept} epochs are in {out}; the same command goes on from there" in error


def test_help_names_the_commands() -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "minibs4nn", "--help"], capture_output=True, text=True, check=True
    ).stdout
    for command in (
        "train", "evaluate", "analyse", "pack", "reproduce", "bench", "grade", "doctor",
        "gpu-check",
    ):  # fmt: skip
        assert f"\n    {command}" in shown


def test_doctor_finds_what_is_here(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor"]) == 0
    printed = capsys.readouterr().out
    for line in ("ok       Python", "ok       numpy", "backend numba", "MNIST", "disk"):
        assert line in printed


def test_doctor_says_what_is_missing_and_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def lost() -> tuple[Dataset, Dataset]:
        raise bs.errors.DataError("the file is gone")

    monkeypatch.setattr(
        doctor, "PACKAGES", (("no-such-package", "tests", "pip install it", False),)
    )
    monkeypatch.setattr(bs.datasets, "mnist", lost)
    monkeypatch.delenv("MINIBS4NN_OFFLINE", raising=False)
    assert main(["doctor"]) == 1
    printed = capsys.readouterr().out
    assert "absent   no-such-package" in printed
    assert "not installed; needed for tests: pip install it" in printed
    assert "MISSING  MNIST" in printed
    assert "the file is gone" in printed
    assert "MINIBS4NN_OFFLINE" not in os.environ


def test_train_without_a_file_is_refused() -> None:
    with pytest.raises(SystemExit):
        main(["train"])
