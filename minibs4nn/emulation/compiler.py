"""CUDA C compiled for the CPU: the same text that a graphics card runs, callable from Python."""

import atexit
import ctypes
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from minibs4nn.errors import BackendError

__all__ = ["Compiled", "compiler"]

HEADER = Path(__file__).with_name("cuda_on_cpu.h")
_NAMES = re.compile(r'^extern "C" __global__ void (\w+)\(', re.M)
_LAUNCHER = """
extern "C" int launch_{name}(const unsigned* blocks, const unsigned* size, unsigned order,
                             void** arguments)
{{
    return emulation::launch({name}, blocks, size, order, arguments);
}}
"""
_MESSAGE = 'extern "C" const char* message() { return emulation::message; }\n'


def compiler() -> str:
    """Find a C++ compiler.

    Returns
    -------
    str
        Its path.

    Raises
    ------
    BackendError
        If there is none.
    """
    found = shutil.which("g++") or shutil.which("clang++")
    if found is None:
        raise BackendError(
            "the emulated graphics card needs a C++ compiler, and there is no g++ here; on Debian "
            "and Ubuntu: apt-get install g++"
        )
    return found


class Compiled:
    """Kernels that run on the CPU, one thread at a time.

    Parameters
    ----------
    text : str
        CUDA C, with kernels that begin with ``extern "C" __global__ void name(``.
    options : sequence of str
        As for NVRTC. ``-D`` is passed on; the rest is for cards only: nothing is fused here.

    Raises
    ------
    BackendError
        If there is no compiler, or it does not accept the text.
    """

    def __init__(self, text: str, options: Sequence[str] = ()) -> None:
        self.names: list[str] = _NAMES.findall(text)
        launchers = "".join(_LAUNCHER.format(name=name) for name in self.names)
        program = f'#include "{HEADER.name}"\n#line 1 "kernels.cu"\n{text}\n{launchers}{_MESSAGE}'
        defines = tuple(option for option in options if option.startswith("-D"))
        self._library = _build(program, defines)
        self._library.message.restype = ctypes.c_char_p

    def function(self, name: str) -> Callable[..., None]:
        """A kernel, to be called with blocks, threads, the addresses of its arguments, an order.

        Raises
        ------
        ValueError
            If there is no kernel of that name.
        """
        if name not in self.names:
            raise ValueError(f"no kernel {name!r}; there are {', '.join(self.names)}")
        launch = getattr(self._library, f"launch_{name}")
        launch.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint, ctypes.c_void_p]

        def run(
            blocks: tuple[int, ...], threads: tuple[int, ...], arguments: Sequence[Any], order: int
        ) -> None:
            # An argument is an address in memory, or a NumPy scalar.
            values = [np.array(value) for value in arguments]
            addresses = np.array([value.ctypes.data for value in values], dtype=np.uintp)
            sizes = [np.array((*size, 1, 1)[:3], dtype=np.uint32) for size in (blocks, threads)]
            if launch(sizes[0].ctypes.data, sizes[1].ctypes.data, order, addresses.ctypes.data):
                raise RuntimeError(f"kernel {name}: {self._library.message().decode()}")

        return run


@cache
def _build(program: str, defines: tuple[str, ...]) -> ctypes.CDLL:
    folder = _folder()
    number = len(list(folder.iterdir()))
    source, library = folder / f"{number}.cpp", folder / f"{number + 1}.so"
    source.write_text(program, "utf8")
    command = [
        compiler(), "-std=c++17", "-O1", "-fPIC", "-shared", "-ffp-contract=off",
        "-U_FORTIFY_SOURCE", f"-I{HEADER.parent}", *defines, str(source), "-o", str(library),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise BackendError(f"the kernels cannot be compiled for the CPU: {done.stderr.strip()}")
    return ctypes.CDLL(str(library))


@cache
def _folder() -> Path:
    """A folder for what is compiled; it goes with the process."""
    folder = tempfile.mkdtemp(prefix="minibs4nn-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)
