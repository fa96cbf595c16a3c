"""Which class is taken for which."""

import numpy as np
import numpy.typing as npt

from minibs4nn._checks import IntArray, check_array, check_labels, is_whole

__all__ = ["confusion_matrix", "count_pairs"]


def confusion_matrix(
    labels: npt.ArrayLike, predictions: npt.ArrayLike, *, n_classes: int = 10
) -> IntArray:
    """How many images of each class (row) were taken for which (column).

    Parameters
    ----------
    labels : int array, shape (n,), classes 0 to n_classes - 1
    predictions : int array, shape (n,), classes 0 to n_classes - 1
        Or -1, no class, which is counted in a last column of its own, if it occurs.
    n_classes : int

    Returns
    -------
    int64 array, shape (n_classes, n_classes), or (n_classes, n_classes + 1) if -1 occurs

    Raises
    ------
    TypeError, ValueError
        If the shapes differ, a class is out of range, or ``n_classes`` is no whole number from 1.

    Examples
    --------
    >>> confusion_matrix([0, 0, 1], [0, 1, 1], n_classes=2).tolist()
    [[1, 1], [0, 1]]
    """
    return count_pairs("confusion_matrix", labels, predictions, n_classes)


def count_pairs(
    where: str, labels: npt.ArrayLike, predictions: npt.ArrayLike, n_classes: int
) -> IntArray:
    """As :func:`confusion_matrix`; errors are headed by ``where``."""
    if not is_whole(n_classes) or n_classes < 1:
        raise ValueError(f"{where}: n_classes must be a whole number from 1, got {n_classes!r}")
    n_classes = int(n_classes)
    truth = np.atleast_1d(check_array(where, "labels", labels))
    truth = check_labels(where, truth, len(truth), n_classes)
    guess = check_array(where, "predictions", predictions)
    if guess.shape != truth.shape:
        raise ValueError(
            f"{where}: {len(truth)} labels need {len(truth)} predictions, got predictions of "
            f"shape {guess.shape}"
        )
    if guess.dtype.kind not in "iu":
        raise TypeError(f"{where}: predictions must be whole numbers, got {guess.dtype}")
    if guess.size and (guess.min() < -1 or guess.max() >= n_classes):
        raise ValueError(
            f"{where}: predictions must lie in -1..{n_classes - 1} (-1 = no class), got "
            f"{guess.min()} to {guess.max()}"
        )
    width = n_classes + int((guess == -1).any())
    counts = np.zeros((n_classes, width), dtype=np.int64)
    np.add.at(counts, (truth, guess), 1)  # -1 is the last column
    return counts
