"""Who may come in, and what those see who may not: a stranger 401, somebody without a right the same as for what is not there."""

from __future__ import annotations

import time
from typing import Any

import pytest

from patron_platform.identity.keys import create_key, list_keys, revoke_key
from patron_testing.web import REP, V1, WORKSPACE, Api, Opened

NOBODY = "00000000-0000-7000-8000-000000000000"
READS = (
    "/me", "/objects", "/objects/yd_job", "/openapi.json", "/search?q=a", "/records/yd_job", f"/records/yd_job/{NOBODY}",
    f"/records/yd_job/{NOBODY}/history", f"/records/yd_job/{NOBODY}/related/lines",
    f"/records/yd_job/{NOBODY}/activities", f"/records/yd_job/{NOBODY}/comments", f"/records/yd_job/{NOBODY}/files", f"/files/{NOBODY}",
    "/definitions", "/definitions/object/yd_job", f"/drafts/{NOBODY}", "/releases", "/packs",
)  # fmt: skip
WRITES = (
    ("POST", "/records/yd_job", {"name": "x"}),
    ("POST", "/records/yd_job/query", {}),
    ("POST", "/records/yd_job/bulk", {"records": [{"name": "x"}]}),
    ("PATCH", f"/records/yd_job/{NOBODY}", {"name": "x"}),
    ("DELETE", f"/records/yd_job/{NOBODY}", None),
    ("PUT", "/records/yd_job/by/code/A-1", {"name": "x"}),
    ("POST", f"/records/yd_job/{NOBODY}/restore", {}),
    ("POST", f"/records/yd_job/{NOBODY}/void", {}),
    ("POST", f"/records/yd_job/{NOBODY}/clone", {}),
    ("POST", f"/records/yd_job/{NOBODY}/files", {"file": NOBODY}),
    ("DELETE", f"/records/yd_job/{NOBODY}/files/{NOBODY}", None),
)
DESIGNS = (
    ("PUT", "/definitions/setting/c_limit", {"type": "integer", "default": 1}),
    ("DELETE", "/definitions/setting/c_limit", None),
    ("POST", f"/drafts/{NOBODY}/plan", {}),
    ("POST", f"/drafts/{NOBODY}/publish", {"checksum": "x"}),
    ("DELETE", f"/drafts/{NOBODY}", None),
    ("POST", "/releases/1/rollback", {}),
    ("POST", "/packs", {"name": "sales"}),
)


def ask(api: Api, method: str, path: str, body: Any = None) -> Any:
    return api.call(method, path, **({} if body is None else {"json": body}))


@pytest.mark.parametrize("path", READS)
def test_a_stranger_reads_nothing(stranger: Api, path: str) -> None:
    said = stranger.get(path)
    assert (said.status_code, said.headers["www-authenticate"]) == (401, "Bearer")
    assert said.headers["content-type"] == "application/problem+json"
    assert set(said.json()) == {"type", "title", "status", "code", "detail", "hint"}


@pytest.mark.parametrize(("method", "path", "body"), [*WRITES, *DESIGNS])
def test_a_stranger_changes_nothing(stranger: Api, method: str, path: str, body: Any) -> None:
    assert ask(stranger, method, path, body).status_code == 401


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", "Basic eDp5", "Bearer \t", "Bearer x", "bearer patron_x"]
)
def test_a_header_that_is_no_key(opened: Opened, header: str) -> None:
    said = opened.client.get(f"{V1}/me", headers={"Authorization": header})
    assert said.status_code == 401
    assert "patron_x" not in said.text


def test_who_has_no_right_sees_no_objects(rep: Api) -> None:
    assert rep.get("/me").json()["administrator"] is False
    assert rep.get("/objects").json()["objects"] == []
    assert rep.get("/openapi.json").json()["paths"] == {}
    assert rep.get("/search", params={"q": "acme"}).json() == {"hits": []}


@pytest.mark.parametrize(("method", "path", "body"), WRITES)
def test_what_one_may_not_see_is_answered_as_what_is_not_there(
    rep: Api, method: str, path: str, body: Any
) -> None:
    hidden = ask(rep, method, path, body)
    missing = ask(rep, method, path.replace("yd_job", "yd_jox"), body)
    assert hidden.status_code == missing.status_code == 404, hidden.text
    assert hidden.text.replace("yd_job", "yd_jox") == missing.text


@pytest.mark.parametrize("path", [p for p in READS if "yd_job" in p and "definitions" not in p])
def test_reading_what_one_may_not_see(rep: Api, path: str) -> None:
    hidden, missing = rep.get(path), rep.get(path.replace("yd_job", "yd_jox"))
    assert hidden.status_code == missing.status_code == 404, hidden.text
    assert hidden.text.replace("yd_job", "yd_jox") == missing.text


@pytest.mark.parametrize(("method", "path", "body"), [*DESIGNS, *(("GET", p, None) for p in READS[-5:])])
def test_who_is_no_administrator_designs_nothing(rep: Api, method: str, path: str, body: Any) -> None:
    said = ask(rep, method, path, body)
    assert (said.status_code, said.json()["code"]) == (403, "forbidden"), said.text


def test_another_workspaces_records_do_not_exist(opened: Opened) -> None:
    job = opened.admin.make("yd_job", name="Mine", code="MINE-1")
    id, path = job["id"], f"/records/yd_job/{job['id']}"
    for method, place, body in (
        ("GET", path, None),
        ("PATCH", path, {"name": "taken"}),
        ("DELETE", path, None),
        ("GET", f"{path}/history", None),
        ("GET", f"{path}/related/lines", None),
        ("POST", f"{path}/void", {}),
        ("POST", f"{path}/clone", {}),
        ("POST", f"{path}/restore", {}),
    ):
        said = ask(opened.foreign, method, place, body)
        random = ask(opened.foreign, method, place.replace(id, NOBODY), body)
        assert said.status_code == random.status_code == 404, f"{method} {place}: {said.text}"
        assert said.text.replace(id, NOBODY) == random.text
    said = opened.foreign.get(path, headers={"If-None-Match": f'"{job["version"]}"'})
    assert said.status_code == 404
    line = {"job": id, "what": "x", "price": 1}
    said = opened.foreign.post("/records/yd_line", line)
    random = opened.foreign.post("/records/yd_line", {**line, "job": NOBODY})
    assert said.status_code == random.status_code == 422
    assert said.text.replace(id, NOBODY) == random.text
    assert opened.foreign.get("/search", params={"q": "Mine"}).json() == {"hits": []}
    said = opened.foreign.get(
        "/me", headers={"X-Tenant": WORKSPACE, "X-Forwarded-Host": f"{WORKSPACE}.example"}
    )
    assert said.json()["workspace"] == "other"
    assert opened.admin.read("yd_job", id)["name"] == "Mine"


def test_a_draft_belongs_to_who_began_it(opened: Opened) -> None:
    draft = opened.admin.put("/definitions/setting/c_mine", {"type": "integer", "default": 1}).json()["draft"]
    assert opened.admin.get(f"/drafts/{draft}").status_code == 200
    assert opened.foreign.get(f"/drafts/{draft}").status_code == 404
    assert opened.foreign.post(f"/drafts/{draft}/plan").status_code == 404
    assert opened.admin.delete(f"/drafts/{draft}").status_code == 200


def test_a_revoked_key_ends_within_five_seconds(opened: Opened) -> None:
    with opened.service.databases.system() as conn:
        key = create_key(conn, REP, WORKSPACE, "short")
    api = Api(opened.client, key)
    assert api.get("/me").status_code == 200
    with opened.service.databases.system() as conn:
        row = next(k for k in list_keys(conn, WORKSPACE) if k.name == "short")
        revoke_key(conn, row.id)
    deadline = time.monotonic() + 10  # five, and what a busy machine adds
    while api.get("/me").status_code != 401:
        assert time.monotonic() < deadline, "a revoked key still opens"


def test_the_language_is_the_requests_not_the_first_ones(admin: Api) -> None:
    for languages, expected in (("zh-CN", ["zh-CN"]), ("en", ["en"]), ("zh-TW,en;q=0.5", ["zh-TW", "en"])):
        assert admin.get("/me", headers={"Accept-Language": languages}).json()["languages"] == expected


def test_who_keeps_guessing_waits_and_others_do_not(opened: Opened) -> None:
    """Last in this file: this address is slow afterwards, but for keys that are known."""
    assert opened.admin.get("/me").status_code == 200
    answers = {Api(opened.client, f"patron_guess{n}").get("/me").status_code for n in range(30)}
    assert answers == {401, 429}
    said = Api(opened.client, "patron_guess").get("/me")
    assert (said.status_code, said.json()["code"], said.headers["retry-after"]) == (
        429,
        "too_many_requests",
        "60",
    )
