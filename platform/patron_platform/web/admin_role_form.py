"""Role forms: a role is made, copied, called otherwise, given rights object by object and field by field, or taken away.

In: forms of `/admin/roles/new`, `/admin/roles/{name}/edit` and, below it, of one object. Out: documents in the visitor's draft;
nothing is in force before `/admin/changes` has published it. Only who may change definitions gets here.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.access.grants import UNNAMED
from patron_engine.errors import NotFound, Refused
from patron_engine.meta.document import Document
from patron_engine.model.model import Object
from patron_engine.page import rights_form
from patron_engine.page.matrix import ACTIONS
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem
from patron_engine.query.spec import Ask
from patron_engine.ways.read import read
from patron_platform.drafting import Drafted, keep, remove
from patron_platform.web import csrf, forms_in
from patron_platform.web.admin import Desk, designing
from patron_platform.web.admin_roles import scope_word
from patron_platform.web.arriving import see_other
from patron_platform.web.forms_in import FormData
from patron_platform.web.texts import SPOKEN, texts_in

router = APIRouter(prefix="/w/{workspace}/admin/roles", include_in_schema=False)
KINDS = ("internal", "portal", "service")
BESIDE = ("manage_users", "design", "unmask", "import_history", "revoke_approval")
EVERY = "*"


@router.get("/new")
def new(request: Request, workspace: str) -> Response:
    with designing(request, workspace) as (it, drafts):
        return _new(it, drafts, {"like": request.query_params.get("like", "")})


def _new(it: Desk, drafts: Drafted, typed: Mapping[str, str], problem: str = "") -> Response:
    say = it.visitor.reader(it.call).say
    roles = {n: say((drafts.body("role", n) or {}).get("label"), n) for n in drafts.names("role")}
    t = texts_in(it.visitor.languages[0])
    return it.draw(
        "admin_role_new.html", "roles", title=t("rights.new_role"), roles=roles, typed=typed, kinds=KINDS, problem=problem,
        status=422 if problem else 200,
    )  # fmt: skip


@router.post("/new")
def make(request: Request, workspace: str, form: FormData) -> Response:
    """`label`, `like` a role whose rights it begins with, `for_users`."""
    given = forms_in.texts(form)
    with designing(request, workspace) as (it, drafts):
        csrf.check(request, it.visitor.session.id, given)
        label = given.get("label", "").strip()
        if not label:
            return _new(it, drafts, given, texts_in(it.visitor.languages[0])("rights.label_missing"))
        like = given.get("like", "")
        body = dict(_role(drafts, like)) if like else {"for_users": given.get("for_users") or KINDS[0]}
        name = rights_form.free_name(label, drafts.names("role"), "role")
        for key in ("was", "needs", "description"):
            body.pop(key, None)
        _keep(it, name, {**body, "label": {it.visitor.languages[0]: label}})
        return see_other(it.visitor.url("admin", "roles", name, "edit"))


@router.get("/{name}/edit")
def edit(request: Request, workspace: str, name: str) -> Response:
    with designing(request, workspace) as (it, drafts):
        chosen = request.query_params.get("object", "")
        if chosen:
            return see_other(it.visitor.url("admin", "roles", name, "edit", chosen))
        return _draw(it, drafts, name, _role(drafts, name))


def _draw(it: Desk, drafts: Drafted, name: str, body: Mapping[str, Any]) -> Response:
    objects = it.call.model.objects
    entries = body.get("objects") or {}
    rows = [
        (key, objects.get(key), rights_form.words_of(entry), bool(entry.get("where")))
        for key, entry in entries.items() if key in objects or key == EVERY
    ]  # fmt: skip
    rest = {n: o for n, o in objects.items() if n not in entries}
    say = it.visitor.reader(it.call).say
    return it.draw(
        "admin_role_edit.html", "roles", title=say(body.get("label"), name), name=name, body=body, rows=rows, actions=ACTIONS,
        rest=sorted(rest.values(), key=lambda o: say(o.plural, o.name)), every=EVERY not in entries, kinds=KINDS, beside=BESIDE,
        labels=labels_of(body), spoken_in=SPOKEN, own=drafts.of_workspace("role", name),
        changed=drafts.draft is not None and bool({("role", name), ("change", f"role/{name}")} & drafts.draft.documents.keys()),
        scope_word=partial(scope_word, it), done=it.visitor.request.query_params.get("done") == "kept",
        word_of=lambda word: word.replace("through:", "through ").replace(",", ", "),
    )  # fmt: skip


@router.post("/{name}/edit")
def save(request: Request, workspace: str, name: str, form: FormData) -> Response:
    """`label.LANGUAGE`, `for_users`, `beside` (several)."""
    given = forms_in.texts(form)
    with designing(request, workspace) as (it, drafts):
        csrf.check(request, it.visitor.session.id, given)
        body = dict(_role(drafts, name))
        body["label"] = with_labels(body.get("label"), given)
        body["for_users"] = given.get("for_users") or body.get("for_users", KINDS[0])
        named = [a for a in body.get("actions") or () if not isinstance(a, str)]
        actions = [*(a for a in BESIDE if a in forms_in.several(form, "beside")), *named]
        body = {k: v for k, v in {**body, "actions": actions}.items() if k != "actions" or v}
        _keep(it, name, body)
        return see_other(it.visitor.url("admin", "roles", name, "edit") + "?done=kept")


@router.post("/{name}/remove")
def take_away(request: Request, workspace: str, name: str, form: FormData) -> Response:
    """The workspace's own role; of a pack's role what the workspace changed."""
    with designing(request, workspace) as (it, drafts):
        csrf.check(request, it.visitor.session.id, forms_in.texts(form))
        _role(drafts, name)
        own = drafts.of_workspace("role", name)
        gone = ("role", name) if own else ("change", f"role/{name}")
        remove(it.conn, it.call.schema, it.visitor.author, *gone)
        return see_other(it.visitor.url("admin", "changes"))


@router.get("/{name}/edit/{object}")
def of_object(request: Request, workspace: str, name: str, object: str) -> Response:
    with designing(request, workspace) as (it, drafts):
        body = _role(drafts, name)
        found = _object(it, object)
        entry = (body.get("objects") or {}).get(object) or {}
        fields = (body.get("fields") or {}).get(object) or {}
        wished = dict(request.query_params)  # an explanation says what would let somebody
        words = {**rights_form.words_of(entry), **_under(wished, "scope.")}
        return _form(
            it, name, body, found, words, entry.get("where") or {}, {**fields, **_under(wished, "field.")}
        )


@router.post("/{name}/edit/{object}")
def save_object(request: Request, workspace: str, name: str, object: str, form: FormData) -> Response:
    """`scope.ACTION`, `where.ACTION`, `field.FIELD`; or `drop`: no word about this object any more."""
    given = forms_in.texts(form)
    with designing(request, workspace) as (it, drafts):
        csrf.check(request, it.visitor.session.id, given)
        body, found = _role(drafts, name), _object(it, object)
        before = (body.get("objects") or {}).get(object) or {}
        if "drop" in given:
            made = rights_form.with_entry(body, object, None, {})
        else:
            words, where, fields = (_under(given, part) for part in ("scope.", "where.", "field."))
            try:
                _check(it, found, where)
            except Refused as refused:
                return _form(it, name, body, found, words, where, fields, refused.problems)
            made = rights_form.with_entry(
                body, object, rights_form.entry_of(words, where, before, found), fields
            )
        _keep(it, name, made)
        return see_other(it.visitor.url("admin", "roles", name, "edit") + "?done=kept")


def _form(
    it: Desk, name: str, body: Mapping[str, Any], object: Object | None, words: Mapping[str, str],
    where: Mapping[str, str], fields: Mapping[str, str], problems: Any = (),
) -> Response:  # fmt: skip
    say = it.visitor.reader(it.call).say
    t = texts_in(it.visitor.languages[0])
    shown = (
        []
        if object is None
        else [f for f in object.fields.values() if not f.hidden and f.name not in UNNAMED]
    )
    named = sorted(((f.name, say(f.label, f.name), f.sensitive) for f in shown), key=lambda f: f[1])
    if object is not None:
        named.insert(0, (EVERY, t("rights.every_field"), False))
    named += [(n, n, False) for n in fields if n not in {f[0] for f in named}]
    label = t("admin.every_other") if object is None else say(object.plural or object.label, object.name)
    return it.draw(
        "admin_role_object.html", "roles", title=f"{say(body.get('label'), name)} · {label}", name=name, label=label,
        role=say(body.get("label"), name), object=object, actions=ACTIONS, words=words, where=where, fields=named, rights=fields,
        offered=lambda action: rights_form.offered(action, object, words.get(action, "")), narrowed=rights_form.NARROWED,
        field_rights=rights_form.FIELD_RIGHTS, problems=problems, scope_word=partial(scope_word, it, object),
        word_of=lambda word: word.replace("through:", "through ").replace(",", ", "), status=422 if problems else 200,
        there=(EVERY if object is None else object.name) in (body.get("objects") or {}),
    )  # fmt: skip


def _role(drafts: Drafted, name: str) -> Mapping[str, Any]:
    body = drafts.body("role", name)
    if body is None:
        raise NotFound(Phrase("there is no role {name!r}", name=name[:60]))
    return body


def _object(it: Desk, name: str) -> Object | None:
    """None is every object without an entry of its own."""
    found = it.call.model.objects.get(name)
    if found is None and name != EVERY:
        raise NotFound("there is nothing at this address")
    return found


def _under(given: Mapping[str, str], part: str) -> dict[str, str]:
    return {k.removeprefix(part): v for k, v in given.items() if k.startswith(part)}


def _check(it: Desk, object: Object | None, where: Mapping[str, str]) -> None:
    """Conditions are asked once, so that a wrong word is told where it was typed."""
    problems: list[Problem] = []
    for action, text in where.items():
        if object is not None and text.strip():
            problems += condition_problems(it, object, text, action)
    if problems:
        raise Refused(problems)


def condition_problems(it: Desk, object: Object, text: str, path: str) -> list[Problem]:
    try:
        read(it.conn, it.everybody, Ask(object=object.name, fields=("id",), where=text, limit=1), secret=b"")
    except Refused as refused:
        return [Problem(code=p.code, message=p.message, hint=p.hint, path=path) for p in refused.problems]
    return []


def labels_of(body: Mapping[str, Any]) -> dict[str, str]:
    """What it is called in each language."""
    label = body.get("label") or {}
    return {"en": label} if isinstance(label, str) else dict(label)


def with_labels(label: Any, given: Mapping[str, str]) -> dict[str, str]:
    """The name in each language as it was typed; other languages stay."""
    made = {
        **labels_of({"label": label}),
        **{n: given[f"label.{n}"].strip() for n in SPOKEN if f"label.{n}" in given},
    }
    kept = {n: text for n, text in made.items() if text}
    if not kept:
        raise Refused(
            [Problem(code="required", message="a name is needed in one language at least", path="label")]
        )
    return kept


def _keep(it: Desk, name: str, body: Mapping[str, Any]) -> None:
    made = {**body, "kind": "role", "name": name}
    document = Document(kind="role", name=name, body=made, layer="workspace")
    keep(it.conn, it.call.schema, it.visitor.author, document)
