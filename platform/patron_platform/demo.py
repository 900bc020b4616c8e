"""Demo: a workspace `demo` as a newcomer finds it: packs, the public sales pipeline imported, an administrator and a key.

In: an open service. Out: what was made, and where to look. Every step looks first whether it is done: a second start goes
on where the first was stopped, and finds everything there afterwards. What people change in the demo stays changed.
"""

from __future__ import annotations

import os
import secrets
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg

from patron_engine.actor import SYSTEM
from patron_engine.errors import NotFound
from patron_engine.query.counts import counts
from patron_engine.runtime import Workspace
from patron_engine.transfer.imports import Import, listed
from patron_platform.database.providers import default_home
from patron_platform.folder import plan_folder
from patron_platform.identity.accounts import create_user, set_password
from patron_platform.identity.keys import create_key, find_key, key_hash
from patron_platform.identity.passwords import fits
from patron_platform.identity.sessions import account_by_email
from patron_platform.jobs.imports import carry_out, queue
from patron_platform.jobs.tasks import work_off
from patron_platform.sample import sample
from patron_platform.service import Service
from patron_platform.settings import Settings
from patron_platform.workspace import OPERATOR, make_workspace

NAME = "demo"
PACKS = ("sales",)  # core comes with every workspace
ADMINISTRATOR = "admin@demo.example"
LOCK = 0x70617472_64656D6F  # "patrdemo"
WAIT_SECONDS = 0.5
PEOPLE = (
    "darcel.schlecht@demo.example",
    "melvin.marxen@demo.example",
)  # of the sample: one who sells, and his manager
KEY_FILE = "demo.key"  # in the data folder, readable by its owner only, like the next
PASSWORD_FILE = "demo.password"
FILES = (
    ("user", "sales_teams"),
    ("account", "accounts"),
    ("account", "account_owners"),
    ("product", "products"),
    ("opportunity", "sales_pipeline"),
    ("account", "chinese_customers"),
    ("contact", "chinese_contacts"),
)
OLD = ("accounts", "sales_pipeline")  # they say when their records began: not today


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """The demo as it stands. `people` may sign in with the administrator's password; `records`: object -> how many; `sample`:
    whether the sample data were found."""

    workspace: str
    administrator: str
    people: tuple[str, ...]
    password: str
    key: str
    records: dict[str, int]
    sample: bool


def prepare_demo(service: Service) -> Made:
    """Makes what is missing of the demo. Safe to repeat, also after a start that was stopped half way, and at once with
    another: the second waits for the first."""
    with _alone(service):
        return _prepare(service)


@contextmanager
def _alone(service: Service) -> Iterator[None]:
    """While nobody else prepares a demo on this database. The lock goes with its connection, so also with a killed process;
    the connection is of no pool, since what it waits for needs those."""
    with psycopg.connect(service.databases.url, autocommit=True) as conn:
        told = False
        while conn.execute("SELECT pg_try_advisory_lock(%s)", (LOCK,)).fetchone() != (True,):
            if not told:
                _say("another process prepares the demo; waiting for it …")
                told = True
            time.sleep(WAIT_SECONDS)
        try:
            yield
        finally:
            conn.execute("SELECT pg_advisory_unlock(%s)", (LOCK,))


def _prepare(service: Service) -> Made:
    place = _workspace(service)
    folder = _examples()
    if folder is not None:
        _publish_own(place, folder / "workspace")
        work_off(place)
        for object, name in FILES:
            _import(place, object, folder / f"{name}.csv", folder / f"{name}.map.yaml", history=name in OLD)
        _import_sample(place, folder)
    password = _password(service)
    people = PEOPLE if folder is not None else ()
    for email in people:
        _let_in(service, place, email, password)
    return Made(
        workspace=NAME,
        administrator=ADMINISTRATOR,
        people=people,
        password=password,
        key=_key(service),
        records=_counts(place),
        sample=folder is not None,
    )


def _workspace(service: Service) -> Workspace:
    try:
        place = service.runtime.workspace(NAME)
        with place.connection("read") as conn:
            made = place.pin(conn)[0].release > 0
    except NotFound:
        made = False
    if not made:
        _say(f"making the workspace {NAME!r} …")
        make_workspace(service, NAME, packs=PACKS)
    place = service.runtime.workspace(NAME)
    create_user(service.databases, place, ADMINISTRATOR, name="Administrator", administrator=True)
    return place


def _examples() -> Path | None:
    """The sample data of a checkout; an installed package has none."""
    folder = Path(__file__).resolve().parents[2] / "examples" / "crm_sales_opportunities"
    return folder if (folder / "sales_pipeline.csv").is_file() else None


def _publish_own(place: Workspace, folder: Path) -> None:
    """The demo's own layer, once: what people made of it since is theirs."""
    if not folder.is_dir():
        return
    with place.connection("read") as conn:
        if any(layer.own and layer.documents for layer in place.layers(conn)):
            return
    _say("publishing the demo's own definitions …")
    publication = plan_folder(place, folder, note="demo")
    if not publication.empty:
        place.publish(OPERATOR, publication)


def _import_sample(place: Workspace, folder: Path) -> None:
    """What the public files do not tell, made up of them: from contract to cash, and what people are at today. Old records come as
    they are: no automation runs, rules are warnings."""
    with place.connection("read") as conn:
        today = place.call(conn, OPERATOR).today
    with TemporaryDirectory() as temporary:
        for sheet in sample(folder, today):
            _import(place, sheet.object, sheet.write(Path(temporary)), sheet.mapping(), history=True)


def _import(
    place: Workspace, object: str, file: Path, mapping: Path | Mapping[str, Any], *, history: bool = False
) -> None:
    """Imports a file that was not imported before; one that was begun is finished."""
    with place.connection("read") as conn:
        before: list[Import] = [i for i in listed(conn, place.schema) if i.name == file.name and not i.trial]
    if any(i.state == "done" for i in before):
        return
    open_one = next((i.batch for i in before if i.state in ("waiting", "running")), None)
    if open_one is None:
        _say(f"importing {file.name} …")
        open_one = queue(place, OPERATOR, object, file, map=mapping, history=history).batch
    done = carry_out(place, open_one)
    if done.state != "done" or done.counts["refused"]:
        _say(f"{file.name}: {done.state}, {done.counts['refused']} rows refused {done.error or ''}".rstrip())


def _key(service: Service) -> str:
    """The key of the first start, as long as it is valid; else a new one."""
    folder = service.settings.data or default_home()
    path = folder / KEY_FILE
    with service.databases.system() as conn:
        if path.is_file():
            key = path.read_text(encoding="ascii").strip()
            holder = find_key(conn, key_hash(key))
            if holder is not None and holder.workspace == NAME:
                return key
        key = create_key(conn, ADMINISTRATOR, NAME, "demo")
    _keep(path, key)
    return key


def _password(service: Service) -> str:
    """The administrator's password of the first start, as long as it is his; else a new one."""
    folder = service.settings.data or default_home()
    path = folder / PASSWORD_FILE
    with service.databases.system() as conn:
        found = account_by_email(conn, ADMINISTRATOR)
        if path.is_file():
            password = path.read_text(encoding="ascii").strip()
            if found is not None and fits(password, found[1]):
                return password
        password = "-".join(secrets.token_hex(2) for _ in range(4))
        set_password(conn, ADMINISTRATOR, password)
    _keep(path, password)
    return password


def _let_in(service: Service, place: Workspace, email: str, password: str) -> None:
    """Somebody of the sample may sign in with the administrator's password, as long as it is his."""
    with service.databases.system() as conn:
        found = account_by_email(conn, email)
    if found is not None and fits(password, found[1]):
        return
    create_user(service.databases, place, email)
    with service.databases.system() as conn:
        set_password(conn, email, password)


def _keep(path: Path, secret: str) -> None:
    """Writes a file that its owner alone can read."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
        file.write(secret + "\n")


def _counts(place: Workspace) -> dict[str, int]:
    shown = ("account", "contact", "opportunity", "product", "user")
    with place.connection("read") as conn:
        found = counts(conn, place.call(conn, SYSTEM))
    return {name: found[name] for name in shown if name in found}


def say_welcome(made: Made, settings: Settings, json: bool, *, serving: bool) -> None:
    """Tells people, or a machine, what there is and where; people also how it goes on."""
    address = f"http://{settings.host}:{settings.port}"
    if json:
        from patron_engine.jsonio import dumps

        body: dict[str, Any] = {
            "workspace": made.workspace, "address": address, "administrator": made.administrator,
            "people": list(made.people), "password": made.password, "key": made.key,
            "records": made.records, "sample": made.sample,
        }  # fmt: skip
        sys.stdout.write(dumps(body).decode() + "\n")
        sys.stdout.flush()
        return
    lines = [f"Workspace {made.workspace}: " + ", ".join(f"{n:,} {name}" for name, n in made.records.items())]
    if not made.sample:
        lines.append(
            "The sample data come with the source, not with the installed package: this workspace is empty."
        )
    lines += [
        f"Address        {address}",
        f"API            {address}/api/v1/objects",
        f"Sign in as     {made.administrator}",
        *(f"            or {email}" for email in made.people),
        f"Password       {made.password}",
        f"API key        {made.key}",
        *([] if settings.database else [f"Data           {settings.data or default_home()}"]),
        "",
        f"  curl -H 'Authorization: Bearer {made.key}' '{address}/api/v1/records/opportunity?limit=3'",
        "",
        "Ctrl-C stops it; what you made is kept and there again at the next start." if serving
        else "`patron demo` serves it.",
    ]  # fmt: skip
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


__all__ = ["Made", "prepare_demo", "say_welcome"]
