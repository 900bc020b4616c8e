"""Audit: what happened to accounts, and from where: sign-ins, failures, changed passwords.

In: a connection to the system's tables. Out: a row of `patron.audit`. Never a password, a token or a key.
"""

from __future__ import annotations

from typing import Any, Literal

import psycopg
from psycopg.types.json import Jsonb

Act = Literal[
    "sign_in", "sign_in_failed", "sign_in_refused", "sign_out", "password_changed", "sessions_ended",
    "workspace_switched", "invited", "invitation_withdrawn", "invitation_accepted", "reset_asked", "second_factor_on",
    "second_factor_off", "password_demanded", "recovery_codes_made", "code_wrong", "sign_in_barred",
    "viewing_began", "viewing_ended",
]  # fmt: skip


def note(
    conn: psycopg.Connection[Any],
    act: Act,
    *,
    account: str | None = None,
    about: str | None = None,
    address: str = "",
    workspace: str | None = None,
    detail: dict[str, Any] | None = None,
) -> None:
    """Writes one row. `about` is whom it is about where no account is known: an address that was typed."""
    conn.execute(
        "INSERT INTO patron.audit (account, workspace, action, about, address, detail)"
        " VALUES (%s, %s, %s, %s, %s, %s)",
        (account, workspace, act, about, address, Jsonb(detail or {})),
    )
