"""Draw the picture of the README: the figure of the front page, as the book shows it.

The page is run, which trains its network anew, and the picture is taken from the output of its
figure. So there is one drawing, and its code stands on the page.

    python tools/readme_picture.py                  write book/static/readme.png
"""

import base64
import sys

from nbclient import NotebookClient
from nbformat import NotebookNode
from notebooks import ROOT, SECONDS_PER_CELL, from_page

PAGE = ROOT / "book" / "intro.md"
FIGURE = "fig-front"
TARGET = ROOT / "book" / "static" / "readme.png"
LIMIT = 200_000  # bytes; who reads the README waits for it


def figure(notebook: NotebookNode, name: str) -> bytes:
    """Return the PNG that the cell with the figure of this name has drawn."""
    for cell in notebook.cells:
        if cell.metadata.get("mystnb", {}).get("figure", {}).get("name") == name:
            for output in cell.outputs:
                if "image/png" in output.get("data", {}):
                    return base64.b64decode(output.data["image/png"])
    raise SystemExit(f"{PAGE.name}: no cell draws a figure with the name {name}")


def main() -> int:
    """Run the page and write the picture; the result is the exit status."""
    notebook = from_page(PAGE)
    client = NotebookClient(
        notebook,
        timeout=SECONDS_PER_CELL,
        kernel_name="python3",
        resources={"metadata": {"path": str(PAGE.parent)}},
    )
    client.execute()
    picture = figure(notebook, FIGURE)
    if len(picture) > LIMIT:
        print(f"the picture has {len(picture):,} bytes, more than {LIMIT:,}; nothing is written")
        return 1
    TARGET.write_bytes(picture)
    print(f"{TARGET.relative_to(ROOT)}: {len(picture):,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
