"""Exercises of chapter 05: one step of learning, and how far it is from a gradient."""

import itertools
import operator
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from minibs4nn._checks import AnyArray, FloatArray, IntArray
from minibs4nn.backward import arrived, backpropagate, update_weights
from minibs4nn.course.judging import Misconception, OpenTask, Task
from minibs4nn.course.values import Arguments
from minibs4nn.forward import layer_spike_times
from minibs4nn.neuron import simulate_neuron
from minibs4nn.targets import normalise, relative_targets, time_error

__all__ = ["TASKS", "hand_update", "hidden_delta", "slopes", "step", "still", "update"]


def _no_arguments(rng: np.random.Generator) -> Iterator[Arguments]:
    yield ()


def _quarters(
    rng: np.random.Generator, low: int, high: int, size: int | tuple[int, int]
) -> FloatArray:
    """Numbers that a computer adds without rounding, in whichever order."""
    return np.asarray(rng.integers(4 * low, 4 * high + 1, size=size) / 4)


# 05.1, weights move ------------------------------------------------------------------------------


def update(
    weights: FloatArray, delta: FloatArray, times_in: IntArray, times_out: IntArray, eta: float
) -> FloatArray:
    """Weights of a layer after one step; the right answer of 05.1."""
    moved = weights.copy()
    update_weights(moved, delta, times_in, times_out, learning_rate=eta)
    return moved


def _wrong_update(
    weights: FloatArray,
    delta: FloatArray,
    times_in: IntArray,
    times_out: IntArray,
    eta: float,
    *,
    took_part: Callable[[AnyArray, AnyArray], AnyArray] = operator.lt,
    sign: int = -1,
    rate: bool = True,
) -> AnyArray:
    bracket = took_part(times_in, times_out[:, None])
    moved: AnyArray = weights + sign * (eta if rate else 1) * delta[:, None] * bracket
    return moved


def _layers(rng: np.random.Generator) -> Iterator[Arguments]:
    """Deltas, weights and spike times of two layers; many times are equal, some are silent."""
    for number in range(10_000):
        n_in, n_out = rng.integers(1, 3 + number // 75, size=2)
        times = rng.integers(0, 7, size=n_in + n_out)
        delta, weights = _quarters(rng, -2, 2, n_out), _quarters(rng, -4, 6, (n_out, n_in))
        yield weights, delta, times[:n_in], times[n_in:], float(rng.choice([0.5, 2.0]))


UPDATE = Task(
    key="05.1",
    title="Weights move",
    function="my_update",
    points=3,
    stars=1,
    minutes=10,
    reference=update,
    inputs=_layers,
    misconceptions=(
        Misconception(
            partial(_wrong_update, sign=1),
            "Your sign is the other way round: a positive delta says that the neuron fired too "
            "early, so its weights have to fall.",
        ),
        Misconception(
            partial(_wrong_update, took_part=operator.le),
            "You also move weights whose spike came in the step of the neuron's own spike: it came "
            "after the crossing and took no part, so < and not <=.",
        ),
        Misconception(
            partial(_wrong_update, took_part=lambda t_in, t_out: t_in < t_out + np.inf),
            "You move every weight: only those move whose spike came before the neuron's own.",
        ),
        Misconception(
            partial(_wrong_update, took_part=operator.gt),
            "You move the weights of spikes that came after the neuron's own: turn the comparison "
            "round.",
        ),
        Misconception(
            partial(_wrong_update, rate=False),
            "You leave out the learning rate: a weight moves by eta times the delta.",
        ),
    ),
    uses=("backward.update_weights",),
)


# 05.2, deltas of a hidden layer ------------------------------------------------------------------


def hidden_delta(
    delta: FloatArray, weights: FloatArray, hidden: IntArray, outputs: IntArray
) -> FloatArray:
    """Normalised deltas of the hidden neurons; the right answer of 05.2."""
    return normalise(backpropagate(delta, weights, hidden, outputs))


def _euclidean(back: AnyArray) -> float:
    return float(np.sqrt((back**2).sum()))


def _wrong_delta(
    delta: FloatArray,
    weights: FloatArray,
    hidden: IntArray,
    outputs: IntArray,
    *,
    heard: Callable[[AnyArray, AnyArray], AnyArray] = operator.lt,
    sign: int = 1,
    length: Callable[[AnyArray], float] = _euclidean,
    when_0: float = 1.0,
) -> AnyArray:
    bracket = heard(hidden, outputs[:, None])
    back = sign * (delta[:, None] * weights * bracket).sum(axis=0)
    size = length(back)
    divided: AnyArray = back / (size if size != 0 else when_0)
    return divided


def _heard_layers(rng: np.random.Generator) -> Iterator[Arguments]:
    for weights, delta, hidden, outputs, _ in _layers(rng):
        yield delta, weights, hidden, outputs


HIDDEN_DELTA = Task(
    key="05.2",
    title="Back through a layer",
    function="my_hidden_delta",
    points=4,
    stars=2,
    minutes=15,
    reference=hidden_delta,
    inputs=_heard_layers,
    misconceptions=(
        Misconception(
            partial(_wrong_delta, length=lambda back: 1.0),
            "You do not normalise: the deltas of a layer are divided by their length.",
        ),
        Misconception(
            partial(_wrong_delta, sign=-1),
            "Your signs are the other way round: an earlier spike means more potential in the next "
            "layer, and the two minus signs of the derivation cancel.",
        ),
        Misconception(
            partial(_wrong_delta, heard=operator.le),
            "You also count outputs that fired in the very step of the hidden spike, and silent "
            "outputs that 'heard' a silent neuron: who heard it fired later, so < and not <=.",
        ),
        Misconception(
            partial(_wrong_delta, heard=lambda t_in, t_out: t_in < t_out + np.inf),
            "You take the blame of every output: one that had fired before the hidden spike never "
            "heard it.",
        ),
        Misconception(
            partial(_wrong_delta, length=lambda back: float(np.abs(back).sum())),
            "You divide by the sum of the absolute values: the length is the root of the sum of "
            "the squares.",
        ),
        Misconception(
            partial(_wrong_delta, length=lambda back: float((back**2).sum())),
            "You divide by the sum of the squares: the length is its root.",
        ),
        Misconception(
            partial(_wrong_delta, when_0=np.nan),
            "Where all deltas are 0 you divide by 0: nobody is to blame there, and they stay 0.",
        ),
    ),
    uses=("backward.backpropagate", "targets.normalise"),
)


# 05.3, one update by hand ------------------------------------------------------------------------

INPUTS = (1, 4)
HIDDEN_WEIGHTS = ((13, 2), (7, 6), (2, -1))
OUTPUT_WEIGHTS = ((16, 9, 15), (4, 9, 8))


def hand_update() -> dict[str, object]:
    """One update of a network of seven neurons; the right answer of 05.3."""
    return _hand_update()


def _hand_update(
    *, old: bool = False, unit: bool = True, sign: int = -1, everybody: bool = False
) -> dict[str, object]:
    """The update, with one thing wrong for each argument that is not the default."""
    theta, t_max, eta = 10, 10, 5.0
    weights = [np.array(w, dtype=float) for w in (HIDDEN_WEIGHTS, OUTPUT_WEIGHTS)]
    heard = [np.array(INPUTS)]
    for w in weights:
        heard.append(layer_spike_times([heard[-1]], w, theta, t_max=t_max)[0][0].astype(int))
    wanted = relative_targets([heard[2]], [1], gamma=4, t_max=t_max)[0]
    delta = time_error(heard[2], wanted, t_max=t_max)
    deltas = []
    for k in 1, 0:
        delta = normalise(delta) if unit else delta
        deltas.append(delta)
        before = weights[k].copy()
        took_part = arrived(heard[k], heard[k + 1]) | everybody
        weights[k] += sign * eta * delta[:, None] * took_part
        passed = before if old else weights[k]
        delta = (delta[:, None] * passed * took_part).sum(axis=0)
    return {
        "outputs": heard[2],
        "delta_out": deltas[0],
        "w_out": weights[1],
        "delta_hidden": deltas[1],
        "w_hidden": weights[0],
    }


HAND = Task(
    key="05.3",
    title="One update by hand",
    function="my_hand_update",
    points=4,
    stars=2,
    minutes=18,
    reference=hand_update,
    inputs=_no_arguments,
    misconceptions=(
        Misconception(
            partial(_hand_update, old=True),
            "You pass the deltas back through the old output weights: in the rule of the course "
            "they pass through the new ones.",
        ),
        Misconception(
            partial(_hand_update, unit=False),
            "You forgot to divide the deltas of each layer by their length.",
        ),
        Misconception(
            partial(_hand_update, sign=1),
            "Your weights move the wrong way: output 0 fired too early, and its weights have to "
            "fall.",
        ),
        Misconception(
            partial(_hand_update, everybody=True),
            "You treat every spike as if it had been heard: look at each pair of spike times, the "
            "sender's and the receiver's.",
        ),
    ),
)


# 05.4, a step to repair --------------------------------------------------------------------------


def step(
    w_hidden: FloatArray,
    w_out: FloatArray,
    error: FloatArray,
    times: IntArray,
    hidden: IntArray,
    outputs: IntArray,
    eta: float,
) -> tuple[FloatArray, FloatArray]:
    """Both layers after one step; the right answer of 05.4."""
    delta = normalise(error)
    new_out = update(w_out, delta, hidden, outputs, eta)
    back = hidden_delta(delta, new_out, hidden, outputs)
    return update(w_hidden, back, times, hidden, eta), new_out


def _faulty_step(
    w_hidden: FloatArray,
    w_out: FloatArray,
    error: FloatArray,
    times: IntArray,
    hidden: IntArray,
    outputs: IntArray,
    eta: float,
    *,
    left: tuple[str, ...],
) -> tuple[AnyArray, AnyArray]:
    """The function that the notebook gives, with those of its three faults that are left."""
    took_part = operator.le if "bracket" in left else operator.lt
    direction = 1 if "sign" in left else -1
    delta = error / np.linalg.norm(error)
    new_out = _wrong_update(w_out, delta, hidden, outputs, eta, took_part=took_part, sign=direction)
    back = _wrong_delta(
        delta, w_out if "order" in left else new_out, hidden, outputs, heard=took_part
    )
    new_hidden = _wrong_update(
        w_hidden, back, times, hidden, eta, took_part=took_part, sign=direction
    )
    return new_hidden, new_out


def _steps(rng: np.random.Generator) -> Iterator[Arguments]:
    """Networks of two layers with an error of at least one output.

    With this learning rate no delta is 0 by cancelling: rounding would give it a direction.
    """
    for number in range(10_000):
        n_in, n_hidden, n_out = rng.integers(1, 3 + number // 100, size=3)
        w_hidden = _quarters(rng, -4, 6, (n_hidden, n_in))
        w_out = _quarters(rng, -4, 6, (n_out, n_hidden))
        error = rng.integers(-4, 5, size=n_out) / 8
        if not error.any():
            error[0] = 0.125
        spikes = rng.integers(0, 7, size=n_in), rng.integers(1, 8, size=n_hidden)
        yield w_hidden, w_out, error, *spikes, rng.integers(1, 9, size=n_out), 0.37


FAULTS = {
    "bracket": "a spike counts only if it came strictly before the neuron's own, in both layers",
    "sign": "a positive delta says 'too early', so the weights have to fall",
    "order": "the deltas pass back through the output weights as they are after the update",
}


def _left(faults: tuple[str, ...]) -> Misconception:
    """What to say to somebody who left some of the three faults in."""
    number = {1: "One fault is", 2: "Two faults are", 3: "All three faults are"}[len(faults)]
    return Misconception(
        partial(_faulty_step, left=faults),
        f"{number} still there: {'; '.join(FAULTS[name] for name in faults)}.",
    )


STEP = Task(
    key="05.4",
    title="Repair a step",
    function="my_step",
    points=4,
    stars=2,
    minutes=15,
    reference=step,
    inputs=_steps,
    misconceptions=tuple(
        _left(faults) for n in (1, 2, 3) for faults in itertools.combinations(FAULTS, n)
    ),
    uses=("backward.update_weights", "backward.backpropagate"),
)


# 05.5, finite differences ------------------------------------------------------------------------


def slopes(
    times: IntArray, weights: IntArray, threshold: int, t_max: int, h: int
) -> dict[str, object]:
    """Central differences of a spike time by each weight; the right answer of 05.5."""
    return _slopes(times, weights, threshold, t_max, h)


def _slopes(
    times: IntArray,
    weights: IntArray,
    threshold: int,
    t_max: int,
    h: int,
    *,
    down: int = 1,
    divisor: int = 2,
    sign: int = 1,
    restored: bool = True,
    because: str = "a",
) -> dict[str, object]:
    """The differences, with one thing wrong for each argument that is not the default."""

    def fires(w: IntArray) -> int:
        return simulate_neuron(times, w, threshold=threshold, t_max=t_max).spike_time

    found, w = [], weights.copy()
    for i in range(len(weights)):
        w = weights.copy() if restored else w
        w[i] += h
        up = fires(w)
        w[i] -= (1 + down) * h
        found.append(sign * (up - fires(w)) / (divisor * h))
    return {"slopes": found, "because": because}


def _neurons(rng: np.random.Generator) -> Iterator[Arguments]:
    """Neurons near the threshold, so that a nudge of one weight often matters."""
    for number in range(120):
        t_max = int(rng.integers(4, 10))
        size = int(rng.integers(1, 3 + number // 30))
        times = rng.integers(0, t_max + 1, size=size)
        weights = rng.integers(-3, 6, size=size)
        yield times, weights, int(rng.integers(1, 6)), t_max, int(rng.integers(1, 3))


SLOPES = Task(
    key="05.5",
    title="Ask the staircase itself",
    function="my_slopes",
    points=4,
    stars=3,
    minutes=15,
    reference=slopes,
    inputs=_neurons,
    misconceptions=(
        Misconception(
            partial(_slopes, down=0, divisor=1),
            "You nudge a weight up only: take the spike time with w + h minus that with w - h, and "
            "divide by 2 h.",
        ),
        Misconception(
            partial(_slopes, divisor=1),
            "You divide by h: between w - h and w + h lie 2 h.",
        ),
        Misconception(
            partial(_slopes, sign=-1),
            "Your sign is the other way round: the time with the larger weight comes first in the "
            "difference.",
        ),
        Misconception(
            partial(_slopes, restored=False),
            "You do not put a weight back before you nudge the next one: a slope is asked for each "
            "weight alone, with the others as they were.",
        ),
        Misconception(
            partial(_slopes, because="b"),
            "The slopes are right, the reason is not: with negative weights the potential does "
            "fall, and the slopes are never positive all the same.",
        ),
        Misconception(
            partial(_slopes, because="c"),
            "The slopes are right, the reason is not: what the rule assumes changes nothing about "
            "a neuron.",
        ),
    ),
)


# 05.6, who stands still --------------------------------------------------------------------------


def still(
    times: IntArray, hidden: IntArray, outputs: IntArray, error: FloatArray, t_max: int
) -> dict[str, object]:
    """Neurons and weights that cannot learn from an image; the right answer of 05.6."""
    return _still(times, hidden, outputs, error, t_max)


def _still(
    times: IntArray,
    hidden: IntArray,
    outputs: IntArray,
    error: FloatArray,
    t_max: int,
    *,
    only_silent: bool = False,
    all_outputs: bool = False,
    by_all: bool = False,
    weights_of: str = "both",
    because: str = "b",
) -> dict[str, object]:
    """The counts, with one thing wrong for each argument that is not the default."""
    listeners = outputs if all_outputs else outputs[error != 0]
    was_heard = hidden < listeners[:, None]
    moves = np.asarray(was_heard.all(axis=0) if by_all else was_heard.any(axis=0))
    if only_silent:
        moves = hidden < t_max
    late = times >= hidden[:, None]
    stay = {
        "both": late | ~moves[:, None],
        "still": np.zeros_like(late) | ~moves[:, None],
        "late": late,
    }[weights_of]
    return {"neurons": int((~moves).sum()), "weights": int(stay.sum()), "because": because}


def _images(rng: np.random.Generator) -> Iterator[Arguments]:
    """Spike times of three layers; outputs without an error, silent and late neurons."""
    for number in range(10_000):
        t_max = int(rng.integers(4, 8))
        n_in, n_hidden, n_out = rng.integers(1, 3 + number // 75, size=3)
        times = rng.integers(0, t_max + 1, size=n_in)
        hidden = rng.integers(1, t_max + 1, size=n_hidden)
        hidden[rng.random(n_hidden) < 0.2] = t_max
        outputs = rng.integers(1, t_max + 1, size=n_out)
        error = rng.integers(-2, 3, size=n_out) / 8
        if not error.any():
            error[-1] = 0.25
        yield times, hidden, outputs, error, t_max


STILL = Task(
    key="05.6",
    title="Explain who stands still",
    function="my_still",
    points=4,
    stars=2,
    minutes=15,
    reference=still,
    inputs=_images,
    misconceptions=(
        Misconception(
            partial(_still, only_silent=True),
            "You count silent hidden neurons only: one that fired, but later than every output "
            "with an error, was heard by nobody who could blame it.",
        ),
        Misconception(
            partial(_still, all_outputs=True),
            "You count every output as a listener: one without an error has a delta of 0, and "
            "passes nothing back.",
        ),
        Misconception(
            partial(_still, by_all=True),
            "You want a hidden neuron to be heard by all outputs with an error: one that heard it "
            "is enough for a delta.",
        ),
        Misconception(
            partial(_still, weights_of="still"),
            "The neurons are right; of the weights you count those into neurons with a delta of 0: "
            "a weight whose input came too late for its neuron does not move either.",
        ),
        Misconception(
            partial(_still, weights_of="late"),
            "The neurons are right; of the weights you count those whose input came too late: a "
            "weight into a neuron with a delta of 0 does not move either.",
        ),
        Misconception(
            partial(_still, because="a"),
            "The counts are right, the reason is not: a silent neuron's weights may be large, and "
            "the brackets are 0 all the same.",
        ),
        Misconception(
            partial(_still, because="c"),
            "The counts are right, the reason is not: normalisation stretches deltas, and there is "
            "nothing to stretch in a delta of exactly 0.",
        ),
    ),
)


TASKS = (
    UPDATE,
    HIDDEN_DELTA,
    HAND,
    STEP,
    SLOPES,
    STILL,
    OpenTask("05.7", "Another approximation", points=4, stars=3, minutes=30),
)
