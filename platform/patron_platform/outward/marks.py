"""Marks: the few marks a text of a letter may have: `**bold**`, lists, headings, links. Pure.

In: a text. Out: HTML in which everything else is escaped; and back from HTML the plain text.
"""

from __future__ import annotations

import re
from html import escape, unescape
from typing import Final

_BOLD: Final = re.compile(r"(?<!\\)\*\*((?:[^*\\\n]|\\.){1,500})\*\*")
_LINK: Final = re.compile(r"(?<![\\\]])\[([^\[\]\n]{1,300})\]\((https?://[^\s()<>]{1,1500})\)")
_HEAD: Final = re.compile(r"(#{1,3}) (.{1,300})\Z")
_SPECIAL: Final = re.compile(r"([\\*\[\]#-])")
_MARK: Final = re.compile(r"\\([\\*\[\]#-])")
_TAG: Final = re.compile(r"<[^>]{0,2000}>")
_BREAK: Final = re.compile(r"</(?:p|div|tr|li|h[1-6]|table|ul)>|<br\s*/?>", re.IGNORECASE)


def escaped(text: str) -> str:
    r"""A value in which no mark means anything.

    >>> escaped("**a**")
    '\\*\\*a\\*\\*'
    """
    return _SPECIAL.sub(r"\\\1", text)


def html(text: str) -> str:
    """Paragraphs, lists and headings.

    >>> html("Hi **you** <b>\\n\\n- a\\n- b")
    '<p>Hi <strong>you</strong> &lt;b&gt;</p>\\n<ul><li>a</li><li>b</li></ul>'
    """
    made = []
    for block in re.split(r"\n\s*\n", text.strip()):
        lines = [line.rstrip() for line in block.split("\n")]
        heading = _HEAD.match(lines[0]) if len(lines) == 1 else None
        if heading:
            made.append(f"<h{len(heading[1])}>{_inline(heading[2])}</h{len(heading[1])}>")
        elif all(line.startswith("- ") for line in lines):
            made.append("<ul>" + "".join(f"<li>{_inline(line[2:])}</li>" for line in lines) + "</ul>")
        else:
            made.append("<p>" + "<br>".join(_inline(line) for line in lines) + "</p>")
    return "\n".join(made)


def _inline(line: str) -> str:
    text = escape(line)
    text = _LINK.sub(r'<a href="\2">\1</a>', text)
    text = _BOLD.sub(r"<strong>\1</strong>", text)
    return _MARK.sub(r"\1", text)


def plain(page: str) -> str:
    """The text of a page of HTML: a line for each of its blocks.

    >>> plain("<h1>A</h1><p>b &amp; c</p>")
    'A\\nb & c'
    """
    lines = unescape(_TAG.sub(" ", _BREAK.sub("\n", page))).split("\n")
    return "\n".join(" ".join(line.split()) for line in lines if line.strip())
