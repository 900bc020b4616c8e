"""Attacks with forms that nobody drew (I150 to I162), from other sites and sessions (H134, H140, H141), and on what a browser keeps."""

from __future__ import annotations

import time
from typing import Any

import pytest

from patron_testing.crawl import NOWHERE
from patron_testing.web import ADMIN, PASSWORD, REP, V1, Api, Opened, Person

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
FIELDS = [
    {"name": "name", "type": "text", "label": "Name"},
    {"name": "open", "type": "boolean", "label": "Open"},
    {"name": "closed", "type": "text", "label": "Closed", "readonly": True},
    {"name": "hidden", "type": "text", "label": "Hidden", "visible": "open"},
    {"name": "shut", "type": "text", "label": "Shut by the layout"},
    {
        "name": "twice",
        "type": "formula",
        "expression": "CONCAT(name, name)",
        "returns": "text",
        "label": "Twice",
    },
]


@pytest.fixture(scope="module")
def person(opened: Opened) -> Person:
    sections = [
        {
            "name": "s",
            "fields": ["name", "open", "closed", "hidden", {"field": "shut", "readonly": True}, "twice"],
        }
    ]
    for kind, name, body in (
        ("object", "c_door", {"label": "Door", "title": "name", "fields": FIELDS}),
        ("layout", "c_door", {"object": "c_door", "sections": sections}),
    ):
        said = opened.admin.put(f"/definitions/{kind}/{name}", body)
        assert said.status_code == 200, said.text
    draft = said.json()["draft"]
    plan = opened.admin.post(f"/drafts/{draft}/plan").json()
    assert opened.admin.post(f"/drafts/{draft}/publish", {"checksum": plan["checksum"]}).status_code == 201, (
        plan
    )
    return opened.person()


def count(opened: Opened) -> int:
    return int(opened.admin.get("/records/yd_job", params={"count": "exact", "limit": "1"}).json()["count"])


def made(said: Any, admin: Api, object: str) -> dict[str, Any] | None:
    """The record a form made, if it made one."""
    assert said.status_code in (303, 400, 403, 409, 422), said.status_code
    return (
        admin.read(object, said.headers["location"].rpartition("/")[2]) if said.status_code == 303 else None
    )


# -- I150, I152: what is not the sender's to write ------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["closed", "hidden", "shut", "twice", "_was.shut", "shut.x", "hidden.", "closed.part"]
)
def test_i152_what_the_form_closes_is_not_written(opened: Opened, person: Person, name: str) -> None:
    record = made(person.post("/o/c_door/new", {"name": "A", name: "forged"}), opened.admin, "c_door")
    assert record is None or "forged" not in str({**record, "name": ""}), record
    kept = opened.admin.make("c_door", name="B")
    made(
        person.post(f"/o/c_door/{kept['id']}/edit", {"name": "B", "_version": "1", name: "forged"}),
        opened.admin,
        "c_door",
    )
    assert "forged" not in str(opened.admin.read("c_door", kept["id"]))


SYSTEM = ("id", "version", "workspace", "tenant_id", "created_by", "created_at", "updated_by", "deleted_at", "voided_at", "currency.x",
          "__class__", "__proto__", "constructor", "_sa_instance_state", "record_type", "is_admin", "lines", "lines.n1", "lines.n1.job",
          "lines.n1.position", "lines.n1.subtotal", "berth.name", "about.name", "", ".", "..", "name.name.name", "[]", "name[]")  # fmt: skip


@pytest.mark.parametrize("name", SYSTEM)
@pytest.mark.parametrize("path", ["/o/yd_job/new", "/o/yd_job/{id}/edit"])
def test_i150_names_that_are_the_platforms(opened: Opened, person: Person, name: str, path: str) -> None:
    kept = opened.admin.make("yd_job", name="Kept")
    form = {"name": "Kept", "class": "repair", "_version": "1", "lines.n1.what": "", name: NOWHERE}
    record = made(person.post(path.format(id=kept["id"]), form), opened.admin, "yd_job")
    if record is not None:
        assert NOWHERE not in str(record) and record["version"] < 10
    assert opened.admin.read("yd_job", kept["id"])["id"] == kept["id"]


def test_i151_the_details_of_another_record_are_not_within_reach(opened: Opened, person: Person) -> None:
    theirs = opened.admin.make("yd_job", name="Theirs", lines=[{"what": "Theirs", "price": "1"}])
    line = opened.admin.get(f"/records/yd_job/{theirs['id']}/related/lines").json()["records"][0]
    mine = opened.admin.make("yd_job", name="Mine")
    for more in (
        {"what": "Taken"},
        {"_delete": "1"},
        {"job": mine["id"], "what": "Taken"},
        {"version": "1", "price": "9"},
    ):
        form = {"name": "Mine", "_version": "1", **{f"lines.{line['id']}.{k}": v for k, v in more.items()}}
        said = person.post(f"/o/yd_job/{mine['id']}/edit", form)
        assert said.status_code in (404, 409, 422), (more, said.status_code)
    assert opened.admin.read("yd_line", line["id"]) == opened.admin.read("yd_line", line["id"]) | {
        "what": "Theirs",
        "price": "1",
    }
    assert opened.admin.get(f"/records/yd_job/{mine['id']}/related/lines").json()["records"] == []


def test_i150_ids_of_other_objects_and_workspaces_are_no_records(opened: Opened, person: Person) -> None:
    foreign = opened.foreign.make("yd_place", name="Foreign")["id"]
    account = opened.admin.make("account", name="No berth")["id"]
    texts = {
        person.post("/o/yd_job/new", {"name": "x", "class": "repair", "berth": id}).text.count("problem")
        for id in (foreign, account, NOWHERE)
    }
    assert len(texts) == 1, "an id of elsewhere is told like one of nowhere"
    for id in (foreign, account, NOWHERE):
        assert person.post("/o/yd_job/new", {"name": "x", "class": "repair", "berth": id}).status_code == 422
        for path in (
            f"/o/yd_job/{id}",
            f"/o/yd_job/{id}/edit",
            f"/o/yd_job/{id}/delete",
            f"/list/yd_job/cell?id={id}&path=name",
        ):
            assert person.get(path).status_code == 404, path
        for path in (
            f"/o/yd_job/{id}/edit",
            f"/moves/yd_job/{id}",
            f"/o/yd_job/{id}/clone",
            f"/o/yd_job/{id}/void",
            f"/o/yd_job/{id}/follow",
        ):
            assert (
                person.post(path, {"version": "1", "name": "x", "set.name": "x", "on": "1"}).status_code
                == 404
            ), path


# -- I154 to I160: bodies and addresses -----------------------------------------------------------------------------

BODIES: dict[str, tuple[bytes, tuple[int, ...]]] = {
    "a million fields": (b"a=1&" * 1_000_000, (413, 422)), "50 MB": (b"name=" + b"x" * 50_000_000, (413,)), "100,000 fields": (b"a%5B=1&" * 100_000, (422,)),
    "deep brackets": (b"a" + b"%5Bb%5D" * 100_000 + b"=1", (422,)), "deep dots": (b"lines" + b".n1" * 100_000 + b"=1", (422,)),
    "UTF-16": ("name=x".encode("utf-16"), (400,)), "a lone surrogate": (b"name=%ed%a0%80", (400,)), "overlong": (b"name=%c0%af", (400,)),
    "NUL in a name": (b"na%00me=x", (400,)), "a broken escape": (b"name=%zz&class=repair", (303, 400, 422)), "no names": (b"&" * 5_000, (422,)),
    "only equals": (b"=" * 5_000, (422,)), "a name of a megabyte": (b"x" * 1_000_000 + b"=1", (422,)), "2,001 rows": (b"&".join(b"lines.n%d.what=x" % n for n in range(2_001)), (422,)),
    "details too large": (b"name=x&" + b"&".join(b"lines.n%d.price=%s" % (n, b"9" * 300) for n in range(50)), (422,)),
    "unknown button": (b"name=x&_add=nothing&class=repair", (200,)), "a row of no set": (b"name=x&_remove=a.b&class=repair", (200,)),
}  # fmt: skip


@pytest.mark.parametrize("case", BODIES)
def test_i157_i158_bodies_of_forms(opened: Opened, person: Person, case: str) -> None:
    body, statuses = BODIES[case]
    before, token = count(opened), person.token()
    begun = time.perf_counter()
    said = person.call("POST", "/o/yd_job/new", content=body + f"&_csrf={token}".encode(), headers=FORM)
    assert said.status_code in statuses, said.status_code
    assert time.perf_counter() - begun < 60 and "Traceback" not in said.text
    assert count(opened) == before + (said.status_code == 303)


@pytest.mark.parametrize(
    "kind",
    [
        "text/plain",
        "application/json",
        "application/xml",
        "multipart/form-data",
        "multipart/form-data; boundary=" + "x" * 5_000,
        "",
    ],
)
def test_i158_other_kinds_of_bodies(person: Person, kind: str) -> None:
    for path in ("/o/yd_job/new", "/list/yd_job/bulk", "/me", "/moves/undo"):
        said = person.call(
            "POST", path, content=b"name=x", headers={"Content-Type": kind, "X-CSRF-Token": person.token()}
        )
        assert said.status_code == 415, (path, said.status_code)


QUERIES = ("limit=1000000000", "limit=-1", "after=" + "9" * 20, "after=" + "A" * 4_000, "columns=" + ",".join(f"c{n}" for n in range(3_000)),
           "sort=" + ",".join(f"name{n}" for n in range(3_000)), "sort=pass", "sort=-pass,name", "where=pass+%3D%3D+%27x%27", "group=pass", "where=" + "(" * 4_000,
           "where=" + "-" * 20_000 + "1", "where=" + "x" * 20_000, "q=" + "%25" * 5_000, "view=" + "x" * 9_000, "where=MATCHES(name,%27(a%2B)%2B%24%27)",
           "columns=" + ".".join(["parent"] * 12), "where=1&where=2", "name=%00", "%00=1", "type=kanban&after=x", "deleted=1&after=x", "mode=split&after=x")  # fmt: skip


@pytest.mark.parametrize("query", QUERIES, ids=lambda q: q[:30])
def test_i160_i161_questions_of_addresses(person: Person, query: str) -> None:
    begun = time.perf_counter()
    for path in ("/o/yd_job", "/list/yd_job/count", "/list/yd_job/export"):
        said = person.get(f"{path}?{query}")
        assert said.status_code in (200, 303, 400, 404, 410, 422), (path, said.status_code)
        assert len(said.content) < 200_000 + 60 * len(query), path
    assert time.perf_counter() - begun < 60


# -- H: other sites, other sessions, what a browser keeps -----------------------------------------------------------

POSTS = ("/o/yd_job/new", "/o/yd_job/new/preview", "/list/yd_job/bulk", "/list/yd_job/view", "/list/yd_job/columns", "/list/yd_job/filter", "/me", "/me/password",
         "/me/sessions", "/me/fold", "/moves/undo", f"/undo/{NOWHERE}", "/home/done", "/inbox/read", "/regions/apart", "/files",
         "/inbox/decide", "/me/substitutes", f"/approvals/{NOWHERE}", f"/o/yd_job/{NOWHERE}/submit", "/admin/approvals/hand-over")  # fmt: skip
FOREIGN: dict[str, dict[str, str]] = {
    "another site": {"Origin": "https://evil.example"}, "a sandbox": {"Origin": "null"}, "another port": {"Origin": "http://testserver:81"},
    "a name that begins like ours": {"Origin": "http://testserver.evil.example"}, "our name before an at": {"Origin": "http://testserver@evil.example"},
    "said by the browser": {"Sec-Fetch-Site": "cross-site"}, "a sister": {"Sec-Fetch-Site": "same-site"}, "no address": {"Origin": "http://["},
}  # fmt: skip


@pytest.mark.parametrize("path", POSTS)
def test_h140_nothing_is_sent_from_elsewhere(opened: Opened, person: Person, path: str) -> None:
    token, other = person.token(), opened.person(REP).token()
    for headers in FOREIGN.values():
        said = person.call(
            "POST",
            path,
            content=f"_csrf={token}".encode(),
            headers={**FORM, **headers, "X-CSRF-Token": token},
        )
        assert said.status_code == 403 and not any(h.startswith("access-control") for h in said.headers), (
            headers
        )
    for wrong in ("", "x", other, token[:-1], token[:-1] + "g", token.upper(), "é" * 96, token * 2):
        body = f"_csrf={wrong}".encode("ascii", "replace")
        assert person.call("POST", path, content=body, headers=FORM).status_code == 403, wrong
    for method in ("GET", "PUT", "PATCH"):
        said = person.call(
            method,
            path,
            content=f"_csrf={token}".encode(),
            headers={**FORM, "X-HTTP-Method-Override": "POST"},
        )
        assert said.status_code in (200, 403, 404, 405), method
    assert person.get("/").status_code == 200


def test_h140_preflights_are_answered_to_nobody(opened: Opened, person: Person) -> None:
    ask = {
        "Origin": "https://evil.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "x-csrf-token",
    }
    for path in ("/w/acme/o/yd_job/new", f"{V1}/records/yd_job", "/login"):
        said = opened.client.request("OPTIONS", path, headers=ask)
        assert not any(h.startswith("access-control") for h in said.headers)


def test_h141_nobody_is_signed_in_or_out_by_another_site(opened: Opened) -> None:
    person = opened.person()
    cookie = {"Cookie": "; ".join(f"{k}={v}" for k, v in person.cookies.items())}
    for headers in FOREIGN.values():
        said = opened.client.post(
            "/login", data={"email": ADMIN, "password": PASSWORD}, headers=headers, follow_redirects=False
        )
        assert said.status_code == 403 and "set-cookie" not in said.headers
        said = opened.client.post(
            "/logout", data={"_csrf": person.token()}, headers={**cookie, **headers}, follow_redirects=False
        )
        assert said.status_code == 403
    assert opened.client.post("/logout", headers=cookie, follow_redirects=False).status_code == 403
    assert person.get("/").status_code == 200


def test_h134_a_token_somebody_chose_is_never_a_session(opened: Opened) -> None:
    chosen = "chosen-by-another"
    for cookie in (
        f"patron_session={chosen}",
        f"patron_session={chosen}; patron_session=x",
        "patron_session=" + "x" * 5_000,
        "patron_session=\xff",
    ):
        said = opened.client.post(
            "/login",
            data={"email": ADMIN, "password": PASSWORD},
            headers={"Cookie": cookie.encode("latin-1")},
            follow_redirects=False,
        )
        assert said.status_code == 303 and said.cookies["patron_session"] not in cookie
    opened.client.cookies.clear()
    said = opened.client.get(
        "/w/acme/", headers={"Cookie": f"patron_session={chosen}"}, follow_redirects=False
    )
    assert said.status_code == 303


NEXT = ("//evil.example", "///evil.example", "/\\evil.example", "\\\\evil.example", "https:evil.example", "https://evil.example", "http:/evil.example", "/\t/evil.example",
        "\t//evil.example", " //evil.example", "/\n/evil.example", "javascript:alert(1)", "data:text/html,x", "evil.example", "@evil.example", "", "\x00//evil.example",
        "/" + "x" * 5_000, "//", "/\x7f/evil.example")  # fmt: skip


@pytest.mark.parametrize("next", NEXT, ids=lambda n: repr(n)[:30])
def test_g130_one_stays_here_after_signing_in_and_saving(opened: Opened, person: Person, next: str) -> None:
    said = opened.client.post(
        "/login", data={"email": REP, "password": PASSWORD, "next": next}, follow_redirects=False
    )
    opened.client.cookies.clear()
    if said.status_code == 303:
        assert said.headers["location"] in ("/w/acme/", "/workspaces")
    else:
        assert said.status_code == 400
    for path, form in (
        ("/o/yd_job/new", {"name": "x", "class": "repair", "_next": next}), ("/list/yd_job/view", {"act": "reset", "back": next}),
        ("/me/language", {"language": "en"}), ("/moves/undo", {"token": "x", "back": next}), (f"/undo/{NOWHERE}", {"back": next}),
    ):  # fmt: skip
        answer = person.post(
            path,
            form,
            headers={
                "Referer": f"http://testserver{next}".encode("ascii", "replace")
                .decode()
                .replace("\n", "")
                .replace("\x00", "")
            },
        )
        assert answer.headers.get("location", "/w/acme/").startswith("/w/acme/"), (
            path,
            answer.headers["location"],
        )


def test_h144_a_key_in_an_address_opens_nothing(opened: Opened) -> None:
    key = opened.admin.headers["Authorization"].partition(" ")[2]
    for query in ("key", "api_key", "access_token", "token", "Authorization"):
        for path in (f"{V1}/me", "/w/acme/"):
            said = opened.client.get(path, params={query: key}, follow_redirects=False)
            assert (
                said.status_code in (303, 401)
                and key not in said.headers.get("location", "/login?next=").partition("next=")[0]
            )


def test_what_is_private_is_kept_by_no_browser(opened: Opened, person: Person) -> None:
    """After signing out, going back shows nothing: whatever an address answers, it says that it is not to be kept."""
    job = opened.admin.make("yd_job", name="Private")["id"]
    for path in ("/", "/o/yd_job", f"/o/yd_job/{job}", f"/o/yd_job/{job}/edit", "/o-lookup/yd_job/berth?q=", "/list/yd_job/values?q=", "/search?q=Private",
                 "/inbox/count", "/list/yd_job/export", f"/o/yd_job/{job}/people?q=", "/boards/yd_job/choices/berth", "/nothing", "/me"):  # fmt: skip
        said = person.get(path)
        assert said.headers["cache-control"] == "no-store", path
        assert (
            "frame-ancestors 'none'" in said.headers["content-security-policy"]
            and said.headers["x-content-type-options"] == "nosniff"
        ), path
    for path in ("/me", f"/records/yd_job/{job}", "/search?q=x"):
        assert opened.admin.get(path).headers["cache-control"] == "no-store"
