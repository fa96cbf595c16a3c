"""What a lint asks of built pages: pictures have a text in their place, links lead somewhere."""

import functools
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Page(HTMLParser):
    """Collect from a page its pictures, its links, and the names that links may lead to."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.pictures: list[tuple[str, str]] = []
        self.links: list[str] = []
        self.names: set[str] = set()
        self.feed(path.read_text("utf8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Look at a tag; all attributes that are not given read as empty."""
        values = {name: value or "" for name, value in attrs}
        self.names |= {values[name] for name in ("id", "name") if name in values}
        if tag == "img":
            self.pictures.append((values.get("src", "?"), values.get("alt", "").strip()))
        if tag == "a" and "href" in values:
            self.links.append(values["href"])


@functools.cache
def read(path: Path) -> Page:
    """Read a page once."""
    return Page(path)


def problems(folder: Path) -> list[str]:
    """Return what is wrong with the pages of a built book, one sentence each."""
    read.cache_clear()
    pages = sorted(folder.glob("book/*.html"))
    return [f"{path.name}: {text}" for path in pages for text in page_problems(path)]


def page_problems(path: Path) -> Iterator[str]:
    """Check one built page."""
    for source, alt in read(path).pictures:
        if not alt or re.search(r"\.(png|jpe?g|svg)$|/", alt):
            yield f"the picture {source} has no text in its place"
    for link in sorted(set(read(path).links)):
        if not leads_somewhere(path, link):
            yield f"the link {link} leads nowhere"


def leads_somewhere(path: Path, link: str) -> bool:
    """Tell whether a link of a page leads to a file or a place in it; others are not followed."""
    parts = urlsplit(link)
    if parts.scheme or parts.netloc:
        return True
    target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    if not target.is_file():
        return False
    place = unquote(parts.fragment)
    return not place or target.suffix != ".html" or place in read(target).names
