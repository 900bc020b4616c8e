"""Which layout is whose, and tabs of it."""

from __future__ import annotations

from patron_engine.access.pick import documents_for
from patron_engine.actor import Actor
from patron_engine.page.layout import form_layout_of, layout_of
from patron_testing.compiled import codes_of, compiled, problems_of

SHIP = """
kind: object
name: ship
label: Ship
title: name
record_types: [{name: fast}, {name: slow}]
fields: [{name: name, type: text, required: true}, {name: flag, type: text}, {name: pass, type: secret}]
---
kind: role
name: captain
label: Captain
---
kind: layout
name: all
object: ship
tabs: [{name: deep, label: Deep}]
sections: [{name: one, fields: [name]}, {name: two, tab: deep, fields: [flag, pass]}]
---
kind: layout
name: captains
object: ship
for: {roles: [captain]}
sections: [{name: one, fields: [name, flag]}]
---
kind: layout
name: fasts
object: ship
for: {record_types: [fast]}
sections: [{name: one, fields: [name]}]
"""
ADMIN = Actor(user=None, name="admin", administrator=True)


def picked(actor: Actor, record_type: str | None = None) -> list[str]:
    return [b["name"] for b in documents_for(compiled(SHIP), actor, "layout", "ship", record_type)]


def test_a_role_has_its_own_layout_and_who_has_it_not_the_one_for_everybody() -> None:
    assert picked(Actor(user=None, name="c", roles=frozenset({"captain"}))) == ["captains", "all"]
    assert picked(Actor(user=None, name="d")) == ["all"]


def test_an_administrator_sees_what_everybody_sees_before_what_is_for_a_role() -> None:
    assert picked(ADMIN) == ["all", "captains"]


def test_a_type_of_record_has_its_own_layout() -> None:
    assert picked(ADMIN, "fast")[0] == "fasts"
    assert picked(ADMIN, "slow")[0] == "all"


def test_sections_stand_on_tabs_and_secrets_only_in_forms() -> None:
    model = compiled(SHIP)
    read, written = (f(model, ADMIN, model.objects["ship"]) for f in (layout_of, form_layout_of))
    assert [t.name for t in read.tabs] == ["deep"]
    assert [s.tab for s in read.sections] == ["", "deep"]
    assert [p.path for p in read.sections[1].places] == ["flag"]
    assert [p.path for p in written.sections[1].places] == ["flag", "pass"]


def test_a_tab_that_is_not_there_is_told() -> None:
    found = problems_of(SHIP.replace("tab: deep", "tab: shallow"))
    assert "unknown_name" in codes_of(found)
    assert any("'shallow'" in p.message for p in found)
