"""Forms over HTTP, without scripts: an object nobody has seen is filled, saved, read back; conditions hold; nothing typed is lost."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from bs4 import BeautifulSoup

from patron_platform.identity.accounts import create_user, set_password
from patron_platform.identity.keys import create_key
from patron_platform.workspace import make_workspace
from patron_testing.forms import drawn, saved, sent, told
from patron_testing.pg import Server
from patron_testing.web import ADMIN, PACKS, PASSWORD, REP, Api, Opened, Person, Template, serving

THINGS = "forms"  # the workspace
NEW = "/o/fm_thing/new"


@pytest.fixture(scope="module")
def things(server: Server, template: Template) -> Iterator[Opened]:
    with serving(server, template) as opened:
        make_workspace(opened.service, THINGS, packs=("forms",), folders=[PACKS], administrator=ADMIN)
        create_user(opened.service.databases, opened.service.runtime.workspace(THINGS), REP)
        with opened.service.databases.system() as conn:
            set_password(conn, REP, PASSWORD)
        yield opened


@pytest.fixture
def person(things: Opened) -> Person:
    return Person(things.client, THINGS, ADMIN)


@pytest.fixture(scope="module")
def api(things: Opened) -> Api:
    with things.service.databases.system() as conn:
        key = create_key(conn, ADMIN, THINGS)
    return Api(things.client, key)


def test_an_object_nobody_has_seen_is_filled_and_read_back(person: Person, api: Api) -> None:
    shelf = api.make("fm_shelf", name="Left", room="Attic")
    account = api.make("account", name="Harbour Works")
    me = api.get("/me").json()["user"]
    values: dict[str, Any] = {
        "name": "Anchor", "code": "A-1", "state": "open", "sealed": "wax", "how": "key", "extra": "more",
        "shelf": shelf["id"], "shelves": [shelf["id"]], "about": f"account:{account['id']}", "who": me["id"] if isinstance(me, dict) else me,
        "whole": "7", "part": "1,250.5", "share": "12.5%", "price": "¥1,200.50", "care": "4", "span": "1:30",
        "yes": ["false", "true"], "several": ["a", "c"], "words": ["red", "blue"], "place": ["sea", "sea/reef"],
        "paint": "#3b5bdb", "day": "2026-11-26", "moment": "2026-11-26T10:30", "bell": "09:15",
        "stay.from": "2026-11-01", "stay.to": "2026-11-30", "long": "one\r\ntwo", "rich": "<p>A <b>b</b><script>x</script></p>",
        "mail": "li@acme.example", "call": "13800138000", "web": "https://acme.example/x", "bar": "6901234567892",
        "home.street": "Quay 1", "home.city": "Hull", "spot.lat": "31.2304", "spot.lng": "121.4737", "pass": "hush",
        "data": '{"a": [1, 2]}', "pieces.n1.what": "Chain", "pieces.n1.quantity": "3", "pieces.n1.price": "20",
    }  # fmt: skip
    id = saved(person, NEW, values)
    record = api.get(
        f"/records/fm_thing/{id}", params={"expand": "pieces", "fields": "*,long,rich,data,home"}
    ).json()
    expected = {
        "name": "Anchor", "whole": 7, "part": "1250.5", "share": "12.5", "price": "1200.5", "care": 4, "span": 5400,
        "yes": True, "several": ["a", "c"], "words": ["red", "blue"], "place": "sea/reef", "paint": "#3b5bdb",
        "day": "2026-11-26", "bell": "09:15:00", "stay": {"from": "2026-11-01", "to": "2026-11-30"},
        "long": "one\ntwo", "mail": "li@acme.example", "call": "13800138000", "web": "https://acme.example/x",
        "spot": {"lat": "31.2304", "lng": "121.4737"}, "data": {"a": [1, 2]}, "room": "Attic", "total": "60",
        "closed_by_layout": "kept",
    }  # fmt: skip
    assert {n: record.get(n) for n in expected} == expected
    assert record["moment"].startswith("2026-11-26T02:30:00")
    assert "script" not in record["rich"]
    assert record["home"]["street"] == "Quay 1"
    assert record["about"]["title"] == "Harbour Works"
    assert [p["what"] for p in record["pieces"]] == ["Chain"]


def test_sending_a_form_as_it_was_drawn_changes_nothing(person: Person, api: Api) -> None:
    id = saved(person, NEW, {
        "name": "Still", "moment": "2026-11-26T10:30", "span": "2:05", "yes": ["false", "true"], "several": ["b"],
        "place": ["land", "land/hill"], "data": '{"b": 1}', "long": "a\nb", "pieces.n1.what": "One", "pass": "x",
    })  # fmt: skip
    before = api.read("fm_thing", id)
    assert saved(person, f"/o/fm_thing/{id}/edit", {}) == id
    assert api.read("fm_thing", id) == before


def test_what_is_wrong_stands_beside_its_field_and_everything_typed_is_kept(person: Person) -> None:
    said = person.post(NEW, sent(person.page(NEW), {
        "name": "x" * 31, "whole": "many", "mail": "nobody", "day": "yesterday", "long": "all of this",
        "pieces.n1.quantity": "two", "pieces.n1.price": "5",
    }))  # fmt: skip
    wrong = told(said)
    assert wrong["name"] == "This has 31 characters, at most 30 are allowed"
    assert wrong["whole"] == "This is not a number"
    assert {"mail", "day", "pieces.n1.quantity"} <= set(wrong)
    page = BeautifulSoup(said.text, "html.parser")
    again = drawn(page)
    assert again["long"] == ["all of this"] and again["whole"] == ["many"] and again["day"] == ["yesterday"]
    assert again["pieces.n1.quantity"] == ["two"] and again["pieces.n1.price"] == ["5"]
    linked = {a["href"]: a.text for a in page.select(".form-summary a")}
    assert "#f-whole" in linked and linked["#f-pieces-n1-quantity"] == "Pieces row 1, Quantity"
    assert page.select_one("#f-whole")["aria-invalid"] == "true"


def test_problems_are_said_in_chinese(things: Opened) -> None:
    chinese = Person(things.client, THINGS, ADMIN, "zh-CN")
    wrong = told(chinese.post(NEW, sent(chinese.page(NEW), {"name": ""})))
    assert wrong == {"name": "此项必填"}
    wrong = told(chinese.post(NEW, sent(chinese.page(NEW), {"name": "odd"})))
    assert wrong == {"name": "不能用此名称"}


def test_conditions_hold_on_the_server(person: Person, api: Api) -> None:
    wrong = told(person.post(NEW, sent(person.page(NEW), {"name": "Gone", "state": "lost"})))
    assert set(wrong) == {"reason"}
    wrong = told(
        person.post(
            NEW, sent(person.page(NEW), {"name": "Gone", "state": "lost", "reason": "x", "how": "key"})
        )
    )
    assert set(wrong) == {"how"}
    id = saved(person, NEW, {"name": "Shut", "state": "open", "sealed": "wax", "extra": "e"})
    api.patch(f"/records/fm_thing/{id}", {"state": "shut"})
    page = person.page(f"/o/fm_thing/{id}/edit")
    assert page.select_one("#f-sealed").has_attr("readonly")
    assert person.post(f"/o/fm_thing/{id}/edit", sent(page, {"sealed": "broken"})).status_code == 303
    assert api.read("fm_thing", id)["sealed"] == "wax"


def test_what_a_layout_asks_for_holds_on_the_server(person: Person, api: Api) -> None:
    wrong = told(person.post(NEW, sent(person.page(NEW), {"name": "Shut", "state": "shut"})))
    assert wrong == {"extra": "This is needed"}
    id = saved(person, NEW, {"name": "Closed", "closed_by_layout": "forced"})
    assert api.read("fm_thing", id)["closed_by_layout"] == "kept"
    id = saved(person, NEW, {"name": "Hidden", "state": "lost", "reason": "r", "extra": "unseen"})
    assert api.read("fm_thing", id)["extra"] is None


def test_fields_appear_with_what_is_chosen(person: Person) -> None:
    def live(changes: dict[str, Any]) -> dict[str, Any]:
        said = person.post(f"{NEW}/preview", sent(page, changes), headers={"Accept": "application/json"})
        assert said.status_code == 200, said.text
        found: dict[str, Any] = said.json()
        return found

    page = person.page(NEW)
    assert page.select_one("[data-field=reason]").has_attr("hidden")
    assert live({})["fields"] == {}
    fields = live({"state": "lost"})["fields"]
    assert "hidden" not in BeautifulSoup(fields["reason"], "html.parser").div.attrs
    assert [o["value"] for o in BeautifulSoup(fields["how"], "html.parser").select("option")] == ["", "sunk"]
    said = live({"pieces.n1.what": "Chain", "pieces.n1.quantity": "3", "pieces.n1.price": "20"})
    assert "60.00" in said["totals"]["pieces.subtotal"]
    assert "60.00" in said["fields"]["total"] and "66.00" in said["fields"]["with_tax"]
    assert "60.00" in said["fields"]["pieces.n1.subtotal"]


def test_a_chosen_record_brings_its_values(person: Person, api: Api) -> None:
    shelf = api.make("fm_shelf", name="Right", room="Cellar")
    page = person.page(NEW)
    form = sent(page, {"shelf": shelf["id"]})
    said = person.post(f"{NEW}/preview", form, headers={"Accept": "application/json"}).json()
    assert 'value="Cellar"' in said["fields"]["room"]


def test_what_may_be_there_already_is_told(person: Person, api: Api) -> None:
    there = api.make("fm_thing", name="Twin", mail="twin@acme.example", extra="e")
    form = sent(person.page(NEW), {"mail": "Twin@acme.example", "name": "Other"})
    said = person.post(f"{NEW}/preview", form, headers={"Accept": "application/json"}).json()
    assert there["id"] in said["similar"] and "Same mail" in said["similar"]


def test_a_value_that_is_taken_is_told_while_one_writes(person: Person, api: Api) -> None:
    api.make("fm_thing", name="First", code="TAKEN", extra="e")
    form = sent(person.page(NEW), {"code": "TAKEN", "name": "Second"})
    said = person.post(f"{NEW}/preview", form, headers={"Accept": "application/json"}).json()
    assert "Another record has this value already" in said["fields"]["code"]
    assert set(told(person.post(NEW, form))) == {"code"}


def test_warnings_are_asked_about_once(person: Person, api: Api) -> None:
    said = person.post(NEW, sent(person.page(NEW), {"name": "Many", "whole": "60"}))
    assert said.status_code == 422
    page = BeautifulSoup(said.text, "html.parser")
    button = page.select_one("button[name=_confirm]")
    assert "More than fifty" in page.select_one(".form-summary").text
    said = person.post(NEW, [*sent(page, {}), ("_confirm", str(button["value"]))])
    assert said.status_code == 303
    assert api.read("fm_thing", said.headers["location"].rpartition("/")[2])["whole"] == 60


def test_two_people_change_one_record(person: Person, api: Api) -> None:
    id = saved(person, NEW, {"name": "Shared", "sealed": "old", "room": "one"})
    path = f"/o/fm_thing/{id}/edit"
    mine = person.page(path)
    api.patch(f"/records/fm_thing/{id}", {"room": "two"})
    assert person.post(path, sent(mine, {"sealed": "new"})).status_code == 303  # other fields: both are kept
    assert (api.read("fm_thing", id)["room"], api.read("fm_thing", id)["sealed"]) == ("two", "new")
    mine = person.page(path)
    api.patch(f"/records/fm_thing/{id}", {"room": "theirs"})
    said = person.post(path, sent(mine, {"room": "mine", "sealed": "newer"}))
    assert said.status_code == 422
    page = BeautifulSoup(said.text, "html.parser")
    assert "mine" in page.select_one(".stale").text and "theirs" in page.select_one(".stale").text
    assert person.post(path, sent(page, {"_take.room": "theirs"})).status_code == 303
    assert (api.read("fm_thing", id)["room"], api.read("fm_thing", id)["sealed"]) == ("theirs", "newer")


def test_rows_are_added_and_removed_without_scripts(person: Person, api: Api) -> None:
    page = person.page(NEW)
    said = person.post(NEW, [*sent(page, {"name": "Rows", "pieces.n1.what": "One"}), ("_add", "pieces")])
    assert said.status_code == 200
    page = BeautifulSoup(said.text, "html.parser")
    assert drawn(page)["pieces.n1.what"] == ["One"]
    id = saved_from(person, NEW, page, {"pieces.n2.what": "Two"})
    path = f"/o/fm_thing/{id}/edit"
    page = person.page(path)
    first = page.select_one("tbody tr[data-key]")["data-key"]
    page = BeautifulSoup(
        person.post(path, [*sent(page, {}), ("_remove", f"pieces.{first}")]).text, "html.parser"
    )
    saved_from(person, path, page, {})
    pieces = api.get(f"/records/fm_thing/{id}", params={"expand": "pieces"}).json()["pieces"]
    assert [p["what"] for p in pieces] == ["Two"]


def saved_from(person: Person, path: str, page: BeautifulSoup, changes: dict[str, Any]) -> str:
    said = person.post(path, sent(page, changes))
    assert said.status_code == 303, BeautifulSoup(said.text, "html.parser").select(".form-summary")
    return str(said.headers["location"].rpartition("/")[2])


def test_a_form_is_filled_from_where_one_came(person: Person, api: Api) -> None:
    shelf = api.make("fm_shelf", name="Middle", room="Hall")
    path = f"{NEW}?fill.shelf={shelf['id']}&fill.bell=09:00&next=/w/{THINGS}/o/fm_shelf/{shelf['id']}"
    page = person.page(path)
    assert page.select_one("#f-shelf option[selected]").text == "Middle"
    said = person.post(path, sent(page, {"name": "Filled"}))
    assert said.headers["location"] == f"/w/{THINGS}/o/fm_shelf/{shelf['id']}"
    rows = api.rows("fm_thing", where="name == 'Filled'")
    assert rows[0]["shelf"]["id"] == shelf["id"] and rows[0]["room"] == "Hall"


def test_records_are_looked_up(person: Person, api: Api) -> None:
    for name, room in (("海边货架", "North"), ("山边货架", "South")):
        api.make("fm_shelf", name=name, room=room)
    found = person.get("/o-lookup/fm_thing/shelf?q=haibian").json()
    assert [o["text"] for o in found["options"]] == ["海边货架"]
    whole = person.get("/o-lookup/fm_thing/shelf?q=").json()["options"]
    assert (
        person.get("/o-lookup/fm_thing/shelf?q=z").json()["options"] == whole
    )  # one letter narrows nothing yet
    found = person.get("/o-lookup/fm_thing/same_room?q=&with.room=South").json()
    assert [o["text"] for o in found["options"]] == ["山边货架"]
    assert person.get("/o-lookup/fm_thing/same_room?q=&with.room=' or true").json()["options"] == []
    assert person.get("/o-lookup/fm_thing/name?q=").status_code == 404


def test_a_record_is_made_in_a_dialog(person: Person) -> None:
    path = "/o/fm_shelf/new?dialog=1"
    page = person.page(path)
    assert [f["data-field"] for f in page.select("[data-field]")] == ["name"]
    assert person.post(path, sent(page, {})).status_code == 422
    said = person.post(path, sent(page, {"name": "Quick"}))
    assert said.status_code == 201 and said.json()["title"] == "Quick"


def test_a_field_is_changed_by_itself(person: Person, api: Api) -> None:
    id = api.make("fm_thing", name="Buoy", whole="7", state="open")["id"]
    page = person.page(f"/o/fm_thing/{id}")
    pencil = page.select_one("dd[data-edit=whole] a.fact-edit")
    assert pencil is not None
    path = str(pencil["href"]).removeprefix(f"/w/{THINGS}")
    form = person.page(path)
    assert [f["data-field"] for f in form.select("[data-field]")] == ["whole"]
    wrong = person.post(path, sent(form, {"whole": "many"}))
    assert "whole" in told(wrong) and "many" in wrong.text
    assert person.post(path, sent(form, {"whole": "8"})).status_code == 303
    found = api.get(f"/records/fm_thing/{id}").json()
    assert (found["whole"], found["name"]) == (8, "Buoy")


def test_two_who_change_one_field_see_both_values(person: Person, api: Api) -> None:
    id = api.make("fm_thing", name="Fender", whole="1")["id"]
    path = f"/o/fm_thing/{id}/edit?only=whole"
    form = person.page(path)
    api.patch(f"/records/fm_thing/{id}", {"whole": 2, "name": "Fender 2"})
    said = person.post(path, sent(form, {"whole": "3"}))
    stale = BeautifulSoup(said.text, "html.parser").select_one("table.stale")
    assert said.status_code == 422 and stale is not None
    assert [c.get_text(strip=True) for c in stale.select("td")] == ["3", "2"]


def test_no_field_that_the_form_does_not_have_is_opened(person: Person, api: Api) -> None:
    id = api.make("fm_thing", name="Cleat")["id"]
    for name in ("nothing", "created_at", "pieces", "id", "name.x", "' or 1=1"):
        assert person.get(f"/o/fm_thing/{id}/edit?only={name}").status_code == 404
        assert (
            person.post(f"/o/fm_thing/{id}/edit?only={name}", [("_version", "1"), ("name", "X")]).status_code
            == 404
        )
    assert api.get(f"/records/fm_thing/{id}").json()["name"] == "Cleat"


def test_what_nothing_stands_for_has_a_short_name_and_no_uuid(person: Person, api: Api) -> None:
    first = api.make("fm_reading", amount=1)["id"]
    second = api.make("fm_reading", amount=2, after=first)["id"]
    short = f"#{first[-6:].upper()}"
    listed = person.page("/o/fm_reading")
    assert short in [a.get_text(strip=True) for a in listed.select("td.list-title a")]
    shown = person.page(f"/o/fm_reading/{second}").select_one(".record-link[href$='" + first + "']")
    assert shown is not None and shown.get_text(strip=True) == short
    assert first not in listed.get_text() and second not in listed.get_text()


def test_a_moment_that_stands_for_a_record_is_told_by_the_clock(person: Person, api: Api) -> None:
    first = api.make("fm_watch", begun="2026-11-26T02:30:00Z")["id"]
    second = api.make("fm_watch", begun="2026-11-27T20:00:00Z", after=first)["id"]
    assert api.get(f"/records/fm_watch/{second}").json()["after"]["title"] == "2026-11-26 10:30"
    titles = {a.get_text(strip=True) for a in person.page("/o/fm_watch").select("td.list-title a")}
    assert titles == {"2026-11-26 10:30", "2026-11-28 04:00"}
    chosen = person.page(f"/o/fm_watch/{second}/edit").select_one("select[name=after] option[selected]")
    assert chosen is not None and chosen.get_text(strip=True) == "2026-11-26 10:30"


def test_a_field_in_its_place_asks_for_what_it_cannot_be_saved_without(person: Person, api: Api) -> None:
    id = api.make("fm_thing", name="Anchor")["id"]
    path = f"/o/fm_thing/{id}/edit?only=state"
    said = person.post(path, sent(person.page(path), {"state": "lost"}))
    form = BeautifulSoup(said.text, "html.parser")
    assert said.status_code == 422 and form.select_one("[name=reason]") is not None
    assert form.select_one("form[action$='only=state%2Creason']") is not None
    wider = f"/o/fm_thing/{id}/edit?only=state%2Creason"
    assert person.post(wider, sent(form, {"state": "lost", "reason": "sunk"})).status_code == 303
    found = api.get(f"/records/fm_thing/{id}").json()
    assert (found["state"], found["reason"]) == ("lost", "sunk")
