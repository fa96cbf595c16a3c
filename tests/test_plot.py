"""The pictures show what they are told: the data are read back from the drawn objects."""

import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.text import Text

mpl.use("Agg")
import matplotlib.pyplot as plt

from minibs4nn import plot
from minibs4nn.neuron import simulate_neuron


@pytest.fixture(autouse=True)
def _no_figure_left() -> Iterator[None]:
    plt.close("all")
    yield
    plt.close("all")


def _line(ax: Axes, label: str) -> Line2D:
    (line,) = [line for line in ax.lines if line.get_label() == label]
    return line


def _data(line: Line2D) -> list[list[float]]:
    return [np.asarray(line.get_xdata()).tolist(), np.asarray(line.get_ydata()).tolist()]


def _texts(ax: Axes) -> list[str]:
    return [text.get_text() for text in ax.texts]


def _markers(ax: Axes, marker: str) -> list[tuple[float, float]]:
    found = [_data(line) for line in ax.lines if line.get_marker() == marker]
    return [(x[0], y[0]) for x, y in found]


# --- the module -----------------------------------------------------------------------------------


def test_importing_the_module_does_not_import_matplotlib() -> None:
    code = "import sys, minibs4nn.plot; print('matplotlib' in sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "False"


def test_without_matplotlib_the_error_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=r"pip install 'minibs4nn\[plot\]'"):
        plot.raster([0, 1])


def test_all_is_sorted_and_complete() -> None:
    public = [
        name
        for name, value in vars(plot).items()
        if not name.startswith("_") and getattr(value, "__module__", "") == plot.__name__
    ]
    assert plot.__all__ == sorted(public)


def test_spread_moves_only_what_collides() -> None:
    placed = plot._spread(np.array([10.0, 0.0, 0.5, 0.5]), 1.0)
    np.testing.assert_allclose(placed, [10.0, -2 / 3, 1 / 3, 4 / 3])


# --- potential ------------------------------------------------------------------------------------


def test_potential_is_a_staircase_with_threshold_and_spike() -> None:
    ax = plot.potential(simulate_neuron([2, 5, 5], [3, -2, 4], threshold=4, t_max=8))
    stairs = _line(ax, "potential")
    # The value of step t lasts from t to t + 1, so the last one is drawn to t_max.
    assert _data(stairs) == [list(range(9)), [0, 0, 3, 3, 3, 5, 5, 5, 5]]
    assert stairs.get_drawstyle() == "steps-post"
    assert _data(_line(ax, "threshold"))[1] == [4, 4]
    assert _markers(ax, "o") == [(6, 5)]
    assert _texts(ax) == ["spike at 6", "threshold\n4"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("time step", "potential")
    assert ax.get_xlim() == (0, 8)


def test_potential_of_a_silent_neuron_has_no_spike() -> None:
    ax = plot.potential(simulate_neuron([2, 9], [3, -2], threshold=4))
    assert _markers(ax, "o") == []
    assert _texts(ax) == ["no spike", "threshold\n4"]


def test_potential_zooms_when_all_happens_early_and_keeps_the_data() -> None:
    ax = plot.potential(simulate_neuron([2, 40], [3, 3], threshold=4))
    low, high = ax.get_xlim()
    assert low == 0
    assert 41 < high < 64
    assert len(_data(_line(ax, "potential"))[0]) == 257


@pytest.mark.parametrize("times", [[256, 256], [3, 200]])
def test_potential_shows_the_whole_window_when_nothing_or_something_late_happens(
    times: list[int],
) -> None:
    ax = plot.potential(simulate_neuron(times, [1, 1], threshold=5))
    assert ax.get_xlim() == (0, 256)


def test_potential_shows_the_threshold_however_far() -> None:
    ax = plot.potential(simulate_neuron([0], [1], threshold=-50, t_max=8))
    low, high = ax.get_ylim()
    assert low < -50
    assert high > 1


def test_potential_wants_a_trace() -> None:
    with pytest.raises(TypeError, match=r"Trace that simulate_neuron\(\) returns, got ndarray"):
        plot.potential(np.zeros(5))  # type: ignore[arg-type]


# --- raster ---------------------------------------------------------------------------------------


def test_raster_draws_the_spikes_and_counts_the_silent() -> None:
    ax = plot.raster([3, 8, 0, 8, 7], t_max=8)
    (dots,) = ax.collections
    assert np.asarray(dots.get_offsets()).tolist() == [[3, 0], [0, 2], [7, 4]]
    assert _texts(ax) == ["2 of 5 silent"]
    assert ax.get_xlim() == (0, 8)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("time step", "neuron")


@pytest.mark.parametrize(
    ("times", "label"), [([256, 256], "2 of 2 silent"), ([7], "0 of 1 silent")]
)
def test_raster_of_silence_and_of_one_neuron(times: list[int], label: str) -> None:
    ax = plot.raster(times)
    assert len(np.asarray(ax.collections[0].get_offsets())) == sum(t < 256 for t in times)
    assert _texts(ax) == [label]


def test_raster_wants_one_image() -> None:
    with pytest.raises(ValueError, match=r"raster: times must have shape \(n,\).*got \(1, 2\)"):
        plot.raster([[1, 2]])


def test_raster_wants_times_within_the_window() -> None:
    with pytest.raises(ValueError, match=r"0\.\.8 .*got 1 to 9"):
        plot.raster([1, 9], t_max=8)


# --- race -----------------------------------------------------------------------------------------

POTENTIALS = [[0, 2, 5, 5], [1, 1, 1, 3], [0, 0, 3, 2]]


def test_race_marks_the_winner() -> None:
    ax = plot.race(POTENTIALS, 4, [3, 4, 4], labels=["cat", "dog", "owl"])
    assert _data(_line(ax, "cat")) == [[0, 1, 2, 3, 4], [0, 2, 5, 5, 5]]
    assert _line(ax, "dog").get_drawstyle() == "steps-post"
    assert _markers(ax, "*") == [(3, 5)]
    assert _line(ax, "cat").get_linewidth() > 2 * _line(ax, "dog").get_linewidth()
    assert _line(ax, "dog").get_linestyle() != _line(ax, "owl").get_linestyle()
    assert _texts(ax) == ["cat", "dog", "owl", "threshold 4"]
    assert _data(_line(ax, "threshold"))[1] == [4, 4]


def test_race_marks_both_winners_of_a_tie_and_the_late_ones_otherwise() -> None:
    ax = plot.race([[0, 3, 3, 3], [1, 1, 3, 3], [0, 3, 3, 2]], 2, [2, 3, 2])
    assert _markers(ax, "*") == [(2, 3), (2, 3)]
    assert _markers(ax, "o") == [(3, 3)]
    first, second = (line.get_markersize() for line in ax.lines if line.get_marker() == "*")
    assert first > second  # both can be seen although they share one place


def test_race_without_a_spike_has_no_winner() -> None:
    ax = plot.race(POTENTIALS, 9, [4, 4, 4])
    assert _markers(ax, "*") == _markers(ax, "o") == []
    assert ax.get_xlim() == (0, 4)


def test_race_of_one_neuron_is_named_by_its_index() -> None:
    assert _texts(plot.race([[0, 2]], 1, [2])) == ["0", "threshold 1"]


def test_race_ends_soon_after_the_last_spike() -> None:
    potentials = np.cumsum(np.ones((2, 256)), axis=1)
    ax = plot.race(potentials, 19, [20, 40])
    assert 40 < ax.get_xlim()[1] < 64
    assert ax.get_ylim()[1] < 64  # what comes later does not flatten what is shown


def test_race_labels_do_not_overlap() -> None:
    ax = plot.race(np.full((10, 8), 3.0), 3, [8] * 10)
    ax.figure.draw_without_rendering()  # type: ignore[union-attr]
    # Text's own extent: an annotation's would include its leader line.
    boxes = sorted((Text.get_window_extent(text) for text in ax.texts), key=lambda box: box.y0)
    assert all(low.y1 <= high.y0 for low, high in pairwise(boxes))


@pytest.mark.parametrize(
    ("potentials", "spike_times", "labels", "message"),
    [
        ([1, 2], [1], None, r"potentials must have shape \(n_out, t_max\), got \(2,\)"),
        (POTENTIALS, [1, 2], None, "3 potentials need 3 spike times and 3 labels, got 2 and 3"),
        (POTENTIALS, [1, 2, 3], ["a"], "got 3 and 1"),
        (POTENTIALS, [1, 2, 9], None, r"0\.\.4 "),
    ],
)
def test_race_says_what_does_not_fit(
    potentials: list[object], spike_times: list[int], labels: list[str] | None, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        plot.race(potentials, 1, spike_times, labels=labels)  # type: ignore[arg-type]
