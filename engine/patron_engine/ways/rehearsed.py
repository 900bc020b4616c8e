"""Rehearsed: what the people of a check do beside saves: approvals, conversions, claims from pools, records handed on. Part of ways/rehearse.

In: who acts, the act, a record. Out: nothing but what it does. NotFound where nothing waits for him.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from patron_engine.approval import store
from patron_engine.errors import NotFound
from patron_engine.model.model import Model
from patron_engine.phrases import Phrase
from patron_engine.query.call import Call
from patron_engine.query.spec import Ask
from patron_engine.record.change import Change
from patron_engine.record.statements import Conn
from patron_engine.ways import approve, deciding, pools
from patron_engine.ways.approval_people import Wish
from patron_engine.ways.convert import convert
from patron_engine.ways.give import Wish as Sharing
from patron_engine.ways.give import give
from patron_engine.ways.pool_people import standing_in
from patron_engine.ways.read import rows
from patron_engine.ways.save import save
from patron_engine.ways.transfer import Handing, transfer

ACTS: Final = frozenset({"submit", "approve", "reject", "return", "withdraw", "convert", "claim"})
MOST: Final = 1_000  # records of one list of a check
HANDS: Final = frozenset({"assign", "transfer", "share", "merge"})  # to somebody; a record into another


def user_values(model: Model, user: Mapping[str, Any], known: Mapping[str, str]) -> dict[str, Any]:
    """A person of a check: his roles and manager count for who approves."""
    values = {"name": user["name"], "email": f"{user['name']}@check.example", **user.get("set", {})}
    if "manager" in user:
        values["manager"] = known[user["manager"]]
    if "roles" in user and "roles" in model.objects["user"].fields:
        values["roles"] = user["roles"]
    return values


def names_of(given: Any) -> set[str]:
    """`refused` and `warned`: true, a name, or several."""
    if given in (None, True):
        return set()
    return {given} if isinstance(given, str) else set(given)


def act_on(conn: Conn, call: Call, step: Mapping[str, Any], object: str, id: str) -> None:
    """One act with a record that stands there."""
    if step["do"] == "convert":
        convert(conn, call, object, id, step["conversion"], confirm=frozenset(step.get("confirm", ())))
    elif step["do"] == "claim":
        ((_, error),) = pools.claim(conn, call, object, [id])
        if error is not None:
            raise error
    else:
        _on_approval(conn, call, step, object, id)


def hand_on(
    conn: Conn, call: Call, do: str, record: tuple[str, str], person: str | None, named: str | None
) -> None:
    """Assigned from the pool where it waits, else by its owner field; handed over; shared with a person or a role, to read."""
    object, id = record
    if do == "share":
        to = {"user": person} if person is not None else {"role": named}
        give(conn, call, object, id, Sharing(reason="share", to=to))
        return
    if person is None:
        raise NotFound(Phrase("there is no user {name!r} in this check", name=named))
    waits = standing_in(conn, call, object, id)
    if do == "transfer":
        transfer(conn, call, object, id, Handing(to={"user": person}))
    elif waits is not None and waits[1] and waits[0]:
        ((_, error),) = pools.claim(conn, call, object, [id], to=person)
        if error is not None:
            raise error
    else:
        save(conn, call, [Change(action="update", object=object, id=id, set={"owner": person})])


def listed(
    conn: Conn, call: Call, then: Mapping[str, Any], known: Mapping[str, tuple[str, str]]
) -> list[Phrase]:
    """What is not as it must be about the records of an object that fit: how many, or which of the check's."""
    ask = Ask(object=then["list"], fields=("id",), where=then.get("where"), sort=("created_at",), limit=MOST)
    found = [str(row["id"]) for row in rows(conn, call, ask)]
    if "count" in then and len(found) != then["count"]:
        return [Phrase("{object}: there are {count}, not {wanted}", object=then["list"], count=len(found), wanted=then["count"])]  # fmt: skip
    wanted = {known[name][1]: name for name in then.get("records", ()) if name in known}
    missing = sorted({*then.get("records", ())} - {name for id, name in wanted.items() if id in found})
    more = len([id for id in found if id not in wanted]) if "records" in then else 0
    if not missing and not more:
        return []
    return [Phrase("{object}: {missing} are missing, {more} are too many", object=then["list"], missing=missing, more=more)]  # fmt: skip


def _on_approval(conn: Conn, call: Call, step: Mapping[str, Any], object: str, id: str) -> None:
    do, comment = step["do"], step.get("comment")
    if do == "submit":
        approve.submit(conn, call, object, id)
        return
    open = store.of_record(conn, call.schema, object, id, open=True)
    if open is None:
        raise NotFound(Phrase("there is no such approval"), code="approval_not_found")
    if do == "withdraw":
        approve.withdraw(conn, call, open, comment)
        return
    it = store.load(conn, call.schema, open)
    task = next((t for t in it.waiting if t.person == call.actor.user), None) if it is not None else None
    if task is None:
        raise NotFound(Phrase("there is no such task"), code="task_not_found")
    deciding.act(
        conn, call, task.id, Wish(act=do, comment=comment, to=step.get("to"), fields=step.get("set", {}))
    )
