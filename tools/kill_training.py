"""Kill a training run again and again while it writes checkpoints: nothing may be lost.

    python tools/kill_training.py                         100 kills
    python tools/kill_training.py --kills 10 --seed 3
    python tools/kill_training.py --record results/reliability/kill.json

A process trains a network and writes a checkpoint after every epoch. It is killed (SIGKILL) at a
random moment. Then the file must load, and the next process goes on from it, until the run is
through. At the end the network must have the bits of a run that nobody interrupted.
"""

import argparse
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

import minibs4nn as bs
from minibs4nn.files import write_json
from minibs4nn.reproduce import circumstances

KILLS = 100
EPOCHS = 100_000  # more than any process lives to see
# Goes on from the file where there is one; says so when the first checkpoint is written.
TRAIN = """
import sys
from pathlib import Path
import minibs4nn as bs

path = Path(sys.argv[1])
train, _ = bs.datasets.bars(n=40, seed=0)
net = bs.load(path) if path.exists() else bs.BS4NN((64, 8, 16), threshold=4.0, seed=5)
first = len(net.history_) + 1 if path.exists() else 1

def started(net, record):
    if record["epoch"] == first:
        print("started", flush=True)

net.fit(train.images, train.labels, epochs=int(sys.argv[2]), progress=False,
        callbacks=[bs.checkpoint(path), started])
"""


def train_and_kill(path: Path, moment: float) -> None:
    """Let a process train, and kill it so many seconds after its first checkpoint."""
    command = [sys.executable, "-W", "ignore", "-c", TRAIN, str(path), str(EPOCHS)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        if process.stdout.readline() != "started\n":
            raise RuntimeError(f"the training ended by itself, with exit status {process.wait()}")
        time.sleep(moment)
        process.kill()


def uninterrupted(epochs: int) -> bs.BS4NN:
    """Train the same network in one go."""
    train, _ = bs.datasets.bars(n=40, seed=0)
    net = bs.BS4NN((64, 8, 16), threshold=4.0, seed=5)
    return net.fit(train.images, train.labels, epochs=epochs, progress=False)


def kill(kills: int, seed: int, folder: Path) -> int:
    """Kill so often; return the epochs trained, or raise if anything was lost."""
    path = folder / "run.npz"
    moments = random.Random(seed)
    epochs = 0
    for number in range(1, kills + 1):
        train_and_kill(path, moments.uniform(0, 0.2))
        trained = len(bs.load(path).history_)
        if trained <= epochs:
            raise RuntimeError(f"kill {number}: {trained} epochs are left of {epochs}")
        epochs = trained
    found, expected = bs.load(path), uninterrupted(epochs)
    pairs = zip(found.latent_weights_, expected.latent_weights_, strict=True)
    if not all(np.array_equal(a, b) for a, b in pairs):
        raise RuntimeError(f"after {kills} kills the weights are not those of one run")
    left = sorted(file.name for file in folder.iterdir() if file != path)
    if len(left) > kills:
        raise RuntimeError(f"more files are left over than processes were killed: {left}")
    return epochs


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the result is the exit status."""
    parser = argparse.ArgumentParser(description="Kill a training run; look for what was lost.")
    parser.add_argument("--kills", type=int, default=KILLS)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--record", type=Path, help="write what came of it to this JSON file")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        epochs = kill(options.kills, options.seed, Path(folder))
    print(f"{options.kills} kills in {epochs:,} epochs: nothing lost, the bits of one run")
    if options.record:
        counts = {"seed": options.seed, "kills": options.kills, "epochs": epochs, "lost": 0}
        record = circumstances() | counts
        write_json(options.record, record)
    return 0


if __name__ == "__main__":
    sys.exit(main())
