"""Patron's runtime engine: a library that turns definitions into tables, records and answers. It knows no web."""

from __future__ import annotations
