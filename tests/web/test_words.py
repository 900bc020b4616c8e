"""What goes wrong is told in the reader's language: bad input of every kind, over the API and on pages, in Chinese."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from bs4 import BeautifulSoup, Comment

from patron_platform.identity.keys import create_key
from patron_platform.jobs.imports import carry_out
from patron_platform.workspace import make_workspace
from patron_testing.crawl import ID
from patron_testing.pg import Server
from patron_testing.web import ADMIN, PACKS, Api, Opened, Person, Template, serving

THINGS = "words"  # the workspace
NEW = "/o/fm_thing/new"
CHINESE = ("zh-CN", "zh-TW")
CJK = re.compile(r"[\u4e00-\u9fff]")
# Two words of English side by side; names of fields, samples and units stand alone or in quotation marks.
ENGLISH = re.compile(r"\b[a-z]{2,} [a-z]{2,}\b", re.IGNORECASE)
LINK = "01990000-0000-7000-8000-000000000000"


class Chinese(Api):
    """An API caller who asks for a language."""

    def __init__(self, client: Any, key: str, language: str) -> None:
        super().__init__(client, key)
        self.headers["Accept-Language"] = language


@pytest.fixture(scope="module")
def things(server: Server, template: Template) -> Iterator[Opened]:
    with serving(server, template) as opened:
        make_workspace(opened.service, THINGS, packs=("forms",), folders=[PACKS], administrator=ADMIN)
        yield opened


@pytest.fixture(scope="module")
def key(things: Opened) -> str:
    with things.service.databases.system() as conn:
        return create_key(conn, ADMIN, THINGS)


@pytest.fixture(params=CHINESE)
def api(things: Opened, key: str, request: pytest.FixtureRequest) -> Api:
    return Chinese(things.client, key, request.param)


@pytest.fixture(params=CHINESE)
def person(things: Opened, request: pytest.FixtureRequest) -> Person:
    return Person(things.client, THINGS, ADMIN, request.param)


def foreign(text: str) -> bool:
    """Whether a text holds no Chinese, or a sentence of English."""
    plain = re.sub(r"“[^”]*”|「[^」]*」|\"[^\"]*\"|`[^`]*`|\{[^}]*\}|https?://\S+", "", text)
    return CJK.search(text) is None or ENGLISH.search(plain) is not None


def in_english(said: Any) -> list[str]:
    """What a refusal of the API says in another language than Chinese. A hint that is a sample alone reads the same everywhere."""
    assert 400 <= said.status_code < 500, said.text
    body = said.json()
    told = [body["title"], body["detail"], body.get("hint")]
    for each in body.get("problems", ()):
        told += [each["message"], each.get("hint")]
    return [text for text in told if text and not text.startswith(("{", '"')) and foreign(text)]


def drawn_in_english(said: Any) -> list[str]:
    """The same for a page that says what is wrong."""
    assert said.status_code == 422, said.text[:500]
    page = BeautifulSoup(said.text, "html.parser")
    lines = [at.get_text(" ", strip=True) for at in page.select(".field-error, .alert-error, .form-summary")]
    assert any(lines)
    return [line for line in lines if line and foreign(line)]


BAD: dict[str, list[Any]] = {
    "name": [None, "", "x" * 31, 7, ["a"], {"a": 1}, True, "a\x07b", "a\nb", "odd"],
    "code": ["x" * 21, 1.5],
    "state": ["nothing", 5, ["open"], "打开打开"],
    "how": ["sunk"],
    "long": [7, ["a"], "x" * 200_001],
    "rich": [7, "x" * 2_000_001],
    "mail": ["nobody", 7, "a@b", "x" * 400 + "@acme.example"],
    "call": ["call me", 7, "1" * 40],
    "web": ["nowhere", 7, "javascript:alert(1)", "https://a:b@acme.example/"],
    "bar": [7, "x" * 300],
    "paint": ["reddish", 7],
    "whole": [-1, 101, "many", 1.5, True, "1e3", 2**70],
    "part": ["1.2345", 1.5, "much", True, "1" + "0" * 30, [1]],
    "share": ["1.234", "half"],
    "price": [-1, "-0.01", "1.234", "¥¥"],
    "care": [6, -1, "good"],
    "span": ["long", True, 1.5],
    "yes": ["perhaps", 7, []],
    "several": [["d"], "d", 7, ["a", 7]],
    "words": [7, ["x" * 200], [7]],
    "place": ["moon", 7],
    "day": ["yesterday", "2026-02-30", 7, "2026-13-01"],
    "moment": ["soon", "2026-11-26T10:30:00", "2026-02-30T10:30:00Z", 7],
    "bell": ["noon", "25:00", 7],
    "stay": ["a week", {"from": "2026-11-30", "to": "2026-11-01"}, {"from": "x"}, {"from": "2026-11-30", "till": "x"}],
    "shelf": ["x", LINK, 7, {"name": "nobody"}, {"nothing": 1}, {"id": 7}],
    "shelves": [[LINK], ["x"], "x", 7, {"a": 1}],
    "about": ["x", LINK, {"object": "nothing", "id": LINK}, {"object": "fm_piece", "id": LINK}],
    "who": [LINK, "x"],
    "team": [LINK, "x"],
    "home": ["here", {"planet": "x"}, {"street": 7}, {"street": "x" * 1_000}],
    "spot": ["here", {"lat": "91", "lng": "0"}, {"lat": "x", "lng": "0"}, {"lat": "1"}],
    "pass": [7],
    "data": [{"a": "x" * 2_000_000}],
    "total": ["1"],
    "with_tax": ["1"],
    "pieces": ["x", [7], [{"what": None}], [{"quantity": "-1", "what": "a"}], [{"id": LINK}], [{"nothing": 1}]],
    "nothing": [1],
    "id": [7],
    "owner": [LINK, "x"],
    "record_type": ["nothing"],
}  # fmt: skip


@pytest.mark.parametrize("field", BAD)
def test_a_bad_value_of_every_field(api: Api, field: str) -> None:
    for value in BAD[field]:
        said = api.post("/records/fm_thing", {"name": "Anchor", "state": "open", field: value})
        assert said.status_code in (400, 422), (value, said.text)
        assert in_english(said) == []


def test_the_label_is_the_readers(things: Opened, key: str) -> None:
    said = Chinese(things.client, key, "zh-CN").post("/records/fm_thing", {"name": "Anchor", "whole": 101})
    assert said.json()["problems"] == [
        {
            "code": "too_large",
            "message": "整数：不能大于 100，当前为 101",
            "field": "whole",
            "level": "error",
        }
    ]
    english = Api(things.client, key).post("/records/fm_thing", {"name": "Anchor", "whole": 101}).json()
    assert english["problems"][0]["message"] == "Whole: 101 is above 100"


TYPED: dict[str, list[Any]] = {
    "name": ["", "x" * 31, "odd"],
    "whole": ["many", "101", "1.5"],
    "part": ["1.2345", "much"],
    "share": ["half"],
    "price": ["-1", "¥¥"],
    "span": ["long"],
    "mail": ["nobody"],
    "call": ["call me"],
    "web": ["nowhere", "javascript:alert(1)"],
    "paint": ["reddish"],
    "state": ["nothing", ""],
    "how": ["sunk"],
    "several": [["d"]],
    "place": [["moon"]],
    "day": ["yesterday", "2026-02-30"],
    "moment": ["soon"],
    "bell": ["noon"],
    "stay.to": ["x"],
    "shelf": ["x", LINK],
    "shelves": [[LINK]],
    "about": ["x", f"account:{LINK}"],
    "who": [LINK],
    "spot.lat": ["here"],
    "data": ["{"],
    "long": ["x" * 200_001],
    "pieces.n1.quantity": ["two", "-1"],
}  # fmt: skip


def test_a_bad_value_of_every_input(person: Person) -> None:
    blank = sent(person.page(NEW), {"name": "Anchor"})
    for name, values in TYPED.items():
        for value in values:
            typed = [(n, t) for n, t in blank if n != name] + [
                (name, t) for t in (value if isinstance(value, list) else [value])
            ]
            if name.startswith("pieces"):
                typed.append(("pieces.n1.what", "Chain"))
            assert drawn_in_english(person.post(NEW, typed)) == [], (name, str(value)[:40])


@pytest.mark.parametrize(
    "query",
    [
        "where=nothing==1", "where=whole==", "where=whole=='a'", "where=" + "a" * 3_000, "sort=nothing", "columns=nothing",
        "where=COUNT(1)", "where=shelf.nothing==1", "where=state=='none'",
    ],
)  # fmt: skip
def test_a_list_that_cannot_be(person: Person, query: str) -> None:
    assert drawn_in_english(person.get(f"/o/fm_thing?{query}")) == []


@pytest.mark.parametrize(
    "query",
    [
        "where=nothing==1", "where=whole==", "where=whole>'a'", "where=1%2B", "where=FOO(1)", "where=day>1", "where=ABS('a')",
        "where=shelf.nothing==1", "sort=nothing", "sort=data", "fields=nothing", "fields=shelf.nothing", "limit=0", "limit=many",
        "after=x", "nothing=1", "count=maybe", "expand=nothing", "where=" + "a" * 3_000, "where=state=='none'",
        "where=whole==1;2", "where='a", "where=(1", "where=name%20whole", "where=whole^2==1", "where=many_x(1)==2",
        "where=shelf=='x'", "where=pieces==1", "where=me.x==1", "where=IFS(1)", "where=DATEADD(day,'x')==day",
    ],
)  # fmt: skip
def test_a_question_that_cannot_be_asked(api: Api, query: str) -> None:
    said = api.get(f"/records/fm_thing?{query}")
    assert in_english(said) == [], said.text


def test_what_is_not_there_and_what_may_not_be(things: Opened, api: Api) -> None:
    thing = api.make("fm_thing", name="Anchor")
    at = f"/records/fm_thing/{thing['id']}"
    wrong = [
        api.get("/records/nothing"),
        api.get(f"/records/fm_thing/{LINK}"),
        api.get("/records/fm_thing/x"),
        api.get("/nothing"),
        api.get("/releases/many"),
        api.get("/definitions/object/nothing"),
        api.get("/search"),
        api.get(f"/files/{LINK}"),
        api.get(f"/imports/{LINK}"),
        api.patch(at, {"name": "Other"}, headers={"If-Match": '"99"'}),
        api.patch(at, {"name": "Other"}, headers={"If-Match": "nonsense"}),
        api.post("/records/fm_thing", [1]),
        api.post("/records/fm_thing/bulk", {"records": 7}),
        api.post("/records/fm_thing/bulk", {"mode": "some", "records": []}),
        api.post("/records/fm_thing/bulk", {"mode": "all", "records": [{"name": "a" * 40}]}),
        api.post("/records/fm_thing", {"name": "Many", "whole": 60}),
        api.call("POST", "/records/fm_thing", content=b"{", headers={"Content-Type": "application/json"}),
        api.call("POST", "/records/fm_thing", content=b"{}", headers={"Content-Type": "text/plain"}),
        api.call("PUT", "/search"),
        Chinese(things.client, "patron_no_key", api.headers["Accept-Language"]).get("/objects"),
    ]
    assert [(str(said.request.url), in_english(said)) for said in wrong if in_english(said)] == []


def test_one_of_many_that_is_refused(api: Api) -> None:
    said = api.post(
        "/records/fm_thing/bulk",
        {"mode": "each", "records": [{"name": "Good"}, {"name": "x" * 31, "whole": 101}]},
    )
    refused = said.json()["results"][1]
    assert refused["action"] == "refused" and len(refused["problems"]) == 2
    assert [p["message"] for p in refused["problems"] if foreign(p["message"])] == []


FILES = [
    (b"", {}),
    (b"\xff\xfe\x00", {}),
    (b"Name\na,b,c\n", {"mapping": '{"columns": {"Nothing": "name"}}'}),
    (b"Name\nAnchor\n", {"mapping": '{"columns": {"Name": "nothing"}}'}),
    (b"Name\nAnchor\n", {"mapping": "["}),
    (b"Name\nAnchor\n", {"trial": "many"}),
    (b"Name\nAnchor\n", {"object": "nothing"}),
]


@pytest.mark.parametrize(("data", "fields"), FILES)
def test_a_file_that_cannot_be_imported(api: Api, data: bytes, fields: dict[str, str]) -> None:
    said = api.call(
        "POST", "/imports", files={"file": ("things.csv", data)}, data={"object": "fm_thing", **fields}
    )
    assert in_english(said) == [], said.text


def test_rows_that_cannot_be_imported_are_told_to_each_in_his_language(things: Opened, key: str) -> None:
    english = Api(things.client, key)
    rows = "Name,Whole,Day\nOne,many,2026-02-30\nTwo,101,2026-01-01\n,1,2026-01-01\n"
    mapping = '{"columns": {"Name": "name", "Whole": "whole", "Day": "day"}}'
    begun = english.call(
        "POST",
        "/imports",
        files={"file": ("things.csv", rows.encode())},
        data={"object": "fm_thing", "mapping": mapping},
    )
    assert begun.status_code == 202, begun.text
    batch = begun.json()["id"]
    carry_out(things.service.runtime.workspace(THINGS), batch)
    told = {
        language: Chinese(things.client, key, language).get(f"/imports/{batch}").json()
        for language in ("en", *CHINESE)
    }
    assert told["en"]["problems"][1]["problems"][0]["message"] == "Whole: 101 is above 100"
    for language in CHINESE:
        found = [p for row in told[language]["problems"] for p in row["problems"]]
        assert len(found) == 4
        assert [p for p in found if foreign(p["message"]) or (p.get("hint") and foreign(p["hint"]))] == []
        report = Chinese(things.client, key, language).get(f"/imports/{batch}/problems").text
        assert CJK.search(report) and not ENGLISH.search(report.partition("\n")[2])


def sent(page: BeautifulSoup, changes: dict[str, Any]) -> list[tuple[str, Any]]:
    """The form as a browser would send it, with some inputs filled in otherwise."""
    form = page.select_one("form.form")
    assert form is not None
    hidden = [
        (str(at["name"]), str(at.get("value", "")))
        for at in form.select("input[type=hidden][name]")
        if not at.find_parent("template")
    ]
    state = ("state", "open")
    return [(n, v) for n, v in hidden if n not in (*changes, "_csrf")] + [state, *changes.items()]


def _read_on(page: BeautifulSoup) -> Iterator[str]:
    """What people read on a page or are told of its parts; what they wrote themselves and code are left out."""
    for at in page(["script", "style", "template", "textarea", "code", "pre"]):
        at.extract()
    for text in page.find_all(string=True):
        if not isinstance(text, Comment):
            yield " ".join(text.split())
    for at in page.find_all(True):
        yield from (str(at[name]) for name in ("title", "aria-label", "placeholder", "alt") if at.get(name))


PAGES = (
    "/", "/o/account", "/o/fm_thing", NEW, "/o/fm_thing/{id}", "/o/fm_thing/{id}/edit", "/o/fm_thing/{id}/sharing", "/o/fm_thing/{id}/access",
    "/o/fm_thing/{id}/delete", "/list/fm_thing/filter", "/list/fm_thing/columns", "/me", "/me/notices", "/me/sign-ins",
    "/inbox", "/runs", "/automations", "/search?q=x", "/admin/people", "/admin/roles", "/admin/sharing", "/admin/departments",
    "/admin/privacy", "/admin/outbox", "/admin/connections", "/admin/explain", "/admin/handover", "/admin/changes",
    "/audit",
)  # fmt: skip


@pytest.fixture(scope="module")
def thing(things: Opened, key: str) -> str:
    return str(Api(things.client, key).make("fm_thing", name="锚")["id"])


def test_no_page_speaks_english_or_of_ids_to_who_reads_chinese(things: Opened, thing: str) -> None:
    person = Person(things.client, THINGS, ADMIN, "zh-CN")
    wrong: dict[str, str] = {}
    for path in PAGES:
        for text in _read_on(person.page(path.replace("{id}", thing))):
            plain = re.sub(r"“[^”]*”|\S+@\S+", "", text)
            if ENGLISH.search(plain) or re.search(ID, plain):
                wrong.setdefault(text[:100], path)
    assert wrong == {}
