"""Robots: messages to the robots of chat groups, each in the form its product documents. Pure.

    WeCom      POST URL?key=…            {"msgtype": "markdown", "markdown": {"content"}}    errcode 0
    DingTalk   POST URL&timestamp&sign   {"msgtype": "markdown", "markdown": {"title", "text"}}    errcode 0
    Feishu     POST URL                  {"timestamp", "sign", "msg_type": "post", "content"}    code 0

In: a kind, the address and secret of a robot, a message, the moment. Out: a request; of an answer, what it means. An address
opens the group: it is a secret as well.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Final
from urllib.parse import urlencode

from patron_engine import jsonio
from patron_engine.phrases import Phrase
from patron_platform.outward.client import Answer, Failed, Request, Unsendable

PER_MINUTE: Final[Mapping[str, int]] = {
    "wecom": 20,
    "dingtalk": 20,
    "feishu": 100,
}  # what the products allow one robot
LONGEST: Final[Mapping[str, int]] = {"wecom": 4_096, "dingtalk": 15_000, "feishu": 15_000}  # bytes of a text
TITLE: Final = 200  # characters
_BUSY: Final[Mapping[str, frozenset[int]]] = {
    "wecom": frozenset({45009, -1}), "dingtalk": frozenset({130101, -1}), "feishu": frozenset({11232}),
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    title: str
    text: str = ""
    link: str | None = None
    link_text: str = ""


class Busy(Failed):
    """It took too many in a short time."""

    code = "robot_busy"


def request(kind: str, url: str, secret: str, message: Message, now: datetime) -> Request:
    body = _BODIES[kind](message)
    if secret and kind == "dingtalk":
        stamp = str(int(now.timestamp() * 1000))
        sign = base64.b64encode(hmac.digest(secret.encode(), f"{stamp}\n{secret}".encode(), sha256)).decode()
        url = f"{url}{'&' if '?' in url else '?'}{urlencode({'timestamp': stamp, 'sign': sign})}"
    elif secret and kind == "feishu":
        stamp = str(int(now.timestamp()))
        sign = base64.b64encode(hmac.digest(f"{stamp}\n{secret}".encode(), b"", sha256)).decode()
        body = {"timestamp": stamp, "sign": sign, **body}
    return Request(
        method="POST", url=url, headers={"Content-Type": "application/json; charset=utf-8"}, body=jsonio.dumps(body)
    )  # fmt: skip


def judge(kind: str, answer: Answer) -> None:
    """Nothing when it took the message. Busy, Failed, or Unsendable with what it said."""
    if answer.status >= 500 or answer.status == 429:
        raise Failed(Phrase("the other side answered {status}", status=answer.status))
    try:
        said: Any = jsonio.loads(answer.body)
    except ValueError:
        said = None
    code = _code(said)
    if answer.status == 200 and code == 0:
        return
    if code in _BUSY[kind]:
        raise Busy("the robot took too many messages in a short time")
    words = str(said.get("errmsg") or said.get("msg") or "")[:200] if isinstance(said, Mapping) else ""
    raise Unsendable(
        Phrase("the robot refused the message: {code} {words}", code=str(code if code is not None else answer.status), words=words),
        code="robot_refused",
    )  # fmt: skip


def _code(said: Any) -> int | None:
    for name in ("errcode", "code", "StatusCode"):
        if isinstance(said, Mapping) and isinstance(said.get(name), int):
            return int(said[name])
    return None


def _wecom(message: Message) -> dict[str, Any]:
    return {"msgtype": "markdown", "markdown": {"content": _markdown(message, "wecom")}}


def _dingtalk(message: Message) -> dict[str, Any]:
    return {
        "msgtype": "markdown",
        "markdown": {"title": message.title[:TITLE], "text": _markdown(message, "dingtalk")},
    }


def _feishu(message: Message) -> dict[str, Any]:
    lines: list[list[dict[str, str]]] = []
    if message.text:
        lines.append([{"tag": "text", "text": _cut(message.text, LONGEST["feishu"])}])
    if message.link:
        lines.append([{"tag": "a", "text": message.link_text or message.link, "href": message.link}])
    post = {"zh_cn": {"title": message.title[:TITLE], "content": lines or [[{"tag": "text", "text": ""}]]}}
    return {"msg_type": "post", "content": {"post": post}}


_BODIES: Final = {"wecom": _wecom, "dingtalk": _dingtalk, "feishu": _feishu}


def _markdown(message: Message, kind: str) -> str:
    tail = f"\n\n[{_flat(message.link_text or message.link)}]({message.link})" if message.link else ""
    text = f"**{_flat(message.title)[:TITLE]}**" + (f"\n\n{message.text}" if message.text else "")
    return _cut(text, LONGEST[kind] - len(tail.encode())) + tail


def _flat(text: str) -> str:
    """Without what would end the mark it stands in."""
    return " ".join(text.replace("*", "＊").replace("[", "［").replace("]", "］").split())


def _cut(text: str, most: int) -> str:
    """At most so many bytes of UTF-8, never half a character."""
    whole = text.encode()
    return text if len(whole) <= most else whole[: most - 3].decode(errors="ignore") + "…"
