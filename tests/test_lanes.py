"""What takes 64 numbers at once: compiled, it does what the plain functions say."""

from collections.abc import Callable
from typing import Any

import numba
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from minibs4nn.kernels import lanes
from minibs4nn.kernels.lanes import COUNTED, LANES, fill

Array = npt.NDArray[Any]

compiled: Callable[..., Any] = numba.njit(cache=True)
WORDS = st.integers(0, 2**64 - 1).map(np.uint64)


@compiled
def _add(v: Array, weights: Array) -> None:
    lanes.add(v, 3, weights, (0, 7, 3))


@compiled
def _add_signs(v: Array, weights: Array) -> None:
    lanes.add(v, 3, weights, (0, 128, 64, 192))


@compiled
def _count(v: Array, bits: Array, who: Array) -> None:
    lanes.count(v, 3, bits, 2, COUNTED + 1, who, 1, 3)


@compiled
def _nonzero(values: Array) -> np.uint64:
    return lanes.nonzero(values, 3)


@compiled
def _fire(v: Array, limit: Array, times: Array, potential: Array) -> np.uint64:
    return lanes.fire(v, limit, 3, np.int16(7), np.int16(9), times, potential)


@compiled
def _subtract(latent: Array, step: Array) -> np.uint64:
    return lanes.subtract(latent, 3, step, 5)


@compiled
def _lowest_bit(word: np.uint64) -> int:
    return lanes.lowest_bit(word)


def both(compiled: Any, *arrays: Any) -> None:
    """Call a function compiled and as it stands: same result, same arrays after it."""
    copies = [np.copy(a) if isinstance(a, np.ndarray) else a for a in arrays]
    assert compiled(*arrays) == compiled.py_func(*copies)
    for ours, theirs in zip(arrays, copies, strict=True):
        assert np.asarray(ours).tobytes() == np.asarray(theirs).tobytes()


def numbers(dtype: Any, n: int) -> st.SearchStrategy[Array]:
    """Small numbers with many ties; -0.0 among the real ones."""
    if np.dtype(dtype).kind == "f":
        few: st.SearchStrategy[Any] = st.sampled_from([-0.5, -0.0, 0.0, 0.1, 0.5])
    else:
        few = st.integers(-2, 2)
    return hnp.arrays(dtype, n, elements=few)


@given(st.data())
def test_add(data: st.DataObject) -> None:
    both(_add, data.draw(numbers("f8", 70)), data.draw(numbers("f8", 90)))


def words(n: int) -> st.SearchStrategy[Array]:
    """Some words."""
    return st.lists(WORDS, min_size=n, max_size=n).map(lambda some: np.array(some, np.uint64))


@pytest.mark.parametrize("kind", ["i2", "i4"])
@given(data=st.data())
def test_add_signs(kind: str, data: st.DataObject) -> None:
    both(_add_signs, data.draw(numbers(kind, 70)), data.draw(words(4)))


@pytest.mark.parametrize("kind", ["i2", "i4", "f8"])
@given(data=st.data())
def test_count(kind: str, data: st.DataObject) -> None:
    bits, who = data.draw(words(3 + 2 * COUNTED)), data.draw(words(3))
    both(_count, data.draw(numbers("i2", 4 + COUNTED)).astype(kind), bits, who)


@pytest.mark.parametrize("kind", ["u1", "i2"])
@given(data=st.data())
def test_nonzero(kind: str, data: st.DataObject) -> None:
    both(_nonzero, data.draw(hnp.arrays(kind, 70, elements=st.integers(0, 2))))


@pytest.mark.parametrize("kind", ["i2", "i4", "f8"])
@given(data=st.data())
def test_fire(kind: str, data: st.DataObject) -> None:
    v, limit, potential = (data.draw(numbers(kind, 70)) for _ in range(3))
    times = data.draw(hnp.arrays(np.int16, 70, elements=st.sampled_from([5, 9])))
    both(_fire, v, limit, times, potential)


@pytest.mark.parametrize("kind", ["f4", "f8"])
@given(data=st.data())
def test_subtract(kind: str, data: st.DataObject) -> None:
    both(_subtract, data.draw(numbers(kind, 70)), data.draw(numbers(kind, 70)))


@given(WORDS.filter(bool))
def test_lowest_bit(word: np.uint64) -> None:
    both(_lowest_bit, word)


def test_a_weight_that_becomes_negative_or_ceases_to_be() -> None:
    latent, step = np.zeros(LANES), np.zeros(LANES)
    latent[[0, 9, 63]] = 0.25, -0.25, 0.25
    step[[0, 1, 9, 63]] = 0.5, -0.5, -0.25, 0.25
    assert int(lanes.subtract(latent, 0, step, 0)) == 1 + (1 << 9)
    assert latent[[0, 1, 9, 63]].tolist() == [-0.25, 0.5, 0.0, 0.0]


def test_whole_groups() -> None:
    assert [fill(n, LANES) for n in (1, 64, 65)] == [64, 64, 128]
