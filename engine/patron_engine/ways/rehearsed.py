"""Rehearsed: what the people of a check do beside saves: approvals, conversions, claims from pools. Part of ways/rehearse.

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
from patron_engine.record.statements import Conn
from patron_engine.ways import approve, deciding, pools
from patron_engine.ways.approval_people import Wish
from patron_engine.ways.convert import convert

ACTS: Final = frozenset({"submit", "approve", "reject", "return", "withdraw", "convert", "claim"})


def user_values(model: Model, user: Mapping[str, Any], known: Mapping[str, str]) -> dict[str, Any]:
    """A person of a check: his roles and manager count for who approves."""
    values = {"name": user["name"], "email": f"{user['name']}@check.example", **user.get("set", {})}
    if "manager" in user:
        values["manager"] = known[user["manager"]]
    if "roles" in user and "roles" in model.objects["user"].fields:
        values["roles"] = user["roles"]
    return values


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
