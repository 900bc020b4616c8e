"""Special widgets as a person uses them: written, chosen, drawn, spoken; what the form sends then."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from patron_testing.browser import LOOKS, Site, Visit, chromium
from patron_testing.sent_files import png

WIDGETS = "/design/widgets"
DEVICES = ("--no-sandbox", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")


def sent(visit: Visit) -> list[tuple[str, str]]:
    """Saves the form; the pairs that arrived, without those that are empty."""
    visit.page.click(".form-actions button")
    rows = visit.page.locator(".specimens-arrived dl > div")
    rows.first.wait_for()
    pairs = [(str(r.locator("dt").text_content()), str(r.locator("dd").text_content())) for r in rows.all()]
    return [(name, value) for name, value in pairs if value != "–"]


@pytest.fixture(scope="module")
def devices(site: Site, browser: Browser) -> Iterator[Site]:
    """The same site with a browser that has a camera and a microphone."""
    running = browser.browser_type.launch(executable_path=chromium(), args=list(DEVICES))
    yield Site(site.base, running, site.service)
    running.close()


@pytest.mark.parametrize(("language", "width", "scheme"), LOOKS)
def test_every_widget_in_every_state_is_calm(site: Site, language: str, width: int, scheme: str) -> None:
    with site.visit(language=language, width=width, scheme=scheme) as visit:
        visit.open(WIDGETS)
        visit.page.locator("[data-tool=bold]").first.wait_for()
        visit.calm()
        visit.accessible()
        visit.picture(f"widgets-{language}-{scheme}-{width}")


SMALL = """() => [...document.querySelectorAll('#content :is(button, input:not([type=hidden]), select, textarea, summary)')].filter(at => {
  if (!at.getClientRects().length || at.matches('.sr, .ts-hidden-accessible, .switch-box')) return false;  // drawn by what is around them
  const box = (at.closest('.ts-control, label') ?? at).getBoundingClientRect();
  return Math.round(box.width) < 44 || Math.round(box.height) < 44; }).map(at => at.outerHTML.slice(0, 120))"""
TINY = """() => [...document.querySelectorAll(':is(input:not([type=hidden], [type=checkbox], [type=radio], [type=file], [type=color]), select, textarea)')]
  .filter(at => at.getClientRects().length && parseFloat(getComputedStyle(at).fontSize) < 16).map(at => at.outerHTML.slice(0, 120))"""


@pytest.mark.parametrize("path", ["/design/gallery", WIDGETS])
def test_every_widget_is_large_enough_for_a_finger(site: Site, path: str) -> None:
    with site.visit(width=360, has_touch=True, is_mobile=True) as visit:
        visit.open(path)
        assert visit.page.evaluate(SMALL) == []
        assert visit.page.evaluate(TINY) == []  # else a telephone enlarges the page as one begins to write
        visit.calm()


def test_a_place_is_found_by_typing_and_fills_what_is_above(site: Site) -> None:
    with site.visit(language="zh-CN") as visit:
        visit.open(WIDGETS)
        page = visit.page
        page.locator("[name='address_empty.district']").press_sequentially("西湖")
        options = page.locator("#f-address_empty-regions [role=option]")
        expect(options.filter(has_text="浙江省 杭州市")).to_have_count(1)
        options.filter(has_text="浙江省 杭州市").click()
        expect(page.locator("[name='address_empty.province']")).to_have_value("浙江省")
        expect(page.locator("[name='address_empty.street']")).to_be_focused()
        arrived = sent(visit)
        assert ("address_empty.city", "杭州市") in arrived
        assert ("address_empty.district", "西湖区") in arrived
        visit.calm()


def test_an_address_is_filled_with_the_keyboard(site: Site) -> None:
    with site.visit(language="zh-CN") as visit:
        visit.open(WIDGETS)
        page = visit.page
        page.locator("[name='address_empty.province']").press_sequentially("广东")
        expect(page.locator("#f-address_empty-regions [aria-selected=true]")).to_have_text("广东省")
        page.keyboard.press("Enter")
        expect(page.locator("[name='address_empty.city']")).to_be_focused()
        expect(page.locator("#f-address_empty-regions [role=option]").first).to_have_text("广州市")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        expect(page.locator("[name='address_empty.city']")).not_to_have_value("")
        page.keyboard.press("Escape")
        expect(page.locator("#f-address_empty-regions")).to_be_hidden()


def test_a_pasted_address_is_taken_apart_and_may_be_put_back(site: Site) -> None:
    with site.visit(language="zh-CN") as visit:
        visit.open(WIDGETS)
        page = visit.page
        field = page.locator("[name='address_empty.street']")
        field.focus()
        page.evaluate(
            """text => { const data = new DataTransfer(); data.setData('text/plain', text);
               document.activeElement.dispatchEvent(new ClipboardEvent('paste', {clipboardData: data, bubbles: true})); }""",
            "浙江省杭州市西湖区文三路1号 张三 13800138000",
        )
        expect(page.locator("[name='address_empty.district']")).to_have_value("西湖区")
        expect(field).to_have_value("文三路1号")
        expect(page.locator(".address-said").first).to_contain_text("张三 13800138000")
        page.locator(".address-said button").first.click()
        expect(page.locator("[name='address_empty.province']")).to_have_value("")


def test_another_country_is_free_text(site: Site) -> None:
    with site.visit() as visit:
        visit.open(WIDGETS)
        page = visit.page
        page.fill("[name='address_empty.country']", "Germany")
        page.locator("[name='address_empty.province']").press_sequentially("Bayern")
        expect(page.locator("#f-address_empty-regions")).to_be_hidden()
        assert ("address_empty.province", "Bayern") in sent(visit)


def test_files_are_sent_moved_taken_away_and_refused(site: Site) -> None:
    with site.visit() as visit:
        visit.open(WIDGETS)
        page = visit.page
        box = page.locator("[data-name=file_empty]")
        chooser = box.locator("input[type=file]")
        chooser.set_input_files(
            [
                {"name": "a.txt", "mimeType": "text/plain", "buffer": b"first"},
                {"name": "<b>b.png", "mimeType": "image/png", "buffer": png()},
            ]
        )
        expect(box.locator("input[type=hidden][value]:not([value=''])")).to_have_count(2)
        expect(box.locator(".file-name").nth(1)).to_have_text("<b>b.png")
        chooser.set_input_files(
            {"name": "big.pdf", "mimeType": "application/pdf", "buffer": b"x" * 3_000_001}
        )
        expect(box.locator(".file-said")).to_contain_text("big.pdf is larger than 3.0 MB")
        chooser.set_input_files({"name": "run.exe", "mimeType": "application/x-msdownload", "buffer": b"x"})
        expect(box.locator(".file-said")).to_contain_text("run.exe is of a kind that is not taken here")
        box.locator("[data-move]").nth(1).focus()
        page.keyboard.press("ArrowUp")
        expect(box.locator(".file-name").first).to_have_text("<b>b.png")
        box.locator(".file-name").first.click()
        expect(page.locator("dialog.preview img")).to_be_visible()
        page.keyboard.press("Escape")
        box.locator("[data-remove]").nth(1).click()
        expect(box.locator("li")).to_have_count(1)
        named = [value for name, value in sent(visit) if name == "file_empty"]
        assert len(named) == 1
        said = page.request.get(f"{site.base}/w/acme/files/{named[0]}?inline=true")
        assert (said.status, said.headers["content-type"]) == (200, "image/png")
        visit.calm()


def test_files_are_dropped_and_pasted(site: Site) -> None:
    with site.visit() as visit:
        visit.open(WIDGETS)
        page = visit.page
        for kind, key, make in (
            ("drop", "dataTransfer", "DragEvent"),
            ("paste", "clipboardData", "ClipboardEvent"),
        ):
            page.evaluate(
                """([kind, key, make]) => { const data = new DataTransfer();
                   data.items.add(new File([kind], `${kind}.txt`, {type: 'text/plain'}));
                   document.querySelector('[data-name=file_empty] input[type=file]')
                     .dispatchEvent(new window[make](kind, {[key]: data, bubbles: true, cancelable: true})); }""",
                [kind, key, make],
            )
        names = page.locator("[data-name=file_empty] .file-row:not(.file-sending) .file-name")
        expect(names).to_have_text(["drop.txt", "paste.txt"])
        assert len([name for name, _ in sent(visit) if name == "file_empty"]) == 2


def test_a_file_waits_for_the_network_and_goes_when_it_is_back(site: Site) -> None:
    with site.visit() as visit:
        visit.open(WIDGETS)
        page = visit.page
        page.route("**/w/acme/files", lambda route: route.abort())
        box = page.locator("[data-name=file_empty]")
        box.locator("input[type=file]").set_input_files(
            {"name": "a.txt", "mimeType": "text/plain", "buffer": b"a"}
        )
        expect(box.locator(".file-said")).to_have_text(
            "No network: a.txt waits here and goes out with the form."
        )
        page.unroute("**/w/acme/files")
        page.evaluate("window.dispatchEvent(new Event('online'))")
        expect(box.locator("input[type=hidden][value]:not([value=''])")).to_have_count(1)
        expect(box.locator(".file-said")).to_be_hidden()


def test_the_place_is_asked_of_the_browser_on_request_only(site: Site) -> None:
    context = site.browser.new_context(
        geolocation={"latitude": 30.2741, "longitude": 120.1551, "accuracy": 12}, permissions=["geolocation"]
    )
    visit = Visit(context.new_page(), site.base)
    visit.sign_in()
    visit.open(WIDGETS)
    page = visit.page
    box = page.locator(".location").first
    expect(box.locator("input").first).to_have_value("")
    box.get_by_role("button").click()
    expect(box.locator("input").first).to_have_value("30.274100")
    expect(box).to_contain_text("accurate to 12 m")
    expect(box).to_contain_text("807 m from 杭州办公室")
    expect(box.get_by_role("link")).to_have_attribute("href", re.compile("mlat=30.274100&mlon=120.155100"))
    box.locator("input").first.fill("31.2")
    expect(box).to_contain_text("entered by hand")
    visit.calm()
    context.close()


def test_rich_text_is_written_with_keys_and_tools_and_stays_html(site: Site) -> None:
    with site.visit() as visit:
        visit.open(WIDGETS)
        page = visit.page
        text = page.locator("#f-rich_text_empty-text")
        text.click()
        page.keyboard.press("Control+b")
        page.keyboard.type("bold")
        page.keyboard.press("Control+b")
        page.keyboard.type(" plain")
        tools = page.locator(".editor").first.locator("[role=toolbar]")
        tools.locator("[data-tool=bold]").focus()
        page.keyboard.press("ArrowRight")
        expect(tools.locator("[data-tool=italic]")).to_be_focused()
        text.click()
        tools.locator("[data-tool=list]").click()
        expect(tools.locator("[data-tool=list]")).to_have_attribute("aria-pressed", "true")
        value = dict(sent(visit))["rich_text_empty"]
        assert re.fullmatch(r"<ul><li><b>bold</b> plain</li></ul>", value), value
        visit.calm()


def test_what_is_pasted_into_rich_text_is_cleaned(site: Site) -> None:
    with site.visit() as visit:
        visit.open(WIDGETS)
        page = visit.page
        page.locator("#f-rich_text_empty-text").click()
        page.evaluate(
            """html => { const data = new DataTransfer(); data.setData('text/html', html); data.setData('text/plain', 'x');
               document.activeElement.dispatchEvent(new ClipboardEvent('paste', {clipboardData: data, bubbles: true, cancelable: true})); }""",
            "<p style='color:red' onclick='x()'>Hi <b class=x>you</b><script>window.bad = 1</script>"
            "<img src=x onerror='window.bad = 1'><a href='javascript:window.bad=1'>go</a></p>",
        )
        expect(page.locator("#f-rich_text_empty-text")).to_contain_text("Hi you")
        value = dict(sent(visit))["rich_text_empty"]
        assert not re.search(r"style|onclick|script|img|onerror|class", value), value
        assert page.evaluate("window.bad") is None
        visit.calm()


def test_a_signature_is_drawn_undone_and_sent_as_a_picture(site: Site) -> None:
    with site.visit() as visit:
        visit.open(WIDGETS)
        page = visit.page
        box = page.locator(".signature").first
        pad = box.locator("canvas")
        pad.scroll_into_view_if_needed()
        place: Any = pad.bounding_box()
        for offset in (30, 60):
            page.mouse.move(place["x"] + offset, place["y"] + 30)
            page.mouse.down()
            page.mouse.move(place["x"] + offset + 50, place["y"] + 70, steps=5)
            page.mouse.up()
        expect(box.get_by_role("status")).to_have_text("Kept")
        box.get_by_role("button", name="Undo").click()
        expect(box.locator("input[type=hidden]")).to_have_value("")
        expect(box.get_by_role("status")).to_have_text("Kept")
        named = dict(sent(visit))["signature_empty"]
        said = page.request.get(f"{site.base}/w/acme/files/{named}?inline=true")
        assert (said.status, said.headers["content-type"]) == (200, "image/png")


def test_a_recording_becomes_a_file(devices: Site) -> None:
    with devices.visit() as visit:
        visit.open(WIDGETS)
        page = visit.page
        box = page.locator(".audio").first
        box.get_by_role("button", name="Record").click()
        expect(box.get_by_role("timer")).to_have_text("0:01")
        box.get_by_role("button", name="Stop").click()
        expect(box.locator("input[type=hidden][value]:not([value=''])")).to_have_count(1)
        expect(box.locator(".file-name")).to_contain_text("Recording")
        box.get_by_role("button", name="Record").click()
        box.get_by_role("button", name="Discard").click()
        expect(box.locator("li")).to_have_count(1)
        visit.calm()


def test_a_code_is_read_with_the_camera_and_the_camera_is_off_again(devices: Site) -> None:
    with devices.visit(width=360) as visit:
        visit.page.add_init_script(
            "window.BarcodeDetector = class { async detect() { return [{rawValue: '6901234567892'}]; } }"
        )
        visit.open(WIDGETS)
        page = visit.page
        box = page.locator(".barcode").first
        box.get_by_role("button", name="Scan").click()
        expect(box.locator("input")).to_have_value("6901234567892")
        expect(box.locator("dialog")).to_be_hidden()
        assert page.evaluate("document.querySelector('.barcode video').srcObject") is None
        expect(box.locator("input")).to_be_focused()


def test_without_scripts_parts_are_written_and_files_are_kept(site: Site) -> None:
    with site.visit(scripts=False) as visit:
        visit.open(WIDGETS)
        page = visit.page
        page.fill("[name='address_empty.province']", "浙江省")
        page.fill("[name='location_empty.lat']", "30.1")
        page.fill("[name=rich_text_empty]", "<b>x</b>")
        expect(page.locator("[data-name=file_empty] noscript p")).to_contain_text("scripts")
        arrived = sent(visit)
        for pair in (
            ("address_empty.province", "浙江省"),
            ("location_empty.lat", "30.1"),
            ("rich_text_empty", "<b>x</b>"),
        ):
            assert pair in arrived
