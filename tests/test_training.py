"""Chapter 06: the loop. Resuming, interrupting, watching, and whether anything is learned."""

import dataclasses
import re
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minibs4nn as bs
from minibs4nn.kernels import cpu
from minibs4nn.training import Epoch, History, checkpoint, generator, split, trained_on

Array = npt.NDArray[Any]
Net = bs.S4NN | bs.BS4NN
TRAIN, TEST = bs.datasets.bars(200, size=4, noise=0.1, seed=0)
IMAGES, LABELS = TRAIN.images, TRAIN.labels
LAYERS = (16, 12, 8)
RULE = bs.RelativeTarget(
    learning_rate=0.1, gamma=3, weight_decay=1e-3, all_silent="teach", reset_dead=0.02
)
KINDS = pytest.mark.parametrize("cls", [bs.S4NN, bs.BS4NN])


def fresh(cls: type[Net], *, seed: int = 0, backend: str = "numba", **settings: Any) -> Net:
    standard: dict[str, Any] = {"threshold": 2.0, "initial_weights": [(-0.5, 1), (-0.5, 1)]}
    if cls is bs.BS4NN:
        standard["scale"] = 1.0
    return cls(LAYERS, seed=seed, backend=backend, **standard | settings)


def fit(net: Net, epochs: int, **more: Any) -> Net:
    options: dict[str, Any] = {"rule": RULE, "progress": False} | more
    return net.fit(IMAGES, LABELS, epochs=epochs, **options)


def state(net: Net) -> list[bytes]:
    """Everything that training changes, as bytes."""
    p = net.parameters
    arrays = [*p.latent, *(p.signs or []), *p.thresholds, p.scale, *net.rule_state_.values()]
    return [array.tobytes() for array in arrays]


def records(net: Net) -> list[dict[str, Any]]:
    """The history without what depends on the machine."""
    return [{k: v for k, v in r.items() if k != "seconds"} for r in net.history_.records]


# --- the same bits, whatever happens -------------------------------------------------------------


@KINDS
def test_equal_seeds_give_equal_bits_and_other_seeds_others(cls: type[Net]) -> None:
    one, two = fit(fresh(cls), 2, validation=0.2), fit(fresh(cls), 2, validation=0.2)
    assert state(one) == state(two)
    assert records(one) == records(two)
    other = fit(fresh(cls, seed=1), 2, validation=0.2)
    assert state(one) != state(other)
    assert records(one) != records(other)


@pytest.mark.parametrize("order", ["file", "shuffle", "replacement"])
@KINDS
def test_resuming_gives_the_bits_of_a_run_that_never_stopped(
    cls: type[Net], order: str, tmp_path: Path
) -> None:
    rule = dataclasses.replace(RULE, order=order)
    whole = fit(fresh(cls), 4, rule=rule, validation=0.2)
    fit(fresh(cls), 2, rule=rule, validation=0.2).save(tmp_path / "half.npz")
    for backend in ("numba", "numpy"):
        half = bs.load(tmp_path / "half.npz", backend=backend)
        assert isinstance(half, cls)
        fit(half, 4, rule=None, validation=0.2)  # the rule comes from the file
        assert state(half) == state(whole)
        assert records(half) == records(whole)
    again = fit(fit(fresh(cls), 2, rule=rule, validation=0.2), 4, rule=None, validation=0.2)
    assert state(again) == state(whole)


class Stop(KeyboardInterrupt):
    """Ctrl-C, as far as the library can tell."""


@KINDS
def test_an_interruption_within_an_epoch_loses_that_epoch_alone(
    cls: type[Net], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("minibs4nn.training.PART", 30)
    two, whole = fit(fresh(cls), 2), fit(fresh(cls), 4)
    net, observe, parts = fresh(cls), Epoch.observe, []

    def interrupted(self: Epoch, *args: Any, **kwargs: Any) -> None:
        observe(self, *args, **kwargs)
        parts.append(state(net))
        if len(parts) == 2 * 7 + 4:  # 200 images are 7 parts: in the middle of epoch 3
            raise Stop

    monkeypatch.setattr(Epoch, "observe", interrupted)
    with pytest.raises(Stop):
        fit(net, 4)
    assert parts[-1] != state(two)  # something had been learned of epoch 3
    assert state(net) == state(two)
    assert records(net) == records(two)
    monkeypatch.setattr(Epoch, "observe", observe)
    fit(net, 4)
    assert state(net) == state(whole)
    assert records(net) == records(whole)


@KINDS
def test_an_interruption_in_a_callback_keeps_the_epoch_that_was_finished(cls: type[Net]) -> None:
    def stop(net: Any, record: dict[str, Any]) -> None:
        if record["epoch"] == 2:
            raise Stop

    net = fresh(cls)
    with pytest.raises(Stop):
        fit(net, 4, callbacks=[stop])
    assert state(net) == state(fit(fresh(cls), 2))
    assert len(net.history_) == 2
    assert state(fit(net, 4)) == state(fit(fresh(cls), 4))


@KINDS
def test_an_interruption_while_validating_takes_the_epoch_back(
    cls: type[Net], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise Stop

    net = fit(fresh(cls), 1, validation=0.2)
    before = state(net)
    with monkeypatch.context() as patch:
        patch.setattr(cls, "evaluate_inputs", interrupted)
        with pytest.raises(Stop):
            fit(net, 2, validation=0.2)
    assert state(net) == before
    assert len(net.history_) == 1
    assert state(fit(net, 2, validation=0.2)) == state(fit(fresh(cls), 2, validation=0.2))


def test_the_random_numbers_of_an_epoch_come_from_seed_and_number_alone() -> None:
    drawn = {
        (seed, purpose, epoch): generator(seed, purpose, epoch).random()
        for seed in (0, 1, 2**80)
        for purpose in ("weights", "split", "epoch")
        for epoch in (0, 1, 2)
    }
    assert len(set(drawn.values())) == len(drawn)
    assert drawn[1, "epoch", 2] == generator(1, "epoch", 2).random()


def test_arrays_of_another_kind_compile_nothing_anew() -> None:
    """Numba compiles once for each kind of array: to compile takes longer than to train."""
    fit(fresh(bs.S4NN), 1)
    compiled = len(cpu._train.signatures)
    for images, labels in ((IMAGES, LABELS), (IMAGES[::-1], LABELS[::-1]), (TRAIN.images, LABELS)):
        for classes in (labels, labels.astype(np.uint8), labels.copy()):
            fresh(bs.S4NN).fit(images, classes, epochs=1, rule=RULE, progress=False)
    assert len(cpu._train.signatures) == compiled


# --- orders of the images ------------------------------------------------------------------------


def test_orders_of_the_images() -> None:
    images = np.arange(5, 205)

    def order(name: str, seed: int) -> Array:
        rule = dataclasses.replace(RULE, order=name)
        return rule.image_order(images, np.random.default_rng(seed))

    assert order("file", 0).tolist() == images.tolist()
    for name in ("shuffle", "replacement"):
        assert order(name, 0).tolist() == order(name, 0).tolist()
        assert order(name, 0).tolist() != order(name, 1).tolist()
    assert sorted(order("shuffle", 0)) == images.tolist()
    drawn = order("replacement", 0)
    assert drawn.size == images.size
    assert set(drawn) < set(images)  # some twice, some never
    assert images.tolist() == list(range(5, 205))


@KINDS
def test_each_order_trains_another_network(cls: type[Net]) -> None:
    states = [
        state(fit(fresh(cls), 1, rule=dataclasses.replace(RULE, order=order)))
        for order in ("file", "shuffle", "replacement")
    ]
    assert states[0] != states[1] != states[2] != states[0]


# --- validation ----------------------------------------------------------------------------------


@given(st.integers(2, 60), st.floats(0.01, 0.99), st.integers(0, 2**70))
def test_a_split_is_disjoint_complete_and_repeatable(n: int, fraction: float, seed: int) -> None:
    n_held_out = round(n * fraction)
    if not 0 < n_held_out < n:
        with pytest.raises(ValueError, match="leaves images on both sides"):
            split(n, fraction, seed)
        return
    learn, held_out = split(n, fraction, seed)
    assert held_out.size == n_held_out
    assert sorted([*learn, *held_out]) == list(range(n))
    again = split(n, fraction, seed)
    assert [part.tolist() for part in again] == [learn.tolist(), held_out.tolist()]


@KINDS
def test_held_out_images_are_not_learned_from(cls: type[Net]) -> None:
    learn, held_out = split(len(IMAGES), 0.25, seed=0)
    net = fit(fresh(cls), 2, validation=0.25)
    spoilt = IMAGES.copy()
    spoilt[held_out] = 77
    other = fresh(cls).fit(spoilt, LABELS, epochs=2, rule=RULE, validation=0.25, progress=False)
    assert state(net) == state(other)
    measured = net.evaluate(IMAGES[held_out], LABELS[held_out])
    assert net.history_[-1]["validation_accuracy"] == measured.accuracy
    assert net.history_[-1]["validation_decision_time"] == measured.decision_time
    assert set(learn).isdisjoint(held_out)


@KINDS
def test_another_validation_in_the_middle_of_a_run_is_told(cls: type[Net], tmp_path: Path) -> None:
    net = fit(fresh(cls), 1, validation=0.2)
    net.save(tmp_path / "net.npz")
    loaded = bs.load(tmp_path / "net.npz")
    assert isinstance(loaded, cls)
    assert loaded.trained_on_ == net.trained_on_ == trained_on(LABELS, 0.2)
    told = (
        f"{cls.__name__}.fit: this run held out 20% of its images, and is now told to hold out 0%"
    )
    with pytest.warns(UserWarning, match="^" + re.escape(told)):
        fit(loaded, 2)
    with pytest.warns(UserWarning, match="held out 0% .* to hold out 30%"):
        fit(loaded, 3, validation=0.3)
    fit(net, 2, validation=0.2)  # no warning: it is the same
    net.trained_on_ = None  # a file of an earlier version says nothing
    fit(net, 3)


@KINDS
def test_validation_with_a_pair_and_without(cls: type[Net]) -> None:
    pair = fit(fresh(cls), 2, validation=(TEST.images, TEST.labels))
    none = fit(fresh(cls), 2, validation=None)
    assert state(pair) == state(none)  # looking changes nothing
    measured = pair.evaluate(TEST.images, TEST.labels)
    for name in ("accuracy", "published_accuracy", "tied", "silent", "decision_time"):
        assert pair.history_[-1][f"validation_{name}"] == getattr(measured, name)
    assert not any(name.startswith("validation") for name in none.history_[0])


# --- history and callbacks -----------------------------------------------------------------------

SEEN = ["accuracy", "published_accuracy", "tied", "silent", "decision_time"]


@KINDS
def test_columns_of_the_history(cls: type[Net]) -> None:
    net = fit(fresh(cls), 3, validation=0.2)
    scale = ["scale"] if cls is bs.BS4NN else []
    assert sorted(net.history_.keys()) == sorted(
        ["epoch", "seconds", "updates", "flips", *scale, *SEEN]
        + [f"validation_{name}" for name in SEEN]
    )
    assert net.history_["epoch"].tolist() == [1, 2, 3]
    assert (net.history_["seconds"] > 0).all()
    for name in ("accuracy", "published_accuracy", "tied", "silent", "updates"):
        column = net.history_[name]
        assert ((column >= 0) & (column <= 1)).all()
    assert (net.history_["accuracy"] <= net.history_["published_accuracy"]).all()
    assert net.history_["flips"].shape == (3, 2)
    if cls is bs.BS4NN:
        assert net.history_["flips"].sum() > 0
        assert net.history_["scale"][-1].tolist() == net.scale_.tolist()  # type: ignore[union-attr]
    else:
        assert net.history_["flips"].sum() == 0


@KINDS
def test_the_history_is_of_each_image_just_before_it_is_learned_from(cls: type[Net]) -> None:
    """With a learning rate of 0 the network stays what it was, so it can be asked afterwards."""
    still = bs.RelativeTarget(learning_rate=0.0, scale_learning_rate=0.0, gamma=3)
    net = fit(fresh(cls), 1, rule=still)
    measured = net.evaluate(IMAGES, LABELS)
    for name in SEEN:
        assert net.history_[0][name] == pytest.approx(getattr(measured, name), abs=1e-12)


def test_a_history_reads_like_columns_and_like_records() -> None:
    history = History([{"epoch": 1, "a": 0.5}, {"epoch": 2, "a": 0.25, "flips": 3}])
    assert len(history) == 2
    assert "flips" in history
    assert "b" not in history
    assert history[0] == {"epoch": 1, "a": 0.5}
    assert np.isnan(history["flips"][0])
    assert history["flips"][1] == 3
    assert repr(history) == "History(2 epochs: epoch, a, flips)"
    with pytest.raises(KeyError, match="History: no column 'b'; there are epoch, a, flips"):
        history["b"]
    with pytest.raises(IndexError):
        history[2]
    assert History()["anything"].tolist() == []
    assert history[np.int64(1)] == history[1]
    assert history[-2:] == history.records[-2:]


@KINDS
def test_callbacks_get_the_network_and_the_record(cls: type[Net]) -> None:
    seen: list[tuple[object, dict[str, Any], list[bytes]]] = []
    order: list[str] = []
    net = fit(
        fresh(cls), 3,
        callbacks=[
            lambda net, record: seen.append((net, record, state(net))),
            lambda net, record: order.append("second"),
        ],
    )  # fmt: skip
    assert [record["epoch"] for _, record, _ in seen] == [1, 2, 3]
    assert all(given is net for given, _, _ in seen)
    assert [record for _, record, _ in seen] == net.history_.records
    assert [bits for *_, bits in seen] == [state(fit(fresh(cls), n)) for n in (1, 2, 3)]
    assert len(order) == 3


@KINDS
def test_checkpoint(cls: type[Net], tmp_path: Path) -> None:
    every, second = tmp_path / "every.npz", tmp_path / "second.npz"
    net = fit(fresh(cls), 3, callbacks=[checkpoint(every), bs.checkpoint(second, every=2)])
    whole, part = bs.load(every), bs.load(second)
    assert isinstance(whole, cls)
    assert isinstance(part, cls)
    assert len(whole.history_) == 3
    assert state(whole) == state(net)
    assert len(part.history_) == 2
    assert state(fit(part, 3)) == state(net)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["every.npz", "second.npz"]


def test_a_checkpoint_that_can_never_be_written_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(
        FileNotFoundError, match=r"^checkpoint: the folder .*missing does not exist"
    ):
        checkpoint(tmp_path / "missing" / "run.npz")
    with pytest.raises(
        TypeError, match=r"^checkpoint: path must name a file, such as .*, got None"
    ):
        checkpoint(None)  # type: ignore[arg-type]


def test_what_callbacks_add_can_be_saved(tmp_path: Path) -> None:
    def add(net: object, record: dict[str, Any]) -> None:
        record |= {"a": np.int64(3), "b": np.float32(0.5), "c": np.array([1, 2]), "d": np.bool_(1)}

    path = tmp_path / "net.npz"
    net = fit(fresh(bs.BS4NN), 2, callbacks=[add, checkpoint(path)])
    loaded = bs.load(path)
    assert isinstance(loaded, bs.BS4NN)
    for history in (net.history_, loaded.history_):
        last = history[-1]
        assert (last["a"], last["b"], last["c"], last["d"]) == (3, 0.5, [1, 2], True)


@pytest.mark.parametrize("value", ["text", None, np.nan, [1.0, np.inf], [[1], [2, 3]]])
def test_what_cannot_be_saved_is_named_at_once_and_the_epoch_kept(
    value: Any, tmp_path: Path
) -> None:
    def add(net: object, record: dict[str, Any]) -> None:
        record["mine"] = value

    net = fresh(bs.BS4NN)
    with pytest.raises(
        (TypeError, ValueError), match=r"^fit: 'mine', which .* put into the record"
    ):
        fit(net, 2, callbacks=[add])
    assert len(net.history_) == 1
    net.save(tmp_path / "net.npz")
    assert state(fit(net, 2)) == state(fit(fresh(bs.BS4NN), 2))


@pytest.mark.parametrize("every", [0, -1, 1.5, True, "2"])
def test_checkpoint_refuses(every: Any) -> None:
    message = f"checkpoint: every must be a whole number of epochs from 1, got {every!r}"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        checkpoint("run.npz", every=every)


# --- warnings ------------------------------------------------------------------------------------


@KINDS
def test_a_fit_that_adds_nothing_says_so(cls: type[Net]) -> None:
    net = fit(fresh(cls), 2)
    before = state(net)
    message = (
        f"{cls.__name__}.fit: this network has already been trained for 2 epochs, so epochs=1 adds "
        "nothing; ask for more, or make a new network to start again"
    )
    with pytest.warns(UserWarning, match=f"^{re.escape(message)}$") as caught:
        fit(net, 1)
    assert caught[0].filename == __file__
    with pytest.warns(UserWarning, match="so epochs=2 adds nothing"):
        fit(net, 2)
    assert state(net) == before
    assert len(net.history_) == 2


def test_no_epochs_make_a_network_that_has_learned_nothing() -> None:
    net = fit(fresh(bs.S4NN), 0)
    assert len(net.history_) == 0
    assert net.predict(TEST.images).shape == TEST.labels.shape


@pytest.mark.parametrize("backend", ["numpy", "numba"])
@KINDS
def test_dead_neurons_are_named_once(cls: type[Net], backend: str) -> None:
    """Half of the hidden neurons have thresholds that nothing reaches."""
    threshold = [np.array([2.0] * 6 + [1e6] * 6), 2.0]
    net = fresh(cls, threshold=threshold, backend=backend)
    rule = dataclasses.replace(RULE, reset_dead=0.0)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fit(net, 3, rule=rule)
    assert [str(w.message) for w in caught] == [
        "50% of the hidden neurons never fired in epoch 1: lower the threshold or raise the "
        "initial weights"
    ]
    assert caught[0].filename.endswith("test_training.py")


def test_few_dead_neurons_are_not_worth_a_warning() -> None:
    net = fresh(bs.S4NN, threshold=[np.array([2.0] * 11 + [1e6]), 2.0])
    fit(net, 1, rule=dataclasses.replace(RULE, reset_dead=0.0))
    dead = (net.spike_times(IMAGES)[0] == 256).all(axis=0)
    assert 0 < dead.mean() < 0.2


# --- dead neurons --------------------------------------------------------------------------------


@pytest.mark.parametrize("backend", ["numpy", "numba"])
@KINDS
def test_dead_reset_redraws_hidden_neurons_below_the_share_and_nothing_else(
    cls: type[Net], backend: str
) -> None:
    rng = np.random.default_rng(0)
    hidden, output = rng.uniform(0.5, 1, (12, 16)), rng.uniform(0.5, 1, (8, 12))
    hidden[3:5] = -0.5  # neurons 3 and 4 never fire
    settings: dict[str, Any] = {"threshold": [2.0, [2.0] * 7 + [1e6]]}  # nor does output 7
    if cls is bs.BS4NN:
        settings["scale"] = 1.0
    net = cls.from_weights([hidden, output], backend=backend, **settings)
    net.initial_weights = [(10.0, 11.0), (20.0, 21.0)]
    still = bs.RelativeTarget(learning_rate=0.0, scale_learning_rate=0.0, reset_dead=0.01)
    fired = [(layer < 256).mean(axis=0) for layer in net.spike_times(IMAGES)]
    assert np.flatnonzero(fired[0] < 0.01).tolist() == [3, 4]
    assert fired[1][7] == 0
    fit(net, 1, rule=still)
    latent = net.parameters.latent
    alive = [j for j in range(12) if j not in (3, 4)]
    kept = hidden.astype(latent[0].dtype)[alive]
    assert np.array_equal(latent[0][alive], kept)
    assert np.array_equal(latent[1], output.astype(latent[1].dtype))
    drawn = latent[0][3:5]
    assert ((drawn >= 10) & (drawn <= 11)).all()
    assert np.unique(drawn).size == drawn.size
    assert (net.weights_[0][3:5] > 0).all()  # the signs of a BS4NN, too
    assert (net.spike_times(IMAGES)[0] < 256).mean(axis=0).min() > 0


def test_the_share_is_of_the_images_of_the_epoch() -> None:
    """A neuron that fires on 3 of 200 images is dead at 2 %, and alive at 1 %."""
    images = np.zeros((200, 4), np.uint8)
    images[:, 0] = 255
    images[:3, 1] = 255
    hidden, output = np.array([[2.0, 0, 0, 0], [0, 2.0, 0, 0]]), np.ones((2, 2))
    for share, dead in ((0.01, False), (0.015, False), (0.02, True)):
        net = bs.S4NN.from_weights([hidden, output], threshold=1.0)
        rule = bs.RelativeTarget(learning_rate=0.0, reset_dead=share)
        net.fit(images, np.zeros(200, np.int64), epochs=1, rule=rule, progress=False)
        assert (net.weights_[0][1].tolist() != hidden[1].tolist()) == dead
        assert net.weights_[0][0].tolist() == hidden[0].tolist()


# --- a scale that falls to zero ------------------------------------------------------------------


@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_a_scale_that_falls_to_zero_is_an_error_and_changes_nothing(backend: str) -> None:
    net = fit(fresh(bs.BS4NN, backend=backend), 1)
    before, history = state(net), records(net)
    rule = dataclasses.replace(RULE, scale_learning_rate=100.0)
    message = (
        r"^BS4NN\.fit: the scale of layer [01] fell to -?[\d.e+-]+, but must stay positive; lower "
        r"the rule's scale_learning_rate or begin with a larger scale$"
    )
    with pytest.raises(ArithmeticError, match=message):
        fit(net, 2, rule=rule)
    assert state(net) == before
    assert records(net) == history
    assert state(fit(net, 2)) == state(fit(fresh(bs.BS4NN), 2))


# --- progress ------------------------------------------------------------------------------------


def test_progress_with_tqdm(capsys: pytest.CaptureFixture[str]) -> None:
    fit(fresh(bs.S4NN), 2, validation=0.2, progress=True)
    out, err = capsys.readouterr()
    assert out == ""
    assert "320/320" in err
    assert re.search(r"epoch 2, validation \d+\.\d\d%, training \d+\.\d\d%", err)


def test_progress_without_tqdm(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tqdm", None)
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    net = fit(fresh(bs.S4NN), 2, progress=True)
    out, err = capsys.readouterr()
    accuracies = net.history_["accuracy"]
    assert out.splitlines() == [
        f"epoch {n}, training {accuracy:.2%}" for n, accuracy in enumerate(accuracies, 1)
    ]
    assert err == ""


@pytest.mark.parametrize("epochs", [0, 1, 2])
def test_no_bar_where_there_is_nothing_to_do(
    epochs: int, capsys: pytest.CaptureFixture[str]
) -> None:
    net = fit(fresh(bs.S4NN), 2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit(net, epochs, progress=True)
    assert capsys.readouterr() == ("", "")


def test_no_progress_is_silent(capsys: pytest.CaptureFixture[str]) -> None:
    fit(fresh(bs.BS4NN), 2, progress=False)
    assert capsys.readouterr() == ("", "")


# --- rules ---------------------------------------------------------------------------------------


def test_the_published_settings() -> None:
    """As ALGORITHM says the authors' code has them; a change of these is a change of the claim."""
    assert dataclasses.asdict(bs.S4NN_PUBLISHED) == {
        "learning_rate": 0.2, "gamma": 3, "weight_decay": 1e-6, "scale_learning_rate": 0.0,
        "all_silent": "teach", "order": "file", "reset_dead": 0.001, "schedule": "constant",
        "batch_size": 1,
    }  # fmt: skip
    assert dataclasses.asdict(bs.BS4NN_PUBLISHED) == {
        "learning_rate": 0.1, "gamma": 1, "weight_decay": 0.0, "scale_learning_rate": 0.01,
        "all_silent": "ignore", "order": "replacement", "reset_dead": 0.0,
        "schedule": "constant", "batch_size": 1,
    }  # fmt: skip


@KINDS
def test_without_a_rule_the_published_one_is_used_and_kept(cls: type[Net]) -> None:
    net = fit(fresh(cls, scale=5.0) if cls is bs.BS4NN else fresh(cls), 1, rule=None)
    assert net.rule_ == (bs.S4NN_PUBLISHED if cls is bs.S4NN else bs.BS4NN_PUBLISHED)
    fit(net, 2, rule=RULE)
    assert net.rule_ == RULE
    fit(net, 3, rule=None)
    assert net.rule_ == RULE


class OwnRule:
    """A rule of the user's own: it learns like the papers', and adds nothing."""

    def begin(self, net: Any) -> None:
        """Take the weights that the settings ask for."""
        RULE.begin(net)

    def train_epoch(self, net: Any, epoch: Epoch) -> None:
        """Learn as the rule of the papers does."""
        RULE.train_epoch(net, epoch)


@KINDS
def test_a_rule_of_the_users_own_must_be_given_again(cls: type[Net], tmp_path: Path) -> None:
    net = fit(fresh(cls), 1, rule=OwnRule())
    assert state(net) == state(fit(fresh(cls), 1))
    net.save(tmp_path / "net.npz")
    loaded = bs.load(tmp_path / "net.npz")
    assert isinstance(loaded, cls)
    message = (
        f"{cls.__name__}.fit: this network was trained with a rule of your own, which its file "
        "only names; give it again as rule=..."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        fit(loaded, 2, rule=None)
    assert state(fit(loaded, 2, rule=OwnRule())) == state(fit(fresh(cls), 2))


class RelativeTarget(bs.RelativeTarget):
    """A rule of the user's own with the name of one of the library's."""


def test_a_rule_that_is_named_like_ours_is_not_taken_for_it(tmp_path: Path) -> None:
    net = fit(fresh(bs.BS4NN), 1, rule=RelativeTarget(learning_rate=0.5))
    net.save(tmp_path / "net.npz")
    loaded = bs.load(tmp_path / "net.npz")
    assert isinstance(loaded, bs.BS4NN)
    with pytest.raises(ValueError, match="trained with a rule of your own"):
        fit(loaded, 2, rule=None)


@pytest.mark.parametrize(
    "rule",
    [
        bs.RelativeTarget(gamma=np.int64(2), learning_rate=np.float32(0.25)),  # type: ignore[arg-type]
        bs.DecisionPotential(batch_size=np.int64(20), mirror=np.bool_(False)),  # type: ignore[arg-type]
    ],
)
def test_a_rule_of_numpy_numbers_can_be_saved(rule: Any, tmp_path: Path) -> None:
    net = fit(fresh(bs.BS4NN), 1, rule=rule)
    net.save(tmp_path / "net.npz")
    loaded = bs.load(tmp_path / "net.npz")
    assert isinstance(loaded, bs.BS4NN)
    assert loaded.rule_ == rule


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"gamma": -1}, "gamma must be a whole number of time steps, got -1"),
        ({"gamma": 1.0}, "gamma must be a whole number of time steps, got 1.0"),
        ({"learning_rate": -0.1}, "learning_rate must be 0 or more, got -0.1"),
        ({"learning_rate": np.nan}, "learning_rate must be 0 or more, got nan"),
        ({"weight_decay": np.inf}, "weight_decay must be 0 or more, got inf"),
        ({"scale_learning_rate": -1}, "scale_learning_rate must be 0 or more, got -1"),
        ({"reset_dead": -1}, "reset_dead must be 0 or more, got -1"),
        ({"all_silent": "skip"}, "all_silent must be one of 'teach', 'ignore'; got 'skip'"),
        (
            {"order": "random"},
            "order must be one of 'file', 'shuffle', 'replacement'; got 'random'",
        ),
        ({"batch_size": 0}, "batch_size must be a whole number of images from 1, got 0"),
        ({"reset_dead": 1.5}, "learning_rate * weight_decay must stay below 1 and reset_dead is a"),
        (
            {"learning_rate": 2.0, "weight_decay": 0.5},
            "learning_rate * weight_decay must stay below 1 and reset_dead is a share, 0 to 1; got",
        ),
    ],
)
def test_rules_that_cannot_be(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match="^RelativeTarget: " + re.escape(message)):
        bs.RelativeTarget(**settings)


@pytest.mark.parametrize("rule", [bs.RelativeTarget, bs.StraightThrough, bs.DecisionPotential])
@pytest.mark.parametrize(("rate", "kind"), [("0.1", "real numbers"), ([0.1, 0.2], "one number")])
def test_a_learning_rate_is_a_number(rule: Any, rate: Any, kind: str) -> None:
    message = f"{rule.__name__}: learning_rate must be {kind}, got {rate!r}"
    with pytest.raises(TypeError, match=f"^{re.escape(message)}$"):
        rule(learning_rate=rate)


# --- does it learn? ------------------------------------------------------------------------------

BARS, BARS_TEST = bs.datasets.bars(1000, size=5, noise=0.05, seed=0)


def accuracy(cls: type[Net], labels: Array) -> float:
    scale: dict[str, Any] = {"scale": 1.0} if cls is bs.BS4NN else {}
    net = cls((25, 40, 10), threshold=3.0, initial_weights=[(0, 1), (0, 1)], **scale)
    rule = bs.RelativeTarget(
        learning_rate=0.2, gamma=3, all_silent="teach", scale_learning_rate=0.001
    )
    net.fit(BARS.images, labels, epochs=10, rule=rule, progress=False)
    return net.evaluate(BARS_TEST.images, BARS_TEST.labels).accuracy


@KINDS
def test_bars_are_learned_and_shuffled_labels_are_not(cls: type[Net]) -> None:
    """Above 99 % and about 10 % where this was written; 10 % is chance."""
    assert accuracy(cls, BARS.labels) > 0.9
    shuffled = np.random.default_rng(0).permutation(BARS.labels)
    assert accuracy(cls, shuffled) < 0.4


# --- errors of fit -------------------------------------------------------------------------------


def given_to_fit(**changes: Any) -> dict[str, Any]:
    good: dict[str, Any] = {"images": IMAGES, "labels": LABELS, "epochs": 1, "progress": False}
    return good | changes


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        (
            {"images": np.zeros((200, 4, 5), np.uint8)}, ValueError,
            "BS4NN.fit: images have 20 pixels, but layers[0] is 16",
        ),
        (
            {"images": IMAGES / 255}, TypeError,
            "BS4NN.fit: images must be uint8 grey levels 0..255, got float64; for floats in "
            "[0, 1] use (255 * x).astype('uint8')",
        ),
        (
            {"labels": LABELS[:-1]}, ValueError,
            "BS4NN.fit: 200 images need 200 labels, got labels of shape (199,)",
        ),
        (
            {"labels": LABELS + 1}, ValueError,
            "BS4NN.fit: labels must lie in 0..7 (the network has 8 output neurons), got 1 to 8",
        ),
        (
            {"labels": LABELS - 1}, ValueError,
            "BS4NN.fit: labels must lie in 0..7 (the network has 8 output neurons), got -1 to 6",
        ),
        (
            {"labels": LABELS.astype(float)}, TypeError,
            "BS4NN.fit: labels must be whole numbers, got float64",
        ),
        ({"epochs": -1}, ValueError, "BS4NN.fit: epochs must be a whole number from 0, got -1"),
        ({"epochs": 1.5}, ValueError, "BS4NN.fit: epochs must be a whole number from 0, got 1.5"),
        ({"epochs": True}, ValueError, "BS4NN.fit: epochs must be a whole number from 0, got True"),
        (
            {"images": IMAGES[:0], "labels": LABELS[:0]}, ValueError,
            "BS4NN.fit: there are no images to learn from",
        ),
        (
            {"validation": 0.0}, ValueError,
            "fit: validation must be a fraction that leaves images on both sides, a pair (images, "
            "labels) or None; got 0.0 of 200 images",
        ),
        (
            {"validation": 0.999}, ValueError,
            "fit: validation must be a fraction that leaves images on both sides, a pair (images, "
            "labels) or None; got 0.999 of 200 images",
        ),
        (
            {"validation": (IMAGES, LABELS, 0)}, ValueError,
            "BS4NN.fit: validation must be a pair (images, labels)",
        ),
        (
            {"validation": (IMAGES[:3], LABELS)}, ValueError,
            "BS4NN.fit: 3 images need 3 labels, got labels of shape (200,)",
        ),
        (
            {"validation": (IMAGES[:0], LABELS[:0])}, ValueError,
            "BS4NN.fit: there are no images to validate with",
        ),
        (
            {"validation": "0.1"}, ValueError,
            "fit: validation must be a fraction that leaves images on both sides, a pair (images, "
            "labels) or None; got '0.1' of 200 images",
        ),
        (
            {"rule": bs.RelativeTarget(gamma=257)}, ValueError,
            "RelativeTarget: gamma must be at most the window of 256 time steps, got 257",
        ),
        (
            {"rule": bs.StraightThrough()}, ValueError,
            "StraightThrough: this rule trains a BNN, such as BNN((784, 600, 10)); got "
            "BS4NN((16, 12, 8))",
        ),
        (
            {"rule": "RelativeTarget"}, TypeError,
            f"BS4NN.fit: rule must be a learning rule, such as {bs.BS4NN_PUBLISHED}, got "
            "'RelativeTarget'",
        ),
        (
            {"rule": bs.RelativeTarget}, TypeError,
            f"BS4NN.fit: rule must be a learning rule, such as {bs.BS4NN_PUBLISHED}, got "
            f"{bs.RelativeTarget!r}",
        ),
        (
            {"callbacks": None}, TypeError,
            "BS4NN.fit: callbacks must be a list of functions of a network and a record, such as "
            "[minibs4nn.checkpoint('run.npz')], got [None]",
        ),
    ],
)  # fmt: skip
@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_errors_of_fit(
    changes: dict[str, Any], error: type[Exception], message: str, backend: str
) -> None:
    net = fresh(bs.BS4NN, backend=backend)
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        net.fit(**given_to_fit(**changes))
    assert len(net.history_) == 0
    assert state(fit(net, 1)) == state(fit(fresh(bs.BS4NN, backend=backend), 1))


@KINDS
def test_a_rule_that_fails_does_not_become_that_of_the_run(cls: type[Net]) -> None:
    net = fit(fresh(cls), 1)
    with pytest.raises(ValueError, match="gamma must be at most"):
        fit(net, 2, rule=bs.RelativeTarget(gamma=257))
    assert net.rule_ == RULE
    assert state(fit(net, 2, rule=None)) == state(fit(fresh(cls), 2))


def test_a_bnn_is_not_trained_by_a_rule_for_spikes() -> None:
    net = bs.BNN((16, 12, 8))
    with pytest.raises(ValueError, match=r"^RelativeTarget: this rule trains .* got BNN\("):
        net.fit(IMAGES, LABELS, epochs=1, rule=RULE, progress=False)
    assert not net.is_trained


def test_callbacks_that_can_be_iterated_once_are_called_after_every_epoch() -> None:
    seen: list[int] = []
    once = (call for call in [lambda net, record: seen.append(record["epoch"])])
    fit(fresh(bs.S4NN), 3, callbacks=once)
    assert seen == [1, 2, 3]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0, "weigths"), "purpose must be one of 'weights', 'split', 'epoch'; got 'weigths'"),
        ((None, "epoch"), "seed must be a whole number from 0, got None"),
        ((-1, "epoch"), "seed must be a whole number from 0, got -1"),
        ((0, "epoch", 1.5), "epoch must be a whole number from 0, got 1.5"),
    ],
)
def test_random_numbers_of_nothing(arguments: Any, message: str) -> None:
    with pytest.raises(ValueError, match="^generator: " + re.escape(message)):
        generator(*arguments)


@pytest.mark.parametrize(
    ("ranges", "message"),
    [
        ([(0, 1)], "ranges must be 2 pairs (low, high), one per layer after the input, got "),
        (
            [(1, 0), (3, 2)],
            "ranges must be 2 pairs (low, high), one per layer after the input, got ",
        ),
        ([(0, np.nan), (0, 1)], "ranges must be finite numbers, found NaN or infinity"),
    ],
)
def test_first_weights_that_cannot_be_drawn(ranges: Any, message: str) -> None:
    with pytest.raises(ValueError, match="^S4NN.initialise: " + re.escape(message)):
        fresh(bs.S4NN).initialise(ranges)


def test_a_list_is_as_good_as_a_pair() -> None:
    net = fit(fresh(bs.S4NN), 1, validation=[TEST.images, TEST.labels])
    assert "validation_accuracy" in net.history_


class StopsAfterAppending(list[dict[str, Any]]):
    """Ctrl-C at the worst moment: the record is written, the epoch not yet over."""

    def append(self, record: dict[str, Any]) -> None:
        """Append, then stop."""
        super().append(record)
        raise Stop


def test_record_and_weights_of_an_interrupted_epoch_go_together() -> None:
    net = fit(fresh(bs.BS4NN), 1)
    before = state(net)
    net.history_.records = StopsAfterAppending(net.history_.records)
    with pytest.raises(Stop):
        fit(net, 2)
    assert len(net.history_) == 1
    assert state(net) == before
