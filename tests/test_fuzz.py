"""The fuzzer of the readers finds what it looks for; a long run is `make fuzz`."""

import json
import multiprocessing
import signal
import sys
from collections import deque
from itertools import count, repeat
from pathlib import Path
from typing import Any

import fuzz
import pytest

GOOD = [b"a good file, 1234", b"another one, 5678"]


def reader(read: Any) -> fuzz.Reader:
    return fuzz.Reader(".txt", read, (ValueError,), lambda: GOOD)


@pytest.fixture(autouse=True)
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep findings in a folder of the test."""
    monkeypatch.setattr(fuzz, "KEPT", tmp_path / "kept")
    return tmp_path / "kept"


@pytest.mark.parametrize("name", fuzz.READERS)
@pytest.mark.filterwarnings("ignore")
def test_a_short_run_finds_nothing(name: str, kept: Path) -> None:
    outcomes, findings = fuzz.fuzz(name, 150, seed=1)
    assert outcomes.total() == 150
    assert findings == []
    assert not kept.exists()


def test_the_same_seed_gives_the_same_inputs() -> None:
    first, second, third = (fuzz.Mutator(GOOD, seed) for seed in (0, 0, 1))
    inputs = [[mutate() for _ in range(200)] for mutate in (first, second, third)]
    assert inputs[0] == inputs[1] != inputs[2]
    assert len(set(inputs[0])) > 150


def test_an_undocumented_error_is_found_and_its_input_kept(
    kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def careless(path: Path) -> None:
        data = path.read_bytes()
        if len(data) < 4:
            raise ValueError("too short")
        data[16]  # no check of the length

    monkeypatch.setitem(fuzz.READERS, "careless", reader(careless))
    outcomes, findings = fuzz.fuzz("careless", 300, seed=0)
    assert outcomes["ValueError"] > 0
    assert outcomes["FOUND IndexError"] == len(findings) > 0
    assert all(len(path.read_bytes()) <= 16 for path in kept.iterdir())


@pytest.mark.parametrize(
    ("read", "name"),
    [
        (lambda path: sum(1 for _ in count()), "TimeoutError"),
        (lambda path: bytearray(2**31), "MemoryError"),
    ],
)
def test_time_and_memory_are_bounded(read: Any, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fuzz, "SECONDS", 1)
    monkeypatch.setitem(fuzz.READERS, "greedy", reader(read))
    outcomes, _ = fuzz.fuzz("greedy", 1, seed=0)
    assert outcomes == {f"FOUND {name}": 1}


def test_a_loop_outside_of_python_ends_the_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No handler of Python's would run here, so the system itself sets the end."""
    monkeypatch.setattr(fuzz, "SECONDS", 0.1)
    endless = reader(lambda path: deque(repeat(0), maxlen=0))
    with fuzz.limits():
        process = multiprocessing.get_context("fork").Process(
            target=fuzz.attempt, args=(endless, tmp_path / "input.txt", b"any")
        )
        process.start()
        process.join()
    assert process.exitcode == -signal.SIGVTALRM


def test_under_atheris_such_a_loop_is_counted_with_what_was_reported_before(
    kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def with_atheris(tally: fuzz.Tally, mutator: Any, inputs: int, seed: int, result: Any) -> None:
        tally.outcomes["read"] += 100
        result.send((tally.outcomes, tally.findings))
        tally.count(b"the endless one")

    monkeypatch.setattr(fuzz, "SECONDS", 0.1)
    monkeypatch.setattr(fuzz, "with_atheris", with_atheris)
    endless = reader(lambda path: deque(repeat(0), maxlen=0))
    monkeypatch.setitem(fuzz.READERS, "endless", endless)
    outcomes, findings = fuzz.fuzz("endless", 500, seed=0, engine="atheris")
    assert outcomes == {"read": 100, "FOUND endless loop": 1}
    assert [path.read_bytes() for path in findings] == [b"the endless one"]
    assert findings == list(kept.iterdir())


def test_if_atheris_fails_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fuzz, "with_atheris", lambda *arguments: sys.exit(3))
    with pytest.raises(RuntimeError, match="idx: atheris ended with status 3"):
        fuzz.fuzz("idx", 10, seed=0, engine="atheris")


def test_the_command_records_what_came_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    record = tmp_path / "some" / "fuzz.json"
    arguments = ["idx", "--inputs", "50", "--seed", "3", "--record", str(record)]
    assert fuzz.main(arguments) == 0
    assert "50 inputs" in capsys.readouterr().out
    first = json.loads(record.read_text("utf8"))
    assert first["idx"]["random"]["seed"] == 3
    assert sum(first["idx"]["random"]["outcomes"].values()) == 50
    assert fuzz.main(["npy", *arguments[1:]]) == 0
    both = json.loads(record.read_text("utf8"))
    assert both["idx"] == first["idx"]
    assert both["npy"]["random"]["inputs"] == 50


def test_a_run_that_was_cut_short_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(fuzz.PART, "random", 20)
    records = [tmp_path / "cut.json", tmp_path / "whole.json"]
    for record, inputs in zip(records, ("40", "50"), strict=True):
        fuzz.main(["npy", "--inputs", inputs, "--record", str(record)])
    fuzz.main(["npy", "--inputs", "50", "--seed", "9", "--record", str(records[0])])
    cut, whole = (json.loads(record.read_text("utf8"))["npy"]["random"] for record in records)
    assert cut["outcomes"] == whole["outcomes"]
    assert cut["inputs"] == whole["inputs"] == sum(cut["outcomes"].values()) == 50


def test_an_unknown_reader_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        fuzz.main(["idxx"])
    assert "there is no reader idxx; choose from idx, npy" in capsys.readouterr().err
