"""Say what is wrong with the PDF of the book, by the log that LaTeX wrote; `make pdf` ends with it.

What stands beyond the margins, letters that a font does not have, references that lead nowhere.
LaTeX makes a PDF all the same.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

LOG = Path(__file__).resolve().parent.parent / "_build" / "latex" / "spikes_and_bits.log"
LIMIT = 3.0  # points, one millimetre: what nobody sees
OVERFULL = re.compile(r"^Overfull \\[hv]box \(([\d.]+)pt too .*$", re.M)
OTHERS = re.compile(r"^(?:Missing character: .*|LaTeX Warning: There were undefined .*)$", re.M)


def problems(log: str) -> Iterator[str]:
    """Find in a log what a reader of the PDF would stumble over, as LaTeX says it."""
    for found in OVERFULL.finditer(log):
        if float(found[1]) > LIMIT:
            yield found[0]
    yield from OTHERS.findall(log)


def main(log: Path = LOG) -> int:
    """Print what is wrong; the result is the exit status."""
    found = list(problems(log.read_text("utf8", errors="replace")))
    if found:
        print("The PDF is not fit to print, says its log:", *found, sep="\n")
        return 1
    print("The PDF is ready. Open:", log.with_suffix(".pdf"), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
