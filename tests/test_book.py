"""The book: pages and notebooks in step, the promised parts there, quoted numbers true."""

import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import book_html
import book_text
import jupytext
import lint_book
import notebooks
import offline
import pytest

ROOT = notebooks.ROOT
PAGES = notebooks.pages()

HEAD = """---
jupytext:
  text_representation:
    extension: .md
    format_name: myst
kernelspec:
  display_name: Python 3 (ipykernel)
  language: python
  name: python3
---

"""

QUIZ = """\
- question: Is a wrong number noticed?
  options:
    - text: Never
      feedback: The notebook is a test.
    - text: When somebody looks
      feedback: Nobody looks.
    - text: By the next run
      right: true
      feedback: It is compared.

""" + "".join(
    f"""\
- question: How many spikes does neuron {number} give at most?
  options:
    - text: None
      feedback: A neuron whose potential crosses the threshold fires.
    - text: One
      right: true
      feedback: It fires once and then keeps silent.
    - text: Two
      feedback: Nothing brings its potential back.
"""
    for number in range(1, 5)
)

ALT = "A staircase that rises from one to three to six."
CAPTION = "The sum of one, two and three."
FIGURE = f"""  figure:
    name: fig-sum
    caption: {CAPTION}
  image:
    alt: {ALT}
"""

CHAPTER = (
    HEAD
    + """# A chapter

:::{admonition} At a glance
:class: at-a-glance

**You will** add three numbers.

**You will be able to**

- derive the sum;
- implement it;
- predict it for other numbers.

**You need** {doc}`notation`.

**Time** 5 minutes of reading, 10 minutes of exercises; {doc}`execution` shows what the cells take.
:::

:::{admonition} Predict before you run
:class: warm-up

What is the sum?
:::

## The sum

```{code-cell} ipython3
:tags: [nbval-check-output, keep_output]

print(sum([1, 2, 3]))
```

```{code-cell} ipython3
---
mystnb:
"""
    + FIGURE
    + """---
import matplotlib.pyplot as plt

fig, ax = plt.subplots()
_ = ax.step([1, 2, 3], [1, 3, 6])
plt.show()
```

## What can go wrong

### Nothing much

## Answer to the warm-up

It is six.

## Quiz

```{quiz} 01_sum
```

## Exercises

They are in {download}`a notebook <../exercises/01_sum/01_sum.ipynb>`.

## Summary

| symbol | meaning | name in the code |
|---|---|---|
| $V$ | the sum | `potential` |
| $t$ | the time | `spike_times` |

## Further reading

- {cite:t}`gerstner2014`, for the neuron.
- {cite:t}`thorpe1998`, for the order of {term}`spikes <spike>`,
  which is the first to use it.
"""
)


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a small chapter with every part, and its notebook."""
    course = tmp_path_factory.mktemp("course")
    for name, text in (
        ("book/01_sum.md", CHAPTER),
        ("book/quizzes/01_sum.yml", QUIZ),
        ("exercises/01_sum/01_sum.ipynb", "There is one task, and about 12 minutes of work."),
    ):
        (course / name).parent.mkdir(parents=True, exist_ok=True)
        (course / name).write_text(text, "utf8")
    notebooks.write(course / "book" / "01_sum.md")
    return course / "book" / "01_sum.md"


@pytest.fixture
def chapter(written: Path, tmp_path: Path) -> Path:
    """Give each test a copy that it may spoil."""
    shutil.copytree(written.parent.parent, tmp_path, dirs_exist_ok=True)
    return tmp_path / "book" / written.name


def run_as_make_test_does(notebook: Path) -> subprocess.CompletedProcess[str]:
    """Run one notebook through pytest, with the project's own settings and no other."""
    command = [sys.executable, "-m", "pytest", "-c", "pyproject.toml", str(notebook)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)


def test_the_book_has_pages_to_check() -> None:
    assert PAGES


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_notebook_is_what_the_page_gives(page: Path) -> None:
    assert notebooks.problem(page) is None


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_page_has_its_parts(page: Path) -> None:
    assert lint_book.lint(page) == []


def test_every_notebook_has_its_page() -> None:
    assert {path.stem for path in (ROOT / "book").glob("*.ipynb")} == {page.stem for page in PAGES}


def test_a_good_chapter_is_found_good(chapter: Path) -> None:
    assert lint_book.lint(chapter) == []
    assert notebooks.problem(chapter) is None


def test_writing_a_notebook_again_changes_nothing(chapter: Path) -> None:
    before = chapter.with_suffix(".ipynb").read_bytes()
    notebooks.write(chapter)
    assert chapter.with_suffix(".ipynb").read_bytes() == before


def test_a_wrong_number_in_a_notebook_fails(chapter: Path) -> None:
    notebook = chapter.with_suffix(".ipynb")
    pristine = run_as_make_test_does(notebook)
    assert pristine.returncode == 0, pristine.stdout
    assert "2 passed" in pristine.stdout

    text = notebook.read_text("utf8")
    assert text.count(r'"6\n"') == 1
    notebook.write_text(text.replace(r'"6\n"', r'"7\n"'), "utf8")
    planted = run_as_make_test_does(notebook)
    assert planted.returncode == 1
    assert "Cell outputs differ" in planted.stdout
    assert "1 failed, 1 passed" in planted.stdout


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("print(sum([1, 2, 3]))", "print(sum([1, 2, 4]))", "is not what"),
        ("It is six.", "It is 6.", "is not what"),
        ("It is six.", "```{code-cell} ipython3\n1 + 1\n```\n", "does not have the cells"),
    ],
)
def test_a_changed_page_is_noticed(chapter: Path, old: str, new: str, problem: str) -> None:
    chapter.write_text(CHAPTER.replace(old, new), "utf8")
    assert problem in str(notebooks.problem(chapter))
    assert "run: python tools/notebooks.py" in str(notebooks.problem(chapter))


def test_once_there_is_a_repository_a_notebook_installs_the_library(
    chapter: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notebooks, "repository", lambda: "https://github.com/owner/course")
    assert "does not have the cells" in str(notebooks.problem(chapter))
    notebooks.write(chapter)  # runs the cell: the library is there, so nothing is installed
    first = notebooks.from_page(chapter).cells[0]
    assert "git+https://github.com/owner/course" in first.source
    assert notebooks.problem(chapter) is None


def test_the_setting_of_the_repository_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (ROOT / "_config.yml").read_text("utf8")
    assert text.count('repository: {url: ""') == 1
    assert notebooks.repository() == ""
    (tmp_path / "_config.yml").write_text(text.replace('url: ""', "url: https://some.where/a"))
    monkeypatch.setattr(notebooks, "ROOT", tmp_path)
    assert notebooks.repository() == "https://some.where/a"


def test_an_output_that_is_not_to_be_kept_is_noticed(chapter: Path) -> None:
    untagged = CHAPTER.replace(":tags: [nbval-check-output, keep_output]\n\n", "")
    chapter.write_text(untagged, "utf8")
    assert "is not what" in str(notebooks.problem(chapter))


def test_a_missing_notebook_is_noticed(chapter: Path) -> None:
    chapter.with_suffix(".ipynb").unlink()
    assert "is missing" in str(notebooks.problem(chapter))


def test_a_compared_cell_without_stored_text_is_refused(chapter: Path) -> None:
    notebook = chapter.with_suffix(".ipynb")
    notebook.write_text(notebooks.as_text(notebooks.from_page(chapter)), "utf8")
    assert any("nothing is compared" in problem for problem in lint_book.lint(chapter))


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("# A chapter\n", "", "wants one title"),
        ("### Nothing much", "#### Nothing much", "skips from level 2 to 4"),
        (":class: at-a-glance", ":class: tip", "wants one box of class at-a-glance"),
        ("**You need** {doc}`notation`.\n", "", "wants '**You need**'"),
        ("- implement it;\n", "", "3 to 5 abilities, has 2"),
        ("- derive the sum", "- understand the sum", "cannot be measured"),
        ("- derive the sum", "- appreciate the sum", "cannot be measured"),
        ("5 minutes of reading", "some reading", "'N minutes of reading'"),
        ("{doc}`execution` shows", "nobody knows", "where the cells' measured time stands"),
        (":class: warm-up", ":class: tip", "wants one warm-up"),
        ("## What can go wrong", "## Dangers", "wants a section '## What can go wrong'"),
        ("## Answer to the warm-up", "## Answer", "wants a section '## Answer to the warm-up'"),
        ("```{quiz} 01_sum", "```{quiz} 02_sum", "the section Quiz wants its questions"),
        ("| symbol | meaning |", "| letter | meaning |", "the summary wants a table"),
        ("- {cite:t}`thorpe1998`, for", "- Thorpe, for", "cites nothing"),
        ("- {cite:t}`gerstner2014`, for the neuron.\n", "", "two entries or more, has 1"),
        (
            "alt: A staircase that rises from one to three to six.",
            "alt: steps",
            "wants an alt text of its own",
        ),
        (
            "alt: A staircase that rises from one to three to six.",
            "alt: The sum of one, two and three.",
            "wants an alt",
        ),
        ("alt: A staircase", "name: A staircase", "wants an alt text of its own"),
        ("It is six.", "![](six.png)", "has no text in its place"),
        ("It is six.", "It is simply six.", "says 'simply'"),
        (":tags: [nbval-check-output, keep_output]\n\n", "", "wants a cell tagged"),
        ("[nbval-check-output, keep_output]", "[nbval-check-output]", "go together"),
        ("fig, ax = plt", "%matplotlib inline\nfig, ax = plt", "is not plain Python"),
        ("fig, ax = plt", "!ls\nfig, ax = plt", "is not plain Python"),
        ("It is six.", "A spike is six.", "'spike' stands in the glossary"),
        ("It is six.", "Two firing\ntimes make six.", "stands in the glossary"),
        ("It is six.", "One {term}`weight`, and BNN.", "'BNN' stands in the glossary"),
        ("It is six.", "A {term}`spyke`.", "{term} leads to 'spyke', which has no entry"),
        ("It is six.", "{term}`Spikes <the\nspike>`", "{term} leads to 'the spike', which has no"),
        ("<../exercises/01_sum/01_sum.ipynb>", "<01_sum.ipynb>", "wants a section '## Exercises'"),
        ("## Exercises", "## Homework", "wants a section '## Exercises'"),
        ("| $V$ |", "| $Q_j$ |", "the symbol $Q_j$ of the summary is not on the page Notation"),
        ("5 minutes of reading", "15 minutes of reading", "declares 15 minutes of reading"),
        ("5 minutes of reading", "2 minutes of reading", "declares 2 minutes of reading"),
        ("10 minutes of exercises", "30 minutes of exercises", "where 12 are estimated"),
        ("10 minutes of exercises", "5 minutes of exercises", "where 12 are estimated"),
    ],
)
def test_a_missing_part_is_noticed(chapter: Path, old: str, new: str, problem: str) -> None:
    assert old in CHAPTER
    chapter.write_text(CHAPTER.replace(old, new), "utf8")
    assert any(problem in found for found in lint_book.lint(chapter)), lint_book.lint(chapter)


def test_missing_exercises_are_noticed(chapter: Path) -> None:
    shutil.rmtree(chapter.parent.parent / "exercises")
    assert any("has no exercises" in problem for problem in lint_book.lint(chapter))


def test_what_is_wrong_in_the_file_of_a_quiz_is_noticed(chapter: Path) -> None:
    (chapter.parent / "quizzes" / "01_sum.yml").write_text(QUIZ.replace("right: true", ""), "utf8")
    assert any("exactly one option" in problem for problem in lint_book.lint(chapter))
    (chapter.parent / "quizzes" / "01_sum.yml").unlink()
    assert any("01_sum.yml cannot be read" in problem for problem in lint_book.lint(chapter))


def test_the_allowed_magic_is_allowed(chapter: Path) -> None:
    magic = lint_book.MAGICS[0]
    chapter.write_text(CHAPTER.replace("import matplotlib", f"{magic}\nimport matplotlib"))
    assert lint_book.lint(chapter) == []


@pytest.mark.parametrize(
    "text",
    [
        "It is {term}`silent`, and then a silent neuron is silent.",
        "The {term}`spikes <spike>` are spikes, at the {term}`firing time`: a spike time.",
        "Only `a spike`, $spike$, {eval}`spike` and [a text](spike.html) of them.",
        "A spiking neuron, a weighted sum, an overlayer.",
        "## A spike\n\n:::{dropdown} Its weight\n:::",
        "```python\nspike = 1\n```",
    ],
)
def test_words_of_the_glossary_that_are_linked_or_not_in_the_text(text: str) -> None:
    assert list(book_text.unlinked(text, lint_book.notation()[1])) == []


def test_links_to_the_glossary_are_found_in_it_whatever_their_letters_and_line_ends() -> None:
    text = "{term}`Spike`, {term}`Firing\ntimes <firing\ntime>`, {term}`spyke`\n{term}`a <b>`"
    assert list(book_text.unknown_terms(text, [["spike"], ["firing time"]])) == [
        "line 3: {term} leads to 'spyke', which has no entry in the glossary",
        "line 4: {term} leads to 'b', which has no entry in the glossary",
    ]


def test_the_glossary_is_read_with_all_words_of_an_entry() -> None:
    entries = lint_book.notation()[1]
    assert ["spike time", "firing time"] in entries
    assert len(entries) > 70


def test_symbols_are_letters_with_an_index() -> None:
    table = r"""
| symbol | meaning |
|---|---|
| $V_j(t)$, $\eta, \lambda$ | $x$ |
| $t_\text{max}$, $w_{ji}$, $\hat p_i$ | |
| $\delta_j = e_j$ and $[t_i < t_j]$ | formulas |
"""
    found = {"V_j", r"\eta", r"\lambda", r"t_\text{max}", "w_{ji}", r"\hat p_i"}
    assert book_text.symbols(table) == found


def test_reading_takes_longer_with_every_thing_to_read(chapter: Path) -> None:
    def minutes(old: str, new: str) -> float:
        chapter.write_text(CHAPTER.replace(old, new), "utf8")
        return book_text.reading_minutes(jupytext.read(chapter, fmt="md:myst").cells)

    before = minutes("", "")
    hidden = minutes("keep_output]", "keep_output, hide-input]")
    assert before - hidden == pytest.approx(book_text.MINUTES["line"])
    for text, more in (
        ("It is six " + 200 * "and ", 1.0),
        ("$$ x = 6 $$", book_text.MINUTES["equation"]),
        (":::{admonition}\n:class: try-it\n:::", book_text.MINUTES["prompt"]),
    ):
        longer = minutes("It is six.", f"It is six.\n\n{text}")
        assert longer - before == pytest.approx(more, abs=0.05)


GOOD = '<p id="here"><img src="a.png" alt="A staircase."><a href="#here">x</a></p>'


@pytest.mark.parametrize(
    ("page", "problem"),
    [
        (GOOD, None),
        ('<img src="a.png">', "the picture a.png has no text in its place"),
        ('<img src="a.png" alt="">', "has no text"),
        ('<img src="a.png" alt="../_images/a.png">', "has no text"),
        ('<a href="https://example.org/nowhere#x">not followed</a>', None),
        ('<a href="other.html#there">x</a><a href="../data%20file.ipynb">x</a>', None),
        ('<a href="#there">x</a>', "the link #there leads nowhere"),
        ('<a href="other.html#here">x</a>', "the link other.html#here leads nowhere"),
        ('<a href="another.html">x</a>', "the link another.html leads nowhere"),
        ('<a href="../_downloads/1.ipynb">x</a>', "leads nowhere"),
    ],
)
def test_pictures_and_links_of_built_pages(tmp_path: Path, page: str, problem: str | None) -> None:
    (tmp_path / "book").mkdir()
    (tmp_path / "book" / "page.html").write_text(page)
    (tmp_path / "book" / "other.html").write_text('<h2 id="there">There</h2>')
    (tmp_path / "data file.ipynb").touch()
    found = book_html.problems(tmp_path)
    assert len(found) == (problem is not None)
    assert all(problem in text for text in found if problem)


def test_the_offline_copy_loads_nothing_from_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(offline, "TARGET", tmp_path)
    page = tmp_path / "book" / "page.html"
    page.parent.mkdir()
    mathjax = '<script defer src="https://cdn.example/npm/mathjax@3/es5/tex-mml-chtml.js"></script>'
    page.write_text(f'{mathjax}<a href="https://doi.org/1">a link to follow</a>')
    assert offline.make_local(page) == []
    assert 'src="../_static/mathjax/tex-mml-chtml.js"' in page.read_text()

    page.write_text('<img alt="" src="https://elsewhere.example/a.png">')
    assert offline.make_local(page) == ["https://elsewhere.example/a.png"]


def test_labels_are_used_once_in_the_book() -> None:
    label = r"^\$\$ \((\S+)\)|^\((\S+)\)=$|^ +name: (fig-\S+)"
    labels = Counter(
        "".join(found)
        for page in (ROOT / "book").glob("*.md")
        for found in re.findall(label, page.read_text("utf8"), re.M)
    )
    assert labels
    assert [name for name, times in labels.items() if times > 1] == []


def test_every_entry_of_the_contents_exists_and_is_in_the_contents() -> None:
    named = set(re.findall(r"(?:file|root): (\S+)", (ROOT / "_toc.yml").read_text("utf8")))
    written = {f"book/{page.stem}" for page in (ROOT / "book").glob("*.md")}
    assert named == written


def test_every_cited_key_is_in_the_bibliography_and_has_a_year_or_address() -> None:
    bibliography = (ROOT / "book" / "references.bib").read_text("utf8")
    keys = set(re.findall(r"^@\w+\{(\w+),", bibliography, re.M))
    pages = (ROOT / "book").glob("*.md")
    cited = {
        key.strip()
        for page in pages
        for names in re.findall(r"\{cite(?::\w)?\}`([^`]+)`", page.read_text("utf8"))
        for key in names.split(",")
    }
    assert cited <= keys
    for entry in re.split(r"^@", bibliography, flags=re.M)[1:]:
        assert "year" in entry or "howpublished" in entry, entry
