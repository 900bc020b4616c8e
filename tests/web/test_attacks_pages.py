"""Attacks on pages, by the cases of the security study: G (markup, addresses, policies) and I (forms nobody drew).

Each table holds variants of one case. The oracle is everywhere the same: a 4xx that says what, nothing changed, nothing that runs.
"""

from __future__ import annotations

import csv
import io
import re
import time
from uuid import UUID

import pytest

from patron_engine.fields import limits
from patron_engine.fields.text import RichText
from patron_testing.crawl import NOWHERE
from patron_testing.hostile import MARK, Evil, make_evil, strange
from patron_testing.sent_files import sent
from patron_testing.web import Opened, Person

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture(scope="module")
def evil(opened: Opened) -> Evil:
    return make_evil(opened.admin)


@pytest.fixture(scope="module")
def person(opened: Opened) -> Person:
    return opened.person()


def version(opened: Opened, id: str) -> str:
    return str(opened.admin.read("c_evil", id)["version"])


# -- G118, G122: labels, names of files and columns -----------------------------------------------------------------


def test_g118_labels_are_texts_in_an_export_too(person: Person, evil: Evil) -> None:
    said = person.get("/list/c_evil/export?view=c_evil_all")
    rows = list(csv.reader(io.StringIO(said.content.decode("utf-8-sig"))))
    assert MARK in rows[0][0] and len(rows) == 4
    told = said.headers["content-disposition"]
    assert re.fullmatch(
        r'attachment; filename="[^"\\]+ \d{4}-\d\d-\d\d\.csv"; filename\*=UTF-8\'\'[\w%.~-]+', told
    ), told
    assert not re.search("%2F|%3C|%22", told)  # a name that a file system takes as it is


@pytest.mark.parametrize("label", ["=cmd|' /C calc'!A0", "+1+1", "-2+3", "@SUM(1)", "\t=1", "＝1"])
def test_g118_no_heading_of_an_export_is_a_formula(opened: Opened, person: Person, label: str) -> None:
    change = {"set": {"fields.crew.label": {"en": label}}}
    draft = opened.admin.put("/definitions/change/object/yd_job", change).json()["draft"]
    plan = opened.admin.post(f"/drafts/{draft}/plan")
    if plan.status_code == 200:  # a text that begins with = is no label at all
        said = opened.admin.post(f"/drafts/{draft}/publish", {"checksum": plan.json()["checksum"]})
        assert said.status_code == 201
    opened.admin.make("yd_job", name=label)
    said = person.get("/list/yd_job/export?columns=crew,name")
    cells = [cell for row in csv.reader(io.StringIO(said.content.decode("utf-8-sig"))) for cell in row]
    assert [c for c in cells if c[:1] in ("=", "+", "-", "@", "\t")] == [] and any(
        label.strip() in c for c in cells
    )


@pytest.mark.parametrize(
    "name",
    [
        '"><svg onload=alert(1)>.jpeg',
        "a.jpg\r\nX-Evil: 1",
        'a";filename=b.html',
        "cod\u202egpj.exe",
        "../../x.html",
    ],
)
def test_g122_a_name_of_a_file_is_a_text(opened: Opened, person: Person, evil: Evil, name: str) -> None:
    file = sent(opened.admin, b"\x89PNG\r\n\x1a\n", name, "image/png")
    assert not set(file["name"]) & set("/\\\r\n\u202e")
    id = evil.ids[2]
    assert opened.admin.patch(f"/records/c_evil/{id}", {"t_file": [file["id"]]}).status_code == 200
    for path in (f"/o/c_evil/{id}", f"/o/c_evil/{id}/edit", "/o/c_evil?view=c_evil_all&columns=name,t_file"):
        assert strange(person.get(path).text) == []
    got = person.get(f"/files/{file['id']}")
    assert "x-evil" not in got.headers and got.headers["content-disposition"].count('"') == 2


ACTIVE = {
    "svg": (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "a.svg", "image/svg+xml"),
    "html": (b"<!doctype html><script>alert(1)</script>", "a.html", "text/html"),
    "html named a picture": (b"<script>alert(1)</script>", "a.png", "image/png"),
    "xml with a style": (b"<?xml version='1.0'?><?xml-stylesheet href='javascript:alert(1)'?><a/>", "a.xml", "text/xml"),
    "gif and script": (b"GIF89a\x01\x00\x01\x00/*<script>*/=alert(1)//</script>", "a.gif", "image/gif"),
    "pdf and html": (b"%PDF-1.4\n<script>alert(1)</script>", "a.html", "application/pdf"),
    "script": (b"alert(1)", "a.js", "text/javascript"),
    "worker": (b"self.onfetch=1", "worker.js", "application/javascript"),
    "manifest": (b"CACHE MANIFEST", "a.appcache", "text/cache-manifest"),
}  # fmt: skip


@pytest.mark.parametrize("case", ACTIVE)
@pytest.mark.parametrize("query", ["", "?inline=true"])
def test_g123_what_is_sent_runs_nowhere(opened: Opened, person: Person, case: str, query: str) -> None:
    data, name, kind = ACTIVE[case]
    got = person.get(f"/files/{sent(opened.admin, data, name, kind)['id']}{query}")
    assert got.status_code == 200 and got.content == data
    assert (
        "sandbox" in got.headers["content-security-policy"]
        and got.headers["x-content-type-options"] == "nosniff"
    )
    mime = got.headers["content-type"].partition(";")[0]
    shown = got.headers["content-disposition"].startswith("inline")
    assert shown <= (mime in ("image/png", "image/jpeg", "image/gif", "image/webp", "application/pdf"))
    assert not any(part in mime for part in ("html", "xml", "script", "svg"))


# -- G119, G129: colours, icons, widths -----------------------------------------------------------------------------

STYLES = (
    "red;background:url(javascript:1)",
    "</style>",
    "url(//evil.example)",
    "expression(1)",
    "#12345",
    "#3b5bdb;x",
    "var(--ink)",
    "RED",
)


@pytest.mark.parametrize("style", STYLES)
def test_g119_g129_nothing_of_a_style_is_written_freely(opened: Opened, style: str) -> None:
    option = {"name": "x", "color": style}
    field = {"name": "f", "type": "select", "options": [option], "label": "F"}
    title = {"name": "name", "type": "text", "label": "N"}
    for body in (
        {"label": "X", "title": "name", "fields": [title, field]}, {"label": "X", "title": "name", "fields": [title], "color": style},
        {"label": "X", "title": "name", "fields": [title], "icon": style},
    ):  # fmt: skip
        assert opened.admin.put("/definitions/object/c_styled", body).status_code == 422
    column = {"field": "name", "width": style}
    assert (
        opened.admin.put("/definitions/view/c_styled", {"object": "yd_job", "columns": [column]}).status_code
        == 422
    )
    assert opened.admin.post("/records/c_evil", {"name": "x", "t_color": style}).status_code in (404, 422)


# -- G120, G121: rich text, addresses -------------------------------------------------------------------------------

RICH = (
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "<svg><script>alert(1)</script></svg>", "<svg/onload=alert(1)>",
    "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror=alert(1)&gt;'>", "<iframe srcdoc='<script>alert(1)</script>'>",
    "<form action=//evil.example><input name=_csrf><button>x", "<meta http-equiv=refresh content='0;url=//evil.example'>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>", "<a href='jav&#x09;ascript:alert(1)'>x</a>", "<a href=data:text/html,x>x</a>",
    "<a href='\x01javascript:alert(1)'>x</a>".replace("\x01", ""), "<style>@import '//evil.example'</style>", "<p style='background:url(//evil.example)'>x",
    "<link rel=stylesheet href=//evil.example>", "<base href=//evil.example>", "<object data=//evil.example>", "<embed src=//evil.example>",
    "<template><script>alert(1)</script></template>", "<select><template><style><!--</style><a rel='--><img src=x onerror=alert(1)>'>", "<p id=csrf name=body>x",
    "<img name=cookie><a id=location>", "<textarea><img title='</textarea><img src onerror=alert(1)>'></textarea>", "<isindex action=javascript:alert(1)>",
    "<details open ontoggle=alert(1)>x", "<math href=javascript:alert(1)>x", "<a href=x xlink:href=javascript:alert(1)>x", "<p data-behaviour=form-live hx-get=/logout>x",
    "<svg><a><animate attributeName=href values=javascript:alert(1) /><text>x</text></a></svg>", "<x-y onfocus=alert(1) tabindex=1 autofocus>",
)  # fmt: skip


@pytest.mark.parametrize("html", RICH, ids=range(len(RICH)))
def test_g120_rich_text_is_clean_when_written_and_when_read(
    opened: Opened, person: Person, evil: Evil, html: str
) -> None:
    id = evil.ids[1]
    said = opened.admin.patch(f"/records/c_evil/{id}", {"t_rich": f"<p>Before</p>{html}"})
    assert said.status_code == 200, said.text
    kept = opened.admin.rows("c_evil", where=f"id == '{id}'", fields="t_rich")[0]["t_rich"]
    assert strange(kept) == [] and "Before" in kept
    for word in (
        " id=",
        " name=",
        "data-",
        "hx-",
        " class=",
        "<form",
        "<input",
        "<svg",
        "<math",
        "<template",
        "<meta",
        "<link",
    ):
        assert word not in kept, kept
    with opened.service.databases.system("publish") as conn:  # written before there was a rule
        conn.execute("UPDATE w_acme.c_evil SET t_rich = %s WHERE id = %s", (f"<p>Before</p>{html}", UUID(id)))
    for path in (f"/o/c_evil/{id}", f"/o/c_evil/{id}?print=1", "/o/c_evil?view=c_evil_all"):
        page = person.page(path)
        rich = page.select_one(".rich")
        assert strange(str(page)) == [] and (
            rich is None or not rich.select("[id], [name], [data-behaviour], form, input")
        )


def test_g120_tags_in_tags_do_not_hold_the_server() -> None:
    """At the limit it takes a moment, past it nothing: the time goes with the square of their number."""
    field, most = RichText(), limits.RICH_TEXT_TAGS
    begun = time.perf_counter()
    assert field.clean("<p>x</p>" + "<b>" * (most - 2))
    field.clean("<div>" * most)
    assert time.perf_counter() - begun < 60
    with pytest.raises(Exception, match="at most 10,000 tags"):
        field.clean("<div>" * (most + 1))


ADDRESSES = ("javascript:alert(1)", "java\tscript:alert(1)", " JaVaScRiPt:alert(1)", "data:text/html,<script>", "vbscript:x", "//evil.example",
             "/\\evil.example", "https:evil.example", "https://a@b.example\\@c.example", 'https://x.example/"onclick=1', "ftp://x.example", "blob:x", "file:///etc/passwd")  # fmt: skip


@pytest.mark.parametrize("address", ADDRESSES)
def test_g121_only_addresses_one_may_go_to_are_kept(
    opened: Opened, person: Person, evil: Evil, address: str
) -> None:
    assert opened.admin.post("/records/c_evil", {"name": "x", "t_url": address}).status_code == 422
    entries = [{"name": "a", "url": address, "label": "A"}]
    said = opened.admin.put("/definitions/menu/c_away", {"label": "A", "entries": entries})
    assert said.status_code == 422 or address.startswith(("ftp", "https")), said.text
    said = person.post(
        f"/list/c_evil/cell?id={evil.ids[0]}&path=t_url", {"value": address}, headers={"HX-Request": "true"}
    )
    assert said.status_code == 422 and strange(said.text) == []


# -- G125, G127: data in pages, what formulas give ------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    ["</script><script>alert(1)</script>", "<!--<script>", "]]>", "a b", "&lt;b&gt;", "{{ 7*7 }}{% x %}"],
)
def test_g125_g127_a_name_is_a_text_in_data_and_formulas(opened: Opened, person: Person, name: str) -> None:
    id = opened.admin.make("c_evil", name=name)["id"]
    page = person.page(f"/o/c_evil/{id}/edit")
    assert page.select_one("#f-name")["value"] == name and strange(str(page)) == []
    assert name.strip() in person.page(f"/o/c_evil/{id}").text
    said = person.post("/o/c_evil/new/preview", {"name": name}, headers={"Accept": "application/json"})
    assert (
        said.headers["content-type"].startswith("application/json")
        and strange(said.json()["fields"].get("t_formula", "")) == []
    )


# -- I150 to I160: forms --------------------------------------------------------------------------------------------

MOVES: dict[str, dict[str, str]] = {
    "a square for a version": {"version": "²"}, "a version of 5,000 digits": {"version": "9" * 5_000}, "two minuses": {"shift": "--5", "fields": "t_date"},
    "a square of days": {"shift": "²", "fields": "t_date"}, "days of a text": {"shift": "1", "fields": "name"},
    "days of a number": {"shift": "1", "fields": "t_integer"}, "days of tags": {"shift": "1", "fields": "t_tags"},
    "days of JSON": {"shift": "1", "fields": "t_json"}, "days of an address": {"shift": "1", "fields": "t_address"},
    "days of nothing": {"shift": "1", "fields": "nothing"}, "the id": {"set.id": NOWHERE}, "its version": {"set.version": "1"}, "a formula": {"set.t_formula": "x"},
    "no name": {"set.": "x"}, "a number of 5,000 digits": {"set.t_integer": "9" * 5_000}, "NaN": {"set.t_money": "NaN"},
}  # fmt: skip


@pytest.mark.parametrize("case", MOVES)
def test_i152_i155_moves_nobody_can_make(opened: Opened, person: Person, evil: Evil, case: str) -> None:
    before = opened.admin.read("c_evil", evil.ids[0])
    said = person.post(f"/moves/c_evil/{evil.ids[0]}", {"version": str(before["version"]), **MOVES[case]})
    assert said.status_code in (409, 422), said.status_code
    assert opened.admin.read("c_evil", evil.ids[0]) == before


@pytest.mark.parametrize("shift", ["1", "-1"])
def test_i155_the_calendar_has_ends(opened: Opened, person: Person, shift: str) -> None:
    """A moment at an end of the calendar is shown, whatever the zone, and a day beyond it is refused."""
    day = "9999-12-31" if shift == "1" else "0001-01-01"
    id = opened.admin.make("yd_job", name="End", due_at=f"{day}T{'23:59:59' if shift == '1' else '00:00:00'}Z", begun_on=day, stay={"from": day, "to": day})["id"]  # fmt: skip
    for zone in ("Asia/Shanghai", "America/New_York", "UTC"):
        person.post("/me", {"name": "A", "zone": "" if zone == "UTC" else zone})
        for path in ("/o/yd_job?columns=name,due_at,begun_on,stay", f"/o/yd_job/{id}", f"/o/yd_job/{id}/edit", f"/o/yd_job/{id}?print=1",
                     f"/list/yd_job/cell?id={id}&path=due_at", "/o/yd_job?type=calendar", "/o/yd_job?type=gantt", "/list/yd_job/export?columns=due_at"):  # fmt: skip
            assert person.get(path).status_code == 200, (zone, path)
    for field in ("begun_on", "stay"):
        said = person.post(f"/moves/yd_job/{id}", {"version": "1", "shift": shift, "fields": field})
        assert said.status_code == 422
    opened.admin.delete(f"/records/yd_job/{id}")


BULK = {
    "sNaN": ("t_decimal", "plus", "sNaN"), "NaN": ("t_decimal", "times", "NaN"), "Infinity": ("t_decimal", "minus", "Infinity"),
    "1e999999": ("t_decimal", "times", "1e999999"), "1_0": ("t_decimal", "plus", "1_0"), "no number": ("t_money", "plus", "x"),
    "5,000 digits": ("t_integer", "plus", "9" * 5_000), "a longer text than there is": ("name", "append", "x" * 300_000),
    "a computed field": ("t_formula", "set", "x"), "its id": ("id", "set", NOWHERE), "a secret": ("t_secret", "append", "x"),
}  # fmt: skip


@pytest.mark.parametrize("case", BULK)
def test_i155_nothing_is_changed_of_many_by_what_is_no_value(
    opened: Opened, person: Person, evil: Evil, case: str
) -> None:
    field, how, value = BULK[case]
    before = opened.admin.rows("c_evil", fields="id,version,name,t_decimal,t_integer,t_money")
    form = [("id", id) for id in evil.ids] + [
        ("act", "edit"),
        ("sure", "1"),
        ("field", field),
        ("how", how),
        ("value", value),
    ]
    said = person.post("/list/c_evil/bulk", form)
    assert said.status_code in (400, 422), said.status_code
    assert opened.admin.rows("c_evil", fields="id,version,name,t_decimal,t_integer,t_money") == before


def test_i157_a_text_that_would_fill_the_memory_is_not_made(opened: Opened, person: Person) -> None:
    """10,000 letters, each to be replaced by 10,000 others, of a record that takes 10,000."""
    id = opened.admin.make("c_evil", name="Bomb", t_long="e" * 10_000)["id"]
    form = {
        "id": id,
        "act": "edit",
        "sure": "1",
        "field": "t_long",
        "how": "replace",
        "value": "e",
        "with": "x" * 10_000,
    }
    said = person.post("/list/c_evil/bulk", form)
    kept = opened.admin.rows("c_evil", where=f"id == '{id}'", fields="t_long")[0]["t_long"]
    assert said.status_code == 200 and kept == "e" * 10_000
    assert person.post("/list/c_evil/bulk", {**form, "with": "x" * 200_000}).status_code == 422
