"""Sending files over HTTP: in pieces, under names and in forms of every sort, told by their bytes, within their limits."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import pytest

from patron_engine.store.blobs import CHUNK_BYTES
from patron_testing.sent_files import HTML, NOBODY, PDF, PNG, SVG, count, send, sent
from patron_testing.web import V1, Api, Opened

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
