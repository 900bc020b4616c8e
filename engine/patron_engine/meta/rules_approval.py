"""Rules of approvals: nodes that are never reached, or where nobody can ever decide.

In: a Document that may be wrong in other ways too. Out: Problems added to the collector.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from patron_engine.meta.document import Document, Path
from patron_engine.phrases import Phrase
from patron_engine.problems import Problems

Placed = tuple[
    Path, Mapping[str, Any], tuple[str, ...]
]  # where, the node, the approve nodes a decision came through before


def approval_reach(document: Document, found: Problems) -> None:
    """Of the cases of a branch the first that fits is taken: one that says what an earlier one says is never taken."""
    for path, node, _ in _placed(document.body.get("nodes"), ("nodes",), ()):
        said: dict[str, str] = {}
        for index, case in enumerate(_maps(node.get("cases"))):
            when, at = case.get("when"), (*path, "cases", index)
            text = " ".join(when.split()) if isinstance(when, str) else None
            if text is None or node.get("type") == "parallel":
                continue
            if text == "false" or (text in said and node.get("type") == "branch"):
                message = Phrase(
                    "the case {name!r} is never taken: its nodes are never reached", name=case.get("name")
                )
                found.add(
                    "node_never_reached",
                    message,
                    hint="change its `when`, or leave it out",
                    **document.where(at),
                )
            said.setdefault(text, str(case.get("name")))


def approval_people(document: Document, found: Problems) -> None:
    """Words that can name nobody where they stand."""
    placed = list(_placed(document.body.get("nodes"), ("nodes",), ()))
    known = {str(node.get("name")) for _, node, _ in placed}
    for path, node, earlier in placed:
        if node.get("type") not in ("approve", "cc"):
            continue
        words = node.get("who")
        listed = words if isinstance(words, list) else [words]
        told = [_nobody(w, earlier, known) for w in listed]
        if listed and all(told):
            found.add("nobody_decides", told[0] or "", **document.where((*path, "who")))
        elif isinstance(words, list) and not words:
            message = Phrase("{name!r} names nobody", name=node.get("name"))
            found.add("nobody_decides", message, **document.where((*path, "who")))


def _nobody(words: Any, earlier: Sequence[str], known: set[str]) -> Phrase | None:
    """Why one `who` can never mean anybody. A node there is not is told as such."""
    if not isinstance(words, Mapping):
        return None
    named = words.get("approvers_of")
    if isinstance(named, str) and named in known - set(earlier) and len(_said(words)) == 1:
        return Phrase(
            "nobody has decided at {node!r} before this step: it can never have a person",
            node=named,
        )
    if words.get("chosen_by") == "approver" and not earlier:
        return Phrase("no approver stands before this step who could choose: it can never have a person")
    return None


def _said(words: Mapping[str, Any]) -> set[str]:
    return set(words) - {"where", "below", "from"}


def _placed(nodes: Any, path: Path, earlier: tuple[str, ...]) -> Iterator[Placed]:
    for index, node in enumerate(_maps(nodes)):
        here = (*path, index)
        yield here, node, earlier
        inside: list[str] = []
        for number, case in enumerate(_maps(node.get("cases"))):
            for place in _placed(case.get("nodes"), (*here, "cases", number, "nodes"), earlier):
                yield place
                inside += [str(place[1].get("name"))] if place[1].get("type") == "approve" else []
        own = (str(node.get("name")),) if node.get("type") == "approve" else ()
        earlier = (*earlier, *own, *inside)


def _maps(value: Any) -> list[Mapping[str, Any]]:
    return [v for v in value if isinstance(v, Mapping)] if isinstance(value, list) else []
