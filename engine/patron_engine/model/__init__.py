"""The compiled, immutable model of one release."""

from __future__ import annotations
