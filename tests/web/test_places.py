"""Locations of forms over HTTP: by hand only where the definition allows it, told by the device, judged by the server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from patron_platform.identity.accounts import create_user, set_password
from patron_platform.identity.keys import create_key
from patron_platform.workspace import make_workspace
from patron_testing.pg import Server
from patron_testing.web import ADMIN, PACKS, PASSWORD, REP, Api, Opened, Person, Template, serving

ROUNDS = "rounds"  # the workspace
NEW = "/o/rd_round/new"
PIER = {"lat": "30.2741", "lng": "120.1551"}
AT_PIER = {"here.lat": "30.2745", "here.lng": "120.1552", "here.taken": "12"}


@pytest.fixture(scope="module")
def rounds(server: Server, template: Template) -> Iterator[Opened]:
    with serving(server, template) as opened:
        make_workspace(opened.service, ROUNDS, packs=("rounds",), folders=[PACKS], administrator=ADMIN)
        create_user(opened.service.databases, opened.service.runtime.workspace(ROUNDS), REP)
        with opened.service.databases.system() as conn:
            set_password(conn, REP, PASSWORD)
        yield opened


@pytest.fixture(scope="module")
def api(rounds: Opened) -> Api:
    with rounds.service.databases.system() as conn:
        return Api(rounds.client, create_key(conn, ADMIN, ROUNDS))


@pytest.fixture(scope="module")
def site(api: Api) -> str:
    return str(api.make("rd_site", name="Pier", spot=PIER)["id"])


@pytest.fixture
def person(rounds: Opened) -> Person:
    return Person(rounds.client, ROUNDS, ADMIN)


def made(api: Api, name: str) -> list[dict[str, object]]:
    return api.rows("rd_round", where=f"name == '{name}'", fields="here,away,by_hand,meters")


def test_a_place_the_device_told_is_saved_with_its_distance(person: Person, api: Api, site: str) -> None:
    said = person.post(NEW, {"name": "told", "site": site, **AT_PIER})
    assert said.status_code == 303, said.text[:2_000]
    assert [(r["here"], r["meters"]) for r in made(api, "told")] == [
        ({"lat": "30.2745", "lng": "120.1552"}, "46")
    ]


def test_a_place_outside_is_refused_whatever_the_browser_says(person: Person, api: Api, site: str) -> None:
    away = {"here.lat": "31.2304", "here.lng": "121.4737", "here.taken": "5"}
    said = person.post(NEW, {"name": "outside", "site": site, **away})
    assert said.status_code == 422
    assert "You are not at the site" in said.text
    assert 'value="31.2304"' in said.text and 'value="5" data-taken' in said.text
    assert made(api, "outside") == []


@pytest.mark.parametrize("claim", [{}, {"here.taken": ""}, {"here.taken": "yes"}, {"here.taken": "-1"}])
def test_a_place_only_the_device_tells_is_not_written_by_hand(
    person: Person, api: Api, site: str, claim: dict[str, str]
) -> None:
    given = {k: v for k, v in AT_PIER.items() if k != "here.taken"}
    said = person.post(NEW, {"name": "written", "site": site, **given, **claim})
    assert said.status_code == 422
    assert "press the button where you stand" in said.text
    assert made(api, "written") == []


def test_what_is_written_by_hand_says_so(person: Person, api: Api, site: str) -> None:
    place = {"away.lat": "30.2", "away.lng": "120.1"}
    assert person.post(NEW, {"name": "by hand", "site": site, **place}).status_code == 303
    taken = {**place, "away.taken": "20"}
    assert person.post(NEW, {"name": "by device", "site": site, **taken}).status_code == 303
    unticked = {**place, "by_hand": "false", "_was.by_hand": "false"}
    assert person.post(NEW, {"name": "unticked", "site": site, **unticked}).status_code == 303
    assert [made(api, n)[0]["by_hand"] for n in ("by hand", "by device", "unticked")] == [True, False, True]


def test_a_form_knows_the_place_and_how_near_is_near(person: Person, rounds: Opened, site: str) -> None:
    form = person.page(f"{NEW}?fill.site={site}")
    here, away = (form.select_one(f"[data-field={name}] .location") for name in ("here", "away"))
    assert here is not None and away is not None
    assert (here["data-target"], here["data-target-name"], here["data-radius"]) == (
        "30.2741,120.1551",
        "Pier",
        "300",
    )
    assert (away["data-radius"], away["data-manual"]) == ("500", "by_hand")
    assert all(i.has_attr("readonly") for i in here.select("input:not([type=hidden])"))
    assert not any(i.has_attr("readonly") for i in away.select("input"))


def test_a_form_without_a_chosen_record_knows_no_place(person: Person) -> None:
    box = person.page(NEW).select_one("[data-field=here] .location")
    assert box is not None and not box.has_attr("data-target")


def test_programs_write_places_as_before(api: Api, site: str) -> None:
    said = api.post("/records/rd_round", {"name": "api", "site": site, "here": PIER})
    assert said.status_code == 201
    far = {"name": "far", "site": site, "here": {"lat": "10", "lng": "10"}}
    assert api.post("/records/rd_round", far).status_code == 422


def test_the_api_says_how_a_place_is_taken(api: Api) -> None:
    fields = {f["name"]: f for f in api.get("/objects/rd_round").json()["fields"]}
    assert (fields["here"]["target"], fields["here"]["radius"], fields["here"]["manual"]) == (
        "site.spot",
        300,
        False,
    )
    assert fields["away"]["radius"] == "=SETTING('rd_near')"
    assert fields["photos"]["capture"] == "environment"


def test_a_picture_taken_on_the_spot_is_asked_of_the_camera(person: Person) -> None:
    box = person.page(NEW).select_one("[data-field=photos] .files")
    assert box is not None
    chooser = box.select_one("input[type=file]")
    assert chooser is not None and chooser["capture"] == "environment" and not chooser.has_attr("multiple")
