"""Asking: several plans at once -> one statement under the reader's rights -> the cells of each.

In: a connection, the frame of the call, what is wanted: plans, and which of their members stand for themselves. Out: `Cells` for
each. What a report needs besides its own figures (those of a period before, the groups further in that have a limit, the other
blocks of a joined report) is put together with UNION ALL: one text, one snapshot, one time limit; each part stands in brackets with
its own values, and its rows say whose they are. Asked again are only cells beyond the limit of their number (`MOST`), the largest first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import psycopg

from patron_engine.access.grants import audience
from patron_engine.model.cache import uncollected
from patron_engine.query.call import Call
from patron_engine.query.statement import Statement
from patron_engine.query.statement import kept as kept_texts
from patron_engine.query.values import call_values
from patron_engine.report import cells as figures
from patron_engine.report import statement, together
from patron_engine.report.aggregates import WIDTH
from patron_engine.report.answer import REST
from patron_engine.report.cells import Cells, Chosen, Place, Raw, merged, nothing, totalled
from patron_engine.report.constants import Constants
from patron_engine.report.foretold import First
from patron_engine.report.keeping import answered
from patron_engine.report.past import values_at
from patron_engine.report.plan import Plan, key_of
from patron_engine.report.statement import Form, Way
from patron_engine.report.together import Figured, Together

Connection = psycopg.Connection[Any]


@dataclass(frozen=True, slots=True)
class Wanted:
    """The figures of a plan. `chosen`: only these members stand for themselves, the others are REST (with `whole_row` in every row
    group where they are in the first). `first`: those of the first group that the database puts first."""

    plan: Plan
    chosen: Chosen = field(default_factory=dict)
    whole_row: bool = False
    first: First | None = None

    @property
    def form(self) -> Form:
        way: Way = "whole" if self.plan.additive else "sets"
        kept = tuple(sorted(self.chosen)) if self.first is None else (0,)
        return Form(way, most=figures.MOST, kept=kept, whole_row=self.whole_row, first=self.first)


def cells(conn: Connection, call: Call, plan: Plan) -> Cells:
    """All figures of one plan."""
    return several(conn, call, [Wanted(plan)])[0]


def several(conn: Connection, call: Call, wanted: Sequence[Wanted]) -> list[Cells]:
    """All figures of each plan, asked at once."""
    found = _ask(conn, call, wanted, [w.form for w in wanted])
    with uncollected():
        return [_whole(conn, call, w, some) for w, some in zip(wanted, found, strict=True)]


def question(call: Call, wanted: Sequence[Wanted]) -> tuple[Statement, Mapping[str, Any]]:
    """What is asked of the database, and with which values: to be explained."""
    return _put(call, wanted, [w.form for w in wanted])[:2]


def _whole(conn: Connection, call: Call, wanted: Wanted, found: Cells) -> Cells:
    """The cells with their totals, at most so many."""
    plan, form = wanted.plan, wanted.form
    if form.way == "whole" and len(found.whole(plan)) > figures.MOST:
        forms = [replace(form, cut=True, most=figures.MOST - 1), replace(form, way="sets")]
        largest, totals = _ask(conn, call, [wanted, wanted], forms, only_totals=1)
        return Cells({**largest.raw, **totals.raw}, {**largest.stored, **totals.stored}, cut=True)
    if form.way == "whole":
        return Cells(totalled(plan, found.raw), found.stored)
    whole = found.whole(plan)
    if len(whole) > figures.MOST:
        count = next(i for i, b in enumerate(plan.bases) if b.name == "")
        by_size = sorted(whole, key=lambda p: -found.raw[p][count][0])
        gone = set(by_size[figures.MOST :])
        return Cells({p: r for p, r in found.raw.items() if p not in gone}, found.stored, cut=True)
    return found


def _ask(
    conn: Connection,
    call: Call,
    wanted: Sequence[Wanted],
    forms: Sequence[Form],
    only_totals: int | None = None,
) -> list[Cells]:
    """Runs one statement and reads its rows. `only_totals`: the one of the parts whose cells are not looked at."""
    text, given, made = _put(call, wanted, forms)
    first = wanted[0].plan
    rows = answered(conn, call, text, given, first.request.keeping, str(first.body.get("name") or ""))
    parts = made.parts(rows) if isinstance(made, Together) else [rows]
    shapes = made.figured if isinstance(made, Together) else [made]
    with uncollected():
        return [
            _read(w.plan, shape, part, n == only_totals)
            for n, (w, shape, part) in enumerate(zip(wanted, shapes, parts, strict=True))
        ]


def _put(
    call: Call, wanted: Sequence[Wanted], forms: Sequence[Form]
) -> tuple[Statement, dict[str, Any], Figured | Together]:
    """One statement with its values."""
    texts = kept_texts(call.tables)
    whose = (audience(call.actor), call.actor.languages)
    keys = tuple((key_of(w.plan), form) for w, form in zip(wanted, forms, strict=True))
    if len(wanted) == 1:
        alone = texts.get(
            ("report", *whose, *keys[0]), lambda: together.figured(call, wanted[0].plan, forms[0])
        )
        return alone.statement, _values(call, wanted[0]), alone
    made = texts.get(
        ("reports", *whose, keys),
        lambda: together.together(
            call, [statement.built(call, w.plan, f) for w, f in zip(wanted, forms, strict=True)]
        ),
    )
    given = {
        together.named(n, name): value
        for n, w in enumerate(wanted)
        for name, value in _values(call, w).items()
    }
    return made.statement, given, made


def _values(call: Call, wanted: Wanted) -> dict[str, Any]:
    plan = wanted.plan
    given = {**call_values(call), **values_at(call, plan.as_of or plan.then), **Constants(plan).values}
    for place, members in wanted.chosen.items():
        given[f"kept.{place}"] = [m for m in members if m is not None]
        given[f"kept.{place}.none"] = None in members
    return given


class _Members(dict[Any, Any]):
    """What the database calls a member of one group -> the member; each is decoded once."""

    def __init__(self, place: int, decode: Callable[[Any], Any], stored: dict[tuple[int, Any], Any]) -> None:
        super().__init__()
        self._place, self._decode, self._stored = place, decode, stored

    def __missing__(self, value: Any) -> Any:
        member = self[value] = self._decode(value)
        self._stored[self._place, member] = value
        return member


def _read(plan: Plan, made: Figured, rows: Iterable[tuple[Any, ...]], only_totals: bool) -> Cells:
    count, across = len(plan.groups), len(plan.rows)
    raw: dict[Place, tuple[Raw, ...]] = {}
    stored: dict[tuple[int, Any], Any] = {}
    empty = tuple(nothing(b) for b in plan.bases)
    members = [_Members(place, g.decode, stored) for place, g in enumerate(plan.groups)]
    arms = [
        [(index, at, at + WIDTH.get(plan.bases[index].function, 1)) for index, at in arm] for arm in made.arms
    ]
    alone = len(arms) == 1  # its figures are all there are, in their order
    for row in rows:
        bits, rest = row[1], row[2]
        if bits or rest:
            if only_totals and not bits and count:
                continue
            found = [
                REST if rest >> place & 1 else members[place][row[3 + place]]
                for place in range(count)
                if not bits >> (count - 1 - place) & 1
            ]
            shown = sum(1 for i in range(across) if not bits >> (count - 1 - i) & 1)
        elif only_totals and count:
            continue
        else:
            found = [known[value] for known, value in zip(members, row[3:], strict=False)]
            shown = across
        key = (tuple(found[:shown]), tuple(found[shown:]))
        before = raw.get(key)
        if before is None and alone:
            raw[key] = tuple([row[first:last] for _, first, last in arms[0]])
            continue
        cell = list(before or empty)
        for index, first, last in arms[row[0]]:
            cell[index] = merged(plan.bases[index], cell[index], row[first:last])
        raw[key] = tuple(cell)
    raw.setdefault(((), ()), empty)
    return Cells(raw, stored)
