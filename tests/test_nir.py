"""Networks as NIR graphs: there, back, and what is refused."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import nir
import numpy as np
import pytest

import minibs4nn as bs

RNG = np.random.default_rng(5)
TIMES = RNG.integers(0, 21, (40, 12)).astype(np.int16)


def network(kind: str) -> Any:
    """A network of two layers with a threshold per neuron, some of the first negative."""
    weights = [RNG.normal(size=(9, 12)), RNG.normal(size=(4, 9))]
    thresholds = [RNG.uniform(-1, 3, 9), RNG.uniform(0, 2, 4)]
    if kind == "S4NN":
        return bs.S4NN.from_weights(weights, threshold=thresholds, t_max=20)
    return bs.BS4NN.from_weights(weights, threshold=thresholds, scale=[0.7, 1.3], t_max=20)


def simulate(graph: nir.NIRGraph, times: Any, t_max: int, *, strict: bool) -> list[Any]:
    """Run a graph as simulators do: step by step, every layer within the step, resets and all.

    Returns the step of the first spike of each neuron, and how often it fired.
    """
    nodes = list(graph.nodes.values())
    layers = list(zip(nodes[1:-1:2], nodes[2:-1:2], strict=True))
    v = [np.zeros((len(times), len(neurons.r))) for _, neurons in layers]
    first = [np.full(potential.shape, t_max) for potential in v]
    count = [np.zeros(potential.shape) for potential in v]
    for step in range(t_max):
        heard = (times == step).astype(float)
        for k, (linear, neurons) in enumerate(layers):
            v[k] += heard @ linear.weight.T
            above = v[k] > neurons.v_threshold if strict else v[k] >= neurons.v_threshold
            heard = above.astype(float)
            first[k] = np.where(above & (count[k] == 0), step, first[k])
            count[k] += heard
            v[k] = np.where(above, neurons.v_reset, v[k])
    return [first, count]


@pytest.mark.parametrize("kind", ["S4NN", "BS4NN"])
@pytest.mark.parametrize("strict", [True, False])
def test_a_simulator_fires_once_and_as_many_steps_earlier_as_the_layer_is_deep(
    kind: str, strict: bool
) -> None:
    net = network(kind)
    first, count = simulate(bs.to_nir(net), TIMES, 20, strict=strict)
    for k, ours in enumerate(net.spike_times(TIMES), start=1):
        np.testing.assert_array_equal(np.minimum(first[k - 1] + k, 20), ours)
        assert count[k - 1].max() == 1


@pytest.mark.parametrize("kind", ["S4NN", "BS4NN"])
def test_there_and_back(kind: str, tmp_path: Path) -> None:
    net = network(kind)
    nir.write(tmp_path / "net.nir", bs.to_nir(net))
    again = bs.from_nir(nir.read(tmp_path / "net.nir"), t_max=20)
    assert type(again) is type(net)
    for ours, theirs in zip(again.spike_times(TIMES), net.spike_times(TIMES), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_array_equal(again.predict(TIMES), net.predict(TIMES))


def test_packed_networks_are_exported_as_well() -> None:
    net = network("BS4NN")
    once, packed = bs.to_nir(net), bs.to_nir(net.pack())
    np.testing.assert_array_equal(once.nodes["linear"].weight, packed.nodes["linear"].weight)
    assert bs.from_nir(packed, t_max=20).predict(TIMES).tolist() == net.predict(TIMES).tolist()


def chain(*nodes: Any) -> nir.NIRGraph:
    """A graph of these nodes between an input of three and an output of two."""
    ends = nir.Input(np.array([3])), nir.Output(np.array([2]))
    return nir.NIRGraph.from_list(ends[0], *nodes, ends[1], type_check=False)


def neurons(v_reset: float = -9.0, r: float = 1.0) -> nir.IF:
    return nir.IF(r=np.full(2, r), v_threshold=np.ones(2), v_reset=np.full(2, v_reset))


LINEAR = nir.Linear(np.ones((2, 3)))


def test_resistance_and_affine_nodes() -> None:
    graph = chain(nir.Affine(np.ones((2, 3)), np.zeros(2)), neurons(r=2.0))
    assert bs.from_nir(graph).weights_[0].tolist() == [[2.0] * 3] * 2


@pytest.mark.parametrize(
    ("graph", "message"),
    [
        (chain(LINEAR), "Linear and IF in turn"),
        (chain(LINEAR, nir.Threshold(np.ones(2))), "must be IF, got Thresh"),
        (chain(nir.Scale(np.ones(3)), neurons()), "must be Linear, got Scale"),
        (chain(nir.Affine(np.ones((2, 3)), np.ones(2)), neurons()), "'affine' has a bias"),
        (chain(LINEAR, neurons(v_reset=0.0)), "'if' can fire more than once"),
        (chain(LINEAR, neurons(v_reset=np.nan)), "v_reset"),
    ],
)
def test_graphs_that_are_no_network_of_ours(graph: nir.NIRGraph, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        bs.from_nir(graph)


def test_a_graph_with_a_loop() -> None:
    graph = chain(LINEAR, neurons())
    graph.edges.append(("if", "linear"))
    with pytest.raises(ValueError, match="one chain of nodes"):
        bs.from_nir(graph)


def test_an_edge_to_a_node_that_is_not_there(tmp_path: Path) -> None:
    """Found by the fuzzer; nir reads such a file if it is not to check types."""
    graph = chain(LINEAR, neurons())
    del graph.nodes["if"]
    nir.write(tmp_path / "net.nir", graph)
    read = nir.read(tmp_path / "net.nir", type_check=False)
    with pytest.raises(ValueError, match="one chain of nodes"):
        bs.from_nir(read)
    graph.nodes["other"] = neurons()  # as many nodes as edges say
    with pytest.raises(ValueError, match="one chain of nodes"):
        bs.from_nir(graph)


def test_things_of_another_kind() -> None:
    with pytest.raises(TypeError, match=r"graph must be a nir\.NIRGraph, got dict"):
        bs.from_nir({})
    with pytest.raises(TypeError, match="must be an S4NN, a BS4NN or a PackedBS4NN, got BNN"):
        bs.to_nir(bs.BNN((3, 2)))  # type: ignore[arg-type]
    with pytest.raises(bs.errors.NotTrainedError):
        bs.to_nir(bs.S4NN((3, 2)))


def test_without_nir_the_error_says_how_to_get_it() -> None:
    code = """
import sys
sys.modules["nir"] = None
import minibs4nn as bs
try:
    bs.to_nir(bs.S4NN.from_weights([[[1.0]]]))
except ImportError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "NIR graphs need nir: pip install 'minibs4nn[nir]'\n", done.stderr
