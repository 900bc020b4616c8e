"""The second factor: codes of an authenticator app (RFC 6238), and recovery codes for the day the phone is not at hand.

In: a connection to the system's tables, an account, what was typed. Out: whether it lets in. The secret is sealed, recovery codes are
kept as hashes; a code, and any older one, is taken once: who reads it over a shoulder comes too late.
"""

from __future__ import annotations

import hmac
import re
import secrets
from datetime import datetime
from hashlib import sha256
from typing import Any

import psycopg
import pyotp

from patron_engine.fields.vault import Vault
from patron_platform.service import Service

ISSUER = "Patron"
SECONDS = 30  # a code's time step, as every app has it
DRIFT = 1  # totp_drift: steps a phone's clock may be wrong, either way
RECOVERY_CODES = 10  # recovery_codes
LONGEST = 40  # characters of a code
_SIGNS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that looks like another


def new_secret() -> str:
    """A secret for an app: 160 bits, in the base 32 that apps take."""
    return pyotp.random_base32()


def picture(secret: str, email: str) -> str:
    """The secret as a QR code: an address of data, an SVG that needs no script and no other server."""
    address = pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=ISSUER)
    import segno  # for the few pages that draw one

    return str(segno.make(address, error="m").svg_data_uri(scale=5, border=3, light="white"))


def seal(service: Service, account: str, secret: str) -> bytes:
    """The secret as it is kept: another account's row does not open it."""
    return _vault(service).seal(f"totp:{account}", secret)


def opened(service: Service, account: str, sealed: bytes) -> str:
    """A sealed secret again."""
    return str(_vault(service).open(f"totp:{account}", sealed))


def step_of(secret: str, code: str, now: datetime) -> int | None:
    """The time step a code belongs to, of those that are near enough; None for a wrong one."""
    plain = re.sub(r"\s", "", code)
    if not re.fullmatch(r"[0-9]{6}", plain):
        return None
    made, here = pyotp.TOTP(secret), int(now.timestamp()) // SECONDS
    steps = range(here - DRIFT, here + DRIFT + 1)
    return next((s for s in steps if hmac.compare_digest(made.generate_otp(s), plain)), None)


def turn_on(
    service: Service, conn: psycopg.Connection[Any], account: str, secret: str, code: str
) -> list[str] | None:
    """Asks for codes from now on; the recovery codes, once. None when the app does not show this code."""
    step = step_of(secret, code, service.runtime.clock())
    if step is None:
        return None
    conn.execute(
        "UPDATE patron.account SET totp_secret = %s, totp_since = now(), totp_step = %s WHERE id = %s",
        (seal(service, account, secret), step, account),
    )
    return new_recovery_codes(conn, account)


def turn_off(conn: psycopg.Connection[Any], account: str) -> None:
    """Asks for no codes any more."""
    conn.execute(
        "UPDATE patron.account SET totp_secret = NULL, totp_since = NULL, totp_step = 0 WHERE id = %s",
        (account,),
    )
    conn.execute("DELETE FROM patron.recovery_code WHERE account = %s", (account,))


def check(service: Service, conn: psycopg.Connection[Any], account: str, given: str) -> bool:
    """Whether a code or a recovery code lets in; it does not a second time."""
    if len(given) > LONGEST:
        return False
    row = conn.execute("SELECT totp_secret FROM patron.account WHERE id = %s", (account,)).fetchone()
    if row is None or row[0] is None:
        return False
    step = step_of(opened(service, account, row[0]), given, service.runtime.clock())
    if step is not None:
        done = conn.execute(
            "UPDATE patron.account SET totp_step = %s WHERE id = %s AND totp_step < %s", (step, account, step)
        )
        return bool(done.rowcount)
    done = conn.execute(
        "DELETE FROM patron.recovery_code WHERE account = %s AND hash = %s", (account, _hash(given))
    )
    return bool(done.rowcount)


def new_recovery_codes(conn: psycopg.Connection[Any], account: str) -> list[str]:
    """Recovery codes in the place of those there were."""
    made = ["-".join(_word() for _ in range(3)) for _ in range(RECOVERY_CODES)]
    with conn.transaction():
        conn.execute("DELETE FROM patron.recovery_code WHERE account = %s", (account,))
        for code in made:
            conn.execute(
                "INSERT INTO patron.recovery_code (account, hash) VALUES (%s, %s)", (account, _hash(code))
            )
    return made


def state_of(conn: psycopg.Connection[Any], account: str) -> tuple[datetime | None, int]:
    """Since when codes are asked for (None: they are not), and how many recovery codes are left."""
    row = conn.execute(
        "SELECT totp_since, (SELECT count(*) FROM patron.recovery_code c WHERE c.account = a.id)"
        " FROM patron.account a WHERE a.id = %s",
        (account,),
    ).fetchone()
    return (None, 0) if row is None else (row[0], row[1])


def _vault(service: Service) -> Vault:
    return Vault(hmac.digest(service.runtime.secret, b"second factor", sha256))


def _word() -> str:
    return "".join(secrets.choice(_SIGNS) for _ in range(5))


def _hash(code: str) -> bytes:
    """Fifteen random signs are more than anybody can try: a plain hash keeps them."""
    return sha256(re.sub(r"[\s-]", "", code.casefold()).encode()).digest()
