"""Organised: the same accounts and deals owned by 2,000 people in a tree of departments, with managers and shares.

In: a data folder, how many rows. Out: `Organised`: the open workspace's name and the people whose lists are measured. Made once
in the folder and found again.

    person n   of division n // 400, in unit n // 40; the first of a unit leads it, the first of a division leads the units
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
from patron_bench import data, shapes
from patron_bench.world import ADMINISTRATOR, DEFINITIONS, NAME, service_of

from patron_engine.actor import Actor
from patron_platform.folder import read_folder
from patron_platform.jobs.tasks import work_off
from patron_platform.service import Service
from patron_platform.workspace import OPERATOR, make_workspace

PEOPLE, UNIT, DIVISION = 2_000, 40, 400
ROLES = DEFINITIONS.parent / "definitions_rights"
SHARED_MANY, SHARED_FEW, SHARED_USUAL = 10_000, 10, 20
HOLDER, GUEST = 777, PEOPLE  # a rep with many shares beside his own; somebody who owns nothing


def person(number: int, role: str) -> Actor:
    """One of the people, as a request of his has him."""
    return Actor(user=data.owner_id(number), name=f"person {number}", roles=frozenset({role}))


def organise(folder: Path, rows: int) -> None:
    """The workspace with its people and rows; what is there already is taken."""
    folder.mkdir(parents=True, exist_ok=True)
    ready = folder / f"shaped-{rows}"
    if ready.exists():
        return
    with service_of(folder) as service:
        _make(service, rows)
    ready.touch()


def _make(service: Service, rows: int) -> None:
    make_workspace(service, NAME, administrator=ADMINISTRATOR)
    place = service.runtime.workspace(NAME)
    place.publish(OPERATOR, place.plan_own([*read_folder(DEFINITIONS), *read_folder(ROLES)]))
    work_off(place)
    with psycopg.connect(service.database.url, autocommit=True) as conn:
        conn.execute(f"SET search_path TO {place.schema}")
        _departments(conn)
        department = data.sql_id("0004", _department(f"(i % {PEOPLE})").replace("%", "%%"))
        data.fill(conn, place.schema, rows, owners=PEOPLE, department=department)
        with conn.transaction():
            _chains(conn)
            _shares(conn, rows)
            shapes.give(conn, rows)
        tables = ("department", "sys__reports", "sys__department_tree", "c_account__access", '"user"')
        for table in (*tables, "c_account", "c_quote"):
            conn.execute(f"VACUUM (ANALYZE) {table}")


def _departments(conn: psycopg.Connection[Any]) -> None:
    """A company, its divisions, their units; every account is of its owner's department."""
    units, divisions = PEOPLE // UNIT, PEOPLE // DIVISION
    conn.execute(
        "INSERT INTO department (id, created_at, updated_at, version, name, name__sort, code, parent)"
        f" SELECT {data.sql_id('0004', 'n')}, now(), now(), 1, 'D' || n, 'd' || n, 'd' || n,"
        f" CASE WHEN n = 0 THEN NULL WHEN n <= {divisions} THEN {data.sql_id('0004', '0')}"
        f" ELSE {data.sql_id('0004', f'1 + (n - 1 - {divisions}) * {UNIT} / {DIVISION}')} END"
        f" FROM generate_series(0, {units + divisions}) n"
    )
    conn.execute(
        "INSERT INTO sys__department_tree (ancestor, descendant, depth) WITH RECURSIVE up AS ("
        "SELECT id, id AS above, parent, 0 AS depth FROM department UNION ALL"
        " SELECT up.id, d.id, d.parent, depth + 1 FROM up JOIN department d ON d.id = up.parent)"
        " SELECT above, id, depth FROM up"
    )


def _department(number: str) -> str:
    """SQL: the number of the department of a person by his number."""
    divisions = PEOPLE // DIVISION
    leads = f"CASE WHEN {number} % {DIVISION} = 0 THEN 1 + {number} / {DIVISION}"
    return f"{leads} ELSE {divisions + 1} + least({number}, {PEOPLE - 1}) / {UNIT} END"


def _chains(conn: psycopg.Connection[Any]) -> None:
    number = "('x' || right(replace(id::text, '-', ''), 8))::bit(32)::int"
    above = f"CASE WHEN {number} % {DIVISION} = 0 THEN 0 WHEN {number} % {UNIT} = 0 THEN {number} - {number} % {DIVISION}"
    above += f" ELSE {number} - {number} % {UNIT} END"
    conn.execute(
        f"UPDATE \"user\" SET department = {data.sql_id('0004', _department(number))} WHERE email LIKE 's%@example.com'"
    )
    conn.execute(
        f'UPDATE "user" SET manager = {data.sql_id("0003", above)}'
        f" WHERE email LIKE 's%@example.com' AND {number} BETWEEN 1 AND {PEOPLE - 1}"
    )
    conn.execute(
        "INSERT INTO sys__reports (boss, member, depth) WITH RECURSIVE up AS ("
        'SELECT id, id AS above, manager, 0 AS depth FROM "user" UNION ALL'
        ' SELECT up.id, u.id, u.manager, depth + 1 FROM up JOIN "user" u ON u.id = up.manager)'
        " SELECT above, id, depth FROM up ON CONFLICT DO NOTHING"
    )


def _shares(conn: psycopg.Connection[Any], rows: int) -> None:
    """Everybody was given some accounts, as team members are; two people are given as many as is measured."""
    few = f"generate_series(0, {PEOPLE - 1}) p, generate_series(1, {SHARED_USUAL}) n WHERE p <> {HOLDER}"
    for who, record, source in (
        (data.sql_id("0003", "p"), f"(p * 311 + n * 104729) % {rows}", few),
        (f"'{data.owner_id(HOLDER)}'::uuid", f"(n * 7919) % {rows}", f"generate_series(1, {SHARED_MANY}) n"),
        (f"'{data.owner_id(GUEST)}'::uuid", f"(n * 7919) % {rows}", f"generate_series(1, {SHARED_FEW}) n"),
    ):
        conn.execute(
            "INSERT INTO c_account__access (record, principal, level, reason)"
            f" SELECT {data.sql_id('0001', record)}, {who}, 'read', 'team' FROM {source} ON CONFLICT DO NOTHING"
        )
