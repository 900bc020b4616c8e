"""Packs over HTTP: those installed, those that could be, and installing one: the plan first, then exactly that plan."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.errors import Refused
from patron_engine.jsonio import dumps
from patron_engine.problems import Problem
from patron_platform.api.definitions import designer
from patron_platform.api.requests import Body, json_answer, json_object, only
from patron_platform.languages import asked
from patron_platform.phrases import written_plan
from patron_platform.workspace import available_packs, plan_install

router = APIRouter(prefix="/packs")


@router.get("")
def list_packs(request: Request) -> Response:
    caller = designer(request)
    with caller.workspace.connection("read") as conn:
        layers = caller.workspace.layers(conn)
    installed = {layer.name: layer.version for layer in layers if not layer.own}
    there = available_packs()
    rows = [
        {
            "name": name,
            "label": there[name].manifest.body.get("label") if name in there else None,
            "installed": installed.get(name),
            "available": there[name].version if name in there else None,
        }
        for name in sorted({*installed, *there})
    ]
    return json_answer(dumps({"packs": rows}))


@router.post("")
def install_pack(request: Request, data: Body) -> Response:
    """`{"name": …, "checksum": …, "choices": {}}`: without a checksum the plan, with it the release."""
    caller = designer(request)
    body = json_object(request, data)
    only(body, ("name", "checksum", "choices"))
    name, checksum, choices = body.get("name"), body.get("checksum"), body.get("choices", {})
    problems = [
        Problem(code=code, message=message, path=path)
        for wrong, code, message, path in (
            (not isinstance(name, str), "required", "name is the pack's name", "name"),
            (not isinstance(checksum, str | None), "not_text", "checksum is a text", "checksum"),
            (
                not isinstance(choices, dict) or not set(choices.values()) <= {"mine", "theirs"},
                "unknown_value",
                "choices maps conflicts to mine or theirs",
                "choices",
            ),
        )
        if wrong
    ]
    if problems:
        raise Refused(problems)
    publication = plan_install(caller.workspace, (str(name),), available_packs(), choices)
    if checksum is None:
        return json_answer(dumps(written_plan(publication.as_dict(), asked(request))))
    release = caller.workspace.publish(caller.actor, publication, confirm=checksum)
    return json_answer(dumps(release.as_dict()), 201)
