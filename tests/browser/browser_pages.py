"""Every page of the offline book: whole without a network, readable in both themes and widths."""

import json
import re
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Browser, Page

from .conftest import BOOK, PICTURES, Faults, open_page

PAGES = sorted(
    str(page.relative_to(BOOK))
    for page in BOOK.rglob("*.html")
    if "_static" not in page.parts and page != BOOK / "index.html"  # it leads to the introduction
)
# The sources of the library, a page a module, are all made alike: one of them is looked at in full.
LISTINGS = [page for page in PAGES if page.startswith("_modules/")]
READ = [page for page in PAGES if page not in LISTINGS[1:]]
CHAPTERS = [page for page in PAGES if re.match(r"book/\d\d_", page)]
# WCAG 2.2, A and AA. The dark theme has the same parts in other colours: only these are looked at.
LEVELS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa"]
RULES = {
    "light": {"type": "tag", "values": LEVELS},
    "dark": {"type": "rule", "values": ["color-contrast"]},
}
WIDE, NARROW = 1280, 420


def untypeset(page: Page) -> int:
    """Count the formulas that are raw TeX, or an error of MathJax."""
    count: int = page.evaluate(
        """() => document.querySelectorAll("mjx-merror").length
        + [...document.querySelectorAll("article .math")]
            .filter((formula) => !formula.querySelector("mjx-container")).length"""
    )
    return count


def picture(page: Page, name: str, kind: str) -> None:
    """Keep what was seen."""
    page.screenshot(path=PICTURES / f"{Path(name).stem}_{kind}.png")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", READ)
def test_a_page_is_whole_and_open_to_everyone(
    browser: Browser, address: str, axe: str, name: str, theme: str
) -> None:
    faults = Faults()
    page = open_page(browser, address, name, faults, theme=theme, width=WIDE)
    assert page.evaluate("document.documentElement.dataset.theme") == theme
    picture(page, name, theme)
    assert untypeset(page) == 0
    page.evaluate(axe)
    options = {"runOnly": RULES[theme], "resultTypes": ["violations"]}
    result = page.evaluate(f"axe.run(document, {json.dumps(options)})")
    page.context.close()
    assert faults.found == []
    assert [
        f"{broken['id']}: {node['target']} {node['failureSummary']}"
        for broken in result["violations"]
        for node in broken["nodes"]
    ] == []


@pytest.mark.parametrize("name", READ)
def test_a_page_read_from_a_disk_fits_a_narrow_screen(
    browser: Browser, book: Path, name: str
) -> None:
    faults = Faults()
    page = open_page(browser, book.as_uri(), name, faults, theme="light", width=NARROW)
    picture(page, name, "narrow")
    width = page.evaluate("document.documentElement.scrollWidth")
    raw = untypeset(page)
    page.context.close()
    assert faults.found == []
    assert raw == 0
    assert width <= NARROW


def test_the_sources_of_the_library_fit_a_narrow_screen(browser: Browser, book: Path) -> None:
    faults = Faults()
    base = book.as_uri()
    page = open_page(browser, base, LISTINGS[0], faults, theme="light", width=NARROW)
    wide = []
    for name in LISTINGS:
        page.goto(f"{base}/{name}")
        if page.evaluate("document.documentElement.scrollWidth") > NARROW:
            wide.append(name)
    page.context.close()
    assert wide == []
    assert faults.found == []


@pytest.mark.parametrize("name", CHAPTERS)
def test_a_quiz_answers_to_the_keyboard(browser: Browser, address: str, name: str) -> None:
    page = open_page(browser, address, name, Faults(), theme="light", width=WIDE)
    questions = page.locator("fieldset.quiz-question")
    assert questions.count() == 5
    for question in questions.all():
        options = question.get_by_role("radio")
        shown = question.locator(".quiz-feedback:visible")
        assert shown.count() == 0
        options.first.focus()
        page.keyboard.press("Space")
        right = []
        for _ in options.all():  # an arrow key goes to the next option, from the last to the first
            assert shown.count() == 1
            right.append(shown.get_attribute("data-right"))
            assert shown.inner_text().startswith("Right." if right[-1] == "true" else "No.")
            page.keyboard.press("ArrowDown")
        assert right.count("true") == 1
    page.context.close()


@pytest.mark.parametrize("name", CHAPTERS)
def test_the_download_button_gives_the_notebook(browser: Browser, address: str, name: str) -> None:
    page = open_page(browser, address, name, Faults(), theme="light", width=WIDE)
    page.get_by_role("button", name="Download this page").click()
    link = page.locator("a.btn-download-notebook-button")
    answer = page.request.get(str(link.evaluate("link => link.href")))
    assert answer.ok
    nbformat.validate(nbformat.reads(answer.text(), as_version=4))
    page.context.close()


@pytest.mark.parametrize("from_a_disk", [False, True])
def test_the_search_finds_a_word(
    browser: Browser, address: str, book: Path, from_a_disk: bool
) -> None:
    faults = Faults()
    base = book.as_uri() if from_a_disk else address
    page = open_page(browser, base, "search.html?q=staircase", faults, theme="light", width=WIDE)
    found = page.locator("ul.search li a")
    found.first.wait_for()
    links = [link.get_attribute("href") or "" for link in found.all()]
    page.context.close()
    assert any("01_neuron" in link for link in links)
    # A page on a disk may not read another to quote from it: what is found has no excerpt there.
    assert from_a_disk or faults.found == []


def test_the_address_of_the_folder_leads_to_the_introduction(browser: Browser, book: Path) -> None:
    faults = Faults()
    page = open_page(browser, book.as_uri(), "book/intro.html", faults, theme="light", width=WIDE)
    title = page.title()
    page.goto((book / "index.html").as_uri())
    page.wait_for_url("**/book/intro.html")
    assert page.title() == title
    assert faults.found == []
    page.context.close()


def test_a_fault_is_noticed(browser: Browser, book: Path, tmp_path: Path, axe: str) -> None:
    """The tests above can fail: a page with one fault of each kind is told of all of them."""
    spoilt = tmp_path / "book" / "spoilt.html"
    spoilt.parent.mkdir()
    spoilt.write_text(
        "<html><body><article><span class='math'>x</span></article>"
        "<img src='https://elsewhere.example/a.png'><img src='missing.png'>"
        "<div style='width: 900px'>wide</div><script>throw new Error('planted')</script>"
    )
    faults = Faults()
    page = open_page(
        browser, spoilt.parent.as_uri(), spoilt.name, faults, theme="light", width=NARROW
    )
    page.evaluate(axe)
    broken = {violation["id"] for violation in page.evaluate("axe.run()")["violations"]}
    assert untypeset(page) == 1
    assert page.evaluate("document.documentElement.scrollWidth") > NARROW
    assert {"image-alt", "html-has-lang"} <= broken
    kinds = {fault.split(":")[0] for fault in faults.found}
    assert {"outside", "failed", "error"} <= kinds
    page.context.close()
