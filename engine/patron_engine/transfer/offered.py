"""Offered: what the columns of a file may become: the fields somebody may write, their parts, and what tells records apart.

In: a call and an object. Out: `Offered`s in the order of the object's fields. Hidden and unwritable fields are not in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from patron_engine.access.beside import holds
from patron_engine.access.decide import writable
from patron_engine.fields.field import ChoiceSpec, Field, FileSpec, LinkSpec, Option, Texts
from patron_engine.model.model import Object
from patron_engine.query.call import Call
from patron_engine.transfer.mapping import PARTS

TELLING = frozenset(
    {"text", "email", "phone", "url", "barcode", "integer"}
)  # types whose values tell records apart
HISTORY = ("created_at", "created_by")
UNREAD = frozenset({"secret", "json"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """`path` is what a mapping names; `part` of a field in parts, `object` of a link to several. `tells` says whether rows can be
    matched by it."""

    path: str
    field: Field
    part: str | None = None
    object: str | None = None
    required: bool = False
    tells: bool = False

    @property
    def value(self) -> str:
        """What a form sends."""
        return self.path if self.object is None else f"{self.path}@{self.object}"

    @property
    def options(self) -> tuple[Texts, ...]:
        """Labels of the options a cell may name."""
        spec = self.field.spec
        return tuple(_named(spec.options)) if isinstance(spec, ChoiceSpec) else ()


def offered(call: Call, object: Object) -> list[Offered]:
    """What he may import into, of this object."""
    found: list[Offered] = []
    for field in writable(call.model, call.actor, object.name).values():
        if not (field.computed or field.hidden or isinstance(field.spec, FileSpec) or field.type in UNREAD):
            found += _of(field)
    if holds(call.model, call.actor, "import_history"):
        found += [Offered(path=name, field=object.fields[name]) for name in HISTORY if name in object.fields]
    return found


def _of(field: Field) -> Iterator[Offered]:
    needed = field.required is True and field.default is None
    if isinstance(field.spec, LinkSpec) and field.spec.several:
        for at, to in enumerate(field.spec.to):
            yield Offered(path=field.name, field=field, object=to, required=needed and at == 0)
        return
    tells = field.type in TELLING and bool(field.columns) and not field.encrypted
    yield Offered(path=field.name, field=field, required=needed, tells=tells)
    for part in PARTS.get(field.type, ()):
        yield Offered(path=f"{field.name}.{part}", field=field, part=part)


def _named(options: tuple[Option, ...]) -> Iterator[Texts]:
    """The last level of a cascade is what a cell names."""
    for option in options:
        if option.retired:
            continue
        if option.options:
            yield from _named(option.options)
        else:
            yield option.label or {"en": option.name}
