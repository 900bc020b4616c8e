"""Reports as people use them: built by dragging and by keys, drawn as charts, followed to their records; both schemes, a telephone."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from patron_engine.actor import SYSTEM
from patron_engine.record.change import Change
from patron_testing.browser import LOOKS, Site, Visit
from patron_testing.web import WORKSPACE

CAMPAIGN = "Reports in a browser"
LOST = "Lost in a browser"
GROUPED = '{"field":"close_date","by":"quarter"}'
BODY = (
    '{"object":"opportunity","type":"matrix","rows":["stage"],"columns":['
    + GROUPED
    + '],"totals":["rows","columns","grand"],'
    '"measures":[{"name":"deals","label":"Deals","function":"count"},{"name":"worth","label":"Worth","function":"sum","field":"amount"}],'
    f'"where":"campaign == \'{CAMPAIGN}\'"' + "}"
)


@pytest.fixture(scope="module", autouse=True)
def deals(site: Site) -> None:
    def one(n: int, **values: Any) -> Change:
        return Change(action="create", object="opportunity", set={
            "name": f"{CAMPAIGN} {n}", "campaign": CAMPAIGN, "amount": str(1000 * n), "stage": "prospecting",
            "close_date": f"2026-{3 * n:02}-05", **values,
        })  # fmt: skip

    lost = [
        one(n, campaign=LOST, stage="lost", lost_reason=why, amount=amount, close_date=f"2026-{month}-05")
        for n, why, amount, month in (
            (4, "price", "2500", "02"),
            (5, "price", "900", "02"),
            (6, "no_budget", "4000", "05"),
        )
    ]
    site.service.runtime.workspace(WORKSPACE).save(SYSTEM, [one(n) for n in (1, 2, 3)])
    site.service.runtime.workspace(WORKSPACE).save(SYSTEM, lost)


def figures(visit: Visit) -> Any:
    return visit.page.locator("table.figures tbody tr").last.locator("td")


def test_a_report_is_built_by_hand_and_leads_to_its_records(site: Site) -> None:
    with site.visit() as visit:
        page = visit.page
        visit.open(
            f"/reports/build?object=opportunity&where=campaign%20%3D%3D%20%27{CAMPAIGN.replace(' ', '%20')}%27"
        )
        field = page.locator('.build-field[data-path="stage"]')
        field.hover()
        visit.settle()
        field.drag_to(page.locator('[data-place="rows"]'))
        expect(page.locator('[data-place="rows"] .build-name')).to_have_text(["Stage"])
        add = page.locator('.build-field[data-path="close_date"] button').nth(1)
        add.focus()
        page.keyboard.press("Enter")
        expect(page.locator('[data-place="columns"] .build-name')).to_have_text(["Close date"])
        page.locator('[data-place="columns"] [name=by]').select_option("quarter")
        expect(page.locator("table.figures thead")).to_contain_text("Q1 2026")
        page.locator(".build-look", has=page.locator("input[value=stacked]")).click()
        expect(page.locator("figure.chart-stacked[data-drawn]")).to_be_visible()
        expect(page.locator("figure.chart canvas")).to_be_visible()
        page.locator("details[data-set] summary", has_text="Products").press("Enter")
        page.locator('.build-field[data-path="lines.id"]').click()
        values = page.locator('[data-place="values"] .build-name')
        expect(values).to_have_text(["Records", "Number of Products"])
        page.locator("select[name=draw]").nth(0).select_option(":records")
        expect(page.locator("select[name=draw]").nth(0)).to_have_value(":records")
        page.locator('button[value="drop:values:1"]').click()
        expect(values).to_have_text(["Records"])
        page.get_by_label("Name of the report").fill("Built by hand")
        page.get_by_role("button", name="Save", exact=True).click()
        expect(page.get_by_role("heading", name="Built by hand")).to_be_visible()
        expect(figures(visit)).to_have_text(["1", "1", "1", "3"])
        visit.calm()
        figures(visit).last.get_by_role("link").click()
        expect(page.locator("#list-count")).to_have_text("3")
        visit.calm()


def test_a_newcomer_builds_lost_deals_by_reason_and_quarter_for_his_home_page(site: Site) -> None:
    """By what is to be read on the pages alone, from the menu to the home page."""
    with site.visit() as visit:
        page = visit.page
        visit.open("/")
        page.get_by_role("navigation").get_by_role("link", name="Reports", exact=True).click()
        page.get_by_role("link", name="New report").click()
        page.get_by_role("main").get_by_role("link", name="Opportunities", exact=True).click()
        page.get_by_role("link", name="Filter").click()
        page.get_by_role("combobox", name="Field").fill(
            "Sta"
        )  # the list of fields is one that can be searched
        page.get_by_role("option", name="Stage", exact=True).click()
        visit.settle()
        page.get_by_label("Operator", exact=True).select_option(label="is")
        visit.settle()
        page.get_by_role("combobox", name="Value").click()
        page.get_by_role("option", name="Lost", exact=True).click()
        for n, (field, operator, value) in enumerate(
            (("Amount", "is greater than", "1,000"), ("Campaign", "is", LOST)), 1
        ):
            page.get_by_role("button", name="Add condition").click()
            visit.settle()
            page.get_by_role("combobox", name="Field").last.fill(field)
            page.get_by_role("option", name=field, exact=True).click()
            visit.settle()
            page.get_by_label("Operator", exact=True).nth(n).select_option(label=operator)
            visit.settle()
            page.get_by_role("textbox", name="Value").last.fill(value)
        page.get_by_role("button", name="Apply").last.click()
        expect(page.locator(".build-condition")).to_have_count(3)
        fields = page.get_by_label("Fields")
        fields.get_by_text("Why lost", exact=True).click()
        expect(page.locator('[data-place="rows"] .build-name')).to_have_text(["Why lost"])
        fields.get_by_text("Close date", exact=True).click()
        page.get_by_label("Close date by").select_option(label="by quarter")
        expect(page.locator("table.figures thead")).to_contain_text("Q2 2026")
        visit.settle()
        page.get_by_text("Stacked bars", exact=True).click()
        expect(page.locator("figure.chart-stacked[data-drawn]")).to_be_visible()
        expect(page.locator("table.figures thead")).to_contain_text("Q2 2026")
        page.get_by_label("Name of the report").fill("Why we lost")
        page.get_by_role("button", name="Save", exact=True).click()
        expect(figures(visit)).to_have_text(["1", "1", "2"])
        page.get_by_role("button", name="Put on my home page").click()
        expect(page.get_by_role("heading", name="Why we lost")).to_be_visible()
        visit.open("/")
        tile = page.locator("section", has=page.get_by_role("heading", name="Why we lost"))
        expect(tile.locator("figure.chart-stacked[data-drawn]")).to_be_visible()
        visit.calm()


def test_a_click_on_a_bar_leads_to_its_records(site: Site) -> None:
    with site.visit() as visit:
        page = visit.page
        visit.open(f"/reports/build?body={BODY}&chart=bar")
        page.get_by_label("Name of the report").fill("Bars to click")
        page.get_by_role("button", name="Save", exact=True).click()
        expect(page.locator("figure.chart[data-drawn] canvas")).to_be_visible()
        visit.settle()
        box = page.locator("figure.chart canvas").bounding_box()
        assert box is not None
        page.wait_for_timeout(500)  # the bars have grown
        page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] * 0.8)
        expect(page.locator("#list-count")).to_have_text("1")


@pytest.mark.parametrize(("language", "width", "scheme"), LOOKS)
def test_charts_are_calm_and_accessible(site: Site, language: str, width: int, scheme: Any) -> None:
    with site.visit(language=language, width=width, scheme=scheme) as visit:
        for form in ("stacked", "heat_map"):
            visit.open(f"/reports/build?body={BODY}&chart={form}")
            expect(visit.page.locator(f"figure.chart-{form}[data-drawn] canvas").first).to_be_visible()
            visit.calm()
            visit.accessible()
            visit.picture(f"report-{form}-{language}-{width}-{scheme}")


def test_without_scripts_the_table_is_the_report(site: Site) -> None:
    with site.visit(scripts=False) as visit:
        visit.open(f"/reports/build?body={BODY}&act=add:values:amount")
        expect(visit.page.locator('[data-place="values"] .build-name')).to_have_text(
            ["Deals", "Worth", "Amount"]
        )
        expect(figures(visit).last).to_have_text("6,000")
