"""File types: what a file is, told by its bytes.

In: the first bytes of a file, its name, what its sender calls it. Out: a MIME type. Bytes decide wherever they can tell; the
ending of the name tells kinds of one form apart (a .docx is a zip) and kinds of text; what the sender says tells sound from
picture where both look alike. Nothing is ever a picture, a PDF or a sound because it was called so.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

HEAD_BYTES: Final = 256 * 1024  # of a file that are looked at
BINARY: Final = "application/octet-stream"
_OFFICE: Final = "application/vnd.openxmlformats-officedocument."

# (offset, bytes, type)
_MAGIC: Final[tuple[tuple[int, bytes, str], ...]] = (
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"GIF87a", "image/gif"),
    (0, b"GIF89a", "image/gif"),
    (8, b"WEBP", "image/webp"),
    (0, b"II*\x00", "image/tiff"),
    (0, b"MM\x00*", "image/tiff"),
    (0, b"\x00\x00\x01\x00", "image/x-icon"),
    (0, b"%PDF-", "application/pdf"),
    (0, b"{\\rtf", "application/rtf"),
    (0, b"PK\x03\x04", "application/zip"),
    (0, b"PK\x05\x06", "application/zip"),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"),
    (0, b"\x1f\x8b", "application/gzip"),
    (0, b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (0, b"Rar!\x1a\x07", "application/vnd.rar"),
    (0, b"BZh", "application/x-bzip2"),
    (0, b"\xfd7zXZ\x00", "application/x-xz"),
    (8, b"WAVE", "audio/wav"),
    (8, b"AVI ", "video/x-msvideo"),
    (0, b"OggS", "audio/ogg"),
    (0, b"fLaC", "audio/flac"),
    (0, b"#!AMR", "audio/amr"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"\xff\xfb", "audio/mpeg"),
    (0, b"\xff\xf3", "audio/mpeg"),
    (0, b"\xff\xf2", "audio/mpeg"),
    (0, b"\xff\xf1", "audio/aac"),
    (0, b"\xff\xf9", "audio/aac"),
    (0, b"MThd", "audio/midi"),
    (0, b"\x1a\x45\xdf\xa3", "video/webm"),
)
_BRANDS: Final[Mapping[bytes, str]] = {
    b"avif": "image/avif", b"avis": "image/avif", b"heic": "image/heic", b"heix": "image/heic", b"mif1": "image/heif",
    b"M4A ": "audio/mp4", b"M4B ": "audio/mp4", b"qt  ": "video/quicktime", b"3gp4": "video/3gpp", b"3gp5": "video/3gpp",
}  # fmt: skip
# What files of one form are by the ending of their name.
_WITHIN: Final[Mapping[str, Mapping[str, str]]] = {
    "application/zip": {
        ".docx": f"{_OFFICE}wordprocessingml.document",
        ".xlsx": f"{_OFFICE}spreadsheetml.sheet",
        ".pptx": f"{_OFFICE}presentationml.presentation",
    },
    "application/x-ole-storage": {
        ".doc": "application/msword", ".xls": "application/vnd.ms-excel", ".ppt": "application/vnd.ms-powerpoint",
        ".msg": "application/vnd.ms-outlook",
    },
    "video/mp4": {".m4a": "audio/mp4"},
    "audio/ogg": {".ogv": "video/ogg"},
    "video/webm": {".weba": "audio/webm", ".mkv": "video/x-matroska"},
}  # fmt: skip
_SOUND: Final[Mapping[str, str]] = {"video/webm": "audio/webm", "video/mp4": "audio/mp4"}
_TEXTS: Final[Mapping[str, str]] = {
    ".csv": "text/csv", ".tsv": "text/tab-separated-values", ".md": "text/markdown", ".json": "application/json",
    ".ics": "text/calendar", ".vcf": "text/vcard", ".eml": "message/rfc822",
}  # fmt: skip
_NAMED: Final[Mapping[str, str]] = {
    ".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".gif": "image/gif", ".webp": "image/webp",
    ".tif": "image/tiff", ".tiff": "image/tiff", ".svg": "image/svg+xml", ".pdf": "application/pdf",
    ".zip": "application/zip", ".rtf": "application/rtf", ".mp3": "audio/mpeg", ".wav": "audio/wav", ".ogg": "audio/ogg",
    ".html": "text/html", ".htm": "text/html", ".xml": "application/xml", ".txt": "text/plain",
    **_TEXTS, **_WITHIN["application/zip"], **_WITHIN["application/x-ole-storage"],
}  # fmt: skip
_MARKUP: Final = re.compile(
    rb"<(?:!--|(?:!doctype html|html|head|script|iframe|h1|div|font|table|a|style|title|b|body|br|p)[\s>/])",
    re.IGNORECASE,
)
_CONTROL: Final = re.compile(rb"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f\x7f]")
_BLANK: Final = b"\xef\xbb\xbf \t\r\n\f"


def type_of_bytes(head: bytes, name: str, declared: str = "") -> str:
    """The MIME type of a file that begins with `head`.

    >>> type_of_bytes(b"<html><script>alert(1)</script>", "photo.png", "image/png")
    'text/html'
    >>> type_of_bytes(b"a,b", "list.csv"), type_of_bytes(b"", "x.pdf")
    ('text/csv', 'application/octet-stream')
    """
    suffix = ending(name)
    found = _by_magic(head)
    if found is not None:
        within = _WITHIN.get(found, {}).get(suffix)
        if within is not None and (found != "application/zip" or b"[Content_Types].xml" in head):
            return within
        if found in _SOUND and declared.lower().startswith("audio/"):
            return _SOUND[found]
        return found
    return _by_text(head, suffix)


def ending(name: str) -> str:
    """The last ending of a name in small letters, with its dot; empty without one."""
    stem, dot, last = name.rpartition(".")
    return f".{last.lower()}" if dot and stem else ""


def fits_ending(suffix: str, mime: str) -> bool:
    """Whether what a file is may be called so; endings nothing is known of fit everything."""
    return _NAMED.get(suffix.lower(), mime) == mime


def _by_magic(head: bytes) -> str | None:
    if head[4:8] == b"ftyp":
        return _BRANDS.get(head[8:12], "video/mp4")
    if head[:2] == b"BM" and head[6:10] == b"\0\0\0\0":
        return "image/bmp"
    for at, magic, mime in _MAGIC:
        if head[at : at + len(magic)] == magic and (at != 8 or head[:4] == b"RIFF"):
            return _inside_zip(head) if mime == "application/zip" else mime
    return None


def _inside_zip(head: bytes) -> str:
    """OpenDocument and EPUB say in their first entry, unpacked, what they are."""
    length = int.from_bytes(head[26:28], "little")
    if head[30 : 30 + length] == b"mimetype" and head[8:10] == b"\0\0":
        size = int.from_bytes(head[22:26], "little")
        start = 30 + length + int.from_bytes(head[28:30], "little")
        said = head[start : start + min(size, 100)]
        if re.fullmatch(rb"application/(?:vnd\.oasis\.opendocument\.[a-z-]{1,40}|epub\+zip)", said):
            return said.decode("ascii")
    return "application/zip"


def _by_text(head: bytes, suffix: str) -> str:
    """Markup, text of a kind the ending tells, text, or bytes nobody knows."""
    begin = head.lstrip(_BLANK)
    if begin[:4].lower() == b"<svg":
        return "image/svg+xml"
    if begin[:5].lower() == b"<?xml" or begin[:9].lower() == b"<!doctype":
        lower = begin.lower()
        if b"<svg" in lower:
            return "image/svg+xml"
        return "text/html" if b"<html" in lower or b"<!doctype html" in lower else "application/xml"
    if _MARKUP.match(begin):
        return "text/html"
    if not head or _CONTROL.search(head):
        return BINARY
    if suffix in _TEXTS:
        return _TEXTS[suffix]
    try:
        head[: len(head) - 3].decode() if len(head) >= HEAD_BYTES else head.decode()
    except UnicodeDecodeError as error:
        if len(head) < HEAD_BYTES or error.end < len(head) - 3:
            return "text/plain" if suffix in (".txt", ".log") else BINARY
    return "text/plain"
