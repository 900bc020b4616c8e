"""Definitions over HTTP: into my draft, planned, published, rolled back; two who change the same are told of each other."""

from __future__ import annotations

from typing import Any

import pytest

from patron_platform.identity.keys import create_key
from patron_testing.web import ADMIN, WORKSPACE, Api, Opened


@pytest.fixture
def second(opened: Opened) -> Api:
    """Another key of an administrator: it has drafts of its own."""
    with opened.service.databases.system() as conn:
        return Api(opened.client, create_key(conn, ADMIN, WORKSPACE, "second"))


def boat(**more: Any) -> dict[str, Any]:
    field = {"name": "name", "type": "text", "label": "Name"}
    return {"label": "Boat", "plural": "Boats", "title": "name", "fields": [field], **more}


def published(api: Api, draft: str) -> dict[str, Any]:
    plan = api.post(f"/drafts/{draft}/plan")
    assert plan.status_code == 200, plan.text
    said = api.post(f"/drafts/{draft}/publish", {"checksum": plan.json()["checksum"], "note": "tried"})
    assert said.status_code == 201, said.text
    release: dict[str, Any] = said.json()
    return release


def test_from_a_document_to_records_and_back_again(admin: Api) -> None:
    before = admin.get("/releases").json()["releases"][0]["number"]
    said = admin.put("/definitions/object/c_boat", boat())
    assert said.status_code == 200, said.text
    draft = said.json()["draft"]
    assert admin.get("/objects/c_boat").status_code == 404, "a draft is not in force"
    said = admin.post(f"/drafts/{draft}/publish", {"checksum": "0" * 64})
    assert said.status_code == 409 and admin.get("/objects/c_boat").status_code == 404
    assert admin.post(f"/drafts/{draft}/publish").status_code == 422
    release = published(admin, draft)
    assert release["number"] == before + 1
    assert admin.get(f"/drafts/{draft}").status_code == 404, "its draft has ended"

    kept = admin.make("c_boat", name="Argo")
    said = admin.put("/definitions/object/c_boat", boat(fields=[
        {"name": "name", "type": "text", "label": "Name"},
        {"name": "mast", "type": "integer", "label": "Masts", "default": 1},
    ]))  # fmt: skip
    wide = published(admin, said.json()["draft"])
    assert admin.patch(f"/records/c_boat/{kept['id']}", {"mast": 3}).json()["mast"] == 3

    plan = admin.post(f"/releases/{release['number']}/rollback")
    assert plan.status_code == 200, plan.text
    said = admin.post(f"/releases/{release['number']}/rollback", {"checksum": plan.json()["checksum"]})
    assert said.status_code == 201, said.text
    assert "mast" not in admin.read("c_boat", kept["id"])
    again = admin.post(f"/releases/{wide['number']}/rollback").json()
    assert (
        admin.post(f"/releases/{wide['number']}/rollback", {"checksum": again["checksum"]}).status_code == 201
    )
    assert admin.read("c_boat", kept["id"])["mast"] == 3, "its data were kept aside"
    numbers = [r["number"] for r in admin.get("/releases").json()["releases"]]
    assert numbers == sorted(numbers, reverse=True) and numbers[0] == before + 4
    assert (
        admin.get("/releases", params={"before": str(before + 1)}).json()["releases"][0]["number"] == before
    )


def test_a_definition_says_which_layer_gave_what(admin: Api) -> None:
    change = {"set": {"fields.crew.label": "Hands"}}
    draft = admin.put("/definitions/change/object/yd_job", change).json()["draft"]
    published(admin, draft)
    said = admin.get("/definitions/object/yd_job").json()
    assert said["layer"] == "yard"
    assert next(f for f in said["body"]["fields"] if f["name"] == "crew")["label"] == "Hands"
    assert "workspace" in set(said["origins"].values()), said["origins"]
    rows = admin.get("/definitions", params={"kind": "object"}).json()["definitions"]
    assert {r["kind"] for r in rows} == {"object"} and {"core", "yard"} <= {r["layer"] for r in rows}
    draft = admin.delete("/definitions/change/object/yd_job").json()["draft"]
    published(admin, draft)
    said = admin.get("/definitions/object/yd_job").json()
    assert next(f for f in said["body"]["fields"] if f["name"] == "crew")["label"] != "Hands"


def test_two_drafts_of_the_same_property_meet_with_both_values(admin: Api, second: Api) -> None:
    mine = admin.put("/definitions/change/object/yd_place", {"set": {"fields.size.label": "Mine"}}).json()[
        "draft"
    ]
    theirs = second.put(
        "/definitions/change/object/yd_place", {"set": {"fields.size.label": "Theirs"}}
    ).json()["draft"]
    assert mine != theirs
    published(second, theirs)
    said = admin.post(f"/drafts/{mine}/plan")
    assert said.status_code == 409, said.text
    assert "Mine" in str(said.json()["values"]) and "Theirs" in str(said.json()["values"])
    assert admin.post(f"/drafts/{mine}/publish", {"checksum": "x"}).status_code == 409
    assert admin.delete(f"/drafts/{mine}").status_code == 200


def test_two_drafts_of_different_things_both_arrive(admin: Api, second: Api) -> None:
    mine = admin.put("/definitions/setting/c_one", {"type": "integer", "default": 1}).json()["draft"]
    theirs = second.put("/definitions/setting/c_two", {"type": "integer", "default": 2}).json()["draft"]
    published(second, theirs)
    published(admin, mine)
    names = {r["name"] for r in admin.get("/definitions", params={"kind": "setting"}).json()["definitions"]}
    assert {"c_one", "c_two"} <= names


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("/definitions/objct/c_x", {}, "unknown_kind"),
        ("/definitions/pack/c_x", {}, "unknown_kind"),
        ("/definitions/object/c_x", {"name": "other"}, "other_name"),
        ("/definitions/object/c_x", {"kind": "view"}, "other_name"),
        ("/definitions/object/c_x", {"lable": "x"}, None),
        ("/definitions/object/C_X", boat(), None),
        ("/definitions/object/" + "c" * 41, boat(), None),
        ("/definitions/object/c_x%22%3B%20drop%20table%20users%3B%20--", boat(), None),
        ("/definitions/object/c_x", boat(fields="name"), None),
        ("/definitions/object/c_x", boat(fields=[{"name": "a", "type": "txet"}]), None),
    ],
)
def test_what_is_no_definition_does_not_get_into_a_draft(
    admin: Api, path: str, body: Any, code: str | None
) -> None:
    said = admin.put(path, body)
    assert said.status_code in (404, 422), said.text
    if code:
        assert said.json()["problems"][0]["code"] == code


def test_a_plan_names_every_problem_and_is_not_published(admin: Api) -> None:
    fields = [
        {"name": "name", "type": "text", "label": "Name"},
        {"name": "a", "type": "formula", "label": "A", "expression": "b + 1"},
        {"name": "b", "type": "formula", "label": "B", "expression": "a + 1"},
        {"name": "c", "type": "formula", "label": "C", "expression": "nmae + 1"},
        {"name": "d", "type": "lookup", "label": "D", "to": "acount"},
    ]
    draft = admin.put("/definitions/object/c_bad", boat(fields=fields)).json()["draft"]
    said = admin.post(f"/drafts/{draft}/plan")
    assert said.status_code == 422, said.text
    places = " ".join(str(p) for p in said.json()["problems"])
    assert "nmae" in places and "acount" in places and "account" in places, "with the nearest right name"
    assert len(said.json()["problems"]) >= 3
    assert admin.post(f"/drafts/{draft}/publish", {"checksum": "x"}).status_code == 422
    assert admin.delete(f"/drafts/{draft}").status_code == 200


@pytest.mark.parametrize("number", ["0", "9999", "-1", "x", "99999999999999999999"])
def test_a_release_that_is_not_there(admin: Api, number: str) -> None:
    assert admin.post(f"/releases/{number}/rollback").status_code in (404, 422)
    assert admin.get("/releases", params={"before": number}).status_code in (200, 422)


def test_packs_are_listed_planned_and_installed(admin: Api) -> None:
    rows = {r["name"]: r for r in admin.get("/packs").json()["packs"]}
    assert rows["yard"]["installed"] == "1.0.0" and rows["sales"]["installed"] is None
    said = admin.post("/packs", {"name": "salse"})
    assert said.status_code in (404, 422) and "sales" in said.text
    assert admin.post("/packs", {}).status_code == 422
    assert admin.post("/packs", {"name": "sales", "choices": {"x": "both"}}).status_code == 422
    plan = admin.post("/packs", {"name": "sales"})
    assert plan.status_code == 200, plan.text
    assert admin.get("/objects/opportunity").status_code == 404
    said = admin.post("/packs", {"name": "sales", "checksum": plan.json()["checksum"]})
    assert said.status_code == 201, said.text
    assert admin.get("/objects/opportunity").status_code == 200
