"""Chat robots, text messages and webhooks: in the form each other side documents, signed, not more than it takes."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Iterator
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from patron_engine.clock import new_id, system_clock
from patron_engine.record import connections, hooks
from patron_engine.record.connections import Connection
from patron_platform.outward import robots
from patron_testing.outside import Out
from patron_testing.peer import Asked, Peer, peer
from patron_testing.web import ADMIN, REP, Opened

RULES = """
kind: automation
name: r_chat
object: yd_job
on: {event: created}
when: "name == 'chat'"
steps: [{name: tell, do: notify, to: {group: crews}, message: {en: "A *big* job", zh-CN: 大单}, channels: [chat]}]
---
kind: automation
name: r_sms
object: yd_job
on: {event: created}
when: "name == 'sms'"
steps: [{name: tell, do: notify, to: {user: rep@acme.example}, message: {en: 'Hurry "now" {to}'}, channels: [sms]}]
"""
SECRET = "SEC-of-the-robot"


@pytest.fixture(scope="module")
def other() -> Iterator[Peer]:
    with peer() as running:
        yield running


@pytest.fixture(scope="module")
def out(opened: Opened) -> Out:
    made = Out(opened)
    made.publish(RULES)
    return made


@pytest.fixture(autouse=True)
def clean(out: Out, other: Peer) -> Iterator[None]:
    yield
    out.clear()
    hooks.forget(out.place.schema)
    while other.count():
        other.next()
    out.opened.client.cookies.clear()


def connect(out: Out, kind: str, url: str, name: str = "", **config: Any) -> None:
    one = Connection(
        name=name or kind, kind=kind, label=kind.title(), config=config, secret={"url": url, "secret": SECRET}
    )
    with out.place.connection("write") as conn:
        connections.keep(conn, out.place.schema, out.place.vault, one, out.clock())


def said(out: Out, other: Peer, kind: str, path: str) -> Asked:
    connect(out, kind, other.url + path)
    out.opened.admin.make("yd_job", name="chat", crew=1)
    out.work()
    return other.next()


def test_dingtalk_is_signed_in_its_address(out: Out, other: Peer) -> None:
    other.say(200, {"errcode": 0, "errmsg": "ok"})
    asked = said(out, other, "dingtalk", "/robot/send?access_token=t")
    given = {k: v[0] for k, v in parse_qs(urlsplit(asked.path).query).items()}
    text = f"{given['timestamp']}\n{SECRET}"
    assert given["access_token"] == "t" and len(given["timestamp"]) == 13
    assert given["sign"] == base64.b64encode(hmac.digest(SECRET.encode(), text.encode(), sha256)).decode()
    assert asked.json["msgtype"] == "markdown" and asked.json["markdown"]["title"] == "大单"
    assert "chat" in asked.json["markdown"]["text"] and "/o/yd_job/" in asked.json["markdown"]["text"]


def test_feishu_is_signed_in_its_body(out: Out, other: Peer) -> None:
    other.say(200, {"code": 0, "msg": "success"})
    body = said(out, other, "feishu", "/open-apis/bot/v2/hook/x").json
    key = f"{body['timestamp']}\n{SECRET}".encode()
    assert body["sign"] == base64.b64encode(hmac.digest(key, b"", sha256)).decode()
    post = body["content"]["post"]["zh_cn"]
    assert body["msg_type"] == "post" and post["title"] == "大单"
    assert post["content"][-1][0]["tag"] == "a" and post["content"][-1][0]["text"] == "chat"


def test_wecom_has_its_key_in_the_address(out: Out, other: Peer) -> None:
    other.say(200, {"errcode": 0})
    asked = said(out, other, "wecom", "/cgi-bin/webhook/send?key=k")
    assert asked.path == "/cgi-bin/webhook/send?key=k"
    assert asked.json["msgtype"] == "markdown" and asked.json["markdown"]["content"].startswith("**大单**")
    assert [p.state for p in out.parcels()] == ["sent"]


def test_what_a_robot_refuses_is_parked_with_its_words_and_stands_with_the_connection(
    out: Out, other: Peer
) -> None:
    other.say(200, {"errcode": 310000, "errmsg": "sign not match"})
    said(out, other, "dingtalk", "/robot/send?access_token=secret-token")
    (parcel,) = out.parcels()
    assert (
        parcel.state == "parked"
        and "sign not match" in str(parcel.error)
        and "secret-token" not in str(parcel)
    )
    page = out.opened.person(ADMIN).page("/admin/connections")
    assert "sign not match" in page.text and "secret-token" not in page.decode()


def test_a_robot_gets_no_more_a_minute_than_it_takes(out: Out, other: Peer) -> None:
    other.say(200, {"errcode": 0})
    connect(out, "wecom", other.url)
    for _ in range(robots.PER_MINUTE["wecom"] + 2):
        out.opened.admin.make("yd_job", name="chat", crew=1)
    out.work()
    assert other.count() == robots.PER_MINUTE["wecom"]
    assert len(out.parcels("due")) == 2
    out.later(seconds=61)
    out.work()
    assert other.count() == robots.PER_MINUTE["wecom"] + 2


def test_the_robot_of_the_group_is_spoken_to_and_that_of_everybody_where_there_is_none(
    out: Out, other: Peer
) -> None:
    other.say(200, {"errcode": 0})
    connect(out, "wecom", other.url + "/all", "everybody")
    connect(out, "wecom", other.url + "/crews", "crews", serves=["crews"])
    out.opened.admin.make("yd_job", name="chat", crew=1)
    out.work()
    assert other.next().path == "/crews" and other.count() == 0
    with out.place.connection("write") as conn:
        connections.remove(conn, out.place.schema, "crews")
    out.opened.admin.make("yd_job", name="chat", crew=1)
    out.work()
    assert other.next().path == "/all"


def test_without_a_robot_the_step_says_so(out: Out) -> None:
    job = out.opened.admin.make("yd_job", name="chat", crew=1)
    out.work()
    run = out.opened.admin.get(f"/runs?record={job['id']}").json()["runs"][0]
    assert "robot" in run["error"]


@pytest.mark.parametrize("kind", ["wecom", "dingtalk", "feishu"])
def test_a_long_text_is_cut_between_characters(kind: str) -> None:

    message = robots.Message(title="标题", text="长" * 20_000, link="https://crm.example/a", link_text="打开")
    body = robots.request(kind, "https://x.example", "", message, system_clock()).body.decode()
    assert len(body.encode()) < {"wecom": 4_400, "dingtalk": 16_000, "feishu": 20_000}[kind]
    assert "…" in body and "https://crm.example/a" in body


def test_a_text_message_goes_in_the_form_of_the_provider(out: Out, other: Peer) -> None:
    rep = out.opened.admin.rows("user", where=f"email == '{REP}'", fields="id")[0]["id"]
    out.opened.admin.patch(f"/records/user/{rep}", {"mobile": "+8613800138000"})
    connect(out, "sms", other.url + "/send", form='{"phones": ["{to}"], "content": "{text}"}')
    out.opened.admin.make("yd_job", name="sms", crew=1)
    out.work()
    asked = other.next()
    number = out.opened.admin.read("user", rep)["mobile"]
    assert asked.json == {"phones": [number], "content": 'Hurry "now" {to}'}
    assert asked.headers["authorization"] == f"Bearer {SECRET}"


# -- webhooks -----------------------------------------------------------------------------------------------------


def hook(out: Out, other: Peer, *events: str) -> tuple[str, str]:
    """Made past the page: the running application may not speak to this machine."""
    admin = out.opened.admin.rows("user", where=f"email == '{ADMIN}'", fields="id")[0]["id"]
    id = new_id()
    with out.place.connection("write") as conn:
        secret = hooks.subscribe(
            conn, out.place.schema, out.place.vault, id, label="ERP", url=other.url + "/in", events=events, person=admin,
            now=out.clock(),
        )  # fmt: skip
    return id, secret


def verified(asked: Asked, secret: str) -> bool:
    """As the Standard Webhooks say it is done."""
    text = f"{asked.headers['webhook-id']}.{asked.headers['webhook-timestamp']}.".encode() + asked.body
    key = base64.b64decode(secret.removeprefix("whsec_"))
    wanted = "v1," + base64.b64encode(hmac.digest(key, text, sha256)).decode()
    return wanted in asked.headers["webhook-signature"].split(" ")


def test_a_webhook_tells_of_saves_and_is_signed(out: Out, other: Peer) -> None:
    id, secret = hook(out, other, "yd_job.created", "*.deleted")
    job = out.opened.admin.make("yd_job", name="hooked", crew=2)
    out.opened.admin.patch(f"/records/yd_job/{job['id']}", {"crew": 3})
    out.work()
    asked = other.next()
    assert verified(asked, secret) and not verified(asked, "whsec_" + base64.b64encode(b"x" * 24).decode())
    body = asked.json
    assert body["type"] == "yd_job.created" and body["data"]["id"] == job["id"]
    assert body["data"]["record"]["name"] == "hooked" and body["data"]["record"]["crew"] == 3
    assert other.count() == 0
    out.opened.admin.delete(f"/records/yd_job/{job['id']}")
    out.work()
    gone = other.next().json
    assert gone["type"] == "yd_job.deleted" and gone["data"]["record"] is None
    listed = out.opened.admin.get(f"/webhooks/{id}/deliveries").json()["deliveries"]
    assert [d["state"] for d in listed] == ["sent", "sent"]


def test_both_secrets_sign_while_they_change(out: Out, other: Peer) -> None:
    id, secret = hook(out, other, "yd_job.created")
    fresh = out.opened.admin.post(f"/webhooks/{id}/renew").json()["secret"]
    out.opened.admin.make("yd_job", name="a", crew=2)
    out.work()
    asked = other.next()
    assert verified(asked, secret) and verified(asked, fresh)
    assert out.opened.admin.post(f"/webhooks/{id}/settle").status_code == 204
    out.opened.admin.make("yd_job", name="a", crew=2)
    out.work()
    asked = other.next()
    assert not verified(asked, secret) and verified(asked, fresh)


def test_a_webhook_that_fails_for_a_day_is_switched_off_and_its_owner_hears_it(out: Out, other: Peer) -> None:
    id, _ = hook(out, other, "yd_job.created")
    other.say(500)
    out.opened.admin.make("yd_job", name="a", crew=2)
    out.work()
    assert [p.state for p in out.parcels()] == ["due"]
    out.later(hours=25)
    out.work()
    (found,) = out.opened.admin.get("/webhooks").json()["webhooks"]
    assert found["id"] == id and not found["active"]
    assert "ERP" in out.opened.person(ADMIN).page("/inbox?category=automation").text
    out.opened.admin.make("yd_job", name="b", crew=2)
    assert len(out.parcels()) == 1  # nothing is kept for it any more


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"label": "", "url": "https://93.184.215.14/", "events": ["yd_job.created"]}, "label"),
        ({"label": "a", "url": "http://127.0.0.1/", "events": ["yd_job.created"]}, "url"),
        ({"label": "a", "url": "ftp://a.example/", "events": ["yd_job.created"]}, "url"),
        ({"label": "a", "url": 7, "events": ["yd_job.created"]}, "url"),
        ({"label": "a", "url": "https://93.184.215.14/", "events": []}, "events"),
        ({"label": "a", "url": "https://93.184.215.14/", "events": ["yd_jb.created"]}, "events"),
        ({"label": "a", "url": "https://93.184.215.14/", "events": ["yd_job.made"]}, "events"),
        ({"label": "a", "url": "https://93.184.215.14/", "events": "yd_job.created"}, "events"),
        ({"label": "a", "url": "https://93.184.215.14/", "events": ["yd_job.created"], "more": 1}, "more"),
    ],
)
def test_a_webhook_that_is_none_is_refused(out: Out, body: dict[str, Any], path: str) -> None:
    answer = out.opened.admin.post("/webhooks", body)
    assert answer.status_code == 422 and answer.json()["problems"][0]["field"] == path, answer.text
    assert out.opened.admin.get("/webhooks").json() == {"webhooks": []}


def test_webhooks_are_administrators_and_have_a_limit(out: Out) -> None:
    body = {"label": "a", "url": "https://93.184.215.14/", "events": ["yd_job.created"]}
    assert out.opened.rep.post("/webhooks", body).status_code == 403
    assert out.opened.rep.get("/webhooks").status_code == 403
    for _ in range(hooks.MOST):
        assert out.opened.admin.post("/webhooks", body).status_code == 201
    past = out.opened.admin.post("/webhooks", body)
    assert past.status_code in (409, 422, 429) and past.json()["code"] == "limit_webhooks"


def test_the_page_of_webhooks_shows_a_secret_once(out: Out) -> None:
    admin = out.opened.person(ADMIN)
    form = {"label": "From the page", "url": "https://93.184.215.14/x", "events": "yd_job.created, *.deleted"}
    made = admin.post("/admin/webhooks", form)
    assert made.status_code == 200 and "whsec_" in made.text
    assert "whsec_" not in admin.get("/admin/webhooks").text
    wrong = admin.post("/admin/webhooks", {**form, "url": "http://10.0.0.1/"})
    assert wrong.status_code == 422 and "10.0.0.1 is not a public address" in wrong.text
    (row,) = admin.page("/admin/webhooks").select("tbody tr")
    path = row.a["href"].removeprefix("/w/acme")
    assert admin.page(path).select_one("form[action$='/renew']") is not None
    assert admin.post(path + "/switch", {"on": "no"}).status_code == 303
    assert "Switch on" in admin.page(path).text
    assert admin.post(path + "/remove").status_code == 303
    assert admin.page("/admin/webhooks").select("tbody tr") == []
    assert out.opened.person(REP).get("/admin/webhooks").status_code == 404
