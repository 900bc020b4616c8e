"""The reference of functions as Markdown, made from the table. In: the table. Out: docs/reference/functions.md.

python -m patron_engine.expr.functions.reference > docs/reference/functions.md
"""

from __future__ import annotations

from itertools import groupby
from typing import Final

from patron_engine.expr.functions.table import FUNCTIONS
from patron_engine.expr.operation import Function

_HEAD: Final = """\
# Functions of expressions

Made from the table of functions by `python -m patron_engine.expr.functions.reference`; a test compares the two.
Names are written in capitals and read in any case. *rows* says whether the function may stand where records are chosen
(filters, segments, sharing, look-ups): one without cannot, for it has no meaning in SQL.

Numbers are decimals and 10^25 or more is empty; a text an operation makes has at most 10,000 characters; dates lie in the
years 1 to 9999. With an empty argument a function is empty (a condition: false), where its line says nothing else.
"""


def reference() -> str:
    """The whole page."""
    parts = [_HEAD]
    for group, entries in groupby(FUNCTIONS.values(), key=lambda f: f.group):
        parts.append(
            f"\n## {group.capitalize()}\n\n| function | what it does | example | rows |\n|---|---|---|---|\n"
        )
        parts += [_line(f) for f in entries]
    return "".join(parts)


def _line(f: Function) -> str:
    source, value = (text.replace("|", "\\|") for text in f.example)
    return f"| `{f.form}` | {f.help} | `{source}` → `{value}` | {'yes' if chooses_rows(f) else 'no'} |\n"


def chooses_rows(f: Function) -> bool:
    """Whether it has an SQL side. Functions typed by a rule all have one."""
    return all(s.op.sql is not None or s.op.bound for s in f.signatures)


if __name__ == "__main__":
    print(reference(), end="")
