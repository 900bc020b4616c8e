"""Functions of report measures. Their values are computed with the report and stand among its values by their text."""

from __future__ import annotations

from typing import Final

from patron_engine.expr.operation import Function

FUNCTIONS: Final = (
    Function(name="GOAL", group="reports", form="GOAL('name')", special="goal",
             help="The goal of the report's period and group.", example=("GOAL('won_amount')", "500")),
    Function(name="TOTAL", group="reports", form="TOTAL(measure)", special="total",
             help="A measure over all groups of the report.", example=("TOTAL(won)", "200")),
    Function(name="RUNNING", group="reports", form="RUNNING(measure)", special="total",
             help="A measure added up from the report's first group to this one.", example=("RUNNING(won)", "150")),
    Function(name="PREVIOUS", group="reports", form="PREVIOUS(measure, 'unit')", special="previous",
             help="A measure of the same group one month, quarter or year before.",
             example=("PREVIOUS(won, 'year')", "80")),
)  # fmt: skip
