"""Every address there is, also those nobody has written a test for: what comes from another site, and what no page would send.

The addresses are read from the application, so a new one is asked by itself. The oracle is the same everywhere: a 4xx or a page, never
an error of the server nor its insides; nothing is taken from elsewhere. PATRON_FUZZ_SEED=N repeats a run, PATRON_FUZZ_EACH=N asks more.
"""

from __future__ import annotations

import os
import re
import time
from random import Random
from typing import Any
from urllib.parse import quote

import pytest
from bs4 import BeautifulSoup

from patron_platform.web.pages import PAGES
from patron_testing.crawl import LEFT_OUT, NOWHERE
from patron_testing.hostile import MARK, strange
from patron_testing.web import Opened, Person

SEED = int(os.environ.get("PATRON_FUZZ_SEED") or time.time_ns() % 10**9)
EACH = int(os.environ.get("PATRON_FUZZ_EACH") or 1)
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
INSIDES = re.compile(
    r"Traceback \(most|psycopg|sqlalchemy|jinja2|site-packages|violates \w+ constraint|KeyError|ValueError"
)
PLACE = re.compile(r"\{(\w+)(?::(\w+))?\}")
KINDS = {
    "reports": "report", "dashboards": "dashboard", "goals": "goal", "automations": "automation", "pools": "pool", "pool": "pool",
    "convert": "conversion", "roles": "role", "webforms": "webform", "approvals": "approval", "sharing": "sharing",
}  # fmt: skip
VALUES = (
    "", "x", "-1", "0", "9" * 40, "1e400", "NaN", "Infinity", "٣", "true", "null", "[]", '{"a":1}', "%00", "%ff%fe", "%ed%a0%80",
    quote(MARK), quote("' or 1=1 --"), quote("../../etc/passwd"), "9999-99-99", "0000-00-00T00:00", NOWHERE, "a" * 30_000,
    "%F0%9F%92%A9" * 300, quote("{{7*7}}"), quote("javascript:alert(1)"), "%0d%0aX-Evil: 1", "2026-02-30", "=1", "UNDER(",
)  # fmt: skip
NAMES = (
    "at", "by", "where", "sort", "from", "to", "until", "since", "page", "after", "before", "view", "columns", "q", "object", "id", "name", "report",
    "state", "measure", "group", "rows", "back", "tab", "box", "kind", "type", "set.name", "also.name", "log.text", "log.next", "confirm", "version",
)  # fmt: skip


@pytest.fixture(scope="module")
def person(opened: Opened) -> Person:
    return opened.person()


@pytest.fixture(scope="module")
def job(opened: Opened) -> str:
    return str(opened.admin.make("yd_job", name=MARK[:60])["id"])


def addresses(opened: Opened, method: str, job: str) -> list[str]:
    """Every address of pages with this method, its places filled with what there is."""
    model = opened.service.runtime.workspace("acme")
    with model.connection("read") as conn:
        documents = model.pin(conn)[0].documents
    first: dict[str, str] = {}
    for kind, name in documents:
        first.setdefault(kind, name)

    def filled(path: str) -> str:
        steps: list[str] = []
        for step in path.split("/"):
            before = steps[-1] if steps else ""

            def value(found: re.Match[str], before: str = before) -> str:
                name, kind = found[1], found[2]
                if name in ("id", "record") or kind == "uuid":
                    return job if "/o/" in path else NOWHERE
                return (
                    "yd_job"
                    if name == "object"
                    else first.get(KINDS.get(before, ""), "1" if kind == "int" else "name")
                )

            steps.append(PLACE.sub(value, step))
        return "/".join(steps)

    start = "/w/{workspace}"
    paths = {
        r.path.removeprefix(start): None
        for module in PAGES
        for r in module.router.routes
        if r.path.startswith(start) and method in (getattr(r, "methods", None) or ())
    }
    return [filled(path) or "/" for path in paths]


def test_h140_no_address_takes_what_another_site_sends(opened: Opened, person: Person, job: str) -> None:
    token, paths = person.token(), addresses(opened, "POST", job)
    assert len(paths) > 100
    for path in paths:
        from_elsewhere = {**FORM, "Origin": "https://evil.example", "X-CSRF-Token": token}
        for headers, body in ((from_elsewhere, f"_csrf={token}&version=1"), (FORM, "version=1&_csrf=x")):
            said = person.call("POST", path, content=body.encode(), headers=headers)
            assert said.status_code in (403, 404), (path, said.status_code)
    assert opened.admin.get(f"/records/yd_job/{job}").status_code == 200


def wrong(said: Any) -> list[str]:
    html = said.headers.get("content-type", "").startswith("text/html")
    inside = INSIDES.search(said.text) if html else None
    return [
        *([str(said.status_code)] if said.status_code >= 500 else []),
        *(strange(said.text) if html else []),
        *([f"its insides: {inside[0]}"] if inside else []),
        *(["a header of theirs"] if "x-evil" in said.headers else []),
    ]


def test_i150_to_i160_no_address_fails_at_what_no_page_would_send(
    opened: Opened, person: Person, job: str
) -> None:
    dice, token, found = Random(SEED), person.token(), {}
    for path in addresses(opened, "GET", job):
        if LEFT_OUT.search(path):
            continue
        for _ in range(EACH):
            query = "&".join(f"{dice.choice(NAMES)}={dice.choice(VALUES)}" for _ in range(dice.randint(1, 6)))
            if told := wrong(person.get(f"{path}?{query}")):
                found[f"GET {path}?{query}"[:300]] = told
    for path in addresses(opened, "POST", job):
        if LEFT_OUT.search(path):
            continue
        page = BeautifulSoup(person.get(path).text, "html.parser")
        own = [at["name"] for at in page.select("main [name]")] or list(NAMES)
        for _ in range(EACH):
            pairs = [f"{quote(dice.choice(own))}={dice.choice(VALUES)}" for _ in range(dice.randint(1, 12))]
            body = "&".join([f"_csrf={token}", *pairs, *pairs[:2]])  # some of them twice
            if told := wrong(person.call("POST", path, content=body.encode(), headers=FORM)):
                found[f"POST {path} {body}"[:300]] = told
    assert found == {}, f"seed {SEED}"
