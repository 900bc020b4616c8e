"""Two authors' changes of one document: what only one changed is taken, what both changed differently is told."""

from __future__ import annotations

from decimal import Decimal

from patron_engine.release.bodies import body_hash, decode, encode
from patron_engine.release.merge import merge

BASE = {
    "kind": "object",
    "name": "account",
    "label": {"en": "Account"},
    "fields": [{"name": "name", "type": "text"}, {"name": "phone", "type": "phone"}],
}


def test_both_add_a_field_and_both_are_kept() -> None:
    theirs = {**BASE, "fields": [*BASE["fields"], {"name": "grade", "type": "text"}]}
    mine = {**BASE, "fields": [BASE["fields"][0], {"name": "city", "type": "text"}, BASE["fields"][1]]}
    merged, clashes = merge("object/account", BASE, theirs, mine)
    assert clashes == ()
    assert [f["name"] for f in merged["fields"]] == ["name", "city", "phone", "grade"]


def test_the_same_property_changed_to_different_values_is_a_clash_with_all_three() -> None:
    theirs = {**BASE, "label": {"en": "Customer"}}
    mine = {**BASE, "label": {"en": "Client"}}
    merged, clashes = merge("object/account", BASE, theirs, mine)
    assert merged["label"] == {"en": "Customer"}
    assert [c.as_dict() for c in clashes] == [
        {
            "document": "object/account",
            "path": "label.en",
            "base": "Account",
            "theirs": "Customer",
            "mine": "Client",
        }
    ]


def test_the_same_change_twice_is_no_clash() -> None:
    changed = {**BASE, "label": {"en": "Customer"}}
    assert merge("d", BASE, changed, dict(changed)) == (changed, ())


def test_a_document_removed_by_one_and_changed_by_the_other_is_a_clash() -> None:
    _, clashes = merge("d", BASE, None, {**BASE, "icon": "x"})
    assert [c.path for c in clashes] == [""]


def test_a_field_removed_by_one_stays_removed() -> None:
    merged, clashes = merge("d", BASE, {**BASE, "fields": BASE["fields"][:1]}, {**BASE, "icon": "x"})
    assert clashes == () and [f["name"] for f in merged["fields"]] == ["name"] and merged["icon"] == "x"


def test_kept_bodies_come_back_exactly_and_order_makes_no_other_document() -> None:
    body = {"min": Decimal("0.10"), "max": 5, "label": {"zh-CN": "客户"}, "scale": Decimal(2)}
    assert decode(encode(body)) == body
    assert isinstance(decode(encode(body))["scale"], Decimal)
    assert body_hash(body) == body_hash(dict(reversed(body.items())))
