"""Pieces: an import is carried out piece by piece, as a task any worker may take.

In: a task's payload and how far it came. Out: records, refused rows, links that came at the end. Each piece is one transaction
together with how far it came, so a kill at any moment loses and doubles nothing. Whoever began it is asked before each piece what he
may do by now. A trial does everything and takes it back
before it ends.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import psycopg

from patron_engine.access.beside import holds
from patron_engine.actor import SYSTEM, Actor, Cause
from patron_engine.clock import Clock, system_clock
from patron_engine.errors import Forbidden, NotFound, Refused
from patron_engine.model.model import Model
from patron_engine.phrases import kept
from patron_engine.problems import Problem
from patron_engine.query.call import Call
from patron_engine.query.names import permitted_object
from patron_engine.release.releases import current_release
from patron_engine.store.locks import shared
from patron_engine.store.tables import Tables
from patron_engine.store.tasks import Chunk, Handler, Work
from patron_engine.transfer import staged
from patron_engine.transfer.ahead import Ahead, Connect
from patron_engine.transfer.carry import COUNTS, Carrier, Piece
from patron_engine.transfer.collecting import in_turns, uncollected
from patron_engine.transfer.imports import KIND
from patron_engine.transfer.mapping import ImportMap
from patron_engine.transfer.reading import read_mapping
from patron_engine.ways.standing import NOBODY, People

Connection = psycopg.Connection[Any]


@dataclass(slots=True)
class _Imports:
    """Carries out imports; keeps the carrier of the one it last worked on."""

    clock: Clock
    told: Callable[[Mapping[str, Any]], None] | None
    people: People
    connect: Connect | None
    ahead: Ahead | None = field(default=None)
    kept: tuple[str, Model, Call, Carrier] | None = field(default=None)
    tables: Tables | None = field(default=None)

    def piece(self, conn: Connection, work: Work) -> Chunk:
        """The next piece of the import."""
        if work.current is None:
            raise LookupError("an import needs the model in force")
        shared(conn, work.schema)
        model = work.current()
        if model.release != current_release(conn, work.schema):
            return Chunk(progress=work.progress)  # a release came this moment: look again
        progress = dict(work.progress) or {"stage": "rows", "piece": 0, "done": 0, **dict.fromkeys(COUNTS, 0)}
        try:
            call, carrier = self._carrier(conn, work, model)
        except Refused as refused:  # the definitions changed under the mapping, or what he may do
            return Chunk(progress=progress, failed="; ".join(str(p) for p in refused.problems))
        except (Forbidden, NotFound) as refused:
            return Chunk(progress=progress, failed=str(refused.detail))
        if work.payload["trial"] is not None:
            return self._trial(conn, work, call, carrier, progress)
        with uncollected(), in_turns():
            chunk = self._step(conn, work.schema, work.payload, call, carrier, progress)
        if self.told is not None:
            self.told(chunk.progress)
        return chunk

    def _carrier(self, conn: Connection, work: Work, model: Model) -> tuple[Call, Carrier]:
        """What was kept of the piece before, unless the release or what he may do has changed since: then everything is read anew,
        and what was prepared under other rights is thrown away."""
        batch = work.payload["batch"]
        actor = self._actor(conn, work, model)
        kept = self.kept
        if kept is None or kept[0] != batch or kept[1] is not model or kept[2].actor != actor:
            call = self._frame(work, model, actor)
            headings = work.payload["headings"]
            mapping = read_mapping(work.payload["mapping"], model, actor, headings)
            carrier = Carrier(call, mapping, headings, batch)
            self.kept = (batch, model, call, carrier)
            self.ahead = Ahead(self.connect, call, carrier, work.payload["file"]) if self.connect else None
        assert self.kept is not None
        return self.kept[2], self.kept[3]

    def _actor(self, conn: Connection, work: Work, model: Model) -> Actor:
        """Who began it, with the rights he has at this piece. Forbidden once he may not import this any more."""
        kept = work.payload["actor"]
        languages = tuple(kept["languages"])
        if kept["user"] is None:  # an operator at a terminal, the workspace itself
            return Actor(**{**kept, "languages": languages, "roles": frozenset(kept["roles"])})
        found = self.people.who(conn, self._frame(work, model, SYSTEM), kept["user"])
        if found is None:
            raise Forbidden("who began this import may not sign in any more; what it has done stays")
        actor = replace(found, name=kept["name"], languages=languages)
        permitted_object(self._frame(work, model, actor), work.payload["object"], "import")
        if work.payload["history"] and not holds(model, actor, "import_history"):
            raise Forbidden("you may not import a history", code="import_history")
        return actor

    def _frame(self, work: Work, model: Model, actor: Actor) -> Call:
        detail = {
            "import": work.payload["batch"],
            **({"history": True} if work.payload["history"] else {}),
        }
        return Call(
            workspace=work.schema, schema=work.schema, model=model, tables=self._tables(model, work.schema), actor=actor,
            now=self.clock(), cause=Cause(kind="import", detail=detail), administrators=self.people.administrators,
        )  # fmt: skip

    def _tables(self, model: Model, schema: str) -> Tables:
        """Those of the piece before, where the release is the same: statements are kept with them."""
        if self.tables is None or self.tables.model is not model or self.tables.schema != schema:
            self.tables = Tables(model, schema)
        return self.tables

    def _step(
        self, conn: Connection, schema: str, payload: Mapping[str, Any], call: Call, carrier: Carrier,
        progress: dict[str, Any],
    ) -> Chunk:  # fmt: skip
        """One piece of rows, or of the links between them."""
        n, linking = progress["piece"], progress["stage"] == "links"
        if n >= payload["pieces"]:
            if not linking and any(t.defer for ts in carrier.mapping.columns.values() for t in ts):
                return Chunk(progress={**progress, "stage": "links", "piece": 0})
            _tidy(conn, schema, payload)
            return Chunk(progress=progress, done=True)
        found = self.ahead.take(n) if self.ahead is not None and not linking else None
        rows = found.rows if found is not None else staged.piece(conn, schema, payload["file"], n)
        prepared = found or carrier.begin(call, () if linking else rows)
        if self.ahead is not None and not linking and n + 1 < payload["pieces"]:
            self.ahead.prepare(n + 1)
        if linking:
            later = staged.piece(conn, schema, payload["later"], n)
            piece = carrier.link(conn, call, later, dict(rows) if later else {})
        else:
            piece = carrier.carry(conn, call, prepared)
            staged.append(conn, schema, payload["later"], n, piece.later)
        staged.append(
            conn,
            schema,
            payload["faults"],
            n + (payload["pieces"] if linking else 0),
            _faults(piece, carrier.mapping),
        )
        made = {c: progress.get(c, 0) + piece.counts.get(c, 0) for c in COUNTS}
        done = progress["done"] if linking else progress["done"] + len(rows)
        return Chunk(progress={**progress, **made, "piece": n + 1, "done": done})

    def _trial(
        self, conn: Connection, work: Work, call: Call, carrier: Carrier, progress: dict[str, Any]
    ) -> Chunk:
        """Everything at once, taken back; only the report stays."""
        wanted = work.payload["trial"] or work.payload["rows"]
        faults: list[Any] = []
        with conn.transaction(force_rollback=True):
            later: list[Any] = []
            cells: dict[int, Any] = {}
            for n in range(work.payload["pieces"]):
                rows = staged.piece(conn, work.schema, work.payload["file"], n)[: wanted - progress["done"]]
                if not rows:
                    break
                with uncollected():
                    piece = carrier.carry(conn, call, carrier.begin(call, rows))
                later += piece.later
                cells.update({number: row for number, row in rows} if piece.later else {})
                faults += _faults(piece, carrier.mapping)
                progress = _sum(progress, piece, len(rows))
                if self.told is not None:
                    self.told(progress)
            for at in range(0, len(later), staged.AT_ONCE):
                piece = carrier.link(conn, call, later[at : at + staged.AT_ONCE], cells)
                faults += _faults(piece, carrier.mapping)
                progress = _sum(progress, piece, 0)
        self.kept = self.ahead = None  # it remembers records that are gone
        faults.sort(key=lambda f: f[0])
        for n, found in enumerate(staged.in_pieces(faults)):
            staged.append(conn, work.schema, work.payload["faults"], n, found)
        _tidy(conn, work.schema, work.payload)
        return Chunk(progress=progress, done=True)


def _tidy(conn: Connection, schema: str, payload: Mapping[str, Any]) -> None:
    """Rows that are records now are not kept twice; the refused ones stay, with their reasons."""
    for name in ("file", "later"):
        staged.drop(conn, schema, payload[name])


def _sum(progress: Mapping[str, Any], piece: Piece, rows: int) -> dict[str, Any]:
    made = {c: progress.get(c, 0) + piece.counts.get(c, 0) for c in COUNTS}
    return {**progress, **made, "done": progress["done"] + rows}


def _faults(piece: Piece, mapping: ImportMap) -> list[Any]:
    """What is kept of the rows that were refused: number, cells, problems, each under the heading of its column."""
    headings = {t.field: heading for heading, targets in mapping.columns.items() for t in targets}

    def told(problem: Problem) -> dict[str, Any]:
        body = {k: kept(v) if k in ("message", "hint") else v for k, v in problem.as_dict().items()}
        path = body.get("path")
        return {**body, "path": headings.get(path, path)} if path and path not in mapping.columns else body

    return [
        (number, list(cells), [told(p) for p in problems])
        for number, cells, problems in sorted(piece.faults, key=lambda f: f[0])
    ]


def handlers(
    clock: Clock = system_clock,
    told: Callable[[Mapping[str, Any]], None] | None = None,
    connect: Connect | None = None,
    people: People = NOBODY,
) -> Mapping[str, Handler]:
    """The handler of imports, for `store.tasks.run_task`. `told` hears of each piece, `people` are asked before each. With `connect`, a connection for
    reading, the next piece is prepared while the present one is written."""
    return {KIND: Handler(run=_Imports(clock, told, people, connect).piece)}
