"""Weights that a user brings as .npy files, in the authors' shapes: read, judged, analysed."""

import io
import json
import re
import struct
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import minibs4nn as bs
from minibs4nn import reproduce
from minibs4nn._npy import read_npy
from minibs4nn.cli import main
from minibs4nn.errors import FileFormatError

SCALE = ["4.03707844", "9.06516109"]


@pytest.fixture(autouse=True)
def small_mnist(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first images of MNIST, so that an analysis takes a moment."""
    train, test = bs.datasets.mnist()
    monkeypatch.setitem(reproduce.DATASETS, "mnist", lambda: (train[:60], test[:50]))


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    """Random weights in the shapes of the published files, but for fewer hidden neurons."""
    rng = np.random.default_rng(0)
    shapes = [(60, 784, 1), (10, 60, 1)]
    paths = [str(tmp_path / f"w{k}.npy") for k in range(2)]
    for path, shape in zip(paths, shapes, strict=True):
        np.save(path, rng.normal(0.2, 1, shape))
    return paths


def expected(files: list[str]) -> bs.Evaluation:
    _, test = reproduce.DATASETS["mnist"]()
    net = bs.BS4NN.from_weights(
        [np.load(path) for path in files], threshold=100.0, scale=[float(a) for a in SCALE]
    )
    return net.evaluate(test.images, test.labels)


def test_evaluate_takes_one_bit_weights_with_a_scale(
    files: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["evaluate", "--weights", *files, "--scale", *SCALE, "--threshold", "100", "--json"]
    assert main(command) == 0
    assert json.loads(capsys.readouterr().out) == expected(files).as_dict()
    assert main([*command[:-3], "--json"]) == 0  # 100 is the published threshold
    assert json.loads(capsys.readouterr().out) == expected(files).as_dict()


def test_without_a_scale_the_weights_are_real(
    files: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", "--weights", *files, "--threshold", "20", "3", "--json"]) == 0
    net = bs.S4NN.from_weights([np.load(path) for path in files], threshold=[20.0, 3.0])
    _, test = reproduce.DATASETS["mnist"]()
    assert json.loads(capsys.readouterr().out) == net.evaluate(test.images, test.labels).as_dict()


def test_analyse_prints_and_writes(
    files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    command = ["analyse", "--weights", *files, "--scale", *SCALE, "--images", "20"]
    assert main([*command, "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("mnist-test, 20 images\nBS4NN 784-60-10\naccuracy ")
    assert "accuracy by a deadline" in printed
    assert "firing_times.png" in printed
    assert json.loads((out / "analysis.json").read_text())["evaluation"]["n"] == 20


def test_analyse_reads_a_saved_network_and_a_packed_one(
    files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    net = bs.BS4NN.from_weights([np.load(path) for path in files], scale=[4.0, 9.0])
    net.save(tmp_path / "net.npz")
    net.pack().save(tmp_path / "net.bits")
    reports = []
    for name in ("net.npz", "net.bits"):
        assert main(["analyse", str(tmp_path / name), "--part", "train"]) == 0
        reports.append(capsys.readouterr().out.splitlines())
    assert reports[0][0] == reports[1][0] == "mnist-train, 60 images"
    assert [report[1] for report in reports] == ["BS4NN 784-60-10", "PackedBS4NN 784-60-10"]
    assert reports[0][2] == reports[1][2]


@pytest.mark.parametrize("command", ["evaluate", "analyse"])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "give the file of a network, or its --weights; one of the two"),
        (["net.npz", "--weights", "w0.npy"], "one of the two"),
        (["net.npz", "--scale", "2"], "--scale and --threshold belong to --weights"),
        (["--weights", "none.npy"], "No such file or directory: 'none.npy'"),
        (["--weights", "text.npy"], "'text.npy' is not a .npy file of NumPy: "),
        (["--weights", "pickled.npy"], "'pickled.npy' holds pickled objects, which could run any"),
        (["--weights", "w0.npy", "w0.npy"], "is followed by weights of shape (60, 784)"),
        (["--weights", "w0.npy", "w1.npy", "--scale", "0"], "scale must be a positive number"),
        (["--weights", "w0.npy", "w1.npy", "--scale", "1", "2", "3"], "for each of the 2 layers"),
        (["--weights", "w0.npy", "w1.npy", "--threshold", "1", "2", "3"], "got 3 entries"),
        (["--weights", "w1.npy"], "images have 784 pixels, but layers[0] is 60"),
        (["--weights", "flat.npy"], "weights must have shape (n_out, n_in), got (5,)"),
        (["--weights", "nan.npy"], "weights must be finite numbers"),
    ],
)
def test_what_does_not_fit_is_said_in_one_line(
    command: str,
    arguments: list[str],
    message: str,
    files: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(Path(files[0]).parent)
    Path("text.npy").write_text("0.5 -1.0")
    np.save("pickled.npy", np.array([np.ones(2), np.ones(3)], dtype=object), allow_pickle=True)
    np.save("flat.npy", np.ones(5))
    np.save("nan.npy", np.full((2, 3), np.nan))
    assert main([command, *arguments]) == 1
    error = capsys.readouterr().err
    assert error.startswith("minibs4nn: ")
    assert message in error
    assert error.count("\n") == 1


def test_analyse_wants_spikes_and_images(
    tmp_path: Path, files: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    net = bs.BNN((784, 4, 10))
    _, test = reproduce.DATASETS["mnist"]()
    net.fit(test.images, test.labels, epochs=1, progress=False).save(tmp_path / "bnn.npz")
    assert main(["analyse", str(tmp_path / "bnn.npz")]) == 1
    assert "holds a BNN, which has no spikes" in capsys.readouterr().err
    assert main(["analyse", "--weights", *files, "--images", "0"]) == 1
    assert "--images must be 1 or more, got 0" in capsys.readouterr().err


# --- the files themselves ------------------------------------------------------------------------


def npy(array: npt.ArrayLike) -> bytes:
    file = io.BytesIO()
    np.save(file, np.asarray(array))
    return file.getvalue()


def with_header(text: str, content: bytes = b"", version: bytes = b"\x01\x00") -> bytes:
    header = text.encode() + b"\n"
    size = struct.pack("<H" if version[0] == 1 else "<I", len(header))
    return b"\x93NUMPY" + version + size + header + content


@pytest.mark.parametrize("dtype", ["f8", ">f8", "f4", "i1", "?", "u2"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_arrays_of_numbers_come_back(dtype: str, order: Any, tmp_path: Path) -> None:
    array = np.array([[1, 0, 1], [0, 1, 1]], dtype=dtype, order=order)
    np.save(tmp_path / "w.npy", array)
    found = read_npy(tmp_path / "w.npy")
    assert found.dtype == array.dtype
    np.testing.assert_array_equal(found, array)


GOOD = npy(np.ones((2, 3)))
HUGE = "{'descr': '<f8', 'fortran_order': False, 'shape': (100000000000,), }"
HOSTILE = {
    "empty": (b"", "is not a .npy file of NumPy"),
    "cut within its header": (GOOD[:40], "is not a .npy file of NumPy"),
    "cut": (GOOD[:-1], r"in shape \(2, 3\), 48 bytes, and holds 47"),
    "longer": (GOOD + b"x", "48 bytes, and holds 49"),
    "announces terabytes": (with_header(HUGE, bytes(8)), "800000000000 bytes, and holds 8"),
    "negative": (
        with_header(HUGE.replace("(100000000000,)", "(-1, -1)"), bytes(8)), r"shape \(-1, -1\)"
    ),
    "a program": (with_header("__import__('os').abort()"), "is not a .npy file of NumPy"),
    "deep": (with_header("(" * 9000), "is not a .npy file of NumPy"),
    "long header": (with_header(" " * 60_000), "is not a .npy file of NumPy"),
    "text": (npy(np.array(["a", "b"])), "wanted are whole or real numbers"),
    "complex": (npy(np.array([1j])), "type complex128"),
    "later": (with_header(HUGE, version=b"\x09\x00"), r"\(9, 0\); accepted are|is not a .npy"),
    "format 3": (with_header(HUGE, version=b"\x03\x00"), "its format is"),
    "archive": (b"PK\x03\x04" + bytes(40), "is not a .npy file of NumPy"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_refused(name: str, tmp_path: Path) -> None:
    content, message = HOSTILE[name]
    (tmp_path / "w.npy").write_bytes(content)
    with pytest.raises(FileFormatError, match=message) as caught:
        read_npy(tmp_path / "w.npy")
    assert len(str(caught.value)) < 600
    assert "\n" not in str(caught.value)


def test_a_large_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    (tmp_path / "w.npy").write_bytes(GOOD)
    with pytest.raises(FileFormatError, match=f"has {len(GOOD)} bytes; accepted are up to 100"):
        read_npy(tmp_path / "w.npy", max_bytes=100)


def test_what_is_no_regular_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        FileFormatError, match=f"^{re.escape(repr(str(tmp_path)))} is not a regular"
    ):
        read_npy(tmp_path)
