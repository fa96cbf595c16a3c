"""Chapter 06: reading networks back from files."""

import os
from typing import Any

from minibs4nn._bits import is_packed
from minibs4nn._checks import check_choice, check_number, is_whole
from minibs4nn.baselines import BNN, StraightThrough
from minibs4nn.errors import FileFormatError
from minibs4nn.files import DAMAGE, Arrays, read_npz
from minibs4nn.kernels import BACKENDS
from minibs4nn.model import BS4NN, S4NN, SpikingNetwork
from minibs4nn.network import FORMAT, Network
from minibs4nn.packed import read_packed
from minibs4nn.rules import DecisionPotential, RelativeTarget
from minibs4nn.training import History, LearningRule, check_records

__all__ = ["load", "rule_of"]

_KINDS: dict[str, type[Network]] = {"BNN": BNN, "BS4NN": BS4NN, "S4NN": S4NN}
_RULES: dict[str, type[Any]] = {
    "DecisionPotential": DecisionPotential,
    "RelativeTarget": RelativeTarget,
    "StraightThrough": StraightThrough,
}


def load(path: str | os.PathLike[str], *, backend: str = "auto") -> Any:
    """Read a network from a file, of either kind: ``.npz`` or packed bits.

    The content of the file tells what it is, not its name.

    Parameters
    ----------
    path : str or path-like
    backend : str
        What to compute with; it need not be the one the network was trained on.

    Returns
    -------
    S4NN, BS4NN or BNN
        What :meth:`minibs4nn.BS4NN.save` wrote: trained, and able to go on training.
    PackedBS4NN
        What :meth:`minibs4nn.PackedBS4NN.save` wrote: ready for use.

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
    if is_packed(path):
        return read_packed(path, backend=backend)
    header, arrays = read_npz(path)
    name = os.fspath(path)
    version = header.get("format")
    if is_whole(version) and version > FORMAT:
        raise FileFormatError(
            f"load: {name!r} has format {version}, this version reads up to {FORMAT}; "
            "update minibs4nn"
        )
    try:
        return _rebuild(header, arrays, backend)
    except DAMAGE as error:
        raise FileFormatError(f"load: {name!r} is damaged: {str(error)[:300]}") from error


def _rebuild(header: dict[str, Any], arrays: Arrays, backend: str) -> Network:
    """Make the network that a header and arrays describe; nothing may be missing or left over."""
    version = header.get("format")
    if not is_whole(version) or version < 1:
        raise ValueError(f"its format must be a whole number from 1 to {FORMAT}, got {version!r}")
    kind = check_choice("its header", "kind", header.get("kind"), tuple(_KINDS))
    settings = header.get("settings")
    if not isinstance(settings, dict) or "rule" not in header:
        raise ValueError("its header has no settings or no rule")
    net = _KINDS[kind]._from_file(settings, arrays)
    if settings.keys() != net._settings().keys():
        raise ValueError(f"its settings must be {', '.join(net._settings())}, got {settings!r}")
    if isinstance(net, SpikingNetwork):
        net.backend = backend
    net.history_ = History(check_records("its header", header.get("history")))
    net.rule_ = rule_of(header["rule"])
    net.trained_on_ = _trained_on(header.get("trained_on"))
    prefix = "rule."
    state = {key: array for key, array in arrays.items() if key.startswith(prefix)}
    if unknown := arrays.keys() - state.keys() - net._arrays().keys():
        raise ValueError(f"a {kind} has no array {min(unknown)!r}")
    net.rule_state_ = {key.removeprefix(prefix): array for key, array in state.items()}
    return net


def _trained_on(described: object) -> dict[str, Any] | None:
    """What a file says of the images; files of the first version say nothing."""
    if described is None:
        return None
    if not isinstance(described, dict) or described.keys() != {"images", "labels", "held_out"}:
        raise ValueError(f"trained_on must tell the images, got {described!r}")
    for name in ("images", "labels"):
        if not is_whole(described[name]) or described[name] < 0:
            raise ValueError(f"trained_on: {name} must be a whole number, got {described[name]!r}")
    if not 0 <= check_number("trained_on", "held_out", described["held_out"]) < 1:
        raise ValueError(f"trained_on: held_out must be a fraction, got {described['held_out']!r}")
    return described


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

    Raises
    ------
    TypeError, ValueError
        If the description has no name, or numbers that the rule does not take.

    Examples
    --------
    >>> rule_of({"name": "StraightThrough", "batch_size": 50})
    StraightThrough(learning_rate=0.001, batch_size=50)
    """
    if described is None:
        return None
    if not isinstance(described, dict) or not isinstance(described.get("name"), str):
        raise TypeError(f"rule: must be None or numbers with a name, got {described!r}")
    if described["name"] not in _RULES:
        return None
    numbers = {key: value for key, value in described.items() if key != "name"}
    rule: LearningRule = _RULES[described["name"]](**numbers)
    return rule
