"""Files over HTTP: sent piece by piece, attached by who sent them, fetched by who may read what they hang on, thrown away."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from patron_engine.store.blobs import CHUNK_BYTES
from patron_platform.observe import Observed
from patron_testing.sent_files import HTML, NOBODY, PDF, PNG, count, sent, shown
from patron_testing.web import Api, Opened

# -- fetching ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def digits(opened: Opened) -> str:
    """A file of the ten digits."""
    return str(sent(opened.admin, b"0123456789", "digits.txt", "text/plain")["id"])


RANGES = {
    "bytes=0-3": (206, b"0123"), "bytes=8-": (206, b"89"), "bytes=-2": (206, b"89"), "bytes=0-99": (206, b"0123456789"),
    "bytes=-99": (206, b"0123456789"), "bytes=9-9": (206, b"9"), "bytes=10-": (416, None), "bytes=-0": (416, None),
    "bytes=999999999999999999-": (416, None), "bytes=5-2": (200, b"0123456789"), "items=0-1": (200, b"0123456789"),
    "bytes=0-1,3-4": (200, b"0123456789"), "bytes=": (200, b"0123456789"), "bytes=a-b": (200, b"0123456789"),
    "bytes=" + ",".join("0-1" for _ in range(10_000)): (200, b"0123456789"), "bytes=٣-٤": (200, b"0123456789"),
}  # fmt: skip


@pytest.mark.parametrize("header", RANGES, ids=lambda h: h[:20])
def test_ranges(admin: Api, digits: str, header: str) -> None:
    status, content = RANGES[header]
    got = admin.get(f"/files/{digits}", headers={"Range": header.encode()})
    assert got.status_code == status
    if content is None:
        assert got.headers["content-range"] == "bytes */10"
    else:
        assert got.content == content and got.headers["content-length"] == str(len(content))
        assert ("content-range" in got.headers) is (status == 206)


def test_what_the_reader_has_already(admin: Api, digits: str) -> None:
    path = f"/files/{digits}"
    tag = admin.get(path).headers["etag"]
    for header in (tag, f'"x", W/{tag}', "*"):
        got = admin.get(path, headers={"If-None-Match": header})
        assert (got.status_code, got.content) == (304, b"")
    assert admin.get(path, headers={"If-None-Match": '"x"'}).status_code == 200
    again = {"Range": "bytes=0-1", "If-Range": tag}
    assert admin.get(path, headers=again).status_code == 206
    assert admin.get(path, headers={**again, "If-Range": '"x"'}).status_code == 200


def test_head_says_all_and_sends_nothing(admin: Api, digits: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("patron_engine.store.blobs.piece", lambda *_: pytest.fail("nothing is to be read"))
    said = admin.call("HEAD", f"/files/{digits}")
    assert (said.status_code, said.content, said.headers["content-length"]) == (200, b"", "10")
    part = admin.call("HEAD", f"/files/{digits}", headers={"Range": "bytes=0-3"})
    assert (part.status_code, part.headers["content-length"]) == (206, "4")


def test_the_server_knows_that_it_was_head() -> None:
    """It leaves the body out by its own scope, which must not be changed under it."""
    seen: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["method"])

    async def nothing(*_: Any) -> None:
        return None

    scope = {"type": "http", "method": "HEAD", "path": "/", "headers": []}
    # In a thread of its own: a browser that an earlier test left open keeps this one's event loop.
    with ThreadPoolExecutor(1) as aside:
        aside.submit(asyncio.run, Observed(app)(scope, nothing, nothing)).result()  # type: ignore[arg-type]
    assert (seen, scope["method"]) == (["GET"], "HEAD")


def test_an_upload_is_its_senders_alone(opened: Opened) -> None:
    made = sent(opened.rep)
    path = f"/files/{made['id']}"
    assert opened.rep.get(path).content == PDF
    missing = opened.admin.get(f"/files/{NOBODY}")
    for other in (opened.admin, opened.foreign):
        for method in ("GET", "DELETE"):
            said = other.call(method, path)
            assert said.status_code == 404 and said.content == missing.content, "as if it were not there"
    assert opened.rep.delete(path).json()["action"] == "deleted"
    assert opened.rep.get(path).status_code == 404


@pytest.mark.parametrize("id", ["x", "%00", "..%2f..", "00000000-0000-0000-0000-00000000000g", NOBODY])
def test_files_there_are_not(admin: Api, id: str) -> None:
    for method in ("GET", "HEAD", "DELETE"):
        assert admin.call(method, f"/files/{id}").status_code == 404
    assert admin.get(f"/files/{id}", params={"x": "1"}).status_code in (404, 422)


def test_rows_of_imports_are_no_files(admin: Api, opened: Opened) -> None:
    said = admin.call(
        "POST", "/imports", files={"file": ("a.csv", b"name\nStaged\n")}, data={"object": "yd_place"}
    )
    assert said.status_code == 202, said.text
    with opened.service.databases.system("publish") as conn:
        rows = conn.execute("SELECT id FROM w_acme.sys__file WHERE object = 'sys__import'").fetchall()
    assert rows
    job = admin.make("yd_job", name="Staged")
    for (id,) in rows:
        assert admin.get(f"/files/{id}").status_code == 404
        assert admin.patch(f"/records/yd_job/{job['id']}", {"plans": [str(id)]}).status_code == 422


# -- attaching --------------------------------------------------------------------------------------------------


def test_files_of_a_field(admin: Api) -> None:
    one, two, three = (sent(admin, name=f"{n}.pdf") for n in "abc")
    job = admin.make("yd_job", name="With plans", plans=[two["id"], {"id": one["id"]}])
    path = f"/records/yd_job/{job['id']}"
    names = [f["name"] for f in shown(admin, job["id"], "plans")]
    assert names == ["b.pdf", "a.pdf"], "in the order they were given"
    assert admin.get(f"/files/{one['id']}").content == PDF
    said = admin.patch(path, {"plans": [one["id"], three["id"], two["id"]]})
    assert said.status_code == 200
    assert [f["name"] for f in shown(admin, job["id"], "plans")] == ["a.pdf", "c.pdf", "b.pdf"]
    same = admin.patch(path, {"plans": [one["id"], three["id"], two["id"]]})
    assert same.headers["etag"] == said.headers["etag"], "nothing changed, nothing is written"
    admin.patch(path, {"plans": [three["id"]]})
    assert admin.get(f"/files/{one['id']}").status_code == 404, "taken off"
    assert admin.patch(path, {"plans": [three["id"], one["id"]]}).status_code == 200, "and back"
    assert admin.get(f"/files/{one['id']}").status_code == 200
    admin.patch(path, {"plans": None})
    assert shown(admin, job["id"], "plans") == []
    history = [e["old"] for e in admin.get(path + "/history").json()["history"] if "plans" in e["old"]]
    assert [f["name"] for f in history[0]["plans"]] == ["c.pdf", "a.pdf"]


def refused(said: Any) -> list[tuple[str, str]]:
    assert said.status_code == 422, said.text
    return [(p["field"], p["code"]) for p in said.json()["problems"]]


def test_files_that_may_not_stand_in_a_field(admin: Api) -> None:
    big = sent(admin, PDF + b"x" * 3 * CHUNK_BYTES, "big.pdf")
    page = sent(admin, HTML, "page.pdf")
    picture = sent(admin, PNG, "p.png", "image/png")
    said = admin.post("/records/yd_job", {"name": "x", "plans": [big["id"], page["id"]], "photo": page["id"]})
    assert refused(said) == [
        ("plans", "limit_file_size"), ("plans", "file_type"), ("photo", "file_not_found"),
    ], "and one file stands in one place"  # fmt: skip
    assert refused(admin.post("/records/yd_job", {"name": "x", "photo": page["id"]})) == [
        ("photo", "file_type")
    ]
    assert refused(admin.post("/records/yd_job", {"name": "x", "memo": picture["id"]})) == [
        ("memo", "file_type")
    ]
    two = [picture["id"], sent(admin, PNG, "q.png")["id"]]
    assert ("photo", "limit_files") in refused(admin.post("/records/yd_job", {"name": "x", "photo": two}))
    for wrong in ("x", 5, True, [[picture["id"]]], {"name": "x"}, "../x"):
        assert refused(admin.post("/records/yd_job", {"name": "x", "photo": wrong}))[0][0] == "photo"
    assert admin.make("yd_job", name="x", photo=picture["id"])["version"] == 1
    assert shown(admin, admin.rows("yd_job", where="name == 'x'")[0]["id"], "photo")["name"] == "p.png"


def test_whose_files_may_be_attached(opened: Opened) -> None:
    admin = opened.admin
    foreign, others, mine = sent(opened.foreign), sent(opened.rep), sent(admin)
    answers = set()
    for id in (others["id"], foreign["id"], NOBODY):
        said = admin.post("/records/yd_job", {"name": "Taken", "plans": [id]})
        assert refused(said) == [("plans", "file_not_found")]
        answers.add(said.text.replace(id, ""))
    assert len(answers) == 1, "another's is answered as none at all"
    job = admin.make("yd_job", name="First", plans=[mine["id"]])
    other = admin.make("yd_job", name="Second")
    assert refused(admin.patch(f"/records/yd_job/{other['id']}", {"plans": [mine["id"]]})) == [
        ("plans", "file_not_found")
    ]
    assert refused(admin.patch(f"/records/yd_job/{job['id']}", {"photo": mine["id"]}))[0] == (
        "photo", "file_not_found",
    )  # fmt: skip
    assert opened.rep.get(f"/files/{mine['id']}").status_code == 404, "who may not read the record"
    assert admin.delete(f"/files/{mine['id']}").json()["code"] == "file_attached"
    twice = sent(admin)["id"]
    rows = [{"name": "One", "plans": [twice]}, {"name": "Two", "plans": [twice]}]
    said = admin.post("/records/yd_job/bulk", {"mode": "each", "records": rows})
    assert [r["action"] for r in said.json()["results"]] == ["created", "refused"]
    assert admin.post("/records/yd_job/bulk", {"records": rows}).status_code == 422


def test_a_record_takes_its_files_along(admin: Api, opened: Opened) -> None:
    plan, own = sent(admin), sent(admin, b"hello", "own.txt", "text/plain")
    job = admin.make("yd_job", name="Short life", plans=[plan["id"]])
    path = f"/records/yd_job/{job['id']}"
    admin.post(path + "/files", {"file": own["id"]})
    admin.delete(path)
    for id in (plan["id"], own["id"]):
        assert admin.get(f"/files/{id}").status_code == 404, "hidden with the record"
    admin.post(path + "/restore")
    for id in (plan["id"], own["id"]):
        assert admin.get(f"/files/{id}").status_code == 200
    clone = admin.post(path + "/clone", {"name": "Copy"})
    assert clone.status_code == 201 and shown(admin, clone.json()["id"], "plans") == []
    before = count(opened)
    admin.delete(path)
    assert admin.delete(path, params={"purge": "true"}).status_code == 200
    assert count(opened) == before - 2, "for good, bytes too"


# -- files of the record itself -----------------------------------------------------------------------------------


def test_files_of_a_record(admin: Api) -> None:
    job = admin.make("yd_job", name="Papers")
    path = f"/records/yd_job/{job['id']}/files"
    assert admin.get(path).json() == {"files": []}
    one, two = sent(admin, name="one.pdf"), sent(admin, HTML, "two.html")
    said = admin.post(path, {"file": one["id"]})
    assert (said.status_code, said.json()["name"], said.headers["etag"]) == (201, "one.pdf", '"2"')
    assert said.json()["created_by"]["title"]
    assert admin.post(path, {"file": two["id"]}).status_code == 201
    assert admin.post(path, {"file": two["id"]}).headers["etag"] == '"3"', "it hangs there already"
    assert [f["name"] for f in admin.get(path).json()["files"]] == ["one.pdf", "two.html"]
    assert admin.get(f"/files/{two['id']}").content == HTML
    gone = admin.delete(f"{path}/{one['id']}")
    assert (gone.status_code, gone.json()["version"]) == (200, 4)
    assert admin.get(f"/files/{one['id']}").status_code == 404
    assert admin.delete(f"{path}/{one['id']}").status_code == 404
    history = admin.get(f"/records/yd_job/{job['id']}/history").json()["history"]
    assert [[f["name"] for f in e["old"].get("files", [])] for e in history] == [
        ["one.pdf", "two.html"], ["one.pdf"], [], [],
    ]  # fmt: skip


def test_what_is_no_file_of_a_record(opened: Opened) -> None:
    admin = opened.admin
    job, place = admin.make("yd_job", name="Refuses"), admin.make("yd_place", name="Without files")
    path, mine, others = f"/records/yd_job/{job['id']}/files", sent(admin), sent(opened.rep)
    assert refused(admin.post(path, {"file": others["id"]})) == [("file", "file_not_found")]
    for wrong in ({}, {"file": "x"}, {"file": [mine["id"]]}, {"file": None}, {"files": mine["id"]}):
        assert admin.post(path, wrong).status_code == 422
    bare = f"/records/yd_place/{place['id']}/files"
    said = admin.post(bare, {"file": mine["id"]})
    assert (said.status_code, said.json()["code"], admin.get(bare).status_code) == (404, "no_files", 404)
    stale = {"If-Match": '"7"'}
    assert admin.post(path, {"file": mine["id"]}, headers=stale).status_code == 412
    assert (
        opened.rep.get(path).status_code == opened.rep.post(path, {"file": others["id"]}).status_code == 404
    )
    assert admin.get(f"/records/yd_job/{NOBODY}/files").status_code == 404
    assert admin.post(path, {"file": mine["id"]}).status_code == 201
    assert opened.rep.delete(f"{path}/{mine['id']}").status_code == 404
    assert opened.rep.get(f"/files/{mine['id']}").status_code == 404


def test_an_export_with_files_can_be_imported_again(admin: Api, opened: Opened) -> None:
    from patron_platform.jobs.tasks import work_off

    job = admin.make("yd_job", name="Carried", plans=[sent(admin)["id"]])
    asked = {"fields": "id,name,plans", "where": "name == 'Carried'"}
    exported = admin.get("/exports/yd_job", params=asked)
    assert job["id"] in exported.text
    said = admin.call(
        "POST", "/imports", files={"file": ("jobs.csv", exported.content)}, data={"object": "yd_job"}
    )
    assert said.status_code == 202, said.text
    work_off(opened.service.runtime.workspace("acme"))
    done = admin.get(f"/imports/{said.json()['id']}").json()
    assert (done["state"], done["unchanged"], done["refused"]) == ("done", 1, 0), done
    assert len(shown(admin, job["id"], "plans")) == 1
