"""What a file is, by its bytes; how large a picture is; what a field accepts."""

from __future__ import annotations

import io
import zipfile

import pytest

from patron_engine.fields.field import FileSpec
from patron_engine.fields.files import accepts
from patron_engine.fields.filetypes import ending, type_of_bytes
from patron_engine.fields.pixels import pixels


def packed(*names: str, first: bytes = b"x") -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name in names:
            archive.writestr(name, first)
    return made.getvalue()


OFFICE = "application/vnd.openxmlformats-officedocument."
TOLD = [
    (packed("[Content_Types].xml", "word/document.xml"), "a.docx", f"{OFFICE}wordprocessingml.document"),
    (packed("[Content_Types].xml", "xl/workbook.xml"), "a.XLSX", f"{OFFICE}spreadsheetml.sheet"),
    (packed("a.txt"), "a.docx", "application/zip"),
    (packed("[Content_Types].xml"), "a.zip", "application/zip"),
    (packed("mimetype", first=b"application/vnd.oasis.opendocument.text"), "a.odt", "application/vnd.oasis.opendocument.text"),
    (packed("mimetype", first=b"text/html"), "a.odt", "application/zip"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a.xls", "application/vnd.ms-excel"),
    (b"\xff\xd8\xff\xe0", "a.png", "image/jpeg"),
    (b"RIFF\0\0\0\0WEBPVP8 ", "a", "image/webp"),
    (b"xxxx\0\0\0\0WEBPVP8 ", "a.webp", "application/octet-stream"),
    (b"RIFF\0\0\0\0WAVE", "a", "audio/wav"),
    (b"\0\0\0\x20ftypM4A ", "a", "audio/mp4"),
    (b"\0\0\0\x20ftypisom", "a.m4a", "audio/mp4"),
    (b"\0\0\0\x20ftypheic", "a.jpg", "image/heic"),
    ("姓名,电话\n".encode("gb18030"), "a.csv", "text/csv"),
    ("姓名,电话\n".encode("gb18030"), "a.bin", "application/octet-stream"),
    ("姓名".encode(), "a", "text/plain"),
    (b"\xef\xbb\xbf  \n<!DOCTYPE html>", "a.txt", "text/html"),
    (b"<!-- x --><script>", "a.md", "text/html"),
    (b"<?xml version='1.0'?><!DOCTYPE x [<!ENTITY a 'a'>]><svg/>", "a.xml", "image/svg+xml"),
    (b"<?xml version='1.0'?><a/>", "a.png", "application/xml"),
    (b"<SVG onload=alert(1)>", "a.png", "image/svg+xml"),
    (b"{}", "a.json", "application/json"),
]  # fmt: skip


@pytest.mark.parametrize(("head", "name", "mime"), TOLD)
def test_types(head: bytes, name: str, mime: str) -> None:
    assert type_of_bytes(head, name, "image/png") == mime


def test_what_the_sender_says_tells_sound_from_picture_only() -> None:
    assert type_of_bytes(b"\x1a\x45\xdf\xa3", "a", "audio/webm;codecs=opus") == "audio/webm"
    assert type_of_bytes(b"\x1a\x45\xdf\xa3", "a", "") == "video/webm"
    assert type_of_bytes(b"plain", "a", "audio/webm") == "text/plain"


@pytest.mark.parametrize(
    ("name", "last"), [("a.PDF", ".pdf"), ("a", ""), (".htaccess", ""), ("a.tar.gz", ".gz"), ("", "")]
)
def test_endings(name: str, last: str) -> None:
    assert ending(name) == last


def be(n: int, length: int = 2) -> bytes:
    return n.to_bytes(length, "big")


PICTURES = [
    ("image/png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + be(50_000, 4) + be(40_000, 4), 2_000_000_000),
    ("image/gif", b"GIF89a" + (300).to_bytes(2, "little") + (200).to_bytes(2, "little"), 60_000),
    ("image/jpeg", b"\xff\xd8\xff\xe0" + be(16) + b"x" * 14 + b"\xff\xff\xc2" + be(17) + b"\x08" + be(600) + be(800), 480_000),
    ("image/jpeg", b"\xff\xd8\xff\xc4" + be(9_000), None),
    ("image/webp", b"RIFF\0\0\0\0WEBPVP8X" + b"\0" * 8 + (99).to_bytes(3, "little") + (49).to_bytes(3, "little"), 5_000),
    ("image/png", b"\x89PNG", None),
    ("text/plain", b"x" * 100, None),
]  # fmt: skip


@pytest.mark.parametrize(("mime", "head", "count"), PICTURES)
def test_pixels(mime: str, head: bytes, count: int | None) -> None:
    assert pixels(mime, head) == count


def test_an_ending_is_believed_only_of_what_it_says() -> None:
    spec = FileSpec(max_size=1, accept=(".pdf", "image/*", ".dwg"))
    assert accepts(spec, "application/pdf", "a.PDF") and accepts(spec, "image/png", "a.exe")
    assert not accepts(spec, "text/html", "a.pdf") and not accepts(spec, "application/pdf", "a.txt")
    assert accepts(spec, "application/octet-stream", "a.dwg"), "of which nothing is known"
