"""The rest of the API: the modules whose routers a process loads when the first of their addresses is asked for.

Records, which programs ask for most, are there from the beginning (patron_platform/app). What hangs on a record stands here with
longer addresses, and is asked before them.
"""

from __future__ import annotations

from patron_platform.api import (
    access,
    approvals,
    approvals_admin,
    audit,
    automations,
    buttons,
    converting,
    definitions,
    exports,
    files,
    giving,
    hooks,
    imports,
    merging,
    objects,
    outbox,
    packs,
    personal,
    pools,
    privacy,
    releases,
    reports,
    runs,
    search,
    webhooks,
)

MODULES = (
    access,
    files,
    converting,
    giving,
    buttons,
    pools,
    approvals_admin,
    approvals,
    merging,
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
    reports,
    outbox,
    webhooks,
)
