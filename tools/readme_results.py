"""Write the table of results in README.md from the records in results/, or check that it is fresh.

python tools/readme_results.py             write the table
python tools/readme_results.py --check     write nothing, fail if the table is another
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from minibs4nn.reproduce import Claim, claims, recorded

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
BEGIN, END = "<!-- results: begin -->\n", "<!-- results: end -->\n"
HEAD = (
    "| network and rule | claimed | accuracy | by the published counter | silent | decision at |\n"
    "|---|---|---|---|---|---|\n"
)
RULES = {
    "RelativeTarget": "papers' rule",
    "DecisionPotential": "our rule",
    "StraightThrough": "no spikes",
}
DATASETS = {"mnist": "MNIST", "fashion-mnist": "Fashion-MNIST"}


def table(results: Path) -> str:
    """Return the table: one line for each claim that has been run, MNIST first."""
    lines = []
    for dataset, title in DATASETS.items():
        for claim in claims().values():
            records = list(recorded(claim, results))
            if claim.dataset == dataset and records:
                lines.append(_line(claim, title, records))
    return HEAD + "".join(f"{line}\n" for line in lines)


def _line(claim: Claim, dataset: str, records: list[dict[str, Any]]) -> str:
    def column(name: str) -> np.ndarray[Any, np.dtype[np.float64]]:
        return np.array([record["best"][name] for record in records], dtype=np.float64)

    strict, spiking = 100 * column("accuracy"), claim.model != "BNN"
    spread = f", {strict.min():.2f} to {strict.max():.2f}" if len(strict) > 1 else ", one seed"
    name = f"{dataset}, {claim.model} {'-'.join(map(str, claim.layers))}, "
    name += f"{RULES[claim.rule['name']]} (`{claim.name}`)"
    claimed = "" if claim.claimed is None else f"{100 * claim.claimed:.1f}"
    silent = f"{100 * column('silent').mean():.1f} %" if spiking else "–"
    time = f"step {column('decision_time').mean():.0f}" if spiking else "–"
    published = f"{100 * column('published_accuracy').mean():.2f}"
    return f"| {name} | {claimed} | {strict.mean():.2f}{spread} | {published} | {silent} | {time} |"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the result is the exit status."""
    parser = argparse.ArgumentParser(description="Write or check the results in README.md.")
    parser.add_argument("--check", action="store_true", help="write nothing, fail on a difference")
    options = parser.parse_args(arguments)
    text = README.read_text("utf8")
    before, _, rest = text.partition(BEGIN)
    old, _, after = rest.partition(END)
    new = table(ROOT / "results")
    if options.check and old != new:
        print("README.md: its results are not those in results/: run tools/readme_results.py")
        return 1
    if not options.check:
        README.write_text(before + BEGIN + new + END + after, "utf8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
