"""Letters that arrive: the address of an automation takes them as mail servers hand them on."""

from __future__ import annotations

from email.message import EmailMessage
from typing import Any

import pytest

from patron_engine.actor import SYSTEM
from patron_engine.meta.reader import read_documents
from patron_platform.jobs.flow import work_flows
from patron_testing.web import V1, WORKSPACE, Opened

RULES = """
kind: automation
name: c_letter
label: {en: Letters become jobs}
on: {event: email, address: Help@acme.example, files: {accept: [.pdf, .txt, image/*, message/rfc822, .zip], max_size: 1 MB}}
when: "not STARTS_WITH(event.subject, 'SPAM')"
steps: [{name: make, do: create, object: yd_job, set: {name: "=event.subject", note: "=event.from + ': ' + event.text", crew: "=LEN(event.files_left_out)"}, attach: "=event.files"}]
"""


@pytest.fixture(scope="module", autouse=True)
def rules(opened: Opened) -> None:
    documents, problems = read_documents(RULES, "c.yaml")
    assert not problems
    place = opened.service.runtime.workspace(WORKSPACE)
    place.publish(SYSTEM, place.plan_own(documents))


def letter(subject: str, id: str = "", html: str = "", **lines: str) -> EmailMessage:
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = "王芳 <wang@buyer.example>", "help@ACME.example", subject
    if id:
        made["Message-ID"] = id
    for name, text in lines.items():
        del made[name.replace("_", "-")]
        made[name.replace("_", "-")] = text
    made.set_content("你好，水泵不转了。", charset="gb18030")
    if html:
        made.set_content(html, subtype="html")
    return made


def deliver(opened: Opened, data: bytes, kind: str = "message/rfc822", **headers: str) -> Any:
    hook = opened.admin.get("/automations/c_letter/hook").json()
    said = opened.client.post(hook["address"], content=data, headers={"Content-Type": kind, **headers})
    while work_flows(opened.service.runtime.workspace(WORKSPACE)):
        pass
    return said


def jobs(opened: Opened, name: str) -> list[dict[str, Any]]:
    return opened.admin.rows("yd_job", where=f"name == '{name}'", fields="name,note")


def test_a_letter_begins_a_run_that_reads_it(opened: Opened) -> None:
    said = deliver(opened, letter("水泵故障").as_bytes())
    assert said.status_code == 202 and said.json()["run"], said.text
    assert [j["note"] for j in jobs(opened, "水泵故障")] == ["wang@buyer.example: 你好，水泵不转了。"]
    deliver(opened, letter("Only marks", html="<p>It <b>leaks</b> &amp; hums</p>").as_bytes())
    assert jobs(opened, "Only marks")[0]["note"] == "wang@buyer.example: It leaks & hums"


def test_a_letter_that_is_delivered_twice_begins_one(opened: Opened) -> None:
    sent = [letter("Twice", id="<1@buyer.example>", X_Hop=str(n)).as_bytes() for n in range(2)]
    runs = [deliver(opened, data).json()["run"] for data in sent]
    assert runs[0] == runs[1] and len(jobs(opened, "Twice")) == 1


def test_what_is_for_others_or_from_programs_begins_nothing(opened: Opened) -> None:
    for made in (
        letter("Elsewhere", To="sales@acme.example"),
        letter("Elsewhere", Auto_Submitted="auto-replied"),
        letter("SPAM Elsewhere"),
    ):
        said = deliver(opened, made.as_bytes())
        assert said.status_code == 202 and said.json()["run"] is None
    copied = letter("Copied", To="sales@acme.example", Cc="Us <help@acme.example>")
    assert deliver(opened, copied.as_bytes()).json()["run"]
    assert jobs(opened, "Elsewhere") == [] and len(jobs(opened, "Copied")) == 1


@pytest.mark.parametrize(
    "data", [b"", b"\x00\xff\xfe", b"Subject: nobody\n\nText", b"From: \n\n", b"From: =?x?Q?=ff?=\n\n"]
)
def test_what_is_no_letter_is_refused(opened: Opened, data: bytes) -> None:
    said = deliver(opened, data)
    assert said.status_code == 400 and said.json()["code"] == "no_letter", said.text


def test_one_that_stands_too_deep_in_itself_is_refused(opened: Opened) -> None:
    within = b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(3_000)
    )
    said = deliver(opened, b"From: a@b.example\nTo: help@acme.example\n" + within)
    assert said.status_code == 400 and said.json()["code"] == "letter_too_deep", said.text


def test_odd_letters_are_read(opened: Opened) -> None:
    for data in (
        b"From: a@b.example\nTo: help@acme.example\nSubject: Odd 1\nContent-Type: text/plain; charset=none-such\n\n\xe4\xbd\xa0\x00",
        b"From: a@b.example\nTo: help@acme.example\nSubject: Odd 1\nContent-Type: multipart/mixed; boundary=x\n\n--x\n\n--x",
        b"From: a@b.example\nTo: help@acme.example\nSubject: Odd 1\nContent-Type: text/plain\nContent-Transfer-Encoding: base64\n\n!!!",
        b'From: a@b.example\nTo: help@acme.example\nSubject: Odd 1\nMessage-ID: <\nContent-Type: message/rfc822\n\nSubject: a\nContent-Type: multipart/mixed; boundary="\xff"\n\n\xff',
    ):
        assert deliver(opened, data).status_code == 202
    assert len(jobs(opened, "Odd 1")) == 4


def test_another_body_and_another_automation_are_told_so(opened: Opened) -> None:
    assert deliver(opened, b"{}", "application/json").status_code == 415
    assert opened.client.post(f"{V1}/hooks/acme.c_letter.aa", content=b"").status_code == 404
    opened.admin.put("/automations/c_letter/hook", {"signed": True})
    assert deliver(opened, letter("Unsigned").as_bytes()).status_code == 401
    opened.admin.put("/automations/c_letter/hook", {"signed": False})


def test_what_is_enclosed_hangs_on_the_record(opened: Opened) -> None:
    """Kept with names that are no paths, by what they are; the others are told, and the letter counts all the same."""
    made = letter("With files")
    made.add_attachment(
        b"%PDF-1.4 plan", maintype="application", subtype="pdf", filename="../../图纸\u202e.pdf"
    )
    made.add_attachment("Notes", filename="a" * 300 + ".txt")
    made.add_attachment(letter("Inside"))
    made.add_attachment(b"MZ\x90\x00 program", maintype="application", subtype="pdf", filename="offer.pdf")
    made.add_attachment(b"x" * 1_100_000, maintype="text", subtype="plain", filename="long.txt")
    made.add_attachment(b"", maintype="text", subtype="plain", filename="nothing.txt")
    assert deliver(opened, made.as_bytes()).json()["run"]
    (job,) = opened.admin.rows("yd_job", where="name == 'With files'", fields="id,crew")
    kept = opened.admin.get(f"/records/yd_job/{job['id']}/files").json()["files"]
    assert [f["name"] for f in kept] == ["图纸.pdf", "a" * 251 + ".txt", "Inside.eml"]
    assert [f["mime"] for f in kept][:2] == ["application/pdf", "text/plain"] and job["crew"] > 50
    place = opened.service.runtime.workspace(WORKSPACE)
    with place.connection("read") as conn:
        (event,) = conn.execute(
            f"SELECT event->>'files_left_out' FROM {place.schema}.sys__run ORDER BY number DESC LIMIT 1"  # type: ignore[arg-type]
        ).fetchone() or ("",)
        lines = event.split("\n")
        assert [line.partition(":")[0] for line in lines] == ["offer.pdf", "long.txt", "nothing.txt"], event
        before = conn.execute(f"SELECT count(*) FROM {place.schema}.sys__file").fetchone()  # type: ignore[arg-type]
    spam = letter("SPAM with files")
    spam.add_attachment("Notes", filename="notes.txt")
    assert deliver(opened, spam.as_bytes()).json()["run"] is None
    with place.connection("read") as conn:  # of a letter that begins nothing no file stays
        assert conn.execute(f"SELECT count(*) FROM {place.schema}.sys__file").fetchone() == before  # type: ignore[arg-type]
