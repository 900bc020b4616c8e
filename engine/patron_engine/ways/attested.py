"""Attested: what must hold after the steps of a check, as the one it names sees it. Part of ways/rehearse.

In: who looks, the system's call, one entry of `then`, the check's records. Out: a phrase for each thing that is not as it must be. A
person sees what his roles let him see: a value he may not read fails, one that should be hidden and is not fails, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from patron_engine.actor import SYSTEM
from patron_engine.errors import NotFound, PatronError
from patron_engine.phrases import Phrase
from patron_engine.query.call import Call
from patron_engine.query.values import fetch_values
from patron_engine.record.statements import Conn
from patron_engine.ways import figure
from patron_engine.ways.expected import shown
from patron_engine.ways.read import read_one


def unseen(conn: Conn, looking: Call, then: Mapping[str, Any], record: tuple[str, str]) -> list[Phrase]:
    """About a record that is read: what he does not see of it, or sees and should not."""
    object, id = record
    hidden = then.get("hidden")
    sees = _seen(conn, looking, object, id, "id") is not None
    if hidden is True:
        return [Phrase("{record} is seen", record=then["read"])] if sees else []
    if not sees:
        return [Phrase("{record} is not seen", record=then["read"])]
    found = []
    for name in hidden if isinstance(hidden, list) else ():
        system = fetch_values(conn, looking, object, [id], [name], money="own").get(id, {}).get(name)
        if system is None:
            found.append(Phrase("{field} is empty: whether it is hidden cannot be told", field=name))
        elif _seen(conn, looking, object, id, name) is not None and not _masked(
            conn, looking, object, id, name
        ):
            found.append(Phrase("{field} is seen", field=name))
    for name in then.get("values") or {}:
        whole = fetch_values(conn, looking, object, [id], [name], money="own").get(id, {}).get(name)
        if whole is not None and _seen(conn, looking, object, id, name) is None:
            found.append(Phrase("{field} is not seen", field=name))
    return found


def _seen(conn: Conn, looking: Call, object: str, id: str, field: str) -> Any:
    """The value as he reads it; None where he does not."""
    try:
        return read_one(conn, looking, object, id, fields=(field,)).record().get(field)
    except PatronError:
        return None


def _masked(conn: Conn, looking: Call, object: str, id: str, field: str) -> bool:
    """Whether he reads something else in its place than who may read all."""
    whole = read_one(conn, _whole(looking), object, id, fields=(field,)).record().get(field)
    return bool(_seen(conn, looking, object, id, field) != whole)


def _whole(looking: Call) -> Call:
    return replace(looking, actor=SYSTEM)


def totals(conn: Conn, looking: Call, then: Mapping[str, Any]) -> list[Phrase]:
    """Of a report: its grand totals, with the rights of who looks."""
    if not figure.allowed(looking, then["report"]):
        return [Phrase("{report} is not his to see", report=then["report"])]
    answer = figure.run(conn, looking, figure.request_of(looking, then["report"], anew=True))
    found = []
    for name, wanted in (then.get("total") or {}).items():
        try:
            is_now = answer.value(name)
        except KeyError as error:
            raise NotFound(
                Phrase("{report} has no figure {name}", report=then["report"], name=name)
            ) from error
        if (None if is_now is None else str(is_now)) != str(wanted) and not _equal(is_now, wanted):
            found.append(
                Phrase(
                    "{name} is {is_now}, not {wanted}", name=name, is_now=shown(is_now), wanted=shown(wanted)
                )
            )
    return found


def _equal(value: Any, wanted: Any) -> bool:
    try:
        return bool(value == type(value)(str(wanted)))
    except (TypeError, ValueError, ArithmeticError):
        return False
