"""Who may do what: decisions as values, asked by both ways."""

from __future__ import annotations
