"""Exercises of chapter 03: layers, and who wins."""

import operator
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from minibs4nn._checks import AnyArray, IntArray
from minibs4nn.course.judging import Misconception, OpenTask, Task
from minibs4nn.course.neuron import EACH_SPIKE, NO_DELAY, REACHES
from minibs4nn.course.values import Arguments
from minibs4nn.forward import DECISION_RULES, decide, layer_spike_times, published_correct

__all__ = ["TASKS", "arrived", "counts", "decision", "four_rules", "layer"]


def _no_arguments(rng: np.random.Generator) -> Iterator[Arguments]:
    yield ()


# 03.1, a layer -----------------------------------------------------------------------------------


def layer(times: IntArray, weights: IntArray, threshold: int, t_max: int) -> AnyArray:
    """Spike times of a layer for one image; the right answer of 03.1."""
    spike_times, _ = layer_spike_times(times[None], weights, threshold, t_max=t_max)
    image: AnyArray = spike_times[0]
    return image


def _wrong_layer(
    times: IntArray,
    weights: IntArray,
    threshold: int,
    t_max: int,
    *,
    exceeds: Callable[[float, float], bool] = operator.gt,
    delay: int = 1,
    steps: int = 0,
    each_spike: bool = False,
    again: bool = False,
    step_0: bool = True,
    mark: int | None = None,
) -> list[int]:
    """The layer, with one thing wrong for each argument that is not the default."""
    spike_times = []
    visited = range(t_max + steps) if step_0 else np.unique(times[times < t_max])
    for row in weights:
        v, stamp = 0, mark
        for t in map(int, visited):
            open_ = stamp == mark
            for w in row[times == t]:
                v += int(w)
                if each_spike and open_ and exceeds(v, threshold):
                    stamp, open_ = t + delay, False
            if exceeds(v, threshold) and (open_ or again):
                stamp = t + delay
        spike_times.append(t_max if stamp is None else stamp)
    return spike_times


def _at_the_end(times: IntArray, weights: IntArray, threshold: int, t_max: int) -> list[int]:
    last = int(times[times < t_max].max(initial=0))
    sums = weights[:, times < t_max].sum(axis=1)
    return [last + 1 if v > threshold else t_max for v in sums]


def _layers(rng: np.random.Generator) -> Iterator[Arguments]:
    """Small layers with spikes that share steps, silence, and sums near the threshold."""
    for number in range(10_000):
        t_max = int(rng.integers(1, 6 + number // 25))
        n_in = int(rng.integers(1, 4 + number // 60))
        n_out = int(rng.integers(1, 3 + number // 80))
        times = rng.integers(0, t_max + 1, size=n_in)
        weights = rng.integers(-4, 6, size=(n_out, n_in))
        threshold = -1 if rng.random() < 0.1 else int(rng.integers(0, 5))
        yield times, weights, threshold, t_max


LAYER = Task(
    key="03.1",
    title="A layer",
    function="my_layer",
    points=4,
    stars=2,
    minutes=15,
    reference=layer,
    inputs=_layers,
    misconceptions=(
        Misconception(partial(_wrong_layer, exceeds=operator.ge), REACHES),
        Misconception(partial(_wrong_layer, delay=0), NO_DELAY),
        Misconception(partial(_wrong_layer, each_spike=True), EACH_SPIKE),
        Misconception(
            partial(_wrong_layer, steps=1),
            "You let a silent neuron pass on a spike at t_max: a spike time of t_max is a mark for "
            "silence, and adds no weight.",
        ),
        Misconception(
            lambda times, weights, threshold, t_max: _wrong_layer(
                times, weights, threshold, t_max, steps=1, mark=t_max
            ),
            "Your loop goes on to step t_max, where silent neurons pass on spikes that are not "
            "there, and a neuron that crossed in the last step is stamped again: the window ends "
            "at t_max - 1.",
        ),
        Misconception(
            partial(_wrong_layer, again=True),
            "Your neurons fire again: each keeps the time of its first crossing, and is not "
            "stamped a second time.",
        ),
        Misconception(
            partial(_wrong_layer, step_0=False),
            "You only look at steps in which a spike arrives: with a negative threshold a neuron "
            "is above it from step 0 on, before any spike.",
        ),
        Misconception(
            _at_the_end,
            "You look at the potential at the end: a neuron fires at the first crossing, whatever "
            "the later spikes take back.",
        ),
    ),
    uses=("layer_spike_times", "network_spike_times", "simulate_neuron", "potential_at"),
)


# 03.2, a decision --------------------------------------------------------------------------------


def decision(spike_times: IntArray, potential: IntArray, t_max: int) -> int:
    """The class that the first spike names; the right answer of 03.2."""
    return int(decide(spike_times[None], potential[None], t_max=t_max)[0])


def _races(rng: np.random.Generator) -> Iterator[Arguments]:
    """Output layers with ties in time, ties in potential too, and silence."""
    for number in range(10_000):
        t_max = int(rng.integers(3, 6))
        n = int(rng.integers(2, 4 + number // 80))
        times = rng.integers(1, t_max + 1, size=n)
        if rng.random() < 0.25:
            times[:] = t_max
        yield times, rng.integers(-3, 6, size=n), t_max


def _by_index(spike_times: IntArray, potential: IntArray, t_max: int) -> int:
    silent = (spike_times == t_max).all()
    return int(potential.argmax() if silent else spike_times.argmin())


def _tied(spike_times: IntArray, potential: IntArray, t_max: int, *, better: str) -> int:
    """Among the earliest: the smallest potential, or the last of the largest."""
    first = np.flatnonzero(spike_times == spike_times.min())
    v = potential[first]
    return int(first[v.argmin()] if better == "smaller" else first[::-1][v[::-1].argmax()])


def _refuses(spike_times: IntArray, potential: IntArray, t_max: int) -> int:
    if (spike_times == t_max).all():
        return -1
    return decision(spike_times, potential, t_max)


def _index_0(spike_times: IntArray, potential: IntArray, t_max: int) -> int:
    if (spike_times == t_max).all():
        return 0
    return decision(spike_times, potential, t_max)


DECISION = Task(
    key="03.2",
    title="A decision",
    function="my_decision",
    points=3,
    stars=2,
    minutes=12,
    reference=decision,
    inputs=_races,
    misconceptions=(
        Misconception(
            lambda spike_times, potential, t_max: int(potential.argmax()),
            "You took the output with the largest potential, not the earliest spike: the potential "
            "only breaks ties.",
        ),
        Misconception(
            _by_index,
            "You break a tie by the lower index: of several neurons that fire first, the one with "
            "the largest potential wins.",
        ),
        Misconception(
            lambda spike_times, potential, t_max: int(spike_times.argmin()),
            "You use argmin alone: it breaks ties by the index, and where all outputs are silent "
            "it says class 0.",
        ),
        Misconception(
            _index_0,
            "Where all outputs are silent you say class 0: there the largest potential decides.",
        ),
        Misconception(
            _refuses,
            "Where all outputs are silent you give no class: there the largest potential decides.",
        ),
        Misconception(
            partial(_tied, better="smaller"),
            "Of several neurons that fire first you take the one with the smallest potential: the "
            "largest wins.",
        ),
        Misconception(
            partial(_tied, better="last"),
            "Where times and potentials are equal you take the last neuron: the lower index wins.",
        ),
        Misconception(
            lambda spike_times, potential, t_max: int(spike_times.argmax()),
            "You took the latest spike: the first one decides, which has the smallest time.",
        ),
    ),
    uses=("decide",),
)


# 03.3, four rules by hand ------------------------------------------------------------------------

# Spike times and potentials of four output neurons; the window has 8 steps.
RACE_TIMES = (6, 4, 4, 8)
RACE_POTENTIALS = (9, 5, 7, 2)


def four_rules() -> dict[str, int]:
    """The decision of each rule on one race; the right answer of 03.3."""
    return {
        rule: int(decide([RACE_TIMES], [RACE_POTENTIALS], rule=rule, t_max=8)[0])
        for rule in DECISION_RULES
    }


FOUR_RULES = Task(
    key="03.3",
    title="Predict four decisions",
    function="my_decisions",
    points=2,
    stars=1,
    minutes=6,
    reference=four_rules,
    inputs=_no_arguments,
    misconceptions=(
        Misconception(
            lambda: {**four_rules(), "first-spike": 1},
            "`first-spike` breaks the tie of neurons 1 and 2 by their potentials, not by their "
            "numbers.",
        ),
        Misconception(
            lambda: {**four_rules(), "unique": 2},
            "`unique` gives no answer when two neurons are first: it says -1.",
        ),
        Misconception(
            lambda: {**four_rules(), "potential": 2},
            "`potential` ignores the times altogether: the largest potential wins, even if its "
            "neuron came later.",
        ),
        Misconception(
            lambda: {**four_rules(), "lowest-index": 0},
            "`lowest-index` takes the lower index only among the earliest: neuron 0 came later.",
        ),
    ),
    uses=("decide",),
)


# 03.4, who took part, to repair ------------------------------------------------------------------


def arrived(times: IntArray, weights: IntArray, spike_times: IntArray, t_max: int) -> AnyArray:
    """Potential of each neuron from who had arrived; the right answer of 03.4."""
    return np.asarray((weights * (times < spike_times[:, None])).sum(axis=1))


def _stamped_layers(rng: np.random.Generator) -> Iterator[Arguments]:
    """Layers with their true spike times, so that silent inputs and neurons occur."""
    for times, weights, threshold, t_max in _layers(rng):
        yield times, weights, layer(times, weights, threshold, t_max), t_max


ARRIVED = Task(
    key="03.4",
    title="Repair who had arrived",
    function="my_potential",
    points=3,
    stars=2,
    minutes=10,
    reference=arrived,
    inputs=_stamped_layers,
    misconceptions=(
        Misconception(
            lambda times, weights, spike_times, t_max: (
                weights * (times <= spike_times[:, None])
            ).sum(axis=1),
            "You count spikes of the very step of the neuron's own spike, and silent inputs of "
            "silent neurons: whoever took part was earlier, so < and not <=.",
        ),
        Misconception(
            lambda times, weights, spike_times, t_max: (
                weights * ((times <= spike_times[:, None]) & (times < t_max))
            ).sum(axis=1),
            "Silent inputs are out now, but you still count spikes that come in the step of the "
            "neuron's own spike: the crossing was one step before.",
        ),
        Misconception(
            lambda times, weights, spike_times, t_max: (
                weights * (times < spike_times[:, None] - 1)
            ).sum(axis=1),
            "You leave out the spikes of the step of the crossing: the spike time already has the "
            "delay in it.",
        ),
        Misconception(
            lambda times, weights, spike_times, t_max: (
                weights * ((times < spike_times[:, None]) & (spike_times[:, None] < t_max))
            ).sum(axis=1),
            "You give silent neurons a potential of 0: theirs is the sum over all spikes of the "
            "window.",
        ),
        Misconception(
            lambda times, weights, spike_times, t_max: (weights * (times < t_max)).sum(axis=1),
            "You add all spikes of the window for every neuron: those that came after its own "
            "spike took no part in it.",
        ),
    ),
    uses=("layer_spike_times", "network_spike_times", "potential_at"),
)


# 03.5, three counts ------------------------------------------------------------------------------


def counts(spike_times: IntArray, labels: IntArray, t_max: int) -> dict[str, object]:
    """Shares and reason of 03.5, for images on which somebody fires."""
    return _counts(spike_times, labels, t_max)


def _counts(
    spike_times: IntArray,
    labels: IntArray,
    t_max: int,
    *,
    swapped: bool = False,
    strict_by_index: bool = False,
    numbers: bool = False,
    because: str = "a",
) -> dict[str, object]:
    """Strict: the earliest alone. Published: among the earliest. Both as shares of the images."""
    zeros = np.zeros(spike_times.shape)
    rule = "lowest-index" if strict_by_index else "unique"
    strict = (decide(spike_times, zeros, rule=rule, t_max=t_max) == labels).sum()
    published = published_correct(spike_times, zeros, labels, t_max=t_max).sum()
    n = 1 if numbers else len(labels)
    both = [float(strict / n), float(published / n)]
    low, high = both[::-1] if swapped else both
    return {"unique": low, "published": high, "because": because}


def _judged_images(rng: np.random.Generator) -> Iterator[Arguments]:
    """Images with labels, many ties, and no image on which all are silent."""
    for number in range(10_000):
        t_max = int(rng.integers(4, 7))
        n, n_classes = int(rng.integers(1, 4 + number // 40)), int(rng.integers(2, 5))
        times = rng.integers(1, t_max + 1, size=(n, n_classes))
        times[:, 0] = np.minimum(times[:, 0], t_max - 1)
        yield times, rng.integers(0, n_classes, size=n), t_max


COUNTS = Task(
    key="03.5",
    title="Explain two counts",
    function="my_counts",
    points=3,
    stars=2,
    minutes=12,
    reference=counts,
    inputs=_judged_images,
    misconceptions=(
        Misconception(
            partial(_counts, strict_by_index=True),
            "For `unique` you give a tie to the lower index: a tie is no answer, and no answer is "
            "never right.",
        ),
        Misconception(
            partial(_counts, swapped=True),
            "You have the two exchanged: the published counter credits a tie that includes the "
            "label, so it can only be the larger one.",
        ),
        Misconception(
            partial(_counts, numbers=True),
            "You give numbers of images: a share is divided by how many images there are.",
        ),
        Misconception(
            partial(_counts, because="b"),
            "The counts are right, the reason is not: silent images do not occur in these inputs, "
            "and the two differ all the same.",
        ),
        Misconception(
            partial(_counts, because="c"),
            "The counts are right, the reason is not: both read the same spike times.",
        ),
    ),
    uses=("published_correct", "decide"),
)


TASKS = (
    LAYER,
    DECISION,
    FOUR_RULES,
    ARRIVED,
    COUNTS,
    OpenTask("03.6", "A fairer race", points=4, stars=3, minutes=25),
)
