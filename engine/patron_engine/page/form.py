"""Form: a record as it is being written: sections of inputs as they hold at this moment, tables of details, what is wrong.

In: a connection for reading, a call, a reader, what is opened and what was typed. Out: a `FormTree`. The state comes from the
way preview; conditions of fields and layout are judged on it: what the layout asks for stands in `wrong`, what it closes or
hides is left out of `change`. So the open form and the save agree.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

import psycopg

from patron_engine.access.decide import Deny, not_allowed, row_rule, writable
from patron_engine.errors import Forbidden
from patron_engine.expr.compile import Expression
from patron_engine.fields.field import FileSpec, Rollup
from patron_engine.model.model import Object, label_of
from patron_engine.page.form_inputs import At, Frame, Ref, input_of
from patron_engine.page.form_names import files_of, input_name, loose_texts, told_of
from patron_engine.page.form_opened import longer, opened
from patron_engine.page.form_parts import currencies_of, sections_of, tabs_of, total_of
from patron_engine.page.form_places import by_hand, targets_of
from patron_engine.page.form_rights import rights_here, shut_by_lock
from patron_engine.page.form_rows import has_room, left_out
from patron_engine.page.form_search import asked, with_found
from patron_engine.page.form_tree import FormRow, FormSection, FormTable, FormTree, Opening
from patron_engine.page.inputs import Input
from patron_engine.page.layout import Layout, Place, Section, form_layout_of, only
from patron_engine.page.reader import Reader
from patron_engine.page.similar import similar_of
from patron_engine.page.typed import Typed, TypedRow, set_of
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem
from patron_engine.query.call import Call
from patron_engine.query.titles import refs_of, titles_of
from patron_engine.record.change import Change
from patron_engine.record.row import Row
from patron_engine.ways.preview import Preview, preview

Connection = psycopg.Connection[Any]
Words = Callable[[Problem], str]


def form_of(
    conn: Connection,
    call: Call,
    reader: Reader,
    opening: Opening,
    typed: Typed | None = None,
    *,
    words: Words = lambda problem: problem.message,
    found: Sequence[Problem] | None = None,
    layout: Layout | None = None,
) -> FormTree:
    """The form as it stands. Without `typed` it is opened; with it somebody is writing, and what is merely missing is not told
    yet; `found` is what a save found wrong. `words` says a problem in the reader's language. `layout` is another than that of
    the object's forms. NotFound, Forbidden."""
    right: Literal["update", "create"] = "update" if opening.id else "create"
    if isinstance(row_rule(call.model, call.actor, right, opening.object.name), Deny):
        raise Forbidden(not_allowed(right, opening.object, reader.languages))
    layout = layout or form_layout_of(call.model, call.actor, opening.object, opening.record_type)
    return _Maker(conn, call, reader, opening, layout, typed, words, found).made()


class _Maker:
    def __init__(
        self, conn: Connection, call: Call, reader: Reader, opening: Opening, layout: Layout, typed: Typed | None,
        words: Words, found: Sequence[Problem] | None,
    ) -> None:  # fmt: skip
        self.conn, self.call, self.reader, self.opening, self.words = conn, call, reader, opening, words
        self.object, self.fresh = opening.object, typed is None
        if opening.only:
            layout = only(layout, opening.only)
        self.layout = layout
        self.sections = layout.sections if opening.only else sections_of(call, self.object, layout)
        self.typed = typed if typed is not None else opened(conn, call, opening, self.sections)
        if opening.more:
            self.typed = longer(conn, call, opening, self.sections, self.typed)
        self.change = Change(
            action="update" if opening.id else "create",
            object=self.object.name,
            id=opening.id,
            set=set_of(call.model, self.object, self.typed, reader),
            source="text",
        )
        self.preview: Preview = preview(conn, call, self.change)
        self.rows: Mapping[str, Sequence[Row]] = self.preview.details
        self.unread = {
            input_name(self.typed, p.path)
            for p in self.preview.problems
            if p.rule is None and p.code != "required"
        }
        self.told = {} if self.fresh else told_of(self.typed, self.preview.problems, found, words)
        self.drawn: set[str] = {""}
        self.shut: set[str] = set()  # inputs that may not be written now
        self.missing: list[Problem] = []
        self.searched = asked(self.typed)
        rows = [self.preview.row, *(r for rows in self.rows.values() for r in rows)]
        self.here, keeps = rights_here(conn, call, rows)
        self.kept = shut_by_lock(call, opening, keeps)
        self.frame = self._frame()

    # -- the tree ---------------------------------------------------------------------------------------------------

    def made(self) -> FormTree:
        sections = tuple(s for s in map(self._section, self.sections) if s is not None)
        top = self.preview.row
        loose = {name: said for name, said in self.told.items() if name not in self.drawn or name == ""}
        kept = set_of(
            self.call.model, self.object, self.typed, self.reader,
            lambda set, key, name: (f"{set}.{key}.{name}" if set else name) not in self.shut,
        )  # fmt: skip
        return FormTree(
            object=self.object,
            id=self.opening.id,
            version=top.version,
            title=self.frame.titles.get((self.object.name, top.id), ""),
            record_type=top.values.get("record_type"),
            sections=sections,
            problems=loose_texts(loose, self.object, self.reader),
            change=replace(self.change, set=kept),
            wrong=(*(p for p in self.preview.problems if p.level == "error"), *self.missing)
            if self.missing
            else (),
            tabs=tabs_of(self.layout, sections, self.reader),
            similar=() if self.fresh else similar_of(self.conn, self.call, self.reader, self.preview),
        )

    def _section(self, section: Section) -> FormSection | None:
        of = self.call.model.objects[section.table.object] if section.table else self.object
        places = [p for p in section.places if self._placed(of, p)]
        if not any(p.field.name in self.frame.writable[of.name] for p in places):
            return None
        row, say = self.preview.row, self.reader.say
        seen, closed = self.preview.holds(row, section.visible), self.preview.holds(row, section.readonly)
        live = isinstance(section.visible, Expression) or isinstance(section.readonly, Expression)
        table = self._table(section, of, places, closed or not seen) if section.table else None
        inputs = (
            () if section.table
            else (self._input(p, row, p.field.name, self.typed, closed=closed, hidden=not seen, live=live) for p in places)
        )  # fmt: skip
        return FormSection(
            name=section.name,
            label=say(section.label) or (say(section.table.label) or say(of.plural) if section.table else ""),
            help=say(section.help),
            columns=section.columns,
            inputs=tuple(inputs),
            table=table,
            collapsed=section.collapsed,
            visible=seen,
            tab=section.tab,
        )

    def _placed(self, of: Object, place: Place) -> bool:
        """Whether a form shows this: what is written in it, and what is worked out from that while one writes."""
        field = place.field
        if "." in place.path or field.object != of.name or field.type == "master":
            return False
        if of is self.object and field.name in self.opening.without:
            return False
        if isinstance(field.spec, Rollup):
            return bool({s.table.name for s in self.sections if s.table} & set(field.spec.path[:1]))
        here = self.here.get(of.name)
        if here is not None and field.name not in here and field.type != "secret":
            return False
        return field.name in self.frame.writable[of.name] or field.type == "formula"

    def _input(
        self,
        place: Place,
        row: Row,
        name: str,
        typed: Typed | TypedRow,
        *,
        closed: bool,
        hidden: bool,
        live: bool,
    ) -> Input:
        own = place.field.name
        given = own in typed.given
        said = tuple(self.told.get(name, ()))
        self.drawn.add(name)
        at = At(
            name=name, closed=closed, hidden=hidden, live=live, given=given, typed=typed.fields.get(own),
            was=typed.was.get(own), problems=said, broken=given and name in self.unread,
        )  # fmt: skip
        made = input_of(self.frame, place, row, at)
        if made.widget == "shown" and made.shown.empty and row.master is None:
            made = replace(made, visible=False)  # nothing was worked out yet
        if made.readonly or not made.visible:
            self.shut.add(name)
        if name in self.searched and made.targets:
            made = with_found(self.conn, self.call, self.frame, made, row, self.searched[name])
        if given and not (made.readonly or not made.visible):
            self.missing += by_hand(made, row, typed.fields.get(own))
        empty = row.values.get(own) is None and name not in self.unread
        if made.required and made.visible and empty and place.required is not False:
            asked = Phrase("{field} is required", field=label_of(place.field.label, own, self.reader.languages))  # fmt: skip
            self.missing.append(Problem(code="required", message=asked, path=f"{row.path}{own}"))
        return made

    # -- tables -----------------------------------------------------------------------------------------------------

    def _table(self, section: Section, of: Object, places: Sequence[Place], closed: bool) -> FormTable:
        assert section.table is not None
        set = section.table.name
        may = self.frame.writable[of.name]
        blank = self._blanks(of, places, f"{set}.__row__", closed)
        first = section.sort[0] if section.sort else ""
        rows, left = self.typed.rows.get(set, ()), 0
        if self.opening.id is not None:
            shown = sum(r.id is not None for r in rows)
            left = left_out(self.conn, self.call, self.object.name, self.opening.id, section, shown)
        return FormTable(
            set=set,
            columns=blank,
            rows=tuple(self._rows(set, of, places, closed)),
            blank=FormRow(key="__row__", id=None, inputs=blank),
            totals={
                n: total_of(self.frame, of.fields[n], self.preview.sets.get(set, self.rows.get(set, ())))
                for n in section.totals
                if n in of.fields
            },
            order=first if first in may and of.fields[first].type == "integer" else None,
            readonly=closed,
            left=left,
            more=has_room(len(rows), len(places)),
        )

    def _rows(self, set: str, of: Object, places: Sequence[Place], closed: bool) -> list[FormRow]:
        by_key = dict(zip((r.key for r in self.typed.kept(set)), self.rows.get(set, ()), strict=False))
        found = []
        for typed in self.typed.rows.get(set, ()):
            row = by_key.get(typed.key)
            name = f"{set}.{typed.key}"
            self.drawn.add(name)
            if typed.delete or (row is None and typed.id is not None):
                if typed.id is not None:
                    found.append(FormRow(key=typed.key, id=typed.id, inputs=(), deleted=True))
                continue
            if row is None:
                found.append(FormRow(key=typed.key, id=None, inputs=self._blanks(of, places, name, closed)))
                continue
            inputs = tuple(
                self._input(p, row, f"{name}.{p.field.name}", typed, closed=closed, hidden=False, live=True)
                for p in places
            )
            said = tuple(self.told.get(name, ()))
            found.append(FormRow(key=typed.key, id=typed.id, inputs=inputs, problems=said))
        return found

    def _blanks(self, of: Object, places: Sequence[Place], name: str, closed: bool) -> tuple[Input, ...]:
        """A row as it begins: with the defaults that are plain values."""
        row = Row(self.preview.row.program.programs[of.name], None, id="", fresh=True)
        row.values = dict.fromkeys(row.program.kept)
        if of.master is not None and not self.preview.row.fresh:
            row.values[of.master] = self.preview.row.id
        for field in of.fields.values():
            if field.default is not None and not isinstance(field.default, Expression) and not field.computed:
                row.values[field.name] = field.default
        return tuple(
            input_of(self.frame, p, row, At(name=f"{name}.{p.field.name}", closed=closed)) for p in places
        )

    def _frame(self) -> Frame:
        top = self.preview.row
        every = [top, *(r for rows in self.rows.values() for r in rows)]
        refs: set[Ref] = {(self.object.name, top.id)} if self.opening.id else set()
        ids: set[str] = set()
        for row in every:
            for field in row.program.fields.values():
                refs.update(self.preview.refs(row, field))
                if isinstance(field.spec, FileSpec):
                    ids.update(row.values.get(field.name) or ())
        kind = self.object.record_types.get(top.values.get("record_type") or self.opening.record_type or "")
        tables = {self.call.model.objects[s.table.object].name for s in self.sections if s.table}
        return Frame(
            preview=self.preview,
            reader=self.reader,
            titles=titles_of(self.conn, self.call, refs_of(refs)),
            files=files_of(self.conn, self.call, ids),
            places=targets_of(self.conn, self.call, self.preview, every),
            writable={
                o: {
                    n: f
                    for n, f in writable(self.call.model, self.call.actor, o).items()
                    if n not in self.kept.get(o, ())
                }
                for o in {self.object.name, *tables}
            },
            lookup=self.opening.lookup,
            type_options=kind.options if kind else {},
            currency=top.values.get("currency"),
            currencies=currencies_of(self.conn, self.call, self.reader)
            if self.object.record_currency
            else (),
        )
