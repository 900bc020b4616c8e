"""Resolve: every name of a question against what the asker may read, before anything else is done with it.

In: an Ask and the frame of the call. Out: a Resolved, whose names all exist and are his to read. Raises NotFound for an
object, Refused for the rest with all problems at once. What one may not read is answered as what does not exist: the
same code, the same words, no nearer hint.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from patron_engine.access.decide import readable
from patron_engine.access.grants import audience
from patron_engine.errors import NotFound, Refused
from patron_engine.expr.compile import Expression
from patron_engine.model.model import LinkSet, Object
from patron_engine.phrases import Phrase
from patron_engine.problems import nearest
from patron_engine.query.call import Call
from patron_engine.query.names import Key, Named, Names, known_object
from patron_engine.query.shape import ConditionShape, shape_of
from patron_engine.query.spec import Ask, Within
from patron_engine.query.statement import kept
from patron_engine.query.template import Template, mask, template_of


@dataclass(frozen=True, slots=True)
class Resolved:
    """A question whose names are known."""

    ask: Ask
    object: Object
    shown: tuple[Named, ...]
    sort: tuple[Key, ...]
    where: Expression | None
    shape: ConditionShape | None
    within: LinkSet | None
    search: tuple[str, ...]
    notes: tuple[str, ...]


def resolve(call: Call, ask: Ask) -> Resolved:
    """All names of `ask`. The work is kept per release, audience and text; values play no part in it."""
    who = audience(call.actor)
    store = kept(call.tables)
    names = (who, ask.object, ask.fields, ask.sort, ask.deleted, _set(ask), bool(ask.q))
    masked = mask(ask.where) if ask.where is not None else None
    form = masked.form if masked is not None else ask.where
    known: tuple[Resolved, Template | None] | None = store.look(("resolved", form, *names))
    if known is not None and (masked is None or known[0].ask.where == ask.where):
        return replace(known[0], ask=ask)
    if known is not None and known[1] is not None and masked is not None:
        values = known[1].values(masked)
        if values is not None and known[0].shape is not None:
            return replace(known[0], ask=ask, shape=replace(known[0].shape, values=values))
    found = _resolve(call, ask)
    template = None
    if masked is not None and found.where is not None and found.shape is not None:
        template = template_of(ask.where or "", masked, found.where, found.shape)
    store.put(("resolved", form, *names), (found, template))
    return found


def _members(call: Call, within: Within) -> Object:
    """The object of a set's records, where the question names the set alone."""
    owner = known_object(call, within.object)
    known = {
        name: s for name, s in owner.sets.items() if s.field in readable(call.model, call.actor, s.object)
    }
    found = known.get(owner.aliases.get(within.set, within.set))
    if found is None:
        raise NotFound(
            Phrase("{owner} has no set {set!r}", owner=owner.name, set=within.set[:60]),
            code="unknown_set",
            hint=nearest(within.set[:60], known),
        )
    return known_object(call, found.object)


def _set(ask: Ask) -> tuple[str, str] | None:
    return (ask.within.object, ask.within.set) if ask.within else None


def _resolve(call: Call, ask: Ask) -> Resolved:
    object = known_object(call, ask.object) if ask.object or not ask.within else _members(call, ask.within)
    names = Names(call.tables, call.actor)
    shown = names.shown(object, ask)
    sort = names.sort(object, ask.sort)
    where = names.where(object, ask.where)
    search = names.search(object) if ask.q else ()
    within = names.within(call, object, ask)
    if names.problems:
        raise Refused(tuple(names.problems))
    return Resolved(
        ask=ask,
        object=object,
        shown=shown,
        sort=sort,
        where=where,
        shape=shape_of(where) if where is not None else None,
        within=within,
        search=search,
        notes=tuple(dict.fromkeys(names.notes)),
    )
