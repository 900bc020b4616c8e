"""Groups of a list that are asked for alone, or stepped over, as a folded group is."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from bs4 import BeautifulSoup

from patron_engine.page.stretch import MAX_PAST
from patron_testing.web import Opened, Person

PART = {"HX-Request": "true"}


@pytest.fixture(scope="module")
def jobs(opened: Opened) -> dict[str, str]:
    """Two berths with two jobs each, and three jobs without one, of which one is urgent: name -> id of the berth."""
    api = opened.admin
    berths = {name: api.make("yd_place", name=name)["id"] for name in ("Group east", "Group west")}
    for n, berth in enumerate([*berths.values(), *berths.values(), None, None]):
        api.make("yd_job", name=f"Grouped {n}", berth=berth, care=n % 3 or None)
    api.make("yd_job", name="Grouped 6", urgent=True)
    return berths


def part(person: Person, group: str, **more: str) -> BeautifulSoup:
    query = urlencode({"group": group, "columns": "name", "where": "STARTS_WITH(name, 'Grouped')", **more})
    said = person.get(f"/o/yd_job?{query}", headers=PART)
    assert said.status_code == 200 and "<html" not in said.text
    return BeautifulSoup(said.text, "html.parser")


def names(page: BeautifulSoup) -> list[str]:
    return sorted(a.get_text(strip=True) for a in page.select(".title-link"))


def heads(page: BeautifulSoup) -> list[str]:
    return [str(b["data-key"]) for b in page.select(".list-band")]


def test_one_group_alone_has_its_lines_and_no_head(opened: Opened, jobs: dict[str, str]) -> None:
    person = opened.person()
    east = part(person, "berth", only=jobs["Group east"])
    assert names(east) == ["Grouped 0", "Grouped 2"] and heads(east) == []
    assert names(part(person, "berth", only="-")) == ["Grouped 4", "Grouped 5", "Grouped 6"]
    assert names(part(person, "urgent", only="true")) == ["Grouped 6"]


def test_groups_that_are_there_are_stepped_over(opened: Opened, jobs: dict[str, str]) -> None:
    person = opened.person()
    east, west = jobs["Group east"], jobs["Group west"]
    rest = part(person, "berth", past=east)
    assert heads(rest) == [west, "-"] and "Grouped 0" not in names(rest) and "Grouped 4" in names(rest)
    assert heads(part(person, "berth", past=f"{east},-")) == [west]
    assert names(part(person, "berth", past=f"{east},{west}")) == ["Grouped 4", "Grouped 5", "Grouped 6"]
    assert names(part(person, "berth", past=f"{east},{west},-")) == []


@pytest.mark.parametrize("group", ["class", "urgent", "care", "berth", "owner"])
def test_what_is_stepped_over_and_what_is_left_are_everything(
    opened: Opened, jobs: dict[str, str], group: str
) -> None:
    person = opened.person()
    everything, empty = part(person, group, past="-"), part(person, group, only="-")
    assert sorted([*names(everything), *names(empty)]) == [f"Grouped {n}" for n in range(7)]
    for key in heads(everything):
        one, others = part(person, group, only=key), part(person, group, past=key)
        assert sorted([*names(one), *names(others)]) == [f"Grouped {n}" for n in range(7)]


def test_the_parts_of_a_stretch_follow_each_other(opened: Opened) -> None:
    place = opened.admin.make("yd_place", name="Long pier")["id"]
    for n in range(60):
        opened.admin.make("yd_job", name=f"Grouped long {n:02}", berth=place)
    person = opened.person()
    first = part(person, "berth", only=place)
    following = first.select_one(".list-next[data-only] a")
    assert following is not None and len(names(first)) == 50
    last = person.get(str(following["href"]).removeprefix("/w/acme"), headers=PART)
    assert last.text.count("data-id=") == 10 and "list-next" not in last.text and "list-band" not in last.text


@pytest.mark.parametrize(
    ("query", "status", "said"),
    [
        ("only=x", 404, "not grouped"),
        ("past=x", 404, "not grouped"),
        ("group=care&only=x", 400, "x"),
        ("group=care&past=2,x", 400, "x"),
        ("group=berth&past=" + ",".join(f"{n}" for n in range(MAX_PAST + 1)), 422, str(MAX_PAST)),
    ],
)
def test_what_cannot_be_stepped_over_is_said(opened: Opened, query: str, status: int, said: str) -> None:
    answer = opened.person().get(f"/o/yd_job?{query}", headers=PART)
    assert answer.status_code == status and said in answer.text


def test_a_figure_of_a_group_that_cannot_be_is_refused(opened: Opened) -> None:
    assert opened.person().get("/list/yd_job/bands?group=care&bands=x").status_code == 400


def test_as_many_groups_as_the_limit_says_are_stepped_over(opened: Opened, jobs: dict[str, str]) -> None:
    ids = [f"0190a0b0-0000-7000-8000-{n:012}" for n in range(MAX_PAST)]
    assert len(names(part(opened.person(), "berth", past=",".join(ids)))) >= 7
