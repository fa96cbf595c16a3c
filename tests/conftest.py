"""What holds for all tests."""

import os
from pathlib import Path

import pytest


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
