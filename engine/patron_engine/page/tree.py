"""Tree: the records of a narrowed question where they stand in their tree: each below its ancestors, who are shown though they do
not fit.

In: a connection, the frame of the call, a Question, the link that leads upwards. Out: a `Listing` whose lines stand in the order
of the tree, and a `Node` for each. Ancestors he may not see are left out; what hangs below one stands at the top.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import psycopg

from patron_engine.page.listing import Listing, line, listing
from patron_engine.page.question import Question
from patron_engine.page.reader import Reader
from patron_engine.query.call import Call
from patron_engine.query.spec import MAX_LIMIT, Ask
from patron_engine.ways.read import read

HIGHEST = 20  # steps one goes up from a record that fits

Connection = psycopg.Connection[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """How a line stands in the tree. `fits` is false for an ancestor; `open` says that lines below it follow."""

    depth: int
    fits: bool
    open: bool


def narrowed_tree(
    conn: Connection, call: Call, question: Question, link: str, reader: Reader, secret: bytes
) -> tuple[Listing, dict[str, Node]]:
    """A part of the records that fit, as many as one answer has, with their ancestors."""
    plain = replace(question, group=None, view=replace(question.view, limit=MAX_LIMIT))
    found = listing(conn, call, plain, reader, secret=secret)
    lines = {one.id: one for one in found.lines}
    fits = frozenset(lines)
    parents = _parents(conn, call, question, link, tuple(lines))
    for _ in range(HIGHEST):
        missing = tuple(sorted({p for p in parents.values() if p is not None} - lines.keys()))
        if not missing:
            break
        rows = _rows(conn, call, question, link, missing)
        for row in rows:
            lines[str(row["id"])] = line(call, question.object, found.headings, row, reader)
            parents[str(row["id"])] = _id(row.get(link))
        unseen = set(missing) - lines.keys()
        parents |= {id: None for id, parent in parents.items() if parent in unseen}
    order = _ordered(tuple(one.id for one in found.lines), parents)
    below = {parent for id, parent in parents.items() if id in order}
    nodes = {id: Node(depth=depth, fits=id in fits, open=id in below) for id, depth in order.items()}
    return replace(found, question=question, lines=tuple(lines[id] for id in order)), nodes


def _parents(
    conn: Connection, call: Call, question: Question, link: str, ids: tuple[str, ...]
) -> dict[str, str | None]:
    if not ids:
        return {}
    ask = Ask(object=question.object.name, ids=ids, fields=("id", link), limit=MAX_LIMIT, voided="yes")
    return {str(row["id"]): _id(row.get(link)) for row in read(conn, call, ask, secret=b"").rows()}


def _rows(
    conn: Connection, call: Call, question: Question, link: str, ids: tuple[str, ...]
) -> list[dict[str, Any]]:
    """Records with what the columns show, whether they fit or not."""
    also = ["id", question.object.title, link, *(["currency"] if question.object.record_currency else [])]
    ask = replace(question, after=None).ask(also=tuple(also), ids=ids, voided="yes", limit=MAX_LIMIT)
    return read(conn, call, replace(ask, where=None, q=None, sort=()), secret=b"").rows()


def _ordered(fitting: tuple[str, ...], parents: Mapping[str, str | None]) -> dict[str, int]:
    """Id -> depth, in the order of the tree; brothers in the order in which what fits names them first."""
    children: dict[str | None, list[str]] = {}
    placed: set[str] = set()
    for id in fitting:
        way = [id]
        while (above := parents.get(way[-1])) is not None and above not in way and len(way) <= HIGHEST:
            way.append(above)
        over: str | None = None
        for one in reversed(way):
            if one not in placed:
                placed.add(one)
                children.setdefault(over, []).append(one)
            over = one
    order: dict[str, int] = {}
    waiting = [(id, 0) for id in reversed(children.get(None, []))]
    while waiting:
        id, depth = waiting.pop()
        order[id] = depth
        waiting += [(child, depth + 1) for child in reversed(children.get(id, []))]
    return order


def _id(value: Any) -> str | None:
    return str(value["id"]) if isinstance(value, Mapping) and value.get("id") else None
