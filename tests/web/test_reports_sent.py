"""Reports that leave: as files with numbers that are numbers, by mail on their days with each recipient's rights, as alerts once a crossing."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from email.message import EmailMessage

import pytest
from python_calamine import CalamineWorkbook

from patron_engine.record import connections
from patron_engine.record.connections import Connection
from patron_platform.jobs import reports
from patron_platform.jobs.reports import work_reports
from patron_testing.outside import Out
from patron_testing.peer import peer
from patron_testing.smtp import MailServer, mail_server
from patron_testing.web import ADMIN, REP, Opened

Work = Callable[[], list[EmailMessage]]
RULES = """
kind: report
name: s_jobs
label: {en: Jobs sent, zh-CN: 作业推送}
type: summary
object: yd_job
where: "STARTS_WITH(name, 'Sent') or STARTS_WITH(name, '=Sent')"
rows: [name]
measures:
  - {name: jobs, label: {en: Jobs}, function: count}
  - {name: hands, label: {en: Hands}, function: sum, field: crew}
  - {name: part, label: {en: Part}, expression: "hands / TOTAL(hands)", format: {as: percent}}
sort: [name]
totals: [grand]
schedule:
  - {name: hourly, cron: "30 * * * *", to: [{user: admin@acme.example}, {user: rep@acme.example}], as: xlsx}
alerts:
  - {name: many, when: "hands > 100", to: {user: admin@acme.example}, channels: [inbox, email], message: {en: Too many hands}}
  - {name: told, when: "hands > 100", to: {user: admin@acme.example}, channels: [email, chat], message: "='Hands are ' + TEXT(hands, '0')"}
  - {name: grouped, when: "hands > 200", to: {role: admin}, channels: [chat], message: "='Crowded: ' + TEXT(hands, '0')"}
"""


@pytest.fixture(scope="module")
def post() -> Iterator[MailServer]:
    with mail_server() as running:
        yield running


@pytest.fixture(scope="module")
def out(opened: Opened, post: MailServer) -> Out:
    made = Out(opened, post)
    made.publish(RULES)
    for name, crew in (("Sent a", 30), ("=Sent()", 10)):
        opened.admin.make("yd_job", name=name, crew=crew)
    opened.person(ADMIN).post(
        "/me", {"name": "Admin", "language": "en", "scheme": "", "density": "", "page_size": ""}
    )
    return made


@pytest.fixture
def work(out: Out, post: MailServer) -> Callable[[], list[EmailMessage]]:
    """Does what is due; the letters that came of it."""

    def done() -> list[EmailMessage]:
        work_reports(out.service, out.place)
        out.work()
        return [post.letters.get() for _ in range(post.letters.qsize())]

    return done


def test_a_workbook_has_numbers_and_no_formulas(out: Out, opened: Opened) -> None:
    answer = opened.person().get("/reports/s_jobs/export?as=xlsx")
    assert answer.status_code == 200 and answer.headers["content-type"].startswith("application/vnd.openxml")
    rows = CalamineWorkbook.from_filelike(io.BytesIO(answer.content)).get_sheet_by_index(0).to_python()
    assert rows[0][0] == "Jobs sent"
    assert next(r for r in rows if r[0] == "=Sent()")[1:] == [1.0, 10.0, 0.25]
    assert rows[-1][1:] == [2.0, 40.0, 1.0]
    entry = opened.admin.get("/audit").json()["entries"][0]
    assert entry["action"] == "exported" and entry["detail"]["report"] == "s_jobs"


def test_a_csv_is_guarded(out: Out, opened: Opened) -> None:
    text = opened.person().get("/reports/s_jobs/export?as=csv").content.decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(text)))
    assert rows[0][1:] == ["Jobs", "Hands", "Part"] and rows[1][0] == "'=Sent()" and rows[1][2] == "10"


def test_a_pdf_has_chinese_too(out: Out, opened: Opened) -> None:
    answer = opened.person(ADMIN).get("/reports/s_jobs/export?as=pdf")
    assert answer.content.startswith(b"%PDF-") and b"STSong-Light" in answer.content


@pytest.mark.parametrize(("address", "status"), [("s_jobs/export?as=exe", 422), ("none/export", 404)])
def test_an_export_that_is_none(out: Out, opened: Opened, address: str, status: int) -> None:
    assert opened.person().get(f"/reports/{address}").status_code == status
    assert opened.person(REP).get("/reports/s_jobs/export").status_code in (403, 404)


def test_on_its_hour_each_gets_what_is_his_and_once(out: Out, opened: Opened, work: Work) -> None:
    work()
    out.later(hours=1)
    letters = work()
    assert [letter["To"] for letter in letters] == [ADMIN], "who may not open the report gets none"
    assert letters[0]["Subject"] == "Jobs sent"
    [file] = list(letters[0].iter_attachments())
    assert file.get_filename() == "Jobs sent.xlsx"
    rows = CalamineWorkbook.from_filelike(io.BytesIO(file.get_content())).get_sheet_by_index(0).to_python()
    assert rows[-1][2] == 40.0
    assert work() == [], "not a second time"
    out.later(hours=30)
    assert len(work()) == 1, "what was missed is made up for once"


def test_an_alert_tells_once_a_crossing_and_again_after_it_recovered(
    out: Out, opened: Opened, work: Work
) -> None:
    def alerts() -> list[EmailMessage]:
        """What came, without the report that goes out on its hour: the hour may strike in between."""
        return [letter for letter in work() if letter["Subject"] != "Jobs sent"]

    alerts()
    job = opened.admin.make("yd_job", name="Sent many", crew=90)
    out.later(minutes=16)
    [letter] = alerts()  # what one is told at once is one letter
    body = letter.get_body(("plain",))
    assert letter["Subject"] == "2 notices from acme" and body is not None
    said = body.get_content()
    assert "Too many hands" in said and said.count("Hands: 130") == 2
    assert "Hands are 130" in said, "worked out of what he may see; that there is no robot holds nobody up"
    out.later(minutes=16)
    assert alerts() == [], "it is still so"
    for crew in (1, 95):
        opened.admin.patch(f"/records/yd_job/{job['id']}", {"crew": crew})
        out.later(minutes=16)
        told = alerts()
    assert len(told) == 1
    kept = out.rows("SELECT count(*) FROM SCHEMA.sys__notice WHERE reason = 'report'")
    assert kept == [(2,)], "in the inbox too, once a crossing"


def test_a_chat_group_gets_figures_where_all_of_it_see_the_same_and_no_others_listen(
    out: Out, opened: Opened, work: Work
) -> None:
    with peer() as other:
        for serves, told in ((["admin"], True), ([], False)):
            one = Connection(
                name="wecom", kind="wecom", label="WeCom", config={"serves": serves}, secret={"url": other.url, "secret": ""}
            )  # fmt: skip
            with out.place.connection("write") as conn:
                connections.keep(conn, out.place.schema, out.place.vault, one, out.clock())
            job = opened.admin.make("yd_job", name="Sent crowd", crew=250, confirm=["big_crew"])
            out.later(minutes=16)
            work()
            content = other.next().json["markdown"]["content"]
            assert ("Crowded: " in content, "Hands: " in content) == (told, told), content
            assert "/w/acme/reports/s_jobs" in content and (told or "作业推送" in content)
            opened.admin.delete(f"/records/yd_job/{job['id']}")
            out.later(minutes=16)
            work()
        assert other.count() == 0


def test_who_is_past_the_limit_is_told_of_to_administrators(
    out: Out, opened: Opened, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reports, "MOST", 1)
    work()
    out.later(hours=1)
    work()
    assert "hourly of the report s_jobs reaches 1 of 2 people" in opened.person(ADMIN).page("/inbox").text


def test_what_one_watches_is_sent_to_him_alone_and_told_him_once(
    out: Out, opened: Opened, work: Work
) -> None:
    me, other = opened.person(ADMIN), opened.person(REP)
    at = "/reports/s_jobs/watch"
    assert other.get(at).status_code == 404
    sent = {"act": "add", "watch": "schedule", "every": "day", "at": "08:00", "as": "csv"}
    assert me.post(at, sent).status_code == 303
    assert (
        me.post(
            at, {"act": "add", "watch": "alert", "figure": "hands", "is": "below", "value": "1,000"}
        ).status_code
        == 303
    )
    for wrong in ({"figure": "none"}, {"value": "many"}, {"is": "near"}):
        given = {"act": "add", "watch": "alert", "figure": "hands", "is": "below", "value": "1", **wrong}
        assert me.post(at, given).status_code == 422, wrong
    assert me.post(at, {**sent, "at": "25:00"}).status_code == 422
    said = [li.span.get_text() for li in me.page(at).select(".watch-lines li")]
    assert said == ["Sent every day at 08:00 (CSV file)", "Told when Hands is below 1,000"]
    work()
    out.later(hours=25)
    files = [a.get_filename() for letter in work() for a in letter.iter_attachments()]
    assert files.count("Jobs sent.csv") == 1
    told = "SELECT count(*) FROM SCHEMA.sys__notice WHERE reason = 'report' AND body::text LIKE '%Hands: %'"
    before = out.rows(told)
    out.later(minutes=16)
    work()
    assert out.rows(told) == before, "it still holds: told once"
    for button in me.page(at).select("button[value=drop]"):
        assert (
            me.post(
                at, {"act": "drop", "watch": button.parent.select_one("[name=watch]")["value"]}
            ).status_code
            == 303
        )
    assert me.page(at).select_one(".watch-lines") is None
    out.later(hours=25)
    assert not any(
        a.get_filename() == "Jobs sent.csv" for letter in work() for a in letter.iter_attachments()
    )
