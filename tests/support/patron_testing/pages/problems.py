"""Problems: every code a person or a program can meet, collected from the source. Out: docs/reference/problems.md.

A code is found where the source says it: as `code=` of a call, beside its message in a call that tells of a problem
(`fault("bad_x", "x is bad")`) or in a tuple that becomes one, and as the `code` of a class of errors. Values in messages are
written as {…}. A code that is only handed on (code=problem.code) is found where it began.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from string import Formatter
from typing import Final

from patron_testing.pages.source import escape, modules

SLUG: Final = re.compile(r"[a-z][a-z0-9]*(_([a-z0-9]+|\{…\}))*")
# Calls whose arguments hold a code and, after it, the message.
TELLERS: Final = re.compile(
    r"_?(detail_)?(fault|problem|refused|stop|tell|wrong|add|complain|ValueFault|Fault)", re.IGNORECASE
)
NOT_MESSAGES: Final = ("run", "execute")  # take a `code` of another meaning
SHOWN: Final = 3  # patterns of one code; more say the same in other words

_HEAD: Final = """# Problems and errors

Made from the source by `python docs/generate.py`; do not edit by hand.

A *problem* is what is wrong with something that was sent: there may be many in one answer, each with `code`, `message`, place
(`path`, for definitions also `file` and `line`) and mostly a `hint`. An *error* ends a call; its `code` stands beside `detail`.
Codes are stable; messages may be worded anew. {…} stands for a value; where there is no message, it is put together
elsewhere or written in a definition (`rule` is a rule of an object: the message is its own, and `rule` names it). A code
that begins with `limit_`, and every code of a `LimitExceeded`, is the name of a limit: [limits](limits.md) has the figures.

## Errors

| error | code unless said | HTTP | what it means |
|---|---|---|---|
"""
_CODES: Final = """
## Codes

| code | messages | said in |
|---|---|---|
"""
# `Refused` and `PatronError` themselves say nothing more than the class below says.
_MEANS: Final = {
    "NotFound": "there is no such thing, or you may not know of it (the same answer)",
    "Forbidden": "you may see it and not do this",
    "Refused": "what was sent has problems, all of them in `problems`; nothing was changed",
    "NeedsConfirmation": "only warnings stand in the way: repeat the call and name their rules in `confirm`",
    "Conflict": "somebody was faster, or the state does not allow it",
    "StaleVersion": "the record has another version by now; `values` says what differs",
    "ReleaseChanged": "the definitions changed under the write, twice: repeat the call",
    "LimitExceeded": "a limit was reached; the code is its name",
    "Unavailable": "the database cannot answer at the moment: try again",
    "WrongUse": "a command or a setting makes no sense (exit code 2 of `patron`)",
}


@dataclass(slots=True, kw_only=True)
class Code:
    """One code: the patterns of its messages in the order they were found, and the modules that say it."""

    name: str
    messages: list[str] = field(default_factory=list)
    places: list[str] = field(default_factory=list)


@cache
def codes() -> dict[str, Code]:
    """Every code by its name, in alphabetical order."""
    found: dict[str, Code] = {}
    for module in modules():
        for name, messages in _of_module(module.tree):
            code = found.setdefault(name, Code(name=name))
            code.messages += [m for m in messages if m not in code.messages]
            if module.place not in code.places:
                code.places.append(module.place)
    return dict(sorted(found.items()))


def page() -> str:
    """The whole page."""
    return _HEAD + "".join(_errors()) + _CODES + "".join(_row(code) for code in codes().values())


def page_codes(text: str) -> set[str]:
    """The codes a page lists."""
    return set(re.findall(r"^\| `([^`]+)` \|", text.partition(_CODES)[2], re.MULTILINE))


def _errors() -> Iterator[str]:
    from patron_engine import errors
    from patron_platform.api.errors import STATUS

    status = {cls: number for cls, number in STATUS}
    for name, means in _MEANS.items():
        cls = getattr(errors, name)
        number = next(status[c] for c in cls.__mro__ if c in status)
        yield f"| {name} | `{cls.code}` | {number} | {means} |\n"


def _row(code: Code) -> str:
    shown = [escape(m) for m in code.messages[:SHOWN]] + (["…"] if len(code.messages) > SHOWN else [])
    return f"| `{code.name}` | {'<br>'.join(shown) or '-'} | {', '.join(code.places)} |\n"


def _of_module(tree: ast.Module) -> Iterator[tuple[str, list[str]]]:
    yield from _of_helpers(tree)
    for scope in (n for n in ast.walk(tree) if isinstance(n, (ast.FunctionDef, ast.Module, ast.ClassDef))):
        local = _assigned(scope)
        for node in _own_nodes(scope):
            if isinstance(node, ast.Call):
                yield from _of_call(node, local)
            elif isinstance(node, ast.Tuple):
                yield from _of_tuple(node, local)
        if isinstance(scope, ast.ClassDef):
            for statement in scope.body:
                if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "code":
                    about = (ast.get_docstring(scope) or "").partition("\n")[0]
                    yield from ((text, [about] if about else []) for text in _texts(statement.value, {}))


def _of_helpers(tree: ast.Module) -> Iterator[tuple[str, list[str]]]:
    """Codes that are handed to a function of the same module, as the argument it calls `code` (or `limit`, its name)."""
    at: dict[str, int] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            names = [a.arg for a in node.args.args if a.arg not in ("self", "cls")]
            for name in {"code", "limit"} & set(names):
                at[node.name] = names.index(name)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            place = at.get(ast.unparse(node.func).rpartition(".")[2])
            if place is not None and place < len(node.args):
                yield from ((code, []) for code in _slugs(node.args[place], {}, bare=False))


def _own_nodes(scope: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a scope without those of functions and classes inside it."""
    for child in ast.iter_child_nodes(scope):
        if not isinstance(child, (ast.FunctionDef, ast.ClassDef)):
            yield child
            yield from _own_nodes(child)


def _assigned(scope: ast.AST) -> dict[str, list[ast.expr]]:
    """What the names of a scope are set to."""
    local: dict[str, list[ast.expr]] = {}
    for node in _own_nodes(scope):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                names, values = [target], [node.value]
                if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                    names, values = target.elts, node.value.elts
                for name, value in zip(names, values, strict=False):
                    if isinstance(name, ast.Name):
                        local.setdefault(name.id, []).append(value)
    return local


def _of_call(call: ast.Call, local: dict[str, list[ast.expr]]) -> Iterator[tuple[str, list[str]]]:
    callee = ast.unparse(call.func).rpartition(".")[2]
    named = {k.arg: k.value for k in call.keywords}
    if "code" in named and callee not in NOT_MESSAGES:
        first = call.args[1:2] if callee == "Refused" else call.args[:1]
        message = named.get("message") or named.get("detail") or next(iter(first), None)
        codes, messages = list(_slugs(named["code"], local)), _messages(message, local)
        yield from ((code, messages) for code in codes)
    elif TELLERS.fullmatch(callee):
        for at, (one, message) in enumerate(zip(call.args, call.args[1:], strict=False)):
            if codes := list(_slugs(one, local, bare=at == 0 and callee != "add")):
                yield from ((code, _messages(message, local)) for code in codes)
                return


def _of_tuple(node: ast.Tuple, local: dict[str, list[ast.expr]]) -> Iterator[tuple[str, list[str]]]:
    """(code, message, hint …): a finding on its way. Headings and words side by side are none."""
    for element in node.elts:  # a table of limits: its codes are told of further on
        if isinstance(element, ast.Constant) and str(element.value).startswith("limit_"):
            yield str(element.value), []
    if len(node.elts) < 2 or (all(isinstance(e, ast.Constant) for e in node.elts[2:]) and len(node.elts) > 3):
        return
    messages = [m for m in _messages(node.elts[1], local) if " " in m]
    whole = isinstance(node.elts[0], ast.Constant)
    for code in _slugs(node.elts[0], local, bare=not whole or len(node.elts) > 2):
        if messages and ("_" in code or len(node.elts) > 2):
            yield code, messages


def _slugs(node: ast.expr, local: dict[str, list[ast.expr]], *, bare: bool = True) -> Iterator[str]:
    """Codes an expression can be; without `bare` only those that show by a _ that they are one."""
    for text in _texts(node, local):
        if SLUG.fullmatch(text) and (bare or "_" in text):
            yield text


def _messages(node: ast.expr | None, local: dict[str, list[ast.expr]]) -> list[str]:
    return [t for t in _texts(node, local) if t != "{…}" and t.strip()] if node is not None else []


def _pattern(template: str) -> str:
    """A template of a Phrase as the page shows it: "{count:,} files" -> "{…} files"."""
    parts = Formatter().parse(template)
    return "".join(text if place is None else f"{text}{{…}}" for text, place, _, _ in parts)


def _texts(node: ast.expr, local: dict[str, list[ast.expr]], depth: int = 0) -> Sequence[str]:
    """The texts an expression can be, as patterns; none where it says nothing."""
    if depth > 4:
        return ()
    below = depth + 1
    if isinstance(node, ast.Constant):
        return (node.value,) if isinstance(node.value, str) else ()
    if isinstance(node, ast.JoinedStr):
        return ("".join(str(v.value) if isinstance(v, ast.Constant) else "{…}" for v in node.values),)
    if isinstance(node, ast.IfExp):
        return (*_texts(node.body, local, below), *_texts(node.orelse, local, below))
    if isinstance(node, ast.BinOp):
        left, right = (_texts(side, local, below) or ("{…}",) for side in (node.left, node.right))
        return tuple(a + b for a in left for b in right)
    if isinstance(node, ast.BoolOp):
        return tuple(t for v in node.values for t in _texts(v, local, below))
    if isinstance(node, ast.Name):
        return tuple(t for value in local.get(node.id, ()) for t in _texts(value, local, below))
    if isinstance(node, ast.Dict):
        return tuple(t for value in node.values for t in _texts(value, local, below))
    if isinstance(node, ast.Subscript):
        return _texts(node.value, local, below) if isinstance(node.value, (ast.Dict, ast.Name)) else ()
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Phrase":
        return tuple(map(_pattern, _texts(node.args[0], local, below)))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "get":
        return tuple(t for part in (node.func.value, *node.args[1:]) for t in _texts(part, local, below))
    return ()
