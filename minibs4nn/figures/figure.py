"""What all figures share: their JavaScript in one piece, their look, and what they say as text."""

import re
from importlib.resources import files
from typing import ClassVar

import anywidget
import traitlets

__all__ = ["Figure", "bundle"]

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
