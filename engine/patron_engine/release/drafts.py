"""Drafts: what one author means to change in the workspace's own layer, kept until it is published or dropped.

In: full documents, changes and deletions by (kind, name). Out: the workspace layer as it would be. A draft knows its base
release; what happened since is merged when it is planned (release/merge.py). Nothing in a draft is live.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from patron_engine.clock import new_id
from patron_engine.errors import Conflict, LimitExceeded, NotFound
from patron_engine.meta.computed import computed_change
from patron_engine.meta.document import Body, Document
from patron_engine.meta.layers import WORKSPACE, Layer, fold
from patron_engine.phrases import Phrase
from patron_engine.release.bodies import decode, encode
from patron_engine.release.merge import Clash, merge
from patron_engine.release.releases import current_release

DRAFT_DOCUMENTS = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """`documents` maps (kind, name) to a body, or None where the author removed the workspace's own document."""

    id: str
    author: str
    base: int
    note: str
    documents: dict[tuple[str, str], Body | None]


def open_draft(conn: psycopg.Connection[Any], schema: str, author: str) -> Draft:
    """The author's draft, made on the release in force when there is none."""
    query = sql.SQL(
        "INSERT INTO {}.sys__draft (id, author, base, note) VALUES (%s, %s, %s, '') ON CONFLICT (author) DO NOTHING"
    ).format(sql.Identifier(schema))
    conn.execute(query, (new_id(), author, current_release(conn, schema)))
    found = conn.execute(
        sql.SQL("SELECT id FROM {}.sys__draft WHERE author = %s").format(sql.Identifier(schema)), (author,)
    ).fetchone()
    assert found is not None
    return read_draft(conn, schema, str(found[0]))


def find_draft(conn: psycopg.Connection[Any], schema: str, author: str) -> Draft | None:
    """The author's draft, where he has one."""
    row = conn.execute(
        sql.SQL("SELECT id FROM {}.sys__draft WHERE author = %s").format(sql.Identifier(schema)), (author,)
    ).fetchone()
    return None if row is None else read_draft(conn, schema, str(row[0]))


def read_draft(conn: psycopg.Connection[Any], schema: str, id: str) -> Draft:
    """NotFound when it was published or dropped."""
    row = conn.execute(
        sql.SQL("SELECT id, author, base, note FROM {}.sys__draft WHERE id::text = %s").format(
            sql.Identifier(schema)
        ),
        (id,),
    ).fetchone()
    if row is None:
        raise NotFound("there is no such draft", hint="it may have been published or dropped")
    documents = conn.execute(
        sql.SQL("SELECT kind, name, body::text FROM {}.sys__draft_document WHERE draft = %s").format(
            sql.Identifier(schema)
        ),
        (row[0],),
    ).fetchall()
    return Draft(
        id=str(row[0]),
        author=row[1],
        base=row[2],
        note=row[3],
        documents={
            (kind, name): decode(body) if body is not None else None for kind, name, body in documents
        },
    )


def put(
    conn: psycopg.Connection[Any], schema: str, draft: Draft, kind: str, name: str, body: Body | None
) -> None:
    """Keeps a document, or a removal (None), in the draft. LimitExceeded `draft_documents` past the limit."""
    if len(draft.documents) >= DRAFT_DOCUMENTS and (kind, name) not in draft.documents:
        raise LimitExceeded(
            Phrase("a draft holds at most {most} documents", most=DRAFT_DOCUMENTS),
            code="draft_documents",
            hint="publish it first",
        )
    conn.execute(
        sql.SQL(
            "INSERT INTO {}.sys__draft_document (draft, kind, name, body) VALUES (%s, %s, %s, %s)"
            " ON CONFLICT (draft, kind, name) DO UPDATE SET body = EXCLUDED.body"
        ).format(sql.Identifier(schema)),
        (draft.id, kind, name, None if body is None else encode(body)),
    )


def take_out(conn: psycopg.Connection[Any], schema: str, draft: Draft, kind: str, name: str) -> None:
    """Of this document the draft says nothing any more."""
    conn.execute(
        sql.SQL(
            "DELETE FROM {}.sys__draft_document WHERE draft::text = %s AND kind = %s AND name = %s"
        ).format(sql.Identifier(schema)),
        (draft.id, kind, name),
    )


def drop_draft(conn: psycopg.Connection[Any], schema: str, id: str) -> None:
    conn.execute(
        sql.SQL("DELETE FROM {}.sys__draft_document WHERE draft::text = %s").format(sql.Identifier(schema)),
        (id,),
    )
    conn.execute(
        sql.SQL("DELETE FROM {}.sys__draft WHERE id::text = %s").format(sql.Identifier(schema)), (id,)
    )


def own_documents(draft: Draft, base: tuple[Layer, ...], now: tuple[Layer, ...]) -> tuple[Document, ...]:
    """The workspace's own documents with the draft put in; order is kept.

    `base` are the layers the draft began on, `now` those in force: what others published since is merged by property.
    Conflict `draft_conflict` lists what both changed to different values, with the base, theirs and mine.
    """
    was, own = _own(base), _own(now)
    clashes: list[Clash] = []
    made = dict(own)
    for key, body in draft.documents.items():
        wanted = None if body is None else Document(kind=key[0], name=key[1], body=body, layer=WORKSPACE)
        key, wanted = _as_change(key, wanted, now, own)
        theirs, before = own.get(key), was.get(key)
        merged, found = merge(f"{key[0]}/{key[1]}", _body(before), _body(theirs), _body(wanted))
        clashes += found
        if merged is None:
            made.pop(key, None)
        else:
            made[key] = Document(kind=key[0], name=key[1], body=merged, layer=WORKSPACE)
    if clashes:
        raise Conflict(
            Phrase(
                "{count} properties were changed by others since this draft was begun", count=len(clashes)
            ),
            code="draft_conflict",
            hint="take theirs, or set yours again in the draft",
            values={"conflicts": [clash.as_dict() for clash in clashes]},
        )
    return tuple(made.values())


def _own(layers: tuple[Layer, ...]) -> dict[tuple[str, str], Document]:
    return {d.key: d for layer in layers if layer.own for d in layer.documents}


def _body(document: Document | None) -> Body | None:
    return None if document is None else document.body


def _as_change(
    key: tuple[str, str],
    wanted: Document | None,
    now: tuple[Layer, ...],
    own: dict[tuple[str, str], Document],
) -> tuple[tuple[str, str], Document | None]:
    """A full document over one of a pack is kept as the change it makes; so is its removal."""
    kind, name = key
    if kind == "change":  # also where a pack has one of the same document
        return key, wanted
    below = next((d for layer in now if not layer.own for d in layer.documents if d.key == key), None)
    if below is None:
        return key, wanted
    change_key = ("change", f"{kind}/{name}")
    if wanted is None:
        return change_key, None
    own.pop(key, None)
    lower = fold(tuple(layer for layer in now if not layer.own)).find(kind, name)
    return change_key, computed_change(lower.body if lower else below.body, wanted)
