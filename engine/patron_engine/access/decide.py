"""Decide: may this actor do this, and on which rows. The one place both ways, save and read, ask.

In: the model, the actor, an action on an object (and a field). Out: `Allow | Deny | When(condition)`, each with its
reasons. A condition is a compiled expression over the object's own columns and the actor (`me()`): the planner puts it
on every table it reads, the targets of paths included, and a save judges the locked row and the after-image by it.

An object or field that one may not read is unknown: callers answer as for a name that does not exist.
Never reads a record and never talks to a database.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from patron_engine.access import grants as given
from patron_engine.access.decision import Allow, Decision, Deny, When, joined
from patron_engine.access.fields import FieldRule, field_rule, readable, visible, writable
from patron_engine.actor import Actor
from patron_engine.model.model import Model, Object, label_of
from patron_engine.phrases import Phrase

__all__ = [
    "ACTION_WORDS", "Action", "Allow", "Decision", "Deny", "FieldRule", "When", "after_rule", "decide", "field_rule",
    "not_allowed", "reaches_any", "readable", "row_rule", "visible", "writable",
]  # fmt: skip

Action = Literal[
    "read", "create", "update", "delete", "restore", "purge", "void", "assign", "share", "convert", "merge",
    "transfer", "import", "export", "bulk",
]  # fmt: skip
ACTION_WORDS: Final[Mapping[Action, Phrase]] = {
    "read": Phrase("read"), "create": Phrase("create"), "update": Phrase("update"), "delete": Phrase("delete"),
    "restore": Phrase("restore"), "purge": Phrase("purge"), "void": Phrase("void"), "assign": Phrase("assign"),
    "share": Phrase("share"), "convert": Phrase("convert"), "merge": Phrase("merge"), "transfer": Phrase("transfer"),
    "import": Phrase("import"), "export": Phrase("export"), "bulk": Phrase("change many of"),
}  # fmt: skip


def decide(model: Model, actor: Actor, action: Action, object: str, field: str | None = None) -> Decision:
    """May `actor` do `action` on records of `object` (and touch `field` in doing so)?"""
    rule = row_rule(model, actor, action, object)
    if field is None or isinstance(rule, Deny):
        return rule
    names = readable(model, actor, object) if action in ("read", "export") else writable(model, actor, object)
    if field not in names:
        lacks = Phrase("{object} has no field {field!r} that {who} may use", object=object, field=field, who=_who(actor))  # fmt: skip
        return Deny(reasons=(lacks,))
    return rule


def row_rule(model: Model, actor: Actor, action: Action, object: str) -> Decision:
    """Which rows of `object` the action reaches."""
    return _ruled(model, actor, action, object, after=False)


def reaches_any(model: Model, actor: Actor, action: Action) -> bool:
    """Whether some object grants the action on some row."""
    return any(g.actions is None or action in g.actions for g in given.grants_of(model, actor))


def after_rule(model: Model, actor: Actor, action: Action, object: str) -> Decision:
    """Which rows a record may be among once it was handed to somebody else."""
    return _ruled(model, actor, action, object, after=True)


def _ruled(model: Model, actor: Actor, action: Action, object: str, *, after: bool) -> Decision:
    if object not in model.objects:
        return Deny(reasons=(Phrase("there is no object {object!r}", object=object),))
    grants = [g for g in given.grants_of(model, actor) if g.covers(object, action)]
    if not grants:
        closed = Phrase(
            "nothing grants {who} to {action} {object}",
            who=_who(actor),
            action=ACTION_WORDS[action],
            object=object,
        )
        return Deny(reasons=(closed,))
    return joined(model, grants, after=after)


def _who(actor: Actor) -> str:
    return actor.name or actor.user or Phrase("an unknown caller")


def not_allowed(action: Action, object: Object, languages: tuple[str, ...] = ("en",)) -> Phrase:
    """What somebody reads who may not do this with records of an object."""
    label = label_of(object.label, object.name, languages)
    return Phrase("you may not {action} {object}", action=ACTION_WORDS[action], object=label)
