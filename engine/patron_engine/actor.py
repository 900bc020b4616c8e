"""Actor: who asks. A value that travels with every call; the system is an explicit actor, never a flag.

In: made by the platform from a key or session, or by the engine for packs and jobs. Out: read by access alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["internal", "portal", "service"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AtStep:
    """A record that was given to him with an approval, as he looks at it there: `rights` of the step by field, or SET.COLUMN of
    details: read, edit, required, hidden."""

    object: str
    rights: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """`user` is the id of the user record in this workspace, or None for the system.

    `administrator` holds every right of the workspace; without it a user has what his roles and what was given to him
    say. `kind` is what the user record says: people of the workspace, of an account (portal), or a program. `step`: what he
    looks at is the page of an approval.
    """

    user: str | None
    name: str = ""
    administrator: bool = False
    system: bool = False
    languages: tuple[str, ...] = ("en",)
    roles: frozenset[str] = frozenset()
    kind: Kind = "internal"
    step: AtStep | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Why a change happened; the history shows it.

    kind    user | key | import | automation | approval | pack | system | rollback | handover | letters_stopped | letter_bounced
    detail  what belongs to the kind, e.g. {"key": "…"}, {"import": "…", "row": 7}
    chosen  step -> people whom he names for the approvals that it begins; not kept in the history
    """

    kind: str = "user"
    detail: Mapping[str, Any] = field(default_factory=dict)
    chosen: Mapping[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        return {"kind": self.kind, **self.detail}

    @property
    def by_definition(self) -> bool:
        """What is saved, or who may save it, is said by a definition: a rule's step, or the open fields of an approval's."""
        return self.kind == "automation" or (
            self.kind == "approval" and not {"rule", "node"}.isdisjoint(self.detail)
        )


SYSTEM = Actor(user=None, name="system", system=True, administrator=True)
