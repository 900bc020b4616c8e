"""Versions: semantic versions and ranges of them, as packs write them (`>=1.0 <2`, `^1.2`, `~1.2`, `1.2.0`, `*`).

In: text. Out: comparable values and a yes or no. Knows nothing of packs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import total_ordering

_VERSION = re.compile(r"(\d+)(?:\.(\d+))?(?:\.(\d+))?(?:-([0-9A-Za-z.-]+))?\Z")
_PART = re.compile(r"\s*(>=|<=|>|<|==|=|\^|~)?\s*([0-9][0-9A-Za-z.-]*)")


@total_ordering
@dataclass(frozen=True, slots=True)
class Version:
    """1.2.3-rc.1 in parts; a version with a pre-release stands before the one without."""

    major: int
    minor: int
    patch: int
    pre: tuple[str, ...] = ()

    def __lt__(self, other: Version) -> bool:
        mine, theirs = (self.major, self.minor, self.patch), (other.major, other.minor, other.patch)
        if mine != theirs:
            return mine < theirs
        if bool(self.pre) != bool(other.pre):
            return bool(self.pre)
        return [_rank(p) for p in self.pre] < [_rank(p) for p in other.pre]

    def __str__(self) -> str:
        tail = f"-{'.'.join(self.pre)}" if self.pre else ""
        return f"{self.major}.{self.minor}.{self.patch}{tail}"


def _rank(part: str) -> tuple[int, int, str]:
    """Numbers stand before words, and are compared as numbers."""
    return (0, int(part), "") if part.isdigit() else (1, 0, part)


def parse_version(text: str) -> Version | None:
    """A version, or the beginning of one (1.2 is 1.2.0); None for anything else."""
    match = _VERSION.match(text.strip())
    if match is None:
        return None
    major, minor, patch, pre = match.groups()
    return Version(int(major), int(minor or 0), int(patch or 0), tuple(pre.split(".")) if pre else ())


def fits(version: str, wanted: str) -> bool:
    """Is the version in the range? A text that is no version, or no range, fits nothing.

    >>> fits("1.4.0", ">=1.0 <2"), fits("2.0.0", ">=1.0 <2"), fits("1.9.0", "^1.2"), fits("1.3.0", "~1.2")
    (True, False, True, False)
    """
    found = parse_version(version)
    if found is None:
        return False
    if wanted.strip() in ("", "*"):
        return True
    at = 0
    while at < len(wanted.rstrip()):
        part = _PART.match(wanted, at)
        border = parse_version(part[2]) if part else None
        if part is None or border is None or not _holds(found, part[1] or "=", border, part[2]):
            return False
        at = part.end()
    return True


def _holds(found: Version, sign: str, border: Version, text: str) -> bool:
    if sign in ("^", "~"):
        return border <= found < _next(border, sign, text)
    if sign in ("=", "=="):  # 1.2 alone means any 1.2.x
        return found == border if text.count(".") >= 2 else border <= found < _next(border, "=", text)
    return {">=": found >= border, "<=": found <= border, ">": found > border, "<": found < border}[sign]


def _next(border: Version, sign: str, text: str) -> Version:
    """The first version that is too new."""
    if sign == "^" and border.major == 0:
        return Version(0, border.minor + 1, 0) if border.minor or text.count(".") else Version(1, 0, 0)
    if sign == "^" or text.count(".") == 0:
        return Version(border.major + 1, 0, 0)
    return Version(border.major, border.minor + 1, 0)
