"""Exercises of chapter 14: out of the notebook."""

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from minibs4nn._checks import AnyArray, FloatArray, IntArray
from minibs4nn.course.judging import Misconception, OpenTask, Task
from minibs4nn.course.values import Arguments

__all__ = ["TASKS", "elsewhere", "limits", "places", "search", "spike_times"]


def _no_arguments(rng: np.random.Generator) -> Iterator[Arguments]:
    yield ()


# 14.1, a table as spike times --------------------------------------------------------------------


def spike_times(training: FloatArray, rows: FloatArray, fields: int, t_max: int) -> FloatArray:
    """Spike times of new rows, by the ranges of the training rows; the right answer of 14.1."""
    return _spike_times(training, rows, fields, t_max)


def _spike_times(
    training: FloatArray,
    rows: FloatArray,
    fields: int,
    t_max: int,
    *,
    learned_from: str = "training",
    per_column: bool = True,
    held: bool = True,
    reach: bool = True,
    within: bool = True,
    near_late: bool = False,
    rounded: Callable[[FloatArray], FloatArray] = np.floor,
    by_field: bool = False,
) -> FloatArray:
    """The spike times, with one thing wrong for each argument that is not the default."""
    everything = np.concatenate([training, rows])
    seen = {"training": training, "rows": rows, "everything": everything}[learned_from]
    low, high = seen.min(axis=0), seen.max(axis=0)
    if not per_column:
        low, high = low.min(), high.max()
    place = (rows - low) / (high - low)
    if held:
        place = np.clip(place, 0, 1)
    far = np.abs(place[..., None] - np.linspace(0, 1, fields))
    if reach:
        far = far / min(1.0, 2 / (fields - 1))
    if within:
        far = np.minimum(far, 1)
    times = rounded((1 - far if near_late else far) * t_max)
    return (times.swapaxes(1, 2) if by_field else times).reshape(len(rows), -1)


def _tables(rng: np.random.Generator) -> Iterator[Arguments]:
    """Columns whose ranges a computer divides by without rounding, and values beyond them."""
    for number in range(10_000):
        n_columns = int(rng.integers(1, 3 + number // 100))
        low = rng.integers(-5, 30, size=n_columns)
        span = rng.choice([1, 2, 4, 8, 32], size=n_columns)
        between = rng.integers(0, span + 1, size=(int(rng.integers(0, 3)), n_columns))
        training = rng.permutation(np.vstack([low, low + span, low + between]))
        rows = low + rng.integers(-3, span + 3, size=(2, n_columns))
        rows[1] = rows[0] + rng.choice([-4, -2, -1, 1, 2, 4], size=n_columns)
        fields, t_max = int(rng.choice([2, 3, 5])), int(rng.choice([4, 8, 256]))
        yield training.astype(np.float64), rows.astype(np.float64), fields, t_max


SPIKE_TIMES = Task(
    key="14.1",
    title="A table as spike times",
    function="my_spike_times",
    points=4,
    stars=2,
    minutes=20,
    reference=spike_times,
    inputs=_tables,
    misconceptions=(
        Misconception(
            partial(_spike_times, learned_from="everything"),
            "You take the ranges from all rows: the new rows have helped to scale themselves, and "
            "what is measured on them says too much.",
        ),
        Misconception(
            partial(_spike_times, learned_from="rows"),
            "You take the ranges from the new rows: they are learned from the training rows, and "
            "the same value has to give the same spikes whatever other rows come with it.",
        ),
        Misconception(
            partial(_spike_times, per_column=False),
            "You take one range for the whole table: each column has a range of its own.",
        ),
        Misconception(
            partial(_spike_times, held=False),
            "A value beyond the training rows is taken as it is in your code: it is moved to the "
            "nearer end of their range.",
        ),
        Misconception(
            partial(_spike_times, reach=False),
            "You leave out the reach D: a field is silent from D on, and not only at the other "
            "end of the range.",
        ),
        Misconception(
            partial(_spike_times, within=False),
            "Your times can lie behind the window: a field that is further off than D is silent, "
            "at t_max.",
        ),
        Misconception(
            partial(_spike_times, near_late=True),
            "Your fields fire late when the value is near: the nearer, the earlier the spike.",
        ),
        Misconception(
            partial(_spike_times, rounded=np.rint),
            "You round to the nearest step: the formula rounds down.",
        ),
        Misconception(
            partial(_spike_times, by_field=True),
            "You put the first fields of all columns first: it is all fields of the first column, "
            "then those of the second.",
        ),
    ),
)


# 14.2, a leak to repair --------------------------------------------------------------------------


def places(table: FloatArray, fold: IntArray) -> FloatArray:
    """Each row scaled by the rows of the other folds; the right answer of 14.2."""
    return _places(table, fold)


def _places(
    table: FloatArray,
    fold: IntArray,
    *,
    of: Callable[[IntArray, int], AnyArray] = np.not_equal,
    clip: bool = True,
) -> FloatArray:
    """The scaled rows: by the ranges of other rows, or not held within them."""
    scaled = np.empty_like(table)
    for number in set(fold.tolist()):
        seen = table[of(fold, number)]
        low, span = seen.min(axis=0), np.ptp(seen, axis=0)
        scaled[fold == number] = (table[fold == number] - low) / span
    return scaled.clip(0, 1) if clip else scaled


def _everyone(fold: IntArray, number: int) -> AnyArray:
    return np.ones(len(fold), dtype=bool)


def _first(fold: IntArray, number: int) -> AnyArray:
    return np.asarray(fold != 0)


def _folded(rng: np.random.Generator) -> Iterator[Arguments]:
    """Tables without equal values in a column, and folds of two rows or more."""
    for number in range(10_000):
        n_folds, n_columns = int(rng.integers(2, 4)), int(rng.integers(1, 3))
        fold = np.repeat(np.arange(n_folds), int(rng.integers(2, 4 + number // 150)))
        columns = [rng.permutation(3 * len(fold))[: len(fold)] for _ in range(n_columns)]
        yield np.stack(columns, axis=1).astype(np.float64), rng.permutation(fold)


PLACES = Task(
    key="14.2",
    title="Repair a leak",
    function="my_places",
    points=3,
    stars=2,
    minutes=12,
    reference=places,
    inputs=_folded,
    misconceptions=(
        Misconception(
            partial(_places, of=_everyone),
            "The leak is still there: the ranges are those of all rows, and those of the fold "
            "itself are among them.",
        ),
        Misconception(
            partial(_places, of=np.equal),
            "You scale each fold by its own rows: it is held out, and its ranges are not known.",
        ),
        Misconception(
            partial(_places, clip=False),
            "The leak is closed, but your places can lie outside 0 to 1 now: a value beyond the "
            "range of the other folds counts as the nearer end of it.",
        ),
        Misconception(
            partial(_places, of=_first),
            "You use the ranges of one fold's training rows for all folds: each fold has other "
            "rows, and ranges of its own.",
        ),
    ),
)


# 14.3, numbers that explain ----------------------------------------------------------------------


def search(validation: FloatArray, test: FloatArray) -> dict[str, object]:
    """What a search chooses, reports and costs; the right answer of 14.3."""
    return _search(validation, test)


def _search(
    validation: FloatArray,
    test: FloatArray,
    *,
    by: str = "mean",
    reports_validation: bool = False,
    refit: int = 1,
    folds: bool = True,
    because: str = "c",
) -> dict[str, object]:
    """The search, with one thing wrong for each argument that is not the default."""
    scores = {"mean": validation.mean(axis=1), "best": validation.max(axis=1), "test": test}[by]
    chosen = int(scores.argmax())
    reported = validation[chosen].mean() if reports_validation else test[chosen]
    trainings = (validation.size if folds else len(validation)) + refit
    return {
        "chosen": chosen,
        "reported": float(reported),
        "trainings": trainings,
        "because": because,
    }


def _searches(rng: np.random.Generator) -> Iterator[Arguments]:
    """Accuracies of a few settings on a few folds, and on the test set."""
    for number in range(10_000):
        n_settings, n_folds = int(rng.integers(1, 4 + number // 100)), int(rng.integers(2, 6))
        skill = rng.uniform(0.85, 0.95, size=n_settings)
        validation = skill[:, None] + rng.normal(0, 0.03, size=(n_settings, n_folds))
        test = skill + rng.normal(0, 0.02, size=n_settings)
        validation, test = np.round(validation, 3), np.round(test, 3)
        means = validation.mean(axis=1)
        if (means > means.max() - 1e-6).sum() == 1:  # a tie would be broken by rounding
            yield validation, test


SEARCH = Task(
    key="14.3",
    title="Explain a search",
    function="my_search",
    points=3,
    stars=2,
    minutes=12,
    reference=search,
    inputs=_searches,
    misconceptions=(
        Misconception(
            partial(_search, by="test"),
            "You choose by the test set: then it has taken part in the choice, and says nothing "
            "of rows that nobody has seen.",
        ),
        Misconception(
            partial(_search, by="best"),
            "You choose by the best single fold: the more folds, the luckier the luckiest. The "
            "mean over the folds decides.",
        ),
        Misconception(
            partial(_search, reports_validation=True),
            "You report the accuracy by which you have chosen: it is the best of several, and its "
            "luck was chosen, too. The test set has the word.",
        ),
        Misconception(
            partial(_search, refit=0),
            "You leave out the last training: the chosen setting is trained once more, on all "
            "training rows.",
        ),
        Misconception(
            partial(_search, folds=False),
            "You count one training for each setting: there is one for each fold, too.",
        ),
        Misconception(
            partial(_search, because="a"),
            "The numbers are right, the reason is not: every fold is judged on rows that its "
            "network has not been trained on.",
        ),
        Misconception(
            partial(_search, because="b"),
            "The numbers are right, the reason is not: networks of the folds are trained on fewer "
            "rows, which makes them worse and not better.",
        ),
    ),
)


# 14.4, the scale in the limit --------------------------------------------------------------------


def limits(thresholds: FloatArray, scale: float) -> dict[str, object]:
    """Whole limits for sums of signs; the right answer of 14.4."""
    return _limits(thresholds, scale)


def _limits(
    thresholds: FloatArray,
    scale: float,
    *,
    exceed: Callable[[FloatArray], FloatArray] = np.floor,
    reach: Callable[[FloatArray], FloatArray] = lambda ratio: np.floor(ratio) + 1,
    divide: Callable[[FloatArray, float], FloatArray] = np.divide,
) -> dict[str, object]:
    """The limits, rounded in another way, or of another ratio."""
    ratio = divide(thresholds, scale)
    return {"exceed": exceed(ratio), "reach": reach(ratio)}


def _scaled_layers(rng: np.random.Generator) -> Iterator[Arguments]:
    """Thresholds that are whole multiples of the scale, and others; some below 0."""
    for number in range(10_000):
        scale = float(rng.choice([0.25, 0.5, 1.5, 2.0, 5.0]))
        size = int(rng.integers(1, 3 + number // 60))
        whole = rng.random(size) < 0.4
        thresholds = np.where(whole, scale * rng.integers(-3, 8, size=size), rng.integers(-6, 20))
        yield thresholds + np.where(whole, 0.0, 0.5), scale


LIMITS = Task(
    key="14.4",
    title="Fold the scale into the limit",
    function="my_limits",
    points=3,
    stars=2,
    minutes=12,
    reference=limits,
    inputs=_scaled_layers,
    misconceptions=(
        Misconception(
            partial(_limits, divide=np.multiply),
            "You multiply by the scale: alpha times the sum exceeds theta where the sum exceeds "
            "theta / alpha.",
        ),
        Misconception(
            partial(_limits, divide=lambda thresholds, scale: thresholds),
            "You leave out the scale: the other simulator adds up signs, and does not know it.",
        ),
        Misconception(
            partial(_limits, exceed=np.array, reach=lambda ratio: ratio + 1),
            "You do not round: a sum of signs is a whole number, and so are its limits. Rounded "
            "up or down, that is the question.",
        ),
        Misconception(
            partial(_limits, exceed=np.ceil),
            "Your limit to exceed is rounded up: with theta / alpha = 2.5 a sum of 3 fires, so 3 "
            "must exceed the limit.",
        ),
        Misconception(
            partial(_limits, reach=np.ceil),
            "Your limit to reach is too low where theta / alpha is a whole number: a sum that only "
            "reaches it does not fire in our network.",
        ),
        Misconception(
            partial(_limits, reach=np.floor),
            "You give the same limit twice: to reach a limit is less than to exceed it, so the one "
            "to reach has to be larger by 1.",
        ),
        Misconception(
            partial(_limits, exceed=np.trunc, reach=lambda ratio: np.trunc(ratio) + 1),
            "You cut off the digits, as int() does: below 0 that rounds up. floor rounds down "
            "everywhere.",
        ),
    ),
)


# 14.5, another simulator by hand -----------------------------------------------------------------


def elsewhere() -> dict[str, object]:
    """What happens in the other simulator of 14.5."""
    return {
        "hidden": [2, 4, 16],
        "outputs": [6, 9],
        "spikes": _spikes(reset=0),
        "far": _spikes(reset=-100),
    }


def _spikes(reset: int) -> list[int]:
    """Steps at which a neuron of threshold 2 fires that hears a spike of +1 in each of 8 steps."""
    potential, fired = 0, []
    for t in range(8):
        potential += 1
        if potential > 2:
            fired.append(t)
            potential = reset
    return fired


ELSEWHERE = Task(
    key="14.5",
    title="Predict another simulator",
    function="my_elsewhere",
    points=3,
    stars=2,
    minutes=10,
    reference=elsewhere,
    inputs=_no_arguments,
    misconceptions=(
        Misconception(
            lambda: {**elsewhere(), "outputs": [7, 10]},
            "You move the outputs by one step: the hidden spikes that they hear have moved, too, "
            "so it is one step for each layer.",
        ),
        Misconception(
            lambda: {**elsewhere(), "hidden": [3, 5, 16], "outputs": [8, 11]},
            "You leave all times as they are: our spikes are stamped one step after the crossing, "
            "theirs are not.",
        ),
        Misconception(
            lambda: {**elsewhere(), "hidden": [2, 4, 15]},
            "You move a silent neuron: 16 is no time but the mark for silence, which stays.",
        ),
        Misconception(
            lambda: {**elsewhere(), "spikes": [2]},
            "You let the neuron be silent after its first spike: from 0 it can climb again, and "
            "exceed 2 a second time.",
        ),
        Misconception(
            lambda: {**elsewhere(), "spikes": [2, 3, 4, 5, 6, 7]},
            "You let the potential stay above the threshold: after a spike it goes back to 0.",
        ),
        Misconception(
            lambda: {**elsewhere(), "spikes": [1, 3, 5, 7], "far": [1]},
            "You let the neuron fire when it reaches 2: it has to exceed 2.",
        ),
        Misconception(
            lambda: {**elsewhere(), "far": []},
            "You take the first spike away, too: the reset comes after it.",
        ),
    ),
)


TASKS = (
    SPIKE_TIMES,
    PLACES,
    SEARCH,
    LIMITS,
    ELSEWHERE,
    OpenTask("14.6", "A network that leaves", points=4, stars=3, minutes=30),
)
