"""Chapter 01: one neuron, step by step."""

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minibs4nn import Trace, layer_spike_times, simulate_neuron

QUARTERS = st.integers(-12, 12).map(lambda quarter: quarter / 4)


@st.composite
def neurons(draw: st.DrawFn) -> tuple[list[int], list[float], float, int]:
    """Arrival times, weights, a threshold and a window."""
    t_max = draw(st.integers(1, 9))
    inputs = draw(st.lists(st.tuples(st.integers(0, t_max), QUARTERS), max_size=8))
    return [t for t, _ in inputs], [w for _, w in inputs], draw(QUARTERS), t_max


@given(neurons())
def test_against_the_definition(neuron: tuple[list[int], list[float], float, int]) -> None:
    times, weights, threshold, t_max = neuron
    trace = simulate_neuron(
        np.array(times, np.int16), np.array(weights), threshold=threshold, t_max=t_max
    )
    potential = [
        sum(w for t_i, w in zip(times, weights, strict=True) if t_i <= t) for t in range(t_max)
    ]
    assert trace.potential.tolist() == potential
    above = [t for t, v in enumerate(potential) if v > threshold]
    assert trace.spike_time == (above[0] + 1 if above else t_max)
    assert trace.fired == (trace.spike_time < t_max)
    assert (trace.threshold, trace.t_max) == (threshold, t_max)


@given(neurons())
def test_a_layer_of_one_neuron_is_the_same(
    neuron: tuple[list[int], list[float], float, int],
) -> None:
    times, weights, threshold, t_max = neuron
    arrivals, w = np.array(times, np.int16), np.array(weights)
    trace = simulate_neuron(arrivals, w, threshold=threshold, t_max=t_max)
    spikes, potential = layer_spike_times(arrivals[None], w[None], threshold, t_max=t_max)
    assert spikes.tolist() == [[trace.spike_time]]
    seen = trace.spike_time - 1 if trace.fired else t_max - 1
    assert potential.tolist() == [[trace.potential[seen]]]


def test_by_hand() -> None:
    # Spikes at 1 (+3), 4 (-2), 4 (+1), 6 (+4): V = 0 3 3 3 2 2 6 6. Above 4 from step 6 on.
    trace = simulate_neuron([1, 4, 4, 6], [3, -2, 1, 4], threshold=4, t_max=8)
    assert trace.potential.tolist() == [0, 3, 3, 3, 2, 2, 6, 6]
    assert (trace.spike_time, trace.fired) == (7, True)


@pytest.mark.parametrize(
    ("times", "weights", "threshold", "spike_time"),
    [
        ([0], [1.0], 1.0, 8),  # reaching is not exceeding
        ([0], [1.5], 1.0, 1),
        ([6], [1.5], 1.0, 7),  # the last step that can be heard
        ([7], [1.5], 1.0, 8),  # stamped 8, which is silent
        ([8], [1.5], 1.0, 8),  # a silent input
        ([0, 1, 2], [2.0, -5.0, 9.0], 1.0, 1),  # twice above, one spike
        ([8], [1.0], -1.0, 1),  # 0 is above a negative threshold
        ([], [], 0.0, 8),
        ([], [], -0.5, 1),
        ([0], [1e9], np.inf, 8),  # as in a layer: never
        ([8], [1.0], -np.inf, 1),
    ],
)
def test_edge_cases(
    times: list[int], weights: list[float], threshold: float, spike_time: int
) -> None:
    trace = simulate_neuron(
        np.array(times, np.int16), np.array(weights), threshold=threshold, t_max=8
    )
    assert trace.spike_time == spike_time


def test_a_neuron_without_inputs_is_silent() -> None:
    trace = simulate_neuron([], [], threshold=0.0, t_max=3)
    assert (trace.potential.tolist(), trace.spike_time) == ([0.0, 0.0, 0.0], 3)


def test_a_trace_is_frozen() -> None:
    trace = Trace(np.zeros(4), 4, 1.0)
    with pytest.raises(AttributeError):
        trace.spike_time = 3  # type: ignore[misc]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (
            {"times": [1, 2], "weights": [1.0]}, ValueError,
            "simulate_neuron: times and weights must have one entry per input, got shapes (2,) and "
            "(1,)",
        ),
        (
            {"times": [[1]], "weights": [[1.0]]}, ValueError,
            "simulate_neuron: times and weights must have one entry per input, got shapes (1, 1) "
            "and (1, 1)",
        ),
        (
            {"times": [9]}, ValueError,
            "simulate_neuron: spike times must lie in 0..8 (8 = silent), got 9 to 9",
        ),
        (
            {"times": [[1], [2, 3]]}, ValueError,
            "simulate_neuron: spike times must be an array; its rows differ in length",
        ),
        (
            {"times": [1.0]}, TypeError,
            "simulate_neuron: spike times must be whole time steps 0..8, got float64; "
            "latency_code() makes them from images",
        ),
        (
            {"weights": [np.nan]}, ValueError,
            "simulate_neuron: weights must be finite numbers, found NaN or infinity",
        ),
        (
            {"weights": ["x"]}, TypeError,
            "simulate_neuron: weights must be real numbers, got ['x']",
        ),
        (
            {"threshold": np.nan}, ValueError,
            "simulate_neuron: threshold must be one number, got nan",
        ),
        (
            {"threshold": [1.0]}, ValueError,
            "simulate_neuron: threshold must be one number, got [1.0]",
        ),
        (
            {"t_max": 0}, ValueError,
            "simulate_neuron: t_max must be a whole number of time steps from 1 to 32767, got 0",
        ),
    ],
)  # fmt: skip
def test_errors(arguments: dict[str, Any], error: type[Exception], message: str) -> None:
    good: dict[str, Any] = {"times": [1], "weights": [1.0], "threshold": 1.0, "t_max": 8}
    simulate_neuron(**good)
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        simulate_neuron(**good | arguments)
