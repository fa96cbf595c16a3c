"""The student's process: shuts itself in, runs the cells of a notebook, then answers calls.

It is started as a program of its own, with nothing on its path but Python, NumPy and a copy of the
library that has neither exercises nor grader in it. It knows no expected value and no points. It is
asked ``my_layer(...)`` with plain data and replies with plain data; whatever a submission does in
here, all that it can send is an answer, and an answer is right or wrong.

What Linux allows is used to shut it in: namespaces of its own for processes, network and files,
the whole file system read-only but for a scratch folder. Where that is not permitted, resource
limits, a session of its own and a Python-level refusal of sockets remain; the report says which.
"""

import ast
import builtins
import contextlib
import ctypes
import json
import os
import resource
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any, BinaryIO, NoReturn

__all__ = ["main"]

# From the headers of Linux; Python names them from 3.12 on.
NEW_USER, NEW_PID, NEW_NET, NEW_IPC, NEW_MOUNT = (
    0x10000000, 0x20000000, 0x40000000, 0x08000000, 0x00020000,
)  # fmt: skip
MS_BIND, MS_REC, MS_PRIVATE, MS_NOSUID, MS_NODEV, MS_NOEXEC = 4096, 16384, 1 << 18, 2, 4, 8
SYS_MOUNT_SETATTR, AT_FDCWD, AT_RECURSIVE, ATTR_READ_ONLY = 442, -100, 0x8000, 1
PR_SET_PDEATHSIG, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 1, 24, 38
CAPABILITIES, LAST_CAPABILITY = 0x20080522, 63  # version 3 of their form

USER, GROUP = os.geteuid(), os.getegid()  # before any namespace shows others
LONGEST_REPLY = 4_000_000  # bytes


class _TooLongError(BaseException):
    """A cell or a call ran out of time; not an Exception, so that ``except Exception`` passes."""


class _MountAttributes(ctypes.Structure):
    _fields_ = (
        ("set", ctypes.c_uint64),
        ("clear", ctypes.c_uint64),
        ("propagation", ctypes.c_uint64),
        ("user_namespace", ctypes.c_uint64),
    )


def main() -> NoReturn:
    """Run as ``python worker.py 3 4``: numbers of the pipe to read requests from, and to reply to.

    The first line that is read is the job.
    """
    requests, replies = os.fdopen(int(sys.argv[1]), "rb"), int(sys.argv[2])
    job = json.loads(requests.readline())
    text = Path(job["values"]).read_text("utf8")  # before its folder is hidden
    isolation = _isolate(job, requests, replies)
    _limit(job, own_user=isolation["processes"])
    os.chdir(job["scratch"])
    own = str(Path(__file__).parent)
    sys.path[:] = [job["library"], *(p for p in sys.path if p != own), *job["packages"]]
    sys.argv[:] = [""]
    values = ModuleType("_values")
    sys.modules["_values"] = values
    exec(compile(text, "values.py", "exec"), vars(values))
    _send(replies, {"isolation": isolation})
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 2)  # until here, errors were the grader's
    namespace = _run_cells(job, replies)
    _answer(namespace, job, requests, replies, values)
    os._exit(0)


# ------------------------------------------------------------------------------ shutting itself in


def _isolate(job: dict[str, Any], requests: BinaryIO, replies: int) -> dict[str, bool]:
    """Enter namespaces of its own, as far as the system allows; the parent stays behind and waits.

    The process that the grader has started never runs a line of the submission. It tells the
    grader the number of the one that does, so that this can be killed for certain: as the first
    process of its namespace it takes all others with it, also those that left its session.
    """
    done = {"processes": False, "network": False, "files": False}
    libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
    if libc is not None:
        libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        everything = NEW_USER | NEW_PID | NEW_NET | NEW_IPC | NEW_MOUNT
        if job["namespaces"] and libc.unshare(everything) == 0:
            done["processes"] = done["network"] = True
            _keep_own_number()
    child = os.fork()
    if child:
        _send(replies, {"process": child})
        requests.close()
        os.close(replies)
        while True:  # until it is killed: its child stays a zombie, and the number stays its own
            signal.pause()
    os.setpgid(0, 0)  # a signal to its own group does not reach the parent
    if libc is not None:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if done["processes"] and libc is not None:
        done["files"] = _read_only(libc, job) and _give_up_rights(libc)
    if not done["network"]:
        _refuse_network()
    return done


def _keep_own_number() -> None:
    """Be the same user inside the namespace as outside; without this no file could be made."""
    with contextlib.suppress(OSError):
        Path("/proc/self/setgroups").write_text("deny", "utf8")
        Path("/proc/self/uid_map").write_text(f"{USER} {USER} 1", "utf8")
        Path("/proc/self/gid_map").write_text(f"{GROUP} {GROUP} 1", "utf8")


def _read_only(libc: ctypes.CDLL, job: dict[str, Any]) -> bool:
    """Make all files read-only but the scratch folder, and hide folders."""
    scratch = os.fsencode(job["scratch"])

    def attributes(path: bytes, *, locked: bool) -> bool:
        change = _MountAttributes(ATTR_READ_ONLY * locked, ATTR_READ_ONLY * (not locked), 0, 0)
        size = ctypes.sizeof(change)
        arguments = (AT_FDCWD, path, AT_RECURSIVE, ctypes.byref(change), size)
        return bool(libc.syscall(SYS_MOUNT_SETATTR, *arguments) == 0)

    if libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None):
        return False
    # A scratch folder in memory: it has an end, and is gone with the process.
    if libc.mount(b"tmpfs", scratch, b"tmpfs", MS_NOSUID | MS_NODEV, b"size=128m,mode=700"):
        return False
    for path in map(os.fsencode, job["hidden"]):
        if os.path.isdir(path):
            failed = libc.mount(b"tmpfs", path, b"tmpfs", MS_NOSUID | MS_NODEV, b"size=4k")
        else:
            failed = libc.mount(b"/dev/null", path, None, MS_BIND, None)
        if failed:
            return False
    # The processes of others; where the system forbids this, they can be seen but not touched.
    libc.mount(b"proc", b"/proc", b"proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, None)
    # /dev/shm and the like are part of the tree and locked with it.
    return attributes(b"/", locked=True) and attributes(scratch, locked=False)


def _give_up_rights(libc: ctypes.CDLL) -> bool:
    """Drop all capabilities: who enters a user namespace has them, and could unmount what hides.

    In a further namespace of its own a submission has them again, but there the mounts are locked.
    """
    for number in range(LAST_CAPABILITY + 1):  # so that no program that is started gets them back
        libc.prctl(PR_CAPBSET_DROP, number, 0, 0, 0)
    header, none_of_them = (ctypes.c_uint32 * 2)(CAPABILITIES, 0), (ctypes.c_uint32 * 6)()
    return bool(libc.capset(header, none_of_them) == 0)


def _limit(job: dict[str, Any], *, own_user: bool) -> None:
    """Set limits that a process cannot raise again.

    The number of processes is counted per user. Only in a namespace of its own is that this
    submission alone; elsewhere, what the user runs already is added. For root it has no effect,
    and the grader alone watches the number.
    """
    running = 0 if own_user else _processes_of_user()
    memory = int(job["memory"])
    for name, most in (
        ("RLIMIT_AS", memory),
        ("RLIMIT_CPU", int(job["seconds"]) + 5),
        ("RLIMIT_FSIZE", 64 << 20),
        ("RLIMIT_CORE", 0),
        ("RLIMIT_NOFILE", 256),
        ("RLIMIT_NPROC", 64 + running),
    ):
        kind = getattr(resource, name)
        _, hard = resource.getrlimit(kind)
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        with contextlib.suppress(OSError, ValueError):  # macOS knows RLIMIT_AS and refuses it
            resource.setrlimit(kind, (most, most))


def _processes_of_user() -> int:
    """How many processes and threads this user runs, where the system tells."""
    count = 0
    for folder in Path("/proc").glob("[0-9]*/task"):
        with contextlib.suppress(OSError):
            count += len(os.listdir(folder)) if folder.stat().st_uid == USER else 0
    return count or 10_000


def _refuse_network() -> None:
    """Where no namespace does it: refuse sockets to Python code, which keeps honest code honest."""

    def refuse(*arguments: object, **options: object) -> NoReturn:
        raise OSError("no network while a submission is graded")

    for name in ("connect", "connect_ex", "bind", "sendto"):
        setattr(socket.socket, name, refuse)
    socket.create_connection = refuse
    socket.getaddrinfo = refuse


# ----------------------------------------------------------------------------- running the notebook


def _run_cells(job: dict[str, Any], replies: int) -> dict[str, Any]:
    """Run each cell for itself: one that fails does not stop those after it."""
    main_module = ModuleType("__main__")
    sys.modules["__main__"] = main_module
    namespace = vars(main_module)
    namespace["display"] = lambda *shown, **options: None
    namespace["__builtins__"] = builtins
    again = []
    for number, source in enumerate(job["cells"]):
        if number in job["skip"]:
            continue
        _send(replies, {"cell": number})
        error = _run_cell(source, number, namespace, job["cell_seconds"])
        if error is not None:
            _send(replies, {"cell": number, "error": error})
        if error is not None and error.startswith("NameError"):
            again.append(number)
    for number in again:  # cells in another order: what was missing may be there by now
        _send(replies, {"cell": number})
        error = _run_cell(job["cells"][number], number, namespace, job["cell_seconds"])
        _send(replies, {"cell": number, "error": error or ""})
    return namespace


def _run_cell(source: str, number: int, namespace: dict[str, Any], seconds: float) -> str | None:
    """Run one cell; say what stopped it, or None."""
    try:
        tree = ast.parse(source, f"<cell {number}>")
        with _time_limit(seconds):
            exec(compile(tree, f"<cell {number}>", "exec"), namespace)
    except _TooLongError:
        return f"TimeoutError: the cell did not come to an end within {seconds:g} seconds"
    except BaseException as error:  # also exit() and KeyboardInterrupt: they end the cell, no more
        return _describe(error)
    return None


def _describe(error: BaseException) -> str:
    try:
        text = " ".join(str(error).split())
    except BaseException:
        text = "?"
    return f"{type(error).__name__}: {text}"[:300]


@contextlib.contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    """Interrupt Python code; what does not let itself be interrupted is killed from outside."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise _TooLongError

    signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


# --------------------------------------------------------------------------------- answering calls


def _answer(
    namespace: dict[str, Any], job: dict[str, Any], requests: BinaryIO, replies: int, values: Any
) -> None:
    """Serve calls until the grader closes the pipe."""
    _send(replies, {"ready": [name for name in job["functions"] if callable(namespace.get(name))]})
    while line := requests.readline():
        request = json.loads(line)
        for number, encoded in enumerate(request["cases"]):
            arguments = values.decode_arguments(encoded)
            try:
                with _time_limit(job["call_seconds"]), values.without(request["without"]):
                    outcome = values.call(namespace[request["function"]], arguments)
                reply = {"value": outcome.value, "error": outcome.error}
            except _TooLongError:
                reply = {"error": "TimeoutError: it did not come to an end"}
            except BaseException as error:
                reply = {"error": _describe(error)}
            _send(replies, {"case": number, **reply})


def _send(pipe: int, message: dict[str, Any]) -> None:
    try:
        data = json.dumps(message).encode()
    except (TypeError, ValueError, RecursionError):
        data = json.dumps(
            {"case": message.get("case"), "error": "TypeError: no plain data"}
        ).encode()
    if len(data) > LONGEST_REPLY:
        data = json.dumps({"case": message.get("case"), "error": "MemoryError: too large"}).encode()
    data += b"\n"
    while data:
        data = data[os.write(pipe, data) :]


if __name__ == "__main__":
    main()
