"""Support for tests: servers, builders, oracles."""

from __future__ import annotations
