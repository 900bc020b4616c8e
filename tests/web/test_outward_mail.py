"""Letters: what somebody is told comes by mail as he chose, in his language, and stops where he says so."""

from __future__ import annotations

from collections.abc import Iterator
from email.message import EmailMessage
from typing import Any

import pytest
from bs4 import BeautifulSoup

from patron_engine.actor import SYSTEM
from patron_engine.query.call import Call
from patron_engine.record.telling import tell
from patron_testing.outside import Out
from patron_testing.smtp import MailServer, mail_server
from patron_testing.web import ADMIN, REP, WORKSPACE, Opened

RULES = """
kind: automation
name: m_mails
object: yd_job
on: {event: created}
when: "name == 'mails'"
steps:
  - {name: tell, do: notify, to: [{user: rep@acme.example}, {user: admin@acme.example}], subject: {en: "A job, **crew**", zh-CN: 新作业}, message: {en: "Look at **it** <b>now</b>"}, channels: [inbox, email]}
---
kind: template
name: m_letter
object: yd_job
channel: email
subject: {en: "Job {{ name }}", zh-CN: "作业 {{ name }}"}
body: {en: "Crew of **{{ name }}**: {{ crew }}\\n\\n- {{ owner.name }}"}
---
kind: automation
name: m_templates
object: yd_job
on: {event: created}
when: "crew == 77"
steps: [{name: tell, do: notify, to: {user: rep@acme.example}, template: m_letter, channels: [inbox, email]}]
---
kind: automation
name: m_texts
object: yd_job
on: {event: created}
when: "name == 'texts'"
steps: [{name: tell, do: notify, to: {user: rep@acme.example}, message: {en: Hurry}, channels: [sms]}]
"""


@pytest.fixture(scope="module")
def post() -> Iterator[MailServer]:
    with mail_server() as running:
        yield running


@pytest.fixture(scope="module")
def out(opened: Opened, post: MailServer) -> Out:
    made = Out(opened, post)
    made.publish(RULES)
    opened.person(REP).post(
        "/me", {"name": "Rep", "language": "en", "scheme": "", "density": "", "page_size": ""}
    )
    return made


@pytest.fixture(autouse=True)
def clean(out: Out) -> Iterator[None]:
    yield
    out.clear()
    out.opened.client.cookies.clear()


def user(out: Out, email: str = REP) -> str:
    return str(out.opened.admin.rows("user", where=f"email == '{email}'", fields="id")[0]["id"])


def say(out: Out, reason: str, text: str, **more: Any) -> None:
    person = user(out)

    def act(conn: Any, call: Call) -> None:
        tell(conn, call, [person], reason, text=text, **more)

    out.place.writing(SYSTEM, act)


def parts(letter: EmailMessage) -> tuple[str, str]:
    plain, page = letter.get_body(("plain",)), letter.get_body(("html",))
    assert plain is not None and page is not None
    return str(plain.get_content()), str(page.get_content())


def test_a_letter_has_both_parts_and_the_headers_of_one_that_a_program_wrote(
    out: Out, post: MailServer
) -> None:
    job = out.opened.admin.make("yd_job", name="mails", crew=1)
    out.work()
    letters = {str(one["To"]): one for one in (post.next(), post.next())}
    link = f"http://crm.example/w/{WORKSPACE}/o/yd_job/{job['id']}"
    assert link in parts(letters[ADMIN])[0] and link in parts(letters[ADMIN])[1]
    letter = letters[REP]
    assert letter["From"] == "Patron <crm@acme.example>"
    assert letter["Subject"] == "A job, **crew**" and letter["Auto-Submitted"] == "auto-generated"
    (parcel,) = [p for p in out.parcels("sent", "notice") if p.person == user(out)]
    assert letter["Message-ID"] == f"<{parcel.id}@acme.example>"
    plain, page = parts(letter)
    assert "Look at **it** <b>now</b>" in plain and link not in plain  # he has no right to the record
    assert "<strong>it</strong> &lt;b&gt;now&lt;/b&gt;" in page
    assert letter["List-Unsubscribe"].strip("<>").startswith("http://crm.example/stop/")
    assert letter["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    rep = out.opened.person(REP)
    lines = rep.page("/inbox?category=automation").select(".notice")
    assert len(lines) == 1 and "A job, **crew**" in lines[0].text and "Look at" in lines[0].text


def test_a_letter_speaks_the_language_of_who_gets_it(out: Out, post: MailServer) -> None:
    rep = out.opened.person(REP)
    rep.post("/me", {"name": "Rep", "language": "zh-CN", "scheme": "", "density": "", "page_size": ""})
    out.opened.admin.make("yd_job", name="mails", crew=1)
    out.work()
    letter = next(one for one in (post.next(), post.next()) if one["To"] == REP)
    assert letter["Subject"] == "新作业" and "因自动化规则而收到此邮件" in parts(letter)[0]
    rep.post("/me", {"name": "Rep", "language": "en", "scheme": "", "density": "", "page_size": ""})


def test_nothing_gets_into_a_header(out: Out, post: MailServer) -> None:
    say(out, "approval", "Hello\r\nBcc: evil@x.example\r\n\r\nbody")
    out.work()
    letter = post.next()
    assert letter["Bcc"] is None and letter["Subject"] == "Hello Bcc: evil@x.example body"


def test_a_template_is_filled_in_and_what_a_record_is_called_makes_no_marks(
    out: Out, post: MailServer
) -> None:
    out.opened.admin.make("yd_job", name="**{{7*7}}** <i>", crew=77)
    out.work()
    letter = post.next()
    assert letter["Subject"] == "Job **{{7*7}}** <i>"
    plain, page = parts(letter)
    assert "Crew of ****{{7*7}}** <i>**: 77" in plain
    assert "<strong>**{{7*7}}** &lt;i&gt;</strong>" in page
    assert out.parcels("sent", "tell") and not out.parcels("parked")


def test_a_text_message_without_a_provider_is_refused_with_its_reason(out: Out) -> None:
    job = out.opened.admin.make("yd_job", name="texts", crew=1)
    out.work()
    run = out.opened.admin.get(f"/runs?record={job['id']}").json()["runs"][0]
    assert run["error"] == "there is no provider of text messages" and run["attempts"] == 1


def test_a_refused_address_is_parked_and_a_server_that_is_away_is_asked_again(
    out: Out, post: MailServer
) -> None:
    out.rows("UPDATE SCHEMA.sys__outbox SET state = state")
    say(out, "approval", "first")
    away = Out(out.opened, post)
    away.service = type(out.service)(
        out.service.settings.model_copy(update={"mail": "smtp://127.0.0.1:9"}), out.service.database,
        out.service.databases, out.service.runtime,
    )  # fmt: skip
    away.work()
    (waits,) = out.parcels()
    assert waits.state == "due" and waits.attempts == 1 and "mail_not_sent" in str(waits.error)
    out.later(seconds=11)
    out.place.runtime.clock = out.clock
    out.work()
    assert post.next()["Subject"] == "first"
    assert [p.state for p in out.parcels()] == ["sent"]


def test_each_chooses_by_reason_and_the_choice_is_kept(out: Out, post: MailServer) -> None:
    rep = out.opened.person(REP)
    ways = [("way", "automation.inbox"), ("way", "comment.email"), ("rhythm", "each"), ("daily_at", "9")]
    assert rep.post("/me/notices", [*ways, ("quiet_from", ""), ("quiet_until", "")]).status_code == 303
    page = rep.page("/me/notices")
    ticked = {box["value"] for box in page.select("input[name=way][checked]")}
    assert ticked == {"automation.inbox", "comment.email"}
    say(out, "approval", "nobody hears this")
    say(out, "automation", "inbox alone")
    say(out, "automation", "asked by a definition", channels=("inbox", "email"))
    say(out, "comment", "letter alone")
    out.work()
    assert post.next()["Subject"] == "letter alone" and post.nothing_came()
    told = " ".join(n.get_text(" ", strip=True) for n in rep.page("/inbox").select(".notice"))
    assert "inbox alone" in told and "nobody hears this" not in told and "letter alone" not in told


@pytest.mark.parametrize(
    "wrong", [{"rhythm": "never"}, {"daily_at": "24"}, {"quiet_from": "x"}, {"daily_at": ""}]
)
def test_a_choice_that_is_none_changes_nothing(out: Out, wrong: dict[str, str]) -> None:
    rep = out.opened.person(REP)
    assert rep.post("/me/notices", {"rhythm": "each", "daily_at": "9", **wrong}).status_code == 422
    assert out.rows("SELECT count(*) FROM SCHEMA.sys__telling") == [(0,)]


def test_what_comes_once_an_hour_comes_in_one_letter(out: Out, post: MailServer) -> None:
    rep = out.opened.person(REP)
    rep.post(
        "/me/notices",
        [("way", "approval.email"), ("way", "sla.email"), ("rhythm", "hourly"), ("daily_at", "9")],
    )
    say(out, "approval", "one")
    say(out, "approval", "two")
    say(out, "sla", "three")
    out.work()
    assert post.nothing_came()
    out.later(hours=1)
    out.work()
    letter = post.next()
    assert letter["Subject"] == f"3 notices from {WORKSPACE}" and post.nothing_came()
    plain, page = parts(letter)
    assert [word for word in ("one", "two", "three") if word in plain and word in page] == [
        "one",
        "two",
        "three",
    ]
    assert letter["List-Unsubscribe"] is None and plain.count("/stop/") == 2


def test_a_link_in_a_letter_ends_letters_of_its_sort(out: Out, post: MailServer) -> None:
    say(out, "approval", "first")
    out.work()
    path = post.next()["List-Unsubscribe"].strip("<>").removeprefix("http://crm.example")
    client = out.opened.client
    asked = BeautifulSoup(client.get(path).text, "html.parser")
    assert asked.select_one(f"form[action='{path}']") is not None
    say(out, "approval", "looking at the link ends nothing")
    out.work()
    assert post.next()["Subject"] == "looking at the link ends nothing"
    assert client.post(path, content="List-Unsubscribe=One-Click").status_code == 200
    say(out, "approval", "unheard")
    say(out, "mention", "heard")
    out.work()
    assert post.next()["Subject"] == "heard" and post.nothing_came()
    assert "unheard" in out.opened.person(REP).page("/inbox?category=approval").text
    forged = path[:-2] + ("AA" if path[-2:] != "AA" else "BB")
    assert client.post(forged).status_code == 404 and client.get("/stop/x").status_code == 404
    assert client.post(path, headers={"Origin": "https://evil.example"}).status_code == 403


def test_who_may_not_read_the_record_gets_no_letter_of_it(out: Out, post: MailServer) -> None:
    job = out.opened.admin.make("yd_job", name="hidden", crew=1)
    say(
        out,
        "comment",
        "somebody wrote",
        about=("yd_job", job["id"]),
        body="secret words",
        channels=("inbox", "email"),
    )
    out.opened.admin.delete(f"/records/yd_job/{job['id']}")
    out.work()
    assert post.nothing_came()
    assert [(p.state, p.error) for p in out.parcels()] == [("given_up", "not_readable")]
    assert "secret words" not in out.opened.person(REP).page("/inbox").text


def test_the_workspaces_own_mail_server_goes_before_and_is_tried_out(out: Out, post: MailServer) -> None:
    admin = out.opened.person(ADMIN)
    place = post.address.rpartition(":")[2]
    form = {"kind": "smtp", "label": "Ours", "name_": "ours", "host": "127.0.0.1", "port": place, "scheme": "smtp",
            "user": "", "password": "", "sender": "team@own.example", "name": "Team", "reply_to": "desk@own.example", "active": "yes"}  # fmt: skip
    barred = admin.post("/admin/connections/new", form)  # the running application may not reach this machine
    assert barred.status_code == 422 and "may not be reached" in barred.text
    with out.place.connection("write") as conn:
        from patron_engine.record import connections
        from patron_engine.record.connections import Connection

        config = {k: form[k] for k in ("host", "port", "scheme", "sender", "name", "reply_to")}
        one = Connection(
            name="ours", kind="smtp", label="Ours", config=config, secret={"password": "pw-secret"}
        )
        connections.keep(conn, out.place.schema, out.place.vault, one, out.clock())
    say(out, "approval", "by ours")
    out.work()
    letter = post.next()
    assert letter["From"] == "Team <team@own.example>" and letter["Reply-To"] == "desk@own.example"
    page = admin.page("/admin/connections/ours")
    assert (
        "pw-secret" not in page.decode()
        and page.select_one("input[name=password]")["placeholder"] == "unchanged"
    )
    raw = out.rows("SELECT secret, config FROM SCHEMA.sys__connection")
    assert b"pw-secret" not in bytes(raw[0][0]) and "pw-secret" not in str(raw[0][1])
    assert out.opened.person(REP).get("/admin/connections").status_code == 404
