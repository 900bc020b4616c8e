"""Kinds: the registry of what a document may be, and the published JSON Schema of each.

In: the files of schemas/. Out: `KINDS` by name, validators that know exact decimals, and one self-contained schema a
kind for editors and `patron schema`. Which names and expressions a document holds is told by meta/reference.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

import orjson

if TYPE_CHECKING:
    from referencing import Registry

COMMON: Final = "urn:patron:schema:common"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of document.

    folder    where people keep it in a pack; `kind` decides, not the folder
    audience  `for` and `priority` may stand on it
    layered   it is part of a workspace's effective definitions (a manifest and a change are not)
    personal  a person may own one outside of layers and releases
    """

    name: str
    folder: str
    audience: bool = True
    layered: bool = True
    personal: bool = False


_ALL = (
    Kind(name="pack", folder="", audience=False, layered=False),
    Kind(name="workspace", folder="", audience=False),
    Kind(name="change", folder="changes", audience=False, layered=False),
    Kind(name="object", folder="objects", audience=False),
    Kind(name="option_set", folder="objects", audience=False),
    Kind(name="segment", folder="segments"),
    Kind(name="setting", folder="settings", audience=False),
    Kind(name="layout", folder="layouts"),
    Kind(name="view", folder="views", personal=True),
    Kind(name="menu", folder="menus"),
    Kind(name="template", folder="templates"),
    Kind(name="webform", folder="webforms"),
    Kind(name="data", folder="data"),
    Kind(name="check", folder="checks"),
    Kind(name="automation", folder="automations"),
    Kind(name="approval", folder="approvals"),
    Kind(name="stage_path", folder="stage_paths"),
    Kind(name="assignment", folder="assignments"),
    Kind(name="pool", folder="pools"),
    Kind(name="sla", folder="sla"),
    Kind(name="conversion", folder="conversions"),
    Kind(name="duplicate_rule", folder="duplicates"),
    Kind(name="role", folder="roles"),
    Kind(name="sharing", folder="sharing"),
    Kind(name="report", folder="reports", personal=True),
    Kind(name="dashboard", folder="dashboards", personal=True),
    Kind(name="goal", folder="goals"),
)
KINDS: Final[Mapping[str, Kind]] = {kind.name: kind for kind in _ALL}


@cache
def schema(kind: str) -> dict[str, Any]:
    """The schema of a kind (or of "common", what they share) as it is published. KeyError for an unknown kind."""
    if kind != "common" and kind not in KINDS:
        raise KeyError(kind)
    loaded: dict[str, Any] = orjson.loads(
        (files("patron_engine.meta") / "schemas" / f"{kind}.json").read_bytes()
    )
    return loaded


def bundled_schema(kind: str) -> dict[str, Any]:
    """The schema of a kind with what it shares inside it: one file an editor can use on its own."""
    whole = dict(schema(kind))
    whole["$defs"] = {**whole.get("$defs", {}), "common": schema("common")}
    return whole


@cache
def registry() -> Registry[Any]:
    """All schemas by their ids, for resolving references between them."""
    from referencing import Registry, Resource  # with jsonschema: only who writes definitions needs them

    resources = [Resource.from_contents(schema(name)) for name in ("common", *KINDS)]
    return Registry().with_resources((r.id() or "", r) for r in resources)


def _is_number(checker: Any, value: Any) -> bool:
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


def _is_integer(checker: Any, value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


@cache
def _validator() -> Any:
    """A validator's class that takes Decimal as a number."""
    from jsonschema import Draft202012Validator
    from jsonschema.validators import extend

    exact = {"number": _is_number, "integer": _is_integer}
    types = Draft202012Validator.TYPE_CHECKER.redefine_many(exact)
    return extend(Draft202012Validator, type_checker=types)  # type: ignore[no-untyped-call]


@cache
def validator(kind: str) -> Any:
    """A jsonschema validator of the kind that takes Decimal as a number."""
    return _validator()(schema(kind), registry=registry())
