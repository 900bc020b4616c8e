"""Sharing over HTTP and in the browser: two people with sessions and keys; what is given, ended or taken holds with the next request."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from patron_engine.query.rights import role_principal
from patron_platform.identity.accounts import create_user, set_password
from patron_platform.identity.keys import create_key
from patron_platform.jobs.tasks import work_off
from patron_testing.web import ADMIN, PASSWORD, WORKSPACE, Api, Opened, Person

SELLER = {
    "label": {"en": "Seller", "zh-CN": "销售"}, "for_users": "internal",
    "objects": {
        "user": {"read": "all"}, "department": {"read": "all"}, "group": {"read": "all"}, "yd_place": {"read": "all"},
        "account": {"create": True, "read": "own", "update": "own", "share": "own", "transfer": "own"},
        "yd_job": {
            "create": True, "read": "own", "update": "own", "share": "own", "transfer": "own", "bulk": True,
        },
    },
}  # fmt: skip


class Seller(Person):
    """Takes his tokens from his notices."""

    def token(self) -> str:
        return str(self.page("/inbox").find("meta", {"name": "csrf"})["content"])


@dataclass(frozen=True, slots=True)
class Someone:
    """A seller with a key and a session."""

    id: str
    email: str
    api: Api
    person: Person


def someone(opened: Opened, roles: list[str]) -> Someone:
    email = f"{uuid4().hex[:8]}@acme.example"
    id = create_user(opened.service.databases, opened.service.runtime.workspace(WORKSPACE), email)
    with opened.service.databases.system() as conn:
        set_password(conn, email, PASSWORD)
        key = create_key(conn, email, WORKSPACE)
    assert opened.admin.patch(f"/records/user/{id}", {"roles": roles}).status_code == 200
    return Someone(id, email, Api(opened.client, key), Seller(opened.client, WORKSPACE, email))


@pytest.fixture(scope="module")
def seller(opened: Opened) -> str:
    """The name of a role that is published."""
    said = opened.admin.put("/definitions/role/c_seller", SELLER)
    assert said.status_code == 200, said.text
    draft = said.json()["draft"]
    plan = opened.admin.post(f"/drafts/{draft}/plan").json()
    assert opened.admin.post(f"/drafts/{draft}/publish", {"checksum": plan["checksum"]}).status_code == 201
    return "c_seller"


@pytest.fixture
def ann(opened: Opened, seller: str) -> Someone:
    return someone(opened, [seller, "employee"])


@pytest.fixture
def bob(opened: Opened, seller: str) -> Iterator[Someone]:
    yield someone(opened, [seller, "employee"])


@pytest.fixture
def job(ann: Someone) -> str:
    made = ann.api.make("yd_job", name="Boat", crew=1)
    return str(made["id"])


def status(who: Someone, id: str, object: str = "yd_job") -> tuple[int, int]:
    """What his key and his session get."""
    return who.api.get(f"/records/{object}/{id}").status_code, who.person.get(f"/o/{object}/{id}").status_code


def test_a_share_is_given_listed_noticed_and_ended(ann: Someone, bob: Someone, job: str) -> None:
    assert status(bob, job) == (404, 404)
    said = ann.api.post(f"/records/yd_job/{job}/share", {"to": {"user": bob.id}, "until": "2099-01-01"})
    assert said.status_code == 201 and said.json()["records"] == 1, said.text
    assert status(bob, job) == (200, 200)
    assert bob.api.patch(f"/records/yd_job/{job}", {"crew": 2}).status_code == 403
    shares = bob.api.get(f"/records/yd_job/{job}/share").json()["shares"]
    assert [(s["to"]["id"], s["level"], s["by"]["id"]) for s in shares] == [(bob.id, "read", ann.id)]
    page = bob.person.page("/inbox?category=given")
    assert (
        "Boat" in page.select_one(".notice").get_text()
        and page.select_one(".tab[aria-current] .count").get_text() == "1"
    )
    assert ann.person.page("/inbox?category=given").select_one(".notice") is None
    actions = [e["action"] for e in ann.api.get(f"/records/yd_job/{job}/history").json()["history"]]
    assert actions == ["shared", "created"]
    [told, _] = ann.api.get(f"/records/yd_job/{job}/history").json()["history"]
    given = told["cause"]["given"]
    assert given["to"] == {"kind": "user", "id": bob.id, "title": bob.email.partition("@")[0]}
    assert (given["level"], "principal" in given) == ("read", False)
    assert ann.api.delete(f"/records/yd_job/{job}/share/{bob.id}").status_code == 200
    assert status(bob, job) == (404, 404)
    assert ann.api.delete(f"/records/yd_job/{job}/share/{bob.id}").status_code == 404
    assert bob.person.page("/inbox?category=given").select_one(".notice") is None


def test_an_expired_member_is_out_with_the_next_request(
    opened: Opened, ann: Someone, bob: Someone, job: str
) -> None:
    until = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    member = {"user": bob.id, "level": "edit", "role": "Presales", "until": until}
    assert ann.api.post(f"/records/yd_job/{job}/members", member).status_code == 201
    assert bob.api.patch(f"/records/yd_job/{job}", {"crew": 2}).status_code == 200
    said = ann.api.get(f"/records/yd_job/{job}/members").json()
    assert said["owner"]["id"] == ann.id and [(m["to"]["id"], m["role"]) for m in said["members"]] == [
        (bob.id, "Presales")
    ]
    place = opened.service.runtime.workspace(WORKSPACE)
    with place.connection("write") as conn:  # an hour passes
        conn.execute(f"UPDATE {place.schema}.yd_job__access SET until = now() WHERE record = %s", (job,))
    assert status(bob, job) == (404, 404)
    assert bob.api.patch(f"/records/yd_job/{job}", {"crew": 3}).status_code == 404
    assert ann.api.get(f"/records/yd_job/{job}/members").json()["members"] == []
    assert ann.api.delete(f"/records/yd_job/{job}/members/{ann.id}").json()["code"] == "owner_stays"


def test_what_is_not_his_to_give_is_not_there(ann: Someone, bob: Someone, job: str) -> None:
    for path in ("share", "members", "transfer"):
        body = {"user": bob.id} if path == "members" else {"to": {"user": bob.id}}
        hidden = bob.api.post(f"/records/yd_job/{job}/{path}", body)
        missing = bob.api.post(f"/records/yd_job/{uuid4()}/{path}", body)
        assert hidden.status_code == missing.status_code == 404, hidden.text
        assert hidden.json()["detail"] == missing.json()["detail"]
    assert bob.api.get(f"/records/yd_job/{job}/share").status_code == 404
    for body in (
        {"to": {"user": 3}},
        {"to": []},
        {"who": 1},
        {"to": {"user": bob.id}, "level": {}},
        {"to": {"user": bob.id}, "with": 3},
    ):
        assert ann.api.post(f"/records/yd_job/{job}/share", body).status_code == 422, body


@pytest.mark.parametrize(
    ("language", "words"),
    [
        (
            "en",
            (": {bob} (Read, until Jan 1, 2099)", ": {bob} (Edit)", ": role Seller (Read)", "ended a share: {bob}"),
        ),
        (
            "zh-CN",
            ("共享了记录：{bob}（只读，2099-01-01 到期）", "添加了团队成员：{bob}（可编辑）", "角色“销售”（只读）", "取消了共享：{bob}"),
        ),
        (
            "zh-TW",
            ("分享了記錄：{bob}（唯讀，2099-01-01 到期）", "新增了團隊成員：{bob}（可編輯）", "角色「销售」（唯讀）", "取消了分享：{bob}"),
        ),
    ],
)  # fmt: skip
def test_the_timeline_says_in_words_what_was_given(
    opened: Opened, ann: Someone, bob: Someone, job: str, language: str, words: tuple[str, ...]
) -> None:
    path = f"/records/yd_job/{job}"
    for said in (
        ann.api.post(f"{path}/share", {"to": {"user": bob.id}, "until": "2099-01-01"}),
        ann.api.delete(f"{path}/share/{bob.id}"),
        ann.api.post(f"{path}/members", {"user": bob.id, "level": "edit"}),
        ann.api.post(f"{path}/share", {"to": {"role": "c_seller"}}),
    ):
        assert said.status_code in (200, 201), said.text
    person = opened.person(language=language)
    text = " ".join(person.page(f"/o/yd_job/{job}").select_one("#timeline, .timeline").get_text().split())
    for word in words:
        assert word.format(bob=bob.email.partition("@")[0]) in text, text
    assert bob.id not in text
    said = ann.api.delete(f"{path}/share/{role_principal('c_seller')}")  # every seller of this file has it
    assert said.status_code == 200, said.text


def test_a_transfer_and_many(ann: Someone, bob: Someone, job: str) -> None:
    other = ann.api.make("yd_job", name="Second")["id"]
    said = ann.api.post(f"/records/yd_job/{job}/transfer", {"to": {"user": bob.id}, "keep": "read"})
    assert (said.status_code, said.json()) == (200, {"records": 1})
    assert status(ann, job) == status(bob, job) == (200, 200)
    assert ann.api.patch(f"/records/yd_job/{job}", {"crew": 5}).status_code == 403
    said = ann.api.post("/records/yd_job/transfer", {"ids": [job, other], "to": {"user": bob.id}})
    assert [(r["records"], r.get("code")) for r in said.json()["results"]] == [(0, "forbidden"), (1, None)]
    assert status(ann, other) == (404, 404)
    many = {"ids": [job] * 1_001, "to": {"user": bob.id}}
    assert ann.api.post("/records/yd_job/transfer", many).json()["code"] == "bulk_records"


def test_a_role_that_is_taken_or_given_in_mid_session_holds_at_once(
    opened: Opened, ann: Someone, seller: str, job: str
) -> None:
    assert status(ann, job) == (200, 200)
    assert opened.admin.patch(f"/records/user/{ann.id}", {"roles": []}).status_code == 200
    assert status(ann, job) == (404, 404)
    assert opened.admin.patch(f"/records/user/{ann.id}", {"roles": [seller]}).status_code == 200
    assert status(ann, job) == (200, 200)


def test_a_detail_is_moved_by_whoever_may_edit_both_masters(ann: Someone, bob: Someone, job: str) -> None:
    line = ann.api.make("yd_line", job=job, what="Mast", price=1)["id"]
    theirs = bob.api.make("yd_job", name="Theirs")["id"]
    assert ann.api.patch(f"/records/yd_line/{line}", {"job": theirs}).status_code == 422, (
        "he does not know it"
    )
    bob.api.post(f"/records/yd_job/{theirs}/share", {"to": {"user": ann.id}})
    assert ann.api.patch(f"/records/yd_line/{line}", {"job": theirs}).status_code in (403, 422), (
        "he may only read it"
    )
    bob.api.post(f"/records/yd_job/{theirs}/share", {"to": {"user": ann.id}, "level": "edit"})
    assert ann.api.patch(f"/records/yd_line/{line}", {"job": theirs}).status_code == 200
    assert bob.api.get(f"/records/yd_line/{line}").status_code == 200
    bob.api.delete(f"/records/yd_job/{theirs}/share/{ann.id}")
    assert ann.api.patch(f"/records/yd_line/{line}", {"job": job}).status_code == 404


def test_members_of_a_queue_read_what_waits_in_it(opened: Opened, ann: Someone, bob: Someone) -> None:
    code = f"q{uuid4().hex[:6]}"
    queue = opened.admin.post("/records/queue", {"name": code, "code": code, "members": [bob.id]})
    assert queue.status_code == 201, queue.text
    waiting = opened.admin.make("yd_job", name="Waiting", queue=queue.json()["id"])["id"]
    assert status(bob, waiting) == (200, 200) and status(ann, waiting) == (404, 404)
    assert [r["id"] for r in bob.api.rows("yd_job", fields="id")] == [waiting]
    assert bob.api.patch(f"/records/yd_job/{waiting}", {"crew": 2}).status_code == 403
    opened.admin.patch(f"/records/queue/{queue.json()['id']}", {"members": []})
    assert status(bob, waiting) == (404, 404)


def test_the_page_says_who_has_it_and_changes_that_without_scripts(
    ann: Someone, bob: Someone, job: str
) -> None:
    here = f"/o/yd_job/{job}"
    assert ann.person.page(here).select_one(".people .card-more")["href"].endswith(f"{job}/sharing")
    page = ann.person.page(f"{here}/sharing?q={bob.email[:8]}")
    offered = [o["value"] for o in page.select("optgroup option") if o["value"].startswith("user:")]
    assert offered[0] == f"user:{bob.id}"
    form: dict[str, Any] = {
        "reason": "team",
        "to": f"user:{bob.id}",
        "level": "edit",
        "until": "",
        "role": "<b>Presales</b>",
    }
    assert ann.person.post(f"{here}/sharing", form).status_code == 303
    shown = ann.person.page(here).select(".people .person")
    assert len(shown) == 2 and "<b>Presales</b>" in shown[1].get_text()
    assert bob.person.page(here).select_one(".record-actions a[href$=edit]") is not None
    said = ann.person.post(f"{here}/sharing", {**form, "until": "2020-01-01"})
    assert said.status_code == 422 and "lies in the past" in said.text and "2020-01-01" in said.text
    assert bob.person.post(f"{here}/sharing", {**form, "to": f"user:{ann.id}"}).status_code == 422
    assert (
        ann.person.post(f"{here}/sharing/remove", {"reason": "team", "principal": bob.id}).status_code == 303
    )
    assert bob.person.get(here).status_code == 404
    assert bob.person.get(f"{here}/sharing").status_code == 404
    gone = ann.person.post(f"{here}/sharing/transfer", {"to": f"user:{bob.id}", "keep": ""})
    assert gone.status_code == 303 and gone.headers["location"].endswith("/o/yd_job")


def test_somebody_who_leaves_is_switched_off_and_handed_over(
    opened: Opened, ann: Someone, bob: Someone, me: Person, job: str
) -> None:
    cid = someone(opened, ["c_seller", "employee"])
    for n in range(4):
        ann.api.make("yd_job", name=f"Job {n}")
    ann.api.make("account", name="Acme")
    path = f"/admin/handover/{ann.id}"
    assert bob.person.get(path).status_code == bob.person.get("/admin/handover").status_code == 403
    assert bob.person.post(path, {"to": bob.id}).status_code == 403
    assert "open tasks: 6" in me.page(path).get_text(" ")
    assert me.page(f"/admin/handover?q={ann.email[:8]}").select_one(f'a[href$="{ann.id}"]') is not None
    assert me.post(path, {"to": ann.id}).status_code == me.post(path, {}).status_code == 422
    assert me.post(path, {"off": "1"}).status_code == 303
    assert ann.api.get("/me").status_code == 401 and ann.person.get("/").status_code == 404
    assert opened.admin.read("yd_job", job)["owner"]["id"] == ann.id, "until it is handed over"
    said = me.post(path, [("to", bob.id), ("to", cid.id), ("to.account", cid.id)])
    assert said.status_code == 303, said.text
    assert me.post(path, {"to": bob.id}).status_code == 422, "one run at a time"
    work_off(opened.service.runtime.workspace(WORKSPACE))
    page = me.page(path)
    assert "6 of 6 handed over" in page.get_text(" ") and "Nothing belongs" in page.get_text(" ")
    assert (len(bob.api.rows("yd_job")), len(cid.api.rows("yd_job"))) in ((3, 2), (2, 3))
    assert [r["name"] for r in cid.api.rows("account")] == ["Acme"]
    entries = opened.admin.get(f"/records/yd_job/{job}/history").json()["history"]
    assert [e["action"] for e in entries] == ["updated", "created"] and entries[0]["old"]["owner"] == ann.id
    assert entries[0]["cause"] == {"kind": "handover", "from": ann.id}


def test_the_command_counts_first_and_hands_over(
    opened: Opened, ann: Someone, bob: Someone, job: str
) -> None:
    from typer.testing import CliRunner

    from patron_platform.cli import app

    url = opened.service.settings.database
    run = CliRunner().invoke
    common = ["--workspace", WORKSPACE, "--database", str(url)]
    said = run(app, ["user", "handover", ann.email, "--dry-run", *common])
    assert said.exit_code == 0 and "yd_job" in said.output, said.output
    assert ann.api.get(f"/records/yd_job/{job}").status_code == 200
    said = run(app, ["user", "handover", ann.email, "--to", bob.email, "--switch-off", *common])
    assert said.exit_code == 0, said.output
    assert opened.admin.read("yd_job", job)["owner"]["id"] == bob.id
    assert run(app, ["user", "handover", ADMIN, "--to", "nobody@acme.example", *common]).exit_code != 0
