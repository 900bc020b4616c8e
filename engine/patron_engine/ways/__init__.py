"""The natural ways of the data. Read these first: publish, save, read."""

from __future__ import annotations

from patron_engine.ways import approval_doors as approval_doors  # saves and runs reach approvals through them
