"""Work after the response."""

from __future__ import annotations
