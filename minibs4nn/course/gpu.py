"""Exercises of chapter 11: on a GPU."""

from collections.abc import Iterator
from functools import partial

import numpy as np
import numpy.typing as npt

from minibs4nn._checks import AnyArray, IntArray
from minibs4nn.course.judging import Misconception, OpenTask, Task
from minibs4nn.course.values import Arguments

__all__ = ["TASKS", "card", "places", "sign_of_thread", "speculative", "two_ways"]

Words = npt.NDArray[np.uint32]


def _no_arguments(rng: np.random.Generator) -> Iterator[Arguments]:
    yield ()


# 11.1, from a thread to its data -----------------------------------------------------------------


def sign_of_thread(block: int, thread: int, tile: int, i: int, words: Words, n_out: int) -> int:
    """The sign that a thread reads for a spike of input i; the right answer of 11.1."""
    return _sign(block, thread, tile, i, words, n_out)


def _sign(
    block: int,
    thread: int,
    tile: int,
    i: int,
    words: Words,
    n_out: int,
    *,
    without_block: bool = False,
    last: int = 0,
    guard: bool = True,
    padded: bool = False,
    highest_first: bool = False,
    zero: int = -1,
) -> int:
    """The sign, with one thing wrong for each argument that is not the default."""
    j = thread if without_block else block * tile + thread
    if guard and j >= n_out + last:
        return 0
    row = -(-n_out // 32) * 32 if padded else n_out
    word, bit = divmod(i * row + j, 32)
    if highest_first:
        bit = 31 - bit
    return 1 if int(words[word]) >> bit & 1 else zero


def _packed_layers(rng: np.random.Generator) -> Iterator[Arguments]:
    """Layers of all sizes as words, and threads of every tile, also those without a neuron."""
    for number in range(10_000):
        n_in, n_out = int(rng.integers(1, 4)), int(rng.integers(1, 10 + number // 4))
        tile = int(rng.choice([2, 4, 8, 32]))
        words = rng.integers(0, 2**32, size=-(-n_in * n_out // 32), dtype=np.uint32)
        block = int(rng.integers(0, -(-n_out // tile)))
        thread = int(rng.integers(0, tile))
        if rng.random() < 0.2:  # the first thread that has no neuron, or one of the last that do
            block, thread = divmod(n_out - int(rng.integers(0, 2)), tile)
        yield block, thread, tile, int(rng.integers(0, n_in)), words, n_out


SIGN = Task(
    key="11.1",
    title="A thread finds its sign",
    function="my_sign",
    points=3,
    stars=2,
    minutes=12,
    reference=sign_of_thread,
    inputs=_packed_layers,
    misconceptions=(
        Misconception(
            partial(_sign, without_block=True),
            "You leave out the block: the thread with number 3 of every block is another neuron, "
            "block * tile further on.",
        ),
        Misconception(
            partial(_sign, guard=False),
            "Your threads without a neuron read on, into the row of the next input or beyond the "
            "end: the last tile may be wider than what is left of the layer.",
        ),
        Misconception(
            partial(_sign, last=1),
            "Your guard lets one thread too many pass: neurons have the numbers 0 to n_out - 1, "
            "so j = n_out has none.",
        ),
        Misconception(
            partial(_sign, padded=True),
            "You let each row begin with a new word: rows follow one another without a gap, so "
            "most of them begin in the middle of one.",
        ),
        Misconception(
            partial(_sign, highest_first=True),
            "You count the bits of a word from the other end: bit 0 is the lowest, the one that "
            "says whether the word is odd.",
        ),
        Misconception(
            partial(_sign, zero=0),
            "You return the bit and not the sign: a bit of 0 is the sign -1.",
        ),
    ),
)


# 11.2, launches, waits and blocks by hand --------------------------------------------------------


def card() -> dict[str, int]:
    """What a card is asked in 11.2."""
    return {"launches": 12, "waits": 4, "blocks": 60, "idle": 1680}


CARD = Task(
    key="11.2",
    title="Predict what a card is asked",
    function="my_card",
    points=2,
    stars=1,
    minutes=8,
    reference=card,
    inputs=_no_arguments,
    misconceptions=(
        Misconception(
            lambda: {**card(), "launches": 13},
            "You count a launch for x[None, :]: it is another view of the same numbers, and makes "
            "no new array.",
        ),
        Misconception(
            lambda: {**card(), "launches": 9},
            "You leave out a comparison: y.max() is an array on the card, and to compare it with "
            "1 makes another one.",
        ),
        Misconception(
            lambda: {**card(), "launches": 6, "waits": 2},
            "You count the loop once: what stands in it is asked for three times.",
        ),
        Misconception(
            lambda: {**card(), "waits": 1},
            "You only count the wait of float(): `if` needs a number, too, and waits for it.",
        ),
        Misconception(
            lambda: {**card(), "waits": 8},
            "You let y.max() and y.sum() wait: they are sent, and their results stay on the card.",
        ),
        Misconception(
            lambda: {**card(), "blocks": 47, "idle": 16},
            "You put neurons of two images into one block: a block hears the spikes of one image.",
        ),
        Misconception(
            lambda: {**card(), "idle": 84},
            "You count the idle threads of one image: there are 20 of them.",
        ),
    ),
)


# 11.3, a race to repair --------------------------------------------------------------------------


def places(fired: IntArray, order: IntArray) -> AnyArray:
    """How many of the neurons up to each one have fired; the right answer of 11.3."""
    counts: AnyArray = fired.cumsum()
    return counts


def _racing(
    fired: IntArray,
    order: IntArray,
    *,
    own_order: bool = False,
    copied_once: bool = False,
    in_place: bool = True,
    wraps: bool = False,
    one_by_one: bool = False,
    before: bool = False,
) -> IntArray:
    """The rounds, with one thing wrong for each argument that is not the default (but in_place)."""
    shared, step = fired.copy(), 1
    first = shared.copy()
    while step < len(shared):
        old = first if copied_once else shared if in_place else shared.copy()
        for k in range(len(shared)) if own_order else order:
            if k >= step or wraps:
                shared[k] += old[k - step]
        step = step + 1 if one_by_one else 2 * step
    return shared - fired if before else shared


def _fired_in_order(rng: np.random.Generator) -> Iterator[Arguments]:
    """Blocks of a few threads, which come in any order."""
    for number in range(10_000):
        n = int(rng.integers(1, 4 + number // 25))
        yield rng.integers(0, 2, size=n), rng.permutation(n)


PLACES = Task(
    key="11.3",
    title="Repair a race",
    function="my_places",
    points=3,
    stars=2,
    minutes=15,
    reference=places,
    inputs=_fired_in_order,
    misconceptions=(
        Misconception(
            _racing,
            "The race is still there: thread k reads what thread k - step may have changed in the "
            "same round. Between reading and writing a barrier is missing.",
        ),
        Misconception(
            partial(_racing, own_order=True),
            "You let the threads run in an order of your own, and the race is still there: a card "
            "promises no order, and what thread k - step has written is read by thread k.",
        ),
        Misconception(
            partial(_racing, copied_once=True),
            "You keep the numbers of the beginning: each round has to read what the round before "
            "it has written.",
        ),
        Misconception(
            partial(_racing, in_place=False, wraps=True),
            "Your first threads read from the other end: k - step is negative for them, and they "
            "have nothing to add.",
        ),
        Misconception(
            partial(_racing, in_place=False, one_by_one=True),
            "Your step grows by 1: it has to double, since after each round a number already "
            "stands for twice as many neurons.",
        ),
        Misconception(
            partial(_racing, in_place=False, before=True),
            "You count the neurons before k: neuron k itself is counted, too.",
        ),
    ),
)


# 11.4, speculative rounds ------------------------------------------------------------------------


def speculative(wrong: IntArray, ahead: int) -> dict[str, object]:
    """Rounds, and the images learned from; the right answer of 11.4."""
    return _speculative(wrong, ahead)


def _speculative(
    wrong: IntArray,
    ahead: int,
    *,
    learns_all: bool = False,
    goes_on_behind: bool = False,
    again: bool = False,
    old_weights: bool = False,
    only_errors: bool = False,
) -> dict[str, object]:
    """The rounds, with one thing wrong for each argument that is not the default."""
    began, rounds = 0, 0
    updates: list[int] = []
    while began < len(wrong):
        version = 0 if old_weights else len(updates)
        look = wrong[began : began + ahead, version]
        errors = began + np.flatnonzero(look)
        updates.extend(errors.tolist() if learns_all else errors[:1].tolist())
        if errors.size and not (learns_all or goes_on_behind):
            began = int(errors[0]) + (not again)
        else:
            began += len(look)
        rounds += bool(errors.size) or not only_errors
    return {"rounds": rounds, "updates": updates}


def _learners(rng: np.random.Generator) -> Iterator[Arguments]:
    """Which image has an error under which weights: frequent errors, and rare ones."""
    for number in range(10_000):
        n = int(rng.integers(1, 4 + number // 30))
        wrong = rng.random((n, n + 1)) < rng.choice([0.2, 0.5, 0.8])
        yield wrong.astype(np.int64), int(rng.integers(1, 6))


SPECULATIVE = Task(
    key="11.4",
    title="Speculative rounds",
    function="my_rounds",
    points=4,
    stars=3,
    minutes=20,
    reference=speculative,
    inputs=_learners,
    misconceptions=(
        Misconception(
            partial(_speculative, learns_all=True),
            "You learn from every error of a round: that is a mini-batch. After the first one the "
            "weights are others, and what was seen with the old ones is void.",
        ),
        Misconception(
            partial(_speculative, goes_on_behind=True),
            "Your next round begins behind all images of this one: those after the first error "
            "were seen with weights that are gone, and have to be seen again.",
        ),
        Misconception(
            partial(_speculative, again=True),
            "Your next round begins with the image that was just learned from: online learning "
            "goes on with the next one.",
        ),
        Misconception(
            partial(_speculative, old_weights=True),
            "You always look with the weights of the beginning: after v updates it is column v "
            "that says who has an error.",
        ),
        Misconception(
            partial(_speculative, only_errors=True),
            "You count only the rounds with an error: a round that finds none was a round, too.",
        ),
    ),
)


# 11.5, numbers that explain ----------------------------------------------------------------------


def two_ways(weight: float, limits: IntArray, rate: float) -> dict[str, object]:
    """One weight after online learning and after a mini-batch; the right answer of 11.5."""
    return _two_ways(weight, limits, rate)


def _two_ways(
    weight: float,
    limits: IntArray,
    rate: float,
    *,
    reaches: bool = False,
    old_weight: bool = False,
    batch: str = "mean",
    because: str = "b",
) -> dict[str, object]:
    def asks(w: float, limit: int) -> bool:
        return w >= limit if reaches else w > limit

    online = weight
    for limit in limits.tolist():
        online -= rate * asks(weight if old_weight else online, limit)
    errors = sum(asks(weight, limit) for limit in limits.tolist())
    among = {"mean": len(limits), "sum": 1, "mean of the errors": max(errors, 1)}[batch]
    return {"online": online, "batch": weight - rate * errors / among, "because": because}


def _limits(rng: np.random.Generator) -> Iterator[Arguments]:
    """A weight and what a few images ask of it; steps that a computer adds without rounding."""
    for number in range(10_000):
        limits = rng.integers(0, 6, size=int(rng.integers(1, 4 + number // 60)))
        yield float(rng.integers(0, 8)), limits, float(rng.choice([0.5, 1.0, 2.0]))


TWO_WAYS = Task(
    key="11.5",
    title="Explain a mini-batch",
    function="my_two_ways",
    points=3,
    stars=2,
    minutes=12,
    reference=two_ways,
    inputs=_limits,
    misconceptions=(
        Misconception(
            partial(_two_ways, batch="sum"),
            "Your batch moves by the sum of the steps: it moves by their mean over all its images.",
        ),
        Misconception(
            partial(_two_ways, batch="mean of the errors"),
            "You divide by the number of images with an error: the mean is taken over all images "
            "of the batch, and those without an error count as steps of 0.",
        ),
        Misconception(
            partial(_two_ways, old_weight=True),
            "Online, you show every image the first weight: each meets the weight that the one "
            "before it has left.",
        ),
        Misconception(
            partial(_two_ways, reaches=True),
            "You compare with >=: an image has an error if the weight exceeds its limit.",
        ),
        Misconception(
            partial(_two_ways, because="a"),
            "The numbers are right, the reason is not: here all sums are exact, and the two differ "
            "all the same.",
        ),
        Misconception(
            partial(_two_ways, because="c"),
            "The numbers are right, the reason is not: both see each image once.",
        ),
    ),
)


TASKS = (
    SIGN,
    CARD,
    PLACES,
    SPECULATIVE,
    TWO_WAYS,
    OpenTask("11.6", "A kernel of your own", points=4, stars=3, minutes=25),
)
