"""The way publish on a real database: what an admin and the records notice of a publication and of the way back."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from patron_engine.actor import Actor
from patron_engine.errors import Conflict, NotFound, Refused
from patron_engine.meta.document import Document
from patron_engine.meta.layers import Layer
from patron_engine.meta.reader import read_documents
from patron_engine.query.spec import Ask
from patron_engine.record.change import Change
from patron_engine.release.drafts import open_draft, put, read_draft
from patron_engine.runtime import Runtime, Workspace
from patron_engine.ways.publish import Publication
from patron_platform.database.pools import Databases
from patron_platform.database.workspaces import create_workspace
from patron_platform.folder import plan_folder, read_folder, write_folder
from patron_platform.jobs.tasks import work_off

ADMIN = Actor(user=None, name="admin", administrator=True, system=True)
BASE = """
kind: object
name: deal
label: {en: Deal, zh-CN: 商机}
owner: none
title: name
fields:
  - {name: name, type: text, required: true, label: {en: Name}}
  - {name: amount, type: money, label: {en: Amount}}
  - {name: note, type: text, label: {en: Note}}
  - {name: double, type: formula, expression: "amount * 2", label: {en: Double}}
"""
CHECK = """
kind: check
name: doubled
given: {records: [{name: one, object: deal, set: {name: One, amount: 5}}]}
steps: [{do: update, record: one, set: {amount: 7}}]
then: [{read: one, values: {double: 14}}]
"""


def documents(text: str) -> tuple[Document, ...]:
    found, problems = read_documents(text, "t.yaml")
    assert problems == []
    return tuple(found)


@pytest.fixture
def place(databases: Databases) -> Workspace:
    """A workspace with one object, in release 1, and one record."""
    with databases.system() as conn:
        create_workspace(conn, databases, "t")
    workspace = Runtime(databases, secret=b"s" * 32).workspace("t")
    workspace.publish(ADMIN, base(workspace, BASE))
    workspace.save(
        ADMIN, [Change(action="create", object="deal", set={"name": "One", "amount": 10, "note": "12.5"})]
    )
    return workspace


def base(place: Workspace, text: str) -> Publication:
    """The plan of another version of the pack below."""
    return place.plan(
        lambda _, layers: (
            Layer(name="base", version="1.0.0", documents=documents(text)),
            *(x for x in layers if x.own),
        )
    )


def record(place: Workspace, *fields: str) -> dict[str, object]:
    page = place.read(ADMIN, Ask(object="deal", fields=fields or None))
    return dict(page.rows()[0])


def publish_own(place: Workspace, text: str) -> None:
    place.publish(ADMIN, place.plan_own(documents(text)))


def test_a_new_field_is_there_at_once_for_those_who_ask(place: Workspace) -> None:
    publish_own(
        place,
        "{kind: change, of: object/deal, add: {fields: [{name: c_city, type: text, label: {en: City}}]}}",
    )
    place.save(ADMIN, [Change(action="create", object="deal", set={"name": "Two", "c_city": "杭州"})])
    found = place.read(ADMIN, Ask(object="deal", where="c_city == '杭州'", fields=("name", "c_city"))).rows()
    assert [(r["name"], r["c_city"]) for r in found] == [("Two", "杭州")]


def test_what_was_shown_is_what_is_published_or_nothing(place: Workspace) -> None:
    plan = base(place, BASE.replace("name: note, type: text", "name: note, type: long_text"))
    with pytest.raises(Conflict) as refused:
        place.publish(ADMIN, plan, confirm="another")
    assert refused.value.code == "plan_changed"
    first = base(place, BASE.replace("en: Deal", "en: First"))
    second = base(place, BASE.replace("en: Deal", "en: Second"))
    place.publish(ADMIN, first)
    with pytest.raises(Conflict) as late:
        place.publish(ADMIN, second)
    assert late.value.code == "release_changed"


def test_two_publish_at_once_and_one_of_them_wins(place: Workspace) -> None:
    plans = [base(place, BASE.replace("en: Deal", f"en: Deal {n}")) for n in range(4)]
    outcomes: list[str] = []

    def publish(plan: Publication) -> None:
        try:
            place.publish(ADMIN, plan)
            outcomes.append("published")
        except Conflict as error:
            outcomes.append(error.code)

    threads = [threading.Thread(target=publish, args=(plan,)) for plan in plans]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["published", *["release_changed"] * 3]


def test_a_removed_field_keeps_its_data_and_a_rollback_finds_it(place: Workspace) -> None:
    publish_own(place, "{kind: change, of: object/deal, remove: [fields.note]}")
    with pytest.raises(Refused) as unknown:
        record(place, "note")
    assert unknown.value.problems[0].code.startswith("unknown")
    place.save(
        ADMIN, [Change(action="update", object="deal", id=str(record(place)["id"]), set={"amount": 11})]
    )
    place.publish(ADMIN, place.plan_rollback(1))
    assert record(place, "note", "amount") == {"note": "12.5", "amount": "11"}


def test_a_field_of_a_removed_ones_name_begins_empty(place: Workspace) -> None:
    place.publish(ADMIN, base(place, BASE.replace("  - {name: note, type: text, label: {en: Note}}\n", "")))
    place.publish(ADMIN, base(place, BASE))
    assert record(place, "note") == {"note": None}


def test_a_renamed_field_keeps_its_data_and_its_old_name(place: Workspace) -> None:
    renamed = BASE.replace("{name: amount,", "{name: value, was: amount,").replace(
        '"amount * 2"', '"value * 2"'
    )
    place.publish(ADMIN, base(place, renamed))
    assert record(place, "value", "double") == {"value": "10", "double": "20"}
    assert place.read(ADMIN, Ask(object="deal", where="amount == 10", fields=("name",))).rows() == [
        {"name": "One"}
    ]


def test_a_rollback_finds_data_whatever_it_was_called_since(place: Workspace) -> None:
    for name, was in (("remark", "note"), ("words", "[note, remark]")):
        place.publish(
            ADMIN,
            base(place, BASE.replace("{name: note, type: text", f"{{name: {name}, was: {was}, type: text")),
        )
    place.publish(ADMIN, base(place, BASE.replace("  - {name: note, type: text, label: {en: Note}}\n", "")))
    place.publish(ADMIN, place.plan_rollback(2))
    assert record(place, "remark") == {"remark": "12.5"}
    place.publish(ADMIN, place.plan_rollback(1))
    assert record(place, "note") == {"note": "12.5"}


def test_a_rollback_finds_an_object_that_was_renamed(place: Workspace) -> None:
    place.publish(ADMIN, base(place, BASE.replace("name: deal\n", "name: sale\nwas: deal\n")))
    place.publish(ADMIN, place.plan_rollback(1))
    assert record(place, "note", "amount") == {"note": "12.5", "amount": "10"}


def test_a_type_change_shows_what_converts_and_refuses_what_does_not(place: Workspace) -> None:
    number = BASE.replace("name: note, type: text", "name: note, type: decimal")
    place.publish(ADMIN, base(place, number))
    assert record(place, "note") == {"note": "12.5"}
    place.publish(ADMIN, place.plan_rollback(1))
    place.save(
        ADMIN, [Change(action="update", object="deal", id=str(record(place)["id"]), set={"note": "many"})]
    )
    with pytest.raises(Refused) as refused:
        base(place, number)
    assert any("many" in str(p) for p in refused.value.problems)
    assert record(place, "note") == {"note": "many"}


def test_a_changed_formula_reaches_the_records_that_are_there(place: Workspace) -> None:
    place.publish(ADMIN, base(place, BASE.replace("amount * 2", "amount * 3")))
    work_off(place)
    assert record(place, "double") == {"double": "30"}


def test_checks_run_before_and_leave_nothing(place: Workspace) -> None:
    plan = base(place, f"{BASE}---{CHECK}")
    assert plan.checks == ("doubled",)
    with pytest.raises(Refused) as refused:
        base(place, f"{BASE.replace('amount * 2', 'amount * 3')}---{CHECK}")
    assert refused.value.code == "checks_fail" and "21" in refused.value.problems[0].message
    with place.connection("read") as conn:
        left = conn.execute("SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'check%%'").fetchone()
    assert left == (0,) and len(place.read(ADMIN, Ask(object="deal")).rows()) == 1


def test_a_check_is_run_in_the_workspace_it_is_written_for(place: Workspace) -> None:
    failing = BASE.replace("amount * 2", "amount * 3")
    elsewhere = CHECK.replace("given: {", "given: {workspace: {currency: USD}, ")
    assert base(place, f"{failing}---{elsewhere}").checks == ()
    here = CHECK.replace("given: {", "given: {workspace: {currency: CNY}, ")
    assert base(place, f"{BASE}---{here}").checks == ("doubled",)


def test_everything_wrong_is_told_at_once_and_nothing_changes(place: Workspace) -> None:
    wrong = """
{kind: change, of: object/deal, add: {fields: [
  {name: c_a, tpye: text, label: {en: A}},
  {name: b, type: text, label: {en: B}},
  {name: c_c, type: formula, expression: "amout * 2", label: {en: C}}]}}
"""
    with pytest.raises(Refused) as refused:
        place.plan_own(documents(wrong))
    codes = {p.code for p in refused.value.problems}
    assert {"unknown_key", "prefix_missing", "expr_unknown_name"} <= codes
    assert all(p.line for p in refused.value.problems)


def test_data_of_packs_is_made_once_and_stays_deleted(place: Workspace) -> None:
    data = """---
kind: data
name: firsts
object: deal
mode: create_once
records: [{external_id: a, name: Standard}, {external_id: b, name: {en: Half, zh-CN: 半价}, amount: 0.5}]
"""
    place.publish(ADMIN, base(place, BASE + data))
    names = [r["name"] for r in place.read(ADMIN, Ask(object="deal", sort=("created_at",))).rows()]
    assert names[0] == "One" and {"Standard"} < set(names) and len(names) == 3
    gone = place.read(ADMIN, Ask(object="deal", where="name == 'Standard'")).rows()[0]["id"]
    place.save(ADMIN, [Change(action="delete", object="deal", id=str(gone))])
    place.publish(ADMIN, base(place, (BASE + data).replace("en: Deal", "en: Deals")))
    assert len(place.read(ADMIN, Ask(object="deal")).rows()) == 2


def test_drafts_of_two_authors_merge_and_the_same_property_is_a_conflict(place: Workspace) -> None:
    def drafted(author: str, body: dict[str, object]) -> str:
        with place.connection("write") as conn, conn.transaction():
            draft = open_draft(conn, place.schema, author)
            put(conn, place.schema, draft, "change", "object/deal", body)
        return draft.id

    def plan(id: str) -> Publication:
        with place.connection("read") as conn:
            draft = read_draft(conn, place.schema, id)
        return place.plan_draft(draft)

    change: Callable[[dict[str, object]], dict[str, object]] = lambda extra: {
        "kind": "change", "of": "object/deal", **extra,
    }  # fmt: skip
    field = {"name": "c_city", "type": "text", "label": {"en": "City"}}
    first = drafted("ann", change({"set": {"label": {"en": "Ann's"}}}))
    second = drafted("bob", change({"add": {"fields": [field]}}))
    third = drafted("eve", change({"set": {"label": {"en": "Eve's"}}}))
    place.publish(ADMIN, plan(first), draft=first)
    place.publish(ADMIN, plan(second), draft=second)
    with place.connection("read") as conn:
        model = place.pin(conn)[0]
    assert model.objects["deal"].label["en"] == "Ann's" and "c_city" in model.objects["deal"].fields
    with pytest.raises(Conflict) as clash:
        plan(third)
    conflict = clash.value.values["conflicts"][0]
    assert (conflict["theirs"], conflict["mine"]) == ("Ann's", "Eve's")


def test_a_folder_is_the_whole_own_layer(place: Workspace, tmp_path: Path) -> None:
    publish_own(
        place,
        "{kind: change, of: object/deal, add: {fields: [{name: c_city, type: text, label: {en: City}}]}}",
    )
    with place.connection("read") as conn:
        files = write_folder(tmp_path, place.layers(conn)).files
    assert files == ("changes/object_deal.yaml",)
    assert place.plan_own(read_folder(tmp_path)).empty
    (tmp_path / files[0]).unlink()
    plan = place.plan_own(read_folder(tmp_path))
    assert [str(p) for c in plan.changes for p in c.properties] == ["- fields.c_city"]


def test_a_folder_tells_the_problems_of_its_files_and_of_what_they_mean_at_once(
    place: Workspace, tmp_path: Path
) -> None:
    (tmp_path / "x.yaml").write_text(
        "kind: view\nname: c_v\nobject: deal\ncolumns: [nme]\n---\nkind: view\nname: c_w\nobject: deal\ncolums: [name]\n"
    )
    with pytest.raises(Refused) as refused:
        plan_folder(place, tmp_path)
    assert [(p.code, p.line) for p in refused.value.problems] == [("unknown_key", 9), ("unknown_field", 4)]


def test_a_check_that_names_a_record_its_refused_step_did_not_make_says_so(place: Workspace) -> None:
    check = """
kind: check
name: broken
steps: [{name: one, do: create, object: deal, set: {amount: 5}}, {do: update, record: one, set: {amount: 6}}]
then: [{read: one, values: {double: 12}}]
"""
    with pytest.raises(Refused) as refused:
        base(place, f"{BASE}---{check}")
    messages = [p.message for p in refused.value.problems]
    assert "required" in messages[0] and all("one" in m for m in messages[1:]) and len(messages) == 3


@pytest.mark.parametrize(
    ("wrong", "path"),
    [
        ("features: -1", "features"),
        ("search: 5", "search"),
        ("unique: [{name: u}]", "unique"),
        ("unique: [{fields: 5}]", "unique"),
        ("rules: [{when: 'amount > 1'}]", "rules"),
        ("indexes: [5]", "indexes"),
        ("fields: -1", "fields"),
        ("title: {x: 1}", "title"),
    ],
)
def test_a_document_of_the_wrong_shape_is_told_and_never_an_error_of_the_compiler(
    place: Workspace, wrong: str, path: str
) -> None:
    found, _ = read_documents("kind: object\nname: c_bad\nlabel: {en: Bad}\n" + wrong, "bad.yaml")
    with pytest.raises(Refused) as refused:
        place.plan_own(found)
    assert any(p.level == "error" and (p.path or "").startswith(path) for p in refused.value.problems)


def test_a_process_that_falls_two_releases_behind_goes_on(place: Workspace) -> None:
    """A reader that learnt the number just before two publications of its own process."""
    with place.connection("read") as conn:
        behind = place.pin(conn)[0].release
        for n in range(3):
            place.publish(ADMIN, base(place, BASE.replace("en: Deal", f"en: Deal {n}")))
        place._current, place._looked = behind, float("inf")  # as the reader's thread leaves it
        assert place.pin(conn)[0].release == behind + 3


def test_a_draft_ends_with_its_publication_or_not_at_all(
    place: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    with place.connection("write") as conn:
        draft = open_draft(conn, place.schema, "ann")
        change = {"kind": "change", "of": "object/deal", "set": {"label.en": "Business"}}
        put(conn, place.schema, draft, "change", "object/deal", change)
        draft = read_draft(conn, place.schema, draft.id)
    plan = place.plan_draft(draft)
    from patron_engine.ways import publish as way

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(way, "drop_draft", killed)
        with pytest.raises(KeyboardInterrupt):
            place.publish(ADMIN, plan, draft=draft.id)
    with place.connection("read") as conn:
        assert place.pin(conn)[0].release == plan.base
        assert read_draft(conn, place.schema, draft.id).documents
    place.publish(ADMIN, place.plan_draft(draft), draft=draft.id)
    with place.connection("read") as conn, pytest.raises(NotFound):
        read_draft(conn, place.schema, draft.id)
