"""Drafts and numbered releases."""

from __future__ import annotations
