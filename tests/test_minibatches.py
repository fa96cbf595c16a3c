"""Mini-batches: one image per batch is online learning, and both kernels give the same bits."""

from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
from agreement import EDGES, NUMBA, REFERENCE, ROUNDED, Case, random_case, same
from hypothesis import given, settings
from hypothesis import strategies as st
from test_equality import cases, mnist_case

import minibs4nn as bs
from minibs4nn.kernels import Kernels, OnlineReport, Parameters
from minibs4nn.rules import RelativeTarget

KERNELS = pytest.mark.parametrize("kernels", [REFERENCE, NUMBA], ids=["numpy", "numba"])


def learn(
    case: Case, kernels: Kernels, batch_size: int | None, *, count_fired: bool = True
) -> tuple[Parameters, OnlineReport | str]:
    """All images of a case, in batches, or online for None; a bad scale is a result too."""
    p = case.parameters()
    prepared = kernels.prepare(case.times, t_max=case.t_max)
    function = kernels.train_online if batch_size is None else kernels.train_minibatches
    rule = replace(case.rule, batch_size=batch_size or 1)
    try:
        report = function(
            prepared, case.labels, case.order, p, rule, t_max=case.t_max, count_fired=count_fired
        )
    except ArithmeticError as error:
        return p, str(error)
    return p, report


def check_same(one: tuple[Parameters, OnlineReport | str], other: tuple[Any, Any]) -> None:
    """Every weight, sign, scale and count has the same bits."""
    (p, report), (q, wanted) = one, other
    for name in ("latent", "signs", "thresholds"):
        for x, y in zip(getattr(p, name) or [], getattr(q, name) or [], strict=True):
            same(x, y)
    same(p.scale, q.scale)
    if isinstance(report, str):
        assert report == wanted
        return
    for field in fields(report.outcomes):
        same(getattr(report.outcomes, field.name), getattr(wanted.outcomes, field.name))
    same(report.flips, wanted.flips)
    assert report.updates == wanted.updates
    for x, y in zip(report.fired, wanted.fired, strict=True):
        same(x, y)


# --- batches of one image ------------------------------------------------------------------------


@KERNELS
@pytest.mark.parametrize("name", EDGES)
def test_batches_of_one_are_online_learning_at_the_edges(name: str, kernels: Kernels) -> None:
    check_same(learn(EDGES[name], kernels, 1), learn(EDGES[name], kernels, None))


@settings(max_examples=40)
@given(cases(exact=False, max_images=8))
def test_batches_of_one_are_online_learning(case: Case) -> None:
    check_same(learn(case, REFERENCE, 1), learn(case, REFERENCE, None))
    check_same(learn(case, NUMBA, 1), learn(case, NUMBA, None))


# --- larger batches ------------------------------------------------------------------------------


@settings(max_examples=40)
@given(cases(exact=False, max_images=8), st.integers(2, 20), st.booleans())
def test_both_kernels_give_the_same_bits(case: Case, batch_size: int, count: bool) -> None:
    check_same(
        learn(case, NUMBA, batch_size, count_fired=count),
        learn(case, REFERENCE, batch_size, count_fired=count),
    )


@pytest.mark.parametrize("name", EDGES)
def test_both_kernels_give_the_same_bits_at_the_edges(name: str) -> None:
    for case in (EDGES[name], ROUNDED):
        check_same(learn(case, NUMBA, 7), learn(case, REFERENCE, 7))


def last_layer(case: Case) -> Case:
    """The last layer alone, without weight decay.

    Deltas pass through the *updated* weights, which one image moves farther than its batch does: so
    only of one layer can be said what a batch does, given what its images do.
    """
    n_in = case.latent[-1].shape[1]
    return replace(
        case, latent=case.latent[-1:], thresholds=case.thresholds[-1:],
        scale=case.scale and case.scale[-1:], times=np.resize(case.times, (len(case.times), n_in)),
        rule=replace(case.rule, weight_decay=0.0),
    )  # fmt: skip


@KERNELS
def test_a_batch_moves_by_the_mean_of_what_its_images_ask_for(kernels: Kernels) -> None:
    moved = 0
    for seed in range(40):
        case = last_layer(random_case(seed))
        some = case.order[:6]
        alone = [learn(replace(case, order=some[k : k + 1]), REFERENCE, None) for k in range(6)]
        p, report = learn(replace(case, order=some), kernels, 6)
        if any(isinstance(found, str) for found in [report, *(found for _, found in alone)]):
            continue  # a scale that fell to zero
        wanted = np.mean([q.latent[0].astype(float) for q, _ in alone], axis=0)
        np.testing.assert_allclose(p.latent[0], wanted, atol=1e-6)
        np.testing.assert_allclose(p.scale, np.mean([q.scale for q, _ in alone], axis=0))
        moved += bool((p.latent[0] != case.latent[0]).any())
    assert moved > 20


@KERNELS
def test_one_large_batch_does_not_depend_on_the_order(kernels: Kernels) -> None:
    for seed in range(10):
        case = random_case(seed)
        p, report = learn(case, kernels, 1000)
        turned, other = learn(replace(case, order=case.order[::-1].copy()), kernels, 1000)
        for a, b in zip(p.latent, turned.latent, strict=True):
            np.testing.assert_allclose(a, b, atol=1e-5)
        assert isinstance(report, OnlineReport)
        assert isinstance(other, OnlineReport)
        assert report.updates == other.updates
        np.testing.assert_array_equal(report.outcomes.correct, other.outcomes.correct[::-1])


@KERNELS
def test_weights_decay_once_per_image(kernels: Kernels) -> None:
    case = EDGES["decay never flips a sign"]
    silent = replace(
        case, times=np.full((1, 2), case.t_max, np.int16), rule=replace(case.rule, gamma=0)
    )
    for batch_size in (1, 7, 200):
        rule = replace(silent.rule, learning_rate=0.5, weight_decay=0.02)
        p, _ = learn(replace(silent, rule=rule), kernels, batch_size)
        np.testing.assert_allclose(p.latent[0], silent.latent[0] * 0.99**120, rtol=1e-5)


@pytest.mark.parametrize("binary", [False, True], ids=["S4NN", "BS4NN"])
@pytest.mark.parametrize("batch_size", [1, 20])
def test_mnist_bit_for_bit(batch_size: int, binary: bool) -> None:
    train, _ = bs.datasets.mnist()
    images = bs.latency_code(train.images[:60]), train.labels[:60].copy()
    case = mnist_case(images, binary, 60)
    compiled = learn(case, NUMBA, batch_size, count_fired=False)
    check_same(compiled, learn(case, REFERENCE, batch_size, count_fired=False))
    assert isinstance(compiled[1], OnlineReport)
    assert compiled[1].updates > 30


# --- through fit ---------------------------------------------------------------------------------


@pytest.mark.parametrize("cls", [bs.S4NN, bs.BS4NN])
def test_fit_gives_the_same_bits_on_both_backends(
    cls: type[bs.S4NN] | type[bs.BS4NN], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("minibs4nn.training.PART", 37)
    train, _ = bs.datasets.bars(100, size=4, noise=0.2, seed=3)
    rule = RelativeTarget(0.2, 2, 1e-3, all_silent="teach", schedule="cosine", batch_size=8)
    one, other = (
        cls((16, 12, 8), threshold=6.0, seed=5, backend=backend).fit(
            train.images, train.labels, epochs=3, rule=rule, progress=False
        )
        for backend in ("numpy", "numba")
    )
    for a, b in zip(one.parameters.latent, other.parameters.latent, strict=True):
        same(a, b)
    for name in set(one.history_.keys()) - {"seconds"}:
        same(one.history_[name], other.history_[name])


def test_progress_never_cuts_a_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    """With parts of 37 images, or of any other size, a run is the same."""
    train, _ = bs.datasets.bars(100, size=4, noise=0.2, seed=3)
    rule = RelativeTarget(0.2, 2, all_silent="teach", batch_size=8)
    found = []
    for part in (37, 3, 100):
        monkeypatch.setattr("minibs4nn.training.PART", part)
        net = bs.S4NN((16, 12, 8), threshold=6.0, seed=5, backend="numba")
        net.fit(train.images, train.labels, epochs=2, rule=rule, progress=False)
        found.append(net.weights_[0])
    same(found[0], found[1])
    same(found[0], found[2])
