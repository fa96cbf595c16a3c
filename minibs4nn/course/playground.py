"""The reader's own function under sliders, beside the library's.

What :func:`~minibs4nn.course.check` says of many inputs can here be seen on one: each control is a
number of the input, and the picture shows both results and where they differ. A function that
raises, returns the wrong form or does not end is told so; the controls go on working.
"""

import base64
import contextlib
import html
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import ipywidgets as widgets
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from minibs4nn.course.judging import Task, difference, form
from minibs4nn.course.limits import OutOfTimeError, time_limit
from minibs4nn.course.values import Arguments, Outcome, Plain, call, plain, same, show

__all__ = ["Playground", "Scene"]

SEARCHED = 1000  # settings that are tried to find a difference
SHORT = 12  # entries; of a longer list, the first that differs is told
PRINTED = 2000  # characters of what a function prints
LARGEST = 1e9  # number that is drawn
AGREE, DIFFER = "#009E73", "#D55E00"  # green and vermillion, as in minibs4nn.plot


@dataclass(frozen=True)
class Scene:
    """How a task can be played with.

    Attributes
    ----------
    controls : callable
        Makes sliders. The description of each is its name.
    arguments : callable
        Takes the values of the controls, in a list, and gives the arguments of the task.
    draw : callable
        Takes axes, the arguments, what the library returns, and what the reader's function does:
        None if that cannot be drawn.
    """

    controls: Callable[[], Sequence[Any]]
    arguments: Callable[[list[Any]], Arguments]
    draw: Callable[[Axes, Arguments, Plain, Plain], None]


class Playground(widgets.VBox):
    """Controls, what the reader's function and the library make of them, and a picture.

    Parameters
    ----------
    task : Task
    scene : Scene
    answer : callable
        The reader's function.
    seconds : float
        How long it may take, where the system can interrupt it.

    Attributes
    ----------
    controls : dict of str to ipywidgets controls
        By their names; a cell can read and set the ``value`` of each.
    says : str
        What is to be said of both results.
    agrees : bool
        Whether they are the same.
    """

    def __init__(
        self, task: Task, scene: Scene, answer: Callable[..., Any], *, seconds: float = 20.0
    ) -> None:
        self._task, self._scene, self._answer, self._seconds = task, scene, answer, seconds
        self._rng, self._held = np.random.default_rng(0), False
        self.controls = {control.description: control for control in scene.controls()}
        self._start = self._values()
        self._shown = widgets.HTML()
        search = widgets.Button(description="Find a difference")
        search.on_click(lambda _: self.search())
        reset = widgets.Button(description="Start again")
        reset.on_click(lambda _: self._set(self._start))
        for control in self.controls.values():
            control.observe(self._moved, "value")
        rows = widgets.Layout(flex_flow="row wrap")
        sliders = widgets.Box(list(self.controls.values()), layout=rows)
        super().__init__([sliders, widgets.HBox([search, reset]), self._shown])
        self._update()

    def __repr__(self) -> str:
        """Say what is shown, since many readers of a text cannot see it."""
        return f"{self._task.key} with sliders, in Jupyter. {self.says}"

    def search(self) -> bool:
        """Go to a setting in which the two results differ; return whether one was found."""
        for _ in range(SEARCHED):
            values = {
                name: self._rng.choice(_settings(c)).item() for name, c in self.controls.items()
            }
            expected, outcome, _ = self._try(values)
            if not outcome.agrees(expected):
                self._set(values)
                return True
        self._update(f"In {SEARCHED:,} settings, drawn at random, no difference was found.")
        return False

    def _values(self) -> dict[str, Any]:
        return {name: control.value for name, control in self.controls.items()}

    def _moved(self, change: object) -> None:
        if not self._held:
            self._update()

    def _set(self, values: Mapping[str, Any]) -> None:
        """Move all controls, and show only where this ends."""
        self._held = True
        for name, value in values.items():
            self.controls[name].value = value
        self._held = False
        self._update()

    def _try(self, values: Mapping[str, Any]) -> tuple[Plain, Outcome, str]:
        """What the library returns, what the reader's function comes to, and what it prints."""
        arguments = self._scene.arguments(list(values.values()))
        expected, printed = plain(self._task.reference(*arguments)), io.StringIO()
        try:
            with time_limit(self._seconds), contextlib.redirect_stdout(printed):
                return expected, call(self._answer, arguments), printed.getvalue()
        except (OutOfTimeError, KeyboardInterrupt):
            error = "TimeoutError: it did not come to an end. Does every loop in it end?"
            return expected, Outcome(error=error), printed.getvalue()

    def _update(self, note: str = "") -> None:
        """Try the function on the values of the controls, and show what it comes to."""
        expected, outcome, printed = self._try(self._values())
        self.agrees = outcome.agrees(expected)
        self.says = f"{_say(expected, outcome)} {note}".strip()
        figure = Figure(figsize=(6.4, 3.4), layout="constrained")
        arguments = self._scene.arguments(list(self._values().values()))
        own = outcome.value if _fits(expected, outcome) else None
        self._scene.draw(figure.add_subplot(), arguments, expected, own)
        picture = io.BytesIO()
        figure.savefig(picture, format="svg")
        source = base64.b64encode(picture.getvalue()).decode()
        says, colour = html.escape(self.says), AGREE if self.agrees else DIFFER
        self._shown.value = (
            f'<p role="status" style="border-left: 0.4em solid {colour}; padding-left: 0.6em; '
            f'line-height: 1.4">{says}</p>'
            + (f"<pre>{html.escape(printed[:PRINTED])}</pre>" if printed else "")
            + f'<img alt="{says}" src="data:image/svg+xml;base64,{source}" '
            'style="width: 100%; max-width: 45em">'
        )


def _say(expected: Plain, outcome: Outcome) -> str:
    """What is to be said of both results, in a sentence or two."""
    got, listed = outcome.value, isinstance(expected, list) and len(expected) > SHORT
    theirs = f"a list of {len(expected)}" if listed else show(expected)
    if outcome.blank:
        return f"There is no answer yet. The library's is {theirs}."
    if outcome.agrees(expected):
        return f"Yours and the library's are the same: {theirs}."
    if outcome.error:
        return f"{difference(expected, outcome)} {outcome.error}. The library returns {theirs}."
    if listed and form(got) == form(expected):
        wrong = [k for k, pair in enumerate(zip(expected, got, strict=True)) if not same(*pair)]
        return (
            f"The result differs in {len(wrong)} of {len(expected)} entries. Entry {wrong[0]} of "
            f"yours is {show(got[wrong[0]])}, the library's {show(expected[wrong[0]])}."
        )
    return f"{difference(expected, outcome)} Yours is {show(got)}, the library's {theirs}."


def _fits(expected: Plain, outcome: Outcome) -> bool:
    """Whether a result can be drawn in the place of the expected one."""

    def numbers(value: Plain) -> bool:
        if isinstance(value, (list, dict)):
            return all(map(numbers, value.values() if isinstance(value, dict) else value))
        return isinstance(value, (int, float)) and abs(value) < LARGEST  # no infinity, no NaN

    return not outcome.error and form(expected) == form(outcome.value) and numbers(outcome.value)


def _settings(control: Any) -> list[Any]:
    """All values that a slider can have."""
    if isinstance(control, widgets.SelectionSlider):
        return list(control.options)
    steps = round((control.max - control.min) / control.step)
    return [control.min + k * control.step for k in range(steps + 1)]
