"""`patron user …` and `patron key …`: who may sign in, and with which keys."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from patron_platform.commands import handover
from patron_platform.commands.frame import Data, DatabaseUrl, InWorkspace, Json, opened, say, table, tell
from patron_platform.workspace import OPERATOR

users = typer.Typer(
    help="Create and invite users, set passwords, hand over what belongs to one.", no_args_is_help=True
)
keys = typer.Typer(help="Create, list and revoke API keys.", no_args_is_help=True)
MOST_READ = 4_096  # characters of a line that may be a password


def register(app: typer.Typer) -> None:
    handover.register(users)
    app.add_typer(users, name="user")
    app.add_typer(keys, name="key")


@users.command("create")
def create_user(
    email: Annotated[str, typer.Argument(help="E-mail address.")],
    workspace: InWorkspace,
    role: Annotated[
        list[str] | None,
        typer.Option("--role", help="Role he will have; several times. `admin` is the administrator."),
    ] = None,
    name: Annotated[str | None, typer.Option("--name", help="Name people see.")] = None,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input.")
    ] = False,
    data: Data = None,
    database: DatabaseUrl = None,
    json: Json = False,
) -> None:
    """Makes an account and its user in a workspace."""
    from patron_platform.identity import accounts, invitations
    from patron_platform.identity.passwords import hash_password

    roles = tuple(r for r in role or () if r != "admin")
    hashed = hash_password(_from_stdin()) if password_stdin else None
    with opened(data, database) as service:
        place = service.runtime.workspace(workspace)
        invitations.check_roles(place, invitations.Guest(email=email, roles=roles), OPERATOR)
        user = accounts.create_user(
            service.databases, place, email, name=name, administrator="admin" in (role or ()), roles=roles,
            password_hash=hashed,
        )  # fmt: skip
    tell(json, {"user": user, "email": email}, f"{email} is a user of {workspace}")


@users.command("invite")
def invite(
    email: Annotated[str, typer.Argument(help="E-mail address.")],
    workspace: InWorkspace,
    role: Annotated[
        list[str] | None, typer.Option("--role", help="Role he will have; several times.")
    ] = None,
    name: Annotated[str, typer.Option("--name", help="Name people see.")] = "",
    language: Annotated[str, typer.Option("--language", help="Language of the letter.")] = "en",
    data: Data = None,
    database: DatabaseUrl = None,
    json: Json = False,
) -> None:
    """Invites somebody by mail; without a mail server it prints the link, once."""
    from patron_platform.identity import invitations, letters
    from patron_platform.identity.audit import note

    guest = invitations.Guest(email=email, name=name, roles=tuple(role or ()))
    with opened(data, database) as service:
        place = service.runtime.workspace(workspace)
        token = invitations.invite(service.databases, place, guest, by="Patron", giver=OPERATOR)
        with service.databases.system() as conn:
            note(conn, "invited", about=email, workspace=workspace, detail={"by": "patron user invite"})
        sent = letters.send_invitation(
            service, email, token, by="Patron", workspace=workspace, language=language
        )
        link = None if sent else letters.invitation_link(service, token)
    said = f"a letter is on its way to {email}" if sent else str(link)
    tell(json, {"email": email, "sent": sent, "link": link}, said)


@users.command("renew")
def renew(
    email: Annotated[str, typer.Argument(help="E-mail address.")],
    data: Data = None,
    database: DatabaseUrl = None,
    json: Json = False,
) -> None:
    """Signs somebody out everywhere; at the next sign-in he has to choose another password."""
    from patron_platform.identity import accounts
    from patron_platform.identity.audit import note

    with opened(data, database) as service, service.databases.system() as conn, conn.transaction():
        accounts.demand_new_password(conn, email)
        note(conn, "password_demanded", about=email, detail={"by": "patron user renew"})
    tell(json, {"email": email}, f"{email} chooses a new password at the next sign-in")


@users.command("second-factor-off")
def second_factor_off(
    email: Annotated[str, typer.Argument(help="E-mail address.")],
    data: Data = None,
    database: DatabaseUrl = None,
    json: Json = False,
) -> None:
    """For who lost his phone and his recovery codes: the password alone lets him in, and he is signed out everywhere."""
    from patron_engine.errors import NotFound
    from patron_platform.identity import factor, sessions
    from patron_platform.identity.audit import note

    with opened(data, database) as service, service.databases.system() as conn, conn.transaction():
        found = sessions.account_by_email(conn, email)
        if found is None:
            raise NotFound(f"there is no account {email}", code="user_not_found")
        factor.turn_off(conn, found[0])
        sessions.close_others(conn, found[0])
        note(conn, "second_factor_off", about=email, detail={"by": "patron user second-factor-off"})
    tell(json, {"email": email}, f"{email} signs in with the password alone")


@users.command("password")
def set_password(
    email: Annotated[str, typer.Argument(help="E-mail address.")],
    stdin: Annotated[bool, typer.Option("--stdin", help="Read it from standard input.")] = False,
    data: Data = None,
    database: DatabaseUrl = None,
    json: Json = False,
) -> None:
    """Sets a password; asks for it at a terminal. Who is signed in with the old one is signed out."""
    from patron_platform.identity import accounts
    from patron_platform.identity.audit import note

    password = (
        _from_stdin()
        if stdin or not sys.stdin.isatty()
        else typer.prompt("New password", hide_input=True, confirmation_prompt=True)
    )
    with opened(data, database) as service, service.databases.system() as conn, conn.transaction():
        accounts.set_password(conn, email, password)
        note(conn, "password_changed", about=email, detail={"by": "patron user password"})
    tell(json, {"email": email}, f"{email} has a new password")


def _from_stdin() -> str:
    """The first line of standard input, as it stands but for its end."""
    return sys.stdin.readline(MOST_READ).rstrip("\r\n")


@keys.command("create")
def create_key(
    user: Annotated[str, typer.Option("--user", help="E-mail of the user it acts as.")],
    workspace: InWorkspace,
    name: Annotated[str, typer.Option("--name", help="What it is for.")] = "",
    days: Annotated[int | None, typer.Option("--days", min=1, help="Expires after so many days.")] = None,
    address: Annotated[
        list[str] | None,
        typer.Option("--address", help="Address or network it may be used from; several times."),
    ] = None,
    scope: Annotated[
        list[str] | None,
        typer.Option("--scope", help="read, write or design; several times. Silent: all three."),
    ] = None,
    data: Data = None,
    database: DatabaseUrl = None,
    json: Json = False,
) -> None:
    """Makes an API key and prints it, once."""
    from patron_platform.identity import keys as stored

    expires = None if days is None else datetime.now(UTC) + timedelta(days=days)
    with opened(data, database) as service, service.databases.system() as conn:
        key = stored.create_key(
            conn, user, workspace, name, expires, addresses=address or (), scopes=scope or stored.SCOPES
        )
    tell(json, {"key": key}, key)


@keys.command("list")
def list_keys(
    workspace: InWorkspace, data: Data = None, database: DatabaseUrl = None, json: Json = False
) -> None:
    """Lists the keys of a workspace; the keys themselves are not kept."""
    from patron_platform.identity import keys as stored

    with opened(data, database) as service, service.databases.system("read") as conn:
        rows = stored.list_keys(conn, workspace)
    say(
        json,
        {"keys": [{n: getattr(r, n) for n in r.__slots__} for r in rows]},
        lambda: table(
            ("key", "name", "user", "for", "from", "created", "last used", "state"),
            [
                (
                    f"{r.prefix}…",
                    r.name,
                    r.email,
                    ", ".join(r.scopes),
                    ", ".join(r.addresses) or "everywhere",
                    f"{r.created_at:%Y-%m-%d}",
                    f"{r.last_used_at:%Y-%m-%d %H:%M}" if r.last_used_at else "never",
                    "revoked" if r.revoked_at else "in force",
                )
                for r in rows
            ],
        ),
    )


@keys.command("revoke")
def revoke_key(
    key: Annotated[str, typer.Argument(help="Its id, or its beginning as the list shows it.")],
    data: Data = None,
    database: DatabaseUrl = None,
    json: Json = False,
) -> None:
    """Revokes a key; requests with it are refused within seconds."""
    from patron_platform.identity import keys as stored

    with opened(data, database) as service, service.databases.system() as conn:
        stored.revoke_key(conn, key.rstrip("…"))
    tell(json, {"revoked": key}, "revoked")
