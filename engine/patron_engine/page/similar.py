"""Similar: records that may be the same as what somebody is writing, by the duplicate rules of the workspace.

In: a connection for reading, an object, the values typed so far (JSON form). Out: a few records of those the reader may see, each
with the rule that found it and what the rule reveals. Candidates come from the way read; they are compared here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any
from unicodedata import normalize

import psycopg

from patron_engine.access.decide import readable
from patron_engine.fields.options import texts
from patron_engine.model.model import Object
from patron_engine.page.reader import Reader
from patron_engine.page.show import shown
from patron_engine.query.call import Call
from patron_engine.query.spec import Ask
from patron_engine.ways.read import read

Connection = psycopg.Connection[Any]
MOST = 5  # records told of
LOOKED_AT = 50  # candidates of one condition
SHORTEST = 2  # characters worth comparing
FORMS = re.compile(
    r"(股份有限公司|有限责任公司|有限責任公司|有限公司|集团|集團|公司|\b(?:inc|ltd|llc|gmbh|co|corp|company|limited|corporation)\b\.?)"
)
REGIONS = re.compile(r"[（(【\[].*?[）)】\]]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Similar:
    """A record that may be the same. `why` is what people call the condition that found it."""

    object: str
    id: str
    title: str
    why: str
    facts: tuple[str, ...] = ()


def similar_of(
    conn: Connection,
    call: Call,
    reader: Reader,
    object: Object,
    values: Mapping[str, Any],
    id: str | None = None,
) -> tuple[Similar, ...]:
    """What may be there already."""
    found: dict[str, Similar] = {}
    event = "update" if id else "create"
    for (kind, _), rule in call.model.documents.items():
        if (
            kind != "duplicate_rule"
            or rule.get("object") != object.name
            or event not in rule.get("on", ("create",))
        ):
            continue
        for match in rule.get("match") or ():
            why = reader.say(texts(match.get("label")) or texts(rule.get("label")))
            for row in _matching(conn, call, object, match["fields"], values):
                if row["id"] != id and len(found) < MOST:
                    found.setdefault(
                        row["id"], _told(call, reader, object, row, why, rule.get("reveal") or ())
                    )
    return tuple(found.values())


def _matching(
    conn: Connection, call: Call, object: Object, conditions: Mapping[str, Any], values: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    """The records every condition of a match is true of."""
    known = readable(call.model, call.actor, object.name)
    if not all(name in known and values.get(name) not in (None, "") for name in conditions):
        return
    q = next(
        (str(_plain(values[n])) for n, how in conditions.items() if _way(how)[0] in ("company", "person")),
        None,
    )
    exact = [n for n, how in conditions.items() if _way(how)[0] in ("exact", "phone", "email")]
    where = " and ".join(f"{n} == {_quoted(_plain(values[n]))}" for n in exact) or None
    if where is None and (q is None or len(core(q)) < SHORTEST):
        return
    ask = Ask(
        object=object.name, where=where, q=None if where else core(q or ""), limit=LOOKED_AT, fields=("*",),
    )  # fmt: skip
    for row in read(conn, call, ask, secret=b"").rows():
        if all(_same(how, _plain(values[n]), _plain(row.get(n))) for n, how in conditions.items()):
            yield row


def _way(how: Any) -> tuple[str, float]:
    """("company", 0.85) of {company: 85%}."""
    if isinstance(how, Mapping):
        name, least = next(iter(how.items()))
        return str(name), float(str(least).rstrip("%")) / 100
    return str(how), 1.0


def _same(how: Any, mine: Any, theirs: Any) -> bool:
    name, least = _way(how)
    fold: Callable[[str], str] = core if name == "company" else folded
    one, other = fold(str(mine)), fold(str(theirs or ""))
    if not one or not other:
        return False
    return one == other or (least < 1 and SequenceMatcher(None, one, other).ratio() >= least)


def folded(text: str) -> str:
    """
    >>> folded(" Ａcme  Corp ")
    'acme corp'
    """
    return " ".join(normalize("NFKC", text).casefold().split())


def core(text: str) -> str:
    """The name of a company without what says its form.

    >>> core("上海海洋科技有限公司"), core("Acme (China) Ltd.")
    ('上海海洋科技', 'acme')
    """
    plain = FORMS.sub("", folded(REGIONS.sub("", text)))
    return " ".join(plain.replace(",", " ").replace(".", " ").split())


def _plain(value: Any) -> Any:
    return value.get("id") if isinstance(value, Mapping) else value


def _quoted(value: Any) -> str:
    text = str(value).replace("\\", "\\\\").replace("'", "\\'").replace("\n", " ")
    return f"'{text}'"


def _told(
    call: Call, reader: Reader, object: Object, row: Mapping[str, Any], why: str, reveal: tuple[str, ...]
) -> Similar:
    known = readable(call.model, call.actor, object.name)
    facts = (shown(known[n], row.get(n), reader).text for n in reveal if n in known and n != object.title)
    title = str(row.get(object.title) or "…")
    return Similar(object=object.name, id=row["id"], title=title, why=why, facts=tuple(f for f in facts if f))
