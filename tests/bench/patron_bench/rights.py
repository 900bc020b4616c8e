"""Rights: lists of people with different rights beside the administrator's, over a million accounts.

In: the prepared world (its folder and number of rows), how many rounds. Out: lines in milliseconds; each list is to take at most
twice the administrator's of the same question, or 20 ms, whichever is more.
"""

from __future__ import annotations

import time
from dataclasses import replace
from statistics import median

from patron_bench import organised, shapes
from patron_bench.organised import GUEST, HOLDER, person
from patron_bench.report import Line
from patron_bench.world import NAME, World, service_of

from patron_engine.actor import Actor
from patron_engine.query.spec import Ask
from patron_engine.runtime import Workspace

FREE_MS = 20.0  # a list that answers within it is fast enough, whatever the administrator's takes
TIMES = 2.0
CALLS = 9  # so many in a row: texts are prepared and plans settled
COLUMNS = ("id", "c_name", "c_city", "c_grade", "owner", "created_at")
DEAL_COLUMNS = ("id", "c_name", "c_stage", "c_amount", "created_at")
FILTER = "c_industry == 'steel'"
NEWEST = ("-created_at",)  # as lists of the pages are sorted unless somebody says otherwise
DEAL_FILTER = "c_stage == 'won'"
QUOTE_COLUMNS = ("id", "c_name", "c_status", "created_at")
QUOTE_FILTER = "c_status == 'sent'"
ASKED = {
    "c_account": (COLUMNS, FILTER),
    "c_opportunity": (DEAL_COLUMNS, DEAL_FILTER),
    "c_quote": (QUOTE_COLUMNS, QUOTE_FILTER),
}

ADMINISTRATOR = Actor(user=None, name="administrator", administrator=True)
PEOPLE: dict[str, Actor] = {
    "manager of 40": person(440, "c_manager"),
    "manager of 400": person(400, "c_manager"),
    "head of a division": person(800, "c_head"),
    "rep": person(41, "c_rep"),
    "rep with 10,000 shares": person(HOLDER, "c_rep"),
    "guest with 10 shares": person(GUEST, "c_rep"),
    **shapes.people(),
}


def questions(object: str) -> dict[str, Ask]:
    columns, where = ASKED[object]
    few = Ask(object=object, fields=("id",), limit=1, count="exact")
    return {
        "list": Ask(object=object, fields=columns, sort=NEWEST),
        "filtered list": Ask(object=object, fields=columns, where=where, sort=NEWEST),
        "count": few,
        "filtered count": replace(few, where=where),
    }


def measure(large: World, rounds: int) -> list[Line]:
    """Every person's lists after the administrator's, in turn."""
    folder = large.data / "organised"
    organised.organise(folder, large.rows)
    lines = []
    with service_of(folder) as service:
        place = service.runtime.workspace(NAME)
        for object in ASKED:
            for name, ask in questions(object).items():
                lines += _compared(place, f"{object[2:]} {name}", ask, rounds)
    return lines


def _compared(place: Workspace, name: str, ask: Ask, rounds: int) -> list[Line]:
    taken: dict[str, list[float]] = {}
    for _ in range(rounds):
        for who, actor in {"administrator": ADMINISTRATOR, **PEOPLE}.items():
            taken.setdefault(who, []).append(_asked(place, actor, ask))
    found = {who: min(each) for who, each in taken.items()}
    limit = found.pop("administrator")
    bar = max(FREE_MS, TIMES * limit)
    return [
        Line(f"{name}: {who}", f"{ms:.1f} ms", f"{limit:.1f} ms", ms, round(bar, 1), "ms")
        for who, ms in found.items()
    ]


def _asked(place: Workspace, actor: Actor, ask: Ask) -> float:
    each = []
    for _ in range(CALLS):
        begun = time.perf_counter()
        place.read(actor, ask)
        each.append((time.perf_counter() - begun) * 1000)
        if sum(each) > 2_000:
            break
    return median(each)
