"""Images to learn from: MNIST, Fashion-MNIST, faces and motorbikes, and bars, a toy made here.

Each comes as two sets, one to train and one to test. Keep them apart: whatever is chosen, tuned or
stopped by looking at the test set makes its accuracy worthless.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from minibs4nn._caltech import find_photographs
from minibs4nn._checks import (
    AnyArray,
    IntArray,
    check_array,
    check_choice,
    check_number,
    is_whole,
)
from minibs4nn._idx import read_idx
from minibs4nn._sources import FILES, bundled_mnist, cache_folder, find_fashion_mnist

__all__ = [
    "Dataset",
    "bars",
    "cache_folder",
    "caltech_face_motorbike",
    "fashion_mnist",
    "mnist",
    "read_idx",
]


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """Grey-level images with one label each; neither can be changed.

    Parameters
    ----------
    images : uint8 array, shape (n, height, width)
        Grey levels, 0 black to 255 white. A writable array is copied.
    labels : int64 array, shape (n,)
        The class of each image.
    name : str
        Such as 'mnist-train'.

    Raises
    ------
    TypeError
        If images are not uint8, or labels not whole numbers.
    ValueError
        If the shapes are others than above.

    Examples
    --------
    >>> train, test = bars(100)
    >>> train
    Dataset('bars-train', 100 images of 8 x 8, labels 0 to 15)
    >>> train[train.labels < 2]
    Dataset('bars-train', 14 images of 8 x 8, labels 0 to 1)
    """

    images: npt.NDArray[np.uint8]
    labels: IntArray
    name: str

    def __post_init__(self) -> None:
        images = check_array("Dataset", "images", self.images)
        labels = check_array("Dataset", "labels", self.labels)
        if images.dtype != np.uint8:
            raise TypeError(f"Dataset: images must be uint8 grey levels 0..255, got {images.dtype}")
        if images.ndim != 3:
            raise ValueError(
                f"Dataset: images must have shape (n, height, width), got {images.shape}"
            )
        if labels.dtype.kind not in "iu":
            raise TypeError(f"Dataset: labels must be whole numbers, got {labels.dtype}")
        if labels.shape != images.shape[:1]:
            raise ValueError(
                f"Dataset: {len(images)} images need labels of shape ({len(images)},), "
                f"got {labels.shape}"
            )
        object.__setattr__(self, "images", _read_only(images))
        object.__setattr__(self, "labels", _read_only(labels.astype(np.int64, copy=False)))

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, which: slice | npt.ArrayLike) -> "Dataset":
        """Take a part: a slice, a list of indices, or a mask of n booleans."""
        index = which if isinstance(which, slice) else check_array("Dataset[...]", "indices", which)
        if isinstance(index, np.ndarray):
            if index.shape == (0,):
                index = index.astype(np.intp)  # NumPy takes an empty list for floats
            if index.ndim != 1 or index.dtype.kind not in "iub":
                raise TypeError(
                    "Dataset[...] takes a slice, a list of indices or a mask, got "
                    f"{which!r}; for one image use dataset.images[3]"
                )
        return Dataset(self.images[index], self.labels[index], self.name)

    def __repr__(self) -> str:
        _, height, width = self.images.shape
        labels = f"labels {self.labels.min()} to {self.labels.max()}" if len(self) else "no labels"
        return f"Dataset({self.name!r}, {len(self)} images of {height} x {width}, {labels})"


def _read_only(array: AnyArray) -> AnyArray:
    """Return the array itself if nobody can write to it, otherwise a copy of that kind."""
    if array.flags.writeable:
        array = array.copy()
        array.setflags(write=False)
    return array


@functools.cache
def mnist() -> tuple[Dataset, Dataset]:
    """Return MNIST: handwritten digits, 60,000 to train and 10,000 to test.

    The files come with the package. They are read and verified once per process.

    Returns
    -------
    train, test : Dataset
        Images of 28 x 28; the label is the digit, 0 to 9.

    Raises
    ------
    DataError
        If a bundled file is missing or damaged.

    References
    ----------
    LeCun, Cortes & Burges, The MNIST database of handwritten digits (CC BY-SA 3.0).

    Examples
    --------
    >>> mnist()[1]
    Dataset('mnist-test', 10000 images of 28 x 28, labels 0 to 9)
    """
    return _train_and_test("mnist", bundled_mnist)


@functools.cache
def fashion_mnist() -> tuple[Dataset, Dataset]:
    """Return Fashion-MNIST: photographs of clothes, 60,000 to train and 10,000 to test.

    Each of its four files, plain or as .gz, is looked for in ``$MINIBS4NN_DATA/fashion-mnist``,
    ``$MINIBS4NN_DATA``, :func:`cache_folder`, the folder of Debian's package, and on the network,
    unless ``MINIBS4NN_OFFLINE=1``. A download is kept in the cache.

    Returns
    -------
    train, test : Dataset
        Images of 28 x 28; labels 0 T-shirt, 1 trousers, 2 pullover, 3 dress, 4 coat, 5 sandal,
        6 shirt, 7 sneaker, 8 bag, 9 ankle boot.

    Raises
    ------
    DataError
        If a file was nowhere to be found unharmed; it lists every place and what was wrong there.

    Warns
    -----
    UserWarning
        If a damaged file was passed over, or a download could not be kept.

    References
    ----------
    Xiao, Rasul & Vollgraf 2017, arXiv 1708.07747 (MIT licence).

    Examples
    --------
    >>> fashion_mnist()[0]
    Dataset('fashion-mnist-train', 60000 images of 28 x 28, labels 0 to 9)
    """
    return _train_and_test("fashion-mnist", find_fashion_mnist)


@functools.cache
def caltech_face_motorbike(
    *, per_class: int = 200, seed: int = 0, faces: str = "Faces"
) -> tuple[Dataset, Dataset]:
    """Return the photographs of faces and of motorbikes in Caltech-101, grey, 160 x 250 pixels.

    They are looked for in ``$MINIBS4NN_DATA/caltech-101``, ``$MINIBS4NN_DATA/caltech101``,
    ``$MINIBS4NN_DATA`` and :func:`cache_folder`: as ``caltech-101.zip``, as
    ``101_ObjectCategories.tar.gz``, as a folder ``101_ObjectCategories``, or as the two folders of
    the categories. They are not downloaded.

    Each photograph is made grey (ITU-R 601-2 luma) and brought to 160 x 250 by Pillow's bilinear
    filter, whatever its height and width were; another version of Pillow may round otherwise.

    Parameters
    ----------
    per_class : int
        Photographs of each category to train with; the others are for the test.
    seed : int, 0 or more
        Which ones: the file names are sorted, and drawn from by this seed. The authors' choice is
        not known.
    faces : str
        ``"Faces"``, or the other category of faces, ``"Faces_easy"``.

    Returns
    -------
    train, test : Dataset
        Images of 160 x 250; labels 0 face, 1 motorbike. The training set is mixed.

    Raises
    ------
    DataError
        If the photographs were not found or are unusable, or Pillow is not installed.
    ValueError
        If an argument is out of its range, or a category has no photograph left for the test.

    References
    ----------
    Fei-Fei, Fergus & Perona 2004, Caltech-101.

    Examples
    --------
    >>> train, test = caltech_face_motorbike()  # doctest: +SKIP
    """
    where = "caltech_face_motorbike"
    check_choice(where, "faces", faces, ("Faces", "Faces_easy"))
    if not is_whole(per_class) or per_class < 1 or not is_whole(seed) or seed < 0:
        raise ValueError(
            f"{where}: per_class must be 1 or more and seed 0 or more, got per_class="
            f"{per_class!r}, seed={seed!r}"
        )
    categories = (faces, "Motorbikes")
    photographs = find_photographs(categories)
    learn, judge = [], []
    for label, (category, images) in enumerate(zip(categories, photographs, strict=True)):
        if len(images) <= per_class:
            raise ValueError(
                f"{where}: {category} has {len(images)} photographs; with per_class={per_class} "
                "none is left for the test"
            )
        order = np.random.default_rng([seed, label]).permutation(len(images))
        learn.append(images[order[:per_class]])
        judge.append(images[np.sort(order[per_class:])])
    mixed = np.random.default_rng([seed, 2]).permutation(2 * per_class)
    labels = [np.repeat([0, 1], [len(images) for images in part]) for part in (learn, judge)]
    return (
        Dataset(np.concatenate(learn)[mixed], labels[0][mixed], "caltech-face-motorbike-train"),
        Dataset(np.concatenate(judge), labels[1], "caltech-face-motorbike-test"),
    )


def bars(
    n: int = 1000, *, size: int = 8, noise: float = 0.1, seed: int = 0
) -> tuple[Dataset, Dataset]:
    """Make a toy: one white bar on black, across the whole image, horizontal or vertical.

    The label says which bar: row r is class r, column c is class size + c. So ``labels // size``
    is a second, harder task, horizontal or vertical: no single pixel knows the answer.

    Parameters
    ----------
    n : int
        Images in each of the two sets; the classes are equally frequent, up to one image.
    size : int, pixels
        Height and width, and half the number of classes.
    noise : float, 0 to 1
        Share of the pixels that get a random grey level instead of their own.
    seed : int, 0 or more
        Equal arguments give equal images.

    Returns
    -------
    train, test : Dataset
        Images of size x size. With no noise both hold the same ``2 * size`` pictures.

    Raises
    ------
    TypeError, ValueError
        If an argument is outside its range.

    Examples
    --------
    >>> train, test = bars(4, size=2, noise=0)
    >>> train.images[train.labels == 3].tolist()
    [[[0, 255], [0, 255]]]
    """
    whole = all(map(is_whole, (n, size, seed)))
    share = 0 <= check_number("bars", "noise", noise) <= 1
    if not whole or n < 1 or size < 1 or seed < 0 or not share:
        raise ValueError(
            "bars: n and size must be whole numbers from 1, seed from 0, noise a share, 0 to 1; "
            f"got n={n}, size={size}, seed={seed}, noise={noise}"
        )

    def draw(name: str, rng: np.random.Generator) -> Dataset:
        labels = rng.permutation(np.arange(n, dtype=np.int64) % (2 * size))
        images = np.zeros((n, size, size), dtype=np.uint8)
        rows, columns = np.flatnonzero(labels < size), np.flatnonzero(labels >= size)
        images[rows, labels[rows], :] = 255
        images[columns, :, labels[columns] - size] = 255
        noisy = rng.random(images.shape) < noise
        images[noisy] = rng.integers(256, size=np.count_nonzero(noisy), dtype=np.uint8)
        return Dataset(images, labels, name)

    return (
        draw("bars-train", np.random.default_rng([seed, 0])),
        draw("bars-test", np.random.default_rng([seed, 1])),
    )


def _train_and_test(dataset: str, load: Callable[[str], AnyArray]) -> tuple[Dataset, Dataset]:
    """Put a data set together from its four files."""
    images, labels, test_images, test_labels = map(load, FILES)
    return (
        Dataset(images, labels, f"{dataset}-train"),
        Dataset(test_images, test_labels, f"{dataset}-test"),
    )
