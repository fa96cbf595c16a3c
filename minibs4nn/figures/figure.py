"""What all figures share: their JavaScript in one piece, their look, and what they say as text."""

import base64
import re
from importlib.resources import files
from typing import ClassVar

import anywidget
import numpy as np
import numpy.typing as npt
import traitlets

from minibs4nn._checks import AnyArray, check_array, check_grey_levels

__all__ = ["Figure", "Picture", "as_samples", "bundle"]

SIDE = 28  # pixels of a digit, across and down

_IMPORT = re.compile(r'^import \{[^}]*\} from "\./(\w+)\.mjs";\n', re.M)
_EXPORT = re.compile(r"^export (?!default )", re.M)


def bundle(name: str) -> str:
    """A module of this folder and those it imports, as the text of one module.

    A page gets a figure's code as one text, in which an import by a path has no meaning. So each
    import is replaced by what it imports, once, and only the last module keeps its exports.

    Parameters
    ----------
    name : str
        The module's name, without ``.mjs``.

    Returns
    -------
    str

    Examples
    --------
    >>> "import {" in bundle("network"), bundle("network").count("function latencyCode(")
    (False, 1)
    """
    seen: list[str] = []

    def collect(module: str) -> None:
        text = _text(f"{module}.mjs")
        for needed in _IMPORT.findall(text):
            if needed not in seen:
                collect(needed)
        seen.append(module)

    collect(name)
    *needed, last = (_IMPORT.sub("", _text(f"{module}.mjs")) for module in seen)
    return "".join([*(_EXPORT.sub("", text) for text in needed), last])


def _text(name: str) -> str:
    return files(__package__).joinpath(name).read_text("utf8")


class Figure(anywidget.AnyWidget):
    """Base of the figures: a trait for everything that the reader can change.

    A subclass says which JavaScript module it has, ``_esm = bundle("name")``.

    Attributes
    ----------
    title : str
        Stands above the picture.
    """

    _css = _text("figure.css")
    # What the figure is called where it cannot be shown: in a PDF, in a terminal.
    about: ClassVar[str] = "a figure"

    title = traitlets.Unicode().tag(sync=True)

    def __repr__(self) -> str:
        """Say what would be here, since many readers of a text cannot see it."""
        return f"{type(self).__name__}: {self.about} (interactive in HTML and in Jupyter)"


class Picture(traitlets.List[int]):
    """A trait for the grey levels of one picture of 28 by 28: 784 ints, row by row."""

    def __init__(self) -> None:
        super().__init__(traitlets.Int(min=0, max=255), minlen=SIDE**2, maxlen=SIDE**2)

    @staticmethod
    def read(pixels: list[int]) -> npt.NDArray[np.uint8]:
        """Return the value of such a trait as an image, uint8 (28, 28)."""
        return np.array(pixels, dtype=np.uint8).reshape(SIDE, SIDE)

    @staticmethod
    def write(where: str, image: npt.ArrayLike) -> list[int]:
        """Return an image as the value of such a trait."""
        array = check_array(where, "image", image)
        pixels: list[int] = check_grey_levels(where, array[None])[0].tolist()
        return pixels


def as_samples(
    where: str, images: npt.ArrayLike, labels: npt.ArrayLike
) -> tuple[AnyArray, str, list[int]]:
    """Pictures to pick from: as rows, uint8 (n, 784), and as bytes in base64 for JavaScript.

    The third is their labels.

    Raises
    ------
    TypeError, ValueError
        If they are not grey levels (n, 28, 28), at least one, with as many labels.
    """
    rows, names = check_grey_levels(where, images), check_array(where, "labels", labels)
    if len(rows) == 0 or rows.shape[1] != SIDE**2 or names.shape != (len(rows),):
        raise ValueError(
            f"{where}: images must have shape (n, 28, 28) with n labels, n at least 1, "
            f"got {np.shape(images)} and labels of shape {names.shape}"
        )
    if names.dtype.kind not in "iu":
        raise TypeError(f"{where}: labels must be whole numbers, got {names.dtype}")
    return rows, base64.b64encode(rows.tobytes()).decode(), names.tolist()
