"""Full disks, folders that may not be written, two processes with one file: nothing is lost."""

import errno
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import kill_training
import numpy as np
import pytest

import minibs4nn as bs
from minibs4nn import reproduce
from minibs4nn.cli import main
from minibs4nn.grader import Grade, TaskGrade, write_reports

FAILURES = {"full": errno.ENOSPC, "read-only": errno.EROFS}
Fail = Callable[[int], None]


@pytest.fixture(params=FAILURES)
def fail(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Fail:
    """Call it, and so many files more can be written, then none."""
    code = FAILURES[request.param]

    def prepare(files: int) -> None:
        left = [files]

        def fsync(_: int) -> None:
            left[0] -= 1
            if left[0] < 0:
                raise OSError(code, os.strerror(code))

        monkeypatch.setattr(os, "fsync", fsync)

    return prepare


def test_the_marks_of_the_last_run_stay(tmp_path: Path, fail: Fail) -> None:
    def write(points: int) -> list[Path]:
        task = TaskGrade("03.3", "Predict", points, 2, "Right.")
        return write_reports(tmp_path, "03", 1, [Grade(name, "x.ipynb", (task,)) for name in "ab"])

    written = write(1)
    before = [path.read_bytes() for path in written]
    for files in range(len(written)):
        fail(files)
        with pytest.raises(OSError, match=r"No space|Read-only"):
            write(2)
        now = [path.read_bytes() for path in written]
        assert now[files:] == before[files:]
        assert json.loads(now[0])["submissions"][0]["points"] == 1 + (files > 0)
        assert sorted(path for path in tmp_path.rglob("*") if path.is_file()) == sorted(written)


def test_reproduce_goes_on_when_there_is_room_again(
    tmp_path: Path, fail: Fail, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(reproduce.DATASETS, "bars", lambda: bs.datasets.bars(n=60, seed=0))
    claim = replace(
        reproduce.claims()["bs4nn-mnist"], name="bars", dataset="bars", layers=[64, 9, 16],
        epochs=6, settings={"threshold": 20.0},
    )  # fmt: skip

    def run(folder: str) -> dict[str, Any]:
        record = reproduce.run(claim, 0, tmp_path / folder, backend="numpy", progress=False)
        for name in ("seconds", "peak_memory_mb"):
            del record[name]
        del record["history"]["seconds"]
        return record

    whole = run("whole")
    for files in range(4):  # the best network, a checkpoint, the bits, the record, in any order
        fail(files)
        with pytest.raises(OSError, match=r"No space|Read-only"):
            run(f"room for {files}")
        fail(1000)
        assert run(f"room for {files}") == whole


def test_the_command_says_so_and_keeps_the_file(
    tmp_path: Path,
    fail: Fail,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    digits, _ = bs.datasets.mnist()
    monkeypatch.setitem(reproduce.DATASETS, "mnist", lambda: (digits[:60], digits[60:90]))
    path = tmp_path / "run.npz"
    train = ["train", "--hidden", "9", "--quiet", "--out", str(path)]
    assert main([*train, "--epochs", "1"]) == 0
    before = path.read_bytes()
    capsys.readouterr()
    fail(0)
    assert main([*train, "--epochs", "2"]) == 1
    assert capsys.readouterr().err.startswith("minibs4nn: [Errno ")
    assert path.read_bytes() == before
    assert len(bs.load(path).history_) == 1


WITH_LITTLE_ROOM = """
import resource, sys
import numpy as np
import minibs4nn as bs

bs.S4NN.from_weights([np.ones((3, 4))]).save(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
bs.S4NN.from_weights([np.random.default_rng(0).normal(size=(300, 784))]).save(sys.argv[1])
"""


def test_a_file_that_the_system_cuts_short(tmp_path: Path) -> None:
    """The system itself refuses, in the middle of a file."""
    path = tmp_path / "net.npz"
    command = [sys.executable, "-c", WITH_LITTLE_ROOM, str(path)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1
    assert "OSError: [Errno 27] File too large" in done.stderr
    assert os.listdir(tmp_path) == ["net.npz"]
    assert bs.load(path).layers == (4, 3)


def test_two_processes_that_train_with_one_file(tmp_path: Path) -> None:
    path, epochs = tmp_path / "run.npz", 12
    command = [sys.executable, "-W", "ignore", "-c", kill_training.TRAIN, str(path), str(epochs)]
    both = [subprocess.Popen(command, stdout=subprocess.DEVNULL) for _ in range(2)]
    assert [process.wait(300) for process in both] == [0, 0]
    found, expected = bs.load(path), kill_training.uninterrupted(epochs)
    assert isinstance(found, bs.BS4NN)
    for ours, theirs in zip(found.latent_weights_, expected.latent_weights_, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert os.listdir(tmp_path) == ["run.npz"]


def test_killed_training_goes_on_and_a_loss_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A long run is `make kill`."""
    whole, other, started_anew = (tmp_path / name for name in ("whole", "other", "anew"))
    for folder in (whole, other, started_anew):
        folder.mkdir()
    assert kill_training.kill(3, 1, whole) >= 3
    train = kill_training.TRAIN
    monkeypatch.setattr(kill_training, "TRAIN", train.replace("seed=5", "seed=6"))
    with pytest.raises(RuntimeError, match="the weights are not those of one run"):
        kill_training.kill(1, 1, other)
    forgetful = train.replace("bs.load(path) if path.exists() else", "").replace(
        "len(net.history_) + 1 if path.exists() else 1", "1"
    )
    monkeypatch.setattr(kill_training, "TRAIN", forgetful)
    with pytest.raises(RuntimeError, match=r"kill \d+: \d+ epochs are left of \d+"):
        kill_training.kill(20, 1, started_anew)
