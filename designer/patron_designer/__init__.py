"""Patron's workbench for admins: a web module of the platform."""

from __future__ import annotations
