"""Does the GPU path do what it says, and how fast? ``python -m minibs4nn gpu-check``.

Whoever has a card runs this one command. It compares the card with the reference, bit for bit, and
measures; what came out is written to a dated JSON file with a Markdown page beside it, for
``results/gpu/``. As long as there is no such file, every speed of a GPU in this project is an
estimate, and says so.
"""

import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from minibs4nn import datasets
from minibs4nn._checks import AnyArray, IntArray, SpikeTimes
from minibs4nn.coding import latency_code
from minibs4nn.files import atomic_write
from minibs4nn.kernels import Kernels, OnlineReport, Parameters, backends, get_kernels
from minibs4nn.kernels.gpu import Device, device
from minibs4nn.kernels.gpu_probe import usable_gpu
from minibs4nn.model import BS4NN, S4NN
from minibs4nn.reproduce import circumstances
from minibs4nn.rules import BS4NN_PUBLISHED, S4NN_PUBLISHED, RelativeTarget
from minibs4nn.training import PART

__all__ = ["DenseBS4NN", "Sizes", "examine", "markdown", "missing", "write"]

T_MAX = 256
MIXED = (-0.4, 1.0)  # weights of both signs, so that some flip at once


@dataclass(frozen=True)
class Sizes:
    """How much is compared and measured.

    Attributes
    ----------
    hidden : int
    exact : int
        Images that are compared with the reference, which is slow.
    train, test : int
        Images of one epoch, and of inference.
    dense : int
        Images for the dense form, which is slow.
    batch : int
        Of mini-batches.
    """

    hidden: int = 600
    exact: int = 200
    train: int = 60_000
    test: int = 10_000
    dense: int = 200
    batch: int = 100


class DenseBS4NN:
    """A training step in the style of the published code: dense arrays, one image at a time.

    For every image a one-hot array of spikes (inputs x time steps), its running sum over time, and
    a matrix product with the signs. Written here from the equations.

    Parameters
    ----------
    xp : module
        CuPy, or NumPy.
    parameters : Parameters
        Where to start; they are not changed.
    rule : RelativeTarget
        One that ignores images on which no output fires, and has no weight decay.
    """

    def __init__(self, xp: Any, parameters: Parameters, rule: RelativeTarget) -> None:
        self.xp, self.rule = xp, rule
        self.latent = [xp.asarray(w) for w in parameters.latent]
        self.signs = [xp.where(w < 0, -1.0, 1.0) for w in self.latent]
        self.thresholds = [float(theta[0]) for theta in parameters.thresholds]
        self.scale = [float(alpha) for alpha in parameters.scale]

    def train(self, times: AnyArray, label: int) -> None:
        """Learn from one image, whose spike times are on the card."""
        xp, rule = self.xp, self.rule
        heard, sums = [times], []
        for signs, theta, alpha in zip(self.signs, self.thresholds, self.scale, strict=True):
            one_hot = heard[-1][:, None] == xp.arange(T_MAX)[None, :]
            potential = signs @ xp.cumsum(one_hot, axis=1).astype(xp.float64)
            above = potential > float(np.floor(theta / alpha))
            above[:, -1] = True  # a crossing in the last step is silent, as is none
            crossing = above.argmax(axis=1)
            heard.append(crossing + 1)
            sums.append(potential[xp.arange(len(signs)), crossing])
        out = heard[-1]
        first = out.min()
        near = out - first < rule.gamma
        target = xp.where(near, xp.minimum(first + rule.gamma, T_MAX), out)
        target[label] = first
        target = xp.where(first == T_MAX, T_MAX, target)
        delta = (target - out) / T_MAX
        for k in reversed(range(len(self.latent))):
            length = xp.sqrt((delta**2).sum())
            delta = xp.where(length > 0, delta / xp.where(length > 0, length, 1.0), delta)
            earlier = heard[k][None, :] < heard[k + 1][:, None]
            step = (rule.learning_rate * delta).astype(self.latent[k].dtype)
            self.latent[k] = self.latent[k] - step[:, None] * earlier
            slope = float((delta * sums[k]).sum()) / self.latent[k].size
            self.scale[k] -= rule.scale_learning_rate * slope
            self.signs[k] = xp.where(self.latent[k] < 0, -1.0, 1.0)
            delta = (delta[:, None] * self.latent[k] * earlier).sum(axis=0)


def missing() -> str:
    """What there is and what is missing, where no card can be used.

    Returns
    -------
    str
    """
    lines = [f"gpu-check: no usable GPU here: {usable_gpu().detail}", "", "Backends:"]
    for name, backend in backends().items():
        lines.append(f"  {name}: {backend.detail if backend.usable else 'not usable'}")
    lines += [
        "",
        "What it takes: a CUDA device of compute capability 7.5 or later, its driver, and CuPy:",
        "  pip install 'minibs4nn[gpu]'          # CUDA 13",
        "  pip install 'minibs4nn[gpu-cuda12]'   # older drivers",
        "Never both. Without a card, minibs4nn.emulation runs the same kernels on the CPU.",
    ]
    return "\n".join(lines)


def examine(
    sizes: Sizes | None = None,
    *,
    card: Device | None = None,
    xp: Any = None,
    say: Callable[[str], object] = print,
) -> dict[str, Any]:
    """Compare a card with the reference, and measure.

    Parameters
    ----------
    sizes : Sizes, optional
    card : Device, optional
        None: the card of this machine.
    xp : module, optional
        What the dense form computes with. None: the CuPy of this machine.
    say : callable
        Is told what is being done.

    Returns
    -------
    dict
        For JSON: ``device``, ``exact``, ``seconds_per_epoch``, ``images_per_second``, ``ratios``
        and the circumstances.

    Raises
    ------
    BackendError
        If there is no card.
    """
    sizes = sizes or Sizes()
    detail = usable_gpu().detail if card is None else "a device that the caller chose"
    card = card or device()
    xp = xp or usable_gpu().cupy
    train, test = datasets.mnist()
    times, labels = latency_code(train.images), train.labels.astype(np.int64)
    say(f"{detail}: comparing with the reference on {sizes.exact} images of MNIST")
    exact = dict(_exactness(card, times[: sizes.exact], labels, sizes))
    say("measuring the three ways to train")
    speeds, steps = _training(card, times[: sizes.train], labels, sizes)
    say("measuring inference from packed bits, and the dense form")
    images = latency_code(test.images[: sizes.test])
    rate, same = _inference(card, images, sizes)
    exact["classes from packed bits"] = same
    dense = _dense(xp, times, labels, sizes)
    first = {name: epochs[0] for name, epochs in speeds.items()}
    best = "BS4NN speculative"
    ratios = {f"CPU / {best}": first["BS4NN CPU"] / first[best]} if "BS4NN CPU" in first else {}
    ratios[f"dense, one image at a time / {best}"] = dense * sizes.train / first[best]
    return {
        "device": detail,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "sizes": {field.name: getattr(sizes, field.name) for field in fields(sizes)},
        "exact": exact,
        "seconds_per_epoch": speeds,
        "images_with_an_error": steps,
        "images_per_second": rate,
        "dense_seconds_per_image": dense,
        "ratios": ratios,
        "circumstances": circumstances(),
    }


def _exactness(
    card: Device, times: SpikeTimes, labels: IntArray, sizes: Sizes
) -> Iterator[tuple[str, bool]]:
    """Every way to train, of both networks, against the reference."""
    reference = get_kernels("numpy")
    order = np.arange(len(times))
    for name, start, rule in _networks(sizes.hidden, MIXED):
        weights, theta = start.weights[0], start.forward_thresholds[0]
        ours = card.layer_spike_times(times, weights, theta, t_max=T_MAX)
        wanted = reference.layer_spike_times(times, weights, theta, t_max=T_MAX)
        yield f"{name} firing times of the hidden layer", _same(ours[0], wanted[0])
        yield f"{name} potentials of the hidden layer", _same(ours[1], wanted[1])
        few = replace(rule, batch_size=min(7, len(times)))
        ways = (
            ("online", _online(card, 1), reference.train_online, rule),
            ("speculative", card.train_online, reference.train_online, rule),
            ("mini-batches", card.train_minibatches, reference.train_minibatches, few),
        )
        for way, learn, learn_slowly, its_rule in ways:
            found = []
            for prepare, do in ((card.prepare, learn), (reference.prepare, learn_slowly)):
                p = start.copy()
                prepared = prepare(times, t_max=T_MAX)
                report = do(prepared, labels, order, p, its_rule, t_max=T_MAX, count_fired=True)
                found.append((p, report))
            yield f"{name} {way}", _same_training(*found)


def _training(
    card: Device, times: SpikeTimes, labels: IntArray, sizes: Sizes
) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    """Seconds of two epochs, and the share of images with an error, for every way to train."""
    speeds: dict[str, list[float]] = {}
    errors: dict[str, list[float]] = {}
    ways: dict[str, tuple[Any, Any]] = {
        "online": (card.prepare, _online(card, 1)),
        "speculative": (card.prepare, card.train_online),
        "mini-batches": (card.prepare, card.train_minibatches),
    }
    if backends()["numba"].usable:
        cpu: Kernels = get_kernels("numba")
        ways["CPU"] = (cpu.prepare, cpu.train_online)
    for name, start, rule in _networks(sizes.hidden, None):
        for way, (prepare, learn) in ways.items():
            its_rule = replace(rule, batch_size=sizes.batch) if way == "mini-batches" else rule
            prepared = prepare(times, t_max=T_MAX)
            learn(  # compiles
                prepared, labels, np.arange(1), start.copy(), its_rule, t_max=T_MAX,
                count_fired=False,
            )  # fmt: skip
            p, order = start.copy(), np.random.default_rng(0).permutation(len(times))
            seconds, wrong = [], []
            for _ in range(2):
                began, updates = time.perf_counter(), 0
                for part in range(0, len(order), PART):
                    report: OnlineReport = learn(
                        prepared, labels, order[part : part + PART], p, its_rule, t_max=T_MAX,
                        count_fired=False,
                    )  # fmt: skip
                    updates += report.updates
                seconds.append(time.perf_counter() - began)
                wrong.append(updates / len(order))
            speeds[f"{name} {way}"], errors[f"{name} {way}"] = seconds, wrong
    return speeds, errors


def _inference(card: Device, times: SpikeTimes, sizes: Sizes) -> tuple[float, bool]:
    """Images per second from packed bits, and whether the classes are those of the reference."""
    net = BS4NN((784, sizes.hidden, 10), seed=0, backend="numpy")
    net.initialise([MIXED, MIXED])
    small = net.pack()

    def decide() -> IntArray:
        return card.decide_packed(times, small.bits, small.thresholds, t_max=T_MAX)

    classes, best = decide(), np.inf
    for _ in range(5):
        began = time.perf_counter()
        decide()
        best = min(best, time.perf_counter() - began)
    few = slice(sizes.exact)
    return len(times) / best, _same(classes[few], net.predict(times[few]))


def _dense(xp: Any, times: SpikeTimes, labels: IntArray, sizes: Sizes) -> float:
    """Seconds per image of the dense form."""
    _, start, rule = next(_networks(sizes.hidden, None))
    net = DenseBS4NN(xp, start, rule)
    on_card = [xp.asarray(row.astype(np.int64)) for row in times[: sizes.dense]]
    net.train(on_card[0], int(labels[0]))
    began = time.perf_counter()
    for row, label in zip(on_card, labels, strict=False):
        net.train(row, int(label))
    return (time.perf_counter() - began) / len(on_card)


def _networks(
    hidden: int, ranges: tuple[float, float] | None
) -> Iterator[tuple[str, Parameters, RelativeTarget]]:
    """A BS4NN and an S4NN, with the published settings."""
    nets = (("BS4NN", BS4NN, BS4NN_PUBLISHED), ("S4NN", S4NN, S4NN_PUBLISHED))
    for name, kind, rule in nets:
        net = kind((784, hidden, 10), seed=0, backend="numpy")
        net.initialise(None if ranges is None else [ranges, ranges])
        yield name, net.parameters, rule


def _online(card: Device, ahead: int) -> Callable[..., OnlineReport]:
    def learn(*arguments: Any, **options: Any) -> OnlineReport:
        return card.train_online(*arguments, **options, ahead=ahead)

    return learn


def _same(a: npt.NDArray[Any], b: npt.NDArray[Any]) -> bool:
    """Whether two arrays have the same bits."""
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


def _same_training(a: tuple[Parameters, OnlineReport], b: tuple[Parameters, OnlineReport]) -> bool:
    """Whether two trainings ended with the same bits and saw the same."""
    pairs = [*zip(a[0].latent, b[0].latent, strict=True), (a[0].scale, b[0].scale)]
    pairs += zip(a[0].signs or [], b[0].signs or [], strict=True)
    pairs += zip(a[1].fired, b[1].fired, strict=True)
    for field in fields(a[1].outcomes):
        pairs.append((getattr(a[1].outcomes, field.name), getattr(b[1].outcomes, field.name)))
    pairs.append((a[1].flips, b[1].flips))
    return a[1].updates == b[1].updates and all(_same(x, y) for x, y in pairs)


def markdown(record: dict[str, Any]) -> str:
    """The record as a page.

    Parameters
    ----------
    record : dict
        As :func:`examine` returns it.

    Returns
    -------
    str
    """
    lines = [
        f"# GPU check: {record['device']}",
        "",
        f"{record['date']}. BS4NN and S4NN 784-{record['sizes']['hidden']}-10 on MNIST, the "
        "settings of the published code.",
        "",
        "## Equal to the reference, bit for bit",
        "",
        "| what | equal |",
        "|---|---|",
        *(f"| {what} | {'yes' if good else '**no**'} |" for what, good in record["exact"].items()),
        "",
        f"## Seconds per epoch of {record['sizes']['train']:,} images",
        "",
        "| way | first epoch | second epoch | images with an error |",
        "|---|---|---|---|",
    ]
    for way, (first, second) in record["seconds_per_epoch"].items():
        errors = record["images_with_an_error"][way]
        lines.append(f"| {way} | {first:.3f} | {second:.3f} | {errors[0]:.1%}, {errors[1]:.1%} |")
    lines += [
        "",
        f"Mini-batches of {record['sizes']['batch']} are another algorithm than the others.",
        "",
        "## Other measurements",
        "",
        f"- inference from packed bits: {record['images_per_second']:,.0f} images per second, "
        "from spike times on the host to classes on the host",
        f"- dense form, one image at a time: {record['dense_seconds_per_image'] * 1e3:.2f} ms for "
        "a training step",
        *(f"- {what}: {ratio:.1f} times" for what, ratio in record["ratios"].items()),
        "",
    ]
    return "\n".join(lines)


def write(record: dict[str, Any], folder: str | os.PathLike[str]) -> Path:
    """Write the record as JSON, and as a page beside it.

    Parameters
    ----------
    record : dict
    folder : str or path-like
        Made if it is not there.

    Returns
    -------
    path
        Of the page.
    """
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    stem = place / f"gpu-{record['date'][:19].replace(':', '')}"
    for suffix, text in ((".json", json.dumps(record, indent=2)), (".md", markdown(record))):
        with atomic_write(stem.with_suffix(suffix)) as file:
            file.write(text.encode())
    return stem.with_suffix(".md")
