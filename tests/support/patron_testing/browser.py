"""A real browser over a served workspace: Debian's Chromium, driven by Playwright.

visit = site.visit(language="zh-CN", width=360)     # signed in; `visit.page` is Playwright's page
visit.open("/o/account")
visit.calm()                                        # no console error, no refused script, nothing wider than the window

Pictures go to the folder PATRON_TEST_PICTURES names, or nowhere.
"""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn
from playwright.sync_api import Browser, Page, sync_playwright

from patron_platform.app import create_app
from patron_platform.identity.accounts import set_password
from patron_platform.service import Service, open_service
from patron_platform.settings import Settings
from patron_platform.workspace import make_workspace
from patron_testing.pg import Server
from patron_testing.web import ADMIN, PACKS, PASSWORD, WORKSPACE

AXE = Path(__file__).parents[3] / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
CALM = ("critical", "serious")  # what axe must not find


def chromium() -> str | None:
    """The browser of the machine."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


@contextmanager
def launched() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        yield browser
        browser.close()


class Visit:
    """One person in one window."""

    def __init__(self, page: Page, base: str) -> None:
        self.page = page
        self.base = base
        self.wrong: list[str] = []
        page.on("console", lambda m: self.wrong.append(m.text) if m.type in ("error", "warning") else None)
        page.on("pageerror", lambda e: self.wrong.append(str(e)))

    def sign_in(self, email: str = ADMIN) -> None:
        self.page.goto(f"{self.base}/login")
        self.page.fill("[name=email]", email)
        self.page.fill("[name=password]", PASSWORD)
        self.page.click("form button")
        self.page.wait_for_url(f"{self.base}/w/**")

    def open(self, path: str, workspace: str = WORKSPACE) -> None:
        self.page.goto(f"{self.base}/w/{workspace}{path}")
        self.page.wait_for_load_state("networkidle")

    def calm(self) -> None:
        assert not self.wrong, self.wrong
        wider = self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert wider <= 0, f"the page is {wider} px wider than the window"

    def accessible(self) -> None:
        """What axe finds that is serious or critical: nothing."""
        self.page.evaluate(AXE.read_text())
        found: Any = self.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        serious = [
            (v["id"], [n["target"] for n in v["nodes"]][:5])
            for v in found["violations"]
            if v["impact"] in CALM
        ]
        assert not serious, serious

    def picture(self, name: str) -> None:
        folder = os.environ.get("PATRON_TEST_PICTURES")
        if folder:
            Path(folder).mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=str(Path(folder, f"{name}.png")))


class Site:
    """A served workspace and the browser that looks at it."""

    def __init__(self, base: str, browser: Browser, service: Service) -> None:
        self.base = base
        self.browser = browser
        self.service = service

    @contextmanager
    def visit(
        self,
        *,
        language: str = "en",
        width: int = 1440,
        height: int = 900,
        scheme: Any = "light",
        scripts: bool = True,
        touch: bool = False,
    ) -> Iterator[Visit]:
        context = self.browser.new_context(
            locale=language,
            color_scheme=scheme,
            viewport={"width": width, "height": height},
            java_script_enabled=scripts,
            has_touch=touch,
        )
        try:
            visit = Visit(context.new_page(), self.base)
            visit.sign_in()
            yield visit
        finally:
            context.close()


@contextmanager
def served_site(
    server: Server, browser: Browser, packs: tuple[str, ...] = ("sales", "yard")
) -> Iterator[Site]:
    """The application in a thread of this process, on a free port, with a workspace of these packs."""
    url = server.make()
    with open_service(Settings(database=url, jobs=False, pool=8)) as service:
        make_workspace(service, WORKSPACE, packs=packs, folders=[PACKS], administrator=ADMIN)
        with service.databases.system() as conn:
            set_password(conn, ADMIN, PASSWORD)
        running = uvicorn.Server(
            uvicorn.Config(create_app(service), port=0, lifespan="on", access_log=False, log_config=None)
        )
        thread = threading.Thread(target=running.run, daemon=True)
        thread.start()
        while not running.started:
            thread.join(0.05)
        port = running.servers[0].sockets[0].getsockname()[1]
        yield Site(f"http://127.0.0.1:{port}", browser, service)
        running.should_exit = True
        thread.join(20)
    server.drop(url)
