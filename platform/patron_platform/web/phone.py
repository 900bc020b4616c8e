"""Phone: what makes the pages an app on a telephone: the manifest of a workspace, the worker, the page without network.

In: requests of a browser. Out: JSON, a script, a page without anybody's data: the worker may keep it.
"""

from __future__ import annotations

from fastapi import APIRouter

router = APIRouter(include_in_schema=False)
