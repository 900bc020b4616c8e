"""DDL text: names are quoted whatever they are."""

from __future__ import annotations

import re

import pytest

from patron_engine.store import ddl
from patron_engine.store.steps import AddColumns, CreateIndex, CreateTable, DropIndex
from patron_testing.shapes import by, column, table

QUOTED = re.compile(r'"(?:[^"]|"")*"|\'(?:[^\']|\'\')*\'')
NASTY = 'a"; DROP TABLE account; --'


@pytest.mark.parametrize("name", [NASTY, "order", "select", "ünï", "a b"])
def test_names_cannot_leave_their_quotes(name: str) -> None:
    ops = [
        CreateTable(table=table(name, column(name, "numeric"))),
        AddColumns(table=name, columns=(column(name, "text", fill=NASTY),), checks=()),
        CreateIndex(index=by(name, name)),
        DropIndex(name=name, table=name),
    ]
    quoted = '"' + name.replace('"', '""') + '"'
    for op in ops:
        text = "; ".join(ddl.text(s) for s in ddl.statements(name, op))
        without = QUOTED.sub("", text)
        assert quoted in text
        assert "DROP TABLE" not in without


def test_a_fill_is_a_default_for_one_moment() -> None:
    op = AddColumns(table="account", columns=(column("done", "boolean", fill=False),), checks=())
    add, drop = (ddl.text(s) for s in ddl.statements("w", op))
    assert add.endswith('ADD COLUMN "done" boolean DEFAULT false::boolean')
    assert drop.endswith('ALTER COLUMN "done" DROP DEFAULT')
