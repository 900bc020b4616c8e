"""Typed: what a form sends becomes what a save is asked; and a value becomes what a form sends.

In: the pairs of a form, for an object. Out: `Typed`: each field's texts, which of them a person gave, the rows of details; and
`Change.set` of it. A form sends every field as it was drawn beside as it is (`_was.NAME`): only what differs was given, so that
defaults and what a chosen record brings stay the platform's. Names: `NAME`, `NAME.PART`, `SET.ROW.NAME`, `SET.ROW.NAME.PART`.
Nothing is judged here: a name nobody knows is refused by the save.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from patron_engine.errors import LimitExceeded
from patron_engine.fields.field import Field, FileSpec, LinkSpec, PlaceSpec
from patron_engine.jsonio import dumps
from patron_engine.model.model import Model, Object
from patron_engine.page.reader import Reader
from patron_engine.phrases import Phrase
from patron_engine.record.change import MAX_DETAILS

Pairs = Iterable[tuple[str, str]]
Group = Mapping[str, tuple[str, ...]]  # part ("" for the value itself) -> its texts
WAS = "_was."
LISTS = frozenset({"multi_select", "tags", "file", "image", "signature", "audio"})
MAPS = frozenset({"address", "location", "date_range"})
TAKEN = "taken"  # part of a location: the device told it, exact to so many metres
DEVICE = re.compile(r"[0-9]{1,7}", re.ASCII)
NAME_LENGTH = 200  # of what a form sends; longer ones are nobody's


@dataclass(frozen=True, slots=True, kw_only=True)
class TypedRow:
    """One row of a table. `id` is that of a record that exists; `key` names the row in the form."""

    key: str
    id: str | None
    fields: Mapping[str, Group]
    was: Mapping[str, Group]
    delete: bool = False

    @property
    def given(self) -> frozenset[str]:
        return _given(self.fields, self.was)

    @property
    def blank(self) -> bool:
        """A new row nobody has written in."""
        return self.id is None and not self.given


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """An open form. `frame` is what it says about itself (`_version`, `_confirm` …)."""

    fields: Mapping[str, Group] = field(default_factory=dict)
    was: Mapping[str, Group] = field(default_factory=dict)
    rows: Mapping[str, tuple[TypedRow, ...]] = field(default_factory=dict)
    frame: Mapping[str, str] = field(default_factory=dict)

    @property
    def given(self) -> frozenset[str]:
        return _given(self.fields, self.was)

    def kept(self, set: str) -> list[TypedRow]:
        """The rows of a set that are sent on, in the order problems count them."""
        return [r for r in self.rows.get(set, ()) if not r.blank and not (r.delete and r.id is None)]


def typed_of(object: Object, pairs: Pairs) -> Typed:
    """The pairs of a form, sorted."""
    own: dict[str, dict[str, list[str]]] = {}
    was: dict[str, dict[str, list[str]]] = {}
    rows: dict[str, dict[str, dict[str, dict[str, dict[str, list[str]]]]]] = {s: {} for s in object.details}
    deleted: set[tuple[str, str]] = set()
    frame: dict[str, str] = {}
    for name, text in pairs:
        earlier = name.startswith(WAS)
        steps = name.removeprefix(WAS)[:NAME_LENGTH].split(".")
        if steps[0] in rows and len(steps) in (3, 4):
            row = rows[steps[0]].setdefault(steps[1], {"is": {}, "was": {}})
            if steps[2] == "_delete":
                if text:
                    deleted.add((steps[0], steps[1]))
            elif not steps[2].startswith("_"):
                _put(row["was" if earlier else "is"], steps[2:], text)
        elif name.startswith("_") and not earlier:
            frame[name] = text
        else:
            _put(was if earlier else own, steps, text)
    if any(len(found) > MAX_DETAILS for found in rows.values()):
        raise LimitExceeded(
            Phrase("at most {most} rows are saved at once", most=MAX_DETAILS), code="details_count"
        )
    made = {
        set: tuple(
            TypedRow(
                key=key, id=None if key.startswith("n") else key, delete=(set, key) in deleted,
                fields=_frozen(row["is"]), was=_frozen(row["was"]),
            )
            for key, row in found.items()
        )
        for set, found in rows.items()
        if found
    }  # fmt: skip
    return Typed(fields=_frozen(own), was=_frozen(was), rows=made, frame=frame)


def _put(groups: dict[str, dict[str, list[str]]], steps: list[str], text: str) -> None:
    groups.setdefault(steps[0], {}).setdefault(".".join(steps[1:]), []).append(text.replace("\r\n", "\n"))


def _frozen(groups: Mapping[str, Mapping[str, list[str]]]) -> Mapping[str, Group]:
    return {n: {p: tuple(found) for p, found in parts.items()} for n, parts in groups.items()}


def _given(fields: Mapping[str, Group], was: Mapping[str, Group]) -> frozenset[str]:
    return frozenset(n for n in {*fields, *was} if _said(fields.get(n)) != _said(was.get(n)))


def _said(group: Group | None) -> Mapping[str, tuple[str, ...]]:
    """What a field says: nothing and an empty text are the same; a box that is ticked sends "true" after its "false"."""
    found = {}
    for part, texts in (group or {}).items():
        said = tuple(t for t in texts if t)
        if len(said) == 2 and said[0] == "false":
            said = said[1:]
        if said:
            found[part] = said
    return found


# -- towards the save -------------------------------------------------------------------------------------------------


def set_of(
    model: Model,
    object: Object,
    typed: Typed,
    reader: Reader,
    open_: Callable[[str, str, str], bool] = lambda *_: True,
) -> dict[str, Any]:
    """`Change.set` (source "text") of what was given. `open_(set, row key, field)` says whether a field may be written at
    all at this moment: what a layout closes is left as it is."""
    made = _given_in(object, typed, reader, partial(open_, "", ""))
    for set in typed.rows:
        of = model.objects[object.sets[set].object]
        kept = []
        for row in typed.kept(set):
            item: dict[str, Any] = {} if row.id is None else {"id": row.id}
            if row.delete:
                item["delete"] = True
            else:
                item |= _given_in(of, row, reader, partial(open_, set, row.key))
            kept.append(item)
        if kept:
            made[set] = kept
    return made


def _given_in(
    of: Object, typed: Typed | TypedRow, reader: Reader, opened: Callable[[str], bool]
) -> dict[str, Any]:
    """What a person gave in one record. A location written by hand makes the field true that says so."""
    made = {n: _raw(of.field(n), typed.fields.get(n, {}), reader) for n in sorted(typed.given) if opened(n)}
    for name in tuple(made):
        field = of.field(name)
        spec = field.spec if field is not None else None
        if isinstance(spec, PlaceSpec) and isinstance(spec.manual, str) and opened(spec.manual):
            made |= {spec.manual: "true"} if written_by_hand(typed.fields.get(name)) else {}
    return made


def written_by_hand(group: Group | None) -> bool:
    """Whether a location stands there that no device told."""
    parts = _said(group)
    return bool(parts) and not DEVICE.fullmatch((parts.get(TAKEN) or ("",))[-1])


def _raw(of: Field | None, group: Group, reader: Reader) -> Any:
    """What one field says, as the save reads it: a text, or a list or map of texts."""
    texts = group.get("", ())
    last = texts[-1] if texts else ""
    if of is None:
        return last
    if isinstance(of.spec, LinkSpec):
        found = [_ref(t, of.spec) for t in texts if t]
        return found if of.spec.many else (found[-1] if found else None)
    if of.type in LISTS:
        chosen = [t for t in texts if t]
        one = isinstance(of.spec, FileSpec) and not of.spec.many
        return (chosen[-1] if chosen else None) if one else chosen
    if of.type in MAPS:
        parts = {p: t[-1] for p, t in group.items() if p and p != TAKEN and t[-1].strip()}
        return parts or (last or None)
    if of.type == "cascade":
        return _deepest(texts)
    return _with_zone(last, reader) if of.type == "datetime" else last


def _ref(text: str, spec: LinkSpec) -> Any:
    if not spec.several:
        return text
    object, _, id = text.partition(":")
    return {"object": object, "id": id}


def _deepest(texts: tuple[str, ...]) -> str:
    """The selects of a cascade send a path each; one below another that was changed counts no more."""
    chosen = ""
    for text in texts:
        if text and (not chosen or text.startswith(f"{chosen}/")):
            chosen = text
    return chosen


def _with_zone(text: str, reader: Reader) -> str:
    """A moment as a browser sends it stands in the reader's zone."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text
    return text if moment.tzinfo else moment.replace(tzinfo=reader.zone).isoformat()


# -- towards the form -------------------------------------------------------------------------------------------------


def written(of: Field, name: str, value: Any, reader: Reader) -> tuple[tuple[str, str], ...]:
    """What a form sends for a value nobody has touched."""
    if of.type == "boolean":
        return ((name, "true" if value else "false"),)
    if value is None or value == "" or of.type == "secret":
        return ()
    if of.type == "datetime" and isinstance(value, str):
        return ((name, local(value, reader)),)
    if of.type == "json":
        return ((name, dumps(value).decode()),)
    if of.type == "money":
        return ((name, reader.number(value)),)
    if of.type == "duration":
        return ((name, span(int(value))),)
    if isinstance(value, list | tuple):
        return tuple((name, reference(of, v)) for v in value)
    if isinstance(value, Mapping) and "id" not in value:
        return tuple((f"{name}.{part}", str(text)) for part, text in value.items() if text not in (None, ""))
    return ((name, reference(of, value)),)


def as_drawn(of: Field, typed: Typed | TypedRow, value: Any, reader: Reader) -> bool:
    """Whether a value is the one the form was drawn with: nobody else has changed it since."""
    return same_as(of, typed.was.get(of.name), value, reader)


def same_as(of: Field, group: Group | None, value: Any, reader: Reader) -> bool:
    """Whether what a form says of a field is this value."""
    drawn: dict[str, list[str]] = {}
    for name, text in written(of, of.name, value, reader):
        drawn.setdefault(name.removeprefix(of.name).removeprefix("."), []).append(text)
    now = {part: tuple(texts) for part, texts in drawn.items()}
    return _said(now) == _said(group)


def texts_of(group: Group | None) -> tuple[str, ...]:
    """Everything a field says, whatever its parts."""
    return tuple(text for texts in _said(group).values() for text in texts)


def reference(of: Field, value: Any) -> str:
    """A record, file or option as a form names it."""
    if not isinstance(value, Mapping):
        return str(value)
    if isinstance(of.spec, LinkSpec) and of.spec.several:
        return f"{value.get('object')}:{value.get('id')}"
    return str(value.get("id"))


def local(value: str, reader: Reader) -> str:
    """A moment as an input of type datetime-local has it, to the minute where there are no seconds."""
    moment = reader.local(datetime.fromisoformat(value)).replace(tzinfo=None)
    return moment.isoformat(timespec="seconds" if moment.second else "minutes")


def span(seconds: int) -> str:
    """A length of time as one writes it.

    >>> span(5400), span(-65)
    ('1:30', '-0:01:05')
    """
    minutes, rest = divmod(abs(seconds), 60)
    return f"{'-' if seconds < 0 else ''}{minutes // 60}:{minutes % 60:02}{f':{rest:02}' if rest else ''}"
