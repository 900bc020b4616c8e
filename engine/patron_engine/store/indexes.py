"""Indexes: which indexes the table of an object has, and what a unique rule compares.

In: an object of the model. Out: IndexShapes. Never talks to a database.

Each index costs every import and most updates, so the list is short and each entry has its reader:

| index | for |
|---|---|
| `id` | every read of one record |
| live rows by `created_at desc, id desc` | a list that says nothing else |
| live rows by `owner, created_at desc, id desc` | the lists of a person who sees his own records |
| live rows of a queue by `queue, created_at desc, id desc` | what waits in the queues of a person; only waiting rows are in it |
| ranges of pages by `updated_at` (BRIN) | lists of what was changed lately, where shared lists show it (model/sorted_by.py) |
| recycle bin by `deleted_at` | only deleted rows are in it: it costs nothing |
| live rows by `title__sort, id` | lists in the order of titles, and records found by their title |
| each link column | sets, roll-ups, the check before a purge |
| unique rules | see below |
| fields that say `indexed`, `indexes` of the object | what the author asks for |
| numbers, dates and moments, entered or worked out and kept, that shared lists are sorted by first | those lists (model/sorted_by.py) |
| GIN on `text[]` | `'vip' in tags` |
| auto numbers | people search by them |
| addresses, numbers, codes that duplicate rules compare | the look for the same record at every save |

The one on `updated_at` is no tree, on purpose: a tree would end PostgreSQL's heap-only updates for every save, an index of ranges
does not (PostgreSQL 16 and later).

**Unique** holds among live records (the recycle bin does not count; a restore that would collide is refused) and, if the
rule has a `where`, among those that fit it. Compared is the stored value, because values are normalised when they are
read: e-mail addresses are in lower case, telephone numbers in one form, texts trimmed and in NFC. Texts that differ in
case are different. A record in which one of the fields is empty is compared with none.
"""

from __future__ import annotations

from collections.abc import Iterator

from patron_engine.fields.field import Field
from patron_engine.model.duplicate_rules import looked_up
from patron_engine.model.model import LINKS, Model, Object, Unique
from patron_engine.names import composed
from patron_engine.store.predicate import predicate_sql
from patron_engine.store.shape import LIVE_ROWS, IndexShape, Key, index

INDEX_SUFFIX = "__ix"
UNSORTED = frozenset({"jsonb", "bytea"})


def unique_columns(field: Field) -> tuple[str, ...]:
    """The columns a unique rule compares: the blind index of an encrypted field, object and id of a link to several
    objects, both ends of a range, else the value itself."""
    parts = {c.part: c.name for c in field.columns}
    if "blind" in parts:
        return (parts["blind"],)
    if "object" in parts:
        return (parts["object"], parts[""])
    if "" in parts:
        return (parts[""],)
    return tuple(c.name for c in field.columns if c.part != "sort")


def object_indexes(model: Model, object: Object) -> dict[str, IndexShape]:
    """Every index the table of `object` should have, by name. What begins like another of the same rows is left out:
    the longer one serves both."""
    found: dict[str, IndexShape] = {}
    for shape in (*_uniques(object), *_declared(object), *_of_lists(object), *_of_fields(model, object)):
        served = any(
            other.method == shape.method
            and other.where == shape.where
            and other.keys[: len(shape.keys)] == shape.keys
            for other in found.values()
        )
        if shape.unique or not served:
            found[shape.name] = shape
    return found


def link_indexes(table: str) -> dict[str, IndexShape]:
    """A link table is read from both ends; the primary key serves the first."""
    shape = index(composed(table, "target" + INDEX_SUFFIX), table, Key(column="target"), Key(column="record"))
    return {shape.name: shape}


def access_indexes(table: str) -> dict[str, IndexShape]:
    """Which records somebody was given; the primary key serves who was given a record."""
    name = composed(table, "principal" + INDEX_SUFFIX)
    shape = index(name, table, Key(column="principal"), Key(column="record"))
    return {shape.name: shape}


def unique_shape(object: Object, unique: Unique) -> IndexShape | None:
    """The index of a unique rule, or None when one of its fields has no column (the compiler tells the author)."""
    keys: list[Key] = []
    for name in unique.fields:
        field = object.field(name)
        if field is None or not field.columns:
            return None
        keys.extend(Key(column=c) for c in unique_columns(field))
    where = LIVE_ROWS
    if unique.where is not None:
        where = f"{LIVE_ROWS} AND ({predicate_sql(object, unique.where)})"
    return index(unique.index, object.table, *keys, unique=True, where=where, constraint=unique.name)


def _uniques(object: Object) -> Iterator[IndexShape]:
    for unique in object.uniques:
        if shape := unique_shape(object, unique):
            yield shape


def _declared(object: Object) -> Iterator[IndexShape]:
    for declared in object.indexes:
        keys: list[Key] = []
        for name, descending in declared.fields:
            field = object.field(name)
            if field is not None and field.columns:
                keys.append(Key(column=_sorted_column(field), descending=descending))
        if keys:
            yield index(declared.index, object.table, *keys, where=LIVE_ROWS)


def _of_fields(model: Model, object: Object) -> Iterator[IndexShape]:
    table, compared = object.table, looked_up(model, object)
    for field in object.fields.values():
        if field.system or not field.columns:
            continue
        for column in field.columns:
            name = composed(table, column.name + INDEX_SUFFIX)
            if column.sql == "text[]":
                yield index(name, table, Key(column=column.name), method="gin")
            elif column.part == "" and field.type in LINKS:
                yield index(name, table, Key(column=column.name))
            elif column.part == "sort":
                yield index(name, table, Key(column=column.name), Key(column="id"), where=LIVE_ROWS)
            elif (
                (_asked_for(field) or field.name in compared)
                and column.name == _sorted_column(field)
                and column.sql not in UNSORTED
            ):
                yield index(name, table, Key(column=column.name), where=LIVE_ROWS)


def _asked_for(field: Field) -> bool:
    return field.indexed or field.type == "auto_number"


def _of_lists(object: Object) -> Iterator[IndexShape]:
    table = object.table
    newest = (Key(column="created_at", descending=True), Key(column="id", descending=True))
    yield index(composed(table, "live" + INDEX_SUFFIX), table, *newest, where=LIVE_ROWS)
    if "owner" in object.fields:
        owned = (Key(column="owner"), *newest)
        yield index(composed(table, "owner" + INDEX_SUFFIX), table, *owned, where=LIVE_ROWS)
    if "queue" in object.fields:
        waiting = (Key(column="queue"), *newest)
        name = composed(table, "queue" + INDEX_SUFFIX)
        yield index(name, table, *waiting, where=f"{LIVE_ROWS} AND queue IS NOT NULL")
    if object.fields["updated_at"].indexed:
        yield index(composed(table, "updated" + INDEX_SUFFIX), table, Key(column="updated_at"), method="brin")
    yield index(
        composed(table, "deleted" + INDEX_SUFFIX),
        table,
        Key(column="deleted_at"),
        where="deleted_at IS NOT NULL",
    )


def _sorted_column(field: Field) -> str:
    """What an index on a field holds: base for money in the record's currency, blind for what is encrypted."""
    parts = {c.part: c.name for c in field.columns}
    return next((parts[p] for p in ("base", "blind", "", "from") if p in parts), field.columns[0].name)
