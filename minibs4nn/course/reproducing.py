"""Exercises of chapter 12: reproducing the papers."""

import operator
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from minibs4nn._checks import AnyArray, FloatArray, IntArray
from minibs4nn.analysis import firing_time_matrix, jitter, spikes_by_decision
from minibs4nn.course.judging import Misconception, OpenTask, Task
from minibs4nn.course.values import Arguments
from minibs4nn.forward import decide, published_correct

__all__ = ["TASKS", "firing_times", "interval", "shaking", "spikes_before", "three_thresholds"]


def _no_arguments(rng: np.random.Generator) -> Iterator[Arguments]:
    yield ()


# 12.1, the firing-time matrix --------------------------------------------------------------------


def firing_times(spike_times: IntArray, labels: IntArray, t_max: int) -> FloatArray:
    """Mean firing times, class by neuron; the right answer of 12.1."""
    return firing_time_matrix(spike_times, labels, t_max=t_max)


def _mean(times: IntArray) -> float:
    return float(times.mean())


def _matrix(
    spike_times: IntArray,
    labels: IntArray,
    t_max: int,
    *,
    of: Callable[[IntArray], float] = _mean,
    rows: IntArray | None = None,
    empty: float = np.nan,
) -> FloatArray:
    """The matrix, with one thing wrong for each argument that is not the default."""
    n_classes = spike_times.shape[1]
    matrix = np.full((n_classes, n_classes), empty)
    shown = labels if rows is None else rows
    for label in set(shown.tolist()):
        for j in range(n_classes):
            matrix[label, j] = of(spike_times[shown == label, j])
    return matrix


def _without_silence(spike_times: IntArray, labels: IntArray, t_max: int) -> FloatArray:
    def of(times: IntArray) -> float:
        fired = times[times < t_max]
        return float(fired.mean()) if fired.size else float(t_max)

    return _matrix(spike_times, labels, t_max, of=of)


def _judged_outputs(rng: np.random.Generator) -> Iterator[Arguments]:
    """Output layers with silence, and with classes of which there is no image."""
    for number in range(10_000):
        t_max = int(rng.integers(4, 16))
        n_classes = int(rng.integers(2, 4 + number // 200))
        n = int(rng.integers(1, 4 + number // 30))
        times = rng.integers(1, t_max + 1, size=(n, n_classes))
        times[rng.random(times.shape) < 0.2] = t_max
        yield times, rng.integers(0, n_classes, size=n), t_max


FIRING_TIMES = Task(
    key="12.1",
    title="A firing-time matrix",
    function="my_firing_times",
    points=3,
    stars=2,
    minutes=12,
    reference=firing_times,
    inputs=_judged_outputs,
    misconceptions=(
        Misconception(
            lambda spike_times, labels, t_max: firing_times(spike_times, labels, t_max).T,
            "Your matrix lies on its side: a row is the class that an image shows, a column is an "
            "output neuron.",
        ),
        Misconception(
            _without_silence,
            "You leave silent neurons out of the mean: silence counts as t_max, or a neuron that "
            "fires once in a hundred images would look early.",
        ),
        Misconception(
            lambda spike_times, labels, t_max: _matrix(
                spike_times, labels, t_max, of=lambda times: times.sum() / len(labels)
            ),
            "You divide by the number of all images: the mean of a row is taken over the images "
            "of its class.",
        ),
        Misconception(
            partial(_matrix, of=lambda times: float(np.median(times))),
            "You take the median: the entries are means.",
        ),
        Misconception(
            partial(_matrix, of=lambda times: int(times.sum()) // len(times)),
            "You round the mean down: a mean of time steps need not be a whole number.",
        ),
        Misconception(
            lambda spike_times, labels, t_max: _matrix(
                spike_times, labels, t_max, rows=spike_times.argmin(axis=1)
            ),
            "Your rows are the neurons that fired first: a row is the class that the image shows, "
            "whatever the network makes of it.",
        ),
        Misconception(
            partial(_matrix, empty=0.0),
            "You leave 0 in the row of a class without images, and 0 is a time, the earliest of "
            "all: there is no mean to give, and the row is NaN.",
        ),
    ),
    uses=("analysis.firing_time_matrix",),
)


# 12.2, spikes before the decision, to repair -----------------------------------------------------


def spikes_before(hidden: IntArray, outputs: IntArray, t_max: int) -> AnyArray:
    """Spikes of two layers up to the decision; the right answer of 12.2."""
    counts: AnyArray = spikes_by_decision([hidden, outputs], t_max=t_max)
    return counts


def _before(
    hidden: IntArray,
    outputs: IntArray,
    t_max: int,
    *,
    of_all: bool = False,
    with_silent: bool = False,
    until: Callable[[IntArray, IntArray], AnyArray] = operator.le,
    nobody: bool = False,
) -> AnyArray:
    """The counts, with one thing wrong for each argument that is not the default."""
    first = outputs.min(axis=None if of_all else 1, keepdims=True)
    layers = []
    for times in (hidden, outputs):
        counted = until(times, first) & ((times < t_max) | with_silent)
        layers.append((counted & ~(nobody & (first == t_max))).sum(axis=1))
    return np.stack(layers, axis=1)


def _two_layers(rng: np.random.Generator) -> Iterator[Arguments]:
    """Hidden and output layers with ties and silence; on some images no output fires."""
    for number in range(10_000):
        t_max, n = int(rng.integers(3, 10)), int(rng.integers(1, 3 + number // 60))
        hidden = rng.integers(0, t_max + 1, size=(n, int(rng.integers(1, 4 + number // 60))))
        outputs = rng.integers(1, t_max + 1, size=(n, int(rng.integers(1, 4))))
        outputs[rng.random(n) < 0.2] = t_max
        yield hidden, outputs, t_max


SPIKES_BEFORE = Task(
    key="12.2",
    title="Repair a count of spikes",
    function="my_spikes",
    points=3,
    stars=2,
    minutes=10,
    reference=spikes_before,
    inputs=_two_layers,
    misconceptions=(
        Misconception(
            partial(_before, of_all=True, with_silent=True),
            "Both faults are still there: look at two images that decide at different steps, and "
            "at one on which no output fires.",
        ),
        Misconception(
            partial(_before, with_silent=True),
            "Each image has its own decision now, but where no output fires you still count "
            "silent neurons: t_max <= t_max.",
        ),
        Misconception(
            partial(_before, of_all=True),
            "Silent neurons are out now, but all images still share the earliest decision of any "
            "of them: outputs.min() needs an axis.",
        ),
        Misconception(
            partial(_before, until=operator.lt),
            "You stop before the step of the decision: the spike that decides is counted, and "
            "what comes in the same step.",
        ),
        Misconception(
            partial(_before, nobody=True),
            "Where no output fires you count nothing: the network waits to the end of the window, "
            "and every spike counts.",
        ),
    ),
    uses=("analysis.spikes_by_decision",),
)


# 12.3, three thresholds by hand ------------------------------------------------------------------

# Potentials of three output neurons, step by step, on two images; labels 1 and 2.
STAIRCASES = (
    ((0, 2, 2, 4, 5, 5, 7, 7), (0, 2, 3, 6, 6, 6, 8, 8), (0, 2, 3, 3, 4, 4, 4, 4)),
    ((1, 3, 5, 5, 6, 8, 8, 9), (0, 2, 2, 2, 3, 3, 5, 5), (1, 2, 6, 6, 6, 6, 7, 7)),
)
STAIRCASE_LABELS = (1, 2)


def three_thresholds() -> dict[str, list[int]]:
    """How many images are right, tied and silent at three thresholds; the answer of 12.3."""
    return _at_thresholds()


def _at_thresholds(
    *, rule: str = "first-spike", exceeds: Callable[[AnyArray, int], AnyArray] = operator.gt
) -> dict[str, list[int]]:
    potentials, labels, t_max = np.array(STAIRCASES), np.array(STAIRCASE_LABELS), 8
    counts: dict[str, list[int]] = {"strict": [], "published": [], "tied": [], "silent": []}
    for threshold in (1, 4, 9):
        above = exceeds(potentials, threshold)
        crossing = np.where(above.any(axis=2), above.argmax(axis=2), t_max - 1)
        times = np.minimum(crossing + 1, t_max)
        at_crossing = np.take_along_axis(potentials, crossing[..., None], axis=2)[..., 0]
        first = times.min(axis=1)
        said = decide(times, at_crossing, rule=rule, t_max=t_max)
        late = potentials[..., t_max - 3]
        alike = (times == first[:, None]).sum(axis=1)
        for name, images in (
            ("strict", said == labels),
            ("published", published_correct(times, late, labels, t_max=t_max)),
            ("tied", (alike > 1) & (first < t_max)),
            ("silent", first == t_max),
        ):
            counts[name].append(int(images.sum()))
    return counts


THRESHOLDS = Task(
    key="12.3",
    title="Predict what a threshold does",
    function="my_counts",
    points=3,
    stars=2,
    minutes=12,
    reference=three_thresholds,
    inputs=_no_arguments,
    misconceptions=(
        Misconception(
            lambda: {**three_thresholds(), "published": three_thresholds()["strict"]},
            "You let both counters say the same: the published one credits a tie that includes "
            "the label's neuron, whoever is higher.",
        ),
        Misconception(
            lambda: {**three_thresholds(), "strict": three_thresholds()["published"]},
            "You credit ties strictly: with threshold 1 all three neurons come together, and the "
            "largest potential wins, or the lower number.",
        ),
        Misconception(
            partial(_at_thresholds, rule="lowest-index"),
            "You break every tie by the lower number: the larger potential comes first. Look at "
            "the second image with threshold 4.",
        ),
        Misconception(
            partial(_at_thresholds, exceeds=operator.ge),
            "You let a neuron fire when it reaches the threshold: it has to exceed it.",
        ),
        Misconception(
            lambda: {**three_thresholds(), "tied": [2, 1, 2]},
            "You count silence as a tie: two neurons are tied if they fire together, and with "
            "threshold 9 nobody fires.",
        ),
        Misconception(
            lambda: {**three_thresholds(), "strict": [0, 2, 0], "published": [2, 2, 0]},
            "You call every silent image wrong: where nobody fires, the largest potential decides.",
        ),
    ),
    uses=("decide", "published_correct", "simulate_neuron"),
)


# 12.4, an interval over seeds --------------------------------------------------------------------


def interval(accuracies: FloatArray, claimed: float, t: float) -> dict[str, object]:
    """Mean and interval over seeds, and what they say of a claim; the right answer of 12.4."""
    return _interval(accuracies, claimed, t)


def _interval(
    accuracies: FloatArray,
    claimed: float,
    t: float,
    *,
    ddof: int = 1,
    power: float = 0.5,
    factor: bool = True,
    spread: bool = False,
    letters: tuple[str, str, str] = ("a", "b", "c"),
) -> dict[str, object]:
    """The interval, with one thing wrong for each argument that is not the default."""
    n, mean = len(accuracies), float(accuracies.mean())
    half = (t if factor else 1.0) * float(accuracies.std(ddof=ddof)) / n**power
    low, high = mean - half, mean + half
    if spread:
        low, high = float(accuracies.min()), float(accuracies.max())
    below, within, above = letters
    says = below if claimed > high else above if claimed < low else within
    return {"mean": mean, "low": low, "high": high, "says": says}


# Student's t for an interval of 95 %, by the number of seeds.
STUDENT = {2: 12.706, 3: 4.303, 4: 3.182, 5: 2.776, 6: 2.571}


def _seeds(rng: np.random.Generator) -> Iterator[Arguments]:
    """Accuracies of two to six seeds, and claims below, within and above their interval."""
    for _ in range(10_000):
        n = int(rng.integers(2, 7))
        accuracies = np.round(rng.normal(0.95, 0.004, size=n), 4)
        claimed = round(float(accuracies.mean() + rng.normal(0, 0.01)), 4)
        yield accuracies, claimed, STUDENT[n]


INTERVAL = Task(
    key="12.4",
    title="Judge a claim",
    function="my_interval",
    points=4,
    stars=2,
    minutes=15,
    reference=interval,
    inputs=_seeds,
    misconceptions=(
        Misconception(
            partial(_interval, ddof=0),
            "You divide the squares by n: for the spread of few seeds around their own mean it is "
            "n - 1, which NumPy calls ddof=1.",
        ),
        Misconception(
            partial(_interval, power=0.0),
            "You leave out the root of n: that is the spread of single seeds, not that of their "
            "mean.",
        ),
        Misconception(
            partial(_interval, power=1.0),
            "You divide by n: the spread of a mean falls with the root of n.",
        ),
        Misconception(
            partial(_interval, factor=False),
            "You leave out t: with three seeds the spread itself is hardly known, and the interval "
            "has to be some four times as wide.",
        ),
        Misconception(
            partial(_interval, spread=True),
            "You give the lowest and the highest seed: that is what was seen, not where the mean "
            "of many more seeds may lie.",
        ),
        Misconception(
            partial(_interval, letters=("c", "b", "a")),
            "The numbers are right, the letter is not: a claim above the interval was not reached.",
        ),
        Misconception(
            partial(_interval, letters=("a", "b", "a")),
            "The numbers are right, the letter is not: a claim below the interval is exceeded, and "
            "not missed.",
        ),
    ),
)


# 12.5, numbers that explain ----------------------------------------------------------------------


def shaking(times: IntArray, shaken: IntArray, t_max: int) -> dict[str, object]:
    """What is left of the order of spikes, and the reason of 12.5."""
    return _shaking(times, shaken, t_max)


def _shaking(
    times: IntArray,
    shaken: IntArray,
    t_max: int,
    *,
    twice: bool = False,
    ties: bool = False,
    silent: bool = False,
    because: str = "c",
) -> dict[str, object]:
    ordered = times[:, None] < times
    still = shaken[:, None] <= shaken if ties else shaken[:, None] < shaken
    heard = (times < t_max) | silent
    both = heard[:, None] & heard
    together = (both & (times[:, None] == times)).sum() - heard.sum()
    times_counted = 2 if twice else 1
    return {
        "ordered": int((both & ordered).sum()) * times_counted,
        "kept": int((both & ordered & still).sum()) * times_counted,
        "together": int(together) // (1 if twice else 2),
        "because": because,
    }


def _shaken_images(rng: np.random.Generator) -> Iterator[Arguments]:
    """Few spikes before and after a jitter; some fire together, some inputs are silent."""
    for number in range(10_000):
        t_max = int(rng.integers(4, 13))
        levels = np.append(rng.integers(0, t_max, size=3), t_max)
        times = rng.choice(levels, size=int(rng.integers(2, 4 + number // 40)))
        yield times, jitter(times, int(rng.integers(1, 4)), rng, t_max=t_max).astype(int), t_max


SHAKING = Task(
    key="12.5",
    title="Explain what shaking leaves",
    function="my_shaking",
    points=3,
    stars=2,
    minutes=15,
    reference=shaking,
    inputs=_shaken_images,
    misconceptions=(
        Misconception(
            partial(_shaking, twice=True),
            "You count each pair twice, once from either side.",
        ),
        Misconception(
            partial(_shaking, ties=True),
            "You call a pair kept that fires together after the shaking: its order is lost.",
        ),
        Misconception(
            partial(_shaking, silent=True),
            "You count pairs with a silent input: it sends no spike, before or after.",
        ),
        Misconception(
            partial(_shaking, because="a"),
            "The counts are right, the reason is not: these are the spikes of the input, and no "
            "network, however trained, has touched them.",
        ),
        Misconception(
            partial(_shaking, because="b"),
            "The counts are right, the reason is not: only spikes near the ends of the window are "
            "held back, and pairs keep their order everywhere.",
        ),
    ),
)


TASKS = (
    FIRING_TIMES,
    SPIKES_BEFORE,
    THRESHOLDS,
    INTERVAL,
    SHAKING,
    OpenTask("12.6", "A claim of your own", points=4, stars=3, minutes=30),
)
