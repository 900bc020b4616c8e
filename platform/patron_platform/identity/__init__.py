"""Who is asking: accounts, memberships, API keys."""

from __future__ import annotations
