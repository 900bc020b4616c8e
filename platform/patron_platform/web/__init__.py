"""Pages for people, drawn on the server."""

from __future__ import annotations
