"""What goes on after the one who began it has gone home: imports and handing over ask, piece by piece, what he may do by now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from patron_engine.actor import SYSTEM, Actor
from patron_engine.errors import Conflict
from patron_engine.query.call import Call
from patron_engine.runtime import Workspace
from patron_engine.transfer import staged
from patron_engine.transfer.imports import Import
from patron_engine.ways import handover
from patron_platform.identity.standing import standing_of
from patron_platform.jobs.imports import carry_out, import_status, queue
from patron_platform.jobs.tasks import work_off
from patron_testing.rights import has, publish
from patron_testing.web import WORKSPACE, Opened

ROLES = """
kind: role
name: c_importer
label: {en: Importer}
objects:
  user: {read: all}
  account: {create: true, read: own, update: own, import: true}
---
kind: role
name: c_seller
label: {en: Seller}
objects:
  user: {read: all}
  account: {create: true, read: own, update: own}
  yd_job: {create: true, read: own, update: own}
---
kind: role
name: c_people
label: {en: People desk}
objects:
  user: {read: all, update: all}
actions: [manage_users]
"""


@pytest.fixture(scope="module")
def office(opened: Opened) -> Iterator[Opened]:
    publish(opened, ROLES)
    yield opened


@pytest.fixture
def place(office: Opened) -> Workspace:
    return office.service.runtime.workspace(WORKSPACE)


def someone(office: Opened, *roles: str) -> str:
    return has(office, f"{uuid4().hex[:8]}@acme.example", *roles)


def actor(place: Workspace, user: str) -> Actor:
    standing = standing_of(place, user)
    return Actor(user=user, roles=standing.roles, kind=standing.kind)


def set_user(office: Opened, user: str, **values: Any) -> None:
    said = office.admin.patch(f"/records/user/{user}", values)
    assert said.status_code == 200, said.text


# -- imports ------------------------------------------------------------------------------------------------------


def begun(place: Workspace, user: str, folder: Path, rows: int = 6) -> str:
    file = folder / "accounts.csv"
    file.write_text("name\n" + "".join(f"{user[-6:]} {n}\n" for n in range(rows)))
    return queue(place, actor(place, user), "account", file).batch


def made(found: Import) -> tuple[str, int]:
    return found.state, found.counts["created"]


def test_an_import_of_somebody_who_may_goes_to_its_end(
    office: Opened, place: Workspace, tmp_path: Path
) -> None:
    user = someone(office, "c_importer")
    assert made(carry_out(place, begun(place, user, tmp_path))) == ("done", 6)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"active": False}, "may not sign in any more"),
        ({"roles": ["c_seller"]}, "you may not import"),
        ({"roles": []}, "there is no object"),
        ({"kind": "service"}, "there is no object"),
    ],
)
def test_one_that_waits_has_the_rights_its_owner_has_by_now(
    office: Opened, place: Workspace, tmp_path: Path, change: Mapping[str, Any], why: str
) -> None:
    user = someone(office, "c_importer")
    batch = begun(place, user, tmp_path)
    set_user(office, user, **change)
    work_off(place)
    found = import_status(place, batch)
    assert made(found) == ("failed", 0) and why in (found.error or "")


def test_it_ends_within_one_piece(
    office: Opened, place: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staged, "AT_ONCE", 2)
    user = someone(office, "c_importer")
    batch = begun(place, user, tmp_path)
    told: list[int] = []

    def switched_off(progress: Mapping[str, Any]) -> None:
        """After the second piece; what was prepared ahead of the third is not used."""
        told.append(progress.get("created", 0))
        if told[-1] == 4:
            set_user(office, user, active=False)

    found = carry_out(place, batch, switched_off)
    assert made(found) == ("failed", 4) and 6 not in told


def test_a_right_that_came_while_it_waited_counts_as_well(
    office: Opened, place: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = someone(office, "c_importer")
    batch = begun(place, user, tmp_path)
    set_user(office, user, roles=["c_importer", "c_people"])
    work_off(place)
    assert made(import_status(place, batch)) == ("done", 6)


# -- handing over -------------------------------------------------------------------------------------------------


def handed(office: Opened, place: Workspace, by: str, to: str, records: int = 3) -> tuple[str, str]:
    """Somebody with jobs, and the run that hands them over."""
    leaver = someone(office, "c_seller")
    for n in range(records):
        office.admin.make("yd_job", name=f"Left {n}", owner=leaver)
    return leaver, place.writing(
        actor(place, by), lambda conn, call: handover.begin(conn, call, leaver, [to])
    )


def run(place: Workspace, id: str) -> handover.Run:
    [found] = place.reading(SYSTEM, lambda conn, call: handover.runs(conn, call, id=id))
    return found


@pytest.mark.parametrize(
    "change", [{"active": False}, {"roles": ["c_seller"]}], ids=["switched off", "without the right"]
)
def test_a_run_ends_when_its_beginner_manages_people_no_more(
    office: Opened, place: Workspace, change: Mapping[str, Any]
) -> None:
    by, bob = someone(office, "c_people"), someone(office, "c_seller")
    leaver, task = handed(office, place, by, bob)
    set_user(office, by, **change)
    work_off(place)
    found = run(place, task)
    assert (found.state, found.done) == ("failed", 0) and "does not manage people any more" in found.why
    page = office.person(language="zh-CN").page(f"/admin/handover/{leaver}")
    assert "不再负责人员管理" in page.main.get_text()
    assert office.person().post(f"/admin/handover/{leaver}", {"to": bob}).status_code == 303, "begun again"
    work_off(place)
    assert "3 of 3 handed over" in office.person().page(f"/admin/handover/{leaver}").main.get_text(" ")


def test_it_ends_between_two_pieces(
    office: Opened, place: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handover, "PIECE", 2)
    by, bob = someone(office, "c_people"), someone(office, "c_seller")
    _, task = handed(office, place, by, bob, records=5)
    piece = handover._piece

    def switched_off(conn: Any, call: Call, work: Any) -> Any:
        chunk = piece(conn, call, work)
        if sum(chunk.progress["moved"].values()) == 2:
            conn.execute(f'UPDATE {place.schema}."user" SET active = false WHERE id = %s', (by,))
        return chunk

    monkeypatch.setattr(handover, "_piece", switched_off)
    work_off(place)
    assert (run(place, task).state, run(place, task).done) == ("failed", 2)


def test_who_was_an_administrator_does_not_hand_over_to_himself(office: Opened, place: Workspace) -> None:
    by = someone(office, "c_people")
    boss = Actor(user=by, administrator=True)
    leaver = someone(office, "c_seller")
    office.admin.make("yd_job", name="Left", owner=leaver)
    task = place.writing(boss, lambda conn, call: handover.begin(conn, call, leaver, [by]))
    work_off(place)
    assert (run(place, task).state, run(place, task).done) == ("failed", 0)


def test_every_run_is_found_and_none_is_begun_twice(
    office: Opened, place: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also behind more runs than a page shows."""
    monkeypatch.setattr(handover, "SHOWN", 3)
    by, bob = someone(office, "c_people"), someone(office, "c_seller")
    first, task = handed(office, place, by, bob, records=1)
    later = [handed(office, place, by, bob, records=1)[1] for _ in range(4)]
    with pytest.raises(Conflict):
        place.writing(actor(place, by), lambda conn, call: handover.begin(conn, call, first, [bob]))
    assert run(place, task).id == task
    page, shown = office.person().page("/admin/handover"), []
    for _ in range(50):
        shown += [progress["data-run"] for progress in page.select("progress[data-run]")]
        older = page.select_one("a.runs-older")
        if older is None:
            break
        page = office.person().page(older["href"].removeprefix(f"/w/{WORKSPACE}"))
    assert shown[:5] == [*reversed(later), task] and len(shown) == len(set(shown))
    assert len(office.person().page(f"/admin/handover/{first}").select("progress[data-run]")) == 1
