"""Palette: the colours options are drawn in. A page has a class for each; a colour of one's own becomes the nearest of them.

In: a colour of a definition. Out: the name of a token. No colour of a definition ever reaches a style.
"""

from __future__ import annotations

from functools import cache

TOKENS = {
    "gray": "#8b8d98", "red": "#e5484d", "rose": "#e54666", "pink": "#d6409f", "purple": "#8e4ec6",
    "violet": "#6e56cf", "indigo": "#3e63dd", "blue": "#0090ff", "sky": "#7ce2fe", "cyan": "#00a2c7",
    "teal": "#12a594", "emerald": "#29a383", "green": "#30a46c", "lime": "#bdee63", "yellow": "#ffe629",
    "amber": "#ffc53d", "orange": "#f76b15", "brown": "#ad7f58",
}  # fmt: skip
ALSO = {
    "slate": "gray", "stone": "gray", "silver": "gray", "black": "gray", "white": "gray", "gold": "amber",
}  # fmt: skip


@cache
def token_of(color: str | None) -> str | None:
    """
    >>> token_of("green"), token_of("slate"), token_of("#2fa56b"), token_of(None)
    ('green', 'gray', 'green', None)
    """
    if color is None:
        return None
    if color in TOKENS:
        return color
    if color in ALSO:
        return ALSO[color]
    wanted = _rgb(color)
    return min(
        TOKENS, key=lambda name: sum((a - b) ** 2 for a, b in zip(wanted, _rgb(TOKENS[name]), strict=True))
    )


def _rgb(color: str) -> tuple[int, ...]:
    return tuple(int(color[at : at + 2], 16) for at in (1, 3, 5))
