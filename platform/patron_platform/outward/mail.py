"""Mail: a letter to one person, given to a mail server. The one place that does.

In: a `MailServer` (of the settings, or of a workspace), a `Letter`. Out: nothing, or why it was not taken: NotTaken for good
(AddressRefused where it is the address), NotNow (no connection, busy, a password that is refused: somebody mends that). What went wrong is
told without the letter, for letters hold links that open something.
"""

from __future__ import annotations

import logging
import re
import smtplib
import socket
import ssl
from dataclasses import dataclass, field
from datetime import datetime
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, formatdate, make_msgid
from ipaddress import ip_address
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from patron_engine.errors import PatronError
from patron_engine.phrases import Phrase
from patron_platform.outward.addresses import USUAL, Outside
from patron_platform.settings import Settings

SECONDS: Final = 20  # mail_seconds: how long the mail server may take for one step
PORTS: Final = {"smtp": 587, "smtps": 465}
EVERYWHERE: Final = None  # the operator's own server may stand anywhere

log = logging.getLogger("patron.mail")


class NotTaken(PatronError):
    """The server will not take this letter, now or later."""

    code = "mail_refused"


class AddressRefused(NotTaken):
    """Nobody has this address: no letter will ever arrive there."""

    code = "address_refused"


class NotNow(PatronError):
    """The server took nothing; another time it may."""

    code = "mail_not_sent"


@dataclass(frozen=True, slots=True, kw_only=True)
class MailServer:
    """`outside`: what may be spoken to; None for the operator's own server, which may stand anywhere."""

    scheme: str
    host: str
    port: int
    sender: str
    name: str = "Patron"
    user: str = ""
    password: str = field(default="", repr=False)
    outside: Outside | None = EVERYWHERE


@dataclass(frozen=True, slots=True, kw_only=True)
class Attached:
    """A file that goes with a letter. `type` as of MIME: application/pdf."""

    name: str
    type: str
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """`id` makes the Message-ID: the same letter sent twice is one. `unsubscribe` is an address that stops letters of this sort;
    a notice has one, what somebody asked for himself has none."""

    to: str
    subject: str
    text: str
    html: str | None = None
    id: str | None = None
    at: datetime | None = None
    reply_to: str | None = None
    unsubscribe: str | None = None
    attached: tuple[Attached, ...] = ()


def server_of(settings: Settings) -> MailServer | None:
    """The mail server of the settings; None where there is none."""
    if settings.mail is None:
        return None
    parts = urlsplit(settings.mail)
    return MailServer(
        scheme=parts.scheme, host=parts.hostname or "", port=parts.port or PORTS[parts.scheme],
        sender=str(settings.mail_from), user=unquote(parts.username or ""), password=unquote(parts.password or ""),
    )  # fmt: skip


def send(settings: Settings, to: str, subject: str, text: str) -> bool:
    """A letter of the service itself, about an account; whether the mail server took it."""
    server = server_of(settings)
    if server is None:
        return False
    try:
        post(server, Letter(to=to, subject=subject, text=text))
    except PatronError as error:
        log.warning("mail_not_sent", extra={"reason": error.code})
        return False
    return True


# what the parser of addresses raises at what is none; the last two are its own slips, at a backslash in the wrong place
_NO_ADDRESS: Final = (ValueError, IndexError, HeaderParseError, AttributeError, UnboundLocalError)


def post(server: MailServer, letter: Letter) -> None:
    """Gives the letter to the server."""
    try:
        Address(addr_spec=letter.to)
    except _NO_ADDRESS:
        raise AddressRefused(Phrase("the address is not one")) from None
    try:
        message = written(server, letter)
    except _NO_ADDRESS:
        raise NotTaken("the letter cannot be written: its address is not one", code="mail_address") from None
    try:
        with _opened(server) as opened:
            opened.send_message(message)
    except smtplib.SMTPRecipientsRefused as error:
        ((code, said),) = error.recipients.values()  # a letter has one address
        if code < 500:
            raise NotNow(Phrase("the mail server takes it later ({code})", code=code)) from None
        refused = AddressRefused if nobody_there(code, said) else NotTaken
        raise refused(Phrase("the mail server refuses the address ({code})", code=code)) from None
    except smtplib.SMTPAuthenticationError:
        raise NotNow("the mail server does not know the name or the password", code="mail_login") from None
    except smtplib.SMTPResponseException as error:
        if 500 <= error.smtp_code < 600 and not isinstance(
            error, smtplib.SMTPConnectError | smtplib.SMTPHeloError
        ):
            raise NotTaken(Phrase("the mail server refuses it ({code})", code=error.smtp_code)) from None
        raise NotNow(Phrase("the mail server takes it later ({code})", code=error.smtp_code)) from None
    except (OSError, smtplib.SMTPException) as error:
        raise NotNow(Phrase("no connection to the mail server: {why}", why=type(error).__name__)) from None


_DETAIL: Final = re.compile(rb"(?<![\d.])5\.(\d{1,3})\.(\d{1,3})(?![\d.])")  # RFC 3463
_OURS: Final = re.compile(
    rb"relay|denied|policy|spam|block|black ?list|reputation|authenticat|rate|quota|full|limit|frequen|sender|mail from|dns"
    rb"|domain may not|content|suspect|bounce|\b[A-Z]{2}:[A-Z]{3}\b",
    re.IGNORECASE,
)
_ADDRESS: Final = re.compile(
    rb"https?://\S+|\S+@\S+"
)  # of a page that explains it, or of the letter: says nothing


def nobody_there(code: int, said: bytes) -> bool:
    """Whether a refusal for good is about the address. That nothing of ours is taken, or a full mailbox, says nothing of it. Servers of
    large providers give no detailed code: `550 Sender frequency limited`, `550 MI:SPB` are about us, `550 User not found` is not. And
    5.2.1 is a closed mailbox or one that is sent too much for the moment, 5.1.0 any address of the two: their words decide as well."""
    detail = _DETAIL.search(said)
    if detail is not None:
        subject, which = int(detail[1]), int(detail[2])
        if (subject, which) not in ((2, 1), (1, 0)):
            return subject == 1 and which not in (7, 8)
    elif code not in (550, 551, 553):
        return False
    return _OURS.search(_ADDRESS.sub(b"", said)) is None


def written(server: MailServer, letter: Letter) -> EmailMessage:
    """The message. ValueError for an address that is none; a line break in a header is a space."""
    sender = Address(display_name=_line(server.name), addr_spec=server.sender)
    message = EmailMessage()
    message["From"], message["To"] = sender, Address(addr_spec=letter.to)
    message["Subject"] = _line(letter.subject)
    message["Date"] = formatdate() if letter.at is None else format_datetime(letter.at)
    domain = sender.domain or "patron.invalid"
    message["Message-ID"] = make_msgid(domain=domain) if letter.id is None else f"<{letter.id}@{domain}>"
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    if letter.reply_to:
        message["Reply-To"] = Address(addr_spec=letter.reply_to)
    if letter.unsubscribe:
        message["List-Unsubscribe"] = f"<{_line(letter.unsubscribe)}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content(letter.text)
    if letter.html is not None:
        message.add_alternative(letter.html, subtype="html")
    for file in letter.attached:
        main, _, sub = file.type.partition("/")
        message.add_attachment(file.data, maintype=main, subtype=sub, filename=_line(file.name))
    return message


def _line(text: str) -> str:
    return " ".join(text.split())


# -- the connection -----------------------------------------------------------------------------------------------


class _Plain(smtplib.SMTP):
    """Connects to an address that was checked, under the name it was looked up by."""

    outside: Outside | None = None

    def _get_socket(self, host: str, port: int, timeout: float) -> Any:
        return _socket(self.outside, host, port)


class _Tls(smtplib.SMTP_SSL):
    outside: Outside | None = None

    def _get_socket(self, host: str, port: int, timeout: float) -> Any:
        plain = _socket(self.outside, host, port)
        return self.context.wrap_socket(plain, server_hostname=host)


def _socket(outside: Outside | None, host: str, port: int) -> socket.socket:
    if outside is None:
        return socket.create_connection((host, port), SECONDS)
    return socket.create_connection((outside.find(host, port, USUAL)[0], port), SECONDS)


def _opened(server: MailServer) -> smtplib.SMTP:
    trusted = ssl.create_default_context()
    opened: smtplib.SMTP = (
        _Tls(timeout=SECONDS, context=trusted) if server.scheme == "smtps" else _Plain(timeout=SECONDS)
    )
    opened.outside = server.outside  # type: ignore[attr-defined]
    try:
        opened._host = server.host  # type: ignore[attr-defined]
        opened.connect(server.host, server.port)
        opened.ehlo()
        if server.scheme == "smtp" and opened.has_extn("starttls"):
            opened.starttls(context=trusted)
            opened.ehlo()
        elif server.scheme == "smtp" and server.user and not _here(server.host):
            raise NotNow(
                "the mail server offers no encryption, and the password would go in clear", code="mail_clear"
            )
        if server.user:
            opened.login(server.user, server.password)
    except BaseException:
        opened.close()
        raise
    return opened


def _here(host: str) -> bool:
    """Whether the server is on this machine."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
