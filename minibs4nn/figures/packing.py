"""Chapter 09: eight signs in one byte, and a sum of signs by counting bits."""

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import traitlets

from minibs4nn.binary import pack_bits
from minibs4nn.figures.figure import Figure, bundle

__all__ = ["PackingFigure"]


class PackingFigure(Figure):
    """Eight one-bit weights and eight inputs: press them, and follow AND, popcount and sum.

    Parameters
    ----------
    signs : sequence of 8 ints, +1 or -1, input 0 first
        May be read and set later, as may the next.
    fired : sequence of 8 bools
        Which inputs have fired.
    title : str

    Raises
    ------
    TraitError
        If they are not eight, or of other values.

    Examples
    --------
    >>> figure = PackingFigure()
    >>> figure.byte, figure.sum
    (45, 1)
    >>> figure.fired = [True] * 8
    >>> figure.sum
    0
    """

    _esm = bundle("packing")
    about: ClassVar[str] = "eight signs in a byte, and their sum by counting bits"

    signs = traitlets.List(traitlets.Enum((-1, 1)), minlen=8, maxlen=8).tag(sync=True)
    fired = traitlets.List(traitlets.Bool(), minlen=8, maxlen=8).tag(sync=True)

    def __init__(
        self,
        signs: Sequence[int] = (1, -1, 1, 1, -1, 1, -1, -1),
        fired: Sequence[bool] = (True, True, False, True, False, True, True, False),
        *,
        title: str = "Eight weights in a byte: press a weight or a spike",
    ) -> None:
        super().__init__(signs=list(signs), fired=list(fired), title=title)

    @property
    def byte(self) -> int:
        """The weights as :func:`minibs4nn.binary.pack_bits` packs them."""
        return int(pack_bits([self.signs])[0])

    @property
    def sum(self) -> int:
        """The sum of the signs of the inputs that have fired."""
        return int(np.dot(self.signs, self.fired))
