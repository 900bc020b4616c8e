"""Find: the records that cells and match keys name, one query a column and chunk.

In: items with links as texts. Out: ids put into the items, or the problem of the row; match keys become ids of records
that are there. `missing: create` makes the record. What was found once is remembered for the whole file.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from patron_engine.fields.base import ValueFault
from patron_engine.fields.field import Field
from patron_engine.fields.registry import type_of
from patron_engine.model.model import Object, label_of
from patron_engine.phrases import Phrase
from patron_engine.problems import nearest
from patron_engine.query.call import Call
from patron_engine.record.change import Change, Outcome
from patron_engine.record.ids import record_id
from patron_engine.record.program import Programs
from patron_engine.record.statements import Conn, Statement, any_of, compiled
from patron_engine.transfer.convert import Item
from patron_engine.transfer.mapping import EXTERNAL, Target
from patron_engine.ways.save import save

REMEMBERED = 200_000  # names a file's lookups keep
NAMEABLE = frozenset({"text", "email", "phone", "url", "barcode", "auto_number"})

Found = dict[str, list[str]]  # text -> ids of the live records it names


class Finder:
    """Looks up for one import; keeps what it found."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
        self._refused: dict[
            tuple[str, str], str
        ] = {}  # object, text -> why `missing: create` could not make it

    def links(
        self, conn: Conn, call: Call, items: Sequence[Item], object: Object, *, later: bool = False
    ) -> list[Outcome]:
        """Puts the ids of all links. Returns what `missing: create` made."""
        made: list[Outcome] = []
        for name, asked in _by_field(items, later=later).items():
            field = object.fields[name]
            target = asked[0][1]
            to = call.model.objects[target.object or field.link.to[0]]
            texts = {text: _pieces(text, field) for _, _, text in asked}
            found = self.find(conn, call, to, target.by, {p for ps in texts.values() for p in ps})
            if target.missing == "create":
                made += self._create(conn, call, to, target, texts.values(), found)
            for item, _, text in asked:
                named = [(p, found.get(p, [])) for p in texts[text]]
                _put(item, field, target, to, named, self._refused if target.missing == "create" else {})
        return made

    def remember(self, conn: Conn, call: Call, items: Sequence[Item], object: Object) -> bool:
        """Looks up what the links of the items name. True where each names one record, and puts them then: what is not there
        yet an earlier piece may be making."""
        known = True
        puts: list[tuple[list[tuple[Item, Target, str]], str, dict[str, Any]]] = []
        for name, asked in _by_field(items, later=False).items():
            field, target = object.fields[name], asked[0][1]
            to = call.model.objects[target.object or field.link.to[0]]
            texts = {text: _pieces(text, field) for _, _, text in asked}
            found = self.find(conn, call, to, target.by, {p for ps in texts.values() for p in ps})
            known = known and all(len(found.get(p, ())) == 1 for ps in texts.values() for p in ps)
            if known:
                ids = {text: [_linked(field, to, found[p][0]) for p in ps] for text, ps in texts.items()}
                puts.append((asked, name, {t: _value(field, some) for t, some in ids.items()}))
        for asked, name, values in puts if known else ():
            for item, _, text in asked:
                if (value := values[text]) is not None or object.fields[name].link.many:
                    item.set[name] = value
        return known

    def find(self, conn: Conn, call: Call, object: Object, by: str | None, texts: Iterable[str]) -> Found:
        """The ids each text names; texts nobody has are left out."""
        known = self._known[(object.name, by or "")]
        found: Found = {t: [known[t]] for t in texts if t in known}
        open_ones = [t for t in dict.fromkeys(texts) if t not in found]
        for key in ways(object, by):
            if not open_ones:
                break
            for text, ids in look_up(conn, call, object, key, open_ones).items():
                found[text] = ids
                if len(ids) == 1 and len(known) < REMEMBERED:
                    known[text] = ids[0]
            open_ones = [t for t in open_ones if t not in found]
        return found

    def _create(
        self, conn: Conn, call: Call, object: Object, target: Target, texts: Iterable[list[str]], found: Found
    ) -> list[Outcome]:
        wanted = list(dict.fromkeys(p for ps in texts for p in ps if p not in found))
        name = target.by if target.by and target.by != "title" else object.title
        if not wanted or name not in object.fields:
            return []
        changes = [_new(object, name, text) for text in wanted]
        outcomes = save(conn, call, changes, mode="each")
        for text, outcome in zip(wanted, outcomes, strict=True):
            if outcome.action == "created" and outcome.id is not None:
                found[text] = [outcome.id]
                self._known[(object.name, target.by or "")][text] = outcome.id
            elif outcome.problems:
                self._refused[(object.name, text)] = "; ".join(p.message for p in outcome.problems)
        return [o for o in outcomes if o.action == "created"]


def _by_field(items: Sequence[Item], *, later: bool) -> dict[str, list[tuple[Item, Target, str]]]:
    found: dict[str, list[tuple[Item, Target, str]]] = defaultdict(list)
    for item in items:
        for name, (target, text) in (item.later if later else item.links).items():
            found[name].append((item, target, text))
    return found


def _new(object: Object, name: str, text: str) -> Change:
    if name.startswith(EXTERNAL):
        return Change(action="create", object=object.name, set={object.title: text}, source="text",
                      external_ids={name[len(EXTERNAL) :]: text})  # fmt: skip
    return Change(action="create", object=object.name, set={name: text}, source="text")


def ways(object: Object, by: str | None) -> tuple[str, ...]:
    """The keys a text is tried by, in their order. Without `by`: id, title, then the object's unique texts."""
    if by == "title":
        return ("title",)
    if by is not None:
        return (by,)
    unique = [
        f.name
        for f in object.fields.values()
        if f.unique and f.columns and f.type in NAMEABLE and not f.encrypted
    ]
    return tuple(dict.fromkeys(("id", "title", *unique)))


def look_up(conn: Conn, call: Call, object: Object, key: str, texts: Sequence[str]) -> Found:
    """The live records of an object that the texts name by one key."""
    if key == "id":
        ids = {i: t for t in texts if (i := record_id(t)) is not None}
        return (
            _by_column(conn, call, object, object.fields["id"], {i: [t] for i, t in ids.items()})
            if ids
            else {}
        )
    if key.startswith(EXTERNAL):
        return _by_external(conn, call, object, key[len(EXTERNAL) :], texts)
    field = object.field(object.title if key == "title" else key)
    if field is None or not field.columns or field.encrypted:
        return {}
    kind, asked = type_of(field), defaultdict[Any, list[str]](list)
    for text in texts:
        try:
            asked[kind.normalise(field, kind.read_text(field, text))].append(text)
        except ValueFault:
            continue  # cannot be the value of this field, so no record has it
    asked.pop(None, None)
    found = _by_column(conn, call, object, field, asked)
    rest = [t for t in texts if t not in found]
    return (
        {**_whatever_case(conn, call, object, field, rest), **found}
        if rest and field.column.sql == "text"
        else found
    )


def _by_column(conn: Conn, call: Call, object: Object, field: Field, asked: dict[Any, list[str]]) -> Found:
    table = call.tables.of(object)
    column = table.c[field.column.name]

    def make() -> Statement:
        return compiled(
            sa.select(column, table.c.id).where(any_of(column, "values"), table.c.deleted_at.is_(None))
        )

    statement: Statement = Programs.of(call.tables).keep(("transfer.find", object.name, field.name), make)
    found: Found = defaultdict(list)
    for value, id in statement.run(conn, values=list(asked)) if asked else ():
        for text in asked.get(value, ()):
            found[text].append(str(id))
    return dict(found)


def _whatever_case(conn: Conn, call: Call, object: Object, field: Field, texts: Sequence[str]) -> Found:
    """`acme` names `Acme` where nothing is called so exactly."""
    table = call.tables.of(object)
    column = sa.func.lower(table.c[field.column.name])

    def make() -> Statement:
        chosen = column == sa.any_(sa.bindparam("values", type_=pg.ARRAY(sa.Text())))
        return compiled(sa.select(column, table.c.id).where(chosen, table.c.deleted_at.is_(None)))

    statement: Statement = Programs.of(call.tables).keep(("transfer.case", object.name, field.name), make)
    asked: dict[str, list[str]] = defaultdict(list)
    for text in texts:
        asked[" ".join(text.split()).lower()].append(text)
    found: Found = defaultdict(list)
    for value, id in statement.run(conn, values=list(asked)):
        for text in asked.get(value, ()):
            found[text].append(str(id))
    return dict(found)


def _by_external(conn: Conn, call: Call, object: Object, source: str, texts: Sequence[str]) -> Found:
    outer, table = (
        call.tables.system(
            "sys__external_id", object="text", source="text", external_id="text", record="uuid"
        ),
        call.tables.of(object),
    )

    def make() -> Statement:
        joined = outer.join(table, sa.and_(table.c.id == outer.c.record, table.c.deleted_at.is_(None)))
        return compiled(
            sa.select(outer.c.external_id, outer.c.record).select_from(joined).where(
                outer.c.object == sa.bindparam("object", type_=sa.Text()),
                outer.c.source == sa.bindparam("source", type_=sa.Text()),
                any_of(outer.c.external_id, "values"),
            )
        )  # fmt: skip

    statement: Statement = Programs.of(call.tables).keep(("transfer.external", object.name), make)
    rows = statement.run(conn, object=object.name, source=source, values=list(dict.fromkeys(texts)))
    return {text: [str(id)] for text, id in rows}


def _pieces(text: str, field: Field) -> list[str]:
    """The names in one cell: several only where the link takes several."""
    if not field.link.many:
        return [text.strip()]
    for mark in ("；", "\n", "|"):
        text = text.replace(mark, ";")
    return [p.strip() for p in text.split(";") if p.strip()]


def _put(
    item: Item,
    field: Field,
    target: Target,
    to: Object,
    named: Sequence[tuple[str, list[str]]],
    refused: Mapping[tuple[str, str], str],
) -> None:
    ids: list[Any] = []
    for text, found in named:
        if len(found) == 1:
            ids.append(_linked(field, to, found[0]))
        elif found:
            item.wrong("link_ambiguous", Phrase("{count} records of {to} are called {text!r}", count=len(found), to=label_of(to.label, to.name), text=text), field.name,
                       "name them by a unique field or an external id: by: …")  # fmt: skip
        elif target.missing != "empty":
            why = refused.get((to.name, text))
            hint = Phrase("it cannot be made: {why}", why=why) if why else nearest(text, target.words)
            item.wrong(
                "link_not_found",
                Phrase("there is no {to} {text!r}", to=label_of(to.label, to.name), text=text),
                field.name,
                hint,
            )
    if ids or field.link.many:
        item.set[field.name] = _value(field, ids)


def _linked(field: Field, to: Object, id: str) -> Any:
    """One record as a link keeps it."""
    return {"object": to.name, "id": id} if field.link.several else id


def _value(field: Field, ids: Sequence[Any]) -> Any:
    """What a link says of the records it names."""
    return (tuple(ids) or None) if field.link.many else ids[0] if ids else None
