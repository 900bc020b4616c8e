"""Plan: changes become rows: which record each one means, which are new, which details belong to which master.

In: changes. Out: rows by level, masters first, ids known, nothing loaded yet. What names its record by a value is left to
`record/identify`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from patron_engine.access.decide import writable
from patron_engine.errors import LimitExceeded
from patron_engine.phrases import Phrase
from patron_engine.record.batch import Batch
from patron_engine.record.change import MAX_DETAIL_DEPTH, MAX_DETAILS, Change
from patron_engine.record.detailed import detail_fault
from patron_engine.record.identify import identify, not_found
from patron_engine.record.ids import record_id
from patron_engine.record.row import Row

DETAIL_KEYS = ("id", "version", "delete")


def plan_rows(batch: Batch, changes: Sequence[tuple[int, Change]], *, several: bool) -> list[Row]:
    """The top-level rows of `changes`, given with their place in the request, and their details in `batch.levels`."""
    rows: list[Row] = []
    by_key: dict[tuple[str, str], list[tuple[Row, Any]]] = defaultdict(list)
    for index, change in changes:
        path = f"[{index}]." if several else ""
        row = _row(batch, change, path, index)
        rows.append(row)
        if change.by is not None and not row.rejected:
            by_key[(change.object, change.by[0])].append((row, change.by[1]))
    for (object, key), asked in by_key.items():
        identify(batch, object, key, asked)
    batch.levels.append(rows)
    level = rows
    while level:
        level = [detail for row in level if not row.rejected for detail in _details(batch, row)]
        if level:
            batch.levels.append(level)
    return rows


def _row(batch: Batch, change: Change, path: str, index: int) -> Row:
    program = batch.programs[change.object]
    fresh = (
        change.action in ("create", "upsert")
        and change.by is None
        and (change.id is None or change.action == "create")
    )
    given_id = record_id(change.id) if change.id is not None else None
    row = Row(program, change, id=given_id or batch.call.new_id(), fresh=fresh, path=path, index=index)
    if change.id is not None and given_id is None:
        not_found(batch, row, change.id)
    return row


def _details(batch: Batch, master: Row) -> list[Row]:
    """Rows for the details given by set name inside their master."""
    change, program = master.change, master.program
    assert change is not None
    found: list[Row] = []
    for name, given in change.set.items() if program.sets else ():
        set_name = program.object.aliases.get(name, name)
        if set_name not in program.sets:
            continue
        if depth(master) >= MAX_DETAIL_DEPTH:
            raise LimitExceeded("details are nested too deeply", code="detail_depth")
        if not isinstance(given, (list, tuple)):
            master.wrong("not_a_list", Phrase("{name} takes a list of records", name=name), name)
            continue
        if len(given) > MAX_DETAILS:
            most = Phrase(
                "{name} has {count} records; at most {most} are saved at once", name=name, count=len(given), most=MAX_DETAILS
            )  # fmt: skip
            raise LimitExceeded(most, code="details_count")
        child = program.object.sets[set_name]
        seen: set[str] = set()
        for n, item in enumerate(given):
            found.extend(
                _detail(batch, master, child.object, child.field, f"{master.path}{name}[{n}].", item, seen)
            )
    return found


def _detail(
    batch: Batch, master: Row, object: str, link: str, path: str, item: Any, seen: set[str]
) -> list[Row]:
    assert master.change is not None
    bad = Row(batch.programs[object], None, id="", fresh=True, path=path, index=master.index)
    if not isinstance(item, Mapping):
        bad.wrong("not_an_object", "a detail is a map of its fields")
        master.problems.extend(bad.problems)
        master.rejected = True
        return []
    keys = _detail_keys(batch, object)
    id, version, delete = (item.get(key) if key in keys else None for key in DETAIL_KEYS)
    fields = {k: v for k, v in item.items() if k not in keys}
    fault = detail_fault(item, id, version, delete, fields, seen, link)
    if fault:
        bad.wrong(fault[0], fault[1], fault[2])
        master.problems.extend(bad.problems)
        master.rejected = True
        return []
    change = Change(
        action="delete" if delete else ("update" if id else "create"),
        object=object,
        id=id,
        set=fields,
        source=master.change.source,
        version=version,
        confirm=master.change.confirm,
    )
    row = Row(
        batch.programs[object], change, id=record_id(id) or batch.call.new_id(), fresh=id is None, path=path,
        index=master.index,
    )  # fmt: skip
    if id is not None:
        seen.add(row.id)
    row.action = change.action
    row.master = master
    row.values[link] = master.id
    master.children.append(row)
    return [row]


def _detail_keys(batch: Batch, object: str) -> tuple[str, ...]:
    """What may stand beside the fields of a detail; a field named `delete` is the field."""
    program = batch.programs[object].object
    taken = program.field("delete")
    if taken is None or taken.name not in writable(batch.model, batch.call.actor, object):
        return DETAIL_KEYS
    return DETAIL_KEYS[:2]


def depth(row: Row) -> int:
    """1 for a top-level row."""
    n = 1
    while row.master is not None:
        row, n = row.master, n + 1
    return n
