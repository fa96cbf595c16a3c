"""Two corrections of the API, as an extension of Sphinx: what a reader would stumble over.

A field of a named tuple is not listed as "Alias for field number 0": the class describes it. And
names that a docstring describes together stay together: "a, b : int" was read as one of type "a,".
"""

import re
from typing import Any

from sphinx.application import Sphinx

SAID = "Alias for field number "
TOGETHER = re.compile(r"^:(?:ivar|vartype) [^:]+,[^:]+:")


def skip(app: Sphinx, what: str, name: str, member: Any, skipped: bool, options: Any) -> bool:
    """Tell whether a member is left out."""
    return skipped or str(member.__doc__).startswith(SAID)


def together(app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Take the spaces from between names, at which Sphinx would cut."""
    for number, line in enumerate(lines):
        if found := TOGETHER.match(line):
            lines[number] = found[0].replace(", ", ",") + line[found.end() :]


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the corrections; the second comes after napoleon."""
    app.connect("autodoc-skip-member", skip)
    app.connect("autodoc-process-docstring", together, priority=900)
    return {"parallel_read_safe": True}
