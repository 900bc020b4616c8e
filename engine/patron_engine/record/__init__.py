"""Records: bound, checked, computed, written."""

from __future__ import annotations
