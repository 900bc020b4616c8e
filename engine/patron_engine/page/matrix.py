"""Matrix: what a role gives, as a table: object by action, with scope and whether a condition narrows it; and its fields.

In: the model and a role. Out: rows of words (`own`, `all`, `yes`, `through account`), for people to read and for files. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from patron_engine.access.grants import Grant
from patron_engine.access.roles import Role
from patron_engine.model.model import Model, Object

ACTIONS = (
    "read", "create", "update", "delete", "assign", "share", "transfer", "convert", "merge", "void", "import", "export",
    "bulk",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """`scope` is a word of scopes, `yes` for what has none, `through LINK`, or "" for nothing; `where` the condition's text."""

    scope: str = ""
    where: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RightsRow:
    """`object` None is every object without a row of its own."""

    object: Object | None
    cells: Mapping[str, Cell]


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldRow:
    """A field that is not simply edit: `right` is none, masked or read, or edit for a sensitive one."""

    object: Object
    field: str
    right: str


def rights_of(model: Model, role: Role) -> tuple[RightsRow, ...]:
    """A row for each object the role names, then one for the rest where it names that."""
    rows = [_row(model, model.objects[name], name, role) for name in role.objects if name in model.objects]
    if "*" in role.objects:
        rows.append(_row(model, None, "*", role))
    return tuple(row for row in rows if any(c.scope for c in row.cells.values()))


def _row(model: Model, object: Object | None, name: str, role: Role) -> RightsRow:
    entry = role.objects[name]
    cells: dict[str, Cell] = {}
    for action in ACTIONS:
        if action in entry.flags:
            scope = "yes"
        else:
            said = entry.scopes.get(action, "")
            scope = said if isinstance(said, str) else f"through {', '.join(said)}"
        wheres = [entry.where[a].source for a in dict.fromkeys(("read", action)) if a in entry.where]
        cells[action] = Cell(scope=scope, where=" and ".join(wheres) if scope else "")
    return RightsRow(object=object, cells=cells)


def fields_of(model: Model, role: Role) -> tuple[FieldRow, ...]:
    """Every field of the objects it reads on which the role's right is not what it would be without a word."""
    return tuple(_fields(model, role))


def _fields(model: Model, role: Role) -> Iterator[FieldRow]:
    for object in model.objects.values():
        entry = role.of(object.name)
        if entry is None or "read" not in entry.scopes:
            continue
        grant = Grant(reason="", object=object.name, fields=role.field_rights(object.name))
        for field in object.fields.values():
            right = grant.right(field)
            if not field.hidden and (right != "edit" or field.sensitive):
                yield FieldRow(object=object, field=field.name, right=right)
