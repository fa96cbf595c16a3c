"""Chapter 07: weights of one bit.

A binarized layer has two sets of weights. The *latent* weights are real; learning moves them. The
network runs on their signs, +1 and -1, times one *scale* per layer. When learning pushes a latent
weight through zero, its sign flips.
"""

import operator

import numpy as np
import numpy.typing as npt

from minibs4nn._checks import (
    FloatArray,
    check_array,
    check_finite,
    check_number,
    check_real,
    is_whole,
)

__all__ = [
    "as_latent",
    "flips",
    "pack_bits",
    "scale_gradient",
    "sign",
    "sign_threshold",
    "unpack_bits",
]

Signs = npt.NDArray[np.int8]


def sign(latent_weights: npt.ArrayLike) -> Signs:
    """The weights that the network runs on: +1 where the latent weight is 0 or more, else -1.

    One bit has no room for a zero, so ``sign(0) = +1``.

    Parameters
    ----------
    latent_weights : float array, any shape

    Returns
    -------
    int8 array of +1 and -1, in the same memory order

    Raises
    ------
    TypeError, ValueError
        If a weight is not a finite number.

    References
    ----------
    Kheradpisheh, Mirsadeghi & Masquelier 2022, binarization; sign(0) is this library's choice.

    Examples
    --------
    >>> sign([0.3, 0.0, -0.0, -2.0]).tolist()
    [1, 1, 1, -1]
    """
    latent = _check_latent("sign", latent_weights)
    ones = np.ones_like(latent, dtype=np.int8)
    ones[latent < 0] = -1
    return ones


def as_latent(weights: npt.ArrayLike) -> npt.NDArray[np.float32]:
    """Real weights in the single precision of latent weights, each on its side of zero.

    Latent weights only collect many small steps until they cross zero: single precision is enough,
    and half the memory is twice the speed. A negative weight too small for it stays negative, one
    too large for it becomes the largest there is.

    Parameters
    ----------
    weights : float array, any shape

    Returns
    -------
    float32 array, in the same memory order, with the same :func:`sign`

    Raises
    ------
    TypeError, ValueError
        If a weight is not a finite number.

    Examples
    --------
    >>> sign(as_latent([0.1, -1e-300, 1e300])).tolist()
    [1, -1, 1]
    """
    given = _check_latent("as_latent", weights)
    single = np.finfo(np.float32)
    latent = np.asarray(np.clip(given, -single.max, single.max), dtype=np.float32, order="K")
    latent[(given < 0) & (latent == 0)] = -single.tiny
    return latent


def _check_latent(where: str, weights: npt.ArrayLike) -> FloatArray:
    if check_array(where, "latent weights", weights).dtype == bool:
        raise TypeError(f"{where}: latent weights must be numbers; True and False have no sign")
    return check_finite(where, "latent weights", weights)


def sign_threshold(threshold: npt.ArrayLike, scale: float) -> FloatArray:
    """The threshold for a sum of signs: ``floor(theta / alpha)``.

    ``alpha * sum > theta`` is ``sum > theta / alpha``; and since the sum is a whole number, that is
    ``sum > floor(theta / alpha)``. The forward pass needs no multiplication at all.

    Parameters
    ----------
    threshold : float, or array of shape (n_out,)
        The threshold theta of the scaled potential.
    scale : float
        The scale alpha of the layer, positive.

    Returns
    -------
    float64 array, shape of ``threshold``, of whole numbers

    Raises
    ------
    TypeError, ValueError
        If the scale is not positive, or something is not a number.

    Examples
    --------
    >>> sign_threshold(100.0, 4.03707844).tolist()
    24.0
    """
    alpha = check_number("sign_threshold", "scale", scale)
    if not 0 < alpha < np.inf:
        raise ValueError(f"sign_threshold: scale must be a positive number, got {scale!r}")
    theta = check_real("sign_threshold", "threshold", threshold)
    if np.isnan(theta).any():
        raise ValueError("sign_threshold: threshold must be a number, or infinity; found NaN")
    return np.floor(theta / alpha)


def scale_gradient(delta: npt.ArrayLike, potential: npt.ArrayLike, n_in: int) -> float:
    """How the scale of a layer should change: the mean over its synapses.

    The mean of ``delta_j * [t_i < t_j] * sign(w_ji)`` over all i and j. The sum over i is the
    potential on which neuron j fired, which the forward pass has already computed. The chain rule
    gives the sum; the published code takes the mean.

    Parameters
    ----------
    delta : float array, shape (n_out,)
    potential : int array, shape (n_out,)
        Sums of signs, as :func:`minibs4nn.layer_spike_times` returns them.
    n_in : int
        Number of inputs of the layer.

    Returns
    -------
    float

    Raises
    ------
    TypeError, ValueError
        If there is not one delta and one potential per neuron, or something is not a number.

    References
    ----------
    Kheradpisheh, Mirsadeghi & Masquelier 2022, learning the scale.

    Examples
    --------
    >>> scale_gradient([0.5, -1.0], [4, 1], n_in=2)
    0.25
    """
    where = "scale_gradient"
    d, v = check_finite(where, "delta", delta), check_finite(where, "potential", potential)
    if d.ndim != 1 or d.size == 0 or v.shape != d.shape:
        raise ValueError(
            f"{where}: delta and potential must both have shape (n_out,), got {d.shape} and "
            f"{v.shape}"
        )
    if not is_whole(n_in) or n_in < 1:
        raise ValueError(f"{where}: n_in must be a whole number, 1 or more, got {n_in!r}")
    total = float(np.cumsum(d * v)[-1])  # from the left, as in the kernels
    return total / (d.size * n_in)


def flips(before: npt.ArrayLike, after: npt.ArrayLike) -> int:
    """How many signs differ between two sets of binary weights of the same shape.

    Raises
    ------
    ValueError
        If the shapes differ, or there is anything but +1 and -1.

    Examples
    --------
    >>> flips([1, -1, 1], [1, 1, -1])
    2
    """
    old, new = check_array("flips", "before", before), check_array("flips", "after", after)
    if old.shape != new.shape:
        raise ValueError(
            f"flips: before and after must have the same shape, got {old.shape} and {new.shape}"
        )
    if not (np.isin(old, (-1, 1)).all() and np.isin(new, (-1, 1)).all()):
        raise ValueError("flips: before and after must be +1 and -1; of latent weights take sign()")
    return int(np.count_nonzero(old != new))


def pack_bits(signs: npt.ArrayLike) -> npt.NDArray[np.uint8]:
    """Pack signs into bits, eight to a byte: bit 1 for +1, bit 0 for -1, lowest bit first.

    The bits run input by input: first the weights from input 0 to all neurons, then those from
    input 1, with nothing in between. When an input fires, what it sends is all in one place.

    Parameters
    ----------
    signs : int array of +1 and -1, shape (n_out, n_in)

    Returns
    -------
    uint8 array, shape (ceil(n_out * n_in / 8),)
        Bits that fill up the last byte are 0.

    Raises
    ------
    ValueError
        If there is anything but +1 and -1.

    Examples
    --------
    >>> pack_bits([[1, -1, 1], [1, 1, -1]]).tolist()  # 0b01_10_11, a pair per input
    [27]
    """
    array = check_array("pack_bits", "signs", signs)
    check_real("pack_bits", "signs", array)
    if array.ndim != 2 or not np.isin(array, (-1, 1)).all():
        raise ValueError(
            "pack_bits: signs must be +1 and -1 in an array of shape (n_out, n_in), got shape "
            f"{array.shape} with values such as {np.unique(array)[:4].tolist()}"
        )
    return np.packbits(array.T.ravel() > 0, bitorder="little")


def unpack_bits(bits: npt.NDArray[np.uint8], shape: tuple[int, int]) -> Signs:
    """Turn packed bits back into signs: the inverse of :func:`pack_bits`.

    Parameters
    ----------
    bits : uint8 array, shape (ceil(n_out * n_in / 8),)
    shape : pair of int
        (n_out, n_in).

    Returns
    -------
    int8 array of +1 and -1, shape (n_out, n_in), column-major

    Raises
    ------
    ValueError
        If there are too few bits or too many, or one that fills up the last byte is not 0.

    Examples
    --------
    >>> unpack_bits(pack_bits([[1, -1, 1], [1, 1, -1]]), (2, 3)).tolist()
    [[1, -1, 1], [1, 1, -1]]
    """
    try:
        n_out, n_in = (operator.index(n) for n in shape)
    except (TypeError, ValueError) as error:
        raise TypeError(f"unpack_bits: shape must be (n_out, n_in), got {shape!r}") from error
    if min(n_out, n_in) < 0:
        raise ValueError(f"unpack_bits: shape must be (n_out, n_in), got {shape!r}")
    bits = check_array("unpack_bits", "bits", bits)
    n_bytes = -(-n_out * n_in // 8)
    if bits.dtype != np.uint8 or bits.shape != (n_bytes,):
        raise ValueError(
            f"unpack_bits: {n_out} x {n_in} signs need a uint8 array of shape ({n_bytes},), got "
            f"{bits.dtype} of shape {bits.shape}"
        )
    unpacked = np.unpackbits(bits, bitorder="little")
    if unpacked[n_out * n_in :].any():
        raise ValueError(
            f"unpack_bits: the bits after the last of {n_out} x {n_in} signs must be 0; these "
            "are the bits of another shape, or damaged"
        )
    signs = unpacked[: n_out * n_in].astype(np.int8) * np.int8(2) - np.int8(1)
    return signs.reshape(n_in, n_out).T
