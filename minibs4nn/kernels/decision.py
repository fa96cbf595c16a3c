"""Chapter 13: what a backend computes for :class:`~minibs4nn.DecisionPotential`.

``reference_decision.py`` is the definition, ``cpu_decision.py`` its compiled twin. Errors are whole
numbers of small parts, so the order in which they are added does not matter; real potentials are
added in the same order by both. So both give the same bits.
"""

import importlib
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, cast

import numpy as np
import numpy.typing as npt

from minibs4nn._checks import AnyArray, BoolArray, FloatArray, IntArray
from minibs4nn.errors import BackendError
from minibs4nn.evaluation import Outcomes
from minibs4nn.kernels import get_kernels

if TYPE_CHECKING:
    from minibs4nn.rules import DecisionPotential

__all__ = [
    "ERROR_STEPS",
    "HIDDEN_STEPS",
    "LARGEST_BATCH",
    "LARGEST_HIDDEN",
    "PUSH_MARGIN",
    "PUSH_OTHERS",
    "SMALLEST_MOMENT",
    "TABLE_STEPS",
    "Batch",
    "DecisionKernels",
    "Gradients",
    "TwoLayers",
    "exponentials",
    "get_decision_kernels",
    "views",
]

ERROR_STEPS = 2**14  # an output's error, -1 to 1, is a whole number of these parts
HIDDEN_STEPS = 2**7  # an error passed on to a hidden neuron, -2 to 2 through signs, of these
# Through signs, the errors of a batch are summed as int16, and none counts as more than this;
# without a push and a reward none is larger.
LARGEST_HIDDEN = 2 * HIDDEN_STEPS
LARGEST_BATCH = np.iinfo(np.int16).max // LARGEST_HIDDEN
TABLE_STEPS = 256  # the softmax reads its exponentials in steps of 1/256
TABLE_END = 16  # exp(-16) of an error is less than half of one of its parts

# A moment of Adam below this is 0. Weights that hear nothing for long would else keep numbers so
# small that a processor takes many times as long over them; gradients that count are far larger.
SMALLEST_MOMENT = 1e-30
PUSH_MARGIN = 2.0  # temperatures by which a push asks the potentials to be off their thresholds
PUSH_OTHERS = 1 / 3  # strength of a push for each of the other outputs; 1 is that for the label
NAILS = 4  # along each side of an image

_MODULES = {
    "minibs4nn.kernels.reference": "minibs4nn.kernels.reference_decision",
    "minibs4nn.kernels.cpu": "minibs4nn.kernels.cpu_decision",
}


class Batch(NamedTuple):
    """The images of one step, and what chance decided about each.

    Attributes
    ----------
    images : int64 array, shape (m,)
        Indices.
    at_end : bool array, shape (m,)
        Whether the potentials are read at the end of the window, whatever has fired.
    dropped : bool array, shape (m, n_hidden), or (m, 0) if none is
        Hidden neurons that are left out: they neither fire nor learn.
    view : int64 array, shape (m,)
        How each image is seen: a row of ``views``.
    views : int32 array, shape (n_views, n_in)
        See :func:`views`.
    """

    images: IntArray
    at_end: BoolArray
    dropped: BoolArray
    view: IntArray
    views: npt.NDArray[np.int32]


class TwoLayers(NamedTuple):
    """A network with one hidden layer, as it runs.

    Attributes
    ----------
    weights : list of two arrays, shapes (n_out, n_in)
        int8, +1 and -1; or float64.
    thresholds : list of two float64 arrays, shapes (n_out,)
        In the unit of the potentials; for signs whole numbers within -n_in - 1 and n_in, since no
        sum lies beyond.
    """

    weights: list[AnyArray]
    thresholds: list[FloatArray]


class Gradients(NamedTuple):
    """Slopes of the loss, summed over a batch.

    Attributes
    ----------
    hidden : int16 array, or int32 for real weights, shape (n_hidden, n_in)
        Along the weights of the hidden layer, in parts of ``1 / HIDDEN_STEPS``.
    output : int32 array, shape (n_out, n_hidden)
        Along the weights of the output layer, in parts of ``1 / ERROR_STEPS``.
    hidden_threshold : int32 array, shape (n_hidden,)
        Along the hidden thresholds, in parts of ``1 / HIDDEN_STEPS``.
    output_threshold : int32 array, shape (n_out,)
        Along the output thresholds, in parts of ``1 / ERROR_STEPS``.
    missed : int
        Images that were read at the end of the window, with the label's neuron not above its
        threshold.
    learned : int
        Images whose error was large enough to learn from.
    outcomes : Outcomes
        What the network made of each image.
    """

    hidden: AnyArray
    output: npt.NDArray[np.int32]
    hidden_threshold: npt.NDArray[np.int32]
    output_threshold: npt.NDArray[np.int32]
    missed: int
    learned: int
    outcomes: Outcomes


class DecisionKernels(Protocol):
    """What a backend provides for this rule."""

    def gradients(
        self, prepared: Any, labels: IntArray, batch: Batch, net: TwoLayers,
        rule: "DecisionPotential", *, t_max: int,
    ) -> Gradients:  # fmt: skip
        """Slopes of the loss, summed over the images of a batch; nothing is changed."""

    def adam(
        self, weights: AnyArray, signs: AnyArray | None, first: AnyArray, second: AnyArray,
        gradient: AnyArray, *, unit: float, rate: float,
    ) -> int:  # fmt: skip
        """One step of Adam, in place; return how many signs flipped."""


def exponentials() -> FloatArray:
    """``exp(-k / TABLE_STEPS)`` for k = 0, 1, 2, ... until nothing is left of it.

    Every backend reads the same table: no two libraries agree on the last bit of an exponential.

    Returns
    -------
    float64 array, shape (TABLE_END * TABLE_STEPS,)

    Examples
    --------
    >>> table = exponentials()
    >>> table[0], table[TABLE_STEPS].round(3), table[-1] < 0.5 / ERROR_STEPS
    (np.float64(1.0), np.float64(0.368), np.True_)
    """
    return np.exp(-np.arange(TABLE_END * TABLE_STEPS) / TABLE_STEPS)


def views(
    n_in: int, n: int, rng: np.random.Generator, *, columns: int, shift: int, mirror: bool,
    warp: float, dropout: float = 0.0,
) -> npt.NDArray[np.int32]:  # fmt: skip
    """Draw ways to see an image: from which pixel each pixel of the changed image comes.

    A grid of 4 x 4 nails holds the image; a warp moves each nail at random, and what lies between
    them follows evenly. Whole pixels are taken, no grey is mixed.

    Parameters
    ----------
    n_in : int
        Pixels of an image.
    n : int
        How many views.
    rng : numpy.random.Generator
    columns : int
        Pixels of one of its rows.
    shift : int, pixels
        The image moves by at most so much, up or down and left or right.
    mirror : bool
        Whether every other view exchanges left and right.
    warp : float, pixels
        Standard deviation of the way of a nail, in each direction.
    dropout : float, 0 to 1
        Share of the pixels that are black, drawn anew for every view.

    Returns
    -------
    int32 array, shape (n, n_in)
        The pixel that is seen there; -1 for none: black.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> views(4, 2, rng, columns=2, shift=0, mirror=False, warp=0.0).tolist()
    [[0, 1, 2, 3], [0, 1, 2, 3]]
    """
    rows = n_in // columns
    moved = rng.integers(-shift, shift + 1, (2, n, 1, 1)).astype(np.float64)
    if warp:
        nails = rng.normal(0, warp, (2, n, NAILS, NAILS))
        moved = moved + _between(rows) @ nails @ _between(columns).T
    y, x = np.arange(rows)[:, None] + moved[0], np.arange(columns) + moved[1]
    if mirror:
        x = np.where(rng.random((n, 1, 1)) < 0.5, x, columns - 1 - x)
    y, x = np.rint(y).astype(np.int32), np.rint(x).astype(np.int32)
    inside = (y >= 0) & (y < rows) & (x >= 0) & (x < columns)
    if dropout:
        inside &= rng.random(inside.shape, dtype=np.float32) >= dropout
    return np.where(inside, y * columns + x, np.int32(-1)).reshape(n, n_in)


def _between(n: int) -> FloatArray:
    """How much each nail of a row counts for each of ``n`` pixels; shape (n, NAILS)."""
    place = np.linspace(0, NAILS - 1, n)[:, None]
    return np.maximum(0, 1 - abs(place - np.arange(NAILS)))


def get_decision_kernels(backend: str) -> DecisionKernels:
    """Load what a backend has for this rule.

    Parameters
    ----------
    backend : str
        As for :func:`~minibs4nn.kernels.get_kernels`.

    Returns
    -------
    module
        With the functions of :class:`DecisionKernels`.

    Raises
    ------
    BackendError
        If the backend cannot run here, or lacks this rule.

    Examples
    --------
    >>> get_decision_kernels("numpy").__name__
    'minibs4nn.kernels.reference_decision'
    """
    found: Any = get_kernels(backend)
    if found.__name__ not in _MODULES:
        raise BackendError(
            f"DecisionPotential: backend={backend!r} does not have this rule; it runs on "
            "'numpy' and 'numba'"
        )
    return cast(DecisionKernels, importlib.import_module(_MODULES[found.__name__]))
