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
from patron_engine.page.building_offers import Offer
from patron_engine.page.building_parameters import CHOICES, DEFAULTS, ME, RECORDS, TYPES, kind_of, used
from patron_engine.page.question import question_of
from patron_platform.web import list_chips
from patron_platform.web.report_asked import AskedReport
from patron_platform.web.report_inputs import chooses_from, chosen_of, options_of

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


def parameters_of(
    it: AskedReport, body: Mapping[str, Any], offers: Mapping[str, Offer]
) -> list[dict[str, Any]]:
    """The parameters of the report: what may be chosen of each, whether something names it."""
    found = []
    for p in body.get("parameters") or ():
        kind, now = kind_of(p, offers), p.get("default")
        said = "" if now is None else str(now)
        source = (
            str(p.get("to") or RECORDS.get(str(p["type"]), "")) if p["type"] in ("lookup", *RECORDS) else ""
        )
        found.append({
            "name": p["name"], "label": it.reader.say(p.get("label"), p["name"]), "kind": kind, "kinds": _kinds(it, kind, offers),
            "default": said, "offered": _offered(it, p, said, source), "source": source, "used": used(body, p),
        })  # fmt: skip
    return found


def _kinds(it: AskedReport, now: str, offers: Mapping[str, Offer]) -> list[tuple[str, list[tuple[str, str]]]]:
    """What a parameter may be, in groups: plain values, options of fields, records; one the page does not make stays what it is."""
    if now not in TYPES and now not in offers:
        return [("", [(now, it.t("reports.type_other"))])]
    choices = [(key, o.label) for key, o in offers.items() if o.type != "lookup"]
    records = [(key, o.label) for key, o in offers.items() if o.type == "lookup"]
    may = [t for t in TYPES if t == now or t not in RECORDS or chooses_from(it, RECORDS[t])]
    plain = [(type, it.t(f"reports.type_{type}")) for type in may]
    groups = [("", plain), (it.t("reports.type_choice"), choices), (it.t("reports.type_record"), records)]
    return [(label, several) for label, several in groups if several]


def _offered(it: AskedReport, p: Mapping[str, Any], now: str, source: str) -> list[tuple[str, str]] | None:
    """What may be chosen as its value of now; None where that is typed."""
    none = ("", _said(it, ""))
    if source:
        me = [(ME, it.t("reports.default_me"))] if source == "user" else []
        worked = [(now, now)] if now.startswith("=") and now != ME else []
        return [none, *me, *worked, *chosen_of(it, source, "" if now.startswith("=") else now)]
    if p["type"] in CHOICES:
        known = [none, *options_of(it, p)]
    elif p["type"] in DEFAULTS:
        known = [(v, _said(it, v)) for v in DEFAULTS[str(p["type"])]]
    elif p["type"] in TYPES:
        return None
    else:
        known = [none]
    return [*known, *([(now, _said(it, now))] if now not in dict(known) else [])]


def _said(it: AskedReport, default: str) -> str:
    """A value that is worked out, in words; as it is written where the page has none."""
    key = {
        "": "none", "=TODAY()": "today",
        **{f"={word}('{unit}')": f"{word.lower()}_{unit}" for word in ("THIS", "LAST") for unit in ("month", "quarter", "year")},
        **{f"=START_OF(TODAY(), '{unit}')": f"start_{unit}" for unit in ("month", "quarter", "year")},
    }.get(default)  # fmt: skip
    return it.t(f"reports.default_{key}") if key else default
