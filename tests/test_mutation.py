"""The tool that changes the library to see whether a test notices, and what came of it."""

import json
import os
import signal

import pytest
from mutation import ROOT, TESTS, passed_over, verdict

SOURCE = '''
def half(x: "int | None" = None) -> "int | None":
    """Half of it."""
    if x is None:
        raise ValueError(f"got {x + 1}")
    return x // 2
'''


def test_annotations_and_texts_of_errors_are_passed_over() -> None:
    lines = SOURCE.splitlines()
    over = {lines[first - 1][a:b] for (first, a), (_, b) in passed_over(SOURCE)}
    assert over == {'"int | None"', 'raise ValueError(f"got {x + 1}")'}


@pytest.mark.parametrize(
    ("status", "word"),
    [
        (0, "survived"),
        (1 << 8, "killed"),
        (2 << 8, "killed"),
        (int(signal.SIGXCPU), "timeout"),
        (int(signal.SIGALRM), "timeout"),
        (int(signal.SIGSEGV), "killed"),
    ],
)
def test_what_became_of_a_process(status: int, word: str) -> None:
    assert os.WIFEXITED(status) or os.WIFSIGNALED(status)
    assert verdict(status) == word


def test_tests_that_could_not_be_run_have_shown_nothing() -> None:
    with pytest.raises(RuntimeError, match="the tests could not be run: exit status 4"):
        verdict(4 << 8)


def test_nine_of_ten_changes_are_noticed_and_the_others_have_a_reason() -> None:
    record = json.loads((ROOT / "results" / "reliability" / "mutation.json").read_text("utf8"))
    assert record["modules"]
    assert record["modules"].keys() == TESTS.keys()
    for result in record["modules"].values():
        left = result["survivors"]
        assert result["tried"] == result["killed"] + result["timeouts"] + len(left)
        assert len(left) <= 0.1 * result["tried"]
        assert all(mutant["reason"] for mutant in left)
