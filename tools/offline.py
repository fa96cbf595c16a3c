"""Make a copy of the built book that needs no network: _build/offline/ and a zip beside it.

The pages ask the network for one thing, MathJax. Here it is fetched once from npm and put beside
them, so that the copy can be read from a disk or a stick, in any browser.
"""

import re
import shutil
import sys
from pathlib import Path

from npm import PackageError, package

ROOT = Path(__file__).resolve().parent.parent
BOOK = ROOT / "_build" / "html"
TARGET = ROOT / "_build" / "offline"
SCRIPT = "tex-mml-chtml.js"
REMOTE = re.compile(rf'src="https://[^"]+/mathjax@3/es5/{re.escape(SCRIPT)}"')
# What a browser loads by itself; a link that a reader may follow is no matter.
LOADED = re.compile(r'<(?:script|img|iframe|link)\b[^>]*?(?:src|href)="((?:https?:)?//[^"]+)"')


def fetch_mathjax(target: Path) -> None:
    """Put the parts of MathJax that the pages use, and its licence, into a new folder."""
    with package("mathjax@3.2.2") as mathjax:
        for part in ("input", "output/chtml", "a11y", "sre", "ui"):
            shutil.copytree(mathjax / "es5" / part, target / part)
        shutil.copy(mathjax / "es5" / SCRIPT, target)
        shutil.copy(mathjax / "LICENSE", target)


def make_local(page: Path) -> list[str]:
    """Point a page at the copy of MathJax; return what it would still load from elsewhere."""
    up = "../" * (len(page.relative_to(TARGET).parts) - 1)
    text = REMOTE.sub(f'src="{up}_static/mathjax/{SCRIPT}"', page.read_text("utf8"))
    page.write_text(text, "utf8")
    return LOADED.findall(text)


def main() -> int:
    """Copy, make local, check, zip; the result is the exit status."""
    shutil.rmtree(TARGET, ignore_errors=True)
    shutil.copytree(BOOK, TARGET, ignore=shutil.ignore_patterns("reports"))
    try:
        fetch_mathjax(TARGET / "_static" / "mathjax")
    except PackageError as error:
        print(error)
        return 1
    outside = {url for page in TARGET.rglob("*.html") for url in make_local(page)}
    if outside:
        print("The pages still load from elsewhere:", *sorted(outside), sep="\n")
        return 1
    archive = shutil.make_archive(str(TARGET), "zip", TARGET.parent, TARGET.name)
    print(
        "The book without a network. Open:",
        TARGET / "index.html",
        "or give away:",
        archive,
        sep="\n",
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
