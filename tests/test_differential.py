"""The comparison of all kernels finds what it looks for; a long run is `make differential`."""

import json
from pathlib import Path
from typing import Any

import differential
import numpy as np
import pytest
from agreement import NUMBA, REFERENCE, Case
from gpu_checks import emulated, needs_compiler

from minibs4nn.kernels import packed_cpu
from minibs4nn.kernels.cuda_source import TEXT


def test_a_short_run_finds_no_difference(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(differential, "PART", 40)
    record = tmp_path / "some" / "differential.json"
    assert differential.main(["--cases", "40", "--record", str(record)]) == 0
    assert differential.main(["--cases", "50", "--record", str(record)]) == 0  # goes on
    content = json.loads(record.read_text("utf8"))
    assert content["cases"] == 50
    assert content["differences"] == {}
    assert "50 cases" in capsys.readouterr().out


def test_the_cases_are_what_they_are_said_to_be() -> None:
    cases = [differential.draw(number) for number in range(300)]
    assert same_case(cases[7], differential.draw(7))
    depths = {len(case.latent) for case in cases}
    assert depths == {1, 2, 3}
    fired = [REFERENCE.layer_spike_times(
        case.times, case.parameters().weights[0], case.parameters().forward_thresholds[0],
        t_max=case.t_max)[0] < case.t_max for case in cases]  # fmt: skip
    wanted = {
        "one neuron alone": [case.latent[0].shape == (1, 1) for case in cases],
        "all weights -1": [bool((case.latent[0] == -1).all()) for case in cases],
        "a silent image": [bool((case.times == case.t_max).all(axis=1).any()) for case in cases],
        "a spike in the last step": [case.t_max - 1 in case.times for case in cases],
        "a window of one step": [case.t_max == 1 for case in cases],
        "no signs": [case.scale is None for case in cases],
        "batches of several images": [case.rule.batch_size > 1 for case in cases],
        "some fire, some are silent": [bool(f.any() and not f.all()) for f in fired],
    }
    assert {name: sum(found) for name, found in wanted.items() if sum(found) < 5} == {}


def same_case(a: Case, b: Case) -> bool:
    return a.rule == b.rule and all(map(np.array_equal, a.latent, b.latent))


def test_a_wrong_kernel_is_found(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    right = NUMBA.layer_spike_times

    def early(times: Any, weights: Any, threshold: Any, *, t_max: int) -> Any:
        spikes, potential = right(times, weights, threshold, t_max=t_max)
        spikes[spikes == t_max - 1] = t_max  # the last step goes unheard
        return spikes, potential

    monkeypatch.setattr(NUMBA, "layer_spike_times", early)
    found = differential.compare(range(60), None)
    assert found
    assert set(found.values()) == {"AssertionError in check_forward: same(spikes, fast_spikes)"}
    assert f"case {next(iter(found))}: " in capsys.readouterr().out


def test_a_wrong_decision_of_packed_bits_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    right = packed_cpu.decide_all

    def last(*arguments: Any) -> None:
        right(*arguments)
        classes = arguments[-1]
        classes[classes == 1] = 0

    monkeypatch.setattr(packed_cpu, "decide_all", last)
    assert differential.compare(range(60), None)


@needs_compiler
@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("if (v > limit && fired", "if (v >= limit && fired"),
        ("else if (t[j] - first < gamma)", "else if (t[j] - first < gamma - 1)"),
    ],
)
def test_a_wrong_kernel_of_the_card_is_found(right: str, wrong: str) -> None:
    assert TEXT.count(right) == 1
    assert differential.compare(range(30), emulated(TEXT.replace(right, wrong)))
