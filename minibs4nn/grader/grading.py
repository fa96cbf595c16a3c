"""Points for submissions: the verdicts are reached here, from values, far from the student."""

import os
import secrets
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from minibs4nn._checks import is_whole
from minibs4nn.course import tasks
from minibs4nn.course.judging import OpenTask, Task, Verdict, judge
from minibs4nn.course.values import Arguments, Outcome
from minibs4nn.grader.sandbox import Limits, Sandbox, StoppedError
from minibs4nn.grader.submission import Submission, find_submissions, read

__all__ = ["Grade", "TaskGrade", "grade", "grade_submission"]


@dataclass(frozen=True)
class TaskGrade:
    """Points and feedback for one task.

    Attributes
    ----------
    key, title : str
    points : int or None
        None: a person has to give them.
    maximum : int
    message : str
    example : dict of str to str
        The smallest input on which the answer differs, what was expected, what it got.
    text : str
        Of an open task: what the student wrote.
    """

    key: str
    title: str
    points: int | None
    maximum: int
    message: str
    example: dict[str, str] = field(default_factory=dict)
    text: str = ""


@dataclass(frozen=True)
class Grade:
    """Points and feedback for one submission.

    Attributes
    ----------
    name, file : str
    tasks : tuple of TaskGrade
    notes : tuple of str
        For the instructor.
    isolation : dict of str to bool
        What the system granted: see :class:`~minibs4nn.grader.sandbox.Sandbox`.
    """

    name: str
    file: str
    tasks: tuple[TaskGrade, ...]
    notes: tuple[str, ...] = ()
    isolation: dict[str, bool] = field(default_factory=dict)

    @property
    def points(self) -> int:
        """Points given so far."""
        return sum(task.points or 0 for task in self.tasks)

    @property
    def maximum(self) -> int:
        """Points that a program could have given."""
        return sum(task.maximum for task in self.tasks if task.points is not None)

    @property
    def by_hand(self) -> int:
        """Points that are still to be given by a person."""
        return sum(task.maximum for task in self.tasks if task.points is None)

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain data."""
        totals = {"points": self.points, "maximum": self.maximum, "by_hand": self.by_hand}
        return {**asdict(self), **totals}


def grade(
    assignment: str,
    paths: Sequence[str | os.PathLike[str]],
    *,
    seed: int | None = None,
    limits: Limits | None = None,
    jobs: int = 1,
    hidden: Sequence[str | os.PathLike[str]] = (),
    progress: Callable[[Grade], None] | None = None,
) -> tuple[int, list[Grade]]:
    """Grade notebooks, each in a process of its own.

    Parameters
    ----------
    assignment : str
        The chapter, such as ``"03"`` or ``"exercises/03_forward"``.
    paths : sequence of str or path-like
        Notebooks, or folders of them.
    seed : int, 0 or more, optional
        Of the inputs, the same for all submissions; drawn if it is not given, since one that is
        known beforehand could be prepared for.
    limits : Limits, optional
        For each submission.
    jobs : int, 1 or more
        How many to grade at a time.
    hidden : sequence of str or path-like
        What submissions must not see, beside one another.
    progress : callable, optional
        Called with each grade.

    Returns
    -------
    seed : int
    grades : list of Grade
        In the order in which the submissions were found.

    Raises
    ------
    ValueError
        If there is no such chapter, or ``seed`` or ``jobs`` is no such number.
    TypeError
        If ``paths`` or ``hidden`` is a path, and not a sequence of them.
    FileNotFoundError
        If there is nothing to grade.
    """
    known = tasks(Path(assignment).name)
    if seed is not None and (not is_whole(seed) or seed < 0):
        raise ValueError(f"grade: seed must be a whole number from 0, or None, got {seed!r}")
    if not is_whole(jobs) or jobs < 1:
        raise ValueError(f"grade: jobs must be a whole number from 1, got {jobs!r}")
    others = _paths("hidden", hidden)
    found = list(find_submissions(_paths("paths", paths)))
    if not found:
        raise FileNotFoundError("grade: no paths were given; name notebooks, or folders of them")
    chosen = secrets.randbelow(2**31) if seed is None else int(seed)
    functions = [task.function for task in known if isinstance(task, Task)]
    open_keys = [task.key for task in known if isinstance(task, OpenTask)]
    unseen = [*others, *(path for _, path in found)]

    def one(entry: tuple[str, Path]) -> Grade:
        submission = read(*entry, functions, open_keys)
        graded = grade_submission(
            submission, known, seed=chosen, limits=limits or Limits(), hidden=unseen
        )
        if progress is not None:
            progress(graded)
        return graded

    with ThreadPoolExecutor(max_workers=jobs) as pool:
        return chosen, list(pool.map(one, found))


def _paths(name: str, paths: Sequence[str | os.PathLike[str]]) -> list[Path]:
    """Paths as Path. One alone is refused: a text would be taken for a sequence of letters."""
    if isinstance(paths, str | os.PathLike):
        text = os.fspath(paths)
        raise TypeError(f"grade: {name} must be a list of paths, got {text!r}; write [{text!r}]")
    return [Path(path) for path in paths]


def grade_submission(
    submission: Submission,
    known: Sequence[Task | OpenTask],
    *,
    seed: int,
    limits: Limits,
    hidden: Sequence[Path] = (),
) -> Grade:
    """Grade one submission.

    Parameters
    ----------
    submission : Submission
    known : sequence of Task and OpenTask
    seed : int
    limits : Limits
    hidden : sequence of Path
        What its process must not see.

    Returns
    -------
    Grade
    """
    file = str(submission.path)
    if submission.problem:
        failed = tuple(
            TaskGrade(task.key, task.title, 0, task.points, f"Not read: {submission.problem}.")
            for task in known
        )
        return Grade(submission.name, file, failed, (submission.problem,))
    functions = [task.function for task in known if isinstance(task, Task)]
    graded = []
    with Sandbox(submission.cells, functions, limits, hidden) as sandbox:
        for task in known:
            if isinstance(task, OpenTask):
                graded.append(_open(task, submission))
                continue
            verdict = _verdict(task, sandbox, submission.cells, seed)
            points = task.points if verdict.passed else 0
            graded.append(
                TaskGrade(
                    task.key, task.title, points, task.points, verdict.message, verdict.example
                )
            )
        stopped = [f"code cell {n + 1}: {error}" for n, error in sorted(sandbox.errors.items())]
        notes = (*submission.notes, *stopped)
        return Grade(submission.name, file, tuple(graded), notes, sandbox.isolation)


def _open(task: OpenTask, submission: Submission) -> TaskGrade:
    text = submission.texts.get(task.key, "")
    message = "A person gives these points, by the rubric in the notebook."
    return TaskGrade(task.key, task.title, None, task.points, message, text=text)


def _verdict(task: Task, sandbox: Sandbox, cells: Sequence[str], seed: int) -> Verdict:
    def ask(cases: Sequence[Arguments]) -> list[Outcome]:
        return sandbox.ask(task.function, cases, task.uses)

    try:
        sandbox.start()
        if task.function not in sandbox.defined:
            return Verdict(False, _missing(task.function, cells, sandbox.errors))
        return judge(task, ask, seed=seed)
    except StoppedError as error:
        return Verdict(False, str(error))


def _missing(function: str, cells: Sequence[str], errors: dict[int, str]) -> str:
    """Why a function is not there, as far as the cells tell."""
    for number, source in enumerate(cells):
        if f"def {function}" in source and number in errors:
            return f"Code cell {number + 1}, which defines {function}, stops: {errors[number]}"
    return f"The notebook defines no function {function}."
