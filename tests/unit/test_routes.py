"""Which function answers which address, and what it is given."""

from __future__ import annotations

import re
import threading
from typing import Annotated

import pytest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Match, Route
from starlette.testclient import TestClient

from patron_platform.app import API, API_MODULES
from patron_platform.health import router as health
from patron_platform.routes import MOST_STEPS, Addresses, Routes, Taken
from patron_platform.web import pages

router = Routes("/w/{workspace}")


async def read_body(request: Request) -> bytes:
    return await request.body()


Body = Annotated[bytes, Taken(read_body)]


def entered(request: Request, workspace: str, data: Body) -> str:
    if workspace == "closed":
        raise HTTPException(403)
    return f"{workspace}+{data.decode()}"


Entered = Annotated[str, Taken(entered)]


@router.post("/tea/{number}")
def pour(number: str, who: Entered, data: Body) -> Response:
    assert threading.current_thread() is not threading.main_thread()
    return PlainTextResponse(f"{number} {who} {len(data)}")


@router.get("/tea/{number}")
async def look(request: Request, number: str) -> Response:
    return PlainTextResponse(f"{number} {request.query_params['q']}")


@router.get("/files/{name:path}")
def file(name: str) -> Response:
    return PlainTextResponse(name)


@pytest.fixture(scope="module")
def client() -> TestClient:
    return TestClient(Starlette(routes=[Addresses(router.under("/deep"))]))


def test_a_function_is_given_what_it_names(client: TestClient) -> None:
    assert client.post("/deep/w/acme/tea/7", content=b"hot").text == "7 acme+hot 3"
    assert client.get("/deep/w/acme/tea/7?q=is+it+hot").text == "7 is it hot"


def test_what_is_refused_on_the_way_is_not_called(client: TestClient) -> None:
    assert client.post("/deep/w/closed/tea/7", content=b"hot").status_code == 403


def test_another_method_and_another_address(client: TestClient) -> None:
    said = client.put("/deep/w/acme/tea/7")
    assert (said.status_code, said.headers["allow"]) == (405, "POST")
    assert client.get("/deep/w/acme/coffee/7").status_code == 404
    assert client.get("/deep/w/acme/tea").status_code == 404
    assert client.get("/").status_code == 404


@pytest.mark.parametrize("steps", [1, 2, MOST_STEPS, MOST_STEPS + 30])
def test_the_rest_of_a_path_may_have_many_steps(client: TestClient, steps: int) -> None:
    name = "/".join("x" * steps)
    assert client.get(f"/deep/w/acme/files/{name}").text == name


def test_every_address_is_answered_by_the_first_route_that_fits_it() -> None:
    routes = [route for module in API_MODULES for route in module.router.under(API)]
    routes += [*health.under(), *(route for module in pages.PAGES for route in module.router.under())]
    addresses = Addresses(routes)
    for route in routes:
        path = re.sub(r"\{\w+:uuid\}", "01900000-0002-7000-8000-000000000001", route.path)
        path = re.sub(r"\{\w+\}", "x", re.sub(r"\{\w+:path\}", "a/b/c", path))
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
            for asked in (path, f"{path}/", f"{path}/more"):
                scope = {"type": "http", "path": asked, "method": method, "root_path": "", "headers": []}
                assert addresses.matches(scope)[1].get("answering") is _first(routes, scope), (method, asked)


def _first(routes: list[Route], scope: dict[str, object]) -> Route | None:
    partly = None
    for route in routes:
        match, _ = route.matches(scope)
        if match is Match.FULL:
            return route
        if match is Match.PARTIAL and partly is None:
            partly = route
    return partly
