"""Effects: what the acts of a step do: changes by the save that people's forms use, commands by the table of ways/carrying.

In: runs with their acts, in the transaction of the step. Out: what became of each run's changes and commands; what is refused is
refused alone, with its problems.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from patron_engine.errors import NeedsConfirmation, PatronError
from patron_engine.flow.act import Act
from patron_engine.flow.program import Flow
from patron_engine.flow.run import Run
from patron_engine.flow.writing import because
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem
from patron_engine.query.call import Call
from patron_engine.record.change import Change, Outcome
from patron_engine.record.each import problems_of
from patron_engine.record.statements import Conn
from patron_engine.ways.carrying import carry
from patron_engine.ways.save import save

Done = list[
    Outcome | tuple[Problem, ...]
]  # what became of the changes of one run; problems where they were refused


def saved(conn: Conn, call: Call, flow: Flow, pairs: Sequence[tuple[Run, Act]]) -> dict[str, Done]:
    """Run -> what became of its changes, or why they were refused. One change each go together; several of one run are
    saved or refused together."""
    found: dict[str, Done] = {}
    single: list[tuple[Run, Change]] = []
    for run, act in pairs:
        changes = [because(run, change) for change in act.changes]
        if run.wrote + len(changes) > flow.max_records:
            said = Phrase(
                "the run would change more than {most} records, as many as one may", most=flow.max_records
            )
            found[run.id] = [(Problem(code="limit_run_records", message=said),)]
        elif len(changes) == 1:
            single.append((run, changes[0]))
        elif changes:
            found[run.id] = _together(conn, call, changes)
    if single:
        outcomes = _each(conn, call, [change for _, change in single])
        for (run, _), outcome in zip(single, outcomes, strict=True):
            refused = outcome.action == "refused"
            found[run.id] = [outcome.problems if refused else outcome]
    return found


def _each(conn: Conn, call: Call, changes: Sequence[Change]) -> list[Outcome]:
    """Each by itself. Nobody is there to be asked: what only warns is done."""
    outcomes = save(conn, call, changes, mode="each")
    warned = [n for n, o in enumerate(outcomes) if o.action == "refused" and _only_warns(o.problems)]
    again = [replace(changes[n], confirm=_rules(outcomes[n].problems)) for n in warned]
    for n, outcome in zip(warned, save(conn, call, again, mode="each") if again else (), strict=True):
        outcomes[n] = outcome
    return outcomes


def _only_warns(problems: Sequence[Problem]) -> bool:
    return all(p.level == "warning" and p.rule for p in problems)


def _rules(problems: Sequence[Problem]) -> frozenset[str]:
    return frozenset(p.rule for p in problems if p.rule)


def carried(
    conn: Conn, call: Call, pairs: Sequence[tuple[Run, Act]], outcomes: dict[str, Done]
) -> dict[str, dict[str, Any]]:
    """Run -> what its commands told. One that cannot be carried out is put among the outcomes, as a refused change is."""
    found: dict[str, dict[str, Any]] = {}
    for run, act in pairs:
        if not act.commands or any(isinstance(o, tuple) for o in outcomes.get(run.id, ())):
            continue
        try:
            with conn.transaction():
                for command in act.commands:
                    found.setdefault(run.id, {}).update(carry(conn, call, run, command))
        except PatronError as error:
            outcomes[run.id] = [problems_of(error)]
    return found


def _together(conn: Conn, call: Call, changes: Sequence[Change]) -> Done:
    try:
        with conn.transaction():
            return list(save(conn, call, changes))
    except NeedsConfirmation as asked:
        confirm = _rules(asked.problems)
        if confirm <= changes[0].confirm:
            return [problems_of(asked)]
        return _together(conn, call, [replace(c, confirm=c.confirm | confirm) for c in changes])
    except PatronError as error:
        return [problems_of(error)]
