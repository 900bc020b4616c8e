"""Icons: the pictures that definitions name for options.

In: the model, an object, a field. Out: option -> name of a Lucide icon, as far as the definition names one. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping

from patron_engine.model.model import Model


def option_icons(model: Model, object: str, field: str) -> Mapping[str, str]:
    """The icons of a choice's options."""
    body = model.documents.get(("object", object)) or {}
    for one in body.get("fields") or ():
        if one.get("name") == field:
            return {o["name"]: o["icon"] for o in one.get("options") or () if o.get("icon")}
    return {}
