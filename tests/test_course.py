"""The exercises: right answers pass however they are written, wrong ones are told what is wrong."""

import contextlib
import importlib
import json
import operator
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import notebooks
import numpy as np
import pytest
from course_answers import RIGHT, WRONG, Answer
from nbgrader_marks import cells, grade_ids

import exercises
import minibs4nn as bs
from minibs4nn.course import CHAPTERS, check, find, require, tasks
from minibs4nn.course.judging import OpenTask, Task, judge_function
from minibs4nn.course.values import (
    Outcome,
    call,
    decode_arguments,
    encode_arguments,
    plain,
    same,
    without,
)

# The answers to later chapters stand in files of their own, and are entered when they are imported.
for answers in sorted(Path(__file__).parent.glob("course_answers_*.py")):
    importlib.import_module(answers.stem)

SOURCES = exercises.sources()
ALL = [task for chapter in CHAPTERS for task in tasks(chapter)]
JUDGED = [task for task in ALL if isinstance(task, Task)]
KEYS = [task.key for task in JUDGED]
RIGHT_ANSWERS = [(key, answer) for key in KEYS for answer in RIGHT[key]]
WRONG_ANSWERS = [(key, message, answer) for key in KEYS for message, answer in WRONG[key]]


def named(value: Any) -> str | None:
    return getattr(value, "__name__", None)


# Each task ---------------------------------------------------------------------------------------


def test_every_chapter_has_three_tasks_and_one_for_a_person() -> None:
    for chapter in CHAPTERS:
        kinds = [type(task) for task in tasks(chapter)]
        assert kinds.count(Task) >= 3
        assert kinds[-1] is OpenTask
        assert [task.key for task in tasks(chapter)] == [
            f"{chapter}.{k}" for k in range(1, len(kinds) + 1)
        ]


@pytest.mark.parametrize("key", KEYS)
def test_there_are_two_right_and_three_wrong_answers(key: str) -> None:
    assert len(RIGHT[key]) >= 2
    assert len(WRONG[key]) >= 3


@pytest.mark.parametrize(("key", "answer"), RIGHT_ANSWERS, ids=named)
@pytest.mark.parametrize("seed", [0, 1])
def test_a_right_answer_passes(key: str, answer: Answer, seed: int) -> None:
    verdict = judge_function(find(key), answer, seed=seed)
    assert verdict.passed, verdict


@pytest.mark.parametrize(("key", "message", "answer"), WRONG_ANSWERS, ids=named)
def test_a_wrong_answer_fails_and_is_told_why(key: str, message: str, answer: Answer) -> None:
    verdict = judge_function(find(key), answer)
    assert not verdict.passed
    assert message in verdict.message
    assert verdict.example.get("expected") != verdict.example["got"]


REASONS = [task for task in JUDGED if "because" in str(task.reference(*task.cases(0)[0]))]


@pytest.mark.parametrize("task", REASONS, ids=lambda task: task.key)
def test_a_wrong_reason_is_told_what_is_wrong_and_not_the_right_one(task: Task) -> None:
    right = task.reference(*task.cases(0)[0])["because"]
    for letter in set("abc") - {right}:

        def answer(*arguments: Any, it: str = letter) -> Any:
            return {**task.reference(*arguments), "because": it}

        verdict = judge_function(task, answer)
        assert " right, the reason is not" in verdict.message
        assert f"'because': '{letter}'" in verdict.example["got"]
        assert f"'because': '{right}'" not in str(verdict.example)


def test_no_notebook_prints_a_reason() -> None:
    assert len(REASONS) >= 14
    for folder in SOURCES:
        for cell in cells(folder / f"{folder.name}.ipynb"):
            assert "because" not in json.dumps(cell.get("outputs", "")), folder.name


def test_the_answer_of_a_prediction_is_not_shown(capsys: pytest.CaptureFixture[str]) -> None:
    check("01.2", lambda: [7, 10, 10, 6])
    said = capsys.readouterr().out
    assert "got       [7, 10, 10, 6]" in said
    assert "5]" not in said
    with pytest.raises(AssertionError) as raised:
        require("01.2", lambda: [7, 10, 10, 6])
    assert str(raised.value) == "01.2: The result differs.\ngot: [7, 10, 10, 6]"


@pytest.mark.parametrize("key", KEYS)
def test_every_misconception_has_a_message_of_its_own_and_an_answer_that_earns_it(key: str) -> None:
    task = find(key)
    messages = [misconception.message for misconception in task.misconceptions]
    assert len(set(messages)) == len(messages) >= 3
    for misconception in task.misconceptions:
        verdict = judge_function(task, misconception.function, seed=3)
        assert not verdict.passed
        assert verdict.message == misconception.message
        assert any(part in misconception.message for part, _ in WRONG[key]), misconception.message


@pytest.mark.parametrize("key", KEYS)
def test_inputs_are_repeatable_and_small_ones_come_first(key: str) -> None:
    task = find(key)
    cases = task.cases(4)
    assert [encode_arguments(c) for c in cases] == [encode_arguments(c) for c in task.cases(4)]
    sizes = [sum(np.asarray(value).size for value in case) for case in cases]
    assert sizes == sorted(sizes)
    assert len(task.names()) == len(cases[0])


@pytest.mark.parametrize("key", KEYS)
def test_names_that_a_task_withholds_exist(key: str) -> None:
    assert all(callable(operator.attrgetter(name)(bs)) for name in find(key).uses)


def test_a_packed_file_has_the_bytes_that_an_exercise_counts(tmp_path: Path) -> None:
    for layers in ([784, 600, 10], [5, 3], [9, 7, 3]):
        net = bs.BS4NN(layers).fit(np.zeros((1, layers[0]), dtype=np.uint8), [0], epochs=0).pack()
        net.save(tmp_path / "net.bits")
        counted = find("09.6").reference(np.array(layers))
        assert counted["packed"] == net.nbytes
        assert counted["file"] == (tmp_path / "net.bits").stat().st_size


# check() and require() ---------------------------------------------------------------------------


def test_a_right_answer_is_given_back(capsys: pytest.CaptureFixture[str]) -> None:
    answer = RIGHT["03.1"][0]
    assert check("03.1", answer) is answer
    assert capsys.readouterr().out == "03.1 is right, on all 300 inputs that were tried.\n"


def test_a_wrong_answer_is_replaced_and_shown_the_smallest_difference(
    capsys: pytest.CaptureFixture[str],
) -> None:
    answer = next(answer for message, answer in WRONG["03.1"] if ">=" in message)
    layer = check("03.1", answer)
    assert layer is find("03.1").reference
    printed = capsys.readouterr().out
    assert "a neuron fires when the potential *exceeds* the threshold" in printed
    assert "From here on the notebook uses the library's function." in printed
    shown = re.search(r"times = \[(\d+)\], weights = \[\[(-?\d+)\]\], threshold = (-?\d+)", printed)
    assert shown, printed
    assert shown[2] == shown[3]  # one spike that reaches the threshold: it cannot be smaller


def test_what_an_answer_prints_is_not_shown(capsys: pytest.CaptureFixture[str]) -> None:
    def chatty(times: Any, weights: Any, threshold: Any, t_max: Any) -> Any:
        print("here I am")
        return RIGHT["01.1"][0](times, weights, threshold, t_max)

    assert check("01.1", chatty) is chatty
    assert "here I am" not in capsys.readouterr().out


def test_a_stub_is_no_mistake(capsys: pytest.CaptureFixture[str]) -> None:
    def stub(*arguments: object) -> None:
        raise NotImplementedError

    assert check("01.1", stub) is find("01.1").reference
    assert "There is no answer yet" in capsys.readouterr().out


def test_a_prediction_is_not_given_away(capsys: pytest.CaptureFixture[str]) -> None:
    check("01.2", lambda: [1, 2, 3, 4])
    assert "7, 10, 10, 5" not in capsys.readouterr().out


def test_entries_that_differ_are_named() -> None:
    rules = {"potential": 0, "unique": -1, "lowest-index": 2, "first-spike": 1}
    verdict = judge_function(find("03.3"), lambda: rules)
    assert verdict.message == "The result differs in 'first-spike' and 'lowest-index'."
    rules.pop("unique")
    assert (
        "The result wants the form dict with" in judge_function(find("03.3"), lambda: rules).message
    )


def test_a_result_in_place_of_a_function_is_noticed(capsys: pytest.CaptureFixture[str]) -> None:
    check("01.1", 7)  # type: ignore[arg-type]
    assert "hand in `my_spike_time` itself, without calling it" in capsys.readouterr().out


def test_the_library_is_no_answer(capsys: pytest.CaptureFixture[str]) -> None:
    for theirs in (bs.latency_code, find("02.1").reference):
        assert check("02.1", theirs) is find("02.1").reference
        assert "the library's function and not yours" in capsys.readouterr().out
    check("02.1", lambda image, t_max: bs.latency_code(image[None], t_max=t_max)[0])
    assert "minibs4nn.latency_code does what this task asks for" in capsys.readouterr().out
    assert bs.latency_code(np.zeros((1, 1), dtype=np.uint8)).tolist() == [[256]]


def test_an_endless_loop_is_stopped(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def endless(*arguments: object) -> None:
        while True:
            with contextlib.suppress(Exception):
                time.sleep(0.01)

    monkeypatch.setattr("minibs4nn.course.SECONDS", 0.2)
    check("01.1", endless)
    assert "did not come to an end within 0.2 seconds" in capsys.readouterr().out


def test_an_answer_cannot_change_the_inputs_of_the_next() -> None:
    def vandal(times: Any, weights: Any, threshold: Any, t_max: Any) -> Any:
        result = RIGHT["01.1"][0](times, weights, threshold, t_max)
        times[:], weights[:] = 0, 0
        return result

    assert judge_function(find("01.1"), vandal).passed


def test_unknown_tasks_are_named() -> None:
    with pytest.raises(ValueError, match=r"no task '03\.9' to check; chapter 03 has 03\.1, "):
        check("03.9", lambda: None)
    with pytest.raises(ValueError, match="chapters 01, 02, 03, 04"):
        check("99.1", lambda: None)
    with pytest.raises(ValueError, match="no exercises for chapter '99'"):
        tasks("99")


def test_require_raises_what_check_says() -> None:
    require("01.1", RIGHT["01.1"][0], seed=5)
    with pytest.raises(AssertionError, match=r"01\.1: You compare with >="):
        require("01.1", WRONG["01.1"][0][1])


def test_the_package_does_not_import_the_exercises() -> None:
    code = (
        "import sys, minibs4nn; print([m for m in sys.modules if 'course' in m or 'grader' in m])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


# Values ------------------------------------------------------------------------------------------


def test_packing_makes_no_difference() -> None:
    for value in ([1, 2.5], (1, 2.5), np.array([1, 2.5]), [np.int16(1), np.float32(2.5)]):
        assert same([1, 2.5], plain(value))
    assert not same([1, 2.5], plain([1]))
    assert not same([1], plain(1))
    assert not same(1, plain(float("nan")))
    assert not same(1, plain(10**400))
    assert same(float("inf"), plain(np.inf))


def test_what_is_no_plain_value_is_refused() -> None:
    endless: list[Any] = []
    endless.append(endless)
    for value in (object(), endless, list(range(200_000)), np.zeros(200_000), {1, 2}, 1j):
        with pytest.raises(TypeError):
            plain(value)


def test_a_value_that_claims_to_be_equal_is_not_believed() -> None:
    class Always(int):
        def __eq__(self, other: object) -> bool:
            return True

        __hash__ = int.__hash__

    assert not same(5, plain(Always(3)))


def test_arguments_survive_the_pipe() -> None:
    arguments = (np.array([[1, 2]], dtype=np.uint8), np.zeros(0), 3, 0.5)
    back = decode_arguments(json.loads(json.dumps(encode_arguments(arguments))))
    for old, new in zip(arguments, back, strict=True):
        first, second = np.asarray(old), np.asarray(new)
        assert first.dtype == second.dtype
        assert np.array_equal(first, second)
        assert first.shape == second.shape


def test_what_a_task_withholds_is_found_whatever_was_imported_before() -> None:
    code = (
        "import sys, minibs4nn; from minibs4nn.course.values import without\n"
        "del sys.modules['minibs4nn.targets']\n"
        "with without(['targets.normalise']):\n"
        "    from minibs4nn.targets import normalise\n"
        "    try: normalise([1.0])\n"
        "    except RuntimeError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("minibs4nn.targets.normalise does what this task asks for")


def test_a_call_survives_every_exception() -> None:
    class BadError(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    def fails() -> None:
        raise BadError

    assert call(fails, ()) == Outcome(error="BadError: ?")
    decode = bs.decode
    with without(["decode"]):
        assert call(decode, ([0],)).error == ""  # the function itself is not spoilt
        assert call(lambda: bs.decode([0]), ()).error.startswith("RuntimeError: minibs4nn.decode")


# Sources and releases ----------------------------------------------------------------------------


@pytest.fixture(scope="session")
def released() -> dict[str, str]:
    return {path.parent.name: text for path, text in exercises.release(SOURCES).items()}


def test_every_chapter_with_tasks_has_a_source() -> None:
    assert [folder.name[:2] for folder in SOURCES] == list(CHAPTERS)


@pytest.mark.parametrize("folder", SOURCES, ids=named)
def test_the_notebook_beside_a_source_is_fresh(folder: Any) -> None:
    assert notebooks.problem(folder / f"{folder.name}.md") is None


@pytest.mark.parametrize("folder", SOURCES, ids=named)
def test_the_release_is_fresh_and_shows_nothing(folder: Any, released: dict[str, str]) -> None:
    target = notebooks.ROOT / "exercises" / folder.name
    assert [path.name for path in target.glob("*.*")] == [f"{folder.name}.ipynb"]
    text = (target / f"{folder.name}.ipynb").read_text("utf8")
    assert text == released[folder.name], "run: make exercises"
    assert exercises.leaks(text) == []
    # Nothing that stands between the markers of the source may stand in the release.
    source = (folder / f"{folder.name}.md").read_text("utf8")
    hidden = re.findall(r"### BEGIN (?:SOLUTION|HIDDEN TESTS)\n(.*?)\s*### END", source, re.S)
    assert len(hidden) >= 2 * len(tasks(folder.name)) - 1
    for line in {line.strip() for part in hidden for line in part.splitlines()}:
        # A hint shows parts of the code; whole solutions are told by their longer lines.
        if len(line) > 60 and line not in hints(source):
            assert json.dumps(line)[1:-1] not in text, line


def hints(source: str) -> str:
    return "\n".join(re.findall(r"<details>.*?</details>", source, re.S)) + "\n".join(
        re.findall(r"^```python\n.*?^```", source, re.S | re.M)
    )


@pytest.mark.parametrize(
    ("planted", "found"),
    [
        ("### END SOLUTION", "END SOLUTION"),
        ("### BEGIN HIDDEN TESTS", "BEGIN HIDDEN TESTS"),
        ('require("01.1", f)', "require("),
        ('"outputs": [\n {', "an output"),
    ],
)
def test_a_leak_is_noticed(planted: str, found: str) -> None:
    assert exercises.leaks(planted) == [found]
    assert exercises.leaks('"outputs": []') == []


@pytest.mark.parametrize("folder", SOURCES, ids=named)
def test_the_notebook_says_what_the_tasks_say(folder: Any) -> None:
    source = (folder / f"{folder.name}.md").read_text("utf8")
    for task in tasks(folder.name):
        stars = "★" * task.stars + "☆" * (3 - task.stars)
        by_hand = ", given by a person" if isinstance(task, OpenTask) else ""
        line = f"{stars} · {task.points} points{by_hand} · {task.minutes} minutes"
        assert f"## {task.key} {task.title}\n\n{line}\n" in source
        part = source.partition(f"## {task.key} ")[2].partition("\n## ")[0]
        if isinstance(task, Task):
            names = re.findall(r"<summary>Hint (\d): (.+?)</summary>", part)
            ladder = ["a nudge", "the formula", "part of the code"]
            assert names == [(str(k + 1), name) for k, name in enumerate(ladder)]
            assert f"def {task.function}({', '.join(task.names())}):" in part
            assert f'check("{task.key}", {task.function})' in part
            assert f"points: {task.points}\n" in part
        else:
            assert "| points | for |" in part
            given = re.findall(r"^\| (\d+) \|", part, re.M)
            assert sum(map(int, given)) == task.points
    n, points = len(tasks(folder.name)), sum(task.points for task in tasks(folder.name))
    assert f"There are {n} tasks, {points} points" in source


@pytest.mark.parametrize("folder", SOURCES, ids=named)
def test_no_two_cells_have_the_same_name(folder: Any) -> None:
    names = grade_ids(folder / f"{folder.name}.ipynb")
    assert len(set(names)) == len(names) == 2 * len(tasks(folder.name)) - 1


def test_an_assignment_is_named_by_its_source_or_its_folder(
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = SOURCES[0]
    for path in (folder, folder / f"{folder.name}.md"):
        assert exercises.main(["--check", str(path)]) == 0
    with pytest.raises(SystemExit):
        exercises.main(["--check", str(folder / "nothing")])
    assert "nothing is no assignment: it has no nothing.md" in capsys.readouterr().err


def test_a_stale_release_is_noticed(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = SOURCES[0]
    release = tmp_path / "exercises" / folder.name / f"{folder.name}.ipynb"
    source = tmp_path / "solutions" / folder.name
    source.mkdir(parents=True)
    monkeypatch.setattr(exercises, "release", lambda folders: {release: "{}"})
    monkeypatch.setattr(notebooks, "problem", lambda page: None)
    assert "is missing; run: python tools/exercises.py" in "".join(exercises.problems([source]))
    release.parent.mkdir(parents=True)
    release.write_text("{ }")
    assert "is not what its source gives" in "".join(exercises.problems([source]))
    release.write_text("{}")
    (release.parent / "solution.md").touch()
    assert "has no source; remove it" in "".join(exercises.problems([source]))
