"""Languages: the codes that texts of definitions may carry, and in which order a missing one falls back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

LANGUAGES: Final = (
    "en", "en-GB", "en-US", "zh-CN", "zh-TW", "zh-HK", "ja", "ko", "vi", "th", "id", "ms", "fil", "hi", "bn", "ta",
    "ar", "he", "fa", "tr", "ru", "uk", "kk", "de", "fr", "es", "pt", "pt-BR", "it", "nl", "pl", "cs", "sk", "hu",
    "ro", "bg", "el", "hr", "sr", "sl", "sv", "da", "nb", "fi", "et", "lv", "lt",
)  # fmt: skip


def is_texts(value: Any) -> bool:
    """True for a map of languages: `{en: Account, zh-CN: 客户}`."""
    return isinstance(value, Mapping) and bool(value) and all(key in LANGUAGES for key in value)
