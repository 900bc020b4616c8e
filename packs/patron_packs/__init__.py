"""CRM modules as folders of definitions; nothing here is imported by code."""

from __future__ import annotations
