"""Runtime: where the engine meets a running process: it keeps each workspace's active release and opens the ways.

In: a source of connections, a clock, a secret for sealing cursors and encrypted fields. Out: a `Workspace` for each name, whose methods are
the ways (`read`, `save`, `plan`, `publish` …) with connection, release and retries taken care of.

A request uses one release from beginning to end. Readers look at the release number at most every `FRESH_SECONDS`;
writers pin it in the database (record/begin), so a stale cache can delay a change, never corrupt one.
"""

from __future__ import annotations

import hmac
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from hashlib import sha256
from typing import Any, Literal, Protocol, TypeVar

import psycopg

from patron_engine.actor import Actor, Cause
from patron_engine.clock import Clock, new_id, system_clock
from patron_engine.errors import ReleaseChanged
from patron_engine.fields.vault import Vault
from patron_engine.meta.document import Document
from patron_engine.meta.layers import WORKSPACE, Layer, workspace_layer
from patron_engine.model.model import Model
from patron_engine.query.call import Call
from patron_engine.query.spec import Ask, Page
from patron_engine.record.change import Change, Outcome
from patron_engine.release import active
from patron_engine.release.drafts import Draft, own_documents
from patron_engine.release.releases import Kind, Release, layers_of
from patron_engine.store.session import Purpose, collation_of
from patron_engine.store.tables import Tables
from patron_engine.ways import publish as publish_way
from patron_engine.ways import read as read_way
from patron_engine.ways import save as save_way
from patron_engine.ways.publish import Publication
from patron_engine.ways.standing import People, Who, who_is

FRESH_SECONDS = 0.5
KEPT_RELEASES = 2  # per workspace: the active one, and the one requests under way may still use

Result = TypeVar("Result")


class Connections(Protocol):
    """Where connections come from: pools for each server, a server for each workspace. Tables are changed on connections for
    `publish` and `upkeep` alone; the others may be of a login that cannot."""

    def connection(
        self, workspace: str, purpose: Purpose
    ) -> AbstractContextManager[psycopg.Connection[Any]]: ...

    def schema(self, workspace: str) -> str:
        """The schema of a workspace; NotFound when there is none of that name."""
        ...


class Runtime:
    """One a process. Thread-safe."""

    def __init__(
        self,
        connections: Connections,
        *,
        clock: Clock = system_clock,
        secret: bytes,
        administrators: Callable[[str], frozenset[str]] = lambda _: frozenset(),
        who: Callable[[str], Who] = lambda _: who_is,
    ) -> None:
        self.connections = connections
        self.administrators = administrators  # workspace -> the users who have every right there
        self.who = who  # workspace -> how it is asked who somebody is for whom something goes on
        self.clock = clock
        self.secret = secret
        self._workspaces: dict[str, Workspace] = {}
        self._lock = threading.Lock()

    def workspace(self, name: str) -> Workspace:
        """The workspace of that name; NotFound when there is none."""
        found = self._workspaces.get(name)
        if found is None:
            schema = self.connections.schema(name)
            with self._lock:
                found = self._workspaces.setdefault(name, Workspace(self, name, schema))
        return found

    def forget(self, name: str) -> None:
        """Drops what is kept of a workspace (after it was dropped or restored)."""
        with self._lock:
            self._workspaces.pop(name, None)


class Workspace:
    """One workspace in one process: its active release and its ways."""

    def __init__(self, runtime: Runtime, name: str, schema: str) -> None:
        self.runtime = runtime
        self.name = name
        self.schema = schema
        self.vault = Vault(hmac.digest(runtime.secret, f"vault:{schema}".encode(), sha256))
        self._releases: dict[int, tuple[Model, Tables]] = {}
        self._current = 0
        self._looked = float("-inf")
        self._lock = threading.Lock()

    # -- the active release -------------------------------------------------------------------------------------

    def stale(self) -> None:
        """The next request looks at the release number (a notification came, or this process published)."""
        self._looked = float("-inf")

    def pin(self, conn: psycopg.Connection[Any]) -> tuple[Model, Tables]:
        """The release in force, at most `FRESH_SECONDS` old."""
        known = self._releases.get(self._current)  # another thread may drop it at any moment
        if known is not None and time.monotonic() - self._looked <= FRESH_SECONDS:
            return known
        number = active.current_release(conn, self.schema)
        known = self._releases.get(number)
        if known is None:
            with self._lock:
                known = self._releases.get(number)
                if known is None:
                    model = active.load_model(conn, self.schema, number, self.vault)
                    known = self._keep(conn, number, model)
        self._current = number
        self._looked = time.monotonic()
        return known

    def _keep(self, conn: psycopg.Connection[Any], number: int, model: Model) -> tuple[Model, Tables]:
        made = self._releases[number] = (model, Tables(model, self.schema, collation_of(conn)))
        for old in sorted(self._releases)[:-KEPT_RELEASES]:
            del self._releases[old]
        return made

    def call(self, conn: psycopg.Connection[Any], actor: Actor, cause: Cause | None = None) -> Call:
        """The frame of one request under the release in force."""
        model, tables = self.pin(conn)
        return Call(
            workspace=self.name,
            schema=self.schema,
            model=model,
            tables=tables,
            actor=actor,
            now=self.runtime.clock(),
            cause=cause or Cause(),
            new_id=new_id,
            administrators=partial(self.runtime.administrators, self.name),
        )

    @property
    def people(self) -> People:
        """For what goes on without a request."""
        runtime = self.runtime
        return People(runtime.who(self.name), partial(runtime.administrators, self.name))

    @contextmanager
    def connection(self, purpose: Purpose = "read") -> Iterator[psycopg.Connection[Any]]:
        with self.runtime.connections.connection(self.name, purpose) as conn:
            yield conn

    # -- the ways -----------------------------------------------------------------------------------------------

    def reading(self, actor: Actor, act: Callable[[psycopg.Connection[Any], Call], Result]) -> Result:
        """Runs `act` with a connection for reading and the frame of this request."""
        with self.connection("read") as conn:
            return act(conn, self.call(conn, actor))

    def read(self, actor: Actor, ask: Ask) -> Page:
        secret = self.runtime.secret
        return self.reading(actor, lambda conn, call: read_way.read(conn, call, ask, secret=secret))

    def writing(
        self, actor: Actor, act: Callable[[psycopg.Connection[Any], Call], Result], cause: Cause | None = None
    ) -> Result:
        """Runs `act` in one write transaction under one release and commits.

        A serialisation failure or deadlock repeats it a few times; a release published meanwhile repeats it once.
        `act` must therefore do nothing outside the database.
        """
        try:
            return self._write_once(actor, act, cause)
        except ReleaseChanged:
            self.stale()
            return self._write_once(actor, act, cause)

    def _write_once(
        self, actor: Actor, act: Callable[[psycopg.Connection[Any], Call], Result], cause: Cause | None
    ) -> Result:
        def attempt() -> Result:
            with self.connection("write") as conn:
                call = self.call(conn, actor, cause)
                with save_way.write_transaction(conn, call):
                    return act(conn, call)

        return save_way.retrying(attempt)

    def save(
        self,
        actor: Actor,
        changes: Sequence[Change],
        *,
        mode: Literal["all", "each"] = "all",
        cause: Cause | None = None,
    ) -> list[Outcome]:
        return self.writing(actor, lambda conn, call: save_way.save(conn, call, changes, mode=mode), cause)

    # -- publishing ---------------------------------------------------------------------------------------------

    def layers(self, conn: psycopg.Connection[Any]) -> tuple[Layer, ...]:
        """The layers in force, lowest first."""
        return layers_of(conn, self.schema, active.current_release(conn, self.schema))

    def plan(
        self,
        change: Callable[[psycopg.Connection[Any], tuple[Layer, ...]], tuple[Layer, ...]],
        *,
        kind: Kind = "publish",
        note: str = "",
    ) -> Publication:
        """What publishing the layers that `change` makes of those in force would do. Changes nothing."""
        with self.connection("publish") as conn:
            self.stale()
            model, _ = self.pin(conn)
            layers = change(conn, self.layers(conn))
            return publish_way.plan(
                conn,
                self.schema,
                layers,
                old=model,
                kind=kind,
                note=note,
                clock=self.runtime.clock,
                vault=self.vault,
            )

    def plan_own(self, documents: Sequence[Document], *, note: str = "") -> Publication:
        """What publishing these documents as the workspace's whole own layer would do."""
        return self.plan(lambda _, layers: with_own(layers, documents), note=note)

    def plan_draft(self, draft: Draft) -> Publication:
        """What publishing a draft would do, merged with what was published since it was begun. Conflict with every
        property that both changed."""

        def change(conn: psycopg.Connection[Any], layers: tuple[Layer, ...]) -> tuple[Layer, ...]:
            base = layers_of(conn, self.schema, draft.base)
            return with_own(layers, own_documents(draft, base, layers))

        return self.plan(change, note=draft.note)

    def plan_rollback(self, number: int) -> Publication:
        with self.connection("publish") as conn:
            self.stale()
            model, _ = self.pin(conn)
            clock = self.runtime.clock
            return publish_way.rollback(conn, self.schema, number, old=model, clock=clock, vault=self.vault)

    def publish(
        self, actor: Actor, publication: Publication, *, confirm: str | None = None, draft: str | None = None
    ) -> Release:
        """Publishes exactly that plan; `confirm` is the checksum that was shown (None: the plan's own). Ends the
        draft it came from."""
        with self.connection("publish") as conn:
            kept = self._releases.get(publication.base)
            model = kept[0] if kept else active.load_model(conn, self.schema, publication.base, self.vault)
            confirmed = publication.checksum if confirm is None else confirm
            clock = self.runtime.clock
            release = publish_way.publish(
                conn, self.schema, publication, actor, confirm=confirmed, old=model, clock=clock, draft=draft
            )
            with self._lock:
                self._keep(conn, release.number, publication.model)
        self.stale()
        return release


def with_own(layers: tuple[Layer, ...], documents: Sequence[Document]) -> tuple[Layer, ...]:
    """The layers with another layer of the workspace's own on top."""
    return (*(layer for layer in layers if layer.name != WORKSPACE), workspace_layer(documents))
