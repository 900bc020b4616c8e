"""Design: which definitions an actor may change: all, those about some objects, or none.

In: the model, an actor, documents by kind, name and body. Out: a `Reach`, and whether it holds a document. Who may do what is
changed only by who manages people, too: a right to design is no way to more rights. Who designs some objects changes what is of
them alone; what runs by itself there runs with the rights of whoever causes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from patron_engine.access.beside import holds
from patron_engine.access.grants import roles_of
from patron_engine.actor import Actor
from patron_engine.model.model import Model

RIGHTS: Final = frozenset(
    {"role", "sharing", "workspace"}
)  # kinds that say who may do what, and who may sign in how
OF_ONE: Final = frozenset(
    {"layout", "view", "segment", "stage_path", "duplicate_rule", "template", "automation"}
)
# kinds whose documents are about one object, which they name as `object`


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """`everything` but rights; with `rights` those too. Else what is about `objects`."""

    everything: bool = False
    rights: bool = False
    objects: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return self.everything or bool(self.objects)

    def holds(self, kind: str, name: str, body: Mapping[str, Any] | None = None) -> bool:
        """Whether the document is among those. `body` is what it says, now and before; None where it is not known."""
        of, _, changed = name.partition("/") if kind == "change" else (kind, "", name)
        if of in RIGHTS:
            return self.rights
        if self.everything:
            return True
        if of == "object":
            return kind == "change" and changed in self.objects
        if of not in OF_ONE or body is None or body.get("object") not in self.objects:
            return False
        return of != "automation" or body.get("timing") == "before" or body.get("run_as") == "causer"


def reach_of(model: Model, actor: Actor) -> Reach:
    if actor.administrator or actor.system:
        return Reach(everything=True, rights=True)
    everything = holds(model, actor, "design")
    objects: frozenset[str] = frozenset()
    for role in roles_of(model, actor):
        objects |= role.design or frozenset()
    return Reach(
        everything=everything, rights=everything and holds(model, actor, "manage_users"), objects=objects
    )
