"""What a mail server's refusal says: nobody has the address, or it does not want ours."""

from __future__ import annotations

import pytest

from patron_platform.outward.mail import nobody_there


@pytest.mark.parametrize(
    "code, said, nobody",
    [
        (550, b"User not found: wang@163.com http://mail.163.com/help/help_spam_16.htm?ip=1", True),
        (550, b"Mailbox not found. http://service.mail.qq.com/cgi-bin/help?subtype=1", True),
        (550, b"5.1.1 <limited@x.example>: Recipient address rejected: User unknown", True),
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
