"""The home page: what is due and ticked off, where one was, how records stand, and what somebody without rights sees."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from patron_engine.actor import Actor
from patron_engine.query import recent
from patron_engine.query.fetch import run
from patron_testing.web import REP, WORKSPACE, Opened


@pytest.fixture(scope="module")
def me(opened: Opened) -> str:
    return str(opened.admin.get("/me").json()["user"])


def day(offset: int) -> str:
    return (datetime.now(UTC) + timedelta(days=offset)).date().isoformat()


def look(opened: Opened, user: str, object: str, id: str) -> None:
    workspace = opened.service.runtime.workspace(WORKSPACE)
    with workspace.connection("write") as conn:
        recent.look(conn, workspace.call(conn, Actor(user=user)), object, id)


def test_what_is_due_is_mine_and_open(opened: Opened, me: str) -> None:
    api = opened.admin
    due = api.make("task", title="Call <b>Acme</b>", due=day(-2), owner=me)
    api.make("task", title="Next week", due=day(7), owner=me)
    api.make("task", title="Finished", due=day(-1), owner=me, status="done")
    page = opened.person().page("/")
    titles = [a.text for a in page.select(".task-title")]
    assert titles == ["Call <b>Acme</b>"]
    line = page.find(id=f"task-{due['id']}")
    assert line is not None and "Overdue" in line.text


def test_a_task_is_ticked_off_and_taken_back(opened: Opened, me: str) -> None:
    person = opened.person()
    task = opened.admin.make("task", title="Tick me", due=day(0), owner=me, status="in_progress")
    version = str(task["version"])
    said = person.post("/home/done", {"task": task["id"], "version": version})
    assert said.status_code == 303
    assert opened.admin.read("task", task["id"])["status"] == "done"
    again = person.post(
        "/home/done", {"task": task["id"], "version": version}, headers={"HX-Request": "true"}
    )
    assert again.status_code == 412, "somebody changed it since this page was drawn"
    assert again.headers["hx-retarget"] == "#flashes"
    now = str(opened.admin.read("task", task["id"])["version"])
    back = person.post(
        "/home/done",
        {"task": task["id"], "version": now, "was": "in_progress"},
        headers={"HX-Request": "true"},
    )
    assert back.status_code == 200 and "Tick me" in back.text and "<html" not in back.text
    assert opened.admin.read("task", task["id"])["status"] == "in_progress"


def test_a_task_with_open_subtasks_says_so(opened: Opened, me: str) -> None:
    task = opened.admin.make("task", title="Above", due=day(0), owner=me)
    opened.admin.make("task", title="Below", parent=task["id"])
    said = opened.person().post("/home/done", {"task": task["id"]})
    assert said.status_code == 409 and "open subtasks" in said.text
    assert opened.admin.read("task", task["id"])["status"] == "open"


@pytest.mark.parametrize("id", ["", "x", "00000000-0000-7000-8000-000000000000"])
def test_a_task_that_is_none(opened: Opened, id: str) -> None:
    assert opened.person().post("/home/done", {"task": id}).status_code == 404


def test_whom_to_contact_comes_from_a_view(opened: Opened, me: str) -> None:
    account = opened.admin.make("account", name="To be called", owner=me)
    opened.admin.make(
        "activity", subject="Talked", about={"object": "account", "id": account["id"]}, owner=me,
        next_contact_at=(datetime.now(UTC) + timedelta(minutes=1)).isoformat(),
    )  # fmt: skip
    page = opened.person().page("/")
    section = page.find("section", {"aria-labelledby": "today-accounts_to_contact_today"})
    if opened.admin.read("account", account["id"]).get("next_contact_at") is None:
        assert section is None  # a workspace without the automation that writes it
    else:
        assert section is not None and "To be called" in section.text


def test_where_one_was_and_what_others_did_there(opened: Opened, me: str) -> None:
    job = opened.admin.make("yd_job", name="Looked at")
    gone = opened.admin.make("yd_job", name="Deleted since")
    for record in (gone, job):
        look(opened, me, "yd_job", record["id"])
    opened.admin.delete(f"/records/yd_job/{gone['id']}")
    page = opened.person().page("/")
    seen = page.find("section", {"aria-labelledby": "home-recent"})
    assert seen is not None and "Looked at" in seen.text and "Deleted since" not in seen.text
    assert page.find("section", {"aria-labelledby": "home-moved"}) is None, "one's own changes are no news"


def test_changes_of_others_are_news_until_one_looks(opened: Opened, me: str) -> None:
    workspace = opened.service.runtime.workspace(WORKSPACE)
    job = opened.admin.make("yd_job", name="Watched")
    look(opened, me, "yd_job", job["id"])
    opened.admin.patch(f"/records/yd_job/{job['id']}", {"crew": 3})
    with workspace.connection("write") as conn:
        conn.execute(
            f"UPDATE {workspace.schema}.sys__history SET by = NULL WHERE record = %s AND action = 'updated'",
            (job["id"],),
        )
    news = opened.person().page("/").find("section", {"aria-labelledby": "home-moved"})
    assert news is not None and "Watched" in news.text
    look(opened, me, "yd_job", job["id"])
    assert opened.person().page("/").find("section", {"aria-labelledby": "home-moved"}) is None


def test_stages_are_counted_and_lead_to_the_list(opened: Opened, me: str) -> None:
    page = opened.person().page("/")
    for link in page.select("a.tally"):
        assert link["href"].startswith("/w/acme/o/") and "where=" in link["href"]


def test_figures_that_take_too_long_are_said_in_words(
    opened: Opened, me: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened.admin.make("task", title="Due among very many", due=day(0), owner=me)
    calm = opened.person().page("/")
    sleep = SimpleNamespace(text="SELECT pg_sleep(30)", values=lambda _: (), prepare=False)
    for asked in ("read", "groups"):
        monkeypatch.setattr(f"patron_engine.page.home.{asked}", lambda conn, *_, **__: run(conn, sleep, {}))
    monkeypatch.setattr("patron_platform.web.figured.LEAST", 0.05)
    monkeypatch.setattr("patron_platform.web.home.LONGEST", 0.05)
    begun = time.monotonic()
    page = opened.person().page("/")
    assert time.monotonic() - begun < 25
    tasks = page.find("section", {"aria-labelledby": "home-tasks"})
    assert "too many to look through" in tasks.text and tasks.find("a", string="Open the list")
    assert not page.select("a.tally") and len(page.select("section.card")) >= len(calm.select("section.card"))


def test_somebody_without_rights_sees_a_calm_page(opened: Opened) -> None:
    page = opened.person(REP).page("/")
    assert page.select(".task-title") == [] and page.select("a.tally") == []
    assert "Looked at" not in page.text and "Nothing here yet" in page.text
    task = opened.admin.make("task", title="Not his", due=day(0))
    assert opened.person(REP).post("/home/done", {"task": task["id"]}).status_code == 404


@pytest.mark.parametrize(
    ("language", "words"), [("zh-CN", "最近浏览"), ("zh-TW", "最近瀏覽"), ("en", "Where you were")]
)
def test_it_speaks(opened: Opened, language: str, words: str) -> None:
    assert words in opened.person(language=language).page("/").text
