"""Chapter 06: reading networks back from files."""

import os
from typing import Any

from minibs4nn._checks import check_choice
from minibs4nn.baselines import BNN, StraightThrough
from minibs4nn.errors import FileFormatError
from minibs4nn.files import read_npz
from minibs4nn.kernels import BACKENDS
from minibs4nn.model import BS4NN, S4NN, SpikingNetwork
from minibs4nn.network import FORMAT, Network
from minibs4nn.rules import RelativeTarget
from minibs4nn.training import History, LearningRule

__all__ = ["load", "rule_of"]

_KINDS: dict[str, type[Network]] = {"BNN": BNN, "BS4NN": BS4NN, "S4NN": S4NN}
_RULES: dict[str, type[Any]] = {
    "RelativeTarget": RelativeTarget,
    "StraightThrough": StraightThrough,
}


def load(path: str | os.PathLike[str], *, backend: str = "auto") -> Network:
    """Read a network that :meth:`~minibs4nn.S4NN.save` wrote.

    Parameters
    ----------
    path : str or path-like
    backend : str
        What to compute with; it need not be the one the network was trained on.

    Returns
    -------
    S4NN, BS4NN or BNN
        Trained, and able to go on training where it stopped.

    Raises
    ------
    FileFormatError
        If the file is damaged, hostile, of a later version, or not of this library.
    OSError
        If it cannot be opened.

    Examples
    --------
    >>> import tempfile
    >>> path = os.path.join(tempfile.mkdtemp(), "net.npz")
    >>> S4NN.from_weights([[[3.0, -2.0]]], threshold=4.0).save(path)
    >>> load(path).weights_[0].tolist()
    [[3.0, -2.0]]
    """
    check_choice("load", "backend", backend, BACKENDS)
    header, arrays = read_npz(path)
    name = os.fspath(path)
    version = header.get("format")
    if isinstance(version, int) and version > FORMAT:
        raise FileFormatError(
            f"load: {name!r} has format {version}, this version reads up to {FORMAT}; "
            "update minibs4nn"
        )
    try:
        check_choice("file", "kind", header.get("kind"), tuple(_KINDS))
        net = _KINDS[header["kind"]]._from_file(header["settings"], arrays)
        if isinstance(net, SpikingNetwork):
            net.backend = backend
        net.history_ = History(header["history"])
        net.rule_ = rule_of(header["rule"])
        prefix = "rule."
        net.rule_state_ = {
            key.removeprefix(prefix): array
            for key, array in arrays.items()
            if key.startswith(prefix)
        }
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise FileFormatError(f"load: {name!r} is damaged: {error}") from error
    return net


def rule_of(described: dict[str, Any] | None) -> LearningRule | None:
    """Make a learning rule from its name and numbers, as files describe it.

    Parameters
    ----------
    described : dict or None
        ``{"name": ..., number: value, ...}``.

    Returns
    -------
    learning rule or None
        None for a rule of the user's own, which must be given to ``fit`` again.

    Examples
    --------
    >>> rule_of({"name": "StraightThrough", "batch_size": 50})
    StraightThrough(learning_rate=0.001, batch_size=50)
    """
    if described is None or described.get("name") not in _RULES:
        return None
    numbers = {key: value for key, value in described.items() if key != "name"}
    rule: LearningRule = _RULES[described["name"]](**numbers)
    return rule
