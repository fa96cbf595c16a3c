"""Exercises of chapter 01: one neuron."""

import operator
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import numpy.typing as npt

from minibs4nn._checks import AnyArray, FloatArray, IntArray
from minibs4nn.course.judging import Misconception, OpenTask, Task
from minibs4nn.course.values import Arguments
from minibs4nn.neuron import simulate_neuron

__all__ = ["TASKS", "drift", "leaky_spike_time", "predictions", "spike_time"]


# 01.1, a neuron ----------------------------------------------------------------------------------


def spike_time(times: IntArray, weights: IntArray, threshold: int, t_max: int) -> int:
    """When the neuron fires; the right answer of 01.1."""
    return simulate_neuron(times, weights, threshold=threshold, t_max=t_max).spike_time


def _wrong_neuron(
    times: IntArray,
    weights: IntArray,
    threshold: int,
    t_max: int,
    *,
    exceeds: Callable[[float, float], bool] = operator.gt,
    delay: int = 1,
    steps: int = 0,
    silent: int | None = None,
    each_spike: bool = False,
    whatever_before: bool = False,
) -> int:
    """The neuron, with one thing wrong for each argument that is not the default."""
    v, last = 0, None
    for t in range(t_max + steps):
        if whatever_before:
            v = 0
        for w in weights[times == t]:
            v += w
            if each_spike and exceeds(v, threshold):
                return t + delay
        if exceeds(v, threshold):
            last = t + delay
            break
    return last if last is not None else (t_max if silent is None else silent)


def _at_the_end(times: IntArray, weights: IntArray, threshold: int, t_max: int) -> int:
    heard = times < t_max
    fires = weights[heard].sum() > threshold
    return int(times[heard].max(initial=0)) + 1 if fires else t_max


REACHES = (
    "You compare with >=: a neuron fires when the potential *exceeds* the threshold; to reach it "
    "is not enough."
)
NO_DELAY = (
    "You return the step of the crossing: the spike is stamped one step later, at the crossing + 1."
)
EACH_SPIKE = (
    "You compare after every single spike: all spikes of a step are added before anything is "
    "compared."
)


def _few_spikes(rng: np.random.Generator) -> Iterator[Arguments]:
    """Neurons with few inputs, spikes that share steps, silence, and sums near the threshold."""
    for number in range(10_000):
        t_max = int(rng.integers(1, 5 + number // 25))
        n_in = int(rng.integers(0, 3 + number // 60))
        times = rng.integers(0, t_max + 1, size=n_in)
        weights = rng.integers(-4, 6, size=n_in)
        yield times, weights, int(rng.integers(0, 5)), t_max


SPIKE_TIME = Task(
    key="01.1",
    title="A neuron",
    function="my_spike_time",
    points=3,
    stars=1,
    minutes=10,
    reference=spike_time,
    inputs=_few_spikes,
    misconceptions=(
        Misconception(partial(_wrong_neuron, exceeds=operator.ge), REACHES),
        Misconception(partial(_wrong_neuron, delay=0), NO_DELAY),
        Misconception(partial(_wrong_neuron, each_spike=True), EACH_SPIKE),
        Misconception(
            partial(_wrong_neuron, steps=1),
            "You let a silent input pass on a spike at t_max: t_max is a mark for silence, and the "
            "window ends at t_max - 1.",
        ),
        Misconception(
            _at_the_end,
            "You look at the potential at the end: a neuron fires at the first crossing, whatever "
            "the later spikes take back.",
        ),
        Misconception(
            partial(_wrong_neuron, silent=-1),
            "You mark silence with -1: a silent neuron has the spike time t_max.",
        ),
        Misconception(
            partial(_wrong_neuron, silent=0),
            "You mark silence with 0, which is the earliest of all times: a silent neuron has the "
            "spike time t_max.",
        ),
        Misconception(
            partial(_wrong_neuron, whatever_before=True),
            "Your potential forgets: without a leak, what has been added in earlier steps stays.",
        ),
    ),
    uses=("simulate_neuron", "layer_spike_times", "network_spike_times"),
)


# 01.2, prediction --------------------------------------------------------------------------------

# Times and weights of three inputs; the threshold is 4, the window has 10 steps.
NEURONS = (
    ((1, 3, 6), (3, 1, 2)),
    ((2, 5, 5), (3, 4, -3)),
    ((0, 4, 9), (2, 2, 5)),
    ((3, 4, 8), (4, 3, -6)),
)


def predictions() -> list[int]:
    """Spike times of the four neurons of 01.2."""
    return _four(spike_time)


def _four(neuron: Callable[..., int]) -> list[int]:
    return [neuron(np.array(t), np.array(w), 4, 10) for t, w in NEURONS]


def _no_arguments(rng: np.random.Generator) -> Iterator[Arguments]:
    """A task without arguments has one input: none."""
    yield ()


PREDICTIONS = Task(
    key="01.2",
    title="Predict four spikes",
    function="my_predictions",
    points=2,
    stars=1,
    minutes=8,
    reference=predictions,
    inputs=_no_arguments,
    misconceptions=(
        Misconception(
            lambda: _four(partial(_wrong_neuron, exceeds=operator.ge)),
            "You let a neuron fire when it reaches 4. It has to exceed 4: look at neuron A again.",
        ),
        Misconception(
            lambda: _four(partial(_wrong_neuron, delay=0)),
            "You give the steps of the crossings. Each spike is stamped one step later.",
        ),
        Misconception(
            lambda: _four(partial(_wrong_neuron, each_spike=True)),
            "In neuron B two spikes arrive in the same step. They are added before the comparison.",
        ),
        Misconception(
            lambda: _four(_at_the_end),
            "You judge neurons by their potential at the end. In neuron D the -6 comes too late to "
            "take the spike back.",
        ),
    ),
    uses=("simulate_neuron",),
)


# 01.3, a leak to repair --------------------------------------------------------------------------


def leaky_spike_time(
    times: IntArray, weights: IntArray, threshold: int, beta: float, t_max: int
) -> int:
    """When a leaky neuron fires; the right answer of 01.3."""
    return _leaky(times, weights, threshold, beta, t_max)


def _leaky(
    times: IntArray,
    weights: IntArray,
    threshold: int,
    beta: float,
    t_max: int,
    *,
    leak_last: bool = False,
    reset: bool = False,
    only_events: bool = False,
) -> int:
    v = 0.0
    for t in range(t_max):
        arriving = weights[times == t]
        if not leak_last and (arriving.size or not only_events):
            v = beta * v
        v += float(arriving.sum())
        if leak_last:
            v = beta * v
        if v > threshold:
            return t + 1
        if reset and v < 0:
            v = 0.0
    return t_max


def _leaks(rng: np.random.Generator) -> Iterator[Arguments]:
    """Leaks that a computer multiplies without rounding, and potentials that go below 0."""
    for number in range(10_000):
        t_max = int(rng.integers(2, 6 + number // 25))
        n_in = int(rng.integers(1, 4 + number // 60))
        times = rng.integers(0, t_max + 1, size=n_in)
        weights = rng.integers(-4, 7, size=n_in)
        beta = float(rng.choice([1.0, 0.5, 0.25]))
        yield times, weights, int(rng.integers(0, 4)), beta, t_max


LEAK = Task(
    key="01.3",
    title="Repair a leak",
    function="my_leaky_spike_time",
    points=3,
    stars=2,
    minutes=12,
    reference=leaky_spike_time,
    inputs=_leaks,
    misconceptions=(
        Misconception(
            partial(_leaky, leak_last=True, reset=True),
            "Both faults are still there: follow one spike of weight 4 with beta = 0.5, and then a "
            "spike of weight -4 followed by one of weight 4.",
        ),
        Misconception(
            partial(_leaky, leak_last=True),
            "In your code a spike leaks in the very step in which it arrives. The leak takes from "
            "what was there before, so it comes before the spikes of the step are added.",
        ),
        Misconception(
            partial(_leaky, reset=True),
            "Your potential cannot stay below 0: a negative weight would be forgotten at once.",
        ),
        Misconception(
            partial(_leaky, only_events=True),
            "Your neuron leaks only in steps in which a spike arrives: it leaks in every step.",
        ),
    ),
)


# 01.4, numbers that explain ----------------------------------------------------------------------


def drift() -> dict[str, object]:
    """Numbers and reason of 01.4."""
    return _drift()


def _drift(
    *,
    share: float = 0.6,
    above: Callable[[AnyArray, int], npt.NDArray[np.bool_]] = operator.gt,
    all_neurons: bool = False,
    because: str = "b",
) -> dict[str, object]:
    weights = np.random.default_rng(seed=1).choice([-1, 1], size=(1000, 100), p=[1 - share, share])
    potentials: FloatArray = weights.cumsum(axis=1)
    fired = above(potentials, 10).any(axis=1)
    low = ~above(potentials[:, -1], 10)
    sank = low if all_neurons else fired & low
    return {"fired": int(fired.sum()), "sank": int(sank.sum()), "because": because}


DRIFT = Task(
    key="01.4",
    title="Explain a drift",
    function="my_drift",
    points=3,
    stars=2,
    minutes=12,
    reference=drift,
    inputs=_no_arguments,
    misconceptions=(
        Misconception(
            partial(_drift, above=operator.ge),
            "You count a neuron as fired when it reaches 10: it has to exceed 10.",
        ),
        Misconception(
            partial(_drift, all_neurons=True),
            "You count every neuron that ends at 10 or below as one that sank. Only one that had "
            "fired can sink.",
        ),
        Misconception(
            partial(_drift, share=0.4),
            "Your weights are +1 with probability 0.4: in p, the first number belongs to -1.",
        ),
        Misconception(
            partial(_drift, because="a"),
            "The numbers are right, the reason is not. Thresholds were the same for all neurons, "
            "so they cannot explain who sinks.",
        ),
        Misconception(
            partial(_drift, because="c"),
            "The numbers are right, the reason is not. Nothing leaks: a potential goes down only "
            "when a negative weight arrives.",
        ),
    ),
)


TASKS = (
    SPIKE_TIME,
    PREDICTIONS,
    LEAK,
    DRIFT,
    OpenTask("01.5", "What a neuron can tell", points=4, stars=3, minutes=20),
)
