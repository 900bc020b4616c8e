"""Mailing: letters to people outside: puts them into the outbox with a message on the record's timeline, and says there what
became of them, also that an address is nobody's.

In: the transaction of a run and its command; later a letter's id and what became of it. Out: a parcel and a record of `message`
under the same id, where the workspace has that object; its status. Also the way out of letters: who stops them has it noted on
his own record.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final

from patron_engine.actor import SYSTEM, Cause
from patron_engine.errors import NeedsConfirmation, NotFound, PatronError
from patron_engine.flow.mailing import Mail
from patron_engine.flow.run import Run
from patron_engine.flow.writing import because
from patron_engine.model.model import say
from patron_engine.query.call import Call
from patron_engine.query.values import fetch_values
from patron_engine.record.change import Change
from patron_engine.record.merged import merged_into
from patron_engine.record.outbox import Held, Parcel
from patron_engine.record.statements import Conn
from patron_engine.ways.leaving import put
from patron_engine.ways.save import save

VIA: Final = "letters"  # the way of the outbox under which letters of a workspace are counted
MESSAGE: Final = "message"
EVENT: Final = "message_event"
STOPPED: Final = "letters_stopped"  # causes in the history
BOUNCED: Final = "letter_bounced"
NOBODY: Final = "address_refused"  # a mail server knows nobody of the address


def mail_out(conn: Conn, call: Call, run: Run, command: Mail) -> Mapping[str, Any]:
    """Nothing of the records stands in what administrators see of the parcels."""
    parcels, changes = [], []
    for record, address in command.letters:
        id = call.new_id()
        payload = {
            "object": command.object, "record": record, "template": command.template, "paths": dict(command.paths),
            "as": command.reader,
        }  # fmt: skip
        parcels.append(
            Parcel(id=id, kind="letter", target=command.template, via=VIA, payload=payload, run=run.id)
        )
        changes.append(_message(call, id, command, record, address))
    put(conn, call, parcels)
    if MESSAGE in call.model.objects:
        save(conn, replace(call, actor=SYSTEM), [because(run, change) for change in changes])
    return {}


def _message(call: Call, id: str, command: Mail, record: str, address: str) -> Change:
    """The letter as a record, under its id."""
    object = call.model.objects.get(MESSAGE)
    body = call.model.documents.get(("template", command.template)) or {}
    values: dict[str, Any] = {
        "subject": say(body.get("label") or command.template, call.model.workspace.languages), "channel": "email",
        "direction": "out", "recipients": address, "template": command.template, "status": "queued",
    }  # fmt: skip
    about = object.field("about") if object is not None else None
    if about is not None and command.object in about.link.to:
        values["about"] = {"object": command.object, "id": record} if about.link.several else record
    if command.object == "contact":
        values["contact"] = record
    known = {name: value for name, value in values.items() if object is not None and object.field(name)}
    return Change(action="create", object=MESSAGE, id=id, set=known, source="typed")


def letter_became(
    conn: Conn, call: Call, id: str, status: str, *, subject: str = "", body: str = "", error: str = ""
) -> None:
    """What became of a letter, on its message. One that somebody removed or changed so that it refuses stays as it is: the
    letter left all the same."""
    object = call.model.objects.get(MESSAGE)
    if object is None or not fetch_values(conn, call, MESSAGE, [id], ["id"]):
        return
    values: dict[str, Any] = {"status": status, "error": error[:500] or None}
    if status == "sent":
        values |= {"subject": subject[:500], "body": body, "sent_at": call.now.isoformat()}
    known = {name: value for name, value in values.items() if object.field(name) is not None}
    change = Change(action="update", object=MESSAGE, id=id, set=known)
    try:
        with conn.transaction():
            save(conn, replace(call, actor=SYSTEM, cause=Cause(kind="system")), [change])
    except PatronError:
        return


def letter_failed(conn: Conn, call: Call, held: Held, code: str, error: str) -> None:
    """Any parcel that did not leave; of a letter its message says why."""
    if held.kind == "letter" and code == NOBODY:
        _bounced(conn, call, held, error)
    elif held.kind == "letter":
        letter_became(conn, call, held.id, "failed", error=error)


def _bounced(conn: Conn, call: Call, held: Held, error: str) -> None:
    """Nobody has the address: the message says it, and the record, where the step names a checkbox for it."""
    letter_became(conn, call, held.id, "bounced", error=error)
    with suppress(PatronError), conn.transaction():  # what the workspace itself forbids holds up nothing
        _event(conn, call, held.id, "bounced")
    said = held.payload
    path, object = dict(said["paths"]).get("bounced"), str(said["object"])
    if path is None or object not in call.model.objects:
        return
    marked = replace(call, actor=SYSTEM, cause=Cause(kind=BOUNCED, detail={"letter": held.id}))
    with suppress(PatronError), conn.transaction():
        record = merged_into(conn, call, object, said["record"]) or said["record"]
        _tick(conn, marked, *holder(conn, call, object, record, path))


# -- who wants no more --------------------------------------------------------------------------------------------


def holder(conn: Conn, call: Call, object: str, record: str, path: str) -> tuple[str, str, str]:
    """Object, record and field that a path ends at. NotFound where it leads nowhere any more."""
    links, _, name = path.rpartition(".")
    if links:
        link = call.model.follow(object, links)
        value = fetch_values(conn, call, object, [record], [links]).get(record, {}).get(links)
        if isinstance(value, Mapping):
            object, record = str(value.get("object")), str(value.get("id"))
        elif link is not None and isinstance(value, str):
            object, record = link.link.to[0], value
        else:
            raise NotFound("this link is not valid", code="link_not_valid")
    return object, record, name


def stop_letters(conn: Conn, call: Call, object: str, record: str, field: str, letter: str) -> None:
    """He wants no more letters: it stands on his record from now on, whatever locks it. A record that was merged is the one
    it became; one that is gone gets no letters anyway."""
    record = merged_into(conn, call, object, record) or record
    of = call.model.objects.get(object)
    found = of.field(field) if of is not None else None
    if found is None or found.type != "boolean":
        raise NotFound("this link is not valid", code="link_not_valid")
    call = replace(call, actor=SYSTEM, cause=Cause(kind=STOPPED, detail={"letter": letter}))
    if _tick(conn, call, object, record, field):
        _event(conn, call, letter, "unsubscribed")


def _tick(conn: Conn, call: Call, object: str, record: str, field: str) -> bool:
    """Ticks a checkbox of a record, as `call`; False where there is nothing to tick."""
    values = fetch_values(conn, call, object, [record], [field]).get(record)
    if values is None or values[field] is True:
        return False
    change = Change(action="update", object=object, id=record, set={field: True}, source="typed")
    try:
        with conn.transaction():
            save(conn, call, [change])
    except NeedsConfirmation as asked:  # nobody is there to be asked
        save(conn, call, [replace(change, confirm=frozenset(p.rule for p in asked.problems if p.rule))])
    return True


def _event(conn: Conn, call: Call, letter: str, kind: str) -> None:
    """Something happened to a letter; not told where it is on no timeline."""
    if EVENT not in call.model.objects or not fetch_values(conn, call, MESSAGE, [letter], ["id"]):
        return
    given = {"message": letter, "kind": kind, "at": call.now}
    save(
        conn, replace(call, actor=SYSTEM), [Change(action="create", object=EVENT, set=given, source="typed")]
    )
