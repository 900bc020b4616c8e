"""Conflicts on the command line: an upgrade and the workspace changed the same property; a person decides each.

In: the options `--mine` and `--theirs`, and the conflicts an attempt was refused with. Out: choices, and lines that show
each conflict with its three values.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, TypeVar

from patron_engine.errors import Conflict

Side = Literal["mine", "theirs"]
ALL = "all"
T = TypeVar("T")


def decided(plan: Callable[[Mapping[str, Side]], T], mine: Sequence[str], theirs: Sequence[str]) -> T:
    """What `plan` makes of the choices; `all` decides whatever is named by neither list. Conflict for what is left."""
    choices: dict[str, Side] = {**dict.fromkeys(theirs, "theirs"), **dict.fromkeys(mine, "mine")}
    rest: Side | None = "mine" if ALL in mine else "theirs" if ALL in theirs else None
    try:
        return plan(choices)
    except Conflict as error:
        if rest is None or error.code != "upgrade_conflict":
            raise
        return plan({**{place_of(c): rest for c in error.values["conflicts"]}, **choices})


def place_of(conflict: Mapping[str, Any]) -> str:
    """What an option calls a conflict: `object/account fields.phone.label`."""
    return f"{conflict['of']} {conflict['path']}"


def conflict_lines(values: Mapping[str, Any]) -> list[str]:
    """Each conflict of a refused upgrade, with what it was and what both made of it."""
    found = []
    for conflict in values.get("conflicts", ()):
        shown = {
            key: json.dumps(conflict[key], ensure_ascii=False, default=str)
            for key in ("base", "theirs", "mine")
        }
        found.append(
            f"{place_of(conflict)}: it was {shown['base']}, the new version says {shown['theirs']}, "
            f"this workspace {shown['mine']}"
        )
    if found:
        first = place_of(values["conflicts"][0])
        found.append(
            f"  keep one: --mine '{first}', or take it: --theirs '{first}'; --mine all, --theirs all for the rest"
        )
    return found
