"""Texts of the pages in three languages: one file an area, a key with the same text in each language.

In: `AREA.yaml` beside this file, `key: {en: …, zh-CN: …, zh-TW: …}`. Out: `t("area.key", n=3)`: the text with its values put in.
A test holds that every text is there in every language with the same values. Never holds texts of definitions.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from patron_engine.phrases import read_yaml
from patron_platform.languages import SPOKEN as SPOKEN


class Texts:
    """The texts in one language."""

    def __init__(self, language: str, known: Mapping[str, str]) -> None:
        self.language = language
        self._known = known

    def __call__(self, key: str, **values: Any) -> str:
        """The text of a key; KeyError for one nobody wrote."""
        text = self._known[key]
        return text.format_map(values) if values else text

    def has(self, key: str) -> bool:
        return key in self._known


@cache
def texts_in(language: str) -> Texts:
    """The texts of a language; English for one that is none of ours."""
    wanted = language if language in SPOKEN else "en"
    return Texts(wanted, {key: found[wanted] for key, found in everything().items()})


@cache
def everything() -> Mapping[str, Mapping[str, str]]:
    """Every key with its texts, of all areas."""
    found: dict[str, Mapping[str, str]] = {}
    for file in sorted(files(__name__).iterdir(), key=lambda f: f.name):
        if file.name.endswith(".yaml"):
            area = file.name.removesuffix(".yaml")
            for key, texts in read_yaml(file.read_text(encoding="utf-8")).items():
                found[f"{area}.{key}"] = texts
    return found
