"""Functions that need tables or the model: REPORTS_TO, IN_DEPARTMENT, SAME_GROUP, UNDER, REF, IN_SEGMENT, SETTING, LABEL, REPEATED in SQL.

In: the binding of a row, the function's name, its arguments as SQL and its node, whose `params` are its constants. Out:
SQL. People are found through the closure tables of managers and departments, never by lists of ids.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final

import sqlalchemy as sa

from patron_engine.expr.nodes import Path
from patron_engine.expr.sql import condition_sql
from patron_engine.expr.sqlparts import constant
from patron_engine.fields.options import names_of
from patron_engine.model.model import say
from patron_engine.query import rights
from patron_engine.query.sets import tree_field, tree_ids
from patron_engine.query.source import path_steps
from patron_engine.query.standing import at_step, waits_in
from patron_engine.store.tables import TYPES, Id

Column = sa.ColumnElement[Any]


def function_sql(binding: Any, name: str, args: tuple[Column, ...], node: Any) -> Column:
    """The SQL of one call. A name this table does not know is a fault of the expressions' own table."""
    return _FUNCTIONS[name](binding, args, node)


def _reports_to(binding: Any, args: tuple[Column, ...], node: Any) -> Column:
    """The first reports to the second, over any number of managers."""
    chain = _closure(binding, "sys__reports", "boss", "member")
    return _found(chain, chain.c.member == args[0], chain.c.boss == args[1], chain.c.depth > 0)


def _in_department(binding: Any, args: tuple[Column, ...], node: Any) -> Column:
    """A person, or a department itself, is in the department with this code, or below it."""
    building = binding.building
    department = building.tables.of("department").alias(building.alias())
    below = _closure(binding, "sys__department_tree", "ancestor", "descendant")
    home = args[0]
    if "department" not in node.args[0].type.objects:
        user = building.tables.of("user").alias(building.alias())
        own = sa.select(user.c.department).where(user.c.id == args[0])
        home = own.correlate_except(user).scalar_subquery()
    return sa.exists(
        sa.select(department.c.id)
        .select_from(department.join(below, below.c.ancestor == department.c.id))
        .where(department.c.code == args[1], department.c.deleted_at.is_(None), below.c.descendant == home)
        .correlate_except(department, below)
    )


def _nobody(binding: Any, args: tuple[Column, ...], node: Any) -> Column:
    """Before rosters are kept nobody is on one."""
    return sa.false()


def _in_role(binding: Any, args: tuple[Column, ...], node: Any) -> Column:
    """The person has the role with this name."""
    building = binding.building
    if "roles" not in building.model.objects["user"].fields:
        return sa.false()
    user = building.tables.of("user").alias(building.alias())
    return sa.exists(
        sa.select(user.c.id)
        .where(user.c.id == args[0], args[1] == sa.any_(user.c.roles))
        .correlate_except(user)
    )


def _mine_or_below(binding: Any, args: tuple[Column, ...], node: Any) -> Column:
    return rights.mine_or_below(binding.building, binding.column("me"), args[0])


def _in_my_tree(binding: Any, args: tuple[Column, ...], node: Any) -> Column:
    return rights.in_my_tree(binding.building, binding.column("me"), node.params[0], args[0])


def _my_queue(binding: Any, args: tuple[Column, ...], node: Any) -> Column:
    return rights.my_queue(binding.building, binding.column("me"), args[0])


def _given(binding: Any, args: tuple[Column, ...], node: Any) -> Column:
    object, level = node.params
    return rights.given(binding.building, binding.column("me"), binding.now, object, level, args[0])


def _belongs(binding: Any, args: tuple[Column, ...], node: Any) -> Column:
    kind, codes, below = node.params
    return rights.belongs(binding.building, kind, codes, below, args[0])


def _same_group(binding: Any, args: tuple[Column, ...], node: Any) -> Column:
    return rights.same_group(binding.building, args[0], args[1])


def _waits_in(binding: Any, args: tuple[Column, ...], node: Any) -> Column:
    return waits_in(binding.building, node.params[0], args[0])


def _meant(binding: Any, args: tuple[Column, ...], node: Any) -> Column:
    from patron_engine.query.meant import meant

    kind, name, at = node.params
    here = binding.building.model.documents[kind, name]["object"] == binding.row.object.name
    own = here and isinstance(node.args[0], Path) and node.args[0].path == "id"
    return meant(binding.building, (kind, name), at, binding.row if own else args[0])


def _at_step(binding: Any, args: tuple[Column, ...], node: Any) -> Column:
    approval, nodes = node.params
    return at_step(binding.building, binding.column("me"), approval, nodes, args[0])


def _under(binding: Any, args: tuple[Column, ...], node: Any) -> Column:
    """The first record is the second or stands below it."""
    building = binding.building
    object = node.params[0]
    args = tuple(
        a if isinstance(a.type, Id) else sa.cast(a, Id()) for a in args
    )  # an id may be written as a text
    closures = {"user": ("sys__reports", "boss", "member")}
    closures["department"] = ("sys__department_tree", "ancestor", "descendant")
    if object in closures:
        table, above, below = closures[object]
        tree = _closure(binding, table, above, below)
        return sa.or_(args[0] == args[1], _found(tree, tree.c[below] == args[0], tree.c[above] == args[1]))
    rows = building.root(object)
    found = tree_ids(rows, tree_field(building.model.objects[object]), args[1])
    return args[0].in_(sa.select(found.c.id))


def _ref(binding: Any, args: tuple[Column, ...], node: Any) -> Column:
    """The record that a pack brought, by its object and external id."""
    object, external = node.params
    ids = binding.building.tables.system(
        "sys__external_id", object="text", source="text", external_id="text", record="uuid"
    ).alias(binding.building.alias())
    here = (ids.c.object == _text(object), ids.c.external_id == _text(external))
    found = sa.select(ids.c.record).where(*here).order_by(ids.c.source).limit(sa.literal(1))
    return found.correlate_except(ids).scalar_subquery()


def _in_segment(binding: Any, args: tuple[Column, ...], node: Any) -> Column:
    """The record fits the segment's condition, which is over all rows."""
    segment = binding.building.model.segments[node.params[0]]
    record = node.args[0]
    if isinstance(record, Path) and record.path == "id" and binding.row.object.name == segment.object:
        return condition_sql(segment.where, type(binding)(row=binding.row))
    member = binding.building.root(segment.object)
    fits = condition_sql(segment.where, type(binding)(row=member))
    rows = sa.select(member.id).select_from(member.source.from_)
    inner = [member.table, *member.source.tables]
    return sa.exists(rows.where(member.id == args[0], *member.live(), fits).correlate_except(*inner))


def _setting(binding: Any, args: tuple[Column, ...], node: Any) -> Column:
    """What the definition says."""
    value = binding.building.model.settings[node.params[0]].default
    if isinstance(value, int) and not isinstance(value, bool):
        value = Decimal(value)
    return constant(value)


def _repeated(binding: Any, args: tuple[Column, ...], node: Any) -> Column:
    """Another live record of the object has this value, of those the reader may see where he is the one who asks."""
    other = binding.building.root(binding.row.object.name)
    inner = type(binding)(row=other, ruled=binding.ruled)
    value = inner.value(other, path_steps(node.params[1]))
    where = [*other.live(), *(other.ruled() if binding.ruled else ()), value.is_not(None)]
    rows = sa.select(value).select_from(other.source.from_).where(*where).group_by(value)
    several = rows.having(sa.func.count() > sa.literal(1, sa.BigInteger()))
    return args[0].in_(several.correlate_except(other.table, *other.source.tables))


def _label(binding: Any, args: tuple[Column, ...], node: Any) -> Column:
    """The option's label in the reader's language."""
    steps = path_steps(node.params[0])
    field = binding.building.model.follow(binding.row.object.name, ".".join(steps))
    if field is None or field.spec is None or not hasattr(field.spec, "options"):
        return args[0]
    labels = {n: say(o.label, binding.building.languages) or n for n, o in names_of(field).options.items()}
    if not labels:
        return args[0]
    return sa.case(*((args[0] == _text(n), _text(label)) for n, label in labels.items()), else_=args[0])


def _closure(binding: Any, table: str, above: str, below: str) -> Any:
    columns: dict[str, Any] = {above: "uuid", below: "uuid", "depth": "bigint"}
    return binding.building.tables.system(table, **columns).alias(binding.building.alias())


def _found(table: Any, *conditions: sa.ColumnElement[bool]) -> Column:
    return sa.exists(sa.select(table.c.depth).select_from(table).where(*conditions).correlate_except(table))


def _text(value: str) -> Column:
    return sa.literal(value, TYPES["text"])


_FUNCTIONS: Final[Mapping[str, Callable[[Any, tuple[Column, ...], Any], Column]]] = {
    "REPORTS_TO": _reports_to,
    "IN_DEPARTMENT": _in_department,
    "SAME_GROUP": _same_group,
    "IN_ROLE": _in_role,
    "ON_DUTY": _nobody,
    "MINE_OR_BELOW": _mine_or_below,
    "IN_MY_TREE": _in_my_tree,
    "MY_QUEUE": _my_queue,
    "GIVEN": _given,
    "BELONGS": _belongs,
    "THROUGH": rights.through,
    "WAITS_IN": _waits_in,
    "MEANT": _meant,
    "AT_STEP": _at_step,
    "UNDER": _under,
    "REPEATED": _repeated,
    "REF": _ref,
    "IN_SEGMENT": _in_segment,
    "SETTING": _setting,
    "LABEL": _label,
}
