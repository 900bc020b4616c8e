"""Program: an approval as nodes with their places. Model stage: pure, made once a release.

In: the document of an approval and the expressions that were compiled for it. Out: a `Program`: what nodes there are, which stand
before and after which, what each says. Decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from hashlib import sha256
from typing import Any, Final

from patron_engine import jsonio
from patron_engine.expr.compile import Expression
from patron_engine.flow.program import Step
from patron_engine.meta.document import Path, path_text
from patron_engine.model.model import Model

FORKS: Final = ("branch", "parallel", "inclusive")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """`place` is where it stands in the document."""

    name: str
    label: Any
    when: Expression | None
    nodes: tuple[Node, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """`step` is the node as flow's words are asked of it: its place, keys and expressions."""

    name: str
    type: str
    step: Step = field(repr=False)
    cases: tuple[Case, ...] = ()

    @property
    def body(self) -> Mapping[str, Any]:
        return self.step.body

    @property
    def mode(self) -> str:
        mode = self.body.get("mode", "any")
        return "vote" if isinstance(mode, Mapping) else str(mode)

    @property
    def share(self) -> Decimal:
        """Of a vote: which part of those asked must approve."""
        mode = self.body.get("mode")
        text = str(mode["vote"]) if isinstance(mode, Mapping) else "100%"
        return Decimal(text.removesuffix("%").strip()) / 100

    @property
    def comment(self) -> str:
        return str(self.body.get("comment", "optional"))

    @property
    def fields(self) -> Mapping[str, str]:
        return self.body.get("fields") or {}

    @property
    def asks(self) -> bool:
        """Whether a decision here needs more than a word: it is neither made by itself nor with others at once."""
        return (
            self.comment == "required"
            or bool(self.body.get("signature"))
            or any(right == "required" for right in self.fields.values())
        )

    def allows(self, act: str) -> bool:
        """What an approver may do beside deciding; where nothing is said, everything but to end the whole. To speak is never
        forbidden, and who may add a signer may remove him."""
        allowed = self.body.get("allow")
        if act == "finish":
            return "finish" in (allowed or ())
        if act == "batch" and self.asks:
            return False
        if allowed is None or act in ("comment", "ask"):
            return True
        return act in allowed or (act == "remove_signer" and "add_signer" in allowed)


@dataclass(frozen=True, kw_only=True)
class Program:
    """`version` is a digest of the document: what tells one version of an approval from another."""

    name: str
    object: str
    version: str
    body: Mapping[str, Any] = field(repr=False)
    nodes: tuple[Node, ...] = field(repr=False)
    root: Step = field(repr=False)

    @cached_property
    def by_name(self) -> Mapping[str, Node]:
        return {node.name: node for node in _every(self.nodes)}

    @cached_property
    def order(self) -> tuple[str, ...]:
        return tuple(self.by_name)

    @cached_property
    def above(self) -> Mapping[str, tuple[tuple[Node, Case], ...]]:
        """Node -> the forks and cases it stands in, the outermost first."""
        found: dict[str, tuple[tuple[Node, Case], ...]] = {}
        _note_above(self.nodes, (), found)
        return found

    def siblings(self, name: str) -> tuple[Node, ...]:
        """The list of nodes that a node stands in."""
        above = self.above[name]
        return above[-1][1].nodes if above else self.nodes

    def earlier(self, name: str) -> list[Node]:
        """The nodes that a decision has come through before this one, those of earlier forks included, in their order. What
        stands in another case of the same fork is not among them."""
        found: list[Node] = []
        for inner in [*(fork.name for fork, _ in self.above[name]), name]:
            for node in self.siblings(inner):
                if node.name == inner:
                    break
                found.extend(_every([node]))
        return found

    def later(self, name: str) -> list[Node]:
        """What comes after a node, with itself and what stands in it; not what runs beside it."""
        found = list(_every([self.by_name[name]]))
        for inner in [name, *(fork.name for fork, _ in reversed(self.above[name]))]:
            beside = self.siblings(inner)
            at = next(n for n, node in enumerate(beside) if node.name == inner)
            found.extend(_every(beside[at + 1 :]))
        return found

    def tells(self, key: str) -> Any:
        """A rule of the whole approval: `no_approver`, `self_approval` …"""
        return self.body.get(key)


def _every(nodes: Sequence[Node]) -> Iterator[Node]:
    for node in nodes:
        yield node
        for case in node.cases:
            yield from _every(case.nodes)


def _note_above(
    nodes: Sequence[Node],
    above: tuple[tuple[Node, Case], ...],
    found: dict[str, tuple[tuple[Node, Case], ...]],
) -> None:
    for node in nodes:
        found[node.name] = above
        for case in node.cases:
            _note_above(case.nodes, (*above, (node, case)), found)


def program_of(model: Model, name: str) -> Program | None:
    """An approval as a program; None when there is none of that name."""
    body = model.documents.get(("approval", name))
    if body is None:
        return None
    expressions = {key[2]: e for key, e in model.expressions.items() if key[:2] == ("approval", name)}
    version = version_of(body)
    rule = f"approval:{name}.{version}"
    root = Step(name=name, do="approval", path="", rule=rule, body=body, expressions=expressions)
    nodes = _nodes(body, ("nodes",), body.get("nodes") or (), expressions, rule)
    return Program(name=name, object=body["object"], version=version, body=body, nodes=nodes, root=root)


def version_of(body: Mapping[str, Any]) -> str:
    """What an instance keeps to: a digest of what the approval does, its texts left out."""
    told = {
        k: v for k, v in body.items() if k not in ("label", "description", "was", "needs", "priority", "for")
    }
    return sha256(jsonio.dumps(told)).hexdigest()[:16]


def _nodes(
    body: Mapping[str, Any], path: Path, listed: Sequence[Mapping[str, Any]], expressions: Mapping[str, Expression], rule: str
) -> tuple[Node, ...]:  # fmt: skip
    return tuple(_node(body, (*path, n), raw, expressions, rule) for n, raw in enumerate(listed))


def _node(
    body: Mapping[str, Any],
    path: Path,
    raw: Mapping[str, Any],
    expressions: Mapping[str, Expression],
    rule: str,
) -> Node:
    place = path_text(body, path)
    cases = []
    for number, case in enumerate(raw.get("cases") or ()):
        here = (*path, "cases", number)
        cases.append(
            Case(
                name=str(case["name"]), label=case.get("label"), when=expressions.get(path_text(body, (*here, "when"))),
                nodes=_nodes(body, (*here, "nodes"), case.get("nodes") or (), expressions, rule),
            )
        )  # fmt: skip
    own = {
        key[len(place) :].removeprefix("."): e
        for key, e in expressions.items()
        if key.startswith(place) and key[len(place) : len(place) + 1] in (".", "[")
    }
    step = Step(name=str(raw["name"]), do=str(raw["type"]), path=place, rule=rule, body=raw, expressions=own)
    return Node(name=str(raw["name"]), type=str(raw["type"]), step=step, cases=tuple(cases))
