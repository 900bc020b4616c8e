"""Patron's service: identity, HTTP API, jobs, files and commands around the engine."""

from __future__ import annotations
