"""Sketching: reading objects from documents, as far as that goes without expressions.

In: effective documents. Out: a Sketch, and problems of names, keys, options and links with their places.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import Any

from patron_engine.expr.types import EMPTY, SEALED, ExprType
from patron_engine.fields.base import Around, FieldType
from patron_engine.fields.field import LinkSpec, Option, Spec, Texts
from patron_engine.fields.link import SYSTEM_TYPES
from patron_engine.fields.options import read_options, texts
from patron_engine.fields.registry import TYPES
from patron_engine.fields.vault import ENCRYPTABLE
from patron_engine.meta.document import Document, Path, former_names
from patron_engine.model import limits
from patron_engine.model.model import LinkSet
from patron_engine.model.sketch import FieldSketch, ObjectSketch, Sketch, region_of
from patron_engine.model.system import system_fields
from patron_engine.model.virtual import virtual_names
from patron_engine.names import SYSTEM_COLUMNS, name_fault
from patron_engine.phrases import Phrase
from patron_engine.problems import Problems, nearest

_ID = SYSTEM_TYPES[0]


def sketch(documents: Mapping[tuple[str, str], Document], problems: Problems) -> Sketch:
    """Reads all objects. Problems go to `problems` with their places."""
    bodies = {key: d.body for key, d in documents.items()}
    workspace = bodies.get(("workspace", "workspace")) or next(
        (b for (k, _), b in bodies.items() if k == "workspace"), {}
    )
    option_sets = _option_sets(documents, problems)
    around = Around(
        currency=str(workspace.get("currency") or "CNY"),
        region=region_of(str(workspace.get("zone") or "Asia/Shanghai")),
        option_sets=option_sets,
    )
    made = Sketch(
        objects={}, object_aliases={}, option_sets=option_sets, virtual=virtual_names(bodies), documents=documents,
        problems=problems,
    )  # fmt: skip
    found = [d for (kind, _), d in documents.items() if kind == "object"]
    if len(found) > limits.OBJECTS:
        problems.add("limit_objects", Phrase("{count} objects, a workspace has at most {objects}", count=len(found), objects=limits.OBJECTS),
                     hint="remove some, or split the workspace")  # fmt: skip
    for document in found:
        made.objects[document.name] = _object(document, around, problems)
    for one in made.objects.values():
        for old in one.aliases_of:
            if old in made.objects or made.object_aliases.get(old, one.name) != one.name:
                problems.add("name_taken", Phrase("{old!r} was the name of object {one!r} and stays its alias", old=old, one=one.name),
                             hint="name the other object differently", **one.document.where(("was",)))  # fmt: skip
            else:
                made.object_aliases[old] = one.name
    for one in made.objects.values():
        _targets(one, made)
    for named in (True, False):
        for one in made.objects.values():
            _sets(one, made, named=named)
    return made


def _option_sets(
    documents: Mapping[tuple[str, str], Document], problems: Problems
) -> Mapping[str, tuple[Option, ...]]:
    found: dict[str, tuple[Option, ...]] = {}
    for (kind, name), document in documents.items():
        if kind == "option_set":
            around = Around(fault=partial(_fault, problems, document, ()))
            options = read_options(document.body.get("options") or (), around)
            for known in (name, *former_names(document.body)):
                found.setdefault(known, options)
    return MappingProxyType(found)


def _fault(
    problems: Problems,
    document: Document,
    path: Path,
    code: str,
    message: str,
    key: str | None = None,
    hint: str | None = None,
) -> None:
    problems.add(code, message, hint=hint, **document.where((*path, key) if key else path))


def _object(document: Document, shared: Around, problems: Problems) -> ObjectSketch:
    body = document.body
    fault = name_fault(document.name)
    if fault:
        problems.add(
            "bad_name",
            Phrase("{document!r} cannot name an object: {fault}", document=document.name, fault=fault),
            **document.where(("name",)),
        )
    around = Around(
        currency=shared.currency,
        region=shared.region,
        record_currency=body.get("currency") == "record",
        option_sets=shared.option_sets,
    )
    made = ObjectSketch(
        name=document.name, body=body, document=document, aliases_of=former_names(body), around=around
    )
    for definition in system_fields(body):
        type = _ID if definition["type"] == "id" else TYPES[definition["type"]]
        spec = LinkSpec(to=(document.name,)) if type is _ID else type.spec(definition, around)
        made.fields[definition["name"]] = FieldSketch(
            object=document.name, name=definition["name"], definition=definition, path=(), type=type, spec=spec,
            expr=type.expr_type(spec), system=True, aliases=(),
        )  # fmt: skip
    definitions = body.get("fields") or []
    if len(definitions) > limits.FIELDS:
        problems.add("limit_fields", Phrase("{count} fields, an object has at most {fields}", count=len(definitions), fields=limits.FIELDS),
                     hint="split the object in two", **document.where(("fields",)))  # fmt: skip
    for index, definition in enumerate(definitions):
        if isinstance(definition, Mapping):
            _field(made, definition, ("fields", index), document, problems)
    return made


def _field(
    made: ObjectSketch, definition: Mapping[str, Any], path: Path, document: Document, problems: Problems
) -> None:
    name, named = definition.get("name"), definition.get("type")
    type = TYPES.get(named) if isinstance(named, str) else None
    if not isinstance(name, str) or type is None:
        if isinstance(name, str):
            problems.add("unknown_type", Phrase("there is no field type {named!r}", named=named), hint=nearest(str(named), TYPES),
                         **document.where((*path, "type")))  # fmt: skip
        meant = name if isinstance(name, str) else _meant(definition)
        if meant is not None:
            made.fields.setdefault(meant, _unreadable(made.name, meant, definition, path))
        return
    fault = name_fault(name)
    if fault:
        problems.add(
            "bad_name",
            Phrase("{name!r} cannot name a field: {fault}", name=name, fault=fault),
            **document.where((*path, "name")),
        )
    if name in made.fields:
        if made.fields[name].system:  # two of one list are told by the check of the document
            problems.add("name_taken", Phrase("{name!r} is a system field of {made}", name=name, made=made.name), hint="choose another name",
                         **document.where((*path, "name")))  # fmt: skip
        return
    around = Around(
        currency=made.around.currency, region=made.around.region, record_currency=made.around.record_currency,
        option_sets=made.around.option_sets, fault=partial(_fault, problems, document, path),
    )  # fmt: skip
    spec = type.spec(definition, around)
    aliases = former_names(definition)
    made.fields[name] = FieldSketch(
        object=made.name, name=name, definition=definition, path=path, type=type, spec=spec,
        expr=_expr_type(type, spec, definition), system=False, aliases=aliases,
    )  # fmt: skip
    for old in aliases:
        made.aliases.setdefault(old, name)


def _meant(definition: Mapping[str, Any]) -> str | None:
    """The name of a field that misspells the key `name`."""
    if "name" in definition:
        return None
    return next((v for k, v in definition.items() if isinstance(v, str) and nearest(str(k), ("name",))), None)


def _unreadable(object: str, name: str, definition: Mapping[str, Any], path: Path) -> FieldSketch:
    """Stands for a field of no known type: what names it is not wrong because of that."""
    return FieldSketch(
        object=object, name=name, definition={"name": name, "type": "json"}, path=path, type=TYPES["json"], spec=None,
        expr=EMPTY, system=False, aliases=former_names(definition),
    )  # fmt: skip


def _expr_type(type: FieldType, spec: Spec, definition: Mapping[str, Any]) -> ExprType | None:
    """What it is in expressions; of formulas and roll-ups that is found later."""
    if type.name in ("formula", "rollup"):
        return None
    sealed = definition.get("encrypted") is True and type.name in ENCRYPTABLE
    return SEALED if sealed else type.expr_type(spec)


def _targets(one: ObjectSketch, made: Sketch) -> None:
    """Targets of links become today's names."""
    for f in one.fields.values():
        if not isinstance(f.spec, LinkSpec) or f.system:
            continue
        targets = tuple(t.name if (t := made.object(name)) else name for name in f.spec.to)
        if targets != f.spec.to:
            f.spec = replace(f.spec, to=targets)
            f.expr = f.type.expr_type(f.spec)
        if f.spec.tree and targets != (one.name,):
            made.problems.add("tree_elsewhere", Phrase("{f} is a tree and must point at {one} itself", f=f.name, one=one.name),
                              hint=Phrase("to: {one}, or leave `tree` out", one=one.name), **one.document.where((*f.path, "tree")))  # fmt: skip


def _sets(one: ObjectSketch, made: Sketch, *, named: bool) -> None:
    """The sets on the other side of its links: first those whose `reverse` says their name, then the silent ones."""
    for f in one.fields.values():
        if isinstance(f.spec, LinkSpec) and not f.system and (f.spec.reverse is not None) == named:
            for name in f.spec.to:
                target = made.object(name)
                if target is not None:
                    _set(one, f, target, made)


def _set(one: ObjectSketch, f: FieldSketch, target: ObjectSketch, made: Sketch) -> None:
    assert isinstance(f.spec, LinkSpec)
    declared = f.definition.get("reverse")
    label: Texts = texts(declared.get("label")) if isinstance(declared, Mapping) else MappingProxyType({})
    name = f.spec.reverse
    path = (*f.path, "reverse")
    if name is None:
        if f.type.family == "people":
            return  # a user would have a set for every people field of every object
        name = plural(one.name)
        if name in target.sets or name in target.fields:
            name = f"{name}_by_{f.name}"[:40].rstrip("_")
    elif (fault := name_fault(name)) is not None:
        made.problems.add(
            "bad_name",
            Phrase("{name!r} cannot name a set: {fault}", name=name, fault=fault),
            **one.document.where(path),
        )
    other = target.sets.get(name)
    if other is not None or name in target.fields:
        what = (
            Phrase("the set of {object}.{field}", object=other.object, field=other.field)
            if other
            else "a field"
        )
        made.problems.add("set_name_taken", Phrase("{target} has {what} named {name!r} already", target=target.name, what=what, name=name),
                          hint="give the link another `reverse`", **one.document.where(path))  # fmt: skip
        return
    if name in SYSTEM_COLUMNS:
        made.problems.add("reserved_name", Phrase("{name!r} is a system field of every record", name=name), hint="give the link another `reverse`",
                          **one.document.where(path))  # fmt: skip
    if not label:
        label = texts(one.body.get("plural")) or texts(one.body.get("label"))
    target.sets[name] = LinkSet(
        name=name,
        owner=target.name,
        object=one.name,
        field=f.name,
        master=f.spec.master,
        many=f.spec.many,
        document=f.spec.document,
        label=label,
    )
    if isinstance(declared, Mapping):
        for old in former_names(declared):
            target.aliases.setdefault(old, name)
    if len(f.spec.to) == 1 and f.spec.reverse is None:
        f.spec = replace(f.spec, reverse=name)


def plural(name: str) -> str:
    """The API name of several: the silent name of a set.

    >>> plural("opportunity"), plural("order"), plural("address"), plural("day"), plural("branch")
    ('opportunities', 'orders', 'addresses', 'days', 'branches')
    """
    if name.endswith("y") and name[-2:-1] not in "aeiou":
        return f"{name[:-1]}ies"[:40]
    if name.endswith(("s", "x", "z", "ch", "sh")):
        return f"{name}es"[:40]
    return f"{name}s"[:40]
