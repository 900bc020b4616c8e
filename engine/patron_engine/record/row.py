"""Row: one record on its way through a save. The only mutable value of the way: each stage adds what it found.

In: made by record/plan from a change, or by record/figures from a parent. Never leaves the save.
"""

from __future__ import annotations

from typing import Any

from patron_engine.problems import Problem
from patron_engine.record.change import Change
from patron_engine.record.program import Program


class Row:
    """values   every own field as it will be, by name; stages add the paths expressions read ("account.grade")
    old      the own fields before this save; empty for a new record
    given    names the caller gave a value for
    changed  names whose value differs from `old`, maintained by `put`
    figures  names that roll-ups changed in this save, beside its own changes
    seen     the image the roll-ups above have taken into account; None: not in them at all
    own      True for records the caller saves; False for parents whose figures are brought up to date
    raised   the version rises although no field of its own changed (a detail did)
    hung     files of the record itself before and after, where the change names some
    path     where the caller finds it in his request: "", "[3].", "lines[0]."
    """

    __slots__ = (
        "action", "change", "changed", "children", "figures", "fresh", "given", "hung", "id", "index", "master", "object", "old",
        "own", "path", "problems", "program", "raised", "rejected", "seen", "values", "version", "written",
    )  # fmt: skip

    def __init__(
        self, program: Program, change: Change | None, *, id: str, fresh: bool, path: str = "", index: int = 0
    ) -> None:
        self.program = program
        self.object = program.object.name
        self.change = change
        self.id = id
        self.fresh = fresh
        self.path = path
        self.index = index
        self.action = "create" if fresh else "update"
        self.values: dict[str, Any] = {}
        self.old: dict[str, Any] = {}
        self.given: set[str] = set()
        self.changed: set[str] = set()
        self.figures: set[str] = set()
        self.children: list[Row] = []
        self.master: Row | None = None
        self.problems: list[Problem] = []
        self.rejected = False
        self.own = True
        self.raised = False
        self.hung: tuple[tuple[str, ...], tuple[str, ...]] | None = None
        self.version = 0
        self.seen: dict[str, Any] | None = None
        self.written = False

    def put(self, name: str, value: Any) -> None:
        """Sets an own field and notes whether it differs from before."""
        self.values[name] = value
        if self.fresh:
            if value is not None:
                self.changed.add(name)
            else:
                self.changed.discard(name)
        elif value != self.old.get(name):
            self.changed.add(name)
        else:
            self.changed.discard(name)

    def wrong(self, code: str, message: str, field: str | None = None, **more: Any) -> None:
        """Adds a problem at a field of this record."""
        place = f"{self.path}{field}" if field is not None else (self.path.rstrip(".") or None)
        problem = Problem(code=code, message=message, path=place, **more)
        self.problems.append(problem)
        if problem.level == "error":
            self.rejected = True

    def put_figure(self, name: str, value: Any) -> bool:
        """Sets a roll-up or a formula that follows it, outside the record's own save; True when it differs."""
        if self.values.get(name) == value:
            return False
        self.values[name] = value
        self.figures.add(name)
        return True

    def image(self) -> dict[str, Any]:
        """The own stored fields as they will be, beside what else the values hold by now: a copy costs less than a
        choice."""
        return self.values.copy()
