"""Stage moves: whether a path lets a record go from one stage to another. Pure.

In: the body of a stage path, two stages, who moves. Out: yes or no. What the stages ask for besides: record/stages.
"""

from __future__ import annotations

from typing import Any

from patron_engine.access.pick import Body
from patron_engine.actor import Actor


def opens(body: Body, before: Any, now: Any, actor: Actor) -> bool:
    """Whether a path lets a record go from one stage to another. What is none of its stages is not its business."""
    stages = {stage["name"]: stage for stage in body["stages"]}
    stage, target = stages.get(before), stages.get(now)
    if stage is None:
        return True
    if stage.get("moves") is not None:
        return now in stage["moves"]
    moves = body.get("moves") or {}
    if stage.get("end"):
        reopen = moves.get("reopen", False)
        return actor.administrator or (
            reopen if isinstance(reopen, bool) else bool(actor.roles & set(reopen))
        )
    if target is None:
        return True
    here, there = list(stages).index(before), list(stages).index(now)
    if there < here:
        return bool(moves.get("back", True))
    return bool(target.get("end")) or there == here + 1 or bool(moves.get("skip", True))


def converts(body: Body, stage: Any) -> bool:
    """Whether only a conversion brings a record to this stage."""
    return any(one["name"] == stage and one.get("by") == "conversion" for one in body["stages"])
