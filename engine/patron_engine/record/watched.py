"""Watched: of which objects a save notes something for flow, and what of other objects concerns them. Made once a release.

In: the stage paths, pools and SLAs of a model. Out: `Watched` by object: its pools, the first first, and what looks at its records,
those that hang on others included. Touches no database.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from patron_engine.access.pick import Body
from patron_engine.access.pools import pools_of
from patron_engine.expr.compile import Expression
from patron_engine.model.model import Model
from patron_engine.record.program import Programs


@dataclass(frozen=True, slots=True)
class Feed:
    """Records of another object that conditions of `object` look at, by the link they hang on."""

    link: str
    object: str
    created: bool  # only new ones count


@dataclass(slots=True)
class Watched:
    """Of one object: its pools, the first first; whether it has paths; whether SLAs or tasks of stages look at it; whether
    its pools take back; what hangs on others that are watched."""

    pools: Sequence[Body] = field(default_factory=list)
    paths: bool = False
    looked_at: bool = False
    timed: set[str] = field(
        default_factory=set
    )  # fields that conditions of SLAs read: a look knows what they were
    returns: bool = False
    unclaimed: set[str] = field(default_factory=set)  # pools in which a record may wait for a while only
    locks: Sequence[Body] = ()  # how many records an owner may keep out of a pool
    feeds: list[Feed] = field(default_factory=list)


def watched_of(programs: Programs) -> Mapping[str, Watched]:
    """Made once a release."""
    found: Mapping[str, Watched] = programs.keep("standing", lambda: _watched(programs.model))
    return found


def _watched(model: Model) -> Mapping[str, Watched]:
    found: dict[str, Watched] = defaultdict(Watched)
    for (kind, name), body in model.documents.items():
        if kind not in ("stage_path", "pool", "sla") or body["object"] not in model.objects:
            continue
        object: str = body["object"]
        here = found[object]
        if kind == "pool" and "owner" in model.objects[object].fields:
            here.pools = pools_of(model, object)
            here.locks = [b["lock"] for b in here.pools if b.get("lock")]
            here.unclaimed |= {name} if body.get("unclaimed") else set()
            cases = body.get("return") or ()
            here.returns = here.returns or bool(cases)
            named = {key.removeprefix("no_") for case in cases for key in case if key.startswith("no_")}
            for of in sorted(named):
                _feed(
                    found,
                    model,
                    object,
                    [s.field for s in model.objects[object].sets.values() if s.object == of],
                    of,
                    True,
                )
        elif kind == "stage_path":
            here.paths = True
            here.looked_at = here.looked_at or any(
                t.get("done_when") for s in body["stages"] for t in s.get("tasks") or ()
            )
        elif kind == "sla":
            here.looked_at = True
            here.timed |= _read_by(model, kind, name)
        if kind != "pool":
            for of, link in _counted(model, kind, name, object):
                _feed(found, model, object, [link], of, False)
    return dict(found)


def _read_by(model: Model, kind: str, name: str) -> set[str]:
    """The record's own fields that conditions of a document read."""
    found = [e for (k, n, _), e in model.expressions.items() if (k, n) == (kind, name)]
    paths = {p.removeprefix("this.") for e in found if isinstance(e, Expression) for p in e.paths}
    return {p.partition(".")[0] for p in paths}


def _feed(
    found: dict[str, Watched], model: Model, object: str, links: Sequence[str], of: str, created: bool
) -> None:
    for link in links:
        feed = Feed(link=link, object=object, created=created)
        if feed not in found[of].feeds:
            found[of].feeds.append(feed)


def _counted(model: Model, kind: str, name: str, object: str) -> Iterator[tuple[str, str]]:
    """(object, link) of the sets that conditions of a document count: COUNT(activities) looks at activities, by `about`."""
    for (k, n, at), expression in model.expressions.items():
        if (
            (k, n) != (kind, name)
            or not (kind == "sla" or at.endswith(".done_when"))
            or not isinstance(expression, Expression)
        ):
            continue
        for node in expression.aggregates:
            among = (
                model.objects[object].sets.get(node.sets[0])
                if node.sets and node.base in ("", "this")
                else None
            )
            if among is not None:
                yield among.object, among.field
