"""A small shop whose definitions take four forms in turn: what a publication can do to tables, done again and again.

    form 0   the shop as it began
    form 1   a field and a stored formula more, a text that became a whole number, another article
    form 2   a field less, an object and a roll-up more, the whole number a decimal, a new unique rule
    form 3   another formula over the same fields; the fields, the object and the rule of form 2 gone

Release n has form `n % 4`, so whoever looks at a release knows what must be in it. Names that a save uses are in every form.
"""

from __future__ import annotations

from collections.abc import Mapping

from patron_engine.meta.layers import Layer
from patron_engine.meta.reader import read_documents

FORMS = 4
ARTICLES: Mapping[int, tuple[str, ...]] = {0: ("pump", "hose"), 1: ("pump", "hose", "valve")}

_COMMON = """
kind: workspace
name: workspace
zone: Asia/Shanghai
currency: CNY
---
kind: object
name: customer
label: {en: Customer}
title: name
history: true
search: [name]
fields:
  - {name: name, type: text, required: true, label: {en: Name}}
  - {name: bought, type: rollup, of: sales, function: sum, field: total, label: {en: Bought}}
  - {name: sales_count, type: rollup, of: sales, function: count, label: {en: Sales}}
  - {name: paid, type: rollup, of: sales, function: sum, field: paid, label: {en: Paid}}
@customer@
---
kind: object
name: sale
label: {en: Sale}
title: number
history: true
search: [number, name, customer.name]
fields:
  - {name: number, type: auto_number, pattern: "S-{0000}", unique: true, label: {en: Number}}
  - {name: name, type: text, label: {en: Name}}
  - {name: customer, type: lookup, to: customer, required: true, on_delete: restrict, reverse: sales, label: {en: Customer}}
  - {name: total, type: rollup, of: lines, function: sum, field: subtotal, label: {en: Total}}
  - {name: lines_count, type: rollup, of: lines, function: count, label: {en: Lines}}
  - {name: paid, type: rollup, of: payments, function: sum, field: amount, label: {en: Paid}}
  - {name: double, type: formula, stored: true, expression: "total * @factor@", label: {en: Double}}
  - {name: score, type: @score@, label: {en: Score}}
@sale@
rules:
  - {name: not_overpaid, when: "paid > total", message: {en: More paid than agreed}}
@unique@
---
kind: object
name: sale_line
label: {en: Line}
title: what
fields:
  - {name: sale, type: master, to: sale, reverse: lines, label: {en: Sale}}
  - {name: what, type: text, required: true, label: {en: What}}
  - {name: quantity, type: decimal, scale: 2, default: 1, label: {en: Quantity}}
  - {name: price, type: money, label: {en: Price}}
  - {name: subtotal, type: formula, stored: true, expression: "quantity * price", returns: money, label: {en: Subtotal}}
---
kind: object
name: payment
label: {en: Payment}
title: number
history: true
fields:
  - {name: number, type: auto_number, pattern: "P-{000}", unique: true, label: {en: Number}}
  - {name: sale, type: lookup, to: sale, required: true, on_delete: restrict, reverse: payments, label: {en: Sale}}
  - {name: amount, type: money, min: 0, required: true, label: {en: Amount}}
---
kind: object
name: article
label: {en: Article}
title: code
owner: none
search: [code]
fields:
  - {name: code, type: text, required: true, unique: true, label: {en: Code}}
  - {name: price, type: money, label: {en: Price}}
---
kind: automation
name: pays
object: sale
on: {event: created}
when: "STARTS_WITH(name, 'flow ')"
steps:
  - {name: pay, do: create, object: payment, set: {sale: "=id", amount: 7}}
  - {name: mark, do: update, set: {name: "=CONCAT(name, '+')"}}
---
kind: data
name: articles
object: article
mode: update_if_untouched
records:
@articles@
@more@
"""
_NOTE = "  - {name: note, type: text, label: {en: Note}}\n"
_WEIGHT = (
    "  - {name: weight, type: integer, default: 3, label: {en: Weight}}\n"
    '  - {name: heavy, type: formula, stored: true, expression: "COALESCE(weight, 3) * lines_count", label: {en: Heavy}}\n'
)
_VISIT = """---
kind: object
name: visit
label: {en: Visit}
title: name
fields:
  - {name: name, type: text, label: {en: Name}}
  - {name: customer, type: lookup, to: customer, on_delete: cascade, reverse: visits, label: {en: Customer}}
"""
_FORMS: tuple[Mapping[str, str], ...] = (
    {"score": "text", "factor": "2", "sale": _NOTE},
    {"score": "integer", "factor": "2", "sale": _NOTE + _WEIGHT},
    {
        "score": "decimal", "factor": "2", "sale": _WEIGHT, "more": _VISIT,
        "customer": "  - {name: biggest, type: rollup, of: sales, function: max, field: total, label: {en: Biggest}}",
        "unique": "unique: [{name: one_name, fields: [customer, name]}]",
    },
    {"score": "decimal", "factor": "3", "sale": ""},
)  # fmt: skip


def articles(form: int) -> dict[str, str]:
    """Code -> price of what the pack brings in this form."""
    return {code: str(10 + form) for code in ARTICLES[min(form, 1)]}


def text(form: int) -> str:
    """The documents of a form as YAML."""
    given = {
        "customer": "", "sale": "", "unique": "", "more": "", **_FORMS[form],
        "articles": "\n".join(
            f'  - {{external_id: {c}, code: {c}, price: "{p}"}}' for c, p in articles(form).items()
        ),
    }  # fmt: skip
    made = _COMMON
    for name, part in given.items():
        made = made.replace(f"@{name}@", part)
    return made


def layer(form: int) -> Layer:
    """The documents of a form as a pack."""
    found, problems = read_documents(text(form), f"form{form}.yaml")
    assert not problems, "\n".join(map(str, problems))
    return Layer(name="shop", version=f"1.0.{form}", documents=tuple(found))
