"""Outward: what leaves the service: over HTTP, by mail, to chat groups. Nothing else opens a connection to the outside."""

from __future__ import annotations
