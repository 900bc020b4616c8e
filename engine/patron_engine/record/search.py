"""Search: keeps the tokens under which records are found, written in the save that changes them.

In: written rows. Out: rows of `sys__search`, one for each searched field that has tokens. Tokens of a value on another
record (`search: [account.name]`) follow that record's saves.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

import sqlalchemy as sa

from patron_engine.fields.registry import type_of
from patron_engine.model.model import LINKS
from patron_engine.query.tokens import tokens_of
from patron_engine.record.batch import Batch, Ready, by_object
from patron_engine.record.climb import kept_below
from patron_engine.record.copying import Columns, rows_text
from patron_engine.record.feeds import Hop
from patron_engine.record.links import linked
from patron_engine.record.pending import COPY_FROM
from patron_engine.record.program import Program, Programs
from patron_engine.record.row import Row
from patron_engine.record.statements import Conn, Statement, any_of, compiled
from patron_engine.record.write import replacing

COLUMNS = ("object", "record", "field", "tokens")
KEY = ("object", "record", "field")

Entry = tuple[str, str, str, str]


def write_search_of_new(batch: Batch, rows: Sequence[Row]) -> None:
    """The search rows of many new records, as far as nothing that is written later can change them: the database takes
    them while the figures of parents are computed."""
    for program, mine in by_object(r for r in rows if r.fresh and r.written):
        for path in program.object.search:
            if not _final(program, path, mine):
                continue
            ready = batch.ready_for((program.object.name, path), mine)
            if ready is not None:
                batch.pending.copy_text(_table(batch), ready.names, ready.blocks)
            else:
                _copy(batch, _entries(program.object.name, path, _path(batch, program, mine, path)))


def text_of_new(
    batch: Batch, conn: Conn, program: Program, rows: Sequence[Row]
) -> Iterator[tuple[str, Ready]]:
    """The search rows of many new records as far as they are final, by path, as text."""
    for path in program.object.search:
        if _final(program, path, rows):
            columns = _columns(list(_entries(program.object.name, path, _path(batch, program, rows, path))))
            yield path, Ready(rows=rows, names=tuple(columns), blocks=rows_text(conn, columns))


def _final(program: Program, path: str, fresh: Sequence[Row]) -> bool:
    """True for many new records found by a value that is their own and that nobody computes."""
    field = program.fields.get(path)
    return len(fresh) >= COPY_FROM and field is not None and not field.computed


def write_search(batch: Batch, rows: Sequence[Row]) -> None:
    """Brings the search rows of written records up to date, and of records that show their values."""
    new: list[Iterable[Entry]] = []
    replaced: list[Entry] = []
    dropped: list[tuple[str, str, str]] = []
    count = 0
    for program, mine in by_object(r for r in rows if r.written or r.figures):
        fresh, others = [r for r in mine if r.fresh], [r for r in mine if not r.fresh]
        for path in program.object.search:
            if not _final(program, path, fresh):
                count += len(fresh)
                new.append(_entries(program.object.name, path, _path(batch, program, fresh, path)))
            for row, tokens in _path(batch, program, others, path):
                entry = (program.object.name, row.id, path, tokens)
                if tokens:
                    replaced.append(entry)
                else:
                    dropped.append(entry[:3])
        replaced.extend(_shown_elsewhere(batch, program, mine))
    if count >= COPY_FROM:
        _copy(batch, chain.from_iterable(new))
    else:
        replaced += chain.from_iterable(new)
    _put(batch, replaced, dropped)


def _copy(batch: Batch, new: Iterable[Entry]) -> None:
    entries = list(new)
    if entries:
        batch.pending.copy(_table(batch), _columns(entries))


def _columns(entries: Sequence[Entry]) -> Columns:
    return dict(zip(COLUMNS, zip(*entries, strict=True) if entries else [()] * len(COLUMNS), strict=True))


def _entries(object: str, path: str, found: Iterable[tuple[Row, str]]) -> Iterator[Entry]:
    """New rows of the table."""
    return ((object, row.id, path, tokens) for row, tokens in found if tokens)


def _path(batch: Batch, program: Program, rows: Sequence[Row], path: str) -> Iterable[tuple[Row, str]]:
    """The tokens of one searched path, for the rows whose value there is new."""
    name = path.partition(".")[0]
    due = [r for r in rows if r.fresh or name in r.changed or name in r.figures or r.action == "restore"]
    return _at(batch, program, due, path)


def _at(batch: Batch, program: Program, rows: Sequence[Row], path: str) -> Iterable[tuple[Row, str]]:
    """The tokens of what stands at a path of each row; "" for none. What is to be read is read before it returns."""
    name, _, rest = path.partition(".")
    field = program.fields.get(name)
    if field is None or not rows:
        return []
    if not rest:
        text_of = type_of(field).tokens_text
        return ((row, _tokens(text_of(field, row.values.get(name)))) for row in rows)
    end = batch.model.follow(program.object.name, path)
    if end is None:
        return []
    wanted: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        for object, id in linked(row.values.get(name), field):
            wanted[object].add(id)
    text_of = type_of(end).tokens_text
    tokens = {
        (object, id): _tokens(text_of(end, values.get(rest)))
        for object, ids in wanted.items()
        for id, values in batch.environment.fetch(object, ids, [rest]).items()
    }
    found = []
    for row in rows:
        targets = linked(row.values.get(name), field)
        found.append((row, tokens.get(targets[0], "") if targets else ""))
    return found


def _tokens(text: str | None) -> str:
    """Tokens as PostgreSQL reads an array of texts; "" for none. They are letters, digits, # and ~, so that quotes
    around each are enough (and much cheaper than a general array)."""
    found = tokens_of((text,)) if text else ()
    return '{"' + '","'.join(found) + '"}' if found else ""


def _shown_elsewhere(batch: Batch, program: Program, rows: Sequence[Row]) -> list[Entry]:
    """Search rows of records below that show a value of these, or one behind a link of these."""
    found: list[Entry] = []
    for shown in showing(batch.programs).get(program.object.name, ()):
        name = shown.rest.partition(".")[0]
        moved = [r for r in rows if not r.fresh and name in r.changed | r.figures]
        for row, tokens in _at(batch, program, moved, shown.rest):
            ids: Sequence[str] = [row.id]
            for hop in reversed(shown.hops):
                ids = kept_below(batch, hop, ids)
            found.extend((shown.object, id, shown.path, tokens or "{}") for id in ids)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """`object` is found by `path`; `hops` lead from it to here, `rest` is what is left of the path from here."""

    object: str
    path: str
    hops: tuple[Hop, ...]
    rest: str


def showing(programs: Programs) -> dict[str, list[Shown]]:
    """Object -> where its fields are searched by records that link to it; made once a release."""
    found: dict[str, list[Shown]] = programs.keep("search.showing", lambda: _showing(programs))
    return found


def _showing(programs: Programs) -> dict[str, list[Shown]]:
    found: dict[str, list[Shown]] = defaultdict(list)
    for object in programs.model.objects.values():
        for path in object.search:
            steps = path.split(".")
            hops: list[Hop] = []
            here = object
            for number, step in enumerate(steps):
                if hops:
                    rest = ".".join(steps[number:])
                    found[here.name].append(Shown(object=object.name, path=path, hops=tuple(hops), rest=rest))
                link = here.field(step)
                if link is None or link.type not in LINKS or not link.columns or link.link.several:
                    break
                hops.append(Hop(object=here.name, link=link, target=link.link.to[0]))
                here = programs.model.objects[link.link.to[0]]
    return dict(found)


def _table(batch: Batch) -> sa.Table:
    return batch.call.tables.system(
        "sys__search", object="text", record="uuid", field="text", tokens="text[]"
    )


def _put(batch: Batch, replaced: list[Entry], dropped: list[tuple[str, str, str]]) -> None:
    table = _table(batch)
    if replaced:
        statement = batch.programs.keep("search.put", lambda: replacing(table, KEY, COLUMNS))
        values = [statement.values(dict(zip(COLUMNS, entry, strict=True))) for entry in replaced]
        batch.pending.add(statement, values)
    if dropped:
        batch.pending.add(batch.programs.keep("search.drop", lambda: _drop(table)), dropped)


def _drop(table: sa.Table) -> Statement:
    return compiled(
        table.delete().where(*(table.c[k] == sa.bindparam(k, type_=table.c[k].type) for k in KEY))
    )


def forget(batch: Batch, object: str, ids: Sequence[str]) -> None:
    """Removes the search rows of purged records."""

    def make() -> Statement:
        table = _table(batch)
        return compiled(
            table.delete().where(
                table.c.object == sa.bindparam("object", type_=sa.Text()), any_of(table.c.record)
            )
        )

    batch.programs.keep("search.forget", make).do(batch.conn, object=object, ids=list(ids))
