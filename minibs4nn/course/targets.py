"""Exercises of chapter 04: when each output neuron should have fired."""

from collections.abc import Iterator
from functools import partial

import numpy as np

from minibs4nn._checks import AnyArray, IntArray
from minibs4nn.course.judging import Misconception, OpenTask, Task
from minibs4nn.course.values import Arguments
from minibs4nn.targets import relative_targets, time_error

__all__ = ["TASKS", "asked", "error", "predicted_targets", "targets"]


# 04.1, targets -----------------------------------------------------------------------------------


def targets(spike_times: IntArray, label: int, gamma: int, t_max: int) -> AnyArray:
    """Targets of one image; the right answer of 04.1."""
    both = relative_targets(spike_times[None], [label], gamma=gamma, t_max=t_max)
    image: AnyArray = both[0]
    return image


def _wrong_targets(
    spike_times: IntArray,
    label: int,
    gamma: int,
    t_max: int,
    *,
    push_all: bool = False,
    from_label: bool = False,
    own_time: bool = False,
    clip: bool = True,
    when_silent: bool = True,
    label_stays: bool = False,
) -> list[int]:
    """The targets, with one thing wrong for each argument that is not the default."""
    times = [int(t) for t in spike_times]
    if when_silent and min(times) == t_max:
        return [t_max - gamma if j == label else t_max for j in range(len(times))]
    first = times[label] if from_label else min(times)
    result = []
    for j, t in enumerate(times):
        if j == label:
            result.append(t if label_stays else first)
        elif push_all or t - first < gamma:
            pushed = (t if own_time else first) + gamma
            result.append(min(pushed, t_max) if clip else pushed)
        else:
            result.append(t)
    return result


def _outputs(rng: np.random.Generator) -> Iterator[Arguments]:
    """Output layers with ties, with neurons near and far behind the first, and with silence."""
    for number in range(10_000):
        t_max = int(rng.integers(4, 12))
        times = rng.integers(0, t_max + 1, size=int(rng.integers(2, 4 + number // 80)))
        if rng.random() < 0.1:
            times[:] = t_max
        gamma = int(rng.integers(1, 5))
        yield times, int(rng.integers(0, len(times))), min(gamma, t_max), t_max


TARGETS = Task(
    key="04.1",
    title="Relative targets",
    function="my_targets",
    points=4,
    stars=2,
    minutes=15,
    reference=targets,
    inputs=_outputs,
    misconceptions=(
        Misconception(
            partial(_wrong_targets, push_all=True),
            "You push every other neuron to tau + gamma: who comes later than that already is "
            "where it should be, and keeps its time as its target.",
        ),
        Misconception(
            partial(_wrong_targets, from_label=True),
            "You measure from the label's neuron: tau is the time of whoever fired first.",
        ),
        Misconception(
            partial(_wrong_targets, own_time=True),
            "You push a neuron gamma steps behind its own time: the target is gamma steps behind "
            "the first spike, the same for all that came too close.",
        ),
        Misconception(
            partial(_wrong_targets, clip=False),
            "Your targets can lie behind the end of the window: t_max is the latest, and means "
            "silence.",
        ),
        Misconception(
            partial(_wrong_targets, when_silent=False),
            "Where nobody fires, tau is t_max, and you ask the label's neuron to stay silent: "
            "there its target is t_max - gamma.",
        ),
        Misconception(
            partial(_wrong_targets, label_stays=True),
            "You leave the label's neuron where it is: it is asked to be first, at tau.",
        ),
    ),
    uses=("targets.relative_targets",),
)


# 04.2, prediction --------------------------------------------------------------------------------


def _no_arguments(rng: np.random.Generator) -> Iterator[Arguments]:
    yield ()


def predicted_targets() -> list[int]:
    """Targets of the four neurons of 04.2."""
    return [int(t) for t in targets(np.array([5, 3, 4, 9]), 0, 3, 12)]


PREDICTED = Task(
    key="04.2",
    title="Predict four targets",
    function="my_predicted_targets",
    points=2,
    stars=1,
    minutes=6,
    reference=predicted_targets,
    inputs=_no_arguments,
    misconceptions=(
        Misconception(
            lambda: [3, 6, 6, 6],
            "Neuron 3 came at 9, which is more than gamma behind the first spike: nothing is asked "
            "of it.",
        ),
        Misconception(
            lambda: [5, 8, 8, 9],
            "The first spike came at 3, from neuron 1, and targets are measured from it; the "
            "label's neuron came at 5.",
        ),
        Misconception(
            lambda: [3, 6, 7, 9],
            "Neuron 2 came at 4, and you ask it for 4 + gamma: gamma is measured from the first "
            "spike, at 3.",
        ),
    ),
)


# 04.3, an error to repair ------------------------------------------------------------------------


def error(spike_times: IntArray, targets: IntArray, t_max: int) -> AnyArray:
    """Error of each neuron; the right answer of 04.3."""
    return np.asarray(time_error(spike_times, targets, t_max=t_max))


def _times_and_targets(rng: np.random.Generator) -> Iterator[Arguments]:
    """Neurons before, at and behind their targets."""
    for number in range(10_000):
        t_max = int(rng.choice([4, 8, 10, 256]))
        size = int(rng.integers(1, 3 + number // 60))
        times, wanted = rng.integers(0, t_max + 1, size=(2, size))
        yield times, wanted, t_max


ERROR = Task(
    key="04.3",
    title="Repair an error",
    function="my_error",
    points=2,
    stars=1,
    minutes=8,
    reference=error,
    inputs=_times_and_targets,
    misconceptions=(
        Misconception(
            lambda spike_times, targets, t_max: (spike_times - targets) // t_max,
            "Both faults are still there: try a neuron that fires at 2, with the target 4 and a "
            "window of 8 steps. Its error is 0.25.",
        ),
        Misconception(
            lambda spike_times, targets, t_max: (spike_times - targets) / t_max,
            "Your sign is the other way round: a neuron that fires before its target has a "
            "positive error, T - t.",
        ),
        Misconception(
            lambda spike_times, targets, t_max: (targets - spike_times) // t_max,
            "You round the error down to a whole number: // divides and rounds, / divides.",
        ),
        Misconception(
            lambda spike_times, targets, t_max: targets - spike_times,
            "Your error is in steps: it is a share of the window, so divide by t_max.",
        ),
    ),
    uses=("targets.time_error",),
)


# 04.4, numbers that explain ----------------------------------------------------------------------


def asked(spike_times: IntArray, labels: IntArray, gamma: int, t_max: int) -> dict[str, object]:
    """How many neurons have to move, and why; the right answer of 04.4."""
    return _asked(spike_times, labels, gamma, t_max)


def _asked(
    spike_times: IntArray,
    labels: IntArray,
    gamma: int,
    t_max: int,
    *,
    images: bool = False,
    late_only: bool = False,
    because: str = "b",
) -> dict[str, object]:
    wanted = relative_targets(spike_times, labels, gamma=gamma, t_max=t_max)
    moves = wanted < spike_times if late_only else wanted != spike_times
    counted = moves.any(axis=1) if images else moves
    return {"moves": int(counted.sum()), "because": because}


def _batches(rng: np.random.Generator) -> Iterator[Arguments]:
    """Images on which somebody fires."""
    for number in range(10_000):
        t_max = int(rng.integers(6, 12))
        n, n_classes = int(rng.integers(1, 4 + number // 60)), int(rng.integers(2, 5))
        times = rng.integers(0, t_max + 1, size=(n, n_classes))
        times[:, 0] = np.minimum(times[:, 0], t_max - 1)
        yield times, rng.integers(0, n_classes, size=n), int(rng.integers(1, 5)), t_max


ASKED = Task(
    key="04.4",
    title="Explain what gamma asks",
    function="my_asked",
    points=3,
    stars=2,
    minutes=12,
    reference=asked,
    inputs=_batches,
    misconceptions=(
        Misconception(
            partial(_asked, images=True),
            "You count images: several neurons of one image may have to move, and each counts.",
        ),
        Misconception(
            partial(_asked, late_only=True),
            "You count only neurons that are asked to come earlier: those that came too close to "
            "the first are asked to come later, and they count, too.",
        ),
        Misconception(
            partial(_asked, because="a"),
            "The counts are right, the reason is not: the label's target is tau for any gamma.",
        ),
        Misconception(
            partial(_asked, because="c"),
            "The counts are right, the reason is not: gamma changes what is asked of the network, "
            "and not how long its window is.",
        ),
    ),
)


TASKS = (
    TARGETS,
    PREDICTED,
    ERROR,
    ASKED,
    OpenTask("04.5", "Other targets", points=4, stars=3, minutes=20),
)
