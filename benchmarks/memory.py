"""How much memory training takes above its data: a BS4NN 784-600-10 on MNIST, in a fresh process.

Resident memory is read with everything imported and compiled, and with the 60,000 images and labels
loaded; then its peak, after training. What training takes above the data is the last less the
second: the sorted spikes of all images, the network, its copy for Ctrl-C, what is noted. It needs
Linux, which alone tells both.

    python benchmarks/memory.py                       # half a minute
"""

import argparse
import resource
from pathlib import Path

import numpy as np
from report import write

import minibs4nn as bs

LIMIT = 200.0  # megabytes above the data


def resident() -> float:
    """Resident memory of this process, in megabytes (10**6 bytes)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def peak() -> float:
    """The most that it has been so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


def main() -> None:
    """Measure, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--out", type=Path, help="a JSON file for the numbers")
    options = parser.parse_args()
    few = np.random.default_rng(0).integers(0, 256, (4, 784)).astype(np.uint8)
    bs.BS4NN((784, 600, 10)).fit(few, np.arange(4), epochs=1, progress=False)  # compiles

    sizes = {"imported and compiled": resident()}
    train, _ = bs.datasets.mnist()
    sizes["images loaded"] = resident()
    net = bs.BS4NN((784, 600, 10), seed=0)
    net.fit(train.images, train.labels, epochs=options.epochs, progress=False)
    sizes["peak of training"] = peak()
    above = sizes["peak of training"] - sizes["images loaded"]
    sizes["training above the data"] = above

    for what, size in sizes.items():
        print(f"{what:26} {size:8.1f} MB")
    print(f"{'ratio to the limit':26} {above / LIMIT:8.2f} of {LIMIT:.0f} MB")
    write(options.out, vars(options), [{"what": k, "megabytes": v} for k, v in sizes.items()])


if __name__ == "__main__":
    main()
