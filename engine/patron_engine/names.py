"""Names: what a definition may be called, and how names become physical identifiers of at most 63 bytes.

In: API names. Out: yes or no with a reason, and table and column names. Never looks at a database.
"""

from __future__ import annotations

import re
from hashlib import blake2s
from typing import Final

from patron_engine.phrases import Phrase

NAME: Final = re.compile(r"^[a-z][a-z0-9_]{0,39}$")

SYSTEM_COLUMNS: Final = (
    "id", "owner", "department", "queue", "created_at", "created_by", "updated_at", "updated_by",
    "version", "record_type", "deleted_at", "voided_at", "currency",
)  # fmt: skip
# Every record has these; `owner department queue` only where the object has an owner, `voided_at` with the feature
# void, `currency` on objects with `currency: record`.

EXPRESSION_WORDS: Final = frozenset(["and", "or", "not", "in", "is", "true", "false", "none", "if", "else"])
ROOT_WORDS: Final = frozenset(["old", "me", "this", "target", "event", "approver", "steps", "record_type"])
FLOW_WORDS: Final = frozenset(["approval", "path", "sla", "pool"])  # reserved for links and sets
POSTGRES_COLUMNS: Final = frozenset(["tableoid", "ctid", "xmin", "xmax", "cmin", "cmax"])


def name_fault(name: str) -> str | None:
    """Why `name` cannot be an API name, or None.

    >>> name_fault("amount"), name_fault("Amount") is not None, name_fault("a__b") is not None
    (None, True, True)
    """
    if not NAME.match(name):
        return Phrase("a name has 1 to 40 of a-z, 0-9 and _, and begins with a letter")
    if "__" in name or name.endswith("_"):
        return Phrase("'__' and a final '_' are kept for the database's parts of a field")
    return None


def physical_column(name: str) -> str:
    """The column a new field gets: its API name, unless PostgreSQL keeps that name for itself."""
    return f"{name}__f" if name in POSTGRES_COLUMNS else name


def composed(first: str, second: str) -> str:
    """`first__second`, shortened with a digest when it would pass PostgreSQL's 63 bytes.

    >>> composed("account", "tags")
    'account__tags'
    >>> len(composed("a" * 40, "b" * 40))
    63
    """
    whole = f"{first}__{second}"
    if len(whole) <= 63:
        return whole
    return f"{whole[:54]}_{blake2s(whole.encode(), digest_size=4).hexdigest()}"
