"""Rights in SQL: what scopes, teams, queues and sharing rules ask of a row, by closures and tables of members.

In: a statement being built, columns or parameters. Out: conditions. The same conditions answer a save about one record
(record/lookups.py), so what a list shows and what a save allows cannot differ. People are never sent as lists: who I am is
one parameter, the rest is asked of the tables.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final
from uuid import NAMESPACE_URL, uuid5

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from patron_engine.access.decide import Action
from patron_engine.model.model import LINKS
from patron_engine.query.arms import arms_of
from patron_engine.query.source import Building
from patron_engine.store.tables import TYPES, Id

Column = sa.ColumnElement[Any]
Condition = sa.ColumnElement[bool]


def role_principal(role: str) -> str:
    """The id that stands for a role among those to whom single records are given; roles are definitions and have none."""
    return str(uuid5(NAMESPACE_URL, f"urn:patron:role:{role}"))


def mine_or_below(building: Building, me: Column, user: Column) -> Condition:
    """The user is me, or reports to me over any number of managers."""
    chain = _closure(building, "sys__reports", "boss", "member")
    return user.in_(_only(sa.select(chain.c.member).where(chain.c.boss == me), chain))


def in_my_tree(building: Building, me: Column, below: bool, department: Column) -> Condition:
    """The department is mine, or (`below`) below mine. Who has none has no colleagues, those without one neither."""
    if not below:
        return department == my_department(building, me)
    tree = _closure(building, "sys__department_tree", "ancestor", "descendant")
    mine = my_department(building, me)
    return department.in_(_only(sa.select(tree.c.descendant).where(tree.c.ancestor == mine), tree))


def my_department(building: Building, me: Column) -> Column:
    user = building.tables.of("user").alias(building.alias())
    found: Column = _only(
        sa.select(_of(building, user, "user", "department")).where(user.c.id == me), user
    ).scalar_subquery()
    return found


def my_queue(building: Building, me: Column, queue: Column) -> Condition:
    """I am a member of the queue."""
    members = building.tables.link(building.model.objects["queue"].fields["members"]).alias(building.alias())
    return queue.in_(_only(sa.select(members.c.record).where(members.c.target == me), members))


def given(building: Building, me: Column, now: Column, object: str, level: str, id: Column) -> Condition:
    """The record was given to me, my department or one above it, a group or a role of mine, and not until a moment that is
    past. `edit` contains `read`. What was given to me alone is asked by itself: how much that is the database knows before."""

    def among(chosen: Callable[[Column], Condition]) -> Condition:
        table = building.tables.access(object).alias(building.alias())
        conditions = [table.c.record == id, chosen(table.c.principal)]
        conditions.append(sa.or_(table.c.until.is_(None), table.c.until > now))
        if level == "edit":
            conditions.append(table.c.level == sa.literal("edit", TYPES["text"]))
        # Not `id IN`: where it cannot be a join, a set too large to be hashed would be walked for every row.
        return _found(building, _only(sa.select(table.c.record).where(*conditions), table))

    def besides(principal: Column) -> Condition:
        return principal == sa.any_(principals(building, me))

    if building.by_row:
        return among(lambda principal: sa.or_(principal == me, besides(principal)))
    return sa.or_(among(lambda principal: principal == me), among(besides))


def _found(building: Building, select: Any) -> Condition:
    """There is such a row. By row: behind a fence, so that nobody makes a set of all of them first."""
    return sa.exists(select.offset(sa.literal(0, sa.Integer())) if building.by_row else select)


def principals(building: Building, me: Column) -> Column:
    """Everything I am besides myself, as one array: my departments upwards, my groups, my roles."""
    tree = _closure(building, "sys__department_tree", "ancestor", "descendant")
    parts: list[Any] = [sa.select(sa.cast(sa.null(), Id()))]
    if "department" in building.model.objects["user"].fields:
        above = sa.select(tree.c.ancestor).where(tree.c.descendant == my_department(building, me))
        parts.append(_only(above, tree))
    group = building.model.objects.get("group")
    if group is not None and "members" in group.fields:
        members = building.tables.link(group.fields["members"]).alias(building.alias())
        parts.append(_only(sa.select(members.c.record).where(members.c.target == me), members))
    roles = [name for kind, name in building.model.documents if kind == "role"]
    if roles and "roles" in building.model.objects["user"].fields:
        user = building.tables.of("user").alias(building.alias())
        known = sa.values(
            sa.column("name", sa.Text()), sa.column("id", sa.Text()), name=building.alias()
        ).data([(name, role_principal(name)) for name in sorted(roles)])
        held = sa.select(sa.cast(known.c.id, Id())).where(
            user.c.id == me, known.c.name == sa.any_(_of(building, user, "user", "roles"))
        ).select_from(sa.join(user, known, sa.true()))  # fmt: skip
        parts.append(_only(held, user, known))
    return sa.func.array(sa.union_all(*parts).scalar_subquery(), type_=pg.ARRAY(Id()))


def reached(building: Building, object: str, action: Action, id: Column) -> Condition:
    """A living record with this id is among those on which the actor may do `action`, and read. A right that hangs on itself
    gives nothing."""
    key = ("through", object, action)
    if key in building.stack or building.rules is None:
        return sa.false()
    before = building.stack
    building.stack = (*before, key)
    try:
        row = building.root(object)
        arms = arms_of(row.ruled() if action == "read" else [*row.ruled(), *row.ruled(action)])
    finally:
        building.stack = before
    if any(isinstance(arm, sa.sql.elements.False_) for arm in arms):
        return sa.false()

    def found(*arm: Condition) -> Condition:
        """Among those of one reason: by itself it can be planned as a join from either end."""
        select = sa.select(row.id).select_from(row.source.from_).where(row.id == id, *row.live(), *arm)
        return _found(building, _only(select, row.table, *row.source.tables))

    if building.by_row and arms:
        return found(sa.or_(*arms))
    return sa.or_(*(found(arm) for arm in arms)) if arms else found()


def through(binding: Any, args: Sequence[Column], node: Any) -> Condition:
    """The record at the end of a link of this row is `reached`; of several, one of them."""
    objects, action = node.params
    building, row = binding.building, binding.row
    field = row.object.fields[node.args[0].path]
    if field.type not in LINKS:  # a formula that gives a link
        return sa.or_(sa.false(), *(reached(building, o, action, args[0]) for o in objects))
    if field.link.many:
        table = building.tables.link(field).alias(building.alias())
        each = [reached(building, o, action, table.c.target) for o in objects]
        linked = sa.select(table.c.record).where(table.c.record == row.id, sa.or_(sa.false(), *each))
        return sa.exists(_only(linked, table))
    column = row.column(field)
    if not field.link.several:
        return sa.or_(sa.false(), *(reached(building, o, action, column) for o in objects))
    kind = row.column(field, "object")
    return sa.or_(
        sa.false(),
        *(
            sa.and_(kind == sa.literal(o, TYPES["text"]), reached(building, o, action, column))
            for o in objects
        ),
    )


def belongs(building: Building, kind: str, codes: Sequence[str], below: bool, person: Column) -> Condition:
    """The person is one of those a definition names: by e-mail, role, department, position, group, queue, or as a head."""
    found = MEMBERS[kind](building, [sa.literal(c, TYPES["text"]) for c in codes], below)
    return person.in_(found) if found is not None else sa.false()


def same_group(building: Building, one: Column, other: Column) -> Condition:
    """Two people are members of one group that is in use."""
    group = building.model.objects.get("group")
    if group is None or "members" not in group.fields:
        return sa.false()
    of = building.tables.of("group").alias(building.alias())
    links = building.tables.link(group.fields["members"])
    first, second = links.alias(building.alias()), links.alias(building.alias())
    inside = sa.join(first, of, first.c.record == of.c.id).join(second, second.c.record == of.c.id)
    conditions = [first.c.target == one, second.c.target == other, of.c.deleted_at.is_(None)]
    if "active" in group.fields:
        conditions.append(_of(building, of, "group", "active").is_(sa.true()))
    return sa.exists(_only(sa.select(of.c.id).select_from(inside).where(*conditions), first, second, of))


def _users(building: Building, named: list[Column], below: bool) -> Any:
    user = building.tables.of("user").alias(building.alias())
    return _only(sa.select(user.c.id).where(_of(building, user, "user", "email").in_(named)), user)


def _holders(building: Building, named: list[Column], below: bool) -> Any:
    if "roles" not in building.model.objects["user"].fields:
        return None
    user = building.tables.of("user").alias(building.alias())
    return _only(
        sa.select(user.c.id).where(
            sa.or_(*(name == sa.any_(_of(building, user, "user", "roles")) for name in named))
        ),
        user,
    )


def _department(building: Building, named: list[Column], below: bool) -> Any:
    user = building.tables.of("user").alias(building.alias())
    department = building.tables.of("department").alias(building.alias())
    conditions = [
        _of(building, department, "department", "code").in_(named),
        department.c.deleted_at.is_(None),
    ]
    if not below:
        inside = sa.join(user, department, _of(building, user, "user", "department") == department.c.id)
        return _only(sa.select(user.c.id).select_from(inside).where(*conditions), user, department)
    tree = _closure(building, "sys__department_tree", "ancestor", "descendant")
    inside = sa.join(user, tree, _of(building, user, "user", "department") == tree.c.descendant)
    inside = inside.join(department, department.c.id == tree.c.ancestor)
    return _only(sa.select(user.c.id).select_from(inside).where(*conditions), user, tree, department)


def _heads(building: Building, named: list[Column], below: bool) -> Any:
    department = building.tables.of("department").alias(building.alias())
    conditions = [
        _of(building, department, "department", "code").in_(named),
        department.c.deleted_at.is_(None),
        _of(building, department, "department", "head").is_not(None),
    ]
    return _only(sa.select(_of(building, department, "department", "head")).where(*conditions), department)


def _in_position(building: Building, named: list[Column], below: bool) -> Any:
    user = building.tables.of("user").alias(building.alias())
    position = building.tables.of("position").alias(building.alias())
    held = sa.join(user, position, _of(building, user, "user", "position") == position.c.id)
    conditions = [_of(building, position, "position", "code").in_(named), position.c.deleted_at.is_(None)]
    return _only(sa.select(user.c.id).select_from(held).where(*conditions), user, position)


def _members(object: str) -> Callable[[Building, list[Column], bool], Any]:
    def found(building: Building, named: list[Column], below: bool) -> Any:
        if object not in building.model.objects:
            return None
        of = building.tables.of(object).alias(building.alias())
        members = building.tables.link(building.model.objects[object].fields["members"]).alias(
            building.alias()
        )
        inside = sa.join(members, of, members.c.record == of.c.id)
        conditions = [_of(building, of, object, "code").in_(named), of.c.deleted_at.is_(None)]
        return _only(sa.select(members.c.target).select_from(inside).where(*conditions), members, of)

    return found


MEMBERS: Final[Mapping[str, Callable[[Building, list[Column], bool], Any]]] = {
    "user": _users, "role": _holders, "department": _department, "department_head": _heads,
    "position": _in_position, "group": _members("group"), "queue": _members("queue"),
}  # fmt: skip


def _of(building: Building, table: Any, object: str, field: str) -> Column:
    """The column of a field, by the name it has in the database."""
    column: Column = table.c[building.model.objects[object].fields[field].column.name]
    return column


def _closure(building: Building, table: str, above: str, below: str) -> Any:
    columns: dict[str, Any] = {above: "uuid", below: "uuid", "depth": "bigint"}
    return building.tables.system(table, **columns).alias(building.alias())


def _only(select: Any, *tables: Any) -> Any:
    """Everything else the subquery names is of the statement around it."""
    return select.correlate_except(*tables)
