"""Groups: what a report groups by: which values a field is cut into, how the members are told, and which records belong to one.

In: an entry of `rows` or `columns` and the place its path leads to. Out: a Group: its Axis, the form of its members (`decode`),
and the condition of one member as a text of the expression language (drill.py). SQL is made in statement.py.

    value    options, links, texts, numbers, yes and no       level    ancestors in a tree, the beginning of a cascade
    period   days, weeks, months … hours, weekdays            bucket   numbers between borders: 0 is below the first
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, Final

from patron_engine.expr.types import ExprType
from patron_engine.fields.field import ChoiceSpec, Field, Option
from patron_engine.fields.options import names_of, texts
from patron_engine.fields.registry import type_of
from patron_engine.jsonio import decimal_text
from patron_engine.model.model import LINKS
from patron_engine.phrases import Phrase
from patron_engine.report.answer import Axis
from patron_engine.report.reader import Place, Reader

POOLS: Final = (
    "pool_move",
    "pool_name",
)  # the object and the field that say which pool a record went through
STAYS: Final = "stage_stay"  # the object whose records say in which stage of a path another one stood
NUMBERED: Final = frozenset({"hour", "weekday"})  # their members are numbers and begin anew
GROUPED: Final = frozenset(
    {"text", "choice", "number", "duration", "date", "datetime", "time", "boolean", "link", "list"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """`spreads`: a record may belong to several members. `limit` members at most, by `sort`; `fill`: empty periods are shown."""

    axis: Axis
    place: Place
    spreads: bool = False
    level: int | None = None
    tree: str | None = None  # the object whose tree has the levels
    fill: bool = False
    limit: int | None = None
    sort: str | None = None
    stages: Mapping[str, Option] = field(
        default_factory=dict
    )  # of a text that says a stage: what it is called

    @property
    def name(self) -> str:
        return self.axis.name

    @property
    def key(self) -> Hashable:
        """What its SQL depends on."""
        return (self.place.path, self.axis.kind, self.axis.by, self.axis.buckets, self.level, self.spreads)

    @property
    def period(self) -> bool:
        """Whether its members are days at which periods begin."""
        return self.axis.kind == "period" and self.axis.by not in NUMBERED

    @property
    def element(self) -> ExprType:
        """The type of one value."""
        type = self.place.type
        return type.element if type.kind == "list" and type.element is not None else type

    @property
    def linked(self) -> tuple[str, ...]:
        """The objects its members are records of."""
        if self.tree is not None:
            return (self.tree,)
        if self.place.field is not None and self.place.field.type == "id" and self._whole:
            return (self.place.field.object,)
        return self.element.objects if self.element.kind == "link" else ()

    @property
    def _whole(self) -> bool:
        return self.place.inner.rpartition(".")[2] in ("id", self.place.inner)

    @property
    def options(self) -> Mapping[str, Option]:
        """Its options by today's names; none for what has none."""
        return names_of(self.choice).options if self.choice is not None else self.stages

    @property
    def choice(self) -> Field | None:
        """The field whose options its members are."""
        found = self.axis.field
        if found is None:
            return None
        spec = found.spec if isinstance(found.spec, ChoiceSpec) else found.extra.get("value_spec")
        return found if isinstance(spec, ChoiceSpec) else None

    def decode(self, value: Any) -> Any:
        """A member as the database gives it, in JSON form."""
        if value is None or self.axis.kind in ("bucket",) or isinstance(value, bool):
            return value
        if isinstance(value, str) and self.choice is not None:
            names = names_of(self.choice).name_of
            return names.get(value, value)
        if isinstance(value, Decimal):
            return decimal_text(value)
        if isinstance(value, date | datetime | time):
            return value.isoformat()
        return value if isinstance(value, int | str) else str(value)


def group_of(reader: Reader, entry: Mapping[str, Any], place: Place, path: str, zone: str) -> Group | None:
    """The group of an entry; None and a problem for what cannot be grouped by."""
    type, by = place.type, entry.get("by")
    if not _groupable(place, type):
        _refuse(reader, "not_groupable", Phrase("{field} cannot be grouped by", field=entry["field"]), path)
        return None
    if type.kind in ("date", "datetime"):
        by = by or "day"
        if by == "hour" and type.kind == "date":
            _refuse(reader, "not_groupable", Phrase("{field} has no hours", field=entry["field"]), path)
            return None
    elif by is not None:
        _refuse(reader, "not_a_date", Phrase("{path} is no date", path=entry["field"]), f"{path}.by")
        return None
    buckets = tuple(sorted({Decimal(str(b)) for b in entry.get("buckets") or ()}))
    if buckets and type.kind not in ("number", "duration"):
        _refuse(reader, "not_a_number", Phrase("{path} is no number", path=entry["field"]), f"{path}.buckets")
        return None
    level = entry.get("level")
    tree = _tree(reader, type) if level is not None else None
    if level is not None and tree is None and (place.field is None or type_of(place.field).name != "cascade"):
        _refuse(reader, "not_a_tree", Phrase("{field} has no levels", field=entry["field"]), f"{path}.level")
        return None
    kind: Any = "period" if by else "bucket" if buckets else "level" if level is not None else "value"
    label = entry.get("label") or {}
    axis = Axis(
        name=entry.get("name") or entry["field"],
        label=label if isinstance(label, Mapping) else {"en": str(label)},
        kind=kind,
        field=place.field,
        by=by,
        buckets=buckets,
        path=place.path,
    )
    return Group(
        axis=axis,
        place=place,
        spreads=type.kind == "list",
        level=level,
        tree=tree,
        fill=bool(entry.get("fill")),
        limit=entry.get("limit"),
        sort=entry.get("sort"),
        stages=_stages(reader, place),
    )


def _stages(reader: Reader, place: Place) -> Mapping[str, Option]:
    """The pools that records went through, by their names; the stages that the stays of records name, by every word they are kept
    under, in the order of their paths. What two paths call differently has both labels: the text alone does not say which is meant."""
    model, found = reader.call.model, dict[str, Option]()
    if place.field is not None and (place.field.object, place.field.name) == POOLS:
        pools = {name: body for (kind, name), body in model.documents.items() if kind == "pool"}
        return {n: Option(name=n, value=n, label=texts(body.get("label"))) for n, body in pools.items()}
    if place.field is None or place.field.object != STAYS or place.field.name not in ("from", "to"):
        return found
    for path in (body for (kind, _), body in model.documents.items() if kind == "stage_path"):
        object = model.objects.get(str(path.get("object")))
        choice = object.fields.get(str(path.get("field", "stage"))) if object is not None else None
        names = names_of(choice).options if choice is not None and isinstance(choice.spec, ChoiceSpec) else {}
        for stage in path["stages"]:
            option = names.get(stage["name"])
            if option is None:
                continue
            option = replace(option, label=texts(stage.get("label")) or option.label)
            for word in dict.fromkeys((option.name, option.value, *option.aliases)):
                known = found.get(word)
                found[word] = (
                    option if known is None else replace(known, label=_both(known.label, option.label))
                )
    return found


def _both(one: Mapping[str, str], other: Mapping[str, str]) -> dict[str, str]:
    """Two labels of one word, said once where they are the same."""
    return {
        language: " / ".join(dict.fromkeys(t for t in (one.get(language), other.get(language)) if t))
        for language in (*one, *(o for o in other if o not in one))
    }


def _groupable(place: Place, type: ExprType) -> bool:
    field = place.field
    if field is not None and (field.encrypted or type_of(field).name in ("long_text", "rich_text", "json")):
        return False
    return type.kind in GROUPED


def _tree(reader: Reader, type: ExprType) -> str | None:
    """The object whose records a link leads to, where they stand in a tree."""
    if type.kind != "link" or len(type.objects) != 1:
        return None
    object = reader.call.model.objects[type.objects[0]]
    has = any(f.type in LINKS and f.link.tree for f in object.fields.values())
    return object.name if has else None


def _refuse(reader: Reader, code: str, message: Phrase, path: str) -> None:
    reader.problems.add(code, message, path=path, hint="group by another field")
