"""The releases in nbgrader itself: generated, handed in, graded, with feedback, in one process."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from notebooks import ROOT

import exercises
from minibs4nn.course import tasks
from minibs4nn.course.judging import Task

ASSIGNMENT = "01_neuron"
SOURCE = ROOT / "solutions" / ASSIGNMENT / f"{ASSIGNMENT}.ipynb"
RELEASE = ROOT / "exercises" / ASSIGNMENT / f"{ASSIGNMENT}.ipynb"
SOLVED = ("01.1", "01.3")  # by the student who has done a part


def handed_in(solved: tuple[str, ...]) -> str:
    """The release, with the answers to some tasks taken from the source."""
    release, source = (json.loads(path.read_text("utf8")) for path in (RELEASE, SOURCE))
    answers = {f"answer-{key.replace('.', '_')}" for key in solved}
    for ours, theirs in zip(release["cells"], source["cells"], strict=True):
        if ours["metadata"].get("nbgrader", {}).get("grade_id") in answers:
            ours["source"] = theirs["source"]
    return json.dumps(release)


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """A course of one assignment and three students, as an instructor has it."""
    root = tmp_path_factory.mktemp("course")
    shutil.copytree(SOURCE.parent, root / "solutions" / ASSIGNMENT)
    nbgrader = exercises.api(root)
    done = nbgrader.generate_assignment(ASSIGNMENT)
    assert done["success"], done["log"]
    everything = tuple(task.key for task in tasks("01"))
    for student, solved in {"all": everything, "part": SOLVED, "none": ()}.items():
        folder = root / "build" / "submitted" / student / ASSIGNMENT
        folder.mkdir(parents=True)
        (folder / RELEASE.name).write_text(handed_in(solved), "utf8")
    return root, nbgrader


@pytest.mark.filterwarnings("ignore")  # nbgrader's own
def test_solution_release_and_a_part_get_what_they_deserve(course: tuple[Path, Any]) -> None:
    """The commands are those of the page for instructors, each a method of nbgrader's interface."""
    root, nbgrader = course
    assert (root / "exercises" / ASSIGNMENT / RELEASE.name).read_text() == RELEASE.read_text()
    worth = {task.key: task.points for task in tasks("01")}
    judged = sum(task.points for task in tasks("01") if isinstance(task, Task))
    for student, points in {
        "all": judged,
        "part": sum(worth[k] for k in SOLVED),
        "none": 0,
    }.items():
        done = nbgrader.autograde(ASSIGNMENT, student)
        assert done["success"], done["log"]
        graded = nbgrader.get_submission(ASSIGNMENT, student)
        assert graded["score"] == points, student
        assert graded["max_score"] == sum(worth.values())
        assert graded["needs_manual_grade"] is (student == "all")  # the open task was answered

    done = nbgrader.generate_feedback(ASSIGNMENT, "part")
    assert done["success"], done["log"]
    [page] = (root / "build" / "feedback" / "part" / ASSIGNMENT).glob("*.html")
    assert "There is no answer yet" in page.read_text("utf8")
