"""What is left of a network when something is not as it was in training."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from minibs4nn._checks import (
    FloatArray,
    IntArray,
    SpikeTimes,
    check_choice,
    check_finite,
    check_labels,
    check_spike_times,
    check_t_max,
    is_whole,
)
from minibs4nn.analysis._response import (
    SingleSpikeNetwork,
    as_it_is_now,
    as_spiking,
    check_steps,
)
from minibs4nn.evaluation import Evaluation
from minibs4nn.model import SpikingNetwork

__all__ = [
    "Curve",
    "check_amounts",
    "check_factors",
    "jitter",
    "jitter_curve",
    "threshold_sweep",
]

FACTORS = (0.25, 0.5, 0.75, 0.9, 1.0, 1.1, 1.25, 1.5, 2.0)
AMOUNTS = (0, 10, 25, 50, 100)  # in a window of 256 steps
COUNTERS = [field.name for field in fields(Evaluation)]


@dataclass(frozen=True)
class Curve:
    """The same network judged again and again, while one thing was changed.

    Attributes
    ----------
    name : str
        What was changed, with its unit.
    values : tuple of float
        To what.
    evaluations : tuple of tuples of Evaluation
        One or more for each value.

    Examples
    --------
    >>> def judged(accuracy):
    ...     return Evaluation(100, accuracy, accuracy, 0.0, 0.0, 30.0, 400.0, 90000.0)
    >>> curve = Curve("jitter (time steps)", (0, 10), ((judged(0.9),), (judged(0.5), judged(0.75))))
    >>> curve.mean("accuracy").tolist(), curve.lowest("accuracy").tolist()
    ([0.9, 0.625], [0.9, 0.5])
    """

    name: str
    values: tuple[float, ...]
    evaluations: tuple[tuple[Evaluation, ...], ...]

    def mean(self, counter: str) -> FloatArray:
        """Mean of a field of :class:`~minibs4nn.Evaluation` over the draws, one for each value.

        Raises
        ------
        ValueError
            If there is no such field; so do the next two.
        """
        return np.array([np.mean(draws) for draws in self._of("mean", counter)])

    def lowest(self, counter: str) -> FloatArray:
        """The lowest over the draws, one for each value."""
        return np.array([min(draws) for draws in self._of("lowest", counter)])

    def highest(self, counter: str) -> FloatArray:
        """The highest over the draws, one for each value."""
        return np.array([max(draws) for draws in self._of("highest", counter)])

    def _of(self, method: str, counter: str) -> list[list[float]]:
        check_choice(f"Curve.{method}", "counter", counter, COUNTERS)
        return [[getattr(e, counter) for e in draws] for draws in self.evaluations]


def threshold_sweep(
    net: SingleSpikeNetwork,
    images: npt.ArrayLike,
    labels: npt.ArrayLike,
    factors: Sequence[float] = FACTORS,
) -> Curve:
    """Multiply all thresholds of a trained network by a factor, and judge it again.

    A lower threshold is exceeded earlier and by more neurons: decisions come sooner, and ties are
    more frequent. A higher one leaves more images without any output spike.

    Parameters
    ----------
    net : S4NN, BS4NN or PackedBS4NN
        It is not changed. A packed one has its thresholds rounded to whole numbers already, so
        that a factor can give other firing times than on the network it was packed from.
    images : uint8 array, shape (n, height, width) or (n, pixels); or int16 spike times
    labels : int array, shape (n,)
    factors : sequence of float, above 0, at least one

    Returns
    -------
    Curve
        With one evaluation for each factor.

    Raises
    ------
    TypeError, ValueError
        If a factor is not a finite number above 0, there is none, or the images and labels do not
        fit.

    Examples
    --------
    >>> from minibs4nn import S4NN
    >>> net = S4NN.from_weights([[[3, 0], [0, 5]]], threshold=2.0, t_max=8)
    >>> times = np.array([[2, 4], [6, 4]], dtype=np.int16)
    >>> threshold_sweep(net, times, [0, 1], [1, 3]).mean("silent").tolist()
    [0.0, 1.0]
    """
    where = "threshold_sweep"
    spiking, inputs, truth = _prepare(where, net, images, labels)
    checked = check_factors(where, factors)
    evaluations = [
        (_with_thresholds(spiking, factor).evaluate_inputs(inputs, truth),) for factor in checked
    ]
    return Curve("threshold (of the trained one)", tuple(checked), tuple(evaluations))


def jitter(
    times: npt.ArrayLike, amount: int, rng: np.random.Generator, *, t_max: int = 256
) -> SpikeTimes:
    """Move each spike by a random whole number of steps, evenly from -amount to amount.

    A spike stays within the window: what would leave it comes in its first or its last step. A
    silent neuron stays silent.

    Parameters
    ----------
    times : int array, any shape, time steps 0 to t_max
    amount : int, time steps, 0 or more
    rng : numpy.random.Generator
    t_max : int, time steps

    Returns
    -------
    int16 array, the shape of ``times``

    Raises
    ------
    TypeError, ValueError
        If times are not whole numbers in 0..t_max, the amount is not one in 0..t_max, or ``rng`` is
        no Generator.

    Examples
    --------
    >>> jitter([0, 7, 8], 2, np.random.default_rng(0), t_max=8).tolist()
    [2, 7, 8]
    """
    t_max = check_t_max("jitter", t_max)
    spikes = check_spike_times("jitter", times, t_max)
    if not is_whole(amount) or not 0 <= amount <= t_max:
        raise ValueError(
            f"jitter: amount must be a whole number of time steps, 0 to {t_max}, got {amount!r}"
        )
    if not isinstance(rng, np.random.Generator):
        raise TypeError(
            "jitter: rng must be a numpy.random.Generator, such as np.random.default_rng(0), got "
            f"{type(rng).__name__}"
        )
    amount = int(amount)
    fired = spikes < t_max
    moved = spikes.copy()
    shift = rng.integers(-amount, amount, size=np.count_nonzero(fired), endpoint=True)
    moved[fired] = np.clip(spikes[fired] + shift, 0, t_max - 1)
    return moved


def jitter_curve(
    net: SingleSpikeNetwork,
    images: npt.ArrayLike,
    labels: npt.ArrayLike,
    amounts: Sequence[int] | None = None,
    *,
    draws: int = 3,
    seed: int = 0,
) -> Curve:
    """Shake the input spikes of a trained network, and judge it again.

    Parameters
    ----------
    net : S4NN, BS4NN or PackedBS4NN
    images : uint8 array, shape (n, height, width) or (n, pixels); or int16 spike times
    labels : int array, shape (n,)
    amounts : sequence of int, time steps, optional
        How far a spike is moved at most; see :func:`jitter`. None: 0, 10, 25, 50 and 100 of 256
        steps, and as much of a shorter or longer window.
    draws : int
        How often each amount is drawn anew. An amount of 0 leaves nothing to draw.
    seed : int
        Equal arguments give equal curves; a point does not depend on the other amounts.

    Returns
    -------
    Curve
        With ``draws`` evaluations for each amount, and one for 0.

    Raises
    ------
    TypeError, ValueError
        If an amount is out of the window, there is none, or no draw, or images and labels do not
        fit.

    Examples
    --------
    >>> from minibs4nn import S4NN
    >>> net = S4NN.from_weights([[[3, 0], [0, 5]]], threshold=2.0, t_max=8)
    >>> times = np.array([[2, 4], [6, 4]], dtype=np.int16)
    >>> curve = jitter_curve(net, times, [0, 1], [0, 1], draws=2)
    >>> [len(evaluations) for evaluations in curve.evaluations], curve.mean("accuracy")[0]
    ([1, 2], np.float64(1.0))
    """
    where = "jitter_curve"
    spiking, inputs, truth = _prepare(where, net, images, labels)
    if not is_whole(draws) or draws < 1 or not is_whole(seed) or seed < 0:
        raise ValueError(
            f"{where}: draws must be 1 or more and seed 0 or more, got draws={draws!r}, "
            f"seed={seed!r}"
        )
    checked = check_amounts(where, amounts, spiking.t_max)
    evaluations = []
    for amount in checked:
        times = (
            jitter(inputs, amount, np.random.default_rng([seed, amount, draw]), t_max=spiking.t_max)
            for draw in range(draws if amount else 1)
        )
        evaluations.append(tuple(spiking.evaluate_inputs(shaken, truth) for shaken in times))
    return Curve("jitter (time steps)", tuple(checked), tuple(evaluations))


def check_factors(where: str, factors: Sequence[float]) -> list[float]:
    """Return factors as floats above 0, one or more."""
    checked = check_finite(where, "factors", factors)
    if checked.ndim != 1 or checked.size == 0 or not (checked > 0).all():
        raise ValueError(
            f"{where}: factors must be a list of one or more numbers above 0, got {factors!r}"
        )
    found: list[float] = checked.tolist()
    return found


def check_amounts(where: str, amounts: Sequence[int] | None, t_max: int) -> list[int]:
    """Return amounts as ints, one or more; for None, those of :func:`jitter_curve`."""
    if amounts is None:
        return sorted({amount * t_max // 256 for amount in AMOUNTS})
    return check_steps(where, "amounts", amounts, t_max)


def _prepare(
    where: str, net: object, images: npt.ArrayLike, labels: npt.ArrayLike
) -> tuple[SpikingNetwork, SpikeTimes, IntArray]:
    """Check everything once: the network, its encoded images, and their labels."""
    spiking = as_spiking(where, net)
    inputs = spiking._encode(where, images)
    truth = check_labels(where, labels, len(inputs), spiking.layers[-1])
    if len(inputs) == 0:
        raise ValueError(f"{where}: there are no images to judge by")
    return spiking, inputs, truth


def _with_thresholds(net: SpikingNetwork, factor: float) -> SpikingNetwork:
    """The same network with all thresholds multiplied; the original keeps its own."""
    other = as_it_is_now(net)
    parameters = other.parameters
    parameters.thresholds = [factor * theta for theta in parameters.thresholds]
    return other
