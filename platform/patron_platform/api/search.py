"""Search over every object the caller may read: names, numbers, phones, Chinese words, pinyin and initials."""

from __future__ import annotations

from typing import Any

import psycopg
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.access.decide import readable
from patron_engine.errors import Refused
from patron_engine.jsonio import dumps
from patron_engine.page.hits import found_rows
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem
from patron_engine.query.call import Call
from patron_engine.query.found import found_in
from patron_engine.query.spec import Ask
from patron_platform.api.door import enter
from patron_platform.api.requests import json_answer, only, parameters

router = APIRouter()
MAX_WORDS = 200  # characters of a question
HITS = 5  # of one object


@router.get("/search")
def search(request: Request) -> Response:
    """`q=` and, to narrow, `object=`: hits by object, each with id and title."""
    caller = enter(request)
    given = parameters(request)
    only(given, ("q", "object"), "parameter")
    words = given.get("q", "").strip()
    if not 0 < len(words) <= MAX_WORDS:
        raise Refused(
            [
                Problem(
                    code="search_words",
                    message=Phrase("q has 1 to {most} characters", most=MAX_WORDS),
                    path="q",
                )
            ]
        )

    def look(conn: psycopg.Connection[Any], call: Call) -> list[dict[str, Any]]:
        objects = [
            o.name
            for o in call.model.objects.values()
            if given.get("object") in (None, o.name)
            and o.search
            and not o.master
            and readable(call.model, call.actor, o.name)
        ]
        hits = []
        for name, candidates in found_in(conn, call, words, objects).items():
            title = call.model.objects[name].title
            ask = Ask(object=name, q=words, fields=("id", title), limit=HITS)
            found = found_rows(conn, call, ask, candidates)
            hits += [{"object": name, "id": r["id"], "title": r.get(title)} for r in found]
        return hits

    return json_answer(dumps({"hits": caller.workspace.reading(caller.actor, look)}))
