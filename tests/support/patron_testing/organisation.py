"""Random organisations with random roles, and an oracle over dicts that says who may see and change what.

A world has departments, people, groups and queues, accounts with deals, deals with lines (details), notes about either.
`Organisation` writes it with the administrator's hand and keeps a plain picture of it; `Oracle` answers from that picture
alone, by the sentences of the contract and none of the engine's code.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from patron_engine.query.rights import role_principal
from patron_testing.build import Records

DOCUMENTS = """
kind: workspace
name: workspace
zone: Asia/Shanghai
currency: CNY
---
kind: object
name: department
label: Department
title: name
owner: none
fields:
  - {name: name, type: text, required: true}
  - {name: code, type: text, unique: true}
  - {name: parent, type: lookup, to: department, tree: true}
  - {name: head, type: user}
---
kind: object
name: user
label: User
title: name
owner: none
search: [name]
fields:
  - {name: name, type: text, required: true}
  - {name: email, type: email, unique: true}
  - {name: department, type: lookup, to: department}
  - {name: manager, type: lookup, to: user, tree: true}
  - {name: roles, type: tags}
---
kind: object
name: group
label: Group
title: name
owner: none
fields:
  - {name: name, type: text, required: true}
  - {name: code, type: text, unique: true}
  - {name: members, type: user, many: true}
---
kind: object
name: queue
label: Queue
title: name
owner: none
fields:
  - {name: name, type: text, required: true}
  - {name: code, type: text, unique: true}
  - {name: members, type: user, many: true}
---
kind: object
name: account
label: Account
title: name
search: [name]
fields:
  - {name: name, type: text, required: true}
  - {name: grade, type: select, options: [{name: a}, {name: b}, {name: c}]}
  - {name: size, type: integer}
  - {name: helper, type: user}
---
kind: object
name: deal
label: Deal
title: name
search: [name]
fields:
  - {name: name, type: text, required: true}
  - {name: account, type: lookup, to: account, reverse: deals, on_delete: clear}
  - {name: stage, type: select, options: [{name: open}, {name: won}, {name: secret}]}
  - {name: amount, type: integer}
  - {name: helper, type: user}
---
kind: object
name: line
label: Line
title: what
owner: master
search: [what]
fields:
  - {name: what, type: text, required: true}
  - {name: deal, type: master, to: deal, reverse: lines}
---
kind: object
name: note
label: Note
title: text
owner: none
search: [text]
fields:
  - {name: text, type: text, required: true}
  - {name: about, type: lookup, to: [account, deal], reverse: notes, on_delete: cascade}
"""
OBJECTS = ("account", "deal", "line", "note")
TITLES = {"account": "name", "deal": "name", "line": "what", "note": "text"}
SCOPES = ("none", "own", "own_and_reports", "department", "department_tree", "all")
CONDITIONS: Mapping[str, tuple[str, ...]] = {
    "account": ("grade == 'a'", "grade != 'b'", "size > 50"),
    "deal": ("stage != 'secret'", "amount > 40", "account.grade == 'a'"),
}
Row = dict[str, Any]


def fits(org: Organisation, object: str, text: str, row: Row) -> bool:
    """What the conditions above mean, said a second time."""
    if text == "account.grade == 'a'":
        above = org.rows["account"].get(row["account"] or "")
        return above is not None and above["grade"] == "a"
    name, sign, value = text.split(" ")
    if sign == ">":
        return row[name] is not None and row[name] > int(value)
    same = row[name] == value.strip("'")
    return same if sign == "==" else not same


@dataclass
class Organisation:
    """What was written, as plain dicts by id."""

    r: Records
    seed: int
    rows: dict[str, dict[str, Row]] = field(default_factory=dict)
    given: list[Row] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.rows = {o: {} for o in ("department", "user", "group", "queue", *OBJECTS)}
        self._people()
        self._records()

    def add(self, object: str, **values: Any) -> str:
        id = self.r.create(
            object,
            **{name: value for name, value in values.items() if name != "department" or object == "user"},
        )
        self.rows[object][id] = {"id": id, **values}
        return id

    def pick(self, object: str, *, some: float = 1.0) -> str | None:
        ids = list(self.rows[object])
        return self.random.choice(ids) if ids and self.random.random() < some else None

    def _people(self) -> None:
        for n in range(self.random.randint(2, 5)):
            self.add("department", name=f"D{n}", code=f"d{n}", parent=self.pick("department", some=0.8))
        for n in range(self.random.randint(3, 7)):
            self.add(
                "user", name=f"U{n}", email=f"u{n}@example.com", department=self.pick("department", some=0.9),
                manager=self.pick("user", some=0.8), roles=[],
            )  # fmt: skip
        for object in ("group", "queue"):
            for n in range(2):
                people = sorted(self.rows["user"])
                members = self.random.sample(people, self.random.randint(0, len(people)))
                self.add(object, name=f"{object}{n}", code=f"{object}{n}", members=members)

    def _records(self) -> None:
        for n in range(10):
            self.add("account", name=f"account {n}", grade=self.random.choice("abc"), size=self.random.randint(0, 100),
                     **self._owned())  # fmt: skip
        for n in range(12):
            self.add("deal", name=f"deal {n}", account=self.pick("account", some=0.8), amount=self.random.randint(0, 100),
                     stage=self.random.choice(("open", "won", "secret")), **self._owned())  # fmt: skip
        for n in range(12):
            self.add("line", what=f"line {n}", deal=self.pick("deal"))
        for n in range(12):
            object = self.random.choice(("account", "deal"))
            self.add("note", text=f"note {n}", about={"object": object, "id": self.pick(object)})
        for object in ("account", "deal"):
            for _ in range(self.random.randint(0, 8)):
                self._give(object)

    def _owned(self) -> Row:
        return {**self._own(), "helper": self.pick("user", some=0.3)}

    def _own(self) -> Row:
        if self.random.random() < 0.2:
            return {"owner": None, "queue": self.pick("queue"), "department": None}
        owner = self.pick("user")
        assert owner is not None
        return {"owner": owner, "queue": None, "department": self.rows["user"][owner]["department"]}

    def _give(self, object: str) -> None:
        kind = self.random.choice(("user", "department", "group", "role"))
        principal = role_principal(self.random.choice(ROLES)) if kind == "role" else self.pick(kind)
        row = {
            "object": object, "record": self.pick(object), "principal": principal,
            "level": self.random.choice(("read", "edit")), "past": self.random.random() < 0.2,
        }  # fmt: skip
        same = ("object", "record", "principal", "level")
        if any(all(known[n] == row[n] for n in same) for known in self.given):
            return  # a right stands once: one that is past would hide one that is not
        until = None if not row["past"] else self.r.call.now.replace(year=2020)
        self.r.conn.execute(
            f"INSERT INTO w_test.{object}__access (record, principal, level, reason, until) "
            "VALUES (%s, %s, %s, 'team', %s)",
            (row["record"], principal, row["level"], until),
        )
        self.given.append(row)


ROLES = ("r0", "r1", "r2")


def random_roles(chance: random.Random) -> list[Row]:
    """Three roles and some sharing rules, as bodies of documents."""
    bodies: list[Row] = []
    for name in ROLES:
        objects: Row = {}
        for object in ("account", "deal", "note"):
            if chance.random() < 0.75:
                objects[object] = _entry(chance, object)
        if chance.random() < 0.15:
            objects["*"] = {"read": chance.choice(("all", "none", "own"))}
        bodies.append(
            {"kind": "role", "name": name, "label": name, "for_users": "internal", "objects": objects}
        )
    for n in range(chance.randint(0, 3)):
        object = chance.choice(("account", "deal"))
        rule: Row = {
            "kind": "sharing", "name": f"s{n}", "label": f"s{n}", "object": object, "give": chance.choice(("read", "edit")),
            "to": [_who(chance) for _ in range(chance.randint(1, 2))],
        }  # fmt: skip
        if chance.random() < 0.6:
            rule["where"] = chance.choice(CONDITIONS[object])
        if chance.random() < 0.5:
            rule["owned_by"] = [_who(chance)]
        bodies.append(rule)
    return bodies


def _entry(chance: random.Random, object: str) -> Row:
    entry: Row = {"create": chance.random() < 0.5}
    for action in ("read", "update", "delete", "assign"):
        entry[action] = chance.choice(SCOPES)
        if object in ("deal", "note") and chance.random() < 0.3:
            entry[action] = {"through": "account" if object == "deal" else "about"}
    where = {
        a: chance.choice(CONDITIONS[object])
        for a in ("read", "update")
        if object in CONDITIONS and chance.random() < 0.3
    }
    return {**entry, **({"where": where} if where else {})}


def _who(chance: random.Random) -> Row:
    return chance.choice(
        [
            {"role": chance.choice(ROLES)}, {"group": "group0"}, {"department": "d0", "below": chance.random() < 0.5},
            {"user": "u0@example.com"}, {"department_head": "d1"}, {"queue": "queue1"}, {"field": "helper"},
        ]
    )  # fmt: skip


class Oracle:
    """Who may do what, from the picture of an organisation and the bodies of its roles."""

    def __init__(self, org: Organisation, bodies: list[Row]) -> None:
        self.org = org
        self.roles = {b["name"]: b for b in bodies if b["kind"] == "role"}
        self.sharing = [b for b in bodies if b["kind"] == "sharing"]

    def may(self, user: str, action: str, object: str, row: Row) -> bool:
        """Reading is needed for everything else."""
        return self._may(user, "read", object, row) and (
            action == "read" or self._may(user, action, object, row)
        )

    def _may(self, user: str, action: str, object: str, row: Row) -> bool:
        if object == "line":
            deal = self.org.rows["deal"][row["deal"]]
            return self.may(user, "read" if action == "read" else "update", "deal", deal)
        return any(self._rights(user, action, object, row))

    def _rights(self, user: str, action: str, object: str, row: Row) -> Iterator[bool]:
        knows = False
        for name in self.org.rows["user"][user]["roles"]:
            objects = self.roles[name]["objects"]
            entry = objects.get(object) or objects.get("*")
            if entry is None:
                continue
            knows = knows or entry.get("read", "none") != "none"
            wheres = entry.get("where", {})
            narrowed = [wheres[w] for w in {"read", action} if w in wheres]
            yield self._scope(user, entry.get(action, "none"), action, object, row) and all(
                fits(self.org, object, w, row) for w in narrowed
            )
        mine = set(self.org.rows["user"][user]["roles"])
        rules = [
            s for s in self.sharing if s["object"] == object and any(w.get("role", "") in {"", *mine} for w in s["to"])
        ]  # fmt: skip
        knows = knows or bool(rules)
        for rule in rules:
            among = any(self._is(user, who, row) for who in rule["to"])
            owned = "owned_by" not in rule or any(
                self._is(row["owner"], who, row) for who in rule["owned_by"]
            )
            where = "where" not in rule or fits(self.org, object, rule["where"], row)
            yield action in self._acts(rule["give"]) and among and owned and where
        if knows:
            for g in self.org.given:
                if g["object"] == object and g["record"] == row["id"] and not g["past"]:
                    yield action in self._acts(g["level"]) and g["principal"] in self._principals(user)
            queue = self.org.rows["queue"].get(row.get("queue") or "")
            yield action == "read" and queue is not None and user in queue["members"]

    def _acts(self, level: str) -> tuple[str, ...]:
        return ("read",) if level == "read" else ("read", "update")

    def _scope(self, user: str, scope: Any, action: str, object: str, row: Row) -> bool:
        if isinstance(scope, dict):
            link = row[scope["through"]]
            if link is None:
                return False
            target, id = (link["object"], link["id"]) if isinstance(link, dict) else ("account", link)
            return self.may(user, action, target, self.org.rows[target][id])
        if scope in ("none", "all"):
            return bool(scope == "all")
        owner = row.get("owner")  # a note is nobody's; the administrator, who is no user, made it
        if owner is None:
            return False
        if scope == "own":
            return owner == user
        if scope == "own_and_reports":
            return user in self._managers(owner)
        mine, its = self.org.rows["user"][user]["department"], row["department"]
        if mine is None or its is None:
            return False
        return its == mine if scope == "department" else mine in self._above(its)

    def _managers(self, user: str) -> list[str]:
        found = [user]
        while (up := self.org.rows["user"][found[-1]]["manager"]) is not None:
            found.append(up)
        return found

    def _above(self, department: str) -> list[str]:
        found = [department]
        while (up := self.org.rows["department"][found[-1]]["parent"]) is not None:
            found.append(up)
        return found

    def _principals(self, user: str) -> set[str]:
        person = self.org.rows["user"][user]
        above = self._above(person["department"]) if person["department"] else []
        groups = [g for g, row in self.org.rows["group"].items() if user in row["members"]]
        return {user, *above, *groups, *map(role_principal, person["roles"])}

    def _is(self, user: str | None, who: Row, row: Row) -> bool:
        if user is None:
            return False
        person = self.org.rows["user"][user]
        if "field" in who:
            return bool(row[who["field"]] == user)
        if "role" in who:
            return who["role"] in person["roles"]
        if "user" in who:
            return bool(person["email"] == who["user"])
        if "group" in who or "queue" in who:
            kind = "group" if "group" in who else "queue"
            return any(user in r["members"] for r in self.org.rows[kind].values() if r["code"] == who[kind])
        if "department_head" in who:
            return any(
                r.get("head") == user
                for r in self.org.rows["department"].values()
                if r["code"] == who["department_head"]
            )
        if person["department"] is None:
            return False
        codes = self._above(person["department"]) if who.get("below") else [person["department"]]
        return who["department"] in {self.org.rows["department"][d]["code"] for d in codes}
