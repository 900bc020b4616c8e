"""A small catalogue for tests of expressions: deals, accounts, contacts, orders with lines, people."""

from __future__ import annotations

from typing import Any, Final

from patron_engine.expr.compile import compile_expression
from patron_engine.expr.nodes import Expression
from patron_engine.expr.scope import Scope
from patron_engine.expr.types import (
    BOOLEAN,
    DATE,
    DATES,
    DATETIME,
    DURATION,
    JSON,
    LOCATION,
    NUMBER,
    TEXT,
    TIME,
    ExprType,
)


def link(*objects: str) -> ExprType:
    return ExprType("link", objects=objects)


STAGE: Final = ExprType("choice", options=("prospecting", "won", "lost"), was=(("win", "won"),))
OBJECTS: Final[dict[str, dict[str, ExprType]]] = {
    "deal": {
        "id": link("deal"), "name": TEXT, "amount": NUMBER, "probability": NUMBER, "stage": STAGE, "account": link("account"),
        "about": link("account", "contact"), "owner": link("user"), "manager": link("user"), "watchers": ExprType("list", element=link("user")),
        "close_date": DATE, "created_at": DATETIME, "opens": TIME, "waited": DURATION, "tags": ExprType("list", element=TEXT),
        "flag": BOOLEAN, "valid": DATES, "place": LOCATION, "body": JSON, "phone": TEXT, "email": TEXT, "class": TEXT, "order": NUMBER,
        "approval.state": ExprType("choice", options=("none", "running", "approved")), "path.main.since": DATETIME, "address.city": TEXT,
        "address": JSON,
    },
    "account": {
        "id": link("account"), "name": TEXT, "industry": ExprType("choice", options=("retail", "finance")), "grade": TEXT,
        "parent": link("account"), "owner": link("user"), "place": LOCATION,
    },
    "contact": {"id": link("contact"), "name": TEXT, "grade": TEXT},
    "order": {"id": link("order"), "ordered_on": DATE, "total": NUMBER, "account": link("account")},
    "line": {"id": link("line"), "product": link("product"), "subtotal": NUMBER, "sold": DATE, "approved": BOOLEAN, "label": TEXT},
    "product": {"id": link("product"), "family": TEXT},
    "user": {"id": link("user"), "name": TEXT, "department": link("department"), "account": link("account"), "manager": link("user")},
    "department": {"id": link("department"), "code": TEXT},
}  # fmt: skip
SETS: Final = {
    "deal": {"orders": "order", "lines": "line"},
    "order": {"lines": "line"},
    "account": {"deals": "deal"},
}
WAS: Final = {("deal", "sum"): "amount", ("deal", "client"): "account", ("", "firm"): "account"}


class Deals:
    """A Catalog."""

    def field(self, object: str, name: str) -> ExprType | None:
        return OBJECTS.get(object, {}).get(name)

    def set_object(self, object: str, name: str) -> str | None:
        return SETS.get(object, {}).get(name)

    def names(self, object: str) -> tuple[str, ...]:
        return tuple(OBJECTS.get(object, {}))

    def sets(self, object: str) -> tuple[str, ...]:
        return tuple(SETS.get(object, {}))

    def setting(self, name: str) -> ExprType | None:
        return {"order_limit": NUMBER, "strict": BOOLEAN}.get(name)

    def segment(self, name: str) -> str | None:
        return {"vips": "account", "hot": "deal"}.get(name)

    def canonical(self, object: str, name: str) -> str:
        return WAS.get((object, name), name)


def scope(**more: Any) -> Scope:
    """A scope over deals; keyword arguments as Scope's."""
    given: dict[str, Any] = {"catalog": Deals(), "object": "deal", "roots": {"old": "deal"}, **more}
    return Scope(**given)


def compiled(text: str, **more: Any) -> Expression:
    """The expression, or an AssertionError with its problems."""
    made = compile_expression(text, scope(**more))
    assert isinstance(made, Expression), f"{text}: {[str(p) for p in made]}"
    return made


def refused(text: str, **more: Any) -> tuple[str, str, str]:
    """(code, message, hint) of the first problem of a text that must have one."""
    made = compile_expression(text, scope(**more))
    assert not isinstance(made, Expression), f"{text} was taken as {made.source}"
    return made[0].code, made[0].message, made[0].hint or ""
