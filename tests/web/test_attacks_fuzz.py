"""Every page with every link and form, and all of them with something wrong in it: never an error of the server, never its insides,
never markup out of a text. PATRON_FUZZ_SEED=N repeats a run, PATRON_FUZZ_SECONDS=N makes it longer.

Covers g1 for all pages, G118, G119, G122, G125, G127, G128 and I150 to I160 where they meet forms.
"""

from __future__ import annotations

import os
import re
import time
from random import Random
from typing import Any

import pytest

from patron_testing.crawl import LEFT_OUT, Crawl, Way, crawl
from patron_testing.hostile import MARK, Evil, make_evil, strange
from patron_testing.web import REP, Opened, Person

SEED = int(os.environ.get("PATRON_FUZZ_SEED") or time.time_ns() % 10**9)
SECONDS = float(os.environ.get("PATRON_FUZZ_SECONDS") or 7)
LEAST = 60  # requests, however slow the machine is
INSIDES = re.compile(
    r"Traceback \(most|psycopg|sqlalchemy|jinja2|site-packages|File \"/|syntax error at or near|invalid input syntax|"
    r"violates \w+ constraint|\bSELECT \w+[., ]|KeyError|ValueError|TypeError|AttributeError"
)
POLICY = (
    "script-src 'self';",
    "object-src 'none'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
    "form-action 'self'",
)


@pytest.fixture(scope="module")
def evil(opened: Opened) -> Evil:
    return make_evil(opened.admin)


@pytest.fixture(scope="module")
def met(opened: Opened, evil: Evil) -> Crawl:
    """All that an administrator meets."""
    job = opened.admin.make(
        "yd_job", name=MARK[:60], note=MARK, due_at="9999-12-31T23:59:59Z", lines=[{"what": MARK[:30], "price": "1"}]
    )["id"]  # fmt: skip
    views = [f"/o/c_evil?view=c_evil_{name}" for name in ("all", "board", "days", "plan", "tree", "map")]
    record = f"/o/c_evil/{evil.ids[0]}"
    starts = [
        "/", *views, record, f"{record}/edit", f"{record}?print=1", f"{record}/delete", "/o/c_evil/new", "/o/yd_job",
        f"/o/yd_job/{job}", f"/o/yd_job/{job}/edit", "/o/yd_job?type=kanban", "/o/yd_job?type=calendar", "/o/yd_job?type=gantt",
        f"/o/account/{evil.account}", "/list/c_evil/columns?view=c_evil_all", "/search?q=xss", "/palette?q=e", "/inbox", "/me",
        f"/list/c_evil/cell?id={evil.ids[1]}&path=name", f"{record}/timeline", "/o/yd_place/new", "/design/gallery",
    ]  # fmt: skip
    return crawl(opened.person(), starts, until=time.monotonic() + SECONDS)


def fault(way: Way, said: Any) -> str | None:
    """What is wrong with an answer."""
    html = said.headers.get("content-type", "").startswith("text/html")
    insides = INSIDES.search(said.text) if "spreadsheet" not in said.headers.get("content-type", "") else None
    wrong = [
        *([f"{said.status_code}"] if said.status_code >= 500 else []),
        *(strange(said.text) if html else []),
        *(
            [f"its insides: {said.text[max(insides.start() - 60, 0) : insides.end() + 60]}"]
            if insides
            else []
        ),
        *(
            []
            if said.headers.get("cache-control").startswith(("no-store", "private"))
            else ["it may be kept"]
        ),
        *([] if said.headers.get("x-content-type-options") == "nosniff" else ["its type may be guessed"]),
        *([name for name in said.headers if name.startswith("access-control-")]),
        *([part for part in POLICY if part not in said.headers["content-security-policy"]] if html else []),
    ]
    return f"{way}: {wrong[:4]}" if wrong else None


def test_every_page_shows_texts_as_texts_under_a_strict_policy(met: Crawl) -> None:
    print(f"{len(met.pages)} pages, {len(met.ways)} ways")
    assert len(met.pages) > 20 and len(met.ways) > 50
    assert [f for f in (fault(way, said) for way, said in met.pages) if f] == []
    # `x` is the picture of the rich texts
    gone = [str(way) for way, said in met.pages if said.status_code >= 400 and not way.path.endswith("/x")]
    assert gone == [], "a page leads where nothing is"


def test_whatever_is_sent_to_a_page_is_answered(opened: Opened, met: Crawl) -> None:
    person, dice, until = opened.person(), Random(SEED), time.monotonic() + SECONDS
    print(f"seed {SEED}")
    sent, taken, found = 0, 0, []
    while sent < LEAST or time.monotonic() < until:
        way = dice.choice(met.ways).mutated(dice)
        if LEFT_OUT.search(way.path):
            continue
        begun = time.monotonic()
        said = way.by(person)
        sent, taken = sent + 1, taken + (said.status_code < 400)
        if wrong := fault(way, said):
            found.append(wrong)
        if time.monotonic() - begun > 30:
            found.append(f"{way}: {time.monotonic() - begun:.1f} seconds")
    print(f"{sent} requests, {taken} of them taken")
    assert taken
    assert found == [], f"seed {SEED}"


def test_who_has_no_rights_finds_nothing_wherever_he_goes(opened: Opened, evil: Evil, met: Crawl) -> None:
    """The same ways, walked by a user without any role: nothing he is answered holds a record, nothing is changed."""
    rep, before = Person(opened.client, "acme", REP), opened.admin.rows("c_evil", fields="id,version")
    token, dice, until = rep.token(), Random(SEED), time.monotonic() + SECONDS / 2
    ways = [
        w
        for w in met.ways
        if "/o/" in w.path or "/list/" in w.path or "/boards/" in w.path or "/moves/" in w.path
    ]
    for way in dice.sample(ways, len(ways)):
        if time.monotonic() > until:
            break
        pairs = tuple((n, token if n == "_csrf" else v) for n, v in way.pairs)
        said = Way(way.method, re.sub(r"\?token=.*", "", way.path), pairs, way.part).by(rep)
        assert said.status_code in (303, 400, 403, 404, 405, 415, 422) or "xss" not in said.text, str(way)
        assert evil.ids[0] not in said.text or way.path.count(evil.ids[0]), str(way)
    assert opened.admin.rows("c_evil", fields="id,version") == before
