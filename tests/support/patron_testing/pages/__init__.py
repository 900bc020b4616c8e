"""Pages of docs/reference that are made: from the schemas of kinds and from the source. `docs/generate.py` writes them."""

from __future__ import annotations
