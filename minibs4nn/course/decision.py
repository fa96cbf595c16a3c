"""Exercises of chapter 13: training at the moment of decision."""

import operator
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from minibs4nn._checks import AnyArray, FloatArray, IntArray
from minibs4nn.course.judging import Misconception, OpenTask, Task
from minibs4nn.course.values import Arguments
from minibs4nn.forward import layer_spike_times, potential_at

__all__ = ["TASKS", "errors_at", "hidden_errors", "one_image", "price", "reading"]


def _no_arguments(rng: np.random.Generator) -> Iterator[Arguments]:
    yield ()


# 13.1, errors at the moment ----------------------------------------------------------------------


def errors_at(
    hidden: IntArray, signs: IntArray, thresholds: IntArray, label: int, temperature: float,
    t_max: int,
) -> dict[str, object]:  # fmt: skip
    """The moment of decision and the errors of the outputs; the right answer of 13.1."""
    spike_times, _ = layer_spike_times(hidden[None], signs, thresholds, t_max=t_max)
    moment = int(spike_times.min())
    potential = potential_at(hidden[None], signs, moment - 1, t_max=t_max)[0]
    z = (potential - thresholds) / temperature
    errors = np.exp(z) / np.exp(z).sum()
    errors[label] -= 1
    return {"moment": moment, "errors": errors}


def _errors_at(
    hidden: IntArray,
    signs: IntArray,
    thresholds: IntArray,
    label: int,
    temperature: float,
    t_max: int,
    *,
    early: int = 0,
    heard_too: int = 0,
    at_end: bool = False,
    margin: bool = True,
    warm: bool = True,
    turned: bool = False,
    softmax_alone: bool = False,
) -> dict[str, object]:
    """The errors, with one thing wrong for each argument that is not the default."""
    arrived = hidden[:, None] <= np.arange(t_max)
    potential = (signs @ arrived).T
    above = (potential > thresholds).any(axis=1)
    moment = min(int(above.argmax()) + 1, t_max) if above.any() else t_max
    if moment < t_max:
        moment -= early
    read = t_max - 1 if at_end else min(moment - 1 + heard_too, t_max - 1)
    z: FloatArray = signs[:, hidden <= read].sum(axis=1).astype(np.float64)
    if margin:
        z -= thresholds
    if warm:
        z /= temperature
    errors = np.exp(z - z.max())
    errors /= errors.sum()
    if not softmax_alone:
        errors[label] -= 1
    return {"moment": moment, "errors": -errors if turned else errors}


def _decisions(rng: np.random.Generator) -> Iterator[Arguments]:
    """Hidden layers that let the outputs fire early, late or never; thresholds that differ."""
    for number in range(10_000):
        t_max = int(rng.integers(3, 9))
        n_hidden, n_out = int(rng.integers(1, 4 + number // 40)), int(rng.integers(2, 5))
        hidden = rng.integers(0, t_max + 1, size=n_hidden)
        signs = rng.choice([-1, 1], size=(n_out, n_hidden))
        thresholds = rng.integers(0, 4, size=n_out)
        temperature = float(rng.choice([0.5, 2.0, 5.0]))
        yield hidden, signs, thresholds, int(rng.integers(0, n_out)), temperature, t_max


ERRORS = Task(
    key="13.1",
    title="Errors at the moment of decision",
    function="my_errors",
    points=4,
    stars=2,
    minutes=20,
    reference=errors_at,
    inputs=_decisions,
    misconceptions=(
        Misconception(
            partial(_errors_at, early=1),
            "Your moment is the step of the crossing: the spike is stamped one step later, and the "
            "moment is the time of the spike.",
        ),
        Misconception(
            partial(_errors_at, heard_too=1),
            "You hear the spikes of the moment itself: a hidden neuron is heard if it fired before "
            "it, so < and not <=.",
        ),
        Misconception(
            partial(_errors_at, at_end=True),
            "You take the potentials at the end of the window: they are read just before the "
            "moment, and later spikes were not heard.",
        ),
        Misconception(
            partial(_errors_at, margin=False),
            "You leave out the thresholds: what counts is how far a potential is above or below "
            "its own, and the neurons have different ones.",
        ),
        Misconception(
            partial(_errors_at, warm=False),
            "You leave out the temperature: the potentials are divided by it before the "
            "exponentials are taken.",
        ),
        Misconception(
            partial(_errors_at, turned=True),
            "Your signs are turned: an error is positive if the potential should have been lower, "
            "so it is p minus 1 for the label, and p for the others.",
        ),
        Misconception(
            partial(_errors_at, softmax_alone=True),
            "You return the shares p themselves: from that of the label 1 is taken, so that the "
            "errors sum to 0.",
        ),
    ),
)


# 13.2, one image by hand -------------------------------------------------------------------------


def one_image() -> dict[str, object]:
    """Moment, errors and slopes of the image of 13.2."""
    hidden = np.array([1, 4, 7])
    signs = np.array([[1, -1, 1], [-1, 1, -1]])
    spike_times, _ = layer_spike_times(hidden[None], signs, 0, t_max=8)
    moment = int(spike_times.min())
    z = potential_at(hidden[None], signs, moment - 1, t_max=8)[0]
    shares = np.where(z > 0, 0.75, 0.25)  # what the temperature of the task gives for 1 and -1
    errors: FloatArray = shares - [0, 1]
    near = np.array([2, 3, 6]) < 4
    return {
        "moment": moment,
        "errors": errors.tolist(),
        "synapses": (errors[0] * (hidden < moment)).tolist(),
        "hidden": (near * (errors @ signs)).tolist(),
    }


ONE_IMAGE = Task(
    key="13.2",
    title="Predict what an image teaches",
    function="my_slopes",
    points=3,
    stars=2,
    minutes=12,
    reference=one_image,
    inputs=_no_arguments,
    misconceptions=(
        Misconception(
            lambda: {**one_image(), "moment": 1},
            "Your moment is the step of the crossing: the spike is stamped one step later.",
        ),
        Misconception(
            lambda: {**one_image(), "errors": [-0.75, 0.75]},
            "Your errors are turned: output 0 is too high and has a positive error, the label's "
            "output a negative one.",
        ),
        Misconception(
            lambda: {**one_image(), "errors": [0.75, 0.25]},
            "You give the shares: from that of the label 1 is taken.",
        ),
        Misconception(
            lambda: {**one_image(), "synapses": [0.75, 0.75, 0.75]},
            "You give a slope to signs that had no say: hidden 1 and 2 fired after the moment.",
        ),
        Misconception(
            lambda: {**one_image(), "hidden": [1.5, 0.0, 0.0]},
            "You let hidden 1 learn nothing since it came too late to be heard. But it came near "
            "its threshold, and its error says that it should have come earlier.",
        ),
        Misconception(
            lambda: {**one_image(), "hidden": [1.5, -1.5, 1.5]},
            "You let hidden 2 learn: it was 6 away from its threshold, and the width is 4.",
        ),
    ),
)


# 13.3, the surrogate to repair -------------------------------------------------------------------


def hidden_errors(
    errors: FloatArray, signs: IntArray, highest: IntArray, thresholds: IntArray, width: int
) -> AnyArray:
    """What the hidden neurons are told; the right answer of 13.3."""
    near = abs(highest - thresholds) < width
    return np.where(near, errors @ signs, 0.0)


def _told(
    errors: FloatArray,
    signs: IntArray,
    highest: IntArray,
    thresholds: IntArray,
    width: int,
    *,
    near: Callable[[IntArray, int], AnyArray],
    sign: int = 1,
) -> AnyArray:
    """What hidden neurons are told by another surrogate, or with another sign."""
    told: AnyArray = sign * near(highest - thresholds, width) * (errors @ signs)
    return told


def _near(u: IntArray, width: int) -> AnyArray:
    return np.asarray(abs(u) < width)


def _hidden_layers(rng: np.random.Generator) -> Iterator[Arguments]:
    """Hidden neurons far below, near and far above their thresholds, and just at the width."""
    for number in range(10_000):
        n_out, n_hidden = int(rng.integers(2, 4)), int(rng.integers(1, 3 + number // 60))
        shares = rng.integers(1, 9, size=n_out) / 8
        errors = shares / shares.sum()
        errors[rng.integers(n_out)] -= 1
        signs = rng.choice([-1, 1], size=(n_out, n_hidden))
        thresholds, width = rng.integers(0, 10, size=n_hidden), int(rng.integers(1, 5))
        yield errors, signs, thresholds + rng.integers(-6, 7, size=n_hidden), thresholds, width


SURROGATE = Task(
    key="13.3",
    title="Repair a surrogate",
    function="my_hidden_errors",
    points=3,
    stars=2,
    minutes=12,
    reference=hidden_errors,
    inputs=_hidden_layers,
    misconceptions=(
        Misconception(
            partial(_told, near=lambda u, width: (u < width) & (u > 0)),
            "Only neurons that fired learn from you: one that stayed just below its threshold "
            "could have fired, and has to be told whether it should have.",
        ),
        Misconception(
            partial(_told, near=lambda u, width: u < width),
            "Silent neurons learn now, but those far below their threshold learn as well: u is "
            "negative there, and its distance from 0 is what counts.",
        ),
        Misconception(
            partial(_told, near=lambda u, width: abs(u) <= width),
            "You take in neurons whose distance is just the width: near means less than that.",
        ),
        Misconception(
            partial(_told, near=lambda u, width: np.maximum(0, 1 - abs(u) / width)),
            "Your surrogate is a triangle, which grows towards the threshold. Others use one; here "
            "it is 1 within the width and 0 elsewhere.",
        ),
        Misconception(
            partial(_told, near=lambda u, width: np.ones(len(u))),
            "All neurons learn from you, however far they are from their threshold: a small change "
            "could not have changed their spikes.",
        ),
        Misconception(
            partial(_told, near=_near, sign=-1),
            "Your sign is turned: an error of a hidden neuron is the sum of the errors, each times "
            "the sign of its synapse.",
        ),
    ),
)


# 13.4, numbers that explain ----------------------------------------------------------------------


def price(potential: IntArray, labels: IntArray, threshold: int) -> dict[str, object]:
    """Accuracy, silence and decision time at a threshold, and the reason of 13.4."""
    return _price(potential, labels, threshold)


def _price(
    potential: IntArray,
    labels: IntArray,
    threshold: int,
    *,
    exceeds: Callable[[AnyArray, int], AnyArray] = operator.gt,
    delay: int = 1,
    at_end: bool = False,
    only_fired: str = "",
    because: str = "a",
) -> dict[str, object]:
    """The numbers, with one thing wrong for each argument that is not the default."""
    n, _, t_max = potential.shape
    above: AnyArray = np.asarray(exceeds(potential, threshold).any(axis=1))
    fires: AnyArray = np.asarray(above.any(axis=1))
    crossing = np.where(fires, above.argmax(axis=1), t_max - 1)
    read = t_max - 1 if at_end else crossing
    right = potential[np.arange(n), :, read].argmax(axis=1) == labels
    time = np.where(fires, crossing + delay, t_max)

    def mean(values: AnyArray, name: str) -> float:
        if only_fired == name:
            return float(values[fires].mean()) if fires.any() else 0.0
        return float(values.mean())

    return {
        "accuracy": mean(right, "accuracy"),
        "silent": float(1 - fires.mean()),
        "time": mean(time, "time"),
        "because": because,
    }


def _staircases(rng: np.random.Generator) -> Iterator[Arguments]:
    """Potentials of a few outputs that go up and down; thresholds that some never exceed."""
    for number in range(10_000):
        n, n_out = int(rng.integers(1, 3 + number // 60)), int(rng.integers(2, 4))
        steps = rng.integers(-1, 3, size=(n, n_out, int(rng.integers(3, 7))))
        steps[..., -1] = 0  # a crossing in the last step could not be stamped any more
        yield steps.cumsum(axis=2), rng.integers(0, n_out, size=n), int(rng.integers(0, 6))


PRICE = Task(
    key="13.4",
    title="Explain an accuracy",
    function="my_price",
    points=4,
    stars=2,
    minutes=15,
    reference=price,
    inputs=_staircases,
    misconceptions=(
        Misconception(
            partial(_price, at_end=True),
            "You let the potentials of the end decide everywhere: where somebody fires, those of "
            "the first crossing do.",
        ),
        Misconception(
            partial(_price, only_fired="accuracy"),
            "Your accuracy leaves out silent images: they are decided by the last potentials, and "
            "count like all others.",
        ),
        Misconception(
            partial(_price, only_fired="time"),
            "Your mean time leaves out silent images: they are decided at the end of the window, "
            "at t_max. Leaving them out is how silence becomes cheap.",
        ),
        Misconception(
            partial(_price, delay=0),
            "Your time is that of the crossing: the spike is stamped one step later.",
        ),
        Misconception(
            partial(_price, exceeds=operator.ge),
            "You compare with >=: an output fires when its potential exceeds the threshold.",
        ),
        Misconception(
            partial(_price, because="b"),
            "The numbers are right, the reason is not: no weight changes with the threshold, and "
            "nothing is learned.",
        ),
        Misconception(
            partial(_price, because="c"),
            "The numbers are right, the reason is not: the rule names one class for every image, "
            "and no tie is counted as right.",
        ),
    ),
)


# 13.5, reading an ablation -----------------------------------------------------------------------


def reading(accuracy: FloatArray, silent: FloatArray, n: int, limit: float) -> list[str]:
    """What each line of an ablation says of the first; the right answer of 13.5."""
    return _reading(accuracy, silent, n, limit)


def _reading(
    accuracy: FloatArray,
    silent: FloatArray,
    n: int,
    limit: float,
    *,
    errors: float = 2.0,
    of_both: Callable[[FloatArray, float], AnyArray] = np.hypot,
    rooted: bool = True,
    sees_silence: bool = True,
    turned: bool = False,
) -> list[str]:
    """The words, with one thing wrong for each argument that is not the default."""
    sigma = accuracy * (1 - accuracy) / n
    if rooted:
        sigma = np.sqrt(sigma)
    words = []
    for a, s, e in zip(accuracy[1:], silent[1:], sigma[1:], strict=True):
        gain = (a - accuracy[0]) * (-1 if turned else 1)
        clear = errors * of_both(e, sigma[0])
        if gain > clear:
            words.append("paid" if s > limit and sees_silence else "better")
        else:
            words.append("worse" if gain < -clear else "unclear")
    return words


def _studies(rng: np.random.Generator) -> Iterator[Arguments]:
    """A recipe and a few variants, with differences around two standard errors."""
    for number in range(10_000):
        n, lines = int(rng.choice([500, 2000, 6000])), int(rng.integers(2, 4 + number // 80))
        base = rng.uniform(0.9, 0.97)
        sigma = np.sqrt(2 * base * (1 - base) / n)
        accuracy = np.round(base + sigma * rng.uniform(-4, 4, size=lines), 4).clip(0.5, 0.995)
        yield accuracy, np.round(rng.uniform(0, 0.1, size=lines), 3), n, 0.05


READING = Task(
    key="13.5",
    title="Read an ablation",
    function="my_reading",
    points=3,
    stars=2,
    minutes=15,
    reference=reading,
    inputs=_studies,
    misconceptions=(
        Misconception(
            partial(_reading, errors=1.0),
            "You call a difference clear from one standard error on: by chance alone, every third "
            "would be as large. It takes two.",
        ),
        Misconception(
            partial(_reading, of_both=lambda e, first: e),
            "You take the standard error of the variant alone: the recipe was judged on as few "
            "images, and its accuracy is as uncertain.",
        ),
        Misconception(
            partial(_reading, of_both=operator.add),
            "You add the two standard errors: independent errors add as squares.",
        ),
        Misconception(
            partial(_reading, rooted=False),
            "You forget the root: p (1 - p) / n is the square of the standard error.",
        ),
        Misconception(
            partial(_reading, sees_silence=False),
            "You read the accuracy alone: a variant with more silence than the limit has paid for "
            "what it gained.",
        ),
        Misconception(
            partial(_reading, turned=True),
            "You have better and worse exchanged: a variant is compared with the first line.",
        ),
    ),
)


TASKS = (
    ERRORS,
    ONE_IMAGE,
    SURROGATE,
    PRICE,
    READING,
    OpenTask("13.6", "Earlier, at what price?", points=4, stars=3, minutes=30),
)
