"""The record page in a browser: a follow-up in three acts, moving on, mentions, files, and nothing that runs by itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import expect

from patron_engine.actor import Actor
from patron_engine.record.change import Change
from patron_testing.browser import LOOKS, Site, Visit
from patron_testing.web import ADMIN, WORKSPACE

HOSTILE = [
    "<img src=x onerror=\"document.title='owned'\">",
    "</script><script>document.title='owned'</script>",
    '"><svg onload="document.title=\'owned\'">',
    "{{ 7 * 7 }}${document.title='owned'}",
    "javascript:document.title='owned'",
]


PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c636060f8cfc0000003030101"
    "b4bd0f3e0000000049454e44ae426082"
)


def actor(site: Site) -> Actor:
    with site.service.databases.system() as conn:
        row = conn.execute(
            "SELECT m.user_record FROM patron.membership m JOIN patron.account a ON a.id = m.account WHERE a.email = %s AND m.workspace = %s",
            (ADMIN, WORKSPACE),
        ).fetchone()
    assert row is not None
    return Actor(user=str(row[0]), name=ADMIN, administrator=True)


def make(site: Site, object: str, **values: Any) -> str:
    change = Change(action="create", object=object, set=values)
    return str(site.service.runtime.workspace(WORKSPACE).save(actor(site), [change])[0].id)


def rows(site: Site, object: str, where: str, *fields: str) -> list[dict[str, Any]]:
    from patron_engine.query.spec import Ask

    ask = Ask(object=object, where=where, fields=("id", *fields))
    return site.service.runtime.workspace(WORKSPACE).read(actor(site), ask).rows()


@contextmanager
def at(site: Site, path: str, **how: Any) -> Iterator[Visit]:
    with site.visit(**how) as visit:
        visit.open(path)
        yield visit


@pytest.fixture(scope="module")
def account(site: Site) -> str:
    made = make(site, "account", name="Nordwind 北风", phone="021-62345678", tags=["east"], note="one\ntwo")
    for name in ("张伟", "Jane Miller"):
        make(site, "contact", name=name, account=made)
    make(site, "activity", kind="call", subject="First call", about={"object": "account", "id": made})
    make(site, "opportunity", name="Frame 2027", account=made, amount="1000", stage="qualification")
    return made


@pytest.mark.parametrize(("language", "width", "scheme"), LOOKS)
def test_the_page_is_calm(site: Site, account: str, language: str, width: int, scheme: str) -> None:
    with at(site, f"/o/account/{account}", language=language, width=width, scheme=scheme) as visit:
        visit.page.wait_for_selector(".record-tabs .count")
        visit.calm()
        visit.accessible()
        visit.picture(f"record-{language}-{scheme}-{width}")


@pytest.mark.parametrize(("language", "save"), [("en", "Log it"), ("zh-CN", "保存跟进")])
def test_a_follow_up_in_three_acts(site: Site, language: str, save: str) -> None:
    made = make(site, "account", name=f"Three acts {language}")
    with at(site, f"/o/account/{made}", language=language) as visit:
        visit.page.fill(".composer textarea[name=text]", "Talked about 价格")
        visit.page.click(".next-soon [data-days='3']")
        visit.page.get_by_role("button", name=save).click()
        visit.page.wait_for_selector(".timeline-activity")
        expect(visit.page.locator("#timeline").first).to_contain_text("Talked about 价格")
        expect(visit.page.locator(".composer textarea[name=text]")).to_have_value("")
        visit.calm()
    found = rows(site, "activity", f"account == '{made}'", "kind", "next_contact_at")
    assert [f["kind"] for f in found] == ["call"] and found[0]["next_contact_at"]
    tasks = rows(site, "task", f"about['activity'].id == '{found[0]['id']}'", "due", "owner")
    assert len(tasks) == 1 and tasks[0]["owner"]["id"] == actor(site).user


def test_a_colleague_is_mentioned_by_the_keyboard(site: Site, account: str) -> None:
    make(site, "user", name="Mia Mention", email="mia@acme.example")
    with at(site, f"/o/account/{account}") as visit:
        visit.page.click("[for=composer-comment]")
        visit.page.locator(".composer-comment textarea").press_sequentially("Please @mia", delay=20)
        visit.page.wait_for_selector(".mention-option:has-text('Mia Mention')")
        visit.page.keyboard.press("Enter")
        visit.page.keyboard.type("look")
        visit.page.click(".composer-comment button.button-primary")
        visit.page.wait_for_selector(".timeline-comment:has-text('Please @Mia Mention look')")
        visit.calm()
    found = rows(site, "comment", "body == 'Please @Mia Mention look'", "mentions")
    assert [m["title"] for m in found[0]["mentions"]] == ["Mia Mention"]


def test_a_stage_asks_for_what_is_missing_on_the_spot(site: Site) -> None:
    made = make(site, "opportunity", name="Moves", stage="prospecting")
    make(site, "activity", kind="call", subject="First call", about={"object": "opportunity", "id": made})
    with at(site, f"/o/opportunity/{made}") as visit:
        expect(visit.page.locator(".stage-current")).to_have_text("Prospecting")
        visit.page.click(".stage-button:has-text('Qualification')")
        visit.page.wait_for_selector(".stage-current:has-text('Qualification')")
        visit.page.click(".stage-to-lost")
        visit.page.wait_for_selector(".stage-ask")
        visit.accessible()
        visit.page.select_option(".stage-ask [name=lost_reason]", "price")
        visit.page.click(".stage-ask button.button-primary")
        visit.page.wait_for_selector(".stage-end-lost")
        assert all("422" in wrong for wrong in visit.wrong)  # the browser tells of the page that asked
    found = rows(site, "opportunity", f"id == '{made}'", "stage", "lost_reason", "probability")[0]
    assert (found["stage"], found["lost_reason"], found["probability"]) == ("lost", "price", "0")


def test_a_criterion_that_is_not_met_is_told(site: Site) -> None:
    made = make(site, "opportunity", name="Early", stage="qualification")
    with at(site, f"/o/opportunity/{made}", language="zh-CN") as visit:
        visit.page.click(".stage-button:has-text('方案报价')")
        visit.page.wait_for_selector(".stage-unmet")
        expect(visit.page.locator(".stage-unmet").first).to_contain_text("请先填写客户需求或添加产品")
    assert rows(site, "opportunity", f"id == '{made}'", "stage")[0]["stage"] == "qualification"


def test_a_related_list_opens_in_place_and_has_an_address(site: Site, account: str) -> None:
    with at(site, f"/o/account/{account}") as visit:
        visit.page.wait_for_selector(".record-tabs .count")
        visit.page.click(".pill:has-text('Contacts')")
        visit.page.wait_for_selector(".related table:has-text('Jane Miller')")
        assert visit.page.url.endswith("?tab=contacts")
        visit.page.reload()
        expect(visit.page.locator(".related table").first).to_contain_text("Jane Miller")
        visit.page.click(".timeline-kinds .pill:has-text('Activities')")
        visit.page.wait_for_selector(".timeline-change", state="detached")
        expect(visit.page.locator("#timeline-entries").first).to_contain_text("First call")
        visit.calm()


def test_a_picture_is_dropped_in_and_looked_at(site: Site) -> None:
    made = make(site, "account", name="With a picture")
    with at(site, f"/o/account/{made}") as visit:
        visit.page.click("[for=composer-files]")
        name = "a<img src=x onerror=alert(1)>.png"
        visit.page.set_input_files(
            ".attachment-drop input[type=file]", {"name": name, "mimeType": "image/png", "buffer": PNG}
        )
        visit.page.wait_for_selector(".timeline-file")
        visit.page.click("[for=composer-files]")
        visit.page.click(".attachment-link")
        visit.page.wait_for_selector("dialog.preview[open] img")
        assert visit.page.inner_text("dialog.preview p") == name
        visit.page.keyboard.press("Escape")
        visit.page.wait_for_selector("dialog.preview", state="detached")
        visit.calm()


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_hostile_words_run_nothing(site: Site, language: str) -> None:
    for n, bad in enumerate(HOSTILE):
        made = make(
            site,
            "account",
            name=f"{bad} {language}",
            short_name=bad[:60],
            note=bad,
            preferences=bad,
            tags=[bad[:40]],
        )
        about = {"object": "account", "id": made}
        make(site, "activity", kind="note", subject=bad, content=bad, about=about)
        make(site, "comment", body=bad, about=about)
        make(site, "contact", name=f"{bad[:70]} {language}", account=made)
        with at(site, f"/o/account/{made}?tab=contacts", language=language) as visit:
            visit.page.wait_for_selector(".record-tabs .count")
            assert "owned" not in visit.page.title().replace(bad, "")
            assert (
                visit.page.evaluate(
                    "document.querySelectorAll('main img, main svg[onload], main script').length"
                )
                == 0
            )
            visit.calm()
            assert bad in visit.page.inner_text("#timeline"), n


def test_rich_text_is_cleaned(site: Site) -> None:
    body = "<p>Hello <b>you</b></p><script>document.title='owned'</script><img src=x onerror=alert(1)><a href='javascript:alert(1)'>x</a><div style='position:fixed'>y</div>"
    made = make(site, "message", subject="Rich", channel="email", body=body)
    with at(site, f"/o/message/{made}") as visit:
        html = visit.page.inner_html(".rich")
        assert "<b>you</b>" in html and not re.search(r"script|onerror|javascript:|style=", html)
        assert "owned" not in visit.page.title()


def test_what_automations_still_do_is_shown_as_soon_as_it_is_done(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, done = make(site, "account", name="Being worked on"), []
    monkeypatch.setattr("patron_platform.web.record.settling", lambda *_: not done)
    with at(site, f"/o/account/{made}") as visit:
        expect(visit.page.locator("h1")).to_have_text("Being worked on")
        change = Change(action="update", object="account", id=made, set={"name": "Worked on"})
        site.service.runtime.workspace(WORKSPACE).save(actor(site), [change])
        done.append(True)
        expect(visit.page.locator("h1")).to_have_text("Worked on")
        expect(visit.page.locator("[data-behaviour=record-settle]")).to_have_count(0)


def test_a_record_is_deleted_and_comes_back_without_scripts(site: Site) -> None:
    made = make(site, "account", name="Gone and back")
    with at(site, f"/o/account/{made}/delete", scripts=False) as visit:
        visit.page.click("button.button-danger")
        visit.page.click(".flash form button")
        visit.page.wait_for_selector("a.title-link:has-text('Gone and back')")
    assert len(rows(site, "account", f"id == '{made}'")) == 1


@pytest.mark.parametrize("width", [1440, 360])
def test_a_follow_up_is_logged_over_the_list(site: Site, width: int) -> None:
    made = make(site, "account", name=f"Over the list {width}")
    with at(site, f"/o/account?where=name == 'Over the list {width}'", width=width) as visit:
        visit.page.hover(".list-title >> nth=-1")
        visit.page.click(".list-follow")
        visit.page.wait_for_selector("dialog.dialog[open] textarea:focus")
        visit.accessible()
        visit.page.keyboard.press("Escape")
        visit.page.wait_for_selector("dialog.dialog", state="detached")
        assert visit.page.evaluate("document.activeElement.className") == "list-follow"
        visit.page.click(".list-follow")
        visit.page.fill("dialog textarea[name=text]", "Rang about spring")
        visit.page.click("dialog [data-days='7']")
        visit.page.click("dialog .button-primary")
        visit.page.wait_for_selector(".flash form")
        visit.calm()
    assert [a["subject"] for a in rows(site, "activity", f"account == '{made}'", "subject")] == [
        "Rang about spring"
    ]


def test_pictures_and_a_pdf_are_looked_at_one_after_the_other(site: Site) -> None:
    made = make(site, "account", name="With files")
    pdf = b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF"
    with at(site, f"/o/account/{made}") as visit:
        visit.page.click("[for=composer-files]")
        files = [
            ("one.png", "image/png", PNG),
            ("two.png", "image/png", PNG),
            ("offer.pdf", "application/pdf", pdf),
        ]
        sent = [{"name": name, "mimeType": mime, "buffer": data} for name, mime, data in files]
        with visit.page.expect_navigation():
            visit.page.set_input_files(".attachment-drop input[type=file]", sent)
        visit.page.click("[for=composer-files]")
        visit.page.click(".attachment-link >> nth=0")
        visit.page.wait_for_selector("dialog.preview[open] img[alt='one.png']")
        visit.page.keyboard.press("ArrowRight")
        visit.page.wait_for_selector("dialog.preview[open] img[alt='two.png']")
        visit.page.keyboard.press("ArrowRight")
        if visit.page.evaluate("navigator.pdfViewerEnabled"):
            visit.page.wait_for_selector("dialog.preview[open] iframe[title='offer.pdf']")
            visit.page.click("dialog.preview button >> nth=0")
            visit.page.wait_for_selector("dialog.preview[open] img[alt='two.png']")
        else:
            visit.page.wait_for_selector("dialog.preview[open] img[alt='one.png']")
        visit.page.click("dialog.preview button >> nth=-1")
        visit.page.wait_for_selector("dialog.preview", state="detached")
        visit.calm()
