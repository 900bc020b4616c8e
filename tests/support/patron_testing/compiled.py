"""Models for tests from YAML, the way a workspace makes them: read, fold, compile."""

from __future__ import annotations

from collections.abc import Iterable

from patron_engine.meta.check import check_document
from patron_engine.meta.layers import Effective, Layer, fold, workspace_layer
from patron_engine.meta.reader import read_documents
from patron_engine.model.cache import ExpressionCache
from patron_engine.model.compile import compile_model
from patron_engine.model.model import Model
from patron_engine.model.physical import PhysicalNames
from patron_engine.problems import Problem


def folded(text: str, workspace: str = "", *, name: str = "base", file: str = "t.yaml") -> Effective:
    """The effective documents of one pack and, if given, the workspace's changes. They must be readable."""
    documents, problems = read_documents(text, file)
    assert not problems, problems
    layers = [Layer(name=name, version="1.0.0", documents=tuple(documents))]
    if workspace:
        changes, problems = read_documents(workspace, "workspace.yaml")
        assert not problems, problems
        layers.append(workspace_layer(changes))
    effective = fold(layers)
    assert not [p for p in effective.problems if p.level == "error"], effective.problems
    return effective


def compiled(
    text: str,
    workspace: str = "",
    *,
    names: PhysicalNames | None = None,
    release: int = 1,
    cache: ExpressionCache | None = None,
) -> Model:
    """The model of documents that have no errors; each must also pass the schema of its kind."""
    effective = folded(text, workspace)
    wrong = [p for d in effective.documents.values() for p in check_document(d) if p.level == "error"]
    assert not wrong, wrong
    known = names or PhysicalNames()
    model, problems = compile_model(effective, known, release, **({"cache": cache} if cache else {}))
    assert model is not None, "\n".join(map(str, problems))
    return model


def problems_of(text: str, workspace: str = "") -> tuple[Problem, ...]:
    """What is wrong with documents, warnings included."""
    _, problems = compile_model(folded(text, workspace), PhysicalNames(), 1)
    return problems


def codes_of(problems: Iterable[Problem]) -> list[str]:
    return [p.code for p in problems]
