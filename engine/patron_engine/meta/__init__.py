"""Documents: what someone wrote, and what each kind of document may say."""

from __future__ import annotations
