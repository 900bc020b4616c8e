"""Personal data: found by what somebody is reached by, taken out whole, and erased so that nothing gives it back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from patron_engine.actor import Actor, Cause
from patron_engine.errors import Conflict, Forbidden, LimitExceeded, NotFound, Refused
from patron_engine.query.call import Call
from patron_engine.query.history import history
from patron_engine.query.spec import Ask
from patron_engine.record import audit
from patron_engine.record.change import Change
from patron_engine.record.undo import Done, plan_undo, record_batch
from patron_engine.ways import subject
from patron_engine.ways.dossier import bytes_of, dossier
from patron_engine.ways.erase import Preview, erase, preview
from patron_engine.ways.inventory import inventory
from patron_engine.ways.read import read, read_one
from patron_engine.ways.save import begin_write, save
from patron_engine.ways.subject import Ref, find_person, others, refs_of
from patron_testing.build import Records, build_workspace
from patron_testing.pg import Server

OBJECTS = """
kind: workspace
name: workspace
zone: Asia/Shanghai
currency: CNY
languages: [en]
---
kind: object
name: user
owner: none
title: name
label: {en: User}
fields:
  - {name: name, type: text, personal: identity, required: true, label: {en: Name}}
  - {name: email, type: email, personal: contact, required: true, unique: true, label: {en: E-mail}}
  - {name: roles, type: tags, label: {en: Roles}}
  - {name: active, type: boolean, default: true, label: {en: Active}}
---
kind: object
name: contact
owner: none
title: name
label: {en: Contact}
features: [files, comments]
search: [name, mobile]
privacy: {purpose: {en: To reach people}, hold: disputed}
fields:
  - {name: name, type: text, personal: identity, required: true, label: {en: Name}}
  - {name: mobile, type: phone, personal: contact, label: {en: Mobile}}
  - {name: email, type: email, personal: contact, label: {en: E-mail}}
  - {name: card, type: text, personal: official_id, sensitive: true, encrypted: true, label: {en: Card}}
  - {name: address, type: address, personal: address, label: {en: Address}}
  - {name: photo, type: image, personal: image, label: {en: Photo}}
  - {name: greeting, type: formula, expression: "'Dear ' + name", label: {en: Greeting}}
  - {name: grade, type: text, label: {en: Grade}}
  - {name: disputed, type: boolean, default: false, label: {en: Disputed}}
rules:
  - {name: reachable, when: "mobile == None", level: error, at: mobile, message: {en: A mobile is needed}}
---
kind: object
name: lead
owner: none
title: name
label: {en: Lead}
search: [name, mobile]
fields:
  - {name: name, type: text, personal: identity, required: true, label: {en: Name}}
  - {name: mobile, type: phone, personal: contact, required: true, label: {en: Mobile}}
---
kind: object
name: deal
owner: none
title: title
label: {en: Deal}
search: [title, contact.name]
fields:
  - {name: title, type: text, label: {en: Title}}
  - {name: contact, type: lookup, to: contact, label: {en: Contact}, fill: {receiver_phone: mobile}, reverse: {name: deals}}
  - {name: receiver_phone, type: phone, personal: contact, label: {en: Phone}}
  - {name: amount, type: money, label: {en: Amount}}
"""
ADMIN = Actor(user=None, name="boss", administrator=True)


class World:
    def __init__(self, r: Records) -> None:
        self.r = r
        self.call = replace(r.call, actor=ADMIN)
        self.ann = r.create(
            "contact", name="Ann Archer", mobile="13800138000", email="ann@example.com", card="110101199003070011",
            grade="a", address={"city": "cn/sh", "street": "Nanjing Road 1"},
        )  # fmt: skip
        self.deal = r.create("deal", title="Boat", contact=self.ann, amount="500")
        self.ref = Ref(object="contact", id=self.ann)

    def act(self, do: Any, *given: Any, call: Call | None = None) -> Any:
        call = call or self.call
        with self.r.conn.transaction():
            begin_write(self.r.conn, call)
            return do(self.r.conn, call, *given)

    def shown(self, *refs: Ref) -> Preview:
        return preview(self.r.conn, self.call, list(refs or (self.ref,)))

    def erased(self, *refs: Ref) -> Preview:
        done: Preview = self.act(erase, list(refs or (self.ref,)), self.shown(*refs).checksum)
        return done

    def values(self, object: str, id: str, *fields: str) -> dict[str, Any]:
        return read_one(self.r.conn, self.call, object, id, fields=fields).record()

    def everything(self) -> str:
        """Every row of every table but the audit's, as text."""
        tables = self.r.conn.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'w_test' AND tablename NOT IN"
            " ('sys__document', 'sys__release') AND tablename NOT LIKE 'sys\\_\\_history\\_\\_%'"
        ).fetchall()
        return "\n".join(
            str(self.r.conn.execute(f'SELECT t::text FROM w_test."{name}" t').fetchall())
            for (name,) in tables
        )


@pytest.fixture
def world(server: Server) -> Iterator[World]:
    url = server.make()
    with psycopg.connect(url) as conn:
        yield World(Records(conn, build_workspace(conn, OBJECTS)))
    server.drop(url)


def file_on(world: World, id: str, object: str = "contact") -> str:
    file = world.call.new_id()
    world.r.conn.execute(
        "INSERT INTO w_test.sys__file (id, object, record, field, name, mime, size, sha256, chunks)"
        " VALUES (%s, %s, %s, '', 'ann.txt', 'text/plain', 5, 'x', 1)", (file, object, id),
    )  # fmt: skip
    world.r.conn.execute("INSERT INTO w_test.sys__file_chunk VALUES (%s, 0, 'hello')", (file,))
    world.r.conn.commit()
    return file


def test_the_inventory_names_fields_kinds_purposes_and_numbers(world: World) -> None:
    found = {e.object.name: e for e in inventory(world.r.conn, world.call)}
    assert list(found) == ["contact", "deal", "lead", "user"]
    contact = found["contact"].as_dict()
    assert (contact["records"], contact["purpose"], contact["hold"]) == (
        1,
        {"en": "To reach people"},
        "disputed",
    )
    card = next(f for f in contact["fields"] if f["name"] == "card")
    assert (card["kind"], card["sensitive"], card["encrypted"]) == ("official_id", True, True)
    assert [f["name"] for f in found["deal"].as_dict()["fields"]] == ["receiver_phone"]


@pytest.mark.parametrize("text", ["13800138000", "+86 138 0013 8000", "ANN@example.com", "Ann Archer", "110101199003070011"])  # fmt: skip
def test_a_person_is_found_by_what_he_is_reached_by_across_objects(world: World, text: str) -> None:
    lead = world.r.create("lead", name="Ann Archer", mobile="13800138000")
    world.r.do("delete", "lead", lead)
    found = {(f.object, f.id, f.deleted) for f in find_person(world.r.conn, world.call, text)}
    assert ("contact", world.ann, False) in found
    assert (("lead", lead, True) in found) is ("@" not in text and not text.startswith("1101"))
    assert (("deal", world.deal, False) in found) is text.endswith("8000")
    assert find_person(world.r.conn, world.call, "nobody'; DROP") == []


def test_bounds_of_a_search(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for text in ("x", "x" * 321):
        with pytest.raises(Refused):
            find_person(world.r.conn, world.call, text)
    assert find_person(world.r.conn, world.call, "x" * 320) == []
    monkeypatch.setattr(subject, "MOST_FOUND", 2)
    assert len(find_person(world.r.conn, world.call, "13800138000")) == 2
    world.r.create("lead", name="B", mobile="13800138000")
    with pytest.raises(LimitExceeded, match="more than 2"):
        find_person(world.r.conn, world.call, "13800138000")
    many = [{"object": "contact", "id": world.call.new_id()} for _ in range(51)]
    assert len(refs_of(world.call, many[:50])) == 50
    with pytest.raises(LimitExceeded, match="at most 50"):
        refs_of(world.call, many)


def test_perhaps_the_same_person(world: World) -> None:
    lead = world.r.create("lead", name="A. Archer", mobile="13800138000")
    world.r.create("lead", name="Ann Archer", mobile="13900139000")
    found = {(f.object, f.id) for f in others(world.r.conn, world.call, [world.ref])}
    assert found == {("lead", lead), ("deal", world.deal)}


def test_an_export_holds_everything_and_is_noted_without_values(world: World) -> None:
    file = file_on(world, world.ann)
    world.r.update("contact", world.ann, mobile="13700137000")
    found = world.act(dossier, [world.ref])
    (record,) = found.body["records"]
    assert record["values"]["card"] == "110101199003070011"
    assert record["values"]["address"]["street"] == "Nanjing Road 1"
    assert record["history"][0]["old"] == {"mobile": "13800138000"}
    assert record["linked"]["deals"]["records"][0]["title"] == "Boat"
    assert [(id, name) for id, name, _ in found.files] == [(file, "ann.txt")]
    assert b"".join(bytes_of(world.r.conn, world.call, *found.files[0][::2])) == b"hello"
    (entry,) = audit.entries(world.r.conn, "w_test", audit.Wanted(action="person_exported"))
    assert entry.about == f"contact/{world.ann}" and "138" not in str(entry.detail)


def test_nothing_gives_back_what_was_erased(world: World) -> None:
    r = world.r
    file_on(world, world.ann)
    r.update("contact", world.ann, name="Ann Bowman", grade="b")
    r.update("contact", world.ann, mobile="13700137000", grade="c")
    r.update("deal", world.deal, receiver_phone="13700137000")
    batch = world.call.new_id()
    r.conn.execute("INSERT INTO w_test.sys__batch (id, kind) VALUES (%s, 'import')", (batch,))
    version = world.values("contact", world.ann, "version")["version"]
    old = {"name": "Ann Archer", "grade": "a"}
    record_batch(
        r.conn,
        world.call,
        batch,
        [Done(object="contact", id=world.ann, action="updated", version=version, old=old)],
    )
    r.conn.execute("INSERT INTO w_test.sys__external_id VALUES ('contact', 'erp', 'E-ann', %s)", (world.ann,))
    r.conn.execute(
        "INSERT INTO w_test.sys__idempotency VALUES ('k', 'h', 200, '{}', %s)",
        (f'{{"id":"{world.ann}","name":"Ann"}}'.encode(),),
    )
    rows = world.call.new_id()
    r.conn.execute(
        "INSERT INTO w_test.sys__file (id, object, record, field, name, mime, size, sha256, chunks)"
        " VALUES (%s, 'sys__import', %s, 'rows', 'f.csv', 'x', 5, 'x', 1)", (rows, world.call.new_id()),
    )  # fmt: skip
    r.conn.execute(
        "INSERT INTO w_test.sys__file_chunk VALUES (%s, 0, %s)", (rows, b'[[1,["Someone","13700137000"]]]')
    )
    r.conn.commit()

    shown = world.shown()
    person, copy = shown.parts
    assert set(person.fields) == {"name", "mobile", "email", "card", "address"}
    assert (person.history, person.files, person.external_ids) == (2, 1, 1)
    assert (copy.object, copy.fields, copy.copy) == ("deal", ("receiver_phone",), True)
    assert [(s.object, s.records) for s in shown.stays] == [("deal", 1)]
    world.erased()

    left = world.everything()
    for value in (
        "Ann Archer",
        "Bowman",
        "13800138000",
        "13700137000",
        "ann@example.com",
        "Nanjing",
        "E-ann",
        "hello",
    ):
        assert value not in left, value
    now = world.values("contact", world.ann, "name", "mobile", "card", "greeting", "grade", "address")
    assert now["name"] == f"Erased {world.ann[-8:]}" and now["greeting"] == f"Dear {now['name']}"
    assert (now["mobile"], now["card"], now["grade"], now["address"]) == (None, None, "c", None)
    assert world.values("deal", world.deal, "title", "amount", "receiver_phone") | {"id": 0} == {
        "title": "Boat", "amount": "500", "receiver_phone": None, "id": 0,
    }  # fmt: skip
    kept = [e["old"] for e in history(r.conn, world.call, "contact", world.ann)]
    assert kept == [{}, {"grade": "b"}, {"grade": "a"}, {}]
    for words in ("Archer", "13700137000", "Bowman"):
        for object in ("contact", "deal"):
            assert read(r.conn, world.call, Ask(object=object, q=words), secret=b"").rows() == []
    assert plan_undo(r.conn, world.call, batch).changes == ()
    assert find_person(r.conn, world.call, "13700137000") == []
    (entry,) = audit.entries(r.conn, "w_test", audit.Wanted(action="person_erased"))
    assert entry.detail["fields"] == 6 and "Ann" not in str(entry.detail)


def test_records_in_the_recycle_bin_are_erased_where_they_lie(world: World) -> None:
    lead = world.r.create("lead", name="Ann Archer", mobile="13800138000")
    world.r.do("delete", "lead", lead)
    ref = Ref(object="lead", id=lead)
    assert world.shown(ref).parts[0].deleted
    world.erased(ref)
    row = world.r.row("lead", lead)
    assert (row["name"], row["mobile"]) == (f"Erased {lead[-8:]}", "000")
    assert world.r.rows("sys__search", "record = %s", lead) == []
    world.r.do("restore", "lead", lead)
    assert world.values("lead", lead, "name") == {"name": f"Erased {lead[-8:]}"}


def test_columns_of_removed_fields_are_emptied_too(world: World) -> None:
    world.r.conn.execute("ALTER TABLE w_test.contact ADD COLUMN old_phone text")
    world.r.conn.execute("UPDATE w_test.contact SET old_phone = '13600136000'")
    world.r.conn.execute(
        'UPDATE w_test.sys__history SET old = \'{"old_phone": "13600136000"}\' WHERE record = %s',
        (world.ann,),
    )
    world.r.conn.commit()
    physical = world.call.model.physical
    gone = replace(
        physical.columns[0],
        object="contact",
        field="old_phone",
        part="",
        column="old_phone",
        sql="text",
        state="aside",
    )
    model = replace(world.call.model, physical=replace(physical, columns=(*physical.columns, gone)))
    world.call = replace(world.call, model=model)
    world.erased()
    assert "13600136000" not in world.everything()


def test_what_stands_against_it_is_named_and_nothing_changes(world: World) -> None:
    user = world.r.create("user", name="Bob", email="bob@example.com")
    cases = [(Ref(object="user", id=user), "active_user"), (world.ref, "hold")]
    world.r.update("contact", world.ann, disputed=True)
    for ref, code in cases:
        shown = world.shown(ref)
        assert [a.code for a in shown.against] == [code]
        with pytest.raises(Conflict) as error:
            world.act(erase, [ref], shown.checksum)
        assert error.value.code == "not_erased"
    assert world.values("contact", world.ann, "mobile") == {"mobile": "13800138000"}
    world.r.update("contact", world.ann, disputed=False)
    world.r.update("user", user, active=False)
    world.erased(Ref(object="user", id=user))
    assert world.values("user", user, "email") == {"email": f"{user}@erased.invalid"}
    himself = replace(world.call, actor=replace(ADMIN, user=user))
    assert "yourself" in [
        a.code for a in preview(world.r.conn, himself, [Ref(object="user", id=user)]).against
    ]


def test_what_changed_since_it_was_shown_is_shown_again(world: World) -> None:
    checksum = world.shown().checksum
    world.r.update("contact", world.ann, email="other@example.com")
    with pytest.raises(Conflict) as error:
        world.act(erase, [world.ref], checksum)
    assert error.value.code == "changed_since"


def test_only_administrators_do_any_of_it(world: World) -> None:
    other = replace(world.call, actor=Actor(user=world.call.new_id(), name="rep"))
    for do in (
        lambda: inventory(world.r.conn, other),
        lambda: find_person(world.r.conn, other, "13800138000"),
        lambda: others(world.r.conn, other, [world.ref]),
        lambda: world.act(dossier, [world.ref], call=other),
        lambda: preview(world.r.conn, other, [world.ref]),
        lambda: world.act(erase, [world.ref], world.shown().checksum, call=other),
    ):
        with pytest.raises(Forbidden):
            do()


@pytest.mark.parametrize("given", [
    {"object": "account", "id": "x"}, {"object": "contact", "id": "x"}, {"object": "contact"}, {},
])  # fmt: skip
def test_records_that_are_none_are_not_found(world: World, given: dict[str, str]) -> None:
    with pytest.raises(NotFound):
        refs_of(world.call, [given])


def test_an_erasure_starts_nothing(world: World) -> None:
    """Its cause is known to rules of flow by name; a save with it sends no events and takes warnings."""
    call = replace(world.call, cause=Cause(kind="erasure"))
    change = Change(action="update", object="contact", id=world.ann, set={"mobile": None})
    world.act(save, [change], call=call)
    assert world.r.rows("sys__event") == []


def test_a_business_record_loses_what_it_repeats_of_the_person_and_keeps_its_papers(world: World) -> None:
    r = world.r
    other = r.create("deal", title="Car", receiver_phone="13800138000")
    foreign = r.create("deal", title="Van", receiver_phone="13600136000", contact=world.ann)
    paper = file_on(world, other, "deal")
    r.conn.execute("INSERT INTO w_test.sys__external_id VALUES ('deal', 'erp', 'D-1', %s)", (other,))
    r.conn.commit()
    r.update("contact", world.ann, mobile="13700137000")  # the deals still say the former one
    refs = (world.ref, Ref(object="deal", id=other))
    found = {p.id: (p.fields, p.files, p.copy) for p in world.shown(*refs).parts if p.object == "deal"}
    assert found == {other: (("receiver_phone",), 0, True), world.deal: (("receiver_phone",), 0, True)}
    world.erased(*refs)
    assert world.values("deal", other, "title", "receiver_phone") == {"title": "Car", "receiver_phone": None}
    assert world.values("deal", foreign, "receiver_phone") == {"receiver_phone": "13600136000"}
    assert r.rows("sys__file", "id = %s", paper) and r.rows("sys__external_id", "record = %s", other)
    assert "13800138000" not in world.everything()
