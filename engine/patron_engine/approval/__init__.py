"""Approvals: who decides about a record. A pure core: definition, instance and event in, new instance and effects out."""

from __future__ import annotations
