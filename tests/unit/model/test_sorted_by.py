"""What the lists of everybody are sorted by has an index, without anybody asking for one."""

from __future__ import annotations

from patron_engine.model.limits import VIEWS_INDEXED
from patron_engine.store.desired import desired
from patron_testing.compiled import compiled

DEAL = """
kind: object
name: deal
currency: record
fields:
  - {name: name, type: text, required: true}
  - {name: kind, type: select, options: [a, b]}
  - {name: amount, type: money, was: worth}
  - {name: day, type: date}
  - {name: other, type: date}
  - {name: grouped, type: integer}
  - {name: boarded, type: integer}
  - {name: twice, type: formula, expression: amount * 2, returns: money}
  - {name: twice_named, type: formula, expression: "name + name"}
  - {name: left, type: formula, expression: "DAYS(TODAY(), day)", returns: integer}
"""
VIEWS = """
---
{kind: view, name: dearest, object: deal, sort: [-worth, other]}
---
{kind: view, name: earliest, object: deal, type: list, sort: [day]}
---
{kind: view, name: by_group, object: deal, sort: [grouped], group_by: kind}
---
{kind: view, name: board, object: deal, type: kanban, group_by: kind, sort: [boarded]}
---
{kind: view, name: worked_out, object: deal, sort: [-twice]}
---
{kind: view, name: worked_out_text, object: deal, sort: [twice_named]}
---
{kind: view, name: worked_out_by_the_query, object: deal, sort: [left]}
---
{kind: view, name: newest, object: deal, sort: [-created_at]}
---
{kind: view, name: changed, object: deal, columns: [name, updated_at]}
"""


def test_numbers_and_days_that_lists_are_sorted_by_are_indexed_and_nothing_else() -> None:
    without, with_views = compiled(DEAL), compiled(DEAL + VIEWS)
    fields = with_views.objects["deal"].fields.values()
    assert {f.name for f in fields if f.indexed} == {"amount", "day", "twice", "updated_at"}
    before, after = (desired(m, "w_a").tables["deal"].indexes for m in (without, with_views))
    made = {after[name].keys[0].column: after[name].method for name in after.keys() - before}
    assert made == {"amount__base": "btree", "day": "btree", "twice__base": "btree", "updated_at": "brin"}


def test_an_object_gets_so_many_of_them() -> None:
    names = [f"n{n}" for n in range(VIEWS_INDEXED + 1)]
    fields = "\n".join(f"  - {{name: {n}, type: integer}}" for n in names)
    fields += "\n  - {name: worked, type: formula, expression: n0 + 1}"
    views = "".join(
        f"\n---\n{{kind: view, name: v_{n}, object: thing, sort: [{n}]}}" for n in (*names, "worked")
    )
    views = views.replace("v_worked", "a_first_by_name")
    model = compiled(f"kind: object\nname: thing\nfields:\n{fields}{views}")
    assert [n for n in (*names, "worked") if model.objects["thing"].fields[n].indexed] == names[:-1]
