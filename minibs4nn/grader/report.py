"""What the grader hands out: a table, a JSON file, and a page of feedback for each student."""

import html
import os
import re
from collections.abc import Sequence
from pathlib import Path

import minibs4nn
from minibs4nn.files import atomic_write, write_json
from minibs4nn.grader.grading import Grade, TaskGrade

__all__ = ["feedback_page", "table", "write_reports"]

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem;
       color: #222; background: #fff; }
h2 { margin: 2rem 0 .3rem; font-size: 1.1rem; }
pre { background: #f3f3f3; padding: .6rem .8rem; overflow-x: auto; white-space: pre-wrap; }
.full { color: #00603c; } .none { color: #a02000; } .open { color: #444; }
"""


def table(grades: Sequence[Grade]) -> str:
    """All points as text, one line per submission.

    Examples
    --------
    >>> from minibs4nn.grader import Grade, TaskGrade
    >>> done = TaskGrade("03.1", "A layer", 4, 4, "Right.")
    >>> print(table([Grade("alice", "alice.ipynb", (done,))]))
    submission  03.1  points
    alice          4     4/4
    """
    keys = [task.key for task in grades[0].tasks] if grades else []
    rows = [["submission", *keys, "points"]]
    for grade in grades:
        points = ["-" if task.points is None else str(task.points) for task in grade.tasks]
        by_hand = f" + {grade.by_hand} by hand" if grade.by_hand else ""
        rows.append([_printable(grade.name), *points, f"{grade.points}/{grade.maximum}{by_hand}"])
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    return "\n".join(
        "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]) for row in rows
    )


def write_reports(
    folder: str | os.PathLike[str], assignment: str, seed: int, grades: Sequence[Grade]
) -> list[Path]:
    """Write ``grades.json`` and ``feedback/NAME.html`` for every submission.

    Parameters
    ----------
    folder : str or path-like
        Made if it is not there.
    assignment : str
    seed : int
        With which the same verdicts come out again.
    grades : sequence of Grade

    Returns
    -------
    list of Path
        What was written.
    """
    place = Path(folder)
    pages = place / "feedback"
    pages.mkdir(parents=True, exist_ok=True)
    record = {
        "assignment": assignment,
        "seed": seed,
        "version": minibs4nn.__version__,
        "submissions": [grade.as_dict() for grade in grades],
    }
    written = [place / "grades.json"]
    write_json(written[0], record)
    taken: set[str] = set()
    for grade in grades:
        stem = re.sub(r"[^\w .()-]", "_", grade.name).strip(". ")[:100] or "submission"
        while stem.lower() in taken:
            stem += "_"
        taken.add(stem.lower())
        written.append(pages / f"{stem}.html")
        with atomic_write(written[-1]) as file:
            file.write(feedback_page(assignment, grade).encode("utf8", errors="replace"))
    return written


def feedback_page(assignment: str, grade: Grade) -> str:
    """One student's feedback as a page of its own; what the student wrote is shown as text."""
    by_hand = f", and {grade.by_hand} more from a person" if grade.by_hand else ""
    title = html.escape(f"{assignment}: {grade.name}")
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{title}</title><style>{STYLE}</style></head><body>\n<h1>{title}</h1>\n"
        f"<p>{grade.points} of {grade.maximum} points{by_hand}.</p>\n"
        + "".join(map(_section, grade.tasks))
        + "</body></html>\n"
    )


def _section(task: TaskGrade) -> str:
    points, kind = f"{task.points} of {task.maximum} points", "full" if task.points else "none"
    if task.points is None:
        points, kind = f"{task.maximum} points, by hand", "open"
    parts = [
        f'<h2>{html.escape(f"{task.key} {task.title}")} <span class="{kind}">{points}</span></h2>',
        f"<p>{html.escape(task.message)}</p>",
    ]
    if task.example:
        lines = [f"{name:9} {text or 'none'}" for name, text in task.example.items()]
        parts.append(f"<pre>{html.escape(chr(10).join(lines))}</pre>")
    if task.text:
        parts.append(f"<pre>{html.escape(task.text)}</pre>")
    return "\n".join(parts) + "\n"


def _printable(text: str) -> str:
    """Without what could move a terminal's cursor."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)
