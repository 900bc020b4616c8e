"""Source: the modules of engine, platform and designer as syntax trees, for pages that are made from the code.

Nothing is imported: a page can be made while a module is being changed, and needs no database.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

CHECKOUT: Final = Path(__file__).parents[4]
ROOTS: Final = ("engine/patron_engine", "platform/patron_platform", "designer/patron_designer")
REFERENCE: Final = CHECKOUT / "docs" / "reference"


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """One file. `place` is its name without the root: "record/plan.py"; the platform's begin with "platform: "."""

    place: str
    text: str
    tree: ast.Module


@cache
def modules() -> tuple[Module, ...]:
    """All modules, the engine's first, each folder in alphabetical order."""
    return tuple(_read())


def _read() -> Iterator[Module]:
    for root in ROOTS:
        part = root.split("/")[0]
        for path in sorted((CHECKOUT / root).rglob("*.py")):
            name = path.relative_to(CHECKOUT / root).as_posix()
            text = path.read_text(encoding="utf-8")
            yield Module(
                place=name if part == "engine" else f"{part}: {name}", text=text, tree=ast.parse(text)
            )


def escape(text: str) -> str:
    """As it may stand in a cell of a table: no bar, no line break, nothing that Markdown takes for HTML."""
    flat = " ".join(text.split()).replace("|", "\\|")
    return flat.replace("<", "&lt;").replace("*", "\\*").replace("[", "\\[")
