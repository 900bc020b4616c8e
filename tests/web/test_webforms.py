"""Forms for people without a login: filled in, known again, closed, too often, what is not heard; what listens to `form`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from bs4 import BeautifulSoup

from patron_engine.actor import SYSTEM
from patron_engine.errors import Refused
from patron_engine.meta.reader import read_documents
from patron_platform.jobs.flow import work_flows
from patron_testing.web import WORKSPACE, Opened

FORMS = """
kind: object
name: c_wf_lead
label: {en: Lead, zh-CN: 线索}
title: name
fields:
  - {name: name, type: text, max_length: 60, label: {en: Name, zh-CN: 姓名}}
  - {name: phone, type: phone, label: {en: Phone, zh-CN: 电话}}
  - {name: note, type: long_text, label: {en: Note}}
  - {name: source, type: text}
  - {name: told, type: integer, default: 0}
  - {name: kind, type: select, options: [{name: big, label: {en: Big}}, {name: small, label: {en: Small}}]}
  - {name: secret_note, type: text}
rules: [{name: not_bad, when: "name == 'Bad'", message: {en: Not that one, zh-CN: 不行}}]
---
kind: webform
name: c_wf_contact
label: {en: Contact us, zh-CN: 联系我们}
intro: {en: We call back.}
object: c_wf_lead
fields: [{field: name, required: true}, {field: phone, required: "kind == 'big'"}, note, {field: kind, default: small}]
set: {source: "='web' + TEXT(1)"}
match: {by: [phone], then: fill_empty}
open: {per_hour: 7, captcha: false}
done: {message: {en: Thank you, zh-CN: 谢谢}}
---
kind: webform
name: c_wf_guarded
label: {en: Guarded}
object: c_wf_lead
fields: [name]
open: {captcha: true, password: open sesame, total: 1}
---
kind: webform
name: c_wf_over
label: {en: Over}
object: c_wf_lead
fields: [name]
open: {until: 2020-01-01}
---
kind: automation
name: c_wf_heard
label: {en: Heard}
object: c_wf_lead
on: {event: form, form: c_wf_contact}
steps: [{name: up, do: update, set: {told: "=told + 1"}}]
"""


@pytest.fixture(scope="module", autouse=True)
def forms(opened: Opened) -> None:
    documents, problems = read_documents(FORMS, "wf.yaml")
    assert not problems
    place = opened.service.runtime.workspace(WORKSPACE)
    place.publish(SYSTEM, place.plan_own(documents))


@pytest.fixture(autouse=True)
def clean(opened: Opened) -> Iterator[None]:
    """A stranger's browser; nobody has sent anything in the last hour."""
    opened.client.cookies.clear()
    place = opened.service.runtime.workspace(WORKSPACE)
    place.writing(SYSTEM, lambda conn, call: conn.execute(f"DELETE FROM {call.schema}.sys__entry"))
    yield
    opened.client.cookies.clear()


def seen(opened: Opened, name: str, status: int = 200, language: str = "en") -> BeautifulSoup:
    said = opened.client.get(f"/form/{WORKSPACE}/{name}", headers={"Accept-Language": language})
    assert said.status_code == status, said.text
    return BeautifulSoup(said.text, "html.parser")


def send(opened: Opened, form: str, token: str | None = None, /, **given: str) -> Any:
    if token is None:
        found = seen(opened, form).find("input", {"name": "_token"})
        token = str(found["value"]) if found is not None else ""
    address, sent = f"/form/{WORKSPACE}/{form}", {"_token": token, **given}
    return opened.client.post(address, data=sent, headers={"Accept-Language": "en"}, follow_redirects=False)


def leads(opened: Opened, where: str) -> list[dict[str, Any]]:
    return opened.admin.rows("c_wf_lead", where=where, fields="id,name,note,source,told,kind,secret_note")


def work(opened: Opened) -> None:
    while work_flows(opened.service.runtime.workspace(WORKSPACE)):
        pass


def test_a_stranger_fills_in_a_form_and_whoever_listens_is_told(opened: Opened) -> None:
    page = seen(opened, "c_wf_contact", language="zh-CN")
    assert page.find("h1").text == "联系我们" and page.find("input", {"name": "secret_note"}) is None
    assert page.select_one("select[name=kind] option[selected]")["value"] == "small"
    said = send(opened, "c_wf_contact", name="Ada", phone="010 5555 1111", kind="small")
    assert said.status_code == 303
    thanks = opened.client.get(said.headers["location"], headers={"Accept-Language": "zh-CN"})
    assert "谢谢" in thanks.text
    work(opened)
    (lead,) = leads(opened, "name == 'Ada'")
    assert lead["source"] == "web1" and lead["told"] == 1 and lead["kind"] == "small"
    history = opened.admin.get(f"/records/c_wf_lead/{lead['id']}/history").json()
    assert "c_wf_contact" in str(history)


def test_who_is_known_is_found_again_and_only_gaps_are_filled(opened: Opened) -> None:
    send(opened, "c_wf_contact", name="Grace", phone="010 5555 2222")
    send(opened, "c_wf_contact", name="G. Hopper", phone="01055552222", note="Call me")
    work(opened)
    (lead,) = leads(opened, "phone == '01055552222'")
    assert lead["name"] == "Grace" and lead["note"] == "Call me" and lead["told"] == 2


def test_a_page_that_is_sent_twice_is_taken_once(opened: Opened) -> None:
    token = str(seen(opened, "c_wf_contact").find("input", {"name": "_token"})["value"])
    for _ in range(2):
        assert send(opened, "c_wf_contact", token, name="Twice").status_code == 303
    assert len(leads(opened, "name == 'Twice'")) == 1


def test_what_is_missing_or_wrong_is_told_with_everything_typed(opened: Opened) -> None:
    said = send(opened, "c_wf_contact", name="", note="kept text")
    page = BeautifulSoup(said.text, "html.parser")
    assert said.status_code == 422 and "kept text" in said.text
    assert "needed" in page.select_one("[data-field=name] .field-error").text
    said = send(opened, "c_wf_contact", name="Big one", kind="big")
    assert said.status_code == 422 and "needed" in said.text
    assert send(opened, "c_wf_contact", name="x" * 61).status_code == 422
    assert send(opened, "c_wf_contact", name="Y", kind="huge").status_code == 422
    said = send(opened, "c_wf_contact", name="Bad")
    assert said.status_code == 422 and ("Not that one" in said.text or "could not be taken" in said.text)
    assert leads(opened, "name in ('Bad', 'Y', 'Big one')") == []


def test_other_fields_and_other_tokens_are_not_heard(opened: Opened) -> None:
    assert (
        send(opened, "c_wf_contact", name="Sly", secret_note="x", told="9", source="mine").status_code == 303
    )
    (lead,) = leads(opened, "name == 'Sly'")
    assert lead["secret_note"] is None and lead["source"] == "web1" and lead["told"] == 0
    for token in ("", "a.b.c", "0.99999999999.00", "é.1.2", "x" * 5_000):
        assert send(opened, "c_wf_contact", token, name="Forged").status_code == 422
    assert leads(opened, "name == 'Forged'") == []
    other = {
        "_token": str(seen(opened, "c_wf_contact").find("input", {"name": "_token"})["value"]),
        "name": "Far",
    }
    said = opened.client.post(f"/form/{WORKSPACE}/c_wf_contact", data=other, headers={"Sec-Fetch-Site": "cross-site"})  # fmt: skip
    assert said.status_code == 403


def test_the_limit_of_an_hour_counts_one_place(opened: Opened) -> None:
    for number in range(7):
        assert send(opened, "c_wf_contact", name=f"Many {number}").status_code == 303
    said = send(opened, "c_wf_contact", name="Many 7")
    assert said.status_code == 429 and "7 times" in said.text
    assert len(leads(opened, "CONTAINS(name, 'Many ')")) == 7


def test_a_sum_a_word_and_a_total(opened: Opened) -> None:
    def answered(word: str, off: int = 0) -> Any:
        page = seen(opened, "c_wf_guarded")
        token = str(page.find("input", {"name": "_token"})["value"])
        numbers = re.findall(r"\d+", page.select_one("label[for=f-proof]").text)
        return send(
            opened,
            "c_wf_guarded",
            token,
            name="Guarded",
            _word=word,
            _proof=str(sum(map(int, numbers)) + off),
        )

    wrong = answered("open sesame", 1)
    assert "not the sum" in wrong.text and "access code is wrong" not in wrong.text
    wrong = answered("sesame")
    assert wrong.status_code == 422 and "access code is wrong" in wrong.text
    assert leads(opened, "name == 'Guarded'") == []
    assert answered("open sesame").status_code == 303
    assert (
        seen(opened, "c_wf_guarded", 410).select_one("[role=status]").text
        == "This form has all the entries it takes"
    )


def test_words_are_not_guessed_without_end(opened: Opened) -> None:
    for _ in range(6):
        page = seen(opened, "c_wf_guarded")
        numbers = re.findall(r"\d+", page.select_one("label[for=f-proof]").text)
        token = str(page.find("input", {"name": "_token"})["value"])
        said = send(opened, "c_wf_guarded", token, _word="guess", _proof=str(sum(map(int, numbers))))
    assert said.status_code == 429 and int(said.headers["retry-after"]) > 0


def test_a_form_that_is_over_or_none(opened: Opened) -> None:
    assert "not open" in seen(opened, "c_wf_over", 410).text
    assert send(opened, "c_wf_over", "", name="Late").status_code == 422
    assert opened.client.get(f"/form/{WORKSPACE}/nothing").status_code == 404
    assert opened.client.get("/form/nowhere/c_wf_contact").status_code == 404


def test_a_field_a_stranger_cannot_fill_in_is_told_by_the_check(opened: Opened) -> None:
    text = "kind: webform\nname: c_wf_bad\nobject: c_wf_lead\nfields: [name, owner]\n"
    documents, problems = read_documents(f"{FORMS}---\n{text}", "bad.yaml")
    with pytest.raises(Refused) as refused:
        opened.service.runtime.workspace(WORKSPACE).plan_own(documents)
    wrong = [p.code for p in refused.value.problems if p.level == "error"]
    assert not problems and wrong == ["not_on_webforms"]
