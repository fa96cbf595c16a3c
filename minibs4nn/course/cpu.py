"""Exercises of chapter 10: what need not be done, and how narrow a number may be."""

import operator
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from minibs4nn._checks import AnyArray, FloatArray, IntArray
from minibs4nn.backward import arrived
from minibs4nn.course import forward
from minibs4nn.course.judging import Misconception, OpenTask, Task
from minibs4nn.course.neuron import EACH_SPIKE, NO_DELAY, REACHES
from minibs4nn.course.values import Arguments

__all__ = ["TASKS", "comparison", "counts", "events", "potentials", "speed_up", "width"]


def _no_arguments(rng: np.random.Generator) -> Iterator[Arguments]:
    yield ()


# 10.1, a layer that counts its events ------------------------------------------------------------


def events(times: IntArray, columns: IntArray, limit: int, t_max: int) -> dict[str, object]:
    """Spike times of a layer and what they cost; the right answer of 10.1."""
    fired = times[times < t_max]
    return {
        "spike_times": forward.layer(times, columns.T, limit, t_max),
        "visited": np.unique(fired).size,
        "additions": fired.size * columns.shape[1],
    }


def _wrong_events(
    times: IntArray,
    columns: IntArray,
    limit: int,
    t_max: int,
    *,
    exceeds: Callable[[int, int], bool] = operator.gt,
    delay: int = 1,
    steps: int = 0,
    each_spike: bool = False,
    again: bool = False,
    mark: int | None = None,
) -> dict[str, object]:
    """The layer, with one thing wrong for each argument that is not the default."""
    potential = [0] * columns.shape[1]
    stamps = [mark] * columns.shape[1]
    visited = additions = 0

    def compare(t: int) -> None:
        for j, v in enumerate(potential):
            if exceeds(v, limit) and (again or stamps[j] == mark):
                stamps[j] = t + delay

    for t in range(t_max + steps):
        who = np.flatnonzero(times == t)
        visited += who.size > 0
        for i in who:
            additions += len(potential)
            potential = [v + int(w) for v, w in zip(potential, columns[i], strict=True)]
            if each_spike:
                compare(t)
        if who.size:
            compare(t)
    spike_times = [t_max if stamp is None else stamp for stamp in stamps]
    return {"spike_times": spike_times, "visited": visited, "additions": additions}


def _but(
    times: IntArray, columns: IntArray, limit: int, t_max: int, *, name: str, value: str
) -> dict[str, object]:
    """The layer, with another number in place of one of the counts."""
    fired = np.count_nonzero(times < t_max)
    number = {"spikes": fired, "steps": t_max, "dense": columns.size}[value]
    return {**events(times, columns, limit, t_max), name: number}


def _layers(rng: np.random.Generator) -> Iterator[Arguments]:
    """Layers of signs, with spikes that share steps and silent inputs."""
    for number in range(10_000):
        t_max = int(rng.integers(1, 6 + number // 25))
        shape = int(rng.integers(1, 5 + number // 40)), int(rng.integers(1, 3 + number // 80))
        times = rng.integers(0, t_max + 1, size=shape[0])
        columns = rng.choice([-1, 1], size=shape, p=[0.3, 0.7])
        yield times, columns, int(rng.integers(0, 3)), t_max


EVENTS = Task(
    key="10.1",
    title="A layer that counts its events",
    function="my_events",
    points=4,
    stars=2,
    minutes=15,
    reference=events,
    inputs=_layers,
    misconceptions=(
        Misconception(partial(_wrong_events, exceeds=operator.ge), REACHES),
        Misconception(partial(_wrong_events, delay=0), NO_DELAY),
        Misconception(partial(_wrong_events, each_spike=True), EACH_SPIKE),
        Misconception(
            partial(_wrong_events, steps=1),
            "You visit step t_max: the inputs with that time are silent, send nothing and cost "
            "nothing.",
        ),
        Misconception(
            lambda times, columns, limit, t_max: _wrong_events(
                times, columns, limit, t_max, steps=1, mark=t_max
            ),
            "You visit step t_max, in which silent inputs send spikes that are not there, and a "
            "neuron that crossed in the last step is stamped again: the window ends at t_max - 1.",
        ),
        Misconception(
            partial(_wrong_events, again=True),
            "Your neurons fire again: each keeps the time of its first crossing, and is not "
            "stamped a second time.",
        ),
        Misconception(
            partial(_but, name="additions", value="dense"),
            "You count an addition for every synapse: an input that stays silent sends nothing.",
        ),
        Misconception(
            partial(_but, name="additions", value="spikes"),
            "You count one addition for each spike: a spike is added to every neuron of the layer.",
        ),
        Misconception(
            partial(_but, name="visited", value="spikes"),
            "You count a visit for each spike: spikes of the same step are heard in one visit.",
        ),
        Misconception(
            partial(_but, name="visited", value="steps"),
            "You visit every step of the window: nothing moves in a step without a spike.",
        ),
    ),
    uses=("layer_spike_times", "network_spike_times", "simulate_neuron", "potential_at"),
)


# 10.2, a speed-up by hand ------------------------------------------------------------------------


def speed_up() -> dict[str, float]:
    """Mean microseconds of a training step, and how much could be gained; the answer of 10.2."""
    forward, update, first, last = 20, 60, 0.5, 0.05
    steps = forward + first * update, forward + last * update
    return {
        "first": steps[0],
        "last": steps[1],
        "at_most_first": steps[0] / forward,
        "at_most_last": steps[1] / forward,
    }


SPEED_UP = Task(
    key="10.2",
    title="Predict a speed-up",
    function="my_speed_up",
    points=2,
    stars=1,
    minutes=8,
    reference=speed_up,
    inputs=_no_arguments,
    misconceptions=(
        Misconception(
            lambda: {**speed_up(), "first": 40, "last": 4},
            "You give the forward pass to images with an error only: every image takes it, since "
            "without it nobody knows whether there is an error.",
        ),
        Misconception(
            lambda: {**speed_up(), "first": 80, "last": 80},
            "Your steps have no image without an error: such an image costs the forward pass only.",
        ),
        Misconception(
            lambda: {**speed_up(), "at_most_first": 4, "at_most_last": 4},
            "80 / 20 is what an image with an error gains: over all images, compare the two mean "
            "times.",
        ),
        Misconception(
            lambda: {**speed_up(), "at_most_first": 2, "at_most_last": 20},
            "You divide 1 by the share of images with an error: the forward pass of the others "
            "takes its time.",
        ),
        Misconception(
            lambda: {**speed_up(), "at_most_first": 0.4, "at_most_last": 20 / 23},
            "You give the share of the time that is left: a speed-up is the time before, divided "
            "by the time after.",
        ),
    ),
)


# 10.3, an overflow to repair ---------------------------------------------------------------------


def potentials(plus: AnyArray, minus: AnyArray) -> IntArray:
    """Potential after each step; the right answer of 10.3."""
    return np.cumsum(plus.astype(np.int64) - minus, dtype=np.int64)


def _counted_spikes(rng: np.random.Generator) -> Iterator[Arguments]:
    """Spikes of each step through both signs: few, or many enough to leave 8 bits."""
    for number in range(10_000):
        most = int(rng.choice([3, 100, 200]))
        n_steps = int(rng.integers(1, 3 + number // 30))
        plus, minus = rng.integers(0, most, size=(2, n_steps)).astype(np.uint8)
        yield plus, minus // np.uint8(rng.integers(1, 4))


POTENTIALS = Task(
    key="10.3",
    title="Repair an overflow",
    function="my_potentials",
    points=3,
    stars=2,
    minutes=10,
    reference=potentials,
    inputs=_counted_spikes,
    misconceptions=(
        # On what wraps round at 256 it makes no difference whether plus - minus did so before.
        Misconception(
            lambda plus, minus: potentials(plus, minus).astype(np.int8),
            "Your sum has 8 bits, and ends at 127: one more, and it reads -128. Make it wider, and "
            "then look at small potentials once more.",
        ),
        Misconception(
            lambda plus, minus: np.cumsum(plus - minus, dtype=np.int64),
            "The sum is wide enough now, the difference is not: both arrays are uint8, and so is "
            "plus - minus. There 2 - 3 is 255. Convert before you subtract.",
        ),
        Misconception(
            lambda plus, minus: (
                np.cumsum(plus, dtype=np.uint64) - np.cumsum(minus, dtype=np.uint64)
            ),
            "Your sums have no sign: NumPy adds up uint8 in an unsigned type, and in it 2 - 3 is a "
            "very large number.",
        ),
        Misconception(
            lambda plus, minus: potentials(plus, minus).clip(-128, 127),
            "Your potentials stop at the ends of 8 bits: they are wrong there, only less visibly.",
        ),
        Misconception(
            lambda plus, minus: plus.astype(np.int64) - minus,
            "You give what each step adds: the potential keeps what came before.",
        ),
    ),
)


# 10.4, what may be left out ----------------------------------------------------------------------


def counts(
    times: IntArray, hidden: IntArray, outputs: IntArray, delta: FloatArray, t_max: int
) -> dict[str, object]:
    """Additions with and without an early stop, and weights that change; the answer of 10.4."""
    return _counts(times, hidden, outputs, delta, t_max)


def _counts(
    times: IntArray,
    hidden: IntArray,
    outputs: IntArray,
    delta: FloatArray,
    t_max: int,
    *,
    window: int = 0,
    late: int = 0,
    only_hidden: bool = False,
    without_error: bool = False,
    whenever: bool = False,
    same_step: bool = False,
) -> dict[str, object]:
    """The counts, with one thing wrong for each argument that is not the default."""

    def additions(end: int) -> int:
        spikes = [int(np.count_nonzero(layer < end)) for layer in (times, hidden)]
        return spikes[0] * len(hidden) + (0 if only_hidden else spikes[1] * len(outputs))

    taught = np.ones_like(delta, dtype=np.bool_) if without_error else delta != 0
    heard = arrived(hidden, outputs + 1 if same_step else outputs)
    if whenever:
        heard[:] = hidden < t_max
    return {
        "whole": additions(t_max + window),
        "stopped": additions(min(outputs) + late),
        "update": np.count_nonzero(heard & taught[:, None]),
    }


def _steps_of_training(rng: np.random.Generator) -> Iterator[Arguments]:
    """Images with and without an error, and some on which no output fires."""
    for number in range(10_000):
        t_max = int(rng.integers(3, 12))
        sizes = rng.integers(1, 4 + number // 60, size=2)
        times, hidden = (rng.integers(0, t_max + 1, size=n) for n in sizes)
        outputs = rng.integers(1, t_max + 1, size=int(rng.integers(2, 4)))
        if rng.random() < 0.1:
            outputs[:] = t_max
        delta = rng.choice([-1.0, -0.5, 0.0, 0.0, 0.5], size=outputs.size)
        yield times, hidden, outputs, delta, t_max


COUNTS = Task(
    key="10.4",
    title="Count what may be left out",
    function="my_counts",
    points=4,
    stars=3,
    minutes=18,
    reference=counts,
    inputs=_steps_of_training,
    misconceptions=(
        Misconception(
            partial(_counts, late=1),
            "You go on through the step of the first output spike: that neuron crossed one step "
            "before, and what comes with its spike is too late.",
        ),
        Misconception(
            partial(_counts, late=-1),
            "You stop a step too soon: what arrives in the step of the crossing makes the "
            "crossing.",
        ),
        Misconception(
            partial(_counts, window=1),
            "You let silent neurons send spikes at t_max: they send none.",
        ),
        Misconception(
            partial(_counts, only_hidden=True),
            "You count the additions of the hidden layer alone: its spikes are added to the "
            "potentials of the outputs.",
        ),
        Misconception(
            partial(_counts, without_error=True),
            "You update outputs whose delta is 0: their weights would move by nothing.",
        ),
        Misconception(
            partial(_counts, whenever=True),
            "You update the weights of all hidden neurons that fire: a spike that came after the "
            "output's own had no part in it.",
        ),
        Misconception(
            partial(_counts, same_step=True),
            "You update weights of spikes in the very step of the output's own spike, and of "
            "silent neurons: whoever took part was earlier, so < and not <=.",
        ),
    ),
)


# 10.5, how narrow --------------------------------------------------------------------------------


def width(n_in: int) -> dict[str, object]:
    """Bits that a sum of signs needs, and why that is known; the right answer of 10.5."""
    return _width(n_in)


def _width(
    n_in: int,
    *,
    fits: Callable[[int, int], bool] = lambda n, bits: n <= np.iinfo(f"int{bits}").max,
    register: int = 256,
    because: str = "a",
) -> dict[str, object]:
    bits = next(bits for bits in (8, 16, 32) if fits(n_in, bits))
    return {"bits": bits, "lanes": register // bits, "because": because}


def _sizes(rng: np.random.Generator) -> Iterator[Arguments]:
    """Numbers of inputs, many of them beside the ends of a type."""
    for number in range(10_000):
        if number % 3:
            yield (int(rng.choice([128, 256, 32_768, 65_536])) + int(rng.integers(-2, 3)),)
        else:
            yield (int(rng.integers(1, 1000)),)


WIDTH = Task(
    key="10.5",
    title="Explain how narrow",
    function="my_width",
    points=3,
    stars=2,
    minutes=10,
    reference=width,
    inputs=_sizes,
    misconceptions=(
        Misconception(
            partial(_width, fits=lambda n, bits: n < 2**bits),
            "You use all bits for the number: one of them is the sign, so 8 bits end at 127 and 16 "
            "at 32,767.",
        ),
        Misconception(
            partial(_width, fits=lambda n, bits: n <= 2 ** (bits - 1)),
            "128 in 8 bits reads -128: there is a place less for positive numbers than for "
            "negative ones.",
        ),
        Misconception(
            partial(_width, fits=lambda n, bits: bits == 16 or (bits == 32 and n > 32_767)),
            "You never use 8 bits: a layer with up to 127 inputs does not need more.",
        ),
        Misconception(
            partial(_width, fits=lambda n, bits: bits == 8),
            "You always use 8 bits: the sign fits, but a sum of many signs does not.",
        ),
        Misconception(
            partial(_width, register=256 // 8),
            "Your lanes are too few by a factor of 8: the register has 256 bits, which are 32 "
            "bytes, and the width is in bits, too.",
        ),
        Misconception(
            partial(_width, because="b"),
            "The width is right, the reason is not: a real weight may be as small as one likes, "
            "and its sums need floats all the same.",
        ),
        Misconception(
            partial(_width, because="c"),
            "The width is right, the reason is not: a neuron may hear all its inputs, however few "
            "spikes there mostly are.",
        ),
    ),
)


# 10.6, equal or nearly ---------------------------------------------------------------------------


def comparison(expected: IntArray, fast: IntArray) -> dict[str, object]:
    """How far two kernels differ, and what to test; the right answer of 10.6."""
    return _comparison(expected, fast)


def _comparison(
    expected: IntArray,
    fast: IntArray,
    *,
    tolerance: int = 0,
    cancel: bool = False,
    by_image: bool = False,
    winners: Callable[[IntArray], IntArray] = lambda times: times.argmin(axis=1),
    because: str = "c",
) -> dict[str, object]:
    """The counts, with one thing wrong for each argument that is not the default."""
    differs = np.abs(fast - expected) > tolerance
    times = np.count_nonzero(differs.any(axis=1) if by_image else differs)
    decided = np.count_nonzero(winners(expected) != winners(fast))
    return {
        "times": abs(int((fast - expected).sum())) if cancel else times,
        "decisions": decided,
        "because": because,
    }


def _two_kernels(rng: np.random.Generator) -> Iterator[Arguments]:
    """Output spike times of two kernels, a few of them moved."""
    for number in range(10_000):
        shape = int(rng.integers(1, 3 + number // 40)), int(rng.integers(2, 5))
        expected = rng.integers(1, 9, size=shape)
        moved = rng.integers(-2, 3, size=shape) * (rng.random(shape) < rng.choice([0.0, 0.3]))
        yield expected, (expected + moved).clip(1, 8)


COMPARISON = Task(
    key="10.6",
    title="Explain a test of equality",
    function="my_comparison",
    points=3,
    stars=2,
    minutes=12,
    reference=comparison,
    inputs=_two_kernels,
    misconceptions=(
        Misconception(
            partial(_comparison, tolerance=1),
            "You let a spike be off by one step: times are whole numbers, and a shortcut that is "
            "right moves none of them.",
        ),
        Misconception(
            partial(_comparison, cancel=True),
            "You add up the differences: one spike that is early and one that is late cancel each "
            "other.",
        ),
        Misconception(
            partial(_comparison, by_image=True),
            "You count images for `times`: several spike times of one image may differ, and each "
            "counts.",
        ),
        Misconception(
            partial(_comparison, winners=lambda times: times.min(axis=1)),
            "For `decisions` you compare the times of the first spikes: compare which neuron it "
            "is, the lower index where several are first.",
        ),
        Misconception(
            partial(
                _comparison,
                winners=lambda times: times.shape[1] - 1 - times[:, ::-1].argmin(axis=1),
            ),
            "Where several neurons are first you take the last of them: the lower index wins.",
        ),
        Misconception(
            partial(_comparison, because="a"),
            "The counts are right, the reason is not: both are whole numbers, and neither takes "
            "long to compare.",
        ),
        Misconception(
            partial(_comparison, because="b"),
            "The counts are right, the reason is not: a decision that differs comes from a spike "
            "time that differs.",
        ),
    ),
)


TASKS = (
    EVENTS,
    SPEED_UP,
    POTENTIALS,
    COUNTS,
    WIDTH,
    COMPARISON,
    OpenTask("10.7", "Faster, and the same", points=4, stars=3, minutes=30),
)
