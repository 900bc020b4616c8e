"""Field types: how each kind of value is read, checked, kept and shown."""

from __future__ import annotations
