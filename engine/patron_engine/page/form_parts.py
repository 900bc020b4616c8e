"""Form parts: which sections of a layout a form has, and what stands at the foot of a table.

In: a layout, rows of details. Out: sections, figures. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from patron_engine.access.decide import writable
from patron_engine.fields.field import Field, NumberSpec
from patron_engine.model.model import Object
from patron_engine.page.form_inputs import Frame
from patron_engine.page.layout import Layout, Place, Section
from patron_engine.page.show import EMPTY, Shown, shown
from patron_engine.query.call import Call
from patron_engine.record.row import Row


def sections_of(call: Call, object: Object, layout: Layout) -> list[Section]:
    """The sections of a layout. Secrets stand in none, since nobody reads them: who may write them finds them in the first."""
    found = [s for s in layout.sections if s.table is None or s.table.name in object.details]
    hidden = [
        Place(field=f, path=f.name, label=f.label, help=f.help, width=1)
        for f in writable(call.model, call.actor, object.name).values()
        if f.type == "secret"
    ]
    first = next((n for n, s in enumerate(found) if s.table is None), None)
    if hidden and first is not None:
        found[first] = replace(found[first], places=(*found[first].places, *hidden))
    return found


def total_of(frame: Frame, field: Field, rows: Sequence[Row]) -> Shown:
    """The sum of a column over the rows that stay."""
    if not isinstance(field.extra.get("value_spec") or field.spec, NumberSpec):
        return EMPTY
    values = [r.values.get(field.name) for r in rows if r.action != "delete"]
    summed = sum((v for v in values if v is not None), start=0)
    return shown(field, str(summed), frame.reader, frame.currency) if values else EMPTY
