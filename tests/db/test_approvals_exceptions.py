"""What happens beside the way: people who left or are away, steps that fail, a record that goes, what a title may tell. One world."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import psycopg
import pytest

from patron_engine.errors import Conflict
from patron_engine.ways import approval_admin, approvals_seen, substitutes
from patron_engine.ways.transfer import Handing, transfer
from patron_testing.signing import SCHEMA, Signing, signing

BOSS, DIRECTOR, CEO, MONEY = "boss@x.example", "director@x.example", "ceo@x.example", "fin1@x.example"


def of(name: str, nodes: str, **more: str) -> str:
    keys = {"on": "[submit]", **more}
    rest = "".join(f"{k}: {v}\n" for k, v in keys.items())
    return f"kind: approval\nname: {name}\nlabel: {{en: {name}}}\nobject: order\nwhen: \"name == '{name}'\"\n{rest}nodes: [{nodes}]\n"


def asks(name: str, who: str, **more: str) -> str:
    rest = "".join(f", {k}: {v}" for k, v in more.items())
    return f"{{name: {name}, type: approve, who: {{user: {who}}}{rest}}}"


ONE, BOTH = asks("n", BOSS), f"[{BOSS}, {DIRECTOR}]"
LATE = f"{{after: 1 days, then: {{transfer: {{user: {CEO}}}}}}}"
APPROVALS = "---\n".join(
    [
        of("goes", f"{ONE}, {{name: d, type: do, steps: [{{do: delete}}]}}, {asks('m', MONEY)}"),
        of("last", f"{ONE}, {{name: d, type: do, steps: [{{do: delete}}]}}"),
        of(
            "fails",
            f"{{name: d, type: do, steps: [{{do: update, set: {{price: '=amount * 30'}}}}]}}, {asks('m', MONEY)}",
        ),
        of("again", f"{asks('one', BOTH)}, {{name: two, type: approve, who: {{approvers_of: one}}}}"),
        of("each", asks("n", f"[{BOSS}, {DIRECTOR}, {CEO}]", mode="each")),
        of("late", asks("n", BOTH, mode="all", deadline=LATE)),
        of("away", f"{ONE}, {asks('m', DIRECTOR)}"),
        of("anew", ONE, after_lock="reapprove"),
        of("before", f"{ONE}, {asks('m', MONEY)}"),
        of(
            "told",
            asks(
                "n",
                MONEY,
                fields="{amount: hidden}",
                title="{en: 'T {{ name }}, {{amount}}, {{owner}}, {{signer.email}}'}",
            ),
        ),
        of("handed", ONE, on="[transfer]"),
    ]
)


@pytest.fixture
def w(conn: psycopg.Connection[Any]) -> Signing:
    return signing(conn, APPROVALS)


def test_what_happens_beside_the_way(w: Signing) -> None:
    """A world is a second; each of these is told apart by its name."""
    for part in (
        _a_record_that_its_own_steps_delete, _steps_that_fail, _who_is_asked_again, _who_left, _too_late, _who_is_away,
        _an_older_approval, _signers_before, _what_a_title_tells, _a_handing_over_that_waits,
    ):  # fmt: skip
        part(w)


def begun(w: Signing, name: str, **values: Any) -> str:
    order = w.make(name=name, **values)
    w.submit("rep", order)
    return order


def _a_record_that_its_own_steps_delete(w: Signing) -> None:
    order, last = begun(w, "goes"), begun(w, "last")
    assert w.act("boss", order, "approve").state == "ended" and w.waiting(order) == []
    assert w.act("boss", last, "approve").state == "approved"
    assert w.value(order, "deleted_at") is not None and w.value(last, "deleted_at") is not None


def _steps_that_fail(w: Signing) -> None:
    order = begun(w, "fails", amount=5)
    for _ in range(6):
        w.later(hours=2)
        w.work()
    (problem,) = w.instance(order).problems
    assert w.instance(order).state == "parked" and problem["code"] == "steps_failed"
    assert problem["message"] == "Price: 150 is above 100"
    w.whole("root", order, "end", None)
    other = begun(w, "fails", amount=5)
    for _ in range(6):
        w.later(hours=2)
        w.work()
    w.do(
        None, lambda conn, _: conn.execute(f'UPDATE {SCHEMA}."order" SET amount = 1 WHERE id = %s', (other,))
    )
    assert w.whole("root", other, "mend", {}).state == "running"
    w.work()
    assert w.waiting(other) == ["fin1"] and w.value(other, "price") == 30


def _who_is_asked_again(w: Signing) -> None:
    order = begun(w, "again")
    w.act("boss", order, "delegate", to=w.people["fin1"])
    w.act("fin1", order, "approve")
    w.act("boss", order, "approve")
    assert w.waiting(order) == ["boss"], "whose opinion was asked did not decide"
    w.act("boss", order, "return", to="one", comment="look again")
    w.act("director", order, "approve")
    assert w.waiting(order) == ["director"], "who decided before it was returned is not asked"


def _who_left(w: Signing) -> None:
    order = begun(w, "each")
    w.save("update", "user", w.people["director"], active=False)
    w.act("boss", order, "approve")
    assert w.waiting(order) == ["ceo"] and w.states(order, "n")["director"] == "cancelled"
    w.save("update", "user", w.people["director"], active=True)


def _too_late(w: Signing) -> None:
    order = begun(w, "late")
    w.later(days=1, minutes=1)
    assert w.tick() == 2
    assert [t.person for t in w.instance(order).waiting] == [w.people["ceo"]], "nobody has one thing twice"


def _who_is_away(w: Signing) -> None:
    order = begun(w, "away")
    until = w.now + timedelta(days=5)
    w.do(
        "boss",
        lambda c, call: substitutes.name(c, call, w.people["boss"], w.people["fin1"], w.now, until),
    )
    w.act("fin1", order, "approve")
    w.act("director", order, "transfer", to=w.people["boss"])
    (task,) = w.instance(order).waiting
    assert (task.person, task.behalf) == (w.people["fin1"], w.people["boss"])
    w.later(days=6)


def _an_older_approval(w: Signing) -> None:
    order = begun(w, "anew")
    w.act("boss", order, "approve")
    first = w.instance(order).id
    w.save("update", "order", order, as_="rep", terms="other")
    with pytest.raises(Conflict) as older:
        w.do("root", lambda c, call: approval_admin.revoke(c, call, first, None))
    assert older.value.code == "not_latest" and w.waiting(order) == ["boss"]


def _signers_before(w: Signing) -> None:
    order = begun(w, "before")
    mine = w.task("boss", order)
    w.act("boss", order, "add_signer", to=w.people["ceo"], how="before")
    with pytest.raises(Conflict):
        w.act("boss", order, "approve", task=mine)
    w.act("boss", order, "remove_signer", to=w.people["ceo"], task=mine)
    assert w.waiting(order) == ["boss"]


def _what_a_title_tells(w: Signing) -> None:
    order = begun(w, "told", amount=4_711, signer=w.people["ceo"])
    title = "T told, , rep, ceo@x.example"
    seen = approvals_seen.look(w.conn, w.frame("fin1"), w.instance(order).id)
    row = w.conn.execute(f"SELECT subject FROM {SCHEMA}.approval_task WHERE about = %s", (order,)).fetchone()
    notices = w.conn.execute(
        f"SELECT text ->> 'en' FROM {SCHEMA}.sys__notice WHERE person = %s", (w.people["fin1"],)
    ).fetchall()
    w.conn.commit()
    assert seen.subject == title and row == (title,) and (f"To decide: {title}",) in notices


def _a_handing_over_that_waits(w: Signing) -> None:
    order, to = w.make(name="handed"), {"user": w.people["assistant"]}
    went = w.do("rep", lambda c, call: transfer(c, call, "order", order, Handing(to=to, keep="read")))
    assert went.records == 0 and went.instance == w.instance(order).id
    given = f"SELECT principal::text FROM {SCHEMA}.order__access WHERE record = %s AND reason = 'team'"
    assert w.conn.execute(given, (order,)).fetchall() == [], "nothing is given before its end"
    w.act("boss", order, "approve")
    assert w.conn.execute(given, (order,)).fetchall() == [(w.people["rep"],)]
    assert str(w.value(order, "owner")) == w.people["assistant"]
