"""Form parts: which sections and tabs of a layout a form has, and what stands at the foot of a table.

In: a layout, rows of details. Out: sections, figures, the currencies a record may have.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from patron_engine.access.decide import Deny, row_rule, writable
from patron_engine.fields.field import Field, NumberSpec
from patron_engine.model.model import Model, Object
from patron_engine.page.form_inputs import Frame
from patron_engine.page.form_tree import FormTab
from patron_engine.page.inputs import Choice
from patron_engine.page.layout import Layout, Place, Section
from patron_engine.page.reader import Reader
from patron_engine.page.show import EMPTY, Shown, shown
from patron_engine.query.call import Call
from patron_engine.query.spec import MAX_LIMIT, Ask
from patron_engine.record.row import Row
from patron_engine.record.statements import Conn
from patron_engine.ways.read import rows


def sections_of(call: Call, object: Object, layout: Layout) -> Sequence[Section]:
    """The sections of a layout. A secret that no layout of its object names is found in the first by who may write it."""
    found = [s for s in layout.sections if s.table is None or s.table.name in object.details]
    placed = {p.path for s in found if s.table is None for p in s.places}
    hidden = [
        Place(field=f, path=f.name, label=f.label, help=f.help, width=1)
        for f in writable(call.model, call.actor, object.name).values()
        if f.type == "secret" and f.name not in placed and not _named(call.model, object.name, f.name)
    ]
    first = next((n for n, s in enumerate(found) if s.table is None), None)
    if hidden and first is not None:
        found[first] = replace(found[first], places=(*found[first].places, *hidden))
    return found


def _named(model: Model, object: str, field: str) -> bool:
    """Whether a layout of the object has a place for this field: then the others leave it out on purpose."""
    sections = (
        section
        for (kind, _), body in model.documents.items()
        if kind == "layout" and body.get("object") == object
        for section in body.get("sections") or ()
    )
    named = (one for section in sections if "table" not in section for one in section.get("fields") or ())
    return any((one.get("field") if isinstance(one, Mapping) else one) == field for one in named)


def in_place(layout: Layout) -> Mapping[str, Place]:
    """The fields that one can change where they stand, each by itself: simply placed ones of sections that nothing closes."""
    return {
        p.path: p
        for s in layout.sections
        if s.table is None and s.readonly is False
        for p in s.places
        if p.field.object == layout.object.name and p.path == p.field.name and p.readonly is not True
        and not p.field.computed and p.field.type not in ("master", "secret")
    }  # fmt: skip


class Tabbed(Protocol):
    """A section as a form or a record page has it."""

    @property
    def tab(self) -> str: ...

    @property
    def visible(self) -> bool: ...


def tabs_of(layout: Layout, sections: Sequence[Tabbed], reader: Reader) -> tuple[FormTab, ...]:
    """The tabs on which something stands; one whose sections are all hidden now is hidden too."""
    found = []
    for tab in layout.tabs:
        mine = [s for s in sections if s.tab == tab.name]
        if mine:
            label, seen = reader.say(tab.label, tab.name), any(s.visible for s in mine)
            found.append(FormTab(name=tab.name, label=label, visible=seen))
    return tuple(found)


def currencies_of(conn: Conn, call: Call, reader: Reader) -> tuple[Choice, ...]:
    """The currencies that are in use, the workspace's own first: what the currency of a record may be.

    They are called as his language calls them; the record's name is of one language, and stands where none has another."""
    own = call.model.workspace.currency
    if "currency" not in call.model.objects or isinstance(
        row_rule(call.model, call.actor, "read", "currency"), Deny
    ):
        return (Choice(value=own, text=own),)
    ask = Ask(object="currency", where="active", fields=("code", "name"), sort=("code",), limit=MAX_LIMIT)
    found = [
        Choice(
            value=str(r["code"]),
            text=f"{r['code']} {reader.currency_name(str(r['code']), r.get('name') or '')}".strip(),
        )
        for r in rows(conn, call, ask)
    ]
    first = [c for c in found if c.value == own] or [Choice(value=own, text=own)]
    return (*first, *(c for c in found if c.value != own))


def total_of(frame: Frame, field: Field, lines: Sequence[Row]) -> Shown:
    """The sum of a column over the rows that stay."""
    if not isinstance(field.extra.get("value_spec") or field.spec, NumberSpec):
        return EMPTY
    values = [r.values.get(field.name) for r in lines if r.action != "delete"]
    summed = sum((v for v in values if v is not None), start=0)
    return shown(field, str(summed), frame.reader, frame.currency) if values else EMPTY
