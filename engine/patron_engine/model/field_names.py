"""Field names: does a path of fields exist, and are its values of use where it stands?

In: an object and a path as a document tells it. Out: None, or a fault: "code \\0 message \\0 hint". Names of everything
else are in names.py.
"""

from __future__ import annotations

from patron_engine.expr.types import ExprType, say_type, words
from patron_engine.meta.reference import Reference
from patron_engine.model.catalog import field_at
from patron_engine.model.expressions import Expressions
from patron_engine.model.virtual import APPROVAL
from patron_engine.names import FLOW_WORDS
from patron_engine.phrases import Phrase
from patron_engine.problems import nearest


def fault(code: str, message: str, hint: str | None) -> str:
    return f"{code}\0{message}\0{hint or ''}"


class FieldNames:
    """Checks paths of fields. Names of an object that is not known itself are not looked at."""

    def __init__(self, expressions: Expressions) -> None:
        self.expressions = expressions
        self.sketch = expressions.sketch
        self.catalog = expressions.catalog

    def path_fault(self, object: str, path: str, *, sets: bool = False, written: bool = False) -> str | None:
        """What is wrong with a path of fields from `object`, or None. Where it is `written`, a secret may be named."""
        own = self.sketch.object(object)
        found = own.field(path) if own is not None and written else None
        if found is not None and found.type.name == "secret":
            return None
        here, steps = object, path.replace("['", "[").replace("']", "]").split(".")
        for index, step in enumerate(steps):
            name, bracket, named = step.partition("[")
            type = self.catalog.field(here, name)
            rest = ".".join(steps[index:])
            if (
                len(steps) - index > 1
                and (type is None or type.kind != "link")
                and self.catalog.field(here, rest) is not None
            ):
                return None
            if type is None:
                below = self.catalog.set_object(here, name)
                if below is not None and sets:
                    here = below
                    continue
                if name in FLOW_WORDS and rest != name:
                    return self._unknown_flow(here, rest)
                return self._unknown_field(here, name, below, written)
            if index == len(steps) - 1:
                return None
            if type.kind in ("json", "empty"):  # empty: of a field or formula that is wrong itself
                return None
            if type.kind != "link":
                return fault(
                    "not_a_link",
                    Phrase("{here}.{name} is no link: nothing stands behind its dot", here=here, name=name),
                    None,
                )
            if bracket:
                target = self.catalog.canonical("", named.rstrip("]"))
                if target not in type.objects:
                    return fault(
                        "wrong_object",
                        Phrase(
                            "{here}.{name} does not point at {target!r}", here=here, name=name, target=target
                        ),
                        nearest(target, type.objects),
                    )
                here = target
            elif len(type.objects) != 1:
                return fault(
                    "several_objects",
                    Phrase("{here}.{name} points at several objects", here=here, name=name),
                    Phrase("write {name}['{objects}']", name=name, objects=type.objects[0])
                    if type.objects
                    else None,
                )
            else:
                here = type.objects[0]
        return None

    def _unknown_field(self, object: str, name: str, below: str | None, written: bool) -> str:
        one = self.sketch.object(object)
        hidden = getattr(one.document, "removed", {}).get(f"fields.{name}") if one is not None else None
        if one is None:
            return fault(
                "unknown_object",
                Phrase("there is no object {object!r}", object=object),
                nearest(object, self.sketch.objects),
            )
        if hidden is not None:
            return fault("removed_field", Phrase("{object}.{name} was removed by {layer}", object=object, name=name, layer=hidden[1].document.layer or 'a layer above'),
                          "take this use out too, or keep the field")  # fmt: skip
        if below is not None:
            return fault(
                "set_not_field",
                Phrase(
                    "{name!r} is a set of {object}: its records cannot be shown as one value",
                    name=name,
                    object=object,
                ),
                "name fields of the record itself" if written else "use a roll-up field",
            )
        return fault(
            "unknown_field",
            Phrase("{object} has no field {name!r}", object=object, name=name),
            nearest(name, self.catalog.names(object)),
        )

    def _unknown_flow(self, object: str, path: str) -> str:
        """approval.state, path.NAME.since …: what flow writes beside the fields."""
        known = (*APPROVAL, *self.sketch.virtual.get(object, {}))
        mine = [name for name in known if name.partition(".")[0] == path.partition(".")[0]]
        hint = nearest(path, mine) or (
            Phrase("there are {mine}", mine=list(mine[:12]))
            if mine
            else Phrase("{object} has none of these", object=object)
        )
        return fault(
            "unknown_field",
            Phrase("flow writes nothing called {path!r} about {object}", path=path, object=object),
            hint,
        )

    def kind_fault(self, object: str, reference: Reference) -> str | None:
        """The field is there, and of no use here."""
        if reference.types:
            return self._type_fault(object, reference)
        type = self._at_the_end(object, reference.name)
        if type is None or type.kind in (*reference.kinds, "json", "empty"):
            return None
        wanted = " or ".join(words(kind) for kind in reference.kinds)
        return fault(
            "field_type",
            Phrase(
                "{object}.{reference} is {type}; here stands {wanted}",
                object=object,
                reference=reference.name,
                type=say_type(type),
                wanted=wanted,
            ),
            "take another field",
        )

    def _type_fault(self, object: str, reference: Reference) -> str | None:
        found = field_at(self.sketch, object, reference.name)
        if found is None or found.type.name in reference.types:
            return None
        said = Phrase(
            "{object}.{reference} is of the type {type}, and here stands one of the type {wanted}",
            object=object, reference=reference.name, type=found.type.name, wanted=" or ".join(reference.types),
        )  # fmt: skip
        return fault("field_type", said, "take another field")

    def _at_the_end(self, object: str, path: str) -> ExprType | None:
        """The type at the end of a path, which may go down sets."""
        first, _, rest = path.partition(".")
        below = (
            self.catalog.set_object(object, first)
            if rest and self.catalog.field(object, first) is None
            else None
        )
        return self.expressions.field_type(object, path) if below is None else self._at_the_end(below, rest)
