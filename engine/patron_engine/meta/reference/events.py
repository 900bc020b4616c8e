"""Events: what starts a rule, and what `event.` offers under it.

In: an event of a document (`on:`). Out: type words for expressions, and the references the event itself makes.
The table is also what docs/reference shows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from patron_engine.meta.document import Path
from patron_engine.meta.reference.kinds import DAYS
from patron_engine.meta.reference.use import ObjectName, Scope, Walk

EVERY: Final[Mapping[str, str]] = {"name": "text", "at": "datetime", "by": "object:user"}
OFFERS: Final[Mapping[str, Mapping[str, str]]] = {
    "created": {},
    "updated": {"fields": "list"},
    "deleted": {},
    "restored": {},
    "assigned": {"from": "object:user", "to": "object:user"},
    "claimed": {"pool": "text"},
    "returned": {"pool": "text", "reason": "text", "from": "object:user"},
    "converted": {"conversion": "text"},
    "entered": {"segment": "text"},
    "left": {"segment": "text"},
    "stage_entered": {"stage": "text", "from": "text", "path": "text"},
    "approval": {"approval": "text", "result": "text", "step": "text", "comment": "text"},
    "button": {"button": "text"},
    "schedule": {"planned_at": "datetime"},
    "date": {"date": "date"},
    "form": {"form": "text"},
    "webhook": {"body": "json", "headers": "json", "query": "json"},
    "email": {
        "from": "text",
        "to": "text",
        "subject": "text",
        "text": "text",
        "html": "text",
        "files": "list",
        "files_left_out": "text",
    },
    "sla": {"sla": "text", "clock": "text", "due_at": "datetime"},
    "upgraded": {"pack": "text", "from": "text", "to": "text"},
}
WHOLE_OBJECT: Final = frozenset({"schedule"})  # runs for each record that fits: `when` chooses rows


def events(walk: Walk, path: Path, value: Any, object: ObjectName | None) -> Mapping[str, str]:
    """Notes what the events name; gives what `event.` offers under any of them."""
    found = (
        walk.maps(path, value)
        if isinstance(value, list)
        else [(path, value)]
        if isinstance(value, Mapping)
        else []
    )
    offers = dict(EVERY)
    for at, event in found:
        name = event.get("event")
        offers.update(OFFERS.get(name, {}) if isinstance(name, str) else {})
        walk.field((*at, "fields"), event.get("fields"), object)
        walk.definition((*at, "segment"), "segment", event.get("segment"))
        walk.definition((*at, "conversion"), "conversion", event.get("conversion"))
        walk.definition((*at, "path"), "stage_path", event.get("path"))
        walk.definition((*at, "approval"), "approval", event.get("approval"))
        walk.definition((*at, "form"), "webform", event.get("form"))
        walk.definition((*at, "sla"), "sla", event.get("sla"))
        walk.definition((*at, "roles"), "role", event.get("roles"))
        for key, kind, listed in (
            ("stage", "stage_path", "stages"),
            ("step", "approval", "nodes"),
            ("clock", "sla", "clocks"),
        ):
            more = {"kind": kind, "of": event.get(_OWNER[key]) or "", "element": listed}
            walk.name((*at, key), "element", event.get(key), object=object, **more)
        walk.field((*at, "field"), event.get("field"), object, kinds=DAYS)
        offers.update(_asked(walk, (*at, "ask"), event.get("ask"), object))
    return offers


_OWNER = {"stage": "path", "step": "approval", "clock": "sla"}


def _asked(walk: Walk, path: Path, value: Any, object: ObjectName | None) -> dict[str, str]:
    """A button asks for fields of the record: `event.FIELD` has the field's type."""
    walk.field(path, value, object)
    names: dict[str, str] = {}
    for index, item in enumerate(value if isinstance(value, list) else ()):
        name = item.get("field") if isinstance(item, Mapping) else item
        if isinstance(name, str):
            names[name] = f"field:{object}.{name}"
        if isinstance(item, Mapping):
            walk.condition((*path, index, "required"), item.get("required"), Scope(object=object))
            walk.value((*path, index, "default"), item.get("default"), Scope(object=object))
    return names
