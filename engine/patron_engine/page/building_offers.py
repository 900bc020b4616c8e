"""Building offers: what a parameter of a report may be chosen from: the options of a field, the records that a field links to; and the
fields a report may group and count by, those of the records below its own among them.

In: the frame of a call, objects, a Reader. Out: `Offer`s by their keys (`select:stage`, `lookup:account`), `Choosable`s. Readable names
only: what a reader may not read is not among them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from patron_engine.access.decide import Deny, readable, row_rule
from patron_engine.fields.field import ChoiceSpec, Field, Option
from patron_engine.model.model import Object
from patron_engine.page.filters import Choosable, choosable, fields_of
from patron_engine.page.paths import field_at
from patron_engine.page.reader import Reader
from patron_engine.query.call import Call

LONGEST: Final = 40  # options that are written into a parameter; more stand in an option set
LINKED: Final = ("user", "department")  # have types of parameters of their own


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A type of parameter beside the plain ones: what people read, and what stands in its definition."""

    label: str
    body: Mapping[str, Any]

    @property
    def type(self) -> str:
        return str(self.body["type"])

    def like(self, parameter: Mapping[str, Any]) -> bool:
        """Whether a parameter is of this type."""
        if parameter.get("type") != self.type:
            return False
        named = ("to", "option_set")
        if any(key in self.body or key in parameter for key in named):
            return all(parameter.get(key) == self.body.get(key) for key in named)
        return _names(parameter) == _names(self.body)


def offers_of(call: Call, objects: Iterable[Object], reader: Reader) -> dict[str, Offer]:
    """What may be chosen from, of the fields of the report's objects and of the records they link to."""
    found: dict[str, Offer] = {}
    for object in objects:
        for each in choosable(call, object, reader):
            field = field_at(call.model, call.actor, object, each.path)
            label = f"{each.of} · {each.label}" if each.of else each.label
            if field is None:
                continue
            if each.family in ("choice", "cascade"):
                body = _options(field, "select" if each.family == "choice" else "cascade")
                if body is not None and not any(o.like(body) for o in found.values()):
                    found.setdefault(f"{body['type']}:{each.path}", Offer(label=label, body=body))
            elif each.family == "link" and field.expr.objects[0] not in LINKED:
                to = field.expr.objects[0]
                if not known(call, call.model.objects[to]):
                    continue
                said = reader.say(call.model.objects[to].label, to)
                found.setdefault(f"lookup:{to}", Offer(label=said, body={"type": "lookup", "to": to}))
    return found


def _options(field: Field, type: str) -> dict[str, Any] | None:
    """A parameter with the options of a field: those of a set by its name, a field's own written out; None for too many."""
    spec = field.extra.get("value_spec") or field.spec
    if not isinstance(spec, ChoiceSpec):
        return None
    if spec.option_set:
        return {"type": type, "option_set": spec.option_set}
    options = [o for o in spec.options if not o.retired]
    if type == "cascade" or not options or len(options) > LONGEST:
        return None
    return {"type": type, "options": [_option(o) for o in options]}


def _option(option: Option) -> dict[str, Any]:
    return {"name": option.name, **({"label": dict(option.label)} if option.label else {})}


def _names(body: Mapping[str, Any]) -> list[str]:
    return [str(o.get("name")) if isinstance(o, Mapping) else str(o) for o in body.get("options") or ()]


def sets_of(call: Call, object: Object, reader: Reader) -> list[tuple[str, str]]:
    """The sets of records below an object that a report may go down to: (name, label), parts of it first."""
    found = []
    for name, link in sorted(object.sets.items(), key=lambda item: not item[1].master):
        below = call.model.objects.get(link.object)
        if below is not None and below is not object and _readable(call, below, link.field):
            found.append((name, reader.say(link.label) or reader.say(below.plural or below.label, name)))
    return found


def below_of(
    call: Call, object: Object, reader: Reader, named: tuple[str, str], number: str
) -> list[Choosable]:
    """The fields of one of these sets; `number` is what the number of its records is called."""
    name, label = named
    link = object.sets[name]
    fields = fields_of(call, call.model.objects[link.object], reader, f"{name}.", label)
    count = Choosable(path=f"{name}.id", label=number, family="set", of=label)
    return [count, *(f for f in fields if f.path != f"{name}.{link.field}")]


def _readable(call: Call, below: Object, field: str) -> bool:
    """Whether somebody may read the records below, and that they belong to what is above."""
    return known(call, below) and field in readable(call.model, call.actor, below.name)


def known(call: Call, object: Object) -> bool:
    """Whether he reads any of its records: links lead to objects that are none of his, and to choose from them opens nothing."""
    return not isinstance(row_rule(call.model, call.actor, "read", object.name), Deny)
