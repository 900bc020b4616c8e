"""The active release as a model: what a process loads when it starts, and again after each publication.

In: a connection and a release number. Out: a Model compiled from the release's documents and the workspace's physical
names. What compiles at publication compiles here; if it does not, the workspace was changed by hand and the error says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import psycopg

from patron_engine.errors import PatronError
from patron_engine.fields.vault import Vault
from patron_engine.meta.document import Body
from patron_engine.meta.layers import fold
from patron_engine.model.compile import compile_model, workspace_of
from patron_engine.model.model import Model, Workspace
from patron_engine.model.physical import allocate
from patron_engine.phrases import Phrase
from patron_engine.release.releases import current_release, layers_of
from patron_engine.store.physical_rows import known_columns

__all__ = ["current_release", "load_model"]

WORKSPACE_KINDS = ("pack", "workspace", "change")  # what the workspace's document is made of


class BrokenRelease(PatronError):
    """A published release no longer compiles: its rows or `sys__column` were changed outside of Patron."""

    code = "broken_release"


def load_model(conn: psycopg.Connection[Any], schema: str, number: int, vault: Vault | None = None) -> Model:
    """The model of release `number`, which is the one in force. Release 0 is a workspace without objects."""
    effective = fold(layers_of(conn, schema, number))
    names = allocate(known_columns(conn, schema))
    model, problems = compile_model(effective, names, number, vault=vault)
    if model is None:
        first = next(iter(problems))
        raise BrokenRelease(
            Phrase(
                "release {number} of {schema} does not compile: {first}",
                number=number,
                schema=schema,
                first=first,
            ),
            hint="`patron doctor` says what was changed",
        )
    return model


def documents_of(
    conn: psycopg.Connection[Any], schema: str, number: int, known: Model | None
) -> Mapping[tuple[str, str], Body]:
    """The effective documents of a release: those of the model, where it is of that release."""
    if known is not None and known.release == number:
        return known.documents
    return {key: document.body for key, document in fold(layers_of(conn, schema, number)).documents.items()}


def workspace_in(conn: psycopg.Connection[Any], schema: str, number: int) -> Workspace:
    """What the `workspace` document of a release says, without compiling the release."""
    return workspace_of(fold(layers_of(conn, schema, number, WORKSPACE_KINDS)).documents)
