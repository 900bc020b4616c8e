"""Building parameters: what a reader of a report may choose, put together on a page: its label, its type, what it is unless chosen.

In: a body as it was, the pairs of the form (`parameter` its place, `p_label`, `p_type` a plain type or the key of an offer, `p_default` of
the one before, `act` parameter:add or parameter:drop:N), the offers (building_offers). Out: another body. A parameter that a condition or a formula names keeps its type and stays. Pure but for labels.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from patron_engine.fields.base import PLAIN_FORMATS, ValueFault
from patron_engine.fields.numerals import plain_number
from patron_engine.jsonio import decimal_text, whole
from patron_engine.page.building import Body
from patron_engine.page.building_offers import Offer

TYPES = ("date_range", "date", "decimal", "text", "user", "department")
MOST = 8
LONGEST = 60
UNITS = ("month", "quarter", "year")
DEFAULTS: Mapping[
    str, tuple[str, ...]
] = {  # what may be chosen as its value of now, "" nothing; of others it is typed
    "date_range": ("", *(f"={word}('{unit}')" for unit in UNITS for word in ("THIS", "LAST"))),
    "date": ("", "=TODAY()", *(f"=START_OF(TODAY(), '{unit}')" for unit in UNITS)),
}
RECORDS: Mapping[str, str] = {
    "user": "user",
    "department": "department",
}  # of which object; of a lookup it says so itself
ME = "=me()"
CHOICES = ("select", "cascade")
BEGINS: Mapping[str, str] = {
    "date_range": "=THIS('year')",
    "date": "=START_OF(TODAY(), 'month')",
    "decimal": "0",
}


def parametered(
    body: Body, pairs: Sequence[tuple[str, str]], label: Callable[[str], str], offers: Mapping[str, Offer]
) -> Body:
    """The body with the parameters the form has; `label` says what a new one of a plain type is called."""
    made = [dict(p) for p in body.get("parameters") or ()]
    at = -1
    for name, value in pairs:
        if name == "parameter":
            at = -1 if (n := whole(value, 2)) is None or n >= len(made) else n
        elif at >= 0 and name == "p_label":
            made[at] = (
                {**made[at], "label": value.strip()[:LONGEST]} if _said_anew(made[at], value) else made[at]
            )
        elif (
            at >= 0
            and name == "p_type"
            and (value in TYPES or value in offers)
            and value != kind_of(made[at], offers)
            and not used(body, made[at])
        ):
            made[at] = _of_type(made[at], value, label, offers)
        elif at >= 0 and name == "p_default":
            made[at] = _defaulted(made[at], value.strip())
    act, _, which = str(dict(pairs).get("act", "")).removeprefix("parameter:").partition(":")
    if str(dict(pairs).get("act", "")).startswith("parameter:"):
        n = whole(which, 2)
        if act == "add" and len(made) < MOST:
            taken = {p["name"] for p in made}
            free = next(f"choice_{i}" for i in range(1, MOST + 2) if f"choice_{i}" not in taken)
            made.append(_of_type({"name": free}, TYPES[0], label, offers))
        elif act == "drop" and n is not None and n < len(made) and not used(body, made[n]):
            del made[n]
    rest = {k: v for k, v in body.items() if k != "parameters"}
    return {**rest, "parameters": made} if made else rest


def used(body: Mapping[str, Any], parameter: Mapping[str, Any]) -> bool:
    """Whether a condition or a formula of the report names it."""
    name = re.compile(rf"(?<![\w.'])(parameters\.)?{re.escape(str(parameter['name']))}\b")
    return any(name.search(text) for text in _texts(body))


def _texts(body: Mapping[str, Any]) -> Iterator[str]:
    for part in (body, *(body.get("blocks") or ())):
        yield str(part.get("where") or "")
        for measure in part.get("measures") or ():
            yield from (str(measure.get(key) or "") for key in ("where", "expression"))


def _said_anew(parameter: Mapping[str, Any], value: str) -> bool:
    """A label of several languages is kept while what stands in the form is one of them."""
    known = parameter.get("label")
    return bool(value.strip()) and value not in (known.values() if isinstance(known, Mapping) else (known,))


def kind_of(parameter: Mapping[str, Any], offers: Mapping[str, Offer]) -> str:
    """What the form calls the type of a parameter; its bare name for one that the form does not make."""
    return next((key for key, offer in offers.items() if offer.like(parameter)), str(parameter.get("type")))


def _of_type(parameter: Body, kind: str, label: Callable[[str], str], offers: Mapping[str, Offer]) -> Body:
    def called(kind: str) -> str | None:
        return offers[kind].label if kind in offers else label(kind) if kind in TYPES else None

    named = parameter.get("label") not in (None, called(kind_of(parameter, offers)))
    said = parameter["label"] if named else called(kind)
    default = {"default": BEGINS[kind]} if kind in BEGINS else {}
    body = offers[kind].body if kind in offers else {"type": kind}
    return {"name": parameter["name"], "label": said, **body, **default}


def _defaulted(parameter: Body, value: str) -> Body:
    type, now = parameter["type"], parameter.get("default")
    rest = {k: v for k, v in parameter.items() if k != "default"}
    if value == str(now or ""):
        return parameter
    if not value:
        return rest
    if type in DEFAULTS:
        return {**rest, "default": value} if value in DEFAULTS[type] else parameter
    if type in RECORDS or type == "lookup":
        fits = re.fullmatch(r"[0-9a-f-]{36}", value) or (type == "user" and value == ME)
        return {**rest, "default": value} if fits else parameter
    if type in CHOICES:  # of a set: whether it has such an option is judged where the report is run
        own = [o["name"] if isinstance(o, Mapping) else o for o in parameter.get("options") or ()]
        known = value in own if own else len(value) <= LONGEST and not value.startswith("=")
        return {**rest, "default": value} if known else parameter
    if type == "decimal":
        try:
            return (
                {**rest, "default": decimal_text(plain_number(value, PLAIN_FORMATS))}
                if len(value) < 40
                else parameter
            )
        except ValueFault:
            return parameter
    return {**rest, "default": value[:200]} if type == "text" and not value.startswith("=") else parameter
