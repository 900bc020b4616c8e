"""Signing in through a provider: to it and back.

In: a click on the sign-in page; the browser coming back with a code. Out: the way to the provider; a session, or the sign-in page with
what did not succeed. What must come back is kept in a ticket whose token is in a cookie: another browser cannot end this sign-in, and
nobody ends it twice.
"""

from __future__ import annotations

import hmac
import logging

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.errors import NotFound, PatronError
from patron_platform.hosts import client
from patron_platform.identity import cookies, linking, provider, tickets
from patron_platform.identity.audit import note
from patron_platform.service import Service
from patron_platform.web import arriving, csrf
from patron_platform.web.arriving import local_address, see_other

router = APIRouter(prefix="/login/provider", include_in_schema=False)
LONGEST = 4_000  # characters of a code

log = logging.getLogger("patron.sign_in")


@router.get("")
def there(request: Request) -> Response:
    """A link, not a form: the policy of our pages lets no form lead to another host."""
    csrf.same_site(request)
    service = _service(request)
    try:
        begun = provider.begin(service.settings, _way_back(service))
    except provider.NoAnswer as error:
        log.warning("provider", extra={"reason": error.detail})
        return see_other("/login?done=provider")
    detail = {
        "state": begun.state, "nonce": begun.nonce, "verifier": begun.verifier,
        "onward": local_address(request.query_params.get("next")) or "",
    }  # fmt: skip
    with service.databases.system() as conn:
        token = tickets.issue(conn, "provider", detail=detail)
    made = see_other(begun.address)
    cookies.give_step(request, made, token)
    return made


@router.get("/back")
def back_here(request: Request) -> Response:
    """Takes the ticket first: a code is tried once, whatever becomes of it."""
    service = _service(request)
    given, place = request.query_params, client(request)
    with service.databases.system() as conn:
        ticket = tickets.use(conn, "provider", cookies.token_in(request, cookies.STEP))
    code = given.get("code", "")
    if (
        ticket is None
        or not 0 < len(code) <= LONGEST
        or not _same(given.get("state", ""), ticket.detail["state"])
    ):
        return see_other("/login?done=provider")
    if given.get("iss", service.settings.oidc_issuer) != service.settings.oidc_issuer:
        return see_other("/login?done=provider")
    try:
        told = provider.finish(
            service.settings, _way_back(service), code, ticket.detail["nonce"], ticket.detail["verifier"]
        )
        account = linking.account_of(service, told)
    except PatronError as error:
        log.warning("provider", extra={"reason": error.detail})
        return see_other("/login?done=provider")
    if account is None:
        with service.databases.system() as conn:
            note(conn, "sign_in_failed", about=told.email or None, address=place, detail={"by": "provider"})
        return see_other("/login?done=unknown")
    return arriving.arrive(request, account, ticket.detail["onward"], way="provider")


def _same(given: str, kept: str) -> bool:
    return hmac.compare_digest(given.encode(), kept.encode())


def _service(request: Request) -> Service:
    service: Service = request.app.state.service
    if service.settings.oidc_issuer is None:
        raise NotFound("there is nothing at this address")
    return service


def _way_back(service: Service) -> str:
    return f"{service.settings.base_url}/login/provider/back"
