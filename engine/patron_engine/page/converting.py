"""Converting: the page of a conversion: each target with what is there already, and the form of a new record, filled in.

In: a connection, a call, a reader, a conversion and what it foresees; what was typed, and what was wrong with it. Out: `Part`s; and the
record that a part means, for the way convert. What the conversion itself sets stands in no form.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from patron_engine.errors import Forbidden, Refused
from patron_engine.flow.conversions import Target
from patron_engine.model.model import Object
from patron_engine.page.form import form_of
from patron_engine.page.form_tree import FormTree, Opening
from patron_engine.page.inputs import Input
from patron_engine.page.reader import Reader
from patron_engine.page.several import BETWEEN, Pairs, kept_rows, named
from patron_engine.page.typed import Typed, set_of, typed_of, written
from patron_engine.problems import Problem
from patron_engine.query.call import Call
from patron_engine.record.change import Change
from patron_engine.record.statements import Conn
from patron_engine.ways.prospects import Hit, Prospect

NEW, NONE = "new", "none"
Words = Callable[[Problem], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One target. `use` is "new", "none" or the id of what is taken; `chosen` that record where it was looked up; `tree` is empty
    where the reader may not make one; `loose` what its form sends besides."""

    name: str
    label: str
    object: Object
    optional: bool
    choose: bool
    use: str
    found: tuple[Hit, ...]
    chosen: Hit | None
    tree: FormTree | None
    loose: tuple[tuple[str, str], ...]
    problems: tuple[str, ...] = ()

    @property
    def fixed(self) -> bool:
        """What was found is taken: there is nothing to choose."""
        return bool(self.found) and not self.choose


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """How parts are drawn: whose they are, where links are looked up, how problems are said."""

    conn: Conn
    call: Call
    reader: Reader
    lookup: str
    words: Words


def part_of(
    drawing: Drawing,
    one: Prospect,
    typed: Typed | None,
    use: str,
    chosen: Hit | None = None,
    problems: Sequence[Problem] | None = None,
) -> Part:
    """A target as it stands on the page. Without `typed` it is opened. `problems` are those of the target, at its fields."""
    target, call, reader = one.target, drawing.call, drawing.reader
    object = call.model.objects[target.object]
    typed = typed if typed is not None else begun(call, reader, one)
    tree: FormTree | None = None
    try:
        tree = form_of(
            drawing.conn, call, reader, opening(call, target, typed, drawing.lookup), typed,
            words=drawing.words, found=problems,
        )  # fmt: skip
    except Forbidden:
        tree = None
    return Part(
        name=target.name,
        label=reader.say(target.label) or reader.say(object.label, object.name),
        object=object,
        optional=target.optional,
        choose=target.choose,
        use=use,
        found=one.found,
        chosen=chosen,
        tree=named(_folded(tree), f"{target.name}{BETWEEN}") if tree is not None else None,
        loose=tuple(_loose(target, typed, tree)) if tree is not None else (),
        problems=tuple(drawing.words(p) for p in problems or () if not p.path) if tree is None else (),
    )


def _folded(tree: FormTree) -> FormTree:
    """Sections in which nothing stands and nothing is asked for are folded, but for the first."""
    return replace(
        tree,
        tabs=(),
        sections=tuple(
            replace(s, tab="", collapsed=s.collapsed or (n > 0 and not any(map(_matters, s.inputs))))
            for n, s in enumerate(tree.sections)
        ),
    )


def _matters(at: Input) -> bool:
    return at.visible and (
        at.required or bool(at.problems) or (at.widget != "shown" and at.value not in (None, False))
    )


def opening(call: Call, target: Target, typed: Typed, lookup: str) -> Opening:
    object = call.model.objects[target.object]
    kind = (typed.fields.get("record_type") or {}).get("", ("",))[-1]
    return Opening(
        object=object,
        record_type=kind if kind in object.record_types else None,
        lookup=lookup,
        without=target.bound,
    )


def begun(call: Call, reader: Reader, one: Prospect) -> Typed:
    """What the definition says, as if somebody had typed it."""
    return typed_of(call.model.objects[one.target.object], _pairs(call, reader, one))


def _pairs(call: Call, reader: Reader, one: Prospect) -> list[tuple[str, str]]:
    object = call.model.objects[one.target.object]
    pairs: list[tuple[str, str]] = []
    for name, value in one.values.items():
        if name in object.sets:
            child = call.model.objects[object.sets[name].object]
            for n, row in enumerate(value):
                for of, cell in row.items():
                    pairs += _texts(child, of, f"{name}.n{n + 1}.{of}", cell, reader)
        else:
            pairs += _texts(object, name, name, value, reader)
    return pairs


def _texts(object: Object, of: str, name: str, value: Any, reader: Reader) -> list[tuple[str, str]]:
    field = object.field(of)
    return [] if field is None else list(written(field, name, value, reader))


def sent(object: Object, pairs: Pairs) -> Typed:
    """What a page sent for one target."""
    return typed_of(object, kept_rows(pairs))


def _loose(target: Target, typed: Typed, tree: FormTree) -> list[tuple[str, str]]:
    """What no input shows and the conversion itself does not set: it travels along."""
    prefix = f"{target.name}{BETWEEN}"
    shown = {*target.bound, *(i.name for i in tree.inputs())}
    tables = {s.table.set for s in tree.sections if s.table is not None}
    loose = [
        (f"{name}.{part}" if part else name, text)
        for name, group in typed.fields.items()
        if name not in shown and not name.startswith("_")
        for part, texts in group.items()
        for text in texts
    ]
    for set, rows in typed.rows.items():
        for row in rows:
            loose += [
                (".".join(filter(None, (set, row.key, name, part))), text)
                for name, group in row.fields.items()
                if f"{set}.{row.key}.{name}" not in shown
                for part, texts in group.items()
                for text in texts
            ]
    drawn = [(f"_table.{prefix}{set}", "1") for set in sorted(tables)]
    return [*((f"{prefix}{name}", text) for name, text in loose), *drawn]


def shaped(drawing: Drawing, one: Prospect, typed: Typed) -> Change:
    """The record that a form means: what stands in it, what the conversion sets, and of the fields that the form does not let
    anybody write what the definition says. Refused where the form's layout asks for more."""
    call, reader = drawing.call, drawing.reader
    object = call.model.objects[one.target.object]
    defined = begun(call, reader, one)
    bound = {n: g for n, g in defined.fields.items() if n in one.target.bound}
    own = {n: g for n, g in typed.fields.items() if n not in one.target.bound}
    typed = replace(typed, fields={**own, **bound})
    tree = form_of(
        drawing.conn, call, reader, opening(call, one.target, typed, drawing.lookup), typed, words=drawing.words
    )  # fmt: skip
    if tree.wrong:
        raise Refused(tree.wrong)
    open_ = {i.name for i in tree.inputs() if i.visible and not i.readonly and "." not in i.name}
    given: Mapping[str, Any] = set_of(call.model, object, defined, reader)
    closed = {n: v for n, v in given.items() if n not in open_ and n not in object.sets}
    return replace(tree.change, set={**closed, **tree.change.set})
