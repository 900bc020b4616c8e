"""Lookups: what functions that need tables answer while a save runs: who reports to whom, what lies under what.

In: one question at a time, as expressions evaluated in Python ask it. Out: plain values, each asked of the database once
a save; the same SQL sides lists use, so a rule and a list agree. Changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from patron_engine.expr.evaluate import Context
from patron_engine.query.call import Call
from patron_engine.query.sets import tree_field
from patron_engine.query.values import fetch_values
from patron_engine.record.pending import Pending
from patron_engine.record.program import Program, Programs
from patron_engine.record.rights import Rights
from patron_engine.record.statements import Statement, any_of, compiled
from patron_engine.store.tables import Id

CLOSURE = {
    "user": ("sys__reports", "boss", "member"),
    "department": ("sys__department_tree", "ancestor", "descendant"),
}


class Lookups:
    """The answers of one save. `forget` is called after writing."""

    def __init__(self, pending: Pending, call: Call) -> None:
        self._pending = pending
        self.call = call
        self.programs = Programs.of(call.tables)
        self.context: Context  # of the save, which holds these functions itself
        self._known: dict[tuple[Any, ...], Any] = {}

    def forget(self) -> None:
        self._known.clear()

    def functions(self) -> Mapping[str, Callable[..., Any]]:
        """By function name, with the arguments expr/context.py lists."""
        answers: dict[str, Callable[..., Any]] = {
            "REPORTS_TO": self._reports_to, "IN_DEPARTMENT": self._in_department, "UNDER": self._under,
            "REF": self._ref, "IN_SEGMENT": self._in_segment, "REPEATED": self._repeated, "IN_ROLE": self._in_role, **self._rights(),
        }  # fmt: skip
        kept = {name: self._kept(name, answer) for name, answer in answers.items()}
        return {**kept, "ON_DUTY": _nobody}

    def _rights(self) -> Mapping[str, Callable[..., Any]]:
        """What scopes and sharing rules ask: the conditions lists are made with, of one record."""
        rights = Rights(self._pending, self.call)
        return {
            "MINE_OR_BELOW": rights.mine_or_below, "IN_MY_TREE": rights.in_my_tree, "MY_QUEUE": rights.my_queue,
            "SAME_GROUP": rights.same_group, "GIVEN": rights.given, "THROUGH": rights.through, "BELONGS": rights.belongs,
            "WAITS_IN": rights.waits_in, "MEANT": rights.meant, "AT_STEP": rights.at_step,
        }  # fmt: skip

    def _kept(self, name: str, answer: Callable[..., Any]) -> Callable[..., Any]:
        def asked(*args: Any) -> Any:
            key = (name, *args)
            if key not in self._known:
                self._known[key] = answer(*args)
            return self._known[key]

        return asked

    def _reports_to(self, member: str | None, boss: str | None) -> bool:
        if member is None or boss is None:
            return False
        return bool(self._above("user", member, boss))

    def _above(self, object: str, below: str, above: str) -> bool:
        def make() -> Statement:
            name, over, under = CLOSURE[object]
            columns: dict[str, Any] = {over: "uuid", under: "uuid", "depth": "bigint"}
            table = self.call.tables.system(name, **columns)
            where = (
                table.c[over] == sa.bindparam("above", type_=Id()),
                table.c[under] == sa.bindparam("below", type_=Id()),
                table.c.depth > sa.literal(0, sa.BigInteger()),
            )
            return compiled(sa.select(table.c.depth).where(*where))

        statement: Statement = self.programs.keep(("lookups.above", object), make)
        return bool(statement.run(self._pending.conn, above=above, below=below))

    def _in_department(self, record: str | None, code: str | None) -> bool:
        """A person, or a department, is in the department with this code or below it."""
        model = self.call.model
        if record is None or code is None or "department" not in model.objects:
            return False
        departments = {record}
        if "user" in model.objects and model.objects["user"].field("department") is not None:
            of_user = fetch_values(self._pending.conn, self.call, "user", [record], ["department"])
            departments |= {v["department"] for v in of_user.values() if v["department"] is not None}
        target = self._by_code(self.programs["department"], code)
        return target is not None and any(
            d == target or self._above("department", d, target) for d in departments
        )

    def _by_code(self, program: Program, code: str) -> str | None:
        if "code" not in program.fields:
            return None

        def make() -> Statement:
            column = program.table.c[program.fields["code"].column.name]
            where = (column == sa.bindparam("code", type_=sa.Text()), program.table.c.deleted_at.is_(None))
            return compiled(sa.select(program.table.c.id).where(*where))

        rows = self.programs.keep(("lookups.code", program.object.name), make).run(
            self._pending.conn, code=code
        )
        return str(rows[0][0]) if rows else None

    def _in_role(self, user: str | None, role: str | None) -> bool:
        if user is None or role is None or "roles" not in self.call.model.objects["user"].fields:
            return False
        found = fetch_values(self._pending.conn, self.call, "user", [user], ["roles"])
        return role in (found.get(user, {}).get("roles") or ())

    def _under(self, object: str, below: str | None, above: str | None) -> bool:
        if below is None or above is None:
            return False
        if below == above:
            return True
        if object in CLOSURE:
            return self._above(object, below, above)

        def make() -> Statement:
            program = self.programs[object]
            table = program.table
            link = table.c[program.fields[tree_field(program.object)].column.name]
            up = (
                sa.select(table.c.id, link.label("parent"))
                .where(any_of(table.c.id))
                .cte("up", recursive=True)
            )
            up = up.union(sa.select(table.c.id, link).where(table.c.id == up.c.parent))
            return compiled(sa.select(up.c.id))

        statement: Statement = self.programs.keep(("lookups.under", object), make)
        return above in {row[0] for row in statement.run(self._pending.conn, ids=[below])}

    def _ref(self, object: str, external_id: str) -> str | None:
        def make() -> Statement:
            table = self.call.tables.system(
                "sys__external_id", object="text", source="text", external_id="text", record="uuid"
            )
            where = (
                table.c.object == sa.bindparam("object", type_=sa.Text()),
                table.c.external_id == sa.bindparam("external", type_=sa.Text()),
            )
            return compiled(sa.select(table.c.record).where(*where).order_by(table.c.source))

        rows = self.programs.keep("lookups.ref", make).run(
            self._pending.conn, object=object, external=external_id
        )
        return str(rows[0][0]) if rows else None

    def _repeated(self, object: str, path: str, value: Any) -> bool:
        """At least two live records have the value, all rows seen: definitions see all. Behind a link nothing is repeated."""
        program = self.programs[object]
        if value is None or path not in program.fields:
            return False

        def make() -> Statement:
            column = program.table.c[program.fields[path].column.name]
            where = (
                column == sa.bindparam("value", type_=column.type),
                program.table.c.deleted_at.is_(None),
            )
            return compiled(sa.select(program.table.c.id).where(*where).limit(sa.literal(2)))

        statement: Statement = self.programs.keep(("lookups.repeated", object, path), make)
        return len(statement.run(self._pending.conn, value=value)) > 1

    def _in_segment(self, name: str, record: str | None) -> bool:
        segment = self.call.model.segments.get(name)
        if segment is None or record is None:
            return False
        where = segment.where
        paths = [p for p in where.paths if p.partition(".")[0] != "me"]
        found = fetch_values(
            self._pending.conn, self.call, segment.object, [record], [*paths, "deleted_at"], where.aggregates
        )
        values = found.get(record)
        if values is None or values["deleted_at"] is not None:
            return False
        return bool(self.programs[segment.object].closure(where)(values, self.context))


def _nobody(*_: Any) -> bool:
    """Nobody is on a roster before rosters are kept."""
    return False


def number_of(value: Any) -> Any:
    """Whole numbers of settings as expressions count them."""
    return Decimal(value) if isinstance(value, int) and not isinstance(value, bool) else value
