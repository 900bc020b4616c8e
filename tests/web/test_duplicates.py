"""Duplicate rules at the save, on every path: block refuses, warn asks, import reports; nothing is told of what one may not see."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from patron_engine.actor import SYSTEM, Cause
from patron_engine.record.change import Change
from patron_platform.identity.keys import create_key
from patron_platform.workspace import make_workspace
from patron_testing.pg import Server
from patron_testing.web import ADMIN, PACKS, Api, Opened, Template, serving

TWINS = "twins"  # the workspace


@pytest.fixture(scope="module")
def twins(server: Server, template: Template) -> Iterator[Opened]:
    with serving(server, template) as opened:
        make_workspace(opened.service, TWINS, packs=("forms",), folders=[PACKS], administrator=ADMIN)
        yield opened


@pytest.fixture(scope="module")
def api(twins: Opened) -> Api:
    with twins.service.databases.system() as conn:
        return Api(twins.client, create_key(conn, ADMIN, TWINS))


def made(api: Api, object: str = "fm_firm", **values: Any) -> Any:
    return api.post(f"/records/{object}", values)


def problems(said: Any) -> list[dict[str, Any]]:
    return [p for p in said.json()["problems"] if p["code"] in ("duplicate", "maybe_duplicate")]


def test_what_blocks_refuses_and_says_which_record_it_is(api: Api) -> None:
    assert made(api, name="Anchor Works", code="B-1").status_code == 201
    said = made(api, name="Another", code="B-1")
    assert said.status_code == 422
    assert [p["field"] for p in problems(said)] == ["code"]
    assert "Anchor Works" in problems(said)[0]["message"]
    assert made(api, name="Another", code="B-2").status_code == 201
    assert made(api, name="Third").status_code == 201  # an empty value is nobody's


def test_what_blocks_cannot_be_confirmed(api: Api) -> None:
    made(api, name="Rope Loft", code="C-1")
    said = made(api, name="Other Loft", code="C-1", confirm=["fm_same_firm"])
    assert said.status_code == 422


def test_what_only_warns_asks_once(api: Api) -> None:
    made(api, name="上海海洋科技有限公司")
    said = made(api, name="上海海洋科技股份有限公司")
    assert said.status_code == 409
    assert said.json()["code"] == "needs_confirmation"
    assert problems(said)[0]["message"].endswith("上海海洋科技有限公司")
    again = api.post("/records/fm_firm", {"name": "上海海洋科技股份有限公司", "confirm": ["fm_same_firm"]})
    assert again.status_code == 201, again.text


def test_a_name_that_is_like_enough_is_found(api: Api) -> None:
    made(api, name="Northern Lights Shipping", phone="13800138001")
    assert made(api, name="Northern Light Shipping", phone="13800138001").status_code == 409
    assert made(api, name="Southern Winds Trading", phone="13800138001").status_code == 201


def test_an_update_is_compared_when_it_changes_what_is_compared(api: Api) -> None:
    made(api, name="Kept", code="D-1")
    other = made(api, name="Changed", code="D-2").json()
    assert api.patch(f"/records/fm_firm/{other['id']}", {"code": "D-1"}).status_code == 422
    assert api.patch(f"/records/fm_firm/{other['id']}", {"phone": "13900139000"}).status_code == 200


def test_other_objects_are_compared_too(api: Api) -> None:
    made(api, "fm_call", company="Harbour Pilots Ltd", mobile="13700137000")
    said = made(api, name="Harbour Pilots")
    assert said.status_code == 409
    assert "Harbour Pilots Ltd" in problems(said)[0]["message"]
    assert made(api, name="Nobody Yet", phone="13700137000").status_code == 409


def test_a_condition_of_the_rule_decides_whether_it_looks(api: Api) -> None:
    made(api, name="Open One", code="E-1")
    assert made(api, name="Branch", code="E-1", branch=True).status_code == 201


def test_two_of_one_request_are_found(api: Api) -> None:
    records = [{"name": "Row one", "code": "F-1"}, {"name": "Row two", "code": "F-1"}]
    said = api.post("/records/fm_firm/bulk", {"records": records, "mode": "all"})
    assert said.status_code == 422
    assert [p["field"] for p in problems(said)] == ["[1].code"]
    assert api.rows("fm_firm", where="code == 'F-1'") == []
    said = api.post("/records/fm_firm/bulk", {"records": records, "mode": "each"})
    assert said.status_code == 200
    assert [r["action"] for r in said.json()["results"]] == ["created", "refused"]


def test_an_import_refuses_what_blocks_and_reports_what_warns(twins: Opened, api: Api) -> None:
    made(api, name="Import Works Ltd", code="H-1")
    workspace = twins.service.runtime.workspace(TWINS)
    rows = [
        {"name": "Other", "code": "H-1"},
        {"name": "Import Works", "code": "H-2"},
        {"name": "Fresh", "code": "H-3"},
    ]
    changes = [Change(action="create", object="fm_firm", set=row) for row in rows]
    outcomes = workspace.save(
        SYSTEM, changes, mode="each", cause=Cause(kind="import", detail={"import": "1"})
    )
    assert [o.action for o in outcomes] == ["refused", "created", "created"]
    assert [[p.code for p in o.problems] for o in outcomes] == [["duplicate"], ["maybe_duplicate"], []]


def test_two_at_one_moment_do_not_both_get_through(api: Api) -> None:
    for n in range(4):
        with ThreadPoolExecutor(4) as pool:
            codes = sorted(
                pool.map(
                    lambda i, n=n: made(api, name=f"At once {n} {i}", code=f"G-{n}").status_code, range(4)
                )
            )
        assert codes == [201, 422, 422, 422]
