"""Own keys of field types: what is wrong with them is told, and what they make of columns."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from patron_engine.errors import Unavailable
from patron_engine.fields.base import Around, Shape
from patron_engine.fields.field import Field
from patron_engine.fields.formats import FORMATS
from patron_engine.fields.pinyin import sort_key
from patron_engine.fields.registry import TYPES, registered, type_of
from patron_engine.fields.vault import Vault
from patron_engine.meta.kinds import schema
from patron_testing.fields import faults_of_keys, make_field

WRONG: list[tuple[str, dict[str, Any], list[str]]] = [
    ("text", {"max_length": 4001}, ["limit_max_length"]),
    ("text", {"max_length": 4000}, []),
    ("text", {"format": "cn_mobil"}, ["unknown_format"]),
    ("text", {"pattern": "(a"}, ["bad_pattern"]),
    ("text", {"pattern": "(?=a)a"}, ["bad_pattern"]),
    ("text", {"pattern": "a" * 501}, ["limit_pattern"]),
    ("decimal", {"min": 5, "max": 1}, ["empty_range"]),
    ("decimal", {"scale": 11}, ["limit_scale"]),
    ("decimal", {"min": "soon"}, ["bad_bound"]),
    ("date", {"min": "2026-13-01"}, ["bad_bound"]),
    ("duration", {"unit": "fortnight"}, ["unknown_unit"]),
    ("select", {"options": ["a", {"name": "b", "was": "a"}]}, ["duplicate_option"]),
    ("select", {"options": [f"o{n}" for n in range(3000)]}, []),
    ("select", {"options": [f"o{n}" for n in range(3001)]}, ["limit_options"]),
    ("select", {"option_set": "industry"}, ["unknown_option_set"]),
    ("file", {"max_size": "501 MB"}, ["limit_max_size"]),
    ("file", {"max_size": "10 MB"}, []),
    ("auto_number", {"pattern": "SO-{YYYY}"}, ["bad_number_pattern"]),
    ("auto_number", {"pattern": "SO-{0000}{000}"}, ["bad_number_pattern"]),
    ("auto_number", {"pattern": "SO-{YYYY}{MM}-{0000}"}, []),
    ("auto_number", {"pattern": "{X!}-{0000}"}, ["bad_number_pattern"]),
]


@pytest.mark.parametrize(("type", "keys", "codes"), WRONG)
def test_own_keys_are_checked(type: str, keys: dict[str, Any], codes: list[str]) -> None:
    assert faults_of_keys(type, **keys) == codes


def test_schema_and_registry_name_the_same_types() -> None:
    offered = schema("common")["$defs"]["field"]["properties"]["type"]["enum"]
    assert sorted(offered) == sorted(TYPES)


def test_a_type_is_registered_once() -> None:
    with pytest.raises(ValueError, match="registered twice"):
        registered([TYPES["text"], TYPES["text"]])


def columns(type: str, **shape: Any) -> dict[str, str]:
    definition = shape.pop("definition", {})
    return {part or "-": sql for part, sql in TYPES[type].parts(Shape(definition=definition, **shape))}


def test_columns_of_types() -> None:
    assert columns("text", title=True) == {"-": "text", "sort": "text"}
    assert columns("auto_number", title=True) == {"-": "text", "sort": "text"}
    assert columns("money", record_currency=True) == {"-": "numeric", "base": "numeric"}
    assert columns("lookup", several=True) == {"-": "uuid", "object": "text"}
    assert columns("lookup", many=True) == {}
    assert columns("date_range") == {"from": "date", "to": "date"}
    assert columns("tags") == {"-": "text[]"}
    assert columns("image") == {}
    assert columns("email", definition={"encrypted": True}) == {"-": "bytea", "blind": "text"}
    assert list(columns("address")) == ["country", "province", "city", "district", "street", "postcode"]


def test_renamed_options_keep_what_is_stored() -> None:
    field = make_field("select", options=[{"name": "closed_won", "was": ["won", "gewonnen"]}])
    assert TYPES["select"].to_columns(field, "closed_won") == ("gewonnen",)
    assert TYPES["select"].from_columns(field, ("gewonnen",)) == "closed_won"
    assert TYPES["select"].read_wire(field, "won") == "closed_won"
    assert field.expr.stored == ("gewonnen",)


def test_title_sorts_by_pinyin() -> None:
    field = make_field("text", title=True)
    names = ["张三", "李四", "阿里巴巴", "重庆啤酒", "Zebra", "Äpfel", "apple"]
    keys = {n: TYPES["text"].to_columns(field, n)[1] for n in names}
    assert sorted(names, key=lambda n: keys[n]) == [
        "阿里巴巴",
        "Äpfel",
        "apple",
        "重庆啤酒",
        "李四",
        "Zebra",
        "张三",
    ]
    assert len(sort_key("重" * 1000)) <= 200


def test_money_has_the_decimals_of_its_currency() -> None:
    assert make_field("money", around=Around(currency="JPY")).number.scale == 0
    assert make_field("money", around=Around(currency="KWD")).number.scale == 3
    assert make_field("money", around=Around(currency="CNY")).number.scale == 2


def test_every_format_takes_its_own_sample() -> None:
    assert {name for name, f in FORMATS.items() if not f.read(f.sample)} == set()


def encrypted_field(vault: Vault | None) -> Field:
    bare = make_field("text", encrypted=True)
    extra = {} if vault is None else {"vault": vault}
    return Field(
        object="o",
        name="x",
        type="text",
        expr=bare.expr,
        spec=bare.spec,
        columns=bare.columns,
        encrypted=True,
        extra=extra,
    )


def test_encrypted_values_are_sealed_and_comparable() -> None:
    field = encrypted_field(Vault(b"k" * 32))
    type = type_of(field)
    sealed, blind = type.to_columns(field, "330106199001011234")
    again, same = type.to_columns(field, "330106199001011234")
    assert b"3301" not in sealed
    assert sealed != again and blind == same == type.normalise(field, "330106199001011234")
    assert type.from_columns(field, (sealed, blind)) == "330106199001011234"
    other = encrypted_field(Vault(b"o" * 32))
    with pytest.raises(Unavailable) as wrong:
        type_of(other).from_columns(other, (sealed, blind))
    assert wrong.value.code == "wrong_key"


def test_without_a_key_nothing_is_written_in_the_clear() -> None:
    field = encrypted_field(None)
    with pytest.raises(Unavailable) as refused:
        type_of(field).to_columns(field, "x")
    assert refused.value.code == "no_key"


def test_wire_values_are_json() -> None:
    for type in TYPES:
        field = make_field(type, to="account") if type not in ("formula", "rollup", "auto_number") else None
        if field is not None:
            orjson.dumps(TYPES[type].to_wire(field, None))
