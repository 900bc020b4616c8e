"""Layout: how a record of an object is shown and filled, for one person: sections, what hangs below, what stands on top.

In: the model, an actor, an object, a record type. Out: `Layout`, its names resolved against what the actor may read. Where
no layout is for him, one is made: what an object's author would expect who has written none. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from patron_engine.access.decide import Deny, readable, row_rule, visible, writable
from patron_engine.access.pick import Body, documents_for
from patron_engine.actor import Actor
from patron_engine.expr.compile import Expression
from patron_engine.fields.field import Field, Texts, nothing
from patron_engine.fields.options import texts
from patron_engine.model.model import LinkSet, Model, Object
from patron_engine.page.paths import kept_order

Truth = bool | Expression
WIDE = frozenset({"long_text", "rich_text", "address", "json"})  # take the whole width unless told otherwise
NOT_AT_A_GLANCE = WIDE | {"file", "image", "signature", "audio", "secret", "color", "barcode", "location", "tags", "date_range"}  # fmt: skip
BOOKKEEPING = ("owner", "department", "queue", "created_by", "created_at", "updated_by", "updated_at")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One field in a section. `required` and `readonly` are what the layout adds to the field's own."""

    field: Field
    path: str
    label: Texts
    help: Texts
    width: int
    visible: Truth = True
    required: Truth = False
    readonly: Truth = False
    default: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tab:
    name: str
    label: Texts


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """`table` is the set of details that is edited in it; then `places` are fields of its records. `tab` is the one it stands
    on; "" above them all."""

    name: str
    label: Texts
    help: Texts
    columns: int
    places: tuple[Place, ...]
    table: LinkSet | None = None
    totals: tuple[str, ...] = ()
    sort: tuple[str, ...] = ()
    collapsed: bool = False
    visible: Truth = True
    readonly: Truth = False
    tab: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Related:
    """A set of records shown beside the record."""

    set: LinkSet
    label: Texts
    columns: tuple[str, ...]
    where: str | None
    sort: tuple[str, ...]
    limit: int
    visible: Truth = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    name: str
    object: Object
    sections: tuple[Section, ...]
    related: tuple[Related, ...]
    highlights: tuple[str, ...]
    actions: tuple[str, ...]
    tabs: tuple[Tab, ...] = ()


def layout_of(model: Model, actor: Actor, object: Object, record_type: str | None = None) -> Layout:
    """The layout of this person for this object; one made of the fields where none is written for him."""
    return _layout(_Maker, model, actor, object, record_type)


def form_layout_of(model: Model, actor: Actor, object: Object, record_type: str | None = None) -> Layout:
    """The same for a form, secrets that he may write in their places."""
    return _layout(_Written, model, actor, object, record_type)


def only(layout: Layout, places: tuple[Place, ...]) -> Layout:
    """These fields and nothing else, one below the other."""
    return replace(layout, sections=(_plain("only", 1, places),), related=(), tabs=())


def _layout(
    kind: type[_Maker], model: Model, actor: Actor, object: Object, record_type: str | None
) -> Layout:
    found = documents_for(model, actor, "layout", object.name, record_type)
    maker = kind(model, actor, object, found[0] if found else {})
    return maker.written() if found else maker.made()


class _Maker:
    def __init__(self, model: Model, actor: Actor, object: Object, body: Body) -> None:
        self.model = model
        self.actor = actor
        self.object = object
        self.body = body

    # -- from a document --------------------------------------------------------------------------------------

    def written(self) -> Layout:
        sections = [self._section(s) for s in self.body.get("sections") or ()]
        related = [self._related(r) for r in self.body.get("related") or ()]
        return Layout(
            name=self.body["name"],
            object=self.object,
            sections=tuple(s for s in sections if s is not None),
            related=tuple(r for r in related if r is not None),
            highlights=tuple(p for p in self.body.get("highlights") or () if self._field(self.object, p)),
            actions=tuple(self.body.get("actions") or ()),
            tabs=tuple(Tab(name=t["name"], label=texts(t.get("label"))) for t in self.body.get("tabs") or ()),
        )

    def _section(self, body: Body) -> Section | None:
        name = body["name"]
        table = self._set(body.get("table")) if body.get("table") else None
        if body.get("table") and table is None:
            return None  # of records he may not see
        of = self.model.objects[table.object] if table else self.object
        at = f"sections.{name}"
        places = [self._place(of, item, f"{at}.fields") for item in body.get("fields") or ()]
        return Section(
            name=name,
            label=texts(body.get("label")),
            help=texts(body.get("help")),
            columns=int(body.get("columns") or 1),
            places=tuple(p for p in places if p is not None),
            table=table,
            totals=tuple(body.get("totals") or ()),
            sort=_several(body.get("sort")),
            collapsed=bool(body.get("collapsed")),
            visible=self._truth(body, "visible", at, True),
            readonly=self._truth(body, "readonly", at, False),
            tab=body.get("tab") or "",
        )

    def _place(self, of: Object, item: Any, at: str) -> Place | None:
        body: Body = {"field": item} if isinstance(item, str) else item
        path = body["field"]
        field = self._at(of, path)
        if field is None:
            return None
        at = f"{at}.{path}"
        return Place(
            field=field,
            path=path,
            label=texts(body.get("label")) or field.label,
            help=texts(body.get("help")) or field.help,
            width=int(body.get("width") or (2 if field.type in WIDE else 1)),
            visible=self._truth(body, "visible", at, True),
            required=self._truth(body, "required", at, False),
            readonly=self._truth(body, "readonly", at, False),
            default=body.get("default"),
        )

    def _related(self, item: Any) -> Related | None:
        body: Body = {"name": item} if isinstance(item, str) else item
        found = self._set(body["name"])
        if found is None:
            return None
        of = self.model.objects[found.object]
        return Related(
            set=found,
            label=texts(body.get("label")) or found.label or of.plural,
            columns=tuple(body.get("columns") or self._columns(of, found.field)),
            where=body.get("where"),
            sort=kept_order(self.model, self.actor, of, _several(body.get("sort")) or ("-created_at",)),
            limit=int(body.get("limit") or 10),
            visible=self._truth(body, "visible", f"related.{body['name']}", True),
        )

    def _truth(self, body: Body, key: str, at: str, silent: bool) -> Truth:
        value = body.get(key)
        if value is None or isinstance(value, bool):
            return silent if value is None else value
        return self.model.expressions.get(("layout", self.body["name"], f"{at}.{key}"), silent)

    # -- where none is written --------------------------------------------------------------------------------

    def made(self) -> Layout:
        own = [f for f in visible(self.model, self.actor, self.object.name).values() if not f.system]
        named = [f.name for f in own if f.type != "master"]
        sections = [_plain("fields", 2, self._places(named))]
        for name in self.object.details:
            table = self._set(name)
            if table is not None:
                of = self.model.objects[table.object]
                columns = [f.name for f in of.fields.values() if not f.system and f.name != table.field]
                sections.append(
                    Section(
                        name=name, label=table.label or of.plural, help=nothing(), columns=1,
                        places=tuple(p for p in (self._place(of, c, name) for c in columns[:8]) if p), table=table,
                    )
                )  # fmt: skip
        system = self._places(n for n in BOOKKEEPING if n in self.object.fields)
        sections.append(_plain("system", 2, system, collapsed=True))
        others = [s for s in self.object.sets if s not in self.object.details]
        return Layout(
            name="",
            object=self.object,
            sections=tuple(sections),
            related=tuple(r for r in map(self._related, others) if r is not None),
            highlights=tuple(
                n
                for n in named
                if n != self.object.title and self.object.fields[n].type not in NOT_AT_A_GLANCE
            )[:5],
            actions=(),
        )

    def _places(self, names: Iterable[str]) -> tuple[Place, ...]:
        return tuple(p for p in (self._place(self.object, n, "fields") for n in names) if p is not None)

    # -- names --------------------------------------------------------------------------------------------------

    def _at(self, of: Object, path: str) -> Field | None:
        """What a section shows at a path."""
        return self._field(of, path)

    def _field(self, of: Object, path: str) -> Field | None:
        """A field he may look at, or one behind links he may read."""
        here = of
        steps = path.split(".")
        for step in steps[:-1]:
            link = readable(self.model, self.actor, here.name).get(here.aliases.get(step, step))
            to = link.link.to if link is not None and link.expr.kind == "link" and not link.computed else ()
            if len(to) != 1:
                return None
            here = self.model.objects[to[0]]
        return visible(self.model, self.actor, here.name).get(here.aliases.get(steps[-1], steps[-1]))

    def _set(self, name: Any) -> LinkSet | None:
        found = self.object.sets.get(self.object.aliases.get(name, name))
        if found is None or isinstance(row_rule(self.model, self.actor, "read", found.object), Deny):
            return None
        return found if found.field in readable(self.model, self.actor, found.object) else None

    def _columns(self, of: Object, without: str) -> tuple[str, ...]:
        return columns_of(self.model, self.actor, of, without)


class _Written(_Maker):
    """The same for a form: it also has what is written and never read."""

    def _at(self, of: Object, path: str) -> Field | None:
        found = writable(self.model, self.actor, of.name).get(of.aliases.get(path, path))
        return found if found is not None and found.type == "secret" else super()._at(of, path)


def columns_of(model: Model, actor: Actor, of: Object, without: str = "") -> tuple[str, ...]:
    """The columns of a list nobody has written: its first view's, or the title and what tells records apart."""
    views = [v for v in documents_for(model, actor, "view", of.name) if v.get("columns")]
    fields = readable(model, actor, of.name)
    if views:
        named = [c if isinstance(c, str) else c["field"] for c in views[0]["columns"]]
        return tuple(n for n in named if n != without)[:8]
    skip = WIDE | {"secret", "json", "file", "image", "signature", "audio", "id"}
    own = [f.name for f in fields.values() if not f.system and f.type not in skip and f.name != without]
    title = [of.title] if of.title in fields else []
    rest = [n for n in own if n != of.title][:5]
    return (*title, *rest, *(n for n in ("owner", "created_at") if n in fields))


def _plain(name: str, columns: int, places: tuple[Place, ...], *, collapsed: bool = False) -> Section:
    return Section(
        name=name, label=nothing(), help=nothing(), columns=columns, places=places, collapsed=collapsed
    )


def _several(value: Any) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value or ())


def titles(model: Model, names: Iterable[str]) -> Mapping[str, Texts]:
    """Object -> what people call it."""
    return {n: model.objects[n].label for n in names if n in model.objects}
