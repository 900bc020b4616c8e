"""Records over HTTP: what works, and what is answered when somebody else was quicker or a rule warns."""

from __future__ import annotations

from decimal import Decimal

import pytest

from patron_testing.web import Api

NOBODY = "00000000-0000-7000-8000-000000000000"


def problems(said: object) -> dict[str, str]:
    """The codes by field."""
    return {p.get("field", ""): p["code"] for p in said.json()["problems"]}  # type: ignore[attr-defined]


def test_a_record_with_its_details_is_created_read_changed_and_deleted(admin: Api) -> None:
    said = admin.post(
        "/records/yd_job",
        {
            "name": "Sloop", "class": "build", "budget": "1000.50", "stay": {"from": "2026-01-01", "to": "2026-01-31"},
            "lines": [{"what": "Planks", "quantity": "2.5", "price": 100}, {"what": "Nails", "price": "3.50"}],
        },
    )  # fmt: skip
    assert said.status_code == 201, said.text
    job = said.json()
    assert said.headers["location"] == f"/api/v1/records/yd_job/{job['id']}"
    assert said.headers["etag"] == f'"{job["version"]}"'
    assert (Decimal(job["total"]), job["line_count"], Decimal(job["left"])) == (Decimal("253.5"), 2, 747)
    assert job["number"].startswith("J-build-")
    lines = admin.get(f"/records/yd_job/{job['id']}/related/lines", params={"sort": "position"}).json()[
        "records"
    ]
    assert [line["what"] for line in lines] == ["Planks", "Nails"]

    said = admin.patch(
        f"/records/yd_job/{job['id']}",
        {"lines": [{"id": lines[0]["id"], "quantity": 1}, {"id": lines[1]["id"], "delete": True}]},
    )
    assert said.status_code == 200, said.text
    assert (Decimal(said.json()["total"]), said.json()["line_count"]) == (100, 1)
    assert said.json()["version"] > job["version"], "a detail's change is one of its master"

    said = admin.delete(f"/records/yd_job/{job['id']}")
    assert (said.status_code, said.json()["action"]) == (200, "deleted")
    assert admin.get(f"/records/yd_job/{job['id']}").status_code == 404
    said = admin.post(f"/records/yd_job/{job['id']}/restore")
    assert said.status_code == 200, said.text
    assert Decimal(said.json()["total"]) == 100


def test_absent_stays_null_empties_and_nothing_new_writes_nothing(admin: Api) -> None:
    job = admin.make("yd_job", name="Ketch", note="long", crew=3)
    path = f"/records/yd_job/{job['id']}"
    said = admin.patch(path, {"crew": 4})
    assert (said.json()["crew"], admin.get(path, params={"fields": "note"}).json()["note"]) == (4, "long")
    assert admin.patch(path, {"crew": None}).json()["crew"] is None
    before = admin.read("yd_job", job["id"])
    assert admin.patch(path, {"crew": None}).json() == before


def test_the_second_writer_is_told_both_values(admin: Api) -> None:
    job = admin.make("yd_job", name="Yawl", crew=1)
    path = f"/records/yd_job/{job['id']}"
    seen = f'"{job["version"]}"'
    assert admin.patch(path, {"crew": 2}, headers={"If-Match": seen}).status_code == 200
    said = admin.patch(path, {"crew": 3}, headers={"If-Match": seen})
    assert said.status_code == 412, said.text
    assert said.json()["values"]["crew"] == {"mine": 3, "theirs": 2}, said.text
    assert admin.read("yd_job", job["id"])["crew"] == 2
    assert admin.delete(path, headers={"If-Match": seen}).status_code == 412
    assert admin.patch(path, {"crew": 3}, headers={"If-Match": "yesterday"}).status_code == 422


def test_a_known_version_is_not_sent_again(admin: Api) -> None:
    job = admin.make("yd_place", name="Quay 304")
    path = f"/records/yd_place/{job['id']}"
    tag = admin.get(path).headers["etag"]
    said = admin.get(path, headers={"If-None-Match": tag})
    assert (said.status_code, said.content) == (304, b"")
    admin.patch(path, {"size": "2.00"})
    assert admin.get(path, headers={"If-None-Match": tag}).status_code == 200


def test_a_warning_asks_once_and_goes_through_when_it_is_named(admin: Api) -> None:
    body = {"name": "Barque", "crew": 200}
    said = admin.post("/records/yd_job", body)
    assert (said.status_code, said.json()["code"]) == (409, "needs_confirmation")
    assert said.json()["confirm"] == ["big_crew"]
    assert not admin.rows("yd_job", where="name == 'Barque'")
    assert admin.post("/records/yd_job", {**body, "confirm": ["long_stay"]}).status_code == 409
    said = admin.post("/records/yd_job", {**body, "confirm": ["big_crew"]})
    assert (said.status_code, said.headers["patron-warnings"]) == (201, "big_crew")
    path = f"/records/yd_job/{said.json()['id']}"
    assert admin.patch(path, {"crew": 300}).status_code == 409
    assert admin.patch(path, {"crew": 300}, params={"confirm": "big_crew"}).status_code == 200


def test_a_rule_refuses_with_its_name_and_its_field(admin: Api) -> None:
    said = admin.post(
        "/records/yd_job", {"name": "Brig", "budget": 5, "lines": [{"what": "Mast", "price": 6}]}
    )
    assert said.status_code == 422
    assert [(p["rule"], p["field"]) for p in said.json()["problems"]] == [("over_budget", "budget")]
    job = admin.make("yd_job", name="Brig", budget=5)
    said = admin.post("/records/yd_line", {"job": job["id"], "what": "Mast", "price": 6})
    assert said.status_code == 422, "the parent's rule speaks when a detail breaks it"
    assert said.json()["problems"][0]["rule"] == "over_budget"
    assert admin.read("yd_job", job["id"])["line_count"] == 0


def test_every_mistake_of_a_body_is_named_at_once(admin: Api) -> None:
    said = admin.post(
        "/records/yd_job",
        {
            "nmae": "x",
            "crew": "many",
            "class": "bulid",
            "lines": [{"what": "A", "price": -1}, {"quantity": "x"}],
        },
    )
    assert said.status_code == 422
    found = problems(said)
    assert {"nmae", "crew", "class"} <= set(found), found
    hints = {p["field"]: p.get("hint", "") for p in said.json()["problems"]}
    assert "name" in hints["nmae"] and "build" in hints["class"]


@pytest.mark.parametrize("mode", ["all", "each"])
def test_bulk_takes_all_or_each(admin: Api, mode: str) -> None:
    rows = [{"name": f"{mode}-1"}, {"name": None}, {"name": f"{mode}-3"}]
    said = admin.post("/records/yd_job/bulk", {"mode": mode, "records": rows})
    kept = [r["name"] for r in admin.rows("yd_job", where=f"STARTS_WITH(name, '{mode}-')", sort="name")]
    if mode == "all":
        assert said.status_code == 422 and kept == []
        assert said.json()["problems"][0]["field"] == "[1].name"
    else:
        assert said.status_code == 200
        assert [r["action"] for r in said.json()["results"]] == ["created", "refused", "created"]
        assert kept == ["each-1", "each-3"]
        assert said.json()["results"][1]["problems"][0]["field"].endswith("name")


def test_bulk_updates_and_deletes_with_versions(admin: Api) -> None:
    one, two = (admin.make("yd_job", name=f"Bulk {n}") for n in (1, 2))
    said = admin.post(
        "/records/yd_job/bulk",
        {
            "records": [
                {"id": one["id"], "version": one["version"], "crew": 9},
                {"id": two["id"], "delete": True},
            ]
        },
    )
    assert [r["action"] for r in said.json()["results"]] == ["updated", "deleted"], said.text
    said = admin.post(
        "/records/yd_job/bulk", {"records": [{"id": one["id"], "version": one["version"], "crew": 8}]}
    )
    assert said.status_code == 412
    assert admin.post("/records/yd_job/bulk", {"records": [{"name": "x"}] * 1001}).status_code == 422
    assert admin.post("/records/yd_job/bulk", {"records": [1]}).status_code == 422
    assert admin.post("/records/yd_job/bulk", {"mode": "some", "records": []}).status_code == 422


def test_upsert_by_a_unique_field_and_by_an_external_id(admin: Api) -> None:
    said = admin.put("/records/yd_job/by/code/AB-7", {"name": "First"})
    assert (said.status_code, said.json()["code"]) == (201, "AB-7"), said.text
    again = admin.put("/records/yd_job/by/code/AB-7", {"name": "Second"})
    assert (again.status_code, again.json()["id"], again.json()["name"]) == (200, said.json()["id"], "Second")
    said = admin.put("/records/yd_job/by/external_ids.erp/77%2F1", {"name": "From ERP"})
    assert said.status_code == 201, said.text
    again = admin.put("/records/yd_job/by/external_ids.erp/77%2F1", {"name": "From ERP again"})
    assert (again.status_code, again.json()["id"]) == (200, said.json()["id"])
    assert admin.put("/records/yd_job/by/name/x", {"crew": 1}).status_code == 422, "name is not unique"


def test_void_leaves_lists_and_unvoid_brings_back(admin: Api) -> None:
    job = admin.make("yd_job", name="Wreck")
    path = f"/records/yd_job/{job['id']}"
    said = admin.post(f"{path}/void")
    assert said.status_code == 200 and said.json()["voided_at"]
    assert not admin.rows("yd_job", where="name == 'Wreck'")
    assert admin.post(f"{path}/unvoid").json()["voided_at"] is None
    assert admin.rows("yd_job", where="name == 'Wreck'")
    assert admin.post(f"{path}/fly").status_code in (404, 422)
    place = admin.make("yd_place", name="Nowhere")
    assert admin.post(f"/records/yd_place/{place['id']}/void").status_code == 422, "it has no such feature"


def test_a_clone_has_the_values_and_the_details_but_not_what_is_unique(admin: Api) -> None:
    job = admin.make(
        "yd_job", name="Model", code="CL-1", budget=50, marks=["a"], lines=[{"what": "Oar", "price": 2}]
    )
    said = admin.post(f"/records/yd_job/{job['id']}/clone", {"name": "Copy"})
    assert said.status_code == 201, said.text
    copy = said.json()
    assert (copy["name"], copy["code"], copy["marks"], Decimal(copy["total"])) == ("Copy", None, ["a"], 2)
    assert copy["number"] != job["number"]
    assert admin.post(f"/records/yd_job/{NOBODY}/clone").status_code == 404


def test_history_says_who_changed_what(admin: Api) -> None:
    job = admin.make("yd_job", name="Old name", crew=1)
    admin.patch(f"/records/yd_job/{job['id']}", {"name": "New name"})
    said = admin.get(f"/records/yd_job/{job['id']}/history")
    assert said.status_code == 200
    rows = said.json()["history"]
    assert len(rows) == 2
    assert "Old name" in said.text and "crew" not in str(rows[0].get("changes", rows[0]))


def test_lists_page_sort_filter_and_count(admin: Api) -> None:
    for n in range(5):
        admin.make("yd_place", name=f"Page {n}", size=n)
    where = "STARTS_WITH(name, 'Page ')"
    first = admin.get(
        "/records/yd_place", params={"where": where, "sort": "-size", "limit": "2", "count": "exact"}
    )
    assert first.json()["count"] == 5
    names = [r["name"] for r in first.json()["records"]]
    after = first.json()["next"]
    while after:
        body = {"where": where, "sort": ["-size"], "limit": 2, "after": after}
        page = admin.post("/records/yd_place/query", body)
        assert page.status_code == 200, page.text
        names += [r["name"] for r in page.json()["records"]]
        after = page.json()["next"]
    assert names == [f"Page {n}" for n in (4, 3, 2, 1, 0)]
    after = first.json()["next"]
    assert admin.get("/records/yd_place", params={"sort": "name", "after": after}).status_code == 410
    assert admin.get("/records/yd_place", params={"after": "made up"}).status_code in (410, 422)


def test_links_of_every_form(admin: Api) -> None:
    hall, dock = admin.make("yd_place", name="Hall L"), admin.make("yd_place", name="Dock L")
    account = admin.make("account", name="Links Ltd")
    job = admin.make(
        "yd_job", name="Linked", berth={"name": "Dock L"}, places=[hall["id"], {"name": "Dock L"}],
        about={"object": "account", "id": account["id"]},
    )  # fmt: skip
    assert job["berth"]["id"] == dock["id"] and job["berth"]["title"] == "Dock L"
    assert job["about"]["object"] == "account" and job["about"]["id"] == account["id"]
    places = admin.get(f"/records/yd_job/{job['id']}", params={"fields": "places"}).json()["places"]
    assert {p["id"] for p in places} == {hall["id"], dock["id"]}
    rows = admin.get(f"/records/account/{account['id']}/related/yd_jobs").json()["records"]
    assert [r["id"] for r in rows] == [job["id"]]
    rows = admin.get(f"/records/yd_place/{hall['id']}/related/visiting").json()["records"]
    assert [r["id"] for r in rows] == [job["id"]]
    assert admin.delete(f"/records/yd_place/{dock['id']}").status_code in (409, 422), "restrict"
    said = admin.patch(f"/records/yd_place/{hall['id']}", {"parent": hall["id"]})
    assert said.status_code == 422, "no cycles"


def test_search_finds_by_words_and_chinese(admin: Api) -> None:
    admin.make("account", name="上海示例造船有限公司")
    hits = admin.get("/search", params={"q": "造船"}).json()["hits"]
    assert [h["title"] for h in hits] == ["上海示例造船有限公司"]
    assert admin.get("/search", params={"q": ""}).status_code == 422
    assert admin.get("/search").status_code == 422


def test_a_line_that_comes_to_another_job_gets_a_number_of_that_job(admin: Api) -> None:
    line = {"what": "x", "price": "1"}
    first = admin.make("yd_job", name="First", budget="100", lines=[line, line])
    second = admin.make("yd_job", name="Second", budget="100", lines=[line, line, line])
    rows = admin.rows("yd_line", where=f"job == '{second['id']}'", sort="position")
    said = admin.patch(f"/records/yd_line/{rows[0]['id']}", {"job": first["id"]})
    assert said.status_code == 200 and said.json()["position"] == "03"
    assert [
        r["position"] for r in admin.rows("yd_line", where=f"job == '{second['id']}'", sort="position")
    ] == ["02", "03"]
