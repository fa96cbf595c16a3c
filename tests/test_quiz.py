"""The quizzes: what their files must hold, what a wrong one is told, how they look in a page."""

import contextlib
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import small_book
import yaml
from hypothesis import given
from hypothesis import strategies as st
from quiz import Question, QuizError, read_quiz

ROOT = Path(__file__).resolve().parent.parent
CHAPTERS = sorted(page.stem for page in (ROOT / "book").glob("[0-9][0-9]_*.md"))


def option(text: str, *, right: bool = False) -> dict[str, Any]:
    return {"text": text, "feedback": f"about {text}"} | ({"right": True} if right else {})


def questions() -> list[dict[str, Any]]:
    """Return a quiz as YAML gives it, with nothing wrong."""
    return [
        {
            "question": f"Question {number}, $x > {number}$?",
            "options": [
                option(name, right=place == number % 3) for place, name in enumerate("abc")
            ],
        }
        for number in range(5)
    ]


def read(folder: Path, content: object) -> list[Question]:
    path = folder / "01_some.yml"
    path.write_text(yaml.safe_dump(content), "utf8")
    return read_quiz(path)


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_each_chapter_has_a_quiz_that_can_be_read(chapter: str) -> None:
    assert len(read_quiz(ROOT / "book" / "quizzes" / f"{chapter}.yml")) == 5


def test_each_quiz_belongs_to_a_chapter() -> None:
    assert sorted(path.stem for path in (ROOT / "book" / "quizzes").iterdir()) == CHAPTERS


def test_a_quiz_is_read_in_its_order(tmp_path: Path) -> None:
    third = read(tmp_path, questions())[2]
    assert third.text == "Question 2, $x > 2$?"
    assert [o.text for o in third.options] == ["a", "b", "c"]
    assert [o.right for o in third.options] == [False, False, True]
    assert third.options[1].feedback == "about b"


def replaced(place: tuple[Any, ...], value: object) -> object:
    """Return the quiz with one thing in it, found by its keys and numbers, replaced."""
    content: Any = {"": questions()}
    inner = content
    for key in ("", *place)[:-1]:
        inner = inner[key]
    inner[("", *place)[-1]] = value
    return content[""]


WRONG = {
    "not a list": ((), {"question": "?"}, "must be a list"),
    "four questions": ((), questions()[:4], "has 4 questions; a quiz has 5"),
    "same place": ((), [questions()[0]] * 5, "always stands in the same place"),
    "no field": ((1,), {"question": "?"}, "question 2 must have the fields options, question"),
    "a typing error": ((0, "options", 1, "rigth"), True, "option 2 must have the fields"),
    "two options": ((0, "options"), questions()[0]["options"][:2], "question 1 has 2 options"),
    "none right": ((0, "options", 0), option("a"), "exactly one option with 'right: true'"),
    "two right": ((0, "options", 1, "right"), True, "exactly one option with 'right: true'"),
    "right: false": ((0, "options", 1, "right"), False, "'right' is False"),
    "twins": ((0, "options", 1, "text"), "a", "two options have the same text"),
    "twin feedback": ((0, "options", 1, "feedback"), "about a", "the same feedback"),
    "no feedback": ((0, "options", 1, "feedback"), " ", "option 2, feedback must be a text"),
    "YAML's yes": ((0, "options", 1, "text"), True, "must be a text, not True; quote"),
    "a number": ((0, "question"), 4, "must be a text, not 4"),
}


@pytest.mark.parametrize(("place", "value", "message"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_named(
    tmp_path: Path, place: tuple[Any, ...], value: object, message: str
) -> None:
    with pytest.raises(QuizError, match=re.escape(message)) as caught:
        read(tmp_path, replaced(place, value))
    assert str(caught.value).startswith("01_some.yml")


@pytest.mark.parametrize("text", ["a: [", "\x00", "- !!python/object:os.system {}", "a: &a [*a]"])
def test_a_file_that_is_no_quiz_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "01_some.yml"
    path.write_text(text, "utf8")
    with pytest.raises(QuizError, match=r"01_some\.yml"):
        read_quiz(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(QuizError, match=r"01_none\.yml"):
        read_quiz(tmp_path / "01_none.yml")


@given(st.binary(max_size=200))
def test_any_bytes_give_a_quiz_or_the_documented_error(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.yml"
    path.write_bytes(content)
    with pytest.raises(QuizError):
        read_quiz(path)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["question", "options", "text"]), inner)
    ),
    max_leaves=12,
)


@given(st.sampled_from([place for place, _, _ in WRONG.values()]), JSON)
def test_any_content_gives_a_quiz_or_the_documented_error(
    tmp_path_factory: pytest.TempPathFactory, place: tuple[Any, ...], value: object
) -> None:
    with contextlib.suppress(QuizError):
        assert len(read(tmp_path_factory.getbasetemp(), replaced(place, value))) == 5


CONF = """
from pathlib import Path
import quiz_directive

quiz_directive.FOLDER = Path.cwd()
extensions = ["myst_parser", "quiz_directive"]
myst_enable_extensions = ["dollarmath"]
"""


def build(folder: Path, builder: str, content: object) -> subprocess.CompletedProcess[str]:
    """Build a page with one quiz, as HTML or LaTeX, into ``folder/builder``."""
    (folder / "index.md").write_text("# Page\n\n```{quiz} 01_some\n```\n", "utf8")
    (folder / "01_some.yml").write_text(yaml.safe_dump(content), "utf8")
    return small_book.build(folder, builder, CONF, "-W")


def test_the_page_has_one_group_of_radio_buttons_per_question(tmp_path: Path) -> None:
    done = build(tmp_path, "html", questions())
    assert done.returncode == 0, done.stderr
    html = (tmp_path / "html" / "index.html").read_text("utf8")
    names = re.findall(r'<input type="radio" name="([^"]+)" value="(\d)">', html)
    assert names == [(f"quiz-01_some-{q}", str(o)) for q in range(1, 6) for o in range(3)]
    feedback = re.findall(r'data-right="(\w+)">\n<p><strong>(\w+)\. </strong>about (\w)', html)
    expected = [
        ("true", "Right", name) if place == number % 3 else ("false", "No", name)
        for number in range(5)
        for place, name in enumerate("abc")
    ]
    assert feedback == expected
    assert 'aria-describedby="quiz-01_some-2"' in html
    assert 'id="quiz-01_some-2"' in html
    assert r"\(x &gt; 1\)" in html


def test_in_print_the_answers_follow_the_questions(tmp_path: Path) -> None:
    done = build(tmp_path, "latex", questions())
    assert done.returncode == 0, done.stderr
    latex = next((tmp_path / "latex").glob("*.tex")).read_text("utf8")
    assert latex.index("Question 5") < latex.index("Answers") < latex.index("about a")
    assert re.findall(r"(\d [abcd])\. \}about (\w)", latex) == [
        ("1 a", "a"), ("2 b", "b"), ("3 c", "c"), ("4 a", "a"), ("5 b", "b"),
    ]  # fmt: skip


def test_a_wrong_file_stops_the_build_with_its_message(tmp_path: Path) -> None:
    done = build(tmp_path, "html", questions()[:4])
    assert done.returncode != 0
    assert "01_some.yml has 4 questions; a quiz has 5" in done.stderr
