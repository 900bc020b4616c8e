"""Typing of functions of people, links, settings and places: what they name must exist."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from patron_engine.expr import nodes
from patron_engine.expr.functions import people
from patron_engine.expr.infer import Infer, call
from patron_engine.expr.nodes import Call, Node
from patron_engine.expr.operation import Function
from patron_engine.expr.signatures import arity, constant_text
from patron_engine.expr.syntax import Syntax
from patron_engine.expr.tokens import Fault
from patron_engine.expr.types import BOOLEAN, NUMBER, TEXT, ExprType, fits, say_type
from patron_engine.phrases import Either, Phrase

COMPARED: Final = frozenset({"text", "choice", "number", "duration", "date", "datetime", "time", "link"})


def _link(infer: Infer, f: Function, s: Syntax, objects: tuple[str, ...] = ()) -> Node:
    node = infer.as_kind(infer.node(s), "link")
    if node.type.kind not in ("link", "empty"):
        raise Fault(
            "expr_types",
            Phrase("{f} takes a link here, but this is {type}", f=f.name, type=say_type(node.type)),
            s.at,
        )
    if objects and node.type.objects and not set(objects) & set(node.type.objects):
        raise Fault(
            "expr_types",
            Phrase(
                "{f} takes a link to {objects}, but this is {type}",
                f=f.name,
                objects=Either(objects),
                type=say_type(node.type),
            ),
            s.at,
        )
    return node


def _me(infer: Infer, f: Function, s: Syntax) -> Node:
    arity(f, s, 0, 0)
    return Call(people.ME, (), ExprType("link", objects=("user",)), at=s.at)


def _two_people(infer: Infer, f: Function, s: Syntax) -> Node:
    arity(f, s, 2, 2)
    sides = tuple(_link(infer, f, i, ("user",)) for i in s.items)
    op = people.SAME_GROUP if f.name == "SAME_GROUP" else people.REPORTS_TO
    return Call(op, sides, BOOLEAN, at=s.at)


def _of_person(infer: Infer, f: Function, s: Syntax) -> Node:
    arity(f, s, 2, 2)
    objects = ("user", "department") if f.name == "IN_DEPARTMENT" else ("user",)
    op = people.IN_DEPARTMENT if f.name == "IN_DEPARTMENT" else people.IN_ROLE
    who, code = _link(infer, f, s.items[0], objects), infer.as_kind(infer.node(s.items[1]), "text")
    if not fits(code.type, "text"):
        raise Fault(
            "expr_types",
            Phrase("{f} takes a code as a text, but this is {type}", f=f.name, type=say_type(code.type)),
            s.items[1].at,
        )
    return Call(op, (who, code), BOOLEAN, at=s.at)


def _on_duty(infer: Infer, f: Function, s: Syntax) -> Node:
    arity(f, s, 1, 1)
    return Call(people.ON_DUTY, (_link(infer, f, s.items[0], ("user",)),), BOOLEAN, at=s.at)


def _setting(infer: Infer, f: Function, s: Syntax) -> Node:
    arity(f, s, 1, 1)
    name = constant_text(f, s.items[0], Phrase("the name of a setting"))
    t = infer.scope.catalog.setting(name)
    if t is None:
        raise Fault("expr_unknown_setting", Phrase("there is no setting {name!r}", name=name), s.items[0].at)
    return Call(people.SETTING, (), t, (name,), s.at)


def _ref(infer: Infer, f: Function, s: Syntax) -> Node:
    arity(f, s, 2, 2)
    catalog = infer.scope.catalog
    object = catalog.canonical("", constant_text(f, s.items[0], Phrase("the name of an object")))
    if not catalog.names(object):
        raise Fault(
            "expr_unknown_object", Phrase("there is no object {object!r}", object=object), s.items[0].at
        )
    external = constant_text(f, s.items[1], Phrase("an external id"))
    return Call(people.REF, (), ExprType("link", objects=(object,)), (object, external), s.at)


def _in_segment(infer: Infer, f: Function, s: Syntax) -> Node:
    arity(f, s, 1, 2)
    name = constant_text(f, s.items[0], Phrase("the name of a segment"))
    object = infer.scope.catalog.segment(name)
    if object is None:
        raise Fault("expr_unknown_segment", Phrase("there is no segment {name!r}", name=name), s.items[0].at)
    if len(s.items) == 2:
        record = _link(infer, f, s.items[1], (object,))
    elif infer.scope.object == object:
        record = nodes.Path("id", ExprType("link", objects=(object,)), s.at)
    else:
        raise Fault(
            "expr_types",
            Phrase("the segment {name!r} is one of {object}", name=name, object=object),
            s.at,
            Phrase("name a link to {object}", object=object),
        )
    return Call(people.IN_SEGMENT, (record,), BOOLEAN, (name,), s.at)


def _under(infer: Infer, f: Function, s: Syntax) -> Node:
    arity(f, s, 2, 2)
    a, b = infer.sides("==", infer.node(s.items[0]), infer.node(s.items[1]), s.at)
    if a.type.kind == "link":
        object = a.type.objects[0] if len(a.type.objects) == 1 else ""
        return Call(people.UNDER, (a, b), BOOLEAN, (object,), s.at)
    if not (fits(a.type, "text") and fits(b.type, "text")):
        raise Fault(
            "expr_types",
            Phrase("UNDER takes links or paths, but this is {type}", type=say_type(a.type)),
            s.at,
        )
    return call(people.UNDER_PATH, (a, b), BOOLEAN, at=s.at)


def _repeated(infer: Infer, f: Function, s: Syntax) -> Node:
    arity(f, s, 1, 1)
    path, object = infer.node(s.items[0]), infer.scope.object
    names = infer.scope.catalog.names(object or "")
    if not isinstance(path, nodes.Path) or path.path.partition(".")[0] not in names:
        raise Fault("expr_types", Phrase("REPEATED takes a field of the record"), s.at)
    if not infer.scope.rows:
        raise Fault("expr_types", Phrase("REPEATED is for choosing rows: filters, views, segments"), s.at)
    if path.type.kind not in COMPARED:
        told = say_type(path.type)
        raise Fault(
            "expr_types", Phrase("REPEATED takes one value, but this is {type}", type=told), s.items[0].at
        )
    return Call(people.REPEATED, (path,), BOOLEAN, (object, path.path), s.at)


def _label(infer: Infer, f: Function, s: Syntax) -> Node:
    arity(f, s, 1, 1)
    choice = infer.node(s.items[0])
    if choice.type.kind not in ("choice", "empty") or not isinstance(choice, nodes.Path):
        raise Fault(
            "expr_types",
            Phrase("LABEL takes a field with options, but this is {type}", type=say_type(choice.type)),
            s.at,
        )
    return Call(people.LABEL, (choice,), TEXT, (choice.path,), s.at)


def _distance(infer: Infer, f: Function, s: Syntax) -> Node:
    arity(f, s, 2, 2)
    sides = tuple(infer.node(i) for i in s.items)
    for n in sides:
        if not isinstance(n, nodes.Parts) or n.type.kind != "location":
            raise Fault(
                "expr_types",
                Phrase("DISTANCE takes two locations, but this is {type}", type=say_type(n.type)),
                n.at,
            )
    return Call(people.DISTANCE, sides, NUMBER, at=s.at)


RULES: Final[dict[str, Callable[[Infer, Function, Syntax], Node]]] = {
    "me": _me,
    "reports_to": _two_people,
    "same_group": _two_people,
    "in_department": _of_person,
    "in_role": _of_person,
    "on_duty": _on_duty,
    "setting": _setting,
    "ref": _ref,
    "in_segment": _in_segment,
    "under": _under,
    "repeated": _repeated,
    "label": _label,
    "distance": _distance,
}
