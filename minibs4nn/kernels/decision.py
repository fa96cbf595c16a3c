"""Chapter 13: what a backend computes for :class:`~minibs4nn.DecisionPotential`.

``reference_decision.py`` is the definition, ``cpu_decision.py`` its compiled twin. All sums are
sums of whole numbers, so the order of the additions does not matter and both give the same bits.
"""

import importlib
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, cast

import numpy as np
import numpy.typing as npt

from minibs4nn._checks import BoolArray, FloatArray, IntArray
from minibs4nn.errors import BackendError
from minibs4nn.evaluation import Outcomes
from minibs4nn.kernels import get_kernels

if TYPE_CHECKING:
    from minibs4nn.rules import DecisionPotential

__all__ = [
    "ERROR_STEPS",
    "HIDDEN_STEPS",
    "LARGEST_BATCH",
    "Batch",
    "BinaryLayers",
    "DecisionKernels",
    "Gradients",
    "exponentials",
    "get_decision_kernels",
    "moves",
]

Floats = npt.NDArray[np.float32]

ERROR_STEPS = 2**14  # an output's error, -1 to 1, is a whole number of these parts
HIDDEN_STEPS = 2**7  # an error passed on to a hidden neuron, -2 to 2, of these
# The errors of a batch are summed as int16: 127 images, each with at most 2 * HIDDEN_STEPS.
LARGEST_BATCH = np.iinfo(np.int16).max // (2 * HIDDEN_STEPS)

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
    move : int64 array, shape (m,)
        How each image is moved: a row of ``moves``.
    moves : int32 array, shape (n_moves, n_in)
        See :func:`moves`.
    """

    images: IntArray
    at_end: BoolArray
    move: IntArray
    moves: npt.NDArray[np.int32]


class BinaryLayers(NamedTuple):
    """A network with one hidden layer, in the unit of sums of signs.

    Attributes
    ----------
    signs : list of two int8 arrays of +1 and -1, shapes (n_out, n_in)
    thresholds : list of two int64 arrays, shapes (n_out,)
        Within -n_in - 1 and n_in: no sum lies beyond.
    """

    signs: list[npt.NDArray[np.int8]]
    thresholds: list[IntArray]


class Gradients(NamedTuple):
    """Slopes of the loss, summed over a batch.

    Attributes
    ----------
    hidden : int16 array, shape (n_hidden, n_in)
        Along the signs of the hidden layer, in parts of ``1 / HIDDEN_STEPS``.
    output : int32 array, shape (n_out, n_hidden)
        Along the signs of the output layer, in parts of ``1 / ERROR_STEPS``.
    threshold : int32 array, shape (n_hidden,)
        Along the hidden thresholds, in parts of ``1 / HIDDEN_STEPS``.
    missed : int
        Images that were read at the end of the window, with the label's neuron not above its
        threshold.
    learned : int
        Images whose error was large enough to learn from.
    outcomes : Outcomes
        What the network made of each image.
    """

    hidden: npt.NDArray[np.int16]
    output: npt.NDArray[np.int32]
    threshold: npt.NDArray[np.int32]
    missed: int
    learned: int
    outcomes: Outcomes


class DecisionKernels(Protocol):
    """What a backend provides for this rule."""

    def gradients(
        self, prepared: Any, labels: IntArray, batch: Batch, net: BinaryLayers,
        rule: "DecisionPotential", *, t_max: int,
    ) -> Gradients:  # fmt: skip
        """Slopes of the loss, summed over the images of a batch; nothing is changed."""

    def adam(
        self, latent: Floats, first: Floats, second: Floats, gradient: Floats, *, rate: float
    ) -> None:
        """One step of Adam, in place; the latent weights stay within -1..1."""


def exponentials(temperature: float, n_hidden: int) -> FloatArray:
    """``exp(-k / temperature)`` for every distance k that two output potentials can have.

    Potentials and thresholds are sums of signs, so their distances are whole numbers, and a table
    holds all that a softmax needs. Every backend reads the same table: no two libraries agree on
    the last bit of an exponential.

    Parameters
    ----------
    temperature : float
    n_hidden : int
        Inputs of the output layer.

    Returns
    -------
    float64 array, shape (4 * n_hidden + 2,)

    Examples
    --------
    >>> exponentials(2.0, 1).round(3).tolist()
    [1.0, 0.607, 0.368, 0.223, 0.135, 0.082]
    """
    return np.exp(-np.arange(4 * n_hidden + 2) / temperature)


def moves(n_in: int, *, columns: int, shift: int, mirror: bool) -> npt.NDArray[np.int32]:
    """Every way to move an image: where each of its pixels goes.

    Parameters
    ----------
    n_in : int
        Pixels of an image.
    columns : int
        Pixels of one of its rows.
    shift : int
        Images move by up to so many pixels, up or down and left or right.
    mirror : bool
        Whether left and right are also exchanged.

    Returns
    -------
    int32 array, shape (n_moves, n_in)
        The new index of every pixel; -1 for one that leaves the image.

    Examples
    --------
    >>> moves(4, columns=2, shift=0, mirror=True).tolist()
    [[0, 1, 2, 3], [1, 0, 3, 2]]
    """
    rows = n_in // columns
    row, column = np.divmod(np.arange(n_in), columns)
    found = []
    for before in [column, columns - 1 - column] if mirror else [column]:
        for down in range(-shift, shift + 1):
            for right in range(-shift, shift + 1):
                y, x = row + down, before + right
                inside = (y >= 0) & (y < rows) & (x >= 0) & (x < columns)
                found.append(np.where(inside, y * columns + x, -1))
    return np.array(found, dtype=np.int32)


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
