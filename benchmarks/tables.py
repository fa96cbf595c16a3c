"""Accuracy and size of spiking classifiers on tables, beside others that scikit-learn users know.

The tables are scikit-learn's own: iris, wine, breast cancer, digits. Every model is judged on the
same five folds. Its settings are chosen on the training part of each fold alone, by three inner
folds over a small grid; so no fold that is counted was chosen on. All networks have 200 hidden
neurons. The BNN hears the same fields of the features as the spiking networks, as grey levels.

A size is that of the weights, as the model keeps them to predict: 8 bytes each for real ones, one
bit each for binarized ones; biases, thresholds and the scaling of features are left out.

    python benchmarks/tables.py                      # some ten minutes
    python benchmarks/tables.py --data iris wine
"""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import sklearn
from report import write
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import minibs4nn as bs
from minibs4nn._checks import AnyArray, IntArray, SpikeTimes
from minibs4nn.sklearn import BS4NNClassifier, S4NNClassifier

TABLES: dict[str, Callable[..., Any]] = {
    "iris": load_iris,
    "wine": load_wine,
    "breast cancer": load_breast_cancer,
    "digits": load_digits,
}


class BNNClassifier(BS4NNClassifier):
    """The baseline without spikes: a BNN that sees the fields of the features as grey levels."""

    def __init__(
        self,
        *,
        fields: int = 10,
        epochs: int = 50,
        learning_rate: float = 1e-3,
        random_state: int | None = None,
    ) -> None:
        super().__init__(fields=fields, epochs=epochs, random_state=random_state)
        self.learning_rate = learning_rate

    def _train(self, times: SpikeTimes, labels: IntArray, seed: int) -> Any:
        rule = bs.StraightThrough(self.learning_rate, batch_size=min(max(len(times) // 10, 1), 100))
        network = bs.BNN((times.shape[1], self.hidden, len(self.classes_)), seed=seed)
        images = bs.decode(times)
        return network.fit(images, labels, epochs=self.epochs, rule=rule, progress=False)

    def predict(self, X: Any) -> AnyArray:  # noqa: N803
        """Return the label of each row."""
        labels: AnyArray = self.classes_[self.network_.predict(bs.decode(self.encode(X)))]
        return labels


def models() -> dict[str, tuple[Any, dict[str, list[Any]]]]:
    """Every model, and the grid that its settings are chosen from."""
    fields = [1, 10]
    relative = "relative-target"
    return {
        "LogisticRegression": (
            make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)),
            {"logisticregression__C": [0.01, 0.1, 1, 10, 100]},
        ),
        "MLPClassifier": (
            make_pipeline(StandardScaler(), MLPClassifier(200, max_iter=1000, random_state=0)),
            {"mlpclassifier__alpha": [1e-4, 1e-2, 1]},
        ),
        "BNN": (
            BNNClassifier(random_state=0),
            {"fields": fields, "learning_rate": [1e-3, 1e-2]},
        ),
        "S4NN, our rule": (S4NNClassifier(random_state=0), {"fields": fields}),
        "S4NN, papers' rule": (S4NNClassifier(rule=relative, random_state=0), {"fields": fields}),
        "BS4NN, our rule": (BS4NNClassifier(random_state=0), {"fields": fields}),
        "BS4NN, papers' rule": (BS4NNClassifier(rule=relative, random_state=0), {"fields": fields}),
    }


def n_bytes(model: Any) -> int:
    """Bytes of the weights of a model that was fitted."""
    last = model[-1] if hasattr(model, "steps") else model
    if isinstance(last, BS4NNClassifier):
        return sum(-(-w.size // 8) for w in last.network_.weights_)
    if isinstance(last, S4NNClassifier):
        return sum(w.nbytes for w in last.network_.weights_)
    weights = last.coefs_ if hasattr(last, "coefs_") else [last.coef_]
    return sum(int(w.nbytes) for w in weights)


def judge(model: Any, grid: dict[str, list[Any]], table: AnyArray, labels: AnyArray) -> Any:
    """Choose the settings inside each of five folds, and count on what was held out."""
    accuracies, sizes, chosen = [], [], []
    inner = StratifiedKFold(3, shuffle=True, random_state=1)
    for learn, test in StratifiedKFold(5, shuffle=True, random_state=0).split(table, labels):
        search = GridSearchCV(model, grid, cv=inner).fit(table[learn], labels[learn])
        accuracies.append(float(search.score(table[test], labels[test])))
        sizes.append(n_bytes(search.best_estimator_))
        chosen.append({name.rpartition("__")[2]: v for name, v in search.best_params_.items()})
    return {
        "accuracy": float(np.mean(accuracies)), "lowest": min(accuracies),
        "highest": max(accuracies), "bytes": max(sizes), "folds": accuracies, "chosen": chosen,
    }  # fmt: skip


def main() -> None:
    """Judge every model on every table, and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", nargs="+", choices=TABLES, default=list(TABLES))
    parser.add_argument("--out", type=Path, help="a JSON file for the numbers")
    options = parser.parse_args()
    rows = []
    for name in options.data:
        table, labels = TABLES[name](return_X_y=True)
        (n, features), classes = table.shape, len(np.unique(labels))
        print(f"\n{name}: {n} rows, {features} features, {classes} classes")
        print(f"{'':22} {'accuracy':>8} {'lowest':>7} {'highest':>7} {'bytes':>9}")
        for kind, (model, grid) in models().items():
            found = judge(model, grid, table, labels)
            print(
                f"{kind:22} {found['accuracy']:8.1%} {found['lowest']:7.1%} "
                f"{found['highest']:7.1%} {found['bytes']:9,}",
                flush=True,
            )
            shape = {"rows": n, "features": features, "classes": classes}
            rows.append({"data": name, **shape, "model": kind, **found})
    settings = vars(options) | {"scikit-learn": sklearn.__version__, "hidden": 200, "epochs": 50}
    write(options.out, settings, rows)


if __name__ == "__main__":
    main()
