"""The rest of the API: the modules whose routers a process loads when the first of their addresses is asked for.

Records, which programs ask for most, are there from the beginning (patron_platform/app).
"""

from __future__ import annotations

from patron_platform.api import (
    audit,
    automations,
    definitions,
    exports,
    hooks,
    imports,
    objects,
    outbox,
    packs,
    personal,
    privacy,
    releases,
    runs,
    search,
    webhooks,
)

MODULES = (
    objects,
    search,
    definitions,
    releases,
    packs,
    hooks,
    imports,
    exports,
    personal,
    privacy,
    audit,
    automations,
    runs,
    outbox,
    webhooks,
)
