"""What expressions need, and what changes touch: pure parts of the way save."""

from __future__ import annotations

from decimal import Decimal

import pytest

from patron_engine.record.check import conditions
from patron_engine.record.derive import fitted
from patron_engine.record.feeds import feeds_of
from patron_engine.record.ids import record_id
from patron_engine.record.program import Programs
from patron_engine.record.row import Row
from patron_engine.store.tables import Tables
from patron_testing.build import model_of
from patron_testing.sales import DOCUMENTS


@pytest.fixture(scope="module")
def programs() -> Programs:
    return Programs.of(Tables(model_of(DOCUMENTS), "w_test"))


def test_a_rule_over_a_roll_up_waits_for_the_figures(programs: Programs) -> None:
    found = {c.rule.name: c for c in conditions(programs["opportunity"]) if c.rule is not None}
    assert found["big"].needs.figures is False and found["big"].watches == {"amount"}
    assert found["no_cheap"].needs.figures is True
    assert found["no_cheap"].watches == {"stage", "lines_count", "lines_sum"}


def test_a_lookup_condition_reads_both_records(programs: Programs) -> None:
    from patron_engine.record.needs import candidate_paths, this_needs

    opportunity = programs["opportunity"]
    where = opportunity.fields["contact"].link.where
    assert where is not None
    needs = this_needs(opportunity.model, opportunity.object, where)
    assert needs.reads == {"account"}
    assert candidate_paths(where) == ("account",)


def test_sums_and_counts_go_by_delta_and_the_rest_is_asked_again(programs: Programs) -> None:
    how = {f.name: f.how for f in feeds_of(programs).figures["opportunity"] if f.parent == "account"}
    assert how["deals_count"] == how["won_total"] == "delta"
    assert how["biggest"] == how["smallest"] == "compare"
    assert how["average"] == how["stages"] == how["latest"] == "again"


def test_objects_nobody_counts_touch_nothing(programs: Programs) -> None:
    feeds = feeds_of(programs)
    assert feeds.touches("opportunity") and not feeds.touches("tier")


def test_a_row_knows_what_changed(programs: Programs) -> None:
    row = Row(programs["account"], None, id="x", fresh=False)
    row.old = {"name": "Acme", "city": None}
    row.values = dict(row.old)
    row.put("city", "Ningbo")
    row.put("name", "Other")
    row.put("name", "Acme")
    assert row.changed == {"city"}
    row.path = "lines[0]."
    row.wrong("required", "City is required", "city")
    assert (row.problems[0].path, row.rejected) == ("lines[0].city", True)


def test_computed_values_are_rounded_half_up_to_their_field(programs: Programs) -> None:
    quantity = programs["line"].fields["quantity"]
    assert fitted(quantity, Decimal("2.345")) == Decimal("2.35")
    assert fitted(quantity, Decimal(2)) == Decimal(2)


def test_ids_are_uuids_in_one_form() -> None:
    upper = "018F0000-0000-7000-8000-00000000000A"
    assert record_id(upper) == upper.lower()
    for wrong in (None, 1, "x", upper + " ", upper.replace("-", ""), "018g0000-0000-7000-8000-00000000000a"):
        assert record_id(wrong) is None


def test_statements_are_made_once(programs: Programs) -> None:
    account = programs["account"]
    assert account.insert is account.insert
    assert account.update(["name", "version"]) is account.update(["name", "version"])
    assert "w_test.account" in account.insert.text
