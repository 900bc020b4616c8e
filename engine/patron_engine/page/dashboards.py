"""Dashboards: which there are for somebody, and one of them as tiles on a grid of twelve columns, with its filters.

In: the frame of a call, a name, the parameters of an address. Out: a `Dashboard` of plain values, and for each tile what the
filters above it ask of its records (`asked_of`). Nothing is read here: each tile is asked and drawn by itself.

    ?period=this_month   &period=2026-01-01..2026-03-31   &period=..2026-03-31   &owner=ID   &stage=won,lost   &period= (any)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

from patron_engine.access.decide import Deny, row_rule
from patron_engine.access.pick import Body, documents_for, fits
from patron_engine.errors import NotFound
from patron_engine.expr.context import Context
from patron_engine.fields.field import Texts
from patron_engine.fields.options import texts
from patron_engine.model.model import Model
from patron_engine.page.conditions import Condition, Group, write_conditions
from patron_engine.page.dashboard_filters import Chosen, chosen_of
from patron_engine.page.paths import value_type
from patron_engine.query.call import Call
from patron_engine.ways import figure, goal

Kind = Literal["report", "view", "goal", "text"]
KINDS: tuple[Kind, ...] = ("report", "view", "goal", "text")
COLUMNS = 12
PARAMETER = "parameters."  # what a filter reaches when it sets a parameter of a report
ANY = "any"  # a parameter in an address that nothing was chosen for, whatever its default
LONGEST = 200  # characters of a filter in an address that are looked at


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """`to` is the name of the report, view or goal; `body` what was written."""

    name: str
    kind: Kind
    to: str
    label: Texts
    x: int
    y: int
    w: int
    h: int
    body: Body


@dataclass(frozen=True, slots=True, kw_only=True)
class Dashboard:
    """`tiles` in the order one reads them. `chosen` are the filters with what stands in them."""

    name: str
    label: Texts
    tiles: tuple[Tile, ...]
    chosen: tuple[Chosen, ...] = ()

    def tile(self, name: str) -> Tile:
        """NotFound for one it has not."""
        found = next((t for t in self.tiles if t.name == name), None)
        if found is None:
            raise NotFound("this dashboard has no such tile")
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Narrowed:
    """What the filters of a dashboard ask of one tile: days by the path of a date, further conditions over its object.
    `moments` are the paths whose values are moments, which are asked by their business day. `parameters` are those of a report,
    as its address has them."""

    reaches: Mapping[str, tuple[date | None, date | None]]
    filters: tuple[str, ...]
    moments: frozenset[str] = frozenset()
    parameters: Mapping[str, str] = field(default_factory=dict)

    @property
    def condition(self) -> str | None:
        """All of it as one condition, for a list."""
        days = [
            _days(f"DAY_OF({path})" if path in self.moments else path, *span)
            for path, span in self.reaches.items()
        ]
        parts = [f"({part})" for part in (*days, *self.filters) if part]
        return " and ".join(parts) or None


def dashboards_of(call: Call) -> list[Body]:
    """The dashboards this person may open, best first; those whose `for` is silent are everybody's."""
    return documents_for(call.model, call.actor, "dashboard")


def homes_of(call: Call) -> list[Body]:
    """The dashboards that are a home page of his roles; for an administrator without such a role the first there is."""
    found = [b for b in dashboards_of(call) if b.get("home_for") and fits({"for": b["home_for"]}, call.actor)]
    own = [b for b in found if call.actor.roles & set((b["home_for"] or {}).get("roles") or call.actor.roles)]
    return sorted(own or found, key=lambda b: -int(b.get("priority") or 0))


def body_of(call: Call, name: str) -> Body:
    """NotFound for one that is not there, or not his."""
    found = next((b for b in dashboards_of(call) if b["name"] == name), None)
    if found is None:
        raise NotFound("there is no such dashboard, or it is not yours")
    return found


def dashboard_of(model: Model, body: Body, given: Mapping[str, str], context: Context) -> Dashboard:
    """A dashboard with what the address chooses. Refused for a choice that is none."""
    tiles = sorted(tiles_in(body), key=lambda t: (t.y, t.x))
    filters = body.get("filters") or ()
    chosen = [
        chosen_of(model, str(body["name"]), number, f, _text(given, f["name"]), context)
        for number, f in enumerate(filters)
    ]
    return Dashboard(
        name=str(body["name"]),
        label=texts(body.get("label")) or {"": str(body["name"])},
        tiles=tuple(tiles),
        chosen=tuple(chosen),
    )


def _text(given: Mapping[str, str], name: str) -> str | None:
    text = given.get(name)
    return None if text is None else text[:LONGEST]


def opens(call: Call, tile: Tile) -> bool:
    """Whether he may look at what the tile shows: a list of an object he may not read is not on his page."""
    if tile.kind == "view":
        object = call.model.object(object_of(call.model, tile) or "")
        return object is not None and not isinstance(
            row_rule(call.model, call.actor, "read", object.name), Deny
        )
    if tile.kind == "report" and ("report", tile.to) in call.model.documents:
        return figure.allowed(call, tile.to)
    return tile.kind != "goal" or tile.to in goal.goals_of(call)


def object_of(model: Model, tile: Tile) -> str | None:
    """Whose records a tile shows, where they are of one object."""
    found = model.documents.get((tile.kind, tile.to), {}).get("object")
    return None if found is None else str(found)


def tiles_in(body: Body) -> Iterator[Tile]:
    for tile in body.get("tiles") or ():
        kind = next((k for k in KINDS if tile.get(k)), None)
        if kind is None:
            continue
        at = tile["at"]
        yield Tile(
            name=str(tile["name"]), kind=kind, to="" if kind == "text" else str(tile[kind]),
            label=texts(tile.get("label")) or {}, x=at["x"], y=at["y"], w=min(at["w"], COLUMNS - at["x"]), h=at["h"],
            body=tile,
        )  # fmt: skip


def narrowed(model: Model, dashboard: Dashboard, tile: Tile, object: str | None) -> Narrowed:
    """What the filters ask of a tile whose records are of `object`."""
    reaches: dict[str, tuple[date | None, date | None]] = {}
    filters: list[str] = []
    parameters: dict[str, str] = {}
    for one in dashboard.chosen:
        path = one.reaches.get(tile.name) or one.reaches.get(tile.to)
        if path is not None and path.startswith(PARAMETER):
            parameters.update(_parameter(path.removeprefix(PARAMETER), one))
            continue
        if path is None or one.empty:
            continue
        if one.span is not None:
            reaches[path] = one.span
        else:
            filters.append(_condition(model, object, path, one.values))
    moments = frozenset(path for path in reaches if _type(model, object, path) == "datetime")
    return Narrowed(reaches=reaches, filters=tuple(filters), moments=moments, parameters=parameters)


def _parameter(name: str, one: Chosen) -> dict[str, str]:
    """A parameter of a report as the address of its page has it. Where nothing is chosen it holds everything, not its default."""
    if one.empty:
        return {f"p.{name}": ANY}
    if one.span is not None:
        ends = zip(("from", "to"), one.span, strict=True)
        return {f"p.{name}.{end}": day.isoformat() for end, day in ends if day is not None}
    return {f"p.{name}": ",".join(one.values)}


def _type(model: Model, object: str | None, path: str) -> str:
    field = None if object is None else model.follow(object, path)
    return value_type(field) if field is not None else "text"


def _condition(model: Model, object: str | None, path: str, values: Sequence[str]) -> str:
    """The condition that a field is one of the values; of a field of several, that it has one of them."""
    kind = _type(model, object, path)
    numbers = kind in ("integer", "decimal", "percent", "money", "rating", "duration")
    if kind == "boolean":
        return write_conditions(Group(items=(Condition(path, "yes" if values[0] == "true" else "no"),)))
    operator = "has" if kind in ("multi_select", "tags") else "is"
    items = tuple(Condition(path, operator, (value,), numbers=numbers) for value in values)
    return write_conditions(Group(all=False, items=items))


def _days(path: str, first: date | None, last: date | None) -> str:
    bounds = ((">=", first), ("<=", last))
    return " and ".join(
        f"{path} {sign} DATE({day.year}, {day.month}, {day.day})" for sign, day in bounds if day is not None
    )


def placed(bodies: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Tiles one after the other, each with the width and height it has, as rows of a grid have room for them."""
    made: list[dict[str, Any]] = []
    x = y = row = 0
    for body in bodies:
        w, h = min(int(body["at"]["w"]), COLUMNS), int(body["at"]["h"])
        if x + w > COLUMNS:
            x, y, row = 0, y + row, 0
        made.append({**body, "at": {"x": x, "y": y, "w": w, "h": h}})
        x, row = x + w, max(row, h)
    return made
