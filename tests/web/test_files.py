"""Files over HTTP: sent piece by piece, attached by who sent them, fetched by who may read what they hang on, thrown away."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import pytest
from psycopg import sql

from patron_engine.store.blobs import CHUNK_BYTES
from patron_platform.observe import Observed
from patron_testing.web import V1, Api, Opened

PDF = b"%PDF-1.7\n" + b"x" * 500
PNG = (
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
    + (2).to_bytes(4, "big")
    + (3).to_bytes(4, "big")
    + b"\x08\x06\0\0\0"
    + b"z" * 90
)
HTML = b"<!doctype html><script>alert(document.domain)</script>"
SVG = b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'></svg>"
NOBODY = "0198c0de-0000-7000-8000-000000000009"


def send(
    api: Api, data: bytes = PDF, name: str = "plan.pdf", mime: str = "application/pdf", **more: Any
) -> Any:
    return api.call("POST", "/files", files={"file": (name, data, mime)}, **more)


def sent(
    api: Api, data: bytes = PDF, name: str = "plan.pdf", mime: str = "application/pdf"
) -> dict[str, Any]:
    said = send(api, data, name, mime)
    assert said.status_code == 201, said.text
    made: dict[str, Any] = said.json()
    return made


def count(opened: Opened, table: str = "sys__file_chunk") -> int:
    query = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier("w_acme", table))
    with opened.service.databases.system("read") as conn:
        row = conn.execute(query).fetchone()
    assert row is not None
    return int(row[0])


def shown(api: Api, id: str, field: str) -> Any:
    return api.get(f"/records/yd_job/{id}", params={"fields": field}).json()[field]


# -- sending ----------------------------------------------------------------------------------------------------


def test_a_file_is_sent_and_fetched_as_it_was(admin: Api) -> None:
    said = send(admin, PDF, "报价 单.pdf")
    assert said.status_code == 201, said.text
    made = said.json()
    assert made == {
        "id": made["id"], "name": "报价 单.pdf", "mime": "application/pdf", "size": len(PDF),
        "sha256": sha256(PDF).hexdigest(),
    }  # fmt: skip
    assert said.headers["location"] == f"{V1}/files/{made['id']}"
    got = admin.get(f"/files/{made['id']}")
    assert (got.status_code, got.content) == (200, PDF)
    assert got.headers["etag"] == f'"{made["sha256"]}"'
    assert got.headers["content-length"] == str(len(PDF))
    assert got.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in got.headers["content-security-policy"]
    assert got.headers["content-disposition"] == (
        "attachment; filename=\"__ _.pdf\"; filename*=UTF-8''%E6%8A%A5%E4%BB%B7%20%E5%8D%95.pdf"
    )


def test_the_body_may_be_the_file_itself(admin: Api) -> None:
    headers = {
        "Content-Disposition": "attachment; filename*=UTF-8''%E5%9B%BE.pdf",
        "Content-Type": "text/html",
    }
    said = admin.call("POST", "/files", content=PDF, headers=headers)
    assert (said.status_code, said.json()["name"], said.json()["mime"]) == (201, "图.pdf", "application/pdf")
    plain = admin.call(
        "POST", "/files", content=b"a,b", headers={"Content-Disposition": 'x; filename="l.csv"'}
    )
    assert (plain.json()["name"], plain.json()["mime"]) == ("l.csv", "text/csv")
    nameless = admin.call("POST", "/files", content=PDF, headers={"Content-Type": "application/pdf"})
    assert (nameless.status_code, nameless.json()["code"]) == (422, "invalid")


def test_a_file_of_several_pieces_sent_without_its_length(admin: Api) -> None:
    data = zlib.compress(b"begin") + bytes(range(256)) * (CHUNK_BYTES // 100)

    def pieces() -> Iterator[bytes]:
        for at in range(0, len(data), 70_001):
            yield data[at : at + 70_001]

    headers = {"Content-Disposition": 'attachment; filename="big.bin"'}
    said = admin.call("POST", "/files", content=pieces(), headers=headers)
    assert said.status_code == 201 and said.json()["size"] == len(data) > 2 * CHUNK_BYTES
    assert said.json()["sha256"] == sha256(data).hexdigest()
    path = f"/files/{said.json()['id']}"
    assert admin.get(path).content == data
    border = CHUNK_BYTES - 3
    got = admin.get(path, headers={"Range": f"bytes={border}-{border + 9}"})
    assert (got.status_code, got.content) == (206, data[border : border + 10])


def test_an_empty_file_is_a_file(admin: Api) -> None:
    made = sent(admin, b"", "empty.txt", "text/plain")
    assert made["size"] == 0
    got = admin.get(f"/files/{made['id']}")
    assert (got.status_code, got.content, got.headers["content-length"]) == (200, b"", "0")


NAMES = {
    "../../etc/passwd": "passwd", "C:\\Users\\x\\a.pdf": "a.pdf", "/": "file", "..": "file", ".htaccess": ".htaccess",
    "CON": "CON", "%2e%2e%2fx": "%2e%2e%2fx", "invoice\u202efdp.exe": "invoicefdp.exe", "a\u2066b\u2069.txt": "ab.txt",
    "x.php.jpg": "x.php.jpg", "a\x07b.txt": "ab.txt", "  spaced.txt ": "spaced.txt",
    "<svg onload=alert(1)>.jpeg": "<svg onload=alert(1)>.jpeg", "e\u0301.txt": "\u00e9.txt", "👩‍👩‍👧.png": "👩‍👩‍👧.png",
}  # fmt: skip


@pytest.mark.parametrize(("given", "kept"), NAMES.items(), ids=[repr(n) for n in NAMES])
def test_names_are_shown_and_are_never_a_path(admin: Api, given: str, kept: str) -> None:
    body = (
        b'Content-Disposition: form-data; name="file"; filename="'
        + given.replace("\\", "\\\\").encode()
        + b'"\r\n\r\nx'
    )
    said = form(admin, body)
    assert (said.status_code, said.json().get("name")) == (201, kept), said.text
    got = admin.get(f"/files/{said.json()['id']}")
    assert got.headers["content-disposition"].isascii() and got.headers["content-disposition"].isprintable()


def test_a_name_that_is_too_long(admin: Api, opened: Opened) -> None:
    before = count(opened, "sys__file")
    said = send(admin, PDF, "x" * 252 + ".pdf")
    assert (said.status_code, said.json()["problems"][0]["code"]) == (422, "limit_file_name")
    assert send(admin, PDF, "长" * 251 + ".pdf").status_code == 201
    assert count(opened, "sys__file") == before + 1


def form(api: Api, *parts: bytes, end: bytes = b"--b--\r\n", **headers: str) -> Any:
    data = b"".join(b"--b\r\n" + part + b"\r\n" for part in parts) + end
    given = {"Content-Type": "multipart/form-data; boundary=b", **headers}
    return api.call("POST", "/files", content=data, headers=given)


FILE = b'Content-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\nhello'
FORMS = {
    "two files": ((FILE, FILE), {}, 422, "one_file"),
    "a field too": ((b'Content-Disposition: form-data; name="x"\r\n\r\n1', FILE), {}, 422, "one_file"),
    "a field after it": ((FILE, b'Content-Disposition: form-data; name="x"\r\n\r\n1'), {}, 422, "one_file"),
    "another name": ((FILE.replace(b'"file"', b'"upload"'),), {}, 422, "one_file"),
    "a field called file": ((b'Content-Disposition: form-data; name="file"\r\n\r\n1',), {}, 422, "required"),
    "no file chosen": ((FILE.replace(b"a.txt", b""),), {}, 422, "required"),
    "nothing": ((), {}, 422, "required"),
    "no end": ((FILE,), {"end": b""}, 400, "bad_form"),
    "an open head": ((b"Content-Disposition: form-data",), {"end": b""}, 400, "bad_form"),
    "a long head": ((b"X-A: " + b"a" * 1_000_000 + b"\r\n" + FILE,), {}, 400, "bad_form"),
    "many heads": ((b"".join(b"X-%d: a\r\n" % n for n in range(5_000)) + FILE,), {}, 400, "bad_form"),
    "100,000 parts": ((FILE,) * 100_000, {}, 422, "one_file"),
    "no boundary": ((FILE,), {"Content-Type": "multipart/form-data"}, 400, "bad_form"),
    "a long boundary": ((FILE,), {"Content-Type": "multipart/form-data; boundary=" + "b" * 5_000}, 400, "bad_form"),
    "no form": ((b"x",), {"Content-Type": "multipart/form-data; boundary=other"}, 400, "bad_form"),
    "packed": ((FILE,), {"Content-Encoding": "gzip"}, 415, "unsupported_media_type"),
    "negative length": ((FILE,), {"Content-Length": "-5"}, 400, "content_length"),
    "a length beyond all": ((FILE,), {"Content-Length": "9" * 18}, 413, "limit_upload"),
    "a length that is none": ((FILE,), {"Content-Length": "٣"}, 400, "content_length"),
}  # fmt: skip


@pytest.mark.parametrize("case", FORMS)
def test_forms_that_are_none_leave_nothing(admin: Api, opened: Opened, case: str) -> None:
    parts, given, status, code = FORMS[case]
    before = count(opened), count(opened, "sys__file")
    headers = {k: v.encode() if not v.isascii() else v for k, v in given.items() if k != "end"}
    said = form(admin, *parts, **{**({"end": given["end"]} if "end" in given else {}), **headers})
    found = said.json()
    assert (said.status_code, (found.get("problems") or [found])[0]["code"]) == (status, code), said.text
    assert len(said.content) < 2_000
    assert (count(opened), count(opened, "sys__file")) == before


def test_more_bytes_than_a_file_may_have(admin: Api, opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("patron_platform.api.upload.FILE_SIZE_CAP", 2 * CHUNK_BYTES)
    before = count(opened), count(opened, "sys__file")

    def endless() -> Iterator[bytes]:
        for _ in range(40):
            yield b"x" * (CHUNK_BYTES // 10)

    headers = {"Content-Disposition": 'attachment; filename="x"'}
    said = admin.call("POST", "/files", content=endless(), headers=headers)
    assert (said.status_code, said.json()["code"]) == (413, "limit_upload")
    assert (count(opened), count(opened, "sys__file")) == before, "what had come was thrown away"


def test_the_room_of_a_workspace(admin: Api, opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = opened.service.settings.model_copy(update={"files": 100})
    monkeypatch.setattr("patron_platform.service.Service.settings", settings, raising=False)
    said = send(admin)
    assert (said.status_code, said.json()["code"]) == (422, "limit_workspace_files")
    headers = {"Content-Disposition": 'attachment; filename="x"'}
    said = admin.call("POST", "/files", content=iter([PDF]), headers=headers)
    assert said.json()["code"] == "limit_workspace_files", "its length was not said: it is seen at the end"


def test_files_one_person_leaves_lying(admin: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("patron_engine.fields.limits.WAITING_FILES", 1)
    kept = [send(admin) for _ in range(2)]
    assert kept[-1].status_code == 422 and kept[-1].json()["code"] == "limit_waiting_files"


def test_a_repeated_upload_is_one_file(admin: Api, opened: Opened) -> None:
    before = count(opened, "sys__file")
    first, again = (send(admin, headers={"Idempotency-Key": "f1"}) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json() and again.headers["idempotent-replayed"] == "true"
    assert count(opened, "sys__file") == before + 1, "the bytes of the second time are not kept"
    other = send(admin, PDF + b"!", headers={"Idempotency-Key": "f1"})
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert send(admin, headers={"Idempotency-Key": ""}).status_code in (400, 422)
    assert count(opened, "sys__file") == before + 1


def test_nobody_sends_without_a_key(stranger: Api, opened: Opened) -> None:
    before = count(opened, "sys__file")
    assert send(stranger).status_code == 401
    assert stranger.get(f"/files/{NOBODY}").status_code == 401
    assert count(opened, "sys__file") == before


# -- what it is -------------------------------------------------------------------------------------------------

KINDS = [
    (HTML, "photo.png", "image/png", "text/html"), (SVG, "logo.png", "image/png", "image/svg+xml"),
    (b"<?xml version='1.0'?><svg/>", "a.jpg", "image/jpeg", "image/svg+xml"), (b"not a picture", "x.png", "image/png", "text/plain"),
    (b"\x00\x01\x02", "x.pdf", "application/pdf", "application/octet-stream"), (PNG, "x.html", "text/html", "image/png"),
    (b"GIF89a/*\x02\0\x02\0*/=1;alert(1)//", "x.js", "text/javascript", "image/gif"), (b"MZ\x90\0", "x.pHaR", "text/plain", "application/octet-stream"),
    (b"a;b\n1;2", "list.csv", "application/vnd.ms-excel", "text/csv"), (PDF, "x", "", "application/pdf"),
    (b"\x1a\x45\xdf\xa3webm", "memo.webm", "audio/webm", "audio/webm"), (b"<b>x</b>", "memo.mp3", "audio/mpeg", "text/html"),
]  # fmt: skip


@pytest.mark.parametrize(("data", "name", "declared", "mime"), KINDS)
def test_the_bytes_say_what_a_file_is(admin: Api, data: bytes, name: str, declared: str, mime: str) -> None:
    made = sent(admin, data, name, declared)
    assert made["mime"] == mime
    got = admin.get(f"/files/{made['id']}", params={"inline": "true"})
    harmless = mime in ("image/png", "image/gif", "application/pdf")
    assert got.headers["content-disposition"].startswith("inline" if harmless else "attachment")
    assert got.headers["x-content-type-options"] == "nosniff"
    if mime in ("text/html", "image/svg+xml"):
        assert got.headers["content-type"] == "application/octet-stream"
        assert "sandbox" in got.headers["content-security-policy"]
    assert admin.get(f"/files/{made['id']}").headers["content-disposition"].startswith("attachment")


def test_a_picture_too_large_to_be_shown(admin: Api) -> None:
    side = (50_000).to_bytes(4, "big")
    bomb = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + side + side + b"\x08\x06\0\0\0"
    said = send(admin, bomb, "bomb.png", "image/png")
    assert (said.status_code, said.json()["code"]) == (422, "limit_pixels")


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
    asyncio.run(Observed(app)(scope, nothing, nothing))  # type: ignore[arg-type]
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
    with opened.service.databases.system("read") as conn:
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
