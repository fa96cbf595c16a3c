"""The grader against careless, broken and hostile notebooks: points come from answers alone."""

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minibs4nn
from minibs4nn.cli import main
from minibs4nn.course import find, tasks
from minibs4nn.course.judging import OpenTask, Task
from minibs4nn.grader import Grade, Limits, TaskGrade, grade, table
from minibs4nn.grader.grading import grade_submission
from minibs4nn.grader.report import feedback_page, write_reports
from minibs4nn.grader.sandbox import Sandbox, StoppedError
from minibs4nn.grader.submission import find_submissions, read

ROOT = Path(__file__).resolve().parent.parent
QUICK = Limits(seconds=300, cell_seconds=60, call_seconds=10)
RULES = '{"first-spike": 2, "lowest-index": 1, "unique": -1, "potential": 0}'
RIGHT = f"def my_decisions():\n    return {RULES}\n"
WRONG = "def my_decisions():\n    return {}\n"
FORWARD = {task.key: task for task in tasks("03")}


def notebook(path: Path, *cells: str | dict[str, Any]) -> Path:
    """Write a notebook with some code cells."""
    path.parent.mkdir(parents=True, exist_ok=True)
    whole = [
        cell
        if isinstance(cell, dict)
        else {"cell_type": "code", "source": cell.splitlines(keepends=True), "metadata": {}}
        for cell in cells
    ]
    path.write_text(json.dumps({"cells": whole, "nbformat": 4, "nbformat_minor": 5}))
    return path


def graded(
    folder: Path,
    *cells: str | dict[str, Any],
    keys: tuple[str, ...] = ("03.3",),
    limits: Limits = QUICK,
    hidden: tuple[Path, ...] = (),
) -> Grade:
    """Grade a notebook with these cells on some tasks."""
    known = [FORWARD[key] for key in keys]
    functions = [task.function for task in known if isinstance(task, Task)]
    open_keys = [task.key for task in known if isinstance(task, OpenTask)]
    path = notebook(folder / "student.ipynb", *cells)
    submission = read("student", path, functions, open_keys)
    return grade_submission(submission, known, seed=1, limits=limits, hidden=(path, *hidden))


@pytest.fixture(scope="session")
def granted() -> dict[str, bool]:
    """Return what this system lets the grader do."""
    with Sandbox(["x = 1"], []) as sandbox:
        sandbox.start()
        return sandbox.isolation


# Careless and broken notebooks -------------------------------------------------------------------


def test_cells_that_fail_cost_only_themselves(tmp_path: Path) -> None:
    done = graded(
        tmp_path,
        "this is no Python",
        "raise SystemExit",
        "exit()",
        "class Odd(BaseException): pass\nraise Odd",
        "much = bytearray(1 << 32)",
        "from pathlib import Path\nPath('here.txt').write_text('scratch')",
        "with open('here.txt') as file:\n    assert file.read() == 'scratch'",
        "%matplotlib inline\nimport matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()\nplt?",
        "input('name? ')",
        "display(1)",
        RIGHT,
        "1 / 0",
    )
    assert done.points == 2
    stopped = {note.partition(": ")[0]: note for note in done.notes if note.startswith("code cell")}
    assert set(stopped) == {f"code cell {n}" for n in (1, 2, 3, 4, 5, 9, 12)}
    assert "SyntaxError" in stopped["code cell 1"]
    assert "MemoryError" in stopped["code cell 5"]
    assert "EOFError" in stopped["code cell 9"]


def test_cells_that_kill_the_process_cost_only_themselves(
    tmp_path: Path, granted: dict[str, bool]
) -> None:
    bomb = "import os\nwhile True:\n    os.fork()"
    done = graded(
        tmp_path,
        "import os\nos._exit(0)",
        "import ctypes\nctypes.string_at(0)",
        RIGHT,
        bomb if granted["processes"] else "",  # too rough a guest without a namespace of its own
    )
    assert done.points == 2, done
    assert [note for note in done.notes if "process" in note]


def test_cells_that_never_end_cost_only_themselves(tmp_path: Path) -> None:
    start = time.monotonic()
    done = graded(
        tmp_path,
        "while True:\n    try:\n        pass\n    except Exception:\n        pass",
        "import signal\nsignal.signal(signal.SIGALRM, signal.SIG_IGN)\nwhile True: pass",
        RIGHT,
        limits=Limits(seconds=90, cell_seconds=1),
    )
    assert done.points == 2, done
    assert "did not come to an end within 1 seconds" in "".join(done.notes)
    assert time.monotonic() - start < 90


def test_an_answer_that_never_ends_costs_only_itself(tmp_path: Path) -> None:
    endless = "def my_decision(spike_times, potential, t_max):\n    while True: pass\n"
    done = graded(tmp_path, endless, RIGHT, keys=("03.2", "03.3"), limits=Limits(call_seconds=1))
    assert [task.points for task in done.tasks] == [0, 2]
    assert "did not come to an end within 1 seconds" in done.tasks[0].message


def test_the_whole_notebook_has_a_limit(tmp_path: Path) -> None:
    start = time.monotonic()
    done = graded(
        tmp_path, "import time\ntime.sleep(1000)", RIGHT, limits=Limits(seconds=3, cell_seconds=999)
    )
    assert done.points == 0
    assert "within 3 seconds" in done.tasks[0].message
    assert time.monotonic() - start < 60


def test_split_reordered_and_retyped_cells_still_count(tmp_path: Path) -> None:
    body = "def my_decisions():\n    return answer\n"
    text = {"cell_type": "markdown", "source": body, "metadata": {}}
    done = graded(tmp_path, "answer = dict(start)\nanswer['unique'] = -1", text, f"start = {RULES}")
    assert done.points == 2


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    assert graded(tmp_path).tasks[0].message == "The notebook defines no function my_decisions."
    broken = graded(tmp_path, "x = 1", "def my_decisions():\nreturn 1")
    assert broken.tasks[0].message.startswith("Code cell 2, which defines my_decisions, stops: ")
    stub = graded(tmp_path, "def my_decisions():\n    raise NotImplementedError")
    assert stub.tasks[0].message.startswith("There is no answer yet")


def test_a_mistake_is_named_with_its_smallest_example(tmp_path: Path) -> None:
    answer = "def my_decision(spike_times, potential, t_max):\n    return potential.argmax()\n"
    task = graded(tmp_path, answer, keys=("03.2",)).tasks[0]
    assert task.points == 0
    assert "not the earliest spike" in task.message
    assert task.example["input"].startswith("spike_times = [")


def test_text_for_a_person_is_kept(tmp_path: Path) -> None:
    marks = {"nbgrader": {"grade_id": "answer-03_6"}}
    text = {"cell_type": "markdown", "source": ["My <b>rule</b>"], "metadata": marks}
    done = graded(tmp_path, RIGHT, text, keys=("03.3", "03.6"))
    assert (done.points, done.maximum, done.by_hand) == (2, 2, 4)
    assert done.tasks[1].points is None
    assert "My &lt;b&gt;rule&lt;/b&gt;" in feedback_page("03", done)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "it is not JSON"),
        (b"[" * 100_000, "it is not JSON"),
        (b"\xff\xfe\x00", "it is not JSON"),
        (b"[1, 2]", "it has no list of cells"),
        (b'{"worksheets": []}', "it has no list of cells"),
        (b'{"cells": ' + json.dumps([{}] * 3000).encode() + b"}", "2,000 are allowed"),
    ],
)
def test_what_is_no_notebook_gets_no_points(tmp_path: Path, content: bytes, problem: str) -> None:
    path = tmp_path / "student.ipynb"
    path.write_bytes(content)
    submission = read("student", path, ["my_decisions"], [])
    assert problem in submission.problem
    done = grade_submission(submission, [FORWARD["03.3"]], seed=0, limits=QUICK)
    assert done.points == 0
    assert problem in done.tasks[0].message


def test_odd_cells_are_read_as_far_as_they_go(tmp_path: Path) -> None:
    path = tmp_path / "student.ipynb"
    cells = [1, {}, {"cell_type": "code"}, {"cell_type": "code", "source": [1, "x = 1\n"]},
             {"cell_type": "code", "source": "y = 2", "metadata": 3}]  # fmt: skip
    path.write_text(json.dumps({"cells": cells}))
    assert read("student", path, [], []).cells == ("", "x = 1\n", "y = 2")


def test_an_answer_that_is_left_out_costs_only_itself(tmp_path: Path) -> None:
    stub = "def my_decision(spike_times, potential, t_max):\n    raise NotImplementedError\n"
    done = graded(tmp_path, stub, RIGHT, keys=("03.2", "03.3"))
    assert [task.points for task in done.tasks] == [0, 2]
    assert done.tasks[0].message.startswith("There is no answer yet")


def test_a_reply_that_is_no_plain_value_costs_only_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that the process would not send of itself: it has the same check."""
    nested: list[Any] = []
    for _ in range(30):
        nested = [nested]
    message = Sandbox._message

    def forged(self: Sandbox, seconds: float) -> dict[str, Any]:
        reply = message(self, seconds)
        return {"case": 0, "value": nested} if reply.get("value") == 5 else reply

    monkeypatch.setattr(Sandbox, "_message", forged)
    odd = "def my_decision(spike_times, potential, t_max):\n    return 5\n"
    done = graded(tmp_path, odd, RIGHT, keys=("03.2", "03.3"))
    assert [task.points for task in done.tasks] == [0, 2]
    assert done.tasks[0].message == "The function returned something that is no plain value."


# Limits, seeds and paths that would cost right answers their points ------------------------------


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"memory": 1024}, "of bytes, 268435456 (256 MiB) to 1099511627776 (1 TiB), got 1024; "),
        ({"memory": 1 << 41}, "for 1024 MiB write 1024 << 20"),
        ({"memory": 2e9}, "memory must be a whole number"),
        ({"seconds": 0}, "Limits: seconds must be above 0 and up to 86400, got 0"),
        ({"cell_seconds": -1}, "cell_seconds must be above 0 and up to 86400, got -1"),
        ({"call_seconds": float("nan")}, "call_seconds must be above 0 and up to 86400, got nan"),
        ({"task_seconds": float("inf")}, "task_seconds must be above 0 and up to 86400, got inf"),
        ({"seconds": "5"}, "Limits: seconds must be real numbers, got '5'"),
    ],
)
def test_limits_say_what_they_take(limits: dict[str, Any], message: str) -> None:
    with pytest.raises((ValueError, TypeError)) as found:
        Limits(**limits)
    assert message in str(found.value)


@pytest.mark.parametrize(
    ("paths", "options", "message"),
    [
        (["a.ipynb"], {"seed": "x"}, "grade: seed must be a whole number from 0, or None, got 'x'"),
        (["a.ipynb"], {"seed": 1.5}, "grade: seed must be a whole number from 0, or None, got 1.5"),
        (["a.ipynb"], {"seed": -1}, "grade: seed must be a whole number from 0, or None, got -1"),
        (["a.ipynb"], {"jobs": 0}, "grade: jobs must be a whole number from 1, got 0"),
        (["a.ipynb"], {"jobs": -1}, "grade: jobs must be a whole number from 1, got -1"),
        (["a.ipynb"], {"jobs": 1.5}, "grade: jobs must be a whole number from 1, got 1.5"),
        ([], {}, "grade: no paths were given; name notebooks, or folders of them"),
        ("in", {}, "grade: paths must be a list of paths, got 'in'; write ['in']"),
        (Path("in"), {}, "grade: paths must be a list of paths, got 'in'; write ['in']"),
        (["a.ipynb"], {"hidden": "out"}, "hidden must be a list of paths, got 'out'; write"),
        (["none.ipynb"], {}, "grade: there is no none.ipynb"),
    ],
)
def test_grade_says_what_it_takes(paths: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises((ValueError, TypeError, FileNotFoundError)) as found:
        grade("03", paths, **options)
    assert message in str(found.value)


def test_paths_may_be_texts_and_numbers_of_numpy(tmp_path: Path) -> None:
    path, out = notebook(tmp_path / "ada.ipynb", RIGHT), tmp_path / "out"
    numbers: dict[str, Any] = {"seconds": np.float32(300), "memory": np.int64(512 << 20)}
    options: dict[str, Any] = {"seed": np.int64(1), "limits": Limits(**numbers)}
    seed, grades = grade("03", [str(path)], hidden=[str(out)], **options)
    assert grades[0].points == 2
    written = write_reports(str(out), "03", seed, grades)
    assert written == [out / "grades.json", out / "feedback" / "ada.html"]


# Hostile notebooks -------------------------------------------------------------------------------

LIES = {
    "prints a forged result": 'print(\'{"points": 100, "passed": true}\')',
    "redefines check": "def check(key, answer):\n    return answer\ncheck('03.3', None)",
    "hands in what check returns": "from minibs4nn.course import check\n"
    "my_decisions = check('03.3', my_decisions)",
    "patches the library": "import minibs4nn, minibs4nn.course, minibs4nn.forward, builtins\n"
    "minibs4nn.decide = minibs4nn.forward.decide = lambda *a, **k: [0]\n"
    "minibs4nn.course.check = lambda *a: a\nbuiltins.len = lambda x: 1",
    "imports the answers": "from minibs4nn.course.forward import four_rules as my_decisions",
    "imports the answers from elsewhere": f"import sys\nsys.path.insert(0, {str(ROOT)!r})\n"
    "for name in [n for n in sys.modules if n.startswith('minibs4nn')]: del sys.modules[name]\n"
    "from minibs4nn.course.forward import four_rules as my_decisions",
    "reads the hidden tests": "text = open("
    f"{str(Path(minibs4nn.__file__).parent / 'course' / 'forward.py')!r}).read()\n"
    "space = {}\nexec(text, space)\nmy_decisions = space['four_rules']",
    "reads the solutions": "text = open("
    f"{str(ROOT / 'solutions' / '03_forward' / '03_forward.md')!r}).read()\n"
    "body = text.partition('def my_decisions():')[2].partition('    ### END')[0]\n"
    "exec('def my_decisions():' + body)",
    "pretends to be equal": "class Yes(dict):\n    def __eq__(self, other): return True\n"
    "    def keys(self): return ['first-spike', 'lowest-index', 'unique', 'potential']\n"
    "    def __getitem__(self, key): return Yes()\n"
    "my_decisions = lambda: Yes()",
    "answers for the process": "import os, json\nfor pipe in range(3, 30):\n    try:\n"
    '        os.write(pipe, b\'{"passed": true, "points": 9}\\n{"ready": ["my_decisions"]}\\n\'\n'
    '                 b\'{"id": 1, "value": {}, "error": ""}\\n\')\n'
    "    except OSError: pass",
}


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_earns_nothing(tmp_path: Path, lie: str, granted: dict[str, bool]) -> None:
    if lie.startswith("reads") or lie.endswith("from elsewhere"):
        needs_files(granted)
    assert graded(tmp_path, WRONG, LIES[lie]).points == 0


def needs_files(granted: dict[str, bool]) -> None:
    if not granted["files"]:
        pytest.skip("this system does not let a process have a file system of its own")


def test_a_lie_costs_nothing_either(tmp_path: Path) -> None:
    """Who writes noise into all pipes is started again without that cell."""
    noise = "import os\nfor pipe in range(3, 30):\n    try: os.write(pipe, b'noise\\n')\n"
    noise += "    except OSError: pass"
    assert graded(tmp_path, RIGHT, noise).points == 2
    assert graded(tmp_path, RIGHT, "import os\nos.closerange(3, 100)").points == 2


def test_the_library_is_no_answer(tmp_path: Path) -> None:
    answer = (
        "import minibs4nn as bs\ndef my_decision(spike_times, potential, t_max):\n"
        "    return bs.decide(spike_times[None], potential[None], t_max=t_max)[0]\n"
    )
    task = graded(tmp_path, answer, keys=("03.2",)).tasks[0]
    assert task.points == 0
    assert "minibs4nn.decide does what this task asks for" in task.example["got"]


def test_what_is_unusual_is_noted(tmp_path: Path) -> None:
    done = graded(tmp_path, "import subprocess", "from minibs4nn.course import check", RIGHT)
    assert done.notes == ("code cell 1 imports subprocess",)


@pytest.fixture
def listener() -> Iterator[tuple[int, list[object]]]:
    """A server on this machine: its port, and who called."""
    calls: list[object] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.1)
        done = threading.Event()

        def serve() -> None:
            while not done.is_set():
                try:
                    calls.append(server.accept()[1])
                except TimeoutError:
                    continue

        thread = threading.Thread(target=serve)
        thread.start()
        yield server.getsockname()[1], calls
        done.set()
        thread.join()


@pytest.mark.parametrize("namespaces", [True, False])
def test_there_is_no_network(
    tmp_path: Path, listener: tuple[int, list[object]], namespaces: bool
) -> None:
    port, calls = listener
    call = f"import socket\nsocket.create_connection(('127.0.0.1', {port}), timeout=5)"
    done = graded(tmp_path, call, RIGHT, limits=Limits(namespaces=namespaces))
    assert done.points == 2
    assert "code cell 1: " in "".join(done.notes)
    assert calls == []


def test_files_of_others_can_neither_be_read_nor_changed(
    tmp_path: Path, granted: dict[str, bool]
) -> None:
    needs_files(granted)
    other = tmp_path / "other.ipynb"
    other.write_text(f"the best answer is {RULES}")
    record = tmp_path / "record"
    record.mkdir()
    (record / "grades.json").write_text("secret")
    spy = (
        "import ast\nfrom pathlib import Path\n"
        f"text = Path({str(other)!r}).read_text()\n"
        "my_decisions = lambda: ast.literal_eval(text.partition(' is ')[2])\n"
    )
    vandal = f"from pathlib import Path\nPath({str(other)!r}).write_text('spoilt')"
    maker = f"from pathlib import Path\nPath({str(tmp_path / 'new')!r}).touch()"
    lister = f"import os\nassert os.listdir({str(record)!r})"
    done = graded(tmp_path, WRONG, spy, vandal, maker, lister, hidden=(other, record))
    assert done.points == 0
    assert RULES in other.read_text()
    assert not (tmp_path / "new").exists()
    assert (record / "grades.json").read_text() == "secret"
    assert "code cell 5: AssertionError" in "".join(done.notes)


def test_nothing_of_a_submission_lives_on(tmp_path: Path, granted: dict[str, bool]) -> None:
    """Not even a process that leaves its parent, its group and its session."""
    if not granted["processes"]:
        pytest.skip("this system does not let a process have a namespace of its own")
    mark = f"minibs4nn-left-over-{os.getpid()}"
    daemon = (
        "import os, sys, subprocess\n"
        f"subprocess.Popen([sys.executable, '-S', '-c', 'import time; time.sleep(600) #{mark}'],\n"
        "                 start_new_session=True)\n"
    )
    assert graded(tmp_path, daemon, RIGHT).points == 2
    deadline = time.monotonic() + 20
    while left := processes_with(mark):
        assert time.monotonic() < deadline, left
        time.sleep(0.1)


def processes_with(mark: str) -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if mark in line and "time.sleep(600)" in line:
            found.append(line)
    return found


def test_many_processes_and_much_memory_are_noticed(tmp_path: Path) -> None:
    crowd = (
        "import os, time\n"
        "for _ in range(4):\n    if os.fork() == 0:\n"
        "        block = bytearray(150 << 20)\n        time.sleep(60)\n"
        "time.sleep(60)"
    )
    limits = Limits(seconds=60, cell_seconds=30, memory=512 << 20)
    done = graded(tmp_path, crowd, RIGHT, limits=limits)
    assert done.points == 2
    assert "The notebook used too much memory" in "".join(done.notes)


def test_without_namespaces_the_limits_hold(tmp_path: Path) -> None:
    done = graded(
        tmp_path,
        "import os\nos._exit(1)",
        "much = bytearray(1 << 32)",
        "while True: pass",
        RIGHT,
        limits=Limits(cell_seconds=1, namespaces=False),
    )
    assert done.points == 2
    assert not any(done.isolation.values())


def test_a_process_that_cannot_be_had_is_an_error_of_its_own() -> None:
    with (
        Sandbox(["import os\nos._exit(0)"] * 6, ["f"]) as sandbox,
        pytest.raises(StoppedError, match="ended too often"),
    ):
        sandbox.start()


# Files, tables, commands -------------------------------------------------------------------------


def test_names_come_from_the_paths(tmp_path: Path) -> None:
    for place in ("alice.ipynb", "bob/x.ipynb", "carl/03_x/03_x.ipynb", "bob/y.ipynb"):
        notebook(tmp_path / "in" / place)
    notebook(tmp_path / "in" / ".ipynb_checkpoints" / "alice.ipynb")
    (tmp_path / "in" / "eve.ipynb").symlink_to(tmp_path / "in" / "alice.ipynb")
    (tmp_path / "in" / "notes.txt").touch()
    names = [name for name, _ in find_submissions([tmp_path / "in"])]
    assert names == ["alice", "bob", "bob (2)", "carl"]
    with pytest.raises(FileNotFoundError, match="there is no"):
        list(find_submissions([tmp_path / "none"]))
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match="no notebook"):
        list(find_submissions([tmp_path / "empty"]))


def test_reports_are_safe_whatever_the_names_are(tmp_path: Path) -> None:
    task = TaskGrade("03.3", "Predict", 0, 2, "<script>alert(1)</script>", {"got": "<b>"})
    names = ["../../evil", "<b>bold</b>", "<b>BOLD</b>", "\x1b[2Jcleared", "..."]
    grades = [Grade(name, "x.ipynb", (task,)) for name in names]
    written = write_reports(tmp_path / "out", "03", 1, grades)
    assert len({path.name.lower() for path in written}) == len(written) == 6
    assert all(path.resolve().is_relative_to(tmp_path / "out") for path in written)
    for path in written[1:]:
        page = path.read_text("utf8")
        assert "<script" not in page
        assert "<b>" not in page
    assert "\x1b" not in table(grades)
    assert json.loads(written[0].read_text())["submissions"][0]["points"] == 0


def test_the_command_grades_a_folder_in_parallel(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    release = ROOT / "exercises" / "03_forward" / "03_forward.ipynb"
    solution = ROOT / "solutions" / "03_forward" / "03_forward.ipynb"
    folder = tmp_path / "submitted"
    for name, source in {"ada": solution, "ben": release}.items():
        (folder / name).mkdir(parents=True)
        (folder / name / "03_forward.ipynb").write_bytes(source.read_bytes())
    notebook(folder / "cem.ipynb", "import os\nos._exit(0)", RIGHT)
    (folder / "dora.ipynb").write_text("no notebook")
    out = tmp_path / "out"
    arguments = ["grade", "exercises/03_forward", str(folder), "--out", str(out)]
    assert main([*arguments, "--jobs", "2", "--seed", "7"]) == 0
    printed = capsys.readouterr().out
    for line in (
        "submission  03.1  03.2  03.3  03.4  03.5  03.6             points",
        "ada            4     3     2     3     3     -  15/15 + 4 by hand",
        "ben            0     0     0     0     0     -   0/15 + 4 by hand",
        "cem            0     0     2     0     0     -   2/15 + 4 by hand",
        "dora           0     0     0     0     0     0               0/19",
    ):
        assert line in printed
    record = json.loads((out / "grades.json").read_text())
    assert record["seed"] == 7
    assert [entry["points"] for entry in record["submissions"]] == [15, 0, 2, 0]
    assert sorted(path.name for path in (out / "feedback").iterdir()) == [
        "ada.html", "ben.html", "cem.html", "dora.html"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["99_none", "x.ipynb"], "no exercises for chapter '99_none'"),
        (["03", "none.ipynb"], "there is no none.ipynb"),
        (["03", "none.ipynb", "--memory", "1"], "--memory 256 or more"),
    ],
)
def test_the_command_says_what_is_wrong(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["grade", *arguments]) == 1
    assert message in capsys.readouterr().err


def test_a_seed_is_drawn_and_used_for_all(tmp_path: Path) -> None:
    (tmp_path / "dora.ipynb").write_text("no notebook")
    seeds = {grade("03", [tmp_path])[0] for _ in range(3)}
    assert len(seeds) == 3


def test_the_grader_needs_no_jupyter() -> None:
    code = (
        "import sys, minibs4nn.grader; print({m.partition('.')[0] for m in sys.modules}"
        " & {'nbformat', 'nbgrader', 'IPython', 'matplotlib', 'numba'})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_tasks_are_found_by_the_name_of_their_function() -> None:
    assert find("03.3").function == "my_decisions"
