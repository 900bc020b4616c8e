"""Checking in at a customer's: the device tells where one is, how far that is from the target, and takes the picture on the spot."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from patron_engine.actor import SYSTEM
from patron_engine.record.change import Change
from patron_testing.browser import Site, chromium
from patron_testing.web import WORKSPACE

PIER = {"latitude": 30.2741, "longitude": 120.1551, "accuracy": 12}
SHANGHAI = {"latitude": 31.2304, "longitude": 121.4737, "accuracy": 30}
PHONE: dict[str, Any] = {"width": 360, "height": 740, "has_touch": True, "is_mobile": True}
DEVICES = ("--no-sandbox", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")


def make(site: Site, object: str, **values: Any) -> str:
    change = Change(action="create", object=object, set=values)
    return str(site.service.runtime.workspace(WORKSPACE).save(SYSTEM, [change])[0].id)


def rows(site: Site, sql: str) -> list[tuple[Any, ...]]:
    with site.service.runtime.workspace(WORKSPACE).connection("read") as conn:
        return conn.execute(sql).fetchall()


@pytest.fixture(scope="module")
def pier(site: Site) -> str:
    return make(site, "rd_site", name="Pier 1", spot={"lat": "30.2741", "lng": "120.1551"})


@pytest.fixture(scope="module")
def account(site: Site) -> str:
    return make(site, "account", name="Harbour office", location={"lat": "30.2741", "lng": "120.1551"})


@pytest.fixture(scope="module")
def devices(site: Site, browser: Browser) -> Iterator[Site]:
    """The same site with a browser that has a camera."""
    running = browser.browser_type.launch(executable_path=chromium(), args=list(DEVICES))
    yield Site(site.base, running, site.service)
    running.close()


def test_on_the_spot_one_checks_in(site: Site, pier: str) -> None:
    with site.visit(**PHONE, geolocation=PIER, permissions=["geolocation"]) as visit:
        visit.open(f"/o/rd_round/new?fill.site={pier}")
        page, box = visit.page, visit.page.locator("[data-field=here] .location")
        expect(box.locator("input:not([type=hidden])").first).to_have_js_property("readOnly", True)
        page.fill("[name=name]", "Evening round")
        box.get_by_role("button", name="Use my location").click()
        expect(box).to_contain_text("accurate to 12 m · 0 m from Pier 1")
        visit.accessible()
        visit.picture("check-in-en-360")
        page.click("[name=_save]")
        page.wait_for_url(lambda url: "/new" not in url)
        assert rows(site, "SELECT here__lat::text FROM w_acme.rd_round WHERE name = 'Evening round'") == [
            ("30.2741",)
        ]
        visit.calm()


def test_elsewhere_it_is_marked_and_refused_by_the_server(site: Site, pier: str) -> None:
    with site.visit(
        **PHONE, language="zh-CN", scheme="dark", geolocation=SHANGHAI, permissions=["geolocation"]
    ) as visit:
        visit.open(f"/o/rd_round/new?fill.site={pier}")
        page, box = visit.page, visit.page.locator("[data-field=here] .location")
        page.fill("[name=name]", "Far round")
        box.get_by_role("button", name="获取当前位置").click()
        expect(box).to_contain_text("距Pier 1")
        expect(box).to_contain_text("超出允许的")
        expect(box).to_have_attribute("data-far", "")
        visit.picture("check-in-far-zh-dark-360")
        page.click("[name=_save]")
        expect(page.locator("[data-field=here] .field-error")).to_contain_text("您不在现场")
        expect(page.locator("[data-field=here] input").first).to_have_value("31.2304")
        assert rows(site, "SELECT 1 FROM w_acme.rd_round WHERE name = 'Far round'") == []
        # on the way back it is taken again, and goes through
        page.context.set_geolocation(PIER)
        box = page.locator("[data-field=here] .location")
        box.get_by_role("button", name="获取当前位置").click()
        expect(box).not_to_have_attribute("data-far", "")
        page.click("[name=_save]")
        page.wait_for_url(lambda url: "/new" not in url)
        assert len(rows(site, "SELECT 1 FROM w_acme.rd_round WHERE name = 'Far round'")) == 1


def test_a_denied_place_says_what_to_do(site: Site, pier: str) -> None:
    with site.visit(**PHONE) as visit:  # nobody may know where this one is
        visit.open(f"/o/rd_round/new?fill.site={pier}")
        here, away = (visit.page.locator(f"[data-field={n}] .location") for n in ("here", "away"))
        here.get_by_role("button").click()
        expect(here).to_contain_text("Allow it in the settings of the site")
        expect(here).not_to_contain_text("Or write the position")
        away.get_by_role("button").click()
        expect(away).to_contain_text("Or write the position.")
        away.locator("input").first.fill("30.2")
        expect(visit.page.locator("input[type=checkbox][name=by_hand]")).to_be_checked()


def test_a_vague_place_is_called_so(site: Site, pier: str) -> None:
    with site.visit(geolocation={**PIER, "accuracy": 2_000}, permissions=["geolocation"]) as visit:
        visit.open(f"/o/rd_round/new?fill.site={pier}")
        box = visit.page.locator("[data-field=here] .location")
        box.get_by_role("button").click()
        expect(box).to_contain_text("not exact: try again at a window or outside")


def test_a_customer_that_is_chosen_later_is_what_one_is_near_to(site: Site, account: str) -> None:
    with site.visit(geolocation=SHANGHAI, permissions=["geolocation"]) as visit:
        visit.open(f"/o/visit/new?fill.account={account}")
        box = visit.page.locator("[data-field=check_in_location] .location")
        expect(box).to_have_attribute("data-radius", "500")
        box.get_by_role("button").click()
        expect(box).to_contain_text("from Harbour office")
        expect(box).to_contain_text("outside the allowed 500 m")


def test_a_picture_is_taken_on_the_spot_and_not_chosen(devices: Site) -> None:
    with devices.visit(permissions=["camera"]) as visit:
        visit.open("/o/rd_round/new")
        page, box = visit.page, visit.page.locator("[data-field=photos] .files")
        page.evaluate(
            """() => { const data = new DataTransfer(); data.items.add(new File(['x'], 'old.png', {type: 'image/png'}));
               document.querySelector('[data-field=photos] .files')
                 .dispatchEvent(new DragEvent('drop', {dataTransfer: data, bubbles: true, cancelable: true})); }"""
        )
        box.locator(".file-drop").click()
        expect(box.locator("dialog video")).to_be_visible()
        page.wait_for_function("document.querySelector('[data-field=photos] video').videoWidth > 0")
        visit.accessible()
        box.get_by_role("button", name="Take the picture").click()
        expect(box.locator("li")).to_have_count(1)
        expect(box.locator("li input[type=hidden]")).to_have_count(1)
        expect(box.locator(".file-name")).to_contain_text("Photo-")
        assert page.evaluate("document.querySelector('[data-field=photos] video').srcObject === null")
        page.fill("[name=name]", "With a picture")
        page.click("[name=_save]")
        page.wait_for_url(lambda url: "/new" not in url)
        visit.calm()


def test_where_there_is_no_camera_it_says_so(site: Site) -> None:
    with site.visit() as visit:
        visit.open("/o/rd_round/new")
        box = visit.page.locator("[data-field=photos] .files")
        box.locator(".file-drop").click()
        expect(box.locator(".file-said")).to_contain_text("take the picture with a phone")


def test_a_phone_opens_its_own_camera(site: Site) -> None:
    with site.visit(**PHONE) as visit:
        visit.open("/o/rd_round/new")
        with visit.page.expect_file_chooser() as asked:
            visit.page.locator("[data-field=photos] .file-drop").click()
        assert asked.value.element.get_attribute("capture") == "environment"
        assert not asked.value.is_multiple()
