"""Inputs: one field of a form as data: what it is, what stands in it, what may be done with it. One macro draws each widget.

In: made by page/form from a place of a layout and the state of the open form. Out: drawn by the platform; `name` is what the
form sends. A widget is chosen here, by type and by what the field allows, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as kept  # Input has an attribute `field`
from typing import Any

from patron_engine.fields.field import Field, LinkSpec
from patron_engine.page.show import EMPTY, Shown

WIDGETS: Mapping[str, str] = {
    "text": "text", "long_text": "lines", "rich_text": "rich", "email": "text", "phone": "text", "url": "text",
    "barcode": "barcode", "color": "color", "integer": "number", "decimal": "number", "percent": "number",
    "money": "money", "rating": "rating", "duration": "duration", "boolean": "switch", "select": "choice",
    "multi_select": "choices", "tags": "tags", "cascade": "cascade", "date": "date", "datetime": "moment",
    "time": "clock", "date_range": "range", "lookup": "record", "master": "record", "user": "record",
    "department": "record", "address": "address", "location": "location", "file": "files", "image": "files",
    "signature": "signature", "audio": "audio", "secret": "secret", "json": "json",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One option that may be chosen. `for_` are the values of the controlling field it belongs to; () for all."""

    value: str
    text: str
    color: str | None = None
    hint: str = ""
    for_: tuple[str, ...] = ()
    below: tuple[Choice, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """One field of an open form.

    name      what the form sends: the field's name; in a table `SET.ROW.FIELD`; parts of a value are `NAME.PART`
    widget    the macro that draws it; `shown` draws the value of a field that nobody writes
    value     its JSON form as it stands in the form now; `typed` is what a person wrote that could not be read
    shown     the same as people read it
    required, readonly, visible   as they hold at this moment; `live` is true where they may change with other fields
    choices   of a choice; of a link the records that stand in it, and `found` those to choose from
    targets   objects a link may point at; `source` is the address its records are looked up at
    attributes  what the widget needs besides: min, max, step, unit, currency, maxlength, accept, many, controlled_by …
    problems  what is wrong with it, in the reader's language
    """

    name: str
    field: Field
    widget: str
    label: str
    help: str = ""
    value: Any = None
    typed: str | None = None
    shown: Shown = EMPTY
    required: bool = False
    readonly: bool = False
    visible: bool = True
    live: bool = False
    width: int = 1
    choices: tuple[Choice, ...] = ()
    found: tuple[Choice, ...] = ()
    targets: tuple[str, ...] = ()
    source: str = ""
    attributes: Mapping[str, Any] = kept(default_factory=dict)
    problems: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """The id of its element on the page."""
        return "f-" + self.name.replace(".", "-")


def widget_of(place: Field, *, written: bool) -> str:
    """The macro that draws a field. `written`: whether anybody may write it at all."""
    if not written or place.computed:
        return "shown"
    if isinstance(place.spec, LinkSpec) and place.spec.many:
        return "records"
    return WIDGETS.get(place.type, "text")
