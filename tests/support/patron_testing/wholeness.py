"""What must hold of the shop whoever was killed in the middle of what: every fault as a sentence, none when all agrees.

Asked of the tables by plain SQL where Patron would only ask itself, and of `patron doctor` for the rest.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import psycopg
from psycopg import sql

from patron_engine.meta.document import Document
from patron_engine.model.model import Model
from patron_engine.query.tokens import tokens_of
from patron_engine.release.releases import current_release, layers_of
from patron_engine.runtime import Workspace
from patron_engine.transfer import imports
from patron_platform.service import Service
from patron_platform.workspace import examine
from patron_testing import shop
from patron_testing.victims import ROWS, WORKSPACE, file_of

Row = Mapping[str, Any]
Told = Sequence[Mapping[str, Any]]
SCHEMA = f"w_{WORKSPACE}"


class Shop:
    """The shop as it stands: records by the names of their fields, whatever their columns are called today."""

    def __init__(self, service: Service, conn: psycopg.Connection[Any]) -> None:
        self.service = service
        self.conn = conn
        self.place: Workspace = service.runtime.workspace(WORKSPACE)
        self.place.stale()
        self.model: Model = self.place.pin(conn)[0]
        self._rows: dict[str, dict[str, Row]] = {}

    def rows(self, object: str) -> dict[str, Row]:
        """Every record of an object, deleted ones too, by id."""
        if object not in self._rows:
            found = self.model.objects[object]
            names = {f.columns[0].name: f.name for f in found.fields.values() if len(f.columns) == 1}
            names |= {"id": "id", "version": "version", "deleted_at": "deleted_at"}
            names |= {c.name: f.name for f in found.fields.values() for c in f.columns if not c.part}
            query = sql.SQL("SELECT {} FROM {}").format(
                sql.SQL(", ").join(map(sql.Identifier, names)), sql.Identifier(SCHEMA, found.table)
            )
            made = [dict(zip(names.values(), row, strict=True)) for row in self.conn.execute(query)]
            self._rows[object] = {str(row["id"]): {**row, "id": str(row["id"])} for row in made}
        return self._rows[object]

    def alive(self, object: str) -> list[Row]:
        return [row for row in self.rows(object).values() if row["deleted_at"] is None]

    def system(self, query: str) -> list[tuple[Any, ...]]:
        return self.conn.execute(query.replace("sys__", f"{SCHEMA}.sys__").encode()).fetchall()


def faults(shop_: Shop, told: Told) -> list[str]:
    """All that does not agree."""
    return [
        *_doctor(shop_), *_definitions(shop_, told), *_sums(shop_), *_search(shop_), *_history(shop_), *_numbers(shop_),
        *_acknowledged(shop_, told), *_imports(shop_), *_flows(shop_, told),
    ]  # fmt: skip


def _doctor(shop_: Shop) -> Iterator[str]:
    for found in examine(shop_.service, WORKSPACE)[WORKSPACE]:
        if found.level != "info":
            yield f"doctor: {found}"


def _definitions(shop_: Shop, told: Told) -> Iterator[str]:
    """The release in force is wholly one form, and at most one further than what was acknowledged."""
    number = current_release(shop_.conn, SCHEMA)
    heard = max((t["release"] for t in told if "release" in t), default=None)
    if heard is not None and not heard <= number <= heard + 1:
        yield f"release {heard} was acknowledged, {number} is in force"
    form = number % shop.FORMS
    (layer,) = (one for one in layers_of(shop_.conn, SCHEMA, number) if not one.own)
    if _bodies(layer.documents) != _bodies(shop.layer(form).documents):
        yield f"release {number} is not form {form}"
    articles = {row["code"]: str(int(row["price"])) for row in shop_.alive("article")}
    wanted = shop.articles(form)
    if {code: articles.get(code) for code in wanted} != wanted:
        yield f"form {form} brings the articles {wanted}, there are {articles}"
    (releases,) = shop_.system("SELECT count(*), max(number) FROM sys__release")
    if releases != (number, number):
        yield f"{releases} releases, {number} is in force"


def _bodies(documents: Sequence[Document]) -> dict[tuple[str, str], Any]:
    return {d.key: d.body for d in documents}


def _sums(shop_: Shop) -> Iterator[str]:
    """Roll-ups are the sums of what is there, and details have their master."""
    lines, sales, payments = shop_.alive("sale_line"), shop_.rows("sale"), shop_.alive("payment")
    for line in lines:
        if str(line["sale"]) not in sales:
            yield f"line {line['id']} belongs to no sale"
    for name, parents, children, link, value in (
        ("total", sales, lines, "sale", "subtotal"),
        ("paid", sales, payments, "sale", "amount"),
        ("bought", shop_.rows("customer"), shop_.alive("sale"), "customer", "total"),
        ("paid", shop_.rows("customer"), shop_.alive("sale"), "customer", "paid"),
    ):
        right: dict[str, Any] = defaultdict(int)
        for child in children:
            right[str(child[link])] += child[value] or 0
        for row in parents.values():
            if row["deleted_at"] is None and (row[name] or 0) != right[row["id"]]:
                yield f"{name} of {row['id']} is {row[name]}, its records make {right[row['id']]}"
    for row in shop_.alive("sale"):
        if (row["paid"] or 0) > (row["total"] or 0):
            yield f"sale {row['id']} was paid {row['paid']} of {row['total']}"


def _search(shop_: Shop) -> Iterator[str]:
    found = {
        (o, str(r), f): set(t)
        for o, r, f, t in shop_.system("SELECT object, record, field, tokens FROM sys__search")
    }
    customers = shop_.rows("customer")
    for object, paths in (
        ("sale", ("number", "name", "customer.name")),
        ("customer", ("name",)),
        ("article", ("code",)),
    ):
        for row in shop_.alive(object):
            for path in paths:
                value = customers[str(row["customer"])]["name"] if "." in path else row[path]
                right = set(tokens_of([value])) if value else set()
                if found.get((object, row["id"], path), set()) != right:
                    yield f"search knows {object} {row['id']} by another {path} than {value!r}"


def _history(shop_: Shop) -> Iterator[str]:
    """One row a version, none for what did not happen; the last one says whether the record is there.

    A master's version also rises with its details, whose own history says what happened.
    """
    entries: dict[tuple[str, str], list[tuple[int, str]]] = defaultdict(list)
    for object, record, version, action in shop_.system(
        "SELECT object, record, version, action FROM sys__history ORDER BY version"
    ):
        entries[object, str(record)].append((version, action))
    for object in shop_.model.objects:
        for id, row in shop_.rows(object).items():
            mine = entries.pop((object, id), [])
            versions, right = [v for v, _ in mine], list(range(1, row["version"] + 1))
            if object == "sale":
                versions, right = sorted(set(versions)), [v for v in right if v in versions]
            if versions != right or len(mine) != len(right) or mine[0] != (1, "created"):
                yield f"history of {object} {id} has {mine}, the record version {row['version']}"
            elif (mine[-1][1] == "deleted") != (row["deleted_at"] is not None):
                yield f"history of {object} {id} ends with {mine[-1]}, deleted at {row['deleted_at']}"
    for object, record in entries:
        yield f"history of {object} {record}, which is not there"


def _numbers(shop_: Shop) -> Iterator[str]:
    for object, prefix in (("sale", "S-"), ("payment", "P-")):
        numbers = sorted(int(row["number"].removeprefix(prefix)) for row in shop_.rows(object).values())
        if numbers != list(range(1, len(numbers) + 1)):
            yield f"numbers of {object} are not 1 to {len(numbers)}: {numbers[-5:]}"


def _acknowledged(shop_: Shop, told: Told) -> Iterator[str]:
    """What a caller heard is there; what was under way when he was killed may be one version more."""
    lines = Counter(str(line["sale"]) for line in shop_.alive("sale_line"))
    for id, one in _last(told).items():
        row = shop_.rows(one["saved"]).get(id)
        if row is None or row["version"] not in (one["version"], one["version"] + 1):
            yield f"acknowledged {one}, there is {row}"
        elif row["version"] == one["version"]:
            here = {**row, "lines": lines[id], "gone": row["deleted_at"] is not None}
            heard = {**one, "gone": one["action"] == "deleted"}
            if heard["gone"]:
                heard.pop("lines", None)  # they went with it
            for name in {"name", "customer", "sale", "lines", "gone"} & heard.keys():
                if str(here[name]) != str(heard[name]):
                    yield f"acknowledged {one}, {name} is {here[name]}"
    for row in shop_.rows("sale").values():
        number = row["name"].removeprefix("seed ")
        if number != row["name"] and str(row["score"]).removesuffix(".0") != number:
            yield f"{row['name']} has the score {row['score']}"


def _last(told: Told) -> dict[str, dict[str, Any]]:
    """By record, what was acknowledged of it in the end."""
    last: dict[str, dict[str, Any]] = {}
    for one in told:
        if "saved" in one:
            before = last.get(one["id"], {})
            lines = before.get("lines", 0) + one.get("lines", 0)
            last[one["id"]] = {**before, **one, **({"lines": lines} if one["saved"] == "sale" else {})}
        for id in one.get("bulk", ()):
            last[id] = {"saved": "sale", "id": id, "version": 1, "action": "created", "lines": 1}
    return last


def _flows(shop_: Shop, told: Told) -> Iterator[str]:
    """What the automation does to a sale was done once, and nothing of it stands."""
    paid: dict[str, int] = {}
    for payment in shop_.alive("payment"):
        paid[str(payment["sale"])] = paid.get(str(payment["sale"]), 0) + 1
    sales = {str(s["id"]): s for s in shop_.alive("sale") if str(s["name"]).startswith("flow ")}
    for id, sale in sales.items():
        if paid.get(id, 0) != 1 or str(sale["name"]).count("+") != 1:
            yield f"the automation paid {sale['name']} {paid.get(id, 0)} times"
    for id in {id for t in told for id in t.get("flowed", ())} - set(sales):
        yield f"sale {id} was acknowledged and is not there"
    open_ones = shop_.system(
        "SELECT state, error, count(*) FROM sys__run WHERE state <> 'done' GROUP BY 1, 2"
    )
    yield from (f"runs stand: {row}" for row in open_ones)


def _imports(shop_: Shop) -> Iterator[str]:
    """Rows of a file are records once, as far as its import came; of one that was taken back nothing is left."""
    here: dict[str, list[str]] = defaultdict(list)
    for source, external, record in shop_.system("SELECT source, external_id, record FROM sys__external_id"):
        if source == "file":
            here[str(record)].append(external)
    by_key: dict[str, list[Row]] = defaultdict(list)
    for row in shop_.alive("sale"):
        for external in here.get(row["id"], ()):
            by_key[external].append(row)
    customers = shop_.rows("customer")
    for found in imports.listed(shop_.conn, SCHEMA):
        rows = file_of(int(found.name.removeprefix("file-")))
        done = rows[: 0 if found.undone else found.done]
        for row in rows:
            mine = by_key.pop(row["key"], [])
            if len(mine) != (row in done):
                yield f"{found.name} ({found.state}, {found.done} of {ROWS} rows): {len(mine)} records of row {row['key']}"
            for record in mine:
                if (record["name"], customers[str(record["customer"])]["name"]) != (
                    row["name"],
                    row["customer"],
                ):
                    yield f"row {row} became {record}"
        if found.state == "failed" or found.counts["created"] != found.done or found.counts["refused"]:
            yield f"{found.name} is {found.state} ({found.error}) with {found.counts} after {found.done} rows"
    for key in by_key:
        yield f"a record of row {key}, which no import has"
    live = [row["name"] for row in shop_.alive("customer")]
    for name in {n for n in live if live.count(n) > 1}:
        yield f"{live.count(name)} customers named {name}"
