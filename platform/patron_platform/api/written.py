"""Written: the body of a write as a change. A key that is a field of the object is the field's, always.

In: the JSON object of a request, and the call, which knows the object's fields. Out: a Change for the way save. Beside
fields a body may hold `confirm`, `chosen` and `external_ids`, a row of a bulk also `id`, `version` and `delete`. Where the object
has a field of such a name that the caller may use, the key means the field; `?confirm=` and DELETE stay.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from patron_engine.access.decide import readable, writable
from patron_engine.errors import Refused
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem
from patron_engine.query.call import Call
from patron_engine.record.change import Action, Change

BESIDE: Final = ("confirm", "external_ids", "chosen")
OF_ROW: Final = ("id", "version", "delete")


def change_of(
    call: Call, action: Action, object: str, body: Mapping[str, Any], confirm: tuple[str, ...] = ()
) -> Change:
    """The change a body asks for. `confirm` are the names given beside it. Refused when a key beside the fields is
    not what it should be."""
    beside, values = _apart(call, object, body, BESIDE)
    _refuse(_beside_faults(beside), "")
    return Change(
        action=action,
        object=object,
        set=values,
        confirm=frozenset((*beside.get("confirm", ()), *confirm)),
        external_ids=beside.get("external_ids", {}),
    )


def bulk_change(
    call: Call, object: str, row: Mapping[str, Any], index: int, confirm: tuple[str, ...] = ()
) -> Change:
    """One row of a bulk: with `id` an update, with `delete` a deletion, else a new record."""
    beside, values = _apart(call, object, row, (*BESIDE, *OF_ROW))
    id, version, delete = beside.get("id"), beside.get("version"), beside.get("delete", False)
    _refuse(
        [
            *_row_faults(id, version, delete),
            *_beside_faults(beside),
        ],
        f"records[{index}].",
    )
    action: Action = "delete" if delete else "create" if id is None else "update"
    return Change(
        action=action,
        object=object,
        id=id,
        version=version,
        set=values,
        external_ids=beside.get("external_ids", {}),
        confirm=frozenset((*beside.get("confirm", ()), *confirm)),
    )


def choosing(call: Call, chosen: Any, object: str | None = None) -> Call:
    """The call with whom the caller chose for the approvals that it begins. `chosen`: step -> ids; of a body that may hold
    fields of `object`, the whole body."""
    if object is not None:
        chosen = _apart(call, object, chosen, BESIDE)[0].get("chosen")
    if chosen is None:
        return call
    _refuse(_chosen_faults(chosen), "")
    return replace(call, cause=replace(call.cause, chosen=chosen))


def _chosen_faults(chosen: Any) -> Iterator[Problem]:
    if not isinstance(chosen, dict) or not all(_texts(p) or isinstance(p, str) for p in chosen.values()):
        yield Problem(
            code="not_object", message=Phrase("chosen maps steps to lists of user ids"), path="chosen"
        )


def _apart(
    call: Call, object: str, body: Mapping[str, Any], keys: tuple[str, ...]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What stands beside the fields, and the fields."""
    given = [key for key in keys if key in body]
    mine = _fields(call, object, given) if given else frozenset()
    beside = {key: body[key] for key in given if key not in mine}
    return beside, {key: value for key, value in body.items() if key not in beside}


def _fields(call: Call, object: str, names: list[str]) -> frozenset[str]:
    """Which of some keys are fields of the object for this caller. `id` and `version` are never written."""
    found = call.model.object(object)
    if found is None:
        return frozenset()
    today = {name: found.aliases.get(name, name) for name in names if name not in ("id", "version")}
    if not any(name in found.fields or name in found.sets for name in today.values()):
        return frozenset()
    may = {
        *readable(call.model, call.actor, found.name),
        *writable(call.model, call.actor, found.name),
        *found.details,
    }
    return frozenset(key for key, name in today.items() if name in may)


def _row_faults(id: Any, version: Any, delete: Any) -> Iterator[Problem]:
    if id is not None and not isinstance(id, str):
        yield Problem(code="not_text", message="id is a text", path="id")
    if isinstance(version, bool) or not isinstance(version, int | None):
        yield Problem(code="not_integer", message="a whole number", path="version")
    if not isinstance(delete, bool):
        yield Problem(code="not_boolean", message="delete is true or false", path="delete")
    if delete is True and id is None:
        yield Problem(code="required", message="what is deleted needs its id", path="id")


def _beside_faults(beside: Mapping[str, Any]) -> Iterator[Problem]:
    confirm, external = beside.get("confirm", []), beside.get("external_ids", {})
    if not _texts(confirm):
        yield Problem(code="not_list", message="confirm is a list of rule names", path="confirm")
    if not (isinstance(external, dict) and _texts(list(external.values()))):
        yield Problem(code="external_ids", message="external_ids maps sources to texts", path="external_ids")


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _refuse(faults: Iterable[Problem], path: str) -> None:
    found = [replace(fault, path=f"{path}{fault.path}") for fault in faults]
    if found:
        raise Refused(found)
