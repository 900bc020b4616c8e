"""Every page there is, from the routers: calm, accessible, and small enough for a first visit.

An address with a GET is a page that is opened here, or stands in `PARTS` with what it is instead: a new one is missed by nobody.
"""

from __future__ import annotations

import re
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import pytest

from patron_engine.actor import SYSTEM, Actor
from patron_engine.record.change import Change
from patron_engine.runtime import Workspace
from patron_engine.transfer import drafts
from patron_engine.transfer.sheet import open_sheet
from patron_platform.jobs.imports import queue_draft
from patron_platform.jobs.tasks import work_off
from patron_platform.web.pages import PAGES
from patron_testing.browser import LOOKS, Site, Visit
from patron_testing.web import ADMIN, WORKSPACE

FIRST_VISIT = 150_000  # bytes over the wire, scripts, styles and icons included
REQUESTS = 10
WORKER = ("/worker.js", "/offline")  # what the worker keeps for later, after the page is there
PARTS = {
    "/static/patron.css": "a sheet", "/static/dist/{name}": "what the build made", "/worker.js": "a script",
    "/w/{workspace}/manifest.webmanifest": "a manifest", "/w/{workspace}/admin/roles/export": "a file",
    "/w/{workspace}/audit/export": "a file", "/w/{workspace}/list/{object}/export": "a file", "/w/{workspace}/files/{id}": "a file",
    "/w/{workspace}/tiles/{name}": "a stream", "/w/{workspace}/dashboards/{name}": "the home page is one", "/w/{workspace}/goals/{name}": "tests/web/test_dashboards", "/w/{workspace}/goals/{name}/targets": "tests/web/test_dashboards",
    "/w/{workspace}/reports/{name}/export": "a file", "/w/{workspace}/reports/build/fields": "fields of the builder",
    "/w/{workspace}/list/{object}/import/template": "a file", "/w/{workspace}/imports/{batch}/problems": "a file",
    "/w/{workspace}/palette": "inside of the dialog", "/w/{workspace}/inbox/count": "a figure", "/w/{workspace}/undo/recent": "a menu",
    "/w/{workspace}/inbox/waiting": "a figure", "/w/{workspace}/approvals/people": "JSON",
    "/w/{workspace}/list/{object}/count": "a figure", "/w/{workspace}/list/{object}/totals": "figures",
    "/w/{workspace}/list/{object}/bands": "figures", "/w/{workspace}/list/{object}/branch": "lines of a tree",
    "/w/{workspace}/list/{object}/cell": "a cell", "/w/{workspace}/list/{object}/under": "a form over a tree: test_lists", "/w/{workspace}/list/{object}/values": "JSON",
    "/w/{workspace}/o-lookup/{object}/{field}": "JSON", "/w/{workspace}/o-find/{object}": "JSON", "/w/{workspace}/boards/{object}/choices/{field}": "JSON",
    "/w/{workspace}/boards/{object}/cards": "cards of a board", "/w/{workspace}/boards/{object}/figures": "figures", "/w/{workspace}/o/{object}/{id:uuid}/people": "JSON",
    "/w/{workspace}/o/{object}/{id:uuid}/tabs": "JSON", "/w/{workspace}/o/{object}/{id:uuid}/timeline": "entries of a timeline",
    "/w/{workspace}/reports/{name}/records": "leads to a list",
    "/login/provider": "leads to the provider", "/login/provider/back": "comes from the provider", "/": "leads to the sign-in",
    "/form/{workspace}/{name}": "for strangers: test_webforms",
    "/login/code": "the second step of a sign-in: test_second_factor", "/login/password": "a step of a sign-in: test_reset",
}  # fmt: skip
OUTSIDE = frozenset({"/login", "/forgotten", "/about", "/offline", "/reset/{token}", "/invitation/{token}"})
LISTED = "/w/{workspace}/o/{object}"
DRAWN = [f"{LISTED}?{query}" for query in ("type=kanban", "type=calendar", "type=gantt", "type=map", "type=tree", "mode=split", "deleted=1",
                                           "q=nothing-like-it", "where=((", "group=industry")]  # fmt: skip
DRAWN += [
    f"/w/{{workspace}}/reports/{path}"
    for path in (
        "sales_funnel",
        "won_by_month?where=((",
        "build?of=won_by_month",
        "build?object=account",
        "build?object=account&act=parameter:add&below=opportunities.",
        "won_by_month/watch",
    )
]
DRAWN += ["/w/{workspace}/o/visit/{visit}/buttons/{button}"]


def addresses() -> list[str]:
    found = [
        route.path
        for module in PAGES
        for route in module.router.routes
        if "GET" in getattr(route, "methods", ())
    ]
    return list(dict.fromkeys(path for path in found if path not in PARTS and "{button}" not in path)) + DRAWN


def test_what_is_no_page_is_still_there() -> None:
    paths = {getattr(route, "path", "") for module in PAGES for route in module.router.routes}
    assert paths >= set(PARTS)


@pytest.fixture(scope="module")
def named(site: Site) -> dict[str, str]:
    """What stands for the names in an address."""
    workspace = site.service.runtime.workspace(WORKSPACE)
    made = workspace.save(SYSTEM, [Change(action="create", object="account", set={"name": "Every page"})])
    visit = workspace.save(
        SYSTEM,
        [Change(action="create", object="visit", set={"subject": "Every page", "account": made[0].id})],
    )
    with workspace.connection("read") as conn:
        user = conn.execute('SELECT id FROM w_acme."user" WHERE email = %s', [ADMIN]).fetchone()
    assert user is not None
    return {**_imports(workspace, str(user[0])), "workspace": WORKSPACE, "object": "account", "id": str(made[0].id), "user": str(user[0]), "name": "sales_rep",
            "token": "no-such-token", "act": "0190a0b0-0000-7000-8000-0000000000ff", "number": "1",
            "visit": str(visit[0].id), "button": "visit_check_in"}  # fmt: skip


def _imports(workspace: Workspace, user: str) -> dict[str, str]:
    """A file whose columns wait to be said, tried already, and an import that is done."""
    actor = Actor(user=user, administrator=True)
    mapping = {"object": "account", "columns": {"name": {"field": "name"}, "phone": None}}
    with NamedTemporaryFile("w", suffix=".csv") as file:
        file.write("name,phone\nEvery import,1\n,2\n")
        file.flush()
        sheet = open_sheet(Path(file.name))

        def sent(conn: Any, call: Any) -> str:
            id = drafts.keep(conn, call, "account", sheet, "every.csv")
            drafts.note(conn, call, id, mapping=mapping)
            return id

        draft, other = (workspace.writing(actor, sent) for _ in range(2))
    workspace.writing(actor, lambda conn, call: queue_draft(conn, call, draft, trial=10))
    batch = workspace.writing(actor, lambda conn, call: queue_draft(conn, call, other)).batch
    work_off(workspace)
    return {"draft": draft, "batch": batch}


def filled(path: str, named: dict[str, str]) -> str:
    record = "user" if "/admin/people/" in path else "id"
    return re.sub(r"\{(\w+)(?::\w+)?\}", lambda m: named[record if m[1] == "id" else m[1]], path)


@pytest.mark.parametrize("look", range(len(LOOKS)))
def test_every_page_is_calm(site: Site, named: dict[str, str], look: int) -> None:
    """Each in one of the looks: the pages take turns."""
    language, width, scheme = LOOKS[look]
    wrong: list[str] = []
    with site.visit(language=language, width=width, scheme=scheme) as visit:
        visit.open("/")
        shared = sum(size for path, size in _sent(site, visit, "/w/acme/o/account/new") if "/static/" in path)
        for path in addresses()[look :: len(LOOKS)]:
            if path in OUTSIDE:
                continue
            found = _sent(site, visit, filled(path, named))
            page = sum(size for sent, size in found if "/static/" not in sent)
            wrong += [f"{path}: {said}" for said in _wrong(visit)]
            if page + shared > FIRST_VISIT:
                wrong.append(f"{path}: {page:,} bytes besides {shared:,} of scripts and styles")
    assert wrong == []


def test_pages_outside_of_a_workspace_are_calm(site: Site, named: dict[str, str]) -> None:
    wrong: list[str] = []
    for language, width, scheme in LOOKS:
        with site.visit(language=language, width=width, scheme=scheme) as visit:
            visit.page.context.clear_cookies()
            for path in sorted(OUTSIDE):
                visit.page.goto(f"{site.base}{filled(path, named)}")
                visit.settle()
                wrong += [f"{path}: {said}" for said in _wrong(visit)]
    assert wrong == []


@pytest.mark.parametrize("query", ["", "?type=kanban", "?type=calendar", "?group=industry"])
def test_the_first_visit_of_a_list_is_light(site: Site, named: dict[str, str], query: str) -> None:
    with site.visit() as visit:
        found = _sent(site, visit, f"/w/{WORKSPACE}/o/account{query}")
        assert sum(size for _, size in found) < FIRST_VISIT, found
        assert len([path for path, _ in found if path not in WORKER]) < REQUESTS, found


def _sent(site: Site, visit: Visit, path: str) -> list[tuple[str, int]]:
    assert site.wire is not None
    site.wire.sent.clear()
    visit.page.goto(f"{site.base}{path}")
    visit.settle()
    return list(site.wire.sent)


def _wrong(visit: Visit) -> list[str]:
    """What is not calm; an answer that is no page says so itself (404, 422) and is drawn all the same."""
    visit.wrong = [said for said in visit.wrong if not re.search(r"status of 4(00|04|10|22)", said)]
    found = []
    for look in (visit.calm, visit.accessible):
        try:
            look()
        except AssertionError as error:
            found.append(str(error).splitlines()[0])
    if visit.page.locator("h1, h2").count() == 0 and "/search" not in visit.page.url:
        found.append("there is no heading")
    visit.wrong.clear()
    return found
