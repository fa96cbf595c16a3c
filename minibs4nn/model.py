"""Chapters 06 and 08: S4NN and BS4NN, as thin shells over the functions of the chapters before."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeAlias, cast

import numpy as np
import numpy.typing as npt

from minibs4nn._checks import (
    AnyArray,
    FloatArray,
    IntArray,
    SpikeTimes,
    check_array,
    check_choice,
    check_finite,
    check_grey_levels,
    check_layers,
    check_spike_times,
    check_t_max,
    check_thresholds,
    check_weights,
)
from minibs4nn.binary import as_latent, sign
from minibs4nn.coding import latency_code
from minibs4nn.evaluation import Evaluation, judge
from minibs4nn.forward import decide
from minibs4nn.kernels import BACKENDS, Kernels, Parameters, get_kernels
from minibs4nn.network import Network
from minibs4nn.rules import BS4NN_PUBLISHED, S4NN_PUBLISHED, RelativeTarget
from minibs4nn.training import Record, generator

if TYPE_CHECKING:
    from minibs4nn.packed import PackedBS4NN

__all__ = ["BS4NN", "S4NN", "SpikingNetwork"]

BATCH = 2_000  # images looked at in one go, so that memory does not grow with the data set
Thresholds: TypeAlias = float | Sequence[npt.ArrayLike]


class SpikingNetwork(Network):
    """A stack of layers of integrate-and-fire neurons that fire at most once.

    Parameters
    ----------
    layers : sequence of int
        Sizes of the layers, input first, such as ``(784, 600, 10)``.
    threshold : float, or one float or array (n_out,) per layer after the input
        What a potential must exceed.
    initial_weights : sequence of pairs (low, high), one per layer after the input, or None
        Drawn uniformly between the two. None: 0 to 5 for hidden layers, 0 to 48 for the output
        layer, as in the published code.
    t_max : int, time steps
        Length of the window, and the spike time that means silent.
    seed : int
        Where all random numbers come from.
    backend : str
        ``"auto"`` (numba where it imports, else NumPy; same bits), ``"numpy"``, ``"numba"`` or
        ``"cupy"``.

    Attributes
    ----------
    weights_ : list of arrays, shapes (n_out, n_in)
        What the network runs on, read-only: float64 for S4NN, int8 +1 and -1 for BS4NN.
    thresholds_ : list of float64 arrays, shapes (n_out,)
    history_ : History

    Raises
    ------
    TypeError, ValueError
        If a setting is out of its range; the message names it.
    """

    has_signs: ClassVar[bool]  # one-bit weights, or real ones

    def __init__(
        self,
        layers: Sequence[int],
        *,
        threshold: Thresholds = 100.0,
        initial_weights: Sequence[tuple[float, float]] | None = None,
        t_max: int = 256,
        seed: int = 0,
        backend: str = "auto",
    ) -> None:
        super().__init__(layers, seed=seed)
        where, depth = type(self).__name__, len(self.layers) - 1
        self.t_max = check_t_max(where, t_max)
        self.backend = check_choice(where, "backend", backend, BACKENDS)
        self.threshold = _one_per_layer(where, threshold, self.layers)
        if initial_weights is None:
            initial_weights = [(0.0, 5.0)] * (depth - 1) + [(0.0, 48.0)]
        self.initial_weights = _ranges(where, "initial_weights", initial_weights, depth)
        self._parameters: Parameters | None = None

    @classmethod
    def _from_parameters(
        cls,
        weights: Sequence[npt.ArrayLike],
        threshold: Thresholds,
        scale: npt.ArrayLike,
        backend: str,
        t_max: int,
        seed: int,
    ) -> Self:
        where = f"{cls.__name__}.from_weights"
        given = list(weights) if np.iterable(weights) else []
        if not given:
            raise ValueError(f"{where}: weights must be a list of matrices, one per layer")
        checked = [check_weights(where, w) for w in given]
        if cls.has_signs and any(_are_bits(w) for w in checked):
            raise ValueError(
                f"{where}: these weights are whole numbers 0 and 1; a sign is +1 or -1, and a 0 "
                "would be heard as +1: use 2 * w - 1"
            )
        matrices = [w.astype(np.float64) for w in checked]
        for before, after in pairwise(matrices):
            if after.shape[1] != len(before):
                raise ValueError(
                    f"{where}: a layer of {len(before)} neurons is followed by weights of shape "
                    f"{after.shape}; its second axis must be {len(before)}"
                )
        layers = (matrices[0].shape[1], *(len(w) for w in matrices))
        net = cls(layers, threshold=threshold, t_max=t_max, backend=backend, seed=seed)
        net._set_parameters(matrices, _scales(where, scale, len(matrices)))
        return net

    @property
    def is_trained(self) -> bool:
        """Whether the network has weights."""
        return self._parameters is not None

    @property
    def kernels(self) -> Kernels:
        """The module that computes for this network."""
        return get_kernels(self.backend)

    @property
    def parameters(self) -> Parameters:
        """What the kernels read and change."""
        if self._parameters is None:
            self._need_weights("parameters")
        assert self._parameters is not None
        return self._parameters

    @property
    def weights_(self) -> list[AnyArray]:
        """What the network runs on, read-only."""
        self._need_weights("weights_")
        return [_read_only(w) for w in self.parameters.weights]

    @property
    def thresholds_(self) -> list[FloatArray]:
        """One threshold per neuron, read-only."""
        self._need_weights("thresholds_")
        return [_read_only(theta) for theta in self.parameters.thresholds]

    def spike_times(self, images: npt.ArrayLike) -> list[SpikeTimes]:
        """When every neuron fires.

        Parameters
        ----------
        images : uint8 array, shape (n, height, width) or (n, pixels); or int16 spike times

        Returns
        -------
        list of int16 arrays, shape (n, size), one per layer after the input
            Time steps 0 to t_max; ``t_max`` is silent.
        """
        self._need_weights("spike_times")
        times = self._encode(f"{type(self).__name__}.spike_times", images)
        batches = [layers for layers, _ in self._forward(times)]
        sizes = self.layers[1:]
        return [
            np.concatenate([batch[k] for batch in batches] or [np.empty((0, size), np.int16)])
            for k, size in enumerate(sizes)
        ]

    def evaluate_inputs(self, inputs: SpikeTimes, labels: IntArray) -> Evaluation:
        """As :meth:`evaluate`, for spike times and checked labels."""
        self._check_width(f"{type(self).__name__}.evaluate_inputs", inputs)
        p, t_max, n = self.parameters, self.t_max, len(inputs)
        last, potentials, late_potentials = [], [], []
        fired = np.zeros(len(self.layers))
        for start, (layers, potential) in zip(
            range(0, n, BATCH), self._forward(inputs), strict=True
        ):
            heard = [inputs[start : start + BATCH], *layers]
            fired += [np.count_nonzero(times < t_max) for times in heard]
            last.append(layers[-1])
            potentials.append(potential)
            late_potentials.append(self._late_potential(heard[-2], heard[-1]))
        outcomes = judge(
            np.concatenate(last), np.concatenate(potentials), np.concatenate(late_potentials),
            labels, threshold=p.forward_thresholds[-1], t_max=t_max,
        )  # fmt: skip
        return Evaluation(
            n=n,
            **outcomes.means(),
            spikes=float(fired.sum() / n),
            synaptic_operations=float((fired[:-1] * self.layers[1:]).sum() / n),
        )

    def prepare(self, inputs: SpikeTimes) -> Any:
        """Bring the spike times into the form that the kernels learn from."""
        return self.kernels.prepare(inputs, t_max=self.t_max)

    def snapshot(self) -> tuple[Parameters, dict[str, AnyArray]]:
        """Return a copy of all that training changes, for :meth:`restore`."""
        return self.parameters.copy(), {k: v.copy() for k, v in self.rule_state_.items()}

    def restore(self, snapshot: tuple[Parameters, dict[str, AnyArray]]) -> None:
        """Put back what :meth:`snapshot` returned."""
        self._parameters, self.rule_state_ = snapshot

    def initialise(self, ranges: Sequence[tuple[float, float]] | None = None) -> None:
        """Draw the first weights, from the seed.

        Parameters
        ----------
        ranges : sequence of pairs (low, high), one per layer after the input, or None
            Drawn uniformly between the two. None: as the settings say.

        Raises
        ------
        TypeError, ValueError
            If there is not one pair per layer, or a low end lies above its high one.
        """
        rng = generator(self.seed, "weights")
        drawn = self.initial_weights
        if ranges is not None:
            drawn = _ranges(f"{type(self).__name__}.initialise", "ranges", ranges, len(drawn))
        sizes = zip(self.layers[1:], self.layers[:-1], drawn, strict=True)
        weights = [rng.uniform(low, high, (n_out, n_in)) for n_out, n_in, (low, high) in sizes]
        self._set_parameters(weights, self._initial_scale())

    def redraw(self, layer: int, neurons: IntArray, rng: np.random.Generator) -> None:
        """Draw the input weights of some neurons anew, as at the start."""
        low, high = self.initial_weights[layer]
        latent, signs = self.parameters.latent[layer], self.parameters.signs
        latent[neurons] = rng.uniform(low, high, (len(neurons), self.layers[layer]))
        if signs is not None:
            signs[layer][neurons] = sign(latent[neurons])

    def _forward(self, times: SpikeTimes) -> Iterator[tuple[list[SpikeTimes], AnyArray]]:
        """Firing times of every layer and the potential of the last, batch by batch."""
        kernels, p = self.kernels, self.parameters
        for start in range(0, len(times), BATCH):
            heard, layers = times[start : start + BATCH], []
            for weights, threshold in zip(p.weights, p.forward_thresholds, strict=True):
                heard, potential = kernels.layer_spike_times(
                    heard, weights, threshold, t_max=self.t_max
                )
                layers.append(heard)
            yield layers, potential

    def _late_potential(self, heard: SpikeTimes, spike_times: SpikeTimes) -> AnyArray:
        """Potential of the output neurons at ``t_max - 3``, where all of them stayed silent."""
        late = np.zeros(spike_times.shape)
        nobody = (spike_times == self.t_max).all(axis=1)
        early = np.where(heard[nobody] <= self.t_max - 3, heard[nobody], self.t_max)
        never = np.full(self.layers[-1], np.inf)
        _, late[nobody] = self.kernels.layer_spike_times(
            early.astype(np.int16), self.parameters.weights[-1], never, t_max=self.t_max
        )
        return late

    def _predict_inputs(self, inputs: SpikeTimes) -> IntArray:
        threshold = self.parameters.forward_thresholds[-1]
        decisions = [
            decide(layers[-1], potential, threshold=threshold, t_max=self.t_max)
            for layers, potential in self._forward(inputs)
        ]
        return np.concatenate([*decisions, np.empty(0, np.int64)])

    def _encode(self, where: str, images: npt.ArrayLike) -> SpikeTimes:
        array = check_array(where, "images", images)
        if array.dtype == np.int16:
            times = check_spike_times(where, array, self.t_max)
            if times.ndim != 2:
                raise ValueError(
                    f"{where}: spike times must have shape (n, {self.layers[0]}), got {times.shape}"
                )
        else:
            times = latency_code(check_grey_levels(where, array), t_max=self.t_max)
        self._check_width(where, times)
        return times

    def _initial_scale(self) -> FloatArray:
        return np.ones(len(self.layers) - 1)

    def _set_parameters(self, weights: Sequence[FloatArray], scale: FloatArray) -> None:
        # Column-major: what one input sends to all neurons lies side by side.
        latent: list[AnyArray] = [np.array(w, dtype=np.float64, order="F") for w in weights]
        signs = None
        if self.has_signs:
            latent = [as_latent(w) for w in latent]
            signs = [sign(w) for w in latent]
        thresholds = [theta.copy() for theta in self.threshold]
        self._parameters = Parameters(latent, signs, thresholds, np.array(scale, dtype=np.float64))

    def _settings(self) -> dict[str, Any]:
        return {
            "layers": list(self.layers), "initial_weights": self.initial_weights,
            "t_max": self.t_max, "seed": self.seed,
        }  # fmt: skip

    @classmethod
    def _from_file(cls, settings: dict[str, Any], arrays: dict[str, AnyArray]) -> Self:
        # The arrays first: nothing is made in a size that no array has.
        layers = check_layers("its header", settings.get("layers", ()))
        shapes = ((n_out, n_in) for n_in, n_out in pairwise(layers))
        weights = cls._take(arrays, ((f"weights_{k}", shape) for k, shape in enumerate(shapes)))
        thresholds = cls._take(
            arrays, ((f"thresholds_{k}", (len(w),)) for k, w in enumerate(weights))
        )
        scale = np.ones(len(weights))
        if cls.has_signs:
            scale = cls._take(arrays, [("scale", scale.shape)])[0]
        net = cls(**settings)
        net.threshold = thresholds
        net._set_parameters(weights, _scales("its arrays", scale, len(weights)))
        return net

    def _arrays(self) -> dict[str, AnyArray]:
        p = self.parameters
        arrays: dict[str, AnyArray] = {"scale": p.scale} if p.signs is not None else {}
        for layer, (weights, theta) in enumerate(zip(p.latent, p.thresholds, strict=True)):
            arrays[f"weights_{layer}"] = weights
            arrays[f"thresholds_{layer}"] = theta
        return arrays


class S4NN(SpikingNetwork):
    """A single-spike network with real weights (Kheradpisheh & Masquelier 2020).

    The settings and what they mean are those of :class:`SpikingNetwork`. Without a rule, ``fit``
    trains with :data:`~minibs4nn.rules.S4NN_PUBLISHED`.

    Examples
    --------
    >>> from minibs4nn import datasets
    >>> train, test = datasets.bars(n=200, seed=0)
    >>> n_pixels, n_classes = train.images[0].size, int(train.labels.max()) + 1
    >>> net = S4NN((n_pixels, 20, n_classes), threshold=10.0, seed=0, backend="numpy")
    >>> _ = net.fit(train.images, train.labels, epochs=1, progress=False)
    >>> net.predict(test.images).shape == test.labels.shape
    True
    """

    has_signs = False

    @classmethod
    def from_weights(
        cls,
        weights: Sequence[npt.ArrayLike],
        *,
        threshold: Thresholds = 100.0,
        backend: str = "auto",
        t_max: int = 256,
        seed: int = 0,
    ) -> Self:
        """Make a network from weights that exist already.

        Parameters
        ----------
        weights : sequence of arrays, shapes (n_out, n_in) or (n_out, n_in, 1)
            One per layer after the input.
        threshold : float, or one float or array (n_out,) per layer
        backend : str
        t_max : int, time steps
        seed : int
            Where the random numbers of further training come from.

        Returns
        -------
        S4NN

        Examples
        --------
        >>> net = S4NN.from_weights([[[3.0, -2.0, 4.0]]], threshold=4.0)
        >>> net.layers
        (3, 1)
        """
        return cls._from_parameters(weights, threshold, 1.0, backend, t_max, seed)

    def _default_rule(self) -> RelativeTarget:
        return S4NN_PUBLISHED


class BS4NN(SpikingNetwork):
    """A single-spike network with weights of one bit (Kheradpisheh et al. 2022).

    It runs on the signs of its latent weights and one scale per layer; both are learned. The
    settings are those of :class:`SpikingNetwork`, and one more. Without a rule, ``fit`` trains with
    :data:`~minibs4nn.rules.BS4NN_PUBLISHED`.

    Parameters
    ----------
    scale : float, or one per layer after the input
        alpha at the start.

    Attributes
    ----------
    latent_weights_ : list of float32 arrays, shapes (n_out, n_in)
        The real weights behind the signs, read-only.
    scale_ : float64 array, shape (n_layers,)
        alpha of each layer after the input, read-only.

    Examples
    --------
    >>> from minibs4nn import datasets
    >>> train, test = datasets.bars(n=200, seed=0)
    >>> n_pixels, n_classes = train.images[0].size, int(train.labels.max()) + 1
    >>> net = BS4NN((n_pixels, 20, n_classes), threshold=10.0, seed=0, backend="numpy")
    >>> _ = net.fit(train.images, train.labels, epochs=1, progress=False)
    >>> np.unique(net.weights_[0]).tolist(), net.scale_.shape
    ([-1, 1], (2,))
    """

    has_signs = True

    def __init__(
        self,
        layers: Sequence[int],
        *,
        threshold: Thresholds = 100.0,
        scale: npt.ArrayLike = 5.0,
        initial_weights: Sequence[tuple[float, float]] | None = None,
        t_max: int = 256,
        seed: int = 0,
        backend: str = "auto",
    ) -> None:
        super().__init__(
            layers, threshold=threshold, initial_weights=initial_weights, t_max=t_max, seed=seed,
            backend=backend,
        )  # fmt: skip
        self.scale = _scales("BS4NN", scale, len(self.layers) - 1)

    @classmethod
    def from_weights(
        cls,
        weights: Sequence[npt.ArrayLike],
        *,
        scale: npt.ArrayLike,
        threshold: Thresholds = 100.0,
        backend: str = "auto",
        t_max: int = 256,
        seed: int = 0,
    ) -> Self:
        """Make a network from latent weights, or from signs, that exist already.

        Parameters
        ----------
        weights : sequence of arrays, shapes (n_out, n_in) or (n_out, n_in, 1)
            One per layer after the input; only their signs matter until it is trained further.
        scale : float, or one per layer
            alpha; the published weight files do not store it.
        threshold : float, or one float or array (n_out,) per layer
        backend : str
        t_max : int, time steps
        seed : int
            Where the random numbers of further training come from.

        Returns
        -------
        BS4NN

        Examples
        --------
        >>> net = BS4NN.from_weights([[[0.3, -0.2, 0.4]]], scale=2.0, threshold=1.0)
        >>> net.weights_[0].tolist()
        [[1, -1, 1]]
        """
        net = cls._from_parameters(weights, threshold, scale, backend, t_max, seed)
        net.scale = net.scale_.copy()
        return net

    @property
    def latent_weights_(self) -> list[npt.NDArray[np.float32]]:
        """The real weights behind the signs, read-only."""
        self._need_weights("latent_weights_")
        return [_read_only(w) for w in self.parameters.latent]

    @property
    def scale_(self) -> FloatArray:
        """One scale per layer after the input, read-only."""
        self._need_weights("scale_")
        return _read_only(self.parameters.scale)

    def pack(self) -> "PackedBS4NN":
        """Keep what the network needs to decide: one bit per synapse, a threshold per neuron.

        Returns
        -------
        PackedBS4NN
            With the same predictions. It cannot be trained.

        Raises
        ------
        NotTrainedError
            If there are no weights yet.

        Examples
        --------
        >>> net = BS4NN.from_weights([np.eye(3)], scale=2.0, threshold=1.0)
        >>> net.pack()
        PackedBS4NN(3-3, t_max=256, 2 bytes of weights)
        """
        from minibs4nn.packed import pack  # a later chapter, which uses this one

        self._need_weights("pack")
        return pack(self)

    def facts(self) -> Record:
        """Return what the history notes of the network itself after an epoch: the scales."""
        return {"scale": self.parameters.scale.tolist()}

    def _default_rule(self) -> RelativeTarget:
        return BS4NN_PUBLISHED

    def _initial_scale(self) -> FloatArray:
        return self.scale


def _read_only(array: AnyArray) -> AnyArray:
    """A copy that cannot be written to: what was looked at stays so while training goes on."""
    copy = array.copy(order="K")
    copy.flags.writeable = False
    return copy


def _scales(where: str, scale: npt.ArrayLike, depth: int) -> FloatArray:
    scales = check_finite(where, "scale", scale)
    if scales.shape not in {(), (depth,)} or not (scales > 0).all():
        raise ValueError(
            f"{where}: scale must be a positive number, or one for each of the {depth} layers "
            f"after the input, got {scale!r}"
        )
    return np.full(depth, scales)


def _ranges(
    where: str, name: str, given: Sequence[tuple[float, float]], depth: int
) -> list[tuple[float, float]]:
    """Return one pair (low, high) per layer after the input."""
    ranges = check_finite(where, name, given)
    if ranges.shape != (depth, 2) or (ranges[:, 0] > ranges[:, 1]).any():
        raise ValueError(
            f"{where}: {name} must be {depth} pairs (low, high), one per layer after the input, "
            f"got {given!r}"
        )
    return [(float(low), float(high)) for low, high in ranges]


def _are_bits(weights: AnyArray) -> bool:
    """Whether signs are given as some programs store them: 1 for +1, and 0 for -1."""
    return weights.dtype.kind in "iu" and np.array_equal(np.unique(weights), [0, 1])


def _one_per_layer(where: str, threshold: Thresholds, layers: Sequence[int]) -> list[FloatArray]:
    depth = len(layers) - 1
    one_for_all = isinstance(threshold, str) or not np.iterable(threshold)
    given: list[npt.ArrayLike] = (
        [cast(float, threshold)] * depth
        if one_for_all
        else list(cast(Sequence[npt.ArrayLike], threshold))
    )
    if len(given) != depth:
        raise ValueError(
            f"{where}: threshold must be one number, or one entry for each of the {depth} layers "
            f"after the input, got {len(given)} entries"
        )
    finite = [check_finite(where, "threshold", theta) for theta in given]
    return [check_thresholds(where, theta, n) for theta, n in zip(finite, layers[1:], strict=True)]
