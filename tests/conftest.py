"""What holds for all tests."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# The same examples in every run, and no verdict that hangs on how busy a machine is.
# `pytest --hypothesis-profile=explore` looks for new ones, and for more of them.
_PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("repeatable", _PATIENT, derandomize=True)
settings.register_profile("explore", _PATIENT, max_examples=1000)
settings.load_profile("repeatable")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many tests had no GPU to run on: none of them has shown anything."""
    skipped = terminalreporter.stats.get("skipped", [])
    without = [report for report in skipped if "gpu" in report.keywords]
    if without:
        reason = without[0].longrepr[2]
        terminalreporter.write_line(f"{len(without)} tests need a GPU and did not run: {reason}")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip the example of fashion_mnist() where Debian's package is not installed.

    The example would download 30 MB. Where CI is set, the package must be there.
    """
    if Path("/usr/share/datasets/fashion-mnist").exists() or "CI" in os.environ:
        return
    for item in items:
        if item.name == "minibs4nn.datasets.fashion_mnist":
            item.add_marker(
                pytest.mark.skip("Debian's package dataset-fashion-mnist is not installed")
            )
