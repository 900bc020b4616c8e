"""Who may do what, before roles are given: an administrator everything, anybody else nothing, each with a reason."""

from __future__ import annotations

import pytest

from patron_engine.access.decide import Allow, Deny, decide, readable, row_rule, writable
from patron_engine.access.grants import Grant, audience
from patron_engine.actor import SYSTEM, Actor
from patron_engine.model.model import Model
from patron_testing.build import ADMIN, model_of
from patron_testing.sales import DOCUMENTS

REP = Actor(user="0198c0de-0000-7000-8000-000000000001", name="rep", roles=frozenset({"sales_rep"}))


@pytest.fixture(scope="module")
def model() -> Model:
    return model_of(DOCUMENTS)


@pytest.mark.parametrize("actor", [ADMIN, SYSTEM])
@pytest.mark.parametrize(
    "action", ["read", "create", "update", "delete", "purge", "import", "export", "bulk"]
)
def test_an_administrator_may_do_everything_and_it_is_said_why(
    model: Model, actor: Actor, action: str
) -> None:
    decision = decide(model, actor, action, "account")  # type: ignore[arg-type]
    assert isinstance(decision, Allow) and "administrator" in decision.reasons[0]


@pytest.mark.parametrize("action", ["read", "create", "update", "delete"])
def test_without_grants_nothing_is_allowed_and_nothing_is_known(model: Model, action: str) -> None:
    decision = decide(model, REP, action, "account")  # type: ignore[arg-type]
    assert isinstance(decision, Deny) and "rep" in decision.reasons[0]
    assert readable(model, REP, "account") == writable(model, REP, "account") == {}


def test_an_unknown_object_or_field_is_denied_to_the_administrator_too(model: Model) -> None:
    assert isinstance(row_rule(model, ADMIN, "read", "acount"), Deny)
    assert isinstance(decide(model, ADMIN, "read", "account", "nmae"), Deny)
    assert isinstance(decide(model, ADMIN, "read", "account", "name"), Allow)


def test_what_the_platform_writes_is_in_nobodys_hands(model: Model) -> None:
    names = set(writable(model, ADMIN, "opportunity"))
    assert {"name", "account", "amount", "owner"} <= names
    assert names.isdisjoint(
        {"id", "version", "created_at", "created_by", "deleted_at", "expected", "lines_sum"}
    )


def test_sensitive_fields_need_to_be_named_by_whoever_grants_an_object(model: Model) -> None:
    from dataclasses import replace

    field = replace(model.objects["opportunity"].fields["amount"], sensitive=True)
    assert not Grant(reason="x", object="opportunity").reaches(field, "read")
    assert Grant(reason="x", object="opportunity", fields=(("amount", "read"),)).reaches(field, "read")
    assert not Grant(reason="x", object="opportunity", fields=(("amount", "read"),)).reaches(field, "update")
    assert Grant(reason="administrator").reaches(field, "update")


def test_audiences_are_equal_where_rights_are(model: Model) -> None:
    other = Actor(user="0198c0de-0000-7000-8000-000000000002", roles=frozenset({"sales_rep"}))
    assert audience(REP) == audience(other) != audience(ADMIN)


SHOP = """
kind: object
name: order
label: {en: Order}
fields: [{name: name, type: text}]
---
kind: object
name: line
label: {en: Line}
fields:
  - {name: order, type: master, to: order, reverse: {name: lines}}
  - {name: price, type: money}
  - {name: cost, type: money}
---
kind: role
name: seller
label: {en: Seller}
objects: {order: {create: true, read: own, update: own}}
fields: {line: {cost: none, price: read}}
---
kind: sharing
name: open_ones
label: {en: Open ones}
object: order
where: "name == 'Open'"
to: [{role: seller}]
give: edit
"""


def test_what_a_role_hides_of_details_is_hidden_however_their_master_reaches_him() -> None:
    """A share, a queue or a sharing rule gives the order; none of them gives the column of its lines that his role keeps."""
    model, seller = model_of(SHOP), Actor(user=REP.user, roles=frozenset({"seller"}))
    assert "price" in readable(model, seller, "line") and "cost" not in readable(model, seller, "line")
    assert {"price", "cost"}.isdisjoint(writable(model, seller, "line"))
