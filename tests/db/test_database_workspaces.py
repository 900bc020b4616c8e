"""Workspaces: made, found, dropped; their own tables; migrations that several processes and versions meet."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from patron_engine.errors import Conflict, NotFound, WrongUse
from patron_engine.store.history_partitions import drop_partitions, ensure_partitions
from patron_engine.store.migrations import Migration, migrate, pending, read_migrations
from patron_engine.store.session import open_session
from patron_platform.database.migrate import migrate_system, upgrade_workspaces
from patron_platform.database.pools import Databases
from patron_platform.database.workspaces import (
    create_workspace,
    drop_workspace,
    find_workspace,
    list_workspaces,
)


def create(databases: Databases, name: str) -> None:
    with databases.system() as conn:
        create_workspace(conn, databases, name)


def tables(databases: Databases, schema: str) -> set[str]:
    with databases.system() as conn:
        return {
            r[0] for r in conn.execute("SELECT tablename FROM pg_tables WHERE schemaname = %s", (schema,))
        }


def test_a_new_workspace_is_listed_and_at_release_0(databases: Databases) -> None:
    create(databases, "sales")
    create(databases, "hq")
    with databases.system() as conn:
        assert [(w.name, w.schema, w.state) for w in list_workspaces(conn)] == [
            ("hq", "w_hq", "ready"),
            ("sales", "w_sales", "ready"),
        ]
    with databases.connection("sales", "read") as conn:
        assert conn.execute("SELECT release FROM w_sales.sys__state").fetchone() == (0,)
    assert databases.schema("hq") == "w_hq"


@pytest.mark.parametrize(
    "name", ["Sales", "1st", "", "a__b", "a-b", "x" * 41, 'a"; DROP SCHEMA patron; --', "客户"]
)
def test_a_bad_name_is_refused_and_nothing_is_made(databases: Databases, name: str) -> None:
    with pytest.raises(WrongUse, match="cannot name a workspace"):
        create(databases, name)
    with databases.system() as conn:
        assert list_workspaces(conn) == []


def test_a_taken_name_is_refused(databases: Databases) -> None:
    create(databases, "sales")
    with pytest.raises(Conflict, match="exists"):
        create(databases, "sales")


def test_an_unknown_workspace_gets_the_nearest_name(databases: Databases) -> None:
    create(databases, "sales")
    with databases.system() as conn, pytest.raises(NotFound) as caught:
        find_workspace(conn, "seles")
    assert caught.value.hint == "did you mean 'sales'?"


def test_dropping_takes_everything_of_it_and_nothing_else(databases: Databases) -> None:
    create(databases, "sales")
    create(databases, "hq")
    with databases.system("publish") as conn:
        for n in range(120):  # more than are dropped in one transaction
            conn.execute(f'CREATE TABLE w_sales."t{n}" (id bigint PRIMARY KEY)'.encode())
        conn.execute("ALTER TABLE w_sales.t1 ADD FOREIGN KEY (id) REFERENCES w_sales.t119")
        drop_workspace(conn, databases, "sales")
        assert [w.name for w in list_workspaces(conn)] == ["hq"]
    assert tables(databases, "w_sales") == set()
    assert "sys__state" in tables(databases, "w_hq")
    databases.forget("sales")
    with pytest.raises(NotFound):
        databases.schema("sales")
    create(databases, "sales")


def test_a_creation_that_was_killed_is_finished_by_the_next(databases: Databases) -> None:
    with databases.system() as conn:
        conn.execute(
            "INSERT INTO patron.workspace (name, schema, state) VALUES ('sales', 'w_sales', 'creating')"
        )
    with pytest.raises(NotFound):
        databases.schema("sales")
    create(databases, "sales")
    assert databases.schema("sales") == "w_sales"


def test_a_drop_that_was_killed_is_finished_by_the_next(databases: Databases) -> None:
    create(databases, "sales")
    with databases.system("publish") as conn:
        conn.execute("UPDATE patron.workspace SET state = 'dropping'")
        conn.execute("DROP TABLE w_sales.sys__state")
        with pytest.raises(Conflict, match="being dropped"):
            create_workspace(conn, databases, "sales")
        drop_workspace(conn, databases, "sales")
        assert list_workspaces(conn) == []


def test_a_workspace_may_lie_on_another_server(databases: Databases, server: Any) -> None:
    elsewhere = server.make()
    try:
        with databases.system() as conn:
            create_workspace(conn, databases, "far", dsn=elsewhere)
        with databases.connection("far", "write") as conn:
            assert conn.execute("SELECT release FROM w_far.sys__state").fetchone() == (0,)
        assert tables(databases, "w_far") == set()
        assert [u.workspace for u in upgrade_workspaces(databases)] == ["far"]
        with databases.system() as conn:
            drop_workspace(conn, databases, "far")
    finally:
        databases.close()
        server.drop(elsewhere)


def test_processes_that_start_together_migrate_once(database_url: str) -> None:
    failures: list[Exception] = []
    applied: list[int] = []

    def start() -> None:
        try:
            with psycopg.connect(database_url, autocommit=True) as conn:
                applied.append(len(migrate_system(conn)))
        except (psycopg.Error, Conflict) as error:
            failures.append(error)

    threads = [threading.Thread(target=start) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert failures == []
    assert sum(applied) == len(read_migrations("patron_platform"))


def test_a_migration_runs_once_and_in_its_schema(conn: psycopg.Connection[Any]) -> None:
    conn.execute("CREATE SCHEMA one")
    first = Migration(number=1, name="first", text="CREATE TABLE t (n bigint); INSERT INTO t VALUES (1)")
    second = Migration(number=2, name="second", text="INSERT INTO t VALUES (2)")
    assert migrate(conn, "one", [first]) == (first,)
    assert migrate(conn, "one", [first, second]) == (second,)
    assert migrate(conn, "one", [first, second]) == ()
    assert conn.execute("SELECT array_agg(n ORDER BY n) FROM one.t").fetchone() == ([1, 2],)
    assert conn.execute("SHOW search_path").fetchone() == ('"$user", public',)


def test_a_failed_migration_leaves_nothing_and_can_be_repeated(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute("CREATE SCHEMA one")
        good = Migration(number=1, name="good", text="CREATE TABLE t (n bigint)")
        bad = Migration(number=2, name="bad", text="CREATE TABLE u (n bigint); SELECT 1/0")
        with pytest.raises(psycopg.errors.DivisionByZero):
            migrate(conn, "one", [good, bad])
        mended = Migration(number=2, name="bad", text="CREATE TABLE u (n bigint)")
        assert migrate(conn, "one", [good, mended]) == (mended,)


def test_a_changed_or_unknown_migration_is_refused(conn: psycopg.Connection[Any]) -> None:
    conn.execute("CREATE SCHEMA one")
    first = Migration(number=1, name="first", text="CREATE TABLE t (n bigint)")
    migrate(conn, "one", [first])
    with pytest.raises(Conflict) as caught:
        pending(conn, "one", [Migration(number=1, name="first", text="CREATE TABLE t (n text)")])
    assert caught.value.code == "migration_changed"
    with pytest.raises(Conflict) as caught:
        pending(conn, "one", [])
    assert caught.value.code == "migration_unknown"


def history(conn: psycopg.Connection[Any], at: str) -> str:
    conn.execute(
        "INSERT INTO w_test.sys__history (object, record, at, release, version, action)"
        " VALUES ('account', gen_random_uuid(), %s, 1, 1, 'created')",
        (at,),
    )
    row = conn.execute(
        "SELECT tableoid::regclass::text FROM w_test.sys__history WHERE at = %s", (at,)
    ).fetchone()
    assert row is not None
    return str(row[0])


def test_history_lies_in_months_and_old_months_go(conn: psycopg.Connection[Any], schema: str) -> None:
    made = ensure_partitions(conn, schema, datetime(2031, 11, 5, tzinfo=UTC))
    assert made == [f"sys__history__{month}" for month in ("203111", "203112", "203201", "203202")]
    assert ensure_partitions(conn, schema, datetime(2031, 11, 30, tzinfo=UTC)) == []
    assert history(conn, "2031-12-31T23:59:59.999999Z") == "w_test.sys__history__203112"
    assert history(conn, "2032-01-01T00:00:00Z") == "w_test.sys__history__203201"
    assert history(conn, "1999-01-01T00:00:00Z") == "w_test.sys__history__rest"
    gone = drop_partitions(conn, schema, datetime(2032, 1, 1, tzinfo=UTC))
    assert gone[-2:] == ["sys__history__203111", "sys__history__203112"]
    assert conn.execute("SELECT at FROM w_test.sys__history").fetchall() == [
        (datetime(2032, 1, 1, tzinfo=UTC),)
    ]


def test_a_month_with_rows_in_the_default_partition_stays_there(
    conn: psycopg.Connection[Any], schema: str
) -> None:
    history(conn, "2041-03-15T00:00:00Z")
    assert ensure_partitions(conn, schema, datetime(2041, 3, 20, tzinfo=UTC), ahead=1) == [
        "sys__history__204104"
    ]


def test_a_session_gives_the_engines_values(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as conn:
        open_session(conn, "read")
        id = "0190c0de-0000-7000-8000-000000000000"
        for _ in range(8):  # also once it is prepared
            row = conn.execute(
                "SELECT %s::uuid, '{\"a\": 1.10, \"b\": [123456789012345678901, 2]}'::jsonb, '1.50'::numeric,"
                " '2024-02-29 23:30:00+08'::timestamptz",
                (id,),
            ).fetchone()
            assert row is not None
            assert row[0] == id
            assert str(row[1]["a"]) == "1.10"
            assert row[1]["b"] == [123456789012345678901, 2]
            assert str(row[2]) == "1.50"
            assert row[3].isoformat() == "2024-02-29T15:30:00+00:00"
        binary = conn.cursor(binary=True).execute("SELECT %s::uuid, '{\"a\": 0.5}'::jsonb", (id,)).fetchone()
        assert binary is not None
        assert binary[0] == id
        assert str(binary[1]["a"]) == "0.5"
        assert conn.execute("SELECT %s", ({"b": "é", "a": 1},)).fetchone() == ({"b": "é", "a": 1},)
        assert conn.execute("SHOW statement_timeout").fetchone() == ("30s",)
