"""Rules of the step `mail`: what belongs together in it and no schema says well.

In: a document, the place of a step, the step. Out: Problems added to the collector.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from patron_engine.meta.document import Document, Path
from patron_engine.phrases import Phrase
from patron_engine.problems import Problems


def mailed(document: Document, path: Path, step: Mapping[str, Any], found: Problems) -> None:
    """A letter goes to a field's address, and the record that has it says whether letters are wanted and arrive."""
    to = step.get("to")
    address = to.get("field") if isinstance(to, Mapping) and set(to) == {"field"} else None
    if not isinstance(address, str):
        hint = "write to: {field: email}, or notify for people of the workspace"
        found.add(
            "mail_to", "a letter goes to the address in a field", hint=hint, **document.where((*path, "to"))
        )
        return
    for key in ("opt_out", "bounced"):
        field = step.get(key)
        if isinstance(field, str) and field.rpartition(".")[0] != address.rpartition(".")[0]:
            message = Phrase(
                "{refused} is not of the record that has the address {address}",
                refused=field,
                address=address,
            )
            hint = "both are reached over the same links"
            found.add(f"mail_{key}", message, hint=hint, **document.where((*path, key)))
