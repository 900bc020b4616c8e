"""What a mail server's refusal says: nobody has the address, or it does not want ours."""

from __future__ import annotations

import pytest

from patron_platform.outward.mail import AddressRefused, Letter, MailServer, nobody_there, post


@pytest.mark.parametrize(
    "code, said, nobody",
    [
        (550, b"User not found: wang@163.com http://mail.163.com/help/help_spam_16.htm?ip=1", True),
        (550, b"Mailbox not found. http://service.mail.qq.com/cgi-bin/help?subtype=1", True),
        (550, b"5.1.1 <limited@x.example>: Recipient address rejected: User unknown", True),
        (
            550,
            b"5.2.1 The email account that you tried to reach is disabled. https://support.google.com/mail/?p=RateLimit",
            True,
        ),
        (550, b"5.2.1 The user you are trying to contact is receiving mail at a rate that prevents", False),
        (550, b"5.1.0 <a@x.example>: Address rejected", True),
        (550, b"5.1.0 Sender rejected", False),
        (550, b"No such user sender@x.example", True),
        (550, b"Sender frequency limited. http://service.mail.qq.com/", False),
        (550, b"Ip frequency limited", False),
        (550, b"MI:CEL 163 smtp5", False),
        (550, b"RP:TRC", False),
        (550, b"Domain may not exist or DNS check failure", False),
        (553, b"mail from must equal authorized user", False),
        (550, b"5.7.1 relaying denied", False),
        (552, b"5.2.2 mailbox full", False),
        (554, b"user not found", False),
    ],
)
def test_only_what_is_about_the_address_marks_it(code: int, said: bytes, nobody: bool) -> None:
    assert nobody_there(code, said) is nobody


@pytest.mark.parametrize(
    "to", ["@x.example", "<a@b.example>", "(x", "", "a b@x.example", "é@x.example", "a\\ @[ "]
)
def test_what_is_no_address_is_refused_before_a_server_is_asked(to: str) -> None:
    server = MailServer(scheme="smtp", host="mail.invalid", port=25, sender="crm@x.example")
    with pytest.raises(AddressRefused):
        post(server, Letter(to=to, subject="s", text="t"))
