"""Formats: the presets a text field's `format` may name. In: a cleaned text. Out: its normal form, or a ValueFault."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Final

from patron_engine.fields.base import ValueFault
from patron_engine.phrases import Phrase

_SPACING: Final = re.compile(r"[\s\-\u2010-\u2015]+")
_ID_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_ID_CHECK: Final = "10X98765432"
_USCC_ALPHABET: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_USCC_VALUES: Final = {c: i for i, c in enumerate(_USCC_ALPHABET)}
_USCC_WEIGHTS: Final = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """`read` gives the normal form. `sample` passes; it is the example in messages and the reference."""

    name: str
    about: str
    sample: str
    read: Callable[[str], str]


def _pattern(
    name: str, about: str, sample: str, pattern: str, *, tidy: bool = True, upper: bool = False
) -> Format:
    compiled = re.compile(pattern, re.ASCII)

    def read(text: str) -> str:
        plain = _SPACING.sub("", text) if tidy else text
        plain = plain.upper() if upper else plain
        if not compiled.fullmatch(plain):
            raise ValueFault(
                f"format_{name}",
                Phrase("this is not {about}", about=about),
                Phrase("for example {sample}", sample=sample),
            )
        return plain

    return Format(name=name, about=about, sample=sample, read=read)


def _mobile(text: str) -> str:
    plain = _SPACING.sub("", text)
    plain = plain.removeprefix("+86").removeprefix("0086")
    if not re.fullmatch(r"1[3-9][0-9]{9}", plain, re.ASCII):
        raise ValueFault(
            "format_cn_mobile", "this is not a Chinese mobile number", "11 digits, for example 13800138000"
        )
    return plain


def _id_card(text: str) -> str:
    plain = _SPACING.sub("", text).upper()
    if not re.fullmatch(r"[1-9][0-9]{16}[0-9X]", plain, re.ASCII):
        raise ValueFault(
            "format_cn_id_card", "an identity card number has 18 characters: 17 digits and a digit or X"
        )
    try:
        date(int(plain[6:10]), int(plain[10:12]), int(plain[12:14]))
    except ValueError:
        raise ValueFault("format_cn_id_card", "digits 7 to 14 are not a date of birth") from None
    check = _ID_CHECK[sum(w * int(c) for w, c in zip(_ID_WEIGHTS, plain, strict=False)) % 11]
    if plain[17] != check:
        raise ValueFault(
            "format_cn_id_card",
            "the check digit of the identity card number is wrong",
            "look for a typing error",
        )
    return plain


def _uscc(text: str) -> str:
    plain = _SPACING.sub("", text).upper()
    if len(plain) != 18 or any(c not in _USCC_VALUES for c in plain):
        raise ValueFault(
            "format_uscc", "a unified social credit code has 18 digits and letters, without I, O, S, V, Z",
            "for example 91350100M000100Y43",
        )  # fmt: skip
    rest = sum(w * _USCC_VALUES[c] for w, c in zip(_USCC_WEIGHTS, plain, strict=False)) % 31
    if plain[17] != _USCC_ALPHABET[(31 - rest) % 31]:
        raise ValueFault(
            "format_uscc", "the check character of the credit code is wrong", "look for a typing error"
        )
    return plain


def _bank_card(text: str) -> str:
    plain = _SPACING.sub("", text)
    if not re.fullmatch(r"[0-9]{12,19}", plain, re.ASCII):
        raise ValueFault("format_bank_card", "a bank card number has 12 to 19 digits")
    doubled = [int(c) if i % 2 == 0 else sum(divmod(int(c) * 2, 10)) for i, c in enumerate(reversed(plain))]
    if sum(doubled) % 10:
        raise ValueFault(
            "format_bank_card", "the check digit of the card number is wrong", "look for a typing error"
        )
    return plain


def _tax_number(text: str) -> str:
    plain = _SPACING.sub("", text).upper()
    if not re.fullmatch(r"[0-9A-Z]{15}|[0-9A-Z]{17,18}|[0-9A-Z]{20}", plain, re.ASCII):
        raise ValueFault("format_tax_number", "a tax number has 15, 17, 18 or 20 digits and letters")
    return plain


_ALL: Final = (
    Format(name="cn_mobile", about=Phrase("a Chinese mobile number"), sample="13800138000", read=_mobile),
    Format(name="cn_id_card", about=Phrase("a Chinese identity card number"), sample="11010519491231002X", read=_id_card),
    Format(name="uscc", about=Phrase("a unified social credit code"), sample="91350100M000100Y43", read=_uscc),
    Format(name="tax_number", about=Phrase("a Chinese tax number"), sample="91350100M000100Y43", read=_tax_number),
    Format(name="bank_card", about=Phrase("a bank card number (Luhn)"), sample="6222021234567894", read=_bank_card),
    _pattern("bank_account", Phrase("a bank account number of 5 to 34 digits or letters"), "6222021234567890", "[0-9A-Za-z]{5,34}"),
    _pattern("postcode", Phrase("a Chinese postcode of six digits"), "100000", "[0-9]{6}"),
    _pattern("qq", Phrase("a QQ number"), "10001", "[1-9][0-9]{4,11}"),
    _pattern("wechat", Phrase("a WeChat id"), "wxid_patron", "[a-zA-Z][-_a-zA-Z0-9]{5,19}|1[3-9][0-9]{9}|[1-9][0-9]{4,11}", tidy=False),
    _pattern("car_plate", Phrase("a Chinese number plate"), "京A12345",
             "[\u4e00-\u9fff][A-Z][0-9A-Z]{4,5}[0-9A-Z\u6302\u5b66\u8b66\u6e2f\u6fb3]", upper=True),
    _pattern("digits", Phrase("made of digits only"), "0123", "[0-9]+", tidy=False),
    _pattern("letters", Phrase("made of Latin letters only"), "abc", "[A-Za-z]+", tidy=False),
    _pattern("alphanumeric", Phrase("made of Latin letters and digits only"), "A1", "[A-Za-z0-9]+", tidy=False),
    _pattern("chinese", Phrase("made of Chinese characters only"), "客户", "[\u3400-\u9fff\U00020000-\U0003ffff·]+", tidy=False),
    _pattern("code", Phrase("a code of letters, digits, dot, dash and underscore"), "A-01", r"[A-Za-z0-9][A-Za-z0-9._\-]*", tidy=False),
    _pattern("iban", Phrase("an IBAN"), "DE89370400440532013000", "[A-Z]{2}[0-9]{2}[0-9A-Z]{11,30}", upper=True),
    _pattern("swift", Phrase("a SWIFT code"), "BKCHCNBJ", "[A-Z]{6}[0-9A-Z]{2}([0-9A-Z]{3})?", upper=True),
    _pattern("ipv4", Phrase("an IPv4 address"), "10.0.0.1",
             r"((25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])\.){3}(25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])", tidy=False),
)  # fmt: skip
FORMATS: Final[Mapping[str, Format]] = MappingProxyType({f.name: f for f in _ALL})
