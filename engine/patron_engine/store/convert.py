"""Convert: what one field type makes of a value of another.

In: two fields and a value. Out: a `Converted`. The types themselves read and check; here stands only what lies between
them. Pure; store/carry does it by the thousand.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, tzinfo
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from patron_engine.fields.base import TextFormats, ValueFault
from patron_engine.fields.field import Field, LinkSpec, NumberSpec
from patron_engine.fields.registry import type_of

LISTS = frozenset({"multi_select", "tags"})


@dataclass(frozen=True, slots=True)
class Converted:
    """`fault` says why there is no value; `loses` that the new value says less than the old one."""

    value: Any = None
    loses: bool = False
    fault: str | None = None


def convert_value(old: Field, new: Field, value: Any, zone: tzinfo = UTC) -> Converted:
    """What a value of `old` becomes in `new`."""
    if value is None:
        return Converted()
    try:
        found = _between(old, new, value, zone)
    except ValueFault as fault:
        return Converted(fault=fault.message)
    if found.fault is None and found.value is not None:
        faults = type_of(new).check(new, found.value)
        if faults:
            return Converted(fault=faults[0][1])
    return found


def _between(old: Field, new: Field, value: Any, zone: tzinfo) -> Converted:
    formats = TextFormats(zone=zone)
    if isinstance(old.spec, LinkSpec) or isinstance(new.spec, LinkSpec):
        return _links(old, new, value)
    if old.type == new.type or {old.type, new.type} <= LISTS:
        return Converted(value)
    if isinstance(value, bool):
        value = value if not isinstance(new.spec, NumberSpec) else Decimal(int(value))
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        if isinstance(new.spec, NumberSpec):
            return _number(new, Decimal(value))
        if new.type == "boolean":
            return (
                Converted(bool(value)) if value in (0, 1) else Converted(fault=f"{value} is neither 0 nor 1")
            )
    if isinstance(value, datetime) and new.type == "date":
        there = value.astimezone(zone)
        return Converted(there.date(), loses=there.time() != time(0))
    if isinstance(value, date) and not isinstance(value, datetime) and new.type == "datetime":
        return Converted(datetime.combine(value, time(0), zone).astimezone(UTC))
    if new.type == "date_range" and isinstance(value, date):
        day = value.astimezone(zone).date() if isinstance(value, datetime) else value
        return Converted({"from": day, "to": day})
    if old.type == "date_range" and new.type == "date":
        return Converted(value.get("from"), loses=value.get("to") not in (None, value.get("from")))
    if old.type in LISTS and isinstance(value, tuple) and new.type in ("select", "cascade", "text"):
        first = type_of(new).read_text(new, value[0], formats)
        return Converted(first, loses=len(value) > 1)
    if new.type in LISTS:
        text = type_of(old).to_text(old, value, formats)
        return Converted(type_of(new).read_wire(new, [text]))
    if new.type == "json":
        return Converted(type_of(old).to_wire(old, value))
    made = type_of(new).read_text(new, type_of(old).to_text(old, value, formats), formats)
    return (
        _number(new, made)
        if isinstance(made, Decimal) and isinstance(new.spec, NumberSpec)
        else Converted(made)
    )


def _number(new: Field, value: Decimal) -> Converted:
    """Rounded half up to the decimals the new field keeps."""
    whole = any(c.sql == "bigint" for c in new.columns)
    scale = 0 if whole else new.number.scale
    kept = value if scale is None else value.quantize(Decimal(1).scaleb(-scale), ROUND_HALF_UP)
    return Converted(int(kept) if whole else kept, loses=kept != value)


def _links(old: Field, new: Field, value: Any) -> Converted:
    """Ids stay ids where the new field may point at the same object."""
    if not isinstance(new.spec, LinkSpec):
        text = ", ".join(ids_of(value))
        return Converted(type_of(new).read_text(new, text))
    if not isinstance(old.spec, LinkSpec):
        return Converted(fault=f"a {old.type} names no record")
    spec = new.spec
    pairs = [_pair(old.spec, v) for v in (value if isinstance(value, tuple) else (value,))]
    fitting = [p for p in pairs if p[0] in spec.to]
    if not fitting:
        return Converted(fault=f"a record of {pairs[0][0]} cannot be one of {', '.join(spec.to)}")
    if spec.many:
        return Converted(tuple(p[1] for p in fitting), loses=len(fitting) < len(pairs))
    object, id = fitting[0]
    return Converted({"object": object, "id": id} if spec.several else id, loses=len(pairs) > 1)


def _pair(spec: LinkSpec, value: Any) -> tuple[str, str]:
    return (value["object"], value["id"]) if isinstance(value, Mapping) else (spec.to[0], str(value))


def ids_of(value: Any) -> list[str]:
    several = value if isinstance(value, tuple) else (value,)
    return [str(v["id"]) if isinstance(v, Mapping) else str(v) for v in several]
