"""Conditions and parameters of a report that is being built: of the report, or of each block of a joined one.

In: an asked report, its body, objects. Out: conditions in words, the address of the form that changes them and leads back here with
`where` (and `block`, whose they are); the body with what came back; parameters as the builder draws them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from patron_engine.jsonio import dumps, whole
from patron_engine.model.model import Object
from patron_engine.page.building_parameters import DEFAULTS, TYPES, used
from patron_engine.page.question import question_of
from patron_platform.web import list_chips
from patron_platform.web.report_asked import AskedReport

Body = dict[str, Any]


def with_where(body: Body, given: Mapping[str, str]) -> Body:
    """The body with the conditions an address brings."""
    if "where" not in given:
        return body
    n = whole(given.get("of_block", ""), 2)
    blocks = [dict(b) for b in body.get("blocks") or ()]
    if n is not None and n < len(blocks):
        blocks[n] = _narrowed(blocks[n], given["where"])
        return {**body, "blocks": blocks}
    return _narrowed(body, given["where"])


def _narrowed(part: Mapping[str, Any], where: str) -> Body:
    rest = {k: v for k, v in part.items() if k != "where"}
    return {**rest, "where": where} if where else rest


def conditions_of(
    it: AskedReport, body: Mapping[str, Any], part: Mapping[str, Any], object: Object | None
) -> list[str]:
    """The conditions of a report or of one of its blocks, in words; parameters by their labels."""
    where = part.get("where")
    if not where or object is None:
        return []
    question = question_of(it.call.model, it.call.actor, object, {"view": "all", "where": str(where)})
    named = {
        f"{before}{p['name']}": it.reader.say(p.get("label"), p["name"])
        for p in body.get("parameters") or () for before in ("parameters.", "")
    }  # fmt: skip
    return [chip.text for chip in list_chips.chips_of(it.conn, it.call, question, it.reader, it.t, named)]


def filter_of(
    it: AskedReport, body: Mapping[str, Any], part: Mapping[str, Any], object: Object | None, block: int | None = None
) -> str:  # fmt: skip
    """Where the conditions are put together: the form of lists."""
    if object is None:
        return ""
    of = {"of": it.name} if it.name else {}
    which = {} if block is None else {"of_block": block}
    to = f"reports/build?{urlencode({**of, **which, 'body': dumps(body).decode()})}"
    where = {"where": str(part["where"])} if part.get("where") else {}
    return f"{it.visitor.url('list', object.name, 'filter')}?{urlencode({'view': 'all', **where, 'to': to})}"


def blocks_of(it: AskedReport, body: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Each block with its conditions."""
    found = []
    for n, block in enumerate(body.get("blocks") or ()):
        object = it.call.model.object(str(block.get("object")))
        found.append({
            "body": block, "conditions": conditions_of(it, body, block, object), "filter": filter_of(it, body, block, object, n),
        })  # fmt: skip
    return found


def parameters_of(it: AskedReport, body: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The parameters of the report: what may be chosen of each, whether something names it."""
    found = []
    for p in body.get("parameters") or ():
        type, now = str(p["type"]), p.get("default")
        known = DEFAULTS.get(type)
        said = "" if now is None else str(now)
        offered = (
            None
            if known is None and type in TYPES
            else [*(known or ("",)), *([said] if said not in (known or ("",)) else [])]
        )
        found.append({
            "name": p["name"], "label": it.reader.say(p.get("label"), p["name"]), "type": type, "types": TYPES if type in TYPES else (type,),
            "default": said, "offered": [(v, _said(it, v)) for v in offered] if offered else None, "used": used(body, p),
        })  # fmt: skip
    return found


def _said(it: AskedReport, default: str) -> str:
    """A value that is worked out, in words; as it is written where the page has none."""
    key = {
        "": "none", "=TODAY()": "today",
        **{f"={word}('{unit}')": f"{word.lower()}_{unit}" for word in ("THIS", "LAST") for unit in ("month", "quarter", "year")},
        **{f"=START_OF(TODAY(), '{unit}')": f"start_{unit}" for unit in ("month", "quarter", "year")},
    }.get(default)  # fmt: skip
    return it.t(f"reports.default_{key}") if key else default
