"""Wall: the second wall around workspaces, the one PostgreSQL itself holds.

    the owner         makes and owns everything; publications, migrations and index builds sign in as it
    the application   owns nothing, creates nothing, has the rows of the system's tables; requests and jobs sign in as it
    a role for each workspace   nobody signs in as it; has the rows of its schema; the application takes it (SET ROLE)

Roles belong to a whole server, so their names hold the database, by its number: `patron_16421_w_acme`. What the owner makes
later in a workspace's schema its role may use at once (default privileges).

In: a connection of the owner in autocommit mode. Out: roles and rights, and a `Wall` that says whom to sign in as. Where
the owner may make no roles the wall is off: everything signs in as the owner, and `Wall.off` says why.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, LiteralString

import psycopg
from psycopg import errors, sql
from psycopg.conninfo import make_conninfo

from patron_engine.errors import Unavailable, WrongUse
from patron_engine.problems import Problem

Connection = psycopg.Connection[Any]

SYSTEM_SCHEMA = "patron"
CONNECT_SECONDS = 10
ROWS: LiteralString = "SELECT, INSERT, UPDATE, DELETE"
# What is taken away again. Entries of an audit are only added, also by the owner.
AUDIT = "sys__audit"
CHANGES: LiteralString = "UPDATE, DELETE, TRUNCATE"
WITHHELD: Mapping[LiteralString, LiteralString] = {
    "sys__migration": "INSERT, UPDATE, DELETE",
    AUDIT: CHANGES,
}
WITHHELD_OF_SYSTEM: Mapping[LiteralString, LiteralString] = {
    "sys__migration": "INSERT, UPDATE, DELETE",
    "audit": CHANGES,
    "secret": "ALL",
}
ERASED = sql.SQL(
    "UPDATE (about, address, detail)"
)  # of the system's audit: a person's traces go, the act stays
_STANDS = """
    SELECT 1 FROM pg_namespace n CROSS JOIN LATERAL aclexplode(n.nspacl) a JOIN pg_roles r ON r.oid = a.grantee
    JOIN pg_auth_members m ON m.roleid = r.oid JOIN pg_roles l ON l.oid = m.member
    WHERE n.nspname = %s AND r.rolname = %s AND l.rolname = %s LIMIT 1
"""
_STRANGERS = """
    SELECT DISTINCT r.rolname FROM pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) a JOIN pg_roles r ON r.oid = a.grantee
    WHERE c.relnamespace = %s::regnamespace AND r.rolname ~ '^patron_[0-9]+_' AND r.rolname <> %s
"""
_SERVES = "SELECT 1 FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.member WHERE r.rolname = %s LIMIT 1"
_GAPS = """
    SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = %s AND c.relkind IN ('r', 'p') AND NOT has_table_privilege(%s, c.oid, 'SELECT') ORDER BY 1 LIMIT 5
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wall:
    """The wall of one database. `url` is whom requests and jobs sign in as; without a `login` there is no wall, and `off`
    says why."""

    url: str
    prefix: str = ""
    login: str = ""
    off: Problem | None = None

    def role(self, schema: str) -> str | None:
        """The role of a workspace; None where there is no wall."""
        return f"{self.prefix}_{schema}" if self.login else None


# -- of a database -------------------------------------------------------------------------------------------------


def raise_wall(conn: Connection, url: str, secret: bytes, application: str | None = None) -> Wall:
    """The wall of the database of `conn`, an owner's connection by `url`: made where it is not there yet.

    `application` is the address of a login somebody made for the application; otherwise one is made, with a password drawn
    from `secret`. WrongUse when that login is none, Unavailable when one that has served cannot be used any more: a wall that
    was there is never left out in silence.
    """
    owner, may, major, number = _facts(conn)
    prefix = f"patron_{number}"
    if not may:
        hint = f"have it allowed, ALTER ROLE {owner} CREATEROLE, and start Patron again"
        return _off(url, f"the login {owner} may create no roles", hint)
    if application is not None:
        login = _named(application, owner, number)
        wall = Wall(url=application, prefix=prefix, login=login)
        _takes_no_rights_by_itself(conn, login, major)
    else:
        login = f"{prefix}_app"
        password = hmac.digest(secret, f"login:{login}".encode(), sha256).hex()
        wall = Wall(url=make_conninfo(url, user=login, password=password), prefix=prefix, login=login)
        try:
            refused = _made_login(conn, wall, password)
        except errors.InsufficientPrivilege as error:
            refused = _first_line(error)
        if refused is not None:
            if conn.execute(_SERVES, (login,)).fetchone() is not None:
                raise _unusable(refused)
            hint = "make a login for the application and name it in DATABASE_APPLICATION_URL"
            return _off(url, f"the login {login} cannot be used: {refused}", hint)
    return wall


def open_system_to(conn: Connection, wall: Wall, *, changed: bool) -> None:
    """Lets the application use the rows of the system's tables; `changed`: there are tables it has not seen."""
    has = "SELECT has_schema_privilege(%s, %s, 'USAGE')"
    if not wall.login or (
        not changed and conn.execute(has, (wall.login, SYSTEM_SCHEMA)).fetchone() == (True,)
    ):
        return
    schema, login = sql.Identifier(SYSTEM_SCHEMA), sql.Identifier(wall.login)
    with _alone(conn, SYSTEM_SCHEMA):
        _give(conn, schema, login)
        for table, rights in WITHHELD_OF_SYSTEM.items():
            _withhold(conn, SYSTEM_SCHEMA, table, rights, login)
        conn.execute(sql.SQL("GRANT {} ON patron.audit TO {}").format(ERASED, login))
        _turn_away(conn, SYSTEM_SCHEMA, wall.login)


def _off(url: str, reason: str, hint: str) -> Wall:
    said = f"the second wall is off, {reason}: Patron alone keeps workspaces apart"
    return Wall(url=url, off=Problem(code="second_wall_off", message=said, hint=hint, level="warning"))


def _facts(conn: Connection) -> tuple[str, bool, int, int]:
    """Who we are, may we make roles, the version of the server, the number of the database."""
    row = conn.execute(
        "SELECT r.rolname, r.rolcreaterole OR r.rolsuper, d.oid::bigint FROM pg_roles r, pg_database d"
        " WHERE r.rolname = current_user AND d.datname = current_database()"
    ).fetchone()
    assert row is not None
    return str(row[0]), bool(row[1]), conn.info.server_version // 10000, int(row[2])


def _named(application: str, owner: str, number: int) -> str:
    """The login of an address somebody gave; WrongUse unless it is another one, without power, on the same database."""
    try:
        with psycopg.connect(application, autocommit=True, connect_timeout=CONNECT_SECONDS) as conn:
            login, _, _, there = _facts(conn)
            strong = conn.execute(
                "SELECT rolsuper OR rolcreaterole OR rolcreatedb OR pg_has_role(rolname, %s, 'MEMBER') FROM pg_roles"
                " WHERE rolname = current_user",
                (owner,),
            ).fetchone()
    except psycopg.OperationalError as error:
        raise _unusable(_first_line(error)) from None
    if there != number or strong is None or strong[0]:
        raise WrongUse(
            f"DATABASE_APPLICATION_URL must name a login without power on the same database; {login!r} "
            f"{'is on another database' if there != number else 'is the owner or may do what an owner may'}",
            code="application_login",
            hint="CREATE ROLE patron_app LOGIN NOINHERIT PASSWORD '…'",
        )
    return login


def _unusable(refused: str) -> Unavailable:
    return Unavailable(
        f"the application's login cannot be used: {refused}",
        code="database_unavailable",
        hint="is DATABASE_APPLICATION_URL right, does pg_hba.conf let that login in?",
    )


def _takes_no_rights_by_itself(conn: Connection, login: str, major: int) -> None:
    """The rights of a workspace come with SET ROLE and not before. From 16 on each grant says so."""
    inherits = conn.execute("SELECT rolinherit FROM pg_roles WHERE rolname = %s", (login,)).fetchone()
    if major < 16 and inherits == (True,):
        conn.execute(sql.SQL("ALTER ROLE {} NOINHERIT").format(sql.Identifier(login)))


def _made_login(conn: Connection, wall: Wall, password: str) -> str | None:
    """Makes the application's login, or gives it its password again; why nobody can sign in as it, or None."""
    there = conn.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (wall.login,)).fetchone()
    if there is not None and _refused(wall.url) is None:
        return None
    # The server sees, and may write into its log, a verifier and not the password.
    verifier = conn.pgconn.encrypt_password(password.encode(), wall.login.encode(), b"scram-sha-256").decode()
    login = sql.Identifier(wall.login)
    with _alone(conn, SYSTEM_SCHEMA):
        if conn.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (wall.login,)).fetchone() is None:
            conn.execute(sql.SQL("CREATE ROLE {} LOGIN NOINHERIT").format(login))
            database = conn.execute("SELECT current_database()").fetchone()
            assert database is not None
            conn.execute(
                sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(sql.Identifier(database[0]), login)
            )
        conn.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(login, sql.Literal(verifier)))
    return _refused(wall.url)


def _refused(url: str) -> str | None:
    try:
        psycopg.connect(url, connect_timeout=CONNECT_SECONDS).close()
    except psycopg.OperationalError as error:
        return _first_line(error)
    return None


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0]


# -- of a workspace ------------------------------------------------------------------------------------------------


def stands(conn: Connection, wall: Wall, schema: str) -> bool:
    """Whether the workspace has its role and the application may take it (or there is no wall to stand)."""
    return not wall.login or (
        conn.execute(_STANDS, (schema, wall.role(schema), wall.login)).fetchone() is not None
    )


def admit(conn: Connection, wall: Wall, schema: str) -> None:
    """Makes the role of a workspace and gives it the rows of its schema, of now and of later. May be repeated."""
    name = wall.role(schema)
    if name is None:
        return
    place, role, login = sql.Identifier(schema), sql.Identifier(name), sql.Identifier(wall.login)
    with _alone(conn, schema):
        if conn.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (name,)).fetchone() is None:
            conn.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(role))
        how = sql.SQL(" WITH INHERIT FALSE, SET TRUE" if conn.info.server_version >= 160000 else "")
        conn.execute(sql.SQL("GRANT {} TO {}").format(role, login) + how)
        _give(conn, place, role)
        later = sql.SQL("ALTER DEFAULT PRIVILEGES IN SCHEMA {} GRANT {} ON {} TO {}")
        conn.execute(later.format(place, sql.SQL(ROWS), sql.SQL("TABLES"), role))
        conn.execute(later.format(place, sql.SQL("USAGE, SELECT"), sql.SQL("SEQUENCES"), role))
        for table, rights in WITHHELD.items():
            _withhold(conn, schema, table, rights, role)
        _withhold(conn, schema, AUDIT, CHANGES, sql.SQL("CURRENT_USER"))
        _turn_away(conn, schema, name)


def dismiss(conn: Connection, wall: Wall, schema: str) -> None:
    """Drops the role of a workspace whose schema is gone."""
    name = wall.role(schema)
    if name is None:
        return
    try:
        conn.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(name)))
    except errors.DependentObjectsStillExist:  # a copy of this database, made by the server, still names it
        conn.execute(sql.SQL("REVOKE {} FROM {}").format(sql.Identifier(name), sql.Identifier(wall.login)))


def gaps(conn: Connection, wall: Wall, schema: str) -> list[Problem]:
    """That there is no wall, or the tables of a workspace its role may not read."""
    name = wall.role(schema)
    if name is None:
        return [wall.off] if wall.off else []
    hint = "somebody else than the owner made it: give it to the owner, drop the role, start Patron again"
    return [
        Problem(code="second_wall_gap", message=f"{name} may not read {table}", hint=hint, path=table)
        for (table,) in conn.execute(_GAPS, (schema, name))
    ]


def _give(conn: Connection, schema: sql.Identifier, role: sql.Identifier) -> None:
    conn.execute(sql.SQL("GRANT {} ON ALL TABLES IN SCHEMA {} TO {}").format(sql.SQL(ROWS), schema, role))
    conn.execute(sql.SQL("GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA {} TO {}").format(schema, role))
    conn.execute(sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(schema, role))


def _withhold(
    conn: Connection, schema: str, table: LiteralString, rights: LiteralString, role: sql.Composable
) -> None:
    place = sql.Identifier(schema, table)
    conn.execute(sql.SQL("REVOKE {} ON {} FROM {}").format(sql.SQL(rights), place, role))


def _turn_away(conn: Connection, schema: str, known: str) -> None:
    """Takes the rights of roles of another database: they came with a copy of it or a restored dump."""
    place = sql.Identifier(schema)
    for (name,) in conn.execute(_STRANGERS, (place.as_string(conn), known)).fetchall():
        role = sql.Identifier(name)
        for what in ("ALL TABLES IN SCHEMA", "ALL SEQUENCES IN SCHEMA", "SCHEMA"):
            conn.execute(sql.SQL("REVOKE ALL ON {} {} FROM {}").format(sql.SQL(what), place, role))
        for kind in ("TABLES", "SEQUENCES"):
            later = sql.SQL("ALTER DEFAULT PRIVILEGES IN SCHEMA {} REVOKE ALL ON {} FROM {}")
            conn.execute(later.format(place, sql.SQL(kind), role))


@contextmanager
def _alone(conn: Connection, what: str) -> Iterator[None]:
    """A transaction nobody else gives rights in at the same time: PostgreSQL refuses both otherwise."""
    with conn.transaction():
        conn.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 17))", (what,))
        yield
