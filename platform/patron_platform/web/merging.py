"""Merging: pages on which duplicates are looked through, several records become one, and come apart again.

In: `GET …/o/{object}/duplicates`; `GET …/o/{object}/merge?id=A&id=B`, where one id asks which others; a post of that form. Out: 303 to the
winner, whose page offers the way back; `POST …/o/{object}/merge/{merge}/undo` takes it, and a page names what stayed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.errors import NeedsConfirmation, NotFound, Refused
from patron_engine.fields.base import ValueFault
from patron_engine.fields.link import read_id
from patron_engine.page.lookup import records_for
from patron_engine.page.merging import MergePage, merge_page, merges_before
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem
from patron_engine.query.call import Call
from patron_engine.query.names import known_object, permitted_object
from patron_engine.query.titles import refs_of, titles_of
from patron_engine.ways.duplicates import LOOKED_THROUGH, duplicates_of, like_this
from patron_engine.ways.merge import MOST, may_merge, merge
from patron_engine.ways.prospects import Hit, hits
from patron_engine.ways.unmerge import MERGE_UNDO_DAYS, Left, unmerge
from patron_platform.api.idempotency import Answer
from patron_platform.web import csrf, forms_in
from patron_platform.web.arriving import see_other
from patron_platform.web.forms_in import FormData
from patron_platform.web.once import gone_on, once, token
from patron_platform.web.problems import words_in
from patron_platform.web.record_form import Connection
from patron_platform.web.render import page
from patron_platform.web.texts import texts_in
from patron_platform.web.visitor import Visitor, enter

router = APIRouter(prefix="/w/{workspace}/o/{object}", include_in_schema=False)
CHOOSE = "choose."


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrong:
    """Why a merge was refused; `confirm` are the rules that may be accepted."""

    problems: Sequence[Problem] = ()
    confirm: str = ""


@router.get("/duplicates")
def look_through(request: Request, workspace: str, object: str) -> Response:
    visitor = enter(request, workspace)
    after = request.query_params.get("after") or None
    with visitor.workspace.connection("read") as conn:
        call = visitor.workspace.call(conn, visitor.actor)
        known = permitted_object(call, object, "merge")
        part = duplicates_of(conn, call, known.name, after=after, secret=visitor.service.runtime.secret)
        here = visitor.url("o", known.name)
        reader = visitor.reader(call)
        groups = [
            {
                "records": g.records, "why": g.why,
                "merge": f"{here}/merge?{urlencode([('id', h.id) for h in g.records[:MOST]])}",
            }
            for g in part.groups
        ]  # fmt: skip
        return page(
            visitor, call, "duplicates.html", here=known.name, object=known, groups=groups, looked=part.looked,
            title=texts_in(visitor.languages[0])("merge.duplicates_of", name=reader.say(known.plural) or reader.say(known.label, known.name)),
            onward=f"{here}/duplicates?{urlencode({'after': part.next})}" if part.next else "", back=here,
            first=after is None, most=LOOKED_THROUGH,
        )  # fmt: skip


@router.get("/merge")
def open_merge(request: Request, workspace: str, object: str) -> Response:
    visitor = enter(request, workspace)
    given = request.query_params
    ids = _ids([i for i in given.getlist("id") if i])
    if len(ids) < 2:
        return _ask_others(visitor, object, ids, (given.get("q") or "").strip())
    return _draw(visitor, object, ids, given.get("winner") or "", {}, token())


@router.post("/merge")
def send_merge(request: Request, workspace: str, object: str, form: FormData) -> Response:
    visitor = enter(request, workspace)
    given = forms_in.texts(form)
    csrf.check(request, visitor.session.id, given)
    ids = _ids(forms_in.several(form, "id"))
    if len(ids) < 2:
        return _ask_others(visitor, object, ids, "")
    winner = given.get("winner", "") if given.get("winner", "") in ids else ids[0]
    choose = {n.removeprefix(CHOOSE): t for n, t in given.items() if n.startswith(CHOOSE)}
    if "_redraw" in given:
        return _draw(visitor, object, ids, winner, choose, given.get("_once") or token())
    confirm = frozenset(r for r in given.get("_confirm", "").split(",") if r)

    def act(conn: Connection, call: Call) -> Answer:
        losers = [i for i in ids if i != winner]
        done = merge(conn, call, object, winner, losers, choose, confirm=confirm)
        return gone_on(f"{visitor.url('o', done.object, winner)}?{urlencode({'merged': done.id})}")

    try:
        return once(visitor, form, act).response()
    except NeedsConfirmation as error:
        rules = ",".join(sorted({p.rule for p in error.problems if p.rule}))
        wrong = Wrong(problems=error.problems, confirm=rules)
    except Refused as error:
        wrong = Wrong(problems=error.problems)
    return _draw(visitor, object, ids, winner, choose, given.get("_once") or token(), wrong)


@router.post("/merge/these")
def merge_these(request: Request, workspace: str, object: str, form: FormData) -> Response:
    """The records that were chosen in a list."""
    visitor = enter(request, workspace)
    csrf.check(request, visitor.session.id, forms_in.texts(form))
    ids = _ids(forms_in.several(form, "id"))
    if not ids or len(ids) > MOST:
        said = Phrase("choose two to {most} records to merge", most=MOST)
        raise Refused([Problem(code="merge_records", message=said)])
    return see_other(f"{visitor.url('o', object, 'merge')}?{urlencode([('id', i) for i in ids])}")


@router.post("/merge/{merge_id}/undo")
def undo_merge(request: Request, workspace: str, object: str, merge_id: str, form: FormData) -> Response:
    visitor = enter(request, workspace)
    csrf.check(request, visitor.session.id, forms_in.texts(form))
    done = visitor.workspace.writing(
        visitor.actor, lambda conn, call: unmerge(conn, call, object, merge_id), visitor.cause
    )
    back = visitor.url("o", done.object, done.winner)
    if not done.left:
        return see_other(f"{back}?done=unmerged")
    with visitor.workspace.connection("read") as conn:
        call = visitor.workspace.call(conn, visitor.actor)
        t = texts_in(visitor.languages[0])
        return page(
            visitor, call, "list_result.html", title=t("merge.undone"), here=object, back=back,
            told=_told(visitor, conn, call, done.left), said=t("merge.undone_some", n=len(done.left)),
            head=t("merge.stayed"),
        )  # fmt: skip


def _told(visitor: Visitor, conn: Connection, call: Call, left: Sequence[Left]) -> list[dict[str, str]]:
    """What stayed as it is; of records that he may not see only that there are some."""
    titles = titles_of(conn, call, refs_of((x.object, x.id) for x in left))
    t, reader = texts_in(visitor.languages[0]), visitor.reader(call)
    told = []
    for x in left:
        of = call.model.objects.get(x.object)
        field = of.field(x.field) if of is not None else None
        name = reader.say(field.label, x.field) if field is not None else ""
        label = reader.say(of.label, x.object) if of is not None else x.object
        title = titles.get((x.object, x.id)) or label
        told.append(
            {"object": x.object, "id": x.id, "title": f"{title}: {name}" if name else title, "why": t(f"merge.why_{x.why}")}
        )  # fmt: skip
    return told


# -- drawing ----------------------------------------------------------------------------------------------------------


def _ids(given: Sequence[str]) -> list[str]:
    try:
        return list(dict.fromkeys(read_id(i) for i in given))
    except ValueFault:
        raise NotFound("there is no such record") from None


def _ask_others(visitor: Visitor, object: str, ids: Sequence[str], words: str) -> Response:
    """Which records are to be merged with this one; and the merges of it that can be taken back."""
    with visitor.workspace.connection("read") as conn:
        call = visitor.workspace.call(conn, visitor.actor)
        known = permitted_object(call, object, "merge")
        mine = hits(conn, call, known.name, ids)
        if not mine:
            raise NotFound("there is no such record")
        reader, secret = visitor.reader(call), visitor.service.runtime.secret
        found = list(like_this(conn, call, known.name, mine[0].id))
        if words:
            there = {mine[0].id, *(h.id for h in found)}
            more = records_for(conn, call, reader, known.name, words, secret)
            found += [Hit(id=c.value, title=c.text) for c in more if c.value not in there]
        before = merges_before(conn, call, mine[0].id)
        names = titles_of(conn, call, refs_of(("user", b.by) for b in before if b.by))
        return page(
            visitor, call, "merge_choose.html", here=known.name, object=known, mine=mine[0], found=found, words=words,
            title=texts_in(visitor.languages[0])("merge.with_what", title=mine[0].title), days=MERGE_UNDO_DAYS,
            before=[
                {"id": b.id, "at": reader.moment(b.at), "by": names.get(("user", b.by or ""), ""), "n": len(b.losers)}
                for b in before
            ],
            address=visitor.url("o", known.name, "merge"), back=visitor.url("o", known.name, mine[0].id),
        )  # fmt: skip


def _draw(
    visitor: Visitor,
    object: str,
    ids: Sequence[str],
    winner: str,
    choose: Mapping[str, str],
    once_token: str,
    wrong: Wrong | None = None,
) -> Response:
    with visitor.workspace.connection("read") as conn:
        call = visitor.workspace.call(conn, visitor.actor)
        known = may_merge(conn, call, known_object(call, object).name, ids)
        winner = winner if winner in ids else min(ids)  # the oldest: ids are in the order records were made
        made: MergePage = merge_page(conn, call, visitor.reader(call), known, ids, winner, choose)
        words = words_in(visitor.languages, call.model)
        values: dict[str, Any] = {
            "made": made,
            "problems": [words(p) for p in wrong.problems] if wrong else [],
            "confirm": wrong.confirm if wrong else "",
            "address": visitor.url("o", known.name, "merge"),
            "back": visitor.url("o", known.name, winner),
            "once": once_token,
        }
        reader = visitor.reader(call)
        title = texts_in(visitor.languages[0])(
            "merge.title", n=len(ids), name=reader.say(known.plural) or reader.say(known.label, known.name)
        )
        return page(
            visitor, call, "merge.html", title=title, here=known.name, status=422 if wrong else 200, **values
        )
