"""Connecting: what an administrator enters for a connection, read and checked; and a first message over it.

In: fields of a form, the connection as it was. Out: a `Connection` and what is wrong with it, by field. A secret that is left
empty stays as it was. An address that must not be spoken to is refused here, and again when something is sent.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from patron_engine import jsonio
from patron_engine.errors import PatronError
from patron_engine.record.connections import ROBOTS, Connection
from patron_platform.hosts import parts
from patron_platform.outward import mail, robots
from patron_platform.outward.addresses import USUAL, Outside, Unknown
from patron_platform.outward.client import Request, ask, checked
from patron_platform.outward.sending import server_of
from patron_platform.outward.texting import FORM, text_message
from patron_platform.service import Service

NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,39}\Z")
_MAIL: Final = re.compile(r"[^\s@<>\"(),;:]{1,64}@[A-Za-z0-9.-]{1,190}\Z")
_HOST: Final = re.compile(r"[A-Za-z0-9.:-]{1,250}\Z")
LONGEST: Final = 2_000
FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    "smtp": ("host", "port", "scheme", "user", "password", "sender", "name", "reply_to"),
    "sms": ("url", "secret", "form"),
    **dict.fromkeys(ROBOTS, ("url", "secret", "serves")),
}
SECRETS: Final = frozenset({"password", "url", "secret"})
Wrong = dict[str, str]


def entered(
    kind: str, given: Mapping[str, str], before: Connection | None, outside: Outside
) -> tuple[Connection, Wrong]:
    """field -> key of the text that says what is wrong."""
    wrong: Wrong = {}
    name = before.name if before is not None else given.get("name_", "").strip()
    if not NAME.match(name):
        wrong["name_"] = "wrong_name"
    label = given.get("label", "").strip()
    if not 0 < len(label) <= 80:
        wrong["label"] = "wrong_label"
    values = {f: given.get(f, "").strip() for f in FIELDS[kind]}
    wrong |= {
        f: "wrong_long"
        for f, v in values.items()
        if len(v) > LONGEST or any(c < " " and c not in "\r\n\t" for c in v)
    }
    secret = {f: v or (before.secret.get(f, "") if before else "") for f, v in values.items() if f in SECRETS}
    config: dict[str, Any] = {f: v for f, v in values.items() if f not in SECRETS and v}
    if kind == "smtp":
        wrong |= _smtp(config, outside)
    else:
        wrong |= _address(secret["url"], outside)
    if kind == "sms" and not _form_holds(config.get("form", FORM)):
        wrong["form"] = "wrong_form"
    if kind in ROBOTS:
        config["serves"] = [code for code in re.split(r"[,，\s]+", config.get("serves", "")) if code]
    return Connection(
        name=name, kind=kind, label=label, config=config, active=given.get("active") == "yes", secret=secret
    ), wrong  # fmt: skip


def _smtp(config: dict[str, Any], outside: Outside) -> Wrong:
    wrong: Wrong = {}
    if config.get("scheme", "smtp") not in mail.PORTS:
        wrong["scheme"] = "wrong_choice"
    port = config.get("port", "")
    if port and not (port.isascii() and port.isdigit() and 0 < int(port[:6]) < 65_536):
        wrong["port"] = "wrong_port"
    for field in ("sender", "reply_to"):
        if (field == "sender" or config.get(field)) and not _MAIL.match(config.get(field, "")):
            wrong[field] = "wrong_mail"
    if not _HOST.match(config.get("host", "")):
        wrong["host"] = "wrong_host"
    elif not wrong:
        wrong |= _found(
            "host", config["host"], int(port or mail.PORTS[config.get("scheme", "smtp")]), outside, USUAL
        )
    return wrong


def _address(url: str, outside: Outside) -> Wrong:
    try:
        checked(Request(method="POST", url=url))
    except PatronError:
        return {"url": "wrong_url"}
    found = parts(url)
    port = found.port or (443 if found.scheme == "https" else 80)
    return _found("url", found.hostname or "", port, outside, frozenset({80, 443}))


def _found(field: str, host: str, port: int, outside: Outside, ports: frozenset[int]) -> Wrong:
    """A name without an address now may have one later; an inner address never may."""
    try:
        outside.find(host, port, ports)
    except Unknown:
        return {}
    except PatronError:
        return {field: "wrong_inner"}
    return {}


def _form_holds(form: str) -> bool:
    try:
        jsonio.loads(form.replace("{to}", "").replace("{text}", "").replace("{id}", "").encode())
    except ValueError:
        return False
    return "{to}" in form and "{text}" in form


def try_out(
    service: Service, outside: Outside, one: Connection, *, to: str, number: str, text: str, now: datetime
) -> None:
    """Sends a first message: to his own address or number, or into the group. A PatronError says why it did not go."""
    if one.kind == "smtp":
        mail.post(server_of(service, one), mail.Letter(to=to, subject=text, text=text, at=now))
    elif one.kind == "sms":
        answer = ask(text_message(one, number, text, f"try-{int(now.timestamp())}"), outside)
        if answer.status >= 400:
            raise PatronError(f"HTTP {answer.status}", code=f"status_{answer.status}")
    else:
        url, secret = one.secret["url"], one.secret.get("secret", "")
        message = robots.Message(title=text)
        robots.judge(one.kind, ask(robots.request(one.kind, url, secret, message, now), outside))
