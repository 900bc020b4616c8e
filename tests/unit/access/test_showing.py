"""Whether definitions show their author, or everybody, what he may not read himself."""

from __future__ import annotations

import pytest

from patron_engine.access.showing import shows_more
from patron_engine.actor import SYSTEM, Actor
from patron_testing.build import ADMIN, model_of

DOCUMENTS = """
kind: workspace
name: workspace
zone: Asia/Shanghai
currency: CNY
---
kind: role
name: designer
label: Designer
objects:
  user: {{read: all}}
  account: {{read: own, update: own}}
  deal: {{read: own}}
  product: {{read: all}}
fields:
  product: {{cost: none}}
actions: [{{design: [account]}}]
---
kind: object
name: user
label: User
title: name
owner: none
fields:
  - {{name: name, type: text, label: Name, required: true}}
  - {{name: roles, type: tags, label: Roles}}
---
kind: object
name: product
label: Product
title: name
owner: none
fields:
  - {{name: name, type: text, label: Name}}
  - {{name: price, type: decimal, label: Price}}
  - {{name: cost, type: decimal, label: Cost}}
---
kind: object
name: deal
label: Deal
title: name
fields:
  - {{name: name, type: text, label: Name}}
  - {{name: amount, type: decimal, label: Amount}}
  - {{name: account, type: lookup, to: account, label: Account, reverse: deals}}
---
kind: object
name: account
label: Account
title: name
fields:
  - {{name: name, type: text, label: Name}}
  - {{name: size, type: decimal, label: Size}}
  - {{name: favourite, type: lookup, to: product, label: Favourite}}
{fields}
"""
DESIGNER = Actor(user="00000000-0000-7000-8000-000000000001", roles=frozenset({"designer"}))


def shown(fields: str, before: str = "", actor: Actor = DESIGNER) -> list[str]:
    """The fields that would show too much. Each line is a field of the account."""

    def made(lines: str) -> str:
        return DOCUMENTS.format(fields="\n".join(f"  - {{{x.strip()}}}" for x in lines.strip().splitlines()))

    return [f.name for f in shows_more(model_of(made(before)), model_of(made(fields)), actor)]


TOTAL = "name: total, label: T, type: rollup, of: deals, function: sum, field: amount"


@pytest.mark.parametrize(
    "field",
    [
        f"{TOTAL}, public: true",
        "name: x, label: X, type: formula, expression: size * 2, returns: decimal, public: true",
        "name: x, label: X, type: formula, expression: favourite.cost, returns: decimal, public: true",
        "name: x, label: X, type: integer, default: '=COUNT(deals)'",
        "name: x, label: X, type: lookup, to: product, fill: {size: cost}",
    ],
)
def test_what_he_may_not_read_everywhere_is_not_his_to_open(field: str) -> None:
    assert len(shown(field)) == 1
    assert shown(field, actor=ADMIN) == shown(field, actor=SYSTEM) == []
    assert shown(field, before=field) == [], "it was there before"


@pytest.mark.parametrize(
    "field",
    [
        TOTAL,
        "name: x, label: X, type: formula, expression: favourite.cost, returns: decimal",
        "name: x, label: X, type: lookup, to: product, fill: {size: price}",
        "name: x, label: X, type: decimal, default: '=size + 1'",
        "name: x, label: X, type: decimal, default: 3",
    ],
)
def test_what_shows_nobody_more_is_his_to_make(field: str) -> None:
    assert shown(field) == []


def test_what_an_administrator_opened_stays_as_he_made_it() -> None:
    inner = "name: n, label: N, type: rollup, of: deals, function: count"
    outer = "name: some, label: Some, type: formula, expression: n > 0, returns: boolean, public: true"
    before = f"{inner}\n{outer}"
    assert shown(f"{inner}\n{outer.replace('label: Some', 'label: Others')}", before) == []
    assert shown(f"{inner}\n{outer.replace('n > 0', 'n > 5')}", before) == ["some"]
    assert shown(f"{TOTAL.replace('total', 'n')}\n{outer}", before) == ["some"], "closed itself, but shown"
    assert shown(inner, before) == [], "taken away"


def test_a_field_that_is_opened_is_asked_for() -> None:
    assert shown(f"{TOTAL}, public: true", TOTAL) == ["total"]
