"""A book of a page or two, built by Sphinx with the extensions of the book."""

import os
import subprocess
import sys
from pathlib import Path

TOOLS = Path(__file__).resolve().parent.parent / "tools"


def build(folder: Path, builder: str, conf: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Build the pages of a folder, as "html" or "latex", into ``folder/builder``."""
    (folder / "conf.py").write_text(conf, "utf8")
    return subprocess.run(
        [sys.executable, "-m", "sphinx", "-q", *options, "-b", builder, ".", builder],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(TOOLS)},
        capture_output=True,
        text=True,
    )
