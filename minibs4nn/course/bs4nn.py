"""Exercises of chapter 08: learning with one bit, and comparing what came of it."""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import count

import numpy as np

from minibs4nn._checks import AnyArray, FloatArray, IntArray
from minibs4nn.analysis import confusion_matrix
from minibs4nn.backward import update_weights
from minibs4nn.binary import scale_gradient, sign, sign_threshold
from minibs4nn.course.judging import Misconception, OpenTask, Task
from minibs4nn.course.values import Arguments
from minibs4nn.forward import decide, layer_spike_times, published_correct
from minibs4nn.rules import BS4NN_PUBLISHED
from minibs4nn.targets import normalise, relative_targets, time_error

__all__ = ["TASKS", "confusion", "gap", "prediction", "report", "step"]


def _no_arguments(rng: np.random.Generator) -> Iterator[Arguments]:
    yield ()


# 08.1, a step of learning ------------------------------------------------------------------------


def step(
    times: IntArray, label: int, latent: FloatArray, scale: float, threshold: float, t_max: int
) -> dict[str, object]:
    """Latent weights and scale of one layer after one image; the right answer of 08.1."""
    return _step(times, label, latent, scale, threshold, t_max)


def _step(
    times: IntArray,
    label: int,
    latent: FloatArray,
    scale: float,
    threshold: float,
    t_max: int,
    *,
    sign_of: Callable[[FloatArray], AnyArray] = sign,
    divided: bool = True,
    all_silent: str = "ignore",
    direction: Callable[[FloatArray], FloatArray] = normalise,
    towards: float = 1.0,
    all_inputs: bool = False,
    moves_signs: bool = False,
    mean: bool = True,
    scale_towards: float = 1.0,
) -> dict[str, object]:
    """The step, with one thing wrong for each argument that is not the default."""
    rule = BS4NN_PUBLISHED
    limit = sign_threshold(threshold, scale) if divided else threshold
    spikes, sums = layer_spike_times(times[None], sign_of(latent), limit, t_max=t_max)
    targets = relative_targets(
        spikes, [label], gamma=rule.gamma, t_max=t_max, all_silent=all_silent
    )
    delta = direction(time_error(spikes, targets, t_max=t_max))[0]
    new = sign(latent).astype(np.float64) if moves_signs else latent.copy()
    heard = np.full_like(times, -1) if all_inputs else times
    update_weights(new, delta, heard, spikes[0], learning_rate=towards * rule.learning_rate)
    slope = scale_gradient(delta, sums[0], times.size) * (1 if mean else latent.size)
    return {"latent": new, "scale": scale - scale_towards * rule.scale_learning_rate * slope}


def _images(rng: np.random.Generator) -> Iterator[Arguments]:
    """Small layers with latent weights on both sides of zero and on it, and with silence."""
    for number in range(120):  # each takes a while
        t_max = int(rng.integers(3, 9))
        n_in, n_out = int(rng.integers(1, 5 + number // 30)), int(rng.integers(2, 4))
        times = rng.integers(0, t_max + 1, size=n_in)
        latent = rng.integers(-3, 6, size=(n_out, n_in)) / 2
        scale, threshold = float(rng.choice([0.5, 1.0, 2.0, 2.5])), int(rng.integers(0, 4))
        yield times, int(rng.integers(0, n_out)), latent, scale, float(threshold), t_max


STEP = Task(
    key="08.1",
    title="A step of BS4NN",
    function="my_step",
    points=5,
    stars=3,
    minutes=20,
    reference=step,
    inputs=_images,
    misconceptions=(
        Misconception(
            partial(_step, sign_of=lambda latent: latent),
            "You run the layer on its latent weights, as S4NN would: it runs on their signs.",
        ),
        Misconception(
            partial(_step, sign_of=np.sign),
            "np.sign says 0 for a latent weight of 0: one bit has no room for a zero, and sign(0) "
            "is +1.",
        ),
        Misconception(
            partial(_step, divided=False),
            "You compare sums of signs with the threshold itself: it is scale * sum that has to "
            "exceed it, so the sum has to exceed threshold / scale.",
        ),
        Misconception(
            partial(_step, all_silent="teach"),
            "An image on which no output fires teaches your layer: under the rule of BS4NN it "
            "changes nothing.",
        ),
        Misconception(
            partial(_step, direction=lambda error: error),
            "You use the errors as they are: they are divided by their length first.",
        ),
        Misconception(
            partial(_step, towards=-1.0),
            "Your weights go the wrong way: a positive delta asks for a later spike, so the "
            "weights are made smaller, and it takes a minus.",
        ),
        Misconception(
            partial(_step, all_inputs=True),
            "You change the weights of all inputs: only those whose spike had arrived before the "
            "neuron's own had a part in it.",
        ),
        Misconception(
            partial(_step, moves_signs=True),
            "You move the signs: the latent weights collect the steps, and the signs follow when "
            "one of them crosses zero.",
        ),
        Misconception(
            partial(_step, mean=False),
            "You move the scale by the sum over its synapses: the published rule takes the mean.",
        ),
        Misconception(
            partial(_step, scale_towards=-1.0),
            "Your scale goes the wrong way: like a weight it goes against its slope.",
        ),
    ),
)


# 08.2, when a scale matters, by hand -------------------------------------------------------------


def prediction() -> dict[str, int]:
    """Limit, sum and steps of a layer with the threshold 20 and the scale 3; answer of 08.2."""
    scale, threshold = 6_000, 40_000  # in steps of 0.0005, so that all numbers are whole
    limit = threshold // scale
    steps = next(k for k in count() if 5 * (scale + k) > threshold)
    return {"limit": limit, "needs": limit + 1, "steps": steps}


PREDICTION = Task(
    key="08.2",
    title="Predict when a scale matters",
    function="my_prediction",
    points=2,
    stars=1,
    minutes=8,
    reference=prediction,
    inputs=_no_arguments,
    misconceptions=(
        Misconception(
            lambda: {**prediction(), "steps": 2000},
            "After 2,000 steps the scale is 4, and 4 * 5 is 20: it has to exceed 20.",
        ),
        Misconception(
            lambda: {**prediction(), "steps": 667},
            "After 667 steps a sum of 6 is enough: the neuron has a sum of 5.",
        ),
        Misconception(
            lambda: {**prediction(), "steps": 21},
            "A step is mu times the slope: the scale grows by 0.0005 for each image, not by 0.05.",
        ),
        Misconception(
            lambda: {**prediction(), "limit": 7, "needs": 8},
            "20 / 3 is 6.67, and you rounded it to 7: a sum of 7 gives 21, which exceeds 20.",
        ),
        Misconception(
            lambda: {**prediction(), "needs": 6},
            "A sum of 6 gives 18: a sum has to exceed the limit, not to reach it.",
        ),
    ),
)


# 08.3, a report to repair ------------------------------------------------------------------------


def report(validation: FloatArray, test: FloatArray) -> dict[str, float]:
    """Mean and spread over the seeds, each at its epoch; the right answer of 08.3."""
    return _report(_chosen(test, validation.argmax(axis=1)))


def _chosen(accuracy: FloatArray, epochs: IntArray) -> FloatArray:
    found: FloatArray = accuracy[np.arange(len(accuracy)), epochs]
    return found


def _report(seeds: FloatArray) -> dict[str, float]:
    return {"accuracy": float(seeds.mean()), "spread": float(np.ptp(seeds))}


def _faulty_report(validation: FloatArray, test: FloatArray) -> dict[str, float]:
    best = test.max(axis=1)
    return {"accuracy": float(best.max()), "spread": float(best.std())}


def _runs(rng: np.random.Generator) -> Iterator[Arguments]:
    """Histories of some seeds, with epochs that are equally good."""
    for number in range(10_000):
        shape = int(rng.integers(2, 5)), int(rng.integers(2, 5 + number // 40))
        validation, test = rng.integers(90, 98, size=(2, *shape)) / 100
        yield validation, test


REPORT = Task(
    key="08.3",
    title="Repair a report",
    function="my_report",
    points=3,
    stars=2,
    minutes=10,
    reference=report,
    inputs=_runs,
    misconceptions=(
        Misconception(
            _faulty_report,
            "All three faults are still there: which epoch is taken, which seed, and what is said "
            "about how far the seeds differ?",
        ),
        Misconception(
            lambda validation, test: _report(test.max(axis=1)),
            "You choose the epoch on the test set: the best of many looks at it is too good. The "
            "validation accuracy chooses, and the test set is looked at in that epoch alone.",
        ),
        Misconception(
            lambda validation, test: {
                **report(validation, test),
                "accuracy": float(_chosen(test, validation.argmax(axis=1)).max()),
            },
            "You report the best seed: a seed is chance, so the mean over the seeds stands for the "
            "network.",
        ),
        Misconception(
            lambda validation, test: {
                **report(validation, test),
                "spread": float(_chosen(test, validation.argmax(axis=1)).std()),
            },
            "Your spread is the standard deviation: in the tables of the chapter it is the best "
            "seed less the worst.",
        ),
        Misconception(
            lambda validation, test: _report(test[:, -1]),
            "You take the last epoch: take the one in which the validation accuracy was best.",
        ),
        Misconception(
            lambda validation, test: _report(
                _chosen(test, validation.shape[1] - 1 - validation[:, ::-1].argmax(axis=1))
            ),
            "Where several epochs are equally good you take the last of them: take the first.",
        ),
        Misconception(
            lambda validation, test: _report(test[:, validation.mean(axis=0).argmax()]),
            "You choose one epoch for all seeds: each seed is a training of its own, and has its "
            "own best epoch.",
        ),
        Misconception(
            lambda validation, test: _report(validation.max(axis=1)),
            "You report the validation accuracy: it chose the epoch, so it is too good. Report the "
            "test accuracy in that epoch.",
        ),
    ),
)


# 08.4, who is taken for whom ---------------------------------------------------------------------


def confusion(
    spike_times: IntArray, potential: IntArray, labels: IntArray, t_max: int
) -> list[list[int]]:
    """Images of each class, by what the network says; the right answer of 08.4."""
    return _confusion(spike_times, potential, labels, t_max)


def _confusion(
    spike_times: IntArray,
    potential: IntArray,
    labels: IntArray,
    t_max: int,
    *,
    rule: str = "first-spike",
    transposed: bool = False,
    skip_silent: bool = False,
) -> list[list[int]]:
    seen = (spike_times < t_max).any(axis=1) | (not skip_silent)
    said = decide(spike_times, potential, rule=rule, t_max=t_max)
    matrix = confusion_matrix(labels[seen], said[seen], n_classes=spike_times.shape[1])
    counts: list[list[int]] = (matrix.T if transposed else matrix).tolist()
    return counts


def _every_tie(
    spike_times: IntArray, potential: IntArray, labels: IntArray, t_max: int
) -> list[list[int]]:
    counts = np.zeros((spike_times.shape[1],) * 2, dtype=np.int64)
    for row, label in zip(spike_times, labels, strict=True):
        counts[label, row == row.min()] += 1
    matrix: list[list[int]] = counts.tolist()
    return matrix


def _shares(
    spike_times: IntArray, potential: IntArray, labels: IntArray, t_max: int
) -> list[list[float]]:
    counts = np.array(_confusion(spike_times, potential, labels, t_max))
    shares: list[list[float]] = (counts / counts.sum(axis=1, keepdims=True).clip(1)).tolist()
    return shares


def _argmin_alone(
    spike_times: IntArray, potential: IntArray, labels: IntArray, t_max: int
) -> list[list[int]]:
    nothing = np.zeros_like(potential)
    return _confusion(spike_times, nothing, labels, t_max)


def _judged(rng: np.random.Generator) -> Iterator[Arguments]:
    """Output layers with labels, ties and silence."""
    for number in range(10_000):
        t_max = int(rng.integers(3, 7))
        shape = int(rng.integers(1, 4 + number // 40)), int(rng.integers(2, 5))
        times = rng.integers(1, t_max + 1, size=shape)
        times[rng.random(shape[0]) < 0.2] = t_max
        labels = rng.integers(0, shape[1], size=shape[0])
        yield times, rng.integers(-2, 6, size=shape), labels, t_max


CONFUSION = Task(
    key="08.4",
    title="Who is taken for whom",
    function="my_confusion",
    points=3,
    stars=2,
    minutes=10,
    reference=confusion,
    inputs=_judged,
    misconceptions=(
        Misconception(
            partial(_confusion, transposed=True),
            "Rows and columns are exchanged: the row is the label, the column what the network "
            "says.",
        ),
        Misconception(
            _argmin_alone,
            "You decide by the smallest time alone: ties, and images on which all outputs are "
            "silent, are decided by the largest potential.",
        ),
        Misconception(
            partial(_confusion, rule="lowest-index"),
            "You break a tie by the lower index: of several neurons that fire first, the one with "
            "the largest potential wins.",
        ),
        Misconception(
            partial(_confusion, rule="potential"),
            "You decide by the largest potential: the earliest spike decides, and the potential "
            "only breaks ties.",
        ),
        Misconception(
            _every_tie,
            "You enter a tied image once for each neuron that is first: an image is in the matrix "
            "once, under the one class that the network names.",
        ),
        Misconception(
            partial(_confusion, skip_silent=True),
            "You leave out images on which all outputs are silent: strict counting gives every "
            "image a class, there by the largest potential.",
        ),
        Misconception(
            _shares,
            "You give shares of each row: numbers of images are asked for.",
        ),
    ),
    uses=("analysis.confusion_matrix",),
)


# 08.5, a gap between two networks ----------------------------------------------------------------


def gap(
    spike_times: IntArray, potential: IntArray, sums: IntArray, labels: IntArray, t_max: int
) -> dict[str, object]:
    """How far the plain network is ahead, and why it depends; the right answer of 08.5."""
    return _gap(spike_times, potential, sums, labels, t_max)


def _gap(
    spike_times: IntArray,
    potential: IntArray,
    sums: IntArray,
    labels: IntArray,
    t_max: int,
    *,
    rule: str = "first-spike",
    ahead: float = 1.0,
    of: int | None = None,
    exchanged: bool = False,
    because: str = "c",
) -> dict[str, object]:
    plain = np.count_nonzero(sums.argmax(axis=1) == labels)
    said = decide(spike_times, potential, rule=rule, t_max=t_max)
    strict = plain - np.count_nonzero(said == labels)
    credited = published_correct(spike_times, potential, labels, t_max=t_max)
    published = plain - np.count_nonzero(credited)
    if exchanged:
        strict, published = published, strict
    n = len(labels) if of is None else of
    return {"strict": ahead * strict / n, "published": ahead * published / n, "because": because}


def _two_networks(rng: np.random.Generator) -> Iterator[Arguments]:
    """Images on which some output fires, judged by two networks, the plain one without ties."""
    for times, potential, labels, t_max in _judged(rng):
        n, n_classes = times.shape
        times[np.arange(n), rng.integers(0, n_classes, size=n)] -= 1
        sums = rng.permuted(np.tile(np.arange(n_classes), (n, 1)), axis=1)
        yield times, potential, sums, labels, t_max


GAP = Task(
    key="08.5",
    title="Explain a gap",
    function="my_gap",
    points=3,
    stars=2,
    minutes=12,
    reference=gap,
    inputs=_two_networks,
    misconceptions=(
        Misconception(
            partial(_gap, ahead=-1.0),
            "Your gaps have the other sign: they are positive where the plain network is ahead.",
        ),
        Misconception(
            partial(_gap, exchanged=True),
            "You have the two exchanged: the published counter credits ties to the spiking "
            "network, so its gap can only be the smaller one.",
        ),
        Misconception(
            partial(_gap, rule="lowest-index"),
            "In your strict count a tie goes to the lower index: it goes to the largest potential.",
        ),
        Misconception(
            partial(_gap, rule="unique"),
            "In your strict count a tie is no answer: the rule `first-spike` names one class, by "
            "the largest potential.",
        ),
        Misconception(
            partial(_gap, of=1),
            "You give numbers of images: a share is divided by how many images there are.",
        ),
        Misconception(
            partial(_gap, because="a"),
            "The gaps are right, the reason is not: the times are the same for both counters, and "
            "so is the network.",
        ),
        Misconception(
            partial(_gap, because="b"),
            "The gaps are right, the reason is not: on each of these images some output fires.",
        ),
    ),
    uses=("published_correct",),
)


TASKS = (
    STEP,
    PREDICTION,
    REPORT,
    CONFUSION,
    GAP,
    OpenTask("08.6", "A fair comparison", points=4, stars=3, minutes=30),
)
