"""Links: user, department, lookup, master. The value is the id of a record; of several objects, its object and id.

Choosing by a unique field, an external id or a name is the save's work; here a link is an id and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

import sqlalchemy as sa

from patron_engine.expr.types import ExprType
from patron_engine.fields import limits
from patron_engine.fields.base import (
    PLAIN_FORMATS,
    Around,
    FieldType,
    Parts,
    Shape,
    TextFormats,
    ValueFault,
    kind_word,
)
from patron_engine.fields.characters import shown
from patron_engine.fields.field import Field, LinkSpec, Spec
from patron_engine.phrases import Phrase

_UUID: Final = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}", re.ASCII)
OBJECT_OF: Final[Mapping[str, str]] = {"user": "user", "department": "department"}


def read_id(raw: Any) -> str:
    """An id in its one form: lower-case UUID text."""
    if isinstance(raw, str) and _UUID.fullmatch(raw):
        return raw.lower()
    what = shown(raw) if isinstance(raw, str) else kind_word(raw)
    raise ValueFault(
        "not_id", Phrase("{what} is not the id of a record", what=what), "36 characters, 8-4-4-4-12"
    )


class Link(FieldType):
    """What all links share."""

    family = "link"
    sql = "uuid"
    wire = "id"
    sortable = True

    def parts(self, shape: Shape) -> Parts:
        if shape.many:
            return ()
        return (("", "uuid"), ("object", "text")) if shape.several else (("", "uuid"),)

    def spec(self, definition: Mapping[str, Any], around: Around) -> LinkSpec:
        """Without the expressions: model/compile adds `where` and `find`."""
        raw = definition.get("to", OBJECT_OF.get(self.name))
        to = (raw,) if isinstance(raw, str) else tuple(str(t) for t in raw or ())
        reverse = definition.get("reverse")
        fill = definition.get("fill")
        return LinkSpec(
            to=to,
            many=definition.get("many") is True,
            master=self.name == "master",
            on_delete=definition.get("on_delete") or ("cascade" if self.name == "master" else "restrict"),
            reverse=reverse.get("name") if isinstance(reverse, Mapping) else reverse,
            fill=dict(fill) if isinstance(fill, Mapping) else {},
            tree=definition.get("tree") is True,
            same_currency=definition.get("same_currency") is True,
        )

    def expr_type(self, spec: Spec) -> ExprType:
        assert isinstance(spec, LinkSpec)
        one = ExprType("link", objects=spec.to)
        return ExprType("list", element=one) if spec.many else one

    def read_wire(self, field: Field, raw: Any) -> Any:
        if raw is None or raw == "":
            return None
        if not field.link.many:
            return self._one(field, raw)
        if not isinstance(raw, list | tuple):
            raise ValueFault("not_list", Phrase("this is a list of ids, not {raw}", raw=kind_word(raw)), None)
        if len(raw) > limits.LINKS:
            raise ValueFault(
                "limit_links",
                Phrase("{count} records, at most {links} can be linked", count=len(raw), links=limits.LINKS),
                None,
            )
        values = [self._one(field, r) for r in raw]
        unique = list({(v["id"] if isinstance(v, dict) else v): v for v in values if v is not None}.values())
        return tuple(unique) or None

    def read_text(self, field: Field, text: str, formats: TextFormats = PLAIN_FORMATS) -> Any:
        """Ids, several of them with ; between. Names of records are found by whoever reads the file."""
        pieces = [p.strip() for p in text.split(";") if p.strip()]
        if not pieces:
            return None
        return self.read_wire(field, pieces if field.link.many else text.strip())

    def to_text(self, field: Field, value: Any, formats: TextFormats = PLAIN_FORMATS) -> str:
        found = value if isinstance(value, tuple | list) else [] if value is None else [value]
        return ";".join(v["id"] if isinstance(v, Mapping) else v for v in found)

    def _one(self, field: Field, raw: Any) -> Any:
        if isinstance(raw, Mapping):
            if not set(raw) <= {"object", "id", "title"} or "id" not in raw:
                raise ValueFault("not_link", "a link is an id", '"0198…" or {"id": "0198…"}')
            named = raw.get("object")
            if named is not None and named not in field.link.to:
                raise ValueFault(
                    "wrong_object",
                    Phrase("{named} cannot be linked here", named=shown(str(named))),
                    Phrase("one of {to}", to=list(field.link.to)),
                )
            id = read_id(raw["id"])
            if not field.link.several:
                return id
            if named is None:
                raise ValueFault(
                    "object_missing", "this links several objects: say which", '{"object": "…", "id": "…"}'
                )
            return {"object": named, "id": id}
        if field.link.several:
            raise ValueFault(
                "object_missing", "this links several objects: say which", '{"object": "…", "id": "…"}'
            )
        return read_id(raw)

    def checker(self, field: Field) -> None:
        return None

    def to_columns(self, field: Field, value: Any) -> tuple[Any, ...]:
        if isinstance(value, Mapping):
            return tuple(value["object"] if c.part == "object" else value["id"] for c in field.columns)
        # A plain id of a field that links several objects by now is of the object it linked before: the first.
        object = field.link.to[0] if value is not None else None
        return tuple(value if c.part == "" else object for c in field.columns)

    def from_columns(self, field: Field, parts: Sequence[Any]) -> Any:
        if not field.link.several or parts[0] is None:
            return parts[0]
        found = {c.part: v for c, v in zip(field.columns, parts, strict=True)}
        return {"object": found["object"], "id": found[""]}

    def to_wire(self, field: Field, value: Any) -> Any:
        return list(value or ()) if field.link.many else value

    def wire_sql(
        self, field: Field, columns: Sequence[sa.ColumnElement[Any]]
    ) -> sa.ColumnElement[Any] | None:
        return columns[0] if len(columns) == 1 else None


class Lookup(Link):
    name = "lookup"
    about = "a record of another object; with `many: true` several; with a list in `to` of several objects"
    keys: ClassVar[tuple[str, ...]] = ("to", "many", "where", "on_delete", "reverse", "fill", "tree", "find")
    wire = 'id; {"object", "id"} of several objects; list of ids when many'


class Master(Link):
    name = "master"
    about = "the record this one is a detail of: it is edited, locked, shared and deleted with it"
    keys: ClassVar[tuple[str, ...]] = ("to", "where", "reverse", "fill", "find")


class User(Link):
    name = "user"
    family = "people"
    about = "a user"
    keys: ClassVar[tuple[str, ...]] = ("many", "where", "on_delete", "reverse", "fill", "tree")


class Department(Link):
    name = "department"
    family = "people"
    about = "a department"
    keys: ClassVar[tuple[str, ...]] = ("many", "where", "on_delete", "reverse", "fill", "tree")


class Id(FieldType):
    """The id every record has. Not a type one can choose: the registry knows it for system fields only."""

    name = "id"
    family = "system"
    sql = "uuid"
    wire = "id"

    def expr_type(self, spec: Spec) -> ExprType:
        return ExprType("link", objects=spec.to if isinstance(spec, LinkSpec) else ())

    def read_wire(self, field: Field, raw: Any) -> str | None:
        return None if raw is None or raw == "" else read_id(raw)

    def checker(self, field: Field) -> None:
        return None


TYPES: Final = (Lookup(), Master(), User(), Department())
SYSTEM_TYPES: Final = (Id(),)
