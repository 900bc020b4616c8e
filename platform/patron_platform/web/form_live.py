"""Form live: what has to be drawn anew in an open form, as JSON.

In: a FormTree as it stands, and the states the browser says it has drawn (`_state.NAME`). Out: {"fields": {name: HTML}, "sections",
"totals", "similar"}: only what differs. The HTML is made by the same macros as the page.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from starlette.responses import Response

from patron_engine.jsonio import dumps
from patron_engine.page.form_tree import FormTree
from patron_engine.page.inputs import Input
from patron_engine.page.typed import Typed
from patron_engine.query.call import Call
from patron_platform.web.form_page import drawing
from patron_platform.web.render import HEADERS, environment, frame
from patron_platform.web.texts import texts_in
from patron_platform.web.visitor import Visitor

LiveParts = Sequence[
    tuple[FormTree, Typed, str]
]  # a form under its names on the page, what was typed, the prefix


def live_answer(visitor: Visitor, call: Call, tree: FormTree, typed: Typed) -> Response:
    """What differs from what the browser shows."""
    return live_parts(visitor, call, [(tree, typed, "")])


def live_parts(visitor: Visitor, call: Call, parts: LiveParts) -> Response:
    """The same for a page with forms of several records."""
    language = visitor.languages[0]
    values: dict[str, Any] = {
        **frame(visitor, call),
        **drawing(),
        "t": texts_in(language),
        "language": language,
    }
    macros = environment().get_template("_form_input.html").make_module(values)
    changed = [
        i
        for tree, typed, prefix in parts
        for i in tree.inputs()
        if _drawn(typed, i, prefix) not in (None, i.attributes["state"])
    ]
    sections = [s for tree, _, _ in parts for s in tree.sections]
    similar = [one for tree, _, _ in parts for one in tree.similar]
    body = {
        "fields": {i.name: str(_macro(macros, i)(i)) for i in changed},
        "sections": {s.name: s.visible for s in sections},
        "totals": {
            f"{s.table.set}.{name}": total.text
            for s in sections
            if s.table is not None
            for name, total in s.table.totals.items()
        },
        "problems": [problem for tree, _, _ in parts for problem in tree.problems],
        "similar": environment().get_template("_form_similar.html").render(**values, similar=similar),
    }
    headers = {k: v for k, v in HEADERS.items() if k != "Content-Security-Policy"}
    return Response(dumps(body), 200, headers, "application/json")


def _drawn(typed: Typed, at: Input, prefix: str) -> str | None:
    """The state the browser says an input is drawn in; None of one that it has not sent: a row of a long table nobody touched."""
    return typed.frame.get(f"_state.{at.name.removeprefix(prefix)}")


def _macro(macros: Any, at: Input) -> Any:
    return macros.cell if "." in at.name else macros.field
