"""What is asked, how it will be read, and the SQL of it."""

from __future__ import annotations
