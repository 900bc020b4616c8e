"""From model to tables, as values first."""

from __future__ import annotations
