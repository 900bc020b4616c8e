"""The description of the API: valid, complete, true: what it says is there answers, and answers as it says."""

from __future__ import annotations

import re
from typing import Any

import jsonschema
import pytest

from patron_testing.web import Api

METHODS = {"get", "post", "put", "patch", "delete"}
NAMED = re.compile(r"\{([a-z_]+)\}")


@pytest.fixture
def described(admin: Api) -> dict[str, Any]:
    said = admin.get("/openapi.json")
    assert said.status_code == 200
    found: dict[str, Any] = said.json()
    return found


def references(value: Any) -> set[str]:
    if isinstance(value, dict):
        own = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
        return own.union(*(references(v) for v in value.values()))
    return set().union(*(references(v) for v in value)) if isinstance(value, list) else set()


def test_its_form(described: dict[str, Any]) -> None:
    assert described["openapi"].startswith("3.1.")
    assert set(described) <= {"openapi", "info", "servers", "paths", "components", "security", "tags"}
    names = []
    for path, item in described["paths"].items():
        assert path.startswith("/") and set(item) <= METHODS | {"parameters", "summary"}
        for method in METHODS & set(item):
            operation = item[method]
            names.append(operation["operationId"])
            assert operation["responses"] and all(
                "description" in r or "$ref" in r for r in operation["responses"].values()
            )
            given = [
                p["name"]
                for p in (*item.get("parameters", ()), *operation.get("parameters", ()))
                if p["in"] == "path"
            ]
            assert sorted(given) == sorted(NAMED.findall(path)), path
    assert len(names) == len(set(names))
    for reference in references(described):
        place: Any = described
        for part in reference.removeprefix("#/").split("/"):
            assert part in place, reference
            place = place[part]


def test_its_schemas_are_json_schema(described: dict[str, Any]) -> None:
    for name, schema in described["components"]["schemas"].items():
        jsonschema.Draft202012Validator.check_schema(schema)
        assert re.fullmatch(r"[A-Za-z0-9._-]+", name)


def test_every_address_answers(admin: Api, described: dict[str, Any]) -> None:
    place = admin.make("yd_place", name="Answering")
    for path, item in described["paths"].items():
        for method in METHODS & set(item):
            where = NAMED.sub(lambda found: {"id": place["id"]}.get(found[1], "x"), path)
            body = None if method in ("get", "delete") else {"nonsense": 1}
            said = admin.call(method.upper(), where, **({} if body is None else {"json": body}))
            assert said.status_code < 500 and said.status_code != 405, f"{method} {where}: {said.text}"
            if said.status_code == 404:
                assert said.json()["detail"] != "there is nothing at this address", path


def test_records_are_as_it_says(admin: Api, described: dict[str, Any]) -> None:
    body = {
        "name": "Described", "class": "build", "budget": "12.50", "crew": 3, "care": 4, "urgent": True, "marks": ["a"],
        "tools": ["saw"], "wood": "hard/oak", "stay": {"from": "2026-01-01", "to": None}, "due_at": "2026-01-01T00:00:00Z",
        "more": {"a": [1, None]}, "mail": "a@b.example", "pass": "secret word", "code": "DE-1",
        "lines": [{"what": "Oar", "price": "2"}],
    }  # fmt: skip
    write = {"$ref": "#/components/schemas/yd_job.write", "components": described["components"]}
    jsonschema.Draft202012Validator(write).validate(body)
    for wrong in ({**body, "nmae": 1}, {**body, "crew": 1.5}, {**body, "class": "x"}, {"crew": 1}):
        assert not jsonschema.Draft202012Validator(write).is_valid(wrong), wrong
        assert admin.post("/records/yd_job", wrong).status_code == 422
    job = admin.make("yd_job", **body)
    read = {"$ref": "#/components/schemas/yd_job", "components": described["components"]}
    jsonschema.Draft202012Validator(read).validate(job)
    assert set(job) <= set(described["components"]["schemas"]["yd_job"]["properties"]), (
        "and nothing it does not say"
    )
    assert "secret word" not in str(job)
    page = admin.get("/records/yd_job", params={"where": "name == 'Described'"}).json()
    schema = described["paths"]["/records/yd_job"]["get"]["responses"]["200"]["content"]["application/json"][
        "schema"
    ]
    jsonschema.Draft202012Validator({**schema, "components": described["components"]}).validate(page)


def test_it_knows_every_way_to_records(described: dict[str, Any]) -> None:
    paths = described["paths"]
    for path in ("/query", "/bulk", "/by/{field}/{value}", "/{id}/history", "/{id}/related/{set}", "/{id}/restore",
                 "/{id}/clone", "/{id}/void", "/{id}/unvoid", "/{id}/files", "/{id}/files/{file}"):  # fmt: skip
        assert f"/records/yd_job{path}" in paths, path
    for path in ("/duplicates", "/{id}/merge", "/{id}/share", "/{id}/members", "/{id}/transfer", "/transfer"):
        assert f"/records/yd_job{path}" in paths, path
    assert "/automations/{name}/try" in paths and "/runs/{id}" in paths
    assert "/records/yd_job/{id}/claim" not in paths, "it has no pool"
    assert "/files" in paths and "/files/{id}" in paths
    assert "/records/yd_place/{id}/files" not in paths
    assert "/records/yd_place/{id}/void" not in paths, "only what the object's features give"
    parameters = {p["name"] for p in paths["/records/yd_job/{id}"]["patch"]["parameters"]}
    assert {"If-Match", "Idempotency-Key", "confirm"} <= parameters


def test_it_speaks_the_readers_language(admin: Api) -> None:
    said = admin.get("/openapi.json", headers={"Accept-Language": "zh-CN"}).json()
    assert said["components"]["schemas"]["yd_job"]["title"] == "工单"


def test_health_and_metrics(admin: Api) -> None:
    client = admin.client
    assert client.get("/health/live").json() == client.get("/health/ready").json() == {"status": "ok"}
    admin.get("/records/yd_job")
    text = client.get("/metrics").text
    assert 'patron_http_requests_total{method="GET",route="/api/v1/records/{object}",status="200"}' in text
    assert "patron_" + "key" not in text and admin.headers["Authorization"].split()[1] not in text
    said = client.head("/health/live")
    assert (said.status_code, said.content) == (200, b"")
