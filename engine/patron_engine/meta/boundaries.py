"""Boundaries: where the documents of a file begin, told from its text alone: what is left when YAML cannot be read.

In: text. Out: what stands after a document, and what the documents call themselves.
"""

from __future__ import annotations

import re

_BOUNDARY = re.compile(r"^---(?=\s|\Z)", re.MULTILINE)
_KIND = re.compile(r"^kind:[ ]*[\"']?(\w+)", re.MULTILINE)
_NAMED = re.compile(r"^name:[ ]*[\"']?(\w+)", re.MULTILINE)


def after_document(source: str, began: int) -> tuple[str | None, int]:
    """What stands after the document that began on a line (from 0), on the lines it stood on, and its first line; None
    when nothing does."""
    at = sum(map(len, source.splitlines(keepends=True)[: began + 1]))
    following = _BOUNDARY.search(source, at)
    if following is None:
        return None, began
    line = source.count("\n", 0, following.start())
    return "\n" * line + source[following.start() :], line


def named_documents(content: bytes) -> frozenset[tuple[str, str]]:
    """Kind and name of every document that begins as one, whether it can be read or not."""
    found = set()
    for chunk in _BOUNDARY.split(content.decode("utf-8", errors="replace")):
        kind, name = _KIND.search(chunk), _NAMED.search(chunk)
        if kind and name:
            found.add((kind[1], name[1]))
    return frozenset(found)
