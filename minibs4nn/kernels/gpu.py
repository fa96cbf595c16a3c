"""The same computation on a graphics card, through CuPy. The kernels are in ``kernels.cu``.

There are three ways to train, made of the same launches. A *round* looks at some images with the
present weights, and then learns:

- online, as published: it looks at one image and learns from it;
- *speculatively*, which is how :meth:`Device.train_online` does it: it looks at :data:`AHEAD`
  images at once and learns from the first that has an error. An image without an error changes no
  weight, so all images up to that one have met the weights that they would have met online. Those
  after it are looked at again in the next round. The bits are the same, in fewer rounds;
- in mini-batches, another algorithm: it learns from all of them together.

All that a round needs to know lies on the card, so the host only has to say *again*.

Firing times are whole numbers and always exact. Real numbers are computed in the order of the
reference, by operations that IEEE 754 defines to the last bit, and products are not fused with
sums; so weights come out with the same bits as well. There is one exception: CuPy compiles in such
a way that single-precision numbers below 1.2e-38 become zero, which latent weights of a BS4NN only
reach when weight decay wears them down for very long.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from minibs4nn._checks import AnyArray, FloatArray, IntArray, SpikeTimes
from minibs4nn.errors import BackendError
from minibs4nn.evaluation import Outcomes, judge
from minibs4nn.forward import decide
from minibs4nn.kernels import OnlineReport, Parameters
from minibs4nn.kernels.cuda_source import TEXT, check_arguments, options, signatures
from minibs4nn.kernels.gpu_probe import usable_gpu
from minibs4nn.kernels.reference import SMALLEST_SHRINK, scale_message

if TYPE_CHECKING:
    from minibs4nn.rules import RelativeTarget

__all__ = [
    "AHEAD",
    "Device",
    "Program",
    "Spikes",
    "device",
]

AHEAD = 64  # images that online learning looks at in one round; it changes the speed alone
CHUNK = 10_000  # images decided in one go, so that memory does not grow with the data set
THREADS = 128  # of a block, where the kernel does not care
MOST_WEIGHTS = 2**32 - THREADS  # of a layer: the kernels count them in 32 bits

Launch: TypeAlias = Callable[[], None]
Array: TypeAlias = Any  # on the card

# As in kernels.cu.
NEXT, FAILED, FRESH = 0, 5, (0, 0, 0, 0, 0, -1)
UPDATES = 4


class Spikes(NamedTuple):
    """The spikes of some images, on the card.

    Attributes
    ----------
    times : int16 array, shape (n, n_in), time steps
    who : int32 array, shape (n, n_in)
        The inputs that fire, by time; of those that fire together, the lower index first.
    count : int32 array, shape (n,)
        How many of them there are; what stands behind them in ``who`` means nothing.
    """

    times: Array
    who: Array
    count: Array


class Program:
    """The kernels of ``kernels.cu``, compiled for BS4NN or for S4NN.

    Parameters
    ----------
    cupy : module
    one_bit : bool
    text : str
    """

    def __init__(self, cupy: Any, *, one_bit: bool, text: str = TEXT) -> None:
        self._array_type: type = cupy.ndarray
        self._module = cupy.RawModule(code=text, options=options(one_bit=one_bit))
        self._signatures = signatures(text, one_bit=one_bit)

    def launch(self, kernel: str, blocks: tuple[int, ...], threads: int, *arguments: Any) -> Launch:
        """Check the arguments of a kernel, and return what launches it, as often as one likes."""
        check_arguments(kernel, self._signatures[kernel], arguments, self._array_type)
        function = self._module.get_function(kernel)
        return lambda: function(blocks, (threads,), arguments)


@dataclass
class _Layer:
    """One layer on the card: its weights, and what a training notes of it, a row per image."""

    n_in: int
    n_out: int
    latent: Array
    signs: Array  # words of 32; of an S4NN, empty
    weights: Array  # what the forward pass reads: the one or the other
    threshold: Array
    scale: Array
    flips: Array
    spikes: Spikes  # that its neurons fire
    potential: Array
    excess: Array
    late: Array
    delta: Array
    step: Array
    slope: Array


class Device:
    """The kernels on one card, with the functions of :class:`minibs4nn.kernels.Kernels`.

    Parameters
    ----------
    cupy : module
        CuPy, or what stands in for it.
    text : str
        The kernels; tests plant faults in them.
    """

    __name__ = __name__  # as the other backends have, which are modules

    def __init__(self, cupy: Any, *, text: str = TEXT) -> None:
        self._cupy = cupy
        self._programs = {
            one_bit: Program(cupy, one_bit=one_bit, text=text) for one_bit in (True, False)
        }

    def prepare(self, times: SpikeTimes, *, t_max: int) -> Spikes:
        """Bring spike times to the card, and list the spikes of every image by time.

        Parameters
        ----------
        times : int16 array, shape (n, n_in)
        t_max : int, time steps

        Returns
        -------
        Spikes
        """
        n, n_in = times.shape
        spikes = self._room_for_spikes(n, n_in)._replace(
            times=self._cupy.asarray(np.ascontiguousarray(times))
        )
        if n:
            self._list(self._programs[True], self._state(), n, n, spikes, n_in, t_max)()
        return spikes

    def layer_spike_times(
        self, times: SpikeTimes, weights: AnyArray, threshold: FloatArray, *, t_max: int
    ) -> tuple[SpikeTimes, AnyArray]:
        """As :func:`minibs4nn.layer_spike_times`, for arguments that are known to be good.

        Parameters
        ----------
        times : int16 array, shape (n, n_in)
        weights : int8 array of +1 and -1, or float64 array, shape (n_out, n_in)
        threshold : float64 array, shape (n_out,)
        t_max : int, time steps

        Returns
        -------
        spike_times : int16 array, shape (n, n_out)
        potential : array, shape (n, n_out); int32 for signs, else float64
        """
        one_bit = weights.dtype == np.int8
        content = _words(_packed(weights)) if one_bit else np.ascontiguousarray(weights.T)
        spikes, potential, _ = self._race(
            self.prepare(times, t_max=t_max), content, threshold, t_max=t_max, one_bit=one_bit
        )
        return spikes.get(), potential.get()

    def decide_packed(
        self,
        times: SpikeTimes,
        bits: Sequence[npt.NDArray[np.uint8]],
        thresholds: Sequence[npt.NDArray[np.int32]],
        *,
        t_max: int,
    ) -> IntArray:
        """The class of each image, by a network of packed bits; they are used as they are.

        Parameters
        ----------
        times : int16 array, shape (n, n_in)
        bits : sequence of uint8 arrays
            As :func:`minibs4nn.binary.pack_bits` makes them, one for each layer after the input.
        thresholds : sequence of int arrays, shapes (n_out,)
        t_max : int, time steps

        Returns
        -------
        int64 array, shape (n,)
        """
        words = [_words(some) for some in bits]
        limits = [theta.astype(np.float64) for theta in thresholds]
        never = np.zeros(len(limits[-1]))
        classes = [np.empty(0, np.int64)]
        for start in range(0, len(times), CHUNK):
            heard, excess = self.prepare(times[start : start + CHUNK], t_max=t_max), None
            for k, (some, theta) in enumerate(zip(words, limits, strict=True)):
                spikes, _, excess = self._race(heard, some, theta, t_max=t_max, one_bit=True)
                if k < len(words) - 1:
                    heard = self._listed(spikes, t_max)
            assert excess is not None
            classes.append(decide(spikes.get(), excess.get(), threshold=never, t_max=t_max))
        return np.concatenate(classes)

    def train_online(
        self,
        prepared: Spikes,
        labels: IntArray,
        order: IntArray,
        parameters: Parameters,
        rule: "RelativeTarget",
        *,
        t_max: int,
        count_fired: bool = True,
        ahead: int | None = None,
    ) -> OnlineReport:
        """Learn from the images ``order``, one at a time; ``parameters`` are changed in place.

        Parameters
        ----------
        prepared : Spikes
            Of all images, as :meth:`prepare` returns them.
        labels : int64 array, shape (n,)
        order : int64 array, shape (m,)
            Which images, in which order; an image may come more than once.
        parameters : Parameters
        rule : RelativeTarget
        t_max : int, time steps
        count_fired : bool
            Whether to count on how many images each neuron fires.
        ahead : int, optional
            Images looked at in one round; None: :data:`AHEAD`. The result does not depend on it.

        Returns
        -------
        OnlineReport

        Raises
        ------
        ArithmeticError
            If a scale falls to zero or below.
        """
        return self._train(
            prepared, labels, order, parameters, rule, t_max=t_max, count_fired=count_fired,
            look=AHEAD if ahead is None else ahead, together=False,
        )  # fmt: skip

    def train_minibatches(
        self,
        prepared: Spikes,
        labels: IntArray,
        order: IntArray,
        parameters: Parameters,
        rule: "RelativeTarget",
        *,
        t_max: int,
        count_fired: bool = True,
    ) -> OnlineReport:
        """Learn from ``rule.batch_size`` images at a time; ``parameters`` are changed in place.

        Another algorithm than :meth:`train_online`; parameters and result are the same.
        """
        return self._train(
            prepared, labels, order, parameters, rule, t_max=t_max, count_fired=count_fired,
            look=rule.batch_size, together=True,
        )  # fmt: skip

    def _train(
        self, prepared: Spikes, labels: IntArray, order: IntArray, p: Parameters,
        rule: "RelativeTarget", *, t_max: int, count_fired: bool, look: int, together: bool,
    ) -> OnlineReport:  # fmt: skip
        n, on_card = len(order), self._cupy.asarray
        flips: IntArray = np.zeros(len(p.latent), dtype=np.int64)
        if n == 0:
            nobody = [np.zeros(len(w), dtype=np.int64) for w in p.latent]
            return OnlineReport(Outcomes.of(0), flips, 0, nobody if count_fired else [])
        one_bit, look = p.signs is not None, min(look, n)
        program = self._programs[one_bit]
        plan = _plan(n, rule.batch_size if together else 1, rule)
        layers = [self._layer(p, k, n, look) for k in range(len(p.latent))]
        shrink, rate = on_card(plan.shrink), on_card(plan.rate)
        which, rows = on_card(order.astype(np.int32)), on_card(np.arange(n, dtype=np.int32))
        teachers = on_card(labels.astype(np.int32))
        state = self._state()
        heard = [prepared, *(layer.spikes for layer in layers)]
        sources = [which] + [rows] * len(layers)
        last = layers[-1]

        def one_round(end: int) -> Iterator[Launch]:
            # (1) forward: firing times of every layer
            for k, layer in enumerate(layers):
                if k > 0:
                    yield self._list(program, state, end, look, heard[k], layer.n_in, t_max)
                yield self._forward(
                    program, state, end, look, sources[k], heard[k], layer.weights, layer.threshold,
                    layer.scale, shrink, layer.n_in, layer.n_out, t_max, layer.spikes.times,
                    layer.potential, layer.excess, layer.late,
                )  # fmt: skip
            # (2) targets and error of the output layer, (3) normalise
            yield program.launch(
                "teach", (1,), _round_up(min(look, THREADS), 32), state, np.int32(end),
                np.int32(look), np.int32(together), which, teachers, last.spikes.times,
                last.potential, rate, np.int32(last.n_in), np.int32(last.n_out),
                np.int32(rule.gamma), np.int32(rule.all_silent == "teach"), np.int32(t_max),
                last.delta, last.step, last.slope,
            )  # fmt: skip
            for k in reversed(range(len(layers))):
                # (4) update this layer
                layer = layers[k]
                yield program.launch(
                    "update", (_blocks(layer.n_in * layer.n_out),), THREADS, state, np.int32(k),
                    sources[k], heard[k].times, layer.spikes.times, layer.step, layer.slope,
                    np.int32(layer.n_in), np.int32(layer.n_out),
                    np.float64(rule.scale_learning_rate), layer.latent,
                    layer.signs, layer.scale, layer.flips,
                )  # fmt: skip
                if k > 0:
                    # (5) pass the deltas through it, (3) normalise
                    before = layers[k - 1]
                    yield program.launch(
                        "pass_back", (look if together else 1,), THREADS, state,
                        before.spikes.times, layer.spikes.times, layer.latent, layer.delta,
                        before.potential, rate, np.int32(before.n_in), np.int32(before.n_out),
                        np.int32(layer.n_out), before.delta, before.step, before.slope,
                    )  # fmt: skip

        done, told = 0, state.get()
        for end, decays in plan.stages:
            launches = list(one_round(end))
            while done < end and told[FAILED] < 0:
                # No round can take more than `look` images, so that many are needed at the least.
                for _ in range(-(-(end - done) // look)):
                    for launch in launches:
                        launch()
                told = state.get()  # the only place where the host waits
                done = int(told[NEXT])
            # (6) weight decay
            for share in decays:
                for layer in layers:
                    program.launch(
                        "decay", (_blocks(layer.n_in * layer.n_out),), THREADS, layer.latent,
                        np.uint32(layer.n_in * layer.n_out), np.float64(share),
                    )()  # fmt: skip
        self._fetch(layers, p, flips)
        if told[FAILED] >= 0:
            raise ArithmeticError(scale_message(int(told[FAILED]), p.scale))
        outcomes = judge(
            last.spikes.times.get(), last.excess.get(), last.late.get(), labels[order],
            threshold=np.zeros(last.n_out), t_max=t_max,
        )  # fmt: skip
        fired = [(layer.spikes.times.get() < t_max).sum(axis=0) for layer in layers]
        return OnlineReport(outcomes, flips, int(told[UPDATES]), fired if count_fired else [])

    def _layer(self, p: Parameters, k: int, n: int, look: int) -> _Layer:
        """Bring a layer to the card, with room for ``n`` images, ``look`` of them in a round."""
        on_card, empty = self._cupy.asarray, self._cupy.empty
        n_out, n_in = p.latent[k].shape
        _check_size(n_in, n_out)
        number = p.latent[k].dtype
        latent = on_card(np.ascontiguousarray(p.latent[k].T))
        kind: npt.DTypeLike = np.float64
        signs, weights = self._cupy.zeros(1, np.uint32), latent
        if p.signs is not None:
            kind = np.int32
            signs = weights = on_card(_words(_packed(p.signs[k])))
        return _Layer(
            n_in, n_out, latent, signs, weights, on_card(p.thresholds[k]),
            on_card(p.scale[k : k + 1]), self._cupy.zeros(1, np.uint64),
            self._room_for_spikes(n, n_out),
            empty((n, n_out), kind), empty((n, n_out), np.float64), empty((n, n_out), kind),
            empty((look, n_out), np.float64), empty((look, n_out), number),
            empty(look, np.float64),
        )  # fmt: skip

    def _fetch(self, layers: list[_Layer], p: Parameters, flips: IntArray) -> None:
        """Bring back what was learned."""
        for k, layer in enumerate(layers):
            p.latent[k].T[...] = layer.latent.get().reshape(layer.n_in, layer.n_out)
            flips[k] = layer.flips.get()[0]
            if p.signs is not None:
                p.scale[k] = layer.scale.get()[0]
                bits = np.unpackbits(
                    layer.signs.get().view(np.uint8), count=layer.n_in * layer.n_out,
                    bitorder="little",
                )  # fmt: skip
                p.signs[k].T[...] = np.where(bits, 1, -1).reshape(layer.n_in, layer.n_out)

    def _race(
        self, heard: Spikes, content: AnyArray, threshold: FloatArray, *, t_max: int, one_bit: bool
    ) -> tuple[Array, Array, Array]:
        """One layer, without learning: firing times, potentials, and how far above threshold."""
        (n, n_in), n_out = heard.times.shape, len(threshold)
        _check_size(n_in, n_out)
        empty, on_card = self._cupy.empty, self._cupy.asarray
        kind = np.int32 if one_bit else np.float64
        times, excess = empty((n, n_out), np.int16), empty((n, n_out), np.float64)
        potential, late = empty((n, n_out), kind), empty((n, n_out), kind)
        if n:
            self._forward(
                self._programs[one_bit], self._state(), n, n, on_card(np.arange(n, dtype=np.int32)),
                heard, on_card(content), on_card(threshold), on_card(np.ones(1)),
                on_card(np.ones(n)), n_in, n_out, t_max, times, potential, excess, late,
            )()  # fmt: skip
        return times, potential, excess

    def _listed(self, times: Array, t_max: int) -> Spikes:
        """The spikes of a layer, for the next one."""
        n, n_in = times.shape
        spikes = self._room_for_spikes(n, n_in)._replace(times=times)
        self._list(self._programs[True], self._state(), n, n, spikes, n_in, t_max)()
        return spikes

    def _list(
        self, program: Program, state: Array, end: int, n_images: int, spikes: Spikes, n_in: int,
        t_max: int,
    ) -> Launch:  # fmt: skip
        return program.launch(
            "list_spikes", (n_images, _blocks(n_in)), THREADS, state, np.int32(end), spikes.times,
            np.int32(n_in), np.int32(t_max), spikes.who, spikes.count,
        )  # fmt: skip

    def _forward(
        self, program: Program, state: Array, end: int, n_images: int, which: Array, heard: Spikes,
        weights: Array, threshold: Array, scale: Array, shrink: Array, n_in: int, n_out: int,
        t_max: int, times: Array, potential: Array, excess: Array, late: Array,
    ) -> Launch:  # fmt: skip
        threads = min(THREADS, _round_up(n_out, 32))
        return program.launch(
            "forward", (n_images, -(-n_out // threads)), threads, state, np.int32(end), which,
            heard.times, heard.who, heard.count, weights, threshold, scale, shrink,
            np.int32(n_in), np.int32(n_out), np.int32(t_max), times, potential, excess, late,
        )  # fmt: skip

    def _room_for_spikes(self, n: int, size: int) -> Spikes:
        empty = self._cupy.empty
        return Spikes(empty((n, size), np.int16), empty((n, size), np.int32), empty(n, np.int32))

    def _state(self) -> Array:
        return self._cupy.asarray(np.array(FRESH, dtype=np.int32))


class _Plan(NamedTuple):
    """What a training does to the weights besides learning, image by image.

    Attributes
    ----------
    shrink, rate : float64 arrays, shape (n,)
        What the weights have shrunk to by decay, and the learning rate, for each image.
    stages : list of pairs (int, list of float)
        Up to which image to learn, and what to multiply into the weights then.
    """

    shrink: FloatArray
    rate: FloatArray
    stages: list[tuple[int, list[float]]]


def _plan(n: int, batch_size: int, rule: "RelativeTarget") -> _Plan:
    """As the reference does step (6): it does not depend on what is learned."""
    keep = 1.0 - rule.learning_rate * rule.weight_decay
    shrinks, rates = np.empty(n), np.empty(n)
    stages: list[tuple[int, list[float]]] = []
    shrink = 1.0
    for start in range(0, n, batch_size):
        end = min(start + batch_size, n)
        shrinks[start:end] = shrink
        rates[start:end] = rule.learning_rate / shrink / (end - start)
        decays = []
        for m in range(start, end):
            shrink *= keep
            if shrink < SMALLEST_SHRINK or (m == n - 1 and shrink != 1.0):
                decays.append(shrink)
                shrink = 1.0
        if decays or end == n:
            stages.append((end, decays))
    return _Plan(shrinks, rates, stages)


def _packed(signs: AnyArray) -> npt.NDArray[np.uint8]:
    """As :func:`minibs4nn.binary.pack_bits`, for signs that are known to be +1 and -1."""
    return np.packbits(signs.T.ravel() > 0, bitorder="little")


def _words(bits: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint32]:
    """Packed bits as 32-bit words, the last one filled up with zeros."""
    padded = np.zeros(_round_up(bits.size, 4), dtype=np.uint8)
    padded[: bits.size] = bits
    return padded.view("<u4").astype(np.uint32)


def _round_up(n: int, unit: int) -> int:
    return -(-n // unit) * unit


def _blocks(n_threads: int) -> int:
    return -(-n_threads // THREADS)


def _check_size(n_in: int, n_out: int) -> None:
    if n_in * n_out > MOST_WEIGHTS:
        raise BackendError(
            f"backend='cupy': a layer may have up to {MOST_WEIGHTS} weights, got {n_in} x {n_out}; "
            "use backend='numba'"
        )


def device() -> Device:
    """The card of this machine.

    Returns
    -------
    Device

    Raises
    ------
    BackendError
        If there is none that computes; the message says what is missing.
    """
    found = usable_gpu()
    if found.cupy is None:
        raise BackendError(f"backend='cupy' needs CuPy and a CUDA device: {found.detail}")
    return _device(found.cupy)


@cache
def _device(cupy: Any) -> Device:
    return Device(cupy)
