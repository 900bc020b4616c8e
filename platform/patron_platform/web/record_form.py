"""Record form: a form of a record's page as it arrives, and the ways it ends.

In: a post below a record's address. Out: a `Form` whose token was checked; it saves and goes back to the record, or draws the
page again with everything that was typed and why it was refused.

    @router.post("/tags")
    def change_tags(form: Posted) -> Response:
        with form.reading() as (conn, call): …
        return form.save([change], name="tags", done="saved")
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, TypeVar
from uuid import UUID

import psycopg
from fastapi import Depends
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.errors import NeedsConfirmation, Refused
from patron_engine.problems import Problem
from patron_engine.query.call import Call
from patron_engine.record.change import Change
from patron_platform.web import csrf, forms_in
from patron_platform.web.approval_said import asked_for
from patron_platform.web.arriving import see_other
from patron_platform.web.forms_in import FormData, Pairs
from patron_platform.web.record import Sent, draw_record
from patron_platform.web.visitor import Visitor, enter

Connection = psycopg.Connection[Any]
Made = TypeVar("Made")


@dataclass(frozen=True, kw_only=True)
class Form:
    """`object` and `id` are those of the address, `pairs` what was typed."""

    visitor: Visitor
    object: str
    id: str
    pairs: Pairs

    @cached_property
    def typed(self) -> Mapping[str, str]:
        return forms_in.texts(self.pairs)

    @property
    def confirm(self) -> frozenset[str]:
        """The rules whose warnings are accepted."""
        return frozenset(self.several("confirm"))

    def several(self, name: str) -> tuple[str, ...]:
        return forms_in.several(self.pairs, name)

    @contextmanager
    def reading(self) -> Iterator[tuple[Connection, Call]]:
        with self.visitor.workspace.connection("read") as conn:
            yield conn, self.visitor.workspace.call(conn, self.visitor.actor)

    def save(self, changes: Sequence[Change], *, name: str, done: str) -> Response:
        """Saves and goes back to the record, which tells that it is `done`; the page with the form `name` when it is refused."""
        try:
            outcomes = self.visitor.workspace.save(self.visitor.actor, changes, cause=self.visitor.cause)
        except Refused as refused:
            return self.again(name, refused.problems, confirm=confirms(refused))
        return self.back(next((said for o in outcomes if (said := asked_for(o))), done))

    def write(self, act: Callable[[Connection, Call], Made]) -> Made:
        """Runs `act` in a write transaction that says who it was."""
        return self.visitor.workspace.writing(self.visitor.actor, act, self.visitor.cause)

    def back(self, done: str | None = None, id: str | None = None) -> Response:
        """To the page of the record, or of another one of its object."""
        here = self.visitor.url("o", self.object, id or self.id)
        return see_other(f"{here}?done={done}" if done else here)

    def again(
        self,
        name: str,
        problems: Sequence[Problem],
        *,
        confirm: Sequence[str] = (),
        more: Mapping[str, Any] | None = None,
    ) -> Response:
        """422: the page with everything that was typed into the form `name`."""
        sent = Sent(
            form=name, typed=self.typed, problems=tuple(problems), confirm=tuple(confirm), more=more or {}
        )
        return draw_record(self.visitor, self.object, self.id, sent=sent, status=422)


def confirms(refused: Refused) -> tuple[str, ...]:
    """The rules that a form may accept, where only warnings stand in its way."""
    if not isinstance(refused, NeedsConfirmation):
        return ()
    return tuple(sorted({p.rule for p in refused.problems if p.rule}))


def taken(request: Request, workspace: str, object: str, id: UUID, pairs: FormData) -> Form:
    """Forbidden when the form does not come from a page of ours."""
    visitor = enter(request, workspace)
    csrf.check(request, visitor.session.id, forms_in.texts(pairs))
    return Form(visitor=visitor, object=object, id=str(id), pairs=pairs)


Posted = Annotated[Form, Depends(taken)]
