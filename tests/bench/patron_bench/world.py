"""World: the workspace the benchmark works in, made once in a data folder and found again.

In: a data folder, how many rows. Out: `World`: address of the database, schema, key. What a benchmark did to it stays: the
data folder is thrown away with `--fresh`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import psycopg
from patron_bench import data as rows_of

from patron_platform.folder import read_folder
from patron_platform.identity.keys import create_key
from patron_platform.jobs.tasks import work_off
from patron_platform.service import Service, open_service
from patron_platform.settings import read_settings
from patron_platform.workspace import OPERATOR, make_workspace

NAME = "bench"
ADMINISTRATOR = "admin@example.com"
DEFINITIONS = Path(__file__).resolve().parents[1] / "definitions"


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    data: Path
    url: str
    schema: str
    key: str
    rows: int


def prepare(data: Path, rows: int) -> World:
    """The workspace with its rows; what is there already is taken."""
    known = data / "bench.json"
    with service_of(data) as service:
        if known.exists():
            kept = json.loads(known.read_text())
            if kept["rows"] == rows:
                schema = service.runtime.workspace(NAME).schema
                return World(data=data, url=service.database.url, schema=schema, key=kept["key"], rows=rows)
            raise SystemExit(f"{data} holds {kept['rows']} rows; --fresh makes it anew")
        made = _make(service, data, rows)
    known.write_text(json.dumps({"rows": rows, "key": made.key}))
    return made


def service_of(data: Path):  # type: ignore[no-untyped-def]
    """An open service over the data folder."""
    return open_service(read_settings({}, data=data))


def _make(service: Service, data: Path, rows: int) -> World:
    make_workspace(service, NAME, administrator=ADMINISTRATOR)
    place = service.runtime.workspace(NAME)
    place.publish(OPERATOR, place.plan_own(read_folder(DEFINITIONS)))
    work_off(place)
    with service.databases.system() as conn:
        key = create_key(conn, ADMINISTRATOR, NAME)
    with psycopg.connect(service.database.url, autocommit=True) as conn:
        rows_of.fill(conn, place.schema, rows)
    return World(data=data, url=service.database.url, schema=place.schema, key=key, rows=rows)
