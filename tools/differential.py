"""One computation, four definitions: NumPy, Numba, packed bits and the emulated graphics card.

    python tools/differential.py                                   100,000 networks
    python tools/differential.py --record results/reliability/differential.json
    python tools/differential.py --start 4711 --cases 1            the one of that number

Each number stands for a network, images and a rule, drawn at random: odd sizes, all kinds of
thresholds, times at the ends of the window, ties, silence. Firing times, potentials, decisions, and
the weights after learning online and in mini-batches must have the same bits everywhere. A record
is written now and then; a run that was cut short goes on from it.
"""

import argparse
import json
import shutil
import sys
import time
import traceback
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from notebooks import ROOT

import minibs4nn as bs
from minibs4nn.emulation import stand_in
from minibs4nn.files import write_json
from minibs4nn.kernels.gpu import Device
from minibs4nn.packed import PackedBS4NN
from minibs4nn.reproduce import circumstances
from minibs4nn.rules import RelativeTarget

sys.path.insert(0, str(ROOT / "tests"))
from agreement import NUMBA, REFERENCE, Case, check_epoch, check_forward, same
from gpu_checks import InBatches, Online

CASES = 100_000
PART = 500  # cases between two writes of the record
SIZES = (1, 1, 2, 2, 3, 3, 4, 5, 6, 7, 8, 12, 17, 33, 64, 65)
WINDOWS = (1, 2, 3, 4, 5, 7, 9, 12, 16, 256)


def draw(number: int) -> Case:
    """Draw the case of this number."""
    rng = np.random.default_rng(number)
    t_max = int(rng.choice(WINDOWS))
    sizes = rng.choice(SIZES, rng.integers(2, 5)).tolist()
    n, depth = int(rng.integers(1, 4)), len(sizes) - 1
    weights = [_weights(rng, shape[::-1]) for shape in pairwise(sizes)]
    return Case(
        times=_times(rng, (n, sizes[0]), t_max),
        labels=rng.integers(0, sizes[-1], n),
        order=rng.integers(0, n, n),
        latent=tuple(weights),
        thresholds=tuple(_thresholds(rng, w.shape) for w in weights),
        scale=tuple(rng.choice([0.5, 1.0, 1.7, 3.0], depth)) if number % 3 else None,
        rule=RelativeTarget(
            learning_rate=float(rng.choice([0.05, 0.25, 1.0])),
            gamma=int(rng.integers(0, min(t_max, 5) + 1)),
            weight_decay=float(rng.choice([0.0, 1e-6, 0.25])),
            scale_learning_rate=float(rng.choice([0.0, 0.01, 0.5])),
            all_silent=str(rng.choice(["teach", "ignore"])),
            batch_size=int(rng.integers(1, n + 2)),
        ),
        t_max=t_max,
    )


def _times(rng: np.random.Generator, shape: tuple[int, int], t_max: int) -> npt.NDArray[np.int16]:
    """Few different times, so that many tie; the ends of the window; images without a spike."""
    times = rng.choice(rng.integers(0, t_max + 1, rng.integers(1, 9)), shape)
    at_the_end = rng.random(shape) < rng.choice([0.0, 0.2, 0.6])
    times = np.where(at_the_end, rng.choice([0, t_max - 1, t_max], shape), times)
    times[rng.random(len(times)) < 0.1] = t_max
    return times.astype(np.int16)


def _weights(rng: np.random.Generator, shape: tuple[int, ...]) -> npt.NDArray[np.float64]:
    """Real numbers, or few different ones, all negative now and then."""
    kinds = {
        "real": rng.normal(rng.choice([-0.3, 0.3]), 1.0, shape),
        "quarters": rng.integers(-4, 9, shape) / 4,
        "signs": rng.choice([-1.0, 1.0], shape, p=rng.choice([[0.5, 0.5], [0.2, 0.8]])),
        "all -1": np.full(shape, -1.0),
    }
    return kinds[str(rng.choice(list(kinds), p=[0.3, 0.3, 0.3, 0.1]))]


def _thresholds(rng: np.random.Generator, shape: tuple[int, ...]) -> npt.NDArray[np.float64]:
    """One for all or one for each; around what sums reach, below zero, out of reach."""
    n_out, n_in = shape
    kinds = {
        "shared": np.full(n_out, rng.integers(0, np.sqrt(n_in) + 2) / 1.0),
        "of each neuron": rng.integers(-2, 4 * np.sqrt(n_in) + 2, n_out) / 4,
        "real": rng.normal(0.5, np.sqrt(n_in), n_out),
        "out of reach": rng.choice([-1e9, -3.0 * n_in, 0.0, 3.0 * n_in, 1e9], n_out),
    }
    return kinds[str(rng.choice(list(kinds), p=[0.3, 0.3, 0.3, 0.1]))]


def check(case: Case, device: Device | None) -> None:
    """Compare everything on one case; a difference is an AssertionError.

    The reference is compared with Numba, and Numba with the card: its training in mini-batches
    where the window is even, else online.
    """
    count_fired = (len(case.order) % 2 == 0,)
    check_forward(case, REFERENCE, exact=False)
    check_epoch(case, REFERENCE, count_fired=count_fired)
    check_epoch(case, InBatches(REFERENCE), InBatches(NUMBA), count_fired=count_fired)
    if device is not None:
        card = Online(device, ahead=2) if case.t_max % 2 else InBatches(device)
        cores = NUMBA if case.t_max % 2 else InBatches(NUMBA)
        check_forward(case, NUMBA, device, exact=False)
        check_epoch(case, cores, card, count_fired=count_fired)
    if case.scale is not None:
        check_packed(case, device)


def check_packed(case: Case, device: Device | None) -> None:
    """A network of packed bits decides as the one that it was made from."""
    net = bs.BS4NN.from_weights(
        case.parameters().latent, scale=case.scale or 1.0, threshold=list(case.thresholds),
        t_max=case.t_max, backend="numpy",
    )  # fmt: skip
    wanted, heard = net.predict(case.times), net.spike_times(case.times)
    try:
        small = net.pack()
    except ValueError:  # as documented: output neurons with thresholds far apart, out of reach
        assert max(np.ptp(theta) for theta in case.thresholds[-1:]) > 1e8
        return
    for backend in ("numpy", "numba"):
        again = PackedBS4NN(
            net.layers, small.bits, small.thresholds, t_max=case.t_max, backend=backend
        )
        same(again.predict(case.times), wanted)
        for ours, theirs in zip(again.spike_times(case.times), heard, strict=True):
            same(ours, theirs)
    if device is not None:
        classes = device.decide_packed(case.times, small.bits, small.thresholds, t_max=case.t_max)
        same(classes, wanted)


def compare(numbers: Sequence[int], device: Device | None) -> dict[str, str]:
    """Check these cases; return the numbers that differ, each with where it was noticed."""
    differences = {}
    for number in numbers:
        try:
            check(draw(number), device)
        except Exception as error:  # whatever it is, one of the definitions does something else
            # The innermost check that noticed it.
            frames = traceback.extract_tb(error.__traceback__)
            place = [frame for frame in frames if frame.name.startswith("check")][-1]
            what = f"{type(error).__name__} in {place.name}: {place.line}"
            differences[str(number)] = what
            print(f"case {number}: {what}")
    return differences


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the result is the exit status."""
    parser = argparse.ArgumentParser(description="Compare all kernels on random networks.")
    parser.add_argument("--start", type=int, default=0, help="number of the first case")
    parser.add_argument("--cases", type=int, default=CASES)
    parser.add_argument("--record", type=Path, help="write counts to this JSON file, go on from it")
    options = parser.parse_args(arguments)
    record: dict[str, Any] = {"start": options.start, "cases": 0, "seconds": 0, "differences": {}}
    if options.record and options.record.exists():
        record |= json.loads(options.record.read_text("utf8"))
    device = Device(stand_in) if shutil.which("g++") else None
    card = ["emulated card"] if device is not None else []
    record["compared"] = ["numpy", "numba", "packed bits", *card]
    while record["cases"] < options.cases:
        begun = time.perf_counter()
        first = record["start"] + record["cases"]
        some = range(first, first + min(PART, options.cases - record["cases"]))
        record["differences"] |= compare(some, device)
        record["cases"] += len(some)
        record["seconds"] = round(record["seconds"] + time.perf_counter() - begun, 1)
        if options.record:
            write_json(options.record, record | circumstances())
    cases, differences = record["cases"], record["differences"]
    print(f"{cases:,} cases, {record['seconds']:.0f} s: {len(differences)} differences")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
