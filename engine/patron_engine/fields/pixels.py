"""Pixels: how large a picture is once it is unpacked, read from its first bytes without unpacking it.

In: the first bytes of a PNG, JPEG, GIF or WebP. Out: width times height, or None where they do not say it. A file of some
kilobytes may hold a picture of gigabytes; whoever shows it would pay for it.
"""

from __future__ import annotations

from typing import Final

_JPEG_SIZES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def pixels(mime: str, head: bytes) -> int | None:
    """Width times height.

    >>> pixels("image/gif", b"GIF89a" + (640).to_bytes(2, "little") + (480).to_bytes(2, "little"))
    307200
    """
    if mime == "image/png" and len(head) >= 24:
        return _product(head, 16, 20, 4, "big")
    if mime == "image/gif" and len(head) >= 10:
        return _product(head, 6, 8, 2, "little")
    if mime == "image/webp":
        return _webp(head)
    if mime == "image/jpeg":
        return _jpeg(head)
    return None


def _product(head: bytes, first: int, second: int, length: int, order: str) -> int:
    big = order == "big"
    sides = [int.from_bytes(head[at : at + length], "big" if big else "little") for at in (first, second)]
    return sides[0] * sides[1]


def _webp(head: bytes) -> int | None:
    form = head[12:16]
    if form == b"VP8X" and len(head) >= 30:
        width, height = (int.from_bytes(head[at : at + 3], "little") + 1 for at in (24, 27))
        return width * height
    if form == b"VP8L" and len(head) >= 25:
        bits = int.from_bytes(head[21:25], "little")
        return ((bits & 0x3FFF) + 1) * ((bits >> 14 & 0x3FFF) + 1)
    if form == b"VP8 " and len(head) >= 30:
        width, height = (int.from_bytes(head[at : at + 2], "little") & 0x3FFF for at in (26, 28))
        return width * height
    return None


def _jpeg(head: bytes) -> int | None:
    """Segment after segment until one that says the size."""
    at = 2
    while at + 9 <= len(head) and head[at] == 0xFF:
        kind = head[at + 1]
        if kind in _JPEG_SIZES:
            return _product(head, at + 5, at + 7, 2, "big")
        if kind == 0xFF:  # a filling byte
            at += 1
            continue
        at += 2 + int.from_bytes(head[at + 2 : at + 4], "big")
    return None
