"""The offline book in Chromium: `make browser` builds it and runs the files of this folder.

They are not named test_*.py, so that `make test` needs no browser. Debian's Chromium is driven by
Playwright; nothing but the folder ``_build/offline`` is opened, and a request to anywhere else is
recorded as a fault. Pictures of what was seen are left in ``_build/browser``.
"""

import functools
import http.server
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from npm import package
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
BOOK = ROOT / "_build" / "offline"
PICTURES = ROOT / "_build" / "browser"
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
)  # fmt: skip
# The theme declares a name twice on every page; nothing comes of it.
KNOWN = ("Identifier 'THEBE_JS_URL' has already been declared",)
PATIENCE = 60_000  # milliseconds; a busy machine is slow


@dataclass
class Faults:
    """What a page did that it must not do."""

    found: list[str] = field(default_factory=list)

    def watch(self, page: Page, allowed: str) -> None:
        """Note requests to other places than ``allowed``, failed ones, and errors of scripts."""
        page.on("request", lambda request: self._outside(request, allowed))
        page.on("requestfailed", self._failed)
        page.on("response", lambda answer: self._status(answer.url, answer.status))
        page.on("console", self._message)
        page.on("pageerror", lambda error: self._add(f"error: {error}"))

    def _outside(self, request: Request, allowed: str) -> None:
        if not request.url.startswith((allowed, "data:", "blob:")):
            self.found.append(f"outside: {request.url}")

    def _failed(self, request: Request) -> None:
        if request.failure != "net::ERR_ABORTED":  # it was not waited for: the page was left
            self.found.append(f"failed: {request.url}")

    def _status(self, url: str, status: int) -> None:
        if status >= 400:
            self.found.append(f"{status}: {url}")

    def _message(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self._add(f"console: {message.text}")

    def _add(self, text: str) -> None:
        if not any(known in text for known in KNOWN):
            self.found.append(text)


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves files and says nothing."""

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing."""


@pytest.fixture(scope="session")
def book() -> Path:
    """Return the folder of the offline book."""
    if not (BOOK / "index.html").exists():
        pytest.exit(f"{BOOK.relative_to(ROOT)} is missing; run: make offline", returncode=2)
    PICTURES.mkdir(exist_ok=True)
    return BOOK


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a folder over http, on a port that is free; give its address."""
    handler = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="session")
def address(book: Path) -> Iterator[str]:
    """Serve the book; return its address."""
    with served(book) as address:
        yield address


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Start Chromium."""
    path = shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        pytest.exit("No Chromium; on Debian: apt-get install chromium", returncode=2)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield started
        started.close()


@pytest.fixture(scope="session")
def axe() -> str:
    """Return the text of axe-core, which finds what shuts readers out."""
    with package("axe-core@4.14.1") as folder:
        return (folder / "axe.min.js").read_text("utf8")


def open_page(
    browser: Browser, base: str, name: str, faults: Faults, *, theme: str, width: int
) -> Page:
    """Open a page of the book in a theme; come back when its mathematics is typeset.

    Whatever it asks for must lie below ``base``.
    """
    context = browser.new_context(viewport={"width": width, "height": 900}, reduced_motion="reduce")
    context.set_default_timeout(PATIENCE)
    context.add_init_script(f"localStorage.mode = localStorage.theme = '{theme}'")
    page = context.new_page()
    faults.watch(page, allowed=base)
    page.goto(f"{base}/{name}", wait_until="load", timeout=PATIENCE)
    page.evaluate("window.MathJax?.startup?.promise")
    return page
