"""Checks of what users hand in: one clear message, headed by the name of the function called."""

import dataclasses
import math
import warnings
from collections.abc import Sequence
from typing import Any, TypeAlias, TypeGuard

import numpy as np
import numpy.typing as npt

SpikeTimes: TypeAlias = npt.NDArray[np.int16]
IntArray: TypeAlias = npt.NDArray[np.int64]
FloatArray: TypeAlias = npt.NDArray[np.float64]
BoolArray: TypeAlias = npt.NDArray[np.bool_]
AnyArray: TypeAlias = npt.NDArray[Any]

LONGEST_WINDOW = np.iinfo(np.int16).max
ENOUGH_PIXELS = 64  # to wonder that none is brighter than 1; an example of three may be so


def is_whole(value: object) -> TypeGuard[int]:
    """Whether a value is a whole number; True and False are not."""
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def check_array(where: str, name: str, values: npt.ArrayLike) -> AnyArray:
    """Return what was given as an array; rows of different lengths make none."""
    try:
        return np.asarray(values)
    except ValueError as error:
        raise ValueError(f"{where}: {name} must be an array; its rows differ in length") from error


def check_t_max(where: str, t_max: int) -> int:
    """Return the length of the window as an int, 1 to 32767 (spike times are int16)."""
    if not is_whole(t_max) or not 1 <= t_max <= LONGEST_WINDOW:
        raise ValueError(
            f"{where}: t_max must be a whole number of time steps from 1 to {LONGEST_WINDOW}, "
            f"got {t_max!r}"
        )
    return int(t_max)


def check_grey_levels(where: str, images: npt.ArrayLike) -> npt.NDArray[np.uint8]:
    """Return the images as a uint8 array of shape (n, pixels)."""
    array = check_array(where, "images", images)
    if array.dtype != np.uint8:
        advice = ""
        if array.dtype.kind == "f":
            advice = "; for floats in [0, 1] use (255 * x).astype('uint8')"
        elif array.dtype.kind in "iu":
            advice = "; for whole numbers 0..255 use x.astype('uint8')"
        raise TypeError(
            f"{where}: images must be uint8 grey levels 0..255, got {array.dtype}{advice}"
        )
    if array.ndim < 2:
        raise ValueError(
            f"{where}: images must have shape (n, height, width) or (n, pixels), got "
            f"{array.shape}; for one image use image[None]"
        )
    return array.reshape(len(array), math.prod(array.shape[1:]))


def warn_of_bits(where: str, pixels: npt.NDArray[np.uint8]) -> None:
    """Warn if all grey levels are 0 or 1, as in images of another program, or after x / 255."""
    if pixels.size >= ENOUGH_PIXELS and pixels.max() == 1:
        warnings.warn(
            f"{where}: no pixel is brighter than 1 of 255, which is nearly black; for images of 0 "
            "and 1 use 255 * x",
            stacklevel=4,
        )


def check_spike_times(where: str, times: npt.ArrayLike, t_max: int) -> SpikeTimes:
    """Return spike times as int16, all of them within 0..t_max."""
    array = check_array(where, "spike times", times)
    if array.size and array.dtype.kind not in "iu":  # NumPy takes an empty list for floats
        raise TypeError(
            f"{where}: spike times must be whole time steps 0..{t_max}, got {array.dtype}; "
            "latency_code() makes them from images"
        )
    if array.size and (array.min() < 0 or array.max() > t_max):
        raise ValueError(
            f"{where}: spike times must lie in 0..{t_max} ({t_max} = silent), got "
            f"{array.min()} to {array.max()}"
        )
    return array.astype(np.int16, copy=False)


def check_real(where: str, name: str, values: npt.ArrayLike) -> FloatArray:
    """Return real numbers as float64; text is no number, though NumPy would read it."""
    try:
        array = np.asarray(values)
    except ValueError:  # rows of different lengths
        array = np.empty(0, dtype=object)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{where}: {name} must be real numbers, got {values!r}")
    # Numbers wider than float64 overflow, and some NaNs signal; the result shows both.
    with np.errstate(over="ignore", invalid="ignore"):
        return array.astype(np.float64, copy=False)


def check_number(where: str, name: str, value: float) -> float:
    """Return one real number as a float; it may be NaN or infinite."""
    array = check_real(where, name, value)
    if array.ndim:
        raise TypeError(f"{where}: {name} must be one number, got {value!r}")
    return float(array)


def check_finite(where: str, name: str, values: npt.ArrayLike) -> FloatArray:
    """Return real numbers as float64; no NaN, no infinity."""
    array = check_real(where, name, values)
    if not np.isfinite(array).all():
        raise ValueError(f"{where}: {name} must be finite numbers, found NaN or infinity")
    return array


def check_weights(where: str, weights: npt.ArrayLike) -> AnyArray:
    """Return a weight matrix (n_out, n_in): whole numbers keep their dtype, others become float64.

    A trailing axis of length 1, as in the published weight files, is dropped.
    """
    array = check_array(where, "weights", weights)
    if array.dtype == bool:
        raise TypeError(f"{where}: weights must be numbers, such as +1 and -1, not True and False")
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if array.ndim != 2:
        raise ValueError(f"{where}: weights must have shape (n_out, n_in), got {array.shape}")
    return array if array.dtype.kind in "iu" else check_finite(where, "weights", array)


def check_thresholds(where: str, threshold: npt.ArrayLike, n_out: int) -> FloatArray:
    """Return one threshold per neuron, float64 (n_out,); infinity means 'never fires'."""
    array = check_real(where, "threshold", threshold)
    if array.shape not in {(), (n_out,)} or np.isnan(array).any():
        raise ValueError(
            f"{where}: threshold must be one number, or one for each of the {n_out} neurons, "
            f"got {threshold!r}"
        )
    return np.full(n_out, array) if array.ndim == 0 else array


def check_one_image(
    where: str, times_in: npt.ArrayLike, times_out: npt.ArrayLike
) -> tuple[AnyArray, AnyArray]:
    """Return the spike times before and after a layer, for one image: (n_in,) and (n_out,)."""
    t_in, t_out = (
        check_array(where, "times_in", times_in),
        check_array(where, "times_out", times_out),
    )
    if t_in.ndim != 1 or t_out.ndim != 1:
        raise ValueError(
            f"{where}: times_in and times_out must have shapes (n_in,) and (n_out,), the spike "
            f"times of one image, got {t_in.shape} and {t_out.shape}"
        )
    for times in (t_in, t_out):
        if times.size and times.dtype.kind not in "iu":
            raise TypeError(f"{where}: spike times must be whole time steps, got {times.dtype}")
    return t_in, t_out


def check_layer(where: str, weights: AnyArray, delta: AnyArray, shape: tuple[int, int]) -> None:
    """Refuse weights and deltas that do not fit a layer of shape (n_out, n_in)."""
    if weights.shape != shape or delta.shape != shape[:1]:
        raise ValueError(
            f"{where}: by times_out and times_in, weights must have shape (n_out, n_in) = {shape} "
            f"and delta shape {shape[:1]}, got {weights.shape} and {delta.shape}"
        )


def check_changeable(where: str, weights: object) -> None:
    """Refuse what cannot be changed in place: a list, or whole numbers, which drop fractions."""
    if not isinstance(weights, np.ndarray) or weights.dtype.kind != "f":
        found = weights.dtype if isinstance(weights, np.ndarray) else type(weights).__name__
        raise TypeError(
            f"{where}: weights must be a NumPy array of floats, since they are changed in place, "
            f"got {found}"
        )
    if not weights.flags.writeable:
        raise ValueError(
            f"{where}: weights are changed in place, but this array is read-only, as weights_ of a "
            "network is; change a copy()"
        )


def make_plain(settings: Any) -> None:
    """Turn NumPy's numbers in the fields of a frozen dataclass into Python's, which JSON takes."""
    for field in dataclasses.fields(settings):
        value = getattr(settings, field.name)
        if isinstance(value, np.generic):
            object.__setattr__(settings, field.name, value.item())


def check_labels(where: str, labels: npt.ArrayLike, n: int, n_classes: int) -> IntArray:
    """Return class labels as int64 (n,), all of them within 0..n_classes - 1.

    A copy, plain and writable: for any other kind Numba would compile its kernels once more.
    """
    array = check_array(where, "labels", labels)
    if array.shape != (n,):
        raise ValueError(f"{where}: {n} images need {n} labels, got labels of shape {array.shape}")
    if array.size and array.dtype.kind not in "iu":
        raise TypeError(f"{where}: labels must be whole numbers, got {array.dtype}")
    if n and (array.min() < 0 or array.max() >= n_classes):
        raise ValueError(
            f"{where}: labels must lie in 0..{n_classes - 1} (the network has {n_classes} output "
            f"neurons), got {array.min()} to {array.max()}"
        )
    return array.astype(np.int64)


def check_layers(where: str, layers: Sequence[int]) -> tuple[int, ...]:
    """Return the sizes of the layers, input first, as a tuple of ints."""
    sizes: tuple[object, ...] = tuple(layers) if np.iterable(layers) else ()
    good = all(is_whole(size) and size >= 1 for size in sizes)
    if len(sizes) < 2 or not good:
        raise ValueError(
            f"{where}: layers must be two or more sizes, input first, such as (784, 600, 10), "
            f"got {layers!r}"
        )
    return tuple(int(size) for size in sizes if is_whole(size))


def check_choice(where: str, name: str, value: object, choices: Sequence[str]) -> str:
    """Return ``value`` if it is one of ``choices``; otherwise name them all."""
    if not isinstance(value, str) or value not in choices:
        allowed = ", ".join(repr(choice) for choice in choices)
        raise ValueError(f"{where}: {name} must be one of {allowed}; got {value!r}")
    return value
