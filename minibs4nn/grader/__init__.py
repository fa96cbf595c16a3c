"""The grader: ``python -m minibs4nn grade exercises/03_forward submissions/``.

A submission runs in a process of its own, shut in as far as the system allows
(:mod:`~minibs4nn.grader.worker`). It is asked for values and nothing else; what is right is decided
on this side of the pipe (:mod:`~minibs4nn.grader.grading`). So a submission that prints a perfect
result, redefines ``check`` or patches the library changes nothing but its own answers.
"""

from minibs4nn.grader.grading import Grade, TaskGrade, grade
from minibs4nn.grader.report import table, write_reports
from minibs4nn.grader.sandbox import Limits

__all__ = ["Grade", "Limits", "TaskGrade", "grade", "table", "write_reports"]
