"""Webforms: forms for people without a login, `/form/{workspace}/{name}`.

In: what somebody typed, the token of the page, where it says so an answer to a small sum and a word one must know. Out: the form (200,
422 with everything typed and what is wrong), 303 to its thanks once it was taken; 404, 410 (not open) and 429 as a page that says so.
The token is the page's own, signed and good for half a day: what is sent twice with it is taken once.
"""

from __future__ import annotations

import hmac
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any, Final

import psycopg
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.actor import SYSTEM, Actor, Cause
from patron_engine.errors import LimitExceeded, PatronError, Refused
from patron_engine.jsonio import whole
from patron_engine.model.model import say
from patron_engine.page.form_tree import FormTree
from patron_engine.page.reader import Reader
from patron_engine.page.typed import Typed
from patron_engine.page.webform import Webform, begun, tree_of, typed_in, webform_of
from patron_engine.problems import Problem
from patron_engine.query.call import Call
from patron_engine.runtime import Workspace
from patron_engine.ways.intake import FormClosed, ask_open, entered
from patron_platform.hosts import client
from patron_platform.identity import attempts
from patron_platform.phrases import written
from patron_platform.service import Service
from patron_platform.web import csrf, forms_in
from patron_platform.web.arriving import see_other
from patron_platform.web.form_page import drawing
from patron_platform.web.forms_in import FormData, Pairs
from patron_platform.web.problems import words_in
from patron_platform.web.render import answer, draw
from patron_platform.web.texts import texts_in
from patron_platform.web.visitor import languages_for

router = APIRouter(prefix="/form", include_in_schema=False)
Connection = psycopg.Connection[Any]
LASTS: Final = 12 * 3600  # seconds a page may stay open
TOKEN, PROOF, WORD = "_token", "_proof", "_word"
REVEALING: Final = frozenset({"duplicate", "maybe_duplicate"})  # say something of a record that is there


@dataclass(frozen=True, kw_only=True)
class Desk:
    """One form, asked for by one browser."""

    request: Request
    place: Workspace
    name: str
    languages: tuple[str, ...]

    @property
    def service(self) -> Service:
        found: Service = self.request.app.state.service
        return found

    @property
    def actor(self) -> Actor:
        """The system, that speaks his language."""
        return replace(SYSTEM, languages=self.languages)

    @property
    def address(self) -> str:
        return f"/form/{self.place.name}/{self.name}"

    def reader(self, call: Call) -> Reader:
        zone = call.model.workspace
        return Reader(
            languages=self.languages, zone=zone.zone, currency=zone.currency, now=call.now,
            words=lambda text: written(text, self.languages),
        )  # fmt: skip

    # -- the token of a page, and the small sum it asks for -----------------------------------------------------------

    def token(self) -> str:
        salt, until = secrets.token_hex(8), int(time.time()) + LASTS
        return f"{salt}.{until}.{self._made(f'page:{salt}:{until}')}"

    def fresh(self, token: str) -> bool:
        """Whether a page of this form was drawn with it, not long ago."""
        salt, _, rest = token.partition(".")
        until, _, seal = rest.partition(".")
        right = self._made(f"page:{salt}:{until}")
        return token.isascii() and hmac.compare_digest(seal, right) and (whole(until) or 0) > time.time()

    def sum(self, token: str) -> tuple[int, int]:
        digits = self._made(f"sum:{token}")
        return int(digits[:4], 16) % 9 + 1, int(digits[4:8], 16) % 9 + 1

    def from_where(self) -> str:
        return self._made(f"from:{client(self.request)}")

    def _made(self, text: str) -> str:
        secret = self.service.runtime.secret
        return hmac.digest(secret, f"form:{self.place.name}:{self.name}:{text}".encode(), sha256).hex()[:32]


@dataclass(frozen=True, kw_only=True)
class Told:
    """What is wrong besides the fields: texts by the name of the input, "" for the whole."""

    wrong: Mapping[str, str] = field(default_factory=dict)
    status: int = 200
    wait: int = 0


def _desk(request: Request, workspace: str, name: str) -> Desk:
    service: Service = request.app.state.service
    place = service.runtime.workspace(workspace)
    return Desk(request=request, place=place, name=name, languages=languages_for(request, {}))


@router.get("/{workspace}/{name}")
def webform(request: Request, workspace: str, name: str) -> Response:
    desk = _desk(request, workspace, name)
    done = "done" in request.query_params

    def act(conn: Connection, call: Call) -> Response:
        form = webform_of(call, name)
        if done:
            said = say((form.body.get("done") or {}).get("message") or "", desk.languages)
            t = texts_in(desk.languages[0])
            return _plain(desk, form, said or t("webforms.thanks"), 200)
        try:
            ask_open(conn, call, name)
        except FormClosed as closed:
            return _plain(desk, form, _said(desk, closed), 410)
        return _drawn(desk, conn, call, form, begun(conn, call, desk.reader(call), form), Told())

    return desk.place.reading(desk.actor, act)


@router.post("/{workspace}/{name}")
def send(request: Request, workspace: str, name: str, pairs: FormData) -> Response:
    csrf.same_site(request)
    desk = _desk(request, workspace, name)
    given = forms_in.texts(pairs)

    def look(conn: Connection, call: Call) -> tuple[Webform, FormTree]:
        form = webform_of(call, name)
        typed = typed_in(form, pairs)
        words = words_in(desk.languages, call.model)
        return form, tree_of(conn, call, desk.reader(call), form, typed, words=words)

    form, tree = desk.place.reading(desk.actor, look)
    told = _let_in(desk, form, given)
    wrong = list({(p.path, p.code): p for p in tree.wrong if p.level == "error"}.values())
    if told.wrong:
        return _again(desk, pairs, told, wrong)
    if wrong:
        return _again(desk, pairs, Told(status=422), wrong)
    cause = Cause(kind="webform", detail={"form": name})
    try:
        desk.place.writing(
            desk.actor,
            lambda conn, call: entered(
                conn, call, name, tree.change.set, token=given[TOKEN], place=desk.from_where()
            ),
            cause,
        )
    except FormClosed as closed:
        return _plain(desk, form, _said(desk, closed), 410)
    except LimitExceeded as limit:
        return _again(desk, pairs, Told(wrong={"": _said(desk, limit)}, status=429), ())
    except Refused as refused:
        return _again(desk, pairs, Told(status=422), _told(form, desk, refused.problems))
    return see_other((form.body.get("done") or {}).get("url") or f"{desk.address}?done=1")


def _said(desk: Desk, error: PatronError) -> str:
    said = written(error.detail, desk.languages)
    return said[:1].upper() + said[1:]


def _let_in(desk: Desk, form: Webform, given: Mapping[str, str]) -> Told:
    """Whether the page is ours and still good, the sum right, the word known."""
    t = texts_in(desk.languages[0])
    token = given.get(TOKEN, "")
    if not desk.fresh(token):
        return Told(wrong={"": t("webforms.too_old")}, status=422)
    if form.asks_proof and given.get(PROOF, "").strip() != str(sum(desk.sum(token))):
        return Told(wrong={PROOF: t("webforms.wrong_sum")}, status=422)
    if not form.password:
        return Told()
    with desk.service.databases.system() as conn:
        turn = attempts.begin(conn, f"form:{desk.place.name}:{form.name}:{client(desk.request)}", client(desk.request))  # fmt: skip
        if isinstance(turn, attempts.Wait):
            return Told(
                wrong={WORD: t("shell.too_many_tries", seconds=turn.seconds)}, status=429, wait=turn.seconds
            )
        if not hmac.compare_digest(form.password.encode(), given.get(WORD, "").encode()):
            return Told(wrong={WORD: t("webforms.wrong_word")}, status=422)
        attempts.succeed(conn, turn)
    return Told()


def _told(form: Webform, desk: Desk, problems: Sequence[Problem]) -> tuple[Problem, ...]:
    """What a stranger is told of a refusal: what he can mend in his fields; of anything else that it was not taken."""
    own = {p.field.name for p in form.places}
    said = tuple(p for p in problems if p.path in own and p.code not in REVEALING)
    whole = texts_in(desk.languages[0])("webforms.not_taken")
    return said or (Problem(code="not_taken", message=whole),)


def _again(desk: Desk, pairs: Pairs, told: Told, found: Sequence[Problem]) -> Response:
    """The form with everything typed, and what is wrong."""

    def act(conn: Connection, call: Call) -> Response:
        form = webform_of(call, desk.name)
        given = forms_in.texts(pairs)
        return _drawn(desk, conn, call, form, typed_in(form, pairs), told, found, given.get(WORD, ""))

    return desk.place.reading(desk.actor, act)


def _drawn(
    desk: Desk, conn: Connection, call: Call, form: Webform, typed: Typed, told: Told,
    found: Sequence[Problem] = (), word: str = "",
) -> Response:  # fmt: skip
    reader, token = desk.reader(call), desk.token()
    words = words_in(desk.languages, call.model)
    tree = tree_of(conn, call, reader, form, typed, words=words, found=tuple(found))
    own = frozenset(p.field.name for p in form.places)
    loose = tuple(m for m in tree.problems if found) if not own & {p.path for p in found} else ()
    html = draw(
        "webform.html", desk.languages, title=reader.say(form.label, form.name), intro=reader.say(form.intro),
        tree=replace(tree, problems=loose), address=desk.address, token=token, sum=desk.sum(token) if form.asks_proof else None,
        asks_word=bool(form.password), word=word, wrong=told.wrong, url=lambda *steps: f"/{'/'.join(steps)}",
        **drawing(),
    )  # fmt: skip
    return answer(html, told.status, {"Retry-After": str(told.wait)} if told.wait else None)


def _plain(desk: Desk, form: Webform, said: str, status: int) -> Response:
    html = draw(
        "webform_done.html", desk.languages, title=say(form.label, desk.languages) or form.name, said=said
    )
    return answer(html, status)
