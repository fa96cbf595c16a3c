"""The directive ``{quiz} NN_name``: the questions of ``book/quizzes/NN_name.yml`` in the page.

The options are radio buttons, and the feedback of the chosen one appears below them: a matter of
HTML and CSS (``book/static/custom.css``), with no script and no kernel. In print the answers follow
the questions.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

from docutils import nodes
from docutils.statemachine import StringList
from quiz import Option, Question, QuizError, read_quiz
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

FOLDER = Path(__file__).resolve().parent.parent / "book" / "quizzes"


class question_node(nodes.Element):  # noqa: N801 - docutils writes the names of nodes so
    """One question: a box with its number."""


class option_node(nodes.Element):  # noqa: N801
    """One option: a radio button and its text."""


class answers_node(nodes.Element):  # noqa: N801
    """The place where the feedback appears, which a screen reader watches."""


class feedback_node(nodes.Element):  # noqa: N801
    """What is said of one option; hidden until it is chosen."""


class QuizDirective(SphinxDirective):
    """``{quiz} 03_forward``: the questions of that file."""

    required_arguments: ClassVar[int] = 1

    def run(self) -> list[nodes.Node]:
        """Read the file; return its questions, and their answers for print."""
        path = FOLDER / f"{self.arguments[0]}.yml"
        self.env.note_dependency(str(path))
        try:
            questions = read_quiz(path)
        except QuizError as error:
            raise self.error(str(error)) from error
        shown = [
            self._question(question, f"{self.arguments[0]}-{number}", number)
            for number, question in enumerate(questions, 1)
        ]
        in_print = addnodes.only(expr="latex")
        in_print += self._answers(questions)
        return [*shown, in_print]

    def _question(self, question: Question, name: str, number: int) -> question_node:
        node = question_node(name=name, number=number)
        node += nodes.container("", *self._parse(question.text), ids=[f"quiz-{name}"])
        answers = answers_node()
        for place, option in enumerate(question.options):
            node += option_node("", *self._inline(option.text), name=name, place=place)
            answers += feedback_node(
                "",
                *self._feedback(option, "Right. " if option.right else "No. "),
                right=option.right,
            )
        node += answers
        return node

    def _answers(self, questions: list[Question]) -> list[nodes.Node]:
        shown: list[nodes.Node] = [nodes.rubric(text="Answers")]
        for number, question in enumerate(questions, 1):
            place = [option.right for option in question.options].index(True)
            shown += self._feedback(question.options[place], f"{number} {'abcd'[place]}. ")
        return shown

    def _feedback(self, option: Option, before: str) -> list[nodes.Node]:
        first, *others = self._parse(option.feedback)
        verdict = nodes.strong(text=before)
        return [nodes.paragraph("", "", verdict, *first.children), *others]

    def _parse(self, text: str) -> list[nodes.Node]:
        container = nodes.container()
        self.state.nested_parse(StringList(text.splitlines()), self.lineno, container)
        return list(container.children)

    def _inline(self, text: str) -> list[nodes.Node]:
        return list(self._parse(text)[0].children)


def _around(open_: Callable[[Any], str], close: str) -> tuple[Any, Any]:
    def visit(translator: Any, node: Any) -> None:
        translator.body.append(open_(node))

    def depart(translator: Any, node: Any) -> None:
        translator.body.append(close)

    return visit, depart


HTML = {
    question_node: _around(
        lambda node: (
            '<fieldset class="quiz-question"'
            f' aria-describedby="quiz-{node["name"]}">'
            f"<legend>Question {node['number']}</legend>\n"
        ),
        "</fieldset>\n",
    ),
    option_node: _around(
        lambda node: (
            '<label class="quiz-option"><input type="radio"'
            f' name="quiz-{node["name"]}" value="{node["place"]}">'
            f'<span class="quiz-letter">{"abcd"[node["place"]]}</span><span>'
        ),
        "</span></label>\n",
    ),
    answers_node: _around(
        lambda node: '<div class="quiz-answers" aria-live="polite">\n', "</div>\n"
    ),
    feedback_node: _around(
        lambda node: f'<div class="quiz-feedback" data-right="{str(node["right"]).lower()}">\n',
        "</div>\n",
    ),
}
LATEX = {
    question_node: _around(
        lambda node: rf"\par\medskip\noindent\textbf{{Question {node['number']}}} ", "\n"
    ),
    option_node: _around(lambda node: rf"\par\hspace*{{1em}}({'abcd'[node['place']]}) ", "\n"),
}


def _skip(translator: Any, node: Any) -> None:
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, Any]:
    """Tell Sphinx of the directive and of how its parts look."""
    for node, html in HTML.items():
        app.add_node(node, html=html, latex=LATEX.get(node, (_skip, None)))
    app.add_directive("quiz", QuizDirective)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
