"""Three ways to compute one thing: a backend is a contract, not a preference.

``numpy`` is the definition, ``numba`` the compiled twin for the CPU, ``cupy`` the one for a
graphics card; all give the same bits. Each backend has the functions of :class:`Kernels`.
"""

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, cast

import numpy as np

from minibs4nn._checks import AnyArray, FloatArray, IntArray, SpikeTimes, check_choice
from minibs4nn.binary import sign_threshold
from minibs4nn.errors import BackendError
from minibs4nn.evaluation import Outcomes

if TYPE_CHECKING:
    from minibs4nn.rules import RelativeTarget

__all__ = [
    "BACKENDS",
    "Backend",
    "Kernels",
    "OnlineReport",
    "Parameters",
    "backends",
    "get_kernels",
]

BACKENDS = ("auto", "numpy", "numba", "cupy")
_MODULES = {"numpy": "minibs4nn.kernels.reference", "numba": "minibs4nn.kernels.cpu"}


@dataclass
class Parameters:
    """What the kernels read and change: one entry per layer after the input.

    Attributes
    ----------
    latent : list of arrays, shapes (n_out, n_in), column-major
        The weights of an S4NN, float64; the latent weights of a BS4NN, float32. Column-major, so
        that what one input sends to all neurons lies side by side.
    signs : list of int8 arrays, same shapes and order, or None
        The one-bit weights of a BS4NN; None for an S4NN.
    thresholds : list of float64 arrays, shapes (n_out,)
    scale : float64 array, shape (n_layers,)
        One scale per layer; ones for an S4NN.
    """

    latent: list[AnyArray]
    signs: list[AnyArray] | None
    thresholds: list[FloatArray]
    scale: FloatArray

    @property
    def weights(self) -> list[AnyArray]:
        """The weights that the forward pass runs on."""
        return list(self.latent) if self.signs is None else list(self.signs)

    @property
    def forward_thresholds(self) -> list[FloatArray]:
        """The thresholds in the unit of the forward weights."""
        if self.signs is None:
            return list(self.thresholds)
        return [sign_threshold(t, a) for t, a in zip(self.thresholds, self.scale, strict=True)]

    def copy(self) -> "Parameters":
        """Return a copy that shares nothing with the original."""
        return Parameters(
            [w.copy(order="F") for w in self.latent],
            None if self.signs is None else [s.copy(order="F") for s in self.signs],
            [theta.copy() for theta in self.thresholds],
            self.scale.copy(),
        )


class OnlineReport(NamedTuple):
    """What happened while a network learned from ``m`` images, one after the other.

    Attributes
    ----------
    outcomes : Outcomes
        For each image, what the network made of it just before it learned from it.
    flips : int64 array, shape (n_layers,)
        Signs that changed.
    updates : int
        Images that had an error.
    fired : list of int64 arrays, shapes (n_out,)
        For each layer, on how many images each neuron fired; empty if this was not asked for.
    """

    outcomes: Outcomes
    flips: IntArray
    updates: int
    fired: list[IntArray]


class Kernels(Protocol):
    """What a backend provides."""

    def prepare(self, times: SpikeTimes, *, t_max: int) -> Any:
        """Bring spike times into the form that ``train_online`` reads; done once per training."""

    def layer_spike_times(
        self, times: SpikeTimes, weights: AnyArray, threshold: FloatArray, *, t_max: int
    ) -> tuple[SpikeTimes, AnyArray]:
        """As :func:`minibs4nn.layer_spike_times`, for arguments that are known to be good."""

    def train_online(
        self,
        prepared: Any,
        labels: IntArray,
        order: IntArray,
        parameters: Parameters,
        rule: "RelativeTarget",
        *,
        t_max: int,
        count_fired: bool,
    ) -> OnlineReport:
        """Learn from the images ``order``, one at a time; ``parameters`` are changed in place."""

    def train_minibatches(
        self,
        prepared: Any,
        labels: IntArray,
        order: IntArray,
        parameters: Parameters,
        rule: "RelativeTarget",
        *,
        t_max: int,
        count_fired: bool,
    ) -> OnlineReport:
        """Learn from ``rule.batch_size`` images at a time, all of which see the same weights."""


class Backend(NamedTuple):
    """Whether a backend runs here, and which version it is or what it lacks."""

    usable: bool
    detail: str


def backends() -> dict[str, Backend]:
    """What is usable on this machine, and why not.

    Returns
    -------
    dict of str to Backend
        For ``"numpy"``, ``"numba"`` and ``"cupy"``: ``usable`` and ``detail``.

    Examples
    --------
    >>> backends()["numpy"].usable
    True
    """
    return {
        "numpy": Backend(True, f"NumPy {np.__version__}, the reference"),
        "numba": _probe_numba(),
        "cupy": _probe_cupy(),
    }


def _probe_numba() -> Backend:
    try:
        numba = importlib.import_module("numba")
    except ImportError as error:
        return Backend(False, f"Numba cannot be imported: {error} (pip install numba)")
    return Backend(True, f"Numba {numba.__version__}, compiled for the CPU")


def _probe_cupy() -> Backend:
    found = importlib.import_module("minibs4nn.kernels.gpu_probe").usable_gpu()
    return Backend(found.cupy is not None, found.detail)


def get_kernels(name: str) -> Kernels:
    """Load a backend. ``"auto"`` is numba where it imports, else NumPy: same bits, other speed.

    Parameters
    ----------
    name : str
        ``"auto"``, ``"numpy"``, ``"numba"`` or ``"cupy"``.

    Returns
    -------
    module or object
        With the functions of :class:`Kernels`.

    Raises
    ------
    ValueError
        If there is no backend of that name.
    BackendError
        If it cannot run here. There is no silent fall-back.

    Examples
    --------
    >>> get_kernels("numpy").__name__
    'minibs4nn.kernels.reference'
    """
    check_choice("backend", "name", name, BACKENDS)
    if name == "auto":
        name = "numba" if _probe_numba().usable else "numpy"
    found = backends()
    if not found[name].usable:
        needs = "CuPy and a CUDA device" if name == "cupy" else "Numba"
        usable = ", ".join(other for other, backend in found.items() if backend.usable)
        raise BackendError(
            f"backend={name!r} needs {needs}: {found[name].detail}. Available here: {usable}"
        )
    if name == "cupy":
        return cast(Kernels, importlib.import_module("minibs4nn.kernels.gpu").device())
    return cast(Kernels, importlib.import_module(_MODULES[name]))
