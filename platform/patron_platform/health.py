"""Health and metrics, outside the API's prefix: for load balancers and Prometheus; no key is asked and nothing is told.

`/health/live` answers while the process runs; `/health/ready` when the database answers too.
"""

from __future__ import annotations

from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import Response

from patron_engine.errors import PatronError
from patron_platform.service import Service

router = APIRouter()


@router.get("/health/live")
def live() -> Response:
    return Response(b'{"status":"ok"}', media_type="application/json")


@router.get("/health/ready")
def ready(request: Request) -> Response:
    service: Service = request.app.state.service
    try:
        with service.databases.system("read") as conn:
            conn.execute("SELECT 1")
    except PatronError:
        return Response(b'{"status":"unavailable"}', 503, {"Retry-After": "5"}, media_type="application/json")
    return Response(b'{"status":"ok"}', media_type="application/json")


@router.get("/metrics")
def metrics() -> Response:
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
