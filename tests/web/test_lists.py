"""The list page: what stands in it, what its address says, who may see it, what is wrong with an address."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, quote, unquote, urlsplit

import pytest
from bs4 import BeautifulSoup

from patron_engine.page.operators import OPERATORS, PATTERNS
from patron_testing.web import REP, Opened

SCRIPT = "<script>alert(1)</script>"


def titles(page: BeautifulSoup) -> list[str]:
    return [a.get_text(strip=True) for a in page.select("tbody .title-link")]


@pytest.fixture(scope="module")
def jobs(opened: Opened) -> dict[str, str]:
    """Three jobs: name -> id."""
    api = opened.admin
    place = api.make("yd_place", name="Pier")["id"]
    made = {
        "Mast": api.make("yd_job", name="Mast", budget="500", crew=3, **{"class": "build"}, berth=place),
        "Keel": api.make("yd_job", name="Keel", budget="1500.5", crew=7, urgent=True),
        SCRIPT: api.make("yd_job", name=SCRIPT, budget="20", marks=["a&b", "<b>"]),
    }
    return {name: row["id"] for name, row in made.items()}


def test_a_stranger_is_led_to_the_sign_in_and_a_user_without_rights_finds_nothing(opened: Opened) -> None:
    said = opened.client.get(
        "/w/acme/o/yd_job?where=x", follow_redirects=False, headers={"Accept": "text/html"}
    )
    assert said.status_code == 303 and said.headers["location"].startswith("/login?next=/w/acme/o/yd_job")
    rep = opened.person(REP)
    for path in (
        "/o/yd_job",
        "/o/nothing",
        "/list/yd_job/count",
        "/list/yd_job/filter",
        "/list/yd_job/values",
        "/list/yd_job/export",
    ):
        assert rep.get(path).status_code == 404, path
    assert rep.post("/list/yd_job/bulk", {"id": "x", "act": "delete", "sure": "1"}).status_code == 404


def test_a_list_shows_its_records_and_hostile_names_are_text(opened: Opened, jobs: dict[str, str]) -> None:
    said = opened.person().get("/o/yd_job?columns=name,marks,budget")
    page = BeautifulSoup(said.text, "html.parser")
    assert set(titles(page)) == set(jobs)
    assert SCRIPT not in said.text and "&lt;script&gt;" in said.text
    assert page.select_one(f'a.title-link[href="/w/acme/o/yd_job/{jobs["Keel"]}"]') is not None
    assert page.select_one('a[href="/w/acme/o/yd_job/new"][data-key="c"]') is not None
    assert "number" in (page.select_one('td[data-label="Budget"]') or {}).get("class", [])  # type: ignore[union-attr]


def test_an_address_sorts_narrows_and_searches(opened: Opened, jobs: dict[str, str]) -> None:
    person = opened.person()
    assert titles(person.page("/o/yd_job?sort=-budget"))[0] == "Keel"
    assert titles(person.page("/o/yd_job?sort=budget"))[-1] == "Keel"
    page = person.page("/o/yd_job?where=" + quote("budget > 1000 and urgent"))
    assert titles(page) == ["Keel"]
    chips = [c.get_text(strip=True) for c in page.select(".list-chip span")]
    assert chips == ["Budget > 1,000", "Urgent: yes"]
    without = [c["href"] for c in page.select(".list-chip a")]
    assert parse_qs(urlsplit(str(without[0])).query)["where"] == ["urgent"]
    assert titles(person.page("/o/yd_job?q=mast")) == ["Mast"]


def test_headings_sort_rising_falling_and_not_at_all(opened: Opened, jobs: dict[str, str]) -> None:
    person = opened.person()

    def heading(path: str) -> str:
        page = person.page(path)
        return str(page.select_one('th[data-path="budget"] a')["href"])  # type: ignore[index]

    first = heading("/o/yd_job?columns=name,budget")
    assert "sort=budget" in first
    second = heading(first.removeprefix("/w/acme"))
    assert "sort=-budget" in second
    assert "sort=" not in heading(second.removeprefix("/w/acme"))


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("where=budget+%3E+'x'", "budget"),
        ("where=nothing+%3D%3D+1", "nothing"),
        ("where=((((", "bracket"),
        ("sort=nothing", "nothing"),
        ("columns=nothing", "nothing"),
        ("where=" + "a" * 3_000, "2000"),
    ],
)
def test_an_address_that_asks_for_nonsense_says_what_is_wrong(opened: Opened, query: str, said: str) -> None:
    page = opened.person().page(f"/o/yd_job?{query}", status=422)
    alert = page.select_one(".alert-error")
    assert alert is not None and said in alert.get_text()


@pytest.mark.parametrize(
    "query",
    [
        "group=nothing",
        "view=nothing",
        "type=nothing",
        "mode=nothing",
        "band=%00",
        "view=a&view=b",
        "deleted=2",
        "limit=-1",
    ],
)
def test_no_address_is_an_error_of_the_server(opened: Opened, query: str) -> None:
    assert opened.person().get(f"/o/yd_job?{query}").status_code in (200, 400, 410, 422)


def test_a_place_that_is_none_any_more_leads_to_the_beginning(opened: Opened) -> None:
    said = opened.person().get("/o/yd_job?after=x&sort=name")
    assert said.status_code == 303 and said.headers["location"].endswith("/o/yd_job?view=all&sort=name")
    part = opened.person().get("/o/yd_job?after=x", headers={"HX-Request": "true"})
    assert part.status_code == 410


def test_the_count_and_the_totals_are_of_all_that_fit(opened: Opened, jobs: dict[str, str]) -> None:
    person = opened.person()
    assert person.page("/list/yd_job/count?where=" + quote("budget < 1000")).get_text(strip=True) == "2"
    view = {
        "object": "yd_job",
        "label": "Sums",
        "columns": ["name", {"field": "budget", "total": "sum"}, {"field": "crew", "total": "avg"}],
    }
    assert opened.admin.put("/me/documents/view/sums", view).status_code == 200
    name = next(
        a["href"] for a in person.page("/o/yd_job").select(".tab") if a.get_text(strip=True) == "Sums"
    )
    foot = person.page(str(name).replace("/w/acme/o/yd_job", "/list/yd_job/totals"))
    text = foot.get_text(" ", strip=True)
    assert "2,020.5" in text and "5.00" in text
    listed = str(name).replace("/w/acme/o/yd_job", "/list/yd_job/bands") + "&group=class"
    bands = person.page(f"{listed}&bands=build,repair,").select("[hx-swap-oob]")
    assert bands[0]["id"] == "band-build" and bands[2].get_text(strip=True).startswith("0")
    assert bands[0].get_text(strip=True).startswith("1Budget") and "500" in bands[0].get_text()
    assert opened.admin.delete("/me/documents/view/sums").status_code == 204


def test_groups_stand_above_their_records(opened: Opened, jobs: dict[str, str]) -> None:
    page = opened.person().page("/o/yd_job?group=class&columns=name,class")
    assert [b.get_text(strip=True) for b in page.select(".list-band-name")] == ["Repair", "Build"]
    figures = page.select(".list-figures")
    assert len(figures) == 1 and "bands=repair%2Cbuild" in str(
        figures[0]["hx-get"]
    )  # one question for all of them


def test_groups_of_every_kind_are_counted(opened: Opened, jobs: dict[str, str]) -> None:
    person = opened.person()
    for group in ("class", "owner", "urgent", "care", "berth", "wood"):
        page = person.page(f"/o/yd_job?group={group}&columns=name")
        asked = page.select_one(".list-figures")
        if asked is None:
            continue
        counted = person.page(str(asked["hx-get"]).removeprefix("/w/acme")).select("[hx-swap-oob]")
        marks = [c["id"] for c in page.select(".list-band .count")]
        assert [c["id"] for c in counted] == marks and len(set(marks)) == len(marks)
        assert sum(int(c.find(string=True)) for c in counted) == len(page.select("tr[data-id]"))


def test_parts_follow_each_other_until_the_last(opened: Opened) -> None:
    for n in range(55):
        opened.admin.make("yd_place", name=f"Place {n:02}")
    person = opened.person()
    page = person.page("/o/yd_place?sort=name")
    assert len(titles(page)) == 50
    following = str(page.select_one(".list-next a")["href"]).removeprefix("/w/acme")  # type: ignore[index]
    assert titles(person.page(following))[0] > titles(page)[-1]
    part = person.get(following, headers={"HX-Request": "true"})
    assert "<html" not in part.text and part.text.count("data-id=") >= 5


def test_every_operator_of_every_field_answers(opened: Opened, jobs: dict[str, str]) -> None:
    """Each is chosen in the form, which leads to an address that lists records."""
    person = opened.person()
    token = person.token()
    by_family = {
        "text": "name", "number": "budget", "date": "begun_on", "datetime": "due_at", "time": "bell", "boolean": "urgent",
        "choice": "class", "list": "tools", "link": "berth", "user": "owner", "department": "department", "cascade": "wood",
    }  # fmt: skip
    values = {
        "number": "7", "date": "2026-03-09", "datetime": "2026-03-09", "time": "10:00", "choice": "build", "list": "saw",
        "link": jobs["Mast"], "user": jobs["Mast"], "department": jobs["Mast"], "cascade": "hard/oak",
    }  # fmt: skip
    tried = set()
    for family, field in by_family.items():
        for operator in OPERATORS[family]:
            value = (
                "7"
                if "days" in operator
                or "months" in operator
                or "years" in operator
                or operator.startswith("in_")
                or operator == "weekday"
                else values.get(family, "x")
            )
            pairs = [
                ("_csrf", token),
                ("open", "all"),
                ("field", field),
                ("op", operator),
                ("value", value),
                ("value", value),
                ("close", "1"),
                ("act", "apply"),
            ]
            said = person.post("/list/yd_job/filter", pairs)
            assert said.status_code == 303, (field, operator, said.text[-600:])
            address = said.headers["location"].removeprefix("/w/acme")
            assert "where=" in address
            page = person.page(address)
            assert page.select_one(".list-chip") is not None
            tried.add(operator)
    assert tried == set(PATTERNS) - {"within"}, "that one asks for a parameter of a report"


def test_the_builder_works_with_buttons_alone(opened: Opened, jobs: dict[str, str]) -> None:
    person = opened.person()
    page = person.page("/list/yd_job/filter?where=" + quote("budget > 100 and (urgent or crew < 5)"))
    form = page.select_one("form.list-panel")
    assert form is not None
    assert len(form.select(".filter-group")) == 2
    assert [s.select_one("option[selected]")["value"] for s in form.select("select[name=field]")] == [
        "budget",
        "urgent",
        "crew",
    ]  # type: ignore[index]
    pairs = fields_of(form)
    more = person.post("/list/yd_job/filter", [*pairs, ("act", "add:1")])
    again = BeautifulSoup(more.text, "html.parser").select_one("form.list-panel")
    assert again is not None and len(again.select("select[name=field]")) == 4
    fewer = person.post("/list/yd_job/filter", [*pairs, ("act", "drop:0")])
    assert len(BeautifulSoup(fewer.text, "html.parser").select("select[name=field]")) == 2
    said = person.post("/list/yd_job/filter", [*pairs, ("act", "apply")])
    assert parse_qs(urlsplit(said.headers["location"]).query)["where"] == [
        "budget > 100 and (urgent or crew < 5)"
    ]
    wrong = [(n, "ten" if n == "value" and v == "100" else v) for n, v in pairs]
    refused = person.post("/list/yd_job/filter", [*wrong, ("act", "apply")])
    assert refused.status_code == 422 and 'value="ten"' in refused.text and "is not a number" in refused.text


def fields_of(form: BeautifulSoup) -> list[tuple[str, str]]:
    """What a browser would send of a form, in its order, buttons left out."""
    found = []
    for e in form.select("input[name], select[name], textarea[name]"):
        if e.name == "select":
            found += [(str(e["name"]), str(o["value"])) for o in e.select("option[selected]")] or (
                [] if e.has_attr("multiple") else [(str(e["name"]), str(e.select_one("option")["value"]))]  # type: ignore[index]
            )
        elif e.get("type") != "checkbox" or e.has_attr("checked"):
            found.append((str(e["name"]), str(e.get("value", e.get_text()))))
    return [(n, v) for n, v in found if n != "_csrf"]


def test_a_value_of_a_link_is_looked_up_and_shown_by_its_title(opened: Opened, jobs: dict[str, str]) -> None:
    person = opened.person()
    found = person.get("/list/yd_place/values?q=pier").json()["options"]
    assert [o["text"] for o in found] == ["Pier"]
    where = quote(f"berth in ('{found[0]['value']}',)")
    page = person.page(f"/o/yd_job?where={where}")
    assert titles(page) == ["Mast"]
    assert [c.get_text(strip=True) for c in page.select(".list-chip span")] == ["Berth is Pier"]
    form = person.page(f"/list/yd_job/filter?where={where}")
    chosen = form.select_one("select[name=value] option[selected]")
    assert chosen is not None and chosen.get_text(strip=True) == "Pier"
    assert form.select_one("select[data-source='/w/acme/list/yd_place/values']") is not None


def test_a_filter_of_another_form_is_kept_as_text(opened: Opened) -> None:
    person = opened.person()
    page = person.page("/list/yd_job/filter?where=" + quote("LEN(name) > 3"))
    assert page.select_one("textarea[name=text]").get_text() == "LEN(name) > 3"  # type: ignore[union-attr]
    said = person.post("/list/yd_job/filter", {"text": "LEN(name) > 2", "act": "apply"})
    assert parse_qs(urlsplit(said.headers["location"]).query)["where"] == ["LEN(name) > 2"]


def test_an_export_is_exactly_the_list(opened: Opened, jobs: dict[str, str]) -> None:
    said = opened.person().get(
        "/list/yd_job/export?columns=name,budget&sort=-budget&where=" + quote("budget > 100")
    )
    assert said.status_code == 200 and "attachment" in said.headers["content-disposition"]
    lines = said.content.decode("utf-8-sig").splitlines()
    assert lines[0] == "Name,Budget" and [line.split(",")[0] for line in lines[1:]] == ["Keel", "Mast"]


def test_an_export_is_called_as_the_list_and_names_records(opened: Opened, jobs: dict[str, str]) -> None:
    account = opened.admin.make("account", name="Named in a file")
    opened.admin.make("task", title="Look after it", about={"object": "account", "id": account["id"]})
    said = opened.person().get(
        "/list/task/export?columns=title,about&where=" + quote("title == 'Look after it'")
    )
    assert "tasks " in unquote(said.headers["content-disposition"]).lower()
    lines = said.content.decode("utf-8-sig").splitlines()
    assert lines[1:] == ["Look after it,Named in a file"]


def test_acts_need_the_token(opened: Opened, jobs: dict[str, str]) -> None:
    person = opened.person()
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    for path in ("filter", "bulk", "view", "columns", "widths", f"cell?id={jobs['Keel']}&path=crew"):
        said = person.call(
            "POST", f"/list/yd_job/{path}", content="act=delete&sure=1&id=" + jobs["Keel"], headers=kind
        )
        assert said.status_code == 403, path
    assert person.call("POST", f"/undo/{jobs['Keel']}", content="", headers=kind).status_code == 403
    assert opened.admin.read("yd_job", jobs["Keel"])["crew"] == 7


def test_the_page_holds_no_style_and_no_script_of_its_own(opened: Opened) -> None:
    said = opened.person().get("/o/yd_job")
    assert re.search(r"\sstyle=|\son[a-z]+=|<script(?![^>]*src=)", said.text) is None


def test_a_part_has_as_many_records_as_this_person_wants(opened: Opened) -> None:
    for n in range(60):
        opened.admin.make("yd_place", name=f"Jetty {n:02}")
    person = opened.person()
    address = "/o/yd_place?where=" + quote("STARTS_WITH(name, 'Jetty')")
    assert len(titles(person.page(address))) == 50
    chosen = {"name": "Ada", "language": "", "zone": "", "scheme": "", "density": ""}
    for size, wanted in (("25", 25), ("100", 60)):
        assert person.post("/me", {**chosen, "page_size": size}).status_code == 303
        assert len(titles(person.page(address))) == wanted
    assert person.post("/me", {**chosen, "page_size": ""}).status_code == 303
    assert len(titles(person.page(address))) == 50
