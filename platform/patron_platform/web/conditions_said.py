"""Conditions said: an expression in words, for people who know no expression language.

In: the text of a condition, its object, who reads. Out: "Stage is not Lost and Amount > 10,000"; an expression of another form
is given as it is written.
"""

from __future__ import annotations

from typing import Any

import psycopg

from patron_engine.model.model import Object
from patron_engine.page.conditions import Group, read_conditions
from patron_engine.page.reader import Reader
from patron_engine.query.call import Call
from patron_platform.web.list_chips import said_group, titles_in
from patron_platform.web.texts import Texts


def said_condition(
    conn: psycopg.Connection[Any], call: Call, object: Object, text: str, reader: Reader, t: Texts
) -> str:
    tree = read_conditions(text)
    if tree is None:
        return text
    item = tree.items[0] if len(tree.items) == 1 else tree
    alone = item if isinstance(item, Group) else Group(True, (item,))
    return said_group(call, object, alone, reader, t, titles_in(conn, call, object, tree))
