"""The functions of the language, one file a group. A new function is one entry of one of these files."""

from __future__ import annotations
