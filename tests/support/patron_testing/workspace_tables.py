"""A workspace whose tables follow a folder of definitions given as text: what the way publish does to tables, alone."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

import psycopg

from patron_engine.meta.layers import Layer, fold
from patron_engine.meta.reader import read_documents
from patron_engine.model.compile import compile_model
from patron_engine.model.model import Model
from patron_engine.model.physical import EVERYTHING, allocate
from patron_engine.store import catalog, physical_rows, tasks
from patron_engine.store.apply import apply
from patron_engine.store.conversion import conversions
from patron_engine.store.desired import desired
from patron_engine.store.facts import gather
from patron_engine.store.migrations import make_schema
from patron_engine.store.plan import plan
from patron_engine.store.session import configure
from patron_engine.store.steps import DdlPlan

Connection = psycopg.Connection[Any]


class WorkspaceTables:
    """`change(text)` brings the tables to what `text` defines; `model` is the one in force."""

    def __init__(self, url: str, schema: str = "w_tables") -> None:
        self.url = url
        self.schema = schema
        self.conn: Connection = psycopg.connect(url)
        configure(self.conn)
        make_schema(self.conn, schema)
        self.conn.commit()
        self.model: Model | None = None
        self.models: dict[int, Model] = {}

    def connect(self) -> AbstractContextManager[Connection]:
        conn = psycopg.connect(self.url)
        configure(conn)
        return conn

    def compile(self, text: str, *, back: bool = False) -> Model:
        documents, problems = read_documents(text, "definitions.yaml")
        effective = fold([Layer(name="tested", documents=tuple(documents), version="1.0.0")])
        take_up = EVERYTHING if back else frozenset()
        known = physical_rows.known_columns(self.conn, self.schema)
        number = self.model.release + 1 if self.model else 1
        model, found = compile_model(effective, allocate(known, take_up), number)
        errors = [str(p) for p in (*problems, *effective.problems, *found) if p.level == "error"]
        assert model is not None, errors
        return model

    def planned(self, model: Model) -> DdlPlan:
        live = catalog.read(self.conn, self.schema)
        want = desired(model, self.schema, model.physical.aside)
        moved = conversions(self.model, model, live)
        return plan(want, live, gather(self.conn, want, live, moved, model.workspace.zone), moved)

    def change(self, text: str, *, back: bool = False, sure: bool = True) -> DdlPlan:
        """Compiles, plans, applies and commits; with `sure` a plan with errors fails the test."""
        model = self.compile(text, back=back)
        made = self.planned(model)
        if sure:
            assert not [r for r in made.risks if r.level == "error"], made.risks
        apply(self.conn, made, zone=model.workspace.zone)
        physical_rows.record_columns(self.conn, self.schema, model.physical.columns)
        self.conn.execute(f"UPDATE {self.schema}.sys__state SET release = %s", (model.release,))
        self.conn.commit()
        self.model = self.models[model.release] = model
        return made

    def run_tasks(self, **handlers: Any) -> list[tasks.TaskRow]:
        self.conn.commit()
        context = tasks.Context(model=lambda n: self.models[n], current=self.current, handlers=handlers)
        return tasks.run_all(self.connect, self.schema, context)

    def current(self) -> Model:
        assert self.model is not None
        return self.model

    def column(self, object: str, field: str, part: str = "") -> str:
        return self.current().objects[object].fields[field].part(part).name

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        return self.conn.execute(query.replace("w.", f"{self.schema}.")).fetchall()

    def do(self, query: str) -> None:
        self.conn.execute(query.replace("w.", f"{self.schema}."))
        self.conn.commit()

    def add(self, object: str, count: int, **columns: str) -> None:
        """`count` records; columns by name, expressions over `i`."""
        names = "".join(f', "{c}"' for c in columns)
        values = "".join(f", {v}" for v in columns.values())
        self.do(
            f"INSERT INTO w.{object} (id, created_at, updated_at, version{names})"
            f" SELECT gen_random_uuid(), now(), now(), 1{values} FROM generate_series(1, {count}) i"
        )

    def close(self) -> None:
        self.conn.close()
