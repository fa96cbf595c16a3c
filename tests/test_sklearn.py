"""The classifiers for tables: what scikit-learn asks of its own, and what is ours."""

import json
import pickle
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits, load_iris, load_wine, make_circles
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import minibs4nn as bs
from minibs4nn.sklearn import RULES, BS4NNClassifier, S4NNClassifier

BOTH = pytest.mark.parametrize("classifier", [BS4NNClassifier, S4NNClassifier])


@parametrize_with_checks(  # type: ignore[untyped-decorator]
    [kind(rule=rule, epochs=10) for kind in (BS4NNClassifier, S4NNClassifier) for rule in RULES]
)
def test_scikit_learn_finds_nothing_to_object_to(estimator: Any, check: Any) -> None:
    check(estimator)


def circles() -> tuple[Any, Any]:
    """Two classes, one around the other; no line parts them."""
    table, labels = make_circles(200, noise=0.1, factor=0.5, random_state=0)
    return table, labels


@BOTH
@pytest.mark.parametrize("rule", RULES)
def test_it_learns_what_no_line_can_part(classifier: Any, rule: str) -> None:
    table, labels = circles()
    line = cross_val_score(LogisticRegression(), table, labels, cv=3).mean()
    ours = cross_val_score(classifier(rule=rule, random_state=0), table, labels, cv=3).mean()
    assert line < 0.6
    assert ours > 0.85


def test_labels_of_any_kind_come_back() -> None:
    table, labels = load_iris(return_X_y=True)
    for names in (np.array(["setosa", "versicolor", "virginica"]), np.array([-7, 0, 12])):
        model = BS4NNClassifier(random_state=0).fit(table, names[labels])
        assert model.classes_.tolist() == names.tolist()
        assert (model.predict(table) == names[labels]).mean() > 0.9


@BOTH
def test_the_decision_function_is_the_order_of_the_spikes(classifier: Any) -> None:
    table, labels = load_wine(return_X_y=True)
    model = classifier(epochs=10, random_state=0).fit(table, labels)
    scores = model.decision_function(table)
    fired = model.network_.spike_times(model.encode(table))[-1]
    assert scores.shape == (len(table), 3)
    np.testing.assert_array_equal(scores.argmax(axis=1), model.predict(table))
    np.testing.assert_array_equal(scores > 0, fired < model.t_max)
    assert (np.abs(scores - (model.t_max - fired)) < 1).all()
    two = labels < 2
    model.fit(table[two], labels[two])
    score = model.decision_function(table[two])
    np.testing.assert_array_equal(score > 0, model.predict(table[two]) == 1)
    assert roc_auc_score(labels[two], score) > 0.95


def test_the_fields_of_a_feature() -> None:
    table = [[0.0, -5.0], [1.0, -5.0], [0.25, 5.0], [0.5, 0.0]]
    one = BS4NNClassifier(fields=1, t_max=100, random_state=0).fit(table, [0, 1, 0, 1])
    assert one.encode(table).tolist() == [[100, 100], [0, 100], [75, 0], [50, 50]]
    assert one.encode([[9.0, -9.0]]).tolist() == [[0, 100]]  # beyond what was seen
    five = BS4NNClassifier(fields=5, t_max=100, random_state=0).fit(table, [0, 1, 0, 1])
    assert five.n_features_in_ == 2
    assert five.network_.layers[0] == 10
    assert five.encode(table)[:, :5].tolist() == [
        [0, 50, 100, 100, 100],
        [100, 100, 100, 50, 0],
        [50, 0, 50, 100, 100],
        [100, 50, 0, 50, 100],
    ]


def test_numbers_at_the_ends_of_what_a_float_can_hold() -> None:
    most = np.finfo(np.float64).max
    table = [[-most, 1.0], [most, 1.0], [0.0, 1.0]]
    model = BS4NNClassifier(fields=1, t_max=100, random_state=0).fit(table, [0, 1, 0])
    assert model.encode(table)[:, 0].tolist() == [100, 0, 50]


def test_scaling_is_fitted_on_the_training_data_alone() -> None:
    table, labels = circles()
    model = BS4NNClassifier(epochs=1, random_state=0).fit(table[:100], labels[:100])
    np.testing.assert_array_equal(model.low_, table[:100].min(axis=0))
    model.predict(100 * table)
    np.testing.assert_array_equal(model.high_, table[:100].max(axis=0))


@BOTH
@pytest.mark.parametrize("changed", [{"t_max": 64}, {"t_max": 512}, {"fields": 3}, {"fields": 12}])
def test_parameters_set_after_fit_count_from_the_next_fit_on(
    classifier: Any, changed: dict[str, int]
) -> None:
    table, labels = load_iris(return_X_y=True)
    model = classifier(hidden=20, epochs=3, random_state=0).fit(table, labels)
    scores = model.decision_function(table)
    answers, times = model.predict(table), model.encode(table)
    model.set_params(**changed)
    np.testing.assert_array_equal(model.encode(table), times)
    np.testing.assert_array_equal(model.predict(table), answers)
    np.testing.assert_array_equal(model.decision_function(table), scores)
    model.fit(table, labels)
    settings = model.get_params()
    assert model.network_.t_max == settings["t_max"]
    assert model.encode(table).shape == (150, 4 * settings["fields"])


@BOTH
def test_clones_and_pickles(classifier: Any) -> None:
    table, labels = circles()
    model = classifier(hidden=30, fields=6, epochs=5, random_state=3).fit(table, labels)
    again = clone(model)
    assert again.get_params() == model.get_params()
    assert not hasattr(again, "network_")
    expected = model.decision_function(table)
    np.testing.assert_array_equal(again.fit(table, labels).decision_function(table), expected)
    thawed = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(thawed.decision_function(table), expected)
    assert model.n_iter_ == 5


def test_in_a_pipeline_and_a_grid_search() -> None:
    table, labels = load_iris(return_X_y=True)
    pipe = make_pipeline(StandardScaler(), BS4NNClassifier(epochs=10, random_state=0))
    grid = {"bs4nnclassifier__hidden": [1, 100], "bs4nnclassifier__fields": [10]}
    search = GridSearchCV(pipe, grid, cv=3).fit(table, labels)
    assert search.best_params_["bs4nnclassifier__hidden"] == 100
    assert search.best_score_ > 0.85


def test_rules_as_objects_are_taken_as_they_are() -> None:
    table, labels = circles()
    rule = bs.DecisionPotential(learning_rate=1e-3, hidden_threshold=3, output_threshold=5)
    model = BS4NNClassifier(rule=rule, epochs=2, random_state=0)
    assert clone(model).fit(table, labels).network_.rule_ == rule
    rules = [rule, bs.RelativeTarget(gamma=3)]
    search = GridSearchCV(model, {"rule": rules}, cv=2).fit(table, labels)
    assert search.best_params_["rule"] in rules


def test_the_network_can_be_packed_and_used_without_scikit_learn() -> None:
    table, labels = circles()
    model = BS4NNClassifier(hidden=64, epochs=5, random_state=0).fit(table, labels)
    small = model.network_.pack()
    assert small.nbytes == (20 * 64 + 64 * 2) // 8
    answers = model.classes_[small.predict(model.encode(table))]
    np.testing.assert_array_equal(answers, model.predict(table))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"hidden": 0}, "BS4NNClassifier: hidden must be a whole number from 1, got 0"),
        ({"fields": 2.5}, "fields must be a whole number from 1, got 2.5"),
        ({"epochs": True}, "epochs must be a whole number from 1, got True"),
        ({"t_max": 0}, "t_max must be a whole number of time steps from 1 to 32767, got 0"),
        ({"rule": "backprop"}, "rule must be one of 'decision-potential', 'relative-target'"),
        ({"backend": "abacus"}, "backend must be one of"),
    ],
)
def test_settings_out_of_range(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        BS4NNClassifier(**settings).fit(*circles())


def test_one_class_alone() -> None:
    with pytest.raises(ValueError, match="two classes or more, got one class, \\['a'\\]"):
        BS4NNClassifier().fit([[1.0], [2.0]], ["a", "a"])


def test_before_fit() -> None:
    for method in ("predict", "decision_function", "encode"):
        with pytest.raises(NotFittedError):
            getattr(S4NNClassifier(), method)([[1.0]])


def test_without_scikit_learn_the_error_says_how_to_get_it() -> None:
    code = """
import sys
sys.modules["sklearn"] = None
try:
    import minibs4nn.sklearn
except ImportError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.endswith("pip install 'minibs4nn[sklearn]'\n"), done.stderr


def test_a_grid_search_on_a_cluster_gives_the_scores_of_one_process(tmp_path: Path) -> None:
    pytest.importorskip(
        "distributed", reason="Dask is not installed: pip install dask[distributed]"
    )
    out = tmp_path / "scores.json"
    script = Path(__file__).parent.parent / "benchmarks" / "tables_cluster.py"
    command = [sys.executable, str(script), "--rows", "90", "--epochs", "2", "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=1800)
    assert done.returncode == 0, done.stderr
    found = json.loads(out.read_text())
    assert len(found["tasks"]) == 2  # workers
    assert sum(found["tasks"]) > 0

    table, labels = load_digits(return_X_y=True)
    model = BS4NNClassifier(epochs=2, random_state=0)
    grid = {"fields": [1, 4, 10], "hidden": [50, 200]}
    here = GridSearchCV(model, grid, cv=3).fit(table[:90], labels[:90])
    assert found["params"] == here.cv_results_["params"]
    assert found["scores"] == here.cv_results_["mean_test_score"].tolist()
