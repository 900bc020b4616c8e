"""What is done in a list: cells, many records at once, undo, the recycle bin, columns, personal views."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest
from bs4 import BeautifulSoup

from patron_testing.web import REP, Opened, Person

HX = {"HX-Request": "true"}


@pytest.fixture
def three(opened: Opened) -> list[dict[str, Any]]:
    return [opened.admin.make("yd_job", name=f"Job {n}", budget="100", crew=n + 1) for n in range(3)]


def ids(rows: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [("id", r["id"]) for r in rows]


def act_of(location: str) -> str:
    return parse_qs(urlsplit(location).query)["done"][0]


def flash(person: Person, location: str) -> str:
    found = person.page(location.removeprefix("/w/acme")).select_one(".flash")
    return found.get_text(" ", strip=True) if found is not None else ""


def test_a_cell_is_changed_where_it_stands(opened: Opened, three: list[dict[str, Any]]) -> None:
    person, job = opened.person(), three[0]
    cell = f"/list/yd_job/cell?columns=name,crew,budget&id={job['id']}&path=crew"
    form = person.page(cell, headers=HX).select_one("form")
    assert form is not None and form.select_one("[name=value]")["value"] == "1"  # type: ignore[index]
    version = str(form.select_one("[name=version]")["value"])  # type: ignore[index]
    said = person.post(cell, {"value": "9", "version": version}, headers=HX)
    assert said.status_code == 200
    assert (
        BeautifulSoup(said.text, "html.parser").select_one('td[data-label="Crew"]').get_text(strip=True)
        == "9"
    )  # type: ignore[union-attr]
    assert opened.admin.read("yd_job", job["id"])["crew"] == 9


def test_who_was_slower_sees_both_values(opened: Opened, three: list[dict[str, Any]]) -> None:
    person, job = opened.person(), three[0]
    cell = f"/list/yd_job/cell?columns=name,crew&id={job['id']}&path=crew"
    opened.admin.patch(f"/records/yd_job/{job['id']}", {"crew": 50})
    said = person.post(cell, {"value": "9", "version": str(job["version"])}, headers=HX)
    assert said.status_code == 412
    page = BeautifulSoup(said.text, "html.parser")
    told = page.select_one(".field-error").get_text()  # type: ignore[union-attr]
    assert "50" in told and "9" in told
    again = {"value": "9", "version": str(page.select_one("[name=version]")["value"])}  # type: ignore[index]
    assert person.post(cell, again, headers=HX).status_code == 200
    assert opened.admin.read("yd_job", job["id"])["crew"] == 9


def test_a_cell_that_breaks_a_rule_or_is_nonsense_stays_open_with_what_is_wrong(
    opened: Opened, three: list[dict[str, Any]]
) -> None:
    person, job = opened.person(), three[0]
    cell = f"/list/yd_job/cell?columns=name,crew&id={job['id']}&path=crew"
    for value in ("501", "many"):
        said = person.post(cell, {"value": value}, headers=HX)
        assert said.status_code == 422 and f'value="{value}"' in said.text and "field-error" in said.text
    warned = person.post(cell, {"value": "200"}, headers=HX)
    assert warned.status_code == 409 and "More than 100 people" in warned.text
    confirm = BeautifulSoup(warned.text, "html.parser").select_one("[name=confirm]")["value"]  # type: ignore[index]
    assert person.post(cell, {"value": "200", "confirm": str(confirm)}, headers=HX).status_code == 200
    for path in ("id", "version", "total", "left", "number", "nothing", "pass"):
        assert person.get(f"/list/yd_job/cell?id={job['id']}&path={path}").status_code in (403, 404), path


def test_many_are_changed_and_taken_back(opened: Opened, three: list[dict[str, Any]]) -> None:
    person = opened.person()
    asked = person.post("/list/yd_job/bulk", [*ids(three), ("act", "edit"), ("field", "crew")])
    assert asked.status_code == 200 and "Change 3" in asked.text
    done = person.post(
        "/list/yd_job/bulk",
        [*ids(three), ("act", "edit"), ("field", "crew"), ("how", "plus"), ("value", "10"), ("sure", "1")],
    )
    assert done.status_code == 303
    assert [opened.admin.read("yd_job", r["id"])["crew"] for r in three] == [11, 12, 13]
    assert flash(person, done.headers["location"]).startswith("3 changed")
    opened.admin.patch(f"/records/yd_job/{three[2]['id']}", {"crew": 77})
    back = person.post(f"/undo/{act_of(done.headers['location'])}", {"back": "/w/acme/o/yd_job"})
    assert back.status_code == 303
    assert [opened.admin.read("yd_job", r["id"])["crew"] for r in three] == [1, 2, 77]
    told = person.page(back.headers["location"].removeprefix("/w/acme"))
    assert "2 as before, 1 stay as they are" in told.get_text(" ", strip=True)
    title, why = (td.get_text(strip=True) for td in told.select("tbody td"))
    assert title == "Job 2" and "changed since" in why
    assert told.select_one(".page-head a")["href"] == "/w/acme/o/yd_job"  # type: ignore[index]
    assert opened.person(REP).get(back.headers["location"].removeprefix("/w/acme")).status_code == 404
    assert person.post(f"/undo/{act_of(done.headers['location'])}").status_code == 409


@pytest.mark.parametrize(
    ("how", "value", "other", "wanted"),
    [
        ("set", "New", "", "New"),
        ("prepend", "A ", "", "A Job 0"),
        ("append", " Z", "", "Job 0 Z"),
        ("replace", "Job", "Work", "Work 0"),
    ],
)
def test_texts_are_changed_in_their_ways(
    opened: Opened, three: list[dict[str, Any]], how: str, value: str, other: str, wanted: str
) -> None:
    form = [
        ("id", three[0]["id"]),
        ("act", "edit"),
        ("field", "name"),
        ("how", how),
        ("value", value),
        ("with", other),
        ("sure", "1"),
    ]
    assert opened.person().post("/list/yd_job/bulk", form).status_code == 303
    assert opened.admin.read("yd_job", three[0]["id"])["name"] == wanted


def test_what_is_refused_is_named_with_its_reason_and_the_rest_is_done(
    opened: Opened, three: list[dict[str, Any]]
) -> None:
    opened.admin.patch(f"/records/yd_job/{three[1]['id']}", {"crew": 95})
    form = [*ids(three), ("act", "edit"), ("field", "crew"), ("how", "plus"), ("value", "450"), ("sure", "1")]
    said = opened.person().post("/list/yd_job/bulk", form)
    page = BeautifulSoup(said.text, "html.parser")
    assert said.status_code == 200 and "2 done, 1 refused" in said.text
    title, why = (td.get_text(strip=True) for td in page.select("tbody td"))
    assert title == "Job 1" and "500" in why
    assert [opened.admin.read("yd_job", r["id"])["crew"] for r in three] == [451, 95, 453]


def test_of_a_record_that_is_not_there_no_id_is_told_and_nothing_leads_to_it(
    opened: Opened, three: list[dict[str, Any]]
) -> None:
    gone = "0190a0b0-0000-7000-8000-0000000000ff"
    form = [
        ("id", gone),
        *ids(three[:1]),
        ("act", "edit"),
        ("field", "crew"),
        ("how", "set"),
        ("value", "7"),
        ("sure", "1"),
    ]
    said = opened.person().post("/list/yd_job/bulk", form)
    page = BeautifulSoup(said.text, "html.parser")
    assert said.status_code == 200 and "1 done, 1 refused" in said.text
    title = page.select("tbody td")[0]
    assert title.get_text(strip=True) == "…" and title.find("a") is None
    assert gone not in page.get_text()


def test_deleting_asks_first_and_can_be_undone_and_the_bin_restores(
    opened: Opened, three: list[dict[str, Any]]
) -> None:
    person = opened.person()
    asked = person.post("/list/yd_job/bulk", [*ids(three), ("act", "delete")])
    assert (
        asked.status_code == 200 and opened.admin.get(f"/records/yd_job/{three[0]['id']}").status_code == 200
    )
    done = person.post("/list/yd_job/bulk", [*ids(three), ("act", "delete"), ("sure", "1")])
    assert opened.admin.get(f"/records/yd_job/{three[0]['id']}").status_code == 404
    bin = person.page("/o/yd_job?deleted=1&sort=name&columns=name")
    assert {r["id"] for r in three} <= {tr["data-id"] for tr in bin.select("tbody tr[data-id]")}
    said = person.post("/list/yd_job/bulk?deleted=1", [("id", three[0]["id"]), ("act", "restore")])
    assert (
        said.status_code == 303 and opened.admin.get(f"/records/yd_job/{three[0]['id']}").status_code == 200
    )
    assert person.post(f"/undo/{act_of(done.headers['location'])}").status_code == 303
    assert all(opened.admin.get(f"/records/yd_job/{r['id']}").status_code == 200 for r in three)


def test_an_undo_is_for_ten_minutes_and_for_who_did_it(opened: Opened, three: list[dict[str, Any]]) -> None:
    person = opened.person()
    done = person.post("/list/yd_job/bulk", [*ids(three), ("act", "delete"), ("sure", "1")])
    act = act_of(done.headers["location"])
    assert opened.person(REP).post(f"/undo/{act}").status_code == 404
    assert (
        act in person.get("/inbox/count").text and act in person.get("/undo").text
    )  # from every page, after a reload
    for address in ("/inbox/count", "/undo/recent", "/undo"):
        assert act not in opened.person(REP).get(address).text
    wrong_page = {"HX-Current-URL": "http://["}
    assert person.get("/undo/recent", headers=wrong_page).status_code == 200
    for wrong in ("x", "00000000-0000-0000-0000-000000000000"):
        assert person.post(f"/undo/{wrong}").status_code == 404
    with psycopg.connect(opened.service.settings.database, autocommit=True) as conn:
        conn.execute("UPDATE w_acme.sys__batch SET at = at - interval '11 minutes' WHERE id = %s", (act,))
    assert person.post(f"/undo/{act}").status_code == 404 and act not in person.get("/undo").text
    assert flash(person, done.headers["location"]) == ""


def test_all_that_fit_are_chosen_at_once(opened: Opened, three: list[dict[str, Any]]) -> None:
    form = [
        ("every", "1"),
        ("act", "edit"),
        ("field", "note"),
        ("how", "set"),
        ("value", "seen"),
        ("sure", "1"),
    ]
    said = opened.person().post("/list/yd_job/bulk?where=name+%3D%3D+'Job+1'", form)
    assert said.status_code in (200, 303)
    assert opened.admin.read("yd_job", three[1]["id"])["name"] == "Job 1"
    assert opened.admin.get(f"/records/yd_job/{three[1]['id']}?fields=note").json()["note"] == "seen"
    assert opened.admin.get(f"/records/yd_job/{three[0]['id']}?fields=note").json()["note"] is None


def test_nonsense_acts_change_nothing(opened: Opened, three: list[dict[str, Any]]) -> None:
    person = opened.person()
    base = [("id", three[0]["id"]), ("sure", "1")]
    for form in (
        [("act", "delete"), ("sure", "1")], [*base, ("act", "purge")], [*base, ("act", "edit"), ("field", "id"), ("value", "1")],
        [*base, ("act", "edit"), ("field", "crew"), ("how", "drop"), ("value", "1")],
        [*base, ("act", "edit"), ("field", "crew"), ("how", "plus"), ("value", "NaN?")],
        [*base, ("act", "edit"), ("field", "crew"), ("how", "set"), ("value", "many")],
        [*[("id", str(n)) for n in range(1_001)], ("act", "delete"), ("sure", "1")],
    ):  # fmt: skip
        assert person.post("/list/yd_job/bulk", form).status_code in (400, 422), form[:3]
    assert opened.admin.read("yd_job", three[0]["id"])["version"] == three[0]["version"]


def test_columns_are_kept_for_a_person_and_view_until_they_are_reset(opened: Opened) -> None:
    person = opened.person()
    form = [
        ("back", "view=all"),
        ("show", "name"),
        ("show", "crew"),
        ("show", "class"),
        ("at.name", "1"),
        ("at.crew", "3"),
        ("at.class", "2"),
        ("sort.0", "crew"),
        ("falls.0", "1"),
    ]
    said = person.post("/list/yd_job/columns", form)
    assert said.status_code == 303 and "sort=-crew" in said.headers["location"]
    heads = [th["data-path"] for th in person.page("/o/yd_job?view=all").select("th[data-path]")]
    assert heads == ["name", "class", "crew"]
    assert person.post("/list/yd_job/widths?view=all", {"path": "crew", "width": "222"}).status_code == 204
    assert person.page("/o/yd_job?view=all").select_one('col[data-path="crew"]')["width"] == "222"  # type: ignore[index]
    for width in ("10", "5000", "x"):
        assert (
            person.post("/list/yd_job/widths?view=all", {"path": "crew", "width": width}).status_code == 422
        )
    person.post("/list/yd_job/view", {"act": "reset", "back": "view=all"})
    assert len(person.page("/o/yd_job?view=all").select("th[data-path]")) > 3


def test_a_view_is_saved_shared_renamed_opened_first_and_dropped(
    opened: Opened, three: list[dict[str, Any]]
) -> None:
    person = opened.person()
    back = "view=all&where=crew+%3E+2&sort=-crew&columns=name,crew"
    said = person.post("/list/yd_job/view", {"act": "save", "back": back, "label": "<b>Big</b>"})
    address = said.headers["location"].removeprefix("/w/acme")
    page = person.page(address)
    assert page.select_one(".tab[aria-current]").get_text(strip=True) == "<b>Big</b>"  # type: ignore[union-attr]
    assert [th["data-path"] for th in page.select("th[data-path]")] == ["name", "crew"]
    view = address.split("?")[1]
    person.post("/list/yd_job/view", {"act": "rename", "back": view, "label": "Large"})
    assert person.page(address).select_one(".tab[aria-current]").get_text(strip=True) == "Large"  # type: ignore[union-attr]
    person.post("/list/yd_job/view", {"act": "start", "back": view})
    assert person.page("/o/yd_job").select_one(".tab[aria-current]").get_text(strip=True) == "Large"  # type: ignore[union-attr]
    assert person.post("/list/yd_job/view", {"act": "save", "back": view, "label": ""}).status_code == 422
    person.post("/list/yd_job/view", {"act": "delete", "back": view})
    assert "Large" not in [a.get_text(strip=True) for a in person.page("/o/yd_job").select(".tab")]
    assert person.post("/list/yd_job/view", {"act": "delete", "back": "view=all"}).status_code == 404


def test_a_view_whose_fields_are_gone_says_so_to_its_owner(opened: Opened) -> None:
    api = opened.admin
    columns = {"object": "yd_job", "label": "Old", "columns": ["name", "was_there", "crew"]}
    assert api.put("/me/documents/view/old", columns).status_code == 200
    broken = {"object": "yd_job", "label": "Broken", "columns": ["name"], "where": "was_there == 1"}
    assert api.put("/me/documents/view/broken", broken).status_code == 200
    person = opened.person()
    links = {
        a.get_text(strip=True): str(a["href"]).removeprefix("/w/acme")
        for a in person.page("/o/yd_job").select(".tab")
    }
    assert "was_there" in person.page(links["Old"]).select_one(".alert-warning").get_text()  # type: ignore[union-attr]
    assert "was_there" in person.page(links["Broken"], status=422).select_one(".alert-error").get_text()  # type: ignore[union-attr]
    for name in ("old", "broken"):
        assert api.delete(f"/me/documents/view/{name}").status_code == 204


def test_personal_documents_over_the_api_are_checked_by_their_schema(opened: Opened) -> None:
    api = opened.admin
    good = {"object": "yd_job", "label": "Mine", "columns": ["name"]}
    assert api.put("/me/documents/view/mine", good).status_code == 200
    assert api.get("/me/documents/view/mine").json()["columns"] == ["name"]
    assert opened.rep.get("/me/documents/view/mine").status_code == 404
    for kind, body in (
        ("view", {**good, "nonsense": 1}),
        ("view", {**good, "columns": 3}),
        ("view", {**good, "object": "nothing"}),
        ("menu", good),
        ("start", good),
    ):
        assert api.put(f"/me/documents/{kind}/x", body).status_code == 422, (kind, body)
    assert opened.stranger.get("/me/documents/view/mine").status_code == 401
    assert api.delete("/me/documents/view/mine").status_code == 204
    assert api.delete("/me/documents/view/mine").status_code == 404


def test_a_view_of_an_object_he_may_not_see_is_one_of_an_unknown_object(opened: Opened) -> None:
    """Byte for byte: whether there is such an object is not his to know."""
    assert opened.rep.get("/records/yd_job").status_code == 404
    assert opened.admin.get("/records/yd_job").status_code == 200
    for kind, more in (("view", {"label": "V", "columns": ["name"]}), ("arrangement", {"view": "v"})):
        said = [
            opened.rep.put(f"/me/documents/{kind}/v", {**more, "object": object})
            for object in ("yd_job", "yd_nothing")
        ]
        assert [s.status_code for s in said] == [422, 422]
        assert said[0].content == said[1].content, said[0].text
    assert opened.rep.get("/me/documents/view/v").status_code == 404


def test_a_tree_opens_branch_by_branch(opened: Opened) -> None:
    top = opened.admin.make("department", name="Top", code="top")
    opened.admin.make("department", name="Below", code="below", parent=top["id"])
    person = opened.person()
    page = person.page("/o/department?type=tree")
    names = [a.get_text(strip=True) for a in page.select("tbody .title-link")]
    assert "Top" in names and "Below" not in names
    opener = page.select_one(f'tr[data-id="{top["id"]}"] .tree-open')
    assert opener is not None
    branch = person.page(str(opener["href"]).removeprefix("/w/acme"), headers=HX)
    assert [a.get_text(strip=True) for a in branch.select(".title-link")] == ["Below"]
    assert branch.select_one(".tree-open") is None


def test_a_link_in_a_cell_is_looked_up_under_its_own_condition(opened: Opened) -> None:
    person, admin = opened.person(), opened.admin
    places = [admin.make("yd_place", name=f"Berth {n:02}") for n in range(30)]
    job = admin.make("yd_job", name="Moored", budget="1", berth=places[0]["id"])
    cell = f"/list/yd_job/cell?columns=name,berth&id={job['id']}&path=berth"
    box = person.page(cell, headers=HX).select_one("select[name=value]")
    assert box is not None and str(box["data-source"]).startswith("/w/acme/o-lookup/yd_job/berth")
    assert box.select_one("[selected]").get_text() == "Berth 00"  # type: ignore[union-attr]
    found = person.get(str(box["data-source"]).removeprefix("/w/acme") + "&q=berth+29").json()["options"]
    assert [o["text"] for o in found] == ["Berth 29"]
    said = person.post(cell, {"value": found[0]["value"]}, headers=HX)
    assert said.status_code == 200 and "Berth 29" in said.text
    assert admin.read("yd_job", job["id"])["berth"]["title"] == "Berth 29"


def test_an_undo_names_what_was_deleted_meanwhile_and_takes_warnings_as_they_were(
    opened: Opened, three: list[dict[str, Any]]
) -> None:
    person, admin = opened.person(), opened.admin
    admin.patch(f"/records/yd_job/{three[0]['id']}", {"crew": 200, "confirm": ["big_crew"]})
    crew = admin.read("yd_job", three[0]["id"])["crew"]
    form = [*ids(three), ("act", "edit"), ("field", "crew"), ("how", "set"), ("value", "5"), ("sure", "1")]
    act = act_of(person.post("/list/yd_job/bulk", form).headers["location"])
    admin.delete(f"/records/yd_job/{three[1]['id']}")
    back = person.post(f"/undo/{act}", {"back": "/w/acme/o/yd_job"})
    told = person.page(back.headers["location"].removeprefix("/w/acme"))
    rows = [[td.get_text(strip=True) for td in tr.select("td")] for tr in told.select("tbody tr")]
    assert rows == [["Job 1", "It is no longer there."]]
    assert admin.read("yd_job", three[0]["id"])["crew"] == crew


@pytest.mark.parametrize(("language", "why"), [("en", "Berth: there is no "), ("zh-CN", "：找不到")])
def test_an_undo_says_to_each_in_his_language_why_a_record_stays(
    opened: Opened, language: str, why: str
) -> None:
    person, admin = opened.person(language=language), opened.admin
    before, after = (admin.make("yd_place", name=f"Berth {n} {language}") for n in "AB")
    job = admin.make("yd_job", name="Moored", budget="1", berth=before["id"])
    form = [
        *ids([job]),
        ("act", "edit"),
        ("field", "berth"),
        ("how", "set"),
        ("value", after["id"]),
        ("sure", "1"),
    ]
    act = act_of(person.post("/list/yd_job/bulk", form).headers["location"])
    admin.delete(f"/records/yd_place/{before['id']}")
    back = person.post(f"/undo/{act}", {"back": "/w/acme/o/yd_job"})
    told = person.page(back.headers["location"].removeprefix("/w/acme"))
    [[title, said]] = [[td.get_text(strip=True) for td in tr.select("td")] for tr in told.select("tbody tr")]
    assert title == "Moored" and why in said
    assert admin.read("yd_job", job["id"])["berth"]["id"] == after["id"]
