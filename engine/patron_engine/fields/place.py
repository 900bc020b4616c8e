"""Places: address (parts by name) and location (degrees). Each part has a column of its own."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType
from typing import Any, ClassVar, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from patron_engine.expr import sqlparts
from patron_engine.expr.types import JSON, LOCATION, NUMBER, TEXT, ExprType
from patron_engine.fields import limits
from patron_engine.fields.base import (
    PLAIN_FORMATS,
    Around,
    Fault,
    FieldType,
    Parts,
    Shape,
    TextFormats,
    ValueFault,
    kind_word,
)
from patron_engine.fields.characters import clean_line, half_width, shown
from patron_engine.fields.field import Field, PlaceSpec, Spec
from patron_engine.jsonio import decimal_text
from patron_engine.phrases import Phrase
from patron_engine.problems import nearest

PART_NAMES: Final = {  # what people call the parts of an address
    "country": Phrase("country"), "province": Phrase("province"), "city": Phrase("city"), "district": Phrase("district"),
    "street": Phrase("street"), "postcode": Phrase("postcode"),
}  # fmt: skip
ADDRESS_PARTS: Final = tuple(PART_NAMES)
_DEGREES: Final = re.compile(r"-?[0-9]{1,3}(?:\.[0-9]{1,10})?", re.ASCII)
_FINEST: Final = Decimal("0.0000001")  # a centimetre


class Address(FieldType):
    name = "address"
    family = "place"
    about = "an address in parts: country, province, city, district, street, postcode"
    wire = '{"country", "province", "city", "district", "street", "postcode"}'
    sortable = False

    def parts(self, shape: Shape) -> Parts:
        return tuple((part, "text") for part in ADDRESS_PARTS)

    def expr_type(self, spec: Spec) -> ExprType:
        return JSON

    def path_types(self, spec: Spec) -> Mapping[str, ExprType]:
        return MappingProxyType(dict.fromkeys(ADDRESS_PARTS, TEXT))

    def read_wire(self, field: Field, raw: Any) -> dict[str, str] | None:
        if raw is None or raw == "":
            return None
        if not isinstance(raw, Mapping):
            raise ValueFault(
                "not_address",
                Phrase("an address is an object of parts, not {raw}", raw=kind_word(raw)),
                Phrase("parts: {parts}", parts=list(ADDRESS_PARTS)),
            )
        found: dict[str, str] = {}
        for part, value in raw.items():
            if part not in ADDRESS_PARTS:
                raise ValueFault("unknown_part", Phrase("an address has no part {part}", part=shown(str(part))),
                                 nearest(str(part), ADDRESS_PARTS) or Phrase("parts: {parts}", parts=list(ADDRESS_PARTS)))  # fmt: skip
            if value is None:
                continue
            if not isinstance(value, str):
                raise ValueFault(
                    "not_text",
                    Phrase("{part} is a text, not {value}", part=part, value=kind_word(value)),
                    None,
                )
            line = clean_line(value)
            if line is not None:
                found[part] = line
        return {p: found[p] for p in ADDRESS_PARTS if p in found} or None

    def read_text(
        self, field: Field, text: str, formats: TextFormats = PLAIN_FORMATS
    ) -> dict[str, str] | None:
        """A whole address in one cell is its street, unless its parts are marked off by line breaks or |."""
        pieces = [p.strip() for p in re.split(r"[|\n]", text)]
        if len(pieces) == 1:
            return self.read_wire(field, {"street": pieces[0]})
        if len(pieces) > len(ADDRESS_PARTS):
            raise ValueFault(
                "not_address",
                Phrase("{text} has more than {count} parts", text=shown(text), count=len(ADDRESS_PARTS)),
                " | ".join(ADDRESS_PARTS),
            )
        return self.read_wire(field, dict(zip(ADDRESS_PARTS, pieces, strict=False)))

    def check(self, field: Field, value: Any) -> list[Fault]:
        return [
            ("too_long",
             Phrase("{part} has {count} characters, at most {most} are allowed", part=PART_NAMES[part], count=len(text), most=limits.ADDRESS_PART_LENGTH),
             "shorten it")
            for part, text in (value or {}).items() if len(text) > limits.ADDRESS_PART_LENGTH
        ]  # fmt: skip

    def to_columns(self, field: Field, value: Any) -> tuple[Any, ...]:
        return tuple((value or {}).get(c.part) for c in field.columns)

    def from_columns(self, field: Field, parts: Sequence[Any]) -> Any:
        return {c.part: v for c, v in zip(field.columns, parts, strict=True) if v is not None} or None

    def to_text(self, field: Field, value: Any, formats: TextFormats = PLAIN_FORMATS) -> str:
        return "" if not value else "|".join(value.get(p, "") for p in ADDRESS_PARTS)

    def wire_sql(
        self, field: Field, columns: Sequence[sa.ColumnElement[Any]]
    ) -> sa.ColumnElement[Any] | None:
        return None

    def whole_sql(self, field: Field, columns: Sequence[sa.ColumnElement[Any]]) -> sa.ColumnElement[Any]:
        """JSON of the parts that are there; empty where none is. Immutable, for indexes."""
        names = pg.array([sqlparts.text(c.part) for c in field.columns])
        values: Any = pg.array([*columns], type_=sa.Text())
        made = sa.func.jsonb_object(names, values)
        parts = sa.func.jsonb_strip_nulls(made, type_=pg.JSONB)
        there = sa.func.num_nonnulls(*columns, type_=sa.Integer) > sqlparts.whole_literal(0)
        return sa.type_coerce(sa.case((there, parts)), pg.JSONB)

    def tokens_text(self, field: Field, value: Any) -> str | None:
        return " ".join(value.values()) if value else None


class Location(FieldType):
    name = "location"
    family = "place"
    keys: ClassVar[tuple[str, ...]] = ("target", "radius", "manual")
    about = "a point on the earth in degrees (WGS 84), seven decimals"
    sql = "numeric"
    wire = '{"lat", "lng"}'
    sortable = False

    def parts(self, shape: Shape) -> Parts:
        return (("lat", "numeric"), ("lng", "numeric"))

    def spec(self, definition: Mapping[str, Any], around: Around) -> PlaceSpec:
        """An expression as `radius` is filled in by the model."""
        radius, manual = definition.get("radius"), definition.get("manual", True)
        link, _, place = str(definition.get("target") or "").partition(".")
        if radius is not None and "target" not in definition:
            around.fault(
                "radius_of_nothing",
                "radius needs a target to be near to",
                "radius",
                "target: account.location",
            )
        return PlaceSpec(
            target=(link, place) if place else None,
            radius=radius if isinstance(radius, int) else None,
            manual=manual if isinstance(manual, bool | str) else True,
        )

    def expr_type(self, spec: Spec) -> ExprType:
        return LOCATION

    def path_types(self, spec: Spec) -> Mapping[str, ExprType]:
        return MappingProxyType({"lat": NUMBER, "lng": NUMBER})

    def read_wire(self, field: Field, raw: Any) -> dict[str, Decimal] | None:
        if raw is None or raw == "":
            return None
        if not isinstance(raw, Mapping) or set(raw) != {"lat", "lng"}:
            raise ValueFault(
                "not_location", "a location has lat and lng", '{"lat": "31.2304", "lng": "121.4737"}'
            )
        if raw["lat"] is None and raw["lng"] is None:
            return None
        return {"lat": _degrees(raw["lat"], 90, "lat"), "lng": _degrees(raw["lng"], 180, "lng")}

    def read_text(
        self, field: Field, text: str, formats: TextFormats = PLAIN_FORMATS
    ) -> dict[str, Decimal] | None:
        plain = half_width(text).strip()
        if not plain:
            return None
        pieces = [p for p in re.split(r"[,;\s]+", plain) if p]
        if len(pieces) != 2:
            raise ValueFault(
                "not_location",
                Phrase("{text} is not a location", text=shown(text)),
                "latitude, longitude: 31.2304, 121.4737",
            )
        return self.read_wire(field, {"lat": pieces[0], "lng": pieces[1]})

    def checker(self, field: Field) -> None:
        return None

    def to_columns(self, field: Field, value: Any) -> tuple[Any, ...]:
        return tuple((value or {}).get(c.part) for c in field.columns)

    def from_columns(self, field: Field, parts: Sequence[Any]) -> Any:
        return None if None in parts else {c.part: v for c, v in zip(field.columns, parts, strict=True)}

    def to_wire(self, field: Field, value: Any) -> Any:
        return None if value is None else {k: decimal_text(value[k]) for k in ("lat", "lng")}

    def to_text(self, field: Field, value: Any, formats: TextFormats = PLAIN_FORMATS) -> str:
        return "" if value is None else f"{decimal_text(value['lat'])}, {decimal_text(value['lng'])}"

    def wire_sql(
        self, field: Field, columns: Sequence[sa.ColumnElement[Any]]
    ) -> sa.ColumnElement[Any] | None:
        return None


def _degrees(raw: Any, most: int, part: str) -> Decimal:
    if isinstance(raw, bool) or not isinstance(raw, int | str) or not _DEGREES.fullmatch(str(raw)):
        raise ValueFault(
            "not_degrees",
            Phrase("{part} is not a plain number of degrees", part=part),
            'for example "31.2304"',
        )
    value = Decimal(raw)
    if abs(value) > most:
        raise ValueFault(
            "not_degrees",
            Phrase("{part} lies between -{most} and {most}", part=part, most=most),
            "latitude comes first",
        )
    return value.quantize(_FINEST).normalize() + 0


TYPES: Final = (Address(), Location())
