"""Parse: an address's parameters or a body -> Ask. The only place where the form of a query is judged.

In: texts as they came. Out: an Ask whose names nobody has looked up yet. Raises Refused with all problems: an unknown
parameter, a number that is none, a limit passed. Never asks what exists.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from patron_engine.errors import Refused
from patron_engine.phrases import Phrase
from patron_engine.problems import Problems, nearest
from patron_engine.query import spec
from patron_engine.query.spec import Ask

PARAMETERS: Final = ("where", "sort", "fields", "limit", "after", "count", "deleted", "voided", "q")
_COUNTS: Final = ("none", "exact", "estimate")
_VOIDED: Final = ("no", "yes", "only")


def parse_parameters(object: str, given: Mapping[str, str]) -> Ask:
    """`GET /records/{object}?where=…`: every value is a text, lists are separated by commas."""
    body: dict[str, Any] = dict(given)
    for name in ("sort", "fields"):
        if isinstance(body.get(name), str):
            body[name] = [part for part in body[name].split(",")] if body[name] else []
    if str(body.get("limit", "")).isascii() and str(body.get("limit", "")).isdigit():
        body["limit"] = int(body["limit"][:12])
    if body.get("deleted") in ("true", "false"):
        body["deleted"] = body["deleted"] == "true"
    return parse_body(object, body)


def parse_body(object: str, body: Mapping[str, Any]) -> Ask:
    """`POST /records/{object}/query`: the same as an object of JSON. Refused lists everything that is wrong."""
    problems = Problems()
    for name in body:
        if name not in PARAMETERS and name != "ids":
            problems.add(
                "unknown_parameter",
                Phrase("there is no parameter {name!r}", name=str(name)[:60]),
                path=str(name)[:60],
                hint=nearest(str(name)[:60], PARAMETERS)
                or Phrase("one of {parameters}", parameters=list(PARAMETERS)),
            )
    ask = Ask(
        object=object,
        where=_text(body, "where", problems),
        fields=_names(body, "fields", spec.MAX_FIELDS, "query_fields", problems),
        sort=_names(body, "sort", spec.MAX_SORT, "query_sort", problems) or (),
        limit=_limit(body, problems),
        after=_text(body, "after", problems),
        count=_one_of(body, "count", _COUNTS, problems),
        deleted=_truth(body, "deleted", problems),
        voided=_one_of(body, "voided", _VOIDED, problems),
        q=_text(body, "q", problems),
        ids=_names(body, "ids", spec.MAX_IDS, "query_ids", problems),
    )
    if problems:
        raise Refused(tuple(problems))
    return ask


def _text(body: Mapping[str, Any], name: str, problems: Problems) -> str | None:
    value = body.get(name)
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        problems.add("not_text", Phrase("{name} is a text", name=name), path=name)
        return None
    if "\x00" in value or any("\ud800" <= c <= "\udfff" for c in value):
        problems.add(
            "bad_characters", Phrase("{name} has characters that no text may have", name=name), path=name
        )
        return None
    return value


def _names(
    body: Mapping[str, Any], name: str, most: int, limit: str, problems: Problems
) -> tuple[str, ...] | None:
    value = body.get(name)
    if value is None or value == []:
        return None
    if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
        problems.add("not_list", Phrase("{name} is a list of names", name=name), path=name)
        return None
    if len(value) > most:
        problems.add(
            limit,
            Phrase(
                "{name} holds at most {most:,} entries, these are {count:,}",
                name=name,
                most=most,
                count=len(value),
            ),
            path=name,
        )
        return None
    return tuple(dict.fromkeys(value))


def _limit(body: Mapping[str, Any], problems: Problems) -> int:
    value = body.get("limit", spec.DEFAULT_LIMIT)
    if isinstance(value, bool) or not isinstance(value, int):
        problems.add(
            "not_integer",
            "limit is a whole number",
            path="limit",
            hint=Phrase("1 to {most}", most=spec.MAX_LIMIT),
        )
        return spec.DEFAULT_LIMIT
    if not 1 <= value <= spec.MAX_LIMIT:
        problems.add(
            "query_limit",
            Phrase("limit is between 1 and {most}", most=spec.MAX_LIMIT),
            path="limit",
            hint="take the next pages with `after`",
        )
        return spec.DEFAULT_LIMIT
    return value


def _truth(body: Mapping[str, Any], name: str, problems: Problems) -> bool:
    value = body.get(name, False)
    if not isinstance(value, bool):
        problems.add("not_boolean", Phrase("{name} is true or false", name=name), path=name)
        return False
    return value


def _one_of(body: Mapping[str, Any], name: str, words: tuple[str, ...], problems: Problems) -> Any:
    value = body.get(name, words[0])
    if value not in words:
        problems.add(
            "unknown_value", Phrase("{name} is one of {words}", name=name, words=list(words)), path=name
        )
        return words[0]
    return value
