"""Virtual names: what flow writes about a record and can be filtered, shown and reported like a field.

`approval.state` on every object; `path.NAME.since` where a stage path NAME is; `sla.CLOCK.due_at` where a clock is;
`pool.name` where a pool is. They have types here and no columns: query/standing says where they are kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from patron_engine.expr.types import BOOLEAN, DATETIME, NUMBER, TEXT, ExprType

APPROVAL_STATES: Final = (
    "none",
    "running",
    "approved",
    "rejected",
    "returned",
    "withdrawn",
    "revoked",
    "ended",
)
_USER: Final = ExprType("link", objects=("user",))

APPROVAL: Final[Mapping[str, ExprType]] = MappingProxyType({
    "approval.state": ExprType("choice", options=APPROVAL_STATES),
    "approval.step": TEXT,
    "approval.approvers": ExprType("list", element=_USER),
    "approval.submitter": _USER,
    "approval.decided_at": DATETIME,
    "approval.comment": TEXT,
})  # fmt: skip
POOL: Final[Mapping[str, ExprType]] = MappingProxyType(
    {"pool.name": TEXT, "pool.since": DATETIME, "pool.returns_at": DATETIME}
)
_PATH: Final = {"since": DATETIME, "due": DATETIME}
_CLOCK: Final = {"due_at": DATETIME, "done_at": DATETIME, "breached": BOOLEAN, "hours": NUMBER}


def virtual_names(
    documents: Mapping[tuple[str, str], Mapping[str, Any]],
) -> Mapping[str, Mapping[str, ExprType]]:
    """Object -> dotted name -> type, from the stage paths, clocks and pools there are. Approval names hold for every
    object and stand under ""."""
    found: dict[str, dict[str, ExprType]] = {"": dict(APPROVAL)}
    for (kind, name), body in documents.items():
        object = body.get("object")
        if not isinstance(object, str):
            continue
        names = found.setdefault(object, {})
        if kind == "stage_path":
            names.update({f"path.{name}.{part}": t for part, t in _PATH.items()})
        elif kind == "sla":
            for clock in body.get("clocks") or ():
                if isinstance(clock, Mapping) and isinstance(clock.get("name"), str):
                    names.update({f"sla.{clock['name']}.{part}": t for part, t in _CLOCK.items()})
        elif kind == "pool":
            names.update(POOL)
    return found


def is_virtual(path: str) -> bool:
    """Whether a path of a record is one of these names: `approval.state`, `path.sales.since`."""
    return path.partition(".")[0] in ("approval", "path", "sla", "pool") and "." in path
