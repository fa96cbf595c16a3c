"""Networks and images for the tests of packing: many ties, much silence, odd sizes."""

import functools
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st

import minibs4nn as bs

Array = npt.NDArray[Any]

SIZES = st.one_of(st.integers(1, 12), st.sampled_from([1, 7, 63, 64, 65, 128, 150]))
WINDOWS = st.sampled_from([1, 2, 3, 16, 255, 256, 1000])
LIMITS = st.sampled_from(["shared", "of each neuron", "beyond reach", "far beyond reach"])


@functools.cache
def trained() -> bs.BS4NN:
    """A 784-600-10 that has learned a little: it ties often, and is silent now and then."""
    train, _ = bs.datasets.mnist()
    net = bs.BS4NN((784, 600, 10), scale=3.0, seed=1)
    return net.fit(train.images[:3000], train.labels[:3000], epochs=1, progress=False)


def random_network(
    layers: tuple[int, ...], limits: str, seed: int, *, p_plus: float = 0.5, t_max: int = 256
) -> bs.BS4NN:
    """A network with signs at random, and thresholds of whole signs."""
    rng = np.random.default_rng(seed)
    weights, thresholds = [], []
    for n_in, n_out in pairwise(layers):
        weights.append(np.where(rng.random((n_out, n_in)) < p_plus, 1.0, -1.0))
        reach = max(1, int(np.sqrt(n_in)))
        least = rng.choice([-2, 0, 0])  # below 0, a neuron may fire without any spike
        theta = {
            "shared": np.full(n_out, rng.integers(least, reach + 1)),
            "of each neuron": rng.integers(least, reach + 1, n_out),
            "beyond reach": rng.integers(-2 * n_in - 2, 2 * n_in + 3, n_out),
            "far beyond reach": rng.choice([-(2**30) + 1, -70_000, -1, 0, 70_000, 2**29], n_out),
        }[limits]
        thresholds.append(theta.astype(np.float64))
    return bs.BS4NN.from_weights(weights, scale=1.0, threshold=thresholds, t_max=t_max)


def random_images(n: int, n_in: int, seed: int) -> Array:
    """Images of a few grey levels, so that many pixels fire together; the first is black."""
    rng = np.random.default_rng(seed)
    images = rng.choice([0, 0, 1, 40, 200, 254, 255], (n, n_in)).astype(np.uint8)
    images[0] = 0
    return images


@st.composite
def networks(draw: st.DrawFn) -> tuple[bs.BS4NN, Array]:
    """A network with 1 to 3 layers of weights, and images for it."""
    layers = tuple(draw(SIZES) for _ in range(draw(st.integers(2, 4))))
    seed = draw(st.integers(0, 2**32 - 1))
    net = random_network(
        layers, draw(LIMITS), seed, p_plus=draw(st.sampled_from([0.0, 0.5, 0.7, 1.0])),
        t_max=draw(WINDOWS),
    )  # fmt: skip
    return net, random_images(draw(st.integers(1, 12)), layers[0], seed)
