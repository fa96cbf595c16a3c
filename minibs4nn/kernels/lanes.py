"""What Numba has no words for: add, compare or subtract 64 numbers at once.

Compiled, each of these is a handful of instructions without a loop. Elsewhere they are plain
functions that do the same, which the tests make use of. What tells something of 64 neurons is a
word of 64 bits, the lowest for the first of them.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import numba
import numpy as np
from llvmlite import ir
from numba.core import cgutils
from numba.extending import intrinsic, overload, register_jitable

from minibs4nn._checks import AnyArray, SpikeTimes

if TYPE_CHECKING:
    from numba.core.dispatcher import Dispatcher

__all__ = [
    "COUNTED",
    "LANES",
    "add",
    "count",
    "count_ones",
    "fill",
    "fire",
    "jit",
    "jit_inlined",
    "lowest_bit",
    "nonzero",
    "subtract",
]

# Numba's own types say too little of these.
_njit: Any = numba.njit
_OPTIONS = {"cache": True, "nogil": True, "boundscheck": False, "_nrt": False}
_intrinsic: Any = intrinsic
_overload: Any = overload
_types: Any = numba.types
_tools: Any = cgutils

Function = TypeVar("Function", bound=Callable[..., Any])

LANES = 64  # numbers that are taken at once; arrays are filled up to a multiple of it
COUNTED = 16  # neurons for which :func:`count` counts at once


def jit(function: Function) -> "Dispatcher[Function]":
    """Compile a kernel, without Numba's memory management.

    It can then allocate nothing; and no array is counted each time that it is handed on, which took
    up to 40 % of the time.
    """
    compiled: Dispatcher[Function] = _njit(**_OPTIONS)(function)
    return compiled


def jit_inlined(function: Function) -> "Dispatcher[Function]":
    """The same for a small function, which becomes a part of those that call it."""
    compiled: Dispatcher[Function] = _njit(**_OPTIONS, forceinline=True)(function)
    return compiled


@register_jitable
def count_ones(word: np.uint64) -> int:
    """How many bits of a word are 1; few, as a rule."""
    n = 0
    while word != 0:
        word &= word - np.uint64(1)
        n += 1
    return n


@register_jitable
def fill(n: int, group: int) -> int:
    """Round up to whole groups."""
    return -(-n // group) * group


def add(v: AnyArray, place: int, weights: AnyArray, rows: tuple[int, ...]) -> None:
    """Add 64 weights, from each of some places, to 64 sums, in the order of the places.

    Parameters
    ----------
    v : array, C-contiguous
    place : int
        Of the first sum.
    weights : array, C-contiguous
        Numbers of the same dtype; or, where the sums are whole numbers, words of 64 signs: a bit
        for each, 1 stands for +1 and 0 for -1.
    rows : tuple of int
        Each the place of a first weight. That of a sign is a multiple of 64.
    """
    for row in rows:
        if weights.dtype == np.uint64:
            bits = np.unpackbits(weights[row // LANES : row // LANES + 1].view(np.uint8))
            v[place : place + LANES] += 2 * bits.reshape(8, 8)[:, ::-1].ravel().astype(np.int8) - 1
        else:
            v[place : place + LANES] += weights[row : row + LANES]


def count(
    v: AnyArray, place: int, bits: AnyArray, row: int, width: int, who: AnyArray, begin: int,
    end: int,
) -> None:  # fmt: skip
    """Add to 16 sums the signs of many inputs: +1 or -1, of which a bit is kept for each.

    Parameters
    ----------
    v : int array, C-contiguous
    place : int
        Of the first sum.
    bits : uint64 array, C-contiguous
        For each 64 inputs a row of words, one for each neuron; 1 stands for +1.
    row, width : int
        Place of the first word, and from there to the next row.
    who : uint64 array, C-contiguous
        Which inputs have fired: the words from ``begin`` to ``end``, one for each row.
    begin, end : int
    """
    for word in who[begin:end]:
        for k in range(COUNTED):
            v[place + k] += 2 * int(bits[row + k] & word).bit_count() - int(word).bit_count()
        row += width


def nonzero(values: AnyArray, place: int) -> np.uint64:
    """Which of 64 whole numbers are not 0.

    Parameters
    ----------
    values : int array, C-contiguous
    place : int
        Of the first.
    """
    return _as_word(values[place : place + LANES] != 0)


def fire(
    v: AnyArray, limit: AnyArray, place: int, stamp: np.int16, silent: np.int16,
    spike_times: SpikeTimes, potential: AnyArray,
) -> np.uint64:  # fmt: skip
    """Let those of 64 neurons fire that are above their limit and were silent; return which.

    Parameters
    ----------
    v, limit, potential : arrays of one dtype, C-contiguous
        Of those that fire now, ``v`` is noted in ``potential``.
    place : int
        Of the first neuron.
    stamp, silent : int16
        What is noted in ``spike_times``, and what stands there as long as a neuron has not fired.
    spike_times : int16 array, C-contiguous
    """
    these = slice(place, place + LANES)
    new = (v[these] > limit[these]) & (spike_times[these] == silent)
    spike_times[these][new] = stamp
    potential[these][new] = v[these][new]
    return _as_word(new)


def subtract(latent: AnyArray, place: int, step: AnyArray, other: int) -> np.uint64:
    """Subtract 64 steps from 64 weights; return which are now below 0 and were not, or vice versa.

    Parameters
    ----------
    latent, step : float arrays of one dtype, C-contiguous
    place, other : int
        Of the first weight, and of the first step.
    """
    these = slice(place, place + LANES)
    before = latent[these] < 0
    latent[these] -= step[other : other + LANES]
    return _as_word(before != (latent[these] < 0))


def lowest_bit(word: np.uint64) -> int:
    """How many zeros stand below the lowest 1 of a word that is not 0."""
    number = int(word)
    return (number & -number).bit_length() - 1


def _as_word(bits: AnyArray) -> np.uint64:
    return np.uint64(np.packbits(bits, bitorder="little").view("<u8")[0])


# --- the same, compiled --------------------------------------------------------------------------


def _pointer(context: Any, builder: Any, kind: Any, array: Any, place: Any, n: int) -> Any:
    """Where ``n`` numbers of an array stand."""
    numbers = ir.VectorType(context.get_data_type(kind.dtype), n)
    first = builder.gep(context.make_array(kind)(context, builder, array).data, [place])
    return builder.bitcast(first, numbers.as_pointer())


def _load(context: Any, builder: Any, kind: Any, array: Any, place: Any, n: int = LANES) -> Any:
    pointer = _pointer(context, builder, kind, array, place, n)
    return builder.load(pointer, align=kind.dtype.bitwidth // 8)  # no more than NumPy promises


def _store(context: Any, builder: Any, kind: Any, array: Any, place: Any, numbers: Any) -> None:
    pointer = _pointer(context, builder, kind, array, place, numbers.type.count)
    builder.store(numbers, pointer, align=kind.dtype.bitwidth // 8)


def _splat(builder: Any, number: Any, n: int = LANES) -> Any:
    """The same number ``n`` times."""
    nothing = ir.Constant(ir.VectorType(number.type, n), ir.Undefined)
    one = builder.insert_element(nothing, number, ir.IntType(32)(0))
    first = ir.Constant(ir.VectorType(ir.IntType(32), n), [0] * n)
    return builder.shuffle_vector(one, nothing, first)


@_intrinsic
def _add(typing_context: Any, v: Any, place: Any, weights: Any, rows: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        sums = _load(context, builder, v, arguments[0], arguments[1])
        places = _tools.unpack_tuple(builder, arguments[3])
        if isinstance(v.dtype, _types.Float):
            for row in places:
                sums = builder.fadd(sums, _load(context, builder, weights, arguments[2], row))
        else:
            # First -1 for all signs: then only a 1 has anything to add. A word of bits is what a
            # processor calls a mask: one instruction adds where it is 1.
            two, all_ = (ir.Constant(sums.type, [number] * LANES) for number in (2, len(places)))
            words = context.make_array(weights)(context, builder, arguments[2]).data
            sums = builder.sub(sums, all_)
            for row in places:
                word = builder.load(builder.gep(words, [builder.sdiv(row, row.type(LANES))]))
                ones = builder.bitcast(word, ir.VectorType(ir.IntType(1), LANES))
                sums = builder.select(ones, builder.add(sums, two), sums)
        _store(context, builder, v, arguments[0], arguments[1], sums)
        return context.get_dummy_value()

    rows = _types.UniTuple(numba.intp, len(rows))
    return numba.void(v, numba.intp, weights, rows), generate


@_intrinsic
def _count(
    typing_context: Any, v: Any, place: Any, bits: Any, row: Any, width: Any, who: Any, begin: Any,
    end: Any,
) -> Any:  # fmt: skip
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        v_array, at, bit_array, first, step, words, start, stop = arguments
        counts = ir.VectorType(ir.IntType(64), COUNTED)
        ones = builder.module.declare_intrinsic(
            f"llvm.ctpop.v{COUNTED}i64", fnty=ir.FunctionType(counts, [counts])
        )
        total = _tools.alloca_once_value(builder, ir.Constant(counts, [0] * COUNTED))
        with _tools.for_range(builder, builder.sub(stop, start)) as loop:
            place_of_word = builder.add(start, loop.index)
            word = builder.load(
                builder.gep(context.make_array(who)(context, builder, words).data, [place_of_word])
            )
            this = builder.add(first, builder.mul(step, loop.index))
            heard = _load(context, builder, bits, bit_array, this, COUNTED)
            hits = builder.call(ones, [builder.and_(heard, _splat(builder, word, COUNTED))])
            all_ = _splat(builder, builder.ctpop(word), COUNTED)
            move = builder.sub(builder.add(hits, hits), all_)
            builder.store(builder.add(builder.load(total), move), total)
        move = builder.load(total)
        sums = _load(context, builder, v, v_array, at, COUNTED)
        if isinstance(v.dtype, _types.Float):
            sums = builder.fadd(sums, builder.sitofp(move, sums.type))
        else:
            sums = builder.add(sums, builder.trunc(move, sums.type))
        _store(context, builder, v, v_array, at, sums)
        return context.get_dummy_value()

    place = numba.intp
    return numba.void(v, place, bits, place, place, who, place, place), generate


@_intrinsic
def _nonzero(typing_context: Any, values: Any, place: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        some = _load(context, builder, values, arguments[0], arguments[1])
        zeros = ir.Constant(some.type, [0] * LANES)
        return builder.bitcast(builder.icmp_signed("!=", some, zeros), ir.IntType(LANES))

    return numba.uint64(values, numba.intp), generate


@_intrinsic
def _fire(
    typing_context: Any, v: Any, limit: Any, place: Any, stamp: Any, silent: Any, spike_times: Any,
    potential: Any,
) -> Any:  # fmt: skip
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        v_array, limits, at, stamped, never, times_array, potentials = arguments
        now = _load(context, builder, v, v_array, at)
        is_real = isinstance(v.dtype, _types.Float)
        compare = builder.fcmp_ordered if is_real else builder.icmp_signed
        is_above = compare(">", now, _load(context, builder, limit, limits, at))
        times = _load(context, builder, spike_times, times_array, at)
        was_silent = builder.icmp_signed("==", times, _splat(builder, never))
        new = builder.and_(is_above, was_silent)
        times = builder.select(new, _splat(builder, stamped), times)
        _store(context, builder, spike_times, times_array, at, times)
        noted = _load(context, builder, potential, potentials, at)
        _store(context, builder, potential, potentials, at, builder.select(new, now, noted))
        return builder.bitcast(new, ir.IntType(LANES))

    time = numba.int16
    return numba.uint64(v, limit, numba.intp, time, time, spike_times, potential), generate


@_intrinsic
def _subtract(typing_context: Any, latent: Any, place: Any, step: Any, other: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        old = _load(context, builder, latent, arguments[0], arguments[1])
        new = builder.fsub(old, _load(context, builder, step, arguments[2], arguments[3]))
        _store(context, builder, latent, arguments[0], arguments[1], new)
        # Hardly ever does a weight change its sign. So all are first asked together: then the
        # highest bit of old ^ new is set. Adding 0.0 turns -0.0, which is not below 0, into 0.0.
        zero = ir.Constant(old.type, [0.0] * LANES)
        whole = ir.VectorType(ir.IntType(latent.dtype.bitwidth), LANES)
        was, has = (builder.bitcast(x, whole) for x in (builder.fadd(old, zero), new))
        some = builder.xor(was, has)
        n = LANES
        while n > 8:
            n //= 2
            halves = (
                builder.shuffle_vector(
                    some, some, ir.Constant(ir.VectorType(ir.IntType(32), n), list(range(k, k + n)))
                )
                for k in (0, n)
            )
            some = builder.or_(*halves)
        set_ = builder.icmp_signed("<", some, ir.Constant(some.type, [0] * n))
        flags = builder.bitcast(set_, ir.IntType(n))
        word = _tools.alloca_once_value(builder, ir.Constant(ir.IntType(LANES), 0))
        with builder.if_then(builder.icmp_unsigned("!=", flags, flags.type(0)), likely=False):
            before, after = (builder.fcmp_ordered("<", x, zero) for x in (old, new))
            builder.store(builder.bitcast(builder.xor(before, after), ir.IntType(LANES)), word)
        return builder.load(word)

    return numba.uint64(latent, numba.intp, step, numba.intp), generate


@_intrinsic
def _lowest_bit(typing_context: Any, word: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        there_is_a_one = context.get_constant(_types.boolean, True)
        return builder.cttz(arguments[0], there_is_a_one)

    return numba.int64(numba.uint64), generate


@_overload(add, strict=False)
def _compile_add(v: Any, place: Any, weights: Any, rows: Any) -> Any:
    return lambda v, place, weights, rows: _add(v, place, weights, rows)


@_overload(nonzero, strict=False)
def _compile_nonzero(values: Any, place: Any) -> Any:
    return lambda values, place: _nonzero(values, place)


@_overload(count, strict=False)
def _compile_count(
    v: Any, place: Any, bits: Any, row: Any, width: Any, who: Any, begin: Any, end: Any
) -> Any:
    return lambda v, place, bits, row, width, who, begin, end: _count(
        v, place, bits, row, width, who, begin, end
    )


@_overload(fire, strict=False)
def _compile_fire(
    v: Any, limit: Any, place: Any, stamp: Any, silent: Any, spike_times: Any, potential: Any
) -> Any:
    return lambda v, limit, place, stamp, silent, spike_times, potential: _fire(
        v, limit, place, stamp, silent, spike_times, potential
    )


@_overload(subtract, strict=False)
def _compile_subtract(latent: Any, place: Any, step: Any, other: Any) -> Any:
    return lambda latent, place, step, other: _subtract(latent, place, step, other)


@_overload(lowest_bit, strict=False)
def _compile_lowest_bit(word: Any) -> Any:
    return lambda word: _lowest_bit(word)
