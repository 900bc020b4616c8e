"""The HTTP API under /api/v1: bodies in, ways called, answers out."""

from __future__ import annotations
