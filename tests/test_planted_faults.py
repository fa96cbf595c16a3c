"""Faults planted in the library's own source: the checks of equality must find every one.

A module is run once more with a few characters changed, and the kernels are put together with it.
Then the very checks that ``test_equality.py`` relies on are made, on cases that are the same in
every run. So a check that can no longer fail would be noticed here.
"""

import inspect
from dataclasses import replace
from types import ModuleType
from typing import TypeAlias, cast

import pytest
from agreement import (
    EDGES,
    NUMBA,
    ROUNDED,
    check_decisions,
    check_epoch,
    check_forward,
    check_run,
    check_step,
    random_case,
)

from minibs4nn import backward, binary, evaluation, forward, targets
from minibs4nn.kernels import Kernels, cpu, lanes, reference

Change: TypeAlias = tuple[str, str]  # the text of the source, and what to put in its place


# The source of the compiled kernels runs without Numba too, once floats have the types of Numba.
AS_PLAIN_PYTHON: list[Change] = [
    ("_jit = jit\n", "_jit = lambda function: function\n"),
    ("shrink *= keep", "shrink = np.float64(shrink * keep)"),
]


def broken(module: ModuleType, *changes: Change) -> ModuleType:
    """Run a module's source once more with some of its text replaced."""
    source = inspect.getsource(module)
    for old, new in changes:
        assert source.count(old) == 1, f"{module.__name__} must contain {old!r} exactly once"
        source = source.replace(old, new)
    copy = ModuleType(f"broken {module.__name__}")
    exec(compile(source, copy.__name__, "exec"), vars(copy))
    return copy


def kernels_with(module: ModuleType, *changes: Change) -> Kernels:
    """The kernels with a fault in one of the modules that they are composed of."""
    if module is cpu:
        return cast(Kernels, broken(cpu, *AS_PLAIN_PYTHON, *changes))
    if module is reference:
        return cast(Kernels, broken(reference, *changes))
    kernels = broken(cpu, *AS_PLAIN_PYTHON) if module is lanes else broken(reference)
    faulty = broken(module, *changes)
    for name in faulty.__all__:
        if hasattr(kernels, name):
            setattr(kernels, name, getattr(faulty, name))
    return cast(Kernels, kernels)


BATTERY = sorted([*EDGES.values(), *map(random_case, range(24))], key=lambda case: case.order.size)


def all_checks(kernels: Kernels, fast: Kernels, deciding: ModuleType) -> None:
    """Everything that is checked in ``test_equality.py``, on one case after the other."""
    check_forward(ROUNDED, kernels, fast, exact=False)
    check_epoch(ROUNDED, kernels, fast)
    for case in BATTERY:
        few = replace(case, times=case.times[:6], order=case.order[:25])
        check_decisions(few, deciding)
        check_step(few, kernels)
        check_forward(few, kernels, fast, exact=True)
        check_epoch(case, kernels, fast)
        check_run(replace(few, times=case.times), kernels)


@pytest.mark.parametrize("module", [reference, cpu])
def test_the_checks_pass_without_a_fault(module: ModuleType) -> None:
    all_checks(kernels_with(module), NUMBA, broken(forward))


FAULTS: dict[str, tuple[ModuleType, *tuple[Change, ...]]] = {
    "reaching the threshold is enough": (forward, ("(v > threshold)", "(v >= threshold)")),
    "no delay": (forward, ("= t + 1", "= t")),
    "a neuron fires again": (forward, (" & (spike_times == t_max)", "")),
    "silent inputs are heard": (forward, ("arrival[arrival < t_max]", "arrival")),
    "a crossing in the last step counts": (forward, ("= t + 1", "= min(t + 1, t_max - 1)")),
    "no step without a spike": (
        forward,
        ("np.append(arrival[arrival < t_max], 0)", "arrival[arrival < t_max]"),
    ),
    "the potential goes on after the spike": (
        forward,
        ("v_at_spike[fires] = v[fires]", "v_at_spike = v"),
    ),
    "ties by index": (forward, ('"first-spike": by_potential', '"first-spike": by_index')),
    "the counter never looks at silence": (
        forward,
        ("np.where(first == t_max,", "np.where(first > t_max,"),
    ),
    "the last potential for the late one": (
        reference,
        ("p.weights[-1], t_max - 3", "p.weights[-1], t_max - 1"),
    ),
    "gamma off by one": (targets, ("np.minimum(first + gamma,", "np.minimum(first + gamma - 1,")),
    "the label is not asked to be first": (
        targets,
        ("np.where(is_label, first, pushed)", "pushed"),
    ),
    "the gap is not cut off at the end": (
        targets,
        ("np.minimum(first + gamma, t_max)", "first + gamma"),
    ),
    "silence teaches the other way round": (
        targets,
        ('all_silent == "teach"', 'all_silent != "teach"'),
    ),
    "the label's target when all are silent": (targets, ("t_max - gamma if", "t_max - 1 if")),
    "the error has the wrong sign": (targets, ("(wanted - times)", "(times - wanted)")),
    "the error is not a share": (targets, ("(wanted - times) / t_max", "(wanted - times) / 256")),
    "normalisation skipped": (targets, ("return np.divide(d, length,", "return np.divide(d, 1.0,")),
    "normalised by the sum": (targets, ("np.sqrt(np.cumsum(d * d", "(np.cumsum(abs(d)")),
    "simultaneous spikes count as heard": (backward, ("t_in < t_out", "t_in <= t_out")),
    "back through the signs": (backward, ("delta_k * w[k]", "delta_k * np.sign(w[k])")),
    "silent neurons learn": (
        backward,
        ("np.where(was_heard[k], delta_k * w[k], 0.0)", "delta_k * w[k]"),
    ),
    "uphill": (backward, ("weights -= np.where", "weights += np.where")),
    "sign(0) = -1": (binary, ("latent < 0", "latent <= 0")),
    "the sum in place of the mean": (binary, ("total / (d.size * n_in)", "total")),
    "the mean over the neurons alone": (binary, ("(d.size * n_in)", "d.size")),
    "back-propagation before the update": (
        reference,
        (
            "latent, inputs, outputs = p.latent",
            "old = p.latent[layer].copy(); latent, inputs, outputs = p.latent",
        ),
        ("backpropagate(delta, latent, inputs", "backpropagate(delta, old, inputs"),
    ),
    "weight decay flips signs": (
        backward,
        ("weights[negative & (weights == 0)] = -np.finfo(weights.dtype).tiny", "pass"),
    ),
    "no weight decay": (
        reference,
        ("weight decay\n        shrink *= keep", "weight decay\n        shrink *= 1.0"),
    ),
    "the learning rate decays too": (
        reference,
        ("=rule.learning_rate / shrink", "=rule.learning_rate"),
    ),
    "the threshold is not in the unit of the weights": (reference, ("theta / shrink", "theta")),
    "a tie is broken in another unit": (
        reference,
        ("threshold=thresholds[-1]", "threshold=p.forward_thresholds[-1]"),
    ),
    "silence is a tie": (evaluation, (" & (first < t_max)", "")),
    "the tie rule forgets the thresholds": (evaluation, ("threshold=threshold", "threshold=0.0")),
    "the counter looks at the potential at the spike": (
        evaluation,
        (
            "published_correct(spike_times, late_potential",
            "published_correct(spike_times, potential",
        ),
    ),
    "signs stay as they were": (
        reference,
        ("p.signs[layer][:] = new_signs", "pass"),
    ),
    "the scale grows": (
        reference,
        (
            "p.scale[layer] -= rule.scale_learning_rate * slope",
            "p.scale[layer] += rule.scale_learning_rate * slope",
        ),
    ),
    "images without an error count as updates": (reference, ("if delta.any():", "if True:")),
    "silence counts as firing": (
        reference,
        (
            "strict=count_fired):\n            count += spikes < t_max",
            "strict=count_fired):\n            count += spikes <= t_max",
        ),
    ),
    "compiled: reaching is enough": (cpu, ("now > threshold[j]", "now >= threshold[j]")),
    "compiled: inputs of one time in another order": (
        cpu,
        (
            "for t in range(2 * t_max):",
            "for t in [step ^ 1 for step in range(2 * t_max)]:",
        ),
    ),
    "compiled: simultaneous spikes are learned from": (
        cpu,
        ("t < spike_times[j] else", "t <= spike_times[j] else"),
    ),
    "compiled: the last layer learns from simultaneous spikes": (
        cpu,
        ("times_in[i] < end", "times_in[i] <= end"),
    ),
    "compiled: simultaneous spikes are passed through": (
        cpu,
        ("row[h] if times_in[h] < end", "row[h] if times_in[h] <= end"),
    ),
    "compiled: simultaneous spikes are passed through a hidden layer": (
        cpu,
        ("+ k] if times_in[h] < end", "+ k] if times_in[h] <= end"),
    ),
    "compiled: an early end of the update": (cpu, ("when[p] < last", "when[p] + 1 < last")),
    "compiled: a flip is forgotten": (
        cpu,
        ("signs[(origin + row + j) // LANES] ^= flipped", "pass"),
    ),
    "compiled: a flip of the last layer is forgotten": (
        cpu,
        ("bits[origin + i // LANES * width + k] ^= flipped", "pass"),
    ),
    "compiled: the last layer of an S4NN hears its first weights": (
        cpu,
        ("weights[origin + i * lanes + k] = latent[row + i]", "pass"),
    ),
    "compiled: decay not multiplied out": (cpu, (" or m == images.size - 1", "")),
    "compiled: limits kept after a change of scale": (
        cpu,
        (
            "_limit(threshold[these], scale[layer], n_in, True, limit[these])",
            "pass",
        ),
    ),
    "compiled: stops before all near spikes are known": (cpu, ("<= t + 1", "<= t + 2")),
    "compiled: stops before the label fires": (
        cpu,
        (" and spike_times[out + label] < t_max", ""),
    ),
    "compiled: spikes are heard twice": (
        cpu,
        ("new[j // LANES] = fired", "new[j // LANES] |= fired"),
    ),
    "compiled: spikes are heard in the step in which they cross": (
        cpu,
        ("for layer in range(last, -1, -1)", "for layer in range(last + 1)"),
    ),
    "compiled: no step without a spike": (cpu, ("moved = t == 0", "moved = False")),
    "compiled: a silent output keeps an old potential": (cpu, ("potential[j] = v[j]", "pass")),
    "compiled: the first of equals is not kept": (cpu, ("excess > most", "excess >= most")),
    "compiled: silence is a tie": (cpu, ("n_first > 1 and first < t_max", "n_first > 1")),
    "compiled: the counter takes the last of equals": (
        cpu,
        ("late[j] > late[best_late]", "late[j] >= late[best_late]"),
    ),
    "compiled: the last potential for the late one": (
        cpu,
        ("t > t_max - 3", "t > t_max - 1"),
    ),
    "compiled: an image goes on where the one before ended": (
        cpu,
        ("v[:] = 0\n    spike_times[:] = t_max", "spike_times[:] = t_max"),
    ),
    "64 at once: reaching is enough": (lanes, ("v[these] > limit", "v[these] >= limit")),
    "64 at once: a neuron fires again": (lanes, (" & (spike_times[these] == silent)", "")),
    "64 at once: a bit counts once": (lanes, ("2 * int(", "int(")),
    "64 at once: 0 is negative": (
        lanes,
        ("before = latent[these] < 0", "before = latent[these] <= 0"),
    ),
    "64 at once: a spike is lost": (lanes, ("in rows:", "in rows[:1]:")),
    "compiled: limits cut one too low": (cpu, ("-n_in - 1.0), n_in)", "-n_in - 1.0), n_in - 1)")),
}


# Two of them change nothing but the rounding: deltas are normalised, and sums have no order. The
# third is about a tie of weights that have decayed, which the dense form knows only rounded, and
# the last about weights that have decayed to nothing, after more images than it is given.
NOT_SEEN_IN_THE_DENSE_FORM = {
    "the error is not a share",
    "compiled: inputs of one time in another order",
    "a tie is broken in another unit",
    "weight decay flips signs",
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_found(name: str) -> None:
    module, *changes = FAULTS[name]
    kernels = kernels_with(module, *changes)
    deciding = broken(forward, *changes) if module is forward else forward
    with pytest.raises((AssertionError, ValueError, IndexError)):
        all_checks(kernels, NUMBA, deciding)


@pytest.mark.parametrize("name", sorted(FAULTS.keys() - NOT_SEEN_IN_THE_DENSE_FORM))
def test_a_fault_of_both_backends_is_found_by_the_dense_form(name: str) -> None:
    """The kernels are compared with themselves, so only the dense form can tell."""
    module, *changes = FAULTS[name]
    kernels = kernels_with(module, *changes)
    deciding = broken(forward, *changes) if module is forward else forward
    with pytest.raises((AssertionError, ValueError, IndexError)):
        all_checks(kernels, kernels, deciding)
