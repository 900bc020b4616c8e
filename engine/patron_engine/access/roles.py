"""Roles and sharing rules as documents say them, made into values once a release.

In: the model. Out: `Role` and `Sharing`, their conditions compiled. Decides nothing: grants.py makes rights of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from patron_engine.access.hours import Login, read_login
from patron_engine.expr.nodes import Expression
from patron_engine.fields.field import Texts
from patron_engine.model.model import Model

FieldRight = Literal["none", "masked", "read", "edit"]
UserKind = Literal["internal", "portal", "service"]
SCOPES = ("none", "own", "own_and_reports", "department", "department_tree", "all")
FLAGS = frozenset({"create", "import", "export", "bulk"})  # true or false; the others have a scope


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectRights:
    """What one role may do with one object. `scopes` holds actions with their scope: a word, or the links of
    `{through: …}`; `where` the conditions that narrow them."""

    flags: frozenset[str]
    scopes: Mapping[str, str | tuple[str, ...]]
    where: Mapping[str, Expression]


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    name: str
    label: Texts | str
    for_users: UserKind
    objects: Mapping[str, ObjectRights]
    fields: Mapping[str, Mapping[str, FieldRight]]
    actions: frozenset[str]
    design: frozenset[str] | None  # objects he may design; None: all of them
    menus: tuple[str, ...] = ()
    login: Login | None = None

    def of(self, object: str) -> ObjectRights | None:
        """The entry of the object, else the one for every object without an entry."""
        return self.objects.get(object) or self.objects.get("*")

    def field_rights(self, object: str) -> tuple[tuple[str, FieldRight], ...]:
        """What differs from the silent right: the object's own words before those for every object."""
        return tuple({**self.fields.get("*", {}), **self.fields.get(object, {})}.items())


@dataclass(frozen=True, slots=True, kw_only=True)
class Sharing:
    """Records given to more people: those that fit `where` and whose owner is one of `owned_by`."""

    name: str
    label: Texts | str
    object: str
    where: Expression | None
    owned_by: Sequence[Mapping[str, Any]]
    to: Sequence[Mapping[str, Any]]
    give: Literal["read", "edit"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """All roles and sharing rules of a release."""

    roles: Mapping[str, Role] = field(default_factory=dict)
    sharing: Mapping[str, tuple[Sharing, ...]] = field(default_factory=dict)  # by object


def given_of(model: Model) -> Given:
    """The roles and sharing rules of a release, kept with it."""
    found = model.kept.get("access.given")
    if not isinstance(found, Given):
        found = model.kept["access.given"] = _read(model)
    return found


def _read(model: Model) -> Given:
    roles: dict[str, Role] = {}
    sharing: dict[str, list[Sharing]] = {}
    for (kind, name), body in sorted(model.documents.items()):
        if kind == "role":
            roles[name] = _role(model, name, body)
        elif kind == "sharing" and body["object"] in model.objects:
            rule = _sharing(model, name, body)
            sharing.setdefault(rule.object, []).append(rule)
    return Given(roles=roles, sharing={o: tuple(rules) for o, rules in sharing.items()})


def _role(model: Model, name: str, body: Mapping[str, Any]) -> Role:
    design: set[str] | None = set()
    actions: set[str] = set()
    for action in body.get("actions") or ():
        if isinstance(action, str):
            actions.add(action)
            design = None if action == "design" else design
        elif design is not None:
            named = action["design"]
            design |= {named} if isinstance(named, str) else set(named)
    return Role(
        name=name,
        label=body.get("label") or name,
        for_users=body.get("for_users") or "internal",
        objects={
            _today(model, object): _rights(model, name, object, entry)
            for object, entry in (body.get("objects") or {}).items()
        },
        fields={_today(model, o): _fields(model, o, f) for o, f in (body.get("fields") or {}).items()},
        actions=frozenset(actions),
        design=None if design is None else frozenset(design),
        menus=tuple(body.get("menus") or ()),
        login=read_login(body.get("login")),
    )


def _today(model: Model, object: str) -> str:
    return model.object_aliases.get(object, object) if object not in model.objects else object


def _fields(model: Model, object: str, rights: Mapping[str, FieldRight]) -> Mapping[str, FieldRight]:
    found = model.object(object)
    aliases = found.aliases if found is not None else {}
    return {aliases.get(name, name): right for name, right in rights.items()}


def _rights(model: Model, role: str, object: str, entry: Mapping[str, Any]) -> ObjectRights:
    scopes: dict[str, str | tuple[str, ...]] = {}
    for action, scope in entry.items():
        if action in FLAGS or action == "where" or scope == "none":
            continue
        if isinstance(scope, Mapping):
            through = scope["through"]
            scopes[action] = (through,) if isinstance(through, str) else tuple(through)
        else:
            scopes[action] = scope
    compiled = {
        action: model.expressions.get(("role", role, f"objects.{object}.where.{action}"))
        for action in (entry.get("where") or {})
    }
    return ObjectRights(
        flags=frozenset(f for f in FLAGS if entry.get(f) is True),
        scopes=scopes,
        where={action: made for action, made in compiled.items() if made is not None},
    )


def _sharing(model: Model, name: str, body: Mapping[str, Any]) -> Sharing:
    return Sharing(
        name=name,
        label=body.get("label") or name,
        object=body["object"],
        where=model.expressions.get(("sharing", name, "where")),
        owned_by=tuple(body.get("owned_by") or ()),
        to=tuple(body.get("to") or ()),
        give=body["give"],
    )
