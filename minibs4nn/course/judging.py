"""What a task is, and how an answer to it is judged.

An answer is a function. It is called on many generated inputs, the small ones first, and compared
with the library. Where it differs, the same inputs are given to functions that are wrong in ways in
which answers typically are. If the answer agrees with one of them, it has its mistake, and the
message can say which.
"""

import inspect
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minibs4nn.course.values import Arguments, Outcome, Plain, call, plain, same, show

__all__ = [
    "Misconception",
    "OpenTask",
    "Task",
    "Verdict",
    "difference",
    "form",
    "judge",
    "judge_function",
]

ATTEMPTS = 300  # inputs per task, but for a task without arguments, which has one


@dataclass(frozen=True)
class Misconception:
    """A typical mistake: a function that makes it, and what to say about it.

    Attributes
    ----------
    function : callable
        Takes the arguments of the task, and is wrong.
    message : str
        What somebody should read whose function does the same.
    """

    function: Callable[..., object]
    message: str


@dataclass(frozen=True)
class Task:
    """An exercise that a program can judge.

    Attributes
    ----------
    key : str
        Chapter and number, such as ``"03.2"``.
    title : str
    function : str
        The name under which a notebook defines the answer.
    points, stars, minutes : int
        What it is worth, how hard it is (1 to 3), and how long it takes.
    reference : callable
        The right answer.
    inputs : callable
        Takes a random generator and yields arguments, as many as one wants.
    misconceptions : tuple of Misconception
    uses : tuple of str
        Names of the library that would be the answer if an answer were allowed to call them.
    """

    key: str
    title: str
    function: str
    points: int
    stars: int
    minutes: int
    reference: Callable[..., Any]
    inputs: Callable[[np.random.Generator], Iterator[Arguments]]
    misconceptions: tuple[Misconception, ...]
    uses: tuple[str, ...] = ()

    def cases(self, seed: int) -> list[Arguments]:
        """Return the inputs of one seed, the smallest first."""
        drawn = self.inputs(np.random.default_rng(seed))
        return sorted((case for _, case in zip(range(ATTEMPTS), drawn, strict=False)), key=_size)

    def names(self) -> tuple[str, ...]:
        """Return the names of the arguments."""
        return tuple(inspect.signature(self.reference).parameters)


@dataclass(frozen=True)
class OpenTask:
    """An exercise that a person judges, by the rubric in the notebook.

    Attributes
    ----------
    key, title : str
    points, stars, minutes : int
    """

    key: str
    title: str
    points: int
    stars: int
    minutes: int


@dataclass(frozen=True)
class Verdict:
    """What is to be said about an answer.

    Attributes
    ----------
    passed : bool
    message : str
        One sentence or two, for the student.
    tried : int
        Number of inputs on which it was called.
    example : dict of str to str
        The smallest input on which it differs (``"input"``), what was ``"expected"``, without the
        letter of a reason, and what it ``"got"``. Of a task without arguments only the last, since
        the others would be its answer. Empty if it passed or was never called.
    """

    passed: bool
    message: str
    tried: int = 0
    example: dict[str, str] = field(default_factory=dict)


def judge(
    task: Task, ask: Callable[[Sequence[Arguments]], Iterable[Outcome]], *, seed: int = 0
) -> Verdict:
    """Judge an answer by what it returns on the inputs of one seed.

    Parameters
    ----------
    task : Task
    ask : callable
        Takes all inputs and gives the outcome for each. In a notebook it calls the function; in
        the grader it asks the student's process.
    seed : int
        Of the inputs.

    Returns
    -------
    Verdict

    Examples
    --------
    >>> from minibs4nn.course.neuron import TASKS
    >>> judge(TASKS[0], lambda cases: [Outcome(0) for case in cases]).passed
    False
    """
    cases = task.cases(seed)
    outcomes: list[Outcome] = []
    for outcome in ask(cases):
        outcomes.append(outcome)
        if outcome.blank:
            return Verdict(False, "There is no answer yet: write one in place of the `raise` line.")
    expected = [plain(task.reference(*case)) for case in cases]
    differs = [
        k for k, (o, e) in enumerate(zip(outcomes, expected, strict=True)) if not o.agrees(e)
    ]
    if not differs:
        return Verdict(True, "Right.", len(cases))
    first = differs[0]
    example = {"got": outcomes[first].error or show(outcomes[first].value)}
    if cases[first]:
        shown = ", ".join(
            f"{name} = {show(plain(value))}"
            for name, value in zip(task.names(), cases[first], strict=True)
        )
        example = {"input": shown, "expected": show(_without_reason(expected[first])), **example}
    message = _diagnosis(task, cases, outcomes, differs) or difference(
        expected[first], outcomes[first]
    )
    return Verdict(False, message, len(cases), example)


def judge_function(task: Task, function: Callable[..., object], *, seed: int = 0) -> Verdict:
    """Judge a function in this process.

    Examples
    --------
    >>> from minibs4nn.course.neuron import TASKS
    >>> judge_function(TASKS[0], TASKS[0].reference).passed
    True
    """
    return judge(task, lambda cases: (call(function, case) for case in cases), seed=seed)


def _diagnosis(
    task: Task, cases: Sequence[Arguments], outcomes: Sequence[Outcome], differs: Sequence[int]
) -> str | None:
    """The message of the misconception that explains every difference, or None.

    One that agrees on all inputs comes before one that agrees only where the answer is wrong.
    """
    rest = sorted(set(range(len(cases))) - set(differs))
    partial = None
    for misconception in task.misconceptions:

        def alike(k: int, function: Callable[..., object] = misconception.function) -> bool:
            return outcomes[k].resembles(call(function, cases[k]))

        if all(map(alike, differs)):  # most disagree at once, and are called no further
            if all(map(alike, rest)):
                return misconception.message
            partial = partial or misconception.message
    return partial


def _without_reason(expected: Plain) -> Plain:
    """An expected value as it may be shown: the reason is the same on all inputs, so it is kept."""
    if isinstance(expected, dict) and "because" in expected:
        return {**expected, "because": "?"}
    return expected


def difference(expected: Plain, outcome: Outcome) -> str:
    """What can be said about a difference that no misconception explains.

    Examples
    --------
    >>> difference([1, 2], Outcome(5))
    'The result wants the form list of 2 (number), yours is number.'
    """
    if outcome.error:
        return "Your function stops with an error."
    if outcome.value is None:
        return "Your function returns nothing: is there a `return` on every way through it?"
    if form(expected) != form(outcome.value):
        return f"The result wants the form {form(expected)}, yours is {form(outcome.value)}."
    if isinstance(expected, dict):
        wrong = [key for key, value in expected.items() if not same(value, outcome.value[key])]
        return f"The result differs in {' and '.join(map(repr, wrong))}."
    return "The result differs."


def form(value: Plain) -> str:
    """Name the form of a value.

    Examples
    --------
    >>> form([[1, 2]]), form({"signs": [1]})
    ('list of 1 (list of 2 (number))', "dict with 'signs'")
    """
    if isinstance(value, list):
        inner = {form(entry) for entry in value}
        kind = inner.pop() if len(inner) == 1 else "value"
        return f"list of {len(value)} ({kind})"
    if isinstance(value, dict):
        return "dict with " + ", ".join(map(repr, sorted(value)))
    return "text" if isinstance(value, str) else "number"


def _size(case: Arguments) -> tuple[int, float]:
    """How large an input is: the number of its entries, then how far they are from 0."""
    arrays = [np.asarray(value, dtype=np.float64) for value in case]
    return sum(a.size for a in arrays), float(sum(np.abs(a).sum() for a in arrays))
