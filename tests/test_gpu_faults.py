"""Faults planted in the text of the GPU's kernels: the checks must find every one.

As ``test_planted_faults.py`` does for the CPU. Each fault is compiled for the emulated card, and
what ``test_gpu.py`` compares is compared. Two changes more are harmless, and the checks must pass.
"""

import os

import pytest
from gpu_checks import all_checks, emulated, needs_compiler

from minibs4nn.emulation import stand_in
from minibs4nn.kernels.cuda_source import TEXT
from minibs4nn.kernels.gpu import Device

pytestmark = needs_compiler

FAULTS = {
    "reaching the threshold is enough": ("if (v > limit && fired", "if (v >= limit && fired"),
    "a neuron fires again": ("v > limit && fired == t_max", "v > limit"),
    "no delay": ("fired = t + 1;", "fired = t;"),
    "no step without a spike": ("if (starts_late && v > limit)", "if (starts_late && v > 1e9)"),
    "a look at the sum within a time step": ("if (arrival[k + 1] == t)", "if (k + 1 == CHUNK)"),
    "the next spike is not fetched": ("k <= CHUNK;", "k < CHUNK;"),
    "the last spike has a follower": (
        "times[image * n_in + i] : (short)t_max",
        "times[image * n_in + i] : (short)0",
    ),
    "the next spikes are fetched too early": (
        "if (!__syncthreads_or(is_neuron && fired == t_max))\n            break;",
        "",
    ),
    "one that has fired ends the block": (
        "__syncthreads_or(is_neuron && fired == t_max)",
        "__syncthreads_or(is_neuron && fired != t_max)",
    ),
    "the potential goes on after the spike": ("fired < t_max ? v_at_spike : v", "v"),
    "the last potential for the late one": ("if (t <= t_max - 3)", "if (t <= t_max - 1)"),
    "thresholds are cut towards zero": (
        "floor(threshold[j] / scale[0])",
        "threshold[j] / scale[0]",
    ),
    "limits cut one too low": ("(double)n_in);  //", "n_in - 1.0);  //"),
    "bits from the other end": ("place % 32 & 1", "(31 - place % 32) & 1"),
    "simultaneous spikes in another order": ("&& k < i)", "&& k > i)"),
    "the last step is not heard": ("spikes += t[k] < t_max", "spikes += t[k] < t_max - 1"),
    "gamma off by one": ("else if (t[j] - first < gamma)", "else if (t[j] - first < gamma - 1)"),
    "the gap is not cut off at the end": (
        "target = min(first + gamma, t_max)",
        "target = first + gamma",
    ),
    "silence teaches in any case": ("teach_silent && j == label", "j == label"),
    "the error is not a share": (
        "(double)(target - t[j]) / t_max",
        "(double)((target - t[j]) / t_max)",
    ),
    "the last wrong image is taken": ("atomicMin(&first_wrong, b)", "atomicExch(&first_wrong, b)"),
    "what was not seen is skipped": ("together || !learns ? n : first_wrong + 1", "n"),
    "it learns from simultaneous spikes": (
        "if (times_in[image * n_in + i] < times",
        "if (times_in[image * n_in + i] <= times",
    ),
    "it learns from another image": (
        "row = began + b, image = which[row];",
        "row = began + b, image = row;",
    ),
    "the sign of zero is -1": ("!(w < 0));  //", "w > 0);  //"),
    "the weight behind the last one is moved": (
        "is_weight = place < (unsigned)n_in * n_out",
        "is_weight = place <= (unsigned)n_in * n_out",
    ),
    "flips of a word count once": (
        "(unsigned long long)__popc(word ^ signs[place / 32])",
        "(unsigned long long)(word != signs[place / 32])",
    ),
    "the scale moves by the sum": ("(total / (to - from))", "total"),
    "the scale may fall below zero": ("if (!(scale[0] > 0))", "if (scale[0] != scale[0])"),
    "the slope is a sum over synapses": (
        "return total / ((double)n_out * n_in);",
        "return total / n_out;",
    ),
    "deltas from simultaneous spikes": ("n_out + h] < t_after[k]", "n_out + h] <= t_after[k]"),
    "a length before all deltas are there": (
        "        d[h] = total;\n    }\n    __syncthreads();",
        "        d[h] = total;\n    }",
    ),
    "deltas are divided before the length is there": (
        "length = length_of(d, n_out);\n    __syncthreads();",
        "length = length_of(d, n_out);",
    ),
    "sums from the other end": (
        "for (int j = 0; j < n; ++j)\n        total +=",
        "for (int j = n - 1; j >= 0; --j)\n        total +=",
    ),
    "deltas are not normalised": ("            d[h] /= length;", "            d[h] *= 1;"),
    "weight decay flips signs": ("old < 0 && w == 0 ? -SMALLEST : w", "w"),
    "decay in single precision": ("(Number)(old * shrink)", "(Number)(old * (float)shrink)"),
}

HARMLESS = {
    "nobody leaves early": (
        "            break;  // all have fired",
        "            ;  // all have fired",
    ),
    "only what moves is written": (
        "        latent[place] = w;\n    }\n#ifdef",
        "        if (move != 0)\n            latent[place] = w;\n    }\n#ifdef",
    ),
}


# Each takes a second or two, so every other one will do; continuous integration tries them all.
ALL = "CI" in os.environ or "MINIBS4NN_ALL_FAULTS" in os.environ
TRIED = list(FAULTS)[:: 1 if ALL else 2]


def with_fault(old: str, new: str) -> Device:
    """The kernels with a few characters changed."""
    assert TEXT.count(old) == 1, f"kernels.cu must contain {old!r} exactly once"
    return Device(stand_in, text=TEXT.replace(old, new))


def test_the_checks_pass_without_a_fault() -> None:
    all_checks(emulated())


@pytest.mark.parametrize("name", TRIED)
def test_a_planted_fault_is_found(name: str) -> None:
    device = with_fault(*FAULTS[name])
    with pytest.raises((AssertionError, RuntimeError, ValueError)):
        all_checks(device)


@pytest.mark.parametrize("name", HARMLESS)
def test_what_changes_nothing_passes(name: str) -> None:
    all_checks(with_fault(*HARMLESS[name]))
