"""Networks in files: exactly what was saved, or one clear error."""

import dataclasses
import json
import re
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minibs4nn as bs
from minibs4nn.errors import FileFormatError
from minibs4nn.files import read_npz, write_npz
from minibs4nn.training import Epoch

Array = npt.NDArray[Any]
Header = dict[str, Any]
TRAIN, TEST = bs.datasets.bars(60, size=4, noise=0.2, seed=2)
RULE = bs.RelativeTarget(learning_rate=0.1, gamma=3, all_silent="teach", weight_decay=1e-3)
KINDS = ["S4NN", "BS4NN", "BNN"]


def trained(kind: str) -> Any:
    """A small network after two epochs."""
    if kind == "BNN":
        net: Any = bs.BNN((16, 12, 8), seed=3)
        rule: Any = bs.StraightThrough(batch_size=10)
    else:
        scale = {"scale": [1.5, 0.7]} if kind == "BS4NN" else {}
        thresholds = [np.linspace(0.5, 2, 12), 1.0]
        net = getattr(bs, kind)((16, 12, 8), threshold=thresholds, seed=3, backend="numpy", **scale)
        net.initial_weights = [(-0.5, 1.0), (-0.5, 1.0)]
        rule = RULE
    return net.fit(
        TRAIN.images, TRAIN.labels, epochs=2, rule=rule, validation=0.2, progress=False
    )  # fmt: skip


def contents(net: Any) -> dict[str, Any]:
    """Everything that a file should keep."""
    arrays = net._arrays() | net.rule_state_
    return {
        "kind": type(net).__name__,
        "settings": net._settings(),
        "history": net.history_.records,
        "rule": net.rule_,
        "arrays": {k: (a.dtype.str, a.shape, a.tobytes()) for k, a in sorted(arrays.items())},
    }


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a saved network of every kind."""
    path = tmp_path_factory.mktemp("networks")
    for kind in KINDS:
        trained(kind).save(path / f"{kind}.npz")
    return path


# --- round trips ---------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_saved_is_loaded(kind: str, tmp_path: Path) -> None:
    net = trained(kind)
    net.save(tmp_path / "net.npz")
    same = bs.load(tmp_path / "net.npz")
    assert contents(same) == contents(net)
    assert np.array_equal(same.predict(TEST.images), net.predict(TEST.images))
    assert same.evaluate(TEST.images, TEST.labels) == net.evaluate(TEST.images, TEST.labels)
    assert same.layers == net.layers
    same.save(str(tmp_path / "again.npz"))
    assert contents(bs.load(str(tmp_path / "again.npz"))) == contents(net)
    for loaded in (same, net):
        loaded.fit(TRAIN.images, TRAIN.labels, epochs=3, validation=0.2, progress=False)
        loaded.history_.records[-1].pop("seconds")
    assert contents(same) == contents(net)


def test_a_network_that_was_made_of_weights_can_be_kept_and_trained(tmp_path: Path) -> None:
    net = bs.BS4NN.from_weights(
        [[[0.1, -0.0, -1e-300]], [[-3.5e38], [2.0]]], scale=[4.03707844, 9.06516109], threshold=1.0
    )
    net.save(tmp_path / "net.npz")
    same = bs.load(tmp_path / "net.npz")
    assert isinstance(same, bs.BS4NN)
    assert contents(same) == contents(net)
    assert [w.tolist() for w in same.weights_] == [[[1, 1, -1]], [[-1], [1]]]
    assert same.scale_.tolist() == [4.03707844, 9.06516109]
    assert same.rule_ is None
    same.fit(np.full((3, 3), 255, np.uint8), [0, 1, 0], epochs=1, progress=False)


def test_weights_that_fell_below_what_single_precision_holds_keep_their_sign(
    tmp_path: Path,
) -> None:
    """What runs after loading is what ran before: signs are not stored, but made anew."""
    net = bs.BS4NN.from_weights([[[1.0, -1.0]], [[1.0], [-1.0]]], scale=1.0, threshold=9.0)
    rule = bs.RelativeTarget(learning_rate=1.0, weight_decay=0.9)
    black = np.zeros((150, 2), np.uint8)
    with pytest.warns(UserWarning, match="100% of the hidden neurons never fired"):
        net.fit(black, np.zeros(150, np.int64), epochs=1, rule=rule, progress=False)
    assert np.abs(net.latent_weights_[0]).max() < 1e-37
    assert net.weights_[0].tolist() == [[1, -1]]
    net.save(tmp_path / "net.npz")
    same = bs.load(tmp_path / "net.npz")
    assert isinstance(same, bs.BS4NN)
    assert [w.tolist() for w in same.weights_] == [w.tolist() for w in net.weights_]


@dataclasses.dataclass(frozen=True)
class OwnRule:
    """A rule of the user's own, which the library cannot make again."""

    learning_rate: float = 0.5

    def begin(self, net: Any) -> None:
        """Take the weights of the settings."""
        net.initialise()

    def train_epoch(self, net: Any, epoch: Epoch) -> None:
        """Learn nothing, and keep a number."""
        net.rule_state_["moment"] = np.full(3, float(epoch.number))
        flips = np.zeros(len(net.layers) - 1, np.int64)
        epoch.observe(len(epoch.images), {"accuracy": 0.5}, flips=flips)


def test_a_rule_of_the_users_own_is_named_and_its_memory_kept(tmp_path: Path) -> None:
    net = bs.S4NN((16, 8))
    net.fit(TRAIN.images, TRAIN.labels, epochs=2, rule=OwnRule(), progress=False)
    net.save(tmp_path / "net.npz")
    header, _ = read_npz(tmp_path / "net.npz")
    assert header["rule"] == {"name": "OwnRule", "learning_rate": 0.5}
    same = bs.load(tmp_path / "net.npz")
    assert same.rule_ is None
    assert same.rule_state_["moment"].tolist() == [2, 2, 2]


@pytest.mark.parametrize("backend", ["numpy", "numba", "auto"])
def test_the_backend_is_chosen_when_loading(backend: str, folder: Path) -> None:
    net = bs.load(folder / "S4NN.npz", backend=backend)
    assert isinstance(net, bs.S4NN)
    assert net.backend == backend


def test_a_file_that_is_not_there_and_a_backend_that_is_none(folder: Path) -> None:
    with pytest.raises(FileNotFoundError):
        bs.load(folder / "nothing.npz")
    message = "load: backend must be one of 'auto', 'numpy', 'numba', 'cupy'; got 'fast'"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$") as error:
        bs.load(folder / "S4NN.npz", backend="fast")
    assert not isinstance(error.value, FileFormatError)


def test_nothing_in_a_file_is_a_pickle(folder: Path) -> None:
    for kind in KINDS:
        with np.load(folder / f"{kind}.npz", allow_pickle=False) as file:
            assert all(file[name].dtype.kind in "biuf" for name in file.files)


# --- damage --------------------------------------------------------------------------------------


def outcome(path: Path, data: bytes) -> dict[str, Any] | None:
    """What a file holds, or None if it is refused; every other exception is a failure."""
    path.write_bytes(data)
    try:
        return contents(bs.load(path))
    except FileFormatError:
        return None


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Return the bytes of a network of the usual width."""
    path = tmp_path_factory.mktemp("large") / "net.npz"
    net = bs.BS4NN((784, 20, 10), seed=1, backend="numpy")
    net.fit(np.zeros((1, 784), np.uint8), [0], epochs=0, progress=False)
    net.save(path)
    return path.read_bytes()


def test_a_network_that_is_cut_off_anywhere_is_refused(folder: Path, large: bytes) -> None:
    path = folder / "cut.npz"
    assert outcome(path, large) is not None
    assert len(large) > 50_000
    for length in [*range(0, len(large), 1000), *range(len(large) - 60, len(large))]:
        assert outcome(path, large[:length]) is None


@pytest.mark.parametrize("kind", KINDS)
def test_a_flipped_bit_is_noticed_or_meant_nothing(kind: str, folder: Path) -> None:
    data = (folder / f"{kind}.npz").read_bytes()
    good = outcome(folder / "flip.npz", data)
    refused = 0
    places = range(0, len(data), 5)
    for at in places:
        flipped = bytearray(data)
        flipped[at] ^= 1 << at % 8
        result = outcome(folder / "flip.npz", bytes(flipped))
        assert result in (None, good), f"byte {at}"
        refused += result is None
    assert refused > 0.8 * len(places)


@given(data=st.data())
def test_mutated_networks_are_refused_or_are_the_same(folder: Path, data: st.DataObject) -> None:
    original = (folder / "BS4NN.npz").read_bytes()
    mutated = bytearray(original)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(mutated) - 1))
        size = data.draw(st.integers(1, 100))
        if data.draw(st.booleans()):
            mutated[at : at + size] = data.draw(st.binary(max_size=100))
        else:
            mutated[at:at] = mutated[at : at + size]
    result = outcome(folder / "mutated.npz", bytes(mutated))
    assert result in (None, outcome(folder / "mutated.npz", original))


# --- hostile headers -----------------------------------------------------------------------------


def rewritten(folder: Path, kind: str, change: Callable[[Header], Any]) -> Path:
    """Write a whole file whose header was changed."""
    header, arrays = read_npz(folder / f"{kind}.npz")
    change(header)
    write_npz(folder / "rewritten.npz", header, arrays)
    return folder / "rewritten.npz"


def test_a_later_format_says_what_to_do(folder: Path) -> None:
    path = rewritten(folder, "BS4NN", lambda header: header.update(format=2))
    message = f"load: '{path}' has format 2, this version reads up to 1; update minibs4nn"
    with pytest.raises(FileFormatError, match=f"^{re.escape(message)}$"):
        bs.load(path)


DEEP: Any = []
for _ in range(500):
    DEEP = [DEEP]

HEADERS: dict[str, Callable[[Header], Any]] = {
    "no format": lambda h: h.pop("format"),
    "format 0": lambda h: h.update(format=0),
    "format is a text": lambda h: h.update(format="1"),
    "format is true": lambda h: h.update(format=True),
    "format is a fraction": lambda h: h.update(format=1.0),
    "format is nothing": lambda h: h.update(format=None),
    "no kind": lambda h: h.pop("kind"),
    "kind unknown": lambda h: h.update(kind="CNN"),
    "kind is a list": lambda h: h.update(kind=[]),
    "kind is another": lambda h: h.update(kind="S4NN"),
    "kind is private": lambda h: h.update(kind="__class__"),
    "no settings": lambda h: h.pop("settings"),
    "settings are a list": lambda h: h.update(settings=[1]),
    "settings are nothing": lambda h: h.update(settings=None),
    "a setting is missing": lambda h: h["settings"].pop("seed"),
    "a setting too many": lambda h: h["settings"].update(colour="red"),
    "a setting that the header may not make": lambda h: h["settings"].update(backend="cupy"),
    "a setting that is private": lambda h: h["settings"].update(self=1),
    "no layers": lambda h: h["settings"].pop("layers"),
    "layers are a number": lambda h: h["settings"].update(layers=3),
    "layers are a text": lambda h: h["settings"].update(layers="abc"),
    "layers are huge": lambda h: h["settings"].update(layers=[10**12, 10**12, 10**12]),
    "layers are larger than integers": lambda h: h["settings"].update(layers=[10**30, 12, 8]),
    "the last layer is huge": lambda h: h["settings"].update(layers=[16, 12, 10**10]),
    "a hundred thousand layers": lambda h: h["settings"].update(layers=[1] * 10**5),
    "a layer is missing": lambda h: h["settings"].update(layers=[16, 12]),
    "a layer is wider": lambda h: h["settings"].update(layers=[16, 12, 9]),
    "a layer is empty": lambda h: h["settings"].update(layers=[16, 0, 8]),
    "a layer is negative": lambda h: h["settings"].update(layers=[16, -12, 8]),
    "a window of nothing": lambda h: h["settings"].update(t_max=0),
    "a window without end": lambda h: h["settings"].update(t_max=10**9),
    "a window of text": lambda h: h["settings"].update(t_max="256"),
    "a negative seed": lambda h: h["settings"].update(seed=-1),
    "a seed of text": lambda h: h["settings"].update(seed="1"),
    "initial weights missing": lambda h: h["settings"].update(initial_weights=[[0, 1]]),
    "initial weights upside down": lambda h: h["settings"].update(initial_weights=[[1, 0], [1, 0]]),
    "initial weights too large": lambda h: h["settings"].update(
        initial_weights=[[0, 10**400], [0, 1]]
    ),
    "initial weights of text": lambda h: h["settings"].update(initial_weights="ab"),
    "no history": lambda h: h.pop("history"),
    "history is a text": lambda h: h.update(history="abc"),
    "history is an object": lambda h: h.update(history={"epoch": 1}),
    "history of numbers": lambda h: h.update(history=[1, 2]),
    "history without epochs": lambda h: h.update(history=[{}, {}]),
    "history in another order": lambda h: h["history"].reverse(),
    "history with a gap": lambda h: h["history"].pop(0),
    "history of texts": lambda h: h["history"][0].update(accuracy="good"),
    "history of objects": lambda h: h["history"][0].update(accuracy={}),
    "history with numbers too large": lambda h: h["history"][0].update(accuracy=10**400),
    "history of another shape": lambda h: h["history"][0].update(flips=[1, 2, 3]),
    "no rule": lambda h: h.pop("rule"),
    "rule is a text": lambda h: h.update(rule="RelativeTarget"),
    "rule is a list": lambda h: h.update(rule=[]),
    "rule without a name": lambda h: h["rule"].pop("name"),
    "rule with a list for a name": lambda h: h["rule"].update(name=[]),
    "rule with a number too many": lambda h: h["rule"].update(momentum=0.9),
    "rule with a text": lambda h: h["rule"].update(learning_rate="0.1"),
    "rule with a number too large": lambda h: h["rule"].update(weight_decay=10**400),
    "rule with a negative rate": lambda h: h["rule"].update(learning_rate=-1),
    "rule with an order unknown": lambda h: h["rule"].update(order="none"),
    "rule with a deep list": lambda h: h["rule"].update(gamma=DEEP),
}


@pytest.mark.parametrize("name", HEADERS)
def test_hostile_headers_give_one_error_and_take_no_memory(name: str, folder: Path) -> None:
    path = rewritten(folder, "BS4NN", HEADERS[name])
    tracemalloc.start()
    try:
        with pytest.raises(
            FileFormatError, match=r"^load: '.*rewritten\.npz' is damaged: "
        ) as error:
            bs.load(path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 30 * path.stat().st_size + 5_000_000
    assert len(str(error.value)) < 700


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.floats(allow_nan=False,
    allow_infinity=False) | st.sampled_from(["", "S4NN", "BNN", "file", "name", "RelativeTarget"])
    | st.integers(0, 20),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["name", "epoch", "gamma", "layers"]), inner, max_size=2),
    max_leaves=5,
)  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a header, the outermost left out."""
    inner: list[Any] = []
    if isinstance(value, dict):
        inner = list(value.items())
    elif isinstance(value, list):
        inner = list(enumerate(value))
    below = [place for key, item in inner for place in places(item, (*path, key))]
    return [(*path, key) for key, _ in inner] + below


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
def test_any_header_is_refused_or_gives_a_network_that_works(
    kind: str, folder: Path, data: st.DataObject
) -> None:
    def change(header: Header) -> None:
        place = data.draw(st.sampled_from(places(header)))
        inner: Any = header
        for key in place[:-1]:
            inner = inner[key]
        inner[place[-1]] = data.draw(JSON)

    path = rewritten(folder, kind, change)
    try:
        net = bs.load(path)
    except FileFormatError:
        return
    assert net.predict(TEST.images).shape == TEST.labels.shape
    for name in set(net.history_.keys()):
        assert len(net.history_[name]) == len(net.history_)
    net.save(folder / "saved.npz")
    assert contents(bs.load(folder / "saved.npz")) == contents(net)


# --- hostile arrays ------------------------------------------------------------------------------

ARRAYS: dict[str, tuple[str, Callable[[Array], Array | None]]] = {
    "weights missing": ("weights_0", lambda w: None),
    "weights turned": ("weights_0", lambda w: w.T),
    "weights cut": ("weights_1", lambda w: w[:, :-1]),
    "weights flat": ("weights_1", lambda w: w.ravel()),
    "weights not a number": ("weights_0", lambda w: np.full(w.shape, np.nan)),
    "weights infinite": ("weights_1", lambda w: np.full(w.shape, -np.inf)),
    "thresholds missing": ("thresholds_0", lambda w: None),
    "thresholds for others": ("thresholds_0", lambda w: w[:-1]),
    "thresholds not a number": ("thresholds_1", lambda w: w * np.nan),
    "scale missing": ("scale", lambda w: None),
    "scale zero": ("scale", lambda w: w * 0),
    "scale negative": ("scale", lambda w: -w),
    "scale for others": ("scale", lambda w: w[:1]),
    "scale a number": ("scale", lambda w: w[0]),
    "an array too many": ("extra", lambda w: np.ones(1)),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_hostile_arrays_give_one_error(name: str, folder: Path) -> None:
    header, arrays = read_npz(folder / "BS4NN.npz")
    key, change = ARRAYS[name]
    changed = change(arrays.pop(key, np.ones(1)))
    if changed is not None:
        arrays[key] = np.asarray(changed)
    write_npz(folder / "arrays.npz", header, arrays)
    with pytest.raises(FileFormatError, match=r"^load: '.*arrays\.npz' is damaged: "):
        bs.load(folder / "arrays.npz")


def test_a_file_of_another_program(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", weights=np.ones(3))
    with pytest.raises(FileFormatError, match=r"is not a network of this library, or is damaged"):
        bs.load(tmp_path / "x.npz")
    (tmp_path / "x.json").write_text(json.dumps({"format": 1}))
    with pytest.raises(FileFormatError, match=r"is not a network of this library, or is damaged"):
        bs.load(tmp_path / "x.json")
