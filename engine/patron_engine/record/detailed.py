"""Detailed: what may be wrong with the form of one detail inside its master's change.

In: the item as it was sent, its id, version and `delete`. Out: (code, message, key) or None. Looks no record up.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from patron_engine.phrases import Phrase
from patron_engine.record.ids import record_id


def detail_fault(
    item: Mapping[str, Any],
    id: Any,
    version: Any,
    delete: Any,
    fields: Mapping[str, Any],
    seen: set[str],
    link: str,
) -> tuple[str, str, str] | None:
    """`seen` are the ids of the list so far, `link` the field that points at the master."""
    if id is not None and record_id(id) is None:
        return "not_found", Phrase("there is no such record: {id}", id=id), "id"
    if id is not None and record_id(id) in seen:
        return "twice", Phrase("{id} stands twice in the list", id=id), "id"
    if version is not None and (not isinstance(version, int) or isinstance(version, bool)):
        return "not_an_integer", "version is an integer", "version"
    if delete is not None and not isinstance(delete, bool):
        return "not_a_boolean", "delete is true or false", "delete"
    if delete and id is None:
        return "missing", "a detail to delete is named by its id", "id"
    if link in fields:
        return "detail_master", Phrase("{link} is given by the record it stands in", link=link), link
    return None
