"""Reports that leave the pages: as files, by mail on their days, as alerts when a figure crosses."""

from __future__ import annotations
