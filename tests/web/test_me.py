"""Personal settings and notices: what one chooses shows at once, what is no choice is refused, and nobody reads another's."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from patron_testing.web import ADMIN, REP, Opened


@pytest.fixture(autouse=True)
def clean(opened: Opened) -> Iterator[None]:
    yield
    with opened.service.databases.system() as conn:
        conn.execute("UPDATE patron.account SET preferences = '{}', name = ''")


def chosen(**more: str) -> dict[str, str]:
    return {
        "name": "Ada Lovelace",
        "language": "",
        "zone": "",
        "scheme": "",
        "density": "",
        "page_size": "",
        **more,
    }


def test_what_is_chosen_shows_at_once(opened: Opened) -> None:
    person = opened.person()
    form = chosen(language="zh-CN", zone="Asia/Tokyo", scheme="dark", density="compact", page_size="100")
    assert person.post("/me", form).status_code == 303
    page = person.page("/me")
    assert page.html is not None
    assert (page.html["lang"], page.html["data-scheme"], page.html["data-density"]) == (
        "zh-CN",
        "dark",
        "compact",
    )
    assert [o.text for o in page.select("select[name=zone] option[selected]")] == ["Asia/Tokyo"]
    assert page.select_one("summary .avatar").text == "AL"  # type: ignore[union-attr]
    me = opened.admin.get("/me").json()["user"]
    assert opened.admin.read("user", me)["name"] == "Ada Lovelace"
    assert person.post("/me", chosen()).status_code == 303
    assert person.page("/me").html["data-scheme"] == "auto"  # type: ignore[index]


@pytest.mark.parametrize(
    "wrong",
    [
        {"language": "xx"}, {"zone": "Mars/Olympus"}, {"zone": "../../etc/passwd"}, {"scheme": "<b>"}, {"density": "x" * 10_000},
        {"name": ""}, {"name": "x" * 81}, {"page_size": "1000000"},
    ],
)  # fmt: skip
def test_what_is_no_choice_is_refused_and_kept_in_the_form(opened: Opened, wrong: dict[str, str]) -> None:
    person = opened.person()
    said = person.post("/me", chosen(**{"name": "Typed", **wrong}))
    assert said.status_code == 422 and 'aria-invalid="true"' in said.text
    if "name" not in wrong:
        assert 'value="Typed"' in said.text
    with opened.service.databases.system() as conn:
        row = conn.execute("SELECT preferences FROM patron.account WHERE email = %s", (ADMIN,)).fetchone()
    assert row == ({},)


def test_a_form_that_leaves_the_name_out_is_answered_with_the_form(opened: Opened) -> None:
    said = opened.person().post("/me", {"density": "compact"})
    assert said.status_code == 422 and 'aria-invalid="true"' in said.text


def test_another_language_leaves_one_where_one_is(opened: Opened) -> None:
    person = opened.person()
    there = {"Referer": "http://testserver/w/acme/search?q=a%26b"}
    said = person.post("/me/language", {"language": "zh-TW"}, headers=there)
    assert said.headers["location"] == "/w/acme/search?q=a%26b"
    assert "個人設定" in person.page("/").text
    for referer in (
        "https://evil.example/w/acme/",
        "https://evil.example//x",
        "",
        "http://testserver/w/other/",
    ):
        said = person.post("/me/language", {"language": "en"}, headers={"Referer": referer})
        assert said.headers["location"].startswith("/w/acme/")
    assert person.post("/me/language", {"language": "tlh"}).status_code == 404


def test_a_folded_app_stays_folded(opened: Opened) -> None:
    person = opened.person()
    apps = [str(d["data-app"]) for d in person.page("/").select("details.nav-app")]
    assert apps
    assert person.post("/me/fold", {"app": apps[0], "folded": "yes"}).status_code == 204
    folded = person.page("/").select_one(f"details.nav-app[data-app={apps[0]}]")
    assert folded is not None and not folded.has_attr("open")
    person.post("/me/fold", {"app": apps[0], "folded": "no"})
    assert person.page("/").select_one(f"details.nav-app[data-app={apps[0]}]").has_attr("open")  # type: ignore[union-attr]


def test_every_form_needs_its_token(opened: Opened) -> None:
    person = opened.person()
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    for path in (
        "/me",
        "/me/language",
        "/me/password",
        "/me/sessions",
        "/me/fold",
        "/home/done",
        "/inbox/read",
    ):
        assert person.call("POST", path, content="name=x", headers=kind).status_code == 403, path


def test_a_mention_and_a_due_task_are_told_until_they_are_read(opened: Opened) -> None:
    me = opened.admin.get("/me").json()["user"]
    person = opened.person()
    person.post("/inbox/read", {})  # what the audit told before
    account = opened.admin.make("account", name="Talked about")
    opened.admin.make(
        "comment", body="Look at <this>", about={"object": "account", "id": account["id"]}, mentions=[me]
    )
    opened.admin.make("task", title="Due now", due=datetime.now(UTC).date().isoformat(), owner=me)
    assert person.get("/inbox/count").text == "2"
    page = person.page("/inbox")
    assert len(page.select(".notice-unread")) == 2
    mention = page.find("section", {"aria-labelledby": "notices-mentions"})
    assert mention is not None and "Talked about" in mention.text and "Look at <this>" in mention.text
    assert mention.select_one("a")["href"].endswith(f"/o/account/{account['id']}")  # type: ignore[index]
    assert person.post("/inbox/read", {"category": "mentions"}).status_code == 303
    assert person.get("/inbox/count").text == "1"
    person.post("/inbox/read", {})
    assert person.get("/inbox/count").text == ""
    assert person.page("/inbox").select(".notice-unread") == []
    assert person.post("/inbox/read", {"category": "x"}).status_code == 404


def test_somebody_without_rights_has_no_notices(opened: Opened) -> None:
    rep = opened.person(REP)
    assert rep.get("/inbox/count").text == ""
    page = rep.page("/inbox")
    assert "Talked about" not in page.text and "up to date" in page.text


@pytest.mark.parametrize(
    ("language", "words"), [("zh-CN", "页面不存在"), ("zh-TW", "頁面不存在"), ("en", "Nothing is here")]
)
def test_an_error_keeps_the_menu_for_who_is_signed_in(opened: Opened, language: str, words: str) -> None:
    page = opened.person(language=language).page("/nothing/here", 404)
    assert words in page.text and page.select("nav.nav")
    opened.client.cookies.clear()
    plain = opened.client.get("/nothing", headers={"Accept": "text/html", "Accept-Language": language})
    assert plain.status_code == 404 and words in plain.text and "nav-link" not in plain.text


def test_an_address_that_is_only_sent_to_says_so(opened: Opened) -> None:
    said = opened.person().get("/me/password")
    assert said.status_code == 405 and "This address does not take that." in said.text
    assert opened.admin.call("DELETE", "/objects").headers["content-type"] == "application/problem+json"
