"""The buttons of a page: its notebook to download, and none that leads nowhere."""

import re
import shutil
from pathlib import Path

import pytest
from small_book import build

ROOT = Path(__file__).resolve().parent.parent
CONF = """
extensions = ["myst_nb", "book_buttons"]
exclude_patterns = ["*.ipynb"]
nb_execution_mode = "off"
html_theme = "sphinx_book_theme"
html_theme_options = {{"repository_url": {url!r}, "repository_branch": "main"}}
"""


def buttons(folder: Path, url: str) -> set[str]:
    """Build a page beside its notebook; return where its buttons lead."""
    for kind in (".md", ".ipynb"):
        page = (ROOT / "book" / "01_neuron").with_suffix(kind)
        shutil.copy(page, folder / f"index{kind}")
    done = build(folder, "html", CONF.format(url=url))
    assert done.returncode == 0, done.stderr
    html = (folder / "html" / "index.html").read_text("utf8")
    return set(re.findall(r'<li><a href="([^"]+)" target="_blank"', html))


def test_without_a_repository_only_downloads_are_offered(tmp_path: Path) -> None:
    assert buttons(tmp_path, "") == {"_sources/index.ipynb", "_sources/index.md"}
    offered = (tmp_path / "html" / "_sources" / "index.ipynb").read_bytes()
    assert offered == (ROOT / "book" / "01_neuron.ipynb").read_bytes()


@pytest.mark.parametrize("url", ["https://github.com/owner/course"])
def test_with_a_repository_every_launch_opens_the_notebook(tmp_path: Path, url: str) -> None:
    launched = {link for link in buttons(tmp_path, url) if "ipynb" in link and "://" in link}
    assert len(launched) == 2
    assert any(link.startswith("https://mybinder.org/v2/gh/owner/course/main") for link in launched)
    assert any("colab" in link and "owner/course/blob/main" in link for link in launched)
