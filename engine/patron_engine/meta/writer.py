"""Writer: a document -> YAML text that people keep in a repository.

In: a Document or a body. Out: text that read_documents reads back to the same body. Keys stand in the order of the
kind's schema, short maps on one line, lists of names on one line; equal bodies give equal text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Final

import yaml

from patron_engine.meta.document import Body, Document
from patron_engine.meta.kinds import KINDS, schema
from patron_engine.meta.reader import plain_value

WIDTH: Final = 112
# What YAML 1.1 readers make of a plain text; quoted, so that other tools read what we read.
_SURPRISING = yaml.SafeLoader.yaml_implicit_resolvers
_INDICATORS: Final = frozenset("-?:,[]{}#&*!|>'\"%@`")
_FIRST: Final = ("kind", "of", "name", "type", "was", "label", "plural", "needs")


def write_documents(documents: Iterable[Document]) -> str:
    """Several documents as one file."""
    return "---\n".join(write_document(document.body) for document in documents)


def write_document(body: Body) -> str:
    """One document as YAML, ending with a line break."""
    kind = str(body.get("kind"))
    properties = schema(kind).get("properties", {}) if kind in KINDS else {}
    order = (*_FIRST, *properties)
    keys = [k for k in dict.fromkeys(order) if k in body] + [k for k in body if k not in order]
    return "".join(_entry(key, body[key], 0) for key in keys)


def _entry(key: str, value: Any, indent: int) -> str:
    pad, head = " " * indent, f"{_key(key)}:"
    flow = _flow(value)
    short = flow is not None and len(pad) + len(head) + 1 + len(flow) <= WIDTH and not _better_open(value)
    if short or _is_small(value):
        return f"{pad}{head} {flow}\n"
    if isinstance(value, str):
        return f"{pad}{head} {_text(value, indent)}\n"
    if isinstance(value, Mapping):
        return f"{pad}{head}\n" + "".join(_entry(k, v, indent + 2) for k, v in value.items())
    return f"{pad}{head}\n" + "".join(_item(item, indent + 2) for item in value)


def _better_open(value: Any) -> bool:
    """A list of maps reads better with a line for each."""
    return isinstance(value, list) and any(isinstance(item, Mapping) for item in value)


def _is_small(value: Any) -> bool:
    """Nothing that could stand on lines of its own."""
    return not isinstance(value, str | Mapping | list) or value in ({}, [])


def _item(item: Any, indent: int) -> str:
    pad = " " * indent
    flow = _flow(item)
    if (flow is not None and len(pad) + 2 + len(flow) <= WIDTH) or _is_small(item):
        return f"{pad}- {flow}\n"
    if isinstance(item, Mapping):
        lines = "".join(_entry(k, v, indent + 2) for k, v in _ordered(item).items())
        return f"{pad}- {lines[indent + 2 :]}"
    if isinstance(item, list):
        inner = "".join(_item(i, indent + 2) for i in item)
        return f"{pad}- {inner[indent + 2 :]}"
    return f"{pad}- {_text(item, indent)}\n"


def _ordered(item: Mapping[str, Any]) -> dict[str, Any]:
    first = {key: item[key] for key in _FIRST if key in item}
    return {**first, **{key: value for key, value in item.items() if key not in first}}


def _flow(value: Any) -> str | None:
    """The value on one line, or None for a text of several lines."""
    if isinstance(value, Mapping):
        parts = [(_key(k), _flow(v)) for k, v in _ordered(value).items()]
        return (
            None if any(p[1] is None for p in parts) else "{" + ", ".join(f"{k}: {v}" for k, v in parts) + "}"
        )
    if isinstance(value, list | tuple):
        items = [_flow(item) for item in value]
        return None if None in items else "[" + ", ".join(str(item) for item in items) + "]"
    if isinstance(value, str):
        return None if "\n" in value else _scalar(value)
    return _plain(value)


def _plain(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Decimal):
        text = format(value, "f")
        return text if "." in text else f"{text}.0"
    raise TypeError(f"{type(value).__name__} cannot stand in a document")


def _key(key: str) -> str:
    return _scalar(key, key=True)


def _scalar(text: str, *, key: bool = False) -> str:
    """Plain where every reader takes it as this text, else quoted."""
    plain = (
        text
        and text == text.strip()
        and text.isprintable()
        and text[0] not in _INDICATORS
        and not any(mark in text for mark in (": ", " #", ",", "[", "]", "{", "}", "\\"))
        and not text.endswith(":")
        and (key or (plain_value(text) == text and isinstance(plain_value(text), str)))
        and not _surprises(text)
    )
    if plain:
        return text
    if text.isprintable() and "\\" not in text and '"' not in text:
        return f'"{text}"'
    if text.isprintable() and "'" not in text:
        return f"'{text}'"
    return _escaped(text)


def _surprises(text: str) -> bool:
    resolvers = [*_SURPRISING.get(text[0], ()), *_SURPRISING.get(None, ())]
    return text in ("<<", "=", "---", "...") or any(pattern.match(text) for _, pattern in resolvers)


def _escaped(text: str) -> str:
    dumped: str = yaml.dump(text, default_style='"', width=10**9, allow_unicode=True)
    return dumped.rstrip("\n")


def _text(text: str, indent: int) -> str:
    """A long text: a literal block where it has lines that a block can hold, else quoted on one line."""
    lines = text.split("\n")
    blocky = (
        all(line.isprintable() and line == line.rstrip() for line in lines)
        and lines[0]
        and lines[0][0] != " "
    )
    if "\n" not in text or not blocky:
        return _scalar(text) if "\n" not in text else _escaped(text)
    keep = (
        "" if text.endswith("\n") and not text.endswith("\n\n") else "-" if not text.endswith("\n") else "+"
    )
    shown = lines[:-1] if text.endswith("\n") else lines
    pad = " " * (indent + 2)
    return f"|{keep}\n" + "\n".join(pad + line if line else "" for line in shown)
