"""Most of the save of an import's next piece is done while the present one is written. What comes of it is what would have come
of it in its turn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import psycopg
import pytest

from patron_engine.store import tasks
from patron_engine.store.session import configure
from patron_engine.transfer import carry, pieces, staged
from patron_engine.ways.prepare import Draft
from patron_testing.build import NOON, Records, Templates
from patron_testing.desk import Desk, counts
from patron_testing.pg import Server
from patron_testing.sales import DOCUMENTS

PIECE = 50  # rows; enough for COPY
DEALS = {
    "columns": {
        "Name": "name", "Customer": {"field": "account", "by": "title"}, "Stage": "stage", "Amount": "amount",
        "Closes": "close_date", "Key": "external_ids.erp",
    },
    "set": {"probability": 20},
}  # fmt: skip
HEADINGS = "Name,Customer,Stage,Amount,Closes,Key\n"


@pytest.fixture
def desks(server: Server, templates: Templates, tmp_path: Path) -> Iterator[list[Desk]]:
    """Two workspaces that are alike."""
    urls, made = [], []
    for _ in range(2):
        url, call = templates.fresh(DOCUMENTS)
        urls.append(url)
        conn = psycopg.connect(url)
        configure(conn)
        made.append(Desk(url, Records(conn, call), tmp_path))
        for n in range(7):
            made[-1].r.create("account", name=f"Customer {n}", city=f"City {n}")
    yield made
    for desk, url in zip(made, urls, strict=True):
        desk.r.conn.close()
        server.drop(url)


@pytest.fixture
def i(desks: list[Desk]) -> Desk:
    return desks[0]


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(staged, "AT_ONCE", PIECE)


@pytest.fixture
def drafted(monkeypatch: pytest.MonkeyPatch) -> list[Draft]:
    """The drafts that were taken up."""
    found: list[Draft] = []
    save_draft = carry.save_draft

    def seen(conn: Any, call: Any, draft: Draft) -> Any:
        found.append(draft)
        return save_draft(conn, call, draft)

    monkeypatch.setattr(carry, "save_draft", seen)
    return found


def deals(rows: int, **wrong: str) -> str:
    """Rows of deals; `wrong` names some by their number: r17="…"."""
    lines = [
        f"Deal {n:03},Customer {n % 7},{'won' if n % 3 else 'open'},{n + 1},2031-01-02,k{n}"
        for n in range(rows)
    ]
    for name, line in wrong.items():
        lines[int(name[1:])] = line
    return HEADINGS + "\n".join(lines) + "\n"


WRONG = {
    "r3": "Deal 003,Customer 3,open,much,2031-01-02,k3",
    "r60": ",Customer 3,open,5,2031-01-02,k60",
    "r61": "Deal 061,Customer 3,lost,5,2031-01-02,k61",
    "r62": "Deal 062,Customer 3,open,-5,2031-01-02,k62",
    "r63": "Deal 063,Customer 3,open,5000000,2031-01-02,k63",
    "r70": "Deal 000,Customer 0,open,5,2031-01-02,k70",
    "r71": "Deal 070,Customer 0,open,5,2031-01-02,k71",
    "r72": "Deal 070,Customer 0,open,6,2031-01-02,k72",
    "r73": "Deal 073,Customer 0,open,6,2031-01-02,k1",
}  # a cell, nothing, a condition, a limit, a warning, a name taken in an earlier piece and in this one, an external id


def in_turn(desk: Desk, batch: str) -> None:
    """Every piece does everything itself."""
    model = desk.r.call.model
    handlers = pieces.handlers(lambda: NOON)
    context = tasks.Context(model=lambda _: model, current=lambda: model, handlers=handlers)
    tasks.run_all(desk.connect, desk.r.call.schema, context)


def kept(desk: Desk) -> Mapping[str, Any]:
    """Everything an import leaves, ids replaced by names."""
    names = {row["id"]: row["name"] for table in ("account", "opportunity") for row in desk.r.rows(table)}
    account = (
        "name",
        "deals_count",
        "won_total",
        "biggest",
        "smallest",
        "average",
        "latest",
        "family_deals",
        "won_share",
    )
    deal = (
        "name",
        "stage",
        "amount",
        "probability",
        "expected",
        "close_date",
        "city",
        "version",
        "created_at",
        "updated_at",
    )
    return {
        "accounts": sorted([tuple(row[n] for n in account) for row in desk.r.rows("account")]),
        "deals": sorted((*(row[n] for n in deal), names[row["account"]]) for row in desk.r.rows("opportunity")),
        **{
            table: sorted(repr((names.get(row["record"]), *(row[c] for c in columns))) for row in desk.r.rows(table))
            for table, columns in (
                ("sys__history", ("object", "version", "action", "old")), ("sys__search", ("object", "field", "tokens")),
                ("sys__batch_record", ("object", "action", "version", "old")),
                ("sys__external_id", ("object", "source", "external_id")),
            )
        },
    }  # fmt: skip


def test_it_comes_to_the_same_whatever_is_wrong_with_the_rows(
    desks: list[Desk], drafted: list[Draft]
) -> None:
    ahead, turn = desks
    text = deals(170, **WRONG)
    one, two = ahead.begin("opportunity", text, DEALS), turn.begin("opportunity", text, DEALS)
    ahead.work()
    assert len(drafted) == 3, "all but the first piece"
    in_turn(turn, two)
    assert ahead.faults(one) == turn.faults(two)
    assert counts(ahead.status(one)) == counts(turn.status(two)) == (163, 0, 0, 7)
    assert kept(ahead) == kept(turn)


def test_records_stand_in_the_order_of_the_file(i: Desk, drafted: list[Draft]) -> None:
    i.run("opportunity", deals(170, **WRONG), DEALS)
    by_id = sorted(i.r.rows("opportunity"), key=lambda row: str(row["id"]))
    names = [row["name"] for row in by_id if row["name"] != "Deal 070"]
    assert names == sorted(names) and len(names) > 150


def test_a_customer_who_goes_meanwhile_takes_no_deals(i: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rows were found sound before their turn; his record is locked in it."""
    save_draft, gone = (
        carry.save_draft,
        [row["id"] for row in i.r.rows("account") if row["name"] == "Customer 5"],
    )

    def late(conn: Any, call: Any, draft: Draft) -> Any:
        with i.connect() as other:
            other.execute(f"UPDATE {call.schema}.account SET deleted_at = now() WHERE id = %s", gone)
        return save_draft(conn, call, draft)

    monkeypatch.setattr(carry, "save_draft", late)
    made = i.run("opportunity", deals(100), DEALS)
    told = {number: [p["code"] for p in problems] for number, _, problems in i.faults(made.batch)}
    refused = [n + 2 for n in range(50, 100) if n % 7 == 5]
    assert told == {number: ["link_not_found"] for number in refused}
    assert counts(made) == (100 - len(refused), 0, 0, len(refused))


def test_a_lost_deadlock_repeats_the_piece_with_the_same_ids(
    i: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_draft, ids = carry.save_draft, list[str | None]()

    def lost(conn: Any, call: Any, draft: Draft) -> Any:
        save_draft(conn, call, draft)
        if not ids:
            ids.extend(change.id for change in draft.changes)
            raise psycopg.errors.DeadlockDetected
        return []

    monkeypatch.setattr(carry, "save_draft", lost)
    assert counts(i.run("opportunity", deals(100), DEALS)) == (100, 0, 0, 0)
    assert {str(row["id"]) for row in i.r.rows("opportunity")} >= set(ids) and len(ids) == PIECE


def test_what_reads_what_earlier_pieces_make_waits_for_its_turn(i: Desk, drafted: list[Draft]) -> None:
    """A record of a tree could stand below itself only by what stands there by then: nothing is drafted."""
    family = "name,parent\n" + "".join(
        f"Child {n},{f'Child {n - PIECE}' if n >= PIECE else ''}\n" for n in range(170)
    )
    made = i.run(
        "account", family, {"columns": {"name": "name", "parent": {"field": "parent", "by": "title"}}}
    )
    assert counts(made) == (170, 0, 0, 0) and not drafted
