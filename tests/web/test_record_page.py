"""The record page: what one sees of a record, what one does with it, and who sees nothing."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from bs4 import BeautifulSoup

from patron_testing.web import REP, Opened, Person

SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c636060f8cfc0000003030101b4bd0f3e"
    "0000000049454e44ae426082"
)


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


@pytest.fixture
def me(opened: Opened) -> Person:
    return opened.person()


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


def test_a_follow_up_makes_an_activity_and_the_task_of_its_next_date(opened: Opened, me: Person) -> None:
    account = opened.admin.make("account", name="Follow me")
    form = {"kind": "visit", "text": "Saw the plant\nand had tea", "next": "2099-01-02T09:00"}
    said = me.post(f"/o/account/{account['id']}/follow-up", form)
    assert said.status_code == 303, said.text
    activity = opened.admin.rows(
        "activity", where=f"account == '{account['id']}'", fields="id,kind,subject,content,next_contact_at"
    )
    assert [(a["kind"], a["subject"]) for a in activity] == [("visit", "Saw the plant")]
    assert activity[0]["content"] == "Saw the plant\nand had tea"
    tasks = opened.admin.rows("task", where="title == 'Saw the plant'", fields="due,about,owner,status")
    assert [(t["due"], t["about"]["id"], t["status"]) for t in tasks] == [
        ("2099-01-02", activity[0]["id"], "open")
    ]
    page = me.page(f"/o/account/{account['id']}")
    assert "Saw the plant" in page.select_one("#timeline").get_text()


def test_a_follow_up_without_words_comes_back_with_what_was_typed(opened: Opened, me: Person) -> None:
    account = opened.admin.make("account", name="Quiet")
    said = me.post(f"/o/account/{account['id']}/follow-up", {"kind": "email", "text": " ", "next": "never"})
    assert said.status_code == 422
    page = BeautifulSoup(said.text, "html.parser")
    assert page.select_one("input[name=kind][checked]")["value"] == "email"
    assert page.select_one("input[name=next]")["value"] == "never"
    assert "Say what was done." in page.select_one(".composer [role=alert]").get_text()
    assert opened.admin.rows("activity", where=f"account == '{account['id']}'") == []


def test_a_comment_is_its_writers_own(opened: Opened, me: Person) -> None:
    account = opened.admin.make("account", name="Talk")
    here = f"/o/account/{account['id']}"
    colleague = opened.admin.rows("user", where=f"email == '{REP}'")[0]
    said = me.post(f"{here}/comments", [("body", "Look @rep"), ("mention", colleague["id"])])
    assert said.status_code == 303
    found = opened.admin.rows("comment", where="body == 'Look @rep'", fields="id,mentions")[0]
    assert [m["id"] for m in found["mentions"]] == [colleague["id"]]
    assert me.post(f"{here}/comments/{found['id']}", {"body": "Looked"}).status_code == 303
    assert "Looked" in me.page(here).select_one("#timeline").get_text()
    other = opened.admin.make("account", name="Elsewhere")
    assert me.post(f"/o/account/{other['id']}/comments/{found['id']}", {"body": "x"}).status_code == 404
    assert me.post(f"{here}/comments/{found['id']}", {"body": "", "delete": "1"}).status_code == 303
    assert "Looked" not in me.page(here).select_one("#timeline").get_text()
    assert me.post(f"{here}/comments", {"body": ""}).status_code == 422


def test_the_history_tells_before_and_after_and_who(opened: Opened, me: Person) -> None:
    api = opened.admin
    one, two = api.make("account", name="First"), api.make("account", name="Second")
    job = api.make("yd_job", name="Told", crew=1, about={"object": "account", "id": one["id"]})
    api.patch(f"/records/yd_job/{job['id']}", {"crew": 2, "about": {"object": "account", "id": two["id"]}})
    api.patch(f"/records/yd_job/{job['id']}", {"crew": 5, "class": "build"})
    page = me.page(f"/o/yd_job/{job['id']}?kind=change")
    told = [" ".join(c.get_text(" ", strip=True).split()) for c in page.select(".change")]
    assert told[:2] == ["Class Repair Build", "Crew 2 5"] or told[:2] == ["Crew 2 5", "Class Repair Build"]
    assert sorted(told[2:4]) == ["About First Second", "Crew 1 2"]
    assert "created the record" in page.select(".timeline-change")[-1].get_text()


def test_the_timeline_is_read_to_its_end_and_shows_everything_once(opened: Opened, me: Person) -> None:
    account = opened.admin.make("account", name="Busy")
    about = {"object": "account", "id": account["id"]}
    for n in range(27):
        opened.admin.make(
            "activity", kind="call", subject=f"Call {n:02}", about=about, at=f"2026-10-{n % 9 + 1:02}"
        )
    for n in range(18):
        opened.admin.make("comment", body=f"Comment {n:02}", about=about)
    address: str | None = f"/o/account/{account['id']}/timeline"
    seen: list[str] = []
    days: list[str] = []
    while address:
        page = me.page(address)
        seen += [e["id"] for e in page.select(".timeline-entry")]
        days += [e["datetime"] for e in page.select(".timeline-comment time")]
        more = page.select_one(".timeline-more a")
        address = more["href"].removeprefix("/w/acme") if more else None
    assert len(seen) == len(set(seen)) == 27 + 18 + 1  # and that it was created
    assert days == sorted(days, reverse=True)
    assert me.get(f"/o/account/{account['id']}/timeline?after=%22%3Cscript").status_code == 422


def test_what_others_did_since_one_last_looked_is_told_once(
    opened: Opened, me: Person, monkeypatch: Any
) -> None:
    account = opened.admin.make("account", name="Watched")
    here = f"/o/account/{account['id']}"
    assert me.page(here).select_one(".news") is None
    with opened.service.runtime.workspace("acme").connection("write") as conn:
        conn.execute(
            f"UPDATE {opened.service.runtime.workspace('acme').schema}.sys__look SET at = at - interval '1 day'"
        )
    opened.rep  # noqa: B018
    from patron_engine.actor import SYSTEM
    from patron_engine.record.change import Change

    change = Change(action="update", object="account", id=account["id"], set={"short_name": "W"})
    opened.service.runtime.workspace("acme").save(SYSTEM, [change])
    news = me.page(here).select_one(".news")
    assert news is not None and "Short name" in news.get_text()


def test_deleting_says_what_goes_and_the_record_can_come_back(opened: Opened, me: Person) -> None:
    job = opened.admin.make(
        "yd_job", name="Short", lines=[{"what": "a", "price": "1"}, {"what": "b", "price": "1"}]
    )
    here = f"/o/yd_job/{job['id']}"
    asked = me.page(f"{here}/delete")
    assert "2 Lines" in " ".join(asked.select_one(".gone").get_text(" ", strip=True).split())
    assert opened.admin.get(f"/records/yd_job/{job['id']}").status_code == 200
    assert me.post(f"{here}/delete").status_code == 303
    page = me.page(here)
    assert "recycle bin" in page.select_one("[role=status]").get_text()
    assert page.select_one("a[data-key=e]") is None
    assert me.post(f"{here}/restore").status_code == 303
    assert opened.admin.read("yd_job", job["id"])["line_count"] == 2


def test_what_cannot_be_deleted_says_why(opened: Opened, me: Person) -> None:
    account = opened.admin.make("account", name="Held")
    opened.admin.make("contact", name="Holder", account=account["id"])
    page = me.page(f"/o/account/{account['id']}/delete")
    assert page.select_one("[role=alert]") is not None
    assert page.select_one("button.button-danger") is None
    assert me.post(f"/o/account/{account['id']}/delete").status_code == 422


def test_voiding_and_back(opened: Opened, me: Person) -> None:
    job = opened.admin.make("yd_job", name="Void me")
    here = f"/o/yd_job/{job['id']}"
    assert me.post(f"{here}/void").status_code == 303
    assert "Voided" in me.page(here).select_one(".record-title").get_text()
    assert me.post(f"{here}/unvoid").status_code == 303
    assert "Voided" not in me.page(here).select_one(".record-title").get_text()


def test_a_clone_has_the_details(opened: Opened, me: Person) -> None:
    job = opened.admin.make("yd_job", name="Twice", lines=[{"what": "a", "price": "3"}])
    said = me.post(f"/o/yd_job/{job['id']}/clone")
    assert said.status_code == 303
    new = re.search(r"/o/yd_job/([0-9a-f-]{36})", said.headers["location"])
    assert new is not None and new[1] != job["id"]
    assert opened.admin.read("yd_job", new[1])["total"] == "3"


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


def test_a_file_is_sent_shown_and_taken_off(opened: Opened, me: Person) -> None:
    account = opened.admin.make("account", name="Filed")
    here = f"/o/account/{account['id']}"
    token = me.token()
    for name, data in (
        ('"><svg onload=alert(1)>.png', PNG),
        ("evil.svg", SVG),
        ("page.html", b"<script>alert(1)</script>"),
    ):
        said = me.call("POST", f"{here}/files", data={"_csrf": token}, files={"file": (name, data)})
        assert said.status_code == 303, said.text
    page = me.page(here)
    assert len(page.select(".file-row")) == 3
    assert page.find("svg", onload=True) is None
    for link in page.select(".file-row a[download]"):
        said = me.get(link["href"].removeprefix("/w/acme") + "?inline=true")
        assert said.headers["x-content-type-options"] == "nosniff"
        assert "sandbox" in said.headers["content-security-policy"]
        shown = said.headers["content-disposition"].startswith("inline")
        assert shown == (said.content == PNG)
    rep = opened.person(REP)
    assert (
        rep.get(page.select_one(".file-row a[download]")["href"].removeprefix("/w/acme")).status_code == 404
    )
    sent = rep.call("POST", f"{here}/files", data={"_csrf": rep.token()}, files={"file": ("a.txt", b"a")})
    assert sent.status_code == 404
    gone = page.select_one(".file-row form")["action"].removeprefix("/w/acme")
    assert me.post(gone).status_code == 303
    assert len(me.page(here).select(".file-row")) == 2


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
    task = api.make("task", title="Do it", about={"object": "account", "id": account["id"]})
    link = me.page(f"/o/account/{account['id']}?tab=tasks").select_one(".related-head a")["href"]
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
