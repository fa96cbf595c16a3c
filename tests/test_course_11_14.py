"""The right answers of chapters 11 to 14 are what the library does, where it does the same."""

from typing import Any, cast

import numpy as np
import pytest

import minibs4nn as bs
from minibs4nn.course import beyond, decision, gpu
from minibs4nn.kernels import reference_decision
from minibs4nn.kernels.decision import ERROR_STEPS, Batch, TwoLayers


def test_a_thread_reads_the_bits_of_a_packed_network() -> None:
    rng = np.random.default_rng(0)
    signs = rng.choice([-1, 1], size=(45, 7)).astype(np.int8)
    packed = bs.BS4NN.from_weights([signs], scale=1.0).pack()
    data = packed.bits[0].tobytes()
    words = np.frombuffer(data + bytes(-len(data) % 4), dtype="<u4")
    for i in range(7):
        read = [
            gpu.sign_of_thread(block, thread, 16, i, words, 45)
            for block in range(3)
            for thread in range(16)
        ]
        assert read == [*signs[:, i], 0, 0, 0]


def test_speculative_rounds_learn_from_the_images_that_online_learning_learns_from() -> None:
    for wrong, ahead in gpu.SPECULATIVE.cases(seed=0):
        online: list[int] = []
        for k, row in enumerate(wrong):
            if row[len(online)]:
                online.append(k)
        found = gpu.speculative(wrong, ahead)
        assert found["updates"] == online
        at_least = max(len(online), -(-len(wrong) // ahead))
        assert at_least <= cast(int, found["rounds"]) <= len(wrong)
        assert gpu.speculative(wrong, 1)["rounds"] == len(wrong)


def test_errors_at_the_moment_are_those_of_the_rule() -> None:
    # The library rounds errors to a grid, and reads exponentials from a table.
    rule = bs.DecisionPotential(temperature=2.0, skip=0.0)
    rng = np.random.default_rng(0)
    for _ in range(50):
        hidden = rng.integers(1, 9, size=6)
        signs = rng.choice([-1, 1], size=(3, 6))
        thresholds, label = rng.integers(0, 4, size=3), int(rng.integers(3))
        wanted = decision.errors_at(hidden, signs, thresholds, label, 2.0, 8)
        # One input for each hidden neuron, a step before it; the threshold 0 passes its spike on.
        inputs = (hidden - 1).astype(np.int16)[None]
        net = TwoLayers(
            [np.eye(6), signs.astype(np.float64)], [np.full(6, 0.0), thresholds.astype(np.float64)]
        )
        whole = np.arange(6, dtype=np.int32)[None]
        batch = Batch(
            np.array([0]), np.array([False]), np.zeros((1, 0), bool), np.array([0]), whole
        )
        found = reference_decision.gradients(
            inputs, np.array([label]), batch, net, rule, t_max=8
        ).output_threshold
        np.testing.assert_allclose(-found / ERROR_STEPS, cast(Any, wanted["errors"]), atol=2e-3)


def test_the_price_is_what_an_evaluation_says() -> None:
    rng = np.random.default_rng(0)
    for threshold in (0, 1, 2, 5, 50):
        times = rng.integers(0, 7, size=(40, 12)).astype(np.int16)  # none in the last step
        labels, signs = rng.integers(0, 3, size=40), rng.choice([-1, 1], size=(3, 12))
        net = bs.BS4NN.from_weights(
            [signs], threshold=threshold, scale=1.0, t_max=8, backend="numpy"
        )
        judged = net.evaluate(times, labels)
        potential = np.stack([bs.potential_at(times, signs, t, t_max=8) for t in range(8)], axis=2)
        found = decision.price(potential, labels, threshold)
        numbers = [found["accuracy"], found["silent"], found["time"]]
        assert numbers == pytest.approx([judged.accuracy, judged.silent, judged.decision_time])


def test_a_table_is_coded_as_by_the_classifier() -> None:
    sklearn = pytest.importorskip("minibs4nn.sklearn", exc_type=ImportError)
    for training, rows, fields, t_max in beyond.SPIKE_TIMES.cases(seed=0)[:20]:
        model = sklearn.BS4NNClassifier(
            2, fields=fields, epochs=1, rule="relative-target", t_max=t_max, backend="numpy"
        )
        model.fit(training, np.arange(len(training)) % 2)
        wanted = beyond.spike_times(training, rows, fields, t_max)
        np.testing.assert_array_equal(wanted, model.encode(rows))


def test_limits_are_those_of_the_library() -> None:
    for thresholds, scale in beyond.LIMITS.cases(seed=0)[:50]:
        signs = np.ones((len(thresholds), 40))
        net = bs.BS4NN.from_weights([signs], threshold=[thresholds], scale=scale)
        limits = np.floor(net.parameters.forward_thresholds[0])
        np.testing.assert_array_equal(beyond.limits(thresholds, scale)["exceed"], limits)
