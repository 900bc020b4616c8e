"""Random saves against a small oracle over dicts: roll-ups, formulas, bins, moves must be what plain Python says.

Each run makes random models (roll-ups of every function, random conditions, over lookups, several-object links, many
links, details and trees), carries out random saves and compares every stored figure with the oracle's.
PATRON_ORACLE_SEED repeats a run.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import psycopg
import pytest

from patron_engine.errors import NotFound, Refused
from patron_engine.record.change import Change
from patron_engine.record.drift import find_drift
from patron_testing.build import Records, build_workspace

SEED = int(os.environ.get("PATRON_ORACLE_SEED") or random.SystemRandom().randrange(10**6))
ROUNDS = 60

HEAD = """
kind: workspace
name: workspace
zone: Asia/Shanghai
currency: CNY
---
kind: object
name: top
label: Top
title: name
owner: none
fields:
  - {name: name, type: text, required: true}
  - {name: sum_of_mids, type: rollup, of: mids, function: sum, field: doubled}
  - {name: best_mid, type: rollup, of: mids, function: max, field: doubled}
---
kind: object
name: mid
label: Mid
title: name
owner: none
features: [void]
fields:
  - {name: name, type: text, required: true}
  - {name: top, type: lookup, to: top, reverse: mids, on_delete: clear}
  - {name: above, type: lookup, to: mid, tree: true, reverse: below, on_delete: clear}
  - {name: total, type: rollup, of: leaves, function: sum, field: n}
  - {name: doubled, type: formula, expression: "total * 2 + 1"}
  - {name: under, type: rollup, of: below, function: sum, field: total, deep: true}
"""
LEAF = """
---
kind: object
name: leaf
label: Leaf
title: name
owner: none
features: [void]
fields:
  - {name: name, type: text, required: true}
  - {name: mid, type: lookup, to: mid, reverse: leaves, on_delete: cascade}
  - {name: about, type: lookup, to: [mid, top], reverse: abouts, on_delete: clear}
  - {name: mids, type: lookup, to: mid, many: true, reverse: linked}
  - {name: n, type: decimal, scale: 2}
  - {name: d, type: date}
  - {name: s, type: select, options: [{name: a}, {name: b}, {name: c}]}
  - {name: half, type: formula, expression: "n / 2"}
"""
CONDITIONS: Mapping[str, Callable[[Mapping[str, Any]], bool]] = {
    "": lambda r: True,
    "s == 'a'": lambda r: r["s"] == "a",
    "s != 'a'": lambda r: r["s"] != "a",
    "n > 10": lambda r: r["n"] is not None and r["n"] > 10,
    "n > 10 or ISBLANK(d)": lambda r: (r["n"] is not None and r["n"] > 10) or r["d"] is None,
    "not (n > 10) and s in ('a', 'b')": lambda r: (
        not (r["n"] is not None and r["n"] > 10) and r["s"] in ("a", "b")
    ),
}
FUNCTIONS = ("count", "count_distinct", "sum", "avg", "min", "max", "first", "last", "concat")


@dataclass
class Figure:
    """A roll-up of the random model, and how plain Python works it out."""

    name: str
    set: str
    function: str
    field: str | None
    condition: str

    def yaml(self) -> str:
        parts = [f"name: {self.name}", "type: rollup", f"of: {self.set}", f"function: {self.function}"]
        if self.field:
            parts.append(f"field: {self.field}")
        if self.condition:
            parts.append(f'where: "{self.condition}"')
        if self.function in ("first", "last", "concat"):
            parts.append("sort: [d, name]")
        return "  - {" + ", ".join(parts) + "}"

    def right(self, members: list[Mapping[str, Any]]) -> Any:
        rows = [m for m in members if CONDITIONS[self.condition](m)]
        rows.sort(key=lambda m: (m["d"] is None, m["d"] or date.min, m["name"]))
        values = [m[self.field] for m in rows if m[self.field] is not None] if self.field else rows
        if self.function == "count":
            return len(values)
        if self.function == "count_distinct":
            return len(set(values))
        if self.function == "sum":
            return sum(values, Decimal(0))
        if not values:
            return None
        if self.function == "avg":
            return (sum(values, Decimal(0)) / len(values)).quantize(Decimal("1e-10"), rounding=ROUND_HALF_UP)
        if self.function == "first":
            return values[0]
        if self.function == "last":  # an empty sort value stands last both ways
            held = [m for m in rows if m[self.field or ""] is not None]
            return max(held, key=lambda m: (m["d"] is not None, m["d"] or date.min, m["name"]))[
                self.field or ""
            ]
        if self.function == "concat":
            return ", ".join(map(str, values))
        return min(values) if self.function == "min" else max(values)


def random_figures(dice: random.Random) -> list[Figure]:
    found = []
    for n in range(9):
        function = FUNCTIONS[n]
        numeric = function in ("sum", "avg")
        name = (
            dice.choice(["n", "half"])
            if numeric
            else dice.choice(["n", "d"] if function in ("min", "max") else ["name", "s"])
        )
        if function == "concat":
            name = "name"
        found.append(Figure(
            name=f"f{n}", set=dice.choice(["leaves", "leaves", "abouts", "linked"]), function=function,
            field=None if function == "count" and dice.random() < 0.5 else name,
            condition=dice.choice(list(CONDITIONS)),
        ))  # fmt: skip
    return found


@dataclass
class Oracle:
    """What there is, as dicts. `bin` holds what was deleted together."""

    records: dict[str, dict[str, dict[str, Any]]] = field(
        default_factory=lambda: {"top": {}, "mid": {}, "leaf": {}}
    )

    def alive(self, object: str) -> dict[str, dict[str, Any]]:
        return {i: r for i, r in self.records[object].items() if not r["deleted"]}

    def counted(self, object: str) -> list[dict[str, Any]]:
        return [r for r in self.alive(object).values() if not r["void"]]

    def members(self, mid: str, set: str) -> list[Mapping[str, Any]]:
        def belongs(leaf: dict[str, Any]) -> bool:
            if set == "leaves":
                return bool(leaf["mid"] == mid)
            if set == "linked":
                return mid in leaf["mids"]
            return bool(leaf["about"] == ("mid", mid))

        return [{**r, "half": half(r["n"])} for r in self.counted("leaf") if belongs(r)]

    def total(self, mid: str) -> Decimal:
        return sum(
            (r["n"] for r in self.counted("leaf") if r["mid"] == mid and r["n"] is not None), Decimal(0)
        )

    def under(self, mid: str) -> Decimal:
        """The totals of everything below, however deep; what is below a void or deleted one still is below."""
        found, level = Decimal(0), {mid}
        seen = {mid}
        while level:
            level = {i for i, r in self.alive("mid").items() if r["above"] in level} - seen
            seen |= level
            found += sum((self.total(i) for i in level if not self.records["mid"][i]["void"]), Decimal(0))
        return found

    def doubled(self, mid: str) -> Decimal:
        return self.total(mid) * 2 + 1


def half(n: Decimal | None) -> Decimal | None:
    return None if n is None else (n / 2).quantize(Decimal("1e-10"), rounding=ROUND_HALF_UP).normalize()


class Play:
    """Random saves, carried out on both sides."""

    def __init__(self, dice: random.Random, records: Records) -> None:
        self.dice = dice
        self.r = records
        self.oracle = Oracle()
        self.counter = 0

    def some(self, object: str) -> str | None:
        alive = sorted(self.oracle.alive(object))
        return self.dice.choice(alive) if alive and self.dice.random() < 0.85 else None

    def leaf_values(self) -> dict[str, Any]:
        dice = self.dice
        about = dice.choice([None, ("mid", self.some("mid")), ("top", self.some("top"))])
        self.counter += 1
        return {
            "name": f"x{self.counter}",
            "mid": self.some("mid"),
            "about": about if about is not None and about[1] is not None else None,
            "mids": tuple(sorted({m for m in (self.some("mid"), self.some("mid")) if m})),
            "n": None if dice.random() < 0.2 else Decimal(dice.randrange(-500, 5000)) / 100,
            "d": None if dice.random() < 0.2 else date(2026, 1, 1) + timedelta(days=dice.randrange(60)),
            "s": dice.choice([None, "a", "b", "c"]),
        }

    @staticmethod
    def wire(values: Mapping[str, Any]) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for name, value in values.items():
            if name == "about" and value is not None:
                value = {"object": value[0], "id": value[1]}
            elif name == "mids":
                value = list(value)
            elif isinstance(value, Decimal):
                value = str(value)
            elif isinstance(value, date):
                value = value.isoformat()
            made[name] = value
        return made

    def create(self, object: str, many: int = 1) -> None:
        given = []
        for _ in range(many):
            self.counter += 1
            values: dict[str, Any] = {"name": f"{object}{self.counter}"}
            if object == "leaf":
                values = self.leaf_values()
            elif object == "mid":
                values |= {"top": self.some("top"), "above": self.some("mid")}
            given.append(values)
        outcomes = self.r.act(*[Change(action="create", object=object, set=self.wire(v)) for v in given])
        for outcome, values in zip(outcomes, given, strict=True):
            self.oracle.records[object][outcome.id or ""] = {**values, "deleted": None, "void": False}

    def update_leaves(self, many: int) -> None:
        alive = sorted(self.oracle.alive("leaf"))
        chosen = self.dice.sample(alive, min(many, len(alive)))
        given = {}
        for id in chosen:
            values = self.leaf_values()
            given[id] = {
                k: values[k] for k in self.dice.sample(sorted(values), self.dice.randrange(1, len(values)))
            }
        self.r.act(
            *[Change(action="update", object="leaf", id=i, set=self.wire(v)) for i, v in given.items()]
        )
        for id, values in given.items():
            self.oracle.records["leaf"][id] |= values

    def move_mid(self) -> None:
        id = self.some("mid")
        if id is None:
            return
        values = {"top": self.some("top"), "above": self.some("mid")}
        try:
            self.r.update("mid", id, **values)
        except Refused as refused:
            assert [p.code for p in refused.problems] == ["tree_cycle"]
            here = values["above"]
            while here is not None and here != id:
                here = self.oracle.records["mid"][here]["above"]
            assert here == id, "refused, and there is no circle"
            return
        self.oracle.records["mid"][id] |= values

    def delete(self) -> None:
        object = self.dice.choice(["leaf", "leaf", "mid"])
        id = self.some(object)
        if id is None:
            return
        self.r.do("delete", object, id)
        batch = self.counter = self.counter + 1
        self.oracle.records[object][id]["deleted"] = batch
        if object == "mid":
            for leaf in self.oracle.alive("leaf").values():
                if leaf["mid"] == id:
                    leaf["deleted"] = batch

    def restore(self) -> None:
        gone = [(o, i) for o in ("leaf", "mid") for i, r in self.oracle.records[o].items() if r["deleted"]]
        if not gone:
            return
        object, id = self.dice.choice(sorted(gone))
        self.r.do("restore", object, id)
        batch = self.oracle.records[object][id]["deleted"]
        for records in self.oracle.records.values():
            for record in records.values():
                if record["deleted"] == batch:
                    record["deleted"] = None

    def void(self) -> None:
        object = self.dice.choice(["leaf", "mid"])
        id = self.some(object)
        if id is None:
            return
        record = self.oracle.records[object][id]
        self.r.do("unvoid" if record["void"] else "void", object, id)
        record["void"] = not record["void"]

    def step(self) -> None:
        act = self.dice.choice([
            lambda: self.create("leaf"), lambda: self.create("leaf", self.dice.randrange(2, 60)),
            lambda: self.create("mid"), lambda: self.update_leaves(1), lambda: self.update_leaves(8),
            self.move_mid, self.delete, self.restore, self.void,
        ])  # fmt: skip
        act()

    def compare(self, figures: list[Figure]) -> None:
        for mid in sorted(self.oracle.records["mid"]):
            row = self.r.row("mid", mid)
            for figure in figures:
                right = figure.right(self.oracle.members(mid, figure.set))
                assert row[figure.name] == right, (
                    f"seed {SEED}: {figure} of mid {mid}: {row[figure.name]} is not {right}"
                )
            assert row["total"] == self.oracle.total(mid), f"seed {SEED}"
            assert row["doubled"] == self.oracle.doubled(mid), f"seed {SEED}"
            assert row["under"] == self.oracle.under(mid), f"seed {SEED}"
        for top in sorted(self.oracle.records["top"]):
            row = self.r.row("top", top)
            mine = [m for i, m in self.oracle.alive("mid").items() if m["top"] == top and not m["void"]]
            ids = [i for i, m in self.oracle.alive("mid").items() if m in mine and m["top"] == top]
            doubled = [self.oracle.doubled(i) for i in ids]
            assert row["sum_of_mids"] == sum(doubled, Decimal(0)), f"seed {SEED}"
            assert row["best_mid"] == max(doubled, default=None), f"seed {SEED}"


@pytest.mark.parametrize("model", range(3))
def test_random_saves_agree_with_plain_python(conn: psycopg.Connection[Any], model: int) -> None:
    dice = random.Random(SEED * 10 + model)
    figures = random_figures(dice)
    text = HEAD + "\n".join(f.yaml() for f in figures) + LEAF
    play = Play(dice, Records(conn, build_workspace(conn, text)))
    for _ in range(2):
        play.create("top")
    for _ in range(4):
        play.create("mid")
    for step in range(ROUNDS):
        try:
            play.step()
        except (Refused, NotFound) as error:
            problems = getattr(error, "problems", ())
            raise AssertionError(f"seed {SEED}: {error} {[str(p) for p in problems]}") from error
        if step % 6 == 5:
            play.compare(figures)
    play.compare(figures)
    for object in ("top", "mid", "leaf"):
        with conn.transaction():
            assert find_drift(conn, play.r.call, object) == [], f"seed {SEED}"
