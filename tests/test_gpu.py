"""The GPU path without a GPU: the kernels' own text, run on the CPU, against the reference.

A C++ compiler takes the place of NVRTC and a strict stand-in the place of CuPy; see
``minibs4nn.emulation``. Threads run in another order at every launch. Everything is compared to the
last bit. What only a card can show is in ``test_gpu_card.py``.
"""

from dataclasses import replace
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
from agreement import (
    EDGES,
    NUMBA,
    REFERENCE,
    ROUNDED,
    Case,
    by_hand,
    check_epoch,
    check_forward,
    check_step,
    random_case,
    same,
)
from gpu_checks import Online, check_three_ways, emulated, needs_compiler
from hypothesis import given, settings
from hypothesis import strategies as st
from test_equality import cases

import minibs4nn as bs
from minibs4nn.emulation import emulated_gpu, stand_in
from minibs4nn.emulation.compiler import Compiled
from minibs4nn.errors import BackendError
from minibs4nn.kernels import Kernels, get_kernels, gpu, gpu_probe
from minibs4nn.kernels.cuda_source import TEXT, check_arguments, kernel_text, signatures
from minibs4nn.kernels.gpu import Device
from minibs4nn.rules import RelativeTarget

# --- the numbers ---------------------------------------------------------------------------------


@needs_compiler
@pytest.mark.parametrize("name", EDGES)
def test_edge_cases(name: str) -> None:
    check_three_ways(EDGES[name], emulated(), ahead=3, batch_size=2)
    check_forward(EDGES[name], emulated(), exact=True)


@needs_compiler
def test_one_training_step_in_the_dense_form() -> None:
    for seed in range(8):
        check_step(random_case(seed), emulated())


@needs_compiler
def test_inputs_are_heard_in_the_order_of_their_indices() -> None:
    check_three_ways(ROUNDED, emulated(), ahead=2, batch_size=3)


@needs_compiler
@settings(max_examples=60)
@given(cases(exact=False, max_images=6), st.integers(1, 9), st.integers(1, 5))
def test_any_network_in_all_three_ways(case: Case, ahead: int, batch_size: int) -> None:
    few = replace(case, order=case.order[:40])
    check_three_ways(few, emulated(), ahead=ahead, batch_size=batch_size)


@needs_compiler
def test_the_result_does_not_depend_on_how_far_it_looks_ahead() -> None:
    case = random_case(7)
    for ahead in (1, 2, 7, 1000):
        check_epoch(case, NUMBA, Online(emulated(), ahead), count_fired=(True,))


@needs_compiler
def test_the_longest_window() -> None:
    times = [[0, 32766, 5], [32765, 32767, 20000], [32767, 32767, 32767]]
    case = by_hand(times, [[1, 1, 1], [1, 0, 0], [0, 1, 0]], [1, 0, 0], 32767)
    check_three_ways(case, emulated(), ahead=2, batch_size=2)


@needs_compiler
@pytest.mark.parametrize("binary", [False, True], ids=["S4NN", "BS4NN"])
def test_some_images_of_mnist(binary: bool) -> None:
    train, _ = bs.datasets.mnist()
    rng = np.random.default_rng(7)
    low = -0.4 if binary else 0.0
    case = Case(
        bs.latency_code(train.images[:12]), train.labels[:12].copy(), np.arange(12),
        (rng.uniform(low, 1, (40, 784)), rng.uniform(low, 1, (10, 40))),
        (np.full(40, 30.0), np.full(10, 8.0)), (1.5, 1.2) if binary else None,
        bs.BS4NN_PUBLISHED if binary else bs.S4NN_PUBLISHED, 256,
    )  # fmt: skip
    check_three_ways(case, emulated(), ahead=4, batch_size=5)


@needs_compiler
@pytest.mark.parametrize("n_out", [1, 31, 32, 33, 127, 128, 129, 257])
def test_layers_that_do_and_do_not_fill_their_blocks(n_out: int) -> None:
    rng = np.random.default_rng(n_out)
    times = rng.integers(0, 10, (3, 130)).astype(np.int16)
    signs = np.where(rng.random((n_out, 130)) < 0.4, -1, 1).astype(np.int8)
    for weights in (signs, rng.normal(size=(n_out, 130))):
        wanted = REFERENCE.layer_spike_times(times, weights, np.full(n_out, 3.0), t_max=9)
        got = emulated().layer_spike_times(times, weights, np.full(n_out, 3.0), t_max=9)
        same(got[0], wanted[0])
        same(got[1], wanted[1])


# --- through the networks ------------------------------------------------------------------------


@needs_compiler
@pytest.mark.parametrize("batch_size", [1, 7])
@pytest.mark.parametrize("cls", [bs.S4NN, bs.BS4NN])
def test_fit_and_evaluate_give_the_same_bits(
    cls: type[bs.S4NN] | type[bs.BS4NN], batch_size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("minibs4nn.training.PART", 37)
    monkeypatch.setattr(gpu, "AHEAD", 5)
    train, test = bs.datasets.bars(100, size=4, noise=0.2, seed=3)
    rule = RelativeTarget(
        learning_rate=0.2, gamma=2, weight_decay=1e-3, all_silent="teach", order="shuffle",
        reset_dead=0.3, batch_size=batch_size,
    )  # fmt: skip

    def trained(backend: str) -> bs.S4NN | bs.BS4NN:
        return cls((16, 12, 8), threshold=6.0, seed=5, backend=backend).fit(
            train.images, train.labels, epochs=2, rule=rule, validation=0.2, progress=False
        )

    with emulated_gpu():
        ours = trained("cupy")
        evaluation = ours.evaluate(test.images, test.labels)
        classes = ours.predict(test.images)
    wanted = trained("numpy")
    for a, b in zip(ours.parameters.latent, wanted.parameters.latent, strict=True):
        same(a, b)
    same(ours.parameters.scale, wanted.parameters.scale)
    for name in set(wanted.history_.keys()) - {"seconds"}:
        same(ours.history_[name], wanted.history_[name])
    assert evaluation == wanted.evaluate(test.images, test.labels)
    assert classes.tolist() == wanted.predict(test.images).tolist()


@needs_compiler
@pytest.mark.parametrize("layers", [(16, 33, 8), (16, 7, 5, 8)])
def test_packed_bits_decide_as_they_are(
    layers: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gpu, "CHUNK", 17)
    _, test = bs.datasets.bars(50, size=4, noise=0.3, seed=3)
    rng = np.random.default_rng(0)
    weights = [rng.normal(0.3, 1, (n_out, n_in)) for n_in, n_out in pairwise(layers)]
    net = bs.BS4NN.from_weights(weights, scale=1.3, threshold=2.0, backend="numpy")
    small = net.pack()
    with emulated_gpu():
        small.backend = "cupy"
        monkeypatch.delattr(bs.PackedBS4NN, "unpack")
        assert small.predict(test.images).tolist() == net.predict(test.images).tolist()
        assert small.predict(test.images[:0]).shape == (0,)


@needs_compiler
def test_a_scale_that_falls_to_zero_is_an_error_as_in_the_reference() -> None:
    case = next(
        case for case in map(random_case, range(1, 200, 2))
        if isinstance(_message(case, REFERENCE), str)
    )  # fmt: skip
    assert _message(case, emulated()) == _message(case, REFERENCE)


def _message(case: Case, kernels: Kernels) -> str | None:
    rule = replace(case.rule, scale_learning_rate=2.0)
    try:
        kernels.train_online(
            kernels.prepare(case.times, t_max=case.t_max), case.labels, case.order,
            case.parameters(), rule, t_max=case.t_max, count_fired=False,
        )  # fmt: skip
    except ArithmeticError as error:
        return str(error)
    return None


def test_a_layer_that_is_too_large_is_refused() -> None:
    with pytest.raises(BackendError, match="4294967168 weights, got 65536 x 65536"):
        gpu._check_size(65536, 65536)


# --- with no card --------------------------------------------------------------------------------


def test_without_a_card_the_error_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(gpu_probe.OFF, "1")
    net = bs.BS4NN((4, 3), backend="cupy")
    images, labels = np.zeros((2, 4), np.uint8), [0, 1]
    message = (
        "backend='cupy' needs CuPy and a CUDA device: switched off by the environment variable "
        "MINIBS4NN_NO_GPU. Available here: numpy, numba"
    )
    for use in (
        lambda: net.fit(images, labels, epochs=1),
        lambda: bs.BS4NN.from_weights([np.eye(4)], scale=1.0, backend="cupy").predict(images),
        lambda: get_kernels("cupy"),
    ):
        with pytest.raises(BackendError) as caught:
            use()
        assert str(caught.value) == message
    with pytest.raises(BackendError, match="switched off"):
        gpu.device()
    assert not bs.backends()["cupy"].usable


def cupy_where(*, available: object = True, answer: int = 42) -> SimpleNamespace:
    """CuPy on a machine on which something may be wrong."""

    def is_available() -> object:
        if isinstance(available, Exception):
            raise available
        return available

    cuda = SimpleNamespace(
        is_available=is_available,
        Device=lambda: SimpleNamespace(id=0),
        runtime=SimpleNamespace(
            getDeviceProperties=lambda number: {"name": b"A card of the tests"}
        ),
    )
    return SimpleNamespace(
        __version__="14.2.0",
        cuda=cuda,
        zeros=lambda n, dtype: SimpleNamespace(get=lambda: [answer]),
        RawKernel=lambda text, name: lambda blocks, threads, arguments: None,
    )


@pytest.mark.parametrize(
    ("cupy", "detail"),
    [
        (cupy_where(), "CuPy 14.2.0 on A card of the tests"),
        (cupy_where(available=False), "CuPy 14.2.0 finds no CUDA device; see nvidia-smi"),
        (cupy_where(answer=0), "a test kernel on the CUDA device returned 0 instead of 42"),
        (
            cupy_where(available=OSError("no driver\nmore")),
            "a test kernel could not run on the CUDA device: OSError: no driver",
        ),
        (ImportError("libcuda"), "CuPy cannot be imported: ImportError: libcuda"),
        (ModuleNotFoundError("No module named 'numpy.x'", name="numpy.x"),
         "CuPy cannot be imported: No module named 'numpy.x'"),
        (ModuleNotFoundError("No module named 'cupy'", name="cupy"),
         "CuPy is not installed (pip install 'minibs4nn[gpu]')"),
    ],
)  # fmt: skip
def test_a_card_counts_when_a_kernel_has_given_the_right_number(
    cupy: object, detail: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(name: str) -> object:
        assert name == "cupy"
        if isinstance(cupy, Exception):
            raise cupy
        return cupy

    monkeypatch.setattr("minibs4nn.kernels.gpu_probe.importlib.import_module", load)
    monkeypatch.delenv(gpu_probe.OFF, raising=False)
    found = gpu_probe._look.__wrapped__()
    assert found.detail == detail
    assert (found.cupy is cupy) == detail.endswith("of the tests")


# --- what a launch is given ----------------------------------------------------------------------

DECAY = signatures(TEXT, one_bit=True)["decay"]
LATENT = stand_in.asarray(np.ones(3, np.float32))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((LATENT, np.uint32(3)), "3 arguments are wanted, got 2"),
        ((LATENT, np.uint32(3), 0.5), "shrink must be a NumPy scalar of float64, got float"),
        ((LATENT, np.int32(3), np.float64(1)), "n must be a NumPy scalar of uint32, got int32"),
        ((LATENT, LATENT, np.float64(1)), "n must be a NumPy scalar of uint32, got float32 array"),
        (
            (stand_in.zeros(3, np.float64), np.uint32(3), np.float64(1)),
            "latent must be a float32 array on the card, got float64 array",
        ),
        (
            (np.ones(3, np.float32), np.uint32(3), np.float64(1)),
            "latent must be a float32 array on the card, got float32 array of the host",
        ),
        (
            (stand_in.zeros(6, np.float32)[::2], np.uint32(3), np.float64(1)),
            "latent must be contiguous",
        ),
    ],
)
def test_a_wrong_argument_is_named(arguments: tuple[object, ...], message: str) -> None:
    with pytest.raises(TypeError) as caught:
        check_arguments("decay", DECAY, arguments, stand_in.ndarray)
    assert str(caught.value) == f"kernel decay: {message}"


@needs_compiler
def test_every_launch_is_checked() -> None:
    program = emulated()._programs[True]
    with pytest.raises(TypeError, match="kernel decay: n must be"):
        program.launch("decay", (1,), 32, LATENT, 3, np.float64(0.5))


def test_the_signatures_are_read_from_the_text() -> None:
    bits, reals = (signatures(TEXT, one_bit=one_bit) for one_bit in (True, False))
    assert len(bits) == TEXT.count('extern "C" __global__')
    assert list(bits) == ["list_spikes", "forward", "teach", "update", "pass_back", "decay"]
    for one_bit, found in ((True, bits), (False, reals)):
        types = {p.name: str(p.dtype) for p in found["update"]}
        assert types["latent"] == types["step"] == ("float32" if one_bit else "float64")
        assert types["flips"] == "uint64"
        types = {p.name: str(p.dtype) for p in found["forward"]}
        assert types["weights"] == ("uint32" if one_bit else "float64")
        assert types["potential"] == types["late"] == ("int32" if one_bit else "float64")
        assert types["times"] == "int16"
    assert [p.is_array for p in bits["decay"]] == [True, False, False]


def test_an_unknown_type_is_an_error() -> None:
    text = 'extern "C" __global__ void f(half* x) {'
    with pytest.raises(ValueError, match="kernel f: type 'half' of x is not known"):
        signatures(text, one_bit=True)


def test_one_kernel_of_the_text() -> None:
    text = kernel_text("forward")
    assert text.startswith("// Firing times of one layer.")
    assert text.endswith("\n}\n")
    for step in ("(1) integrate", "(2) compare  (3) at most one spike", "(4) one step later"):
        assert step in text
    with pytest.raises(ValueError, match="no kernel 'backward'; there are list_spikes, forward"):
        kernel_text("backward")


# --- the imagined card is strict -----------------------------------------------------------------


def test_arrays_of_the_card_do_not_mix_with_those_of_the_host() -> None:
    with pytest.raises(TypeError, match="Implicit conversion"):
        np.asarray(LATENT)
    with pytest.raises(TypeError):
        LATENT + np.ones(3)
    with pytest.raises(TypeError, match="Implicit conversion"):
        np.ones(3) + LATENT
    assert LATENT.get().tolist() == [1, 1, 1]


def test_what_nobody_has_written_is_garbage() -> None:
    assert len(set(stand_in.empty(64, np.uint64).get().tolist())) > 60


def launched(body: str, n: int = 64, threads: int = 64, blocks: int = 1) -> list[int]:
    """Run a kernel that writes to ``int* x``, which has room for ``n`` numbers."""
    text = f'extern "C" __global__ void f(int* x)\n{{\n{body}\n}}\n'
    x = stand_in.zeros(n, np.int32)
    stand_in.RawModule(code=text).get_function("f")((blocks,), (threads,), (x,))
    return list(map(int, x.get()))


@needs_compiler
def test_threads_blocks_and_barriers() -> None:
    body = """
    __shared__ int s[64];
    s[threadIdx.x] = threadIdx.x;
    __syncthreads();
    x[blockIdx.x * blockDim.x + threadIdx.x] = s[63 - threadIdx.x] + 100 * blockIdx.x;
    """
    wanted = [63 - k + 100 * block for block in range(2) for k in range(64)]
    for _ in range(4):  # in another order each time
        assert launched(body, n=128, blocks=2) == wanted


@needs_compiler
def test_a_ballot_and_a_vote() -> None:
    body = """
    unsigned word = __ballot_sync(0xffffffffu, threadIdx.x % 3 == 0);
    x[threadIdx.x] = __popc(word) + 100 * __syncthreads_or(threadIdx.x == 40);
    """
    assert launched(body) == [111] * 32 + [110 + (32 * 2 % 3 == 1)] * 32


@needs_compiler
@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("if (threadIdx.x < 7) __syncthreads();", "barrier divergence: of 64 threads, 57 have"),
        ("if (threadIdx.x < 7)\n__syncthreads();\nelse\n__syncthreads();", "different barriers"),
        ("if (threadIdx.x < 7) __ballot_sync(0xffffffffu, 1);", "barrier divergence"),
        ("x[threadIdx.x + 1] = 1;", "written beside one of its arrays"),
        ("x[-1] = 1;", "written beside one of its arrays"),
    ],
)
def test_what_would_hang_or_spoil_memory_is_an_error(body: str, message: str) -> None:
    with pytest.raises(RuntimeError, match=message):
        launched(body)


@needs_compiler
def test_launches_that_a_card_refuses() -> None:
    with pytest.raises(RuntimeError, match="cannot launch"):
        launched("x[0] = 1;", threads=1025)
    with pytest.raises(RuntimeError, match="cannot launch"):
        launched("x[0] = 1;", blocks=0)


@needs_compiler
def test_a_missing_barrier_shows() -> None:
    body = """
    __shared__ int s[64];
    s[threadIdx.x] = threadIdx.x;
    x[threadIdx.x] = s[63 - threadIdx.x];
    """
    found = [launched(body) == [63 - k for k in range(64)] for _ in range(4)]
    assert not all(found)


@needs_compiler
def test_the_compiler_says_what_it_does_not_understand() -> None:
    with pytest.raises(BackendError, match=r"kernels\.cu:3:8: error: .nonsense. was not declared"):
        launched("x[0] = nonsense;")


def test_without_a_compiler_the_error_says_how_to_get_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(BackendError, match=r"no g\+\+ here; on Debian and Ubuntu: apt-get install"):
        emulated_gpu().__enter__()


@needs_compiler
def test_within_the_context_the_emulation_says_what_it_is() -> None:
    before = bs.backends()["cupy"]
    with emulated_gpu():
        assert bs.backends()["cupy"] == (True, "emulated on the CPU, for study: slow")
        assert isinstance(get_kernels("cupy"), Device)
    assert bs.backends()["cupy"] == before


@needs_compiler
def test_kernels_are_called_by_their_names() -> None:
    compiled = Compiled('extern "C" __global__ void f(int* x) { x[0] = 1; }')
    with pytest.raises(ValueError, match="no kernel 'g'; there are f"):
        compiled.function("g")
