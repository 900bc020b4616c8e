"""Plain: the parts of a mapping that say nothing of the model: its keys, forms of dates and numbers, words for cells.

In: plain values as a mapping file or a form gives them. Out: them, checked; problems for what cannot be.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from patron_engine.fields.moments import date_form
from patron_engine.phrases import Phrase
from patron_engine.problems import Problems, nearest
from patron_engine.transfer.mapping import FOUND, OTHERS, Found, Others

MAX_MAGNITUDE = 30  # digits before or after the point of a number that cells are multiplied by
FORMAT_KEYS = ("date", "decimal", "thousands")


def known_heading(heading: str, headings: Sequence[str] | None, path: str, problems: Problems) -> None:
    if headings is not None and heading not in headings:
        problems.add(
            "unknown_heading", Phrase("the file has no column {heading!r}", heading=heading), path=path,
            hint=nearest(heading, headings),
        )  # fmt: skip


def known_keys(raw: Mapping[str, Any], known: Sequence[str], path: str, problems: Problems) -> None:
    for key in raw:
        if key not in known:
            problems.add(
                "unknown_key", Phrase("there is no key {key!r} here", key=key), path=f"{path}{key}",
                hint=nearest(key, known),
            )  # fmt: skip


def known_or_not(raw: Mapping[str, Any], problems: Problems) -> tuple[Found, Others]:
    """What becomes of rows whose record is there, and of the others."""
    for key, known in (("found", FOUND), ("others", OTHERS)):
        if raw.get(key) is not None and raw[key] not in known:
            problems.add("unknown_value", Phrase("{key} is {known}", key=key, known=list(known)), path=key)
        elif raw.get(key) == "skip" and raw.get("match") is None:
            problems.add(
                "match_missing", Phrase("{key} needs `match`, which tells rows apart", key=key), path=key
            )
    return (
        next((f for f in FOUND if f == raw.get("found")), "update"),
        next((o for o in OTHERS if o == raw.get("others")), "create"),
    )


def text_formats(raw: Any, problems: Problems) -> tuple[tuple[str, ...], str, str]:
    if not isinstance(raw, Mapping):
        problems.add("not_object", "formats holds date, decimal and thousands", path="formats")
        return (), ".", ","
    known_keys(raw, FORMAT_KEYS, "formats.", problems)
    decimal, thousands = str(raw.get("decimal") or "."), raw.get("thousands")
    grouped = ("," if decimal == "." else ".") if thousands is None else str(thousands)
    if decimal == grouped:
        problems.add("same_mark", "decimal and thousands cannot be the same mark", path="formats")
    return date_forms(raw.get("date"), "formats.date", problems), decimal, grouped


def date_forms(raw: Any, path: str, problems: Problems) -> tuple[str, ...]:
    forms = tuple(str(f) for f in (raw if isinstance(raw, list | tuple) else [raw] if raw else []))
    for form in forms:
        try:
            date_form(form)
        except ValueError as error:
            problems.add("date_form", Phrase(error.args[0]), path=path, hint='for example "MM/DD/YYYY"')
    return forms


def cell_words(corrections: Mapping[Any, Any], values: Mapping[Any, Any]) -> dict[str, str | None]:
    """Cells -> what they stand for; what a correction gives may be a word of `values` itself."""
    words = {str(k).strip().casefold(): None if v is None else str(v) for k, v in values.items()}
    for wrong, right in corrections.items():
        text = None if right is None else str(right)
        words[str(wrong).strip().casefold()] = words.get((text or "").strip().casefold(), text)
    return words


def table_of(raw: Mapping[str, Any], key: str, path: str, problems: Problems) -> Mapping[Any, Any]:
    """A table of cells and what they stand for."""
    found = raw.get(key) or {}
    if not isinstance(found, Mapping):
        problems.add(
            "not_object", Phrase("{key} maps cells to what they stand for", key=key), path=f"{path}.{key}"
        )
        return {}
    return found


def factor(raw: Any, path: str, problems: Problems) -> Decimal | None:
    """What the numbers of a column are multiplied by."""
    if raw is None:
        return None
    try:
        number = Decimal(str(raw))
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or abs(number.adjusted()) > MAX_MAGNITUDE:
        problems.add("not_number", "multiply is a number", path=path)
        return None
    return number
