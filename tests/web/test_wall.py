"""The second wall over HTTP: who works beside a publication, the doctor, a queued task that needs the owner."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from typer.testing import CliRunner

from patron_engine.query.spec import Ask
from patron_platform.cli import app
from patron_platform.jobs.tasks import work_off
from patron_platform.service import Service, open_service
from patron_platform.settings import Settings
from patron_platform.workspace import OPERATOR
from patron_testing.pg import Server
from patron_testing.web import WORKSPACE, Api, Opened, Template, copy_template


@pytest.fixture
def beside(opened: Opened) -> Iterator[Service]:
    """Another process that was there before."""
    with open_service(opened.service.settings) as service:
        yield service


def boat(*more: dict[str, Any]) -> dict[str, Any]:
    name = {"name": "name", "type": "text", "label": "Name"}
    return {"label": "Ferry", "plural": "Ferries", "title": "name", "fields": [name, *more]}


def publish(api: Api, body: dict[str, Any]) -> None:
    draft = api.put("/definitions/object/c_ferry", body).json()["draft"]
    plan = api.post(f"/drafts/{draft}/plan").json()
    said = api.post(f"/drafts/{draft}/publish", {"checksum": plan["checksum"], "note": "wall"})
    assert said.status_code == 201, said.text


def test_tables_of_a_publication_may_be_used_at_once_by_whoever_ran_before(
    admin: Api, opened: Opened, beside: Service
) -> None:
    place = beside.runtime.workspace(WORKSPACE)
    with place.connection("write") as conn:
        assert conn.execute("SELECT current_user").fetchone() == (
            opened.service.databases.wall(None).role("w_acme"),
        )
    publish(admin, boat())
    for n in range(3):
        admin.make("c_ferry", name=f"Ferry {n}")
    place.stale()
    rows = json.loads(place.read(OPERATOR, Ask(object="c_ferry", fields=("name",))).records)
    assert sorted(r["name"] for r in rows) == ["Ferry 0", "Ferry 1", "Ferry 2"]
    # a column with an index and a formula over what is there: work the owner and the application share
    publish(
        admin,
        boat(
            {"name": "code", "type": "text", "label": "Code", "unique": True},
            {"name": "loud", "type": "formula", "label": "Loud", "expression": "name + '!'", "stored": True},
        ),
    )
    place.stale()
    work_off(place)
    with place.connection("job") as conn:
        rest = conn.execute(
            "SELECT kind, state, error FROM w_acme.sys__task WHERE state <> 'done'"
        ).fetchall()
    assert rest == []
    assert {r["loud"] for r in admin.rows("c_ferry", fields="loud")} == {"Ferry 0!", "Ferry 1!", "Ferry 2!"}


def doctor(url: str) -> tuple[int, str, dict[str, Any]]:
    runner = CliRunner()
    human = runner.invoke(app, ["doctor", "--database", url])
    machine = runner.invoke(app, ["doctor", "--database", url, "--json"])
    return human.exit_code, human.output, json.loads(machine.stdout)


def test_the_doctor_says_where_the_wall_is_off(server: Server, template: Template) -> None:
    """One login for everything: Patron runs, and says so once."""
    url = copy_template(server, template)
    name = str(conninfo_to_dict(url)["dbname"])
    try:
        code, said, _ = doctor(url)
        assert (code, "wall" in said) == (0, False), said
        with psycopg.connect(server.url, autocommit=True) as conn:
            conn.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(f"{name}_weak")))
            conn.execute(sql.SQL("GRANT patron TO {}").format(sql.Identifier(f"{name}_weak")))
        code, said, values = doctor(make_conninfo(url, user=f"{name}_weak"))
        assert code == 0, said
        assert said.count("the second wall is off") == 1, said
        assert f"ALTER ROLE {name}_weak CREATEROLE" in said
        assert "acme: in order" in said
        assert {p["code"] for ps in values.values() for p in ps} == {"second_wall_off"}
        with open_service(Settings(database=make_conninfo(url, user=f"{name}_weak"), jobs=False)) as service:
            place = service.runtime.workspace(WORKSPACE)
            assert place.read(OPERATOR, Ask(object="user", fields=("email",))).records
    finally:
        server.drop(url)
        with psycopg.connect(server.url, autocommit=True) as conn:
            conn.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(f"{name}_weak")))
