"""The other end of the student's process: starts it, asks it, watches it, ends it."""

import contextlib
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from minibs4nn._checks import check_number, is_whole, make_plain
from minibs4nn.course.values import Arguments, Outcome, encode_arguments, plain

__all__ = ["Limits", "Sandbox", "StoppedError"]

PACKAGE = Path(__file__).resolve().parent.parent
WITHHELD = {"course", "grader", "__pycache__"}  # of the library, what a submission does not get
LONGEST_LINE = 4_000_100  # bytes of a reply
RESTARTS = 3
NO_ANSWER = "The notebook's process sent something that is no answer."
NO_END = "TimeoutError: it did not come to an end"
NOT_PLAIN = "The function returned something that is no plain value."
MOST_PROCESSES = 64
# Beyond these the system may refuse a limit, or Python does not start: each would cost all points.
MOST_SECONDS = 86_400  # a day
LEAST_MEMORY, MOST_MEMORY = 256 << 20, 1 << 40  # bytes

CHECK = '''"""Within the grader nothing is checked: the notebook goes on with its own functions."""


def check(key, answer):
    """Return the answer."""
    return answer


def play(key, answer):
    """Show nothing: nobody is there to play."""
'''


@dataclass(frozen=True)
class Limits:
    """What one submission may use.

    Attributes
    ----------
    seconds : float, above 0 and up to 86400
        For everything, on the clock on the wall.
    cell_seconds, call_seconds, task_seconds : float, above 0 and up to 86400
        For one cell, one call of an answer, and all calls of one answer.
    memory : int, 256 << 20 (256 MiB) to 1 << 40 (1 TiB)
        Bytes of address space of each process, and of memory of all together.
    namespaces : bool
        False: do without Linux's namespaces, as where they are not permitted.

    Raises
    ------
    ValueError
        If a limit is so small or so large that right answers would get no points.
    TypeError
        If a number of seconds is no number.
    """

    seconds: float = 300.0
    cell_seconds: float = 30.0
    call_seconds: float = 10.0
    task_seconds: float = 60.0
    memory: int = 1 << 30
    namespaces: bool = True

    def __post_init__(self) -> None:
        make_plain(self)
        for name in ("seconds", "cell_seconds", "call_seconds", "task_seconds"):
            seconds = check_number("Limits", name, getattr(self, name))
            if not 0 < seconds <= MOST_SECONDS:
                raise ValueError(
                    f"Limits: {name} must be above 0 and up to {MOST_SECONDS}, got {seconds:g}"
                )
        if not is_whole(self.memory) or not LEAST_MEMORY <= self.memory <= MOST_MEMORY:
            raise ValueError(
                f"Limits: memory must be a whole number of bytes, {LEAST_MEMORY} (256 MiB) to "
                f"{MOST_MEMORY} (1 TiB), got {self.memory!r}; for 1024 MiB write 1024 << 20"
            )


class StoppedError(Exception):
    """The student's process is at an end, or was brought to it; the text says why."""


@dataclass
class Sandbox:
    """A student's process, started anew when it dies.

    Use it in a ``with`` statement: at its end nothing is left, neither process nor file.

    Attributes
    ----------
    cells : sequence of str
        The code of the notebook.
    functions : sequence of str
        Names that will be asked for.
    limits : Limits
    hidden : sequence of Path
        Files and folders that the process must not see, such as what others handed in.
    isolation : dict of str to bool
        What the system granted: own ``"processes"``, no ``"network"``, read-only ``"files"``.
    errors : dict of int to str
        What stopped a cell, by its number.
    defined : set of str
        Which functions the notebook defines.
    """

    cells: Sequence[str]
    functions: Sequence[str]
    limits: Limits = field(default_factory=Limits)
    hidden: Sequence[Path] = ()
    isolation: dict[str, bool] = field(default_factory=dict)
    errors: dict[int, str] = field(default_factory=dict)
    defined: set[str] = field(default_factory=set)

    def __enter__(self) -> "Sandbox":
        self._folder = Path(tempfile.mkdtemp(prefix="minibs4nn-grade-"))
        self._deadline = time.monotonic() + self.limits.seconds
        self._skip: set[int] = set()
        self._starts = 0
        self._process: subprocess.Popen[bytes] | None = None
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    def ask(
        self, function: str, cases: Sequence[Arguments], uses: Sequence[str] = ()
    ) -> list[Outcome]:
        """Call a function of the submission on many inputs.

        All replies are read: one that stayed in the pipe would be taken for one to the next
        function.

        Raises
        ------
        StoppedError
            If the process died over it, did not answer in time, or answered nonsense.
        """
        self.start()
        self._write(
            {
                "function": function,
                "cases": [encode_arguments(case) for case in cases],
                "without": list(uses),
            }
        )
        until = time.monotonic() + self.limits.task_seconds
        outcomes = []
        for number in range(len(cases)):
            reply = self._message(self.limits.call_seconds + 5)
            error = reply.get("error", "")
            if reply.get("case") != number or not isinstance(error, str):
                self._kill()
                raise StoppedError(NO_ANSWER)
            if error.startswith(NO_END):
                self._kill()
                raise StoppedError(
                    f"The function did not come to an end within {self.limits.call_seconds:g} "
                    "seconds."
                )
            if time.monotonic() > until:
                self._kill()
                raise StoppedError(
                    f"The function took more than {self.limits.task_seconds:g} seconds on the test "
                    "inputs."
                )
            try:
                value = plain(reply.get("value"))
            except TypeError:  # nested or large beyond reason
                self._kill()
                raise StoppedError(NOT_PLAIN) from None
            outcomes.append(Outcome(value, error[:300]))
        return outcomes

    def start(self) -> None:
        """Start the process if none is running, and let it run the cells.

        A cell that kills the process is left out when it is started again.

        Raises
        ------
        StoppedError
            If it cannot be had running.
        """
        while self._process is None:
            if self._starts > RESTARTS:
                raise StoppedError("The notebook's process ended too often.")
            self._starts += 1
            self._launch()
            at_work = None
            try:
                while "ready" not in (message := self._message(self.limits.cell_seconds + 5)):
                    at_work = self._note(message, at_work)
                names = message["ready"]
                if not isinstance(names, list):
                    raise StoppedError(NO_ANSWER)
                self.defined = {name for name in names if isinstance(name, str)}
            except StoppedError as error:
                self._kill()
                if at_work is None or at_work in self._skip:
                    raise
                self._skip.add(at_work)
                self.errors[at_work] = str(error)

    def _note(self, message: dict[str, Any], at_work: int | None) -> int | None:
        """Take down what the process says while it runs the cells; return the cell it is at."""
        if isinstance(granted := message.get("isolation"), dict):
            self.isolation = {str(name): bool(value) for name, value in granted.items()}
        cell = message.get("cell")
        if not isinstance(cell, int) or not 0 <= cell < len(self.cells):
            return at_work
        error = message.get("error")
        if isinstance(error, str) and error:
            self.errors[cell] = error[:300]
        elif error == "":
            self.errors.pop(cell, None)
        return cell

    def _launch(self) -> None:
        home = self._folder / str(self._starts)
        scratch, library = home / "scratch", home / "library"
        scratch.mkdir(parents=True)
        _stage(library / "minibs4nn")
        out_read, out_write = os.pipe()
        in_read, in_write = os.pipe()
        nowhere = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
        environment = {
            "PATH": "/usr/bin:/bin",
            "HOME": str(scratch),
            "TMPDIR": str(scratch),
            "MPLCONFIGDIR": str(scratch),
            "NUMBA_CACHE_DIR": str(scratch),
            "MPLBACKEND": "Agg",
            "MINIBS4NN_OFFLINE": "1",
            "LANG": "C.UTF-8",
            **nowhere,
        }
        worker = Path(__file__).with_name("worker.py")
        self._complaints = tempfile.TemporaryFile()  # noqa: SIM115, closed in _kill
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-B", str(worker), str(out_read), str(in_write)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self._complaints,
                cwd=scratch,
                env=environment,
                pass_fds=(out_read, in_write),
                start_new_session=True,
            )
        finally:
            os.close(out_read)
            os.close(in_write)
        self._requests, self._replies = out_write, in_read
        self._buffer, self._inner, self._watched = b"", 0, 0.0
        packages = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
        packages.add(str(Path(np.__file__).parent.parent))
        hidden = [PACKAGE / "course", PACKAGE / "grader", *_answers(), *self.hidden]
        self._write(
            {
                "cells": list(self.cells),
                "skip": sorted(self._skip),
                "functions": list(self.functions),
                "scratch": str(scratch),
                "library": str(library),
                "packages": sorted(packages),
                "values": str(PACKAGE / "course" / "values.py"),
                "hidden": [str(path.resolve()) for path in hidden if path.exists()],
                "seconds": self.limits.seconds,
                "cell_seconds": self.limits.cell_seconds,
                "call_seconds": self.limits.call_seconds,
                "memory": self.limits.memory,
                "namespaces": self.limits.namespaces,
            }
        )
        first = self._message(30)
        self._inner = int(first.get("process", 0))
        if "isolation" not in (granted := self._message(30)):
            raise StoppedError("The notebook's process did not start.")
        self._note(granted, None)

    def _write(self, message: dict[str, Any]) -> None:
        data = json.dumps(message).encode() + b"\n"
        try:
            while data:
                if not select.select([], [self._requests], [], 10)[1]:
                    raise StoppedError("The notebook's process does not listen.")
                data = data[os.write(self._requests, data[: select.PIPE_BUF]) :]
        except OSError:
            self._kill()
            raise StoppedError("The notebook's process has ended.") from None

    def _message(self, seconds: float) -> dict[str, Any]:
        """The next message, as plain data; whatever else comes ends the process."""
        try:
            message = json.loads(self._line(seconds))
            if not isinstance(message, dict):
                raise ValueError
        except (ValueError, RecursionError):
            self._kill()
            raise StoppedError(NO_ANSWER) from None
        except StoppedError:
            self._kill()
            raise
        return message

    def _line(self, seconds: float) -> bytes:
        until = min(time.monotonic() + seconds, self._deadline)
        while b"\n" not in self._buffer:
            now = time.monotonic()
            if now > until:
                all_in_all = until == self._deadline
                limit = self.limits.seconds if all_in_all else seconds
                what = "The notebook" if all_in_all else "A cell or a function"
                raise StoppedError(f"{what} did not come to an end within {limit:g} seconds.")
            if now - self._watched > 0.1:
                self._watch()
                self._watched = time.monotonic()
            if select.select([self._replies], [], [], 0.05)[0]:
                piece = os.read(self._replies, 65536)
                if not piece:
                    raise StoppedError("The notebook's process has ended." + self._complaint())
                self._buffer += piece
                if len(self._buffer) > LONGEST_LINE:
                    raise StoppedError(NO_ANSWER)
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line

    def _complaint(self) -> str:
        """What the grader's own part of the process wrote before it ended, if anything."""
        self._complaints.seek(0)
        text = self._complaints.read(100_000).decode(errors="replace").strip()
        return f" {text.splitlines()[-1]}" if text else ""

    def _watch(self) -> None:
        """Count the processes and their memory; too many end them all."""
        sizes = [_resident(process) for process in self._members()]
        if len(sizes) > MOST_PROCESSES:
            raise StoppedError("The notebook started too many processes.")
        if sum(sizes) > self.limits.memory:
            raise StoppedError("The notebook used too much memory.")

    def _members(self) -> list[int]:
        """The processes of the submission: what descends from it, or belongs to its session."""
        if not self._inner or not os.path.isdir("/proc/self"):
            return []
        parents, sessions = dict[int, int](), dict[int, int]()
        for process, fields in _processes():
            parents[process], sessions[process] = int(fields[1]), int(fields[3])
        assert self._process is not None
        own = {self._inner} | {p for p, s in sessions.items() if s == self._process.pid}
        grown = True
        while grown:
            more = {p for p, parent in parents.items() if parent in own} - own
            own |= more
            grown = bool(more)
        return sorted(own - {self._process.pid})

    def _kill(self) -> None:
        """End every process of the submission."""
        process = self._process
        if process is None:
            return
        # The first process of a namespace takes all others with it. Without one, they are ended
        # one by one, and again, since they may have made more meanwhile.
        targets = {self._inner} - {0}
        for _ in range(1 if self.isolation.get("processes") else 20):
            for target in targets:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(target, signal.SIGKILL)
            targets = set() if self.isolation.get("processes") else set(self._members())
            targets -= {self._inner}
            if not targets:
                break
        self._process = None
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        os.close(self._requests)
        os.close(self._replies)
        self._complaints.close()


def _answers() -> list[Path]:
    """Folders with answers, where the library is a checkout or the grader is started in one."""
    checkouts = {PACKAGE.parent, Path.cwd()}
    names = ("solutions", "tests", ".git")
    return [checkout / name for checkout in checkouts for name in names]


def _stage(target: Path) -> None:
    """The library as a submission sees it: without the exercises and without the grader."""
    target.mkdir(parents=True)
    for path in PACKAGE.iterdir():
        if path.name not in WITHHELD:
            (target / path.name).symlink_to(path)
    (target / "course.py").write_text(CHECK, "utf8")


def _processes() -> Iterator[tuple[int, list[str]]]:
    """Numbers of all processes, and the fields of their ``stat`` from the state on."""
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError):
                text = Path("/proc", name, "stat").read_text("utf8", errors="replace")
                yield int(name), text.rpartition(")")[2].split()


def _resident(process: int) -> int:
    """Bytes of memory that a process has to itself or shares."""
    with contextlib.suppress(OSError, IndexError, ValueError):
        pages = int(Path("/proc", str(process), "statm").read_text("utf8").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")
    return 0
