"""People: who has a record beside its owner, and who may be chosen on a page: users that are on, departments, groups and roles, as the reader may see them.

In: a connection, the frame of a call, a record or words that narrow. Out: `People`; `Choice`s, at most `MOST` of each kind, by title.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from patron_engine.access.decide import readable
from patron_engine.access.roles import given_of
from patron_engine.model.model import label_of
from patron_engine.page.may import allowed
from patron_engine.query.call import Call
from patron_engine.query.spec import Ask
from patron_engine.ways.give import Given, given
from patron_engine.ways.principals import KINDS, Principal
from patron_engine.ways.read import read

Connection = psycopg.Connection[Any]
CONDITIONS = {"active": "active != false", "kind": "kind != 'portal'"}  # of users that are offered
MOST = 200  # of each kind; words narrow further


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """`value` is KIND:ID, of a role KIND:NAME."""

    value: str
    title: str
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """Who has a record. `manage`: whether the reader may share or hand over any record of the object."""

    owner: Principal | None
    team: tuple[Given, ...]
    shares: tuple[Given, ...]
    manage: bool


def people_of(conn: Connection, call: Call, object: str, id: str) -> People:
    owner, rights = given(conn, call, object, id)
    return People(
        owner=owner, team=tuple(r for r in rights if r.reason == "team"),
        shares=tuple(r for r in rights if r.reason == "share"),
        manage=allowed(call, "share", object) or allowed(call, "transfer", object),
    )  # fmt: skip


def choices(
    conn: Connection, call: Call, words: str = "", kinds: Sequence[str] = KINDS
) -> dict[str, list[Choice]]:
    """By kind; kinds without any are left out."""
    found = {kind: _of(conn, call, kind, words.strip()[:60]) for kind in kinds}
    return {kind: some for kind, some in found.items() if some}


def _of(conn: Connection, call: Call, kind: str, words: str) -> list[Choice]:
    if kind == "role":
        titles = {
            r.name: str(label_of(r.label, r.name, call.actor.languages))
            for r in given_of(call.model).roles.values() if r.for_users != "portal"
        }  # fmt: skip
        some = [(t, n) for n, t in titles.items() if words.lower() in t.lower()]
        return [Choice(value=f"role:{name}", title=title) for title, name in sorted(some)][:MOST]
    object = call.model.objects.get(kind)
    fields = readable(call.model, call.actor, kind) if object is not None else {}
    if object is None or object.title not in fields:
        return []
    conditions = [CONDITIONS[name] for name in CONDITIONS if kind == "user" and name in fields]
    hint = "email" if kind == "user" and "email" in fields else None
    ask = Ask(
        object=kind, fields=("id", object.title, *([hint] if hint else [])), sort=(object.title,), limit=MOST,
        where=" and ".join(conditions) or None, q=words or None,
    )  # fmt: skip
    return [
        Choice(
            value=f"{kind}:{row['id']}",
            title=str(row.get(object.title) or "…"),
            hint=str(row.get(hint or "") or ""),
        )
        for row in read(conn, call, ask, secret=b"").rows()
    ]
