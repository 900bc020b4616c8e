"""Writes the pages of docs/reference that are made from the code: `python docs/generate.py`.

In: the registries and the source of this checkout. Out: field-types.md, functions.md, kinds/*.md, problems.md, limits.md.
tests/arch/test_docs.py compares them with the code. Pages that are written by hand are left alone.
"""

from __future__ import annotations

import sys
from pathlib import Path

CHECKOUT = Path(__file__).parents[1]
sys.path.insert(0, str(CHECKOUT / "tests" / "support"))

from patron_engine.expr.functions.reference import reference as functions_page
from patron_engine.fields.reference import page as field_types_page
from patron_testing.pages import kinds, limits, problems
from patron_testing.pages.source import REFERENCE


def main() -> None:
    pages = {
        "field-types.md": field_types_page(),
        "functions.md": functions_page(),
        "problems.md": problems.page(),
        "limits.md": limits.page(),
        **{f"kinds/{name}": text for name, text in kinds.pages().items()},
    }
    for old in (REFERENCE / "kinds").glob("*.md"):
        if f"kinds/{old.name}" not in pages:
            old.unlink()
    for name, text in pages.items():
        page = REFERENCE / name
        page.parent.mkdir(parents=True, exist_ok=True)
        fresh = page.with_suffix(".new")  # whole or not at all, also when it is stopped midway
        fresh.write_text(text, encoding="utf-8")
        fresh.replace(page)
    print(f"{len(pages)} pages in {REFERENCE.relative_to(CHECKOUT)}")


if __name__ == "__main__":
    main()
