"""Drill: the records behind a figure, as a question of the way read.

In: the frame of the call, a Request and a Spot. Out: an Ask: the object and one condition in the expression language, so that a list
can show, sort and share it. The condition is that of the report, of the cell's members, and of the figure's own `where`; it is judged
for the reader as any other, so the list shows what was counted and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
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
from patron_engine.report.below import Below, below
from patron_engine.report.groups import Group
from patron_engine.report.parameters import context_of, read_parameters
from patron_engine.report.plan import Plan, conditions
from patron_engine.report.reader import Reader

Depth = Callable[[str, str], int]  # an object and a record of its tree -> its level, 1 at the top
# how far they are the figure's own, the sets from there -> conditions of members, and whether a record without any is in it
Deeper = dict[tuple[int, tuple[str, ...]], list[tuple[str, bool]]]
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
    """The question behind one cell of a summary or matrix, as if it was of now (past_records.py): over the records its figure is
    measured over, the report's own or those of a set (below.py)."""
    keys = [
        *_placed(made, spot.rows, 0, len(made.rows)),
        *_placed(made, spot.columns, len(made.rows), len(made.columns)),
    ]
    seen = below(call, made, spot.figure)
    texts = [seen.told(made.where_text)] if made.where_text else []
    texts += seen.belongs()
    deeper: Deeper = {}
    for at, member in keys:
        if member is REST and 0 < at < len(made.rows) and made.limit is not None and spot.rows[0] is REST:
            continue  # all that is not among the first rows is one row
        group = made.groups[at]
        shared = seen.shared(group.place.sets)
        rest = group.place.sets[shared:]
        path = _written(group.place.inner if rest else seen.path(shared, group.place.inner))
        others = list(kept(at)) if member is REST else []
        text = (
            _rest(call, made, group, others, depth, path)
            if member is REST
            else member_text(call, made, group, member, depth, path)
        )
        if rest:
            none = member is None or (member is REST and None not in others)
            deeper.setdefault((shared, rest), []).append((text, none))
        else:
            texts.append(text)
    texts += _down(deeper, seen)
    texts += _counted(made, spot.figure, seen)
    asked = Ask(object=seen.object.name, where=_all(texts))
    seen.sayable(asked.where)
    return asked


def _counted(made: Plan, figure: str | None, seen: Below) -> list[str]:
    """Which of the records a figure takes: those of its own condition; a count of values, those that have one."""
    base = made.base(figure) if figure else None
    if base is None:
        return []
    texts = [seen.told(base.where_text)] if base.where_text else []
    if base.function == "count" and base.place is not None and base.place.inner != "id":
        texts.append(f"{_written(base.place.inner)} != none")
    return texts


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


def member_text(
    call: Call, made: Plan, group: Group, member: Any, depth: Depth, path: str | None = None
) -> str:
    """The condition of one member, over the records its place is of; `path` where they are seen from elsewhere."""
    path = _written(group.place.inner if path is None else path)
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


def _down(deeper: Deeper, seen: Below) -> list[str]:
    """Members over the records of sets: one record is in all of those that stand in the same set, one below it in those further down."""
    found = []
    for (shared, sets), members in deeper.items():
        if any(s == shared and sets[: len(o)] == o != sets for s, o in deeper):
            continue  # it is asked of the records of that one
        under = {
            (0, o[len(sets) :]): m
            for (s, o), m in deeper.items()
            if s == shared and o[: len(sets)] == sets != o
        }
        inner = [*(text for text, _ in members), *_down(under, replace(seen, ups=((),)))]
        name = seen.path(shared, ".".join(sets))
        some = f"COUNT({name}, {' and '.join(f'({t})' for t in inner)}) > 0"
        empty = all(none for each in (members, *under.values()) for _, none in each)
        found.append(f"COUNT({name}) == 0 or {some}" if empty else some)
    return found


def _rest(call: Call, made: Plan, group: Group, members: Sequence[Any], depth: Depth, path: str) -> str:
    """Something else than the members that stand for themselves."""
    named = [m for m in members if m is not None]
    if group.spreads:
        known = " + ".join(f"IF({_constant(m)} in {path}, 1, 0)" for m in named) or "0"
        return f"COUNT({path}) > {known}{'' if None in members else f' or COUNT({path}) == 0'}"
    if group.axis.kind == "value":
        told = [_member(group, m) for m in named]
        texts = [f"{path} not in ({', '.join(told)}{',' if len(told) == 1 else ''})"] if told else []
        texts += [f"{path} != none"] if None in members else []
        return " and ".join(texts) or "true"
    each = [member_text(call, made, group, m, depth, path) for m in members]
    return f"not ({' or '.join(f'({t})' for t in each)})" if each else "true"


def _written(path: str) -> str:
    """A path as it stands in an expression."""
    return path if "['" in path else path.replace("[", "['").replace("]", "']")


def _member(group: Group, member: Any) -> str:
    if group.element.kind in ("number", "duration") and isinstance(member, str):
        return constant_text(Decimal(member))
    return _constant(member)


def _constant(value: Any) -> str:
    return constant_text(Decimal(value) if isinstance(value, int) and not isinstance(value, bool) else value)


def _all(texts: Sequence[str]) -> str | None:
    return " and ".join(f"({t})" for t in texts) if texts else None
