"""Admin places: the administration's own navigation, in groups, in the place of the apps.

In: a visitor and what he is. Out: groups of `Place`s he may open; the one he is in is lit by the address of the request.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from patron_platform.web.visitor import Visitor


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    text: str  # the name of its text
    icon: str
    address: str
    here: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    text: str
    places: tuple[Place, ...]


# (group, ((text, icon, path, who opens it)…)): "manager" manages people, "administrator" may do everything,
# "approvals" is for administrators where approvals are defined.
PLACES = (
    ("admin.group_people", (
        ("admin.people", "users", ("admin", "people"), "manager"),
        ("admin.departments", "network", ("admin", "departments"), "manager"),
        ("admin.invitations", "user-plus", ("invitations",), "manager"),
        ("admin.handover", "arrow-left-right", ("admin", "handover"), "manager"),
    )),
    ("admin.group_rights", (
        ("admin.roles", "shield", ("admin", "roles"), "manager"),
        ("admin.sharing", "share-2", ("admin", "sharing"), "manager"),
        ("admin.explain", "circle-question-mark", ("admin", "explain"), "manager"),
        ("admin.changes", "git-pull-request-arrow", ("admin", "changes"), "administrator"),
    )),
    ("admin.group_flow", (
        ("automations.title", "workflow", ("automations",), "administrator"),
        ("runs.title", "list-checks", ("runs",), "administrator"),
        ("approvals.admin", "stamp", ("admin", "approvals"), "approvals"),
    )),
    ("admin.group_outward", (
        ("outward.connections", "plug", ("admin", "connections"), "administrator"),
        ("webforms.title", "clipboard-list", ("admin", "forms"), "administrator"),
        ("outward.webhooks", "webhook", ("admin", "webhooks"), "administrator"),
        ("outward.outbox", "send", ("admin", "outbox"), "administrator"),
    )),
    ("admin.group_watch", (
        ("admin.sign_ins", "log-in", ("sign-ins",), "manager"),
        ("imports.all", "upload", ("imports",), "administrator"),
        ("audit.title", "scroll-text", ("audit",), "administrator"),
        ("privacy.title", "shield-user", ("admin", "privacy"), "administrator"),
    )),
)  # fmt: skip


def admin_groups(visitor: Visitor, *, manages: bool, approves: bool) -> tuple[Group, ...]:
    """The groups in which he has a place at all."""
    administrator = visitor.actor.administrator
    opens = {"manager": manages, "administrator": administrator, "approvals": administrator and approves}
    return tuple(Group(text=text, places=found) for text, found in _open(visitor, opens) if found)


def _open(visitor: Visitor, opens: dict[str, bool]) -> Iterator[tuple[str, tuple[Place, ...]]]:
    at = visitor.request.url.path
    for text, places in PLACES:
        found = []
        for name, picture, path, who in places:
            address = visitor.url(*path)
            here = at == address or at.startswith(f"{address}/")
            if opens[who]:
                found.append(Place(text=name, icon=picture, address=address, here=here))
        yield text, tuple(found)
