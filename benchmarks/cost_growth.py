"""How cost grows: with hidden neurons, layers, active pixels and images; with cores, when deciding.

A BS4NN learns by the published rule from images at random, one thing is varied, and the rest stays:
784 pixels of which 150 are not black, 600 hidden neurons, 10 classes. Images at random have no
classes to be learned, so most have an error: training costs more here than on MNIST. Each row gives
the microseconds per image, the best of some rounds, and the ratio to the first row of its group.
Learning runs on one core, whatever the machine has; deciding from packed bits runs on as many as it
is given.

    python benchmarks/cost_growth.py                  # about a minute
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from report import machine, write

import minibs4nn as bs
from minibs4nn.kernels import get_kernels

T_MAX = 256
PIXELS = 784
Array = npt.NDArray[Any]


def random_times(n: int, active: int, rng: np.random.Generator) -> Array:
    """Spike times of images with so many pixels that are not black."""
    times = np.full((n, PIXELS), T_MAX, np.int16)
    for row in times:
        row[rng.permutation(PIXELS)[:active]] = rng.integers(0, T_MAX, active)
    return times


def best_of(rounds: int, run: Callable[[], float]) -> float:
    """The shortest of some rounds: what else a machine does only ever adds time."""
    return min(run() for _ in range(rounds))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--images", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, help="a JSON file for the numbers")
    options = parser.parse_args()
    kernels = get_kernels("numba")
    rng = np.random.default_rng(0)
    usual = random_times(options.images, 150, rng)
    labels = rng.integers(0, 10, 4 * options.images)
    rows: list[dict[str, Any]] = []

    def add(group: str, size: int, microseconds: float) -> None:
        before = [row["microseconds"] for row in rows if row["group"] == group]
        ratio = microseconds / (before[0] if before else microseconds)
        rows.append({"group": group, "size": size, "microseconds": microseconds, "ratio": ratio})
        print(f"{group:28} {size:7} {microseconds:9.2f} us per image {ratio:7.2f}", flush=True)

    def learn(layers: tuple[int, ...], times: Array) -> float:
        prepared = kernels.prepare(times, t_max=T_MAX)
        net = bs.BS4NN(layers, seed=0, backend="numba")
        net.initialise()

        def run() -> float:
            parameters = net.parameters.copy()
            start = time.perf_counter()
            kernels.train_online(
                prepared, labels[: len(times)], np.arange(len(times)), parameters,
                bs.BS4NN_PUBLISHED, t_max=T_MAX, count_fired=False,
            )  # fmt: skip
            return (time.perf_counter() - start) / len(times) * 1e6

        run()  # compiles the kernels
        return best_of(options.rounds, run)

    print("what grows                      size                   cost   ratio")
    for hidden in (75, 150, 300, 600, 1200, 2400):
        add("learning, hidden neurons", hidden, learn((PIXELS, hidden, 10), usual))
    for depth in (1, 2, 3):
        add("learning, hidden layers", depth, learn((PIXELS, *[600] * depth, 10), usual))
    for active in (75, 150, 300, 600):
        times = random_times(options.images, active, rng)
        add("learning, active pixels", active, learn((PIXELS, 600, 10), times))
    for n in (options.images // 2, options.images, 4 * options.images):
        add("learning, images", n, learn((PIXELS, 600, 10), random_times(n, 150, rng)))

    _, test = bs.datasets.mnist()
    net = bs.BS4NN((PIXELS, 600, 10), seed=0, backend="numba")
    small = net.fit(test.images[:1000], test.labels[:1000], epochs=1, progress=False).pack()
    small.predict(test.images[:1000])
    for threads in (1, 2, 4):
        if threads <= machine()["cores"]:

            def decide(threads: int = threads) -> float:
                start = time.perf_counter()
                small.predict(test.images, threads=threads)
                return (time.perf_counter() - start) / len(test.images) * 1e6

            add("deciding from bits, threads", threads, best_of(options.rounds, decide))
    write(options.out, vars(options), rows)


if __name__ == "__main__":
    main()
