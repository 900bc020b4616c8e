"""The packs that come with Patron compile: every name exists, every expression has its type."""

from __future__ import annotations

from pathlib import Path

import pytest

from patron_engine.meta.layers import Layer, fold
from patron_engine.meta.reader import read_documents
from patron_engine.model.compile import compile_model
from patron_engine.model.model import Model
from patron_engine.model.physical import PhysicalNames
from patron_engine.problems import Problem

PACKS = Path(__file__).parents[3] / "packs" / "patron_packs"
REQUIRES = {"core": (), "sales": ("core",)}


def layer(name: str) -> Layer:
    documents = []
    for file in sorted((PACKS / name).rglob("*.yaml")):
        if file.parent.name != "demo":
            found, problems = read_documents(file.read_bytes(), str(file.relative_to(PACKS)))
            assert not problems, problems
            documents += [d for d in found if d.kind != "pack"]
    return Layer(name=name, documents=tuple(documents), version="1.0.0", requires=REQUIRES[name])


@pytest.fixture(scope="module")
def compiled_packs() -> tuple[Model | None, tuple[Problem, ...]]:
    effective = fold([layer(name) for name in REQUIRES])
    model, problems = compile_model(effective, PhysicalNames(), 1)
    return model, (*effective.problems, *problems)


def test_they_compile_without_a_problem(compiled_packs: tuple[Model | None, tuple[Problem, ...]]) -> None:
    model, problems = compiled_packs
    assert [str(p) for p in problems if p.level != "info"] == []
    assert model is not None


def test_every_formula_says_why(compiled_packs: tuple[Model | None, tuple[Problem, ...]]) -> None:
    model, _ = compiled_packs
    assert model is not None
    told = [
        f.spec.why
        for o in model.objects.values()
        for f in o.fields.values()
        if f.type in ("formula", "rollup") and hasattr(f.spec, "why")
    ]
    assert len(told) > 50 and all(w.startswith(("stored: ", "computed: ")) for w in told)
