"""A journey: a file is imported from a list's menu; what is told changes while one chooses, pages follow by themselves."""

from __future__ import annotations

from playwright.sync_api import expect

from patron_platform.jobs.tasks import work_off
from patron_testing.browser import Site
from patron_testing.web import WORKSPACE

FILE = "客户名称,电话,Old grade\nJourney by file,021-55667788,x\n,13800138000,y\n".encode()


def test_a_file_is_imported_from_the_menu_of_its_list(site: Site) -> None:
    workspace = site.service.runtime.workspace(WORKSPACE)
    with site.visit(language="zh-CN", width=360, scheme="dark") as visit:
        page = visit.page
        visit.open("/o/account")
        page.locator(".list-tools details.menu > summary").last.click()
        page.get_by_role("link", name="导入文件").first.click()
        page.locator("input[type=file]").set_input_files(
            {"name": "客户.csv", "mimeType": "text/csv", "buffer": FILE}
        )
        page.get_by_role("button", name="下一步").click()
        expect(page.locator("select[name=c0]")).to_have_value("name")
        told = page.locator("#import-told")
        expect(told).to_contain_text("Old grade")
        page.locator("select[name=c0]").select_option("")
        expect(told).to_contain_text("必填")
        page.locator("select[name=c0]").select_option("name")
        expect(told).not_to_contain_text("必填")
        visit.calm()
        visit.accessible()
        page.get_by_role("button", name="试导入").click()
        expect(page.locator("#import-state")).to_be_visible()
        work_off(workspace)
        expect(page.locator(".import-problems tbody tr")).to_have_count(1)
        expect(page.locator(".import-refused dd")).to_have_text("1")
        page.get_by_role("button", name="导入 1 行").click()
        expect(page.locator("#import-state")).to_be_visible()
        work_off(workspace)
        expect(page.locator("#import-state")).to_contain_text("已完成")
        visit.calm()
        visit.accessible()
        page.get_by_role("link", name="撤销导入").click()
        page.get_by_role("button", name="撤销导入").click()
        expect(page.locator("#import-state")).to_contain_text("已撤销")
