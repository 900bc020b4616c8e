"""Document: one definition as someone wrote it, with the line of every part of it.

In: made by reader.py from a file, or by the release store from a row. Out: check.py, references, layers.py.
Never changed after it is made: a layer, a pack or another body is a new Document.

A *path* is a tuple of keys and indices, as the body has them: `("fields", 3, "label")`. People, changes and problems
name it through the names of elements: `fields.amount.label` (path_text).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Path = tuple[str | int, ...]
Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One definition.

    name    of a change: what it changes ("object/account")
    body    plain values: dict, list, str, int, Decimal, bool, None; every key as written, `kind` and `name` too
    file    as the author named it, or None for a body that came over the API
    places  path -> 1-based line in that file
    layer   the layer it stands in ("core", "sales", "workspace"), "" until it is put into one
    """

    kind: str
    name: str
    body: Body
    file: str | None = None
    places: Mapping[Path, int] = field(default_factory=dict)
    layer: str = ""

    @property
    def key(self) -> tuple[str, str]:
        return (self.kind, self.name)

    def line(self, path: Path = ()) -> int | None:
        """The line of the part at `path`, or of the nearest part around it that has one."""
        for length in range(len(path), -1, -1):
            line = self.places.get(path[:length])
            if line is not None:
                return line
        return None

    def where(self, path: Path = ()) -> dict[str, Any]:
        """The place of a problem: `Problem(code=…, message=…, **document.where(path))`."""
        return {"file": self.file, "line": self.line(path), "path": path_text(self.body, path) or None}


def element_name(item: Any) -> str | None:
    """What an element of a list is called: its `name`, the `field` it shows, or, for a plain text, itself; a record of
    data by its `external_id`.

    >>> element_name({"name": "won"}), element_name({"field": "amount"}), element_name("-amount"), element_name(3)
    ('won', 'amount', 'amount', None)
    """
    if isinstance(item, str):
        return item.removeprefix("-") or None
    if isinstance(item, Mapping):
        for key in ("external_id", "name", "field"):
            if isinstance(item.get(key), str):
                return str(item[key])
    return None


def is_named_list(value: Any) -> bool:
    """True for a list whose elements all have different names: others can change such a list element by element."""
    if not isinstance(value, list):
        return False
    names = [element_name(item) for item in value]
    return None not in names and len(set(names)) == len(names)


def path_of(body: Any, text: str) -> Path | None:
    """The path that people write as `text`: what `path_text` gave. None when nothing stands there.

    >>> path_of({"nodes": [{"name": "boss", "after": [1]}]}, "nodes.boss.after")
    ('nodes', 0, 'after')
    """
    if not text:
        return ()
    steps: list[tuple[Any, str]] = []  # a key or an index of what is here, and how it is written
    if isinstance(body, Mapping):
        steps = [(key, str(key)) for key in body]
    elif isinstance(body, Sequence) and not isinstance(body, str):
        steps = [(n, element_name(item) or f"[{n}]") for n, item in enumerate(body)]
    for key, written in steps:
        if not text.startswith(written):
            continue
        rest = text[len(written) :]
        if rest and rest[0] not in ".[":
            continue
        further = path_of(body[key], rest.removeprefix("."))
        if further is not None:
            return (key, *further)
    return None


def path_text(body: Any, path: Path) -> str:
    """The path as people write it: names of elements instead of indices, `[2]` where an element has no name.

    >>> path_text({"fields": [{"name": "amount", "label": "A"}]}, ("fields", 0, "label"))
    'fields.amount.label'
    """
    text, here = "", body
    for step in path:
        if isinstance(step, int):
            here = here[step] if isinstance(here, list) and step < len(here) else None
            name = element_name(here)
            text += f".{name}" if name else f"[{step}]"
        else:
            here = here.get(step) if isinstance(here, Mapping) else None
            text += f".{step}"
    return text.removeprefix(".")


def walk(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every part of a body with its path, outer parts first."""
    yield path, value
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from walk(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from walk(inner, (*path, index))


def find_element(items: Sequence[Any], name: str) -> int | None:
    """The index of the element of this name, or of the one that had it before (`was`)."""
    for index, item in enumerate(items):
        if element_name(item) == name:
            return index
    for index, item in enumerate(items):
        if isinstance(item, Mapping) and name in former_names(item):
            return index
    return None


def former_names(item: Mapping[str, Any]) -> tuple[str, ...]:
    """`was` of a document or an element, as a tuple."""
    was = item.get("was")
    if isinstance(was, str):
        return (was,)
    return tuple(n for n in was if isinstance(n, str)) if isinstance(was, list) else ()


def is_expression(value: Any) -> bool:
    """True for a value that is worked out: a text that begins with `=`."""
    return isinstance(value, str) and value.startswith("=")


def literal(value: Any) -> Any:
    """The value a text stands for: `'=x` is the text `=x`.

    >>> literal("'=x"), literal("'x"), literal(3)
    ('=x', "'x", 3)
    """
    return value[1:] if isinstance(value, str) and value.startswith("'=") else value
