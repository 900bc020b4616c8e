"""Rules of values: addresses, days and ids that a document holds and that are wrong by themselves.

In: a Document that may be wrong in other ways too. Out: Problems added to the collector, as in rules_of.py.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from ipaddress import ip_network
from typing import Final
from zoneinfo import available_timezones

from patron_engine.meta.document import Document, walk
from patron_engine.phrases import Phrase
from patron_engine.problems import Problems, nearest

_SHARED_WITH: Final = ("user", "role", "department", "department_head", "position", "group", "queue", "field")
_OF_LIMITS: Final = ("user", "role", "department", "department_head", "position", "group")
_OF_POOLS: Final = (*_SHARED_WITH, "head_of", "expression")
_ADDRESS: Final = re.compile(r"(https?://|mailto:|tel:|/(?!/))[^\s\\]+\Z")


def menu_addresses(document: Document, found: Problems) -> None:
    """A menu leads to a page: nothing that runs when it is clicked."""
    for path, value in walk(document.body):
        if not path or path[-1] != "url" or not isinstance(value, str):
            continue
        if not value.startswith("=") and not _ADDRESS.match(value):
            message = Phrase("{value!r} is no address a menu can lead to", value=value)
            hint = "https://…, /a/page/of/this/place, mailto:… or tel:…"
            found.add("bad_address", message, hint=hint, **document.where(path))


def external_ids(document: Document, found: Problems) -> None:
    """Each record of a document has an id of its own: by it the next version finds the record again."""
    records = document.body.get("records")
    first: dict[str, int] = {}
    for index, record in enumerate(records if isinstance(records, list) else ()):
        id = record.get("external_id") if isinstance(record, Mapping) else None
        if not isinstance(id, str | int) or isinstance(id, bool):
            continue
        before = first.setdefault(str(id), index)
        if before != index:
            line = document.line(("records", before))
            message = Phrase("the external id {id!r} stands twice", id=str(id))
            if line:
                message = Phrase(
                    "the external id {id!r} stands twice, first in line {line}", id=str(id), line=line
                )
            where = document.where(("records", index, "external_id"))
            found.add("duplicate_name", message, hint="give one of them another", **where)


def open_days(document: Document, found: Problems) -> None:
    opening = document.body.get("open")
    if not isinstance(opening, Mapping):
        return
    try:
        first, last = (date.fromisoformat(str(opening.get(key))[:10]) for key in ("from", "until"))
    except ValueError:
        return  # not days, or only one of them: told elsewhere
    if last < first:
        message = Phrase("it closes ({last}) before it opens ({first})", last=last, first=first)
        found.add("range_order", message, hint="swap the two days", **document.where(("open", "until")))


def login_addresses(document: Document, found: Problems) -> None:
    """What a role's `login` names are addresses and networks: one that is none would let nobody in."""
    for path, value in walk(document.body):
        if path[:2] != ("login", "addresses") or not isinstance(value, str):
            continue
        try:
            ip_network(value, strict=False)
        except ValueError:
            message = Phrase("{value!r} is neither an address nor a network", value=value)
            found.add(
                "bad_address",
                message,
                hint="203.0.113.7, 203.0.113.0/24 or 2001:db8::/32",
                **document.where(path),
            )


def zone(document: Document, found: Problems) -> None:
    name = document.body.get("zone")
    if isinstance(name, str) and name not in available_timezones():
        hint = nearest(name, available_timezones()) or "such as Asia/Shanghai"
        found.add(
            "unknown_zone", Phrase("there is no time zone {name!r}", name=name), hint=hint, **document.where(("zone",)),
        )  # fmt: skip


def sharing_people(document: Document, found: Problems) -> None:
    """Who gets what a sharing rule gives is told by words a list can be narrowed by: nobody is chosen or worked out."""
    for key in ("to", "owned_by"):
        people = document.body.get(key)
        for index, who in enumerate(people if isinstance(people, list) else ()):
            aside = ("below", "where") if key == "to" else ("below",)
            words = [w for w in who if w not in aside] if isinstance(who, Mapping) else []
            if isinstance(who, Mapping) and (len(words) != 1 or words[0] not in _SHARED_WITH):
                found.add(
                    "sharing_people", "a sharing rule cannot name people this way",
                    hint="one of user, role, department, department_head, position, group, queue and field",
                    **document.where((key, index)),
                )  # fmt: skip


def pool_people(document: Document, found: Problems) -> None:
    """Who is of a pool is asked for each record that waits, which has no owner and which nobody submitted. Whose limits are
    meant is the same for every record."""
    limited = [(k, document.body.get(k)) for k in ("claim", "lock")]
    limits = [(k, part.get("limits")) for k, part in limited if isinstance(part, Mapping)]
    entries = [(k, n, e) for k, listed in limits if isinstance(listed, list) for n, e in enumerate(listed)]
    for part, index, entry in entries:
        who = entry.get("who") if isinstance(entry, Mapping) else None
        words = [w for w in who if w != "below"] if isinstance(who, Mapping) else []
        named = who.get(words[0]) if isinstance(who, Mapping) and len(words) == 1 else None
        worked_out = any(str(c).startswith("=") for c in (named if isinstance(named, list) else [named]))
        if isinstance(who, Mapping) and (len(words) != 1 or words[0] not in _OF_LIMITS or worked_out):
            found.add(
                "pool_people", "limits of a pool cannot name people this way",
                hint="one of user, role, department, department_head, position and group",
                **document.where((part, "limits", index, "who")),
            )  # fmt: skip
    for key in ("managers", "members"):
        people = document.body.get(key)
        several = isinstance(people, list)
        for index, who in enumerate(people if isinstance(people, list) else [people]):
            path = (key, index) if several else (key,)
            if not isinstance(who, Mapping):
                continue
            words = [w for w in who if w not in ("below", "where")]
            codes = who.get(words[0]) if len(words) == 1 and words[0] != "expression" else None
            worked_out = any(str(c).startswith("=") for c in (codes if isinstance(codes, list) else [codes]))
            if len(words) != 1 or words[0] not in _OF_POOLS or worked_out:
                found.add(
                    "pool_people", "a pool cannot name people this way",
                    hint="one of user, role, department, department_head, position, group, queue, field, head_of and expression, each with where if need be",
                    **document.where(path),
                )  # fmt: skip
