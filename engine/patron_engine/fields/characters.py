"""Characters: the one place where texts from outside are cleaned. In: any text. Out: NFC text, or a ValueFault.

NUL, control characters and half surrogates are refused, never dropped: who sent them finds out. Directional marks and
joiners stay (names need them); pages isolate them.
"""

from __future__ import annotations

import re
from typing import Final
from unicodedata import is_normalized, normalize

from patron_engine.fields.base import ValueFault
from patron_engine.phrases import Phrase, Quoted

_BAD_IN_LINE: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")
_BAD_IN_BLOCK: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")
_FULL_WIDTH: Final = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {
    0x3000: 0x20,
    0xFFE5: 0xA5,
    0xFFE1: 0xA3,
}


def clean_line(text: str) -> str | None:
    """One line: no line breaks or control characters, NFC, trimmed; None when nothing is left."""
    if text.isascii() and text.isprintable():
        return text.strip() or None
    text = text.strip()
    bad = _BAD_IN_LINE.search(text)
    if bad:
        raise _control(bad[0], bad.start())
    if not is_normalized("NFC", text):
        text = normalize("NFC", text)
    return text or None


def clean_block(text: str) -> str | None:
    """Several lines: tabs and line breaks stay (as LF), blank text is None."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    bad = _BAD_IN_BLOCK.search(text)
    if bad:
        raise _control(bad[0], bad.start())
    if not text.isascii() and not is_normalized("NFC", text):
        text = normalize("NFC", text)
    return text if text.strip() else None


def half_width(text: str) -> str:
    """Full-width digits, letters and signs as the plain ones: what people type with a Chinese keyboard.

    >>> half_width("１２３．５")
    '123.5'
    """
    return text if text.isascii() else text.translate(_FULL_WIDTH)


def shown(text: str, limit: int = 40) -> str:
    """A value inside a message: quoted, short, without control characters."""
    safe = "".join(c if c.isprintable() else "\ufffd" for c in text[: limit + 1])
    return Quoted(safe if len(safe) <= limit else safe[:limit] + "…")


def _control(character: str, at: int) -> ValueFault:
    code = ord(character)
    if character in "\n\r\u2028\u2029":
        return ValueFault("line_break", "a line break cannot stand here", "write it in one line")
    if 0xD800 <= code <= 0xDFFF:
        return ValueFault(
            "not_unicode", Phrase("character {at} is half of a surrogate pair", at=at + 1), "send valid UTF-8"
        )
    return ValueFault(
        "control_character",
        Phrase("character {at} is the control character U+{code:04X}", at=at + 1, code=code),
        "remove it",
    )
