"""What publishing a draft would do is worked out once for each state of the draft and of the release it stands on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from patron_engine.release.drafts import Draft
from patron_engine.runtime import Workspace
from patron_engine.ways.publish import Publication
from patron_platform import planned
from patron_testing.web import Opened, Person

BACK = "/admin/changes"


@pytest.fixture
def plans(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The drafts and releases a plan was made of."""
    made: list[str] = []
    draft_plan, back_plan = Workspace.plan_draft, Workspace.plan_rollback

    def of_draft(self: Workspace, draft: Draft) -> Publication:
        made.append(draft.id)
        return draft_plan(self, draft)

    def of_release(self: Workspace, number: int) -> Publication:
        made.append(f"back {number}")
        return back_plan(self, number)

    monkeypatch.setattr(Workspace, "plan_draft", of_draft)
    monkeypatch.setattr(Workspace, "plan_rollback", of_release)
    yield made


def checksum(page: Any) -> str:
    return str(page.select_one("input[name=checksum]")["value"])


def test_a_page_that_is_opened_again_plans_nothing_again(
    opened: Opened, me: Person, plans: list[str]
) -> None:
    assert me.post("/admin/roles/new", {"label": "Kept one"}).status_code == 303
    assert plans == []
    for _ in range(3):
        page = me.page(BACK)
    assert len(plans) == 1 and "kept_one" in page.get_text()
    assert me.post("/admin/roles/new", {"label": "Kept two"}).status_code == 303
    page = me.page(BACK)
    assert len(plans) == 2 and "kept_two" in page.get_text()
    said = me.post(f"{BACK}/publish", {"checksum": checksum(page)})
    assert said.status_code == 303 and said.headers["location"].endswith("done=published")
    assert len(plans) == 2, "what was shown is what is published"
    assert opened.admin.get("/definitions/role/kept_two").status_code == 200 or "kept_two" in me.page("/admin/roles").get_text()  # fmt: skip
    number = int(opened.admin.get("/releases").json()["releases"][0]["number"])
    for _ in range(2):
        me.page(f"{BACK}/back/{number - 1}")
    assert plans[2:] == [f"back {number - 1}"]


def test_another_release_and_another_checksum_plan_anew(opened: Opened, me: Person, plans: list[str]) -> None:
    assert me.post("/admin/roles/new", {"label": "Late one"}).status_code == 303
    shown = checksum(me.page(BACK))
    said = opened.admin.put("/definitions/role/c_other", {"label": {"en": "Other"}, "objects": {}})
    draft = said.json()["draft"]
    plan = opened.admin.post(f"/drafts/{draft}/plan").json()
    assert opened.admin.post(f"/drafts/{draft}/publish", {"checksum": plan["checksum"]}).status_code == 201
    count = len(plans)
    said = me.post(f"{BACK}/publish", {"checksum": shown})
    assert said.status_code == 409 and len(plans) > count, "the release it stood on is another now"
    assert me.post(f"{BACK}/publish", {"checksum": "nonsense"}).status_code == 409
    fresh = checksum(me.page(BACK))
    assert fresh != shown
    assert me.post(f"{BACK}/publish", {"checksum": fresh}).status_code == 303


def test_it_is_kept_for_a_while_and_of_few(
    me: Person, plans: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert me.post("/admin/roles/new", {"label": "Short one"}).status_code == 303
    monkeypatch.setattr(planned, "KEPT_SECONDS", 0.0)
    me.page(BACK)
    me.page(BACK)
    assert len(plans) == 2
    monkeypatch.setattr(planned, "KEPT_SECONDS", 300.0)
    for label in "abcdef":
        assert me.post("/admin/roles/new", {"label": f"Short {label}"}).status_code == 303
        me.page(BACK)
    assert len(planned._kept) <= planned.KEPT_PLANS
    assert me.post(f"{BACK}/drop", {}).status_code == 303
