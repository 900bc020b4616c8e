"""The database: where the server comes from, pools of connections, the system's own tables, workspaces."""

from __future__ import annotations
