"""Regular expressions: the common subset of RE2 and PostgreSQL, rewritten so that both mean the same.

In: a pattern as an author wrote it. Out: one that uses only literal characters, explicit classes, groups,
alternatives, greedy bounded repeats and the two anchors; or a reason why not. RE2 runs it in linear time.
"""

from __future__ import annotations

import re
from typing import Final

import re2

from patron_engine.expr import limits
from patron_engine.phrases import Phrase

_CLASSES: Final = {"d": "0-9", "w": "0-9A-Za-z_", "s": " \\t\\n\\f\\r"}
_LITERAL: Final = frozenset(".^$*+?()[]{}|\\/-")
_REPEAT: Final = re.compile(r"\{([0-9]{1,3})(,([0-9]{0,3}))?\}")


class BadPattern(Exception):
    """Why a pattern cannot be used, in the author's words."""


def common_pattern(pattern: str) -> str:
    """The pattern in the common subset; BadPattern for what is outside it."""
    if not pattern or len(pattern) > limits.MAX_PATTERN_CHARS:
        raise BadPattern(Phrase("a pattern has 1 to {most} characters", most=limits.MAX_PATTERN_CHARS))
    out = _Translator(pattern).run()
    options = re2.Options()
    options.log_errors = False
    options.max_mem = 1 << 20
    try:
        re2.compile(out, options)
    except re2.error:
        raise BadPattern("the pattern cannot be read, or is too large") from None
    return out


class _Translator:
    def __init__(self, text: str) -> None:
        self.text, self.i, self.out = text, 0, ""
        self.repeats: list[int] = [1]  # of each open group: the largest repeat within it, multiplied
        self.last = 0  # what the repeat of the atom before multiplies to; 0 where nothing can be repeated

    def run(self) -> str:
        while self.i < len(self.text):
            self._step()
        if len(self.repeats) > 1:
            raise BadPattern("a bracket is not closed")
        return self.out

    def _step(self) -> None:
        c = self.text[self.i]
        if c == "\\":
            self._escape()
        elif c == "[":
            self._set()
        elif c == "(":
            self._open()
        elif c == ")":
            self._close()
        elif c in "*+?{":
            self._repeat(c)
        else:
            self.out += "[^\\n]" if c == "." else c
            self.last = 0 if c in "^$|" else 1
            if c in "]}":
                raise BadPattern(Phrase("write \\{c} for the character {c}", c=c))
            self.i += 1

    def _escape(self) -> None:
        c = self.text[self.i + 1 : self.i + 2]
        if c in _CLASSES and c:
            self.out += f"[{_CLASSES[c]}]"
        elif c and c.lower() in _CLASSES:
            self.out += f"[^{_CLASSES[c.lower()]}]"
        elif c in _LITERAL and c:
            self.out += "\\" + c if c not in "/-" else c
        elif c in ("n", "t", "r") and c:
            self.out += "\\" + c
        else:
            raise BadPattern(Phrase("\\{c} is not in the common subset of regular expressions", c=c))
        self.last = 1
        self.i += 2

    def _set(self) -> None:
        i = self.i + 1
        out = "["
        if self.text[i : i + 1] == "^":
            out, i = "[^", i + 1
        first = True
        while i < len(self.text) and (self.text[i] != "]" or first):
            c = self.text[i]
            if c == "[":
                raise BadPattern("write \\[ for a bracket inside brackets")
            if c == "\\":
                n = self.text[i + 1 : i + 2]
                if n and n in _CLASSES:
                    out += _CLASSES[n]
                elif n and (n in _LITERAL or n in "ntr"):
                    out += "\\" + n if n != "/" else n
                else:
                    raise BadPattern(Phrase("\\{n} cannot stand inside brackets", n=n))
                i += 2
            else:
                out += "\\]" if c == "]" else c
                i += 1
            first = False
        if i >= len(self.text):
            raise BadPattern("[ is not closed")
        self.out += out + "]"
        self.last = 1
        self.i = i + 1

    def _open(self) -> None:
        if self.text.startswith("(?", self.i) and not self.text.startswith("(?:", self.i):
            raise BadPattern("of the groups with (? only (?: is in the common subset")
        self.i += 3 if self.text.startswith("(?:", self.i) else 1
        self.out += "(?:"
        self.repeats.append(1)
        self.last = 0

    def _close(self) -> None:
        if len(self.repeats) == 1:
            raise BadPattern(") closes nothing")
        inner = self.repeats.pop()
        self.out += ")"
        self.last = inner
        self.repeats[-1] = max(self.repeats[-1], inner)
        self.i += 1

    def _repeat(self, c: str) -> None:
        if not self.last:
            raise BadPattern(Phrase("nothing stands before {c}", c=c))
        if c == "{":
            found = _REPEAT.match(self.text, self.i)
            if found is None:
                raise BadPattern("write {2}, {2,} or {2,5}, or \\{ for the character")
            low, high = int(found.group(1)), int(found.group(3) or found.group(1))
            whole, times = found.group(), max(low, high, 1)
            if high < low:
                raise BadPattern(Phrase("{whole} counts backwards", whole=whole))
        else:
            whole, times = c, 1
        self.i += len(whole)
        if self.text[self.i : self.i + 1] in ("?", "*", "+", "{"):
            raise BadPattern("one repeat after another is not in the common subset")
        times *= self.last
        if times > limits.MAX_PATTERN_REPEAT:
            raise BadPattern(
                Phrase("repeats, nested ones multiplied, are at most {most}", most=limits.MAX_PATTERN_REPEAT)
            )
        self.repeats[-1] = max(self.repeats[-1], times)
        self.out += whole
        self.last = 0
