"""Hints: the right word for what people write who come from elsewhere, or write quickly.

In: a word that is not right. Out: the next step in a few words, or None. Which word is wrong was decided before.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from patron_engine.meta.languages import LANGUAGES
from patron_engine.names import name_fault
from patron_engine.phrases import Phrase
from patron_engine.problems import nearest

FIELD_TYPES: Final[Mapping[str, str]] = {
    "string": "text", "str": "text", "varchar": "text", "char": "text", "textarea": "long_text", "memo": "long_text",
    "html": "rich_text", "markdown": "rich_text", "number": "decimal", "numeric": "decimal", "float": "decimal", "double": "decimal",
    "int": "integer", "bigint": "integer", "currency": "money", "amount": "money", "percentage": "percent",
    "bool": "boolean", "checkbox": "boolean", "switch": "boolean", "picklist": "select", "dropdown": "select", "enum": "select",
    "choice": "select", "radio": "select", "multiselect": "multi_select", "multipicklist": "multi_select", "labels": "tags",
    "timestamp": "datetime", "moment": "datetime", "reference": "lookup", "relation": "lookup", "link": "lookup",
    "foreign_key": "lookup", "master_detail": "master", "detail": "master", "autonumber": "auto_number", "sequence": "auto_number",
    "serial": "auto_number", "calculated": "formula", "computed": "formula", "summary": "rollup", "roll_up": "rollup",
    "attachment": "file", "picture": "image", "geo": "location", "geolocation": "location", "website": "url",
    "telephone": "phone", "mobile": "phone", "password": "secret", "people": "user", "person": "user", "owner": "user",
}  # fmt: skip
_CHINESE: Final = {
    "cn": "zh-CN",
    "zh": "zh-CN",
    "zh-hans": "zh-CN",
    "zh-sg": "zh-CN",
    "tw": "zh-TW",
    "zh-hant": "zh-TW",
}
_TRUTHS: Final = {"yes": "true", "on": "true", "y": "true", "no": "false", "off": "false", "n": "false"}


def of_field_type(word: str) -> str | None:
    meant = FIELD_TYPES.get(word.lower().replace("-", "_").replace(" ", "_"))
    return Phrase("write {meant}", meant=meant) if meant else None


def of_language(code: str) -> str:
    """The nearest code, whatever its case and hyphens."""
    plain = code.lower().replace("_", "-")
    meant = _CHINESE.get(plain) or next((c for c in LANGUAGES if c.lower() == plain), None)
    if meant:
        return Phrase("did you mean {name!r}?", name=meant)
    return nearest(code, LANGUAGES) or Phrase("codes are en, zh-CN, zh-TW …; quote a text that holds a comma")


def of_name(text: str) -> str | None:
    """What is wrong with a name, and the nearest right one."""
    fault = name_fault(text)
    if fault is None:
        return None
    if len(text) > 40 and name_fault(text[:40].rstrip("_")) is None:
        return Phrase("it has {count} characters, a name has at most 40", count=len(text))
    meant = re.sub(r"_{2,}", "_", re.sub(r"[^a-z0-9_]+", "_", text.lower())).strip("_")[:40].rstrip("_")
    if not meant or not text.isascii() or name_fault(meant) is not None:
        return fault
    return Phrase("{fault}; try {meant}", fault=Phrase(fault), meant=meant)


def of_truth(text: str) -> str | None:
    """`required: yes`: a text, since YAML 1.2 knows true and false alone."""
    meant = _TRUTHS.get(text.strip().lower())
    return Phrase("write {meant}", meant=meant) if meant else None
