"""Mailing: the step that writes to somebody outside: a letter to the address in a field of a record. Plan stage.

In: a step, runs, what they read. Out: an `Act` for each run, with a letter for each record that has an address and wants
letters. Where a letter bounced before none is written. Nothing is written here; a worker fills the template in when it sends, and then looks once more whether he wants it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from patron_engine.errors import LimitExceeded, Refused
from patron_engine.flow.act import Act, Command
from patron_engine.flow.program import Flow, Step
from patron_engine.flow.values import Reading, Subject
from patron_engine.flow.writing import Target, targets_of
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem
from patron_engine.query.values import fetch_values

LETTERS: Final = 5_000  # limit_mail: letters of one step
SHOWN: Final = 10  # addresses that a trial names
PATHS: Final = ("opt_out", "bounced", "language", "reply_to")  # keys of the step that are paths of the record


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail(Command):
    """Letters leave. `paths` say where the worker finds in each record what it needs of it when it sends. `reader`: with
    whose rights the template is filled in, None for all. `text`: the addresses as they are now, as a trial shows them."""

    object: str
    letters: tuple[tuple[str, str], ...]  # record, address
    template: str
    paths: Mapping[str, str]
    reader: str | None
    text: str
    about: tuple[str, str] | None


def mail(reading: Reading, flow: Flow, step: Step, subjects: Sequence[Subject]) -> list[Act]:
    found = targets_of(reading, step, subjects)
    return [_act(reading, flow, step, s, targets) for s, targets in zip(subjects, found, strict=True)]


def _act(reading: Reading, flow: Flow, step: Step, subject: Subject, targets: Sequence[Target]) -> Act:
    name, paths = str(step.body["template"]), paths_of(step.body)
    ids = list(dict.fromkeys(id for _, _, id in targets))
    if not ids:
        return Act(told={"left_out": "no_record"})
    if len(ids) > LETTERS:
        said = Phrase("one step writes at most {most} letters", most=LETTERS)
        raise LimitExceeded(said, code="limit_mail", hint="narrow where, or write them on several days")
    object, of = targets[0][1], (reading.call.model.documents.get(("template", name)) or {}).get("object")
    if object != of:
        said = Phrase("the template {name} is about {of}, not {object}", name=name, of=str(of), object=object)
        raise Refused([Problem(code="template_object", message=said, hint="take a template of this object")])
    asked = [paths[key] for key in ("to", "opt_out", "bounced") if key in paths]
    rows = fetch_values(reading.conn, reading.call, object, ids, asked)
    why = {id: unwanted(rows.get(id, {}), paths) for id in ids}
    letters = tuple((id, str(rows[id][paths["to"]])) for id in ids if not why[id])
    left = Counter(one for one in why.values() if one)
    told: dict[str, Any] = {"letters": len(letters), **left}
    if not letters:
        return Act(told={**told, "left_out": next(iter(left))})
    shown = ", ".join(address for _, address in letters[:SHOWN]) + (" …" if len(letters) > SHOWN else "")
    command = Mail(
        object=object, letters=letters, template=name, paths=paths, text=shown,
        reader=None if flow.by_system else subject.run.causer,
        about=(object, letters[0][0]) if len(letters) == 1 else None,
    )  # fmt: skip
    return Act(commands=(command,), told=told)


def paths_of(body: Mapping[str, Any]) -> dict[str, str]:
    """What a letter needs of the record -> the path it stands at."""
    found = {key: body[key] for key in PATHS if isinstance(body.get(key), str)}
    return {"to": str(body["to"]["field"]), **found}


def unwanted(values: Mapping[str, Any], paths: Mapping[str, str]) -> str:
    """Why somebody gets no letter, empty where he does. `values` by path."""
    if "opt_out" in paths and values.get(paths["opt_out"]) is True:
        return "opted_out"
    if "bounced" in paths and values.get(paths["bounced"]) is True:
        return "bounced"
    return "" if values.get(paths["to"]) else "no_address"
