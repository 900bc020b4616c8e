"""Reports: a definition of groups and measures becomes a plan, one statement under the reader's rights, an answer."""

from __future__ import annotations
