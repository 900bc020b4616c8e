"""Follow: who follows a record hears what others do with it, as far as he may see it, and nobody pays for it who does not follow."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from patron_engine.actor import SYSTEM, Actor
from patron_engine.query.follows import MOST_FOLLOWED, TOLD_FOR
from patron_engine.record.change import Action, Change
from patron_testing.web import REP, WORKSPACE, Opened, Person


@pytest.fixture
def job(opened: Opened, me: Person) -> dict[str, Any]:
    """A record that is followed."""
    made: dict[str, Any] = opened.admin.make("yd_job", name="Boat", crew=1)
    assert me.post(f"/o/yd_job/{made['id']}/follow", {"on": "1"}).status_code == 303
    return made


@pytest.fixture
def colleague(opened: Opened) -> Actor:
    found = opened.admin.rows("user", where=f"email == '{REP}'", fields="id")[0]
    return Actor(user=found["id"], administrator=True)


def act(opened: Opened, actor: Actor, id: str, action: Action = "update", **values: Any) -> None:
    change = Change(action=action, object="yd_job", id=id, set=values)
    opened.service.runtime.workspace(WORKSPACE).save(actor, [change])


def told(person: Person, id: str) -> list[str]:
    page = person.page("/inbox?category=followed")
    return [
        " ".join(line.get_text(" ", strip=True).split())
        for line in page.select(".notice")
        if line.a["href"].endswith(f"/{id}")
    ]


def unread(person: Person) -> int:
    """Of followed records."""
    count = person.page("/inbox?category=followed").select_one(".tab[aria-current] .count").get_text()
    return int(count or 0)


def age(opened: Opened, id: str, by: str) -> None:
    """Makes everything that happened with a record, and that it is followed, older."""
    workspace = opened.service.runtime.workspace(WORKSPACE)
    with workspace.connection("write") as conn:
        for table in ("sys__history", "sys__follow"):
            conn.execute(
                f"UPDATE {workspace.schema}.{table} SET at = at - %s::interval WHERE record = %s", (by, id)
            )


def test_following_is_ones_own(me: Person, job: dict[str, Any]) -> None:
    here = f"/o/yd_job/{job['id']}"
    assert me.page(here).select_one("[aria-pressed=true]").get_text(strip=True) == "Following"
    me.post(f"{here}/follow", {"on": "0"})
    assert me.page(here).select_one(".record-actions [aria-pressed=true]") is None


def test_who_follows_hears_what_others_change_and_not_what_he_does(
    opened: Opened, me: Person, job: dict[str, Any], colleague: Actor
) -> None:
    opened.admin.patch(f"/records/yd_job/{job['id']}", {"crew": 2})
    assert told(me, job["id"]) == [] and unread(me) == 0, "it was he himself"
    act(opened, colleague, job["id"], crew=3)
    assert len(told(me, job["id"])) == 1
    assert "Boat" in told(me, job["id"])[0] and "changed Crew" in told(me, job["id"])[0]
    assert unread(me) == 1 and me.get("/inbox/count").text != ""
    assert me.post("/inbox/read", {"category": "followed"}).status_code == 303
    assert unread(me) == 0 and len(told(me, job["id"])) == 1, "what was read stays to be read again"
    act(opened, colleague, job["id"], crew=4)
    assert unread(me) == 1, "a change after it is news, however soon"


def test_several_changes_in_a_short_time_are_one_notice(
    opened: Opened, me: Person, job: dict[str, Any], colleague: Actor
) -> None:
    act(opened, colleague, job["id"], crew=3)
    age(opened, job["id"], "2 hours")
    act(opened, colleague, job["id"], crew=5)
    act(opened, SYSTEM, job["id"], note="by itself")
    act(opened, colleague, job["id"], urgent=True)
    said = told(me, job["id"])
    assert len(said) == 2
    assert "and 1 more" in said[0] and all(label in said[0] for label in ("Crew", "Note", "Urgent"))


def test_only_what_happened_while_he_followed(
    opened: Opened, me: Person, job: dict[str, Any], colleague: Actor
) -> None:
    here = f"/o/yd_job/{job['id']}/follow"
    me.post(here, {"on": "0"})
    act(opened, colleague, job["id"], crew=3)
    assert told(me, job["id"]) == []
    me.post(here, {"on": "1"})
    assert told(me, job["id"]) == []
    act(opened, colleague, job["id"], crew=4)
    age(opened, job["id"], f"{TOLD_FOR.days + 1} days")
    assert told(me, job["id"]) == [], "what is long past is history"


def test_a_field_nobody_reads_and_a_record_that_is_not_his_are_not_told(
    opened: Opened, me: Person, job: dict[str, Any], colleague: Actor
) -> None:
    act(opened, colleague, job["id"], **{"pass": "hush"})
    assert told(me, job["id"]) == []
    act(opened, colleague, job["id"], crew=9, **{"pass": "hush again"})
    assert "Crew" in told(me, job["id"])[0] and "Pass" not in told(me, job["id"])[0]
    workspace = opened.service.runtime.workspace(WORKSPACE)
    with workspace.connection("write") as conn:  # a follower from before his rights were taken
        conn.execute(
            f"INSERT INTO {workspace.schema}.sys__follow (person, object, record) VALUES (%s, 'yd_job', %s)",
            (colleague.user, job["id"]),
        )
    act(opened, SYSTEM, job["id"], crew=10)
    rep = opened.person(REP)
    assert told(rep, job["id"]) == [] and "Boat" not in rep.get("/inbox").text


def test_that_it_was_deleted_is_told_and_where_it_lies(
    opened: Opened, me: Person, job: dict[str, Any], colleague: Actor
) -> None:
    act(opened, colleague, job["id"], action="delete")
    assert "deleted it" in told(me, job["id"])[0]
    act(opened, colleague, job["id"], action="restore")
    assert "brought it back" in told(me, job["id"])[0]


def test_the_limit_of_followed_records(opened: Opened, me: Person, colleague: Actor) -> None:
    workspace = opened.service.runtime.workspace(WORKSPACE)
    mine = str(opened.admin.get("/me").json()["user"])
    with workspace.connection("write") as conn:
        conn.execute(f"DELETE FROM {workspace.schema}.sys__follow WHERE person = %s", (mine,))
        conn.cursor().executemany(
            f"INSERT INTO {workspace.schema}.sys__follow (person, object, record) VALUES (%s, 'yd_job', %s)",
            [(mine, str(uuid4())) for _ in range(MOST_FOLLOWED - 1)],
        )
    last, more = (opened.admin.make("yd_job", name=name)["id"] for name in ("Last", "More"))
    assert me.post(f"/o/yd_job/{last}/follow", {"on": "1"}).status_code == 303
    refused = me.post(f"/o/yd_job/{more}/follow", {"on": "1"})
    assert 400 <= refused.status_code < 500 and str(MOST_FOLLOWED) in refused.text
    assert me.post(f"/o/yd_job/{last}/follow", {"on": "1"}).status_code == 303, "that one is followed already"
    act(opened, colleague, last, crew=2)
    assert len(told(me, last)) == 1
    with workspace.connection("write") as conn:
        conn.execute(f"DELETE FROM {workspace.schema}.sys__follow WHERE person = %s", (mine,))


@pytest.mark.parametrize(("language", "words"), [("zh-CN", "修改了"), ("zh-TW", "修改了")])
def test_it_speaks(opened: Opened, job: dict[str, Any], colleague: Actor, language: str, words: str) -> None:
    act(opened, colleague, job["id"], crew=7)
    assert words in told(opened.person(language=language), job["id"])[0]
