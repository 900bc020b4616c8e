"""Notices of approvals: who is told of an event, in which words, on which ways. Part of the way approve.

In: an instance, what the core wants told. Out: notices and letters by each person's choice (record/telling), or on the channels that a
step names; they lead to the approval. What cannot leave, because the workspace has no robot or provider, holds up no decision.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any, Final

from patron_engine.approval.program import Program
from patron_engine.approval.value import Instance, Tell
from patron_engine.approval.who import run_of
from patron_engine.errors import LimitExceeded, Refused
from patron_engine.flow.people import of_users, people
from patron_engine.flow.program import Step
from patron_engine.flow.telling import groups_of
from patron_engine.flow.values import Reading, Subject
from patron_engine.phrases import Phrase, own_catalogue, written
from patron_engine.query.call import Call
from patron_engine.query.values import fetch_values
from patron_engine.record.outbox import Parcel
from patron_engine.record.statements import Conn
from patron_engine.record.telling import Text
from patron_engine.ways.approval_right import reading_as
from patron_engine.ways.approval_titles import subjects_of
from patron_engine.ways.leaving import OWN, deliver, put

log = logging.getLogger("patron.flow")
NAMED: Final = ("to_decide", "copied")  # of these a step, or the approval, says whom, how and in which words
SENTENCES: Final[Mapping[str, Phrase]] = {
    "to_decide": Phrase("To decide: {subject}"),
    "copied": Phrase("In copy: {subject}"),
    "approved": Phrase("Approved: {subject}"),
    "rejected": Phrase("Rejected: {subject}"),
    "returned": Phrase("Returned: {subject}"),
    "withdrawn": Phrase("Withdrawn: {subject}"),
    "revoked": Phrase("The approval was revoked: {subject}"),
    "ended": Phrase("The approval was ended: {subject}"),
    "urged": Phrase("Please decide: {subject}"),
    "late": Phrase("Overdue: {subject}"),
    "asked": Phrase("A question about {subject}"),
    "commented": Phrase("A comment on {subject}"),
    "parked": Phrase("Cannot go on: {subject}"),
}


# -- telling --------------------------------------------------------------------------------------------------------


def tell(conn: Conn, call: Call, program: Program, instance: Instance, tells: Sequence[Tell]) -> None:
    """Each person in his language, of everything at once. Who did it himself is not told."""
    if not tells:
        return
    reading = Reading(conn, call)
    there = bool(fetch_values(conn, call, instance.object, [instance.record], ["id"]))
    about = (instance.object, instance.record) if there else None
    for told in tells:
        step, rule = _rule(program, told)
        to = _whom(reading, call, step, rule, instance, told)
        active = of_users(reading, list(to), "active") if to else {}
        to = [p for p in to if p in active and active[p].get("active") is not False and p != call.actor.user]
        if rule.get("template"):
            _by_template(conn, call, rule, instance, to, about)
        elif to:
            link = f"/approvals/{told.task or instance.id}"
            text = _said(reading, step, rule, instance, call)
            if text is not None:
                _deliver(conn, call, rule, to, text, about, link)
                continue
            for n, (own, people) in enumerate(_sentences(conn, call, program, instance, told, to)):
                _deliver(conn, call, rule if n == 0 else _own_ways(rule), people, own, about, link)


def _rule(program: Program, told: Tell) -> tuple[Step, Mapping[str, Any]]:
    """What the definition says about telling this."""
    node = program.by_name.get(told.node or "")
    if told.kind in NAMED and node is not None and node.body.get("notify"):
        return node.step, node.body["notify"]
    return program.root, (program.tells("notify") or {}) if told.kind in NAMED else {}


def _whom(
    reading: Reading, call: Call, step: Step, rule: Mapping[str, Any], instance: Instance, told: Tell
) -> Sequence[str]:
    if told.kind == "parked":
        return sorted(call.administrators())
    if "to" not in rule:
        return told.people
    return people(reading, step, "notify.to", rule["to"], Subject(run=run_of(instance, call)))


def _said(
    reading: Reading, step: Step, rule: Mapping[str, Any], instance: Instance, call: Call
) -> Text | None:
    """The words of the definition."""
    expression = step.expressions.get("notify.message")
    if "message" not in rule or expression is None:
        text: Text | None = rule.get("message")
        return text
    value = reading.evaluate(expression, [Subject(run=run_of(instance, call))])[0]
    return None if value is None else str(value)


def _sentences(
    conn: Conn, call: Call, program: Program, instance: Instance, told: Tell, to: Sequence[str]
) -> list[tuple[Text, list[str]]]:
    """By language, with what each may read of the record; who reads the same is told together."""
    found: dict[tuple[str, ...], list[str]] = {}
    languages = tuple(dict.fromkeys((*call.model.workspace.languages, "en")))
    wanted = [(each, *languages) for each in languages]
    for person in to:
        reader = reading_as(conn, call, program, instance, person)
        found.setdefault(tuple(subjects_of(conn, reader, program, instance, told.node, wanted)), []).append(
            person
        )
    return [
        (
            {
                each: written(Phrase(SENTENCES[told.kind], subject=subject), (each,), own_catalogue())
                for each, subject in zip(languages, subjects, strict=True)
            },
            people,
        )
        for subjects, people in found.items()
    ]


def _own_ways(rule: Mapping[str, Any]) -> Mapping[str, Any]:
    """Without chat: a group is told once."""
    return {**rule, "channels": [c for c in rule.get("channels") or () if c != "chat"]}


def _deliver(
    conn: Conn, call: Call, rule: Mapping[str, Any], to: Sequence[str], text: Text, about: tuple[str, str] | None, link: str
) -> None:  # fmt: skip
    """What leaves the workspace may be refused: that is noted, and everybody is told by his own choice."""
    channels, groups = tuple(rule.get("channels") or ()), groups_of(rule.get("to"))
    own, others = [c for c in channels if c in OWN], [c for c in channels if c not in OWN]
    left = True
    for channel in others:
        left &= _leaves(conn, call, channel, groups, to, text, about)
    if own or not channels or not left:
        deliver(
            conn, call, to, text=text, body=None, about=about, channels=own, groups=frozenset(), run=None, reason="approval", link=link
        )  # fmt: skip


def _leaves(
    conn: Conn, call: Call, channel: str, groups: frozenset[str], to: Sequence[str], text: Text, about: tuple[str, str] | None
) -> bool:  # fmt: skip
    try:
        with conn.transaction():
            deliver(
                conn, call, to, text=text, body=None, about=about, channels=[channel], groups=groups, run=None
            )
    except (Refused, LimitExceeded) as error:
        log.warning(
            "approval_notice_stays",
            extra={"workspace": call.workspace, "channel": channel, "why": str(error)},
        )
        return False
    return True


def _by_template(
    conn: Conn, call: Call, rule: Mapping[str, Any], instance: Instance, to: Sequence[str], about: tuple[str, str] | None
) -> None:  # fmt: skip
    """The worker that sends fills it in."""
    groups, channels = groups_of(rule.get("to")), list(rule.get("channels") or ())
    if not to and not ("chat" in channels and groups):
        return
    payload = {
        "template": rule["template"], "people": list(to), "channels": channels, "groups": sorted(groups),
        "object": about[0] if about else None, "record": about[1] if about else None, "as": None, "reason": "approval",
    }  # fmt: skip
    put(conn, call, [Parcel(id=call.new_id(), kind="tell", target=str(rule["template"]), payload=payload)])
