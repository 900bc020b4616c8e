"""Sentences: everything the engine and the platform tell people, collected from the source.

A sentence is found where the source says it: as the template of a `Phrase`, or as a plain text where a problem or an error takes
its message or its hint. A text made by an f-string there can be said in no other language: it is found as a fault. What only a
person at a terminal reads (commands, the doctor, the database's own start) is left in English and left out here.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Final

from patron_testing.pages.problems import TELLERS
from patron_testing.pages.source import CHECKOUT, modules

TERMINAL: Final = (
    "store/", "pack/scaffold.py", "platform: database/", "platform: commands/", "platform: serve.py", "platform: cli.py",
    "platform: settings.py", "platform: demo.py", "platform: checking.py", "platform: sample/",
)  # fmt: skip
ASKED: Final = "platform: database/pools.py"  # what a busy database says reaches pages
ERRORS: Final = re.compile(
    r"_?(NotFound|Forbidden|Refused|NeedsConfirmation|Conflict|StaleVersion|ReleaseChanged|LimitExceeded|Unavailable|BadBody"
    r"|UnsupportedMedia|BodyTooLarge|Unauthenticated|TooManyRequests|CursorOutdated|Problem|PatronError|ExpressionError|LeaseLost"
    r"|NotSignedIn|WrongUse|BrokenRelease|problem|BadPattern|NoAnswer)"
)
NAMED: Final = frozenset({"message", "detail", "hint"})
HELD: Final = frozenset(
    {"message", "hint", "detail", "why", "reason", "fault", "what"}
)  # names that hold a text on its way
WORDS: Final = re.compile(r"[a-z]{2,}.* |^[A-Za-z]+ .*[a-z]{2,}")
CODE: Final = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """One text. `values` are the names a Phrase fills in; None for a plain text."""

    text: str
    place: str
    values: frozenset[str] | None = None


@cache
def sentences() -> tuple[Sentence, ...]:
    """Every sentence somebody may read, in the order of the source."""
    found = [s for module in modules() if _for_people(module.place) for s in _of(module.place, module.tree)]
    return (*found, *_titles())


@cache
def unsayable() -> tuple[str, ...]:
    """Texts that are put together where they are told, with their places."""
    return tuple(
        f"{module.place}:{node.lineno} {ast.unparse(node)[:80]}"
        for module in modules()
        if _for_people(module.place)
        for told in _told(module.tree)
        for node in _leaves(told)
        if isinstance(node, ast.JoinedStr) and WORDS.search("".join(_constants(node)))
    )


def _for_people(place: str) -> bool:
    return place == ASKED or not place.startswith(TERMINAL)


def _of(place: str, tree: ast.Module) -> Iterator[Sentence]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _name(node.func) == "Phrase" and node.args:
            names = frozenset(k.arg for k in node.keywords if k.arg)
            for leaf in _leaves(node.args[0]):
                if isinstance(leaf, ast.Constant) and isinstance(leaf.value, str):
                    yield Sentence(text=leaf.value, place=place, values=names)
        elif (
            isinstance(node, ast.AnnAssign)
            and ast.unparse(node.target) in ("OF_FIELD", "TITLES")
            and node.value
        ):
            for leaf in ast.walk(node.value):
                if isinstance(leaf, ast.Constant) and isinstance(leaf.value, str):
                    yield Sentence(text=leaf.value, place=place)
    for told in _told(tree):
        for leaf in _leaves(told):
            if isinstance(leaf, ast.Constant) and isinstance(leaf.value, str) and _is_sentence(leaf.value):
                yield Sentence(text=leaf.value, place=place)


def _told(tree: ast.Module) -> Iterator[ast.expr]:
    """The expressions that are told: arguments of what tells, parts of findings, what is held on the way."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            callee, code = _name(node.func), any(k.arg == "code" for k in node.keywords)
            if callee in ("Phrase", "run", "execute"):
                continue
            if TELLERS.fullmatch(callee) or ERRORS.fullmatch(callee) or code:
                yield from node.args
                yield from (k.value for k in node.keywords if k.arg in NAMED)
        elif isinstance(node, ast.Tuple) and len(node.elts) >= 2:
            if any(isinstance(e, ast.Constant) and CODE.fullmatch(str(e.value)) for e in node.elts[:2]):
                yield from node.elts[1:]
        elif isinstance(node, ast.Assign):
            if any(isinstance(t, ast.Name) and t.id in HELD for t in node.targets):
                yield node.value
        elif isinstance(node, ast.AnnAssign) and node.value is not None and ast.unparse(node.target) in HELD:
            yield node.value


def _leaves(node: ast.expr) -> Iterator[ast.expr]:
    """The texts an expression may be."""
    if isinstance(node, ast.IfExp):
        yield from (*_leaves(node.body), *_leaves(node.orelse))
    elif isinstance(node, ast.BoolOp):
        yield from (leaf for value in node.values for leaf in _leaves(value))
    else:
        yield node


def _constants(node: ast.JoinedStr) -> Iterator[str]:
    yield from (str(v.value) if isinstance(v, ast.Constant) else "…" for v in node.values)


def _name(func: ast.expr) -> str:
    return ast.unparse(func).rpartition(".")[2]


def _is_sentence(text: str) -> bool:
    """Words for people; not a sample of JSON, an address, SQL or a name."""
    return WORDS.search(text) is not None and not text.startswith(('{"', '"', "http", "not in"))


def _titles() -> Iterator[Sentence]:
    """What the schemas of definitions call a value: "a language code"."""
    for path in sorted((CHECKOUT / "engine/patron_engine/meta/schemas").glob("*.json")):
        yield from (
            Sentence(text=t, place=f"meta/schemas/{path.name}")
            for t in _titles_in(json.loads(path.read_text("utf-8")))
        )


def _titles_in(part: object) -> Iterator[str]:
    if isinstance(part, dict):
        title = part.get("title")
        if isinstance(title, str) and " " in title:  # one word is the name of a kind
            yield title
        for inner in part.values():
            yield from _titles_in(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from _titles_in(inner)
