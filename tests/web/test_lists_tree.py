"""Lists drawn as trees: branches, and what a narrowed tree shows."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from bs4 import BeautifulSoup

from patron_testing.web import REP, Opened

HX = {"HX-Request": "true"}
TREE = "/o/yd_place?type=tree&sort=name&columns=name"


@pytest.fixture(scope="module")
def places(opened: Opened) -> dict[str, str]:
    """North > Yard > Slip > Rail; North > Office; South > Slipway; a Slip of nobody's."""
    made: dict[str, str] = {}
    for name, above in (
        ("North", None), ("South", None), ("Yard", "North"), ("Office", "North"), ("Slip", "Yard"), ("Rail", "Slip"),
        ("Slipway", "South"), ("Old slip", None),
    ):  # fmt: skip
        made[name] = opened.admin.make("yd_place", name=name, parent=made.get(above or ""))["id"]
    return made


def drawn(page: BeautifulSoup) -> list[tuple[int, str, bool]]:
    """(depth, title, is only an ancestor) of each line."""
    return [
        (
            int(str(tr["data-depth"])),
            tr.select_one(".title-link").get_text(strip=True),
            "tree-above" in tr["class"],
        )  # type: ignore[union-attr]
        for tr in page.select("tr[data-id]")
    ]


def test_roots_stand_alone_and_a_branch_brings_what_is_below(opened: Opened, places: dict[str, str]) -> None:
    person = opened.person()
    page = person.page(TREE)
    assert drawn(page) == [(0, "North", False), (0, "Old slip", False), (0, "South", False)]
    opener = page.select_one(f'tr[data-id="{places["North"]}"] .tree-open')
    branch = person.page(str(opener["hx-get"]).removeprefix("/w/acme"), headers=HX)  # type: ignore[index]
    assert drawn(branch) == [(1, "Office", False), (1, "Yard", False)]
    assert page.select_one(f'tr[data-id="{places["Old slip"]}"] .tree-open') is None


def test_a_narrowed_tree_shows_what_fits_below_its_ancestors(opened: Opened, places: dict[str, str]) -> None:
    page = opened.person().page(f"{TREE}&where={quote('CONTAINS(name, ' + chr(39) + 'slip' + chr(39) + ')')}")
    assert drawn(page) == [
        (0, "Old slip", False),
        (0, "North", True), (1, "Yard", True), (2, "Slip", False),
        (0, "South", True), (1, "Slipway", False),
    ]  # fmt: skip
    for name, expanded in (("North", "true"), ("Yard", "true"), ("South", "true"), ("Slip", "false")):
        opener = page.select_one(f'tr[data-id="{places[name]}"] .tree-open')
        assert opener is not None and opener["aria-expanded"] == expanded, name


def test_what_fits_and_stands_above_another_that_fits_is_drawn_once(
    opened: Opened, places: dict[str, str]
) -> None:
    where = quote(f"name in ('Rail', 'Yard') or id == '{places['North']}'")
    page = opened.person().page(f"{TREE}&where={where}")
    assert drawn(page) == [(0, "North", False), (1, "Yard", False), (2, "Slip", True), (3, "Rail", False)]


def test_a_branch_of_a_narrowed_tree_is_whole(opened: Opened, places: dict[str, str]) -> None:
    where = quote("name == 'Slip'")
    address = f"/list/yd_place/branch?type=tree&columns=name&where={where}&id={places['Slip']}&depth=3"
    assert drawn(opened.person().page(address, headers=HX)) == [(3, "Rail", False)]


def test_a_tree_that_fits_nothing_or_asks_nonsense_says_so(opened: Opened, places: dict[str, str]) -> None:
    person = opened.person()
    assert person.page(f"{TREE}&where={quote('name == ' + chr(39) + 'nowhere' + chr(39))}").select_one(
        ".list-empty"
    )
    assert "bang" in person.page(f"{TREE}&where=bang+%3D%3D+1", status=422).get_text()


def test_a_line_is_put_below_another_and_taken_back(opened: Opened, places: dict[str, str]) -> None:
    person = opened.person()
    under = f"/list/yd_place/under?type=tree&id={places['Rail']}"
    assert person.page(TREE).select_one("#list-rows[data-moves] [data-carry]")
    form = person.page(under, headers=HX)
    assert {o.get_text(): o["value"] for o in form.select("option")}["South"] == places["South"]
    version = str(form.select_one("[name=version]")["value"])  # type: ignore[index]
    move, back = f"/moves/yd_place/{places['Rail']}", "/w/acme/o/yd_place?type=tree"
    done = person.post(move, {"version": version, "set.parent": places["South"], "back": back})
    assert opened.admin.read("yd_place", places["Rail"])["parent"]["id"] == places["South"]
    assert (
        "South"
        in person.page(done.headers["location"].removeprefix("/w/acme")).select_one(".flash").get_text()
    )  # type: ignore[union-attr]
    act = done.headers["location"].rpartition("done=")[2]
    assert person.post(f"/undo/{act}").status_code == 303
    assert opened.admin.read("yd_place", places["Rail"])["parent"]["id"] == places["Slip"]
    north = opened.admin.read("yd_place", places["North"])
    loop = {"version": str(north["version"]), "set.parent": places["Rail"], "back": back}
    said = person.post(f"/moves/yd_place/{places['North']}", loop)
    assert said.status_code == 422 and "cannot stand below itself" in said.text
    assert opened.admin.read("yd_place", places["North"])["parent"] is None
    rep = opened.person(REP)
    assert rep.get(under).status_code == 404
    assert rep.post(f"/moves/yd_place/{places['North']}", loop).status_code in (403, 404)
