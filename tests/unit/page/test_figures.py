"""An answer as a table: headings over headings, subtotals where they belong, figures as a reader writes them."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from patron_engine.page.figure_text import Words, alone, bucket_text, form_of, period_text, text_of
from patron_engine.page.figures import Table, key_of, spot_text, table_of
from patron_engine.page.reader import Reader
from patron_engine.report.answer import REST, Answer, Axis, Figure

WORDS = Words(
    none="(none)",
    rest="Other",
    total="Total",
    yes="Yes",
    no="No",
    week="{first} – {last}",
    year="FY {year}",
    names={},
)
D = Decimal


def reader(language: str = "en") -> Reader:
    return Reader(
        languages=(language,),
        zone=ZoneInfo("Asia/Shanghai"),
        currency="CNY",
        now=datetime(2026, 11, 27, tzinfo=UTC),
    )


def summary(**more: Any) -> Answer:
    """Two groups of rows, two figures, subtotals over the first group."""
    rows = (Axis(name="team", label={"en": "Team"}), Axis(name="owner", label={"en": "Owner"}))
    keys = (("east", "a"), ("east", "b"), ("west", None))
    cells = {
        (("east", "a"), ()): (D(10), D("0.5")), (("east", "b"), ()): (D(20), None), (("west", None), ()): (D(-5), D("0.1")),
        (("east",), ()): (D(30), D("0.4")), (("west",), ()): (D(-5), D("0.1")), ((), ()): (D(25), D("0.35")),
    }  # fmt: skip
    figures = (
        Figure(name="won", label={"en": "Won"}, unit="money"),
        Figure(name="rate", label={"en": "Rate"}, unit="ratio"),
    )
    return Answer(report="r", type="summary", object="opportunity", rows=rows, figures=figures, row_keys=keys, cells=cells,
                  titles={("owner", "a"): "Ann", ("owner", "b"): "Ben"}, base="CNY", **more)  # fmt: skip


def matrix() -> Answer:
    columns = (Axis(name="year", kind="period", by="year"), Axis(name="month", kind="period", by="month"))
    cells: dict[Any, Any] = {
        (("web",), ("2025-01-01", "2025-12-01")): (D(1),), (("web",), ("2026-01-01", "2026-01-01")): (D(2),),
        (("web",), ("2026-01-01", "2026-02-01")): (D(3),), (("web",), ("2025-01-01",)): (D(1),),
        (("web",), ("2026-01-01",)): (D(5),), (("web",), ()): (D(6),), ((), ()): (D(6),), ((), ("2026-01-01",)): (D(5),),
    }  # fmt: skip
    keys = (("2025-01-01", "2025-12-01"), ("2026-01-01", "2026-01-01"), ("2026-01-01", "2026-02-01"))
    return Answer(report="r", type="matrix", object="lead", rows=(Axis(name="source"),), columns=columns,
                  figures=(Figure(name="leads"),), row_keys=(("web",),), column_keys=keys, cells=cells)  # fmt: skip


def texts(table: Table) -> list[list[str]]:
    return [[h.text for h in line.heads] + [c.text for c in line.cells] for line in table.lines]


def test_subtotals_stand_after_their_group_and_the_total_last() -> None:
    table = table_of(summary(), ["rows", "grand"], reader(), WORDS)
    assert texts(table) == [
        ["east", "Ann", "10", "50.0%"], ["Ben", "20", "–"], ["Total", "30", "40.0%"],
        ["west", "(none)", "−5", "10.0%"], ["Total", "−5", "10.0%"], ["Total", "25", "35.0%"],
    ]  # fmt: skip
    assert table.lines[0].heads[0].down == 3  # the group spans its lines and its subtotal
    assert [h.text for h in table.tops[0]] == ["Won", "Rate"]
    assert table.tops[0][0].unit == "CN¥"


def test_without_totals_asked_for_none_is_shown() -> None:
    assert [line.kind for line in table_of(summary(), [], reader(), WORDS).lines] == ["line"] * 3


def test_headings_of_a_matrix_span_what_stands_below_them() -> None:
    table = table_of(matrix(), ["rows", "columns", "grand"], reader(), WORDS)
    assert [(h.text, h.spans, h.down) for h in table.tops[0]] == [
        ("2025", 2, 1),
        ("2026", 3, 1),
        ("Total", 1, 2),
    ]
    assert [h.text for h in table.tops[1]] == ["Dec 2025", "Total", "Jan 2026", "Feb 2026", "Total"]
    assert texts(table) == [
        ["web", "1", "1", "2", "3", "5", "6"],
        ["Total", "–", "–", "–", "–", "5", "6"],
    ]
    assert all(len(line.cells) == 6 for line in table.lines)


def test_a_part_of_an_address_is_a_heading_as_it_is_written() -> None:
    from patron_engine.fields.base import Around
    from patron_engine.fields.field import Field
    from patron_engine.fields.registry import TYPES
    from patron_engine.page.figure_text import member_text

    kind = TYPES["address"]
    spec = kind.spec({}, Around())
    field = Field(object="o", name="address", type="address", expr=kind.expr_type(spec), spec=spec)
    axis = Axis(name="address.country", field=field)
    assert member_text(axis, "Kenya", summary(), reader(), WORDS) == "Kenya"


def test_a_table_of_too_many_lines_says_how_many_it_left_out() -> None:
    table = table_of(summary(), [], reader(), WORDS, most=(2, 10))
    assert (len(table.lines), table.cut_lines) == (2, 1)


def test_the_spot_of_a_figure_survives_its_address() -> None:
    import json

    rows, columns, figure = json.loads(spot_text((REST, None, "a"), ("2026-01-01",), "won"))
    assert (key_of(rows), key_of(columns), figure) == ((REST, None, "a"), ("2026-01-01",), "won")


@pytest.mark.parametrize(
    ("language", "by", "member", "said"),
    [
        ("en", "month", "2026-03-01", "Mar 2026"), ("zh-CN", "month", "2026-03-01", "2026年3月"), ("zh-CN", "quarter", "2026-04-01", "2026年Q2"),
        ("en", "quarter", "2026-04-01", "Q2 2026"), ("en", "year", "2026-01-01", "2026"), ("en", "week", "2026-11-23", "Nov 23 – Nov 29, 2026"),
        ("zh-CN", "week", "2026-11-23", "2026/11/23 – 11/29"), ("en", "weekday", 1, "Mon"), ("zh-CN", "weekday", 7, "星期日"), ("en", "hour", 9, "9:00"),
        ("zh-CN", "day", "2026-11-27", "2026-11-27"), ("en", "fiscal_year", "2026-04-01", "FY 2026"),
    ],
)  # fmt: skip
def test_a_period_is_called_as_its_reader_calls_it(language: str, by: str, member: Any, said: str) -> None:
    assert period_text(by, member, reader(language), WORDS) == said


def test_buckets_say_their_borders() -> None:
    axis = Axis(name="amount", kind="bucket", buckets=(D(1000), D(10000)))
    assert [bucket_text(axis, n, reader()) for n in range(3)] == ["< 1,000", "1,000 – 10,000", "≥ 10,000"]


@pytest.mark.parametrize(
    ("language", "format", "unit", "value", "said"),
    [
        ("zh-CN", {"unit": "万"}, "money", "10005534", "¥1,000.55万"), ("en", {"unit": "万"}, "money", "10005534", "CN¥10M"),
        ("en", {"as": "compact"}, "number", "12345", "12.3K"), ("zh-CN", {"as": "compact"}, "number", "123456789", "1.2亿"),
        ("zh-TW", {"as": "compact"}, "number", "120000", "12萬"), ("en", {"as": "percent"}, "ratio", "0.631", "63.1%"),
        ("en", {}, "percent", "12.5", "12.5%"), ("en", {"as": "percent", "scale": 0}, "number", "0.5", "50%"),
        ("en", {"negative": "brackets"}, "number", "-3", "(3)"), ("en", {"prefix": "~"}, "number", "3", "~3"),
        ("en", {"unit": "pcs"}, "number", "1200", "1,200 pcs"), ("zh-CN", {}, "duration", "90000", "1 天 1 小时"),
        ("en", {}, "money", "-12.5", "−CN¥12.50"), ("en", {"scale": 1}, "number", "2.25", "2.3"),
    ],
)  # fmt: skip
def test_a_figure_alone_is_written_as_its_format_says(
    language: str, format: dict[str, Any], unit: Any, value: str, said: str
) -> None:
    form = form_of(Figure(name="f", format=format, unit=unit), [D(value)], reader(language))
    assert alone(form, D(value), reader(language), "CNY") == said


def test_half_a_cent_is_written_as_a_spreadsheet_writes_it() -> None:
    """Up: to the even cent, the page and the file of one report differed by one."""
    said = [reader().money("1814.085"), reader().number("-2.345", 2), reader().number("0.5", 0), reader().money("2.5", "JPY")]  # fmt: skip
    assert said == ["CN¥1,814.09", "-2.35", "1", "¥3"]


def test_decimals_stand_for_a_whole_column_or_for_none() -> None:
    form = form_of(Figure(name="f"), [D(1), D("2.5"), None], reader())
    assert [text_of(form, D(1), reader()), text_of(form, None, reader())] == ["1.00", "–"]


def test_a_record_he_may_not_read_has_no_name_and_an_option_has_its_label() -> None:
    from patron_engine.fields.base import Around
    from patron_engine.fields.field import Field, LinkSpec
    from patron_engine.fields.registry import TYPES
    from patron_engine.page.figure_text import member_text

    kind = TYPES["lookup"]
    spec = LinkSpec(to=("account",))
    link = Axis(
        name="account",
        field=Field(object="o", name="account", type="lookup", expr=kind.expr_type(spec), spec=spec),
    )
    select = TYPES["select"]
    choice = select.spec({"options": [{"name": "one", "label": {"en": "First"}}]}, Around())
    stage = Axis(
        name="stage",
        field=Field(object="o", name="stage", type="select", expr=select.expr_type(choice), spec=choice),
    )
    answer = summary()
    assert member_text(link, "0190a0b0-0000-7000-8000-000000000001", answer, reader(), WORDS) == "…"
    assert member_text(stage, "one", answer, reader(), WORDS) == "First"
    assert member_text(stage, REST, answer, reader(), WORDS) == "Other"


def test_a_cohort_is_shaded_from_its_least_to_its_most() -> None:
    cells = {
        (("2026-01-01",), (0,)): (D(10),),
        (("2026-01-01",), (1,)): (D(5),),
        (("2026-02-01",), (0,)): (D(0),),
    }
    answer = Answer(report="r", type="cohort", object="account", rows=(Axis(name="cohort", kind="period", by="month"),),
                    columns=(Axis(name="offset", kind="offset"),), figures=(Figure(name="n"),),
                    row_keys=(("2026-01-01",), ("2026-02-01",)), column_keys=((0,), (1,)), cells=cells)  # fmt: skip
    table = table_of(answer, [], reader(), WORDS)
    assert [[c.heat for c in line.cells] for line in table.lines] == [[6, 3], [0, None]]
