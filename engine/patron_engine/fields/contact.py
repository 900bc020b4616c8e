"""Ways to reach somebody: email, phone, url. Stored in one normal form, so that equal means the same address.

An e-mail address is stored in lower case. A phone number of the workspace's own country is stored as its national digits
(13800138000), another one in E.164 (+4930123456); what no rule knows (extensions of an exchange, short numbers) is kept
as typed, tidied.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, ClassVar, Final
from urllib.parse import urlsplit

from email_validator import EmailNotValidError, validate_email

from patron_engine.fields import limits
from patron_engine.fields.base import PLAIN_FORMATS, TextFormats, ValueFault
from patron_engine.fields.characters import clean_line, half_width, shown
from patron_engine.fields.field import Field
from patron_engine.fields.text import TextLike
from patron_engine.phrases import Phrase

_PLAIN_EMAIL: Final = re.compile(
    r"[a-z0-9_+%-]+(?:\.[a-z0-9_+%-]+)*@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}", re.ASCII
)
_E164: Final = re.compile(r"\+[0-9]{6,17}", re.ASCII)
_CN_MOBILE: Final = re.compile(r"1[3-9][0-9]{9}", re.ASCII)
_PHONE: Final = re.compile(
    r"\+?[0-9][0-9 ().\-/]*(?:(?:ext\.?|x|#|,|转|轉|分机)\s*[0-9]{1,8})?", re.ASCII | re.IGNORECASE
)
_EXTENSION: Final = re.compile(r"\s*(?:ext\.?|x|#|,|转|轉|分机)\s*([0-9]{1,8})\Z", re.IGNORECASE)


class Email(TextLike):
    name = "email"
    about = "an e-mail address, stored in lower case; the domain is not looked up"
    keys: ClassVar[tuple[str, ...]] = ("max_length", "pattern")
    wire = "e-mail address"
    length = limits.EMAIL_LENGTH
    cap = limits.EMAIL_LENGTH

    def clean(self, text: str) -> str | None:
        line = clean_line(text)
        if line is None:
            return None
        plain = line.lower()
        if len(plain) <= limits.EMAIL_LENGTH and _PLAIN_EMAIL.fullmatch(plain) and plain.index("@") <= 64:
            return plain
        try:
            return validate_email(line, check_deliverability=False).normalized.lower()
        except EmailNotValidError:
            raise ValueFault(
                "not_email",
                Phrase("{line} is not an e-mail address", line=shown(line)),
                "for example ann@example.org",
            ) from None

    def read_text(self, field: Field, text: str, formats: TextFormats = PLAIN_FORMATS) -> str | None:
        return self.read_wire(field, half_width(text).strip().removeprefix("mailto:"))

    def reader(self, field: Field, formats: TextFormats = PLAIN_FORMATS) -> Any:
        return lambda text: self.read_text(field, text, formats)


class Phone(TextLike):
    name = "phone"
    about = "a phone number: national digits of the workspace's country, E.164 of others, otherwise as typed"
    keys: ClassVar[tuple[str, ...]] = ("pattern", "format")
    wire = "phone number"
    length = limits.PHONE_LENGTH
    cap = limits.PHONE_LENGTH

    def read_wire(self, field: Field, raw: Any) -> str | None:
        text = super().read_wire(field, raw)
        return None if text is None else phone_form(text, field.extra.get("region", "CN"))

    def read_text(self, field: Field, text: str, formats: TextFormats = PLAIN_FORMATS) -> str | None:
        plain = half_width(text).strip().removeprefix("tel:")
        if plain.endswith(".0") and plain[:-2].isdigit():  # a spreadsheet made a number of it
            plain = plain[:-2]
        return self.read_wire(field, plain)

    def reader(self, field: Field, formats: TextFormats = PLAIN_FORMATS) -> Any:
        if field.extra.get("region", "CN") != "CN" or field.text.format is not None:
            return lambda text: self.read_text(field, text, formats)
        match = _CN_MOBILE.fullmatch
        return lambda text: text if match(text) else self.read_text(field, text, formats)


def phone_form(text: str, region: str) -> str:
    """The one form a number is stored in.

    >>> phone_form("+86 138-0013-8000", "CN"), phone_form("030 123456", "DE"), phone_form("+49 30 123456", "CN")
    ('13800138000', '030123456', '+4930123456')
    """
    if region == "CN" and _CN_MOBILE.fullmatch(text):
        return text
    found = _EXTENSION.search(text)
    main, extension = (text[: found.start()], f" ext. {found[1]}") if found else (text, "")
    digits = re.sub(r"[^0-9]", "", main)
    if not _PHONE.fullmatch(main) or not 3 <= len(digits) <= 20:
        raise ValueFault(
            "not_phone",
            Phrase("{text} is not a phone number", text=shown(text)),
            "digits, spaces, + - ( ) and an extension",
        )
    import phonenumbers  # large: loaded with the first number that is not plainly a mobile one of China

    tidy = re.sub(r"\s+", " ", main).strip()
    try:
        number = phonenumbers.parse(f"+{main[2:]}" if main.startswith("00") else main, region)
    except phonenumbers.NumberParseException:
        return tidy + extension
    if not phonenumbers.is_valid_number(number):
        return tidy + extension
    if phonenumbers.region_code_for_number(number) == region:
        national = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.NATIONAL)
        return re.sub(r"[^0-9]", "", national) + extension
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)) + extension


@lru_cache(maxsize=4096)
def phone_groups(text: str) -> str:
    """A stored number as people read it: one of another country in its groups, every other as it is stored.

    >>> phone_groups("+4930123456"), phone_groups("+442079460958 ext. 7"), phone_groups("13800138000")
    ('+49 30 123456', '+44 20 7946 0958 ext. 7', '13800138000')
    """
    main, said, extension = text.partition(" ext. ")
    if not _E164.fullmatch(main):
        return text
    import phonenumbers

    try:
        number = phonenumbers.parse(main)
    except phonenumbers.NumberParseException:
        return text
    grouped = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
    return f"{grouped}{said}{extension}"


class Url(TextLike):
    name = "url"
    about = "a web address, http or https only"
    keys: ClassVar[tuple[str, ...]] = ("max_length", "pattern")
    wire = "web address"
    length = limits.URL_LENGTH
    cap = limits.URL_LENGTH

    def clean(self, text: str) -> str | None:
        line = clean_line(text)
        if line is None:
            return None
        try:
            parts = urlsplit(line)
            host, _ = parts.hostname, parts.port
        except ValueError:
            host, parts = None, urlsplit("")
        if parts.scheme not in ("http", "https") or not host or re.search(r"[\s\\<>\"{}|^`]", line):
            raise ValueFault(
                "not_url",
                Phrase("{line} is not a web address", line=shown(line)),
                "for example https://example.org/page",
            )
        if parts.username is not None:
            raise ValueFault(
                "url_with_login", "a web address must not carry a login", "remove what stands before the @"
            )
        return line

    def read_text(self, field: Field, text: str, formats: TextFormats = PLAIN_FORMATS) -> str | None:
        plain = text.strip()
        if (
            plain
            and "://" not in plain
            and re.match(r"[A-Za-z0-9\u00a1-\uffff.-]+\.[A-Za-z\u00a1-\uffff]{2,}(?:[:/?#]|\Z)", plain)
        ):
            plain = f"https://{plain}"
        return self.read_wire(field, plain)

    def reader(self, field: Field, formats: TextFormats = PLAIN_FORMATS) -> Any:
        return lambda text: self.read_text(field, text, formats)


TYPES: Final = (Email(), Phone(), Url())
