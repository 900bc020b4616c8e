"""Drafting: the definitions as one author's draft would have them, for pages that change a few of them.

In: a workspace, an author, documents. Out: `Drafted`; documents kept in the draft, checked each by itself. What publishing would do
is for the plan to say; nothing is live before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import psycopg

from patron_engine.access.design import Reach, reach_of
from patron_engine.access.showing import shows_more
from patron_engine.actor import Actor
from patron_engine.errors import Forbidden, Refused
from patron_engine.meta.check import check_document
from patron_engine.meta.document import Document
from patron_engine.meta.layers import WORKSPACE, Effective, fold
from patron_engine.model.model import Model
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem
from patron_engine.release.drafts import Draft, find_draft, open_draft, own_documents, put, read_draft
from patron_engine.release.releases import layers_of
from patron_engine.runtime import Workspace, with_own
from patron_engine.ways.publish import Publication

Connection = psycopg.Connection[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Drafted:
    """`effective` is what would hold if the draft were published; `draft` None where the author has none."""

    draft: Draft | None
    effective: Effective

    def body(self, kind: str, name: str) -> Mapping[str, Any] | None:
        found = self.effective.find(kind, name)
        return None if found is None else found.body

    def of_workspace(self, kind: str, name: str) -> bool:
        """Whether the document is the workspace's own, not a pack's."""
        found = self.effective.find(kind, name)
        return found is not None and found.layer == WORKSPACE

    def names(self, kind: str) -> list[str]:
        return sorted(name for of, name in self.effective.documents if of == kind)


def must_design(model: Model, actor: Actor) -> Reach:
    """What he may change. Forbidden when that is nothing."""
    reach = reach_of(model, actor)
    if not reach:
        raise Forbidden("you may not see or change definitions", hint="an administrator may")
    return reach


def must_design_all(model: Model, actor: Actor) -> None:
    """Forbidden for whom not every definition is."""
    if not must_design(model, actor).rights:
        raise Forbidden("you may not change these definitions", hint="an administrator may")


def must_hold(
    workspace: Workspace, reach: Reach, documents: Mapping[tuple[str, str], Mapping[str, Any] | None]
) -> None:
    """Forbidden with the first document that is not his to change, as it would be or as it is."""
    with workspace.connection("read") as conn:
        layers = workspace.layers(conn)
    now = fold(layers)
    changes = [
        Document(kind=kind, name=name, body=body, layer=WORKSPACE)
        for (kind, name), body in documents.items() if kind == "change" and body is not None
    ]  # fmt: skip
    own = [d for layer in layers if layer.own for d in layer.documents if d.key not in documents]
    after = fold(with_own(layers, [*own, *changes]))
    for (kind, name), body in documents.items():
        of, _, changed = name.partition("/") if kind == "change" else (kind, "", name)
        before = now.find(of, changed)
        changed_to = after.find(of, changed) if kind == "change" else None
        bodies = [d.body for d in (before, changed_to) if d is not None]
        if kind != "change" and body is not None:
            bodies.append(body)
        if not bodies or not all(reach.holds(kind, name, known) for known in bodies):
            raise Forbidden(
                Phrase("you may not change {kind} {name}", kind=kind, name=name), hint="an administrator may"
            )


def must_show_no_more(workspace: Workspace, actor: Actor, publication: Publication) -> None:
    """Refused where a field would show its author, or others, what he may not read himself. What that is stays untold."""
    old = workspace.reading(actor, lambda _, call: call.model)
    problems = [
        Problem(
            code="shows_more", path=f"{field.object}.{field.name}",
            message=Phrase(
                "{object}.{field} would show what you may not read on every record", object=field.object, field=field.name
            ),
            hint="take `public`, the default or `fill` out of it, or ask an administrator to publish it",
        )
        for field in shows_more(old, publication.model, actor)
    ]  # fmt: skip
    if problems:
        raise Refused(problems, "this is not yours to publish", code="shows_more")


def drafted(conn: Connection, workspace: Workspace, author: str) -> Drafted:
    """Conflict with every property that others changed since the draft was begun."""
    now = workspace.layers(conn)
    draft = find_draft(conn, workspace.schema, author)
    if draft is None:
        return Drafted(draft=None, effective=fold(now))
    base = layers_of(conn, workspace.schema, draft.base)
    return Drafted(draft=draft, effective=fold(with_own(now, own_documents(draft, base, now))))


def keep(conn: Connection, schema: str, author: str, document: Document) -> tuple[Draft, list[Problem]]:
    """Puts a document into the draft; Refused where it is none. The problems are those of a draft that may be kept."""
    problems = list(check_document(document))
    if any(p.level == "error" for p in problems):
        raise Refused(problems, "this is not a definition", code="definitions_invalid")
    return _put(conn, schema, author, document.kind, document.name, document.body), problems


def remove(conn: Connection, schema: str, author: str, kind: str, name: str) -> Draft:
    """The workspace's own document, or its change of a pack's, will not be there."""
    return _put(conn, schema, author, kind, name, None)


def _put(
    conn: Connection, schema: str, author: str, kind: str, name: str, body: Mapping[str, Any] | None
) -> Draft:
    with conn.transaction():
        draft = open_draft(conn, schema, author)
        put(conn, schema, draft, kind, name, body)
        return read_draft(conn, schema, draft.id)
