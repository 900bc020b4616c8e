"""System fields: what every record has by itself, as definitions with the words people know them by.

In: an object's definition. Out: definitions of its system fields, in the order they are shown. The physical columns have
the same names; users' fields never share a name with them.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final


def _texts(en: str, cn: str, tw: str) -> Mapping[str, str]:
    return MappingProxyType({"en": en, "zh-CN": cn, "zh-TW": tw})


_ID: Final = {"name": "id", "type": "id", "label": _texts("ID", "主键", "主鍵"), "readonly": True}
_OWNED: Final = (
    {"name": "owner", "type": "user", "label": _texts("Owner", "负责人", "負責人"), "default": "=me()"},
    {
        "name": "department",
        "type": "department",
        "label": _texts("Department", "归属部门", "歸屬部門"),
        "readonly": True,
    },
    {"name": "queue", "type": "lookup", "to": "queue", "label": _texts("Queue", "队列", "佇列")},
)
_RECORD_TYPE: Final = {
    "name": "record_type",
    "type": "select",
    "label": _texts("Record type", "业务类型", "業務類型"),
}
_CURRENCY: Final = {
    "name": "currency",
    "type": "text",
    "max_length": 3,
    "case": "upper",
    "label": _texts("Currency", "币种", "幣別"),
}
_KEPT: Final = (
    {
        "name": "created_at",
        "type": "datetime",
        "label": _texts("Created at", "创建时间", "建立時間"),
        "readonly": True,
    },
    {
        "name": "created_by",
        "type": "user",
        "label": _texts("Created by", "创建人", "建立者"),
        "readonly": True,
    },
    {
        "name": "updated_at",
        "type": "datetime",
        "label": _texts("Modified at", "修改时间", "修改時間"),
        "readonly": True,
    },
    {
        "name": "updated_by",
        "type": "user",
        "label": _texts("Modified by", "修改人", "修改者"),
        "readonly": True,
    },
    {"name": "version", "type": "integer", "label": _texts("Version", "版本", "版本"), "readonly": True},
    {
        "name": "deleted_at",
        "type": "datetime",
        "label": _texts("Deleted at", "删除时间", "刪除時間"),
        "readonly": True,
    },
)
_VOIDED: Final = {
    "name": "voided_at",
    "type": "datetime",
    "label": _texts("Voided at", "作废时间", "作廢時間"),
    "readonly": True,
}


def system_fields(body: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    """Definitions of the system fields of an object with this body. A detail has its master's owner and none itself."""
    found: list[Mapping[str, Any]] = [_ID]
    if body.get("owner") != "none" and not is_detail(body):
        found.extend(_OWNED)
    types = [t for t in body.get("record_types") or () if isinstance(t, Mapping)]
    found.append({**_RECORD_TYPE, "options": types})
    if body.get("currency") == "record":
        found.append(_CURRENCY)
    found.extend(_KEPT)
    if "void" in (body.get("features") or ()):
        found.append(_VOIDED)
    return tuple(found)


def is_detail(body: Mapping[str, Any]) -> bool:
    """Whether the object has a master."""
    return any(isinstance(f, Mapping) and f.get("type") == "master" for f in body.get("fields") or ())
