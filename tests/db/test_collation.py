"""A database that sorts by a language: Patron still compares texts by code point, as it does in Python."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from patron_engine.actor import Actor
from patron_engine.meta.layers import Layer
from patron_engine.meta.reader import read_documents
from patron_engine.query.spec import Ask
from patron_engine.record.change import Change
from patron_engine.runtime import Runtime
from patron_platform.database.migrate import migrate_system
from patron_platform.database.pools import Databases
from patron_platform.database.providers import inspect
from patron_platform.database.workspaces import create_workspace
from patron_testing.pg import Server

ADMIN = Actor(user=None, name="admin", administrator=True, system=True)
OBJECT = """
kind: object
name: thing
owner: none
title: name
label: {en: Thing}
fields: [{name: name, type: text, label: {en: Name}}, {name: early, type: formula, expression: "name < 'a'", label: {en: Early}}]
"""


@pytest.fixture
def english(server: Server) -> Iterator[str]:
    """A database whose texts are in the order of an English dictionary."""
    with psycopg.connect(server.url, autocommit=True) as conn:
        try:
            conn.execute(
                "CREATE DATABASE patron_test_english TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en-US' LOCALE 'C'"
                " ENCODING 'UTF8'"
            )
        except psycopg.errors.FeatureNotSupported:
            pytest.skip("this server was built without ICU")
    yield make_conninfo(server.url, dbname="patron_test_english")
    with psycopg.connect(server.url, autocommit=True) as conn:
        conn.execute(sql.SQL("DROP DATABASE patron_test_english WITH (FORCE)"))


def test_texts_are_compared_by_code_point_in_both_ways(english: str) -> None:
    assert not inspect(english).plain_collation
    with Databases(english, connections=2) as databases:
        with databases.system() as conn:
            migrate_system(conn)
            create_workspace(conn, databases, "t")
        place = Runtime(databases, secret=b"s" * 32).workspace("t")
        documents = tuple(read_documents(OBJECT, "t.yaml")[0])
        place.publish(ADMIN, place.plan(lambda _, layers: (Layer(name="base", documents=documents),)))
        names = ("B", "a", "Z", "b")
        place.save(ADMIN, [Change(action="create", object="thing", set={"name": name}) for name in names])
        by_sql = {r["name"] for r in place.read(ADMIN, Ask(object="thing", where="name < 'a'")).rows()}
        by_save = {r["name"] for r in place.read(ADMIN, Ask(object="thing")).rows() if r["early"]}
    assert by_sql == by_save == {"B", "Z"}
