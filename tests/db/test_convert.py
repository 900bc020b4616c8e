"""Conversions: records made out of one, once, with what hangs on it, and taken back."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from patron_engine.actor import Actor
from patron_engine.errors import Conflict, Forbidden, NotFound, PatronError, Refused
from patron_engine.flow.values import Reading
from patron_engine.store.session import configure
from patron_engine.ways import flow
from patron_engine.ways.convert import Converted, Wish, convert
from patron_engine.ways.prospects import fitting_conversions
from patron_engine.ways.save import write_transaction
from patron_platform.web.undo import undo
from patron_testing.build import Records, Templates, call_of
from patron_testing.pg import Server

DOCUMENTS = """
kind: object
name: firm
label: Firm
title: name
features: [files]
fields:
  - {name: name, type: text, required: true}
  - {name: code, type: text, unique: true}
  - {name: calls, type: rollup, of: notes, function: count}
---
kind: object
name: person
label: Person
title: name
fields:
  - {name: name, type: text, required: true}
  - {name: firm, type: lookup, to: firm, required: true, reverse: {name: people}}
  - {name: phone, type: phone}
---
kind: object
name: deal
label: Deal
title: name
fields:
  - {name: name, type: text}
  - {name: firm, type: lookup, to: firm, reverse: {name: deals}}
  - {name: person, type: lookup, to: person}
  - {name: sum, type: rollup, of: lines, function: sum, field: amount}
---
kind: object
name: deal_line
label: Line
title: what
fields:
  - {name: deal, type: master, to: deal, required: true, reverse: {name: lines}}
  - {name: what, type: text}
  - {name: amount, type: integer}
---
kind: object
name: note
label: Note
title: text
fields:
  - {name: text, type: text}
  - {name: about, type: lookup, to: [lead, firm, deal], reverse: {name: notes}}
---
kind: object
name: lead
label: Lead
title: name
features: [files]
fields:
  - {name: name, type: text, required: true}
  - {name: company, type: text}
  - {name: code, type: text}
  - {name: phone, type: phone}
  - {name: state, type: select, default: new, options: [{name: new}, {name: good}, {name: done}]}
  - {name: firm, type: lookup, to: firm}
  - {name: deal, type: lookup, to: deal}
  - {name: became, type: datetime, readonly: true}
rules:
  - {name: fixed, when: "old.state == 'done' and state != 'done'", at: state, message: Done stays done}
---
kind: object
name: wish
label: Wish
title: what
fields:
  - {name: lead, type: master, to: lead, required: true, reverse: {name: wishes}}
  - {name: what, type: text}
  - {name: amount, type: integer}
---
kind: conversion
name: lead_on
object: lead
when: "state == 'good'"
once: true
to:
  - {name: firm, object: firm, choose: true, find: {where: "code == this.code or name == this.company"}, set: {name: "=COALESCE(company, name)"}}
  - {name: person, object: person, set: {name: "=name", firm: "=steps.firm.id", phone: "=phone"}}
  - name: deal
    object: deal
    optional: true
    set: {name: "=CONCAT(steps.firm.name, ' wants')", firm: "=steps.firm.id", person: "=steps.person.id"}
    details: [{each: wishes, to: lines, where: "amount > 0", set: {what: "=what", amount: "=amount * 2"}}]
move: [notes, files]
back: {state: done, firm: "=steps.firm.id", deal: "=steps.deal.id", became: "=NOW()"}
---
kind: automation
name: after
object: lead
on: {event: converted, conversion: lead_on}
steps: [{name: told, do: create, object: note, set: {text: "=CONCAT(event.conversion, ' ', firm.name)"}}]
---
kind: automation
name: by_itself
object: lead
on: {event: updated, fields: [company]}
when: "company == 'Auto'"
steps:
  - {name: made, do: convert, conversion: lead_on}
  - {name: told, do: create, object: note, set: {text: "=CONCAT('for ', steps.made.deal.name, steps.made.person.name)", about: "=steps.made.deal.id"}}
---
kind: role
name: seller
label: Seller
objects:
  lead: {create: true, read: all, update: own, convert: own}
  firm: {create: true, read: all, update: none}
  person: {create: true, read: all}
  deal: {create: true, read: all}
  note: {read: all}
fields: {person: {phone: read}}
---
kind: role
name: guest
label: Guest
objects: {lead: {read: all}, firm: {read: all}}
"""
LEAD: dict[str, Any] = {"name": "Ann", "company": "Acme", "phone": "13800138000", "state": "good"}


@pytest.fixture
def r(server: Server, templates: Templates) -> Iterator[Records]:
    url, call = templates.fresh(DOCUMENTS)
    with psycopg.connect(url) as conn:
        configure(conn)
        yield Records(conn, call)
    server.drop(url)


def lead(r: Records, **more: Any) -> str:
    return r.create("lead", **{**LEAD, **more})


def carried(r: Records, id: str, *, name: str = "lead_on", **wishes: Wish) -> Converted:
    with write_transaction(r.conn, r.call):
        return convert(r.conn, r.call, "lead", id, name, wishes)


def ids(done: Converted) -> dict[str, str | None]:
    return {m.target: m.id for m in done.made}


def test_everything_is_made_and_written_back(r: Records) -> None:
    id = lead(
        r,
        wishes=[
            {"what": "pumps", "amount": 3},
            {"what": "nothing", "amount": 0},
            {"what": "pipes", "amount": 4},
        ],
    )
    note = r.create("note", text="called", about={"object": "lead", "id": id})
    file = file_on(r, "lead", id)
    done = carried(r, id)
    made = ids(done)
    assert [m.did for m in done.made] == ["created"] * 3 and done.moved == 2
    assert r.row("firm", str(made["firm"]))["name"] == "Acme"
    person = r.row("person", str(made["person"]))
    assert (person["name"], str(person["firm"]), person["phone"]) == ("Ann", made["firm"], "13800138000")
    deal = r.row("deal", str(made["deal"]))
    assert (deal["name"], str(deal["firm"]), deal["sum"]) == ("Acme wants", made["firm"], 14)
    lines = r.rows("deal_line", "deal = %s ORDER BY id", made["deal"])
    assert [(line["what"], line["amount"]) for line in lines] == [("pumps", 6), ("pipes", 8)]
    row = r.row("lead", id)
    assert (row["state"], str(row["firm"]), str(row["deal"])) == ("done", made["firm"], made["deal"])
    assert row["became"] == r.call.now
    moved = r.row("note", note)
    assert (moved["about__object"], str(moved["about"])) == ("firm", made["firm"])
    assert r.row("firm", str(made["firm"]))["calls"] == 1
    assert str(r.rows("sys__file", "id = %s", file)[0]["record"]) == made["firm"]
    history = r.rows("sys__history", "object = 'firm' AND record = %s", made["firm"])[0]
    assert history["cause"]["kind"] == "conversion" and history["cause"]["from"] == {
        "object": "lead",
        "id": id,
    }


def file_on(r: Records, object: str, id: str) -> str:
    file = r.call.new_id()
    with r.conn.transaction():
        r.conn.execute(
            "INSERT INTO w_test.sys__file (id, object, record, field, name, mime, size, sha256, chunks)"
            " VALUES (%s, %s, %s, '', 'a.txt', 'text/plain', 0, 'x', 0)",
            (file, object, id),
        )
    return file


def test_what_is_there_is_found_chosen_or_left_out(r: Records) -> None:
    acme, other = r.create("firm", name="Acme"), r.create("firm", name="Other")
    found = carried(r, lead(r), deal=Wish(leave_out=True))
    assert [(m.did, m.id) for m in found.made if m.target != "person"] == [
        ("found", acme),
        ("left_out", None),
    ]
    chosen = carried(r, lead(r), firm=Wish(record=other), deal=Wish(set={"name": "Mine"}))
    assert chosen.made[0].did == "chosen" and chosen.made[0].id == other
    assert r.row("deal", str(chosen.made[2].id))["name"] == "Mine"
    nobody = carried(r, lead(r, name="Lone", company=None), deal=Wish(leave_out=True))
    assert nobody.made[0].did == "created"  # not the first firm that has no code either
    assert r.row("firm", str(nobody.made[0].id))["name"] == "Lone"
    r.create("firm", name="By code", code="77")
    with pytest.raises(Refused) as caught:  # two fit: nobody is taken without being chosen
        carried(r, lead(r, code="77"))
    assert [(p.code, p.path) for p in caught.value.problems] == [("choose_record", "firm")]
    new = carried(r, lead(r), firm=Wish(new=True, set={"name": "Acme 2"}))
    assert new.made[0].did == "created" and r.row("firm", str(new.made[0].id))["name"] == "Acme 2"


def test_all_that_is_wrong_is_told_and_nothing_is_kept(r: Records) -> None:
    r.create("firm", name="Taken", code="1")
    id = lead(r)
    with pytest.raises(Refused) as caught:
        carried(r, id, firm=Wish(set={"code": "1"}), person=Wish(set={"name": None}))
    assert [p.path for p in caught.value.problems] == ["firm.code", "person.name"]
    assert len(r.rows("firm")) == 1 and r.row("lead", id)["state"] == "good"
    assert r.rows("sys__converted") == [] and r.rows("sys__batch") == []


@pytest.mark.parametrize(
    ("target", "wish", "code"),
    [
        ("nobody", Wish(), "unknown_target"),
        ("person", Wish(leave_out=True), "not_optional"),
        ("person", Wish(record="0196f0f0-0000-7000-8000-000000000000"), "not_to_choose"),
        ("firm", Wish(record="0196f0f0-0000-7000-8000-000000000000"), "not_found"),
        ("person", Wish(set={"firm": None}), "bound_field"),
        ("person", Wish(set={"nonsense": 1}), "unknown_field"),
    ],
)
def test_wishes_that_make_no_sense(r: Records, target: str, wish: Wish, code: str) -> None:
    with pytest.raises(Refused) as caught:
        carried(r, lead(r), **{target: wish})
    assert [p.code for p in caught.value.problems] == [code]


def test_once_and_only_where_it_fits(r: Records) -> None:
    with pytest.raises(Conflict) as caught:
        carried(r, lead(r, state="new"))
    assert caught.value.code == "not_convertible"
    id = lead(r)
    carried(r, id)
    with pytest.raises(Conflict) as caught:
        carried(r, id)
    assert caught.value.code == "converted_before"
    with pytest.raises(NotFound):
        carried(r, lead(r), name="lead_off")


def test_two_at_once_make_one(r: Records) -> None:
    id = lead(r)

    def attempt(_: int) -> str:
        with psycopg.connect(r.conn.info.dsn) as conn:
            configure(conn)
            try:
                with write_transaction(conn, call_of(r.call.model)):
                    convert(conn, r.call, "lead", id, "lead_on")
            except PatronError as error:
                return error.code
        return "done"

    r.conn.commit()
    with ThreadPoolExecutor(4) as pool:
        said = sorted(pool.map(attempt, range(4)))
    assert said == ["converted_before"] * 3 + ["done"]
    assert len(r.rows("firm")) == len(r.rows("deal")) == 1


def test_taken_back_it_is_as_before_and_may_be_done_again(r: Records) -> None:
    id = lead(r)
    r.call = replace(r.call, actor=Actor(user=r.call.new_id(), name="boss", administrator=True))
    note, file = r.create("note", text="called", about={"object": "lead", "id": id}), file_on(r, "lead", id)
    done = carried(r, id)
    with write_transaction(r.conn, r.call):
        _, kept = undo(r.conn, r.call, done.act)
    assert kept == []
    row = r.row("lead", id)
    assert (row["state"], row["firm"], row["became"]) == ("good", None, None)
    assert r.row("note", note)["about__object"] == "lead"
    assert str(r.rows("sys__file", "id = %s", file)[0]["record"]) == id
    assert all(x["deleted_at"] is not None for o in ("firm", "person", "deal") for x in r.rows(o))
    assert carried(r, id).made[0].did == "created"


def test_rights(r: Records) -> None:
    mine, other = r.call.new_id(), lead(r)
    seller = Actor(user=mine, name="Sue", roles=frozenset({"seller"}))
    admin = r.call
    own = lead(r, owner=None)
    r.call = replace(admin, actor=seller)
    own = r.create("lead", **LEAD)
    assert [c.name for c in fitting_conversions(r.conn, r.call, "lead", own)] == ["lead_on"]
    assert fitting_conversions(r.conn, r.call, "lead", other) == ()
    with pytest.raises(Forbidden):
        carried(r, other)
    done = carried(r, own)
    assert r.row("person", str(done.made[1].id))["phone"] is None, "he may not write it"
    r.call = replace(admin, actor=Actor(user=mine, roles=frozenset({"guest"})))
    with pytest.raises(Forbidden):
        carried(r, other)
    r.call = replace(admin, actor=Actor(user=mine))
    with pytest.raises(NotFound):
        carried(r, other)


def work(r: Records) -> None:
    for _ in range(50):
        with r.conn.transaction():
            if not flow.begin(r.conn, r.call) + flow.go_on(r.conn, r.call, lambda *_: None):
                return


def test_an_automation_hears_of_it_and_carries_one_out(r: Records) -> None:
    carried(r, lead(r))
    work(r)
    assert [n["text"] for n in r.rows("note")] == ["lead_on Acme"]
    id = lead(r)
    r.update("lead", id, company="Auto")
    work(r)
    assert r.row("lead", id)["state"] == "done"
    assert {n["text"] for n in r.rows("note")} == {"lead_on Acme", "lead_on Auto", "for Auto wantsAnn"}
    assert [x["state"] for x in r.rows("sys__run")] == ["done"] * 3
    assert Reading(r.conn, r.call).call is r.call
