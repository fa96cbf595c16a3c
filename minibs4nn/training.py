"""Chapter 06: the loop, on one screen.

An epoch is one pass of the learning rule over the images, then a look at the validation set, a line
in the history, and a call of each callback. The random numbers of an epoch come from the seed and
the number of the epoch alone: a run that was stopped and goes on gives the same bits as one that
was not.
"""

import os
import time
import warnings
import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol, SupportsIndex

import numpy as np

from minibs4nn._checks import AnyArray, IntArray, check_choice, check_finite, is_whole

if TYPE_CHECKING:
    from minibs4nn.network import Network

__all__ = [
    "Epoch",
    "History",
    "LearningRule",
    "check_records",
    "checkpoint",
    "generator",
    "split",
    "train",
    "trained_on",
]

Record = dict[str, Any]
Callback = Callable[["Network", Record], object]
PART = 2_000  # images between two steps of the progress bar; also the grain of Ctrl-C
OFTEN_DEAD = 0.2  # share of hidden neurons that never fired in an epoch, from which on fit() warns

WATCHED = ("accuracy", "published_accuracy", "tied", "silent", "decision_time")

_PURPOSES = ("weights", "split", "epoch")


def generator(seed: int, purpose: str, epoch: int = 0) -> np.random.Generator:
    """Random numbers for one purpose; independent streams, each a function of its arguments.

    Parameters
    ----------
    seed : int
    purpose : str
        ``"weights"`` (initial weights), ``"split"`` (validation) or ``"epoch"``.
    epoch : int

    Returns
    -------
    numpy.random.Generator

    Raises
    ------
    ValueError
        If the seed or the epoch is no whole number from 0, or the purpose is none of those above.

    Examples
    --------
    >>> generator(0, "epoch", 3).random() == generator(0, "epoch", 3).random()
    True
    """
    check_choice("generator", "purpose", purpose, _PURPOSES)
    for name, number in (("seed", seed), ("epoch", epoch)):
        if not is_whole(number) or number < 0:
            raise ValueError(f"generator: {name} must be a whole number from 0, got {number!r}")
    key = (_PURPOSES.index(purpose), int(epoch))
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))


class History:
    """One record per epoch; ``history["accuracy"]`` is the column of all epochs.

    Measured on the images of the epoch, each just before it was learned from: ``accuracy``,
    ``published_accuracy``, ``tied``, ``silent``, ``decision_time`` (as in
    :class:`~minibs4nn.Evaluation`) and ``updates``, the share that had an error. With a validation
    set the same again after the epoch, as ``validation_accuracy`` and so on. Of the network:
    ``flips`` and ``scale``, one per layer. And ``epoch``, from 1, and ``seconds``.

    Examples
    --------
    >>> history = History([{"epoch": 1, "accuracy": 0.5}, {"epoch": 2, "accuracy": 0.75}])
    >>> history["accuracy"].tolist(), len(history), history[-1]["epoch"]
    ([0.5, 0.75], 2, 2)
    """

    def __init__(self, records: Sequence[Record] = ()) -> None:
        self.records: list[Record] = list(records)

    def __len__(self) -> int:
        return len(self.records)

    def __getitem__(self, key: str | SupportsIndex | slice) -> Any:
        """A column (array over the epochs) for a name, a record for a number, or some records."""
        if not isinstance(key, str):
            return self.records[key]
        if self.records and key not in self.keys():
            raise KeyError(f"History: no column {key!r}; there are {', '.join(self.keys())}")
        column = [record.get(key, np.nan) for record in self.records]
        return np.array(np.broadcast_arrays(*column), dtype=np.float64)  # NaN where it is missing

    def __contains__(self, key: str) -> bool:
        return key in self.keys()

    def keys(self) -> list[str]:
        """Return the names of the columns."""
        return list(dict.fromkeys(key for record in self.records for key in record))

    def __repr__(self) -> str:
        return f"History({len(self)} epochs: {', '.join(self.keys())})"


def check_records(where: str, records: object) -> list[Record]:
    """Return the records of a history, if there is one per epoch and every column can be read."""
    if not isinstance(records, list):
        raise TypeError(f"{where}: the history must be a list of records, got {records!r}")
    shapes: dict[str, tuple[int, ...]] = {}
    for epoch, record in enumerate(records, start=1):
        if not isinstance(record, dict) or record.get("epoch") != epoch:
            raise ValueError(
                f"{where}: record {epoch} of the history must be that of epoch {epoch}, "
                f"got {record!r}"
            )
        for name, value in record.items():
            shape = check_finite(where, f"{name} in the history", value).shape
            if shapes.setdefault(name, shape) != shape:
                raise ValueError(
                    f"{where}: {name} in the history has shape {shape} in epoch {epoch}, "
                    f"{shapes[name]} before"
                )
    return records


class LearningRule(Protocol):
    """What ``fit`` needs of a rule."""

    def begin(self, net: Any) -> None:
        """Give a fresh network its first weights: ``net.initialise()``, or the rule's own."""

    def train_epoch(self, net: Any, epoch: "Epoch") -> None:
        """Change ``net`` by one epoch of learning, and tell ``epoch`` what was seen."""


class Epoch:
    """One epoch as a learning rule sees it: what to learn from, and whom to tell.

    Attributes
    ----------
    number, last : int
        This epoch, from 1, and the last one of the run, for schedules.
    inputs : object
        What the input layer is given for every image, as ``net.prepare`` returned it.
    labels : int64 array, shape (n,)
    images : int64 array
        Indices of the images to learn from; the others are held out.
    rng : numpy.random.Generator
        All the random numbers of this epoch.
    fired : list of int64 arrays, one per layer after the input
        On how many images each neuron fired, as observed so far.
    """

    def __init__(
        self, net: "Network", number: int, last: int, inputs: Any, labels: IntArray,
        images: IntArray, advance: Callable[[int], object],
    ) -> None:  # fmt: skip
        self.number, self.last = number, last
        self.inputs, self.labels, self.images = inputs, labels, images
        self.rng = generator(net.seed, "epoch", number)
        self.fired: list[IntArray] = []
        self._flips: IntArray = np.zeros(len(net.layers) - 1, dtype=np.int64)
        self._sums: dict[str, float] = {}
        self._seen = 0
        self._advance = advance

    def parts(self, images: IntArray, batch_size: int = 1) -> Iterator[IntArray]:
        """Cut the images into parts, between which progress is shown and Ctrl-C is heard.

        All but the last are whole batches.
        """
        size = max(PART // batch_size, 1) * batch_size
        for start in range(0, images.size, size):
            yield images[start : start + size]

    def observe(
        self, n: int, means: dict[str, float], *, flips: IntArray, fired: Sequence[IntArray] = ()
    ) -> None:
        """Take what was seen on ``n`` images: means over them, and counts per layer and neuron."""
        for name, mean in means.items():
            self._sums[name] = self._sums.get(name, 0.0) + n * mean
        before = self.fired or [np.zeros_like(count) for count in fired]
        self.fired = [a + b for a, b in zip(before, fired, strict=True)]
        self._flips += flips
        self._seen += n
        self._advance(n)

    def record(self) -> Record:
        """Return the number of the epoch, the means over all images seen, and the flips."""
        means = {name: total / self._seen for name, total in self._sums.items()}
        return {"epoch": self.number, **means, "flips": self._flips.tolist()}


def train(
    net: "Network",
    inputs: AnyArray,
    labels: IntArray,
    *,
    rule: LearningRule,
    epochs: int,
    images: IntArray,
    validation: tuple[AnyArray, IntArray] | None,
    callbacks: Sequence[Callback],
    progress: bool,
) -> None:
    """Train until ``epochs`` epochs are done, those of earlier calls included.

    Whatever ends an epoch early, Ctrl-C or an error, the network is put back to the end of the last
    finished one before the exception goes on its way.

    Parameters
    ----------
    net : Network
    inputs : array, shape (n, n_in)
    labels : int64 array, shape (n,)
    rule : LearningRule
    epochs : int
        Of the whole run.
    images : int64 array
        Indices of the images to learn from.
    validation : pair (inputs, labels), or None
    callbacks : sequence of callables
        Each is called as ``callback(net, record)`` after every epoch.
    progress : bool
        Whether to show a progress bar.
    """
    first = len(net.history_) + 1
    prepared = net.prepare(inputs)
    with _progress_bar(progress, total=(epochs - first + 1) * images.size) as bar:
        for number in range(first, epochs + 1):
            start = time.perf_counter()
            before = net.snapshot()
            epoch = Epoch(net, number, epochs, prepared, labels, images, bar.update)
            try:
                rule.train_epoch(net, epoch)
                record = epoch.record() | net.facts()
                if validation is not None:
                    measured = net.evaluate_inputs(*validation).as_dict()
                    record |= {f"validation_{name}": measured[name] for name in WATCHED}
                record["seconds"] = time.perf_counter() - start
                net.history_.records.append(record)
            except BaseException:
                del net.history_.records[number - 1 :]
                net.restore(before)
                raise
            bar.set_postfix_str(_summary(record))
            if number == first:
                _warn_about_dead(epoch)
            for callback in callbacks:
                callback(net, record)
                _check_additions(record, callback)


def _check_additions(record: Record, callback: Callback) -> None:
    """Keep what a callback has added, as numbers that a file takes; drop anything else and say so.

    The epoch that was trained stays, and can be saved.
    """
    for name, value in list(record.items()):
        if isinstance(value, np.generic | np.ndarray):
            record[name] = value.tolist()
        try:
            check_finite("fit", f"{name!r}, which {callback!r} put into the record,", value)
        except (TypeError, ValueError):
            del record[name]
            raise


def _summary(record: Record) -> str:
    shown = {"validation": record.get("validation_accuracy"), "training": record.get("accuracy")}
    accuracies = [f"{name} {value:.2%}" for name, value in shown.items() if value is not None]
    return f"epoch {record['epoch']}, " + ", ".join(accuracies)


def _warn_about_dead(epoch: Epoch) -> None:
    hidden = epoch.fired[:-1]
    if not hidden:  # no hidden layer, or nobody counted
        return
    dead = float(np.mean(np.concatenate(hidden) == 0))
    if dead >= OFTEN_DEAD:
        warnings.warn(
            f"{dead:.0%} of the hidden neurons never fired in epoch {epoch.number}: "
            "lower the threshold or raise the initial weights",
            stacklevel=4,
        )


class _PlainBar:
    """Stands in where tqdm is not installed, or not wanted: one line per epoch, or nothing."""

    def __init__(self, show: bool) -> None:
        self.show = show

    def __enter__(self) -> "_PlainBar":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def update(self, n: int) -> None:
        pass

    def set_postfix_str(self, text: str) -> None:
        if self.show:
            print(text, flush=True)


def _progress_bar(show: bool, total: int) -> Any:
    if not show or total <= 0:
        return _PlainBar(show=False)
    try:
        from tqdm.auto import tqdm
    except ImportError:
        return _PlainBar(show=True)
    return tqdm(total=total, unit=" images", unit_scale=True)


def split(n: int, fraction: float, seed: int) -> tuple[IntArray, IntArray]:
    """Draw a validation set from ``n`` images: indices to learn from, and indices held out.

    Parameters
    ----------
    n : int
    fraction : float, between 0 and 1
    seed : int

    Returns
    -------
    two int64 arrays, sorted, that share nothing and together are 0..n - 1

    Raises
    ------
    ValueError
        If either part would be empty.

    Examples
    --------
    >>> learn, held_out = split(10, 0.2, seed=0)
    >>> learn.size, held_out.size
    (8, 2)
    """
    is_fraction = isinstance(fraction, (float, np.floating)) and 0 < fraction < 1
    n_held_out = round(n * fraction) if is_fraction else 0
    if not 0 < n_held_out < n:
        raise ValueError(
            f"fit: validation must be a fraction that leaves images on both sides, a pair "
            f"(images, labels) or None; got {fraction!r} of {n} images"
        )
    shuffled = generator(seed, "split").permutation(n)
    return np.sort(shuffled[n_held_out:]), np.sort(shuffled[:n_held_out])


def trained_on(labels: IntArray, held_out: float) -> Record:
    """What tells the training images of one run from those of another.

    Parameters
    ----------
    labels : int64 array, shape (n,)
    held_out : float
        The fraction of the images that was held out; 0 for none.

    Returns
    -------
    dict
        ``images``, how many; ``labels``, a checksum (CRC-32); ``held_out``.

    Examples
    --------
    >>> trained_on(np.array([3, 1, 2]), 0.1)
    {'images': 3, 'labels': 395507172, 'held_out': 0.1}
    """
    return {
        "images": len(labels),
        "labels": zlib.crc32(labels.astype("<i8").tobytes()),
        "held_out": held_out,
    }


def checkpoint(path: str | os.PathLike[str], *, every: int = 1) -> Callback:
    """Make a callback that saves the network after every epoch, or after every few.

    The file is replaced in one step: at any moment it is a whole network. A run goes on from it
    with ``minibs4nn.load(path).fit(...)``, to the same bits as if it had never stopped.

    Parameters
    ----------
    path : str or path-like
        In a folder that exists.
    every : int, epochs
        What comes after the last of these is not in the file: save the network at the end.

    Returns
    -------
    callable
        For the ``callbacks`` of ``fit``.

    Raises
    ------
    TypeError, ValueError
        If the path is none, or ``every`` is not a whole number from 1.
    FileNotFoundError
        If the folder does not exist: better now than after the first epochs.

    Examples
    --------
    >>> save = checkpoint("run.npz", every=5)
    """
    if not is_whole(every) or every < 1:
        raise ValueError(
            f"checkpoint: every must be a whole number of epochs from 1, got {every!r}"
        )
    if not isinstance(path, str | os.PathLike):
        raise TypeError(f"checkpoint: path must name a file, such as 'run.npz', got {path!r}")
    folder = os.path.dirname(os.path.abspath(path))
    if not os.path.isdir(folder):
        raise FileNotFoundError(f"checkpoint: the folder {folder} does not exist; make it first")

    def save(net: "Network", record: Record) -> None:
        if record["epoch"] % every == 0:
            net.save(path)

    return save
