"""The limit: what a person would write by hand for just this work: FastAPI, psycopg, constant SQL, no checks of anything.

In: the environment variables LIMIT_DATABASE, LIMIT_SCHEMA and LIMIT_KEY. Out: an ASGI application with the same answers to
the same addresses as Patron gives them. It validates nothing, knows no rules, keeps no history; it is as fast as this stack
can be, and Patron is measured against it.
"""

from __future__ import annotations

import os
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

import orjson
from fastapi import FastAPI, Request, Response
from psycopg_pool import ConnectionPool

SCHEMA = os.environ.get("LIMIT_SCHEMA", "w_bench")
KEYS = {f"Bearer {os.environ.get('LIMIT_KEY', '')}"}

COLUMNS = """o.id, o.owner, ow.name, o.department, dp.name, o.queue, o.record_type, o.created_at, o.created_by, cb.name,
 o.updated_at, o.updated_by, ub.name, o.version, o.c_name, o.c_account, ac.c_name, o.c_stage, o.c_amount, o.c_probability,
 o.c_expected, o.c_close_date, o.c_source, o.c_next_step, o.c_lost_reason"""
JOINS = f"""LEFT JOIN {SCHEMA}.user ow ON ow.id = o.owner AND ow.deleted_at IS NULL
 LEFT JOIN {SCHEMA}.department dp ON dp.id = o.department AND dp.deleted_at IS NULL
 LEFT JOIN {SCHEMA}.user cb ON cb.id = o.created_by AND cb.deleted_at IS NULL
 LEFT JOIN {SCHEMA}.user ub ON ub.id = o.updated_by AND ub.deleted_at IS NULL
 LEFT JOIN {SCHEMA}.c_account ac ON ac.id = o.c_account AND ac.deleted_at IS NULL"""
READ = f"SELECT {COLUMNS} FROM {SCHEMA}.c_opportunity o {JOINS} WHERE o.id = %s AND o.deleted_at IS NULL"
LIST = f"""SELECT {COLUMNS} FROM (SELECT * FROM {SCHEMA}.c_opportunity
 WHERE owner = %s AND c_stage = %s AND deleted_at IS NULL ORDER BY c_amount DESC, id LIMIT 51) o {JOINS}
 ORDER BY o.c_amount DESC, o.id"""
COUNT = (
    f"SELECT count(*) FROM {SCHEMA}.c_opportunity WHERE owner = %s AND c_stage = %s AND deleted_at IS NULL"
)
INSERT = f"""WITH o AS (INSERT INTO {SCHEMA}.c_opportunity (id, owner, created_at, created_by, updated_at, updated_by, version,
 c_name, c_name__sort, c_account, c_stage, c_amount, c_probability, c_expected, c_close_date, c_source)
 VALUES (%s, %s, %s, %s, %s, %s, 1, %s, %s, %s, %s, %s, %s, %s, %s, %s) RETURNING *) SELECT {COLUMNS} FROM o {JOINS}"""
UPDATE = f"""WITH o AS (UPDATE {SCHEMA}.c_opportunity SET c_next_step = %s, version = version + 1, updated_at = %s,
 updated_by = %s WHERE id = %s AND deleted_at IS NULL RETURNING *) SELECT {COLUMNS} FROM o {JOINS}"""


@asynccontextmanager
async def life(app: FastAPI) -> Any:
    options = {"autocommit": True}
    with ConnectionPool(os.environ["LIMIT_DATABASE"], min_size=4, max_size=12, kwargs=options) as pool:
        app.state.pool = pool
        with pool.connection() as conn:
            row = conn.execute(f"SELECT id FROM {SCHEMA}.user LIMIT 1").fetchone()
            app.state.me = row[0] if row else None
        yield


app = FastAPI(lifespan=life, openapi_url=None, docs_url=None, redoc_url=None)


def linked(id: Any, title: str | None) -> dict[str, Any] | None:
    return None if id is None else {"id": id, "title": title}


def record(row: tuple[Any, ...]) -> dict[str, Any]:
    return {
        "id": row[0], "owner": linked(row[1], row[2]), "department": linked(row[3], row[4]), "queue": row[5],
        "record_type": row[6], "created_at": row[7], "created_by": linked(row[8], row[9]), "updated_at": row[10],
        "updated_by": linked(row[11], row[12]), "version": row[13], "c_name": row[14],
        "c_account": linked(row[15], row[16]), "c_stage": row[17], "c_amount": row[18], "c_probability": row[19],
        "c_expected": row[20], "c_close_date": row[21], "c_source": row[22], "c_next_step": row[23],
        "c_lost_reason": row[24],
    }  # fmt: skip


def answer(value: Any, status: int = 200) -> Response:
    return Response(orjson.dumps(value, default=str), status, media_type="application/json")


def let_in(request: Request) -> bool:
    return request.headers.get("authorization") in KEYS


@app.get("/api/v1/records/c_opportunity/{id}")
def read(request: Request, id: str) -> Response:
    if not let_in(request):
        return Response(status_code=401)
    with request.app.state.pool.connection() as conn:
        row = conn.execute(READ, (id,)).fetchone()
    return Response(status_code=404) if row is None else answer(record(row))


@app.get("/api/v1/records/c_opportunity")
def list_page(request: Request, owner: str, stage: str, count: str = "none") -> Response:
    if not let_in(request):
        return Response(status_code=401)
    with request.app.state.pool.connection() as conn:
        rows = conn.execute(LIST, (owner, stage)).fetchall()
        total = conn.execute(COUNT, (owner, stage)).fetchone()[0] if count == "exact" else None
    return answer({"records": [record(row) for row in rows[:50]], "next": None, "count": total})


@app.post("/api/v1/records/c_opportunity")
async def create(request: Request) -> Response:
    from starlette.concurrency import run_in_threadpool

    return await run_in_threadpool(_create, request, await request.body())


def _create(request: Request, body: bytes) -> Response:
    if not let_in(request):
        return Response(status_code=401)
    given, now, me = orjson.loads(body), datetime.now(UTC), request.app.state.me
    amount, probability = Decimal(given["c_amount"]), Decimal(given["c_probability"])
    values = (
        uuid4(), me, now, me, now, me, given["c_name"], given["c_name"].lower(), given["c_account"], given["c_stage"],
        amount, probability, amount * probability / 100, given["c_close_date"], given["c_source"],
    )  # fmt: skip
    with request.app.state.pool.connection() as conn:
        return answer(record(conn.execute(INSERT, values).fetchone()), 201)


@app.patch("/api/v1/records/c_opportunity/{id}")
async def update(request: Request, id: str) -> Response:
    from starlette.concurrency import run_in_threadpool

    return await run_in_threadpool(_update, request, id, await request.body())


def _update(request: Request, id: str, body: bytes) -> Response:
    if not let_in(request):
        return Response(status_code=401)
    given = orjson.loads(body)
    with request.app.state.pool.connection() as conn:
        values = (given["c_next_step"], datetime.now(UTC), request.app.state.me, id)
        return answer(record(conn.execute(UPDATE, values).fetchone()))
