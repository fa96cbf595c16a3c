"""The page for instructors: its commands run, its numbers are those of the tasks."""

import re
import shlex
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest
from notebooks import ROOT

import exercises
from minibs4nn.cli import main
from minibs4nn.course import CHAPTERS, tasks
from minibs4nn.course.judging import OpenTask

PAGE = (ROOT / "book" / "instructors.md").read_text("utf8")
COMMANDS = [line for block in re.findall(r"^```bash\n(.*?)^```", PAGE, re.M | re.S)
            for line in block.splitlines()]  # fmt: skip
[WORKFLOW] = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.M | re.S)


def test_every_command_is_run_by_a_test() -> None:
    # Those of nbgrader are run by test_nbgrader.py.
    assert [shlex.split(line)[:3] for line in COMMANDS] == [
        ["git", "archive", "--format=zip"],
        ["python", "-m", "minibs4nn"],
        ["nbgrader", "generate_assignment", "01_neuron"],
        ["nbgrader", "autograde", "01_neuron"],
        ["nbgrader", "generate_feedback", "01_neuron"],
    ]


def test_the_copy_for_students_has_no_solutions(tmp_path: Path) -> None:
    command = shlex.split(COMMANDS[0])
    output = tmp_path / "students.zip"
    command[3] = f"--output={output}"
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if "not a git repository" in done.stderr:
        pytest.skip("this is not a git checkout")
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(output) as archive:
        names = archive.namelist()
        texts = [archive.read(name) for name in names if name.endswith((".ipynb", ".md"))]
    assert {"Makefile", "_toc.yml", "exercises/01_neuron/01_neuron.ipynb"} <= set(names)
    assert not [name for name in names if name.startswith(("solutions/", "tests/"))]
    assert not [text for text in texts if b"### BEGIN SOLUTION" in text]


def test_no_page_of_the_book_reads_a_solution() -> None:
    for page in (ROOT / "book").glob("*.md"):
        assert "](../solutions" not in page.read_text("utf8")
        assert "<../solutions" not in page.read_text("utf8")


def test_the_grader_is_called_as_the_page_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    source = ROOT / "solutions" / "03_forward" / "03_forward.ipynb"
    (tmp_path / "submitted").mkdir()
    shutil.copy(source, tmp_path / "submitted" / "alice.ipynb")
    monkeypatch.chdir(tmp_path)
    assert main(shlex.split(COMMANDS[1])[3:]) == 0
    assert "15/15 + 4 by hand" in capsys.readouterr().out
    assert (tmp_path / "grades" / "grades.json").exists()
    assert (tmp_path / "grades" / "feedback" / "alice.html").exists()


@pytest.mark.parametrize(("kind", "status"), [("solutions", 0), ("exercises", 1)])
def test_the_workflow_tells_enough_points_from_too_few(
    kind: str, status: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    [command] = re.findall(r"- run: (.* minibs4nn grade .*)", WORKFLOW)
    target = tmp_path / "exercises" / "03_forward" / "03_forward.ipynb"
    target.parent.mkdir(parents=True)
    shutil.copy(ROOT / kind / "03_forward" / "03_forward.ipynb", target)
    monkeypatch.chdir(tmp_path)
    assert main(shlex.split(command)[3:]) == status
    assert (tmp_path / "feedback" / "grades.json").exists()


def test_the_table_counts_what_there_is() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (\d+) \| (\d+) \| (\d+) \| (\d+) \|$", PAGE, re.M)
    expected = []
    for folder in exercises.sources():
        known = tasks(folder.name)
        by_hand = sum(task.points for task in known if isinstance(task, OpenTask))
        points = sum(task.points for task in known) - by_hand
        minutes = sum(task.minutes for task in known)
        expected.append((folder.name, *map(str, (len(known), points, by_hand, minutes))))
    assert rows == expected
    assert len(rows) == len(CHAPTERS)


def test_the_schedules_add_up_and_leave_time_to_talk() -> None:
    minutes = {task.key: task.minutes for chapter in CHAPTERS for task in tasks(chapter)}
    rows = re.findall(r"^\|[^|]*\| \d \| [^|]+ \| (\d\d\.[^|]+) \| (\d+) \|$", PAGE, re.M)
    assert len(rows) == 1 + 3 + 6
    for named, declared in rows:
        total = 0
        for part in named.split(", "):
            numbers = re.findall(r"\d+", part)  # of "03.1", or of "03.1 to 03.4"
            chosen = range(int(numbers[1]), int(numbers[-1]) + 1)
            total += sum(minutes[f"{numbers[0]}.{number}"] for number in chosen)
        assert total == int(declared)
        assert total <= 120


@pytest.mark.parametrize("folder", exercises.sources(), ids=lambda folder: folder.name)
def test_the_chapter_leads_to_its_exercises(folder: Path) -> None:
    page = (ROOT / "book" / f"{folder.name}.md").read_text("utf8")
    assert f"<../exercises/{folder.name}/{folder.name}.ipynb>" in page
