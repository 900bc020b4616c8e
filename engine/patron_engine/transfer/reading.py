"""Reading: a mapping file, or a form, becomes an `ImportMap`.

In: plain values as a mapping file or a form gives them, the model, who imports, and the file's headings. Out: an `ImportMap` whose
names are today's names of the model, or every problem at once. Reads no row and no record.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from patron_engine.access.decide import readable, writable
from patron_engine.actor import Actor
from patron_engine.errors import Refused
from patron_engine.fields.field import Field, FileSpec, LinkSpec
from patron_engine.model.model import Model, Object
from patron_engine.phrases import Phrase
from patron_engine.problems import Problems, nearest
from patron_engine.transfer.mapping import EXTERNAL, MISSING, PARTS, ImportMap, Missing, Target, called
from patron_engine.transfer.plain import (
    cell_words,
    date_forms,
    factor,
    known_heading,
    known_keys,
    known_or_not,
    table_of,
    text_formats,
)

KEYS = (
    "object", "match", "found", "others", "owner", "formats", "columns", "set", "skip_empty", "sheet", "separator", "heading_row", "about",
)  # fmt: skip
COLUMN_KEYS = (
    "field", "by", "missing", "corrections", "values", "defer", "object", "format", "multiply", "separator",
)  # fmt: skip


def read_mapping(
    raw: Mapping[str, Any],
    model: Model,
    actor: Actor,
    headings: Sequence[str] | None,
    *,
    object: str | None = None,
) -> ImportMap:
    """The mapping, checked against the model and the headings of the file. Refused with every problem."""
    problems = Problems()
    known_keys(raw, KEYS, "", problems)
    found = _object(raw, model, actor, object, problems)
    if found is None:
        raise Refused(list(problems), code="bad_mapping")
    reading = _Reading(model, actor, found, problems)
    columns, left_out = reading.columns(raw.get("columns") or {}, headings)
    if raw.get("owner") is not None:
        heading = str(raw["owner"])
        known_heading(heading, headings, "owner", problems)
        columns[heading] = (*columns.get(heading, ()), Target(field="owner"))
    formats = raw.get("formats") or {}
    dates, decimal, thousands = text_formats(formats, problems)
    sets = reading.sets(raw.get("set") or {})
    kept, others = known_or_not(raw, problems)
    made = ImportMap(
        object=found.name,
        match=reading.match(raw.get("match"), columns, sets),
        found=kept,
        others=others,
        columns=columns,
        sets=sets,
        dates=dates,
        decimal=decimal,
        thousands=thousands,
        marks_given=isinstance(formats, Mapping) and any(formats.get(k) for k in ("decimal", "thousands")),
        skip_empty=raw.get("skip_empty", True) is not False,
        left_out=tuple(left_out),
    )
    reading.twice(columns)
    if problems.errors:
        raise Refused(
            list(problems), Phrase("{count} problems in the mapping", count=len(problems.errors)), code="bad_mapping",
        )  # fmt: skip
    return made


class _Reading:
    """One mapping being read."""

    def __init__(self, model: Model, actor: Actor, object: Object, problems: Problems) -> None:
        self.model = model
        self.actor = actor
        self.object = object
        self.writable = writable(model, actor, object.name)
        self.readable = readable(model, actor, object.name)
        self.problems = problems

    def columns(
        self, raw: Any, headings: Sequence[str] | None
    ) -> tuple[dict[str, tuple[Target, ...]], list[str]]:
        if not isinstance(raw, Mapping):
            self.problems.add("not_object", "columns maps headings to fields", path="columns")
            return {}, []
        found: dict[str, tuple[Target, ...]] = {}
        left_out: list[str] = []
        for heading, wanted in raw.items():
            if wanted is None:
                left_out.append(heading)
                continue
            known_heading(heading, headings, f"columns.{heading}", self.problems)
            items = wanted if isinstance(wanted, list | tuple) else [wanted]
            targets = [self.target(item, f"columns.{heading}") for item in items]
            found[heading] = tuple(t for t in targets if t is not None)
        return found, left_out

    def target(self, raw: Any, path: str) -> Target | None:
        if isinstance(raw, str):
            raw = {"field": raw}
        if not isinstance(raw, Mapping) or not isinstance(raw.get("field"), str):
            self.problems.add(
                "no_field", "name the field the column becomes", path=path, hint="null leaves it out"
            )
            return None
        known_keys(raw, COLUMN_KEYS, f"{path}.", self.problems)
        name = self.field(raw["field"], path)
        if name is None:
            return None
        missing: Missing = next((m for m in MISSING if m == raw.get("missing")), "problem")
        if raw.get("missing") not in (None, *MISSING):
            self.problems.add(
                "unknown_value", Phrase("missing is {missing}", missing=list(MISSING)), path=f"{path}.missing"
            )
        return Target(
            field=name,
            by=self.by(name, raw.get("by"), raw.get("object"), path),
            object=raw.get("object"),
            missing=missing,
            words=cell_words(*(table_of(raw, key, path, self.problems) for key in ("corrections", "values"))),
            defer=raw.get("defer") is True,
            form=date_forms(raw.get("format"), f"{path}.format", self.problems),
            multiply=factor(raw.get("multiply"), f"{path}.multiply", self.problems),
        )

    def field(self, name: str, path: str) -> str | None:
        """Today's name of a field or part that may be written."""
        if name == "id" or (name.startswith(EXTERNAL) and len(name) > len(EXTERNAL)):
            return name
        first, dot, part = name.partition(".")
        field = self.object.field(first)
        if (
            field is not None
            and field.name in self.readable
            and (field.computed or isinstance(field.spec, FileSpec))
        ):
            self.problems.add(
                "not_importable",
                Phrase("{field} is computed and cannot be imported", field=field.name)
                if field.computed
                else Phrase("{field} holds files and cannot be imported", field=field.name),
                path=path,
            )
            return None
        if field is None or (field.name not in self.writable and not _history(field)):
            hint = nearest(first, self.writable)
            self.problems.add(
                "unknown_field", Phrase("{object} has no field {name!r}", object=self.object.name, name=name), path=path,
                hint=hint,
            )  # fmt: skip
            return None
        if dot and part not in PARTS.get(field.type, ()):
            known = PARTS.get(field.type, ())
            self.problems.add(
                "unknown_part", Phrase("{field} has no part {part!r}", field=field.name, part=part), path=path,
                hint=nearest(part, known),
            )  # fmt: skip
            return None
        return f"{field.name}.{part}" if dot else field.name

    def by(self, name: str, by: Any, object: Any, path: str) -> str | None:
        """The key by which a link's cells are looked up."""
        field = self.object.field(name.partition(".")[0])
        if field is None or not isinstance(field.spec, LinkSpec):
            if by is not None:
                self.problems.add(
                    "not_link", Phrase("{name} is no link: `by` has no meaning", name=name), path=f"{path}.by"
                )
            return None
        if object not in field.link.to and (field.link.several or object is not None):
            told = " or ".join(field.link.to)
            self.problems.add(
                "object_missing", Phrase("{name} may point at {told}", name=name, told=told), path=f"{path}.object",
                hint="say which",
            )  # fmt: skip
            return None
        target = self.model.objects[object or field.link.to[0]]
        if by is None:
            return None
        if by in ("title", "id") or str(by).startswith(EXTERNAL):
            return str(by)
        known = readable(self.model, self.actor, target.name)
        found = target.field(by) if isinstance(by, str) else None
        if found is None or found.name not in known or not found.columns or found.encrypted:
            hint = nearest(str(by), known)
            self.problems.add(
                "unknown_field", Phrase("{target} has no field {by!r}", target=target.name, by=by), path=f"{path}.by",
                hint=hint,
            )  # fmt: skip
            return None
        return found.name

    def match(self, raw: Any, columns: Mapping[str, Sequence[Target]], sets: Mapping[str, Any]) -> str | None:
        """What tells which record a row is; a column or `set` must give it."""
        if raw is None:
            return None
        name = str(raw)
        if not name.startswith(EXTERNAL):
            field = self.object.field(name)
            if field is None or field.name not in self.readable or not field.columns or field.encrypted:
                hint = nearest(name, self.readable)
                message = Phrase("{object} has no field {name!r}", object=self.object.name, name=name)
                self.problems.add("unknown_field", message, path="match", hint=hint)
                return None
            name = field.name
        if name not in sets and not any(t.field == name for ts in columns.values() for t in ts):
            self.problems.add(
                "match_unmapped", Phrase("no column becomes {name}, which rows are matched by", name=called(self.object, name)), path="match",
            )  # fmt: skip
        return name

    def sets(self, raw: Any) -> dict[str, Any]:
        if not isinstance(raw, Mapping):
            self.problems.add("not_object", "set maps fields to values", path="set")
            return {}
        named = ((self.field(name, f"set.{name}"), value) for name, value in raw.items())
        return {name: value for name, value in named if name is not None}

    def twice(self, columns: Mapping[str, Sequence[Target]]) -> None:
        seen: dict[str, str] = {}
        for heading, targets in columns.items():
            for target in targets:
                if target.field in seen:
                    message = Phrase(
                        "{field} gets both {seen!r} and {heading!r}", field=called(self.object, target.field), seen=seen[target.field],
                        heading=heading,
                    )  # fmt: skip
                    self.problems.add("column_twice", message, path=f"columns.{heading}")
                seen[target.field] = heading


def _history(field: Field) -> bool:
    return field.name in ("created_at", "created_by", "updated_at", "updated_by")


def _object(
    raw: Mapping[str, Any], model: Model, actor: Actor, given: str | None, problems: Problems
) -> Object | None:
    """An object of which the importer may write nothing is one that does not exist."""
    name = given or raw.get("object")
    found = model.object(name) if isinstance(name, str) else None
    if found is not None and not writable(model, actor, found.name):
        found = None
    if found is None:
        problems.add(
            "unknown_object", Phrase("there is no object {name!r}", name=name), path="object",
            hint=nearest(str(name), [o for o in model.objects if writable(model, actor, o)]),
        )  # fmt: skip
    elif given and isinstance(raw.get("object"), str) and model.object(raw["object"]) is not found:
        problems.add(
            "other_object",
            Phrase("the mapping is for {object}, not {found}", object=raw["object"], found=found.name),
            path="object",
        )
    return found
