"""Form inputs: one place of a layout in one row of an open form becomes an Input: its value, its choices, what holds of it.

In: the frame of a form (`Frame`), a place, the row as a preview made it, what was typed. Out: `Input`. Reads nothing: the titles
of records and the names of files were asked before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from hashlib import blake2s
from typing import Any
from urllib.parse import urlencode

from patron_engine.expr.compile import Expression
from patron_engine.expr.functions.chinese import rmb_upper
from patron_engine.fields.field import (
    ChoiceSpec,
    Field,
    FileSpec,
    LinkSpec,
    NumberSpec,
    Option,
    PlaceSpec,
    TextSpec,
    TimeSpec,
)
from patron_engine.jsonio import dumps
from patron_engine.page.form_places import Targets
from patron_engine.page.inputs import Choice, Input, widget_of
from patron_engine.page.layout import Place, Truth
from patron_engine.page.lookup import read_by
from patron_engine.page.palette import token_of
from patron_engine.page.reader import Reader
from patron_engine.page.show import shown
from patron_engine.page.typed import TAKEN, Group, local, reference, span, written
from patron_engine.record.row import Row
from patron_engine.ways.preview import Preview

Ref = tuple[str, str]
CNY = "CNY"
CHOICE = "choice"


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What all inputs of a form share. `titles` of records, `files` by id, `places` of locations
    beyond links, `lookup` the address records are looked up at."""

    preview: Preview
    reader: Reader
    titles: Mapping[Ref, str]
    files: Mapping[str, Mapping[str, Any]]
    places: Targets
    writable: Mapping[str, Mapping[str, Field]]  # by object
    lookup: str
    type_options: Mapping[str, tuple[str, ...]]
    currency: str | None
    currencies: tuple[Choice, ...] = ()  # a record of this object may have


@dataclass(frozen=True, slots=True, kw_only=True)
class At:
    """Where an input stands. `typed` is what was sent for it, `was` what it was drawn with; `given` that a person wrote it."""

    name: str
    closed: bool = False
    hidden: bool = False
    given: bool = False
    typed: Group | None = None
    was: Group | None = None
    problems: tuple[str, ...] = ()
    broken: bool = False  # what was typed could not be read
    live: bool = False


def input_of(frame: Frame, place: Place, row: Row, at: At) -> Input:
    """One field of the form as it stands now."""
    of, preview = place.field, frame.preview
    may = of.name in frame.writable[of.object]
    value = _value(frame, row, of)
    keeps = of.readonly if isinstance(of.readonly, Expression) else False
    readonly = (
        not may or at.closed or preview.holds(row, keeps, before=True) or preview.holds(row, place.readonly)
    )
    required = may and (preview.holds(row, of.required) or preview.holds(row, place.required))
    visible = not at.hidden and preview.holds(row, of.visible) and preview.holds(row, place.visible)
    made = Input(
        name=at.name,
        field=of,
        widget=CHOICE if may and _is_currency(frame, of) else widget_of(of, written=may),
        label=frame.reader.say(place.label, of.name),
        help=frame.reader.say(place.help),
        value=value,
        typed=_last(at.typed) if at.broken else None,
        shown=shown(of, value, frame.reader, frame.currency),
        required=required and not readonly,
        readonly=readonly,
        visible=visible,
        live=at.live
        or _live(of.required, of.readonly, of.visible, place.visible, place.required, place.readonly),
        width=place.width,
        choices=_choices(frame, row, of, value),
        targets=of.spec.to if isinstance(of.spec, LinkSpec) else (),
        source=_source(frame, row, of) if isinstance(of.spec, LinkSpec) else "",
        problems=at.problems,
    )
    drawn = written(of, at.name, value, frame.reader)
    was = _pairs(at.name, at.was) if at.given else drawn
    more = {**_attributes(frame, row, of, value), **_near(frame, row, of, at)}
    return replace(made, attributes={**more, "was": was, "state": _state(made, drawn, at, more)})


def _near(frame: Frame, row: Row, of: Field, at: At) -> dict[str, Any]:
    """What a location is to be near to, and how the device told it."""
    spec = of.spec
    if not isinstance(spec, PlaceSpec):
        return {}
    found: dict[str, Any] = {"manual": spec.manual, "taken": _last({"": (at.typed or {}).get(TAKEN, ())})}
    refs = frame.preview.refs(row, row.program.fields[spec.target[0]]) if spec.target else []
    place = frame.places.get((refs[0], spec.target[1])) if refs and spec.target else None
    if place is not None:
        radius = spec.radius
        found["target"] = {**place, "name": frame.titles.get(refs[0], "")}
        found["radius"] = frame.preview.worked_out(row, radius) if isinstance(radius, Expression) else radius
    return found


def _value(frame: Frame, row: Row, of: Field) -> Any:
    """Its JSON form as readers get it: links with titles, files with names."""
    preview = frame.preview
    if of.type == "secret":
        return None
    if of.expr.kind == "link" or isinstance(of.spec, LinkSpec):
        found = [
            {"object": o, "id": i, "title": frame.titles.get((o, i), "")} for o, i in preview.refs(row, of)
        ]
        many = isinstance(of.spec, LinkSpec) and of.spec.many
        return found if many else (found[0] if found else None)
    value = preview.value(row, of)
    if isinstance(of.spec, FileSpec) and value:
        ids = value if isinstance(value, list) else [value]
        known = [frame.files.get(i, {"id": i, "name": ""}) for i in ids]
        return known if of.spec.many else known[0]
    return value or None if isinstance(value, list) else value


def _choices(frame: Frame, row: Row, of: Field, value: Any) -> tuple[Choice, ...]:
    if isinstance(of.spec, LinkSpec):
        several = value if isinstance(value, list) else [value] if value else []
        return tuple(Choice(value=reference(of, v), text=v["title"] or "…") for v in several)
    if _is_currency(frame, of):
        kept = (
            [Choice(value=value, text=value)]
            if value and value not in {c.value for c in frame.currencies}
            else []
        )
        return (*kept, *frame.currencies)
    spec = of.spec
    if not isinstance(spec, ChoiceSpec):
        return ()
    held = set(value if isinstance(value, list) else [value] if value else [])
    control = row.values.get(spec.controlled_by) if spec.controlled_by else None
    controls = set(control if isinstance(control, tuple) else (control,))
    allowed = frame.type_options.get(of.name) if of.object == frame.preview.row.object else None

    def fits(option: Option, path: str) -> bool:
        if path in held or any(h.startswith(f"{path}/") for h in held):
            return True
        if option.retired or (allowed is not None and "/" not in path and option.name not in allowed):
            return False
        return option.only_for is None or not spec.controlled_by or bool(controls & set(option.only_for))

    def made(options: tuple[Option, ...], above: str) -> tuple[Choice, ...]:
        return tuple(
            Choice(
                value=above + o.name,
                text=frame.reader.say(o.label, o.name),
                color=token_of(o.color),
                for_=o.only_for or (),
                below=made(o.options, f"{above}{o.name}/"),
            )
            for o in options
            if fits(o, above + o.name)
        )

    found = made(spec.options, "")
    return (*found, *(Choice(value=v, text=v) for v in sorted(held - {c.value for c in found}) if spec.free))


def _is_currency(frame: Frame, of: Field) -> bool:
    """The currency of a record that has one of its own."""
    return (
        of.system
        and of.name == "currency"
        and of.object == frame.preview.row.object
        and bool(frame.currencies)
    )


def _source(frame: Frame, row: Row, of: Field) -> str:
    """Where records are looked up; of a detail with its master, which its form does not show."""
    address = f"{frame.lookup}/{of.object}/{of.name}"
    link = row.program.object.master
    id = row.values.get(link) if link else None
    known = link is not None and id is not None and not (row.master is not None and row.master.fresh)
    return f"{address}?{urlencode({f'with.{link}': id})}" if known else address


def _attributes(frame: Frame, row: Row, of: Field, value: Any) -> dict[str, Any]:
    """What the widget needs besides."""
    spec, reader = of.spec, frame.reader
    found: dict[str, Any] = {
        "maxlength": None,
        "min": None,
        "max": None,
        "unit": "",
        "many": False,
        "words": "",
    }
    if isinstance(spec, TextSpec):
        found["maxlength"] = spec.max_length
    elif isinstance(spec, NumberSpec):
        found |= {"min": spec.min, "max": spec.max, "unit": reader.say(spec.unit), "scale": spec.scale}
        if of.type == "percent":
            found["unit"] = "%"
        if of.type == "rating":
            found["max"] = int(spec.max or 5)
    elif isinstance(spec, TimeSpec):
        found |= {"min": spec.min, "max": spec.max}
    elif isinstance(spec, FileSpec):
        found |= {
            "accept": spec.accept,
            "max_size": spec.max_size,
            "many": spec.many,
            "capture": spec.capture,
        }
    elif isinstance(spec, LinkSpec):
        found |= {
            "many": spec.many, "with": " ".join(read_by(of, row.program.object.master)), "several": spec.several,
        }  # fmt: skip
    elif isinstance(spec, ChoiceSpec):
        found |= {"controlled_by": spec.controlled_by, "free": spec.free}
    if of.type == "money":
        currency = frame.currency or reader.currency
        found["grouped"] = reader.amount(value, currency) if value is not None else ""
        found |= {"unit": reader.sign(currency), "currency": currency}
        if currency == CNY and value and reader.languages[0].startswith("zh"):
            found["words"] = rmb_upper(Decimal(str(value))) or ""
    if of.type == "datetime" and value:
        found["local"] = local(value, reader)
    elif of.type == "duration" and value is not None:
        found["clock"] = span(int(value))
    elif of.type == "json" and value is not None:
        found["json"] = dumps(value).decode()
    return found


def _live(*conditions: Truth) -> bool:
    return any(isinstance(c, Expression) for c in conditions)


def _last(group: Group | None) -> str | None:
    texts = (group or {}).get("", ())
    return texts[-1] if texts else None


def _pairs(name: str, group: Group | None) -> tuple[tuple[str, str], ...]:
    return tuple((f"{name}.{p}" if p else name, t) for p, texts in (group or {}).items() for t in texts)


def _state(made: Input, drawn: tuple[tuple[str, str], ...], at: At, more: Mapping[str, Any]) -> str:
    """A word for how it is drawn: another one means that the open form has to draw it anew."""
    parts = (
        made.visible, made.required, made.readonly, made.problems, made.choices if not made.targets else (),
        () if at.given else [(n.removeprefix(at.name), t) for n, t in drawn], made.shown.text if made.widget == "shown" else "",
        more["unit"], more["words"], more.get("target"), more.get("radius"),
    )  # fmt: skip
    return blake2s(repr(parts).encode(), digest_size=6).hexdigest()
