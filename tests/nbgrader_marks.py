"""What nbgrader's marks in a notebook say."""

import json
from pathlib import Path
from typing import Any


def cells(path: Path) -> list[dict[str, Any]]:
    """Return the cells of a notebook."""
    found: list[dict[str, Any]] = json.loads(path.read_text("utf8"))["cells"]
    return found


def grade_ids(path: Path) -> list[str]:
    """Return the names that nbgrader gives to cells, in their order."""
    marks = [cell["metadata"].get("nbgrader") for cell in cells(path)]
    return [mark["grade_id"] for mark in marks if mark]
