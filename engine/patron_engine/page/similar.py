"""Similar: records that may be the same as what somebody is writing, as people read them.

In: a preview of an open form, a reader. Out: a few records with the rule that found each. One that the reader may not see has no
address: he is told that there is one, and what the rule reveals.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from patron_engine.access.decide import readable
from patron_engine.page.reader import Reader
from patron_engine.page.show import shown
from patron_engine.query.call import Call
from patron_engine.query.spec import Ask
from patron_engine.record.duplicates import Twin
from patron_engine.record.statements import Conn
from patron_engine.ways.preview import Preview
from patron_engine.ways.read import read


@dataclass(frozen=True, slots=True, kw_only=True)
class Similar:
    """A record that may be the same. `why` is what people call the condition that found it; `id` is None where he may not see it;
    `blocks` where it keeps the form from being saved."""

    object: str
    id: str | None
    title: str
    why: str
    blocks: bool = False
    facts: tuple[str, ...] = ()


def similar_of(conn: Conn, call: Call, reader: Reader, preview: Preview) -> tuple[Similar, ...]:
    """What may be there already."""
    return tuple(_told(conn, call, reader, preview, twin) for twin in preview.twins())


def _told(conn: Conn, call: Call, reader: Reader, preview: Preview, twin: Twin) -> Similar:
    object, match = call.model.objects[twin.object], twin.match
    why = reader.say(match.label, match.rule)
    if not twin.title:
        label = reader.say(object.label, object.name)
        facts = tuple(preview.revealed(twin))
        return Similar(object=object.name, id=None, title=label, why=why, blocks=match.blocks, facts=facts)
    known = readable(call.model, call.actor, object.name)
    names = [n for n in match.reveal if n in known and n != object.title]
    row: Mapping[str, Any] = {}
    if names:
        ask = Ask(object=object.name, ids=(twin.id,), fields=("id", *names), limit=1, voided="yes")
        row = next(iter(read(conn, call, ask, secret=b"").rows()), {})
    texts = (shown(known[n], row.get(n), reader).text for n in names)
    return Similar(
        object=object.name,
        id=twin.id,
        title=twin.title,
        why=why,
        blocks=match.blocks,
        facts=tuple(t for t in texts if t),
    )
