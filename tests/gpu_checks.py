"""What the tests of the GPU path compare: the emulated kernels and the reference, bit for bit."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from agreement import EDGES, REFERENCE, ROUNDED, Case, check_epoch, check_forward, random_case

from minibs4nn.emulation import stand_in
from minibs4nn.kernels import Kernels, OnlineReport
from minibs4nn.kernels.cuda_source import TEXT
from minibs4nn.kernels.gpu import Device

# A machine of continuous integration must have a compiler; another may do without.
needs_compiler = pytest.mark.skipif(
    shutil.which("g++") is None and "CI" not in os.environ,
    reason="the emulated graphics card needs a C++ compiler: apt-get install g++",
)


@cache
def emulated(text: str = TEXT) -> Device:
    """The kernels on an imagined card, compiled once per text."""
    return Device(stand_in, text=text)


class Online:
    """Online learning with so many images looked at in one round."""

    def __init__(self, device: Device, ahead: int) -> None:
        self.prepare, self.layer_spike_times = device.prepare, device.layer_spike_times
        self._device, self._ahead = device, ahead

    def train_online(self, *arguments: Any, **options: Any) -> OnlineReport:
        """As the device's, looking ahead."""
        return self._device.train_online(*arguments, **options, ahead=self._ahead)

    def train_minibatches(self, *arguments: Any, **options: Any) -> OnlineReport:
        """As the device's."""
        return self._device.train_minibatches(*arguments, **options)


class InBatches:
    """Learning in mini-batches, where the checks ask for learning online."""

    def __init__(self, kernels: Kernels) -> None:
        self.prepare, self.layer_spike_times = kernels.prepare, kernels.layer_spike_times
        self.train_online = self.train_minibatches = kernels.train_minibatches


def check_three_ways(case: Case, device: Device, *, ahead: int, batch_size: int) -> None:
    """Forward, online, speculative and in mini-batches, each against the reference."""
    check_forward(case, REFERENCE, device, exact=False)
    for look in {1, ahead}:
        check_epoch(case, REFERENCE, Online(device, look), count_fired=(True,))
    check_epoch(case, REFERENCE, Online(device, ahead), count_fired=(False,))
    batches = replace(case, rule=replace(case.rule, batch_size=batch_size))
    check_epoch(batches, InBatches(REFERENCE), InBatches(device), count_fired=(True,))


def wide_case(seed: int, *, binary: bool) -> Case:
    """More inputs than a block fetches at a time, more neurons than a block has threads."""
    rng = np.random.default_rng(seed)
    sizes, n = (300, 140, 70), 8
    weights = tuple(rng.normal(0.2, 1.0, (n_out, n_in)) for n_in, n_out in pairwise(sizes))
    case = random_case(0)
    return replace(
        case,
        times=rng.integers(0, 17, (n, 300)).astype(np.int16),
        labels=rng.integers(0, 70, n),
        order=np.arange(n),
        latent=weights,
        thresholds=(np.full(140, 12.0), np.full(70, 6.0)),
        scale=(0.7, 0.9) if binary else None,
        rule=replace(case.rule, gamma=2, weight_decay=0.01, learning_rate=0.3),
        t_max=16,
    )


def crowd_at_the_border(first: int) -> Case:
    """All spikes of a time step lie on both sides of what a block fetches at a time.

    The sum rises above the threshold and falls below it again, within that one time step. A kernel
    that looks at it in between fires.
    """
    times = np.full((2, 140), 3, np.int16)
    times[1, :5] = 1
    weights = np.array([[1.0] * first + [-1.0] * (140 - first)] * 2)
    return replace(
        EDGES["ties"],
        times=times, labels=np.array([0, 1]), order=np.arange(2), latent=(weights,),
        thresholds=(np.array([20.0, 90.0]),), scale=(1.0,), t_max=9,
    )  # fmt: skip


def battery() -> Iterator[Case]:
    """Cases in which every planted fault shows, the quick ones first."""
    yield ROUNDED
    yield from map(random_case, range(4))
    yield crowd_at_the_border(128)
    for seed in (9, 11, 33, 39):  # where a scale falls to zero, in layers 2, 0, 1 and 0
        case = random_case(seed)
        yield replace(case, rule=replace(case.rule, scale_learning_rate=2.0))
    yield from EDGES.values()
    yield from map(random_case, range(4, 8))
    yield from map(crowd_at_the_border, (127, 100))
    yield wide_case(1, binary=True)
    yield wide_case(1, binary=False)


def all_checks(device: Device) -> None:
    """Everything that is checked, on one case after the other."""
    for number, case in enumerate(battery()):
        few = replace(case, order=case.order[:50])  # so many, until weights decay to nothing
        check_three_ways(few, device, ahead=2 + number % 4, batch_size=1 + number % 3)
