"""A grid search on several machines: scikit-learn's own, on a Dask cluster, through joblib.

Without arguments it starts a cluster of two processes on this machine. On real machines, start a
scheduler on one and a worker on each, all with the same version of Python and of the packages
(``pip install 'minibs4nn[sklearn]' 'dask[distributed]'``), and give the scheduler's address::

    dask scheduler                                        # prints tcp://HOST:8786
    dask worker tcp://HOST:8786 --nthreads 1 --nworkers 8 # on every machine
    python benchmarks/tables_cluster.py --scheduler tcp://HOST:8786

One thread per worker process: training runs on one core. Keep such a cluster in a network you
trust, since whoever reaches a scheduler can run programs on it. On Slurm, Kubernetes or in a cloud,
``dask-jobqueue``, ``dask-kubernetes`` and ``dask-cloudprovider`` start one in the same way.

The scores are those of a search on one core, bit for bit, since each fit has its own seed.
"""

import argparse
import time
from pathlib import Path
from typing import Any

import joblib
from dask.distributed import Client, LocalCluster
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV

from minibs4nn.files import write_json
from minibs4nn.sklearn import BS4NNClassifier


def executed(dask_worker: Any) -> int:
    """Count the tasks that a worker has done."""
    return int(dask_worker.state.executed_count)


def main() -> None:
    """Search, and say who did how much."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--scheduler", help="address of a running one; none: two processes here")
    parser.add_argument("--rows", type=int, default=600, help="of the digits, to learn from")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--out", type=Path, help="a JSON file for the scores")
    options = parser.parse_args()

    table, labels = load_digits(return_X_y=True)
    table, labels = table[: options.rows], labels[: options.rows]
    model = BS4NNClassifier(epochs=options.epochs, random_state=0)
    grid = {"fields": [1, 4, 10], "hidden": [50, 200]}
    search = GridSearchCV(model, grid, cv=3)

    local = None
    if options.scheduler is None:
        local = LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None)
    with Client(local or options.scheduler) as client:
        start = time.perf_counter()
        with joblib.parallel_config("dask"):
            search.fit(table, labels)
        seconds = time.perf_counter() - start
        tasks = client.run(executed)
    if local is not None:
        local.close()

    found = search.cv_results_
    print(f"best: {search.best_params_}, {search.best_score_:.1%} in three-fold cross-validation")
    print(f"{len(found['params']) * 3} fits in {seconds:.1f} s")
    for worker, count in tasks.items():
        print(f"{worker}: {count} tasks")
    if options.out is not None:
        scores = found["mean_test_score"].tolist()
        content = {"params": found["params"], "scores": scores, "tasks": list(tasks.values())}
        write_json(options.out, content)


if __name__ == "__main__":
    main()
