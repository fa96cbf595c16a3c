"""The same seed gives the same bits: in every process, with any threads, on both kernels."""

import os
import subprocess
import sys

# Trains small networks; prints what each is, how many spikes there are, since silence is not
# agreement, and a hash of every bit that it holds and of its spike times and answers.
PROGRAM = """
import hashlib, sys
import numpy as np
import minibs4nn as bs

train, test = bs.datasets.mnist()
images, labels = train.images[:60], train.labels[:60]
for kind in (bs.S4NN, bs.BS4NN):
    for rule in ({}, {"rule": bs.DecisionPotential(shift=1, dropout=0.1)}):
        net = kind((784, 30, 10), seed=int(sys.argv[2]), backend=sys.argv[1])
        net.fit(images, labels, epochs=2, progress=False, **rule)
        times = net.spike_times(test.images[:20])
        digest = hashlib.sha256()
        for array in (*net.weights_, *net.thresholds_, *times, net.predict(test.images[:20])):
            digest.update(np.ascontiguousarray(array).tobytes())
        spikes = [int((layer < net.t_max).sum()) for layer in times]
        print(kind.__name__, *rule, *spikes, digest.hexdigest())
"""


def trained(backend: str, threads: int, seed: int = 11) -> list[list[str]]:
    """Train in a process of its own; return the words of each line that it prints."""
    names = ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    environment = os.environ | dict.fromkeys(names, str(threads)) | {"PYTHONHASHSEED": "random"}
    command = [sys.executable, "-W", "ignore", "-c", PROGRAM, backend, str(seed)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return [line.split() for line in done.stdout.splitlines()]


def test_the_same_seed_gives_the_same_bits() -> None:
    runs = {
        (backend, threads): trained(backend, threads)
        for backend in ("numpy", "numba")
        for threads in (1, 2)
    }
    first = runs["numpy", 1]
    assert len(first) == 4
    assert all(run == first for run in runs.values()), runs
    assert all(int(hidden) > 0 for *_, hidden, _, _ in first)
    assert any(0 < int(hidden) < 20 * 30 for *_, hidden, _, _ in first)
    assert any(0 < int(outputs) < 20 * 10 for *_, outputs, _ in first)
    hashes = {line[-1] for line in first}
    assert len(hashes) == 4
    assert not hashes & {line[-1] for line in trained("numba", 2, seed=12)}
