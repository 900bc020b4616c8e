"""Pictures of a running service: every page of the shell and the lists, many in one sheet, to be looked at.

    patron demo --data DATA --port 8100
    python tests/browser/pictures.py http://127.0.0.1:8100 DATA/demo.password FOLDER [--object NAME …] [--look en-light-1440 …]

Out: FOLDER/LOOK/NAME.png, and FOLDER/LOOK-N.png: sheets of several of them. Changes nothing but what opening a page changes.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page
from playwright.sync_api import Error as NotThere

from patron_testing.browser import Visit, launched

LOOKS = ("en-light-1440", "zh-CN-dark-1440", "zh-CN-light-360", "en-dark-360")
OBJECTS = ("account", "opportunity", "task", "department")
WAIT = 3000  # ms that a step may take; what is not there is not pressed
Step = Callable[[Page], Any]
Shot = tuple[
    str, str, tuple[Step, ...]
]  # its name, its address in the workspace, what is done before the picture


def press(selector: str) -> Step:
    return lambda page: page.locator(selector).first.click(timeout=WAIT)


def keys(*pressed: str) -> Step:
    return lambda page: [page.keyboard.press(key) for key in pressed]


def typed(text: str) -> Step:
    return lambda page: page.keyboard.type(text)


def down(page: Page) -> None:
    page.mouse.wheel(0, 100_000)


def shell_shots() -> Iterator[Shot]:
    yield "home", "/", ()
    yield "menu", "/", (press(".nav-open:visible, .nav-group > summary"),)
    yield "person", "/", (press(".topbar-end > .menu > summary"),)
    yield "go", "/", (keys("Control+k"),)
    yield "go-typed", "/", (keys("Control+k"), typed("zh"))
    yield "go-nothing", "/", (keys("Control+k"), typed("zzqqxx"))
    yield "search", "/search?q=a", ()
    yield "search-empty", "/search", ()
    yield "search-nothing", "/search?q=zzqqxx", ()
    yield "notices", "/inbox", ()
    yield "settings", "/me", ()
    yield "settings-end", "/me", (down,)
    yield "not-found", "/o/account/0190a0b0-0000-7000-8000-0000000000ff", ()
    yield "no-address", "/nothing/here", ()
    yield "wrong-address", "/o/account?where=((&sort=x", ()


def list_shots(name: str) -> Iterator[Shot]:
    at = f"/o/{name}"
    yield f"{name}-list", at, ()
    yield f"{name}-list-end", at, (down,)
    yield f"{name}-menu", at, (press(".list-tools > .menu > summary"),)
    yield f"{name}-filter", at, (keys("f"),)
    yield f"{name}-columns", at, (press(".list-tools a[href*='/columns']"),)
    yield f"{name}-selected", at, (press(".list-check input >> nth=1"),)
    yield f"{name}-bulk", at, (press(".list-check input >> nth=1"), press(".list-acts button[value=edit]"))
    yield f"{name}-cell", at, (press("tbody td[data-edit]:not(.list-title)"), keys("Enter"))
    yield f"{name}-nothing", f"{at}?q=zzqqxx", ()
    yield f"{name}-split", f"{at}?mode=split", (press("tbody .list-title a"),)
    for drawing in ("kanban", "calendar", "gantt", "map", "tree"):
        yield f"{name}-{drawing}", f"{at}?type={drawing}", ()
    yield f"{name}-bin", f"{at}?deleted=1", ()


def taken(visit: Visit, shots: Iterator[Shot], folder: Path) -> Iterator[Path]:
    """Takes them; a step that is not there on a page leaves its picture out."""
    for name, path, steps in shots:
        visit.page.goto(f"{visit.base}{path}")
        visit.settle()
        try:
            for step in steps:
                step(visit.page)
                visit.settle()
        except NotThere:
            continue
        if visit.wrong:
            print(name, *dict.fromkeys(visit.wrong))
            visit.wrong.clear()
        wider = visit.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        if wider > 0:
            print(f"{name}: {wider} px wider than the window")
        to = folder / f"{name}.png"
        visit.page.screenshot(path=str(to))
        yield to


def sheets(browser: Browser, pictures: list[Path], narrow: bool, to: Path) -> None:
    """Several pictures beside each other, each with its name."""
    across, rows, size = (6, 1, 330) if narrow else (2, 2, 960)
    for n in range(0, len(pictures), across * rows):
        some = pictures[n : n + across * rows]
        figures = "".join(
            f'<figure><figcaption>{p.stem}</figcaption><img src="{p.resolve().as_uri()}"></figure>'
            for p in some
        )
        page_at = to.parent / "sheet.html"
        style = f"body{{margin:4px;display:grid;grid-template-columns:repeat({across},{size}px);gap:6px;background:#888}}"
        page_at.write_text(
            f"<style>{style}figure{{margin:0}}figcaption{{font:12px sans-serif}}img{{width:100%}}</style>{figures}"
        )
        page = browser.new_page(viewport={"width": across * (size + 6) + 8, "height": 200})
        page.goto(page_at.resolve().as_uri())
        page.screenshot(path=f"{to}-{n // (across * rows) + 1:02}.png", full_page=True)
        page.close()
        page_at.unlink()


def look_at(browser: Browser, look: str, given: argparse.Namespace) -> None:
    language, scheme, width = look.rsplit("-", 2)
    folder = given.folder / look
    folder.mkdir(parents=True, exist_ok=True)
    narrow = int(width) < 800
    context: Any = browser.new_context(
        locale=language,
        color_scheme=scheme,
        viewport={"width": int(width), "height": 740 if narrow else 900},
    )
    visit = Visit(context.new_page(), given.base)
    pictures = list(taken(visit, iter([("sign-in", "/login", ()), ("forgotten", "/forgotten", ())]), folder))
    visit.page.goto(f"{given.base}/login")
    visit.page.fill("[name=email]", given.email)
    visit.page.fill("[name=password]", given.password.read_text().strip())
    visit.page.click("form button")
    visit.page.wait_for_url(f"{given.base}/w/**")
    visit.base = f"{given.base}/w/{given.workspace}"
    if not given.object:
        pictures += taken(visit, shell_shots(), folder)
    for name in given.object or OBJECTS:
        pictures += taken(visit, list_shots(name), folder)
    sheets(browser, pictures, narrow, given.folder / look)
    context.close()


def main() -> None:
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("base")
    reader.add_argument("password", type=Path, help="the file with the password")
    reader.add_argument("folder", type=Path)
    reader.add_argument("--email", default="admin@demo.example")
    reader.add_argument("--workspace", default="demo")
    reader.add_argument("--object", action="append", help="only the lists of these")
    reader.add_argument("--look", action="append", help="language, scheme and width")
    given = reader.parse_args()
    with launched() as browser:
        for look in given.look or LOOKS:
            look_at(browser, look, given)


if __name__ == "__main__":
    main()
