"""What holds for all tests."""

import os
import shutil
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
    """Skip examples for which something is missing here. Where CI is set, nothing may be.

    That of fashion_mnist() would download 30 MB; the emulated graphics card needs a compiler.
    """
    if "CI" in os.environ:
        return
    has_fashion = Path("/usr/share/datasets/fashion-mnist").exists()
    has_compiler = shutil.which("g++") is not None
    for item in items:
        if item.name.startswith("minibs4nn.emulation.") and not has_compiler:
            item.add_marker(pytest.mark.skip("the emulated graphics card needs g++"))
        if item.name == "minibs4nn.datasets.fashion_mnist" and not has_fashion:
            item.add_marker(
                pytest.mark.skip("Debian's package dataset-fashion-mnist is not installed")
            )
