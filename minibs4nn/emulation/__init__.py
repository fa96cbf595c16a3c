"""A graphics card that is only imagined: the GPU's kernels on the CPU, for study and for tests.

The very text that a card would run is compiled by a C++ compiler, see ``cuda_on_cpu.h``, and the
very Python that would drive CuPy drives a stand-in for it. So whoever has no card can see the GPU
path compute, step by step and to the last bit; it is slow, and says nothing about speed.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from minibs4nn.emulation import stand_in
from minibs4nn.emulation.compiler import Compiled, compiler
from minibs4nn.kernels import gpu_probe
from minibs4nn.kernels.gpu import Device

__all__ = ["Compiled", "compiler", "emulated_device", "emulated_gpu"]


def emulated_device() -> Device:
    """The kernels of the GPU, with the functions of :class:`minibs4nn.kernels.Kernels`.

    Returns
    -------
    Device

    Raises
    ------
    BackendError
        If there is no C++ compiler here.

    Examples
    --------
    >>> import numpy as np
    >>> times = np.array([[2, 5, 5]], dtype=np.int16)
    >>> weights = np.array([[1, -1, 1], [1, 1, 1]], dtype=np.int8)
    >>> spikes, potential = emulated_device().layer_spike_times(
    ...     times, weights, np.array([0.0, 2.0]), t_max=8)
    >>> spikes.tolist(), potential.tolist()
    ([[3, 6]], [[1, 3]])
    """
    compiler()
    return Device(stand_in)


@contextmanager
def emulated_gpu() -> Iterator[None]:
    """Within this context, ``backend="cupy"`` runs on the imagined card.

    Raises
    ------
    BackendError
        If there is no C++ compiler here.

    Examples
    --------
    >>> import minibs4nn as bs
    >>> train, test = bs.datasets.bars(n=30, size=4, seed=0)
    >>> with emulated_gpu():
    ...     net = bs.BS4NN((16, 6, 8), threshold=6.0, backend="cupy")
    ...     _ = net.fit(train.images, train.labels, epochs=1, progress=False)
    ...     bs.backends()["cupy"].detail
    'emulated on the CPU, for study: slow'
    """
    compiler()
    before = gpu_probe._instead
    gpu_probe._instead = gpu_probe.Found(stand_in, "emulated on the CPU, for study: slow")
    try:
        yield
    finally:
        gpu_probe._instead = before
