"""Expressions of documents: each is compiled in the scope it stands in, formulas first and in the order they need.

In: a Sketch, the catalogue over it, and what meta/reference found in every document. Out: `found` by (kind, name, path),
the types of formulas and roll-ups written into the sketches, and problems with file, line and path.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from patron_engine.expr.compile import Expression
from patron_engine.expr.types import DURATION, EMPTY, NUMBER, TEXT, ExprType, fits, say_type
from patron_engine.fields.computed import RETURNS, value_type_name
from patron_engine.fields.field import ChoiceSpec, LinkSpec, NumberSpec, Spec
from patron_engine.fields.options import choice_type, read_options
from patron_engine.fields.registry import TYPES
from patron_engine.meta.document import Document, Path
from patron_engine.meta.reference import ExpressionUse, References
from patron_engine.model import limits
from patron_engine.model.cache import ExpressionCache
from patron_engine.model.catalog import Pending, SketchCatalog, field_at
from patron_engine.model.scopes import Scopes
from patron_engine.model.sketch import FieldSketch, Sketch
from patron_engine.phrases import Phrase
from patron_engine.problems import Problems

Key = tuple[str, str]
ORDERED: Final = ("number", "date", "datetime", "time", "duration", "text", "choice")
SUMMED: Final = ("number", "duration")


class Expressions(Scopes):
    """The expressions of all documents. One pass; `found` is what it made."""

    def __init__(
        self,
        sketch: Sketch,
        catalog: SketchCatalog,
        uses: Mapping[Key, References],
        cache: ExpressionCache,
        problems: Problems,
    ) -> None:
        super().__init__(sketch, catalog)
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
                        Phrase("more than {most} formulas build on each other", most=limits.FORMULA_DEPTH),
                        None,
                    )
                    top.expr = EMPTY
                    stack.pop()
                else:
                    stack.append(pending.field)

    def _cycle(self, fields: list[FieldSketch]) -> None:
        names = [f"{f.object}.{f.name}" for f in fields]
        self._tell(fields[0], "formula_cycle", Phrase("these need each other: {value}", value=' → '.join([*names, names[0]])),
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
                self._tell(f, "formula_type", Phrase("the formula gives {type}, not {returns}", type=say_type(made.type), returns=returns),
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
        self._may_be_rolled_up(f, function, child)
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
        if not isinstance(named, str) or (type := self.field_type(child, named)) is None:
            f.value_type, f.value_spec = "decimal", NumberSpec()
            return NUMBER
        source = field_at(self.sketch, child, named)
        f.value_type = (
            value_type_name(type, None) if source is None else source.value_type or source.type.name
        )
        f.value_spec = None if source is None else source.value_spec or source.spec
        if function in ("sum", "avg"):
            if type.kind not in (*SUMMED, "sealed"):
                self._tell(f, "rollup_type", Phrase("`{function}` needs a number, {child}.{named} is {type}", function=function, child=child, named=named, type=say_type(type)),
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
        if function in ("min", "max") and type.kind not in (*ORDERED, "sealed"):
            self._tell(f, "rollup_type", Phrase("{child}.{named} is {type}: there is no smallest or largest", child=child, named=named, type=say_type(type)),
                       "use first or last with `sort`", "field")  # fmt: skip
        return type

    def _may_be_rolled_up(self, f: FieldSketch, function: str, child: str | None) -> None:
        named = f.definition.get("field")
        type = self.field_type(child, named) if child is not None and isinstance(named, str) else None
        if type is None or function == "count":
            return
        if type.kind == "sealed":
            self._tell(f, "rollup_type", Phrase("{child}.{named} is encrypted: its values are shown where they stand", child=child, named=named),
                       "count the records, or take another field", "field")  # fmt: skip
        elif function == "concat" and type.kind not in ORDERED:
            self._tell(f, "rollup_type", Phrase("`concat` joins texts, {child}.{named} is {type}", child=child, named=named, type=say_type(type)),
                       "take a text of it, such as a formula field", "field")  # fmt: skip

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
            self.problems.add("wrong_object", Phrase("this is {given}, the field takes {wanted}", given=say_type(given), wanted=say_type(wanted)),
                              **document.where(use.path))  # fmt: skip
