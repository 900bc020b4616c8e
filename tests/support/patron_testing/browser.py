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
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Request, sync_playwright

from patron_platform.app import create_app
from patron_platform.identity.accounts import set_password
from patron_platform.service import Service, open_service
from patron_platform.settings import Settings
from patron_platform.workspace import make_workspace
from patron_testing.pg import Server
from patron_testing.web import ADMIN, PACKS, PASSWORD, WORKSPACE

LOOKS = [("zh-CN", 360, "dark"), ("en", 1440, "light")]  # language, width, scheme: between them one of each
BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser")
SETTLED = 3  # looks at a page that asks for nothing, one after the other
AXE = Path(__file__).parents[3] / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
CALM = ("critical", "serious")  # what axe must not find: nothing else is looked for
LOOKED_AT = """axe.run(document, {resultTypes: ['violations'], preload: false, rules: Object.fromEntries(
    axe._audit.rules.filter(rule => !calm.includes(rule.impact)).map(rule => [rule.id, {enabled: false}]))})"""


def chromium() -> str | None:
    """The browser of the machine: where it is there, the one without a face. It draws the same pages, but no window around them:
    a visit takes a third of the time."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


@contextmanager
def launched() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        yield browser
        browser.close()


def until(page: Page, true: Callable[[], bool], seconds: float = 15) -> None:
    """Until something the page did is seen where no locator looks. Playwright's own way compiles code in the page, which
    our policy forbids."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"it never came in {seconds:.0f} seconds"
        page.wait_for_timeout(25)


def resting(part: Locator, milliseconds: float = 500) -> str:
    """What is in a part of a page when no script changes it any more."""
    was: list[str] = []

    def same() -> bool:
        part.page.wait_for_timeout(milliseconds)
        was.append(part.inner_html())
        return was[-2:-1] == was[-1:]

    until(part.page, same)
    return was[-1]


class Visit:
    """One person in one window."""

    def __init__(self, page: Page, base: str, scripts: bool = True) -> None:
        self.page = page
        self.scripts = scripts
        self.base = base
        self.wrong: list[str] = []
        self.asked: set[Request] = set()  # what the page asked for and has no answer to yet
        page.on("request", lambda request: self.asked.add(request))
        page.on("requestfinished", lambda request: self.asked.discard(request))
        page.on("requestfailed", lambda request: self.asked.discard(request))
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
        if self.page.url.startswith(f"{self.base}/login"):  # whoever shared this session signed out
            self.sign_in()
            self.page.goto(f"{self.base}/w/{workspace}{path}")
        self.settle()

    def settle(self) -> None:
        """Until what the page asked for is there, its scripts rest, and nothing more is asked for."""
        self.page.wait_for_load_state("load")
        quiet, end = 0, time.monotonic() + 10
        while quiet < SETTLED and time.monotonic() < end:
            if self.scripts:
                self.page.evaluate("new Promise(done => requestIdleCallback(done, {timeout: 500}))")
            self.page.wait_for_timeout(25)
            quiet = 0 if self.asked else quiet + 1

    def until(self, true: Callable[[], bool], seconds: float = 15) -> None:
        until(self.page, true, seconds)

    def calm(self) -> None:
        assert self.page.url.startswith(self.base), f"no page of ours was opened: {self.page.url}"
        assert not self.wrong, self.wrong
        wider = self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert wider <= 0, f"the page is {wider} px wider than the window"

    def accessible(self) -> None:
        """What axe finds that is serious or critical: nothing."""
        self.page.evaluate(AXE.read_text())
        found: Any = self.page.evaluate(f"calm => {LOOKED_AT}", CALM)
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


class Listening:
    """The application, and what went over the wire: (path, bytes with headers) of each answer."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.sent: list[tuple[str, int]] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        size = 0

        async def heard(message: Any) -> None:
            nonlocal size
            size += len(message.get("body", b"")) + sum(
                len(k) + len(v) + 4 for k, v in message.get("headers", ())
            )
            if message["type"] == "http.response.body" and not message.get("more_body"):
                self.sent.append((scope["path"], size))
            await send(message)

        await self.app(scope, receive, heard)


class Site:
    """A served workspace and the browser that looks at it. `wire` heard what was sent."""

    def __init__(self, base: str, browser: Browser, service: Service, wire: Listening | None = None) -> None:
        self.wire = wire
        self.base = base
        self.browser = browser
        self.service = service
        self.cookies: Any = None  # of the administrator's session

    @contextmanager
    def visit(
        self,
        *,
        language: str = "en",
        width: int = 1440,
        height: int = 900,
        scheme: Any = "light",
        scripts: bool = True,
        **more: Any,
    ) -> Iterator[Visit]:
        """`more` are options of Playwright's context: a place, permissions, a touch screen."""
        context = self.browser.new_context(
            locale=language,
            color_scheme=scheme,
            viewport={"width": width, "height": height},
            java_script_enabled=scripts,
            **more,
        )
        try:
            self._sign_in(context)
            yield Visit(context.new_page(), self.base, scripts)
        finally:
            context.close()

    def _sign_in(self, context: BrowserContext) -> None:
        """The administrator's session: signed in once, shared by all windows."""
        if self.cookies is None:
            page = context.new_page()
            Visit(page, self.base).sign_in()
            self.cookies = context.cookies()
            page.close()
        context.add_cookies(self.cookies)


@contextmanager
def served_site(
    server: Server, browser: Browser, packs: tuple[str, ...] = ("sales", "yard", "rounds")
) -> Iterator[Site]:
    """The application in a thread of this process, on a free port, with a workspace of these packs."""
    url = server.make()
    with open_service(Settings(database=url, jobs=False, pool=8)) as service:
        make_workspace(service, WORKSPACE, packs=packs, folders=[PACKS], administrator=ADMIN)
        with service.databases.system() as conn:
            set_password(conn, ADMIN, PASSWORD)
        wire = Listening(create_app(service))
        running = uvicorn.Server(
            uvicorn.Config(wire, port=0, lifespan="on", access_log=False, log_config=None)
        )
        thread = threading.Thread(target=running.run, daemon=True)
        thread.start()
        while not running.started:
            thread.join(0.05)
        port = running.servers[0].sockets[0].getsockname()[1]
        yield Site(f"http://127.0.0.1:{port}", browser, service, wire)
        running.should_exit = True
        thread.join(20)
    server.drop(url)
