"""Chapters 09 and 14: networks for other programs.

:func:`to_c_header` writes a packed network as one C file that needs nothing but a compiler: the
bits as an array, and a function that decides. Small enough for a microcontroller, and short enough
to be read.
"""

import re
from collections.abc import Iterator
from itertools import accumulate
from typing import Any

import numpy.typing as npt

from minibs4nn.model import BS4NN
from minibs4nn.packed import PackedBS4NN

__all__ = ["to_c_header"]

MOST_BITS = 2**31  # of one layer: the place of a bit must fit 32 bits
PER_LINE = 20  # numbers


def to_c_header(net: BS4NN | PackedBS4NN, name: str = "bs4nn") -> str:
    """Write a network as a C99 header that decides as the network does.

    It declares ``int NAME_predict(const unsigned char *pixels)``: grey levels in, a class out, with
    whole numbers alone, no library and no memory but the stack. Compiled with ``-DNAME_MAIN`` (in
    capitals) it is a program that reads raw images from its standard input, one byte per pixel, and
    prints one class per line::

        gcc -std=c99 -O2 -DBS4NN_MAIN -x c bs4nn.h -o bs4nn

    Parameters
    ----------
    net : BS4NN or PackedBS4NN
    name : str
        What all names in the file begin with.

    Returns
    -------
    str
        The text of the file.

    Raises
    ------
    TypeError
        If the network does not have weights of one bit.
    ValueError
        If the name cannot begin a name in C, or a layer has 2**31 weights or more.

    Examples
    --------
    >>> net = BS4NN.from_weights([[[1, -1, 1]] * 3], scale=2.0, threshold=1.0)
    >>> print(to_c_header(net, "tiny").splitlines()[0])
    /* tiny: a binarized single-spike network, 3-3; 2 bytes of weights. By minibs4nn.
    """
    if isinstance(net, BS4NN):
        net = net.pack()
    if not isinstance(net, PackedBS4NN):
        raise TypeError(
            f"to_c_header: only a BS4NN has weights of one bit, got {type(net).__name__}"
        )
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name):
        raise ValueError(
            f"to_c_header: name must be letters, digits and _, a letter first, got {name!r}"
        )
    if max(8 * bits.size for bits in net.bits) > MOST_BITS:
        raise ValueError("to_c_header: a layer has more weights than a C array of bits may hold")
    shared = [bool((theta == theta[0]).all()) for theta in net.thresholds]
    sizes = net.layers[1:]
    firsts = accumulate(sizes, initial=0)
    arrays = [
        line
        for k, (bits, theta, one) in enumerate(zip(net.bits, net.thresholds, shared, strict=True))
        for line in (
            *_array(f"static const uint8_t {name}_bits_{k}", bits),
            *_array(f"static const int32_t {name}_thresholds_{k}", theta[:1] if one else theta),
        )
    ]
    fields = {
        "name": name,
        "NAME": name.upper(),
        "sizes": "-".join(map(str, net.layers)),
        "n_bytes": net.nbytes,
        "n_in": net.layers[0],
        "n_classes": sizes[-1],
        "n_neurons": sum(sizes),
        "depth": len(sizes),
        "t_max": net.t_max,
        "index": "uint16_t" if net.layers[0] < 2**16 else "uint32_t",
        "sum": "int16_t" if max(net.layers[:-1]) < 2**15 else "int32_t",
        "arrays": "\n".join(arrays),
        "layers": "\n".join(
            f"    {{{n_out}, {first}, {name}_bits_{k}, {name}_thresholds_{k}, {int(not one)}}},"
            for k, (n_out, first, one) in enumerate(zip(sizes, firsts, shared, strict=False))
        ),
    }
    return re.sub(r"@(\w+)@", lambda match: str(fields[match[1]]), _TEMPLATE)


def _array(declaration: str, values: npt.NDArray[Any]) -> Iterator[str]:
    """The lines of a C array."""
    yield f"{declaration}[{values.size}] = {{"
    for start in range(0, values.size, PER_LINE):
        yield "    " + ", ".join(map(str, values[start : start + PER_LINE].tolist())) + ","
    yield "};"


_TEMPLATE = """\
/* @name@: a binarized single-spike network, @sizes@; @n_bytes@ bytes of weights. By minibs4nn.

   Each pixel fires once: bright ones early, dark ones late, black ones never. When an input fires,
   its weights, +1 or -1, are added to the sums of the next layer. A neuron fires when its sum
   exceeds its threshold, one step later, and at most once. The first output neuron to fire gives
   the class; of several, the one farthest above its threshold, then the lower index. If none
   fires, the one that is least below.

   C99, integers only. Define @NAME@_MAIN for a program that reads raw images, @n_in@ bytes each,
   from standard input, and prints a class per line. */
#ifndef @NAME@_H
#define @NAME@_H

#include <stdint.h>

enum {
    @NAME@_PIXELS = @n_in@,
    @NAME@_CLASSES = @n_classes@,
    @NAME@_NEURONS = @n_neurons@,
    @NAME@_LAYERS = @depth@,
    @NAME@_STEPS = @t_max@
};

typedef @index@ @name@_index;
typedef @sum@ @name@_sum;
typedef struct {
    int32_t neurons;
    int32_t first;            /* of its sums, among those of all layers */
    const uint8_t *bits;      /* all weights of input 0, of input 1, ...; 1 is +1 and 0 is -1 */
    const int32_t *threshold; /* one for each neuron, */
    int32_t each;             /* or, if this is 0, one for all */
} @name@_layer;

@arrays@
static const @name@_layer @name@_layers[@NAME@_LAYERS] = {
@layers@
};

/* Add the weights of one input to the sums of a layer. */
static inline void @name@_hear(const @name@_layer *layer, uint32_t input, @name@_sum *sums)
{
    uint32_t place = input * (uint32_t)layer->neurons;
    @name@_sum *sum = sums + layer->first;
    for (int32_t j = 0; j < layer->neurons; j++, place++) {
        if (layer->bits[place >> 3] >> (place & 7) & 1)
            sum[j]++;
        else
            sum[j]--;
    }
}

/* How far a neuron is above its threshold: it fires when that is more than 0. */
static inline int32_t @name@_excess(const @name@_layer *layer, int32_t j, const @name@_sum *sums)
{
    return (int32_t)sums[layer->first + j] - layer->threshold[layer->each * j];
}

/* The output neuron farthest above its threshold: one that fires, if any does. */
static inline int @name@_farthest(const @name@_sum *sums)
{
    const @name@_layer *last = &@name@_layers[@NAME@_LAYERS - 1];
    int best = 0;
    for (int j = 1; j < @NAME@_CLASSES; j++) {
        if (@name@_excess(last, j, sums) > @name@_excess(last, best, sums))
            best = j;
    }
    return best;
}

/* The class of an image of @NAME@_PIXELS grey levels, 0 black to 255 white. */
static inline int @name@_predict(const unsigned char *pixels)
{
    @name@_index first[@NAME@_STEPS]; /* an input that fires at a step; @NAME@_PIXELS: nobody */
    @name@_index next[@NAME@_PIXELS]; /* another that fires at the same step */
    @name@_sum sums[@NAME@_NEURONS] = {0};
    uint8_t fired[@NAME@_NEURONS] = {0};
    uint8_t moved[@NAME@_LAYERS] = {0}; /* whether a layer heard anything in the last step */

    for (int32_t t = 0; t < @NAME@_STEPS; t++)
        first[t] = @NAME@_PIXELS;
    for (int32_t i = 0; i < @NAME@_PIXELS; i++) {
        int32_t t = (int32_t)(255 - pixels[i]) * @NAME@_STEPS / 255;
        if (t < @NAME@_STEPS) {
            next[i] = first[t];
            first[t] = (@name@_index)i;
        }
    }
    for (int32_t t = 0; t < @NAME@_STEPS; t++) {
        /* The last layer first: it hears what the one before it fired in the last step. */
        for (int32_t k = @NAME@_LAYERS - 1; k >= 0; k--) {
            const @name@_layer *layer = &@name@_layers[k];
            uint8_t heard = t == 0; /* a threshold may be negative: step 0 always counts */
            if (k == 0) {
                for (uint32_t i = first[t]; i != @NAME@_PIXELS; i = next[i]) {
                    @name@_hear(layer, i, sums);
                    heard = 1;
                }
            } else if (moved[k - 1]) {
                const @name@_layer *before = &@name@_layers[k - 1];
                for (int32_t j = 0; j < before->neurons; j++) {
                    if (!fired[before->first + j] && @name@_excess(before, j, sums) > 0) {
                        fired[before->first + j] = 1;
                        @name@_hear(layer, (uint32_t)j, sums);
                        heard = 1;
                    }
                }
            }
            moved[k] = heard;
        }
        /* The first output neuron to cross ends it. In the last step that would be too late to
           fire; but if all are silent, the farthest wins as well. */
        if (moved[@NAME@_LAYERS - 1]) {
            int winner = @name@_farthest(sums);
            if (@name@_excess(&@name@_layers[@NAME@_LAYERS - 1], winner, sums) > 0)
                return winner;
        }
    }
    return @name@_farthest(sums);
}

#ifdef @NAME@_MAIN
#include <stdio.h>

int main(void)
{
    static unsigned char pixels[@NAME@_PIXELS];
    size_t n;
    while ((n = fread(pixels, 1, @NAME@_PIXELS, stdin)) == @NAME@_PIXELS)
        printf("%d\\n", @name@_predict(pixels));
    if (n > 0) {
        fprintf(stderr, "the last image is cut short\\n");
        return 1;
    }
    return 0;
}
#endif
#endif
"""
