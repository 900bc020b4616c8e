"""Mail: a letter to one person, given to the mail server of the settings.

In: the settings, an address, a subject, a text. Out: True when the server took it, False when there is none or it did not; what
went wrong is logged without the letter, for letters hold links that open something.
"""

from __future__ import annotations

import logging
import smtplib
import ssl
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from ipaddress import ip_address
from urllib.parse import unquote, urlsplit

from patron_platform.settings import Settings

SECONDS = 20  # mail_seconds: how long the mail server may take for one step
PORTS = {"smtp": 587, "smtps": 465}

log = logging.getLogger("patron.mail")


class _NotSafe(Exception):
    """The server offers no encryption, and a password would go over the net in clear."""


def send(settings: Settings, to: str, subject: str, text: str) -> bool:
    """Whether the mail server took the letter."""
    if settings.mail is None:
        return False
    try:
        letter = _letter(settings, to, subject, text)
        with _opened(settings.mail) as server:
            server.send_message(letter)
    except (OSError, smtplib.SMTPException, ValueError, _NotSafe) as error:
        log.warning("mail_not_sent", extra={"reason": type(error).__name__})
        return False
    return True


def _letter(settings: Settings, to: str, subject: str, text: str) -> EmailMessage:
    sender = Address(display_name="Patron", addr_spec=str(settings.mail_from))
    letter = EmailMessage()
    letter["From"], letter["To"] = sender, Address(addr_spec=to)
    letter["Subject"], letter["Date"] = " ".join(subject.split()), formatdate()
    letter["Message-ID"] = make_msgid(domain=sender.domain or None)
    letter["Auto-Submitted"] = "auto-generated"
    letter.set_content(text)
    return letter


def _opened(address: str) -> smtplib.SMTP:
    parts = urlsplit(address)
    host, port = parts.hostname or "", parts.port or PORTS[parts.scheme]
    trusted = ssl.create_default_context()
    if parts.scheme == "smtps":
        server: smtplib.SMTP = smtplib.SMTP_SSL(host, port, timeout=SECONDS, context=trusted)
    else:
        server = smtplib.SMTP(host, port, timeout=SECONDS)
    try:
        server.ehlo()
        if parts.scheme == "smtp" and server.has_extn("starttls"):
            server.starttls(context=trusted)
            server.ehlo()
        elif parts.scheme == "smtp" and parts.username and not _here(host):
            raise _NotSafe
        if parts.username:
            server.login(unquote(parts.username), unquote(parts.password or ""))
    except BaseException:
        server.close()
        raise
    return server


def _here(host: str) -> bool:
    """Whether the server is on this machine."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
