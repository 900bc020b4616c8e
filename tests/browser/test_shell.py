"""The frame around every page: signing in, the menu, both schemes, a telephone."""

from __future__ import annotations

import pytest

from patron_testing.browser import Site


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 360])
@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_the_home_page_is_calm(site: Site, language: str, width: int, scheme: str) -> None:
    with site.visit(language=language, width=width, scheme=scheme) as visit:
        visit.calm()
        visit.accessible()
        visit.picture(f"home-{language}-{scheme}-{width}")


def test_one_signs_in_and_out_without_scripts(site: Site) -> None:
    with site.visit(scripts=False) as visit:
        visit.page.click(".topbar .menu summary")
        visit.page.click("form[action='/logout'] button")
        visit.page.wait_for_url("**/login")
        visit.page.goto(f"{site.base}/w/acme/")
        assert visit.page.url.endswith("/login?next=/w/acme/")
