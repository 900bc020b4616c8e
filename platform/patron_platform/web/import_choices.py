"""Import choices: what a person says of the columns of a file: the fields offered to him, the guess, his form and back again.

In: a call, an object, the headings of a file, a form. Out: `Choice`s with their names, a mapping as `transfer/reading` reads it, and what
the form shows of such a mapping. What is not offered is passed on as it came: the mapping is what refuses it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from patron_engine.errors import WrongUse
from patron_engine.fields.field import LinkSpec
from patron_engine.model.model import Object
from patron_engine.page.reader import Reader
from patron_engine.query.call import Call
from patron_engine.transfer.convert import GUESSES
from patron_engine.transfer.mapping import EXTERNAL, MISSING
from patron_engine.transfer.offered import Offered, offered
from patron_engine.transfer.suggest import folded
from patron_platform.jobs.imports import suggested
from patron_platform.languages import SPOKEN
from patron_platform.web.texts import texts_in

PART_TEXTS = {"from": "forms.from", "to": "forms.to", "lat": "widgets.latitude", "lng": "widgets.longitude"}
EXISTING = ("new", "update", "skip", "only")
FOUND_OTHERS = {"update": ("update", "create"), "skip": ("skip", "create"), "only": ("update", "skip")}
MARKS = {".": "1,234.50", ",": "1.234,50"}
DATES = ("YYYY-MM-DD", *GUESSES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A field as the form offers it. `said` are its names in every language."""

    value: str
    text: str
    said: tuple[str, ...] = ()
    required: bool = False
    tells: bool = False
    one: Offered | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What the form shows."""

    columns: tuple[str, ...]
    existing: str = "new"
    match: str = ""
    names: str = "problem"
    dates: str = ""
    decimal: str = ""
    clear: bool = False
    history: bool = False


def choices_of(call: Call, object: Object, reader: Reader, headings: Sequence[str] = ()) -> list[Choice]:
    """The fields a column may become, and what of the file's headings names a record."""
    found = [_choice(call, one, reader) for one in offered(call, object)]
    t = texts_in(reader.languages[0])
    found.append(Choice(value="id", text=t("imports.record_id"), tells=True))
    for heading in headings:
        if heading.startswith(EXTERNAL) and len(heading) > len(EXTERNAL):
            text = t("imports.external", name=heading.removeprefix(EXTERNAL))
            found.append(Choice(value=heading, text=text, tells=True))
    return found


def _choice(call: Call, one: Offered, reader: Reader) -> Choice:
    def said(languages: Sequence[str]) -> str:
        words = Reader(languages=tuple(languages), zone=reader.zone, currency=reader.currency, now=reader.now)
        label = words.say(one.field.label, one.field.name)
        if one.part is not None:
            key = PART_TEXTS.get(one.part, f"widgets.{one.part}")
            return f"{label} · {texts_in(languages[0])(key)}"
        if one.object is not None:
            return f"{label} · {words.say(call.model.objects[one.object].label, one.object)}"
        return label

    names = tuple(dict.fromkeys(said((language,)) for language in SPOKEN))
    text = said(reader.languages)
    return Choice(value=one.value, text=text, said=names, required=one.required, tells=one.tells, one=one)


def guessed(call: Call, object: Object, headings: Sequence[str], choices: Sequence[Choice]) -> Shown:
    """What the headings suggest. Rows that bring the id of their record update it; by anything else people choose to."""
    try:
        paths = suggested(call, object, headings)["columns"]
    except WrongUse:
        paths = {}
    by_path = {c.value.partition("@")[0]: c.value for c in reversed(choices)}
    found = {h: by_path.get(paths.get(h) or "", "") for h in headings}
    taken = {v.partition("@")[0] for v in found.values() if v}
    names = {folded(name): c.value for c in reversed(choices) for name in (c.value, *c.said)}
    for heading, value in found.items():
        other = names.get(folded(heading), "")
        if not value and other and other.partition("@")[0] not in taken:
            found[heading] = other
            taken.add(other.partition("@")[0])
    columns = tuple(found[h] for h in headings)
    match, sure = _told_by(object, columns, choices)
    return Shown(columns=columns, existing="update" if sure else "new", match=match)


def _told_by(object: Object, columns: Sequence[str], choices: Sequence[Choice]) -> tuple[str, bool]:
    """What likely says which record a row is, and whether that is sure: an id, as an export writes it."""
    mapped = [c for c in choices if c.tells and c.value in columns]
    if sure := next((c.value for c in reversed(mapped) if c.one is None), ""):
        return sure, True
    alone = (c.value for c in mapped if c.one is not None and c.one.field.unique)
    return next(alone, object.title if any(c.value == object.title for c in mapped) else ""), False


def shown_of(
    mapping: Mapping[str, Any],
    object: Object,
    headings: Sequence[str],
    choices: Sequence[Choice],
    *,
    history: bool,
) -> Shown:
    """A mapping that the form made, as the form shows it; columns whose fields he may not write any more are left out."""
    known = {c.value for c in choices}
    columns: list[str] = []
    names = "problem"
    for heading in headings:
        target = mapping.get("columns", {}).get(heading) or {}
        value = target.get("field", "") + (f"@{target['object']}" if target.get("object") else "")
        columns.append(value if value in known else "")
        names = target.get("missing", names)
    formats = mapping.get("formats", {})
    match = mapping.get("match") or ""
    likely = _told_by(object, columns, choices)[0]
    pair = (mapping.get("found", "update"), mapping.get("others", "create"))
    existing = (
        next((name for name, both in FOUND_OTHERS.items() if both == pair), "update") if match else "new"
    )
    return Shown(
        columns=tuple(columns), existing=existing, match=match or likely, names=names, dates=formats.get("date", ""),
        decimal=formats.get("decimal", ""), clear=mapping.get("skip_empty") is False, history=history,
    )  # fmt: skip


def form_of(given: Mapping[str, str], headings: Sequence[str]) -> Shown:
    """What a form says; a value that is none of the form's is its first one."""

    def one_of(name: str, known: Sequence[str], otherwise: str) -> str:
        return value if (value := given.get(name, "")) in known else otherwise

    return Shown(
        columns=tuple(given.get(f"c{n}", "")[:200] for n in range(len(headings))),
        existing=one_of("existing", EXISTING, "new"),
        match=given.get("match", "")[:200],
        names=one_of("names", MISSING, "problem"),
        dates=one_of("dates", DATES, ""),
        decimal=one_of("decimal", tuple(MARKS), ""),
        clear=given.get("clear") == "1",
        history=given.get("history") == "1",
    )


def mapping_of(
    shown: Shown, object: Object, headings: Sequence[str], choices: Sequence[Choice]
) -> dict[str, Any]:
    """What was said, as a mapping file says it."""
    known = {c.value: c for c in choices}
    columns: dict[str, Any] = {}
    for heading, value in zip(headings, shown.columns, strict=True):
        if not value:
            columns[heading] = None
            continue
        path, _, to = value.partition("@")
        one = choice.one if (choice := known.get(value)) is not None else None
        spec = one.field.spec if one is not None else None
        linked = isinstance(spec, LinkSpec)
        columns[heading] = {
            "field": path,
            **({"object": to} if to else {}),
            **({"missing": shown.names} if linked and shown.names != "problem" else {}),
            **({"defer": True} if one is not None and _among_rows(one, to, object) else {}),
        }
    formats = {"date": shown.dates, "decimal": shown.decimal}
    found, others = FOUND_OTHERS.get(shown.existing, ("update", "create"))
    return {
        "object": object.name,
        "columns": columns,
        "formats": {k: v for k, v in formats.items() if v},
        "skip_empty": not shown.clear,
        **(
            {"match": shown.match or None, "found": found, "others": others}
            if shown.existing != "new"
            else {}
        ),
    }


def _among_rows(one: Offered, to: str, object: Object) -> bool:
    """Whether a cell may name another row of its file, as the lines of a tree do; a link that must be there is looked up at once."""
    spec = one.field.spec
    if not isinstance(spec, LinkSpec) or one.field.required is True:
        return False
    return (to or spec.to[0]) == object.name
