"""Fields may be named as the API names its own keys: the field wins, and the other way to say the same stays."""

from __future__ import annotations

from patron_testing.web import Api


def test_a_field_wins_over_a_key_of_the_body(admin: Api) -> None:
    said = {
        "select": "A",
        "confirm": True,
        "external_ids": "mine",
        "delete": True,
        "where": "w",
        "limit": 7,
        "null": "n",
    }
    made = admin.make("yd_word", **said)
    assert {key: made[key] for key in said} == said
    changed = admin.patch(f"/records/yd_word/{made['id']}", {"confirm": False, "delete": False}).json()
    assert (changed["confirm"], changed["delete"]) == (False, False)
    bulk = admin.post(
        "/records/yd_word/bulk", {"records": [{"id": made["id"], "delete": True, "confirm": True}]}
    ).json()
    assert bulk["results"][0]["action"] == "updated"
    assert admin.read("yd_word", made["id"])["delete"] is True
    upserted = admin.put("/records/yd_word/by/select/A", {"external_ids": "other"}).json()
    assert upserted["external_ids"] == "other"


def test_warnings_are_confirmed_beside_the_body(admin: Api) -> None:
    asked = admin.post("/records/yd_word", {"select": "B", "limit": 101, "confirm": True})
    assert asked.status_code == 409 and asked.json()["confirm"] == ["high"]
    assert (
        admin.post("/records/yd_word", {"select": "B", "limit": 101}, params={"confirm": "high"}).status_code
        == 201
    )
    bulk = {"records": [{"select": "C", "limit": 101, "confirm": False}]}
    assert admin.post("/records/yd_word/bulk", bulk).json()["results"][0]["action"] == "created"


def test_what_asks_for_a_confirmation_names_warnings_only(admin: Api) -> None:
    job = admin.post("/records/yd_job", {"name": "x", "crew": 101}).json()
    assert job["confirm"] == ["big_crew"]
    assert admin.post("/records/yd_word", {"select": "Z", "limit": 0}).status_code == 201


def test_a_detail_may_have_a_field_named_delete(admin: Api) -> None:
    made = admin.make("yd_word", select="D", lines=[{"what": "one", "delete": True}, {"what": "two"}])
    lines = admin.get(f"/records/yd_word/{made['id']}/related/lines").json()["records"]
    assert [(line["what"], line["delete"]) for line in lines] == [("one", True), ("two", None)]
    first = lines[0]["id"]
    admin.patch(f"/records/yd_word/{made['id']}", {"lines": [{"id": first, "delete": False}]})
    assert admin.read("yd_word_line", first)["delete"] is False
    assert admin.delete(f"/records/yd_word_line/{first}").status_code == 200


def test_a_number_may_hold_a_value_of_its_master(admin: Api) -> None:
    made = admin.make("yd_word", select="N1", lines=[{"what": "one"}, {"what": "two"}])
    lines = admin.get(f"/records/yd_word/{made['id']}/related/lines").json()["records"]
    assert sorted(line["number"] for line in lines) == ["N1/01", "N1/02"]
    assert admin.make("yd_word_line", word=made["id"], what="three")["number"] == "N1/03"


def test_words_of_sql_and_python_stand_in_conditions(admin: Api) -> None:
    admin.make("yd_word", select="E", where="here", limit=3, null="nothing", **{"from": "2026-05-01"})
    for where in (
        "where == 'here' and limit == 3", "null == 'nothing'", "select == 'E' and null != None",
        "from == DATE(2026, 5, 1)", "select == 'E' and confirm == None and not delete",
    ):  # fmt: skip
        found = admin.rows("yd_word", where=where, fields="select,null")
        assert [row["select"] for row in found] == ["E"], where
    assert (
        admin.rows("yd_job", where="null == 'x'", fields="name") == []
    )  # without such a field it is the empty value


def test_keys_beside_the_fields_are_still_checked(admin: Api) -> None:
    for body, field in (
        ({"name": "x", "confirm": True}, "confirm"), ({"name": "x", "external_ids": "erp"}, "external_ids"),
        ({"name": "x", "external_ids": {"erp": 7}}, "external_ids"),
    ):  # fmt: skip
        said = admin.post("/records/yd_job", body)
        assert said.status_code == 422 and said.json()["problems"][0]["field"] == field
    said = admin.post("/records/yd_job/bulk", {"records": [{"name": "x", "delete": 1}]})
    assert said.json()["problems"][0]["field"] == "records[0].delete"
    said = admin.post("/records/yd_job/bulk", {"create": [{"name": "x"}]}).json()["problems"][0]
    assert said["code"] == "unknown_key" and said["hint"] == "known are mode, records, chosen"


def test_the_description_tells_what_a_key_means(admin: Api) -> None:
    schemas = admin.get("/openapi.json").json()["components"]["schemas"]
    assert schemas["yd_word.write"]["properties"]["confirm"]["type"] == ["boolean", "null"]
    assert schemas["yd_job.write"]["properties"]["confirm"]["type"] == "array"
    assert (
        schemas["yd_word.line" if "yd_word.line" in schemas else "yd_word_line.line"]["properties"]["delete"][
            "title"
        ]
        == "Delete"
    )
