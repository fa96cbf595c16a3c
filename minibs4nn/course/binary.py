"""Exercises of chapter 07: signs, what stands behind them, and the scale of a layer."""

import math
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import numpy.typing as npt

from minibs4nn._checks import AnyArray, FloatArray, IntArray
from minibs4nn.backward import update_weights
from minibs4nn.binary import scale_gradient, sign, sign_threshold
from minibs4nn.course.judging import Misconception, OpenTask, Task
from minibs4nn.course.values import Arguments
from minibs4nn.forward import layer_spike_times
from minibs4nn.targets import normalise, relative_targets, time_error

__all__ = ["TASKS", "bits", "flips", "patience", "presented", "step"]


def _no_arguments(rng: np.random.Generator) -> Iterator[Arguments]:
    yield ()


def _quarters(rng: np.random.Generator, most: float, shape: tuple[int, ...]) -> FloatArray:
    """Numbers that a computer adds without rounding; zero is among them."""
    return np.asarray(rng.integers(-round(4 * most), round(4 * most) + 1, size=shape) / 4)


def _positive(w: npt.ArrayLike) -> AnyArray:
    """What the library's sign gives, without its checks: the wrong answers are called often."""
    return np.where(np.asarray(w) < 0, -1, 1)


def _zero_is_negative(w: npt.ArrayLike) -> AnyArray:
    return np.where(np.asarray(w) > 0, 1, -1)


# 07.1, signs and a limit -------------------------------------------------------------------------


def bits(latent: FloatArray, threshold: float, scale: float) -> dict[str, object]:
    """Signs and limit of a layer; the right answer of 07.1."""
    return {"signs": sign(latent), "limit": int(sign_threshold(threshold, scale))}


def _wrong_bits(
    latent: FloatArray,
    threshold: float,
    scale: float,
    *,
    signs: Callable[[FloatArray], AnyArray] = _positive,
    limit: Callable[[float], float] = math.floor,
) -> dict[str, object]:
    return {"signs": signs(latent), "limit": limit(threshold / scale)}


def _latent_layers(rng: np.random.Generator) -> Iterator[Arguments]:
    """Latent weights with zeros among them; thresholds that a scale divides evenly now and then."""
    for number in range(10_000):
        shape = int(rng.integers(1, 3 + number // 150)), int(rng.integers(1, 3 + number // 150))
        threshold = int(rng.integers(-9, 0)) if rng.random() < 0.15 else int(rng.integers(0, 40))
        yield _quarters(rng, 1, shape), threshold, int(rng.integers(2, 25)) / 4


BITS = Task(
    key="07.1",
    title="Signs and a limit",
    function="my_bits",
    points=3,
    stars=1,
    minutes=10,
    reference=bits,
    inputs=_latent_layers,
    misconceptions=(
        Misconception(
            partial(_wrong_bits, signs=np.sign),
            "The sign of 0 is 0 with you: a bit has two values, and a latent weight of 0 is heard "
            "as +1.",
        ),
        Misconception(
            partial(_wrong_bits, signs=_zero_is_negative),
            "The sign of 0 is -1 with you: a latent weight of 0 is heard as +1.",
        ),
        Misconception(
            partial(_wrong_bits, limit=round),
            "You round the limit to the nearest whole number: a sum has to exceed theta / alpha, "
            "so round down.",
        ),
        Misconception(
            partial(_wrong_bits, limit=math.ceil),
            "You round the limit up: a sum that exceeds theta / alpha would then not be enough.",
        ),
        Misconception(
            partial(_wrong_bits, limit=lambda ratio: math.floor(ratio) + 1),
            "You give the smallest sum that is enough: the limit is what it has to exceed, one "
            "less.",
        ),
        Misconception(
            partial(_wrong_bits, limit=int),
            "You cut off the digits: int() goes up where the threshold is negative, and the limit "
            "is rounded down.",
        ),
        Misconception(
            partial(_wrong_bits, limit=lambda ratio: ratio),
            "Your limit has digits after the point: sums are whole numbers, so round it down.",
        ),
    ),
    uses=("binary.sign", "binary.sign_threshold"),
)


# 07.2, how long until a flip ---------------------------------------------------------------------


def patience(latent: FloatArray, push: FloatArray) -> list[int]:
    """After how many equal updates each sign flips; the right answer of 07.2."""
    return _patience(latent, push, signs=sign)


def _patience(
    latent: FloatArray,
    push: FloatArray,
    *,
    signs: Callable[[FloatArray], AnyArray] = _positive,
    never: int = -1,
    fewer: int = 0,
    towards_zero: bool = False,
) -> list[int]:
    """Push until the sign is another, with one thing wrong for each argument that is not usual."""
    p = np.abs(push) * _positive(latent) if towards_zero else push
    updates = np.arange(1, 20)[:, None]  # no weight of the inputs is 20 pushes away from zero
    flipped = signs(latent - updates * p) != signs(latent)
    first = flipped.argmax(axis=0) + 1 - fewer
    return [int(n) for n in np.where(flipped.any(axis=0), first, never)]


def _pushed(rng: np.random.Generator) -> Iterator[Arguments]:
    """Latent weights, some of them 0; pushes towards zero and away from it, some of them 0."""
    for number in range(150):
        size = int(rng.integers(1, 3 + number // 50))
        yield _quarters(rng, 2, (size,)), _quarters(rng, 0.75, (size,))


PATIENCE = Task(
    key="07.2",
    title="How many updates until the flip",
    function="my_patience",
    points=3,
    stars=2,
    minutes=12,
    reference=patience,
    inputs=_pushed,
    misconceptions=(
        Misconception(
            partial(_patience, signs=_zero_is_negative),
            "You have the signs around zero the wrong way: a weight that falls to exactly 0 has "
            "not flipped yet, and one that rises to exactly 0 has.",
        ),
        Misconception(
            partial(_patience, signs=np.sign),
            "You count zero as a third sign: 0 is heard as +1, like every positive number.",
        ),
        Misconception(
            partial(_patience, fewer=1),
            "You count the updates before the flip: the one that flips the sign counts, too.",
        ),
        Misconception(
            partial(_patience, towards_zero=True),
            "You look at the size of the push only: one that leads away from zero never flips a "
            "sign.",
        ),
        Misconception(
            partial(_patience, never=0),
            "A sign that never flips is marked with -1; you mark it with 0.",
        ),
    ),
    uses=("binary.sign",),
)


# 07.3, presentations by hand ---------------------------------------------------------------------

# Spike times of four inputs, and the latent weights of the label's neuron and of the other one.
FOUR_TIMES = (1, 2, 5, 8)
TWO_NEURONS = ((1.0, 1.0, 1.0, 1.0), (0.75, 0.5, 0.25, 0.5))


def presented() -> dict[str, object]:
    """One image, presented three times; the right answer of 07.3."""
    return _presented(sign)


def _presented(
    signs: Callable[[FloatArray], AnyArray],
    *,
    mean: bool = True,
    everybody: bool = False,
    too_long: bool = False,
) -> dict[str, object]:
    """Three presentations, with one thing wrong for each argument that is not usual."""
    theta, t_max, eta, mu, scale = 5.0, 8, 0.25, 0.4, 2.0
    times, latent = np.array(FOUR_TIMES), np.array(TWO_NEURONS)
    moved, last = 0, np.zeros(0, dtype=int)
    for _ in range(3):
        limit = sign_threshold(theta, scale)
        spikes, sums = layer_spike_times([times], signs(latent), limit, t_max=t_max)
        last = spikes[0].astype(int)
        wanted = relative_targets([last], [0], gamma=1, all_silent="ignore", t_max=t_max)[0]
        delta = normalise(time_error(last, wanted, t_max=t_max))
        delta = np.array([0.0, 1.0]) if too_long else delta
        moved += bool(delta.any())
        before = latent.copy()
        heard = np.where(times < t_max, times, 0) if everybody else times
        update_weights(latent, delta, heard, last, learning_rate=eta)
        slope = scale_gradient(delta, sums[0], 4) * (1 if mean else before.size)
        scale -= mu * slope
    return {"latent": latent[1], "scale": scale, "moved": moved, "fires": last}


PRESENTED = Task(
    key="07.3",
    title="One image, three times",
    function="my_presented",
    points=3,
    stars=2,
    minutes=15,
    reference=presented,
    inputs=_no_arguments,
    misconceptions=(
        Misconception(
            partial(_presented, _zero_is_negative),
            "After the first update the weight of C is exactly 0: its sign is still +1, so nothing "
            "has changed yet for the network.",
        ),
        Misconception(
            partial(_presented, sign, mean=False),
            "You move the scale by the sum: the rule takes the mean over all synapses of the "
            "layer, here eight of them.",
        ),
        Misconception(
            partial(_presented, sign, everybody=True),
            "You move the weight of D: it is silent, so it took no part in any spike.",
        ),
        Misconception(
            partial(_presented, sign, too_long=True),
            "You go on learning after the flip: once the other neuron is silent there is no error, "
            "and the third presentation moves nothing.",
        ),
    ),
)


# 07.4, a step to repair --------------------------------------------------------------------------


def step(
    latent: FloatArray,
    scale: float,
    delta: FloatArray,
    times_in: IntArray,
    times_out: IntArray,
    eta: float,
    mu: float,
) -> tuple[FloatArray, float]:
    """Latent weights and scale of a layer after one step; the right answer of 07.4."""
    moved = latent.copy()
    update_weights(moved, delta, times_in, times_out, learning_rate=eta)
    sums = (sign(latent) * (times_in < times_out[:, None])).sum(axis=1)
    return moved, scale - mu * scale_gradient(delta, sums, len(times_in))


def _wrong_step(
    latent: FloatArray,
    scale: float,
    delta: FloatArray,
    times_in: IntArray,
    times_out: IntArray,
    eta: float,
    mu: float,
    *,
    from_signs: bool = False,
    heard: str = "signs",
    divide_by: str = "synapses",
) -> tuple[AnyArray, float]:
    """The step, with one thing wrong for each argument that is not the default."""
    signs = np.where(latent < 0, -1, 1)
    took_part = times_in < times_out[:, None]
    moved = (signs if from_signs else latent) - eta * delta[:, None] * took_part
    factor = {"signs": signs, "latent": latent, "new": np.where(moved < 0, -1, 1)}[heard]
    number = {
        "synapses": latent.size,
        "nothing": 1,
        "neurons": len(latent),
        "arrived": max(int(took_part.sum()), 1),
    }[divide_by]
    slope = float((delta[:, None] * factor * took_part).sum()) / number
    return moved, scale - mu * slope


def _layers_to_step(rng: np.random.Generator) -> Iterator[Arguments]:
    """Layers of a few synapses, so that signs flip and inputs come too late."""
    for number in range(10_000):
        n_out, n_in = (int(n) for n in rng.integers(1, 3 + number // 100, size=2))
        yield (
            _quarters(rng, 1, (n_out, n_in)),
            float(rng.integers(4, 21)) / 4,
            _quarters(rng, 1, (n_out,)),
            rng.integers(0, 7, size=n_in),
            rng.integers(1, 8, size=n_out),
            0.5,
            0.25,
        )


STEP = Task(
    key="07.4",
    title="Repair a learning step",
    function="my_step",
    points=4,
    stars=2,
    minutes=15,
    reference=step,
    inputs=_layers_to_step,
    misconceptions=(
        Misconception(
            partial(_wrong_step, from_signs=True, divide_by="nothing"),
            "Both faults are still there: what small steps have added up is thrown away, and the "
            "scale takes a step as long as the layer is large.",
        ),
        Misconception(
            partial(_wrong_step, from_signs=True),
            "You still step from the signs: the new latent weight is the old latent weight minus "
            "the step.",
        ),
        Misconception(
            partial(_wrong_step, divide_by="nothing"),
            "The scale still moves by the sum: the rule takes the mean over all synapses.",
        ),
        Misconception(
            partial(_wrong_step, divide_by="neurons"),
            "You divide by the number of neurons: the mean is over all synapses, n_out times n_in.",
        ),
        Misconception(
            partial(_wrong_step, divide_by="arrived"),
            "You divide by the number of spikes that took part: the mean is over all synapses, "
            "those that heard nothing included.",
        ),
        Misconception(
            partial(_wrong_step, heard="latent"),
            "You put latent weights into the slope of the scale: the network heard their signs.",
        ),
        Misconception(
            partial(_wrong_step, heard="new"),
            "You take the signs after the update for the slope: the neuron fired on those before.",
        ),
    ),
    uses=("binary.scale_gradient", "backward.update_weights"),
)


# 07.5, why bits need something behind them -------------------------------------------------------


def flips(latent: FloatArray, pushes: FloatArray) -> dict[str, object]:
    """Flips of three ways to learn, and why one works; the right answer of 07.5."""
    return _flips(latent, pushes, signs=sign)


def _flips(
    latent: FloatArray,
    pushes: FloatArray,
    *,
    signs: Callable[[npt.ArrayLike], AnyArray] = _positive,
    at_the_end: bool = False,
    keeps: bool = False,
    at_zero: bool = False,
    because: str = "a",
) -> dict[str, object]:
    """The counts, with one thing wrong for each argument that is not the default."""
    counts = {"latent": 0, "rounded": 0, "hasty": 0}
    w, heard = latent, signs(latent)
    rounded, hasty = heard.astype(float), heard
    for push in pushes:
        w = w - push
        before, heard = heard, signs(w)
        counts["latent"] += int((heard != before).sum())
        stepped = rounded - push
        counts["rounded"] += int((signs(stepped) != signs(rounded)).sum())
        rounded = stepped if keeps else signs(stepped).astype(float)
        against = (hasty * push >= 0) if at_zero else (hasty * push > 0)
        counts["hasty"] += int(against.sum())
        hasty = np.where(against, -hasty, hasty)
    if at_the_end:
        first = signs(latent)
        counts = {
            "latent": int((heard != first).sum()),
            "rounded": int((rounded != first).sum()),
            "hasty": int((hasty != first).sum()),
        }
    return {**counts, "because": because}


def _many_pushes(rng: np.random.Generator) -> Iterator[Arguments]:
    """Latent weights near zero, and what some images take away from them."""
    for number in range(120):
        size, n = int(rng.integers(1, 3 + number // 40)), int(rng.integers(1, 4 + number // 20))
        yield _quarters(rng, 1, (size,)), _quarters(rng, 1.5, (n, size))


FLIPS = Task(
    key="07.5",
    title="Explain why bits cannot step",
    function="my_flips",
    points=4,
    stars=3,
    minutes=18,
    reference=flips,
    inputs=_many_pushes,
    misconceptions=(
        Misconception(
            partial(_flips, at_the_end=True),
            "You compare the signs at the end with those at the start: a sign that flips and flips "
            "back has flipped twice.",
        ),
        Misconception(
            partial(_flips, keeps=True),
            "Your rounded weights keep what a push has left of them: they are rounded to +1 or -1 "
            "after each push, and start the next one from there.",
        ),
        Misconception(
            partial(_flips, signs=_zero_is_negative),
            "The sign of 0 is -1 with you: 0 is heard as +1, and rounded to +1.",
        ),
        Misconception(
            partial(_flips, at_zero=True),
            "Your hasty signs flip on a push of 0: nobody pushes against them there.",
        ),
        Misconception(
            partial(_flips, because="b"),
            "The counts are right, the reason is not: the network hears signs, and a latent weight "
            "of 0.25 is no other to it than one of 4.",
        ),
        Misconception(
            partial(_flips, because="c"),
            "The counts are right, the reason is not: the pushes are the same in all three.",
        ),
    ),
    uses=("binary.sign", "binary.flips"),
)


TASKS = (
    BITS,
    PATIENCE,
    PRESENTED,
    STEP,
    FLIPS,
    OpenTask("07.6", "Another memory", points=4, stars=3, minutes=30),
)
