"""Moved: what a board or a calendar asks is carried out: a card to another column, a bar some days on.

In: a `Wish`: the record with its version, texts of inputs, or fields and a number of days. Out: a save, the act that can be taken
back, and what the page tells about it. Refused and Conflict as the way save says them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import psycopg

from patron_engine.access.decide import readable, writable
from patron_engine.errors import Refused
from patron_engine.fields.field import Field
from patron_engine.model.model import Object
from patron_engine.page.asked import value_again, wire_of
from patron_engine.page.reader import Reader
from patron_engine.page.show import moment_of, shown
from patron_engine.problems import Problem
from patron_engine.query.call import Call
from patron_engine.query.titles import title_of
from patron_engine.record.change import Change
from patron_engine.record.undo import Done, remember
from patron_engine.ways.read import read_one
from patron_engine.ways.save import save
from patron_platform.web.boards import object_for, text_of
from patron_platform.web.held import also, note_down
from patron_platform.web.texts import texts_in
from patron_platform.web.visitor import Visitor

Connection = psycopg.Connection[Any]
DATED = frozenset({"date", "datetime", "date_range"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a form wants. `typed` are the texts of its inputs by field; `first` the field the move is about; `beside` what was
    written of what holds the record (web/held)."""

    object: str
    id: str
    version: int | None
    typed: Mapping[str, str]
    fields: tuple[str, ...]
    shift: int
    confirm: frozenset[str]
    back: str
    beside: Mapping[str, str]

    @property
    def first(self) -> str:
        return next(iter(self.typed), self.fields[0] if self.fields else "")


def carry_out(visitor: Visitor, conn: Connection, call: Call, wish: Wish) -> tuple[str, str]:
    """The save; the act that can be taken back, and what the page tells."""
    object, reader = object_for(call, wish.object), visitor.reader(call)
    fields = readable(call.model, call.actor, object.name)
    names = [n for n in (*wish.typed, *wish.fields) if n in fields]
    shown_too = tuple(dict.fromkeys(("id", object.title, *names)))
    before = read_one(conn, call, object.name, wish.id, ("*", *shown_too)).record()
    values = {name: _typed(fields.get(name), text, reader) for name, text in wish.typed.items()}
    values |= also(call, object, wish.beside, reader)
    values |= {
        n: _shifted(n, fields.get(n), before.get(n), wish.shift, reader)
        for n in wish.fields
        if n not in fields or before.get(n) is not None
    }
    change = Change(
        action="update",
        object=object.name,
        id=wish.id,
        set=values,
        version=wish.version,
        confirm=wish.confirm,
    )
    note_down(conn, call, object, wish.id, wish.beside, reader, wish.confirm)
    outcome = save(conn, call, [change])[0]
    if outcome.action == "submitted":
        return "", texts_in(visitor.languages[0])("approvals.done_asked")
    after = read_one(conn, call, object.name, wish.id, shown_too)
    said = _said(visitor, object, fields, after.record(), wish, reader)
    # What the save changed along with it (a stage sets a chance) goes back too.
    may = writable(call.model, call.actor, object.name)
    along = [n for n in outcome.changed if n in may and n in before and n not in names]
    done = Done(
        object=object.name,
        id=str(outcome.id),
        action="updated",
        version=after.version,
        old={n: value_again(fields[n], before.get(n)) for n in (*names, *along)},
    )
    return remember(conn, call, [done], said), said


def _typed(field: Field | None, text: str, reader: Reader) -> Any:
    return text if field is None else wire_of(field, text, reader)


def _shifted(name: str, field: Field | None, value: Any, days: int, reader: Reader) -> Any:
    """The value some days later. Refused where the field has no days, or the calendar ends before."""
    if field is None or field.type not in DATED:
        raise Refused([Problem(code="not_date", message="this has no days it could be moved by", path=name)])
    try:
        return moved_by(value, days, reader)
    except OverflowError:
        raise Refused(
            [Problem(code="limit_date", message="the calendar ends before that day", path=name)]
        ) from None


def moved_by(value: Any, days: int, reader: Reader) -> Any:
    """A day, a moment or a range of days, some days later. A moment keeps its time of day in his zone."""
    step = timedelta(days=days)
    if isinstance(value, Mapping):
        return {part: moved_by(value[part], days, reader) for part in ("from", "to") if value.get(part)}
    if "T" not in str(value):
        return (date.fromisoformat(value) + step).isoformat()
    local: datetime = reader.local(moment_of(value))
    return (local.replace(tzinfo=None) + step).replace(tzinfo=reader.zone).isoformat()


def _said(
    visitor: Visitor,
    object: Object,
    fields: Mapping[str, Field],
    record: Mapping[str, Any],
    wish: Wish,
    reader: Reader,
) -> str:
    """What a page tells about the move."""
    field = fields.get(wish.first)
    if field is None:
        return title_of(object, record)
    value = shown(field, record.get(field.name), reader).text or text_of(visitor, "none")
    label = reader.say(field.label, field.name)
    return text_of(
        visitor,
        "shifted" if wish.fields else "moved",
        title=title_of(object, record),
        label=label,
        value=value,
    )
