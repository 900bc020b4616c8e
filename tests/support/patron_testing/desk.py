"""An importer's desk: files become imports, are worked off, looked at and taken back, on a real database."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg

from patron_engine.actor import Cause
from patron_engine.store import tasks
from patron_engine.store.session import configure
from patron_engine.transfer import imports, pieces, undo
from patron_engine.transfer.imports import Import
from patron_engine.transfer.reading import read_mapping
from patron_engine.transfer.sheet import open_sheet
from patron_engine.ways.save import begin_write
from patron_testing.build import NOON, Records


class Desk:
    """An importer at work: `i.run("account", text, mapping)`."""

    def __init__(self, url: str, records: Records, folder: Path) -> None:
        self.url = url
        self.r = records
        self.folder = folder

    def begin(self, object: str, text: str, mapping: Mapping[str, Any], **more: Any) -> str:
        path = self.folder / "file.csv"
        path.write_text(text, encoding="utf-8")
        sheet, call = open_sheet(path), self.r.call
        made = read_mapping({"object": object, **mapping}, call.model, call.actor, sheet.headings)
        with self.r.conn.transaction():
            begin_write(self.r.conn, call)
            return imports.begin(self.r.conn, call, sheet, made, name="file.csv", **more).batch

    def work(self, told: Callable[[Mapping[str, Any]], None] | None = None) -> None:
        model = self.r.call.model
        handlers = pieces.handlers(lambda: NOON, told, self.connect)
        context = tasks.Context(model=lambda _: model, current=lambda: model, handlers=handlers)
        tasks.run_all(self.connect, self.r.call.schema, context)

    @contextmanager
    def connect(self) -> Iterator[psycopg.Connection[Any]]:
        with psycopg.connect(self.url) as conn:
            configure(conn)
            yield conn

    def run(self, object: str, text: str, mapping: Mapping[str, Any], **more: Any) -> Import:
        batch = self.begin(object, text, mapping, **more)
        self.work()
        return self.status(batch)

    def status(self, batch: str) -> Import:
        with self.r.conn.transaction():
            return imports.status(self.r.conn, self.r.call.schema, batch)

    def faults(self, batch: str) -> list[Any]:
        with self.r.conn.transaction():
            return list(imports.faults(self.r.conn, self.r.call.schema, batch))

    def undo(self, batch: str) -> imports.Undone:
        call = replace(self.r.call, cause=Cause(kind="rollback"))
        with self.r.conn.transaction():
            begin_write(self.r.conn, call)
            return undo.undo(self.r.conn, call, batch)

    def live(self, table: str) -> list[Mapping[str, Any]]:
        return sorted(self.r.rows(table, "deleted_at IS NULL"), key=lambda row: row["name"])


def counts(made: Import) -> tuple[int, ...]:
    return tuple(made.counts[c] for c in ("created", "updated", "unchanged", "refused"))
