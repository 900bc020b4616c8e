"""Privacy: what the platform adds to the ways dossier and erase: a person's sign-ins, his account, and the file he is given.

In: a service, a workspace, an administrator, records of a person. Out: a ZIP of `person.json` and the files of his records; an
erasure with the account of a user. Records and account may lie on two servers: the records go first, and an erasure that was cut off
between the two is asked for again.
"""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from typing import IO

from patron_engine.actor import Actor, Cause
from patron_engine.jsonio import dumps
from patron_engine.runtime import Workspace
from patron_engine.ways import dossier as taking
from patron_engine.ways import erase as erasing
from patron_engine.ways.subject import Ref
from patron_platform.identity.erased import erase_account, kept_of
from patron_platform.service import Service

DATA = "person.json"


def write_zip(
    service: Service, place: Workspace, actor: Actor, cause: Cause, refs: Sequence[Ref], target: IO[bytes]
) -> None:
    """Everything about the person. The audit entry stands before the first byte is written."""
    found = place.writing(actor, lambda conn, call: taking.dossier(conn, call, refs), cause)
    with service.databases.system("read") as conn:
        for record in found.body["records"]:
            if record["object"] == "user":
                record["account"] = kept_of(conn, place.name, record["id"])
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr(DATA, dumps(found.body))
        for id, name, pieces in found.files:
            with place.connection("read") as conn, made.open(f"files/{id}-{name}", "w") as file:
                call = place.call(conn, actor)
                for data in taking.bytes_of(conn, call, id, pieces):
                    file.write(data)


def erase(
    service: Service, place: Workspace, actor: Actor, cause: Cause, refs: Sequence[Ref], confirm: str
) -> erasing.Preview:
    """Erases the records, then the account of a user among them. Conflict when something stands against it."""
    done = place.writing(actor, lambda conn, call: erasing.erase(conn, call, refs, confirm), cause)
    users = [ref.id for ref in refs if ref.object == "user"]
    if users:
        with service.databases.system() as conn:
            for user in users:
                erase_account(conn, place.name, user)
    return done
