"""The demo: what a newcomer finds after `./run`, however often and by however many it is started."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from statistics import mean, median
from typing import Any

import pytest

from patron_engine.actor import Cause
from patron_engine.meta.reader import read_documents
from patron_engine.query.spec import Ask
from patron_engine.report.answer import Answer, Request, Spot
from patron_engine.transfer.imports import listed
from patron_engine.transfer.undo import undo
from patron_engine.ways import figure, goal
from patron_platform.demo import FILES, OLD, PEOPLE, Made, _examples, prepare_demo
from patron_platform.identity.passwords import fits
from patron_platform.identity.sessions import account_by_email
from patron_platform.jobs.imports import carry_out, queue
from patron_platform.sample import sample
from patron_platform.service import Service, open_service
from patron_platform.settings import Settings
from patron_platform.workspace import OPERATOR, examine
from patron_testing.holding import TERMINAL
from patron_testing.ledger import named, plain
from patron_testing.pg import Server
from patron_testing.published import Published, month, quarter


@pytest.fixture(scope="module")
def settings(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    url = server.make()
    yield Settings(database=url, data=tmp_path_factory.mktemp("demo"))
    server.drop(url)


@pytest.fixture(scope="module")
def made(settings: Settings) -> list[Made]:
    """Two people start the demo at the same moment on a database that has none."""

    def start(_: int) -> Made:
        with open_service(settings) as service:
            return prepare_demo(service)

    with ThreadPoolExecutor(2, thread_name_prefix=TERMINAL) as both:
        return list(both.map(start, range(2)))


@pytest.fixture
def service(settings: Settings, made: list[Made]) -> Iterator[Service]:
    with open_service(settings) as opened:
        yield opened


def rows(service: Service, object: str, where: str | None, *fields: str) -> list[Any]:
    place = service.runtime.workspace("demo")
    found: list[Any] = []
    after = None
    while True:
        page = place.read(
            OPERATOR, Ask(object=object, where=where, fields=fields, limit=200, after=after, sort=("name",))
        )
        found += page.rows()
        after = page.next
        if after is None:
            return found


def test_both_get_the_same_demo(made: list[Made], settings: Settings) -> None:
    first, second = made
    assert first == second and first.sample
    folder = _examples()
    assert folder is not None
    with (
        open_service(settings) as service,
        (place := service.runtime.workspace("demo")).connection("read") as conn,
    ):
        sheets = sample(folder, place.call(conn, OPERATOR).today)
    own = {s.name: len(s.rows) for s in sheets}
    assert first.records == {
        "account": 85 + 6 + own["sample_prospects"], "contact": 6 + own["sample_contacts"],
        "opportunity": 8_800 + own["sample_closed_deals"] + own["sample_open_deals"], "product": 7, "user": 42,
    }  # fmt: skip
    assert settings.data is not None
    key = settings.data / "demo.key"
    assert key.read_text().strip() == first.key and key.stat().st_mode & 0o077 == 0


def test_one_who_sells_and_his_manager_may_sign_in(service: Service, made: list[Made]) -> None:
    assert made[0].people == PEOPLE
    with service.databases.system() as conn:
        found = [account_by_email(conn, email) for email in PEOPLE]
    assert all(one is not None and fits(made[0].password, one[1]) for one in found)
    roles = {
        r["name"]: r["roles"]
        for r in rows(service, "user", f"email in {list(PEOPLE)}".replace("'", '"'), "name", "roles")
    }
    assert "sales_rep" in roles["Darcel Schlecht"] and "sales_manager" in roles["Melvin Marxen"]


def test_the_figures_of_the_data_set_are_right(service: Service) -> None:
    assert len(rows(service, "opportunity", PUBLIC, "name")) == 8_800
    won = rows(service, "opportunity", f'{PUBLIC} and stage == "won"', "amount")
    assert (len(won), sum(int(r["amount"]) for r in won)) == (4_238, 10_005_534)
    sellers = rows(service, "user", "manager != None", "name", "department.name", "manager.name")
    assert len(sellers) == 35 and all(r["department.name"] in ("Central", "East", "West") for r in sellers)
    assert len(rows(service, "account", "parent != None", "name")) == 15
    owned = rows(service, "account", "owner != None and deal_status == 'closed'", "name", "owner.name")
    assert len(owned) == 85 and {r["owner.name"] for r in owned if r["name"] == "Acme Corporation"} == {
        "Reed Clapper"
    }
    corrected = rows(service, "opportunity", f'{PUBLIC} and main_product.name == "GTX Pro"', "name")
    assert len(corrected) == 1_480, "the file calls it GTXPro"


PUBLIC = "DAY_OF(created_at) < DATE(2018, 1, 1)"  # the sample's own deals are of these days
WON = [
    {"name": "deals", "function": "count"},
    {"name": "won", "function": "sum", "field": "amount"},
]
EVER = {"period": None, "since": "2016-01-01"}


def answered(service: Service, report: str | Mapping[str, Any]) -> Answer:
    """A report of the pack over the time of the public deals, or one somebody makes for himself."""

    def look(conn: Any, call: Any) -> Answer:
        if not isinstance(report, str):
            return figure.run(conn, call, Request(body=report))
        chosen = figure.request_of(call, report)
        asked = {p["name"]: EVER[p["name"]] for p in chosen.body.get("parameters", ())}
        where = " and ".join(f"({part})" for part in (chosen.body.get("where"), PUBLIC) if part)
        return figure.run(conn, call, Request(body={**chosen.body, "where": where}, parameters=asked))

    return service.runtime.workspace("demo").reading(OPERATOR, look)


def by_member(found: Answer, *measures: str) -> dict[Any, tuple[Any, ...]]:
    return {named(found, k): tuple(plain(found.value(m, k)) for m in measures) for k in found.row_keys}


def won_by(service: Service, group: Any) -> dict[Any, tuple[Any, ...]]:
    own = {
        "type": "summary",
        "object": "opportunity",
        "where": f"stage == 'won' and {PUBLIC}",
        "rows": [group],
    }
    body = {"kind": "report", "name": "mine", **own, "measures": WON, "totals": ["grand"]}
    found = answered(service, body)
    assert [plain(found.value(m)) for m in ("deals", "won")] == [4_238, 10_005_534]
    return by_member(found, "deals", "won")


def test_what_was_won_is_what_the_files_add_up_to_however_it_is_cut(service: Service) -> None:
    data = Published()
    assert len(data.deals) == 8_800 and data.by(lambda d: None) == {None: (4_238, 10_005_534)}
    assert won_by(service, "owner.department") == data.by(lambda d: d.office)
    assert won_by(service, "owner.manager") == data.by(lambda d: d.manager)
    assert won_by(service, "owner") == data.by(lambda d: d.agent)
    assert won_by(service, "main_product") == data.by(lambda d: d.product)
    assert won_by(service, "main_product.category") == data.by(lambda d: d.series)
    assert won_by(service, {"field": "close_date", "by": "quarter"}) == data.by(quarter)
    assert won_by(service, {"field": "close_date", "by": "month"}) == data.by(month)
    ours = {
        "software": "technology/software", "medical": "healthcare", "marketing": "services/marketing",
        "employment": "services/employment", None: None,
    }  # fmt: skip
    assert won_by(service, "account.industry") == data.by(lambda d: ours.get(d.sector, d.sector))
    assert won_by(service, {"field": "account.industry", "level": 1}) == data.by(
        lambda d: (ours.get(d.sector, d.sector) or "").split("/")[0] or None
    )


def test_the_reports_of_the_pack_tell_the_published_figures(service: Service) -> None:
    data = Published()
    regions = answered(service, "won_by_region")
    assert by_member(regions, "deals", "won") == data.by(lambda d: d.office)
    cells = {
        (named(regions, r), c[0]): plain(regions.value("won", r, c)) for r, c in regions.cells if r and c
    }
    sums = data.by(lambda d: f"{d.office} {month(d)}")
    assert {k: v for k, v in cells.items() if v} == {tuple(k.split()): v for k, (_, v) in sums.items()}  # type: ignore[union-attr]
    assert by_member(answered(service, "won_by_month"), "deals", "won") == data.by(month)
    assert by_member(answered(service, "ranking_won"), "won").items() >= {
        (who, (value,))
        for who, (_, value) in sorted(data.by(lambda d: d.agent).items(), key=lambda x: -x[1][1])[:20]
    }
    rates = answered(service, "win_rate_by_owner")
    assert plain(rates.value("win_rate")) == pytest.approx(4_238 / 6_711)
    for who, (won, closed) in data.rates(lambda d: d.agent).items():
        assert by_member(rates, "won_deals", "closed_deals")[who] == (won, closed)
        assert by_member(rates, "win_rate")[who] == (pytest.approx(won / closed),)
    products = by_member(answered(service, "deals_by_product"), "won", "win_rate")
    for product, (won, closed) in data.rates(lambda d: d.product).items():
        value = data.by(lambda d: d.product)[product][1]
        assert products[product] == (value, pytest.approx(won / closed))
    cycle = answered(service, "sales_cycle")
    days = data.cycles(lambda d: None)[None]
    assert plain(cycle.value("average")) == pytest.approx(mean(days))
    assert plain(cycle.value("middle")) == median(days) and plain(cycle.value("longest")) == max(days)
    lost = answered(service, "lost_reasons")
    assert plain(lost.value("deals")) == 2_473


def test_every_report_and_every_tile_has_something_to_show(service: Service) -> None:
    """A newcomer who opens a home page sees figures, not that there is nothing."""
    nothing = {"approvals_by_approver", "pool_flow", "stage_durations"}  # what people and workers make

    def look(conn: Any, call: Any) -> None:
        for name in figure.reports_of(call):
            request = figure.request_of(call, name)
            if request.body["type"] == "list":
                assert figure.drill(conn, call, request, Spot()).object
            elif name not in nothing:
                found = figure.run(conn, call, request)
                assert found.row_keys and any(any(v for v in cell) for cell in found.cells.values()), name
        for _, body in sorted(call.model.documents.items()):
            for tile in body.get("tiles", ()) if body["kind"] == "dashboard" else ():
                if "goal" in tile and tile["of"] == "company":
                    progress = goal.progress(conn, call, tile["goal"], of="company")
                    assert progress.target and progress.reached, (body["name"], tile["name"])

    service.runtime.workspace("demo").reading(OPERATOR, look)


def test_another_start_changes_nothing(service: Service, made: list[Made]) -> None:
    def state() -> list[Any]:
        with service.databases.connection("demo", "read") as conn:
            tables = (
                "opportunity",
                "account",
                "product",
                '"user"',
                "sys__history",
                "sys__batch",
                "sys__task",
            )
            return [
                conn.execute(
                    f"SELECT count(*), md5(string_agg(t::text, '' ORDER BY t::text)) FROM w_demo.{t} t"
                ).fetchone()
                for t in tables
            ]

    before = state()
    assert prepare_demo(service) == made[0]
    assert state() == before
    assert examine(service) == {"demo": []}


def test_the_same_files_again_change_no_record(service: Service) -> None:
    place, folder = service.runtime.workspace("demo"), _examples()
    assert folder is not None
    kept = ("opportunity", "account", "product", '"user"', "sys__history", "sys__search", "sys__external_id")

    def state() -> list[Any]:
        with service.databases.connection("demo", "read") as conn:
            query = "SELECT count(*), md5(string_agg(t::text, '' ORDER BY t::text)) FROM w_demo.{} t"
            return [conn.execute(query.format(t)).fetchone() for t in kept]

    before = state()
    for object, name in FILES:
        file, mapping = folder / f"{name}.csv", folder / f"{name}.map.yaml"
        done = carry_out(place, queue(place, OPERATOR, object, file, map=mapping, history=name in OLD).batch)
        assert {k for k, n in done.counts.items() if n} == {"unchanged"}
    assert state() == before


def test_what_the_demo_imported_can_be_taken_back(service: Service) -> None:
    place = service.runtime.workspace("demo")
    with place.connection("read") as conn:
        newest_first = listed(conn, place.schema)
    for one in newest_first:
        cause = Cause(kind="rollback", detail={"import": one.batch})
        done = place.writing(OPERATOR, lambda conn, call, one=one: undo(conn, call, one.batch), cause)  # type: ignore[misc]
        assert done.kept == (), one.name
    assert [len(rows(service, o, None, "name")) for o in ("opportunity", "account", "product")] == [0, 0, 0]


def test_every_object_of_the_demo_can_be_changed(service: Service) -> None:
    """The README's first look adds a field: none of the packs' checks may stand in the way, for any object."""
    place = service.runtime.workspace("demo")
    with place.connection("read") as conn:
        objects = sorted(place.pin(conn)[0].objects)
        own = [d for layer in place.layers(conn) if layer.own for d in layer.documents]
    changes = "\n---\n".join(
        f"{{kind: change, of: object/{name}, add: {{fields: [{{name: c_region, type: text, label: Region}}]}}}}"
        for name in objects
    )
    added, problems = read_documents(changes, "changes.yaml")
    assert problems == []
    plan = place.plan_own(
        [*(d for d in own if d.kind != "change"), *added, *(d for d in own if d.kind == "change")]
    )
    assert len(plan.checks) > 20 and len(plan.changes) >= len(objects)
