"""One expression language with one meaning in Python and in SQL."""

from __future__ import annotations
