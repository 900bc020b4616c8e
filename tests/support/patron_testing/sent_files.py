"""Files as tests send them over HTTP: the smallest of each kind, and ways to send them and to look at what became of them."""

from __future__ import annotations

import struct
import zlib
from typing import Any

from psycopg import sql

from patron_testing.web import Api, Opened

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


def png(width: int = 4, height: int = 4) -> bytes:
    """A small red picture that browsers draw."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = zlib.compress(b"".join(b"\0" + b"\xff\0\0" * width for _ in range(height)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


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
    with opened.service.databases.system("publish") as conn:
        row = conn.execute(query).fetchone()
    assert row is not None
    return int(row[0])


def shown(api: Api, id: str, field: str) -> Any:
    return api.get(f"/records/yd_job/{id}", params={"fields": field}).json()[field]
