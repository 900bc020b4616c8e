"""Reference: the page on field types, made from the registry. `python -m patron_engine.fields.reference > PAGE` writes it,
a test compares it. In: the registry, the formats, the limits. Out: Markdown.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from patron_engine.fields import limits
from patron_engine.fields.base import FieldType, Shape
from patron_engine.fields.formats import FORMATS
from patron_engine.fields.registry import TYPES

_HEAD: Final = """# Field types

Made from `patron_engine.fields.registry`; do not edit by hand.

Every field has the keys `name type label help was required readonly visible default unique indexed sensitive
personal encrypted deprecated public`; the table names those of its own. *Column* is what PostgreSQL holds, parts as `x__part`; *JSON* is what
the API takes and answers. Empty is `null` everywhere; an empty text or list is empty.

- A title that is text also has `x__sort`, its pinyin sort key. Money of an object with `currency: record` also has
  `x__base`. A link to several objects also has `x__object`; a link with `many: true` has a table of its own. An encrypted
  field has its sealed value in `x` (bytea) and the digest that equality asks for in `x__blind`.
- Values are put into one form when they are read, by the same parser for API, forms, imports, defaults and automations:
  texts trimmed and in NFC, e-mail addresses in lower case, phone numbers as national digits of the workspace's country
  (`13800138000`) or E.164 of another. So unique rules and filters compare what is stored.
- The API is strict: decimals are texts or integers, moments have an offset, full-width digits are refused. Forms and files
  are tolerant where the meaning is clear: `1,234.50`, `1.2万`, `2026年1月5日`, option labels in any language, `是`.
- A choice stores its option's first name; `was` on an option renames it without touching a row.
- `approval.state .step .approvers .submitter .decided_at .comment` on every object, `path.NAME.since .due`,
  `sla.CLOCK.due_at .done_at .breached .hours`, `pool.name .since .returns_at` where the path, clock or pool is defined, are
  names of the same kind without a column: they read as empty until flow writes them.

| type | what it is | own keys | column | JSON |
|---|---|---|---|---|
"""


def page() -> str:
    """The whole page."""
    rows = "".join(_row(t) for t in TYPES.values())
    return f"{_HEAD}{rows}\n## Formats of texts\n\n{_formats()}\n## Limits\n\n{_limits()}"


def _row(type: FieldType) -> str:
    keys = " ".join(f"`{k}`" for k in type.keys) or "-"
    parts = type.parts(Shape(definition={}))
    column = ", ".join(f"{sql} `x__{part}`" if part else str(sql) for part, sql in parts)
    if type.family == "file":
        column = "rows of the file table"
    elif type.name in ("formula", "rollup"):
        column = "of its type, or none"
    return f"| `{type.name}` | {type.about} | {keys} | {column} | {type.wire} |\n"


def _formats() -> str:
    head = "| format | a value is | for example |\n|---|---|---|\n"
    return head + "".join(f"| `{f.name}` | {f.about} | `{f.sample}` |\n" for f in FORMATS.values())


def _limits() -> str:
    head = "| limit | figure |\n|---|---|\n"
    found = [(n, v) for n, v in vars(limits).items() if n.isupper() and isinstance(v, int | Decimal)]
    return head + "".join(
        f"| {n.lower().replace('_', ' ')} | {v:,f} |\n"
        if isinstance(v, Decimal)
        else f"| {n.lower().replace('_', ' ')} | {v:,} |\n"
        for n, v in found
    )


if __name__ == "__main__":
    print(page(), end="")
