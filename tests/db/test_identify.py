"""Which record a value means: upserts by every kind of unique field and by external ids; whole addresses in conditions."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import psycopg
import pytest

from patron_engine.errors import Refused
from patron_engine.fields.vault import Vault
from patron_engine.model.compile import compile_model
from patron_engine.query.spec import Ask
from patron_engine.record.change import Change
from patron_engine.record.identify import MAX_EXTERNAL_ID, MAX_SOURCE
from patron_engine.ways.read import read
from patron_testing import build
from patron_testing.build import Records
from patron_testing.pg import Server

DOCUMENTS = """
kind: workspace
name: workspace
zone: Asia/Shanghai
currency: CNY
languages: [en]
---
kind: object
name: user
label: User
title: name
owner: none
fields:
  - {name: name, type: text, label: Name, required: true}
---
kind: object
name: patient
label: Patient
title: name
fields:
  - {name: name, type: text, label: Name, required: true}
  - {name: card, type: text, encrypted: true, unique: true, label: Card}
  - {name: code, type: text, unique: true, label: Code}
  - {name: guardian, type: lookup, to: patient, label: Guardian}
  - {name: home, type: address, label: Home}
  - {name: scans, type: file, many: true, label: Scans}
unique: [{name: one_address, fields: [name], where: "not ISBLANK(home)"}]
"""


@pytest.fixture(scope="module")
def built(server: Server) -> Iterator[Records]:
    url = server.make()
    with psycopg.connect(url) as conn, pytest.MonkeyPatch.context() as patch:
        vault = Vault(b"a key of the tests, 32 bytes long")
        patch.setattr(build, "compile_model", partial(compile_model, vault=vault))
        yield Records(conn, build.build_workspace(conn, DOCUMENTS))
    server.drop(url)


@pytest.fixture
def r(built: Records) -> Iterator[Records]:
    with built.conn.transaction(force_rollback=True):
        yield built


def upsert(r: Records, by: tuple[str, Any], **values: Any) -> Any:
    return r.act(Change(action="upsert", object="patient", by=by, set=values))[0]


def names(r: Records, where: str) -> list[str]:
    ask = Ask(object="patient", fields=("name",), where=where, sort=("name",))
    return [row["name"] for row in read(r.conn, r.call, ask, secret=b"a key of the tests").rows()]


def refused(r: Records, change: Change) -> set[tuple[str, str]]:
    with pytest.raises(Refused) as told:
        r.act(change)
    return {(p.code, p.path) for p in told.value.problems}


def test_an_encrypted_value_names_its_record(r: Records) -> None:
    made = upsert(r, ("card", "110101"), name="Li")
    again = upsert(r, ("card", "110101"), name="Li Lei")
    assert (made.action, again.action, again.id) == ("created", "updated", made.id)
    assert names(r, "card == '110101'") == ["Li Lei"]
    child = r.create("patient", name="Child", guardian={"card": "110101"})
    assert names(r, "guardian.card == '110101'") == ["Child"], child


def test_an_empty_value_names_no_record_and_makes_none(r: Records) -> None:
    for empty in ("", "  "):
        change = Change(action="upsert", object="patient", by=("code", empty), set={"name": "Nobody"})
        assert refused(r, change) == {("value_missing", "code")}
    assert names(r, "name == 'Nobody'") == []


def test_what_is_not_unique_is_told_with_what_is(r: Records) -> None:
    change = Change(action="upsert", object="patient", by=("name", "Li"), set={})
    with pytest.raises(Refused) as told:
        r.act(change)
    hint = str(told.value.problems[0].hint)
    assert "card" in hint and "code" in hint


def test_external_ids_have_a_source_and_a_length(r: Records) -> None:
    source, value = "s" * MAX_SOURCE, "v" * MAX_EXTERNAL_ID
    made = upsert(r, (f"external_ids.{source}", value), name="Long")
    assert upsert(r, (f"external_ids.{source}", value), name="Longer").id == made.id
    for by, code in (
        ((f"external_ids.{source}s", "1"), "limit_external_id"),
        (("external_ids.erp", value + "v"), "limit_external_id"),
        (("external_ids.", "1"), "external_id_empty"),
        (("external_ids.erp", " "), "external_id_empty"),
    ):
        change = Change(action="upsert", object="patient", by=by, set={"name": "Refused"})
        assert {c for c, _ in refused(r, change)} == {code}
        given = {by[0].removeprefix("external_ids."): by[1]}
        change = Change(action="create", object="patient", set={"name": "Refused"}, external_ids=given)
        assert {c for c, _ in refused(r, change)} == {code}
    assert names(r, "name == 'Refused'") == []


def test_a_whole_address_is_empty_when_all_its_parts_are(r: Records) -> None:
    r.create("patient", name="City", home={"city": "上海"})
    r.create("patient", name="None")
    assert names(r, "ISBLANK(home)") == names(r, "home == none") == ["None"]
    assert names(r, "home != none") == ["City"]
    assert names(r, "home == 'x'") == names(r, "home != home") == names(r, "home.planet == 'x'") == []
    assert names(r, "home.city == '上海'") == ["City"]


def test_a_unique_rule_may_ask_for_an_address(r: Records) -> None:
    r.create("patient", name="Same", home={"city": "上海"})
    r.create("patient", name="Same")
    assert refused(
        r, Change(action="create", object="patient", set={"name": "Same", "home": {"street": "A"}})
    )


def test_a_list_of_files_can_be_asked(r: Records) -> None:
    r.create("patient", name="None")
    assert names(r, "'x' in scans") == []
    assert names(r, "COUNT(scans) == 0") == ["None"]
