"""Scopes: the words of a role (`own`, `department_tree`, `{through: account}` …) as conditions on one object's rows.

In: the model, an object, a word, an action. Out: an Expression over the row's own columns and the actor; None for every
row. People are never listed: a chain of managers and a tree of departments are asked of their closures, single rights of
the object's table of given rights (query/rights.py has the SQL, record/lookups.py the same for one record in Python).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final
from typing import Literal as OneOf

from patron_engine.access.roles import Sharing
from patron_engine.expr.compile import expression_of
from patron_engine.expr.functions import people
from patron_engine.expr.nodes import Call, Compare, Expression, Literal, Logic, Member, Node, Path
from patron_engine.expr.operation import Operation
from patron_engine.expr.types import BOOLEAN, ExprType
from patron_engine.model.model import Model, Object

USER: Final = ExprType("link", objects=("user",))
DEPARTMENT: Final = ExprType("link", objects=("department",))
ME: Final = Call(people.ME, (), USER)
CODES: Final = ("user", "department", "position", "group", "role", "queue", "department_head")
SHARED_WITH: Final = (*CODES, "field")  # the words that say who gets what a sharing rule gives
EMPTY: Final = ExprType("empty")


def scope_condition(
    model: Model, object: str, scope: str | tuple[str, ...], action: str
) -> Expression | None:
    """The rows a scope reaches. `all` is None: no condition."""
    found = model.objects[object]
    if not isinstance(scope, str):
        return either(through(model, found, link, action) for link in scope)
    if scope == "all":
        return None
    if scope == "own":
        return _made(Compare("==", _person(found), ME, BOOLEAN), "own")
    if scope == "own_and_reports":
        return _called(people.MINE_OR_BELOW, (_person(found),), (), scope)
    if "department" not in model.objects or "department" not in model.objects["user"].fields:
        return NOBODY
    return _called(people.IN_MY_TREE, (_department(found),), (scope == "department_tree",), scope)


def through(model: Model, object: Object, link: str, action: str) -> Expression:
    """The record this link points at is one on which the actor may do `action`."""
    field = object.fields[object.aliases.get(link, link)]
    many = field.expr.kind == "list"
    kind = field.expr.element if many and field.expr.element is not None else field.expr
    path = Path(field.name, field.expr if many else kind)
    objects = tuple(o for o in kind.objects if o in model.objects)
    return _called(people.THROUGH, (path,), (objects, action), f"{action} through {field.name}")


def given(object: str, level: OneOf["read", "edit"]) -> Expression:
    """Somebody gave him the record: a team, a share, an approval."""
    return _called(
        people.GIVEN, (Path("id", ExprType("link", objects=(object,))),), (object, level), f"given to {level}"
    )


def my_queue(object: Object) -> Expression | None:
    """The record waits in a queue he is a member of."""
    if "queue" not in object.fields:
        return None
    return _called(people.MY_QUEUE, (Path("queue", ExprType("link", objects=("queue",))),), (), "queue")


def shared(rule: Sharing, model: Model) -> tuple[Expression, ...]:
    """The records of a sharing rule, for whoever is among those it names: who, whose, which."""
    object = model.objects[rule.object]
    named = (_candidate(model, object, rule.name, f"to[{n}]", who) for n, who in enumerate(rule.to))
    conditions: list[Expression] = [either(named)]
    if rule.owned_by:
        conditions.append(either(_belongs(model, object, who, _person(object)) for who in rule.owned_by))
    if rule.where is not None:
        conditions.append(rule.where)
    return tuple(conditions)


def _candidate(model: Model, object: Object, rule: str, at: str, who: Mapping[str, Any]) -> Expression:
    """The actor is one of those, and fits their `where`, which is asked for each record (query/meant.py)."""
    if "where" not in who:
        return _belongs(model, object, who, ME)
    path = Path("id", ExprType("link", objects=(object.name,)))
    source = f"meant by {at} of the sharing rule {rule}"
    tree = Call(people.MEANT, (path,), BOOLEAN, ("sharing", rule, at))
    return expression_of(tree, source, frozenset({"ME"}))


def belongs_to(model: Model, object: Object, who: Mapping[str, Any]) -> Expression:
    """The actor is one of the people these words name."""
    return _belongs(model, object, who, ME)


def _belongs(model: Model, object: Object, who: Mapping[str, Any], person: Node) -> Expression:
    """Whether `person` is one of the people a definition names. Words that mean nothing here name nobody: a condition that
    is not understood must not be left out (meta/rules_values tells the author)."""
    words = [w for w in who if w != "below"]
    if len(words) != 1 or words[0] not in SHARED_WITH:
        return NOBODY
    word = words[0]
    if word == "field":
        return _named_by(model, object, who[word], person)
    named = who[word]
    codes = (named,) if isinstance(named, str) else tuple(named)
    below = bool(who.get("below"))
    said = f"{word} {', '.join(codes)}{' and below' if below else ''}"
    return _called(people.BELONGS, (person,), (word, codes, below), said)


def _named_by(model: Model, object: Object, path: str, person: Node) -> Expression:
    """Whether the record names the person in a field: a link to a user, or to several."""
    field = model.follow(object.name, path)
    if field is None:
        return NOBODY
    there = Path(path, field.expr)
    said = f"{path} names {getattr(person, 'path', 'me')}"
    if field.expr.kind == "list" and field.expr.element is not None and "user" in field.expr.element.objects:
        return _made(Member(person, there, BOOLEAN), said)
    if field.expr.kind != "link" or field.expr.objects != ("user",):
        return NOBODY
    someone = Compare(
        "!=", there, Literal(None, EMPTY), BOOLEAN
    )  # nobody owns it and it names nobody: that is no match
    return _made(Logic("and", (someone, Compare("==", there, person, BOOLEAN)), BOOLEAN), said)


def both(conditions: Iterable[Expression | None]) -> Expression | None:
    """All of them hold; None where none narrows."""
    return _joined("and", [c for c in conditions if c is not None])


def either(conditions: Iterable[Expression]) -> Expression:
    """One of them holds; `NOBODY` of none."""
    return _joined("or", list(conditions)) or NOBODY


def _joined(word: OneOf["and", "or"], conditions: Sequence[Expression]) -> Expression | None:
    unique = list({c.source: c for c in conditions}.values())
    if len(unique) < 2:
        return unique[0] if unique else None
    tree = Logic(word, tuple(c.tree for c in unique), BOOLEAN)
    functions = frozenset(f for c in unique for f in c.functions)
    return expression_of(tree, f" {word} ".join(f"({c.source})" for c in unique), functions)


def _person(object: Object) -> Node:
    """Whose the record is: its owner, a user himself, or who made what nobody owns."""
    if object.name == "user":
        return Path("id", USER)
    return Path("owner" if "owner" in object.fields else "created_by", USER)


def _department(object: Object) -> Node:
    if object.name == "department":
        return Path("id", DEPARTMENT)
    if "department" in object.fields and object.fields["department"].expr.objects == ("department",):
        return Path("department", DEPARTMENT)
    return Path("created_by.department", DEPARTMENT)


def _called(op: Operation, args: tuple[Node, ...], params: tuple[Any, ...], source: str) -> Expression:
    """`source` says it for people, and tells it from every other: what stands twice is joined once."""
    return _made(
        Call(op, args, BOOLEAN, params), f"{source} of {', '.join(getattr(a, 'path', 'me') for a in args)}"
    )


def _made(tree: Node, source: str) -> Expression:
    return expression_of(tree, source, frozenset({"ME"}))


NOBODY: Final = expression_of(
    Compare("!=", Path("id", USER), Path("id", USER), BOOLEAN), "nobody", frozenset()
)
