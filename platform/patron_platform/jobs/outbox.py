"""Outbox as a process runs it: what is due is taken, sent, and what became of it is written. Workspaces beside each other.

In: a service. Out: parcels that left. Each workspace has one turn at a time, at most `TURN_SECONDS` long, in a thread of its
own: one whose other sides are slow holds up nobody else. Taking is committed before sending; who is killed while sending
leaves a parcel that another takes over after `STALLED`.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from threading import Event
from typing import Any, Final

import psycopg

from patron_engine.actor import SYSTEM
from patron_engine.errors import LimitExceeded, PatronError, Unavailable
from patron_engine.flow import answering
from patron_engine.phrases import Phrase
from patron_engine.query.call import Call
from patron_engine.record import connections, hooks, outbox
from patron_engine.record.outbox import Held
from patron_engine.record.telling import tell
from patron_engine.runtime import Workspace
from patron_engine.ways.leaving import deliver
from patron_engine.ways.mailing import letter_became, letter_failed
from patron_platform.colleagues import colleague
from patron_platform.database.workspaces import list_workspaces
from patron_platform.outward import robots
from patron_platform.outward.commented import tell_of_comment
from patron_platform.outward.filling import filled
from patron_platform.outward.letters import reader_of
from patron_platform.outward.mail import AddressRefused
from patron_platform.outward.sending import FOR_GOOD, Nobody, Sent, send
from patron_platform.service import Service

TURN_SECONDS: Final = 20.0
AT_ONCE: Final = 10  # parcels one turn takes at a time
THREADS: Final = 8  # workspaces that send at the same time
ROUND_SECONDS: Final = 1.0
SETTLE_SECONDS: Final = 10.0  # that the database may be away while what became of a parcel is written
SETTLE_PAUSE: Final = 0.2
TOGETHER: Final = 100  # notices of one letter
MINUTE: Final = timedelta(minutes=1)
HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)
LETTERS: Final = 5_000  # limit_letters: what leaves a workspace in a day to people outside

log = logging.getLogger("patron.outbox")
Connection = psycopg.Connection[Any]


def send_until(service: Service, stop: Event) -> None:
    """Rounds over the workspaces, each in a thread of its own as long as it has something to send."""
    running: dict[str, Future[int]] = {}
    with ThreadPoolExecutor(THREADS, thread_name_prefix="patron-outbox") as pool:
        while not stop.is_set():
            for name in _ready(service):
                if name not in running or running[name].done():
                    running[name] = pool.submit(_turn, service, name, stop)
            stop.wait(ROUND_SECONDS)


def _ready(service: Service) -> list[str]:
    try:
        with service.databases.system("read") as conn:
            return [w.name for w in list_workspaces(conn) if w.state == "ready"]
    except Exception:
        log.exception("outbox_waits")
        return []


def _turn(service: Service, name: str, stop: Event) -> int:
    try:
        return work_outbox(service, service.runtime.workspace(name), stop)
    except Exception:
        log.exception("outbox_failed", extra={"workspace": name})
        return 0


def work_outbox(service: Service, place: Workspace, stop: Event | None = None) -> int:
    """Sends what is due, for one turn; how many parcels that were."""
    ends, done = time.monotonic() + TURN_SECONDS, 0
    while time.monotonic() < ends and not (stop is not None and stop.is_set()):
        with place.connection("job") as conn:
            now = place.runtime.clock()
            taken = (
                outbox.take(conn, place.schema, now, AT_ONCE)
                if outbox.anything(conn, place.schema, now)
                else []
            )
            conn.commit()
        if not taken:
            break
        done += _all(service, place, taken)
    return done


def _all(service: Service, place: Workspace, taken: list[Held]) -> int:
    """A notice brings the others to the same person along."""
    gone: set[str] = set()
    for held in taken:
        if held.id in gone:
            continue
        same = [h for h in taken if h.kind == "notice" and h.person == held.person and h.id != held.id]
        more = same if held.kind == "notice" else []
        if held.kind == "notice" and held.person:
            with place.connection("job") as conn:
                more += outbox.take_more(conn, place.schema, held.person, place.runtime.clock(), TOGETHER)
                conn.commit()
        gone |= {held.id, *(h.id for h in more)}
        try:
            _one(service, place, held, more)
        except Exception:  # the others were taken with it: they do not wait until it stalls
            log.exception("parcel_stands", extra={"workspace": place.name, "parcel": held.id})
    return len(gone)


def _settle(place: Workspace, write: Callable[[Connection, Call], None]) -> None:
    """Writes what became of a parcel, also where the database was away for a moment: what has left is not to leave again."""
    ends = time.monotonic() + SETTLE_SECONDS
    while True:
        try:
            place.writing(SYSTEM, write)
            return
        except Unavailable:
            if time.monotonic() > ends:
                raise
        time.sleep(SETTLE_PAUSE)


def _one(service: Service, place: Workspace, held: Held, more: list[Held]) -> None:
    """Sends it and writes what became of it."""
    if held.kind == "tell":
        _tell(service, place, held)
        return
    if _waits_for_its_turn(place, held):
        return
    try:
        sent = send(service, place, held, more, place.runtime.clock())
    except Nobody as error:
        _write(place, [held, *more], error, "dropped")
    except AddressRefused as error:
        noted = held.kind == "letter" and "bounced" in held.payload["paths"]  # it is mended at the record
        _write(place, [held, *more], error, "dropped" if noted else "parked")
    except FOR_GOOD as error:
        _write(place, [held, *more], error, "parked")
    except PatronError as error:
        _write(place, [held, *more], error, "later")
    except Exception as error:
        log.exception("parcel_failed", extra={"workspace": place.name, "parcel": held.id})
        _write(place, [held, *more], PatronError(type(error).__name__, code="error"), "later")
    else:
        _left(place, [held, *more], sent)


def _waits_for_its_turn(place: Workspace, held: Held) -> bool:
    """A robot takes so many a minute, people outside so many letters a day; what is beyond that waits."""
    if held.kind == "letter":
        return _is_beyond_a_day(place, held)
    if held.kind != "chat":
        return False
    with place.connection("job") as conn:
        now = place.runtime.clock()
        kind = next((c.kind for c in connections.connections(conn, place.schema) if c.name == held.via), "")
        most = robots.PER_MINUTE.get(kind)
        if most is None or outbox.left_by(conn, place.schema, held.via or "", now - MINUTE) <= most:
            return False
        outbox.put_off(conn, place.schema, held, now + MINUTE)
        conn.commit()
        return True


def _is_beyond_a_day(place: Workspace, held: Held) -> bool:
    """One that is not sent yet says why it waits."""
    with place.connection("job") as conn:
        now = place.runtime.clock()
        if outbox.left_by(conn, place.schema, held.via or "", now - DAY) <= LETTERS:
            return False
        why = _why(LimitExceeded(Phrase("a workspace writes at most {most} letters a day to people outside", most=LETTERS), code="limit_letters"))  # fmt: skip
        outbox.put_off(conn, place.schema, held, now + HOUR, why)
        conn.commit()
        return True


# -- what became of it --------------------------------------------------------------------------------------------


def _left(place: Workspace, parcels: list[Held], sent: Sent) -> None:
    def write(conn: Connection, call: Call) -> None:
        for held in parcels:
            mine = outbox.sent(conn, call.schema, held, call.now, sent.status)
            if mine and held.run and sent.answer is not None and not sent.stands:
                answering.answered(conn, call.schema, held.run, held.id, sent.answer)
            if mine and held.kind == "letter":
                letter_became(conn, call, held.id, "sent", subject=sent.subject, body=sent.body)
        _note(conn, call, parcels[0], None)

    _settle(place, write)


def _write(place: Workspace, parcels: list[Held], error: PatronError, what: str) -> None:
    """Dropped, parked, or later; a run that stands for a call that will not be answered goes on or is parked."""
    why = _why(error)

    def write(conn: Connection, call: Call) -> None:
        for held in parcels:
            if what == "dropped":
                if outbox.dropped(conn, call.schema, held, error.code, call.now):
                    letter_failed(conn, call, held, error.code, why)
                continue
            end = outbox.parked if what == "parked" else outbox.later
            over = end(conn, call.schema, held, why, call.now)
            if over and held.kind == "call" and held.run:
                _over(conn, call, held, error, why)
            if over:
                letter_failed(conn, call, held, error.code, why)
        _note(conn, call, parcels[0], why if what != "dropped" else None)

    _settle(place, write)


def _over(conn: Connection, call: Call, held: Held, error: PatronError, why: str) -> None:
    """Steps of `on_error` go on with what is known; without any an administrator decides."""
    if held.payload.get("rescued"):
        status = int(error.code[7:]) if error.code.startswith("status_") else None
        answer = {"status": status, "body": None, "error": error.code, "timed_out": False}
        answering.answered(conn, call.schema, str(held.run), held.id, answer)
    else:
        answering.unanswered(conn, call.schema, str(held.run), held.id, why)


def _note(conn: Connection, call: Call, held: Held, why: str | None) -> None:
    """What went wrong last stands with the connection or the webhook; one that fails for a day is switched off."""
    if held.kind in ("chat", "sms") and held.via:
        connections.failed(conn, call.schema, held.via, why, call.now)
    elif held.kind == "webhook" and held.via and hooks.delivered(conn, call.schema, held.via, why, call.now):
        hook = hooks.webhook(conn, call.schema, held.via)
        text = {
            "en": f"The webhook {hook.label} was switched off: it failed for a day",
            "zh-CN": f"Webhook“{hook.label}”连续一天推送失败，已停用",
            "zh-TW": f"Webhook「{hook.label}」連續一天推送失敗，已停用",
        }
        tell(
            conn, call, [hook.person] if hook.person else [], "automation", text=text, link="/admin/webhooks"
        )


def _why(error: PatronError) -> str:
    """As the outbox shows it: the code, which pages say in every language, and the sentence."""
    return f"{error.code}: {error.detail}"[:500]


# -- templates ----------------------------------------------------------------------------------------------------


def _tell(service: Service, place: Workspace, held: Held) -> None:
    """Fills a template in for each person and tells it, in one transaction with its end."""
    said = held.payload
    about = (said["object"], said["record"]) if said.get("record") else None
    try:

        def write(conn: Connection, call: Call) -> None:
            if "comment" in said:
                tell_of_comment(conn, call, said)
                outbox.sent(conn, call.schema, held, call.now)
                return
            actor = colleague(conn, call, said["as"]).actor if said.get("as") else SYSTEM
            reading = place.call(conn, actor)
            whom: list[str | None] = list(said["people"]) or [None]
            for person in whom:
                reader = reader_of(service, conn, reading, person or "")
                made = filled(conn, reading, said["template"], about, reader)
                deliver(
                    conn, call, [person] if person else [], text=made.subject or made.text[:200], body=made.text,
                    about=about, channels=[c for c in said["channels"] if c != "chat"] or (["inbox"] if said["channels"] else []),
                    groups=frozenset(), run=held.run, reason=said.get("reason", "automation"), html=made.html,
                )  # fmt: skip
            if "chat" in said["channels"]:
                made = filled(conn, reading, said["template"], about, reader_of(service, conn, reading, ""))
                deliver(
                    conn, call, [], text=made.subject or made.text[:200], body=made.text, about=about, channels=["chat"],
                    groups=frozenset(said["groups"]), run=held.run, reason=said.get("reason", "automation"),
                )  # fmt: skip
            outbox.sent(conn, call.schema, held, call.now)

        _settle(place, write)
    except Unavailable:
        raise
    except PatronError as error:
        _write(place, [held], error, "parked")
