"""The reader's own function under sliders: right, wrong, raising, endless, of the wrong form."""

import importlib
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from course_answers import RIGHT, WRONG

pytest.importorskip("ipywidgets", reason="the sliders are an extra: minibs4nn[figures]")
from minibs4nn.course import find, play
from minibs4nn.course.playground import Playground
from minibs4nn.course.scenes import SCENES

importlib.import_module("course_answers_05_07")  # enters its answers
ROOT = Path(__file__).resolve().parent.parent


def sliders(key: str, answer: Callable[..., Any]) -> Playground:
    """The widget that a cell shows."""
    playground = play(key, answer)
    assert playground is not None
    return playground


def shown(playground: Playground) -> str:
    """The sentence, and below it what was printed and the picture."""
    text: str = playground.children[-1].value
    assert 'alt="' in text
    assert "data:image/svg+xml;base64," in text
    return text


def late(times: Any, weights: Any, threshold: Any, t_max: Any) -> Any:
    """A neuron that is right but for one step."""
    return min(RIGHT["01.1"][0](times, weights, threshold, t_max) + 1, t_max)


@pytest.mark.parametrize("key", SCENES)
def test_a_right_answer_agrees_wherever_the_sliders_stand(
    key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("minibs4nn.course.playground.SEARCHED", 50)
    playground = sliders(key, RIGHT[key][0])
    assert playground.agrees
    assert playground.says.startswith("Yours and the library's are the same: ")
    assert "differs" not in shown(playground).partition("<img")[0]
    assert not playground.search()
    assert "In 50 settings, drawn at random, no difference was found." in shown(playground)


@pytest.mark.parametrize("key", SCENES)
def test_a_difference_is_found_and_marked(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    marks: list[bool] = []
    draw = SCENES[key].draw

    def watched(ax: Any, arguments: Any, expected: Any, got: Any) -> None:
        draw(ax, arguments, expected, got)
        # A bar to what was missed, or crosses on the pixels of a picture.
        crosses = any(found.get_label() == "differs" for found in ax.collections)
        marks.append(crosses or any(line.get_linewidth() == 4 for line in ax.lines))

    scene = type(SCENES[key])(SCENES[key].controls, SCENES[key].arguments, watched)
    for answer, expected in ((RIGHT[key][0], False), (WRONG[key][0][1], True)):
        playground = Playground(find(key), scene, answer)
        if expected:
            assert playground.search()
            assert "differs" in playground.says
        assert playground.agrees is not expected
        assert marks[-1] is expected


@pytest.mark.parametrize("key", SCENES)
def test_every_control_changes_what_is_shown(key: str) -> None:
    playground = sliders(key, RIGHT[key][0])
    before = {shown(playground)}
    for name, control in playground.controls.items():
        ends = control.options if name == "window" else (control.min, control.max)
        control.value = ends[0] if control.value == ends[-1] else ends[-1]
        assert shown(playground) not in before, name
        before.add(shown(playground))
    assert playground.agrees


def test_sliders_call_the_function_with_what_they_say() -> None:
    calls: list[list[int]] = []

    def watched(times: Any, weights: Any, threshold: Any, t_max: Any) -> int:
        calls.append([*times.tolist(), *weights.tolist(), threshold, t_max])
        return int(RIGHT["01.1"][0](times, weights, threshold, t_max))

    neuron = sliders("01.1", watched)
    neuron.controls["A arrives"].value = 4
    neuron.controls["weight C"].value = 6
    neuron.controls["threshold"].value = 12
    assert calls == [
        [3, 6, 9, 3, 4, -3, 5, 12],
        [4, 6, 9, 3, 4, -3, 5, 12],
        [4, 6, 9, 3, 4, 6, 5, 12],
        [4, 6, 9, 3, 4, 6, 12, 12],
    ]
    assert neuron.says == "Yours and the library's are the same: 10."
    neuron.children[1].children[1].click()  # Start again: all sliders, and one call
    assert calls[-1] == calls[0]
    assert len(calls) == 5


def test_off_by_one_is_said_in_numbers() -> None:
    neuron = sliders("01.1", late)
    assert neuron.says == "The result differs. Yours is 8, the library's 7."
    neuron.controls["threshold"].value = 12  # silent: no later than that
    assert neuron.says == "Yours and the library's are the same: 12."
    neuron.children[1].children[0].click()  # Find a difference
    assert repr(neuron).startswith("01.1 with sliders, in Jupyter. The result differs. ")


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        (None, "Your function returns nothing"),
        ([7], "The result wants the form number, yours is list of 1 (number)."),
        ("7", "The result wants the form number, yours is text."),
        (float("nan"), "The result differs. Yours is nan, the library&#x27;s 7."),
        (float("inf"), "The result differs. Yours is inf"),
        (10**400, "The result differs."),
        (-(10**6), "Yours is -1000000"),
        (6.5, "Yours is 6.5"),
        ({1, 2}, "Your function stops with an error. TypeError: a set, which is no number"),
        (Ellipsis, "TypeError: a ellipsis, which is no number"),
    ],
)
def test_whatever_it_returns_the_widget_stays_whole(returned: Any, message: str) -> None:
    assert message in shown(sliders("01.1", lambda *arguments: returned))


@pytest.mark.parametrize("key", SCENES)
def test_a_wrong_form_is_named_and_not_drawn(key: str) -> None:
    for returned in ([[1, 2], [3]], {"signs": 5}):
        playground = sliders(key, lambda *arguments, it=returned: it)
        assert "The result " in shown(playground)
        assert not playground.agrees


def test_an_error_is_a_sentence_and_the_sliders_go_on() -> None:
    def fails(times: Any, weights: Any, threshold: Any, t_max: Any) -> Any:
        print("<b>threshold</b>", threshold)
        return 7 if threshold == 5 else times[99]

    neuron = sliders("01.1", fails)
    assert neuron.agrees
    neuron.controls["threshold"].value = 6
    text = shown(neuron)
    assert "Your function stops with an error. IndexError: index 99 is out of bounds" in text
    assert "The library returns 7." in text
    assert "<pre>&lt;b&gt;threshold&lt;/b&gt; 6\n</pre>" in text  # what it printed, as text
    neuron.controls["threshold"].value = 5
    assert neuron.agrees


def test_an_answer_that_is_not_written_yet() -> None:
    def my_decision(spike_times: Any, potential: Any, t_max: Any) -> Any:
        raise NotImplementedError

    assert sliders("03.2", my_decision).says == "There is no answer yet. The library's is 1."


def test_an_endless_loop_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    def endless(*arguments: object) -> None:
        while True:
            time.sleep(0.01)

    monkeypatch.setattr("minibs4nn.course.SECONDS", 0.2)
    assert "did not come to an end. Does every loop in it end?" in shown(sliders("01.1", endless))


def test_a_long_result_is_told_by_its_first_difference() -> None:
    def wrong(image: Any, t_max: int) -> Any:
        times = RIGHT["02.1"][0](image, t_max)
        times[7] = 1
        return times

    picture = sliders("02.1", wrong)
    assert picture.says == (
        "The result differs in 1 of 784 entries. Entry 7 of yours is 1, the library's 16."
    )


def test_an_answer_cannot_change_what_is_drawn() -> None:
    def vandal(times: Any, weights: Any, threshold: Any, t_max: Any) -> Any:
        times[:] = 0
        return np.int64(7)

    assert sliders("01.1", vandal).agrees


def test_tasks_without_sliders_are_named() -> None:
    with pytest.raises(ValueError, match=r"nothing to play with in task 01\.2, but in 01\.1, 02"):
        sliders("01.2", lambda: None)
    assert f"The task: {', '.join(SCENES)}." in re.sub(
        r" or (\S+)\.", r", \1.", re.sub(r"\s+", " ", str(play.__doc__))
    )


def test_notebooks_play_with_the_function_of_the_task() -> None:
    for key in SCENES:
        [source] = (ROOT / "solutions").glob(f"{key[:2]}_*/*.md")
        part = source.read_text("utf8").partition(f"## {key} ")[2].partition("\n## ")[0]
        assert f'```{{code-cell}} ipython3\nplay("{key}", {find(key).function})\n```' in part


@pytest.mark.parametrize("missing", ["ipywidgets", "matplotlib"])
def test_what_is_missing_is_said_with_how_to_install_it(missing: str) -> None:
    code = (
        f"import sys; sys.modules[{missing!r}] = None\n"
        "from minibs4nn.course import check, play\n"
        "print(play('01.1', print))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    need = f"To play you need {missing}: pip install 'minibs4nn[figures,plot]'"
    assert done.stdout == f"{need}\nNone\n"


def test_the_grader_does_not_draw() -> None:
    from minibs4nn.grader.sandbox import CHECK

    names: dict[str, Callable[..., object]] = {}
    exec(CHECK, names)
    assert names["play"]("01.1", late) is None
    assert names["check"]("01.1", late) is late
