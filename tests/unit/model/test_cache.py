"""Compiling again costs what changed, and never gives a stale answer."""

from __future__ import annotations

from patron_engine.model.cache import ExpressionCache
from patron_engine.model.compile import compile_model
from patron_engine.model.physical import PhysicalNames
from patron_testing.compiled import compiled, folded


def workspace(objects: int, label: str = "Name", type: str = "integer") -> str:
    one = """kind: object
name: o{n}
label: {label}
fields:
  - {{name: name, type: text}}
  - {{name: a, type: {type}}}
  - {{name: up, type: lookup, to: o{up}, reverse: downs{n}}}
  - {{name: double, type: formula, expression: a * 2}}
  - {{name: above, type: formula, expression: up.double + a}}
rules: [{{name: r, when: "double > 5 and not ISBLANK(name)", message: x}}]
"""
    return "---\n".join(one.format(n=n, up=max(n - 1, 0), label=label, type=type) for n in range(objects))


def test_a_changed_label_compiles_no_expression_again() -> None:
    cache = ExpressionCache()
    first = compiled(workspace(20), cache=cache)
    asked = cache.misses
    second = compiled(workspace(20, label="Other"), names=first.physical, release=2, cache=cache)
    assert asked > 0 and cache.misses == asked
    assert second.objects["o3"].rules[0].when is first.objects["o3"].rules[0].when
    assert second.fingerprint != first.fingerprint


def test_a_changed_type_is_seen_by_every_expression_over_it() -> None:
    cache = ExpressionCache()
    compiled(workspace(3), cache=cache)
    model, problems = compile_model(folded(workspace(3, type="boolean")), PhysicalNames(), 1, cache=cache)
    assert model is None
    assert {p.path for p in problems} >= {"fields.double.expression"}
    assert compiled(workspace(3), cache=cache).objects["o1"].fields["double"].column.sql == "numeric"


def test_the_cache_is_bounded() -> None:
    cache = ExpressionCache(size=10)
    compiled(workspace(10), cache=cache)
    assert len(cache._entries) <= 10
