"""Joined: several blocks side by side over groups they share: what was planned beside what came in, month by month.

In: the frame of the call, a Request of the type joined. Out: its Answer: rows are the shared groups, figures those of every block and
then the report's own, made of them; of one cell the question over the block its figure belongs to. Each block is a summary of its own
object, asked in one statement with the others and totalled as any other; a member that only one block has is there, and the others have nothing in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

import psycopg

from patron_engine.errors import Refused
from patron_engine.expr.functions.adding import add_months
from patron_engine.expr.types import NUMBER
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem
from patron_engine.query.call import Call
from patron_engine.query.spec import Ask
from patron_engine.report import cells as figures
from patron_engine.report.answer import Answer, Figure, Key, Request, Spot
from patron_engine.report.answering import answer as answered
from patron_engine.report.answering import gather, needs
from patron_engine.report.arranging import Order, filled
from patron_engine.report.asking import several
from patron_engine.report.cells import Cells
from patron_engine.report.drill import Depth
from patron_engine.report.earlier import MONTHS
from patron_engine.report.explain import shown, told
from patron_engine.report.formulas import Values, early, measured, work_out
from patron_engine.report.goal_cells import Goals
from patron_engine.report.measures import Formula, figures_of, formula_of, ordered
from patron_engine.report.parameters import context_of, read_parameters
from patron_engine.report.past_records import listed_then
from patron_engine.report.plan import Plan, axes, plan
from patron_engine.report.reader import Reader


@dataclass(frozen=True, slots=True)
class Joined:
    """`blocks`: (name, its plan). `figures` are the report's own, `formulas` in the order they need one another."""

    body: Mapping[str, Any]
    blocks: tuple[tuple[str, Plan], ...]
    formulas: tuple[Formula, ...]
    figures: tuple[Figure, ...]

    @property
    def first(self) -> Plan:
        return self.blocks[0][1]


def joined(call: Call, request: Request) -> Joined:
    """The plan of a joined report. Refused with all problems, NotFound for an object that is not his to read."""
    body = request.body
    _check(body)
    wrong: list[Problem] = []
    blocks: list[tuple[str, Plan]] = []
    for index, block in enumerate(body["blocks"]):
        try:
            blocks.append((block["name"], plan(call, _block(request, block))))
        except Refused as refused:
            wrong += [
                replace(p, path=f"blocks[{index}].{p.path}" if p.path else f"blocks[{index}]")
                for p in refused.problems
            ]
    if wrong:
        raise Refused(wrong)
    reader = Reader(call, blocks[0][1].parameters)
    read_parameters(call, body, request.parameters, reader.problems)
    own = body.get("measures") or ()
    known = {f.name: NUMBER for _, made in blocks for f in made.figures}
    names = {**known, **{m["name"]: NUMBER for m in own}}
    formulas = []
    for index, measure in enumerate(own):
        others = {n: t for n, t in names.items() if n != measure["name"]}
        found = reader.formula(
            str(measure.get("expression") or ""), None, f"measures[{index}].expression", others
        )
        if found is not None:
            formulas.append(formula_of(measure["name"], found, names))
    made = ordered(formulas, reader.problems)
    if reader.problems:
        raise Refused(tuple(reader.problems))
    told = [figure for _, block in blocks for figure in block.figures]
    return Joined(body, tuple(blocks), made, figures_of(call, own, (), made, told))


def _check(body: Mapping[str, Any]) -> None:
    """Every block says which of its fields is each shared group; a figure's name means one figure."""
    groups = [g["name"] for g in body.get("group") or ()]
    wrong, seen = [], set()
    if not groups:
        said = Phrase("a joined report needs a group that its blocks share")
        wrong.append(Problem(code="required", message=said, path="group"))
    for index, block in enumerate(body["blocks"]):
        for name in groups:
            if name not in block["on"]:
                said = Phrase(
                    "the block {block!r} does not say which of its fields is {name!r}",
                    block=block["name"],
                    name=name,
                )
                wrong.append(Problem(code="required", message=said, path=f"blocks[{index}].on.{name}"))
        for at, measure in enumerate(block["measures"]):
            if measure["name"] in seen:
                said = Phrase("{name!r} is the name of another figure", name=measure["name"])
                wrong.append(
                    Problem(code="duplicate_name", message=said, path=f"blocks[{index}].measures[{at}].name")
                )
            seen.add(measure["name"])
    if wrong:
        raise Refused(wrong)


def _block(request: Request, block: Mapping[str, Any]) -> Request:
    """A block as the summary it is. A day a reader chose for a shared group is chosen for the block's own field; his conditions are asked
    of every block, and one that a block's records cannot answer is refused with its place."""
    groups = request.body.get("group") or ()
    body = {
        "kind": "report",
        "name": request.body.get("name"),
        "type": "summary",
        "object": block["object"],
        "where": block.get("where"),
        "rows": [{**g, "field": block["on"][g["name"]]} for g in groups],
        "measures": block["measures"],
        "totals": ["rows", "columns", "grand"],
        "parameters": request.body.get("parameters") or (),
        **{key: request.body[key] for key in ("zone", "as_of") if request.body.get(key) is not None},
    }
    reaches = {
        block["on"][g["name"]]: request.reaches[g["name"]] for g in groups if g["name"] in request.reaches
    }
    return replace(request, body=body, reaches=reaches)


# -- answer -----------------------------------------------------------------------------------------------------------


def answer(conn: psycopg.Connection[Any], call: Call, request: Request) -> Answer:
    """The answer: rows are the members that any block has."""
    asked = joined(call, request)
    answers = _answers(conn, call, asked)
    goal = Goals(conn, call, asked.first)
    context = context_of(call, ZoneInfo(asked.first.zone))
    values = _together(asked, answers)
    titles = {k: v for found in answers for k, v in found.titles.items()}
    sort = tuple((s.removeprefix("-"), s.startswith("-")) for s in request.body.get("sort") or ())
    shown = replace(asked.first, figures=(*_of_blocks(asked), *asked.figures), sort=sort)
    work_out(early(replace(shown, formulas=asked.formulas)), values, context, goal=goal)
    keys, left_out = filled(
        [k for k, _ in values if len(k) == len(shown.rows)], shown.rows, context, figures.MOST
    )
    rows = Order(shown, values, titles).rows(keys)
    for key in rows:
        values.setdefault((key, ()), {**_nothing(asked)})
    firsts = list(dict.fromkeys(key[:1] for key in rows))
    running = {first: firsts[: i + 1] for i, first in enumerate(firsts)}
    before = {unit: _before(shown, values, MONTHS[unit]) for unit in _units(asked.formulas)}
    work_out(asked.formulas, values, context, goal=goal, running=running, earlier=before)
    whole = len(shown.rows)
    totals = set(request.body.get("totals") or ())
    return Answer(
        report=str(request.body.get("name") or ""),
        type="joined",
        object=None,
        rows=tuple(
            replace(a, field=a.field if len(asked.blocks) == 1 else None, path=a.name)
            for a in axes(shown.rows)
        ),
        figures=shown.figures,
        row_keys=tuple(rows),
        cells={
            place: tuple(known.get(f.name) for f in shown.figures)
            for place, known in values.items()
            if len(place[0]) in (0, whole) or "rows" in totals
        },
        titles=titles,
        options={k: v for found in answers for k, v in found.options.items()},
        colors={k: v for found in answers for k, v in found.colors.items()},
        parameters=asked.first.parameters.wire,
        notes=_notes(answers, left_out),
        as_of=asked.first.as_of,
        since=asked.first.since,
        base=next((found.base for found in answers if found.base is not None), None),
    )


def _answers(conn: psycopg.Connection[Any], call: Call, asked: Joined) -> list[Answer]:
    """What each block answers, all of them asked in one statement."""
    wanted = [needs(call, made) for _, made in asked.blocks]
    cells = iter(several(conn, call, [w for some in wanted for w in some]))
    return [
        answered(conn, call, made, asked=gather(call, made, list(islice(cells, len(some)))))
        for (_, made), some in zip(asked.blocks, wanted, strict=True)
    ]


def explain(conn: psycopg.Connection[Any], call: Call, request: Request) -> str:
    """One block after the other, what is made of them, the one statement."""
    asked = joined(call, request)
    lines = [line for name, made in asked.blocks for line in (f"block {name}", *told(call, made))]
    lines += ["joined", *(f"  formula   {f.name} = {f.expression.source}" for f in asked.formulas)]
    return shown(conn, call, lines, [w for _, made in asked.blocks for w in needs(call, made)])


def _of_blocks(asked: Joined) -> list[Figure]:
    return [replace(f, block=name) for name, made in asked.blocks for f in made.figures]


def _together(asked: Joined, answers: Sequence[Answer]) -> Values:
    """The figures of every block by the members they share."""
    values: Values = {}
    for found in answers:
        for place, cell in found.cells.items():
            here = values.setdefault(place, {**_nothing(asked)})
            here.update({f.name: value for f, value in zip(found.figures, cell, strict=True)})
    return values


def _nothing(asked: Joined) -> dict[str, Any]:
    """The figures of a block where it has no records."""
    found: dict[str, Any] = {}
    for _, made in asked.blocks:
        empty = Cells({((), ()): tuple(figures.nothing(b) for b in made.bases)}, {})
        known = measured(made, empty)[(), ()]
        found.update({f.name: known.get(f.name) for f in made.figures})
    return found


def _units(formulas: Sequence[Formula]) -> set[str]:
    return {unit for f in formulas for kind, _, unit in f.given.values() if kind == "PREVIOUS"}


def _before(shown: Plan, values: Values, months: int) -> Values:
    """For every cell of a period the figures of the one so many months before."""
    at = next((i for i, g in enumerate(shown.rows) if g.period), len(shown.rows))
    found: Values = {}
    for key, columns in values:
        if len(key) > at and isinstance(key[at], str):
            day = add_months(date.fromisoformat(key[at]), -months)
            then: Key = (*key[:at], day.isoformat() if day is not None else None, *key[at + 1 :])
            found[key, columns] = values.get((then, columns), {})
    return found


def _notes(answers: Sequence[Answer], left_out: bool) -> tuple[Phrase, ...]:
    notes = list(dict.fromkeys(note for found in answers for note in found.notes))
    if left_out:
        notes.append(Phrase("empty periods are left out: there are more than {most}", most=figures.MOST))
    return tuple(notes)


# -- records ----------------------------------------------------------------------------------------------------------


def ask(conn: psycopg.Connection[Any], call: Call, request: Request, spot: Spot, depth: Depth) -> Ask:
    """The question over the block a figure belongs to; of the report's own figures over that of the first they are made of."""
    asked = joined(call, request)
    made = _block_of(asked, spot.figure)
    figure = spot.figure if any(f.name == spot.figure for f in made.figures) else None
    return listed_then(conn, call, made, replace(spot, figure=figure), depth, lambda at: ())


def _block_of(asked: Joined, figure: str | None) -> Plan:
    wanted = [figure, *sorted(f for own in asked.formulas if own.name == figure for f in own.needs)]
    for name in wanted:
        for _, made in asked.blocks:
            if any(f.name == name for f in made.figures):
                return made
    if figure is not None and all(f.name != figure for f in asked.figures):
        said = Phrase("the report has no figure {name!r}", name=figure[:60])
        raise Refused((Problem(code="unknown_figure", message=said, path="figure"),))
    return asked.first
