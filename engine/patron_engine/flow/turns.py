"""Turns: what choosing one of several people asks of the database: whose turn it is, how much each has, who is away.

In: a connection in the caller's write transaction, the frame of a call, ids of users. Out: plain values for flow/choosing. A list
of turns is locked until the transaction ends, so that two workers never serve the same person at once.
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from psycopg import sql
from sqlalchemy.dialects import postgresql as pg

from patron_engine.query.binding import SqlBinding, parameter
from patron_engine.query.call import Call
from patron_engine.query.source import Building
from patron_engine.query.statement import Statement, compiled, kept
from patron_engine.query.values import call_values, fetch_values
from patron_engine.record.statements import Conn
from patron_engine.store.tables import Id

PEOPLE = "people"
EVERYTHING = (None, "everything", "assignments")  # what an absence must cover to keep records away


def served(conn: Conn, call: Call, list: str, people: Sequence[str]) -> dict[str, int]:
    """Person -> the turn in which the list served him last. Other transactions wait for this one from here on."""
    conn.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (f"patron.turns.{call.schema}.{list}",)
    )
    table = sql.Identifier(call.schema, "sys__turn")
    rows = conn.execute(
        sql.SQL("SELECT person::text, served FROM {} WHERE list = %s AND person = ANY(%s::uuid[])").format(
            table
        ),
        (list, [*people]),
    ).fetchall()
    return {person: number for person, number in rows}


def serve(conn: Conn, call: Call, list: str, people: Sequence[str | None]) -> None:
    """These were served, in this order."""
    table = sql.Identifier(call.schema, "sys__turn")
    row = conn.execute(
        sql.SQL("SELECT coalesce(max(served), 0) FROM {} WHERE list = %s").format(table), (list,)
    ).fetchone()
    last = int(row[0]) if row is not None else 0
    turns = {person: last + n for n, person in enumerate(people, 1) if person is not None}
    with conn.cursor() as cursor:
        cursor.executemany(
            sql.SQL(
                "INSERT INTO {} (list, person, served) VALUES (%s, %s, %s)"
                " ON CONFLICT (list, person) DO UPDATE SET served = EXCLUDED.served"
            ).format(table),
            [(list, person, turn) for person, turn in turns.items()],
        )


def load(conn: Conn, call: Call, object: str, people: Sequence[str]) -> dict[str, int]:
    """Person -> how many live records of an object he owns."""

    def make() -> Statement:
        row = Building(tables=call.tables).root(object)
        owner = SqlBinding(row=row).value(row, ("owner",))
        query = sa.select(owner, sa.func.count()).select_from(row.source.from_).group_by(owner)
        query = query.where(owner == sa.any_(parameter(PEOPLE, pg.ARRAY(Id()))), *row.live(voided=False))
        return compiled(query, call.model.release)

    if "owner" not in call.model.objects[object].fields:
        return {}
    made = kept(call.tables).get(("flow.load", object), make)
    rows = conn.execute(made.text, made.values({**call_values(call), PEOPLE: [*people]})).fetchall()
    return {str(person): int(count) for person, count in rows}


def ids_of(conn: Conn, call: Call, word: str, codes: Sequence[str]) -> list[str]:
    """The ids of groups or departments by their codes. A role stands under its name."""
    if word == "role":
        return [*codes]
    if word not in call.model.objects or "code" not in call.model.objects[word].fields:
        return []

    def make() -> Statement:
        row = Building(tables=call.tables).root(word)
        code = SqlBinding(row=row).value(row, ("code",))
        query = sa.select(row.id).select_from(row.source.from_)
        query = query.where(code == sa.any_(parameter("codes", pg.ARRAY(sa.Text()))), *row.live(voided=False))
        return compiled(query.order_by(row.id), call.model.release)

    made = kept(call.tables).get(("flow.codes", word), make)
    rows = conn.execute(made.text, made.values({**call_values(call), "codes": [*codes]})).fetchall()
    return [str(row[0]) for row in rows]


def absent(conn: Conn, call: Call, people: Sequence[str], object: str | None = None) -> set[str]:
    """Those of them who are away today, as far as new records (of this object) are concerned."""
    known = call.model.objects.get("absence")
    if known is None or not people or not {"user", "period"} <= set(known.fields):
        return set()

    def make() -> Statement:
        row = Building(tables=call.tables).root("absence")
        user = SqlBinding(row=row).value(row, ("user",))
        query = sa.select(row.id).select_from(row.source.from_)
        query = query.where(user == sa.any_(parameter(PEOPLE, pg.ARRAY(Id()))), *row.live(voided=False))
        return compiled(query, call.model.release)

    made = kept(call.tables).get(("flow.absent",), make)
    rows = conn.execute(made.text, made.values({**call_values(call), PEOPLE: [*people]})).fetchall()
    names = [n for n in ("user", "period", "range", "objects") if n in known.fields]
    found = set()
    for values in fetch_values(conn, call, "absence", [str(r[0]) for r in rows], names).values():
        period, objects = values.get("period"), values.get("objects")
        covers = values.get("range") in EVERYTHING and (not objects or object is None or object in objects)
        if period is None or not covers:
            continue
        if (period["from"] or call.today) <= call.today <= (period["to"] or call.today):
            found.add(str(values["user"]))
    return found
