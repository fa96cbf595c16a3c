"""The promises of the grader (book/instructors.md, "Grading by hand"), attacked one by one.

A cell that gets what it must not get says BREACH. Much of it needs Linux's namespaces; where the
system does not permit them, the grader says so and promises less.
"""

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import gettempdir
from textwrap import indent
from typing import Any

import pytest
from test_grader import FORWARD, QUICK, RIGHT, ROOT, RULES, WRONG, graded, notebook

import minibs4nn
from minibs4nn.grader import Limits
from minibs4nn.grader.grading import grade_submission
from minibs4nn.grader.sandbox import Sandbox
from minibs4nn.grader.submission import find_submissions, read

PACKAGE = Path(minibs4nn.__file__).parent
SOLUTIONS = PACKAGE / "course"
SYSTEM = """
import ctypes, os, pathlib, subprocess, sys
libc = ctypes.CDLL(None, use_errno=True)

class Attributes(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in ("set", "clear", "propagation", "users")]

def writable(path, flags=0):
    clear = Attributes(0, 1, 0, 0)
    return libc.syscall(442, -100, os.fsencode(path), flags, ctypes.byref(clear), 32) == 0

def can_read(path):
    try:
        return "four_rules" in pathlib.Path(path).read_text()
    except OSError:
        return False

def can_write(path):
    try:
        with open(path, "a") as file:
            file.write("spoilt")
        return True
    except OSError:
        return False
"""


@pytest.fixture(scope="session")
def shut_in() -> None:
    """Skip where the system grants no namespaces."""
    with Sandbox(["x = 1"], []) as sandbox:
        sandbox.start()
        if not all(sandbox.isolation.values()):
            pytest.skip("this system does not let a process have namespaces of its own")


@pytest.fixture
def treasure(tmp_path: Path) -> Iterator[Path]:
    """A folder that a submission may see but not change; at the end it must be as it was."""
    folder = tmp_path / "treasure"
    folder.mkdir()
    (folder / "marks").write_text("0 points")
    yield folder
    assert [path.name for path in folder.iterdir()] == ["marks"]
    assert (folder / "marks").read_text() == "0 points"


@pytest.mark.usefixtures("shut_in")
def test_what_hides_and_locks_files_cannot_be_undone(tmp_path: Path, treasure: Path) -> None:
    secret, marks = str(SOLUTIONS / "forward.py"), str(treasure / "marks")
    unmount = f"libc.umount2({os.fsencode(SOLUTIONS)!r}, 2); hit = can_read({secret!r})"
    attacks = {
        "unmount": unmount,
        "unmount everything": f"libc.umount2(b'/', 2); {unmount}",
        "make / writable": f"writable('/'); writable('/', 0x8000); hit = can_write({marks!r})",
        "remount": f"libc.mount(b'none', b'/', None, 32 | 4096, None); hit = can_write({marks!r})",
        "bind elsewhere": f"libc.mount({os.fsencode(PACKAGE)!r}, b'.', None, 4096 | 16384, None)\n"
        "hit = can_read('course/forward.py')",
        "a namespace within": f"libc.unshare(0x10020000); {unmount}\nwritable('/')\n"
        f"hit = hit or can_write({marks!r})",
        "a program with rights": "done = subprocess.run(['umount', '-l', "
        f"{str(SOLUTIONS)!r}], capture_output=True)\nhit = can_read({secret!r})",
        "another process's view": "hit = any(can_read(f'/proc/{n}/root' + path)\n"
        f"          for n in os.listdir('/proc') if n.isdigit() for path in [{secret!r}])",
        "a link": f"os.symlink({marks!r}, 'link'); hit = can_write('link')",
        "a link to what is hidden": f"os.symlink({secret!r}, 'hidden'); hit = can_read('hidden')",
        "any folder": f"hit = any(map(can_write, [{str(treasure / 'new')!r}, {marks!r},\n"
        f"    {gettempdir()!r} + '/new', '/dev/shm/new', '/etc/new', {str(ROOT / 'new')!r}]))",
    }
    check_no_breach(tmp_path, attacks)


@pytest.mark.usefixtures("shut_in")
def test_neither_environment_nor_processes_of_others_are_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MINIBS4NN_TEST_SECRET", "hunter2")
    files = "[f'/proc/{n}/environ' for n in os.listdir('/proc') if n.isdigit()]"
    attacks = {
        "environment": "hit = 'hunter2' in str(os.environ)",
        "environment of processes": "hit = any('hunter2' in pathlib.Path(f).read_text()\n"
        f"          for f in {files} if os.access(f, os.R_OK))",
        "processes": f"hit = os.path.exists('/proc/{os.getpid()}/cmdline')",
        "a signal to the grader": f"os.kill({os.getpid()}, 0); hit = True",
        "trace the grader": f"hit = libc.ptrace(16, {os.getpid()}, 0, 0) == 0",
    }
    check_no_breach(tmp_path, attacks)


def check_no_breach(folder: Path, attacks: dict[str, str]) -> None:
    """Run all attacks in one notebook, each in a cell and a process of its own.

    One more always hits: else nothing would be known of the others.
    """
    cells = []
    for name, attack in {"control": "hit = True", **attacks}.items():
        tried = indent(f"try:\n{indent(attack, '    ')}\nexcept OSError:\n    hit = False", "    ")
        cells.append(
            f"{SYSTEM}\nif not (child := os.fork()):\n    code = 8\n    try:\n"
            f"{indent(tried, '    ')}\n        code = 7 if hit else 0\n"
            "    finally:\n        os._exit(code)\n"
            "code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])\n"
            f"raise Exception({{7: 'BREACH: ', 8: 'BROKEN: '}}.get(code, 'nothing: ') + {name!r})"
        )
    done = graded(folder, *cells, RIGHT)
    assert done.points == 2
    said = [note.partition("Exception: ")[2] for note in done.notes if "Exception: " in note]
    assert said == ["BREACH: control", *(f"nothing: {name}" for name in attacks)]


@pytest.mark.usefixtures("shut_in")
@pytest.mark.parametrize("target", ["0", "os.getppid()", "-1", "1"])
def test_who_kills_what_it_can_ends_itself_alone(tmp_path: Path, target: str) -> None:
    attack = f"import os, signal\nos.kill({target}, signal.SIGKILL)"
    assert graded(tmp_path, attack, RIGHT).points == 2


FORGERIES = {
    "every function and frame of the process": """
import gc, sys, types
frame = sys._getframe()
while frame:
    for name in ("_send", "_run_cell", "_describe"):
        if name in frame.f_globals:
            frame.f_globals[name] = lambda *a: {"passed": True, "points": 99, "value": True}
    frame = frame.f_back
for thing in gc.get_objects():
    if isinstance(thing, types.FunctionType) and thing.__name__ in ("call", "judge", "plain"):
        thing.__code__ = (lambda *a, **k: True).__code__
""",
    "the pipe": """
import os, json
def my_decisions():
    lines = [{"case": n, "value": True, "error": "", "passed": True} for n in range(99)]
    for pipe in range(3, 20):
        try: os.write(pipe, "".join(json.dumps(line) + "\\n" for line in lines).encode())
        except OSError: pass
""",
    "the end of the process": "import os\ndef my_decisions(): os._exit(0)",
    "equality": "class Right(dict):\n    __eq__ = __ge__ = lambda *a: True\n"
    "    __hash__ = None\ndef my_decisions(): return Right()",
}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forgery_earns_nothing(tmp_path: Path, name: str) -> None:
    limits = Limits(seconds=60, cell_seconds=2, call_seconds=2)
    assert graded(tmp_path, WRONG, FORGERIES[name], limits=limits).points == 0


PATIENT = Limits(seconds=300, cell_seconds=60, call_seconds=60, task_seconds=5)
# What an answer does, and what is said about it; after it another task must still get its points.
ANSWERS = {
    "raise KeyboardInterrupt": "KeyboardInterrupt",
    "raise SystemExit(0)": "SystemExit",
    "__import__('os')._exit(0)": "process has ended",
    "return [0] * (2 * 10**6)": "",
    "return 10**5000": "",
    "x = []\n    for _ in range(10**5): x = [x]\n    return x": "",
    "print('x' * 10**7)": "",
    "__import__('sys').stdout = None\n    print(1)\n    return {}": "",
    "return bytearray(1 << 40)": "MemoryError",
}


def test_no_answer_harms_another_one(tmp_path: Path) -> None:
    for body, said in ANSWERS.items():
        bad = f"def my_decision(spike_times, potential, t_max):\n    {body}\n"
        done = graded(tmp_path, bad, RIGHT, keys=("03.2", "03.3"), limits=PATIENT)
        assert [task.points for task in done.tasks] == [0, 2], body
        assert said in done.tasks[0].message + str(done.tasks[0].example), body


def test_output_without_end_is_stopped_and_goes_nowhere(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    shout = "import os, sys\nwhile True:\n    print('x' * 9999)\n    os.write(2, b'x' * 9999)"
    limits = Limits(seconds=90, cell_seconds=1)
    assert graded(tmp_path, shout, RIGHT, limits=limits).points == 2
    assert capfd.readouterr() == ("", "")


def test_hostile_metadata_is_only_data(tmp_path: Path) -> None:
    marks = {"nbgrader": {"grade_id": ["answer-03_6"], "points": 99, "grade": True, "solution": 1}}
    cells: list[str | dict[str, Any]] = [
        {"cell_type": "code", "source": RIGHT, "metadata": marks, "outputs": [{"data": "<b>"}]},
        {"cell_type": {"code": 1}, "source": ["x", None, 3], "metadata": ["a"]},
        {"cell_type": "markdown", "source": "<img src=x onerror=alert(1)>", "metadata":
            {"nbgrader": {"grade_id": "answer-03_6"}}, "attachments": {"../../x": {"a": "b"}}},
    ]  # fmt: skip
    path = notebook(tmp_path / "student.ipynb", *cells)
    whole = json.loads(path.read_text()) | {"metadata": {"kernelspec": {"argv": ["rm", "-rf"]}}}
    path.write_text(json.dumps(whole))
    submission = read("student", path, ["my_decisions"], ["03.6"])
    known = [FORWARD["03.3"], FORWARD["03.6"]]
    done = grade_submission(submission, known, seed=1, limits=QUICK)
    assert [task.points for task in done.tasks] == [2, None]
    assert done.tasks[1].text == "<img src=x onerror=alert(1)>"


def test_what_is_handed_in_as_something_else_than_a_file(tmp_path: Path) -> None:
    secret = notebook(tmp_path / "other" / "ada.ipynb", f"def my_decisions(): return {RULES}")
    folder = tmp_path / "in"
    (folder / "folder.ipynb").mkdir(parents=True)
    (folder / "linked.ipynb").symlink_to(secret)
    (folder / "all").symlink_to(secret.parent)
    os.mkfifo(folder / "pipe.ipynb")  # to open it is to wait for ever
    large = folder / "large.ipynb"
    with large.open("wb") as file:
        file.truncate(1 << 40)  # takes no room on the disk
    found = dict(find_submissions([folder]))
    assert "linked" not in found
    assert secret not in [path.resolve() for path in found.values()]
    for name in ("pipe", "large", "folder"):
        assert read(name, folder / f"{name}.ipynb", ["my_decisions"], []).problem
    assert read("linked", folder / "linked.ipynb", [], []).problem == "this is no ordinary file"


def test_nothing_is_left_in_the_folder_for_temporary_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even links and folders that may not be entered."""
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", None)
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "file").touch()
    mess = (
        f"import os\nos.symlink({str(kept)!r}, 'link')\nos.makedirs('a/b')\nos.chmod('a', 0)\n"
        "open('big', 'wb').write(bytes(1 << 20))"
    )
    for namespaces in (True, False):
        limits = Limits(namespaces=namespaces)
        assert graded(tmp_path, mess, RIGHT, limits=limits).points == 2
        assert (kept / "file").exists()
        left = list((tmp_path / "tmp").iterdir())
        shutil.rmtree(tmp_path / "tmp")
        (tmp_path / "tmp").mkdir()
        assert left == []
