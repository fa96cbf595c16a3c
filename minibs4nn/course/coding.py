"""Exercises of chapter 02: pictures as spike times."""

from collections.abc import Iterator
from functools import partial

import numpy as np
import numpy.typing as npt

from minibs4nn._checks import AnyArray, IntArray
from minibs4nn.coding import decode, latency_code, rank_order_code
from minibs4nn.course.judging import Misconception, OpenTask, Task
from minibs4nn.course.values import Arguments

__all__ = ["TASKS", "costs", "grey_levels", "jittered", "latency", "ranks"]

Grey = npt.NDArray[np.uint8]


def _no_arguments(rng: np.random.Generator) -> Iterator[Arguments]:
    yield ()


# 02.1, the latency code --------------------------------------------------------------------------


def latency(image: Grey, t_max: int) -> AnyArray:
    """Firing times of a row of pixels; the right answer of 02.1."""
    times: AnyArray = latency_code(image[None], t_max=t_max)[0]
    return times


def _rows_of_pixels(rng: np.random.Generator) -> Iterator[Arguments]:
    """Short rows with black, white and nearly black pixels, and windows of all lengths."""
    for number in range(10_000):
        size = int(rng.integers(1, 3 + number // 60))
        image = rng.integers(0, 256, size=size)
        special = rng.random(size) < 0.5
        image[special] = rng.choice([0, 0, 1, 2, 128, 254, 255], size=int(special.sum()))
        t_max = int(rng.choice([1, 2, 4, 10, 16, 64, 100, 255, 256, 300]))
        yield image.astype(np.uint8), t_max


def _bright_late(image: Grey, t_max: int) -> object:
    return image.astype(int) * t_max // 255


def _overflowing(image: Grey, t_max: int) -> AnyArray:
    return (
        (255 - image) * t_max // 255
    )  # still uint8: wraps round, or fails where t_max does not fit


def _latency_real(image: Grey, t_max: int) -> AnyArray:
    return (255 - image.astype(int)) * t_max / 255


def _never_silent(image: Grey, t_max: int) -> object:
    return np.minimum(latency(image, t_max), t_max - 1)


LATENCY = Task(
    key="02.1",
    title="A latency code",
    function="my_latency",
    points=2,
    stars=1,
    minutes=8,
    reference=latency,
    inputs=_rows_of_pixels,
    misconceptions=(
        Misconception(
            _bright_late,
            "In your code bright pixels fire late: the darkness 255 - p is what takes time.",
        ),
        Misconception(
            _overflowing,
            "Your numbers overflow: a grey level is a uint8, and so is its product unless you "
            "convert it first, with image.astype(int).",
        ),
        Misconception(
            lambda image, t_max: np.rint(_latency_real(image, t_max)),
            "You round to the nearest step: the formula rounds down, or the darkest greys would "
            "fall silent in a short window.",
        ),
        Misconception(
            lambda image, t_max: np.ceil(_latency_real(image, t_max)),
            "You round up: the formula rounds down, or the darkest greys would fall silent.",
        ),
        Misconception(
            _latency_real,
            "Your times are not whole numbers: a spike falls into a step, and the formula rounds "
            "down. // divides and rounds down.",
        ),
        Misconception(
            _never_silent,
            "In your code black fires in the last step: black never fires, and has the time t_max.",
        ),
        Misconception(
            lambda image, t_max: (255 - image.astype(int)) * t_max // 256,
            "You divide by 256: the largest darkness is 255, and with 256 black would fire.",
        ),
    ),
    uses=("latency_code",),
)


# 02.2, the way back, by hand ---------------------------------------------------------------------

TIMES = (0, 3, 7, 10)  # in a window of 10 steps


def grey_levels() -> list[int]:
    """What four spike times in a window of 10 steps are decoded as; the right answer of 02.2."""
    return [int(level) for level in decode(TIMES, t_max=10)]


GREY_LEVELS = Task(
    key="02.2",
    title="Predict four grey levels",
    function="my_grey_levels",
    points=2,
    stars=1,
    minutes=8,
    reference=grey_levels,
    inputs=_no_arguments,
    misconceptions=(
        Misconception(
            lambda: [255 - 255 * t // 10 for t in TIMES],
            "You round the darkness down. Check it: the grey level that you give for step 3 has "
            "the time 2, not 3.",
        ),
        Misconception(
            lambda: [-(-255 * t // 10) for t in TIMES],
            "You give the darkness; the grey level is 255 minus the darkness.",
        ),
        Misconception(
            lambda: [255 - t for t in TIMES],
            "You decode as if the window had 256 steps: here each of 10 steps stands for 25.5 grey "
            "levels.",
        ),
        Misconception(
            lambda: [255 + (-255 * (t + 1) // 10) + 1 if t < 10 else 0 for t in TIMES],
            "Several grey levels share a time. You give the darkest of them, and the code gives "
            "back the brightest.",
        ),
    ),
    uses=("decode",),
)


# 02.3, rank order --------------------------------------------------------------------------------


def ranks(image: Grey, t_max: int) -> AnyArray:
    """Rank-order code of a row of pixels; the right answer of 02.3."""
    times: AnyArray = rank_order_code(image[None], t_max=t_max)[0]
    return times


def _rows_with_equals(rng: np.random.Generator) -> Iterator[Arguments]:
    """Rows in which several pixels have the same grey level, and some are black."""
    for number in range(10_000):
        levels = np.append(rng.integers(0, 256, size=4), 0)
        image = rng.choice(levels, size=int(rng.integers(1, 4 + number // 40)))
        yield image.astype(np.uint8), int(rng.choice([2, 8, 256]))


def _ranked(
    image: Grey,
    t_max: int,
    *,
    darkest_first: bool = False,
    black_fires: bool = False,
    shared: bool = True,
    gaps: bool = False,
    clipped: bool = True,
    first: int = 0,
) -> list[int]:
    """The code, with one thing wrong for each argument that is not the default."""
    lit = [int(p) for p in image if p > 0 or black_fires]
    order = sorted(lit if gaps or not shared else set(lit), reverse=not darkest_first)
    times, seen = [], dict[int, int]()
    for p in map(int, image):
        if p == 0 and not black_fires:
            times.append(t_max)
            continue
        rank = order.index(p) + first
        if not shared:
            rank += seen.get(p, 0)
            seen[p] = seen.get(p, 0) + 1
        times.append(min(rank, t_max) if clipped else rank)
    return times


RANKS = Task(
    key="02.3",
    title="Rank order",
    function="my_ranks",
    points=3,
    stars=2,
    minutes=12,
    reference=ranks,
    inputs=_rows_with_equals,
    misconceptions=(
        Misconception(
            partial(_ranked, darkest_first=True),
            "In your code the darkest pixel fires first: the brightest has rank 0.",
        ),
        Misconception(
            partial(_ranked, shared=False),
            "You give equal pixels different ranks: pixels of the same grey level fire together.",
        ),
        Misconception(
            partial(_ranked, gaps=True),
            "You leave gaps after equal pixels, as sports do: the next darker level has the next "
            "rank. Count levels, not pixels.",
        ),
        Misconception(
            partial(_ranked, black_fires=True),
            "In your code black pixels have a rank: black never fires, and has the time t_max.",
        ),
        Misconception(
            partial(_ranked, first=1),
            "Your ranks begin at 1: the brightest pixel fires at step 0.",
        ),
        Misconception(
            partial(_ranked, clipped=False),
            "Your ranks can lie outside the window: from t_max on, a pixel is silent and its time "
            "is t_max.",
        ),
    ),
    uses=("rank_order_code",),
)


# 02.4, jitter to repair --------------------------------------------------------------------------


def jittered(times: IntArray, shift: IntArray, t_max: int) -> AnyArray:
    """Spike times after a shift, within the window; the right answer of 02.4."""
    shaken: AnyArray = np.where(times < t_max, np.clip(times + shift, 0, t_max - 1), t_max)
    return shaken


def _shifts(rng: np.random.Generator) -> Iterator[Arguments]:
    """Spikes at both ends of the window, silence, and shifts that lead out of the window."""
    for number in range(10_000):
        t_max = int(rng.integers(2, 6 + number // 20))
        size = int(rng.integers(1, 3 + number // 60))
        times = rng.integers(0, t_max + 1, size=size)
        yield times, rng.integers(-3, 4, size=size), t_max


JITTER = Task(
    key="02.4",
    title="Repair a jitter",
    function="my_jitter",
    points=3,
    stars=2,
    minutes=10,
    reference=jittered,
    inputs=_shifts,
    misconceptions=(
        Misconception(
            lambda times, shift, t_max: np.clip(times + shift, 0, t_max),
            "Both faults are still there: a silent pixel can be shifted into the window, and a "
            "late spike out of it.",
        ),
        Misconception(
            lambda times, shift, t_max: np.clip(times + shift, 0, t_max - 1),
            "In your code silent pixels fire: t_max is not a late moment that could be shifted, "
            "but the mark for silence.",
        ),
        Misconception(
            lambda times, shift, t_max: np.where(
                times < t_max, np.clip(times + shift, 0, t_max), t_max
            ),
            "In your code a late spike can be lost: shifted to t_max, it means silence. The last "
            "step of the window is t_max - 1.",
        ),
        Misconception(
            lambda times, shift, t_max: np.where(times < t_max, (times + shift) % t_max, t_max),
            "In your code a spike that leaves the window comes back at its other end: a late spike "
            "would become the first of all.",
        ),
    ),
)


# 02.5, numbers that explain ----------------------------------------------------------------------


def costs(image: Grey, n_out: int) -> dict[str, object]:
    """Counts and reason of 02.5, for one picture and one layer."""
    return _costs(image, n_out)


def _costs(
    image: Grey,
    n_out: int,
    *,
    black_fires: bool = False,
    grey_sum: bool = False,
    once: bool = False,
    because: str = "c",
) -> dict[str, object]:
    spikes = int(image.size if black_fires else np.count_nonzero(image))
    if grey_sum:
        spikes = int(image.sum())
    additions = spikes if once else spikes * n_out
    return {"spikes": spikes, "additions": additions, "dense": image.size * n_out,
            "because": because}  # fmt: skip


def _pictures(rng: np.random.Generator) -> Iterator[Arguments]:
    """Small pictures, half of them black, and layers of several sizes."""
    for number in range(10_000):
        image = rng.integers(0, 256, size=int(rng.integers(1, 3 + number // 20)))
        image[rng.random(image.size) < 0.5] = 0
        yield image.astype(np.uint8), int(rng.integers(1, 12))


COSTS = Task(
    key="02.5",
    title="Explain a saving",
    function="my_costs",
    points=3,
    stars=2,
    minutes=10,
    reference=costs,
    inputs=_pictures,
    misconceptions=(
        Misconception(
            partial(_costs, black_fires=True),
            "You count a spike for every pixel: black pixels send none.",
        ),
        Misconception(
            partial(_costs, grey_sum=True),
            "You count more spikes for brighter pixels, as a rate code has them: here each pixel "
            "fires once at most, and brightness is in the moment.",
        ),
        Misconception(
            partial(_costs, once=True),
            "You count one addition for each spike: a spike is heard by all neurons of the layer, "
            "and each of them adds a weight.",
        ),
        Misconception(
            partial(_costs, because="a"),
            "The counts are right, the reason is not: the same spikes are sent in a window of any "
            "length.",
        ),
        Misconception(
            partial(_costs, because="b"),
            "The counts are right, the reason is not: one bit per weight makes an addition "
            "cheaper, but does not change their number.",
        ),
    ),
)


TASKS = (
    LATENCY,
    GREY_LEVELS,
    RANKS,
    JITTER,
    COSTS,
    OpenTask("02.6", "A code of your own", points=4, stars=3, minutes=25),
)
