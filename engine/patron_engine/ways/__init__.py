"""The natural ways of the data. Read these first: publish, save, read."""

from __future__ import annotations
