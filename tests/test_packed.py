"""One bit per synapse: the same decisions as the network it came from, and files of strangers."""

import os
import re
import struct
import sys
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from packing import Array, networks, random_images, random_network, trained

import minibs4nn as bs
from minibs4nn import _bits, packed
from minibs4nn.binary import pack_bits
from minibs4nn.cli import main
from minibs4nn.errors import BackendError, FileFormatError, NotTrainedError
from minibs4nn.kernels import packed_cpu
from minibs4nn.packed import PackedBS4NN


def on(backend: str, small: PackedBS4NN) -> PackedBS4NN:
    """The same packed network on another backend."""
    return PackedBS4NN(
        small.layers, small.bits, small.thresholds, t_max=small.t_max, backend=backend
    )


def small_network() -> bs.BS4NN:
    """A 9-5-3 with a threshold of its own for each neuron, to be written to files."""
    return random_network((9, 5, 3), "of each neuron", seed=10)


# --- decisions -----------------------------------------------------------------------------------


@given(networks())
@settings(max_examples=400)
def test_packed_decides_as_unpacked(case: tuple[bs.BS4NN, Array]) -> None:
    net, images = case
    net.backend = "numpy"  # the definition
    wanted = net.predict(images)
    small = net.pack()
    got = on("numba", small).predict(images)
    assert got.dtype == np.int64
    np.testing.assert_array_equal(got, wanted)
    np.testing.assert_array_equal(on("numpy", small).predict(images), wanted)
    times = bs.latency_code(images, t_max=net.t_max)
    np.testing.assert_array_equal(on("numba", small).predict(times), wanted)


@given(networks())
def test_all_that_a_network_tells_is_the_same(case: tuple[bs.BS4NN, Array]) -> None:
    net, images = case
    labels = np.arange(len(images)) % net.layers[-1]
    small = net.pack()
    assert small.evaluate(images, labels) == net.evaluate(images, labels)
    for ours, theirs in zip(small.spike_times(images), net.spike_times(images), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    back = small.unpack()
    assert (back.layers, back.t_max, back.backend) == (net.layers, net.t_max, net.backend)
    for ours, theirs in zip(back.weights_, net.weights_, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_ten_thousand_images_of_mnist() -> None:
    net = trained()
    _, test = bs.datasets.mnist()
    evaluation = net.evaluate(test.images, test.labels)
    assert evaluation.tied > 0.1  # or else the tests below would show little
    assert evaluation.silent > 0.01
    small = net.pack()
    predicted = small.predict(test.images)
    np.testing.assert_array_equal(predicted, net.predict(test.images))
    assert small.evaluate(test.images, test.labels) == evaluation
    assert (predicted == test.labels).mean() == evaluation.accuracy


@pytest.mark.parametrize(
    "layers", [(1500, 1100, 3), (70_000, 2)], ids=["more words and planes", "wide indices"]
)
def test_large_layers(layers: tuple[int, ...]) -> None:
    net = random_network(layers, "of each neuron", seed=7)
    images = random_images(30, layers[0], seed=7)
    predicted = net.predict(images)
    assert len(set(predicted.tolist())) > 1
    np.testing.assert_array_equal(on("numba", net.pack()).predict(images), predicted)


@pytest.mark.parametrize(("n_in", "n_out"), [(1023, 2), (1024, 1100)])
def test_counters_reach_the_ends_of_their_range(n_in: int, n_out: int) -> None:
    white = np.full((1, n_in), 255, np.uint8)
    for sign, usual, of_neuron_1 in ((1.0, 0, -n_in - 1), (-1.0, n_in, n_in - 5)):
        thresholds = np.full(n_out, float(usual))
        thresholds[1] = of_neuron_1  # it alone is farthest above, or least below
        net = bs.BS4NN.from_weights(
            [np.full((n_out, n_in), sign)], scale=1.0, threshold=[thresholds]
        )
        assert net.predict(white).tolist() == [1]
        assert on("numba", net.pack()).predict(white).tolist() == [1]


@pytest.mark.parametrize(
    ("sign", "threshold", "fires"), [(-1, -4, True), (-1, -3, False), (1, 2, True), (1, 3, False)]
)
def test_thresholds_at_the_ends_of_what_three_signs_can_reach(
    sign: int, threshold: float, fires: bool
) -> None:
    hidden, output = np.full((1, 3), sign), np.array([[-1], [1]])
    net = bs.BS4NN.from_weights([hidden, output], scale=1.0, threshold=[threshold, 0.0])
    white = np.full((1, 3), 255, np.uint8)
    assert net.predict(white).tolist() == [int(fires)]
    assert on("numba", net.pack()).predict(white).tolist() == [int(fires)]


def test_ties_go_to_the_potential_farthest_above_its_threshold() -> None:
    # Both neurons fire at step 0, on potentials 2 and 3. No sum of three signs reaches -10 or -20,
    # yet the difference between the two decides.
    weights = [[[1, 1, 1, -1], [1, 1, 1, 1]]]
    image = np.array([[255, 255, 255, 255]], np.uint8)
    for thresholds, wanted in (([-10.0, -20.0], 1), ([-20.0, -10.0], 0), ([-10.0, -10.0], 1)):
        net = bs.BS4NN.from_weights(weights, scale=1.0, threshold=[thresholds])
        assert net.predict(image).tolist() == [wanted]
        assert on("numba", net.pack()).predict(image).tolist() == [wanted]


def test_thresholds_no_sum_can_reach_are_moved_within_reach() -> None:
    weights = [np.ones((2, 5)), np.ones((3, 2))]
    net = bs.BS4NN.from_weights(weights, scale=0.5, threshold=[[1e300, -1e300], 1e12])
    assert [theta.tolist() for theta in net.pack().thresholds] == [[5, -6], [2, 2, 2]]
    images = random_images(10, 5, seed=0)
    np.testing.assert_array_equal(net.pack().predict(images), net.predict(images))


@pytest.mark.parametrize(
    ("threshold", "largest", "most"),
    [([2e9, 0.0], "2e+09", 2**30 - 1), (1e17, "1e+17", 2**52)],
    ids=["unequal", "equal"],
)
def test_ties_that_could_not_be_decided_exactly_are_refused(
    threshold: Any, largest: str, most: int
) -> None:
    net = bs.BS4NN.from_weights([np.ones((2, 5))], scale=1.0, threshold=[threshold])
    message = (
        "BS4NN.pack: thresholds of output neurons, divided by the scale, must lie within "
        f"+-{most}, got {largest}; a sum of signs goes up to 5 only"
    )
    with pytest.raises(ValueError, match=re.escape(message)):
        net.pack()


def test_no_images() -> None:
    small = small_network().pack()
    for backend in ("numpy", "numba"):
        assert on(backend, small).predict(np.empty((0, 9), np.uint8)).shape == (0,)


@pytest.mark.parametrize("t_max", [1, 9, 256])
def test_every_grey_level_and_every_time_has_its_place_in_the_table(t_max: int) -> None:
    small = PackedBS4NN((257, 1), [np.zeros(33, np.uint8)], [[0]], t_max=t_max)
    greys = np.minimum(np.arange(257), 255).astype(np.uint8)[None]
    times = bs.latency_code(greys, t_max=t_max)
    for images in (greys, times):
        values, time_of = small._values("PackedBS4NN.predict", images)
        np.testing.assert_array_equal(time_of[values], times)


def test_images_of_any_layout() -> None:
    small = on("numba", small_network().pack())
    images = random_images(20, 9, seed=1).reshape(20, 3, 3)
    wanted = small.predict(images)
    assert len(set(wanted.tolist())) > 1
    wide = np.zeros((20, 3, 6), np.uint8)
    wide[:, :, ::2] = images
    np.testing.assert_array_equal(small.predict(wide[:, :, ::2]), wanted)
    np.testing.assert_array_equal(small.predict(np.asfortranarray(images)), wanted)
    images.flags.writeable = False
    np.testing.assert_array_equal(small.predict(images), wanted)


def test_the_classes_do_not_depend_on_the_number_of_threads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _, test = bs.datasets.mnist()
    small = on("numba", trained().pack())
    wanted = small.predict(test.images[:1001], threads=1)
    monkeypatch.setattr(packed, "PER_TASK", 1 + 1001 // 7)
    for threads in (2, 3, 7):
        got = small.predict(test.images[:1001], threads=threads)
        np.testing.assert_array_equal(got, wanted)


def test_threads_divide_the_images(monkeypatch: pytest.MonkeyPatch) -> None:
    parts = []
    decide_all = packed_cpu.decide_all

    def count(values: Array, *arguments: Any) -> None:
        parts.append(len(values))
        decide_all(values, *arguments)

    monkeypatch.setattr(packed_cpu, "decide_all", count)
    monkeypatch.setattr(packed, "PER_TASK", 300)
    small = on("numba", small_network().pack())
    small.predict(random_images(1000, 9, seed=0), threads=2)
    assert sorted(parts) == [100, 300, 300, 300]
    parts.clear()
    small.predict(random_images(300, 9, seed=0), threads=2)  # too few to be divided
    assert parts == [300]
    parts.clear()
    small.predict(random_images(1000, 9, seed=0), threads=1)
    assert parts == [1000]


def test_cores_where_a_system_tells_less(monkeypatch: pytest.MonkeyPatch) -> None:
    of_process = {0: {3, 5, 6}}  # 0 is the one that asks
    monkeypatch.setattr(os, "sched_getaffinity", of_process.__getitem__, raising=False)
    assert packed._cores() == 3
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    for told, cores in ((7, 7), (None, 1)):
        monkeypatch.setattr(os, "cpu_count", lambda told=told: told)
        assert packed._cores() == cores


def test_without_numba_the_reference_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    images = random_images(50, 9, seed=2)
    small = small_network().pack()
    wanted = small.predict(images)
    monkeypatch.setitem(sys.modules, "numba", None)  # importing it fails from here on
    monkeypatch.delitem(sys.modules, "minibs4nn.kernels.packed_cpu")
    np.testing.assert_array_equal(small.predict(images), wanted)
    with pytest.raises(BackendError, match="needs Numba"):
        on("numba", small).predict(images)


# --- memory --------------------------------------------------------------------------------------


def test_the_weights_take_one_bit_each() -> None:
    small = trained().pack()
    assert small.nbytes == 59_550
    assert [bits.nbytes for bits in small.bits] == [58_800, 750]
    held: list[Array] = [*small.thresholds, small._words]
    owned = sum(a.nbytes if a.base is None else a.base.nbytes for a in held)
    assert owned < 59_550 + 32  # thresholds that all neurons share take the memory of one


@pytest.mark.parametrize("n_in", [7, 8, 9])
def test_a_word_stands_after_the_last_for_the_kernel_to_read(n_in: int) -> None:
    small = PackedBS4NN((n_in, 8), [np.full(n_in, 255, np.uint8)], [np.zeros(8, np.int64)])
    assert (
        small._words.tolist()
        == {
            7: [2**56 - 1, 0],
            8: [2**64 - 1, 0],
            9: [2**64 - 1, 255, 0],
        }[n_in]
    )


def test_deciding_takes_a_tenth_of_the_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    _, test = bs.datasets.mnist()
    small, images = on("numba", trained().pack()), test.images[:400]
    small.predict(images)  # compiles the kernel
    arrays = []
    decide_all = packed_cpu.decide_all

    def look(*arguments: Any) -> None:
        snapshot = tracemalloc.take_snapshot().filter_traces(
            [tracemalloc.DomainFilter(True, np.lib.tracemalloc_domain)]
        )
        arrays.append(sum(trace.size for trace in snapshot.traces))
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        decide_all(*arguments)
        arrays.append(tracemalloc.get_traced_memory()[1] - before)

    monkeypatch.setattr(packed_cpu, "decide_all", look)
    tracemalloc.start()
    try:
        classes = small.predict(images, threads=1)
    finally:
        tracemalloc.stop()
    prepared, while_deciding = arrays
    assert prepared - classes.nbytes <= 0.1 * small.nbytes
    assert while_deciding < 4096  # Python passing the arrays on; the weights are never expanded


# --- files ---------------------------------------------------------------------------------------


def test_the_published_network_takes_59590_bytes(tmp_path: Path) -> None:
    path = tmp_path / "net.bits"
    small = trained().pack()
    small.save(path)
    assert path.stat().st_size == 59_590
    again = bs.load(path)
    assert isinstance(again, PackedBS4NN)
    _, test = bs.datasets.mnist()
    np.testing.assert_array_equal(
        again.predict(test.images[:1000]), small.predict(test.images[:1000])
    )


@given(networks())
def test_a_file_gives_back_what_was_saved(
    tmp_path_factory: pytest.TempPathFactory, case: tuple[bs.BS4NN, Array]
) -> None:
    net, images = case
    small, path = net.pack(), tmp_path_factory.mktemp("packed") / "a name of no kind"
    small.save(path)
    again = bs.load(path, backend="numpy")
    assert (again.layers, again.t_max, again.backend) == (small.layers, small.t_max, "numpy")
    for bits, saved in zip(again.bits, small.bits, strict=True):
        np.testing.assert_array_equal(bits, saved)
    for theta, one_saved in zip(again.thresholds, small.thresholds, strict=True):
        assert theta.dtype == np.int32
        np.testing.assert_array_equal(theta, one_saved)
    np.testing.assert_array_equal(again.predict(images), small.predict(images))


@pytest.mark.parametrize(
    ("thresholds", "size"),
    [([5, 5, 5], 4), ([-6, 0, 5], 6), ([-32768, 0, 32767], 6), ([-32769, 0, 1], 12)],
)
def test_thresholds_take_as_few_bytes_as_they_can(
    thresholds: list[int], size: int, tmp_path: Path
) -> None:
    small = PackedBS4NN((8, 3), [np.zeros(3, np.uint8)], [thresholds])
    small.save(tmp_path / "net.bits")
    assert (tmp_path / "net.bits").stat().st_size == 14 + 8 + 1 + size + 3 + 4
    assert bs.load(tmp_path / "net.bits").thresholds[0].tolist() == thresholds


def test_a_file_that_could_not_be_written_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "net.bits"
    small_network().pack().save(path)
    before = path.read_bytes()

    def fail(parts: object) -> bytes:
        raise OSError("the disk is full")

    monkeypatch.setattr(_bits, "_checksum", fail)
    with pytest.raises(OSError, match="the disk is full"):
        trained().pack().save(path)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["net.bits"]


def refused(path: Path, content: bytes) -> str:
    """What :func:`load` says about a file, which it must not take."""
    path.write_bytes(content)
    with pytest.raises(FileFormatError) as caught:
        bs.load(path)
    assert str(caught.value).startswith(f"load: '{path}' ")
    return str(caught.value).removeprefix(f"load: '{path}' ")


def test_every_truncation_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "net.bits"
    small_network().pack().save(path)
    whole = path.read_bytes()
    for length in range(len(whole)):
        refused(path, whole[:length])
    refused(path, whole + b"\0")


def test_every_changed_bit_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "net.bits"
    small_network().pack().save(path)
    whole = path.read_bytes()
    for place in range(8 * len(whole)):
        changed = bytearray(whole)
        changed[place // 8] ^= 1 << place % 8
        refused(path, bytes(changed))


def forged(
    *,
    version: int = 1,
    t_max: int = 256,
    layers: tuple[int, ...] = (3, 3),
    n_layers: int | None = None,
    widths: bytes = b"\0",
    thresholds: bytes = struct.pack("<i", 1),
    bits: bytes = b"\x0f\x01",
) -> bytes:
    """A file whose checksum is right, whatever else is wrong."""
    content = b"BS4NNbit" + struct.pack("<3H", version, t_max, n_layers or len(layers))
    content += struct.pack(f"<{len(layers)}I", *layers) + widths + thresholds + bits
    return content + struct.pack("<I", zlib.crc32(content))


def test_the_format_does_not_change_unnoticed(tmp_path: Path) -> None:
    path = tmp_path / "net.bits"
    path.write_bytes(forged())
    net = bs.load(path).unpack()
    assert net.weights_[0].tolist() == [[1, 1, -1], [1, -1, -1], [1, -1, 1]]
    assert [theta.tolist() for theta in net.thresholds_] == [[1, 1, 1]]
    bs.load(path).save(tmp_path / "again.bits")
    assert (tmp_path / "again.bits").read_bytes() == path.read_bytes()


HOSTILE: list[tuple[bytes, str]] = [
    (b"BS4NNbit", "is not a packed network of this library, or is damaged"),
    (forged(version=2), "has format 2, this version reads up to 1; update minibs4nn"),
    (forged(version=0), "is damaged: format 0, 2 layers"),
    (forged(layers=(3,), widths=b""), "is damaged: format 1, 1 layers"),
    (
        forged(n_layers=65535),
        "is damaged: it ends within the table of its 65535 layers",
    ),
    (
        forged(layers=(3, 0)),
        "is damaged: layers of 0 to 3 neurons, thresholds of 0 to 0 bytes",
    ),
    (
        forged(layers=(3, 2**30)),
        "is damaged: layers of 3 to 1073741824 neurons, thresholds of 0 to 0 bytes",
    ),
    (
        forged(widths=b"\3"),
        "is damaged: layers of 3 to 3 neurons, thresholds of 3 to 3 bytes",
    ),
    (
        forged(layers=(2**30 - 1, 2**30 - 1)),
        "is damaged: it has 33 bytes, its header speaks of 144115187807420448",
    ),
    (
        forged(bits=b"\x0f\x01\0"),
        "is damaged: it has 34 bytes, its header speaks of 33",
    ),
    (
        forged(t_max=0),
        "is damaged: PackedBS4NN: t_max must be a whole number of time steps from 1 to 32767, "
        "got 0",
    ),
    (
        forged(thresholds=struct.pack("<i", -(2**30))),
        "is damaged: PackedBS4NN: thresholds must lie within +-1073741823, got -1073741824 to "
        "-1073741824",
    ),
    (
        forged(bits=b"\x0f\x02"),
        "is damaged: PackedBS4NN: the bits after the last of 9 signs must be 0",
    ),
    (
        forged()[:-1] + b"\0",
        "is damaged: its checksum does not fit what it holds",
    ),
]


@pytest.mark.parametrize(("content", "message"), HOSTILE)
def test_hostile_files(content: bytes, message: str, tmp_path: Path) -> None:
    tracemalloc.start()
    try:
        assert refused(tmp_path / "net.bits", content) == message
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 2**20  # whatever the header promises


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match="is not a regular file"):
        packed.read_packed(tmp_path)
    with pytest.raises(FileNotFoundError):
        packed.read_packed(tmp_path / "nothing here")


# --- command line --------------------------------------------------------------------------------


def test_pack_and_evaluate_on_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run, net = tmp_path / "run.npz", tmp_path / "net.bits"
    trained().save(run)
    assert main(["pack", str(run), "--out", str(net)]) == 0
    assert capsys.readouterr().out == (
        f"PackedBS4NN(784-600-10, t_max=256, 59550 bytes of weights): {net} has 59590 bytes\n"
    )
    assert main(["evaluate", str(run)]) == 0
    unpacked = capsys.readouterr().out
    assert main(["evaluate", str(net)]) == 0
    assert capsys.readouterr().out == unpacked
    assert main(["train", "--out", str(net)]) == 1
    assert "holds a packed network, which cannot be trained" in capsys.readouterr().err


def test_only_a_bs4nn_can_be_packed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bs.S4NN.from_weights([np.ones((2, 3))]).save(tmp_path / "run.npz")
    assert main(["pack", str(tmp_path / "run.npz"), "--out", str(tmp_path / "net.bits")]) == 1
    assert "holds a S4NN; only a BS4NN has one-bit weights" in capsys.readouterr().err
    assert not (tmp_path / "net.bits").exists()


# --- errors --------------------------------------------------------------------------------------

BITS = pack_bits(np.ones((3, 3)))
NINE = PackedBS4NN((9, 2), [pack_bits(np.ones((2, 9)))], [[1, 2]])
RAGGED: Any = [[1, 2], [3]]
NOTHING: Any = None
ERRORS: list[tuple[Callable[[], object], type[Exception], str]] = [
    (
        lambda: bs.BS4NN((3, 3)).pack(),
        NotTrainedError,
        "BS4NN.pack: this network has not been trained; call fit() or minibs4nn.load()",
    ),
    (
        lambda: PackedBS4NN((3, 3), [BITS, BITS], [[1, 1, 1]]),
        ValueError,
        "PackedBS4NN: 1 layers after the input need as many arrays of bits and of thresholds, got "
        "2 and 1",
    ),
    (
        lambda: PackedBS4NN((2**30, 3), [BITS], [[1, 1, 1]]),
        ValueError,
        "PackedBS4NN: a layer may have up to 1073741823 neurons, got (1073741824, 3)",
    ),
    (  # a layer of this size is fine
        lambda: PackedBS4NN((2**30 - 1, 3), [], [[1, 1, 1]]),
        ValueError,
        "PackedBS4NN: 1 layers after the input need as many arrays of bits and of thresholds, got "
        "0 and 1",
    ),
    (
        lambda: PackedBS4NN((3, 3), [BITS[:1]], [[1, 1, 1]]),
        ValueError,
        "PackedBS4NN: 9 signs need a uint8 array of shape (2,), got uint8 of shape (1,)",
    ),
    (
        lambda: PackedBS4NN(
            (3, 3),
            [BITS.view(np.int8)],
            [[1, 1, 1]],
        ),
        ValueError,
        "PackedBS4NN: 9 signs need a uint8 array of shape (2,), got int8 of shape (2,)",
    ),
    (
        lambda: PackedBS4NN((3, 3), [BITS | np.uint8(2)], [[1, 1, 1]]),
        ValueError,
        "PackedBS4NN: the bits after the last of 9 signs must be 0",
    ),
    (
        lambda: PackedBS4NN((3, 3), [BITS], [[1, 1]]),
        ValueError,
        "PackedBS4NN: thresholds must be whole numbers, one for each of the 3 neurons, got int64 "
        "of shape (2,)",
    ),
    (
        lambda: PackedBS4NN((3, 3), [BITS], [[1.0, 1.0, 1.0]]),
        ValueError,
        "PackedBS4NN: thresholds must be whole numbers, one for each of the 3 neurons, got "
        "float64 of shape (3,)",
    ),
    (
        lambda: PackedBS4NN((3, 3), [BITS], [[0, 0, 2**30]]),
        ValueError,
        "PackedBS4NN: thresholds must lie within +-1073741823, got 0 to 1073741824",
    ),
    (
        lambda: PackedBS4NN((3, 3), [BITS], [[1, 1, 1]], backend="gpu"),
        ValueError,
        "PackedBS4NN: backend must be one of 'auto', 'numpy', 'numba', 'cupy'; got 'gpu'",
    ),
    (
        lambda: NINE.predict(np.zeros((2, 2, 4), np.uint8)),
        ValueError,
        "PackedBS4NN.predict: images have 8 pixels, but layers[0] is 9",
    ),
    (
        lambda: NINE.predict(np.zeros((2, 9))),
        TypeError,
        "PackedBS4NN.predict: images must be uint8 grey levels 0..255, got float64; for floats in "
        "[0, 1] use (255 * x).astype('uint8')",
    ),
    (
        lambda: NINE.predict(np.full((2, 9), 257, np.int16)),
        ValueError,
        "PackedBS4NN.predict: spike times must lie in 0..256 (256 = silent), got 257 to 257",
    ),
    (
        lambda: NINE.predict(np.zeros((2, 3, 3), np.int16)),
        ValueError,
        "PackedBS4NN.predict: spike times must have shape (n, 9), got (2, 3, 3)",
    ),
    (
        lambda: NINE.predict(RAGGED),
        ValueError,
        "PackedBS4NN.predict: images must be an array; its rows differ in length",
    ),
    (
        lambda: NINE.spike_times(np.zeros((2, 8), np.uint8)),
        ValueError,
        "PackedBS4NN.spike_times: images have 8 pixels, but layers[0] is 9",
    ),
    (
        lambda: NINE.evaluate(np.zeros((2, 8), np.uint8), [0, 0]),
        ValueError,
        "PackedBS4NN.evaluate: images have 8 pixels, but layers[0] is 9",
    ),
    (
        lambda: NINE.evaluate(np.zeros((2, 9), np.uint8), [0]),
        ValueError,
        "PackedBS4NN.evaluate: 2 images need 2 labels, got labels of shape (1,)",
    ),
    (
        lambda: NINE.evaluate(np.zeros((2, 9), np.uint8), [0, 2]),
        ValueError,
        "PackedBS4NN.evaluate: labels must lie in 0..1 (the network has 2 output neurons), got 0 "
        "to 2",
    ),
    (
        lambda: NINE.evaluate(np.zeros((0, 9), np.uint8), []),
        ValueError,
        "PackedBS4NN.evaluate: there are no images to judge by",
    ),
    (
        lambda: PackedBS4NN((3, 3), NOTHING, [[1, 1, 1]]),
        TypeError,
        "PackedBS4NN: bits must be a list of arrays, one for each layer after the input, got None",
    ),
    (
        lambda: PackedBS4NN((3, 3), [BITS], NOTHING),
        TypeError,
        "PackedBS4NN: thresholds must be a list of arrays, one for each layer after the input, got "
        "None",
    ),
    (
        lambda: PackedBS4NN((3, 3), [RAGGED], [[1, 1, 1]]),
        ValueError,
        "PackedBS4NN: bits must be an array; its rows differ in length",
    ),
    (
        lambda: PackedBS4NN((3, 3), [BITS], [RAGGED]),
        ValueError,
        "PackedBS4NN: thresholds must be an array; its rows differ in length",
    ),
    (lambda: packed.pack(NOTHING), TypeError, "pack: wants a BS4NN, got NoneType"),
    (
        lambda: NINE.predict(np.zeros((2, 9), np.uint8), threads=0),
        ValueError,
        "PackedBS4NN.predict: threads must be a whole number from 1, got 0",
    ),
]


@pytest.mark.parametrize(("call", "error", "message"), ERRORS)
def test_errors(call: Callable[[], object], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        call()


def test_what_a_packed_network_holds_cannot_be_changed() -> None:
    small = small_network().pack()
    held: list[Array] = [*small.bits, *small.thresholds]
    for array in held:
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1


def test_the_largest_thresholds() -> None:
    """A neuron that cannot fire, one that fires at once, and one between: all are allowed."""
    most = 2**30 - 1
    net = PackedBS4NN((3, 3), [BITS], [[most, -most, 1]], t_max=8)
    assert net.spike_times(np.array([[0, 2, 4]], np.int16))[-1].tolist() == [[8, 1, 3]]
