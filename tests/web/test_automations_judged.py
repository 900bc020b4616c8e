"""What automations promise of objects nobody here has seen: events inside the save, figures as they were, keys that are not unique."""

from __future__ import annotations

import pytest

from patron_testing.outside import Out
from patron_testing.web import Opened

RULES = """
kind: object
name: c_yard
label: {en: Yard}
title: name
fields:
  - {name: name, type: text, label: {en: Name}}
  - {name: honey, type: rollup, of: hives, function: sum, field: honey, label: {en: Honey}}
---
kind: object
name: c_hive
label: {en: Hive}
title: name
fields:
  - {name: name, type: text, label: {en: Name}}
  - {name: yard, type: lookup, to: c_yard, label: {en: Yard}, reverse: {name: hives, label: {en: Hives}}}
  - {name: honey, type: integer, label: {en: Honey}}
  - {name: note, type: text, label: {en: Note}}
---
kind: object
name: c_log
label: {en: Log}
title: what
fields: [{name: what, type: text, label: {en: What}}, {name: said, type: text, label: {en: Said}}]
---
kind: automation
name: c_before
object: c_hive
on: [{event: created}, {event: updated, fields: [honey]}]
timing: before
when: "event.name == 'created' or 'honey' in event.fields"
steps: [{do: set, set: {note: "=CONCAT(event.name, ' by ', event.by.email, ' ', event.by == me(), ' was ', old.honey)"}}]
---
kind: automation
name: c_figure
object: c_yard
on: {event: updated, fields: [honey]}
when: "honey > old.honey"
steps: [{name: keep, do: upsert, object: c_log, by: what, set: {what: "=name", said: "=CONCAT(old.honey, ' to ', honey)"}}]
"""


@pytest.fixture(scope="module")
def out(opened: Opened) -> Out:
    made = Out(opened)
    made.publish(RULES)
    return made


def test_rules_before_the_save_know_their_event(opened: Opened, out: Out) -> None:
    hive = opened.admin.make("c_hive", name="One", honey=4)
    assert hive["note"] == "created by admin@acme.example true was "
    changed = opened.admin.patch(f"/records/c_hive/{hive['id']}", {"honey": 9})
    assert changed.status_code == 200, changed.text
    assert changed.json()["note"] == "updated by admin@acme.example true was 4"


def test_a_figure_tells_what_it_was_and_one_record_is_kept_by_a_key_that_is_not_unique(
    opened: Opened, out: Out
) -> None:
    yard = opened.admin.make("c_yard", name="East")
    hive = opened.admin.make("c_hive", name="Two", yard=yard["id"], honey=4)
    out.work()
    assert [r["said"] for r in opened.admin.rows("c_log")] == ["0 to 4"]
    for honey in (10, 3):
        assert opened.admin.patch(f"/records/c_hive/{hive['id']}", {"honey": honey}).status_code == 200
        out.work()
    assert [r["said"] for r in opened.admin.rows("c_log")] == ["4 to 10"]
    run = opened.admin.get(f"/runs?record={yard['id']}").json()["runs"]
    assert [r["state"] for r in run] == ["done", "done"]


def test_a_trial_says_that_nothing_it_listens_to_changed(opened: Opened, out: Out) -> None:
    hive = opened.admin.make("c_yard", name="West")
    tried = opened.admin.post("/automations/c_figure/try", {"records": [hive["id"]], "set": {"name": "West"}})
    assert tried.json()["tried"][0]["why"] == "fields"
