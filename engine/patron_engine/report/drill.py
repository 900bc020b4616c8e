"""Drill: the records behind a figure, as a question of the way read.

In: the frame of the call, a Request and a Spot. Out: an Ask: the object and one condition in the expression language, so that a list
can show, sort and share it. The condition is that of the report, of the cell's members, and of the figure's own `where`; it is judged
for the reader as any other, so the list shows what was counted and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from patron_engine.errors import Refused
from patron_engine.expr.functions.periods import period
from patron_engine.expr.normal import constant_text
from patron_engine.fields.options import names_of
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem, Problems
from patron_engine.query.call import Call
from patron_engine.query.names import known_object
from patron_engine.query.spec import Ask
from patron_engine.report.answer import REST, Key, Request, Spot
from patron_engine.report.groups import Group
from patron_engine.report.parameters import context_of, read_parameters
from patron_engine.report.plan import Plan, conditions
from patron_engine.report.reader import Reader

Depth = Callable[[str, str], int]  # an object and a record of its tree -> its level, 1 at the top
Kept = Callable[[int], Sequence[Any]]  # the place of a group -> the members that stand for themselves


def listed(call: Call, request: Request) -> Ask:
    """The question of a list report."""
    body = request.body
    object = known_object(call, str(body["object"]))
    problems = Problems()
    reader = Reader(call, read_parameters(call, body, request.parameters, problems))
    reader.problems.extend(problems)
    texts = conditions(reader, object.name, body.get("where"), request)
    fields = [c if isinstance(c, str) else c["field"] for c in body.get("columns") or ()]
    if reader.problems:
        raise Refused(tuple(reader.problems))
    return Ask(
        object=object.name,
        where=_all(texts),
        fields=tuple(fields) or None,
        sort=tuple(body.get("sort") or ()),
    )


def drilled(call: Call, made: Plan, spot: Spot, depth: Depth, kept: Kept) -> Ask:
    """The question behind one cell of a summary or matrix, as if it was of now (past_records.py)."""
    keys = [
        *_placed(made, spot.rows, 0, len(made.rows)),
        *_placed(made, spot.columns, len(made.rows), len(made.columns)),
    ]
    texts = [made.where_text] if made.where_text else []
    below: dict[tuple[str, ...], list[tuple[Group, Any]]] = {}
    for at, member in keys:
        group = made.groups[at]
        if member is REST:
            texts.append(_rest(call, made, group, kept(at), depth))
        elif group.place.sets:
            below.setdefault(group.place.sets, []).append((group, member))
        else:
            texts.append(member_text(call, made, group, member, depth))
    for sets, members in below.items():
        texts.append(_down(call, made, sets, members, depth))
    base = made.base(spot.figure) if spot.figure else None
    if base is not None and base.where_text:
        texts.append(base.where_text)
    return Ask(object=made.object.name, where=_all(texts))


def _placed(made: Plan, key: Key, start: int, most: int) -> list[tuple[int, Any]]:
    if len(key) > most:
        raise Refused(
            [
                Problem(
                    code="not_a_cell",
                    message=Phrase("the report has {most} groups there", most=most),
                    path="spot",
                )
            ]
        )
    return [(start + i, member) for i, member in enumerate(key)]


def member_text(call: Call, made: Plan, group: Group, member: Any, depth: Depth) -> str:
    """The condition of one member, over the records its place is of."""
    path = group.place.inner.replace("[", "['").replace("]", "']")
    if member is None:
        return f"{path} == none"
    if group.spreads:
        return f"{_constant(member)} in {path}"
    if group.axis.kind == "period":
        return _period(call, made, group, path, member)
    if group.axis.kind == "bucket":
        return _bucket(group, path, int(member))
    if group.axis.kind == "level":
        return _level(group, path, str(member), depth)
    if group.element.kind in ("number", "duration") and isinstance(member, str):
        return f"{path} == {constant_text(Decimal(member))}"
    return f"{path} == {_constant(member)}"


def _period(call: Call, made: Plan, group: Group, path: str, member: Any) -> str:
    moment = group.place.type.kind == "datetime"
    if group.axis.by == "hour":
        return f"HOUR({path}) == {int(member)}"
    if group.axis.by == "weekday":
        return f"WEEKDAY({f'DAY_OF({path})' if moment else path}) == {int(member)}"
    zone = ZoneInfo(made.zone)
    first = _day(str(member))
    following = period(context_of(call, zone), group.axis.by or "day", 1, first)

    def edge(day: date) -> str:
        return constant_text(datetime.combine(day, time(), zone).isoformat() if moment else day.isoformat())

    until = f" and {path} < {edge(following)}" if following is not None else ""
    return f"{path} >= {edge(first)}{until}"


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Refused(
            [Problem(code="not_a_cell", message=Phrase("{text} is no day", text=text[:40]), path="spot")]
        ) from None


def _bucket(group: Group, path: str, number: int) -> str:
    borders = group.axis.buckets
    above = [f"{path} >= {constant_text(borders[number - 1])}"] if number > 0 else []
    below = [f"{path} < {constant_text(borders[number])}"] if number < len(borders) else []
    return " and ".join([*above, *below])


def _level(group: Group, path: str, member: str, depth: Depth) -> str:
    assert group.level is not None
    if group.tree is not None:
        whole = depth(group.tree, member) >= group.level
        return f"UNDER({path}, {_constant(member)})" if whole else f"{path} == {_constant(member)}"
    stored = names_of(group.choice).value_of.get(member, member) if group.choice is not None else member
    same = f"{path} == {_constant(stored)}"
    if member.count("/") + 1 < group.level:
        return same
    return f"({same} or STARTS_WITH({path}, {_constant(f'{stored}/')}))"


def _down(
    call: Call, made: Plan, sets: tuple[str, ...], members: Sequence[tuple[Group, Any]], depth: Depth
) -> str:
    """Members over the records of a set: one record of it is in all of them."""
    inner = " and ".join(f"({member_text(call, made, g, m, depth)})" for g, m in members)
    some = f"COUNT({'.'.join(sets)}, {inner}) > 0"
    if all(member is None for _, member in members):
        return f"COUNT({'.'.join(sets)}) == 0 or {some}"
    return some


def _rest(call: Call, made: Plan, group: Group, kept: Iterable[Any], depth: Depth) -> str:
    """None of the members that stand for themselves."""
    members = list(kept)
    path = group.place.inner
    if group.axis.kind == "value" and not group.spreads and not group.place.sets:
        named = [_member(group, m) for m in members if m is not None]
        texts = [f"{path} not in ({', '.join(named)}{',' if len(named) == 1 else ''})"] if named else []
        texts += [f"{path} != none"] if None in members else []
        return " and ".join(texts) or "true"
    each = [member_text(call, made, group, m, depth) for m in members]
    if group.place.sets:
        each = [_down(call, made, group.place.sets, [(group, m)], depth) for m in members]
    return f"not ({' or '.join(f'({t})' for t in each)})" if each else "true"


def _member(group: Group, member: Any) -> str:
    if group.element.kind in ("number", "duration") and isinstance(member, str):
        return constant_text(Decimal(member))
    return _constant(member)


def _constant(value: Any) -> str:
    return constant_text(Decimal(value) if isinstance(value, int) and not isinstance(value, bool) else value)


def _all(texts: Sequence[str]) -> str | None:
    return " and ".join(f"({t})" for t in texts) if texts else None
