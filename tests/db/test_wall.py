"""The second wall: PostgreSQL itself keeps workspaces apart; logins, roles, what each may do, and what becomes of them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from psycopg import errors, sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from patron_engine.errors import Unavailable, WrongUse
from patron_platform.database import pools
from patron_platform.database.migrate import migrate_system, open_system, upgrade_workspaces
from patron_platform.database.pools import Databases
from patron_platform.database.wall import gaps
from patron_platform.database.workspaces import create_workspace, drop_workspace
from patron_testing.pg import Server

LONGEST = "w" + "x" * 39  # a workspace's name has at most 40


@pytest.fixture
def two(databases: Databases) -> Databases:
    """Two workspaces behind the wall."""
    create(databases, "a")
    create(databases, "b")
    return databases


def create(databases: Databases, name: str) -> None:
    with databases.system() as conn:
        create_workspace(conn, databases, name)


def drop(databases: Databases, name: str) -> None:
    with databases.system() as conn:
        drop_workspace(conn, databases, name)
    databases.forget(name)


def roles(databases: Databases) -> list[str]:
    """The roles made for this database."""
    with databases.system("publish") as conn:
        (number,) = conn.execute(
            "SELECT oid FROM pg_database WHERE datname = current_database()"
        ).fetchone() or (0,)
        rows = conn.execute(
            "SELECT rolname FROM pg_roles WHERE rolname LIKE %s ORDER BY 1", (rf"patron\_{number}\_%",)
        )
        return [str(row[0]).removeprefix(f"patron_{number}_") for row in rows]


def me(conn: psycopg.Connection[Any]) -> str:
    row = conn.execute("SELECT current_user").fetchone()
    assert row is not None
    return str(row[0])


@contextmanager
def refused() -> Iterator[None]:
    with pytest.raises(errors.InsufficientPrivilege):
        yield


def test_a_workspace_reads_and_writes_its_own_rows_and_nobody_elses(two: Databases) -> None:
    with two.connection("a", "write") as conn:
        assert me(conn).endswith("_w_a")
        assert conn.execute("SELECT release FROM w_a.sys__state").fetchone() == (0,)
        conn.execute("UPDATE w_a.sys__state SET release = 0")
        for statement in (
            "SELECT release FROM w_b.sys__state",
            "UPDATE w_b.sys__state SET release = 9",
            "DELETE FROM w_b.sys__history",
            "SELECT a.release FROM w_a.sys__state a, w_b.sys__state b",
            "SELECT * FROM patron.account",
            "SELECT * FROM patron.workspace",
            "SELECT value FROM patron.secret",
        ):
            with refused():
                conn.execute(statement.encode())


CHANGES = (
    "CREATE TABLE w_a.mine (n int)", "CREATE TABLE public.mine (n int)", "CREATE SCHEMA mine", "CREATE ROLE mine",
    "DROP TABLE w_a.sys__history", "DROP SCHEMA w_a CASCADE", "TRUNCATE w_a.sys__document",
    "ALTER TABLE w_a.sys__state ADD COLUMN n int", "CREATE INDEX ON w_a.sys__state (release)",
    "CREATE FUNCTION w_a.f() RETURNS int LANGUAGE sql AS 'SELECT 1'", "GRANT SELECT ON w_b.sys__state TO PUBLIC",
    "UPDATE w_a.sys__audit SET about = ''", "DELETE FROM w_a.sys__audit", "DELETE FROM w_a.sys__migration",
    "SET SESSION AUTHORIZATION patron", "COPY w_a.sys__state TO PROGRAM 'true'", "SELECT pg_read_file('PG_VERSION')",
)  # fmt: skip


@pytest.mark.parametrize("purpose", ["read", "write", "job"])
def test_the_application_changes_no_tables(purpose: Any, two: Databases) -> None:
    for statement in CHANGES:
        with refused(), two.connection("a", purpose) as conn:
            conn.execute(statement.encode())


def test_the_applications_login_alone_has_the_systems_rows_and_no_workspace(two: Databases) -> None:
    with two.system() as conn:
        assert me(conn).endswith("_app")
        assert conn.execute("SELECT count(*) FROM patron.workspace").fetchone() == (2,)
        owned = "SELECT count(*) FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner WHERE r.rolname = current_user"
        assert conn.execute(owned).fetchone() == (0,)
        for statement in (
            "SELECT release FROM w_a.sys__state",
            "SELECT value FROM patron.secret",
            "DELETE FROM patron.audit",
            "DROP TABLE patron.session",
            "CREATE TABLE patron.mine (n int)",
        ):
            with refused():
                conn.execute(statement.encode())


def test_a_connection_that_changes_workspace_changes_its_rights(database_url: str) -> None:
    """One connection, a thousand uses, every tenth broken off in a transaction."""
    with Databases(database_url, connections=1) as databases:
        open_system(databases)
        create(databases, "a")
        create(databases, "b")
        for n in range(1_000):
            here, there = ("a", "b") if n % 3 else ("b", "a")
            try:
                with databases.connection(here, "write") as conn:
                    assert me(conn).endswith(f"_w_{here}")
                    with conn.transaction():
                        conn.execute(
                            sql.SQL("SELECT release FROM {}").format(
                                sql.Identifier(f"w_{here}", "sys__state")
                            )
                        )
                        if n % 10 == 0:
                            conn.execute(
                                sql.SQL("SELECT 1 FROM {}").format(sql.Identifier(f"w_{there}", "sys__state"))
                            )
            except errors.InsufficientPrivilege:
                assert n % 10 == 0
            else:
                assert n % 10


def test_the_role_is_taken_only_where_the_workspace_changes(
    two: Databases, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[Any] = []
    take = pools._take_role
    monkeypatch.setattr(pools, "_take_role", lambda conn, role: (taken.append(role), take(conn, role)))
    for _ in range(20):
        with two.connection("a", "read") as conn:
            conn.execute("SELECT 1 FROM w_a.sys__state")
        with two.system("read") as conn:
            conn.execute("SELECT 1 FROM patron.workspace")
        with pytest.raises(ZeroDivisionError), two.connection("a", "write") as conn, conn.transaction():
            conn.execute("SELECT 1 FROM w_a.sys__state")
            raise ZeroDivisionError
    assert len(taken) <= 4  # once a connection
    assert len({role[0] for role in taken}) == 1


def test_what_is_made_later_may_be_used_at_once(two: Databases) -> None:
    with two.connection("a", "write") as conn:
        assert me(conn).endswith("_w_a")
    with two.connection("a", "publish") as conn:
        conn.execute("CREATE TABLE w_a.later (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, n int)")
        conn.execute("CREATE SEQUENCE w_a.counter")
    with two.connection("a", "write") as conn:
        assert conn.execute("INSERT INTO w_a.later (n) VALUES (7) RETURNING id").fetchone() == (1,)
        assert conn.execute("SELECT nextval('w_a.counter')").fetchone() == (1,)
    with refused(), two.connection("b", "write") as conn:
        conn.execute("SELECT n FROM w_a.later")


def test_a_dropped_workspaces_role_goes_and_one_made_again_has_another(two: Databases) -> None:
    with two.connection("a", "read") as conn:
        conn.execute("SELECT 1 FROM w_a.sys__state")
    drop(two, "a")
    assert roles(two) == ["app", "w_b"]
    create(two, "a")  # the connection still has the role that is gone
    with two.connection("a", "read") as conn:
        assert conn.execute("SELECT release FROM w_a.sys__state").fetchone() == (0,)
    assert roles(two) == ["app", "w_a", "w_b"]


def test_a_workspace_without_its_role_says_so(two: Databases) -> None:
    with two.system("publish") as conn:
        wall = two.wall(None)
        for statement in ("DROP OWNED BY {}", "DROP ROLE {}"):
            with psycopg.connect(superuser(conn), autocommit=True) as strong:
                strong.execute(sql.SQL(statement).format(sql.Identifier(wall.role("w_a") or "")))  # type: ignore[arg-type]
    with pytest.raises(Unavailable) as caught, two.connection("a", "read"):
        pass
    assert caught.value.code == "workspace_without_role"
    upgrade_workspaces(two)
    with two.connection("a", "read") as conn:
        assert conn.execute("SELECT release FROM w_a.sys__state").fetchone() == (0,)


def superuser(conn: psycopg.Connection[Any]) -> str:
    return make_conninfo(conn.info.dsn, user="postgres")


def test_names_hold_the_database_and_are_never_too_long(server: Server, two: Databases) -> None:
    """Another database of the same server with a workspace of the same name, and the longest names there may be."""
    url = server.make()
    with psycopg.connect(server.url, autocommit=True) as conn:
        long = f"patron_test_0_{'y' * 49}"
        name = conninfo_to_dict(url)["dbname"]
        conn.execute(
            sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(str(name)), sql.Identifier(long))
        )
    try:
        with Databases(server.url_of(long), connections=2) as other:
            open_system(other)
            create(other, "a")
            create(other, LONGEST)
            assert roles(other) == ["app", "w_a", f"w_{LONGEST}"]
            with other.connection(LONGEST, "read") as conn:
                assert me(conn).endswith(f"_w_{LONGEST}")
            with psycopg.connect(other.wall(None).url) as conn, pytest.raises(errors.InsufficientPrivilege):
                conn.execute("SELECT set_config('role', %s, false)", (two.wall(None).role("w_a"),))
            drop(other, "a")
        with two.connection("a", "read") as conn:
            assert conn.execute("SELECT release FROM w_a.sys__state").fetchone() == (0,)
    finally:
        server.drop(server.url_of(long))


def test_workspaces_of_an_earlier_version_get_their_roles(database_url: str) -> None:
    """Processes that start together over a database that had no wall."""
    with Databases(database_url, connections=2) as before:
        with before.system() as conn:
            migrate_system(conn)
        create(before, "a")
        create(before, "b")
        assert roles(before) == []
    failures: list[BaseException] = []

    def start() -> None:
        try:
            with Databases(database_url, connections=2) as opened:
                open_system(opened)
                upgrade_workspaces(opened)
                with opened.connection("b", "write") as conn:
                    conn.execute("SELECT release FROM w_b.sys__state FOR UPDATE")
                    with refused():
                        conn.execute("SELECT release FROM w_a.sys__state")
        except BaseException as error:  # noqa: BLE001 - told by the test
            failures.append(error)

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert failures == []


def test_roles_of_another_database_are_turned_away_from_its_copy(server: Server, two: Databases) -> None:
    """PostgreSQL copies the rights as well."""
    with two.system("publish") as conn:
        name = conn.info.dbname
    two.close()
    url = server.make(template=name)
    try:
        with Databases(url, connections=2) as copy:
            open_system(copy)
            upgrade_workspaces(copy)
            strange = make_conninfo(url, user=two.wall(None).login, password="x")
            with psycopg.connect(strange, autocommit=True) as conn:
                with refused():
                    conn.execute("SELECT 1 FROM patron.account")
                conn.execute("SELECT set_config('role', %s, false)", (two.wall(None).role("w_a"),))
                with refused():
                    conn.execute("SELECT 1 FROM w_a.sys__state")
            with copy.connection("a", "read") as conn:
                assert conn.execute("SELECT release FROM w_a.sys__state").fetchone() == (0,)
    finally:
        server.drop(url)


def test_the_doctor_sees_tables_the_role_may_not_read(two: Databases) -> None:
    with two.connection("a", "publish") as conn:
        conn.execute("CREATE TABLE w_a.strange (n int)")
        conn.execute(
            sql.SQL("REVOKE ALL ON w_a.strange FROM {}").format(
                sql.Identifier(two.wall(None).role("w_a") or "")
            )
        )
        assert [(p.code, p.path) for p in gaps(conn, two.wall(None), "w_a")] == [
            ("second_wall_gap", "strange")
        ]
        assert gaps(conn, two.wall(None), "w_b") == []


@pytest.fixture
def weak(server: Server, database_url: str) -> Iterator[str]:
    """A login that owns its database and may make no roles, and the address of it."""
    name = str(conninfo_to_dict(database_url)["dbname"])
    login = sql.Identifier(f"{name}_weak")
    with psycopg.connect(server.url, autocommit=True) as conn:
        conn.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'weak'").format(login))
        conn.execute(sql.SQL("ALTER DATABASE {} OWNER TO {}").format(sql.Identifier(name), login))
        yield make_conninfo(database_url, user=f"{name}_weak", password="weak")
        conn.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
        conn.execute(sql.SQL("DROP ROLE {}").format(login))


def test_where_the_owner_may_make_no_roles_everything_works_without_the_wall(weak: str) -> None:
    with Databases(weak, connections=2) as databases:
        open_system(databases)
        create(databases, "a")
        upgrade_workspaces(databases)
        off = databases.wall(None).off
        assert off is not None
        assert (off.code, off.level) == ("second_wall_off", "warning")
        assert "may create no roles" in off.message
        assert gaps(None, databases.wall(None), "w_a") == [off]  # type: ignore[arg-type]
        with databases.connection("a", "write") as conn:
            conn.execute("UPDATE w_a.sys__state SET release = 0")
        drop(databases, "a")


@pytest.fixture
def named(server: Server, database_url: str) -> Iterator[str]:
    """A login somebody made for the application."""
    name = f"{conninfo_to_dict(database_url)['dbname']}_named"
    with psycopg.connect(server.url, autocommit=True) as conn:
        conn.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'named'").format(sql.Identifier(name)))
    yield make_conninfo(database_url, user=name, password="named")
    server.drop(database_url)
    with psycopg.connect(server.url, autocommit=True) as conn:
        conn.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))


def test_the_application_may_have_a_login_of_its_own(named: str, database_url: str, server: Server) -> None:
    with Databases(database_url, connections=2) as databases:
        open_system(databases, named)
        create(databases, "a")
        create(databases, "b")
        assert roles(databases) == ["w_a", "w_b"]
        with databases.system() as conn:
            assert me(conn) == conninfo_to_dict(named)["user"]
            with refused():
                conn.execute("SELECT 1 FROM w_a.sys__state")
        with databases.connection("a", "read") as conn:
            conn.execute("SELECT 1 FROM w_a.sys__state")
    with Databases(database_url, connections=2) as databases:  # a login of its own again
        open_system(databases)
        upgrade_workspaces(databases)
        with databases.connection("a", "read") as conn:
            assert me(conn).endswith("_w_a")


def test_a_login_that_is_none_is_refused(named: str, database_url: str, server: Server) -> None:
    elsewhere = server.make()
    try:
        with Databases(database_url, connections=2) as databases:
            for wrong in (database_url, make_conninfo(named, dbname=conninfo_to_dict(elsewhere)["dbname"])):
                with pytest.raises(WrongUse) as caught:
                    open_system(databases, wrong)
                assert caught.value.code == "application_login"
            with pytest.raises(Unavailable):
                open_system(databases, make_conninfo(named, user="nobody_of_that_name"))
    finally:
        server.drop(elsewhere)
