"""The search page and the dialog: what is found, what is marked, and what nobody learns from it."""

from __future__ import annotations

import pytest

from patron_testing.web import REP, Opened


@pytest.fixture(scope="module", autouse=True)
def records(opened: Opened) -> dict[str, str]:
    made = {
        "chinese": opened.admin.make("account", name="上海示例造船有限公司"),
        "english": opened.admin.make("account", name="Nordwind <i>Shipping</i>"),
        "contact": opened.admin.make("contact", name="李小龙", mobile="+8613800138000"),
    }
    return {name: record["id"] for name, record in made.items()}


@pytest.mark.parametrize(
    ("words", "name", "marked"),
    [
        ("造船", "chinese", "造船"),
        ("zaochuan", "chinese", "造船"),
        ("zc", "chinese", "造船"),
        ("nordw", "english", "Nordw"),
        ("13800138000", "contact", None),
        ("8000", "contact", None),
        ("lxl", "contact", "李小龙"),
    ],
)
def test_a_record_is_found_and_what_fits_is_marked(
    opened: Opened, records: dict[str, str], words: str, name: str, marked: str | None
) -> None:
    for path in ("/search", "/palette"):
        page = opened.person().page(f"{path}?q={words}")
        found = [a for a in page.select("a") if str(a.get("href", "")).endswith(records[name])]
        assert found, (path, words)
        marks = [m.text for m in page.select("mark")]
        assert marks
        if marked is not None:
            assert marked in [m.text for m in found[0].select("mark")]


def test_values_stay_text(opened: Opened) -> None:
    page = opened.person().get("/search?q=nordwind")
    assert "<i>Shipping" not in page.text and "&lt;i&gt;Shipping" in page.text
    evil = opened.person().get("/search?q=%22%3E%3Cscript%3Ealert(1)%3C/script%3E")
    assert evil.status_code == 200 and "<script>alert" not in evil.text


def test_more_leads_to_the_list(opened: Opened) -> None:
    for n in range(10):
        opened.admin.make("yd_job", name=f"Manyfold {n}")
    page = opened.person().page("/search?q=manyfold")
    section = page.find("section", {"aria-labelledby": "found-yd_job"})
    assert section is not None and len(section.select("li")) == 8
    more = section.select_one("a.card-more")
    assert more is not None and more["href"] == "/w/acme/o/yd_job?q=manyfold"


@pytest.mark.parametrize("words", ["", "%20", "x" * 5_000, "'\";--", "%F0%9F%92%A9", "\\", "(" * 200])
def test_odd_words_are_no_error(opened: Opened, words: str) -> None:
    for path in ("/search", "/palette"):
        assert opened.person().get(f"{path}?q={words}").status_code == 200


def test_the_character_nul_is_refused(opened: Opened) -> None:
    for path in ("/search", "/palette"):
        assert opened.person().get(f"{path}?q=%00").status_code == 422


def test_nothing_found_says_so(opened: Opened) -> None:
    assert "Nothing was found for" in opened.person().page("/search?q=zzzzqqq").text


def test_the_dialog_offers_places_and_acts(opened: Opened) -> None:
    empty = opened.person().page("/palette")
    assert any(str(a["href"]).endswith("/new") for a in empty.select("[role=option]"))
    settings = opened.person().page("/palette?q=sett")
    assert any(str(a["href"]) == "/w/acme/me" for a in settings.select("[role=option]"))
    pinyin = opened.person(language="zh-CN").page("/palette?q=kehu")
    assert any("客户" in a.text for a in pinyin.select("[role=option]"))
    ids = [a["id"] for a in settings.select("[role=option]")]
    assert len(ids) == len(set(ids))
    assert [a["aria-selected"] for a in settings.select("[role=option]")].count("true") == 1


def test_who_may_read_nothing_finds_nothing(opened: Opened, records: dict[str, str]) -> None:
    rep = opened.person(REP)
    for path in ("/search", "/palette"):
        page = rep.page(f"{path}?q=nordwind")
        assert "Shipping" not in page.text and records["english"] not in page.text
        assert page.select("mark") == []


@pytest.mark.parametrize("path", ["/search?q=a", "/palette?q=a", "/me", "/inbox", "/inbox/count", "/"])
def test_a_stranger_is_led_to_the_sign_in(opened: Opened, path: str) -> None:
    opened.client.cookies.clear()
    said = opened.client.get(f"/w/acme{path}", follow_redirects=False)
    assert said.status_code == 303 and said.headers["location"].startswith("/login?next=/w/acme")
    part = opened.client.get(f"/w/acme{path}", headers={"HX-Request": "true"}, follow_redirects=False)
    assert part.status_code == 401 and part.headers["hx-redirect"].startswith("/login")


def test_common_words_are_found_too(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there are too many records to name, every object that has any is asked; the answer is the same."""
    opened.admin.make("yd_job", name="Commonplace")

    def groups() -> list[str]:
        page = opened.person().page("/search?q=commonplace")
        return [a["href"] for a in page.select("a.line-title")]

    named = groups()
    assert len(named) == 1
    monkeypatch.setattr("patron_engine.query.found.MAX_IDS", 1)
    assert groups() == named
    monkeypatch.setattr("patron_engine.query.found.MAX_IDS", 1_000)
    workspace = opened.service.runtime.workspace("acme")
    with workspace.connection("write") as conn:
        conn.execute(f"ANALYZE {workspace.schema}.sys__search")
    for common in (1, 10_000):  # a table that counts as large, whose sample says common, or rare
        monkeypatch.setattr("patron_engine.query.found.SMALL", 0)
        monkeypatch.setattr("patron_engine.query.found.COMMON", common)
        assert groups() == named
    said = opened.admin.get("/search", params={"q": "commonplace"}).json()["hits"]
    assert [hit["title"] for hit in said] == ["Commonplace"]


@pytest.mark.parametrize("words", ["twofold 4711", "4711 twofold", "twofold dock", "dock twofold"])
def test_two_words_may_stand_in_one_field_or_in_two(
    opened: Opened, monkeypatch: pytest.MonkeyPatch, words: str
) -> None:
    made = opened.admin.make("contact", name="Twofold Dock", mobile="+8613900004711")
    other = opened.admin.make("contact", name="Dockside", mobile="+8613900004712")

    def found() -> list[str]:
        page = opened.person().page(f"/search?q={words}")
        return [
            a["href"].rpartition("/")[2] for a in page.select("a.line-title") if "/o/contact/" in a["href"]
        ]

    try:
        assert found() == [made["id"]]
        monkeypatch.setattr("patron_engine.query.found.MAX_IDS", 1)  # the first candidates are not the whole
        assert found() == [made["id"]]
    finally:
        for one in (made, other):
            opened.admin.delete(f"/records/contact/{one['id']}")
