"""Nothing here needs a network: to import, to use the library, or to read the package's data."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
BLOCKED = """
import socket

def refuse(*arguments, **options):
    raise SystemExit("a socket was used")

for name in ("connect", "connect_ex", "bind", "sendto", "sendmsg"):
    setattr(socket.socket, name, refuse)
socket.create_connection = socket.getaddrinfo = socket.gethostbyname = refuse
"""
IMPORT_ALL = """
import importlib, pkgutil
import minibs4nn

names = [module.name for module in pkgutil.walk_packages(minibs4nn.__path__, "minibs4nn.")]
for name in names:
    if not name.endswith("__main__"):
        importlib.import_module(name)
print(len(names))
"""
CALL = "socket.create_connection(('localhost', 1))"


def run(code: str, folder: Path) -> str:
    """Run code that finds all sockets blocked, with no folder of data on this machine."""
    environment = {**os.environ, "HOME": str(folder), "XDG_CACHE_HOME": str(folder)}
    command = [sys.executable, "-W", "ignore", "-c", BLOCKED + code]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, env=environment)
    return done.stdout + done.stderr * bool(done.returncode)


def test_every_module_is_imported_without_a_network(tmp_path: Path) -> None:
    assert int(run(IMPORT_ALL, tmp_path)) > 50


def test_the_readme_runs_without_a_network(tmp_path: Path) -> None:
    example = re.search("```python\n(.*?)```", (ROOT / "README.md").read_text("utf8"), re.DOTALL)
    assert example is not None
    quick = example[1].replace(
        "train.images, train.labels", "train.images[:600], train.labels[:600]"
    )
    assert quick != example[1]
    assert run(quick, tmp_path).startswith("accuracy ")


@pytest.mark.parametrize(
    "code", [CALL, "import urllib.request as r\nr.urlopen('http://localhost:1')"]
)
def test_a_call_would_be_noticed(tmp_path: Path, code: str) -> None:
    assert "a socket was used" in run(code, tmp_path)
