"""Question: what the address of a list asks: which view of which object, narrowed, sorted and arranged how.

In: the model, an actor, an object and the parameters of an address. Out: a `Question`; its `address()` is the parameters again,
so that every address can be shared. A personal view is given as its body, like a published one. Nothing is read here.

    ?view=NAME  &where=EXPRESSION  &q=WORDS  &sort=-amount,name  &columns=name,amount  &group=stage  &type=kanban
    &after=CURSOR (the place of the page)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, cast
from urllib.parse import urlencode

from patron_engine.access.pick import Body, documents_for
from patron_engine.actor import Actor
from patron_engine.errors import LimitExceeded
from patron_engine.fields.options import texts
from patron_engine.model.model import Model, Object
from patron_engine.page.hits import MAX_WORDS
from patron_engine.page.layout import columns_of
from patron_engine.page.paths import kept_order
from patron_engine.phrases import Phrase
from patron_engine.query.spec import MAX_FIELDS, MAX_SORT, Ask

Drawing = Literal["list", "kanban", "calendar", "gantt", "tree", "map"]
TOTALS = ("sum", "avg", "min", "max", "count")
DRAWINGS: tuple[Drawing, ...] = ("list", "kanban", "calendar", "gantt", "tree", "map")
ALL = "all"  # the view of every record: there where none is written, and for whom an address names it


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    path: str
    label: Mapping[str, str]
    total: str | None = None
    width: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A view as a page uses it. `personal` is the id of its owner's document; `body` what was written."""

    name: str
    label: Mapping[str, str]
    drawing: Drawing
    where: str | None
    columns: tuple[Column, ...]
    sort: tuple[str, ...]
    group_by: str | None
    color_by: str | None
    filters: tuple[str, ...]
    limit: int
    personal: str | None = None
    body: Body = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """`where` narrows the view further; `columns`, `sort`, `group`, `drawing` are those of the view unless the address says
    others (`own` names which it says)."""

    object: Object
    view: View
    where: str | None
    q: str | None
    columns: tuple[Column, ...]
    sort: tuple[str, ...]
    group: str | None
    drawing: Drawing
    after: str | None = None
    own: frozenset[str] = frozenset()

    @property
    def condition(self) -> str | None:
        """The view's condition and the address's together."""
        parts = [f"({part})" for part in (self.view.where, self.where) if part]
        return " and ".join(parts) if len(parts) > 1 else (self.view.where or self.where)

    def ask(self, **more: Any) -> Ask:
        """The question for the way read. The record's version and title always come along."""
        paths = [c.path for c in self.columns]
        fields = tuple(dict.fromkeys([*paths, *more.pop("also", ()), "version"]))
        return Ask(
            object=self.object.name, where=self.condition, fields=fields, sort=self.sort, q=self.q,
            after=self.after, **{"limit": self.view.limit, **more},
        )  # fmt: skip

    def address(self, **changes: Any) -> str:
        """The parameters of this question with some changed: `address(sort="-amount")`; None removes one."""
        return urlencode(self.parts(**changes))

    def _column(self, column: Column) -> str:
        """A column as an address has it: with its total, where the view says another."""
        written = next((c.total for c in self.view.columns if c.path == column.path), None)
        return column.path if column.total in (None, written) else f"{column.path}:{column.total}"

    def parts(self, **changes: Any) -> dict[str, str]:
        """The same as names and values: what a form of the page sends along."""
        given: dict[str, Any] = {
            "view": self.view.name,
            "where": self.where,
            "q": self.q,
            "sort": ",".join(self.sort) if "sort" in self.own else None,
            "columns": ",".join(self._column(c) for c in self.columns) if "columns" in self.own else None,
            "group": (self.group or "-") if "group" in self.own else None,
            "type": self.drawing if "type" in self.own else None,
        }
        given.update(changes)
        return {k: str(v) for k, v in given.items() if v not in (None, "")}


def views_of(model: Model, actor: Actor, object: Object, personal: Sequence[Body] = ()) -> tuple[View, ...]:
    """The views of an object this person may choose from: published ones, then his own and those shared with him."""
    published = [_view(model, actor, object, b) for b in documents_for(model, actor, "view", object.name)]
    own = [_view(model, actor, object, b) for b in personal]
    return (*published, *own) or (_view(model, actor, object, {"name": ALL}),)


def question_of(
    model: Model, actor: Actor, object: Object, parameters: Mapping[str, str], personal: Sequence[Body] = ()
) -> Question:
    """What an address asks. An unknown view is the first one that asks for nothing hidden from him; other names are judged by the way read."""
    views = views_of(model, actor, object, personal)
    chosen = [v for v in views if v.name == parameters.get("view")]
    if not chosen and parameters.get("view") == ALL:
        chosen = [_view(model, actor, object, {"name": ALL})]
    view = next(iter(chosen or [v for v in views if _asks_his(model, actor, object, v)] or views))
    own = frozenset(k for k in ("sort", "columns", "group", "type") if parameters.get(k))
    columns = view.columns
    if "columns" in own:
        known = {c.path: c for c in view.columns}
        named = _names(parameters["columns"], MAX_FIELDS, "query_fields")
        columns = tuple(_totalled(known, name) for name in named) or columns
    drawing = parameters.get("type", view.drawing)
    return Question(
        object=object,
        view=view,
        where=parameters.get("where") or None,
        q=parameters.get("q", "")[:MAX_WORDS] or None,
        columns=columns,
        sort=_names(parameters["sort"], MAX_SORT, "query_sort")
        if "sort" in own
        else _order(model, actor, object, view, drawing),
        group=(parameters["group"] if parameters["group"] != "-" else None)
        if "group" in own
        else view.group_by,
        drawing=drawing if drawing in DRAWINGS else view.drawing,
        after=parameters.get("after") or None,
        own=own,
    )


def _order(model: Model, actor: Actor, object: Object, view: View, drawing: str) -> tuple[str, ...]:
    """The view's; of a list without one that is drawn as a tree, that of a tree."""
    if drawing != "tree" or view.body.get("sort"):
        return view.sort
    return kept_order(model, actor, object, (object.title,)) or view.sort


def _totalled(known: Mapping[str, Column], name: str) -> Column:
    """A column of an address: "amount", or "amount:sum" for one whose sum stands below it."""
    path, _, total = name.partition(":")
    column = known.get(path) or Column(path=path, label={})
    return replace(column, total=total) if total in TOTALS else column


def _asks_his(model: Model, actor: Actor, object: Object, view: View) -> bool:
    """Whether its condition reads fields of the object that he reads, too."""
    condition = model.expressions.get(("view", view.name, "where"))
    return condition is None or len(kept_order(model, actor, object, tuple(condition.paths))) == len(
        condition.paths
    )


def _names(text: str, most: int, limit: str) -> tuple[str, ...]:
    """The names of a parameter, each once."""
    found = tuple(dict.fromkeys(name for name in text.split(",") if name))
    if len(found) > most:
        raise LimitExceeded(Phrase("an address names at most {most} of them", most=most), code=limit)
    return found


def _view(model: Model, actor: Actor, object: Object, body: Body) -> View:
    columns = [_column(c) for c in body.get("columns") or columns_of(model, actor, object)]
    sort = body.get("sort") or (
        object.title if body.get("type") == "tree" else "-created_at"
    )  # a tree is read by name
    return View(
        name=body["name"],
        label=texts(body.get("label")) or object.plural or object.label,
        drawing=cast(Drawing, body.get("type") or "list"),
        where=body.get("where"),
        columns=tuple(columns),
        sort=kept_order(model, actor, object, (sort,) if isinstance(sort, str) else tuple(sort)),
        group_by=body.get("group_by"),
        color_by=body.get("color_by"),
        filters=tuple(body.get("filters") or ()),
        limit=min(int(body.get("limit") or 50), 200),
        personal=body.get("personal"),
        body=body,
    )


def _column(item: Any) -> Column:
    if isinstance(item, str):
        return Column(path=item, label={})
    return Column(
        path=item["field"], label=texts(item.get("label")), total=item.get("total"), width=item.get("width")
    )
