"""The map of the field: what is drawn, what is cited and what is in the bibliography agree."""

import re
from pathlib import Path

BOOK = Path(__file__).resolve().parent.parent / "book"
PAGE = (BOOK / "field.md").read_text("utf8")
BIBLIOGRAPHY = (BOOK / "references.bib").read_text("utf8")
ROOTS = {"kheradpisheh2020", "kheradpisheh2022"}


def test_the_picture_shows_every_work_that_the_page_cites() -> None:
    drawn = set(re.findall(r'"([a-z]+\d{4}\w*)": "', PAGE))
    cited = set(re.findall(r"\{cite:[tp]\}`(\w+)`", PAGE))
    assert drawn
    assert drawn == cited - ROOTS


def test_the_year_of_a_key_is_that_of_the_work() -> None:
    for key, year in re.findall(r'"([a-z]+(\d{4})\w*)": "', PAGE):
        entry = re.search(rf"@\w+\{{{key},(.*?)^\}}", BIBLIOGRAPHY, re.M | re.S)
        assert entry, key
        assert f"year = {{{year}}}" in re.sub(" +", " ", entry[1]), key


def test_nothing_is_said_of_what_was_not_read() -> None:
    titles = re.findall(r"^- .*?\*(.+?)\*", PAGE.split("## Not read")[1], re.M | re.S)
    assert titles
    known = re.sub(r"[\s{}]+", " ", BIBLIOGRAPHY).lower()
    for title in titles:
        assert re.sub(r"\s+", " ", title).rstrip(".").lower() not in known, title
