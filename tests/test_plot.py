"""The pictures show what they are told: the data are read back from the drawn objects."""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.text import Text

mpl.use("Agg")
import matplotlib.pyplot as plt

from minibs4nn import Evaluation, plot
from minibs4nn.analysis import Anytime, Curve, WeightHistogram
from minibs4nn.neuron import simulate_neuron
from minibs4nn.plot._style import spread
from minibs4nn.training import History


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
        if not name.startswith("_") and getattr(value, "__module__", "").startswith(plot.__name__)
    ]
    assert plot.__all__ == sorted(public)


RECORDS = [
    {"epoch": 1, "accuracy": 0.5, "published_accuracy": 0.6, "decision_time": 90.0,
     "silent": 0.1, "tied": 0.0, "flips": [900, 7]},
    {"epoch": 2, "accuracy": 0.75, "published_accuracy": 0.8, "decision_time": 60.0,
     "silent": 0.0, "tied": 0.2, "flips": [400, 0]},
]  # fmt: skip

_ONE = Evaluation(100, 0.5, 0.6, 0.1, 0.0, 30.0, 400.0, 90000.0)
_TWO = Evaluation(100, 0.7, 0.8, 0.4, 0.2, 50.0, 400.0, 90000.0)
JITTER = Curve("jitter (time steps)", (0, 10), ((_ONE,), (_ONE, _TWO)))
ANYTIME = Anytime(np.array([0, 4, 8]), np.array([0.1, 0.5, 0.9]), np.array([0.0, 0.25, 0.5]))
OUTCOMES = {"right": [0, 3, 0, 1], "wrong": [0, 0, 1, 1]}
HISTOGRAMS = [WeightHistogram(np.array([5, 0, 1, 2]), np.array([-1.0, -0.5, 0.0, 0.5, 1.0]))] * 2

ON_GIVEN_AXES: dict[str, Callable[[Axes | None], Axes]] = {
    "potential": lambda ax: plot.potential(simulate_neuron([0], [1], threshold=0), ax=ax),
    "raster": lambda ax: plot.raster([1, 2], ax=ax),
    "race": lambda ax: plot.race([[0, 1]], 0, [2], ax=ax),
    "decision_times": lambda ax: plot.decision_times([1, 256], ax=ax),
    "confusion": lambda ax: plot.confusion([0, 1], [1, 1], ax=ax),
    "anytime": lambda ax: plot.anytime(ANYTIME, ax=ax),
    "firing_times": lambda ax: plot.firing_times([[3.4, 90], [256, np.nan]], ax=ax),
    "flips": lambda ax: plot.flips([[0.5, 0.1], [0.2, 0.0]], ax=ax),
    "outcome_times": lambda ax: plot.outcome_times(OUTCOMES, ax=ax),
    "spikes_by_layer": lambda ax: plot.spikes_by_layer([80.5, 1], [100, 4], (784, 10), ax=ax),
}
FIGURES: dict[str, Callable[[], Figure]] = {
    "receptive_fields": lambda: plot.receptive_fields(np.eye(4), shape=(2, 2)),
    "history": lambda: plot.history(History(RECORDS)),
    "curve": lambda: plot.curve(JITTER),
    "weight_histograms": lambda: plot.weight_histograms(HISTOGRAMS),
}


def test_the_tables_above_name_every_function() -> None:
    assert sorted([*ON_GIVEN_AXES, *FIGURES]) == plot.__all__


@pytest.mark.parametrize("name", ON_GIVEN_AXES)
def test_axes_that_are_given_are_drawn_on_and_no_figure_is_made(name: str) -> None:
    _, given = plt.subplots()
    before = plt.get_fignums()
    assert ON_GIVEN_AXES[name](given) is given
    assert given.has_data()
    assert plt.get_fignums() == before


@pytest.mark.parametrize("name", ON_GIVEN_AXES)
def test_without_axes_one_white_figure_is_made(name: str) -> None:
    figure = ON_GIVEN_AXES[name](None).figure
    assert isinstance(figure, Figure)
    assert plt.get_fignums() == [figure.number]
    assert figure.get_facecolor() == (1, 1, 1, 1)


@pytest.mark.parametrize("name", FIGURES)
def test_several_panels_make_one_white_figure(name: str) -> None:
    figure = FIGURES[name]()
    assert plt.get_fignums() == [figure.number]
    assert figure.get_facecolor() == (1, 1, 1, 1)


def test_a_refused_call_leaves_no_figure() -> None:
    with pytest.raises(ValueError):
        plot.raster([300])
    with pytest.raises(ValueError):
        plot.receptive_fields(np.eye(3))
    assert plt.get_fignums() == []


def test_the_global_settings_of_matplotlib_stay_as_they_are() -> None:
    before = dict(mpl.rcParams)
    for draw in ON_GIVEN_AXES.values():
        draw(None)
    for make in FIGURES.values():
        make()
    assert dict(mpl.rcParams) == before


def test_the_callers_arrays_stay_as_they_are() -> None:
    times = np.array([3, 256, 256])
    potentials = np.array(POTENTIALS, dtype=float)
    plot.raster(times)
    plot.decision_times(times)
    plot.race(potentials, 1, [1, 2, 3])
    np.testing.assert_array_equal(times, [3, 256, 256])
    np.testing.assert_array_equal(potentials, POTENTIALS)


def test_text_stays_legible_after_the_call() -> None:
    ax = plot.raster([3, 5])
    ax.figure.draw_without_rendering()  # type: ignore[union-attr]  # ticks are made only now
    texts = [*ax.get_xticklabels(), *ax.get_yticklabels(), *ax.texts, ax.xaxis.label]
    assert min(float(text.get_fontsize()) for text in texts) >= 11


def test_spread_moves_only_what_collides() -> None:
    placed = spread(np.array([10.0, 0.0, 0.5, 0.5]), 1.0)
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


def test_potential_without_a_finite_threshold_draws_none() -> None:
    ax = plot.potential(simulate_neuron([0], [3], threshold=np.inf, t_max=8))
    assert [line.get_label() for line in ax.lines] == ["potential"]
    assert _texts(ax) == ["no spike"]
    assert np.isfinite(ax.get_ylim()).all()


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


def test_a_short_window_is_shown_whole() -> None:
    potentials = np.ones((2, 20))
    assert plot.race(potentials, 0, [1, 3]).get_xlim() == (0, 20)
    trace = simulate_neuron([1], [3], threshold=2, t_max=32)
    assert plot.potential(trace).get_xlim() == (0, 32)


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


def test_race_wants_one_threshold() -> None:
    with pytest.raises(TypeError, match=r"race: threshold must be one number, got \[2\.0, 2\.0\]"):
        plot.race([[0, 1]], [2.0, 2.0], [2])  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="race: threshold must be finite"):
        plot.race([[0, 1]], np.inf, [2])


# --- receptive fields -----------------------------------------------------------------------------


def _images(figure: Figure) -> list[AxesImage]:
    return [image for ax in figure.axes for image in ax.images]


def test_receptive_fields_draws_each_row_as_an_image_on_one_scale() -> None:
    weights = np.array([[0.0, 1.0, -3.0, 2.0, 0.0, 0.5], [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]])
    figure = plot.receptive_fields(weights, shape=(2, 3))
    first, second = _images(figure)
    np.testing.assert_array_equal(np.asarray(first.get_array()), weights[0].reshape(2, 3))
    np.testing.assert_array_equal(np.asarray(second.get_array()), weights[1].reshape(2, 3))
    assert first.get_clim() == second.get_clim() == (-3, 3)
    assert [ax.get_title() for ax in figure.axes[:2]] == ["0", "1"]
    assert figure.axes[-1].get_xlabel() == "weight"


def test_receptive_fields_of_signs_have_two_tones() -> None:
    signs = np.array([[1, -1, -1, 1]], dtype=np.int8)
    figure = plot.receptive_fields(signs, shape=(2, 2))
    (image,) = _images(figure)
    assert image.cmap.N == 2
    dark, light = image.to_rgba(np.array([-1.0, 1.0]))
    assert dark[:3].sum() + 1 < light[:3].sum()  # told apart in grey as well
    assert [tick.get_text() for tick in figure.axes[-1].get_xticklabels()] == [
        "\N{MINUS SIGN}1",
        "+1",
    ]


def test_receptive_fields_of_zeros_have_a_scale() -> None:
    (image,) = _images(plot.receptive_fields(np.zeros((1, 4)), shape=(2, 2)))
    assert image.get_clim() == (-1, 1)


def test_receptive_fields_fill_rows_of_the_asked_width() -> None:
    figure = plot.receptive_fields(np.ones((5, 4)), shape=(2, 2), columns=3)
    assert len(_images(figure)) == 5
    places = [ax.get_subplotspec() for ax in figure.axes[:5]]
    assert [(p.rowspan.start, p.colspan.start) for p in places if p is not None] == [
        (0, 0), (0, 1), (0, 2), (1, 0), (1, 1)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("shape", "columns", "message"),
    [
        ((1, 600), 10, r"each neuron has 600 weights, but shape=\(28, 28\) has 784 pixels"),
        ((0, 784), 10, "there is no neuron to draw"),
        ((1, 784), 0, "columns must be a whole number from 1, got 0"),
        ((1, 784), 2.0, "columns must be a whole number from 1, got 2.0"),
        ((784,), 10, r"must have shape \(n_out, n_in\), got \(784,\)"),
    ],
)
def test_receptive_fields_says_what_does_not_fit(
    shape: tuple[int, ...], columns: int, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        plot.receptive_fields(np.ones(shape), columns=columns)


@pytest.mark.parametrize("shape", [4, (4,), (2, 2, 4), (4.0, 4), (-4, -4)])
def test_receptive_fields_want_a_height_and_a_width(shape: tuple[int, int]) -> None:
    message = f"shape must be (height, width), two whole numbers from 1, got {shape!r}"
    with pytest.raises(ValueError, match=re.escape(message)):
        plot.receptive_fields(np.ones((3, 16)), shape=shape)


def test_receptive_fields_take_short_kinds_of_numbers() -> None:
    shape: Any = np.array([28, 28], np.uint8)
    columns: Any = np.uint8(2)
    figure = plot.receptive_fields(np.ones((3, 784)), shape=shape, columns=columns)
    assert len(_images(figure)) == 3


# --- decision times -------------------------------------------------------------------------------


def _bars(ax: Axes) -> list[tuple[float, float, float]]:
    """Left edge, width and height of every bar that has a height; the last one: silent images."""
    bars = [patch for patch in ax.patches if isinstance(patch, Rectangle)]
    return [(b.get_x(), b.get_width(), b.get_height()) for b in bars if b.get_height()]


def test_decision_times_are_counted_and_the_silent_stand_apart() -> None:
    ax = plot.decision_times([3, 4, 4, 256, 256, 256])
    three, four, silent = _bars(ax)
    assert [three, four] == [(3, 1, 1), (4, 1, 2)]
    assert silent[2] == 3
    assert silent[0] > 5
    assert ax.get_xticklabels()[-1].get_text() == "silent"
    assert _texts(ax) == ["3"]


def test_decision_times_over_the_whole_window_lose_no_image() -> None:
    times = np.repeat(np.arange(257), 2)
    *bars, silent = _bars(plot.decision_times(times))
    assert sum(height for _, _, height in bars) == 512
    assert {(width, height) for _, width, height in bars} == {(8, 16)}
    assert silent[2] == 2


def test_decision_times_when_all_are_silent_and_when_none_is() -> None:
    ((_, _, height),) = _bars(plot.decision_times([8, 8], t_max=8))
    assert height == 2
    ax = plot.decision_times([2], t_max=8)
    assert _bars(ax) == [(2, 1, 1)]
    assert _texts(ax) == ["0"]


def test_decision_times_wants_one_time_per_image() -> None:
    with pytest.raises(ValueError, match=r"times\.min\(axis=1\), got \(2, 2\)"):
        plot.decision_times([[1, 2], [3, 4]])


# --- history --------------------------------------------------------------------------------------


def test_history_draws_a_panel_for_each_quantity() -> None:
    accuracy, decision, shares, flips = plot.history(History(RECORDS)).axes
    assert _data(_line(accuracy, "training")) == [[1, 2], [50, 75]]
    assert _data(_line(accuracy, "published")) == [[1, 2], [60, 80]]
    assert _data(_line(decision, "training")) == [[1, 2], [90, 60]]
    assert _data(_line(shares, "silent")) == [[1, 2], [10, 0]]
    assert _data(_line(shares, "tied")) == [[1, 2], [0, 20]]
    assert _data(_line(flips, "layer 1")) == [[1, 2], [900, 400]]
    assert _data(_line(flips, "layer 2")) == [[1, 2], [7, 0]]
    assert flips.get_xlabel() == "epoch"
    assert _texts(accuracy) == ["training", "published"]


def test_history_prefers_the_validation_set_where_there_is_one() -> None:
    records = [
        r | {"validation_accuracy": 0.4, "validation_published_accuracy": 0.45} for r in RECORDS
    ]
    accuracy = plot.history(History(records)).axes[0]
    assert _data(_line(accuracy, "training"))[1] == [50, 75]
    assert _data(_line(accuracy, "validation"))[1] == [40, 40]
    assert _data(_line(accuracy, "published"))[1] == [45, 45]


def test_history_leaves_out_flips_where_nothing_flipped() -> None:
    real = [r | {"flips": [0, 0]} for r in RECORDS]
    assert [ax.get_ylabel() for ax in plot.history(History(real)).axes] == [
        "accuracy, %",
        "decision\n(time step)",
        "images, %",
    ]


def test_history_labels_a_line_that_ends_early_at_its_last_number() -> None:
    records = [RECORDS[0] | {"validation_accuracy": 0.4}, RECORDS[1]]
    accuracy = plot.history(History(records)).axes[0]
    np.testing.assert_array_equal(_data(_line(accuracy, "validation"))[1], [40, np.nan])
    assert "validation" in _texts(accuracy)


def test_history_of_one_epoch_has_whole_epochs_on_its_axis() -> None:
    figure = plot.history(History(RECORDS[:1]))
    figure.draw_without_rendering()
    low, high = figure.axes[-1].get_xlim()
    assert [tick for tick in figure.axes[-1].get_xticks() if low <= tick <= high] == [1]


def test_history_needs_an_epoch_and_a_history() -> None:
    with pytest.raises(ValueError, match=r"no epoch has been recorded yet; call fit\(\) first"):
        plot.history(History())
    with pytest.raises(TypeError, match=r"want a History, .* got list"):
        plot.history([])  # type: ignore[arg-type]


# --- confusion ------------------------------------------------------------------------------------


def _numbers(ax: Axes) -> list[int]:
    return [int(text) for text in _texts(ax)]


def test_confusion_counts_labels_in_rows_and_decisions_in_columns() -> None:
    ax = plot.confusion([0, 0, 0, 0, 2], [0, 1, 0, 0, 1], n_classes=3)
    assert _numbers(ax) == [3, 1, 0, 0, 0, 0, 0, 1, 0]
    (image,) = ax.images
    shade = np.asarray(image.get_array()) ** 2
    np.testing.assert_allclose(shade, [[0.75, 0.25, 0.0], [0.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("decision", "label")


def test_confusion_gives_no_class_a_column_of_its_own() -> None:
    ax = plot.confusion([0, 1, 1], [0, -1, 1], n_classes=2)
    assert _numbers(ax) == [1, 0, 0, 0, 1, 1]
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["0", "1", "none"]


@pytest.mark.parametrize(
    ("labels", "predictions", "error", "message"),
    [
        ([0, 3], [0, 0], ValueError, r"confusion: labels must lie in 0\.\.1"),
        ([0, 1], [0, 2], ValueError, r"confusion: predictions must lie in -1\.\.1 .*got 0 to 2"),
        ([0, 1], [0], ValueError, "confusion: 2 labels need 2 predictions"),
        ([0, 1], [0.5, 1], TypeError, "confusion: predictions must be whole numbers, got float64"),
    ],
)
def test_confusion_says_what_does_not_fit(
    labels: list[int], predictions: list[float], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        plot.confusion(labels, predictions, n_classes=2)


def test_confusion_wants_a_whole_number_of_classes() -> None:
    with pytest.raises(ValueError, match="confusion: n_classes must be a whole number from 1, got"):
        plot.confusion([0], [0], n_classes=2.0)  # type: ignore[arg-type]


# --- what the analysis counts ---------------------------------------------------------------------


def test_firing_times_are_written_and_the_early_ones_are_dark() -> None:
    ax = plot.firing_times([[3.4, 90], [256, np.nan]])
    assert _texts(ax) == ["3", "90", "256", "\N{EN DASH}"]
    (image,) = ax.images
    early, late = image.to_rgba(np.array([3.4, 256.0]))
    assert early[:3].sum() + 1 < late[:3].sum()  # told apart in grey as well
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("output neuron", "label")
    assert ax.get_title() == "Mean firing time of each output neuron"


@pytest.mark.parametrize("matrix", [[[np.nan]], [[7.0]], [[7.0, 7.0], [7.0, 7.0]]])
def test_firing_times_without_a_spread_can_be_drawn(matrix: list[list[float]]) -> None:
    ax = plot.firing_times(matrix)
    assert np.isfinite(ax.images[0].get_clim()).all()


def test_outcome_times_rise_to_the_share_that_a_spike_decided() -> None:
    ax = plot.outcome_times(OUTCOMES)
    right, wrong = ax.lines
    assert _data(right) == [[0, 1, 2], [0, 75, 75]]
    assert _data(wrong) == [[0, 1, 2], [0, 0, 50]]
    assert right.get_linestyle() != wrong.get_linestyle()
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("time step", "decided by a spike, %")


def test_outcome_times_where_nothing_was_wrong() -> None:
    ax = plot.outcome_times({"right": [0, 1, 0], "wrong": [0, 0, 0]})
    assert _data(ax.lines[1])[1] == [0, 0]
    assert _texts(ax) == ["right (1)", "wrong (0)"]


def test_anytime_draws_both_shares_against_the_deadline() -> None:
    ax = plot.anytime(ANYTIME)
    assert [_data(line) for line in ax.lines] == [
        [[0, 4, 8], [10, 50, 90]],
        [[0, 4, 8], [0, 25, 50]],
    ]
    assert sorted(_texts(ax)) == ["fired", "right"]
    assert ax.get_xlabel() == "deadline (time step)"


def test_spikes_by_layer_are_shares_of_the_layer() -> None:
    ax = plot.spikes_by_layer([80.5, 1], [100, 4], (784, 10))
    heights = [patch.get_height() for patch in ax.patches if isinstance(patch, Rectangle)]
    np.testing.assert_allclose(heights, [8050 / 784, 10, 10000 / 784, 40])
    assert _texts(ax) == ["80.5", "1.0", "100.0", "4.0"]
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["input\n784", "layer 1\n10"]


def test_a_curve_has_a_mean_and_a_band() -> None:
    figure = plot.curve(JITTER)
    accuracy, images, decision = figure.axes
    assert _data(accuracy.lines[0]) == [[0, 10], [50, 60]]
    band = accuracy.collections[0].get_paths()[0].vertices
    assert {(10.0, 50.0), (10.0, 70.0)} <= {(x, round(y, 9)) for x, y in np.asarray(band).tolist()}
    assert _data(images.lines[1]) == [[0, 10], [10, 25]]
    assert _data(decision.lines[0]) == [[0, 10], [30, 40]]
    assert decision.get_xlabel() == "jitter (time steps)"


def test_weight_histograms_hatch_what_is_negative() -> None:
    first, second = plot.weight_histograms(HISTOGRAMS).axes
    bars = [patch for patch in first.patches if isinstance(patch, Rectangle)]
    assert [(b.get_x(), b.get_height(), bool(b.get_hatch())) for b in bars] == [
        (-1, 5, True), (-0.5, 0, True), (0, 1, False), (0.5, 2, False)
    ]  # fmt: skip
    assert first.get_title() == "layer 1: 37.5 % of the weights are positive"
    assert second.get_xlabel() == "weight"


def test_flips_are_drawn_in_percent_down_to_zero() -> None:
    ax = plot.flips([[0.5, 0.1], [0.2, 0.0]])
    assert [_data(line) for line in ax.lines] == [[[1, 2], [50, 20]], [[1, 2], [10, 0]]]
    assert ax.get_ylim()[0] == 0
    assert _texts(ax) == ["layer 1", "layer 2"]
    assert plot.flips([[0.0]]).get_ylim()[0] == 0


@pytest.mark.parametrize(
    ("draw", "error", "message"),
    [
        (lambda: plot.firing_times([1.0]), ValueError, "matrix must have two axes, got shape"),
        (lambda: plot.outcome_times({"right": [1]}), ValueError, r"'wrong', got \['right'\]"),
        (
            lambda: plot.outcome_times({"right": [1, 2], "wrong": [1]}),
            ValueError, r"shape \(t_max \+ 1,\), got \(2,\) and \(1,\)",
        ),
        (lambda: plot.anytime([]), TypeError, r"wants what analysis.anytime\(\) returns, got list"),  # type: ignore[arg-type]
        (lambda: plot.curve([]), TypeError, "got list"),  # type: ignore[arg-type]
        (lambda: plot.curve(Curve("x", (), ())), ValueError, "no point to draw"),
        (lambda: plot.spikes_by_layer([1], [1, 2], [3]), ValueError, "one number for each layer"),
        (lambda: plot.spikes_by_layer([1], [1], 3), ValueError, r"layer, .*, of layers, \(\)"),  # type: ignore[arg-type]
        (lambda: plot.weight_histograms([]), ValueError, "no layer to draw"),
        (lambda: plot.weight_histograms(None), TypeError, "analysis.* returns, got NoneType"),  # type: ignore[arg-type]
        (lambda: plot.weight_histograms([1.0]), TypeError, "analysis.* returns, got list"),  # type: ignore[list-item]
        (lambda: plot.outcome_times(None), TypeError, "analysis.* returns, got NoneType"),  # type: ignore[arg-type]
        (lambda: plot.flips([1.0]), ValueError, r"\(n_epochs, n_layers\), got \(1,\)"),
    ],
)  # fmt: skip
def test_drawings_of_the_analysis_say_what_does_not_fit(
    draw: Callable[[], object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        draw()
    assert plt.get_fignums() == []
