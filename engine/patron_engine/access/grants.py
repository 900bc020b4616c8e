"""Grants: what an actor has been given, as values. Compiled from roles and sharing rules once a release and audience; the
decisions read nothing else.

In: the model and the actor. Out: grants, one for each action of a role, sharing rule or single right on an object. An
administrator and the system have one that is silent about everything.

    role       its scopes and conditions; a detail has what its master has
    sharing    records a rule gives to more people        portal people get neither these nor single rights:
    given      teams, shares, approvals; queues; pools    they have what their roles say and nothing else
    step       on the page of an approval only: what was given with it, as its step says
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from patron_engine.access import pools, scopes
from patron_engine.access.roles import FieldRight, Role, given_of
from patron_engine.actor import Actor, AtStep
from patron_engine.expr.nodes import Expression
from patron_engine.fields.field import Field
from patron_engine.model.model import Model, Object

Source = Literal["administrator", "role", "sharing", "given", "queue", "pool"]
UNNAMED: Final = frozenset({"id", "version", "deleted_at"})  # of a record: nobody gives rights on them
READ, EDIT = frozenset({"read"}), frozenset({"update"})
LIKE = {"restore": "delete", "unvoid": "void"}  # who may do the one may undo it


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """One right. `object` and `actions` None mean every one; `condition` None means every row.

    parts   what `condition` is made of, each by itself: the scope, then what narrows it
    fields  (name, right) for what differs from `edit`; "*" names the rest
    after   what a changed record must fit still: the condition without the scope
    source, name, scope   where it comes from, for explanations: role sales_rep, own
    reason  one sentence, e.g. "administrator of the workspace"
    """

    reason: str
    object: str | None = None
    actions: frozenset[str] | None = None
    condition: Expression | None = None
    after: Expression | None = None
    parts: tuple[Expression, ...] = ()
    fields: tuple[tuple[str, FieldRight], ...] = ()
    source: Source = "administrator"
    name: str = ""
    scope: str = "all"

    def covers(self, object: str, action: str) -> bool:
        return self.object in (None, object) and (self.actions is None or action in self.actions)

    def right(self, field: Field) -> FieldRight:
        """The right on a field. Silent is edit, but none for a sensitive field unless the grant is the administrator's
        (which names no object). What a record is told apart by, whoever reads it reads."""
        if field.system and field.name in UNNAMED:
            return "edit"
        rights: Mapping[str, FieldRight] = dict(self.fields)
        silent: FieldRight = "none" if field.sensitive and self.object is not None else "edit"
        return rights.get(field.name, rights.get("*", silent))

    def reaches(self, field: Field, right: Literal["read", "update"]) -> bool:
        """Does the grant give this right on the field?"""
        given = self.right(field)
        return given == "edit" or (given == "read" and right == "read")


AT_STEP = "at a step"  # name of what is given on the page of an approval
ADMINISTRATOR = (Grant(reason="administrator of the workspace"),)


def audience(actor: Actor) -> str:
    """What actors with the same rights have in common: the key of everything that is kept for them."""
    if actor.administrator or actor.system:
        return "administrator"
    step = "" if actor.step is None else f"@{actor.step.object}:{actor.step.rights}"
    return f"{actor.kind}:" + ",".join(sorted(actor.roles)) + step


def roles_of(model: Model, actor: Actor) -> tuple[Role, ...]:
    """His roles that exist and are for people like him, by name."""
    roles = given_of(model).roles
    return tuple(roles[n] for n in sorted(actor.roles) if n in roles and roles[n].for_users == actor.kind)


def grants_of(model: Model, actor: Actor) -> tuple[Grant, ...]:
    """Everything `actor` has been given in this release."""
    if actor.administrator or actor.system:
        return ADMINISTRATOR
    kept = model.kept.setdefault("access.grants", {})
    key = audience(actor)
    found: tuple[Grant, ...] | None = kept.get(key)
    if found is None:
        roles = roles_of(model, actor)
        found = kept[key] = tuple(
            g for o in model.objects.values() for g in object_grants(model, o, roles, actor)
        )
    return found


def object_grants(model: Model, object: Object, roles: tuple[Role, ...], actor: Actor) -> Iterator[Grant]:
    """What these roles, and what is given beside them, grant on one object."""
    if object.master is not None and object.owner == "master":
        yield from _as_master(model, object, roles, actor)
        return
    named = [g for role in roles for g in _of_role(model, object, role)]
    yield from named
    shared = list(_shared(model, object, actor)) if actor.kind != "portal" else []
    yield from shared
    knows = any("read" in (g.actions or ()) for g in (*named, *shared))
    if actor.kind != "portal" and knows:
        yield from _given(object, roles)
        yield from _pooled(model, object, roles)
    if actor.step is not None and actor.step.object == object.name:
        yield _at_step(object, actor.step, knows)


def _of_role(model: Model, object: Object, role: Role) -> Iterator[Grant]:
    entry = role.of(object.name)
    if entry is None:
        return
    fields = role.field_rights(object.name)
    narrowed = entry.where.get("read")
    actions: dict[str, str | tuple[str, ...]] = {**dict.fromkeys(sorted(entry.flags), "all"), **entry.scopes}
    for action, scope in actions.items():
        own = entry.where.get(action) if action != "read" else None
        within = scopes.scope_condition(model, object.name, scope, action)
        said = scope if isinstance(scope, str) else f"through {', '.join(scope)}"
        also = {action} | {undone for undone, of in LIKE.items() if of == action}
        if action == "delete" and scope == "all":
            also.add("purge")
        yield Grant(
            reason=f"role {role.name}: {action} {said}",
            object=object.name,
            actions=frozenset(also),
            condition=scopes.both((within, narrowed, own)),
            parts=tuple(c for c in (within, narrowed, own) if c is not None),
            after=scopes.both((narrowed, own)),
            fields=fields,
            source="role",
            name=role.name,
            scope=said,
        )


def _as_master(model: Model, object: Object, roles: tuple[Role, ...], actor: Actor) -> Iterator[Grant]:
    """A detail has its master's rights: whoever may read the one reads the other, whoever may edit it edits, adds and
    removes. What a role says of the detail's fields holds, on records that were given, shared or wait somewhere too: their
    condition is asked of the master as a whole, so whatever they gave beyond the roles would be given everywhere."""
    link = object.fields[object.master or ""]
    master = model.objects.get(link.link.to[0])
    if master is None or master.name == object.name:
        return
    above = list(object_grants(model, master, roles, actor))
    by_name = {role.name: role for role in roles}
    otherwise = _most(object, roles, knowing=_top(model, master))
    knows = any(g.source in ("role", "sharing") and "read" in (g.actions or ()) for g in above)
    for action, of in (("read", "read"), ("create", "update"), ("update", "update"), ("delete", "update"),
                       ("restore", "update"), ("export", "export"), ("bulk", "bulk"), ("import", "import")):  # fmt: skip
        mine = [g for g in above if of in (g.actions or ())]
        for grant in mine:
            role = by_name.get(grant.name) if grant.source == "role" else None
            condition = None
            if grant.condition is not None:
                condition = scopes.through(model, object, link.name, of)
            yield Grant(
                reason=f"{grant.reason} of its {master.name}",
                object=object.name,
                actions=frozenset({action}),
                condition=condition,
                after=condition,
                parts=() if condition is None else (condition,),
                fields=_columns_at_step(object, master, actor.step, knows)
                if grant.name == AT_STEP and actor.step is not None
                else role.field_rights(object.name)
                if role is not None
                else otherwise,
                source=grant.source,
                name=grant.name,
                scope=f"through {link.name}",
            )


def _top(model: Model, object: Object) -> Object:
    """The object at the head of its masters: the one that roles have an entry for."""
    while object.master is not None and object.owner == "master":
        above = model.objects.get(object.fields[object.master].link.to[0])
        if above is None or above.name == object.name:
            break
        object = above
    return object


def _shared(model: Model, object: Object, actor: Actor) -> Iterator[Grant]:
    for rule in given_of(model).sharing.get(object.name, ()):
        if all("role" in who and not _holds(actor, who["role"]) for who in rule.to):
            continue
        actions = READ if rule.give == "read" else READ | EDIT
        parts = scopes.shared(rule, model)
        yield Grant(
            reason=f"sharing rule {rule.name}", object=object.name, actions=actions, condition=scopes.both(parts), parts=parts,
            after=rule.where, source="sharing", name=rule.name, scope=rule.give,
        )  # fmt: skip


def _holds(actor: Actor, role: str | list[str]) -> bool:
    return bool(actor.roles & ({role} if isinstance(role, str) else set(role)))


def _given(object: Object, roles: tuple[Role, ...]) -> Iterator[Grant]:
    """Single rights on records of an object he knows: they give its fields as his own roles do, the most of them."""
    levels: tuple[tuple[Literal["read", "edit"], frozenset[str]], ...] = (("read", READ), ("edit", EDIT))
    for level, actions in levels:
        yield Grant(
            reason=f"given to {level}", object=object.name, actions=actions,
            condition=scopes.given(object.name, level), fields=_most(object, roles), source="given", name=level, scope="given",
        )  # fmt: skip
    waiting = scopes.my_queue(object)
    if waiting is not None:
        yield Grant(
            reason="member of its queue", object=object.name, actions=READ, condition=waiting,
            fields=_most(object, roles), source="queue", scope="queue",
        )  # fmt: skip


def _pooled(model: Model, object: Object, roles: tuple[Role, ...]) -> Iterator[Grant]:
    """Records that wait in a pool whose member or manager he is. What the pool hides is hidden from everybody (fields.py)."""
    for name, parts in pools.membership(model, object):
        yield Grant(
            reason=f"member of the pool {name}", object=object.name, actions=READ, condition=scopes.both(parts), parts=parts,
            fields=_most(object, roles), source="pool", name=name, scope="pool",
        )  # fmt: skip


def _at_step(object: Object, step: AtStep, knows: bool) -> Grant:
    """What was given to him with an approval: what the step names, and the rest where his roles do not know the object."""
    rights = dict(step.rights)
    silent: FieldRight = "none" if knows else "read"
    fields = [
        (f.name, _step_right(rights.get(f.name), "none" if f.sensitive else silent))
        for f in object.fields.values()
    ]
    return Grant(
        reason="step of an approval", object=object.name, actions=READ, condition=scopes.given(object.name, "read"),
        fields=tuple(fields), source="given", name=AT_STEP, scope="given",
    )  # fmt: skip


def _step_right(said: str | None, silent: FieldRight) -> FieldRight:
    return silent if said is None else "none" if said == "hidden" else "read"


def _columns_at_step(
    object: Object, master: Object, step: AtStep, knows: bool
) -> tuple[tuple[str, FieldRight], ...]:
    """Of details: what the step says of the set's columns, or of the set; the rest where his roles do not know the object."""
    rights = dict(step.rights)
    silent: FieldRight = "none" if knows else "read"
    set = next(
        (s.name for s in master.sets.values() if s.object == object.name and s.field == object.master), ""
    )
    return tuple(
        (
            f.name,
            _step_right(rights.get(f"{set}.{f.name}", rights.get(set)), "none" if f.sensitive else silent),
        )
        for f in object.fields.values()
    )


def _most(
    object: Object, roles: tuple[Role, ...], knowing: Object | None = None
) -> tuple[tuple[str, FieldRight], ...]:
    """The most permissive right on each field that one of the roles which read this object (of a detail: what it belongs
    to) has on it."""
    order: dict[str, int] = {"none": 0, "masked": 1, "read": 2, "edit": 3}
    known = (knowing or object).name
    readers = [r for r in roles if (entry := r.of(known)) is not None and "read" in entry.scopes]
    found: dict[str, Any] = {}
    for field in object.fields.values():
        rights = [
            Grant(reason="", object=object.name, fields=r.field_rights(object.name)).right(field)
            for r in readers
        ]
        if rights:
            found[field.name] = max(rights, key=order.__getitem__)
    return tuple(found.items())
