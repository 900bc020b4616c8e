"""The SQL side: a checked expression -> SQLAlchemy Core. In: the typed tree and a binding that knows columns and joins.

A value is never NULL where its truth is asked: comparisons are `coalesce(…, false)` in values. In a WHERE the leaves
stay plain, so that indexes serve them; `not` is pushed down to the leaves and only there becomes `NOT coalesce`.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import ge, gt, le, lt
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.sql.elements import Grouping

from patron_engine.expr import nodes, sqlparts
from patron_engine.expr.functions.days import DAY_OF, sql_local_day
from patron_engine.expr.functions.logic import RANK
from patron_engine.expr.functions.people import ME, SETTING
from patron_engine.expr.nodes import AggregateNode, Expression, Literal, Node, Path
from patron_engine.expr.sqlbinding import (
    SQL_TYPES,
    SqlBinding,
    digest,
    is_empty,
    is_outside,
    is_there,
    literal,
    midnight,
    numeric,
    renamed,
    truth,
)
from patron_engine.expr.sqlparts import Column
from patron_engine.expr.types import ExprType

_ORDERS: Final[dict[str, Callable[[Any, Any], Any]]] = {"<": lt, "<=": le, ">": gt, ">=": ge}


def to_sql(expression: Expression, binding: SqlBinding) -> Column:
    """The value of an expression: numbers are numeric, truths true or false, an empty text NULL."""
    return _Writer(binding).value(expression.tree)


def condition_sql(expression: Expression, binding: SqlBinding) -> Column:
    """The same as a condition for WHERE or WHEN: NULL counts as false there, so leaves stay plain."""
    return _Writer(binding).condition(expression.tree)


class _Writer:
    """Also the Side of the operations."""

    def __init__(self, binding: SqlBinding) -> None:
        self.binding = binding
        self.zone, self.week_from = binding.zone, binding.week_from
        self.fiscal_year_from = binding.fiscal_year_from
        self.collation: str | None = getattr(binding, "collation", None)
        self.given: Callable[[Literal], Column | None] = getattr(binding, "given", lambda node: None)

    @property
    def now(self) -> Column:
        return self.binding.now

    @property
    def today(self) -> Column:
        return self.binding.today

    # Values

    def value(self, node: Node) -> Column:
        match node:
            case Literal():
                return self._constant(node)
            case Path(path=path, type=t):
                return self._named(numeric(self.binding.column(path), t), t)
            case AggregateNode(type=t):
                return numeric(self.binding.aggregate(node), t)
            case nodes.Call():
                made = self._call(node)
                return truth(made) if node.type.kind == "boolean" and node.op is not SETTING else made
            case nodes.Choose(branches=branches, otherwise=otherwise):
                pairs = [(self.condition(c), self.value(v)) for c, v in branches]
                return sa.case(*pairs, else_=self.value(otherwise))
            case nodes.Coalesce(args=args):
                return sa.func.coalesce(*(self.value(a) for a in args), type_=SQL_TYPES.get(node.type.kind))
            case nodes.Parts():
                raise TypeError("a range or location has no single column")
            case _:
                return self._truth(node)

    def _call(self, node: nodes.Call) -> Column:
        op = node.op
        if op is ME:
            return self.binding.column("me.id")
        if op is RANK:
            return op.sql(self, *node.params, self._raw(node.args[0]))  # type: ignore[misc, no-any-return]
        columns = [c for a in node.args for c in self._columns(a)]
        if op.bound:
            return numeric(self.binding.function(op.name, tuple(columns), node), node.type)
        assert op.sql is not None, f"{op.name} has no SQL side"
        made: Column = op.sql(self, *node.params, *columns)
        return made

    def _columns(self, node: Node) -> list[Column]:
        return [self.value(p) for p in node.parts] if isinstance(node, nodes.Parts) else [self.value(node)]

    def _named(self, column: Column, t: ExprType) -> Column:
        """A choice by the names of its options, where its column holds older ones."""
        if t.kind != "choice" or not t.stored or not t.options or t.stored == t.options:
            return column
        renamed = [(s, n) for s, n in zip(t.stored, t.options, strict=True) if s != n]
        return sa.case(*((column == sqlparts.text(s), sqlparts.text(n)) for s, n in renamed), else_=column)

    def _raw(self, node: Node) -> Column:
        """A side of a comparison: a column as it is, a whole number without a cast, so that an index fits."""
        if isinstance(node, Path):
            return self.binding.column(node.path)
        if isinstance(node, Literal) and node.type.kind in ("number", "duration") and node.value is not None:
            given = self.given(node)
            return sqlparts.decimal(node.value) if given is None else given
        return self._operand(node)

    def _operand(self, node: Node) -> Column:
        """A value beside an operator: a truth in brackets, for NOT and IS bind less than SQLAlchemy thinks."""
        column = self.value(node)
        return (
            Grouping(column)
            if node.type.kind == "boolean" and not isinstance(node, Path | Literal)
            else column
        )

    def _constant(self, node: Literal) -> Column:
        given = self.given(node)
        if given is None:
            return literal(node)
        return sa.cast(given, sqlparts.NUMERIC) if node.type.kind in ("number", "duration") else given

    # Truths

    def _truth(self, node: Node) -> Column:
        """True or false, never NULL."""
        match node:
            case nodes.Logic(word=word, args=args):
                return (sa.and_ if word == "and" else sa.or_)(*(self._truth(a) for a in args))
            case nodes.Not(arg=arg):
                return self.negated(arg)
            case nodes.Compare() | nodes.Among() | nodes.Member() | nodes.Within():
                leaf, sure = self._leaf(node)
                return leaf if sure else truth(leaf)
            case Literal(value=value):
                return sa.true() if value else sa.false()
            case nodes.Call():
                return truth(self._call(node))
            case _:
                return truth(self.value(node))

    def condition(self, node: Node) -> Column:
        """True where it holds; false or NULL where it does not."""
        match node:
            case nodes.Logic(word=word, args=args):
                return (sa.and_ if word == "and" else sa.or_)(*(self.condition(a) for a in args))
            case nodes.Not(arg=arg):
                return self.negated(arg)
            case nodes.Compare() | nodes.Among() | nodes.Member() | nodes.Within():
                return self._leaf(node)[0]
            case Literal(value=value):
                return sa.true() if value else sa.false()
            case nodes.Call():
                return self._call(node)  # plain: an EXISTS can be planned as a join
            case _:
                return self.value(node)

    def negated(self, node: Node) -> Column:
        """True where `node` does not hold, never NULL."""
        match node:
            case nodes.Logic(word=word, args=args):
                return (sa.or_ if word == "and" else sa.and_)(*(self.negated(a) for a in args))
            case nodes.Not(arg=arg):
                return self._truth(arg)
            case nodes.Compare(sign="==" | "!="):
                equal = node.sign == "!="
                leaf, sure = self._equal(node.left, node.right, equal)
                return leaf if sure else truth(leaf)
            case nodes.Compare() | nodes.Among() | nodes.Member() | nodes.Within():
                leaf, sure = self._leaf(node)
                return sa.not_(leaf if sure else truth(leaf))
            case _:
                return sa.not_(self._truth(node))

    def _leaf(self, node: nodes.Compare | nodes.Among | nodes.Member | nodes.Within) -> tuple[Column, bool]:
        """A comparison, and whether it can never be NULL."""
        match node:
            case nodes.Compare(sign=sign, left=left, right=right):
                if sign in ("==", "!="):
                    return self._equal(left, right, sign == "==")
                a, b = self._sides(left, right)
                return _ORDERS[sign](self._collated(a, left), self._collated(b, right)), False
            case nodes.Among(item=item, options=options):
                return self._among(item, options)
            case nodes.Member(item=item, list=list_):
                one, _ = self._stored(item, list_.type.element or list_.type)
                return one == sa.any_(self._raw(list_)), False
            case nodes.Within(item=item, range=range_):
                return self._within(item, range_), False

    def _collated(self, column: Column, node: Node) -> Column:
        if self.collation and node.type.kind in ("text", "choice", "empty"):
            return sa.cast(column, sa.Text).collate(self.collation)
        return column

    def _sides(self, left: Node, right: Node) -> tuple[Column, Column]:
        a, _ = self._stored(left, right.type)
        b, _ = self._stored(right, left.type)
        plain = (
            not (renamed(left.type) or renamed(right.type))
            or isinstance(left, Literal)
            or isinstance(right, Literal)
        )
        if plain:
            a = a if isinstance(left, Literal) else self._raw(left)
            b = b if isinstance(right, Literal) else self._raw(right)
        else:
            a, b = self._operand(left), self._operand(right)
        return a, b

    def _stored(self, node: Node, other: ExprType) -> tuple[Column, bool]:
        """A constant as the other side's column holds it."""
        if isinstance(node, Literal) and renamed(other) and isinstance(node.value, str):
            stored = dict(zip(other.options or (), other.stored or (), strict=True)).get(
                node.value, node.value
            )
            return sqlparts.text(stored), True
        if isinstance(node, Literal) and node.type.kind in ("number", "duration"):
            return self._raw(node), False
        if isinstance(node, Literal) and node.value is not None and other.kind == "link":
            given = self.given(node)
            return sa.cast(
                sqlparts.text(str(node.value)) if given is None else given, sa.Uuid(as_uuid=False)
            ), True
        return self._operand(node) if not isinstance(node, nodes.Parts) else sa.null(), False

    def _equal(self, left: Node, right: Node, equal: bool) -> tuple[Column, bool]:
        if is_empty(left):
            left, right = right, left
        if is_empty(right):
            return self._empty(left, equal), True
        left, right = digest(self.binding, left, right), digest(self.binding, right, left)
        a, b = self._sides(left, right)
        if equal and (is_there(left) or is_there(right)):
            return a == b, False
        if equal and (is_outside(left) or is_outside(right)):
            # A bind: planned with its value, this is the plain equation that an index serves.
            return sa.or_(a == b, sa.and_(a.is_(None), b.is_(None))), False
        return (a.is_not_distinct_from(b) if equal else a.is_distinct_from(b)), True

    def _empty(self, node: Node, equal: bool) -> Column:
        if isinstance(node, nodes.Parts):
            there = sa.func.num_nonnulls(*(self.value(p) for p in node.parts))
            zero = sqlparts.whole_literal(0)
            return there == zero if equal else there > zero
        if node.type.kind == "list":
            size = sa.func.coalesce(sa.func.cardinality(self._raw(node)), sqlparts.whole_literal(0))
            return size == sqlparts.whole_literal(0) if equal else size > sqlparts.whole_literal(0)
        if isinstance(node, Literal):
            return sa.true() if (node.value is None) == equal else sa.false()
        column = self._raw(node)
        return column.is_(None) if equal else column.is_not(None)

    def _among(self, item: Node, options: tuple[Node, ...]) -> tuple[Column, bool]:
        options = tuple(digest(self.binding, o, item) for o in options)
        literals = [o for o in options if isinstance(o, Literal) and o.value is not None]
        others = [o for o in options if not (isinstance(o, Literal) and o.value is not None)]
        tests: list[Column] = []
        sure = True
        if literals:
            side = self._raw(item) if not isinstance(item, Literal) else self.value(item)
            tests.append(side.in_([self._stored(o, item.type)[0] for o in literals]))
            sure = False
        for o in others:
            test, known = self._equal(item, o, True)
            tests.append(test)
            sure = sure and known
        if not tests:
            return sa.false(), True
        return (tests[0] if len(tests) == 1 else sa.or_(*tests)), sure

    def _within(self, item: Node, range_: nodes.Parts) -> Column:
        column = self._raw(item)
        day = sql_local_day(self, column) if item.type.kind == "datetime" else column
        first, last = (self.value(p) for p in range_.parts)
        if range_.open:
            ends = [sa.or_(first.is_(None), day >= first), sa.or_(last.is_(None), day <= last)]
            return sa.and_(*ends, sa.or_(first.is_not(None), last.is_not(None)))
        tests = [day >= first, day <= last]
        of = item.args[0] if isinstance(item, nodes.Call) and item.op is DAY_OF else item
        if of.type.kind == "datetime" and isinstance(of, Path):
            # The exact test is on the zone's day; these two let an index on the moment find the neighbourhood.
            moment = self._raw(of)
            tests = [moment >= midnight(first, -2), moment <= midnight(last, 3), *tests]
        return sa.and_(*tests)
