"""Flow: what happens by itself: rules as programs, runs as values, and what a step does to records."""

from __future__ import annotations
