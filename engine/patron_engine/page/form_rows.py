"""Form rows: which rows of a table of details an open form holds: the first of them, more as somebody asks for them.

In: a connection, the frame of the call, a record, a section with a table, the rows a form has by now. Out: rows nobody has
changed; how many are left out. What a form does not hold stays as it is: a save changes the rows that it names and no others.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from patron_engine.page.layout import Section
from patron_engine.page.typed import TypedRow
from patron_engine.query.call import Call
from patron_engine.query.spec import MAX_LIMIT, Ask, Page, Within
from patron_engine.record.change import MAX_DETAILS
from patron_engine.record.statements import Conn
from patron_engine.ways.read import read

STEP = 200  # rows a form begins with, and that come each time
MOST_INPUTS = (
    6_000  # inputs of one table: what a browser without scripts sends stays within the limit of a form
)
SECRET = b"rows of a form"  # the place of the next page never leaves this call


def next_rows(
    conn: Conn, call: Call, owner: str, id: str, section: Section, there: Sequence[TypedRow] = ()
) -> tuple[TypedRow, ...]:
    """The next rows a form shows after those it has."""
    known = {row.id for row in there}
    found: list[TypedRow] = []
    for key in _ids(conn, call, owner, id, section):
        if key not in known:
            found.append(TypedRow(key=key, id=key, fields={}, was={}))
        if len(found) == STEP:
            break
    return tuple(found)


def left_out(conn: Conn, call: Call, owner: str, id: str, section: Section, shown: int) -> int:
    """How many rows there are besides those a form holds."""
    ask = _ask(owner, id, section, counted=True)
    return max(0, (read(conn, call, ask, secret=SECRET).count or 0) - shown)


def has_room(rows: int, columns: int) -> bool:
    """Whether a form can hold more rows."""
    return rows + STEP <= MAX_DETAILS and (rows + STEP) * max(1, columns) <= MOST_INPUTS


def _ids(conn: Conn, call: Call, owner: str, id: str, section: Section) -> Iterator[str]:
    ask = _ask(owner, id, section, limit=MAX_LIMIT)
    while True:
        page: Page = read(conn, call, ask, secret=SECRET)
        yield from (str(row["id"]) for row in page.rows())
        if page.next is None:
            return
        ask = _ask(owner, id, section, limit=MAX_LIMIT, after=page.next)


def _ask(
    owner: str, id: str, section: Section, *, limit: int = 1, after: str | None = None, counted: bool = False
) -> Ask:
    assert section.table is not None
    return Ask(
        object=section.table.object, fields=("id",), within=Within(object=owner, id=id, set=section.table.name),
        voided="yes", sort=section.sort or ("created_at",), limit=limit, after=after,
        count="exact" if counted else "none",
    )  # fmt: skip
