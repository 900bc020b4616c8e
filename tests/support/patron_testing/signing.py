"""A workspace with approvals for tests: people of an organisation, orders with lines, whatever approvals a test writes.

    w = signing(conn, APPROVALS); order = w.make("order", as_="rep", amount=5); w.submit("rep", order); w.act("boss", order, "approve")

People: ceo <- director <- boss <- rep, assistant; finance: fin1, fin2, fin3 (head fin1).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import psycopg

from patron_engine.actor import Actor, Cause
from patron_engine.approval import store
from patron_engine.approval.value import Instance
from patron_engine.query.call import Call
from patron_engine.record.change import Change, Outcome
from patron_engine.ways import approval_admin, approval_box, approve, deciding, flow
from patron_engine.ways.approval_people import Wish
from patron_engine.ways.approval_times import tick
from patron_engine.ways.save import save, write_transaction
from patron_testing.build import NOON, SCHEMA, build_workspace

OBJECTS = """
kind: workspace
name: workspace
zone: Asia/Shanghai
currency: CNY
---
kind: object
name: department
label: {en: Department}
title: name
owner: none
fields:
  - {name: name, type: text, label: {en: Name}}
  - {name: code, type: text, unique: true, label: {en: Code}}
  - {name: head, type: user, label: {en: Head}}
---
kind: object
name: user
label: {en: User}
title: name
owner: none
fields:
  - {name: name, type: text, label: {en: Name}}
  - {name: email, type: email, unique: true, label: {en: Mail}}
  - {name: active, type: boolean, default: true, label: {en: Active}}
  - {name: manager, type: lookup, to: user, tree: true, label: {en: Manager}}
  - {name: department, type: lookup, to: department, label: {en: Department}}
  - {name: roles, type: tags, label: {en: Roles}}
---
kind: object
name: group
label: {en: Group}
title: name
owner: none
fields:
  - {name: name, type: text, label: {en: Name}}
  - {name: code, type: text, unique: true, label: {en: Code}}
  - {name: members, type: user, many: true, label: {en: Members}}
---
kind: object
name: queue
label: {en: Queue}
title: name
owner: none
fields:
  - {name: name, type: text, label: {en: Name}}
  - {name: code, type: text, unique: true, label: {en: Code}}
  - {name: members, type: user, many: true, label: {en: Members}}
---
kind: object
name: message
label: {en: Message}
title: subject
fields:
  - {name: subject, type: text, label: {en: Subject}}
  - {name: about, type: lookup, to: [order], on_delete: clear, label: {en: About}}
---
kind: object
name: approval_task
label: {en: Approval task}
title: subject
owner: none
history: false
fields:
  - {name: about, type: lookup, to: [order], on_delete: cascade, label: {en: About}}
  - {name: subject, type: text, max_length: 300, label: {en: Subject}}
  - {name: flow, type: text, label: {en: Flow}}
  - {name: node, type: text, label: {en: Node}}
  - {name: assignee, type: user, label: {en: Assignee}}
  - {name: on_behalf_of, type: user, label: {en: For}}
  - {name: state, type: text, label: {en: State}}
  - {name: comment, type: long_text, label: {en: Comment}}
---
kind: object
name: order
label: {en: Order}
title: name
features: [void, comments]
fields:
  - {name: name, type: text, label: {en: Name}}
  - {name: amount, type: integer, label: {en: Amount}}
  - {name: price, type: integer, max: 100, label: {en: Price}}
  - {name: status, type: select, default: draft, label: {en: Status}, options: [{name: draft}, {name: running}, {name: approved}, {name: rejected}, {name: sent}]}
  - {name: terms, type: text, label: {en: Terms}}
  - {name: note, type: text, label: {en: Note}}
  - {name: due, type: date, label: {en: Due}}
  - {name: signer, type: user, label: {en: Signer}}
  - {name: team, type: department, label: {en: Team}}
  - {name: lines_total, type: rollup, of: lines, function: sum, field: price, label: {en: Total}}
  - {name: paid, type: rollup, of: payments, function: sum, field: amount, label: {en: Paid}}
---
kind: object
name: order_line
label: {en: Line}
title: what
fields:
  - {name: order, type: master, to: order, reverse: {name: lines, label: {en: Lines}}, label: {en: Order}}
  - {name: what, type: text, label: {en: What}}
  - {name: price, type: integer, label: {en: Price}}
  - {name: keeper, type: user, label: {en: Keeper}}
---
kind: object
name: payment
label: {en: Payment}
title: name
fields:
  - {name: name, type: text, label: {en: Name}}
  - {name: amount, type: integer, label: {en: Amount}}
  - {name: order, type: lookup, to: order, reverse: {name: payments, label: {en: Payments}}, label: {en: Order}}
---
kind: setting
name: order_limit
type: integer
default: 100
---
kind: role
name: sales
label: {en: Sales}
for_users: internal
objects: {order: {create: true, read: own, update: own, delete: own, void: own, transfer: own, assign: own}, payment: {create: true, read: all}, order_line: {create: true}, user: {read: all}, department: {read: all}}
---
kind: role
name: finance
label: {en: Finance}
for_users: internal
objects: {order: {read: own}, user: {read: all}}
---
kind: role
name: director
label: {en: Director}
for_users: internal
objects: {order: {read: own}}
actions: [revoke_approval]
---
kind: role
name: admin
label: {en: Admin}
for_users: internal
objects: {order: {read: all}}
"""
PEOPLE: Mapping[str, tuple[str | None, str, tuple[str, ...]]] = {
    "ceo": (None, "sales", ()),
    "director": ("ceo", "sales", ("director",)),
    "boss": ("director", "sales", ("sales",)),
    "rep": ("boss", "sales", ("sales",)),
    "assistant": ("boss", "sales", ("sales",)),
    "fin1": ("ceo", "finance", ("finance",)),
    "fin2": ("fin1", "finance", ("finance",)),
    "fin3": ("fin1", "finance", ("finance",)),
    "root": (None, "sales", ("admin",)),
}


class Signing:
    """Each act is one transaction, as a request is."""

    def __init__(self, conn: psycopg.Connection[Any], call: Call) -> None:
        self.conn, self.call, self.now = conn, call, NOON
        self.people: dict[str, str] = {}
        departments = {n: self.save("create", "department", name=n, code=n).id for n in ("sales", "finance")}
        for name, (manager, department, roles) in PEOPLE.items():
            made = self.save(
                "create", "user", name=name, email=f"{name}@x.example", roles=list(roles),
                manager=self.people.get(manager or ""), department=departments[department],
            )  # fmt: skip
            self.people[name] = str(made.id)
        self.departments = {n: str(i) for n, i in departments.items()}
        self.save("update", "department", self.departments["finance"], head=self.people["fin1"])
        self.save("update", "department", self.departments["sales"], head=self.people["director"])

    def frame(self, who: str | None = None) -> Call:
        """A call of that person; of an administrator without one."""
        actor = self.call.actor
        if who is not None:
            roles = frozenset(PEOPLE[who][2])
            actor = Actor(
                user=self.people[who], name=who, administrator=who == "root", roles=roles, languages=("en",)
            )
        return replace(self.call, actor=actor, now=self.now, cause=Cause(), committed=[])

    def later(self, **span: float) -> datetime:
        self.now += timedelta(**span)
        return self.now

    def save(
        self, action: Any, object: str, id: str | None = None, *, as_: str | None = None, **values: Any
    ) -> Outcome:
        call = self.frame(as_)
        with write_transaction(self.conn, call):
            return save(self.conn, call, [Change(action=action, object=object, id=id, set=values)])[0]

    def make(self, *, as_: str = "rep", **values: Any) -> str:
        return str(self.save("create", "order", as_=as_, **{"name": "O", "amount": 5, **values}).id)

    def do(self, who: str | None, act: Any) -> Any:
        call = self.frame(who)
        with write_transaction(self.conn, call):
            return act(self.conn, call)

    def submit(self, who: str, order: str, **more: Any) -> Instance:
        made: Instance = self.do(who, lambda conn, call: approve.submit(conn, call, "order", order, **more))
        return made

    def task(self, who: str, order: str) -> str:
        """The task that waits for somebody."""
        found = [
            t.id for t in self.instance(order).tasks if t.person == self.people[who] and t.state == "waiting"
        ]
        assert found, f"nothing waits for {who}: {self.waiting(order)}"
        return found[0]

    def act(self, who: str, order: str, act: str, *, task: str | None = None, **more: Any) -> Instance:
        id = task or self.task(who, order)
        made: Instance = self.do(who, lambda conn, call: deciding.act(conn, call, id, Wish(act=act, **more)))
        return made

    def whole(self, who: str, order: str, act: str, *args: Any) -> Instance:
        """withdraw, urge, end, revoke, jump …"""
        at = approve if hasattr(approve, act) and act in ("withdraw", "urge", "resubmit") else approval_admin
        id = self.instance(order).id
        made: Instance = self.do(who, lambda conn, call: getattr(at, act)(conn, call, id, *args))
        return made

    def instance(self, order: str) -> Instance:
        id = store.of_record(self.conn, SCHEMA, "order", order)
        assert id is not None
        found = store.load(self.conn, SCHEMA, id)
        assert found is not None
        self.conn.commit()
        return found

    def waiting(self, order: str) -> list[str]:
        names = {id: name for name, id in self.people.items()}
        return sorted(names[t.person] for t in self.instance(order).waiting)

    def states(self, order: str, node: str) -> dict[str, str]:
        names = {id: name for name, id in self.people.items()}
        return {names[t.person]: t.state for t in self.instance(order).at(node)}

    def box(self, who: str, name: str = "waiting") -> list[str]:
        found = approval_box.box(self.conn, self.frame(who), name)
        self.conn.commit()
        return [item.record for item in found.items]

    def value(self, order: str, column: str) -> Any:
        row = self.conn.execute(f'SELECT "{column}" FROM {SCHEMA}."order" WHERE id = %s', (order,)).fetchone()  # type: ignore[arg-type]
        self.conn.commit()
        return row[0] if row else None

    def tick(self) -> int:
        found: int = self.do(None, tick)
        return found

    def work(self) -> None:
        """The worker, until nothing is due."""
        for _ in range(100):
            more: int = self.do(
                None,
                lambda conn, call: (
                    flow.begin(conn, call) + flow.go_on(conn, call, lambda *_: self.call.actor)
                ),
            )
            if not more:
                return
        raise AssertionError("it never ends")


def signing(conn: psycopg.Connection[Any], approvals: str) -> Signing:
    return Signing(conn, build_workspace(conn, OBJECTS + "---\n" + approvals))
