"""What a lint asks of a page's text: words of the glossary are linked, declared times are fair."""

import re
from collections.abc import Iterator, Mapping, Sequence

from nbformat import NotebookNode

# What is not running text; the page stays as long as it was, so that places in it stay right.
NOT_PROSE = re.compile(
    r"""
    \A---\n.*?^---$                          # the head of the file
    | ^(?P<fence>`{3,}|~{3,}).*?^(?P=fence)  # code, tables in directives, quizzes
    | \$\$.*?\$\$ | \$[^$]+\$                # maths
    | ^(?:\#|:{3,}|:class:|\(sec-)[^\n]*     # headings, the lines of directives, labels
    | \]\([^)]*\)                            # addresses
    | (?P<link>\{term\})?(?:\{[\w:]+\})?(?P<code>`+)[^`].*?(?P=code)  # roles and code
    """,
    re.M | re.S | re.X,
)

MATHS = re.compile(r"\$([^$]+)\$")
SYMBOL = re.compile(r"\\?(?:hat )?[A-Za-z]+(?:_(?:\w|\{\w+\}|\\text\{\w+\}))?")

# Minutes that a reader takes. Words alone go at 200 a minute; these take longer than their words.
MINUTES = {"word": 1 / 200, "line": 1 / 20, "equation": 1 / 4, "figure": 1 / 3, "prompt": 2.0}
QUIZ_MINUTES = 5.0


def prose(text: str) -> str:
    """Return a page with spaces in place of all that is not running text, or a link to a term."""
    return NOT_PROSE.sub(
        lambda match: match[0] if match["link"] else re.sub(r"\S", " ", match[0]), text
    )


def glossary(text: str) -> list[list[str]]:
    """Return the entries of a page's glossary, each with its words."""
    (body,) = re.findall(r"^```\{glossary\}\n(?::sorted:\n)?(.*?)^```", text, re.M | re.S)
    heads = re.findall(r"(?:^(?! |\n).+\n)+(?=  )", body, re.M)
    return [head.splitlines() for head in heads]


def first_uses(text: str, entries: Sequence[Sequence[str]]) -> Iterator[re.Match[str]]:
    """Find where a page first uses each entry: the group ``link`` is the link, or else ``word``."""
    entry_of = {word.lower(): number for number, words in enumerate(entries) for word in words}
    longest_first = sorted((word for words in entries for word in words), key=len, reverse=True)
    words = "|".join(re.escape(word).replace(r"\ ", r"\s+") for word in longest_first)
    uses = re.compile(
        rf"\{{term\}}`(?P<link>[^`]*)`|(?<![\w-])(?P<word>{words})(?:s|es)?(?![\w-])", re.I
    )
    seen = set()
    for match in uses.finditer(prose(text)):
        shown = match["word"] or re.sub(r".*<(.*)>", r"\1", match["link"], flags=re.S)
        entry = entry_of.get(" ".join(shown.lower().split()))
        if entry not in seen:
            seen.add(entry)
            yield match


def unlinked(text: str, entries: Sequence[Sequence[str]]) -> Iterator[str]:
    """Name the words of the glossary whose first use on a page is not a link to it."""
    for match in first_uses(text, entries):
        if match["word"]:
            line = text.count("\n", 0, match.start()) + 1
            yield (
                f"line {line}: '{match['word']}' stands in the glossary; its first use on a page "
                "is a link, {term}`...`, or another word is meant and should be taken"
            )


def unknown_terms(text: str, entries: Sequence[Sequence[str]]) -> Iterator[str]:
    """Name the links to the glossary, ``{term}`shown <word>```, whose word has no entry there."""
    words = {word.lower() for entry in entries for word in entry}
    for match in re.finditer(r"\{term\}`(?:[^`<]*<)?([^`>]*)>?`", text):
        word = " ".join(match[1].split())
        if word.lower() not in words:
            line = text.count("\n", 0, match.start()) + 1
            yield f"line {line}: {{term}} leads to '{word}', which has no entry in the glossary"


def symbols(section: str) -> set[str]:
    """Return the symbols of a table's first column: a letter with its index; no formulas."""
    cells = re.findall(r"^\| *(.*?) *\|", section, re.M)
    said = [
        part.strip() for cell in cells for maths in MATHS.findall(cell) for part in maths.split(",")
    ]
    found = {re.sub(r"\(\w\)$", "", part) for part in said}  # V(t) is V
    return {symbol for symbol in found if SYMBOL.fullmatch(symbol)}


def reading_minutes(cells: Sequence[NotebookNode]) -> float:
    """Estimate how long a chapter takes: words, shown code, equations, figures, prompts, quiz."""
    text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    code = [cell for cell in cells if cell.cell_type == "code"]
    shown = [cell.source for cell in code if "hide-input" not in cell.metadata.get("tags", [])]
    counts = {
        "word": len(re.findall(r"[^\W\d_]{2,}", prose(text))),
        "line": sum(bool(line.strip()) for source in shown for line in source.splitlines()),
        "equation": len(re.findall(r"^\$\$.*?\$\$", text, re.M | re.S)),
        "figure": sum("figure" in cell.metadata.get("mystnb", {}) for cell in code),
        "prompt": len(re.findall(r"^:class: try-it", text, re.M)),
    }
    return QUIZ_MINUTES + sum(count * MINUTES[what] for what, count in counts.items())


def time_problems(
    cells: Sequence[NotebookNode], declared: Mapping[str, int], exercises: str
) -> Iterator[str]:
    """Compare the times of a chapter's first box with what its text and its exercises say."""
    times = {"reading": reading_minutes(cells)}
    if found := re.search(r"about (\d+) minutes of work", exercises):
        times["exercises"] = float(found[1])
    for what, minutes in times.items():
        if not minutes / 2 <= declared.get(what, 0) <= minutes * 2:
            yield (
                f"the box At a glance declares {declared.get(what, 0)} minutes of {what}, where "
                f"{minutes:.0f} are estimated"
            )
