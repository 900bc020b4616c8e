"""Import and export of records as files."""

from __future__ import annotations
