"""Names: does everything a document names exist? One check for every kind, from what meta/reference found.

In: a Sketch whose formulas are typed, and references. Out: problems with file, line, path and the nearest right name.
Codes of records (users, departments …) are not looked at: records are not definitions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from patron_engine.expr.types import ExprType
from patron_engine.fields.field import ChoiceSpec, Field
from patron_engine.fields.options import names_of
from patron_engine.meta.document import Document, Path, element_name, former_names, walk
from patron_engine.meta.reference import Reference
from patron_engine.model.expressions import Expressions
from patron_engine.model.field_names import FieldNames, fault
from patron_engine.phrases import Phrase
from patron_engine.problems import Problems, nearest

FEATURE_LISTS: Final = (
    "activities",
    "comments",
    "files",
    "history",
    "approvals",
    "follow",
    "tasks",
    "messages",
)
ACTIONS: Final = (
    "create", "edit", "delete", "restore", "clone", "submit", "withdraw", "urge", "transfer", "assign", "claim", "return",
    "share", "follow", "merge", "convert", "void", "unvoid", "print", "export", "import", "comment", "lock", "unlock",
)  # fmt: skip


class Names(FieldNames):
    """Checks references of documents."""

    def __init__(
        self, expressions: Expressions, problems: Problems, unread: frozenset[tuple[str, str]] = frozenset()
    ) -> None:
        super().__init__(expressions)
        self.documents = self.sketch.documents
        self.problems = problems
        self.unread = unread  # documents that stand there and cannot be read: who names them is not wrong
        self._aliases = {
            (kind, old): name for (kind, name), d in self.documents.items() for old in former_names(d.body)
        }
        self._checks: Mapping[str, Callable[[Document, Reference], str | None]] = {
            "object": self._object, "field": self._field, "set": self._set, "option": self._option,
            "definition": self._definition, "element": self._element, "code": lambda *_: None,
            "record_type": self._record_type, "action": self._action, "related": self._related, "here": self._here,
        }  # fmt: skip

    def check(self, document: Document, references: Iterable[Reference]) -> None:
        told: set[tuple[Path, str]] = set()
        for reference in references:
            hint = self._checks[reference.what](document, reference)
            if hint is not None and (reference.path, reference.name) not in told:
                told.add((reference.path, reference.name))
                code, message, more = hint.split("\0")
                self.problems.add(code, message, hint=more or None, **document.where(reference.path))

    # Each answers None, or "code \0 message \0 hint".

    def _object(self, document: Document, reference: Reference) -> str | None:
        if self.sketch.object(reference.name) is not None or ("object", reference.name) in self.unread:
            return None
        return fault(
            "unknown_object",
            Phrase("there is no object {reference!r}", reference=reference.name),
            nearest(reference.name, self.sketch.objects),
        )

    def _field(self, document: Document, reference: Reference) -> str | None:
        object = self.expressions.object_of(reference.object or "?")
        if object is None:
            return None
        fault = self.path_fault(object, reference.name, sets=reference.sets, written=reference.written)
        return (
            self.kind_fault(object, reference)
            if fault is None and (reference.kinds or reference.types)
            else fault
        )

    def _set(self, document: Document, reference: Reference) -> str | None:
        here = self.expressions.object_of(reference.object or "?")
        for step in reference.name.split(".") if here is not None else ():
            assert here is not None
            below = self.catalog.set_object(here, step)
            if below is None and any(kind == "object" for kind, _ in self.unread):
                return None  # it may be a set of what cannot be read
            if below is None:
                known = self.catalog.sets(here)
                hint = nearest(step, known) or (
                    Phrase("its sets are {known}", known=list(sorted(known)[:12]))
                    if known
                    else "no link points at it"
                )
                return fault("unknown_set", Phrase("{here} has no set {step!r}", here=here, step=step), hint)
            here = below
        return None

    def _option(self, document: Document, reference: Reference) -> str | None:
        spec = self._choice(reference)
        if not isinstance(spec, ChoiceSpec) or spec.free:
            return None
        known = names_of(Field(object="", name="", type="select", expr=ExprType("choice"), spec=spec)).by_name
        if reference.name in known:
            return None
        what = f"{reference.object}.{reference.field}" if reference.object else str(reference.field)
        return fault(
            "unknown_option",
            Phrase("{what} has no option {reference!r}", what=what, reference=reference.name),
            nearest(reference.name, known),
        )

    def _choice(self, reference: Reference) -> Any:
        object = self.expressions.object_of(reference.object or "?")
        one = self.sketch.object(object)
        found = one.field(reference.field or "") if one is not None else None
        return None if found is None else found.value_spec or found.spec

    def _definition(self, document: Document, reference: Reference) -> str | None:
        kind = reference.kind or ""
        key = (kind, reference.name)
        if key in self.documents or key in self._aliases or key in self.unread:
            return None
        known = [name for k, name in self.documents if k == kind]
        return fault(
            f"unknown_{kind}",
            Phrase(
                "there is no {value} {reference!r}", value=kind.replace("_", " "), reference=reference.name
            ),
            nearest(reference.name, known),
        )

    def _element(self, document: Document, reference: Reference) -> str | None:
        owners = self._owners(reference)
        if not owners and (reference.of or reference.object is None or self.unread):
            return None  # the owner is told already
        if not owners:
            object = self.expressions.object_of(reference.object or "?")
            if object is None:
                return None
            kind = (reference.kind or "").replace("_", " ")
            return fault(
                "unknown_element",
                Phrase(
                    "{object} has no {kind}, so no {reference!r}",
                    object=object,
                    kind=kind,
                    reference=reference.name,
                ),
                Phrase("write one: kind: {kind}", kind=reference.kind),
            )
        known = {n for d in owners for n in _elements(d.body, reference.element or "")}
        if reference.name in known:
            return None
        place = f"{reference.kind} {reference.of}" if reference.of else str(reference.kind)
        return fault(
            "unknown_element",
            Phrase(
                "{place} has no {reference!r} in its {element}",
                place=place,
                reference=reference.name,
                element=reference.element,
            ),
            nearest(reference.name, known),
        )

    def _owners(self, reference: Reference) -> list[Document]:
        kind = reference.kind or ""
        if reference.of:
            name = self._aliases.get((kind, reference.of), reference.of)
            found = self.documents.get((kind, name))
            return [found] if found is not None else []
        object = None if reference.object is None else self.expressions.object_of(reference.object)
        return [
            d
            for (k, _), d in self.documents.items()
            if k == kind and (object is None or d.body.get("object") == object)
        ]

    def _record_type(self, document: Document, reference: Reference) -> str | None:
        object = self.expressions.object_of(reference.object or "?")
        one = self.sketch.object(object)
        if one is None:
            return None
        types = [t for t in one.body.get("record_types") or () if isinstance(t, Mapping)]
        known = [str(t.get("name")) for t in types] + [old for t in types for old in former_names(t)]
        if reference.name in known:
            return None
        return fault(
            "unknown_record_type",
            Phrase("{object} has no record type {reference!r}", object=object, reference=reference.name),
            nearest(reference.name, known),
        )

    def _action(self, document: Document, reference: Reference) -> str | None:
        object = None if reference.object is None else self.expressions.object_of(reference.object)
        known = {*ACTIONS, *self._actions_of(object)}
        if reference.name in known:
            return None
        return fault(
            "unknown_action",
            Phrase("there is no action {reference!r} for {object}", reference=reference.name, object=object),
            nearest(reference.name, known),
        )

    def _actions_of(self, object: str | None) -> Iterable[str]:
        for (kind, name), document in self.documents.items():
            if document.body.get("object") == object:
                if kind in ("conversion", "template", "approval", "automation"):
                    yield name
                if kind in ("automation", "approval", "assignment"):
                    for _, value in walk(document.body.get("on")):
                        if isinstance(value, Mapping) and isinstance(value.get("button"), str):
                            yield value["button"]

    def _related(self, document: Document, reference: Reference) -> str | None:
        return None if reference.name in FEATURE_LISTS else self._set(document, reference)

    def _here(self, document: Document, reference: Reference) -> str | None:
        if reference.name in reference.known:
            return None
        return fault(
            "unknown_name",
            Phrase("nothing in this document is named {reference!r}", reference=reference.name),
            nearest(reference.name, reference.known),
        )


def _elements(body: Mapping[str, Any], listed: str) -> Iterable[str]:
    """Names of the elements of every list called `listed`, wherever it stands (nodes stand inside cases)."""
    for path, value in walk(body):
        if path and path[-1] == listed and isinstance(value, list):
            for item in value:
                name = element_name(item)
                if name is not None:
                    yield name
                if isinstance(item, Mapping):
                    yield from former_names(item)
