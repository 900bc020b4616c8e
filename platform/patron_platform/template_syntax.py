"""Template syntax: whether the templates of a pack can be read at all, and hold only what may stand in one (outward/sandbox).
Of their names knows template_names.

In: a pack. Out: Problems: of a text in a document with its place there, of a file with its line.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from jinja2 import TemplateSyntaxError
from jinja2.sandbox import SandboxedEnvironment

from patron_engine.meta.document import Path
from patron_engine.pack.source import Pack
from patron_engine.phrases import Phrase
from patron_engine.problems import Problem
from patron_platform.outward.sandbox import forbidden

HINT = "{{ a.value }}, {% if … %} … {% endif %}, {% for line in lines %} … {% endfor %}"


def template_problems(pack: Pack) -> list[Problem]:
    """Every template that Jinja cannot read."""
    reader = SandboxedEnvironment()
    found = []
    for document in pack.documents:
        if document.kind == "template":
            for path, text in texts_of(document.body):
                found += [problem for _, problem in _faults(reader, text, document.where(path))]
    for name, text in pack.templates.items():
        found += [replace(problem, line=line) for line, problem in _faults(reader, text, {"file": name})]
    return found


def texts_of(body: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    """The texts of a template that stand in its document, with their places."""
    for key in ("subject", "body"):
        value = body.get(key)
        if isinstance(value, str):
            yield (key,), value
        elif isinstance(value, Mapping):
            yield from (((key, code), text) for code, text in value.items() if isinstance(text, str))


def _faults(
    reader: SandboxedEnvironment, text: str, place: Mapping[str, Any]
) -> Iterator[tuple[int, Problem]]:
    """(line of the text, what is wrong there)."""
    try:
        tree = reader.parse(text)
    except TemplateSyntaxError as fault:
        yield fault.lineno, _problem(fault, **place)
        return
    for line, what in forbidden(tree):
        said = Phrase("{what} may not stand in a template (line {line})", what=what, line=line)
        yield line, Problem(code="template_forbidden", message=said, hint=HINT, **place)


def _problem(fault: TemplateSyntaxError, **place: Any) -> Problem:
    return Problem(
        code="template_syntax",
        message=Phrase("the template cannot be read: {message}", message=fault.message),
        hint=HINT,
        **place,
    )
