"""Comments, mentions and followed records reach people: in the inbox, and by letter where they chose so. The page of the outbox."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from patron_engine.actor import Actor
from patron_engine.record.change import Change
from patron_platform.jobs.following import tell_followers
from patron_testing.outside import Out
from patron_testing.smtp import MailServer, mail_server
from patron_testing.web import ADMIN, REP, Opened, Person


@pytest.fixture(scope="module")
def post() -> Iterator[MailServer]:
    with mail_server() as running:
        yield running


@pytest.fixture(scope="module")
def out(opened: Opened, post: MailServer) -> Out:
    for email in (ADMIN, REP):
        opened.person(email).post(
            "/me",
            {"name": email.partition("@")[0], "language": "en", "scheme": "", "density": "", "page_size": ""},
        )
    return Out(opened, post)


@pytest.fixture(autouse=True)
def clean(out: Out) -> Iterator[None]:
    yield
    out.clear()
    out.opened.client.cookies.clear()


def user(out: Out, email: str) -> str:
    return str(out.opened.admin.rows("user", where=f"email == '{email}'", fields="id")[0]["id"])


def comment(out: Out, account: str, by: str, **values: Any) -> None:
    change = Change(
        action="create", object="comment", set={"about": {"object": "account", "id": account}, **values}
    )
    out.place.save(Actor(user=by, administrator=True), [change])


def lines(person: Person, category: str) -> list[str]:
    page = person.page(f"/inbox?category={category}")
    return [" ".join(n.get_text(" ", strip=True).split()) for n in page.select(".notice")]


def test_a_comment_tells_the_owner_and_the_followers_and_who_is_mentioned(out: Out, post: MailServer) -> None:
    admin, rep = user(out, ADMIN), user(out, REP)
    account = out.opened.admin.make("account", name="Commented Ltd", owner=admin)["id"]
    comment(out, account, rep, body="<p>Please call <b>them</b></p>")
    out.work()
    (line,) = lines(out.opened.person(ADMIN), "comment")
    assert "rep commented" in line and "Commented Ltd" in line and "Please call them" in line
    assert post.nothing_came()  # comments are no letters unless one chooses so
    comment(out, account, rep, body="<p>And you?</p>", mentions=[admin])
    out.work()
    letter = post.next()
    assert letter["To"] == ADMIN and letter["Subject"] == "rep mentioned you"
    assert "And you?" in letter.get_content() if not letter.is_multipart() else True
    assert len(lines(out.opened.person(ADMIN), "comment")) == 1  # who is mentioned hears of it once
    comment(out, account, admin, body="<p>My own</p>")
    out.work()
    assert len(lines(out.opened.person(ADMIN), "comment")) == 1 and post.nothing_came()


def test_a_mention_that_is_added_later_is_told_then(out: Out, post: MailServer) -> None:
    admin, rep = user(out, ADMIN), user(out, REP)
    account = out.opened.admin.make("account", name="Later Ltd", owner=rep)["id"]
    change = Change(
        action="create",
        object="comment",
        set={"about": {"object": "account", "id": account}, "body": "<p>x</p>"},
    )
    actor = Actor(user=rep, administrator=True)
    (made,) = out.place.save(actor, [change])
    out.work()
    assert post.nothing_came()
    for mentions in ([admin], [admin]):
        out.place.save(
            actor, [Change(action="update", object="comment", id=made.id, set={"mentions": mentions})]
        )
    out.work()
    assert post.next()["Subject"] == "rep mentioned you" and post.nothing_came()


def test_letters_of_followed_records_come_to_who_chose_them_once_an_hour(out: Out, post: MailServer) -> None:
    rep = user(out, REP)
    person = out.opened.person(ADMIN)
    account = out.opened.admin.make("account", name="Followed Ltd")["id"]
    assert person.post(f"/o/account/{account}/follow", {"on": "1"}).status_code == 303
    actor = Actor(user=rep, administrator=True)

    def change(name: str) -> None:
        out.place.save(actor, [Change(action="update", object="account", id=account, set={"name": name})])

    change("Followed 2")
    assert tell_followers(out.service, out.place) == 0  # nobody chose letters
    person.post("/me/notices", [("way", "following.email"), ("rhythm", "each"), ("daily_at", "9")])
    for name in ("Followed 3", "Followed 4"):
        change(name)
    assert tell_followers(out.service, out.place) == 1
    out.work()
    letter = post.next()
    assert "rep changed" in letter["Subject"] and post.nothing_came()
    assert "because you follow" in str(letter)
    assert tell_followers(out.service, out.place) == 0
    person.post(f"/o/account/{account}/follow", {"on": "0"})
    change("Followed 5")
    assert tell_followers(out.service, out.place) == 0


def test_the_inbox_is_narrowed_to_the_unread_and_read_by_reason(out: Out) -> None:
    admin, rep = user(out, ADMIN), user(out, REP)
    account = out.opened.admin.make("account", name="Read Ltd", owner=admin)["id"]
    comment(out, account, rep, body="<p>one</p>")
    out.work()
    person = out.opened.person(ADMIN)
    assert len(lines(person, "comment&unread=yes")) == 1
    assert person.post("/inbox/read", {"category": "comment"}).status_code == 303
    assert lines(person, "comment&unread=yes") == [] and len(lines(person, "comment")) == 1
    assert person.post("/inbox/read", {"category": "nonsense"}).status_code == 404


def test_a_comment_on_a_record_one_may_not_read_is_not_told(out: Out) -> None:
    admin, rep = user(out, ADMIN), user(out, REP)
    account = out.opened.admin.make("account", name="Hidden Ltd", owner=rep)["id"]
    comment(out, account, admin, body="<p>secret words</p>")
    out.work()
    assert "secret words" not in out.opened.person(REP).page("/inbox").text


def test_the_page_of_the_outbox_sends_again_and_gives_up(out: Out) -> None:
    from patron_engine.record.outbox import Parcel, put

    ids = [f"00000000-0000-4000-8000-00000000000{n}" for n in (1, 2)]
    with out.place.connection("write") as conn:
        put(
            conn,
            out.place.schema,
            [Parcel(id=id, kind="webhook", via=ids[0], target="ERP") for id in ids],
            out.clock(),
        )
    out.work()
    person = out.opened.person(ADMIN)
    rows = person.page("/admin/outbox?state=parked").select("tbody tr")
    assert len(rows) == 2 and "The webhook is gone." in rows[0].text and "ERP" in rows[0].text
    assert person.post(f"/admin/outbox/{ids[0]}/replay").status_code == 303
    assert person.post(f"/admin/outbox/{ids[0]}/replay").status_code == 409
    assert person.post(f"/admin/outbox/{ids[1]}/give_up").status_code == 303
    assert [r.select_one(".run-state").text for r in person.page("/admin/outbox?state=all").select("tbody tr")] == [
        "Not sent", "Waiting",
    ]  # fmt: skip
    assert out.opened.person(REP).get("/admin/outbox").status_code == 404
    for bad in ("?state=nonsense", "?before=x", "?kind=%00", "?before=99999999999999999999999"):
        assert person.get(f"/admin/outbox{bad}").status_code in (200, 400, 422)
