"""Steps: what a step of an approval hides of the record from whoever decides there.

In: the model. Out: for each approval the fields its steps hide, and the condition: he has a task at such a step of the record's
latest approval, and did not submit it himself. Decides nothing: hidden.py joins it with what pools hide.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from patron_engine.access.pools import Hider
from patron_engine.expr.compile import expression_of
from patron_engine.expr.functions import people
from patron_engine.expr.nodes import Call, Expression, Path
from patron_engine.expr.types import BOOLEAN, ExprType
from patron_engine.model.model import Model


def hiders(model: Model) -> Iterator[Hider]:
    """The fields that steps hide, those of the same steps together."""
    for (kind, name), body in model.documents.items():
        if kind != "approval":
            continue
        by_field: dict[str, list[str]] = defaultdict(list)
        for node in _nodes(body.get("nodes") or ()):
            for field, right in (node.get("fields") or {}).items():
                if right == "hidden":
                    by_field[field].append(str(node["name"]))
        for field, nodes in by_field.items():
            yield body["object"], [field], partial(_at, approval=name, nodes=nodes)


def _at(object: str, link: str, approval: str, nodes: Sequence[str]) -> Expression:
    """The record, or the one at the end of its link, is decided by me at one of these steps."""
    path = Path(link, ExprType("link", objects=(object,)))
    source = f"decided at {approval}: {', '.join(nodes)} of {link}"
    return expression_of(
        Call(people.AT_STEP, (path,), BOOLEAN, (approval, tuple(nodes))), source, frozenset({"ME"})
    )


def _nodes(listed: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    for node in listed:
        yield node
        for case in node.get("cases") or ():
            yield from _nodes(case.get("nodes") or ())
