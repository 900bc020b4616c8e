"""Letters: what is written to people about their accounts, in their language.

In: the service, whom it goes to, a token. Out: whether it was sent; the address of the link, for who has no mail server to copy.
Links begin with the address of the settings, never with what a request called the service.
"""

from __future__ import annotations

from patron_platform.identity.tickets import INVITATION_LASTS, RESET_LASTS
from patron_platform.outward import mail
from patron_platform.service import Service
from patron_platform.web.texts import texts_in


def invitation_link(service: Service, token: str) -> str:
    """Where an invitation is accepted; without an address of the settings the part after the host."""
    return f"{service.settings.base_url or ''}/invitation/{token}"


def send_invitation(
    service: Service, email: str, token: str, *, by: str, workspace: str, language: str
) -> bool:
    """The letter with the link of an invitation."""
    t = texts_in(language)
    text = t(
        "signin.invitation_letter", by=by, workspace=workspace, link=invitation_link(service, token),
        days=INVITATION_LASTS.days,
    )  # fmt: skip
    return mail.send(service.settings, email, t("signin.invitation_subject", workspace=workspace), text)


def send_reset(service: Service, email: str, token: str, language: str) -> bool:
    """The letter with the link under which a forgotten password is set anew."""
    t = texts_in(language)
    link = f"{service.settings.base_url}/reset/{token}"
    minutes = int(RESET_LASTS.total_seconds() // 60)
    return mail.send(
        service.settings,
        email,
        t("signin.reset_subject"),
        t("signin.reset_letter", link=link, minutes=minutes),
    )
