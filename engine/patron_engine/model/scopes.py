"""Scopes: where each expression of a document stands, in terms of the objects there are.

In: an ExpressionUse as meta/reference tells it (object names, set paths, type words). Out: the Scope its text is compiled
in, or None where its objects cannot be told.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from patron_engine.expr.scope import Scope
from patron_engine.expr.types import DATES, EMPTY, NUMBER, TEXT, ExprType
from patron_engine.meta.reference import UNKNOWN, ExpressionUse
from patron_engine.model.catalog import SketchCatalog
from patron_engine.model.sketch import Sketch

_WORD_TYPES: Final[Mapping[str, ExprType]] = {
    "list": ExprType("list", element=TEXT), "range": DATES, "json": ExprType("json"), "empty": EMPTY,
    "link": ExprType("link"),
}  # fmt: skip


class Scopes:
    """Resolves what meta/reference tells against sketches."""

    def __init__(self, sketch: Sketch, catalog: SketchCatalog) -> None:
        self.sketch = sketch
        self.catalog = catalog

    def scope(self, use: ExpressionUse) -> Scope | None:
        """The scope of a use; None where its objects cannot be told (that is a problem of its own elsewhere)."""
        object = None if use.object is None else self.object_of(use.object)
        if use.object is not None and object is None:
            return None
        roots: dict[str, str | Mapping[str, ExprType]] = {}
        for root, under in use.roots.items():
            if isinstance(under, str):
                known = self.object_of(under)
                if known is not None:
                    roots[root] = known
                elif re.search(rf"\b{root}\b", use.text):
                    return None
            else:
                roots[root] = self._typed(under)
        return Scope(
            catalog=self.catalog, object=object, roots=roots, names=self._typed(use.names), expects=self._expects(use),
            rows=use.rows, aggregates=use.aggregates, measures=use.report,
        )  # fmt: skip

    def object_of(self, told: str) -> str | None:
        """The object an ObjectName of meta/reference means."""
        head, _, path = told.partition("/") if not told.startswith("@") else (told, "", "")
        if head.startswith("@"):
            return self._shown_by(head[1:])
        one = self.sketch.object(head)
        here = None if one is None else one.name
        for step in path.split("/") if path else ():
            if here is None:
                return None
            below = self.catalog.set_object(here, step)
            if below is None:
                type = self.catalog.field(here, step)
                link = type.element if type is not None and type.kind == "list" else type
                below = (
                    link.objects[0]
                    if link is not None and link.kind == "link" and len(link.objects) == 1
                    else None
                )
            here = below
        return here

    def _shown_by(self, named: str) -> str | None:
        kind, _, name = named.partition("/")
        document = self.sketch.documents.get((kind, name))
        if document is None:
            return None
        if kind == "goal":
            report = str(document.body.get("measure") or "").partition(".")[0]
            return self._shown_by(f"report/{report}")
        object = document.body.get("object")
        one = self.sketch.object(object) if isinstance(object, str) else None
        return None if one is None else one.name

    def _typed(self, words: Mapping[str, str]) -> Mapping[str, ExprType]:
        found: dict[str, ExprType] = {}
        for name, word in words.items():
            kind, colon, what = word.partition(":")
            if kind == "conversion":
                for target, object in self._made_by(what):
                    found.setdefault(name, ExprType("link", objects=(object,)))
                    found[f"{name}.{target}"] = ExprType("link", objects=(object,))
            elif colon:
                type = self._worded(kind, what)
                if type is not None:
                    found[name] = type
            else:
                found[name] = _WORD_TYPES.get(word) or ExprType(word)  # type: ignore[arg-type]
        return found

    def _worded(self, kind: str, what: str) -> ExprType | None:
        if kind == "field":
            object, _, name = what.partition(".")
            known = self.object_of(object)
            return None if known is None else self.field_type(known, name)
        if kind == "measure":
            return self._measured(*what.split(".", 1))
        known = None if what == UNKNOWN else self.object_of(what)
        link = ExprType("link", objects=() if known is None else (known,))
        return ExprType("list", element=link) if kind == "objects" else link

    def _made_by(self, conversion: str) -> list[tuple[str, str]]:
        document = self.sketch.documents.get(("conversion", conversion))
        targets = document.body.get("to") if document is not None else None
        return [
            (str(t.get("name")), str(t.get("object")))
            for t in targets or ()
            if isinstance(t, Mapping) and self.sketch.object(t.get("object"))
        ]

    def _into_type(self, into: tuple[str, str]) -> ExprType | None:
        object = self.object_of(into[0])
        return None if object is None else self.field_type(object, into[1])

    def _expects(self, use: ExpressionUse) -> tuple[str, ...]:
        if use.into is None or use.expects:
            return use.expects
        type = self._into_type(use.into)
        if type is None or type.kind in ("json", "empty"):
            return ()
        if type.kind == "list":
            element = type.element.kind if type.element is not None else "text"
            return ("list", element) if element == "link" else ("list",)
        return ("text",) if type.kind == "choice" else (type.kind,)

    def _measured(self, object: str, path: str) -> ExprType:
        """What the smallest of a report's values is; a number where its field cannot be told."""
        here = self.object_of(object)
        while here is not None and "." in path:
            step, rest = path.split(".", 1)
            below = self.catalog.set_object(here, step)
            if below is None:
                break
            here, path = below, rest
        return (self.field_type(here, path) if here is not None else None) or NUMBER

    def field_type(self, object: str, path: str) -> ExprType | None:
        """The type at the end of a path, or None (the name is told about elsewhere). Raises Pending."""
        here = object
        steps = path.split(".")
        for index, step in enumerate(steps):
            type = self.catalog.field(here, step)
            rest = steps[index:]
            if type is None or (type.kind != "link" and len(rest) > 1):
                return self.catalog.field(here, ".".join(rest)) if len(rest) > 1 else None
            if len(rest) == 1:
                return type
            if len(type.objects) != 1:
                return None
            here = type.objects[0]
        return None
