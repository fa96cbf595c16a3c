"""Exercises of chapter 06: an epoch, what it does to right answers, and what may be reported."""

import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

import numpy as np

from minibs4nn._checks import FloatArray, IntArray
from minibs4nn.backward import update_weights
from minibs4nn.course.judging import Misconception, OpenTask, Task
from minibs4nn.course.values import Arguments
from minibs4nn.datasets import mnist
from minibs4nn.forward import decide, layer_spike_times
from minibs4nn.kernels import backends
from minibs4nn.model import S4NN
from minibs4nn.rules import S4NN_PUBLISHED
from minibs4nn.targets import normalise, relative_targets, time_error

__all__ = [
    "TASKS",
    "choice",
    "diagnoses",
    "epoch",
    "report",
    "show_runs",
    "taught",
    "traced",
]


def _no_arguments(rng: np.random.Generator) -> Iterator[Arguments]:
    yield ()


# 06.1, an epoch ----------------------------------------------------------------------------------


def epoch(
    times: IntArray,
    labels: IntArray,
    weights: FloatArray,
    threshold: float,
    eta: float,
    gamma: int,
    t_max: int,
) -> FloatArray:
    """Weights of a network without a hidden layer after one epoch; the right answer of 06.1."""
    w = weights.copy()
    for t_in, label in zip(times, labels, strict=True):
        outputs = layer_spike_times(t_in[None], w, threshold, t_max=t_max)[0][0]
        wanted = relative_targets(outputs[None], [label], gamma=gamma, t_max=t_max)[0]
        delta = normalise(time_error(outputs, wanted, t_max=t_max))
        update_weights(w, delta, t_in, outputs, learning_rate=eta)
    return w


def _wrong_epoch(
    times: IntArray,
    labels: IntArray,
    weights: FloatArray,
    threshold: float,
    eta: float,
    gamma: int,
    t_max: int,
    *,
    batch: bool = False,
    skip: Callable[[list[int], int], bool] = lambda outputs, label: False,
    unit: bool = True,
    sign: int = 1,
    same_step: bool = False,
) -> FloatArray:
    """The epoch, with one thing wrong for each argument that is not the default."""
    w = weights.copy()
    for t_in, label in zip(times, labels, strict=True):
        potential = (weights if batch else w) @ (t_in[:, None] <= np.arange(t_max))
        above = potential > threshold
        outputs = np.where(above.any(axis=1), above.argmax(axis=1) + 1, t_max)
        if skip(outputs.tolist(), label):
            continue
        tau = outputs.min()
        delta = np.maximum(np.minimum(tau + gamma, t_max) - outputs, 0) / t_max
        delta[label] = ((tau if tau < t_max else t_max - gamma) - outputs[label]) / t_max
        length = np.sqrt((delta**2).sum())
        if unit and length > 0:
            delta = delta / length
        w -= sign * eta * delta[:, None] * (t_in < outputs[:, None] + same_step)
    return w


def _alone(outputs: list[int], label: int) -> bool:
    return outputs[label] == min(outputs) and outputs.count(min(outputs)) == 1


def _small_sets(rng: np.random.Generator) -> Iterator[Arguments]:
    """A few images and a layer that is near to telling them apart.

    The threshold is no sum of weights: two right ways to add cannot round to different spikes.
    """
    for number in range(50):
        t_max = int(rng.integers(4, 9))
        n, n_in = rng.integers(1, 3 + number // 12, size=2)
        n_out = int(rng.integers(2, 5))
        times = rng.integers(0, t_max + 1, size=(n, n_in))
        labels = rng.integers(0, n_out, size=n)
        weights = rng.integers(-1, 6, size=(n_out, n_in)).astype(float)
        threshold = float(rng.integers(1, 5)) + 0.25
        yield times, labels, weights, threshold, 1.0, int(rng.integers(1, 4)), t_max


EPOCH = Task(
    key="06.1",
    title="An epoch",
    function="my_epoch",
    points=4,
    stars=3,
    minutes=20,
    reference=epoch,
    inputs=_small_sets,
    misconceptions=(
        Misconception(
            partial(_wrong_epoch, batch=True),
            "You let all images see the weights of the start: in online learning an image sees "
            "what the images before it have changed.",
        ),
        Misconception(
            partial(_wrong_epoch, skip=lambda outputs, label: outputs.index(min(outputs)) == label),
            "You learn from wrong answers only: an image teaches whenever an output misses its "
            "target, also if the answer is right.",
        ),
        Misconception(
            partial(_wrong_epoch, skip=_alone),
            "You leave out images on which the label's neuron is first alone: if another neuron "
            "is too close behind it, the image teaches.",
        ),
        Misconception(
            partial(_wrong_epoch, skip=lambda outputs, label: outputs[label] == min(outputs)),
            "You leave out images on which the label's neuron is among the first: those that tie "
            "with it, or come too close behind it, miss their targets.",
        ),
        Misconception(
            partial(_wrong_epoch, unit=False),
            "You do not normalise: the errors of an image are divided by their length before they "
            "move a weight.",
        ),
        Misconception(
            partial(_wrong_epoch, sign=-1),
            "Your weights move the wrong way: a neuron with a positive error fired too early, and "
            "its weights have to fall.",
        ),
        Misconception(
            partial(_wrong_epoch, same_step=True),
            "You also move weights whose spike came in the step of the neuron's own spike: only "
            "spikes before it took part.",
        ),
    ),
    uses=("S4NN",),
)


# 06.2, a training by hand ------------------------------------------------------------------------

# The spike times of two pixels on three images, and the weights of two neurons at the start.
THREE_IMAGES = ((1, 4), (4, 1), (1, 1))
THREE_LABELS = (0, 1, 0)
FIRST_WEIGHTS = ((3, 5), (1, 7))


def traced() -> dict[str, object]:
    """Three epochs on three images; the right answer of 06.2."""
    return _traced(epoch)


def _traced(one_epoch: Callable[..., FloatArray]) -> dict[str, object]:
    """What an epoch of some kind does to the weights, and which images change them."""
    times, labels = np.array(THREE_IMAGES), np.array(THREE_LABELS)
    w = np.array(FIRST_WEIGHTS, dtype=float)
    updates, answers, after = [], [], []
    for _ in range(3):
        changes = 0
        said = []
        for n in range(3):
            spikes, potential = layer_spike_times(times[n : n + 1], w, 3.0, t_max=8)
            said.append(int(decide(spikes, potential, threshold=3.0, t_max=8)[0]))
            new = one_epoch(times[n : n + 1], labels[n : n + 1], w, 3.0, 1.0, 1, 8)
            changes += bool((new != w).any())
            w = new
        updates.append(changes)
        answers.append(said)
        after.append(w)
    lost = [
        name
        for name, first, second, label in zip("ABC", *answers[:2], THREE_LABELS, strict=True)
        if first == label != second
    ]
    return {"weights": after[0], "updates": updates, "lost": lost[0] if lost else ""}


TRACED = Task(
    key="06.2",
    title="Three epochs by hand",
    function="my_trace",
    points=4,
    stars=2,
    minutes=18,
    reference=traced,
    inputs=_no_arguments,
    misconceptions=(
        Misconception(
            lambda: {"weights": FIRST_WEIGHTS, "updates": [0, 0, 0], "lost": ""},
            "All three answers are right at first, and still each image teaches: the other neuron "
            "fires in the same step, and should come one later.",
        ),
        Misconception(
            partial(_traced, partial(_wrong_epoch, unit=False)),
            "You move the weights by the error itself: it is divided by its length first, so the "
            "step is a whole one however small the error.",
        ),
        Misconception(
            partial(_traced, partial(_wrong_epoch, sign=-1)),
            "Your weights move the wrong way: the neuron that should come later has to get smaller "
            "weights.",
        ),
        Misconception(
            lambda: {**traced(), "updates": [3, 1, 0]},
            "The weights of the first epoch are right, the second epoch is not: look at the tie on "
            "image A once more. One image was lost, but two teach.",
        ),
        Misconception(
            lambda: {**traced(), "lost": "A"},
            "On A the second epoch ends in a tie again, and the larger potential is that of its "
            "label: A stays right. Another image does not.",
        ),
    ),
)


# 06.3, an honest number --------------------------------------------------------------------------


def report(correct: IntArray) -> dict[str, float]:
    """Mean, spread and standard error of several seeds; the right answer of 06.3."""
    return _report(correct)


def _report(
    correct: IntArray,
    *,
    best: bool = False,
    deviation: bool = False,
    root: bool = True,
    answers: bool = False,
    of_seeds: bool = False,
) -> dict[str, float]:
    """The report, with one thing wrong for each argument that is not the default."""
    each = correct.mean(axis=1)
    p = float(each.max() if best else each.mean())
    n = correct.size if answers else correct.shape[1]
    error = p * (1 - p) / n
    return {
        "accuracy": p,
        "spread": float(each.std() if deviation else np.ptp(each)),
        "error": float(each.std()) if of_seeds else float(np.sqrt(error) if root else error),
    }


def _answers(rng: np.random.Generator) -> Iterator[Arguments]:
    """Right and wrong answers of several trainings on the same images."""
    for number in range(10_000):
        shape = int(rng.integers(2, 5)), int(rng.integers(2, 6 + number // 20))
        yield ((rng.random(shape) < rng.uniform(0.5, 1)).astype(np.int64),)


REPORT = Task(
    key="06.3",
    title="An honest number",
    function="my_report",
    points=3,
    stars=1,
    minutes=10,
    reference=report,
    inputs=_answers,
    misconceptions=(
        Misconception(
            partial(_report, best=True),
            "You report the best seed: the seed is not a setting, so report the mean.",
        ),
        Misconception(
            partial(_report, deviation=True),
            "Your spread is a standard deviation: the task asks for the highest accuracy minus the "
            "lowest.",
        ),
        Misconception(
            partial(_report, root=False),
            "You forgot the root: p (1 - p) / n is the square of the standard error.",
        ),
        Misconception(
            partial(_report, answers=True),
            "You divide by the number of all answers: the seeds were tried on the same images, and "
            "more seeds do not make more images.",
        ),
        Misconception(
            partial(_report, of_seeds=True),
            "Your standard error comes from the seeds: it is asked how far another sample of n "
            "images would move the accuracy.",
        ),
    ),
)


# 06.4, a choice to repair ------------------------------------------------------------------------


def choice(validation: FloatArray, test: FloatArray) -> dict[str, float]:
    """An epoch chosen on validation, and what a leak would show; the right answer of 06.4."""
    return _choice(validation, test)


def _choice(
    validation: FloatArray,
    test: FloatArray,
    *,
    first: int = 1,
    chosen: Callable[[FloatArray, FloatArray], int] = lambda validation, test: int(
        validation.argmax()
    ),
    where_chosen: bool = False,
    gap: bool = False,
) -> dict[str, float]:
    """The choice, with one thing wrong for each argument that is not the default."""
    k = chosen(validation, test)
    return {
        "epoch": k + first,
        "accuracy": float((validation if where_chosen else test)[k]),
        "flattery": float((validation[k] if gap else test.max()) - test[k]),
    }


def _curves(rng: np.random.Generator) -> Iterator[Arguments]:
    """Learning curves that rise and jitter, with equal best values now and then."""
    for number in range(10_000):
        n = int(rng.integers(2, 6 + number // 30))
        rise = 90 + 5 * (1 - np.exp(-np.arange(n)))
        jitter = rng.integers(-3, 4, size=(2, n)) / 2
        validation, test = np.round(2 * (rise + jitter)) / 200
        yield validation, test


CHOICE = Task(
    key="06.4",
    title="Repair a choice",
    function="my_choice",
    points=3,
    stars=2,
    minutes=10,
    reference=choice,
    inputs=_curves,
    misconceptions=(
        Misconception(
            partial(_choice, chosen=lambda validation, test: int(test.argmax())),
            "You still choose on the test set: the epoch is chosen where validation is best.",
        ),
        Misconception(
            partial(_choice, where_chosen=True),
            "You report the accuracy on the images that you chose on: it is flattered by the "
            "choice. Report that of the test set.",
        ),
        Misconception(
            partial(_choice, first=0),
            "You count epochs from 0: the first epoch is epoch 1.",
        ),
        Misconception(
            partial(_choice, chosen=lambda validation, test: len(test) - 1),
            "You take the last epoch: that would be honest as well, but the task asks for the best "
            "on validation.",
        ),
        Misconception(
            partial(
                _choice,
                chosen=lambda validation, test: len(test) - 1 - int(validation[::-1].argmax()),
            ),
            "Where two epochs are equally good on validation you take the later one: the earlier "
            "is asked for.",
        ),
        Misconception(
            partial(_choice, gap=True),
            "Your flattery compares validation with test: it is asked how much more the best epoch "
            "on the test set would have shown.",
        ),
    ),
)


# 06.5, who teaches -------------------------------------------------------------------------------


def taught(spike_times: IntArray, labels: IntArray, gamma: int, t_max: int) -> dict[str, object]:
    """Shares of images that are lost and that teach, and why; the right answer of 06.5."""
    return _taught(spike_times, labels, gamma, t_max)


def _taught(
    spike_times: IntArray,
    labels: IntArray,
    gamma: int,
    t_max: int,
    *,
    ties_lose: bool = False,
    margin: int = 0,
    neurons: bool = False,
    numbers: bool = False,
    because: str = "c",
) -> dict[str, object]:
    """The shares, with one thing wrong for each argument that is not the default."""
    is_label = labels[:, None] == np.arange(spike_times.shape[1])
    own = spike_times[is_label][:, None]
    beaten = (np.where(is_label, t_max + 1, spike_times) < own + ties_lose).any(axis=1)
    wanted = relative_targets(spike_times, labels, gamma=gamma + margin, t_max=t_max)
    missed = wanted != spike_times
    teach = missed if neurons else missed.any(axis=1)
    if numbers:
        return {"beaten": int(beaten.sum()), "teach": int(teach.sum()), "because": because}
    return {"beaten": float(beaten.mean()), "teach": float(teach.mean()), "because": because}


def _decided(rng: np.random.Generator) -> Iterator[Arguments]:
    """Images on which somebody fires, often the label's neuron first, alone or in a tie."""
    for number in range(10_000):
        t_max = int(rng.integers(8, 13))
        n, n_classes = int(rng.integers(1, 4 + number // 40)), int(rng.integers(2, 5))
        times = rng.integers(1, t_max + 1, size=(n, n_classes))
        times[:, 0] = np.minimum(times[:, 0], t_max - 1)
        by_luck = rng.integers(0, n_classes, size=n)
        yield (
            times,
            np.where(rng.random(n) < 0.6, times.argmin(axis=1), by_luck),
            int(rng.integers(1, 4)),
            t_max,
        )


TAUGHT = Task(
    key="06.5",
    title="Explain who teaches",
    function="my_taught",
    points=3,
    stars=2,
    minutes=12,
    reference=taught,
    inputs=_decided,
    misconceptions=(
        Misconception(
            partial(_taught, ties_lose=True),
            "You count a tie as beaten: there nobody fired before the label's neuron.",
        ),
        Misconception(
            partial(_taught, margin=1),
            "You let a neuron teach that comes exactly gamma steps behind the first: it is where "
            "it should be.",
        ),
        Misconception(
            partial(_taught, margin=-1),
            "You miss some that teach: a neuron has to be gamma steps behind the first, so one "
            "that comes gamma - 1 steps behind misses its target.",
        ),
        Misconception(
            partial(_taught, neurons=True),
            "You count neurons: an image teaches if one or more of its neurons miss their targets, "
            "and it counts once.",
        ),
        Misconception(
            partial(_taught, numbers=True),
            "You give numbers of images: a share is divided by how many images there are.",
        ),
        Misconception(
            partial(_taught, because="a"),
            "The shares are right, the reason is not: weight decay moves weights on every image, "
            "and no neuron misses its target because of it.",
        ),
        Misconception(
            partial(_taught, because="b"),
            "The shares are right, the reason is not: these images are looked at with one set of "
            "weights, and the two shares differ all the same.",
        ),
    ),
    uses=("targets.relative_targets",),
)


# 06.6, three curves ------------------------------------------------------------------------------


def diagnoses() -> dict[str, str]:
    """What went wrong in each of the runs of :func:`show_runs`; the right answer of 06.6."""
    return {"A": "c", "B": "a", "C": "b"}


def show_runs() -> None:
    """Train three networks in ways that go wrong, and print their learning curves."""
    n, n_held = (3000, 1000) if backends()["numba"].usable else (300, 100)
    train, _ = mnist()
    held_out = slice(50_000, 50_000 + n_held)
    held = train.images[held_out], train.labels[held_out]
    in_file, by_label = np.arange(n), np.argsort(train.labels[:n], kind="stable")
    for run, order, low, rate in (
        ("A", in_file, 0, 2.0),
        ("B", by_label, 0, 0.2),
        ("C", in_file, -5, 0.2),
    ):
        net = S4NN((784, 60, 10), initial_weights=[(low, 5), (0, 48)], seed=0)
        rule = replace(S4NN_PUBLISHED, learning_rate=rate, reset_dead=0.0)
        print(f"run {run}\nepoch  training  held out  changed weights  hidden neurons that fire")
        for number in range(1, 6):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of dead neurons; the table tells
                net.fit(
                    train.images[order],
                    train.labels[order],
                    epochs=number,
                    rule=rule,
                    validation=held,
                    progress=False,
                )
            fire = (net.spike_times(held[0])[0] < net.t_max).any(axis=0).sum()
            record = net.history_[-1]
            print(
                f"{number:5} {record['accuracy']:9.1%} {record['validation_accuracy']:9.1%} "
                f"{record['updates']:16.1%} {fire:18} of 60"
            )


CURVES = Task(
    key="06.6",
    title="Read three curves",
    function="my_diagnoses",
    points=3,
    stars=2,
    minutes=10,
    reference=diagnoses,
    inputs=_no_arguments,
    misconceptions=(
        Misconception(
            lambda: {**diagnoses(), "B": "d"},
            "In B the network is good on training images in its very first epoch, on images that "
            "it has not seen before: nothing was learned by heart there.",
        ),
        Misconception(
            lambda: {"A": "a", "B": "c", "C": "b"},
            "You have A and B exchanged: with sorted images the next one nearly always has the "
            "label of the last, and training looks good from the start.",
        ),
        Misconception(
            lambda: {"A": "b", "B": "a", "C": "c"},
            "You have A and C exchanged: look at how many hidden neurons fire.",
        ),
        Misconception(
            lambda: {**diagnoses(), "A": "d"},
            "A network that learns by heart gets better on its training images: in A they get "
            "worse.",
        ),
    ),
)


TASKS = (
    EPOCH,
    TRACED,
    REPORT,
    CHOICE,
    TAUGHT,
    CURVES,
    OpenTask("06.7", "A number that you can defend", points=4, stars=3, minutes=40),
)
