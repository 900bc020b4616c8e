"""Packs: folders of definitions, where they come from and in which order they stand."""

from __future__ import annotations
