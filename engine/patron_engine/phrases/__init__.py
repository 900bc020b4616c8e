"""Phrases: what the engine tells people, as data: a sentence in English with places, and the values in them.

In: `Phrase("{value} is above {max}", value=…, max=…)` where a problem or an error is made. Out: a text that reads in English
wherever a text is read; `written` makes the same sentence in another language, from the catalogue of that language. A
sentence without places needs no Phrase: it is its own template. Values are never translated, unless they are phrases
or labels themselves. Knows no reader and no web.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any, Final, Self

import yaml

Catalogue = Mapping[str, Mapping[str, str]]  # English template -> language -> template
Chosen = Sequence[str]  # languages, the one liked best first
ENGLISH: Final = "en"
OF_FIELD: Final = "{field}: {reason}"  # what is wrong with a value, behind the label of its field
_AND: Final = {"zh-CN": "、", "zh-TW": "、"}  # between the parts of a list; in English a comma
_QUOTED: Final = {"zh-CN": "“{}”", "zh-TW": "「{}」"}
_OR: Final = {"zh-CN": " 或 ", "zh-TW": " 或 "}


class Either(tuple[Any, ...]):
    """Values of which one is meant: "a or b"."""

    __slots__ = ()


class Label(str):
    """What people call a definition, in every language it says; as a text, in the language it was made for."""

    __slots__ = ("texts",)
    texts: Mapping[str, str]

    def __new__(cls, text: str, texts: Mapping[str, str]) -> Self:
        made = super().__new__(cls, text)
        made.texts = texts
        return made

    def __getnewargs__(self) -> tuple[Any, ...]:
        return (str(self), self.texts)


class Quoted(str):
    """A value as it was sent, in quotation marks: in English those of code."""

    __slots__ = ("plain",)
    plain: str

    def __new__(cls, plain: str) -> Self:
        made = super().__new__(cls, repr(plain))
        made.plain = plain
        return made

    def __getnewargs__(self) -> tuple[str]:
        return (self.plain,)


class Phrase(str):
    """A sentence: as a text, in English. A list among the values is written with commas."""

    __slots__ = ("template", "values")
    template: str
    values: Mapping[str, Any]

    def __new__(cls, template: str, /, **values: Any) -> Self:
        if isinstance(template, cls) and not values:
            return template
        made = super().__new__(cls, _filled(template, values, ENGLISH) if values else template)
        made.template, made.values = str(template), values
        return made

    def __getnewargs_ex__(self) -> tuple[tuple[str], dict[str, Any]]:
        return (self.template,), dict(self.values)


def written(text: str, languages: Chosen, catalogue: Catalogue) -> str:
    """A phrase, or a sentence that is its own template, in the first language there is; English without one."""
    template = text.template if isinstance(text, Phrase) else text
    values = text.values if isinstance(text, Phrase) else {}
    known = catalogue.get(template, {})
    language = next((each for each in languages if each == ENGLISH or each in known), ENGLISH)
    if not values:
        return known.get(language, str(text))
    said = {name: _in(language, value, languages, catalogue) for name, value in values.items()}
    return _filled(known.get(language, template), said, language)


def reason(text: str) -> str:
    """What is wrong, without the label of the field: for who reads it beside that field."""
    return text.values["reason"] if isinstance(text, Phrase) and text.template == OF_FIELD else text


def _in(language: str, value: Any, languages: Chosen, catalogue: Catalogue) -> Any:
    """A value in a sentence of `language`."""
    if isinstance(value, Phrase):
        return written(value, languages, catalogue)
    if isinstance(value, Label):
        return next((value.texts[each] for each in languages if each in value.texts), str(value))
    if isinstance(value, Quoted):
        return _QUOTED.get(language, "{!r}").format(value.plain)
    if isinstance(value, list | tuple):
        said = [_in(language, each, languages, catalogue) for each in value]
        return Either(said) if isinstance(value, Either) else said
    return value


def _filled(template: str, values: Mapping[str, Any], language: str) -> str:
    flat = {n: _joined(v, language) if isinstance(v, list | tuple) else v for n, v in values.items()}
    return template.format_map(flat)


def _joined(several: Sequence[Any], language: str) -> str:
    between = _OR.get(language, " or ") if isinstance(several, Either) else _AND.get(language, ", ")
    return between.join(map(str, several))


# -- kept for later ---------------------------------------------------------------------------------------------


def kept(text: str) -> Any:
    """A phrase as plain JSON, for what is told long after it was found."""
    if isinstance(text, Phrase):
        return {"template": text.template, "values": {n: _kept(v) for n, v in text.values.items()}}
    return str(text)


def found_again(kept: Any) -> str:
    """What `kept` wrote."""
    if isinstance(kept, Mapping):
        return Phrase(kept["template"], **{n: _found(v) for n, v in kept["values"].items()})
    return str(kept)


def _kept(value: Any) -> Any:
    if isinstance(value, Phrase):
        return {"phrase": kept(value)}
    if isinstance(value, Quoted):
        return {"quoted": value.plain}
    if isinstance(value, Label):
        return {"label": str(value), "texts": dict(value.texts)}
    if isinstance(value, list | tuple):
        several = [_kept(each) for each in value]
        return {"either": several} if isinstance(value, Either) else several
    return value if isinstance(value, int) else str(value)


def _found(value: Any) -> Any:
    if isinstance(value, list):
        return [_found(each) for each in value]
    if isinstance(value, Mapping):
        kind = next(iter(value))
        return _MADE_OF[kind](value)
    return value


_MADE_OF: Final[Mapping[str, Any]] = {
    "phrase": lambda value: found_again(value["phrase"]),
    "quoted": lambda value: Quoted(value["quoted"]),
    "label": lambda value: Label(value["label"], value["texts"]),
    "either": lambda value: Either(_found(each) for each in value["either"]),
}


# -- the catalogue ----------------------------------------------------------------------------------------------


def read_yaml(text: str) -> Any:
    """A file of ours. Every process reads them all: where PyYAML has its parser in C, in a tenth of the time."""
    return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def read_catalogue(package: str) -> Catalogue:
    """The sentences of every `*.yaml` of a package: a list of `{en: …, zh-CN: …, zh-TW: …}`."""
    found: dict[str, Mapping[str, str]] = {}
    for file in sorted(files(package).iterdir(), key=lambda f: f.name):
        if file.name.endswith(".yaml"):
            for entry in read_yaml(file.read_text(encoding="utf-8")):
                found[entry[ENGLISH]] = {k: v for k, v in entry.items() if k != ENGLISH}
    return found


@cache
def own_catalogue() -> Catalogue:
    """The engine's own sentences."""
    return read_catalogue("patron_engine.phrases")
