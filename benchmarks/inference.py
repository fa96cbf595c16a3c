"""Images per second from packed bits, and what other forms of the same network take.

The network is a BS4NN 784-600-10 that has learned from MNIST for one epoch, or one from a file; the
images are MNIST's test set. Measured in one run, each the best of several rounds, in turns:

- *packed*: :meth:`minibs4nn.PackedBS4NN.predict`, one bit per synapse, from grey levels to classes,
  on all cores and on one;
- *unpacked*: :meth:`minibs4nn.BS4NN.predict`, one byte per synapse, on one core;
- *dense*: the equations as they stand, in NumPy, float32 and as many BLAS threads as there are
  cores: for every image a one-hot array of spikes (inputs x time steps), its cumulative sum over
  time, a matrix product with the signs, the first crossing; layer by layer;
- *int8 product*: for comparison, the matrix products alone that a network of this size takes
  without any time, in NumPy: signs in int8, images in whole numbers, sums in int32. It decides
  nothing about spikes;
- *float32 product*: the same with BLAS.

The first three must give the same classes, or nothing is printed.

    python benchmarks/inference.py                      # about a minute
    python benchmarks/inference.py --model net.bits
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from report import write

import minibs4nn as bs

Array = npt.NDArray[Any]


def dense_predict(times: Array, signs: list[Array], limits: list[Array], t_max: int) -> int:
    """The class of one image, from dense arrays."""
    for weights, limit in zip(signs, limits, strict=True):
        one_hot = np.zeros((times.size, t_max + 1), dtype=np.float32)
        one_hot[np.arange(times.size), times] = 1
        arrived = np.cumsum(one_hot[:, :t_max], axis=1)
        potential = weights @ arrived
        above = potential > limit[:, None]
        crossing = np.where(above.any(axis=1), above.argmax(axis=1), t_max - 1)
        times = crossing + 1
    excess = potential[np.arange(len(limit)), crossing] - limit
    return int(np.where(times == times.min(), excess, -np.inf).argmax())


def main() -> None:
    """Measure, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", type=Path, help="a BS4NN of 784 inputs, .npz or packed")
    parser.add_argument("--dense-images", type=int, default=200, help="per round")
    parser.add_argument("--product-images", type=int, default=500, help="per round, likewise")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path, help="a JSON file for the numbers")
    options = parser.parse_args()

    train, test = bs.datasets.mnist()
    if options.model is None:
        net = bs.BS4NN((784, 600, 10), seed=0)
        small = net.fit(train.images, train.labels, epochs=1, progress=False).pack()
    else:
        loaded = bs.load(options.model)
        small = loaded if isinstance(loaded, bs.PackedBS4NN) else loaded.pack()
    net = small.unpack()
    images, t_max = test.images, net.t_max
    flat, times = images.reshape(len(images), -1), bs.latency_code(images, t_max=t_max)
    floats = [w.astype(np.float32) for w in net.weights_]
    limits = net.parameters.forward_thresholds
    few, some = options.dense_images, options.product_images

    def product(dtype: type[np.generic]) -> Array:
        """Sums of the last layer, with what every layer hears reduced to signs."""
        heard: Array = flat[:some]
        for w in net.weights_:
            sums: Array = heard.astype(dtype) @ w.T.astype(dtype)
            heard = np.sign(sums)
        return sums

    forms: dict[str, tuple[int, int, Callable[[], Any]]] = {
        "packed": (len(images), 1, lambda: small.predict(images)),
        "packed, one core": (len(images), 1, lambda: small.predict(images, threads=1)),
        "unpacked, one core": (len(images), 8, lambda: net.predict(images)),
        "dense": (few, 32, lambda: [dense_predict(t, floats, limits, t_max) for t in times[:few]]),
        "int8 product": (some, 8, lambda: product(np.int32)),
        "float32 product": (some, 32, lambda: product(np.float32)),
    }
    best = dict.fromkeys(forms, np.inf)
    classes = {}
    for _ in range(options.rounds):
        for name, (n, _bits, run) in forms.items():
            start = time.perf_counter()
            classes[name] = run()
            best[name] = min(best[name], (time.perf_counter() - start) / n)
    for name in ("packed, one core", "unpacked, one core", "dense"):
        if not np.array_equal(classes[name], classes["packed"][: len(classes[name])]):
            raise SystemExit(f"packed and {name!r} disagree: the measurement is worth nothing")

    print(f"{'-'.join(map(str, net.layers))}, MNIST test set; times of one run on this machine")
    print(net.evaluate(images, test.labels))
    columns = ("", "images/s", "us per image", "times packed", "bytes of weights")
    print("{:18} {:>10} {:>12} {:>12} {:>16}".format(*columns))
    for name, (_n, bits, _run) in forms.items():
        n_bytes = small.nbytes if bits == 1 else sum(w.size for w in floats) * bits // 8
        print(
            f"{name:18} {1 / best[name]:10,.0f} {best[name] * 1e6:12.2f} "
            f"{best[name] / best['packed']:12.4g} {n_bytes:16,}"
        )
    rows = [
        {
            "form": name,
            "images_per_second": 1 / best[name],
            "microseconds": best[name] * 1e6,
            "times_packed": best[name] / best["packed"],
        }
        for name in forms
    ]
    write(options.out, vars(options), rows)


if __name__ == "__main__":
    main()
