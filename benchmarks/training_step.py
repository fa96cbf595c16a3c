"""How much faster is the library than the dense form? One training step per image, BS4NN on MNIST.

The dense form is what one writes down first, and what published code of this kind does: for every
image a one-hot array of spikes (inputs x time steps), its cumulative sum over time, and a matrix
product with the weights, which gives the potential of every neuron at every step. It is written
here from the equations, in NumPy, with float64 (or --dtype) and as many BLAS threads as there are
cores. The library runs on one core. Both start from the same weights, see the same images in the
same order, and must end with the same signs. The library is timed on a whole epoch, the dense form,
whose images all take equally long, on the first of them.

    python benchmarks/training_step.py                # 784-600-10, some two minutes
    python benchmarks/training_step.py --help
"""

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from report import write

import minibs4nn as bs
from minibs4nn.kernels import Parameters, get_kernels
from minibs4nn.training import generator

T_MAX = 256
Floats = npt.NDArray[np.floating[Any]]
Times = npt.NDArray[np.int64]


class DenseBS4NN:
    """The published algorithm on dense arrays, one image at a time."""

    def __init__(
        self, parameters: Parameters, rule: bs.RelativeTarget, dtype: str, skip: bool
    ) -> None:
        self.skip = skip
        self.latent = [w.copy() for w in parameters.latent]
        self.dtype = np.dtype(dtype)
        self.signs = [np.where(w < 0, -1, 1).astype(dtype) for w in self.latent]
        self.thresholds = [theta.copy() for theta in parameters.thresholds]
        self.scale = parameters.scale.copy()
        self.rule = rule

    def layer(self, layer: int, times: Times) -> tuple[Times, Floats]:
        """Firing times and the potential at every step, (n_out, t_max)."""
        one_hot = np.zeros((times.size, T_MAX + 1), dtype=self.dtype)
        one_hot[np.arange(times.size), times] = 1
        arrived = np.cumsum(one_hot[:, :T_MAX], axis=1)
        potential = self.signs[layer] @ arrived
        above = potential > np.floor(self.thresholds[layer] / self.scale[layer])[:, None]
        first = np.where(above.any(axis=1), above.argmax(axis=1), T_MAX - 1)
        return first + 1, potential

    def train(self, times: Times, label: int) -> None:
        """One step: forward, targets, backward, update."""
        heard, sums = [times], []
        for layer in range(len(self.latent)):
            spikes, potential = self.layer(layer, heard[-1])
            heard.append(spikes)
            sums.append(potential[np.arange(spikes.size), spikes - 1])
        out, first = heard[-1], heard[-1].min()
        target = np.where(out - first < self.rule.gamma, first + self.rule.gamma, out)
        target[label] = first
        target = np.minimum(target, T_MAX) if first < T_MAX else np.full_like(out, T_MAX)
        delta = (target - out) / T_MAX
        if self.skip and not delta.any():
            return
        for layer in reversed(range(len(self.latent))):
            length = np.sqrt((delta**2).sum())
            delta = delta / length if length > 0 else delta
            earlier = heard[layer][None, :] < heard[layer + 1][:, None]
            self.latent[layer] -= self.rule.learning_rate * delta[:, None] * earlier
            slope = (delta * sums[layer]).sum() / self.latent[layer].size
            self.scale[layer] -= self.rule.scale_learning_rate * slope
            self.signs[layer] = np.where(self.latent[layer] < 0, -1, 1).astype(self.dtype)
            delta = (delta[:, None] * self.latent[layer] * earlier).sum(axis=0)


def main() -> None:
    """Measure, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--hidden", type=int, default=600)
    parser.add_argument("--dense-images", type=int, default=100, help="per round")
    parser.add_argument("--dtype", choices=("float64", "float32"), default="float64")
    parser.add_argument(
        "--skip", action="store_true", help="the dense form skips images without error too"
    )
    parser.add_argument("--images", type=int, default=60_000, help="of the library, per round")
    parser.add_argument("--after", type=int, nargs="*", default=[0, 1, 5], help="epochs before")
    parser.add_argument("--out", type=Path, help="a JSON file for the numbers")
    options = parser.parse_args()

    train, _ = bs.datasets.mnist()
    times = bs.latency_code(train.images)
    rule = bs.BS4NN_PUBLISHED
    kernels = get_kernels("numba")
    prepared = kernels.prepare(times, t_max=T_MAX)
    net = bs.BS4NN((784, options.hidden, 10), seed=0, backend="numba")
    net.fit(train.images[:1], train.labels[:1], epochs=1, progress=False)  # compiles the kernels
    net = bs.BS4NN((784, options.hidden, 10), seed=0, backend="numba")

    rows: list[dict[str, Any]] = []
    print(f"784-{options.hidden}-10, one training step per image; times of one run on this machine")
    columns = ("epochs before", "dense", "library", "ratio", "images with an error")
    print("{:>13} {:>10} {:>10} {:>6} {:>21}".format(*columns))
    for epochs in sorted(options.after):
        net.fit(train.images, train.labels, epochs=epochs, rule=rule, progress=False)
        order = generator(1, "epoch", epochs).choice(len(times), size=options.images)

        some = order[: options.dense_images]

        # The best of three rounds each, in turns: what else the machine does only ever adds time.
        dense_times, library_times = [], []
        for _ in range(3):
            dense = DenseBS4NN(net.parameters, rule, options.dtype, options.skip)
            start = time.perf_counter()
            for n in some:
                dense.train(times[n].astype(np.int64), int(train.labels[n]))
            dense_times.append((time.perf_counter() - start) / len(some))

            whole = net.parameters.copy()
            start = time.perf_counter()
            report = kernels.train_online(
                prepared, train.labels, order, whole, rule, t_max=T_MAX, count_fired=False
            )
            library_times.append((time.perf_counter() - start) / len(order))
        dense_time, library_time = min(dense_times), min(library_times)

        few = net.parameters.copy()
        kernels.train_online(
            prepared, train.labels, some, few, rule, t_max=T_MAX, count_fired=False
        )
        for ours, theirs in zip(few.weights, dense.signs, strict=True):
            if not np.array_equal(ours, theirs):
                raise SystemExit("the two disagree: the measurement is worth nothing")

        print(
            f"{epochs:13} {dense_time * 1e3:7.2f} ms {library_time * 1e6:7.1f} us "
            f"{dense_time / library_time:6.0f} {report.updates / options.images:21.1%}"
        )
        rows.append(
            {
                "epochs before": epochs,
                "dense_ms": dense_time * 1e3,
                "library_us": library_time * 1e6,
                "ratio": dense_time / library_time,
                "images_with_an_error": report.updates / options.images,
            }
        )
    write(options.out, vars(options), rows)


if __name__ == "__main__":
    main()
