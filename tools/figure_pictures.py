"""Pictures of the interactive figures, for where they cannot run: a PDF, a page without scripts.

As an extension of Sphinx it puts a picture beside each figure. A browser shows it only where
scripts are off; in the PDF it stands above the sentence that says what can be done with the figure.

    python tools/figure_pictures.py        take the pictures from the built book

A picture, ``book/static/figures/NAME.png``, carries two texts: what the figure says that it shows,
for readers who do not see it, and a hash of what it was made from, by which the tests know whether
it is out of date.
"""

import hashlib
import io
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from docutils import nodes
from notebooks import ROOT, from_page, pages
from PIL import Image, PngImagePlugin
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform

from minibs4nn.figures.figure import Figure, bundle

FOLDER = "book/static/figures"
BUILT = ROOT / "_build" / "html" / "book"
WIDTH, SHARPNESS, COLOURS = 1100, 2, 128  # of the page in pixels; pixels in one; of the picture
LIMIT = 80_000  # bytes
VIEW = "application/vnd.jupyter.widget-view+json"
MADE = re.compile(r"figures\.(\w+)Figure\(")


class Shown(NamedTuple):
    """A figure of the book: its name, its page, and a hash of what decides how it looks."""

    name: str
    page: str
    source: str


def shown() -> Iterator[Shown]:
    """Find the figures of the book: a cell of a page makes each."""
    for page in pages():
        for cell in from_page(page).cells:
            if cell.cell_type == "code" and (made := MADE.search(cell.source)):
                name = made[1].lower()
                parts = "\0".join((cell.source, bundle(name), str(Figure._css)))
                yield Shown(name, page.stem, hashlib.sha256(parts.encode()).hexdigest())


def texts(path: Path) -> dict[str, str]:
    """Read what a picture carries beside its pixels."""
    with Image.open(path) as picture:
        return {str(key): text for key, text in picture.info.items() if isinstance(text, str)}


class Stills(SphinxTransform):
    """Put its picture beside each interactive figure of a page."""

    default_priority = 500

    def apply(self, **options: Any) -> None:
        """Look at each output of the page, which stands there in all the types that it offers."""
        for output in self.document.findall(nodes.container):
            if output.get("nb_element") != "mime_bundle":
                continue
            types = {c["mime_type"]: c for c in output.findall(nodes.container) if "mime_type" in c}
            if VIEW not in types:
                continue
            name, _, said = types["text/plain"].astext().partition("Figure: ")
            path = Path(self.app.srcdir, FOLDER, f"{name.lower()}.png")
            if path.exists():
                picture = nodes.image(uri=f"/{FOLDER}/{path.name}", alt=texts(path)["Description"])
                sentence = nodes.emphasis(text=said[0].upper() + said[1:] + ".")
                types["text/plain"].children = [picture, nodes.paragraph("", "", sentence)]
                types[VIEW] += [
                    nodes.raw("", "<noscript>", format="html"),
                    picture.deepcopy(),
                    nodes.raw("", "<p>It moves where scripts run.</p></noscript>", format="html"),
                ]


def setup(app: Sphinx) -> dict[str, bool]:
    """Tell Sphinx of the pictures."""
    app.add_transform(Stills)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def as_png(taken: bytes, **texts: str) -> bytes:
    """Make a picture small, by few colours, and give it texts to carry."""
    carried = PngImagePlugin.PngInfo()
    for key, text in texts.items():
        carried.add_itxt(key, text)
    with Image.open(io.BytesIO(taken)) as picture:
        few = picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    file = io.BytesIO()
    few.save(file, "PNG", optimize=True, dpi=(96 * SHARPNESS,) * 2, pnginfo=carried)
    return file.getvalue()


def main() -> int:
    """Take a picture of each figure of the built book; the result is the exit status."""
    from playwright.sync_api import sync_playwright  # a build of the book does not need it

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        page = chromium.new_page(
            viewport={"width": WIDTH, "height": 900},
            device_scale_factor=SHARPNESS,
            reduced_motion="reduce",
        )
        page.route("http*://**", lambda route: route.abort())  # MathJax; a figure has no formulas
        for name, stem, source in shown():
            page.goto((BUILT / f"{stem}.html").as_uri())
            figure = page.get_by_test_id(f"{name}-figure")
            taken = figure.screenshot()
            title, says = (figure.locator(f".bs-{part}").inner_text() for part in ("title", "says"))
            picture = as_png(taken, Description=f"Still of “{title}” {says}", Source=source)
            if len(picture) > LIMIT:
                print(f"{name}: {len(picture):,} bytes, more than {LIMIT:,}")
                return 1
            target = ROOT / FOLDER / f"{name}.png"
            target.parent.mkdir(exist_ok=True)
            target.write_bytes(picture)
            print(f"{target.relative_to(ROOT)}: {len(picture):,} bytes. {says}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
