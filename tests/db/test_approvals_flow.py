"""Approvals with a database: triggers and intents, locks, people, fields, what follows, deadlines, substitutes."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from patron_engine.errors import Conflict, Forbidden, LimitExceeded, NotFound, Refused
from patron_engine.flow import people as people_of_flow
from patron_engine.record.change import Change
from patron_engine.ways import substitutes
from patron_engine.ways.approval_admin import hand_over
from patron_engine.ways.save import save
from patron_platform.phrases import written
from patron_testing.signing import SCHEMA, signing


def approval(nodes: str, **more: str) -> str:
    rest = "\n".join(f"{k}: {v}" for k, v in {"on": "[submit]", **more}.items())
    return f"kind: approval\nname: a\nobject: order\n{rest}\nnodes:\n{nodes}\n"


BOSS = "  - {name: boss, type: approve, who: {manager: 1}}"


# -- triggers -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "on, act, values, before, after",
    [
        ("{update: [price]}", "update", {"price": 9}, ("price", None), ("price", 9)),
        ("transfer", "transfer", {"owner": "assistant"}, ("owner", "rep"), ("owner", "assistant")),
        ("transfer", "update", {"owner": "assistant"}, ("owner", "rep"), ("owner", "assistant")),
        ("{stage: sent}", "update", {"status": "sent"}, ("status", "draft"), ("status", "sent")),
    ],
)
def test_a_change_waits_and_is_done_in_the_end(
    conn: psycopg.Connection[Any],
    on: str,
    act: str,
    values: dict[str, Any],
    before: tuple[str, Any],
    after: tuple[str, Any],
) -> None:
    path = "---\nkind: stage_path\nname: p\nobject: order\nfield: status\nstages: [{name: draft}, {name: sent}]\n"
    w = signing(conn, approval(BOSS, on=f"[{on}]") + path)
    order = w.make()
    given = {k: w.people.get(v, v) if isinstance(v, str) else v for k, v in values.items()}
    made = w.save(act, "order", order, as_="rep", **given)
    assert made.action == "submitted" and made.instance == w.instance(order).id
    assert w.value(order, before[0]) == w.people.get(before[1], before[1])
    with pytest.raises(Refused) as locked:
        w.save(act, "order", order, as_="rep", **given)
    assert [p.code for p in locked.value.problems] == ["locked"]
    w.act("boss", order, "approve")
    assert (
        w.value(order, after[0]) == w.people.get(after[1], after[1]) and w.instance(order).state == "approved"
    )


@pytest.mark.parametrize("act, column", [("delete", "deleted_at"), ("void", "voided_at")])
def test_deleting_and_voiding_wait(conn: psycopg.Connection[Any], act: str, column: str) -> None:
    w = signing(conn, approval(BOSS, on=f"[{act}]"))
    order, other = w.make(), w.make()
    assert w.save(act, "order", order, as_="rep").action == "submitted"
    assert w.value(order, column) is None
    assert w.act("boss", order, "approve").problems == ()
    assert w.value(order, column) is not None
    w.save(act, "order", other, as_="rep")
    w.act("boss", other, "reject")
    assert w.value(other, column) is None


def test_a_new_record_is_saved_and_its_approval_runs(conn: psycopg.Connection[Any]) -> None:
    w = signing(conn, approval(BOSS, on="[create]", when='"amount > 10"'))
    small, big = w.make(amount=1), w.make(amount=11)
    assert w.instance(big).state == "running" and w.value(big, "amount") == 11
    with pytest.raises(AssertionError):
        w.instance(small)


def test_what_waits_is_authorised_and_checked_first(conn: psycopg.Connection[Any]) -> None:
    w = signing(conn, approval(BOSS, on="[{update: [price]}]"))
    order = w.make()
    with pytest.raises(Refused):
        w.save("update", "order", order, as_="rep", price=101)
    with pytest.raises(NotFound):
        w.save("update", "order", order, as_="director", price=1)


def test_what_no_longer_passes_parks_and_is_mended(conn: psycopg.Connection[Any]) -> None:
    w = signing(conn, approval(BOSS, on="[{update: [price]}]", lock="{while: none}"))
    order = w.make()
    w.save("update", "order", order, as_="rep", price=50)
    w.do(
        None,
        lambda conn, call: conn.execute(
            f'UPDATE {SCHEMA}."user" SET active = false WHERE id = %s', (w.people["rep"],)
        ),
    )
    w.act("boss", order, "approve")
    it = w.instance(order)
    assert (
        it.state == "parked"
        and it.problems[0]["code"] == "submitter_gone"
        and w.value(order, "price") is None
    )
    assert written(it.problems[0]["message"], ("zh-CN",)) == "提交人已停用"
    with pytest.raises(Forbidden):
        w.whole("boss", order, "mend", {})
    w.do(
        None,
        lambda conn, call: conn.execute(
            f'UPDATE {SCHEMA}."user" SET active = true WHERE id = %s', (w.people["rep"],)
        ),
    )
    assert w.whole("root", order, "mend", {}).state == "approved"
    assert w.value(order, "price") == 50


def test_several_changes_together_each_meet_their_approval(conn: psycopg.Connection[Any]) -> None:
    w = signing(conn, approval(BOSS, on="[{update: [price]}]", when='"price > 10"'))
    a, b = w.make(), w.make()
    changes = [Change(action="update", object="order", id=i, set={"price": p}) for i, p in ((a, 5), (b, 50))]
    made = w.do("rep", lambda conn, call: save(conn, call, changes))
    assert [o.action for o in made] == ["updated", "submitted"] and w.value(a, "price") == 5
    made = w.do("rep", lambda conn, call: save(conn, call, changes[::-1], mode="each"))
    assert [o.action for o in made] == ["refused", "unchanged"]


NESTED = """  - name: par
    type: parallel
    cases:
      - name: left
        nodes:
          - {name: l1, type: approve, who: {manager: 1}}
          - name: inner
            type: inclusive
            cases:
              - {name: a, when: "amount > 1", nodes: [{name: ia, type: approve, who: {user: fin1@x.example}}]}
              - name: b
                when: "amount > 3"
                nodes:
                  - {name: ib, type: approve, mode: {vote: 60%}, who: {role: finance}}
                  - {name: cb, type: cc, who: {user: assistant@x.example}}
              - {name: c, when: "amount > 100", nodes: [{name: ic, type: approve, who: {user: ceo@x.example}}]}
      - name: right
        nodes:
          - {name: mark, type: do, steps: [{do: update, set: {note: marked}}]}
          - {name: r1, type: approve, mode: each, who: {managers_up_to: {role: director}}}
  - {name: last, type: approve, who: {approvers_of: l1}, mode: claim, comment: required_to_reject}"""


def test_every_node_nested_and_back_into_a_case(conn: psycopg.Connection[Any]) -> None:
    w = signing(conn, approval(NESTED, after="{approved: [{do: update, set: {status: approved}}]}"))
    order = w.make()
    w.submit("rep", order)
    assert w.value(order, "note") == "marked" and w.waiting(order) == ["boss", "boss"]
    tasks = {t.node: t.id for t in w.instance(order).waiting}
    w.act("boss", order, "approve", task=tasks["l1"])
    assert w.waiting(order) == ["boss", "fin1", "fin1", "fin2", "fin3"]
    w.act("fin2", order, "approve")
    assert w.box("assistant", "copied") == []
    w.act("fin3", order, "approve")
    assert w.box("assistant", "copied") == [order] and w.waiting(order) == ["boss", "fin1"]
    for who in ("boss", "director", "fin1"):
        w.act(who, order, "approve")
    assert w.waiting(order) == ["boss"] and "ic" not in w.instance(order).places
    w.act("boss", order, "return", to="r1", comment="again")
    assert w.waiting(order) == ["boss"] and w.instance(order).places["ia"].state == "done"
    for who in ("boss", "director"):
        w.act(who, order, "approve")
    w.act("boss", order, "claim")
    with pytest.raises(Refused):
        w.act("boss", order, "reject")
    w.act("boss", order, "approve")
    assert w.instance(order).state == "approved" and w.value(order, "status") == "approved"


def test_the_way_of_a_change_is_that_of_the_record_with_it(conn: psycopg.Connection[Any]) -> None:
    nodes = (
        "  - name: size\n    type: branch\n    cases:\n"
        "      - {name: big, when: 'price > 10', nodes: [{name: far, type: approve, who: {user: ceo@x.example}}]}\n"
        "      - {name: else, nodes: [{name: near, type: approve, who: {manager: 1}}]}"
    )
    w = signing(conn, approval(nodes, on="[{update: [price]}]"))
    order, other = w.make(), w.make()
    w.save("update", "order", order, as_="rep", price=50)
    w.save("update", "order", other, as_="rep", price=5)
    assert w.waiting(order) == ["ceo"] and w.waiting(other) == ["boss"] and w.value(order, "price") is None
    w.act("ceo", order, "return", comment="less")
    assert w.save("update", "order", order, as_="rep", price=9).action == "submitted"
    assert w.waiting(order) == ["boss"]
    w.act("boss", order, "approve")
    assert w.value(order, "price") == 9 and w.instance(order).state == "approved"


def test_an_automation_meets_the_approval_and_the_lock(conn: psycopg.Connection[Any]) -> None:
    rule = """---
kind: automation
name: raise
object: payment
on: {event: created}
steps: [{name: up, do: update, target: "=order.id", set: {price: 60}}]
"""
    w = signing(conn, approval(BOSS, on="[{update: [price]}]") + rule)
    order = w.make()
    w.save("create", "payment", as_="rep", name="P", amount=1, order=order)
    w.work()
    it = w.instance(order)
    assert it.intent is not None and it.submitter == w.people["rep"] and w.waiting(order) == ["boss"]
    w.save("create", "payment", as_="rep", name="Q", amount=1, order=order)
    w.work()
    rows = w.conn.execute(f"SELECT state, error FROM {SCHEMA}.sys__run ORDER BY number").fetchall()
    assert rows[0][0] == "done" and "approved" in rows[1][1]


# -- locks ----------------------------------------------------------------------------------------------------------


def test_the_lock_until_the_first_decision(conn: psycopg.Connection[Any]) -> None:
    nodes = "  - {name: one, type: approve, who: {manager: 1}}\n  - {name: two, type: approve, who: {user: fin1@x.example}}"
    w = signing(conn, approval(nodes, lock="{while: first}"))
    order = w.make()
    w.submit("rep", order)
    with pytest.raises((Conflict, Refused)):
        w.save("update", "order", order, as_="rep", name="X")
    w.act("boss", order, "approve")
    w.save("update", "order", order, as_="rep", name="X")


def test_an_edit_after_approval_begins_anew(conn: psycopg.Connection[Any]) -> None:
    w = signing(conn, approval(BOSS, when="\"status == 'draft'\"", after="{approved: [{do: update, set: {status: approved}}]}", after_lock="reapprove", lock="{while: all, except: [note]}"))  # fmt: skip
    order = w.make()
    w.submit("rep", order)
    w.act("boss", order, "approve")
    first = w.instance(order).id
    w.save("update", "order", order, as_="rep", note="free")
    assert w.instance(order).id == first
    assert w.save("update", "order", order, as_="rep", name="New").instance not in (None, first)
    assert w.instance(order).state == "running" and w.value(order, "name") == "New"


# -- people ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "who, expected",
    [
        ("{user: fin2@x.example}", ["fin2"]), ("{user: [fin2@x.example, fin3@x.example]}", ["fin2", "fin3"]),
        ("{role: finance}", ["fin1", "fin2", "fin3"]), ("{role: finance, where: \"name != 'fin2'\"}", ["fin1", "fin3"]),
        ("{department: finance}", ["fin1", "fin2", "fin3"]), ("{department_head: finance}", ["fin1"]),
        ("{manager: 2}", ["director"]), ("{managers_up_to: {level: 2}}", ["boss", "director"]),
        ("{managers_up_to: {role: director}}", ["boss", "director"]), ("{managers_up_to: {role: nobody}}", ["boss", "ceo", "director"]),
        ("{field: signer}", ["fin3"]), ("{field: team}", ["fin1", "fin2", "fin3"]), ("{head_of: team}", ["fin1"]),
        ("{submitter: true}", ["rep"]), ("{owner: true}", ["rep"]), ("{each: lines, field: keeper}", ["fin2", "fin3"]),
        ("{expression: owner.manager}", ["boss"]), ("[{manager: 1}, {role: finance}]", ["boss", "fin1", "fin2", "fin3"]),
    ],
)  # fmt: skip
def test_every_source_of_people(conn: psycopg.Connection[Any], who: str, expected: list[str]) -> None:
    role = "---\nkind: role\nname: nobody\nlabel: {en: N}\nobjects: {}\n"
    w = signing(conn, approval(f"  - {{name: n, type: approve, mode: all, who: {who}}}") + role)
    order = w.make(signer=w.people["fin3"], team=w.departments["finance"])
    for keeper in ("fin2", "fin3", "fin2"):
        w.save("create", "order_line", order=order, what="L", keeper=w.people[keeper])
    w.submit("rep", order)
    assert w.waiting(order) == expected


def test_a_condition_is_asked_of_who_is_named_and_too_many_of_them_are_refused_by_name(
    conn: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    w = signing(
        conn,
        approval("  - {name: n, type: approve, mode: all, who: {role: finance, where: \"name != 'x'\"}}"),
    )
    monkeypatch.setattr(people_of_flow, "MOST", 3)  # fewer than work here, all of whom the condition fits
    order = w.make()
    w.submit("rep", order)
    assert w.waiting(order) == ["fin1", "fin2", "fin3"]
    monkeypatch.setattr(people_of_flow, "MOST", 2)
    with pytest.raises(LimitExceeded) as refused:
        w.submit("rep", w.make())
    assert refused.value.code == "limit_step_records"


def test_a_missing_manager_is_replaced_by_the_next_above(conn: psycopg.Connection[Any]) -> None:
    w = signing(conn, approval("  - {name: n, type: approve, mode: all, who: [{manager: 1}, {manager: 2}]}"))
    w.save("update", "user", w.people["boss"], active=False)
    order = w.make()
    w.submit("rep", order)
    assert w.waiting(order) == ["director"]


def test_who_decided_at_an_earlier_step(conn: psycopg.Connection[Any]) -> None:
    nodes = "  - {name: one, type: approve, who: {role: finance}}\n  - {name: two, type: approve, who: {approvers_of: one}}"
    w = signing(conn, approval(nodes))
    order = w.make()
    w.submit("rep", order)
    w.act("fin2", order, "approve")
    assert w.waiting(order) == ["fin2"]


def test_people_chosen_by_the_submitter_and_by_an_approver(conn: psycopg.Connection[Any]) -> None:
    nodes = (
        "  - {name: one, type: approve, who: {chosen_by: submitter, from: {role: finance}}}\n"
        "  - {name: two, type: approve, who: {chosen_by: approver}}\n"
        '  - {name: big, type: branch, cases: [{name: big, when: "amount > 99999", nodes: [{name: far, type: approve,'
        " who: {chosen_by: submitter, from: {role: finance}}}]}, {name: else, nodes: []}]}"
    )
    w = signing(conn, approval(nodes))
    order = w.make()
    with pytest.raises(Refused) as asked:
        w.submit("rep", order)
    assert asked.value.problems[0].path == "chosen.one"
    with pytest.raises(Refused):
        w.submit("rep", order, chosen={"one": [w.people["boss"]]})
    # Nor for a step that another chooses for, one that is not on the way now, or one that is none.
    for step, code in (("two", "not_yours_to_choose"), ("far", "not_offered"), ("none", "unknown_node")):
        with pytest.raises(Refused) as refused:
            w.submit("rep", order, chosen={"one": [w.people["fin2"]], step: [w.people["rep"]]})
        assert [(p.path, p.code) for p in refused.value.problems] == [(f"chosen.{step}", code)]
    w.submit("rep", order, chosen={"one": [w.people["fin2"]]})
    with pytest.raises(Refused) as next_one:
        w.act("fin2", order, "approve")
    assert next_one.value.problems[0].path == "chosen.two" and w.waiting(order) == ["fin2"]
    with pytest.raises(Refused) as refused:  # what the submitter chose is no approver's to change
        w.act("fin2", order, "approve", chosen={"two": [w.people["ceo"]], "one": [w.people["fin2"]]})
    assert refused.value.problems[0].code == "not_yours_to_choose"
    w.act("fin2", order, "approve", chosen={"two": [w.people["ceo"]]})
    assert w.waiting(order) == ["ceo"]


def test_a_substitute_decides_and_the_log_says_for_whom(conn: psycopg.Connection[Any]) -> None:
    w = signing(conn, approval(BOSS))
    first, second = w.make(), w.make()
    w.submit("rep", first)
    name = substitutes.name
    with pytest.raises(Forbidden):
        w.do("rep", lambda c, call: name(c, call, w.people["boss"], w.people["rep"], w.now, None))
    w.do(
        "boss",
        lambda c, call: name(c, call, w.people["boss"], w.people["director"], w.now, w.now.replace(day=25)),
    )
    w.submit("rep", second)
    assert w.waiting(first) == ["director"] and w.waiting(second) == ["director"]
    w.act("director", second, "approve")
    row = w.conn.execute(
        f'SELECT "by"::text, behalf::text FROM {SCHEMA}.sys__approval_log WHERE kind = %s AND node IS NOT NULL',
        ("approved",),
    ).fetchone()
    assert row == (w.people["director"], w.people["boss"])
    w.conn.commit()
    w.later(days=10)
    third = w.make()
    w.submit("rep", third)
    assert w.waiting(third) == ["boss"]


def test_all_tasks_of_one_person_go_to_another(conn: psycopg.Connection[Any]) -> None:
    w = signing(
        conn,
        approval("  - {name: n, type: approve, mode: all, who: [{manager: 1}, {user: director@x.example}]}"),
    )
    a = w.make()
    w.submit("rep", a)
    with pytest.raises(Forbidden):
        w.do("boss", lambda c, call: hand_over(c, call, w.people["boss"], w.people["ceo"]))
    assert w.do("root", lambda c, call: hand_over(c, call, w.people["boss"], w.people["ceo"])) == 1
    assert w.waiting(a) == ["ceo", "director"]
    w.do("root", lambda c, call: hand_over(c, call, w.people["ceo"], w.people["director"]))
    assert w.waiting(a) == ["director"]
    w.act("director", a, "approve")
    assert w.instance(a).state == "approved"
