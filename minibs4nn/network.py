"""Chapter 06: what all networks of this library share: how they are trained, judged and saved.

``__init__`` only stores and checks; ``fit`` makes the weights and trains them; what was learned
ends in an underscore.
"""

import os
import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import asdict, is_dataclass
from typing import Any, Self, TypeAlias

import numpy as np
import numpy.typing as npt

from minibs4nn._checks import AnyArray, IntArray, check_finite, check_labels, check_layers, is_whole
from minibs4nn.errors import NotTrainedError
from minibs4nn.evaluation import Evaluation
from minibs4nn.files import narrow, write_npz
from minibs4nn.training import (
    Callback,
    History,
    LearningRule,
    Record,
    check_records,
    split,
    train,
    trained_on,
)

__all__ = ["FORMAT", "Network"]

FORMAT = 1  # of the files; raised when an older version could not read a newer file
Validation: TypeAlias = float | tuple[npt.ArrayLike, npt.ArrayLike] | None


class Network(ABC):
    """A network that can be trained, judged and saved.

    Attributes
    ----------
    layers : tuple of int
        Sizes of the layers, input first.
    seed : int
        Where all random numbers of the network come from.
    history_ : History
        One record per epoch of training.
    rule_ : learning rule or None
        What it was last trained with.
    rule_state_ : dict of str to array
        What the rule remembers from one step to the next, such as the moments of Adam.
    trained_on_ : dict or None
        What tells the images of the last ``fit`` from others; see
        :func:`minibs4nn.training.trained_on`.
    """

    def __init__(self, layers: Sequence[int], *, seed: int = 0) -> None:
        self.layers = check_layers(type(self).__name__, layers)
        if not is_whole(seed) or seed < 0:
            raise ValueError(
                f"{type(self).__name__}: seed must be a whole number from 0, got {seed!r}"
            )
        self.seed = int(seed)
        self.history_ = History()
        self.rule_: LearningRule | None = None
        self.rule_state_: dict[str, AnyArray] = {}
        self.trained_on_: Record | None = None

    def fit(
        self,
        images: npt.ArrayLike,
        labels: npt.ArrayLike,
        *,
        epochs: int,
        rule: LearningRule | None = None,
        validation: Validation = None,
        callbacks: Sequence[Callback] = (),
        progress: bool = True,
    ) -> Self:
        """Train until the network has seen ``epochs`` epochs, those of earlier calls included.

        So the same line that began a run also finishes it: after Ctrl-C, or in another process on
        a network that :func:`load` has read, it goes on with the first epoch that is missing, to
        the same bits as a run that never stopped. (A rule with a schedule plans for ``epochs``: for
        the same bits, ask for the same number from the start.)

        Parameters
        ----------
        images : uint8 array, shape (n, height, width) or (n, pixels)
            Grey levels. Spiking networks also take spike times, int16 of shape (n, pixels).
        labels : int array, shape (n,)
        epochs : int
            Of the whole run.
        rule : learning rule, optional
            None: the rule the run began with, or else the published one.
        validation : float, pair or None
            A fraction of the images to hold out, or (images, labels). Measured after every epoch. A
            run that goes on needs the same one again; with another fraction it would learn from
            images that were held out, and warns.
        callbacks : sequence of callables
            Each is called as ``callback(net, record)`` after every epoch, with the record that the
            history keeps. What a callback adds to it must be finite numbers.
        progress : bool
            Whether to show a progress bar.

        Returns
        -------
        the network itself

        Raises
        ------
        TypeError, ValueError
            If images, labels and layers do not fit together; the message says how.
        KeyboardInterrupt
            On Ctrl-C, after the network was put back to the end of the last finished epoch.
        """
        where = f"{type(self).__name__}.fit"
        inputs = self._encode(where, images)
        targets = check_labels(where, labels, len(inputs), self.layers[-1])
        if not is_whole(epochs) or epochs < 0:
            raise ValueError(f"{where}: epochs must be a whole number from 0, got {epochs!r}")
        if len(inputs) == 0:
            raise ValueError(f"{where}: there are no images to learn from")
        learn, held_out, fraction = np.arange(len(inputs)), None, 0.0
        if isinstance(validation, (tuple, list)):
            if len(validation) != 2:
                raise ValueError(f"{where}: validation must be a pair (images, labels)")
            extra = self._encode(where, validation[0])
            if len(extra) == 0:
                raise ValueError(f"{where}: there are no images to validate with")
            held_out = extra, check_labels(where, validation[1], len(extra), self.layers[-1])
        elif validation is not None:
            learn, aside = split(len(inputs), validation, self.seed)
            held_out, fraction = (inputs[aside], targets[aside]), float(validation)
        if rule is None and self.rule_ is None and len(self.history_):
            raise ValueError(
                f"{where}: this network was trained with a rule of your own, which its file only "
                "names; give it again as rule=..."
            )
        rule = rule or self.rule_ or self._default_rule()
        if isinstance(rule, type) or not hasattr(rule, "begin") or not hasattr(rule, "train_epoch"):
            raise TypeError(
                f"{where}: rule must be a learning rule, such as {self._default_rule()}, "
                f"got {rule!r}"
            )
        callbacks = list(callbacks) if np.iterable(callbacks) else [callbacks]
        if not all(map(callable, callbacks)):
            raise TypeError(
                f"{where}: callbacks must be a list of functions of a network and a record, such "
                f"as [minibs4nn.checkpoint('run.npz')], got {callbacks!r}"
            )
        if not self.is_trained:
            rule.begin(self)
        elif 0 < epochs <= len(self.history_):
            warnings.warn(
                f"{where}: this network has already been trained for {len(self.history_)} "
                f"epochs, so epochs={epochs} adds nothing; ask for more, or make a new network to "
                "start again",
                stacklevel=2,
            )
        rule_before, images_before, done = self.rule_, self.trained_on_, len(self.history_)
        if epochs > done > 0 and images_before and images_before["held_out"] != fraction:
            warnings.warn(
                f"{where}: this run held out {images_before['held_out']:.0%} of its images, and "
                f"is now told to hold out {fraction:.0%}: it would be judged by images that it has "
                "learned from, or learn from those that judge it; give the same validation again",
                stacklevel=2,
            )
        self.rule_ = rule
        if epochs > done:
            self.trained_on_ = trained_on(targets, fraction)
        try:
            train(
                self, inputs, targets, rule=rule, epochs=int(epochs), images=learn,
                validation=held_out, callbacks=callbacks, progress=progress,
            )  # fmt: skip
        except BaseException:
            if len(self.history_) == done:  # nothing was learned
                self.rule_, self.trained_on_ = rule_before or rule, images_before
            raise
        return self

    def predict(self, images: npt.ArrayLike) -> IntArray:
        """Return the class of each image, int64 (n,). Spike times are taken as in :meth:`fit`."""
        self._need_weights("predict")
        return self._predict_inputs(self._encode(f"{type(self).__name__}.predict", images))

    def evaluate(self, images: npt.ArrayLike, labels: npt.ArrayLike) -> Evaluation:
        """Compare what the network says with the labels; see :class:`Evaluation`."""
        self._need_weights("evaluate")
        where = f"{type(self).__name__}.evaluate"
        inputs = self._encode(where, images)
        truth = check_labels(where, labels, len(inputs), self.layers[-1])
        if len(inputs) == 0:
            raise ValueError(f"{where}: there are no images to judge by")
        return self.evaluate_inputs(inputs, truth)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write everything needed to use the network or to go on training it, atomically.

        An ``.npz`` with a JSON header, no pickle; :func:`load` reads it back.
        """
        self._need_weights("save")
        check_records(f"{type(self).__name__}.save", self.history_.records)
        header = {
            "format": FORMAT, "kind": type(self).__name__, "settings": self._settings(),
            "history": self.history_.records, "rule": self._describe_rule(),
            "trained_on": self.trained_on_,
        }  # fmt: skip
        arrays = {name: narrow(array) for name, array in self._arrays().items()}
        state = {f"rule.{name}": array for name, array in self.rule_state_.items()}
        write_npz(path, header, arrays | state)

    def _describe_rule(self) -> dict[str, Any] | None:
        """Return the rule as JSON; a rule of the user's own is named, and must be given again."""
        if self.rule_ is None:
            return None
        kind = type(self.rule_)
        if kind.__module__.split(".")[0] != "minibs4nn":
            return {"name": f"{kind.__module__}.{kind.__qualname__}"}
        numbers: dict[str, Any] = asdict(self.rule_) if is_dataclass(self.rule_) else {}
        return {"name": kind.__name__, **numbers}

    def prepare(self, inputs: AnyArray) -> Any:
        """Bring the encoded images into the form that the learning rule reads."""
        return inputs

    def facts(self) -> Record:
        """Return what the history notes of the network itself after an epoch."""
        return {}

    def _need_weights(self, method: str) -> None:
        if not self.is_trained:
            raise NotTrainedError(
                f"{type(self).__name__}.{method}: this network has not been trained; call fit() or "
                "minibs4nn.load()"
            )

    def _check_width(self, where: str, inputs: AnyArray) -> None:
        if inputs.ndim != 2 or inputs.shape[1] != self.layers[0]:
            one = "; for one image use image[None]" if inputs.size == self.layers[0] else ""
            raise ValueError(
                f"{where}: images have {inputs.shape[-1]} pixels, but layers[0] is "
                f"{self.layers[0]}{one}"
            )

    @staticmethod
    def _take(
        arrays: dict[str, AnyArray],
        shapes: Iterable[tuple[str, tuple[int, ...]]],
        dtype: type[np.floating[Any]] = np.float64,
    ) -> list[AnyArray]:
        """The arrays of these names out of a file, if they have these shapes and are finite."""
        taken = []
        for name, shape in shapes:
            array = arrays.get(name)
            if array is None or array.shape != shape or not np.can_cast(array.dtype, dtype):
                raise ValueError(
                    f"it has no array {name!r} of shape {shape} that is exact in {dtype.__name__}"
                )
            check_finite("its arrays", name, array)
            taken.append(array.astype(dtype))
        return taken

    @property
    @abstractmethod
    def is_trained(self) -> bool:
        """Whether the network has weights."""

    @abstractmethod
    def evaluate_inputs(self, inputs: AnyArray, labels: IntArray) -> Evaluation:
        """As :meth:`evaluate`, for encoded and checked images."""

    @abstractmethod
    def initialise(self) -> None:
        """Draw the first weights, from the seed."""

    @abstractmethod
    def snapshot(self) -> Any:
        """Return a copy of all that training changes, for :meth:`restore`."""

    @abstractmethod
    def restore(self, snapshot: Any) -> None:
        """Put back what :meth:`snapshot` returned."""

    @abstractmethod
    def _encode(self, where: str, images: npt.ArrayLike) -> AnyArray: ...

    @abstractmethod
    def _predict_inputs(self, inputs: AnyArray) -> IntArray: ...

    @abstractmethod
    def _default_rule(self) -> LearningRule: ...

    @abstractmethod
    def _settings(self) -> dict[str, Any]: ...

    @abstractmethod
    def _arrays(self) -> dict[str, AnyArray]: ...

    @classmethod
    @abstractmethod
    def _from_file(cls, settings: dict[str, Any], arrays: dict[str, AnyArray]) -> Self:
        """Rebuild what :meth:`save` wrote; anything that does not fit raises ValueError."""
