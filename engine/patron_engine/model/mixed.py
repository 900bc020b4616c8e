"""Mixed: amounts in several currencies that would be added up as they stand. Check stage: pure.

In: an object whose expressions are typed. Out: warnings: details with money below records with a currency each, that have none
themselves; formulas over amounts in the record's currency that are not said to be money. Neither has a value in the workspace's
currency, so reports, roll-ups elsewhere, filters and orders would take a thousand yen for a thousand euros.
"""

from __future__ import annotations

from patron_engine.expr.units import unit_of_formula
from patron_engine.fields.field import LinkSpec
from patron_engine.model.sketch import FieldSketch, ObjectSketch, Sketch
from patron_engine.phrases import Phrase
from patron_engine.problems import Problems


def check_mixed(one: ObjectSketch, made: Sketch, problems: Problems) -> None:
    """What would be added up across currencies."""
    if not one.record_currency:
        _details(one, made, problems)
        return
    amounts = {f.name: "money" for f in one.fields.values() if _is_money(f)}
    for f in one.fields.values():
        if f.type.name != "formula" or "returns" in f.definition or f.expr is None or f.expr.kind != "number":
            continue
        if unit_of_formula(str(f.definition["expression"]), amounts) == "money":
            problems.add("mixed_currencies", Phrase("{field} is worked out of amounts in the record's own currency and is a plain number: sums of it mix currencies", field=f.name),
                         hint="write `returns: money`", level="warning", **one.document.where(f.path))  # fmt: skip


def _details(one: ObjectSketch, made: Sketch, problems: Problems) -> None:
    link = one.master.spec if one.master is not None else None
    above = made.object(link.to[0]) if isinstance(link, LinkSpec) and link.to else None
    money = next((f for f in one.fields.values() if _is_money(f)), None)
    if above is None or not above.record_currency or "currency" in one.body or money is None:
        return
    problems.add("mixed_currencies", Phrase("records of {above} have a currency each, their {object} have none: sums of {field} mix currencies", above=above.name, object=one.name, field=money.name),
                 hint=Phrase("write `currency: record` in {object} as well", object=one.name), level="warning", **one.document.where(money.path))  # fmt: skip


def _is_money(field: FieldSketch) -> bool:
    return "money" in (field.type.name, field.value_type)
