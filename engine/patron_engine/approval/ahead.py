"""Ahead: the facts for somebody who only looks: nothing is due, and whom somebody is still to choose is nobody yet."""

from __future__ import annotations

from datetime import datetime

from patron_engine.approval.program import Node
from patron_engine.approval.route import UNKNOWN
from patron_engine.approval.value import Instance
from patron_engine.approval.who import Around, choices


class Ahead(Around):
    """As Around; the core may run on with it as far as it likes."""

    def people(self, instance: Instance, node: Node) -> list[str]:
        if choices(node.body.get("who")) and not instance.chosen.get(node.name):
            return [UNKNOWN]
        return super().people(instance, node)

    def substitute(self, instance: Instance, person: str) -> str | None:
        return None if person == UNKNOWN else super().substitute(instance, person)

    def active(self, person: str) -> bool:
        return person == UNKNOWN or super().active(person)

    def due(self, node: Node, again: bool) -> datetime | None:
        return None
