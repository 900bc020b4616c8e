"""Once: a form that is sent twice is carried out once: the pages' twin of api/idempotency, in the same table with the same meaning.

In: the pairs of a form and what it does. Out: the `Answer`, of now or of the first time. A form that writes has a hidden field

    <input type="hidden" name="_once" value="{{ once }}">        once=once.token(), new for every form that is drawn

and its page answers through `once`:

    def act(conn, call):                                          # in a write transaction of the visitor's workspace
        saved = save(conn, call, [change])
        return once.gone_on(visitor.url("o", object, saved[0].id))
    return once.once(visitor, form, act).response()               # 303 to the record

What `act` refuses (it raises) is not kept: the page draws the form again, with the same token, and what was mended may be sent
under it. The same token with other fields after it has worked is PatronError `idempotency_key_reused` (422); while the same
form is under way in another request it is Conflict `idempotency_running` (409). Without the field nothing is kept.
"""

from __future__ import annotations

import secrets
from hashlib import sha256

from patron_engine.errors import PatronError
from patron_engine.jsonio import dumps
from patron_engine.phrases import Phrase
from patron_platform.api.door import Caller
from patron_platform.api.idempotency import MAX_KEY, Answer, Write, write_named
from patron_platform.web import csrf, forms_in
from patron_platform.web.forms_in import Pairs
from patron_platform.web.visitor import Visitor

FIELD = "_once"
NOT_OF_THE_FORM = (FIELD, csrf.FIELD)  # a form that waited is sent with the token of a later session


def token() -> str:
    """A new token for a form."""
    return secrets.token_urlsafe(16)


def gone_on(address: str) -> Answer:
    """The answer of a form that worked: on to another page."""
    return Answer(status=303, headers={"Location": address})


def once(visitor: Visitor, form: Pairs, act: Write) -> Answer:
    """Runs `act` in a write transaction, at most once for the form's token in 24 hours."""
    caller = caller_of(visitor)
    given = forms_in.texts(form).get(FIELD, "")
    if not given:
        return visitor.workspace.writing(visitor.actor, act, visitor.cause)
    if len(given) > MAX_KEY or not given.isprintable():
        raise PatronError(
            Phrase("{field} has 1 to {most} printable characters", field=FIELD, most=MAX_KEY),
            code="idempotency_key",
        )
    pairs = [pair for pair in form if pair[0] not in NOT_OF_THE_FORM]
    name = f"{caller.principal}\nform\n{visitor.request.url.path}\n{given}"
    return write_named(caller, name, sha256(dumps(pairs)).hexdigest(), act)


def caller_of(visitor: Visitor) -> Caller:
    """The visitor as the functions of the API know who asks. `principal` is his account, whatever session he has."""
    return Caller(
        principal=f"account:{visitor.session.account}",
        actor=visitor.actor,
        workspace=visitor.workspace,
        cause=visitor.cause,
    )
