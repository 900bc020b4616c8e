"""The commands of `patron`, one file a group."""

from __future__ import annotations
