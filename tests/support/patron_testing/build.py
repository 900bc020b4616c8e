"""Small workspaces for tests: definitions as YAML -> model -> tables in a schema -> the frame of a call.

call = build_workspace(conn, DOCUMENTS)      # schema w_test with all its tables, release 1 in force
outcome = save(conn, call, [Change(...)])
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from typing import Any

import psycopg
from psycopg import sql

from patron_engine.actor import Actor, Cause
from patron_engine.fields.vault import Vault
from patron_engine.meta.document import Document
from patron_engine.meta.layers import fold, workspace_layer
from patron_engine.meta.reader import read_documents
from patron_engine.model.compile import compile_model
from patron_engine.model.model import Model
from patron_engine.model.physical import PhysicalNames
from patron_engine.query.call import Call
from patron_engine.record.change import Change, Outcome
from patron_engine.store import ddl
from patron_engine.store.desired import desired
from patron_engine.store.migrations import migrate
from patron_engine.store.session import configure
from patron_engine.store.steps import AddForeignKey, CreateIndex, CreateTable
from patron_engine.store.tables import Tables
from patron_engine.ways.save import begin_write, save
from patron_testing.pg import Server

SCHEMA = "w_test"
NOON = datetime(2026, 5, 20, 4, 0, tzinfo=UTC)  # noon in Shanghai, a Wednesday
ADMIN = Actor(user=None, name="admin", administrator=True)


def documents_of(text: str) -> list[Document]:
    """The documents of a YAML text; any problem fails the test."""
    found, problems = read_documents(text, "test.yaml")
    assert not problems, "\n".join(map(str, problems))
    return found


@cache
def model_of(text: str, *, release: int = 1) -> Model:
    """The compiled model; any error fails the test."""
    effective = fold([replace(workspace_layer(documents_of(text)), prefix="")])
    model, problems = compile_model(effective, PhysicalNames(), release, vault=Vault(b"t" * 32))
    errors = [p for p in problems if p.level == "error"]
    assert not errors and model is not None, "\n".join(map(str, errors))
    return model


class Templates:
    """Databases with a workspace in them, made once a run and copied for each test."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._made: dict[str, str] = {}

    def fresh(self, text: str) -> tuple[str, Call]:
        """The URL of a new database that holds the workspace, and the frame of a call."""
        if text not in self._made:
            url = self.server.make()
            with psycopg.connect(url) as conn:
                build_workspace(conn, text)
            self._made[text] = url
        name = str(psycopg.conninfo.conninfo_to_dict(self._made[text])["dbname"])
        return self.server.make(template=name), call_of(model_of(text))

    def drop(self) -> None:
        for url in self._made.values():
            self.server.drop(url)


def build_workspace(conn: psycopg.Connection[Any], text: str, *, schema: str = SCHEMA) -> Call:
    """Makes the schema, the workspace's own tables and the objects' tables; commits."""
    configure(conn)
    model = model_of(text)
    conn.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema)))
    migrate(conn, schema)
    shape = desired(model, schema)
    for table in shape.tables.values():
        run_ddl(conn, schema, CreateTable(table=table))
    for table in shape.tables.values():
        for index in table.indexes.values():
            run_ddl(conn, schema, CreateIndex(index=index))
        for key in table.foreign_keys.values():
            run_ddl(conn, schema, AddForeignKey(table=table.name, key=key, check_rows=True))
    conn.execute(sql.SQL("UPDATE {} SET release = 1").format(sql.Identifier(schema, "sys__state")))
    conn.commit()
    return call_of(model, schema)


def run_ddl(conn: psycopg.Connection[Any], schema: str, op: Any) -> None:
    for statement in ddl.statements(schema, op):
        conn.execute(statement)


def call_of(model: Model, schema: str = SCHEMA, **more: Any) -> Call:
    """A call of the administrator at noon."""
    return Call(
        workspace="test", schema=schema, model=model, tables=Tables(model, schema), actor=ADMIN,
        **{"now": NOON, "cause": Cause(), **more},
    )  # fmt: skip


class Records:
    """Saves and looks, the way a test says it: `r.create("account", name="Acme")` gives the id."""

    def __init__(self, conn: psycopg.Connection[Any], call: Call) -> None:
        self.conn = conn
        self.call = call

    def act(self, *changes: Change, **more: Any) -> list[Outcome]:
        """One committed save."""
        with self.conn.transaction():
            begin_write(self.conn, self.call)
            return save(self.conn, self.call, changes, **more)

    def create(self, object: str, **values: Any) -> str:
        outcome = self.act(Change(action="create", object=object, set=values))[0]
        assert outcome.id is not None
        return outcome.id

    def update(self, object: str, id: str, **values: Any) -> Outcome:
        return self.act(Change(action="update", object=object, id=id, set=values))[0]

    def do(self, action: Any, object: str, id: str) -> Outcome:
        return self.act(Change(action=action, object=object, id=id))[0]

    def row(self, object: str, id: str) -> Mapping[str, Any]:
        """The physical row, by column."""
        table = sql.Identifier(self.call.schema, self.call.model.objects[object].table)
        with self.conn.transaction():
            cursor = self.conn.execute(sql.SQL("SELECT * FROM {} WHERE id = %s").format(table), (id,))
            found = cursor.fetchone()
            assert found is not None, f"no row {id} in {object}"
            assert cursor.description is not None
            return dict(zip([c.name for c in cursor.description], found, strict=True))

    def rows(self, table: str, where: str = "true", *values: Any) -> list[Mapping[str, Any]]:
        """Rows of any table of the schema."""
        place = sql.Identifier(self.call.schema, table)
        with self.conn.transaction():
            cursor = self.conn.execute(
                sql.SQL("SELECT * FROM {} WHERE ").format(place) + sql.SQL(where),
                values,  # type: ignore[arg-type]
            )
            assert cursor.description is not None
            names = [c.name for c in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor]
