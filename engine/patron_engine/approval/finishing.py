"""Finishing: an approval that ends the whole at once, where the step allows it. Pure.

In: a program, an instance, the task of whoever ends it, facts. Out: the instance at its end and effects, as a `Going`. Nobody is asked
any more; copies are sent and steps are done as on the way, so what is to happen once it is approved does.
"""

from __future__ import annotations

from collections.abc import Sequence

from patron_engine.approval.going import Going
from patron_engine.approval.program import Program
from patron_engine.approval.value import UNDECIDED, Facts, Instance, Left, Log, Place, Task


def finish_early(
    program: Program, instance: Instance, task: Task, by: str | None, comment: str | None, facts: Facts, files: Sequence[str] = ()
) -> Going:  # fmt: skip
    going = Going(program, instance, facts)
    going.change(task, state="approved", decided_at=facts.now, decided_by=by, comment=comment)
    going.add(
        Log(
            kind="finished", by=by, behalf=task.behalf, node=task.node, task=task.id, comment=comment,
            detail={"files": list(files)} if files else {},
        ),
        Left(node=task.node, result="approved"),
    )  # fmt: skip
    going.cancel((t for t in going.instance.tasks if t.state in UNDECIDED), "decided_by_other", by)
    for node in program.by_name.values():
        place = going.instance.places.get(node.name)
        if node.type != "approve" or (place is not None and place.state != "open"):
            continue
        state, outcome = ("done", "approved") if node.name == task.node else ("skipped", None)
        round = place.round if place is not None else instance.round
        going.place(node.name, Place(state=state, round=round, at=facts.now, outcome=outcome))
    return going.run()
