"""Converting what the packs do not have: many-to-many, a lookup of any object, files in fields, comments, files of its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from patron_engine.store.session import configure
from patron_engine.ways.convert import convert
from patron_engine.ways.save import write_transaction
from patron_platform.web.undo import undo
from patron_testing.build import Records, Templates
from patron_testing.pg import Server

DOCUMENTS = """
kind: object
name: hand
label: Hand
title: name
fields: [{name: name, type: text}]
---
kind: object
name: ship
label: Ship
title: name
features: [files]
fields:
  - {name: name, type: text, required: true}
  - {name: crew, type: lookup, to: hand, many: true, reverse: {name: ships}}
  - {name: about, type: lookup, to: [hand, draft], reverse: {name: about_ships}}
  - {name: papers, type: file, many: true}
---
kind: object
name: draft
label: Draft
title: name
features: [files]
fields:
  - {name: name, type: text, required: true}
  - {name: crew, type: lookup, to: hand, many: true, reverse: {name: drafts}}
  - {name: about, type: lookup, to: [hand, draft], reverse: {name: about_drafts}}
  - {name: papers, type: file, many: true}
  - {name: ship, type: lookup, to: ship}
---
kind: object
name: word
label: Word
title: text
fields:
  - {name: text, type: text}
  - {name: about, type: lookup, to: [draft, ship], reverse: {name: words}}
  - {name: all, type: lookup, to: [draft, ship], many: true, reverse: {name: words_of_all}}
---
kind: conversion
name: launch
object: draft
once: true
to: [{name: ship, object: ship, set: {name: "=name", crew: "=crew", about: "=about", papers: "=papers"}}]
move: [words, words_of_all, files]
back: {ship: "=steps.ship.id"}
"""


@pytest.fixture
def r(server: Server, templates: Templates) -> Iterator[Records]:
    url, call = templates.fresh(DOCUMENTS)
    with psycopg.connect(url) as conn:
        configure(conn)
        yield Records(conn, replace(call, actor=replace(call.actor, user=call.new_id())))
    server.drop(url)


def file(r: Records, name: str, object: str | None = None, record: str | None = None) -> str:
    id = r.call.new_id()
    with r.conn.transaction():
        r.conn.execute(
            "INSERT INTO w_test.sys__file (id, object, record, field, name, mime, size, sha256, chunks, created_by)"
            " VALUES (%s, %s, %s, %s, %s, 'text/plain', 1, 'x', 0, %s)",
            (id, object, record, "" if object else None, name, r.call.actor.user),
        )
    return id


def test_all_sorts_of_links_and_files_go_over_and_come_back(r: Records) -> None:
    hands = [r.create("hand", name=n) for n in "hi"]
    papers = [file(r, "p1"), file(r, "p2")]
    d = r.create("draft", name="D", crew=hands, about={"object": "hand", "id": hands[0]}, papers=papers)
    own = file(r, "own", "draft", d)
    word = r.create("word", text="w", about={"object": "draft", "id": d}, all=[{"object": "draft", "id": d}])

    def state(id: str, object: str) -> Any:
        table = r.call.model.objects[object].fields["crew"].link.table or ""
        all = r.call.model.objects["word"].fields["all"].link.table or ""
        return (
            {str(x["target"]) for x in r.rows(table, "record = %s", id)}, str(r.row(object, id)["about"]),
            sorted(x["name"] for x in r.rows("sys__file", "record = %s AND deleted_at IS NULL", id)),
            str(r.row("word", word)["about"]), [str(x["target"]) for x in r.rows(all, "record = %s", word)],
        )  # fmt: skip

    before = state(d, "draft")
    with write_transaction(r.conn, r.call):
        done = convert(r.conn, r.call, "draft", d, "launch")
    ship = str(done.made[0].id)
    assert state(ship, "ship") == (set(hands), hands[0], ["own", "p1", "p2"], ship, [ship])
    with write_transaction(r.conn, r.call):
        _, kept = undo(r.conn, r.call, done.act)
    assert kept == [], kept
    assert own and state(d, "draft") == before
