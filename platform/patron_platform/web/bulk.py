"""Bulk: something is done with the chosen records of a list: changed, given to somebody, deleted, restored, exported.

In: `POST …/bulk` with ids, or `every` for all that fit (at most 1,000), and `act`; then, from the page that asks how, `sure`. Out: that
page; after the act 303 to the list, where it may be taken back, or a page with what was refused and why. Each record by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.access.decide import writable
from patron_engine.actor import Cause
from patron_engine.errors import LimitExceeded, Refused, WrongUse
from patron_engine.fields.base import TextFormats, ValueFault
from patron_engine.fields.field import Field, TextSpec
from patron_engine.fields.numerals import EXACT, plain_number
from patron_engine.jsonio import decimal_text
from patron_engine.page.listing import editable
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem
from patron_engine.query.call import Call
from patron_engine.query.names import permitted_object
from patron_engine.query.spec import MAX_IDS
from patron_engine.record.change import Action, Change, Outcome
from patron_engine.record.undo import Done, Kept, remember
from patron_engine.ways.read import read
from patron_engine.ways.save import save
from patron_platform.web import csrf, forms_in, undo
from patron_platform.web.arriving import see_other
from patron_platform.web.forms_in import FormData, Pairs
from patron_platform.web.list_cells import Editor, editor, read_text
from patron_platform.web.list_export import file_of
from patron_platform.web.lists import Asked, Connection, asked, here
from patron_platform.web.lists import title_of as page_title
from patron_platform.web.render import page
from patron_platform.web.texts import texts_in
from patron_platform.web.undone import told_of

router = APIRouter(prefix="/w/{workspace}/list/{object}", include_in_schema=False)

MAX_CHOSEN = MAX_IDS  # bulk_chosen
HOWS = ("set", "empty", "prepend", "append", "replace", "plus", "minus", "times")
TEXTS = frozenset({"text", "long_text", "email", "url", "phone"})
NUMBERS = frozenset({"integer", "decimal", "percent", "money"})
ACTIONS: Mapping[str, Action] = {
    "delete": "delete",
    "restore": "restore",
    "edit": "update",
    "assign": "update",
}
DONE: Mapping[str, str] = {"updated": "updated", "deleted": "deleted"}  # what an undo can take back


@router.post("/bulk")
def bulk(request: Request, workspace: str, object: str, form: FormData) -> Response:
    given = forms_in.texts(form)
    parameters = {k: v for k, v in request.query_params.items() if k not in ("after", "band")}
    with asked(request, workspace, object, parameters) as it:
        csrf.check(request, it.visitor.session.id, given)
        act = given.get("act", "")
        if act not in (*ACTIONS, "export"):
            raise WrongUse("there is no such act", code="unknown_act")
        permitted_object(it.call, it.object.name, "export" if act == "export" else "bulk")
        ids = chosen(it, form)
        if act == "export":
            return file_of(it, "xlsx" if given.get("form") == "xlsx" else "csv", ids)
        if act != "restore" and "sure" not in given:
            return _page(it, act, ids, given)
        try:
            make = _making(it, act, given)
        except (ValueFault, Refused) as error:
            said = (
                getattr(error, "message", None)
                or getattr(error, "detail", None)
                or texts_in(it.visitor.languages[0])("lists.wrong_value")
            )
            return _page(it, act, ids, given, problem=it.visitor.words(said), status=422)
        back = here(it)
    return _done(it, act, ids, make, back)


def chosen(it: Asked, form: Pairs) -> tuple[str, ...]:
    """The ids that were chosen; with `every` those of all records that fit."""
    if "every" not in forms_in.texts(form):
        ids = tuple(dict.fromkeys(forms_in.several(form, "id")))
        if not ids:
            raise Refused(
                [
                    Problem(
                        code="nothing_chosen",
                        message=texts_in(it.visitor.languages[0])("lists.nothing_chosen"),
                    )
                ]
            )
    else:
        ids = tuple(_every(it))
    if len(ids) > MAX_CHOSEN:
        raise LimitExceeded(
            Phrase("at most {most} records are changed at once", most=MAX_CHOSEN), code="bulk_chosen"
        )
    return ids


def _every(it: Asked) -> Iterator[str]:
    secret = it.visitor.service.runtime.secret
    ask = replace(it.question, after=None).ask(deleted=it.deleted, limit=200)
    ask, left = replace(ask, fields=("id",)), MAX_CHOSEN
    while left > 0:
        found = read(it.conn, it.call, ask, secret=secret)
        rows = found.rows()[:left]
        yield from (str(r["id"]) for r in rows)
        left -= len(rows)
        if found.next is None:
            return
        ask = replace(ask, after=found.next)


Making = Callable[[Connection, Call, Sequence[str]], list[Change]]


def _making(it: Asked, act: str, given: Mapping[str, str]) -> Making:
    """How the changes of the act are made of ids, inside the transaction that saves them."""
    object, action = it.object.name, ACTIONS[act]
    if action != "update":
        return lambda _, __, ids: [Change(action=action, object=object, id=i) for i in ids]
    name = "owner" if act == "assign" else given.get("field", "")
    field = fields_of(it).get(name)
    if field is None:
        raise Refused(
            [
                Problem(
                    code="unknown_field",
                    message=texts_in(it.visitor.languages[0])("lists.wrong_value"),
                    path="field",
                )
            ]
        )
    how = "set" if act == "assign" else given.get("how", "set")
    if how not in hows_of(field):
        raise WrongUse("this cannot be done with such a field", code="unknown_act")
    reader = it.visitor.reader(it.call)
    value, other = given.get("value", ""), given.get("with", "")
    constant = None if how == "empty" else read_text(field, value, reader) if how == "set" else value
    if how in ("plus", "minus", "times"):
        constant = plain_number(value, TextFormats(zone=reader.zone, languages=reader.languages))
    if isinstance(field.spec, TextSpec) and max(len(value), len(other)) > field.spec.max_length:
        raise ValueFault("too_long", texts_in(it.visitor.languages[0])("lists.wrong_value"), None)
    if constant in (None, "") and how != "empty":
        raise Refused(
            [
                Problem(
                    code="required",
                    message=texts_in(it.visitor.languages[0])("lists.wrong_value"),
                    path="value",
                )
            ]
        )

    longest = field.spec.max_length if isinstance(field.spec, TextSpec) else 0

    def make(conn: Connection, call: Call, ids: Sequence[str]) -> list[Change]:
        old = undo.before(conn, call, object, ids, (name,)) if how not in ("set", "empty") else {}
        return [
            Change(action="update", object=object, id=i,
                   set={name: worked(how, old.get(i, {}).get(name), constant, other, longest)})
            for i in ids
        ]  # fmt: skip

    return make


def worked(how: str, old: Any, value: Any, other: str, longest: int) -> Any:
    """The new value of one record. A text is not made much longer than the `longest` its field takes, which refuses it then."""
    if how in ("set", "empty"):
        return value
    if how in ("plus", "minus", "times"):
        if old is None:
            return None
        now = Decimal(str(old))
        done = {"plus": EXACT.add, "minus": EXACT.subtract, "times": EXACT.multiply}[how]
        return decimal_text(done(now, value))
    text = "" if old is None else str(old)
    return {
        "prepend": f"{value}{text}",
        "append": f"{text}{value}",
        "replace": text.replace(str(value), other, longest // max(len(other), 1) + 1 if other else -1),
    }[how]


def fields_of(it: Asked) -> dict[str, Field]:
    """What may be changed of many records at once."""
    may = writable(it.call.model, it.call.actor, it.object.name)
    return {
        n: f for n, f in may.items() if editable(f) and not f.unique and n not in ("record_type", "currency")
    }


def hows_of(field: Field) -> tuple[str, ...]:
    """What may be done with the values of a field."""
    empty = () if field.required is True else ("empty",)
    if field.type in TEXTS:
        return ("set", *empty, "prepend", "append", "replace")
    return ("set", *empty, "plus", "minus", "times") if field.type in NUMBERS else ("set", *empty)


def _done(it: Asked, act: str, ids: Sequence[str], make: Making, back: str) -> Response:
    """Does it, each record by itself, notes it for the undo, and says what became of it."""
    cause = Cause(kind=it.visitor.cause.kind, detail={**it.visitor.cause.detail, "bulk": True})
    object = it.object.name

    def write(conn: Connection, call: Call) -> tuple[list[Outcome], str | None]:
        changes = make(conn, call, ids)
        names = sorted({n for c in changes for n in c.set})
        old = undo.before(conn, call, object, ids, names) if names else {}
        outcomes = save(conn, call, changes, mode="each")
        done = [
            Done(
                object=object,
                id=str(o.id),
                action=DONE[o.action],
                version=o.version or 0,
                old=old.get(str(o.id), {}),
            )
            for o in outcomes
            if o.action in DONE
        ]
        return outcomes, remember(conn, call, done) if done else None

    outcomes, act_id = it.visitor.workspace.writing(it.visitor.actor, write, cause)
    refused = [(i, o) for i, o in zip(ids, outcomes, strict=True) if o.action in ("refused", "submitted")]
    waits = sum(o.action == "submitted" for _, o in refused)
    address = undo.told(back, act_id) if act_id else back
    if not refused:
        return see_other(address)
    t = texts_in(it.visitor.languages[0])
    with it.visitor.workspace.connection("read") as conn:
        call = it.visitor.workspace.call(conn, it.visitor.actor)
        whose = [
            Kept(
                object=object,
                id=i,
                why=t("approvals.waits")
                if o.action == "submitted"
                else " ".join(it.visitor.words(p.message) for p in o.problems),
            )
            for i, o in refused
        ]
        told = told_of(conn, call, whose)
        said = t("lists.result", done=len(ids) - len(told), refused=len(told) - waits)
        said += t("approvals.comma") + t("approvals.n_wait", n=waits) if waits else ""
        return page(it.visitor, call, "list_result.html", title=page_title(it), here=object, told=told, said=said,
                    head=t("lists.refused") if waits < len(told) else t("approvals.waits_head"), back=address)  # fmt: skip


def _page(
    it: Asked, act: str, ids: Sequence[str], given: Mapping[str, str], *, problem: str = "", status: int = 200
) -> Response:
    """The page that asks how."""
    reader = it.visitor.reader(it.call)
    fields = fields_of(it)
    name = "owner" if act == "assign" else given.get("field", "")
    field = fields.get(name)
    form: Editor | None = editor(it, field, given.get("value", "")) if field is not None else None
    return page(
        it.visitor, it.call, "list_bulk.html", title=page_title(it), here=it.object.name, status=status, act=act, ids=ids,
        object=it.object, fields=[(n, reader.say(f.label, n)) for n, f in fields.items()], field=field, form=form,
        hows=hows_of(field) if field is not None else (), how=given.get("how", "set"), other=given.get("with", ""),
        problem=problem, back=here(it),
        action=f"{it.visitor.url('list', it.object.name, 'bulk')}?{urlencode({**it.question.parts(), **{n: it.given[n] for n in ('deleted', 'mode') if it.given.get(n)}})}",
    )  # fmt: skip
