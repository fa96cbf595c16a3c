"""What the tests of equality compare, and how: cases, and checks of one case.

Reference and Numba must agree bit for bit, always. The dense form adds in another order, so it is
compared with ``==`` where all sums are exact (whole numbers, quarters), and to many digits where
they are not.
"""

from dataclasses import dataclass, fields, replace
from itertools import pairwise
from types import ModuleType
from typing import Any

import dense
import numpy as np
import numpy.typing as npt

from minibs4nn.evaluation import Outcomes
from minibs4nn.kernels import Kernels, OnlineReport, Parameters, get_kernels
from minibs4nn.rules import RelativeTarget

Array = npt.NDArray[Any]
REFERENCE, NUMBA = get_kernels("numpy"), get_kernels("numba")


def same(a: npt.ArrayLike, b: npt.ArrayLike) -> None:
    """Same type, same shape, same bits; -0.0 is not 0.0."""
    first, second = np.asarray(a), np.asarray(b)
    assert (first.dtype, first.shape) == (second.dtype, second.shape)
    assert first.tobytes() == second.tobytes(), f"{first} is not {second}"


def close(a: Array, b: Array, steps: float) -> None:
    """Same type, and equal up to so many steps of its precision, at the size of 1 or their own."""
    assert a.dtype == b.dtype
    tolerance = steps * float(np.finfo(a.dtype).eps)
    np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


# --- cases ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """A network, images as spike times, and what to learn from them."""

    times: Array  # int16 (n, n_in)
    labels: Array
    order: Array
    latent: tuple[Array, ...]
    thresholds: tuple[Array, ...]
    scale: tuple[float, ...] | None  # None: an S4NN
    rule: RelativeTarget
    t_max: int

    @property
    def precision(self) -> type[np.float32] | type[np.float64]:
        """Latent weights are kept in single precision, weights that are added up in double."""
        return np.float64 if self.scale is None else np.float32

    def parameters(self) -> Parameters:
        """Fresh parameters, since training changes them."""
        latent = [np.array(w, self.precision, order="F") for w in self.latent]
        signs = None if self.scale is None else [np.asfortranarray(sign(w)) for w in latent]
        scale = np.array(self.scale or [1.0] * len(latent))
        return Parameters(latent, signs, [theta.copy() for theta in self.thresholds], scale)

    def dense(self) -> dense.Net:
        """The same network for the dense definition."""
        scale = None if self.scale is None else list(self.scale)
        weights = [w.astype(self.precision) for w in self.latent]
        return dense.Net(weights, list(self.thresholds), scale)


def sign(latent: Array) -> Array:
    return np.where(latent < 0, np.int8(-1), np.int8(1))


def by_hand(
    times: list[list[int]], weights: list[list[float]], threshold: list[float], t_max: int,
    **changes: Any,
) -> Case:  # fmt: skip
    """One layer with chosen numbers."""
    n = len(times)
    case = Case(
        np.array(times, np.int16).reshape(n, len(weights[0])), np.zeros(n, np.int64),
        np.arange(n), (np.array(weights, float),), (np.array(threshold, float),), None,
        RelativeTarget(gamma=1), t_max,
    )  # fmt: skip
    return replace(case, **changes)


EDGES: dict[str, Case] = {
    "nobody hears anything": by_hand([[4, 4]], [[1, 1]], [0], 4),
    "an empty batch": by_hand([], [[1, 1]], [0], 4),
    "negative threshold, no input needed": by_hand([[4]], [[1], [-1]], [-0.5, -1], 4),
    "reaching the threshold is not enough": by_hand([[0, 1, 2]], [[1, 1, 1]], [2], 9),
    "crossing in the last step is silent": by_hand([[2], [1], [3]], [[1]], [0], 3),
    "above, below, above: one spike": by_hand([[0, 1, 2]], [[2, -3, 5]], [1], 9),
    "a window of one step": by_hand([[0], [1]], [[1]], [0], 1),
    "ties": by_hand([[0, 0]], [[1, 1], [1, 1], [2, 1]], [0, 0, 0], 9),
    "all weights -1": by_hand([[0, 1], [5, 9]], [[-1, -1]], [-2], 9, scale=(1.0,)),
    "threshold far out of reach": by_hand([[0, 1]], [[1, -1]], [1e9], 9, scale=(0.01,)),
    "decay never flips a sign": by_hand(
        [[0, 9]], [[1, -1], [-1, -1]], [5, 5], 9, scale=(1.0,), order=np.zeros(120, np.int64),
        rule=RelativeTarget(1.0, 1, 0.9, 0.0, "teach")),
    "no gap, nothing to teach": by_hand(
        [[4]], [[1]], [0], 4, rule=RelativeTarget(gamma=0, all_silent="teach")),
    "the counter looks three steps before the end": by_hand(
        [[3, 7, 8]], [[1, 0, 0], [0, 2, 0]], [5, 5], 9),
    # After a while the compiled kernels look at the steps 0 to 9 first. Output 0 fires at 5, output
    # 1 at 11 or 10: too close by one step, and too late or just in time to be seen at once.
    "another is close, a step beyond the first look": by_hand(
        [[4, 10]], [[1, 0], [0, 1]], [0.5, 0.5], 32, order=np.zeros(300, np.int64),
        rule=RelativeTarget(learning_rate=0.0, gamma=7)),
    "another is close, in the last step of the first look": by_hand(
        [[4, 9]], [[1, 0], [0, 1]], [0.5, 0.5], 32, order=np.zeros(300, np.int64),
        rule=RelativeTarget(learning_rate=0.0, gamma=6)),
    "threshold far below": by_hand([[3, 1]], [[1, -1]], [-1e9], 9, scale=(0.01,)),
}  # fmt: skip


# 0.1 + 0.2 + 0.3 is above 0.6 and 0.3 + 0.2 + 0.1 is not: the inputs are heard in their order, in
# both halves of them.
ROUNDED = by_hand(
    [[3] * 6],
    [
        [0.1, 0.2, 0.3, 0, 0, 0],
        [0.3, 0.2, 0.1, 0, 0, 0],
        [0, 0, 0, 0.1, 0.2, 0.3],
        [0, 0, 0, 0.3, 0.2, 0.1],
        [0.1, 0, 0.2, 0, 0, 0.3],
        [0.3, 0, 0.2, 0, 0, 0.1],
    ],
    [0.6] * 6,
    9,
)


def random_case(seed: int) -> Case:
    """A small network at random, with many ties and edges; all sums are exact."""
    rng = np.random.default_rng(seed)
    t_max = int(rng.choice([2, 4, 9]))
    sizes = rng.integers(1, 7, rng.integers(2, 5))
    long = seed % 8 == 7  # long enough for the compiled kernels to stop looking early
    n = 40 if long else 6
    depth = len(sizes) - 1
    edges = np.array([0, t_max - 1, t_max])
    times = rng.integers(0, t_max + 1, (n, sizes[0]))
    times = np.where(rng.random(times.shape) < 0.3, rng.choice(edges, times.shape), times)
    return Case(
        times=times.astype(np.int16),
        labels=rng.integers(0, sizes[-1], n),
        order=rng.integers(0, n, 250 if long else 12),
        latent=tuple(rng.integers(-4, 9, (n_out, n_in)) / 4 for n_in, n_out in pairwise(sizes)),
        thresholds=tuple(rng.integers(-1, 5, size) / 4 for size in sizes[1:]),
        scale=tuple(rng.choice([0.25, 0.5, 1.0], depth)) if seed % 2 else None,
        rule=RelativeTarget(
            learning_rate=0.25,
            gamma=int(rng.integers(0, 4).clip(0, t_max)),
            weight_decay=float(rng.choice([0.0, 0.25])),
            scale_learning_rate=0.05,
            all_silent=str(rng.choice(["teach", "ignore"])),
        ),
        t_max=t_max,
    )


# --- checks --------------------------------------------------------------------------------------


def check_forward(case: Case, kernels: Kernels, fast: Kernels = NUMBA, *, exact: bool) -> None:
    """All layers, all images: the given kernels, Numba, and the dense form if sums are exact."""
    p, heard = case.parameters(), case.times
    net = case.dense()
    for k, (weights, theta) in enumerate(zip(p.weights, p.forward_thresholds, strict=True)):
        spikes, potential = kernels.layer_spike_times(heard, weights, theta, t_max=case.t_max)
        fast_spikes, fast_potential = fast.layer_spike_times(
            heard, weights, theta, t_max=case.t_max
        )
        same(spikes, fast_spikes)
        same(potential, fast_potential)
        if exact:
            for n, times in enumerate(heard):
                wanted = dense.layer(times, net.used(k), net.limit(k), case.t_max)
                np.testing.assert_array_equal(spikes[n], wanted[0])
                np.testing.assert_array_equal(potential[n], wanted[1])
        heard = spikes


def run(
    case: Case, kernels: Kernels, *, count_fired: bool = True
) -> tuple[Parameters, OnlineReport | str]:
    """Learn from all images of a case; a scale that falls to zero is a result like any other."""
    p = case.parameters()
    prepared = kernels.prepare(case.times, t_max=case.t_max)
    try:
        report = kernels.train_online(
            prepared, case.labels, case.order, p, case.rule, t_max=case.t_max,
            count_fired=count_fired,
        )  # fmt: skip
    except ArithmeticError as error:
        return p, str(error)
    return p, report


def check_epoch(
    case: Case,
    kernels: Kernels,
    fast: Kernels = NUMBA,
    *,
    count_fired: tuple[bool, ...] = (True, False),
) -> None:
    """A whole epoch: every weight, sign, scale and count has the bits of the fast kernels.

    Where nobody asks who fired, the compiled kernels stop looking at an image early.
    """
    for count in count_fired:
        a, report = run(case, kernels, count_fired=not count)
        b, other = run(case, fast, count_fired=count)
        assert type(report) is type(other)
        if isinstance(report, str) or isinstance(other, str):
            assert report == other
            return
        for name in ("latent", "signs", "thresholds"):
            for x, y in zip(getattr(a, name) or [], getattr(b, name) or [], strict=True):
                same(x, y)
        same(a.scale, b.scale)
        for field in fields(report.outcomes):
            same(getattr(report.outcomes, field.name), getattr(other.outcomes, field.name))
        same(report.flips, other.flips)
        assert report.updates == other.updates
        assert len(other.fired) == count * len(case.latent)
        assert len(report.fired) == (not count) * len(case.latent)


def learn(net: dense.Net, case: Case, n: int) -> tuple[list[Array], bool]:
    """One image in the dense form: times of all layers, and whether there was an error."""
    rule, label, teach = case.rule, int(case.labels[n]), case.rule.all_silent == "teach"
    heard = dense.train_step(
        net, case.times[n], label, learning_rate=rule.learning_rate, gamma=rule.gamma,
        weight_decay=rule.weight_decay, scale_learning_rate=rule.scale_learning_rate,
        teach=teach, t_max=case.t_max,
    )  # fmt: skip
    wanted = dense.targets(heard[-1], label, rule.gamma, teach, case.t_max)
    return heard, bool((wanted != heard[-1]).any())


def check_outcome(case: Case, net: dense.Net, n: int, outcomes: Outcomes, m: int) -> None:
    """What is noted of an image before it is learned from, in the words of the documentation."""
    heard, potentials = net.forward(case.times[n], case.t_max)
    label, out, last = int(case.labels[n]), heard[-1], len(net.weights) - 1
    first = min(out)
    assert outcomes.decision_time[m] == first
    assert outcomes.silent[m] == (first == case.t_max)
    assert outcomes.tied[m] == (sum(out == first) > 1 and first < case.t_max)
    late = np.zeros(len(out))
    if case.t_max >= 3:
        late = net.used(last) @ dense.heard_by_then(heard[-2], case.t_max)[:, case.t_max - 3]
    assert outcomes.published[m] == dense.published_count(out, late, label, case.t_max)
    limit = net.limit(last)
    if net.scale is not None:  # a sum of signs has to reach the next whole number
        limit = np.floor(limit)
    assert outcomes.correct[m] == (dense.first_spike(out, potentials[-1] - limit) == label)


def check_step(case: Case, kernels: Kernels) -> None:
    """One image, from weights that add up exactly: the given kernels and the dense form."""
    for n in range(len(case.times)):
        p, report = run(replace(case, order=np.array([n])), kernels)
        net = case.dense()
        heard, had_error = learn(net, case, n)
        if isinstance(report, str):
            assert net.scale is not None
            assert min(net.scale) <= 1e-12
            continue
        check_outcome(case, case.dense(), n, report.outcomes, 0)
        assert report.updates == had_error
        for count, times in zip(report.fired, heard[1:], strict=True):
            np.testing.assert_array_equal(count, times < case.t_max)
        for ours, theirs in zip(p.latent, net.weights, strict=True):
            close(ours, theirs, 4)
        if p.signs is not None and net.scale is not None:
            close(p.scale, np.array(net.scale), 1000)
            for signs, latent in zip(p.signs, p.latent, strict=True):
                np.testing.assert_array_equal(signs, sign(latent))
            before = case.parameters().signs or []
            changed = [(a != b).sum() for a, b in zip(before, p.signs, strict=True)]
            np.testing.assert_array_equal(report.flips, changed)


def check_run(case: Case, kernels: Kernels) -> None:
    """All images of a case in a row, in the dense form, nothing put right in between.

    After the first image the weights are no longer exact. So the thresholds are moved away from all
    sums that rounding could push over them; and of real weights, nothing is asked that hangs on
    which of two equal potentials is the larger.
    """
    generic = tuple(theta + 1 / np.pi / 10 for theta in case.thresholds)
    case = replace(case, thresholds=generic)
    p, report = run(case, kernels)
    if isinstance(report, str):
        return
    net, updates = case.dense(), 0
    for m, n in enumerate(case.order):
        if net.scale is not None:
            check_outcome(case, net, n, report.outcomes, m)
        heard, had_error = learn(net, case, n)
        updates += had_error
        assert report.outcomes.decision_time[m] == min(heard[-1])
    assert report.updates == updates
    for ours, theirs in zip(p.latent, net.weights, strict=True):
        close(ours, theirs, 1000)
    if net.scale is not None:
        np.testing.assert_allclose(p.scale, net.scale, rtol=1e-4)


def check_decisions(case: Case, module: ModuleType) -> None:
    """Who is first, and whom the authors' counter takes as right: against plain loops."""
    net, t_max = case.dense(), case.t_max
    for times in case.times:
        heard, potentials = net.forward(times, t_max)
        last, excess = heard[-1], potentials[-1] - net.limit(len(net.weights) - 1)
        decided = module.decide(
            last[None], potentials[-1][None], threshold=net.limit(len(net.weights) - 1), t_max=t_max
        )
        assert decided.tolist() == [dense.first_spike(last, excess)]
        for label in range(len(last)):
            counted = module.published_correct(
                last[None], potentials[-1][None], [label], t_max=t_max
            )
            right = dense.published_count(last, potentials[-1], label, t_max)
            assert counted.tolist() == [right]
