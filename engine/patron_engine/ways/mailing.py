"""Mailing: letters to people outside: puts them into the outbox with a message on the record's timeline, and says there what
became of them.

In: the transaction of a run and its command; later a letter's id and what became of it. Out: a parcel and a record of `message`
under the same id, where the workspace has that object; its status. Also the way out of letters: who stops them has it noted on
his own record.
"""

from __future__ import annotations

from collections.abc import Mapping
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
from patron_engine.record.outbox import Parcel
from patron_engine.record.statements import Conn
from patron_engine.ways.leaving import put
from patron_engine.ways.save import save

VIA: Final = "letters"  # the way of the outbox under which letters of a workspace are counted
MESSAGE: Final = "message"
EVENT: Final = "message_event"
STOPPED: Final = "letters_stopped"  # the cause in the history


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
    values = fetch_values(conn, call, object, [record], [field]).get(record)
    if values is None or values[field] is True:
        return
    change = Change(action="update", object=object, id=record, set={field: True}, source="typed")
    try:
        with conn.transaction():
            save(conn, call, [change])
    except NeedsConfirmation as asked:  # nobody is there to be asked
        save(conn, call, [replace(change, confirm=frozenset(p.rule for p in asked.problems if p.rule))])
    if EVENT in call.model.objects and fetch_values(conn, call, MESSAGE, [letter], ["id"]):
        given = {"message": letter, "kind": "unsubscribed", "at": call.now}
        save(conn, call, [Change(action="create", object=EVENT, set=given, source="typed")])
