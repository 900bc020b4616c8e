"""Decisions in a timeline: what happened to a record in its approvals.

In: a record that the reader reads, how far one has read. Out: a page of `Entry`s, the newest first, and the place of the next. `action`
says what happened, `run` is the approval, `title` whom it concerned, `named` for whom it was done.
"""

from __future__ import annotations

from typing import Any, Final

import psycopg

from patron_engine.approval.store import happened
from patron_engine.jsonio import whole
from patron_engine.page.entries import PAGE, Entry
from patron_engine.page.reader import Reader
from patron_engine.page.show import EMPTY, Shown, person
from patron_engine.query.call import Call
from patron_engine.ways.approval_drawn import names_of

TOLD: Final = (  # the rest is on the page of the approval
    "submitted", "resubmitted", "approved", "finished", "rejected", "returned", "withdrawn", "revoked", "ended", "jumped", "parked",
    "transferred", "handed_over", "taken_back",
)  # fmt: skip


def decisions(
    conn: psycopg.Connection[Any], call: Call, reader: Reader, record: tuple[str, str], cursor: str | None
) -> tuple[list[Entry], str | None]:
    lines = happened(conn, call.schema, record, TOLD, whole(cursor or ""), PAGE)
    people = names_of(conn, call, [p for w in lines for p in (w["by"], w["behalf"], w["person"]) if p])
    entries = [
        Entry(
            kind="approval", object=record[0], id=f"a{w['id']}", at=w["at"], day=reader.local(w["at"]).date(), icon="stamp", what="",
            action=w["kind"], run=w["instance"], title=people.get(w["person"] or "", ""), named=people.get(w["behalf"] or "", ""),
            body=Shown(kind="text", text=w["comment"]) if w["comment"] else EMPTY,
            by=person({"id": w["by"], "title": people.get(w["by"])}) if w["by"] else None,
            by_me=w["by"] is not None and w["by"] == call.actor.user,
        )
        for w in lines
    ]  # fmt: skip
    return entries, str(lines[-1]["id"]) if len(lines) == PAGE else None
