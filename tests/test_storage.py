"""Networks in files: the same bits come back, from every other file one clear error."""

import copy
import errno
import io
import json
import os
import random
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import archives
import numpy as np
import numpy.typing as npt
import pytest
from archives import LAYERS, Verdict, npy, test, train, trained, with_header, with_members
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import minibs4nn as bs
from minibs4nn.errors import FileFormatError
from minibs4nn.network import FORMAT, Network
from minibs4nn.storage import rule_of

Array = npt.NDArray[Any]
Trained = bs.S4NN | bs.BS4NN | bs.BNN
KINDS = ("S4NN", "BS4NN", "BNN")


def arrays_of(net: Network) -> dict[str, Array]:
    """All numbers of a network under names, as its public attributes show them."""
    assert isinstance(net, Trained)
    named = {"weights": net.weights_}
    if isinstance(net, bs.BS4NN | bs.BNN):
        named["latent"] = list(net.latent_weights_)
    if isinstance(net, bs.BS4NN):
        named["scale"] = [net.scale_]
    if not isinstance(net, bs.BNN):
        named["thresholds"] = list(net.thresholds_)
        named["threshold"] = list(net.threshold)
    arrays = {f"{name} {k}": array for name, some in named.items() for k, array in enumerate(some)}
    return arrays | {f"rule {name}": array for name, array in net.rule_state_.items()}


def check_same(one: Network, other: Network, *, but: tuple[str, ...] = ()) -> None:
    """Two networks are the same to the last bit; of their histories, all columns but some."""
    assert type(one) is type(other)
    assert (one.layers, one.seed, one.rule_) == (other.layers, other.seed, other.rule_)
    for name in ("t_max", "initial_weights"):
        assert getattr(one, name, None) == getattr(other, name, None)
    first, second = arrays_of(one), arrays_of(other)
    assert first.keys() == second.keys()
    for name, array in first.items():
        assert (array.dtype, array.shape) == (second[name].dtype, second[name].shape), name
        assert array.tobytes() == second[name].tobytes(), name
    histories = [
        [{name: value for name, value in record.items() if name not in but} for record in records]
        for records in (one.history_.records, other.history_.records)
    ]
    assert histories[0] == histories[1]


# --- round trip ----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_a_trained_network_comes_back(kind: str, tmp_path: Path) -> None:
    net = trained(kind)
    net.save(tmp_path / "net")  # the name is taken as it is given
    assert os.listdir(tmp_path) == ["net"]
    again = bs.load(tmp_path / "net", backend="numpy")
    check_same(net, again)
    assert len(again.history_) == 2
    assert again.rule_ == {"S4NN": bs.S4NN_PUBLISHED, "BS4NN": bs.BS4NN_PUBLISHED}.get(
        kind, bs.StraightThrough()
    )
    assert (again.predict(test.images) == net.predict(test.images)).all()
    assert again.evaluate(test.images, test.labels) == net.evaluate(test.images, test.labels)
    again.save(tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == (tmp_path / "net").read_bytes()


FEWER = settings(max_examples=40)  # each example writes a file, and waits for the disk
WEIGHTS = st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from(
    [0.0, -0.0, 1.0, -1.0, 0.1, 5e-324, -5e-324, 1e-40, 1.7e308, -1.7e308]
)


@st.composite
def networks(draw: st.DrawFn) -> bs.S4NN | bs.BS4NN:
    """Networks of any depth with any finite numbers, a threshold for each neuron."""
    sizes = draw(st.lists(st.integers(1, 4), min_size=2, max_size=5))
    shapes = list(zip(sizes[1:], sizes[:-1], strict=True))
    alike = draw(st.sampled_from([WEIGHTS, st.sampled_from([1.0, -1.0]), st.floats(-1, 1)]))
    weights = [draw(hnp.arrays(np.float64, shape, elements=alike)) for shape in shapes]
    thresholds = [draw(hnp.arrays(np.float64, n, elements=WEIGHTS)) for n in sizes[1:]]
    t_max = draw(st.sampled_from([1, 2, 256, 32767]))
    if draw(st.booleans()):
        return bs.S4NN.from_weights(weights, threshold=thresholds, t_max=t_max, backend="numpy")
    scale = draw(hnp.arrays(np.float64, len(shapes), elements=st.floats(5e-324, 1e308)))
    return bs.BS4NN.from_weights(
        weights, threshold=thresholds, t_max=t_max, scale=scale, backend="numpy"
    )


@FEWER
@given(networks())
def test_any_network_comes_back(
    tmp_path_factory: pytest.TempPathFactory, net: bs.S4NN | bs.BS4NN
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.npz"
    net.save(path)
    check_same(net, bs.load(path))


def test_all_settings_come_back(tmp_path: Path) -> None:
    rule = bs.RelativeTarget(learning_rate=0.3, gamma=2, weight_decay=1e-3, order="shuffle")
    net = bs.BS4NN(
        (64, 6, 5, 16), threshold=[3.0, np.arange(5.0), 2.5], scale=[1.0, 2.0, 3.0], t_max=40,
        initial_weights=[(-1.0, 5.0), (0.0, 1.0), (0.5, 48.0)], seed=2**70, backend="numpy",
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".* of the hidden neurons never fired")
        net.fit(train.images, train.labels, epochs=1, rule=rule, progress=False)
    net.save(tmp_path / "net.npz")
    again = bs.load(tmp_path / "net.npz")
    check_same(net, again)
    assert isinstance(again, bs.BS4NN)
    assert (again.t_max, again.seed, again.rule_) == (40, 2**70, rule)
    assert again.initial_weights == [(-1.0, 5.0), (0.0, 1.0), (0.5, 48.0)]
    assert again.thresholds_[1].tolist() == [0, 1, 2, 3, 4]


def test_the_backend_is_chosen_anew(tmp_path: Path) -> None:
    trained("S4NN").save(tmp_path / "net.npz")
    for backend in ("numpy", "numba"):
        net = bs.load(tmp_path / "net.npz", backend=backend)
        assert isinstance(net, bs.S4NN)
        assert net.backend == backend
    with pytest.raises(ValueError, match=r"load: backend must be one of 'auto', .*; got 'abacus'"):
        bs.load(tmp_path / "net.npz", backend="abacus")


def test_weights_that_decayed_to_nothing_keep_their_sign(tmp_path: Path) -> None:
    """What runs after loading is what ran before: signs are not stored, but made anew."""
    net = bs.BS4NN.from_weights([[[1.0, -1.0]], [[1.0], [-1.0]]], scale=1.0, threshold=9.0)
    rule = bs.RelativeTarget(learning_rate=1.0, weight_decay=0.9)
    black = np.zeros((150, 2), np.uint8)
    with pytest.warns(UserWarning, match="100% of the hidden neurons never fired"):
        net.fit(black, np.zeros(150, np.int64), epochs=1, rule=rule, progress=False)
    assert np.abs(net.latent_weights_[0]).max() < 1e-37
    assert net.weights_[0].tolist() == [[1, -1]]
    net.save(tmp_path / "net.npz")
    check_same(bs.load(tmp_path / "net.npz"), net)


def test_signs_take_one_byte_and_numpy_reads_them(tmp_path: Path) -> None:
    signs = np.where(np.arange(600).reshape(20, 30) % 7 < 3, 1.0, -1.0)
    net = bs.BS4NN.from_weights([signs], scale=1.0)
    net.save(tmp_path / "net.npz")
    with np.load(tmp_path / "net.npz", allow_pickle=False) as plain:
        assert plain["weights_0"].dtype == np.int8
        assert (plain["weights_0"] == signs).all()
        assert set(plain.files) == {"header", "weights_0", "thresholds_0", "scale"}


@dataclass(frozen=True)
class Counting:
    """A rule of a user's own, which remembers whole numbers in float64."""

    step: float = 0.5
    names: list[str] = field(default_factory=list)

    def begin(self, net: Network) -> None:
        """Give a fresh network its first weights."""

    def train_epoch(self, net: Network, epoch: Any) -> None:
        """Count the epochs."""
        state = net.rule_state_.setdefault("epochs", np.zeros(2))
        state += self.step * 2
        epoch.observe(1, {"accuracy": 0.5}, flips=np.zeros(2, np.int64))


def test_what_a_rule_remembers_keeps_its_dtype(tmp_path: Path) -> None:
    path, images, labels = tmp_path / "net.npz", train.images, train.labels
    net = trained("S4NN")
    net.fit(images, labels, epochs=3, rule=Counting(), progress=False)
    net.rule_state_["bits"] = np.array([True, False])
    net.rule_state_["nan"] = np.array([np.nan, np.inf, -0.0], np.float32)
    net.save(path)
    again = bs.load(path, backend="numpy")
    assert again.rule_ is None  # it must be given again: its code is not in the file
    again.rule_ = net.rule_
    check_same(net, again)
    again.fit(images, labels, epochs=4, rule=Counting(step=0.25), progress=False)
    assert again.rule_state_["epochs"].tolist() == [1.5, 1.5]


def test_moments_that_are_all_zero_can_go_on(tmp_path: Path) -> None:
    net = trained("BNN")
    for name in ("first_0", "second_0"):
        net.rule_state_[name][:] = 0  # as where no hidden neuron has a slope
    net.save(tmp_path / "net.npz")
    again = bs.load(tmp_path / "net.npz")
    check_same(net, again)
    for one in (net, again):
        one.fit(train.images, train.labels, epochs=3, progress=False)
    check_same(net, again, but=("seconds",))


@pytest.mark.parametrize("kind", KINDS)
def test_a_loaded_network_goes_on_to_the_same_bits(kind: str, tmp_path: Path) -> None:
    def learn(net: Network, epochs: int, rule: Any) -> None:
        net.fit(
            train.images, train.labels, epochs=epochs, rule=rule, validation=0.25, progress=False
        )

    def fresh() -> Network:
        if kind == "BNN":
            return bs.BNN(LAYERS, seed=5)
        spiking = bs.S4NN if kind == "S4NN" else bs.BS4NN
        return spiking(LAYERS, threshold=8.0, seed=5, backend="numpy")

    shuffled = bs.RelativeTarget(reset_dead=0.1, weight_decay=0.001)  # all that is random
    rule = bs.StraightThrough(batch_size=7) if kind == "BNN" else shuffled
    whole, part = fresh(), fresh()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".* of the hidden neurons never fired")
        learn(whole, 4, rule)
        learn(part, 1, rule)
        for epochs in (2, 4):  # stopped twice
            part.save(tmp_path / "net.npz")
            part = bs.load(tmp_path / "net.npz", backend="numpy")
            learn(part, epochs, None)
    check_same(whole, part, but=("seconds",))


# --- the header, and what it says of the arrays --------------------------------------------------


def test_a_later_format_asks_for_an_update(tmp_path: Path) -> None:
    path = tmp_path / "w.npz"
    trained("BNN").save(path)
    good = path.read_bytes()
    for version in (FORMAT + 1, 10**40):
        path.write_bytes(with_header(good, {"format": version, "new": "things"}))
        with pytest.raises(FileFormatError) as caught:
            bs.load(path)
        assert str(caught.value) == (
            f"load: '{path}' has format {version}, this version reads up to {FORMAT}; "
            "update minibs4nn"
        )


DELETE = "delete it"
Change = Callable[[dict[str, Any]], object]


def put(*path: str | int, value: object) -> Change:
    """Change one place of a header, or delete it."""

    def change(header: Any) -> None:
        for key in path[:-1]:
            header = header[key]
        if value == DELETE:
            del header[path[-1]]
        else:
            header[path[-1]] = value

    return change


# Name, kind of network, what is changed in its header, and what the message says.
HeaderCase = tuple[str, str, Change, str]


def each(kind: str, *path: str | int, values: Sequence[Any], reason: str) -> list[HeaderCase]:
    """One case for each value in one place."""
    return [(f"{path[-1]} {v!r}"[:40], kind, put(*path, value=v), reason) for v in values]


NAN, INF, HUGE = float("nan"), float("inf"), 10**400
NO_SIZES = [
    [], [64], 64, None, "64", "abc", {"a": 1}, [64, 8, 16.0], [64, True, 16], [64, 0, 16],
    [64, -8, 16], [[64], [8], [16]], [64, "8", 16], [64, None, 16], [INF, 1],
]  # fmt: skip
OTHER_SIZES = [
    [64, 9, 16], [64, 8, 16, 16], [8, 64, 16], [64, 10**8, 16], [64, 10**15, 16], [HUGE, 8, 16],
    [64, 8, 2**63], [10**9] * 3, [1] * 30_000,
]  # fmt: skip
NO_RANGES = [
    [], [0, 5], [[0, 5]], [[0, 5]] * 3, [[5, 0], [0, 1]], [[0, 5], [0, NAN]], [[0, 5], [0, INF]],
    [[0, 5], [0, HUGE]], "abc", 3, {"a": 1}, [[0], [1, 2]], [["a", "b"], ["c", "d"]], [{}, {}],
]  # fmt: skip
NO_ACCURACIES = [
    "high", None, NAN, -INF, HUGE, {"a": 1}, [0.5, "a"], [[1], [1, 2]], [[[]], [1]], [0.5, 0.5],
]  # fmt: skip
# Deep enough for json to read, and for repr to give up or not: how deep that is differs.
DEEP = [json.loads("[" * depth + "]" * depth) for depth in range(800, 960, 20)]

HEADERS: list[HeaderCase] = [
    *each("BNN", "format", reason="its format must be a whole number from 1",
          values=[0, -1, True, None, "1", 1.0, 1.5, [1], {}, -(10**4000), DELETE]),
    *each("BNN", "kind", reason="kind must be one of 'BNN', 'BS4NN', 'S4NN'",
          values=["bnn", "Network", "__init__", None, 3, ["BNN"], {"BNN": 1}, "\ud800", DELETE]),
    ("BS4NN is no S4NN", "BS4NN", put("kind", value="S4NN"), "a S4NN has no array 'scale'"),
    ("S4NN is no BS4NN", "S4NN", put("kind", value="BS4NN"), "no array 'scale' of shape (2,)"),
    ("BNN is no S4NN", "BNN", put("kind", value="S4NN"), "no array 'thresholds_0'"),
    ("S4NN is no BNN", "S4NN", put("kind", value="BNN"), "initial_weights"),
    *each("S4NN", "settings", values=[DELETE, None, [64, 8, 16], "x"], reason="no settings"),
    ("no layers", "S4NN", put("settings", "layers", value=DELETE), "layers must be two or more"),
    ("no t_max", "S4NN", put("settings", "t_max", value=DELETE), "its settings must be layers"),
    ("no seed", "BNN", put("settings", "seed", value=DELETE), "its settings must be layers"),
    ("unknown setting", "S4NN", put("settings", "depth", value=3), "depth"),
    ("unknown to BNN", "BNN", put("settings", "t_max", value=3), "t_max"),
    ("not in files", "BS4NN", put("settings", "threshold", value=3.0), "its settings must be"),
    ("backend", "BS4NN", put("settings", "backend", value="numpy"), "its settings must be"),
    ("huge threshold", "BS4NN", put("settings", "threshold", value=HUGE), "must be real numbers"),
    *each("S4NN", "settings", "layers", values=NO_SIZES, reason="layers must be two or more"),
    *each("BNN", "settings", "layers", values=NO_SIZES, reason="layers must be two or more"),
    *each("S4NN", "settings", "layers", values=OTHER_SIZES, reason="has no array"),
    *each("BS4NN", "settings", "layers", values=OTHER_SIZES, reason="has no array"),
    *each("BNN", "settings", "layers", values=OTHER_SIZES, reason="has no array"),
    *each("S4NN", "settings", "layers", values=DEEP, reason=""),
    ("one layer less", "S4NN", put("settings", "layers", value=[64, 8]), "must be 1 pairs"),
    *each("S4NN", "settings", "t_max", reason="t_max must be a whole number of time steps",
          values=[0, -1, 32768, 2**31, 2**64, HUGE, 256.0, True, None, "256", [256], NAN]),
    *each("BS4NN", "settings", "seed", reason="seed must be a whole number from 0",
          values=[-1, 0.5, None, "0", True, [0], {}, -HUGE, INF]),
    *each("S4NN", "settings", "initial_weights", values=NO_RANGES, reason="initial_weights must"),
    *each("S4NN", "history", reason="history must be",
          values=[DELETE, None, 3, "abc", {}, {"epoch": 1}, [1, 2], [None], [[]], ["epoch"], [{}]]),
    *each("BNN", "history", 1, "epoch", reason="record 2 of the history must be that of epoch 2",
          values=[1, 3, 0, -2, None, "2", [2], {}, HUGE, DELETE]),
    ("lost record", "BNN", put("history", 0, value=DELETE), "record 1 of the history must be"),
    *each("BS4NN", "history", 0, "accuracy", values=NO_ACCURACIES[:-1],
          reason="accuracy in the history must be"),
    *each("BS4NN", "history", 1, "accuracy", values=NO_ACCURACIES, reason="accuracy in the hist"),
    ("flips", "BS4NN", put("history", 1, "flips", value=[1, 2, 3]), "flips in the history has sha"),
    ("no rule", "BS4NN", put("rule", value=DELETE), "no rule"),
    *each("BS4NN", "rule", reason="rule: must be None or numbers with a name",
          values=[[], "RelativeTarget", 3, {}, {"name": None}, {"name": ["x"]}, {"gamma": 1}]),
    ("rule with unknown field", "BS4NN", put("rule", "momentum", value=0.9), "momentum"),
    ("rule with odd field", "BS4NN", put("rule", "__class__", value=0.9), "__class__"),
    ("rule with a field of another", "BNN", put("rule", "gamma", value=1), "gamma"),
    *[
        case
        for kind, name in (("BNN", "learning_rate"), ("S4NN", "learning_rate"), ("S4NN", "gamma"))
        for case in each(kind, "rule", name, values=[-1, "1", None, NAN, INF, [1], {}], reason="")
    ],
    ("rate of 400 digits", "S4NN", put("rule", "learning_rate", value=HUGE), "real numbers"),
    *each("BNN", "rule", "batch_size", values=[0, 0.5], reason="batch_size must be"),
    *each("S4NN", "rule", "order", values=["random", ["file"]], reason="order must be one of"),
    *each("S4NN", "rule", "all_silent", values=[1, None], reason="all_silent must be one of"),
    ("decay", "S4NN", put("rule", "weight_decay", value=5.0), "weight_decay must stay below 1"),
]  # fmt: skip

ones = np.ones((8, 64))
# Name, kind of network, arrays to replace, and what the message says.
ARRAYS: list[tuple[str, str, Mapping[str, bytes | None], str]] = [
    *[
        (f"{kind} without {name}", kind, {name: None}, f"has no array '{name}'")
        for kind, names in {
            "S4NN": ("weights_0", "weights_1", "thresholds_0", "thresholds_1"),
            "BS4NN": ("weights_0", "thresholds_1", "scale"),
            "BNN": ("weights_0", "weights_1"),
        }.items()
        for name in names
    ],
    *[
        (f"{kind} with {name} {value}", kind, {name: npy(np.full(shape, value))}, message)
        for kind, name, shape in (
            ("S4NN", "weights_0", (8, 64)),
            ("BS4NN", "weights_1", (16, 8)),
            ("S4NN", "thresholds_0", (8,)),
            ("BS4NN", "thresholds_1", (16,)),
            ("BS4NN", "scale", (2,)),
        )
        for value, message in (
            (np.nan, f"{name} must be finite"),
            (np.inf, f"{name} must be finite"),
            (-np.inf, f"{name} must be finite"),
        )
    ],
    *[
        (f"BNN with {value}", "BNN", {"weights_0": npy(np.full((8, 64), value, np.float32))},
         "weights_0 must be finite")
        for value in (np.nan, np.inf)
    ],
    ("NaN that signals", "S4NN",
     {"weights_0": npy(np.full((8, 64), 0x7F800001, np.uint32).view(np.float32))},
     "weights_0 must be finite"),
    *[
        (f"scale {value}", "BS4NN", {"scale": npy(np.array(value))}, "scale")
        for value in ([0.0, 1.0], [-0.0, 1.0], [1.0, -3.0], [], [1.0], [1.0] * 3, 1.0, [[1.0, 1.0]])
    ],
    *[
        (f"weights {k}", "S4NN", {"weights_0": npy(array)}, "no array 'weights_0' of shape (8, 64)")
        for k, array in enumerate(
            [ones.T, ones[:7], ones[None], ones.ravel(), ones[0, 0], np.ones((0, 64))]
        )
    ],
    ("BNN with numbers it would round", "BNN", {"weights_0": npy(0.1 * ones)}, "exact in float32"),
    ("BNN with numbers beyond it", "BNN", {"weights_0": npy(1e300 * ones)}, "exact in float32"),
    ("another layer", "S4NN", {"weights_2": npy(ones)}, "a S4NN has no array 'weights_2'"),
    ("scale for S4NN", "S4NN", {"scale": npy([1.0, 1.0])}, "a S4NN has no array 'scale'"),
    ("thresholds for BNN", "BNN", {"thresholds_0": npy(ones[:, 0])}, "a BNN has no array"),
    ("unknown array", "BNN", {"x": npy(1)}, "a BNN has no array 'x'"),
    ("rule without its dot", "BNN", {"rulefirst_0": npy(1)}, "a BNN has no array 'rulefirst_0'"),
]  # fmt: skip


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a file of each kind of network, under its name."""
    folder = tmp_path_factory.mktemp("saved")
    for kind in KINDS:
        trained(kind).save(folder / kind)
    return folder


@pytest.fixture(scope="module")
def verdicts(saved: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Verdict]:
    made = {}
    for number, (_, kind, change, _) in enumerate(HEADERS):
        header = archives.header_of((saved / kind).read_bytes())
        change(header)
        made[f"header {number}"] = with_header((saved / kind).read_bytes(), header)
    for number, (_, kind, arrays, _) in enumerate(ARRAYS):
        made[f"arrays {number}"] = with_members((saved / kind).read_bytes(), arrays)
    return archives.judge(made, (saved / "BNN").read_bytes(), tmp_path_factory.mktemp("hostile"))


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        pytest.param(number, reason, id=f"{kind}, {name}")
        for number, (name, kind, _, reason) in enumerate(HEADERS)
    ],
)
def test_headers_that_make_no_sense(verdicts: dict[str, Verdict], number: int, reason: str) -> None:
    archives.check_refused(verdicts, f"header {number}", reason)


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        pytest.param(number, reason, id=f"{kind}, {name}")
        for number, (name, kind, _, reason) in enumerate(ARRAYS)
    ],
)
def test_arrays_that_do_not_fit(verdicts: dict[str, Verdict], number: int, reason: str) -> None:
    archives.check_refused(verdicts, f"arrays {number}", reason)


def test_a_network_that_load_would_refuse_is_not_saved(tmp_path: Path) -> None:
    path = tmp_path / "net.npz"
    net = trained("BS4NN")
    net.save(path)
    before = path.read_bytes()
    net.history_.records[1]["note"] = "the good one"
    with pytest.raises(TypeError, match=r"BS4NN\.save: note in the history must be real numbers"):
        net.save(path)
    del net.history_.records[0]
    with pytest.raises(ValueError, match="record 1 of the history must be that of epoch 1"):
        net.save(path)
    assert os.listdir(tmp_path) == ["net.npz"]
    assert path.read_bytes() == before


def test_a_column_that_some_epochs_lack_comes_back(tmp_path: Path) -> None:
    net = trained("BNN")
    net.history_.records[1]["norms"] = [1.5, 2.5]  # from a callback that began late
    net.save(tmp_path / "net.npz")
    norms = bs.load(tmp_path / "net.npz").history_["norms"]
    assert np.isnan(norms[0]).all()
    assert norms[1].tolist() == [1.5, 2.5]


def test_infinite_thresholds_are_refused_at_once() -> None:
    with pytest.raises(ValueError, match="threshold must be finite numbers, found NaN or infinity"):
        bs.S4NN.from_weights([[[1.0]]], threshold=np.inf)


def test_a_rule_is_made_from_its_description() -> None:
    assert rule_of(None) is None
    assert rule_of({"name": "Counting", "step": 0.5}) is None
    assert rule_of({"name": "RelativeTarget", "gamma": 3}) == bs.RelativeTarget(gamma=3)
    with pytest.raises(TypeError, match="rule: must be None or numbers with a name, got 3"):
        rule_of(3)  # type: ignore[arg-type]


# --- damage --------------------------------------------------------------------------------------


def check_found_or_harmless(path: Path, data: bytes, good: Network) -> bool:
    """A damaged file is refused, or gives the network that was saved; True if it is refused."""
    path.write_bytes(data)
    try:
        net = bs.load(path, backend="numpy")
    except FileFormatError:
        return True
    check_same(net, good)
    return False


def test_truncated_anywhere(tmp_path: Path) -> None:
    path, rng = tmp_path / "net.npz", np.random.default_rng(0)
    bs.S4NN.from_weights([rng.normal(size=(30, 784)), rng.normal(size=(10, 30))]).save(path)
    data = path.read_bytes()
    assert len(data) > 150_000
    edges = [*range(100), *range(len(data) - 400, len(data))]
    for length in [*edges, *range(0, len(data), 1000)]:
        path.write_bytes(data[:length])
        with pytest.raises(FileFormatError, match=r"load: '.+net\.npz' is not a network of this"):
            bs.load(path)


@pytest.mark.parametrize("kind", KINDS)
def test_one_bit_flipped(kind: str, saved: Path, tmp_path: Path) -> None:
    path, data, rng = tmp_path / "net.npz", (saved / kind).read_bytes(), random.Random(0)
    path.write_bytes(data)
    good = bs.load(path, backend="numpy")
    directory = data.index(b"PK\1\2")
    bits = rng.sample(range(8 * len(data)), 400) + rng.sample(
        range(8 * directory, 8 * len(data)), 200
    )
    found = 0
    for bit in bits:
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        found += check_found_or_harmless(path, bytes(flipped), good)
    assert found > 400  # the others were dates, file modes and the like


def check_usable(net: Network, path: Path) -> None:
    """What was loaded predicts, can be looked at, and saved and loaded again."""
    # The numbers may be so large that sums overflow; that warns, and is no error.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        images = np.zeros((3, net.layers[0]), np.uint8)
        images[1:] = 255
        predicted = net.predict(images)
        net.evaluate(images, np.zeros(3, np.int64))
    assert predicted.shape == (3,)
    assert ((predicted >= 0) & (predicted < net.layers[-1])).all()
    for name in list(net.history_.keys()):
        assert len(net.history_[name]) == len(net.history_)
    net.save(path)
    check_same(bs.load(path), net)


def check_refused_or_usable(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    try:
        net = bs.load(path, backend="numpy")
    except FileFormatError:
        return
    check_usable(net, path)


EDITS = st.lists(
    st.tuples(
        st.floats(0, 1),  # where, as a share of the file
        st.integers(0, 6),  # how many bytes go
        st.binary(max_size=6) | st.sampled_from([b"PK\1\2", b"PK\5\6", b"\xff" * 4, bytes(8)]),
    ),
    min_size=1,
    max_size=4,
)


def edit(data: bytes, edits: list[tuple[float, int, bytes]]) -> bytes:
    """Replace, insert or delete bytes at some places."""
    for place, gone, new in edits:
        start = round(place * len(data))
        data = data[:start] + new + data[start + gone :]
    return data


@given(kind=st.sampled_from(KINDS), edits=EDITS)
def test_edited_bytes(
    saved: Path, tmp_path_factory: pytest.TempPathFactory, kind: str, edits: Any
) -> None:
    path = tmp_path_factory.getbasetemp() / "edited.npz"
    check_refused_or_usable(path, edit((saved / kind).read_bytes(), edits))


@given(kind=st.sampled_from(KINDS), which=st.integers(0, 99), edits=EDITS)
def test_edited_members_with_right_checksums(
    saved: Path,
    tmp_path_factory: pytest.TempPathFactory,
    kind: str,
    which: int,
    edits: Any,
) -> None:
    path = tmp_path_factory.getbasetemp() / "mended.npz"
    members = archives.members_of((saved / kind).read_bytes())
    name = list(members)[which % len(members)]
    check_refused_or_usable(path, archives.pack(members | {name: edit(members[name], edits)}))


VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=4)
    | st.sampled_from([0, -1, 1, 2, 64, 10**9, 2**63, 10**400, 1e308, "S4NN", "BNN", "Relative"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)


def places(tree: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """All paths into a JSON document, but the empty one."""
    items: list[tuple[str | int, Any]] = []
    if isinstance(tree, dict):
        items = list(tree.items())
    elif isinstance(tree, list):
        items = list(enumerate(tree))
    here = [(*path, key) for key, _ in items]
    return here + [place for key, value in items for place in places(value, (*path, key))]


@given(
    kind=st.sampled_from(KINDS),
    changes=st.lists(
        st.tuples(st.integers(0, 999), st.just(DELETE) | st.just("again") | VALUES),
        min_size=1,
        max_size=3,
    ),
)
def test_changed_headers(
    saved: Path,
    tmp_path_factory: pytest.TempPathFactory,
    kind: str,
    changes: list[tuple[int, Any]],
) -> None:
    path = tmp_path_factory.getbasetemp() / "changed.npz"
    header = archives.header_of((saved / kind).read_bytes())
    for number, value in changes:
        possible = places(header)
        if possible:
            place = possible[number % len(possible)]
            if value == "again":  # what stands there, as a list of two
                branch: Any = header
                for key in place:
                    branch = branch[key]
                value = [branch, copy.deepcopy(branch)]
            put(*place, value=value)(header)
    check_refused_or_usable(path, with_header((saved / kind).read_bytes(), header))


# --- saving --------------------------------------------------------------------------------------


def test_what_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        bs.load(tmp_path / "missing.npz")
    with pytest.raises(FileFormatError, match="is not a regular file"):
        bs.load(tmp_path)
    with pytest.raises(FileNotFoundError):
        trained("BNN").save(tmp_path / "missing" / "net.npz")


def test_a_full_disk_keeps_the_last_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "run.npz"

    def fill(net: Network, record: dict[str, Any]) -> None:
        if record["epoch"] == 2:
            monkeypatch.setattr(os, "fsync", full)

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    net = bs.BNN(LAYERS)
    callbacks = [fill, bs.checkpoint(path)]
    with pytest.raises(OSError, match="No space left"):
        net.fit(train.images, train.labels, epochs=5, callbacks=callbacks, progress=False)
    monkeypatch.undo()
    assert os.listdir(tmp_path) == ["run.npz"]
    again = bs.load(path)
    assert len(again.history_) == 1
    again.fit(train.images, train.labels, epochs=5, progress=False)
    whole = bs.BNN(LAYERS).fit(train.images, train.labels, epochs=5, progress=False)
    check_same(again, whole, but=("seconds",))


# Every network in this loop has all weights equal to its seed, so that a mixture would be seen.
SAVE_FOR_EVER = """
import itertools, sys
import numpy as np
import minibs4nn as bs
{preparation}
save = bs.checkpoint(sys.argv[1])
for k in itertools.count(1):
    net = bs.S4NN.from_weights([np.full((200, 784), k + 0.1)])
    net.seed = k
    save(net, {{"epoch": k}})
    if k == 1:
        print("first", flush=True)
"""
IN_PLACE = """
import contextlib
from minibs4nn import files

@contextlib.contextmanager
def write_in_place(path):
    with open(path, "wb") as file:
        yield file

files.atomic_write = write_in_place
"""


def kill_while_saving(path: Path, rng: random.Random, preparation: str = "") -> bool:
    """Kill a process at a random moment while it saves; whether its file is whole."""
    command = [sys.executable, "-c", SAVE_FOR_EVER.format(preparation=preparation), str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"first\n"
        time.sleep(rng.uniform(0, 0.1))
        process.kill()
    try:
        net = bs.load(path)
    except FileFormatError:
        return False
    assert isinstance(net, bs.S4NN)
    assert (net.weights_[0] == net.seed + 0.1).all()
    return True


def test_a_killed_process_leaves_a_whole_file(tmp_path: Path) -> None:
    rng = random.Random(0)
    assert all(kill_while_saving(tmp_path / "net.npz", rng) for _ in range(10))


def test_the_test_above_finds_files_that_are_written_in_place(tmp_path: Path) -> None:
    rng = random.Random(0)
    path = tmp_path / "net.npz"
    assert not all(kill_while_saving(path, rng, preparation=IN_PLACE) for _ in range(50))


def test_processes_that_save_at_once_leave_a_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "net.npz"
    code = SAVE_FOR_EVER.format(preparation="").replace("count(1)", "islice(itertools.count(1), 9)")
    command = [sys.executable, "-c", code, str(path)]
    running = [subprocess.Popen(command, stdout=subprocess.DEVNULL) for _ in range(2)]
    assert [process.wait(60) for process in running] == [0, 0]
    net = bs.load(path)
    assert isinstance(net, bs.S4NN)
    assert net.seed == 9
    assert (net.weights_[0] == 9.1).all()
    assert os.listdir(tmp_path) == ["net.npz"]


def test_loading_reads_from_anything_path_like(saved: Path, tmp_path: Path) -> None:
    path = tmp_path / "net.npz"
    path.write_bytes((saved / "BNN").read_bytes())
    check_same(bs.load(str(path)), bs.load(path))
    with pytest.raises(TypeError):
        bs.load(io.BytesIO((saved / "BNN").read_bytes()))  # type: ignore[arg-type]
