"""What only NVIDIA's compiler, the real CuPy, or a card can show.

- The compiler alone, without CuPy or a card: ``pip install 'minibs4nn[gpu-compile]'``. The kernels
  must compile for every generation of cards that we name, without a warning.
- CuPy without a card: every name that the GPU path uses must be there.
- A card: the tests marked ``gpu``. Where there is none they are skipped, and the summary says why.

The variables MINIBS4NN_NEED_NVRTC and MINIBS4NN_NEED_GPU turn the skips into failures.
"""

import ctypes
import importlib
import importlib.util
import os
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gpu_checks import all_checks, check_three_ways, wide_case

import minibs4nn as bs
from minibs4nn import gpu_check
from minibs4nn.emulation import stand_in
from minibs4nn.kernels import gpu
from minibs4nn.kernels.cuda_source import TEXT, options
from minibs4nn.kernels.gpu_probe import usable_gpu

ARCHITECTURES = ("sm_75", "sm_80", "sm_90", "sm_100")  # Turing, Ampere, Hopper, Blackwell


def skip_unless(there: bool, reason: str, variable: str) -> None:
    """Skip a test, or fail where the variable says that what it needs must be there."""
    if not there and os.environ.get(variable):
        pytest.fail(f"{variable} is set, but {reason}")
    if not there:
        pytest.skip(reason)


# --- the compiler --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def nvrtc() -> Any:
    """Return NVIDIA's compiler, from its wheel."""
    found = importlib.util.find_spec("nvidia")
    folders = found.submodule_search_locations if found else None
    libraries = [
        path for folder in folders or () for path in sorted(Path(folder).rglob("libnvrtc.so.*"))
    ]
    reason = "NVRTC is not installed (pip install 'minibs4nn[gpu-compile]')"
    skip_unless(bool(libraries), reason, "MINIBS4NN_NEED_NVRTC")
    return ctypes.CDLL(str(libraries[0]))


def compiled(nvrtc: Any, text: str, *flags: str) -> tuple[bool, str, int]:
    """Compile; return whether it went well, what the compiler said, and the size of the result."""
    program, size = ctypes.c_void_p(), ctypes.c_size_t()
    made = nvrtc.nvrtcCreateProgram(
        ctypes.byref(program), text.encode(), b"kernels.cu", 0, None, None
    )
    assert made == 0
    encoded = [flag.encode() for flag in flags]
    result = nvrtc.nvrtcCompileProgram(
        program, len(encoded), (ctypes.c_char_p * len(encoded))(*encoded)
    )
    nvrtc.nvrtcGetProgramLogSize(program, ctypes.byref(size))
    log = ctypes.create_string_buffer(size.value)
    nvrtc.nvrtcGetProgramLog(program, log)
    nvrtc.nvrtcGetCUBINSize(program, ctypes.byref(size))
    nvrtc.nvrtcDestroyProgram(ctypes.byref(program))
    return result == 0, log.value.decode(), size.value


@pytest.mark.parametrize("one_bit", [True, False], ids=["BS4NN", "S4NN"])
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_kernels_compile_for(architecture: str, one_bit: bool, nvrtc: Any) -> None:
    # As CuPy compiles, which adds -ftz=true.
    flags = (f"-arch={architecture}", "-ftz=true", *options(one_bit=one_bit))
    good, log, size = compiled(nvrtc, TEXT, *flags)
    assert good, log
    assert not log.strip(), "the compiler warns"
    assert size > 10_000


def test_the_compiler_refuses_what_is_wrong(nvrtc: Any) -> None:
    good, log, _ = compiled(nvrtc, TEXT.replace("int fired = t_max;", ""), "-arch=sm_90")
    assert not good
    assert 'identifier "fired" is undefined' in log


# --- CuPy, with or without a card ----------------------------------------------------------------


def test_the_real_cupy_has_what_the_stand_in_has() -> None:
    skip_unless(
        importlib.util.find_spec("cupy") is not None, "CuPy is not installed", "MINIBS4NN_NEED_GPU"
    )
    cupy = importlib.import_module("cupy")
    assert all(hasattr(cupy, name) for name in stand_in.__all__)
    for name in ("get", "shape", "dtype", "flags", "__getitem__"):
        assert hasattr(cupy.ndarray, name)
    module = cupy.RawModule(code=TEXT, options=options(one_bit=True))  # compiles at its first use
    assert callable(module.get_function)
    used = re.findall(r"\bxp\.(\w+)", Path(gpu_check.__file__).read_text("utf8"))
    assert used
    assert all(hasattr(cupy, name) for name in used)


# --- a card --------------------------------------------------------------------------------------


@pytest.fixture
def card() -> gpu.Device:
    """Return the card of this machine."""
    found = usable_gpu()
    skip_unless(found.cupy is not None, f"no usable GPU: {found.detail}", "MINIBS4NN_NEED_GPU")
    return gpu.device()


@pytest.mark.gpu
def test_a_card_gives_the_bits_of_the_reference(card: gpu.Device) -> None:
    all_checks(card)


@pytest.mark.gpu
@pytest.mark.parametrize("binary", [True, False], ids=["BS4NN", "S4NN"])
def test_a_card_gives_the_same_bits_every_time(card: gpu.Device, binary: bool) -> None:
    """Blocks that run at the same time must not get into each other's way."""
    case = wide_case(2, binary=binary)
    case = replace(case, order=np.tile(case.order, 6))
    for ahead in (1, 3, 64, 64, 64):
        check_three_ways(case, card, ahead=ahead, batch_size=16)


@pytest.mark.gpu
def test_mnist_on_a_card(card: gpu.Device) -> None:
    record = gpu_check.examine(
        gpu_check.Sizes(exact=60, train=2_000, test=2_000, dense=5), say=lambda text: None
    )
    assert all(record["exact"].values()), record["exact"]


@pytest.mark.gpu
def test_fit_on_a_card(card: gpu.Device) -> None:
    train, test = bs.datasets.bars(200, size=4, noise=0.2, seed=3)
    nets = [
        bs.BS4NN((16, 12, 8), threshold=6.0, seed=5, backend=backend).fit(
            train.images, train.labels, epochs=2, progress=False
        )
        for backend in ("cupy", "numpy")
    ]
    assert nets[0].evaluate(test.images, test.labels) == nets[1].evaluate(test.images, test.labels)
    for a, b in zip(nets[0].latent_weights_, nets[1].latent_weights_, strict=True):
        assert a.tobytes() == b.tobytes()
