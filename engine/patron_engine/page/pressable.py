"""Pressable: the buttons that a list offers for the records that are chosen in it. Pure.

In: a call, an object. Out: `Button`s whose questions fit into a small form.
"""

from __future__ import annotations

from patron_engine.flow.buttons import Button, given_to
from patron_engine.model.model import Object
from patron_engine.page.asked import small_widget
from patron_engine.query.call import Call


def pressable(call: Call, object: Object) -> list[Button]:
    """A button that must be told what only a whole form can take is not among them."""
    return [
        b
        for b in given_to(call.model, call.actor, object.name)
        if all(small_widget(a.field) is not None for a in b.ask if a.required is not False)
    ]
