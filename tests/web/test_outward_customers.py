"""Letters to people outside: they reach the address in a record, in its language, and end where the one who got them says so."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from bs4 import BeautifulSoup

from patron_engine.meta.reader import read_documents
from patron_engine.record import outbox
from patron_platform.jobs import outbox as working
from patron_platform.jobs.flow import work_flows
from patron_testing.outside import BASE, Out
from patron_testing.smtp import MailServer, mail_server
from patron_testing.web import Opened

RULES = """
kind: template
name: c_wish
label: {en: A wish, zh-CN: 祝福}
object: contact
channel: email
subject: {en: "For {{ name }}", zh-CN: "致{{ name }}"}
body: {en: "**Well**, {{ name }} of {{ account.name }} {{ id_card }}", zh-CN: "{{ name }}，您好"}
---
kind: template
name: c_crew
object: yd_job
channel: email
subject: {en: "Job {{ name }}"}
body: {en: "Come"}
---
kind: automation
name: c_wishes
object: contact
on: {event: updated, fields: [note]}
when: "occupation != 'marked'"
steps:
  - {name: wish, do: mail, to: {field: email}, template: c_wish, opt_out: do_not_mail, language: language}
---
kind: automation
name: c_marked
object: contact
on: {event: updated, fields: [note]}
when: "occupation == 'marked'"
steps:
  - {name: wish, do: mail, to: {field: email}, template: c_wish, opt_out: false, bounced: email_invalid}
---
kind: automation
name: c_all
object: yd_job
on: {event: updated, fields: [crew]}
when: "crew == 77"
steps: [{name: all, do: mail, target: {object: contact, where: "occupation == 'many'"}, to: {field: email}, template: c_wish, opt_out: do_not_mail}]
---
kind: automation
name: c_wrong
object: yd_job
on: {event: updated, fields: [crew]}
when: "crew == 78"
steps: [{name: one, do: mail, target: {object: contact, where: "occupation == 'many'"}, to: {field: email}, template: c_crew, opt_out: false}]
"""


@pytest.fixture(scope="module")
def post() -> Iterator[MailServer]:
    with mail_server() as running:
        yield running


@pytest.fixture(scope="module")
def out(opened: Opened, post: MailServer) -> Out:
    made = Out(opened, post)
    made.publish(RULES)
    return made


@pytest.fixture(autouse=True)
def clean(out: Out) -> Iterator[None]:
    yield
    out.clear()
    out.opened.client.cookies.clear()


def person(out: Out, name: str, **values: Any) -> str:
    return str(out.opened.admin.make("contact", name=name, **values)["id"])


def wish(out: Out, contact: str, note: str = "now") -> None:
    said = out.opened.admin.patch(f"/records/contact/{contact}", {"note": note})
    assert said.status_code == 200, said.text


def messages(out: Out, contact: str) -> list[dict[str, Any]]:
    return out.opened.admin.rows(
        "message", where=f"contact == '{contact}'", sort="created_at",
        fields="id,subject,status,recipients,error,body,sent_at",
    )  # fmt: skip


def test_a_letter_reaches_the_address_of_a_record_and_ends_where_he_says_so(
    out: Out, post: MailServer
) -> None:
    """One life of it: tried, sent, on the timeline, stopped by its link, and not written again."""
    admin, client = out.opened.admin, out.opened.client
    ann = person(out, "Ann & Co", email="ann@x.example", language="zh_cn", id_card="11010519491231002X")
    tried = admin.post("/automations/c_wishes/try", {"records": [ann], "set": {"note": "x"}}).json()
    (command,) = tried["tried"][0]["runs"][0]["steps"][0]["commands"]
    assert (command["do"], command["text"]) == ("Mail", "ann@x.example")
    assert not messages(out, ann) and not out.parcels("all", "letter")

    wish(out, ann)
    out.work()
    letter = post.next()
    (sent,) = messages(out, ann)
    assert letter["To"] == "ann@x.example" and letter["Subject"] == "致Ann & Co"
    assert letter["Message-ID"] == f"<{sent['id']}@acme.example>" and "Patron" not in str(letter["From"])
    assert letter["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    link = letter["List-Unsubscribe"].strip("<>")
    plain, page = (str(letter.get_body((how,)).get_content()) for how in ("plain", "html"))  # type: ignore[union-attr]
    assert link in plain and link in page and "Ann &amp; Co，您好" in page and "退订" in plain
    assert (sent["status"], sent["subject"]) == ("sent", "致Ann & Co") and sent["sent_at"]
    assert "unsubscribe" not in sent["body"]  # his way out is not for colleagues who look at it
    (parcel,) = out.parcels("sent", "letter")
    assert "ann" not in parcel.target
    assert "致Ann & Co" in out.opened.person("admin@acme.example").page(f"/o/contact/{ann}").text

    path = link.removeprefix(BASE)
    asked = BeautifulSoup(client.get(path).text, "html.parser")
    assert asked.select_one(f"form[action='{path}']") is not None
    assert not admin.read("contact", ann)["do_not_mail"]
    assert client.post(path, headers={"Origin": "https://evil.example"}).status_code == 403
    forged = path[:-2] + ("AA" if path[-2:] != "AA" else "BB")
    assert client.post(forged).status_code == 404 and client.get("/unsubscribe/x").status_code == 404
    wish(out, ann, "one that is on its way")
    assert client.post(path, content="List-Unsubscribe=One-Click").status_code == 200
    assert admin.read("contact", ann)["do_not_mail"] is True
    assert client.post(path).status_code == 200  # once more changes nothing
    out.work()
    assert post.nothing_came()
    history = admin.get(f"/records/contact/{ann}/history").text
    assert "letters_stopped" in history
    (event,) = admin.rows("message_event", where=f"message == '{sent['id']}'", fields="kind")
    assert event["kind"] == "unsubscribed"


def test_one_that_is_on_its_way_is_dropped_when_he_says_so(out: Out, post: MailServer) -> None:
    bob = person(out, "Bob", email="bob@x.example")
    wish(out, bob)
    while work_flows(out.place):
        pass
    out.opened.admin.patch(f"/records/contact/{bob}", {"do_not_mail": True})
    out.work()
    assert post.nothing_came()
    (left,) = messages(out, bob)
    assert left["status"] == "failed" and left["error"].startswith("opted_out")
    assert "<strong>Well</strong>" not in str(left["body"])


def test_a_refused_letter_is_parked_and_sent_again_under_its_id(out: Out, post: MailServer) -> None:
    eve = person(out, "Eve", email="refused@x.example")
    wish(out, eve)
    out.work()
    (parcel,) = out.parcels("parked", "letter")
    (failed,) = messages(out, eve)
    assert failed["status"] == "bounced" and failed["id"] == parcel.id
    out.opened.admin.patch(f"/records/contact/{eve}", {"email": "eve@x.example"})
    with out.place.connection("write") as conn:
        outbox.again(conn, out.place.schema, parcel.id, out.clock())
    out.work()
    letter = post.next()
    assert letter["To"] == "eve@x.example" and letter["Message-ID"] == f"<{parcel.id}@acme.example>"
    assert letter["Subject"] == "致Eve" and [m["status"] for m in messages(out, eve)] == ["sent"]


def test_an_address_that_is_nobodys_is_marked_and_not_written_to_again(out: Out, post: MailServer) -> None:
    """Until it is corrected. What a server refuses because of us marks nobody."""
    admin = out.opened.admin
    ian = person(out, "Ian", email="refused@x.example", occupation="marked")
    wish(out, ian)
    out.work()
    (left,) = messages(out, ian)
    assert left["status"] == "bounced" and left["error"].startswith("address_refused")
    assert not out.parcels("parked", "letter") and [p.error for p in out.parcels("given_up", "letter")] == ["address_refused"]  # fmt: skip
    (event,) = admin.rows("message_event", where=f"message == '{left['id']}'", fields="kind")
    assert event["kind"] == "bounced" and admin.read("contact", ian)["email_invalid"] is True
    assert "letter_bounced" in admin.get(f"/records/contact/{ian}/history").text
    page = out.opened.person("admin@acme.example").page(f"/o/contact/{ian}?kind=change").text
    assert "because a letter bounced" in page

    wish(out, ian, "again")
    out.work()
    assert len(messages(out, ian)) == 1 and post.nothing_came()
    assert admin.patch(f"/records/contact/{ian}", {"email": "ian@x.example"}).status_code == 200
    assert admin.read("contact", ian)["email_invalid"] is False
    wish(out, ian, "once more")
    out.work()
    assert post.next()["To"] == "ian@x.example"

    admin.patch(f"/records/contact/{ian}", {"email": "relay_refused@x.example"})
    wish(out, ian, "our server may not")
    out.work()
    assert len(out.parcels("parked", "letter")) == 1 and admin.read("contact", ian)["email_invalid"] is False


def test_many_at_once_as_many_as_a_day_takes(
    out: Out, post: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        person(out, f"P{number}", email=f"p{number}@x.example", occupation="many")
    person(out, "No address", occupation="many")
    person(out, "Wants none", occupation="many", email="none@x.example", do_not_mail=True)
    monkeypatch.setattr(working, "LETTERS", 2)
    job = out.opened.admin.make("yd_job", name="all", crew=1)
    out.opened.admin.patch(f"/records/yd_job/{job['id']}", {"crew": 77})
    out.work()
    first = {str(post.next()["To"]), str(post.next()["To"])}
    assert post.nothing_came() and len(first) == 2
    (waits,) = out.parcels("due", "letter")
    assert str(waits.error).startswith("limit_letters")
    out.later(hours=25)
    out.work()
    assert first | {str(post.next()["To"])} == {f"p{n}@x.example" for n in range(3)}
    out.opened.admin.patch(f"/records/yd_job/{job['id']}", {"crew": 78})
    out.work()
    (run,) = [r for r in out.rows("SELECT error FROM SCHEMA.sys__run WHERE rule = 'c_wrong'")]
    assert "is about {of}, not {object}" in run[0] and post.nothing_came()


@pytest.mark.parametrize(
    ("step", "code"),
    [
        ("to: {field: mobile}, template: c_wish, opt_out: do_not_mail", "field_type"),
        ("to: {field: email}, template: c_wish, opt_out: name", "field_type"),
        ("to: {role: admin}, template: c_wish, opt_out: do_not_mail", "mail_to"),
        ("to: {field: reports_to.email}, template: c_wish, opt_out: do_not_mail", "mail_opt_out"),
        (
            "to: {field: reports_to.email}, template: c_wish, opt_out: false, bounced: email_invalid",
            "mail_bounced",
        ),
        ("to: {field: email}, template: c_wish", "missing_key"),
    ],
)
def test_a_letter_that_could_not_be_written_is_told_before(out: Out, step: str, code: str) -> None:
    rule = f"kind: automation\nname: c_bad\nobject: contact\non: {{event: created}}\nsteps: [{{name: a, do: mail, {step}}}]"
    documents, problems = read_documents(rule, "o.yaml")
    found = [p.code for p in problems]
    if not problems:
        try:
            out.place.plan_own([*read_documents(RULES, "o.yaml")[0], *documents])
        except Exception as error:  # noqa: BLE001
            found = [p.code for p in getattr(error, "problems", ())]
    assert code in found
