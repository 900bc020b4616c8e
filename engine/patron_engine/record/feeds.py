"""Feeds: which figures of which parents depend on a record. Model stage: made once a release, pure.

In: the model's stored roll-ups, rules over sets, stored formulas that read through links. Out: by object, what a change
of one of its records touches further up. record/figures brings it up to date.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from patron_engine.fields.field import Field, LinkSpec, Rollup
from patron_engine.model.model import Model, Object
from patron_engine.query.sets import tree_field
from patron_engine.record.check import conditions
from patron_engine.record.needs import Needs
from patron_engine.record.program import Closure, Programs

ALIVE = frozenset({"deleted_at", "voided_at"})
BY_DELTA = frozenset({"count", "sum"})
BY_COMPARISON = frozenset({"min", "max"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """One step from a record to the one above: the `link` field of `object` points at `target`."""

    object: str
    link: Field
    target: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Figure:
    """A stored roll-up, or the sets of a rule, seen from the records it is made of.

    hops    from those records up to the parent
    name    the roll-up's field, or "set:payments" where only rules look
    value   the key in the record's values that is summed or compared; None: records are counted
    where   the condition a record must fit, when it can be judged on the record alone
    how     delta | compare | again (ask the database) | watch (only rules look)
    reads   names of the record whose change matters, its link and its being there aside
    tree    the parent object's tree link when the figure runs over whole trees
    """

    parent: str
    name: str
    hops: tuple[Hop, ...]
    how: str
    function: str = ""
    value: str | None = None
    where: Closure | None = None
    reads: frozenset[str] | None = frozenset()
    tree: str | None = None
    document: bool = False  # records in their parent's own currency


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Follower:
    """A stored formula that reads `reads` of records beyond its links: `hops` lead from its record to them."""

    object: str
    name: str
    hops: tuple[Hop, ...]
    reads: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Feeds:
    """All of a release, by the object of the record that changes."""

    figures: dict[str, list[Figure]]  # its records are what a figure is made of
    between: dict[str, list[tuple[Figure, int]]]  # its records stand between (hop number)
    trees: dict[str, list[Figure]]  # its tree carries the figure upwards
    followers: dict[str, list[Follower]]

    def touches(self, object: str) -> bool:
        """False when nothing anywhere depends on records of `object`."""
        return any(object in d for d in (self.figures, self.between, self.trees, self.followers))


def feeds_of(programs: Programs) -> Feeds:
    """Those of a release, made when first asked for."""
    found: Feeds = programs.keep("feeds", lambda: _make(programs))
    return found


def counted_over(programs: Programs, object: str) -> frozenset[str]:
    """Links over which every record of `object`, whatever it says, is in a figure of the record it points at."""

    def make() -> frozenset[str]:
        figures = feeds_of(programs).figures.get(object, ())
        near = [
            f for f in figures if len(f.hops) == 1 and f.tree is None and f.where is None and f.how != "watch"
        ]
        return frozenset(f.hops[0].link.name for f in near)

    found: frozenset[str] = programs.keep(("feeds.counted", object), make)
    return found


def _make(programs: Programs) -> Feeds:
    feeds = Feeds(
        figures=defaultdict(list),
        between=defaultdict(list),
        trees=defaultdict(list),
        followers=defaultdict(list),
    )
    for object in programs.model.objects.values():
        for field in object.fields.values():
            if isinstance(field.spec, Rollup) and field.columns:
                _add(feeds, _figure(programs, object, field, field.spec))
        for figure in _watched(programs, object):
            _add(feeds, figure)
        for follower in _followers(programs, object):
            feeds.followers[follower.hops[-1].target].append(follower)
    return Feeds(
        figures=dict(feeds.figures), between=dict(feeds.between), trees=dict(feeds.trees),
        followers=dict(feeds.followers),
    )  # fmt: skip


def _add(feeds: Feeds, figure: Figure) -> None:
    feeds.figures[figure.hops[0].object].append(figure)
    for number, hop in enumerate(figure.hops[1:], start=1):
        feeds.between[hop.object].append((figure, number))
    if figure.tree is not None:
        feeds.trees[figure.parent].append(figure)


def _hops(model: Model, object: Object, path: Sequence[str]) -> tuple[Hop, ...]:
    """A path of sets downwards, read upwards."""
    hops: list[Hop] = []
    here = object
    for name in path:
        found = here.sets[here.aliases.get(name, name)]
        link = model.objects[found.object].fields[found.field]
        hops.append(Hop(object=found.object, link=link, target=here.name))
        here = model.objects[found.object]
    return tuple(reversed(hops))


def _figure(programs: Programs, object: Object, field: Field, spec: Rollup) -> Figure:
    hops = _hops(programs.model, object, spec.path)
    leaf = programs[hops[0].object]
    document = all(isinstance(h.link.spec, LinkSpec) and h.link.spec.document for h in hops)
    needs = leaf.needs(spec.where) if spec.where is not None else Needs(reads=frozenset())
    own = needs.simple and not any(p.startswith("this.") for p in (spec.where.paths if spec.where else ()))
    value = spec.field
    if value is not None and not document and value in leaf.bases:
        value = f"{value}.base"
    reads = set(needs.reads)
    if spec.field is not None:
        reads |= {spec.field, value} if value else {spec.field}
    reads |= {path.partition(".")[0] for path, _ in spec.sort}
    if spec.function in ("first", "last", "concat") and not spec.sort:
        reads.add("created_at")
    plain = own and len(hops) == 1 and not spec.deep and (spec.field is None or "." not in spec.field)
    if plain and spec.field is not None and not leaf.fields[spec.field].columns:
        plain = False
    how = "again"
    if plain and spec.function in BY_DELTA:
        how = "delta"
    elif plain and spec.function in BY_COMPARISON and leaf.fields[spec.field or "id"].expr.kind in ORDERED:
        how = "compare"
    return Figure(
        parent=object.name, name=field.name, hops=hops, how=how, function=spec.function, value=value,
        where=leaf.closure(spec.where) if spec.where is not None and own else None,
        reads=frozenset(reads), document=document,
        tree=_tree(object, spec) if spec.deep else None,
    )  # fmt: skip


ORDERED = frozenset(
    {"number", "date", "datetime", "time", "duration"}
)  # compared alike here and in the database


def _tree(object: Object, spec: Rollup) -> str:
    return tree_field(object, object.sets[object.aliases.get(spec.path[0], spec.path[0])])


def _watched(programs: Programs, object: Object) -> list[Figure]:
    """Sets that rules of the object read, and computed roll-ups they mention."""
    found: dict[tuple[str, ...], Figure] = {}
    for condition in conditions(programs[object.name]):
        paths = [
            (f"set:{node.sets[0]}", tuple(node.sets))
            for node in condition.needs.aggregates
            if node.base in ("", "this")
        ]
        for name in condition.needs.rollups:
            spec = object.fields[name].spec
            if isinstance(spec, Rollup):
                paths.append((name, spec.path))
        for name, path in paths:
            if path:
                found[(name, *path)] = Figure(
                    parent=object.name,
                    name=name,
                    hops=_hops(programs.model, object, path),
                    how="watch",
                    reads=None,
                )
    return list(found.values())


def _followers(programs: Programs, object: Object) -> list[Follower]:
    """Stored formulas that read beyond links."""
    found = []
    for name, _, needs in programs[object.name].formulas:
        for link in needs.links:
            hops: list[Hop] = []
            here = object
            steps = [s for s in (link.link, *link.path.split(".")) if not s.startswith("[")]
            for step in steps:
                field = here.field(step)
                if field is None:
                    break
                if hops:
                    found.append(Follower(object=object.name, name=name, hops=tuple(hops), reads=field.name))
                if not isinstance(field.spec, LinkSpec) or field.spec.many:
                    break
                target = link.target if not hops else field.spec.to[0]
                hops.append(Hop(object=here.name, link=field, target=target))
                here = programs.model.objects[target]
    return found
