"""Unmask: a masked value is shown on demand to whoever may, on the page and by the API, and it is written down that he looked."""

from __future__ import annotations

from typing import Any

from psycopg.rows import dict_row

from patron_testing.house import CANARIES, House
from patron_testing.web import WORKSPACE

NUMBER = CANARIES["keeper"].removeprefix("+86")


def noted(home: House) -> list[dict[str, Any]]:
    with home.service.runtime.workspace(WORKSPACE).connection("read") as conn:
        cursor = conn.cursor(row_factory=dict_row)
        cursor.execute(
            f"SELECT by::text, about, detail FROM w_{WORKSPACE}.sys__audit WHERE action = 'unmask' ORDER BY id"
        )
        return cursor.fetchall()


def allow(home: House, who: str, *roles: str) -> None:
    said = home.api("admin").patch(f"/records/user/{home.people[who]}", {"roles": list(roles)})
    assert said.status_code == 200, said.text


def test_who_may_not_sees_the_mask_alone(home: House) -> None:
    id, api, person = home.ids["device"], home.api("technician"), home.person("technician")
    said = api.post(f"/records/sv_device/{id}/unmask", {"fields": ["keeper"]})
    assert (said.status_code, said.json()["code"]) == (403, "forbidden")
    page = person.page(f"/o/sv_device/{id}")
    assert "****5678" in page.text and not page.select("form[action$='/unmask']")
    assert "****5678" in person.page("/o/sv_device?columns=name,keeper").text
    assert not person.page("/o/sv_device?columns=name,keeper").select("th[data-path=keeper] a.list-sort")
    assert person.post(f"/o/sv_device/{id}/unmask", {"field": "keeper"}).status_code == 403
    assert noted(home) == []


def test_who_may_sees_it_on_demand_and_that_is_kept(home: House) -> None:
    id, path = home.ids["device"], f"/records/sv_device/{home.ids['device']}/unmask"
    allow(home, "technician", "employee", "sv_technician", "sv_unmasking")
    api, person = home.api("technician"), home.person("technician")
    assert api.read("sv_device", id)["keeper"] == "****5678", "until he asks"
    said = api.post(path, {"fields": ["keeper"]})
    assert said.status_code == 200 and said.json() == {"values": {"keeper": NUMBER}}, said.text
    assert said.headers["cache-control"] == "no-store"
    page = person.page(f"/o/sv_device/{id}")
    assert page.select_one("form[action$='/unmask'] button")["value"] == "keeper"
    shown = person.post(f"/o/sv_device/{id}/unmask", {"field": "keeper"})
    assert shown.status_code == 200 and NUMBER in shown.text.replace(" ", "")
    assert "****5678" in person.page(f"/o/sv_device/{id}").text, "this once"
    rows = noted(home)
    about = {"by": home.people["technician"], "about": f"sv_device/{id}"}
    assert rows == [{**about, "detail": {"object": "sv_device", "record": id, "field": "keeper"}}] * 2
    assert NUMBER not in str(rows)


def test_nothing_else_is_shown_by_it(home: House) -> None:
    path = f"/records/sv_device/{home.ids['device']}/unmask"
    allow(home, "technician", "employee", "sv_technician", "sv_unmasking")
    api, before = home.api("technician"), len(noted(home))
    answers = [api.post(path, {"fields": [name]}) for name in ("pin", "qqq", "name")]
    assert [a.status_code for a in answers] == [422] * 3
    assert answers[0].text.replace("pin", "qqq") == answers[1].text
    assert api.post(path, {"fields": ["keeper", "worth"]}).status_code == 422
    assert api.post(path, {"fields": []}).status_code == 422
    assert api.post(path, {"fields": "keeper"}).status_code == 422
    assert api.post(path, {"keeper": True}).status_code == 422
    nowhere = "0190a0b0-0000-7000-8000-0000000000ff"
    there, random = (
        api.post(f"/records/account/{i}/unmask", {"fields": ["phone"]})
        for i in (home.ids["their_account"], nowhere)
    )
    assert there.status_code == random.status_code == 404 and there.text == random.text
    assert len(noted(home)) == before
