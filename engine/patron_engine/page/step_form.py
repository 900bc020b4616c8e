"""Step form: the fields of a record that a step of an approval lets its approver write, as a form with the platform's widgets.

In: a connection, the frame of a call, a record, what the step says of its fields, what was typed. Out: a `FormTree` of these fields
and no others, or None where there are none; and back: what was given, as the decision takes it. Hidden columns are not in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import psycopg

from patron_engine.access.decide import readable
from patron_engine.fields.field import Field
from patron_engine.model.model import LinkSet, Object
from patron_engine.page.form import Words, form_of
from patron_engine.page.form_tree import FormRow, FormSection, FormTable, FormTree, Opening
from patron_engine.page.layout import Layout, Place, Section, columns_of
from patron_engine.page.reader import Reader
from patron_engine.page.typed import Typed, set_of
from patron_engine.problems import Problem
from patron_engine.query.call import Call

WRITES = ("edit", "required")
WIDE = frozenset({"long_text", "rich_text", "json", "file", "image", "address"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """`rights` of the step by field or SET.COLUMN; `more` fields that what follows a decision asks for."""

    object: Object
    id: str
    rights: Mapping[str, str]
    more: frozenset[str] = frozenset()

    def of(self, name: str, set: str = "") -> str:
        """edit, required, read, hidden or nothing, of a field or of a column of a set of details."""
        own = self.rights.get(f"{set}.{name}") if set else self.rights.get(name)
        return own or (self.rights.get(set, "") if set else "edit" if name in self.more else "")

    def writes(self, name: str, set: str = "") -> bool:
        return self.of(name, set) in WRITES

    @property
    def sets(self) -> list[LinkSet]:
        """The sets of details in which something may be written."""
        named = {n.partition(".")[0] for n, right in self.rights.items() if right in WRITES}
        return [s for n, s in self.object.sets.items() if n in named and n in self.object.details]


def step_form(
    conn: psycopg.Connection[Any], call: Call, reader: Reader, granted: Granted, typed: Typed | None, lookup: str,
    words: Words, found: Sequence[Problem] | None = None,
) -> FormTree | None:  # fmt: skip
    layout = _layout(call, granted)
    if not layout.sections:
        return None
    # The step gives these fields and no others, whatever his roles say.
    every = replace(call, actor=replace(call.actor, administrator=True))
    opening = Opening(object=granted.object, id=granted.id, record_type=None, fill={}, lookup=lookup)
    tree = form_of(conn, every, reader, opening, typed, words=words, found=found, layout=layout)
    return replace(tree, sections=tuple(_narrowed(s, granted) for s in tree.sections))


def given_of(call: Call, reader: Reader, granted: Granted, typed: Typed) -> dict[str, Any]:
    """What was typed into the fields of the step, in the form of texts. Rows in which nothing was written are left out."""
    found = set_of(call.model, granted.object, typed, reader, lambda set, _, name: granted.writes(name, set))
    sets = {s.name for s in granted.sets}
    made = {n: v for n, v in found.items() if n not in granted.object.sets or n in sets}
    for name in sets & set(made):
        made[name] = [row for row in made[name] if set(row) - {"id"}]
    return {n: v for n, v in made.items() if n not in sets or v}


def _layout(call: Call, granted: Granted) -> Layout:
    names = [
        n
        for n in (*granted.rights, *sorted(granted.more))
        if n in granted.object.fields and granted.writes(n)
    ]
    plain = [f for n in dict.fromkeys(names) if not (f := granted.object.fields[n]).computed]
    sections = [_section("fields", "", _places(plain, granted))] if plain else []
    for set in granted.sets:
        of = call.model.objects[set.object]
        seen = readable(call.model, call.actor, of.name)
        shown = [
            n
            for n in columns_of(call.model, call.actor, of, set.field)
            if n in seen and granted.of(n, set.name) != "hidden"
        ]
        wanted = [n for n in of.fields if granted.rights.get(f"{set.name}.{n}") in WRITES]
        columns = [of.fields[n] for n in dict.fromkeys((*shown, *wanted)) if n in of.fields]
        sections.append(_section(set.name, set.label, _places(columns, granted, set.name), set))
    return Layout(
        name="step", object=granted.object, sections=tuple(sections), related=(), highlights=(), actions=()
    )


def _section(name: str, label: Any, places: tuple[Place, ...], table: LinkSet | None = None) -> Section:
    return Section(name=name, label=label or {}, help={}, columns=2, places=places, table=table)


def _places(fields: Iterable[Field], granted: Granted, set: str = "") -> tuple[Place, ...]:
    return tuple(
        Place(
            field=f, path=f.name, label=f.label, help=f.help, width=2 if f.type in WIDE and not set else 1,
            required=granted.of(f.name, set) == "required", readonly=not granted.writes(f.name, set),
        )
        for f in fields
    )  # fmt: skip


def _narrowed(section: FormSection, granted: Granted) -> FormSection:
    """Without what no step named; of a table rows are added and removed only where the whole set is open."""
    table: FormTable | None = section.table
    if table is None:
        return replace(section, inputs=tuple(i for i in section.inputs if granted.writes(i.field.name)))
    if granted.rights.get(table.set) in WRITES:
        return section
    rows: tuple[FormRow, ...] = tuple(table.rows)
    return replace(section, table=replace(table, rows=rows, readonly=True))
