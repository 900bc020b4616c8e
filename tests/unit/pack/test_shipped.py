"""The packs that come along: what an administrator expects of every object, and what a customer must not see."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from patron_engine.meta.document import Document
from patron_engine.meta.reader import read_documents
from patron_engine.meta.translations import missing_translations

PACKS = Path(__file__).parents[3] / "packs" / "patron_packs"
LANGUAGES = ("en", "zh-CN", "zh-TW")
SIMPLIFIED = re.compile("[户机单约线资质队档总导团历记级阶员对关权审开发报费额预计划间标签]")


def documents(pack: str) -> list[Document]:
    found: list[Document] = []
    for file in sorted((PACKS / pack).rglob("*.yaml")):
        found.extend(read_documents(file.read_text(), str(file.relative_to(PACKS)))[0])
    return found


ALL = {pack: documents(pack) for pack in ("core", "sales")}
OBJECTS = {d.body["name"]: d.body for pack in ALL.values() for d in pack if d.kind == "object"}


def of(kind: str) -> list[Mapping[str, Any]]:
    return [d.body for pack in ALL.values() for d in pack if d.kind == kind]


def is_detail(body: Mapping[str, Any]) -> bool:
    return any(f["type"] == "master" for f in body["fields"])


@pytest.mark.parametrize("pack", ALL)
def test_every_text_is_there_in_three_languages(pack: str) -> None:
    assert missing_translations(ALL[pack], LANGUAGES) == []


def texts(value: Any) -> Iterator[Mapping[str, str]]:
    if isinstance(value, Mapping):
        if "zh-TW" in value:
            yield value
        else:
            for inner in value.values():
                yield from texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner)


def test_taiwan_reads_traditional_characters() -> None:
    wrong = [
        t["zh-TW"]
        for pack in ALL.values()
        for d in pack
        for t in texts(d.body)
        if SIMPLIFIED.search(t["zh-TW"])
    ]
    assert wrong == []


def test_every_object_has_a_page_and_a_list_or_stands_in_its_masters() -> None:
    pages = {b["object"] for b in of("layout")}
    lists = {b["object"] for b in of("view")}
    without = {n for n, b in OBJECTS.items() if not is_detail(b) and n not in pages & lists}
    assert without == set()


BUSINESS = (
    "account",
    "contact",
    "lead",
    "opportunity",
    "quote",
    "contract",
    "order",
    "payment",
    "invoice",
    "visit",
)


@pytest.mark.parametrize("object", BUSINESS)
def test_people_find_their_own_their_teams_and_the_latest(object: str) -> None:
    conditions = [b.get("where", "") for b in of("view") if b["object"] == object]
    assert any("owner == me()" in c for c in conditions), "mine"
    assert any("REPORTS_TO(owner, me())" in c for c in conditions), "my team's"
    assert any("updated_at" in c for c in conditions), "recently changed"
    assert "" in conditions, "all"


@pytest.mark.parametrize("object", [n for n, b in OBJECTS.items() if n in BUSINESS])
def test_states_and_stages_have_colours(object: str) -> None:
    for field in OBJECTS[object]["fields"]:
        if field["name"] in ("status", "stage", "lifecycle"):
            assert all("color" in o for o in field["options"]), field["name"]


def test_customers_and_marketing_see_neither_costs_nor_margins() -> None:
    sensitive: dict[str, set[str]] = defaultdict(set)
    for name, body in OBJECTS.items():
        sensitive[name] = {f["name"] for f in body["fields"] if f.get("sensitive")}
    for role in of("role"):
        if role["name"] not in ("customer", "marketing", "presales", "assistant", "legal", "sales_rep"):
            continue
        for object, rights in (role.get("fields") or {}).items():
            for field in sensitive.get(object, ()):
                given = rights.get(field, rights.get("*", "none"))
                assert given in ("none", "masked"), f"{role['name']} may {given} {object}.{field}"


def test_details_are_edited_inside_their_master() -> None:
    tables = {s["table"] for b in of("layout") for s in b["sections"] if "table" in s}
    for name, body in OBJECTS.items():
        for field in body["fields"]:
            if field["type"] == "master":
                assert field["reverse"]["name"] in tables, name
