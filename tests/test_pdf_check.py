"""What LaTeX says in its log of a PDF that is not fit to print is found there."""

from pathlib import Path

import pytest
from pdf_check import main

HARMLESS = r"""
Underfull \hbox (badness 10000) in paragraph at lines 7--9
Overfull \vbox (2.46304pt too high) detected at line 13331
LaTeX Warning: Label(s) may have changed. Rerun to get cross-references right.
"""
WRONG = [
    r"Overfull \hbox (14.95497pt too wide) in paragraph at lines 18414--18414",
    r"Overfull \vbox (12.75098pt too high) has occurred while \output is active []",
    "Missing character: There is no ☃ in font FreeSerif.otf/OT:script=latn;!",
    "LaTeX Warning: There were undefined references.",
]


def test_a_log_without_faults_names_the_file_to_open(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "book.log"
    log.write_text(HARMLESS, "utf8")
    assert main(log) == 0
    assert capsys.readouterr().out.endswith("book.pdf\n")


@pytest.mark.parametrize("wrong", WRONG)
def test_a_fault_is_quoted(wrong: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = tmp_path / "book.log"
    log.write_text(f"{HARMLESS}{wrong}\nand more", "utf8")
    assert main(log) == 1
    assert capsys.readouterr().out.splitlines()[1:] == [wrong]
