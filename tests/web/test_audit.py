"""The audit as its administrators see it: sign-ins, exports, alerts; the page, the file and the API; nobody else."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from patron_engine.actor import Actor
from patron_engine.record import audit
from patron_platform.identity.entered import entered
from patron_platform.identity.sessions import find_session
from patron_testing.web import ADMIN, REP, WORKSPACE, Opened


@pytest.fixture(autouse=True)
def clean(opened: Opened) -> Iterator[None]:
    yield
    opened.client.cookies.clear()


def wrote(opened: Opened, action: str, about: str = "", **detail: object) -> None:
    place = opened.service.runtime.workspace(WORKSPACE)
    with place.connection("write") as conn, conn.transaction():
        actor = Actor(user=None, name="<b>ann</b>")
        audit.write(conn, place.schema, actor, datetime(2026, 5, 5, 4, tzinfo=UTC), action, about, detail)


def test_a_sign_in_stands_in_the_log_of_the_workspace(opened: Opened) -> None:
    page = opened.person().page("/audit?action=sign_in&who=" + ADMIN)
    rows = page.select(".audit-rows tbody tr")
    assert rows
    assert all(ADMIN in row.text and "Signed in" in row.text for row in rows)


def test_an_export_is_noted_and_the_log_itself_is_exported(opened: Opened) -> None:
    person = opened.person()
    assert person.get("/list/yd_job/export?form=csv").status_code == 200
    row = person.page("/audit?action=exported").select_one(".audit-rows tbody tr")
    assert [cell.text for cell in row.select("td")][2:4] == ["Exported", "Job"]
    said = person.get("/audit/export?action=exported")
    assert said.headers["content-type"] == "text/csv; charset=utf-8"
    assert "yd_job" in said.text and "sign_in" not in said.text
    assert "audit" in person.page("/audit?action=exported").select_one(".audit-rows tbody tr").text


def test_what_was_written_is_shown_as_text_and_runs_in_no_spreadsheet(opened: Opened) -> None:
    wrote(opened, "act", "=HYPERLINK(1)", note="<script>x</script>")
    person = opened.person()
    said = person.get("/audit?action=act&since=2026-05-05&until=2026-05-05")
    assert "<script>x" not in said.text and "<b>ann" not in said.text and "=HYPERLINK(1)" in said.text
    assert "'=HYPERLINK(1)" in person.get("/audit/export?action=act").text
    assert not person.page("/audit?action=act&since=2026-05-06").select(".audit-rows tr")


@pytest.mark.parametrize(
    "way", ["since=x", "until=2026-02-30", "since=0001-01-01", "before=-1", "before=9" + "9" * 30]
)
def test_what_is_no_day_or_number_is_told(opened: Opened, way: str) -> None:
    person = opened.person()
    assert person.get(f"/audit?{way}").status_code == 422
    assert opened.admin.get(f"/audit?{way}").status_code == 422


def test_only_administrators_see_it(opened: Opened) -> None:
    rep = opened.person(REP)
    assert rep.get("/audit").status_code == 404
    assert rep.get("/audit/export").status_code == 404
    assert opened.rep.get("/audit").status_code == 403
    assert "/audit" not in rep.get("/").text


def test_the_api_gives_pages_of_entries(opened: Opened) -> None:
    for n in range(101):
        wrote(opened, "counted", f"thing/{n}", n=n)
    first = opened.admin.get("/audit", params={"action": "counted"}).json()
    assert len(first["entries"]) == 100
    rest = opened.admin.get("/audit", params={"action": "counted", "before": str(first["next"])}).json()
    assert [e["detail"]["n"] for e in rest["entries"]] == [0]
    assert rest["next"] is None
    assert opened.admin.get("/audit", params={"color": "red"}).status_code == 422
    assert opened.admin.get("/audit", params={"about": "thing/7%"}).json()["entries"] == []


def test_a_sign_in_at_night_rings_the_administrators_bell(opened: Opened) -> None:
    person = opened.person()
    with opened.service.databases.system() as conn:
        session = find_session(conn, person.cookies["patron_session"])
    assert session is not None
    night = datetime(2026, 5, 5, 19, tzinfo=UTC)  # 3 in the morning in Shanghai
    entered(opened.service, session, WORKSPACE, "203.0.113.7", night)
    notices = person.page("/inbox?category=alerts")
    assert "Alert: sign-in outside working hours" in notices.text
    assert "告警：非工作时间登录" in opened.person(language="zh-CN").page("/inbox?category=alerts").text
    assert "alerts" not in opened.person(REP).get("/inbox").text
