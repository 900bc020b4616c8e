"""Meant alike: whether somebody is one of the people that words mean which mean the same for every record: limits of pools.

In: a connection, words such as `{department: east, below: true}`, a person. Out: yes or no. Words that ask a record mean nobody.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import sqlalchemy as sa

from patron_engine.query.binding import parameter
from patron_engine.query.call import Call
from patron_engine.query.rights import belongs
from patron_engine.query.source import Building
from patron_engine.query.statement import compiled, kept
from patron_engine.query.values import call_values
from patron_engine.record.statements import Conn
from patron_engine.store.tables import Id

PERSON: Final = "person"


def is_of(conn: Conn, call: Call, who: Mapping[str, Any], person: str) -> bool:
    ((word, named),) = ((key, value) for key, value in who.items() if key != "below")
    if word not in call.model.objects and word not in ("role", "department_head"):
        return False
    codes, below = tuple([named] if isinstance(named, str) else named), bool(who.get("below"))

    def make() -> Any:
        building = Building(tables=call.tables)
        user = building.root("user")
        found = sa.select(user.id).select_from(user.source.from_)
        him = user.id == parameter(PERSON, Id())
        return compiled(
            found.where(him, belongs(building, word, list(codes), below, user.id)), call.model.release
        )

    statement = kept(call.tables).get(("meant_alike", word, codes, below), make)
    given = {**call_values(call), PERSON: person}
    row = conn.execute(statement.text, statement.values({n: given[n] for n in statement.names})).fetchone()
    return row is not None
