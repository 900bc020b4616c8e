"""Layouts: checks of what is drawn of an object: the forms and pages of a layout, the map of a view, a form without a login.

In: an effective document, the sketch of all objects. Out: problems with places.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from patron_engine.meta.layers import EffectiveDocument
from patron_engine.model.sketch import ObjectSketch, Sketch
from patron_engine.phrases import Phrase
from patron_engine.problems import Problems

ON_WEBFORMS: Final = frozenset(
    {
        "text",
        "long_text",
        "email",
        "phone",
        "url",
        "barcode",
        "integer",
        "decimal",
        "percent",
        "money",
        "rating",
        "duration",
        "boolean",
        "select",
        "multi_select",
        "cascade",
        "date",
        "datetime",
        "time",
        "date_range",
        "color",
    }
)  # what somebody without a login may fill in: no records of others to choose from, no files to leave


def check_layout(document: EffectiveDocument, made: Sketch, problems: Problems) -> None:
    """What must be filled stands somewhere; a section stands on a tab there is."""
    one = made.object(document.body.get("object"))
    for name in _nowhere(document.body, one) if one is not None else ():
        problems.add("layout_lacks_required", Phrase("{one}.{name} must be filled and stands nowhere in this layout", one=one.name if one else '', name=name),
                     hint="put it into a section, or give it a default", level="warning", **document.where(("sections",)))  # fmt: skip
    for index, tab in _on_no_tab(document.body):
        problems.add("unknown_name", Phrase("there is no tab {tab!r} in this layout", tab=tab), hint="name it in `tabs`",
                     **document.where(("sections", index, "tab")))  # fmt: skip


def check_map(document: EffectiveDocument, made: Sketch, problems: Problems) -> None:
    """A map shows the only location of its object, or the one it names."""
    one = made.object(document.body.get("object"))
    if one is None or document.body.get("type") != "map" or "location" in document.body:
        return
    there = [f.name for f in one.fields.values() if f.type.name == "location"]
    if not there:
        message = Phrase("{one} has no location to show on a map", one=one.name)
        hint = "add a field of type location"
    elif len(there) > 1:
        message = Phrase(
            "{one} has {count} locations: a map needs `location`", one=one.name, count=len(there)
        )
        hint = Phrase("write location: {there}", there=there[0])
    else:
        return
    problems.add("missing_key", message, hint=hint, **document.where(("type",)))


def check_webform(document: EffectiveDocument, made: Sketch, problems: Problems) -> None:
    """Fields that somebody without a login can fill in."""
    one = made.object(document.body.get("object"))
    for index, raw in enumerate(document.body.get("fields") or () if one is not None else ()):
        name = raw.get("field") if isinstance(raw, Mapping) else raw
        field = one.fields.get(name) if one is not None and isinstance(name, str) else None
        if field is not None and field.type.name not in ON_WEBFORMS:
            problems.add("not_on_webforms", Phrase("nobody without a login fills in {field}: it is a {type}", field=field.name, type=field.type.name),
                         hint="leave it out, or give it a value under `set`", **document.where(("fields", index)))  # fmt: skip


def _on_no_tab(body: Mapping[str, Any]) -> list[tuple[int, str]]:
    """Sections, by their place, on a tab that the layout does not have."""
    tabs = {t.get("name") for t in body.get("tabs") or () if isinstance(t, Mapping)}
    named = [(n, s.get("tab")) for n, s in enumerate(body.get("sections") or ()) if isinstance(s, Mapping)]
    return [(n, tab) for n, tab in named if isinstance(tab, str) and tab not in tabs]


def _nowhere(body: Mapping[str, Any], one: ObjectSketch) -> list[str]:
    """Fields that must be filled and stand nowhere in a layout with sections."""
    sections = [s for s in body.get("sections") or () if isinstance(s, Mapping)]
    if not sections:
        return []
    placed = {
        f if isinstance(f, str) else f.get("field")
        for s in sections
        if not s.get("table")
        for f in s.get("fields") or ()
        if isinstance(f, str | Mapping)
    }
    return [
        f.name for f in one.fields.values()
        if not f.system and f.definition.get("required") is True and f.name not in placed and "default" not in f.definition
        and f.definition.get("readonly") is not True and not f.computed and f.type.name not in ("master", "auto_number")
        and f.definition.get("visible") is not False
    ]  # fmt: skip
