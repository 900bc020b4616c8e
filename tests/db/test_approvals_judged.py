"""What a definition says holds to the letter: where it goes back to, whom a change that waits is about, what becomes of a deleted record."""

from __future__ import annotations

from typing import Any

import psycopg

from patron_engine.ways import approval_box, approvals_seen, noting
from patron_engine.ways.approval_box import Narrow
from patron_engine.ways.approval_standing import standing
from patron_testing.build import build_workspace
from patron_testing.signing import OBJECTS, SCHEMA, Signing, signing

Conn = psycopg.Connection[Any]
ONE = "{name: n, type: approve, who: {manager: 1}}"


def written(conn: Conn, nodes: str, **more: str) -> Signing:
    keys = {"on": "[submit]", **more}
    told = "".join(f"{name}: {value}\n" for name, value in keys.items())
    return signing(
        conn, f"kind: approval\nname: a\nlabel: {{en: A}}\nobject: order\n{told}nodes: [{nodes}]\n"
    )


def test_what_ran_beside_the_returner_is_asked_again(conn: Conn) -> None:
    cases = (
        "{name: a, nodes: [{name: x, type: approve, who: {manager: 1}}]}",
        "{name: b, nodes: [{name: y, type: approve, who: {user: fin1@x.example}}]}",
        "{name: c, nodes: [{name: z, type: approve, who: {role: finance}, mode: all}]}",
    )
    w = written(conn, f"{{name: p, type: parallel, cases: [{', '.join(cases)}]}}", resubmit="returner")
    order = w.make()
    w.submit("rep", order)
    tasks = {t.node: t.id for t in w.instance(order).waiting if t.person == w.people["fin1"]}
    w.act("fin1", order, "approve", task=tasks["y"])
    w.act("boss", order, "return", to="submitter", comment="no")
    w.submit("rep", order)
    assert w.waiting(order) == ["boss", "fin1", "fin2", "fin3"]
    w.act("boss", order, "approve")
    for who in ("fin1", "fin2", "fin3"):
        w.act(who, order, "approve")
    assert w.instance(order).state == "approved"


def test_people_who_are_named_one_by_one_are_asked_in_that_order(conn: Conn) -> None:
    users = "[fin3@x.example, ceo@x.example, boss@x.example]"
    w = written(conn, f"{{name: n, type: approve, who: {{user: {users}}}, mode: each}}")
    order = w.make()
    w.submit("rep", order)
    for who in ("fin3", "ceo", "boss"):
        assert w.waiting(order) == [who]
        w.act(who, order, "approve")


def test_words_for_people(conn: Conn) -> None:
    words = {
        "fin2": "{department: finance, where: \"name == 'fin2'\"}",
        "director": "{department_head: sales}",
        "fin1": "{head_of: team}",
        "assistant": "{expression: signer}",
    }
    nodes = ", ".join(f"{{name: n_{w}, type: approve, who: {said}}}" for w, said in words.items())
    last = "{name: up, type: approve, who: {managers_up_to: {level: 2}}, mode: each}"
    w = written(conn, f"{nodes}, {last}")
    order = w.make(team=w.departments["finance"], signer=w.people["assistant"])
    w.submit("rep", order)
    for who in (*words, "boss", "director"):
        assert w.waiting(order) == [who]
        w.act(who, order, "approve")
    assert w.instance(order).state == "approved"


def test_a_change_that_waits_is_decided_by_whom_it_names(conn: Conn) -> None:
    later = "{name: m, type: approve, who: {head_of: team}}"
    w = written(
        conn, f"{{name: n, type: approve, who: {{field: signer}}}}, {later}", on="[{update: [signer, team]}]"
    )
    order = w.make(signer=w.people["fin1"])
    changes = {"signer": w.people["fin2"], "team": w.departments["finance"]}
    assert w.save("update", "order", order, as_="rep", **changes).action == "submitted"
    assert w.waiting(order) == ["fin2"]
    seen = approvals_seen.look(w.conn, w.frame("rep"), w.instance(order).id)
    w.conn.commit()
    assert [p.person for p in seen.route[1].people] == [w.people["fin1"]], "who decides next, on the page"
    assert w.value(order, "signer") is not None and str(w.value(order, "signer")) == w.people["fin1"]
    w.act("fin2", order, "approve")
    assert w.waiting(order) == ["fin1"]


def test_who_is_switched_off_holds_up_nobody(conn: Conn) -> None:
    nodes = "{name: n, type: approve, who: {role: finance}, mode: all}, {name: m, type: approve, who: {user: boss@x.example}}"
    w = written(conn, nodes, no_approver="{to: {user: fin1@x.example}}")
    order = w.make()
    w.submit("rep", order)
    w.act("fin1", order, "approve")
    w.act("fin2", order, "approve")
    for who, then in (
        ("fin3", ["boss"]),
        ("boss", ["fin1"]),
    ):  # the last of all; the only one of the next step
        w.save("update", "user", w.people[who], active=False)
        w.do(None, noting.work)
        assert w.waiting(order) == then
    w.act("fin1", order, "approve")
    assert w.instance(order).state == "approved"


def test_what_an_approver_wrote_stands_over_the_change_that_waits(conn: Conn) -> None:
    w = written(
        conn, "{name: n, type: approve, who: {manager: 1}, fields: {amount: edit}}", on="[{update: [amount]}]"
    )
    order = w.make()
    assert w.save("update", "order", order, as_="rep", amount=10, name="P").action == "submitted"
    w.act("boss", order, "approve", fields={"amount": 7})
    assert (w.value(order, "amount"), w.value(order, "name")) == (7, "P")


def test_a_deleted_record_asks_nobody_any_more(conn: Conn) -> None:
    w = written(conn, ONE, lock="{while: none}")
    order = w.make()
    id = w.submit("rep", order).id
    w.save("delete", "order", order, as_="rep")
    assert w.box("boss") == [] and w.box("rep", "started") == [order]
    ended = w.instance(order)
    assert ended.id == id and ended.state == "ended" and [t.state for t in ended.tasks] == ["cancelled"]
    told = w.conn.execute(
        f"SELECT text::text FROM {SCHEMA}.sys__notice WHERE person = %s", (w.people["boss"],)
    ).fetchall()
    assert any("ended" in text for (text,) in told)
    w.save("restore", "order", order)
    states = w.conn.execute(
        f"SELECT state FROM {SCHEMA}.approval_task WHERE about = %s AND deleted_at IS NULL", (order,)
    ).fetchall()
    w.conn.commit()
    assert states == [("cancelled",)], "its tasks as records come back as they are now"
    assert w.submit("rep", order).state == "running"


def test_a_returned_record_may_be_deleted(conn: Conn) -> None:
    w = written(conn, ONE)
    order = w.make()
    w.submit("rep", order)
    w.act("boss", order, "return", to="submitter", comment="no")
    w.save("delete", "order", order, as_="rep")
    assert w.instance(order).state == "ended"


def test_what_follows_an_approved_deletion_leaves_the_record_alone(conn: Conn) -> None:
    update, create = (
        "{do: update, set: {status: approved}}",
        "{do: create, object: payment, set: {name: gone}}",
    )
    w = written(conn, ONE, on="[submit, delete]", after=f"{{approved: [{update}, {create}]}}")
    order = w.make()
    assert w.save("delete", "order", order, as_="rep").action == "submitted"
    assert w.act("boss", order, "approve").state == "approved"
    made = w.conn.execute(f"SELECT name FROM {SCHEMA}.payment").fetchall()
    w.conn.commit()
    assert made == [("gone",)] and w.value(order, "deleted_at") is not None
    other = w.make()
    w.submit("rep", other)
    assert w.act("boss", other, "approve").state == "approved" and w.value(other, "status") == "approved"


def test_a_record_one_reads_no_more_is_not_found_by_its_words(conn: Conn) -> None:
    w = written(conn, ONE, lock="{while: none}")
    order = w.make(name="Quiet harbour")
    w.submit("rep", order)

    def found(words: str) -> list[str]:
        items = approval_box.box(w.conn, w.frame("rep"), "started", narrow=Narrow(words=words)).items
        w.conn.commit()
        return [i.record for i in items]

    assert found("harbour") == [order]
    w.save("update", "order", order, owner=w.people["assistant"])
    assert found("harbour") == [] and found("") == [order]


def test_the_lock_names_no_field_that_is_hidden(conn: Conn) -> None:
    hides = "{name: n, type: approve, who: {user: fin1@x.example}}"
    role = "---\nkind: role\nname: sales\nlabel: {en: Sales}\nfor_users: internal\nobjects: {order: {create: true, read: own, update: own}}\nfields: {order: {terms: none}}\n"
    text = f"kind: approval\nname: a\nlabel: {{en: A}}\nobject: order\non: [submit]\nlock: {{while: all, except: [note, terms]}}\nnodes: [{hides}]\n{role}"
    w = Signing(conn, build_workspace(conn, _without_role(OBJECTS, "sales") + "---\n" + text))
    order = w.make()
    w.submit("rep", order)
    call = w.frame("rep")
    shown = standing(w.conn, call, call.model.objects["order"], order, submits=True)
    w.conn.commit()
    assert shown is not None and [label["en"] for label in shown.open] == ["Note"]


def _without_role(documents: str, name: str) -> str:
    return "---".join(d for d in documents.split("---") if f"kind: role\nname: {name}\n" not in d)
