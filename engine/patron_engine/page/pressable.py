"""Pressable: the buttons that a list offers for the records that are chosen in it, and what a button tells of its questions. Pure.

In: a call, an object or a button. Out: `Button`s whose questions fit into a small form; whether an expression reads only what the
caller reads.
"""

from __future__ import annotations

from patron_engine.expr.compile import Expression
from patron_engine.flow.buttons import Button, given_to
from patron_engine.model.model import Object
from patron_engine.page.asked import small_widget
from patron_engine.page.paths import kept_order
from patron_engine.query.call import Call


def pressable(call: Call, object: Object) -> list[Button]:
    """A button that must be told what only a whole form can take is not among them."""
    return [
        b
        for b in given_to(call.model, call.actor, object.name)
        if all(small_widget(a.field) is not None for a in b.ask if a.required is not False)
    ]


def reads_his(call: Call, button: Button, expression: Expression) -> bool:
    """Whether what an expression of a button reads of the record is his to read; one that counts other records is not asked."""
    paths = tuple(expression.paths)
    object = call.model.objects[button.object]
    return not expression.aggregates and len(kept_order(call.model, call.actor, object, paths)) == len(paths)
