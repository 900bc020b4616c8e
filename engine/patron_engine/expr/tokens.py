"""Reading, first stage: what an admin typed -> tokens. In: text. Out: tokens with their places in it, or a Fault.

Tolerant in code: `=` `<>` `&&` `||` `!` `×` `÷`, full-width punctuation and digits, any quotes. Never inside a text.
Knows no names and no types.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal

from patron_engine.expr import limits
from patron_engine.phrases import Phrase


class Fault(Exception):
    """The source cannot be read on; becomes one Problem in compile."""

    def __init__(self, code: str, message: str, at: int = 0, hint: str | None = None) -> None:
        super().__init__(message)
        self.code, self.message, self.at, self.hint = code, message, at, hint


@dataclass(frozen=True, slots=True)
class Token:
    """`text` is the normal spelling; `value` that of a text or number; `at` the 0-based place in the source."""

    kind: Literal["name", "function", "word", "constant", "operator"]
    text: str
    at: int
    value: str | Decimal | bool | None = None


WORDS: Final = frozenset(("and", "or", "not", "in", "is", "if", "else"))
CONSTANTS: Final = {"true": True, "false": False, "none": None, "null": None}
_QUOTES: Final = {"'": "'", '"': '"', "“": "”", "‘": "’", "”": "”", "’": "’"}
_WIDE: Final = {
    "、": ",",
    "×": "*",
    "÷": "/",
    "−": "-",
    "≥": ">=",
    "≤": "<=",
    "≠": "!=",
    "　": " ",
    "【": "[",
    "】": "]",
}
_OPERATORS: Final = ("**", "==", "!=", "<>", "<=", ">=", "&&", "||", "+", "-", "*", "/", "%", "<", ">", "=", "!",
                     "(", ")", "[", "]", ",", ".")  # fmt: skip
_SPELLING: Final = {"=": "==", "<>": "!=", "&&": "and", "||": "or", "!": "~"}
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NUMBER: Final = re.compile(r"[0-9]+(\.[0-9]+)?|\.[0-9]+")
_LAST_WORD: Final = re.compile(r"[A-Za-z0-9_]+$")
_ESCAPES: Final = {"\\": "\\", "'": "'", '"': '"', "n": "\n", "t": "\t"}
_HINTS: Final = {
    "^": Phrase("a power is written **"),
    "&": Phrase("texts are joined by + or CONCAT, conditions by and"),
    "|": Phrase("write or"),
    ";": Phrase("one expression, no statements"),
    "{": Phrase("write a list in round brackets: ('a', 'b')"),
    ":": Phrase("write IF(condition, a, b)"),
    "?": Phrase("write IF(condition, a, b)"),
}


def read_tokens(text: str) -> list[Token]:
    """The tokens of `text`; a Fault with its place for what cannot be read."""
    _refuse_hidden(text)
    code = _plain(text)
    tokens: list[Token] = []
    i = 0
    while i < len(text):
        if code[i] == " ":
            i += 1
            continue
        if text[i] in _QUOTES:
            token, i = _read_text(text, i)
        else:
            token, i = _read_code(code, i)
        tokens.append(token)
        if len(tokens) > limits.MAX_TOKENS:
            raise Fault(
                "expr_too_complex",
                Phrase("the expression has more than {most} parts", most=limits.MAX_TOKENS),
                i,
            )
    return tokens


def _refuse_hidden(text: str) -> None:
    for i, c in enumerate(text):
        if c >= " " and c < "\x7f":
            continue
        kind = unicodedata.category(c)
        if (
            kind in ("Cc", "Cs", "Zl", "Zp")
            or c in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff"
        ):
            raise Fault(
                "expr_character",
                Phrase("the character U+{c:04X} cannot stand in an expression", c=ord(c)),
                i,
                "an expression is one line of visible characters",
            )


def _plain(text: str) -> str:
    """The text with full-width characters made plain, one for one; what would become two stays for `_read_code`."""
    return "".join(
        chr(ord(c) - 0xFEE0) if "！" <= c <= "～" else " " if c in "\u3000\u00a0" else c for c in text
    )


def _read_text(text: str, start: int) -> tuple[Token, int]:
    end = _QUOTES[text[start]]
    escapes = end in "'\""
    out: list[str] = []
    i = start + 1
    while i < len(text):
        c = text[i]
        if c == end:
            value = unicodedata.normalize("NFC", "".join(out))
            return Token("constant", "", start, value), i + 1
        if c == "\\" and escapes:
            if i + 1 >= len(text) or text[i + 1] not in _ESCAPES:
                raise Fault("expr_text", "after \\ only \\ ' \" n t may follow", i, "write \\\\ for one \\")
            out.append(_ESCAPES[text[i + 1]])
            i += 2
            continue
        out.append(c)
        i += 1
    raise Fault(
        "expr_text", "the text that begins here has no end", start, Phrase("close it with {end}", end=end)
    )


def _read_code(code: str, i: int) -> tuple[Token, int]:
    found = _NAME.match(code, i)
    if found:
        return _name(code, found)
    found = _NUMBER.match(code, i)
    if found:
        return _number(code, found)
    wide = _WIDE.get(code[i])
    if wide is not None:
        return Token("operator", _SPELLING.get(wide, wide), i), i + 1
    for operator in _OPERATORS:
        if code.startswith(operator, i):
            if operator == "/" and code.startswith("//", i):
                raise Fault("expr_operator", "// is no operator here", i, "write INT(a / b)")
            spelling = _SPELLING.get(operator, operator)
            kind: Literal["word", "operator"] = "word" if spelling in ("and", "or") else "operator"
            return Token(kind, spelling, i), i + len(operator)
    hint = _HINTS.get(code[i]) or (
        "use the API name of a field, such as amount" if code[i].isalpha() else None
    )
    raise Fault("expr_character", Phrase("{code!r} cannot stand here", code=code[i]), i, hint)


def _name(code: str, found: re.Match[str]) -> tuple[Token, int]:
    name, at, end = found.group(), found.start(), found.end()
    if name.startswith("_"):
        raise Fault("expr_unknown_name", Phrase("no name begins with '_': {name!r}", name=name), at)
    lower = name.lower()
    if lower in WORDS and (name in (lower, name.upper()) or name.istitle()) and not _is_part(code, at):
        bracket = _followed_by_bracket(code, end)
        if bracket and lower in ("and", "or", "if") and _begins_a_value(code, at):
            return Token("function", name.upper(), at), end
        if bracket and name == "NOT":
            return Token("function", name, at), end
        return Token("word", lower, at), end
    if lower in CONSTANTS and not _is_part(code, at) and not _followed_by_bracket(code, end):
        return Token("constant", "", at, CONSTANTS[lower]), end
    if _followed_by_bracket(code, end) and not _is_part(code, at):
        return Token("function", name.upper(), at), end
    return Token("name", name, at), end


def _is_part(code: str, at: int) -> bool:
    """A name after a dot is part of a path, whatever it is called."""
    return code[:at].rstrip().endswith(".")


def _followed_by_bracket(code: str, end: int) -> bool:
    return code[end:].lstrip().startswith("(")


def _begins_a_value(code: str, at: int) -> bool:
    """`if (` where a value is expected is the function; after a value it is Python's `a if c else b`."""
    before = code[:at].rstrip()
    word = _LAST_WORD.search(before)
    return (
        before == "" or before[-1] in "(,+-*/%<>=!&|[" or (word is not None and word.group().lower() in WORDS)
    )


def _number(code: str, found: re.Match[str]) -> tuple[Token, int]:
    text, at, end = found.group(), found.start(), found.end()
    if end < len(code) and (code[end].isalnum() or code[end] == "_"):
        raise Fault(
            "expr_number",
            Phrase("{code!r} is no number", code=code[at : end + 1]),
            at,
            "digits and one point, such as 12.50",
        )
    whole, _, part = text.partition(".")
    if len(whole.lstrip("0")) > limits.MAX_INTEGER_DIGITS or len(part) > limits.MAX_DECIMAL_DIGITS:
        raise Fault(
            "expr_number",
            Phrase(
                "a number has at most {max_integer_digits} digits before and {max_decimal_digits} after the point",
                max_integer_digits=limits.MAX_INTEGER_DIGITS,
                max_decimal_digits=limits.MAX_DECIMAL_DIGITS,
            ),
            at,
        )
    return Token("constant", "", at, Decimal(text if whole else "0" + text)), end
