"""Releases: immutable, numbered, the documents of all layers with author, time and note.

In: a connection and layers of documents. Out: rows of `sys__release`, `sys__document`, `sys__release_document`, and the
layers back again. A document is kept once, however many releases hold it. Nothing here decides or compiles.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import psycopg
from psycopg import sql

from patron_engine.errors import NotFound
from patron_engine.meta.document import Body, Document
from patron_engine.meta.layers import WORKSPACE, Layer, workspace_layer
from patron_engine.phrases import Phrase
from patron_engine.release.bodies import body_hash, decode, encode

FILE = (
    "file"  # a text of a pack that is no definition (a template, a table), kept in its layer as {"text": …}
)
Kind = Literal["publish", "install", "upgrade", "uninstall", "rollback"]


def noted(kind: str, what: str) -> str:
    """What a release is noted with that nobody wrote a note for: its packs, the pack that went, the release that came back."""
    match kind:
        case "install" | "upgrade":
            return Phrase("packs {what}", what=what)
        case "uninstall":
            return Phrase("without {what}", what=what)
        case "rollback":
            return Phrase("back to release {what}", what=what)
    return what


def note_again(kind: str, note: str) -> str:
    """A note as it was kept, a phrase again where it is one of `noted`."""
    rest = note.removeprefix(noted(kind, ""))
    return noted(kind, rest) if rest != note else note


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """One row of the list of releases. `base` is the release it was planned on; 0 is the empty workspace."""

    number: int
    kind: str
    author: str
    at: datetime
    note: str
    base: int
    checksum: str

    @property
    def said(self) -> str:
        return note_again(self.kind, self.note)

    def as_dict(self) -> dict[str, Any]:
        names = ("number", "kind", "author", "at", "note", "base", "checksum")
        return {name: getattr(self, name) for name in names}


def current_release(conn: psycopg.Connection[Any], schema: str) -> int:
    """The number in force; 0 before the first publication."""
    query = sql.SQL("SELECT release FROM {}.sys__state").format(sql.Identifier(schema))
    row = conn.execute(query).fetchone()
    return int(row[0]) if row else 0


def releases(
    conn: psycopg.Connection[Any], schema: str, *, limit: int = 50, before: int | None = None
) -> list[Release]:
    """The newest first."""
    query = sql.SQL(
        "SELECT number, kind, author, at, note, base, checksum FROM {}.sys__release"
        " WHERE number < %s ORDER BY number DESC LIMIT %s"
    ).format(sql.Identifier(schema))
    rows = conn.execute(query, (before if before is not None else 2**62, limit)).fetchall()
    names = ("number", "kind", "author", "at", "note", "base", "checksum")
    return [Release(**dict(zip(names, row, strict=True))) for row in rows]


def layers_of(
    conn: psycopg.Connection[Any], schema: str, number: int, kinds: Sequence[str] | None = None
) -> tuple[Layer, ...]:
    """The layers of a release, lowest first; with documents of `kinds` alone, where they are named. Release 0 has none;
    NotFound for one that never was."""
    if number == 0:
        return ()
    query = sql.SQL(
        "SELECT r.layer, r.version, d.kind, d.name, d.body::text, r.file FROM {s}.sys__release_document r"
        " JOIN {s}.sys__document d ON d.hash = r.hash"
        " WHERE r.release = %s AND (%s::text[] IS NULL OR d.kind = ANY (%s::text[]))"
        " ORDER BY r.layer_order, r.position"
    ).format(s=sql.Identifier(schema))
    wanted = None if kinds is None else list(kinds)
    rows = conn.execute(query, (number, wanted, wanted)).fetchall()
    if not rows and not _exists(conn, schema, number):
        raise NotFound(Phrase("there is no release {number}", number=number), hint="see the list of releases")
    found: dict[str, tuple[str, list[Document]]] = {}
    for layer, version, kind, name, body, file in rows:
        documents = found.setdefault(layer, (version or "", []))[1]
        documents.append(Document(kind=kind, name=name, body=decode(body), file=file, layer=layer))
    return tuple(_layer(name, version, tuple(documents)) for name, (version, documents) in found.items())


def _layer(name: str, version: str, documents: tuple[Document, ...]) -> Layer:
    """A layer as it was published: a pack's prefix and requirements stand in its manifest, which is kept with it."""
    if name == WORKSPACE:
        return workspace_layer(documents)
    manifest = next((d.body for d in documents if d.kind == "pack"), {})
    return Layer(
        name=name,
        documents=documents,
        version=version,
        prefix=str(manifest.get("prefix") or ""),
        requires=tuple(manifest.get("requires") or ()),
    )


def packs_of(conn: psycopg.Connection[Any], schema: str, number: int) -> list[Body]:
    """The manifests of the packs of a release, lowest first."""
    query = sql.SQL(
        "SELECT d.body::text FROM {s}.sys__release_document r JOIN {s}.sys__document d ON d.hash = r.hash"
        " WHERE r.release = %s AND d.kind = 'pack' ORDER BY r.layer_order"
    ).format(s=sql.Identifier(schema))
    return [decode(row[0]) for row in conn.execute(query, (number,))]


def hashes_of(conn: psycopg.Connection[Any], schema: str, number: int) -> frozenset[str]:
    """The hashes of a release's documents: what is among them was checked before."""
    query = sql.SQL("SELECT hash FROM {}.sys__release_document WHERE release = %s").format(
        sql.Identifier(schema)
    )
    return frozenset(row[0] for row in conn.execute(query, (number,)))


def write_documents(conn: psycopg.Connection[Any], schema: str, layers: Iterable[Layer]) -> None:
    """Keeps the bodies that are not kept yet. They may stay behind when the publication fails: nothing names them."""
    query = sql.SQL(
        "INSERT INTO {}.sys__document (hash, kind, name, body) VALUES (%s, %s, %s, %s) ON CONFLICT (hash) DO NOTHING"
    ).format(sql.Identifier(schema))
    rows = {body_hash(d.body): (d.kind, d.name, encode(d.body)) for layer in layers for d in layer.documents}
    with conn.cursor() as cursor:
        cursor.executemany(query, [(h, *row) for h, row in rows.items()])


def write_release(
    conn: psycopg.Connection[Any], schema: str, release: Release, layers: Sequence[Layer], plan: str
) -> None:
    """Adds the release and puts it in force. The caller holds the workspace's lock and has checked the base."""
    schema_name = sql.Identifier(schema)
    conn.execute(
        sql.SQL(
            "INSERT INTO {}.sys__release (number, kind, author, at, note, base, checksum, plan)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s)"
        ).format(schema_name),
        (
            release.number,
            release.kind,
            release.author,
            release.at,
            release.note,
            release.base,
            release.checksum,
            plan,
        ),
    )
    query = sql.SQL(
        "INSERT INTO {}.sys__release_document (release, layer, layer_order, version, position, file, hash)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s)"
    ).format(schema_name)
    rows = [
        (release.number, layer.name, order, layer.version, position, document.file, body_hash(document.body))
        for order, layer in enumerate(layers)
        for position, document in enumerate(layer.documents)
    ]
    with conn.cursor() as cursor:
        cursor.executemany(query, rows)
    conn.execute(sql.SQL("UPDATE {}.sys__state SET release = %s").format(schema_name), (release.number,))


def _exists(conn: psycopg.Connection[Any], schema: str, number: int) -> bool:
    query = sql.SQL("SELECT 1 FROM {}.sys__release WHERE number = %s").format(sql.Identifier(schema))
    return conn.execute(query, (number,)).fetchone() is not None
