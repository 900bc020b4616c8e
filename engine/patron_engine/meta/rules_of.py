"""Rules of single kinds: what belongs together within one document and no schema says well.

In: a Document that may be wrong in other ways too. Out: Problems added to the collector. One function a concern,
listed by kind in RULES_OF; nothing here looks at another document.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Final

import re2

from patron_engine.meta.document import Document, Path, walk
from patron_engine.meta.rules_approval import approval_people, approval_reach
from patron_engine.meta.rules_events import automation_causer, automation_object, cron_lines
from patron_engine.meta.rules_mail import mailed
from patron_engine.meta.rules_reports import own_figures, pictures
from patron_engine.meta.rules_values import (
    external_ids,
    login_addresses,
    menu_addresses,
    open_days,
    pool_people,
    sharing_people,
    zone,
)
from patron_engine.phrases import Phrase
from patron_engine.problems import Problems, nearest

Rule = Callable[[Document, Problems], None]
_COUNTER = re.compile(r"\{0{1,12}\}")
_DATES = frozenset({"YYYY", "YY", "MM", "DD"})


def maps(document: Document, key: str) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """Every map that is an element of a list called `key`, wherever it stands."""
    for path, value in walk(document.body):
        if isinstance(value, list) and path and path[-1] == key:
            for index, item in enumerate(value):
                if isinstance(item, Mapping):
                    yield (*path, index), item


def one_of(
    document: Document,
    path: Path,
    value: Mapping[str, Any],
    keys: tuple[str, ...],
    found: Problems,
    *,
    least: int = 1,
) -> None:
    """Exactly one of `keys` (or at most one, with least=0) stands in the map."""
    there = [key for key in keys if value.get(key) is not None]
    if len(there) > 1:
        message = Phrase("{there} stand together; one of them is enough", there=" and ".join(there))
        found.add("one_of", message, hint="keep one", **document.where((*path, there[1])))
    elif len(there) < least:
        found.add("one_of", Phrase("one of {keys} must stand here", keys=list(keys)), **document.where(path))


def fields(document: Document, found: Problems) -> None:
    path: Path = ("fields",)
    items = document.body.get("fields")
    if document.kind == "change":
        path, added = ("add", "fields"), document.body.get("add")
        items = (
            added.get("fields")
            if document.name.startswith("object/") and isinstance(added, Mapping)
            else None
        )
    masters = 0
    for index, field in enumerate(items if isinstance(items, list) else ()):
        if isinstance(field, Mapping):
            masters += field.get("type") == "master"
            if masters > 1 and field.get("type") == "master":
                message = "a detail has one master"
                found.add("second_master", message, hint="make it a lookup", **document.where((*path, index)))
            _field(document, (*path, index), field, found)


def _field(document: Document, path: Path, field: Mapping[str, Any], found: Problems) -> None:
    kind, function = field.get("type"), field.get("function")
    if kind in ("select", "multi_select", "cascade"):
        one_of(document, path, field, ("options", "option_set"), found)
    elif kind == "tags" or field.get("returns"):
        one_of(document, path, field, ("options", "option_set"), found, least=0)
    if kind == "rollup" and function not in (None, "count") and not field.get("field"):
        message = Phrase("`{function}` needs the field it is made of", function=function)
        found.add("missing_key", message, hint="write field: …", **document.where(path))
    if kind == "auto_number":
        _auto_number(document, path, field.get("pattern"), found)
    elif isinstance(field.get("pattern"), str):
        _pattern(document, (*path, "pattern"), field["pattern"], found)
    low, high = field.get("min"), field.get("max")
    if isinstance(low, int | Decimal) and isinstance(high, int | Decimal) and low > high:
        found.add(
            "out_of_range", Phrase("min {low} is more than max {high}", low=low, high=high),
            **document.where((*path, "min")),
        )  # fmt: skip
    if field.get("find") is not None and field.get("many"):
        found.add(
            "one_of", "`find` chooses one record, `many` holds several", **document.where((*path, "find"))
        )


def _pattern(document: Document, path: Path, pattern: str, found: Problems) -> None:
    options = re2.Options()
    options.log_errors = False
    try:
        re2.compile(pattern, options)
    except re2.error as error:
        reason = error.args[0].decode() if error.args and isinstance(error.args[0], bytes) else str(error)
        hint = "backreferences and look-around are not there: the same pattern must be quick on every text"
        found.add(
            "bad_pattern", Phrase("the pattern cannot be read: {reason}", reason=reason), hint=hint, **document.where(path),
        )  # fmt: skip


def _auto_number(document: Document, path: Path, pattern: Any, found: Problems) -> None:
    if not isinstance(pattern, str):
        return
    if len(_COUNTER.findall(pattern)) != 1:
        message = Phrase("the pattern {pattern!r} needs exactly one counter such as {{0000}}", pattern=pattern)  # fmt: skip
        found.add("bad_form", message, hint="SO-{YYYY}{MM}-{0000}", **document.where((*path, "pattern")))
    for part in re.findall(r"\{([^{}]*)\}", pattern):
        if not (set(part) == {"0"} or part in _DATES or re.fullmatch(r"[a-z][a-z0-9_.]*", part)):
            near = nearest(part.upper(), _DATES) or Phrase(
                "parts are {YYYY} {YY} {MM} {DD} {0000} and {field}"
            )
            found.add(
                "bad_form", Phrase("{{{part}}} is no part of a number", part=part), hint=near,
                **document.where((*path, "pattern")),
            )  # fmt: skip


def view_axes(document: Document, found: Problems) -> None:
    needs = {"kanban": ("group_by",), "calendar": ("from",), "gantt": ("from", "to")}
    kind = document.body.get("type", "list")
    for key in needs.get(kind, ()) if isinstance(kind, str) else ():
        if key not in document.body:
            found.add(
                "missing_key", Phrase("a {kind} needs `{key}`", kind=kind, key=key),
                hint=Phrase("write {key}: FIELD", key=key), **document.where(("type",)),
            )  # fmt: skip


def menu_entries(document: Document, found: Problems) -> None:
    keys = ("object", "view", "report", "dashboard", "webform", "url", "entries")
    for path, entry in maps(document, "entries"):
        one_of(document, path, entry, keys, found)


def tiles(document: Document, found: Problems) -> None:
    for path, tile in maps(document, "tiles"):
        one_of(document, path, tile, ("report", "view", "goal", "text"), found)
        at = tile.get("at")
        x, w = (at.get("x"), at.get("w")) if isinstance(at, Mapping) else (0, 0)
        if isinstance(x, int) and isinstance(w, int) and x + w > 12:
            found.add(
                "out_of_range", "the tile leaves the grid of 12 columns", **document.where((*path, "at"))
            )


def template_body(document: Document, found: Problems) -> None:
    one_of(document, (), document.body, ("body", "body_file"), found)


def setting_options(document: Document, found: Problems) -> None:
    if document.body.get("type") in ("select", "multi_select", "cascade"):
        one_of(document, (), document.body, ("options", "option_set"), found)


def steps(document: Document, found: Problems) -> None:
    before = document.kind == "automation" and document.body.get("timing") == "before"
    for key in (
        "steps",
        "on_error",
        "approved",
        "rejected",
        "returned",
        "withdrawn",
        "revoked",
        "ended",
        "submitted",
    ):
        for path, step in maps(document, key):
            do = step.get("do")
            if do == "notify":
                one_of(document, path, step, ("template", "message"), found)
            elif do == "mail":
                mailed(document, path, step, found)
            elif do == "wait" and not step.get("for") and not step.get("until"):
                found.add("one_of", "a wait needs `for`, `until` or both", **document.where(path))
            if before and do != "set":
                message = "before the save only `do: set` can stand"
                hint = "write timing: after for everything else"
                found.add("step_not_here", message, hint=hint, **document.where((*path, "do")))
            elif do == "set" and not before:
                hint = "write do: update, or timing: before in an automation"
                message = "`set` changes the record inside its save; this runs after it"
                found.add("step_not_here", message, hint=hint, **document.where((*path, "do")))


def measures(document: Document, found: Problems) -> None:
    for path, measure in maps(document, "measures"):
        one_of(document, path, measure, ("function", "expression"), found)
        function = measure.get("function")
        if isinstance(function, str) and function != "count" and not measure.get("field"):
            message = Phrase("`{function}` needs the field it is made of", function=function)
            found.add("missing_key", message, hint="write field: …", **document.where(path))
        if function == "percentile" and "at" not in measure:
            found.add("missing_key", "a percentile needs `at`, such as at: 90", **document.where(path))


def approval_nodes(document: Document, found: Problems) -> None:
    seen: dict[str, int | None] = {}
    for path, node in maps(document, "nodes"):
        name = node.get("name")
        if isinstance(name, str) and name in seen:
            message = Phrase("{name!r} is the name of another node already (line {seen})", name=name, seen=seen[name])  # fmt: skip
            found.add(
                "duplicate_name", message, hint="decisions name their node", **document.where((*path, "name"))
            )
        elif isinstance(name, str):
            seen[name] = document.line(path)
        cases = node.get("cases")
        if (
            isinstance(cases, list)
            and cases
            and not any(isinstance(c, Mapping) and c.get("nodes") for c in cases)
        ):
            found.add(
                "empty_branch", Phrase("no case of {name!r} holds a node", name=name), **document.where((*path, "cases")),
            )  # fmt: skip


def sla_clocks(document: Document, found: Problems) -> None:
    for path, clock in maps(document, "clocks"):
        one_of(document, path, clock, ("within", "cases"), found)


def days(document: Document, found: Problems) -> None:
    for path, value in walk(document.body):
        if path and path[-1] in ("from", "until", "as_of", "now") and isinstance(value, str):
            match = re.match(r"(\d{4})-(\d\d)-(\d\d)", value)
            try:
                date(*map(int, match.groups())) if match else None
            except ValueError:
                found.add(
                    "bad_form", Phrase("{value!r} is no day of the calendar", value=value), **document.where(path),
                )  # fmt: skip


def workspace_name(document: Document, found: Problems) -> None:
    if document.name != "workspace":
        message = "there is one document of this kind, called workspace"
        found.add("workspace_name", message, hint="write name: workspace", **document.where(("name",)))


RULES_OF: Final[Mapping[str, tuple[Rule, ...]]] = {
    "object": (fields,),
    "change": (fields,),
    "view": (view_axes,),
    "menu": (menu_entries, menu_addresses),
    "data": (external_ids,),
    "dashboard": (tiles,),
    "template": (template_body,),
    "setting": (setting_options,),
    "automation": (steps, automation_object, automation_causer, cron_lines),
    "approval": (steps, approval_nodes, approval_reach, approval_people),
    "assignment": (cron_lines,),
    "sla": (steps, sla_clocks),
    "report": (measures, own_figures, cron_lines, days, pictures),
    "role": (login_addresses,),
    "pool": (pool_people,),
    "sharing": (sharing_people,),
    "webform": (days, open_days),
    "check": (days,),
    "workspace": (workspace_name, zone),
}
