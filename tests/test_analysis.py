"""What the analysis counts, against examples by hand and against plain loops."""

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

mpl.use("Agg")

import minibs4nn as bs
from minibs4nn import analysis
from minibs4nn.analysis import Curve, respond

T_MAX = 8
Array = npt.NDArray[Any]


def times_of(n: int, size: int, t_max: int = T_MAX) -> st.SearchStrategy[Array]:
    return hnp.arrays(np.int16, (n, size), elements=st.integers(0, t_max))


def net_of(weights: list[Array], thresholds: list[float], *, signs: bool = False) -> Any:
    """A network on the reference kernels, in a short window."""
    kind: Any = bs.BS4NN if signs else bs.S4NN
    more = {"scale": 2.0} if signs else {}
    return kind.from_weights(weights, threshold=thresholds, t_max=T_MAX, backend="numpy", **more)


@st.composite
def networks(draw: st.DrawFn) -> tuple[Any, Array, Array]:
    """A small network of either kind, input spikes, and labels."""
    n, n_in, n_hidden, n_out = (draw(st.integers(1, 4)) for _ in range(4))
    quarters = st.integers(-8, 8).map(lambda quarter: quarter / 4)
    weights = [
        draw(hnp.arrays(np.float64, shape, elements=quarters))
        for shape in ((n_hidden, n_in), (n_out, n_hidden))
    ]
    thresholds = [draw(quarters), draw(quarters)]
    net = net_of(weights, thresholds, signs=draw(st.booleans()))
    labels = draw(hnp.arrays(np.int64, (n,), elements=st.integers(0, n_out - 1)))
    return net, draw(times_of(n, n_in)), labels


# The first layer copies its inputs, one step later; the second is told by hand below.
COPY = np.eye(2)
BY_HAND = net_of([COPY, np.array([[3.0, 0.0], [0.0, 5.0]])], [0.5, 2.0])
IMAGES = np.array([[0, 3], [5, 2], [8, 8], [1, 1]], dtype=np.int16)
# Output spikes: [2, 5], [7, 4], silent, [3, 3]; the tie goes to 1, whose 5 is farther above 2.
LABELS = np.array([0, 1, 0, 0])


# --- the response --------------------------------------------------------------------------------


def test_a_response_by_hand() -> None:
    response = respond(BY_HAND, IMAGES)
    assert [layer.tolist() for layer in response.spike_times] == [
        [[0, 3], [5, 2], [8, 8], [1, 1]],
        [[1, 4], [6, 3], [8, 8], [2, 2]],
        [[2, 5], [7, 4], [8, 8], [3, 3]],
    ]
    assert response.decision_times.tolist() == [2, 4, 8, 3]
    assert response.decisions.tolist() == [0, 1, 0, 1]
    assert response.potential_at(3).tolist() == [[3, 0], [0, 5], [0, 0], [3, 5]]
    assert response.potential_at(3, [1]).tolist() == [[0, 5]]
    assert len(response) == 4


@given(networks())
def test_a_response_is_what_the_network_says(case: tuple[Any, Array, Array]) -> None:
    net, times, _ = case
    response = respond(net, times)
    np.testing.assert_array_equal(response.decisions, net.predict(times))
    for ours, theirs in zip(response.spike_times[1:], net.spike_times(times), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    for t in (0, 3, T_MAX - 1):
        expected = bs.potential_at(response.spike_times[1], net.weights_[-1], t, t_max=T_MAX)
        np.testing.assert_array_equal(response.potential_at(t), expected)


@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_images_packed_networks_and_backends_give_one_response(backend: str) -> None:
    _, test = bs.datasets.bars(n=40)
    rng = np.random.default_rng(0)
    weights = [rng.normal(size=(12, 64)), rng.normal(size=(16, 12))]
    net = bs.BS4NN.from_weights(weights, threshold=4.0, scale=2.0, backend=backend)
    plain, packed = respond(net, test.images), respond(net.pack(), test.images)
    from_times = respond(net, bs.latency_code(test.images))
    for other in (packed, from_times):
        for ours, theirs in zip(plain.spike_times, other.spike_times, strict=True):
            np.testing.assert_array_equal(ours, theirs)
        np.testing.assert_array_equal(plain.potential, other.potential)
        np.testing.assert_array_equal(plain.decisions, other.decisions)


def test_a_network_of_one_layer_has_a_response() -> None:
    net = net_of([np.array([[1.0, 0.0], [0.0, 1.0]])], [0.5])
    response = respond(net, np.array([[3, 1]], np.int16))
    assert response.decisions.tolist() == [1]
    assert response.potential_at(2).tolist() == [[0, 1]]


def test_a_response_does_not_change_while_the_network_learns_on() -> None:
    net, (train, test) = trained(), bs.datasets.bars(n=200)
    response = respond(net, test.images)
    before = (
        response.decisions.tolist(),
        response.potential_at(3).tolist(),
        analysis.anytime(response, test.labels, [4, 16]).accuracy.tolist(),
        len(response.net.history_),
    )
    weights = net.weights_[-1]
    net.fit(train.images, train.labels, epochs=4, progress=False)
    assert (weights != net.weights_[-1]).any()  # or else this would show nothing
    assert before == (
        response.decisions.tolist(),
        response.potential_at(3).tolist(),
        analysis.anytime(response, test.labels, [4, 16]).accuracy.tolist(),
        len(response.net.history_),
    )


# --- times ---------------------------------------------------------------------------------------


@given(st.data(), st.integers(0, 6), st.integers(1, 3))
def test_the_firing_time_matrix_against_a_loop(data: st.DataObject, n: int, k: int) -> None:
    times = data.draw(times_of(n, k))
    labels = data.draw(hnp.arrays(np.int64, (n,), elements=st.integers(0, k - 1)))
    matrix = analysis.firing_time_matrix(times, labels, t_max=T_MAX)
    for label in range(k):
        for neuron in range(k):
            of_class = [int(times[i, neuron]) for i in range(n) if labels[i] == label]
            expected = sum(of_class) / len(of_class) if of_class else np.nan
            np.testing.assert_array_equal(matrix[label, neuron], expected)


def test_a_class_without_images_has_no_firing_time() -> None:
    matrix = analysis.firing_time_matrix([[3, 8]], [1], t_max=T_MAX)
    np.testing.assert_array_equal(matrix, [[np.nan, np.nan], [3, 8]])


def test_large_sums_of_times_do_not_overflow() -> None:
    times = np.full((2_000, 1), 32_000, np.int16)
    matrix = analysis.firing_time_matrix(times, np.zeros(2_000, int), t_max=32_767)
    assert matrix.tolist() == [[32_000.0]]


@given(st.data(), st.integers(1, 5))
def test_spikes_by_the_decision_against_a_loop(data: st.DataObject, n: int) -> None:
    layers = [data.draw(times_of(n, size)) for size in (4, 3, 2)]
    counts = analysis.spikes_by_decision(layers, t_max=T_MAX)
    for i in range(n):
        decision = min(layers[-1][i])
        for k, layer in enumerate(layers):
            assert counts[i, k] == sum(t <= decision and t < T_MAX for t in layer[i].tolist())


def test_spikes_by_the_decision_by_hand() -> None:
    counts = analysis.spikes_by_decision(respond(BY_HAND, IMAGES).spike_times, t_max=T_MAX)
    # Image 0 is decided at 2: input 1 comes at 3. The tie of image 3 has two output spikes.
    assert counts.tolist() == [[1, 1, 1], [1, 1, 1], [0, 0, 0], [2, 2, 2]]


def test_without_an_output_spike_every_spike_counts() -> None:
    assert analysis.spikes_by_decision([[[0, 7, 8]], [[8]]], t_max=T_MAX).tolist() == [[2, 0]]


def test_the_deciding_spike_takes_part_in_the_count_and_a_later_one_does_not() -> None:
    """A fault that is easy to make: < for <=, or the end of the window for the decision."""
    layers = [[[4, 5]], [[4, 6]]]
    assert analysis.spikes_by_decision(layers, t_max=T_MAX).tolist() == [[1, 1]]


def test_decision_times_are_counted_by_outcome() -> None:
    response = respond(BY_HAND, IMAGES)
    counts = analysis.decision_time_counts(
        response.decision_times, response.decisions == LABELS, t_max=T_MAX
    )
    assert counts["all"].tolist() == [0, 0, 1, 1, 1, 0, 0, 0, 1]
    assert counts["wrong"].tolist() == [0, 0, 0, 1, 0, 0, 0, 0, 0]
    assert (counts["right"] + counts["wrong"]).tolist() == counts["all"].tolist()


@given(networks())
def test_anytime_against_a_loop(case: tuple[Any, Array, Array]) -> None:
    net, times, labels = case
    response = respond(net, times)
    found = analysis.anytime(response, labels, range(T_MAX + 1))
    theta = net.parameters.forward_thresholds[-1]
    hidden, outputs = response.spike_times[1:]
    for deadline in range(T_MAX + 1):
        right = fired = 0
        for i, label in enumerate(labels):
            first = outputs[i].min()
            if first <= deadline and first < T_MAX:
                fired += 1
                answer = response.decisions[i]
            else:
                v = [
                    sum(w for w, t in zip(row, hidden[i], strict=True) if t <= deadline and t < 8)
                    for row in net.weights_[-1].tolist()
                ]
                answer = int(np.argmax(np.array(v) - theta))
            right += answer == label
        assert found.accuracy[deadline] == right / len(labels)
        assert found.fired[deadline] == fired / len(labels)


@given(networks())
def test_at_the_end_of_the_window_anytime_is_the_accuracy(case: tuple[Any, Array, Array]) -> None:
    net, times, labels = case
    found = analysis.anytime(respond(net, times), labels, [T_MAX - 1, T_MAX])
    e = net.evaluate(times, labels)
    assert found.accuracy.tolist() == [e.accuracy, e.accuracy]
    np.testing.assert_allclose(found.fired, 1 - e.silent)


def test_anytime_by_hand() -> None:
    found = analysis.anytime(respond(BY_HAND, IMAGES), LABELS, [0, 2, 4, 8])
    # At 0 nobody knows anything: class 0. At 2 image 3 has no output spike, but potentials 3 and 5.
    assert found.accuracy.tolist() == [0.75, 0.5, 0.75, 0.75]
    assert found.fired.tolist() == [0.0, 0.25, 0.75, 0.75]


def test_the_deadlines_span_the_window() -> None:
    deadlines = analysis.anytime(respond(BY_HAND, IMAGES), LABELS).deadlines
    assert deadlines.tolist() == list(range(T_MAX + 1))


def test_deadlines_of_any_kind_are_read_once() -> None:
    response = respond(BY_HAND, IMAGES)
    wanted = analysis.anytime(response, LABELS, [0, 2, 4])
    kinds: list[Any] = [iter([0, 2, 4]), range(0, 5, 2), np.array([0, 2, 4], np.uint8)]
    for deadlines in kinds:
        found = analysis.anytime(response, LABELS, deadlines)
        assert found.deadlines.tolist() == [0, 2, 4]
        assert found.accuracy.tolist() == wanted.accuracy.tolist()


# --- confusion -----------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(-1, 2)), max_size=12))
def test_the_confusion_matrix_against_a_loop(pairs: list[tuple[int, int]]) -> None:
    labels = np.array([label for label, _ in pairs], dtype=np.int64)
    guesses = np.array([guess for _, guess in pairs], dtype=np.int64)
    matrix = analysis.confusion_matrix(labels, guesses, n_classes=3)
    columns = [0, 1, 2, -1] if -1 in guesses else [0, 1, 2]
    assert matrix.tolist() == [
        [pairs.count((row, column)) for column in columns] for row in (0, 1, 2)
    ]


# --- robustness ----------------------------------------------------------------------------------


def same(a: bs.Evaluation, b: bs.Evaluation) -> bool:
    return a.as_dict() == b.as_dict()


@given(networks(), st.sampled_from([0.25, 0.5, 1.0, 2.0]))
@settings(max_examples=40)
def test_a_threshold_sweep_is_a_network_with_other_thresholds(
    case: tuple[Any, Array, Array], factor: float
) -> None:
    net, times, labels = case
    before = [theta.tolist() for theta in net.thresholds_]
    curve = analysis.threshold_sweep(net, times, labels, [factor, 1])
    changed = net_of(
        [w.astype(float) for w in net.weights_],
        [factor * theta[0] for theta in before],
        signs=isinstance(net, bs.BS4NN),
    )
    assert same(curve.evaluations[0][0], changed.evaluate(times, labels))
    assert same(curve.evaluations[1][0], net.evaluate(times, labels))
    assert [theta.tolist() for theta in net.thresholds_] == before


def test_a_lower_threshold_ties_and_a_higher_one_silences() -> None:
    curve = analysis.threshold_sweep(BY_HAND, IMAGES, LABELS, [0.1, 1, 2.5])
    assert curve.mean("silent").tolist() == [0.25, 0.25, 1.0]
    assert curve.values == (0.1, 1.0, 2.5)
    assert [len(draws) for draws in curve.evaluations] == [1, 1, 1]


@given(times_of(3, 5), st.integers(0, T_MAX), st.integers(0, 2**32))
def test_jitter_moves_spikes_within_the_window(times: Array, amount: int, seed: int) -> None:
    moved = analysis.jitter(times, amount, np.random.default_rng(seed), t_max=T_MAX)
    assert moved.dtype == np.int16
    for before, after in zip(times.ravel().tolist(), moved.ravel().tolist(), strict=True):
        if before == T_MAX:
            assert after == T_MAX
        else:
            assert max(0, before - amount) <= after <= min(T_MAX - 1, before + amount)
    if amount == 0:
        np.testing.assert_array_equal(moved, times)


def test_jitter_is_even_and_reaches_both_ends() -> None:
    times = np.full(70_000, 100, np.int16)
    moved = analysis.jitter(times, 3, np.random.default_rng(0))
    counts = np.bincount(moved - 97, minlength=7)
    assert counts.size == 7
    assert (np.abs(counts - 10_000) < 500).all()  # five standard deviations


def test_jitter_does_not_change_its_argument() -> None:
    times = np.array([3, 4, 8], np.int16)
    analysis.jitter(times, 3, np.random.default_rng(0), t_max=T_MAX)
    assert times.tolist() == [3, 4, 8]


def test_a_jitter_curve_judges_the_shaken_images() -> None:
    curve = analysis.jitter_curve(BY_HAND, IMAGES, LABELS, [0, 3], draws=4, seed=5)
    assert [len(draws) for draws in curve.evaluations] == [1, 4]
    assert same(curve.evaluations[0][0], BY_HAND.evaluate(IMAGES, LABELS))
    for draw, found in enumerate(curve.evaluations[1]):
        shaken = analysis.jitter(IMAGES, 3, np.random.default_rng([5, 3, draw]), t_max=T_MAX)
        assert same(found, BY_HAND.evaluate(shaken, LABELS))
    alone = analysis.jitter_curve(BY_HAND, IMAGES, LABELS, [3], draws=4, seed=5)
    assert alone.evaluations[0] == curve.evaluations[1]
    other = analysis.jitter_curve(BY_HAND, IMAGES, LABELS, [3], draws=4, seed=6)
    assert other.evaluations != alone.evaluations


def test_amounts_of_any_kind_are_read_once_and_kept_as_ints() -> None:
    wanted = analysis.jitter_curve(BY_HAND, IMAGES, LABELS, [0, 3])
    kinds: list[Any] = [iter([0, 3]), range(0, 4, 3), np.array([0, 3], np.uint8)]
    for amounts in kinds:
        curve = analysis.jitter_curve(BY_HAND, IMAGES, LABELS, amounts)
        assert curve == wanted
        assert [type(amount) for amount in curve.values] == [int, int]


def test_an_amount_of_a_short_kind_of_number_has_a_sign() -> None:
    times = np.full(1000, 4, np.int16)
    amount: Any = np.uint8(2)
    moved = analysis.jitter(times, amount, np.random.default_rng(0), t_max=T_MAX)
    assert set(moved.tolist()) == {2, 3, 4, 5, 6}


def test_a_curve_has_a_mean_and_a_spread() -> None:
    def judged(accuracy: float) -> bs.Evaluation:
        return bs.Evaluation(4, accuracy, accuracy, 0.0, 0.0, 3.0, 9.0, 9.0)

    curve = Curve("x", (1, 2), ((judged(0.5),), (judged(0.25), judged(0.5), judged(0.75))))
    assert curve.mean("accuracy").tolist() == [0.5, 0.5]
    assert curve.lowest("accuracy").tolist() == [0.5, 0.25]
    assert curve.highest("accuracy").tolist() == [0.5, 0.75]


# --- weights -------------------------------------------------------------------------------------


@given(
    hnp.arrays(np.float64, (3, 4), elements=st.integers(-9, 9).map(lambda n: n / 4)),
    st.sampled_from([2, 4, 10]),
)
def test_weight_histograms_lose_no_weight_and_keep_the_signs(weights: Array, bins: int) -> None:
    (real,) = analysis.weight_histograms(net_of([weights], [1.0]), bins=bins)
    assert real.counts.sum() == weights.size
    assert real.edges[bins // 2] == 0
    np.testing.assert_array_equal(real.edges, -real.edges[::-1])
    assert real.positive == (weights >= 0).mean()
    net = net_of([weights], [1.0], signs=True)
    (latent,) = analysis.weight_histograms(net, bins=bins)
    np.testing.assert_array_equal(latent.counts, real.counts)
    assert latent.positive == (net.weights_[0] > 0).mean()
    (packed,) = analysis.weight_histograms(net.pack(), bins=bins)
    assert packed.positive == latent.positive


def test_weights_that_are_all_zero_have_a_histogram() -> None:
    (found,) = analysis.weight_histograms(net_of([np.zeros((1, 3))], [1.0]), bins=2)
    assert found.counts.tolist() == [0, 3]


def test_flips_of_a_training_are_shares_of_its_synapses() -> None:
    train, _ = bs.datasets.bars(n=60)
    net = bs.BS4NN((64, 5, 16), threshold=10.0, backend="numpy")
    net.fit(train.images, train.labels, epochs=2, progress=False)
    shares = analysis.flip_shares(net.history_["flips"], net.layers)
    assert shares.shape == (2, 2)
    for record, share in zip(net.history_.records, shares, strict=True):
        np.testing.assert_allclose(share * [64 * 5, 5 * 16], record["flips"])


# --- everything at once --------------------------------------------------------------------------


def trained(kind: Any = bs.BS4NN) -> Any:
    train, _ = bs.datasets.bars(n=200)
    net = kind((64, 20, 16), threshold=10.0, backend="numpy")
    return net.fit(train.images, train.labels, epochs=1, progress=False)


@pytest.mark.parametrize("kind", [bs.BS4NN, bs.S4NN])
def test_the_analysis_agrees_with_the_evaluation(kind: Any) -> None:
    net, (_, test) = trained(kind), bs.datasets.bars(n=50)
    found = analysis.analyse(net, test.images, test.labels, factors=[0.5, 1], amounts=[0, 20])
    e = net.evaluate(test.images, test.labels)
    assert same(found.evaluation, e)
    assert np.trace(found.confusion) == round(50 * e.accuracy)
    assert found.decision_times["right"].sum() == round(50 * e.accuracy)
    assert found.decision_times["all"][-1] == round(50 * e.silent)
    np.testing.assert_allclose(found.spikes_in_window.sum(), e.spikes)
    assert found.anytime.accuracy[-1] == e.accuracy
    assert same(found.thresholds.evaluations[1][0], e)
    assert same(found.jitter.evaluations[0][0], e)
    assert (found.spikes_by_decision <= found.spikes_in_window).all()
    assert (found.flips is None) == (kind is bs.S4NN)
    assert f"{e}" in str(found)
    assert found.receptive_fields is not None
    np.testing.assert_array_equal(found.receptive_fields, net.weights_[0].reshape(20, 8, 8))


def test_an_analysis_is_saved_as_json_and_pictures(tmp_path: Path) -> None:
    _, test = bs.datasets.bars(n=20)
    found = analysis.analyse(trained(), test.images[:3], test.labels[:3], factors=[1], amounts=[5])
    written = found.save(tmp_path / "new" / "folder")
    names = [path.name for path in written]
    assert names[0] == "analysis.json"
    assert set(names[1:]) == {
        "anytime.png", "confusion.png", "decision_times.png", "firing_times.png", "flips.png",
        "jitter.png", "receptive_fields.png", "spikes.png", "thresholds.png", "weights.png",
    }  # fmt: skip
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in written[1:])
    read = json.loads(written[0].read_text())
    assert read["evaluation"] == found.evaluation.as_dict()
    assert None in read["firing_times"][0] or None in read["firing_times"][5]  # no such class
    assert read["confusion"] == found.confusion.tolist()
    assert read["jitter"]["evaluations"][0][2] == found.jitter.evaluations[0][2].as_dict()


def test_an_analysis_of_numpy_s_numbers_is_saved(tmp_path: Path) -> None:
    numbers: list[Any] = [np.array([0, 3], np.uint8), np.array([1, 2], np.float32)]
    found = analysis.analyse(BY_HAND, IMAGES, LABELS, amounts=numbers[0], factors=numbers[1])
    read = json.loads(found.save(tmp_path)[0].read_text())
    assert (read["jitter"]["values"], read["thresholds"]["values"]) == ([0, 3], [1.0, 2.0])


def test_without_matplotlib_the_json_is_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = analysis.analyse(BY_HAND, IMAGES, LABELS)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert [path.name for path in found.save(tmp_path)] == ["analysis.json"]


def test_one_image_is_enough() -> None:
    found = analysis.analyse(BY_HAND, IMAGES[2:3], LABELS[2:3])
    assert found.receptive_fields is None  # spike times say nothing of height and width
    assert found.evaluation.silent == 1
    assert "all, 1 images: never / never / never" in str(found)
    assert "wrong, " not in str(found)  # there is none


# --- errors --------------------------------------------------------------------------------------

BNN: Any = bs.BNN((2, 2))
RAGGED: Any = [[1, 2], [3]]
FIVE: Any = 5
ERRORS: list[tuple[Callable[[], object], type[Exception], str]] = [
    (lambda: respond(BNN, IMAGES), TypeError, "wants an S4NN, BS4NN or PackedBS4NN, got BNN"),
    (lambda: respond(bs.S4NN((2, 2)), IMAGES), bs.errors.NotTrainedError, "has not been trained"),
    (lambda: respond(BY_HAND, IMAGES[:, :1]), ValueError, "images have 1 pixels, but layers.0. is"),
    (lambda: respond(BY_HAND, IMAGES).potential_at(8), ValueError, "0 to 7, got 8"),
    (lambda: analysis.firing_time_matrix([1], [0]), ValueError, r"shape \(n, n_classes\), got \(1"),
    (lambda: analysis.firing_time_matrix([[1]], [1]), ValueError, r"labels must lie in 0\.\.0"),
    (lambda: analysis.firing_time_matrix([[9]], [0], t_max=8), ValueError, r"lie in 0\.\.8"),
    (lambda: analysis.spikes_by_decision([]), ValueError, r"one n and an output .* shapes \[\]"),
    (lambda: analysis.spikes_by_decision([[[1]], [[1], [2]]]), ValueError, "one n and an output"),
    (lambda: analysis.spikes_by_decision([np.empty((2, 0), int)]), ValueError, "not empty, got"),
    (lambda: analysis.decision_time_counts([1], [1]), TypeError, "True or False, got int64"),
    (lambda: analysis.decision_time_counts([1], [True, False]), ValueError, r"\(1,\) and \(2,\)"),
    (
        lambda: analysis.anytime(respond(BY_HAND, IMAGES), LABELS, [9]),
        ValueError, r"deadlines must be a list of one or more whole time steps 0\.\.8, got \[9\]",
    ),
    (
        lambda: analysis.anytime(BNN, LABELS),
        TypeError, r"anytime: wants what analysis\.respond\(\) returns, got BNN",
    ),
    (lambda: respond(BY_HAND, RAGGED), ValueError, "respond: images must be an array; its rows"),
    (lambda: respond(BY_HAND, IMAGES[0]), ValueError, r"shape \(n, 2\), got \(2,\)"),
    (lambda: respond(BY_HAND, IMAGES * 1.0), TypeError, "respond: images must be uint8 grey"),
    (
        lambda: respond(BY_HAND, IMAGES).potential_at(3, RAGGED),
        ValueError, "Response.potential_at: images must be an array; its rows differ",
    ),
    (lambda: analysis.spikes_by_decision(FIVE), ValueError, r"one n and an output .* shapes \[\]"),
    (
        lambda: analysis.decision_time_counts([1, 2], RAGGED),
        ValueError, "decision_time_counts: correct must be an array; its rows differ",
    ),
    (
        lambda: analysis.confusion_matrix(RAGGED, [0, 1]),
        ValueError, "confusion_matrix: labels must be an array; its rows differ",
    ),
    (
        lambda: analysis.confusion_matrix([0, 1], RAGGED),
        ValueError, "confusion_matrix: predictions must be an array; its rows differ",
    ),
    (
        lambda: analysis.threshold_sweep(BY_HAND, RAGGED, LABELS),
        ValueError, "threshold_sweep: images must be an array; its rows differ",
    ),
    (
        lambda: analysis.threshold_sweep(BY_HAND, IMAGES, LABELS, []),
        ValueError, r"factors must be a list of one or more numbers above 0, got \[\]",
    ),
    (
        lambda: analysis.jitter_curve(BY_HAND, RAGGED, LABELS),
        ValueError, "jitter_curve: images must be an array; its rows differ",
    ),
    (lambda: analysis.jitter([1], 1, FIVE), TypeError, "jitter: rng must be .*Generator.* got int"),
    (lambda: analysis.analyse(BNN, IMAGES, LABELS), TypeError, "analyse: wants an S4NN"),
    (lambda: analysis.analyse(BY_HAND, RAGGED, LABELS), ValueError, "analyse: images must be an a"),
    # At the start, before the whole analysis has been made: there are no labels yet.
    (
        lambda: analysis.analyse(BY_HAND, IMAGES, [], factors=[]),
        ValueError, "analyse: factors must be a list of one or more",
    ),
    (
        lambda: analysis.analyse(BY_HAND, IMAGES, [], amounts=[]),
        ValueError, "analyse: amounts must be a list of one or more",
    ),
    (
        lambda: analysis.anytime(respond(BY_HAND, IMAGES[:0]), LABELS[:0]),
        ValueError, "there are no images to judge by",
    ),
    (lambda: analysis.anytime(respond(BY_HAND, IMAGES), LABELS[:1]), ValueError, "4 images need 4"),
    (lambda: analysis.confusion_matrix([0], [5], n_classes=2), ValueError, "confusion_matrix: "),
    (lambda: analysis.threshold_sweep(BY_HAND, IMAGES, LABELS, [0]), ValueError, "numbers above 0"),
    (lambda: analysis.threshold_sweep(BY_HAND, IMAGES, LABELS, [np.inf]), ValueError, "finite"),
    (lambda: analysis.threshold_sweep(BNN, IMAGES, LABELS), TypeError, "threshold_sweep: wants an"),
    (lambda: analysis.threshold_sweep(BY_HAND, IMAGES[:, :1], LABELS), ValueError, "have 1 pixels"),
    (lambda: analysis.jitter_curve(BY_HAND, IMAGES[:0], []), ValueError, "there are no images"),
    (lambda: analysis.jitter_curve(BY_HAND, IMAGES, LABELS, [9]), ValueError, r"0\.\.8, got \[9\]"),
    (lambda: analysis.jitter_curve(BY_HAND, IMAGES, LABELS, draws=0), ValueError, "got draws=0"),
    (
        lambda: analysis.jitter([1], -1, np.random.default_rng(0)),
        ValueError, "jitter: amount must be a whole number of time steps, 0 to 256, got -1",
    ),
    (lambda: analysis.weight_histograms(BY_HAND, bins=3), ValueError, "even number from 2, got 3"),
    (lambda: analysis.flip_shares([[1, 2]], (4, 2)), ValueError, r"\(n_epochs, 1\), .* got \(1, 2"),
    (lambda: analysis.flip_shares(np.empty((0, 1)), (4, 2)), ValueError, r"got \(0, 1\)"),
    (lambda: analysis.flip_shares([[-1]], (4, 2)), ValueError, "0 or more, got -1"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "error", "message"), ERRORS)
def test_errors(call: Callable[[], object], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize("steps", [5, [], [[1]], [1.0], [True], [9], [-1]])
def test_amounts_and_deadlines_are_lists_of_time_steps(steps: Any) -> None:
    message = f"must be a list of one or more whole time steps 0..8, got {steps!r}"
    with pytest.raises(ValueError, match=re.escape(f"jitter_curve: amounts {message}")):
        analysis.jitter_curve(BY_HAND, IMAGES, LABELS, steps)
    with pytest.raises(ValueError, match=re.escape(f"anytime: deadlines {message}")):
        analysis.anytime(respond(BY_HAND, IMAGES), LABELS, steps)


@pytest.mark.parametrize("n_classes", [2.0, 0, True])
def test_the_number_of_classes_is_a_whole_number(n_classes: Any) -> None:
    message = f"confusion_matrix: n_classes must be a whole number from 1, got {n_classes}$"
    with pytest.raises(ValueError, match=message):
        analysis.confusion_matrix([0], [0], n_classes=n_classes)


@pytest.mark.parametrize("method", ["mean", "lowest", "highest"])
def test_a_curve_names_the_counters_that_there_are(method: str) -> None:
    curve = analysis.threshold_sweep(BY_HAND, IMAGES, LABELS, [1])
    message = rf"Curve\.{method}: counter must be one of 'n', .*; got 'validation_accuracy'"
    with pytest.raises(ValueError, match=message):
        getattr(curve, method)("validation_accuracy")
