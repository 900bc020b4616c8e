"""Accounts from the admin area: how somebody signs in, seen to by who manages people; and his groups.

In: posts below `/admin/people/{id}`: `sessions` ends where he is signed in, `renew` asks for a new password at the next sign-in,
`letter` writes him the link to one, `second-factor` turns it off, `groups` says which he is in. Out: 303 to his page. Forbidden over
somebody who may do more than the visitor, and for an account that other workspaces trust as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.access.contain import contains
from patron_engine.errors import Forbidden, NotFound
from patron_engine.problems import Problem
from patron_engine.query.spec import Ask
from patron_engine.record.change import Change
from patron_engine.ways.save import save
from patron_platform.colleagues import Colleague, colleague
from patron_platform.hosts import client
from patron_platform.identity import accounts, factor, letters, sessions, tickets
from patron_platform.identity.audit import Act, note
from patron_platform.members import Member, members_of
from patron_platform.web import csrf, forms_in
from patron_platform.web.admin import Desk, at_desk, desk
from patron_platform.web.admin_people import draw_person
from patron_platform.web.arriving import see_other
from patron_platform.web.forms_in import FormData, Pairs

router = APIRouter(prefix="/w/{workspace}/admin/people/{id:uuid}", include_in_schema=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Whose account it is, with a transaction on the tables of the system."""

    it: Desk
    about: Colleague
    member: Member
    conn: psycopg.Connection[Any]

    def done(self, act: Act) -> None:
        visitor = self.it.visitor
        note(
            self.conn, act, account=self.member.account, about=self.member.email, workspace=visitor.name,
            address=client(visitor.request), detail={"by": visitor.session.email},
        )  # fmt: skip


@contextmanager
def _case(request: Request, workspace: str, id: UUID, form: Pairs, *, his_way: bool) -> Iterator[Case]:
    """`his_way`: it changes how he signs in."""
    with desk(request, workspace) as it:
        visitor = it.visitor
        csrf.check(request, visitor.session.id, forms_in.texts(form))
        about = colleague(it.conn, it.call, str(id))
        if his_way and not contains(it.call.model, visitor.actor, about.actor):
            raise Forbidden(
                "you may not change how somebody signs in who may do more than you",
                hint="an administrator may",
            )
        with visitor.service.databases.system() as conn, conn.transaction():
            member = members_of(conn, visitor.name, [about.id]).get(about.id)
            if member is None:
                raise NotFound("there is no such user", code="user_not_found")
            yield Case(it=it, about=about, member=member, conn=conn)


def _back(request: Request, workspace: str, id: UUID, done: str) -> Response:
    return see_other(f"/w/{workspace}/admin/people/{id}?done={done}")


@router.post("/sessions")
def end_sessions(request: Request, workspace: str, id: UUID, form: FormData) -> Response:
    with _case(request, workspace, id, form, his_way=False) as case:
        keep = case.it.visitor.session.id  # never one's own
        sessions.close_others(case.conn, case.member.account, keep)
        case.done("sessions_ended")
    return _back(request, workspace, id, "sessions")


@router.post("/renew")
def renew(request: Request, workspace: str, id: UUID, form: FormData) -> Response:
    with _case(request, workspace, id, form, his_way=True) as case:
        accounts.demand_new_password(case.conn, case.member.email)
        case.done("password_demanded")
    return _back(request, workspace, id, "renew")


@router.post("/letter")
def letter(request: Request, workspace: str, id: UUID, form: FormData) -> Response:
    """The link goes to him alone: who manages people does not see it."""
    with _case(request, workspace, id, form, his_way=True) as case:
        token = tickets.issue(case.conn, "reset", case.member.account)
        case.done("reset_asked")
        service, language = case.it.visitor.service, case.it.visitor.languages[0]
        email = case.member.email
    if not letters.send_reset(service, email, token, language):
        return _back(request, workspace, id, "no_letter")
    return _back(request, workspace, id, "letter")


@router.post("/second-factor")
def second_factor_off(request: Request, workspace: str, id: UUID, form: FormData) -> Response:
    """For who lost his phone and his recovery codes."""
    with _case(request, workspace, id, form, his_way=True) as case:
        others = case.conn.execute(
            "SELECT count(*) FROM patron.membership WHERE account = %s", (case.member.account,)
        ).fetchone()
        alone = others is None or others[0] <= 1
        if alone:
            factor.turn_off(case.conn, case.member.account)
            sessions.close_others(case.conn, case.member.account)
            case.done("second_factor_off")
    if alone:
        return _back(request, workspace, id, "second_factor")
    said = Problem(
        code="forbidden", message="this account belongs to other workspaces too",
        hint="the operator of the service may: patron user second-factor-off",
    )  # fmt: skip
    with at_desk(case.it.visitor) as it:
        return draw_person(it, case.about.id, [said], 403)


@router.post("/groups")
def groups(request: Request, workspace: str, id: UUID, form: FormData) -> Response:
    """`group` (several): exactly these he is in. Saved with the visitor's own rights."""
    with desk(request, workspace) as it:
        visitor = it.visitor
        csrf.check(request, visitor.session.id, forms_in.texts(form))
        about = colleague(it.conn, it.call, str(id))
        wanted = set(forms_in.several(form, "group"))
        changes = []
        for group, members in _members(it).items():
            if (group in wanted) != (about.id in members):
                now = [*members, about.id] if group in wanted else [m for m in members if m != about.id]
                changes.append(Change(action="update", object="group", id=group, set={"members": now}))
    visitor.workspace.writing(visitor.actor, lambda conn, call: save(conn, call, changes), visitor.cause)
    return _back(request, workspace, id, "saved")


def _members(it: Desk) -> dict[str, list[str]]:
    """Group -> the ids of its members."""
    rows = it.rows(Ask(object="group", fields=("id", "members")))
    return {row["id"]: [m["id"] for m in row.get("members") or ()] for row in rows}
