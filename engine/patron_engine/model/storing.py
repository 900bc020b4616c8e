"""Storing: which formulas and roll-ups are kept in columns, which are worked out by each query, and why.

In: sketches whose expressions are compiled. Out: for each computed field a decision with its sentence; the order stored
formulas are computed in; circles through any mixture of formulas and roll-ups. A stored one can be indexed, rolled up and
listed fast; a computed one is always right by itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from patron_engine.expr.compile import Expression
from patron_engine.fields.computed import stored_column
from patron_engine.fields.field import FileSpec, LinkSpec
from patron_engine.model.catalog import field_at
from patron_engine.model.expressions import Expressions
from patron_engine.model.sketch import FieldSketch, ObjectSketch
from patron_engine.phrases import Phrase

# Functions whose answer may change while the record stays as it is.
OUTSIDE: Final = frozenset(
    [
        "SETTING",
        "IN_SEGMENT",
        "REPORTS_TO",
        "SAME_GROUP",
        "IN_DEPARTMENT",
        "IN_ROLE",
        "ON_DUTY",
        "REF",
        "REPEATED",
    ]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """`nightly`: stored though it reads the time of day's date; refreshed each night."""

    stored: bool
    why: str
    nightly: bool = False


class Storing:
    """Decides for every computed field; each once."""

    def __init__(self, expressions: Expressions) -> None:
        self.expressions = expressions
        self.sketch = expressions.sketch
        self.decisions: dict[tuple[str, str], Decision] = {}
        self._deciding: set[tuple[str, str]] = set()

    def decide_all(self) -> None:
        for one in self.sketch.objects.values():
            for f in one.fields.values():
                if f.computed:
                    self.decide(f)

    def has_column(self) -> Mapping[tuple[str, str], bool]:
        """(object, field) -> whether records keep it in a column."""
        found: dict[tuple[str, str], bool] = {}
        for one in self.sketch.objects.values():
            for f in one.fields.values():
                found[one.name, f.name] = self._kept(f)
        return found

    def _kept(self, f: FieldSketch) -> bool:
        if f.computed:
            return self.decide(f).stored
        return not (isinstance(f.spec, FileSpec) or (isinstance(f.spec, LinkSpec) and f.spec.many))

    def decide(self, f: FieldSketch) -> Decision:
        key = (f.object, f.name)
        known = self.decisions.get(key)
        if known is not None:
            return known
        if key in self._deciding:  # a circle: told elsewhere
            return Decision(stored=False, why="it needs itself")
        self._deciding.add(key)
        made = self._formula(f) if f.type.name == "formula" else self._rollup(f)
        self._deciding.discard(key)
        self.decisions[key] = made
        return made

    def expression(self, f: FieldSketch, key: str) -> Expression | None:
        return self.expressions.found.get(("object", f.object, (*f.path, key)))

    def _formula(self, f: FieldSketch) -> Decision:
        made, wanted = self.expression(f, "expression"), f.definition.get("stored")
        if f.expr is None or stored_column(f.expr) is None:
            return Decision(stored=False, why="computed: a value of this type has no column")
        reason = self._moves(f, made) if made is not None else None
        if wanted is False:
            return Decision(stored=False, why="computed: its definition says `stored: false`")
        if reason is None:
            return Decision(stored=True, why="stored: it uses only stored fields of its own record")
        if wanted is True:
            nightly = made is not None and (made.uses_now or bool(made.functions & OUTSIDE))
            return Decision(
                stored=True, nightly=nightly, why=f"stored: its definition says so, though {reason}"
            )
        return Decision(stored=False, why=f"computed: {reason}")

    def _moves(self, f: FieldSketch, made: Expression) -> str | None:
        """Why the value may change while the record does not, or None."""
        if made.uses_now:
            return "it reads the present day or moment"
        if made.uses_me:
            return "it depends on who reads it"
        outside = sorted(made.functions & OUTSIDE)
        if outside:
            return f"{outside[0]} asks for what is kept elsewhere"
        for path in sorted(made.paths):
            reason = self._path_moves(self.sketch.objects[f.object], path)
            if reason is not None:
                return reason
        return None

    def _path_moves(self, one: ObjectSketch, path: str) -> str | None:
        first, dot, rest = path.partition(".")
        found = one.field(first.partition("[")[0])
        if found is None:
            return f"{path} is written by approvals, paths, clocks or pools"
        if found.type.name == "id" and not dot:
            return None
        if (dot or "[" in first) and not found.type.path_types(found.spec).get(rest):
            return f"{path} belongs to another record"
        if found.computed and not self.decide(found).stored:
            return f"{first} is computed itself"
        if not self._kept(found):
            return f"{first} is kept in a table of its own"
        return None

    def _rollup(self, f: FieldSketch) -> Decision:
        body = f.definition
        if f.expr is None or stored_column(f.expr) is None:
            return Decision(stored=False, why="computed: a value of this type has no column")
        if body.get("rows") == "readable":
            return Decision(stored=False, why="computed: each reader has his own rows")
        if "." in str(body.get("of") or ""):
            return Decision(stored=False, why="computed: it goes down more than one set")
        child = self.sketch.object(self.expressions.child_of(f))
        if child is None:
            return Decision(stored=False, why="computed: its set is unknown")
        where = self.expression(f, "where")
        if where is not None:
            if where.uses_now or where.uses_me or where.functions & OUTSIDE:
                return Decision(stored=False, why="computed: its `where` changes by itself")
            if where.aggregates:
                return Decision(stored=False, why="computed: its `where` counts other records")
            for path in sorted(where.paths):
                reason = (
                    Phrase("{path} is the parent's", path=path)
                    if path.startswith("this.")
                    else self._path_moves(child, path)
                )
                if reason is not None:
                    return Decision(stored=False, why=f"computed: in its `where`, {reason}")
        named = [str(body["field"])] if body.get("field") else []
        named += [str(s).removeprefix("-") for s in body.get("sort") or ()]
        for path in named:
            reason = self._path_moves(child, path)
            if reason is not None:
                return Decision(stored=False, why=f"computed: {reason}")
        return Decision(stored=True, why="stored: kept with every save of the records it counts")

    # -- circles and order --------------------------------------------------------------------------------------------

    def needs(self, f: FieldSketch) -> Iterator[FieldSketch]:
        """Computed fields whose values this one is made of."""
        if f.type.name == "formula":
            made = self.expression(f, "expression")
            for path in sorted(made.paths) if made is not None else ():
                yield from self._along(f.object, path)
            return
        child = self.expressions.child_of(f)
        if child is None:
            return
        where = self.expression(f, "where")
        paths = [str(f.definition["field"])] if f.definition.get("field") else []
        paths += [p for p in sorted(where.paths) if not p.startswith("this.")] if where is not None else []
        paths += [str(s).removeprefix("-") for s in f.definition.get("sort") or ()]
        for path in paths:
            yield from self._along(child, path)
        for path in sorted(where.paths) if where is not None else ():
            if path.startswith("this."):
                yield from self._along(f.object, path.removeprefix("this."))

    def _along(self, object: str, path: str) -> Iterator[FieldSketch]:
        steps = path.split(".")
        for length in range(1, len(steps) + 1):
            found = field_at(self.sketch, object, ".".join(steps[:length]))
            if found is not None and found.computed:
                yield found

    def circles(self) -> list[list[FieldSketch]]:
        """Each circle of values once, as the fields along it. Iterative: a chain may be as long as it likes."""
        state: dict[tuple[str, str], int] = {}  # 1 on the way, 2 done
        found: list[list[FieldSketch]] = []
        for one in self.sketch.objects.values():
            for start in one.fields.values():
                if start.computed and (start.object, start.name) not in state:
                    self._visit(start, state, found)
        return found

    def _visit(
        self, start: FieldSketch, state: dict[tuple[str, str], int], found: list[list[FieldSketch]]
    ) -> None:
        trail = [start]
        ways = [self.needs(start)]
        state[start.object, start.name] = 1
        while trail:
            following = next(ways[-1], None)
            if following is None:
                done = trail.pop()
                ways.pop()
                state[done.object, done.name] = 2
                continue
            key = (following.object, following.name)
            if key not in state:
                state[key] = 1
                trail.append(following)
                ways.append(self.needs(following))
            elif state[key] == 1:
                found.append(trail[next(i for i, f in enumerate(trail) if f is following) :])

    def order(self, one: ObjectSketch) -> tuple[str, ...]:
        """Stored formulas of an object, each after those it uses."""
        placed: dict[str, None] = {}

        def place(f: FieldSketch, above: tuple[str, ...]) -> None:
            if f.name in placed or f.name in above:
                return
            for needed in self.needs(f):
                if needed.object == one.name and needed.type.name == "formula":
                    place(needed, (*above, f.name))
            if self.decide(f).stored:
                placed[f.name] = None

        for f in one.fields.values():
            if f.type.name == "formula":
                place(f, ())
        return tuple(placed)
