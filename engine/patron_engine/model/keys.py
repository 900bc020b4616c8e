"""Keys: unique rules and indexes stand on columns, and there are not too many of them.

In: one object's sketch, and which fields have a column. Out: problems with places.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from patron_engine.expr.compile import Expression
from patron_engine.fields.field import TextSpec
from patron_engine.fields.limits import INDEXED_TEXT_LENGTH
from patron_engine.meta.document import Path
from patron_engine.model import limits
from patron_engine.model.expressions import Expressions
from patron_engine.model.sketch import FieldSketch, ObjectSketch
from patron_engine.phrases import Phrase
from patron_engine.problems import Problems


class KeyChecks:
    """What the checks of an object share, and those of its keys."""

    def __init__(
        self,
        one: ObjectSketch,
        expressions: Expressions,
        stored: Mapping[tuple[str, str], bool],
        problems: Problems,
    ) -> None:
        self.one = one
        self.expressions = expressions
        self.sketch = expressions.sketch
        self.stored = stored
        self.problems = problems

    def tell(self, code: str, message: str, path: Path, hint: str | None = None, **more: Any) -> None:
        self.problems.add(code, message, hint=hint, **self.one.document.where(path), **more)

    def run_keys(self) -> None:
        self._keys()
        self._counts()

    def _own(self) -> Iterator[FieldSketch]:
        return (f for f in self.one.fields.values() if not f.system)

    def _keys(self) -> None:
        """Unique rules and indexes stand on columns."""
        for listed in ("unique", "indexes"):
            for index, body in enumerate(self.one.body.get(listed) or ()):
                for at, named in enumerate(body.get("fields") or ()) if isinstance(body, Mapping) else ():
                    found = self.one.field(str(named).removeprefix("-"))
                    if found is not None:
                        self._indexable(found, (listed, index, "fields", at), listed == "unique")
                where = self.expressions.found.get(("object", self.one.name, (listed, index, "where")))
                if where is not None:
                    self._index_condition(where, (listed, index, "where"))
        for f in self._own():
            for key in ("unique", "indexed"):
                if f.definition.get(key) is True:
                    self._indexable(f, (*f.path, key), key == "unique")

    def _indexable(self, f: FieldSketch, path: Path, unique: bool) -> None:
        what = Phrase("a unique rule") if unique else Phrase("an index")
        if not self.stored.get((f.object, f.name), False):
            self.tell("not_stored", Phrase("{what} needs a column, {f} has none", what=what, f=f.name), path,
                      "store it (`stored: true`) or take another field" if f.computed else "take another field")  # fmt: skip
        elif f.type.name in ("address", "location", "json", "rich_text", "secret") or (
            f.type.name in ("multi_select", "tags") and unique
        ):
            self.tell(
                "not_indexable",
                Phrase("{what} cannot stand on {type} {f}", what=what, type=f.type.name, f=f.name),
                path,
                "take another field",
            )
        elif f.definition.get("encrypted") is True and not unique:
            self.tell(
                "not_indexable",
                Phrase("{f} is encrypted: it has no order", f=f.name),
                path,
                "mark it unique, or leave the index out",
            )
        else:
            spec = f.value_spec or f.spec
            if (
                isinstance(spec, TextSpec)
                and spec.max_length > INDEXED_TEXT_LENGTH
                and f.definition.get("encrypted") is not True
            ):
                self.tell("limit_indexed_text", Phrase("{f} may hold {max_length:,} characters; {what} takes {indexed_text_length}", f=f.name, max_length=spec.max_length, what=what, indexed_text_length=INDEXED_TEXT_LENGTH), path,
                          Phrase("max_length: {most} or less", most=INDEXED_TEXT_LENGTH))  # fmt: skip

    def _index_condition(self, where: Expression, path: Path) -> None:
        """An index holds what does not change by itself."""
        others = sorted(p for p in where.paths if not self._own_stored(p))
        if where.uses_now or where.uses_me or where.functions & {"SETTING", "IN_SEGMENT", "REF", "REPEATED"}:
            self.tell(
                "index_condition",
                "this condition changes with time or reader; a unique rule must not",
                path,
                "use stored fields only",
            )
        elif others:
            self.tell(
                "index_condition",
                Phrase("{others} is not a stored field of {one}", others=others[0], one=self.one.name),
                path,
                "use stored fields only",
            )

    def _own_stored(self, path: str) -> bool:
        return self.stored.get((self.one.name, path.partition(".")[0]), False) and (
            "." not in path
            or self.one.fields[path.partition(".")[0]].type.path_types(None).get(path.partition(".")[2])
            is not None
        )

    def _counts(self) -> None:
        body = self.one.body
        marked = sum(
            1
            for f in self._own()
            if f.definition.get("unique") is True or f.definition.get("indexed") is True
        )
        indexes = len(body.get("unique") or ()) + len(body.get("indexes") or ()) + marked
        for count, limit, code, what, path in (
            (indexes, limits.INDEXES, "limit_indexes", Phrase("indexes and unique rules"), ("indexes",)),
            (len(body.get("rules") or ()), limits.RULES, "limit_rules", Phrase("rules"), ("rules",)),
            (len(body.get("record_types") or ()), limits.RECORD_TYPES, "limit_record_types", Phrase("record types"), ("record_types",)),
            (len(body.get("search") or ()), limits.SEARCHED, "limit_search", Phrase("searched fields"), ("search",)),
        ):  # fmt: skip
            if count > limit:
                self.tell(
                    code,
                    Phrase(
                        "{count} {what}, an object has at most {limit}", count=count, what=what, limit=limit
                    ),
                    path,
                    "remove some",
                )
