"""References: everything a document names, by one walker a kind.

In: a Document (checked or not). Out: `references(document)`: names, expressions and literal values with their places,
in the terms of use.py. The model checks them all in one way; "where is it used?" and renames read the same table.
An expression no walker knows is found by a sweep, with the document's object as its scope: none is ever left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from patron_engine.meta.document import Document, Path, is_expression, walk
from patron_engine.meta.reference import access, flow, objects, reports, screens
from patron_engine.meta.reference.people import audience
from patron_engine.meta.reference.use import (
    UNKNOWN,
    ExpressionUse,
    Reference,
    References,
    Scope,
    ValueUse,
    Walk,
)

WALKERS: Final[Mapping[str, Callable[[Walk], None]]] = {
    "object": objects.object_,
    "segment": objects.segment,
    "setting": objects.setting,
    "data": objects.data,
    "check": objects.check,
    "workspace": objects.workspace,
    "layout": screens.layout,
    "view": screens.view,
    "menu": screens.menu,
    "template": screens.template,
    "webform": screens.webform,
    "dashboard": screens.dashboard,
    "automation": flow.automation,
    "approval": flow.approval,
    "stage_path": flow.stage_path,
    "assignment": flow.assignment,
    "pool": flow.pool,
    "sla": flow.sla,
    "conversion": flow.conversion,
    "duplicate_rule": flow.duplicate_rule,
    "role": access.role,
    "sharing": access.sharing,
    "report": reports.report,
    "goal": reports.goal,
}
NAMES_NOTHING: Final = frozenset(
    {"pack", "change", "option_set"}
)  # a change is told by the document it becomes


def references(document: Document) -> References:
    """Everything the document names, holds as expression or gives as a value."""
    if document.kind in NAMES_NOTHING or document.kind not in WALKERS:
        return References(names=(), expressions=(), values=())
    found = Walk(document)
    audience(found, ("for",), document.body.get("for"), objects.object_of(document))
    WALKERS[document.kind](found)
    _sweep(found)
    return found.result()


def references_of(document: Document) -> list[Reference]:
    return list(references(document).names)


def expressions_of(document: Document) -> list[ExpressionUse]:
    return list(references(document).expressions)


def _sweep(found: Walk) -> None:
    known: set[Path] = {use.path for use in found.expressions}
    scope = Scope(object=objects.object_of(found.document))
    for path, value in walk(found.body):
        if is_expression(value) and path not in known:
            found.value(path, value, scope)


__all__ = [
    "UNKNOWN",
    "WALKERS",
    "ExpressionUse",
    "Reference",
    "References",
    "Scope",
    "ValueUse",
    "expressions_of",
    "references",
    "references_of",
]
