"""Forms of sharing rules: a rule is made, changed, or taken away.

In: forms of `/admin/sharing/new?object=` and `/admin/sharing/{name}/edit`. Out: documents in the visitor's draft; nothing is in force
before `/admin/changes` has published it. Only who may change definitions gets here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.access.roles import given_of
from patron_engine.errors import NotFound, Refused
from patron_engine.jsonio import dumps
from patron_engine.meta.document import Document
from patron_engine.model.model import Object
from patron_engine.page import rights_form
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem
from patron_engine.query.spec import Ask
from patron_platform.drafting import Drafted, keep, remove
from patron_platform.web import csrf, forms_in
from patron_platform.web.admin import Desk, designing
from patron_platform.web.admin_role_form import condition_problems, labels_of, with_labels
from patron_platform.web.arriving import see_other
from patron_platform.web.forms_in import FormData, Pairs
from patron_platform.web.texts import SPOKEN, texts_in

router = APIRouter(prefix="/w/{workspace}/admin/sharing", include_in_schema=False)
CODED = ("department", "position", "group", "queue")  # objects whose records a rule names by their code
GIVES = ("read", "edit")


@router.get("/new")
def new(request: Request, workspace: str) -> Response:
    """`object` is chosen first: which conditions and fields there are depends on it."""
    with designing(request, workspace) as (it, _):
        object = _object(it, request.query_params.get("object", ""))
        return _draw(it, object, "", {"give": "read"}, own=True)


@router.post("/new")
def make(request: Request, workspace: str, form: FormData) -> Response:
    given = forms_in.texts(form)
    with designing(request, workspace) as (it, drafts):
        csrf.check(request, it.visitor.session.id, given)
        object = _object(it, given.get("object", ""))
        label = next((given[k] for k in (f"label.{n}" for n in ("en", *SPOKEN)) if given.get(k)), "")
        name = rights_form.free_name(label, drafts.names("sharing"), object.name)
        return _save(it, object, name, {"object": object.name}, form, new=True)


@router.get("/{name}/edit")
def edit(request: Request, workspace: str, name: str) -> Response:
    with designing(request, workspace) as (it, drafts):
        body = _rule(drafts, name)
        own = drafts.of_workspace("sharing", name)
        return _draw(it, _object(it, body["object"]), name, body, own=own)


@router.post("/{name}/edit")
def save(request: Request, workspace: str, name: str, form: FormData) -> Response:
    """`label.LANGUAGE`, `where`, `owned_by` and `to` (several words each), `people` (addresses), `give`."""
    with designing(request, workspace) as (it, drafts):
        csrf.check(request, it.visitor.session.id, forms_in.texts(form))
        body = _rule(drafts, name)
        own = drafts.of_workspace("sharing", name)
        return _save(it, _object(it, body["object"]), name, body, form, new=False, own=own)


@router.post("/{name}/remove")
def take_away(request: Request, workspace: str, name: str, form: FormData) -> Response:
    """The workspace's own rule; of a pack's rule what the workspace changed."""
    with designing(request, workspace) as (it, drafts):
        csrf.check(request, it.visitor.session.id, forms_in.texts(form))
        _rule(drafts, name)
        own = drafts.of_workspace("sharing", name)
        gone = ("sharing", name) if own else ("change", f"sharing/{name}")
        remove(it.conn, it.call.schema, it.visitor.author, *gone)
        return see_other(it.visitor.url("admin", "changes"))


def _save(
    it: Desk, object: Object, name: str, before: Mapping[str, Any], form: Pairs, *, new: bool, own: bool = True
) -> Response:  # fmt: skip
    given = forms_in.texts(form)
    made = {**before, "give": given.get("give") if given.get("give") in GIVES else "read"}
    for key in ("owned_by", "to"):
        typed = [w.strip() for w in given.get(f"{key}.people", "").replace(";", ",").split(",")]
        words = [*forms_in.several(form, key), *(f"user:{w}" for w in typed if w)]
        made[key] = [*rights_form.people_of(words), *rights_form.odd_people(before.get(key) or ())]
    made["where"] = given.get("where", "").strip()
    problems: list[Problem] = []
    try:
        made["label"] = with_labels(before.get("label"), given)
    except Refused as refused:
        problems += refused.problems
    if made["where"]:
        problems += condition_problems(it, object, made["where"], "where")
    if not made["to"]:
        problems.append(Problem(code="required", message="a sharing rule names whom it is for", path="to"))
    if problems:
        return _draw(it, object, "" if new else name, made, own=own, problems=problems)
    made = {k: v for k, v in made.items() if v not in ("", [])}
    document = Document(
        kind="sharing", name=name, body={**made, "kind": "sharing", "name": name}, layer="workspace"
    )
    keep(it.conn, it.call.schema, it.visitor.author, document)
    return see_other(it.visitor.url("admin", "changes"))


def _draw(
    it: Desk, object: Object, name: str, body: Mapping[str, Any], *, own: bool, problems: Sequence[Problem] = ()
) -> Response:  # fmt: skip
    t, say = texts_in(it.visitor.languages[0]), it.visitor.reader(it.call).say
    title = say(body.get("label"), name) if name else t("rights.new_rule")
    chosen = {key: rights_form.people_words(body.get(key) or ()) for key in ("to", "owned_by")}
    return it.draw(
        "admin_rule_edit.html", "sharing", title=title, name=name, body=body, object=object, own=own, problems=problems,
        labels=labels_of(body), spoken_in=SPOKEN, gives=GIVES, choices=_choices(it, object, [*chosen["to"], *chosen["owned_by"]]),
        chosen=chosen, typed={k: ", ".join(w.removeprefix("user:") for w in ws if w.startswith("user:")) for k, ws in chosen.items()},
        odd={k: [dumps(who).decode() for who in rights_form.odd_people(body.get(k) or ())] for k in ("to", "owned_by")},
        status=422 if problems else 200,
    )  # fmt: skip


def _choices(it: Desk, object: Object, chosen: Sequence[str]) -> list[tuple[str, list[tuple[str, str]]]]:
    """Kind of people -> (word, what it is called). What is chosen stays on offer, whatever it is."""
    t, reader = texts_in(it.visitor.languages[0]), it.visitor.reader(it.call)
    made: dict[str, list[tuple[str, str]]] = {
        "role": [(f"role:{n}", reader.say(r.label, n)) for n, r in given_of(it.call.model).roles.items()]
    }
    for kind in CODED:
        known = it.call.model.objects.get(kind)
        if known is None or "code" not in known.fields:
            continue
        fields = tuple(dict.fromkeys(("id", "code", known.title)))
        rows = it.rows(Ask(object=kind, fields=fields, where="code != None", sort=(known.title,)))
        for row in rows:
            code, title = str(row["code"]), str(row[known.title])
            made.setdefault(kind, []).append((f"{kind}:{code}", title))
            if kind == "department":
                made[kind].append((f"department+:{code}", title + t("admin.and_below")))
                made.setdefault("department_head", []).append((f"department_head:{code}", title))
    people = [f for f in object.fields.values() if f.type in ("user", "department") and not f.hidden]
    made["field"] = [(f"field:{f.name}", reader.say(f.label, f.name)) for f in people]
    known_words = {word for options in made.values() for word, _ in options}
    for word in chosen:
        kind, _, code = word.partition(":")
        if word not in known_words and kind != "user":
            made.setdefault(kind.removesuffix(rights_form.BELOW), []).append((word, code))
    return [(kind, options) for kind, options in made.items() if options]


def _rule(drafts: Drafted, name: str) -> Mapping[str, Any]:
    body = drafts.body("sharing", name)
    if body is None:
        raise NotFound(Phrase("there is no sharing rule {name!r}", name=name[:60]))
    return body


def _object(it: Desk, name: str) -> Object:
    found = it.call.model.objects.get(name)
    if found is None:
        raise NotFound("there is nothing at this address")
    return found
