"""Tasks survive whatever happens to the worker."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from typing import Any

import psycopg
import pytest

from patron_engine.store import catalog, tasks
from patron_engine.store.handlers import building_name
from patron_engine.store.migrations import make_schema
from patron_engine.store.steps import Task, index_payload
from patron_engine.store.tasks import Chunk, Context, Handler, Work
from patron_testing.shapes import SCHEMA, bring, by, column, fill, planned, schema, table

Connection = psycopg.Connection[Any]
Connect = Callable[[], AbstractContextManager[Connection]]

INDEX = by("account", "name")
PLAIN = table("account", column("name", "text"), column("amount", "numeric"))
INDEXED = table("account", *PLAIN.columns.values(), indexes=[INDEX])


@pytest.fixture
def store(conn: Connection) -> Connection:
    make_schema(conn, SCHEMA)
    bring(conn, schema(PLAIN))
    return conn


@pytest.fixture
def connect(database_url: str) -> Connect:
    return lambda: psycopg.connect(database_url)


def build(index: Any = INDEX) -> Task:
    return Task(kind="index_build", table="account", payload=index_payload(index), rows=0, sentence="")


def queue(conn: Connection, task: Task) -> str:
    id = tasks.enqueue(conn, SCHEMA, task)
    conn.commit()
    return id


def test_a_large_table_is_indexed_by_a_task(store: Connection, connect: Connect) -> None:
    fill(store, "account", 10_001, name="'n' || i")
    made = bring(store, schema(INDEXED))
    assert [t.kind for t in made.tasks] == ["index_build"]
    assert not catalog.read(store, SCHEMA).tables["account"].indexes
    store.rollback()
    assert [t.state for t in tasks.run_all(connect, SCHEMA)] == ["done"]
    assert planned(store, schema(INDEXED)).empty


def test_the_same_task_is_queued_once(store: Connection) -> None:
    assert queue(store, build()) == queue(store, build())


def test_an_interrupted_build_is_finished_by_the_next_worker(
    store: Connection, connect: Connect, database_url: str
) -> None:
    fill(store, "account", 100, name="'n' || i")
    queue(store, build())
    with psycopg.connect(database_url) as blocker, psycopg.connect(database_url, autocommit=True) as watcher:
        blocker.execute(f"UPDATE {SCHEMA}.account SET amount = 1")  # the build waits for this transaction
        row = _claimed(connect)
        result: list[BaseException] = []

        def work() -> None:
            try:
                tasks.run_task(connect, SCHEMA, row)
            except psycopg.OperationalError as error:
                result.append(error)

        thread = threading.Thread(target=work)
        thread.start()
        _kill_when_building(watcher)
        thread.join(timeout=30)
        assert result, "the worker's connection was killed"
        blocker.rollback()
    left = catalog.read(store, SCHEMA).tables["account"].indexes[building_name(INDEX)]
    store.rollback()
    assert not left.valid
    _expire(store)
    assert [t.state for t in tasks.run_all(connect, SCHEMA)] == ["done"]
    assert catalog.read(store, SCHEMA) == schema(INDEXED)


def test_a_build_that_was_killed_before_the_swap_is_taken_up(store: Connection, connect: Connect) -> None:
    fill(store, "account", 10, name="'n' || i")
    store.execute(
        f'CREATE INDEX "{building_name(INDEX)}" ON {SCHEMA}.account (name) WHERE deleted_at IS NULL'
    )
    queue(store, build())
    tasks.run_all(connect, SCHEMA)
    assert catalog.read(store, SCHEMA) == schema(INDEXED)


def test_a_unique_rule_over_equal_records_fails_and_lists_them(store: Connection, connect: Connect) -> None:
    fill(store, "account", 10, name="'n' || i % 5")
    unique = by("account", "name", unique=True)
    queue(store, build(unique))
    (task,) = tasks.run_all(connect, SCHEMA)
    assert task.state == "failed"
    assert task.progress["duplicates"][0]["count"] == 2
    assert len(task.progress["duplicates"]) == 5
    assert not catalog.read(store, SCHEMA).tables["account"].indexes


def test_an_index_defined_anew_replaces_the_old_one(store: Connection, connect: Connect) -> None:
    bring(store, schema(INDEXED))
    anew = by("account", "name", where="deleted_at IS NULL AND amount > 0")
    assert anew.name == INDEX.name
    queue(store, build(anew))
    assert [t.state for t in tasks.run_all(connect, SCHEMA)] == ["done"]
    assert catalog.read(store, SCHEMA).tables["account"].indexes == {anew.name: anew}


def test_a_piece_and_its_progress_are_one_transaction(store: Connection, connect: Connect) -> None:
    """Ten pieces, a crash in the middle of each first try: every piece counts once."""
    store.execute(f"CREATE TABLE {SCHEMA}.sys__tried (n bigint)")
    queue(store, Task(kind="count", table="account", payload={}, rows=0, sentence=""))
    tried: set[int] = set()

    def piece(conn: Connection, work: Work) -> Chunk:
        n = work.progress.get("n", 0)
        conn.execute(f"INSERT INTO {SCHEMA}.sys__tried VALUES (%s)", (n,))
        if n not in tried and n % 3 == 0:
            tried.add(n)
            raise RuntimeError("crash")
        return Chunk(progress={"n": n + 1}, done=n == 9)

    context = Context(handlers={"count": Handler(run=piece)})
    for _ in range(5):
        tasks.run_all(connect, SCHEMA, context)
        _expire(store)
    rows = store.execute(f"SELECT n, count(*) FROM {SCHEMA}.sys__tried GROUP BY n ORDER BY n").fetchall()
    assert rows == [(n, 1) for n in range(10)]
    assert [t.state for t in tasks.listed(store, SCHEMA, open_only=False)] == ["done"]


def test_a_task_that_always_fails_ends_as_failed(store: Connection, connect: Connect) -> None:
    queue(store, Task(kind="never", table="account", payload={}, rows=0, sentence=""))

    def piece(conn: Connection, work: Work) -> Chunk:
        raise RuntimeError("poison")

    context = Context(handlers={"never": Handler(run=piece)})
    for _ in range(tasks.ATTEMPTS):
        assert len(tasks.run_all(connect, SCHEMA, context)) == 1
        assert tasks.run_all(connect, SCHEMA, context) == []  # not at once
        _expire(store)
    (task,) = tasks.listed(store, SCHEMA)
    assert (task.state, task.attempts, task.error) == ("failed", tasks.ATTEMPTS, "RuntimeError: poison")
    assert tasks.run_all(connect, SCHEMA, context) == []


def test_a_task_that_kills_its_worker_is_given_up_and_the_next_is_taken(
    store: Connection, connect: Connect
) -> None:
    poison = queue(store, Task(kind="poison", table="account", payload={}, rows=0, sentence=""))
    for _ in range(tasks.ATTEMPTS):
        assert _claimed(connect).id == poison  # and its worker is gone
        _expire(store)
    good = queue(store, Task(kind="good", table="account", payload={}, rows=0, sentence=""))
    assert _claimed(connect).id == good
    (task,) = [t for t in tasks.listed(store, SCHEMA) if t.id == poison]
    assert (task.state, task.error) == (
        "failed",
        f"its worker ended {tasks.ATTEMPTS} times at the same piece",
    )


def test_a_long_task_may_be_interrupted_as_often_as_it_gets_on(store: Connection, connect: Connect) -> None:
    """Each worker does one piece and is gone: that is progress, not poison."""
    queue(store, Task(kind="long", table="account", payload={}, rows=0, sentence=""))

    class Gone(BaseException):
        pass

    def piece(conn: Connection, work: Work) -> Chunk:
        if len(seen) % 2:
            seen.append(0)
            raise Gone
        seen.append(1)
        return Chunk(progress={"n": work.progress.get("n", 0) + 1}, done=work.progress.get("n") == 19)

    seen: list[int] = []
    state = ""
    while state != "done":
        row = _claimed(connect)
        try:
            state = tasks.run_task(connect, SCHEMA, row, Context(handlers={"long": Handler(run=piece)}))
        except Gone:
            _expire(store)
    assert seen.count(0) == 19 and seen.count(1) == 20


def test_whose_turn_is_over_leaves_the_task_where_it_is(store: Connection, connect: Connect) -> None:
    pieces: list[int] = []

    def run(conn: Connection, work: Work) -> Chunk:
        pieces.append(work.progress.get("n", 0) + 1)
        return Chunk(progress={"n": pieces[-1]}, done=pieces[-1] == 5)

    queue(store, Task(kind="slow", table="account", payload={}, rows=0, sentence=""))
    turn = Context(handlers={"slow": Handler(run=run)}, over=lambda: len(pieces) in (2, 4))
    for told in (["waiting"], ["waiting"], ["done"]):
        assert [t.state for t in tasks.run_all(connect, SCHEMA, turn)] == told
    assert pieces == [1, 2, 3, 4, 5]


def test_a_worker_that_slept_past_its_lease_writes_nothing(store: Connection, connect: Connect) -> None:
    store.execute(f"CREATE TABLE {SCHEMA}.sys__tried (who text)")
    id = queue(store, Task(kind="slow", table="account", payload={}, rows=0, sentence=""))

    def worker(name: str) -> Context:
        def piece(conn: Connection, work: Work) -> Chunk:
            conn.execute(f"INSERT INTO {SCHEMA}.sys__tried VALUES (%s)", (name,))
            return Chunk(progress={}, done=True)

        return Context(handlers={"slow": Handler(run=piece)})

    sleeper = _claimed(connect)
    _expire(store)
    heir = _claimed(connect)
    assert (sleeper.id, heir.id, heir.attempts) == (id, id, 2)
    assert tasks.run_task(connect, SCHEMA, heir, worker("heir")) == "done"
    tasks.run_task(connect, SCHEMA, sleeper, worker("sleeper"))
    assert store.execute(f"SELECT who FROM {SCHEMA}.sys__tried").fetchall() == [("heir",)]


def test_a_dead_workers_task_is_taken_over_soon_and_a_living_ones_never(
    store: Connection, connect: Connect
) -> None:
    id = queue(store, Task(kind="slow", table="account", payload={}, rows=0, sentence=""))
    first = _claimed(connect)
    begun, go_on = threading.Event(), threading.Event()

    def piece(conn: Connection, work: Work) -> Chunk:
        begun.set()
        assert go_on.wait(60)
        return Chunk(progress={}, done=True)

    context = Context(handlers={"slow": Handler(run=piece, outside=True)})

    def work() -> None:
        with suppress(psycopg.OperationalError):
            tasks.run_task(connect, SCHEMA, first, context)

    thread = threading.Thread(target=work)
    thread.start()
    assert begun.wait(60)
    _age(store)
    with connect() as conn:
        assert tasks.claim(conn, SCHEMA) is None, "it is at work, however long it has said nothing"
    store.execute(
        "SELECT pg_terminate_backend(l.pid) FROM pg_locks l JOIN pg_database d ON d.oid = l.database"
        " WHERE l.locktype = 'advisory' AND l.classid = 19 AND d.datname = current_database()"
    )
    store.commit()
    heir = None
    for _ in range(600):
        with connect() as conn:
            heir = tasks.claim(conn, SCHEMA)
        if heir is not None:
            break
        threading.Event().wait(0.05)
    assert heir is not None
    assert (heir.id, heir.attempts) == (id, 2), "its lease was good for two minutes more"
    go_on.set()
    thread.join(60)
    assert tasks.run_task(connect, SCHEMA, heir, context) == "done"


def test_two_workers_never_take_one_task(store: Connection, connect: Connect) -> None:
    for n in range(4):
        queue(store, Task(kind="x", table="account", payload={"n": n}, rows=0, sentence=""))
    with connect() as one, connect() as two:
        taken = [tasks.claim(c, SCHEMA) for c in (one, two, one, two, one)]
    assert len({t.id for t in taken if t}) == 4
    assert taken[-1] is None


def test_a_table_is_copied_with_everything_it_has(store: Connection, connect: Connect) -> None:
    account = table("account", *INDEXED.columns.values(), column("parent", "uuid"), indexes=[INDEX],
                    links={"parent": "account"})  # fmt: skip
    contact = table("contact", column("account", "uuid"), links={"account": "account"})
    want = schema(account, contact)
    bring(store, want)
    fill(store, "account", 50, name="'n' || i")
    store.execute(f"UPDATE {SCHEMA}.account SET parent = (SELECT id FROM {SCHEMA}.account WHERE name = 'n1')")
    fill(store, "contact", 5, account=f"(SELECT id FROM {SCHEMA}.account WHERE name = 'n1')")
    for n in range(30):
        store.execute(f"ALTER TABLE {SCHEMA}.account ADD COLUMN x{n} text")
        store.execute(f"ALTER TABLE {SCHEMA}.account DROP COLUMN x{n}")
    store.commit()
    before = store.execute(f"SELECT id, name, parent FROM {SCHEMA}.account ORDER BY id").fetchall()
    assert catalog.read(store, SCHEMA).tables["account"].used == 36
    queue(store, Task(kind="copy_table", table="account", payload={"table": "account"}, rows=0, sentence=""))
    assert {t.state for t in tasks.run_all(connect, SCHEMA)} == {"done"}
    live = catalog.read(store, SCHEMA)
    assert live == want
    assert live.tables["account"].used == 6
    assert store.execute(f"SELECT id, name, parent FROM {SCHEMA}.account ORDER BY id").fetchall() == before
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        store.execute(f"UPDATE {SCHEMA}.contact SET account = gen_random_uuid()")


def _claimed(connect: Connect) -> tasks.TaskRow:
    with connect() as conn:
        row = tasks.claim(conn, SCHEMA)
    assert row is not None
    return row


def _expire(conn: Connection) -> None:
    conn.execute(f"UPDATE {SCHEMA}.sys__task SET lease_until = now() - interval '1 second'")
    conn.commit()


def _age(conn: Connection) -> None:
    """Nobody has said anything about the tasks for a while; their leases are good."""
    conn.execute(f"UPDATE {SCHEMA}.sys__task SET updated_at = now() - interval '30 seconds'")
    conn.commit()


def _kill_when_building(watcher: Connection) -> None:
    for _ in range(2_000):
        row = watcher.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
            " AND query LIKE 'CREATE INDEX CONCURRENTLY%%' AND wait_event_type = 'Lock'"
        ).fetchone()
        if row is not None:
            return
        threading.Event().wait(0.01)
    raise AssertionError("the build never waited")
