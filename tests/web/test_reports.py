"""Pages of reports: what stands in them, where a figure leads, what is wrong with an address, reports of one's own."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from bs4 import BeautifulSoup

from patron_platform.personal import MAX_NAME
from patron_platform.web.report_build import LONGEST_BODY
from patron_platform.web.report_keep import MAX_LABEL
from patron_testing.house import House
from patron_testing.web import REP, Opened, Person

SCRIPT = "<script>alert(1)</script>"
REPORT: dict[str, Any] = {
    "object": "yd_job", "type": "matrix", "rows": ["name"], "columns": ["urgent"], "totals": ["rows", "columns", "grand"],
    "measures": [
        {"name": "jobs", "label": "Jobs", "function": "count"}, {"name": "budget", "label": "Budgets", "function": "sum", "field": "budget"},
    ],
    "chart": {"type": "stacked"},
}  # fmt: skip


@pytest.fixture(scope="module")
def jobs(opened: Opened) -> list[str]:
    made = [("Mast", "500", False), ("Mast", "250", True), ("Keel", "1500.5", True), (SCRIPT, "20", False)]
    return [opened.admin.make("yd_job", name=n, budget=b, urgent=u)["id"] for n, b, u in made]


def kept(person: Person, body: dict[str, Any] = REPORT, **more: str) -> str:
    """The address of a report of one's own."""
    said = person.post(
        "/reports/build", {"body": json.dumps(body), "label": "Jobs of the yard", "act": "save", **more}
    )
    assert said.status_code == 303, BeautifulSoup(said.text, "html.parser").get_text(" ", strip=True)[:500]
    return str(said.headers["location"]).removeprefix("/w/acme")


@pytest.fixture
def mine(me: Person, jobs: list[str]) -> str:
    return kept(me)


def lines(page: BeautifulSoup) -> list[list[str]]:
    return [
        [c.get_text(" ", strip=True) for c in tr.select("th, td")]
        for tr in page.select("table.figures tbody tr")
    ]


def test_a_report_shows_its_table_and_the_same_figures_as_a_chart(me: Person, mine: str) -> None:
    said = me.get(mine)
    page = BeautifulSoup(said.text, "html.parser")
    assert SCRIPT not in said.text
    assert (
        lines(page)[-1] == ["Total", "2", "520", "2", "1,750.50", "4", "2,270.50"]
        or lines(page)[-1][0] == "Total"
    )
    assert ["Keel", "–", "–", "1", "1,500.50", "1", "1,500.50"] in lines(page)
    drawn = json.loads(page.select_one("figure.chart")["data-chart"])
    assert drawn["type"] == "stacked" and {p["v"] for s in drawn["series"] for p in s["points"] if p} == {1.0}
    assert page.select_one(".chart-place")["aria-hidden"] == "true"  # a screen reader gets the table


def test_a_figure_leads_to_the_list_that_adds_up_to_it(me: Person, mine: str) -> None:
    page = me.page(mine)
    row = next(tr for tr in page.select("table.figures tbody tr") if tr.th.get_text() == "Mast")
    link = row.select("td a")[-1]
    assert link.get_text() == "750.00"
    led = me.get(link["href"].removeprefix("/w/acme"))
    assert led.status_code == 303
    to = led.headers["location"].removeprefix("/w/acme")
    found = me.page(to)
    assert [a.get_text(strip=True) for a in found.select("tbody .title-link")] == ["Mast", "Mast"]
    query = urlsplit(to).query
    assert me.page(f"/list/yd_job/count?{query}").get_text(strip=True) == "2"
    assert "750" in me.page(f"/list/yd_job/totals?{query}").get_text(" ", strip=True)


def test_a_filter_narrows_every_figure_and_what_a_figure_leads_to(me: Person, mine: str) -> None:
    page = me.page(f"{mine}?where={quote('urgent')}")
    assert lines(page)[-1][-2:] == ["2", "1,750.50"]
    assert page.select_one(".list-chip") is not None
    link = page.select("table.figures tbody tr")[-1].select("td a")[-2]
    to = parse_qs(urlsplit(me.get(link["href"].removeprefix("/w/acme")).headers["location"]).query)
    assert "urgent" in to["where"][0]


def test_the_form_of_a_filter_leads_back_to_its_report_and_nowhere_else(me: Person, mine: str) -> None:
    form = [("field", "urgent"), ("op", "yes"), ("act", "apply")]
    back = me.post("/list/yd_job/filter", [*form, ("back", f"view=all&to={quote(mine[1:] + '?chart=pie')}")])
    assert back.headers["location"].startswith(f"/w/acme{mine}?") and "chart=pie" in back.headers["location"]
    assert parse_qs(urlsplit(back.headers["location"]).query)["where"] == ["urgent"]
    for to in ("https://else.example/", "//else.example", "reports/../o/yd_job", "admin/people"):
        led = me.post("/list/yd_job/filter", [*form, ("back", f"view=all&to={quote(to)}")]).headers[
            "location"
        ]
        assert led.startswith("/w/acme/o/yd_job?"), to


@pytest.mark.parametrize(
    "form",
    ["bar", "line", "pie", "ranking", "heat_map", "treemap", "radar", "scatter", "gauge", "map", "figure"],
)
def test_a_report_turns_into_any_form(me: Person, mine: str, form: str) -> None:
    page = me.page(f"{mine}?chart={form}")
    assert page.select_one(f".chart-{form}" if form != "figure" else ".figure-one") is not None
    assert lines(page)


def test_a_table_is_sorted_by_a_column_and_says_so(me: Person, mine: str) -> None:
    page = me.page(f"{mine}?sort=-budget")
    assert [row[0] for row in lines(page)][:2] == ["Keel", "Mast"]
    assert page.select_one("th[aria-sort=descending]").get_text(strip=True).startswith("Budgets")


@pytest.mark.parametrize("query", ["where=((", "where=nothing%20%3E%201", "sort=nothing"])
def test_what_is_wrong_with_an_address_is_said_beside_the_report(me: Person, mine: str, query: str) -> None:
    said = me.get(f"{mine}?{query}")
    page = BeautifulSoup(said.text, "html.parser")
    assert said.status_code in (400, 422), said.status_code
    assert page.select_one("[role=alert]").get_text(strip=True)
    assert page.select_one(f'[role=alert] a[href="/w/acme{mine}"]') is not None


@pytest.mark.parametrize(
    "at", ["x", "[]", "[1,2,3]", "[[],[],5]", '[[[1]],[],"jobs"]', "[" * 3000, '[["no such"],[],"nothing"]']
)
def test_a_spot_that_is_none_is_refused(me: Person, mine: str, at: str) -> None:
    assert 400 <= me.get(f"{mine}/records?at={quote(at)}").status_code < 500


def test_a_figure_over_a_set_leads_to_its_records_or_says_why_it_cannot(me: Person, jobs: list[str]) -> None:
    body = {
        "object": "account",
        "type": "summary",
        "measures": [{"name": "budget", "function": "sum", "field": "yd_jobs.budget"}],
    }
    at = quote('[[],[],"budget"]')
    led = urlsplit(str(me.get(f"{kept(me, body)}/records?at={at}").headers["location"]))
    given = parse_qs(led.query)
    assert led.path == "/w/acme/o/yd_job" and "budget:sum" in given["columns"][0]
    assert "about['account'].id != none" in given["where"][0]
    listed = me.page(f"{led.path.removeprefix('/w/acme')}?{led.query}")
    assert "About: exists" in [c.get_text(strip=True) for c in listed.select(".list-chip span")]
    said = me.get(f"{kept(me, {**body, 'where': 'REPEATED(name)'})}/records?at={at}")
    assert said.status_code == 422 and "in no list that adds up to it" in said.text


def test_the_list_has_published_reports_and_is_searched(home: House) -> None:
    me = home.person("manager")
    page = me.page("/reports")
    at = quote('[["proposal"],[],"count"]')  # a stage of a funnel leads to a list that says so in words
    led = urlsplit(str(me.get(f"/reports/sales_funnel/records?at={at}").headers["location"]))
    listed = me.page(f"{led.path.removeprefix('/w/acme')}?{led.query}")
    assert [c.get_text(strip=True) for c in listed.select(".list-chip span")] == ["Stage: reached Proposal"]
    assert page.select_one('a[href="/w/acme/reports/won_by_month"]') is not None
    found = [a["href"] for a in me.page("/reports?q=Sales%20funnel").select(".reports-card")]
    assert found == ["/w/acme/reports/sales_funnel"]
    assert me.page("/reports?q=nothing-like-it").select_one(".empty") is not None


def test_a_menu_leads_to_a_report(home: House) -> None:
    me = home.person("manager")
    page = me.page("/reports/sales_funnel")
    lit = page.select_one('.nav a[href="/w/acme/reports/sales_funnel"]')
    assert lit is not None and lit["aria-current"] == "page"


def test_a_report_of_what_one_may_not_read_is_not_there(opened: Opened, me: Person, mine: str) -> None:
    rep = opened.person(REP)
    shared = kept(me, shared="1")
    for path in (
        mine,
        shared,
        "/reports/nothing",
        f"{shared}/records",
        "/reports/build?object=yd_job",
        f"/reports/build?of={mine[9:]}",
    ):
        assert rep.get(path).status_code == 404, path
    assert "Jobs of the yard" not in rep.get("/reports").text
    said = rep.post("/reports/build", {"body": json.dumps(REPORT), "label": "x"})
    assert 400 <= said.status_code < 500


def test_a_shared_report_is_read_by_a_colleague_and_changed_by_none(home: House) -> None:
    me, rep = home.person("rep"), home.person("colleague")
    body = {
        **REPORT,
        "object": "account",
        "rows": [],
        "columns": [],
        "type": "summary",
        "measures": [REPORT["measures"][0]],
    }
    own = kept(me, body)
    assert rep.get(own).status_code == 404
    assert me.post(f"{own}/keep", {"act": "share"}).status_code == 303
    page = rep.page(own)
    assert page.select_one("form[action$=keep]") is None
    for act in ("delete", "unshare", "share"):
        assert rep.post(f"{own}/keep", {"act": act}).status_code == 404
    assert me.post(f"{own}/keep", {"act": "unshare"}).status_code == 303
    assert rep.get(own).status_code == 404


def test_a_report_is_changed_in_place_kept_as_new_and_deleted(me: Person, mine: str) -> None:
    name = mine.rpartition("/")[2]
    again = kept(me, {**REPORT, "limit": 2}, of=name)
    other = kept(me, REPORT, of=name, act="new")
    assert again == mine and other != mine
    assert me.post(f"{mine}/keep", {"act": "delete"}).headers["location"] == "/w/acme/reports"
    assert (me.get(mine).status_code, me.get(other).status_code) == (404, 200)


def test_a_report_is_made_official_in_the_draft_only(me: Person, home: House, mine: str) -> None:
    assert me.post(f"{mine}/keep", {"act": "official"}).headers["location"] == "/w/acme/admin/changes"
    assert "c_jobs_of_the_yard" in me.page("/admin/changes").get_text()
    assert me.get("/reports/c_jobs_of_the_yard").status_code == 404
    rep = home.person("rep")
    body = {
        **REPORT,
        "object": "account",
        "rows": [],
        "columns": [],
        "type": "summary",
        "measures": [REPORT["measures"][0]],
    }
    assert rep.post(f"{kept(rep, body)}/keep", {"act": "official"}).status_code == 403


def test_people_are_no_parameter_for_who_may_not_read_them(home: House) -> None:
    body = {"object": "sv_device", "type": "summary", "measures": [REPORT["measures"][0]], "rows": ["name"],
            "parameters": [{"name": "who", "type": "text", "label": "Who"}]}  # fmt: skip
    for who, offered in (("executive", True), ("customer", False)):
        person = home.person(who)
        for type in ("text", "user"):
            given = json.dumps({**body, "parameters": [{**body["parameters"][0], "type": type}]})
            page = person.page(f"/reports/build?body={quote(given)}")
            kinds = {o["value"] for o in page.select(".build-parameters [name=p_type] option")}
            assert ("user" in kinds) == (offered or type == "user") and ("department" in kinds) == offered


def test_nothing_is_kept_without_the_token_or_a_name_or_a_sound_body(me: Person) -> None:
    before = me.page("/reports").select(".reports-card")
    bodies: list[tuple[dict[str, Any] | str, str]] = [
        (REPORT, ""), (REPORT, "x" * (MAX_LABEL + 1)), ("{", "x"), ("[]", "x"), ({**REPORT, "type": "magic"}, "x"),
        ({**REPORT, "where": "(("}, "x"), ({**REPORT, "rows": ["nothing"]}, "x"), ({**REPORT, "object": "nothing"}, "x"),
        ('{"a": "' + "x" * LONGEST_BODY + '"}', "x"),
    ]  # fmt: skip
    for body, label in bodies:
        text = body if isinstance(body, str) else json.dumps(body)
        said = me.post("/reports/build", {"body": text, "label": label})
        assert 400 <= said.status_code < 500, (said.status_code, text[:80], label[:80])
    assert (
        me.call("POST", "/reports/build", data={"body": json.dumps(REPORT), "label": "x"}).status_code == 403
    )
    assert me.post("/reports/p-0/keep", {"act": "delete"}).status_code == 404
    assert me.post("/reports/p-0/keep", {"act": "burn"}).status_code == 400
    assert len(me.page("/reports").select(".reports-card")) == len(before)
    kept(me, label="x" * MAX_LABEL)
    assert MAX_NAME > 40


def test_the_builder_shows_what_is_built_and_keeps_it_in_its_address(me: Person, jobs: list[str]) -> None:
    page = me.page("/reports/build?object=yd_job&act=add:rows:name")
    assert [c.get_text(strip=True) for c in page.select('[data-place="rows"] .build-name')] == ["Name"]
    assert ["Mast", "2"] in lines(page)
    said = me.get("/reports/build?object=yd_job&act=add:values:budget", headers={"HX-Request": "true"})
    assert "<html" not in said.text
    body = json.loads(parse_qs(urlsplit(said.headers["hx-push-url"]).query)["body"][0])
    assert [m["name"] for m in body["measures"]] == ["budget_sum"]
    again = me.page(f"/reports/build?body={quote(json.dumps(body))}&where={quote('urgent')}")
    assert "urgent" in json.loads(again.select_one("[data-body]")["value"])["where"]


def test_the_builder_says_what_cannot_be_run(me: Person) -> None:
    said = me.get(f"/reports/build?body={quote(json.dumps({**REPORT, 'where': 'nothing > 1'}))}")
    assert (
        said.status_code == 422
        and BeautifulSoup(said.text, "html.parser").select_one(".build-preview [role=alert]") is not None
    )
    assert me.get("/reports/build?body=%7B").status_code == 400
    assert me.get("/reports/build?object=nothing").status_code == 404


def test_a_report_of_a_pack_is_changed_as_ones_own(home: House) -> None:
    me = home.person("rep")
    page = me.page("/reports/build?of=won_by_month")
    body = json.loads(page.select_one("[data-body]")["value"])
    assert [m["name"] for m in body["measures"]] == ["won", "deals", "growth", "running"]
    assert me.get(kept(me, body)).status_code == 200


def test_a_report_compares_with_a_year_before(home: House) -> None:
    page = home.person("manager").page("/reports/orders_by_month?compare=year")
    assert page.select_one("select[name=compare] option[selected]")["value"] == "year"


def test_every_text_is_there_in_chinese(opened: Opened, me: Person, mine: str) -> None:
    chinese = opened.person(language="zh-CN")
    page = chinese.page(mine)
    assert lines(page)[-1][0] == "合计"
    assert "导出" in page.get_text()


BLOCKS: dict[str, Any] = {
    "type": "joined", "group": [{"name": "who", "label": "Who"}], "parameters": [{"name": "since", "label": "Since", "type": "date", "default": "2020-01-01"}],
    "blocks": [
        {"name": f"b{n}", "label": f"B{n}", "object": "yd_job", "on": {"who": "created_by"}, "measures": [{"name": f"n{n}", "function": "count"}]}
        for n in (1, 2)
    ],
}  # fmt: skip


def test_a_block_has_conditions_of_its_own_with_parameters_and_shares_what_all_have(
    me: Person, jobs: list[str]
) -> None:
    page = me.page(f"/reports/build?body={quote(json.dumps(BLOCKS))}")
    kinds = {o["value"] for o in page.select('select[name="each"] option')}
    assert {"date", "record:user"} <= kinds and page.select_one('select[name="each"] option[selected]')[
        "value"
    ] == "record:user"
    second = page.select(".build-block")[1].select_one("a[href*='/filter?']")["href"].removeprefix("/w/acme")
    form = me.page(second).select_one("form.list-panel")
    back = form.select_one("[name=back]")["value"]
    pairs = [
        ("open", "all"),
        ("field", "created_at"),
        ("op", "least"),
        ("value", ""),
        ("from", "parameters.since"),
        ("close", "1"),
    ]
    drawn = me.post("/list/yd_job/filter", [*pairs, ("back", back), ("act", "add:")])
    chosen = BeautifulSoup(drawn.text, "html.parser").select_one('select[name="from"] option[selected]')
    assert (chosen["value"], chosen.get_text()) == ("parameters.since", "parameter: Since")
    for wrong in ("parameters.nothing", "budget", "1 == 1 or name"):
        refused = [(n, wrong if n == "from" else v) for n, v in pairs]
        assert (
            me.post("/list/yd_job/filter", [*refused, ("back", back), ("act", "apply")]).status_code == 422
        ), wrong
    led = me.post("/list/yd_job/filter", [*pairs, ("back", back), ("act", "apply")]).headers["location"]
    built = me.page(led.removeprefix("/w/acme"))
    blocks = json.loads(built.select_one("[data-body]")["value"])["blocks"]
    assert "where" not in blocks[0] and "DAY_OF(created_at) >= parameters.since" in blocks[1]["where"]
    assert "Since" in built.select(".build-block")[1].select_one(".build-condition").get_text()
    assert built.select_one(".build-parameters button[value='parameter:drop:0']").has_attr("disabled")
    again = me.page(f"/reports/build?body={quote(json.dumps({**BLOCKS, 'blocks': blocks}))}&each=date")
    made = json.loads(again.select_one("[data-body]")["value"])
    assert made["group"][0]["by"] == "month" and {b["on"]["period"] for b in made["blocks"]} == {"created_at"}


def test_a_report_is_built_of_the_lines_of_a_record_with_choices_among_options_records_and_people(
    opened: Opened, me: Person
) -> None:
    jobs = [
        opened.admin.make("yd_job", name=f"Lined {n}", budget=5000, **{"class": c})["id"]
        for n, c in enumerate(("repair", "build"))
    ]
    sold = [(0, "Rope", 3), (0, "Rope", 4), (1, "Rope", 5), (1, "Sail", 1)]
    for job, what, quantity in sold:
        opened.admin.make("yd_line", job=jobs[job], what=what, quantity=quantity, price=1)
    listed = me.page("/reports/build/fields?object=yd_job&set=lines")
    assert {"lines.id", "lines.what", "lines.quantity"} <= {
        f["data-path"] for f in listed.select(".build-field")
    }
    assert me.get("/reports/build/fields?object=yd_job&set=nothing").status_code == 404
    page, at = me.page("/reports/build?object=yd_job&where=name%20in%20('Lined%200',%20'Lined%201')"), ""
    assert page.select_one("details[data-set=lines] a")["href"] and not page.select(
        '.build-field[data-path^="lines."]'
    )
    for act in ("rows:lines.what", "values:lines.id", "values:lines.quantity"):
        at = f"/reports/build?body={quote(page.select_one('[data-body]')['value'])}"
        page = me.page(f"{at}&act=add:{act}")
    assert [c.get_text(strip=True) for c in page.select('[data-place="values"] .build-name')] == [
        "Records",
        "Number of Lines",
        "Quantity",
    ]
    told = {
        w: [
            len({j for j, x, _ in sold if x == w}),
            *(f(q for _, x, q in sold if x == w) for f in (lambda q: len(list(q)), sum)),
        ]
        for w in ("Rope", "Sail")
    }
    assert {line[0]: [int(v) for v in line[1:]] for line in lines(page)[:-1]} == told

    def choice(kind: str, default: str, body: str) -> BeautifulSoup:
        now = me.page(f"/reports/build?body={quote(body)}&act=parameter:add")
        body = now.select_one("[data-body]")["value"]
        last = len(json.loads(body)["parameters"]) - 1
        asked = f"/reports/build?body={quote(body)}&parameter={last}&p_type={quote(kind)}"
        return me.page(
            f"{asked}&p_default={quote(default)}"
            if not default
            else f"/reports/build?body={quote(me.page(asked).select_one('[data-body]')['value'])}&parameter={last}&p_default={quote(default)}"
        )

    body = page.select_one("[data-body]")["value"]
    for kind, default in (
        ("select:class", "repair"),
        ("cascade:wood", "hard/oak"),
        ("lookup:yd_place", ""),
        ("user", "=me()"),
    ):
        page = choice(kind, default, body)
        body = page.select_one("[data-body]")["value"]
        chip = page.select(".build-parameters .build-chip")[-1]
        assert chip.select_one("[name=p_type] option[selected]")["value"] == kind
        assert chip.select_one("[name=p_default] option[selected]")["value"] == default
    made = json.loads(body)
    assert [p["type"] for p in made["parameters"]] == ["select", "cascade", "lookup", "user"]
    offered = {o["value"] for o in page.select(".build-parameters [name=p_type] option")}
    reads = {o for o in ("yd_place", "account", "position") if me.get(f"/o/{o}").status_code == 200}
    assert {o.removeprefix("lookup:") for o in offered if o.startswith("lookup:")} & {"yd_place", "account", "position"} == reads  # fmt: skip
    filter = me.page(page.select_one("a[href*='/filter?']")["href"].removeprefix("/w/acme"))
    pairs = [("open", "all"), ("field", "berth"), ("op", ""), ("value", ""), ("close", "1"), ("act", "change"),
             ("back", filter.select_one("form.list-panel [name=back]")["value"])]  # fmt: skip
    drawn = BeautifulSoup(me.post("/list/yd_job/filter", pairs).text, "html.parser")
    assert drawn.select_one("[name=op] option[selected]")["value"] == "is", "what one record may answer"
    assert "parameters.choice_3" in {o["value"] for o in drawn.select("[name=from] option")}
    own = "class == parameters.choice_1 and (created_by == parameters.choice_4 or choice_3 == none)"
    mine = kept(me, {**made, "where": f"({made['where']}) and {own}"})
    shown = me.page(mine)
    assert lines(shown)[-1][1:] == ["1", "2", "7"], "the option that is chosen unless another is"
    chosen = [o.get_text() for o in shown.select('[name="p.choice_2"] option')]
    assert "Hardwood / Oak" in chosen and shown.select_one('[name="p.choice_4"] option[selected]') is not None
    assert lines(me.page(f"{mine}?p.choice_1=build"))[-1][1:] == ["1", "2", "6"]
    for job in jobs:  # the others of these tests count every job
        opened.admin.delete(f"/records/yd_job/{job}")


def test_what_a_chart_draws_is_chosen_for_each_figure(me: Person, jobs: list[str]) -> None:
    body = {**REPORT, "type": "summary", "columns": [], "chart": {"type": "combined"}}
    page = me.page(f"/reports/build?body={quote(json.dumps(body))}")
    draws = page.select("select[name=draw]")
    assert [d.select_one("[selected]")["value"] for d in draws] == ["value:jobs", "line:budget"]
    was = page.select_one("input[name=was]")["value"]
    turned = me.page(
        f"/reports/build?body={quote(json.dumps(body))}&was={quote(was)}&draw=line:jobs&draw=value:budget&c_labels=1"
    )
    made = json.loads(turned.select_one("[data-body]")["value"])["chart"]
    assert made == {"type": "combined", "value": "budget", "line": "jobs", "labels": True}
    drawn = json.loads(turned.select_one("figure.chart")["data-chart"])
    assert [(s["name"], s["line"]) for s in drawn["series"]] == [("Budgets", False), ("Jobs", True)]
    two = me.page(f"/reports/build?body={quote(json.dumps({**REPORT, 'chart': {'type': 'bar'}}))}")
    assert [s["name"] for s in two.select(".build-drawn select")][:2] == ["c_x", "c_series"]


def test_a_choice_nobody_made_narrows_nothing_and_the_list_says_only_what_holds(
    me: Person, jobs: list[str]
) -> None:
    body = {
        **REPORT, "columns": [], "parameters": [{"name": "who", "label": "Who", "type": "text"}],
        "where": "budget > 0 and (parameters.who == none or name == parameters.who)",
    }  # fmt: skip
    mine = kept(me, body)
    assert me.page(mine).select("table.figures tbody tr")[-1].select("td")[0].get_text(strip=True) == "4"
    assert lines(me.page(f"{mine}?p.who=Keel"))[-1][1:] == ["1", "1,500.50"]
    led = parse_qs(urlsplit(me.get(f"{mine}/records").headers["location"]).query)["where"]
    assert [where.strip("()") for where in led] == ["budget > 0"]
