"""Plans applied to real tables: what was wanted is what is there, and bad values stay out."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from psycopg import errors

from patron_engine.errors import Refused
from patron_engine.store import catalog
from patron_engine.store.apply import apply
from patron_engine.store.migrations import make_schema
from patron_engine.store.shape import Key, index
from patron_testing.shapes import SCHEMA, bring, by, column, fill, planned, schema, table

Connection = psycopg.Connection[Any]

ACCOUNT = table(
    "account",
    column("name", "text"),
    column("amount", "numeric"),
    column("day", "date"),
    column("at", "timestamptz"),
    column("tags", "text[]"),
    indexes=[
        by("account", "name", unique=True),
        index("account__tags__ix", "account", Key(column="tags"), method="gin"),
        index("account__live__ix", "account", Key(column="created_at", descending=True), Key(column="id")),
    ],
)
CONTACT = table("contact", column("account", "uuid"), column("order", "text"), links={"account": "account"})


@pytest.fixture
def store(conn: Connection) -> Connection:
    make_schema(conn, SCHEMA)
    bring(conn, schema(ACCOUNT, CONTACT))
    return conn


def test_the_catalogue_gives_back_what_was_wanted(store: Connection) -> None:
    live = catalog.read(store, SCHEMA)
    assert live == schema(ACCOUNT, CONTACT)
    assert planned(store, live).empty


@pytest.mark.parametrize(
    ("name", "bad"),
    [
        ("amount", "'NaN'"), ("amount", "'Infinity'"), ("amount", "'-Infinity'"), ("amount", "1e25"), ("amount", "-1e25"),
        ("day", "'infinity'"), ("day", "'10000-01-01'"), ("day", "'0001-12-31 BC'"),
        ("at", "'-infinity'"), ("at", "'10000-01-01 00:00+00'"), ("at", "'0001-12-31 00:00+00 BC'"),
    ],
)  # fmt: skip
def test_impossible_values_are_kept_out_by_the_table(store: Connection, name: str, bad: str) -> None:
    fill(store, "account", 1)
    with pytest.raises(errors.CheckViolation):
        store.execute(f"UPDATE {SCHEMA}.account SET {name} = {bad}")


@pytest.mark.parametrize(
    ("name", "good"),
    [
        ("amount", "9999999999999999999999999"), ("amount", "-0.0000000001"), ("day", "'0001-01-01'"),
        ("day", "'9999-12-31'"), ("at", "'9999-12-31 23:59:59.999999+00'"), ("at", "'0001-01-01 00:00+00'"),
    ],
)  # fmt: skip
def test_possible_values_are_taken(store: Connection, name: str, good: str) -> None:
    fill(store, "account", 1)
    store.execute(f"UPDATE {SCHEMA}.account SET {name} = {good}")
    assert store.execute(f"SELECT count(*) FROM {SCHEMA}.account WHERE {name} = {good}").fetchone() == (1,)


def test_existing_records_get_the_default_and_new_ones_nothing_from_the_table(store: Connection) -> None:
    fill(store, "account", 3)
    columns = (
        *ACCOUNT.columns.values(),
        column("done", "boolean", fill=False),
        column("level", "text", fill="it's"),
    )
    wider = table("account", *columns, indexes=ACCOUNT.indexes.values())
    bring(store, schema(wider, CONTACT))
    fill(store, "account", 1)
    rows = store.execute(
        f"SELECT done, level, count(*) FROM {SCHEMA}.account GROUP BY 1, 2 ORDER BY 3"
    ).fetchall()
    assert rows == [(None, None, 1), (False, "it's", 3)]
    assert planned(store, schema(wider, CONTACT)).empty


def test_duplicates_are_listed_before_publishing(store: Connection) -> None:
    fill(store, "account", 6, amount="i % 2")
    store.execute(f"UPDATE {SCHEMA}.account SET deleted_at = now() WHERE amount = 0")
    unique = by("account", "amount", unique=True)
    want = table("account", *ACCOUNT.columns.values(), indexes=[*ACCOUNT.indexes.values(), unique])
    made = planned(store, schema(want, CONTACT))
    (risk,) = [r for r in made.risks if r.level == "error"]
    assert risk.code == "mf_unique_duplicates"
    assert "3 × 1" in risk.message  # the recycle bin does not count


def test_duplicates_that_came_after_the_plan_refuse_the_publication(store: Connection) -> None:
    fill(store, "account", 2, amount="i")
    unique = by("account", "amount", unique=True)
    want = table("account", *ACCOUNT.columns.values(), indexes=[*ACCOUNT.indexes.values(), unique])
    made = planned(store, schema(want, CONTACT))
    store.execute(f"UPDATE {SCHEMA}.account SET amount = 1")
    store.commit()
    with pytest.raises(Refused) as refused:
        apply(store, made)
    assert refused.value.problems[0].code == "mf_unique_duplicates"
    store.rollback()
    assert catalog.read(store, SCHEMA) == schema(ACCOUNT, CONTACT)


def test_checksum_changes_when_somebody_changes_the_table(store: Connection) -> None:
    want = schema(table("account", *ACCOUNT.columns.values(), column("net", "numeric")), CONTACT)
    before = planned(store, want).checksum
    assert planned(store, want).checksum == before
    store.execute(f"ALTER TABLE {SCHEMA}.account ADD COLUMN stray text")
    assert planned(store, want).checksum != before


def test_a_rollback_leaves_nothing(store: Connection) -> None:
    before = catalog.read(store, SCHEMA)
    lead = table("lead", column("account", "uuid"), links={"account": "account"})
    apply(store, planned(store, schema(ACCOUNT, CONTACT, lead)))
    store.rollback()
    assert catalog.read(store, SCHEMA) == before


def test_links_to_nothing_are_emptied_when_a_link_is_taken_up(store: Connection) -> None:
    fill(store, "account", 1)
    fill(store, "contact", 2, account=f"CASE WHEN i = 1 THEN (SELECT id FROM {SCHEMA}.account) END")
    aside = table("contact", column("account", "uuid"), column("order", "text"))
    bring(store, schema(ACCOUNT, aside))
    store.execute(f"UPDATE {SCHEMA}.contact SET account = gen_random_uuid() WHERE account IS NULL")
    store.commit()
    made = bring(store, schema(ACCOUNT, CONTACT))
    assert "ds_orphans" in {r.code for r in made.risks}
    rows = store.execute(
        f"SELECT account IS NULL, count(*) FROM {SCHEMA}.contact GROUP BY 1 ORDER BY 1"
    ).fetchall()
    assert rows == [(False, 1), (True, 1)]


def test_a_wide_workspace_is_read_quickly(store: Connection) -> None:
    tables = [table(f"t{i}", *(column(f"c{j}", "text") for j in range(30))) for i in range(60)]
    bring(store, schema(ACCOUNT, CONTACT, *tables))
    with store.cursor() as cursor:
        cursor.execute("SELECT sum(calls) FROM (SELECT 0 AS calls) x")
        assert len(catalog.read(store, SCHEMA).tables) == 62


def test_updates_of_plain_columns_stay_on_their_page(store: Connection) -> None:
    """Roll-ups are brought up to date with every save below: pages have room for that, and indexes are left alone."""
    fill(store, "account", 300)
    store.execute(f"UPDATE {SCHEMA}.account SET amount = 1 WHERE ctid::text LIKE '(%,1)'")
    updated, in_place = store.execute(
        "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_xact_user_tables WHERE schemaname = %s AND relname = 'account'",
        (SCHEMA,),
    ).fetchone() or (0, 0)
    assert updated > 1
    assert updated == in_place
