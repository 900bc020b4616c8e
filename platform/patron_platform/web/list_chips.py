"""Chips: what narrows a list, in words, each with the address without it; and the quick filters its view offers.

In: a Question and who reads. Out: `Chip`s and `Quick`s. A condition that is no tree of simple ones is one chip: its text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import psycopg

from patron_engine.expr.normal import normal
from patron_engine.expr.syntax import Syntax, parse
from patron_engine.expr.tokens import Fault
from patron_engine.model.model import Object
from patron_engine.page.conditions import Condition, Group, read_conditions, write_conditions
from patron_engine.page.filters import family_of, options_for, said_values, widget_for
from patron_engine.page.paths import field_at, label_at
from patron_engine.page.question import Question
from patron_engine.page.reader import Reader
from patron_engine.query.call import Call
from patron_engine.query.spec import MAX_IDS
from patron_engine.query.titles import titles_of
from patron_platform.web.texts import Texts

SHOWN = 3  # values named in a chip; of more their number
STAYED = "COUNT(stage_stays, stage_path =="
OFFERED = 30  # options a quick filter offers
ALL_DAYS = (
    "last_day",
    "this_day",
    "this_week",
    "last_week",
    "this_month",
    "last_month",
    "this_quarter",
    "last_quarter",
    "this_year",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chip:
    """One condition. `without` is what `where` becomes when it is taken away."""

    text: str
    without: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Quick:
    """A quick filter: a field with what may be chosen: text, what `where` becomes, whether it is chosen now."""

    label: str
    chosen: str
    choices: tuple[tuple[str, str | None, bool], ...]


def chips_of(
    conn: psycopg.Connection[object], call: Call, question: Question, reader: Reader, t: Texts,
    parameters: Mapping[str, str] | None = None,
) -> list[Chip]:  # fmt: skip
    """The conditions of the address; those of the view are the view's own. `parameters` are a report's, by the paths that name them."""
    if question.where is None:
        return []
    tree = read_conditions(question.where, parameters or ())
    if tree is None:
        return _apart(conn, call, question, reader, t)
    titles = {**titles_in(conn, call, question.object, tree), **(parameters or {})}
    if not tree.all and len(tree.items) > 1:
        return [Chip(text=said_group(call, question.object, tree, reader, t, titles), without=None)]
    made = []
    said_beside = [_void_of(item) for item in tree.items]
    for item, with_it in zip(tree.items, said_beside, strict=True):
        if item in said_beside:
            continue
        text = said_group(call, question.object, item, reader, t, titles)
        if with_it in tree.items and isinstance(item, Condition):
            text = t("lists.said_there_valid", record=_above_said(call, question.object, item, reader))
        rest = tuple(i for i in tree.items if i not in (item, with_it))
        made.append(Chip(text=text, without=write_conditions(Group(True, rest)) or None))
    return made


def _apart(
    conn: psycopg.Connection[object], call: Call, question: Question, reader: Reader, t: Texts
) -> list[Chip]:
    """A condition of which only parts are simple ones: each part a chip, in words as far as there are any."""
    try:
        whole = parse(question.where or "")
    except Fault:
        return [Chip(text=question.where or "", without=None)]
    parts = whole.items if whole.kind == "and" else (whole,)
    made = []
    for part in parts:
        tree, text = read_conditions(normal(part, {})), normal(part, {})
        if tree is not None:
            titles = titles_in(conn, call, question.object, tree)
            item = tree.items[0] if len(tree.items) == 1 else tree
            text = said_group(call, question.object, item, reader, t, titles)
        rest = tuple(p for p in parts if p is not part)
        left = normal(rest[0] if len(rest) == 1 else replace(whole, items=rest), {}) if rest else None
        made.append(Chip(text=_reached(call, question.object, part, reader, t) or text, without=left))
    return made


def _reached(call: Call, object: Object, part: Syntax, reader: Reader, t: Texts) -> str:
    """`stage in ('b', 'c') or COUNT(stage_stays, stage_path == …) > 0`, which leads to the records behind a stage of a funnel."""
    if part.kind != "or" or len(part.items) != 2 or not normal(part.items[1], {}).startswith(STAYED):
        return ""
    stands = read_conditions(normal(part.items[0], {}))
    first = stands.items[0] if stands is not None else None
    if not isinstance(first, Condition) or not first.values:
        return ""
    said = said_values(call, object, replace(first, values=first.values[:1]), reader, {})
    return t(
        "lists.said_reached",
        field=label_at(call.model, call.actor, object, first.path, reader),
        value=said[0],
    )


def _above(item: Condition) -> str:
    """The record a condition says is there: `order` of `order.id != none`, which a figure over a set asks of its lines. Else ""."""
    above, _, last = item.path.rpartition(".")
    return above if item.operator == "filled" and last == "id" else ""


def _above_said(call: Call, object: Object, item: Condition, reader: Reader) -> str:
    """What people call it; of a link to several objects (`about['account']`) the link."""
    link = _above(item).partition("[")[0]
    return label_at(call.model, call.actor, object, link, reader)


def _void_of(item: Group | Condition) -> Condition | None:
    """What is asked beside: that the record above is not void. To a reader both are one thing, and go as one."""
    above = _above(item) if isinstance(item, Condition) else ""
    return Condition(f"{above}.voided_at", "empty") if above else None


def said_group(
    call: Call, object: Object, item: Group | Condition, reader: Reader, t: Texts, titles: Mapping[str, str]
) -> str:
    if isinstance(item, Group):
        word = t("lists.and") if item.all else t("lists.or")
        parts = [said_group(call, object, i, reader, t, titles) for i in item.items]
        return f" {word} ".join(
            f"({p})" if isinstance(i, Group) else p for p, i in zip(parts, item.items, strict=True)
        )
    if _above(item):
        return t("lists.said_there", record=_above_said(call, object, item, reader))
    label = label_at(call.model, call.actor, object, item.path, reader)
    values = said_values(call, object, item, reader, titles)
    if len(values) > SHOWN:
        values = (t("lists.several", n=len(values)),)
    between = t("lists.to") if item.operator == "between" else ", "
    return t(f"lists.said_{item.operator}", field=label, value=between.join(values))


def titles_in(conn: psycopg.Connection[object], call: Call, object: Object, tree: Group) -> dict[str, str]:
    """The titles of the records conditions name, by id."""
    wanted: dict[str, set[str]] = {}
    for condition in conditions_in(tree):
        field = field_at(call.model, call.actor, object, condition.path)
        if field is not None and widget_for(field, condition.operator) == "records":
            wanted.setdefault(field.expr.objects[0], set()).update(v for v in condition.values if _is_id(v))
    found = titles_of(conn, call, {name: sorted(ids)[:MAX_IDS] for name, ids in wanted.items() if ids})
    return {id: title for (_, id), title in found.items()}


def _is_id(text: str) -> bool:
    return len(text) == 36 and all(c in "0123456789abcdef-" for c in text.lower())


def conditions_in(tree: Group) -> Iterable[Condition]:
    """Every condition of a tree."""
    for item in tree.items:
        if isinstance(item, Group):
            yield from conditions_in(item)
        else:
            yield item


def quick_of(call: Call, question: Question, reader: Reader, t: Texts) -> list[Quick]:
    """The quick filters of the view; none while the address has a condition of another form."""
    tree = read_conditions(question.where) if question.where else Group()
    if tree is None or (not tree.all and len(tree.items) > 1):
        return []
    return [
        q
        for path in question.view.filters
        if (q := _quick(call, question, path, tree, reader, t)) is not None
    ]


def _quick(call: Call, question: Question, path: str, tree: Group, reader: Reader, t: Texts) -> Quick | None:
    field = field_at(call.model, call.actor, question.object, path)
    if field is None:
        return None
    family = family_of(field)
    offered: list[tuple[str, Condition]] = []
    if family in ("choice", "list"):
        operator = "is" if family == "choice" else "has"
        offered = [
            (text, Condition(path, operator, (name,))) for name, text in options_for(field, reader)[:OFFERED]
        ]
    elif family == "boolean":
        offered = [(t("shell.yes"), Condition(path, "yes")), (t("shell.no"), Condition(path, "no"))]
    elif family == "user":
        words = ("me", "my_department", "my_departments", "my_reports", "my_groups", "empty")
        offered = [(t(f"lists.op_{w}"), Condition(path, w)) for w in words]
    elif family in ("date", "datetime"):
        offered = [(t(f"lists.op_{w}"), Condition(path, w)) for w in ALL_DAYS]
    if not offered:
        return None
    rest = tuple(i for i in tree.items if not (isinstance(i, Condition) and i.path == path))
    choices: list[tuple[str, str | None, bool]] = [
        (text, write_conditions(Group(True, (*rest, condition))), condition in tree.items)
        for text, condition in offered
    ]
    chosen = next((text for text, _, now in choices if now), "")
    choices.insert(
        0, (t("lists.any"), write_conditions(Group(True, rest)) or None, len(rest) == len(tree.items))
    )
    return Quick(label=reader.say(field.label, field.name), chosen=chosen, choices=tuple(choices))
