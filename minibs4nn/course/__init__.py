"""The exercises of the course: :func:`check` tells whether an answer is right, and if not, why.

One module per chapter holds its tasks: the right answer, inputs to try it on, and the mistakes that
are typical, each with what to say about it.
"""

import contextlib
import importlib
import io
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from minibs4nn.course.judging import OpenTask, Task, Verdict, judge
from minibs4nn.course.limits import OutOfTimeError, time_limit
from minibs4nn.course.values import Arguments, Outcome, call, without

if TYPE_CHECKING:
    from minibs4nn.course.playground import Playground

__all__ = ["CHAPTERS", "check", "find", "play", "require", "tasks"]

CHAPTERS = {
    "01": "neuron",
    "02": "coding",
    "03": "forward",
    "04": "targets",
    "05": "backprop",
    "06": "training",
    "07": "binary",
    "08": "bs4nn",
    "09": "one_bit",
    "10": "cpu",
    "11": "gpu",
    "12": "reproducing",
    "13": "decision",
    "14": "beyond",
}
SECONDS = 20.0


def tasks(chapter: str) -> tuple[Task | OpenTask, ...]:
    """The tasks of a chapter, such as ``"03"`` or ``"03_forward"``.

    Raises
    ------
    ValueError
        If the chapter has no exercises.

    Examples
    --------
    >>> [task.key for task in tasks("01")]
    ['01.1', '01.2', '01.3', '01.4', '01.5']
    """
    module = CHAPTERS.get(str(chapter)[:2])
    if module is None:
        raise ValueError(
            f"tasks: no exercises for chapter {chapter!r}; there are {_list(CHAPTERS)}"
        )
    found: tuple[Task | OpenTask, ...] = importlib.import_module(f"minibs4nn.course.{module}").TASKS
    return found


def find(key: str) -> Task:
    """The task of that key, such as ``"03.2"``.

    Raises
    ------
    ValueError
        If there is none that a program can judge.

    Examples
    --------
    >>> find("01.1").function
    'my_spike_time'
    """
    known = {
        task.key: task
        for task in (tasks(str(key)[:2]) if str(key)[:2] in CHAPTERS else ())
        if isinstance(task, Task)
    }
    if key not in known:
        near = (
            f"chapter {str(key)[:2]} has {_list(known)}" if known else f"chapters {_list(CHAPTERS)}"
        )
        raise ValueError(f"check: there is no task {key!r} to check; {near}")
    return known[key]


def check(key: str, answer: Callable[..., Any]) -> Callable[..., Any]:
    """Try an answer on many inputs, say what is wrong with it, and return a right one.

    Parameters
    ----------
    key : str
        The task, such as ``"03.2"``.
    answer : callable
        Your function. What it prints while it is tried is not shown.

    Returns
    -------
    callable
        ``answer`` if it is right, and otherwise the library's, so that the notebook goes on.

    Raises
    ------
    ValueError
        If there is no such task.

    Notes
    -----
    An answer that does not come to an end is stopped after 20 seconds, where the system can
    interrupt it: not on Windows, not outside the main thread, and not within compiled code.

    Examples
    --------
    >>> def my_spike_time(times, weights, threshold, t_max):
    ...     for t in range(t_max):
    ...         if weights[times <= t].sum() >= threshold:
    ...             return t + 1
    ...     return t_max
    >>> spike_time = check("01.1", my_spike_time)  # doctest: +ELLIPSIS
    01.1 is not right yet.
    You compare with >=: a neuron fires when the potential *exceeds* the threshold; to ...
    The smallest of 300 inputs on which yours differs:
        times = [], weights = [], threshold = 0, t_max = 2
        expected  2
        got       1
    From here on the notebook uses the library's function.
    """
    task = find(key)
    verdict = _verdict(task, answer, seed=0)
    if verdict.passed:
        inputs = f", on all {verdict.tried} inputs that were tried" if verdict.tried > 1 else ""
        print(f"{key} is right{inputs}.")
        return answer
    print(f"{key} is not right yet.\n{verdict.message}")
    if verdict.example:
        if "input" in verdict.example:
            print(f"The smallest of {verdict.tried} inputs on which yours differs:")
            print(f"    {verdict.example['input']}\n    expected  {verdict.example['expected']}")
        print(f"    got       {verdict.example['got']}")
    print("From here on the notebook uses the library's function.")
    return task.reference


def play(key: str, answer: Callable[..., Any]) -> "Playground | None":
    """Put an answer under sliders, beside the library's, in Jupyter.

    Each slider is a number of the input. A picture shows what the two functions make of it, and
    marks where they differ. The button *Find a difference* moves the sliders to such a place.

    Parameters
    ----------
    key : str
        The task: 01.1, 02.1, 02.3, 03.1, 03.2, 04.1 or 07.1.
    answer : callable
        Your function. If it stops with an error, the widget says so, and what it prints is shown.

    Returns
    -------
    Playground or None
        As the last line of a cell it is shown. Its ``controls`` can be set from a cell. None where
        ipywidgets or Matplotlib is missing: it says so, and the notebook goes on.

    Raises
    ------
    ValueError
        If there is no such task, or nothing to play with in it.

    Examples
    --------
    >>> def my_spike_time(times, weights, threshold, t_max):
    ...     for t in range(t_max):
    ...         if weights[times <= t].sum() >= threshold:
    ...             return t + 1
    ...     return t_max
    >>> neuron = play("01.1", my_spike_time)
    >>> neuron.says
    "Yours and the library's are the same: 7."
    >>> neuron.controls["threshold"].value = 3
    >>> neuron.says
    "The result differs. Yours is 4, the library's 7."
    """
    task = find(key)
    try:
        from minibs4nn.course.playground import Playground
        from minibs4nn.course.scenes import SCENES
    except ModuleNotFoundError as error:
        missing = str(error.name).partition(".")[0]
        if missing not in {"ipywidgets", "matplotlib"}:
            raise
        print(f"To play you need {missing}: pip install 'minibs4nn[figures,plot]'")
        return None
    if key not in SCENES:
        raise ValueError(
            f"play: there is nothing to play with in task {key}, but in {_list(SCENES)}"
        )
    return Playground(task, SCENES[key], answer, seconds=SECONDS)


def require(key: str, answer: Callable[..., Any], *, seed: int = 0) -> None:
    """Raise an error if an answer is wrong: the test that nbgrader runs.

    Parameters
    ----------
    key : str
        The task, such as ``"03.2"``.
    answer : callable
    seed : int
        Of the inputs; another one than that of :func:`check`.

    Raises
    ------
    AssertionError
        If the answer is wrong; it says what :func:`check` would say.
    ValueError
        If there is no such task.

    Examples
    --------
    >>> require("01.1", find("01.1").reference)
    Traceback (most recent call last):
    AssertionError: 01.1: This is the library's function and not yours.
    """
    verdict = _verdict(find(key), answer, seed=seed)
    if not verdict.passed:
        lines = [f"{key}: {verdict.message}", *(f"{k}: {v}" for k, v in verdict.example.items())]
        raise AssertionError("\n".join(lines))


def _verdict(task: Task, answer: object, *, seed: int) -> Verdict:
    if not callable(answer):
        return Verdict(
            False,
            f"The answer is a function, and this is a {type(answer).__name__}: hand in "
            f"`{task.function}` itself, without calling it.",
        )
    if answer is task.reference or _of_the_library(answer):
        return Verdict(False, "This is the library's function and not yours.")
    at_work: list[Arguments] = []

    def ask(cases: Sequence[Arguments]) -> Iterator[Outcome]:
        for case in cases:
            at_work[:] = [case]
            with without(task.uses):
                outcome = call(answer, case)
            yield outcome

    try:
        with time_limit(SECONDS), contextlib.redirect_stdout(io.StringIO()):
            return judge(task, ask, seed=seed)
    except OutOfTimeError:
        shown = ", ".join(
            f"{name} = {value!r}" for name, value in zip(task.names(), at_work[0], strict=True)
        )
        return Verdict(
            False,
            f"Your function did not come to an end within {SECONDS:g} seconds. It was working on "
            f"{shown}. Does every loop in it end?",
        )


def _of_the_library(answer: object) -> bool:
    """Whether an answer is a function that a module of the library holds under its name."""
    module = str(getattr(answer, "__module__", ""))
    name = str(getattr(answer, "__name__", ""))
    return module.startswith("minibs4nn.") and answer is getattr(
        sys.modules.get(module), name, None
    )


def _list(names: Iterable[str]) -> str:
    return ", ".join(names)
