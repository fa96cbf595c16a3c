"""Chapter 14: networks to and from NIR, which other simulators read.

The Neuromorphic Intermediate Representation describes a network as a graph of nodes. A layer of
ours is two of them: ``Linear``, its weights, and ``IF``, neurons that integrate and fire.

- The scale of a BS4NN is folded into its thresholds, so that its weights are +1 and -1. Thresholds
  for these sums of signs end in one half: no sum is ever equal to one, and it does not matter
  whether a simulator fires at ``v > threshold``, as NIR and this library say, or at ``>=``.
- A neuron fires at most once: after its spike it is reset so low that no input can lift it again.
- A graph has no time steps. Here a spike is heard one step later; most simulators pass it on within
  the step. So neurons of layer k, counted from 1 after the input, fire k steps earlier there, and
  what we stamp ``t_max`` or later is silent. (A threshold below 0 needs no input: that neuron fires
  at step 0 there and is stamped 1 here, in whatever layer. Trained thresholds are not below 0.)

These functions need the package nir: ``pip install 'minibs4nn[nir]'``.

References
----------
Pedersen et al. 2024, Neuromorphic intermediate representation, Nature Communications 15, 8122.
"""

from typing import TYPE_CHECKING, Any

import numpy as np

from minibs4nn._checks import FloatArray, check_finite
from minibs4nn.model import BS4NN, S4NN, SpikingNetwork
from minibs4nn.packed import PackedBS4NN

if TYPE_CHECKING:
    import nir

__all__ = ["from_nir", "to_nir"]


def to_nir(net: SpikingNetwork | PackedBS4NN) -> "nir.NIRGraph":
    """Describe a network as a NIR graph: Input, Linear, IF, Linear, IF, ..., Output.

    Parameters
    ----------
    net : S4NN, BS4NN or PackedBS4NN

    Returns
    -------
    nir.NIRGraph
        ``nir.write(path, graph)`` stores it. Weights are float64, of shape (n_out, n_in).

    Raises
    ------
    ImportError
        If nir is not installed.
    TypeError
        If it is no spiking network of this library.
    NotTrainedError
        If there are no weights yet.

    Examples
    --------
    >>> net = BS4NN.from_weights([[[0.3, -0.2, 0.4]]], scale=4.0, threshold=5.0)
    >>> graph = to_nir(net)
    >>> list(graph.nodes)
    ['input', 'linear', 'if', 'output']
    >>> graph.nodes["linear"].weight.tolist(), graph.nodes["if"].v_threshold.tolist()
    ([[1.0, -1.0, 1.0]], [1.5])
    """
    nir = _nir()
    if isinstance(net, PackedBS4NN):
        net = net.unpack()
    if not isinstance(net, SpikingNetwork):
        raise TypeError(
            f"to_nir: net must be an S4NN, a BS4NN or a PackedBS4NN, got {type(net).__name__}"
        )
    nodes: list[Any] = [nir.Input(np.array([net.layers[0]]))]
    half = 0.5 if net.has_signs else 0.0
    for weights, limits in zip(net.weights_, net.parameters.forward_thresholds, strict=True):
        w, theta = weights.astype(np.float64), limits + half
        nodes += [
            nir.Linear(w),
            nir.IF(r=np.ones(len(w)), v_threshold=theta, v_reset=theta - _reach(w) - 1),
        ]
    return nir.NIRGraph.from_list(*nodes, nir.Output(np.array([net.layers[-1]])))


def from_nir(graph: "nir.NIRGraph", *, t_max: int = 256, backend: str = "auto") -> SpikingNetwork:
    """Make a network from a NIR graph of the form that :func:`to_nir` gives.

    Parameters
    ----------
    graph : nir.NIRGraph
        One chain of Linear (or Affine without bias) and IF nodes, whose neurons cannot fire twice.
    t_max : int, time steps
        Length of the window, which a graph does not have.
    backend : str
        As in :class:`~minibs4nn.BS4NN`.

    Returns
    -------
    BS4NN or S4NN
        A BS4NN with a scale of 1 if all weights are +1 or -1, else an S4NN.

    Raises
    ------
    ImportError
        If nir is not installed.
    TypeError, ValueError
        If the graph is something else, or its neurons could fire more than once; the message says
        which node.

    Examples
    --------
    >>> net = BS4NN.from_weights([[[0.3, -0.2, 0.4]]], scale=4.0, threshold=5.0)
    >>> again = from_nir(to_nir(net))
    >>> again.weights_[0].tolist(), again.thresholds_[0].tolist()
    ([[1, -1, 1]], [1.5])
    """
    nir = _nir()
    if not isinstance(graph, nir.NIRGraph):
        raise TypeError(f"from_nir: graph must be a nir.NIRGraph, got {type(graph).__name__}")
    weights: list[FloatArray] = []
    thresholds: list[FloatArray] = []
    chain = _chain(graph, nir)
    if not chain or len(chain) % 2:
        raise ValueError("from_nir: the graph must be Input, then Linear and IF in turn, Output")
    for (name, linear), (name_of_if, neurons) in zip(chain[::2], chain[1::2], strict=True):
        if not isinstance(linear, (nir.Linear, nir.Affine)):
            raise ValueError(f"from_nir: node {name!r} must be Linear, got {_kind(linear)}")
        if np.any(getattr(linear, "bias", 0)):
            raise ValueError(f"from_nir: node {name!r} has a bias, which these neurons do not have")
        if not isinstance(neurons, nir.IF):
            raise ValueError(f"from_nir: node {name_of_if!r} must be IF, got {_kind(neurons)}")
        where = f"from_nir: node {name_of_if!r}"
        resistance, theta, reset = (
            check_finite(where, key, getattr(neurons, key)).ravel()
            for key in ("r", "v_threshold", "v_reset")
        )
        w = check_finite(f"from_nir: node {name!r}", "weight", linear.weight)
        if w.ndim != 2 or len(w) != len(theta):
            raise ValueError(
                f"from_nir: node {name!r} has weights of shape {w.shape}, for {len(theta)} neurons"
            )
        w = w * resistance[:, None]
        if (reset + _reach(w) > theta).any():
            raise ValueError(
                f"{where} can fire more than once: its v_reset must be at most v_threshold less "
                "the sum of the sizes of its weights"
            )
        weights.append(w)
        thresholds.append(theta)
    if all((np.abs(w) == 1).all() for w in weights):
        return BS4NN.from_weights(
            weights, scale=1.0, threshold=thresholds, t_max=t_max, backend=backend
        )
    return S4NN.from_weights(weights, threshold=thresholds, t_max=t_max, backend=backend)


def _chain(graph: Any, nir: Any) -> list[tuple[str, Any]]:
    """The nodes between Input and Output, if they stand in one row."""
    after = dict(graph.edges)
    starts = [name for name, node in graph.nodes.items() if isinstance(node, nir.Input)]
    if len(starts) != 1 or len(after) != len(graph.edges) or len(after) + 1 != len(graph.nodes):
        raise ValueError("from_nir: the graph must be one chain of nodes, from Input to Output")
    chain: list[tuple[str, Any]] = []
    name = starts[0]
    while after.get(name) in graph.nodes and len(chain) < len(graph.nodes):
        name = after[name]
        chain.append((name, graph.nodes[name]))
    if len(chain) + 1 != len(graph.nodes) or not isinstance(chain[-1][1], nir.Output):
        raise ValueError("from_nir: the graph must be one chain of nodes, from Input to Output")
    return chain[:-1]


def _reach(weights: FloatArray) -> FloatArray:
    """How far the potential of each neuron can move at most."""
    reach: FloatArray = np.abs(weights).sum(axis=1)
    return reach


def _kind(node: Any) -> str:
    return type(node).__name__


def _nir() -> Any:
    try:
        import nir
    except ImportError as error:
        raise ImportError("NIR graphs need nir: pip install 'minibs4nn[nir]'") from error
    return nir
