"""Random publications, one after the other, with records there: whatever an administrator does, tables and definitions agree,
no value that was not touched changes, and a rollback gives back what was there.

PATRON_EVOLUTION_SEED repeats a run; PATRON_EVOLUTION_STEPS makes it longer.
"""

from __future__ import annotations

import copy
import json
import os
import random
from typing import Any

import pytest

from patron_engine.actor import Actor
from patron_engine.errors import Refused
from patron_engine.meta.layers import Layer
from patron_engine.meta.reader import read_documents
from patron_engine.query.spec import Ask
from patron_engine.record.change import Change
from patron_engine.record.drift import find_drift
from patron_engine.runtime import Runtime, Workspace
from patron_engine.store.doctor import drift, orphans
from patron_engine.store.physical_rows import known_columns
from patron_engine.ways.publish import Publication
from patron_platform.database.pools import Databases
from patron_platform.database.workspaces import create_workspace
from patron_platform.jobs.tasks import work_off

SEED = int(os.environ.get("PATRON_EVOLUTION_SEED") or random.SystemRandom().randrange(10**6))
STEPS = int(os.environ.get("PATRON_EVOLUTION_STEPS", "14"))
ADMIN = Actor(user=None, name="admin", administrator=True, system=True)
OPTIONS = ["red", "green", "blue"]
KINDS: dict[str, dict[str, Any]] = {
    "text": {}, "long_text": {}, "integer": {}, "decimal": {"scale": 2}, "money": {}, "percent": {}, "date": {}, "datetime": {},
    "boolean": {}, "select": {"options": OPTIONS}, "multi_select": {"options": OPTIONS}, "tags": {}, "duration": {}, "json": {},
    "date_range": {}, "location": {}, "email": {}, "time": {}, "lookup": {"to": "place"}, "address": {}, "color": {}, "many": {"type": "lookup", "to": "place", "many": True},
}  # fmt: skip
Document = dict[str, Any]


class Author:
    """Somebody who changes definitions at random."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.made = 0
        self.documents: dict[str, Document] = {
            name: {"kind": "object", "name": name, "owner": "none", "title": "name", "fields": [
                {"name": "name", "type": "text", "required": True}, {"name": "n", "type": "integer"}]}
            for name in ("place", "thing")
        }  # fmt: skip
        self.documents["thing"]["fields"].append(
            {"name": "at", "type": "lookup", "to": "place", "reverse": "things", "on_delete": "clear"}
        )
        self.fields("place").append(
            {"name": "sum_n", "type": "rollup", "of": "things", "function": "sum", "field": "n"}
        )
        self.fields("thing").append({"name": "twice", "type": "formula", "expression": "n * 2"})

    def fields(self, object: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.documents[object]["fields"]
        return found

    def changeable(self, object: str) -> list[dict[str, Any]]:
        return [
            f for f in self.fields(object) if f["name"] not in ("name", "n", "at", "sum_n", "twice", "copy")
        ]

    def change(self) -> str:
        """Does one thing and says which."""
        object = self.rng.choice(sorted(self.documents))
        acts = [
            self.add,
            self.add,
            self.add,
            self.remove,
            self.rename,
            self.retype,
            self.retype,
            self.refit,
            self.index,
            self.unique,
            self.another_object,
        ]
        return self.rng.choice(acts)(object)

    def another_object(self, object: str) -> str:
        """Adds a third object, renames it or removes it."""
        extra = next((n for n in self.documents if n not in ("place", "thing")), None)
        if extra is None:
            name = self.new_name()
            fields = [{"name": "name", "type": "text"}, {"name": "size", "type": "integer"}]
            self.documents[name] = {
                "kind": "object",
                "name": name,
                "owner": "none",
                "title": "name",
                "fields": fields,
            }
            return f"add object {name}"
        document = self.documents.pop(extra)
        if self.rng.random() < 0.4:
            return f"remove object {extra}"
        document["was"] = [*document.get("was", []), extra]
        document["name"] = self.new_name()
        self.documents[document["name"]] = document
        return f"rename object {extra} {document['name']}"

    def new_name(self) -> str:
        self.made += 1
        return f"f{self.made}"

    def add(self, object: str) -> str:
        kind = self.rng.choice(sorted(KINDS))
        field = {"name": self.new_name(), "type": kind, **KINDS[kind]}
        defaults = {
            "integer": 7,
            "select": "green",
            "text": "given",
            "boolean": True,
            "date": "2026-02-03",
            "decimal": 1,
        }
        if kind in defaults and self.rng.random() < 0.4:
            field["default"] = defaults[kind]
        self.fields(object).append(field)
        return f"add {object}.{field['name']} {kind}"

    def remove(self, object: str) -> str:
        return self._of_one(object, "remove", lambda f: self.fields(object).remove(f))

    def rename(self, object: str) -> str:
        def act(field: dict[str, Any]) -> None:
            field["was"] = [*field.get("was", []), field["name"]]
            field["name"] = self.new_name()

        return self._of_one(object, "rename", act)

    def retype(self, object: str) -> str:
        def act(field: dict[str, Any]) -> None:
            kind = self.rng.choice(sorted(KINDS))
            kept = {k: field[k] for k in ("name", "was") if k in field}
            field.clear()
            field.update({**kept, "type": kind, **KINDS[kind]})

        return self._of_one(object, "retype", act)

    def refit(self, object: str) -> str:
        formula = next(f for f in self.fields("thing") if f["name"] == "twice")
        formula["expression"] = f"n * {self.rng.randint(2, 9)}"
        figure = next(f for f in self.fields("place") if f["name"] == "sum_n")
        figure["function"] = self.rng.choice(["sum", "max", "min", "avg"])
        return "another formula and another figure"

    def index(self, object: str) -> str:
        plain = [
            f["name"] for f in self.changeable(object) if f["type"] in ("text", "integer", "date", "select")
        ]
        self.documents[object]["indexes"] = [{"name": f"by_{n}", "fields": [n, "n"]} for n in plain[:2]]
        return f"indexes of {object}"

    def unique(self, object: str) -> str:
        plain = [f["name"] for f in self.changeable(object) if f["type"] in ("text", "integer", "email")]
        self.documents[object]["unique"] = [{"name": "one", "fields": [n, "name"]} for n in plain[:1]]
        return f"unique rule of {object}"

    def _of_one(self, object: str, verb: str, act: Any) -> str:
        found = self.changeable(object)
        if not found:
            return self.add(object)
        field = self.rng.choice(found)
        said = f"{verb} {object}.{field['name']} {field['type']}"
        act(field)
        names = {f["name"] for f in self.fields(object)}
        for key in ("indexes", "unique"):  # what names a field that is gone goes with it
            kept = [
                u
                for u in self.documents[object].get(key, [])
                if set(u["fields"]) <= names and not self._unfit(object, u)
            ]
            self.documents[object][key] = kept
        return said

    def _unfit(self, object: str, unique: dict[str, Any]) -> bool:
        kinds = {f["name"]: f["type"] for f in self.fields(object)}
        return not {kinds[n] for n in unique["fields"]} <= {"text", "integer", "email", "date", "select"}


def some_value(rng: random.Random, field: dict[str, Any], places: list[str]) -> Any:
    """A value as the API takes it; empty one time in four."""
    if rng.random() < 0.25:
        return None
    if field.get("many"):
        return rng.sample(places, min(2, len(places)))
    n = rng.randint(-50, 5000)
    day = f"20{rng.randint(10, 39)}-0{rng.randint(1, 9)}-1{rng.randint(0, 9)}"
    return {
        "text": rng.choice(["", "12", "12.5", "2026-03-04", "red", "true", "客户 A", "x" * 40, " ", "a@b.example"]),
        "long_text": rng.choice(["line\nline", "7", "blue"]), "integer": n, "decimal": f"{n}.25", "money": f"{n}.5", "percent": "12.5",
        "date": day, "datetime": f"{day}T10:20:30Z", "boolean": rng.random() < 0.5, "select": rng.choice(OPTIONS),
        "multi_select": rng.sample(OPTIONS, 2), "tags": rng.sample(["a", "b", "客"], 2), "duration": abs(n), "json": {"a": [n, None]},
        "date_range": {"from": "2026-01-02", "to": rng.choice(["2026-03-04", None])}, "location": {"lat": "1.5", "lng": "2.25"},
        "email": f"m{n}@b.example", "time": "10:20:30", "lookup": rng.choice(places) if places else None,
        "address": {"country": "cn", "city": "杭州", "street": f"{n}"}, "color": "#ff00aa",
    }.get(field["type"])  # fmt: skip


def table_of(document: Document) -> str:
    """The first name of an object is its table's for ever."""
    return str([*document.get("was", []), document["name"]][0])


def planned(place: Workspace, author: Author) -> Publication:
    text = "\n---\n".join(json.dumps(d, ensure_ascii=False) for d in author.documents.values())
    found, problems = read_documents(text, "t.yaml")
    assert problems == []
    return place.plan(lambda _, __: (Layer(name="base", version="1.0.0", documents=tuple(found)),))


def seen(place: Workspace) -> dict[str, dict[str, Any]]:
    """Every record with every field, by id."""
    with place.connection("read") as conn:
        place.stale()
        model = place.pin(conn)[0]
    rows: dict[str, dict[str, Any]] = {}
    for object in model.objects.values():
        names = tuple(n for n in object.fields if n not in ("version", "updated_at", "updated_by"))
        for row in place.read(ADMIN, Ask(object=object.name, fields=names, limit=200)).rows():
            rows[str(row["id"])] = {n: _plain(v) for n, v in row.items()} | {"@": object.table}
    return rows


def _plain(value: Any) -> Any:
    """A link as its id: the title is the other record's."""
    if isinstance(value, list):
        return [_plain(v) for v in value]
    return value["id"] if isinstance(value, dict) and "title" in value else value


def sound(place: Workspace, said: str) -> None:
    """Definitions, catalogue and figures agree, and there is nothing left to do."""
    work_off(place)
    with place.connection("read") as conn:
        place.stale()
        call = place.call(conn, ADMIN)
        found = [
            *drift(conn, call.model, place.schema, known_columns(conn, place.schema)),
            *orphans(conn, call.model, place.schema),
            *(d for o in call.model.objects for d in find_drift(conn, call, o)),
        ]
    assert found == [], f"{said}: {found}"
    assert place.plan(lambda _, layers: layers).tables.empty, said


def write_some(place: Workspace, author: Author, rng: random.Random) -> set[str]:
    """Creates a few records and changes a few; the ids of those touched."""
    touched: set[str] = set()
    rows = seen(place)
    with place.connection("read") as conn:
        model = place.pin(conn)[0]
    places = [id for id, row in rows.items() if row["@"] == "place"]
    for object in author.documents:
        known = set(model.objects[object].fields)
        fields = [
            f for f in author.fields(object) if f["type"] not in ("formula", "rollup") and f["name"] in known
        ]
        mine = [id for id, row in rows.items() if row["@"] == model.objects[object].table]
        for id in [None, None, *rng.sample(mine, min(2, len(mine)))]:
            given = {f["name"]: some_value(rng, f, places) for f in fields if rng.random() < 0.8}
            given["name"] = f"N{rng.randint(0, 10**9)}"
            change = Change(action="create" if id is None else "update", object=object, id=id, set=given)
            outcome = place.save(ADMIN, [change])[0]
            touched.add(str(outcome.id))
            for row in (
                rows.get(str(outcome.id), {}),
                given,
            ):  # figures of the places it was and is at change too
                touched.add(str(row.get("at")))
    return touched


@pytest.mark.parametrize("run", range(3))
def test_publications_at_random(databases: Databases, run: int) -> None:
    rng = random.Random(SEED + run)
    with databases.system() as conn:
        create_workspace(conn, databases, "t")
    place = Runtime(databases, secret=b"s" * 32).workspace("t")
    author = Author(rng)
    place.publish(ADMIN, planned(place, author))
    write_some(place, author, rng)
    kept: dict[int, tuple[dict[str, Any], dict[str, Document]]] = {}
    since: dict[int, set[str]] = {}
    number = 1
    story = [f"seed {SEED + run}"]
    for _ in range(STEPS):
        kept[number] = (seen(place), copy.deepcopy(author.documents))
        since[number] = set()
        before = copy.deepcopy(author.documents)
        if number > 2 and rng.random() < 0.25:
            back = rng.choice(sorted(kept))
            story.append(f"back to {back}")
            try:
                place.publish(ADMIN, place.plan_rollback(back))
            except Refused as refused:
                story.append(f"refused: {[str(p) for p in refused.problems][:2]}")
                assert since[back], story  # only what was written since can stand in the way
                continue
            number += 1
            author.documents = copy.deepcopy(kept[back][1])
            sound(place, str(story))
            for id, row in seen(place).items():
                if id in kept[back][0] and id not in since[back]:
                    assert row == kept[back][0][id], f"{story}\n{row}\n{kept[back][0][id]}"
        else:
            story.append(author.change())
            rows = seen(place)
            try:
                publication = planned(place, author)
            except Refused as refused:
                story.append(f"refused: {[str(p) for p in refused.problems][:2]}")
                author.documents = before
                continue
            if publication.empty:
                continue
            place.publish(ADMIN, publication)
            number += 1
            sound(place, str(story))
            _nothing_else_changed(rows, seen(place), before, author.documents, story)
        if rng.random() < 0.7:
            touched = write_some(place, author, rng)
            for ids in since.values():
                ids |= touched
            sound(place, str(story))


def _nothing_else_changed(
    before: dict[str, Any],
    after: dict[str, Any],
    old: dict[str, Document],
    new: dict[str, Document],
    story: list[str],
) -> None:
    """Fields that are defined as they were hold what they held."""
    kept = {table_of(d): d for d in new.values()}
    were = {table_of(d): d for d in old.values()}
    assert {i for i, r in before.items() if r["@"] in kept} == after.keys(), story
    same = {
        table: [
            f["name"] for f in kept[table]["fields"] if f in were[table]["fields"] and f["type"] != "rollup"
        ]
        for table in kept.keys() & were.keys()
    }
    for id, row in after.items():
        object = row["@"]
        for name in same[object]:
            assert row[name] == before[id][name], (
                f"{story}\n{object}.{name}: {before[id][name]!r} became {row[name]!r}"
            )
