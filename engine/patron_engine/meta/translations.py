"""Translations: which texts lack a language. In: documents and the languages that all texts should have. Out: gaps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from patron_engine.meta.document import Document, Path, walk
from patron_engine.meta.languages import is_texts
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem

# Keys whose values people read. A map of languages anywhere else is one too.
TEXTS: Final = frozenset(
    [
        "label",
        "plural",
        "help",
        "description",
        "summary",
        "message",
        "guidance",
        "subject",
        "intro",
        "title",
        "text",
        "unit",
    ]
)
MOST_TOLD: Final = 100  # gaps told one by one, of a pack or a plan
# Below these stand values, or keys that are names of fields.
NO_TEXTS: Final = frozenset(
    [
        "set",
        "values",
        "default",
        "body",
        "back",
        "create",
        "where",
        "when",
        "expression",
        "fill",
        "reaches",
        "given",
    ]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """One text and the languages it lacks. `plain`: it is written without any language."""

    document: Document
    path: Path
    text: str
    missing: tuple[str, ...]
    plain: bool

    def problem(self) -> Problem:
        said = Phrase("{text!r} has no {missing}", text=self.text, missing=list(self.missing))
        hint = (
            "write a map of languages: {en: …, zh-CN: …}"
            if self.plain
            else "add them, or do without the language"
        )
        where = self.document.where(self.path)
        return Problem(code="missing_translation", message=said, hint=hint, level="warning", **where)


def missing_translations(documents: Iterable[Document], languages: tuple[str, ...]) -> list[Gap]:
    """Every gap, in the order of documents. A plain text counts as English; one without Latin letters needs none."""
    return [gap for document in documents for gap in _gaps(document, languages)]


def _gaps(document: Document, languages: tuple[str, ...]) -> Iterable[Gap]:
    for path, value in walk(document.body):
        if not path or any(step in NO_TEXTS for step in path):
            continue
        if is_texts(value):
            missing = tuple(code for code in languages if not value.get(code))
            if missing:
                shown = str(next(iter(value.values())))
                yield Gap(document=document, path=path, text=shown, missing=missing, plain=False)
        elif isinstance(value, str) and _is_text(document, path, value):
            others = tuple(code for code in languages if not code.startswith("en"))
            if others:
                yield Gap(document=document, path=path, text=value, missing=others, plain=True)


def _is_text(document: Document, path: Path, value: str) -> bool:
    """A plain text under a key of texts: a title of an object names a field, a message in a map is told with the map."""
    if path[-1] not in TEXTS or not any(c.isascii() and c.isalpha() for c in value) or value.startswith("="):
        return False
    if (document.kind, path) in {("object", ("title",)), ("goal", ("unit",))}:
        return False
    if document.kind == "role" and path[0] == "fields":
        return False  # rights by the names of fields, which may well be `title` or `description`
    return document.kind not in ("check", "change", "data")


def untranslated(
    old: Mapping[tuple[str, str], Mapping[str, Any]], new: Iterable[Document], languages: tuple[str, ...]
) -> list[Problem]:
    """Notes about texts of `new` that lack a language and did not lack it in the `old` body of that kind and name."""
    gaps: list[Gap] = []
    for document in new:
        before = old.get((document.kind, document.name))
        known = set()
        if before is not None:
            known = {(g.text, g.missing) for g in _gaps(replace(document, body=before), languages)}
        gaps.extend(g for g in _gaps(document, languages) if (g.text, g.missing) not in known)
    told = [replace(gap.problem(), level="info") for gap in gaps[:MOST_TOLD]]
    if len(gaps) > MOST_TOLD:
        message = Phrase("{count} more texts lack a language", count=len(gaps) - MOST_TOLD)
        told.append(Problem(code="missing_translation", message=message, level="info"))
    return told
