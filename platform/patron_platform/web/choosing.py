"""Choosing a password: what the pages for a new one share.

In: the fields `new` and `again` of a form, whose password it will be. Out: what is wrong and where, or nothing; the page with the two
fields.
"""

from __future__ import annotations

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response

from patron_platform.identity import passwords
from patron_platform.web.render import answer, draw
from patron_platform.web.texts import texts_in
from patron_platform.web.visitor import languages_for

Wrong = tuple[str, str]  # the field, and the text that says what


def wrong_choice(given: Mapping[str, str], *whose: str) -> Wrong | None:
    """What is wrong with a new password and its repetition."""
    new = given.get("new", "")
    fault = passwords.fault(new, *whose)
    if fault is not None:
        return "new", f"me.{fault}"
    return None if new == given.get("again", "") else ("again", "me.password_differs")


def choosing_page(
    request: Request,
    action: str,
    email: str,
    *,
    title: str,
    said: str,
    button: str = "signin.set_password",
    values: Mapping[str, str] | None = None,
    wrong: Wrong | None = None,
) -> Response:
    """The page with the fields. `title` and `said` are texts, filled with `values`."""
    languages = languages_for(request, {})
    t = texts_in(languages[0])
    field, why = wrong or ("", "")
    html = draw(
        "new_password.html", languages, title=t(title, **(values or {})), said=t(said, **(values or {})), action=action,
        email=email, button=t(button), wrong=field, why=why, shortest=passwords.SHORTEST,
    )  # fmt: skip
    return answer(html, 422 if wrong else 200)


def ended_page(request: Request, said: str, *, again: bool = False) -> Response:
    """A link that opens nothing any more: 404, whatever was the reason."""
    languages = languages_for(request, {})
    t = texts_in(languages[0])
    html = draw("link_ended.html", languages, title=t("signin.link_ended_title"), said=t(said), again=again)
    return answer(html, 404)
