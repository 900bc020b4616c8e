"""The record page: what one sees of a record, what one does with it, and who sees nothing."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from bs4 import BeautifulSoup

from patron_testing.web import REP, Opened, Person


def facts(page: BeautifulSoup) -> dict[str, str]:
    """Label -> value, of every section."""
    return {
        str(one.dt.get_text(strip=True)): " ".join(one.dd.get_text(" ", strip=True).split())
        for one in page.select(".sheet-fact, .highlight")
    }


@pytest.fixture(scope="module")
def job(opened: Opened) -> dict[str, Any]:
    api = opened.admin
    place = api.make(
        "yd_place", name="North dock", where={"country": "CN", "city": "上海市", "street": "一号"}
    )
    account = api.make("account", name="Ada & Sons")
    return api.make(
        "yd_job", name="Boat", code="AB-1", **{"class": "build"}, currency="CNY",
        about={"object": "account", "id": account["id"]}, berth=place["id"], places=[place["id"]],
        begun_on="2026-11-01", stay={"from": "2026-11-01", "to": "2026-11-09"}, due_at="2026-11-26T08:30:00Z",
        bell="09:15", hours=5400, crew=3, care=4, budget="12345.60", share="12.5", urgent=True, marks=["red", "热"],
        tools=["saw", "crane"], wood="hard/oak", mail="a@b.example", more={"a": [1, "</script>"]},
        note="one\ntwo", lines=[{"what": "Plank", "quantity": "2", "price": "10.50"}, {"what": "Nail", "price": "1"}],
    )  # fmt: skip


def test_every_kind_of_value_is_shown_in_english(me: Person, job: dict[str, Any]) -> None:
    page = me.page(f"/o/yd_job/{job['id']}")
    assert page.h1.get_text() == "Boat"
    shown = facts(page)
    assert shown["Class"] == "Build"
    assert shown["About"] == "Ada & Sons"
    assert shown["Stay"] == "Nov 1, 2026 – Nov 9, 2026"
    assert shown["Bell"] == "09:15"
    assert shown["Hours"] == "1:30"
    assert shown["Budget"] == "CN¥12,345.60"
    assert shown["Share"] == "12.5%"
    assert shown["Tools"] == "Saw Crane"
    assert shown["Wood"] == "Hardwood / Oak"
    assert shown["Urgent"] == "Yes"
    assert (len(page.select(".stars > .icon")), len(page.select(".stars > .star-off"))) == (4, 1)
    assert shown["Total"] == "CN¥22.00"
    assert shown["Left"] == "CN¥12,323.60"
    assert page.select_one(".lines").get_text() == "one\ntwo"
    link = page.find("a", string="Ada & Sons")
    assert link["href"].startswith("/w/acme/o/account/")
    lines = [
        [td.get_text(" ", strip=True) for td in tr.find_all("td")] for tr in page.select(".sheet tbody tr")
    ]
    assert ["Plank" in row and "CN¥21.00" in row for row in map(str, lines)] == [True, False]


def test_the_same_in_chinese(opened: Opened, job: dict[str, Any]) -> None:
    page = opened.person(language="zh-CN").page(f"/o/yd_job/{job['id']}")
    shown = facts(page)
    assert shown["类别"] == "新造"
    assert shown["停留"] == "2026-11-01 – 2026-11-09"
    assert shown["木材"] == "硬木 / 橡木"
    assert shown["预算"] == "¥12,345.60"
    assert page.html["lang"] == "zh-CN"


def test_a_stranger_is_led_to_the_sign_in_and_who_may_not_read_finds_nothing(
    opened: Opened, job: dict[str, Any]
) -> None:
    path = f"/w/acme/o/yd_job/{job['id']}"
    assert opened.client.get(path, follow_redirects=False).status_code == 303
    rep = opened.person(REP)
    for tail in ("", "?print=1", "/timeline", "/tabs", "/delete", "/people"):
        assert rep.get(f"/o/yd_job/{job['id']}{tail}").status_code == 404, tail
    for tail in ("/follow-up", "/comments", "/follow", "/delete", "/restore", "/void", "/clone", "/stage"):
        said = rep.post(f"/o/yd_job/{job['id']}{tail}", {"text": "x", "body": "x", "to": "x"})
        assert said.status_code == 404, (tail, said.status_code)


def test_what_is_no_record_is_not_there(me: Person) -> None:
    for path in (
        "/o/yd_job/0190f000-0000-7000-8000-000000000000",
        "/o/nothing/0190f000-0000-7000-8000-000000000000",
    ):
        assert me.get(path).status_code == 404


def test_a_form_without_its_token_is_refused(me: Person, job: dict[str, Any]) -> None:
    for tail in ("follow-up", "comments", "follow", "delete", "clone", "void", "files"):
        said = me.call("POST", f"/o/yd_job/{job['id']}/{tail}", data={"text": "x"})
        assert said.status_code == 403, tail


def test_related_lists_are_there_without_scripts(opened: Opened, me: Person) -> None:
    account = opened.admin.make("account", name="Tabs")
    opened.admin.make("contact", name="Known", account=account["id"])
    here = f"/o/account/{account['id']}"
    page = me.page(f"{here}?tab=contacts")
    assert "Known" in page.select_one(".related table").get_text()
    new = page.select_one(".related a[data-key=n]")["href"]
    assert new == f"/w/acme/o/contact/new?fill.account={account['id']}"
    counted = me.page(f"{here}/tabs", headers={"HX-Request": "true"})
    assert "Contacts1" in counted.get_text().replace(" ", "").replace("\n", "")
    assert me.get(f"{here}?tab=nothing").status_code == 404


def test_paper_has_nothing_to_press(me: Person, job: dict[str, Any]) -> None:
    page = me.page(f"/o/yd_job/{job['id']}?print=1")
    assert page.select("form, button, nav") == []
    assert "Boat" in page.h1.get_text()


def test_hostile_words_stay_words(opened: Opened, me: Person) -> None:
    bad = "<img src=x onerror=alert(1)>"
    account = opened.admin.make(
        "account",
        name=f"{bad}</script>",
        short_name="{{7*7}}",
        founded=1996,
        note="<b>x</b>",
        tags=["red;background:url(x)"],
    )
    opened.admin.make(
        "activity", kind="call", subject=bad, content=bad, about={"object": "account", "id": account["id"]}
    )
    opened.admin.make("comment", body=bad, about={"object": "account", "id": account["id"]})
    opened.admin.patch(f"/records/account/{account['id']}", {"short_name": bad})
    text = me.get(f"/o/account/{account['id']}").text
    assert (
        "<img src=x" not in text
        and "<b>x</b>" not in text
        and "49" not in facts(BeautifulSoup(text, "html.parser"))["Short name"]
    )
    page = BeautifulSoup(text, "html.parser")
    assert facts(page)["Founded in"] == "1996"  # a year is no amount
    assert [a for tag in page.find_all(True) for a in tag.attrs if a.startswith("on") or a == "style"] == []


def test_show_all_finds_the_records_of_the_list(opened: Opened, me: Person) -> None:
    """Over a single link, over many links, over a link to several objects."""
    api = opened.admin
    place = api.make("yd_place", name="Show all")
    job = api.make("yd_job", name="Here", berth=place["id"], places=[place["id"]])
    page = me.page(f"/o/yd_place/{place['id']}")
    for tab in ("jobs", "visiting"):
        assert page.select_one(f".record-tabs a[href$='?tab={tab}']") is not None
        link = me.page(f"/o/yd_place/{place['id']}?tab={tab}").select_one(".related-head a")["href"]
        where = parse_qs(urlsplit(link).query)["where"][0]
        assert urlsplit(link).path == "/w/acme/o/yd_job"
        assert [r["id"] for r in api.rows("yd_job", where=where, fields="id")] == [job["id"]]
    account = api.make("account", name="Several")
    contact = api.make("contact", name="Some", account=account["id"])
    task = api.make("task", title="Do it", about={"object": "contact", "id": contact["id"]})
    for here in (f"/o/contact/{contact['id']}?tab=tasks", f"/o/account/{account['id']}?tab=all_tasks"):
        link = me.page(here).select_one(".related-head a")["href"]
        where = parse_qs(urlsplit(link).query)["where"][0]
        assert [r["id"] for r in api.rows("task", where=where, fields="id")] == [task["id"]]


def test_tags_are_put_on_and_taken_off(opened: Opened, me: Person) -> None:
    account = opened.admin.make("account", name="Tagged", tags=["one"])
    here = f"/o/account/{account['id']}"
    assert me.post(f"{here}/tags", {"add": "two，three"}).status_code == 303
    assert me.post(f"{here}/tags", {"remove": "one"}).status_code == 303
    shown = [tag.get_text(strip=True) for tag in me.page(here).select(".record-tags .tag")]
    assert shown == ["two", "three"]
    contactless = opened.admin.make("yd_place", name="No tags")
    assert me.post(f"/o/yd_place/{contactless['id']}/tags", {"add": "x"}).status_code == 404


def test_conditions_of_a_layout_hold_for_the_record_and_hostile_labels_stay_words(
    opened: Opened, me: Person
) -> None:
    api = opened.admin
    bad = '"><img src=x onerror=alert(1)>'
    layout = {
        "object": "yd_word",
        "sections": [
            {"name": "always", "label": {"en": bad}, "help": {"en": bad}, "fields": ["select", "limit"]},
            {"name": "high", "label": {"en": "High only"}, "visible": "limit > 10", "fields": ["where"]},
            {
                "name": "long",
                "label": {"en": "With lines"},
                "visible": "COUNT(lines) > 0",
                "fields": ["confirm"],
            },
        ],
        "highlights": ["limit"],
    }
    draft = api.put("/definitions/layout/yd_word_page", layout).json()["draft"]
    plan = api.post(f"/drafts/{draft}/plan").json()
    assert api.post(f"/drafts/{draft}/publish", {"checksum": plan["checksum"], "note": ""}).status_code == 201
    high = api.make("yd_word", select="High", limit=20, where="w", lines=[{"what": "x"}])
    low = api.make("yd_word", select="Low", limit=5, where="w")

    def sections(id: str) -> list[str]:
        page = me.page(f"/o/yd_word/{id}")
        assert page.find("img", src="x") is None
        return [h.get_text() for h in page.select(".sheet-head h2")]

    assert sections(high["id"]) == [bad, "High only", "With lines"]
    assert sections(low["id"]) == [bad]
