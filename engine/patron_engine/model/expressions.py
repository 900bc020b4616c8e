"""Expressions of documents: each is compiled in the scope it stands in, formulas first and in the order they need.

In: a Sketch, the catalogue over it, and what meta/reference found in every document. Out: `found` by (kind, name, path),
the types of formulas and roll-ups written into the sketches, and problems with file, line and path.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from patron_engine.expr.compile import Expression
from patron_engine.expr.scope import Scope
from patron_engine.expr.types import DATES, DURATION, EMPTY, NUMBER, TEXT, ExprType, fits, say_type
from patron_engine.fields.computed import RETURNS, value_type_name
from patron_engine.fields.field import ChoiceSpec, LinkSpec, NumberSpec, Spec
from patron_engine.fields.options import choice_type, read_options
from patron_engine.fields.registry import TYPES
from patron_engine.meta.document import Document, Path
from patron_engine.meta.reference import UNKNOWN, ExpressionUse, References
from patron_engine.model import limits
from patron_engine.model.cache import ExpressionCache
from patron_engine.model.catalog import Pending, SketchCatalog, field_at
from patron_engine.model.sketch import FieldSketch, Sketch
from patron_engine.problems import Problems

Key = tuple[str, str]
ORDERED: Final = ("number", "date", "datetime", "time", "duration", "text", "choice")
SUMMED: Final = ("number", "duration")
_WORD_TYPES: Final[Mapping[str, ExprType]] = {
    "list": ExprType("list", element=TEXT), "range": DATES, "json": ExprType("json"), "empty": EMPTY,
    "link": ExprType("link"),
}  # fmt: skip


class Expressions:
    """The expressions of all documents. One pass; `found` is what it made."""

    def __init__(
        self,
        sketch: Sketch,
        catalog: SketchCatalog,
        uses: Mapping[Key, References],
        cache: ExpressionCache,
        problems: Problems,
    ) -> None:
        self.sketch = sketch
        self.catalog = catalog
        self.uses = uses
        self.cache = cache
        self.problems = problems
        self.found: dict[tuple[str, str, Path], Expression] = {}
        self.cyclic: set[tuple[str, str]] = set()
        self._formulas: dict[tuple[str, Path], ExpressionUse] = {}

    # -- formulas and roll-ups --------------------------------------------------------------------------------------

    def type_formulas(self) -> None:
        """Gives every formula and roll-up its type, those they build on first."""
        for (kind, name), uses in self.uses.items():
            if kind == "object":
                self._formulas.update({(name, u.path): u for u in uses.expressions if u.role == "formula"})
        for one in self.sketch.objects.values():
            for f in one.fields.values():
                if f.expr is None:
                    self._settle(f)

    def _settle(self, first: FieldSketch) -> None:
        stack = [first]
        while stack:
            top = stack[-1]
            try:
                top.expr = self._type(top)
                stack.pop()
            except Pending as pending:
                if any(f is pending.field for f in stack):
                    self._cycle(stack[next(i for i, f in enumerate(stack) if f is pending.field) :])
                    stack = [f for f in stack if f.expr is None]
                elif len(stack) >= limits.FORMULA_DEPTH:
                    self._tell(
                        top,
                        "limit_formula_depth",
                        f"more than {limits.FORMULA_DEPTH} formulas build on each other",
                        None,
                    )
                    top.expr = EMPTY
                    stack.pop()
                else:
                    stack.append(pending.field)

    def _cycle(self, fields: list[FieldSketch]) -> None:
        names = [f"{f.object}.{f.name}" for f in fields]
        self._tell(fields[0], "formula_cycle", f"these need each other: {' → '.join([*names, names[0]])}",
                   "take one of them out of the circle")  # fmt: skip
        for f in fields:
            f.expr = EMPTY
            self.cyclic.add((f.object, f.name))

    def _tell(
        self, f: FieldSketch, code: str, message: str, hint: str | None, key: str | None = None
    ) -> None:
        document = self.sketch.objects[f.object].document
        self.problems.add(code, message, hint=hint, **document.where((*f.path, key) if key else f.path))

    def _type(self, f: FieldSketch) -> ExprType:
        return self._formula(f) if f.type.name == "formula" else self._rollup(f)

    def _formula(self, f: FieldSketch) -> ExprType:
        path = (*f.path, "expression")
        use = self._formulas.get((f.object, path))
        if use is None:
            return EMPTY
        made = self.compile(self.sketch.objects[f.object].document, use)
        returns = f.definition.get("returns")
        declared = self._declared(f, returns) if isinstance(returns, str) else None
        if made is None:
            f.value_type, f.value_spec = (
                (returns, declared[1])
                if declared and isinstance(returns, str)
                else ("text", TYPES["text"].spec({}, self._around(f)))
            )
            return declared[0] if declared else EMPTY
        if declared is not None:
            wanted = RETURNS.get(str(returns))
            if wanted is None or not fits(made.type, wanted):
                self._tell(f, "formula_type", f"the formula gives {say_type(made.type)}, not {returns}",
                           "change `returns`, or leave it out: the type is found by itself", "returns")  # fmt: skip
            f.value_type, f.value_spec = str(returns), declared[1]
            return declared[0]
        f.value_type, f.value_spec = self._values_of(f, made)
        return made.type

    def _around(self, f: FieldSketch) -> Any:
        return self.sketch.objects[f.object].around

    def _declared(self, f: FieldSketch, returns: str) -> tuple[ExprType, Spec] | None:
        if returns not in RETURNS:
            return None
        definition = {**f.definition}
        spec = TYPES[returns].spec(definition, self._around(f))
        return TYPES[returns].expr_type(spec), spec

    def _values_of(self, f: FieldSketch, made: Expression) -> tuple[str, Spec]:
        """Type and spec of what a formula gives: of a value through links those of the field at the end."""
        sources = [s for p in sorted(made.paths) if (s := field_at(self.sketch, f.object, p)) is not None]
        if made.source in made.paths and len(sources) == 1 and sources[0].expr == made.type:
            source = sources[0]
            return source.value_type or source.type.name, source.value_spec or source.spec
        name = value_type_name(made.type, None)
        kind = made.type.element if made.type.kind == "list" else made.type
        if kind is not None and kind.kind == "choice":
            for source in sources:
                spec = source.value_spec or source.spec
                if isinstance(spec, ChoiceSpec) and choice_type(spec).options == kind.options:
                    return name, spec
            return name, ChoiceSpec(options=read_options(list(kind.options or ()), self._around(f)))
        if made.type.kind == "link":
            return name, LinkSpec(to=made.type.objects)
        definition = {k: v for k, v in f.definition.items() if k == "scale"}
        return name, TYPES[name].spec(definition, self._around(f))

    def _rollup(self, f: FieldSketch) -> ExprType:
        function = str(f.definition.get("function"))
        child = self.child_of(f)
        if function == "count" or function == "count_distinct":
            f.value_type, f.value_spec = "integer", NumberSpec(scale=0)
            return NUMBER
        if function == "concat":
            f.value_type, f.value_spec = "long_text", TYPES["long_text"].spec({}, self._around(f))
            return TEXT
        if child is None:
            f.value_type, f.value_spec = "decimal", NumberSpec()
            return NUMBER
        named = f.definition.get("field")
        if not isinstance(named, str) or (type := self._field_type(child, named)) is None:
            f.value_type, f.value_spec = "decimal", NumberSpec()
            return NUMBER
        source = field_at(self.sketch, child, named)
        f.value_type = (
            value_type_name(type, None) if source is None else source.value_type or source.type.name
        )
        f.value_spec = None if source is None else source.value_spec or source.spec
        if function in ("sum", "avg"):
            if type.kind not in SUMMED:
                self._tell(f, "rollup_type", f"`{function}` needs a number, {child}.{named} is {say_type(type)}",
                           "use count, min, max, first, last or concat", "field")  # fmt: skip
                f.value_type, f.value_spec = "decimal", NumberSpec()
                return NUMBER
            old = f.value_spec if isinstance(f.value_spec, NumberSpec) else NumberSpec()
            if function == "avg" and type.kind == "number":
                f.value_type, f.value_spec = (
                    ("percent" if f.value_type == "percent" else "decimal"),
                    NumberSpec(unit=old.unit),
                )
            elif type.kind == "number":
                f.value_type = "decimal" if f.value_type in ("rating", "integer") else f.value_type
                f.value_spec = NumberSpec(scale=old.scale, unit=old.unit)
            return DURATION if type.kind == "duration" else NUMBER
        if function in ("min", "max") and type.kind not in ORDERED:
            self._tell(f, "rollup_type", f"{child}.{named} is {say_type(type)}: there is no smallest or largest",
                       "use first or last with `sort`", "field")  # fmt: skip
        return type

    def _field_type(self, object: str, path: str) -> ExprType | None:
        """The type at the end of a path, or None (the name is told about elsewhere). Raises Pending."""
        here = object
        steps = path.split(".")
        for index, step in enumerate(steps):
            type = self.catalog.field(here, step)
            rest = steps[index:]
            if type is None or (type.kind != "link" and len(rest) > 1):
                return self.catalog.field(here, ".".join(rest)) if len(rest) > 1 else None
            if len(rest) == 1:
                return type
            if len(type.objects) != 1:
                return None
            here = type.objects[0]
        return None

    def child_of(self, f: FieldSketch) -> str | None:
        """The object a roll-up runs over."""
        here: str | None = f.object
        for step in str(f.definition.get("of") or "").split("."):
            here = self.catalog.set_object(here, step) if here else None
        return here

    # -- all others ---------------------------------------------------------------------------------------------------

    def compile_rest(self) -> None:
        """Every expression that is not a formula's."""
        for key, uses in self.uses.items():
            document = self.sketch.documents[key]
            for use in uses.expressions:
                if not (use.role == "formula" and key[0] == "object"):
                    self.compile(document, use)

    def compile(self, document: Document, use: ExpressionUse) -> Expression | None:
        """One expression, or None with its problems told."""
        scope = self.scope(use)
        if scope is None:
            return None
        answer = self.cache.compile(use.text, scope)
        if isinstance(answer, tuple):
            self.problems.extend(answer, **document.where(use.path))
            return None
        if use.into is not None:
            self._links_there(document, use, answer)
        self.found.setdefault((document.kind, document.name, use.path), answer)
        return answer

    def _links_there(self, document: Document, use: ExpressionUse, made: Expression) -> None:
        """A link that is written points at an object the field takes."""
        assert use.into is not None
        target = self._into_type(use.into)
        given = made.type.element if made.type.kind == "list" else made.type
        wanted = target.element if target is not None and target.kind == "list" else target
        if given is None or wanted is None or given.kind != "link" or wanted.kind != "link":
            return
        if given.objects and wanted.objects and not set(given.objects) & set(wanted.objects):
            self.problems.add("wrong_object", f"this is {say_type(given)}, the field takes {say_type(wanted)}",
                              **document.where(use.path))  # fmt: skip

    def scope(self, use: ExpressionUse) -> Scope | None:
        """The scope of a use; None where its objects cannot be told (that is a problem of its own elsewhere)."""
        object = None if use.object is None else self.object_of(use.object)
        if use.object is not None and object is None:
            return None
        roots: dict[str, str | Mapping[str, ExprType]] = {}
        for root, under in use.roots.items():
            if isinstance(under, str):
                known = self.object_of(under)
                if known is not None:
                    roots[root] = known
                elif re.search(rf"\b{root}\b", use.text):
                    return None
            else:
                roots[root] = self._typed(under)
        return Scope(
            catalog=self.catalog, object=object, roots=roots, names=self._typed(use.names), expects=self._expects(use),
            rows=use.rows, aggregates=use.aggregates, measures=use.report,
        )  # fmt: skip

    def object_of(self, told: str) -> str | None:
        """The object an ObjectName of meta/reference means."""
        head, _, path = told.partition("/") if not told.startswith("@") else (told, "", "")
        if head.startswith("@"):
            return self._shown_by(head[1:])
        one = self.sketch.object(head)
        here = None if one is None else one.name
        for step in path.split("/") if path else ():
            if here is None:
                return None
            below = self.catalog.set_object(here, step)
            if below is None:
                type = self.catalog.field(here, step)
                link = type.element if type is not None and type.kind == "list" else type
                below = (
                    link.objects[0]
                    if link is not None and link.kind == "link" and len(link.objects) == 1
                    else None
                )
            here = below
        return here

    def _shown_by(self, named: str) -> str | None:
        kind, _, name = named.partition("/")
        document = self.sketch.documents.get((kind, name))
        if document is None:
            return None
        if kind == "goal":
            report = str(document.body.get("measure") or "").partition(".")[0]
            return self._shown_by(f"report/{report}")
        object = document.body.get("object")
        one = self.sketch.object(object) if isinstance(object, str) else None
        return None if one is None else one.name

    def _typed(self, words: Mapping[str, str]) -> Mapping[str, ExprType]:
        found: dict[str, ExprType] = {}
        for name, word in words.items():
            kind, colon, what = word.partition(":")
            if kind == "conversion":
                for target, object in self._made_by(what):
                    found.setdefault(name, ExprType("link", objects=(object,)))
                    found[f"{name}.{target}"] = ExprType("link", objects=(object,))
            elif colon:
                type = self._worded(kind, what)
                if type is not None:
                    found[name] = type
            else:
                found[name] = _WORD_TYPES.get(word) or ExprType(word)  # type: ignore[arg-type]
        return found

    def _worded(self, kind: str, what: str) -> ExprType | None:
        if kind == "field":
            object, _, name = what.partition(".")
            known = self.object_of(object)
            return None if known is None else self._field_type(known, name)
        known = None if what == UNKNOWN else self.object_of(what)
        link = ExprType("link", objects=() if known is None else (known,))
        return ExprType("list", element=link) if kind == "objects" else link

    def _made_by(self, conversion: str) -> list[tuple[str, str]]:
        document = self.sketch.documents.get(("conversion", conversion))
        targets = document.body.get("to") if document is not None else None
        return [
            (str(t.get("name")), str(t.get("object")))
            for t in targets or ()
            if isinstance(t, Mapping) and self.sketch.object(t.get("object"))
        ]

    def _into_type(self, into: tuple[str, str]) -> ExprType | None:
        object = self.object_of(into[0])
        return None if object is None else self._field_type(object, into[1])

    def _expects(self, use: ExpressionUse) -> tuple[str, ...]:
        if use.into is None or use.expects:
            return use.expects
        type = self._into_type(use.into)
        if type is None or type.kind in ("json", "empty"):
            return ()
        if type.kind == "list":
            element = type.element.kind if type.element is not None else "text"
            return ("list", element) if element == "link" else ("list",)
        return ("text",) if type.kind == "choice" else (type.kind,)
