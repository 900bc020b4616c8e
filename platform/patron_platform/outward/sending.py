"""Sending: carries one parcel of the outbox out, whatever it is. Outside of every transaction.

In: a service, a workspace, a parcel that was taken. Out: a `Sent`. What fails is told by its type: `GOOD_FOR` errors for good,
any other PatronError for now. Nobody is a parcel that nobody wants any more. Never writes what became of it: jobs/outbox does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode

from patron_engine import jsonio
from patron_engine.actor import SYSTEM
from patron_engine.errors import NotFound, PatronError
from patron_engine.phrases import Phrase
from patron_engine.query.titles import titles_of
from patron_engine.record import connections
from patron_engine.record.outbox import Held
from patron_engine.record.telling import said
from patron_engine.runtime import Workspace
from patron_platform.colleagues import Colleague, colleague
from patron_platform.outward import mail, robots
from patron_platform.outward.addresses import Barred, Outside, networks
from patron_platform.outward.client import Answer, Failed, Request, Unsendable, ask
from patron_platform.outward.letters import letter_of, reader_of
from patron_platform.outward.links import answer_link
from patron_platform.outward.outsiders import outside_letter
from patron_platform.outward.reported import report_letter
from patron_platform.outward.sandbox import Unfillable
from patron_platform.outward.texting import text_message
from patron_platform.outward.webhooks import webhook_request
from patron_platform.phrases import written
from patron_platform.service import Service
from patron_platform.web.texts import texts_in

FOR_GOOD: Final = (Unsendable, Barred, Unfillable, mail.NotTaken, NotFound)


class Nobody(PatronError):
    """It is not to be sent any more."""

    code = "nobody"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """`answer` is what the other side of a call said; with `stands` the run waits for more. `subject` and `body` are what somebody
    outside got."""

    status: int | None = None
    answer: Mapping[str, Any] | None = None
    stands: bool = False
    subject: str = ""
    body: str = ""


def outside_of(service: Service) -> Outside:
    return Outside(allowed=networks(service.settings.outbound_allow))


def send(service: Service, place: Workspace, held: Held, more: Sequence[Held], now: datetime) -> Sent:
    """`more` are notices to the same person that go in the same letter."""
    if held.kind == "notice":
        return _notice(service, place, [held, *more])
    return _BY_KIND[held.kind](service, place, held, now)


# -- letters ------------------------------------------------------------------------------------------------------


def mail_server(service: Service, place: Workspace) -> mail.MailServer | None:
    """The workspace's own, else that of the settings."""
    with place.connection("read") as conn:
        found = connections.first(conn, place.schema, "smtp", place.vault)
    return server_of(service, found) if found is not None else mail.server_of(service.settings)


def server_of(service: Service, found: connections.Connection) -> mail.MailServer:
    """A mail server of a workspace: what it may speak to is looked at."""
    config, scheme = found.config, str(found.config.get("scheme", "smtp"))
    return mail.MailServer(
        scheme=scheme, host=str(config["host"]), port=int(config.get("port") or mail.PORTS[scheme]),
        sender=str(config["sender"]), name=str(config.get("name") or "Patron"), user=str(config.get("user") or ""),
        password=found.secret.get("password", ""), outside=outside_of(service),
    )  # fmt: skip


def _notice(service: Service, place: Workspace, parcels: Sequence[Held]) -> Sent:
    person = _person(service, place, parcels[0].person)
    server = mail_server(service, place)
    if server is None:
        if any(p.payload.get("asked") for p in parcels):
            raise Unsendable(
                "there is no mail server", code="no_mail_server", hint="an administrator adds one"
            )
        raise Nobody("there is no mail server", code="no_mail_server")
    with place.connection("read") as conn:
        call = place.call(conn, person.actor)
        letter = letter_of(service, place, conn, call, person, [p.payload for p in parcels], parcels[0].id)
        config = connections.first(conn, place.schema, "smtp")
    if letter is None:
        raise Nobody("he may not read it any more", code="not_readable")
    mail.post(server, replace(letter, reply_to=config.config.get("reply_to") or None if config else None))
    return Sent()


def _person(service: Service, place: Workspace, id: str | None) -> Colleague:
    try:
        with place.connection("read") as conn:
            found = colleague(conn, place.call(conn, SYSTEM), id or "")
    except NotFound:
        raise Nobody("this person is gone", code="person_gone") from None
    if not found.on:
        raise Nobody("this person is gone", code="person_gone")
    if not found.email:
        raise Nobody("this person has no address", code="no_address")
    return found


def _report(service: Service, place: Workspace, held: Held, now: datetime) -> Sent:
    """A report on its day: read and written as he may at this moment."""
    person = _person(service, place, held.person)
    server = mail_server(service, place)
    if server is None:
        raise Unsendable("there is no mail server", code="no_mail_server", hint="an administrator adds one")
    with place.connection("job") as conn:
        call = place.call(conn, person.actor)
        letter = report_letter(service, place, conn, call, person, held.payload, held.id)
    if letter is None:
        raise Nobody("he may not read it any more", code="not_readable")
    mail.post(server, letter)
    return Sent()


def _letter(service: Service, place: Workspace, held: Held, now: datetime) -> Sent:
    """A letter to somebody outside, as his record says at this moment."""
    server = mail_server(service, place)
    if server is None:
        raise Unsendable("there is no mail server", code="no_mail_server", hint="an administrator adds one")
    with place.connection("read") as conn:
        config = connections.first(conn, place.schema, "smtp")
        made = outside_letter(service, place, conn, place.call(conn, SYSTEM), held)
    if isinstance(made, str):
        raise Nobody("this letter is not wanted any more", code=made)
    letter = made.letter
    answers = letter.reply_to or (config.config.get("reply_to") if config else None)
    named = config is not None and config.config.get("name")
    mail.post(
        server if named else replace(server, name=made.house), replace(letter, reply_to=answers or None)
    )
    return Sent(subject=letter.subject, body=made.body)


# -- over HTTP ----------------------------------------------------------------------------------------------------


def _call(service: Service, place: Workspace, held: Held, now: datetime) -> Sent:
    """Sends it. An answer below 500 is an answer; a run that awaits more stands on after a good one."""
    said = held.payload
    headers = {str(k): str(v) for k, v in said["headers"].items()}
    known = {name.lower() for name in headers}
    body = said["body"]
    if said["await"]:
        link = answer_link(service, place.name, str(held.run), held.id)
        headers["Patron-Answer-To"] = link
        if isinstance(body, dict):
            body = {"answer_to": link, **body}
    if "idempotency-key" not in known:
        headers["Idempotency-Key"] = held.id
    if body is not None and "content-type" not in known:
        headers["Content-Type"] = "application/json"
    url = str(said["url"])
    if said["query"]:
        url += ("&" if "?" in url else "?") + urlencode(said["query"])
    request = Request(
        method=said["method"], url=url, headers=headers, body=b"" if body is None else jsonio.dumps(body),
        **({"seconds": said["seconds"]} if said.get("seconds") else {}),
    )  # fmt: skip
    answer = ask(request, outside_of(service))
    _may_try_again(answer, held)
    error = None if answer.status < 400 else f"status_{answer.status}"
    kept = {"status": answer.status, "body": _json(answer), "error": error, "timed_out": False}
    return Sent(status=answer.status, answer=kept, stands=bool(said["await"]) and error is None)


def _may_try_again(answer: Answer, held: Held) -> None:
    if answer.status >= 500 or answer.status in (408, 425, 429):
        raise Failed(
            Phrase("the other side answered {status}", status=answer.status), code=f"status_{answer.status}"
        )


def _json(answer: Answer) -> Any:
    """The body as JSON, else as a text; nothing of one that was cut, for half of it means something else."""
    if not answer.whole:
        return None
    try:
        return jsonio.loads(answer.body) if answer.body else None
    except ValueError:
        return answer.body.decode(errors="replace").replace("\x00", "")


def _chat(service: Service, place: Workspace, held: Held, now: datetime) -> Sent:
    with place.connection("read") as conn:
        robot = connections.one(conn, place.schema, held.via or "", place.vault)
        call = place.call(conn, SYSTEM)
        languages = call.model.workspace.languages
        object, record = held.payload.get("object"), held.payload.get("record")
        title = (
            titles_of(conn, call, {object: [record]}).get((object, record), "") if object and record else ""
        )
    if not robot.active:
        raise Nobody("this connection is switched off", code="connection_off")
    body = held.payload.get("body")
    base = service.settings.base_url
    there = f"/o/{object}/{record}" if title else held.payload.get("link")
    message = robots.Message(
        title=written(said(held.payload["text"], languages), languages),
        text=written(said(body, languages), languages) if body else "",
        link=f"{base}/w/{place.name}{there}" if base and there else None,
        link_text=title or texts_in(languages[0])("outward.look"),
    )  # fmt: skip
    request = robots.request(robot.kind, robot.secret["url"], robot.secret.get("secret", ""), message, now)
    answer = ask(request, outside_of(service))
    robots.judge(robot.kind, answer)
    return Sent(status=answer.status)


def _sms(service: Service, place: Workspace, held: Held, now: datetime) -> Sent:
    with place.connection("read") as conn:
        provider = connections.one(conn, place.schema, held.via or "", place.vault)
        reader = reader_of(service, conn, place.call(conn, SYSTEM), held.person or "")
    text = written(said(held.payload["text"], reader.languages), reader.languages)
    answer = ask(text_message(provider, str(held.payload["to"]), text, held.id), outside_of(service))
    _may_try_again(answer, held)
    if answer.status >= 400:
        raise Unsendable(Phrase("the other side answered {status}", status=answer.status), code="sms_refused")
    return Sent(status=answer.status)


def _webhook(service: Service, place: Workspace, held: Held, now: datetime) -> Sent:
    answer = ask(webhook_request(service, place, held, now), outside_of(service))
    if answer.status == 410:
        raise Unsendable("the other side does not want it any more", code="webhook_gone")
    if not 200 <= answer.status < 300:
        raise Failed(
            Phrase("the other side answered {status}", status=answer.status), code=f"status_{answer.status}"
        )
    return Sent(status=answer.status)


_BY_KIND: Final[Mapping[str, Callable[[Service, Workspace, Held, datetime], Sent]]] = {
    "report": _report, "call": _call, "chat": _chat, "sms": _sms, "webhook": _webhook, "letter": _letter,
}  # fmt: skip
