"""Funnel: how many records came how far on a stage path: a stage, its records, their value, what passed on, how long they stayed.

In: the frame of the call, a Request of the type funnel. Out: its plan, its one statement, its Answer; of one stage the question
whose list adds up to its figures. The stages are those on the way and the ends that are won, in the order of the path.

    reached   a record counts in every stage it ever stayed in, and in those before its furthest: who skipped one passed it, so
              the funnel only narrows. A record that was lost or is void counts as far as it came, at least in the first stage
    is_in     a record counts where it stands

Stays are asked as far as the reader may read them; who may read none sees how far records stand today, and is told. What is
counted and what the drilled list asks is one condition: where the record stands, or the stays it has (`came_to`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from patron_engine.errors import Refused
from patron_engine.expr.compile import Expression
from patron_engine.fields.field import Field, Option
from patron_engine.fields.options import names_of, texts
from patron_engine.model.model import LinkSet, Object
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem
from patron_engine.query.call import Call
from patron_engine.query.names import known_object
from patron_engine.query.spec import Ask, quoted
from patron_engine.report.answer import Request, Spot, Text
from patron_engine.report.parameters import Parameters, read_parameters
from patron_engine.report.plan import conditions
from patron_engine.report.reader import Place, Reader

STAYS = "stage_stay"
AXIS = "stage"
SIDE_ENDS = frozenset({"lost", "void"})  # of a path: no part of the way


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """`stored` is what a record in it has in the field, `words` every name that stays have for it."""

    name: str
    stored: str
    words: tuple[str, ...]
    label: Text
    color: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Funnel:
    """The plan. `aside` are the ends beside the way; `stays` is the set of stays, None where it is not his to read."""

    body: Mapping[str, Any]
    object: Object
    field: Field
    path: str
    stages: tuple[Stage, ...]
    aside: tuple[Stage, ...]
    reached: bool
    stays: LinkSet | None
    value: Place | None
    where: Expression | None
    where_text: str | None
    parameters: Parameters


# -- plan -------------------------------------------------------------------------------------------------------------


def funnel(call: Call, request: Request) -> Funnel:
    """The plan of a funnel. Refused with all problems, NotFound for an object that is not his to read."""
    body = request.body
    object = known_object(call, str(body["object"]))
    path = call.model.documents.get(("stage_path", str(body.get("path") or "")), {})
    reader = Reader(call)
    reader.parameters = parameters = read_parameters(call, body, request.parameters, reader.problems)
    field = reader.names.fields(object.name).get(
        object.aliases.get(path.get("field", ""), path.get("field", ""))
    )
    if field is None or path.get("object") != object.name:
        said = Phrase(
            "{object} has no stage path {path!r} that is yours to read",
            object=object.name,
            path=str(body.get("path"))[:60],
        )
        reader.problems.add("unknown_path", said, path="path", hint="name a stage path of the object")
        raise Refused(tuple(reader.problems))
    asked = conditions(reader, object.name, body.get("where"), request)
    if isinstance(path.get("when"), str):
        asked.append(path["when"])
    text = " and ".join(f"({t})" for t in asked) or None
    where = reader.condition(text, object.name, "where") if text and not reader.problems else None
    value = reader.place(object.name, str(body["value"]), "value") if body.get("value") else None
    if value is not None and (value.sets or value.type.kind not in ("number", "duration")):
        reader.problems.add("not_a_number", Phrase("{path} is no number", path=body["value"]), path="value")
    if body.get("as_of") is not None:
        said = Phrase("stays in stages keep no history: a funnel is as it is now")
        reader.problems.add("past_unknown", said, path="as_of", hint="leave as_of out")
    if reader.problems:
        raise Refused(tuple(reader.problems))
    every = [(stage, _stage(field, stage)) for stage in path["stages"]]
    return Funnel(
        body=body,
        object=object,
        field=field,
        path=str(path["name"]),
        stages=tuple(s for b, s in every if b.get("end") not in SIDE_ENDS),
        aside=tuple(s for b, s in every if b.get("end") in SIDE_ENDS),
        reached=body.get("count", "reached") == "reached",
        stays=_stays(reader, object),
        value=value,
        where=where,
        where_text=text,
        parameters=parameters,
    )


def _stage(field: Field, body: Mapping[str, Any]) -> Stage:
    names = names_of(field)
    option: Option | None = names.options.get(body["name"])
    stored = option.value if option is not None else body["name"]
    words = (body["name"], stored, *(option.aliases if option is not None else ()))
    label = texts(body.get("label")) or (option.label if option is not None else {}) or {"en": body["name"]}
    return Stage(
        name=body["name"],
        stored=stored,
        words=tuple(dict.fromkeys(words)),
        label=label,
        color=option.color if option is not None else None,
    )


def _stays(reader: Reader, object: Object) -> LinkSet | None:
    """The set of the object's stays, if all of it that is asked here is his to read."""
    fields = reader.names.fields(STAYS) if STAYS in reader.call.model.objects else {}
    if not {"about", "stage_path", "to", "at", "left_at"} <= fields.keys():
        return None
    return next((s for s in object.sets.values() if s.object == STAYS and s.field == "about"), None)


# -- records ----------------------------------------------------------------------------------------------------------


def ask(conn: Any, call: Call, request: Request, spot: Spot, depth: Any) -> Ask:
    """The question for the records of a stage, or of all of them."""
    plan = funnel(call, request)
    at = next((n for n, s in enumerate(plan.stages) if s.name == spot.rows[0]), None) if spot.rows else 0
    if at is None:
        said = Phrase("the funnel has no stage {name!r}", name=str(spot.rows[0])[:60])
        raise Refused((Problem(code="unknown_stage", message=said, path="rows"),))
    texts = [
        *([f"({plan.where_text})"] if plan.where_text else []),
        f"({came_to(plan, at, whole=not spot.rows)})",
    ]
    return Ask(object=plan.object.name, where=" and ".join(texts))


def came_to(plan: Funnel, at: int, *, whole: bool) -> str:
    """The condition of one stage, in the words of the expression language."""
    field = plan.field.name
    if not plan.reached:
        among = plan.stages if whole else plan.stages[at : at + 1]
        return _among(field, [s.name for s in among])
    among = (*plan.stages[at:], *(plan.aside if at == 0 else ()))
    stands = _among(field, [s.name for s in among])
    if plan.stays is None:
        return stands
    words = [w for s in among for w in s.words]
    stayed = f"COUNT({plan.stays.name}, stage_path == {quoted(plan.path)} and {_among('to', words)}) > 0"
    return f"{stands} or {stayed}"


def _among(name: str, words: Sequence[str]) -> str:
    return (
        f"{name} in ({', '.join(quoted(w) for w in words)})"
        if len(words) > 1
        else f"{name} == {quoted(words[0])}"
    )
