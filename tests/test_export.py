"""The C header: compiled without a warning, it decides as the network does."""

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from packing import Array, random_images, random_network, trained

import minibs4nn as bs
from minibs4nn.cli import main
from minibs4nn.errors import NotTrainedError

STRICT = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic"]


@pytest.fixture(scope="session")
def compiler() -> str:
    """A C compiler; where CI is set, there must be one."""
    found = shutil.which("gcc") or shutil.which("clang") or shutil.which("cc")
    if found is None and "CI" not in os.environ:
        pytest.skip("no C compiler is installed; on Debian: apt-get install gcc")
    assert found is not None, "CI is set, but there is no C compiler"
    return found


def build(compiler: str, folder: Path, header: str, *options: str) -> Path:
    """Compile a header as the program that it contains."""
    source, program = folder / "net.h", folder / "net"
    source.write_text(header)
    command = [compiler, *STRICT, *options, "-x", "c", str(source), "-o", str(program)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return program


def run(program: Path, images: Array) -> list[int]:
    """The classes that a program prints."""
    done = subprocess.run([program], input=images.tobytes(), capture_output=True)
    assert done.returncode == 0, done.stderr
    return [int(line) for line in done.stdout.splitlines()]


def test_ten_thousand_images_of_mnist(compiler: str, tmp_path: Path) -> None:
    net = trained()
    _, test = bs.datasets.mnist()
    program = build(compiler, tmp_path, bs.to_c_header(net), "-O2", "-DBS4NN_MAIN")
    np.testing.assert_array_equal(run(program, test.images), net.predict(test.images))


# Without -O2 and with the sanitizer: whatever C leaves undefined would end the program.
@pytest.mark.parametrize("limits", ["shared", "of each neuron", "beyond reach", "far beyond reach"])
@pytest.mark.parametrize(
    "layers",
    [(5, 3), (1, 1), (20, 1, 4), (31, 17, 9, 5)],
    ids=lambda sizes: "-".join(map(str, sizes)),
)
def test_small_networks(
    layers: tuple[int, ...], limits: str, compiler: str, tmp_path: Path
) -> None:
    seed = len(limits) * sum(layers)
    for t_max, p_plus in ((256, 0.5), (1, 0.7), (7, 0.0)):
        net = random_network(layers, limits, seed, p_plus=p_plus, t_max=t_max)
        images = random_images(80, layers[0], seed)
        header = bs.to_c_header(net.pack(), "tiny_1")
        program = build(
            compiler, tmp_path, header, "-DTINY_1_MAIN", "-fsanitize=undefined",
            "-fno-sanitize-recover",
        )  # fmt: skip
        np.testing.assert_array_equal(run(program, images), net.predict(images))


def test_wide_layers_get_wide_numbers(compiler: str, tmp_path: Path) -> None:
    net = random_network((70_000, 2), "shared", seed=3)
    images = random_images(20, 70_000, seed=3)
    predicted = net.predict(images)
    assert len(set(predicted.tolist())) == 2
    header = bs.to_c_header(net)
    assert "typedef uint32_t bs4nn_index;" in header
    assert "typedef int32_t bs4nn_sum;" in header
    assert run(build(compiler, tmp_path, header, "-DBS4NN_MAIN"), images) == predicted.tolist()


def test_two_networks_in_one_program(compiler: str, tmp_path: Path) -> None:
    nets = {name: random_network((6, 4, 3), "shared", seed) for seed, name in enumerate("ab")}
    for name, net in nets.items():
        (tmp_path / f"{name}.h").write_text(bs.to_c_header(net, name))
    (tmp_path / "main.c").write_text(
        '#include "a.h"\n#include "b.h"\n#include "a.h"\n'
        "int main(void) {\n"
        "    unsigned char pixels[A_PIXELS] = {255, 0, 200, 40, 0, 9};\n"
        "    return 10 * a_predict(pixels) + b_predict(pixels);\n"
        "}\n"
    )
    program = tmp_path / "both"
    command = [compiler, *STRICT, str(tmp_path / "main.c"), "-o", str(program)]
    subprocess.run(command, check=True)
    image = np.array([[255, 0, 200, 40, 0, 9]], np.uint8)
    a, b = (int(net.predict(image)[0]) for net in nets.values())
    assert subprocess.run([program]).returncode == 10 * a + b


def test_half_an_image_is_an_error(compiler: str, tmp_path: Path) -> None:
    net = random_network((6, 3), "shared", seed=1)
    program = build(compiler, tmp_path, bs.to_c_header(net), "-DBS4NN_MAIN")
    done = subprocess.run([program], input=b"\xff" * 9, capture_output=True, text=False)
    assert done.returncode == 1
    assert done.stdout.decode().split() == [str(net.predict(np.full((1, 6), 255, np.uint8))[0])]
    assert done.stderr.decode() == "the last image is cut short\n"


def test_the_header_says_what_it_is() -> None:
    header = bs.to_c_header(trained())
    assert header.startswith("/* bs4nn: a binarized single-spike network, 784-600-10; 59550 bytes")
    assert "@" not in header  # every blank was filled in
    assert max(map(len, header.splitlines())) <= 110
    assert set(re.findall(r"#include <(\S+)>", header)) == {"stdint.h", "stdio.h"}
    assert not re.search(r"\b(float|double|malloc|calloc)\b", header)


def test_on_the_command_line(
    compiler: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trained().save(tmp_path / "run.npz")
    header = tmp_path / "net.h"
    bits = str(tmp_path / "net.bits")
    assert main(["pack", str(tmp_path / "run.npz"), "--out", bits, "--c-header", str(header)]) == 0
    assert "bs4nn_predict() in C99; for a program add -DBS4NN_MAIN" in capsys.readouterr().out
    assert header.read_text() == bs.to_c_header(trained())


ERRORS: list[tuple[Callable[[], object], type[Exception], str]] = [
    (
        lambda: bs.to_c_header(bs.S4NN((3, 2))),  # type: ignore[arg-type]
        TypeError,
        "to_c_header: only a BS4NN has weights of one bit, got S4NN",
    ),
    (
        lambda: bs.to_c_header(bs.BS4NN((3, 2))),
        NotTrainedError,
        "BS4NN.pack: this network has not been trained; call fit() or minibs4nn.load()",
    ),
    (
        lambda: bs.to_c_header(random_network((3, 2), "shared", seed=0), "my-net"),
        ValueError,
        "to_c_header: name must be letters, digits and _, a letter first, got 'my-net'",
    ),
]


@pytest.mark.parametrize(("call", "error", "message"), ERRORS)
def test_errors(call: Callable[[], object], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        call()
