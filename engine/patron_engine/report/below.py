"""Below: conditions of a record as they are asked of the records of its sets, so that a figure over a set leads to what it adds up.

In: the frame of the call, an object and the sets a figure is measured over. Out: the object of their last, the path from its records up
to each that stands above, and texts of the expression language that say there what was said here: `state == 'done'` of an order is
`order.state == 'done'` of its line. Executes nothing. What cannot be said from below is a Refused that says why.

    bare names            order.NAME                 COUNT(refunds, kind == 'x')     COUNT(order.refunds, kind == 'x')
    this.NAME in a set    this.order.NAME            IN_SEGMENT('vip')               IN_SEGMENT('vip', order)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from patron_engine.errors import Refused
from patron_engine.expr.aggregates import FIVE
from patron_engine.expr.normal import normal, path_text
from patron_engine.expr.paths import resolve_set
from patron_engine.expr.scope import Scope
from patron_engine.expr.syntax import Syntax, parse
from patron_engine.model.model import Object
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem
from patron_engine.query.call import Call
from patron_engine.query.catalog import ReadableCatalog
from patron_engine.report.plan import Plan
from patron_engine.report.reader import Reader

HERE: Final = frozenset({"REPEATED"})  # what it says is of the rows that are chosen, and of no others
Parts = tuple[Any, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Below:
    """`above`: the objects from the report's own down to the one before the last set; `ups[n]`: the path to the record of the n-th."""

    call: Call
    object: Object
    sets: tuple[str, ...]
    above: tuple[Object, ...]
    ups: tuple[Parts, ...]

    def shared(self, sets: Sequence[str]) -> int:
        """How many of the sets are the figure's own: a record in them is the one that is counted, or stands above it."""
        pairs = zip(self.sets, sets, strict=False)
        return next((n for n, (a, b) in enumerate(pairs) if a != b), min(len(self.sets), len(sets)))

    def path(self, at: int, inner: str = "") -> str:
        """A path of the record after so many sets, as it is written from the last."""
        up = path_text(self.ups[at]) if self.ups[at] else ""
        return f"{up}.{inner}" if up and inner else up or inner

    def told(self, text: str) -> str:
        """A condition of the report's own object."""
        if not self.ups[0]:
            return text
        scope = Scope(catalog=ReadableCatalog(self.call.tables, self.call.actor), object=self.above[0].name)
        return normal(_Said(self, self.ups[0], scope).say(parse(text.strip())), {})

    def belongs(self) -> list[str]:
        """What is above is there: read by him, not in the bin, not void."""
        found = []
        for at, object in enumerate(self.above):
            found.append(f"{self.path(at, 'id')} != none")
            if "void" in object.features:
                found.append(f"{self.path(at, 'voided_at')} == none")
        return found

    def sayable(self, text: str | None) -> None:
        """Refused where the condition, right above, cannot be asked from below: a link that is not his to read, a path too long."""
        if not self.sets or text is None:
            return
        reader = Reader(self.call)
        if reader.condition(text, self.object.name, "where") is None:
            raise not_listed(self.sets, str(next(iter(reader.problems)).message))


def below(call: Call, made: Plan, figure: str | None) -> Below:
    """From where the records of a figure are seen: those of the set it is measured over, else of the report's object."""
    sets = _sets_of(made, figure) if figure else ()
    here, above, links = made.object, list[Object](), list[Parts]()
    for name in sets:
        found = here.sets[here.aliases.get(name, name)]
        if found.many:
            raise not_listed(
                sets, Phrase("a record there may belong to several and counts with each of them")
            )
        above.append(here)
        here = call.model.objects[found.object]
        several = here.fields[found.field].link.several
        links.append((found.field, (found.owner,)) if several else (found.field,))
    ups = [tuple(part for link in reversed(links[at:]) for part in link) for at in range(len(sets) + 1)]
    return Below(call=call, object=here, sets=sets, above=tuple(above), ups=tuple(ups))


def not_listed(sets: Sequence[str], why: str) -> Refused:
    said = Phrase(
        "the records of {set} behind this figure are in no list that adds up to it: {why}",
        set=".".join(sets),
        why=why,
    )
    hint = "open a figure of the report's own records"
    return Refused((Problem(code="records_not_listed", message=said, path="measure", hint=hint),))


def _sets_of(made: Plan, name: str) -> tuple[str, ...]:
    """The sets a figure is measured over; of a formula those that all it is made of are measured over."""
    base, formula = made.base(name), made.formula(name)
    if base is not None or formula is None:
        return base.sets if base is not None else ()
    parts = {_sets_of(made, n) for n in formula.needs if n != name}
    parts |= {()} if formula.expression.aggregates else set()
    return parts.pop() if len(parts) == 1 else ()


@dataclass(frozen=True, slots=True)
class _Said:
    """Says a condition from below. `inside` the condition of a set bare names are the set's own."""

    below: Below
    up: Parts
    scope: Scope

    def say(self, node: Syntax, *, inside: bool = False) -> Syntax:
        if node.kind == "path":
            return self._path(node, inside=inside)
        if node.kind != "call" or inside:
            return replace(node, items=tuple(self.say(i, inside=inside) for i in node.items))
        if node.name in HERE:
            why = Phrase("{function} compares records of the report with one another", function=node.name)
            raise not_listed(self.below.sets, why)
        first = node.items[0] if node.items else None
        over = node.name in FIVE and first is not None and first.kind == "path"
        if over and first is not None and resolve_set(self.scope, first.parts) is not None:
            rest = (self.say(i, inside=True) for i in node.items[1:])
            return replace(node, items=(replace(first, parts=(*self.up, *first.parts)), *rest))
        items = tuple(self.say(i) for i in node.items)
        if node.name == "IN_SEGMENT" and len(items) == 1:
            items = (*items, Syntax("path", node.at, parts=self.up))
        return replace(node, items=items)

    def _path(self, node: Syntax, *, inside: bool) -> Syntax:
        first = node.parts[0]
        if inside:
            return replace(node, parts=("this", *self.up, *node.parts[1:])) if first == "this" else node
        if first == "me" and self.scope.catalog.names("user"):
            return node
        return replace(node, parts=(*self.up, *node.parts))
