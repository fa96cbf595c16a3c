"""Chapter 14: spiking networks as scikit-learn classifiers, for any table of numbers.

A table has no pixels. Every feature is scaled by the lowest and the highest value of the training
data, and heard by several input neurons, its *fields*: each prefers a value of its own, and fires
the earlier the nearer the feature comes to it; from the next preferred value but one it is silent.
So one spike per neuron and one bit per synapse are enough for what is not monotone.

What the rules want to know of the network, its thresholds above all, follows from how many spikes
arrive: a sum of n signs drawn at random strays from 0 by about the square root of n.

This module needs scikit-learn: ``pip install 'minibs4nn[sklearn]'``.
"""

import warnings
from typing import ClassVar, Self

import numpy as np
import numpy.typing as npt

from minibs4nn._checks import (
    AnyArray,
    FloatArray,
    IntArray,
    SpikeTimes,
    check_choice,
    check_t_max,
    is_whole,
)
from minibs4nn.model import BS4NN, S4NN, SpikingNetwork
from minibs4nn.rules import DecisionPotential, RelativeTarget
from minibs4nn.training import LearningRule

try:
    from sklearn.base import BaseEstimator, ClassifierMixin
    from sklearn.utils import check_random_state
    from sklearn.utils.multiclass import check_classification_targets
    from sklearn.utils.validation import check_is_fitted, validate_data
except ImportError as error:
    raise ImportError(
        "minibs4nn.sklearn needs scikit-learn 1.6 or later: pip install 'minibs4nn[sklearn]'"
    ) from error

__all__ = ["RULES", "BS4NNClassifier", "S4NNClassifier"]

RULES = ("decision-potential", "relative-target")
FIRING = 0.15  # share of the hidden neurons that is taken to fire, to set the output thresholds


class _SpikingClassifier(ClassifierMixin, BaseEstimator):
    """What both classifiers share; they differ in their network and in two numbers of the rules."""

    _network: ClassVar[type[SpikingNetwork]]
    _learning_rate: ClassVar[float]  # of DecisionPotential
    _weights: ClassVar[float]  # at the start, for RelativeTarget: from minus this to plus this
    _unit: ClassVar[float]  # what one spike adds to a potential, at the start

    def __init__(
        self,
        hidden: int = 200,
        *,
        fields: int = 10,
        epochs: int = 50,
        rule: str | LearningRule = "decision-potential",
        t_max: int = 256,
        backend: str = "auto",
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.hidden = hidden
        self.fields = fields
        self.epochs = epochs
        self.rule = rule
        self.t_max = t_max
        self.backend = backend
        self.random_state = random_state

    def fit(self, X: npt.ArrayLike, y: npt.ArrayLike) -> Self:  # noqa: N803
        """Scale the features, make a network, and train it.

        Parameters
        ----------
        X : array or data frame of real numbers, shape (n, n_features)
        y : array of labels, shape (n,)
            Of any kind that can be sorted: numbers, strings, truth values.

        Returns
        -------
        the classifier itself

        Raises
        ------
        TypeError, ValueError
            If ``X`` and ``y`` do not fit together, hold NaN or infinity, or only one class, or if a
            parameter is out of its range; the message names it.
        """
        table, wanted = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(wanted)
        where = type(self).__name__
        for name in ("hidden", "fields", "epochs"):
            value = getattr(self, name)
            if not is_whole(value) or value < 1:
                raise ValueError(f"{where}: {name} must be a whole number from 1, got {value!r}")
        check_t_max(where, self.t_max)
        self.classes_, labels = np.unique(wanted, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(
                f"{where}: y must hold two classes or more, got one class, {self.classes_.tolist()}"
            )
        self.low_, self.high_ = table.min(axis=0), table.max(axis=0)
        times = self._encode(table, int(self.fields), int(self.t_max))
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        self.network_ = self._train(times, labels, seed)
        self.n_iter_ = len(self.network_.history_)
        return self

    def predict(self, X: npt.ArrayLike) -> AnyArray:  # noqa: N803
        """Return the label of each row of ``X``: the output neuron that fires first.

        Parameters
        ----------
        X : array or data frame of real numbers, shape (n, n_features)

        Returns
        -------
        array, shape (n,), of the type of ``classes_``

        Raises
        ------
        sklearn.exceptions.NotFittedError, TypeError, ValueError
            Before :meth:`fit`, or for a table of another kind.
        """
        times = self.encode(X)
        labels: AnyArray = self.classes_[self.network_.predict(times)]
        return labels

    def decision_function(self, X: npt.ArrayLike) -> FloatArray:  # noqa: N803
        """Say how early each class fired, and on how much.

        The score of a class is the number of time steps that were left when its neuron fired, 0 for
        a silent one, plus ``e / (1 + |e|)`` where e is how far its potential was above its
        threshold. The largest score is what :meth:`predict` says. These are no probabilities.

        Parameters
        ----------
        X : array or data frame of real numbers, shape (n, n_features)

        Returns
        -------
        float64 array, shape (n, n_classes); for two classes (n,), the second less the first

        Raises
        ------
        sklearn.exceptions.NotFittedError, TypeError, ValueError
            As :meth:`predict`.
        """
        times = self.encode(X)
        net, limits = self.network_, self.network_.parameters.forward_thresholds[-1]
        heard = net.spike_times(times)[-2]
        fired, potential = net.kernels.layer_spike_times(
            heard, net.parameters.weights[-1], limits, t_max=net.t_max
        )
        excess = potential - limits
        scores: FloatArray = net.t_max - fired + excess / (1 + np.abs(excess))
        return scores[:, 1] - scores[:, 0] if len(self.classes_) == 2 else scores

    def encode(self, X: npt.ArrayLike) -> SpikeTimes:  # noqa: N803
        """Turn a table into spike times, as the network is given them.

        Parameters
        ----------
        X : array or data frame of real numbers, shape (n, n_features)
            Values beyond those seen in training count as the lowest or the highest of these.

        Returns
        -------
        int16 array, shape (n, n_features * fields), time steps 0 to t_max
            The fields of the first feature, then those of the second, and so on. ``fields`` and
            ``t_max`` are those of the last :meth:`fit`.

        Raises
        ------
        sklearn.exceptions.NotFittedError, TypeError, ValueError
            As :meth:`predict`.
        """
        check_is_fitted(self)
        table = validate_data(self, X, reset=False, dtype=np.float64)
        # As fitted, whatever the parameters have been set to since.
        fields = self.network_.layers[0] // table.shape[1]
        return self._encode(table, fields, self.network_.t_max)

    def _encode(self, table: FloatArray, fields: int, t_max: int) -> SpikeTimes:
        span = self.high_ / 2 - self.low_ / 2  # halves: no difference of two floats overflows
        within = np.clip(table, self.low_, self.high_) / 2 - self.low_ / 2
        share = within / np.where(span > 0, span, 1)
        preferred = np.linspace(0, 1, fields) if fields > 1 else np.ones(1)
        reach = min(1.0, 2 / max(fields - 1, 1))
        times = np.empty((*table.shape, fields), dtype=np.int16)
        for field, value in enumerate(preferred):
            distance = np.minimum(np.abs(share - value) / reach, 1)
            times[:, :, field] = (distance * t_max).astype(np.int16)
        return times.reshape(len(table), -1)

    def _train(self, times: SpikeTimes, labels: IntArray, seed: int) -> SpikingNetwork:
        """Make a network with thresholds that fit the number of spikes, and train it."""
        spikes = float((times < self.t_max).sum(axis=1).mean())
        strays, strays_out = max(spikes, 1) ** 0.5, max(FIRING * self.hidden, 1) ** 0.5
        network = self._network(
            (times.shape[1], int(self.hidden), len(self.classes_)),
            threshold=[self._unit * strays, 1.5 * self._unit * strays_out],
            initial_weights=[(-self._weights, self._weights)] * 2,
            t_max=self.t_max,
            seed=seed,
            backend=self.backend,
        )
        rule = self._rule(len(times), strays, strays_out)
        with warnings.catch_warnings():  # about thresholds, which are not the user's here
            warnings.filterwarnings("ignore", message=".* of the hidden neurons never fired")
            return network.fit(times, labels, epochs=self.epochs, rule=rule, progress=False)

    def _rule(self, n: int, strays: float, strays_out: float) -> LearningRule:
        """Return the rule that was asked for; one asked for by name is fitted to the table."""
        if not isinstance(self.rule, str):
            return self.rule
        check_choice(type(self).__name__, "rule", self.rule, RULES)
        if self.rule == "relative-target":
            return RelativeTarget(schedule="cosine")
        return DecisionPotential(
            learning_rate=self._learning_rate,
            batch_size=min(max(n // 10, 1), 100),
            temperature=strays_out,
            width=max(round(strays), 1),
            hidden_threshold=1.6 * strays,
            output_threshold=3 * strays_out,
        )


class BS4NNClassifier(_SpikingClassifier):
    """A spiking network with one bit per synapse, as a scikit-learn classifier.

    Parameters
    ----------
    hidden : int
        Hidden neurons.
    fields : int
        Input neurons per feature. With one, a feature fires the earlier the larger it is.
    epochs : int
        How often each row is learned from.
    rule : str or learning rule
        ``"decision-potential"``, ours, or ``"relative-target"``, that of the papers: both with
        thresholds and steps fitted to the table. Or a :class:`~minibs4nn.DecisionPotential` or
        :class:`~minibs4nn.RelativeTarget`, taken as it is.
    t_max : int, time steps
        Length of the window.
    backend : str
        As in :class:`~minibs4nn.BS4NN`.
    random_state : int, RandomState or None
        Where all random numbers come from; an int gives the same network again.

    Attributes
    ----------
    classes_ : array, shape (n_classes,)
        The labels, sorted.
    n_features_in_ : int
    feature_names_in_ : array of str
        If ``X`` was a data frame.
    n_iter_ : int
        Epochs of training.
    low_, high_ : float64 arrays, shape (n_features,)
        Between these the features are scaled.
    network_ : BS4NN
        Takes what ``encode`` returns. It can be packed, saved and exported:
        ``network_.pack().nbytes`` is its size.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.model_selection import cross_val_score
    >>> X, y = load_iris(return_X_y=True)
    >>> bool(cross_val_score(BS4NNClassifier(random_state=0), X, y).mean() > 0.9)
    True
    >>> BS4NNClassifier(random_state=0).fit(X, y).network_.pack()
    PackedBS4NN(40-200-3, t_max=256, 1075 bytes of weights)
    """

    network_: BS4NN
    _network = BS4NN
    _learning_rate = 2.5e-3
    _weights = 0.5
    _unit = 5.0


class S4NNClassifier(_SpikingClassifier):
    """A spiking network with real weights, as a scikit-learn classifier.

    The parameters and attributes are those of :class:`BS4NNClassifier`; ``network_`` is an
    :class:`~minibs4nn.S4NN`, which cannot be packed.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> X, y = load_wine(return_X_y=True)
    >>> model = S4NNClassifier(random_state=0).fit(X[::2], y[::2])
    >>> model.score(X[1::2], y[1::2]) > 0.9
    True
    """

    network_: S4NN
    _network = S4NN
    _learning_rate = 3e-2
    _weights = 3**0.5
    _unit = 1.0
